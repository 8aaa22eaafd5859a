/* encode.c - what an encoder holds, and a sample read back
 *
 * Opening expands the prompts once; encoding reads nothing but its record and
 * its pictures. Threads share an encoder: all that a sample leaves in it are pieces
 * of text that the tokenizer knows again, whose ids are the same for all. The
 * stages of a sample are sample_turns.c, sample_pixels.c, sample_ids.c.
 */
#include "data/encode.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/answer_check.h"
#include "data/sample.h"
#include "text/unicode.h"

/* ---- opening ------------------------------------------------------------ */

typedef struct {
    qvl_encoder *e;
    const qvl_encoder_options *options;
    qvl_sample sample;  // one that is only asked
    qvl_err *err;
} opening;

/* The id of a control token of the layout. */
static int find_control(const opening *o, const char *text, int *id)
{
    int found = qvl_tokenizer_find(o->e->tokenizer, text, strlen(text));
    if (found < 0 || !qvl_tokenizer_token(o->e->tokenizer, found).is_added)
        return qvl_fail(o->err, QVL_E_MODEL, "tokenizer (%s): found no added "
                        "token %s, expected it as one of the layout's marks",
                        o->options->model, text);
    *id = found;
    return QVL_OK;
}

int qvl_encoder_check_text(const qvl_encoder *e, const char *what,
                           const char *text, int code, qvl_err *err)
{
    int id = qvl_tokenizer_find(e->tokenizer, text, strlen(text));
    if (id >= 0 && qvl_tokenizer_token(e->tokenizer, id).is_special)
        return qvl_fail(err, code, "%s: found %s, which is a special token, "
                        "expected text", what, text);
    return QVL_OK;
}

static int fill_in(const opening *o, const char *given, const char *builtin,
                   const char **out)
{
    qvl_encoder *e = o->e;
    QVL_TRY(qvl_prompt_expand(out, given != NULL ? given : builtin,
                              &o->options->answer, &e->arena, o->err));
    return qvl_encoder_check_text(e, "prompt", *out, QVL_E_CONFIG, o->err);
}

static int fill_in_prompts(const opening *o)
{
    for (int m = 0; m < QVL_N_MODES; m++) {
        const qvl_prompt *given = &o->options->prompt[m];
        qvl_prompt builtin = qvl_prompt_builtin((qvl_mode)m);
        QVL_TRY(fill_in(o, given->system, builtin.system,
                        &o->e->prompt[m].system));
        QVL_TRY(fill_in(o, given->user, builtin.user, &o->e->prompt[m].user));
    }
    o->e->user = qvl_arena_array(&o->e->arena, const char *, o->options->n_user);
    for (int i = 0; i < o->options->n_user; i++)
        QVL_TRY(fill_in(o, o->options->user[i], NULL, &o->e->user[i]));
    return QVL_OK;
}

/* What is asked comes with every record: its tokens are kept. */
static int remember_prompt(opening *o, qvl_mode mode, int user)
{
    qvl_record record = { .n_images = 1 };
    qvl_patch_plan plan = { .n_tok = 1 };
    qvl_chat_text text;
    qvl_sample *s = &o->sample;
    s->record = &record;
    s->plan = &plan;
    s->out.mode = mode;
    s->user = user;
    QVL_TRY(qvl_sample_turns(s));
    QVL_TRY(qvl_chat_render(&text, &s->chat, &s->scratch, o->err));
    return qvl_tokenizer_remember(o->e->tokenizer, text.part, text.n, o->err);
}

static int remember_prompts(opening *o)
{
    int n_user = o->options->n_user;
    for (int m = 0; m < QVL_N_MODES; m++)
        for (int i = n_user > 0; i <= n_user; i++)
            QVL_TRY(remember_prompt(o, (qvl_mode)m, i));
    return QVL_OK;
}

/* Which of the texts that ask has the most tokens. */
static int find_longest(opening *o)
{
    qvl_encoder *e = o->e;
    size_t most = 0;
    for (int i = 0; i < e->o.n_user; i++) {
        const qvl_text_part part = { e->user[i], strlen(e->user[i]), true };
        o->sample.ids.n = 0;
        QVL_TRY(qvl_tokenizer_encode(e->tokenizer, &part, 1, &o->sample.ids, o->err));
        if (o->sample.ids.n > most) {
            most = o->sample.ids.n;
            e->longest_user = i;
        }
    }
    return QVL_OK;
}

