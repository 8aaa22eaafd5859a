/* test_trainer.c - optimizer steps through qvl_train.h: normalisation, skipped
 * updates, frozen parts, storage types
 *
 * What the numbers are is told by the stored cases.
 */
#include <limits.h>
#include <math.h>
#include <stdbool.h>

#include "base/arena.h"
#include "check.h"
#include "small.h"

/* ---- batches made of others --------------------------------------------- */

#define MOST_ROWS 8
#define MOST_TOKENS 20

/* The four batches as one, padded on the right. */
typedef struct {
    int64_t id[MOST_ROWS * MOST_TOKENS];
    int64_t mask[MOST_ROWS * MOST_TOKENS];
    int64_t label[MOST_ROWS * MOST_TOKENS];
    float pixel[64 * 1536];
    int64_t grid[8 * 3];
    qvl_batch_in in;
} joined;

static void join_rows(joined *j, const qvl_batch_in *b, int *row)
{
    for (int r = 0; r < b->n_rows; r++, (*row)++)
        for (int c = 0; c < b->row_len; c++) {
            int from = r * b->row_len + c, to = *row * MOST_TOKENS + c;
            j->id[to] = b->input_ids[from];
            j->mask[to] = b->attention_mask[from];
            j->label[to] = b->labels[from];
        }
}

static void join_images(joined *j, const qvl_pictures *p)
{
    qvl_pictures *all = &j->in.images;
    if (p->n_rows == 0)
        return;
    CHECK(all->n_rows + p->n_rows <= 64, "room");
    memcpy(j->pixel + all->n_rows * 1536, p->pixels,
           p->n_rows * 1536 * sizeof(float));
    memcpy(j->grid + 3 * all->n_grids, p->grid,
           (size_t)p->n_grids * 3 * sizeof(int64_t));
    all->n_rows += p->n_rows;
    all->n_grids += p->n_grids;
}

static void join(joined *j, const qvl_batch_in *b, int n)
{
    int row = 0;
    memset(j, 0, sizeof *j);
    for (size_t i = 0; i < QVL_COUNT(j->label); i++)
        j->label[i] = -100;
    j->in = (qvl_batch_in){
        .row_len = MOST_TOKENS, .input_ids = j->id,
        .attention_mask = j->mask, .labels = j->label,
        .images = { .pixels = j->pixel, .n_cols = 1536, .grid = j->grid },
    };
    for (int k = 0; k < n; k++) {
        join_rows(j, &b[k], &row);
        join_images(j, &b[k].images);
        if (b[k].videos.n_rows > 0)
            j->in.videos = b[k].videos;  // one batch has some
    }
    j->in.n_rows = row;
}

/* A copy of a batch whose labels can be changed. */
typedef struct {
    int64_t label[MOST_ROWS * MOST_TOKENS];
    float pixel[16 * 1536];
    qvl_batch_in in;
} changed;

static void copy_batch(changed *c, int which)
{
    const qvl_batch_in *b = &small_batches()[which];
    c->in = *b;
    memcpy(c->label, b->labels,
           (size_t)(b->n_rows * b->row_len) * sizeof *c->label);
    c->in.labels = c->label;
    if (b->images.n_rows == 0)
        return;
    memcpy(c->pixel, b->images.pixels, b->images.n_rows * 1536 * 4);
    c->in.images.pixels = c->pixel;
}

static qvl_train_report step(qvl_trainer *t, const qvl_batch_in *b, int n)
{
    qvl_train_report r;
    qvl_error error;
    CHECK(qvl_train_step(t, b, n, &r, &error) == 0, "%s", error.message);
    return r;
}

static void check_fails(int rc, const qvl_error *error, int code,
                        const char *part)
{
    CHECK(rc == code && strstr(error->message, part) != NULL,
          "found %s |%s|, wanted %s |...%s...|", qvl_err_name(rc),
          error->message, qvl_err_name(code), part);
}

/* ---- normalisation ------------------------------------------------------ */

/* Four batches a step, with 11, 12, 14 and 9 labels, equal one batch of all; a
 * mean of four means is off in the second digit. A step of AdamW is up to the
 * rate, whatever the size of a gradient, so what rounding makes of one near 0
 * shows in the weights, and in the norms after the first step. */
