/* test_record_edit.c - lines with other pictures and sizes */
#include "check.h"

#include "base/rng.h"
#include "data/record_edit.h"
#include "made.h"

/* The record of a line. */
static const qvl_record *read_line(const char *line, qvl_arena *a)
{
    qvl_records *r;
    qvl_err err;
    qvl_record *record = qvl_arena_array(a, qvl_record, 1);
    bool is_end;
    CHECK_OK(qvl_records_open(&r, made_text("r.jsonl", line), NULL, &err), err);
    CHECK_OK(qvl_records_next(r, record, &is_end, a, &err), err);
    qvl_records_close(r);
    CHECK(!is_end, "%s: no line", line);
    return record;
}

static int edit(const char *line, const qvl_record_changes *changes,
                qvl_str *out, qvl_arena *a, qvl_err *err)
{
    qvl_json_part part = { .p = line, .len = strlen(line), .file = "r.jsonl",
                           .line = 7, .col = 1 };
    qvl_str_reset(out);
    qvl_str_puts(out, "");
    return qvl_record_edit(out, &part, read_line(line, a), changes, a, err);
}

#define PIC "{\"images\": [\"a.png\", \"b.png\"], "

static void test_changes(void)
{
    static const char *const names[] = { "n/\"1\".png", NULL };
    static const char *const all[] = { "n1", "n2" };
    static const struct {
        const char *line;
        qvl_record_changes changes;
        const char *wanted;
    } cases[] = {
        { PIC "\"width\":10,\"height\": 20 ,\"x\": 1.50}", { names, 0, 0 },
          "{\"images\": [\"n/\\\"1\\\".png\", \"b.png\"], \"width\":10,"
          "\"height\": 20 ,\"x\": 1.50}" },
        { PIC "\"width\":10,\"height\": 20 ,\"x\": 1.50}", { names, 30, 20 },
          "{\"images\": [\"n/\\\"1\\\".png\", \"b.png\"], \"width\":30,"
          "\"height\": 20 ,\"x\": 1.50}" },
        { "{\"height\":2e1,\"width\":10.0,\"images\":[\"a\"]}\r", { all, 10, 40 },
          "{\"height\":40,\"width\":10.0,\"images\":[\"n1\"]}\r" },
        { PIC "\"width\": 10, \"height\": 20, \"objects\": [{\"bbox_2d\": "
          "[1.50, 2.50, 10, 20], \"desc\": \"a\"}]}", { all, 30, 20 },
          "{\"images\": [\"n1\", \"n2\"], \"width\": 30, \"height\": 20, "
          "\"objects\": [{\"bbox_2d\": [4.5, 2.50, 30, 20], \"desc\": \"a\"}]}" },
        { PIC "\"width\": 10, \"height\": 20, \"objects\": [{\"desc\": \"a\", "
          "\"poly\": [[1, 2], [3, 2], [3,4.5]], \"poly_points\": 3}, {\"line\": "
          "[1, 2, 3, 4, 5, 6], \"line_points\": 3, \"desc\": \"b\", \"bbox\": [1]},"
          "{\"quad\": [0,0,1,0,1,1,0,1], \"desc\": \"c\", \"poly\": null}]}",
          { all, 20, 10 },
          "{\"images\": [\"n1\", \"n2\"], \"width\": 20, \"height\": 10, "
          "\"objects\": [{\"desc\": \"a\", "
          "\"poly\": [[2, 1], [6, 1], [6,2.25]], \"poly_points\": 3}, {\"line\": "
          "[2, 1, 6, 2, 10, 3], \"line_points\": 3, \"desc\": \"b\", \"bbox\": [1]},"
          "{\"quad\": [0,0,2,0,2,0.5,0,0.5], \"desc\": \"c\", \"poly\": null}]}" },
        { PIC "\"metadata\": {\"width\": 10, \"images\": [\"a.png\"], \"objects\": "
          "[{\"bbox_2d\": [1, 2, 3, 4]}]}, \"width\": 10, \"height\": 10, "
          "\"box\": {\"poly\": [5]}, \"summary\": \"width\"}", { all, 20, 20 },
          "{\"images\": [\"n1\", \"n2\"], \"metadata\": {\"width\": 10, \"images\":"
          " [\"a.png\"], \"objects\": "
          "[{\"bbox_2d\": [1, 2, 3, 4]}]}, \"width\": 20, \"height\": 20, "
          "\"box\": {\"poly\": [5]}, \"summary\": \"width\"}" },
        { "{\"im\\u0061ges\": [\"\\u0061\"], \"wi\\u0064th\": 10, \"height\": 10, "
          "\"objects\": [{\"b\\u0062ox_2d\": [1, 2, 3, 4], \"desc\": \"a\"}]}",
          { all, 20, 10 },
          "{\"im\\u0061ges\": [\"n1\"], \"wi\\u0064th\": 20, \"height\": 10, "
          "\"objects\": [{\"b\\u0062ox_2d\": [2, 2, 6, 4], \"desc\": \"a\"}]}" },
        { "{\"images\": [\"a\"], \"objects\": null, \"width\": null, \"height\": "
          "null, \"summary\": \"s\"}", { all, 0, 0 },
          "{\"images\": [\"n1\"], \"objects\": null, \"width\": null, \"height\": "
          "null, \"summary\": \"s\"}" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_err err;
        static const char *const none[2] = { NULL, NULL };
        CHECK_OK(edit(cases[i].line, &cases[i].changes, &out, &a, &err), err);
        CHECK_STR(out.p, cases[i].wanted, "case %zu", i);
        qvl_record_changes nothing = { .image = none };
        CHECK_OK(edit(cases[i].line, &nothing, &out, &a, &err), err);
        CHECK_STR(out.p, cases[i].line, "case %zu, no change", i);
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

static void test_turns(void)
{
    static const char *const all[] = { "n1", "n2", "n3" };
    static const struct {
        const char *line, *wanted;
    } cases[] = {
        { "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\", "
          "\"image\": \"a\"}, {\"image_url\": {\"detail\": \"image\", \"url\": "
          "\"b\"}, \"type\": \"image_url\"}, {\"type\": \"text\", \"text\": "
          "\"image\"}]}, {\"role\": \"assistant\", \"content\": \"x\"}]}",
          "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\", "
          "\"image\": \"n1\"}, {\"image_url\": {\"detail\": \"image\", \"url\": "
          "\"n2\"}, \"type\": \"image_url\"}, {\"type\": \"text\", \"text\": "
          "\"image\"}]}, {\"role\": \"assistant\", \"content\": \"x\"}]}" },
        { "{\"images\": [\"a\"], \"messages\": [{\"role\": \"user\", \"content\": "
          "[{\"type\": \"text\", \"text\": \"<image>\", \"image\": \"no\"}]}, "
          "{\"role\": \"assistant\", \"content\": \"x\"}]}",
          "{\"images\": [\"n1\"], \"messages\": [{\"role\": \"user\", \"content\": "
          "[{\"type\": \"text\", \"text\": \"<image>\", \"image\": \"no\"}]}, "
          "{\"role\": \"assistant\", \"content\": \"x\"}]}" },
        { "{\"images\": null, \"messages\": [{\"content\": [{\"type\": \"image_url\","
          " \"image\": \"no\", \"image_url\": \"a\"}], \"role\": \"user\"}]}",
          "{\"images\": null, \"messages\": [{\"content\": [{\"type\": \"image_url\","
          " \"image\": \"no\", \"image_url\": \"n1\"}], \"role\": \"user\"}]}" },
        { "{\"messages\": [{\"content\": \"no picture\", \"role\": \"user\"}]}",
          "{\"messages\": [{\"content\": \"no picture\", \"role\": \"user\"}]}" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_err err;
        CHECK_OK(edit(cases[i].line, &(qvl_record_changes){ .image = all }, &out,
                      &a, &err), err);
        CHECK_STR(out.p, cases[i].wanted, "case %zu", i);
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

/* Corners of the whole picture stay its corners, whatever the sizes. */
static void test_borders(void)
{
    static const char *const all[] = { "a.png" };
    qvl_rng r = { .key = 9 };
    for (int round = 0; round < 2000; round++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_err err;
        int w = 1 + (int)qvl_rng_below(&r, 9000), h = 1 + (int)qvl_rng_below(&r, 9000);
        int to_w = 1 + (int)qvl_rng_below(&r, 9000);
        int to_h = 1 + (int)qvl_rng_below(&r, 9000);
        static const char *const form = "{\"images\": [\"a.png\"], \"width\": %d, "
            "\"height\": %d, \"objects\": [{\"bbox_2d\": [0, 0, %d, %d], \"desc\": "
            "\"a\"}]}";
        char *line = qvl_arena_printf(&a, form, w, h, w, h);
        qvl_record_changes changes = { .image = all, .w = to_w, .h = to_h };
        CHECK_OK(edit(line, &changes, &out, &a, &err), err);
        CHECK_STR(out.p, qvl_arena_printf(&a, form, to_w, to_h, to_w, to_h),
                  "%d x %d", w, h);
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

static void test_outside(void)
{
    static const char *const all[] = { "a.png" };
    static const struct {
        const char *box;
        int w, h;
        const char *part;  // NULL: it is right
    } cases[] = {
        { "[-2, -2, 12, 12]", 10, 10, NULL },
        { "[-2, -2, 12, 12]", 9, 9, NULL },
        { "[-1, -1, 11, 11]", 20, 20, NULL },
        { "[-1.5, 0, 11, 11]", 20, 20, "r.jsonl:7:75: objects: found a coordinate "
          "that becomes -3, expected it at most 2 px outside of 0 to 20" },
        { "[0, -1.5, 11, 11]", 20, 20, "r.jsonl:7:78: " },
        { "[0, 0, 11.25, 11]", 20, 20, "becomes 22.5" },
        { "[0, 0, 11, 11.25]", 10, 20, "becomes 22.5" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_err err;
        char *line = qvl_arena_printf(&a, "{\"images\": [\"a.png\"], \"width\": 10,"
            " \"height\": 10, \"objects\": [{\"bbox_2d\": %s, \"desc\": \"a\"}]}",
            cases[i].box);
        qvl_record_changes c = { .image = all, .w = cases[i].w, .h = cases[i].h };
        if (cases[i].part == NULL)
            CHECK_OK(edit(line, &c, &out, &a, &err), err);
        else
            CHECK_FAILS(edit(line, &c, &out, &a, &err), QVL_E_DATA, err,
                        cases[i].part);
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

RUN_TESTS(TEST(test_changes), TEST(test_turns), TEST(test_borders),
          TEST(test_outside))
