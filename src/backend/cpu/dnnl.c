/* dnnl.c - products by oneDNN
 *
 *     matmul_nt   y[m, n] = sum_k x[m, k] w[n, k]
 *     matmul_nn   y[m, n] = sum_k x[m, k] w[k, n]
 *     matmul_tn   z[m, n] = sum_k x[k, m] y[k, n]
 *
 * All three are one matrix product with other strides. It is computed a block
 * of rows and columns at a time into f32 scratch, and the kernel's store
 * function takes each block from there while it is still in the cache.
 *
 * Taken are f32 and bf16 operands of one type, where oneDNN has more than its
 * reference code for them on this processor; the rest is left to the C kernel.
 * oneDNN itself keeps compiled code by shape, so that preparing the same
 * product again costs some microseconds.
 */
#include "backend/cpu/library.h"

#include <dnnl.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend/internal.h"
#include "tensor/dtype.h"

/* A block of the product: 16 MiB of scratch, which a shared cache holds. */
#define BLOCK_ROWS 1024
#define BLOCK_COLS 4096

/* Below this many multiplications the calls cost more than they save. */
#define LIBRARY_FROM_MULS ((size_t)32 * 32 * 32)

/* Waking threads for a store pays from here on. */
#define PARALLEL_FROM_ELEMS ((size_t)8 << 10)

struct qvl_library {
    int n_threads;
    // owned
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    float *scratch;  // [BLOCK_ROWS * BLOCK_COLS]
};

/* A matrix of operands: element (r, c) at r * row + c * col. */
typedef struct {
    char *p;
    dnnl_dim_t row, col;
} operand;

/* One shape of block: the full one, or what is left at an edge. */
typedef struct {
    dnnl_primitive_t run;
    dnnl_memory_t a, b, c;
} block;

struct qvl_product {
    // borrowed
    qvl_library *lib;
    const qvl_kernel *k;
    qvl_store_fn *store;
    // owned
    block blocks[2][2];  // [short of rows][short of columns]; made when met
    size_t elem_bytes;
    dnnl_data_type_t type;
    operand a;           // [m, k]
    operand b;           // [k, n]
    dnnl_dim_t m, n, depth;
    void *buf[QVL_KERNEL_MAX_BUFS];
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
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
    if (lib->stream != NULL)
        dnnl_stream_destroy(lib->stream);
    if (lib->engine != NULL)
        dnnl_engine_destroy(lib->engine);
    free(lib->scratch);
    free(lib);
}

static int library_open(qvl_library **out, int n_threads, qvl_err *err)
{
    if (qvl_env_is_on("QVL_NO_ONEDNN")) {
        *out = NULL;
        return QVL_OK;
    }
    qvl_library *lib = calloc(1, sizeof *lib);
    if (lib == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "oneDNN: no memory");
    lib->n_threads = n_threads;
    size_t bytes = (size_t)BLOCK_ROWS * BLOCK_COLS * sizeof(float);
    lib->scratch = aligned_alloc(64, bytes);
    int rc = QVL_OK;
    int status = dnnl_engine_create(&lib->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status = dnnl_stream_create(&lib->stream, lib->engine,
                                    dnnl_stream_default_flags);
    if (lib->scratch == NULL)
        rc = qvl_fail(err, QVL_E_MEMORY, "oneDNN: no memory for scratch");
    else if (status != dnnl_success)
        rc = fail_status("none", "start", status, err);
    if (rc == QVL_OK)
        *out = lib;
    else
        library_close(lib);
    return rc;
}

/* oneDNN takes the number of threads from OpenMP's setting of the calling
 * thread, which belongs to the program: put it back afterwards. */
static int enter_threads(int n_threads)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(n_threads);
    return before;
}

/* Where the operands are, from the kernel's signature: three dims, then offset
 * and row stride of each operand that may be a column slice. False when the
 * operation is none of the three. */
static bool place(qvl_product *p)
{
    const uint32_t *arg = p->arg;
    const char *op = p->k->op;
    char *x = (char *)p->buf[0] + arg[3] * p->elem_bytes;
    char *w = p->buf[1];
    dnnl_dim_t ld_x = arg[4];
    bool is_nt = strcmp(op, "matmul_nt") == 0;
    bool is_nn = strcmp(op, "matmul_nn") == 0;
    bool is_tn = strcmp(op, "matmul_tn") == 0;
    if (!is_nt && !is_nn && !is_tn)
        return false;

    p->n = arg[2];
    if (is_tn) {
        p->depth = arg[0];
        p->m = arg[1];
        p->a = (operand){ x, 1, ld_x };
        p->b = (operand){ w + arg[5] * p->elem_bytes, arg[6], 1 };
        return true;
    }
    p->m = arg[0];
    p->depth = arg[1];
    p->a = (operand){ x, ld_x, 1 };
    if (is_nt)
        p->b = (operand){ w, 1, p->depth };
    else
        p->b = (operand){ w, p->n, 1 };
    return true;
}

