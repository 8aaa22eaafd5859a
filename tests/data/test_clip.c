/* test_clip.c - boxes, polygons and lines cut by windows, and their coverage */
#include "check.h"

#include "data/affine.h"
#include "data/clip.h"
#include "data/clip_ring.h"
#include "data/even_odd.h"
#include "shapes.h"

static const qvl_bounds canvas = { 0, 0, 100, 100 };

/* Points of a geometry as text. */
static const char *print(const qvl_geom *g)
{
    static char text[512];
    int at = 0;
    text[0] = '\0';
    for (int i = 0; i < 2 * g->n && at < (int)sizeof text; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%.10g",
                       i > 0 ? " " : "", g->point[i]);
    return text;
}

static qvl_geom poly(const double *point, int n)
{
    return (qvl_geom){ QVL_GEOM_POLY, n, point };
}

/* ---- known shapes ------------------------------------------------------- */

static void test_known_clips(void)
{
    static const struct {
        const char *name;
        qvl_geom_kind kind;
        int n;
        double point[20];
        qvl_bounds window;
        int n_pieces;
        const char *kept;
        double coverage;
    } cases[] = {
        /* The vectors of the specification. */
        { "over the left border", QVL_GEOM_POLY, 4,
          { -10, 10, 50, 10, 50, 60, -10, 60 }, { 0, 0, 100, 100 }, 1,
          "0 10 50 10 50 60 0 60", 50.0 / 60 },
        { "triangle over the right top corner", QVL_GEOM_POLY, 3,
          { 50, -50, 150, 50, 50, 50 }, { 0, 0, 100, 100 }, 1,
          "50 0 100 0 100 50 50 50", 0.5 },
        { "line that enters again", QVL_GEOM_LINE, 4,
          { 0, 5, 20, 5, 20, 15, 0, 15 }, { 0, 0, 10, 20 }, 2, "0 5 10 5",
          0.4 },
        { "box inside", QVL_GEOM_BOX, 2, { 0, 0, 10, 10 }, { 0, 0, 10, 10 }, 1,
          "0 0 10 10", 1 },
        { "square inside", QVL_GEOM_POLY, 4, { 0, 0, 10, 0, 10, 10, 0, 10 },
          { 0, 0, 10, 10 }, 1, "0 0 10 0 10 10 0 10", 1 },
        { "half a box", QVL_GEOM_BOX, 2, { 0, 0, 10, 10 }, { 5, 0, 15, 10 }, 1,
          "5 0 10 10", 0.5 },
        { "half a square", QVL_GEOM_POLY, 4, { 0, 0, 10, 0, 10, 10, 0, 10 },
          { 5, 0, 15, 10 }, 1, "5 0 10 0 10 10 5 10", 0.5 },
        { "half a line", QVL_GEOM_LINE, 2, { 0, 5, 20, 5 }, { 0, 0, 10, 10 }, 1,
          "0 5 10 5", 0.5 },
        /* Boxes. */
        { "box over a corner", QVL_GEOM_BOX, 2, { -10, 90, 10, 110 },
          { 0, 0, 100, 100 }, 1, "0 90 10 100", 0.25 },
        { "box around the window", QVL_GEOM_BOX, 2, { -100, -100, 300, 300 },
          { 0, 0, 100, 100 }, 1, "0 0 100 100", 1 / 16.0 },
        { "box beside", QVL_GEOM_BOX, 2, { 110, 0, 120, 10 },
          { 0, 0, 100, 100 }, 0, "", 0 },
        { "box that touches", QVL_GEOM_BOX, 2, { 100, 0, 120, 10 },
          { 0, 0, 100, 100 }, 0, "", 0 },
        { "flat box inside", QVL_GEOM_BOX, 2, { 3, 3, 3, 9 },
          { 0, 0, 100, 100 }, 1, "3 3 3 9", 1 },
        { "flat box half inside", QVL_GEOM_BOX, 2, { 3, -5, 3, 5 },
          { 0, 0, 100, 100 }, 0, "", 0 },
        /* Polygons. */
        { "polygon around the window", QVL_GEOM_POLY, 4,
          { -100, -100, 300, -100, 300, 300, -100, 300 }, { 0, 0, 100, 100 },
          1, "0 100 0 0 100 0 100 100", 1 / 16.0 },
        { "polygon that touches with an edge", QVL_GEOM_POLY, 4,
          { 100, 0, 120, 0, 120, 50, 100, 50 }, { 0, 0, 100, 100 }, 0, "", 0 },
        { "polygon that touches with a corner", QVL_GEOM_POLY, 3,
          { 100, 100, 120, 100, 100, 120 }, { 0, 0, 100, 100 }, 0, "", 0 },
        { "counterclockwise stays so", QVL_GEOM_POLY, 4,
          { -10, 60, 50, 60, 50, 10, -10, 10 }, { 0, 0, 100, 100 }, 1,
          "0 60 50 60 50 10 0 10", 50.0 / 60 },
        { "a comb: the larger of two teeth", QVL_GEOM_POLY, 8,
          { 0, 0, 30, 0, 30, 10, 20, 10, 20, 5, 10, 5, 10, 10, 0, 10 },
          { 0, 6, 28, 100 }, 2, "0 6 10 6 10 10 0 10", 72.0 / 250 },
        { "a comb: the first of equal teeth", QVL_GEOM_POLY, 8,
          { 0, 0, 30, 0, 30, 10, 20, 10, 20, 5, 10, 5, 10, 10, 0, 10 },
          { 0, 6, 100, 100 }, 2, "0 6 10 6 10 10 0 10", 80.0 / 250 },
        { "a notch down to the border", QVL_GEOM_POLY, 5,
          { 0, 0, 20, 0, 20, 10, 8, 5, 0, 10 }, { 0, 0, 100, 5 }, 1,
          "0 5 0 0 20 0 20 5", 100.0 / 150 },
        { "a notch that cuts at the border", QVL_GEOM_POLY, 5,
          { 0, 10, 8, 5, 20, 10, 20, 0, 0, 0 }, { 0, 5, 100, 100 }, 2,
          "8 5 20 10 20 5", 50.0 / 150 },
        { "flat polygon over the border", QVL_GEOM_POLY, 3,
          { -5, 5, 5, 5, 3, 5 }, { 0, 0, 100, 100 }, 0, "", 0 },
        { "slanted flat polygon", QVL_GEOM_POLY, 3,
          { -0.1, 0.3, 0.2, 0.6, 0.7, 1.1 }, { 0, 0, 100, 100 }, 0, "", 0 },
        { "flat polygon inside", QVL_GEOM_POLY, 3, { 1, 5, 5, 5, 3, 5 },
          { 0, 0, 100, 100 }, 1, "1 5 5 5 3 5", 1 },
        { "polygon of one point outside", QVL_GEOM_POLY, 3,
          { -1, 5, -1, 5, -1, 5 }, { 0, 0, 100, 100 }, 0, "", 0 },
        { "points between others go where it is cut", QVL_GEOM_POLY, 7,
          { -10, 0, 5, 0, 10, 0, 10, 0, 10, 4, 10, 10, -10, 10 },
          { 0, 0, 100, 100 }, 1, "0 0 10 0 10 10 0 10", 0.5 },
        { "points between others stay where it is not", QVL_GEOM_POLY, 6,
          { 0, 0, 5, 0, 10, 0, 10, 0, 10, 10, 0, 10 }, { 0, 0, 100, 100 }, 1,
          "0 0 5 0 10 0 10 0 10 10 0 10", 1 },
        { "half a bow tie", QVL_GEOM_POLY, 4, { 0, 0, 10, 10, 10, 0, 0, 10 },
          { 0, 0, 5, 10 }, 1, "0 0 5 5 0 10", 0.5 },
        { "bow tie without its left end", QVL_GEOM_POLY, 4,
          { -1, 0, 9, 10, 9, 0, -1, 10 }, { 0, 0, 100, 100 }, 1,
          "0 1 9 10 9 0 0 9", 0.82 },
        { "hole on a bridge: the border opens it, the bridge parts it", QVL_GEOM_POLY, 10,
          { 0, 0, 10, 0, 10, 10, 0, 10, 0, 3, 3, 3, 3, 7, 7, 7, 7, 3, 0, 3 },
          { 0, 0, 5, 10 }, 2, "5 10 0 10 0 3 3 3 3 7 5 7", 42.0 / 84 },
        /* Lines. */
        { "line beside", QVL_GEOM_LINE, 3, { -5, 0, -1, 5, -3, 9 },
          { 0, 0, 100, 100 }, 0, "", 0 },
        { "line around", QVL_GEOM_LINE, 3, { -5, 50, -5, 105, 50, 105 },
          { 0, 0, 100, 100 }, 0, "", 0 },
        { "line past a corner", QVL_GEOM_LINE, 2, { -5, 4, 4, -5 },
          { 0, 0, 100, 100 }, 0, "", 0 },
        { "line through a corner", QVL_GEOM_LINE, 2, { -5, 5, 5, -5 },
          { 0, 0, 100, 100 }, 0, "", 0 },
        { "line along the border", QVL_GEOM_LINE, 2, { -5, 0, 5, 0 },
          { 0, 0, 100, 100 }, 1, "0 0 5 0", 0.5 },
        { "line with a corner on the border", QVL_GEOM_LINE, 3,
          { 90, 5, 100, 10, 90, 15 }, { 0, 0, 100, 100 }, 1,
          "90 5 100 10 90 15", 1 },
        { "line that comes in over a vertex", QVL_GEOM_LINE, 3,
          { -10, 5, 0, 5, 10, 5 }, { 0, 0, 100, 100 }, 1, "0 5 10 5", 0.5 },
        { "line that touches with a vertex", QVL_GEOM_LINE, 3,
          { -10, 0, 0, 5, -10, 10 }, { 0, 0, 100, 100 }, 0, "", 0 },
        { "out and back on its own way", QVL_GEOM_LINE, 3,
          { 95, 5, 110, 5, 90, 5 }, { 0, 0, 100, 100 }, 2, "100 5 90 5",
          15.0 / 35 },
        { "line across", QVL_GEOM_LINE, 2, { -50, -50, 150, 150 },
          { 0, 0, 100, 100 }, 1, "0 0 100 100", 0.5 },
        { "line of one point inside", QVL_GEOM_LINE, 2, { 5, 5, 5, 5 },
          { 0, 0, 100, 100 }, 1, "5 5 5 5", 1 },
        { "line of one point outside", QVL_GEOM_LINE, 2, { -5, 5, -5, 5 },
          { 0, 0, 100, 100 }, 0, "", 0 },
        { "line that stands still on its way", QVL_GEOM_LINE, 4,
          { -5, 5, 5, 5, 5, 5, 5, 15 }, { 0, 0, 10, 10 }, 1, "0 5 5 5 5 10",
          0.5 },
        /* Windows without size. */
        { "box, window of one point", QVL_GEOM_BOX, 2, { 0, 0, 9, 9 },
          { 5, 5, 5, 5 }, 0, "", 0 },
        { "polygon, window without width", QVL_GEOM_POLY, 3,
          { 0, 0, 9, 0, 0, 9 }, { 5, 0, 5, 9 }, 0, "", 0 },
        { "line, window without height", QVL_GEOM_LINE, 2, { 0, 5, 9, 5 },
          { 3, 5, 6, 5 }, 1, "3 5 6 5", 1 / 3.0 },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const char *name = cases[i].name;
        qvl_geom g = { cases[i].kind, cases[i].n, cases[i].point };
        qvl_clip_result r;
        qvl_clip(&r, &g, &cases[i].window, &arena);
        CHECK_INT(r.n_pieces, cases[i].n_pieces, "%s", name);
        CHECK_INT(r.kept != NULL, cases[i].n_pieces > 0, "%s", name);
        CHECK_NEAR(r.coverage, cases[i].coverage, 1e-12, "%s", name);
        if (r.kept != NULL)
            CHECK_STR(print(&r.kept->geom), cases[i].kept, "%s", name);
        CHECK_NEAR(qvl_clip_coverage(&g, &cases[i].window, &arena), r.coverage,
                   0, "%s", name);
    }
    qvl_arena_release(&arena);
}

