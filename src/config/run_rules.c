/* run_rules.c - what one key asks of another
 *
 * One function for each group of keys. A rule reads the fields as they were
 * given and writes what follows from them; it adds a fault and goes on, so that
 * one call tells all. A key that is at fault itself has its default here, and is not
 * held against others. Ranges of single numbers stand in keys.def, what holds between
 * rates and steps in train/sched.c.
 */
#include "config/run_rules.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "config/augment.h"
#include "config/eval_number.h"
#include "config/fusion.h"
#include "config/schema_value.h"

typedef struct {
    qvl_run_config *c;
    qvl_faults *faults;
    qvl_arena *arena;
    qvl_config_origin *origin;  // [n_origins] of most_origins()
    int n_origins;
} rules;

/* No key is told to follow more often. */
static size_t most_origins(void)
{
    return 2 * qvl_n_keys;
}

static const qvl_node *given(const rules *r, const char *path)
{
    return qvl_key_given(r->c->tree, path);
}

/* Was the key not given, or given as it may be? */
static bool is_sound(const rules *r, const char *path)
{
    const qvl_node *node = given(r, path);
    bool is_list = node != NULL && node->kind == QVL_NODE_LIST;
    for (size_t i = 0; is_list && i < node->n; i++)
        if (qvl_faults_has(r->faults, &node->items[i]))
            return false;
    return !qvl_faults_has(r->faults, node);
}

/* The value of a key is that of another one. Both are texts of the program. */
static void follows(rules *r, const char *path, const char *from)
{
    assert((size_t)r->n_origins < most_origins());
    r->origin[r->n_origins++] = (qvl_config_origin){ path, from };
}

static const char *name_of(const rules *r, const char *path)
{
    return qvl_run_config_word(r->c, path, r->arena);
}

/* ---- lengths, folders ---------------------------------------------------- */

static void settle_length(rules *r, const char *path, int *field)
{
    int all = r->c->top.global_max_length;
    const qvl_node *own = given(r, path);
    if (all == 0)
        return;
    if (own != NULL && *field != all && is_sound(r, path))
        qvl_log(QVL_LOG_WARN, "%s:%d: %s is %d, global_max_length makes it %d",
                own->file, own->line, path, *field, all);
    *field = all;
    follows(r, path, "global_max_length");
}

static void rule_lengths(rules *r)
{
    qvl_run_config *c = r->c;
    settle_length(r, "template.max_length", &c->template.max_length);
    settle_length(r, "model.max_model_len", &c->model.max_model_len);
    if (c->template.max_length == 0 && given(r, "template.max_length") == NULL
        && is_sound(r, "global_max_length"))
        qvl_key_missing(c, "template.max_length", "a number of tokens here or in "
                        "global_max_length", r->faults);
    if (c->model.max_model_len == 0) {
        c->model.max_model_len = c->template.max_length;
        follows(r, "model.max_model_len", "template.max_length");
    }
    if (c->template.max_length > c->model.max_model_len)
        qvl_faults_add(r->faults, given(r, "template.max_length"),
                       QVL_E_CONFIG, "template.max_length: found %d, expected "
                       "at most model.max_model_len (%d)",
                       c->template.max_length, c->model.max_model_len);
    if (c->template.max_pixels > 0
        && c->template.min_pixels > c->template.max_pixels)
        qvl_faults_add(r->faults, given(r, "template.min_pixels"),
                       QVL_E_CONFIG, "template.min_pixels: found %d, expected "
                       "at most template.max_pixels (%d)",
                       c->template.min_pixels, c->template.max_pixels);
}

/* FOLDER/NAME, unless the folder is called so already. */
static const char *with_name(const char *folder, const char *name,
                             qvl_arena *arena)
{
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    const char *copy = qvl_arena_strndup(arena, folder, n);
    const char *slash = strrchr(copy, '/');
    if (strcmp(slash != NULL ? slash + 1 : copy, name) == 0)
        return copy;
    return qvl_arena_printf(arena, "%s/%s", strcmp(copy, "/") == 0 ? "" : copy,
                            name);
}

