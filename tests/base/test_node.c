/* test_node.c - values read as a type, paths, and faults with their place */
#include "base/node.h"

#include <stdbool.h>

#include "base/json.h"
#include "check.h"

static void test_read_int(void)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },      { "-0", true, 0 },       { "+7", true, 7 },
        { "-12", true, -12 },  { "007", true, 7 },      { "0x1F", true, 31 },
        { "0xff", true, 255 }, { "0o17", true, 15 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "0x7fffffffffffffff", true, INT64_MAX },
        { "9007199254740993", true, 9007199254740993 },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "99999999999999999999", false, 0 },
        { "0x8000000000000000", false, 0 },
        { "", false, 0 },      { "-", false, 0 },       { "+", false, 0 },
        { "0x", false, 0 },    { "0o8", false, 0 },     { "0xg", false, 0 },
        { "-0x1", false, 0 },  { "1.0", false, 0 },     { " 1", false, 0 },
        { "1 ", false, 0 },    { "1_0", false, 0 },     { "a", false, 0 },
        { "--1", false, 0 },   { "1e3", false, 0 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        int64_t v = 77;
        bool ok = qvl_node_read_int(cases[i].text, strlen(cases[i].text), &v);
        CHECK_INT(ok, cases[i].ok, "%s", cases[i].text);
        CHECK_INT(v, ok ? cases[i].value : 77, "%s", cases[i].text);
    }
}

