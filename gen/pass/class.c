/* class.c - values in another storage class than the one that they were made in
 *
 * An op made its value as an activation before anybody knew what becomes of it: a
 * result in f32, the residual stream. Where that op may store any class, the value
 * and its views change theirs and nothing is copied; where a region or an array
 * counts on the class, or the kernel fixes it, a copy has the other one.
 */
#include "pass/lower.h"

/* Can the op store this output as any class? */
static bool free_class(const ir_value *v)
{
    if (v->kind != IR_V_OP || !v->def || v->def->kind != IR_N_OP)
        return false;
    const kern_operand *o = ir_operand_of(&v->def->op, v);
    return o && kern_is_storage(o);
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
