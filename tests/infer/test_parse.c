/* test_parse.c - answers as models write them, and what is read out of them */
#include "check.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/node.h"
#include "data/objects.h"
#include "infer/parse.h"

#define BOX "\"bbox_2d\": [10, 20, 30, 40]"
#define A "{" BOX ", \"desc\": \"a\"}"
#define B "{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"b\"}"
#define GOT_A "box(10 20 30 40)a"
#define GOT_B "box(1 2 3 4)b"

/* Words of the list under a key of the report: of each, or of its code. */
static void put_words(qvl_str *out, const qvl_node *report, const char *key)
{
    const qvl_node *list = qvl_node_find(report, key);
    for (size_t i = 0; i < list->n; i++) {
        const qvl_node *v = &list->items[i];
        const qvl_node *object = qvl_node_find(v, "object");
        qvl_str_putc(out, ' ');
        if (object != NULL && object->kind == QVL_NODE_STRING)
            qvl_str_printf(out, "%s:", object->s);
        qvl_str_puts(out, object != NULL ? qvl_node_find(v, "code")->s : v->s);
    }
}

/* An answer on one line: level, '!' when it is the form, 'j' when it is JSON,
 * steps; errors; objects; dropped ones and warnings, when there are any. */
static void put_answer(qvl_str *out, const qvl_answer *a, qvl_arena *arena)
{
    static const char *const kind[] = { "box", "poly", "line" };
    qvl_str text = { 0 };
    qvl_node *report;
    qvl_err err;
    qvl_answer_put_report(&text, a);
    CHECK_OK(qvl_json_parse(&report, text.p, text.len, "report", arena, &err),
             err);
    qvl_str_printf(out, "%s%s%s", qvl_node_find(report, "level")->s,
                   a->format_ok ? "!" : "", a->is_json ? "j" : "");
    put_words(out, report, "steps");
    qvl_str_puts(out, ";");
    put_words(out, report, "errors");
    qvl_str_puts(out, ";");
    for (int i = 0; i < a->n_objects; i++) {
        const qvl_object *o = &a->object[i];
        qvl_str_printf(out, " %s(", kind[o->kind]);
        for (int k = 0; k < 2 * o->n; k++)
            qvl_str_printf(out, "%s%g", k > 0 ? " " : "", o->point[k]);
        qvl_str_printf(out, ")%s", o->desc);
    }
    if (a->n_dropped > 0)
        qvl_str_printf(out, "; -%d", a->n_dropped);
    if (a->n_warnings > 0) {
        qvl_str_puts(out, "; warn");
        put_words(out, report, "warnings");
    }
    CHECK_INT(a->ok, a->n_errors == 0, "ok");
    qvl_str_release(&text);
}

typedef struct {
    const char *text;
    const char *wanted;
} reply;

static void check_reply(const reply *r, const qvl_parse_options *options)
{
    qvl_arena arena = { 0 };
    qvl_answer a;
    qvl_str out = { 0 };
    qvl_answer_parse(&a, r->text, strlen(r->text), options, &arena);
    put_answer(&out, &a, &arena);
    CHECK_STR(out.p, r->wanted, "%s", r->text);
    qvl_str_release(&out);
    qvl_arena_release(&arena);
}

