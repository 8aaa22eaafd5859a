/* test_json.c - trees, numbers, faults with their place, texts cut and changed
 * anywhere
 */
#include "base/json.h"

#include <float.h>
#include <stdbool.h>

#include "base/rng.h"
#include "check.h"

static qvl_node *parse(qvl_arena *a, const char *text, size_t len)
{
    qvl_node *root = NULL;
    qvl_err err;
    int rc = qvl_json_parse(&root, text, len, "t.json", a, &err);
    CHECK(rc == QVL_OK, "|%.*s|: %s", (int)len, text, err.msg);
    return root;
}

/* A tree as text: kind, place, value. */
static void dump(qvl_str *out, const qvl_node *n)
{
    qvl_str_printf(out, "%d:%d", n->line, n->col);
    switch (n->kind) {
    case QVL_NODE_NULL: qvl_str_puts(out, "null"); break;
    case QVL_NODE_BOOL: qvl_str_printf(out, "b%d", n->b); break;
    case QVL_NODE_INT: qvl_str_printf(out, "i%lld", (long long)n->i); break;
    case QVL_NODE_FLOAT: qvl_str_printf(out, "f%g", n->f); break;
    case QVL_NODE_STRING: qvl_json_quote(out, n->s, n->s_len); break;
    default: break;
    }
    if (n->kind == QVL_NODE_LIST || n->kind == QVL_NODE_MAP) {
        qvl_str_putc(out, n->kind == QVL_NODE_LIST ? '[' : '{');
        for (size_t i = 0; i < n->n; i++) {
            if (n->kind == QVL_NODE_MAP) {
                dump(out, &n->keys[i]);
                qvl_str_putc(out, '=');
            }
            dump(out, &n->items[i]);
            qvl_str_putc(out, i + 1 < n->n ? ' ' : ',');
        }
        qvl_str_putc(out, n->kind == QVL_NODE_LIST ? ']' : '}');
    }
}

