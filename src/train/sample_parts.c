/* sample_parts.c - the sets of data of a run
 *
 * A record keeps its number in its own set, which its draws begin with, so that they do
 * not depend on the other sets of a fusion.
 */
#include "train/sample_parts.h"

#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "config/fusion.h"
#include "data/fusion_record.h"

/* Names of the sets without a fusion, which keep the draws of one apart from those of
 * the other. */
#define TRAIN "train"
#define VAL "val"

/* ---- options of the configuration ---------------------------------------- */

static unsigned needs_of(const qvl_run_config *c)
{
    double ratio = c->custom.summary_ratio;
    bool asks_summary = c->custom.use_summary || ratio > 0;
    bool asks_objects = !c->custom.use_summary && !(ratio >= 1);
    return QVL_NEEDS_ANSWER | (asks_objects ? QVL_NEEDS_OBJECTS : 0)
           | (asks_summary ? QVL_NEEDS_SUMMARY : 0);
}

static double summary_ratio(const qvl_run_config *c)
{
    double ratio = c->custom.summary_ratio;
    return c->custom.use_summary ? 1 : ratio > 0 ? ratio : 0;
}

static uint64_t hash_of(const char *name)
{
    return qvl_rng_hash(name, strlen(name));
}

/* A text and the key that it comes from. */
typedef struct {
    const char *text, *key;
} keyed;

/* The last one that was given. */
static keyed strongest(const keyed *k, size_t n)
{
    keyed found = { NULL, NULL };
    for (size_t i = 0; i < n; i++)
        if (k[i].text != NULL)
            found = k[i];
    return found;
}

/* The texts that the run has for a mode, weakest first. */
static keyed user_of(const qvl_run_config *c)
{
    const keyed texts[] = { { c->prompts.user, "prompts.user" },
                            { c->custom.user_prompt, "custom.user_prompt" } };
    return strongest(texts, QVL_COUNT(texts));
}

static keyed system_of(const qvl_run_config *c, int mode)
{
    const keyed texts[] = {
        { c->template.system, "template.system" },
        { c->prompts.system, "prompts.system" },
        { c->custom.system_prompt_summary, "custom.system_prompt_summary" },
    };
    return strongest(texts, mode == QVL_MODE_SUMMARY ? 3 : 2);
}

/* Words of the configuration stand in the order of these enums. */
static qvl_answer_rules rules_of(const qvl_run_config *c)
{
    return (qvl_answer_rules){
        .coord = (qvl_coord)c->custom.emit_norm,
        .shape = (qvl_shape)c->custom.json_format,
        .fields = (qvl_fields)c->custom.object_field_order,
        .order = (qvl_order)c->custom.object_ordering_policy,
        .winding = (qvl_winding)c->custom.polygon_winding,
    };
}

static qvl_encoder_options encoder_options(const qvl_run_config *c, bool has_limit)
{
    qvl_encoder_options o = {
        .model = c->model.model,
        .min_pixels = c->template.min_pixels,
        .max_pixels = c->template.max_pixels,
        .max_length = has_limit ? c->template.max_length : 0,
        .answer = rules_of(c),
        .response_prefix = c->template.response_prefix,
        .loss = (qvl_loss_turns)c->template.loss_scale,
        .wants_types = c->token_types.enabled,
        .summary_ratio = summary_ratio(c),
        .seed = (uint64_t)c->training.data_seed,
    };
    for (int mode = 0; mode < QVL_N_MODES; mode++)
        o.prompt[mode] = (qvl_prompt){ .system = system_of(c, mode).text,
                                       .user = user_of(c).text };
    return o;
}

/* ---- records of files ---------------------------------------------------- */

/* Records of all files, one behind the other, at most `limit` (0: all). Each
 * keeps its number in the whole, so that no two make the same draws. */
static int load_files(qvl_sample_set *set, const qvl_texts *files, int limit,
                      const qvl_run_config *c, qvl_arena *arena, qvl_err *err)
{
    qvl_record_list *part = qvl_arena_array(arena, qvl_record_list, files->n);
    size_t n = 0;
    for (int i = 0; i < files->n; i++) {
        qvl_record_options options = {
            .needs = needs_of(c),
            .pictures = QVL_PICTURES_EXIST,
            .lint = (qvl_lint)c->custom.desc_profile,
            .limit = limit > 0 ? (size_t)limit - n : 0,
        };
        if (limit > 0 && n == (size_t)limit)
            break;
        QVL_TRY(qvl_records_load(&part[i], files->v[i], &options,
                                 c->data.dataset_num_proc, arena, err));
        n += part[i].n;
    }
    qvl_record *all = qvl_arena_array(arena, qvl_record, n);
    set->record = all;
    set->n = n;
    n = 0;
    for (int i = 0; i < files->n; i++)
        for (size_t k = 0; k < part[i].n; k++, n++) {
            all[n] = part[i].record[k];
            all[n].index = n;
        }
    return QVL_OK;
}

