/* fake_kernels.c - kernels of the tests, their records and families */
#include "fake.h"

#include "base/half.h"
#include "graph/arch.h"
#include "graph/plan.h"
#include "tensor/dtype.h"

long fake_n_poison;

/* ---- kernels ---- */

static float load(const void *buf, int dtype, size_t i)
{
    if (dtype == QVL_BF16) {
        uint16_t h = ((const uint16_t *)buf)[i];
        fake_n_poison += h == (FAKE_POISON & 0xffffu) || h == FAKE_POISON >> 16;
        return qvl_bf16_to_f32(h);
    }
    uint32_t u = ((const uint32_t *)buf)[i];
    fake_n_poison += u == FAKE_POISON;
    return qvl_f32_from_bits(u);
}

static int32_t load_i32(const void *buf, size_t i)
{
    uint32_t u = ((const uint32_t *)buf)[i];
    fake_n_poison += u == FAKE_POISON;
    return (int32_t)u;
}

static void store(void *buf, int dtype, size_t i, float v)
{
    if (dtype == QVL_BF16)
        ((uint16_t *)buf)[i] = qvl_f32_to_bf16(v);
    else
        ((float *)buf)[i] = v;
}

/* Add to, or overwrite, an f32 element. */
static void store_acc(void *buf, size_t i, float v, uint32_t acc)
{
    store(buf, QVL_F32, i, acc ? load(buf, QVL_F32, i) + v : v);
}

/* 0 .. 250: exact in bf16. NaN, when something is wrong, becomes 250. */
static float wrap(float v)
{
    return v == v ? (float)((long)v % 251) : 250.0f;
}

/* Element i of a hash of k inputs with the given sizes. */
static float hash(void *const *buf, const int *dtype, const uint32_t *size,
                  int k, uint32_t salt, size_t i)
{
    float v = (float)(salt % 251 + i % 251);
    for (int b = 0; b < k; b++)
        if (size[b] > 0)
            v += (float)(b + 2)
                 * load(buf[b], dtype[b], (i * 7 + (size_t)b) % size[b]);
    return wrap(v);
}

/* Every input element is loaded once, whether the result uses it or not. */
static void touch(void *const *buf, const int *dtype, const uint32_t *size,
                  int k)
{
    for (int b = 0; b < k; b++)
        for (size_t i = 0; i < size[b]; i++)
            load(buf[b], dtype[b], i);
}

static void mix(void *const *buf, const uint32_t *arg, int k, int act)
{
    const int dtype[3] = {act, act, act};
    touch(buf, dtype, arg, k);
    for (size_t i = 0; i < arg[k]; i++)
        store(buf[k], act, i, hash(buf, dtype, arg, k, arg[k + 1], i));
}

#define MIX(k)                                                                \
    static void mix##k##_f32(void *const *buf, const uint32_t *arg,           \
                             uint32_t g0, uint32_t g1)                        \
    {                                                                         \
        (void)g0, (void)g1;                                                   \
        mix(buf, arg, k, QVL_F32);                                            \
    }                                                                         \
    static void mix##k##_bf16(void *const *buf, const uint32_t *arg,          \
                              uint32_t g0, uint32_t g1)                       \
    {                                                                         \
        (void)g0, (void)g1;                                                   \
        mix(buf, arg, k, QVL_BF16);                                           \
    }
MIX(0)
MIX(1)
MIX(2)
MIX(3)

static void two(void *const *buf, const uint32_t *arg, int act)
{
    const int dtype[2] = {act, act};
    touch(buf, dtype, arg, 2);
    for (size_t i = 0; i < arg[2]; i++)
        store(buf[2], act, i, hash(buf, dtype, arg, 2, arg[4], i));
    for (size_t i = 0; i < arg[3]; i++)
        store(buf[3], QVL_F32, i, hash(buf, dtype, arg, 2, arg[4] + 1, i));
}

static void two_f32(void *const *buf, const uint32_t *arg, uint32_t g0,
                    uint32_t g1)
{
    (void)g0, (void)g1;
    two(buf, arg, QVL_F32);
}

static void two_bf16(void *const *buf, const uint32_t *arg, uint32_t g0,
                     uint32_t g1)
{
    (void)g0, (void)g1;
    two(buf, arg, QVL_BF16);
}

static void sum(void *const *buf, const uint32_t *arg, int act)
{
    const int dtype[2] = {act, act};
    touch(buf, dtype, arg, 2);
    for (size_t i = 0; i < arg[2]; i++)
        store_acc(buf[2], i, hash(buf, dtype, arg, 2, arg[3], i), arg[4]);
}

