/* epoch_plan.h - the order of an epoch
 *
 * All of it follows from the rules and the number of the epoch, so a run that
 * goes on in the middle finds its place by arithmetic and encodes nothing twice.
 *
 *     records --order of the epoch--> slots --batch--> batches --accumulate--> updates
 *
 * Without a fusion the slots are the records, shuffled; with one they are those of
 * fusion_plan.h.
 *
 * Several ranks take slots in turns: rank, rank + world, ... What is missing at
 * the end, so that all have the same number, is taken from the first slots of
 * the epoch; or the end is dropped.
 */
#ifndef QVL_DATA_EPOCH_PLAN_H
#define QVL_DATA_EPOCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "data/fusion_plan.h"

typedef struct {
    size_t n_records;   // that an epoch takes, as often as it takes them: slots; > 0
    size_t batch;       // records of a batch, > 0
    size_t accumulate;  // batches of an update, > 0
    uint64_t seed;
    const char *dataset; // name, for the order; NULL: "data", as in encode.h
    bool is_shuffled;
    bool drops_last;    // leave out a last batch that is not full, and slots
                        // that not every rank would have
    size_t rank, world; // rank < world; world 0: one rank
    const qvl_fusion_plan *fusion;  // NULL: none. Borrowed; n_records slots, and seed
                        // and shuffle are its own
    const size_t *first; // [fusion->fusion->n] number of an entry's first record among
                        // all; of those with slots. Borrowed
} qvl_epoch_plan;

/* A sample: a record at its turn. */
typedef struct {
    size_t record;        // number among those of the plan
    uint64_t epoch;
    uint64_t occurrence;  // times it came before in the epoch
    int64_t step;         // update that takes it, from 0
} qvl_sample_at;

/* What stands at a slot. */
typedef struct {
    size_t record;        // number among all
    uint64_t occurrence;  // slots before this one, in this epoch, that hold the record
} qvl_epoch_slot;

/* Places of a rank in an epoch, those of a last batch that is dropped too. */
size_t qvl_epoch_plan_places(const qvl_epoch_plan *p);

/* Batches and updates of an epoch; 0 when all there is was dropped. A last
 * update may have fewer batches. */
size_t qvl_epoch_plan_batches(const qvl_epoch_plan *p);
size_t qvl_epoch_plan_updates(const qvl_epoch_plan *p);

/* The slots of an epoch in their order, of all ranks: slot[n_records]. The arena is
 * work space; runs out of host memory as it does. */
void qvl_epoch_plan_order(qvl_epoch_slot *slot, const qvl_epoch_plan *p,
                          uint64_t epoch, qvl_arena *arena);

/* The sample at slot `number` of an epoch with these slots; of one rank. The plan has
 * batches. */
qvl_sample_at qvl_epoch_plan_sample(const qvl_epoch_plan *p,
                                    const qvl_epoch_slot *slot, uint64_t epoch,
                                    size_t number);

/* The same at the first slot that has a record; false: none has it, and *at is
 * unchanged. */
bool qvl_epoch_plan_find(qvl_sample_at *at, const qvl_epoch_plan *p,
                         const qvl_epoch_slot *slot, uint64_t epoch, size_t record);

/* Slot of the epoch that a rank has at a place, below qvl_epoch_plan_places. */
size_t qvl_epoch_plan_slot(const qvl_epoch_plan *p, size_t place);

/* A stretch of batches, or of places. */
typedef struct {
    size_t first;
    size_t n;
} qvl_stretch;

/* Places of batch b of an epoch, b < qvl_epoch_plan_batches. */
qvl_stretch qvl_epoch_plan_batch(const qvl_epoch_plan *p, size_t b);

/* Batches of update u of an epoch, u < qvl_epoch_plan_updates. */
qvl_stretch qvl_epoch_plan_update(const qvl_epoch_plan *p, size_t u);

/* The update that takes batch k, counted over all epochs. */
int64_t qvl_epoch_plan_step(const qvl_epoch_plan *p, uint64_t k);

/* Where update number `step` of a run stands (counted from 0 over all epochs).
 * The plan has updates. */
typedef struct {
    uint64_t epoch;
    size_t update;  // in the epoch
} qvl_epoch_place;

qvl_epoch_place qvl_epoch_plan_at(const qvl_epoch_plan *p, uint64_t step);

#endif
