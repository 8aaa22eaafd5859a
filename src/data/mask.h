/* mask.h - which pixels of a 1000 x 1000 grid a geometry covers
 *
 * Coordinates are those of answers, 0 to 1000; pixel (i, j) has its centre at
 * (i + 0.5, j + 0.5). A region covers the pixels whose centre is inside by the
 * even-odd rule (on a left or top edge is inside, on a right or bottom edge
 * outside); a stroke those whose centre is at most a radius away from the
 * line. For whole coordinates the decisions are exact, so that a score is the
 * same on every machine.
 */
#ifndef QVL_DATA_MASK_H
#define QVL_DATA_MASK_H

#include <stdint.h>

#include "base/arena.h"

#define QVL_MASK_SIDE 1000

/* Pixels of a row: from x0 up to x1, without x1. */
typedef struct {
    int x0, x1;
} qvl_mask_span;

/* Belongs to the arena it was made in. */
typedef struct {
    int y0, n_rows;             // rows that may hold pixels
    const int *first;           // [n_rows + 1] of the row's spans
    const qvl_mask_span *span;  // [first[n_rows]] in order, apart
    int64_t area;               // pixels
} qvl_mask;

/* Fill a box with corners (x0, y0) <= (x1, y1), point [2, 2] from 0 to 1000. */
void qvl_mask_box(qvl_mask *m, const double *point, qvl_arena *arena);

/* Fill a ring of n > 0 points, [n, 2] from 0 to 1000. */
void qvl_mask_region(qvl_mask *m, const double *point, int n,
                     qvl_arena *arena);

/* Draw a line of n > 0 points, [n, 2] from 0 to 1000; radius > 0. */
void qvl_mask_stroke(qvl_mask *m, const double *point, int n, double radius,
                     qvl_arena *arena);

/* Shared pixels over pixels of either; 0 when there are none. */
double qvl_mask_iou(const qvl_mask *a, const qvl_mask *b);

#endif
