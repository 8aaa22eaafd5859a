/* test_turns.c - every kernel with a loop over a dim that is as long as a device
 * allows, and attention over as many rows, beside the processor
 *
 * Some drivers end long loops without a word: what is allowed must be right, a turn
 * more an error, and the others must not be held back.
 */
#include "check.h"

#include "backend/backend.h"
#include "base/half.h"
#include "base/rng.h"
#include "tensor/dtype.h"

extern const qvl_kernel *const qvl_generated_kernels[];
extern const int qvl_generated_kernels_count;

enum { D = 128, FEW = 16, MAX_BUFS = 9 };

/* The form that stores nothing but f32, has no expression, and no operand of
 * those that may be absent. */
static const qvl_kernel *kernel_of(const char *op)
{
    const qvl_kernel *found = NULL;
    for (int i = 0; i < qvl_generated_kernels_count; i++) {
        const qvl_kernel *k = qvl_generated_kernels[i];
        bool fits = strcmp(k->op, op) == 0 && strstr(k->name, ".e") == NULL;
        for (int b = 0; b < k->n_bufs; b++)
            fits = fits && (k->dtype[b] == QVL_F32 || k->dtype[b] == QVL_I32);
        if (fits && (found == NULL || k->n_bufs > found->n_bufs))
            found = k;
    }
    CHECK(found != NULL, "no form of %s", op);
    return found;
}

typedef struct {
    const qvl_kernel *k;
    size_t n[MAX_BUFS];     // numbers of each operand
    void *data[MAX_BUFS];   // owned
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
} walk;

/* Of T rows, a few see all, or are seen by all. */
static void set_ranges(int32_t *r, uint32_t T, bool by_key)
{
    for (uint32_t t = 0; t < T; t++) {
        bool sees_all = !by_key && t + FEW >= T;
        r[4 * t + 1] = by_key ? FEW : sees_all ? (int32_t)T : 0;
        r[4 * t + 3] = by_key && t < FEW ? (int32_t)T : 0;
    }
}

static float number(size_t i)
{
    return (float)(qvl_rng_mix(i, 7) % 2001) / 1000.0f - 1.0f;
}

static walk walk_open(const char *op, uint32_t T)
{
    bool cached = strcmp(op, "attention_cached") == 0;
    walk w = { .k = kernel_of(op) };
    size_t rows = (size_t)T * D;
    CHECK(w.k->n_bufs <= MAX_BUFS, "%s", op);
    for (int b = 0; b < w.k->n_bufs; b++) {
        w.n[b] = rows;
        if (b == 3)
            w.n[b] = 4 * (size_t)T;
        else if (cached && b == 4)
            w.n[b] = 1;
        else if (strstr(op, "_d") != NULL ? b == 5 || b == 6
                                          : !cached && b == 5)
            w.n[b] = T;
        float *x = w.data[b] = calloc(w.n[b], sizeof *x);
        for (size_t i = 0; i < w.n[b]; i++)
            x[i] = number(w.n[b] * (size_t)b + i);
    }
    int32_t *range = w.data[3];
    memset(range, 0, w.n[3] * sizeof *range);
    set_ranges(range, T, strcmp(op, "attention_dkv") == 0);
    if (cached)  // one block of all slots
        for (uint32_t t = 0; t < T; t++) {
            range[4 * t + 2] = 0;
            range[4 * t + 3] = (int32_t)T;
        }
    if (cached)
        memset(w.data[4], 0, sizeof(int32_t));
    if (strstr(op, "_d") != NULL)
        for (uint32_t t = 0; t < T; t++)
            ((float *)w.data[5])[t] += 8.0f;  // of about so many keys
    uint32_t *a = w.arg;
    *a++ = T;
    *a++ = 1;
    *a++ = D;
    if (cached)
        *a++ = T;
    *a++ = 1;
    if (cached)
        *a++ = 1;
    while (a + 1 < w.arg + w.k->n_args) {
        *a++ = 0;
        *a++ = D;
    }
    *a = qvl_f32_bits(0.125f);
    return w;
}

static void walk_close(walk *w)
{
    for (int b = 0; b < w->k->n_bufs; b++)
        free(w->data[b]);
}

