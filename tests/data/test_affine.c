/* test_affine.c - maps made, joined, inverted and applied */
#include "check.h"

#include "base/rng.h"
#include "data/affine.h"

/* An entry differs from the wanted one by this much at most. */
static void check_map(const qvl_affine *found, const qvl_affine *wanted,
                      double tol, const char *name)
{
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++)
            CHECK_NEAR(found->m[i][k], wanted->m[i][k], tol, "%s: %d, %d", name,
                       i, k);
}

static void check_point(const qvl_affine *m, double x, double y, double wanted_x,
                        double wanted_y, double tol, const char *name)
{
    double point[] = { x, y };
    qvl_affine_apply(m, point, point, 1);
    CHECK_NEAR(point[0], wanted_x, tol, "%s: x of (%g, %g)", name, x, y);
    CHECK_NEAR(point[1], wanted_y, tol, "%s: y of (%g, %g)", name, x, y);
}

static qvl_affine random_map(qvl_rng *r)
{
    qvl_affine m;
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++)
            m.m[i][k] = qvl_rng_between(r, -3.0, 3.0);
    return m;
}

static void test_makers(void)
{
    qvl_affine flip = qvl_affine_hflip(100);
    qvl_affine turn = qvl_affine_vflip(50);
    qvl_affine move = qvl_affine_translation(3, -4);
    qvl_affine grow = qvl_affine_scaling(2, 3, 10, 20);
    qvl_affine quarter = qvl_affine_rotation(90, 5, 7);
    qvl_affine one = qvl_affine_identity();
    check_point(&flip, 10, 20, 90, 20, 0, "hflip");
    check_point(&turn, 10, 20, 10, 30, 0, "vflip");
    check_point(&move, 1, 1, 4, -3, 0, "translation");
    check_point(&grow, 11, 21, 12, 23, 0, "scaling");
    check_point(&grow, 10, 20, 10, 20, 0, "scaling keeps its pivot");
    check_point(&quarter, 6, 7, 5, 8, 0, "clockwise: from right to down");
    check_point(&one, 0.1, -7, 0.1, -7, 0, "identity");
}

/* The whole canvas is flipped onto itself: no column is lost or left over. */
static void test_flip_is_continuous(void)
{
    qvl_affine flip = qvl_affine_hflip(7);
    qvl_affine turn = qvl_affine_vflip(7);
    for (int i = 0; i <= 7; i++) {
        check_point(&flip, i, 2, 7 - i, 2, 0, "hflip");
        check_point(&turn, 2, i, 2, 7 - i, 0, "vflip");
    }
    qvl_affine twice = qvl_affine_compose(&flip, &flip);
    CHECK(qvl_affine_is_identity(&twice, 0), "twice is the identity");
}

/* Both leave the middle of the canvas where it is, odd sizes too. */
static void test_pivots_agree(void)
{
    for (int w = 1; w < 9; w++) {
        double x = w / 2.0;
        double y = (w + 4) / 2.0;
        qvl_affine turn = qvl_affine_rotation(33, x, y);
        qvl_affine grow = qvl_affine_scaling(1.1, 1.1, x, y);
        check_point(&turn, x, y, x, y, 1e-14, "rotation");
        check_point(&grow, x, y, x, y, 1e-14, "scaling");
    }
}

