/* geom.c - areas, crossings, canonical forms
 *
 * All in doubles without tolerances: what counts as flat or as a crossing is
 * decided by exact comparisons of the numbers as they were written. Crossing
 * costs n^2 in the edges.
 */
#include "data/geom.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const qvl_geom_key qvl_geom_keys[QVL_N_GEOM_KEYS] = {
    [QVL_GEOM_BOX] = { "bbox_2d", QVL_GEOM_BOX, 2 },
    [QVL_GEOM_POLY] = { "poly", QVL_GEOM_POLY, 0 },
    [QVL_GEOM_LINE] = { "line", QVL_GEOM_LINE, 0 },
    [QVL_GEOM_KEY_QUAD] = { "quad", QVL_GEOM_POLY, 4 },
};

int qvl_geom_key_find(const char *key)
{
    int k = 0;
    while (k < QVL_N_GEOM_KEYS && strcmp(qvl_geom_keys[k].key, key) != 0)
        k++;
    return k;
}

const char *qvl_geom_name(qvl_geom_kind kind)
{
    return qvl_geom_keys[kind].key;
}

int qvl_geom_min_points(qvl_geom_kind kind)
{
    return kind == QVL_GEOM_POLY ? 3 : 2;
}

/* ---- measures ----------------------------------------------------------- */

double qvl_geom_area(const double *point, int n)
{
    double twice = 0.0;
    for (int i = 0; i < n; i++) {
        const double *a = point + 2 * i;
        const double *b = point + 2 * ((i + 1) % n);
        twice += a[0] * b[1] - b[0] * a[1];
    }
    return twice / 2.0;
}

qvl_bounds qvl_geom_bounds(const double *point, int n)
{
    assert(n > 0);
    qvl_bounds b = { point[0], point[1], point[0], point[1] };
    for (int i = 1; i < n; i++) {
        b.x0 = fmin(b.x0, point[2 * i]);
        b.y0 = fmin(b.y0, point[2 * i + 1]);
        b.x1 = fmax(b.x1, point[2 * i]);
        b.y1 = fmax(b.y1, point[2 * i + 1]);
    }
    return b;
}

/* Twice the area of the triangle a b c; its sign tells the side c is on. */
static double cross(const double *a, const double *b, const double *c)
{
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/* The first point that is not the one at 0, or n. */
static int first_other(const double *point, int n)
{
    int i = 1;
    while (i < n && point[2 * i] == point[0] && point[2 * i + 1] == point[1])
        i++;
    return i;
}

bool qvl_geom_is_flat(qvl_geom_kind kind, const double *point, int n)
{
    if (kind == QVL_GEOM_BOX)
        return !(point[0] < point[2] && point[1] < point[3]);
    int second = first_other(point, n);
    if (second == n || kind == QVL_GEOM_LINE)
        return second == n;
    for (int i = second + 1; i < n; i++)
        if (cross(point, point + 2 * second, point + 2 * i) != 0.0)
            return false;
    return true;
}

/* ---- rings that cross themselves ---------------------------------------- */

typedef struct {
    const double *a, *b;
} edge;

static edge edge_of(const double *point, int n, int i)
{
    return (edge){ point + 2 * i, point + 2 * ((i + 1) % n) };
}

static bool bounds_meet(edge e, edge f)
{
    for (int k = 0; k < 2; k++)
        if (fmax(e.a[k], e.b[k]) < fmin(f.a[k], f.b[k])
            || fmax(f.a[k], f.b[k]) < fmin(e.a[k], e.b[k]))
            return false;
    return true;
}

static int sign(double v)
{
    return (v > 0.0) - (v < 0.0);
}

/* Two closed segments have a point in common: neither has both its ends on one
 * side of the other. */
static bool edges_meet(edge e, edge f)
{
    return bounds_meet(e, f)
           && sign(cross(e.a, e.b, f.a)) * sign(cross(e.a, e.b, f.b)) <= 0
           && sign(cross(f.a, f.b, e.a)) * sign(cross(f.a, f.b, e.b)) <= 0;
}

static bool is_empty(edge e)
{
    return e.a[0] == e.b[0] && e.a[1] == e.b[1];
}

/* Is there nothing but empty edges from behind edge i up to edge k? Then they
 * share a corner and may. */
static bool are_neighbours(const double *point, int n, int i, int k)
{
    for (int m = (i + 1) % n; m != k; m = (m + 1) % n)
        if (!is_empty(edge_of(point, n, m)))
            return false;
    return true;
}

bool qvl_geom_is_crossing(const double *point, int n)
{
    if (n > QVL_GEOM_CROSSING_POINTS)
        return false;
    for (int i = 0; i < n; i++) {
        edge e = edge_of(point, n, i);
        for (int k = i + 1; k < n; k++) {
            edge f = edge_of(point, n, k);
            if (edges_meet(e, f) && !is_empty(e) && !is_empty(f)
                && !are_neighbours(point, n, i, k)
                && !are_neighbours(point, n, k, i))
                return true;
        }
    }
    return false;
}

/* ---- canonical form ----------------------------------------------------- */

static void swap_points(double *a, double *b)
{
    for (int k = 0; k < 2; k++) {
        double t = a[k];
        a[k] = b[k];
        b[k] = t;
    }
}

static void reverse(double *point, int from, int behind)
{
    for (int i = from, k = behind - 1; i < k; i++, k--)
        swap_points(point + 2 * i, point + 2 * k);
}

/* Bring the point at `first` to the front: three reversals rotate a list. */
static void rotate(double *point, int n, int first)
{
    reverse(point, 0, first);
    reverse(point, first, n);
    reverse(point, 0, n);
}

/* -1, 0, 1: (x, y) by coordinate `major` first. */
static int compare(const double *a, const double *b, int major)
{
    int d = sign(a[major] - b[major]);
    return d != 0 ? d : sign(a[1 - major] - b[1 - major]);
}

/* The first of the least points. */
static int least_point(const double *point, int n, int major)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (compare(point + 2 * i, point + 2 * best, major) < 0)
            best = i;
    return best;
}

