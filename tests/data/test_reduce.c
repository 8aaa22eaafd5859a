/* test_reduce.c - fewer objects, simpler polygons, what an entry asks of records */
#include "data/reduce.h"

#include <stdbool.h>

#include "check.h"
#include "data/fusion_record.h"

static const double poly[] = { 5, 1, 30, 2, 31, 40, 4, 38, 3, 20 };
static const double line[] = { 9, 9, 1, 2, 3, 4 };
static const double box[] = { 1, 2, 3, 4 };

static const qvl_object objects[] = {
    { QVL_GEOM_POLY, 5, poly, "five" },
    { QVL_GEOM_BOX, 2, box, "box" },
    { QVL_GEOM_POLY, 3, poly, "three" },
    { QVL_GEOM_LINE, 3, line, "line" },
};

static void test_polygons(void)
{
    /* max_points, and whether the two polygons become boxes */
    static const struct {
        int max_points;
        bool five, three;
    } cases[] = { { 0, true, true },   { 2, true, true },   { 3, true, false },
                  { 4, true, false },  { 5, false, false }, { 99, false, false } };
    qvl_arena arena = { 0 };
    qvl_record record = { .w = 50, .h = 60, .object = objects, .n_objects = 4,
                          .line = 7 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_record out = qvl_reduce_polygons(&record, cases[i].max_points, &arena);
        CHECK_INT(out.n_objects, 4, "case %zu", i);
        CHECK_INT(out.line, 7, "the rest of the record");
        CHECK((out.object[0].kind == QVL_GEOM_BOX) == cases[i].five, "case %zu", i);
        CHECK((out.object[2].kind == QVL_GEOM_BOX) == cases[i].three, "case %zu", i);
        for (int k = 0; k < 4; k++)
            CHECK_STR(out.object[k].desc, objects[k].desc, "case %zu", i);
        CHECK(out.object[1].point == box && out.object[3].point == line,
              "others stay");
        CHECK_INT(out.object[3].kind, QVL_GEOM_LINE, "a line stays one");
    }
    qvl_record out = qvl_reduce_polygons(&record, 3, &arena);
    static const double wanted[] = { 3, 1, 31, 40 };
    CHECK_INT(out.object[0].n, 2, "points of a box");
    for (int i = 0; i < 4; i++)
        CHECK_NEAR(out.object[0].point[i], wanted[i], 0, "bounds %d", i);
    CHECK_INT(objects[0].kind, QVL_GEOM_POLY, "the old record");
    CHECK(out.object[2].point == poly, "shared");
    record.n_objects = 0;
    CHECK_INT(qvl_reduce_polygons(&record, 0, &arena).n_objects, 0, "none");
    qvl_arena_release(&arena);
}

static void test_choose(void)
{
    qvl_arena arena = { 0 };
    qvl_rng r = { .key = 3 };
    for (int round = 0; round < 300; round++) {
        int n = (int)qvl_rng_below(&r, 40), most = (int)qvl_rng_below(&r, 45);
        qvl_rng_id id = { .seed = 1, .record = (uint64_t)round };
        size_t plain[40];
        int n_kept;
        const int *kept = qvl_reduce_choose(&n_kept, n, most, &id, &arena);
        int wanted = most == 0 || most > n ? n : most;
        CHECK_INT(n_kept, wanted, "%d of %d", most, n);
        for (int i = 0; i < n_kept; i++)
            CHECK(kept[i] >= 0 && kept[i] < n && (i == 0 || kept[i] > kept[i - 1]),
                  "%d of %d, place %d", most, n, i);
        /* the plain definition: those whose place in the shuffle is in front */
        for (size_t i = 0; i < (size_t)n; i++)
            plain[i] = i;
        qvl_rng rng;
        qvl_rng_init(&rng, &id, QVL_RNG_CAP);
        qvl_rng_shuffle(&rng, plain, (size_t)n);
        for (int i = 0; i < n_kept; i++) {
            bool is_there = n_kept == n;
            for (int k = 0; k < n_kept; k++)
                is_there |= (int)plain[k] == kept[i];
            CHECK(is_there, "%d of %d: %d was not drawn", most, n, kept[i]);
        }
    }
    qvl_arena_release(&arena);
}

/* Over many draws each object stays as often as the others. */
static void test_fair(void)
{
    qvl_arena arena = { 0 };
    int n_stayed[5] = { 0 };
    for (int i = 0; i < 5000; i++) {
        int n;
        const int *kept = qvl_reduce_choose(&n, 5, 2, &(qvl_rng_id){
            .seed = 9, .record = 4, .occurrence = (uint64_t)i }, &arena);
        for (int k = 0; k < n; k++)
            n_stayed[kept[k]]++;
    }
    for (int k = 0; k < 5; k++)  // deviation 35
        CHECK(abs(n_stayed[k] - 2000) < 175, "object %d: %d", k, n_stayed[k]);
    qvl_arena_release(&arena);
}

