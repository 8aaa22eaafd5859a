/* test_samples.c - samples of a run's files, in memory or read when they are wanted */
#include "train/samples.h"

#include "../data/made.h"
#include "base/log.h"
#include "check.h"
#include "config/schema.h"

/* n records in one file; those from `bad` on, n_bad of them, name a picture
 * that is there but is none. */
static const char *make_records(const char *name, int n, int bad, int n_bad)
{
    qvl_str text = { 0 };
    made_png("p.png", 32, 32);
    made_text("bad.png", "no picture");
    for (int k = 0; k < n; k++)
        qvl_str_printf(&text, "{\"images\": [\"%s\"], \"width\": 32, "
                       "\"height\": 32, \"objects\": [{\"bbox_2d\": [1, 1, "
                       "20, 30], \"desc\": \"thing %d\"}], \"summary\": \"a\"}\n",
                       k >= bad && k < bad + n_bad ? "bad.png" : "p.png", k);
    const char *path = made_file(name, text.p, text.len);
    qvl_str_release(&text);
    return path;
}

/* The configuration of a run over two files, with more keys of `custom`. */
static int load_config(qvl_run_config *c, const char *a, const char *b,
                       const char *more, qvl_arena *arena, qvl_err *err)
{
    char text[2048];
    snprintf(text, sizeof text,
             "model: {model: %s, torch_dtype: float32}\n"
             "template: {template: qwen3_vl, max_length: 200}\n"
             "tuner: {train_type: full}\n"
             "training: {output_dir: out, logging_dir: out/runs,\n"
             "  run_name: r, num_train_epochs: 1, learning_rate: 0.125}\n"
             "custom: {emit_norm: norm1000, train_jsonl: [%s, %s]%s}\n"
             "prompts: {system: '', user: Go.}\n",
             made_model(), a, b, more);
    qvl_log_set_sink(NULL, NULL, QVL_LOG_ERROR);
    return qvl_run_config_load(c, made_text("run.yaml", text), NULL, NULL, 0,
                               arena, err);
}

/* Open the samples of two files; on success their number is in *n. */
static int open_files(const char *a, const char *b, bool checks_all, size_t *n,
                      qvl_err *err)
{
    qvl_arena arena = { 0 };
    qvl_run_config c;
    qvl_samples s;
    int rc = load_config(&c, a, b, "", &arena, err);
    if (rc == QVL_OK)
        rc = qvl_samples_open(&s, &c, checks_all ? QVL_SAMPLES_ALL
                                                 : QVL_SAMPLES_FIRST,
                              &arena, err);
    if (rc == QVL_OK) {
        *n = s.train.n;
        qvl_samples_close(&s);
    }
    qvl_arena_release(&arena);
    return rc;
}

/* The pictures of the first samples of each file are read, and no others: a
 * damaged one is noticed in so many places. */
static void test_first_of_each_file(void)
{
    enum { N = QVL_SAMPLES_CHECKED + 5 };
    int n_noticed = 0;
    for (int at = 0; at < 2 * N; at++) {
        char first[256];
        qvl_err err = { 0 };
        size_t n = 0;
        snprintf(first, sizeof first, "%s", make_records("a.jsonl", N, at, 1));
        const char *second = make_records("b.jsonl", N, at - N, 1);
        bool is_read = at % N < QVL_SAMPLES_CHECKED;
        int rc = open_files(first, second, false, &n, &err);
        CHECK(rc == (is_read ? QVL_E_DATA : QVL_OK),
              "place %d: %d %s", at, rc, err.msg);
        CHECK(is_read || n == 2 * N, "place %d: %zu records", at, n);
        n_noticed += rc != QVL_OK;
    }
    CHECK_INT(n_noticed, 2 * QVL_SAMPLES_CHECKED, "samples read back");
}

/* With checks of all there is no place to hide; one file given twice is two. */
static void test_all(void)
{
    char file[256];
    qvl_err err = { 0 };
    size_t n = 0;
    snprintf(file, sizeof file, "%s",
             make_records("c.jsonl", 20, QVL_SAMPLES_CHECKED, 12));
    CHECK_OK(open_files(file, file, false, &n, &err), err);
    CHECK_INT(n, 40, "twice");
    CHECK_FAILS(open_files(file, file, true, &n, &err), QVL_E_DATA, err,
                "bad.png");
}

/* Samples that are only measured: each mode that an epoch may draw has a length,
 * and in a summary record 5 of each file is too long. */
