/* reduce.c - records with fewer objects, and with simpler ones */
#include "data/reduce.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static qvl_object bounds_of(const qvl_object *o, qvl_arena *arena)
{
    qvl_bounds b = qvl_geom_bounds(o->point, o->n);
    double *point = qvl_arena_array(arena, double, 4);
    memcpy(point, (const double[]){ b.x0, b.y0, b.x1, b.y1 },
           4 * sizeof *point);
    return (qvl_object){ QVL_GEOM_BOX, 2, point, o->desc };
}

qvl_record qvl_reduce_polygons(const qvl_record *record, int max_points,
                               qvl_arena *arena)
{
    assert(max_points >= 0);

    qvl_record out = *record;
    qvl_object *object = qvl_arena_array(arena, qvl_object, out.n_objects);
    for (int i = 0; i < out.n_objects; i++) {
        const qvl_object *o = &record->object[i];
        bool is_simple = o->kind != QVL_GEOM_POLY || o->n <= max_points;
        object[i] = is_simple ? *o : bounds_of(o, arena);
    }
    out.object = object;
    return out;
}

static int by_place(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

const int *qvl_reduce_choose(int *n_kept, int n, int most, const qvl_rng_id *id,
                             qvl_arena *arena)
{
    assert(n >= 0 && most >= 0);

    *n_kept = most > 0 && most < n ? most : n;
    size_t *place = qvl_arena_array(arena, size_t, n);
    int *kept = qvl_arena_array(arena, int, *n_kept);
    for (int i = 0; i < n; i++)
        place[i] = (size_t)i;
    if (*n_kept < n) {
        qvl_rng rng;
        qvl_rng_init(&rng, id, QVL_RNG_CAP);
        qvl_rng_shuffle(&rng, place, (size_t)n);
    }
    for (int i = 0; i < *n_kept; i++)
        kept[i] = (int)place[i];
    qsort(kept, (size_t)*n_kept, sizeof *kept, by_place);
    return kept;
}

qvl_record qvl_reduce_objects(const qvl_record *record, int most,
                              const qvl_rng_id *id, qvl_arena *arena)
{
    qvl_record out = *record;
    const int *kept = qvl_reduce_choose(&out.n_objects, record->n_objects, most,
                                        id, arena);
    qvl_object *object = qvl_arena_array(arena, qvl_object, out.n_objects);
    for (int i = 0; i < out.n_objects; i++)
        object[i] = record->object[kept[i]];
    out.object = object;
    return out;
}