static const reply forms[] = {
    { "{\"object_1\": " A "}", "strict!j;; " GOT_A },
    { "{\"object_1\": " A ", \"object_2\": " B "}",
      "strict!j;; " GOT_A " " GOT_B },
    { "  {\"object_1\":{\"desc\":\"a\"," BOX "}}\n", "strict!j;; " GOT_A },
    { "{}", "strict!j;;" },
    { "{\"object_1\": {\"poly\": [0, 0, 9, 0, 9, 9], \"desc\": \"p\"}}",
      "strict!j;; poly(0 0 9 0 9 9)p" },
    { "{\"object_1\": {\"desc\": \"p\", \"poly\": [[0, 0], [9, 0], [9, 9]]}}",
      "strict!j;; poly(0 0 9 0 9 9)p" },
    { "{\"object_1\": {\"quad\": [0, 0, 9, 0, 9, 9, 0, 9], \"desc\": \"q\"}}",
      "strict!j;; poly(0 0 9 0 9 9 0 9)q" },
    { "{\"object_1\": {\"line_points\": 2, \"line\": [1, 2, 3, 4], "
      "\"desc\": \"l\"}}",
      "strict!j;; line(1 2 3 4)l" },
    { "{\"object_1\": {\"desc\": \"l\", \"line_points\": 2, "
      "\"line\": [[1, 2], [1000, 0]]}}",
      "strict!j;; line(1 2 1000 0)l" },
    { "{\"object_1\": {\"bbox_2d\": [[10, 20], [30, 40]], \"desc\": \"a\"}}",
      "strict!j;; " GOT_A },
    { "{\"object_1\": {" BOX ", \"desc\": \"\\u7c7b\\\"\\\\\"}}",
      "strict!j;; box(10 20 30 40)\xe7\xb1\xbb\"\\" },
    { "<DOMAIN=BBU>, <TASK=DETECTION>\n{\"object_1\": " A "}",
      "strict!j header;; " GOT_A },
    { "<TASK=DETECTION>{\"object_1\": " A "}<|im_end|>",
      "strict!j header;; " GOT_A },
    { "<think>\n{\"object_1\": 3}</think>\n\n{\"object_1\": " A "}",
      "strict!j think;; " GOT_A },
    { "\xef\xbb\xbf{\"object_1\": " A "}\r\n", "strict!j;; " GOT_A },
};

static const reply around[] = {
    { "```json\n{\"object_1\": " A "}\n```", "strict fence;; " GOT_A },
    { "```\n{\"object_1\": " A "}", "strict fence;; " GOT_A },
    { "Here it is:\n```json\n{\"object_1\": " A "}\n```\nDone.",
      "strict text_around;; " GOT_A },
    { "The set {x, y}: {\"object_1\": " A "} ok", "strict text_around;; "
      GOT_A },
    { "{\"a\": 1, \"b\": 2, \"ccccccccccccccccccccccccccccccccccc\": "
      "\"ddddddddddddddddddddd\"} {\"object_1\": " A "}",
      "strict text_around;; " GOT_A },
    { "{\"object_1\": " A "} {\"object_1\": " A ", \"object_2\": " B "}",
      "strict text_around;; " GOT_A " " GOT_B },
    { "{\"object_1\": " A "}}", "strict text_around;; " GOT_A },
    { "[{\"object_1\": " A "}]", "strict text_around;; " GOT_A },
};

static const reply repairs[] = {
    { "{\"object_1\": " A ",}", "repaired commas;; " GOT_A },
    { "{\"object_1\": {\"bbox_2d\": [10, 20, 30, 40,], \"desc\": \"a\",}}",
      "repaired commas;; " GOT_A },
    { "{\xe2\x80\x9cobject_1\xe2\x80\x9d\xef\xbc\x9a{\"bbox_2d\": "
      "[10\xef\xbc\x8c" "20, 30, 40]\xef\xbc\x8c\"desc\"\xef\xbc\x9a\""
      "a\xef\xbc\x8c" "b\"}}",
      "repaired full_width;; box(10 20 30 40)a\xef\xbc\x8c" "b" },
    { "{'object_1': {'bbox_2d': [10, 20, 30, 40], 'desc': 'a\\'s'}}",
      "repaired single_quotes strings;; box(10 20 30 40)a's" },
    { "{\"object_1\": {" BOX ", \"desc\": \"a\nb\"}}",
      "repaired strings; object_1:bad_desc; box(10 20 30 40)a b" },
    { "{\"object_1\": {" BOX ", \"desc\": \"a\\nb\\u0000\"}}",
      "repairedj; object_1:bad_desc; box(10 20 30 40)a b" },
    { "{\"object_1\": {" BOX ", \"desc\": \"a\\qb\\ud800\"}}",
      "repaired strings;; box(10 20 30 40)aqb\xef\xbf\xbd" },
    { "{\"object_1\": {" BOX ", \"desc\": \"a\xff\xe7\xb1\"}}",
      "repaired strings;; box(10 20 30 40)a\xef\xbf\xbd\xef\xbf\xbd"
      "\xef\xbf\xbd" },
    { "{\"object_1\": {\"bbox_2d\": [010, +20, 30., 40], \"desc\": \"a\"}}",
      "repaired words;; " GOT_A },
    { "{\"object_1\": " A, "repaired brackets;; " GOT_A },
    { "{\"object_1\": {" BOX ", \"desc\": \"a\"", "repaired brackets;; "
      GOT_A },
    { "{\"object_1\": {" BOX ", \"desc\": \"a\", \"object_2\": " B "}",
      "repaired brackets;; " GOT_A " " GOT_B },
    { "{\"image_1\": {\"object_1\": " A "}}", "repairedj unwrap;; " GOT_A },
    { "{\"\xe5\x9b\xbe\xe7\x89\x87_1\": {\"object_1\": " A "}}",
      "repairedj unwrap;; " GOT_A },
    { "{\"image_1\": {\"object_1\": " A "}, \"image_2\": {\"object_1\": " A
      "}}",
      "failedj; image_1:bad_key image_2:bad_key;; -2" },
};

