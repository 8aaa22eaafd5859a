/* png.h - PNG files, all kinds of them
 *
 * Pixels come out as Pillow's convert("RGB") gives them:
 *   grey of 1, 2, 4 bits   stretched to 0..255
 *   grey of 16 bits        cut off at 255: the file holds numbers, not light
 *   other kinds, 16 bits   the high byte
 *   palette                looked up; a colour outside it is an error
 *   alpha                  dropped, or over white where Pillow's mode is RGBA:
 *                          colour with alpha, and grey with alpha of 16 bits
 *   tRNS, gamma, profiles  not looked at
 *
 * Checksums are verified, unknown critical chunks refused, and never is more
 * taken out of the compressed data than the size in the header needs.
 */
#ifndef QVL_IMAGE_PNG_H
#define QVL_IMAGE_PNG_H

#include <stdbool.h>

#include "image/file.h"
#include "image/image.h"

/* What the chunks say. */
typedef struct {
    int h, w;
    int depth;          // bits of a sample: 1, 2, 4, 8, 16
    int kind;           // colour type of the format: 0, 2, 3, 4, 6
    bool is_interlaced;
    const uint8_t *palette;  // [n_colours, 3] in the file
    int n_colours;
    size_t data_at;     // first and behind the last chunk of pixels
    size_t data_end;
    size_t end;         // behind the file's last chunk
    int orientation;
} qvl_png;

bool qvl_png_is(const qvl_image_file *file);

/* Walk through the chunks and check what is said there; checksums are left
 * alone. Fails with QVL_E_DATA. */
int qvl_png_read(qvl_png *png, const qvl_image_file *file, qvl_err *err);

/* Decode what qvl_png_read found. Fails with QVL_E_DATA or QVL_E_MEMORY. */
int qvl_png_decode(qvl_image *im, const qvl_png *png,
                   const qvl_image_file *file, bool alpha_on_white,
                   qvl_err *err);

#endif