static void put_recipe(qvl_sample_set *set, const qvl_run_config *c,
                       const char *name, qvl_arena *arena)
{
    set->recipe = qvl_arena_array(arena, qvl_recipe, 1);
    set->recipe[0].draw = (qvl_mode_draw){
        .summary_ratio = summary_ratio(c),
        .seed = (uint64_t)c->training.data_seed,
        .dataset = hash_of(name),
    };
    set->recipes = (qvl_recipes){ .v = set->recipe, .n = 1 };
}

static int load_plain(qvl_samples *s, const qvl_run_config *c, bool has_val,
                      qvl_arena *arena, qvl_err *err)
{
    QVL_TRY(load_files(&s->train, &c->custom.train_jsonl,
                       c->custom.train_sample_limit, c, arena, err));
    put_recipe(&s->train, c, TRAIN, arena);
    if (has_val)
        QVL_TRY(load_files(&s->val, &c->custom.val_jsonl,
                           c->custom.val_sample_limit, c, arena, err));
    put_recipe(&s->val, c, VAL, arena);
    return QVL_OK;
}

/* ---- records of a fusion ------------------------------------------------- */

/* All records of an entry's file are what it asks for, or the first that is not is the
 * error; the others are logged, so many of them as of a file. */
static int check_entry(const qvl_fusion_entry *e, const qvl_record_list *list,
                       qvl_err *err)
{
    int n_faults = 0, rc = QVL_OK;
    for (size_t k = 0; k < list->n && n_faults < QVL_RECORD_MAX_FAULTS; k++) {
        qvl_err own = { 0 };
        int code = qvl_fusion_check(e, &list->record[k], n_faults == 0 ? err : &own);
        if (code == QVL_OK)
            continue;
        if (n_faults++ == 0)
            rc = code;
        else
            qvl_log(QVL_LOG_ERROR, "%s", own.msg);
    }
    return rc;
}

/* A file of an entry, as the entry has it. */
static int load_entry(qvl_record_list *out, const qvl_fusion_entry *e,
                      const char *path, int limit, const qvl_run_config *c,
                      qvl_arena *arena, qvl_err *err)
{
    const qvl_record_options options = {
        .needs = qvl_fusion_needs(e),
        .pictures = QVL_PICTURES_EXIST,
        .lint = (qvl_lint)c->custom.desc_profile,
        .limit = limit > 0 ? (size_t)limit : 0,
    };
    qvl_record_list list;
    QVL_TRY(qvl_records_load(&list, path, &options, c->data.dataset_num_proc, arena,
                             err));
    QVL_TRY(check_entry(e, &list, err));
    qvl_record *record = qvl_arena_array(arena, qvl_record, list.n);
    const qvl_node *plain = qvl_fusion_metadata(e, NULL, arena);
    for (size_t k = 0; k < list.n; k++) {
        record[k] = qvl_fusion_simplify(e, &list.record[k], arena);
        record[k].metadata = record[k].metadata != NULL
                                 ? qvl_fusion_metadata(e, record[k].metadata, arena)
                                 : plain;
    }
    *out = (qvl_record_list){ record, list.n };
    return QVL_OK;
}

/* One set of a run, put together of the lists of those entries that are taken. */
typedef struct {
    qvl_sample_set *set;
    size_t *end;    // [f->n] behind the records of each recipe
    size_t *first;  // [f->n] number of an entry's first record
    int *entry;     // [f->n] of each recipe
} joining;

static void join(const joining *j, const qvl_record_list *list, const bool *is_taken,
                 const qvl_fusion *f, qvl_arena *arena)
{
    size_t n = 0;
    int n_recipes = 0;
    for (int i = 0; i < f->n; i++)
        n += is_taken[i] ? list[i].n : 0;
    qvl_record *all = qvl_arena_array(arena, qvl_record, n);
    j->set->record = all;
    j->set->n = n;
    n = 0;
    for (int i = 0; i < f->n; i++) {
        if (!is_taken[i])
            continue;
        j->first[i] = n;
        if (list[i].n > 0)
            memcpy(all + n, list[i].record, list[i].n * sizeof *all);
        n += list[i].n;
        j->entry[n_recipes] = i;
        j->end[n_recipes++] = n;
    }
    j->set->recipe = qvl_arena_array(arena, qvl_recipe, n_recipes);
    j->set->recipes = (qvl_recipes){ j->set->recipe, j->end, n_recipes };
    j->set->entry = j->entry;
}

