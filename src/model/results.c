/* results.c - named tensors of a step
 *
 * Positions and rope_delta come from the host's batch, the rest from the device. Logits
 * and positions have no padding and are put back by `place`; padding reads as 0. The
 * sum of the losses is divided here, by the labels of the batch. A gradient that stands
 * otherwise in the checkpoint passes through a copy of the whole one.
 */
#include "model/results.h"

#include <assert.h>
#include <string.h>

#include "tensor/dtype.h"

/* How a tensor is read. */
enum {
    LOGITS,
    LOSS,
    POSITIONS,
    DELTA,
    VISION,        // rows of pictures of a program output
    VISION_VIDEO,  // rows of videos
    GRAD,
};

#define VISION_PREFIX "vision."

/* ---- the list ----------------------------------------------------------- */

static qvl_result *add(qvl_results *r, const char *name, int kind, int dtype,
                       const size_t *shape, int rank)
{
    qvl_result *t = &r->item[r->n++];
    *t = (qvl_result){ .name = name, .dtype = dtype, .rank = rank,
                       .n_elems = 1, .kind = kind };
    for (int k = 0; k < rank; k++) {
        t->shape[k] = shape[k];
        t->n_elems *= shape[k];
    }
    return t;
}

static void add_rows(qvl_results *r, const qvl_batch_source *s,
                     const qvl_model_want *want)
{
    const qvl_model_config *config = qvl_model_about(r->model)->config;
    size_t rows = (size_t)s->n_rows, len = (size_t)s->row_len;
    assert(s->logits != QVL_LOGITS_LAST);  // these have no place in a row
    if (s->logits == QVL_LOGITS_ALL)
        add(r, "logits", LOGITS, QVL_F32,
            (size_t[]){ rows, len, (size_t)config->vocab }, 3);
    if (want->loss)
        add(r, "loss", LOSS, QVL_F32, NULL, 0);
    add(r, "position_ids", POSITIONS, QVL_I64, (size_t[]){ 3, rows, len }, 3);
    add(r, "rope_delta", DELTA, QVL_I64, &rows, 1);
}

static void add_vision(qvl_results *r)
{
    const qvl_batch *b = qvl_model_batch(r->model);
    const qvl_program *p = qvl_model_program(r->model);
    size_t n_images = (size_t)b->n_image_rows;
    size_t n_videos = (size_t)b->n_rows - n_images;
    for (int k = 0; k < p->n_outputs; k++) {
        const qvl_output *o = &p->output[k];
        if (strncmp(o->name, VISION_PREFIX, sizeof VISION_PREFIX - 1) != 0)
            continue;
        assert(o->rank == 2);
        size_t image_shape[2] = { n_images, o->shape[1] };
        size_t video_shape[2] = { n_videos, o->shape[1] };
        if (n_images > 0)
            add(r, o->name, VISION, QVL_F32, image_shape, 2)->index =
                (size_t)k;
        if (n_videos > 0)
            add(r,
                qvl_arena_printf(&r->arena, "vision_video.%s",
                                 o->name + sizeof VISION_PREFIX - 1),
                VISION_VIDEO, QVL_F32, video_shape, 2)
                ->index = (size_t)k;
    }
}

static void add_grads(qvl_results *r)
{
    const qvl_checkpoint *ck = qvl_model_about(r->model)->checkpoint;
    for (size_t k = 0; k < qvl_checkpoint_report(ck)->n_entries; k++) {
        const qvl_st_tensor *t = qvl_checkpoint_at(ck, k)->tensor;
        const char *name = qvl_arena_printf(&r->arena, "grad.%s", t->name);
        add(r, name, GRAD, QVL_F32, t->shape, t->rank)->index = k;
    }
}

int qvl_results_run(qvl_results *r, const qvl_batch_source *source,
                    const qvl_model_want *want, qvl_err *err)
{
    qvl_arena_reset(&r->arena);
    r->n = 0;
    QVL_TRY(qvl_model_step(r->model, source, want, err));
    size_t n_entries = qvl_checkpoint_report(
                           qvl_model_about(r->model)->checkpoint)
                           ->n_entries;
    size_t n_outputs = (size_t)qvl_model_program(r->model)->n_outputs;
    r->item = qvl_arena_array(&r->arena, qvl_result,
                              4 + 2 * n_outputs + n_entries);
    add_rows(r, source, want);
    if (want->vision)
        add_vision(r);
    if (want->grads)
        add_grads(r);
    return QVL_OK;
}

