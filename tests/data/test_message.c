/* test_message.c - answers and prompts as text, in each dialect */
#include "check.h"
#include "data/message.h"

static const double box[] = { 100, 200, 300, 400 };
static const double line[] = { 180, 220, 50, 60, 80, 120 };
static const double ring[] = { 10, 590, 10, 500, 60, 500 };
static const double fine[] = { 0.5, 1.25, 10, 20.0625 };

static const qvl_object three[] = {
    { QVL_GEOM_POLY, 3, ring, "三角/红" },
    { QVL_GEOM_BOX, 2, box, "a \"b\" \\" },
    { QVL_GEOM_LINE, 3, line, "c" },
};

static void check_answer(const qvl_object *object, int n, int w, int h,
                         qvl_answer_rules rules, const char *want)
{
    qvl_arena arena = { 0 };
    qvl_str out = { 0 };
    qvl_record record = { .w = w, .h = h, .object = object, .n_objects = n };
    qvl_answer_put(&out, &record, &rules, &arena);
    CHECK_STR(out.p, want, "answer");
    qvl_str_release(&out);
    qvl_arena_release(&arena);
}

/* The line begins at its left end, (80, 120), and is placed by its leftmost
 * point, (50, 60). */
static void test_flat(void)
{
    check_answer(three, 3, 1000, 1000, (qvl_answer_rules){ 0 },
                 "{\"object_1\": {\"line_points\": 3, \"line\": [80, 120, 50, "
                 "60, 180, 220], \"desc\": \"c\"}, "
                 "\"object_2\": {\"bbox_2d\": [100, 200, 300, 400], "
                 "\"desc\": \"a \\\"b\\\" \\\\\"}, "
                 "\"object_3\": {\"poly\": [10, 500, 60, 500, 10, 590], "
                 "\"desc\": \"三角/红\"}}");
}

static void test_standard(void)
{
    check_answer(three, 3, 2000, 1000,
                 (qvl_answer_rules){ .shape = QVL_SHAPE_STANDARD,
                                     .winding = QVL_WINDING_COUNTERCLOCKWISE,
                                     .order = QVL_ORDER_CENTER },
                 "{\"object_1\": {\"desc\": \"c\", \"line_points\": 3, "
                 "\"line\": [[40, 120], [25, 60], [90, 220]]}, "
                 "\"object_2\": {\"desc\": \"a \\\"b\\\" \\\\\", \"bbox_2d\": "
                 "[50, 200, 150, 400]}, "
                 "\"object_3\": {\"desc\": \"三角/红\", \"poly\": [[5, 500], "
                 "[5, 590], [30, 500]]}}");
}

static void test_rules(void)
{
    static const qvl_object one = { QVL_GEOM_BOX, 2, fine, "x" };
    check_answer(&one, 1, 100, 100,
                 (qvl_answer_rules){ .coord = QVL_COORD_PIXELS },
                 "{\"object_1\": {\"bbox_2d\": [0.5, 1.25, 10, 20.0625], "
                 "\"desc\": \"x\"}}");
    check_answer(&one, 1, 100, 200,
                 (qvl_answer_rules){ .coord = QVL_COORD_NORM100,
                                     .fields = QVL_FIELDS_DESC_FIRST },
                 "{\"object_1\": {\"desc\": \"x\", \"bbox_2d\": [0, 1, 10, "
                 "10]}}");
    check_answer(&one, 1, 100, 200,
                 (qvl_answer_rules){ .shape = QVL_SHAPE_STANDARD,
                                     .fields = QVL_FIELDS_GEOMETRY_FIRST },
                 "{\"object_1\": {\"bbox_2d\": [5, 6, 100, 100], \"desc\": "
                 "\"x\"}}");
    check_answer(NULL, 0, 0, 0, (qvl_answer_rules){ 0 }, "{}");
}

