/* cmd_inspect.c - look inside: devices, model folders */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "tensor/dtype.h"

typedef struct {
    bool json;
} inspect_options;

static const cmd_flag flags[] = {
    { .name = "json", .type = CMD_SWITCH, .at = offsetof(inspect_options, json),
      .help = "one JSON value instead of text" },
};

/* ---- devices ------------------------------------------------------------ */

/* In the order of qvl_class. */
static const char *const class_name[QVL_N_CLASS] = {
    [QVL_CLASS_HOST] = "host",
    [QVL_CLASS_OPENCL_CPU] = "opencl-cpu",
    [QVL_CLASS_VULKAN_CPU] = "vulkan-cpu",
    [QVL_CLASS_GPU] = "gpu",
};

static void put_text(qvl_str *out, const char *key, const char *text)
{
    qvl_str_printf(out, "\"%s\": ", key);
    qvl_json_quote(out, text, strlen(text));
}

static const char *yes_no(bool b)
{
    return b ? "true" : "false";
}

static void device_json(qvl_str *out, const qvl_device_info *d)
{
    qvl_str_puts(out, "{");
    put_text(out, "backend", d->backend);
    qvl_str_printf(out, ", \"index\": %d, ", d->index);
    put_text(out, "name", d->name);
    qvl_str_puts(out, ", ");
    put_text(out, "driver", d->driver);
    qvl_str_printf(out,
                   ", \"class\": \"%s\", \"is_gpu\": %s, "
                   "\"memory_bytes\": %zu, \"max_alloc_bytes\": %zu, "
                   "\"max_binding_bytes\": %zu, \"align_bytes\": %zu, "
                   "\"max_lanes\": %u, \"shared_bytes\": %zu, "
                   "\"subgroup\": %u, \"float16\": %s, "
                   "\"matrix_units\": %s}",
                   class_name[d->device_class], yes_no(d->is_gpu),
                   d->memory_bytes, d->max_alloc_bytes, d->max_binding_bytes,
                   d->align_bytes, (unsigned)d->max_lanes, d->shared_bytes,
                   (unsigned)d->subgroup, yes_no(d->has_f16),
                   yes_no(d->has_matrix_units));
}

static void device_text(qvl_str *out, const qvl_device_info *d)
{
    double mib = 1 << 20;
    qvl_str_printf(out, "%s:%d  %s\n", d->backend, d->index, d->name);
    qvl_str_printf(out, "  driver         %s\n", d->driver);
    qvl_str_printf(out, "  tile class     %s\n",
                   class_name[d->device_class]);
    qvl_str_printf(out, "  memory         %.0f MiB\n",
                   (double)d->memory_bytes / mib);
    qvl_str_printf(out, "  largest buffer %.0f MiB, binding %.0f MiB, "
                        "alignment %zu bytes\n",
                   (double)d->max_alloc_bytes / mib,
                   (double)d->max_binding_bytes / mib, d->align_bytes);
    qvl_str_printf(out, "  groups         %u lanes, %zu bytes shared, "
                        "subgroup %u\n",
                   (unsigned)d->max_lanes, d->shared_bytes,
                   (unsigned)d->subgroup);
    qvl_str_printf(out, "  float16        %s\n", d->has_f16 ? "yes" : "no");
    qvl_str_printf(out, "  matrix units   %s\n",
                   d->has_matrix_units ? "yes" : "no");
}

static int inspect_devices(const inspect_options *o, qvl_str *out,
                           qvl_err *err)
{
    int n_backends;
    const qvl_backend *const *be = qvl_backends(&n_backends);
    int n = 0;
    qvl_str_puts(out, o->json ? "[" : "");
    for (int b = 0; b < n_backends; b++) {
        int count = be[b]->count();
        if (count == 0 && !o->json)
            qvl_str_printf(out, "%s: no device\n", be[b]->name);
        for (int k = 0; k < count; k++) {
            qvl_device_info info;
            QVL_TRY(be[b]->info(k, &info, err));
            if (o->json && n++ > 0)
                qvl_str_puts(out, ", ");
            if (o->json)
                device_json(out, &info);
            else
                device_text(out, &info);
        }
    }
    qvl_str_puts(out, o->json ? "]\n" : "");
    return QVL_OK;
}

/* ---- models ------------------------------------------------------------- */

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
    if (g == f->n_groups && g < MAX_GROUPS)
        f->group[f->n_groups++].name = p->group;
    if (g < MAX_GROUPS) {
        f->group[g].n_tensors++;
        f->group[g].n_values += qvl_arch_param_elems(p);
    }
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
        qvl_str_puts(out, yes_no(d->i[i] != 0));
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
    put_text(out, "architecture", f->config.arch->name);
    qvl_str_puts(out, ", ");
    put_text(out, "model_type", f->config.model_type);
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
                   info->bytes, info->n_files, yes_no(f->config.tied));
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

static int inspect_model(const inspect_options *o, const char *folder,
                         qvl_str *out, qvl_arena *arena, qvl_err *err)
{
    model_facts f = { .folder = folder, .params.arena = arena };
    qvl_checkpoint *ck;
    QVL_TRY(qvl_model_config_load(&f.config, folder, arena, err));
    f.config.arch->params(&f.params, &f.config.dims);
    QVL_TRY(qvl_checkpoint_open(&ck, folder, &f.params, err));
    f.ck = ck;
    count_all(&f);
    if (o->json)
        model_json(out, &f);
    else
        model_text(out, &f);
    qvl_checkpoint_close(ck);
    return QVL_OK;
}

/* ---- the command -------------------------------------------------------- */

static int unknown_topic(const char *what, qvl_err *err)
{
    static const char *const topic[] = { "devices", "model" };
    const char *near = qvl_str_nearest(what, topic, QVL_COUNT(topic));
    qvl_fail(err, QVL_E_USAGE,
             "argument (qvl inspect): found %s, expected devices or model DIR",
             what);
    if (near != NULL)
        qvl_err_hint(err, "did you mean %s?", near);
    return QVL_E_USAGE;
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const char *what = n > 0 ? word[0] : "nothing";
    bool is_model = strcmp(what, "model") == 0;
    if (!is_model && strcmp(what, "devices") != 0)
        return unknown_topic(what, err);
    if (n != (is_model ? 2 : 1))
        return qvl_fail(err, QVL_E_USAGE,
                        "argument (qvl inspect %s): found %d words behind "
                        "it, expected %s",
                        what, n - 1, is_model ? "a model folder" : "none");
    qvl_str out = { 0 };
    qvl_arena arena = { 0 };
    int rc = is_model ? inspect_model(options, word[1], &out, &arena, err)
                      : inspect_devices(options, &out, err);
    if (rc == QVL_OK)
        fputs(out.p, stdout);
    qvl_str_release(&out);
    qvl_arena_release(&arena);
    return rc;
}

const cmd cmd_inspect = {
    .name = "inspect",
    .summary = "look inside: devices, a model folder",
    .usage = "devices | model DIR [--json]",
    .details =
        "devices    every back end and device, its limits, its tile class\n"
        "model DIR  dims, parameters by group, storage, what is missing or\n"
        "           superfluous\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(inspect_options),
    .run = run,
};
