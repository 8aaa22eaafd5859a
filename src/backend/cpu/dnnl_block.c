/* dnnl_block.c - a product cut into blocks, one thread each
 *
 * Blocks are compiled once for each of the few shapes they have. Operands are
 * read where they lie; those that oneDNN cannot read there, and lines whose
 * distance makes them share sets of the cache, are copied to f32 first. Blocks
 * need nothing of each other: any thread takes any.
 */
#include "backend/cpu/dnnl_block.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "tensor/dtype.h"

typedef struct {
    dnnl_dim_t r0, rows, c0, cols;
} block;

/* Lines of a copy are this much longer where they would share sets of the
 * cache. */
#define LINE_STEP 64
#define LINE_PAD 16

/* Either way up. */
static float *room_for(size_t n_lines, size_t len)
{
    size_t n = (n_lines + LINE_PAD) * (len + LINE_PAD);
    return aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);
}

int qvl_worker_open(worker *w, dnnl_engine_t engine)
{
    *w = (worker){ 0 };
    w->sum = room_for(DIRECT_ROWS, BLOCK_COLS);
    w->left = room_for(GATHERED_ROWS, SLICE_DEPTH);
    w->right = room_for(BLOCK_COLS, SLICE_DEPTH);
    if (w->sum == NULL || w->left == NULL || w->right == NULL)
        return dnnl_out_of_memory;
    return dnnl_stream_create(&w->stream, engine, dnnl_stream_default_flags);
}

void qvl_worker_close(worker *w)
{
    if (w->stream != NULL)
        dnnl_stream_destroy(w->stream);
    free(w->sum);
    free(w->left);
    free(w->right);
    free(w->pad);
}

static dnnl_dim_t least(dnnl_dim_t a, dnnl_dim_t b)
{
    return a < b ? a : b;
}

static dnnl_dim_t blocks_over(dnnl_dim_t n, dnnl_dim_t size)
{
    return (n + size - 1) / size;
}

size_t qvl_product_n_blocks(const qvl_product *p)
{
    return (size_t)(blocks_over(p->m, p->block_rows)
                    * blocks_over(p->n, p->block_cols));
}

/* Rows first: blocks that run at the same time share columns of the right
 * operand, which is mostly the larger one. */
static block block_at(const qvl_product *p, size_t i)
{
    dnnl_dim_t n_down = blocks_over(p->m, p->block_rows);
    block b = { .r0 = (dnnl_dim_t)i % n_down * p->block_rows,
                .c0 = (dnnl_dim_t)i / n_down * p->block_cols };
    b.rows = least(p->m - b.r0, p->block_rows);
    b.cols = least(p->n - b.c0, p->block_cols);
    return b;
}

static int describe(dnnl_memory_desc_t *desc, int dtype, dnnl_dim_t rows,
                    dnnl_dim_t cols, dnnl_dim_t row, dnnl_dim_t col)
{
    dnnl_dims_t dims = { rows, cols };
    dnnl_dims_t strides = { row, col };
    return dnnl_memory_desc_init_by_strides(
        desc, 2, dims, dtype == QVL_BF16 ? dnnl_bf16 : dnnl_f32, strides);
}

/* Room for the scratch memory that oneDNN asks for, on every thread. */
static int widen_pads(const qvl_product *p, size_t bytes)
{
    for (int i = 0; i < p->n_threads; i++) {
        worker *w = &p->workers[i];
        if (bytes <= w->pad_bytes)
            continue;
        void *pad = aligned_alloc(64, (bytes + 63) / 64 * 64);
        if (pad == NULL)
            return dnnl_out_of_memory;
        free(w->pad);
        w->pad = pad;
        w->pad_bytes = bytes;
    }
    return dnnl_success;
}

