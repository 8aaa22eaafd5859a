/* ir.c - making values, nodes, views and ops, and what shapes say of them
 *
 * Nothing is made of a shape that ir_shape_check has not seen, so products of
 * dims can be taken without looking again. An op is appended when its dims are
 * bound: inputs tell most of them, and an output that the caller does not give
 * gets the shape of the input with the same dims, else its dims as bound. Values
 * belong to the module's arena and are never freed; pointers to them stay, those
 * into tables that grow do not.
 */
#include "ir/ir.h"

#include <assert.h>
#include <string.h>

_Static_assert(IR_MAX_DIMS <= QVL_MAX_DIMS, "dims");
_Static_assert(IR_MAX_LISTS <= QVL_MAX_LISTS, "lists");
_Static_assert(IR_MAX_RANK <= QVL_COUNT(((qvl_arch_param *)NULL)->shape),
               "dims of a parameter");

void *ir_grow(qvl_arena *arena, void *old, int n, int *cap, size_t bytes)
{
    if (n < *cap)
        return old;
    *cap = *cap ? 2 * *cap : 64;
    void *more = qvl_arena_alloc_n(arena, (size_t)*cap, bytes);
    if (n)
        memcpy(more, old, (size_t)n * bytes);
    return more;
}

/* ---- values ---- */

ir_value *ir_value_new(ir_module *m, ir_value_kind kind, const char *name,
                       ir_class cls, const ir_shape *shape, ir_region *home)
{
    ir_value *v = qvl_arena_array(m->arena, ir_value, 1);
    m->value = ir_grow(m->arena, m->value, m->n_values, &m->cap_values,
                       sizeof *m->value);
    v->id = m->n_values;
    v->kind = kind;
    v->name = name;
    v->cls = cls;
    v->shape = *shape;
    v->index = -1;
    v->home = home;
    m->value[m->n_values++] = v;
    return v;
}

int ir_input_find(const ir_module *m, const char *name)
{
    for (int i = 0; i < m->n_inputs; i++)
        if (strcmp(m->input[i].name, name) == 0)
            return i;
    return -1;
}

int ir_param_find(const ir_module *m, const char *name)
{
    for (int i = 0; i < m->n_params; i++)
        if (strcmp(m->param[i].name, name) == 0)
            return i;
    return -1;
}

ir_value *ir_input_value(ir_module *m, int input)
{
    ir_input *in = &m->input[input];
    if (in->value >= 0)
        return m->value[in->value];
    ir_value *v =
        ir_value_new(m, IR_V_INPUT, in->name, in->cls, &in->shape, NULL);
    v->index = input;
    in->value = v->id;
    return v;
}

ir_value *ir_input_part(ir_module *m, int input, int kind)
{
    int i = 0;
    while (i < m->n_inputs &&
           (m->input[i].of != input || m->input[i].kind != kind))
        i++;
    assert(i < m->n_inputs);
    return ir_input_value(m, i);
}

/* Parameters and gradients are one value for each family and loop variable. */
static ir_value *family_value(ir_module *m, ir_value_kind kind, int family,
                              const char *layer)
{
    const ir_param *p = &m->param[family];
    for (int i = 0; i < m->n_values; i++) {
        ir_value *v = m->value[i];
        if (v->kind == kind && v->index == family &&
            (layer == v->layer ||
             (layer && v->layer && strcmp(layer, v->layer) == 0)))
            return v;
    }
    bool vector = p->shape.rank == 1 || kind == IR_V_GRAD;
    ir_value *v = ir_value_new(m, kind, p->name, vector ? IR_F32 : IR_WEIGHT,
                               &p->shape, NULL);
    v->index = family;
    v->layer = layer;
    return v;
}

ir_value *ir_param_value(ir_module *m, int family, const char *layer)
{
    return family_value(m, IR_V_PARAM, family, layer);
}

