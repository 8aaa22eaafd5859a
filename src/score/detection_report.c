/* detection_report.c - scores as a table for people and as JSON
 *
 * JSON is built from the inside out: a value is text in the arena before its map takes
 * it. A map sorts its keys as they come, so callers put them in any order. Rates are
 * taken from the counts when they are written.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "score/detection.h"

static bool is_asked(const qvl_detection *d, int mode)
{
    return (d->options.modes >> mode & 1) != 0;
}

static double share(int64_t part, int64_t all)
{
    return all > 0 ? (double)part / (double)all : 0;
}

/* True objects first, then the name: the order of the table. */
static int compare_categories(const void *pa, const void *pb)
{
    const qvl_category_counts *a = pa;
    const qvl_category_counts *b = pb;
    if (a->at.n_true != b->at.n_true)
        return a->at.n_true > b->at.n_true ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* Categories for the report, [*n], of the scratch arena. */
static const qvl_category_counts *top_categories(const qvl_detection *d,
                                                 qvl_arena *arena, int *n)
{
    qvl_category_counts *top =
        qvl_arena_array(arena, qvl_category_counts, d->n_categories);
    if (d->n_categories > 0) {
        memcpy(top, d->category, (size_t)d->n_categories * sizeof *top);
        qsort(top, (size_t)d->n_categories, sizeof *top, compare_categories);
    }
    *n = d->n_categories < d->options.top_k ? d->n_categories
                                            : d->options.top_k;
    return top;
}

/* ---- text --------------------------------------------------------------- */

static void put_modes(qvl_str *out, const qvl_detection *d)
{
    const qvl_detection_options *o = &d->options;
    qvl_str_printf(out, "\n%-14s %8s %8s %8s %8s", "mode", "F1", "P", "R",
                   "mean F1");
    if (o->beta > 0)
        qvl_str_printf(out, "   F%-7g", o->beta);
    qvl_str_putc(out, '\n');
    for (int m = 0; m < QVL_N_MATCHES; m++) {
        qvl_match_mode mode = (qvl_match_mode)m;
        const qvl_match_counts *c = &d->primary[m];
        if (!is_asked(d, m))
            continue;
        qvl_str_printf(out, "%-14s %8.4f %8.4f %8.4f %8.4f",
                       qvl_match_name(mode), qvl_match_f(c, 1),
                       qvl_match_precision(c), qvl_match_recall(c),
                       qvl_detection_mean_f1(d, mode));
        if (o->beta > 0)
            qvl_str_printf(out, " %8.4f", qvl_match_f(c, o->beta));
        qvl_str_putc(out, '\n');
    }
    qvl_str_printf(out, "F1, P, R at overlap %g; mean F1 over %g to %g\n",
                   o->primary, o->threshold[0],
                   o->threshold[o->n_thresholds - 1]);
}

static void put_kinds(qvl_str *out, const qvl_detection *d)
{
    qvl_str_printf(out, "\n%-14s %8s %8s %8s %8s\n", "geometry", "true",
                   "found", "P", "R");
    for (int k = 0; k < QVL_N_GEOM; k++) {
        const qvl_match_counts *c = &d->kind[QVL_MATCH_LOCALIZATION][k];
        if (c->n_true + c->n_pred == 0)
            continue;
        qvl_str_printf(out, "%-14s %8lld %8lld %8.4f %8.4f\n",
                       qvl_geom_name((qvl_geom_kind)k),
                       (long long)c->n_true, (long long)c->n_pred,
                       qvl_match_precision(c), qvl_match_recall(c));
    }
}

static void put_categories(qvl_str *out, const qvl_detection *d)
{
    qvl_arena arena = { 0 };
    int n;
    const qvl_category_counts *top = top_categories(d, &arena, &n);
    if (n > 0)
        qvl_str_printf(out, "\n%8s %8s %8s %8s %8s  %s\n", "true", "found",
                       "P", "R", "F1", "category");
    for (int i = 0; i < n; i++) {
        const qvl_match_counts *c = &top[i].at;
        qvl_str_printf(out, "%8lld %8lld %8.4f %8.4f %8.4f  %s\n",
                       (long long)c->n_true, (long long)c->n_pred,
                       qvl_match_precision(c), qvl_match_recall(c),
                       qvl_match_f(c, 1), top[i].name);
    }
    if (n < d->n_categories)
        qvl_str_printf(out, "and %d more\n", d->n_categories - n);
    qvl_arena_release(&arena);
}

static void put_rate(qvl_str *out, const char *name, int64_t part,
                     int64_t all)
{
    if (all > 0)
        qvl_str_printf(out, "%-14s %8.4f of %lld\n", name, share(part, all),
                       (long long)all);
}

void qvl_detection_put_text(qvl_str *out, const qvl_detection *d)
{
    const qvl_match_counts *all = &d->primary[QVL_MATCH_LOCALIZATION];
    qvl_str_printf(out, "%lld pictures, %lld true objects, %lld predicted\n",
                   (long long)d->n_rows, (long long)all->n_true,
                   (long long)all->n_pred);
    put_modes(out, d);
    qvl_str_printf(out, "\n%-14s %8.4f\n", "mean IoU",
                   qvl_detection_mean_iou(d));
    put_rate(out, "count right", d->n_equal, d->n_rows);
    put_rate(out, "too many", d->n_over, d->n_rows);
    put_rate(out, "too few", d->n_under, d->n_rows);
    qvl_str_printf(out, "%-14s %8.4f\n", "count error",
                   share(d->sum_miscount, d->n_rows));
    for (int i = 0; i < d->n_facts; i++)
        put_rate(out, d->fact[i].name, d->fact[i].n_true, d->fact[i].n);
    put_kinds(out, d);
    put_categories(out, d);
    if (d->attr_total > 0)
        qvl_str_printf(out, "\n%-14s %8.4f\n", "attributes",
                       d->attr_matched / d->attr_total);
    put_rate(out, "texts", d->n_reading_equal, d->n_reading);
    put_rate(out, "remarks", d->n_remark_equal, d->n_remark);
    put_rate(out, "distances", d->n_distance_equal, d->n_distance);
}

/* ---- JSON --------------------------------------------------------------- */

typedef struct {
    const char *key;
    const char *value;  // JSON
} map_entry;

/* A map that is being written, in the order of its keys. */
typedef struct {
    qvl_arena *arena;
    map_entry *entry;  // [n] of cap, the arena's
    int n, cap;
} map;

static void grow(map *m)
{
    m->cap = m->cap > 0 ? 2 * m->cap : 16;
    map_entry *more = qvl_arena_array(m->arena, map_entry, m->cap);
    if (m->n > 0)
        memcpy(more, m->entry, (size_t)m->n * sizeof *more);
    m->entry = more;
}

static void put(map *m, const char *key, const char *value)
{
    if (m->n == m->cap)
        grow(m);
    int i = m->n++;
    for (; i > 0 && strcmp(m->entry[i - 1].key, key) > 0; i--)
        m->entry[i] = m->entry[i - 1];
    m->entry[i] = (map_entry){ key, value };
}

/* The text of a qvl_str, moved into the arena. */
static const char *take_text(map *m, qvl_str *s)
{
    const char *text = qvl_arena_strndup(m->arena, s->p, s->len);
    qvl_str_release(s);
    return text;
}

static const char *number_text(map *m, double v)
{
    qvl_str s = { 0 };
    qvl_json_number(&s, v);
    return take_text(m, &s);
}

static void put_number(map *m, const char *key, double v)
{
    put(m, key, number_text(m, v));
}

static void put_string(map *m, const char *key, const char *v)
{
    qvl_str s = { 0 };
    qvl_json_quote(&s, v, strlen(v));
    put(m, key, take_text(m, &s));
}

static const char *map_text(const map *m)
{
    map into = { .arena = m->arena };
    qvl_str s = { 0 };
    qvl_str_putc(&s, '{');
    for (int i = 0; i < m->n; i++) {
        qvl_str_puts(&s, i > 0 ? ", " : "");
        qvl_json_quote(&s, m->entry[i].key, strlen(m->entry[i].key));
        qvl_str_printf(&s, ": %s", m->entry[i].value);
    }
    qvl_str_putc(&s, '}');
    return take_text(&into, &s);
}

/* Counts and rates of one matching. */
static void put_counts(map *m, const qvl_match_counts *c, double beta)
{
    put_number(m, "matched", (double)c->matched);
    put_number(m, "n_pred", (double)c->n_pred);
    put_number(m, "n_true", (double)c->n_true);
    put_number(m, "precision", qvl_match_precision(c));
    put_number(m, "recall", qvl_match_recall(c));
    put_number(m, "f1", qvl_match_f(c, 1));
    if (beta > 0)
        put_number(m, "f_beta", qvl_match_f(c, beta));
}

static const char *counts_text(const qvl_detection *d,
                               const qvl_match_counts *c, qvl_arena *arena)
{
    map m = { .arena = arena };
    put_counts(&m, c, d->options.beta);
    return map_text(&m);
}

/* By kind: predictions of the kind that are matched, true ones that are. */
static const char *kinds_text(const qvl_detection *d, int mode,
                              qvl_arena *arena)
{
    map all = { .arena = arena };
    for (int k = 0; k < QVL_N_GEOM; k++) {
        const qvl_match_counts *c = &d->kind[mode][k];
        map m = { .arena = arena };
        put_number(&m, "matched_pred", (double)c->matched_pred);
        put_number(&m, "matched_true", (double)c->matched);
        put_number(&m, "n_pred", (double)c->n_pred);
        put_number(&m, "n_true", (double)c->n_true);
        put_number(&m, "precision", qvl_match_precision(c));
        put_number(&m, "recall", qvl_match_recall(c));
        put(&all, qvl_geom_name((qvl_geom_kind)k), map_text(&m));
    }
    return map_text(&all);
}

static const char *mode_text(const qvl_detection *d, int mode,
                             qvl_arena *arena)
{
    map m = { .arena = arena };
    map at = { .arena = arena };
    put_counts(&m, &d->primary[mode], d->options.beta);
    put_number(&m, "mean_f1",
               qvl_detection_mean_f1(d, (qvl_match_mode)mode));
    for (int k = 0; k < d->options.n_thresholds; k++)
        put(&at, number_text(&at, d->options.threshold[k]),
            counts_text(d, &d->total[mode][k], arena));
    put(&m, "by_threshold", map_text(&at));
    put(&m, "by_type", kinds_text(d, mode, arena));
    return map_text(&m);
}

static const char *categories_text(const qvl_detection *d, qvl_arena *arena)
{
    map into = { .arena = arena };
    int n;
    const qvl_category_counts *top = top_categories(d, arena, &n);
    qvl_str s = { 0 };
    qvl_str_putc(&s, '[');
    for (int i = 0; i < n; i++) {
        map m = { .arena = arena };
        put_string(&m, "category", top[i].name);
        put_counts(&m, &top[i].at, d->options.beta);
        qvl_str_printf(&s, "%s%s", i > 0 ? ", " : "", map_text(&m));
    }
    qvl_str_putc(&s, ']');
    return take_text(&into, &s);
}

static const char *rate_text(int64_t part, int64_t all, qvl_arena *arena)
{
    map m = { .arena = arena };
    put_number(&m, "matched", (double)part);
    put_number(&m, "rate", share(part, all));
    put_number(&m, "total", (double)all);
    return map_text(&m);
}

static const char *attributes_text(const qvl_detection *d, qvl_arena *arena)
{
    map m = { .arena = arena };
    put_number(&m, "recall",
               d->attr_total > 0 ? d->attr_matched / d->attr_total : 0);
    put_number(&m, "weight", d->attr_total);
    put(&m, "text", rate_text(d->n_reading_equal, d->n_reading, arena));
    put(&m, "remark", rate_text(d->n_remark_equal, d->n_remark, arena));
    put(&m, "distance", rate_text(d->n_distance_equal, d->n_distance, arena));
    return map_text(&m);
}

static const char *counts_of_rows(const qvl_detection *d, qvl_arena *arena)
{
    map m = { .arena = arena };
    put_number(&m, "mae", share(d->sum_miscount, d->n_rows));
    put_number(&m, "equal", share(d->n_equal, d->n_rows));
    put_number(&m, "over", share(d->n_over, d->n_rows));
    put_number(&m, "under", share(d->n_under, d->n_rows));
    return map_text(&m);
}

static const char *facts_text(const qvl_detection *d, qvl_arena *arena)
{
    map all = { .arena = arena };
    for (int i = 0; i < d->n_facts; i++) {
        const qvl_detection_fact *f = &d->fact[i];
        put(&all, f->name, rate_text(f->n_true, f->n, arena));
    }
    return map_text(&all);
}

static const char *parameters_text(const qvl_detection *d, qvl_arena *arena)
{
    const qvl_detection_options *o = &d->options;
    map m = { .arena = arena };
    map weights = { .arena = arena };
    qvl_str s = { 0 };
    for (int i = 0; i < o->n_weights; i++)
        put_number(&weights, o->weight[i].key, o->weight[i].weight);
    put(&m, "attr_weights", map_text(&weights));
    qvl_str_putc(&s, '[');
    for (int i = 0; i < o->n_umbrellas; i++) {
        qvl_str_puts(&s, i > 0 ? ", " : "");
        qvl_json_quote(&s, o->umbrella[i], strlen(o->umbrella[i]));
    }
    qvl_str_putc(&s, ']');
    put(&m, "umbrella", take_text(&m, &s));
    qvl_str_putc(&s, '[');
    for (int k = 0; k < o->n_thresholds; k++)
        qvl_str_printf(&s, "%s%s", k > 0 ? ", " : "",
                       number_text(&m, o->threshold[k]));
    qvl_str_putc(&s, ']');
    put(&m, "coco_thresholds", take_text(&m, &s));
    put_number(&m, "primary_threshold", o->primary);
    put_number(&m, "line_tol", o->line_tol);
    put_number(&m, "top_k_categories", o->top_k);
    put_number(&m, "beta", o->beta);
    return map_text(&m);
}

void qvl_detection_put_json(qvl_str *out, const qvl_detection *d)
{
    qvl_arena arena = { 0 };
    map m = { .arena = &arena };
    map modes = { .arena = &arena };
    const qvl_match_counts *all = &d->primary[QVL_MATCH_LOCALIZATION];
    for (int i = 0; i < QVL_N_MATCHES; i++)
        if (is_asked(d, i))
            put(&modes, qvl_match_name((qvl_match_mode)i),
                mode_text(d, i, &arena));
    put(&m, "modes", map_text(&modes));
    put(&m, "answers", facts_text(d, &arena));
    put(&m, "attributes", attributes_text(d, &arena));
    put(&m, "categories", categories_text(d, &arena));
    put(&m, "counts", counts_of_rows(d, &arena));
    put(&m, "parameters", parameters_text(d, &arena));
    put_number(&m, "mean_iou", qvl_detection_mean_iou(d));
    put_number(&m, "n_categories", d->n_categories);
    put_number(&m, "n_pictures", (double)d->n_rows);
    put_number(&m, "n_pred", (double)all->n_pred);
    put_number(&m, "n_true", (double)all->n_true);
    qvl_str_printf(out, "%s\n", map_text(&m));
    qvl_arena_release(&arena);
}