static bool type_of(const qvl_kernel *k, dnnl_data_type_t *type)
{
    if (k->dtype[0] != k->dtype[1])
        return false;
    *type = k->dtype[0] == QVL_BF16 ? dnnl_bf16 : dnnl_f32;
    return k->dtype[0] == QVL_F32 || k->dtype[0] == QVL_BF16;
}

static dnnl_dim_t block_size(dnnl_dim_t n, dnnl_dim_t full)
{
    return n < full ? n : full;
}

static int make_memory(dnnl_memory_t *memory, dnnl_memory_desc_t *desc,
                       const qvl_product *p, dnnl_data_type_t type,
                       dnnl_dim_t rows, dnnl_dim_t cols, dnnl_dim_t row,
                       dnnl_dim_t col)
{
    dnnl_dims_t dims = { rows, cols };
    dnnl_dims_t strides = { row, col };
    int status = dnnl_memory_desc_init_by_strides(desc, 2, dims, type,
                                                  strides);
    if (status != dnnl_success)
        return status;
    return dnnl_memory_create(memory, desc, p->lib->engine, NULL);
}

/* The compiled product of a block shape; `run` stays NULL where oneDNN has
 * nothing but its reference code. */
static int make_primitive(block *b, const qvl_product *p,
                          const dnnl_memory_desc_t desc[3])
{
    dnnl_matmul_desc_t matmul;
    int status = dnnl_matmul_desc_init(&matmul, &desc[0], &desc[1], NULL,
                                       &desc[2]);
    if (status != dnnl_success)
        return status;
    dnnl_primitive_desc_t pd;
    status = dnnl_primitive_desc_create(&pd, &matmul, NULL, p->lib->engine,
                                        NULL);
    if (status == dnnl_unimplemented)
        return dnnl_success;
    if (status != dnnl_success)
        return status;
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    if (strncmp(name, "ref", 3) != 0)
        status = dnnl_primitive_create(&b->run, pd);
    dnnl_primitive_desc_destroy(pd);
    return status;
}

static int make_block(block *b, const qvl_product *p, dnnl_dim_t rows,
                      dnnl_dim_t cols)
{
    dnnl_memory_desc_t desc[3];
    int status = make_memory(&b->a, &desc[0], p, p->type, rows, p->depth,
                             p->a.row, p->a.col);
    if (status == dnnl_success)
        status = make_memory(&b->b, &desc[1], p, p->type, p->depth, cols,
                             p->b.row, p->b.col);
    if (status == dnnl_success)
        status = make_memory(&b->c, &desc[2], p, dnnl_f32, rows, cols, cols,
                             1);
    if (status == dnnl_success)
        status = make_primitive(b, p, desc);
    return status;
}

/* Prepare the shapes of block that the product has: at most four. */
static int make_blocks(qvl_product *p)
{
    for (int short_rows = 0; short_rows < 2; short_rows++)
        for (int short_cols = 0; short_cols < 2; short_cols++) {
            dnnl_dim_t rows = short_rows ? p->m % BLOCK_ROWS
                                         : p->m / BLOCK_ROWS * BLOCK_ROWS;
            dnnl_dim_t cols = short_cols ? p->n % BLOCK_COLS
                                         : p->n / BLOCK_COLS * BLOCK_COLS;
            if (rows == 0 || cols == 0)
                continue;
            block *b = &p->blocks[short_rows][short_cols];
            int status = make_block(b, p, block_size(rows, BLOCK_ROWS),
                                    block_size(cols, BLOCK_COLS));
            if (status != dnnl_success)
                return status;
        }
    return dnnl_success;
}

static void product_close(qvl_product *p)
{
    if (p == NULL)
        return;
    for (int i = 0; i < 4; i++) {
        block *b = &p->blocks[i / 2][i % 2];
        if (b->run != NULL)
            dnnl_primitive_destroy(b->run);
        dnnl_memory_t memories[] = { b->a, b->b, b->c };
        for (int j = 0; j < 3; j++)
            if (memories[j] != NULL)
                dnnl_memory_destroy(memories[j]);
    }
    free(p);
}

/* Does every shape that occurs have compiled code? */
static bool is_ready(const qvl_product *p)
{
    for (int i = 0; i < 4; i++) {
        const block *b = &p->blocks[i / 2][i % 2];
        if (b->a != NULL && b->run == NULL)
            return false;
    }
    return true;
}

