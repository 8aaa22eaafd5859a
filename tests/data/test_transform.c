/* test_transform.c - geometries mapped onto canvases, cropped, brought to whole px */
#include "check.h"

#include "data/clip.h"
#include "data/transform.h"
#include "shapes.h"

static const qvl_transform_options plain = { .min_poly_points = 3 };
static const qvl_transform_options clamping = {
    .degenerate = QVL_DEGENERATE_CLAMP, .min_poly_points = 3
};
static const qvl_transform_options rects = {
    .clip_poly = QVL_CLIP_POLY_MIN_AREA_RECT, .min_poly_points = 3
};
static const qvl_transform_options four = { .min_poly_points = 4 };

/* Fate, kind and points as text. */
static const char *print(const qvl_transformed *t)
{
    static char text[512];
    int at = snprintf(text, sizeof text, "%s %s", qvl_fate_name(t->fate),
                      qvl_geom_name(t->geom.kind));
    for (int i = 0; i < 2 * t->geom.n && at < (int)sizeof text; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, " %.10g",
                       t->geom.point[i]);
    return text;
}

static qvl_placement onto(qvl_affine m, int w, int h)
{
    return (qvl_placement){ m, w, h };
}

static const char *place(const qvl_geom *g, const qvl_placement *to,
                         const qvl_transform_options *options, qvl_arena *arena)
{
    qvl_transformed t;
    qvl_err err;
    CHECK_OK(qvl_transform_place(&t, g, to, options, arena, &err), err);
    return print(&t);
}

static const char *crop(const qvl_geom *g, qvl_bounds window,
                        const qvl_transform_options *options, qvl_arena *arena)
{
    qvl_transformed t;
    qvl_transform_crop(&t, g, &window, options, arena);
    return print(&t);
}

static const char *finish(const qvl_geom *g, int w, int h,
                          const qvl_transform_options *options,
                          qvl_arena *arena)
{
    qvl_transformed t;
    qvl_transform_finish(&t, g, w, h, options, arena);
    return print(&t);
}

/* ---- onto a canvas ------------------------------------------------------ */

static void test_flip(void)
{
    static const double point[] = { 10, 20, 30, 40 };
    qvl_geom box = { QVL_GEOM_BOX, 2, point };
    qvl_placement flip = onto(qvl_affine_hflip(100), 100, 50);
    qvl_placement turn = onto(qvl_affine_vflip(50), 100, 50);
    qvl_arena arena = { 0 };
    qvl_transformed once, twice;
    qvl_err err;
    CHECK_STR(place(&box, &flip, &plain, &arena), "kept bbox_2d 70 20 90 40",
              "hflip");
    CHECK_STR(place(&box, &turn, &plain, &arena), "kept bbox_2d 10 10 30 30",
              "vflip");
    CHECK_OK(qvl_transform_place(&once, &box, &flip, &plain, &arena, &err), err);
    CHECK_OK(qvl_transform_place(&twice, &once.geom, &flip, &plain, &arena, &err),
             err);
    CHECK_STR(print(&twice), "kept bbox_2d 10 20 30 40", "twice");
    CHECK_NEAR(point[0], 10, 0, "the input stays");
    qvl_arena_release(&arena);
}

