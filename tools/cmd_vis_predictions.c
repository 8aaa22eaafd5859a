/* cmd_vis_predictions.c - qvl vis predictions: truth and answers as pictures
 *
 * Rows are those of `qvl infer --jsonl`, or of the gt_vs_pred.jsonl that is written
 * here. A row that cannot be drawn is told and left out, and the exit status says
 * so. The file is read twice, to know how many rows there are.
 */
#include <stdio.h>
#include <string.h>

#include "answer_file.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd.h"
#include "data/objects.h"
#include "data/picture.h"
#include "infer.h"
#include "score/overlay.h"
#include "vis.h"

typedef struct {
    const char *output;
    int n;
    int seed;
    const char *image_root;
    const char *font;
    const bool *given;
} predictions_options;

#define AT(field) .at = offsetof(predictions_options, field)

enum { FLAG_N = 1 };  // its place

static const cmd_flag flags[] = {
    { .name = "output", .type = CMD_TEXT, AT(output), .value = "DIR",
      .is_needed = true, .help = "folder of the pictures; it is made" },
    { .name = "n", .type = CMD_COUNT, AT(n), .value = "N",
      .help = "how many rows, drawn from all (default: all)" },
    { .name = "seed", .type = CMD_COUNT, AT(seed), .value = "N",
      .preset = "42", .help = "the same seed draws the same" },
    { .name = "image-root", .type = CMD_TEXT, AT(image_root), .value = "DIR",
      .help = "folder of relative picture paths (default: where qvl is called, "
              "as qvl infer writes them)" },
    { .name = "font", .type = CMD_TEXT, AT(font), .value = "FILE",
      .help = "letters beside ASCII: a .ttf, .otf or .ttc; FILE#N is font N of a "
              "collection" },
};

/* Matched, true, predicted. */
typedef struct {
    size_t n_true, n_pred, n_matched;
} sums;

typedef struct {
    const predictions_options *o;
    const char *path;
    answer_file file;
    qvl_arena arena;          // of the file
    qvl_arena row;            // of one row
    qvl_file_out *pairs;      // gt_vs_pred.jsonl
    vis v;
    sums sum;
    size_t n_rows, n_failed;
    size_t n_summaries;       // 1: the first line is no row
    qvl_err *err;
} call;

/* A row on its way to a page. */
typedef struct {
    call *c;
    const qvl_node *row;
    size_t number;
    answer_row sides;
    qvl_answer answer;
    const char *image;        // as the row names it
    qvl_image picture;
    int w, h;                 // px, of the row or the picture
    const qvl_object *truth;  // [n_true] norm1000
    int n_true;
    bool has_truth;
    const qvl_object *pred;   // [n_pred] norm1000
    int n_pred;
    qvl_err *err;
} shown;

/* ---- rows --------------------------------------------------------------- */

static int fail_row(const shown *s, const char *found, const char *wanted)
{
    return qvl_node_fail(s->row, s->err, QVL_E_DATA, "row: found %s, expected %s",
                         found, wanted);
}

/* The picture by the name that `infer` gives it, or gt_vs_pred.jsonl. */
static int find_image(shown *s)
{
    const qvl_node *list = qvl_node_find(s->row, "images");
    const qvl_node *name = qvl_node_find(s->row, "image_path");
    if (name == NULL && list != NULL && list->kind == QVL_NODE_LIST
        && list->n > 0)
        name = &list->items[0];
    if (!qvl_node_as_string(name, &s->image) || s->image[0] == '\0')
        return fail_row(s, "no picture", "images or image_path");
    return QVL_OK;
}

/* By its path, or a data:, http: or https: URL. */
static int open_picture(shown *s)
{
    const char *root = s->c->o->image_root;
    const char *name = s->image;
    if (qvl_fetch_is_url(name))
        QVL_TRY(infer_fetch(&name, 1, QVL_FETCH_MAX_BYTES, &s->c->row, s->err));
    else if (root != NULL && !qvl_picture_is_data(name) && name[0] != '/')
        name = qvl_arena_printf(&s->c->row, "%s/%s", root, name);
    return qvl_picture_load(&s->picture, name, NULL, s->err);
}

