/* affine.h - maps of the plane that keep lines straight
 *
 *     x' = m[0][0] x + m[0][1] y + m[0][2]
 *     y' = m[1][0] x + m[1][1] y + m[1][2]
 *
 * in the pixel space of geom.h: continuous, x right, y down. So a flip of a
 * canvas of width W is x' = W - x, its middle is at W / 2, and pictures and
 * geometries can go through one and the same map. All in doubles, nothing is
 * rounded.
 */
#ifndef QVL_DATA_AFFINE_H
#define QVL_DATA_AFFINE_H

#include <stdbool.h>

#include "base/err.h"

/* The third row, 0 0 1, is implied. */
typedef struct {
    double m[2][3];
} qvl_affine;

qvl_affine qvl_affine_identity(void);
qvl_affine qvl_affine_translation(double dx, double dy);

/* Turn about (cx, cy), clockwise on the screen for deg > 0:
 *
 *     x' = c (x - cx) - s (y - cy) + cx
 *     y' = s (x - cx) + c (y - cy) + cy
 *
 * Multiples of 90 degrees are exact: c and s are 0, 1 or -1. */
qvl_affine qvl_affine_rotation(double deg, double cx, double cy);

/* x' = sx (x - cx) + cx, y' = sy (y - cy) + cy */
qvl_affine qvl_affine_scaling(double sx, double sy, double cx, double cy);

/* Left and right of a canvas of width w change places: x' = w - x. */
qvl_affine qvl_affine_hflip(double w);

/* Top and bottom of a canvas of height h change places: y' = h - y. */
qvl_affine qvl_affine_vflip(double h);

/* Both maps as one: `first` is applied first, `then` to what it gives. */
qvl_affine qvl_affine_compose(const qvl_affine *first, const qvl_affine *then);

/* The map back. Fails with QVL_E_RANGE when there is none that doubles can hold:
 * the determinant ad - bc is 0, is not above 1e-12 (|ad| + |bc|), where nothing
 * but rounding may be left of it, or an entry of the inverse is not finite. */
int qvl_affine_invert(qvl_affine *out, const qvl_affine *m, qvl_err *err);

/* Map n points, [n, 2]; out may be in. */
void qvl_affine_apply(const qvl_affine *m, double *out, const double *in,
                      int n);

/* Do boxes stay boxes: |m[0][1]| and |m[1][0]| <= 1e-6? Flips do, and scalings
 * by two factors; a quarter turn does not count. */
bool qvl_affine_is_axis_aligned(const qvl_affine *m);

/* Is each entry within eps >= 0 of the identity's? */
bool qvl_affine_is_identity(const qvl_affine *m, double eps);

#endif
