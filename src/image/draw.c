/* draw.c - coverage first, colour after
 *
 * A path is drawn by the distance of each pixel centre to its segments into a
 * plane of coverage, then laid over the picture at once, so that joints and
 * crossings of one path are not painted twice. Numbers far outside cost
 * nothing: segments are cut to the picture first. What a letter of a font file
 * covers is said by image/face.h.
 */
#include "image/draw.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "image/font.h"

/* Width of the pen that writes, in units of the font. */
#define TEXT_PEN 1.0
/* The same for the small digits in a box. */
#define BOX_PEN 0.5
/* An em of a font file in units: its capitals, of 0.73 em in most, are then as high
 * as those without. */
#define EM_UNITS 11.0

/* ---- colours ------------------------------------------------------------ */

static const qvl_colour palette[QVL_N_COLOURS] = {
    { 230, 25, 75 },   { 0, 130, 200 },   { 60, 180, 75 },   { 245, 130, 48 },
    { 145, 30, 180 },  { 70, 240, 240 },  { 240, 50, 230 },  { 255, 225, 25 },
    { 128, 0, 0 },     { 0, 0, 160 },     { 0, 128, 128 },   { 210, 245, 60 },
    { 170, 110, 40 },  { 250, 190, 212 }, { 128, 128, 0 },   { 170, 255, 195 },
    { 220, 190, 255 }, { 255, 215, 180 }, { 0, 100, 0 },     { 128, 128, 128 },
};

qvl_colour qvl_draw_colour(int i)
{
    assert(i >= 0);
    return palette[i % QVL_N_COLOURS];
}

qvl_colour qvl_draw_ink(qvl_colour on)
{
    int light = 299 * on.r + 587 * on.g + 114 * on.b;
    uint8_t v = light > 140000 ? 0 : 255;
    return (qvl_colour){ v, v, v };
}

/* ---- canvas ------------------------------------------------------------- */

static int take_cover(void *arg)
{
    qvl_canvas *c = arg;
    c->cover = qvl_arena_alloc_n(&c->arena, (size_t)c->im->h,
                                 (size_t)c->im->w);
    return QVL_OK;
}

int qvl_canvas_init(qvl_canvas *c, qvl_image *im, qvl_err *err)
{
    assert(im->pixel != NULL);

    qvl_canvas canvas = { .im = im };
    QVL_TRY(qvl_guard(take_cover, &canvas, err));
    *c = canvas;
    return QVL_OK;
}

void qvl_canvas_release(qvl_canvas *c)
{
    if (c == NULL)
        return;
    qvl_arena_release(&c->arena);
    *c = (qvl_canvas){ 0 };
}

static uint8_t mix(uint8_t a, uint8_t b, int cover)
{
    return (uint8_t)((a * (255 - cover) + b * cover + 127) / 255);
}

static void blend(uint8_t *p, qvl_colour colour, int cover)
{
    p[0] = mix(p[0], colour.r, cover);
    p[1] = mix(p[1], colour.g, cover);
    p[2] = mix(p[2], colour.b, cover);
}

