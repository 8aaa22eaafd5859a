/* Scores of single rows, on every back end: those of a step are what evaluations
 * say of each row alone, and add up to what the step reports. */
#include "each_backend.h"
#include "small.h"

#define MOST_CELLS 256

static qvl_trainer *open_on(const char *device)
{
    qvl_train_options o = small_options();
    o.device = device;
    o.scores_rows = 1;
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

static void check_device(const char *device, const void *arg)
{
    (void)arg;
    qvl_trainer *t = open_on(device);
    check_none(t, 0);
    check_step(t, 1);
    check_step(t, SMALL_BATCHES);
    check_step(t, 2);
    check_evaluation(t);
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

RUN_TESTS(TEST(test_devices), TEST(test_unasked))
