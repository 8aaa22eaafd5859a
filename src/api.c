/* api.c - the public functions
 *
 * Each is a guard against running out of host memory around the module that
 * does the work, and translates errors.
 */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/model.h"
#include "model/results.h"
#include "tensor/dtype.h"
#include "text/label.h"

struct qvl {
    qvl_model *model;
    qvl_results results;
};

_Static_assert(QVL_MAX_RANK == QVL_ST_MAX_RANK, "rank of a tensor in a file");
_Static_assert(QVL_LABEL_NONE == QVL_IGNORE_INDEX, "a label that does not count");

const char *qvl_version(void)
{
    return QVL_VERSION;  // given by the build
}

int qvl_api_report(int rc, const qvl_err *err, qvl_error *error)
{
    if (error == NULL)
        return rc;
    memset(error, 0, sizeof *error);
    if (rc == QVL_OK)
        return rc;
    error->code = rc;
    error->exit_code = qvl_err_exit_code(rc);
    _Static_assert(sizeof error->message == sizeof err->msg, "message");
    _Static_assert(sizeof error->hint == sizeof err->hint, "hint");
    memcpy(error->message, err->msg, sizeof err->msg);
    memcpy(error->hint, err->hint, sizeof err->hint);
    return rc;
}

/* ---- open --------------------------------------------------------------- */

typedef struct {
    qvl *handle;
    const char *folder;
    const qvl_options *options;
    qvl_err *err;
} opening;

int qvl_api_model_options(qvl_model_options *out, const qvl_options *options,
                          qvl_err *err)
{
    qvl_model_options o = {
        .device = options->device != NULL ? options->device : "auto",
        .n_threads = options->n_threads,
        .dtype = QVL_F32,
    };
    if (options->dtype != NULL)
        QVL_TRY(qvl_dtype_parse(options->dtype, &o.dtype, err));
    *out = o;
    return QVL_OK;
}

static int open_model(void *arg)
{
    opening *o = arg;
    qvl_model_options options;
    o->handle = qvl_memory_zeroed(1, sizeof *o->handle);
    QVL_TRY(qvl_api_model_options(&options, o->options, o->err));
    return qvl_model_open(&o->handle->model, o->folder, &options, o->err);
}

int qvl_open(qvl **model, const char *folder, const qvl_options *options,
             qvl_error *error)
{
    qvl_err err = { 0 };
    opening o = { .folder = folder, .options = options, .err = &err };
    int rc = qvl_guard(open_model, &o, &err);
    if (rc != QVL_OK) {
        qvl_close(o.handle);
        return qvl_api_report(rc, &err, error);
    }
    o.handle->results.model = o.handle->model;
    *model = o.handle;
    return qvl_api_report(QVL_OK, &err, error);
}

void qvl_close(qvl *model)
{
    if (model == NULL)
        return;
    qvl_results_release(&model->results);
    qvl_model_close(model->model);
    free(model);
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
    qvl *handle;
    const qvl_batch_in *in;
    unsigned want;
    qvl_err *err;
} forwarding;

static int check_pictures(const qvl_model_config *config,
                          const qvl_pictures *p, const char *name,
                          qvl_err *err)
{
    size_t cols = (size_t)config->vision.patch_values;
    if (p->n_grids < 0)
        return qvl_fail(err, QVL_E_DATA,
                        "%s: found %d grids, expected none or more", name,
                        p->n_grids);
    if (p->n_rows == 0 || p->n_cols == cols || !config->has_vision)
        return QVL_OK;  // pictures for a text model: the batch tells
    return qvl_fail(err, QVL_E_DATA,
                    "%s: found rows of %zu numbers, expected %zu", name,
                    p->n_cols, cols);
}

static qvl_batch_pictures pictures_of(const qvl_pictures *p)
{
    return (qvl_batch_pictures){ .grid = p->grid, .n = p->n_grids,
                                 .pixels = p->pixels,
                                 .n_patches = p->n_rows };
}

int qvl_api_source(qvl_batch_source *out, const qvl_model_config *config,
                   const qvl_batch_in *in, qvl_err *err)
{
    QVL_TRY(check_pictures(config, &in->images, "pixel_values", err));
    QVL_TRY(check_pictures(config, &in->videos, "pixel_values_videos", err));
    *out = (qvl_batch_source){
        .n_rows = in->n_rows,
        .row_len = in->row_len,
        .id = in->input_ids,
        .mask = in->attention_mask,
        .label = in->labels,
        .sample = in->sample_ids,
        .images = pictures_of(&in->images),
        .videos = pictures_of(&in->videos),
    };
    return QVL_OK;
}

static int run_forward(void *arg)
{
    static const unsigned known =
        QVL_LOGITS | QVL_LOSS | QVL_VISION | QVL_GRADIENTS;
    const forwarding *f = arg;
    qvl_batch_source source;
    if ((f->want & ~known) != 0)
        return qvl_fail(f->err, QVL_E_USAGE,
                        "want: found %u, expected a sum of %d, %d, %d and %d",
                        f->want, QVL_LOGITS, QVL_LOSS, QVL_VISION,
                        QVL_GRADIENTS);
    QVL_TRY(qvl_api_source(&source, qvl_model_about(f->handle->model)->config,
                           f->in, f->err));
    source.logits = (f->want & QVL_LOGITS) != 0 ? QVL_LOGITS_ALL
                                                : QVL_LOGITS_NONE;
    qvl_model_want want = {
        .loss = (f->want & QVL_LOSS) != 0,
        .vision = (f->want & QVL_VISION) != 0,
        .grads = (f->want & QVL_GRADIENTS) != 0,
    };
    return qvl_results_run(&f->handle->results, &source, &want, f->err);
}

int qvl_forward(qvl *model, const qvl_batch_in *batch, unsigned want,
                qvl_error *error)
{
    qvl_err err = { 0 };
    forwarding f = { .handle = model, .in = batch, .want = want,
                     .err = &err };
    int rc = qvl_guard(run_forward, &f, &err);
    if (rc != QVL_OK)
        model->results.n = 0;
    return qvl_api_report(rc, &err, error);
}

/* ---- results ------------------------------------------------------------ */

size_t qvl_n_results(const qvl *model)
{
    return model->results.n;
}

int qvl_result_at(const qvl *model, size_t k, qvl_tensor *tensor)
{
    if (k >= model->results.n)
        return QVL_E_USAGE;
    const qvl_result *r = &model->results.item[k];
    *tensor = (qvl_tensor){ .name = r->name, .is_f32 = r->dtype == QVL_F32,
                            .rank = r->rank, .n_elems = r->n_elems };
    memcpy(tensor->shape, r->shape, sizeof tensor->shape);
    return QVL_OK;
}

typedef struct {
    qvl *handle;
    size_t k;
    void *dst;
    qvl_err *err;
} reading;

static int read_result(void *arg)
{
    const reading *r = arg;
    if (r->k >= r->handle->results.n)
        return qvl_fail(r->err, QVL_E_USAGE, "result: found number %zu, "
                        "expected one below %zu", r->k, r->handle->results.n);
    return qvl_results_read(&r->handle->results, r->k, r->dst, r->err);
}

int qvl_read(qvl *model, size_t k, void *dst, qvl_error *error)
{
    qvl_err err = { 0 };
    reading r = { .handle = model, .k = k, .dst = dst, .err = &err };
    return qvl_api_report(qvl_guard(read_result, &r, &err), &err, error);
}
