#include "ref/diff.h"

/* The step: h^4 (5th derivative) / 120 of what is left stays small against
 * the gradient, and so does rounding, 2^-53 loss / h. A power of two adds to x
 * with little rounding; what is left of it is taken out by dividing by the
 * difference that was really made. */
static const double step = 0x1p-9;

static int loss_at(double *out, const ref_problem *p, double *x, double value,
                   qvl_arena *scratch, qvl_err *err)
{
    ref_result r;
    double kept = *x;
    *x = value;
    int rc = ref_run(&r, p, scratch, err);
    *x = kept;
    qvl_arena_reset(scratch);
    if (rc == QVL_OK)
        *out = r.loss;
    return rc;
}

static int central(double *out, const ref_problem *p, double *x, double h,
                   qvl_arena *scratch, qvl_err *err)
{
    volatile double above = *x + h;
    volatile double below = *x - h;
    double loss_above, loss_below;
    QVL_TRY(loss_at(&loss_above, p, x, above, scratch, err));
    QVL_TRY(loss_at(&loss_below, p, x, below, scratch, err));
    *out = (loss_above - loss_below) / (above - below);
    return QVL_OK;
}

int ref_difference(double *out, const ref_problem *p, int param, size_t elem,
                   qvl_arena *scratch, qvl_err *err)
{
    double *x = &p->param[param][elem];
    double wide, narrow;
    QVL_TRY(central(&wide, p, x, step, scratch, err));
    QVL_TRY(central(&narrow, p, x, step / 2, scratch, err));
    *out = (4.0 * narrow - wide) / 3.0;
    return QVL_OK;
}
