/* test_product.c - a product by the library equals the kernel's own
 *
 * The kernel here is the plain triple loop in double. It counts its calls, so
 * that the test knows who computed. Its store keeps y = 2 v + 1, as a fused
 * expression would, or adds.
 */
#include "check.h"

#include "backend/backend.h"
#include "backend/cpu/dnnl_block.h"
#include "base/half.h"
#include "tensor/dtype.h"

static int n_kernel_calls;

/* Sizes and operands of one product; x and y may be column slices. */
typedef struct {
    uint32_t m, n, k;
    uint32_t off, pad;  // of rows of x, and of y
} shape;

static float load(const void *p, size_t i, int dtype)
{
    if (dtype == QVL_F32)
        return ((const float *)p)[i];
    if (dtype == QVL_BF16)
        return qvl_bf16_to_f32(((const uint16_t *)p)[i]);
    return qvl_f16_to_f32(((const uint16_t *)p)[i]);
}

/* The variants differ in how (m, n, k) stand in the args and in memory. */
typedef enum { NT, NN, TN } form;

static int dtypes_now[2];  // of x and w; the C functions get no record

static double product(form f, void *const *buf, const uint32_t *a, uint32_t r,
                      uint32_t c)
{
    size_t depth = f == NT ? a[1] : f == NN ? a[1] : a[0];
    double sum = 0.0;
    for (size_t i = 0; i < depth; i++) {
        size_t x = f == TN ? a[3] + i * a[4] + r : a[3] + (size_t)r * a[4] + i;
        size_t w = f == NT ? (size_t)c * a[1] + i
            : f == NN ? i * a[2] + c : a[5] + i * a[6] + c;
        sum += (double)load(buf[0], x, dtypes_now[0])
            * (double)load(buf[1], w, dtypes_now[1]);
    }
    return sum;
}

static void store_y(void *const *buf, const uint32_t *a, const float *src,
                    size_t ld_src, uint32_t r0, uint32_t r1, uint32_t c0,
                    uint32_t c1)
{
    float *y = buf[2];
    for (uint32_t r = r0; r < r1; r++)
        for (uint32_t c = c0; c < c1; c++)
            y[a[5] + (size_t)r * a[6] + c]
                = 2.0f * src[(r - r0) * ld_src + (c - c0)] + 1.0f;
}

static void store_z(void *const *buf, const uint32_t *a, const float *src,
                    size_t ld_src, uint32_t r0, uint32_t r1, uint32_t c0,
                    uint32_t c1)
{
    float *z = buf[2];
    for (uint32_t r = r0; r < r1; r++)
        for (uint32_t c = c0; c < c1; c++) {
            size_t i = (size_t)r * a[2] + c;
            float v = src[(r - r0) * ld_src + (c - c0)];
            z[i] = a[7] != 0 ? z[i] + v : v;
        }
}

static void rows_of(form f, void *const *buf, const uint32_t *a, uint32_t g0,
                    uint32_t g1)
{
    #pragma omp atomic
    n_kernel_calls++;
    for (uint32_t r = g0; r < g1; r++)
        for (uint32_t c = 0; c < a[2]; c++) {
            float v = (float)product(f, buf, a, r, c);
            (f == TN ? store_z : store_y)(buf, a, &v, 1, r, r + 1, c, c + 1);
        }
}

static void c_nt(void *const *buf, const uint32_t *a, uint32_t g0,
                 uint32_t g1)
{
    rows_of(NT, buf, a, g0, g1);
}

static void c_nn(void *const *buf, const uint32_t *a, uint32_t g0,
                 uint32_t g1)
{
    rows_of(NN, buf, a, g0, g1);
}

static void c_tn(void *const *buf, const uint32_t *a, uint32_t g0,
                 uint32_t g1)
{
    rows_of(TN, buf, a, g0, g1);
}

static uint32_t groups_first(const uint32_t *arg, const uint32_t *tile,
                             uint32_t lanes)
{
    (void)tile;
    (void)lanes;
    return arg[0];
}

