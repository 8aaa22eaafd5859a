/* cmd_bench.c - measure: kernels, a model, training; search better tiles
 *
 * What a flag is for stands with it as letters, those of the table of topics:
 * k kernels, p kernels --model (programs), m model, t train --model, c train
 * --config, d data --config, s tune (search). A flag without letters is for all.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "cmd.h"

#define AT(field) .at = offsetof(bench_options, field)

static const cmd_flag flags[] = {
    { .name = "model", .type = CMD_TEXT, .value = "DIR", AT(model),
      .topics = "pmt", .help = "folder of the model" },
    { .name = "config", .type = CMD_TEXT, .value = "FILE", AT(config),
      .topics = "cd",
      .help = "train: configuration of a run, instead of a model; data: its "
              "samples" },
    { .name = "what", .type = CMD_TEXT, .value = "PART", AT(what),
      .topics = "m",
      .help = "model: vision, prefill or decode (default: all)" },
    { .name = "op", .type = CMD_TEXT, .value = "NAME", AT(op),
      .topics = "kps", .help = "kernels, tune: those of this op alone" },
    { .name = "shapes", .type = CMD_TEXT, .value = "FILE", AT(shapes),
      .topics = "k",
      .help = "kernels: lines of JSON with name and shape, such as --json "
              "prints, instead of those built in" },
    { .name = "tuner", .type = CMD_TEXT, .value = "T", AT(tuner),
      .topics = "tc",
      .help = "train: full, every parameter; there are no adapters (default: "
              "that of the configuration, else full)" },
    { .name = "image", .type = CMD_TEXT, .value = "WxH", AT(image),
      .topics = "pmt",
      .help = "size of the picture, or none (default: 768x768)" },
    { .name = "tokens", .type = CMD_COUNT, .value = "N", AT(tokens),
      .topics = "pt", .help = "train, kernels: tokens of text (default: 512)" },
    { .name = "checkpointing", .type = CMD_SWITCH, AT(checkpointing),
      .topics = "ptc",
      .help = "train, kernels: compute a layer's activations twice" },
    { .name = "prompt", .type = CMD_COUNT, .value = "N", AT(prompt),
      .topics = "m", .help = "model: tokens of a prompt (default: 512)" },
    { .name = "new", .type = CMD_COUNT, .value = "N", AT(fresh),
      .topics = "m", .help = "model: tokens of an answer (default: 32)" },
    { .name = "batch", .type = CMD_COUNT, .value = "N", AT(seats),
      .topics = "m", .help = "model: answers at a time (default: 1)" },
    { .name = "budget", .type = CMD_COUNT, .value = "SECONDS", AT(budget_s),
      .topics = "s", .help = "tune: time to search (default: 300)" },
    { .name = "dry-run", .type = CMD_SWITCH, AT(is_dry_run),
      .topics = "s", .help = "tune: write nothing" },
    { .name = "repeats", .type = CMD_COUNT, .value = "N", AT(repeats),
      .preset = "5", .help = "times each is measured; tune: pairs of runs" },
    { .name = "json", .type = CMD_SWITCH, AT(json),
      .help = "a line of JSON for each measurement" },
    CMD_DEVICE_FLAGS(bench_options, device, n_threads, CMD_COUNT,
                     "that of the configuration, else ", NULL,
                     " (default: that of the configuration, else f32)"),
};

/* What is measured; the letter is that of `topics` in the flags. */
static const struct {
    const char *name;
    char letter;
    int (*run)(const bench_options *o, qvl_err *err);
    bool has_model, has_config;
} topics[] = {
    { "kernels", 'k', bench_kernels, false, false },
    { "kernels", 'p', bench_programs, true, false },
    { "model", 'm', bench_model, true, false },
    { "train", 't', bench_train, true, false },
    { "train", 'c', bench_train, false, true },
    { "data", 'd', bench_data, false, true },
    { "tune", 's', bench_tune, false, false },
    { "tune", 's', bench_tune, true, false },  // says that --model is none
};

/* Every flag that is given is one that the topic takes. */
static int check_flags(const bench_options *o, const char *topic, char letter,
                       qvl_err *err)
{
    char call[64];
    snprintf(call, sizeof call, "qvl bench %s%s", topic,
             o->config != NULL  ? " --config"
             : o->model != NULL ? " --model" : "");
    return cmd_check_topic(flags, QVL_COUNT(flags), o->given, letter, call,
                           err);
}

