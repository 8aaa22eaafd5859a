/* pass.h - the passes of the generator, in the order in which they run
 *
 *   lower     statements of a spec -> ops of the forward pass
 *   grad      adds the ops of the backward pass (for training)
 *   simplify  removes ops nobody reads
 *   fuse      joins elementwise ops, and moves them into the op before
 *   size      counts uses, marks values that outlive their region
 *
 * Each takes a module that ir_check accepts and leaves one that it accepts
 * (lower: one whose tables spec_read filled, without a program). After an error a
 * module is half built and good for nothing but the release of its arena.
 *
 * Errors are QVL_E_CONFIG for what the spec asks, as a rule with its line and, where
 * a text is at fault, a caret, and so for a function whose kernel shaders/ lacks;
 * QVL_E_INTERNAL where shaders/ lacks `map` or a kernel of the backward pass, or a
 * rule of gradients is missing. err is never NULL.
 */
#ifndef GEN_PASS_H
#define GEN_PASS_H

#include "front/spec.h"
#include "ir/ir.h"

/* Run the passes that the module's phase has, each followed by ir_check, up to
 * and with `last`; NULL: all of them. Fails as the passes do, as ir_check does, and
 * with QVL_E_USAGE, before any pass has run, when the phase has no pass of that
 * name. */
int pass_run(ir_module *m, const spec *sp, const char *last, qvl_err *err);

/* Fill the program and the outputs of m from the statements of the spec that
 * filled its tables. Costs a search of all values for each name of a parameter
 * and each row range of a chunk: quadratic in the length of a program. */
int pass_lower(ir_module *m, const spec *sp, qvl_err *err);

/* Append the functions that a spec may use, a line each: NAME(ARGUMENTS), what it
 * returns. */
void pass_print_functions(qvl_str *out);

/* Append the ops that add up the gradient of every parameter which a loss
 * depends on, to a module of phase IR_TRAIN. QVL_E_CONFIG, with the line, for what
 * has no gradient: a parameter read as a value, a value for reports, what a chunk
 * leaves to those behind it, a lookup in a chunk, in a chunk what has other rows, a
 * factor a row, a function without derivative, a size beyond the limits of poly.h,
 * more than IR_MAX_CARRY sums out of one region. Costs searches of all values:
 * quadratic in the length of a program. */
int pass_grad(ir_module *m, qvl_err *err);

/* Drop ops, loads, stores and carries that no output, gradient or state needs. */
void pass_simplify(ir_module *m);

/* Join elementwise ops, and move them into the op before. Leaves n_uses counted;
 * counts all uses again for each round that joins something. */
void pass_fuse(ir_module *m);

/* Set n_uses and escapes of every value (by root), and m->is_sized. */
void pass_size(ir_module *m);

#endif
