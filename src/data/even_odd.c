/* even_odd.c - the area between edges, edge by edge
 *
 * On a line of height y the edges at x_0 <= x_1 <= x_2 ... enclose
 *
 *     (x_1 - x_0) + (x_3 - x_2) + ... = sum_k (-1)^(k + 1) x_k
 *
 * so the area is a sum over edges of their x, integrated over y, with a sign
 * that changes where the number of edges to the left does: where another edge
 * begins, ends, or crosses. Each pair of edges is decided by the same numbers,
 * whichever of them is asked, and equals are ordered by their place; so edges
 * that lie on each other cancel out. No crossing is ever stored, and none can
 * be missed in a way that costs more than rounding.
 */
#include "data/even_odd.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* From its upper end to its lower one. */
typedef struct {
    double x0, y0, x1, y1;
} side;

static side side_of(const double *point, int n, int i)
{
    const double *a = point + 2 * i;
    const double *b = point + 2 * ((i + 1) % n);
    return a[1] <= b[1] ? (side){ a[0], a[1], b[0], b[1] }
                        : (side){ b[0], b[1], a[0], a[1] };
}

/* At a height between its ends, which are met exactly. */
static double x_at(const side *s, double y)
{
    if (y >= s->y1)
        return s->x1;
    return s->x0 + (y - s->y0) / (s->y1 - s->y0) * (s->x1 - s->x0);
}

bool qvl_even_odd_has_point(const double *point, int n, double x, double y)
{
    bool is_inside = false;
    for (int i = 0; i < n; i++) {
        side s = side_of(point, n, i);
        if (s.y0 <= y && y < s.y1 && x_at(&s, y) <= x)
            is_inside = !is_inside;
    }
    return is_inside;
}

/* ---- signs -------------------------------------------------------------- */

/* Heights where the number of edges to the left of one changes. */
typedef struct {
    int n;
    double *y;  // [2 a ring's points]
} turns;

/* Add the heights between which `other` is to the left of `own`, from top to
 * bottom. */
static void add_turns(turns *t, const side *own, const side *other,
                      bool other_first, double top, double bottom)
{
    double p = fmax(top, other->y0);
    double q = fmin(bottom, other->y1);
    if (!(p < q))
        return;
    double dp = x_at(own, p) - x_at(other, p);
    double dq = x_at(own, q) - x_at(other, q);
    if ((dp < 0.0 && dq > 0.0) || (dp > 0.0 && dq < 0.0)) {
        double cross = fmin(fmax(p + (q - p) * (dp / (dp - dq)), p), q);
        if (dp > 0.0)
            q = cross;
        else
            p = cross;
    } else if (dp < 0.0 || dq < 0.0 || (dp == 0.0 && dq == 0.0 && !other_first)) {
        return;
    }
    t->y[t->n++] = p;
    t->y[t->n++] = q;
}

static int compare_heights(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- sums --------------------------------------------------------------- */

/* Mean of min(max(x, 0), hi) for x from u to v. */
static double clamped_mean(double u, double v, double hi)
{
    double lo = fmin(u, v);
    double up = fmax(u, v);
    if (up <= 0.0)
        return 0.0;
    if (lo >= hi)
        return hi;
    if (lo >= 0.0 && up <= hi)
        return (lo + up) / 2.0;
    double from = fmax(lo, 0.0);
    double to = fmin(up, hi);
    return ((to - from) * (from + to) / 2.0 + fmax(up - hi, 0.0) * hi)
           / (up - lo);
}

/* The part of a side between two heights, to the right of the window's left. */
static double strip(const side *s, double from, double to, const qvl_bounds *w)
{
    return (to - from)
           * clamped_mean(x_at(s, from) - w->x0, x_at(s, to) - w->x0,
                          w->x1 - w->x0);
}

/* What side i adds to the area. */
static double share_of(turns *t, const double *point, int n, int i,
                       const qvl_bounds *w)
{
    side own = side_of(point, n, i);
    double top = fmax(own.y0, w->y0);
    double bottom = fmin(own.y1, w->y1);
    if (!(top < bottom))
        return 0.0;
    t->n = 0;
    for (int k = 0; k < n; k++) {
        side other = side_of(point, n, k);
        if (k != i)
            add_turns(t, &own, &other, k < i, top, bottom);
    }
    if (t->n > 0)
        qsort(t->y, (size_t)t->n, sizeof *t->y, compare_heights);
    double sum = 0.0;
    double sign = -1.0;
    double from = top;
    for (int k = 0; k < t->n; k++) {
        sum += sign * strip(&own, from, t->y[k], w);
        sign = -sign;
        from = t->y[k];
    }
    return sum + sign * strip(&own, from, bottom, w);
}

double qvl_even_odd_area(const double *point, int n, const qvl_bounds *window,
                         qvl_arena *arena)
{
    assert(window->x0 <= window->x1 && window->y0 <= window->y1);
    turns t = { .y = qvl_arena_array(arena, double, 2 * (size_t)n) };
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += share_of(&t, point, n, i, window);
    return fmax(sum, 0.0);
}