/* What becomes of kinds under maps. */
static void test_place(void)
{
    static const double box[] = { 10, 20, 30, 40 };
    static const double ring[] = { 10, 20, 30, 20, 30, 40, 20, 35 };
    static const double line[] = { 10, 20, 30, 40, 10, 40 };
    const qvl_geom b = { QVL_GEOM_BOX, 2, box };
    const qvl_geom p = { QVL_GEOM_POLY, 4, ring };
    const qvl_geom l = { QVL_GEOM_LINE, 3, line };
    qvl_affine slope = qvl_affine_identity();
    slope.m[0][1] = 1e-6;
    qvl_affine slanted = slope;
    slanted.m[0][1] = 0.5;
    const struct {
        const char *name;
        const qvl_geom *geom;
        qvl_affine m;
        const char *wanted;
    } cases[] = {
        { "identity", &b, qvl_affine_identity(), "kept bbox_2d 10 20 30 40" },
        { "two factors", &b, qvl_affine_scaling(2, -0.5, 0, 40),
          "kept bbox_2d 20 40 60 50" },
        { "half a turn", &b, qvl_affine_rotation(180, 50, 50),
          "kept bbox_2d 70 60 90 80" },
        { "a quarter turn", &b, qvl_affine_rotation(90, 50, 50),
          "kept poly 80 10 80 30 60 30 60 10" },
        { "slanted", &b, slanted, "kept poly 20 20 40 20 50 40 30 40" },
        { "hardly slanted", &b, slope, "kept bbox_2d 10.00002 20 30.00004 40" },
        { "polygon", &p, qvl_affine_rotation(90, 50, 50),
          "kept poly 80 10 80 30 60 30 65 20" },
        { "line", &l, qvl_affine_translation(1, 2),
          "kept line 11 22 31 42 11 42" },
        { "box over the border", &b, qvl_affine_translation(-15, 0),
          "clipped bbox_2d 0 20 15 40" },
        { "polygon over the border", &p, qvl_affine_translation(-20, 0),
          "clipped poly 0 20 10 20 10 40 0 35" },
        { "turned box over the border", &b, qvl_affine_rotation(90, 20, 5),
          "clipped poly 0 0 5 0 5 15 0 15" },
        { "line over the border", &l, qvl_affine_translation(-20, 0),
          "clipped line 0 30 10 40 0 40" },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_placement to = onto(cases[i].m, 100, 100);
        CHECK_STR(place(cases[i].geom, &to, &plain, &arena), cases[i].wanted,
                  "%s", cases[i].name);
    }
    qvl_arena_release(&arena);
}

/* Up to half a pixel outside of any border all is kept to the last bit, beyond it
 * what is outside goes. */
static void test_margin(void)
{
    const qvl_affine off[] = {
        qvl_affine_translation(-1, 0), qvl_affine_translation(1, 0),
        qvl_affine_translation(0, -1), qvl_affine_translation(0, 1),
    };
    static const double box[] = { 0, 0, 40, 30 };
    static const double ring[] = { 0, 0, 20, 0, 40, 0, 40, 30, 0, 30 };
    static const double line[] = { 0, 0, 40, 30 };
    const qvl_geom geom[] = {
        { QVL_GEOM_BOX, 2, box }, { QVL_GEOM_POLY, 5, ring },
        { QVL_GEOM_LINE, 2, line },
    };
    qvl_arena arena = { 0 };
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++) {
            qvl_transformed t;
            qvl_err err;
            qvl_placement to = onto(off[i], 40, 30);
            to.m.m[0][2] *= 0.5;
            to.m.m[1][2] *= 0.5;
            CHECK_OK(qvl_transform_place(&t, &geom[k], &to, &plain, &arena, &err),
                     err);
            CHECK_INT(t.fate, QVL_FATE_KEPT, "%d %d", i, k);
            CHECK_INT(t.geom.n, geom[k].n, "%d %d", i, k);
            for (int q = 0; q < 2 * t.geom.n; q++)
                CHECK_NEAR(t.geom.point[q],
                           geom[k].point[q] + to.m.m[q % 2][2], 0, "%d %d", i, k);
            CHECK_NEAR(t.coverage, 1, 0, "%d %d", i, k);
            to.m.m[0][2] *= 1.01;
            to.m.m[1][2] *= 1.01;
            CHECK_OK(qvl_transform_place(&t, &geom[k], &to, &plain, &arena, &err),
                     err);
            CHECK_INT(t.fate, QVL_FATE_CLIPPED, "%d %d", i, k);
            qvl_bounds canvas = { 0, 0, 40, 30 };
            qvl_bounds b = qvl_geom_bounds(t.geom.point, t.geom.n);
            CHECK(qvl_bounds_has(&canvas, &b), "%d %d", i, k);
            CHECK(t.coverage < 1.0, "%d %d", i, k);
        }
    qvl_arena_release(&arena);
}

/* An area of 1 px^2 and 1 % of the whole, a length of 2 px are visible, less is
 * not; but what was not cut is. */
