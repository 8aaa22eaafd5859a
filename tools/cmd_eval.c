/* cmd_eval.c - qvl eval: scores of files with answers */
#include <string.h>

#include "cmd.h"
#include "eval.h"

#define AT(field) .at = offsetof(eval_options, field)

static const cmd_flag flags[] = {
    { .name = "json", .type = CMD_SWITCH, AT(json),
      .help = "JSON instead of tables" },
    { .name = "output", .type = CMD_TEXT, AT(output), .value = "FILE",
      .preset = "-", .help = "where the report goes, - is standard output" },
    { .name = "output-json", .type = CMD_TEXT, AT(output_json),
      .value = "FILE", .help = "JSON into a file, beside the report" },
    { .name = "beta", .type = CMD_TEXT, AT(beta), .value = "X",
      .help = "F_beta as well, X > 0" },
    { .name = "primary-threshold", .topics = "d", .type = CMD_TEXT, AT(primary),
      .value = "X", .preset = "0.5", .help = "overlap that a match needs" },
    { .name = "coco-thresholds", .topics = "d", .type = CMD_TEXT, AT(thresholds),
      .value = "LIST", .preset = "0.5:0.95:0.05",
      .help = "overlaps of the mean: X,X,... or FROM:TO:STEP" },
    { .name = "line-tol", .topics = "d", .type = CMD_TEXT, AT(line_tol),
      .value = "X", .preset = "8", .help = "half the width of lines, of 1000" },
    { .name = "modes", .topics = "d", .type = CMD_TEXT, AT(modes),
      .value = "LIST", .preset = "localization,phase,category,full",
      .help = "what has to be equal beside the place" },
    { .name = "top-k-categories", .topics = "d", .type = CMD_COUNT, AT(top_k),
      .value = "N", .preset = "25", .help = "categories that are told" },
    { .name = "attr-weights", .topics = "d", .type = CMD_TEXT, AT(weights),
      .value = "KEY=X,...", .help = "what attributes count, others 1 (default:"
                                    " visibility 0.1, distance 4)" },
    { .name = "umbrella", .topics = "d", .type = CMD_TEXT, AT(umbrella),
      .value = "NAME,...",
      .help = "categories whose first attribute belongs to the label" },
    { .name = "parse", .topics = "d", .type = CMD_TEXT, AT(parse),
      .value = "MODE", .preset = "tolerant", .help = "how answers are read: tolerant, strict" },
};

static const struct {
    const char *name;
    char letter;  // in the topics of flags
    int (*run)(const eval_options *o, const char *path, qvl_err *err);
} topics[] = {
    { "detections", 'd', eval_detections },
    { "summaries", 's', eval_summaries },
};

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const eval_options *o = options;
    size_t i = 0;
    while (n > 0 && i < QVL_COUNT(topics)
           && strcmp(word[0], topics[i].name) != 0)
        i++;
    if (n < 1 || i == QVL_COUNT(topics))
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl eval): found %s, "
                        "expected detections or summaries",
                        n > 0 ? word[0] : "nothing");
    if (n != 2)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl eval %s): found %d "
                        "files, expected one", topics[i].name, n - 1);
    QVL_TRY(cmd_check_topic(flags, QVL_COUNT(flags), o->given,
                            topics[i].letter, "qvl eval summaries", err));
    return topics[i].run(o, word[1], err);
}

const cmd cmd_eval = {
    .name = "eval",
    .summary = "scores of answers against the truth",
    .usage = "detections|summaries PRED.jsonl [--json] [--output FILE]\n"
             "           [--output-json FILE] [--beta X] [FLAGS]",
    .details =
        "detections: rows have gt_norm1000 and pred, lists of {type, points, desc} with\n"
        "coordinates from 0 to 1000, or response, the answer as text, as\n"
        "`qvl infer --jsonl` writes them.\n"
        "summaries: rows have labels, the true summary, or else gt or summary, and\n"
        "response, the answer, or else raw_text or pred, each a text. Items\n"
        "DESC×N joined by ， are compared; a summary in JSON only as a whole. Flags\n"
        "behind --beta are those of detections.\n"
        "Other rows are counted and left out.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(eval_options),
    .given_at = offsetof(eval_options, given),
    .run = run,
};
