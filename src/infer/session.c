/* session.c - a record through encoder and generator
 *
 * A prompt and its reply share the positions of the model, or max_len of them: a
 * reply that would not fit behind its prompt is made shorter, and each time that
 * is said; a prompt that leaves no room is an error of its record.
 */
#include "infer/session.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"
#include "infer/defaults.h"

struct qvl_session {
    // owned
    qvl_encoder *encoder;
    qvl_model *model;
    qvl_generator *generator;
    // values
    qvl_session_options options;
    qvl_generation generation;  // of the checkpoint: its end ids
};

typedef struct {
    qvl_session *s;
    qvl_err *err;
} opening;

static int open_parts(void *arg)
{
    const opening *w = arg;
    qvl_session *s = w->s;
    const qvl_session_options *o = &s->options;
    QVL_TRY(qvl_generation_load(&s->generation, o->model, w->err));
    QVL_TRY(qvl_encoder_open(&s->encoder, &o->encoder, w->err));
    QVL_TRY(qvl_model_open(&s->model, o->model, &o->device, w->err));
    QVL_TRY(qvl_generator_open(&s->generator, s->model,
                               qvl_encoder_tokenizer(s->encoder), o->seats,
                               w->err));
    if (o->piece_tok > 0)
        qvl_generator_set_piece(s->generator, o->piece_tok);
    return QVL_OK;
}

int qvl_session_open(qvl_session **session, const qvl_session_options *options,
                     qvl_err *err)
{
    QVL_TRY(qvl_sampling_check(&options->sampling, err));
    qvl_session *s = qvl_memory_zeroed(1, sizeof *s);
    s->options = *options;
    if (s->options.n_replies == 0)
        s->options.n_replies = 1;
    s->options.encoder.model = options->model;
    opening w = { s, err };
    int rc = qvl_guard(open_parts, &w, err);
    if (rc != QVL_OK) {
        qvl_session_close(s);
        return rc;
    }
    *session = s;
    return QVL_OK;
}

void qvl_session_close(qvl_session *s)
{
    if (s == NULL)
        return;
    qvl_generator_close(s->generator);
    qvl_model_close(s->model);
    qvl_encoder_close(s->encoder);
    free(s);
}

const qvl_encoder *qvl_session_encoder(const qvl_session *s)
{
    return s->encoder;
}

qvl_generator *qvl_session_generator(const qvl_session *s)
{
    return s->generator;
}

int qvl_session_seats(const qvl_session *s)
{
    return s->options.seats;
}

/* ---- asking ------------------------------------------------------------- */

/* Tokens the reply to a record may have behind a prompt of n. */
static int room_for_reply(const qvl_session *s, const qvl_record *record,
                          int n, int *max_new, qvl_err *err)
{
    const qvl_model_config *config = qvl_model_about(s->model)->config;
    int64_t most = s->options.max_len;
    if (most == 0 || (config->max_positions > 0
                      && config->max_positions < most))
        most = config->max_positions;
    *max_new = s->options.max_new;
    if (most == 0 || (int64_t)n + *max_new <= most)
        return QVL_OK;
    if (n >= most)
        return qvl_fail(err, QVL_E_RANGE,
                        "prompt: found %d tokens, expected fewer than %lld, "
                        "which is what the model, or max_model_len, allows",
                        n, (long long)most);
    *max_new = (int)(most - n);
    qvl_log(QVL_LOG_WARN, "%s:%d: the reply is cut at %d tokens instead of %d: "
            "with its prompt of %d it has at most %lld", record->file,
            record->line, *max_new, s->options.max_new, n, (long long)most);
    return QVL_OK;
}

static qvl_request request_of(const qvl_session *s, const qvl_encoded *e,
                              uint64_t key, int max_new)
{
    qvl_request r = { .id = e->id, .n = e->n, .max_new = max_new,
                      .sampling = s->options.sampling,
                      .stop = s->generation.end,
                      .n_stops = s->generation.n_ends };
    r.sampling.key = qvl_rng_mix(qvl_rng_mix(r.sampling.key, QVL_RNG_SAMPLE),
                                 key);
    r.images = (qvl_batch_pictures){ .grid = e->grid, .n = e->n_grids,
                                     .pixels = e->pixels,
                                     .n_patches = e->n_patches };
    return r;
}

int qvl_session_ask(qvl_session *s, const qvl_record *record, uint64_t key,
                    qvl_asked *asked, qvl_arena *arena, qvl_err *err)
{
    int max_new;
    const qvl_session_options *o = &s->options;
    qvl_asked made = { .record = record, .n = o->n_replies };
    QVL_TRY(qvl_encode_prompt(s->encoder, record, 0, arena, &made.encoded,
                              err));
    QVL_TRY(room_for_reply(s, record, made.encoded.n, &max_new, err));
    bool is_dense = record->messages == NULL
                    && made.encoded.mode == QVL_MODE_DENSE;
    qvl_reply_ends ends = o->ends;
    ends.is_json = o->json_always || (o->json_stop && is_dense);
    qvl_request r = request_of(s, &made.encoded, key, max_new);
    made.all = qvl_arena_array(arena, qvl_reply *, made.n);
    QVL_TRY(qvl_generator_ask_many(s->generator, &r, &ends, made.n, made.all,
                                   err));
    made.reply = made.all[0];
    *asked = made;
    return QVL_OK;
}

bool qvl_asked_is_done(const qvl_asked *asked)
{
    for (int i = 0; i < asked->n; i++)
        if (!asked->all[i]->is_done)
            return false;
    return true;
}

void qvl_asked_release(qvl_asked *asked, qvl_session *s)
{
    for (int i = 0; i < asked->n; i++)
        qvl_generator_drop(s->generator, asked->all[i]);
    asked->reply = NULL;
    asked->all = NULL;
    asked->n = 0;
}
