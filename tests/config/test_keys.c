/* test_keys.c - every row of the table does what its kind says: values, presets, nulls,
 * notices, advice; places of values that follow from others
 */
#include "check.h"
#include "config/schema.h"
#include "loaded.h"

static const char base[] =
    "model: {model: m}\n"
    "template: {template: qwen3_vl, max_length: 100}\n"
    "tuner: {train_type: full}\n"
    "training:\n"
    "  {output_dir: out, logging_dir: log, run_name: r, num_train_epochs: 1,\n"
    "   learning_rate: 1e-3}\n"
    "custom: {train_jsonl: t.jsonl, emit_norm: norm1000}\n";

static void put_base(void)
{
    put_beside("base.yaml", base);
}

static bool has_field(const qvl_key *key)
{
    return key->section != NULL;
}

/* The base gives it and nothing stands in for it. */
static bool is_needed(const qvl_key *key, const char *path)
{
    return key->preset == qvl_key_needed
           || strcmp(path, "template.max_length") == 0
           || strcmp(path, "custom.train_jsonl") == 0;
}

/* A path for a row; `*` becomes a letter. */
static const char *path_of(const qvl_key *key, qvl_arena *a)
{
    char *path = qvl_arena_strdup(a, qvl_key_path(key, a));
    char *star = strchr(path, '*');
    if (star != NULL)
        *star = 'x';
    return path;
}

static void check_says(const char *path, const char *value, int code,
                       const char *part)
{
    loaded l;
    load_key(&l, path, value);
    CHECK_INT(l.rc, code, "%s: %s: %s", path, value, said(&l));
    CHECK_HAS(said(&l), part, "%s: %s", path, value);
    release(&l);
}

/* It is taken without a word. */
static void check_silent(const char *path, const char *value)
{
    loaded l;
    load_key(&l, path, value);
    CHECK(l.rc == QVL_OK, "%s: %s: %s", path, value, l.err.msg);
    CHECK_STR(l.log, "", "%s: %s", path, value);
    release(&l);
}

/* ---- keys with a field --------------------------------------------------- */

/* What no type takes, and what each takes for none of its values. */
static void test_wrong_values(void)
{
    static const struct {
        unsigned types;
        const char *value;
    } wrong[] = {
        { ~0u, "[[]]" }, { ~(1u << QVL_KEY_MAP), "{a: 1}" },
        { ~(1u << QVL_KEY_LIST), "[a]" },
        { 1u << QVL_KEY_LIST, "[a, ~]" }, { 1u << QVL_KEY_LIST, "['']" },
        { 1u << QVL_KEY_LIST, "''" },
        { 1u << QVL_KEY_BOOL | 1u << QVL_KEY_INT | 1u << QVL_KEY_FLOAT
              | 1u << QVL_KEY_WORD | 1u << QVL_KEY_BYTES, "nonsense" },
        { 1u << QVL_KEY_BOOL | 1u << QVL_KEY_WORD, "2" },
        { 1u << QVL_KEY_BOOL, "1.0" }, { 1u << QVL_KEY_BOOL, "''" },
        { 1u << QVL_KEY_INT | 1u << QVL_KEY_FLOAT, "true" },
        { 1u << QVL_KEY_INT | 1u << QVL_KEY_FLOAT, "'no'" },
        { 1u << QVL_KEY_INT | 1u << QVL_KEY_FLOAT, ".nan" },
        { 1u << QVL_KEY_INT | 1u << QVL_KEY_FLOAT, "-.inf" },
        { 1u << QVL_KEY_INT | 1u << QVL_KEY_FLOAT, "'1e999'" },
        { 1u << QVL_KEY_INT, "1.5" }, { 1u << QVL_KEY_INT, "4294967296" },
        { 1u << QVL_KEY_BYTES, "-1" },
    };
    qvl_arena a = { 0 };
    put_base();
    for (size_t i = 0; i < qvl_n_keys; i++)
        for (size_t k = 0; k < QVL_COUNT(wrong) && has_field(&qvl_keys[i]); k++) {
            const char *path = qvl_key_path(&qvl_keys[i], &a);
            loaded l;
            if ((wrong[k].types >> qvl_keys[i].type & 1u) == 0)
                continue;
            load_key(&l, path, wrong[k].value);
            const char *start = strstr(said(&l), "run.yaml:2: ");
            const char *part = qvl_arena_printf(&a, "run.yaml:2: %s: found ", path);
            CHECK_INT(l.rc, QVL_E_CONFIG, "%s: %s", path, wrong[k].value);
            CHECK(start != NULL && strncmp(start, part, strlen(part)) == 0,
                  "%s: %s: %s", path, wrong[k].value, l.log);
            /* those of a schedule are at fault with another one, too */
            CHECK(strchr(start, '\n')[1] == '\0'
                  || strncmp(path, "training.lr_scheduler_kwargs.", 29) == 0,
                  "%s: one fault: %s", path, l.log);
            release(&l);
        }
    qvl_arena_release(&a);
}