ir_value *ir_grad_value(ir_module *m, int family, const char *layer)
{
    return family_value(m, IR_V_GRAD, family, layer);
}

ir_value *ir_state_add(ir_module *m, const char *name, const char *var,
                       const ir_shape *shape)
{
    m->state = ir_grow(m->arena, m->state, m->n_states, &m->cap_states,
                       sizeof *m->state);
    ir_value *v = ir_value_new(m, IR_V_STATE, name, IR_ACT, shape, NULL);
    v->index = m->n_states;
    v->layer = var;
    m->state[m->n_states++] = (ir_state){name, var, *shape};
    return v;
}

int ir_array_add(ir_module *m, ir_array array)
{
    m->array = ir_grow(m->arena, m->array, m->n_arrays, &m->cap_arrays,
                       sizeof *m->array);
    m->array[m->n_arrays] = array;
    return m->n_arrays++;
}

int ir_array_find(const ir_module *m, const char *name)
{
    for (int i = 0; i < m->n_arrays; i++)
        if (strcmp(m->array[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- nodes ---- */

ir_node *ir_node_new(ir_module *m, int kind, int line)
{
    ir_node *n = qvl_arena_array(m->arena, ir_node, 1);
    n->kind = kind;
    n->line = line;
    n->array = -1;
    return n;
}

void ir_append(ir_block *block, ir_node *node)
{
    node->block = block;
    node->next = NULL;
    node->prev = block->last;
    if (block->last)
        block->last->next = node;
    else
        block->first = node;
    block->last = node;
}

void ir_remove(ir_node *node)
{
    ir_block *block = node->block;
    if (node->prev)
        node->prev->next = node->next;
    else
        block->first = node->next;
    if (node->next)
        node->next->prev = node->prev;
    else
        block->last = node->prev;
    node->prev = node->next = NULL;
    node->block = NULL;
}

void ir_walk(ir_block *block, void (*fn)(ir_node *node, void *arg), void *arg)
{
    for (ir_node *n = block->first; n; n = n->next) {
        fn(n, arg);
        if (n->kind == IR_N_REGION)
            ir_walk(&n->region->body, fn, arg);
    }
}

/* ---- shapes ---- */

bool ir_shape_equal(const ir_shape *a, const ir_shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (!poly_equal(&a->d[i], &b->d[i]))
            return false;
    return true;
}

static bool try_product(const ir_shape *s, int from, int to, poly *out)
{
    poly p = poly_number(1);
    for (int i = from; i < to; i++)
        if (!poly_mul(&p, &p, &s->d[i]))
            return false;
    *out = p;
    return true;
}

int ir_shape_check(const ir_module *m, const ir_shape *s, qvl_err *err)
{
    poly p;
    bool fits = true;
    for (int from = 0; from < s->rank; from++)
        for (int to = from; to <= s->rank; to++)
            fits = fits && try_product(s, from, to, &p);
    if (fits)
        return QVL_OK;
    qvl_str text = {0};
    ir_print_shape(&text, m, s);
    qvl_fail(err, QVL_E_CONFIG,
             "the elements of %s are " POLY_TOO_LONG, text.p);
    qvl_str_release(&text);
    return QVL_E_CONFIG;
}

static poly product(const ir_shape *s, int from, int to)
{
    poly p = poly_number(0);
    bool fits = try_product(s, from, to, &p);
    assert(fits);
    (void)fits;
    return p;
}

poly ir_elems(const ir_shape *s)
{
    return product(s, 0, s->rank);
}

poly ir_row_elems(const ir_shape *s)
{
    return product(s, 1, s->rank);
}

ir_value *ir_root(ir_value *v)
{
    while (v->kind == IR_V_VIEW)
        v = v->base;
    return v;
}

static ir_value *view_new(ir_module *m, ir_value *v, const ir_shape *shape,
                          const char *name)
{
    ir_value *r = ir_value_new(m, IR_V_VIEW, name ? name : v->name, v->cls,
                               shape, v->home);
    r->base = v;
    r->def = v->def;
    r->off = v->kind == IR_V_VIEW ? v->off : poly_number(0);
    r->ld = v->kind == IR_V_VIEW ? v->ld : ir_row_elems(&v->shape);
    r->slice = v->slice;
    if (v->kind == IR_V_VIEW)
        r->base = v->base;
    return r;
}

ir_value *ir_reshape(ir_module *m, ir_value *v, const ir_shape *shape,
                     const char *name, qvl_err *err)
{
    if (ir_shape_check(m, shape, err) != QVL_OK)
        return NULL;
    poly a = ir_elems(&v->shape);
    poly b = ir_elems(shape);
    bool same_rows = poly_equal(&v->shape.d[0], &shape->d[0]);
    if (!poly_equal(&a, &b) || (v->slice && !same_rows)) {
        qvl_str s = {0};
        ir_print_shape(&s, m, &v->shape);
        qvl_str_puts(&s, " as ");
        ir_print_shape(&s, m, shape);
        qvl_fail(err, QVL_E_CONFIG, "cannot see %s", s.p);
        qvl_str_release(&s);
        return NULL;
    }
    ir_value *r = view_new(m, v, shape, name);
    if (!v->slice)
        r->ld = ir_row_elems(shape);
    if (!v->rows_of)
        return r;
    ir_shape all = *shape;
    all.d[0] = v->rows_of->shape.d[0];
    r->rows_of = ir_reshape(m, v->rows_of, &all, name, err);
    return r->rows_of ? r : NULL;
}

static ir_value *fail_place(const ir_value *v, qvl_err *err)
{
    qvl_fail(err, QVL_E_CONFIG,
             "the place of a part of '%s' is " POLY_TOO_LONG, v->name);
    return NULL;
}

ir_value *ir_columns(ir_module *m, ir_value *v, const poly *first,
                     const poly *n, const char *name, qvl_err *err)
{
    assert(v->shape.rank == 2 || v->shape.rank == 3);
    ir_shape s = v->shape;
    s.d[1] = *n;
    if (ir_shape_check(m, &s, err) != QVL_OK)
        return NULL;
    ir_value *r = view_new(m, v, &s, name);
    poly at = *first;
    if ((s.rank == 3 && !poly_mul(&at, first, &s.d[2])) ||
        !poly_add(&r->off, &r->off, &at))
        return fail_place(v, err);
    r->slice = true;
    if (!v->rows_of)
        return r;
    r->rows_of = ir_columns(m, v->rows_of, first, n, name, err);
    return r->rows_of ? r : NULL;
}

ir_value *ir_rows(ir_module *m, ir_value *v, const poly *first, const poly *n,
                  const char *name, qvl_err *err)
{
    ir_shape s = v->shape;
    s.d[0] = *n;
    if (ir_shape_check(m, &s, err) != QVL_OK)
        return NULL;
    ir_value *r = view_new(m, v, &s, name);
    poly at;
    if (!poly_mul(&at, first, &r->ld) || !poly_add(&r->off, &r->off, &at))
        return fail_place(v, err);
    r->slice = true;
    return r;
}

/* ---- operands ---- */

ir_value *ir_operand(const ir_op *op, int operand)
{
    int in = 0;
    int out = 0;
    for (int i = 0; i < op->k->n_operands; i++) {
        bool is_in = op->k->operand[i].access == KERN_IN;
        if (i == operand)
            return is_in ? op->in[in] : op->out[out];
        if (is_in)
            in++;
        else
            out++;
    }
    return NULL;
}

const kern_operand *ir_operand_of(const ir_op *op, const ir_value *v)
{
    for (int i = 0; i < op->k->n_operands; i++)
        if (op->k->operand[i].access != KERN_IN && ir_operand(op, i) == v)
            return &op->k->operand[i];
    return NULL;
}

bool ir_has_views(const ir_module *m, const ir_value *v)
{
    for (int i = 0; i < m->n_values; i++)
        if (m->value[i]->kind == IR_V_VIEW && m->value[i]->base == v)
            return true;
    return false;
}

/* Position among those that are read, or among those that are written. */
static int place_of(const kern *k, const char *name, bool is_in)
{
    int n = 0, found = -1;
    for (int i = 0; i < k->n_operands; i++) {
        if ((k->operand[i].access == KERN_IN) != is_in)
            continue;
        if (strcmp(k->operand[i].name, name) == 0)
            found = n;
        n++;
    }
    assert(found >= 0);
    return found;
}

ir_value *ir_in(const ir_op *op, const char *name)
{
    return op->in[place_of(op->k, name, true)];
}

ir_value *ir_out(const ir_op *op, const char *name)
{
    return op->out[place_of(op->k, name, false)];
}

int ir_out_place(const kern *k, const char *name)
{
    return place_of(k, name, false);
}

bool ir_operand_shape(const kern_operand *o, const ir_value *v, bool by_rows,
                      ir_shape *out)
{
    const ir_shape *s = &v->shape;
    ir_shape r = {.rank = o->rank};
    if (s->rank == o->rank) {
        r = *s;
    } else if (o->rank == 3 && s->rank == 2) {
        r.d[0] = s->d[0];
        r.d[1] = poly_number(1);
        r.d[2] = s->d[1];
    } else if (s->rank > o->rank && o->rank == 1) {
        r.d[0] = product(s, 0, s->rank);
    } else if (s->rank > o->rank && by_rows) {
        for (int i = 0; i + 1 < o->rank; i++)
            r.d[i] = s->d[i];
        r.d[o->rank - 1] = product(s, o->rank - 1, s->rank);
    } else if (s->rank > o->rank) {
        int extra = s->rank - o->rank;
        r.d[0] = product(s, 0, extra + 1);
        for (int i = 1; i < o->rank; i++)
            r.d[i] = s->d[i + extra];
    } else {
        return false;
    }
    *out = r;
    return true;
}

static int shape_error(const ir_module *m, const ir_op *op, int operand,
                       const ir_shape *found, const poly *sym,
                       const bool *known, qvl_err *err)
{
    const kern_operand *o = &op->k->operand[operand];
    qvl_str s = {0};
    qvl_str_printf(&s, "%s of %s has shape ", o->name, op->k->name);
    ir_print_shape(&s, m, found);
    qvl_str_puts(&s, ", expected [");
    for (int i = 0; i < o->rank; i++) {
        qvl_str_puts(&s, i ? ", " : "");
        if (o->dim[i] < 0)
            qvl_str_printf(&s, "%d", -1 - o->dim[i]);
        else if (known[o->dim[i]])
            ir_print_poly(&s, m, &sym[o->dim[i]], false);
        else
            qvl_str_puts(&s, op->k->sym[o->dim[i]]);
    }
    qvl_str_putc(&s, ']');
    qvl_fail(err, QVL_E_CONFIG, "%s", s.p);
    qvl_str_release(&s);
    return QVL_E_CONFIG;
}

bool ir_by_rows(const ir_op *op)
{
    bool by_rows = false;
    bool deep = op->n_out > 0 && op->out[0]->shape.rank > 2;
    for (int i = 0; i < op->k->n_operands; i++) {
        const ir_value *v = ir_operand(op, i);
        if (v && v->slice && v->shape.rank > op->k->operand[i].rank)
            by_rows = true;
    }
    for (int i = 0; i < op->n_extra; i++) {
        const ir_value *v = op->extra[i];
        if (op->extra_kind[i] == KERN_EXTRA_SAME && v->slice &&
            (deep || v->shape.rank > 2))
            by_rows = true;
    }
    return by_rows;
}

static bool bind_dims(const kern_operand *o, const ir_shape *s, poly *sym,
                      bool *known)
{
    for (int i = 0; i < o->rank; i++) {
        int64_t n;
        if (o->dim[i] < 0) {
            if (!poly_is_number(&s->d[i], &n) || n != -1 - o->dim[i])
                return false;
        } else if (!known[o->dim[i]]) {
            sym[o->dim[i]] = s->d[i];
            known[o->dim[i]] = true;
        } else if (!poly_equal(&sym[o->dim[i]], &s->d[i])) {
            return false;
        }
    }
    return true;
}

int ir_bind(const ir_module *m, const ir_op *op, poly *out, qvl_err *err)
{
    bool known[KERN_MAX_SYMS] = {false};
    bool by_rows = ir_by_rows(op);
    for (int i = 0; i < op->k->n_operands; i++) {
        const ir_value *v = ir_operand(op, i);
        if (!v)
            continue;
        const kern_operand *o = &op->k->operand[i];
        ir_shape s;
        if (!ir_operand_shape(o, v, by_rows, &s) ||
            !bind_dims(o, &s, out, known))
            return shape_error(m, op, i, &v->shape, out, known, err);
    }
    for (int i = 0; i < op->k->n_syms; i++)
        if (!known[i])
            return qvl_fail(err, QVL_E_INTERNAL, "dim %s of %s is not bound",
                            op->k->sym[i], op->k->name);
    return QVL_OK;
}

void ir_store_shape(const ir_op *op, poly *rows, poly *cols)
{
    const ir_value *v = op->out[0];
    const kern_operand *o = NULL;
    for (int i = 0; i < op->k->n_operands && !o; i++)
        if (op->k->operand[i].access != KERN_IN)
            o = &op->k->operand[i];
    ir_shape s;
    bool fits = ir_operand_shape(o, v, ir_by_rows(op), &s);
    assert(fits);
    (void)fits;
    *rows = s.d[0];
    *cols = ir_row_elems(&s);
}

bool ir_extra_fits(const ir_value *v, kern_extra_kind kind, const poly *rows,
                   const poly *cols)
{
    poly n = ir_elems(&v->shape);
    poly want;
    if (kind == KERN_EXTRA_COL)
        return poly_equal(&n, cols) && !v->slice;
    if (kind == KERN_EXTRA_ROW)
        return poly_equal(&n, rows) && !v->slice;
    if (v->slice && !poly_equal(&v->shape.d[0], rows))
        return false;
    return poly_mul(&want, rows, cols) && poly_equal(&n, &want);
}

bool ir_op_fits(const ir_module *m, const ir_op *op)
{
    poly sym[KERN_MAX_SYMS], rows, cols;
    if (ir_bind(m, op, sym, NULL) != QVL_OK)
        return false;
    ir_store_shape(op, &rows, &cols);
    for (int i = 0; i < op->n_extra; i++)
        if (!ir_extra_fits(op->extra[i], op->extra_kind[i], &rows, &cols))
            return false;
    return true;
}

bool ir_inside(const ir_region *r, const ir_region *outer)
{
    for (; r; r = r->outer)
        if (r == outer)
            return true;
    return outer == NULL;
}

/* ---- ops ---- */

/* Shape of a new output: that of an input with the same declared dims, else
 * its dims with a merged first dim taken apart again. */
static ir_shape output_shape(const ir_op *op, const kern_operand *o,
                             const poly *sym)
{
    int in = 0;
    for (int i = 0; i < op->k->n_operands; i++) {
        const kern_operand *c = &op->k->operand[i];
        if (c->access != KERN_IN)
            continue;
        const ir_value *v = op->in[in++];
        if (v && c->rank == o->rank &&
            memcmp(c->dim, o->dim, (size_t)o->rank * sizeof c->dim[0]) == 0)
            return v->shape;
    }
    ir_shape s = {0};
    int lead = -1;
    in = 0;
    for (int i = 0; i < op->k->n_operands && lead < 0; i++) {
        const kern_operand *c = &op->k->operand[i];
        if (c->access != KERN_IN)
            continue;
        const ir_value *v = op->in[in++];
        if (!v || c->dim[0] != o->dim[0] || v->shape.rank <= c->rank)
            continue;
        lead = v->shape.rank - c->rank + 1;
        for (int k = 0; k < lead; k++)
            s.d[s.rank++] = v->shape.d[k];
    }
    for (int i = lead < 0 ? 0 : 1; i < o->rank; i++)
        s.d[s.rank++] = o->dim[i] < 0 ? poly_number(-1 - o->dim[i])
                                      : sym[o->dim[i]];
    return s;
}

static ir_class output_class(const kern_operand *o, ir_class cls)
{
    if (strcmp(o->type, "f32") == 0)
        return IR_F32;
    if (strcmp(o->type, "i32") == 0 || strcmp(o->type, "u32") == 0)
        return IR_I32;
    return cls;
}

/* The first output has the name of the op, others that of the signature behind it:
 * "n", "n_rstd". */
static const char *output_name(const ir_module *m, const kern *k, int operand,
                               int output, const char *name)
{
    if (output == 0 || !name)
        return name;
    return qvl_arena_printf(m->arena, "%s_%s", name, k->operand[operand].name);
}

/* Dims known from the inputs alone. */
static int bind_inputs(const ir_module *m, ir_op *op, poly *sym, bool *known,
                       qvl_err *err)
{
    bool by_rows = ir_by_rows(op);
    int in = 0;
    for (int i = 0; i < op->k->n_operands; i++) {
        const kern_operand *o = &op->k->operand[i];
        if (o->access != KERN_IN)
            continue;
        const ir_value *v = op->in[in++];
        ir_shape s;
        if (v && (!ir_operand_shape(o, v, by_rows, &s) ||
                  !bind_dims(o, &s, sym, known)))
            return shape_error(m, op, i, &v->shape, sym, known, err);
    }
    return QVL_OK;
}

/* The node of an op with what it reads. */
static ir_node *op_new(ir_builder *b, const char *kernel, const ir_args *args,
                       qvl_err *err)
{
    const ir_real zero = {.kind = IR_REAL_NUMBER, .times = 1.0};
    const kern *k = kern_find(b->m->kernels, kernel);
    int n_in = 0, n_scalars = 0;
    if (!k) {
        qvl_fail(err, QVL_E_INTERNAL, "no kernel %s in shaders/", kernel);
        return NULL;
    }
    for (int i = 0; i < k->n_operands; i++)
        n_in += k->operand[i].access == KERN_IN;
    for (int i = 0; i < k->n_scalars; i++)
        n_scalars += !kern_is_first(k, i);
    if (args->n_in != n_in || args->n_scalars != n_scalars) {
        qvl_fail(err, QVL_E_INTERNAL, "kernel %s: found %d inputs and %d "
                 "scalars, expected %d and %d", kernel, args->n_in,
                 args->n_scalars, n_in, n_scalars);
        return NULL;
    }
    ir_node *n = ir_node_new(b->m, IR_N_OP, b->line);
    ir_op *op = &n->op;
    op->k = k;
    n->backward = b->backward;
    while (op->n_in < n_in) {
        op->in[op->n_in] = args->in[op->n_in];
        op->n_in++;
    }
    for (int i = 0, given = 0; i < k->n_scalars; i++)
        op->scalar[i] = kern_is_first(k, i) ? zero : args->scalar[given++];
    return n;
}

ir_node *ir_op_add(ir_builder *b, const char *kernel, const ir_args *args,
                   ir_value *const *out, ir_class cls, const char *name,
                   qvl_err *err)
{
    ir_node *n = op_new(b, kernel, args, err);
    if (!n)
        return NULL;
    ir_op *op = &n->op;
    const kern *k = op->k;
    poly sym[KERN_MAX_SYMS] = {{0}};
    bool known[KERN_MAX_SYMS] = {false};
    if (bind_inputs(b->m, op, sym, known, err) != QVL_OK)
        return NULL;
    for (int i = 0, o = 0; i < k->n_operands; i++) {
        if (k->operand[i].access == KERN_IN)
            continue;
        ir_value *v = out ? out[o] : NULL;
        ir_shape s = v ? v->shape : output_shape(op, &k->operand[i], sym);
        if (ir_shape_check(b->m, &s, err) != QVL_OK)
            return NULL;
        if (!v)
            v = ir_value_new(b->m, IR_V_OP, output_name(b->m, k, i, o, name),
                             output_class(&k->operand[i], cls), &s,
                             b->block->owner);
        if (v->kind == IR_V_OP || v->kind == IR_V_VIEW)
            v->def = n;
        op->out[op->n_out++] = v;
        o++;
    }
    if (ir_bind(b->m, op, sym, err) != QVL_OK)
        return NULL;
    ir_append(b->block, n);
    return n;
}

/* How an argument follows a result of shape s. */
static bool extra_kind(const ir_shape *s, const ir_shape *a,
                       kern_extra_kind *kind)
{
    poly rows = s->d[0];
    poly row = ir_row_elems(s);
    poly a_row = ir_row_elems(a);
    if (poly_equal(&rows, &a->d[0]) && poly_equal(&row, &a_row)) {
        *kind = KERN_EXTRA_SAME;
        return true;
    }
    if (a->rank == 1 && poly_equal(&a->d[0], &s->d[s->rank - 1])) {
        *kind = KERN_EXTRA_COL;
        return true;
    }
    if (a->rank < s->rank) {
        poly n = ir_elems(a);
        poly lead = product(s, 0, s->rank - 1);
        *kind = KERN_EXTRA_ROW;
        return poly_equal(&n, &lead);
    }
    return false;
}

ir_value *ir_map_add(ir_builder *b, const ir_expr *expr, ir_value *const *arg,
                     int n_arg, ir_class cls, ir_value *into, const char *name,
                     qvl_err *err)
{
    assert(n_arg >= 1 && n_arg <= KERN_MAX_EXTRA);
    ir_value *like = arg[0];
    for (int i = 1; i < n_arg; i++)
        if (arg[i]->shape.rank > like->shape.rank)
            like = arg[i];
    ir_node *n = ir_node_new(b->m, IR_N_OP, b->line);
    n->backward = b->backward;
    n->op.k = kern_find(b->m->kernels, "map");
    n->op.expr = expr;
    for (int i = 0; i < n_arg; i++) {
        if (!extra_kind(&like->shape, &arg[i]->shape, &n->op.extra_kind[i])) {
            qvl_str s = {0};
            ir_print_shape(&s, b->m, &arg[i]->shape);
            qvl_str_puts(&s, " with ");
            ir_print_shape(&s, b->m, &like->shape);
            qvl_fail(err, QVL_E_CONFIG, "shapes do not go together: %s", s.p);
            qvl_str_release(&s);
            return NULL;
        }
        n->op.extra[n->op.n_extra++] = arg[i];
    }
    ir_value *v = into;
    if (!v)
        v = ir_value_new(b->m, IR_V_OP, name, cls, &like->shape,
                         b->block->owner);
    v->def = n;
    n->op.out[n->op.n_out++] = v;
    ir_append(b->block, n);
    return v;
}

ir_value *ir_zero_add(ir_builder *b, const ir_shape *shape, ir_class cls,
                      const char *name)
{
    ir_node *n = ir_node_new(b->m, IR_N_OP, b->line);
    n->backward = b->backward;
    n->op.k = kern_find(b->m->kernels, "map");
    n->op.expr = ir_ex_number(b->m, 0.0);
    ir_value *v =
        ir_value_new(b->m, IR_V_OP, name, cls, shape, b->block->owner);
    v->def = n;
    n->op.out[n->op.n_out++] = v;
    ir_append(b->block, n);
    return v;
}
