/* grad.c - backwards over the regions of a program, for every rule of rules.c
 *
 * Each region is walked from its end into a mirror of its own: a repeat counts
 * down, an if has the same condition, a chunk goes on in the turn that it is in,
 * so that nothing of a chunk outlives it. A scope lists what is known of the
 * gradients inside one region; sums of values from outside leave it as carries.
 *
 *   sums    A value read twice has the sum of two gradients. A parameter's is a
 *           value of its own kind that ops add to, in every turn.
 *   slices  Gradients of the column slices of a value are written side by side
 *           into one for all of it, without a copy where their op can write so;
 *           slices that overlap fill another one, and the two are added.
 *   arrays  A store's gradient is what the loads of the element gave, zeros when
 *           none did; a load adds to it, or sets it when no other load can.
 *
 * Ops with `backward` set stand behind those of the forward pass. What has no
 * gradient is refused with its line (pass.h). The search for slices and readers
 * goes over all values: quadratic in the length of a program.
 */
#include "pass/grad.h"

#include <string.h>

/* Gradients known so far inside one forward region. Values of the region are
 * listed with their sums; so are values from outside, whose sums leave through
 * a carry when the region is done. */
struct grad_scope {
    ir_region *region;  // NULL: the module
    grad_scope *outer;
    struct {
        ir_value *v;
        ir_value *dv;
    } *item;
    int n, cap;
};

static ir_value **slot(grad *g, grad_scope *s, ir_value *v)
{
    for (int i = 0; i < s->n; i++)
        if (s->item[i].v == v)
            return &s->item[i].dv;
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 32;
        void *more =
            qvl_arena_alloc_n(g->m->arena, (size_t)cap, sizeof *s->item);
        if (s->n)
            memcpy(more, s->item, (size_t)s->n * sizeof *s->item);
        s->item = more;
        s->cap = cap;
    }
    s->item[s->n].v = v;
    s->item[s->n].dv = NULL;
    return &s->item[s->n++].dv;
}

/* ---- adding up ---- */

bool grad_wanted(const ir_value *v)
{
    const ir_value *root = v->kind == IR_V_VIEW ? v->base : v;
    return root->kind != IR_V_INPUT && v->cls != IR_I32;
}

ir_class grad_class(const ir_value *v)
{
    return v->cls == IR_RES ? IR_RES : IR_ACT;
}

int grad_sum_of(grad *g, ir_value *v, ir_value **out)
{
    ir_value *root = ir_root(v);
    *out = NULL;
    if (root->kind != IR_V_PARAM)
        return QVL_OK;
    ir_value *sum = ir_grad_value(g->m, root->index, root->layer);
    if (!ir_shape_equal(&sum->shape, &v->shape))
        sum = ir_reshape(g->m, sum, &v->shape, sum->name, g->err);
    *out = sum;
    return sum ? QVL_OK : QVL_E_INTERNAL;
}

static int sum_up(grad *g, ir_value *like, ir_value *a, ir_value *b,
                  ir_value **out)
{
    ir_value *arg[2] = {a, b};
    const ir_expr *sum = ir_ex_binary(g->m, IR_EX_ADD, ir_ex_arg(g->m, 0),
                                      ir_ex_arg(g->m, 1));
    const char *name = qvl_arena_printf(g->m->arena, "d_%s", like->name);
    *out = ir_map_add(&g->b, sum, arg, 2, grad_class(like), NULL, name,
                      g->err);
    return *out ? QVL_OK : QVL_E_INTERNAL;
}

int grad_give(grad *g, ir_value *v, ir_value *dv)
{
    if (!grad_wanted(v))
        return QVL_OK;
    if (ir_root(v)->kind == IR_V_PARAM)
        return qvl_fail(g->err, QVL_E_CONFIG,
                        "%s:%d: no gradient for parameter '%s' used as a "
                        "value", g->m->file, g->b.line, v->name);
    if (v->kind == IR_V_VIEW && !v->slice) {
        dv = ir_reshape(g->m, dv, &v->base->shape, dv->name, g->err);
        if (!dv)
            return QVL_E_INTERNAL;
        v = v->base;
    }
    ir_value **d = slot(g, g->scope, v);
    if (*d) {
        ir_value *sum;
        QVL_TRY(sum_up(g, v, *d, dv, &sum));
        d = slot(g, g->scope, v);
        dv = sum;
    }
    *d = dv;
    return QVL_OK;
}

