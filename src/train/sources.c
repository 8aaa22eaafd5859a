/* sources.c - which source each record is of, and its share of a step's loss
 *
 * Sources are counted once, before a run; a step adds the scores of its rows to the
 * source of each row's record.
 */
#include "train/sources.h"

#include <assert.h>
#include <string.h>

#include "config/eval_number.h"
#include "data/source_label.h"

/* ---- labels --------------------------------------------------------------- */

static const qvl_source *find(const qvl_sources *s, const qvl_record *record)
{
    for (int k = 0; k < s->n; k++)
        if (qvl_source_label_is(record, s->item[k].label))
            return &s->item[k];
    return NULL;
}

#define OUT_OF_THE_WAY "source_"

/* What stands in front of the numbers of a label beside itself. */
static const char *prefix_of(const char *label)
{
    size_t n = sizeof OUT_OF_THE_WAY - 1;
    while (strncmp(label, OUT_OF_THE_WAY, n) == 0)
        label += n;
    bool is_taken = strncmp(label, "eval", 4) == 0
                    && (label[4] == '\0' || label[4] == '_'
                        || label[4] == '/');
    return is_taken ? OUT_OF_THE_WAY : "";
}

static const char *number_of(const char *label, int number, qvl_arena *arena)
{
    return qvl_arena_printf(arena, "%s%s_%s", prefix_of(label), label,
                            qvl_eval_name(number));
}

static void add(qvl_sources *s, const qvl_record *record, qvl_arena *arena)
{
    const char *label = qvl_source_label(record, arena);
    s->item[s->n++] = (qvl_source){
        .label = label,
        .loss = number_of(label, QVL_EVAL_LOSS, arena),
        .token_acc = number_of(label, QVL_EVAL_TOKEN_ACC, arena),
    };
}

void qvl_sources_add(qvl_sources *sources, const qvl_record *record, size_t n,
                     qvl_arena *arena)
{
    qvl_sources *s = sources;
    for (size_t i = 0; i < n && s->n_found <= QVL_MAX_SOURCES; i++) {
        if (find(s, &record[i]) != NULL)
            continue;
        if (++s->n_found <= QVL_MAX_SOURCES)
            add(s, &record[i], arena);
        else
            s->n = 0;
    }
}

/* ---- numbers -------------------------------------------------------------- */

void qvl_sources_count(const qvl_sources *sources, const qvl_record *record,
                       const qvl_train_score *score, qvl_metrics *metrics)
{
    if (sources->n == 0 || score->n_labels == 0)
        return;
    const qvl_source *s = find(sources, record);
    assert(s != NULL);
    double n = (double)score->n_labels;
    qvl_metrics_mean(metrics, s->loss, score->loss_sum / n);
    qvl_metrics_mean(metrics, s->token_acc, (double)score->n_correct / n);
}
