/* call.c - the functions of a spec as ops
 *
 * calls[] has a row for each function: its name, its arguments, what it returns,
 * and the C function that appends its ops. Messages, `gen --help` and the check of
 * the number of arguments are made of that row, so a new function is a row and a C
 * function above it. The elementwise ones stand in ir_fns.
 *
 * A function checks what its kernel's signature does not say (kinds of inputs,
 * labels in i32, whose rows these are); shapes are left to ir_op_add, whose message
 * gets its place in the spec here.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "pass/lower.h"

/* ---- arguments ---- */

static int want_input(lower *s, const expr *e, int kind, int *out)
{
    int i = e->kind == EXPR_NAME ? ir_input_find(s->m, e->name) : -1;
    if (i < 0)
        return expr_fail(e->at, e->col, s->err,
                         "expected the name of an input of kind %s",
                         ir_kinds[kind].text);
    if (s->m->input[i].kind != kind)
        return expr_fail(e->at, e->col, s->err,
                         "'%s' is an input of kind %s, expected one of kind %s",
                         e->name, ir_kinds[s->m->input[i].kind].text,
                         ir_kinds[kind].text);
    *out = i;
    return QVL_OK;
}

static int dim_of_real(lower *s, const expr *e, bool real, int *dim)
{
    int d = e->kind == EXPR_NAME ? spec_dim_find(s->m, e->name) : -1;
    if (d < 0 || (real && s->m->dim[d].type != IR_DIM_FLOAT) ||
        (!real && s->m->dim[d].type != IR_DIM_INT))
        return lower_fail(s, e, real ? "expected a number or a float of config"
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
            return lower_fail(s, p, "expected a number");
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

/* An op with one scalar, or with none (NULL). */
static int add_op(lower *s, const expr *e, const char *kernel,
                  ir_value *const *in, int n_in, const ir_real *scalar,
                  const char *name, ir_value **out)
{
    const ir_args args = {.in = in, .n_in = n_in, .scalar = scalar,
                          .n_scalars = scalar != NULL};
    ir_node *n = ir_op_add(&s->b, kernel, &args, NULL, IR_ACT, name, s->err);
    if (!n)
        return lower_place(s, e);
    *out = n->op.out[0];
    return QVL_OK;
}

/* A value for an output, by the name that the kernel has for it. */
typedef struct {
    const char *name;
    ir_value *value;
} target;

/* An op without scalars that writes into values that are there. */
static int add_op_into(lower *s, const expr *e, const char *kernel,
                       ir_value *const *in, int n_in, const target *to, int n)
{
    const ir_args args = {.in = in, .n_in = n_in};
    const kern *k = kern_find(s->m->kernels, kernel);
    ir_value *out[KERN_MAX_OPERANDS] = {NULL};
    for (int i = 0; k && i < n; i++)
        out[ir_out_place(k, to[i].name)] = to[i].value;
    return ir_op_add(&s->b, kernel, &args, out, IR_ACT, NULL, s->err)
               ? QVL_OK
               : lower_place(s, e);
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
    QVL_TRY(lower_value(s, e->arg[0], NULL, &in[0]));
    QVL_TRY(lower_param(s, e->arg[1], ".weight", true, &in[1]));
    QVL_TRY(lower_param(s, e->arg[1], ".bias", false, &bias));
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
    return *out ? QVL_OK : lower_place(s, e);
}

static int call_rms_norm(lower *s, const expr *e, const char *name,
                         ir_value **out)
{
    ir_value *in[2];
    ir_real eps;
    QVL_TRY(lower_value(s, e->arg[0], NULL, &in[0]));
    QVL_TRY(lower_param(s, e->arg[1], ".weight", true, &in[1]));
    QVL_TRY(want_real(s, e->arg[2], &eps));
    return add_op(s, e, "rms_norm", in, 2, &eps, name ? name : "normed", out);
}

static int call_layer_norm(lower *s, const expr *e, const char *name,
                           ir_value **out)
{
    ir_value *in[3];
    ir_real eps;
    QVL_TRY(lower_value(s, e->arg[0], NULL, &in[0]));
    QVL_TRY(lower_param(s, e->arg[1], ".weight", true, &in[1]));
    QVL_TRY(lower_param(s, e->arg[1], ".bias", true, &in[2]));
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
    QVL_TRY(lower_value(s, e->arg[0], NULL, &in[0]));
    QVL_TRY(want_input(s, e->arg[1], QVL_INPUT_ANGLES, &angles));
    in[1] = ir_input_value(s->m, angles);
    poly two = poly_number(2), pairs;
    if (in[0]->shape.rank != 3 ||
        !poly_mul(&pairs, &in[1]->shape.d[2], &two) ||
        !poly_equal(&pairs, &in[0]->shape.d[2]))
        return lower_fail(s, e, "rope takes [T, heads, 2 * angles]");
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
    return add_op_into(s, e, "cache_put", in, 2, &(target){"cache", *state}, 1);
}

/* A state is known by one loop variable, so each turn of a loop around that loop
 * would write over what the one before has kept. */
static int want_one_loop(lower *s, const expr *e)
{
    int n = 0;
    for (const ir_region *r = s->b.block->owner; r; r = r->outer)
        n += r->kind == IR_REPEAT;
    return n < 2 ? QVL_OK
                 : lower_fail(s, e, "a cache goes into one loop, not into one "
                                    "inside of another");
}

/* With a cache the rows of k and v are kept, and sequences that are continued see
 * what was kept of them. */
static int call_attention(lower *s, const expr *e, const char *name,
                          ir_value **out)
{
    ir_value *in[5];
    ir_real scale;
    int range, slot;
    bool cached = e->n == 6 && s->m->phase != IR_TRAIN;
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
    QVL_TRY(lower_value(s, e->arg[0], NULL, &in[0]));
    QVL_TRY(want_input(s, e->arg[1], QVL_INPUT_INDEX, &index));
    if (!poly_equal(&in[0]->shape.d[0], &s->m->input[index].table))
        return lower_fail(s, e, "the table has another number of rows than the "
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
    QVL_TRY(lower_value(s, e->arg[0], name, &x));
    QVL_TRY(spec_size(&shape.d[1], s->m, e->arg[1], s->err));
    shape.d[0] = x->shape.d[0];
    if (x->shape.rank != 2 ||
        !poly_div(&shape.d[2], &x->shape.d[1], &shape.d[1]))
        return lower_fail(s, e, "the columns do not divide into so many heads");
    *out = ir_reshape(s->m, x, &shape, name ? name : x->name, s->err);
    return *out ? QVL_OK : lower_place(s, e);
}

static int call_join(lower *s, const expr *e, const char *name, ir_value **out)
{
    ir_value *x;
    QVL_TRY(lower_value(s, e->arg[0], name, &x));
    ir_shape shape = {.rank = 2, .d = {x->shape.d[0], ir_row_elems(&x->shape)}};
    *out = ir_reshape(s->m, x, &shape, name ? name : x->name, s->err);
    return *out ? QVL_OK : lower_place(s, e);
}

static int call_reshape(lower *s, const expr *e, const char *name,
                        ir_value **out)
{
    ir_value *x;
    ir_shape shape = {.rank = e->n - 1};
    QVL_TRY(lower_value(s, e->arg[0], name, &x));
    for (int i = 1; i < e->n; i++)
        QVL_TRY(spec_size(&shape.d[i - 1], s->m, e->arg[i], s->err));
    *out = ir_reshape(s->m, x, &shape, name ? name : x->name, s->err);
    return *out ? QVL_OK : lower_place(s, e);
}

/* The value is kept as f32 whatever the run stores activations as. */
static int call_f32(lower *s, const expr *e, const char *name, ir_value **out)
{
    ir_value *x;
    QVL_TRY(lower_value(s, e->arg[0], name, &x));
    return lower_as_class(s, x, IR_F32, out);
}

/* Sum over the rows: in parts, then their sum. */
static int call_sum_rows(lower *s, const expr *e, const char *name,
                         ir_value **out)
{
    ir_value *x, *part;
    QVL_TRY(lower_value(s, e->arg[0], NULL, &x));
    QVL_TRY(add_op(s, e, "col_sum_part", &x, 1, NULL, "parts", &part));
    return add_op(s, e, "sum_rows", &part, 1, NULL, name ? name : "sum", out);
}

static int call_cross_entropy(lower *s, const expr *e, const char *name,
                              ir_value **out)
{
    ir_value *in[3];
    for (int i = 0; i < 3; i++)
        QVL_TRY(lower_value(s, e->arg[i], NULL, &in[i]));
    if (in[1]->cls != IR_I32)
        return lower_fail(s, e->arg[1], "labels are i32");
    return add_op(s, e, "cross_entropy", in, 3, NULL, name ? name : "loss",
                  out);
}

/* ---- experts ---- */

/* What a route knows: its op, and the sort of its uses behind it. */
typedef struct {
    ir_value *weight, *start, *order, *place;
    const ir_op *sort;
} routing;

static int want_route(lower *s, const expr *e, routing *out)
{
    ir_value *v;
    QVL_TRY(lower_value(s, e, NULL, &v));
    if (!v->def || v->def->kind != IR_N_OP || strcmp(v->def->op.k->name, "route") != 0 ||
        ir_out(&v->def->op, "weight") != v)
        return lower_fail(s, e, "expected what route(...) returned");
    const ir_op *sort = &v->def->next->op;
    *out = (routing){.weight = v, .start = ir_out(sort, "start"),
                     .order = ir_out(sort, "order"),
                     .place = ir_out(sort, "place"), .sort = sort};
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

static int call_route(lower *s, const expr *e, const char *name,
                      ir_value **out)
{
    ir_value *logits;
    poly k, ends, one = poly_number(1);
    QVL_TRY(lower_value(s, e->arg[0], NULL, &logits));
    QVL_TRY(spec_size(&k, s->m, e->arg[1], s->err));
    if (logits->shape.rank != 2)
        return lower_fail(s, e, "route takes logits [tokens, experts]");
    poly t = logits->shape.d[0];
    if (!poly_add(&ends, &logits->shape.d[1], &one))
        return lower_fail(s, e, "the number of experts is too long a size");
    const char *as = name ? name : "route";
    ir_value *weight = new_value(s, as, IR_F32, t, &k);
    ir_value *expert = new_value(s, "expert", IR_I32, t, &k);
    const target chosen[2] = {{"weight", weight}, {"expert", expert}};
    QVL_TRY(add_op_into(s, e, "route", &logits, 1, chosen, 2));
    const target sorted[3] = {
        {"start", new_value(s, "start", IR_I32, ends, NULL)},
        {"order", new_value(s, "order", IR_I32, t, &k)},
        {"place", new_value(s, "place", IR_I32, t, &k)}};
    QVL_TRY(add_op_into(s, e, "sort_uses", &expert, 1, sorted, 3));
    *out = weight;
    return QVL_OK;
}

/* A product by the expert of each use. x has a row for each token, or is sorted
 * itself: where each token has one expert, its shape does not tell which. */
static int call_experts(lower *s, const expr *e, const char *name,
                        ir_value **out)
{
    ir_value *x, *w;
    routing r;
    QVL_TRY(lower_value(s, e->arg[0], NULL, &x));
    QVL_TRY(want_route(s, e->arg[1], &r));
    QVL_TRY(lower_param(s, e->arg[2], "", true, &w));
    lower_rows rows = lower_rows_of(s->m, x);
    if (rows.is_mixed || (rows.sort && rows.sort != r.sort))
        return lower_fail(s, e->arg[0], "these rows are not known to be of tokens, "
                                        "nor sorted by the experts of this route");
    poly uses = ir_elems(&r.order->shape);
    const poly *wanted = rows.sort ? &uses : &r.order->shape.d[0];
    if (w->shape.rank != 3 || x->shape.rank != 2 ||
        !poly_equal(&x->shape.d[0], wanted))
        return lower_fail(s, e, "experts takes rows of tokens, or of uses that "
                                "experts made, and weights [experts, out, in]");
    ir_value *in[4] = {x, w, r.start, rows.sort ? NULL : r.order};
    ir_value *y = new_value(s, name ? name : "experts", IR_ACT, uses,
                            &w->shape.d[1]);
    QVL_TRY(add_op_into(s, e, "expert_nt", in, 4, &(target){"y", y}, 1));
    *out = y;
    return QVL_OK;
}

static int call_combine(lower *s, const expr *e, const char *name,
                        ir_value **out)
{
    ir_value *y;
    routing r;
    QVL_TRY(lower_value(s, e->arg[0], NULL, &y));
    QVL_TRY(want_route(s, e->arg[1], &r));
    lower_rows rows = lower_rows_of(s->m, y);
    if (rows.is_mixed || rows.sort != r.sort)
        return lower_fail(s, e->arg[0], "combine takes rows that are sorted by the "
                                        "experts of this route");
    ir_value *in[3] = {y, r.weight, r.place};
    return add_op(s, e, "combine", in, 3, NULL, name ? name : "combined", out);
}

/* ---- the table ---- */

static int call_split(lower *s, const expr *e, const char *name,
                      ir_value **out)
{
    (void)name;
    (void)out;
    return lower_fail(s, e, "split(...) goes with several names on the left");
}

typedef int call_fn(lower *s, const expr *e, const char *name,
                    ir_value **out);
typedef struct {
    const char *name;
    const char *args;  // those behind [ may be left out, ... are any number more
    const char *what;  // it returns
    call_fn *fn;       // the number of arguments is one of `args`
} call;

static const call calls[] = {
    {"linear", "x, NAME", "x times NAME.weight, plus NAME.bias if there is one",
     call_linear},
    {"rms_norm", "x, NAME, eps",
     "rows of x by their root mean square, times NAME.weight", call_rms_norm},
    {"layer_norm", "x, NAME, eps",
     "rows of x, normal, times NAME.weight plus NAME.bias", call_layer_norm},
    {"rope", "x, angles", "x [T, heads, 2 A] turned by an input of kind angles",
     call_rope},
    {"attention", "q, k, v, range, scale[, cache]",
     "means of v by softmax(scale q k'), of the rows in range", call_attention},
    {"lookup", "table, index", "rows of a table, summed by weight as index says",
     call_lookup},
    {"heads", "x, n", "x [T, C] as [T, n, C / n]", call_heads},
    {"join", "x", "x [T, n, D] as [T, n D]", call_join},
    {"reshape", "x, size[, size, size]", "x in a shape of 1 to 3 sizes",
     call_reshape},
    {"split", "x, n, ...", "columns of x: a, b = split(x, n, m)", call_split},
    {"f32", "x", "x, stored as f32 in every run", call_f32},
    {"sum_rows", "x", "sums over the rows, for reports", call_sum_rows},
    {"cross_entropy", "logits, label, scale",
     "loss of each label, and 1 where its logit is the largest", call_cross_entropy},
    {"route", "logits, K", "the K experts of each token, and their weights",
     call_route},
    {"experts", "x, route, NAME",
     "x times NAME [experts, out, in]: a row a use, by expert", call_experts},
    {"combine", "y, route", "sums of what experts returned, a row a token",
     call_combine},
};
#define N_CALLS (int)(sizeof calls / sizeof calls[0])

static const call elementwise = {NULL, "x", "elementwise", NULL};

static const call *call_find(const char *name)
{
    for (int i = 0; i < N_CALLS; i++)
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    return NULL;
}

/* How many arguments a call may have: those before [ at least, or before ... */
static void count_args(const call *c, int *least, int *most)
{
    bool is_open = strstr(c->args, "...") != NULL;
    int n = 1;
    *least = 0;
    for (const char *p = c->args; *p; p++) {
        n += *p == ',';
        if (*p == '[')
            *least = n;
    }
    if (*least == 0)
        *least = is_open ? n - 1 : n;
    *most = is_open ? INT_MAX : n;
}

static int want_args(lower *s, const expr *e, const call *c, int least,
                     int most)
{
    char to[32] = "";
    if (e->n >= least && e->n <= most)
        return QVL_OK;
    if (most == INT_MAX)
        snprintf(to, sizeof to, " or more");
    else if (most > least)
        snprintf(to, sizeof to, " to %d", most);
    return expr_fail(e->at, e->col, s->err,
                     "%s(%s) takes %d%s argument%s, found %d", e->name, c->args,
                     least, to, most == 1 ? "" : "s", e->n);
}

static void print_function(qvl_str *out, const char *name, const call *c,
                           const char *more)
{
    int n = (int)(strlen(name) + strlen(c->args));
    qvl_str_printf(out, "  %s(%s)%*s%s%s\n", name, c->args,
                   n < 40 ? 40 - n : 1, "", c->what, more);
}

void pass_print_functions(qvl_str *out)
{
    for (int i = 0; i < N_CALLS; i++)
        print_function(out, calls[i].name, &calls[i], "");
    for (int i = 0; i < ir_n_fns; i++)
        print_function(out, ir_fns[i].name, &elementwise,
                       ir_fns[i].d_name || ir_fns[i].d_of ? ""
                                                          : ", no gradient");
}

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

int lower_call(lower *s, const expr *e, const char *name, ir_value **out)
{
    const call *c = call_find(e->name);
    int least, most;
    if (c) {
        count_args(c, &least, &most);
        QVL_TRY(want_args(s, e, c, least, most));
        return c->fn(s, e, name, out);
    }
    int fn = ir_fn_find(e->name);
    if (fn < 0)
        return unknown_call(s, e);
    ir_value *x;
    QVL_TRY(want_args(s, e, &elementwise, 1, 1));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &x));
    const ir_expr *ex = ir_ex_call(s->m, fn, ir_ex_arg(s->m, 0));
    *out = ir_map_add(&s->b, ex, &x, 1, IR_ACT, NULL, name ? name : e->name,
                      s->err);
    return *out ? QVL_OK : lower_place(s, e);
}

/* ---- split ---- */

int lower_split(lower *s, const expr *e, const char *const *names, int n,
                ir_value **out)
{
    ir_value *x;
    if (e->kind != EXPR_CALL || strcmp(e->name, "split") != 0)
        return lower_fail(s, e, "several names on the left go with split(...)");
    QVL_TRY(want_args(s, e, call_find(e->name), n + 1, n + 1));
    QVL_TRY(lower_value(s, e->arg[0], NULL, &x));
    if (x->shape.rank < 2 || x->shape.rank > 3)
        return lower_fail(s, e, "split takes a value of rank 2 or 3");
    poly first = poly_number(0);
    for (int i = 0; i < n; i++) {
        poly size;
        int64_t n_cols;
        QVL_TRY(spec_size(&size, s->m, e->arg[i + 1], s->err));
        if (poly_is_number(&size, &n_cols) && n_cols < 1)
            return lower_fail(s, e->arg[i + 1], "a part has one column at least");
        out[i] = ir_columns(s->m, x, &first, &size, names[i], s->err);
        if (!out[i])
            return lower_place(s, e->arg[i + 1]);
        if (!poly_add(&first, &first, &size))
            return lower_fail(s, e->arg[i + 1], "the parts up to here add up to "
                                                "too long a size");
    }
    if (!poly_equal(&first, &x->shape.d[1]))
        return lower_fail(s, e, "the parts do not add up to the whole");
    return QVL_OK;
}
