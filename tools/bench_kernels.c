/* bench_kernels.c - products in their three forms, and attention, timed */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "bench.h"
#include "graph/cost.h"
#include "tensor/dtype.h"

typedef struct {
    const bench_options *o;
    qvl_device *dev;
    bench_roof roof;
    char device[32];
    qvl_err *err;
} bench;

/* A product [m, n] over k: the sizes of its operands and its arguments. */
typedef struct {
    const char *op;
    uint32_t m, n, k;
} product;

static const product products[] = {
    { "matmul_nt", 512, 2048, 2048 },
    { "matmul_nn", 512, 2048, 2048 },
    { "matmul_tn", 512, 2048, 2048 },
    { "matmul_nt", 1, 2048, 2048 },
    { "matmul_nt", 4, 6144, 2048 },
};

static void tell(const bench *b, const char *name, const char *shape,
                 int dtype, const bench_time *t, double flop, double bytes)
{
    bench_print(&(bench_line){
        .name = name, .shape = shape, .device = b->device,
        .dtype = qvl_dtype_name(dtype), .median_s = t->median_s,
        .min_s = t->min_s, .flop = flop, .bytes = bytes,
        .roof_flop = b->roof.flop, .roof_bytes = b->roof.bytes },
        b->o->json);
}

/* Sizes of the operands and the arguments, in the order of the kernel. */
static int time_product(bench *b, const product *p, int dtype)
{
    bool is_tn = strcmp(p->op, "matmul_tn") == 0;
    int types[3] = { dtype, dtype, is_tn ? QVL_F32 : dtype };
    const qvl_kernel *k = bench_find_kernel(p->op, types, 3);
    if (k == NULL)
        return QVL_OK;
    size_t e = qvl_dtype_bytes(dtype);
    size_t left = (size_t)p->m * p->k * e, right = (size_t)p->n * p->k * e;
    size_t bytes[3] = { left, right,
                        (size_t)p->m * p->n * qvl_dtype_bytes(types[2]) };
    /* nt: rows K N | x off ld, y off ld; nn: rows N K; tn: rows N K, acc */
    uint32_t nt[] = { p->m, p->k, p->n, 0, p->k, 0, p->n, 0 };
    uint32_t tn[] = { p->k, p->m, p->n, 0, p->m, 0, p->n, 0 };
    bench_time t;
    char shape[48];
    QVL_TRY(bench_time_kernel(
        b->dev, &(bench_kernel){ k, bytes, is_tn ? tn : nt, b->o->repeats },
        &t, b->err));
    snprintf(shape, sizeof shape, "%u x %u x %u", p->m, p->n, p->k);
    tell(b, p->op, shape, dtype, &t, 2.0 * p->m * p->n * p->k,
         (double)(bytes[0] + bytes[1] + bytes[2]));
    return QVL_OK;
}

static int run_all(bench *b)
{
    int dtype;
    QVL_TRY(qvl_dtype_parse(b->o->dtype, &dtype, b->err));
    QVL_TRY(bench_measure_roof(b->dev, dtype, &b->roof, b->err));
    for (size_t i = 0; i < QVL_COUNT(products); i++)
        if (b->o->op == NULL || strcmp(b->o->op, products[i].op) == 0)
            QVL_TRY(time_product(b, &products[i], dtype));
    return QVL_OK;
}

int bench_kernels(const bench_options *o, qvl_err *err)
{
    bench b = { .o = o, .err = err };
    QVL_TRY(qvl_device_open(&b.dev, o->device, o->n_threads, err));
    snprintf(b.device, sizeof b.device, "%s:%d", b.dev->info.backend,
             b.dev->info.index);
    int rc = run_all(&b);
    qvl_device_close(b.dev);
    return rc;
}
