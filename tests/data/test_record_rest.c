/* test_record_rest.c - what is left of records that are bad */
#include "check.h"

#include "data/record.h"
#include "made.h"

/* What could be read of bad records, and which of their objects are at fault. */
static void test_rest(void)
{
    static const char text[] =
        "{\"images\": [\"a.png\", 7], \"width\": 100, \"height\": 50, "
        "\"summary\": \"s\", \"objects\": ["
        "{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"good\"}, "
        "{\"bbox_2d\": [9, 2, 3, 4], \"desc\": \"turned\"}, "
        "{\"line\": [1, 2, 3, 4], \"desc\": \" blank\"}, "
        "{\"poly\": [1, 2, 3, 4, 500, 6], \"desc\": \"far\"}, "
        "{\"desc\": \"nothing\"}, 5]}\n"
        "{\"images\": [\"a.png\"], \"width\": 0, \"height\": 50, "
        "\"summary\": \"s\", \"objects\": ["
        "{\"bbox_2d\": [1, 2, 3, 4], \"desc\": \"good\"}]}\n"
        "no JSON\n"
        "{\"images\": [\"a.png\"], \"width\": 9, \"height\": 5, "
        "\"summary\": \"s\"}\n";
    static const bool is_bad[] = { false, true, true, true, true, true };
    static const int n_points[] = { 2, 2, 2, 3, 0, 0 };
    const qvl_record_result *result;
    size_t n;
    qvl_records *r;
    qvl_err err;
    CHECK_OK(qvl_records_open(&r, made_text("rest.jsonl", text), NULL, &err),
             err);
    CHECK_OK(qvl_records_many(r, 10, 2, &result, &n, &err), err);
    CHECK_INT(n, 4, "lines");
    for (int i = 0; i < 3; i++)
        CHECK(result[i].record == NULL && result[i].rest != NULL
                  && result[i].rest->line == i + 1, "line %d", i + 1);
    const qvl_record *rest = result[0].rest;
    CHECK_INT(rest->n_objects, 6, "objects");
    for (int i = 0; i < 6; i++) {
        CHECK_INT(result[0].is_bad_object[i], is_bad[i], "object %d", i);
        CHECK_INT(rest->object[i].n, n_points[i], "points of %d", i);
    }
    CHECK_NEAR(rest->object[3].point[4], 500, 0, "a point outside");
    CHECK_STR(rest->object[2].desc, " blank", "a wrong desc");
    CHECK(rest->object[5].desc == NULL, "no desc");
    CHECK_STR(rest->summary, "s", "summary");
    CHECK_INT(rest->w, 100, "width");
    CHECK_INT(rest->n_images, 2, "images");
    CHECK(strstr(rest->image[0], "a.png") != NULL && rest->image[1] == NULL,
          "one is a name");
    CHECK(result[1].is_bad_object == NULL, "the fault is another's");
    CHECK_INT(result[1].rest->w, 0, "no size");
    CHECK_INT(result[1].rest->n_objects, 1, "the object is there");
    CHECK_INT(result[2].rest->n_objects, 0, "no JSON");
    CHECK(result[3].record != NULL && result[3].rest == NULL, "a good one");
    qvl_records_close(r);
}

RUN_TESTS(TEST(test_rest))
