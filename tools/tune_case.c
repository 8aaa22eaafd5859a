/* tune_case.c - buffers and arguments with which a kernel is timed and checked
 *
 * A case is filled with numbers that depend on nothing but their place. What a
 * candidate computes is compared with what the shipped tiles gave before its
 * time counts: fast and wrong is refused.
 */
#include "tune_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/str.h"
#include "bench.h"
#include "signatures.h"
#include "tensor/dtype.h"

/* ---- shapes --------------------------------------------------------------- */

/* How large a timed shape is: a candidate should take less than a second. */
typedef enum { SIZE_SLOW, SIZE_HOST, SIZE_GPU, N_SIZES } size;

static size size_of(const qvl_device *dev)
{
    return dev->info.device_class == QVL_CLASS_VULKAN_CPU ? SIZE_SLOW
           : dev->info.device_class == QVL_CLASS_GPU      ? SIZE_GPU
                                                          : SIZE_HOST;
}

/* [m, n] over k. A side that is not of the shape's size is fixed. */
typedef struct {
    const char *op;
    uint32_t m, n, k;  // 0: of the size
    bool is_timed;
    const char *blind;
} product;

static const uint32_t product_m[N_SIZES] = { 64, 256, 1024 };
static const uint32_t product_nk[N_SIZES] = { 512, 1024, 2048 };

static const product products[] = {
    { "matmul_nt", 0, 0, 0, true, " TM TN " },
    { "matmul_nt", 1, 0, 0, true, " BM BN BK RM RN STEP STAGE " },
    { "matmul_nt", 4, 0, 0, true, " BM BN BK RM RN STEP STAGE " },
    { "matmul_nt", 97, 83, 61, false, "" },
    { "matmul_nt", 3, 83, 61, false, "" },
    { "matmul_nn", 0, 0, 0, true, "" },
    { "matmul_nn", 97, 83, 61, false, "" },
    { "matmul_tn", 0, 0, 0, true, "" },
    { "matmul_tn", 97, 83, 61, false, "" },
};

/* Operands of attention, a letter each: 'q' by token and head, 'k' by token and
 * key head, 's' a number by token and head, 'r' ranges, 'c' a cache by slot and
 * key head, 'b' its block table. */
typedef struct {
    const char *op;
    const char *buf;
} attention;

static const attention attentions[] = {
    { "attention", "qkkrqs" },
    { "attention_dq", "qkkrqssq" },
    { "attention_dkv", "qkkrqsskk" },
    { "attention_cached", "qccrbq" },
};

#define HEADS 4
#define KEY_HEADS 2
#define BLOCK_SLOTS 16

static const uint32_t attention_tokens[N_SIZES] = { 96, 384, 1024 };
static const uint32_t cached_keys[N_SIZES] = { 256, 1024, 4096 };

/* Shapes of an op stand together. */
static void add_op(const char **op, int *n, const char *name)
{
    if (*n == 0 || strcmp(op[*n - 1], name) != 0)
        op[(*n)++] = name;
}

int tune_ops(const char *op[TUNE_MOST_OPS])
{
    _Static_assert(QVL_COUNT(products) + QVL_COUNT(attentions)
                   <= TUNE_MOST_OPS, "ops");
    int n = 0;
    for (size_t i = 0; i < QVL_COUNT(products); i++)
        add_op(op, &n, products[i].op);
    for (size_t i = 0; i < QVL_COUNT(attentions); i++)
        add_op(op, &n, attentions[i].op);
    return n;
}

/* ---- buffers -------------------------------------------------------------- */

static bool is_out(const tune_case *c, int b)
{
    return c->kernel->access[b] != QVL_ACCESS_IN;
}

static size_t elements_of(const tune_case *c, int b)
{
    return c->bytes[b] / qvl_dtype_bytes(c->kernel->dtype[b]);
}

static int write_numbers(tune_case *c, int b, qvl_err *err)
{
    const qvl_backend *be = c->dev->be;
    qvl_slice slice = { &c->buf[b], 0, c->bytes[b] };
    if (c->data[b] != NULL)
        return be->write(c->dev, slice, c->data[b], err);
    void *p = qvl_memory_resize(NULL, c->bytes[b]);
    bench_fill(p, elements_of(c, b), c->kernel->dtype[b]);
    int rc = be->write(c->dev, slice, p, err);
    free(p);
    return rc;
}

