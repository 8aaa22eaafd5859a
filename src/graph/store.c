/* store.c - device memory of parameters and their gradients
 *
 * Parameters are laid out in the order of their list. A small one goes into the
 * shared buffer that is being filled, a large one gets a buffer of its own, so
 * that an allocation limit wastes little and buffers stay few.
 */
#include "graph/store.h"

#include <assert.h>
#include <stdlib.h>

#include "tensor/dtype.h"

#define SHARED_BYTES ((size_t)64 << 20)
#define OWN_BYTES (SHARED_BYTES / 4)  // from here on a buffer of its own

/* Where a tensor is. */
typedef struct {
    int buf;  // -1: nowhere
    size_t at;
    size_t bytes;
} slot;

/* One tensor for each parameter, or for some. */
typedef struct {
    slot *slot;         // [n_params]
    qvl_buf *buf;       // [n_bufs]
    size_t *buf_bytes;  // [n_bufs]
    int n_bufs;
    int n_open;         // of the buffers, those that are allocated
} shelf;

struct qvl_store {
    // owned
    qvl_arena arena;
    shelf weights;
    shelf grads;        // without slots until training
    int *owner;         // [n_params]
    size_t *n_elems;    // [n_params]
    int *dtype;         // [n_params]
    qvl_stage stage;
    qvl_buf *state;     // [cap_states], those with bytes are allocated
    int cap_states;
    // borrowed
    qvl_device *dev;
    const char **name;  // [n_params] in the list's arena
    int n_params;
    qvl_types types;
};

/* ---- layout ---- */

static size_t round_up(size_t bytes, size_t align)
{
    return (bytes + align - 1) / align * align;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Give tensor i its place. `shared` is the buffer being filled, or -1. */
static void add_slot(shelf *s, int i, size_t bytes, int *shared,
                     size_t shared_bytes)
{
    bool is_large = bytes >= OWN_BYTES || bytes > shared_bytes;
    bool fits = *shared >= 0 && !is_large
                && bytes <= shared_bytes - s->buf_bytes[*shared];
    int buf = fits ? *shared : s->n_bufs++;
    s->slot[i] = (slot){buf, s->buf_bytes[buf], bytes};
    s->buf_bytes[buf] += bytes;
    if (!is_large)
        *shared = buf;
}

/* Lay out tensors of bytes[i], those with 0 nowhere. */
static shelf lay_out(qvl_store *st, const size_t *bytes)
{
    size_t n = (size_t)st->n_params;
    shelf s = {
        .slot = qvl_arena_array(&st->arena, slot, n),
        .buf = qvl_arena_array(&st->arena, qvl_buf, n),
        .buf_bytes = qvl_arena_array(&st->arena, size_t, n),
    };
    int shared = -1;
    size_t limit = min_size(SHARED_BYTES, st->dev->info.max_alloc_bytes);
    for (int i = 0; i < st->n_params; i++) {
        if (bytes[i] == 0)
            s.slot[i].buf = -1;
        else
            add_slot(&s, i, bytes[i], &shared, limit);
    }
    return s;
}

/* Bytes to reserve for parameter i in `dtype`; parameters of no elements are
 * bound as well. */
static size_t reserved(const qvl_store *st, int i, int dtype)
{
    size_t align = st->dev->info.align_bytes;
    if (align < 16)
        align = 16;
    size_t bytes = st->n_elems[i] * qvl_dtype_bytes(dtype);
    return bytes == 0 ? align : round_up(bytes, align);
}

/* ---- device memory ---- */

static void release_shelf(qvl_device *dev, shelf *s)
{
    while (s->n_open > 0)
        dev->be->release(dev, &s->buf[--s->n_open]);
    *s = (shelf){0};
}

static int open_shelf(qvl_device *dev, shelf *s, qvl_err *err)
{
    for (int k = 0; k < s->n_bufs; k++) {
        QVL_TRY(dev->be->alloc(dev, s->buf_bytes[k], &s->buf[k], err));
        s->n_open++;
    }
    return QVL_OK;
}

static size_t shelf_bytes(const shelf *s)
{
    size_t bytes = 0;
    for (int k = 0; k < s->n_bufs; k++)
        bytes += s->buf_bytes[k];
    return bytes;
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
    return open_shelf(st->dev, &st->weights, job->err);
}

int qvl_store_open(qvl_store **store, qvl_device *dev,
                   const qvl_param_list *params, const qvl_types *types,
                   qvl_err *err)
{
    qvl_store *st = qvl_memory_resize(NULL, sizeof *st);
    *st = (qvl_store){0};
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
    release_shelf(store->dev, &store->grads);
    release_shelf(store->dev, &store->weights);
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
    return shelf_bytes(&store->weights) + shelf_bytes(&store->grads);
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
    const qvl_kernel *zero = qvl_family_zero.form[0];
    size_t limit = min_size(st->dev->info.max_binding_bytes, whole.bytes);
    size_t align = st->dev->info.align_bytes;
    size_t most = (limit < align ? limit : limit / align * align) / 4;
    for (size_t lo = 0; lo < n; lo += most) {
        size_t m = min_size(most, n - lo);
        uint32_t arg[2] = {(uint32_t)m, 0};
        size_t bytes = m * 4 < 16 ? 16 : m * 4;
        qvl_slice part = {whole.buf, whole.at + lo * 4, bytes};
        QVL_TRY(st->dev->be->dispatch(st->dev, zero, &part, arg, err));
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
        if (st->grads.slot[i].buf != -1)
            QVL_TRY(record_zero(st, qvl_store_grad_slice(st, i),
                                st->n_elems[i], job->err));
    return QVL_OK;
}

static int zero_grads(qvl_store *st, qvl_err *err)
{
    const qvl_backend *be = st->dev->be;
    assert(qvl_family_zero.form[0] != NULL);
    zero_job job = {st, err};
    QVL_TRY(be->list_begin(st->dev, err));
    int rc = qvl_guard(record_zeros, &job, err);
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
    int rc = open_shelf(store->dev, &store->grads, err);
    if (rc == QVL_OK)
        rc = zero_grads(store, err);
    if (rc != QVL_OK) {
        release_shelf(store->dev, &store->grads);
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

size_t qvl_store_state_bytes(const qvl_store *store)
{
    size_t bytes = 0;
    for (int i = 0; i < store->cap_states; i++)
        bytes += store->state[i].bytes;
    return bytes;
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

static qvl_slice slice_of(const shelf *s, int i)
{
    const slot *t = &s->slot[i];
    assert(t->buf != -1);
    return (qvl_slice){&s->buf[t->buf], t->at, t->bytes};
}

qvl_slice qvl_store_slice(const qvl_store *store, int i)
{
    return slice_of(&store->weights, store->owner[i]);
}

qvl_slice qvl_store_grad_slice(const qvl_store *store, int i)
{
    assert(qvl_store_is_trained(store, i));
    return slice_of(&store->grads, store->owner[i]);
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

const qvl_types *qvl_store_types(const qvl_store *store)
{
    return &store->types;
}

bool qvl_store_is_trained(const qvl_store *store, int i)
{
    assert(i >= 0 && i < store->n_params);
    return store->grads.slot != NULL
           && store->grads.slot[store->owner[i]].buf != -1;
}

qvl_device *qvl_store_device(const qvl_store *store)
{
    return store->dev;
}

qvl_stage *qvl_store_stage(qvl_store *store)
{
    return &store->stage;
}
