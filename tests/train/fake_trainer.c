/* fake_trainer.c - qvl_train.h without a model: losses that follow from the step */
#include "fake_trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "train/run_options.h"

fake_run fake;

struct qvl_trainer {
    int64_t max_steps;
    double lr;
    int64_t step;
    int64_t n_skipped;
    double weight;
    size_t n_rows;    // of the last step or evaluation
    qvl_train_score row[64];
    qvl_train_label label[64][256];
    qvl_arena texts;  // of the state of a checkpoint
};

static int fail(qvl_error *error, int code, const char *text)
{
    *error = (qvl_error){ .code = code };
    snprintf(error->message, sizeof error->message, "%s", text);
    return code;
}

void qvl_train_defaults(qvl_train_options *options)
{
    qvl_run_options_init(options);
}

int qvl_train_open(qvl_trainer **trainer, const char *folder,
                   const qvl_train_options *options, qvl_error *error)
{
    if (strstr(folder, "broken") != NULL)
        return fail(error, QVL_E_MODEL, "a broken model");
    *trainer = calloc(1, sizeof **trainer);
    (*trainer)->max_steps = options->max_steps;
    (*trainer)->lr = options->learning_rate;
    fake.weight = 0;
    return 0;
}

void qvl_train_close(qvl_trainer *t)
{
    if (t != NULL)
        qvl_arena_release(&t->texts);
    free(t);
}

int qvl_train_n_groups(const qvl_trainer *t)
{
    (void)t;
    return 1;
}

int qvl_train_group_at(const qvl_trainer *t, int k, qvl_train_group *group)
{
    (void)k;
    *group = (qvl_train_group){ "all", t->lr, 0, 1, 1 };
    return 0;
}

int qvl_train_n_parts(const qvl_trainer *t)
{
    (void)t;
    return 1;
}

int qvl_train_part_at(const qvl_trainer *t, int k, qvl_train_part *part)
{
    (void)t;
    (void)k;
    *part = (qvl_train_part){ "llm", 1, 1 };
    return 0;
}

size_t qvl_train_n_tensors(const qvl_trainer *t)
{
    (void)t;
    return 0;
}

int qvl_train_tensor_at(const qvl_trainer *t, size_t k, qvl_tensor *tensor)
{
    (void)t;
    (void)k;
    (void)tensor;
    return QVL_E_USAGE;
}

int qvl_train_tensor_group(const qvl_trainer *t, size_t k)
{
    (void)t;
    (void)k;
    return -1;
}

int qvl_train_read(qvl_trainer *t, size_t k, float *dst, qvl_error *error)
{
    (void)t;
    (void)k;
    (void)dst;
    return fail(error, QVL_E_USAGE, "no tensors");
}

void qvl_train_memory(const qvl_trainer *t, uint64_t *held, uint64_t *peak)
{
    (void)t;
    *held = *peak = 1 << 20;
}

int64_t qvl_train_steps_done(const qvl_trainer *t)
{
    return t->step;
}

void qvl_train_metric(qvl_trainer *t, double value)
{
    (void)t;
    (void)value;
}

/* ---- steps --------------------------------------------------------------- */

static void add_labels(const qvl_batch_in *b, double *sum, int64_t *n)
{
    for (int i = 0; i < b->n_rows * b->row_len; i++)
        if (b->labels[i] >= 0) {
            *sum += (double)b->labels[i];
            ++*n;
        }
}

static void put_row(qvl_str *out, const char *key, const int64_t *v,
                    const int64_t *mask, int n)
{
    qvl_str_printf(out, "\"%s\": [", key);
    for (int i = 0; i < n; i++)
        if (mask[i] != 0)
            qvl_str_printf(out, "%s%lld", i > 0 ? ", " : "", (long long)v[i]);
    qvl_str_puts(out, "], ");
}

