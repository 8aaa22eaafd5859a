/* test_augment.c - ops, crops, copies, curriculum: geometry, outcomes, draws; painted
 * objects are found again under the geometry that comes out (test_augment_paint.c)
 */
#include <math.h>

#include "augment_rules.h"
#include "base/rng.h"
#include "check.h"
#include "data/augment/augment.h"
#include "data/augment/curriculum.h"
#include "data/augment/run.h"

/* ---- a record ------------------------------------------------------------ */

static const double box_a[] = { 100, 50, 200, 150 };
static const double box_b[] = { 500, 300, 640, 480 };
static const double poly_c[] = { 300, 100, 400, 100, 400, 200, 300, 200 };
static const double line_d[] = { 20, 400, 220, 420 };
static qvl_object object[] = {
    { QVL_GEOM_BOX, 2, box_a, "cat/small" },
    { QVL_GEOM_BOX, 2, box_b, "dog/large" },
    { QVL_GEOM_POLY, 4, poly_c, "cat/other" },
    { QVL_GEOM_LINE, 2, line_d, "rope" },
};
static const qvl_record record = { .file = "r.jsonl", .line = 1, .index = 7,
                                   .w = 640, .h = 480, .object = object,
                                   .n_objects = 4 };

/* The same without the line. */
static qvl_record no_line(void)
{
    qvl_record r = record;
    r.n_objects = 3;
    return r;
}

typedef struct {
    qvl_arena arena;
    qvl_augmentation rules;
    qvl_augmenter a;
    const qvl_record *out;
    qvl_augment_report report;
} work;

static void augment(work *w, const char *rules, const qvl_record *r,
                    const qvl_sample_at *at, qvl_mode mode)
{
    qvl_err err = { 0 };
    *w = (work){ 0 };
    augment_rules(&w->rules, rules, &w->arena);
    w->a = (qvl_augmenter){ .rules = &w->rules, .seed = 17, .total_steps = 100 };
    CHECK_OK(qvl_augment(&w->a, r, at, mode, &w->arena, &w->out, &w->report, &err), err);
}

static void augment_once(work *w, const char *rules, const qvl_record *r)
{
    augment(w, rules, r, &(qvl_sample_at){ 0 }, QVL_MODE_DENSE);
}

static void check_points(const qvl_object *o, const double *want, int n, const char *what)
{
    CHECK_INT(o->n, n, "%s: points", what);
    for (int i = 0; i < 2 * n; i++)
        CHECK_NEAR(o->point[i], want[i], 1e-9, "%s: number %d", what, i);
}

/* ---- nothing happens ----------------------------------------------------- */

static void test_identity(void)
{
    static const char *const rules[] = {
        "bypass_prob: 1\nops: [{name: hflip, params: {prob: 1}}]",
        "ops: [{name: hflip, params: {prob: 0}}, {name: equalize, params: {prob: 0}}]",
        "ops: [{name: rotate, params: {max_deg: 0, prob: 1}}]",
        "ops: [{name: pad_to_multiple}]",
        "ops: [{name: expand_to_fit_affine}]",
        "ops: [{name: hflip, params: {prob: 1}}, {name: hflip, params: {prob: 1}}]",
        "ops: [{name: roi_crop, params: {anchor_classes: mouse, prob: 1}}]",
    };
    for (size_t i = 0; i < QVL_COUNT(rules); i++) {
        work w;
        augment_once(&w, rules[i], &record);
        CHECK(w.out == &record, "%s: the record itself", rules[i]);
        CHECK_INT(w.report.n_dropped + w.report.n_added, 0, "%s", rules[i]);
        CHECK(w.report.is_bypassed == (i == 0), "%s: bypassed", rules[i]);
        for (int k = 0; k < 4; k++)
            CHECK(w.report.source[k] == k && w.report.coverage[k] == 1.0, "%d", k);
        qvl_arena_release(&w.arena);
    }
}

/* What is no picture with objects is left alone. */
static void test_conversation(void)
{
    static const qvl_node messages = { .kind = QVL_NODE_LIST };
    qvl_record chat = { .messages = &messages, .w = 64, .h = 64 };
    qvl_record sizeless = { .n_images = 1 };
    work w;
    augment_once(&w, "ops: [{name: hflip, params: {prob: 1}}]", &chat);
    CHECK(w.out == &chat && w.report.is_bypassed, "a conversation");
    qvl_arena_release(&w.arena);
    augment_once(&w, "ops: [{name: hflip, params: {prob: 1}}]", &sizeless);
    CHECK(w.out == &sizeless && w.report.is_bypassed, "without a size");
    qvl_arena_release(&w.arena);
}