static const char *value_of(const loaded *l, const char *path, qvl_arena *a)
{
    qvl_str text = { 0 };
    qvl_run_config_value(&text, &l->c, path, a);
    const char *copy = qvl_arena_strdup(a, text.p);
    qvl_str_release(&text);
    return copy;
}

/* A null takes away what a file below says; its place is told. */
static void test_nulls(void)
{
    qvl_arena a = { 0 };
    loaded plain;
    put_base();
    load(&plain, "extends: base.yaml\n");
    CHECK_OK(plain.rc, plain.err);
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const char *path = qvl_key_path(&qvl_keys[i], &a);
        loaded l;
        if (!has_field(&qvl_keys[i]))
            continue;
        if (is_needed(&qvl_keys[i], path)) {
            check_says(path, "", QVL_E_CONFIG,
                       qvl_arena_printf(&a, "run.yaml:2: %s: found null, expected a "
                                        , path));
            continue;
        }
        load_key(&l, path, "~");
        CHECK(l.rc == QVL_OK, "%s: %s", path, l.err.msg);
        CHECK_STR(value_of(&l, path, &a), value_of(&plain, path, &a), "%s", path);
        CHECK_HAS(qvl_run_config_place(&l.c, path, &a), ")", "%s", path);
        release(&l);
    }
    release(&plain);
    qvl_arena_release(&a);
}

/* A null in place of a whole section, and of a key that has another place. */
static void test_null_sections(void)
{
    put_base();
    check_says("custom", "", QVL_E_CONFIG,
               "run.yaml:2: custom.emit_norm: found null, expected a value");
    check_says("template", "~", QVL_E_CONFIG,
               "run.yaml:2: template.max_length: found null, expected a number of "
               "tokens here or in global_max_length");
    check_silent("training.lr_scheduler_kwargs", "");
    loaded l;
    load(&l, "extends: base.yaml\ncustom:\n  train_jsonl: ~\n  jsonl:\n");
    CHECK_HAS(said(&l), "run.yaml:3: custom.train_jsonl: found null", "both null");
    release(&l);
    load(&l, "jsonl:\ncustom: {jsonl: , emit_norm: none}\n");
    CHECK_HAS(said(&l), "run.yaml:2: custom.jsonl: found null", "alias");
    release(&l);
    load_key(&l, "custom", "5");
    CHECK_STR(said(&l) + strlen(l.log) - strlen("custom: found 5, expected a map\n"),
              "custom: found 5, expected a map\n", "no map");
    CHECK(strchr(l.log, '\n')[1] == '\0', "one fault: %s", l.log);
    release(&l);
}

static void test_bool_words(void)
{
    static const char *const words[] = {
        "false", "true", "0", "1", "no", "yes", "off", "on", "n", "y", "'0'", "'1'",
        "FALSE", "TRUE", "No", "Yes", "'off'", "'on'", "N", "Y",
    };
    qvl_arena a = { 0 };
    put_base();
    for (size_t i = 0; i < qvl_n_keys; i++)
        for (size_t k = 0; k < QVL_COUNT(words); k++) {
            const char *path = qvl_key_path(&qvl_keys[i], &a);
            loaded l;
            bool is_dtype = strcmp(path, "training.bf16") == 0
                            || strcmp(path, "training.fp16") == 0;
            if (qvl_keys[i].type != QVL_KEY_BOOL || is_dtype)
                continue;
            load_key(&l, path, words[k]);
            CHECK(l.rc == QVL_OK, "%s: %s: %s", path, words[k], l.err.msg);
            CHECK_STR(value_of(&l, path, &a), k % 2 == 1 ? "true" : "false",
                      "%s: %s", path, words[k]);
            release(&l);
        }
    for (size_t k = 0; k < QVL_COUNT(words); k++) {
        loaded l;
        load_key(&l, "training.greater_is_better", words[k]);
        CHECK_OK(l.rc, l.err);
        CHECK_STR(value_of(&l, "training.greater_is_better", &a),
                  k % 2 == 1 ? "\"true\"" : "\"false\"", "%s", words[k]);
        release(&l);
    }
    qvl_arena_release(&a);
}

