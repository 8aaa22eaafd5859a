/* bench_kernels.c - products in their three forms, and attention, timed alone
 *
 * On the processor the matrix library is measured beside them where there is
 * one: the line named after it has its own rate for the same product.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/library.h"
#include "base/arena.h"
#include "base/str.h"
#include "bench.h"
#include "step_facts.h"
#include "tensor/dtype.h"

typedef struct {
    const bench_options *o;
    qvl_device *dev;
    bench_roof roof;
    char device[32];
    int dtype;
    qvl_arena arena;
    qvl_err *err;
} bench;

static void tell(const bench *b, const char *name, const char *shape,
                 const bench_time *t, double flop, double bytes)
{
    bench_print(&(bench_line){
        .name = name, .shape = shape, .device = b->device,
        .dtype = qvl_dtype_name(b->dtype), .median_s = t->median_s,
        .min_s = t->min_s, .flop = flop, .bytes = bytes,
        .roof_flop = b->roof.flop, .roof_bytes = b->roof.bytes },
        b->o->json);
}

static bool is_wanted(const bench *b, const char *op)
{
    return b->o->op == NULL || strcmp(b->o->op, op) == 0;
}

/* ---- products ------------------------------------------------------------- */

/* A product [m, n] over k. */
typedef struct {
    const char *op;
    uint32_t m, n, k;
} product;

static const product products[] = {
    { "matmul_nt", 512, 2048, 2048 },
    { "matmul_nn", 512, 2048, 2048 },
    { "matmul_tn", 512, 2048, 2048 },
    { "matmul_nt", 512, 6144, 2048 },
    { "matmul_nt", 1, 2048, 2048 },
    { "matmul_nt", 4, 6144, 2048 },
};

