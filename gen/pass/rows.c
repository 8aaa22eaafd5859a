/* rows.c - whose rows a value has, by what it was made of
 *
 * Where each token has one expert, rows of uses and rows of tokens are equally
 * many, so no shape tells them apart; taking the one for the other would read the
 * rows of other tokens. So a value is followed back through the ops that make row r
 * of row r (both operands have their kernel's same first dim), views, carries and
 * arrays, to where its rows begin: a product by expert, whose rows its sort has put
 * in order, or anything else.
 *
 * An order is known when all ways back end at one sort, or at none. A use of an
 * order that another turn of a loop or of a chunk has made, or through a view of
 * other rows, is not known. What a loop carries is taken to be what enters it;
 * lower.c refuses a loop that ends with another order.
 */
#include <string.h>

#include "pass/lower.h"

typedef struct {
    ir_module *m;
    bool *seen;         // [n_values] roots that are or were in `todo`
    ir_value **todo;    // [n_values]
    int n;
    const ir_op *sort;  // the first that was met
    bool has_others;    // another one
    bool has_plain;     // rows that none has sorted
    bool is_bent;       // a way back goes through other rows, or another turn
} row_search;

/* Rows that are made of the rows of v, as many as `like` has. */
static void follow(row_search *c, ir_value *v, const ir_value *like)
{
    ir_value *root = ir_root(v);
    const poly *rows = &like->shape.d[0];
    c->is_bent = c->is_bent || !poly_equal(&v->shape.d[0], rows) ||
                 !poly_equal(&root->shape.d[0], rows);
    if (c->seen[root->id])
        return;
    c->seen[root->id] = true;
    c->todo[c->n++] = root;
}

static void follow_expression(row_search *c, const ir_op *op,
                              const ir_value *v)
{
    for (int i = 0; i < op->n_extra; i++)
        if (op->extra_kind[i] != KERN_EXTRA_COL)
            follow(c, op->extra[i], v);
}

/* The inputs that have the first dim of output v. */
static void follow_inputs(row_search *c, const ir_op *op, const ir_value *v)
{
    const kern_operand *made = ir_operand_of(op, v);
    bool found = false;
    for (int i = 0; i < op->k->n_operands; i++) {
        const kern_operand *o = &op->k->operand[i];
        ir_value *in = o->access == KERN_IN ? ir_operand(op, i) : NULL;
        if (!in || !made || o->dim[0] != made->dim[0])
            continue;
        follow(c, in, v);
        found = true;
    }
    c->has_plain = c->has_plain || !found;
}

static void follow_op(row_search *c, const ir_op *op, const ir_value *v)
{
    if (strcmp(op->k->name, "expert_nt") == 0) {
        const ir_op *sort = &ir_in(op, "start")->def->op;
        c->has_others = c->has_others || (c->sort && c->sort != sort);
        c->sort = sort;
    } else if (op->expr) {
        follow_expression(c, op, v);
    } else {
        follow_inputs(c, op, v);
    }
}

/* Ops that wrote parts of v, a turn of a chunk each. */
static void follow_parts(row_search *c, const ir_value *v)
{
    for (int i = 0; i < c->m->n_values; i++) {
        ir_value *part = c->m->value[i];
        if (part->kind == IR_V_VIEW && part->base == v && part->def)
            follow_op(c, &part->def->op, part);
    }
    c->is_bent = true;
}

typedef struct {
    row_search *c;
    const ir_value *v;
} node_search;

/* What went into the carry that v is, or was stored in the array it is from. */
static void follow_node(ir_node *n, void *arg)
{
    const node_search *s = arg;
    if (n->kind == IR_N_STORE && s->v->kind == IR_V_LOAD &&
        n->array == s->v->def->array) {
        follow(s->c, n->value, s->v);
        s->c->is_bent = true;
    }
    for (int i = 0; n->kind == IR_N_REGION && i < n->region->n_carry; i++) {
        const ir_carry *k = &n->region->carry[i];
        if (k->entry == s->v || k->result == s->v)
            follow(s->c, k->init, s->v);
        if (k->result == s->v)
            follow(s->c, k->next, s->v);
    }
}

static void follow_value(row_search *c, ir_value *v)
{
    node_search s = {.c = c, .v = v};
    switch (v->kind) {
    case IR_V_OP:
        follow_op(c, &v->def->op, v);
        break;
    case IR_V_SPACE:
        follow_parts(c, v);
        break;
    case IR_V_ENTRY:
    case IR_V_RESULT:
    case IR_V_LOAD:
        ir_walk(&c->m->body, follow_node, &s);
        break;
    default:
        c->has_plain = true;
        break;
    }
}

lower_rows lower_rows_of(ir_module *m, ir_value *v)
{
    row_search c = {.m = m,
                    .seen = qvl_arena_array(m->arena, bool, m->n_values),
                    .todo = qvl_arena_array(m->arena, ir_value *,
                                            m->n_values)};
    follow(&c, v, v);
    while (c.n > 0)
        follow_value(&c, c.todo[--c.n]);
    return (lower_rows){.sort = c.sort,
                        .is_mixed = c.has_others ||
                                    (c.sort && (c.has_plain || c.is_bent))};
}
