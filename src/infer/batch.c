/* batch.c - open and close, and the kinds of step
 *
 * A step is the first of these with seats: answers to a prompt read for another one,
 * which need no step of the model; the next piece of a long prompt; prompts of the
 * queue; a token for all in work, whose turn is also between two pieces. One that took
 * from the queue and failed may give back and go again with less.
 */
#include "infer/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "infer/batch_rows.h"
#include "infer/batch_seats.h"

/* ---- open and close ----------------------------------------------------- */

typedef struct {
    qvl_batcher *b;
    qvl_model *model;
    int max_seats;
} opening;

static int open_parts(void *arg)
{
    opening *o = arg;
    const qvl_model_config *config = qvl_model_about(o->model)->config;
    qvl_batcher *b = o->b = qvl_memory_zeroed(1, sizeof *b);
    size_t n = (size_t)o->max_seats;
    *b = (qvl_batcher){ .max_seats = o->max_seats,
                        .usable_seats = o->max_seats,
                        .most_reads = o->max_seats,
                        .piece_tok = QVL_PREFILL_PIECE, .model = o->model,
                        .config = config };
    b->seat = qvl_memory_zeroed(n, sizeof *b->seat);
    for (size_t i = 0; i < n; i++)
        b->seat[i].ticket = -1;
    b->token = qvl_memory_resize(NULL, n * sizeof *b->token);
    b->logit = qvl_memory_resize(NULL, n * (size_t)config->vocab
                                             * sizeof *b->logit);
    return QVL_OK;
}

int qvl_batcher_open(qvl_batcher **batcher, qvl_model *model, int max_seats,
                     qvl_err *err)
{
    if (max_seats < 1 || max_seats > 1024)
        return qvl_fail(err, QVL_E_USAGE,
                        "batch size: found %d, expected 1 to 1024", max_seats);
    opening o = { .model = model, .max_seats = max_seats };
    int rc = qvl_guard(open_parts, &o, err);
    if (rc != QVL_OK) {
        qvl_batcher_close(o.b);
        return rc;
    }
    *batcher = o.b;
    return QVL_OK;
}

void qvl_batcher_close(qvl_batcher *b)
{
    if (b == NULL)
        return;
    for (int i = 0; b->seat != NULL && i < b->max_seats; i++)
        if (b->seat[i].ticket >= 0)
            qvl_seat_leave(b, &b->seat[i]);
    while (b->first != NULL)
        qvl_batcher_drop(b, b->first->ticket);
    free(b->seat);
    free(b->token);
    free(b->logit);
    free(b->block);
    free(b->free_block);
    free(b->n_users);
    qvl_arena_release(&b->arena);
    free(b);
}

void qvl_batcher_set_piece(qvl_batcher *b, int n_tok)
{
    assert(n_tok >= 1);
    b->piece_tok = n_tok;
}

/* ---- tokens ------------------------------------------------------------- */

/* Take the next token of a seat from its row of logits. */
static void take_token(qvl_batcher *b, seat *s, const float *logit,
                       qvl_new_token *out)
{
    size_t vocab = (size_t)b->config->vocab;
    const qvl_request *p = &s->prompt;
    float *changed = qvl_arena_array(&b->arena, float, vocab);
    memcpy(changed, logit, vocab * sizeof *changed);
    const uint64_t *allowed =
        p->json != NULL
            ? qvl_json_rule_allowed(p->json, p->n + p->max_new - s->n)
            : NULL;
    int64_t id = qvl_sample(&p->sampling, changed, (int)vocab, s->token, s->n,
                            p->n, allowed, &b->arena);
    s->token[s->n++] = id;
    *out = (qvl_new_token){ .ticket = s->ticket, .id = id, .logit = logit };
    if (s->n - p->n >= p->max_new)
        out->finish = QVL_FINISH_LENGTH;
    if (p->json != NULL && qvl_json_rule_take(p->json, id))
        out->finish = QVL_FINISH_STOP;
    for (int i = 0; i < p->n_stops; i++)
        if (p->stop[i] == id)
            out->finish = QVL_FINISH_STOP;
}