static void rule_folders(rules *r)
{
    qvl_run_config *c = r->c;
    const char *name = c->training.run_name;
    if (name == NULL)
        return;
    if (strchr(name, '/') != NULL || strcmp(name, "..") == 0
        || strcmp(name, ".") == 0)
        qvl_faults_add(r->faults, given(r, "training.run_name"), QVL_E_CONFIG,
                       "training.run_name: found %.200s, expected the name of "
                       "one folder", name);
    if (c->training.output_dir != NULL)
        c->training.output_dir =
            with_name(c->training.output_dir, name, r->arena);
    if (c->training.logging_dir != NULL)
        c->training.logging_dir =
            with_name(c->training.logging_dir, name, r->arena);
}

/* ---- data ---------------------------------------------------------------- */

static void notice_dataset(const rules *r, const char *path, qvl_texts list)
{
    const qvl_node *at = given(r, path);
    for (int i = 0; i < list.n; i++)
        if (strcmp(list.v[i], "dummy") != 0
            && strcmp(list.v[i], "placeholder") != 0) {
            qvl_log(QVL_LOG_WARN, "%s:%d: %s has no effect: the records are "
                    "those of custom.train_jsonl and custom.val_jsonl, or of "
                    "custom.fusion_config",
                    at->file, at->line, path);
            return;
        }
}

/* Records are those of files, or of a fusion. */
static void rule_records(rules *r)
{
    static const char *const files[] = { "custom.train_jsonl", "custom.jsonl",
                                         "custom.val_jsonl" };
    const char *const others[] = { files[0], files[1], files[2],
                                   "custom.summary_ratio" };
    const qvl_run_config *c = r->c;
    bool is_known = is_sound(r, files[0]) && is_sound(r, files[1])
                    && is_sound(r, "custom.fusion_config");
    if (c->custom.fusion_config == NULL) {
        if (is_known && given(r, files[0]) != NULL && c->custom.train_jsonl.n == 0)
            qvl_faults_add(r->faults, given(r, files[0]), QVL_E_CONFIG,
                           "custom.train_jsonl: found an empty list, expected at "
                           "least one text");
        else if (is_known && c->custom.train_jsonl.n == 0)
            qvl_key_missing(c, files[0], "a value, or custom.fusion_config",
                            r->faults);
        return;
    }
    if (c->custom.fusion_config[0] == '\0')
        qvl_faults_add(r->faults, given(r, "custom.fusion_config"), QVL_E_CONFIG,
                       "custom.fusion_config: found nothing, expected a file");
    for (size_t i = 0; i < QVL_COUNT(others); i++)
        if (given(r, others[i]) != NULL && is_sound(r, others[i]))
            qvl_faults_add(r->faults, given(r, others[i]), QVL_E_CONFIG,
                           "%s: found it beside custom.fusion_config, expected it "
                           "of the entries there", others[i]);
}

/* The words in braces of the line in front of answers. */
static void rule_prefix(rules *r)
{
    const char *path = "custom.assistant_prefix_format";
    const char *text = r->c->custom.assistant_prefix_format;
    const char *fault = NULL;
    if (text == NULL)
        return;
    if (r->c->custom.fusion_config == NULL)
        fault = "nothing without custom.fusion_config, whose targets it is for";
    else if (strpbrk(text, "\r\n") != NULL)
        fault = "one line";
    else if (strstr(text, "<|") != NULL)
        fault = "text without \"<|\", which begins control tokens";
    else if (!qvl_fusion_format_is_known(text))
        fault = "{task}, {domain} and {dataset} alone in braces";
    else if (strstr(text, "{task}") == NULL
             || (strstr(text, "{domain}") == NULL
                 && strstr(text, "{dataset}") == NULL))
        fault = "{task} in it, and one of {domain} and {dataset}";
    if (fault != NULL)
        qvl_faults_add(r->faults, given(r, path), QVL_E_CONFIG,
                       "%s: found %.200s, expected %s", path, text, fault);
}

