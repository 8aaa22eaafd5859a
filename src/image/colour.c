/* colour.c - tables of 256 values, and blends of a picture with another
 *
 * No product and sum stand in one expression where it matters, so that a compiler
 * that joins the two (a multiply-add with one rounding) cannot change a pixel.
 */
#include "image/colour.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"

#define LEVELS 256

typedef struct {
    uint8_t to[LEVELS];
} table;

/* ---- tables ------------------------------------------------------------- */

/* Every byte of a picture through one table. */
static void map_bytes(qvl_image *im, const table *t)
{
    table own = *t;
    uint8_t *p = im->pixel;
    size_t n = qvl_image_bytes(im);
    for (size_t i = 0; i < n; i++)
        p[i] = own.to[p[i]];
}

/* Each channel through its own: t is [3]. */
static void map_channels(qvl_image *im, const table *t)
{
    uint8_t *p = im->pixel;
    size_t n = qvl_image_bytes(im);
    for (size_t i = 0; i < n; i += QVL_IMAGE_CHANNELS, p += QVL_IMAGE_CHANNELS)
        for (int c = 0; c < QVL_IMAGE_CHANNELS; c++)
            p[c] = t[c].to[p[c]];
}

static table same_table(void)
{
    table t;
    for (int v = 0; v < LEVELS; v++)
        t.to[v] = (uint8_t)v;
    return t;
}

/* rnd(v), clamped. */
static uint8_t byte_of(double v)
{
    v = rint(v);
    return (uint8_t)(v < 0.0 ? 0.0 : v > 255.0 ? 255.0 : v);
}

void qvl_image_gamma(qvl_image *im, double gamma, double gain)
{
    assert(im->pixel != NULL && isfinite(gamma) && gamma > 0.0
           && gain >= 0.0 && gain <= QVL_COLOUR_MAX_FACTOR);

    table t;
    for (int v = 0; v < LEVELS; v++)
        t.to[v] = byte_of(255.0 * gain * pow(v / 255.0, gamma));
    map_bytes(im, &t);
}

void qvl_image_solarize(qvl_image *im, int threshold)
{
    assert(im->pixel != NULL && threshold >= 0 && threshold <= LEVELS);

    table t;
    for (int v = 0; v < LEVELS; v++)
        t.to[v] = (uint8_t)(v < threshold ? v : 255 - v);
    map_bytes(im, &t);
}

void qvl_image_posterize(qvl_image *im, int bits)
{
    assert(im->pixel != NULL && bits >= 1 && bits <= 8);

    table t;
    for (int v = 0; v < LEVELS; v++)
        t.to[v] = (uint8_t)(v >> (8 - bits) << (8 - bits));
    map_bytes(im, &t);
}

/* ---- blends ------------------------------------------------------------- */

static float factor_of(double factor)
{
    assert(isfinite(factor) && fabs(factor) <= QVL_COLOUR_MAX_FACTOR);
    return (float)factor;
}

static uint8_t blend(uint8_t from, uint8_t to, float factor)
{
    float step = factor * (float)(to - from);
    float v = (float)from + step;
    v = v > 0.0f ? v : 0.0f;
    v = v < 255.0f ? v : 255.0f;
    return (uint8_t)(int)v;
}

/* to[i] = blend(from[i], to[i]) */
static void blend_run(uint8_t *restrict to, const uint8_t *restrict from,
                      size_t n, float factor)
{
    for (size_t i = 0; i < n; i++)
        to[i] = blend(from[i], to[i], factor);
}

/* Blend every byte with one value. */
static void blend_value(qvl_image *im, uint8_t from, double factor)
{
    float f = factor_of(factor);
    table t;
    for (int v = 0; v < LEVELS; v++)
        t.to[v] = blend(from, (uint8_t)v, f);
    map_bytes(im, &t);
}

/* Parts of grey that the bytes of each channel are, the half that rounds among them:
 * looking up costs less than a product. */
typedef struct {
    uint32_t of[QVL_IMAGE_CHANNELS][LEVELS];
} grey_parts;

