/* test_plot.c - plots: round ticks, curves and what names them where they belong, odd
 * data
 *
 * Texts are not read: that there is ink where a title, a label or a name goes is all
 * that is looked at. Axes and their lines are seen only as far as curves stand right.
 */
#include "check.h"

#include <stdbool.h>

#include "base/arena.h"
#include "image/decode.h"
#include "image/draw.h"
#include "image/plot.h"

static void test_ticks(void)
{
    static const struct {
        double lo, hi;
        int most, n;
        double first, step;
    } cases[] = {
        { 0, 10, 6, 6, 0, 2 },        { 0, 1, 5, 3, 0, 0.5 },
        { 1, 1500, 10, 7, 200, 200 }, { -3, 3, 7, 7, -3, 1 },
        { 0.02, 0.031, 6, 3, 0.02, 0.005 },
        { 1e6, 3e6, 4, 3, 1e6, 1e6 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        double t[20];
        int n = qvl_plot_ticks(t, cases[i].lo, cases[i].hi, cases[i].most);
        CHECK_INT(n, cases[i].n, "case %zu, from %g by %g", i, t[0],
                  t[1] - t[0]);
        CHECK_NEAR(t[0], cases[i].first, 1e-9 * fabs(cases[i].hi), "first %zu",
                   i);
        CHECK_NEAR(t[1] - t[0], cases[i].step, 1e-9 * cases[i].step,
                   "step %zu", i);
    }
}

/* 1, 2 or 5 times a power of ten, up to 1e-6. */
static bool is_round(double v)
{
    static const double digit[] = { 1, 2, 5, 10 };
    double power = pow(10, floor(log10(v) + 1e-9));
    for (size_t i = 0; i < QVL_COUNT(digit); i++)
        if (fabs(v - digit[i] * power) <= 1e-6 * v)
            return true;
    return false;
}

/* Two ticks or more, within lo..hi, by one round step. */
static void check_ticks(const double *t, int n, double lo, double hi, int most)
{
    CHECK(n >= 2 && n <= most, "%g to %g: %d of %d", lo, hi, n, most);
    double step = t[1] - t[0];
    CHECK(is_round(step), "%g to %g: a step of %g", lo, hi, step);
    for (int i = 0; i < n; i++)
        CHECK_NEAR(t[i], t[0] + i * step, 1e-6 * step, "%g to %g, tick %d", lo, hi, i);
    CHECK(t[0] >= lo - 1e-6 * step && t[n - 1] <= hi + 1e-6 * step,
          "%g to %g: ticks %g to %g", lo, hi, t[0], t[n - 1]);
}

static int count_powers(double lo, double hi)
{
    return (int)(floor(log10(hi) + 1e-9) - ceil(log10(lo) - 1e-9)) + 1;
}

/* Rising round numbers, or those of a plain axis where no two powers of ten lie
 * within. */
static void check_log_ticks(const double *t, int n, double lo, double hi, int most)
{
    bool is_log = n >= 2;
    for (int i = 0; i < n; i++)
        is_log = is_log && t[i] > 0 && is_round(t[i]);
    if (!is_log) {
        CHECK(count_powers(lo, hi) < 2, "log %g to %g: %d of %d", lo, hi, n, most);
        check_ticks(t, n, lo, hi, most);
        return;
    }
    CHECK(n <= most, "log %g to %g: %d of %d", lo, hi, n, most);
    for (int i = 1; i < n; i++)
        CHECK(t[i] > t[i - 1], "log %g to %g rise", lo, hi);
    CHECK(t[0] >= lo * (1 - 1e-8) && t[n - 1] <= hi * (1 + 1e-8),
          "log %g to %g: ticks %g to %g", lo, hi, t[0], t[n - 1]);
}

static void test_ticks_everywhere(void)
{
    for (int e = -290; e <= 290; e += 7)
        for (int k = 1; k < 40; k++)
            for (int most = 2; most <= 12; most++) {
                double lo = (k % 7 - 3) * pow(10, e);
                double hi = lo + k * 0.37 * pow(10, e);
                double t[20];
                int n = qvl_plot_ticks(t, lo, hi, most);
                check_ticks(t, n, lo, hi, most);
                if (lo <= 0)
                    continue;
                n = qvl_plot_log_ticks(t, lo, hi, most);
                check_log_ticks(t, n, lo, hi, most);
            }
}

/* Ranges of 1 part in 10^5 to 40 decades, ends that are ticks and ends that are not. */
static void test_log_ticks_everywhere(void)
{
    for (int k = 0; k < 400; k++)
        for (int i = -50; i <= 160; i++)
            for (int most = 2; most <= 12; most += 5) {
                double lo = pow(10, (k - 200) * 0.25);
                double hi = lo * (1 + pow(10, i * 0.25));
                double t[20];
                if (i < -20)
                    hi = lo * pow(10, i + 51);
                int n = qvl_plot_log_ticks(t, lo, hi, most);
                check_log_ticks(t, n, lo, hi, most);
            }
}

static void test_log_ticks(void)
{
    double t[20];
    CHECK_INT(qvl_plot_log_ticks(t, 0.01, 10, 5), 4, "decades");
    CHECK_NEAR(t[0], 0.01, 1e-12, "first");
    CHECK_NEAR(t[3], 10, 1e-9, "last");
    CHECK_INT(qvl_plot_log_ticks(t, 0.04, 1.5, 10), 5, "2 and 5 as well");
    CHECK_NEAR(t[0], 0.05, 1e-12, "first");
    CHECK_INT(qvl_plot_log_ticks(t, 3.1, 3.9, 10), 9, "as on a plain axis");
    CHECK(qvl_plot_log_ticks(t, 1e-200, 1e200, 8) <= 8, "not too many");
}

/* Has the picture a pixel about as coloured as curve `number`? */
static bool has_colour(const qvl_image *im, int number, int x0, int y0,
                       int x1, int y1)
{
    qvl_colour c = qvl_draw_colour(number);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            const uint8_t *p = qvl_image_row(im, y) + 3 * x;
            if (abs(p[0] - c.r) + abs(p[1] - c.g) + abs(p[2] - c.b) < 12)
                return true;
        }
    return false;
}

