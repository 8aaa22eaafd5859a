/* test_sample.c - tokens from logits, by hand and by counting */
#include "check.h"

#include "base/rng.h"
#include "infer/sample.h"

#define V 8

static qvl_arena arena;

static int64_t sample(const qvl_sampling *s, const float *logit, int vocab,
                      const int64_t *token, int n, int n_prompt)
{
    float copy[4096];
    memcpy(copy, logit, (size_t)vocab * sizeof *copy);
    qvl_arena_reset(&arena);
    return qvl_sample(s, copy, vocab, token, n, n_prompt, NULL, &arena);
}

static void test_greedy(void)
{
    qvl_sampling s = qvl_sampling_greedy();
    static const struct {
        const char *name;
        float logit[V];
        int64_t want;
    } cases[] = {
        { "plain", { 0, 1, 3, 2 }, 2 },
        { "a tie goes to the lowest", { -5, 4, 1, 4, -9, 4, 0, 0 }, 1 },
        { "NaN never wins", { NAN, -3, -2, NAN, -4, -5, -6, -7 }, 2 },
        { "all NaN", { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN }, 0 },
        { "infinite", { 0, INFINITY, 1, 2, -INFINITY, 0, 0, 0 }, 1 },
        { "all banned", { -INFINITY, -INFINITY, -INFINITY, -INFINITY,
                          -INFINITY, -INFINITY, -INFINITY, -INFINITY }, 0 },
    };
    int64_t token[1] = { 7 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_INT(sample(&s, cases[i].logit, V, token, 1, 1), cases[i].want,
                  "%s", cases[i].name);
}

/* Divided when positive, multiplied when negative, once for each token. */
static void test_repetition(void)
{
    qvl_sampling s = qvl_sampling_greedy();
    s.repetition_penalty = 2.0;
    float up[V] = { 4, 3, 0, 0, 0, 0, 0, 0 };
    int64_t said[3] = { 0, 0, 0 };
    CHECK_INT(sample(&s, up, V, said, 3, 1), 1, "4 / 2 is below 3");
    float once[V] = { 6.5f, 3, 0, 0, 0, 0, 0, 0 };
    CHECK_INT(sample(&s, once, V, said, 3, 1), 0, "halved once, not thrice");
    float down[V] = { -1, -1.5f, -9, -9, -9, -9, -9, -9 };
    CHECK_INT(sample(&s, down, V, said, 3, 1), 1, "-1 becomes -2");
}

/* Presence and frequency look at the answer alone. */
static void test_answer_penalties(void)
{
    qvl_sampling s = qvl_sampling_greedy();
    float logit[V] = { 2, 1.5f, 0, 0, 0, 0, 0, 0 };
    int64_t token[4] = { 0, 0, 1, 1 };
    s.presence_penalty = 1.0;
    CHECK_INT(sample(&s, logit, V, token, 2, 2), 0, "in the prompt alone");
    CHECK_INT(sample(&s, logit, V, token, 2, 1), 1, "in the answer");
    s.presence_penalty = 0.0;
    s.frequency_penalty = 0.3;
    CHECK_INT(sample(&s, logit, V, token, 2, 0), 1, "twice 0.3 is above 0.5");
    CHECK_INT(sample(&s, logit, V, token, 2, 1), 0, "once is below");
}

/* Only what is allowed, in any order of the logits; the ban gives way to it. */
static void test_allowed(void)
{
    static const struct {
        const char *name;
        float logit[V];
        uint64_t allowed;
        int ngram;
        double temperature;
        int64_t want;
    } cases[] = {
        { "the best one is not", { 0, 9, 3, 2 }, 1u << 2 | 1u << 3, 0, 0, 2 },
        { "drawn", { 0, 9, 3, 2 }, 1u << 3, 0, 5, 3 },
        { "all NaN", { 9, NAN, NAN, 9, NAN, 0, 0, 0 }, 1u << 4 | 1u << 2, 0, 0,
          2 },
        { "all NaN, drawn", { 9, NAN, NAN, 9, NAN, 0, 0, 0 },
          1u << 4 | 1u << 2, 0, 1, 2 },
        { "none is likely", { 9, 9, -INFINITY, 9, 9, 9, 9, 9 }, 1u << 2, 0, 1,
          2 },
        { "banned, but another is there", { 0, 9, 3, 2, 0, 9, 0, 0 },
          1u << 5 | 1u << 3, 1, 0, 3 },
        { "all are banned", { 9, 9, 3, 2, 0, 9, 0, 0 }, 1u << 5, 1, 0, 5 },
        { "all are banned, drawn", { 9, 9, 3, 2, 0, 9, 0, 0 }, 1u << 5, 1, 1,
          5 },
    };
    int64_t token[2] = { 5, 5 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_sampling s = qvl_sampling_greedy();
        float copy[V];
        memcpy(copy, cases[i].logit, sizeof copy);
        s.no_repeat_ngram = cases[i].ngram;
        s.temperature = cases[i].temperature;
        qvl_arena_reset(&arena);
        CHECK_INT(qvl_sample(&s, copy, V, token, 2, 1, &cases[i].allowed,
                             &arena), cases[i].want, "%s", cases[i].name);
    }
}

static void test_ngrams(void)
{
    qvl_sampling s = qvl_sampling_greedy();
    s.no_repeat_ngram = 3;
    float logit[V] = { 0, 0, 0, 9, 8, 0, 0, 0 };
    int64_t token[6] = { 1, 2, 3, 5, 1, 2 };
    CHECK_INT(sample(&s, logit, V, token, 6, 2), 4, "1 2 3 stood before");
    CHECK_INT(sample(&s, logit, V, token, 5, 2), 3, "5 1 3 did not");
    CHECK_INT(sample(&s, logit, V, token, 2, 2), 3, "too short");
    s.no_repeat_ngram = 1;
    CHECK_INT(sample(&s, logit, V, token, 3, 2), 4, "no token twice");
}

/* Frequencies of 20,000 draws against the probabilities, within 5 deviations. */
static void check_draws(const qvl_sampling *s, const float *logit,
                        const double *p, const char *name)
{
    enum { DRAWS = 20000 };
    int count[V] = { 0 };
    qvl_sampling now = *s;
    int64_t token[1] = { 0 };
    for (int i = 0; i < DRAWS; i++) {
        now.key = qvl_rng_mix(77, (uint64_t)i);
        count[sample(&now, logit, V, token, 1, 1)]++;
    }
    for (int k = 0; k < V; k++) {
        double sigma = sqrt(DRAWS * p[k] * (1.0 - p[k]));
        CHECK(fabs(count[k] - DRAWS * p[k]) <= 5.0 * sigma + 1e-9,
              "%s: id %d came %d times, expected about %g", name, k,
              count[k], DRAWS * p[k]);
    }
}

static void test_draws(void)
{
    float logit[V];
    double p[V] = { 0.4, 0.25, 0.15, 0.1, 0.05, 0.03, 0.01, 0.01 };
    for (int k = 0; k < V; k++)
        logit[k] = (float)log(p[k]);
    qvl_sampling s = qvl_sampling_greedy();
    s.temperature = 1.0;
    check_draws(&s, logit, p, "as they are");
    s.top_k = 2;
    check_draws(&s, logit, (double[V]){ 0.4 / 0.65, 0.25 / 0.65 }, "top_k 2");
    s.top_k = 0;
    s.top_p = 0.7;
    check_draws(&s, logit, (double[V]){ 0.5, 0.3125, 0.1875 }, "top_p 0.7");
    s.top_k = 4;  // 0.9 in all: 0.7 of it is 0.63, two tokens
    check_draws(&s, logit, (double[V]){ 0.4 / 0.65, 0.25 / 0.65 },
                "top_p of what top_k left");
    s.top_p = 0.6;  // 0.54: still two; of the two that min_p leaves one would do
    s.min_p = 0.5;
    check_draws(&s, logit, (double[V]){ 0.4 / 0.65, 0.25 / 0.65 },
                "min_p behind top_p");
    s.min_p = 0.7;
    check_draws(&s, logit, (double[V]){ 1.0 }, "min_p of what top_p left");
    s = qvl_sampling_greedy();
    s.temperature = 1.0;
    s.min_p = 0.24;
    check_draws(&s, logit, (double[V]){ 4.0 / 9, 2.5 / 9, 1.5 / 9, 1.0 / 9 },
                "min_p 0.24");
    s.min_p = 0.0;
    s.temperature = 0.5;  // p squared
    double sum = 0.0, squared[V];
    for (int k = 0; k < V; k++)
        sum += p[k] * p[k];
    for (int k = 0; k < V; k++)
        squared[k] = p[k] * p[k] / sum;
    check_draws(&s, logit, squared, "temperature 0.5");
    logit[6] = INFINITY;
    check_draws(&s, logit, (double[V]){ [6] = 1.0 }, "an infinite logit");
}

/* The same key and place give the same token; other places others. */
static void test_key(void)
{
    qvl_sampling s = qvl_sampling_greedy();
    float logit[4096] = { 0 };
    int64_t token[64] = { 0 };
    s.temperature = 1.0;
    s.key = 5;
    int64_t first = sample(&s, logit, 4096, token, 10, 3);
    CHECK_INT(sample(&s, logit, 4096, token, 10, 9), first, "same place");
    int n_same = 0;
    for (int n = 11; n < 64; n++)
        n_same += sample(&s, logit, 4096, token, n, 3) == first;
    CHECK(n_same < 3, "%d of 53 other places give the same token", n_same);
}

static void test_limits(void)
{
    static const struct {
        const char *word;
        qvl_sampling s;
    } cases[] = {
        { "temperature", { .temperature = -1, .top_p = 1,
                           .repetition_penalty = 1 } },
        { "temperature", { .temperature = NAN, .top_p = 1,
                           .repetition_penalty = 1 } },
        { "top_p", { .top_p = 0, .repetition_penalty = 1 } },
        { "top_p", { .top_p = 1.01, .repetition_penalty = 1 } },
        { "top_k", { .top_p = 1, .repetition_penalty = 1, .top_k = -1 } },
        { "min_p", { .top_p = 1, .repetition_penalty = 1, .min_p = 2 } },
        { "repetition_penalty", { .top_p = 1, .repetition_penalty = 0 } },
        { "presence_penalty", { .top_p = 1, .repetition_penalty = 1,
                                .presence_penalty = 3 } },
        { "frequency_penalty", { .top_p = 1, .repetition_penalty = 1,
                                 .frequency_penalty = -3 } },
    };
    qvl_sampling good = qvl_sampling_greedy();
    CHECK_INT(qvl_sampling_check(&good, NULL), QVL_OK, "greedy");
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        CHECK_INT(qvl_sampling_check(&cases[i].s, &err), QVL_E_USAGE, "%s",
                  cases[i].word);
        CHECK_HAS(err.msg, cases[i].word, "message");
    }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_greedy), TEST(test_repetition),
          TEST(test_answer_penalties), TEST(test_ngrams),
          TEST(test_allowed), TEST(test_draws), TEST(test_key), TEST(test_limits))
