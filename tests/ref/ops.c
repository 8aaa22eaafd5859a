/* The table of all references: the kernel of shaders/ and its function. */
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

static const struct {
    const char *name;
    ref_kernel *fn;
} kernels[] = {
    { "map", ref_map },
    { "zero", ref_zero },
    { "col_sum_part", ref_col_sum_part },
    { "sum_rows", ref_sum_rows },
    { "matmul_nt", ref_matmul_nt },
    { "matmul_nn", ref_matmul_nn },
    { "matmul_tn", ref_matmul_tn },
    { "rms_norm", ref_rms_norm },
    { "rms_norm_dx", ref_rms_norm_dx },
    { "rms_norm_dw_part", ref_rms_norm_dw_part },
    { "layer_norm", ref_layer_norm },
    { "layer_norm_dx", ref_layer_norm_dx },
    { "layer_norm_dw_part", ref_layer_norm_dw_part },
    { "rope", ref_rope },
    { "attention", ref_attention },
    { "attention_delta", ref_attention_delta },
    { "attention_dq", ref_attention_dq },
    { "attention_dkv", ref_attention_dkv },
    { "cache_put", ref_cache_put },
    { "attention_cached", ref_attention_cached },
    { "lookup", ref_lookup },
    { "lookup_dx", ref_lookup_dx },
    { "cross_entropy", ref_cross_entropy },
    { "route", ref_route },
    { "route_dx", ref_route_dx },
    { "sort_uses", ref_sort_uses },
    { "expert_nt", ref_expert_nt },
    { "expert_nn", ref_expert_nn },
    { "expert_tn", ref_expert_tn },
    { "combine", ref_combine },
    { "combine_dy", ref_combine_dy },
    { "combine_dw", ref_combine_dw },
};

ref_kernel *ref_kernel_find(const char *name)
{
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        if (strcmp(kernels[i].name, name) == 0)
            return kernels[i].fn;
    return NULL;
}
