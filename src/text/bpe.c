/* bpe.c - merges by rank: looked for in short pieces, from a heap in long ones
 *
 * Tokens of a short piece lie side by side, each with the merge that it has with the
 * one behind it, and the least is looked for. Those of a long piece are a linked list
 * over its bytes; joins that are possible wait in a heap, and one that is out of date
 * is dropped when it comes up. n log n in the bytes, also for hostile text.
 */
#include "text/bpe.h"

#include <assert.h>

#include <string.h>

#define EMPTY UINT32_MAX
#define NOWHERE UINT32_MAX
/* An odd number without a pattern: 2^64 over the golden ratio. */
#define SPREAD 0x9e3779b97f4a7c15u
/* Bytes of a piece whose tokens are looked through for each merge. */
#define SHORT 32

/* ---- the table ---------------------------------------------------------- */

void qvl_bpe_init(qvl_bpe *b, size_t n_merges, qvl_arena *arena)
{
    assert(n_merges < UINT32_MAX / 4);
    size_t n_slots = 16;
    while (n_slots < 2 * n_merges)
        n_slots *= 2;
    *b = (qvl_bpe){ .slot = qvl_arena_array(arena, qvl_bpe_merge, n_slots),
                    .mask = n_slots - 1, .cap = n_merges };
    for (size_t i = 0; i < n_slots; i++)
        b->slot[i].rank = EMPTY;
    for (int i = 0; i < 256; i++)
        b->byte_id[i] = -1;
}

/* The slot of a pair, or the empty one where it belongs. */
static qvl_bpe_merge *slot_of(const qvl_bpe *b, int left, int right)
{
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    size_t i = (size_t)((pair ^ pair >> 29) * SPREAD >> 32) & b->mask;
    while (b->slot[i].rank != EMPTY && b->slot[i].pair != pair)
        i = (i + 1) & b->mask;
    return &b->slot[i];
}

bool qvl_bpe_add(qvl_bpe *b, int left, int right, int result)
{
    assert(b->n_merges < b->cap && left >= 0 && right >= 0 && result >= 0);
    qvl_bpe_merge *m = slot_of(b, left, right);
    if (m->rank != EMPTY)
        return false;
    *m = (qvl_bpe_merge){ .pair = (uint64_t)(uint32_t)left << 32
                                  | (uint32_t)right,
                          .rank = b->n_merges++, .result = result };
    return true;
}

/* ---- a short piece ------------------------------------------------------ */

static const qvl_bpe_merge *merge_of(const qvl_bpe *b, int left, int right)
{
    const qvl_bpe_merge *m = slot_of(b, left, right);
    return m->rank != EMPTY ? m : NULL;
}

/* The first of the merges with the least rank; n when there is none. */
static size_t least_of(const qvl_bpe_merge *const *merge, size_t n)
{
    size_t least = n;
    for (size_t i = 0; i < n; i++)
        if (merge[i] != NULL
            && (least == n || merge[i]->rank < merge[least]->rank))
            least = i;
    return least;
}

static size_t encode_short(const qvl_bpe *b, int *id, const char *p, size_t n)
{
    const qvl_bpe_merge *merge[SHORT];  // of a token with the one behind it
    for (size_t i = 0; i < n; i++)
        id[i] = b->byte_id[(uint8_t)p[i]];
    for (size_t i = 0; i + 1 < n; i++)
        merge[i] = merge_of(b, id[i], id[i + 1]);
    for (size_t at; n > 1 && (at = least_of(merge, n - 1)) < n - 1;) {
        id[at] = merge[at]->result;
        n--;
        memmove(id + at + 1, id + at + 2, (n - at - 1) * sizeof *id);
        memmove(merge + at, merge + at + 1, (n - at - 1) * sizeof *merge);
        if (at > 0)
            merge[at - 1] = merge_of(b, id[at - 1], id[at]);
        if (at + 1 < n)
            merge[at] = merge_of(b, id[at], id[at + 1]);
    }
    return n;
}