static void rule_data(rules *r)
{
    qvl_run_config *c = r->c;
    rule_records(r);
    rule_prefix(r);
    notice_dataset(r, "data.dataset", c->data.dataset);
    notice_dataset(r, "data.val_dataset", c->data.val_dataset);
    int shared = c->custom.sample_limit > 0 ? c->custom.sample_limit : 0;
    if (given(r, "custom.train_sample_limit") == NULL) {
        c->custom.train_sample_limit = shared;
        follows(r, "custom.train_sample_limit", "custom.sample_limit");
    }
    if (given(r, "custom.val_sample_limit") == NULL) {
        c->custom.val_sample_limit = shared;
        follows(r, "custom.val_sample_limit", "custom.sample_limit");
    }
    if (given(r, "custom.use_summary") != NULL
        && given(r, "custom.summary_ratio") != NULL)
        qvl_faults_add(r->faults, given(r, "custom.summary_ratio"),
                       QVL_E_CONFIG, "custom.summary_ratio: found it beside "
                       "custom.use_summary, expected one of the two");
    if (given(r, "prompts.system") != NULL
        && given(r, "template.system") != NULL)
        qvl_log(QVL_LOG_INFO, "prompts.system is used, template.system is not");
}

static void rule_token_types(rules *r)
{
    const qvl_run_config *c = r->c;
    static const char path[] = "custom.token_type_metrics.exclude";
    const qvl_texts *in = &c->token_types.include, *out = &c->token_types.exclude;
    for (int i = 0; i < in->n; i++)
        for (int k = 0; k < out->n; k++)
            if (strcmp(in->v[i], out->v[k]) == 0)
                qvl_faults_add(r->faults, given(r, path), QVL_E_CONFIG,
                               "%s: found %.200s, which include has too, expected it "
                               "in one of the two", path, out->v[k]);
}

/* ---- batches, rates ------------------------------------------------------ */

static void rule_batch(rules *r)
{
    qvl_run_config *c = r->c;
    int size = c->training.per_device_train_batch_size;
    int whole = c->training.effective_batch_size;
    int *n = &c->training.gradient_accumulation_steps;
    int wanted = ((whole > 0 ? whole : 16) - 1) / size + 1;
    if (whole > 0 && *n > 0 && *n != wanted)
        qvl_faults_add(r->faults,
                       given(r, "training.gradient_accumulation_steps"),
                       QVL_E_CONFIG,
                       "training.gradient_accumulation_steps: found %d, "
                       "expected %d, which training.effective_batch_size %d "
                       "asks for, or one of the two keys alone",
                       *n, wanted, whole);
    if (*n == 0) {
        *n = wanted;
        follows(r, "training.gradient_accumulation_steps",
                whole > 0 ? "training.effective_batch_size"
                          : "training.per_device_train_batch_size");
    }
    if (whole > 0 && (long long)*n * size != whole)
        qvl_log(QVL_LOG_WARN, "training.effective_batch_size %d becomes %lld: "
                "%d batches of %d", whole, (long long)*n * size, *n, size);
}

static void rule_packing(rules *r)
{
    qvl_run_config *c = r->c;
    const qvl_node *lazy = given(r, "data.lazy_tokenize");
    bool is_lazy;
    static const char *const only[] = { "training.packing_length",
                                        "training.packing_strategy" };
    for (size_t i = 0; !c->training.packing && i < QVL_COUNT(only); i++)
        if (given(r, only[i]) != NULL)
            qvl_log(QVL_LOG_WARN, "%s has no effect without training.packing",
                    only[i]);
    if (!c->training.packing)
        return;
    if (lazy != NULL && qvl_value_bool(lazy, &is_lazy) && is_lazy)
        qvl_faults_add(r->faults, lazy, QVL_E_CONFIG, "data.lazy_tokenize: found "
                       "true, expected false or nothing with training.packing, "
                       "which needs all lengths before");
    if (c->data.dataloader_drop_last)
        qvl_log(QVL_LOG_WARN, "data.dataloader_drop_last has no effect with "
                "training.packing: rows flow from one epoch into the next");
    if (c->training.packing_length == 0) {
        c->training.packing_length = c->template.max_length;
        follows(r, "training.packing_length", "template.max_length");
    }
    if (c->training.packing_length < c->template.max_length)
        qvl_faults_add(r->faults, given(r, "training.packing_length"),
                       QVL_E_CONFIG, "training.packing_length: found %d, expected "
                       "at least template.max_length (%d): a sample is not split",
                       c->training.packing_length, c->template.max_length);
}

static void settle_rate(rules *r, const char *path, double *rate)
{
    if (*rate >= 0)
        return;
    *rate = r->c->training.learning_rate;
    follows(r, path, "training.learning_rate");
}

