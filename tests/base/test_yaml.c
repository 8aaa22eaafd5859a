/* test_yaml.c - trees, anchors and merges, limits, texts changed anywhere */
#include "base/yaml.h"

#include <stdbool.h>

#include "base/json.h"
#include "base/rng.h"
#include "check.h"

static int parse(qvl_node **root, qvl_arena *a, const char *text, qvl_err *err)
{
    return qvl_yaml_parse(root, text, strlen(text), "t.yaml", a, err);
}

/* A tree as text: kind, place, value. */
static void dump(qvl_str *out, const qvl_node *n)
{
    static const char letters[] = "nbif";
    qvl_str_printf(out, "%d:%d", n->line, n->col);
    if (n->kind < QVL_NODE_STRING)
        qvl_str_printf(out, "%c|%s|", letters[n->kind], n->s);
    else if (n->kind == QVL_NODE_STRING)
        qvl_json_quote(out, n->s, n->s_len);
    else
        qvl_str_putc(out, n->kind == QVL_NODE_LIST ? '[' : '{');
    for (size_t i = 0; i < n->n; i++) {
        if (i > 0)
            qvl_str_putc(out, ' ');
        if (n->kind == QVL_NODE_MAP) {
            dump(out, &n->keys[i]);
            qvl_str_putc(out, '=');
        }
        dump(out, &n->items[i]);
    }
    if (n->kind > QVL_NODE_STRING)
        qvl_str_putc(out, n->kind == QVL_NODE_LIST ? ']' : '}');
}

