/* test_fusion.c - entries of a fusion: keys, files that extend others, rules, faults */
#include "config/fusion.h"

#include <math.h>

#include "base/file.h"
#include "base/log.h"
#include "check.h"

typedef struct {
    qvl_arena arena;
    qvl_err err;
    qvl_fusion f;
    int rc;
    char log[16384];
} loaded;

static void keep(void *ctx, int level, const char *text)
{
    loaded *l = ctx;
    size_t n = strlen(l->log);
    snprintf(l->log + n, sizeof l->log - n, "%d %s\n", level, text);
}

static const char *put(const char *name, const char *text)
{
    qvl_err err;
    const char *path = check_path(name);
    CHECK_OK(qvl_file_write_all(path, text, strlen(text), &err), err);
    return path;
}

static void load_file(loaded *l, const char *path, int mode)
{
    *l = (loaded){ 0 };
    qvl_log_set_sink(keep, l, QVL_LOG_WARN);
    l->rc = qvl_fusion_load(&l->f, path, mode, &l->arena, &l->err);
    qvl_log_set_sink(NULL, NULL, 0);
}

static void load(loaded *l, const char *text)
{
    load_file(l, put("fusion.yaml", text), -1);
}

static void release(loaded *l)
{
    qvl_arena_release(&l->arena);
}

#define TARGET "targets:\n- {dataset: bbu, train_jsonl: t.jsonl, " \
               "template: target_dense"
#define SOURCE "}\nsources:\n- {dataset: lvis, train_jsonl: s.jsonl, "           \
               "template: source_dense, ratio: 0.1"
/* keys of the target, of the source, what comes behind */
#define FUSION(target, source, more) TARGET target SOURCE source "}\n" more

/* ---- keys ---------------------------------------------------------------- */

static void test_defaults(void)
{
    loaded l;
    load(&l, FUSION("", "", ""));
    CHECK_OK(l.rc, l.err);
    CHECK_STR(l.log, "", "nothing to report");
    CHECK_INT(l.f.n, 2, "entries");
    CHECK_INT(l.f.n_targets, 1, "targets");
    CHECK_INT(l.f.files.n, 1, "files");
    for (int i = 0; i < 2; i++) {
        const qvl_fusion_entry *e = &l.f.entry[i];
        CHECK(e->is_target == (i == 0), "entry %d", i);
        CHECK_STR(e->name, i == 0 ? "bbu" : "lvis", "name");
        CHECK_NEAR(e->ratio, i == 0 ? 1 : 0.1, 0, "ratio %d", i);
        CHECK(e->sample_without_replacement, "replacement %d", i);
        CHECK(e->augmentation_enabled == (i == 0), "augmentation %d", i);
        CHECK(e->curriculum_enabled == (i == 0), "curriculum %d", i);
        CHECK_INT(e->max_objects_per_image, i == 0 ? 0 : 64, "cap %d", i);
        CHECK(e->eval == (i == 0), "eval %d", i);
        CHECK_INT(e->seed, -1, "seed %d", i);
        CHECK_INT(e->mode, QVL_FUSION_DENSE, "mode %d", i);
        CHECK(!e->use_summary, "use_summary %d", i);
        CHECK_INT(e->poly_fallback, QVL_FUSION_POLY_OFF, "polygons %d", i);
        CHECK_INT(e->poly_max_points, 0, "points %d", i);
        CHECK(e->val_jsonl == NULL && e->user_prompt == NULL
              && e->system_prompt == NULL && e->assert_answer == NULL
              && e->prompt_choices.n == 0 && e->domain == NULL, "unset %d", i);
        CHECK_INT(e->node->line, i == 0 ? 2 : 4, "line %d", i);
    }
    CHECK_INT(l.f.entry[0].pack, QVL_FUSION_PACK_DENSE, "pack");
    CHECK_INT(l.f.entry[1].pack, QVL_FUSION_PACK_AUXILIARY, "pack");
    release(&l);
}