static void rule_augmentation(rules *r)
{
    qvl_augmentation *a = qvl_arena_array(r->arena, qvl_augmentation, 1);
    const qvl_node *bypass = given(r, "custom.bypass_prob");
    double prob;
    if (bypass != NULL
        && !(qvl_value_float(bypass, &prob) && prob == r->c->custom.bypass_prob))
        bypass = NULL;  // at fault, which is told
    qvl_augmentation_read(a, r->c->custom.augmentation,
                          r->c->custom.augmentation_curriculum, bypass, r->faults);
    r->c->augmentation = a;
}

static void rule_rates(rules *r)
{
    qvl_run_config *c = r->c;
    static const char *const part[] = { "training.vit_lr",
                                        "training.aligner_lr" };
    const qvl_node *optimizer = given(r, "training.optimizer");
    bool is_multimodal =
        strcmp(name_of(r, "training.optimizer"), "multimodal") == 0;
    for (size_t i = 0; i < QVL_COUNT(part); i++) {
        const qvl_node *at = given(r, part[i]);
        if (is_multimodal && at == NULL)
            qvl_faults_add(r->faults, optimizer, QVL_E_CONFIG,
                           "%s: found nothing, expected a rate, which "
                           "training.optimizer multimodal needs", part[i]);
        if (at != NULL && optimizer != NULL && !is_multimodal
            && is_sound(r, "training.optimizer"))
            qvl_faults_add(r->faults, at, QVL_E_CONFIG,
                           "%s: found a rate, expected none with "
                           "training.optimizer default", part[i]);
    }
    for (size_t i = 0; optimizer == NULL && i < QVL_COUNT(part); i++) {
        if (given(r, part[i]) == NULL)
            continue;
        c->training.optimizer = QVL_OPTIMIZER_MULTIMODAL;
        follows(r, "training.optimizer", part[i]);
    }
    settle_rate(r, part[0], &c->training.vit_lr);
    settle_rate(r, part[1], &c->training.aligner_lr);
}

/* ---- schedule ------------------------------------------------------------ */

/* Which keys of lr_scheduler_kwargs a schedule reads, in the order of
 * lr_scheduler_type. */
static const char *const schedule_keys[] = {
    [QVL_LR_LINEAR] = "",
    [QVL_LR_COSINE] = "num_cycles",
    [QVL_LR_COSINE_RESTARTS] = "num_cycles",
    [QVL_LR_POLYNOMIAL] = "lr_end power",
    [QVL_LR_CONSTANT] = "",
    [QVL_LR_CONSTANT_WARMUP] = "",
    [QVL_LR_INVERSE_SQRT] = "timescale",
    [QVL_LR_COSINE_MIN] = "min_lr min_lr_rate num_cycles",
    [QVL_LR_COSINE_WARMUP_MIN] =
        "min_lr min_lr_rate num_cycles warmup_lr_rate",
    [QVL_LR_STABLE_DECAY] =
        "num_stable_steps num_decay_steps min_lr_ratio decay_type num_cycles",
    [QVL_LR_ON_PLATEAU] = "factor patience",
};

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; (p = strstr(p, word)) != NULL; p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

/* Does the schedule read the keys that are given? Returns false when one of them is
 * at fault itself. */
static bool check_schedule_keys(rules *r, const char *name)
{
    const qvl_node *kwargs = given(r, "training.lr_scheduler_kwargs");
    const char *known = schedule_keys[r->c->training.lr_scheduler_type];
    bool all_sound = true;
    for (size_t i = 0; kwargs != NULL && i < kwargs->n; i++) {
        const qvl_node *key = &kwargs->keys[i];
        const char *path = qvl_arena_printf(
            r->arena, "training.lr_scheduler_kwargs.%s", key->s);
        all_sound &= !qvl_faults_has(r->faults, &kwargs->items[i]);
        if (kwargs->items[i].kind == QVL_NODE_NULL
            || qvl_key_find(path) == NULL || has_word(known, key->s))
            continue;
        qvl_faults_add(r->faults, key, QVL_E_CONFIG,
                       "%s: found it, expected %s%s with %s", path,
                       known[0] != '\0' ? "of " : "no key", known, name);
    }
    return all_sound;
}

