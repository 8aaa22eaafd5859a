/* decode.h - picture files to pixels
 *
 * JPEG (baseline, progressive), PNG and BMP, told apart by content. Whatever is
 * in the file, 8-bit red, green and blue come out, equal to those of Pillow's
 * convert("RGB") bit for bit (JPEG: see qvl_image_jpeg_decoder).
 *
 * Two habits differ between programs that prepare pictures, so both are
 * explicit: the EXIF orientation is applied or not, transparent pixels lose
 * their alpha or are laid over white. Orientation stands in a JPEG's EXIF
 * segment or a PNG's eXIf chunk; other places (XMP, text chunks) do not count.
 *
 * A file that is cut, damaged, of another kind or larger than the limit is
 * QVL_E_DATA naming it; nothing is guessed or filled up. The size is checked
 * before any memory is taken for it.
 */
#ifndef QVL_IMAGE_DECODE_H
#define QVL_IMAGE_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "image/file.h"
#include "image/image.h"

/* Where Pillow takes a picture for an attack. */
#define QVL_IMAGE_MAX_PIXELS 178956970
#define QVL_IMAGE_MAX_SIDE (1 << 24)

/* A zeroed struct is the default profile. */
typedef struct {
    bool as_stored;       // leave the EXIF orientation alone
    bool alpha_on_white;  // where Pillow's mode is RGBA; else alpha is dropped
    size_t max_pixels;    // 0: QVL_IMAGE_MAX_PIXELS
} qvl_decode_options;

/* Kinds of files. */
typedef enum { QVL_IMAGE_JPEG, QVL_IMAGE_PNG, QVL_IMAGE_BMP } qvl_image_format;

/* What a file says before its pixels. */
typedef struct {
    qvl_image_format format;
    int h, w;         // upright, as decoding gives them by default
    int orientation;  // 1 to 8 as stored; 1: no turn is needed
} qvl_image_head;

/* Read it, without decoding. Fails with QVL_E_DATA. */
int qvl_image_read_head(qvl_image_head *head, const qvl_image_file *file,
                        qvl_err *err);

/* Decode a file in memory to a new picture. options may be NULL. Fails with
 * QVL_E_DATA or QVL_E_MEMORY. */
int qvl_image_decode(qvl_image *im, const qvl_image_file *file,
                     const qvl_decode_options *options, qvl_err *err);

/* Height and width that decoding would give, from the structure of the file:
 * costs no decoding. */
int qvl_image_measure(int *h, int *w, const qvl_image_file *file,
                      const qvl_decode_options *options, qvl_err *err);

/* The same for a path; fails with QVL_E_IO as well. The file is mapped while
 * it is read (base/file.h). */
int qvl_image_load(qvl_image *im, const char *path,
                   const qvl_decode_options *options, qvl_err *err);
int qvl_image_load_size(int *h, int *w, const char *path,
                        const qvl_decode_options *options, qvl_err *err);

/* What decodes JPEG in this build: "libjpeg-turbo", equal to Pillow, or
 * "stb_image", some units off. */
const char *qvl_image_jpeg_decoder(void);

#endif