/* ---- affine -------------------------------------------------------------- */

static void test_flips(void)
{
    static const double h_a[] = { 440, 50, 540, 150 };
    static const double h_c[] = { 240, 100, 340, 100, 340, 200, 240, 200 };
    static const double h_d[] = { 420, 420, 620, 400 };
    static const double v_a[] = { 100, 330, 200, 430 };
    work w;
    augment_once(&w, "ops: [{name: hflip, params: {prob: 1}}]", &record);
    check_points(&w.out->object[0], h_a, 2, "box");
    check_points(&w.out->object[2], h_c, 4, "polygon");
    check_points(&w.out->object[3], h_d, 2, "line");
    CHECK_STR(w.out->object[3].desc, "rope", "desc");
    CHECK(w.out->w == 640 && w.out->h == 480 && w.out->edit->n_steps == 1, "one step");
    CHECK_INT(w.out->edit->step[0].kind, QVL_EDIT_WARP, "a warp");
    qvl_arena_release(&w.arena);
    augment_once(&w, "ops: [{name: vflip, params: {prob: 1}}]", &record);
    check_points(&w.out->object[0], v_a, 2, "box");
    qvl_arena_release(&w.arena);
}

/* The vector of the specification; twice is the record itself. */
static void test_flip_vector(void)
{
    static const double box[] = { 10, 20, 30, 40 };
    static const double across[] = { 70, 20, 90, 40 }, down[] = { 10, 10, 30, 30 };
    const qvl_object one = { QVL_GEOM_BOX, 2, box, "a" };
    const qvl_record r = { .w = 100, .h = 50, .object = &one, .n_objects = 1 };
    work w;
    augment_once(&w, "ops: [{name: hflip, params: {prob: 1}}]", &r);
    check_points(&w.out->object[0], across, 2, "hflip");
    qvl_arena_release(&w.arena);
    augment_once(&w, "ops: [{name: vflip, params: {prob: 1}}]", &r);
    check_points(&w.out->object[0], down, 2, "vflip");
    qvl_arena_release(&w.arena);
    augment_once(&w, "ops: [{name: vflip, params: {prob: 1}}, {name: vflip, params: "
                     "{prob: 1}}]", &r);
    CHECK(w.out == &r, "twice");
    qvl_arena_release(&w.arena);
}

/* Several affine ops are one step; a barrier between makes two. */
static void test_flush(void)
{
    static const char chain[] =
        "ops: [{name: rotate, params: {prob: 1}}, {name: scale, params: {prob: 1}}, "
        "{name: vflip, params: {prob: 1}}]";
    static const char barrier[] =
        "ops: [{name: rotate, params: {prob: 1}}, {name: pad_to_multiple, params: "
        "{multiple: 100}}, {name: vflip, params: {prob: 1}}]";
    work w;
    augment_once(&w, chain, &record);
    CHECK_INT(w.out->edit->n_steps, 1, "one warp");
    qvl_arena_release(&w.arena);
    augment_once(&w, barrier, &record);
    CHECK_INT(w.out->edit->n_steps, 3, "warp, pad, warp");
    CHECK_INT(w.out->edit->step[1].kind, QVL_EDIT_PAD, "in the middle");
    CHECK(w.out->w == 700 && w.out->h == 500, "padded");
    qvl_arena_release(&w.arena);
}

/* A polygon that a zoom pushes out of the picture is gone; with nothing else, the
 * record stays. */
static void test_invisible(void)
{
    static const double corner[] = { 0, 0, 20, 0, 20, 20, 0, 20 };
    static const double middle[] = { 300, 200, 340, 240 };
    const qvl_object both[] = { { QVL_GEOM_POLY, 4, corner, "a" },
                                { QVL_GEOM_BOX, 2, middle, "b" } };
    static const char zoom[] = "ops: [{name: scale, params: {lo: 3, hi: 3, prob: 1}}]";
    qvl_record r = { .w = 640, .h = 480, .object = both, .n_objects = 2 };
    work w;
    augment_once(&w, zoom, &r);
    CHECK(w.out->n_objects == 1 && w.report.n_dropped == 1 && w.report.source[0] == 1,
          "one is gone");
    qvl_arena_release(&w.arena);
    r.n_objects = 1;
    augment_once(&w, zoom, &r);
    CHECK(w.out == &r && w.report.is_discarded && w.report.n_dropped == 0, "none left");
    qvl_arena_release(&w.arena);
    augment_once(&w, "degenerate: clamp\nops: [{name: scale, params: {lo: 3, hi: 3, "
                     "prob: 1}}]", &r);
    CHECK(w.out != &r && w.out->n_objects == 1, "clamped");
    qvl_arena_release(&w.arena);
}

