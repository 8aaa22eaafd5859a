/* data.c - dims from a file, all other numbers by lot
 *
 * Each tensor draws from a stream of its own, named after it, so that adding one
 * changes no other. Inputs are made by what they are for: labels stay below the
 * logits of the loss that reads them, starts and entries follow from their index,
 * ranges are sequences that see themselves, or runs of keys that a table has.
 */
#include "ref/data.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "base/rng.h"
#include "tensor/dtype.h"

/* ---- dims ---- */

static int read_list(qvl_dims *d, int list, const qvl_node *v, qvl_err *err)
{
    if (v->kind != QVL_NODE_LIST || v->n > QVL_MAX_LIST)
        return qvl_node_fail(v, err, QVL_E_CONFIG, "expected a list");
    for (size_t i = 0; i < v->n; i++) {
        int64_t item;
        if (!qvl_node_as_int(&v->items[i], &item) || item < 0 || item > INT_MAX)
            return qvl_node_fail(&v->items[i], err, QVL_E_CONFIG,
                                 "expected a whole number in a list, 0 or above");
        d->list[list][i] = (int)item;
    }
    d->n_list[list] = (int)v->n;
    return QVL_OK;
}

static int read_dim(ref_set *s, const ir_module *m, int i, const qvl_node *map,
                    qvl_err *err)
{
    const ir_dim *dim = &m->dim[i];
    const qvl_node *v = qvl_node_find(map, dim->name);
    bool flag = false;
    if (!v)
        return qvl_node_fail(map, err, QVL_E_CONFIG, "no number for %s",
                             dim->name);
    if (dim->type == IR_DIM_LIST)
        return read_list(&s->d, dim->list, v, err);
    if (dim->type == IR_DIM_FLOAT && qvl_node_as_float(v, &s->d.f[i]))
        return QVL_OK;
    if (dim->type == IR_DIM_INT && qvl_node_as_int(v, &s->d.i[i]))
        return QVL_OK;
    if (dim->type == IR_DIM_BOOL && qvl_node_as_bool(v, &flag)) {
        s->d.i[i] = flag;
        return QVL_OK;
    }
    return qvl_node_fail(v, err, QVL_E_CONFIG, "%s is of another type",
                         dim->name);
}

static int read_ranges(ref_set *s, const qvl_node *v, qvl_err *err)
{
    static const char *const names[REF_N_RANGES] = { "causal", "full",
                                                     "ragged" };
    for (int i = 0; i < REF_N_RANGES; i++)
        if (v->s && strcmp(v->s, names[i]) == 0) {
            s->ranges = (ref_ranges)i;
            return QVL_OK;
        }
    return qvl_node_fail(v, err, QVL_E_CONFIG,
                         "ranges are causal, full or ragged");
}

static int read_keys(ref_set *s, const ir_module *m, const qvl_node *map,
                     qvl_err *err)
{
    for (size_t i = 0; i < map->n; i++) {
        bool known = false;
        for (int k = 0; k < m->n_dims; k++)
            known = known || strcmp(m->dim_name[k], map->keys[i].s) == 0;
        if (strcmp(map->keys[i].s, "ranges") == 0)
            QVL_TRY(read_ranges(s, &map->items[i], err));
        else if (!known)
            return qvl_node_fail(&map->keys[i], err, QVL_E_CONFIG,
                                 "%s has no such dim", m->name);
    }
    return QVL_OK;
}

static int read_set(ref_set *s, const ir_module *m, const qvl_node *map,
                    qvl_err *err)
{
    qvl_str text = { 0 };
    s->ranges = REF_RANGES_RAGGED;
    QVL_TRY(read_keys(s, m, map, err));
    for (size_t i = 0; i < map->n; i++)
        qvl_str_printf(&text, "%s%s=%s", i ? " " : "", map->keys[i].s,
                       map->items[i].s ? map->items[i].s : "list");
    s->text = qvl_arena_strdup(m->arena, text.p ? text.p : "");
    qvl_str_release(&text);
    for (int i = 0; i < m->n_dims; i++)
        if (m->dim[i].source == IR_DIM_CONFIG ||
            m->dim[i].source == IR_DIM_BATCH)
            QVL_TRY(read_dim(s, m, i, map, err));
    return ref_dims_derive(&s->d, m, err);
}