void qvl_results_release(qvl_results *r)
{
    if (r == NULL)
        return;
    qvl_arena_release(&r->arena);
    qvl_arena_release(&r->scratch);
    r->n = 0;
}

/* ---- reading ------------------------------------------------------------ */

/* Logits [T, V] spread to [rows, len, V]: from the last token on, since none
 * moves towards the front. */
static int read_logits(qvl_results *r, const qvl_result *t, float *dst,
                       qvl_err *err)
{
    const qvl_batch *b = qvl_model_batch(r->model);
    size_t v = t->shape[2];
    size_t n_places = t->shape[0] * t->shape[1];
    size_t behind = n_places;  // places from here on are done
    QVL_TRY(qvl_model_output(r->model, "logits", dst,
                             (size_t)b->n_tokens * v, err));
    for (int k = b->n_tokens - 1; k >= 0; k--) {
        size_t to = (size_t)b->place[k];
        memmove(dst + to * v, dst + (size_t)k * v, v * sizeof *dst);
        memset(dst + (to + 1) * v, 0, (behind - to - 1) * v * sizeof *dst);
        behind = to;
    }
    memset(dst, 0, behind * v * sizeof *dst);
    return QVL_OK;
}

static int read_loss(qvl_results *r, float *dst, qvl_err *err)
{
    const qvl_batch *b = qvl_model_batch(r->model);
    float stat[2];
    QVL_TRY(qvl_model_output(r->model, "stat_sum", stat, 2, err));
    *dst = (float)((double)stat[0] / b->n_labels);
    return QVL_OK;
}

static void read_positions(const qvl_batch *b, int64_t *dst)
{
    size_t n = (size_t)b->source->n_rows * (size_t)b->source->row_len;
    memset(dst, 0, 3 * n * sizeof *dst);
    for (int t = 0; t < b->n_tokens; t++)
        for (size_t axis = 0; axis < 3; axis++)
            dst[axis * n + (size_t)b->place[t]] =
                b->position[3 * (size_t)t + axis];
}

/* What to add to a count of tokens for the next position; in a packed row that of
 * its last sample. */
static void read_delta(const qvl_batch *b, int64_t *dst)
{
    for (int row = 0; row < b->source->n_rows; row++) {
        int k = b->row_end[row] - 1;
        dst[row] = b->next[k] - (b->first[k + 1] - b->first[k]);
    }
}

static int read_vision(qvl_results *r, const qvl_result *t, float *dst,
                       qvl_err *err)
{
    const qvl_batch *b = qvl_model_batch(r->model);
    const qvl_output *o = &qvl_model_program(r->model)->output[t->index];
    size_t cols = o->shape[1];
    size_t n = (size_t)b->n_rows * cols;
    qvl_arena_reset(&r->scratch);
    float *all = qvl_arena_array(&r->scratch, float, n);
    QVL_TRY(qvl_model_output(r->model, o->name, all, n, err));
    size_t first =
        t->kind == VISION_VIDEO ? (size_t)b->n_image_rows * cols : 0;
    memcpy(dst, all + first, t->n_elems * sizeof *dst);
    return QVL_OK;
}

static int read_grad(qvl_results *r, const qvl_result *t, float *dst,
                     qvl_err *err)
{
    const qvl_model_parts *m = qvl_model_about(r->model);
    const qvl_checkpoint_entry *e = qvl_checkpoint_at(m->checkpoint, t->index);
    if (e->is_plain)
        return qvl_store_read_grad(m->store, e->param, dst, err);
    size_t n = qvl_arch_param_elems(&m->params->item[e->param]);
    qvl_arena_reset(&r->scratch);
    float *grad = qvl_arena_array(&r->scratch, float, n);
    QVL_TRY(qvl_store_read_grad(m->store, e->param, grad, err));
    qvl_checkpoint_extract(m->checkpoint, t->index, grad, dst);
    return QVL_OK;
}

int qvl_results_read(qvl_results *r, size_t k, void *dst, qvl_err *err)
{
    assert(k < r->n);
    const qvl_result *t = &r->item[k];
    switch (t->kind) {
    case LOGITS:
        return read_logits(r, t, dst, err);
    case LOSS:
        return read_loss(r, dst, err);
    case POSITIONS:
        read_positions(qvl_model_batch(r->model), dst);
        return QVL_OK;
    case DELTA:
        read_delta(qvl_model_batch(r->model), dst);
        return QVL_OK;
    case VISION:
    case VISION_VIDEO:
        return read_vision(r, t, dst, err);
    default:
        assert(t->kind == GRAD);
        return read_grad(r, t, dst, err);
    }
}
