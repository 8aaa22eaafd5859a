/* import.h - annotations of other formats to records
 *
 * COCO instances and LVIS: one JSON file with the lists images, annotations and
 * categories, in any order. A picture with an annotation that is kept becomes a record
 * (data/record.h), in the order of `images`; its objects have that of `annotations`.
 *
 *     box       x, y, w, h to corners, rounded to a millionth of a pixel (so that sums
 *               of decimals stay decimals), clipped to the picture
 *     polygon   where asked for: the ring of the segmentation with the largest area,
 *               the first of equals, without points that repeat the one before them,
 *               clipped to the picture. The box stands for it where there is none: a
 *               mask (RLE), rings without area; and the bounds of the ring where it
 *               has too many points
 *     desc      the name of the category, with the blanks that a desc may have
 *               (qvl_text_make_desc); '_' and all else stays
 *
 * Annotations of crowds are left out, and those whose box lies outside of the picture
 * or is too small after clipping. All that is left out is counted. What is wrong stops:
 * an id that is not there or twice, a field that is missing, a picture without a file.
 *
 * A file is mapped and never a tree as a whole: memory is some 40 bytes an annotation,
 * up to twice that while they are counted, and pictures and categories.
 */
#ifndef QVL_DATA_IMPORT_H
#define QVL_DATA_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "data/geom.h"

typedef enum {
    QVL_IMPORT_COCO,  // pictures have a file_name
    QVL_IMPORT_LVIS   // or else are called as the last two parts of their coco_url
                      // say, FOLDER/NAME, or as its last part alone where there is
                      // no such file
} qvl_import_format;

/* How many pictures are done, of how many. */
typedef void qvl_import_progress(void *ctx, size_t n_done, size_t n);

typedef struct {
    qvl_import_format format;
    const char *path;      // the annotations
    const char *pictures;  // folder that names of files count from
    const char *folder;    // of the records: their names of pictures are relative to
                           // it as far as can be (qvl_folder_relative)
    bool has_polygons;     // take them, else boxes alone
    int poly_max_points;   // of a polygon; 0: any number
    double min_size_px;    // >= 0; a box with a side below that is too small, one
                           // without width or height always
    int n_threads;         // 0: as many as there are processors
    qvl_import_progress *on_progress;  // NULL: none
    void *progress_ctx;
} qvl_import_options;

typedef struct {
    size_t n_pictures, n_annotations;  // in the file
    size_t n_records;                  // written
    size_t of_kind[QVL_N_GEOM];        // objects in them
    size_t n_renamed;                  // categories whose desc is not their name
    /* left out: */
    size_t n_empty;                    // pictures without an object to keep
    size_t n_crowd;                    // annotations
    size_t n_outside;
    size_t n_small;
    /* boxes where polygons were asked for: */
    size_t n_masks;                    // RLE
    size_t n_ringless;                 // no ring with an area
    size_t n_many_points;
} qvl_import_counts;

/* Takes a record: a line with its end, borrowed for the call. */
typedef int qvl_import_sink(void *ctx, const char *line, size_t len,
                            qvl_err *err);

/* Read a file and hand on its records, one after the other, the same for any number
 * of threads. counts is set on success. Fails with QVL_E_IO, with QVL_E_FORMAT or
 * QVL_E_DATA and the place for what is wrong or has nothing to keep, with
 * QVL_E_MEMORY, and as the sink does; records may have been handed on before. */
int qvl_import(const qvl_import_options *options, qvl_import_sink *sink,
               void *ctx, qvl_import_counts *counts, qvl_err *err);

#endif