/* Run on a device; results replace what is in the operands that it writes. */
static void walk_run(const walk *w, qvl_device *dev)
{
    qvl_err err;
    qvl_buf buf[MAX_BUFS];
    qvl_slice slice[MAX_BUFS];
    qvl_list *list;
    for (int b = 0; b < w->k->n_bufs; b++) {
        size_t bytes = w->n[b] * sizeof(float);
        CHECK_OK(dev->be->alloc(dev, bytes, &buf[b], &err), err);
        slice[b] = (qvl_slice){ .buf = &buf[b], .bytes = bytes };
        CHECK_OK(dev->be->write(dev, slice[b], w->data[b], &err), err);
    }
    CHECK_OK(dev->be->list_begin(dev, &err), err);
    CHECK_OK(dev->be->dispatch(dev, w->k, slice, w->arg, &err), err);
    CHECK_OK(dev->be->list_end(dev, &list, &err), err);
    CHECK_OK(dev->be->submit(dev, list, &err), err);
    for (int b = 0; b < w->k->n_bufs; b++) {
        if (w->k->access[b] != QVL_ACCESS_IN)
            CHECK_OK(dev->be->read(dev, slice[b], w->data[b], &err), err);
        dev->be->release(dev, &buf[b]);
    }
    dev->be->list_release(dev, list);
}

/* The same run on the processor and on a device: whole numbers are equal, others
 * within rounding of each other, which grows with the number of addends. */
static void check_equal(qvl_device *cpu, qvl_device *dev, walk *a, walk *b,
                        uint32_t size)
{
    walk_run(a, cpu);
    walk_run(b, dev);
    for (int o = 0; o < a->k->n_bufs; o++) {
        double d = 0.0, n = 0.0;
        const float *x = a->data[o], *y = b->data[o];
        if (a->k->dtype[o] == QVL_I32) {
            CHECK(memcmp(x, y, a->n[o] * sizeof *x) == 0,
                  "%s of %u on %s, operand %d", a->k->op, size, dev->info.name,
                  o);
            continue;
        }
        for (size_t e = 0; e < a->n[o]; e++) {
            if (x[e] == -1e30f && y[e] == x[e])
                continue;  // lse of a query without keys
            d += ((double)y[e] - x[e]) * ((double)y[e] - x[e]);
            n += (double)x[e] * x[e];
        }
        CHECK(d <= 1e-9 * n, "%s of %u on %s, operand %d: off by %g",
              a->k->op, size, dev->info.name, o, sqrt(d / n));
    }
    walk_close(a);
    walk_close(b);
}

static void check_walk(qvl_device *cpu, qvl_device *dev, const char *op,
                       uint32_t rows)
{
    walk a = walk_open(op, rows);
    walk b = walk_open(op, rows);
    check_equal(cpu, dev, &a, &b, rows);
}

static void check_walks(qvl_device *cpu, qvl_device *dev)
{
    static const char *const ops[] = { "attention", "attention_dq",
                                       "attention_dkv", "attention_cached" };
    uint32_t most = dev->info.max_walk;
    for (size_t k = 0; k < QVL_COUNT(ops); k++)
        check_walk(cpu, dev, ops[k], most > 0 ? most : 7000);
}

/* ---- loops over dims ---- */

#define N 0xffffffffu  // in args and sizes: as large as the loops allow

/* What a kernel is run with: its arguments, and of each operand the numbers in
 * it, rows and columns. Operands are filled with numbers ('f'), positive ones
 * ('a'), starts of three runs, none, one, and the rest ('s'), places in falling
 * order ('o'), ids 0 and 1 ('e'), labels in the middle ('l'). */
typedef struct {
    const char *op;
    uint32_t arg[16];
    const char *kind;
    uint32_t size[8][2];
} run_case;

