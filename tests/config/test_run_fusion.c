/* test_run_fusion.c - a run with a fusion: keys that go together, what entries have of the
 * run, the line in front of answers, the fusion as a file
 */
#include "config/fusion.h"

#include "base/file.h"
#include "base/log.h"
#include "check.h"
#include "loaded.h"

static const char *put(const char *name, const char *text)
{
    qvl_err err;
    const char *path = check_path(name);
    CHECK_OK(qvl_file_write_all(path, text, strlen(text), &err), err);
    return path;
}

/* A run with more keys of training, of custom, more sections, and a fusion that is put
 * beside it. */
static void load_run(loaded *l, const char *training, const char *custom,
                     const char *more, const char *fusion)
{
    char text[4096], key[1024] = "";
    if (strstr(custom, "fusion_config") == NULL)
        snprintf(key, sizeof key, ", fusion_config: %s", put("f.yaml", fusion));
    snprintf(text, sizeof text,
             "model: {model: m}\n"
             "template: {template: qwen3_vl, max_length: 100}\n"
             "tuner: {train_type: full}\n"
             "training: {output_dir: out, logging_dir: log, run_name: r,\n"
             "  num_train_epochs: 1, learning_rate: 1e-3%s}\n"
             "custom: {emit_norm: norm1000%s%s}\n%s",
             training, key, custom, more);
    load(l, text);
}

#define DENSE "- {dataset: bbu, train_jsonl: t, template: target_dense"
#define TARGET "targets:\n" DENSE "}\n"

static void test_none(void)
{
    loaded l;
    load_run(&l, "", ", fusion_config: , train_jsonl: t", "", TARGET);
    CHECK_OK(l.rc, l.err);
    CHECK(l.c.fusion == NULL, "null is none");
    release(&l);
}

