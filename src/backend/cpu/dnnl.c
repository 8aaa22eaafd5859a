/* dnnl.c - products by oneDNN
 *
 *     matmul_nt   y[m, n] = sum_k x[m, k] w[n, k]
 *     matmul_nn   y[m, n] = sum_k x[m, k] w[k, n]
 *     matmul_tn   z[m, n] = sum_k x[k, m] y[k, n]
 *
 * All three are one matrix product with other strides. It is cut into blocks
 * that threads take from a shared counter (dnnl_block.h); within a block oneDNN
 * runs on the thread that calls it.
 *
 * Taken are operands of f32 and bf16 in any mixture. Products that are thin or
 * tiny, and f16, whose conversion is slow here, are left to the C kernel.
 */
#include "backend/cpu/dnnl_block.h"
#include "backend/cpu/library.h"
#include "base/arena.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/internal.h"
#include "signatures.h"
#include "tensor/dtype.h"

/* Below this many multiplications the calls cost more than they save. */
#define LIBRARY_FROM_MULS ((size_t)32 * 32 * 32)

/* Copying an operand pays where each element is used this often. */
#define COPY_FROM_USES 32

/* Waking threads pays from here on. */
#define PARALLEL_FROM_MULS ((size_t)1 << 19)

/* Blocks a thread takes on average, and the sides below which a block is not
 * cut to get there. */
#define BLOCKS_PER_THREAD 2
#define BLOCK_SIDE_LEAST 96

/* oneDNN's blocks in registers: sides of a block are multiples of it. */
#define BLOCK_SIDE_STEP 24

struct qvl_library {
    int n_threads;
    // owned
    dnnl_engine_t engine;
    worker workers[];  // [n_threads]
};

static int fail_status(const char *name, const char *what, int status,
                       qvl_err *err)
{
    int code = status == dnnl_out_of_memory ? QVL_E_MEMORY : QVL_E_INTERNAL;
    return qvl_fail(err, code, "oneDNN (kernel %s): %s failed with status %d",
                    name, what, status);
}

static void library_close(qvl_library *lib)
{
    if (lib == NULL)
        return;
    for (int i = 0; i < lib->n_threads; i++)
        qvl_worker_close(&lib->workers[i]);
    if (lib->engine != NULL)
        dnnl_engine_destroy(lib->engine);
    free(lib);
}

static int library_open(qvl_library **out, int n_threads, qvl_err *err)
{
    *out = NULL;
    if (qvl_env_is_on("QVL_NO_ONEDNN"))
        return QVL_OK;
    qvl_library *lib = qvl_memory_zeroed(
        1, sizeof *lib + (size_t)n_threads * sizeof *lib->workers);
    lib->n_threads = n_threads;
    int status = dnnl_engine_create(&lib->engine, dnnl_cpu, 0);
    for (int i = 0; i < n_threads && status == dnnl_success; i++)
        status = qvl_worker_open(&lib->workers[i], lib->engine);
    if (status != dnnl_success) {
        library_close(lib);
        return fail_status("none", "start", status, err);
    }
    *out = lib;
    return QVL_OK;
}

/* oneDNN takes the number of its threads from OpenMP's setting of the calling
 * thread, which belongs to the program: put it back afterwards. */
static int enter_single(void)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    return before;
}

/* Where the kernel's signature has what a product is made of. */
typedef struct {
    const char *op;
    int m, n, depth;         // arguments
    int left, right;         // buffers
    int off, ld;             // arguments of left
    int right_off, right_ld; // of right, IS_WHOLE: its rows lie one behind the other
    bool turns_left;         // lies as [depth, m]
    bool turns_right;        // lies as [n, depth]
} layout;

#define IS_WHOLE (-1)

static const layout layouts[] = {
    { .op = "matmul_nt", .left = QVL_MATMUL_NT_X, .right = QVL_MATMUL_NT_W,
      .m = QVL_MATMUL_NT_ARG_ROWS, .n = QVL_MATMUL_NT_ARG_N,
      .depth = QVL_MATMUL_NT_ARG_K, .off = QVL_MATMUL_NT_ARG_OFF_X,
      .ld = QVL_MATMUL_NT_ARG_LD_X, .right_off = IS_WHOLE,
      .right_ld = IS_WHOLE, .turns_right = true },
    { .op = "matmul_nn", .left = QVL_MATMUL_NN_X, .right = QVL_MATMUL_NN_W,
      .m = QVL_MATMUL_NN_ARG_ROWS, .n = QVL_MATMUL_NN_ARG_K,
      .depth = QVL_MATMUL_NN_ARG_N, .off = QVL_MATMUL_NN_ARG_OFF_X,
      .ld = QVL_MATMUL_NN_ARG_LD_X, .right_off = IS_WHOLE,
      .right_ld = IS_WHOLE },
    { .op = "matmul_tn", .left = QVL_MATMUL_TN_X, .right = QVL_MATMUL_TN_Y,
      .m = QVL_MATMUL_TN_ARG_N, .n = QVL_MATMUL_TN_ARG_K,
      .depth = QVL_MATMUL_TN_ARG_ROWS, .off = QVL_MATMUL_TN_ARG_OFF_X,
      .ld = QVL_MATMUL_TN_ARG_LD_X, .right_off = QVL_MATMUL_TN_ARG_OFF_Y,
      .right_ld = QVL_MATMUL_TN_ARG_LD_Y, .turns_left = true },
};

/* NULL: the kernel is none of the three. */
static const layout *find_layout(const char *op)
{
    for (size_t i = 0; i < QVL_COUNT(layouts); i++)
        if (strcmp(layouts[i].op, op) == 0)
            return &layouts[i];
    return NULL;
}

