/* cmd_eval.c - scores of files with answers
 *
 * One line is in memory at a time; from row to row score/detection.h keeps counts. A
 * row with both pred and a text is scored by pred, and the text tells of its form
 * alone. A first row with neither side is taken for a summary of the file; any other
 * row that lacks one is counted and left out, with a warning at the end.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd.h"
#include "data/objects.h"
#include "infer/parse.h"
#include "score/detection.h"

#define MAX_WEIGHTS 64
#define MAX_UMBRELLAS 256

typedef struct {
    bool json;
    const char *output;
    const char *output_json;
    const char *primary;
    const char *thresholds;
    const char *line_tol;
    const char *modes;
    int top_k;
    const char *beta;
    const char *weights;
    const char *umbrella;
    const char *parse;
} eval_options;

#define AT(field) .at = offsetof(eval_options, field)

static const cmd_flag flags[] = {
    { .name = "json", .type = CMD_SWITCH, AT(json),
      .help = "JSON instead of tables" },
    { .name = "output", .type = CMD_TEXT, AT(output), .value = "FILE",
      .preset = "-", .help = "where the report goes, - is standard output" },
    { .name = "output-json", .type = CMD_TEXT, AT(output_json),
      .value = "FILE", .help = "JSON into a file, beside the report" },
    { .name = "primary-threshold", .type = CMD_TEXT, AT(primary),
      .value = "X", .preset = "0.5", .help = "overlap that a match needs" },
    { .name = "coco-thresholds", .type = CMD_TEXT, AT(thresholds),
      .value = "LIST", .preset = "0.5:0.95:0.05",
      .help = "overlaps of the mean: X,X,... or FROM:TO:STEP" },
    { .name = "line-tol", .type = CMD_TEXT, AT(line_tol), .value = "X",
      .preset = "8", .help = "half the width of lines, of 1000" },
    { .name = "modes", .type = CMD_TEXT, AT(modes), .value = "LIST",
      .preset = "localization,phase,category,full",
      .help = "what has to be equal beside the place" },
    { .name = "top-k-categories", .type = CMD_COUNT, AT(top_k), .value = "N",
      .preset = "25", .help = "categories that are told" },
    { .name = "beta", .type = CMD_TEXT, AT(beta), .value = "X",
      .help = "F_beta as well, X > 0" },
    { .name = "attr-weights", .type = CMD_TEXT, AT(weights),
      .value = "KEY=X,...", .help = "what attributes count, others 1 (default:"
                                    " visibility 0.1, distance 4)" },
    { .name = "umbrella", .type = CMD_TEXT, AT(umbrella),
      .value = "NAME,...",
      .help = "categories whose first attribute belongs to the label" },
    { .name = "parse", .type = CMD_TEXT, AT(parse), .value = "MODE",
      .preset = "tolerant", .help = "how answers are read: tolerant, strict" },
};

typedef struct {
    const eval_options *options;
    const char *path;
    FILE *file;
    char *line;  // of getline
    size_t cap;
    qvl_arena arena;  // of all
    qvl_arena row;    // of one line
    qvl_detection score;
    qvl_parse_mode parse;
    long long n_rows, n_scored;
    qvl_str report;
    qvl_err *err;
} eval;

/* ---- options ------------------------------------------------------------ */

static int read_number(const char *flag, const char *text, double least,
                       double most, double *out, qvl_err *err)
{
    double v;
    if (!qvl_node_read_float(text, strlen(text), &v) || !(v >= least)
        || !(v <= most))
        return qvl_fail(err, QVL_E_USAGE, "flag --%s: found %s, expected a "
                        "number from %g to %g", flag, text, least, most);
    *out = v;
    return QVL_OK;
}

/* Parts of a list between commas, without empty ones: [*n] of the arena. */
static const char **split(eval *e, const char *text, size_t *n)
{
    char *copy = qvl_arena_strdup(&e->arena, text);
    const char **part =
        qvl_arena_array(&e->arena, const char *, strlen(text) + 1);
    char *rest = copy;
    char *word;
    *n = 0;
    while ((word = strsep(&rest, ",")) != NULL)
        if (*word != '\0')
            part[(*n)++] = word;
    return part;
}

static int fail_thresholds(eval *e)
{
    return qvl_fail(e->err, QVL_E_USAGE, "flag --coco-thresholds: found %s, "
                    "expected up to %d rising numbers above 0 up to 1, or "
                    "FROM:TO:STEP", e->options->thresholds,
                    QVL_DETECTION_MAX_THRESHOLDS);
}