/* Does the schedule have what it needs? */
static void check_schedule_needs(rules *r, const char *name)
{
    const qvl_run_config *c = r->c;
    int type = c->training.lr_scheduler_type;
    const qvl_node *at = given(r, "training.lr_scheduler_type");
    bool has_floor = c->lr.min_lr >= 0, has_share = c->lr.min_lr_rate >= 0;
    if ((type == QVL_LR_COSINE_MIN || type == QVL_LR_COSINE_WARMUP_MIN)
        && has_floor == has_share)
        qvl_faults_add(r->faults, at, QVL_E_CONFIG,
                       "training.lr_scheduler_kwargs: found %s min_lr %s "
                       "min_lr_rate, expected exactly one with %s",
                       has_floor ? "both" : "neither",
                       has_floor ? "and" : "nor", name);
    if (type == QVL_LR_STABLE_DECAY && c->lr.num_decay_steps < 0)
        qvl_faults_add(r->faults, at, QVL_E_CONFIG,
                       "training.lr_scheduler_kwargs.num_decay_steps: found "
                       "nothing, expected a number with %s", name);
}

static void rule_schedule(rules *r)
{
    const qvl_run_config *c = r->c;
    const char *name = name_of(r, "training.lr_scheduler_type");
    if (!is_sound(r, "training.lr_scheduler_type"))
        return;
    if (check_schedule_keys(r, name))
        check_schedule_needs(r, name);
    if (c->training.lr_scheduler_type == QVL_LR_ON_PLATEAU
        && c->training.eval_strategy == QVL_WHEN_NO
        && is_sound(r, "training.eval_strategy"))
        qvl_faults_add(r->faults, given(r, "training.lr_scheduler_type"),
                       QVL_E_CONFIG, "training.eval_strategy: found no, "
                       "expected steps or epoch with %s", name);
}

/* ---- element types ------------------------------------------------------- */

static void rule_dtype(rules *r)
{
    qvl_run_config *c = r->c;
    const struct {
        const char *path;
        bool is_on;
        int dtype;
    } flag[] = { { "training.bf16", c->training.bf16, QVL_CONFIG_BF16 },
                 { "training.fp16", c->training.fp16, QVL_CONFIG_F16 } };
    bool is_told = given(r, "model.torch_dtype") != NULL;
    for (size_t i = 0; i < QVL_COUNT(flag); i++) {
        if (!flag[i].is_on)
            continue;
        if (is_told && c->model.torch_dtype != flag[i].dtype
            && is_sound(r, "model.torch_dtype"))
            qvl_faults_add(r->faults, given(r, flag[i].path), QVL_E_CONFIG,
                           "%s: found true, expected false with "
                           "model.torch_dtype %s", flag[i].path,
                           name_of(r, "model.torch_dtype"));
        if (!is_told)
            follows(r, "model.torch_dtype", flag[i].path);
        c->model.torch_dtype = flag[i].dtype;
        is_told = true;
    }
    c->training.bf16 = c->model.torch_dtype == QVL_CONFIG_BF16;
    c->training.fp16 = c->model.torch_dtype == QVL_CONFIG_F16;
    for (size_t i = 0; i < QVL_COUNT(flag); i++)
        if (!flag[i].is_on)
            follows(r, flag[i].path, "model.torch_dtype");
}

/* ---- logs, evaluation, saving -------------------------------------------- */

static void rule_reports(rules *r)
{
    qvl_texts list = r->c->training.report_to;
    const qvl_node *at = given(r, "training.report_to");
    for (int i = 0; i < list.n; i++) {
        if (strcmp(list.v[i], "tensorboard") == 0
            || (strcmp(list.v[i], "none") == 0 && list.n == 1))
            continue;
        qvl_faults_add(r->faults, at, QVL_E_UNSUPPORTED,
                       "training.report_to: found %.200s, expected tensorboard"
                       " or none", list.v[i]);
        qvl_faults_hint(r->faults, "logging.jsonl in the run's folder holds "
                                   "all numbers");
    }
}

/* "12.5" steps are no number of steps; below 1 it is a share of all. */
static void check_steps(rules *r, const char *path, double n)
{
    if (n >= 1 && (n != floor(n) || n > 1e9))
        qvl_faults_add(r->faults, given(r, path), QVL_E_CONFIG,
                       "%s: found %g, expected a whole number, or a share "
                       "below 1", path, n);
}

