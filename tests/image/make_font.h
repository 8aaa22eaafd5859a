/* make_font.h - font files, written for tests
 *
 * An em has 1000 units; letters are 1000 wide, a blank 500. Each font has
 *
 *     A       a square from 100 to 900 with a hole from 300 to 700
 *     O       a ring of curves in the square from 0 to 800
 *     U+4E00  a bar, x 0 to 1000, y 300 to 500
 *     blank
 *
 * and those with quadratic outlines
 *
 *     B       A at half size, moved by 100, 200
 *     L       made of itself, which nothing can draw
 *     P       a bar that is placed by a pair of points that are not there
 */
#ifndef IMAGE_MAKE_FONT_H
#define IMAGE_MAKE_FONT_H

#include "base/str.h"

typedef enum {
    FONT_GLYF,       // characters up to U+FFFF, short places of glyphs
    FONT_GLYF_LONG,  // groups of characters, U+20000 too, as U+4E00
    FONT_CFF,
    FONT_COLLECTION, // FONT_CFF, then FONT_GLYF
    N_FONTS
} font_kind;

void font_write(qvl_str *out, font_kind kind);

#endif
