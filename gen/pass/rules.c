/* rules.c - the gradient of each kernel that a spec can reach
 *
 * A rule is a table row: the name of the forward kernel and a function that
 * appends backward ops. Formulas stand above the functions; d before a name is
 * the gradient of the loss by it.
 */
#include <string.h>

#include "pass/grad.h"

/* An op without scalars. */
static ir_node *emit(grad *g, const char *kernel, ir_value *const *in,
                     int n_in, ir_value *const *out, ir_class cls,
                     const char *name)
{
    const ir_args args = {.in = in, .n_in = n_in};
    return ir_op_add(&g->b, kernel, &args, out, cls, name, g->err);
}

/* One op with one new output that is the gradient of v. */
static int give_args(grad *g, ir_value *v, const char *kernel,
                     const ir_args *args)
{
    ir_node *n = ir_op_add(&g->b, kernel, args, NULL, grad_class(v),
                           grad_name(g, v), g->err);
    return n ? grad_give(g, v, n->op.out[0]) : grad_failed(g);
}

static int give_op(grad *g, ir_value *v, const char *kernel,
                   ir_value *const *in, int n_in)
{
    return give_args(g, v, kernel, &(ir_args){.in = in, .n_in = n_in});
}

/* The same where the inputs do not tell the shape: it is v's. */
static int give_into(grad *g, ir_value *v, const char *kernel,
                     ir_value *const *in, int n_in)
{
    ir_value *dv = ir_value_new(g->m, IR_V_OP, grad_name(g, v), grad_class(v),
                                &v->shape, g->b.block->owner);
    if (!emit(g, kernel, in, n_in, &dv, IR_ACT, dv->name))
        return grad_failed(g);
    return grad_give(g, v, dv);
}

/* Add the column sums of parts [PARTS, cols] to the parameter's gradient, or make
 * them the gradient of v. */
static int give_parts(grad *g, ir_value *v, ir_value *part)
{
    ir_value *sum;
    QVL_TRY(grad_sum_of(g, v, &sum));
    ir_node *n = emit(g, "sum_rows", &part, 1, sum ? &sum : NULL, IR_F32,
                      grad_name(g, v));
    if (!n)
        return grad_failed(g);
    return sum ? QVL_OK : grad_give(g, v, n->op.out[0]);
}

static int give_col_sums(grad *g, ir_value *v, ir_value *dy)
{
    ir_node *n = emit(g, "col_sum_part", &dy, 1, NULL, IR_F32, "parts");
    return n ? give_parts(g, v, n->op.out[0]) : grad_failed(g);
}

/* y = x W':  dx = dy W,  dW = dy' x */
static int rule_matmul_nt(grad *g, const ir_op *op, ir_value *dy)
{
    ir_value *x = ir_in(op, "x"), *w = ir_in(op, "w");
    if (grad_wanted(x)) {
        ir_value *in[2] = {dy, w};
        QVL_TRY(give_op(g, x, "matmul_nn", in, 2));
    }
    ir_value *in[2] = {dy, x};
    ir_value *sum;
    QVL_TRY(grad_sum_of(g, w, &sum));
    if (!sum)
        return give_op(g, w, "matmul_tn", in, 2);
    return emit(g, "matmul_tn", in, 2, &sum, IR_F32, "dw") ? QVL_OK : grad_failed(g);
}

/* y = x w rstd:  dx = rstd (dy w - x rstd^2 mean(dy w x)),
 * dw = sum over rows of dy x rstd */
static int rule_rms_norm(grad *g, const ir_op *op, ir_value *dy)
{
    ir_value *x = ir_in(op, "x"), *w = ir_in(op, "w");
    ir_value *rstd = ir_out(op, "rstd");
    ir_value *in[4] = {dy, x, w, rstd};
    QVL_TRY(give_op(g, x, "rms_norm_dx", in, 4));
    ir_value *in_w[3] = {dy, x, rstd};
    ir_node *part = emit(g, "rms_norm_dw_part", in_w, 3, NULL, IR_F32,
                         "parts");
    return part ? give_parts(g, w, part->op.out[0]) : grad_failed(g);
}

/* z = (x - mean) rstd, y = z w + b:
 * dx = rstd (dy w - mean(dy w) - z mean(dy w z)), dw = sum dy z, db = sum dy */
