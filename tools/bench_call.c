/* bench_call.c - sizes of buffers and values of arguments, by kernel and shape */
#include "bench_call.h"

#include <assert.h>
#include <string.h>

#include "graph/program.h"
#include "signatures.h"
#include "tensor/dtype.h"

/* What a buffer holds. Of a product of m rows, n columns and depth k; of attention
 * with as many heads of keys as of queries. */
typedef enum {
    LEFT,      // [m, k]
    RIGHT,     // [n, k]
    RESULT,    // [m, n]
    SUM,       // [m, n] f32
    VECTORS,   // [tokens, heads, size of a head]
    STATS,     // [tokens, heads] f32
    RANGES,    // [tokens, QVL_N_RANGE] i32
} content;

/* What an argument is. Those of a table that are not named are offsets, and acc. */
typedef enum { ZERO, M, N, K, TOKENS, HEADS, SIZE, ROW, SCALE } meaning;

typedef struct {
    const char *op;
    int n_bufs, n_args;
    content buf[QVL_KERNEL_MAX_BUFS];
    meaning arg[QVL_KERNEL_MAX_ARGS];
} layout;

static const layout layouts[] = {
    { .op = "matmul_nt",
      .n_bufs = QVL_MATMUL_NT_N_BUFS, .n_args = QVL_MATMUL_NT_N_ARGS,
      .buf = { [QVL_MATMUL_NT_X] = LEFT, [QVL_MATMUL_NT_W] = RIGHT,
               [QVL_MATMUL_NT_Y] = RESULT },
      .arg = { [QVL_MATMUL_NT_ARG_ROWS] = M, [QVL_MATMUL_NT_ARG_N] = N,
               [QVL_MATMUL_NT_ARG_K] = K, [QVL_MATMUL_NT_ARG_LD_X] = K,
               [QVL_MATMUL_NT_ARG_LD_Y] = N } },
    { .op = "matmul_nn",
      .n_bufs = QVL_MATMUL_NN_N_BUFS, .n_args = QVL_MATMUL_NN_N_ARGS,
      .buf = { [QVL_MATMUL_NN_X] = LEFT, [QVL_MATMUL_NN_W] = RIGHT,
               [QVL_MATMUL_NN_Y] = RESULT },
      .arg = { [QVL_MATMUL_NN_ARG_ROWS] = M, [QVL_MATMUL_NN_ARG_K] = N,
               [QVL_MATMUL_NN_ARG_N] = K, [QVL_MATMUL_NN_ARG_LD_X] = K,
               [QVL_MATMUL_NN_ARG_LD_Y] = N } },
    { .op = "matmul_tn",
      .n_bufs = QVL_MATMUL_TN_N_BUFS, .n_args = QVL_MATMUL_TN_N_ARGS,
      .buf = { [QVL_MATMUL_TN_X] = LEFT, [QVL_MATMUL_TN_Y] = RIGHT,
               [QVL_MATMUL_TN_Z] = SUM },
      .arg = { [QVL_MATMUL_TN_ARG_N] = M, [QVL_MATMUL_TN_ARG_K] = N,
               [QVL_MATMUL_TN_ARG_ROWS] = K, [QVL_MATMUL_TN_ARG_LD_X] = M,
               [QVL_MATMUL_TN_ARG_LD_Y] = N } },
    { .op = "attention",
      .n_bufs = QVL_ATTENTION_N_BUFS, .n_args = QVL_ATTENTION_N_ARGS,
      .buf = { [QVL_ATTENTION_Q] = VECTORS, [QVL_ATTENTION_K] = VECTORS,
               [QVL_ATTENTION_V] = VECTORS, [QVL_ATTENTION_RANGE] = RANGES,
               [QVL_ATTENTION_O] = VECTORS, [QVL_ATTENTION_LSE] = STATS },
      .arg = { [QVL_ATTENTION_ARG_T] = TOKENS, [QVL_ATTENTION_ARG_H] = HEADS,
               [QVL_ATTENTION_ARG_D] = SIZE, [QVL_ATTENTION_ARG_G] = HEADS,
               [QVL_ATTENTION_ARG_LD_Q] = ROW, [QVL_ATTENTION_ARG_LD_K] = ROW,
               [QVL_ATTENTION_ARG_LD_V] = ROW, [QVL_ATTENTION_ARG_LD_O] = ROW,
               [QVL_ATTENTION_ARG_SCALE] = SCALE } },
    { .op = "attention_dq",
      .n_bufs = QVL_ATTENTION_DQ_N_BUFS, .n_args = QVL_ATTENTION_DQ_N_ARGS,
      .buf = { [QVL_ATTENTION_DQ_Q] = VECTORS, [QVL_ATTENTION_DQ_K] = VECTORS,
               [QVL_ATTENTION_DQ_V] = VECTORS, [QVL_ATTENTION_DQ_RANGE] = RANGES,
               [QVL_ATTENTION_DQ_DY] = VECTORS, [QVL_ATTENTION_DQ_LSE] = STATS,
               [QVL_ATTENTION_DQ_DELTA] = STATS, [QVL_ATTENTION_DQ_DQ] = VECTORS },
      .arg = { [QVL_ATTENTION_DQ_ARG_T] = TOKENS, [QVL_ATTENTION_DQ_ARG_H] = HEADS,
               [QVL_ATTENTION_DQ_ARG_D] = SIZE, [QVL_ATTENTION_DQ_ARG_G] = HEADS,
               [QVL_ATTENTION_DQ_ARG_LD_Q] = ROW, [QVL_ATTENTION_DQ_ARG_LD_K] = ROW,
               [QVL_ATTENTION_DQ_ARG_LD_V] = ROW, [QVL_ATTENTION_DQ_ARG_LD_DY] = ROW,
               [QVL_ATTENTION_DQ_ARG_LD_DQ] = ROW,
               [QVL_ATTENTION_DQ_ARG_SCALE] = SCALE } },
    { .op = "attention_dkv",
      .n_bufs = QVL_ATTENTION_DKV_N_BUFS, .n_args = QVL_ATTENTION_DKV_N_ARGS,
      .buf = { [QVL_ATTENTION_DKV_Q] = VECTORS, [QVL_ATTENTION_DKV_K] = VECTORS,
               [QVL_ATTENTION_DKV_V] = VECTORS, [QVL_ATTENTION_DKV_RANGE] = RANGES,
               [QVL_ATTENTION_DKV_DY] = VECTORS, [QVL_ATTENTION_DKV_LSE] = STATS,
               [QVL_ATTENTION_DKV_DELTA] = STATS, [QVL_ATTENTION_DKV_DK] = VECTORS,
               [QVL_ATTENTION_DKV_DV] = VECTORS },
      .arg = { [QVL_ATTENTION_DKV_ARG_T] = TOKENS, [QVL_ATTENTION_DKV_ARG_H] = HEADS,
               [QVL_ATTENTION_DKV_ARG_D] = SIZE, [QVL_ATTENTION_DKV_ARG_G] = HEADS,
               [QVL_ATTENTION_DKV_ARG_LD_Q] = ROW, [QVL_ATTENTION_DKV_ARG_LD_K] = ROW,
               [QVL_ATTENTION_DKV_ARG_LD_V] = ROW, [QVL_ATTENTION_DKV_ARG_LD_DY] = ROW,
               [QVL_ATTENTION_DKV_ARG_LD_DK] = ROW, [QVL_ATTENTION_DKV_ARG_LD_DV] = ROW,
               [QVL_ATTENTION_DKV_ARG_SCALE] = SCALE } },
};

