/* test_json_scan.c - steps over texts, held against trees of the same texts */
#include "base/json_scan.h"

#include "base/arena.h"
#include "base/rng.h"
#include "check.h"

static qvl_json_part part_of(const char *text, size_t len)
{
    return (qvl_json_part){ .p = text, .len = len, .file = "t", .line = 1,
                            .col = 1 };
}

/* Step over a whole text. */
static int scan_all(const char *text, size_t len, qvl_err *err)
{
    qvl_json_part part = part_of(text, len);
    qvl_json_scan s;
    qvl_json_scan_begin(&s, &part, err);
    QVL_TRY(qvl_json_scan_value(&s));
    return qvl_json_scan_end(&s);
}

/* ---- random texts ------------------------------------------------------- */

static void put_space(qvl_str *out, qvl_rng *r)
{
    static const char *const spaces[] = { "", "", "", " ", "\n", "\t", " \r\n " };
    qvl_str_puts(out, spaces[qvl_rng_below(r, QVL_COUNT(spaces))]);
}

static void put_string(qvl_str *out, qvl_rng *r)
{
    static const char *const pieces[] = {
        "a", "key", " ", "\\n", "\\\"", "\\u00e9", "\\ud83d\\ude00", "线", "\\\\",
        "{", "]", ",", "\\u0000", "é", "\xf0\x9f\x98\x80",
    };
    qvl_str_putc(out, '"');
    for (uint64_t n = qvl_rng_below(r, 5); n > 0; n--)
        qvl_str_puts(out, pieces[qvl_rng_below(r, QVL_COUNT(pieces))]);
    qvl_str_putc(out, '"');
}

static void put_value(qvl_str *out, qvl_rng *r, int depth)
{
    static const char *const words[] = { "true", "false", "null", "0", "-1",
                                         "12.5", "1e3", "-0.25E-2", "77" };
    uint64_t kind = qvl_rng_below(r, depth > 0 ? 4 : 2);
    put_space(out, r);
    if (kind == 0) {
        qvl_str_puts(out, words[qvl_rng_below(r, QVL_COUNT(words))]);
    } else if (kind == 1) {
        put_string(out, r);
    } else {
        uint64_t n = qvl_rng_below(r, 4);
        qvl_str_putc(out, kind == 2 ? '[' : '{');
        for (uint64_t i = 0; i < n; i++) {
            qvl_str_puts(out, i > 0 ? "," : "");
            put_space(out, r);
            if (kind == 3) {  // no key twice
                qvl_str_printf(out, "\"%d\\\"k\xc3\xa9\"", (int)i);
                put_space(out, r);
                qvl_str_putc(out, ':');
            }
            put_value(out, r, depth - 1);
            put_space(out, r);
        }
        qvl_str_putc(out, kind == 2 ? ']' : '}');
    }
}

/* ---- parts -------------------------------------------------------------- */

static void check_same(const qvl_node *found, const qvl_node *wanted)
{
    CHECK_INT(found->kind, wanted->kind, "line %d", wanted->line);
    CHECK_INT(found->line, wanted->line, "%s", wanted->s);
    CHECK_INT(found->col, wanted->col, "line %d", wanted->line);
    CHECK_INT(found->n, wanted->n, "line %d", wanted->line);
    CHECK_STR(found->s, wanted->s, "line %d", wanted->line);
    for (size_t i = 0; i < wanted->n; i++)
        check_same(&found->items[i], &wanted->items[i]);
}

