/* optim.c - memory of the optimizer, its list, its steps
 *
 * Parameters longer than a device binds are cut into pieces, and each piece is an
 * update of its own; what changes from step to step (rates, the factor of clipping)
 * lies in the table `rule`, so the list is recorded once and never again. Its columns
 * and those of `stat` are named in shaders/optim.k.
 */
#include "train/optim.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "graph/shelf.h"
#include "graph/store.h"
#include "tensor/dtype.h"

/* Generated from shaders/optim.k. */
extern const qvl_kernel_family qvl_family_square_sum;
extern const qvl_kernel_family qvl_family_clip;
extern const qvl_kernel_family qvl_family_adamw;
extern const qvl_kernel_family qvl_family_adamw_master;

#define RUN_ELEMS ((size_t)16384)  // of square_sum, a partial sum each
#define STAT_BYTES ((size_t)4 * QVL_N_STAT)
#define LEAST_BYTES ((size_t)16)  // of a slice
#define PIECE_ELEMS ((size_t)1 << 18)  // of state that pass the host at a time

/* A range of a trained parameter, as long as the device binds. */
typedef struct {
    int param;
    size_t first, n;
    size_t part_at;  // first byte of its partial sums
} piece;

/* Tensors on the shelf: M, V and MASTER of each parameter, then these. */
enum { PARTS, RULE, OUT, N_OTHERS };

struct qvl_optim {
    // owned
    qvl_arena arena;
    qvl_shelf shelf;   // [3 n_params + N_OTHERS]
    qvl_list *list;
    piece *piece;      // [n_pieces]
    int n_pieces;
    int *group;        // [n_params]
    float *rule;       // [1 + n_groups, QVL_N_GROUP_RULE]
    float *out;        // [out_bytes / 4] sums, then stat
    float *scratch;    // [PIECE_ELEMS]
    // borrowed
    qvl_store *store;
    qvl_device *dev;
    // values
    int n_params;
    int n_groups;
    size_t *n_elems;   // [n_params]
    size_t parts_bytes;
    size_t stat_at;    // byte of stat in OUT
    size_t out_bytes;
    int64_t n_updates;
    bool is_pending;   // a step was submitted and not yet read
    bool has_rules;    // RULE was written
    qvl_optim_row *row;  // while a list is recorded for a profile, else NULL
    int n_rows;
};

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ---- memory ------------------------------------------------------------- */

/* Is parameter i trained, and not through another one? */
static bool is_trained(const qvl_optim *o, int i)
{
    return qvl_store_is_trained(o->store, i)
           && qvl_store_owner(o->store, i) == i;
}

bool qvl_optim_has_master(const qvl_optim *optim, int i)
{
    return qvl_store_dtype(optim->store, i) != QVL_F32;
}

static int slot_of(const qvl_optim *o, int i, qvl_optim_part part)
{
    return 3 * qvl_store_owner(o->store, i) + (int)part;
}

static qvl_slice state_of(const qvl_optim *o, int i, qvl_optim_part part)
{
    if (part == QVL_OPTIM_MASTER && !qvl_optim_has_master(o, i))
        return qvl_store_slice(o->store, i);
    return qvl_shelf_slice(&o->shelf, slot_of(o, i, part));
}

static qvl_slice other_of(const qvl_optim *o, int which)
{
    return qvl_shelf_slice(&o->shelf, 3 * o->n_params + which);
}

/* Elements of a piece: whole runs where the limit allows, and a multiple of the
 * alignment in any type. */
static size_t piece_elems(const qvl_optim *o)
{
    const qvl_device_info *info = &o->dev->info;
    size_t most = min_size(info->max_binding_bytes, info->max_alloc_bytes) / 4;
    size_t unit = most >= RUN_ELEMS ? RUN_ELEMS : info->align_bytes;
    return most < unit ? most : most / unit * unit;
}

/* Cut the trained parameters; partial sums of each piece start at a place that
 * can be bound. */
static void cut(qvl_optim *o)
{
    size_t most = piece_elems(o);
    size_t n = 0;
    for (int i = 0; i < o->n_params; i++)
        if (is_trained(o, i))
            n += (o->n_elems[i] + most - 1) / most;
    o->piece = qvl_arena_array(&o->arena, piece, n);
    for (int i = 0; i < o->n_params; i++) {
        if (!is_trained(o, i))
            continue;
        for (size_t at = 0; at < o->n_elems[i]; at += most) {
            piece *p = &o->piece[o->n_pieces++];
            *p = (piece){ i, at, min_size(most, o->n_elems[i] - at),
                          o->parts_bytes };
            size_t n_runs = (p->n + RUN_ELEMS - 1) / RUN_ELEMS;
            o->parts_bytes += qvl_shelf_reserve(o->dev, 4 * n_runs);
        }
    }
}