/* ---- canvas -------------------------------------------------------------- */

static qvl_aug_run run_of(work *w, int width, int height, qvl_affine m)
{
    static const qvl_sample_at at;
    static const qvl_record none;
    *w = (work){ 0 };
    w->rules.min_poly_points = 3;
    w->a.rules = &w->rules;
    return (qvl_aug_run){ .a = &w->a, .at = &at, .record = &none, .arena = &w->arena,
                          .w = width, .h = height, .m = m,
                          .steps = { .arena = &w->arena },
                          .colours = { .arena = &w->arena } };
}

static void test_expand(void)
{
    static const struct {
        int w, h;
        double deg;
        int out_w, out_h;
    } cases[] = {
        { 640, 480, 10, 736, 608 },   { 1000, 600, 0, 1024, 608 },
        { 1280, 960, 0, 1088, 800 },  { 960, 960, 25, 960, 960 },
        { 1, 1, 45, 32, 32 },         { 40000, 16, 0, 28800, 32 },
        { 640, 480, 90, 480, 640 },
    };
    const qvl_aug_op op = { QVL_AUG_OP_expand_to_fit_affine,
                            { .expand_to_fit_affine = { 32, 921600 } } };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        work w;
        qvl_err err = { 0 };
        qvl_aug_outcome outcome = QVL_AUG_FIRED;
        double cx = cases[i].w / 2.0, cy = cases[i].h / 2.0;
        qvl_aug_run r = run_of(&w, cases[i].w, cases[i].h,
                               qvl_affine_rotation(cases[i].deg, cx, cy));
        r.err = &err;
        CHECK_OK(qvl_aug_expand_to_fit_affine(&r, &op, &outcome), err);
        CHECK_INT(r.w, cases[i].out_w, "case %zu: width", i);
        CHECK_INT(r.h, cases[i].out_h, "case %zu: height", i);
        CHECK(r.padding_ratio >= -1e-9 && r.padding_ratio < 1.0, "case %zu", i);
        qvl_arena_release(&w.arena);
    }
}

/* What is too large shrinks to the aligned sides: 1088 of 1280, 800 of 960. */
static void test_expand_scale(void)
{
    const qvl_aug_op op = { QVL_AUG_OP_expand_to_fit_affine,
                            { .expand_to_fit_affine = { 32, 921600 } } };
    work w;
    qvl_err err = { 0 };
    qvl_aug_outcome outcome = QVL_AUG_FIRED;
    qvl_aug_run r = run_of(&w, 1280, 960, qvl_affine_identity());
    r.err = &err;
    CHECK_OK(qvl_aug_expand_to_fit_affine(&r, &op, &outcome), err);
    CHECK_INT(r.steps.n, 1, "one step");
    const double *v = r.steps.step[0].inverse;
    CHECK_NEAR(v[0], 1 / 0.85, 1e-12, "across");
    CHECK_NEAR(v[4], 960 / 800.0, 1e-12, "down");
    CHECK(v[1] == 0 && v[2] == 0 && v[3] == 0 && v[5] == 0,
          "at the top left");
    qvl_arena_release(&w.arena);
}

