/* import_object.c - boxes, crowds, rings
 *
 * Whether an annotation is kept is decided by its box alone, so that boxes and polygons
 * of one file show the same objects.
 */
#include "data/import_object.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- faults ------------------------------------------------------------- */

/* Fail at the value n of a key, NULL where there is none. */
static int fail_key(const qvl_import_reading *r, const qvl_import_fields *f,
                    const qvl_node *n, const char *key, const char *wanted)
{
    bool is_list = n != NULL && n->kind == QVL_NODE_LIST;
    return qvl_node_fail(n != NULL ? n : &f->at, r->err, QVL_E_DATA,
                         "annotations[%zu].%s: found %s, expected %s", r->place,
                         key, is_list ? "another list"
                              : n != NULL ? qvl_node_kind_name(n->kind)
                                          : "nothing", wanted);
}

/* ---- boxes -------------------------------------------------------------- */

/* A sum of decimals as the decimal it stands for. */
static double to_millionth(double v)
{
    return fabs(v) < 1e9 ? rint(v * 1e6) / 1e6 : v;
}

/* Corners of the box as annotated: x0, y0, x1, y1. */
static int read_box(const qvl_import_reading *r, const qvl_import_fields *f,
                    double box[4])
{
    const qvl_node *n = f->bbox;
    bool is_right = n != NULL && n->kind == QVL_NODE_LIST && n->n == 4;
    for (size_t i = 0; is_right && i < 4; i++)
        is_right = qvl_node_as_float(&n->items[i], &box[i]);
    if (!is_right || !(box[2] >= 0.0) || !(box[3] >= 0.0))
        return fail_key(r, f, n, "bbox",
                        "four numbers x, y, w, h, w and h not below 0");
    box[2] = to_millionth(box[0] + box[2]);
    box[3] = to_millionth(box[1] + box[3]);
    return QVL_OK;
}

/* Clip; false, and counted, when no box is left or it is too small. */
static bool fit_box(const qvl_import_reading *r, double box[4])
{
    bool has_area = box[0] < box[2] && box[1] < box[3];
    bool is_outside = box[0] >= r->w || box[1] >= r->h || box[2] <= 0.0
                      || box[3] <= 0.0;
    if (has_area && is_outside) {
        r->counts->n_outside++;
        return false;
    }
    box[0] = fmax(box[0], 0.0);
    box[1] = fmax(box[1], 0.0);
    box[2] = fmin(box[2], r->w);
    box[3] = fmin(box[3], r->h);
    double least = fmin(box[2] - box[0], box[3] - box[1]);
    if (least > 0.0 && least >= r->options->min_size_px)
        return true;
    r->counts->n_small++;
    return false;
}

static void set_box(qvl_object *out, const double box[4], qvl_arena *arena)
{
    double *point = qvl_arena_array(arena, double, 4);
    memcpy(point, box, 4 * sizeof *point);
    *out = (qvl_object){ .kind = QVL_GEOM_BOX, .n = 2, .point = point };
}

/* ---- crowds ------------------------------------------------------------- */

static int read_crowd(const qvl_import_reading *r, const qvl_import_fields *f,
                      bool *is_crowd)
{
    const qvl_node *n = f->iscrowd;
    int64_t v = 0;
    *is_crowd = false;
    if (n == NULL || qvl_node_as_bool(n, is_crowd))
        return QVL_OK;
    if (!qvl_node_as_int(n, &v) || v < 0 || v > 1)
        return fail_key(r, f, n, "iscrowd", "0 or 1");
    *is_crowd = v == 1;
    return QVL_OK;
}

/* ---- rings -------------------------------------------------------------- */

static int fail_ring(const qvl_import_reading *r, const qvl_node *ring,
                     const char *found)
{
    return qvl_node_fail(ring, r->err, QVL_E_DATA, "annotations[%zu]."
                         "segmentation: found %s, expected rings: lists of "
                         "numbers x, y, ...", r->place, found);
}

/* Points of a ring without those that repeat the one before. */
static int read_ring(const qvl_import_reading *r, const qvl_node *ring,
                     double *point, int *n)
{
    *n = 0;
    for (size_t i = 0; i < ring->n; i += 2) {
        double *to = point + 2 * *n;
        if (!qvl_node_as_float(&ring->items[i], &to[0])
            || !qvl_node_as_float(&ring->items[i + 1], &to[1]))
            return fail_ring(r, &ring->items[i], "something else in a ring");
        bool is_same = *n > 0 && to[0] == to[-2] && to[1] == to[-1];
        *n += !is_same;
    }
    while (*n > 1 && point[0] == point[2 * *n - 2]
           && point[1] == point[2 * *n - 1])
        --*n;
    return QVL_OK;
}