static joining begin_join(qvl_sample_set *set, const qvl_fusion *f, qvl_arena *arena)
{
    return (joining){ .set = set,
                      .end = qvl_arena_array(arena, size_t, f->n),
                      .first = qvl_arena_array(arena, size_t, f->n),
                      .entry = qvl_arena_array(arena, int, f->n) };
}

/* The draws of an entry, those of validation apart from those of training. */
static void put_draws(qvl_sample_set *set, const qvl_fusion_plan *plan, bool is_val)
{
    for (int k = 0; k < set->recipes.n; k++) {
        int i = set->entry[k];
        const qvl_fusion_entry *e = &plan->fusion->entry[i];
        qvl_rng_id id = qvl_fusion_plan_id(plan, 0, &(qvl_fusion_slot){ .entry = i });
        set->recipe[k].max_objects = e->max_objects_per_image;
        set->recipe[k].draw = (qvl_mode_draw){
            .summary_ratio = e->mode == QVL_FUSION_SUMMARY,
            .seed = id.seed,
            .dataset = is_val ? qvl_rng_mix(id.dataset, hash_of(VAL)) : id.dataset,
        };
    }
}

static int make_plan(qvl_samples *s, const qvl_run_config *c,
                     const qvl_record_list *list, qvl_arena *arena, qvl_err *err)
{
    const qvl_fusion *f = c->fusion;
    size_t *n = qvl_arena_array(arena, size_t, f->n);
    s->fusion = qvl_arena_array(arena, qvl_fusion_plan, 1);
    for (int i = 0; i < f->n; i++)
        n[i] = list[i].n;
    int rc = qvl_fusion_plan_init(s->fusion, f, n, (uint64_t)c->training.data_seed,
                                  arena, err);
    if (rc != QVL_OK) {
        qvl_err_add(err, "%s", c->custom.fusion_config);
        return rc;
    }
    s->fusion->is_shuffled = c->data.train_dataloader_shuffle;
    for (int mode = 0; mode < QVL_N_MODES; mode++)
        s->fusion->from[mode] = (qvl_prompt){ .system = system_of(c, mode).key,
                                              .user = user_of(c).key };
    return QVL_OK;
}

/* Entries that no epoch takes are read all the same: they have to be right. */
static int load_fusion_train(qvl_samples *s, const qvl_run_config *c,
                             qvl_arena *arena, qvl_err *err)
{
    const qvl_fusion *f = c->fusion;
    qvl_record_list *list = qvl_arena_array(arena, qvl_record_list, f->n);
    bool *is_taken = qvl_arena_array(arena, bool, f->n);
    for (int i = 0; i < f->n; i++)
        QVL_TRY(load_entry(&list[i], &f->entry[i], f->entry[i].train_jsonl,
                           c->custom.train_sample_limit, c, arena, err));
    QVL_TRY(make_plan(s, c, list, arena, err));
    for (int i = 0; i < f->n; i++)
        is_taken[i] = s->fusion->quota[i] > 0;
    joining j = begin_join(&s->train, f, arena);
    join(&j, list, is_taken, f, arena);
    s->first = j.first;
    put_draws(&s->train, s->fusion, false);
    return QVL_OK;
}

static int load_fusion_val(qvl_samples *s, const qvl_run_config *c, qvl_arena *arena,
                           qvl_err *err)
{
    const qvl_fusion *f = c->fusion;
    qvl_record_list *list = qvl_arena_array(arena, qvl_record_list, f->n);
    bool *is_taken = qvl_arena_array(arena, bool, f->n);
    for (int i = 0; i < f->n; i++) {
        const qvl_fusion_entry *e = &f->entry[i];
        is_taken[i] = qvl_fusion_is_evaluated(e);
        if (is_taken[i])
            QVL_TRY(load_entry(&list[i], e, e->val_jsonl, c->custom.val_sample_limit,
                               c, arena, err));
    }
    joining j = begin_join(&s->val, f, arena);
    join(&j, list, is_taken, f, arena);
    put_draws(&s->val, s->fusion, true);
    return QVL_OK;
}

int qvl_sample_parts_load(qvl_samples *s, const qvl_run_config *config, bool has_val,
                          qvl_arena *arena, qvl_err *err)
{
    if (config->fusion == NULL)
        return load_plain(s, config, has_val, arena, err);
    QVL_TRY(load_fusion_train(s, config, arena, err));
    return has_val ? load_fusion_val(s, config, arena, err) : QVL_OK;
}

