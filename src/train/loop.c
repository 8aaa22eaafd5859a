/* loop.c - a step, and what follows it
 *
 * Order: log, evaluate, save, stop. A signal is looked at between steps and
 * inside evaluations; then a checkpoint is written whatever save_only_model
 * says. What a run opens is in loop_open.c, and is closed here whether the run
 * ended well or not.
 */
#include "train/loop.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "train/loop_state.h"

/* ---- shared by the files of the loop ------------------------------------- */

int qvl_loop_fail(const qvl_error *error, qvl_err *err)
{
    qvl_fail(err, error->code, "%s", error->message);
    if (error->hint[0] != '\0')
        qvl_err_hint(err, "%s", error->hint);
    return error->code;
}

qvl_cadence_at qvl_loop_at(const qvl_loop *r)
{
    if (r->step == 0)
        return (qvl_cadence_at){ 0 };
    if (r->c->training.packing)
        return (qvl_cadence_at){
            .step = r->step,
            .epoch = (double)r->at.epoch
                     + (double)r->at.n_given / (double)r->plan.n_records,
            .is_epoch_end = r->at.ends_epoch,
        };
    qvl_epoch_place last = qvl_epoch_plan_at(&r->plan, (uint64_t)(r->step - 1));
    qvl_stretch part = qvl_epoch_plan_update(&r->plan, last.update);
    size_t done = part.first + part.n, all = qvl_epoch_plan_batches(&r->plan);
    return (qvl_cadence_at){
        .step = r->step,
        .epoch = (double)last.epoch + (double)done / (double)all,
        .is_epoch_end = done == all,
    };
}

qvl_metric_place qvl_loop_place(const qvl_loop *r)
{
    uint64_t held, peak;
    double elapsed = qvl_clock_s() - r->began_s;
    qvl_train_memory(r->trainer, &held, &peak);
    return (qvl_metric_place){
        .epoch = qvl_loop_at(r).epoch,
        .step = r->step,
        .max_steps = r->max_steps,
        .elapsed_s = elapsed,
        .memory_gib = (double)peak / 0x1p30,
        .speed = elapsed > 0 ? (double)(r->step - r->first_step) / elapsed : 0,
        .time = qvl_clock_unix_s(),
    };
}

bool qvl_loop_is_stopped(const qvl_loop *r)
{
    return r->o->stop != NULL && *r->o->stop != 0;
}

/* ---- one step ------------------------------------------------------------ */

static void count_types(const qvl_loop *r, const qvl_encoded *sample, size_t row,
                        const qvl_train_score *score, qvl_metrics *m)
{
    const qvl_train_label *label = NULL;
    if (r->types.n_names == 0 || score->n_labels == 0)
        return;
    int rc = qvl_train_row_labels(r->trainer, row, &label);
    assert(rc == QVL_OK && score->n_labels == sample->n_supervised);
    if (rc == QVL_OK)
        qvl_type_metrics_count(&r->types, sample, label, m);
}

void qvl_loop_count_rows(const qvl_loop *r, const qvl_collated *batch,
                         size_t *row, qvl_metrics *m)
{
    for (int i = 0; i < batch->n_samples; i++) {
        qvl_train_score score;
        int rc = qvl_train_row_at(r->trainer, (*row)++, &score);
        assert(rc == QVL_OK);  // rows are samples
        count_types(r, &batch->sample[i], *row - 1, &score, m);
        qvl_sources_count(&r->sources, batch->sample[i].record, &score, m);
    }
}

static void count_batch(qvl_loop *r, const qvl_collated *batch)
{
    r->window_tokens += batch->n_tokens;
    r->window_samples += batch->n_samples;
    r->window_cells += (int64_t)batch->in.n_rows * batch->in.row_len;
    r->n_seen_tok += batch->n_tokens;
    qvl_loop_augment_count(r, batch);
}

static void count_step(qvl_loop *r, const qvl_train_report *report)
{
    qvl_metrics *w = &r->window;
    r->n_skipped = report->n_skipped;
    if (report->n_labels > 0) {
        qvl_metrics_mean(w, "loss", report->loss);
        qvl_metrics_share(w, "token_acc", (double)report->n_correct,
                          (double)report->n_labels);
        qvl_metrics_mean(w, "grad_norm", report->grad_norm);
        if (isfinite(report->loss)) {
            r->loss_sum += report->loss;
            r->n_losses++;
        }
    }
    qvl_metrics_set(w, "learning_rate", report->lr);
    if (r->c->training.optimizer == QVL_OPTIMIZER_MULTIMODAL) {
        qvl_metrics_set(w, "lr_llm", report->lr);
        if (report->lr_vit >= 0)
            qvl_metrics_set(w, "lr_vit", report->lr_vit);
        if (report->lr_aligner >= 0)
            qvl_metrics_set(w, "lr_aligner", report->lr_aligner);
    }
    if (report->n_skipped > 0)
        qvl_metrics_set(w, "skipped_updates", (double)report->n_skipped);
    if (r->c->model.torch_dtype == QVL_CONFIG_F16)
        qvl_metrics_set(w, "loss_scale", report->loss_scale);
    if (report->is_skipped && report->n_labels == 0)
        qvl_log(QVL_LOG_WARN, "step %lld: the update was left out: no label "
                "counts", (long long)r->step);
    else if (report->is_skipped)
        qvl_log(QVL_LOG_WARN, "step %lld: the update was left out: the norm of "
                "the gradients is %g", (long long)r->step, report->grad_norm);
}