static const char *copy(qvl_encoder *e, const char *text, const char *absent)
{
    text = text != NULL ? text : absent;
    return text != NULL ? qvl_arena_strdup(&e->arena, text) : NULL;
}

static void copy_options(const opening *o)
{
    qvl_encoder *e = o->e;
    e->o = *o->options;
    e->o.model = copy(e, o->options->model, NULL);
    e->o.profile = copy(e, o->options->profile, NULL);
    e->o.response_prefix = copy(e, o->options->response_prefix, NULL);
    e->o.answer_line = copy(e, o->options->answer_line, NULL);
    e->o.dataset = copy(e, o->options->dataset, "data");
    e->o.user = NULL;  // filled in they are e->user
    e->dataset = qvl_rng_hash(e->o.dataset, strlen(e->o.dataset));
}

static int open_files(const opening *o)
{
    qvl_encoder *e = o->e;
    const qvl_profile *profile;
    QVL_TRY(qvl_profile_find(&profile, o->options->profile, o->err));
    e->decode = profile->decode;
    if (e->o.exif != QVL_EXIF_PROFILE)
        e->decode.as_stored = e->o.exif == QVL_EXIF_OFF;
    QVL_TRY(qvl_processor_load(&e->processor, e->o.model, profile, &e->arena,
                               o->err));
    QVL_TRY(qvl_processor_set_bounds(&e->processor, e->o.min_pixels,
                                     e->o.max_pixels, o->err));
    return qvl_tokenizer_open(&e->tokenizer, e->o.model, o->err);
}

/* What belongs to the files is that of another encoder. */
static void share_files(qvl_encoder *e)
{
    const qvl_encoder *other = e->other;
    e->o.model = other->o.model;
    e->o.profile = other->o.profile;
    e->o.exif = other->o.exif;
    e->o.min_pixels = other->o.min_pixels;
    e->o.max_pixels = other->o.max_pixels;
    e->decode = other->decode;
    e->processor = other->processor;
    e->tokenizer = other->tokenizer;
}

static int open_steps(void *arg)
{
    opening *o = arg;
    qvl_encoder *e = o->e;
    copy_options(o);
    if (e->other != NULL)
        share_files(e);
    else
        QVL_TRY(open_files(o));
    QVL_TRY(find_control(o, "<|im_end|>", &e->im_end));
    QVL_TRY(find_control(o, "<|vision_start|>", &e->vision_start));
    QVL_TRY(find_control(o, "<|vision_end|>", &e->vision_end));
    QVL_TRY(find_control(o, "<|image_pad|>", &e->image_pad));
    int im_start;
    QVL_TRY(find_control(o, "<|im_start|>", &im_start));
    QVL_TRY(fill_in_prompts(o));
    QVL_TRY(find_longest(o));
    return remember_prompts(o);
}

static int check_options(const qvl_encoder_options *o, qvl_err *err)
{
    if (!(o->summary_ratio >= 0.0 && o->summary_ratio <= 1.0))
        return qvl_fail(err, QVL_E_CONFIG, "summary_ratio: found %g, expected a"
                        " share from 0 to 1", o->summary_ratio);
    if (o->max_length < 0 || o->min_pixels < 0 || o->max_pixels < 0)
        return qvl_fail(err, QVL_E_CONFIG, "max_length, min_pixels, max_pixels:"
                        " found %d, %lld, %lld, expected none below 0",
                        o->max_length, (long long)o->min_pixels,
                        (long long)o->max_pixels);
    return QVL_OK;
}

int qvl_encoder_open_beside(qvl_encoder **out, const qvl_encoder *other,
                            const qvl_encoder_options *options, qvl_err *err)
{
    QVL_TRY(check_options(options, err));
    qvl_encoder *e = qvl_memory_zeroed(1, sizeof *e);
    e->other = other;
    opening o = {
        .e = e, .options = options, .err = err,
        .sample = { .e = e, .has_mode = true, .purpose = QVL_SAMPLE_PROMPT,
                    .arena = &o.sample.scratch, .err = err },
    };
    int rc = qvl_guard(open_steps, &o, err);
    qvl_arena_release(&o.sample.scratch);
    qvl_str_release(&o.sample.text);
    qvl_ids_release(&o.sample.ids);
    if (rc != QVL_OK) {
        qvl_encoder_close(e);
        return rc;
    }
    *out = e;
    return QVL_OK;
}

