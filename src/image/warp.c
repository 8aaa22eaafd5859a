/* warp.c - positions in whole numbers, pixels a tile at a time
 *
 * For a square of the result, the pixels of the picture that it can touch are laid
 * out as floats, four a pixel, with those outside of the picture filled in; the
 * loop over the square then looks at no border, and its sums over channels become
 * vectors. Every sum of floats here is one of whole numbers (of some power of two)
 * below 2^24, so nothing is rounded but where it is said, and no order of sums or
 * joined multiply-add can change a bit.
 */
#include "image/warp.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "image/decode.h"
#include "image/resize.h"
#include "image/window.h"

#define CHANNELS QVL_IMAGE_CHANNELS

/* Positions in the picture have so many bits behind the point. With sides up to 2^24
 * and steps up to 2 pixels they stay below 2^62. */
#define BITS 33
#define PIXEL ((int64_t)1 << BITS)

/* Places of a kernel in a pixel. */
#define PHASE_BITS 10
#define N_PHASES (1 << PHASE_BITS)
#define PHASE (PIXEL >> PHASE_BITS)

#define N_TAPS 4
#define LANES 4  // floats a pixel, the last one is of no use

/* Side of the squares of the result. */
#define TILE 64

/* One axis of the picture, and where pixels of the result stand on it: their centre
 * less half a pixel, so that whole numbers are centres of pixels of the picture. */
typedef struct {
    int side;
    int64_t origin;  // of pixel (0, 0)
    int64_t right;   // added by one pixel to the right
    int64_t down;
} axis;

/* Pixels of the picture around a tile: from `from` on, n of each axis. */
typedef struct {
    int from_x, from_y, n_x, n_y;
    float *pixel;  // [n_y, n_x, LANES]
} area;

typedef struct {
    // borrowed
    const qvl_image *in;
    qvl_err *err;
    // owned
    qvl_arena arena;
    qvl_image small;  // shrunk picture
    qvl_image out;
    float (*weight)[N_TAPS];  // [N_PHASES]
    area around;
    // what is wanted
    const double *inverse;
    int h, w;
    axis x, y;
} job;

/* ---- the map ------------------------------------------------------------ */

/* Pixels of a side that a map along it (a, b, c) needs; 0 when nothing can be seen.
 * In single precision: the last bits of hypot do not matter. */
static int side_for(const double *along, int side)
{
    double stretch = hypot(along[0], along[1]);
    if ((float)stretch <= (float)QVL_WARP_MAX_STRETCH)
        return side;
    float needed = (float)(side / stretch);
    return needed < 0.5f ? 0 : needed < 1.0f ? 1 : (int)rintf(needed);
}

static int64_t fixed_of(double v)
{
    return (int64_t)rint(ldexp(v, BITS - 1));
}

/* The axis of n pixels, whose picture had `side` of them when the map was made. */
static axis make_axis(const double *along, int side, int n)
{
    const double far = 1 << 27;  // further than any pixel is from any other
    double scale = (double)n / side;
    int64_t right = fixed_of(along[0] * scale);
    int64_t down = fixed_of(along[1] * scale);
    double start = fmin(fmax(along[2] * scale, -far), far);
    return (axis){ .side = n, .origin = 2 * fixed_of(start) + right + down
                                        - PIXEL / 2,
                   .right = 2 * right, .down = 2 * down };
}

/* ---- copies ------------------------------------------------------------- */

/* v as whole pixels, when it is within `slack` of them; what is left of the slack. */
static int64_t whole(int64_t v, int64_t *slack, int64_t times)
{
    int64_t n = (v + PIXEL / 2) >> BITS;
    *slack -= llabs(v - n * PIXEL) * times;
    return n;
}

/* An axis that is followed in whole pixels. */
typedef struct {
    int64_t origin, right, down;
} steps;

/* Does every pixel of the result stand on a pixel of this axis, and its neighbours
 * on the neighbours of that? Rounding to phases would give the same. */
static bool is_whole(steps *s, const axis *a, int h, int w)
{
    int64_t slack = PHASE / 2 - 1;
    s->origin = whole(a->origin, &slack, 1);
    s->right = whole(a->right, &slack, w);
    s->down = whole(a->down, &slack, h);
    return slack >= 0 && llabs(s->right) + llabs(s->down) == 1;
}

