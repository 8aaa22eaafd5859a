/* ops.c - the table of all references: the kernel of shaders/ and its function
 *
 * The build lists the functions ref_KERNEL of ops_*.c in ref_kernels.h.
 */
#include "ref/ops.h"

#include <assert.h>
#include <string.h>

int64_t ref_dim(const ref_call *c, const char *name)
{
    for (int i = 0; i < c->k->n_syms; i++)
        if (strcmp(c->k->sym[i], name) == 0)
            return c->dim[i];
    assert(!"a dim that the kernel does not have");
    return 0;
}

#define REF_KERNEL(kernel) ref_kernel ref_##kernel;
#include "ref_kernels.h"
#undef REF_KERNEL

#define REF_KERNEL(kernel) { #kernel, ref_##kernel },
static const struct {
    const char *name;
    ref_kernel *fn;
} kernels[] = {
#include "ref_kernels.h"
};
#undef REF_KERNEL

ref_kernel *ref_kernel_find(const char *name)
{
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        if (strcmp(kernels[i].name, name) == 0)
            return kernels[i].fn;
    return NULL;
}