static void put_rows(qvl_str *out, const qvl_batch_in *b)
{
    for (int k = 0; k < b->n_rows; k++) {
        int at = k * b->row_len;
        put_row(out, "ids", b->input_ids + at, b->attention_mask + at,
                b->row_len);
        put_row(out, "labels", b->labels + at, b->attention_mask + at,
                b->row_len);
        qvl_str_putc(out, '\n');
    }
}

/* The loss of a label is its id; even ids are hit. */
static void put_labels(qvl_train_label *out, const qvl_batch_in *b)
{
    for (int i = 0, n = 0; i < b->row_len; i++)
        if (b->labels[i] >= 0 && n < 256)
            out[n++] = (qvl_train_label){ (float)b->labels[i],
                                          b->labels[i] % 2 == 0 };
}

/* A row has the sum of its labels as its loss, and hits every other one. */
static void score_rows(qvl_trainer *t, const qvl_batch_in *b)
{
    for (int k = 0; k < b->n_rows; k++) {
        qvl_train_score *row = &t->row[t->n_rows % 64];
        qvl_train_label *label = t->label[t->n_rows++ % 64];
        qvl_batch_in one = *b;
        one.n_rows = 1;
        one.labels += k * b->row_len;
        *row = (qvl_train_score){ 0 };
        add_labels(&one, &row->loss_sum, &row->n_labels);
        row->n_correct = row->n_labels / 2;
        put_labels(label, &one);
    }
}

size_t qvl_train_n_rows(const qvl_trainer *t)
{
    return t->n_rows;
}

int qvl_train_row_at(const qvl_trainer *t, size_t k, qvl_train_score *score)
{
    *score = t->row[k];
    return 0;
}

int qvl_train_row_labels(const qvl_trainer *t, size_t k, const qvl_train_label **label)
{
    *label = t->label[k];
    return 0;
}

int qvl_train_step(qvl_trainer *t, const qvl_batch_in *batches, int n_batches,
                   qvl_train_report *report, qvl_error *error)
{
    double sum = 0;
    int64_t n = 0, n_tokens = 0;
    if (t->step >= t->max_steps)
        return fail(error, QVL_E_USAGE, "all steps are done");
    if (t->step + 1 == fake.fail_step_at)
        return fail(error, QVL_E_DEVICE_LOST, "the device is lost");
    t->n_rows = 0;
    for (int k = 0; k < n_batches; k++) {
        score_rows(t, &batches[k]);
        add_labels(&batches[k], &sum, &n);
        if (fake.fed != NULL)
            put_rows(fake.fed, &batches[k]);
        for (int i = 0; i < batches[k].n_rows * batches[k].row_len; i++)
            n_tokens += batches[k].attention_mask[i];
    }
    t->step++;
    bool is_bad = t->step == fake.nan_at;
    double away = sum / (double)n - t->weight;
    *report = (qvl_train_report){
        .step = t->step, .loss = fabs(away), .token_acc = 0.5, .n_labels = n,
        .n_correct = n / 2, .n_tokens = n_tokens,
        .grad_norm = is_bad ? NAN : fabs(away), .lr = t->lr, .lr_vit = -1,
        .lr_aligner = -1, .is_skipped = is_bad, .loss_scale = 1,
    };
    t->n_skipped += is_bad;
    report->n_skipped = t->n_skipped;
    if (!is_bad)
        t->weight += t->lr * away;
    fake.weight = t->weight;
    if (t->step == fake.stop_at && !fake.stop_in_evaluation)
        *fake.stop = 1;
    return 0;
}

int qvl_train_evaluate(qvl_trainer *t, const qvl_batch_in *batch,
                       qvl_train_score *score, qvl_error *error)
{
    (void)error;
    double sum = 0;
    int64_t n = 0;
    static int n_batches;
    t->n_rows = 0;
    score_rows(t, batch);
    add_labels(batch, &sum, &n);
    if (n_batches++ % 2 == 0)  // an evaluation of the tests has two
        fake.n_evaluations++;
    double given = fake.eval_loss[(fake.n_evaluations - 1) % 64];
    *score = (qvl_train_score){
        .loss_sum = (double)n * (given != 0 ? given : t->weight),
        .n_labels = n, .n_correct = n / 4, .n_tokens = n
    };
    if (t->step == fake.stop_at && fake.stop_in_evaluation) {
        *fake.stop = 1;
        n_batches = 0;
    }
    return 0;
}