static void sum_f32(void *const *buf, const uint32_t *arg, uint32_t g0,
                    uint32_t g1)
{
    (void)g0, (void)g1;
    sum(buf, arg, QVL_F32);
}

static void sum_bf16(void *const *buf, const uint32_t *arg, uint32_t g0,
                     uint32_t g1)
{
    (void)g0, (void)g1;
    sum(buf, arg, QVL_BF16);
}

/* Copy elements between a dense and a strided operand, changed by the salt. */
static void columns(void *const *buf, const uint32_t *arg, int act, bool put)
{
    uint32_t rows = arg[0], cols = arg[1], off = arg[2], ld = arg[3];
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            size_t dense = r * cols + c;
            size_t slice = off + r * ld + c;
            float v = load(buf[0], act, put ? dense : slice);
            v = wrap(v * 3 + (float)(arg[4] % 251) + (float)(dense % 251));
            store(buf[1], act, put ? slice : dense, v);
        }
}

#define COLUMNS(name, act, put)                                               \
    static void name(void *const *buf, const uint32_t *arg, uint32_t g0,      \
                     uint32_t g1)                                             \
    {                                                                         \
        (void)g0, (void)g1;                                                   \
        columns(buf, arg, act, put);                                          \
    }
COLUMNS(put_f32, QVL_F32, true)
COLUMNS(put_bf16, QVL_BF16, true)
COLUMNS(take_f32, QVL_F32, false)
COLUMNS(take_bf16, QVL_BF16, false)

static float f32_at(const void *buf, size_t i)
{
    return load(buf, QVL_F32, i);
}

/* rows, K, N, x off ld, y off ld */
static void nt(void *const *buf, const uint32_t *a, uint32_t g0, uint32_t g1)
{
    (void)g0, (void)g1;
    for (size_t r = 0; r < a[0]; r++)
        for (size_t n = 0; n < a[2]; n++) {
            float v = f32_at(buf[3], n);
            for (size_t k = 0; k < a[1]; k++)
                v += f32_at(buf[0], a[3] + r * a[4] + k)
                     * f32_at(buf[1], n * a[1] + k);
            store(buf[2], QVL_F32, a[5] + r * a[6] + n, v);
        }
}

/* rows, N, K, x off ld, y off ld, acc */
static void nn(void *const *buf, const uint32_t *a, uint32_t g0, uint32_t g1)
{
    (void)g0, (void)g1;
    for (size_t r = 0; r < a[0]; r++)
        for (size_t k = 0; k < a[2]; k++) {
            float v = 0;
            for (size_t n = 0; n < a[1]; n++)
                v += f32_at(buf[0], a[3] + r * a[4] + n)
                     * f32_at(buf[1], n * a[2] + k);
            store_acc(buf[2], a[5] + r * a[6] + k, v, a[7]);
        }
}

/* rows, N, K, x off ld, y off ld, acc */
static void tn(void *const *buf, const uint32_t *a, uint32_t g0, uint32_t g1)
{
    (void)g0, (void)g1;
    for (size_t n = 0; n < a[1]; n++)
        for (size_t k = 0; k < a[2]; k++) {
            float v = 0;
            for (size_t r = 0; r < a[0]; r++)
                v += f32_at(buf[0], a[3] + r * a[4] + n)
                     * f32_at(buf[1], a[5] + r * a[6] + k);
            store_acc(buf[2], n * a[2] + k, v, a[7]);
        }
}

/* N, cols, rows, K, x off ld, y off ld, first, acc */
static void lookup(void *const *buf, const uint32_t *a, uint32_t g0,
                   uint32_t g1)
{
    (void)g0, (void)g1;
    for (size_t r = 0; r < a[2]; r++)
        for (size_t c = 0; c < a[1]; c++) {
            float v = 0;
            for (size_t k = 0; k < a[3]; k++) {
                /* As the shaders would: an unsigned difference is enough. */
                uint32_t i = (uint32_t)load_i32(buf[1], r * a[3] + k) - a[8];
                if (i < a[0])
                    v += f32_at(buf[2], r * a[3] + k)
                         * f32_at(buf[0], a[4] + i * a[5] + c);
            }
            store_acc(buf[3], a[6] + r * a[7] + c, v, a[9]);
        }
}