/* FROM:TO:STEP to numbers with few digits, as if each were written. */
static int read_range(eval *e, double *to, int *n)
{
    char *copy = qvl_arena_strdup(&e->arena, e->options->thresholds);
    double v[3];
    for (int i = 0; i < 3; i++) {
        const char *word = strsep(&copy, ":");
        if (word == NULL || !qvl_node_read_float(word, strlen(word), &v[i]))
            return fail_thresholds(e);
    }
    double count = floor((v[1] - v[0]) / v[2] + 1e-6) + 1;
    if (copy != NULL || !(v[2] > 0) || !(count >= 1)
        || !(count <= QVL_DETECTION_MAX_THRESHOLDS))
        return fail_thresholds(e);
    *n = (int)count;
    for (int i = 0; i < *n; i++)
        to[i] = rint((v[0] + i * v[2]) * 1e9) / 1e9;
    return QVL_OK;
}

static int read_thresholds(eval *e, qvl_detection_options *o)
{
    double *v =
        qvl_arena_array(&e->arena, double, QVL_DETECTION_MAX_THRESHOLDS);
    int n = 0;
    if (strchr(e->options->thresholds, ':') != NULL) {
        QVL_TRY(read_range(e, v, &n));
    } else {
        size_t n_words;
        const char **word = split(e, e->options->thresholds, &n_words);
        if (n_words > QVL_DETECTION_MAX_THRESHOLDS)
            return fail_thresholds(e);
        for (size_t i = 0; i < n_words; i++)
            if (!qvl_node_read_float(word[i], strlen(word[i]), &v[n++]))
                return fail_thresholds(e);
    }
    if (n == 0)
        return fail_thresholds(e);
    for (int i = 0; i < n; i++)
        if (!(v[i] > (i > 0 ? v[i - 1] : 0)) || !(v[i] <= 1))
            return fail_thresholds(e);
    o->threshold = v;
    o->n_thresholds = n;
    return QVL_OK;
}

static int read_modes(eval *e, qvl_detection_options *o)
{
    size_t n;
    const char **word = split(e, e->options->modes, &n);
    o->modes = 0;
    for (size_t i = 0; i < n; i++) {
        int m = 0;
        while (m < QVL_N_MATCHES
               && strcmp(word[i], qvl_match_name((qvl_match_mode)m)) != 0)
            m++;
        if (m == QVL_N_MATCHES)
            return qvl_fail(e->err, QVL_E_USAGE, "flag --modes: found %s, "
                            "expected localization, phase, category or full",
                            word[i]);
        o->modes |= 1u << m;
    }
    return o->modes != 0 ? QVL_OK
                         : qvl_fail(e->err, QVL_E_USAGE, "flag --modes: found "
                                    "no mode, expected at least one");
}

static int read_weights(eval *e, qvl_detection_options *o)
{
    if (e->options->weights == NULL)
        return QVL_OK;
    size_t n;
    const char **word = split(e, e->options->weights, &n);
    qvl_attr_weight *weight = qvl_arena_array(&e->arena, qvl_attr_weight, n);
    if (n > MAX_WEIGHTS)
        return qvl_fail(e->err, QVL_E_USAGE, "flag --attr-weights: found %zu "
                        "keys, expected at most %d", n, MAX_WEIGHTS);
    for (size_t i = 0; i < n; i++) {
        const char *equal = strchr(word[i], '=');
        if (equal == NULL || equal == word[i])
            return qvl_fail(e->err, QVL_E_USAGE, "flag --attr-weights: found "
                            "%s, expected KEY=NUMBER", word[i]);
        weight[i].key = qvl_arena_strndup(&e->arena, word[i],
                                          (size_t)(equal - word[i]));
        QVL_TRY(read_number("attr-weights", equal + 1, 0, 1e6,
                            &weight[i].weight, e->err));
        for (size_t k = 0; k < i; k++)
            if (strcmp(weight[k].key, weight[i].key) == 0)
                return qvl_fail(e->err, QVL_E_USAGE, "flag --attr-weights: "
                                "found %s twice, expected each key once",
                                weight[i].key);
    }
    o->weight = weight;
    o->n_weights = (int)n;
    return QVL_OK;
}

