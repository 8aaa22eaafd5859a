/* test_rng.c - the definition of the numbers, keys that differ, and their
 * distributions
 */
#include "base/rng.h"

#include <stdbool.h>

#include "check.h"

#define N_DRAWS 200000

/* The first output of splitmix64 from seed 0 is published; it is m(g). Keys are
 * chosen so that the formulas of the header come down to it. */
static void test_definition(void)
{
    uint64_t first = 0xe220a8397b1dcdafu;
    uint64_t g = 0x9e3779b97f4a7c15u;
    CHECK(qvl_rng_at(first ^ g, 0) == first, "finaliser");
    CHECK(qvl_rng_mix(first, 0) == first, "m((first ^ m(g)) + g) = m(g)");
    CHECK(qvl_rng_at(0, 0 - g) == 0, "m(0) = 0");
}

/* Values that may never change: stored runs depend on them. */
static void test_contract(void)
{
    qvl_rng_id id = { .seed = 17, .epoch = 3, .dataset = qvl_rng_hash("bbu", 3),
                      .record = 12345, .occurrence = 1 };
    qvl_rng r;
    qvl_rng_init(&r, &id, QVL_RNG_AUG);
    static const uint64_t wanted[] = {
        0x264be6f9412b11e7u, 0x0196ad76aeeeb9d7u,
        0xc367dec3c39d982fu, 0xdd7228eda755c1cbu,
    };
    for (size_t i = 0; i < QVL_COUNT(wanted); i++) {
        uint64_t found = qvl_rng_next(&r);
        CHECK(found == wanted[i], "number %zu: 0x%016llx", i,
              (unsigned long long)found);
    }
    size_t order[10];
    for (size_t i = 0; i < 10; i++)
        order[i] = i;
    qvl_rng_init(&r, &id, QVL_RNG_SCHEDULE);
    qvl_rng_shuffle(&r, order, 10);
    static const size_t shuffled[10] = { 9, 0, 8, 6, 7, 5, 3, 2, 1, 4 };
    for (size_t i = 0; i < 10; i++)
        CHECK_INT(order[i], shuffled[i], "place %zu", i);
}

static void test_hash(void)
{
    CHECK(qvl_rng_hash("", 0) == 0xcbf29ce484222325u, "offset basis");
    CHECK(qvl_rng_hash("a", 1) == 0xaf63dc4c8601ec8cu, "published value");
    CHECK(qvl_rng_hash("foobar", 6) == 0x85944171f73967e8u, "published value");
}

/* Each field and the stream lead to another key, and so does their order. */
static void test_keys_differ(void)
{
    static const qvl_rng_id ids[] = {
        { 0 },           { .seed = 1 },   { .epoch = 1 },      { .dataset = 1 },
        { .record = 1 }, { .occurrence = 1 }, { .seed = 2 }, { .seed = 1, .epoch = 1 },
    };
    uint64_t keys[QVL_COUNT(ids) * 12];
    size_t n = 0;
    for (size_t i = 0; i < QVL_COUNT(ids); i++) {
        for (int stream = QVL_RNG_SCHEDULE; stream <= QVL_RNG_SYNTH; stream++) {
            qvl_rng r;
            qvl_rng_init(&r, &ids[i], stream);
            CHECK(r.counter == 0, "starts at 0");
            keys[n++] = r.key;
        }
    }
    CHECK_INT(n, QVL_COUNT(keys), "all streams");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(keys[i] != keys[k], "keys %zu and %zu", i, k);
}

/* A number depends on key and counter alone. */
static void test_random_access(void)
{
    qvl_rng r = { .key = 99 };
    for (uint64_t c = 0; c < 100; c++)
        CHECK(qvl_rng_next(&r) == qvl_rng_at(99, c), "number %d", (int)c);
}

static void test_uniform(void)
{
    qvl_rng r = { .key = 1 };
    double sum = 0;
    int bins[16] = { 0 };
    for (int i = 0; i < N_DRAWS; i++) {
        uint64_t bits = qvl_rng_at(r.key, r.counter);
        double u = qvl_rng_uniform(&r);
        CHECK(u >= 0 && u < 1, "%g", u);
        CHECK(u == (double)(bits >> 11) / 9007199254740992.0, "top 53 bits");
        sum += u;
        bins[(int)(u * 16)]++;
    }
    /* 5 deviations: 0.29 / sqrt(N), and sqrt(N p (1 - p)) */
    CHECK_NEAR(sum / N_DRAWS, 0.5, 5 * 0.2887 / sqrt(N_DRAWS), "mean");
    for (int i = 0; i < 16; i++)
        CHECK_NEAR(bins[i], N_DRAWS / 16, 5 * sqrt(N_DRAWS / 16.0), "bin %d", i);
    for (int i = 0; i < 1000; i++) {
        double v = qvl_rng_between(&r, -3, 5);
        CHECK(v >= -3 && v < 5, "%g", v);
    }
    CHECK(qvl_rng_between(&r, 2, 2) == 2, "empty range");
}

/* Every bit is set half of the time, and neighbours of counter or key share
 * half of their bits. */
