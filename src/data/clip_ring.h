/* clip_ring.h - the parts of a polygon inside of a window
 *
 * Sutherland and Hodgman's way: the outline is cut by one border after the
 * other, left, right, top, bottom. Where theirs leaves one outline that runs
 * back and forth along the border, the ends of what is inside are joined in
 * their order along the border instead, each with its neighbour. So a concave
 * polygon that comes apart gives its simple parts at once, never bridges without
 * width. What only touches a border from outside is no part; what touches it
 * from inside comes apart there.
 *
 * Of an outline that crosses itself the parts together enclose, by the even-odd
 * rule, what the outline does; they may cross themselves and each other.
 */
#ifndef QVL_DATA_CLIP_RING_H
#define QVL_DATA_CLIP_RING_H

#include "base/arena.h"
#include "data/geom.h"

/* Rings that lie one behind the other. */
typedef struct {
    int n_rings;
    int *first;     // [n_rings + 1] of each ring's points; the last: their number
    double *point;  // [first[n_rings], 2]
} qvl_rings;

/* Cut a ring of n > 0 points, [n, 2], by a window. Points inside of it, its borders
 * included, are kept as they are, new ones lie exactly on a border. Nothing is
 * cleaned: points may repeat, a ring may be flat.
 *
 *   out  in the arena, in the order the outline comes to the rings; without
 *        rings when nothing is inside. They run as the outline does
 *
 * A border that has no point beyond it changes nothing. Costs O(n log n) time; each
 * border that cuts takes memory for at most 5 n points, of the n that came to it, and
 * makes at most 1.5 n of them. */
void qvl_clip_ring(qvl_rings *out, const double *point, int n,
                   const qvl_bounds *window, qvl_arena *arena);

/* Take out of a ring, in place, points that repeat the one before (squared
 * distance <= 1e-9) and those that lie on a line with their neighbours (twice the
 * area of the three <= 1e-6), spikes included, until there are none. Gives the
 * number of points left, 0 when they are less than three. Costs O(n). */
int qvl_clip_ring_clean(double *point, int n);

#endif
