/* test_even_odd.c - points and areas inside of rings that may cross themselves */
#include "check.h"

#include "data/even_odd.h"
#include "shapes.h"

static const qvl_bounds all = { -100, -100, 100, 100 };

static void test_has_point(void)
{
    static const double square[] = { 0, 0, 4, 0, 4, 4, 0, 4 };
    static const double ell[] = { 0, 0, 2, 0, 2, 6, 8, 6, 8, 8, 0, 8 };
    static const double bow[] = { 0, 0, 8, 8, 8, 0, 0, 8 };
    static const struct {
        const char *name;
        const double *point;
        int n;
        double x, y;
        bool is_inside;
    } cases[] = {
        { "middle", square, 4, 2, 2, true },
        { "left of it", square, 4, -1, 2, false },
        { "right of it", square, 4, 5, 2, false },
        { "above", square, 4, 2, -1, false },
        { "below", square, 4, 2, 5, false },
        { "left edge", square, 4, 0, 2, true },
        { "right edge", square, 4, 4, 2, false },
        { "top edge", square, 4, 2, 0, true },
        { "bottom edge", square, 4, 2, 4, false },
        { "left top corner", square, 4, 0, 0, true },
        { "right bottom corner", square, 4, 4, 4, false },
        { "notch", ell, 6, 5, 3, false },
        { "foot", ell, 6, 5, 7, true },
        { "leg", ell, 6, 1, 3, true },
        { "left wing", bow, 4, 1, 4, true },
        { "right wing", bow, 4, 7, 4, true },
        { "above the knot", bow, 4, 4, 1, false },
        { "below the knot", bow, 4, 4, 7, false },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_INT(qvl_even_odd_has_point(cases[i].point, cases[i].n, cases[i].x,
                                         cases[i].y),
                  cases[i].is_inside, "%s", cases[i].name);
}

static void test_known_areas(void)
{
    static const struct {
        const char *name;
        int n;
        double point[20];
        qvl_bounds window;
        double area;
    } cases[] = {
        { "square", 4, { 0, 0, 10, 0, 10, 10, 0, 10 }, { 0, 0, 10, 10 }, 100 },
        { "the other way", 4, { 0, 10, 10, 10, 10, 0, 0, 0 },
          { 0, 0, 10, 10 }, 100 },
        { "right half", 4, { 0, 0, 10, 0, 10, 10, 0, 10 }, { 5, 0, 15, 10 },
          50 },
        { "window inside", 4, { 0, 0, 10, 0, 10, 10, 0, 10 }, { 2, 3, 4, 7 },
          8 },
        { "window beside", 4, { 0, 0, 10, 0, 10, 10, 0, 10 },
          { 11, 0, 15, 10 }, 0 },
        { "window without width", 4, { 0, 0, 10, 0, 10, 10, 0, 10 },
          { 5, 0, 5, 10 }, 0 },
        { "bow tie", 4, { 0, 0, 10, 10, 10, 0, 0, 10 }, { 0, 0, 10, 10 }, 50 },
        { "one wing", 4, { 0, 0, 10, 10, 10, 0, 0, 10 }, { 0, 0, 5, 10 }, 25 },
        { "a hole on a bridge", 10,
          { 0, 0, 10, 0, 10, 10, 0, 10, 0, 3, 3, 3, 3, 7, 7, 7, 7, 3, 0, 3 },
          { 0, 0, 10, 10 }, 84 },
        { "twice around", 8,
          { 0, 0, 9, 0, 9, 9, 0, 9, 0, 0, 9, 0, 9, 9, 0, 9 },
          { 0, 0, 10, 10 }, 0 },
        { "on a line", 4, { 0, 0, 1, 1, 3, 3, 2, 2 }, { -5, -5, 5, 5 }, 0 },
        { "one point", 3, { 1, 1, 1, 1, 1, 1 }, { -5, -5, 5, 5 }, 0 },
        { "level", 3, { 1, 1, 5, 1, 3, 1 }, { -5, -5, 5, 5 }, 0 },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_NEAR(qvl_even_odd_area(cases[i].point, cases[i].n,
                                     &cases[i].window, &arena),
                   cases[i].area, 1e-12, "%s", cases[i].name);
    qvl_arena_release(&arena);
}

/* Every other number of points crosses itself. */
static void test_random(void)
{
    qvl_arena arena = { 0 };
    qvl_rng r = { .key = 3 };
    for (int i = 0; i < 150; i++) {
        int n = shapes_int(&r, 3, 12);
        const double *p = i % 2 ? shapes_points(n, 0, 10, &r, &arena)
                                : shapes_simple(n, 0, 10, &r, &arena);
        qvl_bounds w = { 2, 3, 7, 8 };
        CHECK_NEAR(qvl_even_odd_area(p, n, &w, &arena),
                   shapes_rows_area(p, n, &w, &arena), 0.02, "window of %d", i);
        qvl_bounds whole = { 0, 0, 10, 10 };
        double area = qvl_even_odd_area(p, n, &all, &arena);
        CHECK_NEAR(area, shapes_rows_area(p, n, &whole, &arena), 0.05,
                   "whole of %d", i);
        if (i % 2 == 0)
            CHECK_NEAR(area, fabs(qvl_geom_area(p, n)), 1e-10,
                       "plain formula, %d", i);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

/* Corners on whole numbers meet and lie on each other: the parts of four windows are
 * the whole. */
static void test_windows_add_up(void)
{
    qvl_arena arena = { 0 };
    qvl_rng r = { .key = 4 };
    for (int i = 0; i < 300; i++) {
        int n = shapes_int(&r, 3, 20);
        double *p = shapes_points(n, 0, 6, &r, &arena);
        for (int k = 0; k < 2 * n; k++)
            p[k] = floor(p[k]);
        double x = shapes_int(&r, 0, 12) / 2.0;
        double y = shapes_int(&r, 0, 12) / 2.0;
        const qvl_bounds part[] = {
            { 0, 0, x, y }, { x, 0, 6, y }, { 0, y, x, 6 }, { x, y, 6, 6 }
        };
        double sum = 0.0;
        for (int k = 0; k < 4; k++)
            sum += qvl_even_odd_area(p, n, &part[k], &arena);
        CHECK_NEAR(sum, qvl_even_odd_area(p, n, &all, &arena), 1e-10, "%d", i);
        qvl_bounds whole = { 0, 0, 6, 6 };
        CHECK_NEAR(sum, shapes_rows_area(p, n, &whole, &arena), 0.05, "%d", i);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_has_point), TEST(test_known_areas), TEST(test_random),
          TEST(test_windows_add_up))
