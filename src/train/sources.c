/* sources.c - which source each record is of, and its share of a step's loss
 *
 * Sources are counted once, before a run; a step adds the scores of its rows to the
 * source of each row's record.
 */
#include "train/sources.h"

#include <assert.h>
#include <string.h>

#include "config/eval_number.h"

/* ---- labels --------------------------------------------------------------- */

/* As the record has it, in any case. */
static const char *label_of(const qvl_record *record)
{
    const char *text;
    const qvl_node *node = qvl_node_find(record->metadata, "dataset");
    return qvl_node_as_string(node, &text) && text[0] != '\0' ? text
                                                              : "default";
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_same(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

static const qvl_source *find(const qvl_sources *s, const char *label)
{
    for (int k = 0; k < s->n; k++)
        if (is_same(s->item[k].label, label))
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

static void add(qvl_sources *s, const char *label, qvl_arena *arena)
{
    char *own = qvl_arena_strdup(arena, label);
    for (char *p = own; *p != '\0'; p++)
        *p = lower(*p);
    s->item[s->n++] = (qvl_source){
        .label = own,
        .loss = number_of(own, QVL_EVAL_LOSS, arena),
        .token_acc = number_of(own, QVL_EVAL_TOKEN_ACC, arena),
    };
}

void qvl_sources_add(qvl_sources *sources, const qvl_record *record, size_t n,
                     qvl_arena *arena)
{
    qvl_sources *s = sources;
    for (size_t i = 0; i < n && s->n_found <= QVL_MAX_SOURCES; i++) {
        const char *label = label_of(&record[i]);
        if (find(s, label) != NULL)
            continue;
        if (++s->n_found <= QVL_MAX_SOURCES)
            add(s, label, arena);
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
    const qvl_source *s = find(sources, label_of(record));
    assert(s != NULL);
    double n = (double)score->n_labels;
    qvl_metrics_mean(metrics, s->loss, score->loss_sum / n);
    qvl_metrics_mean(metrics, s->token_acc, (double)score->n_correct / n);
}
