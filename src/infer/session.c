/* session.c - a record through encoder and generator */
#include "infer/session.h"

#include <stdlib.h>

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
    qvl_generation checkpoint;  // its end ids
    bool has_clipped;  // and said so
};

int qvl_session_open(qvl_session **session, const qvl_session_options *options,
                     qvl_err *err)
{
    QVL_TRY(qvl_sampling_check(&options->sampling, err));
    qvl_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "no memory for a session");
    s->options = *options;
    if (s->options.n == 0)
        s->options.n = 1;
    s->options.encoder.model = options->model;
    int rc = qvl_generation_read(&s->checkpoint, options->model, err);
    if (rc == QVL_OK)
        rc = qvl_encoder_open(&s->encoder, &s->options.encoder, err);
    if (rc == QVL_OK)
        rc = qvl_model_open(&s->model, options->model, &options->device, err);
    if (rc == QVL_OK)
        rc = qvl_generator_open(&s->generator, s->model,
                                qvl_encoder_tokenizer(s->encoder),
                                options->seats, err);
    if (rc != QVL_OK) {
        qvl_session_close(s);
        return rc;
    }
    if (options->piece_tok > 0)
        qvl_generator_set_piece(s->generator, options->piece_tok);
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

/* Tokens the reply may have behind a prompt of n. */
static int room_for_reply(qvl_session *s, int n, int *max_new, qvl_err *err)
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
                        "which is what the model, or --max_model_len, allows",
                        n, (long long)most);
    *max_new = (int)(most - n);
    if (!s->has_clipped)
        qvl_log(QVL_LOG_WARN, "replies are clipped to %d tokens: prompt and "
                "reply have at most %lld", *max_new, (long long)most);
    s->has_clipped = true;
    return QVL_OK;
}

static qvl_request request_of(const qvl_session *s, const qvl_encoded *e,
                              uint64_t key, int max_new)
{
    qvl_request r = { .id = e->id, .n = e->n, .max_new = max_new,
                      .sampling = s->options.sampling,
                      .stop = s->checkpoint.end,
                      .n_stops = s->checkpoint.n_ends };
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
    *asked = (qvl_asked){ .record = record };
    QVL_TRY(qvl_encode_prompt(s->encoder, record, 0, arena, &asked->encoded,
                              err));
    QVL_TRY(room_for_reply(s, asked->encoded.n, &max_new, err));
    bool is_dense = record->messages == NULL
                    && asked->encoded.mode == QVL_MODE_DENSE;
    qvl_reply_ends ends = {
        .stop = o->stop,
        .n_stops = o->n_stops,
        .is_json = o->json_always || (o->json_stop && is_dense),
        .max_entries = o->max_objects,
        .json_object = o->json_object,
        .logprobs = o->logprobs,
        .n_top = o->n_top_logprobs,
    };
    qvl_request r = request_of(s, &asked->encoded, key, max_new);
    qvl_reply **all = qvl_arena_array(arena, qvl_reply *, o->n);
    QVL_TRY(qvl_generator_ask_many(s->generator, &r, &ends, o->n, all, err));
    asked->all = all;
    asked->n = o->n;
    asked->reply = all[0];
    return QVL_OK;
}

bool qvl_asked_is_done(const qvl_asked *asked)
{
    for (int i = 0; i < asked->n; i++)
        if (!asked->all[i]->is_done)
            return false;
    return true;
}

void qvl_session_release(qvl_session *s, qvl_asked *asked)
{
    for (int i = 0; i < asked->n; i++)
        qvl_generator_release(s->generator, asked->all[i]);
    asked->reply = NULL;
    asked->all = NULL;
    asked->n = 0;
}
