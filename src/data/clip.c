/* clip.c - boxes and lines cut, polygons measured, shares */
#include "data/clip.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "data/clip_ring.h"
#include "data/even_odd.h"

/* A polygon of less is what rounding makes of one without area, in px^2. */
#define NO_AREA 1e-6

/* ---- boxes of bounds ---------------------------------------------------- */

bool qvl_bounds_has(const qvl_bounds *window, const qvl_bounds *box)
{
    return window->x0 <= box->x0 && box->x1 <= window->x1
           && window->y0 <= box->y0 && box->y1 <= window->y1;
}

qvl_bounds qvl_bounds_intersect(const qvl_bounds *a, const qvl_bounds *b)
{
    qvl_bounds c = { fmax(a->x0, b->x0), fmax(a->y0, b->y0),
                     fmin(a->x1, b->x1), fmin(a->y1, b->y1) };
    c.x1 = fmax(c.x0, c.x1);
    c.y1 = fmax(c.y0, c.y1);
    return c;
}

double qvl_bounds_area(const qvl_bounds *b)
{
    return (b->x1 - b->x0) * (b->y1 - b->y0);
}

double qvl_bounds_iou(const qvl_bounds *a, const qvl_bounds *b)
{
    qvl_bounds both = qvl_bounds_intersect(a, b);
    double shared = qvl_bounds_area(&both);
    double either = qvl_bounds_area(a) + qvl_bounds_area(b) - shared;
    return either > 0.0 ? shared / either : 0.0;
}

/* ---- sizes -------------------------------------------------------------- */

/* What is cut, by what. */
typedef struct {
    const qvl_geom *geom;
    const qvl_bounds *window;
    bool by_even_odd;  // a polygon that crosses itself
    qvl_arena *arena;
} job;

double qvl_clip_length(const double *point, int n)
{
    double sum = 0.0;
    for (int i = 1; i < n; i++)
        sum += hypot(point[2 * i] - point[2 * i - 2],
                     point[2 * i + 1] - point[2 * i - 1]);
    return sum;
}

static bool crosses_itself(const qvl_geom *g)
{
    return g->kind == QVL_GEOM_POLY && g->n <= QVL_CLIP_EVEN_ODD_POINTS
           && qvl_geom_is_crossing(g->point, g->n);
}

/* Of the polygon, or of a ring that was cut out of it. */
static double area_of(const job *j, const double *point, int n)
{
    if (!j->by_even_odd || n > QVL_CLIP_EVEN_ODD_POINTS)
        return fabs(qvl_geom_area(point, n));
    qvl_bounds all = qvl_geom_bounds(point, n);
    return qvl_even_odd_area(point, n, &all, j->arena);
}

static double size_of(const job *j)
{
    const qvl_geom *g = j->geom;
    if (g->kind == QVL_GEOM_LINE)
        return qvl_clip_length(g->point, g->n);
    if (g->kind == QVL_GEOM_POLY)
        return area_of(j, g->point, g->n);
    qvl_bounds b = qvl_geom_bounds(g->point, g->n);
    return qvl_bounds_area(&b);
}

/* ---- pieces ------------------------------------------------------------- */

/* One piece, of a copy of the points. */
static void put_one(qvl_clip_result *r, const qvl_geom *geom, double size,
                    qvl_arena *arena)
{
    qvl_clip_piece *piece = qvl_arena_array(arena, qvl_clip_piece, 1);
    double *point = qvl_arena_array(arena, double, 2 * (size_t)geom->n);
    memcpy(point, geom->point, (size_t)geom->n * 2 * sizeof *point);
    *piece = (qvl_clip_piece){ { geom->kind, geom->n, point }, size };
    r->piece = piece;
    r->n_pieces = 1;
    r->inside = size;
}