/* Whatever the numbers, there are at most max_pixels, and whole multiples. */
static void test_expand_limit(void)
{
    qvl_rng rng = { .key = 5 };
    for (int i = 0; i < 2000; i++) {
        work w;
        qvl_err err = { 0 };
        qvl_aug_outcome outcome = QVL_AUG_FIRED;
        int multiple = 1 + (int)qvl_rng_below(&rng, 64);
        int most = multiple * multiple * (1 + (int)qvl_rng_below(&rng, 300));
        const qvl_aug_op op = { QVL_AUG_OP_expand_to_fit_affine,
                                { .expand_to_fit_affine = { multiple, most } } };
        int width = 1 + (int)qvl_rng_below(&rng, 3000);
        int height = 1 + (int)qvl_rng_below(&rng, 3000);
        qvl_aug_run r = run_of(&w, width, height, qvl_affine_rotation(
            qvl_rng_between(&rng, -180, 180), width / 2.0, height / 2.0));
        r.err = &err;
        CHECK_OK(qvl_aug_expand_to_fit_affine(&r, &op, &outcome), err);
        CHECK((double)r.w * r.h <= most && r.w % multiple == 0 && r.h % multiple == 0,
              "%d x %d of at most %d by %d", r.w, r.h, most, multiple);
        qvl_arena_release(&w.arena);
    }
}

static void test_resize(void)
{
    static const double a[] = { 51, 26, 103, 78 };  // 100, 50, 200, 150 * 0.514, .533
    work w;
    augment_once(&w, "ops: [{name: resize_by_scale, params: {scales: [0.5]}}]", &record);
    CHECK(w.out->w == 320 && w.out->h == 256, "%d x %d", w.out->w, w.out->h);
    CHECK(w.out->object[0].point[0] == 50 && w.out->object[0].point[1] == 27
          && w.out->object[0].point[3] == 80, "ratios of each axis");
    (void)a;
    qvl_arena_release(&w.arena);
    augment_once(&w, "ops: [{name: resize_by_scale, params: {lo: 1e-9, hi: 1e-9, "
                     "align_multiple: null}}]", &record);
    CHECK(w.report.is_discarded || (w.out->w == 1 && w.out->h == 1), "one px at least");
    qvl_arena_release(&w.arena);
}

/* What would be larger than any picture says so, whatever the numbers are. */
static void test_too_large(void)
{
    static const char *const lists[] = {
        "{name: resize_by_scale, params: {lo: 1e300, hi: 1e300}}",
        "{name: resize_by_scale, params: {scales: 30000, align_multiple: null}}",
        "{name: pad_to_multiple, params: {multiple: 2147483647}}",
        "{name: scale, params: {lo: 1e100, hi: 1e100, prob: 1}}, "
        "{name: expand_to_fit_affine}",
        "{name: scale, params: {lo: 1e300, hi: 1e300, prob: 1}}, {name: scale, "
        "params: {lo: 1e300, hi: 1e300, prob: 1}}, {name: rotate, params: {prob: 1}}, "
        "{name: expand_to_fit_affine, params: {multiple: null}}",
    };
    for (size_t i = 0; i < QVL_COUNT(lists); i++) {
        char text[512];
        qvl_err err = { 0 };
        work w = { 0 };
        snprintf(text, sizeof text, "ops: [%s]", lists[i]);
        augment_rules(&w.rules, text, &w.arena);
        w.a = (qvl_augmenter){ .rules = &w.rules, .seed = 17, .total_steps = 100 };
        CHECK_FAILS(qvl_augment(&w.a, &record, &(qvl_sample_at){ 0 }, QVL_MODE_DENSE,
                                &w.arena, &w.out, &w.report, &err),
                    QVL_E_RANGE, err, "expected at most 16777216");
        qvl_arena_release(&w.arena);
    }
}

/* ---- crops --------------------------------------------------------------- */

static void test_crop_sizes(void)
{
    static const struct {
        double area, aspect;
        int w, h;
    } cases[] = { { .64, 1, 554, 554 }, { .64, 1.2, 607, 506 }, { 1, 1.2, 759, 600 } };
    static const double whole[] = { 0, 0, 800, 600 };
    const qvl_object one = { QVL_GEOM_BOX, 2, whole, "a" };
    const qvl_record r = { .w = 800, .h = 600, .object = &one, .n_objects = 1 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        char text[256];
        work w;
        snprintf(text, sizeof text, "ops: [{name: random_crop, params: {scale: [%g, %g], "
                 "aspect_ratio: [%g, %g], min_objects: 1}}]", cases[i].area,
                 cases[i].area, cases[i].aspect, cases[i].aspect);
        augment_once(&w, text, &r);
        CHECK(w.out->w == cases[i].w && w.out->h == cases[i].h, "case %zu: %d x %d", i,
              w.out->w, w.out->h);
        CHECK(w.out->object[0].point[2] == cases[i].w, "the box fills it");
        qvl_arena_release(&w.arena);
    }
}