static void test_bits(void)
{
    int set[64] = { 0 };
    double same_counter = 0;
    double same_key = 0;
    for (uint64_t c = 0; c < N_DRAWS; c++) {
        uint64_t x = qvl_rng_at(7, c);
        uint64_t by_counter = x ^ qvl_rng_at(7, c + 1);
        uint64_t by_key = x ^ qvl_rng_at(8, c);
        for (int b = 0; b < 64; b++) {
            set[b] += (int)(x >> b & 1);
            same_counter += (double)(by_counter >> b & 1);
            same_key += (double)(by_key >> b & 1);
        }
    }
    for (int b = 0; b < 64; b++)  // 5 deviations: sqrt(N) / 2
        CHECK_NEAR(set[b], N_DRAWS / 2, 2.5 * sqrt(N_DRAWS), "bit %d", b);
    double n = 64.0 * N_DRAWS;
    CHECK_NEAR(same_counter / n, 0.5, 2.5 / sqrt(n), "neighbouring counters");
    CHECK_NEAR(same_key / n, 0.5, 2.5 / sqrt(n), "neighbouring keys");
}

static void test_below(void)
{
    static const uint64_t limits[] = { 1, 2, 3, 7, 10, 1000, (uint64_t)1 << 63,
                                       ((uint64_t)1 << 63) + 1, UINT64_MAX };
    qvl_rng r = { .key = 2 };
    for (size_t i = 0; i < QVL_COUNT(limits); i++)
        for (int k = 0; k < 1000; k++)
            CHECK(qvl_rng_below(&r, limits[i]) < limits[i], "limit %zu", i);

    int bins[7] = { 0 };
    for (int i = 0; i < N_DRAWS; i++)
        bins[qvl_rng_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        CHECK_NEAR(bins[i], N_DRAWS / 7.0, 5 * sqrt(N_DRAWS / 7.0), "bin %d", i);

    /* With 3/4 of the range, x modulo n would fall below n / 3 half of the
     * time; without bias it is a third. */
    uint64_t n = (uint64_t)3 << 62;
    int low = 0;
    for (int i = 0; i < N_DRAWS; i++)
        low += qvl_rng_below(&r, n) < (uint64_t)1 << 62;
    CHECK_NEAR(low, N_DRAWS / 3.0, 5 * sqrt(N_DRAWS / 4.5), "no bias");

    /* Rejected numbers are exactly those from the largest multiple on. */
    qvl_rng a = { .key = 3 };
    for (int i = 0; i < 1000; i++) {
        uint64_t x = qvl_rng_at(a.key, a.counter);
        while (x >= n)
            x = qvl_rng_at(a.key, ++a.counter);
        CHECK(qvl_rng_below(&a, n) == x, "draw %d", i);
    }
}

static void test_normal(void)
{
    qvl_rng r = { .key = 4 };
    double sum = 0;
    double squares = 0;
    double fourths = 0;
    int beyond_two = 0;
    for (int i = 0; i < N_DRAWS; i++) {
        double x = qvl_rng_normal(&r);
        CHECK(isfinite(x), "draw %d", i);
        sum += x;
        squares += x * x;
        fourths += x * x * x * x;
        beyond_two += fabs(x) > 2;
    }
    CHECK_INT(r.counter, 2 * N_DRAWS, "two numbers a draw");
    /* 5 deviations of the means of x, x^2, x^4 (1, 2, 96), P(|x| > 2) */
    CHECK_NEAR(sum / N_DRAWS, 0, 5 / sqrt(N_DRAWS), "mean");
    CHECK_NEAR(squares / N_DRAWS, 1, 5 * sqrt(2.0 / N_DRAWS), "variance");
    CHECK_NEAR(fourths / N_DRAWS, 3, 5 * sqrt(96.0 / N_DRAWS), "kurtosis");
    CHECK_NEAR(beyond_two / (double)N_DRAWS, 0.0455003,
               5 * sqrt(0.0455 / N_DRAWS), "tail");
}

static void test_shuffle(void)
{
    qvl_rng r = { .key = 6 };
    int orders[6] = { 0 };
    for (int i = 0; i < 60000; i++) {
        size_t v[3] = { 0, 1, 2 };
        qvl_rng_shuffle(&r, v, 3);
        CHECK(v[0] + v[1] + v[2] == 3 && v[0] != v[1], "a permutation");
        orders[v[0] * 2 + (v[1] > v[2])]++;
    }
    for (int i = 0; i < 6; i++)
        CHECK_NEAR(orders[i], 10000, 5 * sqrt(10000), "order %d", i);
    qvl_rng before = r;
    size_t one = 5;
    qvl_rng_shuffle(&r, &one, 1);
    qvl_rng_shuffle(&r, NULL, 0);
    CHECK(one == 5 && r.counter == before.counter, "nothing to draw");
}

RUN_TESTS(TEST(test_definition), TEST(test_contract), TEST(test_hash),
          TEST(test_keys_differ), TEST(test_random_access), TEST(test_uniform),
          TEST(test_bits), TEST(test_below), TEST(test_normal),
          TEST(test_shuffle))
