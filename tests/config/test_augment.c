/* test_augment.c - ops, limits and curriculum of a configuration, and their faults */
#include "base/yaml.h"
#include "check.h"
#include "config/augment.h"

typedef struct {
    qvl_arena arena;
    qvl_faults faults;
    qvl_augmentation a;
} reading;

/* Read `text` as custom.augmentation. */
static void load(reading *r, const char *text)
{
    qvl_err err = { 0 };
    qvl_node *tree;
    *r = (reading){ 0 };
    r->faults.arena = &r->arena;
    CHECK_OK(qvl_yaml_parse(&tree, text, strlen(text), "a.yaml", &r->arena, &err),
             err);
    qvl_augmentation_read(&r->a, tree, NULL, NULL, &r->faults);
}

static const qvl_aug_op *op_of(const char *text, reading *r)
{
    load(r, text);
    CHECK(r->faults.n == 0, "%s", r->faults.fault[0].msg);
    CHECK(r->a.is_on && r->a.n_ops > 0, "on");
    return &r->a.op[0];
}

/* ---- what is right ------------------------------------------------------- */

static void test_defaults(void)
{
    reading r;
    const qvl_aug_op *op = op_of("ops: [{name: random_crop}]", &r);
    CHECK_INT(op->id, QVL_AUG_OP_random_crop, "op");
    CHECK(op->u.random_crop.scale.lo == 0.6 && op->u.random_crop.scale.hi == 1.0,
          "a range");
    CHECK_INT(op->u.random_crop.min_objects, 4, "a count");
    CHECK(op->u.random_crop.skip_if_line, "a flag");
    CHECK(r.a.bypass_prob == 0.0 && r.a.min_poly_points == 3 && r.a.n_words == 2
          && r.a.n_phases == 0, "of all");
    qvl_arena_release(&r.arena);
    op = op_of("ops: [{name: clahe, params: null}]", &r);
    CHECK(op->u.clahe.tile_grid_size.v[0] == 8 && op->u.clahe.tile_grid_size.v[1] == 8,
          "a pair");
    qvl_arena_release(&r.arena);
    op = op_of("ops: [{name: hsv}]", &r);
    CHECK(op->u.hsv.hue_delta_deg.lo == -20.0 && op->u.hsv.hue_delta_deg.hi == 20.0,
          "a range around 0");
    qvl_arena_release(&r.arena);
}

/* Every op with nothing but what must be given, each parameter with its default. */
static void test_every_op(void)
{
    for (int i = 0; i < QVL_N_AUG_OPS; i++) {
        char text[128];
        reading r;
        snprintf(text, sizeof text, "ops: [{name: %s, params: {%s}}]",
                 qvl_aug_name((qvl_aug_id)i),
                 i == QVL_AUG_OP_roi_crop ? "anchor_classes: a" : "");
        CHECK_INT(op_of(text, &r)->id, i, "%s", text);
        qvl_arena_release(&r.arena);
    }
}

static void test_values(void)
{
    reading r;
    const qvl_aug_op *op = op_of(
        "bypass_prob: 1e-1\nclip_poly: min_area_rect\ndegenerate: clamp\n"
        "min_poly_points: 4\nvisibility_tokens: [[whole, cut]]\n"
        "ops:\n"
        "- {name: resize_by_scale, params: {lo: '0.5', hi: 2, scales: [0.5, 1], "
        "align_multiple: null, augment_prob: 0.25}}\n"
        "- {name: roi_crop, params: {anchor_classes: [a, b], scale_range: [1, 3]}}\n"
        "- {name: small_object_zoom_paste, params: {overlap_mode: mask, "
        "class_whitelist: null}}\n", &r);
    CHECK(op->u.resize_by_scale.lo == 0.5 && op->u.resize_by_scale.hi == 2.0
          && op->u.resize_by_scale.prob == 0.25, "numbers");
    CHECK(op->u.resize_by_scale.scales.n == 2
          && op->u.resize_by_scale.scales.v[1] == 1.0, "a list");
    CHECK_INT(op->u.resize_by_scale.align_multiple, 0, "null");
    CHECK_INT(r.a.op[1].u.roi_crop.anchor_classes.n, 2, "texts");
    CHECK_STR(r.a.op[1].u.roi_crop.anchor_classes.v[1], "b", "texts");
    CHECK_INT(r.a.op[2].u.small_object_zoom_paste.overlap_mode,
              QVL_AUG_OVERLAP_MASK, "a word");
    CHECK_INT(r.a.op[2].u.small_object_zoom_paste.class_whitelist.n, 0, "null");
    CHECK(r.a.bypass_prob == 0.1 && r.a.clip_poly == QVL_AUG_CLIP_MIN_AREA_RECT
          && r.a.degenerate == QVL_AUG_DEGENERATE_CLAMP && r.a.min_poly_points == 4,
          "of all");
    CHECK(r.a.n_words == 1 && strcmp(r.a.word[0].to, "cut") == 0, "words");
    qvl_arena_release(&r.arena);
}

