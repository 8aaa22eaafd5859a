/* golden.c - compare a model's numbers with stored ones
 *
 *     golden [--device D] [--dtype T] [--output DIR] [--skip-unsupported]
 *            CASE...
 *
 * A case is a folder: case.json with the tolerances and the paths of a model
 * and an input, expected.safetensors with the numbers. It runs through the
 * public interface, as a user's program would. With a --dtype of 16 bits only the
 * logits are compared, as a whole: within 1.5 %, and of training the losses:
 * within 2 %. One line a case: the comparison
 * that came nearest to its tolerance, as a share of it. With --output the
 * actual tensors go to DIR/NAME.safetensors.
 *
 * A folder with cases.json instead holds pictures, one of kind tokenizer or chat
 * holds texts; both are compared byte for byte. One of kind train holds the first
 * steps of a run.
 *
 * Exit status 0 when every case holds, 1 when one does not, 2 for wrong use.
 */
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "batch_file.h"
#include "compare.h"
#include "generate_cases.h"
#include "image_cases.h"
#include "pack_cases.h"
#include "qvl.h"
#include "tensor/safetensors.h"
#include "text_cases.h"
#include "train_cases.h"

typedef struct {
    const char *device;
    const char *dtype;
    const char *output;  // NULL: nothing is written
    bool skip;           // what is not supported does not count
} options;

/* A result of the model, in host memory. */
typedef struct {
    qvl_tensor info;
    void *data;
} actual;

/* One case while it runs. */
typedef struct {
    const options *o;
    const char *folder;
    const qvl_node *json;
    qvl_arena arena;
    qvl_err err;
    qvl *model;
    qvl_st *expected;
    qvl_st_writer *writer;
    qvl_batch_in batch;
    golden_pack pack;    // n 0: nothing is packed
    actual *result;  // [n_results]
    size_t n_results;
    worst worst;
    size_t n_compared;
} run;

#define ROUNDED_TOLERANCE 0.015  // of logits stored in 16 bits, relative

enum { PASSED, FAILED, UNSUPPORTED };

/* ---- the case ----------------------------------------------------------- */

static const char *path_of(run *r, const char *name)
{
    return qvl_arena_printf(&r->arena, "%s/%s", r->folder, name);
}

static int text_of(run *r, const char *key, const char **out)
{
    if (qvl_node_as_string(qvl_node_find(r->json, key), out))
        return QVL_OK;
    return qvl_fail(&r->err, QVL_E_FORMAT,
                    "%s (%s/case.json): found nothing, expected a text", key,
                    r->folder);
}

static int tolerance_of(run *r, const char *key, double *out)
{
    const qvl_node *map = qvl_node_find(r->json, "tolerance");
    if (qvl_node_as_float(qvl_node_find(map, key), out))
        return QVL_OK;
    return qvl_fail(&r->err, QVL_E_FORMAT,
                    "tolerance.%s (%s/case.json): found nothing, expected a "
                    "number",
                    key, r->folder);
}

static int load_case(run *r)
{
    char *text;
    size_t len;
    qvl_node *root;
    const char *path = path_of(r, "case.json");
    QVL_TRY(qvl_file_read(path, &text, &len, &r->arena, &r->err));
    QVL_TRY(qvl_json_parse(&root, text, len, path, &r->arena, &r->err));
    r->json = root;
    return QVL_OK;
}

/* What the case needs and this program has not; NULL when it has all. */
static const char *unsupported(run *r)
{
    const char *kind;
    if (text_of(r, "kind", &kind) != QVL_OK)
        return "a case without a kind";
    if (strcmp(kind, "forward") != 0)
        return qvl_arena_printf(&r->arena, "kind %s", kind);
    if (qvl_node_find(r->json, "adapter") != NULL)
        return "adapters";
    return NULL;
}

/* ---- the model ---------------------------------------------------------- */

static int take_error(run *r, const qvl_error *e)
{
    return qvl_fail(&r->err, e->code, "%s", e->message);
}

/* Are weights and activations stored in 16 bits? */
static bool is_rounded(const run *r)
{
    return strcmp(r->o->dtype, "f32") != 0;
}

static bool has_gradients(const run *r)
{
    for (size_t i = 0; i < qvl_st_count(r->expected); i++)
        if (strncmp(qvl_st_at(r->expected, i)->name, "grad", 4) == 0)
            return true;
    return false;
}