/* Batches of the next update. */
static int count_batches(const qvl_loop *r)
{
    if (r->c->training.packing)
        return (int)r->plan.accumulate;
    qvl_epoch_place at = qvl_epoch_plan_at(&r->plan, (uint64_t)r->step);
    return (int)qvl_epoch_plan_update(&r->plan, at.update).n;
}

/* Where packed rows stand behind n batches. */
static void note_progress(qvl_loop *r, const qvl_collated *batch, int n)
{
    r->at = batch[n - 1].at;
    for (int k = 0; k < n; k++)
        r->at.ends_epoch = r->at.ends_epoch || batch[k].at.ends_epoch;
}

/* Take the batches of the next update and train with them. */
static int train_step(qvl_loop *r, qvl_collated *batch, qvl_batch_in *in,
                      qvl_train_report *report)
{
    qvl_error error;
    int n = count_batches(r);
    double began_s = qvl_clock_s();
    QVL_TRY(qvl_loader_take(r->loader, batch, n, r->err));
    r->window_waited_s += qvl_clock_s() - began_s;
    for (int k = 0; k < n; k++)
        in[k] = batch[k].in;
    QVL_TRY(qvl_loop_see(r, batch, n));
    if (qvl_train_step(r->trainer, in, n, report, &error) != 0)
        return qvl_loop_fail(&error, r->err);
    r->step = report->step;
    note_progress(r, batch, n);
    r->window_steps++;
    count_step(r, report);
    size_t row = 0;
    for (int k = 0; k < n; k++) {
        count_batch(r, &batch[k]);
        qvl_loop_count_rows(r, &batch[k], &row, &r->window);
    }
    return QVL_OK;
}

/* ---- what follows a step ------------------------------------------------- */

static int log_window(qvl_loop *r)
{
    qvl_metrics *w = &r->window;
    double seconds = qvl_clock_s() - r->window_began_s;
    if (seconds > 0 && r->window_steps > 0) {
        qvl_metrics_set(w, "tokens_per_second",
                        (double)r->window_tokens / seconds);
        qvl_metrics_set(w, "samples_per_second",
                        (double)r->window_samples / seconds);
        qvl_metrics_set(w, "pad_fraction",
                        1 - (double)r->window_tokens
                                / (double)r->window_cells);
        qvl_metrics_set(w, "data_wait_ms",
                        1e3 * r->window_waited_s / (double)r->window_steps);
    }
    qvl_loop_augment_log(r);
    qvl_metric_place place = qvl_loop_place(r);
    QVL_TRY(qvl_run_log_put(r->log, w, "train", &place, r->err));
    qvl_metrics_reset(w);
    r->window_tokens = r->window_cells = r->window_samples = 0;
    r->window_steps = 0;
    r->window_waited_s = 0;
    r->window_began_s = qvl_clock_s();
    return QVL_OK;
}

static void show_progress(qvl_loop *r, double loss)
{
    char note[64], json[64] = "";
    snprintf(note, sizeof note, "loss %.4f", loss);
    if (isfinite(loss))
        snprintf(json, sizeof json, "\"loss\": %.6g", loss);
    qvl_progress_step(r->o->progress, r->step, qvl_clock_s(), note,
                      json[0] != '\0' ? json : NULL);
}

/* Evaluate and save what is due at a step. */
static int evaluate_and_save(qvl_loop *r, bool evaluates)
{
    qvl_cadence_at at = qvl_loop_at(r);
    bool is_best = false;
    if (evaluates) {
        double began_s = qvl_clock_s();
        QVL_TRY(qvl_loop_evaluate(r, &is_best));
        r->window_began_s += qvl_clock_s() - began_s;
    }
    if (qvl_cadence_saves(&r->cadence, &at, is_best)
        && (r->saved_step != r->step || is_best))
        return qvl_loop_save(r, QVL_SAVE_DUE);
    return QVL_OK;
}

/* Log, evaluate, save, in this order. */
static int follow_step(qvl_loop *r)
{
    qvl_cadence_at at = qvl_loop_at(r);
    if (qvl_cadence_logs(&r->cadence, &at))
        QVL_TRY(log_window(r));
    return evaluate_and_save(r, qvl_cadence_evaluates(&r->cadence, &at));
}