static qvl_image draw(const qvl_plot *p)
{
    qvl_image im = { 0 };
    qvl_err err;
    CHECK_OK(qvl_plot_draw(&im, p, &err), err);
    CHECK(im.w == p->w && im.h == p->h, "%d x %d", im.w, im.h);
    return im;
}

static void test_curve(void)
{
    double x[] = { 0, 1, 2, 3 };
    double y[] = { 0, 1, 2, 3 };
    qvl_plot_series s = { .name = "a", .x = x, .y = y, .n = 4 };
    qvl_plot p = { .title = "title", .x_label = "x", .y_label = "y", .w = 400,
                   .h = 300, .series = &s, .n_series = 1 };
    qvl_image im = draw(&p);
    CHECK(has_colour(&im, 0, 45, 200, 120, 270), "it begins at the bottom");
    CHECK(!has_colour(&im, 0, 250, 200, 400, 300), "nothing below it");
    CHECK(!has_colour(&im, 1, 0, 0, 400, 300), "no other colour");
    qvl_image_release(&im);
}

/* Row of the curve in column x, in the middle of its pixels; -1: none. */
static double row_of(const qvl_image *im, int number, int x)
{
    double sum = 0;
    int n = 0;
    for (int y = 0; y < im->h; y++)
        if (has_colour(im, number, x, y, x + 1, y + 1)) {
            sum += y;
            n++;
        }
    return n == 0 ? -1 : sum / n;
}

/* The curve from its first column to its last: row at a quarter, half and three
 * quarters of the way, in parts of the way from the first row to the last. */
static void bends(const qvl_image *im, double *part)
{
    int first = 0, last = im->w - 1;
    while (row_of(im, 0, first) < 0)
        first++;
    while (row_of(im, 0, last) < 0)
        last--;
    CHECK(last - first > im->w / 2, "columns %d to %d", first, last);
    double low = row_of(im, 0, first + 2), high = row_of(im, 0, last - 2);
    CHECK(low - high > im->h / 2.0, "rows %g to %g", low, high);
    for (int i = 0; i < 3; i++)
        part[i] = (low - row_of(im, 0, first + (last - first) * (i + 1) / 4))
                  / (low - high);
}

