/* transform.c - mapped, clipped, finished */
#include "data/transform.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "data/clip.h"
#include "data/hull.h"

/* What is visible: px^2, share of the whole, px. */
#define LEAST_AREA 1.0
#define LEAST_SHARE 0.01
#define LEAST_LENGTH 2.0

const char *qvl_fate_name(qvl_fate fate)
{
    static const char *const name[QVL_N_FATES] = {
        [QVL_FATE_KEPT] = "kept",
        [QVL_FATE_CLIPPED] = "clipped",
        [QVL_FATE_CLAMPED] = "clamped",
        [QVL_FATE_DROPPED] = "dropped",
    };
    return name[fate];
}

/* A geometry while it is made: room for `max` points in the arena. */
typedef struct {
    qvl_geom_kind kind;
    int n;
    double *point;  // [max, 2]
} shape;

static shape new_shape(qvl_geom_kind kind, int n, int max, qvl_arena *arena)
{
    return (shape){ kind, n, qvl_arena_array(arena, double, 2 * (size_t)max) };
}

static shape copy_of(const qvl_geom *g, int max, qvl_arena *arena)
{
    shape s = new_shape(g->kind, g->n, max, arena);
    memcpy(s.point, g->point, (size_t)g->n * 2 * sizeof *s.point);
    return s;
}

static qvl_geom geom_of(const shape *s)
{
    return (qvl_geom){ s->kind, s->n, s->point };
}

static void clamp_points(const shape *s, const qvl_bounds *b)
{
    for (int i = 0; i < s->n; i++) {
        double *p = s->point + 2 * i;
        p[0] = fmin(fmax(p[0], b->x0), b->x1);
        p[1] = fmin(fmax(p[1], b->y0), b->y1);
    }
}

static void check_options(const qvl_transform_options *o)
{
    assert(o->min_poly_points == 3 || o->min_poly_points == 4);
    (void)o;
}

/* ---- through a window --------------------------------------------------- */

static bool is_visible(const qvl_clip_result *r, qvl_geom_kind kind)
{
    if (r->kept == NULL)
        return false;
    if (kind == QVL_GEOM_LINE)
        return r->kept->size >= LEAST_LENGTH;
    return r->kept->size >= LEAST_AREA
           && r->kept->size >= LEAST_SHARE * r->size;
}

static qvl_geom min_area_rect(const qvl_geom *g, qvl_arena *arena)
{
    shape s = new_shape(QVL_GEOM_POLY, 4, 4, arena);
    qvl_hull_min_area_rect(s.point, g->point, g->n, arena);
    return geom_of(&s);
}

/* Nothing visible is left of g. */
static void lose(qvl_transformed *out, const qvl_geom *g,
                 const qvl_bounds *window, qvl_degenerate degenerate,
                 qvl_arena *arena)
{
    out->fate = QVL_FATE_DROPPED;
    out->geom = (qvl_geom){ .kind = g->kind };
    if (degenerate == QVL_DEGENERATE_CLAMP) {
        shape s = copy_of(g, g->n, arena);
        clamp_points(&s, window);
        out->fate = QVL_FATE_CLAMPED;
        out->geom = geom_of(&s);
    }
}

static void clip_to(qvl_transformed *out, const qvl_geom *g,
                    const qvl_bounds *window, const qvl_transform_options *o,
                    qvl_arena *arena)
{
    qvl_clip_result r;
    qvl_clip(&r, g, window, arena);
    out->coverage = r.coverage;
    if (!r.is_whole && !is_visible(&r, g->kind)) {
        lose(out, g, window, o->degenerate, arena);
        return;
    }
    out->fate = r.is_whole ? QVL_FATE_KEPT : QVL_FATE_CLIPPED;
    out->geom = r.kept->geom;
    if (!r.is_whole && g->kind == QVL_GEOM_POLY && out->geom.n != 4
        && o->clip_poly == QVL_CLIP_POLY_MIN_AREA_RECT)
        out->geom = min_area_rect(&out->geom, arena);
}

/* ---- onto a canvas ------------------------------------------------------ */

/* Corners of a box in the order of a polygon, mapped. */
static shape map_corners(const double *box, const qvl_affine *m,
                         qvl_arena *arena)
{
    const double corner[] = { box[0], box[1], box[2], box[1],
                              box[2], box[3], box[0], box[3] };
    shape s = new_shape(QVL_GEOM_POLY, 4, 4, arena);
    qvl_affine_apply(m, s.point, corner, 4);
    return s;
}

static shape map(const qvl_geom *g, const qvl_affine *m, qvl_arena *arena)
{
    if (g->kind != QVL_GEOM_BOX) {
        shape s = new_shape(g->kind, g->n, g->n, arena);
        qvl_affine_apply(m, s.point, g->point, g->n);
        return s;
    }
    shape s = map_corners(g->point, m, arena);
    if (!qvl_affine_is_axis_aligned(m))
        return s;
    qvl_bounds b = qvl_geom_bounds(s.point, s.n);
    const double box[] = { b.x0, b.y0, b.x1, b.y1 };
    return copy_of(&(qvl_geom){ QVL_GEOM_BOX, 2, box }, 2, arena);
}

