/* call.c - expressions of a spec as ops: the functions a spec may use */
#include <string.h>

#include "graph/arch.h"
#include "pass/lower.h"

static int fail_at(lower *s, const expr *e, const char *what)
{
    return expr_fail(e->at, e->col, s->err, "%s", what);
}

static int place(lower *s, const expr *e)
{
    return expr_place(e->at, e->col, s->err);
}

/* ---- parameters ---- */

/* PREFIX NAME SUFFIX, from the innermost prefix outwards; an inner prefix may
 * stand behind any of the outer ones (a tap's merger is no part of its block).
 * -1: none. */
static int find_param(lower *s, const char *name, const char *suffix)
{
    for (int i = s->n_prefixes; i >= 0; i--)
        for (int k = i ? i - 1 : 0; k >= 0; k--) {
            const char *full = qvl_arena_printf(
                s->m->arena, "%s%s%s%s", lower_prefix(s, k),
                i ? s->prefix[i - 1] : "", name, suffix);
            int f = ir_param_find(s->m, full);
            if (f >= 0)
                return f;
        }
    return -1;
}

/* Does an `if` around say that `var` is in the list? */
static bool is_known_in(const lower *s, const char *var, int list)
{
    for (const ir_region *r = s->b.block->owner; r; r = r->outer)
        if (r->kind == IR_IF && r->cond->kind == IR_INT_IN &&
            r->cond->dim == list && r->cond->a->kind == IR_INT_VAR &&
            strcmp(r->cond->a->name, var) == 0)
            return true;
    return false;
}

static int param_value(lower *s, const expr *e, int family, ir_value **out)
{
    int list = s->m->param[family].list;
    const char *var = s->m->param[family].var;
    bool found = !var;
    for (lower_var *v = s->vars; v && var; v = v->next)
        found = found || strcmp(v->name, var) == 0;
    if (!found)
        return expr_fail(e->at, e->col, s->err,
                         "'%s' needs the loop variable %s",
                         s->m->param[family].name, var);
    if (list >= 0 && !is_known_in(s, var, list))
        return expr_fail(e->at, e->col, s->err,
                         "'%s' is not there in every turn: it goes behind "
                         "`if %s in %s`", s->m->param[family].name, var,
                         s->m->dim_name[list]);
    *out = ir_param_value(s->m, family, var);
    return QVL_OK;
}

/* NAME.suffix as a parameter of a layer; NULL when optional and not there. */
static int layer_param(lower *s, const expr *e, const char *suffix,
                       bool required, ir_value **out)
{
    *out = NULL;
    if (e->kind != EXPR_NAME)
        return fail_at(s, e, "expected the name of a parameter");
    int f = find_param(s, e->name, suffix);
    if (f >= 0)
        return param_value(s, e, f, out);
    if (!required)
        return QVL_OK;
    const char *at = lower_prefix(s, s->n_prefixes);
    return expr_fail(e->at, e->col, s->err, "no parameter '%s%s%s' in params",
                     at, e->name, suffix);
}

/* ---- arguments ---- */

static int want_args(lower *s, const expr *e, int n)
{
    if (e->n == n)
        return QVL_OK;
    return expr_fail(e->at, e->col, s->err, "%s takes %d arguments, found %d",
                     e->name, n, e->n);
}

static int want_input(lower *s, const expr *e, int kind, int *out)
{
    int i = e->kind == EXPR_NAME ? ir_input_find(s->m, e->name) : -1;
    if (i < 0 || s->m->input[i].kind != kind)
        return fail_at(s, e, kind == QVL_INPUT_INDEX
                                 ? "expected an input of kind index"
                                 : "expected an input of another kind");
    *out = i;
    return QVL_OK;
}

static int dim_of_real(lower *s, const expr *e, bool real, int *dim)
{
    int d = e->kind == EXPR_NAME ? spec_dim_find(s->m, e->name) : -1;
    if (d < 0 || (real && s->m->dim[d].type != IR_DIM_FLOAT) ||
        (!real && s->m->dim[d].type != IR_DIM_INT))
        return fail_at(s, e, real ? "expected a number or a float of config"
                                  : "expected a dim");
    *dim = d;
    return QVL_OK;
}

