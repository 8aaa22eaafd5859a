/* align.h - records and their pictures at sizes that a model takes as they are
 *
 * Every picture gets the size that image/size.h plans for it, is resized as the default
 * profile does (image/processor.h), and stands upright. The records follow: width,
 * height and coordinates by the exact ratio of each axis (data/record_edit.h); all else
 * of a line stays as it is.
 *
 *     new file      from the folder of the new records the path that the old one has
 *                   from that of the old; parts ".." are left out, and a picture
 *                   elsewhere keeps its whole path without the first slash
 *     its bytes     those of the old file where that is upright and has its size;
 *                   else JPEG for JPEG if this build can write it, and PNG for all
 *                   others, with the name ending so; without EXIF
 *     data: URLs    become data: URLs
 *
 * What comes out, taken as input, comes out again, byte by byte. To that end a size
 * that would not stay is an error: bounds too narrow for the shape of the picture.
 * Nothing that is read is written over, or there is no start.
 */
#ifndef QVL_DATA_ALIGN_H
#define QVL_DATA_ALIGN_H

#include <stddef.h>

#include "base/err.h"
#include "image/size.h"

/* How many pictures are ready, of how many. */
typedef void qvl_align_progress(void *ctx, size_t n_done, size_t n);

typedef struct {
    const char *input;       // the records
    const char *output;      // the new ones
    qvl_size_limits limits;
    int quality;             // of JPEG, 1 to 100
    int n_threads;           // 0: as many as there are processors
    qvl_align_progress *on_progress;  // NULL: none
    void *ctx;
} qvl_align_options;

typedef struct {
    size_t n_records;
    size_t n_pictures;  // files; each counts once, whoever names it
    size_t n_copied;    // of these, byte by byte
    size_t n_renamed;   // with another ending, since they are PNG now
    size_t n_inline;    // data: URLs
} qvl_align_counts;

/* Write the new records and pictures, the same for any number of threads. Pictures come
 * first, each whole; the records appear when all are there. counts is set on success.
 * Fails with QVL_E_USAGE when something would be written over that is read, QVL_E_DATA
 * or QVL_E_FORMAT for a wrong record or picture, for two pictures with one new name
 * and for sizes that would not stay, QVL_E_IO, QVL_E_MEMORY. */
int qvl_align(const qvl_align_options *options, qvl_align_counts *counts,
              qvl_err *err);

#endif
