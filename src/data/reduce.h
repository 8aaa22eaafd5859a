/* reduce.h - records with fewer objects, and with simpler ones
 *
 * Records are not changed: the new one shares what stays with the old one, which has
 * to live as long. Both run out of host memory as an arena does.
 */
#ifndef QVL_DATA_REDUCE_H
#define QVL_DATA_REDUCE_H

#include "base/arena.h"
#include "base/rng.h"
#include "data/record.h"

/* Polygons of more than max_points points become their bounds, as boxes; 0: all
 * polygons do. Objects keep their number and their order. */
qvl_record qvl_reduce_polygons(const qvl_record *record, int max_points,
                               qvl_arena *arena);

/* Choose `most` of n things: kept[*n_kept], in their order. All of them stay when they
 * are not more, or when most is 0. What is drawn: the numbers 0 to n - 1 are shuffled by
 * the stream QVL_RNG_CAP of `id`, and the first `most` stay. */
const int *qvl_reduce_choose(int *n_kept, int n, int most, const qvl_rng_id *id,
                             qvl_arena *arena);

/* A record with at most `most` objects, 0: all; those that stay keep their order. */
qvl_record qvl_reduce_objects(const qvl_record *record, int most,
                              const qvl_rng_id *id, qvl_arena *arena);

#endif
