/* clip_ring.c - rings cut by borders, ends joined along them
 *
 * One ring and one border: the walk along the outline leaves a list of what is
 * inside, with a point on the border wherever it comes in or goes out. From each
 * point the ring goes on to the next of the list, but from an exit to the entry
 * that it is joined with; the rings are the cycles of that map.
 *
 * Along the border the polygon lies between the first crossing and the second,
 * the third and the fourth, and so on. Exits and entries take turns there, so
 * joining neighbours joins an exit and an entry. Where an outline crosses itself
 * they may not take turns; then they are joined as brackets are, which encloses
 * the same.
 *
 * Points on the border count as outside, so what is inside is open: an outline
 * that touches the border from inside goes out and comes in at one and the same
 * point, and which of the two is first along the border follows from what is open
 * there.
 */
#include "data/clip_ring.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Inside is where sign * (p[axis] - at) > 0. */
typedef struct {
    int axis;
    double at;
    double sign;
} border;

/* Where the outline meets the border. */
typedef struct {
    double at;     // along the border
    int place;     // of its point in the walk
    bool is_exit;
} crossing;

/* What of one ring is inside, in order. */
typedef struct {
    int n;
    double *point;      // [n, 2]
    int *next;          // [n]  where a ring goes on; -1: it has been there
    int n_crossings;
    crossing *crossing; // [n_crossings]
} walk;

static double depth_of(const border *b, const double *p)
{
    return b->sign * (p[b->axis] - b->at);
}

/* ---- one ring, one border ----------------------------------------------- */

static void add_point(walk *w, const double *p)
{
    memcpy(w->point + 2 * w->n++, p, 2 * sizeof *p);
}

/* The coordinate along the border where a line from p to q meets it: the same
 * number for the way from q to p, that of an end for an end on the border, never
 * beyond both. */
static double meet(const border *b, const double *p, const double *q)
{
    int axis = b->axis;
    const double *lo = p[axis] < q[axis] ? p : q;
    const double *hi = p[axis] < q[axis] ? q : p;
    double from = lo[1 - axis];
    double to = hi[1 - axis];
    if (hi[axis] == b->at)
        return to;
    double t = (b->at - lo[axis]) / (hi[axis] - lo[axis]);
    return fmin(fmax(from + t * (to - from), fmin(from, to)), fmax(from, to));
}

static void add_crossing(walk *w, const border *b, const double *p,
                         const double *q)
{
    double at = meet(b, p, q);
    w->crossing[w->n_crossings++] = (crossing){
        .at = at, .place = w->n, .is_exit = depth_of(b, p) > 0.0
    };
    double point[2];
    point[b->axis] = b->at;
    point[1 - b->axis] = at;
    add_point(w, point);
}

static void walk_along(walk *w, const border *b, const double *point, int n)
{
    w->n = 0;
    w->n_crossings = 0;
    const double *last = point + 2 * (n - 1);
    for (const double *p = point; p < point + 2 * n; last = p, p += 2) {
        bool is_inside = depth_of(b, p) > 0.0;
        if (is_inside != (depth_of(b, last) > 0.0))
            add_crossing(w, b, last, p);
        if (is_inside)
            add_point(w, p);
    }
}

