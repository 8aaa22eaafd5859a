/* align_picture.h - pictures on their way to another size; private to align
 *
 * A set collects files by their paths; when all are there it is planned as a whole, so
 * that nothing is written before it is known that all can be.
 */
#ifndef QVL_DATA_ALIGN_PICTURE_H
#define QVL_DATA_ALIGN_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "data/align.h"
#include "image/decode.h"

/* What becomes of one picture. */
typedef struct {
    int h, w;                 // px
    qvl_image_format format;
    bool is_copied;           // nothing is to be done
    bool is_renamed;          // the format is another
} qvl_align_plan;

/* Plan a picture. Fails with QVL_E_DATA. */
int qvl_align_plan_picture(qvl_align_plan *plan, const qvl_image_file *file,
                           const qvl_align_options *o, qvl_err *err);

/* The size for pictures of in_h x in_w px, which keeps itself. `name` is for
 * messages. Fails with QVL_E_DATA. */
int qvl_align_plan_size(int *h, int *w, int in_h, int in_w, const char *name,
                        const qvl_size_limits *limits, qvl_err *err);

/* Append the bytes of the new picture, which is not copied. Fails with QVL_E_DATA,
 * QVL_E_MEMORY; out is then unchanged. */
int qvl_align_make(qvl_str *out, const qvl_image_file *file,
                   const qvl_align_plan *plan, const qvl_align_options *o,
                   qvl_err *err);

/* A file of the set. */
typedef struct {
    const char *path;   // where it is
    const char *name;   // of the new one, from the folder of the new records
    const char *target; // path of the new one
    qvl_align_plan plan;
    bool is_twin;       // another entry is the same file and gets its name
} qvl_align_entry;

/* A zeroed struct with its first two fields is an empty set. */
typedef struct {
    // borrowed
    const qvl_align_options *o;
    const char *root;          // folder that old names count from
    // the arena's
    qvl_arena *arena;
    const char *folder;        // of the new records
    qvl_align_entry *entry;    // [n], by path once planned
    size_t n, cap;
} qvl_align_set;

/* Add a path, any number of times. Runs out of host memory as an arena does. */
void qvl_align_set_add(qvl_align_set *set, const char *path);

/* Plan all of them by several threads; err is not NULL. Fails with QVL_E_DATA,
 * QVL_E_IO, and QVL_E_USAGE when a new file is one that is read. */
int qvl_align_set_plan(qvl_align_set *set, int n_threads, qvl_err *err);

/* The planned entry of a path, NULL: it was not added. */
const qvl_align_entry *qvl_align_set_find(const qvl_align_set *set,
                                          const char *path);

/* Write all new files. Fails with QVL_E_IO, QVL_E_DATA, QVL_E_MEMORY. */
int qvl_align_set_write(const qvl_align_set *set, int n_threads, qvl_err *err);

#endif
