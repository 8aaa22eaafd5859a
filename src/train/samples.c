/* samples.c - records of a run, and the encoders that read them
 *
 * All records are held in memory, pictures are not. The text of every record is
 * encoded once before a run begins, which tells lengths and what does not fit;
 * the first records of each file, or all when asked to, are encoded with their
 * pictures and read back.
 */
#include "train/samples.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/each.h"
#include "config/fusion.h"
#include "train/sample_parts.h"

/* Beginning a thread pays for more samples than this. */
#define SAMPLES_PER_THREAD 16

/* ---- checks -------------------------------------------------------------- */

typedef struct {
    qvl_sample_set *set;
    qvl_samples_check check;
    qvl_sample_set *part;  // [n_threads] sums of what a thread saw
} checking;

static void count(qvl_sample_set *set, const qvl_encoded *sample)
{
    set->n_tokens += sample->n;
    set->n_supervised += sample->n_supervised;
    set->n_image_tok += sample->n_image_tok;
    if (sample->n > set->longest_tok)
        set->longest_tok = sample->n;
}

static void add_part(qvl_sample_set *set, const qvl_sample_set *part)
{
    set->n_tokens += part->n_tokens;
    set->n_supervised += part->n_supervised;
    set->n_image_tok += part->n_image_tok;
    if (part->longest_tok > set->longest_tok)
        set->longest_tok = part->longest_tok;
}

/* The first records of a file: those whose file differs from the one that
 * stands QVL_SAMPLES_CHECKED places before. */
static bool is_first_of_file(const qvl_sample_set *set, size_t k)
{
    return k < QVL_SAMPLES_CHECKED
           || set->record[k - QVL_SAMPLES_CHECKED].file != set->record[k].file;
}

static void keep_length(qvl_sample_set *set, size_t k, const qvl_encoded *sample)
{
    if (set->length != NULL)
        set->length[k][sample->mode] = (qvl_sample_length){
            .prompt = sample->n - sample->n_supervised - sample->n_image_tok,
            .image = sample->n_image_tok,
            .answer = sample->n_supervised,
        };
}

/* A record on its way through a check. */
typedef struct {
    const qvl_recipe *recipe;
    const qvl_record *record;  // as it is seen in epoch 0
    size_t k;
    qvl_sample_set *part;
    qvl_arena *arena;
} checked;

/* The answer that a later epoch may ask for. */
static int check_other(const checking *c, const checked *r, qvl_mode drawn,
                       qvl_err *err)
{
    qvl_encoded sample;
    qvl_mode other =
        drawn == QVL_MODE_DENSE ? QVL_MODE_SUMMARY : QVL_MODE_DENSE;
    QVL_TRY(qvl_encode_text_as(r->recipe->encoder, r->record, other, r->arena,
                               &sample, err));
    keep_length(c->set, r->k, &sample);
    if (sample.n > r->part->longest_tok)
        r->part->longest_tok = sample.n;
    return QVL_OK;
}

/* May a later epoch ask for the other answer of a record? */
static bool draws_modes(const checked *r)
{
    double ratio = r->recipe->draw.summary_ratio;
    return ratio > 0 && ratio < 1 && r->record->messages == NULL;
}

/* The longest text that a later epoch may ask with. */
static int check_longest(const checked *r, qvl_err *err)
{
    qvl_encoded sample;
    if (!qvl_encoder_draws_prompts(r->recipe->encoder))
        return QVL_OK;
    QVL_TRY(qvl_encode_text_longest(r->recipe->encoder, r->record, 0, r->arena, &sample,
                                    err));
    if (sample.n > r->part->longest_tok)
        r->part->longest_tok = sample.n;
    return QVL_OK;
}

