/* test_plot.c - plots: round ticks, curves where they belong, odd data */
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

static void test_ticks_everywhere(void)
{
    for (int e = -290; e <= 290; e += 7)
        for (int k = 1; k < 40; k++)
            for (int most = 2; most <= 12; most += 5) {
                double lo = (k % 7 - 3) * pow(10, e);
                double hi = lo + k * 0.37 * pow(10, e);
                double t[20];
                int n = qvl_plot_ticks(t, lo, hi, most);
                CHECK(n >= 1 && n <= most, "%g to %g: %d of %d", lo, hi, n,
                      most);
                for (int i = 1; i < n; i++)
                    CHECK(t[i] > t[i - 1], "%g to %g rise", lo, hi);
                if (lo <= 0)
                    continue;
                n = qvl_plot_log_ticks(t, lo, hi, most);
                CHECK(n >= 1 && n <= most, "log %g to %g: %d", lo, hi, n);
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

static void test_curve(void)
{
    double x[] = { 0, 1, 2, 3 };
    double y[] = { 0, 1, 2, 3 };
    qvl_plot_series s = { "a", x, y, 4, 0, false };
    qvl_plot p = { "title", "x", "y", false, 400, 300, &s, 1 };
    qvl_image im = { 0 };
    qvl_err err;
    CHECK_OK(qvl_plot_draw(&im, &p, &err), err);
    CHECK(im.w == 400 && im.h == 300, "size");
    CHECK(has_colour(&im, 0, 45, 200, 120, 270), "it begins at the bottom");
    CHECK(!has_colour(&im, 0, 250, 200, 400, 300), "nothing below it");
    CHECK(!has_colour(&im, 1, 0, 0, 400, 300), "no other colour");
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
    for (size_t i = 0; i < QVL_COUNT(data); i++) {
        for (size_t k = 0; k < QVL_COUNT(data); k++) {
            for (size_t n = 0; n <= 5; n++) {
                qvl_plot_series s[] = { { "a", data[k], data[i], n, 0, false },
                                        { NULL, x, data[i], n, 1, true } };
                qvl_plot p = { NULL, NULL, NULL, n % 2 == 0, 200, 150, s, 2 };
                qvl_image im = { 0 };
                qvl_err err;
                CHECK_OK(qvl_plot_draw(&im, &p, &err), err);
                qvl_image_release(&im);
            }
        }
    }
}

/* One point is a dot; a gap parts a curve. */
static void test_gaps(void)
{
    double x[] = { 0, 1, 2, 3, 4 };
    double y[] = { 1, 1, (double)NAN, 1, 1 };
    qvl_plot_series s = { NULL, x, y, 5, 0, false };
    qvl_plot p = { NULL, NULL, NULL, false, 400, 300, &s, 1 };
    qvl_image im = { 0 };
    qvl_err err;
    CHECK_OK(qvl_plot_draw(&im, &p, &err), err);
    CHECK(has_colour(&im, 0, 50, 0, 110, 300), "left of the gap");
    CHECK(!has_colour(&im, 0, 190, 0, 230, 300), "the gap");
    CHECK(has_colour(&im, 0, 320, 0, 380, 300), "right of it");
    qvl_image_release(&im);
    s.n = 1;
    CHECK_OK(qvl_plot_draw(&im, &p, &err), err);
    CHECK(has_colour(&im, 0, 0, 0, 400, 300), "a dot");
    qvl_image_release(&im);
}

static void test_save(void)
{
    qvl_plot p = { "none", "x", "y", true, 300, 200, NULL, 0 };
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
          TEST(test_curve), TEST(test_odd_data), TEST(test_gaps),
          TEST(test_save))
