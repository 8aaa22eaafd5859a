/* detection_report.c - scores as a table for people and as JSON
 *
 * Rates are taken from the counts when they are written.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "score/detection.h"
#include "score/report.h"

static bool is_asked(const qvl_detection *d, int mode)
{
    return (d->options.modes >> mode & 1) != 0;
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

void qvl_detection_put_text(qvl_str *out, const qvl_detection *d)
{
    const qvl_match_counts *all = &d->primary[QVL_MATCH_LOCALIZATION];
    qvl_str_printf(out, "%lld pictures, %lld true objects, %lld predicted\n",
                   (long long)d->n_rows, (long long)all->n_true,
                   (long long)all->n_pred);
    put_modes(out, d);
    qvl_str_printf(out, "\n%-14s %8.4f\n", "mean IoU",
                   qvl_detection_mean_iou(d));
    qvl_report_line(out, "count right", d->n_equal, d->n_rows);
    qvl_report_line(out, "too many", d->n_over, d->n_rows);
    qvl_report_line(out, "too few", d->n_under, d->n_rows);
    qvl_str_printf(out, "%-14s %8.4f\n", "count error",
                   qvl_report_share(d->sum_miscount, d->n_rows));
    for (int i = 0; i < d->n_facts; i++)
        qvl_report_line(out, d->fact[i].name, d->fact[i].n_true, d->fact[i].n);
    put_kinds(out, d);
    put_categories(out, d);
    if (d->attr_total > 0)
        qvl_str_printf(out, "\n%-14s %8.4f\n", "attributes",
                       d->attr_matched / d->attr_total);
    qvl_report_line(out, "texts", d->n_reading_equal, d->n_reading);
    qvl_report_line(out, "remarks", d->n_remark_equal, d->n_remark);
    qvl_report_line(out, "distances", d->n_distance_equal, d->n_distance);
}

/* ---- JSON --------------------------------------------------------------- */

static const char *counts_text(const qvl_detection *d,
                               const qvl_match_counts *c, qvl_arena *arena)
{
    qvl_report_map m = { .arena = arena };
    qvl_report_put_counts(&m, c, d->options.beta);
    return qvl_report_text(&m);
}

/* By kind: predictions of the kind that are matched, true ones that are. */
static const char *kinds_text(const qvl_detection *d, int mode,
                              qvl_arena *arena)
{
    qvl_report_map all = { .arena = arena };
    for (int k = 0; k < QVL_N_GEOM; k++) {
        const qvl_match_counts *c = &d->kind[mode][k];
        qvl_report_map m = { .arena = arena };
        qvl_report_put_number(&m, "matched_pred", (double)c->matched_pred);
        qvl_report_put_number(&m, "matched_true", (double)c->matched);
        qvl_report_put_number(&m, "n_pred", (double)c->n_pred);
        qvl_report_put_number(&m, "n_true", (double)c->n_true);
        qvl_report_put_number(&m, "precision", qvl_match_precision(c));
        qvl_report_put_number(&m, "recall", qvl_match_recall(c));
        qvl_report_put(&all, qvl_geom_name((qvl_geom_kind)k), qvl_report_text(&m));
    }
    return qvl_report_text(&all);
}

static const char *mode_text(const qvl_detection *d, int mode,
                             qvl_arena *arena)
{
    qvl_report_map m = { .arena = arena };
    qvl_report_map at = { .arena = arena };
    qvl_report_put_counts(&m, &d->primary[mode], d->options.beta);
    qvl_report_put_number(&m, "mean_f1",
                          qvl_detection_mean_f1(d, (qvl_match_mode)mode));
    for (int k = 0; k < d->options.n_thresholds; k++)
        qvl_report_put(&at, qvl_report_number(&at, d->options.threshold[k]),
                       counts_text(d, &d->total[mode][k], arena));
    qvl_report_put(&m, "by_threshold", qvl_report_text(&at));
    qvl_report_put(&m, "by_type", kinds_text(d, mode, arena));
    return qvl_report_text(&m);
}

static const char *categories_text(const qvl_detection *d, qvl_arena *arena)
{
    qvl_report_map into = { .arena = arena };
    int n;
    const qvl_category_counts *top = top_categories(d, arena, &n);
    qvl_str s = { 0 };
    qvl_str_putc(&s, '[');
    for (int i = 0; i < n; i++) {
        qvl_report_map m = { .arena = arena };
        qvl_report_put_string(&m, "category", top[i].name);
        qvl_report_put_counts(&m, &top[i].at, d->options.beta);
        qvl_str_printf(&s, "%s%s", i > 0 ? ", " : "", qvl_report_text(&m));
    }
    qvl_str_putc(&s, ']');
    return qvl_report_take(&into, &s);
}