static uint32_t groups_second(const uint32_t *arg, const uint32_t *tile,
                              uint32_t lanes)
{
    (void)tile;
    (void)lanes;
    return arg[1];
}

static qvl_kernel kernel_of(form f, const int dtype[2], bool with_store)
{
    static const char *const ops[] = { "matmul_nt", "matmul_nn",
                                       "matmul_tn" };
    static qvl_kernel_fn *const fns[] = { c_nt, c_nn, c_tn };
    qvl_kernel k = {
        .name = ops[f],
        .op = ops[f],
        .n_bufs = 3,
        .dtype = { (uint8_t)dtype[0], (uint8_t)dtype[1], QVL_F32 },
        .access = { QVL_ACCESS_IN, QVL_ACCESS_IN, QVL_ACCESS_OUT },
        .n_args = f == TN ? 8 : 7,
        .tiling = { { .lanes = 1 } },
        .groups = f == TN ? groups_second : groups_first,
    };
    for (int i = 0; i < QVL_N_ISA; i++) {
        k.c[i] = fns[f];
        k.c_store[i] = !with_store ? NULL : f == TN ? store_z : store_y;
    }
    return k;
}

static void fill(void *p, size_t n, int dtype, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        float v = (float)(seed >> 8) / (float)(1 << 23) - 1.0f;
        if (dtype == QVL_F32)
            ((float *)p)[i] = v;
        else if (dtype == QVL_BF16)
            ((uint16_t *)p)[i] = qvl_f32_to_bf16(v);
        else
            ((uint16_t *)p)[i] = qvl_f32_to_f16(v);
    }
}

/* Args, as kernel.h orders them. */
static void put_args(form f, const shape *s, bool add, uint32_t a[8])
{
    uint32_t x_cols = f == TN ? s->m : s->k;
    a[0] = f == TN ? s->k : s->m;
    a[1] = f == TN ? s->m : s->k;
    a[2] = s->n;
    a[3] = s->off;
    a[4] = x_cols + s->off + s->pad;
    a[5] = s->off;
    a[6] = s->n + s->off + s->pad;
    a[7] = add;
}

static qvl_device *dev;

static qvl_buf take(size_t bytes)
{
    qvl_buf buf = { 0 };
    qvl_err err;
    CHECK_OK(dev->be->alloc(dev, bytes, &buf, &err), err);
    return buf;
}

/* One product with its memory. */
typedef struct {
    form f;
    const shape *s;
    int dtype[2];
    qvl_kernel k;
    uint32_t arg[8];
    qvl_buf buf[3];
    size_t n_elems[3];
    void *ptr[3];
} job;

static void job_init(job *j)
{
    put_args(j->f, j->s, false, j->arg);
    memcpy(dtypes_now, j->dtype, sizeof dtypes_now);
    const uint32_t *a = j->arg;
    bool is_tn = j->f == TN;
    j->n_elems[0] = (size_t)a[0] * a[4];
    j->n_elems[1] = is_tn ? (size_t)a[0] * a[6] : (size_t)j->s->n * j->s->k;
    j->n_elems[2] = is_tn ? (size_t)j->s->m * j->s->n : (size_t)a[0] * a[6];
    for (int i = 0; i < 3; i++) {
        int dtype = i < 2 ? j->dtype[i] : QVL_F32;
        j->buf[i] = take(j->n_elems[i] * qvl_dtype_bytes(dtype));
        j->ptr[i] = dev->be->host(dev, (qvl_slice){ &j->buf[i], 0, 0 });
    }
    fill(j->ptr[0], j->n_elems[0], j->dtype[0], 1);
    fill(j->ptr[1], j->n_elems[1], j->dtype[1], 2);
    for (size_t i = 0; i < j->n_elems[2]; i++)
        ((float *)j->ptr[2])[i] = -99.0f;
}

