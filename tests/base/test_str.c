/* test_str.c - texts that grow, and the nearest of several words */
#include "base/str.h"

#include <limits.h>

#include "base/arena.h"
#include "check.h"

static void test_put(void)
{
    qvl_str s = { 0 };
    qvl_str_reset(&s);
    CHECK(s.p == NULL, "nothing was put");
    qvl_str_putn(&s, NULL, 0);
    CHECK_STR(s.p, "", "empty put ends in NUL");
    qvl_str_puts(&s, "ab");
    qvl_str_putc(&s, 'c');
    qvl_str_putn(&s, "d\0e", 3);
    CHECK_INT(s.len, 6, "length counts NULs");
    CHECK(memcmp(s.p, "abcd\0e", 7) == 0, "bytes");
    qvl_str_reset(&s);
    CHECK_STR(s.p, "", "reset");
    qvl_str_printf(&s, "%d %s", 12, "x");
    CHECK_STR(s.p, "12 x", "printf");
    qvl_str_reset(&s);
    for (int i = 0; i < 4; i++)
        qvl_str_put_int(&s, i < 2 ? i * -305 : i == 2 ? LLONG_MAX : LLONG_MIN);
    CHECK_STR(s.p, "0-3059223372036854775807-9223372036854775808", "numbers");
    qvl_str_release(&s);
    CHECK(s.p == NULL && s.cap == 0, "released");
    qvl_str_release(&s);
    qvl_str_release(NULL);
}

/* Every length around the first sizes of the buffer, by two ways. */
static void test_growth(void)
{
    for (int n = 0; n < 300; n++) {
        qvl_str a = { 0 };
        qvl_str b = { 0 };
        for (int i = 0; i < n; i++)
            qvl_str_putc(&a, 'x');
        qvl_str_printf(&b, "%.*s", n, a.p != NULL ? a.p : "");
        qvl_str_printf(&b, "%s", a.p != NULL ? a.p : "");
        CHECK_INT(a.len, n, "putc %d", n);
        CHECK_INT(b.len, 2 * n, "printf %d", n);
        CHECK_INT(strlen(b.p), 2 * n, "printf %d", n);
        qvl_str_release(&a);
        qvl_str_release(&b);
    }
}

static int put_much(void *arg)
{
    for (int i = 0; i < 1000; i++)
        qvl_str_puts(arg, "0123456789");
    return QVL_OK;
}

static void test_out_of_memory(void)
{
    qvl_str s = { 0 };
    qvl_memory_limit(500);
    int rc = qvl_guard(put_much, &s, NULL);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "unwinds");
    CHECK(s.p != NULL && s.len == strlen(s.p), "what fitted is whole");
    qvl_str_release(&s);
}

static void test_distance(void)
{
    static const struct {
        const char *a, *b;
        int distance;
    } cases[] = {
        { "", "", 0 },          { "a", "", 1 },         { "abc", "abc", 0 },
        { "abc", "abd", 1 },    { "abc", "ac", 1 },     { "ab", "ba", 2 },
        { "kitten", "sitting", 3 }, { "flaw", "lawn", 2 }, { "x", "abcdef", 6 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        CHECK_INT(qvl_str_distance(cases[i].a, cases[i].b), cases[i].distance,
                  "%s %s", cases[i].a, cases[i].b);
        CHECK_INT(qvl_str_distance(cases[i].b, cases[i].a), cases[i].distance,
                  "%s %s", cases[i].b, cases[i].a);
    }
}

static void test_nearest(void)
{
    static const char *const words[] = { "learning_rate", "lora_rank", "seed",
                                         "loss", "cost" };
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        { "learning_rat", "learning_rate" }, { "learnin-rate", "learning_rate" },
        { "lora_rnak", "lora_rank" },        { "sed", "seed" },
        { "lost", "loss" },  // as near as "cost", which stands later
        { "zzz", NULL },                     { "", NULL },
        { "seed", "seed" },                  { "xx", NULL },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_STR(qvl_str_nearest(cases[i].word, words, QVL_COUNT(words)),
                  cases[i].nearest, "%s", cases[i].word);
    CHECK_STR(qvl_str_nearest("x", words, 0), NULL, "no words");
}

RUN_TESTS(TEST(test_put), TEST(test_growth), TEST(test_out_of_memory),
          TEST(test_distance), TEST(test_nearest))