/* A number, a float dim, or DIM ^ NUMBER. */
static int want_real(lower *s, const expr *e, ir_real *out)
{
    ir_real r = {.times = 1.0};
    if (e->kind == EXPR_NUMBER) {
        r.kind = IR_REAL_NUMBER;
        r.number = e->number;
    } else if (e->kind == EXPR_BINARY && e->op == '^') {
        const expr *p = e->arg[1];
        double sign = 1.0;
        if (p->kind == EXPR_UNARY && p->op == '-') {
            sign = -1.0;
            p = p->arg[0];
        }
        if (p->kind != EXPR_NUMBER)
            return fail_at(s, p, "expected a number");
        r.kind = IR_REAL_POW;
        r.number = sign * p->number;
        QVL_TRY(dim_of_real(s, e->arg[0], false, &r.dim));
    } else {
        r.kind = IR_REAL_FLOAT_DIM;
        QVL_TRY(dim_of_real(s, e, true, &r.dim));
    }
    *out = r;
    return QVL_OK;
}

/* ---- functions ---- */

static int add_op(lower *s, const expr *e, const char *kernel,
                  ir_value *const *in, int n_in, const ir_real *scalar,
                  const char *name, ir_value **out)
{
    ir_node *n = ir_op_add(&s->b, kernel, in, n_in, NULL, IR_ACT, scalar, name,
                           s->err);
    if (!n)
        return place(s, e);
    *out = n->op.out[0];
    return QVL_OK;
}

/* Weight as [out, in], whatever dims the checkpoint gives the input. */
static int as_matrix(lower *s, ir_value *w, ir_value **out)
{
    *out = w;
    if (w->shape.rank == 2)
        return QVL_OK;
    ir_shape shape = {.rank = 2,
                      .d = {w->shape.d[0], ir_row_elems(&w->shape)}};
    *out = ir_reshape(s->m, w, &shape, w->name, s->err);
    return *out ? QVL_OK : QVL_E_CONFIG;
}

/* y = x W' + b; b when there is one */
static int call_linear(lower *s, const expr *e, const char *name,
                       ir_value **out)
{
    ir_value *in[2], *bias, *y;
    QVL_TRY(want_args(s, e, 2));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &in[0]));
    QVL_TRY(layer_param(s, e->arg[1], ".weight", true, &in[1]));
    QVL_TRY(layer_param(s, e->arg[1], ".bias", false, &bias));
    QVL_TRY(as_matrix(s, in[1], &in[1]));
    const char *last = strrchr(e->arg[1]->name, '.');
    last = last ? last + 1 : e->arg[1]->name;
    QVL_TRY(add_op(s, e, "matmul_nt", in, 2, NULL, bias || !name ? last : name,
                   &y));
    *out = y;
    if (!bias)
        return QVL_OK;
    ir_value *arg[2] = {y, bias};
    const ir_expr *sum = ir_ex_binary(s->m, IR_EX_ADD, ir_ex_arg(s->m, 0),
                                      ir_ex_arg(s->m, 1));
    *out = ir_map_add(&s->b, sum, arg, 2, IR_ACT, NULL, name ? name : last,
                      s->err);
    return *out ? QVL_OK : place(s, e);
}

static int call_rms_norm(lower *s, const expr *e, const char *name,
                         ir_value **out)
{
    ir_value *in[2];
    ir_real eps;
    QVL_TRY(want_args(s, e, 3));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &in[0]));
    QVL_TRY(layer_param(s, e->arg[1], ".weight", true, &in[1]));
    QVL_TRY(want_real(s, e->arg[2], &eps));
    return add_op(s, e, "rms_norm", in, 2, &eps, name ? name : "normed", out);
}

static int call_layer_norm(lower *s, const expr *e, const char *name,
                           ir_value **out)
{
    ir_value *in[3];
    ir_real eps;
    QVL_TRY(want_args(s, e, 3));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &in[0]));
    QVL_TRY(layer_param(s, e->arg[1], ".weight", true, &in[1]));
    QVL_TRY(layer_param(s, e->arg[1], ".bias", true, &in[2]));
    QVL_TRY(want_real(s, e->arg[2], &eps));
    return add_op(s, e, "layer_norm", in, 3, &eps, name ? name : "normed",
                  out);
}

