/* test_logprob.c - log probabilities, by hand */
#include "check.h"

#include "infer/logprob.h"

#define V 6

static void test_values(void)
{
    static const struct {
        const char *name;
        float logit[V];
        int64_t id;
        int n_top;
        double value;  // of the token; of those on top:
        int64_t top[4];
        double top_value[4];
    } cases[] = {
        { "even", { 0, 0, 0, 0, 0, 0 }, 4, 3, -1.791759469228055,
          { 0, 1, 2 },
          { -1.791759469228055, -1.791759469228055, -1.791759469228055 } },
        { "none on top", { 0, 0, 0, 0, 0, 0 }, 4, 0, -1.791759469228055,
          { 0 }, { 0 } },
        { "one alone", { -INFINITY, 3, -INFINITY, -INFINITY, -INFINITY,
                         -INFINITY }, 0, 2, -INFINITY, { 1, 0 },
          { 0, -INFINITY } },
        { "halves", { -INFINITY, 7, -INFINITY, 7, -INFINITY, NAN }, 3, 3,
          -0.6931471805599453, { 1, 3, 0 },
          { -0.6931471805599453, -0.6931471805599453, -INFINITY } },
        { "far away", { 1000, 999, -1000, 998, 0, 1 }, 1, 4,
          -1.407605964445278, { 0, 1, 3, 5 },
          { -0.407605964444380, -1.407605964444380, -2.407605964444380,
            -999.4076059644444 } },
        { "infinite", { 1, INFINITY, 2, 0, 0, 0 }, 0, 2, -INFINITY, { 1, 0 },
          { 0, -INFINITY } },
        { "nothing", { NAN, -INFINITY, NAN, NAN, NAN, NAN }, 1, 1, -INFINITY,
          { 0 }, { -INFINITY } },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_logprob out[1 + V];
        qvl_logprobs(out, cases[i].logit, V, cases[i].id, cases[i].n_top);
        CHECK_INT(out[0].id, cases[i].id, "%s", cases[i].name);
        CHECK(out[0].value == cases[i].value
                  || fabs(out[0].value - cases[i].value) < 1e-8,
              "%s: %.17g", cases[i].name, out[0].value);
        for (int k = 0; k < cases[i].n_top; k++) {
            CHECK_INT(out[1 + k].id, cases[i].top[k], "%s, place %d",
                      cases[i].name, k);
            CHECK(out[1 + k].value == cases[i].top_value[k]
                      || fabs(out[1 + k].value - cases[i].top_value[k]) < 1e-8,
                  "%s, place %d: %.17g", cases[i].name, k, out[1 + k].value);
        }
    }
}

/* The best 20 of many are those of a sorted list, and all sum up to 1. */
static void test_many(void)
{
    enum { N = 3000 };
    static float logit[N];
    qvl_logprob out[21];
    double sum = 0.0;
    for (int i = 0; i < N; i++)
        logit[i] = (float)((i * 7919) % 3001) / 100.0f;
    for (int i = 0; i < N; i++) {
        qvl_logprobs(out, logit, N, i, 0);
        sum += exp(out[0].value);
    }
    CHECK(fabs(sum - 1.0) < 1e-9, "sum %.17g", sum);
    qvl_logprobs(out, logit, N, 5, 20);
    for (int k = 1; k <= 20; k++) {
        int n_above = 0;
        for (int i = 0; i < N; i++)
            n_above += logit[i] > logit[out[k].id];
        CHECK_INT(n_above, k - 1, "place %d", k);
    }
}

RUN_TESTS(TEST(test_values), TEST(test_many))
