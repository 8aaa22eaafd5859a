/* paste_ops.c - a small object once more, larger, at a free place
 *
 * The copy has the description of its object. A place is free when the copy does
 * not overlap another object, and the pasted rectangle buries none.
 */
#include <math.h>
#include <string.h>

#include "data/augment/run.h"
#include "data/clip.h"
#include "data/desc.h"
#include "data/mask.h"

/* Where a copy may go. */
typedef struct {
    const qvl_aug_item *item;
    qvl_window window;  // of the picture, to be copied
    int w, h;                // of the copy
    int x, y;
    double *point;           // [item->geom.n, 2] of the copy
} attempt;

/* ---- candidates ----------------------------------------------------------- */

static bool is_listed(qvl_aug_run *r, const char *desc, const qvl_texts *classes)
{
    qvl_desc d;
    if (classes->n == 0)
        return true;
    qvl_desc_read(&d, desc, r->arena);
    for (int i = 0; i < classes->n; i++)
        if (strcmp(d.category, classes->v[i]) == 0)
            return true;
    return false;
}

static bool is_small(const qvl_aug_item *item, const qvl_aug_op *op)
{
    const qvl_geom *g = &item->geom;
    qvl_bounds b = qvl_geom_bounds(g->point, g->n);
    if (g->kind == QVL_GEOM_LINE
        && qvl_clip_length(g->point, g->n)
               <= op->u.small_object_zoom_paste.max_line_length)
        return true;
    return fmax(b.x1 - b.x0, b.y1 - b.y0) <= op->u.small_object_zoom_paste.max_size;
}

/* Numbers of small items in random order; returns how many. */
static size_t list_candidates(qvl_aug_run *r, const qvl_aug_op *op, size_t *out)
{
    size_t n = 0;
    for (int i = 0; i < r->n_items; i++)
        if (is_small(&r->item[i], op)
            && is_listed(r, r->item[i].desc,
                         &op->u.small_object_zoom_paste.class_whitelist))
            out[n++] = (size_t)i;
    qvl_rng_shuffle(&r->geometry, out, n);
    return n;
}

/* Whole pixels around an item, with some more on each side. */
static qvl_window window_of(const qvl_aug_run *r, const qvl_aug_item *item,
                                 double context)
{
    qvl_bounds b = qvl_geom_bounds(item->geom.point, item->geom.n);
    int x0 = (int)fmax(floor(b.x0 - context), 0.0);
    int y0 = (int)fmax(floor(b.y0 - context), 0.0);
    int x1 = (int)fmin(ceil(b.x1 + context), r->w);
    int y1 = (int)fmin(ceil(b.y1 + context), r->h);
    x0 = x0 < r->w ? x0 : r->w - 1;
    y0 = y0 < r->h ? y0 : r->h - 1;
    return (qvl_window){ x0, y0, x1 > x0 ? x1 - x0 : 1, y1 > y0 ? y1 - y0 : 1 };
}

/* ---- is the place free? --------------------------------------------------- */

/* Bounds of a geometry; of a line with some px around. */
static qvl_bounds buffered(const qvl_geom *g, double buffer)
{
    qvl_bounds b = qvl_geom_bounds(g->point, g->n);
    double more = g->kind == QVL_GEOM_LINE ? buffer : 0.0;
    return (qvl_bounds){ b.x0 - more, b.y0 - more, b.x1 + more, b.y1 + more };
}

/* On the grid of masks, as a share of the canvas. */
static void make_mask(const qvl_aug_run *r, qvl_mask *m, const qvl_geom *g,
                      double buffer)
{
    double *point = qvl_arena_array(r->arena, double, 2 * (size_t)g->n);
    double sx = (double)QVL_MASK_SIDE / r->w, sy = (double)QVL_MASK_SIDE / r->h;
    for (int k = 0; k < g->n; k++) {
        point[2 * k] = fmin(fmax(g->point[2 * k] * sx, 0.0), QVL_MASK_SIDE);
        point[2 * k + 1] = fmin(fmax(g->point[2 * k + 1] * sy, 0.0), QVL_MASK_SIDE);
    }
    if (g->kind == QVL_GEOM_BOX)
        qvl_mask_box(m, point, r->arena);
    else if (g->kind == QVL_GEOM_POLY)
        qvl_mask_region(m, point, g->n, r->arena);
    else
        qvl_mask_stroke(m, point, g->n, fmax(buffer, 1.0) * fmin(sx, sy), r->arena);
}

/* Shared pixels over those of the smaller one. */
static double mask_overlap(const qvl_aug_run *r, const qvl_geom *a, const qvl_geom *b,
                           double buffer)
{
    qvl_mask p, q;
    make_mask(r, &p, a, buffer);
    make_mask(r, &q, b, buffer);
    double smaller = (double)(p.area < q.area ? p.area : q.area);
    double iou = qvl_mask_iou(&p, &q);
    double shared = iou / (1.0 + iou) * (double)(p.area + q.area);
    return smaller > 0.0 ? shared / smaller : 0.0;
}