static void test_visible(void)
{
    static const struct {
        const char *name;
        qvl_geom_kind kind;
        int n;
        double point[8];
        qvl_fate fate;
        double coverage;
    } cases[] = {
        { "box, 1 px^2", QVL_GEOM_BOX, 2, { -1, 0, 0.5, 2 }, QVL_FATE_CLIPPED,
          1 / 3.0 },
        { "box, less", QVL_GEOM_BOX, 2, { -1, 0, 0.4999, 2 },
          QVL_FATE_DROPPED, 0.4999 / 1.4999 },
        { "box, 1 %", QVL_GEOM_BOX, 2, { -99, 0, 1, 10 }, QVL_FATE_CLIPPED,
          0.01 },
        { "box, less than 1 %", QVL_GEOM_BOX, 2, { -100, 0, 1, 10 },
          QVL_FATE_DROPPED, 1 / 101.0 },
        { "polygon, 1 px^2", QVL_GEOM_POLY, 4, { -1, 0, 0.5, 0, 0.5, 2, -1, 2 },
          QVL_FATE_CLIPPED, 1 / 3.0 },
        { "polygon, less", QVL_GEOM_POLY, 4,
          { -1, 0, 0.49, 0, 0.49, 2, -1, 2 }, QVL_FATE_DROPPED, 0.49 / 1.49 },
        { "polygon, less than 1 %", QVL_GEOM_POLY, 4,
          { -100, 0, 1, 0, 1, 10, -100, 10 }, QVL_FATE_DROPPED, 1 / 101.0 },
        { "line, 2 px", QVL_GEOM_LINE, 2, { -98, 5, 2, 5 }, QVL_FATE_CLIPPED,
          0.02 },
        { "line, less", QVL_GEOM_LINE, 2, { -98, 5, 1.99, 5 },
          QVL_FATE_DROPPED, 1.99 / 99.99 },
        { "line of short pieces", QVL_GEOM_LINE, 4,
          { -4, 5, 1.5, 5, 1.5, 6, -4, 6 }, QVL_FATE_CLIPPED, 4.0 / 12 },
        { "tiny box inside", QVL_GEOM_BOX, 2, { 1, 1, 1.1, 1.1 },
          QVL_FATE_KEPT, 1 },
        { "tiny line inside", QVL_GEOM_LINE, 2, { 1, 1, 1.1, 1.1 },
          QVL_FATE_KEPT, 1 },
        { "outside", QVL_GEOM_POLY, 3, { -9, 0, -1, 0, -9, 9 },
          QVL_FATE_DROPPED, 0 },
    };
    const qvl_placement to = onto(qvl_affine_identity(), 100, 100);
    const qvl_bounds window = { 0, 0, 100, 100 };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_geom g = { cases[i].kind, cases[i].n, cases[i].point };
        qvl_transformed t;
        qvl_err err;
        CHECK_OK(qvl_transform_place(&t, &g, &to, &plain, &arena, &err), err);
        CHECK_STR(qvl_fate_name(t.fate), qvl_fate_name(cases[i].fate), "%s",
                  cases[i].name);
        CHECK_NEAR(t.coverage, cases[i].coverage, 1e-12, "%s", cases[i].name);
        CHECK_INT(t.geom.kind, cases[i].kind, "%s", cases[i].name);
        if (t.fate == QVL_FATE_DROPPED)
            CHECK(t.geom.n == 0 && t.geom.point == NULL, "%s", cases[i].name);
        qvl_transform_crop(&t, &g, &window, &plain, &arena);
        CHECK_STR(qvl_fate_name(t.fate), qvl_fate_name(cases[i].fate),
                  "crop: %s", cases[i].name);
    }
    qvl_arena_release(&arena);
}

/* Two pieces of a line, 1.5 px each, and two tips of a polygon, 0.8 px^2 each: it
 * is the piece that stays that has to be visible. */
static void test_visible_piece(void)
{
    static const double line[] = { -9, 5, 1.5, 5, -9, 6, 1.5, 6.5, -9, 9 };
    static const double ring[] = { -1, 0, 0.8, 0, 0.8, 1, -0.5, 1,
                                   -0.5, 2, 0.8, 2, 0.8, 3, -1, 3 };
    const qvl_geom l = { QVL_GEOM_LINE, 5, line };
    const qvl_geom p = { QVL_GEOM_POLY, 8, ring };
    const qvl_placement to = onto(qvl_affine_identity(), 100, 100);
    qvl_arena arena = { 0 };
    CHECK_STR(place(&p, &to, &plain, &arena), "dropped poly", "tips");
    qvl_transformed t;
    qvl_err err;
    CHECK_OK(qvl_transform_place(&t, &l, &to, &plain, &arena, &err), err);
    CHECK_INT(t.fate, QVL_FATE_CLIPPED, "each piece has its way there and back");
    CHECK_NEAR(t.geom.point[0], 0, 0, "from the border");
    CHECK_INT(t.geom.n, 3, "over one vertex");
    qvl_arena_release(&arena);
}