static size_t bytes_of(content what, const uint32_t *dim, int dtype)
{
    size_t pairs = (size_t)dim[0] * dim[1];
    size_t n = what == LEFT      ? (size_t)dim[0] * dim[2]
               : what == RIGHT   ? (size_t)dim[1] * dim[2]
               : what == VECTORS ? pairs * dim[2]
               : what == RANGES  ? (size_t)dim[0] * QVL_N_RANGE
                                 : pairs;
    return n * qvl_dtype_bytes(dtype);
}

bench_call bench_call_of(const bench_shape *shape, int dtype)
{
    const uint32_t *dim = shape->dim;
    const uint32_t value[] = {
        [ZERO] = 0, [M] = dim[0], [N] = dim[1], [K] = dim[2],
        [TOKENS] = dim[0], [HEADS] = dim[1], [SIZE] = dim[2],
        [ROW] = dim[1] * dim[2], [SCALE] = qvl_f32_arg(0.1) };
    size_t i = 0;
    while (i < QVL_COUNT(layouts) && strcmp(layouts[i].op, shape->op) != 0)
        i++;
    assert(i < QVL_COUNT(layouts));
    const layout *l = &layouts[i];
    bench_call call = { .n_bufs = l->n_bufs, .range_buf = -1 };
    for (int b = 0; b < l->n_bufs; b++) {
        content what = l->buf[b];
        call.dtype[b] = what == SUM || what == STATS ? QVL_F32
                        : what == RANGES             ? QVL_I32
                                                     : dtype;
        call.bytes[b] = bytes_of(what, dim, call.dtype[b]);
        if (what == RANGES)
            call.range_buf = b;
    }
    for (int a = 0; a < l->n_args; a++)
        call.arg[a] = value[l->arg[a]];
    return call;
}

double bench_call_bytes(const bench_call *call)
{
    double all = 0.0;
    for (int b = 0; b < call->n_bufs; b++)
        all += (double)call->bytes[b];
    return all;
}
