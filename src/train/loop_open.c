/* loop_open.c - before the first step: records, model, folder, log
 *
 * In this order, so that what is wrong with the configuration, the records or
 * the model is said before a folder appears; a checkpoint is read before the
 * log is touched. What has been opened stays with the loop, which closes it
 * whether this ends well or not.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "config/fusion.h"
#include "train/loop_state.h"
#include "train/run_options.h"
#include "train/sched.h"

/* ---- the model ----------------------------------------------------------- */

/* Which parameters are trained. */
static void put_tuner(qvl_train_options *o, const qvl_run_config *c)
{
    o->freeze = c->tuner.freeze_parameters.v;
    o->n_freeze = (size_t)c->tuner.freeze_parameters.n;
    o->freeze_regex = c->tuner.freeze_parameters_regex;
    o->freeze_llm = c->tuner.freeze_llm;
    o->freeze_vit = c->tuner.freeze_vit;
    o->freeze_aligner = c->tuner.freeze_aligner;
    o->trainable = c->tuner.trainable_parameters.v;
    o->n_trainable = (size_t)c->tuner.trainable_parameters.n;
    o->trainable_regex = c->tuner.trainable_parameters_regex;
}

qvl_train_options qvl_loop_trainer_options(const qvl_run_config *config,
                                           int64_t max_steps,
                                           qvl_arena *arena)
{
    static const char *const dtypes[] = {
        [QVL_CONFIG_F32] = "f32", [QVL_CONFIG_BF16] = "bf16",
        [QVL_CONFIG_F16] = "f16"
    };
    const qvl_run_config *c = config;
    qvl_train_options o;
    qvl_train_defaults(&o);
    qvl_run_options_put(&o, c, arena);
    o.device = c->runtime.device;
    o.n_threads = c->runtime.threads;
    o.dtype = dtypes[c->model.torch_dtype];
    o.recompute = c->training.gradient_checkpointing;
    put_tuner(&o, c);

    o.optimizer = qvl_run_config_word(c, "training.optimizer", arena);
    if (c->training.optimizer != QVL_OPTIMIZER_MULTIMODAL)
        o.vit_lr = o.aligner_lr = -1.0;
    if (c->lr.min_lr_ratio >= 0)
        o.min_lr_rate = c->lr.min_lr_ratio;
    o.greater_is_better = c->training.greater_is_better == QVL_BEST_GREATER;
    o.max_steps = max_steps;
    o.scores_rows = 1;
    return o;
}

static int open_trainer(qvl_loop *r)
{
    qvl_error error;
    qvl_train_options options =
        qvl_loop_trainer_options(r->c, r->max_steps, &r->arena);
    if (qvl_train_open(&r->trainer, r->c->model.model, &options, &error) != 0)
        return qvl_loop_fail(&error, r->err);
    return QVL_OK;
}

/* ---- sources --------------------------------------------------------------- */

/* Those of evaluations are found first, alone: training may have more. */
int qvl_loop_sources(qvl_sources *sources, const qvl_run_config *c,
                     const qvl_samples *samples, qvl_arena *arena,
                     qvl_err *err)
{
    const qvl_sample_set *train = &samples->train, *val = &samples->val;
    qvl_sources all = { 0 };
    qvl_sources_add(&all, val->record, val->n, arena);
    qvl_sources of_val = all;
    qvl_sources_add(&all, train->record, train->n, arena);
    if (all.n == 0) {
        qvl_log(QVL_LOG_WARN, "metadata.dataset of the records: found more "
                "than %d sources, there are no metrics of each",
                QVL_MAX_SOURCES);
        of_val.n = 0;
    }
    qvl_type_metrics types;
    QVL_TRY(qvl_type_metrics_make(&types, c, &all, arena, err));
    QVL_TRY(qvl_loop_check_metric(c, &of_val, &types, arena, err));
    *sources = all;
    return QVL_OK;
}

/* Numbers of a window that are of no source, type or op, at most. */
#define N_OTHER_NAMES 32

