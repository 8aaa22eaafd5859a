/* page.c - views are drawn first, then the page with them and the text */
#include "score/page.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "image/draw.h"
#include "image/png_write.h"
#include "image/resize.h"
#include "score/page_text.h"

/* The longer side of a view, px. */
#define VIEW_LEAST_PX 480
#define VIEW_MOST_PX 1920
/* A view of this has lines and letters of size 1, a longer one larger ones. */
#define VIEW_PLAIN_PX 1120

/* For a size of 1. */
#define GAP_PX 10
#define HEADING_PX 150

static const qvl_colour white = { 255, 255, 255 };
static const qvl_colour black = { 20, 20, 20 };

typedef struct {
    // borrowed
    const qvl_page *p;
    qvl_image *out;
    qvl_err *err;
    // owned
    qvl_arena arena;
    qvl_image *view;    // [n_views] pictures, as large as they are shown
    qvl_image page;
    qvl_canvas canvas;  // on one of them

    double size;        // of lines and letters
    int n_left_out;     // labels
    qvl_page_text text;
} drawing;

static int gap_px(const drawing *d)
{
    return (int)ceil(GAP_PX * d->size);
}

static int open_canvas(drawing *d, qvl_image *im)
{
    QVL_TRY(qvl_canvas_init(&d->canvas, im, d->err));
    d->canvas.face = d->p->categories->face;
    return QVL_OK;
}

/* ---- views -------------------------------------------------------------- */

/* How much a picture of this size is enlarged. */
static double enlargement(double w, double h)
{
    double most = fmax(w, h);
    if (most < VIEW_LEAST_PX)
        return ceil(VIEW_LEAST_PX / most);  // whole: pixels stay even
    return most > VIEW_MOST_PX ? VIEW_MOST_PX / most : 1;
}

static int make_view(drawing *d, int i)
{
    const qvl_view *v = &d->p->view[i];
    const qvl_image *picture = v->picture;
    double w = picture != NULL ? picture->w : v->marks.w;
    double h = picture != NULL ? picture->h : v->marks.h;
    double by = enlargement(w, h);
    int to_w = (int)fmax(1, rint(w * by));
    int to_h = (int)fmax(1, rint(h * by));
    if (picture != NULL)
        return qvl_image_resize(&d->view[i], picture, to_h, to_w,
                                QVL_RESIZE_PILLOW, d->err);
    QVL_TRY(qvl_image_init(&d->view[i], to_h, to_w, d->err));
    memset(d->view[i].pixel, 160, qvl_image_bytes(&d->view[i]));
    return QVL_OK;
}

static void draw_no_picture(drawing *d, const qvl_image *im)
{
    static const char text[] = "no picture";
    double unit = qvl_page_text_unit(d->size);
    double w = qvl_draw_text_width_in(d->canvas.face, text, unit);
    qvl_draw_text(&d->canvas, floor((im->w - w) / 2), floor(im->h / 2.0), text,
                  unit, white);
}

static int draw_view(drawing *d, int i)
{
    const qvl_view *v = &d->p->view[i];
    QVL_TRY(open_canvas(d, &d->view[i]));
    if (v->picture == NULL)
        draw_no_picture(d, &d->view[i]);
    d->n_left_out += qvl_marks_draw(&d->canvas, &v->marks, d->p->categories,
                                    d->size, &d->arena);
    qvl_canvas_release(&d->canvas);
    return QVL_OK;
}

static int draw_views(drawing *d)
{
    int most = 0;
    d->view = qvl_arena_array(&d->arena, qvl_image, d->p->n_views);
    for (int i = 0; i < d->p->n_views; i++) {
        QVL_TRY(make_view(d, i));
        most = d->view[i].w > most ? d->view[i].w : most;
        most = d->view[i].h > most ? d->view[i].h : most;
    }
    d->size = fmax(1, (double)most / VIEW_PLAIN_PX);
    for (int i = 0; i < d->p->n_views; i++)
        QVL_TRY(draw_view(d, i));
    return QVL_OK;
}

/* ---- the page ----------------------------------------------------------- */

/* What a view takes from side to side: also a narrow one has room for its heading. */
static int view_px(const drawing *d, int i)
{
    int least = (int)ceil(HEADING_PX * d->size);
    return d->view[i].w > least ? d->view[i].w : least;
}

/* A page for views and text, the text [*text_x] behind the views. */
static int make_page(drawing *d, int *text_x)
{
    int gap = gap_px(d);
    int line = qvl_page_text_line_px(d->size);
    int views_h = 0;
    int x = gap;
    for (int i = 0; i < d->p->n_views; i++) {
        x += view_px(d, i) + gap;
        views_h = d->view[i].h > views_h ? d->view[i].h : views_h;
    }
    d->text = (qvl_page_text){ .page = d->p, .arena = &d->arena,
                               .size = d->size };
    qvl_page_text_plan(&d->text, views_h, d->n_left_out);
    int text_h = d->text.n * line;
    int h = line + 2 * gap + (views_h > text_h ? views_h : text_h);
    *text_x = x + gap;
    QVL_TRY(qvl_image_init(&d->page, h, *text_x + d->text.w + gap, d->err));
    memset(d->page.pixel, 255, qvl_image_bytes(&d->page));
    return QVL_OK;
}

/* Copy the views to the page under their headings, and the text beside them. */
static void fill_page(drawing *d, int text_x)
{
    int gap = gap_px(d);
    int top = qvl_page_text_line_px(d->size) + gap;
    double unit = qvl_page_text_unit(d->size);
    int x = gap;
    for (int i = 0; i < d->p->n_views; i++) {
        const qvl_view *v = &d->p->view[i];
        const char *heading = v->heading;
        if (v->column != NULL)
            heading = qvl_arena_printf(&d->arena, "%s: %d", heading,
                                       v->marks.n);
        heading = qvl_draw_text_fit(d->canvas.face, heading, unit,
                                    view_px(d, i), &d->arena);
        qvl_draw_text(&d->canvas, x, gap, heading, unit, black);
        qvl_draw_image(&d->canvas, x, top, &d->view[i]);
        x += view_px(d, i) + gap;
    }
    qvl_page_text_draw(&d->text, &d->canvas, text_x, top);
}

static int draw_page(void *arg)
{
    drawing *d = arg;
    int text_x;
    QVL_TRY(draw_views(d));
    QVL_TRY(make_page(d, &text_x));
    QVL_TRY(open_canvas(d, &d->page));
    fill_page(d, text_x);
    *d->out = d->page;
    d->page = (qvl_image){ 0 };
    return QVL_OK;
}

int qvl_page_draw(qvl_image *out, const qvl_page *page, qvl_err *err)
{
    assert(page->n_views > 0);

    drawing d = { .p = page, .out = out, .err = err };
    int rc = qvl_guard(draw_page, &d, err);
    qvl_canvas_release(&d.canvas);
    qvl_image_release(&d.page);
    for (int i = 0; d.view != NULL && i < page->n_views; i++)
        qvl_image_release(&d.view[i]);
    qvl_arena_release(&d.arena);
    return rc;
}

int qvl_page_save(const char *png_path, const qvl_page *page, qvl_err *err)
{
    qvl_image im = { 0 };
    QVL_TRY(qvl_page_draw(&im, page, err));
    int rc = qvl_png_write(png_path, im.pixel, im.w, im.h, err);
    qvl_image_release(&im);
    return rc;
}
