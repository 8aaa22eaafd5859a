/* test_choose.c - splits and samples of records */
#include "check.h"

#include <limits.h>
#include <stdbool.h>

#include "data/choose.h"

#define MOST 1009

/* Each of n numbers is there once. */
static void check_permutation(const size_t *record, size_t n, const char *what)
{
    bool seen[MOST] = { false };
    for (size_t i = 0; i < n; i++) {
        CHECK(record[i] < n && !seen[record[i]], "%s: %zu of %zu", what,
              record[i], n);
        seen[record[i]] = true;
    }
}

static void test_split(void)
{
    static const struct {
        size_t n;
        double ratio;
        size_t n_val;
    } cases[] = {
        { 2, 0.1, 1 },      { 9, 0.1, 1 },     { 10, 0.1, 1 },
        { 19, 0.1, 1 },     { 20, 0.1, 2 },    { 1009, 0.1, 100 },
        { 100, 0.25, 25 },  { 3, 0.99, 2 },    { 2, 0.999, 1 },
        { 1000, 1e-9, 1 },
    };
    size_t a[MOST], b[MOST];
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        size_t n = cases[i].n;
        size_t n_val = qvl_split(a, n, cases[i].ratio, 7);
        CHECK_INT(n_val, cases[i].n_val, "%zu by %g", n, cases[i].ratio);
        check_permutation(a, n, "split");
    }
    qvl_split(a, MOST, 0.1, 7);
    qvl_split(b, MOST, 0.3, 7);
    CHECK(memcmp(a, b, sizeof a) == 0, "the ratio changes the order");
    qvl_split(b, MOST, 0.1, 8);
    CHECK(memcmp(a, b, sizeof a) != 0, "another seed gives the same order");
    size_t n_fixed = 0;
    for (size_t i = 0; i < MOST; i++)
        n_fixed += a[i] == i;
    CHECK(n_fixed < 20, "%zu of %d stayed where they were", n_fixed, MOST);
}

/* Numbers of objects: many of 0 and 1, few of many. */
static void put_objects(int *n_objects, size_t n)
{
    for (size_t i = 0; i < n; i++)
        n_objects[i] = i % 50 == 7 ? 40 + (int)(i % 9)
                       : i % 10 == 3 ? 5
                       : i % 2 == 0  ? 0
                                     : 1;
}

static void check_ascending(const size_t *record, size_t n, size_t end,
                            const char *what)
{
    for (size_t i = 0; i < n; i++)
        CHECK(record[i] < end && (i == 0 || record[i] > record[i - 1]),
              "%s: place %zu of %zu", what, i, n);
}

static void test_forms(void)
{
    static const size_t sizes[] = { 1, 2, 7, 100, 1008, 1009 };
    int n_objects[MOST];
    size_t a[MOST], b[MOST];
    qvl_arena arena = { 0 };
    put_objects(n_objects, MOST);
    for (size_t s = 0; s < QVL_COUNT(sizes); s++)
        for (int by = QVL_CHOOSE_UNIFORM; by <= QVL_CHOOSE_STRATIFIED; by++) {
            size_t n = sizes[s];
            qvl_choose(a, n, n_objects, MOST, (qvl_choose_by)by, 3, &arena);
            check_ascending(a, n, MOST, "chosen");
            qvl_choose(b, n, n_objects, MOST, (qvl_choose_by)by, 3, &arena);
            CHECK(memcmp(a, b, n * sizeof *a) == 0, "form %d, %zu", by, n);
            qvl_choose(b, n, n_objects, MOST, (qvl_choose_by)by, 4, &arena);
            bool is_drawn = by != QVL_CHOOSE_UNIFORM && n < MOST;
            CHECK((memcmp(a, b, n * sizeof *a) != 0) == is_drawn,
                  "form %d, %zu: another seed", by, n);
        }
    qvl_arena_release(&arena);
}

static void test_uniform(void)
{
    static const size_t wanted[] = { 1, 4, 7 };
    size_t a[3];
    qvl_choose(a, 3, NULL, 9, QVL_CHOOSE_UNIFORM, 0, NULL);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(a[i], wanted[i], "place %zu", i);
    qvl_choose(a, 1, NULL, 1, QVL_CHOOSE_UNIFORM, 0, NULL);
    CHECK_INT(a[0], 0, "the only one");
}

