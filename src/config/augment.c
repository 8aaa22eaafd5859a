/* augment.c - the rows of augment.def as a table, and a tree read by it
 *
 * Every fault is kept, with the place of its node and its path.
 */
#include "config/augment.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/schema_value.h"

#define ROOT "custom.augmentation"

/* ---- the table ----------------------------------------------------------- */

#define NEEDED NULL
#define CURRICULUM true
#define FIXED false
const qvl_aug_param qvl_aug_params[] = {
#define PARAM(field, name, type, preset, rule, changes)                       \
    { #name, QVL_AUG_OP_##field, QVL_AUG_TYPE_##type,                         \
      offsetof(qvl_aug_op, u.field.name), preset, rule, changes },
#include "config/augment.def"
};
const size_t qvl_n_aug_params = QVL_COUNT(qvl_aug_params);

static const struct {
    const char *name;
    qvl_aug_kind kind;
} ops[] = {
#define OP(field, kind) { #field, QVL_AUG_##kind },
#include "config/augment.def"
};

const char *qvl_aug_name(qvl_aug_id op)
{
    return ops[op].name;
}

qvl_aug_kind qvl_aug_kind_of(qvl_aug_id op)
{
    return ops[op].kind;
}

const qvl_aug_param *qvl_aug_param_find(qvl_aug_id op, const char *name)
{
    for (size_t i = 0; i < qvl_n_aug_params; i++)
        if (qvl_aug_params[i].op == op
            && strcmp(qvl_aug_params[i].name, name) == 0)
            return &qvl_aug_params[i];
    return NULL;
}

/* ---- targets ------------------------------------------------------------- */

double qvl_aug_toward(double from, double to, double share)
{
    return share >= 1.0 ? to : from + (to - from) * share;
}

void qvl_aug_op_move(qvl_aug_op *op, const qvl_aug_target *target, double share)
{
    void *field = (char *)op + target->param->at;
    qvl_aug_range *range;
    switch (target->param->type) {
    case QVL_AUG_TYPE_NUMBER:
        *(double *)field = qvl_aug_toward(*(double *)field, target->lo, share);
        return;
    case QVL_AUG_TYPE_RANGE:
        range = field;
        range->lo = qvl_aug_toward(range->lo, target->lo, share);
        range->hi = qvl_aug_toward(range->hi, target->hi, share);
        return;
    default:
        assert(target->param->type == QVL_AUG_TYPE_COUNT
               || target->param->type == QVL_AUG_TYPE_SIZE);
        *(int *)field = (int)rint(qvl_aug_toward(*(int *)field, target->lo, share));
    }
}

/* ---- faults -------------------------------------------------------------- */

typedef struct {
    qvl_augmentation *out;
    qvl_faults *faults;
    qvl_arena *arena;
} reader;

static const char *shown(const qvl_node *node, qvl_arena *arena)
{
    if (node->s == NULL)
        return qvl_node_kind_name(node->kind);
    return qvl_arena_printf(arena, "%.*s",
                            node->s_len > 200 ? 200 : (int)node->s_len, node->s);
}

static bool wrong(reader *r, const qvl_node *node, const char *path,
                  const char *expected)
{
    qvl_faults_add(r->faults, node, QVL_E_CONFIG, "%s: found %s, expected %s", path,
                   shown(node, r->arena), expected);
    return false;
}

/* A name that is none of [n] known ones. */
static void unknown(reader *r, const qvl_node *at, const char *path,
                    const char *what, const char *const *known, size_t n)
{
    const char *near = at->s != NULL && !qvl_faults_is_full(r->faults)
                           ? qvl_str_nearest(at->s, known, n)
                           : NULL;
    qvl_faults_add(r->faults, at, QVL_E_CONFIG, "%s: unknown %s%s%s", path, what,
                   near != NULL ? ", the nearest is " : "", near != NULL ? near : "");
}

static bool check_map(reader *r, const qvl_node *node, const char *path)
{
    return node->kind == QVL_NODE_MAP || wrong(r, node, path, "a map");
}

/* The keys of a map are among [n] known ones, each without its value. */
static void check_keys(reader *r, const qvl_node *map, const char *path,
                       const char *const *known, size_t n)
{
    for (size_t i = 0; i < map->n; i++) {
        bool is_known = false;
        for (size_t k = 0; k < n; k++)
            is_known = is_known || strcmp(map->keys[i].s, known[k]) == 0;
        if (!is_known)
            unknown(r, &map->keys[i],
                    qvl_arena_printf(r->arena, "%s.%s", path, map->keys[i].s),
                    "key", known, n);
    }
}

