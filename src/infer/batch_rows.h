/* batch_rows.h - inside of the batcher: the tokens and pictures of a step */
#ifndef QVL_INFER_BATCH_ROWS_H
#define QVL_INFER_BATCH_ROWS_H

#include "infer/batch_seats.h"

/* The seats of a step, and where their rows lie. Rows behind those of the seats
 * stand for nothing. */
typedef struct {
    qvl_batch_source source;
    qvl_batch_cache cache;
    seat **seat;      // [n]
    int n;
    seat **speaker;   // [n_new] who got a token
    int n_new;
} rows;

/* What a seat brings next: an answer its newest token; a prompt all that is not
 * read yet, or, where that is longer than b->piece_tok, the fewest tokens from
 * that many on that end in no picture. */
piece qvl_piece_next(const qvl_batcher *b, const seat *s);

/* Take the pictures of a piece from those that are left of the prompt. */
void qvl_piece_drop_pictures(const qvl_batcher *b, seat *s);

/* Lay out the pieces of the seats in n_rows >= r->n rows. Arrays belong to b->arena;
 * runs out of host memory as it does. */
void qvl_rows_lay_out(qvl_batcher *b, rows *r, int n_rows);

#endif
