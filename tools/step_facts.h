/* step_facts.h - what a planned step works on, and how much it does
 *
 * For benches and reports. Operations are counted as the kernels do them: two
 * for each multiplication and addition of products, dense or by experts, and of
 * attention, where the backward kernels compute the scores anew. Other kernels
 * count as none. Of attention the pairs of query and key count that the batch
 * has, not those of a full square.
 */
#ifndef TOOLS_STEP_FACTS_H
#define TOOLS_STEP_FACTS_H

#include "base/str.h"
#include "graph/plan.h"
#include "model/batch.h"

/* Operations of a kernel with these arguments; `pairs` of query and key, which
 * attention takes for every head. */
double step_kernel_flop(const qvl_kernel *kernel, const uint32_t *arg,
                        double pairs);

/* Of a planned step. The batch has made its arrays for the run; NULL: attention
 * counts as none. */
double step_flop(const qvl_plan *plan, const qvl_planned *s,
                 const qvl_batch *batch);
double step_plan_flop(const qvl_plan *plan, const qvl_batch *batch);

/* Bytes of the elements that its operands have, each once: of a table that is
 * looked up all rows count. */
double step_bytes(const qvl_plan *plan, const qvl_planned *s);

/* Dims of operand b, slowest first: dim [4]; 0 when they are not told. */
int step_dims(const qvl_plan *plan, const qvl_planned *s, int b, size_t *dim);

/* Append "512x2048 6144x2048 512x6144", the operands in the kernel's order; "64B"
 * where dims are not told. */
void step_shape(qvl_str *out, const qvl_plan *plan, const qvl_planned *s);

#endif