/* rows, cols, K, N1, S, N, dy off ld, first, acc */
static void lookup_dx(void *const *buf, const uint32_t *a, uint32_t g0,
                      uint32_t g1)
{
    (void)g0, (void)g1;
    for (size_t n = 0; n < a[5]; n++)
        for (size_t c = 0; c < a[1]; c++) {
            float v = 0;
            int32_t end = load_i32(buf[2], n + 1);
            for (int32_t j = load_i32(buf[2], n); j < end; j++) {
                uint32_t at = (uint32_t)j - a[8];
                if (at >= a[4])
                    continue;
                size_t e = (size_t)load_i32(buf[3], at);
                v += f32_at(buf[1], e)
                     * f32_at(buf[0], a[6] + e / a[2] * a[7] + c);
            }
            store_acc(buf[4], n * a[1] + c, v, a[9]);
        }
}

static void zero(void *const *buf, const uint32_t *a, uint32_t g0, uint32_t g1)
{
    (void)g0, (void)g1;
    for (size_t i = 0; i < a[0]; i++)
        store_acc(buf[0], i, 0.0f, a[1]);
}

static void tally(void *const *buf, const uint32_t *a, uint32_t g0,
                  uint32_t g1)
{
    (void)g0, (void)g1;
    for (size_t i = 0; i < a[0]; i++)
        store_acc(buf[1], i, load(buf[0], QVL_F32, i), a[1]);
}

/* ---- records ---- */

static uint32_t one_group(const uint32_t *arg, const uint32_t *tile,
                          uint32_t lanes)
{
    (void)arg, (void)tile, (void)lanes;
    return 1;
}

/* A turn for each term of a sum, over one of the dims. */
static uint64_t turns_first(const uint32_t *arg, const uint32_t *tile,
                            uint64_t lanes, uint64_t walk)
{
    (void)tile, (void)lanes, (void)walk;
    return arg[0];
}

static uint64_t turns_second(const uint32_t *arg, const uint32_t *tile,
                             uint64_t lanes, uint64_t walk)
{
    (void)tile, (void)lanes, (void)walk;
    return arg[1];
}

static uint64_t turns_fifth(const uint32_t *arg, const uint32_t *tile,
                            uint64_t lanes, uint64_t walk)
{
    (void)tile, (void)lanes, (void)walk;
    return arg[4];
}

#define F QVL_F32
#define B QVL_BF16
#define I QVL_I32
#define IN QVL_ACCESS_IN
#define OUT QVL_ACCESS_OUT
#define ACC QVL_ACCESS_IO
#define LIST(...) {__VA_ARGS__}

#define LANES_1                                                               \
    {                                                                         \
        {.lanes = 1}, {.lanes = 1}, {.lanes = 1}, {.lanes = 1}                \
    }

#define KERNEL(fn, bufs, args, types, accesses, n_turns)                      \
    static const qvl_kernel k_##fn = {.name = #fn, .op = #fn,                 \
                                      .n_bufs = bufs, .dtype = types,         \
                                      .access = accesses, .n_args = args,     \
                                      .tiling = LANES_1, .turns = n_turns,    \
                                      .groups = one_group, .c = {fn}};

KERNEL(mix0_f32, 1, 2, LIST(F), LIST(OUT), NULL)
KERNEL(mix1_f32, 2, 3, LIST(F, F), LIST(IN, OUT), NULL)
KERNEL(mix2_f32, 3, 4, LIST(F, F, F), LIST(IN, IN, OUT), NULL)
KERNEL(mix3_f32, 4, 5, LIST(F, F, F, F), LIST(IN, IN, IN, OUT), NULL)
KERNEL(mix0_bf16, 1, 2, LIST(B), LIST(OUT), NULL)
KERNEL(mix1_bf16, 2, 3, LIST(B, B), LIST(IN, OUT), NULL)
KERNEL(mix2_bf16, 3, 4, LIST(B, B, B), LIST(IN, IN, OUT), NULL)
KERNEL(mix3_bf16, 4, 5, LIST(B, B, B, B), LIST(IN, IN, IN, OUT), NULL)
KERNEL(two_f32, 4, 5, LIST(F, F, F, F), LIST(IN, IN, OUT, OUT), NULL)
KERNEL(two_bf16, 4, 5, LIST(B, B, B, F), LIST(IN, IN, OUT, OUT), NULL)
KERNEL(sum_f32, 3, 5, LIST(F, F, F), LIST(IN, IN, ACC), NULL)
KERNEL(sum_bf16, 3, 5, LIST(B, B, F), LIST(IN, IN, ACC), NULL)
KERNEL(put_f32, 2, 5, LIST(F, F), LIST(IN, OUT), NULL)
KERNEL(put_bf16, 2, 5, LIST(B, B), LIST(IN, OUT), NULL)
KERNEL(take_f32, 2, 5, LIST(F, F), LIST(IN, OUT), NULL)
KERNEL(take_bf16, 2, 5, LIST(B, B), LIST(IN, OUT), NULL)
KERNEL(nt, 4, 7, LIST(F, F, F, F), LIST(IN, IN, OUT, IN), turns_second)
KERNEL(nn, 3, 8, LIST(F, F, F), LIST(IN, IN, ACC), turns_second)
KERNEL(tn, 3, 8, LIST(F, F, F), LIST(IN, IN, ACC), turns_first)
KERNEL(lookup, 4, 10, LIST(F, I, F, F), LIST(IN, IN, IN, ACC), NULL)
KERNEL(lookup_dx, 5, 10, LIST(F, F, I, I, F), LIST(IN, IN, IN, IN, ACC),
       turns_fifth)