/* The item of a map; NULL when it is null or not there. */
static const qvl_node *given(const qvl_node *map, const char *key)
{
    const qvl_node *node = qvl_node_find(map, key);
    return node != NULL && node->kind != QVL_NODE_NULL ? node : NULL;
}

/* ---- values -------------------------------------------------------------- */

static bool read_number(reader *r, const qvl_node *node, const char *path,
                        const char *rule, double *out)
{
    if (qvl_value_float(node, out) && qvl_value_obeys(*out, rule))
        return true;
    return wrong(r, node, path,
                 qvl_arena_printf(r->arena, "a number %s", rule));
}

static bool read_count(reader *r, const qvl_node *node, const char *path,
                       const char *rule, int *out)
{
    int64_t v;
    if (qvl_value_int(node, &v) && v >= INT_MIN && v <= INT_MAX
        && qvl_value_obeys((double)v, rule)) {
        *out = (int)v;
        return true;
    }
    return wrong(r, node, path,
                 qvl_arena_printf(r->arena, "a whole number %s", rule));
}

static bool read_range(reader *r, const qvl_node *node, const char *path,
                       const char *rule, qvl_aug_range *out)
{
    if (node->kind != QVL_NODE_LIST || node->n != 2)
        return wrong(r, node, path, "two numbers, [lo, hi]");
    if (!read_number(r, &node->items[0], path, rule, &out->lo)
        || !read_number(r, &node->items[1], path, rule, &out->hi))
        return false;
    if (out->lo <= out->hi)
        return true;
    qvl_faults_add(r->faults, node, QVL_E_CONFIG, "%s: found %g, %g, expected the "
                   "lower number first", path, out->lo, out->hi);
    return false;
}

static bool read_pair(reader *r, const qvl_node *node, const char *path,
                      const char *rule, qvl_aug_pair *out)
{
    if (node->kind != QVL_NODE_LIST || node->n != 2)
        return wrong(r, node, path, "two whole numbers");
    return read_count(r, &node->items[0], path, rule, &out->v[0])
           && read_count(r, &node->items[1], path, rule, &out->v[1]);
}

/* A list, or what stands alone as a list of one. */
static const qvl_node *items_of(const qvl_node *node, int *n)
{
    bool is_list = node->kind == QVL_NODE_LIST;
    *n = is_list ? (int)node->n : 1;
    return is_list ? node->items : node;
}

static bool read_numbers(reader *r, const qvl_node *node, const char *path,
                         const char *rule, qvl_aug_numbers *out)
{
    int n;
    const qvl_node *item = items_of(node, &n);
    double *v = qvl_arena_array(r->arena, double, n);
    for (int i = 0; i < n; i++)
        if (!read_number(r, &item[i], path, rule, &v[i]))
            return false;
    *out = (qvl_aug_numbers){ v, n };
    return true;
}

static bool read_texts(reader *r, const qvl_node *node, const char *path,
                       bool is_needed, qvl_texts *out)
{
    int n;
    const qvl_node *item = items_of(node, &n);
    const char **v = qvl_arena_array(r->arena, const char *, n);
    for (int i = 0; i < n; i++) {
        if (item[i].s == NULL || item[i].s_len == 0)
            return wrong(r, &item[i], path, "a text");
        v[i] = item[i].s;
    }
    if (n == 0 && is_needed)
        return wrong(r, node, path, "at least one text");
    *out = (qvl_texts){ v, n };
    return true;
}

static bool read_flag(reader *r, const qvl_node *node, const char *path, bool *out)
{
    return qvl_value_bool(node, out) || wrong(r, node, path, "true or false");
}

static bool read_word(reader *r, const qvl_node *node, const char *path,
                      const char *words, int *out)
{
    bool is_absent;
    int k = node->s != NULL ? qvl_value_word(node->s, words, &is_absent) : -1;
    if (k < 0)
        return wrong(r, node, path,
                     qvl_arena_printf(r->arena, "one of %s", words));
    *out = k;
    return true;
}

