/* store.c - device memory of parameters and their gradients
 *
 * Weights and gradients lie on a shelf each (shelf.h); a tied parameter has no slot and
 * goes by its owner's. Gradients are set to zero when they are made and never again
 * here: runs start them. The array of states moves when it grows; the old one stays in
 * the arena, since slices that were handed out point into it.
 */
#include "graph/store.h"

#include <assert.h>
#include <stdlib.h>

#include "calls.h"
#include "graph/shelf.h"
#include "tensor/dtype.h"

struct qvl_store {
    // owned
    qvl_arena arena;
    qvl_shelf weights;
    qvl_shelf grads;     // without slots until training
    qvl_scratch scratch;
    int *owner;          // [n_params]
    size_t *n_elems;     // [n_params]
    int *dtype;          // [n_params]
    qvl_stage stage;
    qvl_buf *state;      // [cap_states], those with bytes are allocated
    int cap_states;
    // borrowed
    qvl_device *dev;
    const char **name;  // [n_params] in the list's arena
    int n_params;
    qvl_types types;
};

/* ---- layout ---- */

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Bytes to reserve for parameter i in `dtype`; parameters of no elements are
 * bound as well. */
static size_t reserved(const qvl_store *st, int i, int dtype)
{
    return qvl_shelf_reserve(st->dev,
                             st->n_elems[i] * qvl_dtype_bytes(dtype));
}

static qvl_shelf lay_out(qvl_store *st, const size_t *bytes)
{
    return qvl_shelf_plan(st->dev, bytes, st->n_params, &st->arena);
}

static int check_size(const qvl_store *st, int i, size_t bytes, qvl_err *err)
{
    size_t limit = st->dev->info.max_alloc_bytes;
    if (bytes <= limit)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DEVICE,
                    "parameter %s takes %zu bytes, the device allocates at "
                    "most %zu", st->name[i], bytes, limit);
}

/* ---- open and close ---- */

typedef struct {
    qvl_store *st;
    qvl_device *dev;
    const qvl_param_list *params;
    const qvl_types *types;
    qvl_err *err;
} open_job;

static void copy_list(qvl_store *st, const qvl_param_list *params)
{
    st->n_params = params->n;
    st->owner = qvl_arena_array(&st->arena, int, params->n);
    st->n_elems = qvl_arena_array(&st->arena, size_t, params->n);
    st->dtype = qvl_arena_array(&st->arena, int, params->n);
    st->name = qvl_arena_array(&st->arena, const char *, params->n);
    for (int i = 0; i < params->n; i++) {
        const qvl_arch_param *p = &params->item[i];
        size_t n = 1;
        for (int k = 0; k < p->rank; k++)
            n *= p->shape[k];
        st->owner[i] = p->same_as == -1 ? i : p->same_as;
        st->n_elems[i] = n;
        st->dtype[i] = p->rank == 1 ? QVL_F32 : st->types.act;
        st->name[i] = p->name;
    }
}

static int open_parts(void *arg)
{
    const open_job *job = arg;
    qvl_store *st = job->st;
    st->dev = job->dev;
    st->types = *job->types;
    qvl_stage_init(&st->stage, job->dev, &st->arena);
    copy_list(st, job->params);
    size_t *bytes = qvl_arena_array(&st->arena, size_t, st->n_params);
    for (int i = 0; i < st->n_params; i++) {
        if (st->owner[i] != i)
            continue;
        bytes[i] = reserved(st, i, st->dtype[i]);
        QVL_TRY(check_size(st, i, bytes[i], job->err));
    }
    st->weights = lay_out(st, bytes);
    return qvl_shelf_open(st->dev, &st->weights, job->err);
}

int qvl_store_open(qvl_store **store, qvl_device *dev,
                   const qvl_param_list *params, const qvl_types *types,
                   qvl_err *err)
{
    qvl_store *st = qvl_memory_zeroed(1, sizeof *st);
    open_job job = {st, dev, params, types, err};
    int rc = qvl_guard(open_parts, &job, err);
    if (rc != QVL_OK) {
        qvl_err_add(err, "memory for weights");
        st->dev = dev;
        qvl_store_close(st);
        return rc;
    }
    *store = st;
    return QVL_OK;
}

void qvl_store_close(qvl_store *store)
{
    if (store == NULL)
        return;
    qvl_store_drop_states(store);
    qvl_scratch_release(&store->scratch, store->dev);
    qvl_shelf_release(store->dev, &store->grads);
    qvl_shelf_release(store->dev, &store->weights);
    qvl_arena_release(&store->arena);
    free(store);
}

/* ---- reading and writing ---- */

int qvl_store_dtype(const qvl_store *store, int i)
{
    assert(i >= 0 && i < store->n_params);
    return store->dtype[i];
}

