/* crop_ops.c - windows of a picture, and the objects that are left in them
 *
 * An object stays when crops have left enough of it: the share is the product over
 * all crops so far. One that is not whole any more says so in its description.
 */
#include <math.h>
#include <string.h>

#include "data/augment/run.h"
#include "data/clip.h"
#include "data/desc.h"

typedef struct {
    qvl_window window;
    double min_coverage;
    double completeness;   // what is below has no whole description
    int min_objects;
    bool skips_lines;      // no crop when a line is in it
    bool keeps_all_lines;  // however little is left of one
} crop_rules;

/* ---- which objects stay --------------------------------------------------- */

static bool is_seen(const qvl_transformed *t)
{
    return t->fate == QVL_FATE_KEPT || t->fate == QVL_FATE_CLIPPED;
}

static bool stays(const crop_rules *c, const qvl_aug_item *item,
                  const qvl_transformed *t)
{
    if (!is_seen(t))
        return false;
    if (c->keeps_all_lines && item->geom.kind == QVL_GEOM_LINE)
        return true;
    return item->coverage * t->coverage >= c->min_coverage;
}

/* Would the crop cut what it must not? QVL_AUG_FIRED when not. */
static qvl_aug_outcome check(const qvl_aug_run *r, const crop_rules *c,
                             const qvl_transformed *t)
{
    int n_kept = 0;
    bool has_line = false;
    for (int i = 0; i < r->n_items; i++) {
        n_kept += stays(c, &r->item[i], &t[i]);
        has_line = has_line
                   || (r->item[i].geom.kind == QVL_GEOM_LINE && is_seen(&t[i]));
    }
    if (n_kept == 0)
        return QVL_AUG_NO_OBJECTS;
    if (r->mode == QVL_MODE_SUMMARY && n_kept < r->n_items)
        return QVL_AUG_SUMMARY_MODE;
    if (c->skips_lines && has_line)
        return QVL_AUG_LINE_OBJECT;
    return n_kept < c->min_objects ? QVL_AUG_MIN_OBJECTS : QVL_AUG_FIRED;
}

/* ---- the crop ------------------------------------------------------------- */

static void tell_incomplete(qvl_aug_run *r, qvl_aug_item *item)
{
    const qvl_augmentation *rules = r->a->rules;
    for (int k = 0; k < rules->n_words; k++)
        item->desc = qvl_desc_replace(item->desc, rules->word[k].from,
                                      rules->word[k].to, r->arena);
}

static void apply(qvl_aug_run *r, const crop_rules *c, const qvl_transformed *t)
{
    int n = 0;
    for (int i = 0; i < r->n_items; i++) {
        qvl_aug_item *item = &r->item[n];
        if (!stays(c, &r->item[i], &t[i])) {
            r->n_dropped += !r->item[i].is_copy;
            continue;
        }
        *item = r->item[i];
        item->geom = t[i].geom;
        item->coverage *= t[i].coverage;
        if (item->coverage < c->completeness)
            tell_incomplete(r, item);
        n++;
    }
    r->n_items = n;
    qvl_edit_put(&r->steps, &(qvl_edit_step){ .kind = QVL_EDIT_CROP,
                                              .window = c->window });
    r->w = c->window.w;
    r->h = c->window.h;
}

/* Crop, if that is allowed. */
static qvl_aug_outcome crop(qvl_aug_run *r, const crop_rules *c)
{
    const qvl_window *w = &c->window;
    qvl_bounds window = { w->x, w->y, w->x + w->w, w->y + w->h };
    qvl_transform_options options = qvl_aug_transform_options(r);
    if (w->w == r->w && w->h == r->h)
        return QVL_AUG_NO_EFFECT;
    qvl_transformed *t = qvl_arena_array(r->arena, qvl_transformed, r->n_items);
    for (int i = 0; i < r->n_items; i++)
        qvl_transform_crop(&t[i], &r->item[i].geom, &window, &options, r->arena);
    qvl_aug_outcome outcome = check(r, c, t);
    if (outcome == QVL_AUG_FIRED)
        apply(r, c, t);
    return outcome;
}

/* ---- windows -------------------------------------------------------------- */

/* A whole number of px from 1 to `most`. */
static int side_of(double v, int most)
{
    v = rint(v);
    return v < 1.0 ? 1 : v > most ? most : (int)v;
}

/* A share `area` of the canvas, `aspect` times as wide as high. */
static void size_of(qvl_window *w, const qvl_aug_run *r, double area,
                    double aspect)
{
    double base = sqrt((double)r->w * r->h * area);
    w->w = side_of(base * sqrt(aspect), r->w);
    w->h = side_of(base / sqrt(aspect), r->h);
}