static void read_param(reader *r, const qvl_aug_param *p, const qvl_node *node,
                       const char *path, qvl_aug_op *op)
{
    void *field = (char *)op + p->at;
    if (node->kind == QVL_NODE_NULL) {
        if (p->type == QVL_AUG_TYPE_SIZE)
            *(int *)field = 0;
        else if (p->preset == NULL)
            wrong(r, node, path, "a value");
        return;  // its default
    }
    switch (p->type) {
    case QVL_AUG_TYPE_NUMBER: read_number(r, node, path, p->rule, field); return;
    case QVL_AUG_TYPE_COUNT:
    case QVL_AUG_TYPE_SIZE: read_count(r, node, path, p->rule, field); return;
    case QVL_AUG_TYPE_FLAG: read_flag(r, node, path, field); return;
    case QVL_AUG_TYPE_WORD: read_word(r, node, path, p->rule, field); return;
    case QVL_AUG_TYPE_RANGE: read_range(r, node, path, p->rule, field); return;
    case QVL_AUG_TYPE_PAIR: read_pair(r, node, path, p->rule, field); return;
    case QVL_AUG_TYPE_NUMBERS: read_numbers(r, node, path, p->rule, field); return;
    case QVL_AUG_TYPE_TEXTS:
        read_texts(r, node, path, p->preset == NULL, field);
        return;
    }
}

/* Presets are ours: no rule is applied to them. */
static void preset_param(const qvl_aug_param *p, qvl_aug_op *op)
{
    void *field = (char *)op + p->at;
    char *end = NULL;
    double a = p->preset != NULL ? strtod(p->preset, &end) : 0.0;
    double b = end != NULL && *end != '\0' ? strtod(end, NULL) : 0.0;
    switch (p->type) {
    case QVL_AUG_TYPE_NUMBER: *(double *)field = a; return;
    case QVL_AUG_TYPE_COUNT:
    case QVL_AUG_TYPE_SIZE:
    case QVL_AUG_TYPE_WORD: *(int *)field = (int)a; return;
    case QVL_AUG_TYPE_FLAG: *(bool *)field = a != 0.0; return;
    case QVL_AUG_TYPE_RANGE: *(qvl_aug_range *)field = (qvl_aug_range){ a, b }; return;
    case QVL_AUG_TYPE_PAIR:
        *(qvl_aug_pair *)field = (qvl_aug_pair){ { (int)a, (int)b } };
        return;
    default: return;  // empty lists
    }
}

/* ---- one op -------------------------------------------------------------- */

static bool find_op(reader *r, const qvl_node *name, const char *path,
                    qvl_aug_id *out)
{
    const char *known[QVL_N_AUG_OPS];
    for (int i = 0; i < QVL_N_AUG_OPS; i++) {
        known[i] = ops[i].name;
        if (name->s != NULL && strcmp(name->s, ops[i].name) == 0) {
            *out = (qvl_aug_id)i;
            return true;
        }
    }
    if (name->s == NULL)
        return wrong(r, name, path, "the name of an op");
    unknown(r, name, qvl_arena_printf(r->arena, "%s: %s", path, name->s), "op",
            known, QVL_N_AUG_OPS);
    return false;
}

/* The parameter of a key; `augment_prob` is an older name of prob. */
static const qvl_aug_param *find_param(reader *r, qvl_aug_id op, const qvl_node *key,
                                       const char *path)
{
    const char *known[32];
    size_t n = 0;
    const char *name = strcmp(key->s, "augment_prob") == 0 ? "prob" : key->s;
    const qvl_aug_param *p = qvl_aug_param_find(op, name);
    for (size_t i = 0; i < qvl_n_aug_params && n < QVL_COUNT(known); i++)
        if (qvl_aug_params[i].op == op)
            known[n++] = qvl_aug_params[i].name;
    if (p == NULL)
        unknown(r, key, path,
                qvl_arena_printf(r->arena, "parameter of %s", ops[op].name), known, n);
    return p;
}

static void check_order(reader *r, const qvl_node *at, const char *path, double lo,
                        double hi)
{
    if (lo > hi)
        qvl_faults_add(r->faults, at, QVL_E_CONFIG, "%s: found lo %g, hi %g, expected "
                       "lo at most hi", path, lo, hi);
}

