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
#include "base/log.h"
#include "base/rng.h"

/* Name of the training set, which keeps its draws apart from others. */
#define TRAIN "train"

/* Beginning a thread pays for more samples than this. */
#define SAMPLES_PER_THREAD 16

/* ---- options of the configuration ---------------------------------------- */

static unsigned needs_of(const qvl_run_config *c)
{
    double ratio = c->custom.summary_ratio;
    bool asks_summary = c->custom.use_summary || ratio > 0;
    bool asks_objects = !c->custom.use_summary && !(ratio >= 1);
    return QVL_NEEDS_ANSWER | (asks_objects ? QVL_NEEDS_OBJECTS : 0)
           | (asks_summary ? QVL_NEEDS_SUMMARY : 0);
}

/* Is the answer of a record drawn anew in each epoch? */
static bool draws_modes(const qvl_run_config *c)
{
    double ratio = c->custom.summary_ratio;
    return !c->custom.use_summary && ratio > 0 && ratio < 1;
}

/* The texts of a mode; the weakest is that of the module. */
static qvl_prompt prompt_of(const qvl_run_config *c, qvl_mode mode)
{
    bool is_summary = mode == QVL_MODE_SUMMARY;
    qvl_prompt p = { .system = c->template.system };
    if (c->prompts.system != NULL)
        p.system = c->prompts.system;
    if (is_summary && c->custom.system_prompt_summary != NULL)
        p.system = c->custom.system_prompt_summary;
    p.user = c->prompts.user;
    if (c->custom.user_prompt != NULL)
        p.user = c->custom.user_prompt;
    return p;
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

static qvl_encoder_options encoder_options(const qvl_run_config *c,
                                           const char *dataset)
{
    qvl_encoder_options o = {
        .model = c->model.model,
        .min_pixels = c->template.min_pixels,
        .max_pixels = c->template.max_pixels,
        .max_length = c->template.max_length,
        .answer = rules_of(c),
        .response_prefix = c->template.response_prefix,
        .loss = (qvl_loss_turns)c->template.loss_scale,
        .wants_types = c->token_types.enabled,
        .summary_ratio = c->custom.use_summary          ? 1
                         : c->custom.summary_ratio > 0 ? c->custom.summary_ratio
                                                        : 0,
        .seed = (uint64_t)c->training.data_seed,
        .dataset = dataset,
    };
    for (int mode = 0; mode < QVL_N_MODES; mode++)
        o.prompt[mode] = prompt_of(c, (qvl_mode)mode);
    return o;
}

/* ---- records ------------------------------------------------------------- */

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

/* ---- checks -------------------------------------------------------------- */

typedef struct {
    qvl_sample_set *set;
    qvl_samples_check check;
    bool draws;       // a later epoch may ask for the other answer of a record
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

/* The answer of record k that a later epoch may ask for. */
static int check_other(const checking *c, size_t k, qvl_sample_set *part,
                       qvl_mode drawn, qvl_arena *arena, qvl_err *err)
{
    qvl_encoded sample;
    qvl_mode other =
        drawn == QVL_MODE_DENSE ? QVL_MODE_SUMMARY : QVL_MODE_DENSE;
    QVL_TRY(qvl_encode_text_as(c->set->encoder, &c->set->record[k], other,
                               arena, &sample, err));
    keep_length(c->set, k, &sample);
    if (sample.n > part->longest_tok)
        part->longest_tok = sample.n;
    return QVL_OK;
}

static int check_one(void *ctx, size_t k, int thread, qvl_arena *arena,
                     qvl_err *err)
{
    const checking *c = ctx;
    const qvl_sample_set *set = c->set;
    const qvl_record *record = &set->record[k];
    qvl_sample_set *part = &c->part[thread];
    qvl_encoded sample;
    qvl_arena_reset(arena);
    bool is_read_back = c->check == QVL_SAMPLES_ALL
                        || (c->check == QVL_SAMPLES_FIRST
                            && is_first_of_file(set, k));
    if (is_read_back) {
        QVL_TRY(qvl_encode(set->encoder, record, 0, arena, &sample, err));
        QVL_TRY(qvl_encoded_check(set->encoder, &sample, err));
    } else {
        QVL_TRY(qvl_encode_text(set->encoder, record, 0, arena, &sample, err));
    }
    count(part, &sample);
    keep_length(c->set, k, &sample);
    return c->draws && record->messages == NULL
               ? check_other(c, k, part, sample.mode, arena, err) : QVL_OK;
}

static int check_set(qvl_sample_set *set, qvl_samples_check check, bool draws,
                     bool keeps, int n_threads, qvl_arena *arena, qvl_err *err)
{
    if (keeps)
        set->length = qvl_arena_alloc_n(arena, set->n, sizeof *set->length);
    n_threads = qvl_each_threads(n_threads, set->n / SAMPLES_PER_THREAD);
    checking c = { .set = set, .check = check, .draws = draws,
                   .part = qvl_arena_array(arena, qvl_sample_set, n_threads) };
    QVL_TRY(qvl_each(set->n, n_threads, check_one, &c, NULL, err));
    for (int t = 0; t < n_threads; t++)
        add_part(set, &c.part[t]);
    return QVL_OK;
}

/* ---- calls --------------------------------------------------------------- */

/* Two encoders only where a draw tells training and validation apart. */
static int open_encoders(qvl_samples *s, const qvl_run_config *c,
                         bool has_limit, qvl_err *err)
{
    qvl_encoder_options options = encoder_options(c, TRAIN);
    if (!has_limit)
        options.max_length = 0;
    QVL_TRY(qvl_encoder_open(&s->encoder, &options, err));
    s->train.encoder = s->val.encoder = s->encoder;
    if (!draws_modes(c) || c->custom.val_jsonl.n == 0)
        return QVL_OK;
    options.dataset = "val";
    QVL_TRY(qvl_encoder_open(&s->val_encoder, &options, err));
    s->val.encoder = s->val_encoder;
    return QVL_OK;
}

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
    QVL_TRY(load_files(&s->train, &c->custom.train_jsonl,
                       c->custom.train_sample_limit, c, o->arena, o->err));
    if (c->custom.val_jsonl.n > 0)
        QVL_TRY(load_files(&s->val, &c->custom.val_jsonl,
                           c->custom.val_sample_limit, c, o->arena, o->err));
    QVL_TRY(open_encoders(s, c, o->check != QVL_SAMPLES_LENGTHS, o->err));
    bool draws = draws_modes(c);
    bool keeps = o->check == QVL_SAMPLES_LENGTHS;
    QVL_TRY(check_set(&s->train, o->check, draws, keeps || c->training.packing,
                      n_threads, o->arena, o->err));
    return check_set(&s->val, o->check, draws, keeps, n_threads, o->arena,
                     o->err);
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
    const qvl_run_config *c = config;
    qvl_samples read = { 0 };
    QVL_TRY(load_files(&read.train, &c->custom.train_jsonl,
                       c->custom.train_sample_limit, c, arena, err));
    *s = read;
    return QVL_OK;
}

qvl_epoch_plan qvl_samples_plan(const qvl_samples *s,
                                const qvl_run_config *config)
{
    const qvl_run_config *c = config;
    return (qvl_epoch_plan){
        .n_records = s->train.n,
        .batch = (size_t)c->training.per_device_train_batch_size,
        .accumulate = (size_t)c->training.gradient_accumulation_steps,
        .seed = (uint64_t)c->training.data_seed,
        .dataset = TRAIN,
        .is_shuffled = c->data.train_dataloader_shuffle,
        .drops_last = c->data.dataloader_drop_last,
    };
}

const qvl_sample_length *qvl_sample_set_length(const qvl_sample_set *set,
                                               size_t k, uint64_t epoch)
{
    assert(set->length != NULL && k < set->n);
    return &set->length[k][qvl_encoder_draw_mode(set->encoder, &set->record[k],
                                                 epoch)];
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

void qvl_samples_augment(qvl_samples *s, const qvl_run_config *config,
                         int64_t total_steps)
{
    const qvl_run_config *c = config;
    if (!c->augmentation->is_on)
        return;
    s->augmenter = (qvl_augmenter){
        .rules = c->augmentation,
        .winding = (qvl_winding)c->custom.polygon_winding,
        .seed = (uint64_t)c->training.data_seed,
        .dataset = qvl_rng_hash(TRAIN, strlen(TRAIN)),
        .total_steps = total_steps,
    };
}

const qvl_augmenter *qvl_samples_augmenter(const qvl_samples *s)
{
    return s->augmenter.rules != NULL ? &s->augmenter : NULL;
}

/* ---- lengths ------------------------------------------------------------- */

typedef struct {
    const qvl_samples *s;
    const qvl_sample_at *at;
    int n_tokens;
    qvl_arena arena;
    qvl_err *err;
} measuring;

/* Tokens of an augmented sample. */
static int measure(void *arg)
{
    measuring *m = arg;
    const qvl_sample_set *set = &m->s->train;
    const qvl_record *record = &set->record[m->at->record];
    qvl_encoded sample;
    qvl_mode mode = qvl_encoder_draw_mode(set->encoder, record, m->at->epoch);
    QVL_TRY(qvl_augment(&m->s->augmenter, record, m->at, mode, &m->arena, &record, NULL,
                        m->err));
    QVL_TRY(qvl_encode_text(set->encoder, record, m->at->epoch, &m->arena, &sample,
                            m->err));
    m->n_tokens = sample.n;
    return QVL_OK;
}

static int augmented_length(const qvl_samples *s, const qvl_sample_at *at,
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
    if (qvl_samples_augmenter(s) != NULL)
        return augmented_length(s, at, n_tokens, err);
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
    qvl_encoder_close(s->encoder);
    qvl_encoder_close(s->val_encoder);
    s->encoder = s->val_encoder = NULL;
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