static void test_curriculum(void)
{
    reading r;
    op_of("ops: [{name: rotate}, {name: random_crop}]\n"
          "curriculum:\n  phases:\n"
          "  - {until_percent: 20, bypass_prob: 0.5}\n"
          "  - {until_percent: 100, ops: {rotate: {max_deg: 30, prob: 1}, "
          "random_crop: {scale: [0.2, 1], min_objects: 1}}}\n", &r);
    CHECK(r.a.is_percent && r.a.n_phases == 2, "phases");
    CHECK(r.a.phase[0].until == 20.0 && r.a.phase[0].bypass_prob == 0.5
          && r.a.phase[0].n == 0, "the first");
    CHECK(r.a.phase[1].bypass_prob == -1.0 && r.a.phase[1].n == 4, "the second");
    const qvl_aug_target *t = r.a.phase[1].target;
    CHECK_STR(t[0].param->name, "max_deg", "a number");
    CHECK(t[0].lo == 30.0 && t[0].hi == 30.0, "a number");
    CHECK(t[2].lo == 0.2 && t[2].hi == 1.0, "a range");
    CHECK(t[3].lo == 1.0 && t[3].param->type == QVL_AUG_TYPE_COUNT, "a count");
    qvl_arena_release(&r.arena);
}

static void test_off(void)
{
    static const char *const texts[] = { "{}", "enabled: false", "ops: []",
                                         "enabled: off\nops: [{name: hflip}]" };
    for (size_t i = 0; i < QVL_COUNT(texts); i++) {
        reading r;
        load(&r, texts[i]);
        CHECK(r.faults.n == 0 && !r.a.is_on, "%s", texts[i]);
        qvl_arena_release(&r.arena);
    }
}

/* ---- what is wrong ------------------------------------------------------- */

#define EXPAND "ops: [{name: expand_to_fit_affine}]\n"
#define PHASES(text) "curriculum: {phases: [" text "]}"
#define OPS "ops: [{name: rotate}, {name: hflip}]\n"

