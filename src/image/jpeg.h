/* jpeg.h - JPEG files, baseline and progressive
 *
 * The decoder is libjpeg-turbo with its accurate integer DCT and smooth chroma
 * upsampling, whose pixels equal those of Pillow; a build without it takes
 * stb_image, whose pixels differ by some units and which is for trusted files
 * only. Colours come out as Pillow's convert("RGB") gives them:
 *   grey         the same value three times
 *   CMYK, YCCK   read as Adobe writes them, inverted, then black multiplied in
 *
 * A file that ends early or whose pixels are damaged is refused, not filled up
 * with grey. Bytes between its parts and after its end are not looked at.
 */
#ifndef QVL_IMAGE_JPEG_H
#define QVL_IMAGE_JPEG_H

#include <stdbool.h>
#include <stddef.h>

#include "image/file.h"
#include "image/image.h"

/* What the segments before the first scan say. */
typedef struct {
    int h, w;
    int orientation;  // 1 to 8
    size_t n_blocks;  // of 8 x 8 samples, in the colour that has the fewest
} qvl_jpeg;

bool qvl_jpeg_is(const qvl_image_file *file);

/* Read these segments. Fails with QVL_E_DATA. */
int qvl_jpeg_read(qvl_jpeg *jpeg, const qvl_image_file *file, qvl_err *err);

/* Has the file a bit for each block? Less is only possible where arithmetic coding
 * meets a picture of one colour, and is refused: else a few bytes could ask for the
 * memory of the largest picture. Fails with QVL_E_DATA. */
int qvl_jpeg_check_room(const qvl_jpeg *jpeg, const qvl_image_file *file,
                        qvl_err *err);

/* Scans that a file may have. Each goes over the whole picture at the price of a few
 * bytes: 500, fewer of pictures above 8 million pixels, and never less than 32. Real
 * files have about ten. */
int qvl_jpeg_most_scans(const qvl_jpeg *jpeg);

/* Decode what qvl_jpeg_read found. Fails with QVL_E_DATA or QVL_E_MEMORY. */
int qvl_jpeg_decode(qvl_image *im, const qvl_jpeg *jpeg,
                    const qvl_image_file *file, qvl_err *err);

/* Library of this build: "libjpeg-turbo" or "stb_image". */
const char *qvl_jpeg_decoder(void);

#endif
