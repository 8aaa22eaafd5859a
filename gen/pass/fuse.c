/* fuse.c - elementwise ops joined, and moved into the op that feeds them
 *
 *   b = f(a, y), a = g(x), nobody else reads a   ->  b = f(g(x), y)
 *   b = f(a, y), a = matmul(...), likewise       ->  b = matmul(...) -> f(v, y)
 *
 * In the second form the op moves to where the elementwise op stood, so every
 * argument is there. Only ops with one output move. Values between are never
 * stored, and never rounded. Nothing is computed twice: an expression that would
 * have to stand at several places stays an op of its own.
 */
#include <string.h>

#include "backend/kernel.h"
#include "pass/pass.h"

static bool is_map(const ir_node *n)
{
    return n && n->kind == IR_N_OP && strcmp(n->op.k->name, "map") == 0;
}

/* The op that makes v for this node alone, NULL when there is none. */
static ir_node *only_source(const ir_node *n, const ir_value *v)
{
    if (v->kind != IR_V_OP || v->n_uses != 1 || !v->def ||
        v->def->kind != IR_N_OP || v->def->block != n->block)
        return NULL;
    return v->def;
}

/* Operands of the expression that two ops become, each once. */
typedef struct {
    ir_value *v[2 * KERN_MAX_EXTRA];
    kern_extra_kind kind[2 * KERN_MAX_EXTRA];
    int n;
} merged;

/* The place of an operand in the list, where it is appended at first use. */
static int merge_extra(merged *s, ir_value *v, kern_extra_kind kind)
{
    for (int i = 0; i < s->n; i++)
        if (s->v[i] == v && s->kind[i] == kind)
            return i;
    s->v[s->n] = v;
    s->kind[s->n] = kind;
    return s->n++;
}

/* e with argument i replaced by arg[i]. */
static const ir_expr *substitute(ir_module *m, const ir_expr *e,
                                 const ir_expr *const *arg)
{
    const ir_expr *a;
    switch (e->kind) {
    case IR_EX_ARG:
        return arg[e->arg];
    case IR_EX_VALUE:
    case IR_EX_NUMBER:
        return e;
    case IR_EX_NEG:
        return ir_ex_neg(m, substitute(m, e->a, arg));
    case IR_EX_CALL:
        return ir_ex_call(m, e->fn, substitute(m, e->a, arg));
    default:
        a = substitute(m, e->a, arg);
        return ir_ex_binary(m, (int)e->kind, a, substitute(m, e->b, arg));
    }
}

/* How often e has argument i. */
static int count_arg(const ir_expr *e, int i)
{
    if (e == NULL)
        return 0;
    return (e->kind == IR_EX_ARG && e->arg == i) + count_arg(e->a, i)
           + count_arg(e->b, i);
}

/* May `inner` stand for argument i of the map n? A leaf may at any number of
 * places. */
static bool may_stand(const ir_node *n, int i, const ir_expr *inner)
{
    return (inner->a == NULL && inner->kind != IR_EX_CALL)
           || count_arg(n->op.expr, i) <= 1;
}

/* The op's expression over the merged list; `instead` stands for argument
 * `skip`, -1: for none. */
static const ir_expr *rename_args(ir_module *m, merged *s, const ir_op *op,
                                  int skip, const ir_expr *instead)
{
    const ir_expr *arg[KERN_MAX_EXTRA] = {0};
    for (int i = 0; i < op->n_extra; i++) {
        if (i == skip)
            arg[i] = instead;
        else
            arg[i] = ir_ex_arg(
                m, merge_extra(s, op->extra[i], op->extra_kind[i]));
    }
    return substitute(m, op->expr, arg);
}

/* Give the op the merged list and the expression over it, if it fits its kernel then
 * and all of them can follow what it stores; else leave it alone. */
static bool set_extras(const ir_module *m, ir_op *op, const merged *s,
                       const ir_expr *e)
{
    ir_op r = *op;
    if (s->n > KERN_MAX_EXTRA ||
        op->n_in + op->n_out + s->n > QVL_KERNEL_MAX_BUFS)
        return false;
    r.n_extra = s->n;
    memcpy(r.extra, s->v, (size_t)s->n * sizeof s->v[0]);
    memcpy(r.extra_kind, s->kind, (size_t)s->n * sizeof s->kind[0]);
    r.expr = e;
    if (!ir_op_fits(m, &r))
        return false;
    *op = r;
    return true;
}

/* The map `from` feeds argument i of the map n: one map. */
static bool join_maps(ir_module *m, ir_node *n, int i, ir_node *from)
{
    merged s = {0};
    const ir_expr *inner = rename_args(m, &s, &from->op, -1, NULL);
    if (!may_stand(n, i, inner)
        || !set_extras(m, &n->op, &s, rename_args(m, &s, &n->op, i, inner)))
        return false;
    ir_remove(from);
    return true;
}

/* A gradient of a parameter is a sum over ops: what follows one of them must
 * not be applied to the others. */
static bool takes_expression(const ir_op *op)
{
    if (op->n_out != 1 || ir_root(op->out[0])->kind == IR_V_GRAD)
        return false;
    for (int i = 0; i < op->k->n_operands; i++) {
        const kern_operand *o = &op->k->operand[i];
        if (o->access == KERN_OUT || o->access == KERN_ACC)
            return o->ld && kern_is_storage(o);
    }
    return false;
}

/* The op `from` feeds argument i of the map n: the op with an expression. */
static bool join_op(ir_module *m, ir_node *n, int i, ir_node *from)
{
    if (!takes_expression(&from->op) ||
        !ir_shape_equal(&from->op.out[0]->shape, &n->op.out[0]->shape))
        return false;
    merged s = {0};
    const ir_expr *inner = ir_ex_value(m);
    if (from->op.expr)
        inner = rename_args(m, &s, &from->op, -1, NULL);
    if (!may_stand(n, i, inner))
        return false;
    const ir_expr *e = rename_args(m, &s, &n->op, i, inner);
    ir_op op = from->op;
    op.out[0] = n->op.out[0];
    if (!set_extras(m, &op, &s, e))
        return false;
    n->op = op;
    ir_remove(from);
    return true;
}

/* Latest source first, so that what moves moves least. */
static bool fuse_node(ir_module *m, ir_node *n)
{
    for (int i = n->op.n_extra - 1; i >= 0; i--) {
        if (n->op.extra_kind[i] != KERN_EXTRA_SAME)
            continue;
        ir_node *from = only_source(n, n->op.extra[i]);
        if (is_map(from) && join_maps(m, n, i, from))
            return true;
    }
    for (int i = n->op.n_extra - 1; i >= 0; i--) {
        if (n->op.extra_kind[i] != KERN_EXTRA_SAME)
            continue;
        ir_node *from = only_source(n, n->op.extra[i]);
        if (from && !is_map(from) && join_op(m, n, i, from))
            return true;
    }
    return false;
}

static bool fuse_block(ir_module *m, ir_block *block)
{
    ir_node *next;
    bool any = false;
    for (ir_node *n = block->first; n; n = next) {
        next = n->next;
        if (n->kind == IR_N_REGION)
            any = fuse_block(m, &n->region->body) || any;
        else if (is_map(n))
            any = fuse_node(m, n) || any;
    }
    return any;
}

void pass_fuse(ir_module *m)
{
    do
        ir_count_uses(m);
    while (fuse_block(m, &m->body));
}
