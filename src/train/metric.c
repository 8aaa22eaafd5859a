/* metric.c - windows of numbers, and their lines
 *
 * Names are few, so they are found one by one; their order is that of their
 * first appearance, and lines keep to it.
 */
#include "train/metric.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "config/eval_number.h"

/* ---- the window ---------------------------------------------------------- */

static qvl_metric *entry(qvl_metrics *m, const char *name)
{
    for (int k = 0; k < m->n; k++)
        if (strcmp(m->v[k].name, name) == 0)
            return &m->v[k];
    assert(m->n < QVL_MAX_METRICS);
    m->v[m->n] = (qvl_metric){ .name = name };
    return &m->v[m->n++];
}

bool qvl_metrics_has_room(const qvl_metrics *m, int n)
{
    return n <= QVL_MAX_METRICS - m->n;
}

void qvl_metrics_mean(qvl_metrics *m, const char *name, double v)
{
    qvl_metrics_share(m, name, v, 1);
}

void qvl_metrics_share(qvl_metrics *m, const char *name, double part,
                       double whole)
{
    qvl_metric *e = entry(m, name);
    if (!isfinite(part) || !isfinite(whole)) {
        m->n_left_out++;
        return;
    }
    e->sum += part;
    e->weight += whole;
}

void qvl_metrics_set(qvl_metrics *m, const char *name, double v)
{
    qvl_metric *e = entry(m, name);
    if (!isfinite(v)) {
        m->n_left_out++;
        return;
    }
    e->sum = v;
    e->weight = 1;
}

void qvl_metrics_reset(qvl_metrics *m)
{
    for (int k = 0; k < m->n; k++)
        m->v[k].sum = m->v[k].weight = 0;
    m->n_left_out = 0;
}

bool qvl_metrics_value(const qvl_metrics *m, int k, double *v)
{
    assert(k >= 0 && k < m->n);
    if (m->v[k].weight == 0)
        return false;
    *v = m->v[k].sum / m->v[k].weight;
    return true;
}

bool qvl_metrics_find(const qvl_metrics *m, const char *name, double *v)
{
    const char *plain = qvl_eval_plain(name);
    for (int k = 0; k < m->n; k++)
        if (strcmp(m->v[k].name, plain) == 0)
            return qvl_metrics_value(m, k, v);
    return false;
}

const char *qvl_metrics_names(const qvl_metrics *m, qvl_arena *arena)
{
    double v;
    const char *all = "";
    for (int k = 0; k < m->n; k++)
        if (qvl_metrics_value(m, k, &v))
            all = qvl_arena_printf(arena, "%s%s%s", all,
                                   all[0] != '\0' ? ", " : "", m->v[k].name);
    return all;
}

/* ---- in checkpoints ------------------------------------------------------ */

void qvl_metrics_put(qvl_str *out, const qvl_metrics *m)
{
    qvl_str_putc(out, '{');
    for (int k = 0; k < m->n; k++) {
        const qvl_metric *e = &m->v[k];
        qvl_str_puts(out, k > 0 ? ", " : "");
        qvl_json_quote(out, e->name, strlen(e->name));
        qvl_str_puts(out, ": [");
        qvl_json_number(out, e->sum);
        qvl_str_puts(out, ", ");
        qvl_json_number(out, e->weight);
        qvl_str_putc(out, ']');
    }
    qvl_str_putc(out, '}');
}

int qvl_metrics_read(qvl_metrics *m, const qvl_node *map, qvl_arena *arena,
                     qvl_err *err)
{
    qvl_metrics r = { 0 };
    bool ok = map != NULL && map->kind == QVL_NODE_MAP
              && map->n <= QVL_MAX_METRICS;
    for (size_t k = 0; ok && k < map->n; k++) {
        const qvl_node *pair = &map->items[k];
        qvl_metric *e = &r.v[r.n++];
        e->name = qvl_arena_strdup(arena, map->keys[k].s);
        ok = pair->kind == QVL_NODE_LIST && pair->n == 2
             && qvl_node_as_float(&pair->items[0], &e->sum)
             && qvl_node_as_float(&pair->items[1], &e->weight);
    }
    if (!ok)
        return qvl_fail(err, QVL_E_FORMAT, "state of a checkpoint: found no "
                        "window of numbers, expected one");
    *m = r;
    return QVL_OK;
}

/* ---- text ---------------------------------------------------------------- */

