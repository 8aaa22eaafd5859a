/* png_write.h - pictures to PNG files
 *
 * 8-bit red, green, blue, not interlaced, no other chunks than the format
 * needs. Each row takes the filter whose bytes look cheapest, so drawn pictures
 * become small. Equal pixels give equal bytes with the same zlib.
 */
#ifndef QVL_IMAGE_PNG_WRITE_H
#define QVL_IMAGE_PNG_WRITE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Append a whole PNG file.
 *
 *   rgb   [h, w, 3], rows without gaps, the top one first; borrowed
 *   w, h  pixels, each > 0, w below 2^31 / 3
 *
 * Fails with QVL_E_MEMORY; out is then unchanged. */
int qvl_png_encode(qvl_str *out, const uint8_t *rgb, int w, int h,
                   qvl_err *err);

/* The same to a file, which appears complete or not at all. Fails with
 * QVL_E_IO as well. */
int qvl_png_write(const char *path, const uint8_t *rgb, int w, int h,
                  qvl_err *err);

#endif
