/* test_run_config.c - keys of a run: defaults, types, flags over files, all faults at
 * once
 */
#include "config/run_config.h"

#include <math.h>

#include "base/file.h"
#include "base/json.h"
#include "check.h"
#include "config/schema.h"
#include "loaded.h"

/* A configuration that has what it needs; line 9 is the first free one. */
#define LEAST                                                                 \
    "model: {model: m}\n"                                                     \
    "template: {template: qwen3_vl, max_length: 100}\n"                       \
    "tuner: {train_type: full}\n"                                             \
    "training:\n"                                                             \
    "  {output_dir: out, logging_dir: log, run_name: r, num_train_epochs: 1,\n" \
    "   learning_rate: 1e-3"

#define REST "}\ncustom: {train_jsonl: t.jsonl, emit_norm: norm1000"

/* training keys, custom keys, more */
#define CONFIG(training, custom, more)                                        \
    LEAST training REST custom "}\n" more

/* ---- values -------------------------------------------------------------- */

static void test_defaults(void)
{
    loaded l;
    load(&l, CONFIG("", "", ""));
    CHECK_OK(l.rc, l.err);
    CHECK_STR(l.log, "", "nothing to report");
    CHECK_STR(l.c.training.output_dir, "out/r", "output_dir");
    CHECK_STR(l.c.training.logging_dir, "log/r", "logging_dir");
    CHECK_INT(l.c.model.torch_dtype, QVL_CONFIG_BF16, "dtype");
    CHECK_INT(l.c.model.max_model_len, 100, "max_model_len");
    CHECK_INT(l.c.training.gradient_accumulation_steps, 16, "accumulation");
    CHECK_INT(l.c.training.data_seed, 42, "data_seed");
    CHECK_INT(l.c.training.save_strategy, QVL_WHEN_STEPS, "save_strategy");
    CHECK_INT(l.c.training.eval_strategy, QVL_WHEN_NO, "eval_strategy");
    CHECK_INT(l.c.training.greater_is_better, QVL_BEST_LOWER, "loss");
    CHECK_INT(l.c.training.max_shard_size, 5000000000, "5GB");
    CHECK_NEAR(l.c.training.vit_lr, 1e-3, 0, "vit_lr");
    CHECK_NEAR(l.c.training.save_steps, 500, 0, "save_steps");
    CHECK_NEAR(l.c.training.adam_beta2, 0.95, 0, "adam_beta2");
    CHECK_NEAR(l.c.lr.min_lr, -1, 0, "not given");
    CHECK(l.c.tuner.freeze_vit && l.c.tuner.freeze_aligner
          && !l.c.tuner.freeze_llm, "freezing");
    CHECK_INT(l.c.custom.train_jsonl.n, 1, "a text is a list of one");
    CHECK_STR(l.c.custom.train_jsonl.v[0], "t.jsonl", "train_jsonl");
    CHECK(l.c.prompts.system == NULL && l.c.runtime.device == NULL, "unset");
    release(&l);
}