/* Both pieces of the specification's line, in their order. */
static void test_line_pieces(void)
{
    static const double point[] = { 0, 5, 20, 5, 20, 15, 0, 15 };
    const qvl_bounds window = { 0, 0, 10, 20 };
    qvl_geom g = { QVL_GEOM_LINE, 4, point };
    qvl_arena arena = { 0 };
    qvl_clip_result r;
    qvl_clip(&r, &g, &window, &arena);
    CHECK_INT(r.n_pieces, 2, "never joined along the border");
    CHECK_STR(print(&r.piece[0].geom), "0 5 10 5", "first");
    CHECK_STR(print(&r.piece[1].geom), "10 15 0 15", "second");
    CHECK_NEAR(r.size, 50, 0, "length");
    CHECK_NEAR(r.inside, 20, 0, "length inside");
    CHECK(r.kept == &r.piece[0], "the first of equals");
    qvl_arena_release(&arena);
}

/* A polygon that is all visible is covered as its box is: the window is
 * not a pixel too small. */
static void test_full_coverage(void)
{
    qvl_arena arena = { 0 };
    for (int side = 1; side <= 20; side++) {
        const double s = side;
        const double box[] = { 0, 0, s, s };
        const double ring[] = { 0, 0, s, 0, s, s, 0, s };
        qvl_geom b = { QVL_GEOM_BOX, 2, box };
        qvl_geom p = poly(ring, 4);
        qvl_bounds window = { 0, 0, s, s };
        CHECK_NEAR(qvl_clip_coverage(&b, &window, &arena), 1, 0, "box %d", side);
        CHECK_NEAR(qvl_clip_coverage(&p, &window, &arena), 1, 0, "ring %d", side);
        window.x1 -= 0.25;
        CHECK_NEAR(qvl_clip_coverage(&p, &window, &arena),
                   qvl_clip_coverage(&b, &window, &arena), 1e-15, "%d", side);
    }
    qvl_arena_release(&arena);
}

