/* pass.h - the passes of the generator, in the order of gen/main.c
 *
 *   lower     statements of a spec -> ops of the forward pass
 *   grad      adds the ops of the backward pass (for training)
 *   simplify  drops ops nobody reads; folds expressions
 *   fuse      joins elementwise ops, and moves them into the op before
 *   size      counts uses, marks values that outlive their region
 *
 * Each takes a module that ir_check accepts and leaves one that it accepts.
 */
#ifndef GEN_PASS_H
#define GEN_PASS_H

#include "front/spec.h"
#include "ir/ir.h"

int pass_lower(ir_module *m, const spec *s, qvl_err *err);
int pass_grad(ir_module *m, qvl_err *err);
int pass_simplify(ir_module *m, qvl_err *err);
int pass_fuse(ir_module *m, qvl_err *err);
int pass_size(ir_module *m, qvl_err *err);

#endif
