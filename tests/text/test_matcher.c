/* test_matcher.c - expressions of a simple form, against the engine that reads all
 *
 * An expression in a group that is counted, (?:...){1}, means the same and has no
 * matcher, so its pieces are those of the engine alone.
 */
#include "base/rng.h"
#include "base/str.h"
#include "base/utf8.h"
#include "check.h"
#include "text/matcher.h"
#include "text/split.h"

static const char qwen[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/* ---- forms ---------------------------------------------------------------- */

static void test_forms(void)
{
    static const struct {
        const char *pattern;
        int n_rows, n_sets;  // 0: another form
    } cases[] = {
        { "a", 1, 1 },
        { "ab?c*d+", 1, 4 },
        { "a|b|aa+", 3, 2 },
        { "[a-c]+(?![^x])", 1, 2 },
        { "[\\]a]\\||\\]", 2, 3 },
        { "(?:ab|c)|(?i:c)", 3, 4 },
        { "\xc3\xa9\xe7\xba\xbf+", 1, 2 },
        { "abcdefghijklmnopqrstuvwxyz012345", 1, 32 },
        { "abcdefghijklmnopqrstuvwxyz0123456", 0, 0 },
        { "", 0, 0 },      { "a|", 0, 0 },       { "|a", 0, 0 },
        { "a*", 0, 0 },    { "a?|b", 0, 0 },     { "(?!a)b", 0, 0 },
        { "a+?", 0, 0 },   { "a*+b", 0, 0 },     { "a{2}", 0, 0 },
        { "(a)", 0, 0 },   { "(?:a|b)c", 0, 0 }, { "c(?:a|b)", 0, 0 },
        { "(?:a|b)+", 0, 0 }, { "(?:(?:a))", 0, 0 }, { "a(?=b)", 0, 0 },
        { "a(?!bc)", 0, 0 }, { "a(?!b", 0, 0 },  { "[a", 0, 0 },
        { "(?:a", 0, 0 },  { "a)", 0, 0 },       { "a\\", 0, 0 },
        { "a(?!b)+", 0, 0 }, { "(?i)a", 0, 0 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_matcher m;
        bool is_read = qvl_matcher_parse(&m, cases[i].pattern, &a);
        CHECK_INT(is_read, cases[i].n_rows > 0, "%s", cases[i].pattern);
        if (is_read) {
            CHECK_INT(m.n_rows, cases[i].n_rows, "%s", cases[i].pattern);
            CHECK_INT(m.n_sets, cases[i].n_sets, "%s", cases[i].pattern);
        }
        qvl_arena_release(&a);
    }
}

/* Sets by hand: a b c are those of [abc], d of itself. */
static void test_match(void)
{
    static const struct {
        const char *text;
        size_t at, bytes;
    } cases[] = {
        { "abcd", 0, 4 }, { "d", 0, 1 },    { "abc", 0, 3 }, { "ab", 1, 0 },
        { "abx", 0, 2 },  { "xab", 0, 0 },  { "xabcd", 1, 4 },
        { "ab\xf0\x9f\x98\x80", 0, 0 },     { "\xf0\x9f\x98\x80", 0, 0 },
    };
    qvl_arena a = { 0 };
    qvl_matcher m;
    CHECK(qvl_matcher_parse(&m, "[abc]*d|[abc]+[abc]", &a), "its form");
    m.sets['a'] = m.sets['b'] = m.sets['c'] = 1;
    m.sets['d'] = 2;
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_INT(qvl_matcher_match(&m, cases[i].text, strlen(cases[i].text),
                                    cases[i].at), cases[i].bytes,
                  "%s", cases[i].text);
    qvl_arena_release(&a);
}

/* ---- against the engine ---------------------------------------------------- */

static qvl_split *open_with(const char *before, const char *pattern,
                            const char *behind)
{
    qvl_err err = { 0 };
    qvl_str text = { 0 };
    qvl_split *s = NULL;
    qvl_str_printf(&text, "%s%s%s", before, pattern, behind);
    if (qvl_split_open(&s, text.p, &err) != QVL_OK)
        CHECK(strstr(err.msg, "never matches nothing") != NULL, "%s", err.msg);
    qvl_str_release(&text);
    return s;
}

/* The pieces of a text by both, one by one. */
static void compare(const qvl_split *fast, const qvl_split *slow,
                    const char *pattern, const qvl_str *text)
{
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_split_walk x, y;
    size_t n, want = 1;
    qvl_split_start(&x, fast, text->p, text->len, &a);
    qvl_split_start(&y, slow, text->p, text->len, &a);
    while (want > 0) {
        const char *p, *q;
        CHECK_OK(qvl_split_next(&x, &p, &n, &err), err);
        CHECK_OK(qvl_split_next(&y, &q, &want, &err), err);
        CHECK(p == q && n == want, "%s: \"%.*s\" at %zu, not \"%.*s\"; text %.200s",
              pattern, (int)n, p, (size_t)(q - text->p), (int)want, q, text->p);
    }
    qvl_arena_release(&a);
}

static void put_text(qvl_str *text, qvl_rng *r)
{
    static const char *const bits[] = {
        " ", "  ", "\n", "\r\n", "\t", "a", "b", "S", "7", "'s", "'LL", "'", "!", "-_",
        "\xc2\xa0", "\xc2\x85", "\xe3\x80\x80", "\xe7\xba\xbf", "\xcc\x81", "\xc5\xbf",
        "\xe2\x84\xaa", "\xf0\x9f\x98\x80", "\xf0\x9d\x8b\x80", "\xc3\xa9",
    };
    qvl_str_reset(text);
    qvl_str_puts(text, "");
    for (size_t n = (size_t)qvl_rng_below(r, 20); n > 0; n--) {
        const char *bit = bits[qvl_rng_below(r, QVL_COUNT(bits))];
        size_t times = qvl_rng_below(r, 40) == 0 ? 200 + qvl_rng_below(r, 200) : 1;
        for (; times > 0; times--)
            qvl_str_puts(text, bit);
    }
}

static void put_row(qvl_str *pattern, qvl_rng *r)
{
    static const char *const sets[] = {
        "a", "s", "'", " ", "\\n", "[ab]", "[^a]", "[^\\r\\n\\p{L}\\p{N}]", "\\p{L}",
        "\\p{N}", "\\s", "\\S", "[\\r\\n]", "[^\\s\\p{L}\\p{N}]", "\xc3\xa9", "[!-~]",
    };
    static const char *const times[] = { "", "", "?", "*", "+" };
    for (size_t n = 1 + qvl_rng_below(r, 4); n > 0; n--) {
        const char *set = sets[qvl_rng_below(r, QVL_COUNT(sets))];
        if (qvl_rng_below(r, 8) == 0)
            qvl_str_printf(pattern, "(?!%s)", set);
        else
            qvl_str_printf(pattern, "%s%s", set,
                           times[qvl_rng_below(r, QVL_COUNT(times))]);
    }
}

static void put_pattern(qvl_str *pattern, qvl_rng *r)
{
    for (size_t n = 1 + qvl_rng_below(r, 4); n > 0; n--) {
        bool is_group = qvl_rng_below(r, 4) == 0;
        qvl_str_puts(pattern, is_group ? "(?i:" : "");
        put_row(pattern, r);
        if (is_group) {
            qvl_str_putc(pattern, '|');
            put_row(pattern, r);
        }
        qvl_str_puts(pattern, is_group ? ")" : "");
        qvl_str_puts(pattern, n > 1 ? "|" : "");
    }
}

static void test_random(void)
{
    qvl_rng r = { .key = 5 };
    qvl_str text = { 0 };
    int n_read = 0;
    for (int round = 0; round < 300; round++) {
        qvl_str pattern = { 0 };
        qvl_arena a = { 0 };
        qvl_matcher m;
        put_pattern(&pattern, &r);
        qvl_split *fast = open_with("", pattern.p, "");
        qvl_split *slow = open_with("(?:", pattern.p, "){1}");
        CHECK((fast == NULL) == (slow == NULL), "%s", pattern.p);
        n_read += fast != NULL && qvl_matcher_parse(&m, pattern.p, &a);
        for (int i = 0; fast != NULL && i < 30; i++) {
            put_text(&text, &r);
            compare(fast, slow, pattern.p, &text);
        }
        qvl_split_close(fast);
        qvl_split_close(slow);
        qvl_arena_release(&a);
        qvl_str_release(&pattern);
    }
    qvl_str_release(&text);
    CHECK(n_read > 50, "%d expressions had a matcher", n_read);
}

static void test_tokenizer(void)
{
    qvl_rng r = { .key = 6 };
    qvl_str text = { 0 };
    qvl_split *fast = open_with("", qwen, "");
    qvl_split *slow = open_with("(?:", qwen, "){1}");
    for (int i = 0; i < 3000; i++) {
        put_text(&text, &r);
        compare(fast, slow, qwen, &text);
    }
    qvl_split_close(fast);
    qvl_split_close(slow);
    qvl_str_release(&text);
}

/* Every character between others. */
static void test_characters(void)
{
    static const char *const behind[] = { "a ", "\n", " ", "7" };
    qvl_split *fast = open_with("", qwen, "");
    qvl_split *slow = open_with("(?:", qwen, "){1}");
    for (size_t i = 0; i < QVL_COUNT(behind); i++) {
        qvl_str text = { 0 };
        for (uint32_t code = 1; code < 0x12000; code++) {
            char p[4];
            if (code >= 0xd800 && code <= 0xdfff)
                continue;
            qvl_str_putn(&text, p, qvl_utf8_put(p, code));
            qvl_str_puts(&text, behind[i]);
        }
        compare(fast, slow, qwen, &text);
        qvl_str_release(&text);
    }
    qvl_split_close(fast);
    qvl_split_close(slow);
}

RUN_TESTS(TEST(test_forms), TEST(test_match), TEST(test_random), TEST(test_tokenizer),
          TEST(test_characters))
