/* transform.h - geometries onto a canvas, through a crop, and to whole pixels
 *
 * What augmentation does to a box, a polygon or a line, beside the same to the
 * pixels. A canvas of w x h px spans [0, w] x [0, h]; a geometry has a fate on it:
 *
 *     kept     all of it is there, nothing was cut
 *     clipped  its visible part (clip.h), of several the largest
 *     clamped  nothing visible is left; its points were moved onto the canvas
 *     dropped  nothing visible is left, and no points
 *
 * Visible is a part of a box or polygon of at least 1 px^2 and 1 % of the whole, or
 * of a line of at least 2 px. Only what is cut is held against that: a small
 * object that lies inside as a whole is kept. Whether nothing visible is dropped
 * or clamped is an option; what a record without objects means the caller
 * knows.
 *
 * Between steps nothing is rounded. A pipeline maps and crops as often as it
 * wants and ends with one qvl_transform_finish for each geometry. Results belong to
 * the arena and share no points with the input, which never changes. Costs are
 * those of clip.h for what is cut, O(n) else.
 */
#ifndef QVL_DATA_TRANSFORM_H
#define QVL_DATA_TRANSFORM_H

#include "base/arena.h"
#include "base/err.h"
#include "data/affine.h"
#include "data/geom.h"

/* How far points may lie outside of a canvas that they are mapped to, and be left
 * there; qvl_transform_finish moves them in. */
#define QVL_TRANSFORM_MARGIN_PX 0.5

typedef enum {
    QVL_FATE_KEPT,
    QVL_FATE_CLIPPED,
    QVL_FATE_CLAMPED,
    QVL_FATE_DROPPED,
    QVL_N_FATES
} qvl_fate;

/* "kept", "clipped", ... */
const char *qvl_fate_name(qvl_fate fate);

/* What becomes of a polygon that is clipped. */
typedef enum {
    QVL_CLIP_POLY_OUTLINE,       // its outline, at any number of vertices
    QVL_CLIP_POLY_MIN_AREA_RECT  // unless that has 4 vertices: the smallest
                                 // rectangle around it, whose corners may lie
                                 // outside
} qvl_clip_poly;

/* What becomes of a geometry of which nothing visible is left. */
typedef enum { QVL_DEGENERATE_DROP, QVL_DEGENERATE_CLAMP } qvl_degenerate;

typedef struct {
    qvl_clip_poly clip_poly;
    qvl_degenerate degenerate;
    int min_poly_points;  // 3, or 4: finished triangles get a fourth vertex
    qvl_winding winding;  // of finished polygons
} qvl_transform_options;

typedef struct {
    qvl_fate fate;
    qvl_geom geom;    // without points when dropped
    double coverage;  // share of the geometry that is inside, 0 to 1, whatever
                      // its fate; of one that is kept 1
} qvl_transformed;

/* A map, and the canvas that it leads to. */
typedef struct {
    qvl_affine m;
    int w, h;  // px, > 0
} qvl_placement;

/* Map a geometry onto a canvas. A box stays a box where the map keeps boxes
 * (qvl_affine_is_axis_aligned): the bounds of its mapped corners; otherwise it
 * becomes a polygon of its four corners: left top, right top, right bottom,
 * left bottom of the box as it was. What lies inside of the canvas grown by
 * QVL_TRANSFORM_MARGIN_PX is kept to the last bit, all else clipped to the canvas.
 *
 * Fails with QVL_E_RANGE when a point would be mapped further than QVL_CLIP_MAX_PX
 * from 0; runs out of host memory as the arena does. */
int qvl_transform_place(qvl_transformed *out, const qvl_geom *geom,
                        const qvl_placement *to,
                        const qvl_transform_options *options, qvl_arena *arena,
                        qvl_err *err);

/* Clip a geometry to a window, without a margin, and move the left top of the
 * window to 0, 0. Points are at most QVL_CLIP_MAX_PX from 0; x0 <= x1, y0 <= y1.
 * Whether the coverage is enough the caller decides. */
void qvl_transform_crop(qvl_transformed *out, const qvl_geom *geom,
                        const qvl_bounds *window,
                        const qvl_transform_options *options,
                        qvl_arena *arena);

/* Whole pixels, once, at the end: coordinates are rounded half to even and clamped
 * to a canvas of w x h px, vertices that now repeat the one before are taken out, of
 * a polygon also a last one that repeats the first, a polygon with less than
 * min_poly_points vertices gets the rounded middle of its longest edge, and all is
 * brought into canonical form (qvl_geom_canonical).
 *
 * A geometry that has no extent then (qvl_geom_is_flat) or too few points, or
 * whose middle falls onto another vertex, is not visible: it is dropped, or clamped,
 * which here means that repeated points stay. Any other is kept. Costs O(n). */
void qvl_transform_finish(qvl_transformed *out, const qvl_geom *geom, int w,
                          int h, const qvl_transform_options *options,
                          qvl_arena *arena);

#endif
