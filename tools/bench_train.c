/* bench_train.c - an optimizer step, timed
 *
 * With a model: one sequence of a picture and text, every parameter trained.
 * With a configuration: the samples of its first step, and the parameters it
 * trains.
 *
 * Every batch is a step of its own first, so that programs are recorded and all
 * memory is there; then whole steps are timed.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "bench.h"
#include "cmd.h"
#include "config/run_config.h"
#include "qvl_train.h"
#include "step_facts.h"
#include "tensor/dtype.h"
#include "train/loader.h"
#include "train/loop.h"
#include "train/samples.h"
#include "train/trainer.h"

#define MANY_STEPS 1000000  // of a schedule that the bench does not end

typedef struct {
    const bench_options *o;
    qvl_err *err;
    qvl_arena arena;
    qvl_trainer *trainer;
    qvl_samples samples;
    qvl_pack_source pack;  // where rows are packed
    qvl_loader *loader;    // has the arrays of the batches; NULL: the arena has
    qvl_device *device;
    qvl_batch_in *batch;   // [n_batches] of a step
    int n_batches;
    bench_roof roof;
    // of a step
    int n_texts;           // samples
    double flop;
    size_t temp_bytes;     // of the largest batch, as planned
    qvl_device_counts before, after;
    qvl_train_report report;
} bench;

/* ---- what is trained, on what -------------------------------------------- */

static int open_trainer(qvl_trainer **trainer, const char *folder,
                        const qvl_train_options *options, qvl_err *err)
{
    qvl_error error;
    if (qvl_train_open(trainer, folder, options, &error) == 0)
        return QVL_OK;
    qvl_fail(err, error.code, "%s", error.message);
    return error.code;
}

int bench_open_trainer(qvl_trainer **trainer, const bench_options *o,
                       qvl_err *err)
{
    qvl_train_options options;
    if (o->tuner != NULL && strcmp(o->tuner, "full") != 0)
        return qvl_fail(err, QVL_E_UNSUPPORTED, "flag --tuner: found %s: not "
                        "supported, expected full", o->tuner);
    qvl_train_defaults(&options);
    options.device = o->device;
    options.n_threads = o->n_threads;
    options.dtype = o->dtype;
    options.recompute = o->checkpointing;
    options.learning_rate = 1e-6;
    options.max_steps = MANY_STEPS;
    return open_trainer(trainer, o->model, &options, err);
}

static qvl_batch_in as_input(const qvl_batch_source *s, size_t n_values)
{
    return (qvl_batch_in){
        .n_rows = s->n_rows, .row_len = s->row_len, .input_ids = s->id,
        .labels = s->label,
        .images = { .pixels = s->images.pixels, .grid = s->images.grid,
                    .n_rows = s->images.n_patches, .n_cols = n_values,
                    .n_grids = s->images.n },
    };
}

static int open_model(bench *b)
{
    const bench_options *o = b->o;
    QVL_TRY(bench_open_trainer(&b->trainer, o, b->err));
    const qvl_model_config *config =
        qvl_model_about(qvl_trainer_about(b->trainer)->model)->config;
    int rows, cols;
    QVL_TRY(bench_picture(config, o->image, &rows, &cols, b->err));
    qvl_batch_source s = bench_sample(config, rows, cols, o->tokens, true,
                                      &b->arena);
    b->batch = qvl_arena_array(&b->arena, qvl_batch_in, 1);
    b->batch[0] = as_input(&s, (size_t)config->vision.patch_values);
    b->n_batches = 1;
    b->n_texts = 1;
    return QVL_OK;
}

static int load_config(bench *b, qvl_run_config *config)
{
    const bench_options *o = b->o;
    const char *threads =
        o->n_threads > 0 ? qvl_arena_printf(&b->arena, "%d", o->n_threads)
                         : NULL;
    const qvl_config_flag given[] = {
        { "runtime.device", o->device, "--device" },
        { "runtime.threads", threads, "--threads" },
        { "model.torch_dtype", o->dtype, "--dtype" },
        { "tuner.train_type", o->tuner, "--tuner" },
        { "training.gradient_checkpointing",
          o->checkpointing ? "true" : NULL, "--checkpointing" },
    };
    QVL_TRY(qvl_run_config_load(config, o->config, NULL, given,
                                QVL_COUNT(given), &b->arena, b->err));
    config->runtime.device = cmd_device(config->runtime.device);
    return QVL_OK;
}