static void test_faults(void)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "ops: {}", "a.yaml:1: custom.augmentation.ops: found map, expected a list" },
        { "enabld: true", "custom.augmentation.enabld: unknown key, the nearest is "
                          "enabled" },
        { "enabled: maybe", "custom.augmentation.enabled: found maybe, expected true" },
        { "bypass_prob: 1.5", "bypass_prob: found 1.5, expected a number 0..1" },
        { "bypass_prob: .nan", "bypass_prob: found" },
        { "ops: [{params: {}}]", "ops[0]: found map, expected the name" },
        { "ops: [{name: rotat}]", "ops[0]: rotat: unknown op, the nearest is rotate" },
        { "ops: [{name: [1]}]", "expected the name of an op" },
        { "ops:\n- {name: hflip}\n- {name: vflip, params: {prob: true}}",
          "a.yaml:3: custom.augmentation.ops[1].params.prob: found true, expected" },
        { "ops: [{name: hflip, params: {prb: 1}}]",
          "params.prb: unknown parameter of hflip, the nearest is prob" },
        { "ops: [{name: hflip, param: {}}]", "param: unknown key, the nearest is "
                                             "params" },
        { "ops: [{name: hflip, params: 3}]", "params: found 3, expected a map" },
        { "ops: [{name: scale, params: {lo: 2}}]", "found lo 2, hi 1.1" },
        { "ops: [{name: scale, params: {lo: 0}}]", "expected a number >0" },
        { "ops: [{name: random_crop, params: {scale: 0.5}}]", "[lo, hi]" },
        { "ops: [{name: random_crop, params: {scale: [1, 0.5]}}]", "the lower number" },
        { "ops: [{name: random_crop, params: {scale: [0, 0.5]}}]", "expected a number "
                                                                   ">0..1" },
        { "ops: [{name: random_crop, params: {min_objects: 1.5}}]",
          "expected a whole number" },
        { "ops: [{name: clahe, params: {tile_grid_size: [8]}}]", "two whole numbers" },
        { "ops: [{name: roi_crop}]", "params.anchor_classes: found nothing" },
        { "ops: [{name: roi_crop, params: {anchor_classes: []}}]", "at least one" },
        { "ops: [{name: roi_crop, params: {anchor_classes: null}}]", "expected a value" },
        { "ops: [{name: small_object_zoom_paste, params: {overlap_mode: x}}]",
          "one of aabb|mask" },
        { "ops: [{name: expand_to_fit_affine, params: {multiple: 32, max_pixels: "
          "1000}}]", "found max_pixels 1000, expected at least one square" },
        { "ops: [{name: expand_to_fit_affine}, {name: random_crop}]",
          "found random_crop as the last op that changes the size" },
        { "ops: [{name: expand_to_fit_affine}, {name: resize_by_scale, params: "
          "{align_multiple: null}}]", "found resize_by_scale as the last" },
        { "visibility_tokens: [[a]]", "expected a pair" },
        { "clip_poly: round", "one of outline|min_area_rect" },
        { "min_poly_points: 5", "expected a whole number 3..4" },
        { OPS "curriculum: []", "curriculum: found list, expected a map" },
        { OPS "curriculum: {phases: []}", "expected a list of phases" },
        { OPS "curriculum: {phases: [{bypass_prob: 1}]}", "one of until_step and" },
        { OPS "curriculum: {phases: [{until_step: 3}]}", "bypass_prob or ops" },
        { OPS "curriculum: {phases: [{until_percent: 0.5, bypass_prob: 1}]}",
          "percent of all steps, above 1" },
        { OPS "curriculum: {phases: [{until_percent: 101, bypass_prob: 1}]}",
          "expected a number >0..100" },
        { OPS "curriculum: {phases: [{until_step: 9, bypass_prob: 1}, {until_step: 9, "
              "bypass_prob: 0}]}", "phases[1]: found 9, expected an end behind" },
        { OPS "curriculum: {phases: [{until_step: 9, bypass_prob: 1}, {until_percent: "
              "90, bypass_prob: 0}]}", "the unit of the first phase" },
        { OPS "curriculum: {phases: [{until_step: 9, ops: {vflip: {prob: 1}}}]}",
          "found vflip, expected ops that" },
        { OPS "curriculum: {phases: [{until_step: 9, ops: {flip: {prob: 1}}}]}",
          "flip: unknown op, the nearest is hflip" },
        { OPS "curriculum: {phases: [{until_step: 9, ops: {hflip: {prob: [0, 1]}}}]}",
          "ops.hflip.prob: found list, expected a number" },
        { OPS "curriculum: {phases: [{until_step: 9, ops: {hflip: {prob: 2}}}]}",
          "found 2, expected a number 0..1" },
        { "ops: [{name: pad_to_multiple}]\ncurriculum: {phases: [{until_step: 9, ops: "
          "{pad_to_multiple: {multiple: 64}}}]}", "a curriculum cannot change it" },
        { EXPAND PHASES("{until_step: 9, ops: {expand_to_fit_affine: {max_pixels: "
                        "1023}}}"),
          "curriculum.phases[0].ops.expand_to_fit_affine: found max_pixels 1023, "
          "expected at least one square of multiple 32" },
        { EXPAND PHASES("{until_step: 9, bypass_prob: 0}, {until_step: 99, ops: "
                        "{expand_to_fit_affine: {multiple: 961}}}"),
          "phases[1].ops.expand_to_fit_affine: found max_pixels 921600" },
        { EXPAND PHASES("{until_step: 9, ops: {expand_to_fit_affine: {max_pixels: "
                        "1024}}}, {until_step: 99, ops: {expand_to_fit_affine: "
                        "{multiple: 33}}}"),
          "phases[1].ops.expand_to_fit_affine: found max_pixels 1024" },
        /* both ends are right, 3 squared of 7 between them is not */
        { "ops: [{name: expand_to_fit_affine, params: {multiple: 2, max_pixels: 4}}]\n"
          PHASES("{until_step: 9, ops: {expand_to_fit_affine: {multiple: 3, "
                 "max_pixels: 9}}}"),
          "phases[0].ops.expand_to_fit_affine: found max_pixels 4, expected at least "
          "one square of multiple 3" },
        { "ops: [{name: scale}]\n"
          PHASES("{until_step: 9, ops: {scale: {lo: 1.5}}}"),
          "phases[0].ops.scale: found lo 1.5, hi 1.1" },
        { "ops: [{name: scale}]\n"
          PHASES("{until_step: 5, ops: {scale: {lo: 1.5, hi: 2}}}, {until_step: 9, ops: "
                 "{scale: {hi: 1.25}}}"),
          "phases[1].ops.scale: found lo 1.5, hi 1.25" },
        { "ops: [{name: hflip}, {name: resize_by_scale}]\n"
          PHASES("{until_step: 9, ops: {resize_by_scale: {hi: 0.5}}}"),
          "phases[0].ops.resize_by_scale: found lo 0.8, hi 0.5" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        reading r;
        bool is_there = false;
        load(&r, cases[i].text);
        for (int k = 0; k < r.faults.n; k++)
            is_there = is_there
                       || strstr(r.faults.fault[k].msg, cases[i].part) != NULL;
        CHECK(is_there, "%s: %s", cases[i].text,
              r.faults.n > 0 ? r.faults.fault[0].msg : "no fault");
        qvl_arena_release(&r.arena);
    }
}

