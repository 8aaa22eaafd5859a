/* shapes.h - random outlines for tests of geometry
 *
 * Points are [n, 2] doubles in an arena. What is drawn depends on the generator
 * alone.
 */
#ifndef QVL_TESTS_DATA_SHAPES_H
#define QVL_TESTS_DATA_SHAPES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/rng.h"
#include "data/geom.h"

/* n points of [lo, hi) x [lo, hi). */
double *shapes_points(int n, double lo, double hi, qvl_rng *r, qvl_arena *arena);

/* A polygon through such points that does not cross itself, mostly a concave one:
 * crossings are undone two edges at a time. */
double *shapes_simple(int n, double lo, double hi, qvl_rng *r, qvl_arena *arena);

/* A plain number from lo to hi, both possible. */
int shapes_int(qvl_rng *r, int lo, int hi);

/* What a ring encloses inside of a window by the even-odd rule: rows of samples, each
 * exact along x. Off by about a row, where an edge is level. */
#define SHAPES_ROWS 2000
double shapes_rows_area(const double *point, int n, const qvl_bounds *window,
                        qvl_arena *arena);

/* Cells of a square, a connected set of them without holes whose outline touches
 * itself nowhere. */
#define SHAPES_SIDE 9
typedef struct {
    bool is_full[SHAPES_SIDE][SHAPES_SIDE];  // by row, by column
} shapes_cells;

/* Grow such a set by trying n_tries cells. */
shapes_cells shapes_grow(int n_tries, qvl_rng *r);

/* Its outline, clockwise on the screen; with a vertex at each corner of a cell
 * when all_corners, else at turns alone. Gives the number of vertices. */
int shapes_outline(double **point, const shapes_cells *cells, bool all_corners,
                   qvl_arena *arena);

/* Areas of the connected parts that a window leaves of the cells, largest first.
 * Gives their number. */
int shapes_parts(double area[SHAPES_SIDE * SHAPES_SIDE],
                 const shapes_cells *cells, const qvl_bounds *window);

#endif
