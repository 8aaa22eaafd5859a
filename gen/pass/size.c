/* size.c - what each value costs the run: uses, and how long it must stay
 *
 * A value that is read outside the region that makes it (by the backward pass,
 * mostly) needs a place for each turn of the loops around it; others are local
 * to a turn. What is kept and what is computed again is decided when a run
 * opens (src/graph/plan): only sizes and scopes are known here.
 */
#include "pass/pass.h"

static void touch(ir_value *v, const ir_region *from)
{
    ir_value *root = v ? ir_root(v) : NULL;
    if (root && !ir_inside(from, root->home))
        root->escapes = true;
}

static void mark_block(const ir_block *block)
{
    const ir_region *here = block->owner;
    for (const ir_node *n = block->first; n; n = n->next) {
        if (n->kind == IR_N_STORE)
            touch(n->value, here);
        if (n->kind == IR_N_OP) {
            for (int i = 0; i < n->op.n_in; i++)
                touch(n->op.in[i], here);
            for (int i = 0; i < n->op.n_extra; i++)
                touch(n->op.extra[i], here);
            for (int i = 0; i < n->op.n_out; i++)
                touch(n->op.out[i], here);
        }
        if (n->kind != IR_N_REGION)
            continue;
        mark_block(&n->region->body);
        for (int i = 0; i < n->region->n_carry; i++) {
            touch(n->region->carry[i].init, here);
            touch(n->region->carry[i].next, n->region);
        }
    }
}

void pass_size(ir_module *m)
{
    ir_count_uses(m);
    for (int i = 0; i < m->n_values; i++)
        m->value[i]->escapes = false;
    mark_block(&m->body);
    m->is_sized = true;
}