/* A phase that moves both of two numbers past where each of them was. */
static void test_phases_together(void)
{
    reading r;
    load(&r, "ops: [{name: scale}, {name: expand_to_fit_affine}]\n"
         PHASES("{until_step: 5, ops: {scale: {lo: 1.5, hi: 1.5}, expand_to_fit_affine: "
                "{multiple: 64, max_pixels: 4096}}}, {until_step: 9, ops: {scale: {lo: "
                "0.5, hi: 0.75}, expand_to_fit_affine: {multiple: 1}}}"));
    CHECK(r.faults.n == 0, "%s", r.faults.n > 0 ? r.faults.fault[0].msg : "");
    CHECK_INT(r.a.n_phases, 2, "phases");
    qvl_arena_release(&r.arena);
}

/* All faults in one go. */
static void test_many_faults(void)
{
    reading r;
    load(&r, "bypass_prob: x\nops:\n- {name: hflip, params: {prob: 2}}\n- {name: no}\n");
    CHECK_INT(r.faults.n, 3, "faults");
    qvl_arena_release(&r.arena);
}

/* The older places of two keys. */
static void test_older_places(void)
{
    static const char text[] = "a: {ops: [{name: hflip}]}\nb: 0.5\n"
                               "c: {phases: [{until_step: 5, bypass_prob: 0}]}\n"
                               "d: {ops: [{name: hflip}], bypass_prob: 0.25, "
                               "curriculum: {phases: [{until_step: 5, bypass_prob: 1}]}}";
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_node *root;
    qvl_augmentation a;
    qvl_faults f = { .arena = &arena };
    CHECK_OK(qvl_yaml_parse(&root, text, strlen(text), "a", &arena, &err), err);
    const qvl_node *v = root->items;
    qvl_augmentation_read(&a, &v[0], &v[2], &v[1], &f);
    CHECK(f.n == 0 && a.bypass_prob == 0.5 && a.n_phases == 1, "older places");
    qvl_augmentation_read(&a, &v[3], NULL, &v[1], &f);
    CHECK(f.n == 0 && a.bypass_prob == 0.25, "the newer place wins");
    qvl_augmentation_read(&a, &v[3], &v[2], NULL, &f);
    CHECK(f.n == 1 && strstr(f.fault[0].msg, "augmentation_curriculum") != NULL,
          "two curricula");
    qvl_augmentation_read(&a, NULL, &v[2], NULL, &f);
    CHECK(f.n == 2 && !a.is_on, "a curriculum alone");
    qvl_augmentation_read(&a, NULL, NULL, &v[1], &f);
    CHECK(f.n == 3, "bypass_prob alone");
    qvl_augmentation_read(&a, NULL, NULL, NULL, &f);
    CHECK(f.n == 3 && !a.is_on, "nothing");
    qvl_arena_release(&arena);
}

