/* epoch_plan.c - arithmetic of epochs; the one array is the order
 *
 * The order of an epoch is a shuffle of its number and the seed, so any epoch
 * can be entered without those before it.
 */
#include "data/epoch_plan.h"

#include <assert.h>
#include <string.h>

#include "base/rng.h"

static size_t ceil_div(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

static size_t world_of(const qvl_epoch_plan *p)
{
    assert(p->rank < p->world || (p->rank == 0 && p->world == 0));
    return p->world > 0 ? p->world : 1;
}

size_t qvl_epoch_plan_places(const qvl_epoch_plan *p)
{
    return p->drops_last ? p->n_records / world_of(p)
                         : ceil_div(p->n_records, world_of(p));
}

size_t qvl_epoch_plan_slot(const qvl_epoch_plan *p, size_t place)
{
    assert(place < qvl_epoch_plan_places(p));
    return (place * world_of(p) + p->rank) % p->n_records;
}

size_t qvl_epoch_plan_batches(const qvl_epoch_plan *p)
{
    assert(p->n_records > 0 && p->batch > 0);
    size_t n = qvl_epoch_plan_places(p);
    return p->drops_last ? n / p->batch : ceil_div(n, p->batch);
}

size_t qvl_epoch_plan_updates(const qvl_epoch_plan *p)
{
    assert(p->accumulate > 0);
    return ceil_div(qvl_epoch_plan_batches(p), p->accumulate);
}

/* The records, shuffled. */
static void put_records(qvl_epoch_slot *slot, const qvl_epoch_plan *p,
                        uint64_t epoch, qvl_arena *arena)
{
    const char *name = p->dataset != NULL ? p->dataset : "data";
    qvl_rng_id id = { .seed = p->seed, .epoch = epoch,
                      .dataset = qvl_rng_hash(name, strlen(name)) };
    size_t *record = qvl_arena_array(arena, size_t, p->n_records);
    qvl_rng rng;
    for (size_t i = 0; i < p->n_records; i++)
        record[i] = i;
    qvl_rng_init(&rng, &id, QVL_RNG_SCHEDULE);
    if (p->is_shuffled)
        qvl_rng_shuffle(&rng, record, p->n_records);
    for (size_t i = 0; i < p->n_records; i++)
        slot[i] = (qvl_epoch_slot){ .record = record[i] };
}

static void put_fusion(qvl_epoch_slot *slot, const qvl_epoch_plan *p,
                       uint64_t epoch, qvl_arena *arena)
{
    assert(p->n_records == p->fusion->n_slots);
    qvl_fusion_slot *from = qvl_arena_array(arena, qvl_fusion_slot, p->n_records);
    qvl_fusion_plan_order(from, p->fusion, epoch, arena);
    for (size_t i = 0; i < p->n_records; i++)
        slot[i] = (qvl_epoch_slot){
            .record = p->first[from[i].entry] + from[i].record,
            .occurrence = (uint64_t)from[i].occurrence,
        };
}

void qvl_epoch_plan_order(qvl_epoch_slot *slot, const qvl_epoch_plan *p,
                          uint64_t epoch, qvl_arena *arena)
{
    if (p->fusion != NULL)
        put_fusion(slot, p, epoch, arena);
    else
        put_records(slot, p, epoch, arena);
}

qvl_sample_at qvl_epoch_plan_sample(const qvl_epoch_plan *p,
                                    const qvl_epoch_slot *slot, uint64_t epoch,
                                    size_t number)
{
    uint64_t batch = epoch * qvl_epoch_plan_batches(p) + number / p->batch;
    return (qvl_sample_at){ .record = slot[number].record, .epoch = epoch,
                            .occurrence = slot[number].occurrence,
                            .step = qvl_epoch_plan_step(p, batch) };
}

bool qvl_epoch_plan_find(qvl_sample_at *at, const qvl_epoch_plan *p,
                         const qvl_epoch_slot *slot, uint64_t epoch, size_t record)
{
    for (size_t i = 0; i < p->n_records; i++)
        if (slot[i].record == record) {
            *at = qvl_epoch_plan_sample(p, slot, epoch, i);
            return true;
        }
    return false;
}

/* Part k of n things that are taken `each` at a time. */
static qvl_stretch part(size_t n, size_t each, size_t k)
{
    size_t first = k * each;
    return (qvl_stretch){ first, n - first < each ? n - first : each };
}

qvl_stretch qvl_epoch_plan_batch(const qvl_epoch_plan *p, size_t b)
{
    assert(b < qvl_epoch_plan_batches(p));
    return part(qvl_epoch_plan_places(p), p->batch, b);
}

qvl_stretch qvl_epoch_plan_update(const qvl_epoch_plan *p, size_t u)
{
    assert(u < qvl_epoch_plan_updates(p));
    return part(qvl_epoch_plan_batches(p), p->accumulate, u);
}

int64_t qvl_epoch_plan_step(const qvl_epoch_plan *p, uint64_t k)
{
    uint64_t n = qvl_epoch_plan_batches(p);
    return (int64_t)(k / n * qvl_epoch_plan_updates(p) + k % n / p->accumulate);
}

qvl_epoch_place qvl_epoch_plan_at(const qvl_epoch_plan *p, uint64_t step)
{
    uint64_t n = qvl_epoch_plan_updates(p);
    assert(n > 0);
    return (qvl_epoch_place){ step / n, (size_t)(step % n) };
}
