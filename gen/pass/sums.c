/* sums.c - what the gradient of a value is so far: sums, and gradients of its slices
 *
 *   sums    A value read twice has the sum of two gradients. A parameter's is a
 *           value of its own kind that ops add to, in every turn.
 *   slices  The gradients of the column slices of a value are put side by side
 *           into a space for all of it, zeros between them, without a copy where
 *           their op can write so. A slice that overlaps the one before, or whose
 *           place behind it the sizes do not tell, goes into another space, and the
 *           spaces are added. So slices may lie in every way: of several splits,
 *           in each other, with gaps, of rows of another length than the value's.
 *
 * The search for readers goes over all of a program for each part: quadratic in its
 * length.
 */
#include <assert.h>
#include <string.h>

#include "pass/grad.h"

int grad_failed(const grad *g)
{
    return qvl_err_add(g->err, "%s:%d", g->m->file, g->b.line);
}

const char *grad_name(grad *g, const ir_value *v)
{
    return qvl_arena_printf(g->m->arena, "d_%s", v->name);
}

ir_class grad_class(const ir_value *v)
{
    return v->cls == IR_RES ? IR_RES : IR_ACT;
}

bool grad_wanted(const ir_value *v)
{
    const ir_value *root = v->kind == IR_V_VIEW ? v->base : v;
    return root->kind != IR_V_INPUT && v->cls != IR_I32;
}

/* ---- what is known ---- */

ir_value *grad_known(const grad_scope *s, const ir_value *v)
{
    for (int i = 0; i < s->n; i++)
        if (s->item[i].v == v)
            return s->item[i].dv;
    return NULL;
}

void grad_set(grad *g, grad_scope *s, ir_value *v, ir_value *dv)
{
    for (int i = 0; i < s->n; i++)
        if (s->item[i].v == v) {
            s->item[i].dv = dv;
            return;
        }
    if (dv == NULL)
        return;
    s->item = ir_grow(g->m->arena, s->item, s->n, &s->cap, sizeof *s->item);
    s->item[s->n++] = (grad_item){.v = v, .dv = dv};
}

/* Is dv what is known of a value that is no slice? Its rule may take it whole alone;
 * what becomes of gradients of slices is read by maps, which take parts. */
static bool is_wanted_whole(const grad *g, const ir_value *dv)
{
    for (const grad_scope *s = g->scope; s; s = s->outer)
        for (int i = 0; i < s->n; i++)
            if (s->item[i].dv == dv && !s->item[i].v->slice)
                return true;
    return false;
}

/* ---- adding up ---- */

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
    return sum ? QVL_OK : grad_failed(g);
}

int grad_add(grad *g, const ir_value *like, ir_value *a, ir_value *b,
             ir_value **out)
{
    ir_value *arg[2] = {a, b};
    const ir_expr *sum = ir_ex_binary(g->m, IR_EX_ADD, ir_ex_arg(g->m, 0),
                                      ir_ex_arg(g->m, 1));
    *out = ir_map_add(&g->b, sum, arg, 2, grad_class(like), NULL,
                      grad_name(g, like), g->err);
    return *out ? QVL_OK : grad_failed(g);
}

int grad_give(grad *g, ir_value *v, ir_value *dv)
{
    assert(!dv->slice);
    if (!grad_wanted(v))
        return QVL_OK;
    if (ir_root(v)->kind == IR_V_PARAM)
        return qvl_fail(g->err, QVL_E_CONFIG,
                        "%s:%d: no gradient for parameter '%s' used as a "
                        "value", g->m->file, g->b.line, v->name);
    if (v->kind == IR_V_VIEW && !v->slice) {
        dv = ir_reshape(g->m, dv, &v->base->shape, dv->name, g->err);
        if (!dv)
            return grad_failed(g);
        v = v->base;
    }
    ir_value *so_far = grad_known(g->scope, v);
    if (so_far)
        QVL_TRY(grad_add(g, v, so_far, dv, &dv));
    grad_set(g, g->scope, v, dv);
    return QVL_OK;
}

/* ---- parts of a space ---- */

ir_value *grad_space(grad *g, const ir_value *v, ir_region *home)
{
    return ir_value_new(g->m, IR_V_SPACE, grad_name(g, v), grad_class(v), &v->shape,
                        home);
}

/* v as the part of a space that lies there. */
static ir_value part_of(ir_value *space, const grad_place *at, const ir_value *v)
{
    ir_value part = *v;
    part.kind = IR_V_VIEW;
    part.base = space;
    part.off = at->off;
    part.ld = at->ld;
    part.slice = true;
    return part;
}

/* Does the op that makes v fit its kernel with `part` in its place? A kernel may
 * see the rows of a slice otherwise than those of a whole value. */
static bool fits_as(const grad *g, const ir_value *v, ir_value *part)
{
    ir_op op = v->def->op;
    for (int i = 0; i < op.n_out; i++)
        if (op.out[i] == v)
            op.out[i] = part;
    return ir_op_fits(g->m, &op);
}

/* May dv be written straight into the part? */
static bool can_move(grad *g, const ir_value *dv, ir_value *part)
{
    if (dv->kind != IR_V_OP || dv->cls != part->base->cls ||
        dv->def->kind != IR_N_OP || dv->home != g->b.block->owner)
        return false;
    if (!ir_operand_of(&dv->def->op, dv)->ld || ir_has_views(g->m, dv) ||
        is_wanted_whole(g, dv))
        return false;
    return !ir_is_used(g->m, dv) && fits_as(g, dv, part);
}