/* ---- slices back into one ---- */

typedef struct {
    const ir_value *v;
    int n;
} counting;

static void count_uses(ir_node *node, void *arg)
{
    counting *c = arg;
    if (node->kind == IR_N_STORE)
        c->n += ir_root(node->value) == c->v;
    for (int i = 0; node->kind == IR_N_REGION && i < node->region->n_carry;
         i++) {
        c->n += node->region->carry[i].init == c->v;
        c->n += node->region->carry[i].next == c->v;
    }
    if (node->kind != IR_N_OP)
        return;
    for (int i = 0; i < node->op.n_in; i++)
        c->n += node->op.in[i] && ir_root(node->op.in[i]) == c->v;
    for (int i = 0; i < node->op.n_extra; i++)
        c->n += ir_root(node->op.extra[i]) == c->v;
}

/* May dv be written straight into a part of something larger? */
static bool can_move(grad *g, const ir_value *dv, ir_class cls)
{
    if (dv->kind != IR_V_OP || dv->cls != cls ||
        dv->def->kind != IR_N_OP || dv->home != g->b.block->owner)
        return false;
    if (!ir_operand_of(&dv->def->op, dv)->ld || ir_has_views(g->m, dv))
        return false;
    counting c = {.v = dv};
    ir_walk(&g->m->body, count_uses, &c);
    return c.n == 0;
}

static int place_slice(grad *g, ir_value *whole, const ir_value *slice,
                       ir_value *dv)
{
    ir_value *to = dv;
    if (!can_move(g, dv, whole->cls))
        to = ir_value_new(g->m, IR_V_VIEW, dv->name, whole->cls,
                          &slice->shape, g->b.block->owner);
    to->kind = IR_V_VIEW;
    to->base = whole;
    to->off = slice->off;
    to->ld = slice->ld;
    to->slice = true;
    if (to == dv)
        return QVL_OK;
    return ir_map_add(&g->b, ir_ex_arg(g->m, 0), &dv, 1, whole->cls, to,
                      dv->name, g->err)
               ? QVL_OK
               : QVL_E_INTERNAL;
}

/* A slice of v that starts at column `at`: one with a gradient to place, else
 * any. Columns are counted in elements of a row. */
static ir_value *slice_at(grad *g, const ir_value *v, const poly *at,
                          ir_value ***dv)
{
    grad_scope *s = g->scope;
    *dv = NULL;
    for (int i = 0; i < s->n; i++) {
        ir_value *slice = s->item[i].v;
        if (slice->kind != IR_V_VIEW || slice->base != v ||
            !s->item[i].dv || !poly_equal(&slice->off, at))
            continue;
        *dv = &s->item[i].dv;
        return slice;
    }
    for (int i = 0; i < g->m->n_values; i++) {
        ir_value *slice = g->m->value[i];
        if (slice->kind == IR_V_VIEW && slice->base == v && slice->slice &&
            !slice->rows_of && poly_equal(&slice->off, at))
            return slice;
    }
    return NULL;
}

/* Fill `whole` with gradients of slices of v, column by column; a slice that
 * has none is filled with zeros. */
static int fill_columns(grad *g, const ir_value *v, ir_value *whole)
{
    poly at = poly_number(0);
    poly end = ir_row_elems(&v->shape);
    while (!poly_equal(&at, &end)) {
        ir_value **from;
        ir_value *slice = slice_at(g, v, &at, &from);
        if (!slice)
            return qvl_fail(g->err, QVL_E_CONFIG,
                            "%s:%d: the slices of '%s' do not lie side by side",
                            g->m->file, g->b.line, v->name);
        ir_value *dv = from ? *from
                            : ir_zero_add(&g->b, &slice->shape, whole->cls,
                                          whole->name);
        QVL_TRY(place_slice(g, whole, slice, dv));
        if (from)
            *from = NULL;
        poly n = ir_row_elems(&slice->shape);
        if (!poly_add(&at, &at, &n))
            return qvl_fail(g->err, QVL_E_CONFIG,
                            "%s:%d: the slices of '%s' add up to more than %d "
                            "terms", g->m->file, g->b.line, v->name,
                            POLY_MAX_TERMS);
    }
    return QVL_OK;
}