/* Rules between the parameters of an op. */
static void check_op(reader *r, const qvl_aug_op *op, const qvl_node *at,
                     const char *path)
{
    const int multiple = op->u.expand_to_fit_affine.multiple;
    if (op->id == QVL_AUG_OP_scale)
        check_order(r, at, path, op->u.scale.lo, op->u.scale.hi);
    if (op->id == QVL_AUG_OP_resize_by_scale)
        check_order(r, at, path, op->u.resize_by_scale.lo, op->u.resize_by_scale.hi);
    if (op->id == QVL_AUG_OP_expand_to_fit_affine
        && (double)multiple * multiple > op->u.expand_to_fit_affine.max_pixels)
        qvl_faults_add(r->faults, at, QVL_E_CONFIG, "%s: found max_pixels %d, expected "
                       "at least one square of multiple %d", path,
                       op->u.expand_to_fit_affine.max_pixels, multiple);
}

static void read_params(reader *r, const qvl_node *map, const char *path,
                        qvl_aug_op *op)
{
    for (size_t i = 0; i < map->n; i++) {
        const char *own = qvl_arena_printf(r->arena, "%s.%s", path, map->keys[i].s);
        const qvl_aug_param *p = find_param(r, op->id, &map->keys[i], own);
        if (p != NULL)
            read_param(r, p, &map->items[i], own, op);
    }
}

static void read_op(reader *r, const qvl_node *node, const char *path,
                    qvl_aug_op *op)
{
    static const char *const keys[] = { "name", "params" };
    const qvl_node *name, *params;
    if (!check_map(r, node, path))
        return;
    check_keys(r, node, path, keys, QVL_COUNT(keys));
    name = given(node, "name");
    params = given(node, "params");
    if (name == NULL) {
        wrong(r, node, path, "the name of an op (name)");
        return;
    }
    if (!find_op(r, name, path, &op->id))
        return;
    for (size_t i = 0; i < qvl_n_aug_params; i++)
        if (qvl_aug_params[i].op == op->id) {
            preset_param(&qvl_aug_params[i], op);
            if (qvl_aug_params[i].preset == NULL
                && (params == NULL || params->kind != QVL_NODE_MAP
                    || qvl_node_find(params, qvl_aug_params[i].name) == NULL))
                qvl_faults_add(r->faults, name, QVL_E_CONFIG, "%s.params.%s: found "
                               "nothing, expected a value", path,
                               qvl_aug_params[i].name);
        }
    path = qvl_arena_printf(r->arena, "%s.params", path);
    if (params != NULL && check_map(r, params, path))
        read_params(r, params, path, op);
    check_op(r, op, name, path);
}

/* ---- the list of ops ----------------------------------------------------- */

static bool aligns(const qvl_aug_op *op)
{
    return op->id == QVL_AUG_OP_pad_to_multiple
           || (op->id == QVL_AUG_OP_expand_to_fit_affine
               && op->u.expand_to_fit_affine.multiple > 0)
           || (op->id == QVL_AUG_OP_resize_by_scale
               && op->u.resize_by_scale.align_multiple > 0);
}

static bool changes_size(const qvl_aug_op *op)
{
    return qvl_aug_kind_of(op->id) == QVL_AUG_BARRIER
           || op->id == QVL_AUG_OP_random_crop || op->id == QVL_AUG_OP_center_crop
           || op->id == QVL_AUG_OP_roi_crop;
}

/* What grows the canvas wants to be behind all that turns, and the size that it
 * aligns shall not be lost. */
static void check_list(reader *r, const qvl_node *list)
{
    const qvl_augmentation *a = r->out;
    int grown = -1, last = -1;
    for (int i = 0; i < a->n_ops; i++) {
        if (grown >= 0 && qvl_aug_kind_of(a->op[i].id) != QVL_AUG_COLOUR)
            qvl_log(QVL_LOG_WARN, "%s:%d: " ROOT ".ops[%d]: %s stands behind "
                    "expand_to_fit_affine, which does not see it",
                    list->items[i].file, list->items[i].line, i,
                    ops[a->op[i].id].name);
        if (a->op[i].id == QVL_AUG_OP_expand_to_fit_affine)
            grown = i;
        if (changes_size(&a->op[i]))
            last = i;
    }
    if (grown >= 0 && aligns(&a->op[grown]) && !aligns(&a->op[last]))
        qvl_faults_add(r->faults, &list->items[last], QVL_E_CONFIG,
                       ROOT ".ops[%d]: found %s as the last op that changes the size, "
                       "expected one that aligns it as expand_to_fit_affine before it",
                       last, ops[a->op[last].id].name);
}