/* Every key with a value that is not its preset. */
#define ALL_KEYS                                                              \
    "sources:\n"                                                              \
    "- dataset: flickr3k\n"                                                   \
    "  name: flowers\n"                                                       \
    "  train_jsonl: a/t.jsonl\n"                                              \
    "  val_jsonl: a/v.jsonl\n"                                                \
    "  template: source_summary_x-1\n"                                        \
    "  mode: Summary\n"                                                       \
    "  use_summary: 'on'\n"                                                   \
    "  ratio: 1e-1\n"                                                         \
    "  sample_without_replacement: no\n"                                      \
    "  augmentation_enabled: yes\n"                                           \
    "  curriculum_enabled: 1\n"                                               \
    "  max_objects_per_image: '7'\n"                                          \
    "  system_prompt: system\n"                                               \
    "  prompt_choices: [one, %s]\n"                                           \
    "  assert_answer: 无关图片\n"                                             \
    "  seed: 0\n"                                                             \
    "  poly_fallback: bbox_2d\n"                                              \
    "  poly_max_points: 12\n"                                                 \
    "  eval: true\n"                                                          \
    "- {dataset: coco, train_jsonl: t, template: source_dense, ratio: 0,\n"   \
    "   user_prompt: %s}\n"                                                   \
    "targets: [{dataset: jsonl, train_jsonl: t, template: target_dense}]\n"

static void test_every_key(void)
{
    loaded l;
    char text[2000];
    const char *prompt = put("two.txt", "two\nlines\n");
    snprintf(text, sizeof text, ALL_KEYS, prompt, prompt);
#define KEY(name, type, target, source, rule)                                 \
    CHECK_HAS(text, " " #name ":", "a key that no test reads");
#include "config/fusion_keys.def"
#undef KEY
    load(&l, text);
    CHECK_OK(l.rc, l.err);
    const qvl_fusion_entry *e = &l.f.entry[1];
    CHECK_INT(e->dataset, QVL_FUSION_FLICKR3K, "dataset");
    CHECK_STR(e->name, "flowers", "name");
    CHECK_STR(e->train_jsonl, "a/t.jsonl", "train_jsonl");
    CHECK_STR(e->val_jsonl, "a/v.jsonl", "val_jsonl");
    CHECK_STR(e->template, "source_summary_x-1", "template");
    CHECK_STR(e->domain, "x-1", "domain");
    CHECK_INT(e->pack, QVL_FUSION_PACK_SUMMARY, "pack");
    CHECK_INT(e->mode, QVL_FUSION_SUMMARY, "mode");
    CHECK(e->use_summary, "use_summary");
    CHECK_NEAR(e->ratio, 0.1, 0, "ratio");
    CHECK(!e->sample_without_replacement, "sample_without_replacement");
    CHECK(e->augmentation_enabled && e->curriculum_enabled, "augmentation");
    CHECK_INT(e->max_objects_per_image, 7, "max_objects_per_image");
    CHECK_STR(e->system_prompt, "system", "system_prompt");
    CHECK_INT(e->prompt_choices.n, 2, "prompt_choices");
    CHECK_STR(e->prompt_choices.v[0], "one", "prompt_choices[0]");
    CHECK_STR(e->prompt_choices.v[1], "two\nlines", "prompt_choices[1]");
    CHECK_STR(e->assert_answer, "无关图片", "assert_answer");
    CHECK_INT(e->seed, 0, "seed");
    CHECK_INT(e->poly_fallback, QVL_FUSION_POLY_BOX, "poly_fallback");
    CHECK_INT(e->poly_max_points, 12, "poly_max_points");
    CHECK(e->eval, "eval");
    CHECK_STR(l.f.entry[2].user_prompt, "two\nlines", "user_prompt");
    CHECK_HAS(l.log, "sources[1] has no effect", "ratio 0");
    CHECK(l.f.entry[0].is_target && l.f.n == 3, "targets come first");
    release(&l);
}

/* null asks for the preset. */
static void test_null(void)
{
    loaded l;
    load(&l, FUSION(", ratio: ~, mode: null, eval: Null", ", seed: ~, "
                    "max_objects_per_image: null, poly_fallback: ~", ""));
    CHECK_OK(l.rc, l.err);
    CHECK_NEAR(l.f.entry[0].ratio, 1, 0, "ratio");
    CHECK_INT(l.f.entry[1].max_objects_per_image, 64, "cap");
    release(&l);
}

static void test_templates(void)
{
    static const struct {
        const char *text;
        qvl_fusion_pack pack;
        int mode;
        const char *domain;
    } cases[] = {
        { "target_dense", QVL_FUSION_PACK_DENSE, 0, NULL },
        { "target_dense_bbu", QVL_FUSION_PACK_DENSE, 0, "bbu" },
        { "target_summary", QVL_FUSION_PACK_SUMMARY, 1, NULL },
        { "target_summary_a_b", QVL_FUSION_PACK_SUMMARY, 1, "a_b" },
        { "source_dense", QVL_FUSION_PACK_AUXILIARY, 0, NULL },
        { "source_dense_x", QVL_FUSION_PACK_AUXILIARY, 0, "x" },
        { "source_summary", QVL_FUSION_PACK_SUMMARY, 1, NULL },
        { "summary", QVL_FUSION_PACK_SUMMARY, 1, NULL },
        { "summary_rru", QVL_FUSION_PACK_SUMMARY, 1, "rru" },
        { "chatml", QVL_FUSION_PACK_NONE, 0, NULL },
    };
    char text[200];
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        snprintf(text, sizeof text, "targets: [{dataset: jsonl, train_jsonl: t, "
                 "template: %s}]\n", cases[i].text);
        load(&l, text);
        CHECK_OK(l.rc, l.err);
        CHECK_INT(l.f.entry[0].pack, cases[i].pack, "%s", cases[i].text);
        CHECK_INT(l.f.entry[0].mode, cases[i].mode, "%s", cases[i].text);
        CHECK_STR(l.f.entry[0].domain, cases[i].domain, "%s", cases[i].text);
        release(&l);
    }
}

