/* scene.c - shapes placed without touching, painted pixel by pixel
 *
 * Shapes are drawn until there are as many as were rolled, or no more tries;
 * one that would touch another is drawn again. Painting tests the pixels of a
 * square against the same formula that gives the points of its record.
 */
#include "data/scene.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define GRID_PX 8       // places and sides are multiples of it
#define GAP_PX 2        // between shapes
#define MAX_TRIES 200   // to find a place for all shapes
#define LEAST_SIDE 0.3  // of the picture
#define MOST_SIDE 0.5
#define GROUND 32       // grey, give or take
#define GROUND_RANGE 6
#define N_EIGHTHS 8     // units of outlines across a shape

/* Is a point inside? u, v from -1 to 1 across the square. */
typedef bool is_inside_fn(double u, double v);

static bool in_circle(double u, double v)
{
    return u * u + v * v <= 1.0;
}

static bool in_square(double u, double v)
{
    (void)u;
    (void)v;
    return true;
}

/* Apex up. */
static bool in_triangle(double u, double v)
{
    return fabs(u) <= (v + 1.0) / 2.0;
}

typedef struct {
    const char *name;
    is_inside_fn *is_inside;             // boxes
    int n;                               // others: points,
    int at[2 * QVL_SCENE_MAX_POINTS];    // in eighths of the square
} shape;

static const shape shapes[QVL_N_GEOM][3] = {
    [QVL_GEOM_BOX] = {
        { "circle", in_circle, 0, { 0 } },
        { "square", in_square, 0, { 0 } },
        { "triangle", in_triangle, 0, { 0 } },
    },
    [QVL_GEOM_POLY] = {
        { "diamond", NULL, 4, { 4, 0, 8, 4, 4, 8, 0, 4 } },
        { "house", NULL, 5, { 4, 0, 8, 4, 8, 8, 0, 8, 0, 4 } },
        { "corner", NULL, 6, { 0, 0, 4, 0, 4, 4, 8, 4, 8, 8, 0, 8 } },
    },
    [QVL_GEOM_LINE] = {
        { "slash", NULL, 2, { 0, 8, 8, 0 } },
        { "bend", NULL, 3, { 0, 0, 0, 8, 8, 8 } },
        { "zigzag", NULL, 4, { 0, 0, 8, 0, 0, 8, 8, 8 } },
    },
};

static const struct {
    const char *name;
    uint8_t rgb[QVL_IMAGE_CHANNELS];
} colours[] = {
    { "red", { 230, 25, 25 } },    { "green", { 20, 170, 40 } },
    { "blue", { 30, 50, 235 } },   { "yellow", { 250, 225, 25 } },
    { "purple", { 140, 20, 170 } }, { "orange", { 250, 130, 10 } },
};

/* ---- lots --------------------------------------------------------------- */

/* Nearer than the gap to a shape that is there already? */
static bool is_taken(const qvl_scene *scene, const qvl_scene_object *o)
{
    for (int i = 0; i < scene->n; i++) {
        const qvl_scene_object *p = &scene->object[i];
        if (o->x < p->x + p->side + GAP_PX && p->x < o->x + o->side + GAP_PX
            && o->y < p->y + p->side + GAP_PX && p->y < o->y + o->side + GAP_PX)
            return true;
    }
    return false;
}

static void draw_place(qvl_scene_object *o, const qvl_scene_rules *rules,
                       qvl_rng *rng)
{
    int side_px = rules->side_px;
    double units = qvl_rng_between(rng, LEAST_SIDE, MOST_SIDE) * side_px
                   / GRID_PX;
    o->kind = rules->kind[qvl_rng_below(rng, (uint64_t)rules->n_kinds)];
    o->side = (int)rint(units) * GRID_PX;
    uint64_t n_places = (uint64_t)((side_px - o->side) / GRID_PX + 1);
    o->x = (int)qvl_rng_below(rng, n_places) * GRID_PX;
    o->y = (int)qvl_rng_below(rng, n_places) * GRID_PX;
}

/* The points that a record gives, from the square and the shape. */
static void place_points(qvl_scene_object *o)
{
    const shape *s = &shapes[o->kind][o->shape];
    if (o->kind == QVL_GEOM_BOX) {
        const double corner[] = { o->x, o->y, o->x + o->side, o->y + o->side };
        memcpy(o->point, corner, sizeof corner);
        o->n = 2;
        return;
    }
    o->n = s->n;
    for (int i = 0; i < s->n; i++) {
        o->point[2 * i] = o->x + s->at[2 * i] * o->side / N_EIGHTHS;
        o->point[2 * i + 1] = o->y + s->at[2 * i + 1] * o->side / N_EIGHTHS;
    }
}

