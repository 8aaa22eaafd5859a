/* hull.h - convex hulls and the smallest rectangle around points
 *
 * Points are [n, 2] doubles as in geom.h. Both run clockwise on the screen, so
 * their areas (qvl_geom_area) are positive.
 */
#ifndef QVL_DATA_HULL_H
#define QVL_DATA_HULL_H

#include "base/arena.h"

/* Corners of the convex hull of n > 0 points, from the leftmost, of several the
 * topmost; none repeats or lies between two others. One corner when all points
 * are the same, two when they lie on a line.
 *
 *   out  [n, 2], of which the result is filled
 *
 * Gives the number of corners. Costs O(n log n), and work space of the arena of
 * 2 n points. */
int qvl_hull(double *out, const double *point, int n, qvl_arena *arena);

/* Corners of the rectangle of smallest area that holds n > 0 points. One of its
 * sides lies on a side of their hull; the first of equals, in the order of the
 * hull, is taken. For each side of direction (c, s) points are turned by
 * the negative angle,
 *
 *     u = c x + s y,  v = -s x + c y
 *
 * and bounded. Points on a line or in one place give a rectangle without area.
 *
 *   out  [4, 2]: the corners (u0, v0), (u1, v0), (u1, v1), (u0, v1), turned back
 *
 * Costs as qvl_hull does. */
void qvl_hull_min_area_rect(double *out, const double *point, int n,
                            qvl_arena *arena);

#endif
