/* marks.c - outlines first, then labels, so that none is drawn over
 *
 * Labels are placed one after the other, in the order of their numbers, each at the
 * first of a list of places that is free. A label that was placed stays.
 */
#include "score/marks.h"

#include <math.h>

/* For a size of 1. */
#define LABEL_UNIT 1.25  // px of an eighth of a capital
#define LABEL_PAD_PX 3
#define LABEL_MOST_PX 160
#define LINE_PX 2.0
#define POLYLINE_PX 3.0
#define DOT_PX 9.0
#define DASH_PX 7.0
#define SEAM_PX 1.0  // on each side
#define MARK_PX 4.0  // on each side

/* Labels that take more of a picture are numbers alone. */
#define CROWD 0.2
/* How far from its object a label may stand, in heights of labels. */
#define FAR_STEPS 5

static const qvl_colour alarm = { 215, 0, 0 };

typedef struct {
    int x0, y0, x1, y1;
} rect;

typedef struct {
    qvl_canvas *canvas;
    const qvl_marks *m;
    qvl_categories *categories;
    double size;
    qvl_arena *arena;
    qvl_bounds *bounds;  // [n] of what is seen of the objects
    rect *taken;         // [n_taken] by labels
    int n_taken;
    bool is_crowded;
} drawing;

/* ---- outlines ----------------------------------------------------------- */

static double clamp(double v, double lo, double hi)
{
    return fmin(fmax(v, lo), hi);
}

/* Points of an object on the picture; a box as its four corners. */
static double *to_px(const drawing *d, const qvl_object *o, int *n)
{
    bool is_box = o->kind == QVL_GEOM_BOX && o->n >= 2;
    *n = is_box ? 4 : o->n;
    double *p = qvl_arena_array(d->arena, double, 2 * (size_t)*n);
    for (int i = 0; i < *n; i++) {
        int from_x = is_box ? (i == 1 || i == 2) : i;
        int from_y = is_box ? i >= 2 : i;
        p[2 * i] = o->point[2 * from_x] / d->m->w * d->canvas->im->w;
        p[2 * i + 1] = o->point[2 * from_y + 1] / d->m->h * d->canvas->im->h;
    }
    return p;
}

static qvl_pen pen_of(qvl_geom_kind kind, qvl_colour colour, double size)
{
    return (qvl_pen){
        .colour = colour, .alpha = 1,
        .width_px = size * (kind == QVL_GEOM_LINE ? POLYLINE_PX : LINE_PX),
        .dash_px = kind == QVL_GEOM_POLY ? size * DASH_PX : 0,
        .is_closed = kind != QVL_GEOM_LINE,
    };
}

/* A wider path below. */
static void draw_seam(qvl_canvas *c, const double *p, int n,
                      const qvl_pen *pen, qvl_colour colour, double alpha,
                      double px)
{
    qvl_pen seam = *pen;
    seam.colour = colour;
    seam.alpha = alpha;
    seam.width_px += 2 * px;
    seam.dash_px = 0;
    qvl_draw_path(c, p, n, &seam);
}

static void draw_path(qvl_canvas *c, qvl_geom_kind kind, const double *p,
                      int n, const qvl_pen *pen, double size)
{
    /* The other brightness keeps it visible on any ground. */
    draw_seam(c, p, n, pen, qvl_draw_ink(pen->colour), 0.65, SEAM_PX * size);
    qvl_draw_path(c, p, n, pen);
    if (kind != QVL_GEOM_LINE)
        return;
    qvl_pen dot = *pen;
    dot.width_px = DOT_PX * size;
    for (int i = 0; i < n; i++)
        qvl_draw_path(c, &p[2 * i], 1, &dot);
}

/* What is seen of an object; of one outside, the edge it lies behind. */
static qvl_bounds seen_bounds(const drawing *d, const qvl_object *o)
{
    int n;
    const double *p = to_px(d, o, &n);
    qvl_bounds b = qvl_geom_bounds(p, n);
    double w = d->canvas->im->w;
    double h = d->canvas->im->h;
    return (qvl_bounds){ clamp(b.x0, 0, w), clamp(b.y0, 0, h),
                         clamp(b.x1, 0, w), clamp(b.y1, 0, h) };
}

static bool is_marked(const drawing *d, int i)
{
    return d->m->is_marked != NULL && d->m->is_marked[i];
}

static void draw_object(const drawing *d, int i)
{
    const qvl_object *o = &d->m->object[i];
    int n;
    const double *p = to_px(d, o, &n);
    const qvl_category *category = qvl_categories_find(d->categories, o->desc);
    qvl_pen pen = pen_of(o->kind, qvl_draw_colour(category->colour), d->size);
    if (is_marked(d, i))
        draw_seam(d->canvas, p, n, &pen, alarm, 0.75, MARK_PX * d->size);
    draw_path(d->canvas, o->kind, p, n, &pen, d->size);
}

