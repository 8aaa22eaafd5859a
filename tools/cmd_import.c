/* cmd_import.c - qvl data import: annotations of other formats to records */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/folder.h"
#include "cmd.h"
#include "data/import.h"
#include "progress_bar.h"
#include "record_file.h"

typedef struct {
    const char *images;
    const char *output;
    bool polygons;
    int poly_max_points;
    double min_size;
    int threads;
    const char *progress;
    const bool *given;
} import_options;

#define AT(field) .at = offsetof(import_options, field)

enum { IMAGES, OUTPUT, POLYGONS, MAX_POINTS, MIN_SIZE, THREADS,
       PROGRESS };

static const cmd_flag flags[] = {
    [IMAGES] = { .name = "images", .type = CMD_TEXT, AT(images),
      .value = "DIR", .is_needed = true,
      .help = "folder of the pictures" },
    [OUTPUT] = { .name = "output", .type = CMD_TEXT, AT(output),
      .value = "OUT.jsonl", .is_needed = true,
      .help = "the new file, - is standard output" },
    [POLYGONS] = { .name = "polygons", .type = CMD_SWITCH, AT(polygons),
      .help = "polygons where the segmentation has them, else boxes" },
    [MAX_POINTS] = { .name = "poly-max-points", .type = CMD_COUNT,
      AT(poly_max_points), .value = "N",
      .help = "with --polygons: one of more points becomes its bounds "
              "(default: any number)" },
    [MIN_SIZE] = { .name = "min-size", .type = CMD_REAL, AT(min_size),
      .value = "PX", .preset = "1",
      .help = "leave out objects with a side of the box, as clipped, below this" },
    [THREADS] = { .name = "threads", .type = CMD_COUNT, AT(threads),
      .value = "N",
      .help = "(default: as many as there are processors)" },
    [PROGRESS] = { .name = "progress", .type = CMD_TEXT, AT(progress),
      .value = "P", .preset = "auto", .help = PROGRESS_BAR_HELP },
};

static const char *const formats[] = { [QVL_IMPORT_COCO] = "coco",
                                       [QVL_IMPORT_LVIS] = "lvis" };

typedef struct {
    const import_options *o;
    qvl_import_options import;
    qvl_import_counts counts;
    progress_bar bar;
    qvl_arena arena;
    qvl_file_out *out;  // NULL: standard output
    qvl_err *err;
} call;

static int put_line(void *ctx, const char *line, size_t len, qvl_err *err)
{
    call *c = ctx;
    if (c->out != NULL)
        return qvl_file_out_write(c->out, line, len, err);
    return fwrite(line, 1, len, stdout) == len ? QVL_OK : cmd_fail_output(err);
}

/* ---- what was left out -------------------------------------------------- */

static void tell(size_t n, const char *what)
{
    if (n > 0)
        fprintf(stderr, "  %8zu  %s\n", n, what);
}

static void tell_counts(const call *c)
{
    const qvl_import_counts *n = &c->counts;
    fprintf(stderr, "%s: %zu records of %zu pictures; of %zu annotations ",
            c->o->output, n->n_records, n->n_pictures, n->n_annotations);
    fprintf(stderr, "%zu bbox_2d, %zu poly\n", n->of_kind[QVL_GEOM_BOX],
            n->of_kind[QVL_GEOM_POLY]);
    tell(n->n_empty, "pictures left out: no object");
    tell(n->n_crowd, "annotations left out: of crowds");
    tell(n->n_outside, "annotations left out: outside of the picture");
    tell(n->n_small, "annotations left out: too small");
    tell(n->n_masks, "boxes for masks (RLE)");
    tell(n->n_ringless, "boxes where no ring has an area");
    tell(n->n_many_points, "bounds for polygons of more points");
    tell(n->n_renamed, "categories with other blanks in desc than in their "
                       "names");
}

/* ---- the command -------------------------------------------------------- */