static void draw_looks(qvl_scene_object *o, qvl_rng *rng)
{
    o->shape = (int)qvl_rng_below(rng, QVL_COUNT(shapes[o->kind]));
    o->colour = (int)qvl_rng_below(rng, QVL_COUNT(colours));
    snprintf(o->desc, sizeof o->desc, "%s %s", colours[o->colour].name,
             shapes[o->kind][o->shape].name);
    place_points(o);
}

/* Put a shape where it belongs: top to bottom, then left to right. */
static void insert(qvl_scene *scene, const qvl_scene_object *o)
{
    int i = scene->n++;
    for (; i > 0; i--) {
        const qvl_scene_object *p = &scene->object[i - 1];
        if (p->y < o->y || (p->y == o->y && p->x <= o->x))
            break;
        scene->object[i] = *p;
    }
    scene->object[i] = *o;
}

void qvl_scene_draw(qvl_scene *scene, const qvl_scene_rules *rules,
                    qvl_rng *rng)
{
    assert(rules->n_kinds > 0 && rules->side_px >= QVL_SCENE_MIN_SIDE
           && rules->side_px <= QVL_SCENE_MAX_SIDE);
    *scene = (qvl_scene){ .side_px = rules->side_px };
    scene->ground = GROUND - GROUND_RANGE
                    + (int)qvl_rng_below(rng, 2 * GROUND_RANGE + 1);
    int n = 1 + (int)qvl_rng_below(rng, QVL_SCENE_MAX_OBJECTS);
    for (int i = 0; i < MAX_TRIES && scene->n < n; i++) {
        qvl_scene_object o = { 0 };
        draw_place(&o, rules, rng);
        if (is_taken(scene, &o))
            continue;
        draw_looks(&o, rng);
        insert(scene, &o);
    }
}

/* ---- paint -------------------------------------------------------------- */

/* Even-odd: edges that cross the ray to the right. */
static bool in_ring(const qvl_scene_object *o, double x, double y)
{
    bool is_in = false;
    for (int i = 0; i < o->n; i++) {
        const double *a = o->point + 2 * i;
        const double *b = o->point + 2 * ((i + 1) % o->n);
        if ((a[1] > y) != (b[1] > y)
            && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
            is_in = !is_in;
    }
    return is_in;
}

static double distance_to_segment(const double *a, const double *b, double x,
                                  double y)
{
    double dx = b[0] - a[0];
    double dy = b[1] - a[1];
    double t = ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy);
    t = fmin(fmax(t, 0.0), 1.0);
    return hypot(x - a[0] - t * dx, y - a[1] - t * dy);
}

static bool on_line(const qvl_scene_object *o, double x, double y,
                    double reach_px)
{
    for (int i = 0; i + 1 < o->n; i++)
        if (distance_to_segment(o->point + 2 * i, o->point + 2 * i + 2, x, y)
            <= reach_px)
            return true;
    return false;
}

static bool is_inside(const qvl_scene_object *o, double x, double y,
                      double reach_px)
{
    double half = o->side / 2.0;
    switch (o->kind) {
    case QVL_GEOM_POLY:
        return in_ring(o, x, y);
    case QVL_GEOM_LINE:
        return on_line(o, x, y, reach_px);
    default:
        return shapes[o->kind][o->shape].is_inside((x - o->x - half) / half,
                                                   (y - o->y - half) / half);
    }
}

static void paint_object(const qvl_scene_object *o, qvl_image *im)
{
    double reach_px = im->w / 64.0;  // half the width of a line
    int grow = o->kind == QVL_GEOM_LINE ? (int)ceil(reach_px) : 0;
    int x0 = o->x - grow > 0 ? o->x - grow : 0;
    int y0 = o->y - grow > 0 ? o->y - grow : 0;
    int x1 = o->x + o->side + grow < im->w ? o->x + o->side + grow : im->w;
    int y1 = o->y + o->side + grow < im->h ? o->y + o->side + grow : im->h;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            if (is_inside(o, x + 0.5, y + 0.5, reach_px))
                memcpy(qvl_image_row(im, y) + x * QVL_IMAGE_CHANNELS,
                       colours[o->colour].rgb, QVL_IMAGE_CHANNELS);
}

void qvl_scene_paint(const qvl_scene *scene, qvl_image *im)
{
    assert(im->w == scene->side_px && im->h == scene->side_px);
    memset(im->pixel, scene->ground, qvl_image_bytes(im));
    for (int i = 0; i < scene->n; i++)
        paint_object(&scene->object[i], im);
}
