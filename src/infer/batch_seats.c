/* batch_seats.c - who has which seat, and which blocks
 *
 * A seat takes all blocks it may need when it sits down, so no step runs out of them.
 * The cache grows only while nobody is in work and no prompt that was read waits, since
 * what its blocks hold is lost then. Whoever counts on a shared prompt (in the queue,
 * or reading it) leaves it once, and the last one gives its blocks back.
 */
#include "infer/batch_seats.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PREFILL_TOKENS 4096  // of the prompts of one step; one alone may be
                             // longer

/* ---- blocks ------------------------------------------------------------- */

static int blocks_for(int n_tok)
{
    return (n_tok + QVL_CACHE_BLOCK - 1) / QVL_CACHE_BLOCK;
}

static int blocks_of(const qvl_request *p)
{
    return blocks_for(p->n + p->max_new);
}

/* Blocks that must be there: where answers share a prompt, the last of them may
 * stand beside a last block of the prompt that is not its own. */
static int blocks_needed(const queued *q)
{
    return blocks_of(&q->prompt) + (q->shared != NULL);
}

static int32_t take_block(qvl_batcher *b)
{
    assert(b->n_free > 0);
    int32_t block = b->free_block[--b->n_free];
    b->n_users[block] = 1;
    return block;
}

static void leave_blocks(qvl_batcher *b, const int32_t *block, int n)
{
    for (int i = 0; i < n; i++)
        if (--b->n_users[block[i]] == 0)
            b->free_block[b->n_free++] = block[i];
}

int32_t *qvl_seat_table(const qvl_batcher *b, const seat *s)
{
    return b->block + (s - b->seat) * b->seat_blocks;
}

/* ---- shared prompts ----------------------------------------------------- */

/* What was read is not there any more. */
static void forget_shared(shared_prompt *p)
{
    free(p->block);
    free(p->logit);
    p->block = NULL;
    p->logit = NULL;
    p->n_blocks = 0;
    p->is_read = false;
}

static void leave_shared(qvl_batcher *b, shared_prompt *p)
{
    if (p == NULL || --p->n_users > 0)
        return;
    leave_blocks(b, p->block, p->n_blocks);
    forget_shared(p);
    free(p);
}

void qvl_seat_share(qvl_batcher *b, seat *s, const float *logit)
{
    shared_prompt *p = s->from != NULL ? s->from->shared : s->shared;
    if (p == NULL || p->n_users < 2)
        return;
    size_t vocab = (size_t)b->config->vocab;
    int n_blocks = blocks_for(s->prompt.n);
    p->block = qvl_memory_resize(p->block,
                                 (size_t)n_blocks * sizeof *p->block);
    p->logit = qvl_memory_resize(p->logit, vocab * sizeof *p->logit);
    memcpy(p->block, qvl_seat_table(b, s), (size_t)n_blocks * sizeof *p->block);
    memcpy(p->logit, logit, vocab * sizeof *p->logit);
    for (int i = 0; i < n_blocks; i++)
        b->n_users[p->block[i]]++;
    p->n_blocks = n_blocks;
    p->next = s->next;
    p->is_read = true;
}

/* ---- the queue ---------------------------------------------------------- */

static void drop_queued(qvl_batcher *b, queued *q)
{
    leave_shared(b, q->shared);
    free(q);
}