static int call_rope(lower *s, const expr *e, const char *name,
                     ir_value **out)
{
    ir_value *in[2];
    int angles;
    ir_real sign = {.kind = IR_REAL_NUMBER, .number = 1.0, .times = 1.0};
    QVL_TRY(want_args(s, e, 2));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &in[0]));
    QVL_TRY(want_input(s, e->arg[1], QVL_INPUT_ANGLES, &angles));
    in[1] = ir_input_value(s->m, angles);
    poly two = poly_number(2), pairs;
    if (in[0]->shape.rank != 3 ||
        !poly_mul(&pairs, &in[1]->shape.d[2], &two) ||
        !poly_equal(&pairs, &in[0]->shape.d[2]))
        return fail_at(s, e, "rope takes [T, heads, 2 * angles]");
    return add_op(s, e, "rope", in, 2, &sign, name ? name : "roped", out);
}

/* Keep rows of x in a state of `slots` rows, at the places an input tells. */
static int keep_rows(lower *s, const expr *e, ir_value *x, int slot,
                     const char *name, ir_value **state)
{
    const char *var = s->vars ? s->vars->name : NULL;
    ir_shape shape = x->shape;
    shape.d[0] = s->m->input[slot].table;
    *state = ir_state_add(s->m, name, var, &shape);
    ir_value *in[2] = {x, ir_input_value(s->m, slot)};
    if (!ir_op_add(&s->b, "cache_put", in, 2, state, IR_ACT, NULL, NULL,
                   s->err))
        return place(s, e);
    return QVL_OK;
}

/* A state is known by one loop variable, so each turn of a loop around that loop
 * would write over what the one before has kept. */
static int want_one_loop(lower *s, const expr *e)
{
    int n = 0;
    for (const ir_region *r = s->b.block->owner; r; r = r->outer)
        n += r->kind == IR_REPEAT;
    return n < 2 ? QVL_OK
                 : fail_at(s, e, "a cache goes into one loop, not into one "
                                 "inside of another");
}

/* attention(q, k, v, range, scale) among the rows of k and v; with a cache they
 * are kept, and sequences that are continued see what was kept of them. */
static int call_attention(lower *s, const expr *e, const char *name,
                          ir_value **out)
{
    ir_value *in[5];
    ir_real scale;
    int range, slot;
    bool cached = e->n == 6 && s->m->phase != IR_TRAIN;
    if (e->n != 6)
        QVL_TRY(want_args(s, e, 5));
    for (int i = 0; i < 3; i++)
        QVL_TRY(lower_value(s, e->arg[i], NULL, &in[i]));
    QVL_TRY(want_input(s, e->arg[3], QVL_INPUT_RANGE, &range));
    in[3] = ir_input_value(s->m, range);
    QVL_TRY(want_real(s, e->arg[4], &scale));
    if (e->n == 6) {
        QVL_TRY(want_input(s, e->arg[5], QVL_INPUT_SLOT, &slot));
        QVL_TRY(want_one_loop(s, e));
    }
    ir_value *k = in[1], *v = in[2];
    if (cached) {
        QVL_TRY(keep_rows(s, e, in[1], slot, "keys", &k));
        QVL_TRY(keep_rows(s, e, in[2], slot, "values", &v));
    }
    if (!name)
        name = "attended";
    if (s->m->phase != IR_DECODE || !cached)
        return add_op(s, e, "attention", in, 4, &scale, name, out);
    ir_value *kept[5] = {in[0], k, v, in[3],
                         ir_input_part(s->m, slot, QVL_INPUT_BLOCK)};
    return add_op(s, e, "attention_cached", kept, 5, &scale, name, out);
}

static int call_lookup(lower *s, const expr *e, const char *name,
                       ir_value **out)
{
    ir_value *in[3];
    int index;
    QVL_TRY(want_args(s, e, 2));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &in[0]));
    QVL_TRY(want_input(s, e->arg[1], QVL_INPUT_INDEX, &index));
    if (!poly_equal(&in[0]->shape.d[0], &s->m->input[index].table))
        return fail_at(s, e, "the table has another number of rows than the "
                             "index points into");
    QVL_TRY(lower_in_chunk(s, ir_input_value(s->m, index), &in[1]));
    QVL_TRY(lower_in_chunk(s, ir_input_part(s->m, index, QVL_INPUT_WEIGHT),
                           &in[2]));
    return add_op(s, e, "lookup", in, 3, NULL, name ? name : "rows", out);
}

