/* test_pack.c - rows of packed samples, and their stream over epochs */
#include "check.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/rng.h"
#include "data/pack.h"
#include "data/pack_stream.h"

/* Rows as text: lengths in their order, rows by "|". */
static const char *rows_text(const qvl_pack_row *row, int n, const int *length)
{
    static char text[512];
    size_t at = 0;
    text[0] = '\0';
    for (int k = 0; k < n; k++)
        for (int i = 0; i < row[k].n; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%d",
                                   i > 0 ? " " : k > 0 ? "|" : "",
                                   length[row[k].place[i]]);
    return text;
}

static const int lengths[] = { 3000, 1200, 900, 700, 2500, 400, 1800, 3900 };

static void check_rows(const qvl_pack_rules *rules, int first, int n,
                       qvl_pack_waiting *waiting, bool is_last,
                       qvl_arena *arena, const char *wanted)
{
    qvl_pack_row *row;
    int n_rows;
    qvl_pack_window(&row, &n_rows, waiting, rules, lengths + first,
                    (size_t)first, n, is_last, arena);
    CHECK_STR(rows_text(row, n_rows, lengths), wanted, "from %d", first);
}

/* The vector of the specification: rows by their earliest place. */
static void test_best_fit(void)
{
    qvl_pack_rules rules = { 4096, 8, QVL_PACK_BFD };
    qvl_pack_waiting waiting = { 0 };
    qvl_arena arena = { 0 };
    check_rows(&rules, 0, 8, &waiting, true, &arena,
               "3000 900|2500 1200|1800 700 400|3900");
    CHECK_INT(waiting.n_rows, 0, "nothing waits at the end");
    rules.capacity = 3900;
    check_rows(&rules, 0, 8, &waiting, true, &arena,
               "3000 900|2500 1200|1800 700 400|3900");
    rules.capacity = 3901;
    check_rows(&rules, 7, 1, &waiting, true, &arena, "3900");
    qvl_arena_release(&arena);
}

/* 3000, 900 and 2500, 1200 are 9/10 of 4096 full; 700 is not and waits, once. */
static void test_waiting(void)
{
    qvl_pack_rules rules = { 4096, 5, QVL_PACK_BFD };
    qvl_pack_waiting waiting = { 0 };
    qvl_arena arena[3] = { { 0 } };
    check_rows(&rules, 0, 5, &waiting, false, &arena[0], "3000 900|2500 1200");
    CHECK_INT(waiting.n_rows, 1, "700 waits");
    check_rows(&rules, 5, 1, &waiting, false, &arena[1], "700 400");
    CHECK_INT(waiting.n_rows, 0, "not again");
    check_rows(&rules, 6, 2, &waiting, true, &arena[2], "1800|3900");
    for (int i = 0; i < 3; i++)
        qvl_arena_release(&arena[i]);
}

static void test_sequential(void)
{
    qvl_pack_rules rules = { 4096, 3, QVL_PACK_SEQUENTIAL };
    qvl_pack_waiting waiting = { 0 };
    qvl_arena arena[3] = { { 0 } };
    check_rows(&rules, 0, 3, &waiting, false, &arena[0], "3000");
    check_rows(&rules, 3, 3, &waiting, false, &arena[1], "1200 900 700");
    check_rows(&rules, 6, 2, &waiting, true, &arena[2], "2500 400|1800|3900");
    for (int i = 0; i < 3; i++)
        qvl_arena_release(&arena[i]);
}

/* ---- the stream ---------------------------------------------------------- */

#define MOST 1009

typedef struct {
    int fails_at;  // record, -1: none
    int n_asked;
} lengths_of;

/* 1 to 100 tokens, others in another epoch. */
static int length_of(void *ctx, const qvl_sample_at *at, int *n_tokens,
                     qvl_err *err)
{
    lengths_of *l = ctx;
    l->n_asked++;
    if ((int)at->record == l->fails_at)
        return qvl_fail(err, QVL_E_DATA, "record %zu", at->record);
    *n_tokens = 1 + (int)(qvl_rng_mix(at->epoch, at->record) % 100);
    return QVL_OK;
}

static qvl_pack_source source_of(size_t n, int capacity, int window,
                                 qvl_pack_strategy strategy, lengths_of *ctx)
{
    return (qvl_pack_source){
        .plan = { .n_records = n, .batch = 1, .accumulate = 1, .seed = 3,
                  .is_shuffled = true },
        .rules = { capacity, window, strategy },
        .rows_of_update = 1, .length = length_of, .ctx = ctx,
    };
}