void qvl_marks_draw_sample(qvl_canvas *c, qvl_geom_kind kind, double x0,
                           double x1, double y, qvl_colour colour, double size)
{
    qvl_pen pen = pen_of(kind, colour, size);
    pen.is_closed = false;
    draw_path(c, kind, (double[]){ x0, y, x1, y }, 2, &pen, size);
}

/* ---- labels ------------------------------------------------------------- */

static bool is_apart(const rect *a, const rect *b)
{
    return a->x1 <= b->x0 || b->x1 <= a->x0 || a->y1 <= b->y0
           || b->y1 <= a->y0;
}

static bool is_hidden(const qvl_bounds *b, const rect *r)
{
    return b->x0 >= r->x0 && b->x1 <= r->x1 && b->y0 >= r->y0
           && b->y1 <= r->y1;
}

/* Move a label into the picture along the side it stands at; false when it does not
 * fit, lies on another, or hides an object. */
static bool is_free(const drawing *d, rect *r)
{
    const qvl_image *im = d->canvas->im;
    int right = r->x1 > im->w ? im->w - r->x1 : r->x0 < 0 ? -r->x0 : 0;
    r->x0 += right;
    r->x1 += right;
    if (r->x0 < 0 || r->y0 < 0 || r->y1 > im->h)
        return false;
    for (int k = 0; k < d->n_taken; k++)
        if (!is_apart(r, &d->taken[k]))
            return false;
    for (int k = 0; k < d->m->n; k++)
        if (d->m->object[k].n > 0 && is_hidden(&d->bounds[k], r))
            return false;
    return true;
}

/* A label of w x h px that looks for a place at an object. */
typedef struct {
    int w, h;
    int gap;  // between them
    int x0, y0, x1, y1;  // of the object
} search;

static bool try_place(const drawing *d, const search *s, int x, int y,
                      rect *out)
{
    *out = (rect){ x, y, x + s->w, y + s->h };
    return is_free(d, out);
}

/* Above, below, then inside and beside it. */
static bool find_near(const drawing *d, const search *s, rect *out)
{
    int middle = (s->x0 + s->x1 - s->w) / 2;
    int across = (s->y0 + s->y1 - s->h) / 2;
    int above = s->y0 - s->h - s->gap;
    int below = s->y1 + s->gap;
    int left = s->x0 - s->w - 2 * s->gap;
    int right = s->x1 + 2 * s->gap;
    int in = 2 * s->gap;
    int at[][2] = {
        { s->x0 - s->gap, above },        { middle, above },
        { s->x1 - s->w + s->gap, above }, { s->x0 - s->gap, below },
        { s->x1 - s->w + s->gap, below }, { s->x0 + in, s->y0 + in },
        { right, s->y0 },                 { left, s->y0 },
        { s->x1 - s->w - in, s->y1 - s->h - in },
        { s->x0 + in, s->y1 - s->h - in },
        { right, across },                { left, across },
        { middle, across },
    };
    for (size_t i = 0; i < QVL_COUNT(at); i++)
        if (try_place(d, s, at[i][0], at[i][1], out))
            return true;
    return false;
}

/* Away from it, a step further each time. */
static bool find_far(const drawing *d, const search *s, rect *out)
{
    for (int k = 1; k <= FAR_STEPS; k++) {
        int dy = k * (s->h + s->gap);
        int above = s->y0 - s->h - s->gap - dy;
        int below = s->y1 + s->gap + dy;
        int left = s->x0 - s->w - 2 * s->gap - dy;
        int right = s->x1 + 2 * s->gap + dy;
        int at[][2] = {
            { s->x0, above }, { s->x0, below },   { right, above },
            { left, above },  { right, below },   { left, below },
            { right, s->y0 }, { left, s->y0 },
        };
        for (size_t i = 0; i < QVL_COUNT(at); i++)
            if (try_place(d, s, at[i][0], at[i][1], out))
                return true;
    }
    return false;
}

static double label_unit(const drawing *d)
{
    return LABEL_UNIT * d->size;
}

/* From the edge of an object to its label: beside the dots of a line. */
static int label_gap(const drawing *d, qvl_geom_kind kind)
{
    return (int)ceil(d->size * (kind == QVL_GEOM_LINE ? DOT_PX / 2 : 1));
}

typedef bool find_fn(const drawing *d, const search *s, rect *out);

/* Place a text at object i. */
static bool place_label(drawing *d, int i, const char *text, find_fn *find)
{
    qvl_bounds b = d->bounds[i];
    double pad = LABEL_PAD_PX * d->size;
    double w = qvl_draw_text_width_in(d->canvas->face, text, label_unit(d));
    double h = qvl_draw_text_height(label_unit(d));
    search s = { (int)ceil(w + 2 * pad), (int)ceil(h + pad),
                 label_gap(d, d->m->object[i].kind),
                 (int)floor(b.x0), (int)floor(b.y0),
                 (int)ceil(b.x1), (int)ceil(b.y1) };
    bool is_found = find(d, &s, &d->taken[d->n_taken]);
    d->n_taken += is_found;
    return is_found;
}

