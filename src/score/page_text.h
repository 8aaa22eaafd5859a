/* page_text.h - the text beside the views of a page; private to page.c
 *
 * It is laid out as lines of one height, so their number says how high it is.
 */
#ifndef QVL_SCORE_PAGE_TEXT_H
#define QVL_SCORE_PAGE_TEXT_H

#include "base/arena.h"
#include "image/draw.h"
#include "score/page.h"

/* What it says, and what stands before and behind. */
typedef struct {
    const char *text;
    const char *counts;            // at the right end, NULL: none
    qvl_colour ink;
    bool is_banner;
    const qvl_category *category;  // its colour in front, NULL: none
    bool has_sample;               // a stroke of `kind` in front
    qvl_geom_kind kind;
} qvl_page_line;

typedef struct {
    // borrowed
    const qvl_page *page;
    qvl_arena *arena;     // of all that follows

    double size;          // of letters, as in score/marks.h
    int w;                // px
    qvl_page_line *line;  // [n]
    int n, cap;
} qvl_page_text;

/* Px of letters and from line to line. */
double qvl_page_text_unit(double size);
int qvl_page_text_line_px(double size);

/* Write the lines, beside views that are views_h px high; n_left_out labels found no
 * room in them. text has page, arena and size. Unwinds out of memory. */
void qvl_page_text_plan(qvl_page_text *text, int views_h, int n_left_out);

void qvl_page_text_draw(const qvl_page_text *text, qvl_canvas *c, int x,
                        int y);

#endif