static void test_accumulation(void)
{
    static joined all;
    qvl_train_options o = small_options();
    o.max_grad_norm = 0.5;
    qvl_trainer *a = small_open(&o), *b = small_open(&o);
    join(&all, small_batches(), SMALL_BATCHES);
    for (int k = 0; k < 3; k++) {
        qvl_train_report x = small_train(a, 1, SMALL_BATCHES);
        qvl_train_report y = step(b, &all.in, 1);
        CHECK_INT(x.n_labels, 46, "labels");
        CHECK_INT(y.n_labels, 46, "labels");
        CHECK_INT(x.n_tokens, y.n_tokens, "tokens");
        CHECK_INT(x.n_correct, y.n_correct, "hits");
        CHECK_NEAR(x.loss, y.loss, 1e-6 * x.loss, "loss of step %d", k);
        CHECK_NEAR(x.grad_norm, y.grad_norm,
                   (k == 0 ? 1e-6 : 1e-4) * x.grad_norm, "norm of step %d",
                   k);
    }
    size_t n;
    float *v = small_weights(a, &n), *w = small_weights(b, &n);
    double sum = 0.0, square = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += ((double)v[i] - w[i]) * ((double)v[i] - w[i]);
        square += (double)v[i] * v[i];
    }
    CHECK_NEAR(sqrt(sum / square), 0.0, 1e-5, "weights");
    free(v);
    free(w);
    qvl_train_close(a);
    qvl_train_close(b);
}

/* A batch without labels changes nothing beside others; a step of them is
 * counted and nothing else. */
static void test_no_labels(void)
{
    static changed none;
    qvl_train_options o = small_options();
    o.schedule = "constant";
    qvl_trainer *a = small_open(&o), *b = small_open(&o);
    copy_batch(&none, 1);
    for (int i = 0; i < none.in.n_rows * none.in.row_len; i++)
        none.label[i] = -100;
    none.label[0] = 5;  // the first token of a row is predicted by nobody
    size_t n;
    float *before = small_weights(a, &n);
    qvl_train_report r = step(a, &none.in, 1);
    float *after = small_weights(a, &n);
    CHECK(r.is_skipped && r.loss == 0.0 && r.n_labels == 0, "skipped");
    CHECK_INT(r.step, 1, "counted");
    CHECK_INT(r.n_skipped, 1, "counted");
    CHECK(memcmp(before, after, n * sizeof *after) == 0, "weights stay");
    qvl_batch_in pair[2] = { none.in, small_batches()[0] };
    step(a, pair, 2);
    step(b, &small_batches()[0], 1);
    float *x = small_weights(a, &n), *y = small_weights(b, &n);
    CHECK(memcmp(x, y, n * sizeof *x) == 0, "left out");
    free(before);
    free(after);
    free(x);
    free(y);
    qvl_train_close(a);
    qvl_train_close(b);
}

/* ---- updates that are dropped ------------------------------------------- */

/* A bad step in between leaves weights, moments and the bias correction as if
 * it had not been. */
static void test_not_finite(void)
{
    static changed bad;
    const char *const type[] = { "f32", "bf16" };
    for (int k = 0; k < 2; k++) {
        qvl_train_options o = small_options();
        o.schedule = "constant";
        o.dtype = type[k];
        qvl_trainer *a = small_open(&o), *b = small_open(&o);
        copy_batch(&bad, 0);
        bad.pixel[100] = NAN;
        step(a, &small_batches()[1], 1);
        qvl_train_report r = step(a, &bad.in, 1);
        CHECK(r.is_skipped && !isfinite(r.grad_norm), "%s: dropped", type[k]);
        CHECK_INT(r.n_skipped, 1, "counted");
        r = step(a, &small_batches()[2], 1);
        CHECK(!r.is_skipped && r.n_skipped == 1 && r.step == 3, "goes on");
        step(b, &small_batches()[1], 1);
        step(b, &small_batches()[2], 1);
        size_t n;
        float *x = small_weights(a, &n), *y = small_weights(b, &n);
        CHECK(memcmp(x, y, n * sizeof *x) == 0, "%s: weights", type[k]);
        free(x);
        free(y);
        qvl_train_close(a);
        qvl_train_close(b);
    }
}

