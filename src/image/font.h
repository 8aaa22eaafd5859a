/* font.h - letters as strokes
 *
 * A glyph is a few polylines on a grid: columns from 0 to at most 6, the top of
 * capitals at row 0, the baseline at row 8, tails down to row 10. Drawn with a
 * pen about one unit wide they stay readable at any size, and need no font
 * file. ASCII is there; of any other character a box with its code in hex, 7 or 10
 * columns wide.
 */
#ifndef QVL_IMAGE_FONT_H
#define QVL_IMAGE_FONT_H

#include <stdbool.h>
#include <stdint.h>

#define QVL_FONT_BASELINE 8
#define QVL_FONT_TAIL 2   // rows below the baseline
#define QVL_FONT_SPACE 2  // columns between two glyphs

/* Most points of one polyline. */
#define QVL_FONT_MAX_POINTS 24

/* Take the next character of a UTF-8 text and move *text behind it; 0 at the
 * end. A byte that begins none is taken as U+FFFD. */
uint32_t qvl_font_next(const char **text);

/* Is there a glyph, not just a box? */
bool qvl_font_has(uint32_t code);

/* Last column of a character: 0 for a single upright stroke. */
int qvl_font_width(uint32_t code);

/* Polyline number k of a character.
 *
 *   x, y   out [QVL_FONT_MAX_POINTS] in units of the grid
 *
 * Returns its points; 1 is a dot, 0 means that there is no such polyline. */
int qvl_font_stroke(uint32_t code, int k, double *x, double *y);

#endif