static void test_clean(void)
{
    static const struct {
        const char *name;
        int n;
        double point[16];
        const char *want;
    } cases[] = {
        { "clean", 4, { 0, 0, 4, 0, 4, 4, 0, 4 }, "0 0 4 0 4 4 0 4" },
        { "repeats", 7, { 0, 0, 0, 0, 4, 0, 4, 0, 4, 4, 0, 4, 0, 0 },
          "0 0 4 0 4 4 0 4" },
        { "nearly repeats", 5, { 0, 0, 4, 0, 4, 3e-5, 4, 4, 0, 4 },
          "0 0 4 0 4 4 0 4" },
        { "not near enough", 5, { 0, 0, 4, 0, 4.1, 4e-5, 4, 4, 0, 4 },
          "0 0 4 0 4.1 4e-05 4 4 0 4" },
        { "in line, the first and the last too", 8,
          { 2, 0, 4, 0, 4, 2, 4, 4, 2, 4, 0, 4, 0, 2, 0, 0 },
          "4 0 4 4 0 4 0 0" },
        { "nearly in line", 5, { 0, 0, 2, 2e-7, 4, 0, 4, 4, 0, 4 },
          "0 0 4 0 4 4 0 4" },
        { "a spike", 6, { 0, 0, 4, 0, 9, 0, 4, 0, 4, 4, 0, 4 },
          "0 0 4 0 4 4 0 4" },
        { "a spike over the start", 5, { 9, 0, 4, 0, 4, 4, 0, 4, 0, 0 },
          "4 0 4 4 0 4 0 0" },
        { "nothing but a spike", 4, { 0, 0, 4, 0, 9, 0, 4, 0 }, "" },
        { "one point", 3, { 1, 1, 1, 1, 1, 1 }, "" },
        { "two points", 2, { 1, 1, 2, 2 }, "" },
        { "no points", 0, { 0 }, "" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        double point[16];
        memcpy(point, cases[i].point, sizeof point);
        qvl_geom g = poly(point, qvl_clip_ring_clean(point, cases[i].n));
        CHECK_STR(print(&g), cases[i].want, "%s", cases[i].name);
    }
}

static void test_midpoint(void)
{
    static const struct {
        const char *name;
        int n;
        double point[8];
        const char *want;
    } cases[] = {
        { "first edge", 3, { 0, 0, 8, 0, 4, 2 }, "0 0 4 0 8 0 4 2" },
        { "last edge", 3, { 0, 0, 1, 4, 0, 9 }, "0 0 1 4 0 9 0 4.5" },
        { "the first of equals", 3, { 0, 4, 0, 0, 4, 0 }, "0 4 0 0 4 0 2 2" },
        { "a tie", 3, { 0, 0, 4, 0, 2, 1 }, "0 0 2 0 4 0 2 1" },
        { "one point", 3, { 1, 1, 1, 1, 1, 1 }, "1 1 1 1 1 1 1 1" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        double point[8];
        memcpy(point, cases[i].point, sizeof point);
        qvl_clip_add_midpoint(point, cases[i].n);
        qvl_geom g = poly(point, cases[i].n + 1);
        CHECK_STR(print(&g), cases[i].want, "%s", cases[i].name);
    }
    double square[10] = { 0, 0, 2, 0, 2, 2, 0, 2 };
    qvl_clip_add_midpoint(square, 4);
    qvl_geom g = poly(square, 5);
    CHECK_STR(print(&g), "0 0 1 0 2 0 2 2 0 2", "equal edges");
}

static void test_bounds(void)
{
    const qvl_bounds a = { 0, 0, 10, 10 };
    const qvl_bounds b = { 5, 5, 15, 15 };
    const qvl_bounds far = { 20, 0, 30, 10 };
    const qvl_bounds flat = { 3, 3, 3, 3 };
    qvl_bounds both = qvl_bounds_intersect(&a, &b);
    qvl_bounds none = qvl_bounds_intersect(&a, &far);
    CHECK_NEAR(qvl_bounds_area(&both), 25, 0, "shared");
    CHECK_NEAR(qvl_bounds_area(&none), 0, 0, "apart");
    CHECK(none.x0 <= none.x1 && none.y0 <= none.y1, "not inside out");
    CHECK_NEAR(qvl_bounds_iou(&a, &b), 25.0 / 175, 1e-15, "iou");
    CHECK_NEAR(qvl_bounds_iou(&a, &a), 1, 0, "with itself");
    CHECK_NEAR(qvl_bounds_iou(&a, &far), 0, 0, "iou apart");
    CHECK_NEAR(qvl_bounds_iou(&flat, &flat), 0, 0, "flat");
    CHECK(qvl_bounds_has(&a, &a) && qvl_bounds_has(&a, &flat), "has");
    CHECK(!qvl_bounds_has(&a, &b) && !qvl_bounds_has(&flat, &a), "has not");
    CHECK_NEAR(qvl_clip_length((const double[]){ 0, 0, 3, 4, 3, 0 }, 3), 9, 0,
               "length");
    CHECK_NEAR(qvl_clip_length((const double[]){ 7, 7 }, 1), 0, 0, "no length");
}

/* ---- random shapes ------------------------------------------------------ */

static bool is_equal(const qvl_geom *a, const qvl_geom *b)
{
    return a->kind == b->kind && a->n == b->n
           && memcmp(a->point, b->point, (size_t)a->n * 2 * sizeof(double)) == 0;
}

/* What holds of any result: sizes, borders, cutting again changes nothing, and what
 * is whole is the whole. */
static void check_result(const qvl_clip_result *r, const qvl_geom *g,
                         const qvl_bounds *window, qvl_arena *arena, int i)
{
    double sum = 0.0;
    for (int k = 0; k < r->n_pieces; k++) {
        const qvl_clip_piece *p = &r->piece[k];
        qvl_bounds b = qvl_geom_bounds(p->geom.point, p->geom.n);
        CHECK(qvl_bounds_has(window, &b), "%d: piece %d is inside", i, k);
        CHECK_INT(p->geom.kind, g->kind, "%d", i);
        CHECK(p->size > 0.0 && p->size <= r->kept->size, "%d: piece %d", i, k);
        CHECK(p->size < r->kept->size || r->kept <= p, "%d: piece %d", i, k);
        sum += p->size;
        qvl_clip_result again;
        qvl_clip(&again, &p->geom, window, arena);
        CHECK(again.is_whole && again.n_pieces == 1 && again.coverage == 1.0,
              "%d: piece %d again", i, k);
        CHECK(is_equal(&again.kept->geom, &p->geom), "%d: piece %d again", i, k);
    }
    CHECK_NEAR(sum, r->inside, 1e-6, "%d: sum of pieces", i);
    CHECK(r->coverage >= 0.0 && r->coverage <= 1.0, "%d", i);
    if (r->is_whole)
        CHECK(is_equal(&r->kept->geom, g), "%d: the whole", i);
}

static qvl_bounds random_window(qvl_rng *r, double lo, double hi)
{
    double x = qvl_rng_between(r, lo, hi), y = qvl_rng_between(r, lo, hi);
    return (qvl_bounds){ x, y, x + qvl_rng_between(r, 0, hi - x + 1),
                         y + qvl_rng_between(r, 0, hi - y + 1) };
}

/* Simple polygons: areas by two other ways, pieces simple, of the same turn. */
static void test_random_polygons(void)
{
    qvl_arena arena = { 0 };
    qvl_rng rng = { .key = 7 };
    int n_apart = 0;
    for (int i = 0; i < 400; i++) {
        int n = shapes_int(&rng, 3, 20);
        qvl_geom g = poly(shapes_simple(n, 0, 10, &rng, &arena), n);
        qvl_bounds w = random_window(&rng, -1, 9);
        qvl_clip_result r;
        qvl_clip(&r, &g, &w, &arena);
        check_result(&r, &g, &w, &arena, i);
        CHECK_NEAR(r.inside, qvl_even_odd_area(g.point, n, &w, &arena), 1e-10,
                   "%d: exact", i);
        CHECK_NEAR(r.coverage, r.inside / fabs(qvl_geom_area(g.point, n)), 1e-12,
                   "%d", i);
        if (i % 10 == 0)
            CHECK_NEAR(r.inside, shapes_rows_area(g.point, n, &w, &arena), 0.1,
                       "%d: rows", i);
        for (int k = 0; k < r.n_pieces; k++) {
            const qvl_geom *p = &r.piece[k].geom;
            CHECK(!qvl_geom_is_crossing(p->point, p->n), "%d: piece %d", i, k);
            CHECK_NEAR(fabs(qvl_geom_area(p->point, p->n)), r.piece[k].size,
                       1e-5, "%d: piece %d, cleaned", i, k);
            CHECK(r.is_whole
                      || qvl_geom_area(p->point, p->n)
                                 * qvl_geom_area(g.point, n) > 0.0,
                  "%d: piece %d turns as the whole", i, k);
        }
        n_apart += r.n_pieces > 1;
        qvl_arena_reset(&arena);
    }
    CHECK(n_apart > 30, "%d came apart", n_apart);
    qvl_arena_release(&arena);
}

/* A point is inside of the outline when it is inside of an odd number of pieces,
 * also where the outline crosses itself. */
static void test_random_crossings(void)
{
    qvl_arena arena = { 0 };
    qvl_rng rng = { .key = 8 };
    for (int i = 0; i < 300; i++) {
        int n = shapes_int(&rng, 4, 14);
        qvl_geom g = poly(shapes_points(n, 0, 10, &rng, &arena), n);
        qvl_bounds w = { qvl_rng_between(&rng, -1, 5), 2,
                         qvl_rng_between(&rng, 5, 11), 7 };
        qvl_rings rings;
        qvl_clip_ring(&rings, g.point, n, &w, &arena);
        for (int k = 0; k < 300; k++) {
            double x = qvl_rng_between(&rng, w.x0, w.x1);
            double y = qvl_rng_between(&rng, w.y0, w.y1);
            bool is_inside = false;
            for (int q = 0; q < rings.n_rings; q++)
                is_inside ^= qvl_even_odd_has_point(
                    rings.point + 2 * rings.first[q],
                    rings.first[q + 1] - rings.first[q], x, y);
            CHECK_INT(is_inside, qvl_even_odd_has_point(g.point, n, x, y),
                      "%d: (%g, %g)", i, x, y);
        }
        qvl_clip_result r;
        qvl_clip(&r, &g, &w, &arena);
        CHECK_NEAR(r.inside, shapes_rows_area(g.point, n, &w, &arena), 0.1,
                   "%d", i);
        CHECK(r.coverage >= 0.0 && r.coverage <= 1.0, "%d", i);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

static int compare_sizes(const void *p, const void *q)
{
    double a = *(const double *)p;
    double b = *(const double *)q;
    return (a < b) - (a > b);
}

/* Sets of cells: vertices and edges lie on the borders of windows again and again,
 * and the parts, counted cell by cell, are known exactly. Halves of cells too. */
static void test_cells(void)
{
    qvl_arena arena = { 0 };
    qvl_rng rng = { .key = 9 };
    for (int i = 0; i < 4000; i++) {
        shapes_cells cells = shapes_grow(shapes_int(&rng, 20, 400), &rng);
        double *point;
        int n = shapes_outline(&point, &cells, i % 2, &arena);
        double x = shapes_int(&rng, -2, 16) / 2.0;
        double y = shapes_int(&rng, -2, 16) / 2.0;
        qvl_bounds w = { x, y, x + shapes_int(&rng, 1, 16) / 2.0,
                         y + shapes_int(&rng, 1, 16) / 2.0 };
        double wanted[SHAPES_SIDE * SHAPES_SIDE];
        double found[SHAPES_SIDE * SHAPES_SIDE];
        int n_parts = shapes_parts(wanted, &cells, &w);
        qvl_geom g = poly(point, n);
        qvl_clip_result r;
        qvl_clip(&r, &g, &w, &arena);
        CHECK_INT(r.n_pieces, n_parts, "%d: parts", i);
        for (int k = 0; k < n_parts; k++) {
            const qvl_geom *p = &r.piece[k].geom;
            CHECK(!qvl_geom_is_crossing(p->point, p->n), "%d: part %d", i, k);
            CHECK_NEAR(qvl_geom_area(p->point, p->n), r.piece[k].size, 0,
                       "%d: part %d, clockwise", i, k);
            found[k] = r.piece[k].size;
        }
        if (n_parts > 0) {
            qsort(found, (size_t)n_parts, sizeof *found, compare_sizes);
            CHECK_NEAR(r.kept->size, wanted[0], 0, "%d: the largest", i);
        }
        for (int k = 0; k < n_parts; k++)
            CHECK_NEAR(found[k], wanted[k], 0, "%d: part %d", i, k);
        check_result(&r, &g, &w, &arena, i);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

/* The same in other places and angles gives the same coverage. */
static void test_turned_alike(void)
{
    qvl_arena arena = { 0 };
    qvl_rng rng = { .key = 10 };
    for (int i = 0; i < 300; i++) {
        int n = shapes_int(&rng, 3, 16);
        const double *p = shapes_simple(n, 0, 10, &rng, &arena);
        double *q = qvl_arena_array(&arena, double, 2 * n);
        qvl_affine m = qvl_affine_rotation(90 * (i % 4), 5, 5);
        if (i % 8 > 3) {
            qvl_affine flip = qvl_affine_hflip(10);
            m = qvl_affine_compose(&m, &flip);
        }
        qvl_bounds w = random_window(&rng, -1, 9);
        const double corners[] = { w.x0, w.y0, w.x1, w.y1 };
        double turned[4];
        qvl_affine_apply(&m, q, p, n);
        qvl_affine_apply(&m, turned, corners, 2);
        qvl_bounds v = qvl_geom_bounds(turned, 2);
        qvl_geom a = poly(p, n), b = poly(q, n);
        qvl_clip_result r, s;
        qvl_clip(&r, &a, &w, &arena);
        qvl_clip(&s, &b, &v, &arena);
        CHECK_NEAR(r.coverage, s.coverage, 1e-12, "%d", i);
        CHECK_INT(r.n_pieces, s.n_pieces, "%d", i);
        if (r.kept != NULL)
            CHECK_NEAR(r.kept->size, s.kept->size, 1e-10, "%d", i);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

/* Share of fine steps along a line that are inside of a window. */
static double steps_inside(const qvl_geom *g, const qvl_bounds *w)
{
    const int n_steps = 4000;
    double sum = 0.0, inside = 0.0;
    for (int i = 0; i + 1 < g->n; i++) {
        const double *a = g->point + 2 * i;
        double dx = a[2] - a[0], dy = a[3] - a[1];
        double step = hypot(dx, dy) / n_steps;
        for (int k = 0; k < n_steps; k++) {
            double x = a[0] + dx * (k + 0.5) / n_steps;
            double y = a[1] + dy * (k + 0.5) / n_steps;
            sum += step;
            if (w->x0 <= x && x <= w->x1 && w->y0 <= y && y <= w->y1)
                inside += step;
        }
    }
    return inside / sum;
}

static void test_random_lines(void)
{
    qvl_arena arena = { 0 };
    qvl_rng rng = { .key = 11 };
    for (int i = 0; i < 300; i++) {
        int n = shapes_int(&rng, 2, 12);
        double *p = shapes_points(n, 0, 10, &rng, &arena);
        qvl_bounds w = random_window(&rng, -1, 9);
        if (i % 2) {
            for (int k = 0; k < 2 * n; k++)
                p[k] = floor(p[k]);
            p[0] += 0.5;  // never all one point
            w = (qvl_bounds){ floor(w.x0), floor(w.y0), floor(w.x1) + 1,
                              floor(w.y1) + 1 };
        }
        qvl_geom g = { QVL_GEOM_LINE, n, p };
        qvl_clip_result r;
        qvl_clip(&r, &g, &w, &arena);
        check_result(&r, &g, &w, &arena, i);
        CHECK_NEAR(r.coverage, steps_inside(&g, &w), 2e-3, "%d", i);
        CHECK_NEAR(r.size, qvl_clip_length(p, n), 0, "%d", i);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

/* Pieces end on the border and begin again there, those at the ends of the line
 * apart; vertices within are the line's. */
static void test_line_ends(void)
{
    qvl_arena arena = { 0 };
    qvl_rng rng = { .key = 12 };
    const qvl_bounds w = { 3, 3, 7, 7 };
    for (int i = 0; i < 300; i++) {
        int n = shapes_int(&rng, 2, 20);
        qvl_geom g = { QVL_GEOM_LINE, n, shapes_points(n, 0, 10, &rng, &arena) };
        qvl_clip_result r;
        qvl_clip(&r, &g, &w, &arena);
        int at = 0;  // vertex of the line
        for (int k = 0; k < r.n_pieces; k++) {
            const qvl_geom *p = &r.piece[k].geom;
            for (int q = 0; q < p->n; q++) {
                const double *v = p->point + 2 * q;
                bool on_border = v[0] == 3 || v[0] == 7 || v[1] == 3 || v[1] == 7;
                bool is_end = q == 0 || q == p->n - 1;
                if (on_border && is_end)
                    continue;
                while (at < n && (g.point[2 * at] != v[0]
                                  || g.point[2 * at + 1] != v[1]))
                    at++;
                CHECK(at < n, "%d: piece %d, point %d is the line's", i, k, q);
                CHECK(!is_end || at == 0 || at == n - 1, "%d: %d, %d", i, k, q);
            }
        }
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

/* ---- extremes ----------------------------------------------------------- */

/* A saw of n teeth whose points stick out of a canvas at the bottom; its back is the top
 * border. */
static double *make_saw(int n_teeth, qvl_arena *arena)
{
    double *p = qvl_arena_array(arena, double, 2 * (2 * n_teeth + 1));
    for (int i = 0; i <= 2 * n_teeth; i++) {
        p[2 * i] = 100.0 * i / (2 * n_teeth);
        p[2 * i + 1] = i % 2 ? 100 : 0;
    }
    return p;
}

/* Order by order, n^2 of them would take an hour. */
static void test_many_pieces(void)
{
    const int n_teeth = 50000;
    const qvl_bounds below = { -1, 50, 101, 200 };
    qvl_arena arena = { 0 };
    qvl_geom g = poly(make_saw(n_teeth, &arena), 2 * n_teeth + 1);
    qvl_clip_result r;
    qvl_clip(&r, &g, &below, &arena);
    CHECK_INT(r.n_pieces, n_teeth, "tips");
    CHECK_NEAR(r.coverage, 0.25, 1e-9, "tips are a quarter");
    qvl_geom line = { QVL_GEOM_LINE, g.n, g.point };
    qvl_clip(&r, &line, &below, &arena);
    CHECK_INT(r.n_pieces, n_teeth, "tips of the line");
    CHECK_NEAR(r.coverage, 0.5, 1e-9, "half of the line");
    qvl_arena_release(&arena);
}

static void test_many_points(void)
{
    const int n = 100000;
    qvl_arena arena = { 0 };
    double *p = qvl_arena_array(&arena, double, 2 * n);
    for (int i = 0; i < n; i++) {
        double angle = 2 * 3.14159265358979323846 * i / n;
        p[2 * i] = 100 * cos(angle);
        p[2 * i + 1] = 100 * sin(angle);
    }
    qvl_geom g = poly(p, n);
    qvl_clip_result r;
    qvl_clip(&r, &g, &canvas, &arena);
    CHECK_NEAR(r.coverage, 0.25, 1e-9, "a quarter of a circle");
    CHECK_NEAR(qvl_geom_area(r.kept->geom.point, r.kept->geom.n), r.kept->size,
               0.05, "cleaning takes less than 5e-7 a point");
    qvl_arena_release(&arena);
}

/* A bow tie with more and more vertices on one edge: up to the limit its area is
 * what one sees, beyond it that of the plain formula, which is none. */
static void test_even_odd_limit(void)
{
    qvl_arena arena = { 0 };
    for (int more = 0; more < 2; more++) {
        const int n = QVL_CLIP_EVEN_ODD_POINTS + more;
        double *p = qvl_arena_array(&arena, double, 2 * n);
        memcpy(p, (const double[]){ 0, 10, 0, 0, 10, 10 }, 6 * sizeof *p);
        for (int i = 3; i < n; i++) {
            p[2 * i] = 10;
            p[2 * i + 1] = 10.0 * (n - 1 - i) / (n - 3);
        }
        qvl_geom g = poly(p, n);
        qvl_clip_result r;
        qvl_clip(&r, &g, &canvas, &arena);
        CHECK_NEAR(r.size, more ? 0 : 50, 1e-9, "%d points", n);
        CHECK_NEAR(r.coverage, 1, 0, "%d points", n);
        qvl_bounds left = { 0, 0, 5, 100 };
        CHECK_NEAR(qvl_clip_coverage(&g, &left, &arena), more ? 0 : 0.5, 1e-9,
                   "half of %d points", n);
    }
    qvl_arena_release(&arena);
}

/* As far out as is allowed, and as flat and as small as there is. */
static void test_extremes(void)
{
    static const double m = QVL_CLIP_MAX_PX;
    const double shapes[][6] = {
        { -m, -m, m, -m, 0, m },
        { -m, 50, m, 50, 0, 50 },
        { -m, 50, m, 50 + 1e-9, 0, 50 },
        { -m, -m, m, m, 0, 0 },
        { 50, 50, 50, 50, m, m },
        { 0, 0, 1e-160, 0, 0, 1e-160 },
        { -1e-160, 0, 1e-160, 0, 0, 1e-160 },
        { 100, 100, m, 100, 100, m },
        { -1e-300, -1e-300, 1e-300, 5, 5, 1e-300 },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(shapes); i++)
        for (int kind = 0; kind < QVL_N_GEOM; kind++) {
            qvl_geom g = { (qvl_geom_kind)kind, kind == QVL_GEOM_BOX ? 2 : 3,
                           shapes[i] };
            qvl_clip_result r;
            qvl_clip(&r, &g, &canvas, &arena);
            CHECK(r.coverage >= 0.0 && r.coverage <= 1.0, "%zu %d", i, kind);
            CHECK(isfinite(r.size) && isfinite(r.inside), "%zu %d", i, kind);
            for (int k = 0; k < r.n_pieces; k++)
                for (int q = 0; q < 2 * r.piece[k].geom.n; q++)
                    CHECK(r.piece[k].geom.point[q] >= 0.0
                              && r.piece[k].geom.point[q] <= 100.0,
                          "%zu %d", i, kind);
        }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_known_clips), TEST(test_line_pieces),
          TEST(test_full_coverage), TEST(test_clean), TEST(test_midpoint),
          TEST(test_bounds), TEST(test_random_polygons),
          TEST(test_random_crossings), TEST(test_cells),
          TEST(test_turned_alike), TEST(test_random_lines),
          TEST(test_line_ends), TEST(test_many_pieces), TEST(test_many_points),
          TEST(test_even_odd_limit), TEST(test_extremes))