static void test_too_many(void)
{
    static changed bad;
    qvl_train_options o = small_options();
    o.max_skipped = 3;
    qvl_trainer *t = small_open(&o);
    qvl_train_report r;
    qvl_error error;
    copy_batch(&bad, 0);
    bad.pixel[0] = INFINITY;
    step(t, &bad.in, 1);
    step(t, &bad.in, 1);
    step(t, &small_batches()[0], 1);  // not in a row
    step(t, &bad.in, 1);
    step(t, &bad.in, 1);
    check_fails(qvl_train_step(t, &bad.in, 1, &r, &error), &error,
                QVL_E_RANGE, "in 3 steps in a row");
    CHECK_INT(qvl_train_steps_done(t), 6, "counted");
    qvl_train_close(t);
}

/* ---- frozen parts ------------------------------------------------------- */

static int part_of(const char *name)
{
    bool visual = strncmp(name, "model.visual.", 13) == 0;
    bool merges = strstr(name, "merger") != NULL;
    return !visual ? 2 : merges ? 1 : 0;
}

/* What is trained moves as in a run that trains all, to the bit; what is frozen
 * does not move and has no gradient. */
static void test_freezing(void)
{
    qvl_train_options o = small_options();
    o.schedule = "constant";
    qvl_trainer *all = small_open(&o);
    size_t n;
    float *start = small_weights(all, &n);
    qvl_train_report full = small_train(all, 1, 1);
    float *want = small_weights(all, &n);
    for (int frozen = 1; frozen < 7; frozen++) {
        o.freeze_vit = frozen & 1;
        o.freeze_aligner = frozen >> 1 & 1;
        o.freeze_llm = frozen >> 2 & 1;
        qvl_trainer *t = small_open(&o);
        qvl_train_report r = small_train(t, 1, 1);
        CHECK_NEAR(r.loss, full.loss, 0.0, "loss, frozen %d", frozen);
        CHECK(r.grad_norm < full.grad_norm, "norm, frozen %d", frozen);
        float *w = small_weights(t, &n);
        size_t at = 0;
        for (size_t k = 0; k < qvl_train_n_tensors(t); k++) {
            qvl_tensor info;
            qvl_train_tensor_at(t, k, &info);
            bool moves = (frozen >> part_of(info.name) & 1) == 0;
            CHECK_INT(qvl_train_tensor_group(t, k) >= 0, moves, "%s",
                      info.name);
            CHECK(memcmp(w + at, (moves ? want : start) + at,
                         info.n_elems * sizeof *w) == 0,
                  "%s, frozen %d", info.name, frozen);
            at += info.n_elems;
        }
        free(w);
        qvl_train_close(t);
    }
    free(start);
    free(want);
    qvl_train_close(all);
}

/* Numbers behind the last and before the first of everything that is listed. */
static void check_beyond(qvl_trainer *t)
{
    qvl_train_group g = { .n_params = 77 };
    qvl_train_part p = { .n_elems = 77 };
    qvl_tensor info = { .rank = 77 };
    qvl_error error;
    float x;
    size_t n = qvl_train_n_tensors(t), wrong[] = { n, SIZE_MAX };
    const int group[] = { -1, qvl_train_n_groups(t), INT_MIN, INT_MAX };
    const int part[] = { -1, qvl_train_n_parts(t), INT_MIN, INT_MAX };
    for (size_t i = 0; i < QVL_COUNT(group); i++)
        CHECK(qvl_train_group_at(t, group[i], &g) != 0 && g.n_params == 77
                  && qvl_train_part_at(t, part[i], &p) != 0
                  && p.n_elems == 77,
              "case %zu", i);
    for (size_t i = 0; i < QVL_COUNT(wrong); i++) {
        CHECK(qvl_train_tensor_at(t, wrong[i], &info) != 0 && info.rank == 77,
              "tensor %zu", wrong[i]);
        CHECK_INT(qvl_train_tensor_group(t, wrong[i]), -1, "no tensor");
        check_fails(qvl_train_read(t, wrong[i], &x, &error), &error,
                    QVL_E_USAGE, "tensor: found number");
    }
    CHECK_INT(qvl_train_tensor_at(t, n - 1, &info), 0, "the last tensor");
}