/* ---- as words ------------------------------------------------------------ */

static const char *words_of(const char *text, qvl_arena *arena)
{
    reading r;
    qvl_str out = { 0 };
    const qvl_aug_op *op = op_of(text, &r);
    if (r.a.n_phases > 0)
        qvl_aug_phase_put(&out, &r.a.phase[0]);
    else
        qvl_aug_op_put(&out, op);
    const char *copy = qvl_arena_strdup(arena, out.p);
    qvl_str_release(&out);
    qvl_arena_release(&r.arena);
    return copy;
}

#define PHASE(text) \
    "ops: [{name: rotate}, {name: random_crop}]\ncurriculum: {phases: [{" text "}]}"

/* Texts are the same where what they say is. */
static void test_words(void)
{
    static const struct {
        const char *text;
        int which;  // those of a number are one
    } cases[] = {
        { "ops: [{name: hflip}]", 0 },
        { "ops: [{name: hflip, params: {prob: 0.5}}]", 0 },
        { "ops: [{name: hflip, params: {augment_prob: '5e-1'}}]", 0 },
        { "ops: [{name: hflip, params: {prob: 0.25}}]", 1 },
        { "ops: [{name: vflip, params: {prob: 0.25}}]", 2 },
        { "ops: [{name: rotate, params: {prob: 1, max_deg: 7}}]", 3 },
        { "ops: [{name: rotate, params: {max_deg: 7, prob: 1}}]", 3 },
        { "ops: [{name: rotate, params: {max_deg: 1, prob: 1}}]", 4 },
        { "ops: [{name: random_crop}]", 5 },
        { "ops: [{name: random_crop, params: {scale: [0.5, 1]}}]", 6 },
        { "ops: [{name: random_crop, params: {scale: [0.6, 0.9]}}]", 7 },
        { "ops: [{name: random_crop, params: {skip_if_line: no}}]", 8 },
        { "ops: [{name: random_crop, params: {min_objects: 5}}]", 9 },
        { "ops: [{name: clahe}]", 10 },
        { "ops: [{name: clahe, params: {tile_grid_size: [8, 9]}}]", 11 },
        { "ops: [{name: roi_crop, params: {anchor_classes: a}}]", 12 },
        { "ops: [{name: roi_crop, params: {anchor_classes: [a, b]}}]", 13 },
        { "ops: [{name: roi_crop, params: {anchor_classes: ['a\", \"b']}}]", 14 },
        { "ops: [{name: resize_by_scale, params: {scales: [1, 2]}}]", 15 },
        { "ops: [{name: resize_by_scale, params: {scales: []}}]", 16 },
        { "ops: [{name: albumentations_color, params: {preset: strong}}]", 17 },
        { "ops: [{name: albumentations_color, params: {preset: extreme}}]", 18 },
        { PHASE("until_step: 5, bypass_prob: 0.5"), 19 },
        { PHASE("until_step: 6, bypass_prob: 0.5"), 20 },
        { PHASE("until_step: 5, bypass_prob: 0"), 21 },
        { PHASE("until_step: 5, ops: {rotate: {prob: 0}}"), 22 },
        { PHASE("until_step: 5, ops: {rotate: {max_deg: 0}}"), 23 },
        { PHASE("until_step: 5, ops: {random_crop: {scale: [0.5, 0.75]}}"), 24 },
        { PHASE("until_step: 5, ops: {random_crop: {scale: [0.5, 0.5]}}"), 25 },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        for (size_t k = 0; k <= i; k++) {
            const char *a = words_of(cases[i].text, &arena);
            const char *b = words_of(cases[k].text, &arena);
            CHECK((strcmp(a, b) == 0) == (cases[i].which == cases[k].which),
                  "case %zu |%s|, case %zu |%s|", i, a, k, b);
        }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_words), TEST(test_defaults), TEST(test_every_op),
          TEST(test_values),
          TEST(test_curriculum), TEST(test_off), TEST(test_faults),
          TEST(test_phases_together), TEST(test_many_faults), TEST(test_older_places))