static bool is_free(const qvl_aug_run *r, const qvl_aug_op *op, const attempt *a)
{
    double most = op->u.small_object_zoom_paste.overlap_threshold;
    double buffer = op->u.small_object_zoom_paste.line_buffer;
    bool by_mask = op->u.small_object_zoom_paste.overlap_mode == QVL_AUG_OVERLAP_MASK;
    const qvl_geom copy = { a->item->geom.kind, a->item->geom.n, a->point };
    const qvl_bounds pasted = { a->x, a->y, a->x + a->w, a->y + a->h };
    qvl_bounds own = buffered(&copy, buffer);
    for (int i = 0; i < r->n_items; i++) {
        const qvl_geom *other = &r->item[i].geom;
        qvl_bounds b = buffered(other, buffer);
        qvl_bounds shared = qvl_bounds_intersect(&pasted, &b);
        if (qvl_bounds_area(&shared) <= 0.0)
            continue;  // far away
        if (qvl_clip_coverage(other, &pasted, r->arena) > most)
            return false;
        if ((by_mask ? mask_overlap(r, &copy, other, buffer)
                     : qvl_bounds_iou(&own, &b)) > most)
            return false;
    }
    return true;
}

/* ---- a copy --------------------------------------------------------------- */

/* Draw a size and a place; false: it does not fit. */
static bool draw(qvl_aug_run *r, const qvl_aug_op *op, attempt *a)
{
    double s = qvl_rng_between(&r->geometry, op->u.small_object_zoom_paste.scale.lo,
                               op->u.small_object_zoom_paste.scale.hi);
    a->w = (int)fmin(rint(a->window.w * s), 1e9);
    a->h = (int)fmin(rint(a->window.h * s), 1e9);
    if (a->w < 1 || a->h < 1 || a->w > r->w || a->h > r->h)
        return false;
    a->x = (int)qvl_rng_below(&r->geometry, (uint64_t)(r->w - a->w) + 1);
    a->y = (int)qvl_rng_below(&r->geometry, (uint64_t)(r->h - a->h) + 1);
    double sx = (double)a->w / a->window.w, sy = (double)a->h / a->window.h;
    const double *from = a->item->geom.point;
    for (int k = 0; k < a->item->geom.n; k++) {
        a->point[2 * k] = (from[2 * k] - a->window.x) * sx + a->x;
        a->point[2 * k + 1] = (from[2 * k + 1] - a->window.y) * sy + a->y;
    }
    return true;
}

static void paste(qvl_aug_run *r, const attempt *a)
{
    qvl_edit_put(&r->steps, &(qvl_edit_step){
        .kind = QVL_EDIT_PASTE, .window = a->window, .h = a->h, .w = a->w,
        .x = a->x, .y = a->y });
    const qvl_aug_item of = *a->item;
    *qvl_aug_add_item(r) = (qvl_aug_item){
        .geom = { of.geom.kind, of.geom.n, a->point }, .desc = of.desc,
        .source = of.source, .coverage = of.coverage, .is_copy = true };
}

/* Try to find a place for a copy of item k. */
static bool place(qvl_aug_run *r, const qvl_aug_op *op, size_t k)
{
    attempt a = { .item = &r->item[k] };
    a.window = window_of(r, a.item, op->u.small_object_zoom_paste.context);
    a.point = qvl_arena_array(r->arena, double, 2 * (size_t)a.item->geom.n);
    for (int i = 0; i < op->u.small_object_zoom_paste.max_attempts; i++)
        if (draw(r, op, &a) && is_free(r, op, &a)) {
            paste(r, &a);
            return true;
        }
    return false;
}

int qvl_aug_small_object_zoom_paste(qvl_aug_run *r, const qvl_aug_op *op,
                                    qvl_aug_outcome *outcome)
{
    if (r->mode == QVL_MODE_SUMMARY) {
        *outcome = QVL_AUG_SUMMARY_MODE;
        return QVL_OK;
    }
    QVL_TRY(qvl_aug_flush(r, r->w, r->h));
    size_t *k = qvl_arena_array(r->arena, size_t, r->n_items);
    size_t n = list_candidates(r, op, k);
    size_t most = (size_t)op->u.small_object_zoom_paste.max_targets;
    int n_pasted = 0;
    for (size_t i = 0; i < n && i < most; i++)
        n_pasted += place(r, op, k[i]);
    if (n_pasted == 0)
        *outcome = n == 0 || most == 0 ? QVL_AUG_NO_TARGET : QVL_AUG_NO_ROOM;
    return QVL_OK;
}
