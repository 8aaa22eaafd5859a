/* plot.c - ranges, ticks, frame, series, legend, in this order
 *
 * Margins follow from the texts of the ticks. What is not finite, or not above
 * 0 on a logarithmic axis, is no point and breaks the line.
 */
#include "image/plot.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "image/draw.h"
#include "image/png_write.h"

#define MAX_TICKS 32
#define TEXT_UNIT 1.25
#define TITLE_UNIT 1.75
#define MARGIN_PX 12
#define TICK_PX 5
#define USABLE 1e300
#define USABLE_LOG 1e250  // with the room around them, powers of ten are numbers

static const qvl_colour ink = { 40, 40, 40 };
static const qvl_colour line_grey = { 225, 225, 225 };
static const qvl_colour paper = { 255, 255, 255 };

/* One axis: values to pixels. */
typedef struct {
    double lo, hi;     // as logarithms where is_log
    double from, to;   // px
    bool is_log;
    double tick[MAX_TICKS];  // values
    int n_ticks;
    char text[MAX_TICKS][24];
} axis;

typedef struct {
    // borrowed
    const qvl_plot *p;
    qvl_image *out;
    qvl_err *err;
    // owned
    qvl_arena arena;
    qvl_image im;
    qvl_canvas canvas;

    axis x, y;
} drawing;

/* ---- ticks -------------------------------------------------------------- */