static void test_top_k(void)
{
    static const int n_objects[] = { 3, 0, 9, 3, 9, 1 };
    static const size_t wanted[] = { 2, 4, 0, 3, 5, 1 };
    size_t a[6];
    qvl_arena arena = { 0 };
    qvl_choose(a, 6, n_objects, 6, QVL_CHOOSE_TOP_K, 0, &arena);
    for (size_t i = 0; i < 6; i++)
        CHECK_INT(a[i], wanted[i], "place %zu", i);
    qvl_arena_release(&arena);
}

/* 1,000 records: 500 of no object, 380 of one, 100 of 5, 20 of 40 and more. */
static void test_stratified(void)
{
    static const struct {
        size_t n;
        size_t of[4];  // 0, 1, 5, 40 and more
    } cases[] = {
        { 50, { 25, 19, 5, 1 } },
        { 1, { 1, 0, 0, 0 } },      // 0.5: the largest remainder
        { 2, { 1, 1, 0, 0 } },      // 1, 0.76
        { 7, { 3, 3, 1, 0 } },      // 3.5, 2.66, 0.7, 0.14
        { 10, { 5, 4, 1, 0 } },     // 5, 3.8, 1, 0.2
        { 999, { 499, 380, 100, 20 } },  // 499.5, 379.62, 99.9, 19.98
        { 1000, { 500, 380, 100, 20 } },
    };
    int n_objects[1000];
    size_t a[1000];
    qvl_arena arena = { 0 };
    put_objects(n_objects, 1000);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        size_t of[4] = { 0 };
        qvl_choose(a, cases[i].n, n_objects, 1000, QVL_CHOOSE_STRATIFIED, 1,
                   &arena);
        for (size_t k = 0; k < cases[i].n; k++)
            of[n_objects[a[k]] >= 40  ? 3
               : n_objects[a[k]] == 5 ? 2
                                      : n_objects[a[k]]]++;
        for (int g = 0; g < 4; g++)
            CHECK_INT(of[g], cases[i].of[g], "%zu records, group %d",
                      cases[i].n, g);
    }
    qvl_arena_release(&arena);
}

/* 500 records of `few` objects, then as many of `more`: the drawn of each half. */
static size_t draw_halves(size_t *a, size_t n, int few, int more, uint64_t seed)
{
    int n_objects[1000];
    qvl_arena arena = { 0 };
    size_t n_few = 0;
    for (size_t i = 0; i < 1000; i++)
        n_objects[i] = i < 500 ? few : more;
    qvl_choose(a, n, n_objects, 1000, QVL_CHOOSE_STRATIFIED, seed, &arena);
    for (size_t k = 0; k < n; k++)
        n_few += a[k] < 500;
    qvl_arena_release(&arena);
    return n_few;
}

static void test_groups(void)
{
    static const int ends[] = { 0, 1, 3, 7, 15, 1023, INT_MAX / 2 };
    size_t a[20];
    for (size_t i = 0; i < QVL_COUNT(ends); i++) {
        bool is_even = true;
        for (uint64_t seed = 0; seed < 20; seed++) {
            CHECK_INT(draw_halves(a, 20, ends[i], ends[i] + 1, seed), 10,
                      "%d and one more", ends[i]);
            is_even = is_even
                      && draw_halves(a, 20, ends[i] + 1, 2 * ends[i] + 1, seed) == 10;
        }
        CHECK(!is_even, "a group from %d", ends[i] + 1);
    }
    draw_halves(a, 20, 0, 1, 7);
    size_t n_same = 0;
    for (size_t k = 0; k < 10; k++)
        n_same += a[k] + 500 == a[k + 10];
    CHECK(n_same < 5, "%zu of 10 drawn alike in both groups", n_same);
}

RUN_TESTS(TEST(test_split), TEST(test_forms), TEST(test_uniform),
          TEST(test_top_k), TEST(test_stratified), TEST(test_groups))