static int clip(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

static int cover_of(double alpha)
{
    return clip((int)lrint(alpha * 255), 255);
}

void qvl_draw_fill(qvl_canvas *c, int x0, int y0, int x1, int y1,
                   qvl_colour colour, double alpha)
{
    int from = clip(x0, c->im->w);
    int to = clip(x1, c->im->w);
    int end = clip(y1, c->im->h);
    for (int y = clip(y0, c->im->h); y < end; y++)
        for (int x = from; x < to; x++)
            blend(qvl_image_row(c->im, y) + 3 * x, colour, cover_of(alpha));
}

void qvl_draw_image(qvl_canvas *c, int x, int y, const qvl_image *from)
{
    int x0 = clip(x, c->im->w);
    int x1 = clip(x + from->w, c->im->w);
    for (int row = 0; row < from->h; row++) {
        int at = y + row;
        if (at >= 0 && at < c->im->h && x0 < x1)
            memcpy(qvl_image_row(c->im, at) + 3 * x0,
                   qvl_image_row(from, row) + 3 * (x0 - x),
                   3 * (size_t)(x1 - x0));
    }
}

/* ---- paths -------------------------------------------------------------- */

/* Pixels that a path may have touched. */
typedef struct {
    int x0, y0, x1, y1;
} area;

static double distance(double px, double py, const double *a, const double *b)
{
    double dx = b[0] - a[0];
    double dy = b[1] - a[1];
    double ax = px - a[0];
    double ay = py - a[1];
    double len2 = dx * dx + dy * dy;
    double t = len2 > 0 ? (ax * dx + ay * dy) / len2 : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(ax - t * dx, ay - t * dy);
}

/* Cut a segment to a rectangle (Liang and Barsky); false: nothing is left.
 * *t: the parts of the segment that are kept. */
static bool clip_segment(const double *a, const double *b, double x0,
                         double y0, double x1, double y1, double t[2])
{
    double dx = b[0] - a[0];
    double dy = b[1] - a[1];
    double p[] = { -dx, dx, -dy, dy };
    double q[] = { a[0] - x0, x1 - a[0], a[1] - y0, y1 - a[1] };
    t[0] = 0;
    t[1] = 1;
    for (int i = 0; i < 4; i++) {
        if (p[i] == 0) {
            if (q[i] < 0)
                return false;
            continue;
        }
        double r = q[i] / p[i];
        if (p[i] < 0)
            t[0] = r > t[0] ? r : t[0];
        else
            t[1] = r < t[1] ? r : t[1];
    }
    return t[0] <= t[1];
}

static int first_below(double v, int most)
{
    return v < 0 ? 0 : v > most ? most : (int)v;
}

/* Cover the pixels near a segment that lies about within the picture. */
static void cover_piece(qvl_canvas *c, area *touched, const double *a,
                        const double *b, double radius)
{
    double reach = radius + 1;
    int y0 = first_below(fmin(a[1], b[1]) - reach, c->im->h);
    int y1 = first_below(fmax(a[1], b[1]) + reach + 1, c->im->h);
    double dx = b[0] - a[0];
    double dy = b[1] - a[1];
    for (int y = y0; y < y1; y++) {
        /* The part of the segment that can reach this row. */
        double near = a[0];
        double far = b[0];
        if (fabs(dy) > 1e-9) {
            double t = (y - reach - a[1]) / dy;
            double u = (y + 1 + reach - a[1]) / dy;
            near = a[0] + dx * fmin(1, fmax(0, t));
            far = a[0] + dx * fmin(1, fmax(0, u));
        }
        int x0 = first_below(fmin(near, far) - reach, c->im->w);
        int x1 = first_below(fmax(near, far) + reach + 1, c->im->w);
        uint8_t *row = c->cover + (size_t)y * (size_t)c->im->w;
        for (int x = x0; x < x1; x++) {
            double part = radius + 0.5 - distance(x + 0.5, y + 0.5, a, b);
            /* A pen thinner than a pixel leaves a fainter line. */
            part = fmin(part, fmin(1, 2 * radius));
            int cover = part > 0 ? cover_of(part) : 0;
            if (cover > row[x])
                row[x] = (uint8_t)cover;
        }
        touched->x0 = x0 < touched->x0 ? x0 : touched->x0;
        touched->x1 = x1 > touched->x1 ? x1 : touched->x1;
    }
    touched->y0 = y0 < touched->y0 ? y0 : touched->y0;
    touched->y1 = y1 > touched->y1 ? y1 : touched->y1;
}

static void between(double *p, const double *a, const double *b, double t)
{
    p[0] = a[0] + t * (b[0] - a[0]);
    p[1] = a[1] + t * (b[1] - a[1]);
}

/* Cover what is seen of a segment; `done_px` of the path lie before it. */
static void cover_segment(qvl_canvas *c, area *touched, const double *a,
                          const double *b, const qvl_pen *pen, double done_px)
{
    double reach = pen->width_px / 2 + 2;
    double t[2];
    double p[2];
    double q[2];
    if (!clip_segment(a, b, -reach, -reach, c->im->w + reach,
                      c->im->h + reach, t))
        return;
    double len = hypot(b[0] - a[0], b[1] - a[1]);
    if (pen->dash_px <= 0 || len <= 0) {
        between(p, a, b, t[0]);
        between(q, a, b, t[1]);
        cover_piece(c, touched, p, q, pen->width_px / 2);
        return;
    }
    double from = done_px + t[0] * len;
    double to = done_px + t[1] * len;
    double period = 2 * pen->dash_px;
    for (double s = floor(from / period) * period; s < to; s += period) {
        double start = fmax(s, from);
        double end = fmin(s + pen->dash_px, to);
        if (start >= end)
            continue;
        between(p, a, b, (start - done_px) / len);
        between(q, a, b, (end - done_px) / len);
        cover_piece(c, touched, p, q, pen->width_px / 2);
    }
}

/* Lay the colour over what is covered, and uncover it. */
static void paint(qvl_canvas *c, const area *touched, const qvl_pen *pen)
{
    int alpha = cover_of(pen->alpha);
    for (int y = touched->y0; y < touched->y1; y++) {
        uint8_t *cover = c->cover + (size_t)y * (size_t)c->im->w;
        uint8_t *pixel = qvl_image_row(c->im, y);
        for (int x = touched->x0; x < touched->x1; x++) {
            if (cover[x] != 0)
                blend(pixel + 3 * x, pen->colour, cover[x] * alpha / 255);
            cover[x] = 0;
        }
    }
}

static area no_area(const qvl_canvas *c)
{
    return (area){ c->im->w, c->im->h, 0, 0 };
}

/* Numbers so large that sums of them lose whole pixels say nothing. */
static bool is_usable(const double *p)
{
    return fabs(p[0]) < 1e9 && fabs(p[1]) < 1e9;
}

void qvl_draw_path(qvl_canvas *c, const double *point, int n,
                   const qvl_pen *pen)
{
    assert(pen->width_px > 0);

    area touched = no_area(c);
    double done_px = 0;
    int n_segments = pen->is_closed && n > 2 ? n : n - 1;
    if (n == 1 && is_usable(point))
        cover_segment(c, &touched, point, point, pen, 0);
    for (int i = 0; i < n_segments; i++) {
        const double *a = &point[2 * i];
        const double *b = &point[2 * ((i + 1) % n)];
        if (!is_usable(a) || !is_usable(b))
            continue;
        cover_segment(c, &touched, a, b, pen, done_px);
        done_px += hypot(b[0] - a[0], b[1] - a[1]);
    }
    paint(c, &touched, pen);
}

/* ---- text --------------------------------------------------------------- */

/* Is the letter of a character taken from the font file? */
static bool is_in_face(const qvl_face *face, uint32_t code)
{
    return face != NULL && qvl_face_has(face, code);
}

/* Units from a letter to the next. */
static double letter_step(const qvl_face *face, uint32_t code)
{
    return is_in_face(face, code) ? EM_UNITS * qvl_face_advance(face, code)
                                  : qvl_font_width(code) + QVL_FONT_SPACE;
}

/* Units that the last letter leaves free before the next. */
static double letter_gap(const qvl_face *face, uint32_t code)
{
    return is_in_face(face, code) ? 0 : QVL_FONT_SPACE - 1;
}

double qvl_draw_text_width_in(const qvl_face *face, const char *text,
                              double unit)
{
    double columns = 0;
    double gap = 0;
    uint32_t code;
    while ((code = qvl_font_next(&text)) != 0) {
        columns += letter_step(face, code);
        gap = letter_gap(face, code);
    }
    return (columns - gap) * unit;
}

double qvl_draw_text_width(const char *text, double unit)
{
    return qvl_draw_text_width_in(NULL, text, unit);
}

bool qvl_draw_has_letters(const qvl_face *face, const char *text)
{
    uint32_t code;
    while ((code = qvl_font_next(&text)) != 0)
        if (!qvl_font_has(code) && !is_in_face(face, code))
            return false;
    return true;
}

size_t qvl_draw_text_bytes(const qvl_face *face, const char *text,
                           double unit, double width_px)
{
    const char *p = text;
    size_t n = 0;
    double columns = 0;
    uint32_t code;
    while ((code = qvl_font_next(&p)) != 0) {
        columns += letter_step(face, code);
        if ((columns - letter_gap(face, code)) * unit > width_px)
            break;
        n = (size_t)(p - text);
    }
    return n;
}

const char *qvl_draw_text_fit(const qvl_face *face, const char *text,
                              double unit, double width_px, qvl_arena *arena)
{
    static const char dots[] = "...";
    if (qvl_draw_text_width_in(face, text, unit) <= width_px)
        return qvl_arena_strdup(arena, text);
    double room = width_px - qvl_draw_text_width_in(face, dots, unit);
    if (room < 0)
        return "";
    size_t n = qvl_draw_text_bytes(face, text, unit,
                                   room - QVL_FONT_SPACE * unit);
    return qvl_arena_printf(arena, "%.*s%s", (int)n, text, dots);
}

double qvl_draw_text_height(double unit)
{
    return (QVL_FONT_BASELINE + QVL_FONT_TAIL + 1) * unit;
}

/* Where a text is drawn, and which way: (1, 0) is to the right, (0, -1) up. */
typedef struct {
    double x, y;
    double dx, dy;
    double unit;
    qvl_colour colour;
} writing;

/* A place by its distance along the text and down from the top of capitals, units. */
static void place_point(const writing *w, double along, double down, double *out)
{
    out[0] = w->x + (along * w->dx - down * w->dy) * w->unit;
    out[1] = w->y + (along * w->dy + down * w->dx) * w->unit;
}

typedef struct {
    qvl_image *im;
    qvl_colour colour;
} ink;

static void paint_run(void *to, int x, int y, int n, int cover)
{
    const ink *k = to;
    uint8_t *pixel = qvl_image_row(k->im, y);
    for (int i = x; i < x + n; i++)
        blend(pixel + 3 * i, k->colour, cover);
}

/* A letter of the font file; false when it cannot be drawn. */
static bool draw_letter(qvl_canvas *c, const writing *w, uint32_t code,
                        double column)
{
    ink k = { c->im, w->colour };
    double origin[2];
    double em_px = EM_UNITS * w->unit;
    place_point(w, column, QVL_FONT_BASELINE + 0.5, origin);
    qvl_face_place at = { origin[0], origin[1], em_px * w->dx, em_px * w->dy,
                          c->im->w, c->im->h };
    return is_in_face(c->face, code)
           && qvl_face_draw(c->face, code, &at, paint_run, &k);
}

/* The same with a pen; it is as wide as a unit, so half of that lies outside. */
static void draw_strokes(qvl_canvas *c, const writing *w, uint32_t code,
                         double column)
{
    qvl_pen pen = { .colour = w->colour, .alpha = 1 };
    double gx[QVL_FONT_MAX_POINTS];
    double gy[QVL_FONT_MAX_POINTS];
    double p[2 * QVL_FONT_MAX_POINTS];
    pen.width_px = qvl_font_has(code) ? fmax(1, TEXT_PEN * w->unit)
                                      : BOX_PEN * w->unit;
    for (int k = 0;; k++) {
        int n = qvl_font_stroke(code, k, gx, gy);
        if (n == 0)
            return;
        for (int i = 0; i < n; i++)
            place_point(w, column + gx[i] + 0.5, gy[i] + 0.5, &p[2 * i]);
        qvl_draw_path(c, p, n, &pen);
    }
}

static void draw_text(qvl_canvas *c, const char *text, const writing *w)
{
    double column = 0;
    uint32_t code;
    while ((code = qvl_font_next(&text)) != 0) {
        if (!draw_letter(c, w, code, column))
            draw_strokes(c, w, code, column);
        column += letter_step(c->face, code);
    }
}

void qvl_draw_text(qvl_canvas *c, double x, double y, const char *text,
                   double unit, qvl_colour colour)
{
    writing w = { x, y, 1, 0, unit, colour };
    draw_text(c, text, &w);
}

void qvl_draw_text_up(qvl_canvas *c, double x, double y, const char *text,
                      double unit, qvl_colour colour)
{
    writing w = { x, y, 0, -1, unit, colour };
    draw_text(c, text, &w);
}