/* Ten and more: numbers run on, and the records' own points stay. */
static void test_many(void)
{
    double point[12][4];
    qvl_object object[12];
    for (int i = 0; i < 12; i++) {
        double y = 11 - i;
        memcpy(point[i], (double[]){ 0, y, 10, y + 1 }, sizeof point[i]);
        object[i] = (qvl_object){ QVL_GEOM_BOX, 2, point[i],
                                  i == 0 ? "last" : "other" };
    }
    qvl_arena arena = { 0 };
    qvl_str out = { 0 };
    qvl_record record = { .w = 100, .h = 100, .object = object,
                          .n_objects = 12 };
    qvl_answer_put(&out, &record, &(qvl_answer_rules){ 0 }, &arena);
    CHECK_HAS(out.p, "\"object_12\": {\"bbox_2d\": [0, 110, 100, 120], "
                     "\"desc\": \"last\"}}", "the last");
    CHECK_HAS(out.p, "{\"object_1\": {\"bbox_2d\": [0, 0, 100, 10]", "the first");
    CHECK_NEAR(point[0][1], 11, 0, "points of the record");
    qvl_str_release(&out);
    qvl_arena_release(&arena);
}

/* ---- prompts ------------------------------------------------------------ */

static const char *expand(qvl_arena *arena, const char *text,
                          qvl_answer_rules rules)
{
    const char *out;
    qvl_err err = { 0 };
    CHECK_OK(qvl_prompt_expand(&out, text, &rules, arena, &err), err);
    return out;
}

static void test_prompt(void)
{
    qvl_arena a = { 0 };
    qvl_answer_rules standard = { .shape = QVL_SHAPE_STANDARD,
                                  .coord = QVL_COORD_NORM100,
                                  .winding = QVL_WINDING_COUNTERCLOCKWISE };
    CHECK_STR(expand(&a, "", standard), "", "empty");
    CHECK_STR(expand(&a, "a {\"b\": {}} {C} { coord_max }", standard),
              "a {\"b\": {}} {C} { coord_max }", "braces that are text");
    CHECK_STR(expand(&a, "0..{coord_max}{", standard), "0..100{", "norm100");
    CHECK_STR(expand(&a, "{points}", standard), "[[x1, y1], [x2, y2], ...]",
              "pairs");
    CHECK_HAS(expand(&a, "{poly_rule}", standard), "逆时针", "winding");
    CHECK_HAS(expand(&a, "{example}", standard),
              "{\"object_1\": {\"desc\": \"描述一\", \"bbox_2d\": [10, 20, 30, "
              "40]}", "example");
    CHECK_HAS(expand(&a, "{poly_rule_en}", standard), "run counterclockwise", "winding");
    CHECK_HAS(expand(&a, "{coord_rule_en}", standard), "from 0 to 100,", "range");
    CHECK_HAS(expand(&a, "{example_en}", standard),
              "{\"object_1\": {\"desc\": \"first description\", \"bbox_2d\": [10, 20, "
              "30, 40]}", "example");
    qvl_arena_release(&a);
}

/* What the sentences say in the two languages changes with the same rules. */
static void test_languages(void)
{
    static const char *const names[] = { "coord_rule", "order_rule", "poly_rule",
                                         "field_rule", "example" };
    enum { N_RULES = 3 * 2 * 3 * 2 * 3 };
    qvl_arena a = { 0 };
    for (size_t k = 0; k < QVL_COUNT(names); k++) {
        const char *one[N_RULES], *two[N_RULES];
        for (int i = 0; i < N_RULES; i++) {
            qvl_answer_rules rules = {
                .coord = (qvl_coord)(i % 3), .shape = (qvl_shape)(i / 3 % 2),
                .fields = (qvl_fields)(i / 6 % 3), .order = (qvl_order)(i / 18 % 2),
                .winding = (qvl_winding)(i / 36),
            };
            one[i] = expand(&a, qvl_arena_printf(&a, "{%s}", names[k]), rules);
            two[i] = expand(&a, qvl_arena_printf(&a, "{%s_en}", names[k]), rules);
        }
        for (int i = 0; i < N_RULES; i++)
            for (int j = 0; j < N_RULES; j++)
                CHECK_INT(strcmp(one[i], one[j]) == 0, strcmp(two[i], two[j]) == 0,
                          "%s: rules %d, %d", names[k], i, j);
    }
    qvl_arena_release(&a);
}

