/* overlay.h - a picture with what was found in it, beside what is there
 *
 * Panels from left to right: the truth where it is known, the prediction, a
 * legend with the categories and how often each is there, was found, and was found at
 * its place: by score/detection.h with the defaults and the mode localization. True
 * objects that were not, and predicted ones that are nowhere, are marked. How they are
 * drawn is said in score/marks.h and score/page.h.
 */
#ifndef QVL_SCORE_OVERLAY_H
#define QVL_SCORE_OVERLAY_H

#include <stdbool.h>

#include "base/err.h"
#include "data/record.h"
#include "image/image.h"
#include "score/page.h"

/* Objects from 0 to 1000; all borrowed for the call. */
typedef struct {
    const qvl_object *truth;  // [n_true]
    int n_true;
    bool has_truth;           // false: there is no such panel
    const qvl_object *pred;   // [n_pred]
    int n_pred;
    const qvl_note *note;     // [n_notes] beside the panels
    int n_notes;
    qvl_categories *categories;  // gets those that are new; NULL: those of this
                                 // picture alone
} qvl_overlay;

/* Draw the panels.
 *
 *   out        a new picture
 *   n_matched  how many were found at their places; may be NULL
 *
 * Fails with QVL_E_MEMORY. */
int qvl_overlay_draw(qvl_image *out, int *n_matched, const qvl_image *picture,
                     const qvl_overlay *overlay, qvl_err *err);

/* The same to a PNG file. Fails with QVL_E_IO as well. */
int qvl_overlay_write(const char *png_path, int *n_matched,
                      const qvl_image *picture, const qvl_overlay *overlay,
                      qvl_err *err);

/* The same from a picture by its path or data: URL. Fails as reading the one and
 * writing the other do. */
int qvl_overlay_save(const char *png_path, const char *picture_name,
                     const qvl_overlay *overlay, qvl_err *err);

#endif