/* "onednn" of "oneDNN". */
static const char *library_name(bench *b)
{
    char *name = qvl_arena_strdup(&b->arena, qvl_build_library->name);
    for (char *p = name; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return name;
}

static int time_library(bench *b, const product *p, const char *shape,
                        double flop, double bytes)
{
    double s[BENCH_MAX_REPEATS];
    const qvl_library_product own = {
        .dtype = b->dtype, .m = p->m, .n = p->n, .k = p->k,
        .turns_left = strcmp(p->op, "matmul_tn") == 0,
        .turns_right = strcmp(p->op, "matmul_nt") == 0,
    };
    if (qvl_build_library == NULL || b->dtype == QVL_F16
        || b->dev->info.device_class != QVL_CLASS_HOST)
        return QVL_OK;
    QVL_TRY(qvl_build_library->time(&own, b->o->n_threads, s, b->o->repeats,
                                    b->err));
    bench_time t = bench_time_of(s, b->o->repeats);
    if (t.min_s > 0.0)
        tell(b, library_name(b), shape, &t, flop, bytes);
    return QVL_OK;
}

/* Sizes of the operands and the arguments, in the order of the kernel. */
static int time_product(bench *b, const product *p)
{
    bool is_tn = strcmp(p->op, "matmul_tn") == 0;
    int types[3] = { b->dtype, b->dtype, is_tn ? QVL_F32 : b->dtype };
    const qvl_kernel *k = bench_find_kernel(p->op, types, 3);
    if (k == NULL)
        return QVL_OK;
    size_t e = qvl_dtype_bytes(b->dtype);
    size_t left = (size_t)p->m * p->k * e, right = (size_t)p->n * p->k * e;
    size_t bytes[3] = { left, right,
                        (size_t)p->m * p->n * qvl_dtype_bytes(types[2]) };
    /* nt: rows K N | x off ld, y off ld; nn: rows N K; tn: rows N K, acc */
    uint32_t nt[] = { p->m, p->k, p->n, 0, p->k, 0, p->n, 0 };
    uint32_t tn[] = { p->k, p->m, p->n, 0, p->m, 0, p->n, 0 };
    bench_time t;
    char shape[48];
    QVL_TRY(bench_time_kernel(
        b->dev, &(bench_kernel){ .kernel = k, .bytes = bytes,
                                 .arg = is_tn ? tn : nt,
                                 .repeats = b->o->repeats },
        &t, b->err));
    snprintf(shape, sizeof shape, "%u x %u x %u", p->m, p->n, p->k);
    double flop = 2.0 * p->m * p->n * p->k;
    double all = (double)(bytes[0] + bytes[1] + bytes[2]);
    tell(b, p->op, shape, &t, flop, all);
    return time_library(b, p, shape, flop, all);
}

/* ---- attention ------------------------------------------------------------ */

#define HEADS 8

/* What a buffer of attention holds: elements of each token, head and element of
 * a head ('x', in the storage type), of each token and head ('s'), ranges. */
typedef struct {
    const char *op;
    const char *buf;  // a letter each
    const char *ld;   // x where the operand has offset and row stride
} attention;

static const attention attentions[] = {
    { "attention", "xxxrxs", "xxx.x." },
    { "attention_dq", "xxxrxssx", "xxx.x..x" },
    { "attention_dkv", "xxxrxssxx", "xxx.x..xx" },
};

static const uint32_t head_sizes[] = { 64, 72, 128 };

/* T H D G, offset and stride of each operand that has them, the scale. */
static void attention_args(const attention *a, uint32_t n_tok, uint32_t size,
                           uint32_t *arg)
{
    int n = 4;
    arg[0] = n_tok;
    arg[1] = HEADS;
    arg[2] = size;
    arg[3] = HEADS;
    for (const char *p = a->ld; *p != '\0'; p++)
        if (*p == 'x') {
            arg[n++] = 0;
            arg[n++] = HEADS * size;
        }
    arg[n] = qvl_f32_arg(0.1);
}

/* Every query has every key. */
static int32_t *whole_range(bench *b, uint32_t n_tok)
{
    int32_t *range = qvl_arena_array(&b->arena, int32_t, 4 * n_tok);
    for (uint32_t i = 0; i < n_tok; i++) {
        range[4 * i + 1] = (int32_t)n_tok;
        range[4 * i + 3] = (int32_t)n_tok;
    }
    return range;
}

static int time_attention(bench *b, const attention *a, uint32_t size,
                          uint32_t n_tok)
{
    int n = (int)strlen(a->buf), types[QVL_KERNEL_MAX_BUFS];
    size_t bytes[QVL_KERNEL_MAX_BUFS];
    const void *data[QVL_KERNEL_MAX_BUFS] = { NULL };
    uint32_t arg[QVL_KERNEL_MAX_ARGS] = { 0 };
    size_t n_rows = (size_t)n_tok * HEADS;
    double all = 0.0;
    for (int i = 0; i < n; i++) {
        types[i] = a->buf[i] == 'x'   ? b->dtype
                   : a->buf[i] == 's' ? QVL_F32
                                      : QVL_I32;
        bytes[i] = a->buf[i] == 'x'   ? n_rows * size * qvl_dtype_bytes(types[i])
                   : a->buf[i] == 's' ? n_rows * sizeof(float)
                                      : n_tok * 4 * sizeof(int32_t);
        if (a->buf[i] == 'r')
            data[i] = whole_range(b, n_tok);
        all += (double)bytes[i];
    }
    const qvl_kernel *k = bench_find_kernel(a->op, types, n);
    if (k == NULL)
        return QVL_OK;
    attention_args(a, n_tok, size, arg);
    bench_time t;
    QVL_TRY(bench_time_kernel(
        b->dev, &(bench_kernel){ .kernel = k, .bytes = bytes, .arg = arg,
                                 .data = data, .repeats = b->o->repeats },
        &t, b->err));
    char shape[48];
    snprintf(shape, sizeof shape, "%u x %d heads of %u", n_tok, HEADS, size);
    tell(b, a->op, shape, &t,
         step_kernel_flop(k, arg, (double)n_tok * n_tok), all);
    return QVL_OK;
}

/* ---- all ------------------------------------------------------------------ */

static int run_all(void *arg)
{
    bench *b = arg;
    bool found = false;
    QVL_TRY(qvl_dtype_parse(b->o->dtype, &b->dtype, b->err));
    for (size_t i = 0; i < QVL_COUNT(products); i++)
        found = found || is_wanted(b, products[i].op);
    for (size_t i = 0; i < QVL_COUNT(attentions); i++)
        found = found || is_wanted(b, attentions[i].op);
    if (!found)
        return qvl_fail(b->err, QVL_E_USAGE,
                        "flag --op: found %s, expected matmul_nt, matmul_nn, "
                        "matmul_tn, attention, attention_dq or attention_dkv; "
                        "others need --model", b->o->op);
    QVL_TRY(bench_measure_roof(b->dev, b->dtype, &b->roof, b->err));
    for (size_t i = 0; i < QVL_COUNT(products); i++)
        if (is_wanted(b, products[i].op))
            QVL_TRY(time_product(b, &products[i]));
    /* A driver that runs on the processor takes minutes for the long one. */
    qvl_class class = b->dev->info.device_class;
    bool is_slow = class == QVL_CLASS_OPENCL_CPU
                   || class == QVL_CLASS_VULKAN_CPU;
    for (size_t d = 0; d < QVL_COUNT(head_sizes); d++)
        for (size_t i = 0; i < QVL_COUNT(attentions); i++)
            if (is_wanted(b, attentions[i].op))
                QVL_TRY(time_attention(b, &attentions[i], head_sizes[d],
                                       is_slow ? 256 : 2304));
    return QVL_OK;
}

int bench_kernels(const bench_options *o, qvl_err *err)
{
    bench b = { .o = o, .err = err };
    QVL_TRY(qvl_device_open(&b.dev, o->device, o->n_threads, err));
    snprintf(b.device, sizeof b.device, "%s:%d", b.dev->info.backend,
             b.dev->info.index);
    int rc = qvl_guard(run_all, &b, err);
    qvl_device_close(b.dev);
    qvl_arena_release(&b.arena);
    return rc;
}