/* ---- keys without a field ------------------------------------------------ */

static void check_words(const qvl_key *key, const char *path, qvl_arena *a)
{
    for (const char *p = key->words; *p != '\0'; p += *p == ',') {
        size_t len = strcspn(p, ",");
        check_silent(path, qvl_arena_strndup(a, p, len));
        p += len;
    }
    check_says(path, "zzz", QVL_E_UNSUPPORTED,
               qvl_arena_printf(a, "run.yaml:2: %s: found zzz: not supported (%s)",
                                path, key->rule));
    check_says(path, "[]", QVL_E_UNSUPPORTED, path);
}

static void check_off(const qvl_key *key, const char *path, qvl_arena *a)
{
    static const char *const on[] = { "{enabled: true}", "5", "[]",
                                      "{enabled: maybe}", "{enabled: ~}" };
    check_silent(path, "{}");
    check_silent(path, "{enabled: off}");
    for (const char *p = key->words; *p != '\0'; p += *p == ',') {
        size_t len = strcspn(p, ","), first = strcspn(p, ".,");
        const char *own = qvl_arena_strndup(a, p, first);
        check_silent(path, first == len
                               ? qvl_arena_printf(a, "{enabled: off, %s: 1}", own)
                               : qvl_arena_printf(a, "{enabled: off, %s: {%.*s: 1}}",
                                                  own, (int)(len - first - 1),
                                                  p + first + 1));
        if (first < len)
            check_says(path, qvl_arena_printf(a, "{enabled: off, %s: {more: 1}}", own),
                       QVL_E_CONFIG,
                       qvl_arena_printf(a, "%s.%s.more: unknown key", path, own));
        p += len;
    }
    check_says(path, "{enabled: off, more: 1}", QVL_E_CONFIG,
               qvl_arena_printf(a, "run.yaml:2: %s.more: unknown key", path));
    check_says(path, "{a: 1}", QVL_E_CONFIG, "not supported");
    for (size_t i = 0; i < QVL_COUNT(on); i++)
        check_says(path, on[i], QVL_E_UNSUPPORTED,
                   qvl_arena_printf(a, "run.yaml:2: %s: not supported (%s)", path,
                                    key->rule));
}

static void check_ignored_words(const qvl_key *key, const char *path, qvl_arena *a)
{
    for (const char *p = key->words; *p != '\0'; p += *p == ',') {
        size_t len = strcspn(p, ",");
        check_says(path, qvl_arena_strndup(a, p, len), QVL_OK,
                   qvl_arena_printf(a, ":2) has no effect: %s\n", key->rule));
        p += len;
    }
    check_says(path, "zzz", QVL_E_CONFIG,
               qvl_arena_printf(a, "run.yaml:2: %s: found zzz, expected one of %s", path,
                                key->words));
    check_says(path, "[]", QVL_E_CONFIG, path);
}

static void check_row(const qvl_key *key, const char *path, qvl_arena *a)
{
    switch (key->type) {
    case QVL_KEY_IGNORED:
        if (key->words != NULL) {
            check_ignored_words(key, path, a);
            break;
        }
        check_says(path, "x", QVL_OK,
                   qvl_arena_printf(a, "2 %s (", path));
        check_says(path, "[x]", QVL_OK,
                   qvl_arena_printf(a, ":2) has no effect: %s\n", key->rule));
        break;
    case QVL_KEY_ONLY:
        check_words(key, path, a);
        break;
    case QVL_KEY_OFF:
        check_off(key, path, a);
        break;
    case QVL_KEY_ABSENT:
        check_says(path, "x", QVL_E_UNSUPPORTED,
                   qvl_arena_printf(a, "run.yaml:2: %s: found x: not supported (%s)",
                                    path, key->rule));
        break;
    case QVL_KEY_GONE:
        check_says(path, "[x]", QVL_E_CONFIG,
                   qvl_arena_printf(a, "run.yaml:2: %s: this key has been removed: "
                                    "%s", path, key->rule));
        break;
    default:
        CHECK(key->type == QVL_KEY_ALIAS || key->type == QVL_KEY_FILES, "%s", path);
    }
}