static const run_case runs[] = {
    { "matmul_nt", { 8, N, 8, 0, N, 0, 8 }, "fff",
      { { 8, N }, { 8, N }, { 8, 8 } } },
    { "matmul_nt", { 1, N, 8, 0, N, 0, 8 }, "fff",
      { { 1, N }, { 8, N }, { 1, 8 } } },
    { "matmul_nn", { 8, N, 8, 0, N, 0, 8 }, "fff",
      { { 8, N }, { N, 8 }, { 8, 8 } } },
    { "matmul_tn", { N, 8, 8, 0, 8, 0, 8 }, "fff",
      { { N, 8 }, { N, 8 }, { 8, 8 } } },
    { "rms_norm", { 2, 1, N, 0, N, 0, N, 0x3f800000 }, "ffff",
      { { 2, N }, { N, 1 }, { 2, N }, { 2, 1 } } },
    { "rms_norm_dx", { 2, 1, N, 0, N, 0, N, 0, N }, "fffff",
      { { 2, N }, { 2, N }, { N, 1 }, { 2, 1 }, { 2, N } } },
    { "rms_norm_dw_part", { N, 2, 3, 0, 6, 0, 6 }, "ffff",
      { { N, 6 }, { N, 6 }, { N, 2 }, { 32, 3 } } },
    { "layer_norm", { 2, N, 0, N, 0, N, 0x3f800000 }, "ffffff",
      { { 2, N }, { N, 1 }, { N, 1 }, { 2, N }, { 2, 1 }, { 2, 1 } } },
    { "layer_norm_dx", { 2, N, 0, N, 0, N, 0, N }, "ffffff",
      { { 2, N }, { 2, N }, { N, 1 }, { 2, 1 }, { 2, 1 }, { 2, N } } },
    { "layer_norm_dw_part", { N, 3, 0, 3, 0, 3 }, "fffff",
      { { N, 3 }, { N, 3 }, { N, 1 }, { N, 1 }, { 32, 3 } } },
    { "col_sum_part", { N, 3, 0, 3 }, "ff", { { N, 3 }, { 32, 3 } } },
    { "sum_rows", { N, 9 }, "ff", { { N, 9 }, { 9, 1 } } },
    { "tally", { N }, "ff", { { N, 1 }, { N, 1 } } },
    { "clip", { N, 1 }, "aff", { { N, 1 }, { 1, 8 }, { 4, 1 } } },
    { "cross_entropy", { 2, N, 0, N, 0, 1, 0, 2 }, "flfff",
      { { 2, N }, { 2, 1 }, { 1, 1 }, { 2, 2 }, { 2, N } } },
    { "lookup", { 4, N, 9, 2, 0, N, 0, N }, "feff",
      { { 4, N }, { 9, 2 }, { 9, 2 }, { 9, N } } },
    { "lookup_dx", { N, 70, 1, 4, N, 3, 0, 70 }, "ffsof",
      { { N, 70 }, { N, 1 }, { 4, 1 }, { N, 1 }, { 3, 70 } } },
    { "route", { 9, N, 8, 0, N }, "ffe", { { 9, N }, { 9, 8 }, { 9, 8 } } },
    { "route_dx", { 9, 8, N, 0, N }, "feff",
      { { 9, 8 }, { 9, 8 }, { 9, 8 }, { 9, N } } },
    { "sort_uses", { N, 3 }, "eeee",
      { { N, 1 }, { 3, 1 }, { N, 1 }, { N, 1 } } },
    { "expert_nt", { 19, N, 3, 65, 4, 19, 0, N, 0, 65 }, "ffsof",
      { { 19, N }, { 195, N }, { 4, 1 }, { 19, 1 }, { 19, 65 } } },
    { "expert_nn", { 19, N, 3, 65, 4, 0, N, 0, 65 }, "ffsf",
      { { 19, N }, { 3 * 65, N }, { 4, 1 }, { 19, 65 } } },
    { "expert_tn", { N, 2, N, 64, 4, 3, 0, 2, 0, 64 }, "ffsof",
      { { N, 2 }, { N, 64 }, { 4, 1 }, { N, 1 }, { 6, 64 } } },
    { "combine_dy", { 3, N, 6, 0, N, 0, N }, "ffof",
      { { 3, N }, { 6, 1 }, { 6, 1 }, { 6, N } } },
    { "combine_dw", { 3, N, 6, 2, 0, N, 0, N }, "ffof",
      { { 3, N }, { 6, N }, { 6, 1 }, { 3, 2 } } },
};

static uint32_t sized(uint32_t v, uint32_t n)
{
    return v == N ? n : v;
}

static void set_args(const run_case *c, uint32_t n, uint32_t *arg)
{
    for (size_t i = 0; i < QVL_COUNT(c->arg); i++)
        arg[i] = sized(c->arg[i], n);
}

static int32_t whole(char kind, size_t i, size_t n, uint32_t size)
{
    switch (kind) {
    case 's':
        return i < 2 ? 0 : i == 2 ? 1 : (int32_t)size;
    case 'o':
        return (int32_t)(n - 1 - i);
    case 'l':
        return (int32_t)(size / 2);
    default:
        return (int32_t)(i % 3 == 0);
    }
}