static int load_picture(shown *s)
{
    int rc = open_picture(s);
    if (rc != QVL_OK)
        qvl_err_add(s->err, "%s line %d", s->c->path, s->c->file.n_lines);
    return rc;
}

/* A side of the picture, px; the picture's own where the row has none. */
static int read_side(shown *s, const char *key, int own, int *out)
{
    const qvl_node *n = qvl_node_find(s->row, key);
    int64_t v = own;
    if (n != NULL && n->kind != QVL_NODE_NULL
        && (!qvl_node_as_int(n, &v) || v < 1 || v > QVL_IMAGE_MAX_SIDE))
        return qvl_node_fail(n, s->err, QVL_E_DATA, "%s: found %s, expected a "
                             "whole number of px", key,
                             n->kind == QVL_NODE_INT ? n->s
                                                     : qvl_node_kind_name(n->kind));
    *out = (int)v;
    return QVL_OK;
}

/* The truth: gt_norm1000, else gt, which is in px. */
static int read_truth(shown *s)
{
    const qvl_node *px = qvl_node_find(s->row, "gt");
    bool has_px = px != NULL && px->kind != QVL_NODE_NULL;
    const qvl_node *list = s->sides.truth != NULL ? s->sides.truth
                           : has_px               ? px
                                                  : NULL;
    if (list == NULL)
        return QVL_OK;
    s->has_truth = true;
    QVL_TRY(qvl_objects_read(&s->truth, &s->n_true, list, &s->c->row, s->err));
    if (s->sides.truth == NULL)
        s->truth = qvl_objects_to_norm(s->truth, s->n_true, s->w, s->h,
                                       &s->c->row);
    return QVL_OK;
}

/* Why there is no answer: what `infer` says of a record that failed. */
static int fail_answer(shown *s)
{
    const char *why;
    if (qvl_node_as_string(qvl_node_find(s->row, "error"), &why))
        return fail_row(s, qvl_arena_printf(&s->c->row, "no answer (%s)", why),
                        "pred or response");
    return fail_row(s, "neither pred nor response", "one of them");
}

static int read_row(shown *s)
{
    if (s->sides.pred == NULL && s->sides.text == NULL)
        return fail_answer(s);
    QVL_TRY(find_image(s));
    QVL_TRY(answer_row_read(&s->sides, &s->pred, &s->n_pred, &s->answer,
                            &s->c->row, s->err));
    QVL_TRY(load_picture(s));
    QVL_TRY(read_side(s, "width", s->picture.w, &s->w));
    QVL_TRY(read_side(s, "height", s->picture.h, &s->h));
    return read_truth(s);
}

/* ---- the page ----------------------------------------------------------- */

#define MAX_NOTES 8

typedef struct {
    qvl_note note[MAX_NOTES];
    int n;
} notes;

static void add_note(notes *to, qvl_note_kind kind, const char *text)
{
    to->note[to->n++] = (qvl_note){ kind, text };
}

/* A picture of another size than the row says may be another picture. */
static void add_size_note(shown *s, notes *to)
{
    vis *v = &s->c->v;
    add_note(to, QVL_NOTE_TEXT, qvl_arena_printf(&v->arena, "%d x %d px",
                                                 s->picture.w, s->picture.h));
    if (s->w == s->picture.w && s->h == s->picture.h)
        return;
    const char *text = qvl_arena_printf(&v->arena, "picture: found %d x %d px, "
                                        "expected width and height of the row, "
                                        "%d x %d", s->picture.w, s->picture.h,
                                        s->w, s->h);
    qvl_log(QVL_LOG_WARN, "%s line %d: %s", s->c->path, s->c->file.n_lines, text);
    add_note(to, QVL_NOTE_ALARM, text);
}

