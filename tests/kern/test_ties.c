/* test_ties.c - choices among equal logits: of several maxima the first is the argmax
 * of a loss, and the lower index is the expert that is chosen first
 */
#include <math.h>

#include "check.h"
#include "runner.h"

enum { OFF = 3, PAD = 2 };

/* Rows of whole numbers 0, 1 and 2, slices of wider ones. */
static operand few_values(uint32_t rows, uint32_t cols)
{
    operand x = operand_zeros(OFF + (size_t)rows * (cols + PAD));
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < cols; c++)
            x.v[OFF + r * (cols + PAD) + c] = (c * c + c / 3 + r) % 3;
    return x;
}

static void release_all(operand *const *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        operand_release(all[i]);
}

/* ---- cross entropy ---- */

/* Loss, hit, and gradient of a row with a label. */
static void loss_truth(const double *x, uint32_t n, uint32_t label,
                       double scale, double *stat, double *dx)
{
    double sum = 0.0;
    uint32_t top = 0;
    for (uint32_t c = 0; c < n; c++) {
        sum += exp(x[c]);
        top = x[c] > x[top] ? c : top;
    }
    stat[0] = log(sum) - x[label];
    stat[1] = top == label;
    for (uint32_t c = 0; c < n; c++)
        dx[c] = scale * (exp(x[c]) / sum - (c == label ? 1.0 : 0.0));
}

/* Every label of a row in turn; the last row has none. */
static void check_loss(const target *t, uint32_t n)
{
    uint32_t rows = n + 1;
    operand x = few_values(rows, n);
    operand label = operand_zeros(rows);
    operand scale = operand_zeros(1);
    operand stat = operand_random((size_t)rows * 2, 5.0, 6.0, 1);
    operand dx = operand_random((size_t)rows * n, 5.0, 6.0, 2);
    operand want_stat = operand_zeros(stat.n);
    operand want_dx = operand_zeros(dx.n);
    scale.v[0] = 0.5;
    label.v[n] = -100.0;
    for (uint32_t r = 0; r < n; r++) {
        label.v[r] = r;
        loss_truth(&x.v[OFF + r * (n + PAD)], n, r, scale.v[0],
                   &want_stat.v[2 * r], &want_dx.v[(size_t)r * n]);
    }
    runner_run(t, runner_kernel("cross_entropy.fifff"),
               (operand *[]){ &x, &label, &scale, &stat, &dx },
               (uint32_t[]){ rows, n, OFF, n + PAD, 0, 1, 0, 2 });
    char what[64];
    snprintf(what, sizeof what, "cross_entropy on %s, %u columns", t->name, n);
    runner_near(stat.v, want_stat.v, stat.n, 2e-6, 1.0, what);
    runner_near(dx.v, want_dx.v, dx.n, 2e-6, 1.0, what);
    release_all((operand *[]){ &x, &label, &scale, &stat, &dx, &want_stat,
                               &want_dx }, 7);
}

static void test_losses(void)
{
    static const uint32_t n[] = { 1, 2, 3, 31, 32, 33, 70 };
    int n_targets;
    const target *t = runner_targets(&n_targets);
    for (int i = 0; i < n_targets; i++)
        for (size_t k = 0; k < QVL_COUNT(n); k++)
            check_loss(&t[i], n[k]);
}

/* ---- experts ---- */

/* The next choice of a row: the largest logit that is not taken. */
static uint32_t next_choice(const double *x, uint32_t n, bool *is_taken)
{
    uint32_t best = n;
    for (uint32_t e = 0; e < n; e++)
        if (!is_taken[e] && (best == n || x[e] > x[best]))
            best = e;
    is_taken[best] = true;
    return best;
}

static void check_route(const target *t, uint32_t tokens, uint32_t n,
                        uint32_t k)
{
    operand x = few_values(tokens, n);
    operand weight = operand_zeros((size_t)tokens * k);
    operand expert = operand_zeros((size_t)tokens * k);
    operand want_weight = operand_zeros(weight.n);
    operand want_expert = operand_zeros(expert.n);
    for (uint32_t r = 0; r < tokens; r++) {
        const double *row = &x.v[OFF + r * (n + PAD)];
        bool is_taken[64] = { false };
        double sum = 0.0;
        for (uint32_t i = 0; i < k; i++) {
            uint32_t e = next_choice(row, n, is_taken);
            want_expert.v[r * k + i] = e;
            want_weight.v[r * k + i] = exp(row[e]);
            sum += exp(row[e]);
        }
        for (uint32_t i = 0; i < k; i++)
            want_weight.v[r * k + i] /= sum;
    }
    runner_run(t, runner_kernel("route.ffi"),
               (operand *[]){ &x, &weight, &expert },
               (uint32_t[]){ tokens, n, k, OFF, n + PAD });
    char what[64];
    snprintf(what, sizeof what, "route on %s, %u tokens, %u of %u", t->name,
             tokens, k, n);
    runner_near(expert.v, want_expert.v, expert.n, 0.0, 1.0, what);
    runner_near(weight.v, want_weight.v, weight.n, 2e-6, 1.0, what);
    release_all((operand *[]){ &x, &weight, &expert, &want_weight,
                               &want_expert }, 5);
}

/* A logit that is no number: the choices are experts, each once, it is the first
 * of them, and no weight is a number. */
static void check_bad_route(const target *t, uint32_t n, uint32_t k,
                            uint32_t n_bad)
{
    operand x = few_values(3, n);
    operand weight = operand_zeros((size_t)3 * k);
    operand expert = operand_zeros((size_t)3 * k);
    double *row = &x.v[OFF + (n + PAD)];
    for (uint32_t e = 0; e < n_bad; e++)
        row[n - 1 - e] = e % 2 == 0 ? (double)NAN : -(double)NAN;
    runner_run(t, runner_kernel("route.ffi"),
               (operand *[]){ &x, &weight, &expert },
               (uint32_t[]){ 3, n, k, OFF, n + PAD });
    for (uint32_t i = 0; i < 3 * k; i++) {
        double e = expert.v[i];
        CHECK(e >= 0 && e < n, "%s: found expert %g of %u", t->name, e, n);
        for (uint32_t j = i / k * k; j < i; j++)
            CHECK(expert.v[j] != e, "%s: found expert %g twice", t->name, e);
        CHECK((i / k == 1) == isnan(weight.v[i]), "%s: found weight %g at %u",
              t->name, weight.v[i], i);
    }
    CHECK(expert.v[k] == n - n_bad, "%s: found expert %g first, expected %u",
          t->name, expert.v[k], n - n_bad);
    release_all((operand *[]){ &x, &weight, &expert }, 3);
}

static void test_routes(void)
{
    int n;
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++) {
        check_route(&t[i], 1, 1, 1);
        check_route(&t[i], 5, 4, 2);
        check_route(&t[i], 67, 37, 8);
        check_route(&t[i], 9, 16, 16);
        check_bad_route(&t[i], 5, 3, 1);
        check_bad_route(&t[i], 5, 3, 5);
        check_bad_route(&t[i], 16, 16, 2);
    }
}

RUN_TESTS(TEST(test_losses), TEST(test_routes))
