/* compare.c - tensors of a device against the reference, by their type */
#include "program/compare.h"

#include "check.h"
#include "tensor/dtype.h"

static double worst;

compare_bound compare_bound_of(int dtype)
{
    double u = dtype == QVL_BF16  ? 0x1p-9
               : dtype == QVL_F16 ? 0x1p-12
                                  : 0x1p-24;
    return (compare_bound){.own = 64.0 * u, .others = 16.0 * u};
}

void compare_tensor(const float *found, const double *wanted, size_t n,
                    double top_grad, compare_bound bound, const char *what,
                    const char *tensor)
{
    double top = 0.0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, fabs(wanted[i]));
    double tol = bound.own * top + bound.others * top_grad;
    for (size_t i = 0; i < n; i++) {
        double off = fabs((double)found[i] - wanted[i]);
        if (off > worst * tol && tol > 0.0) {
            worst = off / tol;
            if (getenv("QVL_TEST_BOUNDS"))
                print_message("%6.3f of the bound: %s: %s[%zu]\n", worst, what,
                              tensor, i);
        }
        CHECK(off <= tol, "%s: %s[%zu]: wanted %.9g, found %.9g (off by %.3g, "
              "allowed %.3g)", what, tensor, i, wanted[i], (double)found[i],
              off, tol);
    }
}

double compare_worst(void)
{
    return worst;
}
