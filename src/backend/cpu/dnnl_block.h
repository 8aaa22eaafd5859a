/* dnnl_block.h - blocks of a product, each computed by one thread
 *
 * A product is cut into blocks of rows and columns. A thread computes a block
 * in f32 into memory of its own and hands it to the kernel's store function
 * while it is still in its cache. So threads wait for each other once a product,
 * and one that was put aside holds up no more than a block.
 *
 * Two ways to compute a block:
 *
 *   gathered  slices of both operands are copied, widened to f32, and oneDNN
 *             adds up their products. f32 is copied where it lies badly: lines of
 *             2 or 8 KiB, which operands often have, share few sets of the cache
 *   direct    oneDNN reads the operands where they lie, by code that it compiled
 *             for their types and the block's shape
 */
#ifndef QVL_BACKEND_CPU_DNNL_BLOCK_H
#define QVL_BACKEND_CPU_DNNL_BLOCK_H

#include <dnnl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "backend/cpu/library.h"

/* At most this much of a product is one block, and of its depth one slice: sums
 * and copies together are 3 MiB a thread. What oneDNN reads itself it packs for
 * each block, so that there more rows pay. */
#define GATHERED_ROWS 512
#define DIRECT_ROWS 1024
#define BLOCK_COLS 512
#define SLICE_DEPTH 512

/* A matrix operand: element (r, c) at p + (r * row + c * col) elements. One of
 * the strides is 1. */
typedef struct {
    const char *p;
    int dtype;  // QVL_F32 or QVL_BF16
    dnnl_dim_t row, col;
} operand;

/* oneDNN's way to multiply operands of these forms: *pd is NULL where it has
 * nothing but its reference code on this processor, else the caller destroys it.
 * attr may be NULL. Returns oneDNN's status. */
int qvl_matmul_choose(dnnl_primitive_desc_t *pd, const dnnl_memory_desc_t *left,
                      const dnnl_memory_desc_t *right,
                      const dnnl_memory_desc_t *out, dnnl_primitive_attr_t attr,
                      dnnl_engine_t engine);

/* What a thread needs for itself. */
typedef struct {
    dnnl_stream_t stream;
    // owned
    float *sum;          // [DIRECT_ROWS, BLOCK_COLS]
    float *left;         // a slice of the left operand
    float *right;        // of the right one
    void *pad;           // scratch of oneDNN's compiled products
    size_t pad_bytes;
} worker;

/* Returns oneDNN's status; a worker is closed also after an error. */
int qvl_worker_open(worker *w, dnnl_engine_t engine);
void qvl_worker_close(worker *w);

/* Compiled product of one shape of block; `run` is NULL where there is none. */
typedef struct {
    dnnl_primitive_t run;
    dnnl_memory_desc_t left, right, sum, pad;
} compiled;

struct qvl_product {
    // borrowed
    dnnl_engine_t engine;
    worker *workers;     // one for each thread of the device
    const qvl_kernel *k;
    qvl_store_fn *store;
    int n_threads;       // that blocks are cut for
    operand a;           // [m, depth]
    operand b;           // [depth, n]
    dnnl_dim_t m, n, depth;
    dnnl_dim_t block_rows, block_cols;
    bool is_direct;
    atomic_int status;   // of a block that failed
    // owned
    compiled shape[2][2];  // [short of rows][short of columns]
    void *buf[QVL_KERNEL_MAX_BUFS];
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
};

/* Prepare the direct way for block_rows and block_cols and operands of one type;
 * is_direct says whether oneDNN has more than its reference code for it on this
 * processor. Call with OpenMP set to one thread. Returns oneDNN's status. */
int qvl_product_compile(qvl_product *p);
/* Drop what was compiled, also after an error. */
void qvl_product_forget(qvl_product *p);

/* Compute block number i of qvl_product_n_blocks and store it; w belongs to the
 * calling thread. Returns oneDNN's status. */
int qvl_product_block(const qvl_product *p, worker *w, size_t i);
size_t qvl_product_n_blocks(const qvl_product *p);

#endif