static int rule_layer_norm(grad *g, const ir_op *op, ir_value *dy)
{
    ir_value *x = ir_in(op, "x"), *w = ir_in(op, "w");
    ir_value *mean = ir_out(op, "mean"), *rstd = ir_out(op, "rstd");
    ir_value *in[5] = {dy, x, w, mean, rstd};
    QVL_TRY(give_op(g, x, "layer_norm_dx", in, 5));
    ir_value *in_w[4] = {dy, x, mean, rstd};
    ir_node *part = emit(g, "layer_norm_dw_part", in_w, 4, NULL, IR_F32,
                         "parts");
    if (!part)
        return grad_failed(g);
    QVL_TRY(give_parts(g, w, part->op.out[0]));
    return give_col_sums(g, ir_in(op, "b"), dy);
}

/* A rotation: dx is dy turned back. */
static int rule_rope(grad *g, const ir_op *op, ir_value *dy)
{
    ir_value *in[2] = {dy, ir_in(op, "angles")};
    ir_real back = op->scalar[0];
    back.times = -back.times;
    return give_args(g, ir_in(op, "x"), "rope",
                     &(ir_args){.in = in, .n_in = 2, .scalar = &back,
                                .n_scalars = 1});
}

/* p = softmax(scale q k'), o = p v:  delta = sum_d do o,
 * dp = do v', ds = p (dp - delta), dq = scale ds k, dk = scale ds' q, dv = p' do
 */
static int rule_attention(grad *g, const ir_op *op, ir_value *dy)
{
    ir_value *q = ir_in(op, "q"), *k = ir_in(op, "k"), *v = ir_in(op, "v");
    ir_value *in_d[2] = {dy, ir_out(op, "o")};
    ir_node *delta = emit(g, "attention_delta", in_d, 2, NULL, IR_F32,
                          "delta");
    if (!delta)
        return grad_failed(g);
    ir_value *in[7] = {q, k, v, ir_in(op, "range"), dy, ir_out(op, "lse"),
                       delta->op.out[0]};
    const ir_args args = {.in = in, .n_in = 7, .scalar = op->scalar,
                          .n_scalars = 1};
    QVL_TRY(give_args(g, q, "attention_dq", &args));
    ir_node *n = ir_op_add(&g->b, "attention_dkv", &args, NULL, IR_ACT,
                           grad_name(g, k), g->err);
    if (!n)
        return grad_failed(g);
    ir_value *dv = ir_out(&n->op, "dv");
    dv->name = grad_name(g, v);
    QVL_TRY(grad_give(g, k, ir_out(&n->op, "dk")));
    return grad_give(g, v, dv);
}

/* y[r] = sum_k w[r,k] x[i[r,k]]:  dx[n] = sum of w[r,k] dy[r] where i[r,k] = n */
static int rule_lookup(grad *g, const ir_op *op, ir_value *dy)
{
    ir_value *x = ir_in(op, "x"), *at = ir_in(op, "index");
    if (!grad_wanted(x))
        return QVL_OK;
    if (at->kind != IR_V_INPUT)
        return qvl_fail(g->err, QVL_E_CONFIG,
                        "%s:%d: no gradient for a lookup inside a chunk",
                        g->m->file, g->b.line);
    ir_value *in[4] = {dy, ir_in(op, "weight"),
                       ir_input_part(g->m, at->index, QVL_INPUT_START),
                       ir_input_part(g->m, at->index, QVL_INPUT_ENTRY)};
    ir_value *sum;
    QVL_TRY(grad_sum_of(g, x, &sum));
    if (!sum)
        return give_into(g, x, "lookup_dx", in, 4);
    return emit(g, "lookup_dx", in, 4, &sum, IR_ACT, "dx") ? QVL_OK : grad_failed(g);
}

/* The kernel computes the gradient of its logits with the loss. */
static int rule_cross_entropy(grad *g, const ir_op *op, ir_value *dy)
{
    (void)dy;
    return grad_give(g, ir_in(op, "logits"), ir_out(op, "dlogits"));
}

/* ---- experts ---- */

/* Uses sorted by expert: the op that made `sorted`, one of its results. */
static const ir_op *sort_of(const ir_value *sorted)
{
    return &sorted->def->op;
}