KERNEL(zero, 1, 2, LIST(F), LIST(ACC), NULL)
KERNEL(tally, 2, 2, LIST(F, F), LIST(IN, ACC), NULL)

#define ACT QVL_CLS_ACT
#define C32 QVL_CLS_F32
#define NO_ACC {255, 255, 255, 255}
#define VECTOR(i) {.rank = 1, .dim = {i}}

const qvl_kernel_family fake_mix[4] = {
    {.op = "mix0", .n_bufs = 1, .n_args = 2, .cls = {ACT}, .writes = 1,
     .acc_arg = NO_ACC, .operand = {VECTOR(0)},
     .form = {&k_mix0_f32, &k_mix0_bf16}},
    {.op = "mix1", .n_bufs = 2, .n_args = 3, .cls = {ACT, ACT}, .reads = 1,
     .writes = 2, .acc_arg = NO_ACC, .operand = {VECTOR(0), VECTOR(1)},
     .form = {&k_mix1_f32, &k_mix1_bf16}},
    {.op = "mix2", .n_bufs = 3, .n_args = 4, .cls = {ACT, ACT, ACT},
     .reads = 3, .writes = 4, .acc_arg = NO_ACC,
     .operand = {VECTOR(0), VECTOR(1), VECTOR(2)},
     .form = {&k_mix2_f32, &k_mix2_bf16}},
    {.op = "mix3", .n_bufs = 4, .n_args = 5, .cls = {ACT, ACT, ACT, ACT},
     .reads = 7, .writes = 8, .acc_arg = NO_ACC,
     .operand = {VECTOR(0), VECTOR(1), VECTOR(2), VECTOR(3)},
     .form = {&k_mix3_f32, &k_mix3_bf16}},
};

const qvl_kernel_family fake_two = {
    .op = "two", .n_bufs = 4, .n_args = 5, .cls = {ACT, ACT, ACT, C32},
    .reads = 3, .writes = 12, .acc_arg = NO_ACC,
    .operand = {VECTOR(0), VECTOR(1), VECTOR(2), VECTOR(3)},
    .form = {&k_two_f32, &k_two_bf16},
};

const qvl_kernel_family fake_sum = {
    .op = "sum", .n_bufs = 3, .n_args = 5, .cls = {ACT, ACT, C32},
    .reads = 3, .writes = 4, .adds = 4, .acc_arg = {255, 255, 4},
    .operand = {VECTOR(0), VECTOR(1), VECTOR(2)},
    .form = {&k_sum_f32, &k_sum_bf16},
};

/* Operand [rows a, cols b], dense, or with its offset at argument o. */
#define MATRIX(a, b) {.rank = 2, .dim = {a, b}}
#define SLICE(a, b, o) {.rank = 2, .dim = {a, b}, .off_arg = o}

const qvl_kernel_family fake_put = {
    .op = "put", .n_bufs = 2, .n_args = 5, .cls = {ACT, ACT}, .reads = 1,
    .writes = 2, .acc_arg = NO_ACC, .operand = {MATRIX(0, 1), SLICE(0, 1, 2)},
    .form = {&k_put_f32, &k_put_bf16},
};

const qvl_kernel_family fake_take = {
    .op = "take", .n_bufs = 2, .n_args = 5, .cls = {ACT, ACT}, .reads = 1,
    .writes = 2, .acc_arg = NO_ACC, .operand = {SLICE(0, 1, 2), MATRIX(0, 1)},
    .form = {&k_take_f32, &k_take_bf16},
};