/* A token for a seat of the step, from row `row` of the logits. */
static void speak(qvl_batcher *b, rows *r, seat *s, int row)
{
    const float *logit = b->logit + (size_t)row * (size_t)b->config->vocab;
    take_token(b, s, logit, &b->token[r->n_new]);
    r->speaker[r->n_new++] = s;
}

/* ---- a step of the model ------------------------------------------------ */

/* Run the step, and take a token for each of its seats whose prompt is read. */
static int run_rows(qvl_batcher *b, rows *r, qvl_err *err)
{
    size_t vocab = (size_t)b->config->vocab;
    size_t n = (size_t)r->source.n_rows * vocab;
    qvl_model_want want = { 0 };
    QVL_TRY(qvl_model_step(b->model, &r->source, &want, err));
    QVL_TRY(qvl_model_output(b->model, "logits", b->logit, n, err));
    const int32_t *next = qvl_model_batch(b->model)->next;
    for (int i = 0; i < r->n; i++) {
        seat *s = r->seat[i];
        s->next = next[i];
        if (s->kept + s->piece.n_tok < s->n)
            continue;
        if (qvl_seat_reads(s))
            qvl_seat_share(b, s, b->logit + (size_t)i * vocab);
        speak(b, r, s, i);
    }
    for (int i = 0; i < r->n; i++) {
        seat *s = r->seat[i];
        qvl_piece_drop_pictures(b, s);
        s->kept += s->piece.n_tok;
        b->owes_token = b->owes_token || qvl_seat_reads(s);
        qvl_seat_settle(b, s);
    }
    return QVL_OK;
}

/* Rows of a step over n seats: a power of two, so that few programs serve. */
static int rounded_rows(const qvl_batcher *b, int n)
{
    int power = 1;
    while (power < n)
        power *= 2;
    return power < b->max_seats ? power : b->max_seats;
}

typedef struct {
    qvl_batcher *b;
    rows r;
    bool reads;  // from the queue, and so is done again where it fails
    qvl_err *err;
} stepping;

/* Seats for answers whose prompt is read: what they lack is copied, and their
 * first tokens need no step of the model. */
static int join(stepping *st)
{
    qvl_batcher *b = st->b;
    rows *r = &st->r;
    size_t vocab = (size_t)b->config->vocab;
    const float *logit;
    int32_t from;
    seat *s;
    while (r->n < b->most_reads && qvl_seat_join(b, &s, &from, &logit)) {
        r->seat[r->n] = s;
        memcpy(b->logit + (size_t)r->n * vocab, logit, vocab * sizeof *logit);
        r->n++;
        if (from < 0)
            continue;
        int to = qvl_seat_table(b, s)[s->prompt.n / QVL_CACHE_BLOCK];
        QVL_TRY(qvl_model_copy_kept(b->model, b->n_blocks * QVL_CACHE_BLOCK,
                                    from * QVL_CACHE_BLOCK,
                                    to * QVL_CACHE_BLOCK, QVL_CACHE_BLOCK,
                                    st->err));
    }
    for (int i = 0; i < r->n; i++)
        speak(b, r, r->seat[i], i);
    for (int i = 0; i < r->n; i++) {
        r->seat[i]->prompt.images = r->seat[i]->prompt.videos =
            (qvl_batch_pictures){ 0 };
        qvl_seat_settle(b, r->seat[i]);
    }
    return QVL_OK;
}

/* Seats of prompts at their start. */
static void take_seats(stepping *st)
{
    qvl_batcher *b = st->b;
    rows *r = &st->r;
    int n_tokens = 0;
    while (r->n < b->most_reads
           && qvl_seat_take(b, n_tokens, &r->seat[r->n])) {
        r->seat[r->n]->piece = qvl_piece_next(b, r->seat[r->n]);
        n_tokens += r->seat[r->n++]->piece.n_tok;
    }
}

/* Seats in work: one that reads, or all that speak. */
static void find_seats(qvl_batcher *b, rows *r, bool reads)
{
    for (int i = 0; i < b->max_seats; i++) {
        seat *s = &b->seat[i];
        if (s->ticket < 0 || qvl_seat_reads(s) != reads
            || (reads && r->n > 0))
            continue;
        s->piece = qvl_piece_next(b, s);
        r->seat[r->n++] = s;
    }
}

/* Whose turn it is. Pieces of a long prompt take turns with those who speak,
 * so that nobody waits for all of it. */
