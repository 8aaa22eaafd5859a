/* test_unicode.c - broken UTF-8 repaired, NFC, the byte alphabet */
#include <stdbool.h>

#include "base/rng.h"
#include "check.h"
#include "text/unicode.h"

static void test_repair(void)
{
    static const struct {
        const char *in;
        const char *out;
    } cases[] = {
        { "", "" },
        { "plain", "plain" },
        { "\xe7\xba\xbf", "\xe7\xba\xbf" },
        { "a\xff" "b", "a\xef\xbf\xbd" "b" },
        { "\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
        /* a start that breaks off is one mark, however long */
        { "\xe7\xba", "\xef\xbf\xbd" },
        { "\xe7\xba" "a", "\xef\xbf\xbd" "a" },
        { "\xf0\x9f\x98", "\xef\xbf\xbd" },
        { "\xf0\x9f\x98\xe7\xba\xbf", "\xef\xbf\xbd\xe7\xba\xbf" },
        /* bytes that never begin or continue one */
        { "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xf4\x90\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xe0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_str out = { 0 };
        qvl_utf8_repair(&out, cases[i].in, strlen(cases[i].in));
        CHECK_STR(out.p != NULL ? out.p : "", cases[i].out, "case %zu", i);
        qvl_str_release(&out);
    }
}

static void test_unfinished(void)
{
    static const struct {
        const char *text;
        size_t n;
    } cases[] = {
        { "", 0 },           { "a", 0 },          { "\xe7", 1 },
        { "a\xe7\xba", 2 },  { "\xe7\xba\xbf", 0 }, { "\xf0\x9f\x98", 3 },
        { "\xe0\x80", 0 },   { "\x80", 0 },       { "\xc3\xc3", 1 },
        { "\xff", 0 },       { "\xed\xa0", 0 },   { "\x80\x80\x80\x80", 0 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_INT(qvl_utf8_unfinished_bytes(cases[i].text,
                                            strlen(cases[i].text)),
                  cases[i].n, "case %zu", i);
}

/* Every character there is, and none that there is not. */
static void test_all_characters(void)
{
    for (uint32_t code = 0; code < 0x110000; code++) {
        char text[4];
        size_t back;
        size_t n = qvl_utf8_put(text, code);
        bool is_surrogate = code >= 0xd800 && code < 0xe000;
        CHECK_INT(qvl_utf8_bytes(text, n), is_surrogate ? 0 : n, "U+%04x",
                  (unsigned)code);
        CHECK_INT(qvl_utf8_code(text, &back), code, "U+%04x", (unsigned)code);
        CHECK_INT(back, n, "U+%04x", (unsigned)code);
    }
}

/* Whatever the bytes, what comes out is valid, and stays as it is. */
static void test_random_bytes(void)
{
    qvl_rng r = { .key = 1 };
    for (int round = 0; round < 20000; round++) {
        char in[24];
        size_t n = (size_t)(qvl_rng_next(&r) % sizeof in);
        for (size_t i = 0; i < n; i++)
            in[i] = (char)(qvl_rng_next(&r) >> (round % 2 == 0 ? 8 : 57));
        qvl_str once = { 0 };
        qvl_str twice = { 0 };
        qvl_str_puts(&once, "");
        qvl_str_puts(&twice, "");
        qvl_utf8_repair(&once, in, n);
        CHECK_INT(qvl_utf8_valid_bytes(once.p, once.len), once.len,
                  "round %d", round);
        qvl_utf8_repair(&twice, once.p, once.len);
        CHECK(twice.len == once.len
                  && memcmp(twice.p, once.p, once.len) == 0,
              "round %d", round);
        CHECK(qvl_utf8_valid_bytes(in, n) < n || once.len == n, "round %d",
              round);
        qvl_str_release(&once);
        qvl_str_release(&twice);
    }
}

static void check_nfc(const char *in, const char *want, const char *name)
{
    qvl_arena a = { 0 };
    size_t len;
    const char *out = qvl_unicode_nfc(in, strlen(in), &len, &a);
    qvl_str text = { 0 };
    qvl_str_putn(&text, out, len);
    CHECK_STR(text.p, want, "%s", name);
    qvl_str_release(&text);
    qvl_arena_release(&a);
}

static void test_nfc(void)
{
    static const struct {
        const char *name;
        const char *in;
        const char *out;
    } cases[] = {
        { "composed", "Cafe\xcc\x81", "Caf\xc3\xa9" },
        { "composed already", "caf\xc3\xa9", "caf\xc3\xa9" },
        { "marks in order", "a\xcc\x81\xcc\xa3", "\xe1\xba\xa1\xcc\x81" },
        { "blocked mark", "a\xcc\x81\xcc\x88", "\xc3\xa1\xcc\x88" },
        { "hangul", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c" },
        { "singleton", "\xe2\x84\xab", "\xc3\x85" },
        { "excluded", "\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc" },
        { "grows threefold", "\xcd\x84", "\xcc\x88\xcc\x81" },
        { "a mark alone", "\xcc\x81", "\xcc\x81" },
        { "compatibility stays", "\xef\xac\x81\xef\xbc\x91",
          "\xef\xac\x81\xef\xbc\x91" },
        { "younger than the tables", "e\xe0\xb0\xbc\xcc\x81",
          "e\xe0\xb0\xbc\xcc\x81" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        check_nfc(cases[i].in, cases[i].out, cases[i].name);
}

/* Text that may be returned as it is comes out the same beside a character that
 * makes it go the long way. */
static void test_nfc_inert(void)
{
    int n_plain = 0;
    for (uint32_t code = 1; code < 0x110000; code++) {
        char in[32];
        qvl_arena a = { 0 };
        size_t len, same;
        size_t n = 1;
        in[0] = 'a';  // to compose with
        n += qvl_utf8_put(in + n, code);
        n += qvl_utf8_put(in + n, code);
        if (code >= 0xd800 && code < 0xe000)
            continue;
        const char *out = qvl_unicode_nfc(in, n, &same, &a);
        n_plain += out == in;
        if (out == in) {
            memcpy(in + n, "\xe0\xa5\x98", 3);  // changes
            out = qvl_unicode_nfc(in, n + 3, &len, &a);
            CHECK(len == n + 6 && memcmp(out, in, n) == 0, "U+%04x",
                  (unsigned)code);
        }
        qvl_arena_release(&a);
    }
    CHECK(n_plain > 30000, "%d characters are plain", n_plain);
}

/* A hostile run of marks, all out of order, takes no longer than others. */
static void test_nfc_long_run(void)
{
    enum { N = 300000 };
    qvl_arena a = { 0 };
    char *in = qvl_arena_alloc(&a, 4 * N);
    for (int i = 0; i < N; i++)
        memcpy(in + 4 * i, "\xcc\x95\xcc\x96", 4);  // classes 232 and 220
    size_t len;
    const char *out = qvl_unicode_nfc(in, 4 * N, &len, &a);
    CHECK_INT(len, 4 * N, "length");
    for (size_t i = 0; i < len; i += 2)
        CHECK_INT(out[i + 1], (char)(i < len / 2 ? 0x96 : 0x95), "at %zu", i);
    qvl_arena_release(&a);
}

static void test_byte_alphabet(void)
{
    static const struct {
        uint8_t byte;
        uint32_t code;
    } known[] = {
        { ' ', 0x120 }, { '\n', 0x10a }, { 0, 0x100 },      { '!', '!' },
        { 126, 126 },   { 127, 0x121 },  { 160, 0x142 },    { 161, 161 },
        { 172, 172 },   { 173, 0x143 },  { 174, 174 },      { 255, 255 },
    };
    for (size_t i = 0; i < QVL_COUNT(known); i++)
        CHECK_INT(qvl_byte_char(known[i].byte), known[i].code, "byte %d",
                  known[i].byte);
    int n = 0;
    for (uint32_t code = 0; code < 0x400; code++) {
        int byte = qvl_byte_of_char(code);
        n += byte >= 0;
        CHECK(byte < 0 || qvl_byte_char((uint8_t)byte) == code, "U+%04x",
              (unsigned)code);
    }
    CHECK_INT(n, 256, "characters that stand for a byte");
}

RUN_TESTS(TEST(test_repair), TEST(test_unfinished), TEST(test_all_characters),
          TEST(test_random_bytes), TEST(test_nfc), TEST(test_nfc_inert),
          TEST(test_nfc_long_run), TEST(test_byte_alphabet))