/* ---- encoders ------------------------------------------------------------ */

/* Open one more, beside the first. */
static int open_encoder(qvl_samples *s, const qvl_encoder_options *options,
                        qvl_encoder **out, qvl_err *err)
{
    if (s->encoder == NULL) {
        QVL_TRY(qvl_encoder_open(&s->encoder, options, err));
        *out = s->encoder;
        return QVL_OK;
    }
    QVL_TRY(qvl_encoder_open_beside(&s->beside[s->n_beside], s->encoder, options,
                                    err));
    *out = s->beside[s->n_beside++];
    return QVL_OK;
}

static int open_plain(qvl_samples *s, const qvl_run_config *c, bool has_limit,
                      qvl_arena *arena, qvl_err *err)
{
    static const char *const name[] = { TRAIN, VAL };
    qvl_sample_set *const set[] = { &s->train, &s->val };
    qvl_encoder_options options = encoder_options(c, has_limit);
    s->beside = qvl_arena_array(arena, qvl_encoder *, QVL_COUNT(set));
    for (size_t i = 0; i < QVL_COUNT(set); i++) {
        qvl_encoder *e;
        options.dataset = name[i];
        if (i > 0 && set[i]->n == 0)
            continue;
        QVL_TRY(open_encoder(s, &options, &e, err));
        set[i]->recipe[0].encoder = e;
    }
    return QVL_OK;
}

/* The texts of an entry: its own, else those of the run, else of its template. */
static qvl_prompt entry_prompt(const qvl_fusion_entry *e, qvl_prompt run)
{
    qvl_prompt p = e->pack == QVL_FUSION_PACK_AUXILIARY
                       ? qvl_prompt_auxiliary()
                       : qvl_prompt_builtin((qvl_mode)e->mode);
    if (run.system != NULL)
        p.system = run.system;
    if (run.user != NULL)
        p.user = run.user;
    if (e->system_prompt != NULL)
        p.system = e->system_prompt;
    if (e->user_prompt != NULL)
        p.user = e->user_prompt;
    return p;
}

/* The encoder of an entry; samples of training and validation differ in their draws
 * alone, none of which it makes. */
static int open_entry(qvl_samples *s, const qvl_run_config *c, int i, bool has_limit,
                      qvl_encoder **out, qvl_arena *arena, qvl_err *err)
{
    const qvl_fusion_entry *e = &c->fusion->entry[i];
    const char *format = c->custom.assistant_prefix_format;
    qvl_rng_id id = qvl_fusion_plan_id(s->fusion, 0,
                                       &(qvl_fusion_slot){ .entry = i });
    qvl_encoder_options o = encoder_options(c, has_limit);
    o.summary_ratio = e->mode == QVL_FUSION_SUMMARY;
    o.seed = id.seed;
    o.dataset = e->name;
    o.prompt[e->mode] = entry_prompt(e, o.prompt[e->mode]);
    o.user = e->prompt_choices.v;
    o.n_user = e->prompt_choices.n;
    if (format != NULL && qvl_fusion_has_line(e))
        o.answer_line = qvl_fusion_line(e, format, arena);
    int rc = open_encoder(s, &o, out, err);
    if (rc != QVL_OK)
        qvl_err_add(err, "%s", e->name);
    return rc;
}

static int open_fusion(qvl_samples *s, const qvl_run_config *c, bool has_limit,
                       qvl_arena *arena, qvl_err *err)
{
    qvl_sample_set *const set[] = { &s->train, &s->val };
    int n = c->fusion->n;
    qvl_encoder **of = qvl_arena_array(arena, qvl_encoder *, n);
    s->beside = qvl_arena_array(arena, qvl_encoder *, n);
    for (size_t k = 0; k < QVL_COUNT(set); k++)
        for (int r = 0; r < set[k]->recipes.n; r++) {
            int i = set[k]->entry[r];
            if (of[i] == NULL)
                QVL_TRY(open_entry(s, c, i, has_limit, &of[i], arena, err));
            set[k]->recipe[r].encoder = of[i];
        }
    return QVL_OK;
}

int qvl_sample_parts_open(qvl_samples *s, const qvl_run_config *config,
                          bool has_limit, qvl_arena *arena, qvl_err *err)
{
    return config->fusion != NULL ? open_fusion(s, config, has_limit, arena, err)
                                  : open_plain(s, config, has_limit, arena, err);
}
