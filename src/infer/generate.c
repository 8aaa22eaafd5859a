/* generate.c - tokens to text, and the ends of answers
 *
 * Ends are looked for in the text without special tokens, in the step that brings them,
 * and what may become one is held back, so a reader is never told what they cut off;
 * `raw` is made beside it and is not cut. Stop strings are not copied: they are
 * borrowed until the answer is done.
 */
#include "infer/generate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

typedef struct entry {
    qvl_reply answer;  // first: an answer is its entry
    qvl_arena arena;    // of the guard
    struct entry *next, *before;
    int64_t *stop;      // owned; ids that end it
    int cap;            // of answer.id
    int cap_logprobs;   // of answer.logprob, tokens
} entry;

struct qvl_generator {
    qvl_batcher *batcher;  // owned
    entry *first;          // owned
    qvl_json_tokens *json; // owned; NULL before the first answer that asks
    // borrowed
    const qvl_tokenizer *tokenizer;
    const qvl_model_config *config;
};

/* ---- open and close ----------------------------------------------------- */

int qvl_generator_open(qvl_generator **g, qvl_model *model,
                       const qvl_tokenizer *tokenizer, int seats,
                       qvl_err *err)
{
    qvl_generator *made = qvl_memory_zeroed(1, sizeof *made);
    *made = (qvl_generator){ .tokenizer = tokenizer,
                             .config = qvl_model_about(model)->config };
    int rc = qvl_batcher_open(&made->batcher, model, seats, err);
    if (rc != QVL_OK) {
        free(made);
        return rc;
    }
    *g = made;
    return QVL_OK;
}

static void release_entry(entry *e)
{
    qvl_str_release(&e->answer.text);
    qvl_str_release(&e->answer.raw);
    qvl_arena_release(&e->arena);
    free(e->answer.id);
    free(e->answer.logprob);
    free(e->stop);
    free(e);
}

void qvl_generator_drop(qvl_generator *g, qvl_reply *answer)
{
    entry *e = (entry *)answer;
    if (!answer->is_done)
        qvl_batcher_drop(g->batcher, answer->ticket);
    if (e->before != NULL)
        e->before->next = e->next;
    else
        g->first = e->next;
    if (e->next != NULL)
        e->next->before = e->before;
    release_entry(e);
}

void qvl_generator_close(qvl_generator *g)
{
    if (g == NULL)
        return;
    while (g->first != NULL)
        qvl_generator_drop(g, &g->first->answer);
    qvl_batcher_close(g->batcher);
    qvl_json_tokens_close(g->json);
    free(g);
}

/* ---- asking ------------------------------------------------------------- */

typedef struct {
    qvl_generator *g;
    const qvl_request *request;
    const qvl_reply_ends *ends;
    entry *e;               // the first of the list, n of them
    qvl_request *each;      // owned; [n]
    int *ticket;            // owned; [n]
    int n;
    qvl_err *err;
} asking;

/* The ids that end an answer of the model, and those of the request. */
static int64_t *all_stops(const asking *a, int *n)
{
    const qvl_model_config *config = a->g->config;
    const qvl_request *r = a->request;
    size_t most = (size_t)config->n_eos + (size_t)r->n_stops + 1;
    int64_t *stop = qvl_memory_resize(NULL, most * sizeof *stop);
    *n = 0;
    for (int i = 0; i < config->n_eos; i++)
        stop[(*n)++] = config->eos[i];
    for (int i = 0; i < r->n_stops; i++)
        stop[(*n)++] = r->stop[i];
    int eos = qvl_tokenizer_eos(a->g->tokenizer);
    if (eos >= 0)
        stop[(*n)++] = eos;
    return stop;
}

/* What answer i is asked: that of all, with random numbers of its own. */
static void make_request(asking *a, entry *e, int i)
{
    qvl_request *r = &a->each[i];
    qvl_reply *reply = &e->answer;
    *r = *a->request;
    r->sampling.key = qvl_rng_mix(a->request->sampling.key, (uint64_t)i);
    r->stop = e->stop = all_stops(a, &r->n_stops);
    if (a->ends->json_object) {
        reply->rule.tokens = a->g->json;
        r->json = &reply->rule;
    }
    reply->n_prompt = r->n;
    reply->ends = *a->ends;
    if (reply->ends.n_top > a->g->config->vocab)
        reply->ends.n_top = a->g->config->vocab;
    reply->json = (qvl_json_guard){ .arena = &e->arena,
                                    .max_entries = a->ends->max_entries };
    qvl_decoder_init(&reply->decoder, a->g->tokenizer, QVL_SPECIAL_SKIP);
    qvl_decoder_init(&reply->raw_decoder, a->g->tokenizer, QVL_SPECIAL_KEEP);
}