static void choose_seats(stepping *st)
{
    qvl_batcher *b = st->b;
    rows *r = &st->r;
    if (b->owes_token)
        find_seats(b, r, false);
    if (r->n == 0)
        find_seats(b, r, true);
    b->owes_token = false;
    st->reads = r->n == 0;
    if (st->reads)
        take_seats(st);
    st->reads = st->reads && r->n > 0;
    if (r->n == 0)
        find_seats(b, r, false);
}

static int run_step(void *arg)
{
    stepping *st = arg;
    qvl_batcher *b = st->b;
    rows *r = &st->r;
    qvl_arena_reset(&b->arena);
    r->seat = qvl_arena_array(&b->arena, seat *, b->max_seats);
    r->speaker = qvl_arena_array(&b->arena, seat *, b->max_seats);
    st->reads = true;
    if (b->n_working == 0)
        qvl_seats_size_cache(b);
    QVL_TRY(join(st));
    if (r->n > 0)
        return QVL_OK;
    choose_seats(st);
    if (r->n == 0)
        return QVL_OK;
    qvl_rows_lay_out(b, r, st->reads ? r->n : rounded_rows(b, r->n));
    return run_rows(b, r, st->err);
}

/* Use fewer seats; those of answers in work stay. False: there is one left. */
static bool use_fewer_seats(qvl_batcher *b, int n_others)
{
    int n = n_others > 0 ? n_others : b->usable_seats / 2;
    if (n < 1)
        return false;
    b->usable_seats = n;
    qvl_log(QVL_LOG_WARN, "out of memory: at most %d answers at a time from "
            "here on", n);
    if (n_others == 0)
        qvl_seats_forget_cache(b);
    return true;
}

/* A step that failed, and what it had taken from the queue: is it worth to try
 * again with less? */
static bool read_less(stepping *st, int rc)
{
    qvl_batcher *b = st->b;
    int n = st->r.n;
    int n_others = b->n_working - n;
    bool is_memory = rc == QVL_E_DEVICE_MEMORY || rc == QVL_E_MEMORY;
    if (!st->reads || rc == QVL_E_DEVICE_LOST || rc == QVL_E_INTERNAL)
        return false;
    if (n < 2 && !(is_memory && (n_others > 0 || b->usable_seats > 1)))
        return false;
    while (st->r.n > 0)
        qvl_seat_give_back(b, st->r.seat[--st->r.n]);
    b->most_reads = n > 1 ? n / 2 : 1;
    return !is_memory || use_fewer_seats(b, n_others);
}

/* The answers that a failed step takes with it: at least one where it read, so
 * that the queue moves on. */
static int tell_lost(stepping *st)
{
    qvl_batcher *b = st->b;
    for (int i = 0; i < st->r.n; i++) {
        b->token[i] = (qvl_new_token){ .ticket = st->r.seat[i]->ticket,
                                       .id = -1,
                                       .finish = QVL_FINISH_FAILED };
        qvl_seat_leave(b, st->r.seat[i]);
    }
    if (st->r.n > 0 || !st->reads || b->first == NULL)
        return st->r.n;
    b->token[0] = (qvl_new_token){ .ticket = b->first->ticket, .id = -1,
                                   .finish = QVL_FINISH_FAILED };
    qvl_batcher_drop(b, b->first->ticket);
    return 1;
}

int qvl_batcher_step(qvl_batcher *b, const qvl_new_token **token, int *n,
                     qvl_err *err)
{
    stepping st;
    int rc;
    do {
        st = (stepping){ .b = b, .err = err };
        rc = qvl_guard(run_step, &st, err);
    } while (rc != QVL_OK && read_less(&st, rc));
    *token = b->token;
    if (rc != QVL_OK) {
        *n = tell_lost(&st);
        return rc;
    }
    if (st.reads && b->most_reads < b->max_seats)
        b->most_reads = 2 * b->most_reads < b->max_seats ? 2 * b->most_reads
                                                         : b->max_seats;
    for (int i = 0; i < st.r.n_new; i++)
        if (b->token[i].finish != QVL_FINISH_NOT)
            qvl_seat_leave(b, st.r.speaker[i]);
    *n = st.r.n_new;
    return QVL_OK;
}
