/* warp.c - positions in whole numbers, pixels a tile at a time
 *
 * For a square of the result, the pixels of the picture that it can touch are laid
 * out in pairs (image/pairs.h), with those outside of the picture filled in; the
 * loop over the square then looks at no border, and sums two pixels in all channels at
 * once. All are whole numbers, so nothing is rounded but where it is said.
 */
#include "image/warp.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/lanes.h"
#include "image/decode.h"
#include "image/pairs.h"
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
    bool is_inside;  // all of them are near enough to the picture to be told apart
    int16_t *pair;  // [n_y, n_x, QVL_PAIR]
    uint8_t *line;  // bytes of one row, and QVL_PAIRS_SLACK
} area;

typedef struct {
    // borrowed
    const qvl_image *in;
    qvl_err *err;
    // owned
    qvl_arena arena;
    qvl_image small;  // shrunk picture
    qvl_image out;
    int16_t (*weight)[N_TAPS];  // [N_PHASES]
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

/* Is a pixel one that pixel_of tells? */
static bool is_told(int64_t phase, int side)
{
    return phase >> PHASE_BITS == pixel_of(phase, side);
}

/* Pixels of an axis that n_x x n_y pixels of the result touch, the first of them at
 * `at`: *n of them from *from on. Returns whether all are told. */
static bool find_span(int *from, int *n, const axis *a, int64_t at, int n_x,
                      int n_y)
{
    int64_t x = a->right * (n_x - 1);
    int64_t y = a->down * (n_y - 1);
    int64_t least = at + (x < 0 ? x : 0) + (y < 0 ? y : 0);
    int64_t most = at + (x > 0 ? x : 0) + (y > 0 ? y : 0);
    *from = pixel_of(phase_of(least), a->side) - 1;
    *n = pixel_of(phase_of(most), a->side) + 2 - *from + 1;
    return is_told(phase_of(least), a->side) && is_told(phase_of(most), a->side);
}

/* Most pixels of an axis that a tile can touch. */
static size_t longest_span(const axis *a)
{
    int64_t length = (llabs(a->right) + llabs(a->down)) * (TILE - 1);
    int64_t n = (length >> BITS) + 2 + N_TAPS;
    return (size_t)(n < a->side + 8 ? n : a->side + 8);
}

static void fill_area(area *a, const qvl_image *in)
{
    int x0 = clamp(-(int64_t)a->from_x, 0, a->n_x);
    int x1 = clamp((int64_t)in->w - a->from_x, x0, a->n_x);
    for (int r = 0; r < a->n_y; r++) {
        int y = a->from_y + r;
        memset(a->line, QVL_IMAGE_OUTSIDE, (size_t)a->n_x * CHANNELS);
        if (y >= 0 && y < in->h && x0 < x1)
            memcpy(a->line + (size_t)x0 * CHANNELS,
                   qvl_image_row(in, y) + (size_t)(a->from_x + x0) * CHANNELS,
                   (size_t)(x1 - x0) * CHANNELS);
        qvl_pairs_make(a->pair + (size_t)r * (size_t)a->n_x * QVL_PAIR, a->line,
                       a->n_x);
    }
}

/* ---- the kernel --------------------------------------------------------- */

/* 4096 K at the four pixels around a place, with the sum 4096. All terms are exact. */
static void fill_weights(int16_t (*weight)[N_TAPS])
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
            weight[i][t] = (int16_t)k[t];
    }
}

/* Bits of a weight, and of what is dropped from the sum of a row: eighths are left. */
#define WEIGHT_BITS 12
#define ROW_BITS (WEIGHT_BITS - 3)
#define SUM_BITS (WEIGHT_BITS + 3)

/* Weights of two neighbours in all places. */
typedef struct {
    qvl_lanes first, last;
} spread;

static inline spread spread_weights(const int16_t *weight)
{
    qvl_lanes w = qvl_lanes_load_half(weight);
    return (spread){ qvl_lanes_first_i32(w), qvl_lanes_second_i32(w) };
}

