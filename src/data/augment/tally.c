/* tally.c - counts and sums */
#include "data/augment/tally.h"

#include <string.h>

void qvl_augment_tally_init(qvl_augment_tally *t, int n_ops, qvl_arena *arena)
{
    *t = (qvl_augment_tally){ .n_ops = n_ops };
    t->outcome = qvl_arena_alloc_n(arena, (size_t)n_ops, sizeof *t->outcome);
    qvl_augment_tally_reset(t);
}

void qvl_augment_tally_reset(qvl_augment_tally *t)
{
    qvl_augment_tally empty = { .n_ops = t->n_ops, .outcome = t->outcome };
    memset(t->outcome, 0, (size_t)t->n_ops * sizeof *t->outcome);
    *t = empty;
}

void qvl_augment_tally_add(qvl_augment_tally *t, const qvl_record *record,
                           const qvl_record *out, const qvl_augment_report *report)
{
    t->n++;
    t->n_bypassed += report->is_bypassed;
    t->n_discarded += report->is_discarded;
    t->n_objects += record->n_objects;
    t->n_dropped += report->n_dropped;
    t->n_added += report->n_added;
    t->padding_ratio += report->padding_ratio;
    t->pixels += (double)out->w * out->h;
    for (int i = 0; i < t->n_ops && !report->is_bypassed; i++)
        t->outcome[i][report->outcome[i]]++;
}

static double share(const qvl_augment_tally *t, int64_t n)
{
    int64_t of = t->n - t->n_bypassed;
    return of > 0 ? (double)n / (double)of : 0.0;
}

double qvl_augment_tally_fired(const qvl_augment_tally *t, int op)
{
    return share(t, t->outcome[op][QVL_AUG_FIRED]);
}

double qvl_augment_tally_skipped(const qvl_augment_tally *t, int op)
{
    int64_t n = 0;
    for (int k = QVL_AUG_MIN_OBJECTS; k < QVL_N_AUG_OUTCOMES; k++)
        n += t->outcome[op][k];
    return share(t, n);
}

double qvl_augment_tally_kept(const qvl_augment_tally *t)
{
    if (t->n_objects == 0)
        return 1.0;
    return (double)(t->n_objects - t->n_dropped) / (double)t->n_objects;
}