/* The mode of the run is that of entries that name none. */
static void test_modes(void)
{
    static const struct {
        const char *keys;
        int run;
        int mode;  // -1: refused
    } cases[] = {
        { "template: target_dense", QVL_FUSION_DENSE, 0 },
        { "template: target_dense", QVL_FUSION_SUMMARY, -1 },
        { "template: target_dense, mode: dense", QVL_FUSION_SUMMARY, 0 },
        { "template: target_dense, use_summary: false", QVL_FUSION_SUMMARY, 0 },
        { "template: target_summary", QVL_FUSION_SUMMARY, 1 },
        { "template: target_summary", QVL_FUSION_DENSE, -1 },
        { "template: target_summary, use_summary: yes", QVL_FUSION_DENSE, 1 },
        { "template: target_summary, mode: summary", -1, 1 },
        { "template: target_summary, mode: dense", -1, -1 },
        { "template: summary_x, use_summary: false", -1, -1 },
        { "template: target_dense, mode: dense, use_summary: 1", -1, -1 },
        { "template: target_dense, mode: dense, use_summary: 0", -1, 0 },
        { "template: chatml", QVL_FUSION_SUMMARY, 1 },
        { "template: chatml, mode: dense", QVL_FUSION_SUMMARY, 0 },
    };
    char text[200];
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        snprintf(text, sizeof text, "targets: [{dataset: jsonl, train_jsonl: t, "
                 "%s}]\n", cases[i].keys);
        load_file(&l, put("mode.yaml", text), cases[i].run);
        CHECK_INT(l.rc, cases[i].mode < 0 ? QVL_E_CONFIG : QVL_OK, "case %zu", i);
        if (l.rc == QVL_OK)
            CHECK_INT(l.f.entry[0].mode, cases[i].mode, "case %zu", i);
        release(&l);
    }
}

/* What follows from other keys. */
static void test_settled(void)
{
    loaded l;
    load(&l, FUSION(", augmentation_enabled: false, poly_max_points: 3",
                    ", poly_fallback: bbox_2d, augmentation_enabled: true",
                    "- {dataset: chat, train_jsonl: c, template: chatml, "
                    "ratio: 1}\n"
                    "- {dataset: rru, train_jsonl: c, template: summary, "
                    "ratio: 1, val_jsonl: v}\n"));
    CHECK_OK(l.rc, l.err);
    const qvl_fusion_entry *e = l.f.entry;
    CHECK(!e[0].curriculum_enabled, "no curriculum without augmentation");
    CHECK_INT(e[0].poly_fallback, QVL_FUSION_POLY_BOX, "points alone");
    CHECK_INT(e[0].poly_max_points, 3, "points alone");
    CHECK_INT(e[1].poly_fallback, QVL_FUSION_POLY_BOX, "all polygons");
    CHECK_INT(e[1].poly_max_points, 0, "all polygons");
    CHECK(e[1].augmentation_enabled && !e[1].curriculum_enabled, "of a source");
    CHECK_INT(e[2].max_objects_per_image, 0, "cap of chat");
    CHECK_INT(e[3].mode, QVL_FUSION_SUMMARY, "as the template has it");
    CHECK_HAS(l.log, "sources[2].val_jsonl has no effect", "not evaluated");
    release(&l);
}

