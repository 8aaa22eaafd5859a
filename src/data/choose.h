/* choose.h - which records of a file
 *
 * Records are numbers from 0 on, in the order of their lines. The same seed, sizes and
 * numbers of objects choose the same on every machine.
 */
#ifndef QVL_DATA_CHOOSE_H
#define QVL_DATA_CHOOSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* Shuffle n records: record[n]. Returns how many from the front on are for
 * validation, max(1, floor(n * ratio)); ratio lies in (0, 1). The rest is to train
 * on. */
size_t qvl_split(size_t *record, size_t n, double ratio, uint64_t seed);

/* What a few records of many are to be. */
typedef enum {
    QVL_CHOOSE_UNIFORM,     // as far from each other as can be
    QVL_CHOOSE_RANDOM,      // drawn, none twice
    QVL_CHOOSE_STRATIFIED,  // drawn so that groups of 0, 1, 2 to 3, 4 to 7, ...
                            // objects keep their shares
    QVL_CHOOSE_TOP_K        // those with most objects, the first of equals
} qvl_choose_by;

/* Choose n_chosen of n records, 0 < n_chosen <= n: record[n_chosen], in the order
 * of their lines, for TOP_K from the most objects down. n_objects [n]. The arena is
 * work space; runs out of host memory as it does. */
void qvl_choose(size_t *record, size_t n_chosen, const int *n_objects, size_t n,
                qvl_choose_by by, uint64_t seed, qvl_arena *arena);

#endif