static void check_both_kept(const qvl_run_config *c, qvl_arena *arena)
{
    qvl_err err = { 0 };
    qvl_samples s;
    double ratio = c->custom.summary_ratio;
    CHECK_OK(qvl_samples_open(&s, c, QVL_SAMPLES_LENGTHS, arena, &err), err);
    for (size_t k = 0; k < s.train.n; k++) {
        const qvl_sample_length *l = s.train.length[k];
        CHECK(l[QVL_MODE_DENSE].answer > 0 ? ratio < 1 : ratio == 1,
              "ratio %g: record %zu dense", ratio, k);
        CHECK(l[QVL_MODE_SUMMARY].answer > 0 ? ratio > 0 : ratio == 0,
              "ratio %g: record %zu summary", ratio, k);
        CHECK_INT(l[QVL_MODE_SUMMARY].answer > 200, ratio > 0 && k % 8 == 5,
                  "ratio %g: record %zu", ratio, k);
    }
    qvl_samples_close(&s);
}

/* Where each epoch draws what is asked, the longer answer of a record must fit as
 * well, whichever the first epoch draws. */
static void test_drawn_answers(void)
{
    char line[2048];
    qvl_str text = { 0 };
    made_png("p.png", 32, 32);
    for (int k = 0; k < 8; k++) {
        snprintf(line, sizeof line, "{\"images\": [\"p.png\"], \"width\": 32, "
                 "\"height\": 32, \"objects\": [{\"bbox_2d\": [1, 1, 20, 30], "
                 "\"desc\": \"thing\"}], \"summary\": \"%0*d\"}\n",
                 k == 5 ? 400 : 1, 1);
        qvl_str_puts(&text, line);
    }
    const char *file = made_file("e.jsonl", text.p, text.len);
    static const char *const ratios[] = { "0", "0.01", "0.5", "0.99", "1" };
    for (size_t i = 0; i < QVL_COUNT(ratios); i++) {
        char more[64];
        qvl_arena arena = { 0 };
        qvl_run_config c;
        qvl_err err = { 0 };
        qvl_samples s;
        snprintf(more, sizeof more, ", summary_ratio: %s", ratios[i]);
        CHECK_OK(load_config(&c, file, file, more, &arena, &err), err);
        int rc = qvl_samples_open(&s, &c, QVL_SAMPLES_FIRST, &arena, &err);
        CHECK(rc == (i == 0 ? QVL_OK : QVL_E_RANGE), "ratio %s: %d %s",
              ratios[i], rc, err.msg);
        CHECK(i == 0 || strstr(err.msg, "e.jsonl:6") != NULL, "ratio %s: %s",
              ratios[i], err.msg);
        if (rc == QVL_OK)
            qvl_samples_close(&s);
        check_both_kept(&c, &arena);
        qvl_arena_release(&arena);
    }
    qvl_str_release(&text);
}

/* Records whose answers differ in length by mode and record, one a conversation. */
static const char *make_two_faced(void)
{
    qvl_str text = { 0 };
    made_png("p.png", 32, 32);
    for (int k = 0; k < 7; k++)
        qvl_str_printf(&text, "{\"images\": [\"p.png\"], \"width\": 32, "
                       "\"height\": 32, \"objects\": [{\"bbox_2d\": [1, 1, "
                       "20, 30], \"desc\": \"%0*d\"}], \"summary\": "
                       "\"%0*d\"}\n", 1 + 3 * k, 1, 40 - 5 * k, 1);
    qvl_str_puts(&text, "{\"messages\": [{\"role\": \"user\", \"content\": "
                 "\"what\"}, {\"role\": \"assistant\", \"content\": "
                 "\"this\"}]}\n");
    const char *path = made_file("f.jsonl", text.p, text.len);
    qvl_str_release(&text);
    return path;
}

