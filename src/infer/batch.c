/* batch.c - seats, the queue, and the two kinds of step */
#include "infer/batch.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define PREFILL_TOKENS 4096  // of the prompts of one step; one alone may be
                             // longer

typedef struct queued {
    struct queued *next;
    int ticket;
    qvl_request prompt;
} queued;

/* An answer in work. A free seat has ticket -1. */
typedef struct {
    int ticket;
    queued *from;    // owned; until the prompt is read
    qvl_request prompt;  // without pictures once it is read
    int64_t *token;  // owned; [prompt.n + max_new] prompt and answer
    int n;           // of token, those that are known
    int kept;        // of token, those whose keys and values are kept
    int32_t next;    // position of token `kept`
    int n_blocks;    // its entries of the block table
} seat;

struct qvl_batcher {
    // owned
    qvl_arena arena;     // of the step
    seat *seat;          // [max_seats]
    queued *first, *last;
    int32_t *block;      // [max_seats, seat_blocks] tables
    int32_t *free_block; // [n_blocks] the first n_free are nobody's
    float *logit;        // [max_seats, vocab] of the last step
    qvl_new_token *token;  // [max_seats]
    // values
    int max_seats;
    int usable_seats;    // those that memory was found to allow
    int most_reads;      // prompts of a step
    int seat_blocks;     // most blocks of a seat
    int n_blocks;        // of the cache
    int n_free;
    int n_tickets;
    int n_working;
    // borrowed
    qvl_model *model;
    const qvl_model_config *config;
};

/* ---- open and close ----------------------------------------------------- */

typedef struct {
    qvl_batcher *b;
    size_t vocab;
} opening;

static int open_parts(void *arg)
{
    opening *o = arg;
    qvl_batcher *b = o->b;
    size_t n = (size_t)b->max_seats;
    b->seat = qvl_memory_resize(NULL, n * sizeof *b->seat);
    memset(b->seat, 0, n * sizeof *b->seat);
    for (size_t i = 0; i < n; i++)
        b->seat[i].ticket = -1;
    b->token = qvl_memory_resize(NULL, n * sizeof *b->token);
    b->logit = qvl_memory_resize(NULL, n * o->vocab * sizeof *b->logit);
    return QVL_OK;
}

int qvl_batcher_open(qvl_batcher **batcher, qvl_model *model, int max_seats,
                     qvl_err *err)
{
    if (max_seats < 1 || max_seats > 1024)
        return qvl_fail(err, QVL_E_USAGE,
                        "batch size: found %d, expected 1 to 1024", max_seats);
    const qvl_model_config *config = qvl_model_about(model)->config;
    qvl_batcher *b = calloc(1, sizeof *b);
    if (b == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "no memory for a batch");
    *b = (qvl_batcher){ .max_seats = max_seats, .usable_seats = max_seats,
                        .most_reads = max_seats, .model = model,
                        .config = config };
    opening o = { b, (size_t)config->vocab };
    int rc = qvl_guard(open_parts, &o, err);
    if (rc != QVL_OK) {
        qvl_batcher_close(b);
        return rc;
    }
    *batcher = b;
    return QVL_OK;
}

static void leave_seat(qvl_batcher *b, seat *s)
{
    int32_t *table = b->block + (s - b->seat) * b->seat_blocks;
    for (int i = 0; i < s->n_blocks; i++)
        b->free_block[b->n_free++] = table[i];
    free(s->token);
    free(s->from);
    *s = (seat){ .ticket = -1 };
    b->n_working--;
}

void qvl_batcher_close(qvl_batcher *b)
{
    if (b == NULL)
        return;
    for (int i = 0; b->seat != NULL && i < b->max_seats; i++)
        if (b->seat[i].ticket >= 0)
            leave_seat(b, &b->seat[i]);
    while (b->first != NULL) {
        queued *q = b->first;
        b->first = q->next;
        free(q);
    }
    free(b->seat);
    free(b->token);
    free(b->logit);
    free(b->block);
    free(b->free_block);
    qvl_arena_release(&b->arena);
    free(b);
}