/* y = x W[e]':  dx = dy W[e], summed over a token's uses; dW[e] = dy' x */
static int rule_expert_nt(grad *g, const ir_op *op, ir_value *dy)
{
    ir_value *x = ir_in(op, "x"), *w = ir_in(op, "w");
    ir_value *start = ir_in(op, "start"), *order = ir_in(op, "order");
    ir_value *in[3] = {dy, w, start};
    ir_node *n = emit(g, "expert_nn", in, 3, NULL, IR_ACT, grad_name(g, x));
    if (!n)
        return grad_failed(g);
    ir_value *dx = n->op.out[0];
    if (order) {
        ir_value *in_c[3] = {dx, NULL, ir_out(sort_of(order), "place")};
        QVL_TRY(give_op(g, x, "combine", in_c, 3));
    } else {
        QVL_TRY(grad_give(g, x, dx));
    }
    ir_value *in_w[4] = {dy, x, start, order};
    ir_value *sum;
    QVL_TRY(grad_sum_of(g, w, &sum));
    if (!sum)
        return give_into(g, w, "expert_tn", in_w, 4);
    return emit(g, "expert_tn", in_w, 4, &sum, IR_F32, "dw") ? QVL_OK : grad_failed(g);
}

/* z = sum_k w_k y_k:  dy_k = w_k dz, dw_k = dz . y_k */
static int rule_combine(grad *g, const ir_op *op, ir_value *dz)
{
    ir_value *y = ir_in(op, "y"), *weight = ir_in(op, "weight");
    ir_value *place = ir_in(op, "place");
    ir_value *in_y[3] = {dz, weight, ir_out(sort_of(place), "order")};
    QVL_TRY(give_into(g, y, "combine_dy", in_y, 3));
    ir_value *in_w[3] = {dz, y, place};
    return give_op(g, weight, "combine_dw", in_w, 3);
}

/* w = softmax of the chosen logits:  dl_k = w_k (dw_k - sum_j w_j dw_j) */
static int rule_route(grad *g, const ir_op *op, ir_value *dw)
{
    ir_value *in[3] = {ir_out(op, "weight"), ir_out(op, "expert"), dw};
    return give_into(g, ir_in(op, "logits"), "route_dx", in, 3);
}

/* ---- elementwise ---- */

/* d e / d arg; NULL when a function in it has no derivative, and *lacks is that
 * function. */
static const ir_expr *derive(ir_module *m, const ir_expr *e, int arg,
                             int *lacks)
{
    const ir_expr *da, *db;
    switch (e->kind) {
    case IR_EX_ARG:
        return ir_ex_number(m, e->arg == arg ? 1.0 : 0.0);
    case IR_EX_ADD:
    case IR_EX_SUB:
        da = derive(m, e->a, arg, lacks);
        db = derive(m, e->b, arg, lacks);
        return da && db ? ir_ex_binary(m, (int)e->kind, da, db) : NULL;
    case IR_EX_MUL:
        da = derive(m, e->a, arg, lacks);
        db = derive(m, e->b, arg, lacks);
        if (!da || !db)
            return NULL;
        return ir_ex_binary(m, IR_EX_ADD,
                            ir_ex_binary(m, IR_EX_MUL, da, e->b),
                            ir_ex_binary(m, IR_EX_MUL, e->a, db));
    case IR_EX_NEG:
        da = derive(m, e->a, arg, lacks);
        return da ? ir_ex_neg(m, da) : NULL;
    case IR_EX_CALL:
        da = derive(m, e->a, arg, lacks);
        db = ir_ex_derive(m, e->fn, e->a);
        if (!db)
            *lacks = e->fn;
        return da && db ? ir_ex_binary(m, IR_EX_MUL, db, da) : NULL;
    default:
        return ir_ex_number(m, 0.0);
    }
}

/* e with its arguments renumbered; those used are listed in `used`. */
static const ir_expr *renumber(ir_module *m, const ir_expr *e, int *place,
                               int *n)
{
    switch (e->kind) {
    case IR_EX_ARG:
        if (place[e->arg] < 0)
            place[e->arg] = (*n)++;
        return ir_ex_arg(m, place[e->arg]);
    case IR_EX_ADD:
    case IR_EX_SUB:
    case IR_EX_MUL: {
        const ir_expr *a = renumber(m, e->a, place, n);
        return ir_ex_binary(m, (int)e->kind, a, renumber(m, e->b, place, n));
    }
    case IR_EX_NEG:
        return ir_ex_neg(m, renumber(m, e->a, place, n));
    case IR_EX_CALL:
        return ir_ex_call(m, e->fn, renumber(m, e->a, place, n));
    default:
        return e;
    }
}

