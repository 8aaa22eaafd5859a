/* trainer.c - a model, its optimizer, and one step of both
 *
 * The loss of a step is the sum over its batches divided once, by the labels of
 * all of them. A step without a label, or with a norm that is not finite,
 * leaves weights and moments as they are and is counted.
 */
#include "train/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/sequence.h"
#include "tensor/dtype.h"
#include "train/run_options.h"

#define FIRST_SCALE 65536.0
#define CLEAN_STEPS 2000  // until the scale of the loss doubles

struct qvl_trainer {
    // owned
    qvl_arena arena;
    qvl_arena scratch;  // of one call
    qvl_arena texts, calls;
    qvl_model *model;
    qvl_optim *optim;
    qvl_row_scores *rows;  // NULL: not asked for
    // values
    qvl_groups groups;
    qvl_sched sched;
    qvl_trainer_counts counts;
    qvl_trainer_parts parts;
    qvl_train_options o;  // its texts are gone
};

/* ---- open and close ----------------------------------------------------- */

typedef struct {
    qvl_trainer *t;
    const char *folder;
    const qvl_model_options *model;
    qvl_err *err;
} opening;

static int open_parts(void *arg)
{
    const opening *w = arg;
    qvl_trainer *t = w->t;
    const qvl_train_options *o = &t->o;
    QVL_TRY(qvl_run_options_check(o, w->err));
    QVL_TRY(qvl_sched_init(&t->sched, o, w->err));
    QVL_TRY(qvl_model_open(&t->model, w->folder, w->model, w->err));
    const qvl_model_parts *m = qvl_model_about(t->model);
    QVL_TRY(qvl_groups_make(&t->groups, m->params, o, &t->arena, w->err));
    QVL_TRY(qvl_model_train(t->model, t->groups.trained, o->recompute != 0,
                            w->err));
    QVL_TRY(qvl_optim_open(&t->optim, m->store, t->groups.group, t->groups.n,
                           w->err));
    if (o->scores_rows)
        t->rows = qvl_row_scores_open(m->device);
    t->counts.loss_scale = w->model->dtype == QVL_F16 ? FIRST_SCALE : 1.0;
    t->parts = (qvl_trainer_parts){
        .texts = &t->texts, .calls = &t->calls,
        .model = t->model, .optim = t->optim, .sched = &t->sched,
        .groups = &t->groups, .counts = &t->counts,
        .folder = qvl_arena_strdup(&t->arena, w->folder),
        .dtype = w->model->dtype,
    };
    return QVL_OK;
}

int qvl_trainer_open(qvl_trainer **trainer, const char *folder,
                     const qvl_model_options *model,
                     const qvl_train_options *options, qvl_err *err)
{
    qvl_trainer *t = qvl_memory_zeroed(1, sizeof *t);
    t->o = *options;
    opening w = { t, folder, model, err };
    int rc = qvl_guard(open_parts, &w, err);
    if (rc != QVL_OK) {
        qvl_trainer_close(t);
        return rc;
    }
    *trainer = t;
    return QVL_OK;
}

void qvl_trainer_close(qvl_trainer *trainer)
{
    if (trainer == NULL)
        return;
    qvl_optim_close(trainer->optim);
    qvl_row_scores_close(trainer->rows);
    qvl_model_close(trainer->model);
    qvl_arena_release(&trainer->scratch);
    qvl_arena_release(&trainer->texts);
    qvl_arena_release(&trainer->calls);
    qvl_arena_release(&trainer->arena);
    free(trainer);
}

const qvl_trainer_parts *qvl_trainer_about(const qvl_trainer *trainer)
{
    return &trainer->parts;
}

/* ---- labels ------------------------------------------------------------- */

/* Nobody means a placeholder to be learned: whoever made the labels forgot to
 * take it out. */
static int check_labels(const qvl_trainer *t, const qvl_batch_source *s,
                        qvl_err *err)
{
    const qvl_model_config *config = qvl_model_about(t->model)->config;
    size_t n = (size_t)s->n_rows * (size_t)s->row_len;
    if (!config->has_vision || s->label == NULL)
        return QVL_OK;
    for (size_t i = 0; i < n; i++)
        if (s->label[i] == config->vision.image_token
            || s->label[i] == config->vision.video_token)
            return qvl_fail(err, QVL_E_DATA,
                            "labels (row %zu, column %zu): found %lld, the "
                            "placeholder of a picture, expected %d there",
                            i / (size_t)s->row_len, i % (size_t)s->row_len,
                            (long long)s->label[i], QVL_IGNORE_INDEX);
    return QVL_OK;
}