static void test_faults(void)
{
    static const struct {
        const char *training, *custom, *fusion, *said;
    } cases[] = {
        { "", ", train_jsonl: t", TARGET, "custom.train_jsonl: found it beside" },
        { "", ", jsonl: t", TARGET, "custom.jsonl: found it beside" },
        { "", ", val_jsonl: [t]", TARGET, "custom.val_jsonl: found it beside" },
        { "", ", train_jsonl: []", TARGET, "custom.train_jsonl: found it beside" },
        { "", ", summary_ratio: 0.5", TARGET,
          "custom.summary_ratio: found it beside custom.fusion_config" },
        { "", ", fusion_config: ''", TARGET,
          "custom.fusion_config: found nothing, expected a file" },
        { "", ", fusion_config: none.yaml", TARGET, "none.yaml" },
        { "", ", fusion_config: {}", TARGET, "custom.fusion_config: found map" },
        { "", "", "targets: []\n", "f.yaml: targets: found nothing" },
        { "", "", "targets:\n" DENSE ", ratio: -1}\n",
          "f.yaml:2: targets[0].ratio: found -1" },
        { ", eval_strategy: epoch", "", TARGET, "f.yaml: found no entry with records "
          "for evaluations, expected a val_jsonl of a target, which "
          "training.eval_strategy epoch needs" },
        { ", eval_strategy: steps", "", "targets:\n" DENSE ", eval: false, "
          "val_jsonl: v}\n", "found no entry with records for evaluations" },
        { "", ", use_summary: true", TARGET, "targets[0].mode: found summary, that of "
          "the run, expected dense" },
        { "", ", use_summary: false", "targets:\n- {dataset: bbu, train_jsonl: t, "
          "template: target_summary}\n", "mode: found dense, that of the run" },
        { "", ", assistant_prefix_format: '{task}'", TARGET,
          "expected {task} in it, and one of {domain} and {dataset}" },
        { "", ", assistant_prefix_format: '{domain}'", TARGET, "expected {task} in it" },
        { "", ", assistant_prefix_format: '{task}{domain}{x}'", TARGET,
          "expected {task}, {domain} and {dataset} alone in braces" },
        { "", ", assistant_prefix_format: '{task} {domain'", TARGET, "alone in braces" },
        { "", ", assistant_prefix_format: \"{task}\\n{domain}\"", TARGET,
          "expected one line" },
        { "", ", assistant_prefix_format: '<|{task}{domain}'", TARGET,
          "begins control tokens" },
        { "", ", assistant_prefix_format: '{task} {domain}'", "targets:\n"
          "- {dataset: jsonl, train_jsonl: t, template: target_dense}\n",
          "f.yaml:2:3: jsonl: found no word for {domain}" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        load_run(&l, cases[i].training, cases[i].custom, "", cases[i].fusion);
        CHECK(l.rc != QVL_OK && strstr(said(&l), cases[i].said) != NULL,
              "case %zu: %s, wanted %s", i, l.log, cases[i].said);
        CHECK(strchr(l.err.msg, '\n') == NULL, "case %zu: one line", i);
        release(&l);
    }
    loaded l;
    load(&l, "custom: {assistant_prefix_format: '{task}{domain}', train_jsonl: t}\n");
    CHECK_HAS(said(&l), "expected nothing without custom.fusion_config", "no fusion");
    release(&l);
}

/* What entries have of the run: modes, augmentation. */
static void test_settled(void)
{
    loaded l;
    load_run(&l, "", "", "", TARGET);
    CHECK_OK(l.rc, l.err);
    CHECK_INT(l.c.fusion->n, 1, "entries");
    CHECK(!l.c.fusion->entry[0].augmentation_enabled
              && !l.c.fusion->entry[0].curriculum_enabled, "nothing to augment with");
    release(&l);
    load_run(&l, "", ", augmentation: {ops: [{name: hflip}]}", "",
             "targets:\n" DENSE "}\n" DENSE ", name: b, augmentation_enabled: no}\n");
    CHECK_OK(l.rc, l.err);
    CHECK(l.c.fusion->entry[0].augmentation_enabled, "on");
    CHECK(!l.c.fusion->entry[0].curriculum_enabled, "there is no curriculum");
    CHECK(!l.c.fusion->entry[1].augmentation_enabled, "off");
    release(&l);
    load_run(&l, "", ", augmentation: {ops: [{name: hflip}], curriculum: {phases: "
             "[{until_step: 3, bypass_prob: 0.5}]}}", "", "targets:\n" DENSE "}\n"
             DENSE ", name: b, curriculum_enabled: no}\n");
    CHECK_OK(l.rc, l.err);
    CHECK(l.c.fusion->entry[0].curriculum_enabled, "on");
    CHECK(l.c.fusion->entry[1].augmentation_enabled
              && !l.c.fusion->entry[1].curriculum_enabled, "off");
    release(&l);
    load_run(&l, "", ", use_summary: true", "", "targets:\n- {dataset: chat, "
             "train_jsonl: t, template: chatml}\n");
    CHECK_OK(l.rc, l.err);
    CHECK_INT(l.c.fusion->entry[0].mode, QVL_FUSION_SUMMARY, "that of the run");
    release(&l);
}

/* The line of each entry, "" for none. */
static void test_lines(void)
{
    static const struct {
        const char *entry, *format, *line;
    } cases[] = {
        { "dataset: bbu, template: target_dense", "<DOMAIN={domain}>, <TASK={task}>",
          "<DOMAIN=BBU>, <TASK=DETECTION>" },
        { "dataset: bbu, template: target_dense_rru-1", "{task}: {domain}",
          "DETECTION: RRU-1" },
        { "dataset: jsonl, name: a_b, template: target_summary", "{dataset} {task} {}",
          NULL },
        { "dataset: jsonl, name: 'a{task}é', template: target_summary",
          "{dataset}{task}{dataset}", "A{TASK}éSUMMARYA{TASK}é" },
        { "dataset: rru, template: target_summary, assert_answer: x",
          "{task} {domain}", "" },
        { "dataset: chat, template: chatml", "{task} {domain}", "" },
        { "dataset: jsonl, template: chatml", "{task} {domain}", "" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        char fusion[256], custom[256];
        snprintf(fusion, sizeof fusion, "targets: [{train_jsonl: t, %s}]\n",
                 cases[i].entry);
        snprintf(custom, sizeof custom, ", assistant_prefix_format: '%s'",
                 cases[i].format);
        load_run(&l, "", custom, "", fusion);
        CHECK((l.rc == QVL_OK) == (cases[i].line != NULL), "case %zu: %s", i, l.err.msg);
        if (l.rc == QVL_OK) {
            const qvl_fusion_entry *e = &l.c.fusion->entry[0];
            CHECK_STR(qvl_fusion_has_line(e)
                          ? qvl_fusion_line(e, cases[i].format, &l.arena) : "",
                      cases[i].line, "case %zu", i);
        }
        release(&l);
    }
    const qvl_fusion_entry source = { .name = "s", .pack = QVL_FUSION_PACK_DENSE };
    CHECK(!qvl_fusion_has_line(&source), "sources have none");
}

/* A fusion written as JSON loads as the same one. */
static void test_json(void)
{
    static const char all[] =
        "targets:\n"
        "- {dataset: bbu, train_jsonl: t, val_jsonl: v, template: target_dense_x,\n"
        "   ratio: 0.1, sample_without_replacement: no, seed: 0, user_prompt: 'a\"b'}\n"
        "- {dataset: chat, train_jsonl: c, template: chatml, name: C,\n"
        "   augmentation_enabled: no}\n"
        "sources:\n"
        "- {dataset: lvis, train_jsonl: s, val_jsonl: w, eval: yes, ratio: 3,\n"
        "   template: source_dense, poly_max_points: 5, max_objects_per_image: 2,\n"
        "   augmentation_enabled: yes}\n"
        "- {dataset: coco, train_jsonl: s, ratio: 1, template: source_summary,\n"
        "   prompt_choices: [a, b], system_prompt: '', assert_answer: 无}\n";
    for (int i = 0; i < 2; i++) {
        qvl_arena arena = { 0 };
        qvl_err err = { 0 };
        qvl_fusion a, b;
        qvl_str one = { 0 }, two = { 0 };
        const char *path = put("all.yaml", i == 0 ? all : TARGET);
        CHECK_OK(qvl_fusion_load(&a, path, -1, &arena, &err), err);
        qvl_fusion_json(&one, &a, &arena);
        CHECK_OK(qvl_fusion_load(&b, put("all.json", one.p), -1, &arena, &err), err);
        qvl_fusion_json(&two, &b, &arena);
        CHECK_STR(two.p, one.p, "again");
        CHECK_INT(b.n, a.n, "entries");
        CHECK_INT(b.n_targets, a.n_targets, "targets");
        for (int k = 0; k < a.n; k++) {
            const qvl_fusion_entry *x = &a.entry[k], *y = &b.entry[k];
            CHECK(x->dataset == y->dataset && strcmp(x->name, y->name) == 0
                      && x->ratio == y->ratio && x->mode == y->mode
                      && x->seed == y->seed && x->eval == y->eval
                      && x->max_objects_per_image == y->max_objects_per_image
                      && x->poly_fallback == y->poly_fallback
                      && x->poly_max_points == y->poly_max_points
                      && x->augmentation_enabled == y->augmentation_enabled
                      && x->curriculum_enabled == y->curriculum_enabled
                      && x->prompt_choices.n == y->prompt_choices.n
                      && x->sample_without_replacement
                             == y->sample_without_replacement, "entry %d", k);
        }
        qvl_str_release(&one);
        qvl_str_release(&two);
        qvl_arena_release(&arena);
    }
}

RUN_TESTS(TEST(test_none), TEST(test_faults), TEST(test_settled),
          TEST(test_lines), TEST(test_json))