static int read_umbrella(eval *e, qvl_detection_options *o)
{
    if (e->options->umbrella == NULL)
        return QVL_OK;
    size_t n;
    o->umbrella = split(e, e->options->umbrella, &n);
    if (n > MAX_UMBRELLAS)
        return qvl_fail(e->err, QVL_E_USAGE, "flag --umbrella: found %zu "
                        "names, expected at most %d", n, MAX_UMBRELLAS);
    o->n_umbrellas = (int)n;
    return QVL_OK;
}

static int read_options(eval *e, qvl_detection_options *o)
{
    const eval_options *from = e->options;
    *o = qvl_detection_defaults();
    o->top_k = from->top_k;
    QVL_TRY(read_number("primary-threshold", from->primary, 1e-9, 1,
                        &o->primary, e->err));
    QVL_TRY(read_number("line-tol", from->line_tol, 0, 500, &o->line_tol,
                        e->err));
    if (from->beta != NULL)
        QVL_TRY(read_number("beta", from->beta, 1e-3, 1e3, &o->beta, e->err));
    QVL_TRY(read_thresholds(e, o));
    QVL_TRY(read_modes(e, o));
    QVL_TRY(read_weights(e, o));
    QVL_TRY(read_umbrella(e, o));
    if (strcmp(from->parse, "strict") == 0)
        e->parse = QVL_PARSE_STRICT;
    else if (strcmp(from->parse, "tolerant") != 0)
        return qvl_fail(e->err, QVL_E_USAGE, "flag --parse: found %s, "
                        "expected tolerant or strict", from->parse);
    return QVL_OK;
}

/* ---- rows --------------------------------------------------------------- */

/* What is known of the form of an answer. */
static void tell_form(eval *e, const qvl_answer *a)
{
    static const char *const level[] = {
        [QVL_ANSWER_STRICT] = "level_strict",
        [QVL_ANSWER_REPAIRED] = "level_repaired",
        [QVL_ANSWER_SALVAGED] = "level_salvaged",
        [QVL_ANSWER_FAILED] = "level_failed",
    };
    qvl_detection_tell(&e->score, "json_valid", a->is_json);
    qvl_detection_tell(&e->score, "format_ok", a->format_ok);
    for (int i = 0; i < QVL_N_ANSWER_LEVELS; i++)
        qvl_detection_tell(&e->score, level[i], (int)a->level == i);
}

static const qvl_node *find_list(const qvl_node *row, const char *key)
{
    const qvl_node *v = qvl_node_find(row, key);
    return v != NULL && v->kind != QVL_NODE_NULL ? v : NULL;
}

/* The answer as text, and how many pictures it was given for. */
static const qvl_node *find_text(const qvl_node *row,
                                 qvl_parse_options *options)
{
    const qvl_node *text = qvl_node_find(row, "response");
    const qvl_node *images = qvl_node_find(row, "images");
    const char *reason;
    if (text == NULL)
        text = qvl_node_find(row, "raw_text");
    if (images != NULL && images->kind == QVL_NODE_LIST)
        options->n_images = (int)images->n;
    options->is_cut = qvl_node_as_string(qvl_node_find(row, "finish_reason"),
                                         &reason)
                      && strcmp(reason, "length") == 0;
    return text != NULL && text->kind == QVL_NODE_STRING ? text : NULL;
}

/* Score a row that has both sides; the others are told as such. */
static int score_row(eval *e, const qvl_node *row, bool is_first)
{
    const qvl_node *truth = find_list(row, "gt_norm1000");
    const qvl_node *pred = find_list(row, "pred");
    qvl_parse_options options = { .mode = e->parse };
    const qvl_node *text = find_text(row, &options);
    bool is_scored = truth != NULL && (pred != NULL || text != NULL);
    if (is_first && truth == NULL && pred == NULL && text == NULL)
        return QVL_OK;  // a summary of the file
    qvl_detection_tell(&e->score, "rows_scored", is_scored);
    e->n_rows++;
    e->n_scored += is_scored;
    if (!is_scored)
        return QVL_OK;
    const qvl_object *objects[2];
    int n[2];
    qvl_answer a;
    QVL_TRY(qvl_objects_read(&objects[0], &n[0], truth, &e->row, e->err));
    if (text != NULL) {
        qvl_answer_parse(&a, text->s, text->s_len, &options, &e->row);
        tell_form(e, &a);
        objects[1] = a.object;
        n[1] = a.n_objects;
    }
    if (pred != NULL)
        QVL_TRY(qvl_objects_read(&objects[1], &n[1], pred, &e->row, e->err));
    qvl_detection_add(&e->score, objects[0], n[0], objects[1], n[1]);
    return QVL_OK;
}

