/* interp.c - runs a module node by node, every value in memory of its own
 *
 * Reading makes a view dense, writing puts it into its root, so the functions of
 * ops.h see arrays without gaps. The price is a copy for each slice and memory that
 * only grows: right for sizes of a test, and for nothing else.
 */
#include "ref/interp.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "ref/ops.h"

/* A value defined inside of repeats has a place for each turn of them, as the
 * backward pass reads the values of a turn long after it. */
typedef struct {
    const ref_problem *p;
    const ir_module *m;
    qvl_dims d;          // with rows and first row of the chunk in progress
    qvl_arena *arena;
    double ***place;     // [m->n_values][turns] dense data of a value
    double ***array;     // [m->n_arrays][count] elements of arrays
    double **grad;       // [n params]
    double **state;      // [p->states->n]
    double loss;
    ref_vars vars;
    qvl_err *err;
} interp;

static int run_block(interp *s, const ir_block *block);

/* ---- places ---- */

static const ir_region *repeat_of(const ir_region *r)
{
    while (r && r->kind != IR_REPEAT)
        r = r->outer;
    return r;
}

static size_t n_turns(const interp *s, const ir_region *home)
{
    const ir_region *r = repeat_of(home);
    if (!r)
        return 1;
    int64_t n = ref_int(s->m, &s->d, &s->vars, r->count);
    return n_turns(s, r->outer) * (size_t)(n > 0 ? n : 0);
}

static size_t turn(const interp *s, const ir_region *home)
{
    const ir_region *r = repeat_of(home);
    if (!r)
        return 0;
    int64_t n = ref_int(s->m, &s->d, &s->vars, r->count);
    return turn(s, r->outer) * (size_t)n + (size_t)ref_var(&s->vars, r->var);
}

static int instance(const interp *s, const ir_value *v)
{
    int layer = v->layer ? (int)ref_var(&s->vars, v->layer) : 0;
    int list = s->m->param[v->index].list;
    if (list >= 0)
        layer = ref_place(&s->d, s->m->dim[list].list, layer);
    assert(layer >= 0);
    int i = s->p->params->first[v->index] + layer;
    int same_as = s->p->params->item[i].same_as;
    return same_as >= 0 ? same_as : i;
}

static int state_of(const interp *s, const ir_value *v)
{
    int layer = v->layer ? (int)ref_var(&s->vars, v->layer) : 0;
    return v->index + s->m->n_states * layer;
}

/* Where the data of a value is kept; v is no view. */
static double **place_of(interp *s, const ir_value *v)
{
    if (v->kind == IR_V_GRAD)
        return &s->grad[instance(s, v)];
    if (v->kind == IR_V_STATE)
        return &s->state[state_of(s, v)];
    if (!s->place[v->id])
        s->place[v->id] =
            qvl_arena_array(s->arena, double *, n_turns(s, v->home) + 1);
    return &s->place[v->id][turn(s, v->home)];
}

static const double *data_of(interp *s, const ir_value *v)
{
    if (v->kind == IR_V_INPUT)
        return s->p->input[v->index];
    if (v->kind == IR_V_PARAM)
        return s->p->param[instance(s, v)];
    return *place_of(s, v);
}

