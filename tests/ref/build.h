/* build.h - layer specs through the passes of the generator, for tests */
#ifndef REF_BUILD_H
#define REF_BUILD_H

#include "ir/ir.h"

/* What a spec is built for, as ir_phase. */
typedef enum { REF_INFER, REF_DECODE, REF_TRAIN, REF_N_PHASES } ref_phase;

/* Every kernel of a folder, sorted by file name. */
int ref_kernels_read(kern_set *set, const char *folder, qvl_arena *arena,
                     qvl_err *err);

/* The spec `path`, lowered for a phase, after the pass `stop` (pass_run). The
 * module, whose kernels are `set`, belongs to the arena. */
int ref_build(ir_module **out, const kern_set *set, const char *path,
              ref_phase phase, const char *stop, qvl_arena *arena,
              qvl_err *err);

/* The same for a text; `file` is its name in messages. */
int ref_build_text(ir_module **out, const kern_set *set, const char *file,
                   const char *text, ref_phase phase, const char *stop,
                   qvl_arena *arena, qvl_err *err);

#endif
