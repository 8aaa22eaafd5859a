/* mask.c - runs of pixels, row by row
 *
 * A pixel belongs to a shape when its centre does. Rows are sorted runs that do
 * not touch, so comparing two masks costs their runs, not their area.
 */
#include "data/mask.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- masks out of pieces ------------------------------------------------ */

/* Pixels of a row, before pieces are put in order and joined. */
typedef struct {
    int y, x0, x1;
} piece;

typedef struct {
    qvl_arena *arena;
    piece *p;  // [n]
    size_t n, cap;
} pieces;

static void add_piece(pieces *s, int y, int x0, int x1)
{
    if (s->n == s->cap) {
        s->cap = s->cap == 0 ? 256 : 2 * s->cap;
        piece *larger = qvl_arena_array(s->arena, piece, s->cap);
        if (s->n > 0)
            memcpy(larger, s->p, s->n * sizeof *larger);
        s->p = larger;
    }
    s->p[s->n++] = (piece){ y, x0, x1 };
}

static int compare_pieces(const void *pa, const void *pb)
{
    const piece *a = pa;
    const piece *b = pb;
    if (a->y != b->y)
        return a->y < b->y ? -1 : 1;
    return a->x0 < b->x0 ? -1 : a->x0 > b->x0;
}

/* Pieces that are sorted to rows of spans; those that touch are joined. */
static void take_pieces(qvl_mask *m, const piece *p, size_t n,
                        qvl_arena *arena)
{
    *m = (qvl_mask){ 0 };
    int y0 = n > 0 ? p[0].y : 0;
    int n_rows = n > 0 ? p[n - 1].y - y0 + 1 : 0;
    int *first = qvl_arena_array(arena, int, n_rows + 1);
    qvl_mask_span *span = qvl_arena_array(arena, qvl_mask_span, n);
    int k = 0;
    size_t i = 0;
    for (int row = 0; row < n_rows; row++) {
        first[row] = k;
        for (; i < n && p[i].y == y0 + row; i++) {
            if (p[i].x0 >= p[i].x1)
                continue;
            bool is_joined = k > first[row] && p[i].x0 <= span[k - 1].x1;
            if (!is_joined)
                span[k++] = (qvl_mask_span){ p[i].x0, p[i].x1 };
            else if (p[i].x1 > span[k - 1].x1)
                span[k - 1].x1 = p[i].x1;
        }
        for (int s = first[row]; s < k; s++)
            m->area += span[s].x1 - span[s].x0;
    }
    first[n_rows] = k;
    m->y0 = y0;
    m->n_rows = n_rows;
    m->first = first;
    m->span = span;
}

/* First pixel whose centre is at or behind v, within the grid. */
static int first_pixel(double v)
{
    double i = ceil(v - 0.5);
    return i < 0 ? 0 : i > QVL_MASK_SIDE ? QVL_MASK_SIDE : (int)i;
}

/* ---- regions ------------------------------------------------------------ */

void qvl_mask_box(qvl_mask *m, const double *point, qvl_arena *arena)
{
    pieces s = { .arena = arena };
    int x0 = first_pixel(point[0]);
    int x1 = first_pixel(point[2]);
    for (int y = first_pixel(point[1]); y < first_pixel(point[3]); y++)
        add_piece(&s, y, x0, x1);
    take_pieces(m, s.p, s.n, arena);
}

/* First pixel of a row whose centre is at or behind the edge from a to b,
 * a above b. The division only gives a first guess. */
static int edge_pixel(const double *a, const double *b, double y)
{
    double dx = b[0] - a[0];
    double dy = b[1] - a[1];
    double rise = (y - a[1]) * dx;
    int i = first_pixel(a[0] + rise / dy);
    while (i > 0 && (i - 0.5 - a[0]) * dy >= rise)
        i--;
    while (i < QVL_MASK_SIDE && (i + 0.5 - a[0]) * dy < rise)
        i++;
    return i;
}

void qvl_mask_region(qvl_mask *m, const double *point, int n,
                     qvl_arena *arena)
{
    assert(n > 0);

    pieces s = { .arena = arena };
    for (int i = 0; i < n; i++) {
        const double *a = &point[2 * i];
        const double *b = &point[2 * ((i + 1) % n)];
        if (a[1] > b[1]) {
            const double *t = a;
            a = b;
            b = t;
        }
        int end = first_pixel(b[1]);
        for (int y = first_pixel(a[1]); y < end; y++)
            add_piece(&s, y, edge_pixel(a, b, y + 0.5), 0);
    }
    if (s.n > 0)
        qsort(s.p, s.n, sizeof *s.p, compare_pieces);
    /* Each row is crossed an even number of times: in, out, in, ... */
    assert(s.n % 2 == 0);
    for (size_t i = 0; i + 1 < s.n; i += 2)
        s.p[i / 2] = (piece){ s.p[i].y, s.p[i].x0, s.p[i + 1].x0 };
    take_pieces(m, s.p, s.n / 2, arena);
}

/* ---- strokes ------------------------------------------------------------ */

/* Is the centre of a pixel at most r away from the segment a b? */
static bool is_near(const double *a, const double *b, double r, int i, int j)
{
    double dx = b[0] - a[0];
    double dy = b[1] - a[1];
    double ax = i + 0.5 - a[0];
    double ay = j + 0.5 - a[1];
    double along = ax * dx + ay * dy;
    double len2 = dx * dx + dy * dy;
    if (along <= 0)
        return ax * ax + ay * ay <= r * r;
    if (along >= len2) {
        double bx = ax - dx;
        double by = ay - dy;
        return bx * bx + by * by <= r * r;
    }
    double cross = ax * dy - ay * dx;
    return cross * cross <= r * r * len2;
}