static void clip_box(qvl_clip_result *r, const job *j)
{
    qvl_bounds box = qvl_geom_bounds(j->geom->point, j->geom->n);
    qvl_bounds both = qvl_bounds_intersect(&box, j->window);
    double size = qvl_bounds_area(&both);
    const double point[] = { both.x0, both.y0, both.x1, both.y1 };
    const qvl_geom geom = { QVL_GEOM_BOX, 2, point };
    if (size > 0.0)
        put_one(r, &geom, size, j->arena);
}

static void clip_poly(qvl_clip_result *r, const job *j)
{
    const qvl_geom *g = j->geom;
    qvl_rings rings;
    qvl_clip_ring(&rings, g->point, g->n, j->window, j->arena);
    qvl_clip_piece *piece = qvl_arena_array(j->arena, qvl_clip_piece,
                                            rings.n_rings);
    for (int i = 0; i < rings.n_rings; i++) {
        double *point = rings.point + 2 * rings.first[i];
        int n = rings.first[i + 1] - rings.first[i];
        double size = area_of(j, point, n);
        r->inside += size;
        n = qvl_clip_ring_clean(point, n);
        if (n > 0 && size > 0.0)
            piece[r->n_pieces++] = (qvl_clip_piece){
                { QVL_GEOM_POLY, n, point }, size
            };
    }
    r->piece = piece;
    if (j->by_even_odd)
        r->inside = qvl_even_odd_area(g->point, g->n, j->window, j->arena);
}

/* ---- lines -------------------------------------------------------------- */

/* A place on the way from a to b. */
typedef struct {
    double t;   // 0 at a, 1 at b; between them it is where
    int axis;   // this coordinate
    double at;  // is this, that of a border
} stop;

static void put_stop(double *out, const stop *s, const double *a,
                     const double *b, const qvl_bounds *w)
{
    bool is_between = s->t > 0.0 && s->t < 1.0;
    for (int k = 0; k < 2; k++)
        out[k] = is_between ? a[k] + s->t * (b[k] - a[k])
                            : s->t <= 0.0 ? a[k] : b[k];
    if (is_between)
        out[s->axis] = s->at;
    out[0] = fmin(fmax(out[0], w->x0), w->x1);
    out[1] = fmin(fmax(out[1], w->y0), w->y1);
}

/* Narrow the way from `in` to `out` down to what lies in [lo, hi] of one axis; false
 * when nothing is left. */
static bool narrow(stop *in, stop *out, int axis, double a, double b, double lo,
                   double hi)
{
    double d = b - a;
    if (d == 0.0)
        return lo <= a && a <= hi;
    double near = d > 0.0 ? lo : hi;
    double far = d > 0.0 ? hi : lo;
    double t_in = (near - a) / d;
    double t_out = (far - a) / d;
    if (t_in > in->t)
        *in = (stop){ t_in, axis, near };
    if (t_out < out->t)
        *out = (stop){ t_out, axis, far };
    return in->t <= out->t;
}

/* Pieces of a line while they are made; the last may still grow. */
typedef struct {
    qvl_clip_piece *piece;  // [segments]
    double *point;          // [2 segments, 2], all pieces one behind the other
    int n_pieces, n_points;
    int first;              // point of the piece that grows; n_points: none does
} line_pieces;

/* Put a point behind the others of the piece, unless it is the last again. */
static void grow(line_pieces *l, const double *p)
{
    double *end = l->point + 2 * l->n_points;
    if (l->n_points > l->first && p[0] == end[-2] && p[1] == end[-1])
        return;
    memcpy(end, p, 2 * sizeof *p);
    l->n_points++;
}

/* What grows is done; a single point is no piece. */
static void end_piece(line_pieces *l)
{
    int n = l->n_points - l->first;
    const double *point = l->point + 2 * l->first;
    if (n >= 2)
        l->piece[l->n_pieces++] = (qvl_clip_piece){
            { QVL_GEOM_LINE, n, point }, qvl_clip_length(point, n)
        };
    l->first = l->n_points;
}

