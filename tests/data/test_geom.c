/* test_geom.c - canonical boxes, polygons and lines, areas, and orders of objects */
#include "check.h"
#include "data/geom.h"

/* Numbers of a list as text. */
static const char *print(const double *v, int n)
{
    static char text[256];
    int at = 0;
    for (int i = 0; i < n; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%g",
                       i > 0 ? " " : "", v[i]);
    return text;
}

static void test_keys(void)
{
    static const struct {
        const char *key;
        int kind;  // -1: none
        int n_points;
    } cases[] = { { "bbox_2d", QVL_GEOM_BOX, 2 }, { "poly", QVL_GEOM_POLY, 0 },
                  { "line", QVL_GEOM_LINE, 0 },   { "quad", QVL_GEOM_POLY, 4 },
                  { "", -1, 0 },                  { "polyg", -1, 0 },
                  { "bbox", -1, 0 },              { "Line", -1, 0 } };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        int k = qvl_geom_key_find(cases[i].key);
        CHECK((k < QVL_N_GEOM_KEYS) == (cases[i].kind >= 0), "%s", cases[i].key);
        if (cases[i].kind < 0)
            continue;
        CHECK_INT(qvl_geom_keys[k].kind, cases[i].kind, "%s", cases[i].key);
        CHECK_INT(qvl_geom_keys[k].n_points, cases[i].n_points, "%s", cases[i].key);
    }
    CHECK_STR(qvl_geom_name(QVL_GEOM_POLY), "poly", "never quad");
}

