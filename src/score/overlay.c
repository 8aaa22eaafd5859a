/* overlay.c - panels, labels, a legend
 *
 * Categories get colours by their names, so that pictures of one file agree.
 * Labels that find no free place become numbers or are left out; boxes never
 * are.
 */
#include "score/overlay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "data/objects.h"
#include "data/picture.h"
#include "image/draw.h"
#include "image/font.h"
#include "image/png_write.h"
#include "image/resize.h"
#include "data/desc.h"

/* The longer side of a panel, px. */
#define PANEL_LEAST_PX 480
#define PANEL_MOST_PX 1120
#define GAP_PX 10
#define LEGEND_LEAST_PX 180
#define LEGEND_MOST_PX 420
/* Pixels of an eighth of a capital's height. */
#define LABEL_UNIT 1.25
#define TEXT_UNIT 1.5
#define LABEL_MOST_CHARS 28

static const qvl_colour white = { 255, 255, 255 };
static const qvl_colour black = { 20, 20, 20 };
static const qvl_colour grey = { 120, 120, 120 };

typedef struct {
    const char *name;
    int colour;
    int n_true, n_pred;
} category;

typedef struct {
    int x0, y0, x1, y1;
} rect;

typedef struct {
    // borrowed
    const qvl_overlay *o;
    const qvl_image *picture;
    qvl_image *out;
    qvl_err *err;
    // owned
    qvl_arena arena;
    qvl_image scaled;  // the picture as large as a panel
    qvl_image panel;   // the one that is being drawn
    qvl_image page;
    qvl_canvas canvas;

    category *category;  // [n_categories]
    int n_categories;
} drawing;

/* ---- categories --------------------------------------------------------- */

static const char *category_name(drawing *d, const qvl_object *o)
{
    qvl_desc desc;
    qvl_desc_read(&desc, o->desc, &d->arena);
    return desc.category;
}

/* A colour that depends on the name, and on others only when it is taken. */
static int free_colour(const drawing *d, const char *name)
{
    int colour = (int)(qvl_rng_mix(0, qvl_rng_hash(name, strlen(name)))
                       % QVL_N_COLOURS);
    for (int tries = 0; tries < QVL_N_COLOURS; tries++) {
        bool is_taken = false;
        for (int i = 0; i < d->n_categories; i++)
            is_taken = is_taken || d->category[i].colour == colour;
        if (!is_taken)
            return colour;
        colour = (colour + 1) % QVL_N_COLOURS;
    }
    return colour;
}

static category *find_category(drawing *d, const qvl_object *o)
{
    const char *name = category_name(d, o);
    for (int i = 0; i < d->n_categories; i++)
        if (strcmp(d->category[i].name, name) == 0)
            return &d->category[i];
    category *c = &d->category[d->n_categories];
    *c = (category){ .name = name, .colour = free_colour(d, name) };
    d->n_categories++;
    return c;
}

static void count_categories(drawing *d)
{
    const qvl_overlay *o = d->o;
    d->category = qvl_arena_array(&d->arena, category,
                                  (size_t)o->n_true + (size_t)o->n_pred);
    for (int i = 0; i < o->n_true; i++)
        find_category(d, &o->truth[i])->n_true++;
    for (int i = 0; i < o->n_pred; i++)
        find_category(d, &o->pred[i])->n_pred++;
}

/* ---- objects ------------------------------------------------------------ */

/* Points of an object on a panel; a box as its four corners. */
static double *panel_points(drawing *d, const qvl_object *o, int *n)
{
    *n = o->kind == QVL_GEOM_BOX ? 4 : o->n;
    double *p = qvl_arena_array(&d->arena, double, 2 * (size_t)*n);
    for (int i = 0; i < *n; i++) {
        const double *from = &o->point[2 * (i < o->n ? i : 0)];
        double x = from[0];
        double y = from[1];
        if (o->kind == QVL_GEOM_BOX) {
            x = o->point[i == 1 || i == 2 ? 2 : 0];
            y = o->point[i >= 2 ? 3 : 1];
        }
        p[2 * i] = x / QVL_NORM_MAX * d->panel.w;
        p[2 * i + 1] = y / QVL_NORM_MAX * d->panel.h;
    }
    return p;
}