static int call_heads(lower *s, const expr *e, const char *name,
                      ir_value **out)
{
    ir_value *x;
    ir_shape shape = {.rank = 3};
    QVL_TRY(want_args(s, e, 2));
    QVL_TRY(lower_value(s, e->arg[0], name, &x));
    QVL_TRY(spec_size(&shape.d[1], s->m, e->arg[1], s->err));
    shape.d[0] = x->shape.d[0];
    if (x->shape.rank != 2 ||
        !poly_div(&shape.d[2], &x->shape.d[1], &shape.d[1]))
        return fail_at(s, e, "the columns do not divide into so many heads");
    *out = ir_reshape(s->m, x, &shape, name ? name : x->name, s->err);
    return *out ? QVL_OK : place(s, e);
}

static int call_join(lower *s, const expr *e, const char *name, ir_value **out)
{
    ir_value *x;
    QVL_TRY(want_args(s, e, 1));
    QVL_TRY(lower_value(s, e->arg[0], name, &x));
    ir_shape shape = {.rank = 2, .d = {x->shape.d[0], ir_row_elems(&x->shape)}};
    *out = ir_reshape(s->m, x, &shape, name ? name : x->name, s->err);
    return *out ? QVL_OK : place(s, e);
}

static int call_reshape(lower *s, const expr *e, const char *name,
                        ir_value **out)
{
    ir_value *x;
    ir_shape shape = {.rank = e->n - 1};
    if (e->n < 2 || e->n > 4)
        return fail_at(s, e, "reshape takes a value and 1 to 3 sizes");
    QVL_TRY(lower_value(s, e->arg[0], name, &x));
    for (int i = 1; i < e->n; i++)
        QVL_TRY(spec_size(&shape.d[i - 1], s->m, e->arg[i], s->err));
    *out = ir_reshape(s->m, x, &shape, name ? name : x->name, s->err);
    return *out ? QVL_OK : place(s, e);
}

/* The value is kept as f32 whatever the run stores activations as. */
static int call_f32(lower *s, const expr *e, const char *name, ir_value **out)
{
    ir_value *x;
    QVL_TRY(want_args(s, e, 1));
    QVL_TRY(lower_value(s, e->arg[0], name, &x));
    return lower_as_class(s, x, IR_F32, out);
}

/* Sum over the rows: in parts, then their sum. */
static int call_sum_rows(lower *s, const expr *e, const char *name,
                         ir_value **out)
{
    ir_value *x, *part;
    QVL_TRY(want_args(s, e, 1));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &x));
    QVL_TRY(add_op(s, e, "col_sum_part", &x, 1, NULL, "parts", &part));
    return add_op(s, e, "sum_rows", &part, 1, NULL, name ? name : "sum", out);
}

static int call_cross_entropy(lower *s, const expr *e, const char *name,
                              ir_value **out)
{
    ir_value *in[3];
    QVL_TRY(want_args(s, e, 3));
    for (int i = 0; i < 3; i++)
        QVL_TRY(lower_value(s, e->arg[i], NULL, &in[i]));
    if (in[1]->cls != IR_I32)
        return fail_at(s, e->arg[1], "labels are i32");
    return add_op(s, e, "cross_entropy", in, 3, NULL, name ? name : "loss",
                  out);
}

/* ---- experts ---- */

/* What a route knows: its op, and the sort of its uses behind it. */
typedef struct {
    ir_value *weight, *expert, *start, *order, *place;
} routing;

static int want_route(lower *s, const expr *e, routing *out)
{
    ir_value *v;
    QVL_TRY(lower_value(s, e, NULL, &v));
    if (!v->def || v->def->kind != IR_N_OP ||
        strcmp(v->def->op.k->name, "route") != 0)
        return fail_at(s, e, "expected what route(...) returned");
    const ir_op *sort = &v->def->next->op;
    *out = (routing){.weight = v, .expert = v->def->op.out[1],
                     .start = sort->out[0], .order = sort->out[1],
                     .place = sort->out[2]};
    return QVL_OK;
}

static ir_value *new_value(lower *s, const char *name, ir_class cls, poly a,
                           const poly *b)
{
    ir_shape shape = {.rank = b ? 2 : 1, .d = {a}};
    if (b)
        shape.d[1] = *b;
    return ir_value_new(s->m, IR_V_OP, name, cls, &shape, s->b.block->owner);
}

