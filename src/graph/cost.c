#include "graph/cost.h"

double qvl_kernel_flop(const qvl_kernel *kernel, const uint32_t *arg)
{
    bool is_product = false;
    for (int i = 0; i < QVL_N_ISA; i++)
        is_product = is_product || kernel->c_store[i] != NULL;
    return is_product ? 2.0 * arg[0] * arg[1] * arg[2] : 0.0;
}

double qvl_plan_flop(const qvl_plan *plan)
{
    double flop = 0.0;
    for (int i = 0; i < plan->n_steps; i++)
        flop += qvl_kernel_flop(plan->step[i].kernel, plan->step[i].arg);
    return flop;
}

double qvl_plan_bytes(const qvl_plan *plan)
{
    double bytes = 0.0;
    for (int i = 0; i < plan->n_steps; i++)
        for (int b = 0; b < plan->step[i].kernel->n_bufs; b++)
            bytes += (double)plan->step[i].bytes[b];
    return bytes;
}