/* The batches of the first step, in the run's order; the loader keeps them. */
static int encode_batches(bench *b, const qvl_run_config *c)
{
    qvl_epoch_plan plan;
    int64_t max_steps;
    QVL_TRY(qvl_loop_plan(&plan, &max_steps, c, &b->samples, &b->arena, b->err));
    qvl_samples_augment(&b->samples, c, max_steps, &b->arena);
    b->pack = c->training.packing ? qvl_samples_pack(&b->samples, c)
                                  : (qvl_pack_source){ 0 };
    b->n_batches = c->training.packing
                       ? (int)plan.accumulate
                       : (int)qvl_epoch_plan_update(&plan, 0).n;
    qvl_loader_options options = {
        .recipes = b->samples.train.recipes,
        .record = b->samples.train.record,
        .plan = plan,
        .pack = c->training.packing ? &b->pack : NULL,
        .end = (uint64_t)b->n_batches,
        .n_taken = b->n_batches,
        .n_ahead = 1,
    };
    qvl_collated *batch = qvl_arena_array(&b->arena, qvl_collated, b->n_batches);
    b->batch = qvl_arena_array(&b->arena, qvl_batch_in, b->n_batches);
    QVL_TRY(qvl_loader_open(&b->loader, &options, b->err));
    QVL_TRY(qvl_loader_take(b->loader, batch, b->n_batches, b->err));
    for (int k = 0; k < b->n_batches; k++) {
        b->batch[k] = batch[k].in;
        b->n_texts += batch[k].n_samples;
    }
    return QVL_OK;
}

static int open_config(bench *b)
{
    qvl_run_config c;
    QVL_TRY(load_config(b, &c));
    QVL_TRY(qvl_samples_open(&b->samples, &c, QVL_SAMPLES_FIRST, &b->arena,
                             b->err));
    QVL_TRY(encode_batches(b, &c));
    int64_t steps = b->o->repeats + b->n_batches;
    qvl_train_options options = qvl_loop_trainer_options(
        &c, c.training.max_steps > steps ? c.training.max_steps : MANY_STEPS,
        &b->arena);
    return open_trainer(&b->trainer, c.model.model, &options, b->err);
}

/* ---- steps ---------------------------------------------------------------- */

static int step(bench *b, const qvl_batch_in *batch, int n)
{
    qvl_error error;
    if (qvl_train_step(b->trainer, batch, n, &b->report, &error) == 0)
        return QVL_OK;
    qvl_fail(b->err, error.code, "%s", error.message);
    return error.code;
}

/* Every batch alone: records its program, and tells what it costs. */
static int warm_up(bench *b)
{
    qvl_model *model = qvl_trainer_about(b->trainer)->model;
    for (int k = 0; k < b->n_batches; k++) {
        QVL_TRY(step(b, &b->batch[k], 1));
        if (b->report.n_labels == 0)
            continue;
        const qvl_plan *plan = qvl_model_plan(model);
        b->flop += step_plan_flop(plan, qvl_model_batch(model));
        if (plan->temp_bytes > b->temp_bytes)
            b->temp_bytes = plan->temp_bytes;
    }
    return b->n_batches > 1 ? step(b, b->batch, b->n_batches) : QVL_OK;
}

static int time_steps(bench *b, bench_time *time)
{
    int n = b->o->repeats;
    double *s = qvl_arena_array(&b->arena, double, n);
    QVL_TRY(warm_up(b));
    b->device->be->counts(b->device, &b->before);
    for (int i = 0; i < n; i++) {
        double start = bench_now_s();
        QVL_TRY(step(b, b->batch, b->n_batches));
        s[i] = bench_now_s() - start;
    }
    b->device->be->counts(b->device, &b->after);
    *time = bench_time_of(s, n);
    return QVL_OK;
}

/* ---- lines ---------------------------------------------------------------- */

