/* fusion_plan.h - which records of several sets of data an epoch takes, and when
 *
 *     quota of a target   rnd(records * ratio)          T: the sum of these
 *     quota of a source   rnd(ratio * T)                rnd: half to even
 *
 * An epoch has as many slots as the quotas say. An entry fills its own with whole
 * passes over its records, as many as there are, and a part of one: the first places
 * of the permutation of the epoch. That of epoch 0 is a shuffle. The next epochs have
 * the same one, turned by the places that were taken before, until every record has
 * come, which takes ceil(records / places) epochs; then there is a new shuffle. So
 * epochs that follow each other take different parts. Without
 * sample_without_replacement each slot is a draw of its own.
 *
 * All slots of an epoch are shuffled together, once. What slot s of epoch e holds
 * depends on the fusion, the sizes of its pools, the seed, and e: epochs may be asked
 * for in any order, by any rank.
 *
 * The arithmetic of batches and ranks is that of epoch_plan.h over n_slots "records".
 */
#ifndef QVL_DATA_FUSION_PLAN_H
#define QVL_DATA_FUSION_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/str.h"
#include "config/fusion.h"
#include "data/message.h"

/* More slots an epoch are an error. */
#define QVL_FUSION_MAX_SLOTS ((size_t)INT32_MAX)

typedef struct {
    const qvl_fusion *fusion;  // borrowed
    uint64_t seed;             // of the run
    bool is_shuffled;          // false: entries one behind the other, for reading
    const size_t *pool;        // [fusion->n] records of an entry, in the arena
    const size_t *quota;       // [fusion->n] slots of an entry, likewise
    size_t n_slots;            // of an epoch, > 0
    qvl_prompt from[QVL_N_MODES];  // keys of the run that texts come from, where the
                               // entry has none; NULL: its template. For people
} qvl_fusion_plan;

typedef struct {
    size_t record;   // of the entry's pool
    int entry;       // of the fusion
    int occurrence;  // slots before this one, in this epoch, that hold the record
} qvl_fusion_slot;

/* Compute the quotas of a shuffled plan.
 *
 *   n_records  [fusion->n] sizes of the pools
 *
 * Fails with QVL_E_DATA for an empty pool of an entry whose ratio is not 0, QVL_E_CONFIG
 * for an epoch without slots, or with too many. */
int qvl_fusion_plan_init(qvl_fusion_plan *p, const qvl_fusion *fusion,
                         const size_t *n_records, uint64_t seed,
                         qvl_arena *arena, qvl_err *err);

/* The slots of an epoch: slot[n_slots]. The arena is work space. Costs time and work
 * space in proportion to n_slots and the pools. Runs out of host memory as an arena
 * does. */
void qvl_fusion_plan_order(qvl_fusion_slot *slot, const qvl_fusion_plan *p,
                           uint64_t epoch, qvl_arena *arena);

/* What all draws for a slot begin with, whatever their stream: the seed, with that of
 * the entry mixed in where it has one, epoch, name of the entry, record, occurrence. */
qvl_rng_id qvl_fusion_plan_id(const qvl_fusion_plan *p, uint64_t epoch,
                              const qvl_fusion_slot *slot);

/* Append the plan as people read it, a line an entry: pool, quota, passes, mode,
 * augmentation, cap, where prompts come from. */
void qvl_fusion_plan_put(qvl_str *out, const qvl_fusion_plan *p);

#endif
