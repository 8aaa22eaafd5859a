/* colour_hsv.c - hue, saturation and value in whole numbers
 *
 * A sixth of the circle of hues is HUE units, values and chroma have 8 bits behind
 * the point. What depends on one byte of a pixel comes from tables.
 */
#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include "image/colour.h"

#define LEVELS 256
#define HUE_BITS 12
#define HUE (1 << HUE_BITS)
#define CIRCLE (6 * HUE)
#define VALUE_BITS 8

typedef struct {
    int32_t turn;             // added to hues, 0 to CIRCLE - 1
    int32_t inverse[LEVELS];  // 2^24 / C
    int32_t value[LEVELS];    // V' of V
    int32_t chroma[LEVELS];   // C' of V for C = 1, in 2^-14; C' <= V'
} tables;

static int32_t fixed_of(double v, int bits)
{
    return (int32_t)rint(ldexp(v, bits));
}

static void fill_tables(tables *t, double hue_deg, double saturation,
                        double value)
{
    t->turn = fixed_of(fmod(hue_deg, 360.0) / 60.0, HUE_BITS);
    t->turn = (t->turn + CIRCLE) % CIRCLE;
    t->inverse[0] = t->value[0] = t->chroma[0] = 0;
    for (int v = 1; v < LEVELS; v++) {
        double bright = fmin(255.0, v * value);
        t->inverse[v] = (1 << 24) / v;
        t->value[v] = fixed_of(bright, VALUE_BITS);
        t->chroma[v] = fixed_of(fmin(255.0, saturation * bright / v), 14);
    }
}

/* Hue of a pixel whose largest channel is v, the smallest v - c, before it is
 * turned: 0 to CIRCLE. */
static int32_t hue_of(const tables *t, const uint8_t *p, int v, int c)
{
    int from = v == p[0] ? p[1] - p[2] : v == p[1] ? p[2] - p[0] : p[0] - p[1];
    int third = v == p[0] ? 0 : v == p[1] ? 2 * HUE : 4 * HUE;
    int32_t part = (from * t->inverse[c] + (1 << 11)) >> (24 - HUE_BITS);
    int32_t hue = third + part + t->turn;
    hue += hue < 0 ? CIRCLE : 0;
    return hue >= CIRCLE ? hue - CIRCLE : hue;
}

/* Channel n: value less the part of the chroma that its hue leaves out. */
static uint8_t channel(int n, int32_t hue, int32_t value, int32_t chroma)
{
    int32_t k = hue + n * HUE;
    k = k >= CIRCLE ? k - CIRCLE : k;
    k = k < 4 * HUE - k ? k : 4 * HUE - k;
    k = k < 0 ? 0 : k > HUE ? HUE : k;
    const int bits = VALUE_BITS + HUE_BITS;
    return (uint8_t)((value * HUE - chroma * k + (1 << (bits - 1))) >> bits);
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static void change_pixel(const tables *t, uint8_t *p)
{
    int v = max_int(max_int(p[0], p[1]), p[2]);
    int c = v - min_int(min_int(p[0], p[1]), p[2]);
    int32_t hue = hue_of(t, p, v, c);
    int32_t value = t->value[v];
    int32_t chroma = min_int((c * t->chroma[v]) >> (14 - VALUE_BITS), value);
    p[0] = channel(5, hue, value, chroma);
    p[1] = channel(3, hue, value, chroma);
    p[2] = channel(1, hue, value, chroma);
}

static bool is_factor(double v)
{
    return v >= 0.0 && v <= QVL_COLOUR_MAX_FACTOR;
}

void qvl_image_hsv(qvl_image *im, double hue_deg, double saturation,
                   double value)
{
    assert(im->pixel != NULL && isfinite(hue_deg) && is_factor(saturation)
           && is_factor(value));

    if (fmod(hue_deg, 360.0) == 0.0 && saturation == 1.0 && value == 1.0)
        return;
    tables t;
    fill_tables(&t, hue_deg, saturation, value);
    size_t n = qvl_image_bytes(im);
    for (size_t i = 0; i < n; i += QVL_IMAGE_CHANNELS)
        change_pixel(&t, im->pixel + i);
}
