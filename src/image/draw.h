/* draw.h - lines and text on a picture
 *
 * Coordinates are in pixels, continuous: column i covers i to i + 1, so a line
 * of width 1 along x = 0.5 fills the first column. Edges are smoothed. What
 * lies outside of the picture is left out; a segment with an end that is not
 * finite, or 1e9 and more away, is not drawn. One drawn path never covers itself
 * twice.
 */
#ifndef QVL_IMAGE_DRAW_H
#define QVL_IMAGE_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/face.h"
#include "image/image.h"

typedef struct {
    uint8_t r, g, b;
} qvl_colour;

/* Colours that are told apart easily, on white and on photographs. */
#define QVL_N_COLOURS 20

/* Colour of number i >= 0; they repeat after QVL_N_COLOURS. */
qvl_colour qvl_draw_colour(int i);

/* Black or white, whichever is easier to read on a colour. */
qvl_colour qvl_draw_ink(qvl_colour on);

/* A picture that is being drawn on. */
typedef struct {
    // borrowed
    qvl_image *im;
    const qvl_face *face;  // set by the caller: letters of texts come from it,
                           // those it lacks from image/font.h; NULL: all of them
    // owned
    qvl_arena arena;
    uint8_t *cover;        // [h, w] of the path that is being drawn
} qvl_canvas;

/* Draw on a picture until release; it stays the caller's. Fails with
 * QVL_E_MEMORY. */
int qvl_canvas_init(qvl_canvas *c, qvl_image *im, qvl_err *err);
void qvl_canvas_release(qvl_canvas *c);

/* Fill whole pixels from (x0, y0) up to (x1, y1), without the last ones;
 * alpha is 0 to 1. */
void qvl_draw_fill(qvl_canvas *c, int x0, int y0, int x1, int y1,
                   qvl_colour colour, double alpha);

/* Copy a picture to (x, y). */
void qvl_draw_image(qvl_canvas *c, int x, int y, const qvl_image *from);

typedef struct {
    qvl_colour colour;
    double alpha;     // 0 to 1
    double width_px;  // > 0
    double dash_px;   // length of dashes and gaps; 0: solid
    bool is_closed;   // back to the first point
} qvl_pen;

/* Draw a polyline.
 *
 *   point  [n, 2]; one point is a dot */
void qvl_draw_path(qvl_canvas *c, const double *point, int n,
                   const qvl_pen *pen);

/* Draw text, UTF-8, one line. (x, y) is the left end of the top of capitals,
 * `unit` the pixels of an eighth of their height, > 0. Ideographs of a font file
 * stand up to 2 units above. With such a file it unwinds out of memory. */
void qvl_draw_text(qvl_canvas *c, double x, double y, const char *text,
                   double unit, qvl_colour colour);

/* The same upwards: (x, y) is its left end, at the bottom. */
void qvl_draw_text_up(qvl_canvas *c, double x, double y, const char *text,
                      double unit, qvl_colour colour);

/* Its width in pixels, and its height from the top of capitals to the end of
 * tails. face: that of the canvas; the first is without one. */
double qvl_draw_text_width(const char *text, double unit);
double qvl_draw_text_width_in(const qvl_face *face, const char *text,
                              double unit);
double qvl_draw_text_height(double unit);

/* Has every character a letter, in the font file (NULL: none is there) or
 * without? */
bool qvl_draw_has_letters(const qvl_face *face, const char *text);

/* Bytes of the longest beginning of a text that is at most width_px wide. */
size_t qvl_draw_text_bytes(const qvl_face *face, const char *text,
                           double unit, double width_px);

/* The text if it is at most width_px wide, else as much of its beginning as there is
 * room for with "..." behind; "" where that has none. Of the arena. */
const char *qvl_draw_text_fit(const qvl_face *face, const char *text,
                              double unit, double width_px, qvl_arena *arena);

#endif
