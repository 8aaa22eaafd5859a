/* choose.c - which records of a file */
#include "data/choose.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

/* Groups of 0, 1, 2 to 3, ... objects; a number of objects is an int. */
#define N_GROUPS 32

static void count_up(size_t *record, size_t n)
{
    for (size_t i = 0; i < n; i++)
        record[i] = i;
}

size_t qvl_split(size_t *record, size_t n, double ratio, uint64_t seed)
{
    qvl_rng r;
    qvl_rng_init(&r, &(qvl_rng_id){ .seed = seed }, QVL_RNG_SPLIT);
    count_up(record, n);
    qvl_rng_shuffle(&r, record, n);
    size_t n_val = (size_t)((double)n * ratio);
    return n_val > 0 ? n_val : 1;
}

static int compare_places(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* Records in front of the list, after a shuffle of all n of it; `group` tells
 * draws apart. */
static void draw(size_t *list, size_t n, uint64_t seed, uint64_t group)
{
    qvl_rng r;
    qvl_rng_init(&r, &(qvl_rng_id){ .seed = seed, .record = group },
                 QVL_RNG_CHOOSE);
    qvl_rng_shuffle(&r, list, n);
}

/* The middle of each of n_chosen equal stretches. */
static void choose_uniform(size_t *record, size_t n_chosen, size_t n)
{
    for (size_t i = 0; i < n_chosen; i++)
        record[i] = (size_t)(((double)i + 0.5) * (double)n / (double)n_chosen);
}

/* ---- groups ------------------------------------------------------------- */

static int group_of(int n_objects)
{
    int group = 0;
    for (; n_objects > 0; n_objects /= 2)
        group++;
    return group;
}

/* Places of each group of `size`, together n_chosen: shares rounded down, then one
 * more for the largest remainders, the first of equal ones. */
static void share_places(size_t *quota, const size_t *size, size_t n_chosen,
                         size_t n)
{
    double rest[N_GROUPS];
    size_t left = n_chosen;
    for (int g = 0; g < N_GROUPS; g++) {
        double share = (double)size[g] * (double)n_chosen / (double)n;
        quota[g] = (size_t)share;
        rest[g] = share - (double)quota[g];
        left -= quota[g];
    }
    for (; left > 0; left--) {
        int most = -1;
        for (int g = 0; g < N_GROUPS; g++)
            if (quota[g] < size[g] && (most < 0 || rest[g] > rest[most]))
                most = g;
        quota[most]++;
        rest[most] = 0.0;
    }
}

static void choose_stratified(size_t *record, size_t n_chosen,
                              const int *n_objects, size_t n, uint64_t seed,
                              qvl_arena *arena)
{
    size_t *member = qvl_arena_array(arena, size_t, n);
    size_t size[N_GROUPS] = { 0 };
    size_t quota[N_GROUPS];
    for (size_t i = 0; i < n; i++)
        size[group_of(n_objects[i])]++;
    share_places(quota, size, n_chosen, n);
    for (int g = 0; g < N_GROUPS; g++) {
        size_t n_members = 0;
        for (size_t i = 0; i < n; i++)
            if (group_of(n_objects[i]) == g)
                member[n_members++] = i;
        draw(member, n_members, seed, (uint64_t)g);
        if (quota[g] > 0)
            memcpy(record, member, quota[g] * sizeof *record);
        record += quota[g];
    }
}

/* ---- most objects ------------------------------------------------------- */

typedef struct {
    size_t record;
    int n_objects;
} candidate;

static int compare_candidates(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->n_objects != y->n_objects)
        return x->n_objects > y->n_objects ? -1 : 1;
    return compare_places(&x->record, &y->record);
}

static void choose_top(size_t *record, size_t n_chosen, const int *n_objects,
                       size_t n, qvl_arena *arena)
{
    candidate *c = qvl_arena_array(arena, candidate, n);
    for (size_t i = 0; i < n; i++)
        c[i] = (candidate){ i, n_objects[i] };
    qsort(c, n, sizeof *c, compare_candidates);
    for (size_t i = 0; i < n_chosen; i++)
        record[i] = c[i].record;
}

void qvl_choose(size_t *record, size_t n_chosen, const int *n_objects, size_t n,
                qvl_choose_by by, uint64_t seed, qvl_arena *arena)
{
    size_t *all;
    switch (by) {
    case QVL_CHOOSE_UNIFORM:
        choose_uniform(record, n_chosen, n);
        return;
    case QVL_CHOOSE_TOP_K:
        choose_top(record, n_chosen, n_objects, n, arena);
        return;
    case QVL_CHOOSE_RANDOM:
        all = qvl_arena_array(arena, size_t, n);
        count_up(all, n);
        draw(all, n, seed, 0);
        memcpy(record, all, n_chosen * sizeof *record);
        break;
    case QVL_CHOOSE_STRATIFIED:
        choose_stratified(record, n_chosen, n_objects, n, seed, arena);
        break;
    }
    qsort(record, n_chosen, sizeof *record, compare_places);
}