int ref_sets_read(ref_set **out, int *n, const ir_module *m,
                  const qvl_node *file, qvl_err *err)
{
    const qvl_node *list = qvl_node_find(file, m->name);
    if (!list || list->kind != QVL_NODE_LIST || list->n == 0)
        return qvl_node_fail(list ? list : file, err, QVL_E_CONFIG,
                             "expected a list of dims for %s", m->name);
    ref_set *set = qvl_arena_array(m->arena, ref_set, list->n);
    for (size_t i = 0; i < list->n; i++)
        QVL_TRY(read_set(&set[i], m, &list->items[i], err));
    *out = set;
    *n = (int)list->n;
    return QVL_OK;
}

/* ---- numbers ---- */

double ref_round(double x, int dtype)
{
    float f = (float)x;
    if (dtype == QVL_BF16)
        return qvl_bf16_to_f32(qvl_f32_to_bf16(f));
    if (dtype == QVL_F16)
        return qvl_f16_to_f32(qvl_f32_to_f16(f));
    return f;
}

/* A stream of its own for each tensor: the passes do not change what it gets. */
static qvl_rng stream(uint64_t seed, const char *name)
{
    qvl_rng r;
    qvl_rng_id id = { .seed = seed,
                      .dataset = qvl_rng_hash(name, strlen(name)) };
    qvl_rng_init(&r, &id, QVL_RNG_INIT);
    return r;
}

typedef struct {
    const char *kernel;
    const char *operand; // of its inputs
    ir_value_kind kind;
    int index;           // input or parameter family
    const ir_op *found;  // first op of that kernel that reads it there
} search;

static void search_node(ir_node *n, void *arg)
{
    search *s = arg;
    if (n->kind != IR_N_OP || strcmp(n->op.k->name, s->kernel) != 0)
        return;
    const ir_value *v = ir_root(ir_in(&n->op, s->operand));
    if (v->kind == s->kind && v->index == s->index && !s->found)
        s->found = &n->op;
}

/* A label is below the number of logits of the loss that reads it. */
static void make_labels(double *v, size_t n, const ir_module *m, int input,
                        const qvl_dims *d, qvl_rng *rng)
{
    search s = { "cross_entropy", "label", IR_V_INPUT, input, NULL };
    int64_t limit = 1;
    ir_walk((ir_block *)&m->body, search_node, &s);
    if (s.found) {
        const ir_shape *x = &ir_in(s.found, "logits")->shape;
        limit = ref_poly(&x->d[x->rank - 1], d->i);
    }
    for (size_t i = 0; i < n; i++)
        v[i] = qvl_rng_below(rng, 5) == 0
                   ? -100.0
                   : (double)qvl_rng_below(rng, (uint64_t)limit);
}

static void make_index(double *v, size_t n, int64_t table, qvl_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        v[i] = table == 0 || qvl_rng_below(rng, 6) == 0
                   ? -1.0
                   : (double)qvl_rng_below(rng, (uint64_t)table);
}

/* start and entry of an index: places of its rows, sorted by what they point
 * to; places that point nowhere come last and belong to no row. */
static void make_starts(double *start, int64_t table, const double *index,
                        size_t n)
{
    for (int64_t t = 0; t <= table; t++)
        start[t] = 0.0;
    for (size_t i = 0; i < n; i++)
        if (index[i] >= 0.0)
            start[(int64_t)index[i] + 1]++;
    for (int64_t t = 0; t < table; t++)
        start[t + 1] += start[t];
}

static void make_entries(double *entry, int64_t table, const double *index,
                         size_t n, qvl_arena *arena)
{
    double *next = qvl_arena_array(arena, double, table + 1);
    make_starts(next, table, index, n);
    double next_of_none = next[table];
    for (size_t i = 0; i < n; i++) {
        double *at = index[i] < 0.0 ? &next_of_none : &next[(int64_t)index[i]];
        entry[(size_t)(*at)++] = (double)i;
    }
}

static void set_range(double *range, int64_t kv_lo, int64_t kv_hi,
                      int64_t q_lo, int64_t q_hi)
{
    range[0] = (double)kv_lo;
    range[1] = (double)kv_hi;
    range[2] = (double)q_lo;
    range[3] = (double)q_hi;
}

/* Tokens lo..hi as one sequence in which a token sees `window` tokens up to
 * itself. */
static void causal(double *range, int64_t lo, int64_t hi, int64_t window)
{
    for (int64_t t = lo; t < hi; t++)
        set_range(range + 4 * t, t - window < lo ? lo : t - window + 1, t + 1,
                  t, t + window < hi ? t + window : hi);
}

static void full(double *range, int64_t lo, int64_t hi)
{
    for (int64_t t = lo; t < hi; t++)
        set_range(range + 4 * t, lo, hi, lo, hi);
}

