/* test_sequence.c - rows cut at padding and at samples */
#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/rng.h"

#include "model/sequence.h"

/* Sequences as text: row:lo-hi(labels). */
static const char *cut(const qvl_batch_source *s)
{
    static char text[512];
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_sequences all;
    int64_t n_labels;
    size_t at = 0;
    CHECK_OK(qvl_sequences_make(&all, s, &arena, &err), err);
    text[0] = '\0';
    for (int k = 0; k < all.n; k++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%d:%d-%d(%d)",
                               k > 0 ? " " : "", all.v[k].row, all.v[k].lo,
                               all.v[k].hi, all.v[k].n_labels);
    CHECK_OK(qvl_sequences_count_labels(s, &n_labels, &err), err);
    CHECK_INT(n_labels, all.n_labels, "counted alone");
    qvl_arena_release(&arena);
    return text;
}

static const int64_t id[12] = { 0 };
static const int64_t label[12] = { 1, 1, 1, 1, 1, 1, -100, 1, 1, 1, -100, 1 };

/* The first label of a sequence does not count. */
static void test_rows(void)
{
    static const int64_t mask[12] = { 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0 };
    qvl_batch_source s = { .n_rows = 2, .row_len = 6, .id = id };
    CHECK_STR(cut(&s), "0:0-6(0) 1:0-6(0)", "whole rows");
    s.label = label;
    CHECK_STR(cut(&s), "0:0-6(5) 1:0-6(4)", "labels");
    s.mask = mask;
    CHECK_STR(cut(&s), "0:1-5(3) 1:6-6(0)", "padding, a row of nothing");
}

static void test_samples(void)
{
    static const int64_t mask[12] = { 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0 };
    static const int64_t sample[12] = { 9, 9, 4, 4, 4, 5, 0, 1, 2, 3, 3, -1 };
    static const int64_t one[12] = { 0 };
    qvl_batch_source s = { .n_rows = 2, .row_len = 6, .id = id, .label = label,
                           .sample = sample };
    CHECK_STR(cut(&s), "0:0-2(1) 0:2-5(2) 0:5-6(0) 1:0-1(0) 1:1-2(0) 1:2-3(0) "
              "1:3-5(0) 1:5-6(0)", "runs");
    s.mask = mask;
    CHECK_STR(cut(&s), "0:1-2(0) 0:2-5(2) 0:5-6(0) 1:0-1(0) 1:1-2(0) 1:2-3(0) "
              "1:3-5(0)", "numbers under padding do not count");
    s.sample = one;
    CHECK_STR(cut(&s), "0:1-6(4) 1:0-5(3)", "one sample a row");
}

static void test_errors(void)
{
    static const int64_t holes[6] = { 0, 1, 0, 1, 0, 0 };
    static const int64_t again[6] = { 1, 1, 2, 1, 3, 3 };
    static const int64_t falling[6] = { 3, 3, 2, 2, 1, 1 };
    qvl_err err = { 0 };
    qvl_arena arena = { 0 };
    int64_t n = 7;
    qvl_sequences all = { .n = 7 };
    qvl_batch_source s = { .n_rows = 0, .row_len = 6, .id = id };
    CHECK_FAILS(qvl_sequences_make(&all, &s, &arena, &err), QVL_E_RANGE, err,
                "found 0 rows");
    s.n_rows = 1;
    s.mask = holes;
    CHECK_FAILS(qvl_sequences_make(&all, &s, &arena, &err), QVL_E_DATA, err,
                "row 0, column 2");
    s.mask = NULL;
    s.sample = again;
    CHECK_FAILS(qvl_sequences_make(&all, &s, &arena, &err), QVL_E_DATA, err,
                "column 3): found sample 1 again");
    CHECK_FAILS(qvl_sequences_count_labels(&s, &n, &err), QVL_E_DATA, err,
                "sample 1");
    CHECK(all.n == 7 && n == 7, "unchanged");
    s.sample = falling;
    CHECK_STR(cut(&s), "0:0-2(0) 0:2-4(0) 0:4-6(0)", "any order");
    qvl_arena_release(&arena);
}

/* The first column that begins a run of a number that was there before; -1: none.
 * Each run is compared with each before it. */
