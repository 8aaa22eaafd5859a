/* loader.c - slots in a ring, filled by threads in order of their numbers
 *
 * A slot is free, busy or ready; one lock guards all of it, and batches are
 * made outside. Slots of the last take are given back by the next one. An error
 * is kept in its slot until it is taken, so it comes at its place however many
 * threads there are. A batch whose records cannot be listed is the last one that is
 * begun: the lists of those behind it follow from its own.
 */
#include "train/loader.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A batch on its way. */
typedef enum { SLOT_FREE, SLOT_BUSY, SLOT_READY } slot_state;

typedef struct {
    slot_state state;
    qvl_arena arena;     // of all below
    qvl_sample_at *sample;  // [n_samples]
    int n_samples;
    int *row_n;          // [n_rows] samples of each packed row; NULL: nothing is
    int n_rows;          // packed
    qvl_pack_progress at;
    qvl_collated batch;  // result
    qvl_err err;
    int rc;
} slot;

/* Batch number k lies in slot k % n_slots from the time it is begun until the
 * taker asks for those behind it. */
struct qvl_loader {
    qvl_loader_options o;
    uint64_t per_epoch;  // batches
    qvl_epoch_slot *order;  // [n_records] of epoch order_epoch; NULL: rows are packed
    qvl_arena work;      // while it is found
    uint64_t order_epoch;
    bool has_order;
    qvl_pack_stream *stream;  // NULL: nothing is packed
    uint64_t n_streamed;      // rows taken from it
    slot *slots;         // [n_slots]
    uint64_t n_slots;
    uint64_t next;       // batch nobody has begun
    uint64_t taken;      // batch the taker wants next
    uint64_t given;      // first batch the taker still holds
    pthread_mutex_t lock;
    pthread_cond_t has_room;   // a slot is free, or it is time to end
    pthread_cond_t has_batch;  // a slot is ready
    pthread_t *thread;   // [n_threads]
    int n_threads;       // running
    bool is_ending;
    bool is_broken;      // a batch could not be listed
    bool has_failed;     // the taker was told of an error
};

/* ---- making a batch ------------------------------------------------------ */

/* Which samples batch k has. What follows is under the lock, k in rising order. */
static void list_samples(qvl_loader *l, slot *s, uint64_t k)
{
    uint64_t epoch = k / l->per_epoch;
    if (!l->has_order || l->order_epoch != epoch) {
        qvl_arena_reset(&l->work);
        qvl_epoch_plan_order(l->order, &l->o.plan, epoch, &l->work);
        qvl_arena_release(&l->work);
        l->order_epoch = epoch;
        l->has_order = true;
    }
    qvl_stretch part = qvl_epoch_plan_batch(&l->o.plan, k % l->per_epoch);
    int64_t step = qvl_epoch_plan_step(&l->o.plan, k);
    s->n_samples = s->n_rows = (int)part.n;
    s->sample = qvl_arena_array(&s->arena, qvl_sample_at, part.n);
    for (size_t i = 0; i < part.n; i++) {
        size_t at = qvl_epoch_plan_slot(&l->o.plan, part.first + i);
        s->sample[i] = (qvl_sample_at){ .record = l->order[at].record,
                                        .epoch = epoch,
                                        .occurrence = l->order[at].occurrence,
                                        .step = step };
    }
}

/* Append the samples of a row. */
static void add_row(slot *s, const qvl_packed_row *row)
{
    size_t n = (size_t)s->n_samples, more = (size_t)row->n;
    qvl_sample_at *sample = qvl_arena_array(&s->arena, qvl_sample_at, n + more);
    if (n > 0)
        memcpy(sample, s->sample, n * sizeof *sample);
    memcpy(sample + n, row->sample, more * sizeof *sample);
    s->sample = sample;
    s->n_samples += row->n;
    s->row_n[s->n_rows++] = row->n;
    bool ends = s->at.ends_epoch || row->at.ends_epoch;
    s->at = row->at;
    s->at.ends_epoch = ends;
}

