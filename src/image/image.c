/* image.c - memory of a picture, and turning it */
#include "image/image.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

typedef struct {
    size_t bytes;
    void *p;
} request;

static int take(void *arg)
{
    request *r = arg;
    r->p = qvl_memory_resize(NULL, r->bytes);
    return QVL_OK;
}

int qvl_image_init(qvl_image *im, int h, int w, qvl_err *err)
{
    assert(im != NULL && h > 0 && w > 0);

    request r = { .bytes = (size_t)h * (size_t)w * QVL_IMAGE_CHANNELS };
    QVL_TRY(qvl_guard(take, &r, err));
    *im = (qvl_image){ .h = h, .w = w, .pixel = r.p };
    return QVL_OK;
}

void qvl_image_release(qvl_image *im)
{
    if (im == NULL)
        return;
    free(im->pixel);
    *im = (qvl_image){ 0 };
}

size_t qvl_image_bytes(const qvl_image *im)
{
    return (size_t)im->h * (size_t)im->w * QVL_IMAGE_CHANNELS;
}

uint8_t *qvl_image_row(const qvl_image *im, int y)
{
    return im->pixel + (size_t)y * (size_t)im->w * QVL_IMAGE_CHANNELS;
}

/* Where a turned pixel comes from: rows or columns read backwards, then the
 * two axes exchanged. */
static const struct {
    bool up;    // rows from the last to the first
    bool left;  // columns from the last to the first
    bool swap;
} turn[] = {
    [1] = { false, false, false }, [2] = { false, true, false },
    [3] = { true, true, false },   [4] = { true, false, false },
    [5] = { false, false, true },  [6] = { true, false, true },
    [7] = { true, true, true },    [8] = { false, true, true },
};

/* Side of the squares that are turned one by one: a square of source rows
 * stays in the cache while it is read across. */
#define TILE 32

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Copy the pixels of one square of `out`: row y, column x stand at
 * from + y * down + x * right in the source. */
static void turn_tile(qvl_image *out, const uint8_t *from, ptrdiff_t down,
                      ptrdiff_t right, int y0, int x0)
{
    int y1 = min_int(y0 + TILE, out->h);
    int x1 = min_int(x0 + TILE, out->w);
    for (int y = y0; y < y1; y++) {
        uint8_t *to = qvl_image_row(out, y);
        for (int x = x0; x < x1; x++)
            memcpy(to + x * QVL_IMAGE_CHANNELS, from + y * down + x * right,
                   QVL_IMAGE_CHANNELS);
    }
}

int qvl_image_orient(qvl_image *im, int orientation, qvl_err *err)
{
    assert(orientation >= 1 && orientation <= 8);

    if (orientation == 1)
        return QVL_OK;
    bool swap = turn[orientation].swap;
    qvl_image out;
    QVL_TRY(qvl_image_init(&out, swap ? im->w : im->h, swap ? im->h : im->w,
                           err));
    const uint8_t *from = im->pixel;
    ptrdiff_t right = QVL_IMAGE_CHANNELS;
    ptrdiff_t down = right * im->w;
    if (turn[orientation].up) {
        from += (im->h - 1) * down;
        down = -down;
    }
    if (turn[orientation].left) {
        from += (im->w - 1) * right;
        right = -right;
    }
    for (int y = 0; y < out.h; y += TILE)
        for (int x = 0; x < out.w; x += TILE)
            turn_tile(&out, from, swap ? right : down, swap ? down : right,
                      y, x);
    qvl_image_release(im);
    *im = out;
    return QVL_OK;
}