static void add_notes(shown *s, notes *to)
{
    vis *v = &s->c->v;
    const char *name = qvl_picture_name(s->image);
    const char *slash = strrchr(name, '/');
    add_note(to, QVL_NOTE_TITLE,
             vis_text(v, "file", qvl_arena_printf(&v->arena, "%s:%d",
                                                  s->c->path, s->c->file.n_lines)));
    add_note(to, QVL_NOTE_TEXT,
             vis_text(v, "picture", slash != NULL ? slash + 1 : name));
    add_size_note(s, to);
    if (s->sides.how.n_images > 1)
        add_note(to, QVL_NOTE_TEXT,
                 qvl_arena_printf(&v->arena, "the first of %d pictures",
                                  s->sides.how.n_images));
    if (s->sides.how.is_cut)
        add_note(to, QVL_NOTE_TEXT, "the token limit ended the answer");
    if (s->sides.text != NULL && s->answer.level != QVL_ANSWER_STRICT)
        add_note(to, QVL_NOTE_TEXT,
                 qvl_arena_printf(&v->arena, "answer: %s",
                                  qvl_answer_level_name(s->answer.level)));
    if (!s->has_truth)
        add_note(to, QVL_NOTE_TEXT, "the truth is not known");
}

static int draw_page(shown *s, const char *png, int *n_matched)
{
    notes to = { .n = 0 };
    add_notes(s, &to);
    qvl_overlay o = {
        .truth = s->truth, .n_true = s->n_true, .has_truth = s->has_truth,
        .pred = s->pred, .n_pred = s->n_pred,
        .note = to.note, .n_notes = to.n, .categories = &s->c->v.categories,
    };
    return qvl_overlay_write(png, n_matched, &s->picture, &o, s->err);
}

/* ---- lines -------------------------------------------------------------- */

/* Categories of this row, each once, by their numbers in the pictures. */
static void put_categories(shown *s)
{
    vis *v = &s->c->v;
    qvl_categories *all = &v->categories;
    bool *is_there = qvl_arena_array(&v->arena, bool, all->n + 1);
    const char *sep = "";
    for (int i = 0; i < s->n_true; i++)
        is_there[qvl_categories_find(all, s->truth[i].desc)->number] = true;
    for (int i = 0; i < s->n_pred; i++)
        is_there[qvl_categories_find(all, s->pred[i].desc)->number] = true;
    qvl_str_puts(&v->line, ", \"categories\": [");
    for (int i = 1; i <= all->n; i++) {
        if (!is_there[i])
            continue;
        const char *name = all->category[i - 1]->name;
        qvl_str_printf(&v->line, "%s{\"number\": %d, \"name\": ", sep, i);
        qvl_json_quote(&v->line, name, strlen(name));
        qvl_str_putc(&v->line, '}');
        sep = ", ";
    }
    qvl_str_putc(&v->line, ']');
}

static int put_index(shown *s, const char *name, int n_matched)
{
    vis *v = &s->c->v;
    qvl_str_puts(&v->line, "{\"file\": ");
    qvl_json_quote(&v->line, s->c->path, strlen(s->c->path));
    qvl_str_printf(&v->line, ", \"line\": %d", s->c->file.n_lines);
    vis_put_text(v, "png", name);
    vis_put_text(v, "image_path", qvl_picture_name(s->image));
    if (s->has_truth)
        qvl_str_printf(&v->line, ", \"n_true\": %d, \"n_matched\": %d",
                       s->n_true, n_matched);
    qvl_str_printf(&v->line, ", \"n_pred\": %d", s->n_pred);
    put_categories(s);
    qvl_str_putc(&v->line, '}');
    return vis_write_line(v, v->index, s->err);
}

static void put_objects(vis *v, const char *key, const qvl_object *object,
                        int n)
{
    qvl_str_printf(&v->line, ", \"%s\": ", key);
    qvl_objects_put(&v->line, object, n);
}