/* A line from a label to its object. */
static void draw_leader(const drawing *d, const rect *r, const qvl_bounds *b,
                        qvl_colour colour)
{
    double x = clamp((r->x0 + r->x1) / 2.0, b->x0, b->x1);
    double y = clamp((r->y0 + r->y1) / 2.0, b->y0, b->y1);
    double p[] = { x, y, clamp(x, r->x0, r->x1), clamp(y, r->y0, r->y1) };
    qvl_pen pen = { .colour = colour, .alpha = 1, .width_px = d->size };
    draw_seam(d->canvas, p, 2, &pen, qvl_draw_ink(colour), 0.65,
              SEAM_PX * d->size);
    qvl_draw_path(d->canvas, p, 2, &pen);
}

static void draw_label(const drawing *d, const rect *r, const char *text,
                       qvl_colour colour, bool has_edge)
{
    int edge = has_edge ? (int)ceil(d->size) : 0;
    double pad = LABEL_PAD_PX * d->size;
    if (has_edge)
        qvl_draw_fill(d->canvas, r->x0, r->y0, r->x1, r->y1, alarm, 1);
    qvl_draw_fill(d->canvas, r->x0 + edge, r->y0 + edge, r->x1 - edge,
                  r->y1 - edge, colour, has_edge ? 1 : 0.9);
    qvl_draw_text(d->canvas, r->x0 + pad, r->y0 + pad, text, label_unit(d),
                  qvl_draw_ink(colour));
}

/* A label as it could be: with and without the category. */
typedef struct {
    const char *text, *number;
} label;

static label make_label(const drawing *d, int i, const qvl_category *c)
{
    const qvl_face *face = d->canvas->face;
    label l;
    l.number = qvl_arena_printf(d->arena, "%d%s", i + 1,
                                is_marked(d, i) ? "!" : "");
    l.text = l.number;
    if (!qvl_draw_has_letters(face, c->shown))
        return l;
    l.text = qvl_arena_printf(d->arena, "%s %s", l.number, c->shown);
    l.text = qvl_draw_text_fit(face, l.text, label_unit(d),
                               LABEL_MOST_PX * d->size, d->arena);
    return l;
}

/* The label of object i, or its number; false when there is room for neither. */
static bool label_object(drawing *d, int i)
{
    const qvl_category *c = qvl_categories_find(d->categories,
                                                d->m->object[i].desc);
    qvl_colour colour = qvl_draw_colour(c->colour);
    label l = make_label(d, i, c);
    const rect *r = &d->taken[d->n_taken];
    const char *text = l.text;
    bool is_near = !d->is_crowded && place_label(d, i, text, find_near);
    if (!is_near) {
        text = l.number;
        is_near = place_label(d, i, text, find_near);
    }
    if (!is_near && !place_label(d, i, text, find_far))
        return false;
    if (!is_near)
        draw_leader(d, r, &d->bounds[i], colour);
    draw_label(d, r, text, colour, is_marked(d, i));
    return true;
}

/* Would labels with categories hide too much of the picture? */
static bool is_crowded(const drawing *d)
{
    double area = 0;
    double h = qvl_draw_text_height(label_unit(d)) + LABEL_PAD_PX * d->size;
    for (int i = 0; i < d->m->n; i++) {
        const char *desc = d->m->object[i].desc;
        label l = make_label(d, i, qvl_categories_find(d->categories, desc));
        area += h * (qvl_draw_text_width_in(d->canvas->face, l.text,
                                            label_unit(d))
                     + 2 * LABEL_PAD_PX * d->size);
    }
    return area > CROWD * d->canvas->im->w * d->canvas->im->h;
}

int qvl_marks_draw(qvl_canvas *c, const qvl_marks *marks,
                   qvl_categories *categories, double size, qvl_arena *arena)
{
    int n = marks->n;
    drawing d = { .canvas = c, .m = marks, .categories = categories,
                  .size = size, .arena = arena,
                  .bounds = qvl_arena_array(arena, qvl_bounds, n),
                  .taken = qvl_arena_array(arena, rect, n + 1) };
    int n_left_out = 0;
    for (int i = 0; i < n; i++) {
        if (marks->object[i].n == 0)
            continue;
        d.bounds[i] = seen_bounds(&d, &marks->object[i]);
        draw_object(&d, i);
    }
    d.is_crowded = is_crowded(&d);
    for (int i = 0; i < n; i++)
        if (marks->object[i].n > 0)
            n_left_out += !label_object(&d, i);
    return n_left_out;
}