const qvl_kernel_family fake_nt = {
    .op = "matmul_nt", .n_bufs = 4, .n_args = 7, .cls = {ACT, ACT, ACT, C32},
    .reads = 11, .writes = 4, .acc_arg = NO_ACC,
    .operand = {SLICE(0, 1, 3), MATRIX(2, 1), SLICE(0, 2, 5), VECTOR(2)},
    .cut = {{.dim_arg = 0}, {.dim_arg = 2}}, .n_cuts = 2, .form = {&k_nt},
};

const qvl_kernel_family fake_nn = {
    .op = "matmul_nn", .n_bufs = 3, .n_args = 8, .cls = {ACT, ACT, ACT},
    .reads = 3, .writes = 4, .adds = 4, .acc_arg = {255, 255, 7},
    .operand = {SLICE(0, 1, 3), MATRIX(1, 2), SLICE(0, 2, 5)},
    .cut = {{.dim_arg = 0}, {.dim_arg = 1}}, .n_cuts = 2, .form = {&k_nn},
};

const qvl_kernel_family fake_tn = {
    .op = "matmul_tn", .n_bufs = 3, .n_args = 8, .cls = {ACT, ACT, C32},
    .reads = 3, .writes = 4, .adds = 4, .acc_arg = {255, 255, 7},
    .operand = {SLICE(0, 1, 3), SLICE(0, 2, 5), MATRIX(1, 2)},
    .cut = {{.dim_arg = 0}, {.dim_arg = 1}}, .n_cuts = 2, .form = {&k_tn},
};

const qvl_kernel_family fake_lookup = {
    .op = "lookup", .n_bufs = 4, .n_args = 10,
    .cls = {ACT, QVL_CLS_I32, C32, ACT}, .reads = 7, .writes = 8, .adds = 8,
    .acc_arg = {255, 255, 255, 9},
    .operand = {SLICE(0, 1, 4), MATRIX(2, 3), MATRIX(2, 3), SLICE(2, 1, 6)},
    .cut = {{.dim_arg = 2}, {.dim_arg = 0, .first_arg = 8}}, .n_cuts = 2,
    .form = {&k_lookup},
};

const qvl_kernel_family fake_lookup_dx = {
    .op = "lookup_dx", .n_bufs = 5, .n_args = 10,
    .cls = {ACT, C32, QVL_CLS_I32, QVL_CLS_I32, C32}, .reads = 15,
    .writes = 16, .adds = 16, .acc_arg = {255, 255, 255, 255, 9},
    .operand = {SLICE(0, 1, 6), MATRIX(0, 2), VECTOR(3), VECTOR(4),
                MATRIX(5, 1)},
    .cut = {{.dim_arg = 5, .edge_arg = 3}, {.dim_arg = 4, .first_arg = 8}},
    .n_cuts = 2,
    .form = {&k_lookup_dx},
};

const qvl_kernel_family qvl_family_zero = {
    .op = "zero", .n_bufs = 1, .n_args = 2, .cls = {C32}, .writes = 1,
    .adds = 1, .acc_arg = {1}, .operand = {VECTOR(0)},
    .cut = {{.dim_arg = 0}}, .n_cuts = 1, .form = {&k_zero, &k_zero, &k_zero},
};

const qvl_kernel_family qvl_family_tally = {
    .op = "tally", .n_bufs = 2, .n_args = 2, .cls = {C32, C32}, .reads = 1,
    .writes = 2, .adds = 2, .acc_arg = {255, 1},
    .operand = {VECTOR(0), VECTOR(0)}, .form = {&k_tally, &k_tally, &k_tally},
};

/* ---- what the generator writes in a product ---- */

static const char *const type_names[] = {"alpha", "alpha_old", "beta"};

static const qvl_arch_dim alpha_dims[] = {
    {.name = "T", .type = QVL_DIM_INT, .source = QVL_DIM_BATCH},
    {.name = "C", .source = QVL_DIM_CONFIG, .key = "text.width"},
};

static const qvl_arch_input alpha_inputs[] = {
    {"token", QVL_INPUT_INDEX, -1},
    {"token.weight", QVL_INPUT_WEIGHT, 0},
};

static const qvl_arch alpha = {
    .name = "first", .model_type = type_names, .n_model_types = 2,
    .dim = alpha_dims, .n_dims = 2, .input = alpha_inputs, .n_inputs = 2,
};

static const qvl_arch beta = {
    .name = "second", .model_type = &type_names[2], .n_model_types = 1,
};

const qvl_arch *const qvl_generated_archs[] = {&alpha, &beta};
const int qvl_n_generated_archs = 2;