static int check_record(const checking *c, const checked *r, bool is_read_back,
                        qvl_err *err)
{
    qvl_encoded sample;
    const qvl_encoder *e = r->recipe->encoder;
    if (is_read_back) {
        QVL_TRY(qvl_encode(e, r->record, 0, r->arena, &sample, err));
        QVL_TRY(qvl_encoded_check(e, &sample, err));
    } else {
        QVL_TRY(qvl_encode_text(e, r->record, 0, r->arena, &sample, err));
    }
    count(r->part, &sample);
    keep_length(c->set, r->k, &sample);
    if (draws_modes(r))
        QVL_TRY(check_other(c, r, sample.mode, err));
    return check_longest(r, err);
}

static int check_one(void *ctx, size_t k, int thread, qvl_arena *arena,
                     qvl_err *err)
{
    const checking *c = ctx;
    const qvl_sample_set *set = c->set;
    checked r = { .recipe = qvl_recipe_of(&set->recipes, k),
                  .k = k, .part = &c->part[thread], .arena = arena };
    qvl_arena_reset(arena);
    bool is_read_back = c->check == QVL_SAMPLES_ALL
                        || (c->check == QVL_SAMPLES_FIRST
                            && is_first_of_file(set, k));
    QVL_TRY(qvl_recipe_see(r.recipe, &set->record[k], &(qvl_sample_at){ .record = k },
                           arena, &r.record, NULL, err));
    return check_record(c, &r, is_read_back, err);
}

static int check_set(qvl_sample_set *set, qvl_samples_check check, bool keeps,
                     int n_threads, qvl_arena *arena, qvl_err *err)
{
    if (keeps)
        set->length = qvl_arena_alloc_n(arena, set->n, sizeof *set->length);
    n_threads = qvl_each_threads(n_threads, set->n / SAMPLES_PER_THREAD);
    checking c = { .set = set, .check = check,
                   .part = qvl_arena_array(arena, qvl_sample_set, n_threads) };
    QVL_TRY(qvl_each(set->n, n_threads, check_one, &c, NULL, err));
    for (int t = 0; t < n_threads; t++)
        add_part(set, &c.part[t]);
    return QVL_OK;
}

/* ---- calls --------------------------------------------------------------- */

typedef struct {
    qvl_samples s;
    const qvl_run_config *config;
    qvl_samples_check check;
    qvl_arena *arena;
    qvl_err *err;
} opening;

static int open_all(void *arg)
{
    opening *o = arg;
    qvl_samples *s = &o->s;
    const qvl_run_config *c = o->config;
    int n_threads = c->data.dataset_num_proc;
    bool keeps = o->check == QVL_SAMPLES_LENGTHS;
    QVL_TRY(qvl_sample_parts_load(s, c, true, o->arena, o->err));
    QVL_TRY(qvl_sample_parts_open(s, c, !keeps, o->arena, o->err));
    QVL_TRY(check_set(&s->train, o->check, keeps || c->training.packing, n_threads,
                      o->arena, o->err));
    return check_set(&s->val, o->check, keeps, n_threads, o->arena, o->err);
}

int qvl_samples_open(qvl_samples *s, const qvl_run_config *config,
                     qvl_samples_check check, qvl_arena *arena, qvl_err *err)
{
    opening o = { .config = config, .check = check, .arena = arena,
                  .err = err };
    int rc = qvl_guard(open_all, &o, err);
    if (rc != QVL_OK) {
        qvl_samples_close(&o.s);
        return rc;
    }
    *s = o.s;
    return QVL_OK;
}

int qvl_samples_read(qvl_samples *s, const qvl_run_config *config,
                     qvl_arena *arena, qvl_err *err)
{
    qvl_samples read = { 0 };
    QVL_TRY(qvl_sample_parts_load(&read, config, false, arena, err));
    *s = read;
    return QVL_OK;
}

