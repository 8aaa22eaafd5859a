/* record_line.h - a line of JSONL that is changed and written again
 *
 * What is not changed stays: keys that nobody knows, their order, the spelling of
 * numbers. Blanks between values do not. Changes go into the tree, which is written
 * with qvl_json_put; the record stays as it was read.
 */
#ifndef QVL_DATA_RECORD_LINE_H
#define QVL_DATA_RECORD_LINE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "data/record.h"

/* Text of a line and where it stands; borrowed for the call. */
typedef struct {
    const char *text;  // [len] without its end
    size_t len;
    const char *file;
    int number;        // in the file, 1-based
} qvl_record_source;

/* Belongs to the arena of the call that read it. */
typedef struct {
    qvl_node *root;
    qvl_record record;  // its index is 0
} qvl_record_line;

/* Read a line.
 *
 *   image_root  stands before relative names of pictures in the record
 *
 * Fails as qvl_records_next does, or with QVL_E_MEMORY. This and all functions below
 * run out of host memory as an arena does. */
int qvl_record_line_read(qvl_record_line *l, const qvl_record_source *source,
                         const char *image_root, qvl_arena *arena,
                         qvl_err *err);

/* Write relative names of pictures, those in turns too, with the image_root in front,
 * as the record has them. All other pictures stay as they are. */
void qvl_record_line_rename(qvl_record_line *l, qvl_arena *arena);

/* Write these objects alone, of a record that has objects.
 *
 *   object  [record.n_objects] those of the record; where one is a box and that of the
 *           record is none, the box is written in the place of the geometry
 *   kept    [n_kept] numbers of the objects that stay, ascending */
void qvl_record_line_reduce(qvl_record_line *l, const qvl_object *object,
                            const int *kept, int n_kept, qvl_arena *arena);

/* Add a text to the metadata, which do not have this key; they are made where there
 * are none. Text and key are borrowed as long as the tree lives. */
void qvl_record_line_note(qvl_record_line *l, const char *key, const char *text,
                          qvl_arena *arena);

#endif
