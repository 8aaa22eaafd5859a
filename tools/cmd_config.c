/* cmd_config.c - qvl config: what a configuration of a run says, and what it may
 *
 * Keys come in the order of the schema; rows whose section is NULL stand for no field
 * and are left out. Two configurations are compared by the text of their final values,
 * so where a key was set makes no difference. `check` calls what a run calls before it
 * opens its model (train/loop.h).
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "cmd.h"
#include "config/augment.h"
#include "config/reference.h"
#include "config/run_config.h"
#include "config/schema.h"
#include "train/loop.h"
#include "train/run_folder.h"
#include "train/samples.h"

typedef struct {
    const char *base;
    const char *profile;
    bool json;
    bool yaml;
} config_options;

#define BASE_FLAG                                                             \
    { .name = "base-config", .type = CMD_TEXT, .value = "FILE",               \
      .at = offsetof(config_options, base),                                   \
      .help = "YAML that lies under everything" }

static const cmd_flag inspect_flags[] = {
    BASE_FLAG,
    { .name = "json", .type = CMD_SWITCH, .at = offsetof(config_options, json),
      .help = "one JSON value instead of YAML" },
    { .name = "yaml", .type = CMD_SWITCH, .at = offsetof(config_options, yaml),
      .help = "YAML, which it is without a flag too" },
};

static const cmd_flag check_flags[] = { BASE_FLAG };

static const cmd_flag diff_flags[] = {
    { .name = "profile", .type = CMD_TEXT, .value = "P", .preset = "all",
      .at = offsetof(config_options, profile),
      .help = "all, or parity: names of runs, logging and saving may differ" },
};

/* Keys that may differ under the profile parity; `*` ends a beginning. */
static const char *const parity[] = {
    "training.output_dir", "training.logging_*", "training.run_name",
    "custom.dump_conversation_*", "training.report_to", "training.save_*",
    "training.eval_strategy", "training.eval_steps",
    "training.metric_for_best_model", "training.greater_is_better",
};

/* The same where no records are augmented by either. */
static const char *const parity_of_off[] = {
    "custom.augmentation", "custom.augmentation_curriculum", "custom.bypass_prob",
};

typedef struct {
    const config_options *o;
    const char *const *file;  // [n_files]
    int n_files;
    qvl_err *err;
    qvl_arena arena;
    qvl_str text;
    qvl_samples samples;
} call;

static int load(call *c, qvl_run_config *config, int k)
{
    return qvl_run_config_load(config, c->file[k], c->o->base, NULL, 0,
                               &c->arena, c->err);
}

static const char *value_of(call *c, const qvl_run_config *config,
                            const char *path)
{
    qvl_str_reset(&c->text);
    qvl_run_config_value(&c->text, config, path, &c->arena);
    return qvl_arena_strdup(&c->arena, c->text.p);
}

static const char *place_of(call *c, const qvl_run_config *config,
                            const char *path)
{
    const char *place = qvl_run_config_place(config, path, &c->arena);
    return place != NULL ? place : "default";
}

/* ---- inspect ------------------------------------------------------------- */

static int depth_of(const char *section)
{
    int n = section[0] != '\0';
    for (; (section = strchr(section, '.')) != NULL; section++)
        n++;
    return n;
}

static void print_yaml(call *c, const qvl_run_config *config)
{
    const char *section = "";
    for (int k = 0; k < config->files.n; k++)
        printf("# %s\n", config->files.v[k]);
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const qvl_key *key = &qvl_keys[i];
        if (key->section == NULL)
            continue;
        int depth = depth_of(key->section);
        if (strcmp(key->section, section) != 0) {
            const char *dot = strrchr(key->section, '.');
            printf("%*s%s:\n", 2 * (depth - 1), "",
                   dot != NULL ? dot + 1 : key->section);
            section = key->section;
        }
        const char *path = qvl_key_path(key, &c->arena);
        printf("%*s%s: %s  # %s\n", 2 * depth, "", key->name,
               value_of(c, config, path), place_of(c, config, path));
    }
}

static int inspect(call *c)
{
    qvl_run_config config;
    if (c->o->json && c->o->yaml)
        return qvl_fail(c->err, QVL_E_USAGE, "flag --yaml: found it beside "
                        "--json, expected one of the two");
    QVL_TRY(load(c, &config, 0));
    if (!c->o->json) {
        print_yaml(c, &config);
        return QVL_OK;
    }
    qvl_run_config_json(&c->text, &config, &c->arena);
    fputs(c->text.p, stdout);
    return QVL_OK;
}

/* ---- diff ---------------------------------------------------------------- */

static bool is_one_of(const char *const *list, size_t n_list, const char *path)
{
    for (size_t i = 0; i < n_list; i++) {
        size_t n = strlen(list[i]);
        bool is_start = list[i][n - 1] == '*';
        if (strncmp(path, list[i], is_start ? n - 1 : n + 1) == 0)
            return true;
    }
    return false;
}

static bool may_differ(const char *path, const qvl_run_config *a,
                       const qvl_run_config *b)
{
    bool is_off = !a->augmentation->is_on && !b->augmentation->is_on;
    return is_one_of(parity, QVL_COUNT(parity), path)
           || (is_off && is_one_of(parity_of_off, QVL_COUNT(parity_of_off), path));
}