/* Sample k in an epoch, asked for in three ways. Returns its mode. */
static qvl_mode check_length(const qvl_samples *s, const qvl_pack_source *pack,
                             size_t k, uint64_t epoch)
{
    const qvl_encoder *e = s->train.recipes.v[0].encoder;
    const qvl_record *record = &s->train.record[k];
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_encoded sample;
    int n_tokens = 0;
    CHECK_OK(qvl_encode_text(e, record, epoch, &arena, &sample, &err), err);
    CHECK_INT(qvl_encoder_draw_mode(e, record, epoch), sample.mode,
              "record %zu in %d", k, (int)epoch);
    const qvl_sample_length *l = qvl_sample_set_length(&s->train, k, epoch);
    CHECK_INT(l->answer, sample.n_supervised, "record %zu", k);
    CHECK_INT(l->image, sample.n_image_tok, "record %zu", k);
    CHECK_INT(l->prompt, sample.n - l->answer - l->image, "record %zu", k);
    qvl_memory_limit(0);
    int rc = pack->length(pack->ctx,
                          &(qvl_sample_at){ .record = k, .epoch = epoch }, &n_tokens,
                          &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_OK(rc, err);
    CHECK_INT(n_tokens, sample.n, "record %zu in %d", k, (int)epoch);
    qvl_arena_release(&arena);
    return sample.mode;
}

/* The lengths by which samples are packed are those that they have in each epoch,
 * and nothing is encoded for them. */
static void test_lengths(void)
{
    static const qvl_samples_check checks[] = { QVL_SAMPLES_FIRST,
                                                QVL_SAMPLES_LENGTHS };
    static const char *const ratios[] = { "0", "0.3", "1" };
    const char *file = make_two_faced();
    for (size_t i = 0; i < 3 * QVL_COUNT(checks); i++) {
        char more[64];
        qvl_arena arena = { 0 };
        qvl_run_config c;
        qvl_err err = { 0 };
        qvl_samples s;
        int n_of[QVL_N_MODES] = { 0 };
        snprintf(more, sizeof more, ", summary_ratio: %s", ratios[i % 3]);
        CHECK_OK(load_config(&c, file, file, more, &arena, &err), err);
        c.training.packing = true;
        CHECK_OK(qvl_samples_open(&s, &c, checks[i / 3], &arena, &err), err);
        CHECK_INT(s.train.n, 16, "records");
        qvl_pack_source pack = qvl_samples_pack(&s, &c);
        for (uint64_t epoch = 0; epoch < 5; epoch++)
            for (size_t k = 0; k < s.train.n; k++)
                n_of[check_length(&s, &pack, k, epoch)]++;
        CHECK((n_of[QVL_MODE_SUMMARY] > 0) == (i % 3 > 0),
              "ratio %s: %d summaries", ratios[i % 3], n_of[QVL_MODE_SUMMARY]);
        CHECK(n_of[QVL_MODE_DENSE] > 2 * 5 || i % 3 == 2,
              "ratio %s: %d dense", ratios[i % 3], n_of[QVL_MODE_DENSE]);
        qvl_samples_close(&s);
        qvl_arena_release(&arena);
    }
}

/* Out of host memory at any point, with an encoder of its own for validation: an
 * error, and nothing is held. */
static void test_host_memory(void)
{
    char more[512];
    qvl_arena kept = { 0 };
    qvl_run_config c;
    qvl_err err = { 0 };
    int rc = QVL_E_MEMORY;
    const char *file = make_records("d.jsonl", 3, 0, 0);
    snprintf(more, sizeof more, ", val_jsonl: %s, summary_ratio: 0.5", file);
    CHECK_OK(load_config(&c, file, file, more, &kept, &err), err);
    for (size_t limit = 64; rc != QVL_OK; limit *= 2) {
        qvl_arena arena = { 0 };
        qvl_samples s = { .train = { .n = 77 } };
        qvl_memory_limit(limit);
        rc = qvl_samples_open(&s, &c, QVL_SAMPLES_ALL, &arena, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "%zu bytes: %s", limit,
              err.msg);
        CHECK_INT(s.train.n, rc == QVL_OK ? 6 : 77, "%zu bytes", limit);
        if (rc == QVL_OK) {
            CHECK_INT(s.n_beside, 1, "two encoders");
            qvl_samples_close(&s);
        }
        qvl_arena_release(&arena);
    }
    qvl_arena_release(&kept);
}

/* Words of a configuration stand where the enums have what they mean. */
static void test_words(void)
{
    static const struct {
        const char *key;
        int place;
        const char *word;
    } words[] = {
        { "model.torch_dtype", QVL_CONFIG_F32, "float32" },
        { "model.torch_dtype", QVL_CONFIG_BF16, "bfloat16" },
        { "model.torch_dtype", QVL_CONFIG_F16, "float16" },
        { "custom.desc_profile", QVL_LINT_NONE, "none" },
        { "custom.desc_profile", QVL_LINT_SLASH, "slash" },
        { "custom.desc_profile", QVL_LINT_KEYVALUE, "keyvalue" },
        { "template.loss_scale", QVL_LOSS_ALL_TURNS, "default" },
        { "template.loss_scale", QVL_LOSS_LAST_TURN, "last_round" },
        { "training.optimizer", QVL_OPTIMIZER_DEFAULT, "default" },
        { "training.optimizer", QVL_OPTIMIZER_MULTIMODAL, "multimodal" },
        { "training.eval_strategy", QVL_WHEN_NO, "no" },
        { "training.eval_strategy", QVL_WHEN_STEPS, "steps" },
        { "training.eval_strategy", QVL_WHEN_EPOCH, "epoch" },
        { "training.save_strategy", QVL_WHEN_NO, "no" },
        { "training.save_strategy", QVL_WHEN_STEPS, "steps" },
        { "training.save_strategy", QVL_WHEN_EPOCH, "epoch" },
        { "training.save_strategy", QVL_WHEN_BEST, "best" },
        { "training.greater_is_better", QVL_BEST_AUTO, "auto" },
        { "training.greater_is_better", QVL_BEST_LOWER, "false" },
        { "training.greater_is_better", QVL_BEST_GREATER, "true" },
        { "training.logging_key_style", QVL_LOG_KEYS_PREFIXED, "prefixed" },
        { "training.logging_key_style", QVL_LOG_KEYS_HF, "hf" },
        { "training.eval_loss_reduction", QVL_EVAL_BY_TOKEN, "token" },
        { "training.eval_loss_reduction", QVL_EVAL_BY_SAMPLE, "sample" },
        { "training.lr_scheduler_type", QVL_LR_LINEAR, "linear" },
        { "training.lr_scheduler_type", QVL_LR_COSINE, "cosine" },
        { "training.lr_scheduler_type", QVL_LR_COSINE_RESTARTS,
          "cosine_with_restarts" },
        { "training.lr_scheduler_type", QVL_LR_POLYNOMIAL, "polynomial" },
        { "training.lr_scheduler_type", QVL_LR_CONSTANT, "constant" },
        { "training.lr_scheduler_type", QVL_LR_CONSTANT_WARMUP,
          "constant_with_warmup" },
        { "training.lr_scheduler_type", QVL_LR_INVERSE_SQRT, "inverse_sqrt" },
        { "training.lr_scheduler_type", QVL_LR_COSINE_MIN,
          "cosine_with_min_lr" },
        { "training.lr_scheduler_type", QVL_LR_COSINE_WARMUP_MIN,
          "cosine_warmup_with_min_lr" },
        { "training.lr_scheduler_type", QVL_LR_STABLE_DECAY,
          "warmup_stable_decay" },
        { "training.lr_scheduler_type", QVL_LR_ON_PLATEAU,
          "reduce_lr_on_plateau" },
        { "custom.emit_norm", QVL_COORD_NORM1000, "norm1000" },
        { "custom.emit_norm", QVL_COORD_NORM100, "norm100" },
        { "custom.emit_norm", QVL_COORD_PIXELS, "none" },
        { "custom.json_format", QVL_SHAPE_FLAT, "flat" },
        { "custom.json_format", QVL_SHAPE_STANDARD, "standard" },
        { "custom.object_field_order", QVL_FIELDS_AUTO, "auto" },
        { "custom.object_field_order", QVL_FIELDS_DESC_FIRST, "desc_first" },
        { "custom.object_field_order", QVL_FIELDS_GEOMETRY_FIRST,
          "geometry_first" },
        { "custom.object_ordering_policy", QVL_ORDER_REFERENCE,
          "reference_tlbr" },
        { "custom.object_ordering_policy", QVL_ORDER_CENTER, "center_tlbr" },
        { "custom.polygon_winding", QVL_WINDING_CLOCKWISE, "clockwise" },
        { "custom.polygon_winding", QVL_WINDING_COUNTERCLOCKWISE,
          "counterclockwise" },
        { "custom.polygon_winding", QVL_WINDING_PRESERVE, "preserve" },
    };
    qvl_arena a = { 0 };
    for (size_t i = 0; i < QVL_COUNT(words); i++) {
        const qvl_key *key = qvl_key_find(words[i].key);
        CHECK(key != NULL, "%s", words[i].key);
        CHECK_STR(qvl_key_word(key, words[i].place, &a), words[i].word, "%s",
                  words[i].key);
    }
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_first_of_each_file), TEST(test_words), TEST(test_all),
          TEST(test_drawn_answers), TEST(test_lengths), TEST(test_host_memory))
