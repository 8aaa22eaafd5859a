/* plan_place.c - places in memory by live ranges
 *
 * A value lives from the first planned step that writes it to the last one that
 * reads or writes it; outputs to the end, inputs all the time. Two values may
 * share bytes when no step sees both alive.
 *
 * Values are placed from the largest to the smallest, each in the smallest gap
 * between those already placed that are alive at the same time, or behind them.
 * What is placed in a block is a list sorted by (byte, first step), kept in
 * chunks. A chunk knows what its members have in common, so that it can be
 * skipped as a whole when none of them is alive during the new value's life, or
 * when all are and no gap between them is wide enough: 20,000 values take tens
 * of milliseconds, where looking at every pair takes seconds.
 */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "graph/plan_draft.h"

#define CHUNK_CAP 64

/* A placed value: bytes [at, end), steps first .. last. */
typedef struct {
    size_t at, end;
    int first, last;
} spot;

/* Neighbours in the list, at least one. What they have in common stands apart
 * from them: a search looks at every chunk and into few. */
typedef struct {
    spot *item;     // [CHUNK_CAP]
    int n;
    int min_first, max_first;
    int min_last, max_last;
    size_t widest;  // upper bound of a gap between two members
    size_t at;      // smallest of the members
    size_t end;     // largest of the members
} chunk;

typedef struct {
    chunk *chunk;   // [n_chunks] in the order of the list
    int n_chunks, cap_chunks;
    size_t bytes;
} block;

/* The gap search for one value. */
typedef struct {
    size_t need;  // bytes
    int first, last;
    size_t top;   // end of the spots seen so far that are alive with it
    size_t at;    // best gap; SIZE_MAX: none yet
    size_t gap;   // its bytes
} search;

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

/* ---- chunks ---- */

static void summarize(chunk *c)
{
    c->min_first = c->min_last = INT_MAX;
    c->max_first = c->max_last = INT_MIN;
    c->widest = 0;
    c->at = c->item[0].at;
    c->end = c->at;
    for (int i = 0; i < c->n; i++) {
        const spot *s = &c->item[i];
        c->min_first = min_int(c->min_first, s->first);
        c->max_first = max_int(c->max_first, s->first);
        c->min_last = min_int(c->min_last, s->last);
        c->max_last = max_int(c->max_last, s->last);
        if (s->at > c->end && s->at - c->end > c->widest)
            c->widest = s->at - c->end;
        if (s->end > c->end)
            c->end = s->end;
    }
}

static bool is_before(const spot *a, const spot *b)
{
    return a->at != b->at ? a->at < b->at : a->first < b->first;
}

/* Make room for a chunk at place k of a block. */
static chunk *add_chunk(block *b, int k, qvl_arena *arena)
{
    if (b->n_chunks == b->cap_chunks) {
        const chunk *old = b->chunk;
        b->cap_chunks = b->cap_chunks == 0 ? 16 : 2 * b->cap_chunks;
        b->chunk = qvl_arena_array(arena, chunk, b->cap_chunks);
        if (b->n_chunks > 0)
            memcpy(b->chunk, old, (size_t)b->n_chunks * sizeof *old);
    }
    memmove(&b->chunk[k + 1], &b->chunk[k],
            (size_t)(b->n_chunks - k) * sizeof *b->chunk);
    b->chunk[k] = (chunk){.item = qvl_arena_array(arena, spot, CHUNK_CAP)};
    b->n_chunks++;
    return &b->chunk[k];
}

/* Split the full chunk k in halves. */
static void split_chunk(block *b, int k, qvl_arena *arena)
{
    chunk *high = add_chunk(b, k + 1, arena);
    chunk *low = &b->chunk[k];
    high->n = low->n / 2;
    low->n -= high->n;
    memcpy(high->item, &low->item[low->n], (size_t)high->n * sizeof(spot));
    summarize(low);
    summarize(high);
}

/* The chunk that spot s belongs into: the last one that begins before it. */
static int find_chunk(const block *b, const spot *s)
{
    int low = 0;
    int high = b->n_chunks - 1;
    while (low < high) {
        int k = (low + high + 1) / 2;
        if (is_before(s, &b->chunk[k].item[0]))
            high = k - 1;
        else
            low = k;
    }
    return low;
}

static void insert(block *b, const spot *s, qvl_arena *arena)
{
    if (b->n_chunks == 0)
        add_chunk(b, 0, arena);
    int k = find_chunk(b, s);
    if (b->chunk[k].n == CHUNK_CAP) {
        split_chunk(b, k, arena);
        k = find_chunk(b, s);
    }
    chunk *c = &b->chunk[k];
    int i = c->n++;
    for (; i > 0 && is_before(s, &c->item[i - 1]); i--)
        c->item[i] = c->item[i - 1];
    c->item[i] = *s;
    summarize(c);
    if (s->end > b->bytes)
        b->bytes = s->end;
}

/* ---- search ---- */

/* The spots seen so far end at s->top, the next one begins at `at`. */
static void look_at_gap(search *s, size_t at)
{
    if (at <= s->top)
        return;
    size_t gap = at - s->top;
    if (gap >= s->need && gap < s->gap) {
        s->at = s->top;
        s->gap = gap;
    }
}

static void pass_spot(search *s, const spot *p)
{
    if (p->first > s->last || p->last < s->first)
        return;
    look_at_gap(s, p->at);
    if (p->end > s->top)
        s->top = p->end;
}

