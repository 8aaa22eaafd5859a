/* image.h - a picture: rows of red, green, blue bytes
 *
 * Every picture of the program has this one form, whatever its file was. Rows
 * follow each other without gaps, the top row first. Pixels live on the heap,
 * since a picture is large and rarely outlives the step that needs it.
 *
 * Who asks a function for a new picture releases it; what the struct held before is
 * overwritten, not released.
 */
#ifndef QVL_IMAGE_H
#define QVL_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define QVL_IMAGE_CHANNELS 3

/* A zeroed struct is no picture. */
typedef struct {
    int h, w;
    uint8_t *pixel;  // owned; [h, w, 3]
} qvl_image;

/* A picture of h x w pixels, each > 0, whose content is undefined. Fails with
 * QVL_E_MEMORY. */
int qvl_image_init(qvl_image *im, int h, int w, qvl_err *err);
void qvl_image_release(qvl_image *im);

/* Bytes of all pixels. */
size_t qvl_image_bytes(const qvl_image *im);

/* First byte of a row. */
uint8_t *qvl_image_row(const qvl_image *im, int y);

/* Turn a picture as an EXIF orientation (1 to 8) says, so that its first row is
 * the one that belongs on top. On QVL_E_MEMORY im is unchanged. */
int qvl_image_orient(qvl_image *im, int orientation, qvl_err *err);

#endif