static int open_memory(qvl_optim *o, qvl_err *err)
{
    int n = 3 * o->n_params + N_OTHERS;
    size_t *bytes = qvl_arena_array(&o->arena, size_t, n);
    for (int i = 0; i < o->n_params; i++) {
        if (!is_trained(o, i))
            continue;
        size_t all = qvl_shelf_reserve(o->dev, 4 * o->n_elems[i]);
        bytes[slot_of(o, i, QVL_OPTIM_M)] = all;
        bytes[slot_of(o, i, QVL_OPTIM_V)] = all;
        if (qvl_optim_has_master(o, i))
            bytes[slot_of(o, i, QVL_OPTIM_MASTER)] = all;
    }
    size_t rule_bytes = (size_t)(1 + o->n_groups) * QVL_N_GROUP_RULE * 4;
    o->stat_at = qvl_shelf_reserve(o->dev, LEAST_BYTES);
    o->out_bytes = o->stat_at + qvl_shelf_reserve(o->dev, STAT_BYTES);
    o->parts_bytes = qvl_shelf_reserve(o->dev, o->parts_bytes);
    bytes[3 * o->n_params + PARTS] = o->parts_bytes;
    bytes[3 * o->n_params + RULE] = qvl_shelf_reserve(o->dev, rule_bytes);
    bytes[3 * o->n_params + OUT] = o->out_bytes;
    if (o->parts_bytes > o->dev->info.max_binding_bytes)
        return qvl_fail(err, QVL_E_DEVICE,
                        "sums of gradients take %zu bytes, the device binds at "
                        "most %zu", o->parts_bytes,
                        o->dev->info.max_binding_bytes);
    o->rule = qvl_arena_alloc(&o->arena, rule_bytes);
    o->out = qvl_arena_alloc(&o->arena, o->out_bytes);
    o->scratch = qvl_arena_array(&o->arena, float, PIECE_ELEMS);
    o->shelf = qvl_shelf_plan(o->dev, bytes, n, &o->arena);
    return qvl_shelf_open(o->dev, &o->shelf, err);
}

static int write_zeros(qvl_optim *o, qvl_slice dst, qvl_err *err)
{
    memset(o->scratch, 0, PIECE_ELEMS * sizeof *o->scratch);
    for (size_t at = 0; at < dst.bytes; at += 4 * PIECE_ELEMS) {
        qvl_slice part = { dst.buf, dst.at + at,
                           min_size(4 * PIECE_ELEMS, dst.bytes - at) };
        QVL_TRY(o->dev->be->write(o->dev, part, o->scratch, err));
    }
    return QVL_OK;
}

static int copy_master(qvl_optim *o, int i, qvl_err *err)
{
    for (size_t at = 0; at < o->n_elems[i]; at += PIECE_ELEMS) {
        size_t n = min_size(PIECE_ELEMS, o->n_elems[i] - at);
        qvl_slice part = state_of(o, i, QVL_OPTIM_MASTER);
        part.at += 4 * at;
        part.bytes = 4 * n;
        QVL_TRY(qvl_store_read(o->store, i, at, n, o->scratch, err));
        QVL_TRY(o->dev->be->write(o->dev, part, o->scratch, err));
    }
    return QVL_OK;
}

int qvl_optim_reset(qvl_optim *optim, qvl_err *err)
{
    for (int i = 0; i < optim->n_params; i++) {
        if (!is_trained(optim, i))
            continue;
        QVL_TRY(write_zeros(optim, state_of(optim, i, QVL_OPTIM_M), err));
        QVL_TRY(write_zeros(optim, state_of(optim, i, QVL_OPTIM_V), err));
        if (qvl_optim_has_master(optim, i))
            QVL_TRY(copy_master(optim, i, err));
    }
    QVL_TRY(write_zeros(optim, other_of(optim, PARTS), err));
    QVL_TRY(write_zeros(optim, other_of(optim, OUT), err));
    optim->n_updates = 0;
    optim->is_pending = false;
    return QVL_OK;
}

/* ---- the list ----------------------------------------------------------- */

/* The part of a tensor of elements of `elem_bytes` that a piece is. */
static qvl_slice cut_slice(qvl_slice whole, const piece *p, size_t elem_bytes)
{
    size_t bytes = p->n * elem_bytes;
    return (qvl_slice){ whole.buf, whole.at + p->first * elem_bytes,
                        max_size(LEAST_BYTES, (bytes + 3) / 4 * 4) };
}

