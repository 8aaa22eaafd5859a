/* cmd_inspect.c - look inside: devices, model folders, tokens, samples
 *
 * What a flag is for stands with it as letters, those of the table of topics: the
 * first one of each name.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd.h"
#include "cmd_image.h"
#include "cmd_tokens.h"
#include "inspect.h"
#include "inspect_program.h"

typedef struct {
    bool json;
    const char *model;
    cmd_tokens_options tokens;
    cmd_image_options image;
    inspect_program_options program;
    inspect_sample_options sample;
    const bool *given;  // [flags]
} inspect_options;

#define AT(field) .at = offsetof(inspect_options, field)

static const cmd_flag flags[] = {
    { .name = "json", .type = CMD_SWITCH, AT(json),
      .topics = "dmps", .help = "one JSON value instead of text" },
    { .name = "model", .type = CMD_TEXT, AT(model), .value = "DIR",
      .topics = "tip",
      .help = "folder with the files that tokens, image and program need" },
    { .name = "decode", .type = CMD_SWITCH, AT(tokens.decode),
      .topics = "t", .help = "tokens: ids to text" },
    { .name = "no-special", .type = CMD_SWITCH, AT(tokens.no_special),
      .topics = "t",
      .help = "tokens: added tokens are text; with --decode special ones are "
              "left out" },
    { .name = "output", .type = CMD_TEXT, AT(image.output),
      .value = "FILE", .topics = "i",
      .help = "image: tensors to write (safetensors)" },
    { .name = "profile", .type = CMD_TEXT, AT(image.profile),
      .value = "NAME", .preset = "pillow",
      .topics = "i",
      .help = "image: pillow, pillow13, torchvision or utility" },
    { .name = "min-pixels", .type = CMD_COUNT, AT(image.min_pixels),
      .value = "N", .topics = "i",
      .help = "image: smallest size (default: of the model)" },
    { .name = "max-pixels", .type = CMD_COUNT, AT(image.max_pixels),
      .value = "N", .topics = "i",
      .help = "image: largest size (default: of the model)" },
    { .name = "size", .type = CMD_TEXT, AT(program.size), .value = "NAME",
      .topics = "p",
      .help = "program: a size as qvl init takes it, instead of a folder" },
    { .name = "phase", .type = CMD_TEXT, AT(program.phase),
      .value = "PHASE", .preset = "train",
      .topics = "p", .help = "program: train, prefill or decode" },
    { .name = "pass", .type = CMD_TEXT, AT(program.pass), .value = "NAME",
      .topics = "p",
      .help = "program: refused: the generator prints its passes (gen --dump)" },
    { .name = "tokens", .type = CMD_COUNT, AT(program.tokens), .value = "N",
      .preset = "512",
      .topics = "p",
      .help = "program: tokens of text; of decode those that are kept" },
    { .name = "image", .type = CMD_TEXT, AT(program.image), .value = "WxH",
      .topics = "p",
      .help = "program: size of the picture, or none (default: 768x768)" },
    { .name = "checkpointing", .type = CMD_SWITCH,
      AT(program.checkpointing),
      .topics = "p", .help = "program: compute a layer's activations twice" },
    { .name = "dtype", .alias = "torch-dtype", .type = CMD_TEXT,
      AT(program.dtype), .value = "T", .preset = "f32",
      .topics = "p", .help = "program: f32, bf16 or f16" },
    { .name = "config", .type = CMD_TEXT, AT(sample.config), .value = "FILE",
      .topics = "s", .help = "sample: YAML of the training run" },
    { .name = "base-config", .type = CMD_TEXT, AT(sample.base),
      .value = "FILE", .topics = "s",
      .help = "sample: YAML that lies under it" },
    { .name = "epoch", .type = CMD_COUNT, AT(sample.epoch), .value = "E",
      .topics = "s", .help = "sample: epoch, from 0 on (default: 0)" },
    { .name = "index", .type = CMD_COUNT, AT(sample.index), .value = "I",
      .topics = "s",
      .help = "sample: that of record I, counted over all files" },
    { .name = "all", .type = CMD_SWITCH, AT(sample.all),
      .topics = "s",
      .help = "sample: every slot of the epoch, or packed row, in order" },
    { .name = "from", .type = CMD_COUNT, AT(sample.from), .value = "SLOT",
      .topics = "s",
      .help = "sample: begin at this slot of the epoch, or the next one of the "
              "rank (default: 0); with training.packing at this row" },
    { .name = "rank", .type = CMD_COUNT, AT(sample.rank), .value = "R",
      .topics = "s",
      .help = "sample: the slots, or packed rows, of this rank (default: 0)" },
    { .name = "world", .type = CMD_COUNT, AT(sample.world), .value = "N",
      .preset = "1", .topics = "s",
      .help = "sample: number of ranks" },
};

/* ---- JSON ---------------------------------------------------------------- */

void inspect_put_text(qvl_str *out, const char *key, const char *text)
{
    qvl_str_printf(out, "\"%s\": ", key);
    qvl_json_quote(out, text, strlen(text));
}