static bool has_slices(const grad_scope *s, const ir_value *v)
{
    for (int i = 0; i < s->n; i++)
        if (s->item[i].v->kind == IR_V_VIEW && s->item[i].v->base == v &&
            s->item[i].dv)
            return true;
    return false;
}

/* The gradients of v's slices, gathered in one value; slices that overlap are
 * gathered apart and added. */
static int take_slices(grad *g, ir_value *v, ir_value **out)
{
    *out = NULL;
    while (has_slices(g->scope, v)) {
        ir_value *whole = ir_value_new(
            g->m, IR_V_SPACE, qvl_arena_printf(g->m->arena, "d_%s", v->name),
            grad_class(v), &v->shape, g->b.block->owner);
        QVL_TRY(fill_columns(g, v, whole));
        if (*out)
            QVL_TRY(sum_up(g, v, *out, whole, &whole));
        *out = whole;
    }
    return QVL_OK;
}

int grad_take(grad *g, ir_value *v, ir_value **out)
{
    ir_value *whole;
    ir_value *dv = *slot(g, g->scope, v);
    QVL_TRY(take_slices(g, v, &whole));
    if (dv && whole)
        QVL_TRY(sum_up(g, v, dv, whole, &whole));
    else if (dv)
        whole = dv;
    *slot(g, g->scope, v) = whole;
    *out = whole;
    return QVL_OK;
}

/* ---- regions ---- */

static int walk_block(grad *g, ir_block *block);

static ir_region *mirror(grad *g, const ir_region *r, int line)
{
    ir_node *n = ir_node_new(g->m, IR_N_REGION, line);
    n->backward = true;
    n->region = qvl_arena_array(g->m->arena, ir_region, 1);
    *n->region = (ir_region){.kind = r->kind, .outer = g->b.block->owner,
                             .id = r->id, .label = r->label,
                             .reverse = !r->reverse,
                             .var = r->var, .count = r->count,
                             .cond = r->cond};
    n->region->body.owner = n->region;
    ir_append(g->b.block, n);
    return n->region;
}

/* v as regions carry it and arrays hold it: whole, and of a class. */
static int as_whole(grad *g, ir_value *v, ir_class cls, ir_value **out)
{
    *out = v;
    if (v->cls == cls && !v->slice)
        return QVL_OK;
    *out = ir_map_add(&g->b, ir_ex_arg(g->m, 0), &v, 1, cls, NULL, v->name,
                      g->err);
    return *out ? QVL_OK : QVL_E_INTERNAL;
}

static bool stores_with_grad(const grad *g, const ir_block *block)
{
    for (const ir_node *n = block->first; n; n = n->next) {
        if (n->kind == IR_N_STORE && g->m->array[n->array].grad >= 0)
            return true;
        if (n->kind == IR_N_REGION && stores_with_grad(g, &n->region->body))
            return true;
    }
    return false;
}

static void enter(grad *g, ir_region *fwd, ir_region *back, grad_scope *s)
{
    *s = (grad_scope){.region = fwd, .outer = g->scope};
    g->scope = s;
    g->b.block = &back->body;
}

static void leave(grad *g, ir_block *block)
{
    g->scope = g->scope->outer;
    g->b.block = block;
}

static int add_carry(grad *g, ir_region *back, const char *name,
                     ir_carry **out)
{
    if (back->n_carry == IR_MAX_CARRY)
        return qvl_fail(g->err, QVL_E_CONFIG,
                        "%s:%d: too many values enter the loop that uses '%s'",
                        g->m->file, g->b.line, name);
    *out = &back->carry[back->n_carry++];
    return QVL_OK;
}