static void draw_object(drawing *d, const qvl_object *o, qvl_colour colour)
{
    int n;
    const double *p = panel_points(d, o, &n);
    qvl_pen pen = {
        .colour = colour, .alpha = 1,
        .width_px = o->kind == QVL_GEOM_LINE ? 3 : 2,
        .dash_px = o->kind == QVL_GEOM_POLY ? 7 : 0,
        .is_closed = o->kind != QVL_GEOM_LINE,
    };
    /* A seam of the other brightness keeps it visible on any ground. */
    qvl_pen seam = pen;
    seam.colour = qvl_draw_ink(colour);
    seam.alpha = 0.45;
    seam.width_px += 2;
    seam.dash_px = 0;
    qvl_draw_path(&d->canvas, p, n, &seam);
    qvl_draw_path(&d->canvas, p, n, &pen);
    pen.width_px = 9;
    for (int i = 0; i < n && o->kind == QVL_GEOM_LINE; i++)
        qvl_draw_path(&d->canvas, &p[2 * i], 1, &pen);
}

/* ---- labels ------------------------------------------------------------- */

static bool is_readable(const char *text)
{
    uint32_t code;
    while ((code = qvl_font_next(&text)) != 0)
        if (!qvl_font_has(code))
            return false;
    return true;
}

static const char *full_label(drawing *d, int number, const char *desc)
{
    if (!is_readable(desc))
        return qvl_arena_printf(&d->arena, "%d", number);
    bool is_long = strlen(desc) > LABEL_MOST_CHARS;
    return qvl_arena_printf(&d->arena, "%d %.*s%s", number, LABEL_MOST_CHARS,
                            desc, is_long ? "..." : "");
}

static bool is_apart(const rect *a, const rect *b)
{
    return a->x1 <= b->x0 || b->x1 <= a->x0 || a->y1 <= b->y0
           || b->y1 <= a->y0;
}

/* Find a place for a label at an object: above its left top corner, below
 * its left bottom corner, inside, to its right. */
static bool place_label(const drawing *d, rect *out, const char *text,
                        qvl_bounds b, const rect *taken, int n_taken)
{
    int w = (int)ceil(qvl_draw_text_width(text, LABEL_UNIT)) + 6;
    int h = (int)ceil(qvl_draw_text_height(LABEL_UNIT)) + 3;
    int x0 = (int)floor(b.x0);
    int y0 = (int)floor(b.y0);
    int at[][2] = { { x0 - 1, y0 - h - 1 }, { x0 - 1, (int)ceil(b.y1) + 1 },
                    { x0 + 2, y0 + 2 },     { (int)ceil(b.x1) + 2, y0 },
                    { (int)ceil(b.x1) - w, (int)ceil(b.y1) - h - 2 } };
    for (size_t i = 0; i < QVL_COUNT(at); i++) {
        rect r = { at[i][0], at[i][1], at[i][0] + w, at[i][1] + h };
        int left = r.x1 > d->panel.w ? d->panel.w - r.x1 : r.x0 < 0 ? -r.x0
                                                                    : 0;
        r.x0 += left;
        r.x1 += left;
        bool is_free = r.x0 >= 0 && r.y0 >= 0 && r.y1 <= d->panel.h;
        for (int k = 0; k < n_taken && is_free; k++)
            is_free = is_apart(&r, &taken[k]);
        if (is_free) {
            *out = r;
            return true;
        }
    }
    return false;
}

static void draw_label(drawing *d, const rect *r, const char *text,
                       qvl_colour colour)
{
    qvl_draw_fill(&d->canvas, r->x0, r->y0, r->x1, r->y1, colour, 0.9);
    qvl_draw_text(&d->canvas, r->x0 + 3, r->y0 + 3, text, LABEL_UNIT,
                  qvl_draw_ink(colour));
}