static const reply objects[] = {
    { "{\"object_1\": " A ", \"object_1\": " B "}",
      "repairedj; object_1:duplicate_key; " GOT_A " " GOT_B },
    { "{\"object_2\": " A ", \"object_3\": " B "}",
      "repairedj; object_2:bad_key; " GOT_A " " GOT_B },
    { "{\"object_1\": " A ", \"object_10\": " B "}",
      "repairedj; object_10:bad_key; " GOT_A " " GOT_B },
    { "{\"Object 1\": " A "}", "repairedj; Object 1:bad_key; " GOT_A },
    { "{\"object_01\": " A "}", "repairedj; object_01:bad_key; " GOT_A },
    { "{\"object_1\": " A ", \"n\": 3}", "repairedj; n:bad_key; " GOT_A
      "; -1" },
    { "{\"object_1\": " A ", \"object_x\": " B "}",
      "repairedj; object_x:bad_key; " GOT_A "; -1" },
    { "{\"object_1\": 7}", "failedj; object_1:bad_key;; -1" },
    { "{\"object_1\": {\"desc\": \"a\"}}",
      "failedj; object_1:geometry_count;; -1" },
    { "{\"object_1\": {" BOX ", \"poly\": [0, 0, 9, 0, 9, 9], "
      "\"desc\": \"a\"}, \"object_2\": " B "}",
      "repairedj; object_1:geometry_count; " GOT_B "; -1" },
    { "{\"object_1\": {" BOX ", " BOX ", \"desc\": \"a\"}, \"object_2\": " B
      "}",
      "repairedj; object_1:duplicate_key; " GOT_B "; -1" },
    { "{\"object_1\": {" BOX ", \"desc\": \"a\", \"desc\": \"c\"}}",
      "failedj; object_1:duplicate_key;; -1" },
    { "{\"object_1\": {" BOX ", \"desc\": \"a\", \"score\": 0.5}}",
      "repairedj; object_1:bad_key; " GOT_A },
    { "{\"object_1\": {\"bbox_2d\": [1, 2, 3], \"desc\": \"a\"}}",
      "failedj; object_1:odd_coords;; -1" },
    { "{\"object_1\": {\"bbox_2d\": [1, 2, 3, 4, 5, 6], \"desc\": \"a\"}}",
      "failedj; object_1:odd_coords;; -1" },
    { "{\"object_1\": {\"bbox_2d\": [1, 2], \"desc\": \"a\"}}",
      "failedj; object_1:too_few_points;; -1" },
    { "{\"object_1\": {\"bbox_2d\": 5, \"desc\": \"a\"}}",
      "failedj; object_1:odd_coords;; -1" },
    { "{\"object_1\": {\"bbox_2d\": [], \"desc\": \"a\"}}",
      "failedj; object_1:too_few_points;; -1" },
    { "{\"object_1\": {\"poly\": [[0, 0], [9, 0, 3], [9, 9]], "
      "\"desc\": \"a\"}}",
      "failedj; object_1:odd_coords;; -1" },
    { "{\"object_1\": {\"poly\": [0, 0, 9, 0], \"desc\": \"a\"}}",
      "failedj; object_1:too_few_points;; -1" },
    { "{\"object_1\": {\"quad\": [0, 0, 9, 0, 9, 9], \"desc\": \"a\"}}",
      "failedj; object_1:too_few_points;; -1" },
    { "{\"object_1\": {\"bbox_2d\": [10, 20, \"30\", 40], \"desc\": \"a\"}}",
      "failedj; object_1:bad_number;; -1" },
    { "{\"object_1\": {\"bbox_2d\": [10, 20, NaN, 40], \"desc\": \"a\"}}",
      "failed words; object_1:bad_number;; -1" },
    { "{\"object_1\": {\"bbox_2d\": [10, 20, 1e999, 40], \"desc\": \"a\"}}",
      "failed words; object_1:bad_number;; -1" },
    { "{\"object_1\": {\"bbox_2d\": [10, 20, 30.5, 40], \"desc\": \"a\"}}",
      "repairedj; object_1:bad_number; box(10 20 30.5 40)a" },
    { "{\"object_1\": {\"bbox_2d\": [-3, 20, 1200, 40], \"desc\": \"a\"}}",
      "repairedj; object_1:out_of_range; box(0 20 1000 40)a" },
    { "{\"object_1\": {\"bbox_2d\": [1100, 20, 1200, 40], \"desc\": \"a\"}}",
      "failedj; object_1:out_of_range object_1:degenerate_box;; -1" },
    { "{\"object_1\": {\"bbox_2d\": [30, 20, 10, 40], \"desc\": \"a\"}}",
      "repairedj; object_1:swapped_box; " GOT_A },
    { "{\"object_1\": {\"bbox_2d\": [10, 20, 10, 40], \"desc\": \"a\"}}",
      "failedj; object_1:degenerate_box;; -1" },
    { "{\"object_1\": {\"line_points\": 3, \"line\": [1, 2, 3, 4], "
      "\"desc\": \"l\"}}",
      "repairedj; object_1:line_points_mismatch; line(1 2 3 4)l" },
    { "{\"object_1\": {\"line\": [1, 2, 3, 4], \"desc\": \"l\"}}",
      "repairedj; object_1:line_points_mismatch; line(1 2 3 4)l" },
    { "{\"object_1\": {\"line_points\": 2, " BOX ", \"desc\": \"a\"}}",
      "repairedj; object_1:bad_key; " GOT_A },
    { "{\"object_1\": {" BOX "}}", "failedj; object_1:empty_desc;; -1" },
    { "{\"object_1\": {" BOX ", \"desc\": \"  \"}}",
      "failedj; object_1:empty_desc;; -1" },
    { "{\"object_1\": {" BOX ", \"desc\": 4}}",
      "failedj; object_1:empty_desc;; -1" },
    { "{\"object_1\": {" BOX ", \"desc\": \" a \"}}", "strict!j;; " GOT_A },
    { "{\"object_1\": " A ", \"object_2\": " B ", \"object_3\": " A "}",
      "repairedj; object_3:duplicate_object; " GOT_A " " GOT_B "; -1" },
    { "{\"object_1\": {\"poly\": [0, 0, 5, 5, 9, 9], \"desc\": \"p\"}}",
      "strict!j;; poly(0 0 5 5 9 9)p; warn object_1:degenerate_poly" },
    { "{\"object_1\": {\"poly\": [0, 0, 9, 9, 9, 0, 0, 9], \"desc\": \"p\"}}",
      "strict!j;; poly(0 0 9 9 9 0 0 9)p; warn object_1:self_crossing_poly" },
    { "{\"object_1\": {\"line_points\": 2, \"line\": [5, 5, 5, 5], "
      "\"desc\": \"l\"}}",
      "strict!j;; line(5 5 5 5)l; warn object_1:degenerate_line" },
};

