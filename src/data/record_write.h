/* record_write.h - records as lines of JSON
 *
 * Parts of a line, in the order of their functions; who writes one closes its map and
 * ends it. Numbers have as few digits as read back the same.
 */
#ifndef QVL_DATA_RECORD_WRITE_H
#define QVL_DATA_RECORD_WRITE_H

#include "base/str.h"
#include "data/record.h"

/* Append {"images": [NAME], "width": W, "height": H */
void qvl_record_put_picture(qvl_str *out, const char *name, int w, int h);

/* Append , "objects": [{"KIND": [x, y, ...], "desc": TEXT}, ...]
 *
 *   object  [n] in px, points finite */
void qvl_record_put_objects(qvl_str *out, const qvl_object *object, int n);

#endif