/* ---- files that extend others -------------------------------------------- */

static void check_entry(const loaded *l, int i, const char *name,
                        const char *file, double ratio)
{
    CHECK(i < l->f.n, "entry %d of %d", i, l->f.n);
    const qvl_fusion_entry *e = &l->f.entry[i];
    CHECK_STR(e->name, name, "entry %d", i);
    CHECK_STR(e->train_jsonl, file, "%s", name);
    CHECK_NEAR(e->ratio, ratio, 0, "%s", name);
}

#define BASE                                                                  \
    "targets:\n"                                                              \
    "- {name: a, dataset: bbu, train_jsonl: a0, template: target_dense}\n"    \
    "- {dataset: rru, train_jsonl: r0, template: target_dense, ratio: 2}\n"   \
    "sources:\n"                                                              \
    "- {dataset: lvis, train_jsonl: l0, template: source_dense, ratio: 0.5}\n"

static void test_extends(void)
{
    loaded l;
    put("base.yaml", BASE);
    put("over.yaml",
        "extends: base.yaml\n"
        "targets:\n"
        "- {name: new, dataset: bbu, train_jsonl: n1, template: target_dense}\n"
        "- {dataset: rru, train_jsonl: r1}\n"
        "- {name: a, ratio: 3}\n");
    load_file(&l, check_path("over.yaml"), -1);
    CHECK_OK(l.rc, l.err);
    CHECK_INT(l.f.n, 4, "entries");
    CHECK_INT(l.f.n_targets, 3, "targets");
    check_entry(&l, 0, "a", "a0", 3);
    check_entry(&l, 1, "rru", "r1", 2);
    check_entry(&l, 2, "new", "n1", 1);
    check_entry(&l, 3, "lvis", "l0", 0.5);
    CHECK_INT(l.f.files.n, 2, "files");
    release(&l);

    /* one more level; a list that is cleared; an entry by the name it got */
    load_file(&l, put("top.yaml",
                      "extends: [over.yaml]\nsources: []\n"
                      "targets: [{name: new, ratio: 0.25}]\n"), -1);
    CHECK_OK(l.rc, l.err);
    CHECK_INT(l.f.n, 3, "no sources");
    check_entry(&l, 2, "new", "n1", 0.25);
    release(&l);

    /* cleared, and begun again behind it: nothing of the first is left */
    put("clear.yaml", "extends: base.yaml\ntargets: []\n");
    load_file(&l, put("again.yaml", "extends: clear.yaml\ntargets:\n"
                      "- {dataset: rru, train_jsonl: r2, "
                      "template: target_dense}\n"), -1);
    CHECK_OK(l.rc, l.err);
    check_entry(&l, 0, "rru", "r2", 1);
    CHECK_INT(l.f.n_targets, 1, "of the base none");
    release(&l);
    load_file(&l, check_path("clear.yaml"), -1);
    CHECK_FAILS(l.rc, QVL_E_CONFIG, l.err, "targets: found nothing");
    release(&l);
}

/* Two parents merge in their order; a file that both have comes once. */
static void test_parents(void)
{
    loaded l;
    put("base.yaml", BASE);
    put("p.yaml", "extends: base.yaml\ntargets: [{name: a, ratio: 7, seed: 1}]\n");
    put("q.yaml", "extends: base.yaml\ntargets: [{name: a, ratio: 8}]\n");
    load_file(&l, put("pq.yaml", "extends: [p.yaml, q.yaml]\n"), -1);
    CHECK_OK(l.rc, l.err);
    CHECK_INT(l.f.n, 3, "entries");
    check_entry(&l, 0, "a", "a0", 8);
    CHECK_INT(l.f.entry[0].seed, 1, "of the first");
    CHECK_INT(l.f.files.n, 4, "files");
    release(&l);
    put("x.yaml", "extends: y.yaml\n");
    load_file(&l, put("y.yaml", "extends: x.yaml\n"), -1);
    CHECK_FAILS(l.rc, QVL_E_CONFIG, l.err, "found a cycle");
    release(&l);
    load_file(&l, put("z.yaml", "extends: nothing.yaml\n"), -1);
    CHECK_FAILS(l.rc, QVL_E_IO, l.err, "nothing.yaml");
    release(&l);
}

