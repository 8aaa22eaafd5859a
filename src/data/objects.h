/* objects.h - objects between 0 and 1000: their JSON, their way from pixels
 *
 * Answers and the truth they are compared with are lists of objects whose
 * coordinates are relative to the picture, 0 to 1000 on each side (norm1000).
 * As JSON a list reads
 *
 *     [{"type": "bbox_2d", "points": [10, 20, 300, 400], "desc": "a"}, ...]
 *
 * with the types of data/geom.h and the points flat.
 */
#ifndef QVL_DATA_OBJECTS_H
#define QVL_DATA_OBJECTS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "base/str.h"
#include "data/record.h"

#define QVL_NORM_MAX 1000

/* Append a list as JSON.
 *
 *   object  [n] with finite points */
void qvl_objects_put(qvl_str *out, const qvl_object *object, int n);

/* Read such a list. "quad" is taken as a poly, points may be pairs. A box may
 * have its corners in any order, points may lie anywhere, desc may be missing
 * (then it is empty); other keys of an object are ignored, as those of a record.
 *
 *   out   [*n], of the arena; its texts are those of the tree
 *   list  a parsed tree
 *
 * Fails with QVL_E_DATA and the place; runs out of host memory as an arena does. */
int qvl_objects_read(const qvl_object **out, int *n, const qvl_node *list,
                     qvl_arena *arena, qvl_err *err);

/* Pixels of a w x h picture to 0..1000: rounded half to even, clamped; w and h are
 * > 0, also where n is 0. The result, [n], belongs to the arena and shares the
 * texts. */
const qvl_object *qvl_objects_to_norm(const qvl_object *object, int n, int w,
                                      int h, qvl_arena *arena);

/* The other way, by v / 1000 * size, without rounding. */
const qvl_object *qvl_objects_to_px(const qvl_object *object, int n, int w,
                                    int h, qvl_arena *arena);

#endif