static int open_buffers(tune_case *c, qvl_arena *arena, qvl_err *err)
{
    for (int b = 0; b < c->kernel->n_bufs; b++) {
        QVL_TRY(c->dev->be->alloc(c->dev, c->bytes[b], &c->buf[b], err));
        c->n_bufs++;
        QVL_TRY(write_numbers(c, b, err));
        if (is_out(c, b))
            c->n_out += elements_of(c, b);
    }
    c->wanted = qvl_arena_array(arena, float, c->n_out);
    return QVL_OK;
}

static int open_product(tune_case *c, const product *p, qvl_device *dev,
                        int dtype, qvl_arena *arena, qvl_err *err)
{
    bool is_tn = strcmp(p->op, "matmul_tn") == 0;
    uint32_t m = p->m > 0 ? p->m : product_m[size_of(dev)];
    uint32_t n = p->n > 0 ? p->n : product_nk[size_of(dev)];
    uint32_t k = p->k > 0 ? p->k : product_nk[size_of(dev)];
    int types[3] = { dtype, dtype, is_tn ? QVL_F32 : dtype };
    *c = (tune_case){ .dev = dev, .blind = p->blind, .is_timed = p->is_timed };
    c->kernel = bench_find_kernel(p->op, types, 3);
    if (c->kernel == NULL)
        return QVL_OK;
    size_t e = qvl_dtype_bytes(dtype);
    c->bytes[0] = (size_t)m * k * e;
    c->bytes[1] = (size_t)n * k * e;
    c->bytes[2] = (size_t)m * n * qvl_dtype_bytes(types[2]);
    /* nt: rows K N, x and y at 0 with strides; nn: rows N K, the same; tn: rows
     * N K, x and y; acc, where there is one, is 0. */
    uint32_t row[] = { m, k, n, 0, k, 0, n, 0 };
    uint32_t turned[] = { k, m, n, 0, m, 0, n, 0 };
    memcpy(c->arg, is_tn ? turned : row, sizeof row);
    snprintf(c->shape, sizeof c->shape, "%u x %u x %u", m, n, k);
    return open_buffers(c, arena, err);
}

/* Each token has the keys before it and its own. */
static const int32_t *make_ranges(uint32_t n_tok, qvl_arena *arena)
{
    int32_t *range = qvl_arena_array(arena, int32_t, QVL_N_RANGE * n_tok);
    for (uint32_t t = 0; t < n_tok; t++) {
        int32_t *r = range + QVL_N_RANGE * t;
        r[QVL_RANGE_KV_HI] = (int32_t)t + 1;
        r[QVL_RANGE_Q_LO] = (int32_t)t;
        r[QVL_RANGE_Q_HI] = (int32_t)n_tok;
    }
    return range;
}

/* The first token has all that is kept, each behind it one less. */
static const int32_t *make_kept_ranges(uint32_t n_tok, uint32_t n_keys,
                                       qvl_arena *arena)
{
    int32_t *range = qvl_arena_array(arena, int32_t, QVL_N_KEPT * n_tok);
    for (uint32_t t = 0; t < n_tok; t++) {
        int32_t *r = range + QVL_N_KEPT * t;
        r[QVL_KEPT_KV_HI] = (int32_t)(n_keys - t);
        r[QVL_KEPT_SLOTS] = BLOCK_SLOTS;
    }
    return range;
}

/* Blocks of the cache from the last to the first. */
static const int32_t *make_table(uint32_t n_blocks, qvl_arena *arena)
{
    int32_t *block = qvl_arena_array(arena, int32_t, n_blocks);
    for (uint32_t i = 0; i < n_blocks; i++)
        block[i] = (int32_t)(n_blocks - 1 - i);
    return block;
}

/* Tokens, keys (those of a cache) and the size of a head. */
typedef struct {
    uint32_t n_tok, n_keys, size;
} extent;