/* route(logits [T, E], K): the K experts of each token, and their weights. */
static int call_route(lower *s, const expr *e, const char *name,
                      ir_value **out)
{
    ir_value *logits;
    poly k, ends, one = poly_number(1);
    QVL_TRY(want_args(s, e, 2));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &logits));
    QVL_TRY(spec_size(&k, s->m, e->arg[1], s->err));
    if (logits->shape.rank != 2)
        return fail_at(s, e, "route takes logits [tokens, experts]");
    poly t = logits->shape.d[0];
    if (!poly_add(&ends, &logits->shape.d[1], &one))
        return fail_at(s, e, "the number of experts is too long a size");
    ir_value *chosen[2] = {new_value(s, name ? name : "route", IR_F32, t, &k),
                           new_value(s, "expert", IR_I32, t, &k)};
    if (!ir_op_add(&s->b, "route", &logits, 1, chosen, IR_ACT, NULL, NULL,
                   s->err))
        return place(s, e);
    ir_value *sorted[3] = {new_value(s, "start", IR_I32, ends, NULL),
                           new_value(s, "order", IR_I32, t, &k),
                           new_value(s, "place", IR_I32, t, &k)};
    if (!ir_op_add(&s->b, "sort_uses", &chosen[1], 1, sorted, IR_ACT, NULL,
                   NULL, s->err))
        return place(s, e);
    *out = chosen[0];
    return QVL_OK;
}

/* experts(x, route, p): a product by the expert of each use, sorted by expert.
 * x has a row for each token, or is sorted itself. */
static int call_experts(lower *s, const expr *e, const char *name,
                        ir_value **out)
{
    ir_value *x, *w;
    routing r;
    QVL_TRY(want_args(s, e, 3));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &x));
    QVL_TRY(want_route(s, e->arg[1], &r));
    QVL_TRY(layer_param(s, e->arg[2], "", true, &w));
    poly uses = ir_elems(&r.order->shape);
    bool sorted = poly_equal(&x->shape.d[0], &uses);
    if (w->shape.rank != 3 || x->shape.rank != 2 ||
        (!sorted && !poly_equal(&x->shape.d[0], &r.order->shape.d[0])))
        return fail_at(s, e, "experts takes rows of tokens or of uses, and "
                             "weights [experts, out, in]");
    ir_value *in[4] = {x, w, r.start, sorted ? NULL : r.order};
    ir_value *y = new_value(s, name ? name : "experts", IR_ACT, uses,
                            &w->shape.d[1]);
    if (!ir_op_add(&s->b, "expert_nt", in, 4, &y, IR_ACT, NULL, NULL, s->err))
        return place(s, e);
    *out = y;
    return QVL_OK;
}

/* combine(y, route): the weighted sum over a token's experts. */
static int call_combine(lower *s, const expr *e, const char *name,
                        ir_value **out)
{
    ir_value *y;
    routing r;
    QVL_TRY(want_args(s, e, 2));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &y));
    QVL_TRY(want_route(s, e->arg[1], &r));
    ir_value *in[3] = {y, r.weight, r.place};
    return add_op(s, e, "combine", in, 3, NULL, name ? name : "combined", out);
}

typedef int call_fn(lower *s, const expr *e, const char *name,
                    ir_value **out);
static const struct {
    const char *name;
    call_fn *fn;
} calls[] = {
    {"linear", call_linear},       {"rms_norm", call_rms_norm},
    {"layer_norm", call_layer_norm}, {"rope", call_rope},
    {"attention", call_attention}, {"lookup", call_lookup},
    {"heads", call_heads},         {"join", call_join},
    {"reshape", call_reshape},     {"f32", call_f32},
    {"sum_rows", call_sum_rows},   {"cross_entropy", call_cross_entropy},
    {"route", call_route},         {"experts", call_experts},
    {"combine", call_combine},
};
#define N_CALLS (int)(sizeof calls / sizeof calls[0])

