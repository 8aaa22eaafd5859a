/* tune.h - tile sizes of the kernels for each class of device
 *
 * configs/tune/ has one file a class (host, opencl-cpu, vulkan-cpu, gpu):
 *
 *     default: {LANES: 1, VW: [4, 8, 16]}
 *     matmul_nt: {RM: [4, 4, 6], RN: 4, BLOCK_M: 48}
 *
 * A value is looked up under the kernel, then under `default`. A tile without a
 * value in some class is an error, and so is a kernel or a tile that does not
 * exist: nothing is guessed.
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
    const qvl_node *root[QVL_N_CLASS];
} emit_tune;

/* Read the four files of a folder; the trees belong to the arena. Fails with
 * QVL_E_CONFIG, or QVL_E_IO for a missing file. */
int emit_tune_read(emit_tune *tune, const char *folder, qvl_arena *arena,
                   qvl_err *err);

/* Entries for kernels or tiles that do not exist. */
int emit_tune_check(const emit_tune *tune, const kern_set *set, qvl_err *err);

/* Tiles of one kernel; those that no device of the class can run are refused
 * (backend/tiles.h). `isa` picks from lists and matters for QVL_CLASS_HOST
 * alone. On error *tiling is unchanged. */
int emit_tune_tiling(const emit_tune *tune, const kern *k, qvl_class cls,
                     qvl_isa isa, qvl_tiling *tiling, qvl_err *err);

#endif
