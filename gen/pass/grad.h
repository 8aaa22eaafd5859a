/* grad.h - the backward pass: what the walk and the rules share
 *
 * grad.c walks the module backwards, region by region; rules.c holds the table
 * of gradient rules, one for each kernel that a spec can reach. A rule reads the
 * gradients of its op's outputs and adds ops that make those of its inputs.
 *
 * What fails here does so with QVL_E_CONFIG and the line of the spec, where its
 * author can help it; with QVL_E_INTERNAL for a kernel without a rule, and for sums
 * and views that do not fit; as ir_op_add and ir_map_add do for what a rule adds.
 * *out is of no use then.
 */
#ifndef GEN_PASS_GRAD_H
#define GEN_PASS_GRAD_H

#include "pass/pass.h"

typedef struct grad_scope grad_scope;

typedef struct {
    ir_module *m;
    ir_builder b;       // where backward ops go
    grad_scope *scope;  // forward region that is being walked
    qvl_err *err;       // never NULL
} grad;

/* The whole gradient of v: the sum of what its readers added, NULL when none
 * did. Taken once, when everything that reads v has been walked. Appends the ops
 * that add up, and gathers slices. */
int grad_take(grad *g, ir_value *v, ir_value **out);

/* Add dv, of v's shape, to the gradient of v. What takes none (grad_wanted) is
 * passed over; a parameter is refused, as ops add to its sum. */
int grad_give(grad *g, ir_value *v, ir_value *dv);

/* Does v take a gradient at all? Inputs and what is I32 do not, parameters do. */
bool grad_wanted(const ir_value *v);

/* For a parameter (or a view of one): the value that sums its gradient, with
 * v's shape. *out is NULL when v is no parameter. */
int grad_sum_of(grad *g, ir_value *v, ir_value **out);

/* Class of a gradient of v: RES of RES, else ACT. */
ir_class grad_class(const ir_value *v);

/* Take the gradient of the first output of an IR_N_OP and, where there is one or the
 * op starts one by itself (a loss), add the ops of its rule. */
int grad_rule(grad *g, const ir_node *node);

#endif
