/* eval_detections.c - qvl eval detections: scores of objects
 *
 * From row to row score/detection.h keeps counts. A row with both pred and a text is
 * scored by pred, and the text tells of its form alone. A first row with neither side
 * is taken for a summary of the file; any other row that lacks one is counted and left
 * out, with a warning at the end.
 */
#include <math.h>
#include <string.h>

#include "answer_file.h"
#include "base/log.h"
#include "data/objects.h"
#include "eval.h"
#include "infer/parse.h"
#include "score/detection.h"

#define MAX_WEIGHTS 64
#define MAX_UMBRELLAS 256

typedef struct {
    const eval_options *options;
    const char *path;
    qvl_arena arena;
    qvl_detection score;
    qvl_parse_mode parse;
    long long n_rows, n_scored;
    qvl_str report;
    qvl_err *err;
} eval;

/* ---- options ------------------------------------------------------------ */

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
        QVL_TRY(eval_read_number("attr-weights", equal + 1, 0, 1e6,
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
    QVL_TRY(eval_read_number("primary-threshold", from->primary, 1e-9, 1,
                        &o->primary, e->err));
    QVL_TRY(eval_read_number("line-tol", from->line_tol, 0, 500, &o->line_tol,
                        e->err));
    if (from->beta != NULL)
        QVL_TRY(eval_read_number("beta", from->beta, 1e-3, 1e3, &o->beta, e->err));
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

/* Score a row that has both sides; the others are told as such. */
static int score_row(void *ctx, const qvl_node *row, bool is_first,
                     qvl_arena *arena, qvl_err *err)
{
    eval *e = ctx;
    answer_row r;
    answer_row_find(&r, row);
    bool is_scored = r.truth != NULL && (r.pred != NULL || r.text != NULL);
    if (is_first && r.truth == NULL && r.pred == NULL && r.text == NULL)
        return QVL_OK;  // a summary of the file
    qvl_detection_tell(&e->score, "rows_scored", is_scored);
    e->n_rows++;
    e->n_scored += is_scored;
    if (!is_scored)
        return QVL_OK;
    const qvl_object *truth, *pred;
    int n_true, n_pred;
    qvl_answer a;
    r.how.mode = e->parse;
    QVL_TRY(qvl_objects_read(&truth, &n_true, r.truth, arena, err));
    QVL_TRY(answer_row_read(&r, &pred, &n_pred, &a, arena, err));
    if (r.text != NULL)
        tell_form(e, &a);
    qvl_detection_add(&e->score, truth, n_true, pred, n_pred);
    return QVL_OK;
}

/* ---- reports ------------------------------------------------------------ */

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
        QVL_TRY(eval_write(to_json, &e->report, e->err));
    if (!e->options->json) {
        qvl_str_reset(&e->report);
        qvl_detection_put_text(&e->report, d);
    }
    return eval_write(e->options->output, &e->report, e->err);
}

static int score_file(void *arg)
{
    eval *e = arg;
    qvl_detection_options options;
    QVL_TRY(read_options(e, &options));
    qvl_detection_init(&e->score, &options, &e->arena);
    QVL_TRY(eval_read_rows(e->path, score_row, e, e->err));
    return report(e);
}

int eval_detections(const eval_options *o, const char *path, qvl_err *err)
{
    eval e = { .options = o, .path = path, .err = err };
    int rc = qvl_guard(score_file, &e, err);
    qvl_detection_release(&e.score);
    qvl_str_release(&e.report);
    qvl_arena_release(&e.arena);
    return rc;
}