/* Where no key is to be seen the two ends meet, and not always at 0. */
static void make_ranges(double *range, int64_t n, ref_ranges kind,
                        qvl_rng *rng)
{
    if (kind == REF_RANGES_CAUSAL)
        causal(range, 0, n, n);
    if (kind == REF_RANGES_FULL)
        full(range, 0, n);
    for (int64_t lo = 0, hi; lo < n && kind == REF_RANGES_RAGGED; lo = hi) {
        int64_t len = 1 + (int64_t)qvl_rng_below(rng, (uint64_t)n / 2 + 3);
        hi = lo + len < n ? lo + len : n;
        switch (qvl_rng_below(rng, 5)) {
        case 0:
            full(range, lo, hi);
            break;
        case 1:
            for (int64_t t = lo; t < hi; t++)
                set_range(range + 4 * t, t + 1, t + 1, t, t);
            break;
        case 2:
            causal(range, lo, hi, 1 + (hi - lo) / 3);
            break;
        default:
            causal(range, lo, hi, hi - lo);
            break;
        }
    }
}

/* ---- caches ---- */

/* Slots of a block: the same for all inputs of a case. */
static int64_t block_len(const ir_module *m, uint64_t seed, int64_t slots)
{
    qvl_rng rng = stream(seed, m->name);
    int64_t most = slots / 2 < 11 ? slots / 2 : 11;
    return most < 2 ? 1 : 1 + (int64_t)qvl_rng_below(&rng, (uint64_t)most);
}

/* Places among the slots, each once at most; one token in five has none. */
static void make_slots(double *v, size_t n, int64_t slots, qvl_rng *rng,
                       qvl_arena *arena)
{
    int64_t *left = qvl_arena_array(arena, int64_t, slots + 1);
    for (int64_t i = 0; i < slots; i++)
        left[i] = i;
    for (size_t i = 0; i < n; i++) {
        v[i] = -1.0;
        if (slots == 0 || qvl_rng_below(rng, 5) == 0)
            continue;
        int64_t k = (int64_t)qvl_rng_below(rng, (uint64_t)slots);
        v[i] = (double)left[k];
        left[k] = left[--slots];
    }
}

static void make_blocks(double *v, size_t n, int64_t n_blocks, qvl_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        v[i] = n_blocks == 0
                   ? 0.0
                   : (double)qvl_rng_below(rng, (uint64_t)n_blocks);
}

/* Any run of keys that the tables have, from a table's start on or not; none,
 * anywhere, for one token in five. */
static void make_kept_ranges(double *range, int64_t n, int64_t entries,
                             int64_t len, qvl_rng *rng)
{
    for (int64_t t = 0; t < n; t++) {
        double *r = range + 4 * t;
        set_range(r, len, len, 0, len);
        if (entries == 0 || qvl_rng_below(rng, 5) == 0)
            continue;
        int64_t table = (int64_t)qvl_rng_below(rng, (uint64_t)entries);
        int64_t keys = (entries - table) * len;
        int64_t hi = 1 + (int64_t)qvl_rng_below(rng, (uint64_t)keys);
        int64_t lo = qvl_rng_below(rng, 3) == 0
                         ? (int64_t)qvl_rng_below(rng, (uint64_t)hi)
                         : 0;
        set_range(r, lo, hi, table, len);
    }
}

/* Cosines and sines of any angles: [rows, 2, A]. */
static void make_angles(double *v, size_t n, int64_t n_angles, qvl_rng *rng)
{
    size_t a = (size_t)n_angles;
    for (size_t r = 0; a > 0 && r < n / (2 * a); r++)
        for (size_t j = 0; j < a; j++) {
            double x = qvl_rng_between(rng, -3.0, 3.0);
            v[r * 2 * a + j] = ref_round(cos(x), QVL_F32);
            v[r * 2 * a + a + j] = ref_round(sin(x), QVL_F32);
        }
}

/* Plain numbers; a single one (the scale of a loss) is of no wild size. */
static void make_reals(double *v, size_t n, qvl_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        v[i] = ref_round(n == 1 ? 0.375 : qvl_rng_normal(rng), QVL_F32);
}

/* Of tokens that see each other, or what is kept. */
static void make_any_ranges(double *v, int64_t n, const ir_module *m, int input,
                            const ref_set *set, uint64_t seed, qvl_rng *rng)
{
    search s = { "attention_cached", "range", IR_V_INPUT, input, NULL };
    ir_walk((ir_block *)&m->body, search_node, &s);
    if (!s.found) {
        make_ranges(v, n, set->ranges, rng);
        return;
    }
    int64_t slots = ref_poly(&ir_in(s.found, "k")->shape.d[0], set->d.i);
    int64_t entries = ref_poly(&ir_in(s.found, "block")->shape.d[0],
                               set->d.i);
    make_kept_ranges(v, n, slots == 0 ? 0 : entries,
                     block_len(m, seed, slots), rng);
}

