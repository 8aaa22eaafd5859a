/* pack.h - samples of different length into rows of one
 *
 * Places of an order are taken a window at a time. Best-fit decreasing: the samples
 * of a window, the longest first, each go into the fullest row that has room, or
 * begin a new one. Rows leave in the order of their earliest place; one that is
 * less than 9/10 full waits for the next window, once. Sequential: samples fill
 * rows in their order, and one that does not fit begins the next.
 *
 * Rows depend on lengths and order alone. Nothing is cut, nothing is left out.
 */
#ifndef QVL_DATA_PACK_H
#define QVL_DATA_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* In the order of training.packing_strategy. */
typedef enum { QVL_PACK_BFD, QVL_PACK_SEQUENTIAL } qvl_pack_strategy;

typedef struct {
    int capacity;  // tokens of a row, > 0
    int window;    // samples looked at together, > 0
    qvl_pack_strategy strategy;
} qvl_pack_rules;

/* Samples looked at together where nobody says otherwise. */
#define QVL_PACK_WINDOW 256

/* A row: places of the order, the first that was put in standing first. */
typedef struct {
    size_t *place;  // [n]
    int n;
    int n_tokens;
    bool has_waited;
} qvl_pack_row;

/* Rows on their way; a zeroed struct is the start of an order. */
typedef struct {
    qvl_pack_row *row;  // [n_rows] that wait, the arena's of the call before
    int n_rows;
} qvl_pack_waiting;

/* Put n places from `first` on, of length[0 .. n) tokens, none longer than a row, into
 * rows with those that wait.
 *
 *   out      out: rows that are done, [*n_out], in their order; the arena's
 *   waiting  in: what the window before left; out: what waits now. Nothing does
 *            where is_last
 *   is_last  the order ends here
 *
 * Rows that waited are copied, so the arena may be another one than that of the
 * call before. Runs out of host memory as an arena does, with all of these
 * unchanged. */
void qvl_pack_window(qvl_pack_row **out, int *n_out, qvl_pack_waiting *waiting,
                     const qvl_pack_rules *rules, const int *length,
                     size_t first, int n, bool is_last, qvl_arena *arena);

#endif
