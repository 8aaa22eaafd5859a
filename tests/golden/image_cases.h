/* image_cases.h - stored cases of picture decoding, resizing and cutting
 *
 * A case is a folder: cases.json with the checksums of every picture as it is
 * decoded, resized and cut into patches, the picture files, and perhaps
 * expected.safetensors with some results in full. Compared byte for byte.
 */
#ifndef GOLDEN_IMAGE_CASES_H
#define GOLDEN_IMAGE_CASES_H

#include <stddef.h>

#include "base/err.h"

typedef struct {
    size_t n_compared;
    size_t n_wrong;
    size_t n_left_out;  // JPEG files, in a build whose decoder is another
    char what[256];     // the first that is wrong
} golden_image;

/* Run the case in a folder. Fails when its files cannot be read; a picture that
 * does not hold is counted, not an error. */
int golden_image_case(const char *folder, golden_image *out, qvl_err *err);

#endif