/* Names of a window that was taken up may be others than those to come. */
static int check_window(qvl_loop *r)
{
    int n_names = 2 * r->sources.n + r->types.n_names + r->augment.n_names;
    if (qvl_metrics_has_room(&r->window, N_OTHER_NAMES + n_names))
        return QVL_OK;
    return qvl_fail(r->err, QVL_E_CONFIG, "training.resume_from_checkpoint "
                    "(%s): found numbers of %d kinds in its window, expected "
                    "no sources but those of the records", r->folder.resume,
                    r->window.n);
}

/* ---- order and number of steps ------------------------------------------- */

/* Updates of an epoch; packed rows flow on from one epoch to the next, so there the
 * last of them counts as the part of an update that it is. */
static int count_updates(double *n, const qvl_epoch_plan *p,
                         const qvl_samples *samples, const qvl_run_config *c,
                         qvl_err *err)
{
    if (c->training.packing) {
        qvl_pack_source pack = qvl_samples_pack(samples, c);
        qvl_stretch rows;
        QVL_TRY(qvl_pack_stream_count(&pack, 0, &rows, err));
        *n = (double)rows.n / (double)(p->batch * p->accumulate);
        return QVL_OK;
    }
    *n = (double)qvl_epoch_plan_updates(p);
    if (*n > 0)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DATA, "%s: found %zu records, expected at least the "
                    "%zu of a batch with data.dataloader_drop_last",
                    qvl_samples_key(samples), p->n_records, p->batch);
}

int qvl_loop_plan(qvl_epoch_plan *plan, int64_t *max_steps,
                  const qvl_run_config *c, const qvl_samples *samples,
                  qvl_arena *arena, qvl_err *err)
{
    qvl_sched sched;
    qvl_epoch_plan p = qvl_samples_plan(samples, c);
    double updates;
    QVL_TRY(count_updates(&updates, &p, samples, c, err));
    double steps = ceil(c->training.num_train_epochs * updates);
    if (c->training.max_steps > 0)
        steps = c->training.max_steps;
    if (steps > 1e9 && c->training.max_steps > 0)
        return qvl_fail(err, QVL_E_CONFIG, "training.max_steps: found %d, "
                        "expected at most 1e9", c->training.max_steps);
    if (steps > 1e9)
        return qvl_fail(err, QVL_E_CONFIG, "training.num_train_epochs: "
                        "found %g epochs of %.0f steps, expected at most 1e9 "
                        "steps", c->training.num_train_epochs, updates);
    qvl_train_options options =
        qvl_loop_trainer_options(c, (int64_t)steps, arena);
    QVL_TRY(qvl_run_options_check(&options, err));
    QVL_TRY(qvl_sched_init(&sched, &options, err));
    *plan = p;
    *max_steps = (int64_t)steps;
    return QVL_OK;
}

/* Number of the first batch of a step, counted over all epochs. */
static uint64_t first_batch(const qvl_loop *r, int64_t step)
{
    const qvl_epoch_plan *plan = &r->plan;
    if (r->c->training.packing)
        return (uint64_t)step * plan->accumulate;
    qvl_epoch_place at = qvl_epoch_plan_at(plan, (uint64_t)step);
    return at.epoch * qvl_epoch_plan_batches(plan)
           + qvl_epoch_plan_update(plan, at.update).first;
}

static int open_loader(qvl_loop *r)
{
    if (r->c->training.packing)
        r->pack = qvl_samples_pack(&r->samples, r->c);
    qvl_loader_options options = {
        .recipes = r->samples.train.recipes,
        .record = r->samples.train.record,
        .plan = r->plan,
        .pack = r->c->training.packing ? &r->pack : NULL,
        .first = first_batch(r, r->step),
        .end = first_batch(r, r->max_steps),
        .n_taken = (int)r->plan.accumulate,
        .n_threads = r->c->data.dataloader_num_workers,
        .n_ahead = r->c->data.dataloader_prefetch_factor,
    };
    return qvl_loader_open(&r->loader, &options, r->err);
}

/* ---- folder and log ------------------------------------------------------ */

