/* cmd_inspect.c - look inside: devices, model folders, tokens, pictures */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/tune.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "cmd_image.h"
#include "cmd_tokens.h"
#include "inspect_program.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "tensor/dtype.h"

typedef struct {
    bool json;
    const char *model;
    cmd_tokens_options tokens;
    cmd_image_options image;
    inspect_program_options program;
} inspect_options;

#define AT(field) .at = offsetof(inspect_options, field)

static const cmd_flag flags[] = {
    { .name = "json", .type = CMD_SWITCH, AT(json),
      .help = "one JSON value instead of text" },
    { .name = "model", .type = CMD_TEXT, AT(model), .value = "DIR",
      .help = "folder with the files that tokens, image and program need" },
    { .name = "decode", .type = CMD_SWITCH, AT(tokens.decode),
      .help = "tokens: ids to text" },
    { .name = "no-special", .type = CMD_SWITCH, AT(tokens.no_special),
      .help = "tokens: added tokens are text; with --decode special ones are "
              "left out" },
    { .name = "output", .type = CMD_TEXT, AT(image.output),
      .value = "FILE", .help = "image: tensors to write (safetensors)" },
    { .name = "profile", .type = CMD_TEXT, AT(image.profile),
      .value = "NAME", .preset = "pillow",
      .help = "image: pillow, pillow13, torchvision or utility" },
    { .name = "min-pixels", .type = CMD_COUNT, AT(image.min_pixels),
      .value = "N", .help = "image: smallest size (default: of the model)" },
    { .name = "max-pixels", .type = CMD_COUNT, AT(image.max_pixels),
      .value = "N", .help = "image: largest size (default: of the model)" },
    { .name = "size", .type = CMD_TEXT, AT(program.size), .value = "NAME",
      .help = "program: a size as qvl init takes it, instead of a folder" },
    { .name = "phase", .type = CMD_TEXT, AT(program.phase),
      .value = "PHASE", .preset = "train",
      .help = "program: train, prefill or decode (default: train)" },
    { .name = "pass", .type = CMD_TEXT, AT(program.pass), .value = "NAME",
      .help = "program: of the generator; gen --dump prints those" },
    { .name = "tokens", .type = CMD_COUNT, AT(program.tokens), .value = "N",
      .preset = "512",
      .help = "program: tokens of text; of decode those that are kept "
              "(default: 512)" },
    { .name = "image", .type = CMD_TEXT, AT(program.image), .value = "WxH",
      .help = "program: size of the picture, or none (default: 768x768)" },
    { .name = "checkpointing", .type = CMD_SWITCH,
      AT(program.checkpointing),
      .help = "program: compute a layer's activations twice" },
    { .name = "dtype", .alias = "torch-dtype", .type = CMD_TEXT,
      AT(program.dtype), .value = "T", .preset = "f32",
      .help = "program: f32, bf16 or f16" },
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

/* What the user's table has for a device. */
typedef struct {
    int n;
    char file[1024];  // empty: no table
} tuned;

static void device_json(qvl_str *out, const qvl_device_info *d,
                        const tuned *t)
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
                   "\"matrix_units\": %s, \"tuned_kernels\": %d",
                   class_name[d->device_class], yes_no(d->is_gpu),
                   d->memory_bytes, d->max_alloc_bytes, d->max_binding_bytes,
                   d->align_bytes, (unsigned)d->max_lanes, d->shared_bytes,
                   (unsigned)d->subgroup, yes_no(d->has_f16),
                   yes_no(d->has_matrix_units), t->n);
    if (t->file[0] != '\0') {
        qvl_str_puts(out, ", ");
        put_text(out, "tune_file", t->file);
    }
    qvl_str_putc(out, '}');
}

static void device_text(qvl_str *out, const qvl_device_info *d,
                        const tuned *t)
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
    if (t->file[0] != '\0')
        qvl_str_printf(out, "  tuned          %d kernel%s in %s\n", t->n,
                       t->n == 1 ? "" : "s", t->file);
}

/* Tables are for devices as they are opened: the name of a processor's driver
 * says what it runs with. A device that cannot be opened has none. */