static int read_results(run *r)
{
    qvl_error error;
    r->n_results = qvl_n_results(r->model);
    r->result = qvl_arena_array(&r->arena, actual, r->n_results);
    for (size_t k = 0; k < r->n_results; k++) {
        actual *a = &r->result[k];
        qvl_result_at(r->model, k, &a->info);
        a->data = qvl_arena_alloc_n(&r->arena, a->info.n_elems,
                                    a->info.is_f32 ? sizeof(float)
                                                   : sizeof(int64_t));
        if (qvl_read(r->model, k, a->data, &error) != 0)
            return take_error(r, &error);
    }
    return QVL_OK;
}

/* One batch, or samples that are packed into one row. */
static int load_input(run *r, const char *path)
{
    const qvl_node *counts = qvl_node_find(r->json, "label_counts");
    if (counts == NULL)
        return batch_file_load(&r->batch, path, &r->arena, &r->err);
    if (counts->n == 0)
        return qvl_fail(&r->err, QVL_E_FORMAT, "label_counts (%s/case.json): "
                        "found none, expected one for each sample", r->folder);
    return golden_pack_load(&r->batch, &r->pack, path, counts->n, &r->arena,
                            &r->err);
}

static int run_model(run *r)
{
    const char *model, *input;
    qvl_error error;
    qvl_options o = { .device = r->o->device, .dtype = r->o->dtype };
    QVL_TRY(text_of(r, "model", &model));
    QVL_TRY(text_of(r, "input", &input));
    QVL_TRY(load_input(r, path_of(r, input)));
    unsigned want = QVL_LOGITS | QVL_VISION;
    bool wants_all = !is_rounded(r) || r->o->output != NULL;
    if (wants_all && qvl_st_find(r->expected, "loss") != NULL)
        want |= QVL_LOSS;
    if (wants_all && has_gradients(r))
        want |= QVL_GRADIENTS;
    if (qvl_open(&r->model, path_of(r, model), &o, &error) != 0
        || qvl_forward(r->model, &r->batch, want, &error) != 0)
        return take_error(r, &error);
    return read_results(r);
}

static int write_results(run *r)
{
    if (r->o->output == NULL)
        return QVL_OK;
    const char *slash = strrchr(r->folder, '/');
    const char *path =
        qvl_arena_printf(&r->arena, "%s/%s.safetensors", r->o->output,
                         slash != NULL ? slash + 1 : r->folder);
    QVL_TRY(qvl_file_make_dirs(r->o->output, &r->err));
    QVL_TRY(qvl_st_writer_open(&r->writer, path, &r->err));
    for (size_t k = 0; k < r->n_results; k++) {
        const qvl_tensor *t = &r->result[k].info;
        QVL_TRY(qvl_st_writer_declare(r->writer, t->name,
                                      t->is_f32 ? QVL_F32 : QVL_I64,
                                      t->shape, t->rank, &r->err));
    }
    for (size_t k = 0; k < r->n_results; k++) {
        const qvl_tensor *t = &r->result[k].info;
        QVL_TRY(qvl_st_writer_write(r->writer, r->result[k].data,
                                    t->n_elems * (t->is_f32 ? 4 : 8),
                                    &r->err));
    }
    qvl_st_writer *w = r->writer;
    r->writer = NULL;
    return qvl_st_writer_commit(w, &r->err);
}

/* ---- comparing ---------------------------------------------------------- */

static const actual *find_result(const run *r, const char *name)
{
    for (size_t k = 0; k < r->n_results; k++)
        if (strcmp(r->result[k].info.name, name) == 0)
            return &r->result[k];
    return NULL;
}

/* The result of this name; an error when it is not there. */
static int need_result(run *r, const char *name, const actual **out)
{
    *out = find_result(r, name);
    if (*out != NULL)
        return QVL_OK;
    return qvl_fail(&r->err, QVL_E_INTERNAL,
                    "result %s: found none, expected it", name);
}

static int check_size(run *r, const qvl_st_tensor *e, size_t n)
{
    if (e->n_elems == n)
        return QVL_OK;
    return qvl_fail(&r->err, QVL_E_INTERNAL,
                    "result %s: found %zu numbers, expected %zu", e->name, n,
                    e->n_elems);
}

static bool is_padding(const run *r, size_t place)
{
    return r->batch.attention_mask != NULL
           && r->batch.attention_mask[place] == 0;
}

