/* dims.c - the trees of a module evaluated, without the C that gen makes of them
 *
 * Each function is the plain reading of what ir.h says of a tree. A parameter has
 * an instance for each value of its variable, tied ones point to their first.
 */
#include "ref/dims.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int64_t ref_var(const ref_vars *vars, const char *name)
{
    for (int i = vars ? vars->n - 1 : -1; i >= 0; i--)
        if (strcmp(vars->name[i], name) == 0)
            return vars->value[i];
    assert(!"a loop variable outside of its loop");
    return 0;
}

int ref_place(const qvl_dims *d, int list, int64_t v)
{
    for (int i = 0; i < d->n_list[list]; i++)
        if (d->list[list][i] == v)
            return i;
    return -1;
}

/* A division by 0 gives -1: no size, and nothing that a condition wants. */
static int64_t binary(char op, int64_t a, int64_t b)
{
    switch (op) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    case '/':
        return b == 0 ? -1 : a / b;
    case '%':
        return b == 0 ? -1 : a % b;
    case '<':
        return a < b;
    case '>':
        return a > b;
    case 'l':
        return a <= b;
    case 'g':
        return a >= b;
    case '=':
        return a == b;
    case '#':
        return a != b;
    case '&':
        return a && b;
    case '|':
        return a || b;
    default:
        assert(!"an operator that the specs do not have");
        return 0;
    }
}

int64_t ref_int(const ir_module *m, const qvl_dims *d, const ref_vars *vars,
                const ir_int *e)
{
    switch (e->kind) {
    case IR_INT_DIM:
        return d->i[e->dim];
    case IR_INT_VAR:
        return ref_var(vars, e->name);
    case IR_INT_COUNT:
        return d->n_list[m->dim[e->dim].list];
    case IR_INT_BINARY:
        return binary(e->op, ref_int(m, d, vars, e->a),
                      ref_int(m, d, vars, e->b));
    case IR_INT_NOT:
        return !ref_int(m, d, vars, e->a);
    case IR_INT_IN:
        return ref_place(d, m->dim[e->dim].list,
                         ref_int(m, d, vars, e->a)) >= 0;
    default:
        return e->number;
    }
}

double ref_real(const qvl_dims *d, const ir_real *r)
{
    switch (r->kind) {
    case IR_REAL_FLOAT_DIM:
        return r->times * d->f[r->dim];
    case IR_REAL_POW:
        return r->times * pow((double)d->i[r->dim], r->number);
    default:
        return r->times * r->number;
    }
}

int64_t ref_poly(const poly *a, const int64_t *value)
{
    int64_t sum = 0;
    for (int i = 0; i < a->n; i++) {
        int64_t t = a->term[i].coef;
        for (int k = 0; k < a->term[i].n; k++)
            t *= value[a->term[i].sym[k]];
        sum += t;
    }
    return sum;
}

size_t ref_elems(const qvl_dims *d, const ir_shape *s)
{
    size_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= (size_t)ref_poly(&s->d[i], d->i);
    return n;
}

static int derive_list(qvl_dims *d, const ir_module *m, const ir_dim *dim,
                       qvl_err *err)
{
    int64_t count = ref_int(m, d, NULL, dim->count);
    d->n_list[dim->list] = 0;
    for (int64_t v = 0; v < count; v++) {
        ref_vars vars = {.name = {dim->var}, .value = {v}, .n = 1};
        if (!ref_int(m, d, &vars, dim->value))
            continue;
        if (d->n_list[dim->list] == QVL_MAX_LIST)
            return qvl_fail(err, QVL_E_MODEL, "%s: too many of %s", m->name,
                            dim->name);
        d->list[dim->list][d->n_list[dim->list]++] = (int)v;
    }
    return QVL_OK;
}

int ref_dims_derive(qvl_dims *d, const ir_module *m, qvl_err *err)
{
    for (int i = 0; i < m->n_dims; i++) {
        const ir_int *e = m->dim[i].value;
        if (m->dim[i].source != IR_DIM_DERIVED)
            continue;
        if (m->dim[i].type == IR_DIM_LIST) {
            QVL_TRY(derive_list(d, m, &m->dim[i], err));
            continue;
        }
        d->i[i] = ref_int(m, d, NULL, e);
        if (e->kind == IR_INT_BINARY && e->op == '/' &&
            d->i[i] * ref_int(m, d, NULL, e->b) != ref_int(m, d, NULL, e->a))
            return qvl_fail(err, QVL_E_MODEL, "%s: %s is no whole number",
                            m->name, m->dim_name[i]);
    }
    for (int i = 0; i < m->n_conditions; i++)
        if (!ref_int(m, d, NULL, m->condition[i].cond))
            return qvl_fail(err, QVL_E_MODEL, "%s: %s does not hold", m->name,
                            m->condition[i].text);
    return QVL_OK;
}

