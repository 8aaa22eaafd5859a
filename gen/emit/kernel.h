/* kernel.h - print compiled forms of kernels: C, OpenCL C, GLSL, their table
 *
 * Every function here but emit_dialect_read is pure: the same forms and the same
 * tiles give the same bytes, appended to s. The forms were checked
 * (emit_kernel_check) and named (emit_kernel_name, gen/emit/form.h); tiles come from
 * gen/emit/tune.h.
 *
 * What the build does with the texts
 *   C        emit_kernel_c, a file for the forms of one kernel, is compiled
 *            once per instruction set with -march=x86-64-v2|v3|v4,
 *            -DQVL_ISA_NAME=v2|v3|v4, -I shaders, and flags that let sums be
 *            reordered and products be fused with them (cmake/generate.cmake);
 *            NaN and infinity keep their meaning. It defines for each form
 *                qvl_k_<id>_<isa>   of type qvl_kernel_fn
 *                qvl_s_<id>_<isa>   of type qvl_store_fn (library kernels)
 *   GLSL     emit_kernel_glsl, one <id>.comp a form, is compiled by
 *                glslangValidator --target-env vulkan1.2 -V -Ishaders
 *            (gen/glslang.c does it for many) and, where it is found, spirv-opt -O.
 *            emit_kernel_spirv turns each result into an array; all arrays go into
 *            one file that the table includes, so that their sizes are constants.
 *   OpenCL C travels inside the table as text and is compiled on the machine
 *            that runs it.
 *   table    emit_kernel_table: one qvl_kernel for each form and the array of
 *            them; compiled with -I src (backend/kernel.h).
 *
 * How the forms look to those who call them is in src/backend/kernel.h, the
 * language of their bodies in gen/kern/kern.h.
 */
#ifndef GEN_EMIT_KERNEL_H
#define GEN_EMIT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "emit/tune.h"
#include "kern/kern.h"

/* The forms in C for all instruction sets, tiles of QVL_CLASS_HOST. `file` is
 * the name under which the text is saved, for #line. Fails as emit_tune_tiling
 * does; what was appended until then stays there. */
int emit_kernel_c(qvl_str *s, const kern_form *const *forms, int n_forms,
                  const emit_tune *tune, const char *file, qvl_err *err);

/* The texts of shaders/dialect/ that OpenCL C carries along, without comments;
 * they belong to the arena. */
typedef struct {
    const char *opencl;  // opencl.h and math.h, to stand before a kernel
} emit_dialect;

/* Read the dialect from a folder ("shaders/dialect"). Fails as qvl_file_read does,
 * and *dialect is unchanged then. */
int emit_dialect_read(emit_dialect *dialect, const char *folder,
                      qvl_arena *arena, qvl_err *err);

/* One form in GLSL; the dialect is included by name. */
void emit_kernel_glsl(qvl_str *s, const kern_form *form);

/* SPIR-V of a form as `static const uint32_t qvl_spv_<id>[]`. Fails with
 * QVL_E_FORMAT, and appends nothing, when the bytes are no SPIR-V. */
int emit_kernel_spirv(qvl_str *s, const char *id, const void *spirv,
                      size_t bytes, qvl_err *err);

/* The table. Defines
 *     const qvl_kernel *const NAME[]; const int NAME_count;
 * in the order of the forms, and for each form `const qvl_kernel qvl_kernel_ID`.
 * Compiled with -DQVL_WITHOUT_v4 it does without the C of that instruction set.
 * Both arrays and records are to be declared extern by those who use them. Fails as
 * emit_kernel_c. */
typedef struct {
    const char *name;             // of the array
    const char *spirv_include;    // file of the SPIR-V arrays; NULL: none
    const emit_dialect *dialect;  // NULL: without OpenCL C
} emit_table_opt;

int emit_kernel_table(qvl_str *s, const kern_form *const *forms, int n_forms,
                      const emit_tune *tune, const emit_table_opt *opt,
                      qvl_err *err);

#endif