/* Put n answers into the queue, to one prompt where n > 1. */
static int queue_up(qvl_batcher *b, const qvl_request *prompt, int n,
                    int *ticket, qvl_err *err)
{
    queued *first = NULL, *last = NULL;
    shared_prompt *shared = n > 1 ? calloc(1, sizeof *shared) : NULL;
    bool is_full = n > 1 && shared == NULL;
    for (int i = 0; i < n && !is_full; i++) {
        queued *q = calloc(1, sizeof *q);
        is_full = q == NULL;
        if (is_full)
            break;
        *q = (queued){ .ticket = b->n_tickets + i, .prompt = prompt[i],
                       .shared = shared };
        if (last != NULL)
            last->next = q;
        else
            first = q;
        last = q;
    }
    if (is_full) {
        for (queued *q = first, *next; q != NULL; q = next) {
            next = q->next;
            free(q);
        }
        free(shared);
        return qvl_fail(err, QVL_E_MEMORY, "no memory for a prompt");
    }
    if (shared != NULL)
        shared->n_users = n;
    if (b->last != NULL)
        b->last->next = first;
    else
        b->first = first;
    b->last = last;
    for (int i = 0; i < n; i++)
        ticket[i] = b->n_tickets++;
    return QVL_OK;
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

int qvl_batcher_add_many(qvl_batcher *b, const qvl_request *prompt, int n,
                         int *ticket, qvl_err *err)
{
    assert(n >= 1);
    for (int i = 0; i < n; i++) {
        assert(prompt[i].id == prompt[0].id && prompt[i].n == prompt[0].n
               && prompt[i].max_new == prompt[0].max_new);
        QVL_TRY(check_prompt(b, &prompt[i], err));
    }
    return queue_up(b, prompt, n, ticket, err);
}

int qvl_batcher_add(qvl_batcher *b, const qvl_request *prompt, int *ticket,
                    qvl_err *err)
{
    return qvl_batcher_add_many(b, prompt, 1, ticket, err);
}

void qvl_batcher_drop(qvl_batcher *b, int ticket)
{
    for (int i = 0; i < b->max_seats; i++)
        if (b->seat[i].ticket == ticket)
            qvl_seat_leave(b, &b->seat[i]);
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
        drop_queued(b, q);
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

void qvl_seats_forget_cache(qvl_batcher *b)
{
    qvl_model_drop_cache(b->model);
    b->seat_blocks = b->n_blocks = b->n_free = 0;
    for (queued *q = b->first; q != NULL; q = q->next)
        if (q->shared != NULL)
            forget_shared(q->shared);
}

void qvl_seats_size_cache(qvl_batcher *b)
{
    int most = 0, n = 0;
    if (b->first != NULL && b->first->shared != NULL
        && b->first->shared->is_read)
        return;  // there is room, and what is kept is wanted
    for (const queued *q = b->first; q != NULL; q = q->next, n++)
        if (blocks_needed(q) > most)
            most = blocks_needed(q);
    int n_blocks = (n < b->usable_seats ? n : b->usable_seats) * most;
    if (most <= b->seat_blocks && n_blocks <= b->n_blocks)
        return;
    most = most > b->seat_blocks ? most : b->seat_blocks;
    n_blocks = n_blocks > b->n_blocks ? n_blocks : b->n_blocks;
    qvl_seats_forget_cache(b);
    size_t n_entries = (size_t)b->max_seats * (size_t)most;
    b->block = qvl_memory_resize(b->block, n_entries * sizeof *b->block);
    b->free_block = qvl_memory_resize(b->free_block, (size_t)n_blocks
                                                  * sizeof *b->free_block);
    b->n_users = qvl_memory_resize(b->n_users, (size_t)n_blocks
                                                   * sizeof *b->n_users);
    memset(b->block, 0, n_entries * sizeof *b->block);
    memset(b->n_users, 0, (size_t)n_blocks * sizeof *b->n_users);
    for (int i = 0; i < n_blocks; i++)
        b->free_block[i] = n_blocks - 1 - i;
    b->seat_blocks = most;
    b->n_blocks = b->n_free = n_blocks;
}

/* ---- seats -------------------------------------------------------------- */

static seat *free_seat(qvl_batcher *b)
{
    if (b->n_working >= b->usable_seats)
        return NULL;
    for (int i = 0; i < b->max_seats; i++)
        if (b->seat[i].ticket < 0)
            return &b->seat[i];
    return NULL;
}

/* Give a seat to the first of the queue, without blocks. */
static void sit_down(qvl_batcher *b, seat *s)
{
    queued *q = b->first;
    const qvl_request *p = &q->prompt;
    int64_t *token = qvl_memory_resize(
        NULL, ((size_t)p->n + (size_t)p->max_new) * sizeof *token);
    memcpy(token, p->id, (size_t)p->n * sizeof *token);
    *s = (seat){ .ticket = q->ticket, .from = q, .prompt = *p, .token = token,
                 .n = p->n };
    b->n_working++;
    b->first = q->next;
    if (b->first == NULL)
        b->last = NULL;
}

bool qvl_seat_take(qvl_batcher *b, int n_tokens, seat **taken)
{
    queued *q = b->first;
    seat *s = free_seat(b);
    if (q == NULL || s == NULL || blocks_needed(q) > b->n_free
        || blocks_needed(q) > b->seat_blocks
        || (n_tokens > 0 && n_tokens + q->prompt.n > PREFILL_TOKENS)
        || (q->shared != NULL
            && (q->shared->is_reading || q->shared->is_read)))
        return false;
    sit_down(b, s);
    if (q->shared != NULL)
        q->shared->is_reading = true;
    int n = blocks_of(&q->prompt);
    for (int32_t *table = qvl_seat_table(b, s); s->n_blocks < n; s->n_blocks++)
        table[s->n_blocks] = take_block(b);
    *taken = s;
    return true;
}

bool qvl_seat_join(qvl_batcher *b, seat **taken, int32_t *copy_from,
                   const float **logit)
{
    const queued *q = b->first;
    seat *s = free_seat(b);
    if (q == NULL || s == NULL || q->shared == NULL || !q->shared->is_read)
        return false;
    const shared_prompt *p = q->shared;
    int n_whole = q->prompt.n / QVL_CACHE_BLOCK;
    int n = blocks_of(&q->prompt);
    if (n - n_whole > b->n_free)
        return false;
    sit_down(b, s);
    int32_t *table = qvl_seat_table(b, s);
    for (; s->n_blocks < n_whole; s->n_blocks++) {
        table[s->n_blocks] = p->block[s->n_blocks];
        b->n_users[table[s->n_blocks]]++;
    }
    for (; s->n_blocks < n; s->n_blocks++)
        table[s->n_blocks] = take_block(b);
    s->kept = q->prompt.n;
    s->next = p->next;
    *copy_from = p->n_blocks > n_whole ? p->block[n_whole] : -1;
    *logit = p->logit;
    *taken = s;
    return true;
}

void qvl_seat_settle(qvl_batcher *b, seat *s)
{
    if (s->from != NULL) {
        s->shared = s->from->shared;
        free(s->from);
        s->from = NULL;
    }
    if (s->shared == NULL || qvl_seat_reads(s))
        return;
    s->shared->is_reading = false;
    leave_shared(b, s->shared);
    s->shared = NULL;
}

void qvl_seat_leave(qvl_batcher *b, seat *s)
{
    s->kept = s->prompt.n;
    qvl_seat_settle(b, s);
    leave_blocks(b, qvl_seat_table(b, s), s->n_blocks);
    free(s->token);
    *s = (seat){ .ticket = -1 };
    b->n_working--;
}

void qvl_seat_give_back(qvl_batcher *b, seat *s)
{
    queued *q = s->from;
    s->from = NULL;  // which keeps its part of what is shared
    if (q->prompt.json != NULL)
        q->prompt.json->state = (qvl_json_state){ 0 };
    if (q->shared != NULL)
        q->shared->is_reading = false;
    q->next = b->first;
    b->first = q;
    if (b->last == NULL)
        b->last = q;
    qvl_seat_leave(b, s);
}