/* One epoch: each record once, no row too long, none empty. Returns the rows. */
static int check_epoch(qvl_pack_stream *s, const qvl_pack_source *source,
                       uint64_t epoch)
{
    bool seen[MOST] = { false };
    size_t n_given = 0;
    for (int n_rows = 1;; n_rows++) {
        qvl_packed_row row;
        qvl_err err = { 0 };
        int sum = 0;
        CHECK_OK(qvl_pack_stream_next(s, &row, &err), err);
        CHECK(row.n > 0 && row.at.epoch == epoch, "row %d", n_rows);
        for (int i = 0; i < row.n; i++) {
            int len;
            size_t record = row.sample[i].record;
            CHECK(!seen[record], "record %zu again", record);
            seen[record] = true;
            CHECK_INT(row.sample[i].epoch, epoch, "record %zu", record);
            length_of(source->ctx, &row.sample[i], &len, &err);
            sum += len;
        }
        n_given += (size_t)row.n;
        CHECK_INT(sum, row.n_tokens, "row %d", n_rows);
        CHECK(sum <= source->rules.capacity, "row %d has %d", n_rows, sum);
        CHECK_INT(row.at.n_given, n_given, "row %d", n_rows);
        CHECK_INT(row.at.ends_epoch, n_given == source->plan.n_records, "row %d",
                  n_rows);
        if (row.at.ends_epoch)
            return n_rows;
    }
}

/* An epoch of n rows with so many before it, asked for as a whole. Returns n. */
static size_t check_counts(const qvl_pack_source *source, uint64_t epoch,
                           size_t first, int n)
{
    size_t n_records = source->plan.n_records;
    qvl_stretch rows;
    qvl_pack_progress at;
    qvl_err err = { 0 };
    CHECK_OK(qvl_pack_stream_count(source, epoch, &rows, &err), err);
    CHECK_INT(rows.n, n, "%zu records", n_records);
    CHECK_INT(rows.first, first, "%zu records", n_records);
    CHECK_OK(qvl_pack_stream_at(source, first + rows.n, &at, &err), err);
    CHECK(at.epoch == epoch && at.n_given == n_records && at.ends_epoch,
          "%zu records", n_records);
    CHECK_OK(qvl_pack_stream_at(source, first + 1, &at, &err), err);
    CHECK(at.epoch == epoch && at.ends_epoch == (n == 1)
          && (at.n_given == n_records) == (n == 1), "%zu records", n_records);
    return rows.n;
}

static void test_epochs(void)
{
    static const size_t sizes[] = { 1, 2, 255, 256, 257, 512, MOST };
    static const int windows[] = { 1, 7, 256 };
    for (size_t i = 0; i < QVL_COUNT(sizes); i++)
        for (size_t w = 0; w < QVL_COUNT(windows); w++)
            for (int strategy = QVL_PACK_BFD; strategy <= QVL_PACK_SEQUENTIAL;
                 strategy++) {
                lengths_of ctx = { .fails_at = -1 };
                qvl_pack_source source =
                    source_of(sizes[i], 120, windows[w],
                              (qvl_pack_strategy)strategy, &ctx);
                qvl_pack_stream *s = qvl_pack_stream_open(&source);
                size_t first = 0;
                for (uint64_t e = 0; e < 2; e++)
                    first += check_counts(&source, e, first,
                                          check_epoch(s, &source, e));
                qvl_pack_stream_close(s);
            }
}

/* Windows of many samples fill rows: 50 tokens on average, 500 a row. */
static void test_filled(void)
{
    lengths_of ctx = { .fails_at = -1 };
    qvl_pack_source source = source_of(MOST, 500, QVL_PACK_WINDOW, QVL_PACK_BFD,
                                       &ctx);
    qvl_pack_stream *s = qvl_pack_stream_open(&source);
    int64_t n_tokens = 0;
    for (size_t k = 0; k < MOST; k++) {
        int len;
        length_of(&ctx, &(qvl_sample_at){ .record = k }, &len, NULL);
        n_tokens += len;
    }
    int n_rows = check_epoch(s, &source, 0);
    CHECK((double)n_tokens > 0.98 * 500 * n_rows, "%lld tokens in %d rows",
          (long long)n_tokens, n_rows);
    qvl_pack_stream_close(s);
}