static grey_parts fill_grey(void)
{
    grey_parts t;
    for (uint32_t v = 0; v < LEVELS; v++) {
        t.of[0][v] = 19595 * v + 32768;
        t.of[1][v] = 38470 * v;
        t.of[2][v] = 7471 * v;
    }
    return t;
}

static uint8_t grey_of(const grey_parts *t, const uint8_t *p)
{
    return (uint8_t)((t->of[0][p[0]] + t->of[1][p[1]] + t->of[2][p[2]]) >> 16);
}

void qvl_image_brightness(qvl_image *im, double factor)
{
    assert(im->pixel != NULL);

    blend_value(im, 0, factor);
}

void qvl_image_contrast(qvl_image *im, double factor)
{
    assert(im->pixel != NULL);

    size_t bytes = qvl_image_bytes(im);
    uint64_t n = bytes / QVL_IMAGE_CHANNELS;
    uint64_t sum = 0;
    grey_parts grey = fill_grey();
    for (size_t i = 0; i < bytes; i += QVL_IMAGE_CHANNELS)
        sum += grey_of(&grey, im->pixel + i);
    blend_value(im, (uint8_t)((2 * sum + n) / (2 * n)), factor);
}

/* One table for each grey level. */
void qvl_image_saturation(qvl_image *im, double factor)
{
    assert(im->pixel != NULL);

    float f = factor_of(factor);
    table blended[LEVELS];
    grey_parts grey = fill_grey();
    for (int from = 0; from < LEVELS; from++)
        for (int v = 0; v < LEVELS; v++)
            blended[from].to[v] = blend((uint8_t)from, (uint8_t)v, f);
    uint8_t *p = im->pixel;
    size_t n = qvl_image_bytes(im);
    for (size_t i = 0; i < n; i += QVL_IMAGE_CHANNELS, p += QVL_IMAGE_CHANNELS) {
        const table *t = &blended[grey_of(&grey, p)];
        for (int c = 0; c < QVL_IMAGE_CHANNELS; c++)
            p[c] = t->to[p[c]];
    }
}

/* ---- sharpness ---------------------------------------------------------- */

typedef struct {
    // borrowed
    qvl_image *im;
    // owned
    qvl_arena arena;
    uint8_t *above;   // [w, 3] row above, as it was
    uint8_t *middle;  // [w, 3] row that is being changed, as it was
    uint8_t *smooth;  // [w, 3]
    uint16_t *sum;    // [w, 3] of the three rows
    float factor;
} sharpener;

/* Smoothed row from the sums of columns; the first and last pixel are not
 * written. (5042 v) >> 16 = floor(v / 13) for v < 6553; the sum of all weights
 * times 255 is 3315. */
static void smooth_row(uint8_t *restrict smooth, const uint8_t *restrict row,
                       const uint16_t *restrict sum, size_t n)
{
    const size_t next = QVL_IMAGE_CHANNELS;
    for (size_t i = next; i + next < n; i++) {
        uint16_t v = (uint16_t)(sum[i - next] + sum[i] + sum[i + next]
                                + 4 * row[i] + 6);
        smooth[i] = (uint8_t)(5042u * v >> 16);
    }
}

static void sum_rows(uint16_t *restrict sum, const uint8_t *restrict a,
                     const uint8_t *restrict b, const uint8_t *restrict c,
                     size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] = (uint16_t)(a[i] + b[i] + c[i]);
}