/* y = 10^x is a line on a logarithmic axis, and what it is on a plain one. */
static void test_log_curve(void)
{
    enum { N = 81 };
    double x[N], y[N], part[3];
    qvl_plot_series s = { .x = x, .y = y, .n = N };
    qvl_plot p = { .w = 400, .h = 300, .series = &s, .n_series = 1 };
    for (int i = 0; i < N; i++) {
        x[i] = i * 0.05;
        y[i] = pow(10, x[i] - 2);
    }
    for (int k = 0; k < 2; k++) {
        p.is_log_y = k == 0;
        qvl_image im = draw(&p);
        bends(&im, part);
        for (int i = 0; i < 3; i++)
            CHECK_NEAR(part[i], k == 0 ? 0.25 * (i + 1) : pow(10, i - 3), 0.02,
                       "axis %d, column %d", k, i);
        qvl_image_release(&im);
    }
}

/* What all pixels lack to white. */
static double darkness(const qvl_image *im, int x0, int y0, int x1, int y1)
{
    double sum = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            const uint8_t *p = qvl_image_row(im, y) + 3 * x;
            sum += 3 * 255 - p[0] - p[1] - p[2];
        }
    return sum;
}

/* A faint curve is one pixel wide instead of two, and three tenths as dark: what is
 * left of it is 0.15 of a full one. Without the point between, the axes are alone. */
static void test_faint(void)
{
    double x[] = { 0, 0.5, 1 }, y[] = { 0, 0.5, 1 };
    qvl_plot_series s = { .x = x, .y = y, .n = 3 };
    qvl_plot p = { .w = 400, .h = 300, .series = &s, .n_series = 1 };
    double dark[3];
    for (int k = 0; k < 3; k++) {
        s.is_faint = k == 1;
        if (k == 2)
            y[1] = (double)NAN;
        qvl_image im = draw(&p);
        dark[k] = darkness(&im, 120, 0, 300, 300);
        CHECK(has_colour(&im, 0, 120, 0, 300, 300) == (k == 0), "curve %d", k);
        qvl_image_release(&im);
    }
    CHECK_NEAR((dark[1] - dark[2]) / (dark[0] - dark[2]), 0.15, 0.02,
               "%g, %g, %g", dark[0], dark[1], dark[2]);
}

/* Each text adds ink where it goes, and nowhere else where the axes stay. */
static void test_texts(void)
{
    double x[] = { 0, 1 }, y[] = { 0, 1 };
    qvl_plot_series s = { .x = x, .y = y, .n = 2 };
    qvl_plot p = { .w = 400, .h = 300, .series = &s, .n_series = 1 };
    qvl_image im = draw(&p);
    CHECK_NEAR(darkness(&im, 20, 0, 380, 11), 0, 0, "above");
    CHECK_NEAR(darkness(&im, 0, 0, 10, 300), 0, 0, "left");
    CHECK_NEAR(darkness(&im, 0, 296, 400, 300), 0, 0, "below");
    qvl_image_release(&im);
    p.title = "WWWWWW";
    p.x_label = "gggggg";
    p.y_label = "WWWWWW";
    im = draw(&p);
    CHECK(darkness(&im, 150, 12, 300, 28) > 2e4, "title");
    CHECK_NEAR(darkness(&im, 0, 12, 120, 28), 0, 0, "left of the title");
    CHECK(darkness(&im, 150, 280, 300, 300) > 2e4, "label of x");
    CHECK(darkness(&im, 10, 80, 26, 220) > 2e4, "label of y");
    CHECK_NEAR(darkness(&im, 10, 30, 26, 70), 0, 0, "above the label of y");
    qvl_image_release(&im);
}

