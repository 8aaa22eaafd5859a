/* tiles.h - which tile sizes a kernel can be compiled with
 *
 * One set of rules for the generator, which reads configs/tune/, and for runs,
 * which read a user's table (tune.h) and search for better sizes (search.h).
 * What only one kernel needs it says itself, as `needs` and `shared` of its
 * signature; they stand as texts in its record (kernel.h).
 *
 * A formula is a text of whole numbers (`u` may follow), names, parentheses,
 *     * / %   + -   < <= > >=   == !=   &&   ||
 * in C's order, and ceil_div(a, b), min_u32(a, b), max_u32(a, b).
 */
#ifndef QVL_BACKEND_TILES_H
#define QVL_BACKEND_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/kernel.h"
#include "base/err.h"

/* LANES, VW, other tiles, constants. */
#define QVL_MAX_WORDS (2 + QVL_KERNEL_MAX_TILES + QVL_KERNEL_MAX_CONSTS)

/* Names a formula may use, with their values. */
typedef struct {
    int n;
    const char *name[QVL_MAX_WORDS];
    uint32_t value[QVL_MAX_WORDS];
} qvl_words;

/* Value of a formula; conditions are 1 or 0. False, and *value unchanged, when
 * the text is none, has an unknown name, divides by 0, or leaves 2^62. */
bool qvl_formula(const char *text, const qvl_words *words, int64_t *value);

/* What a device, or every device of a class, can do. */
typedef struct {
    uint32_t max_lanes;
    uint32_t max_vector;      // largest VW
    const qvl_tiling *turns;  // a lane's loops may turn as often as with these
                              // tiles, or 1024 times, where every dim is 4096;
                              // NULL: as often as they like
} qvl_tile_limits;

/* Limits of all devices of a class, `turns` not among them. */
qvl_tile_limits qvl_tile_limits_of(qvl_class device_class);

/* Can the kernel be compiled with these tiles, whatever its dims? Lanes are a
 * power of two, VW is 1, 4, 8 or 16, others 1 to 65536, what the kernel needs
 * holds, and loops turn no more often than the limits say. QVL_E_CONFIG: "kernel K:
 * found BM = 7, RM = 2, expected ...". */
int qvl_tiles_check(const qvl_kernel *k, const qvl_tiling *t,
                    const qvl_tile_limits *limits, qvl_err *err);

/* Bytes that the lanes of a group share, with constant [k->n_consts]; SIZE_MAX
 * where an array has no size, or one beyond 2^31 words. */
size_t qvl_tiles_shared_bytes(const qvl_kernel *k, const qvl_tiling *t,
                              const uint32_t *constant);

/* Such bytes that a group of any device of a class may have: what Vulkan
 * promises, or, where one lane has them to itself, what fits its stack. */
size_t qvl_tiles_most_shared(qvl_class device_class, uint32_t lanes);

#endif
