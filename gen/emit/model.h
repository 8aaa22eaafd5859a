/* model.h - a module as C that appends its steps to a program
 *
 * The text is written to be read: a function a phase, a loop a repeat, above each
 * step its call and its line in the spec, values under their names. Declared in
 * src/graph/arch.h is what it defines: one `const qvl_arch qvl_arch_NAME`.
 */
#ifndef GEN_EMIT_MODEL_H
#define GEN_EMIT_MODEL_H

#include "emit/families.h"
#include "ir/ir.h"

/* The modules, by ir_phase, come from the same spec and have been through all passes.
 * `header` declares the families; those of their ops are added to f. Fails as
 * families_of_op does; what was appended to s until then stays there. */
int emit_model(qvl_str *s, families *f, ir_module *const phase[IR_N_PHASE],
               const char *header, qvl_err *err);

#endif