/* Make the interval lo..hi hold from..to as well. */
static void widen(double *lo, double *hi, double from, double to)
{
    if (from > to)
        return;
    *lo = from < *lo ? from : *lo;
    *hi = to > *hi ? to : *hi;
}

/* Part of a row of height y in a disc. */
static void widen_by_disc(double *lo, double *hi, const double *c, double r,
                          double y)
{
    double rest = r * r - (y - c[1]) * (y - c[1]);
    if (rest >= 0)
        widen(lo, hi, c[0] - sqrt(rest), c[0] + sqrt(rest));
}

/* Narrow from..to to the x with low <= x * slope <= high. */
static void narrow(double *from, double *to, double slope, double low,
                   double high)
{
    if (slope == 0)
        return;
    double p = low / slope;
    double q = high / slope;
    double least = p < q ? p : q;
    double most = p < q ? q : p;
    *from = least > *from ? least : *from;
    *to = most < *to ? most : *to;
}

/* Part of a row in the rectangle beside a segment: the ends of the row that
 * lie between its ends and at most r to its sides. */
static void widen_by_side(double *lo, double *hi, const double *a,
                          const double *b, double r, double y)
{
    double dx = b[0] - a[0];
    double dy = b[1] - a[1];
    double ay = y - a[1];
    double len2 = dx * dx + dy * dy;
    double reach = r * sqrt(len2);
    double from = -QVL_MASK_SIDE;
    double to = QVL_MASK_SIDE;
    if (len2 == 0 || (dx == 0 && (ay * dy < 0 || ay * dy > len2))
        || (dy == 0 && fabs(ay * dx) > reach))
        return;
    narrow(&from, &to, dx, -ay * dy, len2 - ay * dy);
    narrow(&from, &to, dy, ay * dx - reach, ay * dx + reach);
    widen(lo, hi, a[0] + from, a[0] + to);
}

/* Pixels of a row near a segment: one run, since what is near is convex. */
static void add_row(pieces *s, const double *a, const double *b, double r,
                    int y)
{
    double lo = 2 * QVL_MASK_SIDE;
    double hi = -lo;
    widen_by_disc(&lo, &hi, a, r, y + 0.5);
    widen_by_disc(&lo, &hi, b, r, y + 0.5);
    widen_by_side(&lo, &hi, a, b, r, y + 0.5);
    if (lo > hi)
        return;
    int x0 = first_pixel(lo);
    int x1 = first_pixel(hi);
    while (x0 > 0 && is_near(a, b, r, x0 - 1, y))
        x0--;
    while (x0 < x1 && !is_near(a, b, r, x0, y))
        x0++;
    while (x1 < QVL_MASK_SIDE && is_near(a, b, r, x1, y))
        x1++;
    while (x1 > x0 && !is_near(a, b, r, x1 - 1, y))
        x1--;
    add_piece(s, y, x0, x1);
}

void qvl_mask_stroke(qvl_mask *m, const double *point, int n, double radius,
                     qvl_arena *arena)
{
    assert(n > 0 && radius > 0);

    pieces s = { .arena = arena };
    for (int i = 0; i < n - (n > 1); i++) {
        const double *a = &point[2 * i];
        const double *b = n > 1 ? a + 2 : a;
        double top = (a[1] < b[1] ? a[1] : b[1]) - radius;
        double bottom = (a[1] < b[1] ? b[1] : a[1]) + radius;
        int end = first_pixel(bottom + 1);
        for (int y = first_pixel(top); y < end && y < QVL_MASK_SIDE; y++)
            add_row(&s, a, b, radius, y);
    }
    if (s.n > 0)
        qsort(s.p, s.n, sizeof *s.p, compare_pieces);
    take_pieces(m, s.p, s.n, arena);
}

/* ---- overlap ------------------------------------------------------------ */

/* Shared pixels of two rows of spans. */
static int64_t shared_in_row(const qvl_mask_span *a, int n_a,
                             const qvl_mask_span *b, int n_b)
{
    int64_t sum = 0;
    int i = 0;
    int k = 0;
    while (i < n_a && k < n_b) {
        int from = a[i].x0 > b[k].x0 ? a[i].x0 : b[k].x0;
        int to = a[i].x1 < b[k].x1 ? a[i].x1 : b[k].x1;
        if (from < to)
            sum += to - from;
        if (a[i].x1 < b[k].x1)
            i++;
        else
            k++;
    }
    return sum;
}

double qvl_mask_iou(const qvl_mask *a, const qvl_mask *b)
{
    int from = a->y0 > b->y0 ? a->y0 : b->y0;
    int end_a = a->y0 + a->n_rows;
    int end_b = b->y0 + b->n_rows;
    int to = end_a < end_b ? end_a : end_b;
    int64_t shared = 0;
    for (int y = from; y < to; y++) {
        const int *fa = &a->first[y - a->y0];
        const int *fb = &b->first[y - b->y0];
        shared += shared_in_row(&a->span[fa[0]], fa[1] - fa[0],
                                &b->span[fb[0]], fb[1] - fb[0]);
    }
    int64_t all = a->area + b->area - shared;
    return all > 0 ? (double)shared / (double)all : 0;
}
