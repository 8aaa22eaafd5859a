/* bench_data.c - what it costs to make samples of a run, step by step
 *
 * The first samples of the run, in its order, one behind the other on one processor:
 *
 *     augment   objects and sizes through the ops
 *     decode    picture file to pixels
 *     edit.*    pixels through the steps of augmentation
 *     fit       resized to what the model takes
 *     text      prompt and answer to tokens
 *     patches   pixels to numbers: what is left of a whole sample
 *     sample    all of it, as a loader makes it
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "bench.h"
#include "config/run_config.h"
#include "data/picture.h"
#include "image/resize.h"
#include "train/loop.h"
#include "train/samples.h"

/* Samples of one round. */
#define MOST_SAMPLES 32

typedef enum {
    AUGMENT,
    DECODE,
    EDIT_WARP,
    EDIT_RESIZE,
    EDIT_WINDOW,
    EDIT_COLOUR,
    FIT,
    TEXT,
    PATCHES,
    SAMPLE,
    N_PARTS
} part;

static const char *const names[N_PARTS] = {
    "augment", "decode", "edit.warp", "edit.resize", "edit.window", "edit.colour",
    "fit",     "text",   "patches",   "sample",
};

typedef struct {
    const bench_options *o;
    qvl_err *err;
    qvl_arena arena;  // records, configuration
    qvl_arena work;   // of one sample
    qvl_run_config config;
    qvl_samples samples;
    qvl_epoch_plan plan;
    qvl_epoch_slot *order;
    int n;            // samples of a round
    double pixels;    // decoded in a round
    double round[BENCH_MAX_REPEATS][N_PARTS];  // seconds
} bench;

/* ---- one sample ----------------------------------------------------------- */

static part part_of(qvl_edit_kind kind)
{
    if (kind == QVL_EDIT_WARP)
        return EDIT_WARP;
    if (kind == QVL_EDIT_RESIZE)
        return EDIT_RESIZE;
    return kind <= QVL_EDIT_PASTE ? EDIT_WINDOW : EDIT_COLOUR;
}

/* The steps of an edit, each timed. */
static int edit(bench *b, qvl_image *im, const qvl_edit *e, double *s)
{
    for (int i = 0; e != NULL && i < e->n_steps; i++) {
        const qvl_edit one = { im->h, im->w, &e->step[i], 1 };
        double began_s = bench_now_s();
        QVL_TRY(qvl_edit_run(im, &one, b->err));
        s[part_of(e->step[i].kind)] += bench_now_s() - began_s;
    }
    return QVL_OK;
}

/* Picture k of a record: decoded, edited, resized to the grid's pixels. */
static int take_picture(bench *b, const qvl_record *r, int k, const int64_t *grid,
                        double *s)
{
    const qvl_decode_options options = { 0 };
    qvl_image im = { 0 }, fitted = { 0 };
    int patch = qvl_encoder_processor(b->samples.encoder)->patch;
    double began_s = bench_now_s();
    QVL_TRY(qvl_picture_load(&im, r->image[k], &options, b->err));
    s[DECODE] += bench_now_s() - began_s;
    b->pixels += (double)im.w * im.h;
    int rc = edit(b, &im, r->edit, s);
    began_s = bench_now_s();
    if (rc == QVL_OK)
        rc = qvl_image_resize(&fitted, &im, (int)grid[1] * patch,
                              (int)grid[2] * patch, QVL_RESIZE_PILLOW, b->err);
    s[FIT] += bench_now_s() - began_s;
    qvl_image_release(&im);
    qvl_image_release(&fitted);
    return rc;
}