/* A matrix whose rows begin `ld` elements from each other, behind `off` of them. */
static operand operand_at(const qvl_product *p, int buf, uint32_t off,
                          uint32_t ld, bool turns)
{
    int type = p->k->dtype[buf];
    const char *at = (const char *)p->buf[buf] + off * qvl_dtype_bytes(type);
    return (operand){ at, type, turns ? 1 : ld, turns ? ld : 1 };
}

static void place(qvl_product *p, const layout *l)
{
    const uint32_t *arg = p->arg;
    p->m = arg[l->m];
    p->n = arg[l->n];
    p->depth = arg[l->depth];
    bool is_whole = l->right_ld == IS_WHOLE;
    uint32_t row = arg[l->turns_right ? l->depth : l->n];
    p->a = operand_at(p, l->left, arg[l->off], arg[l->ld], l->turns_left);
    p->b = operand_at(p, l->right, is_whole ? 0 : arg[l->right_off],
                      is_whole ? row : arg[l->right_ld], l->turns_right);
}

static bool is_taken(int dtype)
{
    return dtype == QVL_F32 || dtype == QVL_BF16;
}

/* n in equal parts of at most `most`: the size of a part. */
static dnnl_dim_t part_of(dnnl_dim_t n, dnnl_dim_t most)
{
    dnnl_dim_t n_parts = (n + most - 1) / most;
    dnnl_dim_t size = (n + n_parts - 1) / n_parts;
    size = (size + BLOCK_SIDE_STEP - 1) / BLOCK_SIDE_STEP * BLOCK_SIDE_STEP;
    size = size < most ? size : most;
    return size < n ? size : n;
}

/* As large as they may be, then smaller until there are enough of them to
 * share. */
static void choose_blocks(qvl_product *p, dnnl_dim_t most_rows)
{
    dnnl_dim_t rows = most_rows;
    dnnl_dim_t cols = BLOCK_COLS;
    size_t wanted = p->n_threads > 1
        ? (size_t)p->n_threads * BLOCKS_PER_THREAD : 1;
    for (;;) {
        p->block_rows = part_of(p->m, rows);
        p->block_cols = part_of(p->n, cols);
        rows = p->block_rows;
        cols = p->block_cols;
        bool cuts_rows = rows > cols;
        if (qvl_product_n_blocks(p) >= wanted
            || (cuts_rows ? rows : cols) < 2 * BLOCK_SIDE_LEAST)
            return;
        if (cuts_rows)
            rows = (rows + 1) / 2;
        else
            cols = (cols + 1) / 2;
    }
}

static void product_close(qvl_product *p)
{
    if (p == NULL)
        return;
    qvl_product_forget(p);
    free(p);
}

/* Blocks, and code for them where the processor multiplies the operands' type
 * faster than f32. */
static int prepare(qvl_product *p)
{
    if (p->a.dtype == QVL_BF16 && p->b.dtype == QVL_BF16) {
        choose_blocks(p, DIRECT_ROWS);
        int before = enter_single();
        int status = qvl_product_compile(p);
        omp_set_num_threads(before);
        if (status != dnnl_success || p->is_direct)
            return status;
    }
    choose_blocks(p, GATHERED_ROWS);
    return dnnl_success;
}

/* Does the library pay? Copies do where each element is used often. */
static bool is_worth_it(const qvl_product *p)
{
    return p->is_direct || (p->m >= COPY_FROM_USES && p->n >= COPY_FROM_USES);
}

static int product_open(qvl_product **out, qvl_library *lib,
                        const qvl_kernel *k, qvl_store_fn *store,
                        void *const *buf, const uint32_t *arg, uint32_t from,
                        qvl_err *err)
{
    *out = NULL;
    const layout *l = find_layout(k->op);
    if (l == NULL || !is_taken(k->dtype[l->left])
        || !is_taken(k->dtype[l->right]))
        return QVL_OK;
    qvl_product *p = qvl_memory_zeroed(1, sizeof *p);
    p->engine = lib->engine;
    p->workers = lib->workers;
    p->k = k;
    p->store = store;
    memcpy(p->buf, buf, (size_t)k->n_bufs * sizeof *buf);
    memcpy(p->arg, arg, (size_t)k->n_args * sizeof *arg);
    place(p, l);
    size_t n_muls = (size_t)p->m * (size_t)p->n * (size_t)p->depth;
    if (n_muls < LIBRARY_FROM_MULS || p->m < (dnnl_dim_t)from
        || p->n < (dnnl_dim_t)from) {
        free(p);
        return QVL_OK;
    }
    p->n_threads = n_muls < PARALLEL_FROM_MULS ? 1 : lib->n_threads;
    int status = prepare(p);
    if (status == dnnl_success && is_worth_it(p))
        *out = p;
    else
        product_close(p);
    return status == dnnl_success
        ? QVL_OK : fail_status(k->name, "preparation", status, err);
}

static uint32_t product_n_blocks(const qvl_product *p)
{
    return (uint32_t)qvl_product_n_blocks(p);
}

static void product_block(qvl_product *p, int thread, uint32_t i)
{
    int status = qvl_product_block(p, &p->workers[thread], i);
    if (status != dnnl_success)
        atomic_store(&p->status, status);
}

static int product_result(qvl_product *p, qvl_err *err)
{
    int status = atomic_exchange(&p->status, dnnl_success);
    return status == dnnl_success
        ? QVL_OK : fail_status(p->k->name, "product", status, err);
}

const qvl_library_table qvl_library_onednn = {
    .name = "oneDNN",
    .open = library_open,
    .close = library_close,
    .product_open = product_open,
    .product_close = product_close,
    .product_n_blocks = product_n_blocks,
    .product_block = product_block,
    .product_result = product_result,
    .time = qvl_dnnl_time,
};