static void add_segment(line_pieces *l, const double *a, const double *b,
                        const qvl_bounds *w)
{
    stop in = { .t = 0.0 };
    stop out = { .t = 1.0 };
    double from[2], to[2];
    if (!narrow(&in, &out, 0, a[0], b[0], w->x0, w->x1)
        || !narrow(&in, &out, 1, a[1], b[1], w->y0, w->y1)) {
        end_piece(l);
        return;
    }
    put_stop(from, &in, a, b, w);
    put_stop(to, &out, a, b, w);
    if (in.t > 0.0)
        end_piece(l);
    grow(l, from);
    grow(l, to);
    if (out.t < 1.0)
        end_piece(l);
}

static void clip_line(qvl_clip_result *r, const job *j)
{
    const qvl_geom *g = j->geom;
    size_t n_segments = (size_t)g->n - 1;
    line_pieces l = {
        .piece = qvl_arena_array(j->arena, qvl_clip_piece, n_segments),
        .point = qvl_arena_array(j->arena, double, 4 * n_segments),
    };
    for (int i = 1; i < g->n; i++)
        add_segment(&l, g->point + 2 * (i - 1), g->point + 2 * i, j->window);
    end_piece(&l);
    r->piece = l.piece;
    r->n_pieces = l.n_pieces;
    for (int i = 0; i < l.n_pieces; i++)
        r->inside += l.piece[i].size;
}

/* ---- geometries --------------------------------------------------------- */

static const qvl_clip_piece *largest(const qvl_clip_result *r)
{
    const qvl_clip_piece *best = NULL;
    for (int i = 0; i < r->n_pieces; i++)
        if (best == NULL || r->piece[i].size > best->size)
            best = &r->piece[i];
    return best;
}

static double share(const qvl_clip_result *r, qvl_geom_kind kind)
{
    double least = kind == QVL_GEOM_POLY ? NO_AREA : 0.0;
    return r->size > least ? fmin(r->inside / r->size, 1.0) : 0.0;
}

void qvl_clip(qvl_clip_result *out, const qvl_geom *geom,
              const qvl_bounds *window, qvl_arena *arena)
{
    static void (*const clip_kind[QVL_N_GEOM])(qvl_clip_result *,
                                               const job *) = {
        [QVL_GEOM_BOX] = clip_box,
        [QVL_GEOM_POLY] = clip_poly,
        [QVL_GEOM_LINE] = clip_line,
    };
    assert(geom->n >= qvl_geom_min_points(geom->kind));
    assert(window->x0 <= window->x1 && window->y0 <= window->y1);
    job j = { geom, window, crosses_itself(geom), arena };
    qvl_bounds all = qvl_geom_bounds(geom->point, geom->n);
    qvl_clip_result r = { .size = size_of(&j) };
    r.is_whole = qvl_bounds_has(window, &all);
    if (r.is_whole)
        put_one(&r, geom, r.size, arena);
    else
        clip_kind[geom->kind](&r, &j);
    r.kept = largest(&r);
    r.coverage = r.is_whole ? 1.0 : share(&r, geom->kind);
    *out = r;
}

double qvl_clip_coverage(const qvl_geom *geom, const qvl_bounds *window,
                         qvl_arena *arena)
{
    qvl_clip_result r;
    qvl_clip(&r, geom, window, arena);
    return r.coverage;
}

void qvl_clip_add_midpoint(double *point, int n)
{
    int best = 0;
    double longest = -1.0;
    for (int i = 0; i < n; i++) {
        const double *a = point + 2 * i;
        const double *b = point + 2 * ((i + 1) % n);
        double length = hypot(b[0] - a[0], b[1] - a[1]);
        if (length > longest) {
            longest = length;
            best = i;
        }
    }
    const double *a = point + 2 * best;
    const double *b = point + 2 * ((best + 1) % n);
    double middle[2] = { (a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0 };
    double *at = point + 2 * (best + 1);
    memmove(at + 2, at, (size_t)(n - best - 1) * 2 * sizeof *point);
    memcpy(at, middle, sizeof middle);
}
