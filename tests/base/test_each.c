/* test_each.c - each thing once, errors as if one thread did it */
#include "check.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "base/each.h"

#define MOST 1009
#define MOST_THREADS 7

typedef struct {
    atomic_int times[MOST];
    const char *text[MOST];  // kept in an arena
    atomic_int n_in[MOST_THREADS];
    atomic_bool is_shared;   // two calls had one thread's number at a time
    size_t bad_from, bad_step;
} work;

static int do_one(void *ctx, size_t i, int thread, qvl_arena *arena,
                  qvl_err *err)
{
    work *w = ctx;
    if (atomic_fetch_add(&w->n_in[thread], 1) != 0)
        atomic_store(&w->is_shared, true);
    atomic_fetch_add(&w->times[i], 1);
    w->text[i] = qvl_arena_printf(arena, "thing %zu", i);
    atomic_fetch_sub(&w->n_in[thread], 1);
    if (w->bad_step > 0 && i >= w->bad_from
        && (i - w->bad_from) % w->bad_step == 0)
        return qvl_fail(err, QVL_E_DATA, "bad %zu", i);
    return QVL_OK;
}

static const size_t sizes[] = { 0, 1, 2, 7, 31, 32, 33, 128, 500, MOST };

static void test_each_once(void)
{
    for (size_t s = 0; s < QVL_COUNT(sizes); s++)
        for (int t = 1; t <= MOST_THREADS; t++) {
            size_t n = sizes[s];
            work w = { 0 };
            qvl_arena arena[MOST_THREADS] = { 0 };
            qvl_err err = { 0 };
            CHECK_OK(qvl_each(n, t, do_one, &w, arena, &err), err);
            for (size_t i = 0; i < MOST; i++)
                CHECK_INT(atomic_load(&w.times[i]), i < n, "%zu of %zu by %d",
                          i, n, t);
            for (size_t i = 0; i < n; i++) {
                char wanted[32];
                snprintf(wanted, sizeof wanted, "thing %zu", i);
                CHECK_STR(w.text[i], wanted, "kept by %d", t);
            }
            CHECK(!atomic_load(&w.is_shared), "%d threads", t);
            for (int k = 0; k < t; k++)
                qvl_arena_release(&arena[k]);
        }
}

/* The first that fails is named, and all before it were done. */
static void test_first_error(void)
{
    static const size_t first[] = { 0, 1, 31, 32, 500, MOST - 1 };
    for (size_t f = 0; f < QVL_COUNT(first); f++)
        for (int t = 1; t <= MOST_THREADS; t++) {
            work w = { .bad_from = first[f], .bad_step = 3 };
            qvl_err err = { 0 };
            char wanted[32];
            snprintf(wanted, sizeof wanted, "bad %zu", first[f]);
            int rc = qvl_each(MOST, t, do_one, &w, NULL, &err);
            CHECK_INT(rc, QVL_E_DATA, "%zu by %d", first[f], t);
            CHECK_STR(err.msg, wanted, "by %d", t);
            for (size_t i = 0; i <= first[f]; i++)
                CHECK_INT(atomic_load(&w.times[i]), 1, "%zu by %d", i, t);
            CHECK_INT(qvl_each(MOST, t, do_one, &w, NULL, NULL), QVL_E_DATA,
                      "no place for it");
        }
}

static int fail_silently(void *ctx, size_t i, int thread, qvl_arena *arena,
                         qvl_err *err)
{
    (void)ctx;
    (void)thread;
    (void)arena;
    (void)err;
    return i >= 40 ? QVL_E_CONFIG : QVL_OK;
}

/* A code without a text is an error too. */
static void test_silent_error(void)
{
    for (int t = 1; t <= MOST_THREADS; t++) {
        qvl_err err = { 0 };
        CHECK_INT(qvl_each(200, t, fail_silently, NULL, NULL, &err),
                  QVL_E_CONFIG, "%d threads", t);
    }
}

static int take_all(void *ctx, size_t i, int thread, qvl_arena *arena,
                    qvl_err *err)
{
    (void)ctx;
    (void)thread;
    (void)err;
    if (i == 40)
        qvl_arena_alloc_n(arena, SIZE_MAX / 2, 4);
    return QVL_OK;
}

static void test_no_memory(void)
{
    for (int t = 1; t <= 3; t++) {
        qvl_err err = { 0 };
        CHECK_INT(qvl_each(200, t, take_all, NULL, NULL, &err), QVL_E_MEMORY,
                  "%d threads", t);
    }
}

typedef struct {
    atomic_int n_in;
    int n_threads;
} meeting;

/* Wait, not for ever, until as many things as there are threads are being done. */
static int meet(void *ctx, size_t i, int thread, qvl_arena *arena, qvl_err *err)
{
    meeting *m = ctx;
    (void)i;
    (void)thread;
    (void)arena;
    atomic_fetch_add(&m->n_in, 1);
    for (int turn = 0; turn < 20000; turn++) {
        if (atomic_load(&m->n_in) == m->n_threads)
            return QVL_OK;
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    return qvl_fail(err, QVL_E_INTERNAL, "alone");
}

static void test_at_a_time(void)
{
    for (int t = 1; t <= MOST_THREADS; t++) {
        meeting m = { .n_threads = t };
        qvl_err err = { 0 };
        CHECK_OK(qvl_each((size_t)t, t, meet, &m, NULL, &err), err);
    }
}

static void test_threads(void)
{
    CHECK_INT(qvl_each_threads(3, 100), 3, "as named");
    CHECK_INT(qvl_each_threads(3, 2), 2, "not more than things");
    CHECK_INT(qvl_each_threads(3, 0), 1, "not less than one");
    CHECK(qvl_each_threads(0, 1000) >= 1, "of the machine");
    CHECK_INT(qvl_each_threads(1 << 20, 1 << 20), QVL_EACH_MOST, "at most");
}

RUN_TESTS(TEST(test_each_once), TEST(test_first_error),
          TEST(test_silent_error), TEST(test_no_memory),
          TEST(test_at_a_time), TEST(test_threads))
