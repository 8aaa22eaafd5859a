/* file.h - a picture file in memory, as the readers of each format get it */
#ifndef QVL_IMAGE_FILE_H
#define QVL_IMAGE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Borrowed for the call. */
typedef struct {
    const uint8_t *p;  // [len]
    size_t len;
    const char *name;  // for messages
} qvl_image_file;

/* Fail with "picture (NAME): " before the message; returns QVL_E_DATA. */
int qvl_image_file_fail(const qvl_image_file *file, qvl_err *err,
                        const char *fmt, ...) QVL_PRINTF(3, 4);

#endif