static double *new_data(interp *s, size_t n, double fill)
{
    double *p = qvl_arena_array(s->arena, double, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = fill;
    return p;
}

static int fail_at(const interp *s, int line, const ir_value *v,
                   const char *what)
{
    return qvl_fail(s->err, QVL_E_INTERNAL, "%s:%d: %s: %%%d %s", s->m->file,
                    line, what, v->id, v->name ? v->name : "");
}

/* Rows of a value, elements of a row, and where row 0 starts in its root and
 * how far rows lie apart. */
typedef struct {
    size_t rows, row, off, ld;
} layout;

static layout layout_of(const interp *s, const ir_value *v)
{
    size_t n = ref_elems(&s->d, &v->shape);
    layout l = {.rows = (size_t)ref_poly(&v->shape.d[0], s->d.i)};
    l.row = l.rows > 0 ? n / l.rows : 0;
    l.ld = l.row;
    if (v->slice) {
        l.off = (size_t)ref_poly(&v->off, s->d.i);
        l.ld = (size_t)ref_poly(&v->ld, s->d.i);
    }
    return l;
}

/* The elements of v, dense: the data itself where it is so already. */
static int read_value(interp *s, int line, ir_value *v, const double **out)
{
    const double *root = data_of(s, ir_root(v));
    layout l = layout_of(s, v);
    if (!root)
        return fail_at(s, line, v, "used before it is made");
    if (v->slice) {
        double *dense = new_data(s, l.rows * l.row, 0.0);
        for (size_t r = 0; r < l.rows; r++)
            memcpy(dense + r * l.row, root + l.off + r * l.ld,
                   l.row * sizeof *dense);
        root = dense;
    }
    for (size_t i = 0; i < l.rows * l.row; i++)
        if (isnan(root[i]))
            return fail_at(s, line, v, "an element is never written");
    *out = root;
    return QVL_OK;
}

/* Make `dense` the data of v: its own memory, a part of a larger value, or one
 * more addend of a gradient. */
static int write_value(interp *s, int line, ir_value *v, double *dense)
{
    ir_value *root = ir_root(v);
    double **place = place_of(s, root);
    layout l = layout_of(s, v);
    if (root->kind == IR_V_GRAD) {
        for (size_t i = 0; i < l.rows * l.row; i++)
            (*place)[i] += dense[i];
        return QVL_OK;
    }
    if (v->kind != IR_V_VIEW) {
        *place = dense;
        return QVL_OK;
    }
    if (!*place)
        return fail_at(s, line, v, "written before there is memory");
    for (size_t r = 0; r < l.rows; r++)
        memcpy(*place + l.off + r * l.ld, dense + r * l.row,
               l.row * sizeof *dense);
    return QVL_OK;
}

/* ---- ops ---- */

typedef struct {
    const double *arg[KERN_MAX_EXTRA];
    double v;      // what the kernel computed for this element
    size_t at[KERN_MAX_EXTRA];
} operands;

static double evaluate(const ir_expr *e, const operands *o)
{
    switch (e->kind) {
    case IR_EX_NUMBER:
        return e->number;
    case IR_EX_VALUE:
        return o->v;
    case IR_EX_ARG:
        return o->arg[e->arg][o->at[e->arg]];
    case IR_EX_ADD:
        return evaluate(e->a, o) + evaluate(e->b, o);
    case IR_EX_SUB:
        return evaluate(e->a, o) - evaluate(e->b, o);
    case IR_EX_MUL:
        return evaluate(e->a, o) * evaluate(e->b, o);
    case IR_EX_NEG:
        return -evaluate(e->a, o);
    case IR_EX_CALL:
        return ref_function(ir_fns[e->fn].name, evaluate(e->a, o));
    default:
        assert(!"an expression of no kind");
        return NAN;
    }
}

/* y = expression of y and the extras. A COL extra has one element a column, a
 * ROW extra one a row, whatever the rank of the result. */
static int apply_expression(interp *s, int line, const ir_op *op, double *y)
{
    operands o = {0};
    size_t n = ref_elems(&s->d, &op->out[0]->shape);
    size_t n_extra[KERN_MAX_EXTRA];
    for (int k = 0; k < op->n_extra; k++) {
        QVL_TRY(read_value(s, line, op->extra[k], &o.arg[k]));
        n_extra[k] = ref_elems(&s->d, &op->extra[k]->shape);
    }
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < op->n_extra; k++)
            o.at[k] = op->extra_kind[k] == KERN_EXTRA_SAME  ? i
                      : op->extra_kind[k] == KERN_EXTRA_COL ? i % n_extra[k]
                                              : i / (n / n_extra[k]);
        o.v = y[i];
        y[i] = evaluate(op->expr, &o);
    }
    return QVL_OK;
}

/* The losses are the first results of the ops that start gradients. */
static void add_loss(interp *s, const ref_call *c)
{
    if (strcmp(c->k->name, "cross_entropy") != 0)
        return;
    for (int64_t r = 0; r < ref_dim(c, "rows"); r++)
        s->loss += c->out[0][2 * r] * c->in[2][0];
}

/* Outputs to be written: an `io` operand holds what is there. */
static void make_outputs(interp *s, const ir_op *op, double **out)
{
    for (int i = 0, o = 0; o < op->k->n_operands; o++) {
        if (op->k->operand[o].access == KERN_IN)
            continue;
        size_t n = ref_elems(&s->d, &op->out[i]->shape);
        out[i] = new_data(s, n, 0.0);
        if (op->k->operand[o].access == KERN_IO)
            memcpy(out[i], data_of(s, op->out[i]), n * sizeof *out[i]);
        i++;
    }
}

