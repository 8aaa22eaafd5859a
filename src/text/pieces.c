/* pieces.c - a table of atomic pointers, written once each */
#include "text/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"

static size_t slot_of(const char *p, size_t n)
{
    uint64_t hash = qvl_rng_hash(p, n);
    return (size_t)(hash ^ hash >> 32) & (QVL_PIECES_SLOTS - 1);
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