const char *ref_layer_name(const char *name, int layer, qvl_arena *arena)
{
    const char *open = strchr(name, '{');
    if (!open)
        return name;
    return qvl_arena_printf(arena, "%.*s%d%s", (int)(open - name), name, layer,
                            strchr(open, '}') + 1);
}

/* A product sums over all dims but the first, one by expert over the last. */
static size_t fan_in(const ir_shape *s, const qvl_dims *d)
{
    size_t n = 1;
    for (int i = s->rank == 3 ? 2 : 1; i < s->rank; i++)
        n *= (size_t)ref_poly(&s->d[i], d->i);
    return n;
}

void ref_params_list(ref_params *out, const ir_module *m, const qvl_dims *d,
                     qvl_arena *arena)
{
    ref_params list = {.first = qvl_arena_array(arena, int, m->n_params + 1)};
    for (int f = 0; f < m->n_params; f++) {
        const ir_int *count = m->param[f].count;
        list.first[f] = list.n;
        list.n += count ? (int)ref_int(m, d, NULL, count) : 1;
    }
    list.item = qvl_arena_array(arena, ref_param, list.n);
    for (int f = 0; f < m->n_params; f++) {
        const ir_param *p = &m->param[f];
        int end = f + 1 < m->n_params ? list.first[f + 1] : list.n;
        bool tied = p->same_as >= 0 && ref_int(m, d, NULL, p->tied_if);
        for (int i = list.first[f]; i < end; i++) {
            int layer = i - list.first[f];
            if (p->list >= 0)
                layer = d->list[m->dim[p->list].list][layer];
            list.item[i] = (ref_param){
                .name = ref_layer_name(p->name, layer, arena),
                .family = f,
                .layer = layer,
                .n = ref_elems(d, &p->shape),
                .fan_in = fan_in(&p->shape, d),
                .same_as = tied ? list.first[p->same_as] : -1,
            };
        }
    }
    *out = list;
}

/* ---- states ---- */

typedef struct {
    const ir_module *m;
    const qvl_dims *d;
    int *n_turns;  // [m->n_states]
} turns;

/* Values of the variable that picks a state, in the region of its op. */
static int count_turns(const turns *t, const ir_value *v, const ir_node *n)
{
    const ir_region *r = n->block->owner;
    while (v->layer && (!r->var || strcmp(r->var, v->layer) != 0))
        r = r->outer;
    if (!v->layer)
        return 1;
    return r->kind == IR_REPEAT ? (int)ref_int(t->m, t->d, NULL, r->count)
                                : t->d->n_list[t->m->dim[r->cond->dim].list];
}

static void see_node(ir_node *n, void *arg)
{
    const turns *t = arg;
    for (int i = 0; n->kind == IR_N_OP && i < n->op.n_out; i++) {
        const ir_value *v = ir_root(n->op.out[i]);
        if (v->kind == IR_V_STATE)
            t->n_turns[v->index] = count_turns(t, v, n);
    }
}

void ref_states_list(ref_states *out, const ir_module *m, const qvl_dims *d,
                     qvl_arena *arena)
{
    turns t = {m, d, qvl_arena_array(arena, int, m->n_states + 1)};
    int most = 0;
    ir_walk((ir_block *)&m->body, see_node, &t);
    for (int s = 0; s < m->n_states; s++)
        most = t.n_turns[s] > most ? t.n_turns[s] : most;
    ref_states list = {.n = m->n_states * most};
    list.name = qvl_arena_array(arena, const char *, list.n + 1);
    list.n_elems = qvl_arena_array(arena, size_t, list.n + 1);
    for (int i = 0; i < list.n; i++) {
        const ir_state *s = &m->state[i % m->n_states];
        int l = i / m->n_states;
        list.name[i] = qvl_arena_printf(arena, "%s%d.%d", s->name,
                                       i % m->n_states, l);
        if (l < t.n_turns[i % m->n_states])
            list.n_elems[i] = ref_elems(d, &s->shape);
    }
    *out = list;
}