/* A text of the row under `key`, or what `otherwise` has. */
static void put_own_text(shown *s, const char *key, const char *otherwise)
{
    const char *text;
    if (qvl_node_as_string(qvl_node_find(s->row, key), &text)
        || qvl_node_as_string(qvl_node_find(s->row, otherwise), &text))
        vis_put_text(&s->c->v, key, text);
}

/* `response` is without special tokens, so it is the clean text. */
static int put_pair(shown *s)
{
    vis *v = &s->c->v;
    qvl_str_puts(&v->line, "{\"image_path\": ");
    qvl_json_quote(&v->line, s->image, strlen(s->image));
    qvl_str_printf(&v->line, ", \"width\": %d, \"height\": %d", s->w, s->h);
    if (s->has_truth) {
        put_objects(v, "gt", qvl_objects_to_px(s->truth, s->n_true, s->w, s->h,
                                               &s->c->row), s->n_true);
        put_objects(v, "gt_norm1000", s->truth, s->n_true);
    }
    put_objects(v, "pred", s->pred, s->n_pred);
    put_own_text(s, "raw_text", "raw_text");
    put_own_text(s, "clean_text", "response");
    qvl_str_putc(&v->line, '}');
    return vis_write_line(v, s->c->pairs, s->err);
}

/* ---- all rows ----------------------------------------------------------- */

static int show_steps(void *arg)
{
    shown *s = arg;
    vis *v = &s->c->v;
    int n_matched = 0;
    const char *name = vis_name(v, s->number);
    QVL_TRY(draw_page(s, vis_path(v, name), &n_matched));
    QVL_TRY(put_index(s, name, n_matched));
    QVL_TRY(put_pair(s));
    vis_warn(v);
    v->n_drawn++;
    if (s->has_truth) {
        s->c->sum.n_true += (size_t)s->n_true;
        s->c->sum.n_matched += (size_t)n_matched;
    }
    s->c->sum.n_pred += (size_t)s->n_pred;
    return QVL_OK;
}

static int read_steps(void *arg)
{
    return read_row(arg);
}

/* What is wrong with a row is told, and the others go on. */
static void tell(call *c, const qvl_err *err)
{
    c->n_failed++;
    qvl_log(QVL_LOG_ERROR, "%s", err->msg);
}

static int show_row(call *c, const qvl_node *row, size_t number)
{
    qvl_err wrong = { 0 };
    shown s = { .c = c, .row = row, .number = number, .err = &wrong };
    answer_row_find(&s.sides, row);
    qvl_arena_reset(&c->v.arena);
    qvl_str_reset(&c->v.line);
    int rc = qvl_guard(read_steps, &s, &wrong);
    if (rc == QVL_OK) {
        s.err = c->err;
        rc = qvl_guard(show_steps, &s, c->err);
    } else if (rc == QVL_E_MEMORY) {
        *c->err = wrong;
    } else {
        tell(c, &wrong);
        rc = QVL_OK;
    }
    qvl_image_release(&s.picture);
    return rc;
}

/* Is a first row a summary of the file? */
static bool is_summary(const qvl_node *row)
{
    answer_row r;
    answer_row_find(&r, row);
    return r.truth == NULL && r.pred == NULL && r.text == NULL
           && qvl_node_find(row, "error") == NULL;
}

/* The next row; *wrong is set for a bad one, *row is NULL at the end. */
static int next_row(call *c, const qvl_node **row, qvl_err *wrong)
{
    *wrong = (qvl_err){ 0 };
    qvl_arena_reset(&c->row);
    int rc = answer_file_next(&c->file, row, &c->row, wrong);
    bool is_end = rc == QVL_E_IO || rc == QVL_E_MEMORY;
    if (is_end)
        *c->err = *wrong;
    return is_end ? rc : QVL_OK;
}

static int count_rows(call *c)
{
    const qvl_node *row;
    qvl_err wrong;
    QVL_TRY(answer_file_open(&c->file, c->path, c->err));
    for (;;) {
        QVL_TRY(next_row(c, &row, &wrong));
        if (wrong.code != QVL_OK)
            continue;
        if (row == NULL)
            break;
        if (c->file.n_rows == 1 && is_summary(row))
            c->n_summaries = 1;
    }
    c->n_rows = c->file.n_rows - c->n_summaries;
    answer_file_close(&c->file);
    return QVL_OK;
}