static int plain_again(const int64_t *sample, int n)
{
    for (int c = 1; c < n; c++)
        for (int k = 0; k < c && sample[c] != sample[c - 1]; k++)
            if (sample[k] == sample[c])
                return c;
    return -1;
}

/* Numbers in any order, again or not, beside the plain definition. */
static void test_any_numbers(void)
{
    int n_again = 0;
    qvl_rng rng;
    qvl_rng_init(&rng, &(qvl_rng_id){ .seed = 5 }, QVL_RNG_MODE);
    for (int turn = 0; turn < 4000; turn++) {
        int64_t sample[40] = { 0 };
        qvl_arena arena = { 0 };
        qvl_err err = { 0 };
        qvl_sequences all;
        int n = 1 + turn % 20;
        int64_t most = turn % 2 == 0 ? 6 : INT64_MAX;
        for (int c = 0; c < 2 * n; c++) {
            bool goes_on = c % n > 0 && qvl_rng_uniform(&rng) < 0.6;
            double v = (qvl_rng_uniform(&rng) - 0.5) * (double)most;
            sample[c] = goes_on ? sample[c - 1] : (int64_t)v;
        }
        qvl_batch_source s = { .n_rows = 2, .row_len = n, .id = sample,
                               .sample = sample };
        int row = plain_again(sample, n) >= 0 ? 0 : 1;
        int column = plain_again(sample + row * n, n);
        int rc = qvl_sequences_make(&all, &s, &arena, &err);
        char wanted[96];
        snprintf(wanted, sizeof wanted, "row %d, column %d): found sample %lld "
                 "again", row, column,
                 column < 0 ? 0LL : (long long)sample[row * n + column]);
        CHECK_INT(rc, column < 0 ? QVL_OK : QVL_E_DATA, "turn %d", turn);
        if (column >= 0)
            CHECK_HAS(err.msg, wanted, "turn %d", turn);
        n_again += column >= 0;
        qvl_arena_release(&arena);
    }
    CHECK(n_again > 500 && n_again < 3500, "found %d of 4000", n_again);
}

/* A row of many samples whose numbers fall costs little more than one whose
 * numbers rise: seconds of a processor are for slow ones; looking back over the row for
 * each would take half a minute. */
static void test_many_samples(void)
{
    enum { N = 200000 };
    static int64_t sample[N];
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_sequences all;
    for (int c = 0; c < N; c++)
        sample[c] = -c;
    qvl_batch_source s = { .n_rows = 1, .row_len = N, .id = sample,
                           .sample = sample };
    clock_t began = clock();
    CHECK_OK(qvl_sequences_make(&all, &s, &arena, &err), err);
    CHECK_INT(all.n, N, "sequences");
    sample[N - 1] = sample[0];
    CHECK_FAILS(qvl_sequences_make(&all, &s, &arena, &err), QVL_E_DATA, err,
                "column 199999): found sample 0 again");
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    CHECK(seconds < 5, "found %g s", seconds);
    qvl_arena_release(&arena);
}

/* Out of host memory: an error or an unwinding, and nothing is held. */
static int make_small(void *arg)
{
    static const int64_t falling[6] = { 3, 3, 2, 2, 1, 1 };
    qvl_batch_source s = { .n_rows = 1, .row_len = 6, .id = id,
                           .sample = falling };
    qvl_sequences all;
    return qvl_sequences_make(&all, &s, arg, NULL);
}

static void test_no_memory(void)
{
    int n_failed = 0;
    for (size_t limit = 0;; limit += 8) {
        qvl_arena arena = { 0 };
        qvl_err err = { 0 };
        qvl_memory_limit(limit);
        int rc = qvl_guard(make_small, &arena, &err);
        qvl_memory_limit(SIZE_MAX);
        qvl_arena_release(&arena);
        if (rc == QVL_OK)
            break;
        CHECK_INT(rc, QVL_E_MEMORY, "%zu bytes", limit);
        n_failed++;
    }
    CHECK(n_failed > 3, "found %d failures", n_failed);
}

RUN_TESTS(TEST(test_rows), TEST(test_samples), TEST(test_errors),
          TEST(test_any_numbers), TEST(test_many_samples), TEST(test_no_memory))
