/* recipe.c - what a set of data makes of its records */
#include "data/recipe.h"

#include <assert.h>

#include "data/reduce.h"

const qvl_recipe *qvl_recipe_of(const qvl_recipes *recipes, size_t record)
{
    int low = 0, high = recipes->n - 1;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (record < recipes->end[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return &recipes->v[low];
}

qvl_mode qvl_recipe_mode(const qvl_recipe *r, const qvl_record *record,
                         uint64_t epoch)
{
    return qvl_mode_of(&r->draw, record, epoch);
}

static bool is_limited(const qvl_recipe *r, const qvl_record *record)
{
    return r->max_objects > 0 && record->messages == NULL
           && record->n_objects > r->max_objects;
}

bool qvl_recipe_is_steady(const qvl_recipe *r, const qvl_record *record)
{
    return record->messages != NULL
           || (r->augmenter == NULL && !is_limited(r, record)
               && !qvl_encoder_draws_prompts(r->encoder));
}

/* What a report says of objects, of the n that are kept. */
static void keep_report(qvl_augment_report *report, const int *kept, int n,
                        qvl_arena *arena)
{
    int *source = qvl_arena_array(arena, int, n);
    double *coverage = qvl_arena_array(arena, double, n);
    for (int i = 0; i < n; i++) {
        source[i] = report->source[kept[i]];
        coverage[i] = report->coverage[kept[i]];
    }
    report->source = source;
    report->coverage = coverage;
}

/* A record with as many objects as may stay. */
static const qvl_record *limit(const qvl_recipe *r, const qvl_record *record,
                               const qvl_sample_at *at, qvl_arena *arena,
                               qvl_augment_report *report)
{
    qvl_rng_id id = { .seed = r->draw.seed, .epoch = at->epoch,
                      .dataset = r->draw.dataset, .record = record->index,
                      .occurrence = at->occurrence };
    qvl_record *out = qvl_arena_array(arena, qvl_record, 1);
    *out = qvl_reduce_objects(record, r->max_objects, &id, arena);
    if (report != NULL) {
        int n;
        const int *kept = qvl_reduce_choose(&n, record->n_objects, r->max_objects, &id,
                                            arena);
        keep_report(report, kept, n, arena);
    }
    return out;
}

/* The report of a record that nothing is done to. */
static qvl_augment_report bypassed(const qvl_record *record, qvl_arena *arena)
{
    int *source = qvl_arena_array(arena, int, record->n_objects);
    double *coverage = qvl_arena_array(arena, double, record->n_objects);
    for (int i = 0; i < record->n_objects; i++) {
        source[i] = i;
        coverage[i] = 1.0;
    }
    return (qvl_augment_report){ .is_bypassed = true, .source = source,
                                 .coverage = coverage };
}

int qvl_recipe_see(const qvl_recipe *r, const qvl_record *record,
                   const qvl_sample_at *at, qvl_arena *arena, const qvl_record **out,
                   qvl_augment_report *report, qvl_err *err)
{
    const qvl_record *seen = record;
    if (r->augmenter != NULL)
        QVL_TRY(qvl_augment(r->augmenter, record, at,
                            qvl_recipe_mode(r, record, at->epoch), arena, &seen,
                            report, err));
    else if (report != NULL)
        *report = bypassed(record, arena);
    *out = is_limited(r, seen) ? limit(r, seen, at, arena, report) : seen;
    return QVL_OK;
}
