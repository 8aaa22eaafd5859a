/* tune.h - tile sizes of the kernels for each class of device
 *
 * configs/tune/ has one file a class (host, opencl-cpu, vulkan-cpu, gpu):
 *
 *     default: {LANES: 1, VW: [4, 8, 16]}
 *     matmul_nt: {RM: [4, 4, 6], RN: 4, BLOCK_M: 48}
 *
 * A value is looked up under the kernel, then under `default`. A tile without a
 * value in some class is an error (emit_tune_tiling), and so is a kernel or a
 * tile that does not exist (emit_tune_check): nothing is guessed.
 *
 * A list of three, in host.yaml alone, is one value per instruction set (v2,
 * v3, v4). Tiles that a kernel's `groups` mentions are one number, because the
 * caller counts groups without asking which set will run.
 */
#ifndef GEN_EMIT_TUNE_H
#define GEN_EMIT_TUNE_H

#include "backend/kernel.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "kern/kern.h"

typedef struct {
    const qvl_node *root[QVL_N_CLASS];  // a map each
} emit_tune;

/* Read the four files of a folder; the trees belong to the arena. Fails as
 * qvl_file_read and qvl_yaml_parse do, and *tune is unchanged then. */
int emit_tune_read(emit_tune *tune, const char *folder, qvl_arena *arena,
                   qvl_err *err);

/* Refuse, with QVL_E_CONFIG and the place, what names no kernel of the set or no
 * tile of it (under `default`: of any kernel), and what is no map of tiles. Says
 * nothing of values, nor of a tile without one: emit_tune_tiling does. */
int emit_tune_check(const emit_tune *tune, const kern_set *set, qvl_err *err);

/* Look up LANES and every tile of one kernel. `isa` picks from lists and matters
 * for QVL_CLASS_HOST alone. Fails with QVL_E_CONFIG when a tile has no value in
 * the class or one that is no number, when a list stands where one number is
 * wanted, and for tiles that no device of the class can run or that share more
 * than each of them has (backend/tiles.h). On error *tiling is unchanged. */
int emit_tune_tiling(const emit_tune *tune, const kern *k, qvl_class cls,
                     qvl_isa isa, qvl_tiling *tiling, qvl_err *err);

#endif
