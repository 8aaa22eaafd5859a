/* bench_call.h - a kernel that is measured alone, called with a shape
 *
 * Which buffers and arguments a kernel has is told by its signature
 * (signatures.h); here stands what is in them. Operands are whole, nothing is
 * added to.
 */
#ifndef TOOLS_BENCH_CALL_H
#define TOOLS_BENCH_CALL_H

#include <stddef.h>

#include "backend/kernel.h"
#include "bench_shapes.h"

typedef struct {
    int n_bufs;
    int dtype[QVL_KERNEL_MAX_BUFS];
    size_t bytes[QVL_KERNEL_MAX_BUFS];
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
    int range_buf;  // of attention: what each query sees; -1: none
} bench_call;

/* Operands are of the type, but for what a kernel has in f32 in every run; the op is
 * one of bench_shape_ops. */
bench_call bench_call_of(const bench_shape *shape, int dtype);

/* Bytes of all buffers. */
double bench_call_bytes(const bench_call *call);

#endif