static void test_rotation(void)
{
    static const struct {
        double deg, x, y;  // where (1, 0) goes
    } cases[] = {
        { 0, 1, 0 }, { 90, 0, 1 }, { 180, -1, 0 }, { 270, 0, -1 },
        { -90, 0, -1 }, { -180, -1, 0 }, { 360, 1, 0 }, { 450, 0, 1 },
        { -630, 0, 1 }, { 36000000090, 0, 1 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_affine m = qvl_affine_rotation(cases[i].deg, 0, 0);
        check_point(&m, 1, 0, cases[i].x, cases[i].y, 0, "quarter turns");
        check_point(&m, 0, 1, -cases[i].y, cases[i].x, 0, "quarter turns");
    }
    const double pi = 3.14159265358979323846;
    for (double deg = -400; deg <= 400; deg += 3.7) {
        qvl_affine m = qvl_affine_rotation(deg, 11, -2);
        double c = cos(deg * pi / 180), s = sin(deg * pi / 180);
        check_point(&m, 14, 3, c * 3 - s * 5 + 11, s * 3 + c * 5 - 2, 1e-12,
                    "the formula");
    }
}

static void test_compose(void)
{
    qvl_affine move = qvl_affine_translation(10, 0);
    qvl_affine turn = qvl_affine_rotation(90, 0, 0);
    qvl_affine moved_first = qvl_affine_compose(&move, &turn);
    qvl_affine turned_first = qvl_affine_compose(&turn, &move);
    check_point(&moved_first, 1, 2, -2, 11, 0, "moved, then turned");
    check_point(&turned_first, 1, 2, 8, 1, 0, "turned, then moved");

    qvl_rng r = { .key = 1 };
    for (int i = 0; i < 200; i++) {
        qvl_affine a = random_map(&r), b = random_map(&r);
        qvl_affine both = qvl_affine_compose(&a, &b);
        double p[] = { qvl_rng_between(&r, -9, 9), qvl_rng_between(&r, -9, 9) };
        double q[2];
        qvl_affine_apply(&a, q, p, 1);
        qvl_affine_apply(&b, q, q, 1);
        check_point(&both, p[0], p[1], q[0], q[1], 1e-12, "one by one");
    }
}

static void test_invert(void)
{
    qvl_rng r = { .key = 2 };
    qvl_affine one = qvl_affine_identity();
    qvl_err err;
    for (int i = 0; i < 200; i++) {
        qvl_affine m = random_map(&r), back;
        double det = m.m[0][0] * m.m[1][1] - m.m[0][1] * m.m[1][0];
        if (fabs(det) < 1e-2)
            continue;
        CHECK_OK(qvl_affine_invert(&back, &m, &err), err);
        qvl_affine there = qvl_affine_compose(&m, &back);
        qvl_affine again = qvl_affine_compose(&back, &m);
        check_map(&there, &one, 1e-11, "there and back");
        check_map(&again, &one, 1e-11, "back and there");
    }
    qvl_affine small = qvl_affine_scaling(1e-9, 1e-9, 0, 0), back;
    CHECK_OK(qvl_affine_invert(&back, &small, &err), err);
    CHECK_NEAR(back.m[1][1], 1e9, 1e-3, "small is not singular");
}

static void test_singular(void)
{
    static const qvl_affine cases[] = {
        { { { 0, 0, 0 }, { 0, 0, 0 } } },
        { { { 1, 2, 3 }, { 2, 4, 5 } } },
        { { { 0.1, 0.3, 0 }, { 0.1 * 3, 0.3 * 3, 0 } } },  // but for rounding
        { { { 0, 1, 0 }, { 0, 1, 0 } } },
        { { { 1e200, 0, 0 }, { 0, 1e200, 0 } } },          // overflows
        { { { 1e-170, 0, 0 }, { 0, 1e-170, 0 } } },        // underflows
        { { { 1e-150, 0, 1e300 }, { 0, 1e-150, 0 } } },    // its inverse does
        { { { NAN, 0, 0 }, { 0, 1, 0 } } },
        { { { 1, 0, INFINITY }, { 0, 1, 0 } } },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err;
        qvl_affine out = qvl_affine_translation(1, 2);
        qvl_affine before = out;
        CHECK_FAILS(qvl_affine_invert(&out, &cases[i], &err), QVL_E_RANGE, err,
                    "determinant");
        check_map(&out, &before, 0, "unchanged");
    }
}

static void test_apply(void)
{
    qvl_affine m = { { { 2, 0, 1 }, { 1, -1, 0 } } };
    const double in[] = { 0, 0, 1, 2, -3, 4 };
    static const double wanted[] = { 1, 0, 3, -1, -5, -7 };
    double out[6] = { 9, 9, 9, 9, 9, 9 };
    qvl_affine_apply(&m, out, in, 0);
    CHECK_NEAR(out[0], 9, 0, "no points");
    qvl_affine_apply(&m, out, in, 3);
    for (int i = 0; i < 6; i++)
        CHECK_NEAR(out[i], wanted[i], 0, "%d", i);
}

static void test_axis_aligned(void)
{
    static const struct {
        const char *name;
        qvl_affine m;
        bool is_aligned;
    } cases[] = {
        { "flip", { { { -1, 0, 5 }, { 0, 1, 0 } } }, true },
        { "two factors", { { { 0.3, 0, 5 }, { 0, 7, 0 } } }, true },
        { "at the limit", { { { 1, 1e-6, 0 }, { -1e-6, 1, 0 } } }, true },
        { "m01 above", { { { 1, 1.1e-6, 0 }, { 0, 1, 0 } } }, false },
        { "m10 below", { { { 1, 0, 0 }, { -1.1e-6, 1, 0 } } }, false },
        { "quarter turn", { { { 0, -1, 0 }, { 1, 0, 0 } } }, false },
        { "NaN", { { { 1, NAN, 0 }, { 0, 1, 0 } } }, false },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_INT(qvl_affine_is_axis_aligned(&cases[i].m), cases[i].is_aligned,
                  "%s", cases[i].name);
    qvl_affine half = qvl_affine_rotation(180, 3, 4);
    CHECK(qvl_affine_is_axis_aligned(&half), "half turn");
}

static void test_identity(void)
{
    qvl_affine m = qvl_affine_identity();
    CHECK(qvl_affine_is_identity(&m, 0), "exact");
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++)
            for (int sign = -1; sign <= 1; sign += 2) {
                qvl_affine off = m;
                off.m[i][k] += sign * 0.25;
                CHECK(qvl_affine_is_identity(&off, 0.25), "%d %d in", i, k);
                CHECK(!qvl_affine_is_identity(&off, 0.24), "%d %d out", i, k);
            }
    m.m[0][2] = NAN;
    CHECK(!qvl_affine_is_identity(&m, 1e9), "NaN");
}

RUN_TESTS(TEST(test_makers), TEST(test_flip_is_continuous),
          TEST(test_pivots_agree), TEST(test_rotation), TEST(test_compose),
          TEST(test_invert), TEST(test_singular), TEST(test_apply),
          TEST(test_axis_aligned), TEST(test_identity))
