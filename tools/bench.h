/* bench.h - what the benches share: repeated timing, roofs, lines of results */
#ifndef TOOLS_BENCH_H
#define TOOLS_BENCH_H

#include <stdbool.h>

#include "backend/backend.h"
#include "base/err.h"
#include "model/batch.h"
#include "train/trainer.h"

#define BENCH_MAX_REPEATS 64

typedef struct {
    const char *model;   // folder
    const char *config;  // of a training run
    const char *what;    // of a model: vision, prefill, decode; NULL: all
    const char *op;      // of kernels: this one alone
    const char *shapes;  // of kernels: file; NULL: those built in
    const char *tuner;   // of train; NULL: full, or as the configuration says
    const char *image;   // "768x768"
    int prompt, fresh, seats, tokens;
    int repeats;
    int budget_s;        // of tune
    bool checkpointing, json, is_dry_run;
    const char *device;
    int n_threads;
    const char *dtype;
    const bool *given;   // [flags] of the command: was it in the call
} bench_options;

/* One measurement. Zero where a number does not apply. */
typedef struct {
    const char *name, *shape, *device, *dtype;
    double median_s, min_s;
    double flop;        // of a run
    double bytes;       // moved by a run, at least
    double units;       // tokens, patches, ... of a run
    const char *unit;
    double roof_flop;   // per second, of this device, measured in this run
    double roof_bytes;
    double rss_bytes;   // of the process, at its highest so far
    int calls;          // that the seconds are the sum of
    double share;       // of the time of all that is measured with it
    const char *more;   // further JSON members, ", \"a\": 1", or NULL
} bench_line;

/* A line of JSON, or one for people. */
void bench_print(const bench_line *line, bool json);

/* Seconds since some moment; resident bytes at their highest. */
double bench_now_s(void);
double bench_peak_bytes(void);

/* Call fn once to warm up, then `repeats` times, 1 to BENCH_MAX_REPEATS. The first
 * error of fn ends it. */
typedef struct {
    double median_s, min_s;
} bench_time;
int bench_repeat(int (*fn)(void *arg), void *arg, int repeats,
                 bench_time *out);

/* Best product rate (f32, or dtype where that is faster) and copy rate of a device;
 * the first is 0 where this build has no such product. Fails with errors of the
 * device; out of memory unwinds as in base/arena.h. */
typedef struct {
    double flop, bytes;  // per second
} bench_roof;
int bench_measure_roof(qvl_device *dev, int dtype, bench_roof *roof,
                       qvl_err *err);

/* Patches down and across of the picture that --image names, "WxH", rounded
 * down to what the model takes; 0 for "none", and for a model without a vision
 * tower when nothing is said. NULL: 768x768. QVL_E_USAGE for others, which
 * leaves both as they were. */
int bench_picture(const qvl_model_config *config, const char *image, int *rows,
                  int *cols, qvl_err *err);

/* id [n] of text, which the seed moves on. */
void bench_text(const qvl_model_config *config, int64_t *id, int n, int seed);

/* One sequence: a picture of rows x cols patches (0: none), as bench_picture gives
 * them, between its marks, then n_text tokens, which are labels as well where
 * is_labelled. Arrays belong to the arena. */
qvl_batch_source bench_sample(const qvl_model_config *config, int rows,
                              int cols, int n_text, bool is_labelled,
                              qvl_arena *arena);

/* One kernel of this build by its op and the storage types of its buffers,
 * without a fused expression; NULL when there is none. dtype [n_bufs]. */
const qvl_kernel *bench_find_kernel(const char *op, const int *dtype,
                                    int n_bufs);

/* Numbers between -1 and 1 in any storage type, 0 for indices; p [n]. */
void bench_fill(void *p, size_t n, int dtype);

/* Time a kernel alone: buffers of these sizes with numbers in them. Fails with
 * errors of the device; out of memory unwinds as in base/arena.h. */
typedef struct {
    const qvl_kernel *kernel;
    const size_t *bytes;    // [kernel->n_bufs]
    const uint32_t *arg;    // [kernel->n_args]
    const void *const *data;  // [kernel->n_bufs] where not NULL: what a buffer
                              // holds; NULL: numbers, 0 for indices
    int repeats;
} bench_kernel;
int bench_time_kernel(qvl_device *dev, const bench_kernel *k, bench_time *out,
                      qvl_err *err);

/* Seconds in any order to median and minimum; sorts s [n], n > 0. */
bench_time bench_time_of(double *s, int n);

/* The benches print their lines to standard output. They fail as what they open and
 * run does, with QVL_E_USAGE for flags that make no sense. */
int bench_model(const bench_options *o, qvl_err *err);
/* A trainer of all parameters of --model, as the flags say. Fails as qvl_train_open
 * does, with QVL_E_UNSUPPORTED for a tuner that is not full. */
int bench_open_trainer(qvl_trainer **trainer, const bench_options *o,
                       qvl_err *err);
int bench_train(const bench_options *o, qvl_err *err);
/* Samples of --config, step by step. */
int bench_data(const bench_options *o, qvl_err *err);
/* Kernels of the programs of a model; fixed ones. */
int bench_programs(const bench_options *o, qvl_err *err);
int bench_kernels(const bench_options *o, qvl_err *err);
int bench_tune(const bench_options *o, qvl_err *err);

#endif