size_t qvl_store_bytes(const qvl_store *store)
{
    return qvl_shelf_bytes(&store->weights) + qvl_shelf_bytes(&store->grads);
}

int qvl_store_write(qvl_store *store, int i, size_t first, size_t n,
                    const void *src, int src_dtype, qvl_err *err)
{
    assert(i >= 0 && i < store->n_params);
    assert(first <= store->n_elems[i] && n <= store->n_elems[i] - first);
    return qvl_stage_write(&store->stage, qvl_store_slice(store, i),
                           store->dtype[i], first, n, src, src_dtype, err);
}

int qvl_store_read(qvl_store *store, int i, size_t first, size_t n,
                   float *dst, qvl_err *err)
{
    assert(i >= 0 && i < store->n_params);
    assert(first <= store->n_elems[i] && n <= store->n_elems[i] - first);
    return qvl_stage_read(&store->stage, qvl_store_slice(store, i),
                          store->dtype[i], first, n, dst, err);
}

int qvl_store_read_grad(qvl_store *store, int i, float *dst, qvl_err *err)
{
    return qvl_stage_read(&store->stage, qvl_store_grad_slice(store, i),
                          QVL_F32, 0, store->n_elems[i], dst, err);
}

/* ---- gradients ---- */

static void record_error(int *rc, int code)
{
    if (*rc == QVL_OK)
        *rc = code;
}

/* Append zero steps for one gradient, as many as the device's limit asks. */
static int record_zero(qvl_store *st, qvl_slice whole, size_t n, qvl_err *err)
{
    const qvl_kernel *zero = qvl_family_form(&qvl_family_zero, QVL_F32);
    size_t limit = min_size(st->dev->info.max_binding_bytes, whole.bytes);
    size_t align = st->dev->info.align_bytes;
    size_t most = (limit < align ? limit : limit / align * align) / 4;
    for (size_t lo = 0; lo < n; lo += most) {
        size_t m = min_size(most, n - lo);
        size_t bytes = m * 4 < 16 ? 16 : m * 4;
        uint32_t arg[QVL_ZERO_N_ARGS];
        qvl_slice part[QVL_ZERO_N_BUFS];
        qvl_zero_bufs(part,
                      (qvl_slice){whole.buf, whole.at + lo * 4, bytes});
        qvl_zero_args(arg, (uint32_t)m, 0);
        QVL_TRY(st->dev->be->dispatch(st->dev, zero, part, arg, err));
    }
    return QVL_OK;
}

typedef struct {
    qvl_store *st;
    qvl_err *err;
} zero_job;

static int record_zeros(void *arg)
{
    const zero_job *job = arg;
    qvl_store *st = job->st;
    for (int i = 0; i < st->n_params; i++)
        if (qvl_shelf_has(&st->grads, i))
            QVL_TRY(record_zero(st, qvl_store_grad_slice(st, i),
                                st->n_elems[i], job->err));
    return QVL_OK;
}

/* Record a list, run it once and wait. */
static int run_list(qvl_store *st, int (*record)(void *), void *job,
                    qvl_err *err)
{
    const qvl_backend *be = st->dev->be;
    QVL_TRY(be->list_begin(st->dev, err));
    int rc = qvl_guard(record, job, err);
    qvl_list *list = NULL;
    record_error(&rc, be->list_end(st->dev, &list, rc == QVL_OK ? err : NULL));
    if (rc == QVL_OK)
        rc = be->submit(st->dev, list, err);
    if (rc == QVL_OK)
        rc = be->wait(st->dev, err);
    if (list != NULL)
        be->list_release(st->dev, list);
    return rc;
}

static int zero_grads(qvl_store *st, qvl_err *err)
{
    assert(qvl_family_form(&qvl_family_zero, QVL_F32) != NULL);
    zero_job job = {st, err};
    return run_list(st, record_zeros, &job, err);
}

int qvl_store_train(qvl_store *store, const bool *trained, qvl_err *err)
{
    assert(store->grads.slot == NULL);
    size_t *bytes = qvl_arena_array(&store->arena, size_t, store->n_params);
    for (int i = 0; i < store->n_params; i++)
        if (trained[i]) {
            int k = store->owner[i];
            bytes[k] = reserved(store, k, QVL_F32);
            QVL_TRY(check_size(store, k, bytes[k], err));
        }
    store->grads = lay_out(store, bytes);
    int rc = qvl_shelf_open(store->dev, &store->grads, err);
    if (rc == QVL_OK)
        rc = zero_grads(store, err);
    if (rc != QVL_OK) {
        qvl_shelf_release(store->dev, &store->grads);
        qvl_err_add(err, "memory for gradients");
    }
    return rc;
}

