/* colour_ops.c - steps for the colours of a picture
 *
 * Nothing moves. All numbers come from the stream of colours.
 */
#include "data/augment/run.h"

static int put(qvl_aug_run *r, qvl_edit_kind kind, double a, double b, double c)
{
    qvl_edit_put(&r->colours, &(qvl_edit_step){ .kind = kind, .v = { a, b, c } });
    return QVL_OK;
}

static double draw(qvl_aug_run *r, qvl_aug_range range)
{
    return qvl_rng_between(&r->colour, range.lo, range.hi);
}

int qvl_aug_color_jitter(qvl_aug_run *r, const qvl_aug_op *op,
                         qvl_aug_outcome *outcome)
{
    (void)outcome;
    double b = draw(r, op->u.color_jitter.brightness);
    double c = draw(r, op->u.color_jitter.contrast);
    double s = draw(r, op->u.color_jitter.saturation);
    put(r, QVL_EDIT_BRIGHTNESS, b, 0, 0);
    put(r, QVL_EDIT_CONTRAST, c, 0, 0);
    return put(r, QVL_EDIT_SATURATION, s, 0, 0);
}

int qvl_aug_gamma(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    (void)outcome;
    return put(r, QVL_EDIT_GAMMA, draw(r, op->u.gamma.gamma), op->u.gamma.gain, 0);
}

int qvl_aug_hsv(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    (void)outcome;
    double hue = draw(r, op->u.hsv.hue_delta_deg);
    double saturation = draw(r, op->u.hsv.sat);
    return put(r, QVL_EDIT_HSV, hue, saturation, draw(r, op->u.hsv.val));
}

int qvl_aug_clahe(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    (void)outcome;
    return put(r, QVL_EDIT_CLAHE, op->u.clahe.clip_limit,
               op->u.clahe.tile_grid_size.v[0], op->u.clahe.tile_grid_size.v[1]);
}

int qvl_aug_auto_contrast(qvl_aug_run *r, const qvl_aug_op *op,
                          qvl_aug_outcome *outcome)
{
    (void)outcome;
    return put(r, QVL_EDIT_AUTO_CONTRAST, op->u.auto_contrast.cutoff, 0, 0);
}

int qvl_aug_equalize(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    (void)op;
    (void)outcome;
    return put(r, QVL_EDIT_EQUALIZE, 0, 0, 0);
}

int qvl_aug_solarize(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    (void)outcome;
    return put(r, QVL_EDIT_SOLARIZE, op->u.solarize.threshold, 0, 0);
}

int qvl_aug_posterize(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    (void)outcome;
    return put(r, QVL_EDIT_POSTERIZE, op->u.posterize.bits, 0, 0);
}

int qvl_aug_sharpness(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    (void)outcome;
    return put(r, QVL_EDIT_SHARPNESS, draw(r, op->u.sharpness.factor), 0, 0);
}

/* ---- bundles -------------------------------------------------------------- */

/* Each op of a bundle is drawn for itself, one behind the other. */
static const qvl_aug_op strong[] = {
    { QVL_AUG_OP_color_jitter,
      { .color_jitter = { { 0.7, 1.3 }, { 0.7, 1.3 }, { 0.7, 1.3 }, 0.8 } } },
    { QVL_AUG_OP_hsv, { .hsv = { { -15, 15 }, { 0.7, 1.3 }, { 0.8, 1.2 }, 0.5 } } },
    { QVL_AUG_OP_gamma, { .gamma = { { 0.8, 1.25 }, 1, 0.5 } } },
    { QVL_AUG_OP_clahe, { .clahe = { 2, { { 8, 8 } }, 0.2 } } },
    { QVL_AUG_OP_sharpness, { .sharpness = { { 0.7, 1.5 }, 0.3 } } },
};

static const qvl_aug_op extreme[] = {
    { QVL_AUG_OP_color_jitter,
      { .color_jitter = { { 0.5, 1.5 }, { 0.5, 1.5 }, { 0.3, 1.7 }, 0.9 } } },
    { QVL_AUG_OP_hsv, { .hsv = { { -30, 30 }, { 0.5, 1.6 }, { 0.6, 1.4 }, 0.7 } } },
    { QVL_AUG_OP_gamma, { .gamma = { { 0.6, 1.7 }, 1, 0.6 } } },
    { QVL_AUG_OP_clahe, { .clahe = { 4, { { 8, 8 } }, 0.4 } } },
    { QVL_AUG_OP_equalize, { .equalize = { 0.1 } } },
    { QVL_AUG_OP_posterize, { .posterize = { 4, 0.1 } } },
    { QVL_AUG_OP_solarize, { .solarize = { 160, 0.05 } } },
    { QVL_AUG_OP_sharpness, { .sharpness = { { 0.3, 2.2 }, 0.5 } } },
};

static const struct {
    const qvl_aug_op *op;
    size_t n;
} bundles[] = {
    [QVL_AUG_COLOUR_STRONG] = { strong, QVL_COUNT(strong) },
    [QVL_AUG_COLOUR_EXTREME] = { extreme, QVL_COUNT(extreme) },
};

int qvl_aug_albumentations_color(qvl_aug_run *r, const qvl_aug_op *op,
                                 qvl_aug_outcome *outcome)
{
    int preset = op->u.albumentations_color.preset;
    int n = r->colours.n;
    for (size_t i = 0; i < bundles[preset].n; i++) {
        const qvl_aug_op *part = &bundles[preset].op[i];
        if (qvl_aug_is_drawn(part, &r->colour))
            QVL_TRY(qvl_aug_fn_of(part->id)(r, part, outcome));
    }
    if (r->colours.n == n)
        *outcome = QVL_AUG_NO_EFFECT;
    return QVL_OK;
}