/* Pixels i of n for which origin + step i (step 1 or -1) is in 0..side - 1: from
 * *first up to *end. */
static void clip(int *first, int *end, int64_t origin, int64_t step, int n,
                 int side)
{
    int64_t a = step > 0 ? -origin : origin - side + 1;
    int64_t b = step > 0 ? side - origin : origin + 1;
    *first = (int)(a < 0 ? 0 : a > n ? n : a);
    *end = (int)(b < *first ? *first : b > n ? n : b);
}

/* Copy n pixels that stand `step` bytes apart. */
static void copy_run(uint8_t *to, const uint8_t *from, ptrdiff_t step, int n)
{
    if (step == CHANNELS) {
        memcpy(to, from, (size_t)n * CHANNELS);
        return;
    }
    for (int i = 0; i < n; i++, to += CHANNELS, from += step)
        memcpy(to, from, CHANNELS);
}

/* `along` is the axis that rows of the result follow, `across` the other one. */
typedef struct {
    steps along, across;
    int n_along, n_across;             // pixels of the picture
    ptrdiff_t along_bytes, across_bytes;  // to the next one
} copy_plan;

static void copy(qvl_image *out, const qvl_image *in, const copy_plan *p)
{
    int x0, x1, y0, y1;
    memset(out->pixel, QVL_IMAGE_OUTSIDE, qvl_image_bytes(out));
    clip(&x0, &x1, p->along.origin, p->along.right, out->w, p->n_along);
    clip(&y0, &y1, p->across.origin, p->across.down, out->h, p->n_across);
    if (x0 == x1)
        return;
    for (int y = y0; y < y1; y++) {
        ptrdiff_t at = (p->across.origin + p->across.down * y) * p->across_bytes
                       + (p->along.origin + p->along.right * x0)
                             * p->along_bytes;
        copy_run(qvl_image_row(out, y) + (size_t)x0 * CHANNELS, in->pixel + at,
                 p->along.right * p->along_bytes, x1 - x0);
    }
}

/* Copy where the map allows it. */
static bool try_copy(job *j, const qvl_image *in)
{
    steps x, y;
    if (!is_whole(&x, &j->x, j->h, j->w) || !is_whole(&y, &j->y, j->h, j->w)
        || (x.right != 0) == (y.right != 0))
        return false;
    ptrdiff_t stride = (ptrdiff_t)in->w * CHANNELS;
    bool upright = x.right != 0;
    copy_plan p = {
        .along = upright ? x : y, .across = upright ? y : x,
        .n_along = upright ? in->w : in->h,
        .n_across = upright ? in->h : in->w,
        .along_bytes = upright ? CHANNELS : stride,
        .across_bytes = upright ? stride : CHANNELS,
    };
    copy(&j->out, in, &p);
    return true;
}

/* ---- pixels around a tile ----------------------------------------------- */

static int clamp(int64_t v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : (int)v;
}

/* Number of the phase nearest to a position. */
static int64_t phase_of(int64_t at)
{
    return (at + PHASE / 2) >> (BITS - PHASE_BITS);
}

/* The pixel that the kernel stands on or behind. Two before the picture or one
 * behind it, all taps are outside; further away they are as well. */
static int pixel_of(int64_t phase, int side)
{
    return clamp(phase >> PHASE_BITS, -3, side + 1);
}

/* Pixels of an axis that n_x x n_y pixels of the result touch, the first of them at
 * `at`: *n of them from *from on. */
static void find_span(int *from, int *n, const axis *a, int64_t at, int n_x,
                      int n_y)
{
    int64_t x = a->right * (n_x - 1);
    int64_t y = a->down * (n_y - 1);
    int64_t least = at + (x < 0 ? x : 0) + (y < 0 ? y : 0);
    int64_t most = at + (x > 0 ? x : 0) + (y > 0 ? y : 0);
    *from = pixel_of(phase_of(least), a->side) - 1;
    *n = pixel_of(phase_of(most), a->side) + 2 - *from + 1;
}

