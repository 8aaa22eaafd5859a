/* test_recipe.c - which recipe a record has, and what it makes of it at its turn */
#include "data/recipe.h"

#include "../data/augment_rules.h"
#include "check.h"
#include "data/reduce.h"

enum { N = 9 };
static const double box[] = { 8, 8, 16, 24 };
static qvl_object object[N];

static qvl_record record_of(int n_objects)
{
    static char desc[N][8];
    for (int i = 0; i < N; i++) {
        snprintf(desc[i], sizeof desc[i], "o%d", i);
        object[i] = (qvl_object){ QVL_GEOM_BOX, 2, box, desc[i] };
    }
    return (qvl_record){ .index = 4, .w = 64, .h = 64, .object = object,
                         .n_objects = n_objects, .summary = "s" };
}

/* The recipe of every record, for parts of all sizes up to 3, empty ones too. */
static void test_recipe_of(void)
{
    qvl_recipe v[5] = { { 0 } };
    for (int code = 0; code < 4 * 4 * 4 * 4 * 4; code++) {
        size_t end[5], n = 0;
        for (int i = 0, rest = code; i < 5; i++, rest /= 4)
            end[i] = n += (size_t)(rest % 4);
        for (int n_recipes = 1; n_recipes <= 5; n_recipes++) {
            qvl_recipes r = { v, end, n_recipes };
            for (size_t k = 0; k < end[n_recipes - 1]; k++) {
                int wanted = 0;
                while (k >= end[wanted])
                    wanted++;
                CHECK_INT(qvl_recipe_of(&r, k) - v, wanted, "code %d of %d: %zu", code,
                          n_recipes, k);
            }
        }
    }
    const qvl_recipes one = { v, NULL, 1 };
    CHECK(qvl_recipe_of(&one, 77) == v, "one alone");
}

/* Objects that stay: so many, in their order, drawn anew at each turn, by nothing but the
 * recipe's seed and set, the record and its turn. */
static void test_limit(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    const qvl_recipe r = { .draw = { .seed = 5, .dataset = 6 }, .max_objects = 3 };
    qvl_record record = record_of(N);
    int n_of[N] = { 0 }, n_same = 0;
    for (uint64_t epoch = 0; epoch < 50; epoch++)
        for (uint64_t times = 0; times < 2; times++) {
            const qvl_sample_at at = { .record = 700, .epoch = epoch,
                                       .occurrence = times, .step = (int64_t)epoch };
            qvl_rng_id id = { .seed = 5, .epoch = epoch, .dataset = 6, .record = 4,
                              .occurrence = times };
            qvl_record wanted = qvl_reduce_objects(&record, 3, &id, &arena);
            const qvl_record *out;
            CHECK_OK(qvl_recipe_see(&r, &record, &at, &arena, &out, NULL, &err), err);
            CHECK_INT(out->n_objects, 3, "objects");
            for (int i = 0; i < 3; i++) {
                CHECK(out->object[i].desc == wanted.object[i].desc, "object %d", i);
                n_of[out->object[i].desc[1] - '0']++;
            }
            n_same += out->object[0].desc == object[0].desc
                      && out->object[1].desc == object[1].desc
                      && out->object[2].desc == object[2].desc;
        }
    for (int i = 0; i < N; i++)
        CHECK(n_of[i] > 15 && n_of[i] < 55, "object %d: %d times", i, n_of[i]);
    CHECK(n_same < 10, "the first ones %d times", n_same);
    CHECK_INT(record.n_objects, N, "the record is as it was");
    qvl_arena_release(&arena);
}

/* Records that stay what they are, without a copy. */
static void test_steady(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    const qvl_sample_at at = { .epoch = 1 };
    qvl_recipe r = { .max_objects = 4 };
    qvl_record four = record_of(4), five = record_of(5), chat = record_of(5);
    const qvl_node messages = { .kind = QVL_NODE_LIST };
    chat.messages = &messages;
    const struct {
        const qvl_record *record;
        bool is_steady;
    } cases[] = { { &four, true }, { &five, false }, { &chat, true } };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const qvl_record *out;
        qvl_augment_report report = { .n_added = 7 };
        CHECK_INT(qvl_recipe_is_steady(&r, cases[i].record), cases[i].is_steady,
                  "case %zu", i);
        CHECK_OK(qvl_recipe_see(&r, cases[i].record, &at, &arena, &out, &report, &err),
                 err);
        CHECK((out == cases[i].record) == cases[i].is_steady, "case %zu", i);
        CHECK(report.is_bypassed && report.n_added == 0, "case %zu: report", i);
        for (int k = 0; k < out->n_objects; k++)
            CHECK(out->object[k].desc == object[report.source[k]].desc
                      && report.coverage[k] == 1, "case %zu: object %d", i, k);
    }
    r.max_objects = 0;
    CHECK(qvl_recipe_is_steady(&r, &five), "without a limit");
    qvl_augmentation rules;
    augment_rules(&rules, "ops: [{name: hflip, params: {prob: 1}}]\n", &arena);
    const qvl_augmenter a = { .rules = &rules, .total_steps = 1 };
    r.augmenter = &a;
    CHECK(!qvl_recipe_is_steady(&r, &four), "augmented");
    CHECK(qvl_recipe_is_steady(&r, &chat), "a conversation never is");
    qvl_arena_release(&arena);
}

/* First augmented, then limited; of what is left. */
static void test_order(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_augmentation rules;
    augment_rules(&rules, "ops: [{name: hflip, params: {prob: 1}}]\n", &arena);
    const qvl_augmenter a = { .rules = &rules, .seed = 5, .dataset = 6,
                              .total_steps = 1 };
    const qvl_recipe r = { .augmenter = &a, .draw = { .seed = 5, .dataset = 6 },
                           .max_objects = 2 };
    qvl_record record = record_of(5);
    const qvl_record *out;
    qvl_augment_report report;
    CHECK_OK(qvl_recipe_see(&r, &record, &(qvl_sample_at){ .epoch = 0 }, &arena, &out,
                            &report, &err), err);
    CHECK(!report.is_bypassed, "augmented");
    CHECK_INT(out->n_objects, 2, "limited");
    CHECK(out->edit != NULL, "the picture is turned");
    for (int i = 0; i < 2; i++) {
        CHECK(out->object[i].desc == object[report.source[i]].desc, "object %d", i);
        CHECK_NEAR(report.coverage[i], 1, 0, "object %d", i);
    }
    for (int i = 0; i < 2; i++)
        CHECK_NEAR(out->object[i].point[0], 48, 0, "object %d is turned", i);
    qvl_arena_release(&arena);
}

/* The mode follows from the recipe's draw. */
static void test_mode(void)
{
    qvl_record record = record_of(1);
    for (int ratio = 0; ratio <= 1; ratio++) {
        const qvl_recipe r = { .draw = { .summary_ratio = ratio } };
        for (uint64_t epoch = 0; epoch < 20; epoch++)
            CHECK_INT(qvl_recipe_mode(&r, &record, epoch), ratio, "ratio %d", ratio);
    }
}

RUN_TESTS(TEST(test_recipe_of), TEST(test_limit), TEST(test_steady),
          TEST(test_order), TEST(test_mode))