int qvl_matmul_choose(dnnl_primitive_desc_t *pd, const dnnl_memory_desc_t *left,
                      const dnnl_memory_desc_t *right,
                      const dnnl_memory_desc_t *out, dnnl_primitive_attr_t attr,
                      dnnl_engine_t engine)
{
    dnnl_matmul_desc_t matmul;
    const char *name = "";
    *pd = NULL;
    int status = dnnl_matmul_desc_init(&matmul, left, right, NULL, out);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(pd, &matmul, attr, engine, NULL);
    if (status == dnnl_unimplemented)
        return dnnl_success;
    if (status != dnnl_success)
        return status;
    dnnl_primitive_desc_query(*pd, dnnl_query_impl_info_str, 0, &name);
    if (strncmp(name, "ref", 3) == 0) {
        dnnl_primitive_desc_destroy(*pd);
        *pd = NULL;
    }
    return dnnl_success;
}

/* Threads run one compiled product at the same time, so its scratch memory must
 * be the caller's. */
static int create(compiled *s, const qvl_product *p, dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    int status = dnnl_primitive_attr_set_scratchpad_mode(
        attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = qvl_matmul_choose(&pd, &s->left, &s->right, &s->sum, attr,
                                   p->engine);
    if (status != dnnl_success || pd == NULL)
        return status;
    s->pad = *dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    status = widen_pads(p, dnnl_memory_desc_get_size(&s->pad));
    if (status == dnnl_success)
        status = dnnl_primitive_create(&s->run, pd);
    dnnl_primitive_desc_destroy(pd);
    return status;
}

static int compile(compiled *s, const qvl_product *p, dnnl_dim_t rows,
                   dnnl_dim_t cols)
{
    dnnl_primitive_attr_t attr;
    int status = describe(&s->left, p->a.dtype, rows, p->depth, p->a.row,
                          p->a.col);
    if (status == dnnl_success)
        status = describe(&s->right, p->b.dtype, p->depth, cols, p->b.row,
                          p->b.col);
    if (status == dnnl_success)
        status = describe(&s->sum, QVL_F32, rows, cols, cols, 1);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_create(&attr);
    if (status != dnnl_success)
        return status;
    status = create(s, p, attr);
    dnnl_primitive_attr_destroy(attr);
    return status;
}

int qvl_product_compile(qvl_product *p)
{
    assert(p->a.dtype == p->b.dtype);
    p->is_direct = true;
    for (int i = 0; i < 4 && p->is_direct; i++) {
        dnnl_dim_t rows = i / 2 ? p->m % p->block_rows : p->block_rows;
        dnnl_dim_t cols = i % 2 ? p->n % p->block_cols : p->block_cols;
        if (rows == 0 || cols == 0)
            continue;
        compiled *s = &p->shape[i / 2][i % 2];
        int status = compile(s, p, rows, cols);
        p->is_direct = s->run != NULL;
        if (status != dnnl_success)
            return status;
    }
    return dnnl_success;
}

void qvl_product_forget(qvl_product *p)
{
    for (int i = 0; i < 4; i++)
        if (p->shape[i / 2][i % 2].run != NULL)
            dnnl_primitive_destroy(p->shape[i / 2][i % 2].run);
}

static const void *address(const operand *o, dnnl_dim_t r, dnnl_dim_t c)
{
    return o->p + (size_t)(r * o->row + c * o->col) * qvl_dtype_bytes(o->dtype);
}

static int run_compiled(const compiled *s, worker *w, dnnl_engine_t engine,
                        const void *left, const void *right)
{
    const struct {
        int arg;
        const dnnl_memory_desc_t *desc;
        void *at;
    } part[] = {
        { DNNL_ARG_SRC, &s->left, (void *)left },
        { DNNL_ARG_WEIGHTS, &s->right, (void *)right },
        { DNNL_ARG_DST, &s->sum, w->sum },
        { DNNL_ARG_SCRATCHPAD, &s->pad, w->pad },
    };
    dnnl_exec_arg_t args[4];
    int n = 0;
    int status = dnnl_success;
    for (; n < 4 && status == dnnl_success; n++) {
        args[n].arg = part[n].arg;
        status = dnnl_memory_create(&args[n].memory, part[n].desc, engine,
                                    part[n].at);
    }
    if (status == dnnl_success)
        status = dnnl_primitive_execute(s->run, w->stream, n, args);
    else
        n--;
    if (status == dnnl_success)
        status = dnnl_stream_wait(w->stream);
    while (n > 0)
        dnnl_memory_destroy(args[--n].memory);
    return status;
}

/* n elements to f32. */
static void widen(float *dst, const void *src, int dtype, dnnl_dim_t n)
{
    const uint16_t *s = src;
    if (dtype == QVL_F32)
        memcpy(dst, src, (size_t)n * sizeof *dst);
    else
        for (dnnl_dim_t i = 0; i < n; i++)
            dst[i] = qvl_bf16_to_f32(s[i]);
}

/* A slice for dnnl_sgemm. */
typedef struct {
    const float *p;
    dnnl_dim_t ld;
    char turn;  // 'N', or 'T' where a line of the copy is a column
} slice;

/* Lines of f32 that lie this far apart, or a multiple, are copied as well: they
 * share few sets of the cache. */
#define SLOW_STRIDE 512

/* Rows r0.. and columns c0.. of an operand, lines as they lie in memory; a copy
 * unless oneDNN can read them there. */
static slice gather(const operand *o, float *room, dnnl_dim_t r0,
                    dnnl_dim_t rows, dnnl_dim_t c0, dnnl_dim_t cols)
{
    bool is_turned = o->col != 1;
    dnnl_dim_t n_lines = is_turned ? cols : rows;
    dnnl_dim_t len = is_turned ? rows : cols;
    dnnl_dim_t stride = is_turned ? o->col : o->row;
    if (o->dtype == QVL_F32 && stride % SLOW_STRIDE != 0)
        return (slice){ address(o, r0, c0), stride, is_turned ? 'T' : 'N' };
    slice s = { room, len % LINE_STEP == 0 ? len + LINE_PAD : len,
                is_turned ? 'T' : 'N' };
    for (dnnl_dim_t i = 0; i < n_lines; i++)
        widen(room + i * s.ld,
              is_turned ? address(o, r0, c0 + i) : address(o, r0 + i, c0),
              o->dtype, len);
    return s;
}

static int run_gathered(const qvl_product *p, worker *w, block b)
{
    for (dnnl_dim_t k0 = 0; k0 < p->depth; k0 += SLICE_DEPTH) {
        dnnl_dim_t depth = least(p->depth - k0, SLICE_DEPTH);
        slice left = gather(&p->a, w->left, b.r0, b.rows, k0, depth);
        slice right = gather(&p->b, w->right, k0, depth, b.c0, b.cols);
        int status = dnnl_sgemm(left.turn, right.turn, b.rows, b.cols, depth,
                                1.0f, left.p, left.ld, right.p, right.ld,
                                k0 > 0 ? 1.0f : 0.0f, w->sum, b.cols);
        if (status != dnnl_success)
            return status;
    }
    return dnnl_success;
}

int qvl_product_block(const qvl_product *p, worker *w, size_t i)
{
    block b = block_at(p, i);
    assert(b.rows <= (p->is_direct ? DIRECT_ROWS : GATHERED_ROWS)
           && b.cols <= BLOCK_COLS);
    int status = p->is_direct
        ? run_compiled(&p->shape[b.rows < p->block_rows]
                                [b.cols < p->block_cols],
                       w, p->engine, address(&p->a, b.r0, 0),
                       address(&p->b, 0, b.c0))
        : run_gathered(p, w, b);
    if (status == dnnl_success)
        p->store(p->buf, p->arg, w->sum, (size_t)b.cols, (uint32_t)b.r0,
                 (uint32_t)(b.r0 + b.rows), (uint32_t)b.c0,
                 (uint32_t)(b.c0 + b.cols));
    return status;
}