int qvl_aug_random_crop(qvl_aug_run *r, const qvl_aug_op *op,
                        qvl_aug_outcome *outcome)
{
    qvl_rng *rng = &r->geometry;
    QVL_TRY(qvl_aug_flush(r, r->w, r->h));
    double area = qvl_rng_between(rng, op->u.random_crop.scale.lo,
                                  op->u.random_crop.scale.hi);
    double aspect = qvl_rng_between(rng, op->u.random_crop.aspect_ratio.lo,
                                    op->u.random_crop.aspect_ratio.hi);
    crop_rules c = {
        .min_coverage = op->u.random_crop.min_coverage,
        .completeness = op->u.random_crop.completeness_threshold,
        .min_objects = op->u.random_crop.min_objects,
        .skips_lines = op->u.random_crop.skip_if_line,
    };
    size_of(&c.window, r, area, aspect);
    c.window.x = (int)qvl_rng_below(rng, (uint64_t)(r->w - c.window.w) + 1);
    c.window.y = (int)qvl_rng_below(rng, (uint64_t)(r->h - c.window.h) + 1);
    *outcome = crop(r, &c);
    return QVL_OK;
}

int qvl_aug_center_crop(qvl_aug_run *r, const qvl_aug_op *op,
                        qvl_aug_outcome *outcome)
{
    QVL_TRY(qvl_aug_flush(r, r->w, r->h));
    crop_rules c = {
        .min_coverage = op->u.center_crop.min_coverage,
        .completeness = op->u.center_crop.completeness_threshold,
        .min_objects = op->u.center_crop.min_objects,
        .skips_lines = op->u.center_crop.skip_if_line,
    };
    size_of(&c.window, r, op->u.center_crop.scale, (double)r->w / r->h);
    c.window.x = (r->w - c.window.w) / 2;
    c.window.y = (r->h - c.window.h) / 2;
    *outcome = crop(r, &c);
    return QVL_OK;
}

/* ---- around an object ----------------------------------------------------- */

static bool is_anchor(qvl_aug_run *r, const qvl_aug_item *item,
                      const qvl_texts *classes)
{
    qvl_desc d;
    qvl_bounds b = qvl_geom_bounds(item->geom.point, item->geom.n);
    if (item->geom.kind == QVL_GEOM_LINE || qvl_bounds_area(&b) <= 0.0)
        return false;
    qvl_desc_read(&d, item->desc, r->arena);
    for (int i = 0; i < classes->n; i++)
        if (strcmp(d.category, classes->v[i]) == 0)
            return true;
    return false;
}

/* One of the anchors; NULL: there is none. */
static const qvl_aug_item *choose_anchor(qvl_aug_run *r, const qvl_texts *classes)
{
    int *anchor = qvl_arena_array(r->arena, int, r->n_items);
    int n = 0;
    for (int i = 0; i < r->n_items; i++)
        if (is_anchor(r, &r->item[i], classes))
            anchor[n++] = i;
    return n > 0 ? &r->item[anchor[qvl_rng_below(&r->geometry, (uint64_t)n)]] : NULL;
}

/* `side` px around a middle, inside of 0..whole. */
static int place_of(double middle, int side, int whole)
{
    double at = rint(middle - side / 2.0);
    return at < 0.0 ? 0 : at > whole - side ? whole - side : (int)at;
}

int qvl_aug_roi_crop(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    QVL_TRY(qvl_aug_flush(r, r->w, r->h));
    const qvl_aug_item *anchor = choose_anchor(r, &op->u.roi_crop.anchor_classes);
    if (anchor == NULL) {
        *outcome = QVL_AUG_NO_ANCHOR;
        return QVL_OK;
    }
    double s = qvl_rng_between(&r->geometry, op->u.roi_crop.scale_range.lo,
                               op->u.roi_crop.scale_range.hi);
    qvl_bounds b = qvl_geom_bounds(anchor->geom.point, anchor->geom.n);
    double least = op->u.roi_crop.min_crop_size;
    crop_rules c = {
        .min_coverage = op->u.roi_crop.min_coverage,
        .completeness = op->u.roi_crop.completeness_threshold,
        .keeps_all_lines = true,
    };
    c.window.w = side_of(fmax(rint((b.x1 - b.x0) * s), least), r->w);
    c.window.h = side_of(fmax(rint((b.y1 - b.y0) * s), least), r->h);
    c.window.x = place_of((b.x0 + b.x1) / 2.0, c.window.w, r->w);
    c.window.y = place_of((b.y0 + b.y1) / 2.0, c.window.h, r->h);
    *outcome = crop(r, &c);
    return QVL_OK;
}