/* The same for packed rows. Those before the first batch are passed over. */
static int list_rows(qvl_loader *l, slot *s, uint64_t k)
{
    uint64_t first = k * l->o.plan.batch, end = first + l->o.plan.batch;
    s->row_n = qvl_arena_array(&s->arena, int, l->o.plan.batch);
    for (; l->n_streamed < end; l->n_streamed++) {
        qvl_packed_row row;
        QVL_TRY(qvl_pack_stream_next(l->stream, &row, &s->err));
        if (l->n_streamed >= first)
            add_row(s, &row);
    }
    return QVL_OK;
}

typedef struct {
    qvl_loader *loader;
    slot *slot;
    uint64_t k;
} beginning;

static int list_batch(void *arg)
{
    const beginning *b = arg;
    if (b->loader->stream != NULL)
        return list_rows(b->loader, b->slot, b->k);
    list_samples(b->loader, b->slot, b->k);
    return QVL_OK;
}

static slot *begin(qvl_loader *l, uint64_t k)
{
    slot *s = &l->slots[k % l->n_slots];
    beginning b = { l, s, k };
    s->state = SLOT_BUSY;
    s->n_samples = s->n_rows = 0;
    s->row_n = NULL;
    s->at = (qvl_pack_progress){ 0 };
    s->rc = qvl_guard(list_batch, &b, &s->err);
    l->is_broken = s->rc != QVL_OK;
    return s;
}

typedef struct {
    const qvl_loader_options *o;
    slot *slot;
    const qvl_record **record;   // [n_samples] as the files have them; NULL: not
                                 // augmented
    qvl_augment_report *report;  // [n_samples]
    bool is_augmented;           // one of them
} making;

static int make_sample(making *m, int i, qvl_encoded *out)
{
    slot *s = m->slot;
    const qvl_sample_at *at = &s->sample[i];
    const qvl_record *record = &m->o->record[at->record];
    const qvl_recipe *recipe = qvl_recipe_of(&m->o->recipes, at->record);
    qvl_augment_report *report = NULL;
    if (recipe->augmenter != NULL) {
        m->record[i] = record;
        m->is_augmented = true;
        report = &m->report[i];
    }
    QVL_TRY(qvl_recipe_see(recipe, record, at, &s->arena, &record, report, &s->err));
    return qvl_encode(recipe->encoder, record, at->epoch, &s->arena, out, &s->err);
}

static int encode_all(void *arg)
{
    making *m = arg;
    slot *s = m->slot;
    qvl_encoded *sample =
        qvl_arena_array(&s->arena, qvl_encoded, s->n_samples);
    m->record = qvl_arena_array(&s->arena, const qvl_record *, s->n_samples);
    m->report = qvl_arena_array(&s->arena, qvl_augment_report, s->n_samples);
    for (int i = 0; i < s->n_samples; i++)
        QVL_TRY(make_sample(m, i, &sample[i]));
    s->batch = qvl_collate(sample, s->n_samples, s->row_n, s->n_rows, &s->arena);
    s->batch.at = s->at;
    if (m->is_augmented) {
        s->batch.augment = m->report;
        s->batch.record = m->record;
    }
    return QVL_OK;
}

static void make(const qvl_loader *l, slot *s)
{
    making m = { .o = &l->o, .slot = s };
    if (s->rc == QVL_OK)
        s->rc = qvl_guard(encode_all, &m, &s->err);
}

/* ---- threads ------------------------------------------------------------- */

static bool has_work(const qvl_loader *l)
{
    return !l->is_broken && l->next < l->o.end
           && l->slots[l->next % l->n_slots].state == SLOT_FREE;
}

