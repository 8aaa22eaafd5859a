/* test_hull.c - hulls and smallest rectangles around points */
#include "check.h"

#include "data/affine.h"
#include "data/geom.h"
#include "data/hull.h"
#include "shapes.h"

static const double pi = 3.14159265358979323846;

static double cross(const double *a, const double *b, const double *c)
{
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

static void test_known_hulls(void)
{
    static const struct {
        const char *name;
        int n, n_out;
        double point[14];
        double out[10];
    } cases[] = {
        { "one point", 1, 1, { 3, 4 }, { 3, 4 } },
        { "one point, thrice", 3, 1, { 3, 4, 3, 4, 3, 4 }, { 3, 4 } },
        { "on a line", 4, 2, { 2, 2, 1, 1, 4, 4, 3, 3 }, { 1, 1, 4, 4 } },
        { "upright", 3, 2, { 5, 2, 5, 9, 5, 1 }, { 5, 1, 5, 9 } },
        { "triangle", 3, 3, { 4, 4, 4, 0, 0, 4 }, { 0, 4, 4, 0, 4, 4 } },
        { "square and more", 7, 4,
          { 2, 2, 0, 4, 4, 4, 0, 0, 4, 0, 2, 0, 0, 2 },
          { 0, 0, 4, 0, 4, 4, 0, 4 } },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        double out[14];
        int n = qvl_hull(out, cases[i].point, cases[i].n, &arena);
        CHECK_INT(n, cases[i].n_out, "%s", cases[i].name);
        for (int k = 0; k < 2 * n; k++)
            CHECK_NEAR(out[k], cases[i].out[k], 0, "%s: %d", cases[i].name, k);
    }
    qvl_arena_release(&arena);
}

/* Corners turn clockwise and leave no point outside. */
static void check_hull(const double *hull, int n_hull, const double *point, int n)
{
    for (int i = 0; i < n_hull; i++) {
        const double *a = hull + 2 * i;
        const double *b = hull + 2 * ((i + 1) % n_hull);
        const double *c = hull + 2 * ((i + 2) % n_hull);
        CHECK(cross(a, b, c) > 0.0, "corner %d of %d", i, n_hull);
        for (int k = 0; k < n; k++)
            CHECK(cross(a, b, point + 2 * k) >= -1e-12, "point %d", k);
    }
}

static void test_random_hulls(void)
{
    qvl_arena arena = { 0 };
    qvl_rng r = { .key = 5 };
    for (int i = 0; i < 300; i++) {
        int n = shapes_int(&r, 3, 60);
        double *p = shapes_points(n, 0, 8, &r, &arena);
        for (int k = 0; k < 2 * n && i % 2; k++)
            p[k] = floor(p[k]);
        if (qvl_geom_is_flat(QVL_GEOM_POLY, p, n))
            continue;
        double *hull = qvl_arena_array(&arena, double, 2 * n);
        int n_hull = qvl_hull(hull, p, n, &arena);
        check_hull(hull, n_hull, p, n);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

/* ---- rectangles --------------------------------------------------------- */

/* The vector of the specification, at other angles too: turned the wrong way, 20
 * degrees would give an area of 1237. */
static void test_turned_box(void)
{
    static const double box[] = { 0, 0, 40, 0, 40, 10, 0, 10 };
    qvl_arena arena = { 0 };
    for (int deg = -180; deg <= 180; deg += 5) {
        qvl_affine m = qvl_affine_rotation(deg, 3, 4);
        double p[8], out[8];
        qvl_affine_apply(&m, p, box, 4);
        qvl_hull_min_area_rect(out, p, 4, &arena);
        CHECK_NEAR(qvl_geom_area(out, 4), 400, 1e-6, "%d degrees", deg);
        for (int i = 0; i < 4; i++) {
            double best = 1e9;
            for (int k = 0; k < 4; k++)
                best = fmin(best, hypot(out[2 * i] - p[2 * k],
                                        out[2 * i + 1] - p[2 * k + 1]));
            CHECK_NEAR(best, 0, 1e-9, "%d degrees: corner %d", deg, i);
        }
    }
    qvl_arena_release(&arena);
}

/* Area of the bounds of points turned by -angle. */
static double area_at(const double *p, int n, double angle)
{
    double c = cos(angle), s = sin(angle);
    double u0 = INFINITY, u1 = -INFINITY, v0 = INFINITY, v1 = -INFINITY;
    for (int i = 0; i < n; i++) {
        double u = c * p[2 * i] + s * p[2 * i + 1];
        double v = -s * p[2 * i] + c * p[2 * i + 1];
        u0 = fmin(u0, u);
        u1 = fmax(u1, u);
        v0 = fmin(v0, v);
        v1 = fmax(v1, v);
    }
    return (u1 - u0) * (v1 - v0);
}

/* The least over the directions of all pairs of points, those of sides among them,
 * and over a fine fan of angles. */
static double least_area(const double *p, int n)
{
    double best = INFINITY;
    for (int i = 0; i < 900; i++)
        best = fmin(best, area_at(p, n, pi / 2 * i / 900));
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            best = fmin(best, area_at(p, n, atan2(p[2 * i + 1] - p[2 * k + 1],
                                                  p[2 * i] - p[2 * k])));
    return best;
}

/* Right angles, and no point outside. */
static void check_rect(const double *rect, const double *p, int n, int i)
{
    for (int k = 0; k < 4; k++) {
        const double *a = rect + 2 * k;
        const double *b = rect + 2 * ((k + 1) % 4);
        const double *c = rect + 2 * ((k + 2) % 4);
        CHECK_NEAR((b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]),
                   0, 1e-9, "%d: angle %d", i, k);
        for (int q = 0; q < n; q++)
            CHECK(cross(a, b, p + 2 * q) >= -1e-9, "%d: point %d", i, q);
    }
}

static void test_random_rects(void)
{
    qvl_arena arena = { 0 };
    qvl_rng r = { .key = 6 };
    for (int i = 0; i < 150; i++) {
        int n = shapes_int(&r, 1, 25);
        double *p = shapes_points(n, 0, 8, &r, &arena);
        for (int k = 0; k < 2 * n && i % 3 == 0; k++)
            p[k] = floor(p[k]);
        double rect[8];
        qvl_hull_min_area_rect(rect, p, n, &arena);
        CHECK_NEAR(qvl_geom_area(rect, 4), least_area(p, n), 1e-9, "%d", i);
        check_rect(rect, p, n, i);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

static void test_flat_rects(void)
{
    static const double line[] = { 1, 1, 4, 5, 2.5, 3 };
    qvl_arena arena = { 0 };
    double out[8];
    qvl_hull_min_area_rect(out, line, 3, &arena);
    CHECK_NEAR(qvl_geom_area(out, 4), 0, 1e-12, "on a line");
    CHECK_NEAR(hypot(out[2] - out[0], out[3] - out[1]), 5, 1e-12, "its length");
    qvl_hull_min_area_rect(out, line, 1, &arena);
    for (int i = 0; i < 8; i++)
        CHECK_NEAR(out[i], 1, 0, "one point: %d", i);
    qvl_arena_release(&arena);
}

/* Every point is a corner: without calipers this would take hours. */
static void test_many_corners(void)
{
    const int n = 100000;
    qvl_arena arena = { 0 };
    double *p = qvl_arena_array(&arena, double, 2 * n);
    for (int i = 0; i < n; i++) {
        p[2 * i] = 3000 * cos(2 * pi * i / n);
        p[2 * i + 1] = 1000 * sin(2 * pi * i / n);
    }
    double rect[8];
    qvl_hull_min_area_rect(rect, p, n, &arena);
    CHECK_NEAR(qvl_geom_area(rect, 4), 12e6, 1, "around an ellipse");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_known_hulls), TEST(test_random_hulls),
          TEST(test_turned_box), TEST(test_random_rects),
          TEST(test_flat_rects), TEST(test_many_corners))