static void read_ops(reader *r, const qvl_node *list)
{
    int n_faults = r->faults->n;
    if (list->kind != QVL_NODE_LIST) {
        wrong(r, list, ROOT ".ops", "a list of ops");
        return;
    }
    qvl_aug_op *op = qvl_arena_array(r->arena, qvl_aug_op, list->n);
    for (size_t i = 0; i < list->n; i++)
        read_op(r, &list->items[i],
                qvl_arena_printf(r->arena, ROOT ".ops[%zu]", i), &op[i]);
    r->out->op = op;
    r->out->n_ops = (int)list->n;
    if (r->faults->n == n_faults)
        check_list(r, list);
}

/* ---- the curriculum ------------------------------------------------------ */

/* Is an op of this name in the list? A curriculum for none has no effect. */
static bool is_listed(const reader *r, qvl_aug_id id)
{
    for (int i = 0; i < r->out->n_ops; i++)
        if (r->out->op[i].id == id)
            return true;
    return false;
}

static bool read_target(reader *r, const qvl_aug_param *p, const qvl_node *node,
                        const char *path, qvl_aug_target *out)
{
    qvl_aug_range range = { 0 };
    int count = 0;
    bool ok;
    if (!p->changes)
        return wrong(r, node, path, "nothing: a curriculum cannot change it");
    if (p->type == QVL_AUG_TYPE_RANGE) {
        ok = read_range(r, node, path, p->rule, &range);
    } else if (p->type == QVL_AUG_TYPE_NUMBER) {
        ok = read_number(r, node, path, p->rule, &range.lo);
        range.hi = range.lo;
    } else {
        ok = read_count(r, node, path, p->rule, &count);
        range = (qvl_aug_range){ count, count };
    }
    *out = (qvl_aug_target){ p, range.lo, range.hi };
    return ok;
}

/* The parameters of one op in a phase. */
static void read_targets(reader *r, qvl_aug_id id, const qvl_node *map,
                         const char *path, qvl_aug_phase *phase,
                         qvl_aug_target *target)
{
    if (!check_map(r, map, path))
        return;
    for (size_t i = 0; i < map->n; i++) {
        const char *own = qvl_arena_printf(r->arena, "%s.%s", path, map->keys[i].s);
        const qvl_aug_param *p = find_param(r, id, &map->keys[i], own);
        if (p != NULL
            && read_target(r, p, &map->items[i], own, &target[phase->n]))
            phase->n++;
    }
}

static void read_phase_ops(reader *r, const qvl_node *map, const char *path,
                           qvl_aug_phase *phase)
{
    size_t n = 0;
    if (!check_map(r, map, path))
        return;
    for (size_t i = 0; i < map->n; i++)
        n += map->items[i].n;
    qvl_aug_target *target = qvl_arena_array(r->arena, qvl_aug_target, n);
    phase->target = target;
    for (size_t i = 0; i < map->n; i++) {
        qvl_aug_id id;
        const char *own = qvl_arena_printf(r->arena, "%s.%s", path, map->keys[i].s);
        if (!find_op(r, &map->keys[i], path, &id))
            continue;
        if (!is_listed(r, id))
            wrong(r, &map->keys[i], path, "ops that " ROOT ".ops has");
        else
            read_targets(r, id, &map->items[i], own, phase, target);
    }
}

/* Where a phase ends: behind the one before, in the same unit. */
static void read_until(reader *r, const qvl_node *node, const char *path, int k,
                       qvl_aug_phase *phase)
{
    const qvl_node *step = given(node, "until_step");
    const qvl_node *percent = given(node, "until_percent");
    const qvl_node *until = step != NULL ? step : percent;
    if ((step != NULL) == (percent != NULL)) {
        wrong(r, node, path, "one of until_step and until_percent");
        return;
    }
    if (k == 0)
        r->out->is_percent = percent != NULL;
    else if (r->out->is_percent != (percent != NULL))
        wrong(r, until, path, "the unit of the first phase");
    if (!read_number(r, until, path, percent != NULL ? ">0..100" : ">=1",
                     &phase->until))
        return;
    if (percent != NULL && phase->until <= 1.0) {
        wrong(r, until, path, "percent of all steps, above 1");
        qvl_faults_hint(r->faults, "percent are not shares: write %g",
                        100.0 * phase->until);
    }
    if (k > 0 && phase->until <= r->out->phase[k - 1].until)
        wrong(r, until, path, "an end behind that of the phase before");
}

