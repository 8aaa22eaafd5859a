/* check.c - the invariants of ir.h, held against a module after every pass
 *
 * One walk in the order of the program, which knows what is defined so far and
 * where it stands. A fault is a mistake of a pass, so each is QVL_E_INTERNAL with
 * the pass, the line and the value.
 */
#include <string.h>

#include "ir/ir.h"

typedef struct {
    const ir_module *m;
    const char *after;
    bool *defined;        // [n_values]
    const ir_region *at;  // region that is being walked, NULL: none
    qvl_err *err;
} checker;

static int fail(const checker *c, int line, const char *what,
                const ir_value *v)
{
    return qvl_fail(c->err, QVL_E_INTERNAL, "%s:%d: after %s: %s (%%%d %s)",
                    c->m->file, line, c->after, what, v ? v->id : -1,
                    v && v->name ? v->name : "");
}

static bool always_there(const ir_value *v)
{
    return v->kind == IR_V_INPUT || v->kind == IR_V_PARAM ||
           v->kind == IR_V_GRAD || v->kind == IR_V_STATE ||
           v->kind == IR_V_SPACE;
}

/* Does region r walk the turns of `of`, forwards or backwards? */
static bool walks(const ir_region *r, const ir_region *of)
{
    if (r == of)
        return true;
    return r->kind == of->kind && r->var == of->var &&
           (r->kind == IR_REPEAT ? r->id == of->id
                                 : r->kind == IR_IF && r->cond == of->cond);
}

/* Is what region `home` defines seen in region `at`? */
static bool in_scope(const ir_region *home, const ir_region *at)
{
    for (; home; home = home->outer) {
        const ir_region *r = at;
        while (r && !walks(r, home))
            r = r->outer;
        if (!r)
            return false;
    }
    return true;
}

static int check_view(const checker *c, int line, ir_value *v)
{
    if (v->kind == IR_V_VIEW && (!v->base || v->base->kind == IR_V_VIEW))
        return fail(c, line, "a view of a view", v);
    if (ir_root(v)->cls != v->cls)
        return fail(c, line, "a view of another class than its value", v);
    return QVL_OK;
}

static int check_use(const checker *c, int line, ir_value *v)
{
    QVL_TRY(check_view(c, line, v));
    ir_value *root = ir_root(v);
    if (always_there(root))
        return QVL_OK;
    if (!c->defined[root->id])
        return fail(c, line, "used before it is defined", v);
    if (!in_scope(root->home, c->at))
        return fail(c, line, "used outside of the region that defines it", v);
    return QVL_OK;
}

static int define(const checker *c, int line, ir_value *v)
{
    QVL_TRY(check_view(c, line, v));
    ir_value *root = ir_root(v);
    if (v->kind == IR_V_VIEW || always_there(v)) {
        c->defined[root->id] = true;
        return QVL_OK;
    }
    if (c->defined[v->id])
        return fail(c, line, "defined twice", v);
    c->defined[v->id] = true;
    return QVL_OK;
}

/* Storage classes that an operand's declared type can hold. */
static bool class_fits(const char *type, ir_class cls)
{
    if (strcmp(type, "f32") == 0)
        return cls == IR_F32 || cls == IR_RES;
    if (strcmp(type, "i32") == 0 || strcmp(type, "u32") == 0)
        return cls == IR_I32;
    return cls != IR_I32;
}

static int check_operands(const checker *c, const ir_node *n)
{
    const ir_op *op = &n->op;
    for (int i = 0; i < op->k->n_operands; i++) {
        const kern_operand *o = &op->k->operand[i];
        const ir_value *v = ir_operand(op, i);
        if (!v) {
            if (!o->optional)
                return fail(c, n->line, "an operand is missing", NULL);
            continue;
        }
        if (!class_fits(o->type, v->cls))
            return fail(c, n->line, "stored as a type the kernel cannot read",
                        v);
        if (v->slice && !o->ld)
            return fail(c, n->line, "a slice where the kernel takes none", v);
    }
    return QVL_OK;
}