static void test_trees(void)
{
    static const struct {
        const char *text, *tree;
    } cases[] = {
        { "", "1:1{}" },
        { "# only a comment\n", "1:1{}" },
        { "---\n", "1:1{}" },
        { "---\na: 1\n...\n", "2:1{2:1\"a\"=2:4i|1|}" },
        { "%YAML 1.2\n---\na: 1\n", "3:1{3:1\"a\"=3:4i|1|}" },
        { "\xef\xbb\xbf" "a: 1\n", "1:1{1:1\"a\"=1:4i|1|}" },
        { "a: 1\r\nb:  x y # c\r\n",
          "1:1{1:1\"a\"=1:4i|1| 2:1\"b\"=2:5\"x y\"}" },
        { "a:\n  b:\n    - 1\n    -   two\n  c: {d: [e, 2.5], f: }\n",
          "1:1{1:1\"a\"=2:3{2:3\"b\"=3:5[3:7i|1| 4:9\"two\"]"
          " 5:3\"c\"=5:6{5:7\"d\"=5:10[5:11\"e\" 5:14f|2.5|] 5:20\"f\"=5:23n||}}}" },
        { "a:\n- 1\n- b: 2\n  c: 3\n",
          "1:1{1:1\"a\"=2:1[2:3i|1| 3:3{3:3\"b\"=3:6i|2| 4:3\"c\"=4:6i|3|}]}" },
        { "\xe7\xba\xbf: \xe7\xba\xbf  # x\n\"q\": 'it''s'\n",
          "1:1{1:1\"\xe7\xba\xbf\"=1:4\"\xe7\xba\xbf\" 2:1\"q\"=2:6\"it's\"}" },
        { "a: |\n  x\n   y\nb: >-\n  one\n  two\n",
          "1:1{1:1\"a\"=1:4\"x\\n y\\n\" 4:1\"b\"=4:4\"one two\"}" },
        { "a: \"x\\n\\0\\u7ebf\"\n",
          "1:1{1:1\"a\"=1:4\"x\\n\\u0000\xe7\xba\xbf\"}" },
        { "? a\n: 1\n", "1:1{1:3\"a\"=2:3i|1|}" },
        { "a: one\n  two\n", "1:1{1:1\"a\"=1:4\"one two\"}" },
        { "no: yes\n1: 2\n~: 3\n",
          "1:1{1:1\"no\"=1:5b|yes| 2:1\"1\"=2:4i|2| 3:1\"~\"=3:4i|3|}" },
        { "a:\nb: ~\nc: ''\n",
          "1:1{1:1\"a\"=1:3n|| 2:1\"b\"=2:4n|~| 3:1\"c\"=3:4\"\"}" },
        { "{a: 1, b: [x, 'y']}", "1:1{1:2\"a\"=1:5i|1| 1:8\"b\"=1:11[1:12\"x\" 1:15\"y\"]}" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_err err;
        qvl_node *root;
        qvl_str out = { 0 };
        int rc = parse(&root, &a, cases[i].text, &err);
        CHECK(rc == QVL_OK, "|%s|: %s", cases[i].text, err.msg);
        dump(&out, root);
        CHECK_STR(out.p, cases[i].tree, "|%s|", cases[i].text);
        CHECK_STR(root->file, "t.yaml", "file");
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

static void test_scalars(void)
{
    static const struct {
        const char *text;
        int kind;
        double f;
    } cases[] = {
        { "null", QVL_NODE_NULL, 0 },     { "Null", QVL_NODE_NULL, 0 },
        { "NULL", QVL_NODE_NULL, 0 },     { "~", QVL_NODE_NULL, 0 },
        { "nULL", QVL_NODE_STRING, 0 },   { "none", QVL_NODE_STRING, 0 },
        { "true", QVL_NODE_BOOL, 1 },     { "No", QVL_NODE_BOOL, 0 },
        { "ON", QVL_NODE_BOOL, 1 },       { "off", QVL_NODE_BOOL, 0 },
        { "y", QVL_NODE_STRING, 0 },      { "oN", QVL_NODE_STRING, 0 },
        { "12", QVL_NODE_INT, 12 },       { "-3", QVL_NODE_INT, -3 },
        { "0x10", QVL_NODE_INT, 16 },     { "0o10", QVL_NODE_INT, 8 },
        { "010", QVL_NODE_INT, 10 },      { "1_000", QVL_NODE_STRING, 0 },
        { "9223372036854775807", QVL_NODE_INT, 0x1p63 },
        { "9223372036854775808", QVL_NODE_FLOAT, 0x1p63 },
        { "1e-8", QVL_NODE_FLOAT, 1e-8 }, { "1.0e-4", QVL_NODE_FLOAT, 1e-4 },
        { "1e5", QVL_NODE_FLOAT, 1e5 },   { ".5", QVL_NODE_FLOAT, 0.5 },
        { "1.", QVL_NODE_FLOAT, 1 },      { ".inf", QVL_NODE_FLOAT, INFINITY },
        { "-.inf", QVL_NODE_FLOAT, -INFINITY },
        { "1e999", QVL_NODE_STRING, 0 },  { "1:30", QVL_NODE_STRING, 0 },
        { "2024-01-02", QVL_NODE_STRING, 0 }, { "nan", QVL_NODE_STRING, 0 },
        { "1.2.3", QVL_NODE_STRING, 0 },  { "FILL_ME", QVL_NODE_STRING, 0 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        static const char *const frames[] = { "a: %s\n", "{a: %s}", "a: '%s'\n",
                                              "a: \"%s\"\n", "a: |-\n  %s\n" };
        for (size_t k = 0; k < QVL_COUNT(frames); k++) {
            char text[100];
            const char *frame = frames[k];
            const char *hole = strchr(frame, '%');
            snprintf(text, sizeof text, "%.*s%s%s", (int)(hole - frame), frame,
                     cases[i].text, hole + 2);
            qvl_arena a = { 0 };
            qvl_err err;
            qvl_node *root;
            CHECK_OK(parse(&root, &a, text, &err), err);
            const qvl_node *n = qvl_node_find(root, "a");
            CHECK_INT(n->kind, k < 2 ? cases[i].kind : QVL_NODE_STRING, "%s",
                      text);
            CHECK_STR(n->s, cases[i].text, "as spelled");
            CHECK_INT(n->s_len, strlen(cases[i].text), "%s", text);
            if (k < 2 && n->kind == QVL_NODE_BOOL)
                CHECK_INT(n->b, cases[i].f > 0, "%s", text);
            else if (k < 2 && n->kind != QVL_NODE_STRING)
                CHECK(n->f == cases[i].f, "%s: %g", text, n->f);
            qvl_arena_release(&a);
        }
    }
}

static void test_anchors_and_merges(void)
{
    static const struct {
        const char *text, *tree;
    } cases[] = {
        { "a: &x 5\nb: *x\n", "1:1{1:1\"a\"=1:7i|5| 2:1\"b\"=1:7i|5|}" },
        { "a: &x\nb: *x\n", "1:1{1:1\"a\"=1:6n|| 2:1\"b\"=1:6n||}" },
        { "a: &x   # c\n  k: 1\nb: *x\n",
          "1:1{1:1\"a\"=2:3{2:3\"k\"=2:6i|1|} 3:1\"b\"=2:3{2:3\"k\"=2:6i|1|}}" },
        { "\xe7\xba\xbf: &x 'v'\n", "1:1{1:1\"\xe7\xba\xbf\"=1:7\"v\"}" },
        { "a: &x 1\nb: &x 2\nc: *x\n",
          "1:1{1:1\"a\"=1:7i|1| 2:1\"b\"=2:7i|2| 3:1\"c\"=2:7i|2|}" },
        { "&r\na: [&y [1], *y]\n", "2:1{2:1\"a\"=2:4[2:8[2:9i|1|] 2:8[2:9i|1|]]}" },
        { "d: &d {p: 1, q: 2}\ne:\n  q: 3\n  <<: *d\n  r: 4\n",
          "1:1{1:1\"d\"=1:7{1:8\"p\"=1:11i|1| 1:14\"q\"=1:17i|2|}"
          " 2:1\"e\"=3:3{3:3\"q\"=3:6i|3| 5:3\"r\"=5:6i|4| 1:8\"p\"=1:11i|1|}}" },
        { "x: [&a {k: 1, l: 1}, &b {k: 2, m: 2}]\ny: {<<: [*a, *b], m: 0}\n",
          "1:1{1:1\"x\"=1:4[1:8{1:9\"k\"=1:12i|1| 1:15\"l\"=1:18i|1|}"
          " 1:25{1:26\"k\"=1:29i|2| 1:32\"m\"=1:35i|2|}]"
          " 2:1\"y\"=2:4{2:19\"m\"=2:22i|0| 1:9\"k\"=1:12i|1| 1:15\"l\"=1:18i|1|}}" },
        { "a: {<<: {p: 1}}\n", "1:1{1:1\"a\"=1:4{1:10\"p\"=1:13i|1|}}" },
        { "a: {\"<<\": 1}\n", "1:1{1:1\"a\"=1:4{1:5\"<<\"=1:11i|1|}}" },
        { "a: {<<: []}\n", "1:1{1:1\"a\"=1:4{}}" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_err err;
        qvl_node *root;
        qvl_str out = { 0 };
        int rc = parse(&root, &a, cases[i].text, &err);
        CHECK(rc == QVL_OK, "|%s|: %s", cases[i].text, err.msg);
        dump(&out, root);
        CHECK_STR(out.p, cases[i].tree, "|%s|", cases[i].text);
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

/* A merge that takes a map over the size from which keys are indexed. */
static void test_large_merge(void)
{
    qvl_str text = { 0 };
    qvl_str_puts(&text, "base: &b\n");
    for (int i = 0; i < 50; i++)
        qvl_str_printf(&text, "  k%d: %d\n", i, i);
    qvl_str_puts(&text, "over:\n  <<: *b\n  k7: -1\n  new: 5\n");
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_node *root;
    CHECK_OK(parse(&root, &a, text.p, &err), err);
    const qvl_node *over = qvl_node_find(root, "over");
    CHECK_INT(over->n, 51, "keys");
    CHECK_INT(qvl_node_find(over, "k7")->i, -1, "own key wins");
    CHECK_INT(qvl_node_find(over, "new")->i, 5, "own key");
    CHECK_INT(qvl_node_find(over, "k49")->i, 49, "merged key");
    CHECK_INT(qvl_node_find(qvl_node_find(root, "base"), "k7")->i, 7,
              "the base is untouched");
    qvl_str_release(&text);
    qvl_arena_release(&a);
}

static void test_faults(void)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "- 1\n", "t.yaml:1:1: YAML: found list, expected a map" },
        { "text\n", "t.yaml:1:1: YAML: found string, expected a map" },
        { "~\n", "t.yaml:1:1: YAML: found null" },
        { "a: 1\na: 2\n", "t.yaml:2:1: key \"a\": found a second time" },
        { "x:\n  b: {c: 1, 'c': 2}\n", "t.yaml:2:13: key \"c\"" },
        { "a: 1\n---\nb: 2\n", "t.yaml:2:1: YAML: found a second document" },
        { "a: 1\n...\nb: 2\n", "t.yaml:3:1: YAML: did not find expected <document start>" },
        { "a: !!str 1\n", "t.yaml:1:4: YAML: found a tag" },
        { "a: !x {}\n", "t.yaml:1:4: YAML: found a tag" },
        { "a: !x []\n", "t.yaml:1:4: YAML: found a tag" },
        { "a: ! 1\n", "t.yaml:1:4: YAML: found a tag" },
        { "!!str a: 1\n", "found a tag" },
        { "%TAG ! tag:x,2000:\n---\na: 1\n", "found a %TAG" },
        { "a:\n\tb: 1\n", "t.yaml:2:1: YAML: found a tab, expected spaces" },
        { "a:\n  b: 1\n\tc: 2\n", "t.yaml:3:1: YAML: found a tab" },
        { "a: 'x\n", "t.yaml:2:1: YAML: " },
        { "a: [1, 2\nb: 3\n", "t.yaml:2:" },
        { "a: b: c\n", "t.yaml:1:5: YAML: " },
        { "a: 1\n b: 2\n", "t.yaml:2:" },
        { "a: *x\n", "t.yaml:1:4: YAML: found alias *x" },
        { "a: &x [*x]\n", "t.yaml:1:8: YAML: found alias *x" },
        { "? [1]\n: 2\n", "t.yaml:1:3: YAML: found a key that is no scalar" },
        { "{a: 1}: 2\n", "found a key that is no scalar" },
        { "a: &x 1\n*x : 2\n", "t.yaml:2:1: YAML: found a key that is no" },
        { "&x a: 1\n", "t.yaml:1:1: YAML: found an anchor at a key" },
        { "? \n: 1\n", "found no key" },
        { ": 1\n", "t.yaml:1:1: YAML: while parsing a block mapping" },
        { "\"a\\0b\": 1\n", "found a NUL in a key" },
        { "a: {<<: 5}\n", "t.yaml:1:5: YAML: found \"<<\" with a value of kind integer" },
        { "a: {<<: [5]}\n", "t.yaml:1:5: YAML: found \"<<\" with" },
        { "a: {<<: {}, <<: {}}\n", "t.yaml:1:13: YAML: found a second merge" },
        { "a: \xff\n", "t.yaml:1:4: YAML: " },
        { "\xe7\xba\xbf: 1\nb: x\x01\n", "t.yaml:2:5: YAML: " },
        { "a: @b\n", "t.yaml:1:4: YAML: " },
        { "a: \"\\q\"\n", "t.yaml:1:" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_err err = { 0 };
        qvl_node *root = NULL;
        int rc = parse(&root, &a, cases[i].text, &err);
        CHECK_INT(rc, QVL_E_CONFIG, "|%s|", cases[i].text);
        CHECK_HAS(err.msg, cases[i].part, "|%s|", cases[i].text);
        CHECK(root == NULL, "|%s|: unchanged", cases[i].text);
        qvl_arena_release(&a);
    }
}

static void test_limits(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_node *root;
    qvl_str text = { 0 };
    qvl_str_puts(&text, "a: ");
    for (int i = 0; i < QVL_YAML_MAX_DEPTH; i++)
        qvl_str_putc(&text, '[');
    CHECK_FAILS(parse(&root, &a, text.p, &err), QVL_E_CONFIG, err, "nesting");

    /* 10 lines of 10 aliases each: 10^10 nodes when written out */
    qvl_str_reset(&text);
    qvl_str_puts(&text, "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n");
    for (int i = 1; i < 10; i++) {
        qvl_str_printf(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            qvl_str_printf(&text, "%s*a%d", k ? "," : "", i - 1);
        qvl_str_puts(&text, "]\n");
    }
    CHECK_FAILS(parse(&root, &a, text.p, &err), QVL_E_CONFIG, err,
                "more than a million nodes");
    qvl_str_release(&text);
    qvl_arena_release(&a);
}

static const char sample[] =
    "base: &b {k: 1e-8, l: 'x'}\n"
    "\xe7\xba\xbf:\n"
    "  - <<: *b\n"
    "    m: \"a\\n\"\n"
    "  - |\n"
    "    text\n"
    "  - [1, no, ~]  # c\n";

/* Any prefix and any change is a tree or a fault with a place, read from a
 * block of its own so that a step past its end is seen by the sanitizer. */
static void test_changed_anywhere(void)
{
    qvl_rng r = { .key = 9 };
    size_t len = sizeof sample - 1;
    for (size_t round = 0; round < 10000; round++) {
        size_t n = round < len ? round : len;
        char *copy = malloc(n > 0 ? n : 1);
        memcpy(copy, sample, n);
        for (size_t k = 0; round >= len && k < 1 + round % 3; k++)
            copy[qvl_rng_below(&r, n)] = round % 2 == 0
                ? (char)qvl_rng_below(&r, 256)
                : "{}[],:\"'&*#|>-?!%@ \n\t<~"[qvl_rng_below(&r, 24)];
        qvl_arena a = { 0 };
        qvl_err err;
        qvl_node *root;
        int rc = qvl_yaml_parse(&root, copy, n, "t", &a, &err);
        CHECK(rc == QVL_OK || rc == QVL_E_CONFIG, "round %zu: %s", round,
              qvl_err_name(rc));
        if (rc != QVL_OK)
            CHECK(strncmp(err.msg, "t:", 2) == 0, "round %zu: %s", round,
                  err.msg);
        free(copy);
        qvl_arena_release(&a);
    }
}

static void test_out_of_memory(void)
{
    int n_failed = 0;
    for (size_t limit = 0; limit < 20000; limit += 31) {
        qvl_arena a = { 0 };
        qvl_err err = { 0 };
        qvl_node *root;
        qvl_memory_limit(limit);
        int rc = parse(&root, &a, sample, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "limit %zu: %s", limit,
              err.msg);
        n_failed += rc == QVL_E_MEMORY;
        qvl_arena_release(&a);
    }
    CHECK(n_failed > 10 && n_failed < 640, "%d failed", n_failed);
}

RUN_TESTS(TEST(test_trees), TEST(test_scalars), TEST(test_anchors_and_merges),
          TEST(test_large_merge), TEST(test_faults), TEST(test_limits),
          TEST(test_changed_anywhere), TEST(test_out_of_memory))