/* is_chosen: [n_rows]. */
static int show_rows(call *c, const bool *is_chosen)
{
    const qvl_node *row;
    qvl_err wrong;
    QVL_TRY(answer_file_open(&c->file, c->path, c->err));
    for (;;) {
        QVL_TRY(next_row(c, &row, &wrong));
        if (wrong.code == QVL_OK && row == NULL)
            break;
        size_t number = c->file.n_rows - 1 - c->n_summaries;
        if (number >= c->n_rows || !is_chosen[number])
            continue;  // the summary has the largest of all numbers
        if (wrong.code != QVL_OK)
            tell(c, &wrong);
        else
            QVL_TRY(show_row(c, row, number));
    }
    answer_file_close(&c->file);
    return QVL_OK;
}

static int report(call *c)
{
    const sums *s = &c->sum;
    printf("%s: %zu of %zu rows; objects: %zu true, %zu found, %zu matched\n",
           c->o->output, c->v.n_drawn, c->n_rows, s->n_true, s->n_pred,
           s->n_matched);
    if (c->n_failed > 0)
        return qvl_fail(c->err, QVL_E_DATA, "rows: found %zu that cannot be "
                        "drawn, expected none", c->n_failed);
    return QVL_OK;
}

static int run_steps(void *arg)
{
    call *c = arg;
    QVL_TRY(count_rows(c));
    if (c->n_rows == 0)
        return qvl_fail(c->err, QVL_E_DATA, "file %s: found no row, expected "
                        "one or more", c->path);
    QVL_TRY(vis_open(&c->v, c->o->output, c->o->font, c->err));
    QVL_TRY(qvl_file_out_open(&c->pairs, vis_path(&c->v, "gt_vs_pred.jsonl"),
                              c->err));
    QVL_TRY(show_rows(c, vis_choose(c->n_rows, c->o->n, c->o->seed,
                                    &c->arena)));
    QVL_TRY(vis_commit(&c->v, c->err));
    qvl_file_out *pairs = c->pairs;
    c->pairs = NULL;
    QVL_TRY(qvl_file_out_commit(pairs, c->err));
    return report(c);
}

/* ---- the command -------------------------------------------------------- */

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    const predictions_options *o = options;
    call c = { .o = o, .err = err };
    if (n != 1)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl vis predictions): "
                        "found %d files, expected one", n);
    if (o->given[FLAG_N] && o->n < 1)
        return qvl_fail(err, QVL_E_USAGE, "flag --n: found 0, expected 1 or "
                        "more");
    c.path = word[0];
    int rc = qvl_guard(run_steps, &c, err);
    answer_file_close(&c.file);
    qvl_file_out_abort(c.pairs);
    vis_close(&c.v);
    qvl_arena_release(&c.row);
    qvl_arena_release(&c.arena);
    return rc;
}

const cmd cmd_vis_predictions = {
    .name = "vis predictions",
    .summary = "truth and answers beside each other, as pictures",
    .usage = "PRED.jsonl --output DIR [--n N] [--seed N] [--image-root DIR]\n"
             "           [--font FILE]",
    .details =
        "Rows are those of `qvl infer --jsonl` or of gt_vs_pred.jsonl: images or\n"
        "image_path, pred or response, and for the truth gt_norm1000, or gt in px with\n"
        "width and height. True objects that were not found at their place, and\n"
        "found ones that are nowhere, have a red edge. DIR gets vis_NNNNN.png by\n"
        "the number of the row, from 0 on, index.jsonl with what is on them, and\n"
        "gt_vs_pred.jsonl with image_path, width, height, gt, gt_norm1000, pred,\n"
        "raw_text and clean_text as far as a row has them.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(predictions_options),
    .given_at = offsetof(predictions_options, given),
    .run = run,
};