/* Labels of all objects; in a crowd some are numbers, or missing. */
static void draw_labels(drawing *d, const qvl_object *object, int n)
{
    rect *taken = qvl_arena_array(&d->arena, rect, n);
    int n_taken = 0;
    for (int i = 0; i < n; i++) {
        int n_points;
        const double *p = panel_points(d, &object[i], &n_points);
        qvl_bounds b = qvl_geom_bounds(p, n_points);
        const char *text = full_label(d, i + 1, object[i].desc);
        rect *r = &taken[n_taken];
        bool is_placed = place_label(d, r, text, b, taken, n_taken);
        if (!is_placed) {
            text = qvl_arena_printf(&d->arena, "%d", i + 1);
            is_placed = place_label(d, r, text, b, taken, n_taken);
        }
        if (!is_placed)
            continue;
        n_taken++;
        draw_label(d, r, text,
                   qvl_draw_colour(find_category(d, &object[i])->colour));
    }
}

/* ---- panels ------------------------------------------------------------- */

static int heading_px(void)
{
    return (int)ceil(qvl_draw_text_height(TEXT_UNIT)) + GAP_PX;
}

/* One panel with its heading, onto the page at column x. */
static int draw_panel(drawing *d, const qvl_object *object, int n, int x,
                      const char *heading)
{
    QVL_TRY(qvl_image_init(&d->panel, d->scaled.h, d->scaled.w, d->err));
    memcpy(d->panel.pixel, d->scaled.pixel, qvl_image_bytes(&d->panel));
    QVL_TRY(qvl_canvas_init(&d->canvas, &d->panel, d->err));
    for (int i = 0; i < n; i++)
        draw_object(d, &object[i],
                    qvl_draw_colour(find_category(d, &object[i])->colour));
    draw_labels(d, object, n);
    qvl_canvas_release(&d->canvas);
    QVL_TRY(qvl_canvas_init(&d->canvas, &d->page, d->err));
    const char *text = qvl_arena_printf(&d->arena, "%s: %d", heading, n);
    qvl_draw_text(&d->canvas, x, GAP_PX, text, TEXT_UNIT, black);
    qvl_draw_image(&d->canvas, x, GAP_PX + heading_px(), &d->panel);
    qvl_canvas_release(&d->canvas);
    qvl_image_release(&d->panel);
    return QVL_OK;
}

static const char *counts_text(drawing *d, const category *c)
{
    return d->o->has_truth
               ? qvl_arena_printf(&d->arena, "%d / %d", c->n_true, c->n_pred)
               : qvl_arena_printf(&d->arena, "%d", c->n_pred);
}

static int legend_width(drawing *d)
{
    double most = 0;
    for (int i = 0; i < d->n_categories; i++) {
        const category *c = &d->category[i];
        most = fmax(most, qvl_draw_text_width(c->name, TEXT_UNIT)
                              + qvl_draw_text_width(counts_text(d, c),
                                                    TEXT_UNIT));
    }
    int w = (int)ceil(most) + 24 + 2 * GAP_PX;
    return w < LEGEND_LEAST_PX   ? LEGEND_LEAST_PX
           : w > LEGEND_MOST_PX ? LEGEND_MOST_PX
                                : w;
}

/* One line of the legend; the counts stand over what is too long. */
static void draw_entry(drawing *d, const category *c, int x, int y, int w)
{
    const char *counts = counts_text(d, c);
    double counts_px = qvl_draw_text_width(counts, TEXT_UNIT);
    int from = x + w - (int)ceil(counts_px);
    qvl_draw_fill(&d->canvas, x, y - 1, x + 14, y + 13,
                  qvl_draw_colour(c->colour), 1);
    qvl_draw_text(&d->canvas, x + 22, y, c->name, TEXT_UNIT, black);
    qvl_draw_fill(&d->canvas, from - GAP_PX, y - 2, d->page.w, y + 18, white,
                  1);
    qvl_draw_text(&d->canvas, from, y, counts, TEXT_UNIT, black);
}

