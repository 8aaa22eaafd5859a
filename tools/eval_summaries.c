/* eval_summaries.c - qvl eval summaries: scores of summaries
 *
 * From row to row score/summary.h keeps counts. A row without one of the sides is
 * counted and left out, with a warning at the end.
 */
#include <string.h>

#include "base/log.h"
#include "eval.h"
#include "score/summary.h"

typedef struct {
    const eval_options *options;
    const char *path;
    qvl_summary_score score;
    qvl_str report;
    qvl_err *err;
} eval;

/* The first of some fields that is a text; NULL: none is. */
static const char *find_text(const qvl_node *row, const char *const *key)
{
    const char *text;
    for (; *key != NULL; key++)
        if (qvl_node_as_string(qvl_node_find(row, *key), &text))
            return text;
    return NULL;
}

static int score_row(void *ctx, const qvl_node *row, bool is_first,
                     qvl_arena *arena, qvl_err *err)
{
    static const char *const true_keys[] = { "labels", "gt", "summary", NULL };
    static const char *const pred_keys[] = { "response", "raw_text", "pred",
                                             NULL };
    (void)is_first;
    (void)err;
    eval *e = ctx;
    const char *truth = find_text(row, true_keys);
    const char *pred = find_text(row, pred_keys);
    if (truth != NULL && pred != NULL)
        qvl_summary_add(&e->score, truth, pred, arena);
    else
        e->score.n_skipped++;
    return QVL_OK;
}

static int report(eval *e)
{
    const eval_options *o = e->options;
    const qvl_summary_score *s = &e->score;
    if (s->n_rows == 0)
        return qvl_fail(e->err, QVL_E_DATA, "%s: found no row with labels and "
                        "response, both texts, expected at least one", e->path);
    if (s->n_skipped > 0)
        qvl_log(QVL_LOG_WARN, "%s: %lld of %lld rows lack labels or a response "
                "and are not scored", e->path, (long long)s->n_skipped,
                (long long)(s->n_skipped + s->n_rows));
    if (o->output_json != NULL || o->json)
        qvl_summary_put_json(&e->report, s);
    if (o->output_json != NULL)
        QVL_TRY(eval_write(o->output_json, &e->report, e->err));
    if (!o->json) {
        qvl_str_reset(&e->report);
        qvl_summary_put_text(&e->report, s);
    }
    return eval_write(o->output, &e->report, e->err);
}

static int score_file(void *arg)
{
    eval *e = arg;
    if (e->options->beta != NULL)
        QVL_TRY(eval_read_number("beta", e->options->beta, 1e-3, 1e3,
                                 &e->score.beta, e->err));
    QVL_TRY(eval_read_rows(e->path, score_row, e, e->err));
    return report(e);
}

int eval_summaries(const eval_options *o, const char *path, qvl_err *err)
{
    eval e = { .options = o, .path = path, .err = err };
    int rc = qvl_guard(score_file, &e, err);
    qvl_str_release(&e.report);
    return rc;
}