static void test_read_float(void)
{
    static const struct {
        const char *text;
        bool ok;
        double value;
    } cases[] = {
        { "1e-8", true, 1e-8 },   { "1.0e-4", true, 1e-4 }, { ".5", true, 0.5 },
        { "5.", true, 5 },        { "-1.5E+3", true, -1500 },
        { "12", true, 12 },       { "+0.25", true, 0.25 },
        { "1e-999", true, 0 },    { "1e308", true, 1e308 },
        { ".inf", true, INFINITY }, { "-.INF", true, -INFINITY },
        { "+.Inf", true, INFINITY },
        { "1e999", false, 0 },    { "-1e309", false, 0 },   { "", false, 0 },
        { ".", false, 0 },        { "e5", false, 0 },       { "1e", false, 0 },
        { "1e+", false, 0 },      { "nan", false, 0 },      { "inf", false, 0 },
        { "0x1p3", false, 0 },    { " 1", false, 0 },       { "1 ", false, 0 },
        { "1.2.3", false, 0 },    { "1:30", false, 0 },     { "-", false, 0 },
        { "+.nan", false, 0 },    { "1,5", false, 0 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        double v = 77;
        bool ok = qvl_node_read_float(cases[i].text, strlen(cases[i].text), &v);
        CHECK_INT(ok, cases[i].ok, "%s", cases[i].text);
        CHECK(v == (ok ? cases[i].value : 77), "%s: %g", cases[i].text, v);
    }
    double v = 0;
    CHECK(qvl_node_read_float(".NaN", 4, &v) && isnan(v), ".NaN");
    CHECK(!qvl_node_read_float("1\0" "2", 3, &v), "NUL inside");
    char digits[200];
    memset(digits, '1', sizeof digits);
    CHECK(qvl_node_read_float(digits, 127, &v), "127 digits");
    CHECK(!qvl_node_read_float(digits, 128, &v), "128 digits");
}

static void test_read_bool(void)
{
    static const char *const yes[] = { "true", "True", "TRUE", "yes", "Yes",
                                       "YES", "on", "On", "ON" };
    static const char *const no[] = { "false", "False", "FALSE", "no", "No",
                                      "NO", "off", "Off", "OFF" };
    static const char *const other[] = { "", "y", "n", "tRUE", "1", "0", "true ",
                                         "yess", "o" };
    for (size_t i = 0; i < QVL_COUNT(yes); i++) {
        bool v = false;
        CHECK(qvl_node_read_bool(yes[i], strlen(yes[i]), &v) && v, "%s", yes[i]);
        CHECK(qvl_node_read_bool(no[i], strlen(no[i]), &v) && !v, "%s", no[i]);
        CHECK(!qvl_node_read_bool(other[i], strlen(other[i]), &v), "%s",
              other[i]);
    }
}

static void test_as(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_node *root;
    static const char text[] =
        "[null, true, 5, 5.0, 5.5, 1e300, 9007199254740992.0,"
        " 9007199254740994.0, \"5\", \"a\\u0000b\", [], {}]";
    CHECK_OK(qvl_json_parse(&root, text, strlen(text), "t", &a, &err), err);
    static const struct {
        bool as_int, as_float, as_bool, as_string;
        int64_t i;
        double f;
    } cases[] = {
        { 0, 0, 0, 0, 0, 0 },    { 0, 0, 1, 0, 0, 0 },
        { 1, 1, 0, 0, 5, 5 },    { 1, 1, 0, 0, 5, 5 },
        { 0, 1, 0, 0, 0, 5.5 },  { 0, 1, 0, 0, 0, 1e300 },
        { 1, 1, 0, 0, 9007199254740992, 9007199254740992.0 },
        { 0, 1, 0, 0, 0, 9007199254740994.0 },
        { 0, 0, 0, 1, 0, 0 },    { 0, 0, 0, 0, 0, 0 },
        { 0, 0, 0, 0, 0, 0 },    { 0, 0, 0, 0, 0, 0 },
    };
    CHECK_INT(root->n, QVL_COUNT(cases), "a case each");
    for (size_t i = 0; i < root->n; i++) {
        const qvl_node *n = &root->items[i];
        int64_t v = 0;
        double f = 0;
        bool b = false;
        const char *s = NULL;
        CHECK_INT(qvl_node_as_int(n, &v), cases[i].as_int, "item %zu", i);
        CHECK_INT(qvl_node_as_float(n, &f), cases[i].as_float, "item %zu", i);
        CHECK_INT(qvl_node_as_bool(n, &b), cases[i].as_bool, "item %zu", i);
        CHECK_INT(qvl_node_as_string(n, &s), cases[i].as_string, "item %zu", i);
        CHECK_INT(v, cases[i].i, "item %zu", i);
        CHECK(f == cases[i].f, "item %zu: %g", i, f);
        CHECK(b == cases[i].as_bool, "item %zu", i);
    }
    int64_t v;
    double f;
    bool b;
    const char *s;
    CHECK(!qvl_node_as_int(NULL, &v) && !qvl_node_as_float(NULL, &f)
              && !qvl_node_as_bool(NULL, &b) && !qvl_node_as_string(NULL, &s),
          "NULL has no value");
    qvl_node inf = { .kind = QVL_NODE_FLOAT, .f = (double)INFINITY };
    CHECK(!qvl_node_as_float(&inf, &f) && !qvl_node_as_int(&inf, &v), "inf");
    inf.f = (double)NAN;
    CHECK(!qvl_node_as_float(&inf, &f) && !qvl_node_as_int(&inf, &v), "nan");
    qvl_arena_release(&a);
}

/* Maps below and above the size from which keys are indexed. */
static void test_find(void)
{
    for (int n = 0; n < 200; n += n < 40 ? 1 : 53) {
        qvl_arena a = { 0 };
        qvl_err err;
        qvl_str text = { 0 };
        qvl_str_putc(&text, '{');
        for (int i = 0; i < n; i++)
            qvl_str_printf(&text, "%s\"key%d\": %d", i ? "," : "", i, i * 3);
        qvl_str_putc(&text, '}');
        qvl_node *root;
        CHECK_OK(qvl_json_parse(&root, text.p, text.len, "t", &a, &err), err);
        for (int i = 0; i < n; i++) {
            char key[20];
            snprintf(key, sizeof key, "key%d", i);
            const qvl_node *item = qvl_node_find(root, key);
            CHECK(item != NULL && item->i == i * 3, "%s of %d", key, n);
        }
        CHECK(qvl_node_find(root, "key") == NULL, "%d keys", n);
        CHECK(qvl_node_find(root, "") == NULL, "%d keys", n);
        CHECK(qvl_node_find(root, "key999") == NULL, "%d keys", n);
        qvl_str_release(&text);
        qvl_arena_release(&a);
    }
}

static void test_path(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_node *root;
    static const char text[] = "{\"a\": {\"b\": {\"c\": 5}, \"\": 6}, \"x\": 7}";
    CHECK_OK(qvl_json_parse(&root, text, strlen(text), "t", &a, &err), err);
    CHECK_INT(qvl_node_path(root, "a.b.c")->i, 5, "deep");
    CHECK_INT(qvl_node_path(root, "x")->i, 7, "flat");
    CHECK_INT(qvl_node_path(root, "a.")->i, 6, "empty key");
    static const char *const missing[] = { "a.c", "a.b.c.d", "x.y", "", ".a",
                                           "a.b.", "b" };
    for (size_t i = 0; i < QVL_COUNT(missing); i++)
        CHECK(qvl_node_path(root, missing[i]) == NULL, "%s", missing[i]);
    CHECK(qvl_node_path(NULL, "a") == NULL, "no root");
    CHECK_OK(qvl_json_parse(&root, "{\"a\": {\"b\": null, \"c\": 0}}", 26, "t", &a,
                            &err), err);
    CHECK(qvl_node_given(root, "a.b") == NULL, "null");
    CHECK(qvl_node_path(root, "a.b") != NULL, "but there");
    CHECK(qvl_node_given(root, "a.c") != NULL, "given");
    CHECK(qvl_node_given(root, "a.d") == NULL, "absent");
    CHECK(qvl_node_find(NULL, "a") == NULL, "no map");
    CHECK(qvl_node_find(&root->items[1], "a") == NULL, "not a map");
    qvl_arena_release(&a);
}

static void test_fail(void)
{
    qvl_node n = { .file = "dir/x.yaml", .line = 3, .col = 14 };
    qvl_err err;
    CHECK_INT(qvl_node_fail(&n, &err, QVL_E_CONFIG, "found %d", 5),
              QVL_E_CONFIG, "code");
    CHECK_STR(err.msg, "dir/x.yaml:3:14: found 5", "place");
    for (int kind = QVL_NODE_NULL; kind <= QVL_NODE_MAP; kind++)
        CHECK(qvl_node_kind_name(kind) != NULL, "kind %d", kind);
    CHECK_STR(qvl_node_kind_name(QVL_NODE_MAP), "map", "last kind");
}

RUN_TESTS(TEST(test_read_int), TEST(test_read_float), TEST(test_read_bool),
          TEST(test_as), TEST(test_find), TEST(test_path), TEST(test_fail))