static void test_prompt_mistakes(void)
{
    static const struct {
        const char *text;
        qvl_coord coord;
        const char *part;
    } cases[] = {
        { "list {domain}", QVL_COORD_NORM1000, "found {domain}" },
        { "0..{coord_max}", QVL_COORD_PIXELS, "found {coord_max}" },
        { "a<|im_end|>", QVL_COORD_NORM1000, "<|im_end|>" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_err err = { 0 };
        const char *out = "kept";
        CHECK_FAILS(qvl_prompt_expand(&out, cases[i].text,
                                      &(qvl_answer_rules){
                                          .coord = cases[i].coord },
                                      &a, &err),
                    QVL_E_CONFIG, err, cases[i].part);
        CHECK_STR(out, "kept", "out");
        qvl_arena_release(&a);
    }
}

/* The built-in texts fit every set of rules. */
static void test_builtin(void)
{
    qvl_arena a = { 0 };
    for (int m = 0; m <= QVL_N_MODES; m++)
        for (int i = 0; i < 3 * 2 * 3 * 2 * 3; i++) {
            qvl_answer_rules rules = {
                .coord = (qvl_coord)(i % 3),
                .shape = (qvl_shape)(i / 3 % 2),
                .fields = (qvl_fields)(i / 6 % 3),
                .order = (qvl_order)(i / 18 % 2),
                .winding = (qvl_winding)(i / 36),
            };
            qvl_prompt p = m < QVL_N_MODES ? qvl_prompt_builtin((qvl_mode)m)
                                           : qvl_prompt_auxiliary();
            CHECK(strlen(expand(&a, p.system, rules)) > 100, "system");
            CHECK(strlen(expand(&a, p.user, rules)) > 10, "user");
        }
    const char *dense = expand(&a, qvl_prompt_builtin(QVL_MODE_DENSE).system,
                               (qvl_answer_rules){ 0 });
    CHECK_HAS(dense, "1000", "range");
    CHECK_HAS(dense, "先写几何键", "order of fields");
    const char *english = expand(&a, qvl_prompt_auxiliary().system,
                                 (qvl_answer_rules){ 0 });
    CHECK_HAS(english, "from 0 to 1000", "range");
    CHECK_HAS(english, "The geometry key comes first", "order of fields");
    CHECK(strpbrk(english, "{}") != NULL, "an example");
    for (const char *p = english; *p != '\0'; p++)
        CHECK((unsigned char)*p < 0x80, "all of it is English: %s", p);
    qvl_arena_release(&a);
}

/* Which object of the record stands where. */
static void test_places(void)
{
    qvl_arena arena = { 0 };
    qvl_record record = { .w = 1000, .h = 1000, .object = three,
                          .n_objects = 3 };
    int place[3];
    const qvl_object *o = qvl_answer_objects_placed(
        place, &record, &(qvl_answer_rules){ 0 }, &arena);
    static const int wanted[] = { 2, 1, 0 };
    for (int i = 0; i < 3; i++) {
        CHECK_INT(place[i], wanted[i], "place %d", i);
        CHECK_STR(o[i].desc, three[place[i]].desc, "place %d", i);
        CHECK_INT(o[i].kind, three[place[i]].kind, "place %d", i);
    }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_flat), TEST(test_standard), TEST(test_rules),
          TEST(test_many), TEST(test_prompt), TEST(test_languages),
          TEST(test_prompt_mistakes),
          TEST(test_builtin), TEST(test_places))
