/* overlay.h - a picture with what was found in it, beside what is there
 *
 * Panels from left to right: the truth where it is known, the prediction, a
 * legend with the categories and how often each is there and was found. Boxes
 * are solid, polygons dashed, lines show their points. A colour means a category
 * and mostly stays with it from picture to picture. Labels tell number and desc;
 * where they would lie on each other, or the font lacks the characters, the
 * number alone.
 *
 * Small pictures are enlarged, large ones shrunk, so that labels can be read.
 */
#ifndef QVL_SCORE_OVERLAY_H
#define QVL_SCORE_OVERLAY_H

#include <stdbool.h>

#include "base/err.h"
#include "data/record.h"
#include "image/image.h"

/* Objects from 0 to 1000, borrowed for the call. */
typedef struct {
    const qvl_object *truth;  // [n_true]
    int n_true;
    bool has_truth;           // false: there is no such panel
    const qvl_object *pred;   // [n_pred]
    int n_pred;
} qvl_overlay;

/* Draw the panels. out is a new picture. Fails with QVL_E_MEMORY. */
int qvl_overlay_draw(qvl_image *out, const qvl_image *picture,
                     const qvl_overlay *overlay, qvl_err *err);

/* The same to a PNG file, from a picture by its path or data: URL. Fails as
 * reading the one and writing the other do. */
int qvl_overlay_save(const char *png_path, const char *picture_name,
                     const qvl_overlay *overlay, qvl_err *err);

#endif
