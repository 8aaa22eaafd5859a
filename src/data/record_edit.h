/* record_edit.h - a line of JSON with other pictures and another size
 *
 * Names of pictures, width, height and coordinates are replaced where they stand;
 * every other byte of the line stays. Coordinates are multiplied by the ratio of the
 * new side to the old one, v * new / old in this order, so those of the border stay
 * on it; what keeps its ratio keeps its digits.
 */
#ifndef QVL_DATA_RECORD_EDIT_H
#define QVL_DATA_RECORD_EDIT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "data/record.h"

typedef struct {
    const char *const *image;  // [n_images of the record] new names; NULL: as it is
    int w, h;                  // px, of all pictures; 0: as it is, which a record
                               // without a size needs
} qvl_record_changes;

/* Append the line, whose record is that of a reader, without an end.
 *
 *   arena  work space; runs out of host memory as it does
 *
 * Fails with QVL_E_DATA when a point would lie further out of the picture than a
 * record may have it. */
int qvl_record_edit(qvl_str *out, const qvl_json_part *line,
                    const qvl_record *record,
                    const qvl_record_changes *changes, qvl_arena *arena,
                    qvl_err *err);

#endif