static const reply salvages[] = {
    { "{\"object_1\": " A ", \"object_2\": {\"bbox_2d\": [1, 2, 3",
      "salvaged brackets; truncated object_2:truncated; " GOT_A "; -1" },
    { "{\"object_1\": " A ", \"object_2\": {" BOX ", \"desc\": \"a",
      "salvaged brackets; truncated object_2:truncated; " GOT_A "; -1" },
    { "{\"object_1\": " A ", \"object_2\": ",
      "salvaged brackets; truncated object_2:truncated; " GOT_A "; -1" },
    { "{\"object_1\": " A ", \"obj",
      "salvaged brackets; truncated; " GOT_A },
    { "{\"object_1\": " A ", ", "salvaged brackets; truncated; " GOT_A },
    { "{\"object_1\": {\"bbox_2d\": [1",
      "failed brackets; truncated object_1:truncated;; -1" },
    { "{", "salvaged brackets; truncated;" },
    { "{\"object_1\": " A ", \"object_2\": {\"bbox_2d\": [1, 2 x], "
      "\"desc\": \"y\"}, \"object_3\": " B "}",
      "salvaged salvage; object_2:unreadable; " GOT_A " " GOT_B "; -1" },
    { "{\"object_1\": " A " \"object_2\": " B "}",
      "salvaged salvage;; " GOT_A " " GOT_B },
    { "{\"object_1\": " A "}, \"object_2\": " B "}",
      "salvaged salvage;; " GOT_A " " GOT_B },
    { "object_1: " A "\nobject_2: " B, "salvaged salvage;; " GOT_A " "
      GOT_B },
    { "```json\n{\"object_1\": " A ", \"object_2\": {\"bbox",
      "salvaged fence brackets; truncated object_2:truncated; " GOT_A
      "; -1" },
};