static int run_op(interp *s, const ir_node *n)
{
    const ir_op *op = &n->op;
    poly sym[KERN_MAX_SYMS];
    int64_t dim[KERN_MAX_SYMS];
    double scalar[KERN_MAX_SCALARS];
    const double *in[KERN_MAX_OPERANDS] = {0};
    double *out[KERN_MAX_OPERANDS] = {0};
    ref_kernel *fn = ref_kernel_find(op->k->name);
    if (!fn)
        return qvl_fail(s->err, QVL_E_INTERNAL, "no reference of kernel %s",
                        op->k->name);
    QVL_TRY(ir_bind(s->m, op, sym, s->err));
    for (int i = 0; i < op->k->n_syms; i++)
        dim[i] = ref_poly(&sym[i], s->d.i);
    for (int i = 0; i < op->k->n_scalars; i++)
        scalar[i] = ref_real(&s->d, &op->scalar[i]);
    for (int i = 0; i < op->n_in; i++)
        if (op->in[i])
            QVL_TRY(read_value(s, n->line, op->in[i], &in[i]));
    make_outputs(s, op, out);
    ref_call call = {.k = op->k, .dim = dim, .scalar = scalar, .in = in,
                     .out = out};
    fn(&call);
    add_loss(s, &call);
    if (op->expr)
        QVL_TRY(apply_expression(s, n->line, op, out[0]));
    for (int i = 0; i < op->n_out; i++)
        QVL_TRY(write_value(s, n->line, op->out[i], out[i]));
    return QVL_OK;
}

/* ---- regions ---- */

static void push_var(interp *s, const char *name, int64_t value)
{
    assert(s->vars.n < REF_MAX_VARS);
    s->vars.name[s->vars.n] = name;
    s->vars.value[s->vars.n++] = value;
}

/* Values that a region carries, as data: a slice becomes a copy. */
static int carried(interp *s, int line, ir_value *v, double **out)
{
    const double *p;
    QVL_TRY(read_value(s, line, v, &p));
    *out = (double *)p;
    return QVL_OK;
}

static int run_repeat(interp *s, const ir_node *n)
{
    const ir_region *r = n->region;
    double *now[IR_MAX_CARRY], *next[IR_MAX_CARRY];
    int64_t count = ref_int(s->m, &s->d, &s->vars, r->count);
    for (int i = 0; i < r->n_carry; i++)
        QVL_TRY(carried(s, n->line, r->carry[i].init, &now[i]));
    for (int64_t k = 0; k < count; k++) {
        push_var(s, r->var, r->reverse ? count - 1 - k : k);
        for (int i = 0; i < r->n_carry; i++)
            *place_of(s, r->carry[i].entry) = now[i];
        QVL_TRY(run_block(s, &r->body));
        for (int i = 0; i < r->n_carry; i++)
            QVL_TRY(carried(s, n->line, r->carry[i].next, &next[i]));
        memcpy(now, next, sizeof now);
        s->vars.n--;
    }
    for (int i = 0; i < r->n_carry; i++)
        *place_of(s, r->carry[i].result) = now[i];
    return QVL_OK;
}

static int run_if(interp *s, const ir_node *n)
{
    const ir_region *r = n->region;
    double *now[IR_MAX_CARRY];
    for (int i = 0; i < r->n_carry; i++)
        QVL_TRY(carried(s, n->line, r->carry[i].init, &now[i]));
    if (ref_int(s->m, &s->d, &s->vars, r->cond)) {
        int n_vars = s->vars.n;
        if (r->var)
            push_var(s, r->var,
                     ref_place(&s->d, s->m->dim[r->cond->dim].list,
                               ref_int(s->m, &s->d, &s->vars, r->cond->a)));
        QVL_TRY(run_block(s, &r->body));
        for (int i = 0; i < r->n_carry; i++)
            QVL_TRY(carried(s, n->line, r->carry[i].next, &now[i]));
        s->vars.n = n_vars;
    }
    for (int i = 0; i < r->n_carry; i++)
        *place_of(s, r->carry[i].result) = now[i];
    return QVL_OK;
}

static int run_chunk(interp *s, const ir_node *n)
{
    const ir_region *r = n->region;
    int64_t all = s->d.i[r->dim];
    int64_t by = s->d.i[r->by];
    for (int64_t first = 0; first < all; first += by) {
        s->d.i[r->first] = first;
        s->d.i[r->rows] = all - first < by ? all - first : by;
        QVL_TRY(run_block(s, &r->body));
    }
    return QVL_OK;
}

/* ---- arrays of the spec ---- */

static double **element(interp *s, const ir_node *n)
{
    const ir_array *a = &s->m->array[n->array];
    int64_t count = ref_int(s->m, &s->d, NULL, a->count);
    int64_t at = ref_int(s->m, &s->d, &s->vars, n->at);
    if (!s->array[n->array])
        s->array[n->array] =
            qvl_arena_array(s->arena, double *, (size_t)count + 1);
    return at >= 0 && at < count ? &s->array[n->array][at] : NULL;
}

