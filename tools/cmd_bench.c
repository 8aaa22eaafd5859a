/* cmd_bench.c - measure: kernels, a model, training */
#include <string.h>

#include "bench.h"
#include "cmd.h"

#define AT(field) .at = offsetof(bench_options, field)

static const cmd_flag flags[] = {
    { .name = "model", .type = CMD_TEXT, .value = "DIR", AT(model),
      .help = "folder of the model" },
    { .name = "what", .type = CMD_TEXT, .value = "PART", AT(what),
      .help = "of a model: vision, prefill or decode (default: all)" },
    { .name = "op", .type = CMD_TEXT, .value = "NAME", AT(op),
      .help = "of kernels: those of this op alone" },
    { .name = "image", .type = CMD_TEXT, .value = "WxH", AT(image),
      .help = "size of the picture (default: 768x768)" },
    { .name = "prompt", .type = CMD_COUNT, .value = "N", AT(prompt),
      .preset = "512", .help = "tokens of a prompt" },
    { .name = "new", .type = CMD_COUNT, .value = "N", AT(fresh),
      .preset = "32", .help = "tokens of an answer" },
    { .name = "batch", .type = CMD_COUNT, .value = "N", AT(seats),
      .preset = "1", .help = "answers at a time" },
    { .name = "repeats", .type = CMD_COUNT, .value = "N", AT(repeats),
      .preset = "5", .help = "times each is measured" },
    { .name = "json", .type = CMD_SWITCH, AT(json),
      .help = "a line of JSON for each measurement" },
    CMD_DEVICE_FLAGS(bench_options),
};

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    bench_options o = *(const bench_options *)options;
    o.device = cmd_device(o.device);
    const char *what = n > 0 ? word[0] : "nothing";
    if (n != 1)
        return qvl_fail(err, QVL_E_USAGE,
                        "argument (qvl bench): found %d words, expected "
                        "kernels or model", n);
    if (strcmp(what, "kernels") == 0)
        return bench_kernels(&o, err);
    if (o.model == NULL)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --model: found nothing, expected a folder");
    if (o.prompt < 1 || o.fresh < 1 || o.seats < 1)
        return qvl_fail(err, QVL_E_USAGE,
                        "flags: found 0, expected at least 1 for --prompt, "
                        "--new and --batch");
    if (strcmp(what, "model") == 0)
        return bench_model(&o, err);
    return qvl_fail(err, QVL_E_USAGE,
                    "argument (qvl bench): found %s, expected kernels or "
                    "model", what);
}

const cmd cmd_bench = {
    .name = "bench",
    .summary = "measure kernels and models, beside what the device can do",
    .usage = "kernels | model --model DIR [--what PART]",
    .details =
        "Prints a line for each measurement: the shortest of its runs, its\n"
        "rate, and the share of the best product rate and copy rate of the\n"
        "device, which are measured in the same run.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(bench_options),
    .run = run,
};