/* ---- checkpoints --------------------------------------------------------- */

int qvl_train_save(qvl_trainer *t, const char *run_folder,
                   const qvl_train_save_options *o,
                   const qvl_train_state *state, char *path, size_t path_bytes,
                   qvl_error *error)
{
    qvl_str text = { 0 };
    qvl_err err = { 0 };
    char file[4096];
    size_t n = strlen(fake.saved);
    snprintf(fake.saved + n, sizeof fake.saved - n, "%lld%s%s ",
             (long long)t->step, o->is_final ? ":final" : "",
             o->save_only_model ? ":model" : "");
    snprintf(path, path_bytes, "%s/checkpoint-%lld", run_folder,
             (long long)t->step);
    mkdir(path, 0777);
    qvl_str_printf(&text, "{\"step\": %lld, \"weight\": %.17g, \"skipped\": "
                   "%lld, \"tokens\": %lld, \"best_step\": %lld, \"best\": ",
                   (long long)t->step, t->weight, (long long)t->n_skipped,
                   (long long)state->num_input_tokens_seen,
                   (long long)state->best_global_step);
    const char *best = state->best_model_checkpoint;
    qvl_json_quote(&text, best != NULL ? best : "",
                   best != NULL ? strlen(best) : 0);
    qvl_str_printf(&text, ", \"kept\": \"%s\", \"history\": %s, "
                   "\"callbacks\": %s, \"data\": %s}\n",
                   o->best != NULL ? o->best : "", state->log_history,
                   state->stateful_callbacks, state->dataloader);
    snprintf(file, sizeof file, "%s/state.json", path);
    int rc = qvl_file_write_all(file, text.p, text.len, &err);
    qvl_str_release(&text);
    return rc != QVL_OK ? fail(error, rc, err.msg) : 0;
}

/* The text of a part of a file: from its node to where the next part begins. */
static const char *part(qvl_trainer *t, const char *text, const char *key,
                        const char *behind)
{
    const char *p = strstr(text, key) + strlen(key);
    const char *end = behind != NULL ? strstr(p, behind) : strrchr(p, '}');
    return qvl_arena_strndup(&t->texts, p, (size_t)(end - p));
}

/* Tests give the folder of a checkpoint, or of a run with "checkpoint-4". */
int qvl_train_resume(qvl_trainer *t, const char *folder,
                     qvl_train_state *state, qvl_error *error)
{
    char path[4096], *text;
    qvl_err err = { 0 };
    qvl_node *root;
    const char *within = strstr(folder, "/checkpoint-") != NULL
                             ? ""
                             : "/checkpoint-4";
    snprintf(path, sizeof path, "%s%s/state.json", folder, within);
    if (qvl_file_read(path, &text, NULL, &t->texts, &err) != QVL_OK
        || qvl_json_parse(&root, text, strlen(text), path, &t->texts, &err)
               != QVL_OK)
        return fail(error, err.code, err.msg);
    qvl_node_as_int(qvl_node_find(root, "step"), &t->step);
    qvl_node_as_float(qvl_node_find(root, "weight"), &t->weight);
    qvl_node_as_int(qvl_node_find(root, "skipped"), &t->n_skipped);
    *state = (qvl_train_state){ 0 };
    qvl_node_as_int(qvl_node_find(root, "tokens"),
                    &state->num_input_tokens_seen);
    const char *best = qvl_node_find(root, "best")->s;
    state->best_model_checkpoint = best[0] != '\0' ? best : NULL;
    state->log_history = part(t, text, "\"history\": ", ", \"callbacks\"");
    state->stateful_callbacks = part(t, text, "\"callbacks\": ", ", \"data\"");
    state->dataloader = part(t, text, "\"data\": ", NULL);
    return 0;
}