/* The legend has a line of its colour and a name for each curve that has one. */
static void test_legend(void)
{
    double x[] = { 0, 1 }, y[] = { 0, 0 };
    qvl_plot_series s[] = { { .x = x, .y = y, .n = 2, .colour = 0 },
                            { .x = x, .y = y, .n = 2, .colour = 1 },
                            { .x = x, .y = y, .n = 2, .colour = 2 } };
    qvl_plot p = { .w = 400, .h = 300, .series = s, .n_series = 3 };
    qvl_image im = draw(&p);
    for (int i = 0; i < 3; i++)
        CHECK(!has_colour(&im, i, 250, 12, 400, 80), "no legend, curve %d", i);
    qvl_image_release(&im);
    s[0].name = "WWW";
    s[2].name = "WWWWWW";
    im = draw(&p);
    CHECK(has_colour(&im, 0, 250, 12, 400, 40), "the first line");
    CHECK(!has_colour(&im, 0, 250, 40, 400, 80), "has one row");
    CHECK(!has_colour(&im, 1, 250, 12, 400, 80), "a curve without a name");
    CHECK(has_colour(&im, 2, 250, 30, 400, 60), "the third is in the second row");
    qvl_image_release(&im);
}

static void test_odd_data(void)
{
    double none[] = { (double)NAN, (double)INFINITY, -1e308, 1e308, 0 };
    double flat[] = { 5, 5, 5, 5, 5 };
    double tiny[] = { 1e-320, 0, -0.0, 1e-300, 1 };
    double huge[] = { 1e299, -1e299, 1, 2, 3 };
    double x[] = { 1, 2, 3, 4, 5 };
    const double *data[] = { none, flat, tiny, huge, x };
    const size_t n_data = QVL_COUNT(data);
    for (size_t i = 0; i < n_data * n_data * 6 * 2; i++) {
        size_t n = i / 2 % 6;
        const double *y = data[i / 12 % n_data];
        qvl_plot_series s[] = {
            { .name = "a", .x = data[i / 12 / n_data], .y = y, .n = n },
            { .x = x, .y = y, .n = n, .colour = 1, .is_faint = true }
        };
        qvl_plot p = { .is_log_y = i % 2 == 1, .w = 200, .h = 150, .series = s,
                       .n_series = 2 };
        qvl_image im = draw(&p);
        qvl_image_release(&im);
    }
}

/* One point is a dot; a gap parts a curve. */
static void test_gaps(void)
{
    double x[] = { 0, 1, 2, 3, 4 };
    double y[] = { 1, 1, (double)NAN, 1, 1 };
    qvl_plot_series s = { .x = x, .y = y, .n = 5 };
    qvl_plot p = { .w = 400, .h = 300, .series = &s, .n_series = 1 };
    qvl_image im = draw(&p);
    CHECK(has_colour(&im, 0, 50, 0, 110, 300), "left of the gap");
    CHECK(!has_colour(&im, 0, 190, 0, 230, 300), "the gap");
    CHECK(has_colour(&im, 0, 320, 0, 380, 300), "right of it");
    qvl_image_release(&im);
    s.n = 1;
    im = draw(&p);
    CHECK(has_colour(&im, 0, 0, 0, 400, 300), "a dot");
    qvl_image_release(&im);
}

static void test_save(void)
{
    qvl_plot p = { .title = "none", .x_label = "x", .y_label = "y",
                   .is_log_y = true, .w = 300, .h = 200 };
    qvl_err err;
    const char *path = check_path("plot.png");
    CHECK_OK(qvl_plot_save(path, &p, &err), err);
    int h, w;
    CHECK_OK(qvl_image_load_size(&h, &w, path, NULL, &err), err);
    CHECK(w == 300 && h == 200, "%d x %d", w, h);
    CHECK_FAILS(qvl_plot_save(check_path("none/plot.png"), &p, &err),
                QVL_E_IO, err, "plot.png");
    qvl_memory_limit(1000);
    int rc = qvl_plot_save(path, &p, &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "no memory");
}

RUN_TESTS(TEST(test_ticks), TEST(test_ticks_everywhere), TEST(test_log_ticks),
          TEST(test_log_ticks_everywhere), TEST(test_curve), TEST(test_log_curve),
          TEST(test_faint), TEST(test_texts), TEST(test_legend),
          TEST(test_odd_data), TEST(test_gaps), TEST(test_save))
