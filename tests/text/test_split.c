/* test_split.c - pieces of a text before merging, against pieces written out */
#include "base/rng.h"
#include "base/str.h"
#include "check.h"
#include "text/split.h"
#include "text/unicode.h"

static const char pattern[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/* Pieces of a text, each behind a bar. */
static qvl_str pieces_of(const qvl_split *s, const char *text, size_t len)
{
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_str out = { 0 };
    qvl_split_walk walk;
    qvl_str_puts(&out, "");
    qvl_split_start(&walk, s, text, len, &a);
    for (;;) {
        const char *piece;
        size_t n;
        CHECK_OK(qvl_split_next(&walk, &piece, &n, &err), err);
        if (n == 0)
            break;
        qvl_str_putc(&out, '|');
        qvl_str_putn(&out, piece, n);
    }
    qvl_arena_release(&a);
    return out;
}

static void test_pieces(void)
{
    static const struct {
        const char *text;
        const char *pieces;
    } cases[] = {
        { "", "" },
        { "Hello, world!", "|Hello|,| world|!" },
        { "  two  spaces\n\n\tx", "| | two| | spaces|\n\n|\tx" },
        { "I'M don't we'LL", "|I|'M| don|'t| we|'LL" },
        { "12345 3.14", "|1|2|3|4|5| |3|.|1|4" },
        { "a\r\n b\r\n\r\n  c ", "|a|\r\n| b|\r\n\r\n| | c| " },
        { "foo_bar(x)[0]+=1;//ok\n}\n\n",
          "|foo|_bar|(x|)[|0|]+=|1|;//|ok|\n|}\n\n" },
        { "   ", "|   " },
        { "\xc2\xa0x\xe2\x80\x89y", "|\xc2\xa0x|\xe2\x80\x89y" },
        { "\xc2\x85\xe3\x80\x80\xe2\x80\xa8z",
          "|\xc2\x85\xe3\x80\x80|\xe2\x80\xa8z" },
        /* a vowel separator is no white space: it joins the sign behind it */
        { "\xe1\xa0\x8e!", "|\xe1\xa0\x8e!" },
        { "\xe1\xa0\x8e\n", "|\xe1\xa0\x8e\n" },
        /* a mark is neither letter nor number */
        { "e\xcc\x84" "a", "|e|\xcc\x84" "a" },
        /* a letter of Unicode 15, a number of Unicode 15 */
        { "\xf0\xb1\x8d\x90,C", "|\xf0\xb1\x8d\x90|,C" },
        { "\xf0\x9d\x8b\x80\xf0\x9d\x8b\x80",
          "|\xf0\x9d\x8b\x80|\xf0\x9d\x8b\x80" },
    };
    qvl_err err = { 0 };
    qvl_split *s;
    CHECK_OK(qvl_split_open(&s, pattern, &err), err);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_str out = pieces_of(s, cases[i].text, strlen(cases[i].text));
        CHECK_STR(out.p, cases[i].pieces, "case %zu", i);
        qvl_str_release(&out);
    }
    qvl_split_close(s);
}

/* What no alternative takes is a piece as well. */
static void test_gaps(void)
{
    qvl_err err = { 0 };
    qvl_split *s;
    CHECK_OK(qvl_split_open(&s, "b+|\\S\\s", &err), err);
    qvl_str out = pieces_of(s, "aabbac daa", 10);
    CHECK_STR(out.p, "|aa|bb|a|c |daa", "gaps");
    qvl_str_release(&out);
    qvl_split_close(s);
}

static void test_refused(void)
{
    static const struct {
        const char *pattern;
        const char *part;
    } cases[] = {
        { "a*", "never matches nothing" },
        { "", "never matches nothing" },
        { "(a", "expected a regular expression" },
        { "[a", "expected a regular expression" },
        { "\\w+", "found \\w at byte 0" },
        { "a|\\d", "found \\d at byte 2" },
        { "\\p{Lu}", "found \\p at byte 0" },
        { "[^\\S]", "found \\S at byte 2" },
        { "a.b", "found . at byte 1" },
        { "^a", "found ^ at byte 0" },
        { "a$", "found $ at byte 1" },
        { "[a&&b]", "found & at byte 2" },
        { "[a[b]]", "found [ at byte 2" },
        { "[]a]", "found [ at byte 0" },
        { "[^]a]", "found [ at byte 0" },
        { "(*UCP)a", "found ( at byte 0" },
        { "a\\", "found \\ at byte 1" },
        { "\\\xc3\xa9", "at byte 0" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        qvl_split *s = NULL;
        CHECK_FAILS(qvl_split_open(&s, cases[i].pattern, &err), QVL_E_MODEL,
                    err, cases[i].part);
        CHECK(s == NULL, "%s", cases[i].pattern);
    }
}

/* The pieces of any text, one behind the other, are the text. */
static void test_random(void)
{
    static const char *const bits[] = {
        " ", "  ", "\n", "\r", "\t", "a", "Zq", "7", "'s", "'", "!", "-_",
        "\xc2\xa0", "\xe7\xba\xbf", "\xcc\x81", "\xf0\x9f\x98\x80",
    };
    qvl_err err = { 0 };
    qvl_split *s;
    qvl_rng r = { .key = 2 };
    CHECK_OK(qvl_split_open(&s, pattern, &err), err);
    for (int round = 0; round < 2000; round++) {
        qvl_str text = { 0 };
        qvl_str_puts(&text, "");
        for (size_t n = (size_t)(qvl_rng_next(&r) % 20); n > 0; n--)
            qvl_str_puts(&text, bits[qvl_rng_next(&r) % QVL_COUNT(bits)]);
        qvl_str out = pieces_of(s, text.p, text.len);
        size_t n = 0;
        for (size_t i = 0; i < out.len; i++)
            if (out.p[i] != '|')
                CHECK(out.p[i] == text.p[n++], "round %d: %s", round, text.p);
        CHECK_INT(n, text.len, "round %d: %s", round, text.p);
        qvl_str_release(&text);
        qvl_str_release(&out);
    }
    qvl_split_close(s);
}

RUN_TESTS(TEST(test_pieces), TEST(test_gaps), TEST(test_refused),
          TEST(test_random))
