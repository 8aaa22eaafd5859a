/* loop_eval.c - an evaluation: the records of validation, in their order
 *
 * It has loader threads of its own beside those of training, which wait with
 * full slots meanwhile. Two means are kept: over labels, which does not depend
 * on how records fall into batches, and over samples, each with the mean of its
 * batch (training.eval_loss_reduction chooses). One that a signal stops half
 * way writes nothing and judges nothing; the run owes it and makes it up when it
 * is taken up again.
 */
#include "base/log.h"
#include "base/clock.h"
#include "config/eval_number.h"
#include "train/loop_state.h"

/* Sums over all batches. */
typedef struct {
    double loss_sum;
    int64_t n_labels;
    int64_t n_correct;
    double mean_sum;  // mean loss of a batch times its samples
    int64_t n_counted;  // samples in it
    size_t n_batches;
    qvl_metrics of_sources;
} sums;

static int evaluate_batch(qvl_loop *r, const qvl_collated *batch, sums *s)
{
    qvl_error error;
    qvl_train_score score;
    if (qvl_train_evaluate(r->trainer, &batch->in, &score, &error) != 0)
        return qvl_loop_fail(&error, r->err);
    s->loss_sum += score.loss_sum;
    s->n_labels += score.n_labels;
    s->n_correct += score.n_correct;
    s->n_batches++;
    size_t row = 0;
    qvl_loop_count_rows(r, batch, &row, &s->of_sources);
    if (score.n_labels > 0) {
        s->mean_sum += score.loss_sum / (double)score.n_labels
                       * batch->n_samples;
        s->n_counted += batch->n_samples;
    }
    return QVL_OK;
}

static int evaluate_all(qvl_loop *r, qvl_loader *loader, size_t n_batches,
                        sums *s)
{
    for (size_t b = 0; b < n_batches; b++) {
        qvl_collated batch;
        if (qvl_loop_is_stopped(r))
            break;
        QVL_TRY(qvl_loader_take(loader, &batch, 1, r->err));
        qvl_loop_see_held_out(r, &batch);
        QVL_TRY(evaluate_batch(r, &batch, s));
    }
    return QVL_OK;
}

static void fill(qvl_metrics *m, const qvl_loop *r, const sums *s,
                 double seconds)
{
    if (r->c->training.eval_loss_reduction == QVL_EVAL_BY_SAMPLE)
        qvl_metrics_share(m, qvl_eval_name(QVL_EVAL_LOSS), s->mean_sum,
                          (double)s->n_counted);
    else
        qvl_metrics_share(m, qvl_eval_name(QVL_EVAL_LOSS), s->loss_sum,
                          (double)s->n_labels);
    qvl_metrics_share(m, qvl_eval_name(QVL_EVAL_TOKEN_ACC),
                      (double)s->n_correct, (double)s->n_labels);
    for (int k = 0; k < s->of_sources.n; k++)
        qvl_metrics_share(m, s->of_sources.v[k].name, s->of_sources.v[k].sum,
                          s->of_sources.v[k].weight);
    m->n_left_out += s->of_sources.n_left_out;
    qvl_metrics_set(m, qvl_eval_name(QVL_EVAL_RUNTIME), seconds);
    if (seconds <= 0)
        return;
    qvl_metrics_set(m, qvl_eval_name(QVL_EVAL_SAMPLES),
                    (double)r->samples.val.n / seconds);
    qvl_metrics_set(m, qvl_eval_name(QVL_EVAL_STEPS),
                    (double)s->n_batches / seconds);
}

/* The number that decides which checkpoint is the best. */
static int metric_of(const qvl_run_config *c, const qvl_metrics *m, double *v,
                     qvl_arena *arena, qvl_err *err)
{
    const char *name = c->training.metric_for_best_model;
    if (qvl_metrics_find(m, name, v))
        return QVL_OK;
    const char *names = qvl_metrics_names(m, arena);
    return qvl_fail(err, QVL_E_CONFIG, "training.metric_for_best_model: "
                    "found %.200s, expected one of %s", name,
                    names[0] != '\0' ? names : "none: no label counts");
}

static void set_types(qvl_metrics *m, const qvl_type_names *names)
{
    for (int i = 0; names->loss[0] != NULL && i < QVL_N_TYPES; i++) {
        qvl_metrics_set(m, names->loss[i], 0);
        qvl_metrics_set(m, names->token_acc[i], 0);
    }
}

int qvl_loop_check_metric(const qvl_run_config *c, const qvl_sources *sources,
                          const qvl_type_metrics *types, qvl_arena *arena,
                          qvl_err *err)
{
    qvl_metrics m = { 0 };
    double v;
    if (c->training.eval_strategy == QVL_WHEN_NO)
        return QVL_OK;
    for (int i = 0; i < QVL_N_EVAL_NUMBERS; i++)
        qvl_metrics_set(&m, qvl_eval_name(i), 0);
    for (int k = 0; k < sources->n; k++) {
        qvl_metrics_set(&m, sources->item[k].loss, 0);
        qvl_metrics_set(&m, sources->item[k].token_acc, 0);
        set_types(&m, &types->item[k]);
    }
    return metric_of(c, &m, &v, arena, err);
}

static int open_loader(qvl_loop *r, qvl_loader **loader,
                       size_t *n_batches)
{
    qvl_loader_options options = {
        .recipes = r->samples.val.recipes,
        .record = r->samples.val.record,
        .plan = {
            .n_records = r->samples.val.n,
            .batch = (size_t)r->c->training.per_device_eval_batch_size,
            .accumulate = 1,
            .dataset = "val",
        },
        .n_taken = 1,
        .n_threads = r->c->data.dataloader_num_workers,
        .n_ahead = r->c->data.dataloader_prefetch_factor,
    };
    *n_batches = qvl_epoch_plan_batches(&options.plan);
    options.end = *n_batches;
    return qvl_loader_open(loader, &options, r->err);
}

int qvl_loop_evaluate(qvl_loop *r, bool *is_best)
{
    qvl_loader *loader = NULL;
    qvl_metrics m = { 0 };
    sums s = { 0 };
    size_t n_batches;
    double began_s = qvl_clock_s(), v, acc = 0, loss = 0;
    QVL_TRY(open_loader(r, &loader, &n_batches));
    int rc = evaluate_all(r, loader, n_batches, &s);
    qvl_loader_close(loader);
    /* One that was stopped half way says nothing. */
    r->owes_evaluation = s.n_batches < n_batches;
    if (rc != QVL_OK || r->owes_evaluation)
        return rc;
    fill(&m, r, &s, qvl_clock_s() - began_s);
    QVL_TRY(metric_of(r->c, &m, &v, &r->arena, r->err));
    qvl_metric_place place = qvl_loop_place(r);
    QVL_TRY(qvl_run_log_put(r->log, &m, "eval", &place, r->err));
    qvl_metrics_find(&m, qvl_eval_name(QVL_EVAL_LOSS), &loss);
    qvl_metrics_find(&m, qvl_eval_name(QVL_EVAL_TOKEN_ACC), &acc);
    qvl_log(QVL_LOG_INFO, "step %lld: validation loss %.4f, token accuracy "
            "%.4f", (long long)r->step, loss, acc);
    qvl_train_metric(r->trainer, v);
    qvl_cadence_at at = qvl_loop_at(r);
    *is_best = qvl_cadence_judge(&r->cadence, &r->state, &at, v);
    if (*is_best)
        r->best_path = NULL;
    return QVL_OK;
}
