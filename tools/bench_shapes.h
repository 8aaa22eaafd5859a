/* bench_shapes.h - which kernels are measured alone, and at what sizes
 *
 * A shape is written in the words that `qvl bench kernels --json` prints, so that
 * what it printed can be read again:
 *
 *     {"name": "matmul_nt", "shape": "512 x 2048 x 2048"}
 *     {"name": "attention", "shape": "2304 x 8 heads of 64"}
 *
 * Of a product the rows and columns of its result and the length of its sums, of
 * attention tokens, heads and numbers of a head.
 */
#ifndef TOOLS_BENCH_SHAPES_H
#define TOOLS_BENCH_SHAPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct {
    const char *op;
    bool is_attention;
    uint32_t dim[3];    // m, n, k; tokens, heads, size of a head
    const char *place;  // FILE:LINE; NULL: built in
} bench_shape;

typedef struct {
    bench_shape *item;  // [n] of the arena
    int n;
} bench_shape_list;

/* Names of the kernels that have shapes, with ", " between them. */
const char *bench_shape_ops(void);

/* The shape in words. */
void bench_shape_text(char text[48], const bench_shape *shape);

/* The shapes that are built in; smaller ones where a device is slow. */
bench_shape_list bench_shapes_builtin(bool is_slow, qvl_arena *arena);

/* Read a file, a map a line with `name` (or `op`) and `shape`; other keys are
 * ignored, and so are blank lines and the lines of a library, which has no
 * shapes of its own. Fails with QVL_E_FORMAT or QVL_E_DATA and the line; with
 * QVL_E_DATA when there is none, QVL_E_IO; runs out of host memory as an arena does,
 * or with QVL_E_MEMORY. */
int bench_shapes_load(bench_shape_list *list, const char *path,
                      qvl_arena *arena, qvl_err *err);

#endif