/* Values from outside that got gradients inside: their sums go through. */
static int carry_outside(grad *g, ir_region *fwd, ir_region *back,
                         const ir_value *const *done, int n_done,
                         ir_block *block)
{
    grad_scope *s = g->scope;
    int n = s->n;
    for (int i = 0; i < n; i++) {
        ir_value *v = s->item[i].v;
        ir_value *dv = s->item[i].dv;
        bool skip = !dv || ir_inside(v->home, fwd);
        for (int k = 0; k < n_done; k++)
            skip = skip || done[k] == v;
        if (skip)
            continue;
        ir_carry *c;
        const char *name = qvl_arena_printf(g->m->arena, "d_%s", v->name);
        QVL_TRY(add_carry(g, back, name, &c));
        ir_class cls = grad_class(v);
        // in the surrounding scope, before the region
        leave(g, block);
        ir_node *region_node = block->last;
        ir_remove(region_node);
        ir_value **so_far = slot(g, g->scope, v);
        ir_value *init = *so_far ? *so_far
                                 : ir_zero_add(&g->b, &v->shape, cls, name);
        QVL_TRY(as_whole(g, init, init->cls, &c->init));
        ir_append(block, region_node);
        g->scope = s;
        g->b.block = &back->body;
        c->entry = c->init;
        if (back->kind == IR_REPEAT)
            c->entry = ir_value_new(g->m, IR_V_ENTRY, name, c->init->cls,
                                    &v->shape, back);
        QVL_TRY(sum_up(g, v, c->entry, dv, &c->next));
        c->next->cls = c->init->cls;
        c->result = ir_value_new(g->m, IR_V_RESULT, name, c->init->cls,
                                 &v->shape, block->owner);
        *slot(g, s->outer, v) = c->result;
    }
    return QVL_OK;
}

static int walk_repeat(grad *g, const ir_node *node)
{
    ir_region *fwd = node->region;
    ir_block *block = g->b.block;
    ir_value *dres[IR_MAX_CARRY];
    bool any = stores_with_grad(g, &fwd->body);
    for (int i = 0; i < fwd->n_carry; i++) {
        QVL_TRY(grad_take(g, fwd->carry[i].result, &dres[i]));
        any = any || dres[i];
    }
    if (!any)
        return QVL_OK;
    for (int i = 0; i < fwd->n_carry; i++) {
        const ir_value *v = fwd->carry[i].result;
        const char *name = qvl_arena_printf(g->m->arena, "d_%s", v->name);
        if (!dres[i])
            dres[i] = ir_zero_add(&g->b, &v->shape, IR_RES, name);
        QVL_TRY(as_whole(g, dres[i], IR_RES, &dres[i]));
    }
    ir_region *back = mirror(g, fwd, node->line);
    grad_scope scope;
    enter(g, fwd, back, &scope);
    for (int i = 0; i < fwd->n_carry; i++) {
        ir_carry *c = &back->carry[back->n_carry++];
        c->init = dres[i];
        c->entry = ir_value_new(g->m, IR_V_ENTRY, dres[i]->name, IR_RES,
                                &dres[i]->shape, back);
        QVL_TRY(grad_give(g, fwd->carry[i].next, c->entry));
    }
    QVL_TRY(walk_block(g, &fwd->body));
    for (int i = 0; i < fwd->n_carry; i++) {
        ir_value *d;
        QVL_TRY(grad_take(g, fwd->carry[i].entry, &d));
        if (!d)
            d = ir_zero_add(&g->b, &dres[i]->shape, IR_RES, dres[i]->name);
        QVL_TRY(as_whole(g, d, IR_RES, &back->carry[i].next));
    }
    QVL_TRY(carry_outside(g, fwd, back, NULL, 0, block));
    leave(g, block);
    for (int i = 0; i < fwd->n_carry; i++) {
        ir_carry *c = &back->carry[i];
        c->result = ir_value_new(g->m, IR_V_RESULT, c->init->name, IR_RES,
                                 &c->init->shape, block->owner);
        QVL_TRY(grad_give(g, fwd->carry[i].init, c->result));
    }
    return QVL_OK;
}