void qvl_metrics_tag(qvl_str *out, const char *name, const char *part,
                     qvl_metric_style style)
{
    if (style == QVL_STYLE_PREFIXED)
        qvl_str_printf(out, "%s/%s", part, name);
    else if (strcmp(part, "train") == 0)
        qvl_str_puts(out, name);
    else
        qvl_str_printf(out, "%s_%s", part, name);
}

void qvl_metrics_number(qvl_str *out, double v)
{
    if (!isfinite(v)) {
        qvl_str_puts(out, "null");
        return;
    }
    /* Beyond 2^53 / 1e8 a double has no 8 decimals that could be rounded. */
    if (fabs(v) >= 1e-6 && fabs(v) < 9e7)
        v = rint(v * 1e8) / 1e8;
    qvl_json_number(out, v);
}

void qvl_metrics_duration(qvl_str *out, double seconds)
{
    static const struct {
        const char *unit;
        long long s;
    } parts[] = { { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 } };
    long long left = seconds > 0 && seconds < 1e15 ? (long long)seconds : 0;
    bool has_begun = false;
    for (size_t i = 0; i < QVL_COUNT(parts); i++) {
        long long n = left / parts[i].s;
        left -= n * parts[i].s;
        if (n == 0 && !has_begun && parts[i].s > 1)
            continue;
        qvl_str_printf(out, "%s%lld%s", has_begun ? " " : "", n,
                       parts[i].unit);
        has_begun = true;
    }
}

static void put_tag(qvl_str *out, const char *name, const char *part,
                    qvl_metric_style style)
{
    qvl_str_putc(out, '"');
    qvl_metrics_tag(out, "", part, style);  // the prefix alone
    qvl_json_escape(out, name, strlen(name));
    qvl_str_puts(out, "\": ");
}

/* All entries of the window, each with ", " behind. */
static void put_values(qvl_str *out, const qvl_metrics *m, const char *part,
                       qvl_metric_style style)
{
    for (int k = 0; k < m->n; k++) {
        double v = NAN;
        qvl_metrics_value(m, k, &v);
        put_tag(out, m->v[k].name, part, style);
        qvl_metrics_number(out, v);
        qvl_str_puts(out, ", ");
    }
}

/* The time that is left if steps go on as they went. */
static double remaining_s(const qvl_metric_place *p)
{
    return p->speed > 0 ? (double)(p->max_steps - p->step) / p->speed : 0;
}

void qvl_metrics_line(qvl_str *out, const qvl_metrics *m, const char *part,
                      qvl_metric_style style, const qvl_metric_place *place)
{
    assert(place->max_steps > 0);

    qvl_str_putc(out, '{');
    put_values(out, m, part, style);
    if (m->n_left_out > 0)
        qvl_str_printf(out, "\"not_finite\": %lld, ",
                       (long long)m->n_left_out);
    qvl_str_puts(out, "\"epoch\": ");
    qvl_metrics_number(out, place->epoch);
    qvl_str_printf(out, ", \"global_step/max_steps\": \"%lld/%lld\"",
                   (long long)place->step, (long long)place->max_steps);
    qvl_str_printf(out, ", \"percentage\": \"%.2f%%\"",
                   100.0 * (double)place->step / (double)place->max_steps);
    qvl_str_puts(out, ", \"elapsed_time\": \"");
    qvl_metrics_duration(out, place->elapsed_s);
    qvl_str_puts(out, "\", \"remaining_time\": \"");
    qvl_metrics_duration(out, remaining_s(place));
    qvl_str_puts(out, "\", \"memory(GiB)\": ");
    qvl_metrics_number(out, rint(place->memory_gib * 1e4) / 1e4);
    qvl_str_puts(out, ", \"train_speed(iter/s)\": ");
    qvl_metrics_number(out, rint(place->speed * 1e6) / 1e6);
    qvl_str_printf(out, ", \"step\": %lld, \"time\": %.3f}\n",
                   (long long)place->step, place->time);
}

void qvl_metrics_history(qvl_str *out, const qvl_metrics *m, const char *part,
                         const qvl_metric_place *place)
{
    qvl_str_putc(out, '{');
    put_values(out, m, part, QVL_STYLE_HF);
    qvl_str_puts(out, "\"epoch\": ");
    qvl_metrics_number(out, place->epoch);
    qvl_str_printf(out, ", \"step\": %lld}", (long long)place->step);
}