static void test_objects(void)
{
    qvl_arena arena = { 0 };
    qvl_rng_id id = { .seed = 2 };
    qvl_record record = { .object = objects, .n_objects = 4, .line = 3 };
    qvl_record out = qvl_reduce_objects(&record, 2, &id, &arena);
    int n;
    const int *kept = qvl_reduce_choose(&n, 4, 2, &id, &arena);
    CHECK_INT(out.n_objects, 2, "objects");
    CHECK_INT(out.line, 3, "the rest");
    for (int i = 0; i < 2; i++)
        CHECK(out.object[i].desc == objects[kept[i]].desc, "object %d", i);
    CHECK_INT(qvl_reduce_objects(&record, 0, &id, &arena).n_objects, 4, "no cap");
    CHECK_INT(qvl_reduce_objects(&record, 4, &id, &arena).n_objects, 4, "just so");
    CHECK_INT(qvl_reduce_objects(&record, 1, &id, &arena).n_objects, 1, "one");
    qvl_arena_release(&arena);
}

/* ---- entries ------------------------------------------------------------- */

static void test_entry(void)
{
    qvl_arena arena = { 0 };
    static const qvl_node messages = { .kind = QVL_NODE_LIST };
    qvl_fusion_entry e = { .name = "e", .template = "t", .is_target = true,
                           .max_objects_per_image = 2, .poly_max_points = 4 };
    qvl_record record = { .object = objects, .n_objects = 4 };
    CHECK_INT(qvl_fusion_needs(&e), QVL_NEEDS_ANSWER | QVL_NEEDS_OBJECTS, "dense");
    CHECK_INT(qvl_fusion_simplify(&e, &record, &arena).object[0].kind,
              QVL_GEOM_POLY, "off");
    e.poly_fallback = QVL_FUSION_POLY_BOX;
    CHECK_INT(qvl_fusion_simplify(&e, &record, &arena).object[0].kind,
              QVL_GEOM_BOX, "on");
    CHECK_INT(qvl_fusion_cap(&e, &record), 2, "cap");
    record.messages = &messages;
    CHECK(qvl_fusion_simplify(&e, &record, &arena).object == objects,
          "a conversation");
    CHECK_INT(qvl_fusion_cap(&e, &record), 0, "of a conversation");
    qvl_fusion_note note = qvl_fusion_note_of(&e);
    CHECK_STR(note.text[QVL_FUSED_SOURCE], "e", "source");
    CHECK_STR(note.text[QVL_FUSED_TEMPLATE], "t", "template");
    CHECK_STR(note.text[QVL_FUSED_DOMAIN], "target", "domain");
    CHECK_STR(note.text[QVL_FUSED_MODE], "dense", "mode");
    e.is_target = false;
    e.mode = QVL_FUSION_SUMMARY;
    note = qvl_fusion_note_of(&e);
    CHECK_STR(note.text[QVL_FUSED_DOMAIN], "source", "domain");
    CHECK_STR(note.text[QVL_FUSED_MODE], "summary", "mode");
    CHECK_INT(qvl_fusion_needs(&e), QVL_NEEDS_ANSWER | QVL_NEEDS_SUMMARY,
              "summary");
    qvl_arena_release(&arena);
}

static void test_check(void)
{
    static const qvl_node messages = { .kind = QVL_NODE_LIST };
    static qvl_node value = { .kind = QVL_NODE_STRING, .s = "x", .s_len = 1 };
    static const qvl_node key = { .kind = QVL_NODE_STRING, .s = "_fusion_domain",
                                  .s_len = 14 };
    qvl_node metadata = { .kind = QVL_NODE_MAP, .n = 1, .keys = &key,
                          .items = &value };
    qvl_err err;
    qvl_fusion_entry e = { .name = "e", .template = "t" };
    qvl_record record = { .file = "f.jsonl", .line = 3, .summary = "无" };
    CHECK_OK(qvl_fusion_check(&e, &record, &err), err);
    e.assert_answer = "无";
    CHECK_OK(qvl_fusion_check(&e, &record, &err), err);
    e.assert_answer = "有";
    CHECK_FAILS(qvl_fusion_check(&e, &record, &err), QVL_E_DATA, err,
                "f.jsonl:3: summary: found 无, expected 有");
    record.summary = NULL;
    CHECK_FAILS(qvl_fusion_check(&e, &record, &err), QVL_E_DATA, err,
                "found nothing, expected 有");
    e.assert_answer = "nothing";
    CHECK_FAILS(qvl_fusion_check(&e, &record, &err), QVL_E_DATA, err,
                "found nothing, expected nothing");
    record.messages = &messages;
    CHECK_FAILS(qvl_fusion_check(&e, &record, &err), QVL_E_DATA, err,
                "found a conversation");
    e.assert_answer = "a conversation";
    CHECK_FAILS(qvl_fusion_check(&e, &record, &err), QVL_E_DATA, err,
                "found a conversation");
    e.assert_answer = NULL;
    CHECK_OK(qvl_fusion_check(&e, &record, &err), err);
    e.pack = QVL_FUSION_PACK_NONE;
    CHECK_OK(qvl_fusion_check(&e, &record, &err), err);
    record.messages = NULL;
    CHECK_FAILS(qvl_fusion_check(&e, &record, &err), QVL_E_DATA, err,
                "f.jsonl:3: messages: found nothing");
    e.pack = QVL_FUSION_PACK_DENSE;
    record.metadata = &metadata;
    CHECK_FAILS(qvl_fusion_check(&e, &record, &err), QVL_E_DATA, err,
                "found _fusion_domain");
}

RUN_TESTS(TEST(test_polygons), TEST(test_choose), TEST(test_fair),
          TEST(test_objects), TEST(test_entry), TEST(test_check))
