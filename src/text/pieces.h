/* pieces.h - ids of pieces that were merged before
 *
 * Most pieces of a text come again and again. Any number of threads look them up and
 * put them in at a time, without waiting: a slot belongs to the first piece that
 * takes it for as long as the table lives, so that nothing that was found goes away.
 */
#ifndef QVL_PIECES_H
#define QVL_PIECES_H

#include <stdatomic.h>
#include <stddef.h>

/* Longer pieces are not kept. */
#define QVL_PIECE_MAX_BYTES 64
#define QVL_PIECES_SLOTS ((size_t)1 << 15)

/* Never changes. */
typedef struct {
    size_t n_bytes;
    size_t n_ids;
    int id[];  // [n_ids], then the bytes
} qvl_known_piece;

/* A zeroed one is empty. Not small: belongs on the heap. */
typedef struct {
    _Atomic(qvl_known_piece *) slot[QVL_PIECES_SLOTS];  // owned
} qvl_pieces;

void qvl_pieces_release(qvl_pieces *pieces);

/* The piece with these bytes, NULL when it is not there. */
const qvl_known_piece *qvl_pieces_find(const qvl_pieces *pieces, const char *p, size_t n);

/* Keep a piece that was not found, if it is short and its slot is free. Runs out of
 * host memory as an arena does. */
void qvl_pieces_put(qvl_pieces *pieces, const char *p, size_t n, const int *id,
                    size_t n_ids);

#endif