static void test_clamp(void)
{
    static const struct {
        const char *name;
        qvl_geom_kind kind;
        int n;
        double point[8];
        const char *wanted, *finished;
    } cases[] = {
        { "box outside", QVL_GEOM_BOX, 2, { 120, -30, 130, -20 },
          "clamped bbox_2d 100 0 100 0", "clamped bbox_2d 100 0 100 0" },
        { "polygon outside", QVL_GEOM_POLY, 3, { -9, 3, -1, 3, -9, 9 },
          "clamped poly 0 3 0 3 0 9", "clamped poly 0 3 0 3 0 9" },
        { "line outside", QVL_GEOM_LINE, 2, { 120, 9, 130, 3 },
          "clamped line 100 9 100 3", "kept line 100 3 100 9" },
        { "line beyond a corner", QVL_GEOM_LINE, 2, { 120, 109, 130, 103 },
          "clamped line 100 100 100 100", "clamped line 100 100 100 100" },
        { "visible", QVL_GEOM_BOX, 2, { 90, 90, 130, 130 },
          "clipped bbox_2d 90 90 100 100", "kept bbox_2d 90 90 100 100" },
    };
    const qvl_placement to = onto(qvl_affine_identity(), 100, 100);
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_geom g = { cases[i].kind, cases[i].n, cases[i].point };
        qvl_transformed t;
        qvl_err err;
        CHECK_OK(qvl_transform_place(&t, &g, &to, &clamping, &arena, &err), err);
        CHECK_STR(print(&t), cases[i].wanted, "%s", cases[i].name);
        CHECK_STR(finish(&t.geom, 100, 100, &clamping, &arena),
                  cases[i].finished, "%s", cases[i].name);
    }
    qvl_arena_release(&arena);
}

static void test_out_of_range(void)
{
    static const double point[] = { 1, 1, 9, 1, 9, 9 };
    const qvl_geom p = { QVL_GEOM_POLY, 3, point };
    const double scale[] = { 1.2e8, -1.2e8, 1e200, INFINITY, NAN };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(scale); i++) {
        qvl_placement to = onto(qvl_affine_scaling(1, scale[i], 0, 0), 100, 100);
        qvl_transformed t = { .fate = QVL_FATE_CLAMPED };
        qvl_err err;
        CHECK_FAILS(qvl_transform_place(&t, &p, &to, &plain, &arena, &err),
                    QVL_E_RANGE, err, "poly: point ");
        CHECK_INT(t.fate, QVL_FATE_CLAMPED, "unchanged");
    }
    qvl_placement to = onto(qvl_affine_scaling(1e8, 1e8, 0, 0), 100, 100);
    CHECK_STR(place(&p, &to, &plain, &arena), "dropped poly", "far, but allowed");
    qvl_arena_release(&arena);
}

/* ---- crops -------------------------------------------------------------- */