static int run_array(interp *s, const ir_node *n)
{
    double **e = element(s, n);
    if (!e)
        return fail_at(s, n->line, n->value, "a place outside of the array");
    if (n->kind == IR_N_STORE)
        return carried(s, n->line, n->value, e);
    if (!*e && s->m->array[n->array].is_grad)
        *e = new_data(s, ref_elems(&s->d, &n->value->shape), 0.0);
    if (!*e)
        return fail_at(s, n->line, n->value, "an element that is never set");
    *place_of(s, n->value) = *e;
    return QVL_OK;
}

/* ---- the whole ---- */

/* Memory that parts are written to, new in every turn. */
static void make_spaces(interp *s, const ir_block *block)
{
    for (int i = 0; i < s->m->n_values; i++) {
        const ir_value *v = s->m->value[i];
        if (v->kind == IR_V_SPACE && v->home == block->owner)
            *place_of(s, v) = new_data(s, ref_elems(&s->d, &v->shape), NAN);
    }
}

static int run_node(interp *s, const ir_node *n)
{
    if (n->kind == IR_N_OP)
        return run_op(s, n);
    if (n->kind != IR_N_REGION)
        return run_array(s, n);
    if (n->region->kind == IR_REPEAT)
        return run_repeat(s, n);
    return n->region->kind == IR_IF ? run_if(s, n) : run_chunk(s, n);
}

static int run_block(interp *s, const ir_block *block)
{
    make_spaces(s, block);
    for (const ir_node *n = block->first; n; n = n->next)
        QVL_TRY(run_node(s, n));
    return QVL_OK;
}

/* One output, or one for each element of an array: "taps.{k}". */
static int take_output(interp *s, const ir_output *x, ref_result *out)
{
    if (x->array < 0) {
        ref_output *o = &out->output[out->n_outputs++];
        o->name = x->name;
        o->n = ref_elems(&s->d, &x->value->shape);
        return read_value(s, 0, x->value, &o->v);
    }
    const ir_array *a = &s->m->array[x->array];
    int64_t count = ref_int(s->m, &s->d, NULL, a->count);
    for (int64_t k = 0; k < count && s->array[x->array]; k++) {
        ref_output *o = &out->output[out->n_outputs++];
        o->name = ref_layer_name(x->name, (int)k, s->arena);
        o->n = ref_elems(&s->d, &a->shape);
        o->v = s->array[x->array][k];
    }
    return QVL_OK;
}

static int take_outputs(interp *s, ref_result *out)
{
    int64_t n = 0;
    for (int i = 0; i < s->m->n_outputs; i++) {
        int array = s->m->output[i].array;
        n += array < 0 ? 1
                       : ref_int(s->m, &s->d, NULL, s->m->array[array].count);
    }
    out->output = qvl_arena_array(s->arena, ref_output, n);
    for (int i = 0; i < s->m->n_outputs; i++)
        QVL_TRY(take_output(s, &s->m->output[i], out));
    return QVL_OK;
}

/* States are changed in place, those of the problem stay. */
static void copy_states(interp *s)
{
    const ref_states *list = s->p->states;
    int n = list ? list->n : 0;
    s->state = qvl_arena_array(s->arena, double *, n + 1);
    for (int i = 0; i < n; i++) {
        s->state[i] = new_data(s, list->n_elems[i], 0.0);
        memcpy(s->state[i], s->p->state[i],
               list->n_elems[i] * sizeof *s->state[i]);
    }
}

int ref_run(ref_result *out, const ref_problem *p, qvl_arena *arena,
            qvl_err *err)
{
    const ir_module *m = p->m;
    interp s = {.p = p, .m = m, .d = *p->d, .arena = arena, .err = err};
    s.place = qvl_arena_array(arena, double **, m->n_values);
    s.array = qvl_arena_array(arena, double **, m->n_arrays + 1);
    s.grad = qvl_arena_array(arena, double *, p->params->n + 1);
    for (int i = 0; i < p->params->n; i++) {
        const ref_param *x = &p->params->item[i];
        s.grad[i] = x->same_as >= 0 ? s.grad[x->same_as]
                                    : new_data(&s, x->n, 0.0);
    }
    copy_states(&s);
    QVL_TRY(run_block(&s, &m->body));
    ref_result r = {.loss = s.loss, .grad = s.grad, .state = s.state};
    QVL_TRY(take_outputs(&s, &r));
    *out = r;
    return QVL_OK;
}