qvl_epoch_plan qvl_samples_plan(const qvl_samples *s,
                                const qvl_run_config *config)
{
    const qvl_run_config *c = config;
    return (qvl_epoch_plan){
        .n_records = s->fusion != NULL ? s->fusion->n_slots : s->train.n,
        .batch = (size_t)c->training.per_device_train_batch_size,
        .accumulate = (size_t)c->training.gradient_accumulation_steps,
        .seed = (uint64_t)c->training.data_seed,
        .dataset = "train",
        .is_shuffled = c->data.train_dataloader_shuffle,
        .drops_last = c->data.dataloader_drop_last,
        .fusion = s->fusion,
        .first = s->first,
    };
}

const qvl_sample_length *qvl_sample_set_length(const qvl_sample_set *set,
                                               size_t k, uint64_t epoch)
{
    assert(set->length != NULL && k < set->n);
    return &set->length[k][qvl_recipe_mode(qvl_recipe_of(&set->recipes, k),
                                           &set->record[k], epoch)];
}

int64_t qvl_samples_steps(const qvl_samples *s, const qvl_run_config *config)
{
    qvl_epoch_plan plan = qvl_samples_plan(s, config);
    double steps = ceil(config->training.num_train_epochs
                        * (double)qvl_epoch_plan_updates(&plan));
    if (config->training.max_steps > 0)
        steps = config->training.max_steps;
    return steps > 1.0 ? (int64_t)fmin(steps, 1e9) : 1;
}

/* Rules without a curriculum. */
static const qvl_augmentation *without_phases(const qvl_augmentation *rules,
                                              qvl_arena *arena)
{
    qvl_augmentation *copy = qvl_arena_array(arena, qvl_augmentation, 1);
    *copy = *rules;
    copy->n_phases = 0;
    return copy;
}

/* The rules for records of a recipe; NULL: none. */
static const qvl_augmentation *rules_of(const qvl_samples *s, int recipe,
                                        const qvl_augmentation *all,
                                        const qvl_augmentation *steady)
{
    if (s->fusion == NULL)
        return all;
    const qvl_fusion_entry *e = &s->fusion->fusion->entry[s->train.entry[recipe]];
    if (!e->augmentation_enabled)
        return NULL;
    return e->curriculum_enabled ? all : steady;
}

void qvl_samples_augment(qvl_samples *s, const qvl_run_config *config,
                         int64_t total_steps, qvl_arena *arena)
{
    const qvl_augmentation *all = config->augmentation;
    if (!all->is_on)
        return;
    const qvl_augmentation *steady = without_phases(all, arena);
    s->augmenter = qvl_arena_array(arena, qvl_augmenter, s->train.recipes.n);
    for (int k = 0; k < s->train.recipes.n; k++) {
        qvl_recipe *recipe = &s->train.recipe[k];
        const qvl_augmentation *rules = rules_of(s, k, all, steady);
        if (rules == NULL)
            continue;
        s->augmenter[k] = (qvl_augmenter){
            .rules = rules,
            .winding = (qvl_winding)config->custom.polygon_winding,
            .seed = recipe->draw.seed,
            .dataset = recipe->draw.dataset,
            .total_steps = total_steps,
        };
        recipe->augmenter = &s->augmenter[k];
    }
}

const qvl_augmenter *qvl_samples_augmenter(const qvl_samples *s)
{
    const qvl_augmenter *found = NULL;
    for (int k = 0; k < s->train.recipes.n && s->augmenter != NULL; k++) {
        const qvl_augmenter *a = s->train.recipe[k].augmenter;
        if (a != NULL && (found == NULL || a->rules->n_phases > found->rules->n_phases))
            found = a;
    }
    return found;
}

const char *qvl_samples_key(const qvl_samples *s)
{
    return s->fusion != NULL ? "custom.fusion_config" : "custom.train_jsonl";
}

/* ---- lengths ------------------------------------------------------------- */

typedef struct {
    const qvl_samples *s;
    const qvl_sample_at *at;
    int n_tokens;
    qvl_arena arena;
    qvl_err *err;
} measuring;

