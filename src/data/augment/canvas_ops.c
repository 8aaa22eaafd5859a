/* canvas_ops.c - canvases that grow, are padded, are resized */
#include <assert.h>
#include <math.h>

#include "data/augment/run.h"
#include "image/decode.h"

/* Next multiple that is not below a whole v; multiple 0: v itself. Fails with
 * QVL_E_RANGE when that is no side of a picture. */
static int align_up(int *out, double v, int multiple, qvl_err *err)
{
    double side = multiple > 1 ? ceil(v / multiple) * multiple : v;
    if (!(side <= QVL_IMAGE_MAX_SIDE))
        return qvl_fail(err, QVL_E_RANGE, "canvas: found a side of %g px, expected at "
                        "most %d", side, QVL_IMAGE_MAX_SIDE);
    *out = (int)side;
    return QVL_OK;
}

/* ---- expand_to_fit_affine ------------------------------------------------ */

/* Where the corners of the canvas go. */
static qvl_bounds bounds_of(const qvl_aug_run *r)
{
    const double corner[] = { 0, 0, r->w, 0, r->w, r->h, 0, r->h };
    double out[8];
    qvl_affine_apply(&r->m, out, corner, 4);
    return qvl_geom_bounds(out, 4);
}

static int shrink(int side, double s, int multiple)
{
    int n = (int)floor(side * s) / multiple * multiple;
    return n > multiple ? n : multiple;
}

/* Sides of a canvas that has at most max_pixels, which one multiple squared has. */
static void limit_pixels(int *w, int *h, int multiple, int max_pixels)
{
    double n = (double)*w * *h;
    assert((double)multiple * multiple <= max_pixels);
    if (n <= max_pixels)
        return;
    double s = sqrt(max_pixels / n);
    *w = shrink(*w, s, multiple);
    *h = shrink(*h, s, multiple);
    while ((double)*w * *h > max_pixels) {
        if (*w > multiple)
            *w -= multiple;
        if ((double)*w * *h > max_pixels && *h > multiple)
            *h -= multiple;
    }
}

int qvl_aug_expand_to_fit_affine(qvl_aug_run *r, const qvl_aug_op *op,
                                 qvl_aug_outcome *outcome)
{
    int multiple = op->u.expand_to_fit_affine.multiple;
    int unit = multiple > 1 ? multiple : 1;
    bool is_still = qvl_affine_is_identity(&r->m, 1e-9);
    qvl_bounds b = is_still ? (qvl_bounds){ 0, 0, r->w, r->h } : bounds_of(r);
    double raw_w = ceil(b.x1 - b.x0 - 1e-9);
    double raw_h = ceil(b.y1 - b.y0 - 1e-9);
    int full_w, full_h;
    QVL_TRY(align_up(&full_w, raw_w, multiple, r->err));
    QVL_TRY(align_up(&full_h, raw_h, multiple, r->err));
    int w = full_w, h = full_h;
    limit_pixels(&w, &h, unit, op->u.expand_to_fit_affine.max_pixels);
    double sx = (double)w / full_w, sy = (double)h / full_h;
    qvl_affine shift = qvl_affine_translation(-b.x0, -b.y0);
    qvl_affine fit = qvl_affine_scaling(sx, sy, 0, 0);
    if (!is_still)
        r->m = qvl_affine_compose(&r->m, &shift);
    if (w != full_w || h != full_h)
        r->m = qvl_affine_compose(&r->m, &fit);
    r->padding_ratio = 1.0 - raw_w * sx * raw_h * sy / ((double)w * h);
    if (w == r->w && h == r->h && is_still)
        *outcome = QVL_AUG_NO_EFFECT;
    return qvl_aug_flush(r, w, h);
}

/* ---- pad_to_multiple ----------------------------------------------------- */

int qvl_aug_pad_to_multiple(qvl_aug_run *r, const qvl_aug_op *op,
                            qvl_aug_outcome *outcome)
{
    int w, h;
    QVL_TRY(qvl_aug_flush(r, r->w, r->h));
    QVL_TRY(align_up(&w, r->w, op->u.pad_to_multiple.multiple, r->err));
    QVL_TRY(align_up(&h, r->h, op->u.pad_to_multiple.multiple, r->err));
    if (w == r->w && h == r->h) {
        *outcome = QVL_AUG_NO_EFFECT;
        return QVL_OK;
    }
    qvl_edit_put(&r->steps,
                 &(qvl_edit_step){ .kind = QVL_EDIT_PAD, .h = h, .w = w });
    r->w = w;
    r->h = h;
    return QVL_OK;
}

/* ---- resize_by_scale ----------------------------------------------------- */

static int resized(int *out, int side, double s, const qvl_aug_op *op, qvl_err *err)
{
    double n = rint(side * s);
    return align_up(out, n > 1.0 ? n : 1.0, op->u.resize_by_scale.align_multiple, err);
}

int qvl_aug_resize_by_scale(qvl_aug_run *r, const qvl_aug_op *op,
                            qvl_aug_outcome *outcome)
{
    const qvl_aug_numbers *choice = &op->u.resize_by_scale.scales;
    int w, h;
    QVL_TRY(qvl_aug_flush(r, r->w, r->h));
    double s = choice->n > 0
                   ? choice->v[qvl_rng_below(&r->geometry, (uint64_t)choice->n)]
                   : qvl_rng_between(&r->geometry, op->u.resize_by_scale.lo,
                                     op->u.resize_by_scale.hi);
    QVL_TRY(resized(&w, r->w, s, op, r->err));
    QVL_TRY(resized(&h, r->h, s, op, r->err));
    if (w == r->w && h == r->h) {
        *outcome = QVL_AUG_NO_EFFECT;
        return QVL_OK;
    }
    qvl_affine m = qvl_affine_scaling((double)w / r->w, (double)h / r->h, 0, 0);
    qvl_edit_put(&r->steps,
                 &(qvl_edit_step){ .kind = QVL_EDIT_RESIZE, .h = h, .w = w });
    for (int i = 0; i < r->n_items; i++) {
        qvl_geom *g = &r->item[i].geom;
        double *point = qvl_arena_array(r->arena, double, 2 * (size_t)g->n);
        qvl_affine_apply(&m, point, g->point, g->n);
        g->point = point;
    }
    r->w = w;
    r->h = h;
    return QVL_OK;
}