/* ---- the queue ---------------------------------------------------------- */

static int blocks_of(const qvl_request *p)
{
    return (p->n + p->max_new + QVL_CACHE_BLOCK - 1) / QVL_CACHE_BLOCK;
}

static int check_prompt(const qvl_batcher *b, const qvl_request *p,
                        qvl_err *err)
{
    int64_t limit = INT_MAX / 2 / b->max_seats;  // slots are counted in int
    if (b->config->max_positions > 0 && b->config->max_positions < limit)
        limit = b->config->max_positions;
    if (p->n < 1)
        return qvl_fail(err, QVL_E_DATA,
                        "prompt: found no token, expected at least one");
    if (p->max_new < 1)
        return qvl_fail(err, QVL_E_USAGE,
                        "max_new_tokens: found %d, expected at least 1",
                        p->max_new);
    if ((int64_t)p->n + p->max_new > limit)
        return qvl_fail(err, QVL_E_RANGE,
                        "prompt: found %d tokens and %d for the answer, "
                        "expected at most %lld in all",
                        p->n, p->max_new, (long long)limit);
    return qvl_sampling_check(&p->sampling, err);
}

int qvl_batcher_add(qvl_batcher *b, const qvl_request *prompt, int *ticket,
                    qvl_err *err)
{
    QVL_TRY(check_prompt(b, prompt, err));
    queued *q = calloc(1, sizeof *q);
    if (q == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "no memory for a prompt");
    *q = (queued){ .ticket = b->n_tickets++, .prompt = *prompt };
    if (b->last != NULL)
        b->last->next = q;
    else
        b->first = q;
    b->last = q;
    *ticket = q->ticket;
    return QVL_OK;
}

void qvl_batcher_drop(qvl_batcher *b, int ticket)
{
    for (int i = 0; i < b->max_seats; i++)
        if (b->seat[i].ticket == ticket)
            leave_seat(b, &b->seat[i]);
    queued *before = NULL;
    for (queued *q = b->first; q != NULL; before = q, q = q->next) {
        if (q->ticket != ticket)
            continue;
        if (before != NULL)
            before->next = q->next;
        else
            b->first = q->next;
        if (b->last == q)
            b->last = before;
        free(q);
        return;
    }
}

int qvl_batcher_n_open(const qvl_batcher *b)
{
    int n = b->n_working;
    for (const queued *q = b->first; q != NULL; q = q->next)
        n++;
    return n;
}

/* ---- the cache ---------------------------------------------------------- */

static void forget_cache(qvl_batcher *b)
{
    qvl_model_drop_cache(b->model);
    b->seat_blocks = b->n_blocks = b->n_free = 0;
}

/* Nobody is in work: make room for what waits, as far as there are seats. */
static void size_cache(qvl_batcher *b)
{
    int most = 0, n = 0;
    for (const queued *q = b->first; q != NULL; q = q->next, n++)
        if (blocks_of(&q->prompt) > most)
            most = blocks_of(&q->prompt);
    int n_blocks = (n < b->usable_seats ? n : b->usable_seats) * most;
    if (most <= b->seat_blocks && n_blocks <= b->n_blocks)
        return;
    most = most > b->seat_blocks ? most : b->seat_blocks;
    n_blocks = n_blocks > b->n_blocks ? n_blocks : b->n_blocks;
    forget_cache(b);
    size_t n_entries = (size_t)b->max_seats * (size_t)most;
    b->block = qvl_memory_resize(b->block, n_entries * sizeof *b->block);
    b->free_block = qvl_memory_resize(b->free_block, (size_t)n_blocks
                                                  * sizeof *b->free_block);
    memset(b->block, 0, n_entries * sizeof *b->block);
    for (int i = 0; i < n_blocks; i++)
        b->free_block[i] = n_blocks - 1 - i;
    b->seat_blocks = most;
    b->n_blocks = b->n_free = n_blocks;
}

static seat *free_seat(qvl_batcher *b)
{
    for (int i = 0; i < b->max_seats; i++)
        if (b->seat[i].ticket < 0)
            return &b->seat[i];
    return NULL;
}

