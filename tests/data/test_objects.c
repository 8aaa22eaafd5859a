/* test_objects.c - objects from 0 to 1000: JSON both ways, pixels one way */
#include "check.h"

#include "base/arena.h"
#include "base/json.h"
#include "data/objects.h"

static int read_text(const qvl_object **o, int *n, const char *text,
                     qvl_arena *arena, qvl_err *err)
{
    qvl_node *list;
    QVL_TRY(qvl_json_parse(&list, text, strlen(text), "list", arena, err));
    return qvl_objects_read(o, n, list, arena, err);
}

static void test_there_and_back(void)
{
    static const char text[] =
        "[{\"type\": \"bbox_2d\", \"points\": [1, 2, 3.5, 4], \"desc\": "
        "\"a \\\"b\\\"\"}, {\"type\": \"poly\", \"points\": [0, 0, 9, 0, 9, 9]"
        ", \"desc\": \"\xe7\xb1\xbb\"}, {\"type\": \"line\", \"points\": "
        "[5, 6, 1000, 0], \"desc\": \"\"}]";
    qvl_arena arena = { 0 };
    const qvl_object *o;
    int n;
    qvl_err err;
    qvl_str out = { 0 };
    CHECK_OK(read_text(&o, &n, text, &arena, &err), err);
    CHECK_INT(n, 3, "objects");
    qvl_objects_put(&out, o, n);
    CHECK_STR(out.p, text, "the same text");
    qvl_str_reset(&out);
    qvl_objects_put(&out, NULL, 0);
    CHECK_STR(out.p, "[]", "none");
    qvl_str_release(&out);
    qvl_arena_release(&arena);
}

static void test_other_forms(void)
{
    qvl_arena arena = { 0 };
    const qvl_object *o;
    int n;
    qvl_err err;
    CHECK_OK(read_text(&o, &n, "[{\"type\": \"quad\", \"points\": [[0, 1], "
                       "[2, 3], [4, 5], [6, 7]]}]", &arena, &err), err);
    CHECK_INT(o[0].kind, QVL_GEOM_POLY, "a quad is a poly");
    CHECK_INT(o[0].n, 4, "points");
    CHECK_NEAR(o[0].point[7], 7, 0, "last");
    CHECK_STR(o[0].desc, "", "no desc");
    CHECK_OK(read_text(&o, &n, "[{\"type\": \"line\", \"points\": [1, 2, 3, 4],"
                       " \"score\": 0.5}]", &arena, &err), err);
    CHECK(n == 1 && o[0].n == 2, "another key is ignored");
    CHECK_OK(read_text(&o, &n, "[]", &arena, &err), err);
    CHECK_INT(n, 0, "none");
    qvl_arena_release(&arena);
}

static void test_wrong(void)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "{}", "found map, expected a list" },
        { "[3]", "found no type" },
        { "[{\"points\": [1, 2, 3, 4]}]", "found no type" },
        { "[{\"type\": \"bbox_2d\"}]", "no points" },
        { "[{\"type\": 3, \"points\": []}]", "found no type" },
        { "[{\"type\": \"circle\", \"points\": [1, 2, 3, 4]}]", "\"circle\"" },
        { "[{\"type\": \"bbox_2d\", \"points\": 3}]", "found integer" },
        { "[{\"type\": \"bbox_2d\", \"points\": []}]", "found 0" },
        { "[{\"type\": \"bbox_2d\", \"points\": [1, 2, 3]}]", "found 3" },
        { "[{\"type\": \"bbox_2d\", \"points\": [1, 2, 3, 4, 5, 6]}]",
          "found 6 numbers, expected 4" },
        { "[{\"type\": \"poly\", \"points\": [1, 2, 3, 4]}]",
          "found 4 numbers, expected an even count from 6" },
        { "[{\"type\": \"line\", \"points\": [1, 2, 3, 4, 5]}]", "found 5" },
        { "[{\"type\": \"bbox_2d\", \"points\": [1, 2, \"3\", 4]}]",
          "list:1:39: points: found string" },
        { "[{\"type\": \"line\", \"points\": [[1, 2], [3]]}]",
          "found list" },
        { "[{\"type\": \"line\", \"points\": [[1, 2], 3]}]",
          "found integer" },
        { "[{\"type\": \"line\", \"points\": [1, 2, 3, 4], \"desc\": 5}]",
          "desc: found integer" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena arena = { 0 };
        const qvl_object *o = NULL;
        int n = -1;
        qvl_err err;
        CHECK_FAILS(read_text(&o, &n, cases[i].text, &arena, &err),
                    QVL_E_DATA, err, cases[i].says);
        CHECK(o == NULL && n == -1, "case %zu changes its results", i);
        qvl_arena_release(&arena);
    }
}

static void test_pixels(void)
{
    double px[] = { 125, 1.5, 2500, -3 };
    qvl_object o = { QVL_GEOM_BOX, 2, px, "a" };
    qvl_arena arena = { 0 };
    const qvl_object *norm = qvl_objects_to_norm(&o, 1, 2000, 1000, &arena);
    static const double wanted[] = { 62, 2, 1000, 0 };
    for (int i = 0; i < 4; i++)
        CHECK_NEAR(norm->point[i], wanted[i], 0, "number %d", i);
    CHECK_STR(norm->desc, "a", "text");
    qvl_arena_release(&arena);
}

/* Back to pixels: not rounded, and each axis by its own side. */
static void test_to_px(void)
{
    double norm[] = { 0, 1000, 62, 1, 333, 500 };
    double box[] = { 10, 20, 30, 40 };
    qvl_object o[] = { { QVL_GEOM_POLY, 3, norm, "a" },
                       { QVL_GEOM_LINE, 0, NULL, "none" },
                       { QVL_GEOM_BOX, 2, box, "b" } };
    qvl_arena arena = { 0 };
    const qvl_object *px = qvl_objects_to_px(o, 3, 2000, 500, &arena);
    static const double wanted[] = { 0, 500, 124, 0.5, 666, 250 };
    for (int i = 0; i < 6; i++)
        CHECK_NEAR(px[0].point[i], wanted[i], 1e-12, "number %d", i);
    CHECK_NEAR(px[2].point[0], 20, 1e-12, "the last one");
    CHECK_NEAR(px[2].point[3], 20, 1e-12, "the last one");
    CHECK_INT(px[1].n, 0, "no points");
    CHECK_STR(px[2].desc, "b", "text");
    CHECK_INT(px[0].kind, QVL_GEOM_POLY, "kind");
    const qvl_object *back = qvl_objects_to_norm(px, 3, 2000, 500, &arena);
    for (int i = 0; i < 6; i++)
        CHECK_NEAR(back[0].point[i], norm[i], 0, "back %d", i);
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_there_and_back), TEST(test_other_forms), TEST(test_wrong),
          TEST(test_pixels), TEST(test_to_px))
