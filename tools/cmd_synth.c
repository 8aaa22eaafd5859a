/* cmd_synth.c - qvl data synth: drawn scenes to train on */
#include <stdbool.h>

#include "cmd.h"
#include "data/synth.h"

typedef struct {
    const char *output;
    int n;
    int seed;
    const char *kinds;
    bool summary;
    int size;
    int held_out;
    const char *exclude;
} synth_options;

#define AT(field) .at = offsetof(synth_options, field)

static const cmd_flag flags[] = {
    { .name = "output", .type = CMD_TEXT, AT(output), .value = "DIR",
      .is_needed = true, .help = "the new folder" },
    { .name = "n", .type = CMD_COUNT, AT(n), .value = "N", .is_needed = true,
      .help = "records to train on" },
    { .name = "seed", .type = CMD_COUNT, AT(seed), .value = "N",
      .preset = "0", .help = "the same seed draws the same" },
    { .name = "kinds", .type = CMD_TEXT, AT(kinds), .value = "LIST",
      .preset = "box", .help = "geometries, of box, poly, line" },
    { .name = "summary", .type = CMD_SWITCH, AT(summary),
      .help = "records have a summary too" },
    { .name = "size", .type = CMD_COUNT, AT(size), .value = "PX",
      .preset = "128", .help = "width and height of the pictures" },
    { .name = "held-out", .type = CMD_COUNT, AT(held_out), .value = "N",
      .preset = "0", .help = "records of val.jsonl, whose layouts training "
                             "does not have" },
    { .name = "exclude", .type = CMD_TEXT, AT(exclude), .value = "FILE.jsonl",
      .help = "records whose layouts training shall not have either" },
};

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const synth_options *o = options;
    qvl_synth_options synth = {
        .output = o->output, .n = (size_t)o->n,
        .n_held_out = (size_t)o->held_out, .exclude = o->exclude,
        .seed = (uint64_t)o->seed, .has_summary = o->summary,
        .scene.side_px = o->size,
    };
    if (n > 0)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl data synth): found "
                        "%s, expected flags alone", word[0]);
    if (o->n < 1)
        return qvl_fail(err, QVL_E_USAGE, "flag --n: found 0, expected 1 or "
                        "more");
    if (o->size < QVL_SCENE_MIN_SIDE || o->size > QVL_SCENE_MAX_SIDE)
        return qvl_fail(err, QVL_E_USAGE, "flag --size: found %d, expected %d "
                        "to %d px", o->size, QVL_SCENE_MIN_SIDE,
                        QVL_SCENE_MAX_SIDE);
    QVL_TRY(qvl_synth_kinds(&synth.scene, o->kinds, err));
    return qvl_synth(&synth, err);
}

const cmd cmd_data_synth = {
    .name = "data synth",
    .summary = "pictures of coloured shapes, and records of what is in them",
    .usage = "--output DIR --n N [--seed N] [--kinds box,poly,line]\n"
             "           [--summary] [--size PX] [--held-out N] "
             "[--exclude FILE.jsonl]",
    .details =
        "DIR gets train.jsonl, with --held-out val.jsonl, and images/. One to\n"
        "three shapes a picture. The same flags give the same bytes.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(synth_options),
    .run = run,
};
