/* inspect_model.c - what is in the folder of a model
 *
 * Of the tensor files the headers alone are read, and no device is opened, so a folder
 * that lacks tensors is told about as well. Parameters are counted as the architecture
 * has them, shared ones once; types and bytes as the files have them.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "inspect.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "tensor/dtype.h"

/* Parameters of one group of the architecture. */
typedef struct {
    const char *name;
    size_t n_values;
    size_t n_tensors;
} group;

#define MAX_GROUPS 8

typedef struct {
    const char *folder;
    qvl_model_config config;
    qvl_param_list params;
    const qvl_checkpoint *ck;
    group group[MAX_GROUPS];
    int n_groups;
    size_t n_values;
    size_t of_type[QVL_N_DTYPES];  // values stored as each type
} model_facts;

static void count_param(model_facts *f, const qvl_arch_param *p)
{
    if (p->same_as != -1)
        return;
    int g = 0;
    while (g < f->n_groups && strcmp(f->group[g].name, p->group) != 0)
        g++;
    assert(g < MAX_GROUPS && "a spec has three or so");
    if (g == f->n_groups)
        f->group[f->n_groups++].name = p->group;
    f->group[g].n_tensors++;
    f->group[g].n_values += qvl_arch_param_elems(p);
    f->n_values += qvl_arch_param_elems(p);
}

static void count_all(model_facts *f)
{
    for (int i = 0; i < f->params.n; i++)
        count_param(f, &f->params.item[i]);
    const qvl_checkpoint_info *info = qvl_checkpoint_report(f->ck);
    for (size_t k = 0; k < info->n_entries; k++) {
        const qvl_st_tensor *t = qvl_checkpoint_at(f->ck, k)->tensor;
        f->of_type[t->dtype] += t->n_elems;
    }
}

/* Is the dim known without a batch? Those that follow from one are 0. */
static bool is_known(const model_facts *f, int i)
{
    const qvl_arch_dim *dim = &f->config.arch->dim[i];
    return dim->source == QVL_DIM_CONFIG
           || (dim->source == QVL_DIM_DERIVED && f->config.dims.i[i] != 0);
}

/* A dim as text that is JSON as well. */
static void put_dim(qvl_str *out, const model_facts *f, int i)
{
    const qvl_arch_dim *dim = &f->config.arch->dim[i];
    const qvl_dims *d = &f->config.dims;
    switch (dim->type) {
    case QVL_DIM_FLOAT:
        qvl_json_number(out, d->f[i]);
        break;
    case QVL_DIM_BOOL:
        qvl_str_puts(out, inspect_bool(d->i[i] != 0));
        break;
    case QVL_DIM_LIST:
        qvl_str_puts(out, "[");
        for (int k = 0; k < d->n_list[dim->list]; k++)
            qvl_str_printf(out, "%s%d", k > 0 ? ", " : "",
                           d->list[dim->list][k]);
        qvl_str_puts(out, "]");
        break;
    default:
        qvl_str_printf(out, "%lld", (long long)d->i[i]);
    }
}

static void put_names(qvl_str *out, const char *key, const char *const *name,
                      size_t n)
{
    qvl_str_printf(out, "\"%s\": [", key);
    for (size_t k = 0; k < n; k++) {
        qvl_str_puts(out, k > 0 ? ", " : "");
        qvl_json_quote(out, name[k], strlen(name[k]));
    }
    qvl_str_puts(out, "]");
}

static void model_json(qvl_str *out, const model_facts *f)
{
    const qvl_checkpoint_info *info = qvl_checkpoint_report(f->ck);
    const char *sep = "";
    qvl_str_puts(out, "{");
    inspect_put_text(out, "architecture", f->config.arch->name);
    qvl_str_puts(out, ", ");
    inspect_put_text(out, "model_type", f->config.model_type);
    qvl_str_puts(out, ", \"dims\": {");
    for (int i = 0; i < f->config.arch->n_dims; i++) {
        if (!is_known(f, i))
            continue;
        qvl_str_printf(out, "%s\"%s\": ", sep, f->config.arch->dim[i].name);
        put_dim(out, f, i);
        sep = ", ";
    }
    qvl_str_printf(out, "}, \"parameters\": {\"total\": %zu", f->n_values);
    for (int g = 0; g < f->n_groups; g++)
        qvl_str_printf(out, ", \"%s\": %zu", f->group[g].name,
                       f->group[g].n_values);
    qvl_str_puts(out, "}, \"stored\": {");
    sep = "";
    for (int t = 0; t < QVL_N_DTYPES; t++)
        if (f->of_type[t] > 0) {
            qvl_str_printf(out, "%s\"%s\": %zu", sep, qvl_dtype_name(t),
                           f->of_type[t]);
            sep = ", ";
        }
    qvl_str_printf(out, "}, \"bytes\": %zu, \"files\": %d, \"tied\": %s, ",
                   info->bytes, info->n_files, inspect_bool(f->config.tied));
    put_names(out, "missing", info->missing, info->n_missing);
    qvl_str_puts(out, ", ");
    put_names(out, "superfluous", info->extra, info->n_extra);
    qvl_str_puts(out, "}\n");
}

static void put_lines(qvl_str *out, const char *what, const char *const *name,
                      size_t n)
{
    qvl_str_printf(out, "%-14s %zu\n", what, n);
    for (size_t k = 0; k < n; k++)
        qvl_str_printf(out, "  %s\n", name[k]);
}

static void model_text(qvl_str *out, const model_facts *f)
{
    const qvl_checkpoint_info *info = qvl_checkpoint_report(f->ck);
    qvl_str_printf(out, "architecture   %s (model_type %s)\ndims          ",
                   f->config.arch->name, f->config.model_type);
    for (int i = 0; i < f->config.arch->n_dims; i++) {
        if (!is_known(f, i))
            continue;
        qvl_str_printf(out, " %s ", f->config.arch->dim[i].name);
        put_dim(out, f, i);
    }
    qvl_str_printf(out, "\nparameters     %zu\n", f->n_values);
    for (int g = 0; g < f->n_groups; g++)
        qvl_str_printf(out, "  %-12s %zu in %zu tensors\n", f->group[g].name,
                       f->group[g].n_values, f->group[g].n_tensors);
    qvl_str_puts(out, "stored         ");
    for (int t = 0; t < QVL_N_DTYPES; t++)
        if (f->of_type[t] > 0)
            qvl_str_printf(out, "%s: %zu values, ", qvl_dtype_name(t),
                           f->of_type[t]);
    qvl_str_printf(out, "%zu bytes in %d files\n", info->bytes,
                   info->n_files);
    qvl_str_printf(out, "tied head      %s\n", f->config.tied ? "yes" : "no");
    put_lines(out, "missing", info->missing, info->n_missing);
    put_lines(out, "superfluous", info->extra, info->n_extra);
}

int inspect_model(const char *folder, bool json, qvl_str *out,
                  qvl_arena *arena, qvl_err *err)
{
    model_facts f = { .folder = folder, .params.arena = arena };
    qvl_checkpoint *ck;
    QVL_TRY(qvl_model_config_load(&f.config, folder, arena, err));
    f.config.arch->params(&f.params, &f.config.dims);
    QVL_TRY(qvl_checkpoint_open(&ck, folder, &f.params, err));
    f.ck = ck;
    count_all(&f);
    if (json)
        model_json(out, &f);
    else
        model_text(out, &f);
    qvl_checkpoint_close(ck);
    return QVL_OK;
}