/* Starts are of the rows of the first operand. */
static void fill(const run_case *c, walk *w, int b, uint32_t n)
{
    float *x = w->data[b];
    int32_t *id = w->data[b];
    char kind = c->kind[b];
    uint32_t size = kind == 'l' ? n : sized(c->size[0][0], n);
    for (size_t i = 0; i < w->n[b]; i++) {
        float v = number(w->n[b] * (size_t)b + i);
        if (kind == 'f' || kind == 'a')
            x[i] = kind == 'a' ? fabsf(v) : v;
        else
            id[i] = whole(kind, i, w->n[b], size);
    }
}

static walk case_open(const run_case *c, uint32_t n)
{
    walk w = { .k = kernel_of(c->op) };
    CHECK_INT(w.k->n_bufs, strlen(c->kind), "%s", c->op);
    set_args(c, n, w.arg);
    for (int b = 0; b < w.k->n_bufs; b++) {
        w.n[b] = (size_t)sized(c->size[b][0], n) * sized(c->size[b][1], n);
        w.data[b] = calloc(w.n[b], sizeof(float));
        fill(c, &w, b, n);
    }
    return w;
}

/* The largest size for which no lane turns more than 65,535 times. */
static uint32_t largest(const run_case *c, const qvl_device *dev)
{
    const qvl_kernel *k = kernel_of(c->op);
    const qvl_tiling *t = qvl_device_tiling(dev, k);
    uint32_t arg[QVL_KERNEL_MAX_ARGS] = { 0 };
    uint32_t few = 1, many = 1u << 23;
    while (few + 1 < many) {
        uint32_t middle = few + (many - few) / 2;
        set_args(c, middle, arg);
        if (k->turns(arg, t->tile, t->lanes, UINT32_MAX) <= 65535)
            few = middle;
        else
            many = middle;
    }
    return few;
}

/* One more is refused where the device has the limit. */
static void check_refused(qvl_device *dev, const run_case *c, uint32_t n)
{
    qvl_err err;
    qvl_buf buf;
    qvl_slice slice[MAX_BUFS];
    walk w = { .k = kernel_of(c->op) };
    set_args(c, n + 1, w.arg);
    CHECK_OK(dev->be->alloc(dev, 65536, &buf, &err), err);
    for (int b = 0; b < w.k->n_bufs; b++)
        slice[b] = (qvl_slice){ &buf, (size_t)b * 4096, 4096 };
    CHECK_OK(dev->be->list_begin(dev, &err), err);
    CHECK_FAILS(dev->be->dispatch(dev, w.k, slice, w.arg, &err),
                QVL_E_UNSUPPORTED, err, "expected at most 65535, after which");
    CHECK_HAS(err.msg, c->op, "%s", c->op);
    dev->be->release(dev, &buf);
}

static void check_runs(qvl_device *cpu, qvl_device *dev)
{
    for (size_t i = 0; i < QVL_COUNT(runs); i++) {
        uint32_t n = largest(&runs[i], dev);
        walk a = case_open(&runs[i], n);
        walk b = case_open(&runs[i], n);
        check_equal(cpu, dev, &a, &b, n);
        if (dev->info.max_turns > 0)
            check_refused(dev, &runs[i], n);
    }
}

typedef void on_device(qvl_device *cpu, qvl_device *dev);

/* Beside the processor each other back end. */
static void each_other(on_device *run)
{
    int n;
    qvl_err err;
    qvl_device *cpu, *dev;
    CHECK_OK(qvl_device_open(&cpu, "cpu", 2, &err), err);
    const qvl_backend *const *be = qvl_backends(&n);
    for (int i = 0; i < n; i++) {
        if (strcmp(be[i]->name, "cpu") == 0)
            continue;
        if (be[i]->count() == 0) {
            print_message("SKIP %s: no device\n", be[i]->name);
            continue;
        }
        CHECK_OK(be[i]->open(&dev, 0, 2, &err), err);
        run(cpu, dev);
        qvl_device_close(dev);
    }
    qvl_device_close(cpu);
}

static void test_walks(void)
{
    each_other(check_walks);
}

static void test_dims(void)
{
    each_other(check_runs);
}

RUN_TESTS(TEST(test_walks), TEST(test_dims))