static const reply failures[] = {
    { "", "failed; no_json;" },
    { "   \n", "failed; no_json;" },
    { "There is a cat.", "failed; no_json;" },
    { "\xe6\x97\xa0\xe5\x85\xb3\xe5\x9b\xbe\xe7\x89\x87",
      "failed; no_json;" },
    { "<think>{\"object_1\": " A "}", "failed think; no_json;" },
    { "[[10, 20, 30, 40]]", "failed; no_json;" },
    { "{\"foo\": 1}", "failedj; foo:bad_key;; -1" },
    { "{]", "failed; no_json;" },
    { "<|im_end|>", "failed; no_json;" },
};

static void check_replies(const reply *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_reply(&r[i], NULL);
}

static void test_form(void)
{
    check_replies(forms, QVL_COUNT(forms));
}

static void test_text_around(void)
{
    check_replies(around, QVL_COUNT(around));
}

static void test_repairs(void)
{
    check_replies(repairs, QVL_COUNT(repairs));
}

static void test_objects(void)
{
    check_replies(objects, QVL_COUNT(objects));
}

static void test_salvage(void)
{
    check_replies(salvages, QVL_COUNT(salvages));
}

static void test_failures(void)
{
    check_replies(failures, QVL_COUNT(failures));
}

/* The strict mode takes what is right and corrects nothing. */
static void test_strict(void)
{
    static const reply replies[] = {
        { "{\"object_1\": " A "}", "strict!j;; " GOT_A },
        { "```json\n{\"object_1\": " A "}\n```", "strict fence;; " GOT_A },
        { "{\"object_1\": " A ",}", "failed commas; no_json;" },
        { "{\"object_1\": " A, "failed brackets; truncated;" },
        { "{\"object_1\": " A " \"object_2\": " B "}", "failed; no_json;" },
        { "{\"object_1\": {\"bbox_2d\": [30, 20, 10, 40], \"desc\": \"c\"}, "
          "\"object_2\": " A "}",
          "repairedj; object_1:swapped_box; " GOT_A "; -1" },
        { "{\"object_1\": {\"bbox_2d\": [0, 0, 1001, 4], \"desc\": \"c\"}}",
          "failedj; object_1:out_of_range;; -1" },
        { "{\"object_2\": " A "}", "failedj; object_2:bad_key;; -1" },
    };
    qvl_parse_options options = { .mode = QVL_PARSE_STRICT };
    for (size_t i = 0; i < QVL_COUNT(replies); i++)
        check_reply(&replies[i], &options);
}

