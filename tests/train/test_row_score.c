/* test_row_score.c - scores of single rows, on every back end: those of a step are
 * what evaluations say of each row alone, and add up to what the step reports
 */
#include <math.h>

#include "base/arena.h"
#include "each_backend.h"
#include "small.h"

#define MOST_CELLS 256
#define MOST_STEPS 1000

static qvl_trainer *open_on(const char *device)
{
    qvl_train_options o = small_options();
    o.device = device;
    o.scores_rows = 1;
    o.max_steps = MOST_STEPS;
    return small_open(&o);
}

/* Loss of a batch in which the labels of one row alone count; row -1: none. */
static qvl_train_score evaluate_row(qvl_trainer *t, const qvl_batch_in *b,
                                    int row)
{
    static int64_t label[MOST_CELLS];
    qvl_batch_in own = *b;
    qvl_train_score score;
    qvl_error error;
    CHECK(b->n_rows * b->row_len <= MOST_CELLS, "room");
    for (int i = 0; i < b->n_rows * b->row_len; i++)
        label[i] = i / b->row_len == row ? b->labels[i] : -100;
    own.labels = label;
    CHECK(qvl_train_evaluate(t, &own, &score, &error) == 0, "%s",
          error.message);
    return score;
}

/* Row k, which there is. */
static qvl_train_score row_at(const qvl_trainer *t, size_t k)
{
    qvl_train_score score;
    CHECK_INT(qvl_train_row_at(t, k, &score), 0, "row %zu", k);
    return score;
}

/* There are n rows and no more. */
static void check_none(const qvl_trainer *t, size_t n)
{
    qvl_train_score score = { .n_labels = 77 };
    CHECK_INT(qvl_train_n_rows(t), n, "rows");
    CHECK(qvl_train_row_at(t, n, &score) < 0, "row %zu", n);
    CHECK(qvl_train_row_at(t, SIZE_MAX, &score) < 0, "the last number");
    CHECK_INT(score.n_labels, 77, "a score without a row");
    const qvl_train_label *label = NULL;
    CHECK(qvl_train_row_labels(t, n, &label) < 0 && label == NULL, "labels of none");
}

/* The labels of a row add up to its score. */
static void check_labels(const qvl_trainer *t, size_t k, const qvl_train_score *row)
{
    const qvl_train_label *label;
    double loss = 0, hits = 0;
    CHECK_INT(qvl_train_row_labels(t, k, &label), 0, "row %zu", k);
    for (int64_t i = 0; i < row->n_labels; i++) {
        CHECK(label[i].loss > 0 && (label[i].hit == 0 || label[i].hit == 1),
              "row %zu, label %lld: %g, %g", k, (long long)i, (double)label[i].loss,
              (double)label[i].hit);
        loss += (double)label[i].loss;
        hits += (double)label[i].hit;
    }
    CHECK_NEAR(loss, row->loss_sum, 1e-12 * (1 + loss), "row %zu", k);
    CHECK_INT(hits, row->n_correct, "row %zu", k);
}

/* Each label of a row has the loss that it has alone. */
static void check_single_labels(qvl_trainer *t)
{
    static int64_t alone[MOST_CELLS];
    static float loss[MOST_CELLS];
    qvl_batch_in b = small_batches()[0];
    const qvl_train_label *label;
    qvl_train_score score;
    qvl_error error;
    CHECK(qvl_train_evaluate(t, &b, &score, &error) == 0, "%s", error.message);
    int last = b.n_rows - 1, n = 0;
    const int64_t *of = b.labels + last * b.row_len;
    int64_t n_labels = row_at(t, (size_t)last).n_labels;
    CHECK_INT(qvl_train_row_labels(t, (size_t)last, &label), 0, "last row");
    for (int64_t i = 0; i < n_labels; i++)
        loss[i] = label[i].loss;
    b.labels = alone;
    for (int i = 1; i < b.row_len; i++) {
        if (of[i] < 0)
            continue;
        for (int c = 0; c < b.n_rows * b.row_len; c++)
            alone[c] = c == last * b.row_len + i ? of[i] : -100;
        CHECK(qvl_train_evaluate(t, &b, &score, &error) == 0, "%s", error.message);
        CHECK_NEAR(score.loss_sum, (double)loss[n], 1e-5 * (1 + score.loss_sum),
                   "label %d", n);
        n++;
    }
    CHECK_INT(n, n_labels, "labels");
}

static void check_score(const qvl_train_score *found,
                        const qvl_train_score *wanted, const char *what, int k,
                        int row)
{
    CHECK_INT(found->n_labels, wanted->n_labels, "%s %d, row %d", what, k, row);
    CHECK_INT(found->n_correct, wanted->n_correct, "%s %d, row %d", what, k,
              row);
    /* the sum of a row is taken in another order */
    CHECK_NEAR(found->loss_sum, wanted->loss_sum,
               1e-5 * (1 + wanted->loss_sum), "%s %d, row %d", what, k, row);
}