static void canonical_poly(double *point, int n, qvl_winding winding)
{
    double area = qvl_geom_area(point, n);
    if ((winding == QVL_WINDING_CLOCKWISE && area < 0.0)
        || (winding == QVL_WINDING_COUNTERCLOCKWISE && area > 0.0))
        reverse(point, 0, n);
    rotate(point, n, least_point(point, n, 1));
}

void qvl_geom_canonical(qvl_geom_kind kind, double *point, int n,
                        qvl_winding winding)
{
    assert(n >= qvl_geom_min_points(kind));
    if (kind == QVL_GEOM_POLY)
        canonical_poly(point, n, winding);
    else if (kind == QVL_GEOM_LINE
             && compare(point + 2 * (n - 1), point, 0) < 0)
        reverse(point, 0, n);
}

/* ---- order -------------------------------------------------------------- */

/* Compared from the first number to the last; `place` ends all ties. */
typedef struct {
    double part[5];
    int place;
} sort_key;

static sort_key key_of(const qvl_geom *g, int place, qvl_order order)
{
    int at = g->kind == QVL_GEOM_LINE ? least_point(g->point, g->n, 0) : 0;
    double x = g->point[2 * at];
    double y = g->point[2 * at + 1];
    if (order == QVL_ORDER_REFERENCE)
        return (sort_key){ { y, x }, place };
    qvl_bounds b = qvl_geom_bounds(g->point, g->n);
    return (sort_key){ { (b.y0 + b.y1) / 2.0, (b.x0 + b.x1) / 2.0,
                         (double)g->kind, y, x },
                       place };
}

static int compare_keys(const void *p, const void *q)
{
    const sort_key *a = p;
    const sort_key *b = q;
    for (int k = 0; k < 5; k++)
        if (a->part[k] != b->part[k])
            return a->part[k] < b->part[k] ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

void qvl_geom_sort(int *place, const qvl_geom *geom, int n, qvl_order order,
                   qvl_arena *arena)
{
    sort_key *key = qvl_arena_array(arena, sort_key, n);
    for (int i = 0; i < n; i++)
        key[i] = key_of(&geom[i], i, order);
    if (n > 0)
        qsort(key, (size_t)n, sizeof *key, compare_keys);
    for (int i = 0; i < n; i++)
        place[i] = key[i].place;
}

/* ---- numbers ------------------------------------------------------------ */

int qvl_geom_norm(double v, int size, int scale)
{
    assert(size > 0 && scale > 0);
    double q = rint(v / size * scale);
    return (int)fmin(fmax(q, 0.0), scale);
}
