/* ops.c - the table of all references: the kernel of shaders/ and its function */
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

#define ENTRY(kernel) { #kernel, ref_##kernel },
static const struct {
    const char *name;
    ref_kernel *fn;
} kernels[] = { REF_KERNELS(ENTRY) };
#undef ENTRY

ref_kernel *ref_kernel_find(const char *name)
{
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        if (strcmp(kernels[i].name, name) == 0)
            return kernels[i].fn;
    return NULL;
}
