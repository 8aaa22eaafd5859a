/* geom.h - boxes, polygons, polylines
 *
 * Pixel space is continuous: column i covers [i, i + 1), a picture of width W
 * spans [0, W]. x points right, y down, so a ring with positive area turns
 * clockwise on the screen. Points are [n, 2] doubles, x then y; a box has two,
 * its left top and its right bottom corner. Nothing here rounds but
 * qvl_geom_norm.
 */
#ifndef QVL_DATA_GEOM_H
#define QVL_DATA_GEOM_H

#include <stdbool.h>

#include "base/arena.h"

typedef enum {
    QVL_GEOM_BOX,   // 2 points
    QVL_GEOM_POLY,  // 3 points or more, closed
    QVL_GEOM_LINE,  // 2 points or more, open
    QVL_N_GEOM
} qvl_geom_kind;

/* Which way the vertices of a polygon run on the screen. */
typedef enum {
    QVL_WINDING_CLOCKWISE,
    QVL_WINDING_COUNTERCLOCKWISE,
    QVL_WINDING_PRESERVE
} qvl_winding;

/* Where to look for the place of an object among others. */
typedef enum {
    QVL_ORDER_REFERENCE,  // box: left top; polygon: first vertex of its
                          // canonical form; line: its leftmost point
    QVL_ORDER_CENTER      // centre of the bounds; ties by kind, then reference
} qvl_order;

typedef struct {
    double x0, y0, x1, y1;
} qvl_bounds;

/* A key that a geometry may have in records and answers. */
typedef struct {
    const char *key;
    qvl_geom_kind kind;
    int n_points;  // exactly; 0: any number from the least on
} qvl_geom_key;

/* First one of each kind, in the order of kinds, then "quad", which is read and never
 * written. */
enum { QVL_GEOM_KEY_QUAD = QVL_N_GEOM, QVL_N_GEOM_KEYS };
extern const qvl_geom_key qvl_geom_keys[QVL_N_GEOM_KEYS];

/* Number of a key in the table; QVL_N_GEOM_KEYS: it is none of a geometry. */
int qvl_geom_key_find(const char *key);

/* Names as they are written: "bbox_2d", "poly", "line". */
const char *qvl_geom_name(qvl_geom_kind kind);

/* Fewest points a kind may have. */
int qvl_geom_min_points(qvl_geom_kind kind);

/* Signed area of a ring: 1/2 sum(x_i y_{i+1} - x_{i+1} y_i). */
double qvl_geom_area(const double *point, int n);

/* Bounds of n > 0 points. */
qvl_bounds qvl_geom_bounds(const double *point, int n);

/* Has it no extent? A box without width or height; a polygon whose points lie
 * on one line; a line whose points are one. */
bool qvl_geom_is_flat(qvl_geom_kind kind, const double *point, int n);

/* Do two edges of a ring that are no neighbours meet? Costs O(n^2); a ring of
 * more than QVL_GEOM_CROSSING_POINTS is not looked at and gives false. */
#define QVL_GEOM_CROSSING_POINTS 4096
bool qvl_geom_is_crossing(const double *point, int n);

/* Bring points into the one form that is written, in place. Polygons turn as
 * `winding` says and begin with the topmost vertex, the leftmost of several;
 * vertices are only reversed and rotated, never sorted. Lines begin at the end
 * with smaller x, then y. Boxes stay. */
void qvl_geom_canonical(qvl_geom_kind kind, double *point, int n,
                        qvl_winding winding);

/* A geometry in canonical form, borrowed for the call. */
typedef struct {
    qvl_geom_kind kind;
    int n;
    const double *point;  // [n, 2] px
} qvl_geom;

/* Top to bottom, then left to right: place[k] becomes the number of the
 * geometry that stands at k. Stable: equals keep their order. The arena is work
 * space; runs out of host memory as it does. */
void qvl_geom_sort(int *place, const qvl_geom *geom, int n, qvl_order order,
                   qvl_arena *arena);

/* A coordinate as 0..scale of a side of `size` px, both > 0: v / size * scale, in
 * this order, rounded half to even, clamped. */
int qvl_geom_norm(double v, int size, int scale);

#endif