/* Step through a value as the tree says, a tree of each part. */
static void check_steps(qvl_json_scan *s, const qvl_node *tree, qvl_arena *a)
{
    bool is_map = tree->kind == QVL_NODE_MAP;
    bool has_more;
    size_t n = 0;
    qvl_err *err = s->err;
    if (!is_map && tree->kind != QVL_NODE_LIST) {
        qvl_json_part part;
        qvl_node *node;
        CHECK_OK(qvl_json_scan_part(s, &part), *err);
        CHECK_OK(qvl_json_parse_part(&node, &part, a, err), *err);
        check_same(node, tree);
        return;
    }
    CHECK_OK(qvl_json_scan_enter(s, is_map ? '{' : '['), *err);
    for (;; n++) {
        qvl_json_part key;
        CHECK_OK(qvl_json_scan_next(s, is_map ? '}' : ']', n == 0, &has_more),
                 *err);
        if (!has_more)
            break;
        CHECK(n < tree->n, "more items than %zu", tree->n);
        if (is_map) {
            CHECK_OK(qvl_json_scan_key(s, &key), *err);
            CHECK_INT(key.line, tree->keys[n].line, "key");
            CHECK_INT(key.col, tree->keys[n].col, "key");
        }
        check_steps(s, &tree->items[n], a);
    }
    CHECK_INT(n, tree->n, "items");
}

static void test_parts(void)
{
    qvl_rng r = { .key = 11 };
    for (int round = 0; round < 3000; round++) {
        qvl_arena a = { 0 };
        qvl_str text = { 0 };
        qvl_err err = { 0 };
        qvl_node *tree, *again;
        qvl_json_scan s;
        put_value(&text, &r, 4);
        put_space(&text, &r);
        qvl_json_part whole = part_of(text.p, text.len), part;
        CHECK_OK(qvl_json_parse(&tree, text.p, text.len, "t", &a, &err), err);
        qvl_json_scan_begin(&s, &whole, &err);
        check_steps(&s, tree, &a);
        CHECK_OK(qvl_json_scan_end(&s), err);
        qvl_json_scan_begin(&s, &whole, &err);
        CHECK_OK(qvl_json_scan_part(&s, &part), err);
        CHECK_OK(qvl_json_parse_part(&again, &part, &a, &err), err);
        check_same(again, tree);
        qvl_str_release(&text);
        qvl_arena_release(&a);
    }
}

/* A changed text is wrong for the scan where it is wrong for the parser. */
static void test_changed_anywhere(void)
{
    qvl_rng r = { .key = 7 };
    int n_wrong = 0, n_right = 0;
    for (int round = 0; round < 20000; round++) {
        qvl_arena a = { 0 };
        qvl_str text = { 0 };
        qvl_err err = { 0 }, scan_err = { 0 };
        qvl_node *tree;
        put_value(&text, &r, 3);
        for (int k = 0; k < 1 + round % 2; k++)
            text.p[qvl_rng_below(&r, text.len)] =
                "{}[],:\"\\0123456789eE+-. \xc3\x80\x01"[qvl_rng_below(&r, 27)];
        int rc = qvl_json_parse(&tree, text.p, text.len, "t", &a, &err);
        int scan_rc = scan_all(text.p, text.len, &scan_err);
        bool is_trees = strstr(err.msg, "a second time") != NULL
                        || strstr(err.msg, "fits a double") != NULL;
        CHECK(is_trees || rc == scan_rc, "|%s|: %s, scan %s", text.p, err.msg,
              scan_err.msg);
        if (scan_rc != QVL_OK && !is_trees)  // cJSON may want something else there
            CHECK(strncmp(scan_err.msg, err.msg, strcspn(err.msg, " ")) == 0,
                  "|%s|: %s, scan %s", text.p, err.msg, scan_err.msg);
        n_wrong += rc != QVL_OK;
        n_right += rc == QVL_OK;
        qvl_str_release(&text);
        qvl_arena_release(&a);
    }
    CHECK(n_wrong > 1000 && n_right > 1000, "%d wrong, %d right", n_wrong,
          n_right);
}

static const char sample[] =
    "{\"a\": [1, -2.5e3, \"x\\n\\u00e9\xe7\xba\xbf\", {\"b\": null}], \"c\": true}";