/* Append a kernel over n_elems elements. */
static int append(qvl_optim *o, const qvl_kernel *k, size_t n_elems,
                  const qvl_slice *buf, const uint32_t *arg, qvl_err *err)
{
    if (o->row != NULL) {
        qvl_optim_row *row = &o->row[o->n_rows++];
        *row = (qvl_optim_row){ .kernel = k, .n_elems = (uint32_t)n_elems };
        for (int b = 0; b < k->n_bufs; b++)
            row->bytes += (double)buf[b].bytes;
    }
    return o->dev->be->dispatch(o->dev, k, buf, arg, err);
}

static int record_square(qvl_optim *o, const piece *p, qvl_err *err)
{
    size_t n_runs = (p->n + RUN_ELEMS - 1) / RUN_ELEMS;
    qvl_slice sums = other_of(o, PARTS);
    sums.at += p->part_at;
    sums.bytes = max_size(LEAST_BYTES, 4 * n_runs);
    qvl_slice buf[QVL_SQUARE_SUM_N_BUFS];
    uint32_t arg[QVL_SQUARE_SUM_N_ARGS];
    qvl_square_sum_bufs(
        buf, cut_slice(qvl_store_grad_slice(o->store, p->param), p, 4), sums);
    qvl_square_sum_args(arg, (uint32_t)p->n, (uint32_t)n_runs,
                        (uint32_t)RUN_ELEMS);
    return append(o, qvl_family_form(&qvl_family_square_sum, QVL_F32), p->n, buf,
                  arg, err);
}

static qvl_slice stat_of(const qvl_optim *o)
{
    qvl_slice s = other_of(o, OUT);
    return (qvl_slice){ s.buf, s.at + o->stat_at, STAT_BYTES };
}

static uint32_t n_rules(const qvl_optim *o)
{
    return (uint32_t)(1 + o->n_groups);
}

static int record_clip(qvl_optim *o, qvl_err *err)
{
    size_t n_parts = o->parts_bytes / 4;
    qvl_slice buf[QVL_CLIP_N_BUFS];
    uint32_t arg[QVL_CLIP_N_ARGS];
    qvl_clip_bufs(buf, other_of(o, PARTS), other_of(o, RULE), stat_of(o));
    qvl_clip_args(arg, (uint32_t)n_parts, n_rules(o));
    return append(o, qvl_family_form(&qvl_family_clip, QVL_F32), n_parts, buf,
                  arg, err);
}

/* A weight that is its own master. */
static int record_plain(qvl_optim *o, const piece *p, qvl_err *err)
{
    int i = p->param;
    qvl_slice buf[QVL_ADAMW_N_BUFS];
    uint32_t arg[QVL_ADAMW_N_ARGS];
    qvl_adamw_bufs(buf, cut_slice(state_of(o, i, QVL_OPTIM_MASTER), p, 4),
                   cut_slice(qvl_store_grad_slice(o->store, i), p, 4),
                   cut_slice(state_of(o, i, QVL_OPTIM_M), p, 4),
                   cut_slice(state_of(o, i, QVL_OPTIM_V), p, 4),
                   other_of(o, RULE), stat_of(o));
    qvl_adamw_args(arg, (uint32_t)p->n, n_rules(o),
                   (uint32_t)(1 + o->group[i]));
    return append(o, qvl_family_form(&qvl_family_adamw, QVL_F32), p->n, buf,
                  arg, err);
}

/* A weight of 16 bits and its master in f32. */
static int record_master(qvl_optim *o, const piece *p, qvl_err *err)
{
    int i = p->param;
    int dtype = qvl_store_dtype(o->store, i);
    qvl_slice buf[QVL_ADAMW_MASTER_N_BUFS];
    uint32_t arg[QVL_ADAMW_MASTER_N_ARGS];
    qvl_adamw_master_bufs(
        buf, cut_slice(qvl_store_slice(o->store, i), p, qvl_dtype_bytes(dtype)),
        cut_slice(state_of(o, i, QVL_OPTIM_MASTER), p, 4),
        cut_slice(qvl_store_grad_slice(o->store, i), p, 4),
        cut_slice(state_of(o, i, QVL_OPTIM_M), p, 4),
        cut_slice(state_of(o, i, QVL_OPTIM_V), p, 4), other_of(o, RULE),
        stat_of(o));
    qvl_adamw_master_args(arg, (uint32_t)p->n, n_rules(o),
                          (uint32_t)(1 + o->group[i]));
    return append(o, qvl_family_form(&qvl_family_adamw_master, dtype), p->n,
                  buf, arg, err);
}

