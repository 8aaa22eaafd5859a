/* bench_programs.c - the kernels of a model's programs, each timed where it
 * stands: a step of training, its update, reading a prompt, one more token
 *
 * A program runs once as always; then the device measures its steps one by one,
 * `repeats` times. Steps of one kernel and one shape are a line. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "bench.h"
#include "infer/batch.h"
#include "step_facts.h"
#include "tensor/dtype.h"
#include "train/trainer.h"

/* The steps of one kernel and shape. */
typedef struct {
    const char *name, *op, *shape;
    int calls;
    double flop, bytes;
    double *s;      // [repeats]
    double min_s;
} row;

typedef struct {
    const bench_options *o;
    qvl_err *err;
    qvl_arena arena;
    qvl_trainer *trainer;
    qvl_model *model;
    const qvl_model_config *config;
    qvl_device *device;
    qvl_batch_source source;
    int dtype;
    bench_roof roof;
    // of the program that is measured
    row *row;
    int n_rows;
    int repeat;     // that is being added
    int n_printed;  // lines so far
} bench;

/* ---- rows ----------------------------------------------------------------- */

static void begin_rows(bench *b, int most)
{
    b->row = qvl_arena_array(&b->arena, row, most);
    b->n_rows = 0;
}

/* The row of a kernel and a shape; a new one belongs to the arena. */
static row *find_row(bench *b, const qvl_kernel *k, const char *shape)
{
    for (int i = 0; i < b->n_rows; i++)
        if (strcmp(b->row[i].name, k->name) == 0
            && strcmp(b->row[i].shape, shape) == 0)
            return &b->row[i];
    row *r = &b->row[b->n_rows++];
    *r = (row){ .name = k->name, .op = k->op,
                .shape = qvl_arena_strdup(&b->arena, shape),
                .s = qvl_arena_array(&b->arena, double, b->o->repeats) };
    return r;
}

/* Add a step; numbers of work are those of one run. */
static void add_step(bench *b, const qvl_kernel *k, const char *shape,
                     double flop, double bytes, double s)
{
    row *r = find_row(b, k, shape);
    r->s[b->repeat] += s;
    if (b->repeat > 0)
        return;
    r->calls++;
    r->flop += flop;
    r->bytes += bytes;
}

static int by_time(const void *a, const void *b)
{
    double x = ((const row *)a)->min_s, y = ((const row *)b)->min_s;
    return (x < y) - (x > y);
}

/* Every row that is wanted. */
static void print_rows(bench *b, const char *program)
{
    double all_s = 0.0;
    bench_time *time = qvl_arena_array(&b->arena, bench_time, b->n_rows);
    for (int i = 0; i < b->n_rows; i++) {
        b->row[i].min_s = bench_time_of(b->row[i].s, b->o->repeats).min_s;
        all_s += b->row[i].min_s;
    }
    qsort(b->row, (size_t)b->n_rows, sizeof *b->row, by_time);
    const char *device = qvl_arena_printf(&b->arena, "%s:%d",
                                          b->device->info.backend,
                                          b->device->info.index);
    for (int i = 0; i < b->n_rows; i++) {
        const row *r = &b->row[i];
        if (b->o->op != NULL && strcmp(b->o->op, r->op) != 0)
            continue;
        b->n_printed++;
        time[i] = bench_time_of(r->s, b->o->repeats);
        bench_print(&(bench_line){
            .name = qvl_arena_printf(&b->arena, "%s %s", program, r->name),
            .shape = r->shape, .device = device,
            .dtype = qvl_dtype_name(b->dtype), .min_s = time[i].min_s,
            .median_s = time[i].median_s, .flop = r->flop, .bytes = r->bytes,
            .roof_flop = b->roof.flop, .roof_bytes = b->roof.bytes,
            .calls = r->calls, .share = r->min_s / all_s }, b->o->json);
    }
}

/* ---- programs ------------------------------------------------------------- */