static void test_norm(void)
{
    static const struct {
        double v;
        int size, n1000, n100;
    } cases[] = {
        { 125, 2000, 62, 6 },   // 62.5 and 6.25: halves go to even
        { 375, 2000, 188, 19 }, // 187.5 and 18.75
        { 1.5, 1000, 2, 0 },    { 2.5, 1000, 2, 0 },
        { 999, 1000, 999, 100 }, { 1000, 1000, 1000, 100 },
        { 1, 3, 333, 33 },      { 0, 7, 0, 0 },
        { -2, 1000, 0, 0 },     { 1002, 1000, 1000, 100 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        CHECK_INT(qvl_geom_norm(cases[i].v, cases[i].size, 1000),
                  cases[i].n1000, "%g of %d", cases[i].v, cases[i].size);
        CHECK_INT(qvl_geom_norm(cases[i].v, cases[i].size, 100),
                  cases[i].n100, "%g of %d", cases[i].v, cases[i].size);
    }
}

static void test_canonical(void)
{
    static const struct {
        const char *name;
        qvl_geom_kind kind;
        qvl_winding winding;
        int n;
        double point[12];
        const char *want;
    } cases[] = {
        { "square from its last corner", QVL_GEOM_POLY, QVL_WINDING_CLOCKWISE,
          4, { 10, 10, 10, 0, 0, 0, 0, 10 }, "0 0 10 0 10 10 0 10" },
        { "clockwise already", QVL_GEOM_POLY, QVL_WINDING_CLOCKWISE, 4,
          { 0, 0, 10, 0, 10, 10, 0, 10 }, "0 0 10 0 10 10 0 10" },
        { "counterclockwise", QVL_GEOM_POLY, QVL_WINDING_COUNTERCLOCKWISE, 4,
          { 0, 0, 10, 0, 10, 10, 0, 10 }, "0 0 0 10 10 10 10 0" },
        { "as it was", QVL_GEOM_POLY, QVL_WINDING_PRESERVE, 4,
          { 10, 10, 10, 0, 0, 0, 0, 10 }, "0 0 0 10 10 10 10 0" },
        { "topmost, then leftmost", QVL_GEOM_POLY, QVL_WINDING_CLOCKWISE, 3,
          { 5, 9, 2, 1, 8, 1 }, "2 1 8 1 5 9" },
        { "concave stays concave", QVL_GEOM_POLY, QVL_WINDING_CLOCKWISE, 6,
          { 0, 8, 0, 0, 4, 0, 4, 4, 8, 4, 8, 8 },
          "0 0 4 0 4 4 8 4 8 8 0 8" },
        { "line, reversed", QVL_GEOM_LINE, QVL_WINDING_CLOCKWISE, 3,
          { 9, 1, 5, 5, 2, 3 }, "2 3 5 5 9 1" },
        { "line, kept", QVL_GEOM_LINE, QVL_WINDING_CLOCKWISE, 3,
          { 2, 3, 1, 5, 9, 1 }, "2 3 1 5 9 1" },
        { "line, upright", QVL_GEOM_LINE, QVL_WINDING_CLOCKWISE, 2,
          { 4, 9, 4, 1 }, "4 1 4 9" },
        { "box", QVL_GEOM_BOX, QVL_WINDING_CLOCKWISE, 2, { 1, 2, 3, 4 },
          "1 2 3 4" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        double point[12];
        memcpy(point, cases[i].point, sizeof point);
        qvl_geom_canonical(cases[i].kind, point, cases[i].n,
                           cases[i].winding);
        CHECK_STR(print(point, 2 * cases[i].n), cases[i].want, "%s",
                  cases[i].name);
    }
}

static void test_area(void)
{
    static const double box[] = { 0, 0, 4, 0, 4, 3, 0, 3 };
    static const double ell[] = { 0, 0, 4, 0, 4, 4, 8, 4, 8, 8, 0, 8 };
    CHECK_NEAR(qvl_geom_area(box, 4), 12, 0, "clockwise is positive");
    CHECK_NEAR(qvl_geom_area(ell, 6), 48, 0, "concave");
}

static void test_flat(void)
{
    static const struct {
        const char *name;
        qvl_geom_kind kind;
        int n;
        double point[8];
        bool is_flat;
    } cases[] = {
        { "box", QVL_GEOM_BOX, 2, { 0, 0, 1, 1 }, false },
        { "no width", QVL_GEOM_BOX, 2, { 1, 0, 1, 1 }, true },
        { "corners swapped", QVL_GEOM_BOX, 2, { 2, 0, 1, 1 }, true },
        { "triangle", QVL_GEOM_POLY, 3, { 0, 0, 1, 0, 0, 1 }, false },
        { "on a line", QVL_GEOM_POLY, 3, { 0, 0, 1, 1, 2, 2 }, true },
        { "one point", QVL_GEOM_POLY, 3, { 1, 1, 1, 1, 1, 1 }, true },
        { "bow tie, area 0", QVL_GEOM_POLY, 4, { 0, 0, 1, 1, 1, 0, 0, 1 },
          false },
        { "line", QVL_GEOM_LINE, 2, { 0, 0, 0, 1 }, false },
        { "line of one point", QVL_GEOM_LINE, 2, { 3, 3, 3, 3 }, true },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_INT(qvl_geom_is_flat(cases[i].kind, cases[i].point, cases[i].n),
                  cases[i].is_flat, "%s", cases[i].name);
}

static void test_crossing(void)
{
    static const struct {
        const char *name;
        int n;
        double point[14];
        bool is_crossing;
    } cases[] = {
        { "triangle", 3, { 0, 0, 4, 0, 0, 4 }, false },
        { "square", 4, { 0, 0, 4, 0, 4, 4, 0, 4 }, false },
        { "bow tie", 4, { 0, 0, 4, 4, 4, 0, 0, 4 }, true },
        { "concave", 6, { 0, 0, 4, 0, 4, 4, 8, 4, 8, 8, 0, 8 }, false },
        { "first point again at the end", 5,
          { 0, 0, 4, 0, 4, 4, 0, 4, 0, 0 }, false },
        { "a corner touches an edge", 5, { 0, 0, 8, 0, 8, 8, 4, 0, 0, 8 },
          true },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_INT(qvl_geom_is_crossing(cases[i].point, cases[i].n),
                  cases[i].is_crossing, "%s", cases[i].name);
}

static void test_order(void)
{
    static const double a[] = { 50, 10, 60, 90 };
    static const double b[] = { 10, 10, 20, 20 };
    static const double c[] = { 0, 40, 10, 50 };
    static const double same[] = { 10, 10, 90, 15 };
    static const double ring[] = { 30, 5, 99, 50, 0, 50 };
    static const double line[] = { 40, 0, 5, 12, 60, 80 };
    static const qvl_geom geom[] = {
        { QVL_GEOM_BOX, 2, a },    { QVL_GEOM_BOX, 2, b },
        { QVL_GEOM_BOX, 2, c },    { QVL_GEOM_BOX, 2, same },
        { QVL_GEOM_POLY, 3, ring }, { QVL_GEOM_LINE, 3, line },
    };
    /* Reference: ring at y 5, then b and same at (10, 10) in their order, a at
     * (50, 10), the line at its leftmost point (5, 12), c at y 40. */
    static const int reference[] = { 4, 1, 3, 0, 5, 2 };
    /* Centres, y then x: same 12.5, b 15, ring 27.5, line 40, c 45, a 50. */
    static const int center[] = { 3, 1, 4, 5, 2, 0 };
    qvl_arena arena = { 0 };
    int place[6];
    qvl_geom_sort(place, geom, 6, QVL_ORDER_REFERENCE, &arena);
    for (int i = 0; i < 6; i++)
        CHECK_INT(place[i], reference[i], "reference %d", i);
    qvl_geom_sort(place, geom, 6, QVL_ORDER_CENTER, &arena);
    for (int i = 0; i < 6; i++)
        CHECK_INT(place[i], center[i], "centre %d", i);
    qvl_geom_sort(place, geom, 0, QVL_ORDER_CENTER, &arena);
    qvl_arena_release(&arena);
}

/* Equal centres: boxes, then polygons, then lines. */
static void test_order_of_kinds(void)
{
    static const double line[] = { 0, 0, 10, 10 };
    static const double ring[] = { 0, 0, 10, 0, 10, 10, 0, 10 };
    static const qvl_geom geom[] = {
        { QVL_GEOM_LINE, 2, line },
        { QVL_GEOM_POLY, 4, ring },
        { QVL_GEOM_BOX, 2, line },
    };
    qvl_arena arena = { 0 };
    int place[3];
    qvl_geom_sort(place, geom, 3, QVL_ORDER_CENTER, &arena);
    for (int i = 0; i < 3; i++)
        CHECK_INT(place[i], 2 - i, "%d", i);
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_keys), TEST(test_norm), TEST(test_canonical), TEST(test_area),
          TEST(test_flat), TEST(test_crossing), TEST(test_order),
          TEST(test_order_of_kinds))
