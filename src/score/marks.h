/* marks.h - objects drawn on a picture: outlines, numbers, labels
 *
 * A box is solid, a polygon dashed, a line has a dot at each of its points. The
 * colour is that of the category. A label over an object has its number, from 1 on,
 * and its category; it lies within the picture and apart from all other labels: below,
 * inside or beside the object where there is no room above. It is the number alone
 * where there is no room for more, or where labels would hide a fifth of the picture;
 * and where there is none beside the object, it stands further away with a line to
 * it. What is marked has a red edge, and "!" in its label.
 */
#ifndef QVL_SCORE_MARKS_H
#define QVL_SCORE_MARKS_H

#include "base/arena.h"
#include "data/record.h"
#include "image/draw.h"
#include "score/category.h"

/* Borrowed for the call. */
typedef struct {
    const qvl_object *object;  // [n]; one without points is passed over
    int n;
    double w, h;               // of the picture, in the units of points; > 0
    const bool *is_marked;     // [n]; NULL: none
} qvl_marks;

/* Draw all objects. A line is 2 size px wide, capitals of labels are 10 size px high.
 * Texts are drawn in the canvas's font, and what they say is `shown` of the
 * categories, which should have the same. The arena is work space; unwinds out of
 * memory.
 *
 * Returns how many labels found no room and are left out. */
int qvl_marks_draw(qvl_canvas *c, const qvl_marks *marks,
                   qvl_categories *categories, double size, qvl_arena *arena);

/* A stroke from (x0, y) to (x1, y) as objects of this kind have, for a legend. */
void qvl_marks_draw_sample(qvl_canvas *c, qvl_geom_kind kind, double x0,
                           double x1, double y, qvl_colour colour,
                           double size);

#endif