/* Measure the steps of the model's last run. */
static int measure_model(bench *b, const char *program)
{
    const qvl_plan *plan = qvl_model_plan(b->model);
    const qvl_batch *batch = qvl_model_batch(b->model);
    double *s = qvl_arena_array(&b->arena, double, plan->n_steps);
    qvl_str shape = { 0 };
    int rc = QVL_OK;
    begin_rows(b, plan->n_steps);
    for (b->repeat = 0; rc == QVL_OK && b->repeat < b->o->repeats;
         b->repeat++) {
        rc = qvl_model_profile(b->model, s, b->err);
        for (int i = 0; rc == QVL_OK && i < plan->n_steps; i++) {
            const qvl_planned *p = &plan->step[i];
            qvl_str_reset(&shape);
            step_shape(&shape, plan, p);
            add_step(b, p->kernel, shape.p, step_flop(plan, p, batch),
                     step_bytes(plan, p), s[i]);
        }
    }
    qvl_str_release(&shape);
    if (rc == QVL_OK)
        print_rows(b, program);
    return rc;
}

/* Kernels of the update: those of one name are a line. */
static int measure_update(bench *b)
{
    qvl_optim *optim = qvl_trainer_about(b->trainer)->optim;
    for (b->repeat = 0; b->repeat < b->o->repeats; b->repeat++) {
        qvl_optim_row *step;
        int n;
        QVL_TRY(qvl_optim_profile(optim, &step, &n, &b->arena, b->err));
        if (b->repeat == 0)
            begin_rows(b, n);
        for (int i = 0; i < n; i++)
            add_step(b, step[i].kernel, "all", 0.0, step[i].bytes, step[i].s);
    }
    print_rows(b, "update");
    return QVL_OK;
}

static int run_training(bench *b)
{
    qvl_trainer_report report;
    QVL_TRY(qvl_trainer_step(b->trainer, &b->source, 1, &report, b->err));
    QVL_TRY(measure_model(b, "train"));
    return measure_update(b);
}

/* Read the sequence as a prompt, then make tokens until one is made from what
 * is kept. */
static int run_answer(bench *b, qvl_batcher *batcher)
{
    const qvl_new_token *token;
    int n, ticket;
    const qvl_request request = {
        .id = b->source.id, .n = b->source.row_len,
        .images = b->source.images, .sampling = qvl_sampling_greedy(),
        .max_new = 4,
    };
    QVL_TRY(qvl_batcher_add(batcher, &request, &ticket, b->err));
    QVL_TRY(qvl_batcher_step(batcher, &token, &n, b->err));
    QVL_TRY(measure_model(b, "prefill"));
    QVL_TRY(qvl_batcher_step(batcher, &token, &n, b->err));
    return measure_model(b, "decode");
}

static int open_parts(bench *b)
{
    const bench_options *o = b->o;
    int rows, cols;
    QVL_TRY(qvl_dtype_parse(o->dtype, &b->dtype, b->err));
    QVL_TRY(bench_open_trainer(&b->trainer, o, b->err));
    b->model = qvl_trainer_about(b->trainer)->model;
    b->config = qvl_model_about(b->model)->config;
    b->device = qvl_model_about(b->model)->device;
    QVL_TRY(bench_picture(b->config, o->image, &rows, &cols, b->err));
    b->source = bench_sample(b->config, rows, cols, o->tokens, true,
                             &b->arena);
    return bench_measure_roof(b->device, b->dtype, &b->roof, b->err);
}

static int run_all(void *arg)
{
    bench *b = arg;
    qvl_batcher *batcher;
    QVL_TRY(open_parts(b));
    QVL_TRY(run_training(b));
    QVL_TRY(qvl_batcher_open(&batcher, b->model, 1, b->err));
    qvl_batcher_set_piece(batcher, INT_MAX);  // one step reads all
    int rc = run_answer(b, batcher);
    qvl_batcher_close(batcher);
    if (rc == QVL_OK && b->n_printed == 0)
        return qvl_fail(b->err, QVL_E_USAGE,
                        "flag --op: found %s, expected the name of a kernel "
                        "that the model's programs have", b->o->op);
    return rc;
}

int bench_programs(const bench_options *o, qvl_err *err)
{
    bench b = { .o = o, .err = err };
    int rc = qvl_guard(run_all, &b, err);
    qvl_trainer_close(b.trainer);
    qvl_arena_release(&b.arena);
    return rc;
}