static const char *attributes_text(const qvl_detection *d, qvl_arena *arena)
{
    qvl_report_map m = { .arena = arena };
    qvl_report_put_number(&m, "recall",
                          d->attr_total > 0 ? d->attr_matched / d->attr_total : 0);
    qvl_report_put_number(&m, "weight", d->attr_total);
    qvl_report_put(&m, "text",
                   qvl_report_rate(d->n_reading_equal, d->n_reading, arena));
    qvl_report_put(&m, "remark",
                   qvl_report_rate(d->n_remark_equal, d->n_remark, arena));
    qvl_report_put(&m, "distance",
                   qvl_report_rate(d->n_distance_equal, d->n_distance, arena));
    return qvl_report_text(&m);
}

static const char *counts_of_rows(const qvl_detection *d, qvl_arena *arena)
{
    qvl_report_map m = { .arena = arena };
    qvl_report_put_number(&m, "mae", qvl_report_share(d->sum_miscount, d->n_rows));
    qvl_report_put_number(&m, "equal", qvl_report_share(d->n_equal, d->n_rows));
    qvl_report_put_number(&m, "over", qvl_report_share(d->n_over, d->n_rows));
    qvl_report_put_number(&m, "under", qvl_report_share(d->n_under, d->n_rows));
    return qvl_report_text(&m);
}

static const char *facts_text(const qvl_detection *d, qvl_arena *arena)
{
    qvl_report_map all = { .arena = arena };
    for (int i = 0; i < d->n_facts; i++) {
        const qvl_detection_fact *f = &d->fact[i];
        qvl_report_put(&all, f->name, qvl_report_rate(f->n_true, f->n, arena));
    }
    return qvl_report_text(&all);
}

static const char *parameters_text(const qvl_detection *d, qvl_arena *arena)
{
    const qvl_detection_options *o = &d->options;
    qvl_report_map m = { .arena = arena };
    qvl_report_map weights = { .arena = arena };
    qvl_str s = { 0 };
    for (int i = 0; i < o->n_weights; i++)
        qvl_report_put_number(&weights, o->weight[i].key, o->weight[i].weight);
    qvl_report_put(&m, "attr_weights", qvl_report_text(&weights));
    qvl_str_putc(&s, '[');
    for (int i = 0; i < o->n_umbrellas; i++) {
        qvl_str_puts(&s, i > 0 ? ", " : "");
        qvl_json_quote(&s, o->umbrella[i], strlen(o->umbrella[i]));
    }
    qvl_str_putc(&s, ']');
    qvl_report_put(&m, "umbrella", qvl_report_take(&m, &s));
    qvl_str_putc(&s, '[');
    for (int k = 0; k < o->n_thresholds; k++)
        qvl_str_printf(&s, "%s%s", k > 0 ? ", " : "",
                       qvl_report_number(&m, o->threshold[k]));
    qvl_str_putc(&s, ']');
    qvl_report_put(&m, "coco_thresholds", qvl_report_take(&m, &s));
    qvl_report_put_number(&m, "primary_threshold", o->primary);
    qvl_report_put_number(&m, "line_tol", o->line_tol);
    qvl_report_put_number(&m, "top_k_categories", o->top_k);
    qvl_report_put_number(&m, "beta", o->beta);
    return qvl_report_text(&m);
}

void qvl_detection_put_json(qvl_str *out, const qvl_detection *d)
{
    qvl_arena arena = { 0 };
    qvl_report_map m = { .arena = &arena };
    qvl_report_map modes = { .arena = &arena };
    const qvl_match_counts *all = &d->primary[QVL_MATCH_LOCALIZATION];
    for (int i = 0; i < QVL_N_MATCHES; i++)
        if (is_asked(d, i))
            qvl_report_put(&modes, qvl_match_name((qvl_match_mode)i),
                           mode_text(d, i, &arena));
    qvl_report_put(&m, "modes", qvl_report_text(&modes));
    qvl_report_put(&m, "answers", facts_text(d, &arena));
    qvl_report_put(&m, "attributes", attributes_text(d, &arena));
    qvl_report_put(&m, "categories", categories_text(d, &arena));
    qvl_report_put(&m, "counts", counts_of_rows(d, &arena));
    qvl_report_put(&m, "parameters", parameters_text(d, &arena));
    qvl_report_put_number(&m, "mean_iou", qvl_detection_mean_iou(d));
    qvl_report_put_number(&m, "n_categories", d->n_categories);
    qvl_report_put_number(&m, "n_pictures", (double)d->n_rows);
    qvl_report_put_number(&m, "n_pred", (double)all->n_pred);
    qvl_report_put_number(&m, "n_true", (double)all->n_true);
    qvl_str_printf(out, "%s\n", qvl_report_text(&m));
    qvl_arena_release(&arena);
}