static int run_steps(void *arg)
{
    call *c = arg;
    bool is_stdout = strcmp(c->o->output, "-") == 0;
    c->import.folder = is_stdout ? "." : qvl_folder_above(c->o->output,
                                                          &c->arena);
    if (!is_stdout && qvl_file_is_same(c->import.path, c->o->output))
        return qvl_fail(c->err, QVL_E_USAGE, "output (%s): found the file that "
                        "is read, expected another", c->o->output);
    if (!is_stdout)
        QVL_TRY(qvl_file_out_open(&c->out, c->o->output, c->err));
    QVL_TRY(qvl_import(&c->import, put_line, c, &c->counts, c->err));
    qvl_file_out *out = c->out;
    c->out = NULL;
    return out != NULL ? qvl_file_out_commit(out, c->err) : QVL_OK;
}

static int check_options(const import_options *o, qvl_err *err)
{
    if (!(o->min_size >= 0.0) || !isfinite(o->min_size))
        return qvl_fail(err, QVL_E_USAGE, "flag --min-size: found %g, expected "
                        "0 or more px", o->min_size);
    if (o->given[MAX_POINTS] && !o->polygons)
        return qvl_fail(err, QVL_E_USAGE, "flag --poly-max-points: found it "
                        "without --polygons, expected both");
    if (o->given[MAX_POINTS] && o->poly_max_points < 3)
        return qvl_fail(err, QVL_E_USAGE, "flag --poly-max-points: found %d, "
                        "expected 3 or more", o->poly_max_points);
    return QVL_OK;
}

static int read_format(const char *word, qvl_import_format *format,
                       qvl_err *err)
{
    for (size_t i = 0; i < QVL_COUNT(formats); i++)
        if (strcmp(word, formats[i]) == 0) {
            *format = (qvl_import_format)i;
            return QVL_OK;
        }
    return qvl_fail(err, QVL_E_USAGE, "argument (qvl data import): found %s, "
                    "expected coco or lvis", word);
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const import_options *o = options;
    call c = { .o = o, .err = err,
               .import = { .pictures = o->images,
                           .has_polygons = o->polygons,
                           .poly_max_points = o->poly_max_points,
                           .min_size_px = o->min_size,
                           .n_threads = o->threads } };
    QVL_TRY(read_format(n > 0 ? word[0] : "nothing", &c.import.format, err));
    if (n != 2)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl data import): found "
                        "%d files, expected one", n - 1);
    QVL_TRY(check_options(o, err));
    c.import.path = word[1];
    c.import.on_progress = progress_bar_step;
    c.import.progress_ctx = &c.bar;
    QVL_TRY(progress_bar_begin(&c.bar, "import", o->progress, err));
    int rc = qvl_guard(run_steps, &c, err);
    progress_bar_end(&c.bar);
    qvl_file_out_abort(c.out);
    qvl_arena_release(&c.arena);
    if (rc != QVL_OK)
        return rc;
    record_file_warn_of_root(o->output);
    tell_counts(&c);
    return QVL_OK;
}

const cmd cmd_data_import = {
    .name = "data import",
    .summary = "records of the annotations of COCO or LVIS",
    .usage = "coco|lvis ANNOTATIONS.json --images DIR --output OUT.jsonl\n"
             "           [--polygons] [--poly-max-points N] [--min-size PX] "
             "[--threads N]\n"
             "           [--progress P]",
    .details =
        "ANNOTATIONS has images, annotations, categories, as COCO instances have; each\n"
        "picture with an object becomes a record, in the order of images. Boxes are\n"
        "clipped to the picture. Annotations of crowds (iscrowd), those outside of the\n"
        "picture and those that are too small are left out and counted. A polygon is\n"
        "the ring with the largest area, clipped; the box stands for masks (RLE).\n"
        "desc is the name of the category: trimmed, blanks in a row as one, none beside\n"
        "',' and '/'; '_' stays. Pictures are DIR/file_name; with lvis, where there is no\n"
        "file_name, DIR and the last two parts of coco_url, else the last one. Records\n"
        "name them relative to the folder of OUT, unless they share no folder but /.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(import_options),
    .given_at = offsetof(import_options, given),
    .run = run,
};