static int record_update(qvl_optim *o, const piece *p, qvl_err *err)
{
    return qvl_optim_has_master(o, p->param) ? record_master(o, p, err)
                                             : record_plain(o, p, err);
}

typedef struct {
    qvl_optim *o;
    qvl_err *err;
} record_job;

static int record_all(void *arg)
{
    const record_job *job = arg;
    qvl_optim *o = job->o;
    for (int k = 0; k < o->n_pieces; k++)
        QVL_TRY(record_square(o, &o->piece[k], job->err));
    QVL_TRY(record_clip(o, job->err));
    for (int k = 0; k < o->n_pieces; k++)
        QVL_TRY(record_update(o, &o->piece[k], job->err));
    return QVL_OK;
}

static int record(qvl_optim *o, qvl_list **made, qvl_err *err)
{
    const qvl_backend *be = o->dev->be;
    record_job job = { o, err };
    QVL_TRY(be->list_begin(o->dev, err));
    int rc = qvl_guard(record_all, &job, err);
    qvl_list *list = NULL;
    int end = be->list_end(o->dev, &list, rc == QVL_OK ? err : NULL);
    if (rc == QVL_OK)
        rc = end;
    if (rc == QVL_OK)
        *made = list;
    else if (list != NULL)
        be->list_release(o->dev, list);
    return rc;
}

/* ---- open and close ----------------------------------------------------- */

typedef struct {
    qvl_optim *o;
    const int *group;
    qvl_err *err;
} open_job;

static int open_parts(void *arg)
{
    const open_job *job = arg;
    qvl_optim *o = job->o;
    o->group = qvl_arena_array(&o->arena, int, o->n_params);
    memcpy(o->group, job->group, (size_t)o->n_params * sizeof *o->group);
    o->n_elems = qvl_arena_array(&o->arena, size_t, o->n_params);
    for (int i = 0; i < o->n_params; i++) {
        o->n_elems[i] = qvl_store_n_elems(o->store, i);
        assert(!is_trained(o, i)
               || (o->group[i] >= 0 && o->group[i] < o->n_groups));
    }
    cut(o);
    QVL_TRY(open_memory(o, job->err));
    QVL_TRY(qvl_optim_reset(o, job->err));
    return record(o, &o->list, job->err);
}

int qvl_optim_open(qvl_optim **optim, qvl_store *store, const int *group,
                   int n_groups, qvl_err *err)
{
    qvl_optim *o = qvl_memory_zeroed(1, sizeof *o);
    *o = (qvl_optim){ .store = store, .dev = qvl_store_device(store),
                      .n_params = qvl_store_n_params(store),
                      .n_groups = n_groups };
    open_job job = { o, group, err };
    int rc = qvl_guard(open_parts, &job, err);
    if (rc != QVL_OK) {
        qvl_err_add(err, "memory for the optimizer");
        qvl_optim_close(o);
        return rc;
    }
    *optim = o;
    return QVL_OK;
}

void qvl_optim_close(qvl_optim *optim)
{
    if (optim == NULL)
        return;
    if (optim->list != NULL)
        optim->dev->be->list_release(optim->dev, optim->list);
    qvl_shelf_release(optim->dev, &optim->shelf);
    qvl_arena_release(&optim->arena);
    free(optim);
}

qvl_slice qvl_optim_total(const qvl_optim *optim)
{
    qvl_slice s = other_of(optim, OUT);
    return (qvl_slice){ s.buf, s.at, LEAST_BYTES };
}

size_t qvl_optim_bytes(const qvl_optim *optim)
{
    return qvl_shelf_bytes(&optim->shelf);
}

int64_t qvl_optim_n_updates(const qvl_optim *optim)
{
    return optim->n_updates;
}

void qvl_optim_set_updates(qvl_optim *optim, int64_t n)
{
    optim->n_updates = n;
}

/* ---- steps -------------------------------------------------------------- */

/* A group's row of `rule`, at update t. */
static void set_row(float *row, const qvl_optim_rates *r, double t)
{
    row[QVL_GROUP_RULE_BETA1] = (float)r->beta1;
    row[QVL_GROUP_RULE_REST1] = (float)(1.0 - r->beta1);
    row[QVL_GROUP_RULE_BETA2] = (float)r->beta2;
    row[QVL_GROUP_RULE_REST2] = (float)(1.0 - r->beta2);
    row[QVL_GROUP_RULE_RATE] = (float)(r->lr / (1.0 - pow(r->beta1, t)));
    row[QVL_GROUP_RULE_ROOT] = (float)(1.0 / sqrt(1.0 - pow(r->beta2, t)));
    row[QVL_GROUP_RULE_EPSILON] = (float)r->epsilon;
    row[QVL_GROUP_RULE_DECAY] = (float)(r->lr * r->decay);
}

