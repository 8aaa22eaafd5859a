/* model_text.h - what the two halves of the model emitter share
 *
 * model.c prints what an architecture is (dims, parameters, inputs); steps.c
 * prints what it does (the functions that append steps).
 */
#ifndef GEN_EMIT_MODEL_TEXT_H
#define GEN_EMIT_MODEL_TEXT_H

#include "emit/families.h"
#include "emit/out.h"
#include "ir/ir.h"

/* A number expression in C; loop variables and dims under their names, lists as
 * those of `d`, a qvl_dims. */
void text_int(qvl_str *s, const ir_module *m, const ir_int *e);
/* Number of elements in C, as the product of the shape's dims; "1" without any. */
void text_elems(qvl_str *s, const ir_module *m, const ir_shape *shape);
/* Declarations of the dims that `body` names, as locals; not of lists, nor of those
 * that a chunk has for itself. */
void text_dims(out *o, const ir_module *m, const char *body);
/* Position of a parameter family in the table of first places, as a word: W_NAME. */
void text_param(qvl_str *s, const ir_module *m, int index);

/* `static void NAME(qvl_program *p, const qvl_dims *d)`, which appends the steps of m,
 * a module after the size pass. Fails as families_of_op and ir_bind do; the function
 * is there then, as far as it came. */
int emit_steps(out *o, families *f, ir_module *m, const char *name,
               qvl_err *err);

#endif