/* The rows of a step over the first n batches. */
static void check_step(qvl_trainer *t, int n)
{
    const qvl_batch_in *b = small_batches();
    qvl_train_score alone[64], sum = { 0 };
    qvl_train_report report;
    qvl_error error;
    size_t n_rows = 0;
    for (int k = 0; k < n; k++)
        for (int r = 0; r < b[k].n_rows; r++)
            alone[n_rows++] = evaluate_row(t, &b[k], r);
    CHECK(qvl_train_step(t, b, n, &report, &error) == 0, "%s", error.message);
    check_none(t, n_rows);
    for (size_t i = 0; i < n_rows; i++) {
        qvl_train_score found = row_at(t, i);
        check_labels(t, i, &found);
        check_score(&found, &alone[i], "step", n, (int)i);
        sum.loss_sum += found.loss_sum;
        sum.n_labels += found.n_labels;
        sum.n_correct += found.n_correct;
        sum.n_tokens += found.n_tokens;
    }
    CHECK_INT(sum.n_labels, report.n_labels, "%d batches", n);
    CHECK_INT(sum.n_correct, report.n_correct, "%d batches", n);
    CHECK_INT(sum.n_tokens, report.n_tokens, "%d batches", n);
    CHECK_NEAR(sum.loss_sum / (double)sum.n_labels, report.loss, 1e-5, "%d", n);
}

/* An evaluation has rows too, those without labels among them. */
static void check_evaluation(qvl_trainer *t)
{
    const qvl_batch_in *b = small_batches();
    for (int k = 0; k < SMALL_BATCHES; k++)
        for (int r = -1; r < b[k].n_rows; r++) {
            qvl_train_score all = evaluate_row(t, &b[k], r);
            CHECK_INT(qvl_train_n_rows(t), b[k].n_rows, "batch %d", k);
            for (int i = 0; i < b[k].n_rows; i++) {
                static const qvl_train_score none;
                qvl_train_score found = row_at(t, (size_t)i);
                check_score(&found, i == r ? &all : &none, "batch", k, i);
            }
        }
}

/* The rows of a batch behind one another in one, without their padding: `out` has
 * a row whose samples they are. */
static void pack_rows(qvl_batch_in *out, const qvl_batch_in *b)
{
    static int64_t id[MOST_CELLS], label[MOST_CELLS], sample[MOST_CELLS];
    int n_cells = b->n_rows * b->row_len;
    int n = 0;
    CHECK(n_cells <= MOST_CELLS, "room");
    for (int i = 0; i < n_cells; i++) {
        if (b->attention_mask != NULL && b->attention_mask[i] == 0)
            continue;
        id[n] = b->input_ids[i];
        label[n] = b->labels[i];
        sample[n++] = 3 * (i / b->row_len);
    }
    *out = *b;
    out->n_rows = 1;
    out->row_len = n;
    out->input_ids = id;
    out->labels = label;
    out->sample_ids = sample;
    out->attention_mask = NULL;
}

/* Each sample of a packed row has the score that it has as a row. */
static void check_packed(qvl_trainer *t)
{
    const qvl_batch_in *b = small_batches();
    for (int k = 0; k < SMALL_BATCHES; k++) {
        qvl_train_score alone[64], score;
        qvl_batch_in packed;
        qvl_error error;
        CHECK(qvl_train_evaluate(t, &b[k], &score, &error) == 0, "%s",
              error.message);
        for (int r = 0; r < b[k].n_rows; r++)
            alone[r] = row_at(t, (size_t)r);
        pack_rows(&packed, &b[k]);
        CHECK(qvl_train_evaluate(t, &packed, &score, &error) == 0, "%s",
              error.message);
        check_none(t, (size_t)b[k].n_rows);
        for (int r = 0; r < b[k].n_rows; r++) {
            qvl_train_score found = row_at(t, (size_t)r);
            check_score(&found, &alone[r], "packed", k, r);
            check_labels(t, (size_t)r, &found);
            CHECK_INT(found.n_tokens, alone[r].n_tokens, "packed %d, row %d", k,
                      r);
        }
    }
}

static void check_device(const char *device, const void *arg)
{
    (void)arg;
    qvl_trainer *t = open_on(device);
    check_none(t, 0);
    check_step(t, 1);
    check_step(t, SMALL_BATCHES);
    check_step(t, 2);
    check_evaluation(t);
    check_packed(t);
    check_single_labels(t);
    qvl_train_close(t);
}

static void test_devices(void)
{
    each_backend(check_device, NULL);
}