int qvl_optim_step(qvl_optim *optim, const qvl_optim_rates *rates,
                   double max_norm, double factor, qvl_err *err)
{
    assert(!optim->is_pending);
    double t = (double)optim->n_updates + 1.0;
    optim->rule[QVL_ALL_RULE_MAX_NORM] = max_norm > 0.0 ? (float)max_norm : 0.0f;
    optim->rule[QVL_ALL_RULE_FACTOR] = (float)factor;
    for (int g = 0; g < optim->n_groups; g++)
        set_row(optim->rule + (size_t)(1 + g) * QVL_N_GROUP_RULE, &rates[g], t);
    qvl_slice dst = other_of(optim, RULE);
    dst.bytes = (size_t)(1 + optim->n_groups) * QVL_N_GROUP_RULE * 4;
    QVL_TRY(optim->dev->be->write(optim->dev, dst, optim->rule, err));
    optim->has_rules = true;
    QVL_TRY(optim->dev->be->submit(optim->dev, optim->list, err));
    optim->is_pending = true;
    return QVL_OK;
}

int qvl_optim_read(qvl_optim *optim, qvl_optim_report *report, qvl_err *err)
{
    assert(optim->is_pending);
    optim->is_pending = false;
    QVL_TRY(optim->dev->be->read(optim->dev, other_of(optim, OUT), optim->out,
                                 err));
    const float *stat = optim->out + optim->stat_at / 4;
    *report = (qvl_optim_report){ .sum = { optim->out[0], optim->out[1] },
                                  .norm = (double)stat[QVL_STAT_NORM],
                                  .is_applied = stat[QVL_STAT_IS_APPLIED] > 0.0f };
    optim->n_updates += report->is_applied;
    return QVL_OK;
}

int qvl_optim_profile(qvl_optim *optim, qvl_optim_row **rows, int *n,
                      qvl_arena *arena, qvl_err *err)
{
    qvl_optim *o = optim;
    const qvl_backend *be = o->dev->be;
    assert(!o->is_pending && o->has_rules);
    if (be->profile == NULL)
        return qvl_fail(err, QVL_E_UNSUPPORTED,
                        "profile (device %s:%d): found no clock for steps, "
                        "expected one", o->dev->info.backend,
                        o->dev->info.index);
    int n_all = 2 * o->n_pieces + 1;
    qvl_optim_row *all = qvl_arena_array(arena, qvl_optim_row, n_all);
    double *s = qvl_arena_array(arena, double, n_all);
    qvl_list *list = NULL;
    o->row = all;
    o->n_rows = 0;
    int rc = record(o, &list, err);
    o->row = NULL;
    if (rc == QVL_OK)
        rc = be->profile(o->dev, list, s, err);
    if (list != NULL)
        be->list_release(o->dev, list);
    for (int i = 0; i < n_all; i++)
        all[i].s = s[i];
    if (rc == QVL_OK) {
        *rows = all;
        *n = n_all;
    }
    return rc;
}

/* ---- state -------------------------------------------------------------- */

static qvl_slice range_of(const qvl_optim *o, int i, qvl_optim_part part,
                          size_t first, size_t n)
{
    assert(qvl_store_is_trained(o->store, i));
    assert(first <= o->n_elems[i] && n <= o->n_elems[i] - first);
    qvl_slice s = state_of(o, i, part);
    return (qvl_slice){ s.buf, s.at + 4 * first, 4 * n };
}

int qvl_optim_read_state(qvl_optim *optim, int i, qvl_optim_part part,
                         size_t first, size_t n, float *dst, qvl_err *err)
{
    qvl_slice src = range_of(optim, i, part, first, n);
    return n == 0 ? QVL_OK
                  : optim->dev->be->read(optim->dev, src, dst, err);
}

int qvl_optim_write_state(qvl_optim *optim, int i, qvl_optim_part part,
                          size_t first, size_t n, const float *src,
                          qvl_err *err)
{
    qvl_slice dst = range_of(optim, i, part, first, n);
    if (n == 0)
        return QVL_OK;
    if (part == QVL_OPTIM_MASTER && qvl_optim_has_master(optim, i))
        QVL_TRY(qvl_store_write(optim->store, i, first, n, src, QVL_F32,
                                err));
    return optim->dev->be->write(optim->dev, dst, src, err);
}
