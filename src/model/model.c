/* model.c - open a model, run steps
 *
 * A run is kept for the next batch of the same dims and wishes: what changes a program
 * or its outputs must be compared in is_same or follow from the dims. All runs use the
 * memory of temporaries in turn, so only results of the last step can be read, and a
 * step that fails leaves none (`last`).
 */
#include "model/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/walk.h"
#include "tensor/dtype.h"

#define MAX_RUNS 4  // recorded programs kept

/* A program for one set of sizes and wishes, recorded on the device. Its
 * temporaries are in memory that all of them use in turn. */
typedef struct {
    // owned
    qvl_arena arena;  // of the program
    qvl_run *run;     // NULL: the entry is free
    // values
    qvl_program program;
    qvl_dims dims;
    qvl_model_want want;
    bool decodes;     // sequences that are continued
    uint64_t used;    // step that used it last
} cached_run;

struct qvl_model {
    // owned
    qvl_arena arena;        // of config and parameter list
    qvl_arena batch_arena;  // of the last batch
    qvl_device *device;
    qvl_checkpoint *checkpoint;
    qvl_store *store;
    cached_run cache[MAX_RUNS];
    // values
    qvl_model_config config;
    qvl_param_list params;
    qvl_types types;
    qvl_model_parts parts;
    qvl_batch_source source;  // of the last batch; its arrays are gone
    qvl_batch batch;
    bool *trained;        // [params] in the arena; NULL: no gradients yet
    bool recompute;
    uint64_t n_steps;
    // borrowed
    cached_run *last;     // of the last step
};

/* ---- open and close ----------------------------------------------------- */

typedef struct {
    qvl_model *model;
    const char *folder;
    const qvl_model_options *options;
    qvl_err *err;
} opening;

static int open_device(qvl_model *m, const qvl_model_options *o,
                       qvl_err *err)
{
    QVL_TRY(qvl_device_open(&m->device, o->device, o->n_threads, err));
    const qvl_device_info *info = &m->device->info;
    qvl_log(QVL_LOG_INFO, "device %s:%d (%s)", info->backend, info->index,
            info->name);
    return QVL_OK;
}

static int open_parts(void *arg)
{
    const opening *o = arg;
    qvl_model *m = o->model;
    QVL_TRY(qvl_model_config_load(&m->config, o->folder, &m->arena, o->err));
    m->params.arena = &m->arena;
    m->config.arch->params(&m->params, &m->config.dims);
    QVL_TRY(qvl_checkpoint_open(&m->checkpoint, o->folder, &m->params,
                                o->err));
    QVL_TRY(open_device(m, o->options, o->err));
    int dtype = o->options->dtype;
    if (dtype == QVL_DTYPE_AUTO)
        dtype = m->device->info.is_gpu ? QVL_BF16 : QVL_F32;
    /* The residual stream keeps full precision: it is small beside the weights,
     * and every layer adds to it. */
    m->types = (qvl_types){ .act = dtype, .res = QVL_F32 };
    QVL_TRY(qvl_store_open(&m->store, m->device, &m->params, &m->types,
                           o->err));
    QVL_TRY(qvl_checkpoint_load(m->checkpoint, m->store, o->err));
    m->parts = (qvl_model_parts){ m->device, &m->config, &m->params,
                                  m->checkpoint, m->store };
    return QVL_OK;
}

int qvl_model_open(qvl_model **model, const char *folder,
                   const qvl_model_options *options, qvl_err *err)
{
    int dtype = options->dtype;
    if (dtype != QVL_F32 && dtype != QVL_BF16 && dtype != QVL_F16
        && dtype != QVL_DTYPE_AUTO)
        return qvl_fail(err, QVL_E_USAGE,
                        "storage type: found %s, expected f32, bf16 or f16",
                        qvl_dtype_name(dtype));
    qvl_model *m = qvl_memory_zeroed(1, sizeof *m);
    opening o = { .model = m, .folder = folder, .options = options,
                  .err = err };
    int rc = qvl_guard(open_parts, &o, err);
    if (rc != QVL_OK) {
        qvl_model_close(m);
        return rc;
    }
    *model = m;
    return QVL_OK;
}