/* Logits [rows, len, V]: rows of padding set to what is expected. */
static int compare_logits(run *r, const qvl_st_tensor *e, const float *want,
                          const actual *a)
{
    double abs_tol = INFINITY, rel_tol = ROUNDED_TOLERANCE;
    if (!is_rounded(r)) {
        QVL_TRY(tolerance_of(r, "logits_abs", &abs_tol));
        QVL_TRY(tolerance_of(r, "logits_rel_l2", &rel_tol));
    }
    size_t v = a->info.shape[2];
    float *found = qvl_arena_array(&r->arena, float, e->n_elems);
    memcpy(found, a->data, e->n_elems * sizeof *found);
    for (size_t place = 0; place < e->n_elems / v; place++)
        if (is_padding(r, place))
            memcpy(found + place * v, want + place * v, v * sizeof *found);
    worst_add(&r->worst, "logits, absolute",
              largest_difference(found, want, e->n_elems), abs_tol);
    worst_add(&r->worst, "logits, relative",
              relative_l2(found, want, e->n_elems), rel_tol);
    return QVL_OK;
}

/* Whole numbers are equal, but at padding. */
static int compare_whole(run *r, const qvl_st_tensor *e, const actual *a,
                         bool has_padding)
{
    int64_t *want = qvl_arena_array(&r->arena, int64_t, e->n_elems);
    const int64_t *found = a->data;
    size_t places = (size_t)r->batch.n_rows * (size_t)r->batch.row_len;
    QVL_TRY(qvl_st_to_i64(e, want, &r->err));
    size_t n_wrong = 0;
    for (size_t i = 0; i < e->n_elems; i++)
        if (!(has_padding && is_padding(r, i % places)))
            n_wrong += found[i] != want[i];
    worst_add(&r->worst, e->name, (double)n_wrong, 0.0);
    return QVL_OK;
}

/* A gradient in full, or its digest. */
static int compare_gradient(run *r, const qvl_st_tensor *e, const float *want)
{
    static const struct {
        const char *prefix;
        digest_kind kind;
    } form[] = {
        { "grad_rows.", DIGEST_ROWS },
        { "grad_cols.", DIGEST_COLS },
        { "grad_sample.", DIGEST_SAMPLE },
    };
    double tolerance;
    const actual *a;
    const char *param = strchr(e->name, '.') + 1;
    QVL_TRY(tolerance_of(r, "grad_rel_l2", &tolerance));
    QVL_TRY(need_result(r, qvl_arena_printf(&r->arena, "grad.%s", param),
                        &a));
    const float *found = a->data;
    size_t n = a->info.n_elems;
    for (size_t k = 0; k < QVL_COUNT(form); k++)
        if (strncmp(e->name, form[k].prefix, strlen(form[k].prefix)) == 0) {
            size_t d0 = a->info.shape[0];
            n = digest_size(form[k].kind, a->info.n_elems, d0);
            float *out = qvl_arena_array(&r->arena, float, n);
            digest(form[k].kind, a->data, a->info.n_elems, d0, out);
            found = out;
        }
    QVL_TRY(check_size(r, e, n));
    worst_add(&r->worst, e->name, relative_l2(found, want, n), tolerance);
    return QVL_OK;
}

static int compare_loss(run *r, const char *name, const float *found,
                        const float *want, double per)
{
    double tolerance;
    QVL_TRY(tolerance_of(r, "loss_abs", &tolerance));
    worst_add(&r->worst, name, largest_difference(found, want, 1) / per,
              tolerance);
    return QVL_OK;
}

/* What one sample of a packed row gave, beside what it gave alone. */
static int compare_sample(run *r, const qvl_st_tensor *e, const float *want)
{
    size_t k;
    const char *rest;
    const actual *logits, *positions;
    QVL_TRY(golden_pack_find(&r->pack, e->name, &k, &rest, &r->err));
    QVL_TRY(need_result(r, "logits", &logits));
    QVL_TRY(need_result(r, "position_ids", &positions));
    size_t n = r->pack.first[k + 1] - r->pack.first[k];
    size_t v = logits->info.shape[2];
    actual cut = { .info = logits->info };
    cut.data = golden_pack_cut(&r->pack, k, logits->data, 1, v, sizeof(float),
                               &r->arena);
    if (strcmp(rest, "logits") == 0) {
        QVL_TRY(check_size(r, e, n * v));
        return compare_logits(r, e, want, &cut);
    }
    if (strcmp(rest, "loss_sum") == 0) {
        size_t n_labels;
        float sum = (float)golden_pack_loss(&r->pack, k, &r->batch, cut.data, v,
                                            &n_labels);
        QVL_TRY(check_size(r, e, 1));
        return compare_loss(r, e->name, &sum, want, (double)n_labels);
    }
    if (strcmp(rest, "position_ids") != 0)
        return need_result(r, e->name, &logits);
    QVL_TRY(check_size(r, e, 3 * n));
    cut.data = golden_pack_cut(&r->pack, k, positions->data, 3, 1,
                               sizeof(int64_t), &r->arena);
    return compare_whole(r, e, &cut, false);
}