/* Give the first prompt of the queue a seat; false when it has to wait. */
static bool take_seat(qvl_batcher *b, int n_tokens, seat **taken)
{
    queued *q = b->first;
    seat *s = free_seat(b);
    if (q == NULL || s == NULL || b->n_working >= b->usable_seats
        || blocks_of(&q->prompt) > b->n_free
        || blocks_of(&q->prompt) > b->seat_blocks
        || (n_tokens > 0 && n_tokens + q->prompt.n > PREFILL_TOKENS))
        return false;
    const qvl_request *p = &q->prompt;
    int64_t *token = qvl_memory_resize(
        NULL, ((size_t)p->n + (size_t)p->max_new) * sizeof *token);
    memcpy(token, p->id, (size_t)p->n * sizeof *token);
    *s = (seat){ .ticket = q->ticket, .from = q, .prompt = *p, .token = token,
                 .n = p->n, .n_blocks = blocks_of(p) };
    int32_t *table = b->block + (s - b->seat) * b->seat_blocks;
    for (int i = 0; i < s->n_blocks; i++)
        table[i] = b->free_block[--b->n_free];
    b->n_working++;
    b->first = q->next;
    if (b->first == NULL)
        b->last = NULL;
    *taken = s;
    return true;
}

/* Put a prompt that was not read back in front of the queue. */
static void give_back(qvl_batcher *b, seat *s)
{
    queued *q = s->from;
    s->from = NULL;
    if (q->prompt.json != NULL)
        q->prompt.json->state = (qvl_json_state){ 0 };
    q->next = b->first;
    b->first = q;
    if (b->last == NULL)
        b->last = q;
    leave_seat(b, s);
}

/* ---- a step of the model ------------------------------------------------ */

/* The seats of a step, and where their rows lie. Rows behind those of the seats
 * stand for nothing. */
typedef struct {
    qvl_batch_source source;
    qvl_batch_cache cache;
    seat **seat;  // [n]
    int n;
} rows;

static void lay_out_cache(qvl_batcher *b, rows *r)
{
    int n_rows = r->source.n_rows;
    int32_t *table = qvl_arena_array(&b->arena, int32_t, n_rows);
    int32_t *past = qvl_arena_array(&b->arena, int32_t, n_rows);
    int32_t *next = qvl_arena_array(&b->arena, int32_t, n_rows);
    for (int i = 0; i < n_rows; i++) {
        past[i] = i < r->n ? r->seat[i]->kept : -1;
        if (i >= r->n)
            continue;
        table[i] = (int32_t)(r->seat[i] - b->seat) * b->seat_blocks;
        next[i] = r->seat[i]->next;
    }
    r->cache = (qvl_batch_cache){
        .n_slots = b->n_blocks * QVL_CACHE_BLOCK,
        .block_len = QVL_CACHE_BLOCK,
        .block = b->block,
        .n_blocks = b->max_seats * b->seat_blocks,
        .table = table,
        .past = past,
        .next = next,
    };
    r->source.cache = &r->cache;
}

/* The new tokens of each seat, padded behind. */
static void lay_out_tokens(qvl_batcher *b, rows *r, int n_rows)
{
    int len = 1;
    for (int i = 0; i < r->n; i++)
        if (r->seat[i]->n - r->seat[i]->kept > len)
            len = r->seat[i]->n - r->seat[i]->kept;
    size_t all = (size_t)n_rows * (size_t)len;
    int64_t *id = qvl_arena_array(&b->arena, int64_t, all);
    int64_t *mask = qvl_arena_array(&b->arena, int64_t, all);
    for (int i = 0; i < n_rows; i++) {
        const seat *s = i < r->n ? r->seat[i] : NULL;
        int n = s != NULL ? s->n - s->kept : 1;
        for (int k = 0; k < n; k++) {
            id[(size_t)i * (size_t)len + (size_t)k] =
                s != NULL ? s->token[s->kept + k] : 0;
            mask[(size_t)i * (size_t)len + (size_t)k] = 1;
        }
    }
    r->source.n_rows = n_rows;
    r->source.row_len = len;
    r->source.id = id;
    r->source.mask = mask;
    r->source.logits = QVL_LOGITS_LAST;
}

