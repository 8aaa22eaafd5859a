/* pieces.c - a table of atomic pointers, written once each */
#include "text/pieces.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* Odd numbers without a pattern: 2^64 over the golden ratio, and a prime. */
#define SPREAD 0x9e3779b97f4a7c15u
#define STIR 0xff51afd7ed558ccdu

/* The first n of 1 to 7 bytes as a number: two loads that may overlap. */
static uint64_t few_bytes(const char *p, size_t n)
{
    if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, p, 4);
        memcpy(&last, p + n - 4, 4);
        return (uint64_t)last << 32 | first;
    }
    return (uint64_t)(uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8
           | (uint64_t)(uint8_t)p[n - 1] << 16;
}

/* Eight bytes a step. Which slot a piece gets depends on the order of bytes of the
 * machine; what is found does not. */
static size_t slot_of(const char *p, size_t n)
{
    uint64_t hash = n * SPREAD;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        hash = (hash ^ v) * STIR;
        hash ^= hash >> 29;
    }
    if (n > 0)
        hash = (hash ^ few_bytes(p, n)) * STIR;
    hash = (hash ^ hash >> 32) * SPREAD;
    return (size_t)(hash >> 40) & (QVL_PIECES_SLOTS - 1);
}

void qvl_pieces_release(qvl_pieces *pieces)
{
    for (size_t i = 0; i < QVL_PIECES_SLOTS; i++)
        free(atomic_load_explicit(&pieces->slot[i], memory_order_relaxed));
}

const qvl_known_piece *qvl_pieces_find(const qvl_pieces *pieces, const char *p, size_t n)
{
    if (n > QVL_PIECE_MAX_BYTES)
        return NULL;
    const qvl_known_piece *found = atomic_load_explicit(&pieces->slot[slot_of(p, n)],
                                                  memory_order_acquire);
    return found != NULL && found->n_bytes == n
                   && memcmp(found->id + found->n_ids, p, n) == 0
               ? found : NULL;
}

void qvl_pieces_put(qvl_pieces *pieces, const char *p, size_t n, const int *id,
                    size_t n_ids)
{
    size_t i = slot_of(p, n);
    qvl_known_piece *expected = NULL;
    if (n > QVL_PIECE_MAX_BYTES
        || atomic_load_explicit(&pieces->slot[i], memory_order_relaxed) != NULL)
        return;
    qvl_known_piece *piece =
        qvl_memory_resize(NULL, sizeof *piece + n_ids * sizeof *id + n);
    piece->n_bytes = n;
    piece->n_ids = n_ids;
    memcpy(piece->id, id, n_ids * sizeof *id);
    memcpy(piece->id + n_ids, p, n);
    if (!atomic_compare_exchange_strong_explicit(&pieces->slot[i], &expected, piece,
                                                 memory_order_release,
                                                 memory_order_relaxed))
        free(piece);  // another thread was faster
}