/* The ring with the largest area; *best is NULL when none has any. */
static int read_rings(const qvl_import_reading *r, const qvl_node *rings,
                      const double **best, int *n_best)
{
    double most = 0.0;
    *best = NULL;
    for (size_t i = 0; i < rings->n; i++) {
        const qvl_node *ring = &rings->items[i];
        int n;
        if (ring->kind != QVL_NODE_LIST)
            return fail_ring(r, ring, qvl_node_kind_name(ring->kind));
        if (ring->n % 2 != 0 || ring->n > INT_MAX / 2)
            return fail_ring(r, ring, "an odd count");
        double *point = qvl_arena_array(r->arena, double, ring->n + 2);
        QVL_TRY(read_ring(r, ring, point, &n));
        double area = n >= 3 ? fabs(qvl_geom_area(point, n)) : 0.0;
        if (area > most) {
            most = area;
            *best = point;
            *n_best = n;
        }
    }
    return QVL_OK;
}

/* ---- clipping ----------------------------------------------------------- */

/* One side of the picture: what is kept has sign * (p[axis] - at) >= 0. */
typedef struct {
    int axis;
    double at, sign;
} border;

static double depth_of(const double *p, const border *b)
{
    return b->sign * (p[b->axis] - b->at);
}

static void put_point(double *out, int *n, double x, double y)
{
    if (*n > 0 && out[2 * *n - 2] == x && out[2 * *n - 1] == y)
        return;
    out[2 * *n] = x;
    out[2 * *n + 1] = y;
    ++*n;
}

/* Where the edge from p to q meets the border. */
static void put_crossing(double *out, int *n, const double *p, const double *q,
                         const border *b)
{
    int along = 1 - b->axis;
    double share = (b->at - p[b->axis]) / (q[b->axis] - p[b->axis]);
    double v[2];
    v[b->axis] = b->at;
    v[along] = to_millionth(p[along] + share * (q[along] - p[along]));
    put_point(out, n, v[0], v[1]);
}

/* Clip at one border; out has room for 2 n points. */
static int clip_side(double *out, const double *ring, int n, const border *b)
{
    int n_out = 0;
    for (int i = 0; i < n; i++) {
        const double *p = ring + 2 * i;
        const double *q = ring + 2 * ((i + 1) % n);
        bool p_in = depth_of(p, b) >= 0.0;
        bool q_in = depth_of(q, b) >= 0.0;
        if (p_in)
            put_point(out, &n_out, p[0], p[1]);
        if (p_in != q_in)
            put_crossing(out, &n_out, p, q, b);
    }
    while (n_out > 1 && out[0] == out[2 * n_out - 2]
           && out[1] == out[2 * n_out - 1])
        n_out--;
    return n_out;
}

const double *qvl_import_clip(const double *ring, int *n, int w, int h,
                              qvl_arena *arena)
{
    const border side[] = { { 0, 0.0, 1.0 }, { 0, w, -1.0 },
                            { 1, 0.0, 1.0 }, { 1, h, -1.0 } };
    for (size_t i = 0; i < QVL_COUNT(side) && *n > 0; i++) {
        double *out = qvl_arena_array(arena, double, 4 * (size_t)*n);
        *n = clip_side(out, ring, *n, &side[i]);
        ring = out;
    }
    return ring;
}

/* ---- polygons ----------------------------------------------------------- */

/* The bounds of what has too many points. */
static void set_bounds(const qvl_import_reading *r, qvl_object *out,
                       const double *point, int n)
{
    qvl_bounds b = qvl_geom_bounds(point, n);
    double box[4] = { b.x0, b.y0, b.x1, b.y1 };
    r->counts->n_many_points++;
    set_box(out, box, r->arena);
}

/* Take the largest ring instead of the box, if there is one. */
static int take_polygon(const qvl_import_reading *r,
                        const qvl_import_fields *f, qvl_object *out)
{
    const qvl_node *rings = f->segmentation;
    const double *point = NULL;
    int n = 0;
    int most = r->options->poly_max_points;
    if (rings != NULL && rings->kind == QVL_NODE_MAP) {
        r->counts->n_masks++;
        return QVL_OK;
    }
    if (rings != NULL && rings->kind != QVL_NODE_LIST
        && rings->kind != QVL_NODE_NULL)
        return fail_key(r, f, rings, "segmentation", "rings or a mask");
    if (rings != NULL)
        QVL_TRY(read_rings(r, rings, &point, &n));
    if (point != NULL)
        point = qvl_import_clip(point, &n, r->w, r->h, r->arena);
    if (n < 3 || qvl_geom_is_flat(QVL_GEOM_POLY, point, n))
        r->counts->n_ringless++;
    else if (most > 0 && n > most)
        set_bounds(r, out, point, n);
    else
        *out = (qvl_object){ .kind = QVL_GEOM_POLY, .n = n, .point = point };
    return QVL_OK;
}

int qvl_import_object(const qvl_import_reading *r, const qvl_import_fields *f,
                      qvl_object *out, bool *is_kept)
{
    double box[4];
    bool is_crowd;
    *is_kept = false;
    QVL_TRY(read_box(r, f, box));
    QVL_TRY(read_crowd(r, f, &is_crowd));
    if (is_crowd) {
        r->counts->n_crowd++;
        return QVL_OK;
    }
    if (!fit_box(r, box))
        return QVL_OK;
    *is_kept = true;
    set_box(out, box, r->arena);
    return r->options->has_polygons ? take_polygon(r, f, out) : QVL_OK;
}