static void test_crop(void)
{
    static const double box[] = { 10, 20, 30, 40 };
    static const double ring[] = { 10, 20, 30, 20, 30, 40, 10, 40 };
    static const double line[] = { 0, 30, 40, 30 };
    const qvl_geom b = { QVL_GEOM_BOX, 2, box };
    const qvl_geom p = { QVL_GEOM_POLY, 4, ring };
    const qvl_geom l = { QVL_GEOM_LINE, 2, line };
    const struct {
        const char *name;
        const qvl_geom *geom;
        qvl_bounds window;
        const char *wanted;
    } cases[] = {
        { "inside", &b, { 5, 5, 45, 45 }, "kept bbox_2d 5 15 25 35" },
        { "exact", &b, { 10, 20, 30, 40 }, "kept bbox_2d 0 0 20 20" },
        { "cut", &b, { 15, 25, 50, 50 }, "clipped bbox_2d 0 0 15 15" },
        { "no margin", &b, { 10.25, 20, 30, 40 },
          "clipped bbox_2d 0 0 19.75 20" },
        { "polygon", &p, { 15, 10, 50, 50 },
          "clipped poly 0 10 15 10 15 30 0 30" },
        { "line", &l, { 10, 20, 30, 40 }, "clipped line 0 10 20 10" },
        { "gone", &l, { 10, 0, 30, 20 }, "dropped line" },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_STR(crop(cases[i].geom, cases[i].window, &plain, &arena),
                  cases[i].wanted, "%s", cases[i].name);
    CHECK_STR(crop(&l, (qvl_bounds){ 10, 0, 30, 20 }, &clamping, &arena),
              "clamped line 0 20 20 20", "clamped");
    CHECK_NEAR(line[0], 0, 0, "the input stays");
    qvl_arena_release(&arena);
}

/* Coverages of crops of crops multiply to that of the crop of both. */
static void test_crops_chain(void)
{
    qvl_arena arena = { 0 };
    qvl_rng r = { .key = 21 };
    int n_seen = 0;
    for (int i = 0; i < 300; i++) {
        const double p[] = { 10, 10, 10 + qvl_rng_between(&r, 5, 80),
                             10 + qvl_rng_between(&r, 5, 80) };
        const qvl_geom g = { QVL_GEOM_BOX, 2, p };
        qvl_bounds a = { qvl_rng_between(&r, 0, 20), qvl_rng_between(&r, 0, 20),
                         90, 80 };
        qvl_bounds b = { qvl_rng_between(&r, 0, 20), qvl_rng_between(&r, 0, 20),
                         qvl_rng_between(&r, 21, 60), 50 };
        qvl_bounds both = { a.x0 + b.x0, a.y0 + b.y0, fmin(a.x0 + b.x1, a.x1),
                            fmin(a.y0 + b.y1, a.y1) };
        qvl_transformed first, second, once;
        qvl_transform_crop(&first, &g, &a, &plain, &arena);
        qvl_transform_crop(&once, &g, &both, &plain, &arena);
        if (first.fate == QVL_FATE_DROPPED)
            continue;
        qvl_transform_crop(&second, &first.geom, &b, &plain, &arena);
        CHECK_NEAR(first.coverage * second.coverage, once.coverage, 1e-12, "%d",
                   i);
        n_seen += second.fate == QVL_FATE_CLIPPED;
        for (int k = 0; k < 2 * second.geom.n && once.geom.n > 0; k++)
            CHECK_NEAR(second.geom.point[k], once.geom.point[k], 1e-12, "%d", i);
        qvl_arena_reset(&arena);
    }
    CHECK(n_seen > 100, "%d", n_seen);
    qvl_arena_release(&arena);
}

/* ---- options ------------------------------------------------------------ */

/* An outline of five corners, or the rectangle around them; four stay four. */
static void test_min_area_rect(void)
{
    static const double pent[] = { 90, 10, 110, 10, 110, 30, 95, 30, 90, 25 };
    static const double quad[] = { 90, 10, 110, 10, 110, 30, 95, 30 };
    const qvl_geom p = { QVL_GEOM_POLY, 5, pent };
    const qvl_geom q = { QVL_GEOM_POLY, 4, quad };
    const qvl_placement to = onto(qvl_affine_identity(), 100, 100);
    const qvl_placement wide = onto(qvl_affine_identity(), 120, 100);
    qvl_arena arena = { 0 };
    qvl_transformed t;
    qvl_err err;
    CHECK_OK(qvl_transform_place(&t, &p, &to, &plain, &arena, &err), err);
    CHECK_INT(t.geom.n, 5, "outline");
    CHECK_OK(qvl_transform_place(&t, &p, &to, &rects, &arena, &err), err);
    CHECK_INT(t.fate, QVL_FATE_CLIPPED, "rectangle");
    CHECK_INT(t.geom.n, 4, "rectangle");
    CHECK_NEAR(qvl_geom_area(t.geom.point, 4), 200, 1e-9, "rectangle");
    CHECK_NEAR(t.coverage, 187.5 / 387.5, 1e-12, "of the outline");
    CHECK_STR(place(&q, &to, &rects, &arena),
              "clipped poly 90 10 100 10 100 30 95 30", "four corners");
    CHECK_STR(place(&p, &wide, &rects, &arena),
              "kept poly 90 10 110 10 110 30 95 30 90 25", "not clipped");
    CHECK_OK(qvl_transform_place(&t, &p, &to, &rects, &arena, &err), err);
    CHECK_STR(finish(&t.geom, 100, 100, &rects, &arena),
              "kept poly 90 10 100 10 100 30 90 30", "finished");
    CHECK_INT(crop(&p, (qvl_bounds){ 0, 0, 100, 100 }, &rects, &arena)[0], 'c',
              "crop");
    qvl_arena_release(&arena);
}

static void test_fourth_vertex(void)
{
    static const struct {
        const char *name;
        int n;
        double point[10];
        const char *wanted;
    } cases[] = {
        { "triangle", 3, { 0, 0, 8, 0, 4, 2 }, "kept poly 0 0 4 0 8 0 4 2" },
        { "middle rounded to even", 3, { 0, 0, 5, 0, 0, 2 },
          "kept poly 0 0 5 0 2 1 0 2" },
        { "four", 4, { 0, 0, 8, 0, 8, 8, 0, 8 }, "kept poly 0 0 8 0 8 8 0 8" },
        { "four that become three", 4, { 0, 0, 8, 0, 8.2, 0.2, 4, 4 },
          "kept poly 0 0 4 0 8 0 4 4" },
        { "middle on a vertex", 3, { 0, 0, 1, 0, 0, 1 }, "dropped poly" },
        { "middle on the third vertex", 3, { 0, 0, 10, 1, 5, 0 },
          "dropped poly" },
    };
    qvl_transform_options clamped = four;
    clamped.degenerate = QVL_DEGENERATE_CLAMP;
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_geom g = { QVL_GEOM_POLY, cases[i].n, cases[i].point };
        CHECK_STR(finish(&g, 100, 100, &four, &arena), cases[i].wanted, "%s",
                  cases[i].name);
        qvl_transformed t;
        qvl_transform_finish(&t, &g, 100, 100, &clamped, &arena);
        CHECK_INT(t.geom.n, 4, "%s, clamped", cases[i].name);
        qvl_transform_finish(&t, &g, 100, 100, &plain, &arena);
        CHECK_INT(t.fate, QVL_FATE_KEPT, "%s, triangles allowed", cases[i].name);
    }
    static const double box[] = { 1, 1, 3, 4 };
    qvl_geom b = { QVL_GEOM_BOX, 2, box };
    CHECK_STR(finish(&b, 9, 9, &four, &arena), "kept bbox_2d 1 1 3 4", "box");
    qvl_arena_release(&arena);
}