static int count_tokens(const qvl_batch_source *s)
{
    int n = 0;
    for (size_t i = 0; i < (size_t)s->n_rows * (size_t)s->row_len; i++)
        n += s->mask == NULL || s->mask[i] != 0;
    return n;
}

/* Labels of each source [n], and of all in the report. */
static int count_labels(const qvl_trainer *t, const qvl_batch_source *source,
                        int n, int64_t *n_labels, qvl_trainer_report *r,
                        qvl_err *err)
{
    for (int k = 0; k < n; k++) {
        int rc = qvl_sequences_count_labels(&source[k], &n_labels[k], err);
        if (rc == QVL_OK)
            rc = check_labels(t, &source[k], err);
        if (rc != QVL_OK) {
            qvl_err_add(err, "batch %d of the step", k);
            return rc;
        }
        r->n_labels += n_labels[k];
        r->n_tokens += count_tokens(&source[k]);
    }
    return QVL_OK;
}

/* ---- steps -------------------------------------------------------------- */

/* Forward and backward of all sources; gradients and sums add up. */
static int run_sources(qvl_trainer *t, const qvl_batch_source *source, int n,
                       const int64_t *n_labels, double loss_count,
                       qvl_err *err)
{
    qvl_model_want want = { .grads = true, .rows = t->rows != NULL,
                            .sum = qvl_optim_total(t->optim) };
    for (int k = 0; k < n; k++) {
        if (n_labels[k] == 0)
            continue;
        qvl_batch_source s = source[k];
        s.logits = QVL_LOGITS_NONE;
        s.loss_count = loss_count;
        int rc = qvl_model_step(t->model, &s, &want, err);
        if (rc == QVL_OK && t->rows != NULL)
            rc = qvl_row_scores_keep(t->rows, t->model, k, err);
        if (rc != QVL_OK) {
            qvl_err_add(err, "batch %d of the step", k);
            return rc;
        }
        want.more = true;
    }
    return QVL_OK;
}

static int update(qvl_trainer *t, qvl_trainer_report *r, qvl_err *err)
{
    qvl_optim_rates rates[2 * QVL_N_PARTS];
    qvl_optim_report done;
    for (int g = 0; g < t->groups.n; g++)
        rates[g] = (qvl_optim_rates){
            .lr = t->groups.item[g].lr * r->factor,
            .beta1 = t->o.beta1, .beta2 = t->o.beta2,
            .epsilon = t->o.epsilon,
            .decay = t->groups.item[g].decay,
        };
    QVL_TRY(qvl_optim_step(t->optim, rates, t->o.max_grad_norm,
                           1.0 / t->counts.loss_scale, err));
    QVL_TRY(qvl_optim_read(t->optim, &done, err));
    r->loss = (double)done.sum[0] / (double)r->n_labels;
    r->n_correct = (int64_t)llround((double)done.sum[1]);
    r->grad_norm = done.norm;
    r->is_skipped = !done.is_applied;
    return QVL_OK;
}

static void set_scale(qvl_trainer *t, bool is_applied)
{
    qvl_trainer_counts *c = &t->counts;
    if (t->parts.dtype != QVL_F16)
        return;
    if (!is_applied) {
        c->loss_scale = fmax(1.0, c->loss_scale / 2.0);
        c->n_clean = 0;
    } else if (++c->n_clean == CLEAN_STEPS) {
        c->loss_scale *= 2.0;
        c->n_clean = 0;
    }
}

/* Count a dropped update; too many in a row mean that the run is lost. */
static int count_skipped(qvl_trainer *t, const qvl_trainer_report *r,
                         qvl_err *err)
{
    qvl_trainer_counts *c = &t->counts;
    c->n_skipped += r->is_skipped;
    if (r->n_labels == 0)
        return QVL_OK;
    c->n_skipped_in_row = r->is_skipped ? c->n_skipped_in_row + 1 : 0;
    if (!r->is_skipped || c->n_skipped_in_row < t->o.max_skipped)
        return QVL_OK;
    return qvl_fail(err, QVL_E_RANGE,
                    "norm of the gradients (step %lld): found %g, and no "
                    "number in %d steps in a row, expected a finite one",
                    (long long)c->n_steps, r->grad_norm, c->n_skipped_in_row);
}