static void drop_run(cached_run *r)
{
    qvl_run_close(r->run);
    qvl_arena_release(&r->arena);
    memset(r, 0, sizeof *r);
}

void qvl_model_close(qvl_model *model)
{
    if (model == NULL)
        return;
    for (int k = 0; k < MAX_RUNS; k++)
        drop_run(&model->cache[k]);
    qvl_store_close(model->store);
    if (model->device != NULL)
        qvl_device_close(model->device);
    qvl_checkpoint_close(model->checkpoint);
    qvl_arena_release(&model->batch_arena);
    qvl_arena_release(&model->arena);
    free(model);
}

const qvl_model_parts *qvl_model_about(const qvl_model *model)
{
    return &model->parts;
}

/* ---- programs ----------------------------------------------------------- */

static bool is_same(const cached_run *r, const qvl_batch *batch,
                    const qvl_model_want *want)
{
    return r->run != NULL && r->decodes == batch->is_continued
           && memcmp(r->dims.i, batch->dims.i, sizeof r->dims.i) == 0
           && r->want.loss == want->loss && r->want.vision == want->vision
           && r->want.grads == want->grads && r->want.rows == want->rows
           && r->want.sum.buf == want->sum.buf
           && r->want.sum.at == want->sum.at;
}

/* The run that fits, or a free entry in place of the oldest. */
static cached_run *find_run(qvl_model *m, const qvl_model_want *want)
{
    cached_run *oldest = &m->cache[0];
    for (int k = 0; k < MAX_RUNS; k++) {
        cached_run *r = &m->cache[k];
        if (is_same(r, &m->batch, want))
            return r;
        if (r->used < oldest->used)
            oldest = r;
    }
    drop_run(oldest);
    return oldest;
}

/* Outputs that are wanted, by the names the program gives. */
static int list_outputs(const cached_run *r, bool logits, const char **name)
{
    int n = 0;
    for (int k = 0; k < r->program.n_outputs; k++) {
        const char *o = r->program.output[k].name;
        if ((logits && strcmp(o, "logits") == 0)
            || (r->want.loss && strcmp(o, "stat_sum") == 0)
            || (r->want.rows && strcmp(o, "stat") == 0)
            || (r->want.vision && strncmp(o, "vision.", 7) == 0))
            name[n++] = o;
    }
    return n;
}

static int open_run(qvl_model *m, cached_run *r, qvl_err *err)
{
    const qvl_arch *arch = m->config.arch;
    qvl_program_init(&r->program, m->params.n, arch->n_inputs, &r->arena);
    if (r->want.loss || r->want.grads)
        arch->train(&r->program, &r->dims);
    else if (r->decodes)
        arch->decode(&r->program, &r->dims);
    else
        arch->infer(&r->program, &r->dims);

    const char **output =
        qvl_arena_array(&r->arena, const char *, r->program.n_outputs);
    qvl_plan_options options = {
        .output = output,
        .n_outputs = list_outputs(r, m->batch.n_logits > 0, output),
        .trained = r->want.grads ? m->trained : NULL,
        .states = m->batch.source->cache != NULL,
        .types = m->types,
        .recompute = r->want.grads && m->recompute,
    };
    qvl_run_sum sum = { .total = r->want.sum };
    if (r->want.sum.buf != NULL)
        sum.sum = "stat_sum";
    return qvl_run_open_shared(&r->run, m->store, &r->program, &options, &sum,
                               err);
}

int qvl_model_train(qvl_model *model, const bool *trained, bool recompute,
                    qvl_err *err)
{
    assert(model->trained == NULL);
    size_t n = (size_t)model->params.n;
    bool *own = qvl_arena_array(&model->arena, bool, n);
    memcpy(own, trained, n * sizeof *own);
    QVL_TRY(qvl_store_train(model->store, own, err));
    model->trained = own;
    model->recompute = recompute;
    return QVL_OK;
}

