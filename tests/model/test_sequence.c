/* test_sequence.c - rows cut at padding and at samples */
#include "check.h"

#include <stdbool.h>
#include <stdio.h>

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

RUN_TESTS(TEST(test_rows), TEST(test_samples), TEST(test_errors))