static int unknown_call(lower *s, const expr *e)
{
    const char **names = qvl_arena_array(s->m->arena, const char *,
                                         N_CALLS + ir_n_fns);
    size_t n = 0;
    for (int i = 0; i < N_CALLS; i++)
        names[n++] = calls[i].name;
    for (int i = 0; i < ir_n_fns; i++)
        names[n++] = ir_fns[i].name;
    const char *near = qvl_str_nearest(e->name, names, n);
    return expr_fail(e->at, e->col, s->err, "no function '%s'%s%s%s", e->name,
                     near ? "; did you mean '" : "", near ? near : "",
                     near ? "'?" : "");
}

static int lower_call(lower *s, const expr *e, const char *name,
                      ir_value **out)
{
    for (int i = 0; i < N_CALLS; i++)
        if (strcmp(calls[i].name, e->name) == 0)
            return calls[i].fn(s, e, name, out);
    int fn = ir_fn_find(e->name);
    if (fn < 0)
        return unknown_call(s, e);
    ir_value *x;
    QVL_TRY(want_args(s, e, 1));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &x));
    const ir_expr *ex = ir_ex_call(s->m, fn, ir_ex_arg(s->m, 0));
    *out = ir_map_add(&s->b, ex, &x, 1, IR_ACT, NULL, name ? name : e->name,
                      s->err);
    return *out ? QVL_OK : place(s, e);
}

/* ---- elementwise operators ---- */

/* One side of an operator: a number, or a value added to arg[]. */
static int side(lower *s, const expr *e, ir_value **arg, int *n,
                const ir_expr **out)
{
    if (e->kind == EXPR_NUMBER) {
        *out = ir_ex_number(s->m, e->number);
        return QVL_OK;
    }
    QVL_TRY(lower_value(s, e, NULL, &arg[*n]));
    *out = ir_ex_arg(s->m, (*n)++);
    return QVL_OK;
}

static int lower_operator(lower *s, const expr *e, const char *name,
                          ir_value **out)
{
    ir_value *arg[2];
    int n = 0;
    const ir_expr *a, *b = NULL, *ex;
    QVL_TRY(side(s, e->arg[0], arg, &n, &a));
    if (e->kind == EXPR_BINARY)
        QVL_TRY(side(s, e->arg[1], arg, &n, &b));
    if (n == 0)
        return fail_at(s, e, "numbers alone are no value");
    const char *what;  // it is called, where the spec says no name
    if (e->kind == EXPR_UNARY && e->op == '-') {
        ex = ir_ex_neg(s->m, a);
        what = "negative";
    } else if (e->op == '+') {
        ex = ir_ex_binary(s->m, IR_EX_ADD, a, b);
        what = "sum";
    } else if (e->op == '-') {
        ex = ir_ex_binary(s->m, IR_EX_SUB, a, b);
        what = "difference";
    } else if (e->op == '*') {
        ex = ir_ex_binary(s->m, IR_EX_MUL, a, b);
        what = "product";
    } else {
        return fail_at(s, e, "values go together by + - *");
    }
    *out = ir_map_add(&s->b, ex, arg, n, IR_ACT, NULL, name ? name : what,
                      s->err);
    return *out ? QVL_OK : place(s, e);
}

/* ---- names ---- */

static int lower_by_name(lower *s, const expr *e, ir_value **out)
{
    lower_name *n = lower_find(s, e->name);
    if (n && n->value)
        return lower_in_chunk(s, n->value, out);
    if (n)
        return expr_fail(e->at, e->col, s->err,
                         "'%s' was set inside of a block above and has no "
                         "value here", e->name);
    int input = ir_input_find(s->m, e->name);
    if (input >= 0)
        return lower_in_chunk(s, ir_input_value(s->m, input), out);
    int f = find_param(s, e->name, "");
    if (f >= 0)
        return param_value(s, e, f, out);
    return expr_fail(e->at, e->col, s->err,
                     "no value, input or parameter '%s'", e->name);
}

static int lower_element(lower *s, const expr *e, ir_value **out)
{
    ir_module *m = s->m;
    int array = ir_array_find(m, e->name);
    if (array < 0)
        return expr_fail(e->at, e->col, s->err, "no array '%s'", e->name);
    ir_node *n = ir_node_new(m, IR_N_LOAD, s->b.line);
    n->array = array;
    QVL_TRY(spec_int(&n->at, m, e->arg[0], lower_vars(s), s->err));
    n->value = ir_value_new(m, IR_V_LOAD, e->name, m->array[array].cls,
                            &m->array[array].shape, s->b.block->owner);
    n->value->def = n;
    ir_append(s->b.block, n);
    *out = n->value;
    return QVL_OK;
}

