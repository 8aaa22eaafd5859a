/* bench.c - timing, roofs, lines
 *
 * Rates, and shares of a roof, are of the fastest repeat. A roof is measured, not
 * looked up: a square product as the device runs it, and a copy of 128 MiB, counted as
 * read and as written. What buffers and arguments a kernel takes, bench_call.c knows.
 */
#include "bench.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/arena.h"
#include "base/half.h"
#include "base/str.h"
#include "bench_call.h"
#include "tensor/dtype.h"

extern const qvl_kernel *const qvl_generated_kernels[];
extern const int qvl_generated_kernels_count;

double bench_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_peak_bytes(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return 1024.0 * (double)u.ru_maxrss;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bench_time bench_time_of(double *s, int n)
{
    qsort(s, (size_t)n, sizeof *s, by_size);
    return (bench_time){
        .min_s = s[0],
        .median_s = n % 2 == 1 ? s[n / 2] : 0.5 * (s[n / 2 - 1] + s[n / 2]),
    };
}

int bench_repeat(int (*fn)(void *arg), void *arg, int repeats,
                 bench_time *out)
{
    double s[BENCH_MAX_REPEATS];
    int n = repeats;
    assert(n >= 1 && n <= BENCH_MAX_REPEATS);
    QVL_TRY(fn(arg));
    for (int i = 0; i < n; i++) {
        double start = bench_now_s();
        QVL_TRY(fn(arg));
        s[i] = bench_now_s() - start;
    }
    *out = bench_time_of(s, n);
    return QVL_OK;
}

/* ---- lines --------------------------------------------------------------- */

static void print_json(const bench_line *l)
{
    printf("{\"name\": \"%s\", \"shape\": \"%s\", \"device\": \"%s\", "
           "\"dtype\": \"%s\", \"median_s\": %.6g, \"min_s\": %.6g",
           l->name, l->shape, l->device, l->dtype, l->median_s, l->min_s);
    if (l->flop > 0.0)
        printf(", \"flop_per_s\": %.4g", l->flop / l->min_s);
    if (l->bytes > 0.0)
        printf(", \"bytes_per_s\": %.4g", l->bytes / l->min_s);
    if (l->flop > 0.0 && l->roof_flop > 0.0)
        printf(", \"share_of_flop_roof\": %.3f",
               l->flop / l->min_s / l->roof_flop);
    if (l->bytes > 0.0 && l->roof_bytes > 0.0)
        printf(", \"share_of_copy_roof\": %.3f",
               l->bytes / l->min_s / l->roof_bytes);
    if (l->units > 0.0)
        printf(", \"%s_per_s\": %.4g", l->unit, l->units / l->min_s);
    if (l->calls > 0)
        printf(", \"calls\": %d", l->calls);
    if (l->share > 0.0)
        printf(", \"share_of_time\": %.4f", l->share);
    if (l->rss_bytes > 0.0)
        printf(", \"peak_rss_bytes\": %.0f", l->rss_bytes);
    printf("%s}\n", l->more != NULL ? l->more : "");
}

/* Shapes of kernels are long: they come last. */
static void print_text(const bench_line *l)
{
    if (l->calls > 0)
        printf("%-36s %9.3f ms %5.1f %%  %4d calls", l->name, 1e3 * l->min_s,
               100.0 * l->share, l->calls);
    else
        printf("%-16s %-28s %-9s %-5s %9.3f ms", l->name, l->shape, l->device,
               l->dtype, 1e3 * l->min_s);
    if (l->flop > 0.0)
        printf("  %8.1f GFLOP/s", 1e-9 * l->flop / l->min_s);
    if (l->flop > 0.0 && l->roof_flop > 0.0)
        printf(" (%3.0f %%)", 100.0 * l->flop / l->min_s / l->roof_flop);
    if (l->bytes > 0.0)
        printf("  %7.2f GB/s", 1e-9 * l->bytes / l->min_s);
    if (l->bytes > 0.0 && l->roof_bytes > 0.0)
        printf(" (%3.0f %%)", 100.0 * l->bytes / l->min_s / l->roof_bytes);
    if (l->units > 0.0)
        printf("  %8.1f %s/s", l->units / l->min_s, l->unit);
    if (l->rss_bytes > 0.0)
        printf("  peak %.2f GiB", l->rss_bytes / 0x1p30);
    if (l->calls > 0)
        printf("  %s", l->shape);
    putchar('\n');
}

void bench_print(const bench_line *l, bool json)
{
    if (json)
        print_json(l);
    else
        print_text(l);
    fflush(stdout);
}

/* ---- one kernel ---------------------------------------------------------- */

const qvl_kernel *bench_find_kernel(const char *op, const int *dtype,
                                    int n_bufs)
{
    for (int i = 0; i < qvl_generated_kernels_count; i++) {
        const qvl_kernel *k = qvl_generated_kernels[i];
        bool fits = strcmp(k->op, op) == 0 && k->n_bufs == n_bufs
                    && strstr(k->name, ".e") == NULL;
        for (int b = 0; fits && b < n_bufs; b++)
            fits = k->dtype[b] == dtype[b];
        if (fits)
            return k;
    }
    return NULL;
}

void bench_fill(void *p, size_t n, int dtype)
{
    for (size_t i = 0; i < n; i++) {
        float v = (float)((i * 2654435761u >> 8) % 2001) * 1e-3f - 1.0f;
        if (dtype == QVL_F32)
            ((float *)p)[i] = v;
        else if (dtype == QVL_BF16)
            ((uint16_t *)p)[i] = qvl_f32_to_bf16(v);
        else if (dtype == QVL_F16)
            ((uint16_t *)p)[i] = qvl_f32_to_f16(v);
        else
            ((int32_t *)p)[i] = 0;
    }
}

typedef struct {
    qvl_device *dev;
    qvl_buf buf[QVL_KERNEL_MAX_BUFS];
    int n;
    qvl_list *list;
    qvl_err *err;
} timed;

static int submit_once(void *arg)
{
    timed *t = arg;
    QVL_TRY(t->dev->be->submit(t->dev, t->list, t->err));
    return t->dev->be->wait(t->dev, t->err);
}

static int open_kernel(timed *t, const bench_kernel *k, qvl_slice *slice)
{
    for (int b = 0; b < k->kernel->n_bufs; b++) {
        size_t size = qvl_dtype_bytes(k->kernel->dtype[b]);
        QVL_TRY(t->dev->be->alloc(t->dev, k->bytes[b], &t->buf[b], t->err));
        t->n++;
        slice[b] = (qvl_slice){ &t->buf[b], 0, k->bytes[b] };
        void *p = qvl_memory_resize(NULL, k->bytes[b]);
        if (k->data != NULL && k->data[b] != NULL)
            memcpy(p, k->data[b], k->bytes[b]);
        else
            bench_fill(p, k->bytes[b] / size, k->kernel->dtype[b]);
        int rc = t->dev->be->write(t->dev, slice[b], p, t->err);
        free(p);
        QVL_TRY(rc);
    }
    QVL_TRY(t->dev->be->list_begin(t->dev, t->err));
    QVL_TRY(t->dev->be->dispatch(t->dev, k->kernel, slice, k->arg, t->err));
    return t->dev->be->list_end(t->dev, &t->list, t->err);
}

int bench_time_kernel(qvl_device *dev, const bench_kernel *k, bench_time *out,
                      qvl_err *err)
{
    timed t = { .dev = dev, .err = err };
    qvl_slice slice[QVL_KERNEL_MAX_BUFS];
    int rc = open_kernel(&t, k, slice);
    if (rc == QVL_OK)
        rc = bench_repeat(submit_once, &t, k->repeats, out);
    if (t.list != NULL)
        dev->be->list_release(dev, t.list);
    while (t.n > 0)
        dev->be->release(dev, &t.buf[--t.n]);
    return rc;
}

/* ---- roofs --------------------------------------------------------------- */

static int product_rate(qvl_device *dev, int dtype, uint32_t n, double *rate,
                        qvl_err *err)
{
    const bench_shape square = { .op = "matmul_nt", .dim = { n, n, n } };
    const bench_call call = bench_call_of(&square, dtype);
    const qvl_kernel *k = bench_find_kernel(square.op, call.dtype, call.n_bufs);
    *rate = 0.0;
    if (k == NULL)
        return QVL_OK;
    bench_time t;
    QVL_TRY(bench_time_kernel(dev, &(bench_kernel){
                                  .kernel = k, .bytes = call.bytes,
                                  .arg = call.arg, .repeats = 5 }, &t,
                              err));
    *rate = 2.0 * n * n * n / t.min_s;
    return QVL_OK;
}

static int copy_rate(qvl_device *dev, double *rate, qvl_err *err)
{
    size_t bytes = (size_t)128 << 20;
    timed t = { .dev = dev, .err = err };
    bench_time time;
    int rc = QVL_OK;
    for (; rc == QVL_OK && t.n < 2; t.n += rc == QVL_OK)
        rc = dev->be->alloc(dev, bytes, &t.buf[t.n], err);
    if (rc == QVL_OK)
        rc = dev->be->list_begin(dev, err);
    if (rc == QVL_OK)
        rc = dev->be->copy(dev, (qvl_slice){ &t.buf[1], 0, bytes },
                           (qvl_slice){ &t.buf[0], 0, bytes }, err);
    if (rc == QVL_OK)
        rc = dev->be->list_end(dev, &t.list, err);
    if (rc == QVL_OK)
        rc = bench_repeat(submit_once, &t, 5, &time);
    if (rc == QVL_OK)
        *rate = 2.0 * (double)bytes / time.min_s;
    if (t.list != NULL)
        dev->be->list_release(dev, t.list);
    while (t.n > 0)
        dev->be->release(dev, &t.buf[--t.n]);
    return rc;
}

int bench_measure_roof(qvl_device *dev, int dtype, bench_roof *roof,
                       qvl_err *err)
{
    uint32_t n = dev->info.device_class == QVL_CLASS_VULKAN_CPU ? 512 : 1024;
    double other = 0.0;
    QVL_TRY(product_rate(dev, QVL_F32, n, &roof->flop, err));
    if (dtype != QVL_F32)
        QVL_TRY(product_rate(dev, dtype, n, &other, err));
    if (other > roof->flop)
        roof->flop = other;
    return copy_rate(dev, &roof->bytes, err);
}
