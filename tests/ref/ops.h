/* ops.h - every kernel of shaders/ again, in double, as its equation says
 *
 * These functions are the truth that generated kernels are held against, so
 * they are written for the reader: plain loops over dense arrays, no tiles, no
 * tricks, sums in the order of the formula. A function overwrites its outputs,
 * but for an `io` operand, which holds what was there; adding to a gradient is
 * the interpreter's business (interp.h).
 */
#ifndef REF_OPS_H
#define REF_OPS_H

#include <stdint.h>

#include "kern/kern.h"

/* One call. Arrays are dense, row-major, shaped as the kernel's signature says;
 * whole numbers (indices, labels) are doubles as well. */
typedef struct {
    const kern *k;
    const int64_t *dim;         // [k->n_syms]
    const double *scalar;       // [k->n_scalars]
    const double *const *in;    // operands `in`, in order
    double *const *out;         // the others, in order
} ref_call;

/* Dim of the signature by name. */
int64_t ref_dim(const ref_call *c, const char *name);

typedef void ref_kernel(const ref_call *c);

/* The function of a kernel by its name; NULL: there is none. */
ref_kernel *ref_kernel_find(const char *name);

/* f(x) of an elementwise function of the specs ("silu", "dgelu_erf", ...). */
double ref_function(const char *name, double x);

ref_kernel ref_map, ref_zero, ref_col_sum_part, ref_sum_rows;
ref_kernel ref_matmul_nt, ref_matmul_nn, ref_matmul_tn;
ref_kernel ref_rms_norm, ref_rms_norm_dx, ref_rms_norm_dw_part;
ref_kernel ref_layer_norm, ref_layer_norm_dx, ref_layer_norm_dw_part;
ref_kernel ref_rope;
ref_kernel ref_attention, ref_attention_delta, ref_attention_dq,
    ref_attention_dkv;
ref_kernel ref_cache_put, ref_attention_cached;
ref_kernel ref_lookup, ref_lookup_dx, ref_cross_entropy;
ref_kernel ref_route, ref_route_dx, ref_sort_uses;
ref_kernel ref_expert_nt, ref_expert_nn, ref_expert_tn;
ref_kernel ref_combine, ref_combine_dy, ref_combine_dw;

#endif
