/* import_object.h - an annotation as an object of a record; private to import */
#ifndef QVL_DATA_IMPORT_OBJECT_H
#define QVL_DATA_IMPORT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "data/import.h"
#include "data/import_file.h"
#include "data/record.h"

/* What an annotation is read with. */
typedef struct {
    const qvl_import_options *options;
    size_t place;                // of the annotation, for messages
    int w, h;                    // of its picture, px
    qvl_import_counts *counts;   // of what is left out or becomes a box
    qvl_arena *arena;            // of the points
    qvl_err *err;
} qvl_import_reading;

/* Read the geometry of an annotation; *is_kept tells whether there is an object: `out`
 * has no desc yet. Fails with QVL_E_DATA and the place. */
int qvl_import_object(const qvl_import_reading *r, const qvl_import_fields *f,
                      qvl_object *out, bool *is_kept);

/* Clip a ring to the picture of w x h px, side by side (Sutherland and Hodgman): its
 * points, [*n, 2] of the arena, none twice in a row. *n is 0 when nothing is left. A
 * ring that goes out of the picture more than once keeps edges along its border. */
const double *qvl_import_clip(const double *ring, int *n, int w, int h,
                              qvl_arena *arena);

#endif