/* ---- to whole pixels ---------------------------------------------------- */

static void test_finish(void)
{
    static const struct {
        const char *name;
        qvl_geom_kind kind;
        int n;
        double point[14];
        const char *wanted;
    } cases[] = {
        { "half to even", QVL_GEOM_BOX, 2, { 0.5, 1.5, 2.5, 3.5 },
          "kept bbox_2d 0 2 2 4" },
        { "clamped to the border itself", QVL_GEOM_BOX, 2,
          { -0.5, -0.4, 40.5, 30.49 }, "kept bbox_2d 0 0 40 30" },
        { "no negative zero", QVL_GEOM_LINE, 2, { -0.2, -0.5, 3, -0.0 },
          "kept line 0 0 3 0" },
        { "the whole canvas", QVL_GEOM_BOX, 2, { 0, 0, 40, 30 },
          "kept bbox_2d 0 0 40 30" },
        { "repeats go", QVL_GEOM_POLY, 6,
          { 9.6, 0, 10.4, 0.3, 20, 0, 20, 10, 9.7, 10, 9.8, -0.1 },
          "kept poly 10 0 20 0 20 10 10 10" },
        { "canonical", QVL_GEOM_POLY, 4, { 10, 10, 10, 0, 0, 0, 0, 10 },
          "kept poly 0 0 10 0 10 10 0 10" },
        { "line, turned around", QVL_GEOM_LINE, 4,
          { 9, 9, 9.1, 9.2, 5, 5, 4.9, 5.1 }, "kept line 5 5 9 9" },
        { "a line that ends where it began", QVL_GEOM_LINE, 3,
          { 5, 5, 9, 9, 5.1, 5.1 }, "kept line 5 5 9 9 5 5" },
        { "flat box", QVL_GEOM_BOX, 2, { 3.1, 4, 3.4, 9 }, "dropped bbox_2d" },
        { "two points are no polygon", QVL_GEOM_POLY, 3,
          { 3, 3, 3.1, 3.1, 9, 9 }, "dropped poly" },
        { "polygon on a line", QVL_GEOM_POLY, 3, { 0, 0, 5, 5.4, 9, 9 },
          "dropped poly" },
        { "one point", QVL_GEOM_LINE, 2, { 5.1, 5.1, 4.9, 4.9 },
          "dropped line" },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_geom g = { cases[i].kind, cases[i].n, cases[i].point };
        CHECK_STR(finish(&g, 40, 30, &plain, &arena), cases[i].wanted, "%s",
                  cases[i].name);
        qvl_transformed t;
        qvl_transform_finish(&t, &g, 40, 30, &clamping, &arena);
        CHECK_INT(t.fate, cases[i].wanted[0] == 'k' ? QVL_FATE_KEPT
                                                    : QVL_FATE_CLAMPED,
                  "%s", cases[i].name);
        CHECK(t.geom.n >= qvl_geom_min_points(t.geom.kind), "%s",
              cases[i].name);
        for (int k = 0; k < 2 * t.geom.n; k++)
            CHECK(!signbit(t.geom.point[k]), "%s: %d", cases[i].name, k);
    }
    qvl_arena_release(&arena);
}

