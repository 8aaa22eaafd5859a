/* cmd_resize.c - qvl data resize: pictures and records at sizes of a model */
#include <stdio.h>

#include "cmd.h"
#include "data/align.h"
#include "progress_bar.h"
#include "record_file.h"

typedef struct {
    int max_pixels;
    int min_pixels;
    int factor;
    int quality;
    int threads;
    const char *progress;
} resize_options;

#define AT(field) .at = offsetof(resize_options, field)

static const cmd_flag flags[] = {
    { .name = "max-pixels", .type = CMD_COUNT, AT(max_pixels), .value = "N",
      .preset = "786432", .help = "largest picture" },
    { .name = "min-pixels", .type = CMD_COUNT, AT(min_pixels), .value = "N",
      .preset = "4096", .help = "smallest picture" },
    { .name = "factor", .type = CMD_COUNT, AT(factor), .value = "N",
      .preset = "32", .help = "both sides become multiples of it" },
    { .name = "quality", .type = CMD_COUNT, AT(quality), .value = "Q",
      .preset = "95", .help = "of JPEG files that are written again, 1 to 100" },
    { .name = "threads", .type = CMD_COUNT, AT(threads), .value = "N",
      .help = "(default: as many as there are processors)" },
    { .name = "progress", .type = CMD_TEXT, AT(progress), .value = "P",
      .preset = "auto", .help = PROGRESS_BAR_HELP },
};

static int check_options(const resize_options *o, qvl_err *err)
{
    if (o->factor < 1 || o->factor > 4096)
        return qvl_fail(err, QVL_E_USAGE, "flag --factor: found %d, expected 1 "
                        "to 4096", o->factor);
    if (o->min_pixels < 1 || o->min_pixels > o->max_pixels)
        return qvl_fail(err, QVL_E_USAGE, "flag --min-pixels: found %d, "
                        "expected 1 to --max-pixels, %d", o->min_pixels,
                        o->max_pixels);
    if (o->max_pixels < o->factor * o->factor)
        return qvl_fail(err, QVL_E_USAGE, "flag --max-pixels: found %d, "
                        "expected at least --factor squared, %d", o->max_pixels,
                        o->factor * o->factor);
    if (o->quality < 1 || o->quality > 100)
        return qvl_fail(err, QVL_E_USAGE, "flag --quality: found %d, expected 1"
                        " to 100", o->quality);
    return QVL_OK;
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const resize_options *o = options;
    if (n != 2)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl data resize): found %d"
                        " files, expected two: IN.jsonl OUT.jsonl", n);
    QVL_TRY(check_options(o, err));
    progress_bar bar;
    qvl_align_counts k;
    qvl_align_options align = {
        .input = word[0], .output = word[1], .quality = o->quality,
        .limits = { .rule = QVL_SIZE_PROCESSOR, .factor = o->factor,
                    .min_pixels = o->min_pixels, .max_pixels = o->max_pixels },
        .n_threads = o->threads, .on_progress = progress_bar_step, .ctx = &bar,
    };
    QVL_TRY(progress_bar_begin(&bar, "resize", o->progress, err));
    int rc = qvl_align(&align, &k, err);
    progress_bar_end(&bar);
    if (rc != QVL_OK)
        return rc;
    record_file_warn_of_root(word[1]);
    fprintf(stderr, "%s: %zu records; %zu pictures: %zu as they were, %zu made "
            "anew, %zu of these now PNG", word[1], k.n_records, k.n_pictures,
            k.n_copied, k.n_pictures - k.n_copied, k.n_renamed);
    if (k.n_inline > 0)
        fprintf(stderr, "; %zu data: URLs", k.n_inline);
    fprintf(stderr, "\n");
    return QVL_OK;
}

const cmd cmd_data_resize = {
    .name = "data resize",
    .summary = "pictures and records at sizes that a model takes as they are",
    .usage = "IN.jsonl OUT.jsonl [--max-pixels N] [--min-pixels N] "
             "[--factor N]\n"
             "           [--quality Q] [--threads N] [--progress P]",
    .details =
        "Pictures get the sizes that the processor of a model would give them: near\n"
        "their own, sides multiples of --factor. Width, height, and coordinates follow\n"
        "by the ratio of each axis; all else of a record stays. New pictures have below\n"
        "the folder of OUT the path that they had below that of IN (parts .. are left\n"
        "out, and the first slash of others). Those with their size already are copied,\n"
        "so the command changes nothing the second time. JPEG stays JPEG if this build\n"
        "can write it, all else that is resized is PNG, and called so; EXIF orientation\n"
        "is applied. What is read is never written over.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(resize_options),
    .run = run,
};