static void read_phase(reader *r, const qvl_node *node, const char *path, int k,
                       qvl_aug_phase *phase)
{
    static const char *const keys[] = { "until_step", "until_percent",
                                        "bypass_prob", "ops" };
    phase->bypass_prob = -1.0;
    if (!check_map(r, node, path))
        return;
    check_keys(r, node, path, keys, QVL_COUNT(keys));
    read_until(r, node, path, k, phase);
    const qvl_node *bypass = given(node, "bypass_prob");
    const qvl_node *phase_ops = given(node, "ops");
    if (bypass != NULL)
        read_number(r, bypass, qvl_arena_printf(r->arena, "%s.bypass_prob", path),
                    "0..1", &phase->bypass_prob);
    if (phase_ops != NULL)
        read_phase_ops(r, phase_ops, qvl_arena_printf(r->arena, "%s.ops", path),
                       phase);
    if (bypass == NULL && phase_ops == NULL)
        wrong(r, node, path, "bypass_prob or ops");
}

/* Where an op is nearest to a fault between two of its states. Numbers that move along
 * straight lines keep their order; whole ones are rounded on their way, so the
 * largest multiple is held against the fewest pixels. */
static qvl_aug_op worst_of(const qvl_aug_op *before, const qvl_aug_op *after)
{
    qvl_aug_op worst = *after;
    if (after->id != QVL_AUG_OP_expand_to_fit_affine)
        return worst;
    if (before->u.expand_to_fit_affine.multiple > after->u.expand_to_fit_affine.multiple)
        worst.u.expand_to_fit_affine.multiple =
            before->u.expand_to_fit_affine.multiple;
    if (before->u.expand_to_fit_affine.max_pixels
        < after->u.expand_to_fit_affine.max_pixels)
        worst.u.expand_to_fit_affine.max_pixels =
            before->u.expand_to_fit_affine.max_pixels;
    return worst;
}

/* Rules between the parameters of the ops that a phase moves; `op` is [n_ops] as
 * before the phase, then as behind it. */
static void check_phase(reader *r, const qvl_aug_phase *phase, const qvl_node *at,
                        const char *path, qvl_aug_op *op)
{
    for (int i = 0; i < r->out->n_ops; i++) {
        const qvl_aug_op before = op[i];
        bool is_moved = false;
        for (int t = 0; t < phase->n; t++)
            if (phase->target[t].param->op == op[i].id) {
                qvl_aug_op_move(&op[i], &phase->target[t], 1.0);
                is_moved = true;
            }
        const qvl_aug_op worst = worst_of(&before, &op[i]);
        if (is_moved)
            check_op(r, &worst, at,
                     qvl_arena_printf(r->arena, "%s.ops.%s", path,
                                      ops[op[i].id].name));
    }
}

static void check_phases(reader *r, const qvl_node *list, const char *path)
{
    const qvl_augmentation *a = r->out;
    qvl_aug_op *op = qvl_arena_array(r->arena, qvl_aug_op, a->n_ops);
    for (int i = 0; i < a->n_ops; i++)
        op[i] = a->op[i];
    for (int k = 0; k < a->n_phases; k++)
        check_phase(r, &a->phase[k], &list->items[k],
                    qvl_arena_printf(r->arena, "%s[%d]", path, k), op);
}

static void read_curriculum(reader *r, const qvl_node *node, const char *path)
{
    static const char *const keys[] = { "phases" };
    int n_faults = r->faults->n;
    if (!check_map(r, node, path))
        return;
    check_keys(r, node, path, keys, QVL_COUNT(keys));
    const qvl_node *list = given(node, "phases");
    path = qvl_arena_printf(r->arena, "%s.phases", path);
    if (list == NULL || list->kind != QVL_NODE_LIST || list->n == 0) {
        wrong(r, list != NULL ? list : node, path, "a list of phases");
        return;
    }
    qvl_aug_phase *phase = qvl_arena_array(r->arena, qvl_aug_phase, list->n);
    r->out->phase = phase;
    for (size_t k = 0; k < list->n; k++)
        read_phase(r, &list->items[k],
                   qvl_arena_printf(r->arena, "%s[%zu]", path, k), (int)k,
                   &phase[k]);
    r->out->n_phases = (int)list->n;
    if (r->faults->n == n_faults)
        check_phases(r, list, path);
}

/* ---- all of it ----------------------------------------------------------- */