/* Once, and for TN a second time that adds. */
static void job_run(job *j)
{
    qvl_slice bufs[3];
    qvl_list *list = NULL;
    qvl_err err;
    for (int i = 0; i < 3; i++)
        bufs[i] = (qvl_slice){ &j->buf[i], 0, j->buf[i].bytes };
    CHECK_OK(dev->be->list_begin(dev, &err), err);
    CHECK_OK(dev->be->dispatch(dev, &j->k, bufs, j->arg, &err), err);
    j->arg[7] = 1;
    if (j->f == TN)
        CHECK_OK(dev->be->dispatch(dev, &j->k, bufs, j->arg, &err), err);
    CHECK_OK(dev->be->list_end(dev, &list, &err), err);
    CHECK_OK(dev->be->submit(dev, list, &err), err);
    CHECK_OK(dev->be->wait(dev, &err), err);
    dev->be->list_release(dev, list);
}

/* Is this element compared? The edges, the seams of blocks, some others. */
static bool is_chosen(uint32_t r, uint32_t c, uint32_t rows, uint32_t cols)
{
    bool is_corner = (r + 1 == rows || r % 256 < 2)
        && (c + 1 == cols || c % 512 < 2);
    bool is_edge = r + 1 == rows || c + 1 == cols || r % 256 < 2
        || c % 512 < 2;
    return is_corner || (is_edge && (r + c) % 17 == 0)
        || (r * 31 + c) % 997 == 0;
}

/* The tolerance: a sum of k products below 1, each rounded in f32, times 2. */
static void job_check(const job *j)
{
    const float *found = j->ptr[2];
    size_t ld = j->f == TN ? j->s->n : j->arg[6];
    size_t off = j->f == TN ? 0 : j->arg[5];
    uint32_t rows = j->s->m;
    double tolerance = 1e-6 * j->s->k + 1e-6;
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < j->s->n; c++) {
            if (!is_chosen(r, c, rows, j->s->n))
                continue;
            double wanted = 2.0 * product(j->f, j->ptr, j->arg, r, c)
                + (j->f != TN);
            CHECK_NEAR(found[off + r * ld + c], wanted, tolerance,
                       "%s dtypes %d %d, %u x %u x %u, element (%u, %u)",
                       j->k.op, j->dtype[0], j->dtype[1], (unsigned)rows, (unsigned)j->s->n,
                       (unsigned)j->s->k, (unsigned)r, (unsigned)c);
        }
        CHECK(off == 0 || found[r * ld] == -99.0f,
              "row %u: the column before the slice", (unsigned)r);
    }
}

/* Run one product and compare; returns the calls of the C kernel. */
static int check_mixed(form f, const shape *s, int x, int w, bool with_store)
{
    job j = { .f = f, .s = s, .dtype = { x, w } };
    j.k = kernel_of(f, j.dtype, with_store);
    n_kernel_calls = 0;
    job_init(&j);
    job_run(&j);
    int n_calls = n_kernel_calls;
    job_check(&j);
    for (int i = 0; i < 3; i++)
        dev->be->release(dev, &j.buf[i]);
    return n_calls;
}

static int check_one(form f, const shape *s, int dtype, bool with_store)
{
    return check_mixed(f, s, dtype, dtype, with_store);
}

static void open_device(int n_threads)
{
    qvl_err err;
    CHECK_OK(qvl_device_open(&dev, "cpu", n_threads, &err), err);
}

/* Odd sizes, sizes around a block and a slice of its depth, column slices. */
static void test_shapes(void)
{
    static const shape shapes[] = {
        { 33, 47, 61, 0, 0 },   { 65, 128, 96, 8, 5 },
        { 255, 512, 256, 0, 0 }, { 257, 513, 257, 3, 1 },
        { 256, 64, 511, 0, 0 }, { 1025, 67, 29, 3, 1 },
        { 40, 4097, 31, 2, 2 }, { 1030, 1100, 5, 0, 3 },
        { 32, 32, 2000, 0, 0 },
    };
    static const int types[][2] = {
        { QVL_F32, QVL_F32 }, { QVL_BF16, QVL_BF16 },
        { QVL_F32, QVL_BF16 }, { QVL_BF16, QVL_F32 },
    };
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        open_device(n_threads);
        CHECK_HAS(dev->info.driver, "oneDNN", "the library is in use");
        for (size_t i = 0; i < QVL_COUNT(shapes) * QVL_COUNT(types); i++)
            for (int f = NT; f <= TN; f++) {
                const int *type = types[i % QVL_COUNT(types)];
                const shape *s = &shapes[i / QVL_COUNT(types)];
                CHECK_INT(check_mixed((form)f, s, type[0], type[1], true), 0,
                          "%zu form %d: computed by the library", i, f);
            }
        qvl_device_close(dev);
    }
}