static void test_words(void)
{
    static const struct {
        const char *text, *path, *word;
    } cases[] = {
        { CONFIG(", save_strategy: no", "", ""), "training.save_strategy",
          "no" },
        { CONFIG(", save_strategy: NO", "", ""), "training.save_strategy",
          "no" },
        { CONFIG(", save_strategy: epoch", "", ""), "training.save_strategy",
          "epoch" },
        { CONFIG(", optim: adamw_torch_fused", "", ""), "training.optim",
          "adamw" },
        { CONFIG("", ", json_format: standard", ""), "custom.json_format",
          "standard" },
        { CONFIG("", ", object_ordering_policy: aabb_center", ""),
          "custom.object_ordering_policy", "center_tlbr" },
        { CONFIG(", greater_is_better: false", "", ""),
          "training.greater_is_better", "false" },
        { CONFIG(", metric_for_best_model: eval_bbu_loss", "", ""),
          "training.greater_is_better", "false" },
        { CONFIG(", metric_for_best_model: glossary_token_acc", "", ""),
          "training.greater_is_better", "true" },
        { CONFIG(", metric_for_best_model: eval/token_accuracy", "", ""),
          "training.greater_is_better", "true" },
        { CONFIG(", bf16: true", "", ""), "model.torch_dtype", "bfloat16" },
        { CONFIG(", fp16: 'yes'", "", ""), "model.torch_dtype", "float16" },
        { CONFIG(", vit_lr: 1e-4", "", ""), "training.optimizer",
          "multimodal" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        load(&l, cases[i].text);
        CHECK_OK(l.rc, l.err);
        CHECK_STR(qvl_run_config_word(&l.c, cases[i].path, &l.arena),
                  cases[i].word, "case %zu", i);
        release(&l);
    }
}

static void test_numbers(void)
{
    static const struct {
        const char *text;
        double wanted;  // of weight_decay
    } cases[] = {
        { ", weight_decay: 1", 1 },      { ", weight_decay: 1e-2", 0.01 },
        { ", weight_decay: '0.5'", 0.5 }, { ", weight_decay: '3'", 3 },
        { ", weight_decay: 0x10", 16 },  { ", weight_decay: ~", 0.1 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        char text[1024];
        snprintf(text, sizeof text, CONFIG("%s", "", ""), cases[i].text);
        load(&l, text);
        CHECK_OK(l.rc, l.err);
        CHECK_NEAR(l.c.training.weight_decay, cases[i].wanted, 0, "case %s",
                   cases[i].text);
        release(&l);
    }
}

static void test_bools(void)
{
    static const char *const on[] = { "true", "yes", "on", "1", "'1'", "Y",
                                      "'TRUE'" };
    static const char *const off[] = { "false", "no", "off", "0", "'false'",
                                       "n" };
    for (size_t i = 0; i < QVL_COUNT(on) + QVL_COUNT(off); i++) {
        bool wanted = i < QVL_COUNT(on);
        const char *word = wanted ? on[i] : off[i - QVL_COUNT(on)];
        loaded l;
        char text[1024];
        snprintf(text, sizeof text, CONFIG(", add_version: %s", "", ""), word);
        load(&l, text);
        CHECK_OK(l.rc, l.err);
        CHECK(l.c.training.add_version == wanted, "case %s", word);
        release(&l);
    }
}

static void test_prompts(void)
{
    qvl_err err;
    loaded l;
    char text[2048];
    const char *file = check_path("ask.txt");
    CHECK_OK(qvl_file_write_all(file, "Detect.\nAll.\n\n", 14, &err), err);
    snprintf(text, sizeof text,
             CONFIG("", "", "prompts: {system: '', user: %s}\n"), file);
    load(&l, text);
    CHECK_OK(l.rc, l.err);
    CHECK_STR(l.c.prompts.system, "", "no system turn");
    CHECK_STR(l.c.prompts.user, "Detect.\nAll.", "text of the file");
    release(&l);
}

/* ---- faults -------------------------------------------------------------- */

static const struct {
    const char *text;
    int code;
    const char *part;
} faulty[] = {
    { CONFIG(", learning_rat: 1", "", ""), QVL_E_CONFIG,
      "run.yaml:6: training.learning_rat: unknown key, the nearest is "
      "training.learning_rate" },
    { CONFIG("", "", "modle: {}\n"), QVL_E_CONFIG,
      "run.yaml:8: modle: unknown key, the nearest is model" },
    { CONFIG(", system: x", "", ""), QVL_E_CONFIG,
      "training.system: unknown key, the nearest is template.system" },
    { CONFIG("", "", "qqqqqqqq: 1\n"), QVL_E_CONFIG, "qqqqqqqq: unknown key" },
    { CONFIG("", "", "training.seed: 1\n"), QVL_E_CONFIG,
      "training.seed: unknown key, expected maps in maps instead of a '.'" },
    { CONFIG("", "", "'': {a: 1}\n"), QVL_E_CONFIG, "\"\": unknown key" },
    { CONFIG("", "", "extend: a.yaml\n"), QVL_E_CONFIG,
      "extend: unknown key, the nearest is extends" },
    { CONFIG(", attn_impl: eager", "", ""), QVL_E_CONFIG,
      "training.attn_impl: unknown key, the nearest is model.attn_impl" },
    { CONFIG(", lora_rank: 8", "", ""), QVL_E_CONFIG,
      "training.lora_rank: unknown key, the nearest is tuner.lora_rank" },
    { CONFIG("", ", global_max_length: 8", ""), QVL_E_CONFIG,
      "custom.global_max_length: unknown key, the nearest is global_max_length" },
    { CONFIG("", ", \"a\\nb\": 8", ""), QVL_E_CONFIG, "custom.a b: unknown key" },
    { CONFIG("", "", "runtime: 5\n"), QVL_E_CONFIG,
      "runtime: found 5, expected a map" },
    { CONFIG(", seed: 1.5", "", ""), QVL_E_CONFIG,
      "training.seed: found 1.5, expected a whole number >=0" },
    { CONFIG(", seed: -1", "", ""), QVL_E_CONFIG, "training.seed: found -1" },
    { CONFIG(", seed: true", "", ""), QVL_E_CONFIG,
      "training.seed: found true" },
    { CONFIG(", seed: 3000000000", "", ""), QVL_E_CONFIG,
      "training.seed: found 3000000000, expected a whole number >=0 of at most 31 "
      "bits" },
    { CONFIG(", seed: \"1\\n2\"", "", ""), QVL_E_CONFIG, "seed: found 1 2" },
    { CONFIG(", seed: [1]", "", ""), QVL_E_CONFIG,
      "training.seed: found list" },
    { CONFIG(", weight_decay: true", "", ""), QVL_E_CONFIG,
      "training.weight_decay: found true, expected a number" },
    { CONFIG(", weight_decay: .nan", "", ""), QVL_E_CONFIG,
      "training.weight_decay: found .nan" },
    { CONFIG(", weight_decay: .inf", "", ""), QVL_E_CONFIG,
      "training.weight_decay: found .inf" },
    { CONFIG(", weight_decay: abc", "", ""), QVL_E_CONFIG, "found abc" },
    { CONFIG(", weight_decay: ''", "", ""), QVL_E_CONFIG, "found nothing" },
    { CONFIG(", warmup_ratio: 1.01", "", ""), QVL_E_CONFIG,
      "training.warmup_ratio: found 1.01, expected a number 0..1" },
    { CONFIG(", add_version: 2", "", ""), QVL_E_CONFIG,
      "training.add_version: found 2, expected true or false" },
    { CONFIG(", add_version: maybe", "", ""), QVL_E_CONFIG, "found maybe" },
    { CONFIG(", max_shard_size: 5XB", "", ""), QVL_E_CONFIG, "found 5XB" },
    { CONFIG(", max_shard_size: -1", "", ""), QVL_E_CONFIG, "found -1" },
    { CONFIG(", save_strategy: sometimes", "", ""), QVL_E_CONFIG,
      "found sometimes, expected one of no, steps, epoch, best" },
    { CONFIG(", metric_for_best_model: nonsense", "", ""), QVL_E_CONFIG,
      "metric_for_best_model: found nonsense, expected one of loss, token_acc, "
      "runtime, samples_per_second, steps_per_second, or SOURCE_loss, "
      "SOURCE_token_acc" },
    { CONFIG(", metric_for_best_model: a_runtime", "", ""), QVL_E_CONFIG,
      "found a_runtime, expected one of loss" },
    { CONFIG(", metric_for_best_model: _loss", "", ""), QVL_E_CONFIG,
      "found _loss" },
    { CONFIG(", vit_lr: -0.5", "", ""), QVL_E_CONFIG, "training.vit_lr" },
    { CONFIG(", adam_beta1: 1", "", ""), QVL_E_CONFIG,
      "training.adam_beta1: found 1, expected a number 0..<1" },
    { CONFIG(", lr_scheduler_type: reduce_lr_on_plateau, eval_strategy: epoch"
             ", lr_scheduler_kwargs: {factor: 1}", ", val_jsonl: v", ""),
      QVL_E_CONFIG,
      "factor: found 1" },
    { CONFIG(", save_steps: 2.5", "", ""), QVL_E_CONFIG,
      "training.save_steps: found 2.5" },
    { CONFIG(", run_name: a/b", "", ""), QVL_E_CONFIG, "run_name" },
    { CONFIG("", ", val_jsonl: [a, [b]]", ""), QVL_E_CONFIG,
      "custom.val_jsonl: found list, expected a text" },
    { CONFIG("", ", val_jsonl: [a, ~]", ""), QVL_E_CONFIG,
      "custom.val_jsonl: found ~, expected a text that is not empty" },
    { CONFIG("", ", val_jsonl: ['']", ""), QVL_E_CONFIG,
      "custom.val_jsonl: found nothing, expected a text that is not empty" },
    { CONFIG(", report_to: ''", "", ""), QVL_E_CONFIG,
      "training.report_to: found nothing, expected a text that is not empty" },
    { CONFIG("", ", user_prompt: none.txt", ""), QVL_E_CONFIG,
      "custom.user_prompt: cannot open file (none.txt)" },
    { CONFIG("", ", token_type_metrics: {enabled: true, include: [a, b], exclude: "
             "[b]}", ""), QVL_E_CONFIG,
      "custom.token_type_metrics.exclude: found b, which include has too" },
    { CONFIG("", ", token_type_metrics: {enabled: false, includes: [a]}", ""),
      QVL_E_CONFIG, "custom.token_type_metrics.includes: unknown key, the nearest is "
      "custom.token_type_metrics.include" },
    { CONFIG("", ", token_type_metrics: true", ""), QVL_E_CONFIG,
      "custom.token_type_metrics: found true, expected a map" },
    { CONFIG("", ", visual_kd: {enabled: false, vit: {wight: 1}}", ""), QVL_E_CONFIG,
      "custom.visual_kd.vit.wight: unknown key" },
    { CONFIG("", ", desc_profile: slashes", ""), QVL_E_CONFIG,
      "custom.desc_profile: found slashes, expected one of none, slash, keyvalue" },
    /* not there */
    { CONFIG(", optim: sgd", "", ""), QVL_E_UNSUPPORTED,
      "training.optim: found sgd: not supported (expected adamw)" },
    { CONFIG(", group_by_length: true", "", ""), QVL_E_UNSUPPORTED,
      "training.group_by_length: found true: not supported" },
    { CONFIG(", label_smoothing_factor: 0.1", "", ""), QVL_E_UNSUPPORTED,
      "label smoothing" },
    { CONFIG("", ", augment_eval: true", ""), QVL_E_UNSUPPORTED,
      "custom.augment_eval: found true: not supported" },
    { CONFIG("", "", "rlhf: {rlhf_type: gkd}\n"), QVL_E_UNSUPPORTED,
      "rlhf.rlhf_type: found gkd: not supported" },
    { CONFIG("", "", "deepspeed: {enabled: true, config: zero2}\n"),
      QVL_E_UNSUPPORTED, "deepspeed: not supported" },
    { CONFIG("", "", "quantization: {quant_bits: 4}\n"), QVL_E_UNSUPPORTED,
      "quantization.quant_bits: found 4: not supported" },
    { CONFIG(", report_to: [tensorboard, wandb]", "", ""), QVL_E_UNSUPPORTED,
      "training.report_to: found wandb" },
    /* removed */
    { CONFIG("", "", "inherit: a.yaml\n"), QVL_E_CONFIG, "extends" },
    { CONFIG("", ", grpo_chord: 1", ""), QVL_E_CONFIG, "custom.grpo.chord" },
    /* between keys */
    { CONFIG("", ", jsonl: u.jsonl", ""), QVL_E_CONFIG,
      "custom.jsonl: found u.jsonl, expected the value of "
      "custom.train_jsonl" },
    { CONFIG(", effective_batch_size: 8, gradient_accumulation_steps: 3", "",
             ""), QVL_E_CONFIG, "found 3, expected 8" },
    { CONFIG(", eval_strategy: steps", "", ""), QVL_E_CONFIG,
      "custom.val_jsonl: found nothing" },
    { CONFIG(", save_strategy: best", "", ""), QVL_E_CONFIG,
      "training.eval_strategy: found no" },
    { CONFIG(", early_stop_interval: 2", "", ""), QVL_E_CONFIG,
      "early_stop_interval" },
    { CONFIG(", optimizer: multimodal, vit_lr: 1", "", ""), QVL_E_CONFIG,
      "training.aligner_lr: found nothing" },
    { CONFIG(", optimizer: default, vit_lr: 1", "", ""), QVL_E_CONFIG,
      "training.vit_lr: found a rate" },
    { CONFIG(", lr_scheduler_type: cosine_warmup_with_min_lr", "", ""),
      QVL_E_CONFIG, "found neither min_lr nor min_lr_rate" },
    { CONFIG(", lr_scheduler_kwargs: {min_lr: 1e-5}", "", ""), QVL_E_CONFIG,
      "min_lr: found it, expected of num_cycles with cosine" },
    { CONFIG(", lr_scheduler_type: constant, lr_scheduler_kwargs: {power: 1}",
             "", ""), QVL_E_CONFIG, "expected no key with constant" },
    { CONFIG(", lr_scheduler_kwargs: {min_rl: 1e-5}", "", ""), QVL_E_CONFIG,
      "training.lr_scheduler_kwargs.min_rl: unknown key" },
    { CONFIG(", packing: true, packing_length: 99", "", ""), QVL_E_CONFIG,
      "training.packing_length: found 99, expected at least" },
    { CONFIG(", packing: true", "", "data: {lazy_tokenize: true}\n"),
      QVL_E_CONFIG, "data.lazy_tokenize: found true, expected false" },
    { CONFIG(", packing: true", "", "data: {lazy_tokenize: 'yes'}\n"),
      QVL_E_CONFIG, "data.lazy_tokenize: found true, expected false" },
    { CONFIG(", packing: true, packing_strategy: first_fit", "", ""),
      QVL_E_CONFIG, "training.packing_strategy: found first_fit" },
    { CONFIG(", bf16: true, fp16: true", "", ""), QVL_E_CONFIG,
      "training.fp16: found true, expected false" },
    { CONFIG("", ", use_summary: true, summary_ratio: 0.5", ""),
      QVL_E_CONFIG, "custom.summary_ratio" },
};

static void test_faults(void)
{
    for (size_t i = 0; i < QVL_COUNT(faulty); i++) {
        loaded l;
        load(&l, faulty[i].text);
        CHECK(l.rc == faulty[i].code && l.err.code == l.rc
              && strstr(l.err.msg, faulty[i].part) != NULL,
              "case %zu: found %s |%s|, wanted |%s|", i,
              qvl_err_name(l.rc), l.err.msg, faulty[i].part);
        CHECK(strchr(l.err.msg, '\n') == NULL, "case %zu: one line", i);
        CHECK(strstr(l.log, "0 ") != l.log, "case %zu: one fault, but also %s",
              i, l.log);
        release(&l);
    }
}

/* Everything is said at once: the last fault as the error, the others before. */
static void test_faults_together(void)
{
    loaded l;
    load(&l, "model: {model: }\ntraining: {seed: x, group_by_length: true}\n");
    CHECK_INT(l.rc, QVL_E_CONFIG, "a fault that is no missing part wins");
    static const char *const parts[] = {
        "training.group_by_length: found true: not supported",
        "run.yaml:1: model.model: found null, expected a value",
        "run.yaml:2: training.seed: found x",
        "training.output_dir: found nothing, expected a value",
        "template.template: found nothing", "tuner.train_type: found nothing",
        "custom.emit_norm: found nothing", "training.learning_rate",
    };
    qvl_str all = { 0 };
    qvl_str_printf(&all, "%s%s", l.log, l.err.msg);
    for (size_t i = 0; i < QVL_COUNT(parts); i++)
        CHECK_HAS(all.p, parts[i], "fault %zu", i);
    CHECK(l.c.model.model == NULL, "unchanged on error");
    qvl_str_release(&all);
    release(&l);
}

/* Of a million faults that a few lines can have, a hundred are told. */
static void test_many_faults(void)
{
    loaded l;
    qvl_str text = { 0 };
    for (int i = 0; i < 300; i++)
        qvl_str_printf(&text, "zzz%d: 1\n", i);
    load(&l, text.p);
    CHECK_INT(l.rc, QVL_E_CONFIG, "%s", l.err.msg);
    int n_lines = 0;
    for (const char *p = l.log; (p = strchr(p, '\n')) != NULL; p++)
        n_lines++;
    CHECK_INT(n_lines, 100, "99, and how many more: %s", l.log);
    CHECK_HAS(l.log, " more faults are not listed", "more");
    qvl_str_release(&text);
    release(&l);
}

static void test_notices(void)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        { CONFIG(", use_liger_kernel: true", "", ""),
          "2 training.use_liger_kernel (" },
        { CONFIG(", ddp_timeout: 5", "", ""), "training.ddp_timeout (" },
        { CONFIG("", "", "data: {dataset: [x]}\n"), "1 " },
        { CONFIG(", effective_batch_size: 3, per_device_train_batch_size: 2",
                 "", ""), "1 training.effective_batch_size 3 becomes 4" },
        { CONFIG(", greater_is_better: true", "", ""),
          "training.greater_is_better is true for loss" },
        { CONFIG(", packing_length: 200", "", ""), "1 training.packing_length has no" },
        { CONFIG(", packing_strategy: bfd", "", ""),
          "1 training.packing_strategy has no effect" },
        { CONFIG("", "", "global_max_length: 50\n"),
          "template.max_length is 100, global_max_length makes it 50" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        load(&l, cases[i].text);
        CHECK_OK(l.rc, l.err);
        CHECK_HAS(l.log, cases[i].part, "case %zu", i);
        CHECK(strchr(l.log, '\n') == strrchr(l.log, '\n'), "case %zu: once: %s",
              i, l.log);
        release(&l);
    }
    loaded l;
    load(&l, CONFIG("", ", augmentation: {enabled: no}",
                    "data: {dataset: [dummy]}\ndeepspeed: {enabled: false}\n"
                    "rlhf:\nquantization: {}\n"));
    CHECK_OK(l.rc, l.err);
    CHECK_STR(l.log, "", "what is off needs no word");
    release(&l);
}

/* ---- flags, JSON --------------------------------------------------------- */

static void test_flags(void)
{
    static const qvl_config_flag flags[] = {
        { "runtime.device", "vulkan:1", "--device" },
        { "runtime.threads", NULL, "--threads" },
        { "model.torch_dtype", "f32", "--dtype" },
    };
    loaded l;
    load_flags(&l, CONFIG("", "", "runtime: {device: cpu, threads: 3}\n"),
               flags, QVL_COUNT(flags));
    CHECK_OK(l.rc, l.err);
    CHECK_STR(l.c.runtime.device, "vulkan:1", "device");
    CHECK_INT(l.c.runtime.threads, 3, "threads");
    CHECK_INT(l.c.model.torch_dtype, QVL_CONFIG_F32, "dtype");
    CHECK_STR(qvl_run_config_place(&l.c, "runtime.device", &l.arena),
              "--device", "place of a flag");
    CHECK_HAS(qvl_run_config_place(&l.c, "runtime.threads", &l.arena),
              "run.yaml:8", "place of a key");
    CHECK(qvl_run_config_place(&l.c, "training.seed", &l.arena) == NULL,
          "place of a default");
    release(&l);
    static const qvl_config_flag bad[] = { { "runtime.threads", "many",
                                             "--threads" } };
    load_flags(&l, CONFIG("", "", ""), bad, 1);
    CHECK_INT(l.rc, QVL_E_CONFIG, "bad flag");
    CHECK_STR(l.err.msg, "--threads: runtime.threads: found many, expected a "
              "whole number 0..1024", "bad flag");
    release(&l);
}

static void test_json(void)
{
    loaded l;
    load(&l, CONFIG(", warmup_steps: 8", ", val_jsonl: [a, b]", ""));
    CHECK_OK(l.rc, l.err);
    qvl_str text = { 0 };
    qvl_node *root;
    qvl_run_config_json(&text, &l.c, &l.arena);
    CHECK_OK(qvl_json_parse(&root, text.p, text.len, "args", &l.arena,
                            &l.err), l.err);
    for (size_t i = 0; i < qvl_n_keys; i++)
        if (qvl_keys[i].section != NULL)
            CHECK(qvl_node_path(root, qvl_key_path(&qvl_keys[i], &l.arena))
                  != NULL, "key %s", qvl_keys[i].name);
    CHECK_INT(qvl_node_path(root, "training.warmup_steps")->i, 8, "int");
    CHECK_STR(qvl_node_path(root, "training.output_dir")->s, "out/r",
              "resolved");
    CHECK_INT(qvl_node_path(root, "custom.val_jsonl")->n, 2, "list");
    CHECK_INT(qvl_node_path(root, "training.lr_scheduler_kwargs.min_lr")->kind,
              QVL_NODE_NULL, "not given");
    CHECK_STR(qvl_node_path(root, "model.torch_dtype")->s, "bfloat16", "word");
    const qvl_node *places = qvl_node_path(root, "provenance");
    CHECK_HAS(qvl_node_find(places, "training.warmup_steps")->s, "run.yaml:6",
              "provenance");
    CHECK(qvl_node_find(places, "training.seed") == NULL, "a default");
    qvl_str_release(&text);
    release(&l);
}

/* Presets and words of the table are themselves right. */
static void test_table(void)
{
    qvl_arena a = { 0 };
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const qvl_key *key = &qvl_keys[i];
        const char *path = qvl_key_path(key, &a);
        if (strchr(path, '*') == NULL)
            CHECK(qvl_key_find(path) == key, "%s stands twice", path);
        if (key->type == QVL_KEY_ALIAS)
            CHECK(qvl_key_find(key->rule) != NULL
                  && qvl_key_find(key->rule)->section != NULL, "alias %s",
                  path);
    }
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_defaults), TEST(test_words), TEST(test_numbers),
          TEST(test_bools), TEST(test_prompts), TEST(test_faults),
          TEST(test_faults_together), TEST(test_many_faults),
          TEST(test_notices), TEST(test_flags),
          TEST(test_json), TEST(test_table))