static void test_rows_without_field(void)
{
    qvl_arena a = { 0 };
    put_base();
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const char *path = path_of(&qvl_keys[i], &a);
        if (has_field(&qvl_keys[i]))
            continue;
        check_row(&qvl_keys[i], path, &a);
        if (qvl_keys[i].type != QVL_KEY_FILES)
            check_silent(path, "~");
    }
    qvl_arena_release(&a);
}

/* What stood for something once is refused by name, wherever it stands. */
static void test_removed(void)
{
    static const struct {
        const char *path, *instead;
    } cases[] = {
        { "inherit", "use extends" },
        { "custom.hard_sample_mining", "nothing replaces it" },
        { "custom.summary_label_grouping", "group the labels in the records" },
        { "custom.use_legacy_fusion", "custom.fusion_config" },
        { "custom.packing_group_key", "packed rows mix all sources" },
        { "custom.packing_length_override", "use training.packing_length" },
        { "custom.cached_lengths", "lengths are counted at each start" },
        { "custom.grpo_chord", "use custom.grpo.chord" },
        { "prompts.scheme", "use prompts.system and prompts.user" },
        { "training.packing_group_key", "packed rows mix all sources" },
        { "training.cached_lengths", "lengths are counted at each start" },
        { "data.hard_sample_mining", "nothing replaces it" },
    };
    put_base();
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        static const char *const values[] = { "x", "false", "{enabled: false}" };
        for (size_t k = 0; k < QVL_COUNT(values); k++) {
            check_says(cases[i].path, values[k], QVL_E_CONFIG, cases[i].path);
            check_says(cases[i].path, values[k], QVL_E_CONFIG, cases[i].instead);
        }
    }
}

/* Keys that runs are known to have are all in the table. */
static void test_known_keys(void)
{
    char line[256];
    int n = 0;
    FILE *f = fopen(CONFIG_FIXTURES "/keys.txt", "r");
    CHECK(f != NULL, "keys.txt");
    put_base();
    while (fgets(line, sizeof line, f) != NULL) {
        loaded l;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#')
            continue;
        n++;
        CHECK(strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789.")
                  == strlen(line) && line[0] != '\0', "|%s| is a key", line);
        if (strcmp(line, "extends") == 0) {
            CHECK(qvl_key_find(line) != NULL, "%s is not in the table", line);
            continue;
        }
        load_key(&l, line, "1");
        CHECK(strstr(said(&l), "unknown key") == NULL
              && strstr(l.log, "removed") == NULL, "%s: %s", line, l.log);
        release(&l);
    }
    fclose(f);
    CHECK_INT(n, 158, "keys that were read");
    check_says("training.learning_rates", "1", QVL_E_CONFIG, "unknown key");
}

/* ---- what follows -------------------------------------------------------- */

