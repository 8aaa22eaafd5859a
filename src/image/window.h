/* window.h - cut a picture out of another, pad it, paste it
 *
 * Pixels are copied as they are. Where nothing is, there is grey of 128 in every
 * channel, which patches turn into numbers near 0.
 */
#ifndef QVL_IMAGE_WINDOW_H
#define QVL_IMAGE_WINDOW_H

#include "base/err.h"
#include "image/image.h"

/* Every channel of a pixel that no picture covers. */
#define QVL_IMAGE_OUTSIDE 128

/* Pixels from column x and row y on; w, h > 0. */
typedef struct {
    int x, y, w, h;
} qvl_window;

/* Copy a window that lies in a picture to a new one, never `in` itself. Fails with
 * QVL_E_MEMORY. */
int qvl_image_crop(qvl_image *out, const qvl_image *in, const qvl_window *part,
                   qvl_err *err);

/* Make a picture of h x w pixels, each at least that of `in`, which stands in its
 * left top; right of it and below it is the colour of the outside. `out` is a new
 * picture, never `in` itself. Fails with QVL_E_MEMORY. */
int qvl_image_pad(qvl_image *out, const qvl_image *in, int h, int w,
                  qvl_err *err);

/* Copy a picture into another, its left top to (x, y), which may be any place:
 * what falls outside is left out. */
void qvl_image_paste(qvl_image *im, const qvl_image *from, int x, int y);

#endif