static int walk_if(grad *g, const ir_node *node)
{
    ir_region *fwd = node->region;
    ir_block *block = g->b.block;
    ir_value *dres[IR_MAX_CARRY];
    const ir_value *done[IR_MAX_CARRY];
    bool any = stores_with_grad(g, &fwd->body);
    int n_done = 0;
    for (int i = 0; i < fwd->n_carry; i++) {
        QVL_TRY(grad_take(g, fwd->carry[i].result, &dres[i]));
        if (!dres[i])
            continue;
        any = true;
        QVL_TRY(as_whole(g, dres[i], dres[i]->cls, &dres[i]));
        done[n_done++] = fwd->carry[i].init;
    }
    if (!any)
        return QVL_OK;
    ir_region *back = mirror(g, fwd, node->line);
    grad_scope scope;
    enter(g, fwd, back, &scope);
    for (int i = 0; i < fwd->n_carry; i++)
        if (dres[i])
            QVL_TRY(grad_give(g, fwd->carry[i].next, dres[i]));
    QVL_TRY(walk_block(g, &fwd->body));
    for (int i = 0; i < fwd->n_carry; i++) {
        if (!dres[i])
            continue;
        ir_carry *c = &back->carry[back->n_carry++];
        ir_value *d;
        // two names of one value: the first takes what there is
        QVL_TRY(grad_take(g, fwd->carry[i].init, &d));
        *slot(g, g->scope, fwd->carry[i].init) = NULL;
        if (!d)
            d = ir_zero_add(&g->b, &dres[i]->shape, dres[i]->cls,
                            dres[i]->name);
        c->init = c->entry = dres[i];
        QVL_TRY(as_whole(g, d, dres[i]->cls, &c->next));
        c->result = ir_value_new(g->m, IR_V_RESULT, dres[i]->name,
                                 dres[i]->cls, &dres[i]->shape, block->owner);
    }
    int n = back->n_carry;
    QVL_TRY(carry_outside(g, fwd, back, done, n_done, block));
    leave(g, block);
    for (int i = 0, k = 0; i < fwd->n_carry && k < n; i++)
        if (dres[i])
            QVL_TRY(grad_give(g, fwd->carry[i].init, back->carry[k++].result));
    return QVL_OK;
}

/* Gradients of rows of an outside value fill one for all of its rows, turn by
 * turn. */
static int place_rows(grad *g, const ir_value *rows, ir_value *dv,
                      ir_region *outer, ir_value **out)
{
    ir_value *v = rows->rows_of;
    ir_value *whole = ir_value_new(
        g->m, IR_V_SPACE, qvl_arena_printf(g->m->arena, "d_%s", v->name),
        grad_class(v), &v->shape, outer);
    ir_value part = {.shape = rows->shape, .ld = ir_row_elems(&v->shape)};
    poly first = poly_symbol(g->scope->region->first);
    if (!poly_mul(&part.off, &first, &part.ld))
        return qvl_fail(g->err, QVL_E_CONFIG, "%s:%d: the size of '%s' is too "
                        "long", g->m->file, g->b.line, v->name);
    *out = whole;
    return place_slice(g, whole, &part, dv);
}

/* Rows that a chunk leaves may be read behind it, but not learned from. */
static int check_behind_chunk(grad *g, const ir_node *node)
{
    const grad_scope *s = g->scope;
    for (int i = 0; i < s->n; i++)
        if (s->item[i].dv && ir_root(s->item[i].v)->kind == IR_V_SPACE)
            return qvl_fail(g->err, QVL_E_CONFIG,
                            "%s:%d: '%s' is made a chunk at a time: no gradient comes "
                            "back into a chunk, the loss stands in it", g->m->file,
                            node->line, s->item[i].v->name);
    return QVL_OK;
}

/* A chunk has no gradient from behind: the loss in it starts one. Its backward
 * ops go into the same turn, so that nothing of a chunk outlives it. */
static int walk_chunk(grad *g, const ir_node *node)
{
    QVL_TRY(check_behind_chunk(g, node));
    ir_region *fwd = node->region;
    ir_block *block = g->b.block;
    grad_scope scope;
    enter(g, fwd, fwd, &scope);
    QVL_TRY(walk_block(g, &fwd->body));
    int n = scope.n;
    for (int i = 0; i < n; i++) {
        ir_value *v = scope.item[i].v;
        ir_value *dv = scope.item[i].dv;
        ir_value *whole;
        if (!dv || (!v->rows_of && ir_inside(v->home, fwd)))
            continue;
        if (!v->rows_of)
            return qvl_fail(g->err, QVL_E_CONFIG,
                            "%s:%d: a chunk uses '%s', which is no row of it",
                            g->m->file, node->line, v->name);
        QVL_TRY(place_rows(g, v, dv, fwd->outer, &whole));
        g->scope = scope.outer;
        QVL_TRY(grad_give(g, v->rows_of, whole));
        g->scope = &scope;
    }
    leave(g, block);
    return QVL_OK;
}