static void test_trees(void)
{
    static const struct {
        const char *text, *tree;
    } cases[] = {
        { "5", "1:1i5" },
        { " \r\n\t \"x\"", "2:3\"x\"" },
        { "[]", "1:1[]" },
        { "{ }", "1:1{}" },
        { "[null,true , false]", "1:1[1:2null 1:7b1 1:14b0,]" },
        { "{\"a\":1,\n \"b\" :\n[2.5,-3]}",
          "1:1{1:2\"a\"=1:6i1 2:2\"b\"=3:1[3:2f2.5 3:6i-3,],}" },
        { "[\"\xe7\xba\xbf\", 1]", "1:1[1:2\"\xe7\xba\xbf\" 1:7i1,]" },
        { "\xef\xbb\xbf[1]", "1:1[1:2i1,]" },
        { "[\"a\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
          "1:1[1:2\"a\xc3\xa9\\\"\\\\/\\b\\f\\n\\r\\t\",]" },
        { "[\"\\ud83d\\ude00\", 2]", "1:1[1:2\"\xf0\x9f\x98\x80\" 1:18i2,]" },
        { "[\"\\u0000x\\u0000\", \"y\"]", "1:1[1:2\"\\u0000x\\u0000\" 1:19\"y\",]" },
        { "{\"\": {\"\": []}}", "1:1{1:2\"\"=1:6{1:7\"\"=1:11[],},}" },
        { "[0, -0, 1e3, 1E-2, 0.5e+1]", "1:1[1:2i0 1:5i0 1:9f1000 1:14f0.01 1:20f5,]" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        dump(&out, parse(&a, cases[i].text, strlen(cases[i].text)));
        CHECK_STR(out.p, cases[i].tree, "%s", cases[i].text);
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

static void test_numbers(void)
{
    static const struct {
        const char *text;
        int kind;
        int64_t i;
        double f;
    } cases[] = {
        { "9007199254740993", QVL_NODE_INT, 9007199254740993, 0x1p53 },
        { "9223372036854775807", QVL_NODE_INT, INT64_MAX, 0x1p63 },
        { "-9223372036854775808", QVL_NODE_INT, INT64_MIN, -0x1p63 },
        { "9223372036854775808", QVL_NODE_FLOAT, 0, 0x1p63 },
        { "123456789012345678901234567890", QVL_NODE_FLOAT, 0,
          123456789012345678901234567890.0 },
        { "1.0", QVL_NODE_FLOAT, 0, 1.0 },
        { "1e-400", QVL_NODE_FLOAT, 0, 0.0 },
        { "0.1", QVL_NODE_FLOAT, 0, 0.1 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        const qvl_node *n = parse(&a, cases[i].text, strlen(cases[i].text));
        CHECK_INT(n->kind, cases[i].kind, "%s", cases[i].text);
        CHECK_INT(n->i, cases[i].i, "%s", cases[i].text);
        CHECK(n->f == cases[i].f, "%s: %.17g", cases[i].text, n->f);
        CHECK_STR(n->s, cases[i].text, "as spelled");
        CHECK_STR(n->file, "t.json", "file");
        qvl_arena_release(&a);
    }
}

/* Older cJSON takes numbers of up to 63 characters, newer any: never a wrong
 * value. */
static void test_long_number(void)
{
    char text[200];
    memset(text, '1', sizeof text);
    for (size_t n = 50; n < sizeof text; n++) {
        qvl_arena a = { 0 };
        qvl_err err;
        qvl_node *root;
        int rc = qvl_json_parse(&root, text, n, "t", &a, &err);
        CHECK(rc == QVL_OK || (n > 63 && rc == QVL_E_FORMAT), "%zu digits", n);
        if (rc == QVL_OK)  // 1e-14: pow is not exact
            CHECK_NEAR(root->f / (pow(10, (double)n) / 9), 1, 1e-14, "%zu", n);
        qvl_arena_release(&a);
    }
}

static void test_faults(void)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "", "t.json:1:1: JSON: found the end of the text" },
        { " \n ", "t.json:2:2: JSON: found the end of the text" },
        { "{\"a\": }", "t.json:1:7: JSON: found '}'" },
        { "{\"a\" 1}", "t.json:1:6:" },
        { "[1,]", "t.json:1:4: JSON: found ']', expected more" },
        { "[1 2]", "t.json:1:4: JSON: found '2', expected ',' or ']'" },
        { "[1", "t.json:1:3: JSON: found the end of the text" },
        { "{\"a\":1,}", "t.json:1:8: JSON: found '}', expected more" },
        { "[,1]", "t.json:1:2: JSON: found ','" },
        { "[1] x", "t.json:1:5: JSON: found 'x', expected the end" },
        { "[1]]", "t.json:1:4:" },
        { "nul", "t.json:1:1:" },
        { "NaN", "t.json:1:1:" },
        { "[Infinity]", "t.json:1:2:" },
        { "[-]", "t.json:1:3: JSON: found ']', expected a digit" },
        { "[01]", "t.json:1:3:" },
        { "[1.]", "t.json:1:4: JSON: found ']', expected a digit" },
        { "[.5]", "t.json:1:2:" },
        { "[+1]", "t.json:1:2:" },
        { "[1e]", "t.json:1:4: JSON: found ']', expected a digit" },
        { "[1e999]", "t.json:1:2: JSON: found 1e999" },
        { "[-1e999]", "t.json:1:2: JSON: found -1e999" },
        { "'a'", "t.json:1:1: JSON: found '''" },
        { "\"abc", "t.json:1:5: JSON: found the end of the text" },
        { "\"a\nb\"", "t.json:1:3: JSON: found byte 0x0a" },
        { "\"a\tb\"", "byte 0x09, expected an escape" },
        { "\"\\x\"", "t.json:1:2: JSON: found '\\', expected a known escape" },
        { "\"\\u12g4\"", "t.json:1:2: JSON: found '\\', expected four hex" },
        { "\"\\ud800\"", "t.json:1:2: JSON: found '\\', expected a pair" },
        { "\"\\udc00\"", "t.json:1:2: JSON: found '\\', expected a pair" },
        { "\"\\ud800\\u0041\"", "t.json:1:2: JSON: found '\\', expected a pair" },
        { "\"\xff\"", "t.json:1:2: JSON: found byte 0xff, expected UTF-8" },
        { "\"\xc0\x80\"", "expected UTF-8" },
        { "\"\xed\xa0\x80\"", "expected UTF-8" },
        { "\"\xe7\xba\"", "expected UTF-8" },
        { "\"\xf4\x90\x80\x80\"", "expected UTF-8" },
        { "\"\xf0\x80\x80\x80\"", "expected UTF-8" },
        { "[1,\v2]", "t.json:1:4: JSON: found byte 0x0b" },
        { "[\vtrue]", "t.json:1:2: JSON: found byte 0x0b" },
        { "{\"a\":1, \"b\":2,\n  \"a\":3}",
          "t.json:2:3: key \"a\": found a second time" },
        { "{\"a\":{\"x\":1,\"\\u0078\":2}}", "t.json:1:13: key \"x\"" },
        { "{1:2}", "t.json:1:2: JSON: found '1', expected a string" },
        { "// c\n1", "t.json:1:1:" },
        { "\xef\xbb\xbf\xef\xbb\xbf{}", "byte 0xef" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_err err;
        qvl_node *root = NULL;
        int rc = qvl_json_parse(&root, cases[i].text, strlen(cases[i].text),
                                "t.json", &a, &err);
        CHECK_INT(rc, QVL_E_FORMAT, "|%s|", cases[i].text);
        CHECK_HAS(err.msg, cases[i].part, "|%s|", cases[i].text);
        CHECK(root == NULL, "|%s|: unchanged", cases[i].text);
        qvl_arena_release(&a);
    }
}

/* A key that comes twice among many, so that the index has to find it. */
static void test_late_duplicate(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_str text = { 0 };
    for (int i = 0; i < 1000; i++)
        qvl_str_printf(&text, "%s\"k%d\":0\n", i ? "," : "{", i);
    qvl_str_puts(&text, ",\"k500\":1}");
    qvl_node *root;
    CHECK_FAILS(qvl_json_parse(&root, text.p, text.len, "t", &a, &err),
                QVL_E_FORMAT, err, "t:1001:2: key \"k500\"");
    CHECK_HAS(err.msg, "line 501", "where the first is");
    qvl_str_release(&text);
    qvl_arena_release(&a);
}

static void test_depth(void)
{
    static const int depths[] = { QVL_JSON_MAX_DEPTH, QVL_JSON_MAX_DEPTH + 1,
                                  100000 };
    for (size_t i = 0; i < QVL_COUNT(depths); i++) {
        qvl_arena a = { 0 };
        qvl_err err;
        qvl_node *root;
        qvl_str text = { 0 };
        qvl_str_puts(&text, "[\"[[\\\"[\",");  // brackets in strings do not count
        for (int d = 1; d < depths[i]; d++)
            qvl_str_putc(&text, '[');
        for (int d = 0; d < depths[i]; d++)
            qvl_str_putc(&text, ']');
        int rc = qvl_json_parse(&root, text.p, text.len, "t", &a, &err);
        CHECK_INT(rc, i == 0 ? QVL_OK : QVL_E_FORMAT, "depth %d", depths[i]);
        if (rc != QVL_OK)
            CHECK_HAS(err.msg, "deeper than 512", "depth %d", depths[i]);
        qvl_str_release(&text);
        qvl_arena_release(&a);
    }
}

static const char sample[] =
    "{\"a\": [1, -2.5e3, \"x\\n\\u00e9\xe7\xba\xbf\", {\"b\": null}], \"c\": true}";

/* Every prefix of a text is an error with a message, read from a block of its
 * own so that a step past its end is seen by the sanitizer. */
static void test_cut_anywhere(void)
{
    for (size_t n = 0; n < sizeof sample - 1; n++) {
        qvl_arena a = { 0 };
        qvl_err err;
        qvl_node *root;
        char *copy = malloc(n > 0 ? n : 1);
        memcpy(copy, sample, n);
        CHECK_FAILS(qvl_json_parse(&root, copy, n, "t", &a, &err), QVL_E_FORMAT,
                    err, "t:1:");
        free(copy);
        qvl_arena_release(&a);
    }
}

/* Random changes never crash, and nothing is left behind. */
static void test_changed_anywhere(void)
{
    qvl_rng r = { .key = 5 };
    for (int round = 0; round < 20000; round++) {
        size_t n = sizeof sample - 1;
        char *copy = malloc(n);
        memcpy(copy, sample, n);
        for (int k = 0; k < 1 + round % 3; k++)
            copy[qvl_rng_below(&r, n)] = round % 2 == 0
                ? (char)qvl_rng_below(&r, 256)
                : "{}[],:\"\\0123456789eE+-."[qvl_rng_below(&r, 23)];
        qvl_arena a = { 0 };
        qvl_node *root;
        qvl_json_parse(&root, copy, n, "t", &a, NULL);
        free(copy);
        qvl_arena_release(&a);
    }
}

static void test_out_of_memory(void)
{
    int n_failed = 0;
    for (size_t limit = 0; limit < 4000; limit += 7) {
        qvl_arena a = { 0 };
        qvl_err err = { 0 };
        qvl_node *root;
        qvl_memory_limit(limit);
        int rc = qvl_json_parse(&root, sample, sizeof sample - 1, "t", &a, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "limit %zu: %s", limit,
              err.msg);
        n_failed += rc == QVL_E_MEMORY;
        qvl_arena_release(&a);
    }
    CHECK(n_failed > 10 && n_failed < 570, "%d failed", n_failed);
}

static void test_quote(void)
{
    static const struct {
        const char *text;
        size_t len;
        const char *quoted;
    } cases[] = {
        { "", 0, "\"\"" },
        { "plain", 5, "\"plain\"" },
        { "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
        { "\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"" },
        { "\x01\x1f\x7f/", 4, "\"\\u0001\\u001f\x7f/\"" },
        { "a\0b", 3, "\"a\\u0000b\"" },
        { "\xe7\xba\xbf", 3, "\"\xe7\xba\xbf\"" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_json_quote(&out, cases[i].text, cases[i].len);
        CHECK_STR(out.p, cases[i].quoted, "case %zu", i);
        const qvl_node *n = parse(&a, out.p, out.len);
        CHECK(n->s_len == cases[i].len
                  && memcmp(n->s, cases[i].text, n->s_len) == 0, "case %zu", i);
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

static void test_write_number(void)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        { 0, "0" },           { 1, "1" },          { -5, "-5" },
        { 0.1, "0.1" },       { 1e15, "1000000000000000" },
        { 1e20, "1e+20" },    { 2.5, "2.5" },      { 1e-8, "1e-08" },
        { 1.0 / 3, "0.3333333333333333" },
        { 9007199254740991.0, "9007199254740991" },
        { DBL_MAX, "1.7976931348623157e+308" },
        { 0x1p-1074, "5e-324" },
        { 0.30000000000000004, "0.30000000000000004" },
        { -0.0, "-0" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_str out = { 0 };
        qvl_json_number(&out, cases[i].v);
        CHECK_STR(out.p, cases[i].text, "case %zu", i);
        qvl_str_release(&out);
    }
    qvl_rng r = { .key = 3 };
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = qvl_rng_next(&r);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        qvl_str out = { 0 };
        qvl_json_number(&out, v);
        CHECK(strtod(out.p, NULL) == v, "%a is %s", v, out.p);
        qvl_str_release(&out);
    }
}

/* What is written of a tree reads back as the same tree. */
static void test_put(void)
{
    static const struct {
        const char *text, *put;
    } cases[] = {
        { " [ ] ", "[]" },
        { "{}", "{}" },
        { "[1,2.50,-0,1e3]", "[1, 2.50, -0, 1e3]" },
        { "{\"b\":null,\n\"a\":[true,false]}",
          "{\"b\": null, \"a\": [true, false]}" },
        { "\"\\u7ebf\\u0000\\/\\n\"", "\"\xe7\xba\xbf\\u0000/\\n\"" },
        { "{\"\\\"\":{\"\":123456789012345678901}}",
          "{\"\\\"\": {\"\": 123456789012345678901}}" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_json_put(&out, parse(&a, cases[i].text, strlen(cases[i].text)), -1);
        CHECK_STR(out.p, cases[i].put, "case %zu", i);
        qvl_str again = { 0 };
        qvl_json_put(&again, parse(&a, out.p, out.len), -1);
        CHECK_STR(again.p, out.p, "case %zu again", i);
        qvl_str_release(&out);
        qvl_str_release(&again);
        qvl_arena_release(&a);
    }
    qvl_str out = { 0 };
    qvl_json_put(&out, &(qvl_node){ .kind = QVL_NODE_FLOAT, .f = 2.5 }, -1);
    CHECK_STR(out.p, "2.5", "a number that was set");
    qvl_str_release(&out);
}

/* A text from the middle of a file counts lines from its own. */
static void test_line(void)
{
    static const char text[] = "{\"a\":\n 1}";
    static const char cut[] = "{\"a\":\n";
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_node *root;
    CHECK_OK(qvl_json_parse_at(&root, text, sizeof text - 1, "t", 41, &a, &err),
             err);
    CHECK_INT(root->line, 41, "the map");
    CHECK_INT(root->items[0].line, 42, "its value");
    CHECK_FAILS(qvl_json_parse_at(&root, cut, sizeof cut - 1, "t", 41, &a,
                                  &err), QVL_E_FORMAT, err, "t:42:1: ");
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_line), TEST(test_trees), TEST(test_numbers), TEST(test_long_number),
          TEST(test_faults), TEST(test_late_duplicate), TEST(test_depth), TEST(test_cut_anywhere),
          TEST(test_changed_anywhere), TEST(test_out_of_memory),
          TEST(test_quote), TEST(test_write_number), TEST(test_put))