static int compare_tensor(run *r, const qvl_st_tensor *e)
{
    const actual *a;
    double tolerance;
    float *want = NULL;
    if (is_rounded(r) && strcmp(e->name, "logits") != 0)
        return QVL_OK;
    r->n_compared++;
    if (e->dtype == QVL_F32) {
        want = qvl_arena_array(&r->arena, float, e->n_elems);
        QVL_TRY(qvl_st_to_f32(e, want, &r->err));
    }
    if (strncmp(e->name, "grad", 4) == 0)
        return compare_gradient(r, e, want);
    if (r->pack.n > 0 && strncmp(e->name, "sample.", 7) == 0)
        return compare_sample(r, e, want);
    QVL_TRY(need_result(r, e->name, &a));
    QVL_TRY(check_size(r, e, a->info.n_elems));
    if (e->dtype != QVL_F32)
        return compare_whole(r, e, a, strcmp(e->name, "position_ids") == 0);
    if (strcmp(e->name, "logits") == 0)
        return compare_logits(r, e, want, a);
    if (strcmp(e->name, "loss") == 0)
        return compare_loss(r, "loss", a->data, want, 1.0);
    QVL_TRY(tolerance_of(r, "vision_rel_l2", &tolerance));
    worst_add(&r->worst, e->name, relative_l2(a->data, want, e->n_elems),
              tolerance);
    return QVL_OK;
}

/* Gradients that are exactly zero. */
static int compare_zeros(run *r)
{
    const qvl_node *list = qvl_node_find(r->json, "zero_gradient");
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const char *name;
        const actual *a;
        if (!qvl_node_as_string(&list->items[i], &name))
            continue;
        name = qvl_arena_printf(&r->arena, "grad.%s", name);
        QVL_TRY(need_result(r, name, &a));
        size_t n_wrong = 0;
        for (size_t k = 0; k < a->info.n_elems; k++)
            n_wrong += ((const float *)a->data)[k] != 0.0f;
        worst_add(&r->worst, name, (double)n_wrong, 0.0);
        r->n_compared++;
    }
    return QVL_OK;
}

static int compare_all(run *r)
{
    for (size_t i = 0; i < qvl_st_count(r->expected); i++)
        QVL_TRY(compare_tensor(r, qvl_st_at(r->expected, i)));
    return is_rounded(r) ? QVL_OK : compare_zeros(r);
}

/* ---- cases -------------------------------------------------------------- */

static int run_steps(void *arg)
{
    run *r = arg;
    QVL_TRY(qvl_st_open(&r->expected, path_of(r, "expected.safetensors"),
                        &r->err));
    QVL_TRY(run_model(r));
    QVL_TRY(write_results(r));
    return compare_all(r);
}

static int run_answers(run *r)
{
    golden_generate g = { r->folder, r->json, r->o->device, r->o->dtype,
                          r->o->output };
    return golden_generate_case(&g, &r->worst, &r->n_compared, &r->err);
}

static bool is_of_kind(run *r, const char *want)
{
    const char *kind;
    return text_of(r, "kind", &kind) == QVL_OK && strcmp(kind, want) == 0;
}

static bool is_text(run *r)
{
    const char *kind;
    return text_of(r, "kind", &kind) == QVL_OK
           && (strcmp(kind, "tokenizer") == 0 || strcmp(kind, "chat") == 0);
}

/* Text needs no model either, and no device. */
static int judge_text(run *r)
{
    golden_text g;
    if (golden_text_case(r->folder, &g, &r->err) != QVL_OK) {
        printf("FAIL  %s: %s\n", r->folder, r->err.msg);
        return FAILED;
    }
    bool holds = g.n_wrong == 0;
    printf("%s  %s: %zu comparisons, %zu differ%s%s\n",
           holds ? "ok  " : "FAIL", r->folder, g.n_compared, g.n_wrong,
           holds ? "" : ", first ", holds ? "" : g.what);
    return holds ? PASSED : FAILED;
}