static int find_folder(qvl_loop *r)
{
    const qvl_run_config *c = r->c;
    return qvl_run_folder_find(&r->folder, c->training.output_dir,
                               c->training.add_version,
                               c->training.resume_from_checkpoint, &r->arena, r->err);
}

/* The fusion as it is, prompts from their files included. */
static int write_fusion(qvl_loop *r)
{
    const char *path = qvl_arena_printf(&r->arena, "%s/fusion.json", r->folder.path);
    qvl_str_reset(&r->text);
    qvl_fusion_json(&r->text, r->c->fusion, &r->arena);
    return qvl_file_write_all(path, r->text.p, r->text.len, r->err);
}

static int make_folder(qvl_loop *r)
{
    const qvl_run_config *c = r->c;
    struct tm now;
    localtime_r(&(time_t){ time(NULL) }, &now);
    QVL_TRY(qvl_run_folder_make(&r->folder, c->training.output_dir, &now, &r->arena,
                                r->err));
    qvl_str_reset(&r->text);
    qvl_run_config_json(&r->text, c, &r->arena);
    r->args = qvl_arena_strdup(&r->arena, r->text.p);
    const char *path =
        qvl_arena_printf(&r->arena, "%s/args.json", r->folder.path);
    QVL_TRY(qvl_file_write_all(path, r->args, strlen(r->args), r->err));
    return c->fusion != NULL ? write_fusion(r) : QVL_OK;
}

static bool has_board(const qvl_run_config *c)
{
    return c->training.report_to.n > 0
           && strcmp(c->training.report_to.v[0], "none") != 0;
}

static int open_log(qvl_loop *r, const char *history)
{
    qvl_run_log_options options = {
        .folder = r->folder.path,
        .board_folder = has_board(r->c) ? r->c->training.logging_dir : NULL,
        .style = r->c->training.logging_key_style == QVL_LOG_KEYS_HF
                     ? QVL_STYLE_HF
                     : QVL_STYLE_PREFIXED,
        .is_loud = r->o->is_loud,
        .history = history,
    };
    return qvl_run_log_open(&r->log, &options, r->err);
}

/* ---- resuming ------------------------------------------------------------ */

/* Load the checkpoint before anything is written. */
static int load_checkpoint(qvl_loop *r, qvl_train_state *state)
{
    qvl_error error;
    if (r->folder.resume == NULL)
        return QVL_OK;
    if (qvl_train_resume(r->trainer, r->folder.resume, state, &error) != 0)
        return qvl_loop_fail(&error, r->err);
    r->step = qvl_train_steps_done(r->trainer);
    QVL_TRY(qvl_loop_resume(r, state));
    if (r->step >= r->max_steps && !r->owes_evaluation)
        return qvl_fail(r->err, QVL_E_CONFIG, "training.resume_from_checkpoint"
                        " (%s): found %lld steps done, expected fewer than "
                        "the %lld of the run", r->folder.resume,
                        (long long)r->step, (long long)r->max_steps);
    return QVL_OK;
}

static int note_resumed(qvl_loop *r)
{
    if (r->folder.resume == NULL)
        return QVL_OK;
    qvl_log(QVL_LOG_INFO, "going on behind step %lld of %s",
            (long long)r->step, r->folder.resume);
    qvl_str_reset(&r->text);
    qvl_str_puts(&r->text, "{\"resumed_from\": ");
    qvl_json_quote(&r->text, r->folder.resume, strlen(r->folder.resume));
    qvl_str_printf(&r->text, ", \"step\": %lld, \"time\": %.3f}",
                   (long long)r->step, qvl_clock_unix_s());
    return qvl_run_log_put_line(r->log, r->text.p, r->err);
}

/* ---- the plan in words --------------------------------------------------- */

static void print_set(const char *name, const qvl_sample_set *set)
{
    if (set->n > 0)
        qvl_log(QVL_LOG_INFO, "%s: %zu records, %lld tokens, %lld of them "
                "supervised and %lld of pictures, the longest has %d", name,
                set->n, (long long)set->n_tokens,
                (long long)set->n_supervised, (long long)set->n_image_tok,
                set->longest_tok);
}

