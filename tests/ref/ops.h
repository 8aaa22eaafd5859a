/* ops.h - the kernels that specs reach again, in double, as their equations say
 *
 * tally and the kernels of the optimizer (square_sum, clip, adamw, adamw_master)
 * stand in no spec: their tests hold their own truth (tests/kern).
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

/* The function of a kernel by its name, ref_NAME of ops_*.c; NULL: there is none. */
ref_kernel *ref_kernel_find(const char *name);

/* f(x) of an elementwise function of the specs ("silu", "dgelu_erf", ...). */
double ref_function(const char *name, double x);

#endif
