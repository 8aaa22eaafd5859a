/* compare.h - when two results count as equal
 *
 * A program rounds every value it stores; the interpreter rounds nothing. What
 * comes out differs by the roundings on the way, which add up like a walk at
 * random: some tens of them, of relative size u = 2^-24 (f32), 2^-9 (bf16) or
 * 2^-12 (f16), scaled by how large the gradients are that flow through. A
 * tensor that is small because large terms cancel keeps the errors of the
 * terms, so the bound has a part relative to the largest gradient of all.
 *
 *     |found - wanted| <= u (A max |tensor| + B max |all gradients|)
 *
 * A and B were measured over all cases and set four times higher. A wrong
 * index, sign, factor or a missed addend is off by about max |tensor|, more
 * than a hundred times the bound of f32.
 */
#ifndef PROGRAM_COMPARE_H
#define PROGRAM_COMPARE_H

#include <stddef.h>

typedef struct {
    double own;     // A u
    double others;  // B u
} compare_bound;

/* Bound for activations and weights of a storage type. */
compare_bound compare_bound_of(int dtype);

/* All elements of found [n] are near wanted [n]; else the test fails, naming
 * arch, dims and device (`what`), tensor, first bad element, wanted and found. */
void compare_tensor(const float *found, const double *wanted, size_t n,
                    double top_grad, compare_bound bound, const char *what,
                    const char *tensor);

/* Largest part of the bound that was used so far, for choosing it. */
double compare_worst(void);

#endif