/* Every prefix is an error, read from a block of its own. */
static void test_cut_anywhere(void)
{
    for (size_t n = 0; n < sizeof sample - 1; n++) {
        qvl_err err;
        char *copy = malloc(n > 0 ? n : 1);
        memcpy(copy, sample, n);
        CHECK_FAILS(scan_all(copy, n, &err), QVL_E_FORMAT, err, "t:1:");
        free(copy);
    }
}

/* ---- faults ------------------------------------------------------------- */

static void test_faults(void)
{
    qvl_err err;
    qvl_json_scan s;
    bool has_more;
    qvl_json_part key;
    qvl_json_part text = part_of("[1 2", 4);
    qvl_json_scan_begin(&s, &text, &err);
    CHECK_FAILS(qvl_json_scan_enter(&s, '{'), QVL_E_FORMAT, err,
                "t:1:1: JSON: found '[', expected a map");
    CHECK_OK(qvl_json_scan_enter(&s, '['), err);
    CHECK_OK(qvl_json_scan_next(&s, ']', true, &has_more), err);
    CHECK_OK(qvl_json_scan_value(&s), err);
    CHECK_FAILS(qvl_json_scan_next(&s, ']', false, &has_more), QVL_E_FORMAT,
                err, "t:1:4: JSON: found '2', expected ',' or ']'");
    text = part_of("{1", 2);
    qvl_json_scan_begin(&s, &text, &err);
    CHECK_OK(qvl_json_scan_enter(&s, '{'), err);
    CHECK_FAILS(qvl_json_scan_key(&s, &key), QVL_E_FORMAT, err,
                "t:1:2: JSON: found '1', expected a string");
    CHECK_FAILS(scan_all("[1] x", 5, &err), QVL_E_FORMAT, err, "t:1:5: ");
    CHECK_FAILS(scan_all("", 0, &err), QVL_E_FORMAT, err, "the end of the text");
}

static void test_depth(void)
{
    char text[2 * QVL_JSON_MAX_DEPTH + 2];
    qvl_err err;
    size_t n = QVL_JSON_MAX_DEPTH;
    memset(text, '[', n);
    memset(text + n, ']', n);
    CHECK_OK(scan_all(text, 2 * n, &err), err);
    memset(text, '[', n + 1);
    memset(text + n + 1, ']', n + 1);
    CHECK_FAILS(scan_all(text, 2 * n + 2, &err), QVL_E_FORMAT, err,
                "t:1:513: JSON: found nesting deeper than 512");
}

/* Places end at their largest and do not overflow. */
static void test_far_places(void)
{
    static const char text[] = "[\"abc\xc3\xa9\", 12345, true, x";
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_node *node;
    for (int before = 0; before < 30; before++) {
        qvl_json_part part = part_of(text, sizeof text - 1);
        qvl_json_scan s;
        char wanted[64];
        part.col = QVL_JSON_MAX_PLACE - before;
        part.line = QVL_JSON_MAX_PLACE;
        int col = before < 22 ? QVL_JSON_MAX_PLACE : part.col + 22;
        snprintf(wanted, sizeof wanted, "t:%d:%d: JSON: found 'x'", part.line,
                 col);
        qvl_json_scan_begin(&s, &part, &err);
        CHECK_FAILS(qvl_json_scan_value(&s), QVL_E_FORMAT, err, wanted);
        CHECK_FAILS(qvl_json_parse_part(&node, &part, &a, &err), QVL_E_FORMAT,
                    err, wanted);
    }
    qvl_arena_release(&a);
}

static void test_part_is(void)
{
    qvl_json_part part = part_of("image_idx", 8);
    CHECK(qvl_json_part_is(&part, "image_id"), "equal");
    CHECK(!qvl_json_part_is(&part, "image_i"), "longer");
    CHECK(!qvl_json_part_is(&part, "image_idx"), "shorter");
    CHECK(!qvl_json_part_is(&part, "image-id"), "another");
}

RUN_TESTS(TEST(test_parts), TEST(test_changed_anywhere),
          TEST(test_cut_anywhere), TEST(test_faults), TEST(test_depth),
          TEST(test_far_places), TEST(test_part_is))
