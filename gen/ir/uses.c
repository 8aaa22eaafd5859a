/* uses.c - who reads a value: operands and arguments of ops, stores, and what regions
 * carry; of a view it is its root that is read
 */
#include "ir/ir.h"

typedef struct {
    void (*fn)(ir_value *root, void *arg);
    void *arg;
} use_walk;

static void use(const use_walk *w, ir_value *v)
{
    if (v)
        w->fn(ir_root(v), w->arg);
}

static void walk_node(ir_node *n, void *arg)
{
    const use_walk *w = arg;
    if (n->kind == IR_N_STORE)
        use(w, n->value);
    for (int i = 0; n->kind == IR_N_REGION && i < n->region->n_carry; i++) {
        use(w, n->region->carry[i].init);
        use(w, n->region->carry[i].next);
    }
    if (n->kind != IR_N_OP)
        return;
    for (int i = 0; i < n->op.n_in; i++)
        use(w, n->op.in[i]);
    for (int i = 0; i < n->op.n_extra; i++)
        use(w, n->op.extra[i]);
}

static void count_use(ir_value *root, void *arg)
{
    (void)arg;
    root->n_uses++;
}

void ir_count_uses(ir_module *m)
{
    use_walk w = {.fn = count_use};
    for (int i = 0; i < m->n_values; i++)
        m->value[i]->n_uses = 0;
    ir_walk(&m->body, walk_node, &w);
    for (int i = 0; i < m->n_outputs; i++)
        use(&w, m->output[i].value);
}

typedef struct {
    const ir_value *v;
    bool found;
} search;

static void compare(ir_value *root, void *arg)
{
    search *s = arg;
    s->found = s->found || root == s->v;
}

bool ir_is_used(ir_module *m, const ir_value *v)
{
    search s = {.v = v};
    use_walk w = {.fn = compare, .arg = &s};
    ir_walk(&m->body, walk_node, &w);
    return s.found;
}
