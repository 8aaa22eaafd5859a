/* cost.h - how much a program computes
 *
 * Counted are matrix products alone, two operations for each multiplication
 * and addition: they are nearly all of the work. What attention does depends
 * on who attends whom, which no size tells: it is left to the caller.
 */
#ifndef QVL_GRAPH_COST_H
#define QVL_GRAPH_COST_H

#include "backend/kernel.h"

/* Operations of a product kernel with these arguments, 0 for other kernels: a
 * kernel that a library may replace is a product over its first three dims. */
double qvl_kernel_flop(const qvl_kernel *kernel, const uint32_t *arg);

#endif