/* Sample number i of the run. */
static int take_sample(bench *b, int i, double *s)
{
    const qvl_sample_set *set = &b->samples.train;
    qvl_sample_at at = qvl_epoch_plan_sample(&b->plan, b->order, 0, (size_t)i);
    const qvl_recipe *recipe = qvl_recipe_of(&set->recipes, at.record);
    const qvl_encoder *e = recipe->encoder;
    const qvl_record *r = &set->record[at.record];
    qvl_encoded sample;
    double began_s = bench_now_s(), text_s, all_s;
    QVL_TRY(qvl_recipe_see(recipe, r, &at, &b->work, &r, NULL, b->err));
    double augment_s = bench_now_s() - began_s;
    began_s = bench_now_s();
    QVL_TRY(qvl_encode(e, r, 0, &b->work, &sample, b->err));
    all_s = bench_now_s() - began_s;
    began_s = bench_now_s();
    QVL_TRY(qvl_encode_text(e, r, 0, &b->work, &sample, b->err));
    text_s = bench_now_s() - began_s;
    for (int k = 0; k < r->n_images; k++)
        QVL_TRY(take_picture(b, r, k, sample.grid + 3 * k, s));
    s[AUGMENT] += augment_s;
    s[TEXT] += text_s;
    s[SAMPLE] += augment_s + all_s;
    return QVL_OK;
}

static int take_round(bench *b, double *s)
{
    memset(s, 0, N_PARTS * sizeof *s);
    b->pixels = 0.0;
    for (int i = 0; i < b->n; i++) {
        qvl_arena_reset(&b->work);
        QVL_TRY(take_sample(b, i, s));
    }
    double rest_s = s[SAMPLE];
    for (int p = 0; p < PATCHES; p++)
        rest_s -= s[p];
    s[PATCHES] = rest_s > 0.0 ? rest_s : 0.0;
    return QVL_OK;
}

/* ---- all of it ------------------------------------------------------------ */

static int open_run(bench *b)
{
    int64_t max_steps;
    QVL_TRY(qvl_run_config_load(&b->config, b->o->config, NULL, NULL, 0, &b->arena,
                                b->err));
    QVL_TRY(qvl_samples_open(&b->samples, &b->config, QVL_SAMPLES_FIRST, &b->arena,
                             b->err));
    QVL_TRY(qvl_loop_plan(&b->plan, &max_steps, &b->config, &b->samples, &b->arena,
                          b->err));
    qvl_samples_augment(&b->samples, &b->config, max_steps, &b->arena);
    size_t n = b->plan.n_records;
    b->order = qvl_arena_array(&b->arena, qvl_epoch_slot, n);
    qvl_epoch_plan_order(b->order, &b->plan, 0, &b->work);
    b->n = n < MOST_SAMPLES ? (int)n : MOST_SAMPLES;
    return QVL_OK;
}

static void print_part(bench *b, part p)
{
    double s[BENCH_MAX_REPEATS];
    for (int k = 0; k < b->o->repeats; k++)
        s[k] = b->round[k][p] / b->n;
    bench_time t = bench_time_of(s, b->o->repeats);
    const char *shape = qvl_arena_printf(&b->arena, "%d samples of %.0f px", b->n,
                                         b->pixels / b->n);
    if (t.min_s > 0.0)  // it is there, and not lost in the noise
        bench_print(&(bench_line){ .name = names[p], .shape = shape, .device = "cpu",
                                   .dtype = "u8", .median_s = t.median_s,
                                   .min_s = t.min_s, .units = 1, .unit = "samples",
                                   .rss_bytes = bench_peak_bytes() }, b->o->json);
}

static int run_steps(void *arg)
{
    bench *b = arg;
    double warm[N_PARTS];
    QVL_TRY(open_run(b));
    QVL_TRY(take_round(b, warm));
    for (int k = 0; k < b->o->repeats; k++)
        QVL_TRY(take_round(b, b->round[k]));
    for (int p = 0; p < N_PARTS; p++)
        print_part(b, (part)p);
    return QVL_OK;
}

int bench_data(const bench_options *o, qvl_err *err)
{
    bench *b = qvl_memory_zeroed(1, sizeof *b);
    b->o = o;
    b->err = err;
    int rc = qvl_guard(run_steps, b, err);
    qvl_samples_close(&b->samples);
    qvl_arena_release(&b->work);
    qvl_arena_release(&b->arena);
    free(b);
    return rc;
}
