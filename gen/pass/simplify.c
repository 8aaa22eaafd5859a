/* simplify.c - ops whose results nobody reads
 *
 * Roots are the outputs of the module, the gradients of its parameters and its
 * states.
 * Expressions are folded where they are built (ir_ex_binary), so only whole ops,
 * loads, stores and carries are left to remove here.
 */
#include <string.h>

#include "pass/pass.h"

typedef struct {
    ir_module *m;
    bool *live;        // [n_values], by root
    bool *array_live;  // [n_arrays]
    bool changed;
} liveness;

static void use(liveness *s, ir_value *v)
{
    bool *live = v ? &s->live[ir_root(v)->id] : NULL;
    if (!live || *live)
        return;
    *live = true;
    s->changed = true;
}

static bool op_live(const liveness *s, const ir_op *op)
{
    for (int i = 0; i < op->n_out; i++) {
        ir_value *root = ir_root(op->out[i]);
        if (root->kind == IR_V_GRAD || root->kind == IR_V_STATE ||
            s->live[root->id])
            return true;
    }
    return false;
}

static void mark_block(liveness *s, ir_block *block);

/* Does anyone read what is carried? A condition's body reads the value from
 * outside, a loop's the entry. */
static bool carry_live(const liveness *s, const ir_region *r,
                       const ir_carry *c)
{
    return s->live[c->result->id] ||
           (r->kind == IR_REPEAT && s->live[c->entry->id]);
}

static void mark_region(liveness *s, ir_region *r)
{
    mark_block(s, &r->body);
    for (int i = 0; i < r->n_carry; i++) {
        ir_carry *c = &r->carry[i];
        if (!carry_live(s, r, c))
            continue;
        use(s, c->next);
        use(s, c->init);
        use(s, c->entry);
        use(s, c->result);
    }
}

static void mark_block(liveness *s, ir_block *block)
{
    for (ir_node *n = block->last; n; n = n->prev) {
        if (n->kind == IR_N_REGION) {
            mark_region(s, n->region);
        } else if (n->kind == IR_N_OP && op_live(s, &n->op)) {
            for (int i = 0; i < n->op.n_in; i++)
                use(s, n->op.in[i]);
            for (int i = 0; i < n->op.n_extra; i++)
                use(s, n->op.extra[i]);
        } else if (n->kind == IR_N_STORE && s->array_live[n->array]) {
            use(s, n->value);
        } else if (n->kind == IR_N_LOAD && s->live[n->value->id] &&
                   !s->array_live[n->array]) {
            s->array_live[n->array] = true;
            s->changed = true;
        }
    }
}

static void sweep_carries(const liveness *s, ir_region *r)
{
    int kept = 0;
    for (int i = 0; i < r->n_carry; i++)
        if (carry_live(s, r, &r->carry[i]))
            r->carry[kept++] = r->carry[i];
    r->n_carry = kept;
}

static void sweep(const liveness *s, ir_block *block)
{
    ir_node *next;
    for (ir_node *n = block->first; n; n = next) {
        next = n->next;
        bool live = true;
        if (n->kind == IR_N_OP)
            live = op_live(s, &n->op);
        else if (n->kind == IR_N_STORE)
            live = s->array_live[n->array];
        else if (n->kind == IR_N_LOAD)
            live = s->live[n->value->id];
        if (n->kind == IR_N_REGION) {
            sweep(s, &n->region->body);
            sweep_carries(s, n->region);
            live = n->region->body.first || n->region->n_carry;
        }
        if (!live)
            ir_remove(n);
    }
}

void pass_simplify(ir_module *m)
{
    liveness s = {.m = m,
                  .live = qvl_arena_array(m->arena, bool, m->n_values),
                  .array_live = qvl_arena_array(m->arena, bool,
                                                m->n_arrays + 1)};
    for (int i = 0; i < m->n_outputs; i++) {
        use(&s, m->output[i].value);
        if (m->output[i].array >= 0)
            s.array_live[m->output[i].array] = true;
    }
    do {
        s.changed = false;
        mark_block(&s, &m->body);
    } while (s.changed);
    sweep(&s, &m->body);
}
