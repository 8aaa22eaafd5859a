/* bench_kernels.c - products in their three forms, and attention, timed alone
 *
 * Where a back end has a matrix library it is measured beside them: the line
 * named after it has its own rate for the same product.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/arena.h"
#include "base/str.h"
#include "bench.h"
#include "bench_call.h"
#include "signatures.h"
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

/* What is said of a measurement beside its time. */
typedef struct {
    const bench_shape *shape;
    const char *name;
    const char *library_for;  // op that a library stands beside; NULL: none
    double flop, bytes;
} line;

static void tell(bench *b, const line *l, const bench_time *t)
{
    char shape[48];
    bench_shape_text(shape, l->shape);
    bench_print(&(bench_line){
        .name = l->name, .shape = shape, .device = b->device,
        .dtype = qvl_dtype_name(b->dtype), .median_s = t->median_s,
        .min_s = t->min_s, .flop = l->flop, .bytes = l->bytes,
        .roof_flop = b->roof.flop, .roof_bytes = b->roof.bytes,
        .more = l->library_for == NULL
                    ? NULL
                    : qvl_arena_printf(&b->arena, ", \"library_for\": \"%s\"",
                                       l->library_for) },
        b->o->json);
}

/* A kernel that this build does not have in the type: of the shapes that are
 * built in it is passed over, one that was asked for is missed. */
static int not_built(bench *b, const bench_shape *shape)
{
    if (shape->place == NULL)
        return QVL_OK;
    return qvl_fail(b->err, QVL_E_UNSUPPORTED, "kernel %s: found none for %s "
                    "in this build, expected one", shape->op,
                    qvl_dtype_name(b->dtype));
}

static bool is_wanted(const bench *b, const char *op)
{
    return b->o->op == NULL || strcmp(b->o->op, op) == 0;
}

/* ---- products ------------------------------------------------------------- */