static qvl_aug_outcome outcome_of(const char *rules, const qvl_record *r,
                                  qvl_mode mode)
{
    work w;
    augment(&w, rules, r, &(qvl_sample_at){ 0 }, mode);
    qvl_aug_outcome outcome = w.report.outcome[0];
    CHECK((w.out == r) == (outcome != QVL_AUG_FIRED), "%s", rules);
    qvl_arena_release(&w.arena);
    return outcome;
}

static void test_skips(void)
{
    static const char middle[] = "ops: [{name: center_crop, params: {scale: 0.25, "
                                 "min_objects: 1}}]";  // 160, 120 to 480, 360
    static const char four[] = "ops: [{name: center_crop, params: {scale: 0.25}}]";
    static const char lines[] = "ops: [{name: center_crop, params: {scale: 0.9, "
                                "min_objects: 1}}]";
    static const char lines_too[] = "ops: [{name: center_crop, params: {scale: 0.9, "
                                    "min_objects: 1, skip_if_line: false}}]";
    static const char tiny[] = "ops: [{name: center_crop, params: {scale: 0.0001, "
                               "min_objects: 0}}]";
    const qvl_record plain = no_line();
    qvl_record empty = record;
    empty.n_objects = 0;
    CHECK_INT(outcome_of(middle, &plain, QVL_MODE_DENSE), QVL_AUG_FIRED, "fired");
    CHECK_INT(outcome_of(four, &plain, QVL_MODE_DENSE), QVL_AUG_MIN_OBJECTS, "few");
    CHECK_INT(outcome_of(lines, &record, QVL_MODE_DENSE), QVL_AUG_LINE_OBJECT, "line");
    CHECK_INT(outcome_of(lines_too, &record, QVL_MODE_DENSE), QVL_AUG_FIRED, "lines");
    CHECK_INT(outcome_of(tiny, &plain, QVL_MODE_DENSE), QVL_AUG_NO_OBJECTS, "none");
    CHECK_INT(outcome_of(tiny, &empty, QVL_MODE_SUMMARY), QVL_AUG_NO_OBJECTS, "empty");
    CHECK_INT(outcome_of(middle, &plain, QVL_MODE_SUMMARY), QVL_AUG_SUMMARY_MODE,
              "a summary");
    CHECK_INT(outcome_of("ops: [{name: roi_crop, params: {anchor_classes: rope, "
                         "prob: 1}}]", &record, QVL_MODE_DENSE), QVL_AUG_NO_ANCHOR,
              "a line is no anchor");
    CHECK_INT(outcome_of("ops: [{name: small_object_zoom_paste, params: {prob: 1, "
                         "max_size: 5, max_line_length: 5}}]", &record,
                         QVL_MODE_DENSE), QVL_AUG_NO_TARGET, "all are large");
    CHECK_INT(outcome_of("ops: [{name: small_object_zoom_paste, params: {prob: 1, "
                         "max_size: 150, scale: [50, 50]}}]", &record,
                         QVL_MODE_DENSE), QVL_AUG_NO_ROOM, "no copy fits");
    CHECK_INT(outcome_of("ops: [{name: small_object_zoom_paste, params: {prob: 1}}]",
                         &record, QVL_MODE_SUMMARY), QVL_AUG_SUMMARY_MODE, "counts");
}

#define WHOLE "\xe5\x8f\xaf\xe8\xa7\x81\xe6\x80\xa7=\xe5\xae\x8c\xe6\x95\xb4"
#define PART "\xe5\x8f\xaf\xe8\xa7\x81\xe6\x80\xa7=\xe9\x83\xa8\xe5\x88\x86"
#define CLASS "\xe7\xb1\xbb\xe5\x88\xab=a"