/* Lengths are asked for a window at a time, and an error comes through. */
static void test_lengths(void)
{
    lengths_of ctx = { .fails_at = -1 };
    qvl_err err = { 0 };
    qvl_packed_row row;
    qvl_pack_source source = source_of(100, 120, 10, QVL_PACK_BFD, &ctx);
    qvl_pack_stream *s = qvl_pack_stream_open(&source);
    CHECK_OK(qvl_pack_stream_next(s, &row, &err), err);
    CHECK_INT(ctx.n_asked, 10, "one window");
    qvl_pack_stream_close(s);
    ctx.fails_at = 5;
    qvl_stretch rows = { 77, 78 };
    CHECK_FAILS(qvl_pack_stream_count(&source, 0, &rows, &err), QVL_E_DATA, err,
                "record 5");
    CHECK(rows.first == 77 && rows.n == 78, "unchanged");
}

typedef struct {
    qvl_pack_stream *s;
    qvl_packed_row row;
    qvl_err *err;
} asking;

static int ask(void *arg)
{
    asking *a = arg;
    return qvl_pack_stream_next(a->s, &a->row, a->err);
}

/* The next row, asked for again with a little more memory each time. Returns how
 * often there was too little. */
static int ask_hungry(asking *a)
{
    for (int n_failed = 0;; n_failed++) {
        qvl_memory_limit(64 * (size_t)n_failed);
        int rc = qvl_guard(ask, a, a->err);
        qvl_memory_limit(SIZE_MAX);
        if (rc == QVL_OK)
            return n_failed;
        CHECK_INT(rc, QVL_E_MEMORY, "try %d: %s", n_failed, a->err->msg);
    }
}

/* A stream that runs out of memory everywhere gives the rows of one that does
 * not. */
static void test_no_memory(void)
{
    lengths_of ctx = { .fails_at = -1 };
    for (int strategy = QVL_PACK_BFD; strategy <= QVL_PACK_SEQUENTIAL;
         strategy++) {
        qvl_err err = { 0 };
        int n_failed = 0;
        qvl_pack_source source =
            source_of(67, 220, 10, (qvl_pack_strategy)strategy, &ctx);
        asking rich = { qvl_pack_stream_open(&source), .err = &err };
        asking poor = { qvl_pack_stream_open(&source), .err = &err };
        for (int k = 0; k < 90; k++) {
            CHECK_OK(ask(&rich), err);
            n_failed += ask_hungry(&poor);
            CHECK_INT(poor.row.n, rich.row.n, "row %d", k);
            CHECK_INT(poor.row.n_tokens, rich.row.n_tokens, "row %d", k);
            for (int i = 0; i < rich.row.n; i++)
                CHECK(poor.row.sample[i].record == rich.row.sample[i].record
                      && poor.row.sample[i].step == rich.row.sample[i].step,
                      "row %d, sample %d", k, i);
        }
        CHECK(rich.row.at.epoch > 0 && n_failed > 50, "found %d failures",
              n_failed);
        qvl_pack_stream_close(rich.s);
        qvl_pack_stream_close(poor.s);
    }
}

/* A sample's step is that of the first row behind the windows before, and its length
 * was asked for with it. */
static void test_steps(void)
{
    lengths_of ctx = { .fails_at = -1 };
    qvl_err err = { 0 };
    qvl_pack_source source = source_of(60, 200, 10, QVL_PACK_BFD, &ctx);
    source.rows_of_update = 6;
    qvl_pack_stream *s = qvl_pack_stream_open(&source);
    int64_t last = 0;
    for (int row_k = 0; row_k < 100; row_k++) {
        qvl_packed_row row;
        CHECK_OK(qvl_pack_stream_next(s, &row, &err), err);
        int64_t taken = row_k / 6, newest = 0;
        for (int i = 0; i < row.n; i++) {
            CHECK(row.sample[i].step <= taken && row.sample[i].step >= taken - 2,
                  "row %d: step %d of %d", row_k, (int)row.sample[i].step, (int)taken);
            newest = row.sample[i].step > newest ? row.sample[i].step : newest;
        }
        last = newest > last ? newest : last;
    }
    CHECK(last >= 14, "steps go on: %d", (int)last);
    qvl_pack_stream_close(s);
}

RUN_TESTS(TEST(test_no_memory), TEST(test_best_fit), TEST(test_waiting),
          TEST(test_sequential), TEST(test_epochs), TEST(test_filled),
          TEST(test_lengths), TEST(test_steps))