static void test_winding(void)
{
    static const double ring[] = { 0, 8, 0, 0, 8, 0, 8, 8 };
    static const char *const wanted[] = {
        [QVL_WINDING_CLOCKWISE] = "kept poly 0 0 8 0 8 8 0 8",
        [QVL_WINDING_COUNTERCLOCKWISE] = "kept poly 0 0 0 8 8 8 8 0",
        [QVL_WINDING_PRESERVE] = "kept poly 0 0 8 0 8 8 0 8",
    };
    const qvl_geom g = { QVL_GEOM_POLY, 4, ring };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(wanted); i++) {
        qvl_transform_options o = plain;
        o.winding = (qvl_winding)i;
        CHECK_STR(finish(&g, 9, 9, &o, &arena), wanted[i], "%zu", i);
    }
    qvl_arena_release(&arena);
}

/* Finishing what is finished changes nothing. */
static void test_finish_again(void)
{
    qvl_arena arena = { 0 };
    qvl_rng r = { .key = 22 };
    for (int i = 0; i < 500; i++) {
        qvl_geom_kind kind = (qvl_geom_kind)(i % QVL_N_GEOM);
        int n = kind == QVL_GEOM_BOX ? 2 : shapes_int(&r, 3, 12);
        qvl_geom g = { kind, n, shapes_points(n, -1, 7, &r, &arena) };
        qvl_transformed once, again;
        qvl_transform_finish(&once, &g, 6, 6, &plain, &arena);
        if (once.fate == QVL_FATE_DROPPED)
            continue;
        qvl_transform_finish(&again, &once.geom, 6, 6, &plain, &arena);
        CHECK_INT(again.fate, QVL_FATE_KEPT, "%d", i);
        CHECK_INT(again.geom.n, once.geom.n, "%d", i);
        for (int k = 0; k < 2 * once.geom.n; k++) {
            double v = once.geom.point[k];
            CHECK_NEAR(again.geom.point[k], v, 0, "%d", i);
            CHECK(v == floor(v) && v >= 0 && v <= 6, "%d", i);
        }
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

/* ---- random ways -------------------------------------------------------- */

/* Two steps or one with both maps: the same, but for rounding of doubles. */
static void test_steps_compose(void)
{
    qvl_arena arena = { 0 };
    qvl_rng r = { .key = 23 };
    for (int i = 0; i < 300; i++) {
        int n = shapes_int(&r, 3, 12);
        qvl_geom g = { QVL_GEOM_POLY, n, shapes_simple(n, 30, 70, &r, &arena) };
        qvl_affine a = qvl_affine_rotation(qvl_rng_between(&r, -9, 9), 50, 50);
        qvl_affine b = qvl_affine_scaling(qvl_rng_between(&r, 0.5, 1.4),
                                          qvl_rng_between(&r, 0.5, 1.4), 50, 50);
        qvl_placement first = onto(a, 100, 100), second = onto(b, 100, 100);
        qvl_placement both = onto(qvl_affine_compose(&a, &b), 100, 100);
        qvl_transformed t, u, v;
        qvl_err err;
        CHECK_OK(qvl_transform_place(&t, &g, &first, &plain, &arena, &err), err);
        CHECK_OK(qvl_transform_place(&u, &t.geom, &second, &plain, &arena, &err),
                 err);
        CHECK_OK(qvl_transform_place(&v, &g, &both, &plain, &arena, &err), err);
        CHECK_INT(v.fate, QVL_FATE_KEPT, "%d", i);
        for (int k = 0; k < 2 * n; k++)
            CHECK_NEAR(u.geom.point[k], v.geom.point[k], 1e-11, "%d", i);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

/* ---- what once went wrong ----------------------------------------------- */

/* A pipeline that does nothing changes nothing: polygons that reach the border, by
 * up to half a pixel beyond it, do not become rectangles, and those cut
 * keep their corners. */
static void test_nothing_done(void)
{
    static const double ell[] = { -0.4, 0, 20, 0, 20, 10, 10, 10, 10, 20, 0, 20 };
    const qvl_geom g = { QVL_GEOM_POLY, 6, ell };
    const qvl_placement same = onto(qvl_affine_identity(), 20, 20);
    qvl_arena arena = { 0 };
    CHECK_STR(place(&g, &same, &rects, &arena),
              "kept poly -0.4 0 20 0 20 10 10 10 10 20 0 20", "identity");
    const qvl_placement left = onto(qvl_affine_translation(-5, 0), 20, 20);
    CHECK_STR(place(&g, &left, &plain, &arena),
              "clipped poly 0 0 15 0 15 10 5 10 5 20 0 20", "cut");
    const qvl_placement half = onto(qvl_affine_scaling(0.5, 0.4, 0, 0), 10, 8);
    CHECK_STR(place(&g, &half, &plain, &arena),
              "kept poly -0.2 0 10 0 10 4 5 4 5 8 0 8", "resized");
    qvl_arena_release(&arena);
}

/* An L keeps its 700 px^2; sorted around its middle it would have 950. */
static void test_concave_stays(void)
{
    static const double ell[] = { 0, 30, 0, 0, 10, 0, 10, 10, 50, 10, 50, 20,
                                  10, 20, 10, 30 };
    const qvl_geom g = { QVL_GEOM_POLY, 8, ell };
    const qvl_placement flip = onto(qvl_affine_hflip(60), 60, 60);
    qvl_arena arena = { 0 };
    qvl_transformed t, u;
    qvl_err err;
    CHECK_OK(qvl_transform_place(&t, &g, &flip, &plain, &arena, &err), err);
    CHECK_NEAR(qvl_geom_area(t.geom.point, t.geom.n), -700, 0, "turns around");
    qvl_transform_finish(&u, &t.geom, 60, 60, &plain, &arena);
    CHECK_NEAR(qvl_geom_area(u.geom.point, u.geom.n), 700, 0, "clockwise again");
    qvl_arena_release(&arena);
}

/* A box outside of the picture is no label in its corner. */
static void test_no_points_in_corners(void)
{
    static const double box[] = { 80, 80, 95, 90 };
    const qvl_geom g = { QVL_GEOM_BOX, 2, box };
    const qvl_placement zoom = onto(qvl_affine_scaling(3, 3, 50, 50), 100, 100);
    qvl_arena arena = { 0 };
    CHECK_STR(place(&g, &zoom, &plain, &arena), "dropped bbox_2d", "dropped");
    CHECK_STR(place(&g, &zoom, &clamping, &arena),
              "clamped bbox_2d 100 100 100 100", "asked for");
    qvl_arena_release(&arena);
}

/* Coordinates reach the border, and 1000: not 99 of 100, not 999. */
static void test_last_column(void)
{
    static const double box[] = { 0, 0, 100, 50 };
    const qvl_geom g = { QVL_GEOM_BOX, 2, box };
    const qvl_placement flip = onto(qvl_affine_hflip(100), 100, 50);
    qvl_arena arena = { 0 };
    qvl_transformed t, u;
    qvl_err err;
    CHECK_OK(qvl_transform_place(&t, &g, &flip, &plain, &arena, &err), err);
    qvl_transform_finish(&u, &t.geom, 100, 50, &plain, &arena);
    CHECK_STR(print(&u), "kept bbox_2d 0 0 100 50", "the whole stays the whole");
    CHECK_INT(qvl_geom_norm(u.geom.point[2], 100, 1000), 1000, "right");
    CHECK_INT(qvl_geom_norm(u.geom.point[3], 50, 1000), 1000, "bottom");
    qvl_arena_release(&arena);
}

/* A line that leaves and enters again keeps its longest piece alone. */
static void test_line_enters_again(void)
{
    static const double line[] = { 80, 10, 120, 10, 120, 20, 70, 20 };
    const qvl_geom g = { QVL_GEOM_LINE, 4, line };
    const qvl_placement same = onto(qvl_affine_identity(), 100, 100);
    qvl_arena arena = { 0 };
    CHECK_STR(place(&g, &same, &plain, &arena), "clipped line 100 20 70 20",
              "the second");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_flip), TEST(test_place), TEST(test_margin),
          TEST(test_visible), TEST(test_visible_piece), TEST(test_clamp),
          TEST(test_out_of_range), TEST(test_crop), TEST(test_crops_chain),
          TEST(test_min_area_rect), TEST(test_fourth_vertex),
          TEST(test_finish), TEST(test_winding), TEST(test_finish_again),
          TEST(test_steps_compose), TEST(test_nothing_done),
          TEST(test_concave_stays), TEST(test_no_points_in_corners),
          TEST(test_last_column), TEST(test_line_enters_again))