static int draw_legend(drawing *d, int x, int w)
{
    const char *heading = d->o->has_truth ? "true / found" : "found";
    int line = (int)ceil(qvl_draw_text_height(TEXT_UNIT)) + 5;
    int y = GAP_PX + heading_px();
    int room = (d->page.h - GAP_PX - y) / line;
    int n = d->n_categories <= room ? d->n_categories : room - 1;
    QVL_TRY(qvl_canvas_init(&d->canvas, &d->page, d->err));
    double px = qvl_draw_text_width(heading, TEXT_UNIT);
    qvl_draw_text(&d->canvas, x + w - ceil(px), GAP_PX, heading, TEXT_UNIT,
                  grey);
    for (int i = 0; i < n; i++)
        draw_entry(d, &d->category[i], x, y + i * line, w);
    if (n < d->n_categories)
        qvl_draw_text(&d->canvas, x, y + n * line,
                      qvl_arena_printf(&d->arena, "and %d more",
                                       d->n_categories - n),
                      TEXT_UNIT, grey);
    qvl_canvas_release(&d->canvas);
    return QVL_OK;
}

/* ---- the page ----------------------------------------------------------- */

static int scale_picture(drawing *d)
{
    int w = d->picture->w;
    int h = d->picture->h;
    int most = w > h ? w : h;
    double by = 1;
    if (most < PANEL_LEAST_PX)
        by = (PANEL_LEAST_PX + most - 1) / most;  // whole: pixels stay even
    else if (most > PANEL_MOST_PX)
        by = (double)PANEL_MOST_PX / most;
    int to_w = (int)fmax(1, rint(w * by));
    int to_h = (int)fmax(1, rint(h * by));
    return qvl_image_resize(&d->scaled, d->picture, to_h, to_w,
                            QVL_RESIZE_PILLOW, d->err);
}

static int draw_page(void *arg)
{
    drawing *d = arg;
    const qvl_overlay *o = d->o;
    QVL_TRY(scale_picture(d));
    count_categories(d);
    int legend = legend_width(d);
    int n_panels = o->has_truth ? 2 : 1;
    int w = n_panels * (d->scaled.w + GAP_PX) + legend + 2 * GAP_PX;
    int least = 4 * heading_px();
    int h = heading_px() + 2 * GAP_PX
            + (d->scaled.h > least ? d->scaled.h : least);
    QVL_TRY(qvl_image_init(&d->page, h, w, d->err));
    memset(d->page.pixel, 255, qvl_image_bytes(&d->page));
    int x = GAP_PX;
    if (o->has_truth) {
        QVL_TRY(draw_panel(d, o->truth, o->n_true, x, "truth"));
        x += d->scaled.w + GAP_PX;
    }
    QVL_TRY(draw_panel(d, o->pred, o->n_pred, x, "prediction"));
    QVL_TRY(draw_legend(d, x + d->scaled.w + GAP_PX, legend));
    *d->out = d->page;
    d->page = (qvl_image){ 0 };
    return QVL_OK;
}

int qvl_overlay_draw(qvl_image *out, const qvl_image *picture,
                     const qvl_overlay *overlay, qvl_err *err)
{
    drawing d = { .o = overlay, .picture = picture, .out = out, .err = err };
    int rc = qvl_guard(draw_page, &d, err);
    qvl_canvas_release(&d.canvas);
    qvl_image_release(&d.page);
    qvl_image_release(&d.panel);
    qvl_image_release(&d.scaled);
    qvl_arena_release(&d.arena);
    return rc;
}

int qvl_overlay_save(const char *png_path, const char *picture_name,
                     const qvl_overlay *overlay, qvl_err *err)
{
    qvl_image picture = { 0 };
    qvl_image page = { 0 };
    QVL_TRY(qvl_picture_load(&picture, picture_name, NULL, err));
    int rc = qvl_overlay_draw(&page, &picture, overlay, err);
    if (rc == QVL_OK)
        rc = qvl_png_write(png_path, page.pixel, page.w, page.h, err);
    qvl_image_release(&page);
    qvl_image_release(&picture);
    return rc;
}