/* The pictures of all seats, one behind the other. */
static void join_pictures(qvl_batcher *b, const rows *r, bool video,
                          qvl_batch_pictures *out)
{
    size_t values = b->config->has_vision
                        ? (size_t)b->config->vision.patch_values
                        : 0;
    size_t n_patches = 0, n = 0;
    for (int i = 0; i < r->n; i++) {
        const qvl_request *p = &r->seat[i]->prompt;
        n_patches += (video ? &p->videos : &p->images)->n_patches;
        n += (size_t)(video ? &p->videos : &p->images)->n;
    }
    float *pixels = qvl_arena_array(&b->arena, float, n_patches * values);
    int64_t *grid = qvl_arena_array(&b->arena, int64_t, 3 * n);
    *out = (qvl_batch_pictures){ .grid = grid, .n = (int)n, .pixels = pixels,
                                 .n_patches = n_patches };
    for (int i = 0; i < r->n; i++) {
        const qvl_request *prompt = &r->seat[i]->prompt;
        const qvl_batch_pictures *p =
            video ? &prompt->videos : &prompt->images;
        if (p->n_patches > 0)
            memcpy(pixels, p->pixels, p->n_patches * values * sizeof *pixels);
        if (p->n > 0)
            memcpy(grid, p->grid, 3 * (size_t)p->n * sizeof *grid);
        pixels += p->n_patches * values;
        grid += 3 * p->n;
    }
}

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

/* Run the step, and take a token for each of its seats. */
static int run_rows(qvl_batcher *b, rows *r, qvl_err *err)
{
    size_t vocab = (size_t)b->config->vocab;
    size_t n = (size_t)r->source.n_rows * vocab;
    qvl_model_want want = { 0 };
    QVL_TRY(qvl_model_step(b->model, &r->source, &want, err));
    QVL_TRY(qvl_model_output(b->model, "logits", b->logit, n, err));
    const qvl_batch *batch = qvl_model_batch(b->model);
    for (int i = 0; i < r->n; i++)
        take_token(b, r->seat[i], b->logit + (size_t)i * vocab, &b->token[i]);
    for (int i = 0; i < r->n; i++) {
        seat *s = r->seat[i];
        s->kept = s->n - 1;
        s->next = batch->next[i];
        s->prompt.images = s->prompt.videos = (qvl_batch_pictures){ 0 };
        free(s->from);
        s->from = NULL;
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
    bool reads;  // prompts, and so is done again where it fails
    qvl_err *err;
} stepping;

static int run_step(void *arg)
{
    stepping *st = arg;
    qvl_batcher *b = st->b;
    rows *r = &st->r;
    qvl_arena_reset(&b->arena);
    r->seat = qvl_arena_array(&b->arena, seat *, b->max_seats);
    st->reads = true;
    if (b->n_working == 0)
        size_cache(b);
    int n_tokens = 0;
    while (r->n < b->most_reads && take_seat(b, n_tokens, &r->seat[r->n]))
        n_tokens += r->seat[r->n++]->n;
    st->reads = r->n > 0;
    for (int i = 0; i < b->max_seats && !st->reads; i++)
        if (b->seat[i].ticket >= 0)
            r->seat[r->n++] = &b->seat[i];
    if (r->n == 0)
        return QVL_OK;
    lay_out_tokens(b, r, st->reads ? r->n : rounded_rows(b, r->n));
    lay_out_cache(b, r);
    if (st->reads) {
        join_pictures(b, r, false, &r->source.images);
        join_pictures(b, r, true, &r->source.videos);
    }
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
        forget_cache(b);
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
        give_back(b, st->r.seat[--st->r.n]);
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
        leave_seat(b, st->r.seat[i]);
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
    for (int i = 0; i < st.r.n; i++)
        if (b->token[i].finish != QVL_FINISH_NOT)
            leave_seat(b, st.r.seat[i]);
    *n = st.r.n;
    return QVL_OK;
}
