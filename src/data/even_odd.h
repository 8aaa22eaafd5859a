/* even_odd.h - what a polygon encloses, also one that crosses itself
 *
 * Inside is what a ray to infinity leaves over an odd number of edges. For an
 * outline that does not cross itself that is its inside, and the area is that
 * of qvl_geom_area but for the sign. For one that does, that formula takes the
 * parts that turn the other way as negative: a quad whose corners stand in the
 * wrong order, a bow tie, has none. Here it has the area that one sees.
 */
#ifndef QVL_DATA_EVEN_ODD_H
#define QVL_DATA_EVEN_ODD_H

#include "base/arena.h"
#include "data/geom.h"

/* Is (x, y) inside of a ring of n points, [n, 2]? On a left or top edge is,
 * on a right or bottom one is not, so that of rings side by side one holds
 * the point. Costs O(n). */
bool qvl_even_odd_has_point(const double *point, int n, double x, double y);

/* Area of what a ring of n points, [n, 2], encloses inside of the window, exact
 * but for rounding. Costs O(n^2 log n) time: meant for short rings and those
 * that cross themselves. The arena gives work space, 16 n bytes. */
double qvl_even_odd_area(const double *point, int n, const qvl_bounds *window,
                         qvl_arena *arena);

#endif
