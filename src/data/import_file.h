/* import_file.h - a COCO or LVIS file and where its parts lie; private to import
 *
 * Pictures and categories are read. Of annotations only the place and the picture is
 * known: they are parsed when their picture's turn comes.
 */
#ifndef QVL_DATA_IMPORT_FILE_H
#define QVL_DATA_IMPORT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/node.h"

typedef struct {
    const char *name;   // of its file in the folder of pictures
    const char *other;  // where it is if it is not there; NULL: nowhere
    int w, h;           // px
    int line, col;      // in the file
} qvl_import_picture;

typedef struct {
    const char *p;      // [len] in the map
    uint32_t len;
    int line, col;
    int64_t picture;    // its place; while the file is read its id
} qvl_import_annotation;

/* What an annotation says; NULL: nothing. */
typedef struct {
    qvl_node at;        // where it begins, for messages
    const qvl_node *category_id, *bbox, *iscrowd;
    const qvl_node *segmentation;  // where it is asked for
} qvl_import_fields;

/* An id and the place of what has it. */
typedef struct {
    int64_t id;
    size_t place;
} qvl_import_id;

typedef struct {
    const char *path;   // borrowed
    bool has_urls;      // pictures may be named by coco_url
    // owned
    qvl_file_map map;
    qvl_arena arena;
    qvl_arena scratch;  // of what is being read
    qvl_import_annotation *annotation;  // [n_annotations], in the order of the file
    size_t n_annotations, annotation_cap;
    // the arena's
    qvl_import_picture *picture;  // [n_pictures]
    qvl_import_id *picture_id;    // [n_pictures]
    size_t n_pictures, picture_cap;
    const char **desc;            // [n_categories]
    qvl_import_id *category_id;   // [n_categories]
    size_t n_categories, category_cap;
    size_t n_renamed;             // categories
    uint32_t *order;              // [n_annotations] by picture, then as in the file
    size_t *first;                // [n_pictures + 2]: where those of a picture begin
                                  // in `order`; twice at the end, where they all end
} qvl_import_file;

/* Read a file into a struct that is zeroed but for `path` and `has_urls`. Fails with
 * QVL_E_IO, QVL_E_FORMAT, QVL_E_DATA, QVL_E_MEMORY. Close it either way. */
int qvl_import_file_open(qvl_import_file *f, qvl_err *err);
void qvl_import_file_close(qvl_import_file *f);

/* Description of a category; NULL: the file has none with this id. */
const char *qvl_import_desc(const qvl_import_file *f, int64_t id);

/* Read the fields of annotation i, into the arena. Fails with QVL_E_FORMAT,
 * QVL_E_MEMORY, *out as it was. */
int qvl_import_read(const qvl_import_file *f, size_t i, bool has_segmentation,
                    qvl_import_fields *out, qvl_arena *arena, qvl_err *err);

#endif