static int product_open(qvl_product **out, qvl_library *lib,
                        const qvl_kernel *k, qvl_store_fn *store,
                        void *const *buf, const uint32_t *arg, uint32_t from,
                        qvl_err *err)
{
    dnnl_data_type_t type;
    *out = NULL;
    if (!type_of(k, &type) || k->n_args < 7)
        return QVL_OK;
    qvl_product *p = calloc(1, sizeof *p);
    if (p == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "kernel %s: no memory", k->name);
    p->lib = lib;
    p->k = k;
    p->store = store;
    p->type = type;
    p->elem_bytes = qvl_dtype_bytes(k->dtype[0]);
    memcpy(p->buf, buf, (size_t)k->n_bufs * sizeof *buf);
    memcpy(p->arg, arg, (size_t)k->n_args * sizeof *arg);

    int status = dnnl_success;
    bool taken = place(p) && p->m >= (dnnl_dim_t)from
        && p->n >= (dnnl_dim_t)from
        && (size_t)p->m * (size_t)p->n * (size_t)p->depth
               >= LIBRARY_FROM_MULS;
    if (taken) {
        int before = enter_threads(lib->n_threads);
        status = make_blocks(p);
        omp_set_num_threads(before);
        taken = status == dnnl_success && is_ready(p);
    }
    if (taken)
        *out = p;
    else
        product_close(p);
    return status == dnnl_success
        ? QVL_OK : fail_status(k->name, "preparation", status, err);
}

/* Hand a finished block to the kernel's store, strips of rows in parallel. */
static void store_block(const qvl_product *p, uint32_t r0, uint32_t rows,
                        uint32_t c0, uint32_t cols)
{
    const float *src = p->lib->scratch;
    int n_threads = (size_t)rows * cols < PARALLEL_FROM_ELEMS
        ? 1 : p->lib->n_threads;
    uint32_t strip = rows / ((uint32_t)n_threads * 4);
    strip = strip > 0 ? strip : 1;
    uint32_t n_strips = (rows - 1) / strip + 1;
    #pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads) \
        if (n_threads > 1)
    for (uint32_t i = 0; i < n_strips; i++) {
        uint32_t a = i * strip;
        uint32_t b = rows - a < strip ? rows : a + strip;
        p->store(p->buf, p->arg, src + (size_t)a * cols, cols, r0 + a,
                 r0 + b, c0, c0 + cols);
    }
}

static int run_block(const qvl_product *p, dnnl_dim_t r0, dnnl_dim_t c0)
{
    dnnl_dim_t rows = block_size(p->m - r0, BLOCK_ROWS);
    dnnl_dim_t cols = block_size(p->n - c0, BLOCK_COLS);
    const block *b = &p->blocks[rows < BLOCK_ROWS][cols < BLOCK_COLS];
    char *a_at = p->a.p + (size_t)(r0 * p->a.row) * p->elem_bytes;
    char *b_at = p->b.p + (size_t)(c0 * p->b.col) * p->elem_bytes;
    int status = dnnl_memory_set_data_handle(b->a, a_at);
    if (status == dnnl_success)
        status = dnnl_memory_set_data_handle(b->b, b_at);
    if (status == dnnl_success)
        status = dnnl_memory_set_data_handle(b->c, p->lib->scratch);
    if (status != dnnl_success)
        return status;
    dnnl_exec_arg_t args[] = {
        { DNNL_ARG_SRC, b->a },
        { DNNL_ARG_WEIGHTS, b->b },
        { DNNL_ARG_DST, b->c },
    };
    status = dnnl_primitive_execute(b->run, p->lib->stream, 3, args);
    if (status == dnnl_success)
        status = dnnl_stream_wait(p->lib->stream);
    if (status == dnnl_success)
        store_block(p, (uint32_t)r0, (uint32_t)rows, (uint32_t)c0,
                    (uint32_t)cols);
    return status;
}

static int product_run(qvl_product *p, qvl_err *err)
{
    int before = enter_threads(p->lib->n_threads);
    int status = dnnl_success;
    for (dnnl_dim_t c0 = 0; c0 < p->n; c0 += BLOCK_COLS)
        for (dnnl_dim_t r0 = 0; r0 < p->m && status == dnnl_success;
             r0 += BLOCK_ROWS)
            status = run_block(p, r0, c0);
    omp_set_num_threads(before);
    if (status != dnnl_success)
        return fail_status(p->k->name, "product", status, err);
    return QVL_OK;
}

const qvl_library_table qvl_library_onednn = {
    .name = "oneDNN",
    .open = library_open,
    .close = library_close,
    .product_open = product_open,
    .product_close = product_close,
    .product_run = product_run,
    .time = qvl_dnnl_time,
};
