/* exif.h - which way up a camera was held
 *
 * Reads one number out of an EXIF block (a TIFF file in small: byte order, then
 * a directory of tags) and nothing else of it. Files hold damaged blocks often
 * enough, so a block that cannot be read says nothing: its picture stays as it
 * is stored. No offset found in a block is trusted.
 */
#ifndef QVL_IMAGE_EXIF_H
#define QVL_IMAGE_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* Orientation in a block that starts with its byte order mark: 1 to 8, and 1
 * where none is said or the block is damaged.
 *
 *   p  [len] bytes; may be NULL when len is 0 */
int qvl_exif_orientation(const uint8_t *p, size_t len);

#endif
