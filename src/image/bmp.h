/* bmp.h - BMP files of 24 and 32 bits a pixel, not compressed
 *
 * Alpha is dropped: Pillow's mode of such a file is RGB. Palettes, run lengths
 * and unusual orders of the colours are refused.
 */
#ifndef QVL_IMAGE_BMP_H
#define QVL_IMAGE_BMP_H

#include <stdbool.h>

#include "image/file.h"
#include "image/image.h"

typedef struct {
    int h, w;
    bool top_first;      // else the last row stands first
    size_t pixel_bytes;  // 3 or 4: blue, green, red, nothing
    size_t row_bytes;
    size_t pixels_at;
} qvl_bmp;

bool qvl_bmp_is(const qvl_image_file *file);

/* Check the header, and that all pixels are there. Fails with QVL_E_DATA. */
int qvl_bmp_read(qvl_bmp *bmp, const qvl_image_file *file, qvl_err *err);

/* Decode what qvl_bmp_read found. Fails with QVL_E_MEMORY. */
int qvl_bmp_decode(qvl_image *im, const qvl_bmp *bmp,
                   const qvl_image_file *file, qvl_err *err);

#endif
