/* test_loop.c - whole runs: resume, stop, the best checkpoint, early stop, errors */
#include "train/loop.h"

#include <math.h>
#include <stdbool.h>

#include "../data/made.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "check.h"
#include "loop_run.h"

/* ---- the log ------------------------------------------------------------- */

/* What a log says of steps, without what depends on the clock: "train 2 LOSS
 * ACC NORM EPOCH;" for each line with a step of its own. */
static void steps_of(qvl_str *out, const char *name)
{
    qvl_arena a = { 0 };
    char *line = log_text(name, &a);
    for (char *next; (next = strchr(line, '\n')) != NULL; line = next + 1) {
        qvl_err err = { 0 };
        qvl_node *n;
        CHECK_OK(qvl_json_parse(&n, line, (size_t)(next - line), "log", &a,
                                &err), err);
        bool is_train = qvl_node_find(n, "train/loss") != NULL;
        if (!is_train && qvl_node_find(n, "eval/loss") == NULL)
            continue;
        qvl_str_printf(out, "%s %s", is_train ? "train" : "eval",
                       qvl_node_find(n, "step")->s);
        static const char *const keys[] = { "train/loss", "train/token_acc",
                                            "train/grad_norm", "eval/loss",
                                            "epoch" };
        for (size_t i = 0; i < QVL_COUNT(keys); i++)
            if (qvl_node_find(n, keys[i]) != NULL)
                qvl_str_printf(out, " %s", qvl_node_find(n, keys[i])->s);
        qvl_str_puts(out, ";");
    }
    qvl_arena_release(&a);
}

/* ---- tests --------------------------------------------------------------- */

static void test_whole_run(void)
{
    outcome out = train("whole", "2, save_strategy: epoch", &nothing_special);
    CHECK_OK(out.rc, out.err);
    CHECK_STR(out.did.saved, "3 6 9 ", "a checkpoint an epoch, the last too");
    CHECK(out.did.weight != 0, "trained");
    qvl_arena a = { 0 };
    const char *log = log_text("whole", &a);
    CHECK_HAS(log, "\"global_step/max_steps\": \"1/9\"", "the first step");
    CHECK_HAS(log, "\"global_step/max_steps\": \"9/9\"", "the last step");
    CHECK_HAS(log, "\"last_model_checkpoint\": \"", "the last line");
    CHECK_HAS(log, "\"pad_fraction\": ", "numbers of the data");
    CHECK_HAS(log, "\"records\": 10, ", "numbers of the records");
    CHECK_HAS(said, "10 records", "the plan");
    CHECK_HAS(said, "9 steps of 4 samples (2 batches of 2), 3 steps an epoch",
              "the plan");
    static const char *const files[] = { "args.json", "logging.jsonl",
                                         "checkpoint-9/state.json" };
    for (size_t i = 0; i < QVL_COUNT(files); i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/out/whole/%s", run_path(""), files[i]);
        CHECK(qvl_file_exists(path), "%s", path);
    }
    CHECK(qvl_file_is_dir(run_path("out/runs/whole")), "event files");
    qvl_str steps = { 0 };
    steps_of(&steps, "whole");
    CHECK(strncmp(steps.p, "train 1 ", 8) == 0, "%s", steps.p);
    CHECK_HAS(steps.p, " 0.4;train 2 ", "an epoch of 5 batches");
    CHECK_HAS(steps.p, " 3;", "the end of the third");
    qvl_str_release(&steps);
    qvl_arena_release(&a);
}

/* Stopped behind each step and taken up: the same weight, bit for bit, and the
 * same log. */
