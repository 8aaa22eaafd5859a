/* picture.h - a picture by what a record calls it: a path, or a data: URL; and
 * http and https URLs made to data: URLs
 *
 * Of data: URLs there is one form, data:TYPE;base64,BYTES. The type is not
 * looked at: the bytes say what they are.
 */
#ifndef QVL_DATA_PICTURE_H
#define QVL_DATA_PICTURE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "data/fetch.h"
#include "image/decode.h"
#include "image/image.h"

bool qvl_picture_is_data(const char *name);

/* How messages call it: the path, or "data: URL". */
const char *qvl_picture_name(const char *name);

/* Download a picture: *name becomes a data: URL of the arena. Fails as qvl_fetch
 * does; *name is unchanged then. */
int qvl_picture_fetch(const char **name, const char *url,
                      const qvl_fetch_limits *limits, qvl_arena *arena,
                      qvl_err *err);

/* The bytes of a picture, borrowed from `file` until it is closed. */
typedef struct {
    qvl_image_file file;  // .p [.len]
    // owned
    qvl_file_map map;     // of a path
    void *bytes;          // of a data: URL
} qvl_picture_file;

/* Open one by its name, which is kept. Fails with QVL_E_IO, QVL_E_DATA (an URL that
 * is no base64), QVL_E_MEMORY. */
int qvl_picture_open(qvl_picture_file *f, const char *name, qvl_err *err);
void qvl_picture_close(qvl_picture_file *f);

/* Bytes as a data: URL of the arena. Runs out of host memory as it does. */
const char *qvl_picture_data(const uint8_t *bytes, size_t n, qvl_arena *arena);

/* Decode to a new picture. options as in image/decode.h. Fails with QVL_E_IO,
 * QVL_E_DATA (also for an URL that is no base64) or QVL_E_MEMORY. */
int qvl_picture_load(qvl_image *im, const char *name,
                     const qvl_decode_options *options, qvl_err *err);

/* Height and width that decoding would give, without it but for the base64. Fails as
 * qvl_picture_load does. */
int qvl_picture_measure(int *h, int *w, const char *name,
                        const qvl_decode_options *options, qvl_err *err);

#endif
