/* clip.h - what of a geometry lies inside of a window
 *
 * A window is a box in the continuous pixel space of geom.h, its borders
 * included: that of a whole picture is [0, W] x [0, H]. Boxes stay boxes.
 * Polygons keep their outline at any number of vertices; concave ones may come
 * apart into simple pieces (clip_ring.h). Lines come apart into contiguous
 * pieces: where one leaves the window and enters again, its pieces are never
 * joined along the border.
 *
 * The size of a box or polygon is its area in px^2, that of a line its length
 * in px. A polygon that crosses itself encloses what the even-odd rule says
 * (even_odd.h), up to QVL_CLIP_EVEN_ODD_POINTS points; one of more is measured
 * by the plain formula of qvl_geom_area, parts that turn the other way negative.
 *
 * Coordinates are finite and at most QVL_CLIP_MAX_PX away from 0, so that no area
 * overflows; who makes them sees to that (transform.h does). No result is NaN,
 * whatever is flat, repeats or has no length. Nothing here rounds to whole px.
 */
#ifndef QVL_DATA_CLIP_H
#define QVL_DATA_CLIP_H

#include "base/arena.h"
#include "data/geom.h"

#define QVL_CLIP_MAX_PX 1e9
#define QVL_CLIP_EVEN_ODD_POINTS 1024

typedef struct {
    qvl_geom geom;
    double size;
} qvl_clip_piece;

/* Pieces belong to the arena, their points too. */
typedef struct {
    int n_pieces;
    const qvl_clip_piece *piece;  // [n_pieces], in the order of the outline
    const qvl_clip_piece *kept;   // the largest, the first of equals; NULL: none
    double size;                  // of the geometry, before
    double inside;                // of all that is inside of the window
    double coverage;              // inside / size, 0 to 1; without size: 1 when
                                  // all points are inside, else 0
    bool is_whole;                // nothing was cut: one piece, point by point
                                  // the geometry
} qvl_clip_result;

/* Cut a geometry by a window. What is inside as a whole stays as it is; pieces of
 * what is cut have no repeated vertices, polygons none between two others on a
 * line (qvl_clip_ring_clean), and none is without size.
 *
 *   out     its pieces in the arena, which is work space too
 *   window  x0 <= x1, y0 <= y1
 *
 * n points cost O(n log n) time at most, O(n) memory; a polygon of up to
 * QVL_CLIP_EVEN_ODD_POINTS points is also looked at for crossings, O(n^2), and
 * measured by O(n^2 log n) when it crosses itself. Runs out of host memory as the
 * arena does. */
void qvl_clip(qvl_clip_result *out, const qvl_geom *geom,
              const qvl_bounds *window, qvl_arena *arena);

/* The coverage alone; costs the same. */
double qvl_clip_coverage(const qvl_geom *geom, const qvl_bounds *window,
                         qvl_arena *arena);

/* Put the middle of the longest edge, the first of equals, into a ring of n > 0
 * points: point has room for n + 1. */
void qvl_clip_add_midpoint(double *point, int n);

/* Length of an open line of n > 0 points, [n, 2]. */
double qvl_clip_length(const double *point, int n);

/* Does the window hold the box, borders included? */
bool qvl_bounds_has(const qvl_bounds *window, const qvl_bounds *box);

/* What two boxes share; one without area, never inside out, when they do not meet. */
qvl_bounds qvl_bounds_intersect(const qvl_bounds *a, const qvl_bounds *b);

double qvl_bounds_area(const qvl_bounds *b);

/* Shared area over that of either; 0 when neither has any. */
double qvl_bounds_iou(const qvl_bounds *a, const qvl_bounds *b);

#endif
