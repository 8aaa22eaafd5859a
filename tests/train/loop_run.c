/* loop_run.c - runs of the loop with the trainer of fake_trainer.h */
#include "loop_run.h"

#include "../data/made.h"
#include "base/file.h"
#include "base/log.h"
#include "check.h"

static volatile sig_atomic_t stop;
char said[16384];
const char *loop_custom = "";

static void hear(void *ctx, int level, const char *text)
{
    (void)ctx;
    size_t n = strlen(said);
    snprintf(said + n, sizeof said - n, "%d %s\n", level, text);
}

/* ---- records ------------------------------------------------------------- */

/* n records that differ in their descriptions. Those in even places have long ones
 * and say where they are from. */
static const char *make_records(const char *name, int n)
{
    qvl_str text = { 0 };
    made_png("p.png", 32, 32);
    for (int k = 0; k < n; k++)
        qvl_str_printf(&text, "{\"images\": [\"p.png\"], \"width\": 32, "
                       "\"height\": 32, \"objects\": [{\"bbox_2d\": [%d, 1, "
                       "20, 30], \"desc\": \"%s %d\"}]%s}\n", k % 16,
                       k % 2 == 0 ? "a thing that many words are said of" : "thing",
                       7 * k,
                       k % 2 == 0 ? ", \"metadata\": {\"dataset\": \"Long\"}"
                                  : "");
    const char *path = made_file(name, text.p, text.len);
    qvl_str_release(&text);
    return path;
}

/* ---- runs ---------------------------------------------------------------- */

outcome train(const char *name, const char *more, const fake_run *plan)
{
    char text[4096], folder[256];
    qvl_arena a = { 0 };
    qvl_run_config c;
    outcome out = { 0 };
    const char *records = make_records("train.jsonl", 10);
    const char *held_out = make_records("val.jsonl", 2);
    snprintf(folder, sizeof folder, "%s", check_path("out"));
    snprintf(text, sizeof text,
             "model: {model: %s, torch_dtype: float32}\n"
             "template: {template: qwen3_vl, max_length: 200}\n"
             "data: {dataloader_num_workers: 1}\n"
             "tuner: {train_type: full}\n"
             "training: {output_dir: %s, logging_dir: %s/runs,\n"
             "  run_name: %s, num_train_epochs: 3, learning_rate: 0.125,\n"
             "  per_device_train_batch_size: 2,\n"
             "  gradient_accumulation_steps: 2, add_version: false,\n"
             "  logging_steps: %s}\n"
             "custom: {emit_norm: norm1000, train_jsonl: %s,\n"
             "  val_jsonl: %s%s}\n"
             "prompts: {system: '', user: Go.}\n",
             made_model(), folder, folder, name, more, records, held_out,
             loop_custom);
    out.config = made_text("run.yaml", text);
    fake = *plan;
    fake.stop = &stop;
    stop = 0;
    said[0] = '\0';
    qvl_log_set_sink(hear, NULL, QVL_LOG_INFO);
    qvl_progress progress = { .mode = QVL_PROGRESS_OFF };
    out.rc = qvl_run_config_load(&c, out.config, NULL, NULL, 0, &a, &out.err);
    qvl_loop_options o = { .config = &c, .stop = &stop, .progress = &progress };
    if (out.rc == QVL_OK)
        out.rc = qvl_loop_run(&o, &out.err);
    qvl_log_set_sink(NULL, NULL, 0);
    qvl_arena_release(&a);
    out.did = fake;
    return out;
}

const fake_run nothing_special;

/* ---- the log ------------------------------------------------------------- */

char *log_text(const char *name, qvl_arena *a)
{
    char path[512], *text;
    qvl_err err = { 0 };
    snprintf(path, sizeof path, "%s/out/%s/logging.jsonl", check_dir(), name);
    CHECK_OK(qvl_file_read(path, &text, NULL, a, &err), err);
    return text;
}

const char *run_path(const char *name)
{
    return check_path(name);
}