/* Most pixels of an axis that a tile can touch. */
static size_t longest_span(const axis *a)
{
    int64_t length = (llabs(a->right) + llabs(a->down)) * (TILE - 1);
    int64_t n = (length >> BITS) + 2 + N_TAPS;
    return (size_t)(n < a->side + 8 ? n : a->side + 8);
}

static void fill_outside(float *to, int n)
{
    for (int i = 0; i < n * LANES; i++)
        to[i] = QVL_IMAGE_OUTSIDE;
}

static void fill_inside(float *restrict to, const uint8_t *restrict p, int n)
{
    for (int i = 0; i < n; i++, to += LANES, p += CHANNELS) {
        to[0] = p[0];
        to[1] = p[1];
        to[2] = p[2];
    }
}

static void fill_area(area *a, const qvl_image *in)
{
    int x0 = clamp(-(int64_t)a->from_x, 0, a->n_x);
    int x1 = clamp((int64_t)in->w - a->from_x, x0, a->n_x);
    for (int r = 0; r < a->n_y; r++) {
        float *to = a->pixel + (size_t)r * (size_t)a->n_x * LANES;
        int y = a->from_y + r;
        if (y < 0 || y >= in->h || x0 == x1) {
            fill_outside(to, a->n_x);
            continue;
        }
        fill_outside(to, x0);
        fill_inside(to + (size_t)x0 * LANES,
                    qvl_image_row(in, y)
                        + (size_t)(a->from_x + x0) * CHANNELS, x1 - x0);
        fill_outside(to + (size_t)x1 * LANES, a->n_x - x1);
    }
}

/* ---- the kernel --------------------------------------------------------- */

/* K at the four pixels around a place, as n / 4096 each, with the sum 1. All terms
 * are exact. */
static void fill_weights(float (*weight)[N_TAPS])
{
    const double one = 4096.0;
    for (int i = 0; i < N_PHASES; i++) {
        double f = (double)i / N_PHASES;
        double g = 1.0 - f;
        double k[N_TAPS] = {
            -0.5 * f * g * g,
            1.0 - f * f * (2.5 - 1.5 * f),
            1.0 - g * g * (2.5 - 1.5 * g),
            -0.5 * g * f * f,
        };
        double rest = one;
        for (int t = 0; t < N_TAPS; t++) {
            k[t] = rint(k[t] * one);
            rest -= k[t];
        }
        k[f < 0.5 ? 1 : 2] += rest;
        for (int t = 0; t < N_TAPS; t++)
            weight[i][t] = (float)(k[t] / one);
    }
}

/* Added and taken away again, it leaves multiples of 1/8. */
#define EIGHTHS (1.5f * (1 << 20))

/* One pixel from 4 x 4, rows `stride` floats apart. A row is a sum of n / 4096 below
 * 2^9, rounded to eighths; the sum of rows one of n / 2^15 below 2^9. */
static void sample(float *restrict to, const float *restrict p, size_t stride,
                   const float *restrict wx, const float *restrict wy)
{
    float row[N_TAPS][LANES];
    for (int r = 0; r < N_TAPS; r++, p += stride)
        for (int c = 0; c < LANES; c++) {
            float v = wx[0] * p[c] + wx[1] * p[LANES + c]
                      + wx[2] * p[2 * LANES + c] + wx[3] * p[3 * LANES + c];
            v = v + EIGHTHS;
            row[r][c] = v - EIGHTHS;
        }
    for (int c = 0; c < LANES; c++)
        to[c] = wy[0] * row[0][c] + wy[1] * row[1][c] + wy[2] * row[2][c]
                + wy[3] * row[3][c];
}

/* Round n pixels to bytes. */
static void finish_run(uint8_t *restrict to, const float *restrict v, int n)
{
    uint8_t byte[TILE * LANES];
    for (int i = 0; i < n * LANES; i++) {
        float x = v[i] + 0.5f;
        x = x > 0.0f ? x : 0.0f;
        x = x < 255.0f ? x : 255.0f;
        byte[i] = (uint8_t)(int)x;
    }
    for (int i = 0; i < n; i++)
        memcpy(to + (size_t)i * CHANNELS, byte + (size_t)i * LANES, CHANNELS);
}

