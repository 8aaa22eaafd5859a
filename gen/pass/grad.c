/* grad.c - backwards over the regions of a program, for every rule of rules.c
 *
 * Each region is walked from its end into a mirror of its own: a repeat counts
 * down, an if has the same condition, a chunk goes on in the turn that it is in,
 * so that nothing of a chunk outlives it. A scope lists what is known of the
 * gradients inside one region (sums.c); sums of values from outside leave it as
 * carries, those of rows of a chunk as parts of one for all rows.
 *
 * A store's gradient is what the loads of the element gave, zeros when none did; a
 * load adds to it, or sets it when no other load can.
 *
 * Ops with `backward` set stand behind those of the forward pass. What has no
 * gradient is refused with its line (pass.h).
 */
#include "pass/grad.h"

#include <string.h>

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
    return *out ? QVL_OK : grad_failed(g);
}

/* Does a gradient begin in here: of a loss, or of an element that was read behind? */
static bool begins_gradient(const grad *g, const ir_block *block)
{
    for (const ir_node *n = block->first; n; n = n->next) {
        if (n->kind == IR_N_STORE && g->m->array[n->array].grad >= 0)
            return true;
        if (n->kind == IR_N_OP && grad_is_seed(&n->op))
            return true;
        if (n->kind == IR_N_REGION && begins_gradient(g, &n->region->body))
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

/* The gradients of what a region carries out, NULL where there is none. False in
 * *any when nothing in the region has one. */
static int take_results(grad *g, const ir_region *fwd, ir_value **dres, bool *any)
{
    *any = begins_gradient(g, &fwd->body);
    for (int i = 0; i < fwd->n_carry; i++) {
        QVL_TRY(grad_take(g, fwd->carry[i].result, &dres[i]));
        *any = *any || dres[i];
    }
    return QVL_OK;
}

/* What is known of v in the surrounding scope, or zeros, whole: it stands before the
 * region, the last node of `block`. */
static int begin_sum(grad *g, ir_value *v, ir_block *block, ir_value **out)
{
    grad_scope *inside = g->scope;
    ir_block *body = g->b.block;
    ir_node *region = block->last;
    leave(g, block);
    ir_remove(region);
    ir_value *so_far = grad_known(g->scope, v);
    if (!so_far)
        so_far = ir_zero_add(&g->b, &v->shape, grad_class(v), grad_name(g, v));
    int rc = as_whole(g, so_far, so_far->cls, out);
    ir_append(block, region);
    g->scope = inside;
    g->b.block = body;
    return rc;
}

/* v, from outside, got dv inside: its sum goes through the region as a carry. */
static int carry_through(grad *g, ir_region *back, ir_block *block, ir_value *v,
                         ir_value *dv)
{
    const char *name = grad_name(g, v);
    if (back->n_carry == IR_MAX_CARRY)
        return qvl_fail(g->err, QVL_E_CONFIG,
                        "%s:%d: too many values enter the block that uses '%s'",
                        g->m->file, g->b.line, v->name);
    ir_carry *c = &back->carry[back->n_carry++];
    QVL_TRY(begin_sum(g, v, block, &c->init));
    c->entry = c->init;
    if (back->kind == IR_REPEAT)
        c->entry = ir_value_new(g->m, IR_V_ENTRY, name, c->init->cls, &v->shape,
                                back);
    QVL_TRY(grad_add(g, v, c->entry, dv, &c->next));
    c->next->cls = c->init->cls;
    c->result = ir_value_new(g->m, IR_V_RESULT, name, c->init->cls, &v->shape,
                             block->owner);
    grad_set(g, g->scope->outer, v, c->result);
    return QVL_OK;
}

/* All values from outside that got gradients inside. */
static int carry_outside(grad *g, ir_region *fwd, ir_region *back,
                         ir_block *block)
{
    const grad_scope *s = g->scope;
    for (int i = 0; i < s->n; i++)
        if (s->item[i].dv && !ir_inside(s->item[i].v->home, fwd))
            QVL_TRY(carry_through(g, back, block, s->item[i].v, s->item[i].dv));
    return QVL_OK;
}

/* The gradients of a repeat's results enter its mirror, and each turn's those of what
 * that turn has left. */
static int begin_turns(grad *g, const ir_region *fwd, ir_region *back,
                       ir_value *const *dres)
{
    for (int i = 0; i < fwd->n_carry; i++) {
        ir_carry *c = &back->carry[back->n_carry++];
        c->init = dres[i];
        c->entry = ir_value_new(g->m, IR_V_ENTRY, dres[i]->name, IR_RES,
                                &dres[i]->shape, back);
        QVL_TRY(grad_give(g, fwd->carry[i].next, c->entry));
    }
    return QVL_OK;
}

/* What a turn leaves for the one before it: gradients of what it found. */
static int end_turns(grad *g, const ir_region *fwd, ir_region *back)
{
    for (int i = 0; i < fwd->n_carry; i++) {
        ir_carry *c = &back->carry[i];
        ir_value *d;
        QVL_TRY(grad_take(g, fwd->carry[i].entry, &d));
        if (!d)
            d = ir_zero_add(&g->b, &c->init->shape, IR_RES, c->init->name);
        QVL_TRY(as_whole(g, d, IR_RES, &c->next));
    }
    return QVL_OK;
}

static int walk_repeat(grad *g, const ir_node *node)
{
    ir_region *fwd = node->region;
    ir_block *block = g->b.block;
    ir_value *dres[IR_MAX_CARRY];
    bool any;
    QVL_TRY(take_results(g, fwd, dres, &any));
    if (!any)
        return QVL_OK;
    for (int i = 0; i < fwd->n_carry; i++) {
        const ir_value *v = fwd->carry[i].result;
        if (!dres[i])
            dres[i] = ir_zero_add(&g->b, &v->shape, IR_RES, grad_name(g, v));
        QVL_TRY(as_whole(g, dres[i], IR_RES, &dres[i]));
    }
    ir_region *back = mirror(g, fwd, node->line);
    grad_scope scope;
    enter(g, fwd, back, &scope);
    QVL_TRY(begin_turns(g, fwd, back, dres));
    QVL_TRY(walk_block(g, &fwd->body));
    QVL_TRY(end_turns(g, fwd, back));
    QVL_TRY(carry_outside(g, fwd, back, block));
    leave(g, block);
    for (int i = 0; i < fwd->n_carry; i++) {
        ir_carry *c = &back->carry[i];
        c->result = ir_value_new(g->m, IR_V_RESULT, c->init->name, IR_RES,
                                 &c->init->shape, block->owner);
        QVL_TRY(grad_give(g, fwd->carry[i].init, c->result));
    }
    return QVL_OK;
}

/* A result's gradient enters the mirror of an if, and leaves it as that of the value
 * carried in: where the condition holds, what the body gave it. Of two names of one
 * value the first takes what there is. */
static int carry_back(grad *g, const ir_region *fwd, ir_region *back,
                      ir_value *const *dres, ir_block *block)
{
    for (int i = 0; i < fwd->n_carry; i++) {
        if (!dres[i])
            continue;
        ir_carry *c = &back->carry[back->n_carry++];
        ir_value *d;
        QVL_TRY(grad_take(g, fwd->carry[i].init, &d));
        if (!d)
            d = ir_zero_add(&g->b, &dres[i]->shape, dres[i]->cls,
                            dres[i]->name);
        c->init = c->entry = dres[i];
        QVL_TRY(as_whole(g, d, dres[i]->cls, &c->next));
        c->result = ir_value_new(g->m, IR_V_RESULT, dres[i]->name,
                                 dres[i]->cls, &dres[i]->shape, block->owner);
    }
    return QVL_OK;
}

static int walk_if(grad *g, const ir_node *node)
{
    ir_region *fwd = node->region;
    ir_block *block = g->b.block;
    ir_value *dres[IR_MAX_CARRY];
    bool any;
    QVL_TRY(take_results(g, fwd, dres, &any));
    if (!any)
        return QVL_OK;
    for (int i = 0; i < fwd->n_carry; i++)
        if (dres[i])
            QVL_TRY(as_whole(g, dres[i], dres[i]->cls, &dres[i]));
    ir_region *back = mirror(g, fwd, node->line);
    grad_scope scope;
    enter(g, fwd, back, &scope);
    for (int i = 0; i < fwd->n_carry; i++)
        if (dres[i])
            QVL_TRY(grad_give(g, fwd->carry[i].next, dres[i]));
    QVL_TRY(walk_block(g, &fwd->body));
    QVL_TRY(carry_back(g, fwd, back, dres, block));
    QVL_TRY(carry_outside(g, fwd, back, block));
    leave(g, block);
    for (int i = 0, k = 0; i < fwd->n_carry; i++)
        if (dres[i])
            QVL_TRY(grad_give(g, fwd->carry[i].init, back->carry[k++].result));
    return QVL_OK;
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

/* The gradient of rows of a value from outside fills, turn by turn, one for all of
 * its rows, which takes its place. All others in a chunk are taken by now. */
static int fill_rows(grad *g, const ir_region *chunk, const ir_node *node,
                     grad_item *x)
{
    ir_value *dv = x->dv;
    const ir_value *all = x->v->rows_of;
    if (!dv)
        return QVL_OK;
    if (!all)
        return qvl_fail(g->err, QVL_E_CONFIG,
                        "%s:%d: a chunk uses '%s', which is no row of it",
                        g->m->file, node->line, x->v->name);
    grad_place rows = {.shape = x->v->shape, .ld = ir_row_elems(&all->shape)};
    poly first = poly_symbol(chunk->first);
    if (!poly_mul(&rows.off, &first, &rows.ld))
        return qvl_fail(g->err, QVL_E_CONFIG, "%s:%d: the size of '%s' is too "
                        "long", g->m->file, node->line, all->name);
    x->dv = grad_space(g, all, chunk->outer);
    return grad_put(g, x->dv, &rows, dv);
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
    for (int i = 0; i < scope.n; i++)
        QVL_TRY(fill_rows(g, fwd, node, &scope.item[i]));
    leave(g, block);
    for (int i = 0; i < scope.n; i++)
        if (scope.item[i].dv)
            QVL_TRY(grad_give(g, scope.item[i].v->rows_of, scope.item[i].dv));
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
        QVL_TRY(grad_add(g, node->value, load_gradient(g, array, node->at), dv,
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
