/* hull.c - a chain over sorted points, and calipers around it
 *
 * The hull is built from points sorted by (x, y): from the first to the last by
 * those on one side of the line between them, back by those on the other. So no
 * point is a corner twice, whatever rounding does. Around the hull three pointers
 * go with the sides: the furthest corner along a side, across it, and back along
 * it. None ever turns back, so all sides together cost O(corners).
 */
#include "data/hull.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- hull --------------------------------------------------------------- */

static int compare_points(const void *p, const void *q)
{
    const double *a = p;
    const double *b = q;
    for (int k = 0; k < 2; k++)
        if (a[k] != b[k])
            return a[k] < b[k] ? -1 : 1;
    return 0;
}

static double cross(const double *a, const double *b, const double *c)
{
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/* Sorted, each once: [result, 2]. */
static int sort_points(double *sorted, const double *point, int n)
{
    memcpy(sorted, point, (size_t)n * 2 * sizeof *sorted);
    qsort(sorted, (size_t)n, 2 * sizeof *sorted, compare_points);
    int n_kept = 1;
    for (int i = 1; i < n; i++)
        if (compare_points(sorted + 2 * i, sorted + 2 * (n_kept - 1)) != 0)
            memmove(sorted + 2 * n_kept++, sorted + 2 * i, 2 * sizeof *sorted);
    return n_kept;
}

/* Put p behind the chain's corners, of which those that it hides go; those before
 * `base` stay. */
static int push_corner(double *chain, int n, int base, const double *p)
{
    while (n > base
           && cross(chain + 2 * (n - 2), chain + 2 * (n - 1), p) <= 0.0)
        n--;
    memcpy(chain + 2 * n, p, 2 * sizeof *p);
    return n + 1;
}

int qvl_hull(double *out, const double *point, int n, qvl_arena *arena)
{
    assert(n > 0);
    double *sorted = qvl_arena_array(arena, double, 2 * (size_t)n);
    int n_sorted = sort_points(sorted, point, n);
    if (n_sorted == 1) {
        memcpy(out, sorted, 2 * sizeof *out);
        return 1;
    }
    double *chain = qvl_arena_array(arena, double, 2 * ((size_t)n_sorted + 1));
    const double *first = sorted;
    const double *last = sorted + 2 * (n_sorted - 1);
    int n_out = push_corner(chain, 0, 1, first);
    for (const double *p = first + 2; p < last; p += 2)
        if (cross(first, last, p) < 0.0)
            n_out = push_corner(chain, n_out, 1, p);
    n_out = push_corner(chain, n_out, 1, last);
    int base = n_out;
    for (const double *p = last - 2; p > first; p -= 2)
        if (cross(first, last, p) > 0.0)
            n_out = push_corner(chain, n_out, base, p);
    n_out = push_corner(chain, n_out, base, first);
    n_out--;  // the first point again
    memcpy(out, chain, (size_t)n_out * 2 * sizeof *out);
    return n_out;
}

/* ---- rectangle ---------------------------------------------------------- */

/* A hull, and the corners that bound it along one of its sides. */
typedef struct {
    const double *corner;  // [n, 2]
    int n;
    int right, far, left;  // most u, most v, least u
} calipers;

static double dot(const double *p, double x, double y)
{
    return p[0] * x + p[1] * y;
}

/* From corner `at` on, to the next that is the furthest along (x, y). */
static int furthest(const calipers *k, int at, double x, double y)
{
    for (int i = 0; i < k->n; i++) {
        int next = (at + 1) % k->n;
        if (!(dot(k->corner + 2 * next, x, y) > dot(k->corner + 2 * at, x, y)))
            break;
        at = next;
    }
    return at;
}

/* Bounds of the hull along (c, s) and across. */
typedef struct {
    double c, s;
    double u0, v0, u1, v1;
} turned;

/* Move the calipers to side i, the one behind the last. */
static turned measure_side(calipers *k, int i)
{
    const double *a = k->corner + 2 * i;
    const double *b = k->corner + 2 * ((i + 1) % k->n);
    double length = hypot(b[0] - a[0], b[1] - a[1]);
    double c = (b[0] - a[0]) / length;
    double s = (b[1] - a[1]) / length;
    if (i == 0)
        k->right = 1;
    k->right = furthest(k, k->right, c, s);
    k->far = furthest(k, i == 0 ? k->right : k->far, -s, c);
    k->left = furthest(k, i == 0 ? k->far : k->left, -c, -s);
    return (turned){
        c, s,
        dot(k->corner + 2 * k->left, c, s), dot(a, -s, c),
        dot(k->corner + 2 * k->right, c, s), dot(k->corner + 2 * k->far, -s, c),
    };
}

static double area_of(const turned *t)
{
    return (t->u1 - t->u0) * (t->v1 - t->v0);
}

static turned smallest(const double *corner, int n)
{
    if (n == 1)
        return (turned){ 1.0, 0.0, corner[0], corner[1], corner[0], corner[1] };
    calipers k = { .corner = corner, .n = n };
    turned best = measure_side(&k, 0);
    for (int i = 1; i < n; i++) {
        turned t = measure_side(&k, i);
        if (area_of(&t) < area_of(&best))
            best = t;
    }
    return best;
}

void qvl_hull_min_area_rect(double *out, const double *point, int n,
                            qvl_arena *arena)
{
    double *corner = qvl_arena_array(arena, double, 2 * (size_t)n);
    turned t = smallest(corner, qvl_hull(corner, point, n, arena));
    double u[4] = { t.u0, t.u1, t.u1, t.u0 };
    double v[4] = { t.v0, t.v0, t.v1, t.v1 };
    for (int i = 0; i < 4; i++) {
        out[2 * i] = t.c * u[i] - t.s * v[i];
        out[2 * i + 1] = t.s * u[i] + t.c * v[i];
    }
}