static int compare_crossings(const void *p, const void *q)
{
    const crossing *a = p;
    const crossing *b = q;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* If crossing i opens what is open already, and the next, at the same point, would
 * close it, they change places. */
static void order_touch(walk *w, int i, bool open_is_exit)
{
    crossing *c = w->crossing + i;
    if (i + 1 < w->n_crossings && c[0].at == c[1].at
        && c[0].is_exit == open_is_exit && c[1].is_exit != open_is_exit) {
        crossing t = c[0];
        c[0] = c[1];
        c[1] = t;
    }
}

/* Let exits go on to their entries. Open crossings wait at the front of the list,
 * where those before i are no longer needed. */
static void join(walk *w)
{
    crossing *c = w->crossing;
    for (int i = 0; i < w->n; i++)
        w->next[i] = (i + 1) % w->n;
    qsort(c, (size_t)w->n_crossings, sizeof *c, compare_crossings);
    int n_open = 0;
    for (int i = 0; i < w->n_crossings; i++) {
        if (n_open > 0)
            order_touch(w, i, c[n_open - 1].is_exit);
        if (n_open == 0 || c[n_open - 1].is_exit == c[i].is_exit) {
            c[n_open++] = c[i];
            continue;
        }
        const crossing *open = &c[--n_open];
        const crossing *out = open->is_exit ? open : &c[i];
        const crossing *in = open->is_exit ? &c[i] : open;
        w->next[out->place] = in->place;
    }
    assert(n_open == 0);
}

/* ---- lists of rings ----------------------------------------------------- */

static void end_ring(qvl_rings *r, int n_points)
{
    r->first[++r->n_rings] = n_points;
}

/* The cycles of a walk become rings, by the first of their points. */
static void put_cycles(qvl_rings *out, walk *w)
{
    int n = out->first[out->n_rings];
    for (int i = 0; i < w->n; i++) {
        if (w->next[i] < 0)
            continue;
        for (int at = i; w->next[at] >= 0;) {
            memcpy(out->point + 2 * n++, w->point + 2 * at,
                   2 * sizeof *w->point);
            int next = w->next[at];
            w->next[at] = -1;
            at = next;
        }
        end_ring(out, n);
    }
}

static void put_ring(qvl_rings *out, const double *point, int n)
{
    int first = out->first[out->n_rings];
    memcpy(out->point + 2 * first, point, (size_t)n * 2 * sizeof *point);
    end_ring(out, first + n);
}

/* Points of a ring by their side of a border. */
typedef struct {
    int n_inside, n_outside;  // the others are on it
    int n_crossings;
} sides;

static sides count_sides(const border *b, const double *point, int n)
{
    sides s = { 0 };
    bool was_inside = depth_of(b, point + 2 * (n - 1)) > 0.0;
    for (int i = 0; i < n; i++) {
        double depth = depth_of(b, point + 2 * i);
        s.n_inside += depth > 0.0;
        s.n_outside += depth < 0.0;
        s.n_crossings += (depth > 0.0) != was_inside;
        was_inside = depth > 0.0;
    }
    return s;
}

static int points_of(const qvl_rings *r, int i)
{
    return r->first[i + 1] - r->first[i];
}

static sides count_all(const border *b, const qvl_rings *r)
{
    sides all = { 0 };
    for (int i = 0; i < r->n_rings; i++) {
        sides s = count_sides(b, r->point + 2 * r->first[i], points_of(r, i));
        all.n_inside += s.n_inside;
        all.n_outside += s.n_outside;
        all.n_crossings += s.n_crossings;
    }
    return all;
}

static void cut_ring(qvl_rings *out, walk *w, const border *b,
                     const double *point, int n)
{
    sides s = count_sides(b, point, n);
    if (s.n_outside == 0) {
        put_ring(out, point, n);
    } else if (s.n_inside > 0) {
        walk_along(w, b, point, n);
        join(w);
        put_cycles(out, w);
    }
}

static void cut(qvl_rings *rings, const border *b, qvl_arena *arena)
{
    sides s = count_all(b, rings);
    if (s.n_outside == 0)
        return;
    size_t n = (size_t)rings->first[rings->n_rings] + (size_t)s.n_crossings;
    qvl_rings out = {
        .first = qvl_arena_array(arena, int,
                                 rings->n_rings + s.n_crossings / 2 + 1),
        .point = qvl_arena_array(arena, double, 2 * n),
    };
    walk w = {
        .point = qvl_arena_array(arena, double, 2 * n),
        .next = qvl_arena_array(arena, int, n),
        .crossing = qvl_arena_array(arena, crossing, s.n_crossings),
    };
    for (int i = 0; i < rings->n_rings; i++)
        cut_ring(&out, &w, b, rings->point + 2 * rings->first[i],
                 points_of(rings, i));
    *rings = out;
}

void qvl_clip_ring(qvl_rings *out, const double *point, int n,
                   const qvl_bounds *window, qvl_arena *arena)
{
    assert(n > 0 && window->x0 <= window->x1 && window->y0 <= window->y1);
    const border borders[] = {
        { 0, window->x0, 1.0 },
        { 0, window->x1, -1.0 },
        { 1, window->y0, 1.0 },
        { 1, window->y1, -1.0 },
    };
    qvl_rings rings = {
        .first = qvl_arena_array(arena, int, 2),
        .point = qvl_arena_array(arena, double, 2 * (size_t)n),
    };
    put_ring(&rings, point, n);
    for (size_t i = 0; i < QVL_COUNT(borders); i++)
        cut(&rings, &borders[i], arena);
    *out = rings;
}

/* ---- cleaning ----------------------------------------------------------- */

/* Squared distance of points that are one, in px^2. */
#define SAME_EPS 1e-9

/* Twice the area of three points that lie on a line, in px^2. */
#define LINE_EPS 1e-6

static bool are_same(const double *a, const double *b)
{
    double dx = b[0] - a[0];
    double dy = b[1] - a[1];
    return dx * dx + dy * dy <= SAME_EPS;
}

static bool are_on_line(const double *a, const double *b, const double *c)
{
    double cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    return fabs(cross) <= LINE_EPS;
}

/* Points left of `n` kept ones when p comes behind them, without p. */
static int make_room(const double *point, int n, const double *p)
{
    while (n >= 2 && are_on_line(point + 2 * (n - 2), point + 2 * (n - 1), p))
        n--;
    return n;
}

int qvl_clip_ring_clean(double *point, int n)
{
    int end = 0;
    for (int i = 0; i < n; i++) {
        const double *p = point + 2 * i;
        if (end > 0 && are_same(point + 2 * (end - 1), p))
            continue;
        end = make_room(point, end, p);
        if (end == 0 || !are_same(point + 2 * (end - 1), p))
            memmove(point + 2 * end++, p, 2 * sizeof *p);
    }
    int first = 0;
    while (end - first >= 3) {
        const double *a = point + 2 * first;
        const double *z = point + 2 * (end - 1);
        if (are_same(z, a) || are_on_line(z - 2, z, a))
            end--;
        else if (are_on_line(z, a, a + 2))
            first++;
        else
            break;
    }
    if (end - first < 3)
        return 0;
    memmove(point, point + 2 * first, (size_t)(end - first) * 2 * sizeof *point);
    return end - first;
}