static void print_model(const qvl_loop *r)
{
    uint64_t held, peak;
    size_t n_all = 0, n_trained = 0;
    for (int k = 0; k < qvl_train_n_parts(r->trainer); k++) {
        qvl_train_part part;
        qvl_train_part_at(r->trainer, k, &part);
        qvl_log(QVL_LOG_INFO, "%s: %zu of %zu parameters are trained",
                part.part, part.n_trained, part.n_elems);
        n_all += part.n_elems;
        n_trained += part.n_trained;
    }
    qvl_train_memory(r->trainer, &held, &peak);
    qvl_log(QVL_LOG_INFO, "all: %zu of %zu parameters, %.1f MiB on the device",
            n_trained, n_all, (double)held / 0x1p20);
    for (int k = 0; k < qvl_train_n_groups(r->trainer); k++) {
        qvl_train_group group;
        qvl_train_group_at(r->trainer, k, &group);
        qvl_log(QVL_LOG_INFO, "group %s: %zu tensors, rate %g, decay %g",
                group.part, group.n_params, group.learning_rate,
                group.weight_decay);
    }
}

/* For --debug. */
static void print_trained(const qvl_loop *r)
{
    for (size_t k = 0; k < qvl_train_n_tensors(r->trainer); k++) {
        qvl_tensor tensor;
        int group = qvl_train_tensor_group(r->trainer, k);
        if (group >= 0 && qvl_train_tensor_at(r->trainer, k, &tensor) == 0)
            qvl_log(QVL_LOG_DEBUG, "trained in group %d: %s", group, tensor.name);
    }
}

static void print_plan(qvl_loop *r)
{
    const qvl_run_config *c = r->c;
    const qvl_epoch_plan *p = &r->plan;
    print_set("training", &r->samples.train);
    print_set("validation", &r->samples.val);
    print_model(r);
    print_trained(r);
    const char *size =
        c->training.packing
            ? qvl_arena_printf(&r->arena, "rows of at most %d tokens",
                               c->training.packing_length)
            : qvl_arena_printf(&r->arena, "%zu steps an epoch",
                               qvl_epoch_plan_updates(p));
    qvl_log(QVL_LOG_INFO, "%lld steps of %zu %s (%zu batches of %zu), %s; %s, "
            "warm-up %d steps or %g of all", (long long)r->max_steps,
            p->batch * p->accumulate,
            c->training.packing ? "packed rows" : "samples", p->accumulate,
            p->batch, size,
            qvl_run_config_word(c, "training.lr_scheduler_type", &r->arena),
            c->training.warmup_steps, c->training.warmup_ratio);
    qvl_log(QVL_LOG_INFO, "files go to %s", r->folder.path);
}

/* ---- all of it ----------------------------------------------------------- */

int qvl_loop_open(qvl_loop *r)
{
    qvl_train_state state = { 0 };
    QVL_TRY(qvl_samples_open(&r->samples, r->c,
                             r->o->checks_all ? QVL_SAMPLES_ALL
                                              : QVL_SAMPLES_FIRST, &r->arena,
                             r->err));
    QVL_TRY(qvl_loop_plan(&r->plan, &r->max_steps, r->c, &r->samples,
                          &r->arena, r->err));
    qvl_loop_augment_open(r);
    r->words = qvl_loop_words_of(r);
    r->cadence = qvl_cadence_of(r->c, r->max_steps);
    QVL_TRY(qvl_loop_sources(&r->sources, r->c, &r->samples, &r->arena,
                             r->err));
    QVL_TRY(qvl_type_metrics_make(&r->types, r->c, &r->sources, &r->arena, r->err));
    QVL_TRY(open_trainer(r));
    QVL_TRY(find_folder(r));
    QVL_TRY(load_checkpoint(r, &state));
    QVL_TRY(check_window(r));
    QVL_TRY(make_folder(r));
    QVL_TRY(open_log(r, state.log_history));
    QVL_TRY(open_loader(r));
    qvl_loop_samples_open(r);
    print_plan(r);
    return note_resumed(r);
}