/* ---- nodes ---- */

static int grad_array(grad *g, int array)
{
    ir_array a = g->m->array[array];
    if (a.grad >= 0)
        return a.grad;
    int d = ir_array_add(
        g->m, (ir_array){.name = qvl_arena_printf(g->m->arena, "d_%s", a.name),
                         .count = a.count, .cls = IR_ACT, .shape = a.shape,
                         .grad = -1, .is_grad = true});
    g->m->array[array].grad = d;
    return d;
}

/* An element of an array of gradients; zeros when nothing was put there. */
static ir_value *load_gradient(grad *g, int array, const ir_int *at)
{
    ir_node *n = ir_node_new(g->m, IR_N_LOAD, g->b.line);
    n->backward = true;
    n->array = array;
    n->at = at;
    n->value = ir_value_new(g->m, IR_V_LOAD, g->m->array[array].name, IR_ACT,
                            &g->m->array[array].shape, g->b.block->owner);
    n->value->def = n;
    ir_value *zero = ir_zero_add(&g->b, &n->value->shape, IR_ACT, "zero");
    n->op = zero->def->op;
    ir_remove(zero->def);
    zero->def = n;
    ir_append(g->b.block, n);
    return n->value;
}

typedef struct {
    int array;
    int n;
} load_count;

static void count_loads(ir_node *node, void *arg)
{
    load_count *c = arg;
    c->n += node->kind == IR_N_LOAD && node->array == c->array;
}

/* Is an element read once at most: by one load, in one loop, at its turn? */
static bool reads_once(grad *g, const ir_node *load)
{
    int n_repeats = 0;
    load_count c = {.array = load->array};
    const ir_region *repeat = NULL;
    ir_walk(&g->m->body, count_loads, &c);
    for (const ir_region *r = load->block->owner; r; r = r->outer)
        if (r->kind == IR_REPEAT) {
            n_repeats++;
            repeat = r;
        }
    if (c.n != 1 || n_repeats > 1)
        return false;
    return !repeat || (load->at->kind == IR_INT_VAR &&
                       strcmp(load->at->name, repeat->var) == 0);
}

/* The gradient of an element that was read goes where its store finds it, added
 * to what other reads put there. */
static int walk_load(grad *g, const ir_node *node)
{
    ir_value *dv;
    QVL_TRY(grad_take(g, node->value, &dv));
    if (!dv)
        return QVL_OK;
    int array = grad_array(g, node->array);
    if (!reads_once(g, node))
        QVL_TRY(sum_up(g, node->value, load_gradient(g, array, node->at), dv,
                       &dv));
    ir_node *n = ir_node_new(g->m, IR_N_STORE, node->line);
    n->backward = true;
    n->array = array;
    n->at = node->at;
    QVL_TRY(as_whole(g, dv, IR_ACT, &n->value));
    ir_append(g->b.block, n);
    return QVL_OK;
}

static int walk_store(grad *g, const ir_node *node)
{
    int array = g->m->array[node->array].grad;
    if (array < 0)
        return QVL_OK;
    return grad_give(g, node->value, load_gradient(g, array, node->at));
}

static int walk_node(grad *g, const ir_node *node)
{
    g->b.line = node->line;
    if (node->backward)
        return QVL_OK;
    if (node->kind == IR_N_LOAD)
        return walk_load(g, node);
    if (node->kind == IR_N_STORE)
        return walk_store(g, node);
    if (node->kind == IR_N_OP)
        return grad_rule(g, node);
    if (node->region->kind == IR_REPEAT)
        return walk_repeat(g, node);
    if (node->region->kind == IR_IF)
        return walk_if(g, node);
    return walk_chunk(g, node);
}

static int walk_block(grad *g, ir_block *block)
{
    ir_node *prev;
    for (ir_node *n = block->last; n; n = prev) {
        prev = n->prev;
        QVL_TRY(walk_node(g, n));
    }
    return QVL_OK;
}

int pass_grad(ir_module *m, qvl_err *err)
{
    grad_scope top = {0};
    grad g = {.m = m, .scope = &top, .err = err};
    g.b = (ir_builder){.m = m, .block = &m->body, .backward = true};
    return walk_block(&g, &m->body);
}
