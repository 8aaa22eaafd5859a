/* resize.h - stretch and shrink pictures as the reference programs do
 *
 * Bicubic with antialiasing: the Keys kernel (a = -0.5), made wider by the
 * factor by which a picture shrinks. The two axes are resized one after the
 * other with 8-bit pixels between them; an axis whose size stays is left alone.
 * All sums are whole numbers, so the result is the same everywhere, and equal
 * to that of the named program bit for bit.
 *
 *     c = (o + 0.5) in / out;  s = max(in / out, 1)
 *     y[o] = sum_j K((j - c + 0.5) / s) x[j] / sum_j K((j - c + 0.5) / s)
 *     K(x) = 1.5|x|^3 - 2.5|x|^2 + 1                for |x| < 1
 *            -0.5|x|^3 + 2.5|x|^2 - 4|x| + 2        for |x| < 2
 *
 * One thread a call: who prepares many pictures runs many calls.
 */
#ifndef QVL_IMAGE_RESIZE_H
#define QVL_IMAGE_RESIZE_H

#include "image/image.h"

typedef enum {
    QVL_RESIZE_PILLOW,      // weights of 22 bits, rows first
    QVL_RESIZE_PILLOW13,    // columns first where that is less work
    QVL_RESIZE_TORCHVISION  // uint8 tensors: weights of 16 bits
} qvl_resize_rule;

/* Make a picture of h x w pixels, each > 0, out of another. `out` is a new
 * picture, never `in` itself. Fails with QVL_E_MEMORY. */
int qvl_image_resize(qvl_image *out, const qvl_image *in, int h, int w,
                     qvl_resize_rule rule, qvl_err *err);

#endif
