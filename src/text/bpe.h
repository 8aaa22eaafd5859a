/* bpe.h - merge the bytes of a piece to tokens
 *
 * A piece starts as one token a byte. Then, again and again, the neighbours
 * whose merge has the lowest rank become one token, the leftmost first where
 * ranks are equal, until no neighbours have a merge. The rank of a merge is its
 * place in the order of adding.
 *
 * Costs O(n log n) for n bytes, whatever they are.
 */
#ifndef QVL_BPE_H
#define QVL_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* A merge; rank UINT32_MAX marks an empty slot. */
typedef struct {
    uint64_t pair;    // left << 32 | right
    uint32_t rank;
    int result;
} qvl_bpe_merge;

/* Read-only once the merges are in, by any number of threads. */
typedef struct {
    // borrowed, from the arena given to init
    qvl_bpe_merge *slot;  // [mask + 1] open addressing
    size_t mask;
    size_t cap;           // merges there is room for
    uint32_t n_merges;
    int byte_id[256];     // the token of one byte
} qvl_bpe;

/* Memory of one piece, used again for the next; zeroed at first. */
typedef struct {
    // borrowed, from the arena given to qvl_bpe_encode
    int *id;         // [cap] token that starts at a byte, -1: inside another
    uint32_t *next;  // [cap] start of the token behind
    uint32_t *prev;  // [cap] start of the token before
    uint64_t *heap;  // [3 * cap] candidates: rank << 32 | start of the left one
    size_t cap;      // bytes of a piece there is room for
} qvl_bpe_work;

/* Room for n_merges, below 2^30 - 1; every byte_id is -1 and has to be set. */
void qvl_bpe_init(qvl_bpe *b, size_t n_merges, qvl_arena *arena);

/* Add the merge of two tokens, ids >= 0, the next in rank, at most as many as there
 * is room for; false, and nothing added, when the pair has one. */
bool qvl_bpe_add(qvl_bpe *b, int left, int right, int result);

/* Tokens of a piece.
 *
 *   out    [n] at least
 *   p      [n] bytes, n <= 2^30
 *   work   grows by the arena, the same one in every call; long pieces need it
 *
 * Returns how many tokens there are. */
size_t qvl_bpe_encode(const qvl_bpe *b, int *out, const char *p, size_t n,
                      qvl_bpe_work *work, qvl_arena *arena);

#endif
