/* diff.h - gradients from losses alone
 *
 * The oracle of gradients: central differences of the interpreter's loss, so
 * it knows nothing of rules or backward kernels. Run it on the module before
 * the gradient pass.
 */
#ifndef REF_DIFF_H
#define REF_DIFF_H

#include "ref/interp.h"

/* d loss / d element of parameter `param`, from six runs:
 *
 *     D(h)  = (loss(x + h) - loss(x - h)) / 2h
 *     D'(h) = (4 D(h/2) - D(h)) / 3,   result (16 D'(h/2) - D'(h)) / 15
 *
 * With h = 2^-8 the result is good to about 1e-10 where the loss changes
 * smoothly over lengths of 0.05. Where D'(h) and D'(h/2) part, the loss bends
 * sharply or jumps close by (another expert is chosen): then smaller steps are
 * tried, and the one where they agree best is taken. The element is put back.
 * The arena is used and emptied. */
int ref_difference(double *out, const ref_problem *p, int param, size_t elem,
                   qvl_arena *scratch, qvl_err *err);

#endif