/* The smallest of 1, 2, 5 times a power of ten that is not below v. */
static double round_up(double v)
{
    double power = pow(10, floor(log10(v)));
    double digit = v / power;
    return (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power;
}

static int ticks_by(double *tick, double lo, double hi, double step, int most)
{
    int n = 0;
    double slack = 1e-9 * step;
    for (double k = ceil((lo - slack) / step);
         k * step <= hi + slack && n < most; k++)
        tick[n++] = k * step + 0.0;  // no -0
    return n;
}

int qvl_plot_ticks(double *tick, double lo, double hi, int most)
{
    assert(lo < hi && most >= 2);

    double step = round_up((hi - lo) / (most - 1));
    int n = ticks_by(tick, lo, hi, step, most);
    for (int i = 0; i < 3 && n < 2; i++) {
        step = round_up(step / 2.6);  // the next one below
        n = ticks_by(tick, lo, hi, step, most);
    }
    return n;
}

/* `digits` of 1, 2 and 5 times each power of ten whose exponent `every` divides. */
static int log_ticks_by(double *tick, double lo, double hi, int every, int digits,
                        int most)
{
    static const double digit[] = { 1, 2, 5 };
    int n = 0;
    for (int e = (int)floor(log10(lo)); n < most && pow(10, e) <= hi; e++) {
        for (int i = 0; i < digits && e % every == 0 && n < most; i++) {
            double v = digit[i] * pow(10, e);
            if (v >= lo * (1 - 1e-9) && v <= hi * (1 + 1e-9))
                tick[n++] = v;
        }
    }
    return n;
}

int qvl_plot_log_ticks(double *tick, double lo, double hi, int most)
{
    assert(lo > 0 && lo < hi && most >= 2);

    double decades = log10(hi / lo);
    int digits = decades * 3 <= most ? 3 : 1;
    int n = 0;
    for (int every = (int)ceil(decades / most); every >= 1 && n < 2; every--)
        n = log_ticks_by(tick, lo, hi, every, digits, most);
    return n >= 2 ? n : qvl_plot_ticks(tick, lo, hi, most);
}

/* Digits behind the point that a step of ticks needs. */
static void write_ticks(axis *a)
{
    double step = a->n_ticks > 1 ? fabs(a->tick[1] - a->tick[0]) : 1;
    double most = 0;
    for (int i = 0; i < a->n_ticks; i++)
        most = fmax(most, fabs(a->tick[i]));
    bool is_plain = !a->is_log && most < 1e6 && step >= 1e-4;
    int digits = is_plain ? (int)fmax(0, ceil(-log10(step) - 1e-9)) : 0;
    for (int i = 0; i < a->n_ticks; i++) {
        double v = fabs(a->tick[i]) < 1e-9 * step ? 0 : a->tick[i];
        if (is_plain)
            snprintf(a->text[i], sizeof a->text[i], "%.*f", digits, v);
        else
            snprintf(a->text[i], sizeof a->text[i], "%.6g", v);
    }
}

/* ---- ranges ------------------------------------------------------------- */

static bool is_point(const qvl_plot *p, double x, double y)
{
    bool is_usable = p->is_log_y ? y > 1 / USABLE_LOG && y < USABLE_LOG
                                 : fabs(y) < USABLE;
    return is_usable && fabs(x) < USABLE;
}

/* Widen a range that is empty or a point, and leave `room` of it free. */
static void settle(axis *a, double room)
{
    if (a->lo > a->hi) {
        a->lo = 0;
        a->hi = 1;
    }
    double most = fmax(fabs(a->lo), fabs(a->hi));
    if (a->hi - a->lo <= 1e-12 * most || a->hi == a->lo) {
        double by = a->is_log ? 0.3 : most > 0 ? 0.05 * most : 1;
        a->lo -= by;
        a->hi += by;
    }
    double size = a->hi - a->lo;
    a->lo -= room * size;
    a->hi += room * size;
}

static void find_ranges(drawing *d)
{
    const qvl_plot *p = d->p;
    d->x = (axis){ .lo = INFINITY, .hi = -INFINITY };
    d->y = (axis){ .lo = INFINITY, .hi = -INFINITY, .is_log = p->is_log_y };
    for (int s = 0; s < p->n_series; s++) {
        for (size_t i = 0; i < p->series[s].n; i++) {
            double x = p->series[s].x[i];
            double y = p->series[s].y[i];
            if (!is_point(p, x, y))
                continue;
            double v = p->is_log_y ? log10(y) : y;
            d->x.lo = fmin(d->x.lo, x);
            d->x.hi = fmax(d->x.hi, x);
            d->y.lo = fmin(d->y.lo, v);
            d->y.hi = fmax(d->y.hi, v);
        }
    }
    settle(&d->x, 0);
    settle(&d->y, 0.05);
}

static double to_px(const axis *a, double v)
{
    double t = ((a->is_log ? log10(v) : v) - a->lo) / (a->hi - a->lo);
    return a->from + t * (a->to - a->from);
}

/* ---- frame -------------------------------------------------------------- */

static double text_px(const char *text)
{
    return qvl_draw_text_width(text, TEXT_UNIT);
}

static double line_px(void)
{
    return qvl_draw_text_height(TEXT_UNIT);
}

/* Number the axes and leave room for the texts around them. */
static void lay_out(drawing *d)
{
    const qvl_plot *p = d->p;
    int n_x = p->w / 90 < 2 ? 2 : p->w / 90 > 12 ? 12 : p->w / 90;
    int n_y = p->h / 50 < 2 ? 2 : p->h / 50 > 12 ? 12 : p->h / 50;
    d->x.n_ticks = qvl_plot_ticks(d->x.tick, d->x.lo, d->x.hi, n_x);
    d->y.n_ticks =
        p->is_log_y ? qvl_plot_log_ticks(d->y.tick, pow(10, d->y.lo),
                                         pow(10, d->y.hi), n_y)
                    : qvl_plot_ticks(d->y.tick, d->y.lo, d->y.hi, n_y);
    write_ticks(&d->x);
    write_ticks(&d->y);
    double widest = 0;
    for (int i = 0; i < d->y.n_ticks; i++)
        widest = fmax(widest, text_px(d->y.text[i]));
    double left = MARGIN_PX + widest + TICK_PX + 4;
    double bottom = MARGIN_PX + line_px() + TICK_PX;
    double top = MARGIN_PX;
    if (p->y_label != NULL)
        left += line_px() + 6;
    if (p->x_label != NULL)
        bottom += line_px() + 4;
    if (p->title != NULL)
        top += qvl_draw_text_height(TITLE_UNIT) + 6;
    d->x.from = floor(left) + 0.5;
    d->x.to = p->w - 2 * MARGIN_PX - 0.5;
    d->y.from = floor(p->h - bottom) + 0.5;
    d->y.to = ceil(top) + 0.5;
}

static void draw_line(drawing *d, double x0, double y0, double x1, double y1,
                      qvl_colour colour)
{
    qvl_pen pen = { .colour = colour, .alpha = 1, .width_px = 1 };
    qvl_draw_path(&d->canvas, (double[]){ x0, y0, x1, y1 }, 2, &pen);
}

static void draw_x_ticks(drawing *d)
{
    for (int i = 0; i < d->x.n_ticks; i++) {
        double x = floor(to_px(&d->x, d->x.tick[i])) + 0.5;
        const char *text = d->x.text[i];
        draw_line(d, x, d->y.from, x, d->y.to, line_grey);
        draw_line(d, x, d->y.from, x, d->y.from + TICK_PX, ink);
        qvl_draw_text(&d->canvas, floor(x - text_px(text) / 2),
                      d->y.from + TICK_PX + 4, text, TEXT_UNIT, ink);
    }
}

static void draw_y_ticks(drawing *d)
{
    for (int i = 0; i < d->y.n_ticks; i++) {
        double y = floor(to_px(&d->y, d->y.tick[i])) + 0.5;
        const char *text = d->y.text[i];
        draw_line(d, d->x.from, y, d->x.to, y, line_grey);
        draw_line(d, d->x.from - TICK_PX, y, d->x.from, y, ink);
        qvl_draw_text(&d->canvas,
                      floor(d->x.from - TICK_PX - 4 - text_px(text)),
                      floor(y - 4.5 * TEXT_UNIT), text, TEXT_UNIT, ink);
    }
}

static void draw_frame(drawing *d)
{
    const qvl_plot *p = d->p;
    draw_x_ticks(d);
    draw_y_ticks(d);
    draw_line(d, d->x.from, d->y.from, d->x.to, d->y.from, ink);
    draw_line(d, d->x.from, d->y.from, d->x.from, d->y.to, ink);
    double middle = (d->x.from + d->x.to) / 2;
    if (p->title != NULL)
        qvl_draw_text(&d->canvas,
                      floor(middle
                            - qvl_draw_text_width(p->title, TITLE_UNIT) / 2),
                      MARGIN_PX, p->title, TITLE_UNIT, ink);
    if (p->x_label != NULL)
        qvl_draw_text(&d->canvas, floor(middle - text_px(p->x_label) / 2),
                      floor(p->h - MARGIN_PX / 2 - line_px()), p->x_label,
                      TEXT_UNIT, ink);
    if (p->y_label != NULL)
        qvl_draw_text_up(&d->canvas, MARGIN_PX,
                         floor((d->y.from + d->y.to) / 2
                               + text_px(p->y_label) / 2),
                         p->y_label, TEXT_UNIT, ink);
}

/* ---- curves ------------------------------------------------------------- */

static void draw_series(drawing *d, const qvl_plot_series *s)
{
    qvl_pen pen = { .colour = qvl_draw_colour(s->colour),
                    .alpha = s->is_faint ? 0.3 : 1,
                    .width_px = s->is_faint ? 1 : 2 };
    double *point = qvl_arena_array(&d->arena, double, 2 * s->n);
    int n = 0;
    for (size_t i = 0; i <= s->n; i++) {
        if (i < s->n && is_point(d->p, s->x[i], s->y[i])) {
            point[2 * n] = to_px(&d->x, s->x[i]);
            point[2 * n + 1] = to_px(&d->y, s->y[i]);
            n++;
            continue;
        }
        qvl_pen dot = pen;
        dot.width_px += 3;
        if (n > 0)
            qvl_draw_path(&d->canvas, point, n, n == 1 ? &dot : &pen);
        n = 0;
    }
}

/* Names at the right top, over what is drawn there. */
static void draw_legend(drawing *d)
{
    const qvl_plot *p = d->p;
    double widest = 0;
    int n = 0;
    for (int s = 0; s < p->n_series; s++) {
        if (p->series[s].name == NULL)
            continue;
        widest = fmax(widest, text_px(p->series[s].name));
        n++;
    }
    if (n == 0)
        return;
    int step = (int)ceil(line_px()) + 4;
    int x0 = (int)(d->x.to - widest) - 48;
    int y0 = (int)d->y.to + 6;
    qvl_draw_fill(&d->canvas, x0, y0, (int)d->x.to - 4, y0 + n * step + 6,
                  paper, 0.85);
    int y = y0 + 6;
    for (int s = 0; s < p->n_series; s++) {
        const qvl_plot_series *series = &p->series[s];
        if (series->name == NULL)
            continue;
        qvl_pen pen = { .colour = qvl_draw_colour(series->colour),
                        .alpha = series->is_faint ? 0.4 : 1, .width_px = 2 };
        double at = y + 4.5 * TEXT_UNIT;
        qvl_draw_path(&d->canvas, (double[]){ x0 + 6, at, x0 + 28, at }, 2,
                      &pen);
        qvl_draw_text(&d->canvas, x0 + 36, y, series->name, TEXT_UNIT, ink);
        y += step;
    }
}

static int draw(void *arg)
{
    drawing *d = arg;
    QVL_TRY(qvl_image_init(&d->im, d->p->h, d->p->w, d->err));
    memset(d->im.pixel, 255, qvl_image_bytes(&d->im));
    QVL_TRY(qvl_canvas_init(&d->canvas, &d->im, d->err));
    find_ranges(d);
    lay_out(d);
    draw_frame(d);
    for (int s = 0; s < d->p->n_series; s++)
        draw_series(d, &d->p->series[s]);
    draw_legend(d);
    *d->out = d->im;
    d->im = (qvl_image){ 0 };
    return QVL_OK;
}

int qvl_plot_draw(qvl_image *out, const qvl_plot *plot, qvl_err *err)
{
    assert(plot->w >= 200 && plot->h >= 150);

    drawing d = { .p = plot, .out = out, .err = err };
    int rc = qvl_guard(draw, &d, err);
    qvl_canvas_release(&d.canvas);
    qvl_image_release(&d.im);
    qvl_arena_release(&d.arena);
    return rc;
}

int qvl_plot_save(const char *path, const qvl_plot *plot, qvl_err *err)
{
    qvl_image im = { 0 };
    QVL_TRY(qvl_plot_draw(&im, plot, err));
    int rc = qvl_png_write(path, im.pixel, im.w, im.h, err);
    qvl_image_release(&im);
    return rc;
}