/* "onednn" of "oneDNN". */
static const char *lower(bench *b, const char *text)
{
    char *name = qvl_arena_strdup(&b->arena, text);
    for (char *p = name; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return name;
}

static int time_library(bench *b, const bench_shape *p, double flop,
                        double bytes)
{
    double s[BENCH_MAX_REPEATS];
    const char *library = NULL;
    const qvl_plain_product own = {
        .dtype = b->dtype, .m = p->dim[0], .n = p->dim[1], .k = p->dim[2],
        .turns_left = strcmp(p->op, "matmul_tn") == 0,
        .turns_right = strcmp(p->op, "matmul_nt") == 0,
    };
    if (b->dev->be->library_time == NULL)
        return QVL_OK;
    QVL_TRY(b->dev->be->library_time(b->dev, &own, &library, s, b->o->repeats,
                                     b->err));
    if (library == NULL)
        return QVL_OK;
    bench_time t = bench_time_of(s, b->o->repeats);
    if (t.min_s > 0.0)
        tell(b, &(line){ .shape = p, .name = lower(b, library),
                         .library_for = p->op, .flop = flop, .bytes = bytes },
             &t);
    return QVL_OK;
}

static int time_product(bench *b, const bench_shape *p)
{
    const bench_call call = bench_call_of(p, b->dtype);
    double flop = 2.0 * p->dim[0] * p->dim[1] * p->dim[2];
    double all = bench_call_bytes(&call);
    const qvl_kernel *kernel = bench_find_kernel(p->op, call.dtype, call.n_bufs);
    if (kernel == NULL)
        return not_built(b, p);
    bench_time t;
    QVL_TRY(bench_time_kernel(
        b->dev, &(bench_kernel){ .kernel = kernel, .bytes = call.bytes,
                                 .arg = call.arg, .repeats = b->o->repeats },
        &t, b->err));
    tell(b, &(line){ .shape = p, .name = p->op, .flop = flop, .bytes = all },
         &t);
    return time_library(b, p, flop, all);
}

/* ---- attention ------------------------------------------------------------ */

/* Every query has every key. */
static int32_t *whole_range(bench *b, uint32_t n_tok)
{
    int32_t *range = qvl_arena_array(&b->arena, int32_t, QVL_N_RANGE * n_tok);
    for (uint32_t i = 0; i < n_tok; i++) {
        range[QVL_N_RANGE * i + QVL_RANGE_KV_HI] = (int32_t)n_tok;
        range[QVL_N_RANGE * i + QVL_RANGE_Q_HI] = (int32_t)n_tok;
    }
    return range;
}

/* Whoever calls attention knows how far it walks (max_walk in
 * backend/backend.h): here past all tokens, a large head counting as several. */
static int check_walk(bench *b, const bench_shape *shape)
{
    const qvl_device_info *info = &b->dev->info;
    uint64_t rows = (uint64_t)shape->dim[0] * ((shape->dim[2] + 127u) / 128u);
    if (info->max_walk == 0 || rows <= info->max_walk)
        return QVL_OK;
    return qvl_fail(b->err, QVL_E_UNSUPPORTED,
                    "kernel %s: found %llu rows in one walk, expected at most "
                    "%u: %s (%s) ends longer loops", shape->op,
                    (unsigned long long)rows, (unsigned)info->max_walk,
                    b->device, info->name);
}

static int time_attention(bench *b, const bench_shape *shape)
{
    const bench_call call = bench_call_of(shape, b->dtype);
    const void *data[QVL_KERNEL_MAX_BUFS] = { NULL };
    uint32_t n_tok = shape->dim[0];
    QVL_TRY(check_walk(b, shape));
    const qvl_kernel *k = bench_find_kernel(shape->op, call.dtype, call.n_bufs);
    if (k == NULL)
        return not_built(b, shape);
    data[call.range_buf] = whole_range(b, n_tok);
    bench_time t;
    QVL_TRY(bench_time_kernel(
        b->dev, &(bench_kernel){ .kernel = k, .bytes = call.bytes,
                                 .arg = call.arg, .data = data,
                                 .repeats = b->o->repeats },
        &t, b->err));
    tell(b, &(line){ .shape = shape, .name = shape->op,
                     .bytes = bench_call_bytes(&call),
                     .flop = step_kernel_flop(k, call.arg, (double)n_tok * n_tok) },
         &t);
    return QVL_OK;
}

/* ---- all ------------------------------------------------------------------ */

static int find_shapes(bench *b, bench_shape_list *list)
{
    /* A driver that runs on the processor takes minutes for long ones. */
    qvl_class class = b->dev->info.device_class;
    if (b->o->shapes != NULL)
        QVL_TRY(bench_shapes_load(list, b->o->shapes, &b->arena, b->err));
    else
        *list = bench_shapes_builtin(class == QVL_CLASS_OPENCL_CPU
                                         || class == QVL_CLASS_VULKAN_CPU,
                                     &b->arena);
    for (int i = 0; i < list->n; i++)
        if (is_wanted(b, list->item[i].op))
            return QVL_OK;
    return b->o->shapes != NULL
               ? qvl_fail(b->err, QVL_E_USAGE,
                          "flag --op: found %s, expected a name that has a "
                          "shape in %s", b->o->op, b->o->shapes)
               : qvl_fail(b->err, QVL_E_USAGE,
                          "flag --op: found %s, expected one of %s; others "
                          "need --model", b->o->op, bench_shape_ops());
}

static int run_all(void *arg)
{
    bench *b = arg;
    bench_shape_list list;
    QVL_TRY(qvl_dtype_parse(b->o->dtype, &b->dtype, b->err));
    QVL_TRY(find_shapes(b, &list));
    QVL_TRY(bench_measure_roof(b->dev, b->dtype, &b->roof, b->err));
    for (int i = 0; i < list.n; i++) {
        const bench_shape *shape = &list.item[i];
        if (!is_wanted(b, shape->op))
            continue;
        int rc = shape->is_attention ? time_attention(b, shape)
                                     : time_product(b, shape);
        if (rc != QVL_OK && shape->place != NULL)
            qvl_err_add(b->err, "%s", shape->place);
        QVL_TRY(rc);
    }
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