static int ask_steps(void *arg)
{
    asking *a = arg;
    qvl_generator *g = a->g;
    a->each = qvl_memory_resize(NULL, (size_t)a->n * sizeof *a->each);
    a->ticket = qvl_memory_resize(NULL, (size_t)a->n * sizeof *a->ticket);
    if (a->ends->json_object && g->json == NULL)
        QVL_TRY(qvl_json_tokens_open(&g->json, g->tokenizer,
                                     g->config->vocab, a->err));
    for (int i = 0; i < a->n; i++) {
        entry *e = qvl_memory_resize(NULL, sizeof *e);
        *e = (entry){ .next = a->e };
        a->e = e;
    }
    entry *e = a->e;
    for (int i = 0; i < a->n; i++, e = e->next)
        make_request(a, e, i);
    return qvl_batcher_add_many(g->batcher, a->each, a->n, a->ticket, a->err);
}

static void put_in_front(qvl_generator *g, entry *e)
{
    e->next = g->first;
    e->before = NULL;
    if (g->first != NULL)
        g->first->before = e;
    g->first = e;
}

int qvl_generator_ask_many(qvl_generator *g, const qvl_request *request,
                           const qvl_reply_ends *ends, int n,
                           qvl_reply **answer, qvl_err *err)
{
    assert(n >= 1);
    if (ends->n_top < 0 || ends->n_top > QVL_MAX_TOP_LOGPROBS)
        return qvl_fail(err, QVL_E_USAGE,
                        "top_logprobs: found %d, expected 0 to %d",
                        ends->n_top, QVL_MAX_TOP_LOGPROBS);
    asking a = { .g = g, .request = request, .ends = ends, .n = n,
                 .err = err };
    int rc = qvl_guard(ask_steps, &a, err);
    for (int i = 0; a.e != NULL; i++) {
        entry *e = a.e;
        a.e = e->next;
        if (rc != QVL_OK) {
            release_entry(e);
            continue;
        }
        e->answer.ticket = a.ticket[i];
        put_in_front(g, e);
        answer[i] = &e->answer;
    }
    free(a.each);
    free(a.ticket);
    return rc;
}

void qvl_generator_set_piece(qvl_generator *g, int n_tok)
{
    qvl_batcher_set_piece(g->batcher, n_tok);
}

int qvl_generator_n_open(const qvl_generator *g)
{
    return qvl_batcher_n_open(g->batcher);
}

/* ---- ends of a text ----------------------------------------------------- */

/* Where the earliest stop string in text [len] begins, from `from` on; len when
 * there is none. */
static size_t find_stop(const qvl_reply *a, size_t from)
{
    size_t best = a->text.len;
    for (int i = 0; i < a->ends.n_stops && from < best; i++) {
        const char *stop = a->ends.stop[i];
        const char *p = memmem(a->text.p + from, a->text.len - from, stop,
                               strlen(stop));
        if (p != NULL && (size_t)(p - a->text.p) < best)
            best = (size_t)(p - a->text.p);
    }
    return best;
}

static size_t longest_stop(const qvl_reply *a)
{
    size_t most = 0;
    for (int i = 0; i < a->ends.n_stops; i++)
        if (strlen(a->ends.stop[i]) > most)
            most = strlen(a->ends.stop[i]);
    return most;
}

/* Bytes at the end of the text that may begin a stop string. */
static size_t held_back(const qvl_reply *a)
{
    size_t most = 0;
    for (int i = 0; i < a->ends.n_stops; i++) {
        size_t n = strlen(a->ends.stop[i]) - 1;
        for (n = n < a->text.len ? n : a->text.len; n > most; n--)
            if (memcmp(a->text.p + a->text.len - n, a->ends.stop[i], n) == 0)
                most = n;
    }
    return most;
}