/* A u32 is printed as it stands. */
static int check_scalars(const checker *c, const ir_node *n)
{
    const kern *k = n->op.k;
    for (int i = 0; i < k->n_scalars; i++) {
        const ir_real *r = &n->op.scalar[i];
        bool whole = r->kind == IR_REAL_NUMBER && r->times == 1.0 &&
                     r->number >= 0.0 && r->number <= UINT32_MAX &&
                     r->number == (double)(uint32_t)r->number;
        if (!k->scalar[i].is_f32 && !whole)
            return fail(c, n->line, "a u32 argument that is no whole number",
                        NULL);
    }
    return QVL_OK;
}

/* What a parameter's gradient is added up from carries no expression. */
static int check_expression(const checker *c, const ir_node *n)
{
    poly rows, cols;
    if (!n->op.expr)
        return QVL_OK;
    if (ir_root(n->op.out[0])->kind == IR_V_GRAD)
        return fail(c, n->line, "an expression of a sum", n->op.out[0]);
    ir_store_shape(&n->op, &rows, &cols);
    for (int i = 0; i < n->op.n_extra; i++)
        if (!ir_extra_fits(n->op.extra[i], n->op.extra_kind[i], &rows, &cols))
            return fail(c, n->line, "an argument of another shape",
                        n->op.extra[i]);
    return QVL_OK;
}

static int check_op(const checker *c, const ir_node *n)
{
    const ir_op *op = &n->op;
    poly sym[KERN_MAX_SYMS];
    for (int i = 0; i < op->n_in; i++)
        if (op->in[i])
            QVL_TRY(check_use(c, n->line, op->in[i]));
    for (int i = 0; i < op->n_extra; i++)
        QVL_TRY(check_use(c, n->line, op->extra[i]));
    QVL_TRY(check_operands(c, n));
    QVL_TRY(check_scalars(c, n));
    QVL_TRY(check_expression(c, n));
    QVL_TRY(ir_bind(c->m, op, sym, c->err));
    for (int i = 0; i < op->n_out; i++)
        QVL_TRY(define(c, n->line, op->out[i]));
    return QVL_OK;
}

static int check_block(checker *c, const ir_block *block);

/* Where a value is known by its root alone, it is all of its root. */
static int check_whole(const checker *c, int line, ir_value *v)
{
    if (v->slice)
        return fail(c, line, "a slice where a whole value goes", v);
    return check_use(c, line, v);
}

static int check_region(checker *c, const ir_node *n)
{
    const ir_region *r = n->region;
    const ir_region *outer = c->at;
    if (r->outer != outer)
        return fail(c, n->line, "a region does not know what is around it",
                    NULL);
    for (int i = 0; i < r->n_carry; i++) {
        const ir_carry *k = &r->carry[i];
        QVL_TRY(check_whole(c, n->line, k->init));
        if (k->entry != k->init)
            QVL_TRY(define(c, n->line, k->entry));
        if (!ir_shape_equal(&k->init->shape, &k->next->shape) ||
            k->init->cls != k->next->cls || k->init->cls != k->result->cls)
            return fail(c, n->line, "a carry changes shape or class",
                        k->result);
    }
    c->at = r;
    QVL_TRY(check_block(c, &r->body));
    for (int i = 0; i < r->n_carry; i++)
        QVL_TRY(check_whole(c, n->line, r->carry[i].next));
    c->at = outer;
    for (int i = 0; i < r->n_carry; i++)
        QVL_TRY(define(c, n->line, r->carry[i].result));
    return QVL_OK;
}

static int check_block(checker *c, const ir_block *block)
{
    for (const ir_node *n = block->first; n; n = n->next) {
        if (n->block != block)
            return fail(c, n->line, "a node does not know its block", NULL);
        if (n->kind == IR_N_OP)
            QVL_TRY(check_op(c, n));
        else if (n->kind == IR_N_REGION)
            QVL_TRY(check_region(c, n));
        else if (n->kind == IR_N_LOAD)
            QVL_TRY(define(c, n->line, n->value));
        else
            QVL_TRY(check_whole(c, n->line, n->value));
    }
    return QVL_OK;
}

int ir_check(const ir_module *m, const char *after, qvl_err *err)
{
    checker c = {.m = m, .after = after, .err = err,
                 .defined = qvl_arena_array(m->arena, bool, m->n_values)};
    QVL_TRY(check_block(&c, &m->body));
    for (int i = 0; i < m->n_outputs; i++)
        if (m->output[i].value)
            QVL_TRY(check_whole(&c, 0, m->output[i].value));
    return QVL_OK;
}