/* What cropped objects lose, unless the configuration says otherwise. */
static const qvl_aug_word words[] = {
    { "\xe5\x8f\xaf\xe8\xa7\x81\xe6\x80\xa7=\xe5\xae\x8c\xe6\x95\xb4",
      "\xe5\x8f\xaf\xe8\xa7\x81\xe6\x80\xa7=\xe9\x83\xa8\xe5\x88\x86" },
    { "\xe6\x98\xbe\xe7\xa4\xba\xe5\xae\x8c\xe6\x95\xb4",
      "\xe5\x8f\xaa\xe6\x98\xbe\xe7\xa4\xba\xe9\x83\xa8\xe5\x88\x86" },
};

static void read_words(reader *r, const qvl_node *list)
{
    static const char path[] = ROOT ".visibility_tokens";
    if (list->kind != QVL_NODE_LIST) {
        wrong(r, list, path, "a list of pairs, [from, to]");
        return;
    }
    qvl_aug_word *word = qvl_arena_array(r->arena, qvl_aug_word, list->n);
    for (size_t i = 0; i < list->n; i++) {
        qvl_texts pair;
        if (!read_texts(r, &list->items[i], path, true, &pair))
            return;
        if (pair.n != 2) {
            wrong(r, &list->items[i], path, "a pair, [from, to]");
            return;
        }
        word[i] = (qvl_aug_word){ pair.v[0], pair.v[1] };
    }
    r->out->word = word;
    r->out->n_words = (int)list->n;
}

static void read_options(reader *r, const qvl_node *tree)
{
    const qvl_node *node;
    if ((node = given(tree, "bypass_prob")) != NULL)
        read_number(r, node, ROOT ".bypass_prob", "0..1", &r->out->bypass_prob);
    if ((node = given(tree, "clip_poly")) != NULL)
        read_word(r, node, ROOT ".clip_poly", "outline|min_area_rect",
                  &r->out->clip_poly);
    if ((node = given(tree, "degenerate")) != NULL)
        read_word(r, node, ROOT ".degenerate", "drop|clamp", &r->out->degenerate);
    if ((node = given(tree, "min_poly_points")) != NULL)
        read_count(r, node, ROOT ".min_poly_points", "3..4",
                   &r->out->min_poly_points);
    if ((node = given(tree, "visibility_tokens")) != NULL)
        read_words(r, node);
}

/* The curriculum stands in one of two places. */
static void read_either_curriculum(reader *r, const qvl_node *own,
                                   const qvl_node *older)
{
    if (own != NULL && older != NULL)
        wrong(r, older, "custom.augmentation_curriculum",
              "one of it and " ROOT ".curriculum");
    if (own != NULL)
        read_curriculum(r, own, ROOT ".curriculum");
    else if (older != NULL)
        read_curriculum(r, older, "custom.augmentation_curriculum");
}

static void read_tree(reader *r, const qvl_node *tree, const qvl_node *curriculum)
{
    static const char *const keys[] = {
        "enabled", "bypass_prob", "ops", "curriculum", "clip_poly", "degenerate",
        "min_poly_points", "visibility_tokens",
    };
    bool is_enabled = true;
    check_keys(r, tree, ROOT, keys, QVL_COUNT(keys));
    const qvl_node *enabled = given(tree, "enabled");
    const qvl_node *list = given(tree, "ops");
    if (enabled != NULL)
        read_flag(r, enabled, ROOT ".enabled", &is_enabled);
    read_options(r, tree);
    if (list != NULL)
        read_ops(r, list);
    read_either_curriculum(r, given(tree, "curriculum"), curriculum);
    r->out->is_on = is_enabled && r->out->n_ops > 0;
}

void qvl_augmentation_read(qvl_augmentation *out, const qvl_node *tree,
                           const qvl_node *curriculum, const qvl_node *bypass,
                           qvl_faults *faults)
{
    reader r = { out, faults, faults->arena };
    *out = (qvl_augmentation){ .min_poly_points = 3, .word = words,
                               .n_words = QVL_COUNT(words) };
    if (bypass != NULL)
        read_number(&r, bypass, "custom.bypass_prob", "0..1", &out->bypass_prob);
    if (tree != NULL && check_map(&r, tree, ROOT)) {
        read_tree(&r, tree, curriculum);
        return;
    }
    if (tree == NULL && (curriculum != NULL || out->bypass_prob > 0.0))
        wrong(&r, curriculum != NULL ? curriculum : bypass,
              curriculum != NULL ? "custom.augmentation_curriculum"
                                 : "custom.bypass_prob",
              "it together with " ROOT);
}