/* They change nothing, and nobody gets them unasked. */
static void test_unasked(void)
{
    qvl_train_options o = small_options();
    o.max_steps = MOST_STEPS;
    qvl_trainer *plain = small_open(&o);
    qvl_trainer *scored = open_on("cpu");
    qvl_train_report a = small_train(plain, 3, 2);
    qvl_train_report b = small_train(scored, 3, 2);
    CHECK(a.loss == b.loss && a.grad_norm == b.grad_norm, "%g %g, %g %g",
          a.loss, b.loss, a.grad_norm, b.grad_norm);
    check_none(plain, 0);
    CHECK(qvl_train_n_rows(scored) > 0, "rows");
    qvl_train_close(plain);
    qvl_train_close(scored);
}

/* ---- after a failure ------------------------------------------------------ */

/* What is wrong with a call. */
typedef enum {
    NO_BATCHES,
    PICTURE_COLUMNS,  // told before the trainer is asked
    LABEL,            // told before the rows are counted
    TOKEN,            // told by the model
    N_WRONG
} wrong;

static int call_wrongly(qvl_trainer *t, wrong what, bool evaluates,
                        qvl_error *error)
{
    static int64_t id[MOST_CELLS], label[MOST_CELLS];
    qvl_batch_in b = small_batches()[0];
    qvl_train_report report;
    qvl_train_score score;
    size_t n = (size_t)(b.n_rows * b.row_len);
    memcpy(id, b.input_ids, n * sizeof *id);
    memcpy(label, b.labels, n * sizeof *label);
    b.input_ids = id;
    b.labels = label;
    if (what == PICTURE_COLUMNS)
        b.images.n_cols--;
    if (what == LABEL)
        label[1] = 1 << 30;
    if (what == TOKEN)
        id[0] = 1 << 30;
    if (evaluates)
        return qvl_train_evaluate(t, &b, &score, error);
    return qvl_train_step(t, &b, what == NO_BATCHES ? 0 : 1, &report, error);
}

/* A call that fails leaves no rows of the call before, wherever it ends. */
static void test_failures(void)
{
    qvl_trainer *t = open_on("cpu");
    for (int k = 0; k < 2 * N_WRONG; k++) {
        wrong what = (wrong)(k / 2);
        bool evaluates = k % 2 == 1;
        qvl_error error;
        if (evaluates && what == NO_BATCHES)
            continue;
        small_train(t, 1, 2);
        CHECK(qvl_train_n_rows(t) > 0, "rows");
        CHECK(call_wrongly(t, what, evaluates, &error) < 0, "case %d", k);
        check_none(t, 0);
    }
    qvl_train_close(t);
}

/* Too many updates that are left out: the last of them was made. */
static void test_too_many_skipped(void)
{
    static float pixel[16 * 1536];
    qvl_train_options o = small_options();
    o.scores_rows = 1;
    o.max_skipped = 2;
    qvl_trainer *t = small_open(&o);
    qvl_batch_in b = small_batches()[0];
    qvl_train_report report;
    qvl_error error;
    memcpy(pixel, b.images.pixels, b.images.n_rows * 1536 * sizeof *pixel);
    pixel[0] = INFINITY;
    b.images.pixels = pixel;
    CHECK(qvl_train_step(t, &b, 1, &report, &error) == 0, "%s", error.message);
    CHECK_INT(qvl_train_n_rows(t), b.n_rows, "a step that is left out");
    CHECK_INT(qvl_train_step(t, &b, 1, &report, &error), QVL_E_RANGE, "%s",
              error.message);
    check_none(t, 0);
    qvl_train_close(t);
}

/* Out of host memory at any point. */
static void test_host_memory(void)
{
    qvl_trainer *t = open_on("cpu");
    for (int evaluates = 0; evaluates < 2; evaluates++) {
        int n_failures = 0;
        int rc = QVL_E_MEMORY;
        for (size_t limit = 16; rc != 0; limit += limit / 2) {
            qvl_train_report report;
            qvl_train_score score;
            qvl_error error;
            small_train(t, 1, 1);
            qvl_memory_limit(limit);
            rc = evaluates
                     ? qvl_train_evaluate(t, small_batches(), &score, &error)
                     : qvl_train_step(t, small_batches(), 2, &report, &error);
            qvl_memory_limit(SIZE_MAX);
            CHECK(rc == 0 || rc == QVL_E_MEMORY, "%zu bytes: %s", limit,
                  error.message);
            CHECK((qvl_train_n_rows(t) > 0) == (rc == 0), "%zu bytes", limit);
            n_failures += rc != 0;
        }
        CHECK(n_failures > 4, "%d failures", n_failures);
    }
    qvl_train_close(t);
}

RUN_TESTS(TEST(test_devices), TEST(test_unasked), TEST(test_failures),
          TEST(test_too_many_skipped), TEST(test_host_memory))