static void test_resume(void)
{
    static const char rules[] = "3, save_strategy: 'no', eval_strategy: "
                                "steps, eval_steps: 2";
    outcome whole = train("straight", rules, &nothing_special);
    CHECK_OK(whole.rc, whole.err);
    CHECK_STR(whole.did.saved, "", "no checkpoints");
    qvl_str wanted = { 0 };
    steps_of(&wanted, "straight");
    for (int64_t k = 1; k < 9; k++) {
        char name[32], more[512];
        fake_run plan = { .stop_at = k };
        snprintf(name, sizeof name, "cut%d", (int)k);
        outcome cut = train(name, rules, &plan);
        CHECK_INT(cut.rc, QVL_E_INTERRUPTED, "%s: %s", name, cut.err.msg);
        CHECK_HAS(cut.err.msg, "interrupted behind step", "%s", name);
        snprintf(more, sizeof more,
                 "%s, resume_from_checkpoint: %s/out/%s/checkpoint-%d", rules,
                 run_path(""), name, (int)k);
        outcome rest = train(name, more, &nothing_special);
        CHECK_OK(rest.rc, rest.err);
        CHECK(rest.did.weight == whole.did.weight, "%s: %.17g, straight %.17g",
              name, rest.did.weight, whole.did.weight);
        qvl_str found = { 0 };
        steps_of(&found, name);
        CHECK_STR(found.p, wanted.p, "%s", name);
        qvl_str_release(&found);
        qvl_arena a = { 0 };
        CHECK_HAS(log_text(name, &a), "{\"resumed_from\": \"", "%s", name);
        qvl_arena_release(&a);
    }
    qvl_str_release(&wanted);
}

/* A stop in the middle of an evaluation: it is made up for. */
static void test_stop_in_evaluation(void)
{
    static const char rules[] = "2, eval_strategy: steps, eval_steps: 4";
    outcome whole = train("asked", rules, &nothing_special);
    CHECK_OK(whole.rc, whole.err);
    qvl_str wanted = { 0 }, found = { 0 };
    steps_of(&wanted, "asked");
    fake_run plan = { .stop_at = 4, .stop_in_evaluation = 1 };
    char more[512];
    snprintf(more, sizeof more, "%s, per_device_eval_batch_size: 1", rules);
    outcome cut = train("asked2", more, &plan);
    CHECK_INT(cut.rc, QVL_E_INTERRUPTED, "%s", cut.err.msg);
    CHECK_STR(cut.did.saved, "4 ", "saved");
    size_t n = strlen(more);
    snprintf(more + n, sizeof more - n, ", resume_from_checkpoint: true");
    outcome rest = train("asked2", more, &nothing_special);
    CHECK_OK(rest.rc, rest.err);
    steps_of(&found, "asked2");
    CHECK_STR(found.p, wanted.p, "evaluated at 4 all the same");
    qvl_str_release(&wanted);
    qvl_str_release(&found);
}

static void test_best(void)
{
    fake_run plan = { .eval_loss = { 3, 2, 2.5, 1, 4, 4, 4, 4, 4 } };
    outcome out = train("best", "2, save_strategy: best, eval_strategy: steps, "
                        "eval_steps: 1, save_total_limit: 2, "
                        "create_checkpoint_symlink: true", &plan);
    CHECK_OK(out.rc, out.err);
    CHECK_STR(out.did.saved, "1 2 4 9:final ", "the best ones and the last");
    char target[64] = "";
    CHECK_INT(readlink(run_path("out/best/best"), target, sizeof target),
              12, "link");
    CHECK_STR(target, "checkpoint-4", "best");
    memset(target, 0, sizeof target);
    CHECK_INT(readlink(run_path("out/best/last"), target, sizeof target),
              12, "link");
    CHECK_STR(target, "checkpoint-9", "last");
    qvl_arena a = { 0 };
    char *state;
    qvl_err err = { 0 };
    CHECK_OK(qvl_file_read(run_path("out/best/checkpoint-9/state.json"),
                           &state, NULL, &a, &err), err);
    CHECK_HAS(state, "\"best_step\": 4, \"best\": \"", "state");
    CHECK_HAS(state, "checkpoint-4\", \"kept\": \"checkpoint-4\"", "state");
    CHECK_HAS(log_text("best", &a), "\"best_metric\": 1, ", "last line");
    qvl_arena_release(&a);
}