static bool is_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r' && p[i] != '\n')
            return false;
    return true;
}

static int score_line(eval *e, size_t len, int number, bool is_first)
{
    qvl_node *row;
    qvl_arena_reset(&e->row);
    const char *name =
        qvl_arena_printf(&e->row, "%s line %d", e->path, number);
    QVL_TRY(qvl_json_parse(&row, e->line, len, name, &e->row, e->err));
    if (row->kind != QVL_NODE_MAP)
        return qvl_node_fail(row, e->err, QVL_E_DATA,
                             "row: found %s, expected a map",
                             qvl_node_kind_name(row->kind));
    return score_row(e, row, is_first);
}

static int score_file(eval *e)
{
    bool is_first = true;
    ssize_t len;
    for (int n = 1; (len = getline(&e->line, &e->cap, e->file)) >= 0; n++) {
        len -= len > 0 && e->line[len - 1] == '\n';
        if (is_blank(e->line, (size_t)len))
            continue;
        QVL_TRY(score_line(e, (size_t)len, n, is_first));
        is_first = false;
    }
    if (ferror(e->file))
        return qvl_file_fail("cannot read file", e->path, errno,
                             "its content", e->err);
    return QVL_OK;
}

/* ---- the command -------------------------------------------------------- */

/* Write to a file, or to standard output for "-". */
static int write_report(const char *path, const qvl_str *text, qvl_err *err)
{
    if (strcmp(path, "-") != 0)
        return qvl_file_write_all(path, text->p, text->len, err);
    if (fwrite(text->p, 1, text->len, stdout) != text->len
        || fflush(stdout) != 0)
        return cmd_fail_output(err);
    return QVL_OK;
}

static int report(eval *e)
{
    const qvl_detection *d = &e->score;
    long long n_left_out = e->n_rows - e->n_scored;
    if (e->n_scored == 0)
        return qvl_fail(e->err, QVL_E_DATA, "%s: found no row with "
                        "gt_norm1000 and pred or response, expected at least "
                        "one", e->path);
    if (n_left_out > 0)
        qvl_log(QVL_LOG_WARN, "%s: %lld of %lld rows lack gt_norm1000 or an "
                "answer and are not scored", e->path, n_left_out, e->n_rows);
    const char *to_json = e->options->output_json;
    if (to_json != NULL || e->options->json)
        qvl_detection_put_json(&e->report, d);
    if (to_json != NULL)
        QVL_TRY(write_report(to_json, &e->report, e->err));
    if (!e->options->json) {
        qvl_str_reset(&e->report);
        qvl_detection_put_text(&e->report, d);
    }
    return write_report(e->options->output, &e->report, e->err);
}

static int eval_detections(void *arg)
{
    eval *e = arg;
    qvl_detection_options options;
    QVL_TRY(read_options(e, &options));
    e->file = fopen(e->path, "r");
    if (e->file == NULL)
        return qvl_file_fail("cannot open file", e->path, errno,
                             "a readable file", e->err);
    qvl_detection_init(&e->score, &options, &e->arena);
    QVL_TRY(score_file(e));
    return report(e);
}

static int run(const void *options, const char *const *word, int n,
               qvl_err *err)
{
    if (n < 1 || strcmp(word[0], "detections") != 0)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl eval): found %s, "
                        "expected detections", n > 0 ? word[0] : "nothing");
    if (n != 2)
        return qvl_fail(err, QVL_E_USAGE, "argument (qvl eval detections): "
                        "found %d files, expected one", n - 1);
    eval e = { .options = options, .path = word[1], .err = err };
    int rc = qvl_guard(eval_detections, &e, err);
    if (e.file != NULL)
        fclose(e.file);
    free(e.line);
    qvl_detection_release(&e.score);
    qvl_str_release(&e.report);
    qvl_arena_release(&e.row);
    qvl_arena_release(&e.arena);
    return rc;
}

const cmd cmd_eval = {
    .name = "eval",
    .summary = "scores of answers against the truth",
    .usage = "detections PRED.jsonl [--json] [--output FILE] "
             "[--output-json FILE]",
    .details =
        "Rows have gt_norm1000 and pred, lists of {type, points, desc} with\n"
        "coordinates from 0 to 1000, or response, the answer as text, as\n"
        "`qvl infer --jsonl` writes them. Other rows are counted and left out.\n",
    .flag = flags,
    .n_flags = QVL_COUNT(flags),
    .options_bytes = sizeof(eval_options),
    .run = run,
};
