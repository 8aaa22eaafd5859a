/* cost.c - operations of a kernel by its own formula
 *
 * Multiplications and additions of a product; what is no product counts as 0,
 * since memory decides its time.
 */
#include "graph/cost.h"

#include <stdbool.h>

double qvl_kernel_flop(const qvl_kernel *kernel, const uint32_t *arg)
{
    bool is_product = false;
    for (int i = 0; i < QVL_N_ISA; i++)
        is_product = is_product || kernel->c_store[i] != NULL;
    return is_product ? 2.0 * arg[0] * arg[1] * arg[2] : 0.0;
}