static void test_parts(void)
{
    qvl_train_options o = small_options();
    o.vit_lr = 1e-5;
    o.freeze_aligner = 1;
    qvl_trainer *t = small_open(&o);
    size_t trained = 0, grouped = 0;
    CHECK_INT(qvl_train_n_parts(t), 3, "parts");
    for (int k = 0; k < 3; k++) {
        qvl_train_part p;
        qvl_train_part_at(t, k, &p);
        CHECK_INT(p.n_trained, k == 1 ? 0 : p.n_elems, "%s", p.part);
        trained += p.n_trained;
    }
    CHECK_INT(qvl_train_n_groups(t), 4, "groups");
    for (int k = 0; k < 4; k++) {
        qvl_train_group g;
        qvl_train_group_at(t, k, &g);
        CHECK_STR(g.part, k < 2 ? "vit" : "llm", "group %d", k);
        CHECK_NEAR(g.learning_rate, k < 2 ? 1e-5 : 1e-3, 0.0, "group %d", k);
        grouped += g.n_elems;
    }
    CHECK_INT(grouped, trained, "each in one group");
    check_beyond(t);
    qvl_train_report r = small_train(t, 1, 1);
    CHECK_NEAR(r.lr, 1e-3, 0.0, "rate");
    CHECK_NEAR(r.lr_vit, 1e-5, 0.0, "rate");
    CHECK(r.lr_aligner < 0.0, "no group");
    uint64_t held, peak;
    qvl_train_memory(t, &held, &peak);
    CHECK(held > 16 * trained && peak >= held, "weights, gradients, moments");
    qvl_train_close(t);
}

/* ---- the same run in other ways ----------------------------------------- */

static float *weights_after(const qvl_train_options *o, int steps, size_t *n)
{
    qvl_trainer *t = small_open(o);
    small_train(t, steps, 1);
    float *w = small_weights(t, n);
    qvl_train_close(t);
    return w;
}

static void test_recompute(void)
{
    qvl_train_options o = small_options();
    size_t n;
    float *want = weights_after(&o, 3, &n);
    o.recompute = 1;
    float *found = weights_after(&o, 3, &n);
    CHECK(memcmp(found, want, n * sizeof *want) == 0, "same bits");
    free(want);
    free(found);
}

/* Two runs on one device give the same bits; on all, nearly the same. */
static void test_devices(void)
{
    static const char *const device[] = { "cpu", "opencl", "vulkan" };
    qvl_train_options o = small_options();
    o.max_grad_norm = 1.0;
    size_t n;
    float *want = weights_after(&o, 2, &n);
    for (int k = 0; k < 3; k++) {
        qvl_trainer *t;
        qvl_error error;
        o.device = device[k];
        if (qvl_train_open(&t, SMALL_MODEL, &o, &error) != 0) {
            print_message("SKIP %s: %s\n", device[k], error.message);
            continue;
        }
        qvl_train_close(t);
        float *a = weights_after(&o, 2, &n), *b = weights_after(&o, 2, &n);
        CHECK(memcmp(a, b, n * sizeof *a) == 0, "%s twice", device[k]);
        CHECK(small_difference(a, want, n) < 1e-3, "%s", device[k]);
        free(a);
        free(b);
    }
    free(want);
}

/* In 16 bits the weights are trained in 32: steps that are too small for a
 * stored weight add up. The gradients are about those of f32. */
static void test_narrow(void)
{
    static const char *const type[] = { "bf16", "f16" };
    qvl_train_options o = small_options();
    qvl_trainer *t = small_open(&o);
    qvl_train_report want = small_train(t, 1, 1);
    qvl_train_close(t);
    o.learning_rate = 1e-6;
    for (int k = 0; k < 2; k++) {
        o.dtype = type[k];
        t = small_open(&o);
        size_t n;
        float *start = small_weights(t, &n);
        qvl_train_report r = small_train(t, 1, 1);
        CHECK_NEAR(r.loss, want.loss, 0.02 * want.loss, "%s", type[k]);
        CHECK_NEAR(r.grad_norm, want.grad_norm, 0.03 * want.grad_norm, "%s",
                   type[k]);
        CHECK_NEAR(r.loss_scale, k == 0 ? 1.0 : 65536.0, 0.0, "%s", type[k]);
        small_train(t, 4, 1);
        float *w = small_weights(t, &n);
        double most = small_difference(start, w, n);
        CHECK(most > 3e-6 && most < 6e-6, "%s: %g", type[k], most);
        free(start);
        free(w);
        qvl_train_close(t);
    }
}