static void test_json(void)
{
    loaded l;
    put("base.json",
        "{\n\t\"targets\": [\n\t\t{\"dataset\": \"bbu\", \"train_jsonl\": \"j\",\n"
        "\t\t \"template\": \"target_dense\", \"ratio\": 1.5}]}\n");
    load_file(&l, put("j.yaml", "extends: base.json\n"
                      "targets: [{dataset: bbu, seed: 3}]\n"), -1);
    CHECK_OK(l.rc, l.err);
    check_entry(&l, 0, "bbu", "j", 1.5);
    CHECK_INT(l.f.entry[0].seed, 3, "of the YAML");
    release(&l);
    load_file(&l, put("k.json", "{\"extends\": \"base.json\", \"targets\": "
                      "[{\"dataset\": \"bbu\", \"rato\": 1}]}"), -1);
    CHECK_FAILS(l.rc, QVL_E_CONFIG, l.err, "k.json:1: targets[0].rato");
    release(&l);
    load_file(&l, put("broken.json", "{\"targets\": [}\n"), -1);
    CHECK_FAILS(l.rc, QVL_E_CONFIG, l.err, "broken.json:1:14");
    release(&l);
    load_file(&l, put("list.json", "[]"), -1);
    CHECK_FAILS(l.rc, QVL_E_CONFIG, l.err, "found list, expected a map");
    release(&l);
}

/* ---- faults -------------------------------------------------------------- */

#define ENTRY(keys) "targets:\n- {dataset: bbu, train_jsonl: t" keys "}\n"
#define CHAT(keys) "targets:\n- {dataset: chat, train_jsonl: t, template: chatml" \
                   keys "}\n"