static int train_all(qvl_model *m, qvl_err *err)
{
    bool *all = qvl_arena_array(&m->batch_arena, bool, m->params.n);
    memset(all, true, (size_t)m->params.n * sizeof *all);
    return qvl_model_train(m, all, false, err);
}

/* ---- steps -------------------------------------------------------------- */

static int give_inputs(qvl_model *m, qvl_run *run, qvl_err *err)
{
    for (int i = 0; i < m->config.arch->n_inputs; i++) {
        qvl_batch_array a;
        if (!qvl_run_needs(run, i))
            continue;
        QVL_TRY(qvl_batch_input(&m->batch, i, &a, err));
        QVL_TRY(qvl_run_input(run, i, a.data, a.n, err));
    }
    return QVL_OK;
}

int qvl_model_step(qvl_model *model, const qvl_batch_source *source,
                   const qvl_model_want *want, qvl_err *err)
{
    model->last = NULL;
    qvl_arena_reset(&model->batch_arena);
    model->source = *source;
    QVL_TRY(qvl_batch_make(&model->batch, &model->config, &model->source,
                           &model->batch_arena, err));
    qvl_model_want w = *want;
    w.vision = w.vision && model->batch.n_rows > 0;
    w.loss = w.loss || w.sum.buf != NULL;
    if ((w.loss || w.grads) && model->batch.n_labels == 0)
        return qvl_fail(err, QVL_E_DATA,
                        "labels: found none that counts, expected one for a "
                        "loss");
    if (source->logits == QVL_LOGITS_NONE && !w.loss && !w.grads && !w.vision)
        return qvl_fail(err, QVL_E_USAGE,
                        "step: found nothing to compute, expected logits, "
                        "loss, vision outputs of pictures, or gradients");

    const qvl_device_info *info = &model->device->info;
    QVL_TRY(qvl_batch_check_walk(&model->batch, w.grads, info->max_walk,
                                 info->name, err));
    if (w.grads && model->trained == NULL)
        QVL_TRY(train_all(model, err));
    cached_run *r = find_run(model, &w);
    if (r->run == NULL) {
        r->dims = model->batch.dims;
        r->want = w;
        r->decodes = model->batch.is_continued;
        QVL_TRY(open_run(model, r, err));
    }
    r->used = ++model->n_steps;
    QVL_TRY(give_inputs(model, r->run, err));
    QVL_TRY(qvl_run_submit(r->run, w.more, err));
    model->last = r;
    return QVL_OK;
}

void qvl_model_drop_cache(qvl_model *model)
{
    model->last = NULL;
    for (int k = 0; k < MAX_RUNS; k++)
        drop_run(&model->cache[k]);
    qvl_store_drop_states(model->store);
}

int qvl_model_copy_kept(qvl_model *model, int n_slots, int from, int to, int n,
                        qvl_err *err)
{
    assert(from >= 0 && to >= 0 && n >= 0);
    return qvl_store_copy_states(model->store, (size_t)n_slots, (size_t)from,
                                 (size_t)to, (size_t)n, err);
}

const qvl_batch *qvl_model_batch(const qvl_model *model)
{
    assert(model->last != NULL);
    return &model->batch;
}

const qvl_program *qvl_model_program(const qvl_model *model)
{
    assert(model->last != NULL);
    return &model->last->program;
}

const qvl_plan *qvl_model_plan(const qvl_model *model)
{
    assert(model->last != NULL);
    return qvl_run_plan(model->last->run);
}

int qvl_model_profile(qvl_model *model, double *s, qvl_err *err)
{
    assert(model->last != NULL);
    return qvl_run_profile(model->last->run, s, err);
}

int qvl_model_output(qvl_model *model, const char *name, float *dst, size_t n,
                     qvl_err *err)
{
    assert(model->last != NULL);
    return qvl_run_output(model->last->run, name, dst, n, err);
}

int qvl_model_copy(qvl_model *model, const char *name, qvl_slice to,
                   qvl_list **list, qvl_err *err)
{
    assert(model->last != NULL);
    return qvl_run_copy(model->last->run, name, to, list, err);
}
