/* affine_ops.c - flips, rotation, scaling: factors of the map */
#include "data/augment/run.h"

/* What is already in the map comes first. */
static int then(qvl_aug_run *r, qvl_affine m)
{
    r->m = qvl_affine_compose(&r->m, &m);
    return QVL_OK;
}

int qvl_aug_hflip(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    (void)op;
    (void)outcome;
    return then(r, qvl_affine_hflip(r->w));
}

int qvl_aug_vflip(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    (void)op;
    (void)outcome;
    return then(r, qvl_affine_vflip(r->h));
}

int qvl_aug_rotate(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    double most = op->u.rotate.max_deg;
    if (most <= 0.0) {
        *outcome = QVL_AUG_NO_EFFECT;
        return QVL_OK;
    }
    double deg = qvl_rng_between(&r->geometry, -most, most);
    return then(r, qvl_affine_rotation(deg, r->w / 2.0, r->h / 2.0));
}

int qvl_aug_scale(qvl_aug_run *r, const qvl_aug_op *op, qvl_aug_outcome *outcome)
{
    (void)outcome;
    double s = qvl_rng_between(&r->geometry, op->u.scale.lo, op->u.scale.hi);
    return then(r, qvl_affine_scaling(s, s, r->w / 2.0, r->h / 2.0));
}