/* `more` is line 2 on top of the base, whose line 2 has max_length. */
static void test_places(void)
{
    static const struct {
        const char *more, *path, *place;
    } cases[] = {
        { "", "training.weight_decay", NULL },
        { "", "training.data_seed", NULL },
        { "training: {seed: 3}", "training.seed", "run.yaml:2" },
        { "training: {seed: 3}", "training.data_seed", "run.yaml:2 (training.seed)" },
        { "training: {seed: 3, data_seed: 4}", "training.data_seed", "run.yaml:2" },
        { "training: {weight_decay: }", "training.weight_decay",
          "run.yaml:2 (null)" },
        { "data:", "data.dataloader_num_workers", "run.yaml:2 (null)" },
        { "", "template.max_length", "base.yaml:2" },
        { "", "model.max_model_len", "base.yaml:2 (template.max_length)" },
        { "global_max_length: 9", "template.max_length",
          "run.yaml:2 (global_max_length)" },
        { "global_max_length: 9", "model.max_model_len",
          "run.yaml:2 (global_max_length)" },
        { "model: {max_model_len: 200}", "model.max_model_len", "run.yaml:2" },
        { "training: {packing: true}", "training.packing_length",
          "base.yaml:2 (template.max_length)" },
        { "training: {packing: true}\nglobal_max_length: 9",
          "training.packing_length", "run.yaml:3 (global_max_length)" },
        { "custom: {sample_limit: 4}", "custom.val_sample_limit",
          "run.yaml:2 (custom.sample_limit)" },
        { "custom: {train_sample_limit: 4}", "custom.train_sample_limit",
          "run.yaml:2" },
        { "training: {vit_lr: 1}", "training.optimizer",
          "run.yaml:2 (training.vit_lr)" },
        { "training: {vit_lr: 1}", "training.aligner_lr",
          "base.yaml:6 (training.learning_rate)" },
        { "training: {effective_batch_size: 8}",
          "training.gradient_accumulation_steps",
          "run.yaml:2 (training.effective_batch_size)" },
        { "training: {per_device_train_batch_size: 8}",
          "training.gradient_accumulation_steps",
          "run.yaml:2 (training.per_device_train_batch_size)" },
        { "training: {save_steps: 8}", "training.eval_steps",
          "run.yaml:2 (training.save_steps)" },
        { "training: {fp16: true}", "model.torch_dtype",
          "run.yaml:2 (training.fp16)" },
        { "training: {fp16: true}", "training.bf16", "run.yaml:2 (training.fp16)" },
        { "model: {torch_dtype: f16}", "training.fp16",
          "run.yaml:2 (model.torch_dtype)" },
        { "training: {metric_for_best_model: token_acc}",
          "training.greater_is_better",
          "run.yaml:2 (training.metric_for_best_model)" },
        { "training: {output_dir: o}", "training.output_dir", "run.yaml:2" },
        { "tuner: {resume_from_checkpoint: c}", "training.resume_from_checkpoint",
          "run.yaml:2" },
    };
    put_base();
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        qvl_arena a = { 0 };
        load(&l, qvl_arena_printf(&a, "extends: base.yaml\n%s\n", cases[i].more));
        CHECK_OK(l.rc, l.err);
        const char *place = qvl_run_config_place(&l.c, cases[i].path, &a);
        const char *slash = place != NULL ? strrchr(place, '/') : NULL;
        CHECK_STR(slash != NULL ? slash + 1 : place, cases[i].place, "%s of %s",
                  cases[i].path, cases[i].more);
        qvl_arena_release(&a);
        release(&l);
    }
}

/* A fault of one key is no second fault of another. */
static void test_single_faults(void)
{
    static const char *const cases[] = {
        "template: {max_length: x}",
        "global_max_length: x\ntemplate: {max_length: }",
        "training: {lr_scheduler_type: cosine_min, lr_scheduler_kwargs: {min_lr: 0}}",
        "training: {lr_scheduler_type: cosine_with_min_lr, lr_scheduler_kwargs: "
        "{min_lr: x}}",
        "training: {lr_scheduler_type: warmup_stable_decay, lr_scheduler_kwargs: "
        "{num_decay_steps: x}}",
        "training: {eval_strategy: step, save_strategy: best, early_stop_interval: 1,"
        " lr_scheduler_type: reduce_lr_on_plateau}",
        "training: {eval_strategy: steps}\ncustom: {val_jsonl: [~]}",
        "training: {optimizer: mm, vit_lr: 1}",
        "training: {fp16: true}\nmodel: {torch_dtype: half}",
        "training: {per_device_train_batch_size: 0}",
        "training: {metric_for_best_model: {}}",
        "training: {run_name: [r]}",
    };
    put_base();
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        loaded l;
        qvl_arena a = { 0 };
        load(&l, qvl_arena_printf(&a, "extends: base.yaml\n%s\n", cases[i]));
        CHECK_INT(l.rc, QVL_E_CONFIG, "%s", cases[i]);
        CHECK_STR(l.log, "", "%s: also %s", cases[i], l.err.msg);
        qvl_arena_release(&a);
        release(&l);
    }
}

/* A long value is cut between two characters. */
static void test_long_value(void)
{
    char value[700] = "a";
    for (int i = 0; i < 200; i++)
        strcat(value, "\xe7\xba\xbf");
    put_base();
    loaded l;
    load_key(&l, "training.seed", value);
    const char *found = strstr(said(&l), "found ");
    CHECK(found != NULL, "%s", l.log);
    const char *end = strstr(found, "..., expected");
    CHECK(end != NULL && end - found == 6 + 1 + 3 * 66, "%s", l.log);
    release(&l);
}

RUN_TESTS(TEST(test_wrong_values), TEST(test_nulls), TEST(test_null_sections),
          TEST(test_bool_words), TEST(test_rows_without_field), TEST(test_removed),
          TEST(test_known_keys), TEST(test_places), TEST(test_single_faults),
          TEST(test_long_value))