/* Code compiled for a type and a shape of block; here f32, as not every
 * processor has code for bf16. */
static void test_compiled(void)
{
    enum { M = 70, N = 90, K = 40 };
    static float x[M * K], w[K * N], y[M * N];
    fill(x, M * K, QVL_F32, 1);
    fill(w, K * N, QVL_F32, 2);
    void *buf[] = { x, w, y };
    uint32_t arg[] = { M, K, N, 0, K, 0, N };
    const int types[] = { QVL_F32, QVL_F32 };
    memcpy(dtypes_now, types, sizeof types);
    qvl_kernel k = kernel_of(NN, types, true);
    dnnl_engine_t engine;
    worker workers[1];
    CHECK_INT(dnnl_engine_create(&engine, dnnl_cpu, 0), dnnl_success, "engine");
    CHECK_INT(qvl_worker_open(workers, engine), dnnl_success, "worker");
    qvl_product p = {
        .engine = engine, .workers = workers, .n_threads = 1,
        .k = &k, .store = store_y, .m = M, .n = N, .depth = K,
        .a = { (char *)x, QVL_F32, K, 1 }, .b = { (char *)w, QVL_F32, N, 1 },
        .block_rows = 32, .block_cols = 50,
    };
    memcpy(p.buf, buf, sizeof buf);
    memcpy(p.arg, arg, sizeof arg);
    CHECK_INT(qvl_product_compile(&p), dnnl_success, "compiled");
    CHECK(p.is_direct, "there is code for f32");
    CHECK_INT(qvl_product_n_blocks(&p), 6, "blocks");
    for (size_t i = 0; i < 6; i++)
        CHECK_INT(qvl_product_block(&p, workers, i), dnnl_success, "block %zu", i);
    for (uint32_t i = 0; i < M * N; i++)
        CHECK_NEAR(y[i], 2.0 * product(NN, buf, arg, i / N, i % N) + 1.0, 1e-4,
                   "element %u", (unsigned)i);
    qvl_product_forget(&p);
    qvl_worker_close(workers);
    dnnl_engine_destroy(engine);
}

/* What the library does not take is computed all the same. */
static void test_left_to_c(void)
{
    static const shape large = { 65, 70, 75, 1, 1 };
    static const shape small = { 4, 4, 4, 0, 0 };
    static const shape thin = { 31, 512, 300, 0, 0 };
    static const shape no_depth = { 40, 50, 0, 0, 0 };
    open_device(2);
    CHECK(check_one(NT, &large, QVL_F16, true) > 0, "f16");
    CHECK(check_one(NT, &large, QVL_F32, false) > 0, "no store function");
    CHECK(check_one(NN, &small, QVL_F32, true) > 0, "too small");
    CHECK(check_one(NT, &no_depth, QVL_F32, true) > 0, "empty sum");
    CHECK(check_one(NT, &thin, QVL_F32, true) > 0, "too few rows to copy for");
    qvl_device_close(dev);

    setenv("QVL_NO_ONEDNN", "1", 1);
    open_device(2);
    unsetenv("QVL_NO_ONEDNN");
    CHECK(strstr(dev->info.driver, "oneDNN") == NULL, "switched off");
    CHECK(check_one(NT, &large, QVL_F32, true) > 0, "switched off");
    qvl_device_close(dev);
}

RUN_TESTS(TEST(test_shapes), TEST(test_compiled), TEST(test_left_to_c))