int qvl_encoder_open(qvl_encoder **e, const qvl_encoder_options *options,
                     qvl_err *err)
{
    return qvl_encoder_open_beside(e, NULL, options, err);
}

void qvl_encoder_close(qvl_encoder *e)
{
    if (e == NULL)
        return;
    if (e->other == NULL)
        qvl_tokenizer_close(e->tokenizer);
    qvl_arena_release(&e->arena);
    free(e);
}

const qvl_tokenizer *qvl_encoder_tokenizer(const qvl_encoder *e)
{
    return e->tokenizer;
}

const qvl_processor *qvl_encoder_processor(const qvl_encoder *e)
{
    return &e->processor;
}

const qvl_prompt *qvl_encoder_prompt(const qvl_encoder *e, qvl_mode mode)
{
    return &e->prompt[mode];
}

bool qvl_encoder_draws_prompts(const qvl_encoder *e)
{
    return e != NULL && e->o.n_user > 1;
}

/* ---- samples ------------------------------------------------------------ */

qvl_mode qvl_encoder_draw_mode(const qvl_encoder *e, const qvl_record *record,
                               uint64_t epoch)
{
    const qvl_mode_draw draw = { e->o.summary_ratio, e->o.seed, e->dataset };
    return qvl_mode_of(&draw, record, epoch);
}

static int encode_steps(void *arg)
{
    qvl_sample *s = arg;
    QVL_TRY(qvl_sample_plan(s));
    QVL_TRY(qvl_sample_turns(s));
    QVL_TRY(qvl_sample_ids(s));
    return s->purpose != QVL_SAMPLE_LENGTH ? qvl_sample_pixels(s) : QVL_OK;
}

/* Make `s`, whose options are set, of a record. */
static int make_sample(qvl_sample *s, const qvl_record *record,
                       qvl_encoded *out, qvl_err *err)
{
    s->record = s->out.record = record;
    s->err = err;
    int rc = qvl_guard(encode_steps, s, err);
    if (rc == QVL_OK)
        *out = s->out;
    else if (record->file != NULL && rc != QVL_E_MEMORY)
        qvl_err_add(err, "%s:%d", record->file, record->line);
    qvl_ids_release(&s->ids);
    qvl_ids_release(&s->labels);
    qvl_str_release(&s->text);
    qvl_arena_release(&s->scratch);
    return rc;
}

static int encode(const qvl_encoder *e, const qvl_record *record,
                  uint64_t epoch, qvl_sample_purpose purpose,
                  qvl_arena *arena, qvl_encoded *out, qvl_err *err)
{
    qvl_sample s = { .e = e, .epoch = epoch, .purpose = purpose,
                     .arena = arena };
    return make_sample(&s, record, out, err);
}

int qvl_encode(const qvl_encoder *e, const qvl_record *record, uint64_t epoch,
               qvl_arena *arena, qvl_encoded *out, qvl_err *err)
{
    return encode(e, record, epoch, QVL_SAMPLE_TRAIN, arena, out, err);
}

int qvl_encode_text(const qvl_encoder *e, const qvl_record *record,
                    uint64_t epoch, qvl_arena *arena, qvl_encoded *out,
                    qvl_err *err)
{
    return encode(e, record, epoch, QVL_SAMPLE_LENGTH, arena, out, err);
}

int qvl_encode_text_as(const qvl_encoder *e, const qvl_record *record,
                       qvl_mode mode, qvl_arena *arena, qvl_encoded *out,
                       qvl_err *err)
{
    qvl_sample s = { .e = e, .has_mode = true, .out.mode = mode,
                     .purpose = QVL_SAMPLE_LENGTH, .arena = arena };
    return make_sample(&s, record, out, err);
}

int qvl_encode_text_longest(const qvl_encoder *e, const qvl_record *record,
                            uint64_t epoch, qvl_arena *arena, qvl_encoded *out,
                            qvl_err *err)
{
    qvl_sample s = { .e = e, .epoch = epoch, .purpose = QVL_SAMPLE_LENGTH,
                     .user = e->o.n_user > 0 ? 1 + e->longest_user : 0,
                     .arena = arena };
    return make_sample(&s, record, out, err);
}

