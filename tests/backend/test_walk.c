/* Attention over as many rows as a device allows in one walk, and products with
 * as many terms as it adds up, beside the processor. Some drivers end long loops
 * without a word: what is allowed must be right, and the others must not be held
 * back. */
#include "check.h"

#include "backend/backend.h"
#include "base/half.h"
#include "base/rng.h"
#include "tensor/dtype.h"

extern const qvl_kernel *const qvl_generated_kernels[];
extern const int qvl_generated_kernels_count;

enum { D = 128, FEW = 16, MAX_BUFS = 9 };

/* The form that stores nothing but f32 and has no expression. */
static const qvl_kernel *kernel_of(const char *op)
{
    for (int i = 0; i < qvl_generated_kernels_count; i++) {
        const qvl_kernel *k = qvl_generated_kernels[i];
        bool fits = strcmp(k->op, op) == 0 && strstr(k->name, ".e") == NULL;
        for (int b = 0; b < k->n_bufs; b++)
            fits = fits && (k->dtype[b] == QVL_F32 || k->dtype[b] == QVL_I32);
        if (fits)
            return k;
    }
    CHECK(false, "no form of %s", op);
    return NULL;
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

/* A product of 8 x 8 results with so many terms. */
static walk sum_open(const char *op, uint32_t terms)
{
    enum { SIDE = 8 };
    bool is_tn = strcmp(op, "matmul_tn") == 0;
    walk w = { .k = kernel_of(op) };
    for (int b = 0; b < w.k->n_bufs; b++) {
        bool is_in = w.k->access[b] == QVL_ACCESS_IN;
        w.n[b] = is_in ? (size_t)SIDE * terms : SIDE * SIDE;
        float *x = w.data[b] = calloc(w.n[b], sizeof *x);
        for (size_t i = 0; i < w.n[b]; i++)
            x[i] = number(w.n[b] * (size_t)b + i);
    }
    uint32_t *a = w.arg;
    *a++ = is_tn ? terms : SIDE;
    *a++ = is_tn ? SIDE : terms;
    *a++ = SIDE;
    *a++ = 0;
    *a++ = is_tn ? SIDE : terms;
    *a++ = 0;
    *a++ = SIDE;
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

/* A walk of `rows` on a device and on the processor: within rounding of each
 * other, which grows with the number of addends. */
static void check_walk(qvl_device *cpu, qvl_device *dev, const char *op,
                       uint32_t rows)
{
    bool is_sum = strncmp(op, "matmul", 6) == 0;
    walk a = is_sum ? sum_open(op, rows) : walk_open(op, rows);
    walk b = is_sum ? sum_open(op, rows) : walk_open(op, rows);
    walk_run(&a, cpu);
    walk_run(&b, dev);
    for (int o = 0; o < a.k->n_bufs; o++) {
        double d = 0.0, n = 0.0;
        const float *x = a.data[o], *y = b.data[o];
        for (size_t e = 0; e < a.n[o] && o != 3; e++) {
            if (x[e] == -1e30f && y[e] == x[e])
                continue;  // lse of a query without keys
            d += ((double)y[e] - x[e]) * ((double)y[e] - x[e]);
            n += (double)x[e] * x[e];
        }
        CHECK(d <= 1e-10 * n, "%s of %u rows on %s, operand %d: off by %g",
              op, rows, dev->info.name, o, sqrt(d / n));
    }
    walk_close(&a);
    walk_close(&b);
}

static void test_walks(void)
{
    static const char *const ops[] = { "attention", "attention_dq",
                                       "attention_dkv", "attention_cached" };
    static const char *const sums[] = { "matmul_nt", "matmul_nn", "matmul_tn" };
    setenv("XDG_CACHE_HOME", check_dir(), 1);
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
        uint32_t most = dev->info.max_walk;
        for (size_t k = 0; k < QVL_COUNT(ops); k++)
            check_walk(cpu, dev, ops[k], most > 0 ? most : 7000);
        most = dev->info.max_sum;
        for (size_t k = 0; k < QVL_COUNT(sums); k++)
            check_walk(cpu, dev, sums[k], most > 0 ? most : 60000);
        qvl_device_close(dev);
    }
    qvl_device_close(cpu);
}

RUN_TESTS(TEST(test_walks))