static void test_faults(void)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "", "fusion.yaml: targets: found nothing, expected at least one" },
        { "targets:\n", "targets: found nothing" },
        { "targets: []\n", "targets: found nothing" },
        { "targets: {dataset: bbu}\n", ":1: targets: found map, expected a list" },
        { "sources: 5\ntargets: 1\n", ":1: sources: found integer" },
        { "target: {dataset: bbu}\n", ":1: target: unknown key, expected targets" },
        { FUSION("", "", "source: []\n"), "source: unknown key, expected sources" },
        { FUSION("", "", "inherit: a\n"), "inherit: unknown key, the nearest is "
                                          "extends" },
        { FUSION("", "", "tragets: []\n"), "tragets: unknown key, the nearest is "
                                           "targets" },
        { FUSION("", "", "- x\n"), ":5: sources[1]: found string, expected a map" },
        { FUSION(", rato: 1", "", ""), ":2: targets[0].rato: unknown key, the "
                                       "nearest is targets[0].ratio" },
        { FUSION("", ", xyzzy: 1", ""), ":4: sources[0].xyzzy: unknown key" },
        { FUSION("", ", a.ratio: 1", ""), "sources[0].a.ratio: unknown key" },
        /* needed */
        { "targets:\n- {train_jsonl: t, template: target_dense}\n",
          ":2: targets[0].dataset: found nothing" },
        { "targets:\n- {dataset: bbu, template: target_dense}\n",
          "targets[0].train_jsonl: found nothing" },
        { "targets:\n- {dataset: bbu, train_jsonl: '', template: target_dense}\n",
          "targets[0].train_jsonl: found nothing, expected a text that is not" },
        { ENTRY(""), "targets[0].template: found nothing" },
        { ENTRY(", template: ~"), "targets[0].template: found null" },
        { FUSION("", ", ratio: ~", ""), "key" },  // twice in one map: YAML
        { TARGET "}\nsources: [{dataset: coco, train_jsonl: s, template: "
          "source_dense}]\n", ":3: sources[0].ratio: found nothing" },
        /* values */
        { "targets: [{dataset: vg, train_jsonl: t, template: target_dense}]\n",
          "targets[0].dataset: found vg, expected one of bbu, rru" },
        { FUSION(", ratio: -0.5", "", ""), "targets[0].ratio: found -0.5" },
        { FUSION(", ratio: .inf", "", ""), "targets[0].ratio: found .inf" },
        { FUSION(", ratio: .nan", "", ""), "targets[0].ratio: found .nan" },
        { FUSION(", ratio: true", "", ""), "targets[0].ratio: found true" },
        { FUSION(", max_objects_per_image: 0", "", ""), "image: found 0" },
        { FUSION(", max_objects_per_image: 2.5", "", ""), "image: found 2.5" },
        { FUSION(", seed: -1", "", ""), "seed: found -1" },
        { FUSION(", eval: maybe", "", ""), "eval: found maybe" },
        { FUSION(", mode: auto", "", ""), "mode: found auto, expected one of "
                                          "dense, summary" },
        { FUSION(", name: ''", "", ""), "targets[0].name: found nothing" },
        { FUSION(", name: [a]", "", ""), "targets[0].name: found list" },
        { FUSION(", user_prompt: none.txt", "", ""), "user_prompt: " },
        { FUSION(", prompt_choices: [a, none.txt]", "", ""), "prompt_choices: " },
        { FUSION(", prompt_choices: {a: b}", "", ""), "prompt_choices: found map" },
        { FUSION(", poly_max_points: 2", "", ""), "poly_max_points: found 2" },
        { FUSION(", poly_fallback: rect", "", ""), "poly_fallback: found rect" },
        /* templates */
        { ENTRY(", template: target_dens"), "template: found target_dens, expected"
          " one of target_dense[_DOMAIN], " },
        { ENTRY(", template: target_dens"), "the nearest is target_dense" },
        { ENTRY(", template: target_dense_"), "found target_dense_," },
        { ENTRY(", template: target_densebbu"), "found target_densebbu," },
        { ENTRY(", template: 'target_dense_b u'"), "found target_dense_b u," },
        { ENTRY(", template: dense"), "found dense," },
        { CHAT("_x"), "found chatml_x," },
        { ENTRY(", template: chatml"), "targets[0].dataset: found bbu, expected "
                                       "chat or jsonl" },
        { "targets: [{dataset: chat, train_jsonl: t, template: summary_a}]\n",
          "targets[0].template: found summary_a, expected chatml" },
        /* between keys */
        { FUSION(", mode: summary", "", ""), "targets[0].mode: found summary, "
          "expected dense, which template target_dense is for" },
        { FUSION(", use_summary: true", "", ""), "targets[0].mode: found summary" },
        { ENTRY(", template: summary, mode: summary, use_summary: false"),
          "use_summary: found false, expected what mode summary says" },
        { FUSION("", ", curriculum_enabled: true", ""),
          "sources[0].curriculum_enabled: found true" },
        { FUSION(", augmentation_enabled: no, curriculum_enabled: yes", "", ""),
          "targets[0].curriculum_enabled: found true" },
        { FUSION(", user_prompt: a, prompt_choices: [b]", "", ""),
          "prompt_choices: found it beside user_prompt" },
        { FUSION(", assert_answer: a", "", ""), "assert_answer: found it with mode "
                                                "dense" },
        { ENTRY(", template: summary, assert_answer: ''"),
          "assert_answer: found nothing" },
        { FUSION(", poly_fallback: off, poly_max_points: 4", "", ""),
          "poly_max_points: found 4, expected null" },
        { FUSION(", eval: true", "", ""), "targets[0].eval: found true" },
        { FUSION("", ", eval: true", ""), "sources[0].eval: found true" },
        { FUSION(", val_jsonl: ''", "", ""), "val_jsonl: found nothing" },
        { CHAT(", max_objects_per_image: 3"), "image: found it with conversations" },
        { CHAT(", poly_max_points: 3"), "points: found it with conversations" },
        { CHAT(", poly_fallback: bbox_2d"), "poly_fallback: found bbox_2d with" },
        { CHAT(", user_prompt: a"), "user_prompt: found it with conversations" },
        { CHAT(", system_prompt: a"), "system_prompt: found it with" },
        { CHAT(", prompt_choices: a"), "prompt_choices: found it with" },
        { CHAT(", assert_answer: a"), "assert_answer: found it with" },
        /* names */
        { FUSION("", ", name: bbu", ""), ":4: sources[0].name: found bbu, which "
                                         "targets[0] (" },
        { FUSION(", name: a", ", name: A", ""), "sources[0].name: found A" },
        { FUSION("", "", "- {dataset: lvis, train_jsonl: t, ratio: 1, template: "
                         "source_dense}\n"), "sources[1].name: found lvis" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        load(&l, cases[i].text);
        CHECK(l.rc == QVL_E_CONFIG, "case %zu: %s", i, cases[i].part);
        bool is_told = strstr(l.err.msg, cases[i].part) != NULL
                       || strstr(l.log, cases[i].part) != NULL;
        CHECK(is_told, "case %zu: %s lacks %s", i, l.err.msg, cases[i].part);
        release(&l);
    }
}