static void size_buffer(tune_case *c, int b, char letter, const extent *x,
                        int dtype, qvl_arena *arena)
{
    size_t e = qvl_dtype_bytes(dtype);
    uint32_t n_blocks = x->n_keys / BLOCK_SLOTS;
    bool is_cached = n_blocks > 0;
    switch (letter) {
    case 'q':
        c->bytes[b] = (size_t)x->n_tok * HEADS * x->size * e;
        break;
    case 'k':
        c->bytes[b] = (size_t)x->n_tok * KEY_HEADS * x->size * e;
        break;
    case 'c':
        c->bytes[b] = (size_t)x->n_keys * KEY_HEADS * x->size * e;
        break;
    case 's':
        c->bytes[b] = (size_t)x->n_tok * HEADS * sizeof(float);
        break;
    case 'r':
        c->bytes[b] = (size_t)x->n_tok * 4 * sizeof(int32_t);
        c->data[b] = is_cached ? make_kept_ranges(x->n_tok, x->n_keys, arena)
                               : make_ranges(x->n_tok, arena);
        break;
    default:
        c->bytes[b] = n_blocks * sizeof(int32_t);
        c->data[b] = make_table(n_blocks, arena);
        break;
    }
}

/* T H D G, or of a cache T H D S G B; offset and stride of each operand that has
 * them; the scale. */
static void put_args(tune_case *c, const char *buf, const extent *x)
{
    int n = 0;
    bool is_cached = strchr(buf, 'c') != NULL;
    uint32_t *arg = c->arg;
    arg[n++] = x->n_tok;
    arg[n++] = HEADS;
    arg[n++] = x->size;
    if (is_cached)
        arg[n++] = x->n_keys;
    arg[n++] = KEY_HEADS;
    if (is_cached)
        arg[n++] = x->n_keys / BLOCK_SLOTS;
    for (const char *p = buf; *p != '\0'; p++) {
        if (*p != 'q' && *p != 'k')
            continue;
        arg[n++] = 0;
        arg[n++] = (*p == 'q' ? HEADS : KEY_HEADS) * x->size;
    }
    arg[n] = qvl_f32_arg(0.1);
}

static int open_attention(tune_case *c, const attention *a, const extent *x,
                          bool is_timed, qvl_device *dev, int dtype,
                          qvl_arena *arena, qvl_err *err)
{
    int n = (int)strlen(a->buf), types[QVL_KERNEL_MAX_BUFS];
    *c = (tune_case){ .dev = dev, .blind = "", .is_timed = is_timed };
    for (int b = 0; b < n; b++)
        types[b] = a->buf[b] == 's'                       ? QVL_F32
                   : a->buf[b] == 'r' || a->buf[b] == 'b' ? QVL_I32
                                                          : dtype;
    c->kernel = bench_find_kernel(a->op, types, n);
    if (c->kernel == NULL)
        return QVL_OK;
    for (int b = 0; b < n; b++)
        size_buffer(c, b, a->buf[b], x, dtype, arena);
    put_args(c, a->buf, x);
    snprintf(c->shape, sizeof c->shape, "%u x %d heads of %u", x->n_tok,
             HEADS, x->size);
    return open_buffers(c, arena, err);
}

static int open_attentions(tune_case *c, int *n, const attention *a,
                           qvl_device *dev, int dtype, qvl_arena *arena,
                           qvl_err *err)
{
    size s = size_of(dev);
    bool is_cached = strchr(a->buf, 'c') != NULL;
    const extent timed = { is_cached ? 8 : attention_tokens[s],
                           is_cached ? cached_keys[s] : 0, 128 };
    const extent odd = { is_cached ? 3 : 37, is_cached ? 80 : 0, 72 };
    const extent *all[] = { &timed, &odd };
    for (size_t i = 0; i < QVL_COUNT(all); i++) {
        int rc = open_attention(&c[*n], a, all[i], i == 0, dev, dtype, arena,
                                err);
        *n += c[*n].kernel != NULL;
        QVL_TRY(rc);
    }
    return QVL_OK;
}

int tune_cases_open(tune_case c[TUNE_MOST_CASES], int *n, const char *op,
                    qvl_device *dev, int dtype, qvl_arena *arena, qvl_err *err)
{
    *n = 0;
    for (size_t i = 0; i < QVL_COUNT(products); i++) {
        if (strcmp(products[i].op, op) != 0)
            continue;
        int rc = open_product(&c[*n], &products[i], dev, dtype, arena, err);
        *n += c[*n].kernel != NULL;
        QVL_TRY(rc);
    }
    for (size_t i = 0; i < QVL_COUNT(attentions); i++)
        if (strcmp(attentions[i].op, op) == 0)
            QVL_TRY(open_attentions(c, n, &attentions[i], dev, dtype, arena,
                                    err));
    return QVL_OK;
}