/* The text that a link of a run has; empty: there is none. */
static const char *link_of(const char *link)
{
    static char target[64];
    ssize_t n = readlink(run_path(link), target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    return target;
}

static char *state_text(const char *path, qvl_arena *a)
{
    char *text;
    qvl_err err = { 0 };
    CHECK_OK(qvl_file_read(run_path(path), &text, NULL, a, &err), err);
    return text;
}

static const char best_rules[] =
    "2, save_strategy: best, eval_strategy: steps, eval_steps: 1, "
    "per_device_eval_batch_size: 1, save_total_limit: 2, "
    "create_checkpoint_symlink: true";

/* The run "before", which is stopped in step 4 and owes its evaluation; its best
 * checkpoint is that of step 2. */
static void train_before(void)
{
    fake_run plan = { .eval_loss = { 3, 2, 2.5 }, .stop_at = 4 };
    outcome cut = train("before", best_rules, &plan);
    CHECK_INT(cut.rc, QVL_E_INTERRUPTED, "%s", cut.err.msg);
    CHECK_STR(cut.did.saved, "1 2 4 ", "saved");
    CHECK_HAS(cut.err.hint, "resume_from_checkpoint: last goes on", "hint");
}

/* Go on from there, never better. */
static outcome train_on(const char *name, const char *from, const char *more,
                        fake_run plan)
{
    char all[512];
    for (int k = 0; k < 8; k++)
        plan.eval_loss[k] = 9;
    snprintf(all, sizeof all, "%s%s, resume_from_checkpoint: %s", best_rules,
             more, from);
    return train(name, all, &plan);
}

/* A run in another folder keeps the paths of the run that it goes on from, and
 * links to nothing that it has not. */
static void test_other_folder(void)
{
    qvl_arena a = { 0 };
    train_before();
    const char *from = run_path("out/before/checkpoint-4");
    outcome out = train_on("unstarted", from, "",
                           (fake_run){ .stop_at = 4, .stop_in_evaluation = 1 });
    CHECK_INT(out.rc, QVL_E_INTERRUPTED, "%s", out.err.msg);
    CHECK_HAS(out.err.msg, from, "where the checkpoint is");
    CHECK_HAS(out.err.hint, from, "what goes on there");
    out = train_on("behind", from, "", (fake_run){ 0 });
    CHECK_OK(out.rc, out.err);
    CHECK_STR(out.did.saved, "9:final ", "saved");
    CHECK_STR(link_of("out/behind/best"), "", "the best lies elsewhere");
    CHECK_STR(link_of("out/behind/last"), "checkpoint-9", "last");
    CHECK_HAS(state_text("out/behind/checkpoint-9/state.json", &a),
              "before/checkpoint-2\", \"kept\": \"\"", "state");
    CHECK_HAS(log_text("behind", &a), "before/checkpoint-2\", \"best_metric\": "
              "2, ", "the best in the last line");
    out = train_on("unsaved", from, ", save_last_epoch: false",
                   (fake_run){ 0 });
    CHECK_OK(out.rc, out.err);
    CHECK_HAS(log_text("unsaved", &a), qvl_arena_printf(
                  &a, "\"last_model_checkpoint\": \"%s\"", from), "last line");
    qvl_arena_release(&a);
}

/* A run whose folder has moved still knows its best checkpoint; one that somebody
 * has removed is not linked to. */
static void test_moved(void)
{
    qvl_arena a = { 0 };
    train_before();
    CHECK(rename(run_path("out/before"), run_path("out/moved")) == 0, "moved");
    outcome out = train_on("moved", "last", "", (fake_run){ 0 });
    CHECK_OK(out.rc, out.err);
    CHECK_STR(link_of("out/moved/best"), "checkpoint-2", "best");
    CHECK_HAS(state_text("out/moved/checkpoint-9/state.json", &a),
              "moved/checkpoint-2\", \"kept\": \"checkpoint-2\"", "state");

    train_before();
    CHECK(unlink(run_path("out/before/best")) == 0
          && unlink(run_path("out/before/checkpoint-2/state.json")) == 0
          && rmdir(run_path("out/before/checkpoint-2")) == 0, "removed");
    out = train_on("before", "last", "", (fake_run){ 0 });
    CHECK_OK(out.rc, out.err);
    CHECK_STR(link_of("out/before/best"), "", "a link to nothing");
    qvl_arena_release(&a);
}

static void test_early_stop(void)
{
    fake_run plan = { .eval_loss = { 3, 4, 4, 4, 4, 4, 4, 4, 4 } };
    outcome out = train("early", "2, eval_strategy: steps, eval_steps: 2, "
                        "early_stop_interval: 2", &plan);
    CHECK_OK(out.rc, out.err);
    CHECK_STR(out.did.saved, "6:final ", "ended behind step 6");
    CHECK_HAS(said, "no progress in 2 evaluations", "said so");
    plan = (fake_run){ .eval_loss = { 3, 2, 2, 2 } };
    out = train("delay", "2, eval_strategy: steps, eval_steps: 2, "
                "save_strategy: best, save_delay_steps: 5", &plan);
    CHECK_OK(out.rc, out.err);
    CHECK_STR(out.did.saved, "6 9:final ", "the first behind the delay");
}

static void test_save_only_model(void)
{
    fake_run plan = { .stop_at = 4 };
    outcome out = train("only", "2, save_only_model: true, save_steps: 2",
                        &plan);
    CHECK_INT(out.rc, QVL_E_INTERRUPTED, "%s", out.err.msg);
    CHECK_STR(out.did.saved, "2:model 4:model 4 ",
              "that of the interruption is whole");
}

/* What the configuration takes for metric_for_best_model an evaluation has. */
static void test_metric_names(void)
{
    static const char *const names[] = {
        "loss", "token_accuracy", "eval_token_acc", "eval_runtime",
        "eval/samples_per_second", "steps_per_second", "long_loss",
        "eval_default_token_acc",
    };
    for (size_t i = 0; i < QVL_COUNT(names); i++) {
        char more[256], folder[16];
        snprintf(folder, sizeof folder, "metric%zu", i);
        snprintf(more, sizeof more,
                 "2, max_steps: 2, eval_strategy: steps, eval_steps: 1, "
                 "metric_for_best_model: %s", names[i]);
        outcome out = train(folder, more, &nothing_special);
        CHECK(out.rc == QVL_OK, "%s: %s", names[i], out.err.msg);
    }
}

/* What no evaluation will have is refused before there is a folder, or a step. */
static void test_missing_metric(void)
{
    static const char *const names[] = { "evl_loss", "Long_loss",
                                         "eval_other_token_acc" };
    for (size_t i = 0; i < QVL_COUNT(names); i++) {
        char more[256];
        snprintf(more, sizeof more, "2, metric_for_best_model: %s, "
                 "eval_strategy: steps, eval_steps: 2", names[i]);
        outcome out = train("unmeasured", more, &nothing_special);
        CHECK_INT(out.rc, QVL_E_CONFIG, "%s: %s", names[i], out.err.msg);
        CHECK_HAS(out.err.msg, "steps_per_second, long_loss, long_token_acc, "
                  "default_loss, default_token_acc", "%s", names[i]);
        CHECK_INT(out.did.n_evaluations, 0, "%s", names[i]);
        CHECK(!qvl_file_exists(run_path("out/unmeasured")), "%s", names[i]);
    }
    outcome out = train("unasked", "2, metric_for_best_model: other_loss, "
                        "max_steps: 1", &nothing_special);
    CHECK_OK(out.rc, out.err);
}

static void test_errors(void)
{
    static const struct {
        const char *more;
        fake_run plan;
        int code;
        const char *part;
    } cases[] = {
        { "2", { .fail_step_at = 5 }, QVL_E_DEVICE_LOST, "device is lost" },
        { "2, max_steps: 2000000000", { 0 }, QVL_E_CONFIG,
          "training.max_steps: found 2000000000, expected at most 1e9" },
        { "2, metric_for_best_model: f1", { 0 }, QVL_E_CONFIG,
          "metric_for_best_model: found f1, expected one of loss, token_acc" },
        { "2, lr_scheduler_type: polynomial, lr_scheduler_kwargs: {lr_end: 1}",
          { 0 }, QVL_E_CONFIG, "lr_end: found 1, expected less than" },
        { "2, resume_from_checkpoint: last", { 0 }, QVL_E_CONFIG,
          "found no checkpoint in" },
        { "2, max_steps: -2", { 0 }, QVL_E_CONFIG, "training.max_steps" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        char name[16];
        snprintf(name, sizeof name, "bad%zu", i);
        outcome out = train(name, cases[i].more, &cases[i].plan);
        CHECK(out.rc == cases[i].code
              && strstr(out.err.msg, cases[i].part) != NULL,
              "case %zu: %s |%s|", i, qvl_err_name(out.rc), out.err.msg);
    }
}

/* Resuming with another order of the data is refused, with what differs. */
static void test_other_order(void)
{
    static const struct {
        const char *more, *part;
    } cases[] = {
        { "2, seed: 7", "found seed 42 in the checkpoint, expected 7" },
        { "2, max_steps: 4", "found 4 steps done, expected fewer than the 4" },
    };
    fake_run plan = { .stop_at = 4 };
    outcome cut = train("order", "2", &plan);
    CHECK_INT(cut.rc, QVL_E_INTERRUPTED, "%s", cut.err.msg);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        char more[128];
        snprintf(more, sizeof more, "%s, resume_from_checkpoint: last",
                 cases[i].more);
        outcome out = train("order", more, &nothing_special);
        CHECK(out.rc == QVL_E_CONFIG
              && strstr(out.err.msg, cases[i].part) != NULL, "case %zu: %s",
              i, out.err.msg);
    }
}

/* Write a file again with `to` in the place of `from`, which stands in it. */
static void replace_in(const char *path, const char *text, const char *from,
                       const char *to)
{
    qvl_str out = { 0 };
    qvl_err err = { 0 };
    const char *at = strstr(text, from);
    CHECK(at != NULL, "found no %s in %s", from, text);
    qvl_str_putn(&out, text, (size_t)(at - text));
    qvl_str_puts(&out, to);
    qvl_str_puts(&out, at + strlen(from));
    CHECK_OK(qvl_file_write_all(path, out.p, out.len, &err), err);
    qvl_str_release(&out);
}

/* So are rows that were packed otherwise: a checkpoint says all rules in words that
 * last, one that lacks a rule is not guessed at, and rows must end where they did. */
static void test_other_rows(void)
{
    static const struct {
        const char *from, *to;  // in the checkpoint
        const char *more, *part;
    } cases[] = {
        { "}", "}", "", NULL },
        { "\"packing_window\": 256", "\"packing_window\": 100", "",
          "found packing_window 100 in the checkpoint, expected 256" },
        { "\"packing_window\": 256, ", "", "",
          "found packing_window nothing in the checkpoint, expected 256" },
        { "\"packing_strategy\": \"bfd\"", "\"packing_strategy\": 0", "",
          "found packing_strategy nothing in the checkpoint, expected bfd" },
        { "\"n_given\": ", "\"n_given\": 1", "", "as rows are packed now" },
        { "}", "}", ", packing_strategy: sequential",
          "found packing_strategy bfd in the checkpoint, expected sequential" },
        { "}", "}", ", packing_length: 300",
          "found packing_length 200 in the checkpoint, expected 300" },
        { "}", "}", ", packing: false",
          "found packing_length 200 in the checkpoint, expected 0" },
    };
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    char path[512], *text;
    fake_run plan = { .stop_at = 4 };
    outcome cut = train("rows", "2, max_steps: 6, packing: true", &plan);
    CHECK_INT(cut.rc, QVL_E_INTERRUPTED, "%s", cut.err.msg);
    snprintf(path, sizeof path, "%s/state.json", run_path("out/rows/checkpoint-4"));
    CHECK_OK(qvl_file_read(path, &text, NULL, &a, &err), err);
    for (size_t i = QVL_COUNT(cases); i-- > 0;) {  // the one that runs comes last
        char more[160];
        bool is_packed = strstr(cases[i].more, "packing: ") == NULL;
        replace_in(path, text, cases[i].from, cases[i].to);
        snprintf(more, sizeof more, "2, max_steps: 6%s%s, "
                 "resume_from_checkpoint: last",
                 is_packed ? ", packing: true" : "", cases[i].more);
        outcome out = train("rows", more, &nothing_special);
        if (cases[i].part == NULL)
            CHECK_OK(out.rc, out.err);
        else
            CHECK_FAILS(out.rc, QVL_E_CONFIG, out.err, cases[i].part);
    }
    qvl_arena_release(&a);
}

/* Steps that change nothing are counted, and the run goes on. */
static void test_skipped(void)
{
    fake_run plan = { .nan_at = 3 };
    outcome out = train("skipped", "2, save_strategy: 'no'", &plan);
    CHECK_OK(out.rc, out.err);
    CHECK_HAS(said, "step 3: the update was left out: the norm of the "
              "gradients is nan", "said so");
    qvl_arena a = { 0 };
    CHECK_HAS(log_text("skipped", &a), "\"train/skipped_updates\": 1", "log");
    CHECK_HAS(log_text("skipped", &a), "\"not_finite\": 1", "log");
    qvl_arena_release(&a);
}

/* ---- options of the trainer ---------------------------------------------- */

/* With every key of the trainer other than its default, no word of the options
 * is that of qvl_train_defaults: a key that nobody hands on is noticed here. Only
 * two pairs of flags share a word. */
static void test_options(void)
{
    static const char yaml[] =
        "model: {model: m, torch_dtype: bfloat16}\n"
        "template: {template: qwen3_vl, max_length: 200}\n"
        "runtime: {device: cpu, threads: 3}\n"
        "tuner: {train_type: full, freeze_parameters_ratio: 0.5,\n"
        "  freeze_parameters: [a], freeze_parameters_regex: b,\n"
        "  freeze_llm: true, freeze_vit: true, freeze_aligner: true,\n"
        "  trainable_parameters: [c], trainable_parameters_regex: d}\n"
        "training: {output_dir: o, logging_dir: o, run_name: r,\n"
        "  num_train_epochs: 1, gradient_checkpointing: true, bf16: true,\n"
        "  optimizer: multimodal, learning_rate: 0.5, vit_lr: 0.25,\n"
        "  aligner_lr: 0.125, adam_beta1: 0.5, adam_beta2: 0.5,\n"
        "  adam_epsilon: 0.5, weight_decay: 0.5, max_grad_norm: 0.5,\n"
        "  max_skipped_updates: 5, lr_scheduler_type: linear,\n"
        "  warmup_steps: 5, warmup_ratio: 0.5, greater_is_better: true}\n"
        "custom: {emit_norm: norm1000, train_jsonl: t}\n"
        "prompts: {system: '', user: Go.}\n";
    union {
        qvl_train_options o;
        uint64_t word[sizeof(qvl_train_options) / 8];
    } found, preset;
    qvl_arena a = { 0 };
    qvl_err err = { 0 };
    qvl_run_config c;
    CHECK_OK(qvl_run_config_load(&c, made_text("all.yaml", yaml), NULL, NULL, 0,
                                 &a, &err), err);
    /* no schedule takes all of these */
    c.lr.min_lr = c.lr.min_lr_rate = c.lr.warmup_lr_rate = c.lr.factor = 0.5;
    c.lr.num_cycles = c.lr.power = c.lr.lr_end = c.lr.timescale = 3;
    c.lr.num_decay_steps = c.lr.num_stable_steps = c.lr.patience = 3;
    c.lr.decay_type = 0;
    memset(&preset, 0, sizeof preset);
    memset(&found, 0, sizeof found);
    qvl_train_defaults(&preset.o);
    found.o = qvl_loop_trainer_options(&c, 7, &a);
    for (size_t w = 0; w < QVL_COUNT(found.word); w++)
        CHECK(found.word[w] != preset.word[w],
              "bytes %zu and on are those of the defaults", 8 * w);
    CHECK(found.o.freeze_llm && found.o.freeze_vit, "flags in one word");
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_whole_run), TEST(test_resume),
          TEST(test_stop_in_evaluation), TEST(test_best),
          TEST(test_other_folder), TEST(test_moved),
          TEST(test_early_stop), TEST(test_save_only_model),
          TEST(test_metric_names), TEST(test_missing_metric),
          TEST(test_errors), TEST(test_other_order), TEST(test_other_rows),
          TEST(test_skipped), TEST(test_options))