/* What is cut says so, what is not does not; the share of several crops counts. */
static void test_completeness(void)
{
    static const double inside[] = { 300, 200, 340, 240 };
    static const double cut[] = { 100, 120, 260, 360 };  // .625 of it from 160 on
    const qvl_object both[] = { { QVL_GEOM_BOX, 2, inside, CLASS "," WHOLE },
                                { QVL_GEOM_BOX, 2, cut, CLASS "," WHOLE } };
    const qvl_record r = { .w = 640, .h = 480, .object = both, .n_objects = 2 };
    work w;
    augment_once(&w, "ops: [{name: center_crop, params: {scale: 0.25, min_objects: 1}}]",
                 &r);
    CHECK_STR(w.out->object[0].desc, CLASS "," WHOLE, "whole");
    CHECK_STR(w.out->object[1].desc, CLASS "," PART, "cut");
    CHECK_NEAR(w.report.coverage[1], 0.625, 1e-12, "coverage");
    CHECK_STR(both[1].desc, CLASS "," WHOLE, "the record's own");
    qvl_arena_release(&w.arena);
    /* 0.625 of it twice is 0.39: below 0.5 only together */
    augment_once(&w, "ops: [{name: center_crop, params: {scale: 0.25, min_objects: 1}}, "
                     "{name: center_crop, params: {scale: 0.6, min_objects: 1, "
                     "min_coverage: 0.5}}]", &r);
    CHECK(w.out->n_objects == 1 && w.report.source[0] == 0 && w.report.n_dropped == 1,
          "%d objects", w.out->n_objects);
    qvl_arena_release(&w.arena);
    augment_once(&w, "visibility_tokens: []\nops: [{name: center_crop, params: {scale: "
                     "0.25, min_objects: 1}}]", &r);
    CHECK_STR(w.out->object[1].desc, CLASS "," WHOLE, "no words");
    qvl_arena_release(&w.arena);
}

/* Around one of the anchors, inside of the picture. */
static void test_roi(void)
{
    const qvl_record r = no_line();
    int n_of[3] = { 0 };
    for (uint64_t epoch = 0; epoch < 200; epoch++) {
        work w;
        augment(&w, "ops: [{name: roi_crop, params: {anchor_classes: [cat, bird], "
                    "min_crop_size: 40, prob: 1}}]", &r,
                &(qvl_sample_at){ .epoch = epoch }, QVL_MODE_DENSE);
        CHECK_INT(w.report.outcome[0], QVL_AUG_FIRED, "epoch %d", (int)epoch);
        CHECK(w.out->w >= 120 && w.out->w <= 200, "width %d", w.out->w);
        for (int k = 0; k < w.out->n_objects; k++)
            n_of[w.report.source[k]] += w.report.coverage[k] == 1.0;
        qvl_arena_release(&w.arena);
    }
    CHECK(n_of[0] > 60 && n_of[2] > 60 && n_of[1] == 0, "%d %d %d", n_of[0], n_of[1],
          n_of[2]);
}

/* ---- copies -------------------------------------------------------------- */

static void test_paste(void)
{
    for (uint64_t epoch = 0; epoch < 100; epoch++) {
        static const char *const rules[] = {
            "ops: [{name: small_object_zoom_paste, params: {prob: 1, max_size: 110, "
            "class_whitelist: cat, max_targets: 2}}]",
            "ops: [{name: small_object_zoom_paste, params: {prob: 1, max_size: 110, "
            "overlap_mode: mask, max_targets: 2, class_whitelist: cat}}]" };
        work w;
        augment(&w, rules[epoch % 2], &record, &(qvl_sample_at){ .epoch = epoch }, QVL_MODE_DENSE);
        if (w.out == &record) {
            qvl_arena_release(&w.arena);
            continue;
        }
        CHECK(w.report.n_added >= 1 && w.report.n_added <= 2, "%d", w.report.n_added);
        CHECK_INT(w.out->n_objects, 4 + w.report.n_added, "behind the others");
        for (int k = 4; k < w.out->n_objects; k++) {
            const qvl_object *copy = &w.out->object[k];
            const qvl_object *of = &object[w.report.source[k]];
            qvl_bounds b = qvl_geom_bounds(copy->point, copy->n);
            CHECK_STR(copy->desc, of->desc, "copy %d", k);
            CHECK(copy->kind == of->kind && copy->n == of->n, "copy %d", k);
            CHECK(b.x0 >= 0 && b.y0 >= 0 && b.x1 <= 640 && b.y1 <= 480, "inside");
            CHECK(b.x1 - b.x0 > 135 && b.x1 - b.x0 < 185, "larger: %g", b.x1 - b.x0);
        }
        qvl_arena_release(&w.arena);
    }
}

/* Copies that a later crop, zoom or the last flush takes away again are no objects of
 * the record: what was dropped is what the sources do not name any more. */
