/* step_facts.c - what a planned step costs and what it works on
 *
 * Attention counts the pairs that its ranges name, products of experts their
 * dims, other products those of their signature; the rest counts bytes alone.
 */
#include "step_facts.h"

#include <string.h>

#include "base/compiler.h"
#include "graph/cost.h"
#include "signatures.h"
#include "tensor/dtype.h"

/* Kernels whose work no size tells, or that no library replaces. */
static const struct {
    const char *op;
    double per_pair;  // operations for each pair, head and element of a head; 0: none
    int dim[3];       // arguments: heads and elements of a head, or the three whose
                      // product is the multiplications
    int range;        // buffer with the ranges of attention
} known[] = {
    { "attention", 4.0,  // scores, sums
      { QVL_ATTENTION_ARG_H, QVL_ATTENTION_ARG_D }, QVL_ATTENTION_RANGE },
    { "attention_cached", 4.0,
      { QVL_ATTENTION_CACHED_ARG_H, QVL_ATTENTION_CACHED_ARG_D },
      QVL_ATTENTION_CACHED_RANGE },
    { "attention_dq", 6.0,  // scores, dp, dq
      { QVL_ATTENTION_DQ_ARG_H, QVL_ATTENTION_DQ_ARG_D }, QVL_ATTENTION_DQ_RANGE },
    { "attention_dkv", 8.0,  // scores, dp, dk, dv
      { QVL_ATTENTION_DKV_ARG_H, QVL_ATTENTION_DKV_ARG_D },
      QVL_ATTENTION_DKV_RANGE },
    { "expert_nt", 0.0,
      { QVL_EXPERT_NT_ARG_S, QVL_EXPERT_NT_ARG_N, QVL_EXPERT_NT_ARG_C }, -1 },
    { "expert_nn", 0.0,
      { QVL_EXPERT_NN_ARG_S, QVL_EXPERT_NN_ARG_N, QVL_EXPERT_NN_ARG_C }, -1 },
    { "expert_tn", 0.0,
      { QVL_EXPERT_TN_ARG_S, QVL_EXPERT_TN_ARG_N, QVL_EXPERT_TN_ARG_C }, -1 },
};

static int find_known(const char *op)
{
    for (size_t i = 0; i < QVL_COUNT(known); i++)
        if (strcmp(known[i].op, op) == 0)
            return (int)i;
    return -1;
}

double step_kernel_flop(const qvl_kernel *kernel, const uint32_t *arg,
                        double pairs)
{
    int i = find_known(kernel->op);
    if (i < 0)
        return qvl_kernel_flop(kernel, arg);
    const int *dim = known[i].dim;
    if (known[i].per_pair > 0.0)
        return known[i].per_pair * pairs * arg[dim[0]] * arg[dim[1]];
    return 2.0 * arg[dim[0]] * arg[dim[1]] * arg[dim[2]];
}

/* Pairs of query and key in the ranges that a step of attention reads. */
static double count_pairs(const qvl_plan *plan, const qvl_planned *s, int range_buf,
                          const qvl_batch *batch)
{
    const qvl_value *value = &plan->value[s->value[range_buf]];
    if (batch == NULL || value->kind != QVL_VALUE_INPUT)
        return 0.0;
    const qvl_batch_array *made = &batch->made[value->index];
    const int32_t *range = made->data;
    double pairs = 0.0;
    if (range == NULL)
        return 0.0;
    for (size_t t = 0; t < made->n / QVL_N_RANGE; t++) {
        const int32_t *r = range + QVL_N_RANGE * t;
        int32_t n_keys = r[QVL_RANGE_KV_HI] - r[QVL_RANGE_KV_LO];
        pairs += n_keys > 0 ? n_keys : 0;
    }
    return pairs;
}

double step_flop(const qvl_plan *plan, const qvl_planned *s,
                 const qvl_batch *batch)
{
    int i = find_known(s->kernel->op);
    bool has_pairs = i >= 0 && known[i].per_pair > 0.0;
    return step_kernel_flop(s->kernel, s->arg,
                            has_pairs ? count_pairs(plan, s, known[i].range, batch)
                                      : 0.0);
}

double step_plan_flop(const qvl_plan *plan, const qvl_batch *batch)
{
    double flop = 0.0;
    for (int i = 0; i < plan->n_steps; i++)
        flop += step_flop(plan, &plan->step[i], batch);
    return flop;
}

int step_dims(const qvl_plan *plan, const qvl_planned *s, int b, size_t *dim)
{
    if (s->step < 0)
        return 0;
    const qvl_operand *o =
        &plan->program->step[s->step].family->operand[b];
    for (int k = 0; k < o->rank; k++)
        dim[k] = qvl_operand_dim(o, k, s->arg);
    return o->rank;
}

static size_t operand_bytes(const qvl_plan *plan, const qvl_planned *s, int b)
{
    size_t dim[4], n = 1;
    int rank = step_dims(plan, s, b, dim);
    for (int k = 0; k < rank; k++)
        n *= dim[k];
    return rank > 0 ? n * qvl_dtype_bytes(s->kernel->dtype[b]) : s->bytes[b];
}

double step_bytes(const qvl_plan *plan, const qvl_planned *s)
{
    double bytes = 0.0;
    for (int b = 0; b < s->kernel->n_bufs; b++)
        bytes += (double)operand_bytes(plan, s, b);
    return bytes;
}

void step_shape(qvl_str *out, const qvl_plan *plan, const qvl_planned *s)
{
    for (int b = 0; b < s->kernel->n_bufs; b++) {
        size_t dim[4];
        int rank = step_dims(plan, s, b, dim);
        qvl_str_puts(out, b > 0 ? " " : "");
        if (rank == 0)
            qvl_str_printf(out, "%zuB", s->bytes[b]);
        for (int k = 0; k < rank; k++)
            qvl_str_printf(out, "%s%zu", k > 0 ? "x" : "", dim[k]);
    }
}