static int sharpen(void *arg)
{
    sharpener *s = arg;
    size_t n = (size_t)s->im->w * QVL_IMAGE_CHANNELS;
    s->above = qvl_arena_array(&s->arena, uint8_t, n);
    s->middle = qvl_arena_array(&s->arena, uint8_t, n);
    s->smooth = qvl_arena_array(&s->arena, uint8_t, n);
    s->sum = qvl_arena_array(&s->arena, uint16_t, n);
    memcpy(s->above, s->im->pixel, n);
    for (int y = 1; y + 1 < s->im->h; y++) {
        uint8_t *row = qvl_image_row(s->im, y);
        memcpy(s->middle, row, n);
        sum_rows(s->sum, s->above, s->middle, row + n, n);
        smooth_row(s->smooth, s->middle, s->sum, n);
        if (n > 2 * QVL_IMAGE_CHANNELS)
            blend_run(row + QVL_IMAGE_CHANNELS, s->smooth + QVL_IMAGE_CHANNELS,
                      n - 2 * QVL_IMAGE_CHANNELS, s->factor);
        uint8_t *last = s->above;
        s->above = s->middle;
        s->middle = last;
    }
    return QVL_OK;
}

int qvl_image_sharpness(qvl_image *im, double factor, qvl_err *err)
{
    assert(im->pixel != NULL);

    sharpener s = { .im = im, .factor = factor_of(factor) };
    int rc = qvl_guard(sharpen, &s, err);
    qvl_arena_release(&s.arena);
    return rc;
}

/* ---- histograms --------------------------------------------------------- */

typedef struct {
    uint64_t of[LEVELS];
} histogram;

/* Of each channel, [3]. */
static void count_levels(histogram *h, const qvl_image *im)
{
    memset(h, 0, QVL_IMAGE_CHANNELS * sizeof *h);
    size_t n = qvl_image_bytes(im);
    for (size_t i = 0; i < n; i += QVL_IMAGE_CHANNELS)
        for (int c = 0; c < QVL_IMAGE_CHANNELS; c++)
            h[c].of[im->pixel[i + (size_t)c]]++;
}

/* The value where `cut` pixels have been passed, from `v` in steps of `step`;
 * outside 0..255 when that are all. */
static int pass(const histogram *h, uint64_t cut, int v, int step)
{
    for (; v >= 0 && v < LEVELS; v += step) {
        if (cut < h->of[v])
            return v;
        cut -= h->of[v];
    }
    return v;
}

static table stretch(const histogram *h, uint64_t cut)
{
    table t = same_table();
    int lo = pass(h, cut, 0, 1);
    int hi = pass(h, cut, LEVELS - 1, -1);
    if (hi <= lo)
        return t;
    for (int v = 0; v < LEVELS; v++) {
        int inside = v < lo ? lo : v > hi ? hi : v;
        t.to[v] = (uint8_t)(255 * (inside - lo) / (hi - lo));
    }
    return t;
}

void qvl_image_auto_contrast(qvl_image *im, double cutoff_percent)
{
    assert(im->pixel != NULL && cutoff_percent >= 0.0
           && cutoff_percent <= 100.0);

    size_t n = qvl_image_bytes(im) / QVL_IMAGE_CHANNELS;
    uint64_t cut = (uint64_t)((double)n * cutoff_percent / 100.0);
    histogram h[QVL_IMAGE_CHANNELS];
    table t[QVL_IMAGE_CHANNELS];
    count_levels(h, im);
    for (int c = 0; c < QVL_IMAGE_CHANNELS; c++)
        t[c] = stretch(&h[c], cut);
    map_channels(im, t);
}

static table flatten(const histogram *h, uint64_t n)
{
    table t = same_table();
    int last = pass(h, 0, LEVELS - 1, -1);
    uint64_t step = (n - h->of[last]) / 255;
    if (step == 0)
        return t;
    uint64_t below = 0;
    for (int v = 0; v < LEVELS; v++) {
        uint64_t to = (step / 2 + below) / step;
        t.to[v] = (uint8_t)(to < 255 ? to : 255);
        below += h->of[v];
    }
    return t;
}

void qvl_image_equalize(qvl_image *im)
{
    assert(im->pixel != NULL);

    histogram h[QVL_IMAGE_CHANNELS];
    table t[QVL_IMAGE_CHANNELS];
    count_levels(h, im);
    for (int c = 0; c < QVL_IMAGE_CHANNELS; c++)
        t[c] = flatten(&h[c], qvl_image_bytes(im) / QVL_IMAGE_CHANNELS);
    map_channels(im, t);
}
