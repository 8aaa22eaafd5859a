/* edit.h - what is done to a picture after it is decoded, as a list of steps
 *
 * Who plans the steps needs no pixels: sizes follow from sizes. So lengths and
 * places are known long before a picture is opened, and pixels are touched once.
 */
#ifndef QVL_IMAGE_EDIT_H
#define QVL_IMAGE_EDIT_H

#include "base/arena.h"
#include "base/err.h"
#include "image/image.h"
#include "image/window.h"

typedef enum {
    QVL_EDIT_WARP,    // through an affine map onto a canvas (image/warp.h)
    QVL_EDIT_RESIZE,  // to h x w, bicubic with antialiasing
    QVL_EDIT_CROP,    // to the window
    QVL_EDIT_PAD,     // grey to the right and below, to h x w
    QVL_EDIT_PASTE,   // the window once more, resized to h x w, at (x, y)
    QVL_EDIT_BRIGHTNESS,  // of image/colour.h, v as the function's numbers:
    QVL_EDIT_CONTRAST,
    QVL_EDIT_SATURATION,
    QVL_EDIT_GAMMA,       // gamma, gain
    QVL_EDIT_HSV,         // hue, saturation, value
    QVL_EDIT_CLAHE,       // clip_limit, rows, columns
    QVL_EDIT_AUTO_CONTRAST,
    QVL_EDIT_EQUALIZE,
    QVL_EDIT_SOLARIZE,
    QVL_EDIT_POSTERIZE,
    QVL_EDIT_SHARPNESS
} qvl_edit_kind;

typedef struct {
    qvl_edit_kind kind;
    int h, w;                // WARP, RESIZE, PAD: of the result; PASTE: of the copy
    double inverse[6];       // WARP: a b c d e f, from the result to what was before
    qvl_window window;       // CROP, PASTE: lies inside
    int x, y;                // PASTE: left top, where the copy lies inside
    double v[3];
} qvl_edit_step;

typedef struct {
    int h, w;                   // of the picture it is for
    const qvl_edit_step *step;  // [n_steps]
    int n_steps;
} qvl_edit;

/* Apply all steps to a picture of e->h x e->w pixels. Fails with QVL_E_MEMORY; the
 * picture is then one of those between. */
int qvl_edit_run(qvl_image *im, const qvl_edit *e, qvl_err *err);

/* A list that grows. */
typedef struct {
    qvl_arena *arena;
    qvl_edit_step *step;
    int n, cap;
} qvl_edit_list;

/* Append a step. Unwinds when there is no memory. */
void qvl_edit_put(qvl_edit_list *list, const qvl_edit_step *step);

#endif
