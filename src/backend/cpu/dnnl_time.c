/* dnnl_time.c - oneDNN's own products, timed
 *
 * The product alone as the library offers it: row-major operands of one type,
 * result of that type, nothing cut and nothing stored afterwards. What the back
 * end reaches with the library is measured against this.
 */
#include <dnnl.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/dnnl_block.h"
#include "backend/cpu/library.h"
#include "base/clock.h"
#include "base/half.h"
#include "tensor/dtype.h"

/* Operands: left, right, result. */
typedef struct {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_t memory[3];
    void *data[3];
    dnnl_primitive_t run;
} timing;

/* Numbers between -1 and 1. */
static void fill(void *data, size_t n, int dtype)
{
    for (size_t i = 0; i < n; i++) {
        float v = (float)((i * 2654435761u >> 8) % 2001) * 1e-3f - 1.0f;
        if (dtype == QVL_F32)
            ((float *)data)[i] = v;
        else
            ((uint16_t *)data)[i] = qvl_f32_to_bf16(v);
    }
}

static int open_operand(timing *t, int i, int dtype, dnnl_dim_t rows,
                        dnnl_dim_t cols, bool is_turned,
                        dnnl_memory_desc_t *desc)
{
    dnnl_dims_t dims = { rows, cols };
    dnnl_dims_t strides = { is_turned ? 1 : cols, is_turned ? rows : 1 };
    dnnl_data_type_t type = dtype == QVL_F32 ? dnnl_f32 : dnnl_bf16;
    size_t n = (size_t)rows * (size_t)cols;
    size_t bytes = (n * qvl_dtype_bytes(dtype) + 63) / 64 * 64;
    t->data[i] = aligned_alloc(64, bytes);
    if (t->data[i] == NULL)
        return dnnl_out_of_memory;
    fill(t->data[i], n, dtype);
    int status = dnnl_memory_desc_init_by_strides(desc, 2, dims, type,
                                                  strides);
    if (status != dnnl_success)
        return status;
    return dnnl_memory_create(&t->memory[i], desc, t->engine, t->data[i]);
}

/* `run` stays NULL where oneDNN has nothing but its reference code. */
static int open_primitive(timing *t, const dnnl_memory_desc_t desc[3])
{
    dnnl_primitive_desc_t pd;
    int status = qvl_matmul_choose(&pd, &desc[0], &desc[1], &desc[2], NULL,
                                   t->engine);
    if (status != dnnl_success || pd == NULL)
        return status;
    status = dnnl_primitive_create(&t->run, pd);
    dnnl_primitive_desc_destroy(pd);
    return status;
}

static int open_timing(timing *t, const qvl_plain_product *p)
{
    dnnl_memory_desc_t desc[3];
    int status = dnnl_engine_create(&t->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status = dnnl_stream_create(&t->stream, t->engine,
                                    dnnl_stream_default_flags);
    if (status == dnnl_success)
        status = open_operand(t, 0, p->dtype, p->m, p->k, p->turns_left,
                              &desc[0]);
    if (status == dnnl_success)
        status = open_operand(t, 1, p->dtype, p->k, p->n, p->turns_right,
                              &desc[1]);
    if (status == dnnl_success)
        status = open_operand(t, 2, p->dtype, p->m, p->n, false, &desc[2]);
    return status == dnnl_success ? open_primitive(t, desc) : status;
}

static int run_once(timing *t)
{
    dnnl_exec_arg_t args[] = {
        { DNNL_ARG_SRC, t->memory[0] },
        { DNNL_ARG_WEIGHTS, t->memory[1] },
        { DNNL_ARG_DST, t->memory[2] },
    };
    int status = dnnl_primitive_execute(t->run, t->stream, 3, args);
    return status == dnnl_success ? (int)dnnl_stream_wait(t->stream) : status;
}

static void close_timing(timing *t)
{
    if (t->run != NULL)
        dnnl_primitive_destroy(t->run);
    for (int i = 0; i < 3; i++) {
        if (t->memory[i] != NULL)
            dnnl_memory_destroy(t->memory[i]);
        free(t->data[i]);
    }
    if (t->stream != NULL)
        dnnl_stream_destroy(t->stream);
    if (t->engine != NULL)
        dnnl_engine_destroy(t->engine);
}

int qvl_dnnl_time(const qvl_plain_product *p, int n_threads, double *s,
                  int n, qvl_err *err)
{
    timing t = { 0 };
    memset(s, 0, (size_t)n * sizeof *s);
    if (p->dtype != QVL_F32 && p->dtype != QVL_BF16)
        return QVL_OK;
    int before = omp_get_max_threads();
    omp_set_num_threads(n_threads);
    int status = open_timing(&t, p);
    bool has_code = t.run != NULL;
    if (status == dnnl_success && has_code)
        status = run_once(&t);
    for (int i = 0; i < n && status == dnnl_success && has_code; i++) {
        double start = qvl_clock_s();
        status = run_once(&t);
        s[i] = qvl_clock_s() - start;
    }
    close_timing(&t);
    omp_set_num_threads(before);
    if (status == dnnl_success)
        return QVL_OK;
    return qvl_fail(err, status == dnnl_out_of_memory ? QVL_E_MEMORY
                                                      : QVL_E_INTERNAL,
                    "oneDNN (product alone): failed with status %d", status);
}