static int check_range(const shape *s, qvl_err *err)
{
    for (int i = 0; i < 2 * s->n; i++)
        if (!(fabs(s->point[i]) <= QVL_CLIP_MAX_PX))
            return qvl_fail(err, QVL_E_RANGE,
                            "%s: point %d is mapped to (%g, %g), expected at "
                            "most %g px from 0",
                            qvl_geom_name(s->kind), i / 2,
                            s->point[i / 2 * 2], s->point[i / 2 * 2 + 1],
                            QVL_CLIP_MAX_PX);
    return QVL_OK;
}

int qvl_transform_place(qvl_transformed *out, const qvl_geom *geom,
                        const qvl_placement *to,
                        const qvl_transform_options *options, qvl_arena *arena,
                        qvl_err *err)
{
    assert(to->w > 0 && to->h > 0);
    assert(geom->n >= qvl_geom_min_points(geom->kind));
    check_options(options);

    const double margin = QVL_TRANSFORM_MARGIN_PX;
    qvl_bounds canvas = { 0.0, 0.0, to->w, to->h };
    qvl_bounds grown = { -margin, -margin, to->w + margin, to->h + margin };
    shape s = map(geom, &to->m, arena);
    QVL_TRY(check_range(&s, err));
    qvl_geom mapped = geom_of(&s);
    qvl_bounds all = qvl_geom_bounds(s.point, s.n);
    if (qvl_bounds_has(&grown, &all))
        *out = (qvl_transformed){ QVL_FATE_KEPT, mapped, 1.0 };
    else
        clip_to(out, &mapped, &canvas, options, arena);
    return QVL_OK;
}

void qvl_transform_crop(qvl_transformed *out, const qvl_geom *geom,
                        const qvl_bounds *window,
                        const qvl_transform_options *options,
                        qvl_arena *arena)
{
    check_options(options);
    clip_to(out, geom, window, options, arena);
    if (out->fate == QVL_FATE_DROPPED)
        return;
    shape s = copy_of(&out->geom, out->geom.n, arena);
    for (int i = 0; i < s.n; i++) {
        s.point[2 * i] -= window->x0;
        s.point[2 * i + 1] -= window->y0;
    }
    out->geom = geom_of(&s);
}

/* ---- to whole pixels ---------------------------------------------------- */

static bool are_same(const double *a, const double *b)
{
    return a[0] == b[0] && a[1] == b[1];
}

/* Half to even; a zero is never negative. */
static void round_points(const shape *s, const qvl_bounds *canvas)
{
    for (int i = 0; i < 2 * s->n; i++)
        s->point[i] = rint(s->point[i]);
    clamp_points(s, canvas);
    for (int i = 0; i < 2 * s->n; i++)
        s->point[i] += 0.0;
}

static void drop_repeats(shape *s)
{
    int n = 1;
    for (int i = 1; i < s->n; i++)
        if (!are_same(s->point + 2 * i, s->point + 2 * (n - 1)))
            memmove(s->point + 2 * n++, s->point + 2 * i,
                    2 * sizeof *s->point);
    while (s->kind == QVL_GEOM_POLY && n > 1
           && are_same(s->point, s->point + 2 * (n - 1)))
        n--;
    s->n = n;
}

/* Is a point there twice? For the four of a triangle and its middle. */
static bool has_twins(const shape *s)
{
    for (int i = 1; i < s->n; i++)
        for (int k = 0; k < i; k++)
            if (are_same(s->point + 2 * i, s->point + 2 * k))
                return true;
    return false;
}

/* Give a triangle with room for it the fourth vertex that is asked for. False when
 * it has none of its own. */
static bool add_vertex(shape *s, const qvl_transform_options *o,
                       const qvl_bounds *canvas)
{
    if (s->kind != QVL_GEOM_POLY || s->n != 3 || o->min_poly_points == 3)
        return true;
    qvl_clip_add_midpoint(s->point, s->n++);
    round_points(s, canvas);
    return !has_twins(s);
}

/* Of rounded points, with room for one more: each once, enough of them. False when
 * nothing visible is left. */
static bool tidy(shape *s, const qvl_transform_options *o,
                 const qvl_bounds *canvas)
{
    drop_repeats(s);
    return s->n >= qvl_geom_min_points(s->kind)
           && !qvl_geom_is_flat(s->kind, s->point, s->n)
           && add_vertex(s, o, canvas);
}

void qvl_transform_finish(qvl_transformed *out, const qvl_geom *geom, int w,
                          int h, const qvl_transform_options *options,
                          qvl_arena *arena)
{
    assert(w > 0 && h > 0 && geom->n >= qvl_geom_min_points(geom->kind));
    check_options(options);

    qvl_bounds canvas = { 0.0, 0.0, w, h };
    qvl_transformed r = { .fate = QVL_FATE_KEPT, .coverage = 1.0 };
    shape s = copy_of(geom, geom->n + 1, arena);
    round_points(&s, &canvas);
    if (!tidy(&s, options, &canvas)) {
        r.fate = options->degenerate == QVL_DEGENERATE_DROP ? QVL_FATE_DROPPED
                                                            : QVL_FATE_CLAMPED;
        s = copy_of(geom, geom->n + 1, arena);
        round_points(&s, &canvas);
        add_vertex(&s, options, &canvas);
    }
    if (r.fate == QVL_FATE_DROPPED) {
        r.geom = (qvl_geom){ .kind = s.kind };
    } else {
        qvl_geom_canonical(s.kind, s.point, s.n, options->winding);
        r.geom = geom_of(&s);
    }
    *out = r;
}
