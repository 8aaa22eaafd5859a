/* compare.c - norms and digests */
#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void worst_add(worst *w, const char *what, double error, double tolerance)
{
    double ratio = error <= 0.0 ? 0.0 : error / tolerance;
    if (isnan(error))
        ratio = INFINITY;
    if (ratio < w->ratio || (ratio == w->ratio && w->what[0] != '\0'))
        return;
    w->ratio = ratio;
    w->error = error;
    w->tolerance = tolerance;
    snprintf(w->what, sizeof w->what, "%s", what);
}

double relative_l2(const float *a, const float *b, size_t n)
{
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];
        difference += d * d;
        norm += (double)b[i] * (double)b[i];
    }
    return norm > 0.0 ? sqrt(difference / norm) : sqrt(difference);
}

double largest_difference(const float *a, const float *b, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (isnan(d))
            return INFINITY;
        most = fmax(most, d);
    }
    return most;
}

static size_t stride(size_t n)
{
    return (n / 128) | 1;
}

size_t digest_size(digest_kind kind, size_t n, size_t d0)
{
    switch (kind) {
    case DIGEST_ROWS:
        return d0;
    case DIGEST_COLS:
        return n / d0;
    default:
        return (n + stride(n) - 1) / stride(n);
    }
}

/* Norm of `count` values, `step` apart. */
static float norm_of(const float *x, size_t count, size_t step)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i * step] * (double)x[i * step];
    return (float)sqrt(sum);
}

void digest(digest_kind kind, const float *x, size_t n, size_t d0, float *out)
{
    size_t cols = n / d0;
    size_t size = digest_size(kind, n, d0);
    for (size_t i = 0; i < size; i++) {
        if (kind == DIGEST_ROWS)
            out[i] = norm_of(x + i * cols, cols, 1);
        else if (kind == DIGEST_COLS)
            out[i] = norm_of(x + i, d0, cols);
        else
            out[i] = x[i * stride(n)];
    }
}