int qvl_trainer_step(qvl_trainer *trainer, const qvl_batch_source *source,
                     int n, qvl_trainer_report *report, qvl_err *err)
{
    qvl_trainer *t = trainer;
    qvl_trainer_counts *c = &t->counts;
    qvl_trainer_drop_rows(t);
    if (c->n_steps >= t->o.max_steps)
        return qvl_fail(err, QVL_E_USAGE,
                        "step: found %lld done, expected fewer than max_steps",
                        (long long)c->n_steps);
    if (n < 1)
        return qvl_fail(err, QVL_E_USAGE,
                        "step: found %d batches, expected at least one", n);
    qvl_arena_reset(&t->scratch);
    int64_t *n_labels = qvl_arena_array(&t->scratch, int64_t, n);
    qvl_trainer_report r = { .factor = qvl_sched_factor(&t->sched,
                                                        c->n_steps),
                             .loss_scale = c->loss_scale };
    QVL_TRY(count_labels(t, source, n, n_labels, &r, err));
    r.is_skipped = r.n_labels == 0;
    if (t->rows != NULL)
        QVL_TRY(qvl_row_scores_begin(t->rows, source, n, err));
    if (r.n_labels > 0) {
        QVL_TRY(run_sources(t, source, n, n_labels,
                            (double)r.n_labels / c->loss_scale, err));
        QVL_TRY(update(t, &r, err));
        set_scale(t, !r.is_skipped);
    }
    c->n_steps++;
    QVL_TRY(count_skipped(t, &r, err));
    if (t->rows != NULL)
        QVL_TRY(qvl_row_scores_read(t->rows, err));
    *report = r;
    return QVL_OK;
}

/* Loss and hits of one source that has labels. */
static int run_evaluation(qvl_trainer *t, const qvl_batch_source *source,
                          qvl_train_score *s, qvl_err *err)
{
    float stat[2];
    qvl_batch_source own = *source;
    qvl_model_want want = { .loss = true, .rows = t->rows != NULL };
    own.logits = QVL_LOGITS_NONE;
    own.loss_count = 0.0;
    QVL_TRY(qvl_model_step(t->model, &own, &want, err));
    if (t->rows != NULL)
        QVL_TRY(qvl_row_scores_keep(t->rows, t->model, 0, err));
    QVL_TRY(qvl_model_output(t->model, "stat_sum", stat, 2, err));
    s->loss_sum = (double)stat[0];
    s->n_correct = (int64_t)llround((double)stat[1]);
    return QVL_OK;
}

int qvl_trainer_evaluate(qvl_trainer *trainer, const qvl_batch_source *source,
                         qvl_train_score *score, qvl_err *err)
{
    qvl_train_score s = { 0 };
    qvl_trainer_drop_rows(trainer);
    QVL_TRY(qvl_sequences_count_labels(source, &s.n_labels, err));
    QVL_TRY(check_labels(trainer, source, err));
    s.n_tokens = count_tokens(source);
    if (trainer->rows != NULL)
        QVL_TRY(qvl_row_scores_begin(trainer->rows, source, 1, err));
    if (s.n_labels > 0)
        QVL_TRY(run_evaluation(trainer, source, &s, err));
    if (trainer->rows != NULL)
        QVL_TRY(qvl_row_scores_read(trainer->rows, err));
    *score = s;
    return QVL_OK;
}

const qvl_train_score *qvl_trainer_rows(const qvl_trainer *trainer, size_t *n)
{
    *n = 0;
    return trainer->rows != NULL ? qvl_row_scores_all(trainer->rows, n) : NULL;
}

const qvl_train_label *qvl_trainer_row_labels(const qvl_trainer *trainer, size_t k)
{
    return qvl_row_scores_labels(trainer->rows, k);
}

void qvl_trainer_drop_rows(qvl_trainer *trainer)
{
    qvl_row_scores_reset(trainer->rows);
}

/* ---- weights ------------------------------------------------------------ */

/* All of a parameter as it is trained. */
static int read_param(qvl_trainer *t, int i, size_t n, float *dst,
                      qvl_err *err)
{
    if (t->groups.trained[i])
        return qvl_optim_read_state(t->optim, i, QVL_OPTIM_MASTER, 0, n, dst,
                                    err);
    return qvl_store_read(qvl_model_about(t->model)->store, i, 0, n, dst,
                          err);
}

int qvl_trainer_read(qvl_trainer *trainer, size_t k, float *dst, qvl_err *err)
{
    const qvl_model_parts *m = qvl_model_about(trainer->model);
    const qvl_checkpoint_entry *e = qvl_checkpoint_at(m->checkpoint, k);
    size_t n = qvl_arch_param_elems(&m->params->item[e->param]);
    if (e->is_plain)
        return read_param(trainer, e->param, n, dst, err);
    qvl_arena_reset(&trainer->scratch);
    float *all = qvl_arena_array(&trainer->scratch, float, n);
    QVL_TRY(read_param(trainer, e->param, n, all, err));
    qvl_checkpoint_extract(m->checkpoint, k, all, dst);
    return QVL_OK;
}