/* 8 sum_u wx[u] p[u] of the four pixels of a row, rounded; below 2^12. */
static inline qvl_lanes sum_row(const int16_t *pair, spread wx)
{
    qvl_lanes v = qvl_lanes_add_i32(
        qvl_lanes_pairs_i16(qvl_lanes_load(pair), wx.first),
        qvl_lanes_pairs_i16(qvl_lanes_load(pair + 2 * QVL_PAIR), wx.last));
    return qvl_lanes_round_i32(v, ROW_BITS);
}

/* One pixel from 4 x 4, rows `stride` words apart, as numbers that are not cut off at
 * 0 and 255 yet. */
static inline qvl_lanes sample(const int16_t *pair, size_t stride, const int16_t *wx,
                               const int16_t *wy)
{
    spread x = spread_weights(wx), y = spread_weights(wy);
    qvl_lanes upper = qvl_lanes_turns_i16(sum_row(pair, x), sum_row(pair + stride, x));
    pair += 2 * stride;
    qvl_lanes lower = qvl_lanes_turns_i16(sum_row(pair, x), sum_row(pair + stride, x));
    qvl_lanes v = qvl_lanes_add_i32(qvl_lanes_pairs_i16(upper, y.first),
                                    qvl_lanes_pairs_i16(lower, y.last));
    v = qvl_lanes_add_i32(v, qvl_lanes_fill_i32(1 << (SUM_BITS - 1)));
    return qvl_lanes_right_i32(v, SUM_BITS);
}

/* Where a pixel that the kernel stands on begins in the area. */
static inline size_t place_in(const area *a, const job *j, int64_t px, int64_t py)
{
    int64_t x = px >> PHASE_BITS, y = py >> PHASE_BITS;
    if (!a->is_inside) {
        x = pixel_of(px, j->x.side);
        y = pixel_of(py, j->y.side);
    }
    return ((size_t)(y - 1 - a->from_y) * (size_t)a->n_x
            + (size_t)(x - 1 - a->from_x)) * QVL_PAIR;
}

/* n pixels of a row, the first at (x, y). */
static void sample_run(const job *j, uint8_t *to, int64_t x, int64_t y, int n)
{
    const area *a = &j->around;
    const int64_t right_x = j->x.right, right_y = j->y.right;
    size_t stride = (size_t)a->n_x * QVL_PAIR;
    for (; n > 0; n--, to += CHANNELS, x += right_x, y += right_y) {
        int64_t px = phase_of(x), py = phase_of(y);
        qvl_lanes v = sample(a->pair + place_in(a, j, px, py), stride,
                             j->weight[px & (N_PHASES - 1)],
                             j->weight[py & (N_PHASES - 1)]);
        v = qvl_lanes_pack_i32(v, v);
        int32_t byte = qvl_lanes_take_i32(qvl_lanes_pack_u8(v, v));
        if (n > 1)  // the fourth byte is that of the pixel to come
            memcpy(to, &byte, CHANNELS + 1);
        else
            memcpy(to, &byte, CHANNELS);
    }
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
    bool is_told_x = find_span(&a->from_x, &a->n_x, &j->x,
                               position(&j->x, x0, y0), n_x, n_y);
    bool is_told_y = find_span(&a->from_y, &a->n_y, &j->y,
                               position(&j->y, x0, y0), n_x, n_y);
    a->is_inside = is_told_x && is_told_y;
    fill_area(a, in);
    for (int y = y0; y < y0 + n_y; y++)
        sample_run(j, qvl_image_row(&j->out, y) + (size_t)x0 * CHANNELS,
                   position(&j->x, x0, y), position(&j->y, x0, y), n_x);
}

static void sample_all(job *j, const qvl_image *in)
{
    j->weight = qvl_arena_alloc_n(&j->arena, N_PHASES, sizeof *j->weight);
    fill_weights(j->weight);
    size_t n_x = longest_span(&j->x);
    j->around.pair = qvl_arena_array(&j->arena, int16_t,
                                     n_x * longest_span(&j->y) * QVL_PAIR);
    j->around.line = qvl_arena_array(&j->arena, uint8_t,
                                     n_x * CHANNELS + QVL_PAIRS_SLACK);
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