/* n pixels of a row, the first at (x, y). */
static void sample_run(const job *j, uint8_t *to, int64_t x, int64_t y, int n)
{
    const area *a = &j->around;
    float v[TILE * LANES];
    size_t stride = (size_t)a->n_x * LANES;
    for (int i = 0; i < n; i++) {
        int64_t px = phase_of(x);
        int64_t py = phase_of(y);
        int left = pixel_of(px, j->x.side) - 1 - a->from_x;
        int top = pixel_of(py, j->y.side) - 1 - a->from_y;
        sample(v + (size_t)i * LANES,
               a->pixel + (size_t)top * stride + (size_t)left * LANES, stride,
               j->weight[px & (N_PHASES - 1)], j->weight[py & (N_PHASES - 1)]);
        x += j->x.right;
        y += j->y.right;
    }
    finish_run(to, v, n);
}

static int64_t position(const axis *a, int x, int y)
{
    return a->origin + a->right * x + a->down * y;
}

static void sample_tile(job *j, const qvl_image *in, int x0, int y0)
{
    int n_x = j->w - x0 < TILE ? j->w - x0 : TILE;
    int n_y = j->h - y0 < TILE ? j->h - y0 : TILE;
    area *a = &j->around;
    find_span(&a->from_x, &a->n_x, &j->x, position(&j->x, x0, y0), n_x, n_y);
    find_span(&a->from_y, &a->n_y, &j->y, position(&j->y, x0, y0), n_x, n_y);
    fill_area(a, in);
    for (int y = y0; y < y0 + n_y; y++)
        sample_run(j, qvl_image_row(&j->out, y) + (size_t)x0 * CHANNELS,
                   position(&j->x, x0, y), position(&j->y, x0, y), n_x);
}

static void sample_all(job *j, const qvl_image *in)
{
    j->weight = qvl_arena_alloc_n(&j->arena, N_PHASES, sizeof *j->weight);
    fill_weights(j->weight);
    j->around.pixel = qvl_arena_array(
        &j->arena, float, longest_span(&j->x) * longest_span(&j->y) * LANES);
    for (int y = 0; y < j->h; y += TILE)
        for (int x = 0; x < j->w; x += TILE)
            sample_tile(j, in, x, y);
}

/* ---- the picture -------------------------------------------------------- */

static int run(void *arg)
{
    job *j = arg;
    const qvl_image *in = j->in;
    int w = side_for(j->inverse, in->w);
    int h = side_for(j->inverse + 3, in->h);
    QVL_TRY(qvl_image_init(&j->out, j->h, j->w, j->err));
    if (w == 0 || h == 0) {
        memset(j->out.pixel, QVL_IMAGE_OUTSIDE, qvl_image_bytes(&j->out));
        return QVL_OK;
    }
    j->x = make_axis(j->inverse, in->w, w);
    j->y = make_axis(j->inverse + 3, in->h, h);
    if (w != in->w || h != in->h) {
        QVL_TRY(qvl_image_resize(&j->small, in, h, w, QVL_RESIZE_PILLOW,
                                 j->err));
        in = &j->small;
    }
    if (!try_copy(j, in))
        sample_all(j, in);
    return QVL_OK;
}

static int check_side(const char *what, int side, qvl_err *err)
{
    if (side <= QVL_IMAGE_MAX_SIDE)
        return QVL_OK;
    return qvl_fail(err, QVL_E_RANGE, "%s of a picture: found %d pixels, "
                    "expected up to %d", what, side, QVL_IMAGE_MAX_SIDE);
}

int qvl_image_warp(qvl_image *out, const qvl_image *in, const double inverse[6],
                   int h, int w, qvl_err *err)
{
    assert(in->pixel != NULL && h > 0 && w > 0);
    for (int i = 0; i < 6; i++)
        assert(isfinite(inverse[i]));

    QVL_TRY(check_side("width", in->w > w ? in->w : w, err));
    QVL_TRY(check_side("height", in->h > h ? in->h : h, err));
    job j = { .in = in, .err = err, .inverse = inverse, .h = h, .w = w };
    int rc = qvl_guard(run, &j, err);
    qvl_arena_release(&j.arena);
    qvl_image_release(&j.small);
    if (rc == QVL_OK)
        *out = j.out;
    else
        qvl_image_release(&j.out);
    return rc;
}