int grad_put(grad *g, ir_value *space, const grad_place *at, ir_value *dv)
{
    assert(poly_equal(&dv->shape.d[0], &at->shape.d[0]));
    ir_value part = part_of(space, at, dv);
    if (can_move(g, dv, &part)) {
        *dv = part;
        return QVL_OK;
    }
    ir_value *to = ir_value_new(g->m, IR_V_VIEW, dv->name, space->cls, &at->shape,
                                g->b.block->owner);
    part = part_of(space, at, to);
    *to = part;
    return ir_map_add(&g->b, ir_ex_arg(g->m, 0), &dv, 1, space->cls, to,
                      dv->name, g->err)
               ? QVL_OK
               : grad_failed(g);
}

/* ---- slices back into one ---- */

/* Has it the gradient of a slice of v that nobody has put into a space? */
static bool is_pending(const grad_item *x, const ir_value *v)
{
    return x->v->kind == IR_V_VIEW && x->v->base == v && x->dv != NULL;
}

/* Elements from `at` to `to`, where all sizes say that it is not before; a dim is
 * never negative. */
static bool is_behind(poly *gap, const poly *to, const poly *at)
{
    if (!poly_sub(gap, to, at))
        return false;
    for (int i = 0; i < gap->n && at->n > 0; i++)
        if (gap->term[i].coef < 0)
            return false;
    return true;
}

/* Slices of v with rows of `ld` elements, and the space that they go into. */
typedef struct {
    const ir_value *v;
    ir_value *space;
    poly rows, ld;
} gathering;

/* Of the slices that are left the next that begins at column `at` or behind it,
 * NULL: none. */
static grad_item *next_slice(const grad *g, const gathering *c, const poly *at)
{
    grad_item *next = NULL;
    poly gap;
    for (int i = 0; i < g->scope->n; i++) {
        grad_item *x = &g->scope->item[i];
        if (!is_pending(x, c->v) || !poly_equal(&x->v->ld, &c->ld) ||
            !is_behind(&gap, &x->v->off, at))
            continue;
        if (!next || (!poly_equal(&next->v->off, &x->v->off) &&
                      is_behind(&gap, &next->v->off, &x->v->off)))
            next = x;
    }
    return next;
}

/* Zeros in the columns from `at` to `to`. */
static int put_zeros(grad *g, const gathering *c, const poly *at, const poly *to)
{
    grad_place gap = {.shape = {.rank = 2, .d = {c->rows}}, .off = *at,
                      .ld = c->ld};
    if (poly_equal(at, to))
        return QVL_OK;
    if (!poly_sub(&gap.shape.d[1], to, at) ||
        ir_shape_check(g->m, &gap.shape, g->err) != QVL_OK)
        return qvl_fail(g->err, QVL_E_CONFIG,
                        "%s:%d: what lies between slices of '%s' is "
                        POLY_TOO_LONG, g->m->file, g->b.line, c->v->name);
    return grad_put(g, c->space, &gap,
                    ir_zero_add(&g->b, &gap.shape, c->space->cls,
                                c->space->name));
}

/* The column behind a slice: where another begins, or a value ends, so it fits. */
static poly end_of(const grad_place *slice)
{
    poly n = ir_row_elems(&slice->shape), end = slice->off;
    bool fits = poly_add(&end, &end, &n);
    assert(fits);
    (void)fits;
    return end;
}

/* Put slices into the space, column by column, as many as lie side by side. The
 * first may begin at any column, so one goes in at least. */
static int fill_columns(grad *g, const gathering *c)
{
    poly at = poly_number(0);
    grad_item *x;
    while ((x = next_slice(g, c, &at)) != NULL) {
        const grad_place to = {.shape = x->v->shape, .off = x->v->off,
                               .ld = c->ld};
        QVL_TRY(put_zeros(g, c, &at, &to.off));
        QVL_TRY(grad_put(g, c->space, &to, x->dv));
        x->dv = NULL;
        at = end_of(&to);
    }
    return put_zeros(g, c, &at, &c->ld);
}

/* The gradients of v's slices, gathered in one value, NULL when there are none. */
static int take_slices(grad *g, ir_value *v, ir_value **out)
{
    *out = NULL;
    for (int i = 0; i < g->scope->n; i++) {
        while (is_pending(&g->scope->item[i], v)) {
            const ir_value *slice = g->scope->item[i].v;
            gathering c = {.v = v, .rows = slice->shape.d[0], .ld = slice->ld};
            c.space = grad_space(g, v, g->b.block->owner);
            QVL_TRY(fill_columns(g, &c));
            if (*out)
                QVL_TRY(grad_add(g, v, *out, c.space, &c.space));
            *out = c.space;
        }
    }
    return QVL_OK;
}

int grad_take(grad *g, ir_value *v, ir_value **out)
{
    ir_value *parts;
    ir_value *dv = grad_known(g->scope, v);
    QVL_TRY(take_slices(g, v, &parts));
    if (dv && parts)
        QVL_TRY(grad_add(g, v, dv, parts, &parts));
    grad_set(g, g->scope, v, NULL);
    *out = parts ? parts : dv;
    return QVL_OK;
}
