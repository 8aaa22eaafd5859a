/* shapes.c - polygons drawn at random, sets of cells and their outlines */
#include "shapes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int shapes_int(qvl_rng *r, int lo, int hi)
{
    return lo + (int)qvl_rng_below(r, (uint64_t)(hi - lo + 1));
}

double *shapes_points(int n, double lo, double hi, qvl_rng *r, qvl_arena *arena)
{
    double *point = qvl_arena_array(arena, double, 2 * n);
    for (int i = 0; i < 2 * n; i++)
        point[i] = qvl_rng_between(r, lo, hi);
    return point;
}

static double cross(const double *a, const double *b, const double *c)
{
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

static bool edges_cross(const double *a, const double *b, const double *c,
                        const double *d)
{
    return (cross(a, b, c) > 0.0) != (cross(a, b, d) > 0.0)
           && (cross(c, d, a) > 0.0) != (cross(c, d, b) > 0.0);
}

/* Turn the points from i to k around; true when edges before i and behind k
 * crossed. */
static bool uncross(double *point, int n, int i, int k)
{
    double *a = point + 2 * i;
    double *d = point + 2 * k;
    if (!edges_cross(a, a + 2, d, point + 2 * ((k + 1) % n)))
        return false;
    for (double *p = a + 2, *q = d; p < q; p += 2, q -= 2) {
        double t[2] = { p[0], p[1] };
        memcpy(p, q, sizeof t);
        memcpy(q, t, sizeof t);
    }
    return true;
}

double *shapes_simple(int n, double lo, double hi, qvl_rng *r, qvl_arena *arena)
{
    double *point = shapes_points(n, lo, hi, r, arena);
    bool is_changed = true;
    while (is_changed) {
        is_changed = false;
        for (int i = 0; i < n; i++)
            for (int k = i + 2; k < n; k++)
                if ((k + 1) % n != i && uncross(point, n, i, k))
                    is_changed = true;
    }
    return point;
}

/* ---- rows --------------------------------------------------------------- */

static int compare_up(const void *p, const void *q)
{
    double a = *(const double *)p;
    double b = *(const double *)q;
    return (a > b) - (a < b);
}

/* Where a ring crosses the row at height y, from left to right. */
static int meet_row(double *x, const double *point, int n, double y)
{
    int n_met = 0;
    for (int i = 0; i < n; i++) {
        const double *a = point + 2 * i;
        const double *b = point + 2 * ((i + 1) % n);
        if ((a[1] <= y) != (b[1] <= y))
            x[n_met++] = a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
    }
    if (n_met > 0)
        qsort(x, (size_t)n_met, sizeof *x, compare_up);
    return n_met;
}

double shapes_rows_area(const double *point, int n, const qvl_bounds *window,
                        qvl_arena *arena)
{
    double *x = qvl_arena_array(arena, double, n);
    double row = (window->y1 - window->y0) / SHAPES_ROWS;
    double sum = 0.0;
    for (int i = 0; i < SHAPES_ROWS; i++) {
        int n_met = meet_row(x, point, n, window->y0 + (i + 0.5) * row);
        for (int k = 0; k + 1 < n_met; k += 2)
            sum += fmax(0.0, fmin(x[k + 1], window->x1)
                                 - fmax(x[k], window->x0));
    }
    return sum * row;
}

/* ---- cells -------------------------------------------------------------- */

static bool is_full(const shapes_cells *c, int x, int y)
{
    return x >= 0 && y >= 0 && x < SHAPES_SIDE && y < SHAPES_SIDE
           && c->is_full[y][x];
}

/* May a cell be filled: around it full and empty cells take turns exactly once, and
 * one beside it is full? Then nothing touches at a corner and no hole is made. */
static bool may_grow(const shapes_cells *c, int x, int y)
{
    static const int around[8][2] = {
        { 0, -1 }, { 1, -1 }, { 1, 0 }, { 1, 1 },
        { 0, 1 }, { -1, 1 }, { -1, 0 }, { -1, -1 },
    };
    int n_changes = 0;
    bool has_side = false;
    for (int i = 0; i < 8; i++) {
        const int *d = around[i];
        const int *next = around[(i + 1) % 8];
        bool here = is_full(c, x + d[0], y + d[1]);
        n_changes += here != is_full(c, x + next[0], y + next[1]);
        has_side = has_side || (here && i % 2 == 0);
    }
    return has_side && n_changes == 2;
}

/* A corner cell alone beside a run of full ones would touch at its corner. */
static bool has_touch(const shapes_cells *c)
{
    for (int y = -1; y < SHAPES_SIDE; y++)
        for (int x = -1; x < SHAPES_SIDE; x++) {
            bool a = is_full(c, x, y), b = is_full(c, x + 1, y);
            bool d = is_full(c, x, y + 1), e = is_full(c, x + 1, y + 1);
            if (a == e && b == d && a != b)
                return true;
        }
    return false;
}

shapes_cells shapes_grow(int n_tries, qvl_rng *r)
{
    shapes_cells c = { 0 };
    c.is_full[SHAPES_SIDE / 2][SHAPES_SIDE / 2] = true;
    for (int i = 0; i < n_tries; i++) {
        int x = shapes_int(r, 0, SHAPES_SIDE - 1);
        int y = shapes_int(r, 0, SHAPES_SIDE - 1);
        if (c.is_full[y][x] || !may_grow(&c, x, y))
            continue;
        c.is_full[y][x] = true;
        if (has_touch(&c))
            c.is_full[y][x] = false;
    }
    return c;
}

/* With the full cells to the right of the way, where does it go on from (x, y)? */
static void go_on(const shapes_cells *c, int *x, int *y)
{
    bool nw = is_full(c, *x - 1, *y - 1), ne = is_full(c, *x, *y - 1);
    bool sw = is_full(c, *x - 1, *y), se = is_full(c, *x, *y);
    if (se && !ne)
        ++*x;
    else if (sw && !se)
        ++*y;
    else if (nw && !sw)
        --*x;
    else
        --*y;
}

int shapes_outline(double **point, const shapes_cells *cells, bool all_corners,
                   qvl_arena *arena)
{
    double *p = qvl_arena_array(arena, double,
                                8 * SHAPES_SIDE * SHAPES_SIDE);
    int start = 0;
    while (!cells->is_full[start / SHAPES_SIDE][start % SHAPES_SIDE])
        start++;
    int x0 = start % SHAPES_SIDE, y0 = start / SHAPES_SIDE;
    int x = x0, y = y0, last_x = x0, last_y = y0 + 1, n = 0;
    do {
        int next_x = x, next_y = y;
        go_on(cells, &next_x, &next_y);
        if (all_corners || next_x - x != x - last_x || next_y - y != y - last_y) {
            p[2 * n] = x;
            p[2 * n++ + 1] = y;
        }
        last_x = x;
        last_y = y;
        x = next_x;
        y = next_y;
    } while (x != x0 || y != y0);
    *point = p;
    return n;
}

/* What is inside of the window of a full cell; takes the cells of its part out. */
static double take_part(shapes_cells *c, int x, int y, const qvl_bounds *w)
{
    double wide = fmin(x + 1, w->x1) - fmax(x, w->x0);
    double high = fmin(y + 1, w->y1) - fmax(y, w->y0);
    if (!is_full(c, x, y) || wide <= 0.0 || high <= 0.0)
        return 0.0;
    c->is_full[y][x] = false;
    return wide * high + take_part(c, x - 1, y, w) + take_part(c, x + 1, y, w)
           + take_part(c, x, y - 1, w) + take_part(c, x, y + 1, w);
}

static int compare_areas(const void *p, const void *q)
{
    double a = *(const double *)p;
    double b = *(const double *)q;
    return (a < b) - (a > b);
}

int shapes_parts(double area[SHAPES_SIDE * SHAPES_SIDE],
                 const shapes_cells *cells, const qvl_bounds *window)
{
    shapes_cells left = *cells;
    int n = 0;
    for (int y = 0; y < SHAPES_SIDE; y++)
        for (int x = 0; x < SHAPES_SIDE; x++) {
            double part = take_part(&left, x, y, window);
            if (part > 0.0)
                area[n++] = part;
        }
    qsort(area, (size_t)n, sizeof *area, compare_areas);
    return n;
}