static bool is_training(run *r)
{
    const char *kind;
    return text_of(r, "kind", &kind) == QVL_OK && strcmp(kind, "train") == 0
           && qvl_node_find(r->json, "adapter") == NULL;
}

static int run_training(run *r)
{
    golden_train g = { .device = r->o->device, .dtype = r->o->dtype };
    QVL_TRY(golden_train_case(r->folder, r->json, &g, &r->err));
    r->worst = g.worst;
    r->n_compared = g.n_compared;
    return QVL_OK;
}

static int judge(run *r)
{
    int rc = load_case(r);
    if (rc == QVL_OK && is_text(r))
        return judge_text(r);
    bool answers = rc == QVL_OK && is_of_kind(r, "generate");
    bool trains = rc == QVL_OK && is_training(r);
    if (rc == QVL_OK && !answers && !trains && unsupported(r) != NULL) {
        printf("%s  %s: %s is not supported yet\n",
               r->o->skip ? "skip" : "FAIL", r->folder, unsupported(r));
        return UNSUPPORTED;
    }
    if (answers)
        rc = run_answers(r);
    else if (trains)
        rc = run_training(r);
    else if (rc == QVL_OK)
        rc = qvl_guard(run_steps, r, &r->err);
    if (rc != QVL_OK) {
        printf("FAIL  %s: %s\n", r->folder, r->err.msg);
        return FAILED;
    }
    bool holds = r->worst.ratio <= 1.0;
    printf("%s  %s: %zu comparisons, worst %.3f of the tolerance (%s: %.3g, "
           "tolerance %.3g)\n",
           holds ? "ok  " : "FAIL", r->folder, r->n_compared, r->worst.ratio,
           r->worst.what, r->worst.error, r->worst.tolerance);
    return holds ? PASSED : FAILED;
}

/* Pictures need no model: their case is a folder of another form. */
static int judge_pictures(run *r)
{
    golden_image g;
    if (golden_image_case(r->folder, &g, &r->err) != QVL_OK) {
        printf("FAIL  %s: %s\n", r->folder, r->err.msg);
        return FAILED;
    }
    bool holds = g.n_wrong == 0;
    printf("%s  %s: %zu comparisons, %zu differ%s%s, %zu files left out\n",
           holds ? "ok  " : "FAIL", r->folder, g.n_compared, g.n_wrong,
           holds ? "" : ", first ", holds ? "" : g.what, g.n_left_out);
    return holds ? PASSED : FAILED;
}

static int run_case(const options *o, const char *folder)
{
    run r = { .o = o, .folder = folder };
    int verdict = qvl_file_exists(path_of(&r, "cases.json"))
                      ? judge_pictures(&r)
                      : judge(&r);
    fflush(stdout);
    qvl_st_writer_abort(r.writer);
    qvl_st_close(r.expected);
    qvl_close(r.model);
    qvl_arena_release(&r.arena);
    return verdict;
}

static int usage(void)
{
    fprintf(stderr, "usage: golden [--device D] [--dtype T] [--output DIR] "
                    "[--skip-unsupported] CASE...\n");
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option flags[] = {
        { "device", required_argument, NULL, 'd' },
        { "dtype", required_argument, NULL, 't' },
        { "output", required_argument, NULL, 'o' },
        { "skip-unsupported", no_argument, NULL, 's' },
        { NULL, 0, NULL, 0 },
    };
    options o = { .device = "cpu", .dtype = "f32" };
    for (int c; (c = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        switch (c) {
        case 'd': o.device = optarg; break;
        case 't': o.dtype = optarg; break;
        case 'o': o.output = optarg; break;
        case 's': o.skip = true; break;
        default: return usage();
        }
    }
    if (optind == argc)
        return usage();
    qvl_log_set_sink(qvl_log_stderr, NULL, QVL_LOG_WARN);
    int n_failed = 0;
    for (int i = optind; i < argc; i++) {
        size_t len = strlen(argv[i]);
        while (len > 1 && argv[i][len - 1] == '/')
            argv[i][--len] = '\0';
        int verdict = run_case(&o, argv[i]);
        n_failed += verdict == FAILED || (verdict == UNSUPPORTED && !o.skip);
    }
    return n_failed > 0 ? 1 : 0;
}