static void cut_text(qvl_reply *a, size_t len)
{
    if (len >= a->text.len)
        return;
    a->text.len = len;
    a->text.p[len] = '\0';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t skip_space(const qvl_reply *a, size_t at)
{
    while (at < a->text.len && is_space(a->text.p[at]))
        at++;
    return at;
}

/* Where the clean text begins: behind white space and a closed block of
 * thinking. False while that is not known. */
static bool find_begin(const qvl_reply *a, size_t *begin)
{
    static const char open[] = "<think>", close[] = "</think>";
    size_t at = skip_space(a, 0);
    size_t n = a->text.len - at;
    *begin = at;
    if (n == 0)
        return a->is_done;
    size_t n_open = n < sizeof open - 1 ? n : sizeof open - 1;
    if (memcmp(a->text.p + at, open, n_open) != 0)
        return true;
    const char *end = memmem(a->text.p + at, n, close, sizeof close - 1);
    if (end == NULL)
        return a->is_done;
    *begin = skip_space(a, (size_t)(end - a->text.p) + sizeof close - 1);
    return *begin < a->text.len || a->is_done;
}

static void see_begin(qvl_reply *a)
{
    if (a->has_begun || !find_begin(a, &a->begin))
        return;
    a->has_begun = true;
    a->told = a->json.seen = a->begin;
}

/* Does what is new end the answer? `before`: length of the text before. */
static bool meets_end(qvl_reply *a, size_t before)
{
    size_t reach = longest_stop(a);
    size_t from = before > reach ? before - reach : 0;
    size_t at = find_stop(a, from);
    if (at < a->text.len) {
        cut_text(a, at);
        return true;
    }
    see_begin(a);
    if (!a->ends.is_json || !a->has_begun || a->rule.ends_now)
        return false;
    a->guard = qvl_json_guard_see(&a->json, a->text.p, a->text.len, &at);
    if (a->ends.json_object && a->guard != QVL_JSON_CLOSED) {
        a->rule.ends_now = a->guard != QVL_JSON_GO_ON;
        return false;
    }
    if (a->guard == QVL_JSON_CLOSED)
        cut_text(a, at);
    return a->guard != QVL_JSON_GO_ON;
}

/* Length of the text without white space at its end. */
static size_t trimmed(const qvl_reply *a, size_t len)
{
    while (len > a->begin && is_space(a->text.p[len - 1]))
        len--;
    return len;
}

/* ---- steps -------------------------------------------------------------- */

static void keep_id(entry *e, int64_t id)
{
    qvl_reply *a = &e->answer;
    if (a->n == e->cap) {
        e->cap = e->cap == 0 ? 64 : 2 * e->cap;
        a->id = qvl_memory_resize(a->id, (size_t)e->cap * sizeof *a->id);
    }
    a->id[a->n++] = id;
}

/* Beside the id that comes next. */
static void keep_logprobs(const qvl_generator *g, entry *e,
                          const qvl_new_token *t)
{
    qvl_reply *a = &e->answer;
    size_t width = 1 + (size_t)a->ends.n_top;
    if (!a->ends.logprobs)
        return;
    if (a->n == e->cap_logprobs) {
        int cap = a->n == 0 ? 64 : 2 * a->n;
        a->logprob = qvl_memory_resize(a->logprob, (size_t)cap * width
                                                       * sizeof *a->logprob);
        e->cap_logprobs = cap;
    }
    qvl_logprobs(a->logprob + (size_t)a->n * width, t->logit, g->config->vocab,
                 t->id, a->ends.n_top);
}

/* Tell the reader what is new and certain. */
static int tell(qvl_reply *a, qvl_text_sink *sink, void *ctx)
{
    if (sink == NULL || !a->has_begun)
        return QVL_OK;
    size_t from = a->told;
    size_t until = a->text.len;
    if (!a->is_done)
        until = trimmed(a, until - held_back(a));
    if (until <= from)
        return QVL_OK;
    a->told = until;
    return sink(ctx, a, a->text.p + from, until - from);
}

/* The last words to the reader, and the text as it is kept. */
static int end_text(qvl_reply *a, qvl_text_sink *sink, void *ctx)
{
    see_begin(a);
    if (a->begin > a->text.len)  // a stop string began in front of it
        a->begin = a->text.len;
    cut_text(a, trimmed(a, a->text.len));
    QVL_TRY(tell(a, sink, ctx));
    if (a->begin > 0) {
        a->text.len -= a->begin;
        memmove(a->text.p, a->text.p + a->begin, a->text.len + 1);
        a->begin = 0;
        a->told = a->text.len;
    }
    return sink != NULL ? sink(ctx, a, "", 0) : QVL_OK;
}

/* Vocabularies are padded: a model may choose an id that stands for nothing. */
static bool has_text(const qvl_generator *g, int64_t id)
{
    return id < qvl_tokenizer_n_ids(g->tokenizer)
           && qvl_tokenizer_token(g->tokenizer, (int)id).p != NULL;
}

typedef struct {
    qvl_generator *g;
    qvl_text_sink *sink;
    void *ctx;
    qvl_err *err;
} stepping;

static int take_token(const stepping *st, entry *e, const qvl_new_token *t)
{
    qvl_reply *a = &e->answer;
    size_t before = a->text.len;
    keep_logprobs(st->g, e, t);
    keep_id(e, t->id);
    a->finish = t->finish;
    a->is_done = t->finish != QVL_FINISH_NOT;
    if (has_text(st->g, t->id)) {
        QVL_TRY(qvl_decoder_push(&a->raw_decoder, (int)t->id, &a->raw,
                                 st->err));
        QVL_TRY(qvl_decoder_push(&a->decoder, (int)t->id, &a->text,
                                 st->err));
    }
    if (a->is_done)
        qvl_decoder_finish(&a->decoder, &a->text);
    if (meets_end(a, before)) {
        if (!a->is_done)
            qvl_batcher_drop(st->g->batcher, a->ticket);
        a->is_done = true;
        a->finish = QVL_FINISH_STOP;
    }
    if (!a->is_done)
        return tell(a, st->sink, st->ctx);
    qvl_decoder_finish(&a->raw_decoder, &a->raw);
    return end_text(a, st->sink, st->ctx);
}

static entry *find_open(const qvl_generator *g, int ticket)
{
    entry *e = g->first;
    while (e != NULL && (e->answer.is_done || e->answer.ticket != ticket))
        e = e->next;
    return e;
}

typedef struct {
    stepping step;
    entry *entry;
    const qvl_new_token *token;
} taking;

static int take_one(void *arg)
{
    const taking *t = arg;
    return take_token(&t->step, t->entry, t->token);
}

static void lose(qvl_generator *g, qvl_reply *a)
{
    if (!a->is_done)
        qvl_batcher_drop(g->batcher, a->ticket);
    a->is_done = true;
    a->finish = QVL_FINISH_FAILED;
}

/* Every answer takes its token, whatever becomes of those before it. */
static int take_all(const stepping *st, const qvl_new_token *token, int n)
{
    int first = QVL_OK;
    for (int i = 0; i < n; i++) {
        taking t = { *st, find_open(st->g, token[i].ticket), &token[i] };
        if (t.entry == NULL)
            continue;
        t.step.err = first == QVL_OK ? st->err : NULL;
        int rc = qvl_guard(take_one, &t, t.step.err);
        if (rc == QVL_E_MEMORY)  // it may lack part of its text
            lose(st->g, &t.entry->answer);
        first = first == QVL_OK ? rc : first;
    }
    return first;
}

static int run_step(void *arg)
{
    const stepping *st = arg;
    const qvl_new_token *token;
    int n;
    int rc = qvl_batcher_step(st->g->batcher, &token, &n, st->err);
    if (rc == QVL_OK)
        return take_all(st, token, n);
    for (int i = 0; i < n; i++) {
        entry *e = find_open(st->g, token[i].ticket);
        if (e != NULL) {
            e->answer.is_done = true;
            e->answer.finish = QVL_FINISH_FAILED;
        }
    }
    return rc;
}

int qvl_generator_step(qvl_generator *g, qvl_text_sink *sink, void *ctx,
                       qvl_err *err)
{
    stepping st = { g, sink, ctx, err };
    return qvl_guard(run_step, &st, err);
}