/* ---- states ---- */

static void grow_states(qvl_store *st, int index)
{
    if (index < st->cap_states)
        return;
    int cap = 2 * index + 16;
    qvl_buf *more = qvl_arena_array(&st->arena, qvl_buf, cap);
    for (int i = 0; i < st->cap_states; i++)
        more[i] = st->state[i];
    st->state = more;
    st->cap_states = cap;
}

int qvl_store_state(qvl_store *store, int index, size_t bytes,
                    qvl_slice *slice, qvl_err *err)
{
    grow_states(store, index);
    qvl_buf *buf = &store->state[index];
    if (bytes < 16)
        bytes = 16;
    if (buf->bytes == 0) {
        int rc = store->dev->be->alloc(store->dev, bytes, buf, err);
        if (rc != QVL_OK) {
            *buf = (qvl_buf){0};
            qvl_err_add(err, "memory for state %d", index);
            return rc;
        }
    }
    if (buf->bytes < bytes)
        return qvl_fail(err, QVL_E_INTERNAL,
                        "state %d: found %zu bytes, expected %zu", index,
                        buf->bytes, bytes);
    *slice = (qvl_slice){buf, 0, bytes};
    return QVL_OK;
}

qvl_slice qvl_store_state_slice(const qvl_store *store, int index)
{
    assert(index < store->cap_states && store->state[index].bytes > 0);
    return (qvl_slice){&store->state[index], 0, store->state[index].bytes};
}

void qvl_store_drop_states(qvl_store *store)
{
    for (int i = 0; i < store->cap_states; i++) {
        if (store->state[i].bytes > 0)
            store->dev->be->release(store->dev, &store->state[i]);
        store->state[i] = (qvl_buf){0};
    }
}

/* ---- for runs ---- */

qvl_slice qvl_store_slice(const qvl_store *store, int i)
{
    return qvl_shelf_slice(&store->weights, store->owner[i]);
}

qvl_slice qvl_store_grad_slice(const qvl_store *store, int i)
{
    assert(qvl_store_is_trained(store, i));
    return qvl_shelf_slice(&store->grads, store->owner[i]);
}

int qvl_store_owner(const qvl_store *store, int i)
{
    assert(i >= 0 && i < store->n_params);
    return store->owner[i];
}

int qvl_store_n_params(const qvl_store *store)
{
    return store->n_params;
}

size_t qvl_store_n_elems(const qvl_store *store, int i)
{
    assert(i >= 0 && i < store->n_params);
    return store->n_elems[i];
}

const qvl_types *qvl_store_types(const qvl_store *store)
{
    return &store->types;
}

bool qvl_store_is_trained(const qvl_store *store, int i)
{
    assert(i >= 0 && i < store->n_params);
    return qvl_shelf_has(&store->grads, store->owner[i]);
}

qvl_device *qvl_store_device(const qvl_store *store)
{
    return store->dev;
}

qvl_stage *qvl_store_stage(qvl_store *store)
{
    return &store->stage;
}

qvl_scratch *qvl_store_scratch(qvl_store *store)
{
    return &store->scratch;
}

/* A state that rows do not fill would be one of another kind. */
static int check_rows(const qvl_store *st, size_t n_rows, qvl_err *err)
{
    for (int i = 0; i < st->cap_states; i++)
        if (st->state[i].bytes % (n_rows * 4) != 0)
            return qvl_fail(err, QVL_E_INTERNAL,
                            "state %d: found %zu bytes, expected a multiple "
                            "of %zu rows", i, st->state[i].bytes, n_rows);
    return QVL_OK;
}

typedef struct {
    qvl_store *st;
    size_t n_rows, from, to, n;
    qvl_err *err;
} copy_job;

static int record_copies(void *arg)
{
    const copy_job *job = arg;
    const qvl_store *st = job->st;
    for (int i = 0; i < st->cap_states; i++) {
        const qvl_buf *buf = &st->state[i];
        size_t row = buf->bytes / job->n_rows;
        qvl_slice to = {buf, job->to * row, job->n * row};
        qvl_slice from = {buf, job->from * row, job->n * row};
        if (row > 0)
            QVL_TRY(st->dev->be->copy(st->dev, to, from, job->err));
    }
    return QVL_OK;
}

int qvl_store_copy_states(qvl_store *store, size_t n_rows, size_t from,
                          size_t to, size_t n, qvl_err *err)
{
    assert(n <= n_rows && from <= n_rows - n && to <= n_rows - n);
    assert(from + n <= to || to + n <= from);
    QVL_TRY(check_rows(store, n_rows, err));
    copy_job job = {store, n_rows, from, to, n, err};
    return run_list(store, record_copies, &job, err);
}
