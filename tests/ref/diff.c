/* diff.c - central differences, extrapolated twice, at the widest step that is
 * smooth
 */
#include "ref/diff.h"

#include <math.h>

/* With the widest step the h^6 that is left of the error stays small against
 * the gradient, and so does rounding, 2^-53 loss / h. A power of two adds to x
 * with little rounding; what is left of it is taken out by dividing by the
 * difference that was really made. */
static const double steps[] = { 0x1p-8, 0x1p-11, 0x1p-14 };

/* The two estimates of a step agree so far where the loss is smooth. */
static const double smooth = 1e-8;

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
    double best = INFINITY;
    for (size_t k = 0; k < QVL_COUNT(steps); k++) {
        double d[3];
        for (int i = 0; i < 3; i++)
            QVL_TRY(central(&d[i], p, x, steps[k] / (1 << i), scratch, err));
        double wide = (4.0 * d[1] - d[0]) / 3.0;
        double narrow = (4.0 * d[2] - d[1]) / 3.0;
        double apart = fabs(narrow - wide);
        if (apart < best) {
            best = apart;
            *out = (16.0 * narrow - wide) / 15.0;
        }
        if (apart <= smooth * (1.0 + fabs(narrow)))
            break;
    }
    return QVL_OK;
}