/* A loss that overflows f16 halves its scale until it does not. */
static void test_loss_scale(void)
{
    static changed loud;
    qvl_train_options o = small_options();
    o.dtype = "f16";
    qvl_trainer *t = small_open(&o);
    copy_batch(&loud, 2);
    for (int i = 0; i < loud.in.n_rows * loud.in.row_len; i++)
        loud.label[i] = -100;
    loud.label[4] = 5;  // the gradient of one label is 65536 (p - 1)
    double scale = 65536.0;
    int n_dropped = 0;
    for (int k = 0; k < 10; k++) {
        qvl_train_report r = step(t, &loud.in, 1);
        CHECK_NEAR(r.loss_scale, scale, 0.0, "step %d", k);
        n_dropped += r.is_skipped;
        scale = r.is_skipped ? scale / 2.0 : scale;
    }
    CHECK(n_dropped < 8, "found %d dropped", n_dropped);
    qvl_train_close(t);
}

/* ---- evaluation --------------------------------------------------------- */

static void test_evaluation(void)
{
    static changed none;
    qvl_train_options o = small_options();
    qvl_trainer *t = small_open(&o);
    for (int k = 0; k < SMALL_BATCHES; k++) {
        qvl_train_score s;
        qvl_error error;
        const qvl_batch_in *b = &small_batches()[k];
        CHECK(qvl_train_evaluate(t, b, &s, &error) == 0, "%s", error.message);
        qvl_train_report r = step(t, b, 1);
        CHECK_INT(s.n_labels, small_labels[k], "labels of %d", k);
        CHECK_INT(s.n_tokens, r.n_tokens, "tokens of %d", k);
        CHECK_INT(s.n_correct, r.n_correct, "hits of %d", k);
        CHECK_NEAR(s.loss_sum / small_labels[k], r.loss, 1e-6 * r.loss,
                   "loss of %d", k);
        CHECK_NEAR(r.token_acc, (double)r.n_correct / small_labels[k], 0.0,
                   "share of %d", k);
    }
    copy_batch(&none, 2);
    for (int i = 0; i < none.in.n_rows * none.in.row_len; i++)
        none.label[i] = -100;
    qvl_train_score s;
    qvl_error error;
    CHECK(qvl_train_evaluate(t, &none.in, &s, &error) == 0, "%s",
          error.message);
    CHECK(s.n_labels == 0 && s.loss_sum == 0.0 && s.n_tokens > 0, "nothing");
    qvl_train_close(t);
}

/* Learning by heart works: the hits rise to all. */
static void test_learning(void)
{
    qvl_train_options o = small_options();
    o.schedule = "constant";
    o.max_steps = 60;
    o.max_grad_norm = 1.0;
    qvl_trainer *t = small_open(&o);
    qvl_train_report r = { 0 };
    for (int k = 0; k < 60; k++)
        r = step(t, &small_batches()[0], 1);
    CHECK(r.loss < 0.1 && r.n_correct == r.n_labels,
          "found loss %g and %d of %d", r.loss, (int)r.n_correct,
          (int)r.n_labels);
    qvl_train_close(t);
}

/* ---- refusals ----------------------------------------------------------- */