static void *work(void *arg)
{
    qvl_loader *l = arg;
    pthread_mutex_lock(&l->lock);
    for (;;) {
        while (!l->is_ending && !has_work(l))
            pthread_cond_wait(&l->has_room, &l->lock);
        if (l->is_ending)
            break;
        slot *s = begin(l, l->next++);
        pthread_mutex_unlock(&l->lock);
        make(l, s);
        pthread_mutex_lock(&l->lock);
        s->state = SLOT_READY;
        pthread_cond_broadcast(&l->has_batch);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static int start_threads(qvl_loader *l, qvl_err *err)
{
    for (; l->n_threads < l->o.n_threads; l->n_threads++)
        if (pthread_create(&l->thread[l->n_threads], NULL, work, l) != 0)
            return qvl_fail(err, QVL_E_MEMORY, "threads of the data: found "
                            "%d, expected %d (data.dataloader_num_workers)",
                            l->n_threads, l->o.n_threads);
    return QVL_OK;
}

/* ---- calls --------------------------------------------------------------- */

static void make_slots(qvl_loader *l)
{
    const qvl_loader_options *o = &l->o;
    l->n_slots = (uint64_t)o->n_taken
                 + (uint64_t)o->n_threads * (uint64_t)o->n_ahead;
    l->slots = qvl_memory_zeroed((size_t)l->n_slots, sizeof *l->slots);
    l->thread = qvl_memory_zeroed((size_t)o->n_threads, sizeof *l->thread);
    if (o->pack != NULL)
        l->stream = qvl_pack_stream_open(o->pack);
    else
        l->order = qvl_memory_zeroed(o->plan.n_records, sizeof *l->order);
}

static int open_loader(void *arg)
{
    make_slots(arg);
    return QVL_OK;
}

int qvl_loader_open(qvl_loader **loader, const qvl_loader_options *options,
                    qvl_err *err)
{
    assert(options->n_taken > 0 && options->n_threads >= 0
           && options->n_ahead > 0 && options->plan.n_records > 0);

    qvl_loader *l = qvl_memory_zeroed(1, sizeof *l);
    l->o = *options;
    l->per_epoch = qvl_epoch_plan_batches(&l->o.plan);
    l->next = l->taken = l->given = l->o.first;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->has_room, NULL);
    pthread_cond_init(&l->has_batch, NULL);
    int rc = qvl_guard(open_loader, l, err);
    if (rc == QVL_OK)
        rc = start_threads(l, err);
    if (rc != QVL_OK) {
        qvl_loader_close(l);
        return rc;
    }
    *loader = l;
    return QVL_OK;
}

void qvl_loader_close(qvl_loader *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->is_ending = true;
    pthread_cond_broadcast(&l->has_room);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->n_threads; i++)
        pthread_join(l->thread[i], NULL);
    for (uint64_t k = 0; l->slots != NULL && k < l->n_slots; k++)
        qvl_arena_release(&l->slots[k].arena);
    qvl_pack_stream_close(l->stream);
    qvl_arena_release(&l->work);
    pthread_cond_destroy(&l->has_batch);
    pthread_cond_destroy(&l->has_room);
    pthread_mutex_destroy(&l->lock);
    free(l->slots);
    free(l->order);
    free(l->thread);
    free(l);
}

/* The slots of the last call are free again; under the lock. */
static void give_back(qvl_loader *l)
{
    for (; l->given < l->taken; l->given++) {
        slot *s = &l->slots[l->given % l->n_slots];
        qvl_arena_reset(&s->arena);
        s->state = SLOT_FREE;
    }
    pthread_cond_broadcast(&l->has_room);
}

/* Wait for the next batch, or make it. */
static slot *await(qvl_loader *l)
{
    if (l->n_threads == 0) {
        slot *s = begin(l, l->next++);
        make(l, s);
        s->state = SLOT_READY;
        return s;
    }
    slot *s = &l->slots[l->taken % l->n_slots];
    while (s->state != SLOT_READY)
        pthread_cond_wait(&l->has_batch, &l->lock);
    return s;
}

int qvl_loader_take(qvl_loader *l, qvl_collated *out, int n, qvl_err *err)
{
    assert(n > 0 && n <= l->o.n_taken);
    assert(l->taken + (uint64_t)n <= l->o.end && !l->has_failed);

    int rc = QVL_OK;
    pthread_mutex_lock(&l->lock);
    give_back(l);
    for (int i = 0; i < n && rc == QVL_OK; i++) {
        const slot *s = await(l);
        l->taken++;
        rc = s->rc;
        if (rc != QVL_OK) {
            l->has_failed = true;
            qvl_fail(err, rc, "%s", s->err.msg);
            if (s->err.hint[0] != '\0')
                qvl_err_hint(err, "%s", s->err.hint);
        }
    }
    for (int i = 0; i < n && rc == QVL_OK; i++)
        out[i] = l->slots[(l->given + (uint64_t)i) % l->n_slots].batch;
    pthread_mutex_unlock(&l->lock);
    return rc;
}
