/* colour.h - brightness, contrast, hue, histograms and sharpness of pictures
 *
 * Each function changes a picture in place, pixel by pixel or by its own
 * histogram; nothing moves, nothing is drawn at random. Bytes go in and come
 * out, and are the same on every machine: sums are whole numbers, or single
 * precision with one rounding a step. Parameters that mean "as it is" (a factor
 * of 1, a hue of 0) leave every byte alone. A parameter that is not finite or
 * outside the range below is the caller's mistake and asserted; where a value
 * comes from a file, who read it has checked it.
 *
 * The grey level of a pixel is (299 R + 587 G + 114 B) / 1000, rounded, with
 * weights of 16 bits as Pillow has them:
 *
 *     grey = (19595 R + 38470 G + 7471 B + 32768) >> 16
 *
 * It is the nearest whole number, but for quotients within 0.001 of a half.
 *
 * A blend goes from one value to another and past both, and is cut off, not
 * rounded, as Pillow does it:
 *
 *     blend(from, to, f) = clamp(trunc(from + f (to - from)), 0, 255)
 *
 * in single precision, the product rounded, then the sum. Brightness, contrast,
 * saturation, sharpness, equalize, solarize and posterize equal Pillow's
 * ImageEnhance and ImageOps bit for bit.
 */
#ifndef QVL_IMAGE_COLOUR_H
#define QVL_IMAGE_COLOUR_H

#include "base/err.h"
#include "image/image.h"

/* Largest magnitude of a factor, of gain, saturation and value. */
#define QVL_COLOUR_MAX_FACTOR 1e4

/* blend(0, value, factor): 0 is black. */
void qvl_image_brightness(qvl_image *im, double factor);

/* blend(mean, value, factor): 0 is the mean grey level of the picture, rounded,
 * halves up. */
void qvl_image_contrast(qvl_image *im, double factor);

/* blend(grey, value, factor) with the grey level of the pixel itself: 0 is the
 * grey picture. */
void qvl_image_saturation(qvl_image *im, double factor);

/* blend(smooth, value, factor): 0 is a smoothed picture, above 1 is sharper.
 *
 *     smooth = rnd(sum over 3 x 3 of weight * value / 13)
 *
 * with weight 5 in the middle and 1 around it; pixels of the border are as they
 * are. Fails with QVL_E_MEMORY, the picture unchanged. */
int qvl_image_sharpness(qvl_image *im, double factor, qvl_err *err);

/* rnd(255 * gain * (value / 255)^gamma), clamped; rnd takes halves to even.
 * gamma > 0, gain >= 0. */
void qvl_image_gamma(qvl_image *im, double gamma, double gain);

/* Turn the hue by so many degrees (red towards yellow), multiply saturation and
 * value, clipped at 1. With R, G, B of a pixel, all >= 0:
 *
 *     V = max(R, G, B);  C = V - min(R, G, B);  S = C / V
 *     H = (G - B) / C,  2 + (B - R) / C,  4 + (R - G) / C
 *         where the first, second, third of R, G, B is the largest, in this order
 *     V' = min(255, V value);  C' = V' min(1, S saturation);  H' = H + hue / 60
 *     out_n = V' - C' clamp(min(k, 4 - k), 0, 1),  k = (n + H') mod 6
 *
 * for n = 5, 3, 1: red, green, blue, rounded, halves up. H has 12 bits behind the
 * point, C' 8. saturation, value >= 0. */
void qvl_image_hsv(qvl_image *im, double hue_deg, double saturation,
                   double value);

/* Equalise the lightness L* of tiles, with limited contrast; a* and b* stay.
 *
 * The picture is cut into rows x cols tiles, tile k of n on a side of s pixels
 * covering those from floor(k s / n) on; there is no more than one tile a pixel.
 * The level of a pixel is rnd(255 L* / 100). In the histogram of a tile of `area`
 * pixels, what is above max(1, floor(clip_limit * area / 256)) is cut off and
 * spread evenly over all 256 levels, once; then
 *
 *     map(level) = rnd(255 * (pixels of the tile at or below level) / area)
 *
 * A pixel is mapped by the four tiles whose centres are around it, bilinear, by the
 * outer ones beyond them, and its L* grows by 100 / 255 for each level it is moved
 * up; a pixel whose level stays keeps its bytes. Lightness is that of CIE
 * L*a*b* of sRGB with white D65; colours that sRGB lacks are clipped.
 *
 * clip_limit > 0, infinity for no limit; rows, cols > 0. Fails with QVL_E_MEMORY,
 * the picture unchanged. */
typedef struct {
    double clip_limit;
    int rows, cols;
} qvl_clahe;
int qvl_image_clahe(qvl_image *im, const qvl_clahe *how, qvl_err *err);

/* Stretch each channel so that it spans 0..255, after floor(cutoff_percent / 100 *
 * pixels) pixels at either end are left out of sight. With lo < hi what remains:
 *
 *     clamp(floor(255 (value - lo) / (hi - lo)), 0, 255)
 *
 * A channel with lo = hi, or of which nothing remains, stays. Pillow's is up to
 * one lower where its fractions fall below a whole number. cutoff 0..100. */
void qvl_image_auto_contrast(qvl_image *im, double cutoff_percent);

/* Equalise the histogram of each channel. With `last` the pixels of its highest
 * value, and below(v) those under v:
 *
 *     step = floor((pixels - last) / 255)
 *     v -> min(255, floor((floor(step / 2) + below(v)) / step))
 *
 * A channel with step 0 stays. */
void qvl_image_equalize(qvl_image *im);

/* 255 - value where value >= threshold, 0..256. */
void qvl_image_solarize(qvl_image *im, int threshold);

/* Keep the high bits of each value, 1..8 of them. */
void qvl_image_posterize(qvl_image *im, int bits);

#endif