static void make_input(double **input, const ir_module *m, int i,
                       const ref_set *set, uint64_t seed, qvl_arena *arena)
{
    const ir_input *in = &m->input[i];
    qvl_rng rng = stream(seed, in->name);
    size_t n = ref_elems(&set->d, &in->shape);
    int64_t table = ref_poly(&in->table, set->d.i);
    size_t n_of = in->of < 0 ? 0 : ref_elems(&set->d, &m->input[in->of].shape);
    switch (in->kind) {
    case QVL_INPUT_I32:
        make_labels(input[i], n, m, i, &set->d, &rng);
        break;
    case QVL_INPUT_INDEX:
        make_index(input[i], n, table, &rng);
        break;
    case QVL_INPUT_START:
        make_starts(input[i], table, input[in->of], n_of);
        break;
    case QVL_INPUT_ENTRY:
        make_entries(input[i], table, input[in->of], n_of, arena);
        break;
    case QVL_INPUT_RANGE:
        make_any_ranges(input[i], (int64_t)(n / 4), m, i, set, seed, &rng);
        break;
    case QVL_INPUT_SLOT:
        make_slots(input[i], n, table, &rng, arena);
        break;
    case QVL_INPUT_BLOCK:
        make_blocks(input[i], n, table / block_len(m, seed, table), &rng);
        break;
    case QVL_INPUT_ANGLES:
        make_angles(input[i], n, ref_poly(&in->shape.d[2], set->d.i), &rng);
        break;
    case QVL_INPUT_F32:
    case QVL_INPUT_WEIGHT:
        make_reals(input[i], n, &rng);
        break;
    default:
        assert(false);  // a kind that nobody makes
    }
}

static void make_param(double *v, const ir_module *m, const ref_param *p,
                       int dtype, uint64_t seed)
{
    qvl_rng rng = stream(seed, p->name);
    const ir_param *family = &m->param[p->family];
    const char *bias = strstr(family->name, ".bias");
    bool vector = family->shape.rank == 1;
    search s = { "lookup", "x", IR_V_PARAM, p->family, NULL };
    ir_walk((ir_block *)&m->body, search_node, &s);
    double scale = s.found ? 0.7 : 1.0 / sqrt((double)p->fan_in + 1.0);
    for (size_t i = 0; i < p->n; i++) {
        double x = qvl_rng_normal(&rng);
        if (vector)
            v[i] = ref_round((bias ? 0.0 : 1.0) + 0.2 * x, QVL_F32);
        else
            v[i] = ref_round(scale * x, dtype);
    }
}

static void make_states(ref_data *r, const ir_module *m, const ref_set *set,
                        int dtype, uint64_t seed, qvl_arena *arena)
{
    ref_states_list(&r->states, m, &set->d, arena);
    r->state = qvl_arena_array(arena, double *, r->states.n + 1);
    for (int i = 0; i < r->states.n; i++) {
        qvl_rng rng = stream(seed, r->states.name[i]);
        size_t n = r->states.n_elems[i];
        r->state[i] = qvl_arena_array(arena, double, n + 1);
        for (size_t k = 0; k < n; k++)
            r->state[i][k] = ref_round(qvl_rng_normal(&rng), dtype);
    }
}

void ref_data_make(ref_data *out, const ir_module *m, const ref_set *set,
                   int weight_dtype, uint64_t seed, qvl_arena *arena)
{
    ref_data r = { .input = qvl_arena_array(arena, double *, m->n_inputs) };
    ref_params_list(&r.params, m, &set->d, arena);
    for (int i = 0; i < m->n_inputs; i++) {
        size_t n = ref_elems(&set->d, &m->input[i].shape);
        r.input[i] = qvl_arena_array(arena, double, n + 1);
        make_input(r.input, m, i, set, seed, arena);
    }
    r.param = qvl_arena_array(arena, double *, r.params.n + 1);
    for (int i = 0; i < r.params.n; i++) {
        const ref_param *p = &r.params.item[i];
        if (p->same_as >= 0) {
            r.param[i] = r.param[p->same_as];
            continue;
        }
        r.param[i] = qvl_arena_array(arena, double, p->n + 1);
        make_param(r.param[i], m, p, weight_dtype, seed);
    }
    make_states(&r, m, set, weight_dtype, seed, arena);
    *out = r;
}
