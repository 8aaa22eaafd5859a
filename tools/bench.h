/* bench.h - what the benches share: repeated timing, roofs, lines of results */
#ifndef TOOLS_BENCH_H
#define TOOLS_BENCH_H

#include <stdbool.h>

#include "backend/backend.h"
#include "base/err.h"

typedef struct {
    const char *model;   // folder
    const char *config;  // of a training run
    const char *what;    // of a model: vision, prefill, decode; NULL: all
    const char *op;      // of kernels: this one alone
    const char *image;   // "768x768"
    int prompt, fresh, seats, tokens;
    int repeats;
    bool checkpointing, json;
    const char *device;
    int n_threads;
    const char *dtype;
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
    const char *more;   // further JSON members, ", \"a\": 1", or NULL
} bench_line;

/* A line of JSON, or one for people. */
void bench_print(const bench_line *line, bool json);

/* Seconds since some moment; resident bytes at their highest. */
double bench_now_s(void);
double bench_peak_bytes(void);

/* Call fn once to warm up, then `repeats` times. */
typedef struct {
    double median_s, min_s;
} bench_time;
int bench_repeat(int (*fn)(void *arg), void *arg, int repeats,
                 bench_time *out);

/* Best product rate (f32, or bf16 where that is faster and asked for) and copy
 * rate of a device. */
typedef struct {
    double flop, bytes;  // per second
} bench_roof;
int bench_measure_roof(qvl_device *dev, int dtype, bench_roof *roof,
                       qvl_err *err);

/* One kernel of this build by its op and the storage types of its buffers,
 * without a fused expression; NULL when there is none. dtype [n_bufs]. */
const qvl_kernel *bench_find_kernel(const char *op, const int *dtype,
                                    int n_bufs);

/* Time a kernel alone: buffers of these sizes with numbers in them. */
typedef struct {
    const qvl_kernel *kernel;
    const size_t *bytes;    // [kernel->n_bufs]
    const uint32_t *arg;    // [kernel->n_args]
    int repeats;
} bench_kernel;
int bench_time_kernel(qvl_device *dev, const bench_kernel *k, bench_time *out,
                      qvl_err *err);

int bench_model(const bench_options *o, qvl_err *err);
int bench_kernels(const bench_options *o, qvl_err *err);

#endif
