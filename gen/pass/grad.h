/* grad.h - the backward pass: what the walk, the sums and the rules share
 *
 *   grad.c    walks the module backwards, region by region
 *   sums.c    what the gradient of a value is so far: sums, and its slices
 *   rules.c   the table of gradient rules, one for each kernel that a spec can
 *             reach: a rule reads the gradients of its op's outputs and adds ops
 *             that make those of its inputs
 *
 * What fails here does so with the line of the spec: with QVL_E_CONFIG where its
 * author can help it, with QVL_E_INTERNAL for a kernel without a rule or one that
 * shaders/ lacks. *out is of no use then.
 */
#ifndef GEN_PASS_GRAD_H
#define GEN_PASS_GRAD_H

#include "pass/pass.h"

typedef struct {
    ir_value *v;
    ir_value *dv;  // its gradient so far, NULL: none, or taken
} grad_item;

/* Gradients known so far inside one forward region. Values of the region are
 * listed with their sums; so are values from outside, whose sums leave through
 * a carry when the region is done. */
typedef struct grad_scope {
    ir_region *region;         // NULL: the module
    struct grad_scope *outer;
    grad_item *item;
    int n, cap;
} grad_scope;

typedef struct {
    ir_module *m;
    ir_builder b;       // where backward ops go
    grad_scope *scope;  // forward region that is being walked
    qvl_err *err;       // never NULL
} grad;

/* What ir_* has said of an op or a view, with the line before it; its code. */
int grad_failed(const grad *g);

/* What is known of v in this scope alone, without its slices; NULL: nothing. */
ir_value *grad_known(const grad_scope *s, const ir_value *v);

/* From here on dv is all that is known of v in this scope. */
void grad_set(grad *g, grad_scope *s, ir_value *v, ir_value *dv);

/* The whole gradient of v: the sum of what its readers added, NULL when none
 * did. Taken once, when everything that reads v has been walked: after that none is
 * known. Appends the ops that add up, and gathers slices, where a gradient that
 * was taken before and is in no op yet may become a slice itself. */
int grad_take(grad *g, ir_value *v, ir_value **out);

/* Add dv, of v's shape and no slice (asserted), to the gradient of v. What takes
 * none (grad_wanted) is passed over; a parameter is refused, as ops add to its
 * sum. */
int grad_give(grad *g, ir_value *v, ir_value *dv);

/* a + b as a gradient of `like`, whose shape both have. */
int grad_add(grad *g, const ir_value *like, ir_value *a, ir_value *b,
             ir_value **out);

/* Memory for the gradient of v, which parts are put into, in `home`. */
ir_value *grad_space(grad *g, const ir_value *v, ir_region *home);

/* Where a part lies in a space. */
typedef struct {
    ir_shape shape;
    poly off, ld;  // first element, elements from row to row
} grad_place;

/* Put dv, of the place's shape, into a space: the op of dv writes there, if it can
 * and nobody wants dv whole, else a copy does. */
int grad_put(grad *g, ir_value *space, const grad_place *at, ir_value *dv);

/* Does v take a gradient at all? Inputs and what is I32 do not, parameters do. */
bool grad_wanted(const ir_value *v);

/* For a parameter (or a view of one): the value that sums its gradient, with
 * v's shape. *out is NULL when v is no parameter. */
int grad_sum_of(grad *g, ir_value *v, ir_value **out);

/* Class of a gradient of v: RES of RES, else ACT. */
ir_class grad_class(const ir_value *v);

/* "d_NAME", what the gradient of v is called. */
const char *grad_name(grad *g, const ir_value *v);

/* Does a gradient begin at the op: is it a loss? */
bool grad_is_seed(const ir_op *op);

/* Take the gradient of the first output of an IR_N_OP and, where there is one or the
 * op starts one by itself (a loss), add the ops of its rule. */
int grad_rule(grad *g, const ir_node *node);

#endif