/* Tokens of a sample as it is at its turn. */
static int measure(void *arg)
{
    measuring *m = arg;
    const qvl_sample_set *set = &m->s->train;
    const qvl_recipe *recipe = qvl_recipe_of(&set->recipes, m->at->record);
    const qvl_record *record = &set->record[m->at->record];
    qvl_encoded sample;
    QVL_TRY(qvl_recipe_see(recipe, record, m->at, &m->arena, &record, NULL, m->err));
    QVL_TRY(qvl_encode_text(recipe->encoder, record, m->at->epoch, &m->arena, &sample,
                            m->err));
    m->n_tokens = sample.n;
    return QVL_OK;
}

static int measured_length(const qvl_samples *s, const qvl_sample_at *at,
                           int *n_tokens, qvl_err *err)
{
    measuring m = { .s = s, .at = at, .err = err };
    int rc = qvl_guard(measure, &m, err);
    qvl_arena_release(&m.arena);
    if (rc == QVL_OK)
        *n_tokens = m.n_tokens;
    return rc;
}

static int length_of(void *ctx, const qvl_sample_at *at, int *n_tokens, qvl_err *err)
{
    const qvl_samples *s = ctx;
    const qvl_recipe *recipe = qvl_recipe_of(&s->train.recipes, at->record);
    if (!qvl_recipe_is_steady(recipe, &s->train.record[at->record]))
        return measured_length(s, at, n_tokens, err);
    const qvl_sample_length *l =
        qvl_sample_set_length(&s->train, at->record, at->epoch);
    *n_tokens = l->prompt + l->image + l->answer;
    return QVL_OK;
}

/* Words of the configuration stand in the order of the enum. */
qvl_pack_source qvl_samples_pack(const qvl_samples *s,
                                 const qvl_run_config *config)
{
    return (qvl_pack_source){
        .plan = qvl_samples_plan(s, config),
        .rules = {
            .capacity = config->training.packing_length,
            .window = QVL_PACK_WINDOW,
            .strategy = (qvl_pack_strategy)config->training.packing_strategy,
        },
        .rows_of_update = (size_t)config->training.per_device_train_batch_size
                          * (size_t)config->training.gradient_accumulation_steps,
        .length = length_of,
        .ctx = (void *)s,
    };
}

void qvl_samples_close(qvl_samples *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < s->n_beside; i++)
        qvl_encoder_close(s->beside[i]);
    qvl_encoder_close(s->encoder);
    s->n_beside = 0;
    s->encoder = NULL;
}

/* ---- a sample for people ------------------------------------------------- */

/* Append ids as text; a run of one id that stands for pictures is written once
 * with its number. Only ids with a label when `labelled`. */
static int put_ids(const qvl_encoder *e, const qvl_encoded *s, bool labelled,
                   qvl_str *out, qvl_err *err)
{
    const qvl_tokenizer *t = qvl_encoder_tokenizer(e);
    qvl_decoder d;
    qvl_decoder_init(&d, t, QVL_SPECIAL_KEEP);
    for (int i = 0; i < s->n; i++) {
        if (labelled && s->label[i] == QVL_IGNORE_INDEX)
            continue;
        int run = 1;
        while (i + run < s->n && s->id[i + run] == s->id[i])
            run++;
        bool is_run = run > 3
                      && qvl_tokenizer_token(t, (int)s->id[i]).is_special;
        QVL_TRY(qvl_decoder_push(&d, (int)s->id[i], out, err));
        if (is_run) {
            qvl_str_printf(out, "*%d", run);
            i += run - 1;
        }
    }
    qvl_decoder_finish(&d, out);
    return QVL_OK;
}

int qvl_samples_put(const qvl_encoder *encoder, const qvl_encoded *sample,
                    qvl_str *out, qvl_err *err)
{
    QVL_TRY(put_ids(encoder, sample, false, out, err));
    qvl_str_puts(out, "\n--- Assistant GT ---\n");
    QVL_TRY(put_ids(encoder, sample, true, out, err));
    qvl_str_putc(out, '\n');
    return QVL_OK;
}