static int find_tuned(const qvl_device_info *info, tuned *t, qvl_err *err)
{
    char name[40];
    const char *file;
    qvl_device *dev;
    *t = (tuned){ .n = 0 };
    snprintf(name, sizeof name, "%s:%d", info->backend, info->index);
    int rc = qvl_device_open(&dev, name, 0, err);
    if (rc == QVL_E_DEVICE || rc == QVL_E_DEVICE_LOST
        || rc == QVL_E_DEVICE_MEMORY)
        return QVL_OK;
    QVL_TRY(rc);
    t->n = qvl_tune_count(dev, &file);
    snprintf(t->file, sizeof t->file, "%s", file);
    qvl_device_close(dev);
    return QVL_OK;
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
            tuned t;
            QVL_TRY(be[b]->info(k, &info, err));
            QVL_TRY(find_tuned(&info, &t, err));
            if (o->json && n++ > 0)
                qvl_str_puts(out, ", ");
            if (o->json)
                device_json(out, &info, &t);
            else
                device_text(out, &info, &t);
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

static int run_devices(const inspect_options *o, const char *const *word,
                       int n, qvl_err *err)
{
    (void)word;
    (void)n;
    qvl_str out = { 0 };
    int rc = inspect_devices(o, &out, err);
    if (rc == QVL_OK)
        fputs(out.p, stdout);
    qvl_str_release(&out);
    return rc;
}

static int run_model(const inspect_options *o, const char *const *word,
                     int n, qvl_err *err)
{
    (void)n;
    qvl_str out = { 0 };
    qvl_arena arena = { 0 };
    int rc = inspect_model(o, word[0], &out, &arena, err);
    if (rc == QVL_OK)
        fputs(out.p, stdout);
    qvl_str_release(&out);
    qvl_arena_release(&arena);
    return rc;
}

static int run_tokens(const inspect_options *o, const char *const *word,
                      int n, qvl_err *err)
{
    (void)word;
    (void)n;
    cmd_tokens_options tokens = o->tokens;
    tokens.folder = o->model;
    if (tokens.folder == NULL)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --model (qvl inspect tokens): found nothing, "
                        "expected a model folder");
    return cmd_tokens(&tokens, err);
}

static int run_image(const inspect_options *o, const char *const *word,
                     int n, qvl_err *err)
{
    cmd_image_options image = o->image;
    image.folder = o->model;
    if (image.folder == NULL || image.output == NULL)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --%s (qvl inspect image): found nothing, "
                        "expected a %s",
                        image.folder == NULL ? "model" : "output",
                        image.folder == NULL ? "model folder" : "file");
    return cmd_image(&image, word, n, err);
}

static int run_program(const inspect_options *o, const char *const *word,
                       int n, qvl_err *err)
{
    (void)word;
    (void)n;
    inspect_program_options program = o->program;
    program.model = o->model;
    program.json = o->json;
    qvl_str out = { 0 };
    int rc = inspect_program(&program, &out, err);
    if (rc == QVL_OK)
        fputs(out.p, stdout);
    qvl_str_release(&out);
    return rc;
}

/* What can be looked at, and the words behind its name. */
static const struct {
    const char *name;
    int least, most;
    const char *expected;
    int (*run)(const inspect_options *o, const char *const *word, int n,
               qvl_err *err);
} topics[] = {
    { "devices", 0, 0, "none", run_devices },
    { "model", 1, 1, "a model folder", run_model },
    { "tokens", 0, 0, "none: it reads standard input", run_tokens },
    { "image", 1, INT_MAX, "picture files", run_image },
    { "program", 0, 0, "flags alone", run_program },
};

static int unknown_topic(const char *what, qvl_err *err)
{
    const char *name[QVL_COUNT(topics)];
    for (size_t i = 0; i < QVL_COUNT(topics); i++)
        name[i] = topics[i].name;
    const char *near = qvl_str_nearest(what, name, QVL_COUNT(name));
    qvl_fail(err, QVL_E_USAGE,
             "argument (qvl inspect): found %s, expected what qvl help "
             "inspect lists",
             what);
    if (near != NULL)
        qvl_err_hint(err, "did you mean %s?", near);
    return QVL_E_USAGE;
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const char *what = n > 0 ? word[0] : "nothing";
    size_t i = 0;
    while (i < QVL_COUNT(topics) && strcmp(what, topics[i].name) != 0)
        i++;
    if (i == QVL_COUNT(topics))
        return unknown_topic(what, err);
    if (n - 1 < topics[i].least || n - 1 > topics[i].most)
        return qvl_fail(err, QVL_E_USAGE,
                        "argument (qvl inspect %s): found %d words behind "
                        "it, expected %s",
                        what, n - 1, topics[i].expected);
    return topics[i].run(options, word + 1, n - 1, err);
}

const cmd cmd_inspect = {
    .name = "inspect",
    .summary = "look inside: devices, models, tokens, pictures, programs",
    .usage = "devices | model DIR [--json] | tokens --model DIR [--decode] "
             "[--no-special] | image --model DIR FILE... --output FILE "
             "| program --model DIR|--size NAME [--phase P] [--tokens N]",
    .details =
        "devices    every back end and device, its limits, its tile class\n"
        "model DIR  dims, parameters by group, storage, what is missing or\n"
        "           superfluous\n"
        "tokens     lines of standard input: JSON strings to arrays of ids,\n"
        "           or back; a folder with tokenizer files alone will do\n"
        "image      pictures as the model receives them: pixel_values,\n"
        "           image_grid_thw, resized.K u8 [h, w, 3] of each\n"
        "program    the steps of the generated program for one sequence, with\n"
        "           shapes, places in memory, operations, bytes\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(inspect_options),
    .run = run,
};
