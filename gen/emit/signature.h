/* signature.h - signatures of kernels for C that knows them by name
 *
 * Back ends run kernels by their record and know none. What does know some (a
 * library that replaces products, the optimizer, benches) takes their layout from
 * the headers made here, so that a changed signature does not compile, or still
 * computes what it did. Names are those of the signature (form.h).
 */
#ifndef GEN_EMIT_SIGNATURE_H
#define GEN_EMIT_SIGNATURE_H

#include "emit/families.h"

/* Append signatures.h: of each kernel the positions of buffers and arguments,
 * QVL_KERNEL_NAME and QVL_KERNEL_ARG_NAME, and their numbers. They are those of the
 * form without an expression that has every optional operand. In any other form
 * dims and what stands before the first optional operand are there too. Of each
 * list `names` the columns, QVL_LIST_NAME, and QVL_N_LIST. */
void emit_signatures(qvl_str *s, const kern_set *kernels);

/* Append calls.h, for C that calls kernels by hand: functions qvl_KERNEL_bufs and
 * qvl_KERNEL_args that put all of them at `to`, for each family that
 * families_of_kernel made. */
void emit_calls(qvl_str *s, const families *f);

#endif