static void settle_best(rules *r)
{
    qvl_run_config *c = r->c;
    const char *name = c->training.metric_for_best_model;
    const char *plain = qvl_eval_plain(name);
    if (!qvl_eval_is_number(plain))
        qvl_faults_add(r->faults, given(r, "training.metric_for_best_model"),
                       QVL_E_CONFIG, "training.metric_for_best_model: found "
                       "%.200s, expected one of %s", name,
                       qvl_eval_names(r->arena));
    int natural = qvl_eval_is_loss(plain) ? QVL_BEST_LOWER : QVL_BEST_GREATER;
    int *sense = &c->training.greater_is_better;
    const qvl_node *at = given(r, "training.greater_is_better");
    if (*sense == QVL_BEST_AUTO) {
        *sense = natural;
        follows(r, "training.greater_is_better",
                "training.metric_for_best_model");
    }
    else if (*sense != natural && at != NULL)
        qvl_log(QVL_LOG_WARN, "%s:%d: training.greater_is_better is %s for %s:"
                " the worst checkpoint may be taken for the best",
                at->file, at->line, natural == QVL_BEST_LOWER ? "true"
                                                              : "false", name);
}

/* What needs evaluations, where there are none. */
static void check_evaluated(rules *r)
{
    const qvl_run_config *c = r->c;
    if (c->training.save_strategy == QVL_WHEN_BEST)
        qvl_faults_add(r->faults, given(r, "training.save_strategy"),
                       QVL_E_CONFIG, "training.eval_strategy: found no, "
                       "expected steps or epoch, which training.save_strategy"
                       " best needs");
    if (c->training.early_stop_interval > 0)
        qvl_faults_add(r->faults, given(r, "training.early_stop_interval"),
                       QVL_E_CONFIG, "training.eval_strategy: found no, "
                       "expected steps or epoch, which "
                       "training.early_stop_interval needs");
}

static void rule_evaluation(rules *r)
{
    qvl_run_config *c = r->c;
    bool has_eval = c->training.eval_strategy != QVL_WHEN_NO;
    if (has_eval && c->custom.val_jsonl.n == 0
        && c->custom.fusion_config == NULL && is_sound(r, "custom.val_jsonl"))
        qvl_faults_add(r->faults, given(r, "training.eval_strategy"),
                       QVL_E_CONFIG,
                       "custom.val_jsonl: found nothing, expected a file, "
                       "which training.eval_strategy %s needs",
                       name_of(r, "training.eval_strategy"));
    if (!has_eval && is_sound(r, "training.eval_strategy"))
        check_evaluated(r);
    check_steps(r, "training.eval_steps", c->training.eval_steps);
    if (c->training.eval_steps <= 0) {
        c->training.eval_steps = c->training.save_steps;
        follows(r, "training.eval_steps", "training.save_steps");
    }
    settle_best(r);
}

static void rule_saving(rules *r)
{
    const qvl_run_config *c = r->c;
    check_steps(r, "training.save_steps", c->training.save_steps);
    if (c->training.save_only_model
        && c->training.save_strategy != QVL_WHEN_NO)
        qvl_log(QVL_LOG_INFO, "training.save_only_model: checkpoints cannot "
                              "be resumed, but for that of an interruption");
}

void qvl_run_rules(qvl_run_config *c, qvl_faults *faults)
{
    rules r = { .c = c, .faults = faults, .arena = faults->arena };
    r.origin = qvl_arena_array(r.arena, qvl_config_origin, most_origins());
    rule_lengths(&r);
    rule_folders(&r);
    rule_data(&r);
    rule_token_types(&r);
    rule_batch(&r);
    rule_packing(&r);
    rule_augmentation(&r);
    rule_rates(&r);
    rule_schedule(&r);
    rule_dtype(&r);
    rule_reports(&r);
    rule_evaluation(&r);
    rule_saving(&r);
    if (c->training.data_seed < 0) {
        c->training.data_seed = c->training.seed;
        follows(&r, "training.data_seed", "training.seed");
    }
    c->origin = r.origin;
    c->n_origins = r.n_origins;
}
