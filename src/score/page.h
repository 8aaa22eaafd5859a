/* page.h - pictures with objects drawn on them, side by side, and what tells of them
 *
 * From left to right: views, each a picture with its objects under a heading; then a
 * column of text: notes, a legend with the categories and how many objects
 * of each there are, and how each kind of geometry is drawn. score/marks.h says
 * how objects look.
 *
 * A picture of less than 480 px is enlarged by a whole factor, one of more than 1920
 * px shrunk to that; lines and letters grow with the larger of the views.
 */
#ifndef QVL_SCORE_PAGE_H
#define QVL_SCORE_PAGE_H

#include "base/err.h"
#include "image/image.h"
#include "score/category.h"
#include "score/marks.h"

/* A picture, and what is drawn on it. */
typedef struct {
    const char *heading;
    const char *column;        // word above the counts of its objects in the
                               // legend; NULL: they are not counted
    const qvl_image *picture;  // NULL: a grey one
    qvl_marks marks;           // marks.w, marks.h: also the size of a grey
                               // picture, px
} qvl_view;

typedef enum {
    QVL_NOTE_TITLE,
    QVL_NOTE_TEXT,
    QVL_NOTE_BANNER,  // white on red
    QVL_NOTE_ALARM,   // red
    QVL_N_NOTES
} qvl_note_kind;

typedef struct {
    qvl_note_kind kind;
    const char *text;  // wrapped; only its beginning when it is very long
} qvl_note;

/* Borrowed for the call. */
typedef struct {
    const qvl_view *view;      // [n_views], at least one
    int n_views;
    const qvl_note *note;      // [n_notes]
    int n_notes;
    const char *column;        // word above the counts of what is not marked in
                               // the first view; NULL: they are not told
    const char *marked;        // what is marked, for the legend; NULL: nothing is
    qvl_categories *categories;  // gets those that are new; its font is the page's
} qvl_page;

/* Draw. out is a new picture. Fails with QVL_E_MEMORY. */
int qvl_page_draw(qvl_image *out, const qvl_page *page, qvl_err *err);

/* Draw to a PNG file. Fails with QVL_E_IO as well. */
int qvl_page_save(const char *png_path, const qvl_page *page, qvl_err *err);

#endif
