/* warp.h - a picture through an affine map
 *
 * Where a pixel of the result comes from is told by the inverse map, from points
 * of the result to points of the picture, both in continuous pixels (column i covers
 * [i, i + 1)):
 *
 *     s_x = a x + b y + c;  s_y = d x + e y + f
 *
 * Pixel (i, j) of the result is the value at s of (i + 0.5, j + 0.5), interpolated
 * with the bicubic kernel K of resize.h:
 *
 *     out[j, i] = sum_{u, v} K(s_x - 0.5 - u) K(s_y - 0.5 - v) in[v, u]
 *
 * over 4 x 4 pixels; those outside of the picture count as QVL_IMAGE_OUTSIDE.
 * Positions are rounded to 1/1024 of a pixel, weights to 1/4096, all sums are whole
 * numbers: the result is the same everywhere, within 1 of the formula, and a pixel
 * that comes from the middle of another equals it. A map that moves by whole pixels,
 * flips or turns by multiples of 90 degrees so that pixels fall on pixels is a
 * copy. One colour stays one colour.
 *
 * A map that shrinks would step over pixels, so what is shrunk by more than
 * QVL_WARP_MAX_STRETCH is resized first, with the antialiasing of resize.h
 * (QVL_RESIZE_PILLOW), and the map adapted. It is looked at for each axis of the
 * picture alone: with stretch = sqrt(a^2 + b^2), the pixels along the width that a
 * step of one pixel in the result passes at most, the width w becomes
 * max(1, rnd(w / stretch)); d, e and the height likewise. When that leaves less than
 * half a pixel, there is nothing to see, and the result is all outside.
 */
#ifndef QVL_IMAGE_WARP_H
#define QVL_IMAGE_WARP_H

#include "base/err.h"
#include "image/image.h"

#define QVL_WARP_MAX_STRETCH 1.5

/* Make a picture of h x w pixels out of another. `inverse` is a b c, d e f, all
 * finite; `out` is a new picture, never `in` itself. Fails with QVL_E_RANGE when a
 * side of one of them is more than QVL_IMAGE_MAX_SIDE, and QVL_E_MEMORY. */
int qvl_image_warp(qvl_image *out, const qvl_image *in, const double inverse[6],
                   int h, int w, qvl_err *err);

#endif