/* The checkpoint of a step that was interrupted can be resumed, whatever
 * save_only_model says. */
static int interrupted(qvl_loop *r)
{
    bool is_there = r->saved_step == r->step && !r->owes_evaluation
                    && (!r->c->training.save_only_model
                        || r->step == r->first_step);
    if (r->step > r->first_step && !is_there)
        QVL_TRY(qvl_loop_save(r, QVL_SAVE_INTERRUPTED));
    if (r->last_path == NULL)
        return qvl_fail(r->err, QVL_E_INTERRUPTED, "interrupted before the "
                        "first step, nothing was saved");
    qvl_fail(r->err, QVL_E_INTERRUPTED, "interrupted behind step %lld of "
             "%lld, saved in %s", (long long)r->step, (long long)r->max_steps,
             r->last_path);
    bool is_own = qvl_run_folder_has(&r->folder, r->last_path, &r->arena);
    qvl_err_hint(r->err, "training.resume_from_checkpoint: %s goes on there",
                 is_own ? "last" : r->last_path);
    return QVL_E_INTERRUPTED;
}

/* ---- epochs -------------------------------------------------------------- */

/* The epoch of the first sample of the next update. */
static uint64_t next_epoch(const qvl_loop *r)
{
    if (!r->c->training.packing)
        return qvl_epoch_plan_at(&r->plan, (uint64_t)r->step).epoch;
    return r->step == 0 ? 0 : r->at.epoch + r->at.ends_epoch;
}

/* Which records of which set an epoch takes, when it begins. */
static void tell_epoch(qvl_loop *r)
{
    uint64_t epoch = next_epoch(r);
    if (r->samples.fusion == NULL || r->told_epoch == (int64_t)epoch)
        return;
    r->told_epoch = (int64_t)epoch;
    qvl_log(QVL_LOG_INFO, "epoch %llu: %zu samples", (unsigned long long)epoch,
            r->samples.fusion->n_slots);
    qvl_str_reset(&r->text);
    qvl_fusion_plan_put(&r->text, r->samples.fusion);
    for (const char *line = r->text.p; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        qvl_log(QVL_LOG_INFO, "%.*s", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

/* ---- the loop ------------------------------------------------------------ */

static int run_steps(qvl_loop *r)
{
    qvl_collated *batch =
        qvl_arena_array(&r->arena, qvl_collated, r->plan.accumulate);
    qvl_batch_in *in =
        qvl_arena_array(&r->arena, qvl_batch_in, r->plan.accumulate);
    if (r->owes_evaluation)
        QVL_TRY(evaluate_and_save(r, true));
    while (r->step < r->max_steps && !qvl_loop_is_stopped(r)) {
        qvl_train_report report;
        tell_epoch(r);
        QVL_TRY(train_step(r, batch, in, &report));
        show_progress(r, report.loss);
        QVL_TRY(follow_step(r));
        if (qvl_cadence_stops(&r->cadence, &r->state)) {
            qvl_log(QVL_LOG_INFO, "step %lld: no progress in %d evaluations, "
                    "training ends", (long long)r->step, r->state.n_worse);
            break;
        }
    }
    bool is_cut = qvl_loop_is_stopped(r)
                  && (r->step < r->max_steps || r->owes_evaluation);
    return is_cut ? interrupted(r) : QVL_OK;
}

static int run_all(void *arg)
{
    qvl_loop *r = arg;
    qvl_progress *p = r->o->progress;
    QVL_TRY(qvl_loop_open(r));
    r->first_step = r->step;
    r->began_s = r->window_began_s = qvl_clock_s();
    p->what = "train";
    p->total = r->max_steps;
    qvl_progress_start(p, r->step, r->began_s);
    QVL_TRY(run_steps(r));
    bool saves_last = r->c->training.save_last_epoch
                      && r->cadence.save_when != QVL_WHEN_NO;
    if (saves_last && r->saved_step != r->step)
        QVL_TRY(qvl_loop_save(r, QVL_SAVE_FINAL));
    return qvl_loop_end(r);
}

int qvl_loop_run(const qvl_loop_options *options, qvl_err *err)
{
    qvl_loop r = { .o = options, .c = options->config, .err = err,
                        .saved_step = -1, .told_epoch = -1 };
    int rc = qvl_guard(run_all, &r, err);
    qvl_progress_end(options->progress);
    if (rc != QVL_OK && rc != QVL_E_INTERRUPTED)
        qvl_loop_tell_last(&r);
    qvl_loader_close(r.loader);
    qvl_train_close(r.trainer);
    qvl_samples_close(&r.samples);
    qvl_run_log_close(r.log);
    qvl_str_release(&r.text);
    qvl_str_release(&r.conversations);
    qvl_arena_release(&r.arena);
    return rc;
}