static void test_paste_then_cut(void)
{
    static const char paste[] =
        "{name: small_object_zoom_paste, params: {prob: 1, max_size: 110, "
        "class_whitelist: cat, max_targets: 2, scale: [1, 1]}}";
    static const char *const cuts[] = {
        "{name: center_crop, params: {scale: 0.25, min_objects: 1, skip_if_line: no}}",
        "{name: scale, params: {lo: 3, hi: 3, prob: 1}}, {name: pad_to_multiple}",
        "{name: scale, params: {lo: 3, hi: 3, prob: 1}}",
    };
    static const double middle[] = { 300, 220, 340, 260 };
    const qvl_object both[] = { { QVL_GEOM_BOX, 2, middle, "dog" },
                                { QVL_GEOM_BOX, 2, middle, "cat" } };
    const qvl_record r = { .index = 7, .w = 640, .h = 480, .object = both,
                           .n_objects = 2 };
    int n_lost = 0;
    for (uint64_t epoch = 0; epoch < 150; epoch++) {
        char text[512];
        work w;
        snprintf(text, sizeof text, "ops: [%s, %s]", paste, cuts[epoch % 3]);
        augment(&w, text, &r, &(qvl_sample_at){ .epoch = epoch }, QVL_MODE_DENSE);
        CHECK_INT(w.report.n_dropped, 0, "epoch %d: both are in the middle", (int)epoch);
        CHECK_INT(w.report.n_added, w.out->n_objects - 2, "epoch %d", (int)epoch);
        n_lost += w.report.outcome[0] == QVL_AUG_FIRED && w.report.n_added == 0;
        qvl_arena_release(&w.arena);
    }
    CHECK(n_lost > 50, "%d copies were cut off", n_lost);
}

/* ---- draws --------------------------------------------------------------- */

static void check_same(const qvl_record *a, const qvl_record *b, const char *what)
{
    CHECK(a->w == b->w && a->h == b->h && a->n_objects == b->n_objects, "%s", what);
    for (int i = 0; i < a->n_objects; i++)
        CHECK(a->object[i].n == b->object[i].n
              && memcmp(a->object[i].point, b->object[i].point,
                        2 * sizeof(double) * (size_t)a->object[i].n) == 0,
              "%s: object %d", what, i);
}

#define MIXED "{name: hflip}, {name: rotate, params: {prob: 1}}, " \
              "{name: random_crop, params: {min_objects: 1}}"

/* The records of a set are as they were, whatever was done to them. */
static void test_untouched(void)
{
    double point[4][8];
    const qvl_object before[4] = { object[0], object[1], object[2], object[3] };
    const qvl_record kept = record;
    for (int i = 0; i < 4; i++)
        memcpy(point[i], object[i].point, 2 * (size_t)object[i].n * sizeof(double));
    for (uint64_t epoch = 0; epoch < 200; epoch++) {
        work w;
        augment(&w, "bypass_prob: 0.1\nops: [" MIXED ", {name: resize_by_scale}, {name: "
                    "small_object_zoom_paste, params: {prob: 1, max_size: 200}}]",
                &record, &(qvl_sample_at){ .epoch = epoch },
                epoch % 2 == 0 ? QVL_MODE_DENSE : QVL_MODE_SUMMARY);
        qvl_arena_release(&w.arena);
    }
    CHECK(memcmp(&kept, &record, sizeof kept) == 0, "record");
    CHECK(memcmp(before, object, sizeof before) == 0, "objects");
    for (int i = 0; i < 4; i++)
        CHECK(memcmp(point[i], object[i].point, 2 * (size_t)object[i].n * sizeof(double))
                  == 0, "points of %d", i);
}

/* The same sample is the same, another one is not; colours do not depend on the ops
 * around them, nor these on colours. */