static void test_steps_refused(void)
{
    static changed c;
    qvl_train_options o = small_options();
    o.max_steps = 1;
    qvl_trainer *t = small_open(&o);
    qvl_train_report r;
    qvl_error error;
    check_fails(qvl_train_step(t, small_batches(), 0, &r, &error), &error,
                QVL_E_USAGE, "found 0 batches");
    copy_batch(&c, 0);
    int image = 0;
    while (c.in.input_ids[image] != c.in.input_ids[image + 1])
        image++;  // two in a row: placeholders
    c.label[image] = c.in.input_ids[image];
    check_fails(qvl_train_step(t, &c.in, 1, &r, &error), &error, QVL_E_DATA,
                "the placeholder of a picture");
    copy_batch(&c, 0);
    c.in.images.n_cols = 10;
    check_fails(qvl_train_step(t, &c.in, 1, &r, &error), &error, QVL_E_DATA,
                "pixel_values");
    copy_batch(&c, 0);
    c.in.n_rows = -1;
    check_fails(qvl_train_step(t, &c.in, 1, &r, &error), &error, QVL_E_RANGE,
                "batch 0 of the step");
    copy_batch(&c, 0);
    c.label[1] = 1 << 30;
    size_t n;
    float *before = small_weights(t, &n);
    qvl_batch_in pair[2] = { small_batches()[1], c.in };
    check_fails(qvl_train_step(t, pair, 2, &r, &error), &error, QVL_E_DATA,
                "batch 1 of the step");
    float *after = small_weights(t, &n);
    CHECK(memcmp(before, after, n * sizeof *after) == 0, "weights stay");
    small_train(t, 1, 1);
    check_fails(qvl_train_step(t, small_batches(), 1, &r, &error), &error,
                QVL_E_USAGE, "max_steps");
    free(before);
    free(after);
    qvl_train_close(t);
}

static void check_open_fails(const qvl_train_options *o, const char *folder,
                             int code, const char *part)
{
    qvl_trainer *t = NULL;
    qvl_error error;
    check_fails(qvl_train_open(&t, folder, o, &error), &error, code, part);
    CHECK(t == NULL, "unchanged");
}

static void test_options_refused(void)
{
    qvl_train_options o = small_options();
    check_open_fails(&o, TRAIN_FIXTURES, QVL_E_MODEL, "config.json");
    o.beta2 = 1.0;
    check_open_fails(&o, SMALL_MODEL, QVL_E_CONFIG, "adam_beta2: found 1");
    o = small_options();
    o.epsilon = 0.0;
    check_open_fails(&o, SMALL_MODEL, QVL_E_CONFIG, "adam_epsilon");
    o = small_options();
    o.max_skipped = 0;
    check_open_fails(&o, SMALL_MODEL, QVL_E_CONFIG, "max_skipped_updates");
    o = small_options();
    o.dtype = "i32";
    check_open_fails(&o, SMALL_MODEL, QVL_E_USAGE, "storage type");
    o = small_options();
    o.device = "abacus";
    check_open_fails(&o, SMALL_MODEL, QVL_E_DEVICE, "abacus");
    o = small_options();
    o.freeze_vit = o.freeze_llm = o.freeze_aligner = 1;
    check_open_fails(&o, SMALL_MODEL, QVL_E_CONFIG, "found none");
    o = small_options();
    o.max_steps = 0;
    check_open_fails(&o, SMALL_MODEL, QVL_E_CONFIG, "max_steps");
}

/* Out of host memory anywhere: an error, and everything is given back. */
static void test_host_memory(void)
{
    qvl_train_options o = small_options();
    o.freeze_regex = "norm";
    bool opened = false;
    for (size_t limit = 64; !opened; limit *= 4) {
        qvl_trainer *t = NULL;
        qvl_error error;
        qvl_memory_limit(limit);
        int rc = qvl_train_open(&t, SMALL_MODEL, &o, &error);
        qvl_memory_limit(SIZE_MAX);
        opened = rc == 0;
        CHECK(opened || rc == QVL_E_MEMORY, "%zu bytes: %s", limit,
              error.message);
        qvl_train_close(t);
    }
    qvl_trainer *t = small_open(&o);
    bool stepped = false;
    for (size_t limit = 64; !stepped; limit *= 4) {
        qvl_train_report r;
        qvl_error error;
        qvl_memory_limit(limit);
        int rc = qvl_train_step(t, small_batches(), 2, &r, &error);
        qvl_memory_limit(SIZE_MAX);
        stepped = rc == 0;
        CHECK(stepped || rc == QVL_E_MEMORY, "%zu bytes: %s", limit,
              error.message);
    }
    qvl_train_close(t);
}

RUN_TESTS(TEST(test_accumulation), TEST(test_no_labels),
          TEST(test_not_finite), TEST(test_too_many), TEST(test_freezing),
          TEST(test_parts), TEST(test_recompute), TEST(test_devices),
          TEST(test_narrow), TEST(test_loss_scale), TEST(test_evaluation),
          TEST(test_learning), TEST(test_steps_refused),
          TEST(test_options_refused), TEST(test_host_memory))
