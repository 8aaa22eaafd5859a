/* make_jpeg.h - JPEG files of one colour, written for tests
 *
 * Every block has the same value, so decoding is exact whatever the transform.
 */
#ifndef IMAGE_MAKE_JPEG_H
#define IMAGE_MAKE_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct {
    int h, w;
    int n_components;  // 1, 3 or 4
    uint8_t value[4];  // of each component
    int adobe;         // transform in an Adobe segment, -1: no such segment
    int n_scans;       // 0: one for all components; else one for each, and
                       // the last one again until there are so many
    const uint8_t *exif;  // [n_exif] behind "Exif"; NULL: no such segment
    size_t n_exif;
} jpeg_source;

void jpeg_write(qvl_str *out, const jpeg_source *s);

#endif
