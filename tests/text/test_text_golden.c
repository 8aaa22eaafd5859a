/* test_text_golden.c - the real tokenizer: stored cases, speed, threads */
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/rng.h"
#include "check.h"
#include "golden/text_cases.h"
#include "tokens.h"

static const char folder[] = TEXT_GOLDEN "/../data/qwen3-tokenizer";

static qvl_tokenizer *whole(void)
{
    static qvl_tokenizer *t;
    qvl_err err = { 0 };
    if (t == NULL)
        CHECK_OK(qvl_tokenizer_open(&t, folder, &err), err);
    return t;
}

static void run_golden(const char *path)
{
    golden_text g = { 0 };
    qvl_err err = { 0 };
    CHECK_OK(golden_text_case(path, &g, &err), err);
    CHECK(g.n_compared > 0 && g.n_wrong == 0, "%zu of %zu wrong: %s",
          g.n_wrong, g.n_compared, g.what);
}

static void test_tokenizer_cases(void)
{
    run_golden(TEXT_GOLDEN "/tokenizer");
}

static void test_chat_cases(void)
{
    run_golden(TEXT_GOLDEN "/chat");
}

/* ---- long pieces -------------------------------------------------------- */

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* One megabyte that is hard in one way or another, and back. A quadratic step
 * would take minutes; the limit leaves room for a slow, busy machine. */
static void test_long_pieces(void)
{
    static const struct {
        const char *name;
        const char *unit;
        const char *end;
    } cases[] = {
        { "one letter", "a", "" },
        { "white space", " ", "" },
        { "white space and a letter", " ", "x" },
        { "newlines", "\n", "" },
        { "starts of added tokens", "<|im_start|", "" },
        { "signs", "=", "" },
        { "marks", "\xcc\x96", "" },
        { "syllables", "\xed\x95\x9c", "" },
    };
    enum { N = 1000000 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_str text = { 0 };
        qvl_str back = { 0 };
        qvl_ids ids = { 0 };
        qvl_err err = { 0 };
        while (text.len < N)
            qvl_str_puts(&text, cases[i].unit);
        qvl_str_puts(&text, cases[i].end);
        qvl_text_part part = { .p = text.p, .len = text.len };
        qvl_tokenizer *t = whole();
        double start = cpu_seconds();
        CHECK_OK(qvl_tokenizer_encode(t, &part, 1, &ids, &err), err);
        double seconds = cpu_seconds() - start;
        CHECK(seconds < 10.0, "%s: %.1f s", cases[i].name, seconds);
        CHECK_OK(qvl_tokenizer_decode(t, ids.p, ids.n, QVL_SPECIAL_KEEP,
                                      &back, &err), err);
        CHECK(back.len == text.len && memcmp(back.p, text.p, text.len) == 0,
              "%s", cases[i].name);
        qvl_str_release(&text);
        qvl_str_release(&back);
        qvl_ids_release(&ids);
    }
}

/* ---- any bytes ---------------------------------------------------------- */

/* Random bytes are refused or come back; random ids always decode. */
static void test_random_bytes(void)
{
    qvl_rng r = { .key = 6 };
    int n_valid = 0;
    for (int round = 0; round < 5000; round++) {
        char p[16];
        size_t n = (size_t)(qvl_rng_next(&r) % sizeof p);
        for (size_t i = 0; i < n; i++)
            p[i] = (char)(qvl_rng_next(&r) >> (round % 2 == 0 ? 8 : 57));
        qvl_text_part part = { .p = p, .len = n };
        qvl_ids ids = { 0 };
        qvl_str back = { 0 };
        qvl_err err = { 0 };
        qvl_str_puts(&back, "");
        int rc = qvl_tokenizer_encode(whole(), &part, 1, &ids, &err);
        CHECK(rc == QVL_OK || rc == QVL_E_DATA, "round %d", round);
        n_valid += rc == QVL_OK;
        CHECK_OK(qvl_tokenizer_decode(whole(), ids.p, ids.n, QVL_SPECIAL_KEEP,
                                      &back, &err), err);
        /* seven bits of a byte are ASCII, which has no other normal form */
        CHECK(rc != QVL_OK || round % 2 == 0
                  || (back.len == n && memcmp(back.p, p, n) == 0),
              "round %d", round);
        qvl_ids_release(&ids);
        qvl_str_release(&back);
    }
    CHECK(n_valid > 2000, "%d texts were valid", n_valid);
}

/* ---- threads ------------------------------------------------------------ */

static void *encode_often(void *arg)
{
    static const char text[] = "one tokenizer, \xe4\xbd\xa0\xe5\xa5\xbd, many "
                               "threads <|im_end|>\n\n 3.14";
    qvl_ids *ids = arg;
    qvl_text_part part = { .p = text, .len = sizeof text - 1 };
    for (int i = 0; i < 500; i++) {
        ids->n = 0;
        if (qvl_tokenizer_encode(whole(), &part, 1, ids, NULL) != QVL_OK)
            return NULL;
    }
    return ids;
}

static void test_threads(void)
{
    enum { N = 4 };
    pthread_t thread[N];
    qvl_ids ids[N] = { { 0 } };
    whole();
    for (int i = 0; i < N; i++)
        CHECK(pthread_create(&thread[i], NULL, encode_often, &ids[i]) == 0,
              "thread %d", i);
    for (int i = 0; i < N; i++) {
        void *done;
        pthread_join(thread[i], &done);
        CHECK(done != NULL, "thread %d", i);
        CHECK(ids[i].n == ids[0].n
                  && memcmp(ids[i].p, ids[0].p, ids[0].n * sizeof(int)) == 0,
              "thread %d", i);
    }
    for (int i = 0; i < N; i++)
        qvl_ids_release(&ids[i]);
}

RUN_TESTS(TEST(test_tokenizer_cases), TEST(test_chat_cases),
          TEST(test_long_pieces), TEST(test_random_bytes), TEST(test_threads))
