/* jpeg_write.h - pictures to JPEG files
 *
 * Baseline, standard Huffman tables, colours at half the width and height, the accurate
 * integer DCT: what programs on this library write unless told otherwise. No EXIF, no
 * profile. Equal pixels and quality give equal bytes with the same libjpeg-turbo; a
 * build without it cannot write JPEG.
 */
#ifndef QVL_IMAGE_JPEG_WRITE_H
#define QVL_IMAGE_JPEG_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Longest side of a JPEG file, px. */
#define QVL_JPEG_MAX_SIDE 65500

/* Can this build write them? */
bool qvl_jpeg_can_encode(void);

/* Append a whole JPEG file.
 *
 *   rgb      [h, w, 3], rows without gaps, the top one first; borrowed
 *   w, h     pixels, each > 0
 *   quality  1 to 100
 *
 * Fails with QVL_E_DATA for a side that is too long, QVL_E_MEMORY, and with
 * QVL_E_UNSUPPORTED where it cannot be done; out is then unchanged. */
int qvl_jpeg_encode(qvl_str *out, const uint8_t *rgb, int w, int h,
                    int quality, qvl_err *err);

#endif
