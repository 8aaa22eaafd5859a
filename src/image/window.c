/* window.c - rows copied from one picture to another */
#include "image/window.h"

#include <assert.h>
#include <string.h>

int qvl_image_crop(qvl_image *out, const qvl_image *in, const qvl_window *part,
                   qvl_err *err)
{
    assert(in->pixel != NULL && part->w > 0 && part->h > 0 && part->x >= 0
           && part->y >= 0 && part->w <= in->w - part->x
           && part->h <= in->h - part->y);

    qvl_image im;
    QVL_TRY(qvl_image_init(&im, part->h, part->w, err));
    size_t n = (size_t)part->w * QVL_IMAGE_CHANNELS;
    for (int y = 0; y < part->h; y++)
        memcpy(qvl_image_row(&im, y),
               qvl_image_row(in, part->y + y)
                   + (size_t)part->x * QVL_IMAGE_CHANNELS, n);
    *out = im;
    return QVL_OK;
}

int qvl_image_pad(qvl_image *out, const qvl_image *in, int h, int w,
                  qvl_err *err)
{
    assert(in->pixel != NULL && h >= in->h && w >= in->w);

    qvl_image im;
    QVL_TRY(qvl_image_init(&im, h, w, err));
    size_t n = (size_t)in->w * QVL_IMAGE_CHANNELS;
    size_t rest = (size_t)w * QVL_IMAGE_CHANNELS - n;
    for (int y = 0; y < h; y++) {
        uint8_t *row = qvl_image_row(&im, y);
        if (y < in->h) {
            memcpy(row, qvl_image_row(in, y), n);
            memset(row + n, QVL_IMAGE_OUTSIDE, rest);
        } else {
            memset(row, QVL_IMAGE_OUTSIDE, n + rest);
        }
    }
    *out = im;
    return QVL_OK;
}

/* What of n pixels placed at `at` falls on a side: from the first to the one
 * behind the last. */
static void clip(int64_t *first, int64_t *end, int n, int64_t at, int side)
{
    *first = at < 0 ? -at : 0;
    *end = at > (int64_t)side - n ? side - at : n;
}

void qvl_image_paste(qvl_image *im, const qvl_image *from, int x, int y)
{
    assert(im->pixel != NULL && from->pixel != NULL && im != from);

    int64_t x0, x1, y0, y1;
    clip(&x0, &x1, from->w, x, im->w);
    clip(&y0, &y1, from->h, y, im->h);
    if (x0 >= x1)
        return;
    size_t n = (size_t)(x1 - x0) * QVL_IMAGE_CHANNELS;
    for (int64_t r = y0; r < y1; r++)
        memcpy(qvl_image_row(im, (int)(y + r))
                   + (size_t)(x + x0) * QVL_IMAGE_CHANNELS,
               qvl_image_row(from, (int)r) + (size_t)x0 * QVL_IMAGE_CHANNELS, n);
}