/* dy times the derivative by argument i, as a value of y's shape. */
static int map_part(grad *g, const ir_op *op, int i, ir_value *dy,
                    ir_value **out)
{
    ir_module *m = g->m;
    int lacks = -1;
    const ir_expr *d = derive(m, op->expr, i, &lacks);
    if (!d)
        return qvl_fail(g->err, QVL_E_CONFIG,
                        "%s:%d: no gradient for the function %s, of which '%s' "
                        "is made", m->file, g->b.line, ir_fns[lacks].name,
                        op->out[0]->name);
    *out = dy;
    if (d->kind == IR_EX_NUMBER && d->number == 1.0)
        return QVL_OK;
    int place[KERN_MAX_EXTRA];
    int n = 1;
    ir_value *arg[KERN_MAX_EXTRA + 1] = {dy};
    for (int k = 0; k < KERN_MAX_EXTRA; k++)
        place[k] = -1;
    const ir_expr *e = ir_ex_binary(m, IR_EX_MUL, ir_ex_arg(m, 0),
                                    renumber(m, d, place, &n));
    for (int k = 0; k < op->n_extra; k++)
        if (place[k] >= 0)
            arg[place[k]] = op->extra[k];
    *out = ir_map_add(&g->b, e, arg, n, grad_class(op->extra[i]), NULL,
                      grad_name(g, op->extra[i]), g->err);
    return *out ? QVL_OK : grad_failed(g);
}

/* y = f(a, b, ...):  da = dy df/da, summed over rows where a is a bias */
static int rule_map(grad *g, const ir_op *op, ir_value *dy)
{
    for (int i = 0; i < op->n_extra; i++) {
        ir_value *a = op->extra[i];
        ir_value *da;
        if (!grad_wanted(a))
            continue;
        QVL_TRY(map_part(g, op, i, dy, &da));
        if (op->extra_kind[i] == KERN_EXTRA_SAME) {
            if (!ir_shape_equal(&da->shape, &a->shape))
                da = ir_reshape(g->m, da, &a->shape, da->name, g->err);
            QVL_TRY(da ? grad_give(g, a, da) : grad_failed(g));
        } else if (op->extra_kind[i] == KERN_EXTRA_COL) {
            QVL_TRY(give_col_sums(g, a, da));
        } else {
            return qvl_fail(g->err, QVL_E_CONFIG,
                            "%s:%d: no gradient for one factor a row ('%s')",
                            g->m->file, g->b.line, a->name);
        }
    }
    return QVL_OK;
}

/* ---- the table ---- */

/* dy is the gradient of the first output; NULL where the op is a seed. */
typedef int rule_fn(grad *g, const ir_op *op, ir_value *dy);
static const struct {
    const char *kernel;
    rule_fn *fn;
    bool seed;  // starts a gradient by itself
} rules[] = {
    {"map", rule_map, false},
    {"matmul_nt", rule_matmul_nt, false},
    {"rms_norm", rule_rms_norm, false},
    {"layer_norm", rule_layer_norm, false},
    {"rope", rule_rope, false},
    {"attention", rule_attention, false},
    {"lookup", rule_lookup, false},
    {"cross_entropy", rule_cross_entropy, true},
    {"route", rule_route, false},
    {"sort_uses", NULL, false},
    {"expert_nt", rule_expert_nt, false},
    {"combine", rule_combine, false},
    {"col_sum_part", NULL, false},  // sums of losses: for reports alone
    {"sum_rows", NULL, false},
};
#define N_RULES (int)(sizeof rules / sizeof rules[0])

static int rule_find(const ir_op *op)
{
    for (int i = 0; i < N_RULES; i++)
        if (strcmp(rules[i].kernel, op->k->name) == 0)
            return i;
    return -1;
}

bool grad_is_seed(const ir_op *op)
{
    int i = rule_find(op);
    return i >= 0 && rules[i].seed;
}

int grad_rule(grad *g, const ir_node *node)
{
    const ir_op *op = &node->op;
    int i = rule_find(op);
    if (i < 0)
        return qvl_fail(g->err, QVL_E_INTERNAL, "%s:%d: %s has no gradient",
                        g->m->file, node->line, op->k->name);
    ir_value *dy = NULL;
    QVL_TRY(grad_take(g, op->out[0], &dy));
    if (dy != NULL && (rules[i].fn == NULL || rules[i].seed))
        return qvl_fail(g->err, QVL_E_CONFIG, "%s:%d: what %s returns is for "
                        "reports: no gradient comes back through it",
                        g->m->file, node->line, op->k->name);
    return dy || rules[i].seed ? rules[i].fn(g, op, dy) : QVL_OK;
}
