/* test_value.c - single values of the schema: numbers, bytes, rules, words */
#include "config/schema_value.h"

#include "base/yaml.h"
#include "check.h"

/* The value of "v: TEXT". */
static const qvl_node *value(const char *text, qvl_arena *a)
{
    qvl_err err;
    qvl_node *root;
    char line[256];
    snprintf(line, sizeof line, "v: %s\n", text);
    CHECK_OK(qvl_yaml_parse(&root, line, strlen(line), "t", a, &err), err);
    return qvl_node_find(root, "v");
}

static void test_numbers(void)
{
    static const struct {
        const char *text;
        int is_int;    // 1: this integer
        int64_t i;
        int is_float;  // 1: this number
        double f;
    } cases[] = {
        { "3", 1, 3, 1, 3 },
        { "-0", 1, 0, 1, 0 },
        { "2.0", 1, 2, 1, 2 },
        { "'2.0'", 1, 2, 1, 2 },
        { "'12'", 1, 12, 1, 12 },
        { "1e3", 1, 1000, 1, 1000 },
        { "2.5", 0, 0, 1, 2.5 },
        { "'2.5'", 0, 0, 1, 2.5 },
        { "9223372036854775807", 1, INT64_MAX, 1, 0x1p63 },
        { "1e300", 0, 0, 1, 1e300 },
        { "1e-8", 0, 0, 1, 1e-8 },
        { "true", 0, 0, 0, 0 },
        { "'true'", 0, 0, 0, 0 },
        { ".inf", 0, 0, 0, 0 },
        { "'.nan'", 0, 0, 0, 0 },
        { "''", 0, 0, 0, 0 },
        { "3x", 0, 0, 0, 0 },
        { "[3]", 0, 0, 0, 0 },
        { "{a: 3}", 0, 0, 0, 0 },
        { "~", 0, 0, 0, 0 },
    };
    for (size_t k = 0; k < QVL_COUNT(cases); k++) {
        qvl_arena a = { 0 };
        const qvl_node *n = value(cases[k].text, &a);
        int64_t i = 77;
        double f = 77;
        CHECK_INT(qvl_value_int(n, &i), cases[k].is_int, "%s", cases[k].text);
        CHECK_INT(i, cases[k].is_int ? cases[k].i : 77, "%s", cases[k].text);
        CHECK_INT(qvl_value_float(n, &f), cases[k].is_float, "%s",
                  cases[k].text);
        CHECK_NEAR(f, cases[k].is_float ? cases[k].f : 77, 0, "%s",
                   cases[k].text);
        qvl_arena_release(&a);
    }
}

static void test_bytes(void)
{
    static const struct {
        const char *text;
        int64_t n;  // -1: none
    } cases[] = {
        { "0", 0 },        { "17", 17 },      { "5GB", 5000000000 },
        { "'2 MB'", 2000000 }, { "1KiB", 1024 }, { "1.5K", 1500 },
        { "3TB", 3000000000000 }, { "10B", 10 }, { "1e3", 1000 },
        { "GB", -1 },      { "-5", -1 },      { "5gb", -1 },
        { "0.3", -1 },     { "5GBB", -1 },    { "true", -1 },
        { "''", -1 },      { "1e30", -1 },    { "[1]", -1 },
        { ".inf", -1 },    { "5000000TB", -1 },
    };
    for (size_t k = 0; k < QVL_COUNT(cases); k++) {
        qvl_arena a = { 0 };
        int64_t n = -1;
        bool ok = qvl_value_bytes(value(cases[k].text, &a), &n);
        CHECK(ok == (cases[k].n >= 0) && n == cases[k].n, "%s gives %lld",
              cases[k].text, (long long)n);
        qvl_arena_release(&a);
    }
}

static void test_rules(void)
{
    static const struct {
        const char *rule;
        double v;
        bool ok;
    } cases[] = {
        { "", -1e9, true },   { ">0", 0, false },   { ">0", 1e-30, true },
        { ">=0", 0, true },   { ">=0", -1, false }, { ">=-1", -1, true },
        { "0..1", 0, true },  { "0..1", 1, true },  { "0..1", 1.0001, false },
        { "0..1", -1, false },   { "0..<1", 0, true },
        { "0..<1", 1, false },   { "0..<1", 0.999, true },
        { ">0..<1", 0, false },  { ">0..<1", 1, false },
        { ">0..<1", 0.5, true }, { ">0..1", 1, true },
        { ">0..1", 0, false },
    };
    for (size_t k = 0; k < QVL_COUNT(cases); k++)
        CHECK_INT(qvl_value_obeys(cases[k].v, cases[k].rule), cases[k].ok,
                  "%g %s", cases[k].v, cases[k].rule);
}

static void test_words(void)
{
    static const struct {
        const char *text, *rule;
        int place;
        bool is_absent;
    } cases[] = {
        { "a", "a,b|c|!d", 0, false },  { "b", "a,b|c|!d", 0, false },
        { "C", "a,b|c|!d", 1, false },  { "d", "a,b|c|!d", 2, true },
        { "e", "a,b|c|!d,e", 2, true }, { "f", "a,b|c|!d,e|f", 3, false },
        { "!d", "a|!d", -1, false },    { "", "a,b|c", -1, false },
        { "ab", "a,b|c", -1, false },   { "a,b", "a,b|c", -1, false },
        { "x", "!x|y", 0, true },
    };
    for (size_t k = 0; k < QVL_COUNT(cases); k++) {
        bool is_absent = false;
        int place = qvl_value_word(cases[k].text, cases[k].rule, &is_absent);
        CHECK_INT(place, cases[k].place, "case %zu", k);
        if (place >= 0)
            CHECK_INT(is_absent, cases[k].is_absent, "case %zu", k);
    }
    CHECK(qvl_value_is_word("no", "false"), "no is false");
    CHECK(qvl_value_is_word("0.0", "0"), "0.0 is 0");
    CHECK(qvl_value_is_word("f32", "fp32,float32,f32"), "last of several");
    CHECK(qvl_value_is_word("FP32", "fp32,float32,f32"), "capitals");
    CHECK(!qvl_value_is_word("fp3", "fp32,float32,f32"), "a beginning");
    CHECK(!qvl_value_is_word("true", "false"), "true");
    CHECK(!qvl_value_is_word("", "false"), "nothing");
    CHECK(!qvl_value_is_word("1", "0"), "1 is not 0");
}

static void test_same(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        { "1", "1.0", true },   { "x", "x", true },       { "x", "y", false },
        { "[x]", "x", true },   { "[x, y]", "[x, y]", true },
        { "[x]", "[x, y]", false }, { "yes", "true", true },
        { "{a: 1}", "{a: 1}", false },
    };
    for (size_t k = 0; k < QVL_COUNT(cases); k++) {
        qvl_arena a = { 0 };
        CHECK_INT(qvl_value_same(value(cases[k].a, &a), value(cases[k].b, &a)),
                  cases[k].same, "%s %s", cases[k].a, cases[k].b);
        qvl_arena_release(&a);
    }
}

RUN_TESTS(TEST(test_numbers), TEST(test_bytes), TEST(test_rules),
          TEST(test_words), TEST(test_same))