void tune_cases_release(tune_case *c, int n)
{
    for (int i = 0; i < n; i++) {
        qvl_device *dev = c[i].dev;
        dev->be->list_release(dev, c[i].list);
        dev->be->list_release(dev, c[i].next);
        while (c[i].n_bufs > 0)
            dev->be->release(dev, &c[i].buf[--c[i].n_bufs]);
    }
}

/* ---- runs ----------------------------------------------------------------- */

int tune_case_record(tune_case *c, qvl_list **list, qvl_err *err)
{
    const qvl_backend *be = c->dev->be;
    qvl_slice slice[QVL_KERNEL_MAX_BUFS];
    for (int b = 0; b < c->kernel->n_bufs; b++)
        slice[b] = (qvl_slice){ &c->buf[b], 0, c->bytes[b] };
    be->list_release(c->dev, *list);
    *list = NULL;
    QVL_TRY(be->list_begin(c->dev, err));
    QVL_TRY(be->dispatch(c->dev, c->kernel, slice, c->arg, err));
    return be->list_end(c->dev, list, err);
}

static int poison(tune_case *c, qvl_err *err)
{
    for (int b = 0; b < c->kernel->n_bufs; b++) {
        if (!is_out(c, b))
            continue;
        void *p = qvl_memory_resize(NULL, c->bytes[b]);
        memset(p, 0xff, c->bytes[b]);
        int rc = c->dev->be->write(c->dev,
                                   (qvl_slice){ &c->buf[b], 0, c->bytes[b] },
                                   p, err);
        free(p);
        QVL_TRY(rc);
    }
    return QVL_OK;
}

static void widen(float *out, const void *p, size_t n, int dtype)
{
    for (size_t i = 0; i < n; i++)
        out[i] = dtype == QVL_F32    ? ((const float *)p)[i]
                 : dtype == QVL_BF16 ? qvl_bf16_to_f32(((const uint16_t *)p)[i])
                                     : qvl_f16_to_f32(((const uint16_t *)p)[i]);
}

int tune_case_compute(tune_case *c, qvl_list *list, float *out, qvl_err *err)
{
    const qvl_backend *be = c->dev->be;
    QVL_TRY(poison(c, err));
    QVL_TRY(be->submit(c->dev, list, err));
    for (int b = 0; b < c->kernel->n_bufs; b++) {
        if (!is_out(c, b))
            continue;
        void *p = qvl_memory_resize(NULL, c->bytes[b]);
        int rc = be->read(c->dev, (qvl_slice){ &c->buf[b], 0, c->bytes[b] }, p,
                          err);
        if (rc == QVL_OK)
            widen(out, p, elements_of(c, b), c->kernel->dtype[b]);
        out += elements_of(c, b);
        free(p);
        QVL_TRY(rc);
    }
    return QVL_OK;
}

double tune_case_distance(const tune_case *c, const float *found)
{
    double most = 0.0;
    const float *wanted = c->wanted;
    for (int b = 0; b < c->kernel->n_bufs; b++) {
        size_t n = c->bytes[b] / qvl_dtype_bytes(c->kernel->dtype[b]);
        double far = 0.0, all = 0.0;
        if (c->kernel->access[b] == QVL_ACCESS_IN)
            continue;
        for (size_t i = 0; i < n; i++) {
            double d = (double)found[i] - wanted[i];
            far += d * d;
            all += (double)wanted[i] * wanted[i];
        }
        /* NaN is not near. */
        double r = sqrt(far / (all > 0.0 ? all : 1.0));
        most = r <= most ? most : isnan(r) ? INFINITY : r;
        found += n;
        wanted += n;
    }
    return most;
}

int tune_case_time(tune_case *c, qvl_list *list, int runs, double *s,
                   qvl_err *err)
{
    const qvl_backend *be = c->dev->be;
    double start = bench_now_s();
    for (int i = 0; i < runs; i++)
        QVL_TRY(be->submit(c->dev, list, err));
    QVL_TRY(be->wait(c->dev, err));
    *s = bench_now_s() - start;
    return QVL_OK;
}