/* ---- the candidates: a binary heap, least first ------------------------- */

static void push(uint64_t *heap, size_t *n, uint64_t key)
{
    size_t i = (*n)++;
    while (i > 0 && heap[(i - 1) / 2] > key) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = key;
}

static uint64_t pop(uint64_t *heap, size_t *n)
{
    uint64_t least = heap[0];
    uint64_t key = heap[--*n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < *n; i = child) {
        if (child + 1 < *n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= key)
            break;
        heap[i] = heap[child];
    }
    heap[i] = key;
    return least;
}

/* ---- a long piece ------------------------------------------------------- */

static void make_room(qvl_bpe_work *w, size_t n, qvl_arena *arena)
{
    if (n <= w->cap)
        return;
    size_t cap = n < 256 ? 256 : n + n / 4;
    w->id = qvl_arena_array(arena, int, cap);
    w->next = qvl_arena_array(arena, uint32_t, cap);
    w->prev = qvl_arena_array(arena, uint32_t, cap);
    w->heap = qvl_arena_array(arena, uint64_t, 3 * cap);
    w->cap = cap;
}

/* The merge of the token at a start with the one behind it; NULL: none. */
static const qvl_bpe_merge *merge_at(const qvl_bpe *b, const qvl_bpe_work *w,
                                     uint32_t at)
{
    if (at == NOWHERE || w->id[at] < 0 || w->next[at] == NOWHERE)
        return NULL;
    return merge_of(b, w->id[at], w->id[w->next[at]]);
}

static void propose(const qvl_bpe *b, qvl_bpe_work *w, size_t *n_heap,
                    uint32_t at)
{
    const qvl_bpe_merge *m = merge_at(b, w, at);
    if (m != NULL)
        push(w->heap, n_heap, (uint64_t)m->rank << 32 | at);
}

/* Join the token at a start with the one behind it. */
static void join(qvl_bpe_work *w, uint32_t at, int result)
{
    uint32_t gone = w->next[at];
    uint32_t behind = w->next[gone];
    w->id[at] = result;
    w->id[gone] = -1;
    w->next[at] = behind;
    if (behind != NOWHERE)
        w->prev[behind] = at;
}

/* A candidate may be out of date: its tokens have become others since. It
 * still holds when the pair that is there now has the same rank. */
static void merge_all(const qvl_bpe *b, qvl_bpe_work *w, size_t n_heap)
{
    while (n_heap > 0) {
        uint64_t key = pop(w->heap, &n_heap);
        uint32_t at = (uint32_t)key;
        const qvl_bpe_merge *m = merge_at(b, w, at);
        if (m == NULL || m->rank != key >> 32)
            continue;
        join(w, at, m->result);
        propose(b, w, &n_heap, w->prev[at]);
        propose(b, w, &n_heap, at);
    }
}

size_t qvl_bpe_encode(const qvl_bpe *b, int *out, const char *p, size_t n,
                      qvl_bpe_work *work, qvl_arena *arena)
{
    assert(n <= (size_t)1 << 30);
    if (n <= SHORT)
        return encode_short(b, out, p, n);
    make_room(work, n, arena);
    for (size_t i = 0; i < n; i++) {
        work->id[i] = b->byte_id[(uint8_t)p[i]];
        work->next[i] = i + 1 < n ? (uint32_t)(i + 1) : NOWHERE;
        work->prev[i] = i > 0 ? (uint32_t)(i - 1) : NOWHERE;
    }
    size_t n_heap = 0;
    for (size_t i = 0; i + 1 < n; i++)
        propose(b, work, &n_heap, (uint32_t)i);
    merge_all(b, work, n_heap);

    size_t n_out = 0;
    for (uint32_t at = 0; at != NOWHERE; at = work->next[at])
        out[n_out++] = work->id[at];
    return n_out;
}