/* A count of the device, for one of the steps that were timed. */
static double per_step(const bench *b, uint64_t before, uint64_t after)
{
    return (double)(after - before) / b->o->repeats;
}

/* Numbers of a step beside its time, as JSON members and as words. */
static const char *describe(bench *b, bool json)
{
    const qvl_trainer_parts *t = qvl_trainer_about(b->trainer);
    const qvl_device_counts *x = &b->before, *y = &b->after;
    double store = (double)qvl_store_bytes(qvl_model_about(t->model)->store);
    double optim = (double)qvl_optim_bytes(t->optim);
    return qvl_arena_printf(
        &b->arena,
        json ? ", \"batches\": %d, \"samples\": %d, \"loss\": %.6g, "
               "\"submissions\": %g, \"host_waits\": %g, \"bytes_up\": %.0f, "
               "\"bytes_down\": %.0f, \"parameter_bytes\": %.0f, "
               "\"optimizer_bytes\": %.0f, \"temporary_bytes\": %.0f, "
               "\"device_bytes\": %.0f, \"peak_device_bytes\": %.0f"
             : "  a step: %d batches of %d samples, loss %.4g, %g submissions, "
               "%g waits, %.0f bytes up, %.0f down\n"
               "  device bytes: %.0f of weights and gradients, %.0f of the "
               "optimizer, %.0f of temporaries as planned; held %.0f, at most "
               "%.0f\n",
        b->n_batches, b->n_texts, b->report.loss,
        per_step(b, x->n_submits, y->n_submits),
        per_step(b, x->n_waits, y->n_waits),
        per_step(b, x->bytes_up, y->bytes_up),
        per_step(b, x->bytes_down, y->bytes_down), store, optim,
        (double)b->temp_bytes, (double)y->bytes_held,
        (double)y->bytes_held_peak);
}

static const char *name_shape(bench *b)
{
    const qvl_batch_in *first = &b->batch[0];
    const int64_t *grid = first->images.grid;
    if (b->n_batches > 1 || first->n_rows > 1)
        return qvl_arena_printf(&b->arena, "%d x %d samples", b->n_batches,
                                first->n_rows);
    if (first->images.n_grids == 0)
        return qvl_arena_printf(&b->arena, "%d tokens", first->row_len);
    return qvl_arena_printf(&b->arena, "%d tokens, %lldx%lld patches",
                            first->row_len, (long long)grid[1],
                            (long long)grid[2]);
}

static int run_all(void *arg)
{
    bench *b = arg;
    bench_time time;
    QVL_TRY(b->o->config != NULL ? open_config(b) : open_model(b));
    const qvl_trainer_parts *t = qvl_trainer_about(b->trainer);
    b->device = qvl_model_about(t->model)->device;
    QVL_TRY(time_steps(b, &time));
    double rss_bytes = bench_peak_bytes();
    int dtype = t->dtype;
    if (dtype == QVL_DTYPE_AUTO)
        dtype = b->device->info.is_gpu ? QVL_BF16 : QVL_F32;
    QVL_TRY(bench_measure_roof(b->device, dtype, &b->roof, b->err));
    bool json = b->o->json;
    bench_print(&(bench_line){
        .name = "train", .shape = name_shape(b),
        .device = qvl_arena_printf(&b->arena, "%s:%d",
                                   b->device->info.backend,
                                   b->device->info.index),
        .dtype = qvl_dtype_name(dtype), .median_s = time.median_s,
        .min_s = time.min_s, .flop = b->flop,
        .units = (double)b->report.n_tokens, .unit = "tokens",
        .roof_flop = b->roof.flop, .rss_bytes = rss_bytes,
        .more = json ? describe(b, true) : NULL }, json);
    if (!json)
        printf("  seconds a step: %.4f, median %.4f of %d\n%s", time.min_s,
               time.median_s, b->o->repeats, describe(b, false));
    return QVL_OK;
}

int bench_train(const bench_options *o, qvl_err *err)
{
    bench b = { .o = o, .err = err };
    int rc = qvl_guard(run_all, &b, err);
    qvl_train_close(b.trainer);
    qvl_loader_close(b.loader);
    qvl_samples_close(&b.samples);
    qvl_arena_release(&b.arena);
    return rc;
}
