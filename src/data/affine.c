/* affine.c - affine maps: made, joined, inverted, applied */
#include "data/affine.h"

#include <assert.h>
#include <math.h>

/* Off the diagonal, up to this much is none. */
#define AXIS_EPS 1e-6

/* Least determinant, relative to the products it is the difference of. */
#define SINGULAR_EPS 1e-12

static const double pi = 3.14159265358979323846;

/* ---- makers ------------------------------------------------------------- */

qvl_affine qvl_affine_identity(void)
{
    return qvl_affine_translation(0.0, 0.0);
}

qvl_affine qvl_affine_translation(double dx, double dy)
{
    return (qvl_affine){ { { 1.0, 0.0, dx }, { 0.0, 1.0, dy } } };
}

/* The linear part a b, c d about (cx, cy). */
static qvl_affine about(double a, double b, double c, double d, double cx,
                        double cy)
{
    return (qvl_affine){ {
        { a, b, cx - (a * cx + b * cy) },
        { c, d, cy - (c * cx + d * cy) },
    } };
}

qvl_affine qvl_affine_rotation(double deg, double cx, double cy)
{
    /* cos and sin of whole quarter turns; what is left is at most 45 degrees. */
    static const double quarter[4][2] = {
        { 1.0, 0.0 }, { 0.0, 1.0 }, { -1.0, 0.0 }, { 0.0, -1.0 }
    };
    assert(isfinite(deg));
    double within = remainder(deg, 360.0);
    double n_quarters = rint(within / 90.0);
    double rest = (within - 90.0 * n_quarters) * (pi / 180.0);
    const double *q = quarter[((int)n_quarters + 4) % 4];
    double c = q[0] * cos(rest) - q[1] * sin(rest);
    double s = q[1] * cos(rest) + q[0] * sin(rest);
    return about(c, -s, s, c, cx, cy);
}

qvl_affine qvl_affine_scaling(double sx, double sy, double cx, double cy)
{
    return about(sx, 0.0, 0.0, sy, cx, cy);
}

qvl_affine qvl_affine_hflip(double w)
{
    return (qvl_affine){ { { -1.0, 0.0, w }, { 0.0, 1.0, 0.0 } } };
}

qvl_affine qvl_affine_vflip(double h)
{
    return (qvl_affine){ { { 1.0, 0.0, 0.0 }, { 0.0, -1.0, h } } };
}

/* ---- calculus ----------------------------------------------------------- */

qvl_affine qvl_affine_compose(const qvl_affine *first, const qvl_affine *then)
{
    qvl_affine out;
    for (int i = 0; i < 2; i++) {
        const double *t = then->m[i];
        for (int k = 0; k < 3; k++)
            out.m[i][k] = t[0] * first->m[0][k] + t[1] * first->m[1][k];
        out.m[i][2] += t[2];
    }
    return out;
}

static bool is_finite(const qvl_affine *m)
{
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++)
            if (!isfinite(m->m[i][k]))
                return false;
    return true;
}

int qvl_affine_invert(qvl_affine *out, const qvl_affine *m, qvl_err *err)
{
    double a = m->m[0][0], b = m->m[0][1], dx = m->m[0][2];
    double c = m->m[1][0], d = m->m[1][1], dy = m->m[1][2];
    double det = a * d - b * c;
    qvl_affine inverse = { {
        { d / det, -b / det, (b * dy - d * dx) / det },
        { -c / det, a / det, (c * dx - a * dy) / det },
    } };
    if (!(fabs(det) > SINGULAR_EPS * (fabs(a * d) + fabs(b * c)))
        || !is_finite(&inverse))
        return qvl_fail(err, QVL_E_RANGE,
                        "affine map [%g %g %g; %g %g %g]: found determinant %g, "
                        "expected one that can be inverted",
                        a, b, dx, c, d, dy, det);
    *out = inverse;
    return QVL_OK;
}

void qvl_affine_apply(const qvl_affine *m, double *out, const double *in, int n)
{
    for (int i = 0; i < n; i++) {
        double x = in[2 * i];
        double y = in[2 * i + 1];
        for (int k = 0; k < 2; k++)
            out[2 * i + k] = m->m[k][0] * x + m->m[k][1] * y + m->m[k][2];
    }
}

/* ---- tests -------------------------------------------------------------- */

bool qvl_affine_is_axis_aligned(const qvl_affine *m)
{
    return fabs(m->m[0][1]) <= AXIS_EPS && fabs(m->m[1][0]) <= AXIS_EPS;
}

bool qvl_affine_is_identity(const qvl_affine *m, double eps)
{
    qvl_affine one = qvl_affine_identity();
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++)
            if (!(fabs(m->m[i][k] - one.m[i][k]) <= eps))
                return false;
    return true;
}