static void test_draws(void)
{
    work a, b, c, d;
    const qvl_sample_at at = { .epoch = 3, .occurrence = 1 };
    augment(&a, "ops: [" MIXED "]", &record, &at, QVL_MODE_DENSE);
    augment(&b, "ops: [" MIXED "]", &record, &at, QVL_MODE_DENSE);
    check_same(a.out, b.out, "again");
    augment(&c, "ops: [{name: hsv}, " MIXED ", {name: gamma}]", &record, &at, QVL_MODE_DENSE);
    check_same(a.out, c.out, "with colours");
    augment(&d, "ops: [{name: hsv}, {name: gamma}]", &record, &at, QVL_MODE_DENSE);
    const qvl_edit *x = c.out->edit, *y = d.out->edit;
    CHECK_INT(y->n_steps, 2, "colours alone");
    for (int i = 0; i < 2; i++)
        CHECK(memcmp(&x->step[x->n_steps - 2 + i], &y->step[i], sizeof y->step[i]) == 0,
              "colour %d", i);
    qvl_arena_release(&b.arena);
    augment(&b, "ops: [" MIXED "]", &record, &(qvl_sample_at){ .epoch = 4 }, QVL_MODE_DENSE);
    CHECK(b.out->w != a.out->w || b.out->object[0].point[0] != a.out->object[0].point[0],
          "another epoch");
    qvl_arena_release(&a.arena);
    qvl_arena_release(&b.arena);
    qvl_arena_release(&c.arena);
    qvl_arena_release(&d.arena);
}

/* As often as prob says. */
static void test_frequency(void)
{
    int n = 0, n_bypassed = 0;
    for (uint64_t epoch = 0; epoch < 2000; epoch++) {
        work w;
        augment(&w, "bypass_prob: 0.5\nops: [{name: hflip, params: {prob: 0.2}}]",
                &record, &(qvl_sample_at){ .epoch = epoch }, QVL_MODE_DENSE);
        n += w.out != &record;
        n_bypassed += w.report.is_bypassed;
        qvl_arena_release(&w.arena);
    }
    CHECK(n > 150 && n < 250, "%d flips", n);
    CHECK(n_bypassed > 900 && n_bypassed < 1100, "%d bypassed", n_bypassed);
}

/* ---- curriculum ---------------------------------------------------------- */

static void test_curriculum(void)
{
    static const struct {
        int64_t step;
        double bypass, deg, lo;
        int n;
    } cases[] = {
        { 0, 0, 10, 0.6, 4 },    { 10, 0.5, 10, 0.6, 4 },  { 20, 1, 10, 0.6, 4 },
        { 30, 1, 15, 0.5, 3 },   { 40, 1, 20, 0.4, 2 },    { 41, 1, 20, 0.4, 2 },
        { 99, 1, 20, 0.4, 2 },   { 5, 0.25, 10, 0.6, 4 },  { 25, 1, 12.5, 0.55, 4 },
    };
    qvl_arena arena = { 0 };
    qvl_augmentation rules;
    augment_rules(&rules,
                  "ops: [{name: rotate}, {name: random_crop}, {name: rotate, params: "
                  "{max_deg: 0}}]\n"
                  "curriculum: {phases: [{until_percent: 20, bypass_prob: 1}, "
                  "{until_percent: 40, ops: {rotate: {max_deg: 20}, random_crop: "
                  "{scale: [0.4, 1], min_objects: 2}}}]}", &arena);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_aug_state s = qvl_aug_state_at(&rules, cases[i].step, 100, &arena);
        CHECK_NEAR(s.bypass_prob, cases[i].bypass, 1e-12, "case %zu", i);
        CHECK_NEAR(s.op[0].u.rotate.max_deg, cases[i].deg, 1e-12, "case %zu", i);
        CHECK_NEAR(s.op[1].u.random_crop.scale.lo, cases[i].lo, 1e-12, "case %zu", i);
        CHECK_INT(s.op[1].u.random_crop.min_objects, cases[i].n, "case %zu", i);
        CHECK_NEAR(s.op[2].u.rotate.max_deg, 2 * (cases[i].deg - 10), 1e-12,
                   "case %zu: all of a name, each from its own", i);
    }
    CHECK(rules.op[0].u.rotate.max_deg == 10.0, "the rules stay");
    CHECK_INT(qvl_aug_phase_end(&rules, 1, 1), 2, "ends rise in a run of one step");
    CHECK_INT(qvl_aug_phase_end(&rules, 0, 1000), 200, "percent");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_identity), TEST(test_conversation), TEST(test_flips),
          TEST(test_flip_vector), TEST(test_flush), TEST(test_invisible),
          TEST(test_expand), TEST(test_expand_scale), TEST(test_expand_limit),
          TEST(test_resize), TEST(test_too_large), TEST(test_crop_sizes), TEST(test_skips),
          TEST(test_completeness), TEST(test_roi), TEST(test_paste),
          TEST(test_paste_then_cut),
          TEST(test_untouched), TEST(test_draws), TEST(test_frequency),
          TEST(test_curriculum))