static int diff(call *c)
{
    qvl_run_config a, b;
    int n_different = 0;
    const char *profile = c->o->profile;
    if (strcmp(profile, "all") != 0 && strcmp(profile, "parity") != 0)
        return qvl_fail(c->err, QVL_E_USAGE, "flag --profile: found %s, "
                        "expected all or parity", profile);
    bool is_parity = strcmp(profile, "parity") == 0;
    QVL_TRY(load(c, &a, 0));
    QVL_TRY(load(c, &b, 1));
    for (size_t i = 0; i < qvl_n_keys; i++) {
        if (qvl_keys[i].section == NULL)
            continue;
        const char *path = qvl_key_path(&qvl_keys[i], &c->arena);
        const char *x = value_of(c, &a, path), *y = value_of(c, &b, path);
        if (strcmp(x, y) == 0)
            continue;
        bool is_fine = is_parity && may_differ(path, &a, &b);
        n_different += !is_fine;
        printf("%s%s:\n  - %s  # %s\n  + %s  # %s\n", path,
               is_fine ? " (may differ)" : "", x, place_of(c, &a, path), y,
               place_of(c, &b, path));
    }
    if (n_different > 0)
        return qvl_fail(c->err, QVL_E_CONFIG, "configurations: found %d keys "
                        "that differ, expected none", n_different);
    return QVL_OK;
}

/* ---- check --------------------------------------------------------------- */

static void print_set(const char *name, const qvl_sample_set *set)
{
    if (set->n > 0)
        printf("%s: %zu records, %lld tokens, the longest sample has %d\n",
               name, set->n, (long long)set->n_tokens, set->longest_tok);
}

static int check(call *c)
{
    qvl_run_config config;
    qvl_epoch_plan plan;
    qvl_sources sources;
    qvl_run_folder folder;
    int64_t max_steps;
    QVL_TRY(load(c, &config, 0));
    QVL_TRY(qvl_run_folder_find(&folder, config.training.output_dir,
                                config.training.add_version,
                                config.training.resume_from_checkpoint,
                                &c->arena, c->err));
    QVL_TRY(qvl_samples_open(&c->samples, &config, QVL_SAMPLES_FIRST,
                             &c->arena, c->err));
    QVL_TRY(qvl_loop_plan(&plan, &max_steps, &config, &c->samples, &c->arena,
                          c->err));
    QVL_TRY(qvl_loop_sources(&sources, &config, &c->samples, &c->arena,
                             c->err));
    print_set("training", &c->samples.train);
    print_set("validation", &c->samples.val);
    printf("%s can be trained with\n", c->file[0]);
    return QVL_OK;
}

/* ---- reference ----------------------------------------------------------- */

static int reference(call *c)
{
    qvl_config_reference(&c->text, &c->arena);
    fputs(c->text.p, stdout);
    return QVL_OK;
}

/* ---- calls --------------------------------------------------------------- */

/* A command with a number of files. */
typedef struct {
    call c;
    int (*command)(call *c);
} guarded;

static int run_guarded(void *arg)
{
    guarded *g = arg;
    return g->command(&g->c);
}

static int run_with(const void *options, const char *const *word, int n,
                    int n_wanted, int (*command)(call *c), qvl_err *err)
{
    static const char *const wanted[] = { "none", "one FILE", "two FILEs" };
    if (n != n_wanted)
        return qvl_fail(err, QVL_E_USAGE, "arguments: found %d, expected %s",
                        n, wanted[n_wanted]);
    guarded g = { { .o = options, .file = word, .n_files = n, .err = err },
                  command };
    int rc = qvl_guard(run_guarded, &g, err);
    qvl_samples_close(&g.c.samples);
    qvl_str_release(&g.c.text);
    qvl_arena_release(&g.c.arena);
    return rc;
}

static int run_inspect(const void *options, const char *const *word, int n,
                       qvl_err *err)
{
    return run_with(options, word, n, 1, inspect, err);
}

static int run_diff(const void *options, const char *const *word, int n,
                    qvl_err *err)
{
    return run_with(options, word, n, 2, diff, err);
}

static int run_check(const void *options, const char *const *word, int n,
                     qvl_err *err)
{
    return run_with(options, word, n, 1, check, err);
}

static int run_reference(const void *options, const char *const *word, int n,
                         qvl_err *err)
{
    return run_with(options, word, n, 0, reference, err);
}

const cmd cmd_config_inspect = {
    .name = "config inspect",
    .summary = "a configuration with all it inherits, and where each key is set",
    .usage = "FILE [--base-config FILE] [--json|--yaml]",
    .details = "Behind each key stands the place that said it; in parentheses the "
               "key whose\nvalue it follows, or null where one asks for the "
               "default.\n",
    .flag = inspect_flags,
    .n_flags = QVL_COUNT(inspect_flags),
    .options_bytes = sizeof(config_options),
    .run = run_inspect,
};

const cmd cmd_config_diff = {
    .name = "config diff",
    .summary = "the keys in which two configurations differ",
    .usage = "FILE FILE [--profile all|parity]",
    .details = "The status is 2 when they do.\n",
    .flag = diff_flags,
    .n_flags = QVL_COUNT(diff_flags),
    .options_bytes = sizeof(config_options),
    .run = run_diff,
};

const cmd cmd_config_check = {
    .name = "config check",
    .summary = "all that training checks before it opens the model",
    .usage = "FILE [--base-config FILE]",
    .details = "Reads and encodes every record. The model's folder needs its "
               "tokenizer and\nprocessor files alone.\n",
    .flag = check_flags,
    .n_flags = QVL_COUNT(check_flags),
    .options_bytes = sizeof(config_options),
    .run = run_check,
};

const cmd cmd_config_reference = {
    .name = "config reference",
    .summary = "every key there is, as a page of Markdown (docs/config.md)",
    .usage = "",
    .details = "",
    .options_bytes = sizeof(config_options),
    .run = run_reference,
};