int qvl_encode_prompt(const qvl_encoder *e, const qvl_record *record,
                      uint64_t epoch, qvl_arena *arena, qvl_encoded *out,
                      qvl_err *err)
{
    return encode(e, record, epoch, QVL_SAMPLE_PROMPT, arena, out, err);
}

/* Is its answer a list of objects? */
static bool is_dense(const qvl_encoded *sample)
{
    return sample->record->messages == NULL && sample->answer != NULL
           && sample->mode == QVL_MODE_DENSE;
}

const qvl_object *qvl_encoded_objects(const qvl_encoder *e,
                                      const qvl_encoded *sample, int *n,
                                      qvl_arena *arena)
{
    const qvl_record *record = sample->record;
    *n = is_dense(sample) ? record->n_objects : 0;
    return is_dense(sample) ? qvl_answer_objects(record, &e->o.answer, arena) : NULL;
}

/* ---- reading back ------------------------------------------------------- */

typedef struct {
    const qvl_encoder *e;
    const qvl_encoded *sample;
    qvl_arena arena;
    qvl_ids ids;
    qvl_str found;
    qvl_err *err;
} reading;

/* Text of the ids [from, behind). */
static int decode(reading *r, int from, int behind)
{
    r->ids.n = 0;
    for (int i = from; i < behind; i++)
        qvl_ids_put(&r->ids, (int)r->sample->id[i]);
    qvl_str_reset(&r->found);
    qvl_str_puts(&r->found, "");
    return qvl_tokenizer_decode(r->e->tokenizer, r->ids.p, r->ids.n,
                                QVL_SPECIAL_KEEP, &r->found, r->err);
}

/* First place of the last stretch of labels; n when there is none. */
static int last_stretch(const qvl_encoded *s)
{
    int i = s->n;
    while (i > 0 && s->label[i - 1] == QVL_IGNORE_INDEX)
        i--;
    int behind = i;
    while (i > 0 && s->label[i - 1] != QVL_IGNORE_INDEX)
        i--;
    return behind > 0 ? i : s->n;
}

/* Most tokenizers bring text to normal form C, so that is what is compared. */
static const char *normal(reading *r, const char *text)
{
    size_t len;
    const char *p = qvl_unicode_nfc(text, strlen(text), &len, &r->arena);
    return qvl_arena_strndup(&r->arena, p, len);
}

static int fail_back(const reading *r, const char *what, const char *want)
{
    return qvl_fail(r->err, QVL_E_MODEL, "tokenizer (%s): found \"%.200s\" "
                    "when a sample is read back, expected %s \"%.200s\"",
                    r->e->o.model, r->found.p, what, want);
}

static int check_answer(reading *r)
{
    const qvl_encoded *s = r->sample;
    if (s->answer == NULL)
        return QVL_OK;
    QVL_TRY(decode(r, last_stretch(s), s->n));
    const char *want = qvl_arena_printf(&r->arena, "%s<|im_end|>", s->answer);
    return strcmp(normal(r, r->found.p), normal(r, want)) == 0
               ? QVL_OK : fail_back(r, "the answer", want);
}

/* What it says, where it is a dense one. */
static int check_meaning(reading *r)
{
    const qvl_encoded *s = r->sample;
    const char *line = r->e->o.answer_line;
    if (!is_dense(s))
        return QVL_OK;
    return qvl_answer_check(s->answer + (line != NULL ? strlen(line) + 1 : 0),
                            s->record, &r->e->o.answer, &r->arena, r->err);
}

static int check_steps(void *arg)
{
    reading *r = arg;
    const char *system = r->sample->system;
    QVL_TRY(check_answer(r));
    QVL_TRY(check_meaning(r));
    if (system == NULL)
        return QVL_OK;
    QVL_TRY(decode(r, 0, r->sample->n));
    return strstr(normal(r, r->found.p), normal(r, system)) != NULL
               ? QVL_OK : fail_back(r, "in it the system text", system);
}

int qvl_encoded_check(const qvl_encoder *e, const qvl_encoded *sample,
                      qvl_err *err)
{
    reading r = { .e = e, .sample = sample, .err = err };
    int rc = qvl_guard(check_steps, &r, err);
    qvl_ids_release(&r.ids);
    qvl_str_release(&r.found);
    qvl_arena_release(&r.arena);
    return rc;
}