int lower_value(lower *s, const expr *e, const char *name, ir_value **out)
{
    switch (e->kind) {
    case EXPR_NAME:
        return lower_by_name(s, e, out);
    case EXPR_INDEX:
        return lower_element(s, e, out);
    case EXPR_CALL:
        return lower_call(s, e, name, out);
    case EXPR_BINARY:
    case EXPR_UNARY:
        return lower_operator(s, e, name, out);
    default:
        return fail_at(s, e, "a number alone is no value");
    }
}

int lower_split(lower *s, const expr *e, const char *const *names, int n,
                ir_value **out)
{
    ir_value *x;
    if (e->kind != EXPR_CALL || strcmp(e->name, "split") != 0)
        return fail_at(s, e, "several names on the left go with split(...)");
    QVL_TRY(want_args(s, e, n + 1));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &x));
    if (x->shape.rank < 2 || x->shape.rank > 3)
        return fail_at(s, e, "split takes a value of rank 2 or 3");
    poly first = poly_number(0);
    for (int i = 0; i < n; i++) {
        poly size;
        int64_t n_cols;
        QVL_TRY(spec_size(&size, s->m, e->arg[i + 1], s->err));
        if (poly_is_number(&size, &n_cols) && n_cols < 1)
            return fail_at(s, e->arg[i + 1], "a part has one column at least");
        out[i] = ir_columns(s->m, x, &first, &size, names[i], s->err);
        if (!out[i])
            return place(s, e->arg[i + 1]);
        if (!poly_add(&first, &first, &size))
            return fail_at(s, e->arg[i + 1], "the parts up to here add up to "
                                             "too long a size");
    }
    if (!poly_equal(&first, &x->shape.d[1]))
        return fail_at(s, e, "the parts do not add up to the whole");
    return QVL_OK;
}

/* ---- classes ---- */

/* Can the op store this output as any class? */
static bool free_class(const ir_value *v)
{
    if (v->kind != IR_V_OP || !v->def || v->def->kind != IR_N_OP)
        return false;
    const ir_op *op = &v->def->op;
    for (int i = 0; i < op->k->n_operands; i++)
        if (ir_operand(op, i) == v)
            return kern_is_storage(&op->k->operand[i]);
    return false;
}

typedef struct {
    const ir_value *v;
    bool found;
} search;

static void find_carried(ir_node *n, void *arg)
{
    search *c = arg;
    if (n->kind == IR_N_STORE && ir_root(n->value) == c->v)
        c->found = true;
    for (int i = 0; n->kind == IR_N_REGION && i < n->region->n_carry; i++) {
        const ir_carry *k = &n->region->carry[i];
        c->found = c->found || ir_root(k->init) == c->v ||
                   (k->next && ir_root(k->next) == c->v);
    }
}

/* Does a region or an array rely on the value's class? */
static bool is_carried(ir_module *m, const ir_value *v)
{
    search c = {.v = v};
    ir_walk(&m->body, find_carried, &c);
    return c.found;
}

/* A value and all that is seen of it. */
static void set_class(ir_module *m, ir_value *v, ir_class cls)
{
    v->cls = cls;
    for (int i = 0; i < m->n_values; i++)
        if (m->value[i]->kind == IR_V_VIEW && m->value[i]->base == v)
            m->value[i]->cls = cls;
}

int lower_as_class(lower *s, ir_value *v, ir_class cls, ir_value **out)
{
    *out = v;
    if (v->cls == cls)
        return QVL_OK;
    if (v->cls == IR_ACT && free_class(v) && !is_carried(s->m, v)) {
        set_class(s->m, v, cls);
        return QVL_OK;
    }
    *out = ir_map_add(&s->b, ir_ex_arg(s->m, 0), &v, 1, cls, NULL, v->name,
                      s->err);
    return *out ? QVL_OK : QVL_E_CONFIG;
}

int lower_as_whole(lower *s, ir_value *v, ir_class cls, ir_value **out)
{
    if (!v->slice)
        return lower_as_class(s, v, cls, out);
    *out = ir_map_add(&s->b, ir_ex_arg(s->m, 0), &v, 1, cls, NULL, v->name,
                      s->err);
    return *out ? QVL_OK : QVL_E_CONFIG;
}