static void pass_chunk(search *s, const chunk *c)
{
    if (c->min_first > s->last || c->max_last < s->first)
        return;
    bool all_alive = c->max_first <= s->last && c->min_last >= s->first;
    if (all_alive && c->widest < s->need) {
        look_at_gap(s, c->at);
        if (c->end > s->top)
            s->top = c->end;
        return;
    }
    for (int i = 0; i < c->n; i++)
        pass_spot(s, &c->item[i]);
}

/* Place for `need` bytes in the block; SIZE_MAX when that would make it larger
 * than `limit`. */
static size_t find_place(const block *b, const spot *life, size_t need,
                         size_t limit)
{
    search s = {.need = need, .first = life->first, .last = life->last,
                .at = SIZE_MAX, .gap = SIZE_MAX};
    for (int k = 0; k < b->n_chunks && s.gap != need; k++)
        pass_chunk(&s, &b->chunk[k]);
    if (s.at != SIZE_MAX)
        return s.at;
    return need <= limit && s.top <= limit - need ? s.top : SIZE_MAX;
}

/* ---- live ranges ---- */

typedef struct {
    int value;
    size_t bytes;
    spot life;
} candidate;

/* Largest first; then in the order of the program, which keeps neighbours in
 * time together. */
static int compare_candidates(const void *pa, const void *pb)
{
    const candidate *a = pa;
    const candidate *b = pb;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    if (a->life.first != b->life.first)
        return a->life.first < b->life.first ? -1 : 1;
    return a->value < b->value ? -1 : 1;
}

static bool is_placed(const qvl_value *v)
{
    return v->kind == QVL_VALUE_TEMP || v->kind == QVL_VALUE_INPUT;
}

/* first and last step of every value, first > last where none sees it. */
static spot *find_lives(const qvl_draft *d)
{
    spot *life = qvl_arena_array(d->arena, spot, d->n_values);
    for (int v = 0; v < d->n_values; v++)
        life[v] = (spot){.first = INT_MAX, .last = -1};
    for (int i = 0; i < d->n_steps; i++) {
        const qvl_draft_step *s = &d->step[i];
        for (int b = 0; b < s->family->n_bufs; b++) {
            spot *l = &life[s->value[b]];
            l->first = min_int(l->first, i);
            l->last = i;
        }
    }
    for (int v = 0; v < d->n_values; v++) {
        bool is_input = d->value[v].kind == QVL_VALUE_INPUT;
        if (d->is_output[v] || (is_input && life[v].last >= 0))
            life[v].last = d->n_steps;
        if (d->is_output[v] && life[v].first == INT_MAX)
            life[v].first = d->n_steps;  // without elements, so without a step
        if (is_input && life[v].last >= 0)
            life[v].first = 0;
    }
    return life;
}

static candidate *find_candidates(const qvl_draft *d, int *n)
{
    candidate *c = qvl_arena_array(d->arena, candidate, d->n_values);
    const spot *life = find_lives(d);
    *n = 0;
    for (int v = 0; v < d->n_values; v++) {
        if (!is_placed(&d->value[v]) || life[v].last < 0)
            continue;
        assert(life[v].first != INT_MAX);  // an output that no step writes
        c[(*n)++] = (candidate){
            .value = v,
            .bytes = qvl_draft_reserved(d, &d->value[v]),
            .life = life[v],
        };
    }
    qsort(c, (size_t)*n, sizeof *c, compare_candidates);
    return c;
}

/* ---- all values ---- */

/* Put a value into the first block that has a place, a new one if none has. */
static void place(const qvl_draft *d, qvl_plan *plan, block *blocks,
                  const candidate *c, size_t limit)
{
    int k = 0;
    size_t at = SIZE_MAX;
    for (; k < plan->n_blocks && at == SIZE_MAX; k++)
        at = find_place(&blocks[k], &c->life, c->bytes, limit);
    if (at != SIZE_MAX) {
        k--;
    } else {
        plan->n_blocks++;  // blocks[k] is empty, so any value fits
        at = 0;
    }
    spot s = c->life;
    s.at = at;
    s.end = at + c->bytes;
    insert(&blocks[k], &s, d->arena);
    plan->place[c->value] = (qvl_place){k, at, c->bytes};
    plan->temp_bytes_sum += c->bytes;
}

int qvl_draft_place(const qvl_draft *d, qvl_plan *plan, qvl_err *err)
{
    size_t limit = d->options->max_alloc_bytes;
    if (limit == 0)
        limit = SIZE_MAX;
    plan->place = qvl_arena_array(d->arena, qvl_place, d->n_values);
    for (int v = 0; v < d->n_values; v++)
        plan->place[v].block = -1;

    int n;
    const candidate *c = find_candidates(d, &n);
    if (n > 0 && c[0].bytes > limit) {
        const char *name = d->value[c[0].value].name;
        return qvl_fail(err, QVL_E_DEVICE,
                        "%s takes %zu bytes, the device allocates at most %zu",
                        name == NULL ? "a value" : name, c[0].bytes, limit);
    }
    block *blocks = qvl_arena_array(d->arena, block, n);
    for (int i = 0; i < n; i++)
        place(d, plan, blocks, &c[i], limit);
    plan->block_bytes = qvl_arena_array(d->arena, size_t, plan->n_blocks);
    for (int k = 0; k < plan->n_blocks; k++) {
        plan->block_bytes[k] = blocks[k].bytes;
        plan->temp_bytes += blocks[k].bytes;
    }
    return QVL_OK;
}