const char *inspect_bool(bool b)
{
    return b ? "true" : "false";
}

/* ---- the command --------------------------------------------------------- */

static int run_devices(const inspect_options *o, const char *const *word,
                       int n, qvl_err *err)
{
    (void)word;
    (void)n;
    qvl_str out = { 0 };
    int rc = inspect_devices(o->json, &out, err);
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
    int rc = inspect_model(word[0], o->json, &out, &arena, err);
    if (rc == QVL_OK)
        fputs(out.p, stdout);
    qvl_str_release(&out);
    qvl_arena_release(&arena);
    return rc;
}

static int need_flag(const char *flag, const char *value, const char *topic,
                     const char *expected, qvl_err *err)
{
    return value != NULL
               ? QVL_OK
               : qvl_fail(err, QVL_E_USAGE,
                          "flag --%s (qvl inspect %s): found nothing, expected "
                          "%s", flag, topic, expected);
}

static int run_tokens(const inspect_options *o, const char *const *word,
                      int n, qvl_err *err)
{
    (void)word;
    (void)n;
    cmd_tokens_options tokens = o->tokens;
    tokens.folder = o->model;
    QVL_TRY(need_flag("model", tokens.folder, "tokens", "a model folder",
                      err));
    return cmd_tokens(&tokens, err);
}

static int run_image(const inspect_options *o, const char *const *word,
                     int n, qvl_err *err)
{
    cmd_image_options image = o->image;
    image.folder = o->model;
    QVL_TRY(need_flag("model", image.folder, "image", "a model folder", err));
    QVL_TRY(need_flag("output", image.output, "image", "a file", err));
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

/* Was a flag given? */
static bool is_given(const inspect_options *o, const char *name)
{
    for (size_t i = 0; i < QVL_COUNT(flags); i++)
        if (strcmp(flags[i].name, name) == 0)
            return o->given[i];
    return false;
}

static int run_sample(const inspect_options *o, const char *const *word,
                      int n, qvl_err *err)
{
    (void)word;
    (void)n;
    static const char *const others[] = { "all", "from", "rank", "world" };
    inspect_sample_options sample = o->sample;
    sample.json = o->json;
    QVL_TRY(need_flag("config", sample.config, "sample", "the YAML of a run",
                      err));
    for (size_t i = 0; is_given(o, "index") && i < QVL_COUNT(others); i++)
        if (is_given(o, others[i]))
            return qvl_fail(err, QVL_E_USAGE,
                            "flag --%s (qvl inspect sample): found it beside "
                            "--index, expected one of them", others[i]);
    if (!is_given(o, "index"))
        sample.index = -1;
    return inspect_sample(&sample, err);
}

/* What can be looked at, and the words behind its name. The first letter of a
 * name is that of `topics` in the flags. */
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
    { "sample", 0, 0, "flags alone", run_sample },
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
    char call[64];
    snprintf(call, sizeof call, "qvl inspect %s", what);
    const inspect_options *o = options;
    QVL_TRY(cmd_check_topic(flags, QVL_COUNT(flags), o->given, what[0], call,
                            err));
    if (n - 1 < topics[i].least || n - 1 > topics[i].most)
        return qvl_fail(err, QVL_E_USAGE,
                        "argument (qvl inspect %s): found %d words behind "
                        "it, expected %s",
                        what, n - 1, topics[i].expected);
    return topics[i].run(o, word + 1, n - 1, err);
}

const cmd cmd_inspect = {
    .name = "inspect",
    .summary = "look inside: devices, models, tokens, pictures, programs, "
               "samples",
    .usage = "devices | model DIR [--json] | tokens --model DIR [--decode] "
             "[--no-special] | image --model DIR FILE... --output FILE "
             "[--profile NAME] | program --model DIR|--size NAME [--phase P] "
             "[--tokens N] [--image WxH] [--dtype T] [--checkpointing] [--json] "
             "| sample --config FILE [--epoch E] [--index I|--all] "
             "[--from SLOT] [--rank R --world N] [--json]",
    .details =
        "devices    every back end and device, its limits, its tile class\n"
        "model DIR  dims, parameters by group, storage, what is missing or\n"
        "           superfluous\n"
        "tokens     lines of standard input: JSON strings to arrays of ids,\n"
        "           or back; a folder with tokenizer files alone will do\n"
        "image      pictures as the model receives them: pixel_values,\n"
        "           image_grid_thw, resized.K u8 [h, w, 3] of each\n"
        "program    the steps of the generated program for one sequence, with\n"
        "           shapes, places in memory, operations, bytes\n"
        "sample     what a training run feeds: one slot of an epoch, or all,\n"
        "           made by the loader of training; --json prints a line each:\n"
        "           index of the record, ids, labels, grids, text, objects\n"
        "           (0..1000, as the answer has them). With training.packing the\n"
        "           samples of one row, or of all; --json tells row and sample\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(inspect_options),
    .given_at = offsetof(inspect_options, given),
    .run = run,
};
