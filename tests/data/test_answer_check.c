/* test_answer_check.c - what is written is read back, and every change is seen */
#include "check.h"
#include "data/answer_check.h"

static const double box[] = { 100, 200, 300, 400 };
static const double line[] = { 180, 220, 50, 60, 80, 120 };
static const double ring[] = { 10.5, 590, 10.5, 500, 60.25, 500 };

static const qvl_object objects[] = {
    { QVL_GEOM_POLY, 3, ring, "三角/\"红\"" },
    { QVL_GEOM_BOX, 2, box, "a \\ b" },
    { QVL_GEOM_LINE, 3, line, "c" },
};

static const qvl_record record = { .w = 1000, .h = 1000, .object = objects,
                                   .n_objects = 3 };

static int check_text(const char *text, const qvl_answer_rules *rules, qvl_err *err)
{
    qvl_arena a = { 0 };
    int rc = qvl_answer_check(text, &record, rules, &a, err);
    qvl_arena_release(&a);
    return rc;
}

/* Every dialect is what its reader wants, with a line in front too. */
static void test_written(void)
{
    for (int k = 0; k < 3 * 2 * 3 * 2 * 3; k++) {
        qvl_answer_rules rules = { .coord = (qvl_coord)(k % 3),
                                   .shape = (qvl_shape)(k / 3 % 2),
                                   .fields = (qvl_fields)(k / 6 % 3),
                                   .order = (qvl_order)(k / 18 % 2),
                                   .winding = (qvl_winding)(k / 36) };
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_err err = { 0 };
        qvl_str_puts(&out, k % 2 == 0 ? "" : "<DOMAIN=A>, <TASK={}>\n");
        qvl_answer_put(&out, &record, &rules, &a);
        CHECK_OK(check_text(out.p, &rules, &err), err);
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

/* A text with one part changed. */
static const char *changed(const char *text, const char *part, const char *by,
                           qvl_arena *a)
{
    const char *p = strstr(text, part);
    CHECK(p != NULL, "%s", part);
    return qvl_arena_printf(a, "%.*s%s%s", (int)(p - text), text, by,
                            p + strlen(part));
}

static void test_changed(void)
{
    static const struct {
        const char *part, *by, *words;
    } cases[] = {
        { "object_2", "object_4", "object_2" },
        { "object_1", "object_01", "another name" },
        { "\"c\"", "\"d\"", "another desc" },
        { "\"desc\": \"c\"", "\"des\": \"c\"", "another desc" },
        { "\\\\ b", "\\/ b", "another desc" },
        { "100, 200", "100, 201", "list of points" },
        { "100, 200", "100", "list of points" },
        { "100, 200", "\"100\", 200", "list of points" },
        { "[80, 120, 50, 60, 180, 220]", "[[80, 120], [50, 60], [180, 220]]",
          "list of points" },
        { "\"line_points\": 3", "\"line_points\": 2", "line_points" },
        { "\"line_points\": 3, ", "", "set of keys" },
        { "\"bbox_2d\"", "\"poly\"", "set of keys" },
        { "\"bbox_2d\": [", "\"more\": 1, \"bbox_2d\": [", "set of keys" },
        { "\"desc\": \"c\"}, ", "\"desc\": \"c\"}, \"object_9\": {}, ",
          "number of objects" },
        { "\"c\"}", "\"c\"", "answer:1" },
        { "\"object_3\"", "\"object_2\"", "answer:1" },
        { "{\"object_1", "[]{\"object_1", "answer:1" },
    };
    qvl_arena a = { 0 };
    qvl_str out = { 0 };
    qvl_answer_rules rules = { 0 };
    qvl_answer_put(&out, &record, &rules, &a);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        const char *text = changed(out.p, cases[i].part, cases[i].by, &a);
        CHECK_INT(check_text(text, &rules, &err), QVL_E_INTERNAL, "%s", text);
        CHECK_HAS(err.msg, cases[i].words, "%s", text);
    }
    qvl_err err = { 0 };
    CHECK_INT(check_text("", &rules, &err), QVL_E_INTERNAL, "nothing");
    CHECK_INT(check_text("{}", &rules, &err), QVL_E_INTERNAL, "no objects");
    rules.coord = QVL_COORD_NORM100;
    CHECK_INT(check_text(out.p, &rules, &err), QVL_E_INTERNAL, "other coordinates");
    qvl_str_release(&out);
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_written), TEST(test_changed))
