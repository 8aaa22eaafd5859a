/* report.c - sorted maps of JSON, rates */
#include "score/report.h"

#include <string.h>

#include "base/json.h"

double qvl_report_share(int64_t part, int64_t all)
{
    return all > 0 ? (double)part / (double)all : 0;
}

static void grow(qvl_report_map *m)
{
    m->cap = m->cap > 0 ? 2 * m->cap : 16;
    qvl_report_entry *more = qvl_arena_array(m->arena, qvl_report_entry, m->cap);
    if (m->n > 0)
        memcpy(more, m->entry, (size_t)m->n * sizeof *more);
    m->entry = more;
}

void qvl_report_put(qvl_report_map *m, const char *key, const char *value)
{
    if (m->n == m->cap)
        grow(m);
    int i = m->n++;
    for (; i > 0 && strcmp(m->entry[i - 1].key, key) > 0; i--)
        m->entry[i] = m->entry[i - 1];
    m->entry[i] = (qvl_report_entry){ key, value };
}

const char *qvl_report_take(const qvl_report_map *m, qvl_str *s)
{
    const char *text = qvl_arena_strndup(m->arena, s->p, s->len);
    qvl_str_release(s);
    return text;
}

const char *qvl_report_number(const qvl_report_map *m, double v)
{
    qvl_str s = { 0 };
    qvl_json_number(&s, v);
    return qvl_report_take(m, &s);
}

void qvl_report_put_number(qvl_report_map *m, const char *key, double v)
{
    qvl_report_put(m, key, qvl_report_number(m, v));
}

void qvl_report_put_string(qvl_report_map *m, const char *key, const char *v)
{
    qvl_str s = { 0 };
    qvl_json_quote(&s, v, strlen(v));
    qvl_report_put(m, key, qvl_report_take(m, &s));
}

const char *qvl_report_text(const qvl_report_map *m)
{
    qvl_str s = { 0 };
    qvl_str_putc(&s, '{');
    for (int i = 0; i < m->n; i++) {
        qvl_str_puts(&s, i > 0 ? ", " : "");
        qvl_json_quote(&s, m->entry[i].key, strlen(m->entry[i].key));
        qvl_str_printf(&s, ": %s", m->entry[i].value);
    }
    qvl_str_putc(&s, '}');
    return qvl_report_take(m, &s);
}

void qvl_report_put_counts(qvl_report_map *m, const qvl_match_counts *c,
                           double beta)
{
    qvl_report_put_number(m, "matched", (double)c->matched);
    qvl_report_put_number(m, "n_pred", (double)c->n_pred);
    qvl_report_put_number(m, "n_true", (double)c->n_true);
    qvl_report_put_number(m, "precision", qvl_match_precision(c));
    qvl_report_put_number(m, "recall", qvl_match_recall(c));
    qvl_report_put_number(m, "f1", qvl_match_f(c, 1));
    if (beta > 0)
        qvl_report_put_number(m, "f_beta", qvl_match_f(c, beta));
}

const char *qvl_report_rate(int64_t part, int64_t all, qvl_arena *arena)
{
    qvl_report_map m = { .arena = arena };
    qvl_report_put_number(&m, "matched", (double)part);
    qvl_report_put_number(&m, "rate", qvl_report_share(part, all));
    qvl_report_put_number(&m, "total", (double)all);
    return qvl_report_text(&m);
}

void qvl_report_line(qvl_str *out, const char *name, int64_t part, int64_t all)
{
    if (all > 0)
        qvl_str_printf(out, "%-14s %8.4f of %lld\n", name,
                       qvl_report_share(part, all), (long long)all);
}