/* A count of nothing is no wish for the default. */
static int check_counts(const bench_options *o, qvl_err *err)
{
    for (size_t i = 0; i < QVL_COUNT(flags); i++) {
        int value;
        if (!o->given[i] || flags[i].type != CMD_COUNT
            || strcmp(flags[i].name, "threads") == 0)
            continue;
        memcpy(&value, (const char *)o + flags[i].at, sizeof value);
        if (value == 0)
            return qvl_fail(err, QVL_E_USAGE,
                            "flag --%s: found 0, expected at least 1",
                            flags[i].name);
    }
    return QVL_OK;
}

static void set_defaults(bench_options *o)
{
    o->tokens = o->tokens != 0 ? o->tokens : 512;
    o->prompt = o->prompt != 0 ? o->prompt : 512;
    o->fresh = o->fresh != 0 ? o->fresh : 32;
    o->seats = o->seats != 0 ? o->seats : 1;
    o->budget_s = o->budget_s != 0 ? o->budget_s : 300;
    if (o->config != NULL)
        return;
    o->device = cmd_device(o->device);
    o->dtype = o->dtype != NULL ? o->dtype : "f32";
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    bench_options o = *(const bench_options *)options;
    const char *what = n == 1 ? word[0] : n == 0 ? "nothing" : "more words";
    char letter = '\0';
    QVL_TRY(check_counts(&o, err));
    if (o.repeats < 1 || o.repeats > BENCH_MAX_REPEATS)
        return qvl_fail(err, QVL_E_USAGE, "flag --repeats: found %d, expected "
                        "1 to %d", o.repeats, BENCH_MAX_REPEATS);
    for (size_t i = 0; i < QVL_COUNT(topics); i++) {
        if (strcmp(what, topics[i].name) != 0)
            continue;
        letter = topics[i].letter;
        if (topics[i].has_model != (o.model != NULL)
            || topics[i].has_config != (o.config != NULL))
            continue;
        QVL_TRY(check_flags(&o, what, letter, err));
        set_defaults(&o);
        return topics[i].run(&o, err);
    }
    if (letter == '\0')
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl bench): found %s, "
                        "expected kernels, model, train, data or tune", what);
    bool has_config = strcmp(what, "train") == 0 || strcmp(what, "data") == 0;
    if (!has_config && o.config != NULL)
        return check_flags(&o, what, letter, err);
    if (letter == 'd')
        return qvl_fail(err, QVL_E_USAGE, "flag --config (qvl bench data): found %s, "
                        "expected --config FILE alone",
                        o.config == NULL ? "nothing" : "it together with --model");
    return qvl_fail(err, QVL_E_USAGE,
                    "flag --model (qvl bench %s): found %s, expected %s", what,
                    o.model == NULL ? "nothing" : "it together with --config",
                    strcmp(what, "train") == 0
                        ? "--model DIR or --config FILE" : "--model DIR alone");
}

const cmd cmd_bench = {
    .name = "bench",
    .summary = "measure kernels and models, beside what the device can do",
    .usage = "kernels [--model DIR|--shapes FILE] | model --model DIR [--what "
             "PART] | train --model DIR|--config FILE [--tuner full] | data "
             "--config FILE | tune [--budget SECONDS]",
    .details =
        "kernels    products and attention of fixed sizes, or of those in a\n"
        "           file of lines {\"name\": \"matmul_nt\", \"shape\": \"M x N x K\"},\n"
        "           {\"name\": \"attention\", \"shape\": \"TOKENS x HEADS heads of N\"};\n"
        "           with a model every kernel of its programs, timed where it\n"
        "           stands\n"
        "model      vision tower, prompt, decoding\n"
        "train      an optimizer step: all parameters of a model on a picture\n"
        "           and text, or the first step of a configuration\n"
        "data       samples of a configuration on one processor, step by step\n"
        "tune       search better tile sizes for this device; winners go to\n"
        "           the user's table, which later runs read (QVL_TUNE)\n"
        "Prints a line for each measurement: the shortest of its runs, its\n"
        "rate, and the share of the best product rate and copy rate of the\n"
        "device, which are measured in the same run.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(bench_options),
    .given_at = offsetof(bench_options, given),
    .run = run,
};