static void test_options(void)
{
    qvl_parse_options cut = { .is_cut = true };
    reply r = { "{\"object_1\": " A, "salvaged brackets; truncated; " GOT_A };
    check_reply(&r, &cut);
    r = (reply){ "{\"object_1\": " A "}", "strict!j;; " GOT_A };
    check_reply(&r, &cut);
    qvl_parse_options two = { .n_images = 2 };
    r = (reply){ "{\"image_1\": {\"object_1\": " A "}}",
                 "failedj; image_1:bad_key;; -1" };
    check_reply(&r, &two);
}

static void test_sort(void)
{
    static const char text[] =
        "{\"object_1\": {\"bbox_2d\": [500, 500, 600, 600], \"desc\": \"c\"}, "
        "\"object_2\": {\"bbox_2d\": [300, 0, 400, 100], \"desc\": \"b\"}, "
        "\"object_3\": {\"line_points\": 2, \"line\": [20, 40, 0, 60], "
        "\"desc\": \"a\"}}";
    qvl_arena arena = { 0 };
    qvl_answer a;
    qvl_answer_parse(&a, text, sizeof text - 1, NULL, &arena);
    qvl_answer_sort(&a, &arena);
    CHECK_INT(a.n_objects, 3, "all are there");
    CHECK(a.object[0].desc[0] == 'a' && a.object[1].desc[0] == 'b'
              && a.object[2].desc[0] == 'c',
          "order %s %s %s", a.object[0].desc, a.object[1].desc,
          a.object[2].desc);
    CHECK_NEAR(a.object[0].point[0], 20, 0, "points stay as written");
    qvl_arena_release(&arena);
}

static void test_levels(void)
{
    for (int i = 0; i < QVL_N_ANSWER_LEVELS; i++) {
        qvl_answer_level level = (qvl_answer_level)i;
        CHECK_INT(qvl_answer_level_find(qvl_answer_level_name(level)), i,
                  "level %d", i);
    }
    CHECK_INT(qvl_answer_level_find("good"), QVL_N_ANSWER_LEVELS, "unknown");
}

/* Texts that make a careless reader go over everything again and again. */
static void test_hostile(void)
{
    static const char *const piece[] = {
        "{", "[", "{\"", "{\"a\":", "{\"a\":[", "object_1:{", "\"object_1\": {",
        "object_1:{\"a\":[1,", "{\"object_1\":{", "object_1:{\xe2\x80\x9c",
        "{'", "\\", "\"\\u", "{\"a\": 1, ", "```", "<a=b>", "<think>",
        "{\"object_1\": {\"a\": \"", "1", "-", "{} ", "object_", "\xe2\x80",
    };
    enum { N = 200000 };
    char *text = malloc(N);
    for (size_t i = 0; i < QVL_COUNT(piece); i++) {
        size_t n = strlen(piece[i]);
        for (size_t k = 0; k < N; k++)
            text[k] = piece[i][k % n];
        qvl_arena arena = { 0 };
        qvl_answer a;
        qvl_answer_parse(&a, text, N, NULL, &arena);
        CHECK(qvl_arena_used_bytes(&arena) < (size_t)N * 2000,
              "%s takes %zu bytes", piece[i], qvl_arena_used_bytes(&arena));
        qvl_arena_release(&arena);
    }
    free(text);
}

RUN_TESTS(TEST(test_form), TEST(test_text_around), TEST(test_repairs),
          TEST(test_objects), TEST(test_salvage), TEST(test_failures),
          TEST(test_strict), TEST(test_options), TEST(test_sort),
          TEST(test_levels), TEST(test_hostile))