/* What is right beside it is no fault. */
static void test_no_faults(void)
{
    static const char *const cases[] = {
        FUSION(", poly_fallback: off, poly_max_points: ~", "", ""),
        FUSION(", user_prompt: a, prompt_choices: []", "", ""),
        FUSION(", name: a", ", name: b", ""),
        FUSION(", eval: false, val_jsonl: v", ", eval: true, val_jsonl: v", ""),
        FUSION(", prompt_choices: alone", "", ""),
        CHAT(", augmentation_enabled: false, poly_fallback: off, mode: dense"),
        "targets:\n- {dataset: jsonl, train_jsonl: t, template: chatml}\nsources:\n",
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        load(&l, cases[i]);
        CHECK(l.rc == QVL_OK, "case %zu: %s", i, l.err.msg);
        CHECK_STR(l.log, "", "case %zu", i);
        release(&l);
    }
}

/* All of them in one go, each with its line. */
static void test_many_faults(void)
{
    static const char *const parts[] = {
        "fusion.yaml:1: what: unknown key",
        "fusion.yaml:3: targets[0].ratio: found no",
        "fusion.yaml:4: targets[0].sed: unknown key",
        "fusion.yaml:2: targets[0].template: found nothing",
        "fusion.yaml:6: sources[0].ratio: found -1",
        "fusion.yaml:7: sources[0].mode: found summary",
    };
    loaded l;
    load(&l, "what: 1\n"
             "targets: [{dataset: bbu, train_jsonl: t,\n"
             "  ratio: no,\n"
             "  sed: 1}]\n"
             "sources: [{dataset: coco, train_jsonl: t, template: source_dense,\n"
             "  ratio: -1,\n"
             "  mode: summary}]\n");
    CHECK_INT(l.rc, QVL_E_CONFIG, "faults");
    size_t n = strlen(l.log);
    snprintf(l.log + n, sizeof l.log - n, "%s\n", l.err.msg);
    for (size_t i = 0; i < QVL_COUNT(parts); i++)
        CHECK_HAS(l.log, parts[i], "fault %zu", i);
    release(&l);

    /* a mode that is none has no second fault */
    load_file(&l, put("mode.yaml", ENTRY(", template: summary, mode: x")),
              QVL_FUSION_DENSE);
    CHECK_FAILS(l.rc, QVL_E_CONFIG, l.err, "mode: found x");
    CHECK_STR(l.log, "", "more faults");
    release(&l);
}

/* Nothing is set when it fails. */
static void test_unchanged(void)
{
    loaded l;
    qvl_fusion f = { .n = 77 };
    qvl_arena arena = { 0 };
    load(&l, FUSION("", "", ""));
    CHECK_OK(l.rc, l.err);
    CHECK_INT(qvl_fusion_load(&f, put("bad.yaml", "targets: 1\n"), -1, &arena,
                              NULL), QVL_E_CONFIG, "without err");
    CHECK_INT(f.n, 77, "changed");
    qvl_arena_release(&arena);
    release(&l);
}

RUN_TESTS(TEST(test_defaults), TEST(test_every_key), TEST(test_null),
          TEST(test_templates), TEST(test_modes), TEST(test_settled),
          TEST(test_extends), TEST(test_parents), TEST(test_json),
          TEST(test_faults), TEST(test_no_faults), TEST(test_many_faults),
          TEST(test_unchanged))
