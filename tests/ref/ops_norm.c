/* ops_norm.c - norms, and rotations by position */
#include <math.h>

#include "ref/ops.h"

/* rstd = 1 / sqrt(mean_c x[c]^2 + eps), y[c] = x[c] w[c] rstd
 * x, y [rows, groups, cols], w [cols], rstd [rows, groups] */
void ref_rms_norm(const ref_call *c)
{
    int64_t n = ref_dim(c, "rows") * ref_dim(c, "groups");
    int64_t cols = ref_dim(c, "cols");
    const double *w = c->in[1];
    for (int64_t r = 0; r < n; r++) {
        const double *x = c->in[0] + r * cols;
        double mean = 0.0;
        for (int64_t k = 0; k < cols; k++)
            mean += x[k] * x[k] / (double)cols;
        double rstd = 1.0 / sqrt(mean + c->scalar[0]);
        for (int64_t k = 0; k < cols; k++)
            c->out[0][r * cols + k] = x[k] * w[k] * rstd;
        c->out[1][r] = rstd;
    }
}

/* h = dy w,  dx[c] = rstd (h[c] - x[c] rstd^2 mean(h x)) */
void ref_rms_norm_dx(const ref_call *c)
{
    int64_t n = ref_dim(c, "rows") * ref_dim(c, "groups");
    int64_t cols = ref_dim(c, "cols");
    const double *w = c->in[2];
    for (int64_t r = 0; r < n; r++) {
        const double *dy = c->in[0] + r * cols;
        const double *x = c->in[1] + r * cols;
        double rstd = c->in[3][r];
        double mean = 0.0;
        for (int64_t k = 0; k < cols; k++)
            mean += dy[k] * w[k] * x[k] / (double)cols;
        for (int64_t k = 0; k < cols; k++)
            c->out[0][r * cols + k] =
                rstd * (dy[k] * w[k] - x[k] * rstd * rstd * mean);
    }
}

/* part[p,c] = sum of dy x rstd over the p-th of PARTS runs of rows */
void ref_rms_norm_dw_part(const ref_call *c)
{
    int64_t rows = ref_dim(c, "rows"), groups = ref_dim(c, "groups");
    int64_t cols = ref_dim(c, "cols");
    int64_t run = (rows + KERN_PARTS - 1) / KERN_PARTS;
    for (int64_t i = 0; i < KERN_PARTS * cols; i++)
        c->out[0][i] = 0.0;
    for (int64_t i = 0; i < rows * groups; i++)
        for (int64_t k = 0; k < cols; k++)
            c->out[0][i / groups / run * cols + k] +=
                c->in[0][i * cols + k] * c->in[1][i * cols + k] * c->in[2][i];
}

/* rstd = 1 / sqrt(mean_c (x[c] - mean)^2 + eps),
 * y[c] = (x[c] - mean) rstd w[c] + b[c]
 * x, y [rows, cols], w, b [cols], mean, rstd [rows] */
void ref_layer_norm(const ref_call *c)
{
    int64_t rows = ref_dim(c, "rows"), cols = ref_dim(c, "cols");
    const double *w = c->in[1], *b = c->in[2];
    for (int64_t r = 0; r < rows; r++) {
        const double *x = c->in[0] + r * cols;
        double mean = 0.0, var = 0.0;
        for (int64_t k = 0; k < cols; k++)
            mean += x[k] / (double)cols;
        for (int64_t k = 0; k < cols; k++)
            var += (x[k] - mean) * (x[k] - mean) / (double)cols;
        double rstd = 1.0 / sqrt(var + c->scalar[0]);
        for (int64_t k = 0; k < cols; k++)
            c->out[0][r * cols + k] = (x[k] - mean) * rstd * w[k] + b[k];
        c->out[1][r] = mean;
        c->out[2][r] = rstd;
    }
}

/* z = (x - mean) rstd, h = dy w,
 * dx[c] = rstd (h[c] - mean(h) - z[c] mean(h z)) */
void ref_layer_norm_dx(const ref_call *c)
{
    int64_t rows = ref_dim(c, "rows"), cols = ref_dim(c, "cols");
    const double *w = c->in[2];
    for (int64_t r = 0; r < rows; r++) {
        const double *dy = c->in[0] + r * cols;
        const double *x = c->in[1] + r * cols;
        double mean = c->in[3][r], rstd = c->in[4][r];
        double mean_h = 0.0, mean_hz = 0.0;
        for (int64_t k = 0; k < cols; k++) {
            mean_h += dy[k] * w[k] / (double)cols;
            mean_hz += dy[k] * w[k] * (x[k] - mean) * rstd / (double)cols;
        }
        for (int64_t k = 0; k < cols; k++)
            c->out[0][r * cols + k] =
                rstd * (dy[k] * w[k] - mean_h
                        - (x[k] - mean) * rstd * mean_hz);
    }
}

/* part[p,c] = sum of dy z over the p-th of PARTS runs of rows */
void ref_layer_norm_dw_part(const ref_call *c)
{
    int64_t rows = ref_dim(c, "rows"), cols = ref_dim(c, "cols");
    int64_t run = (rows + KERN_PARTS - 1) / KERN_PARTS;
    for (int64_t i = 0; i < KERN_PARTS * cols; i++)
        c->out[0][i] = 0.0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < cols; k++)
            c->out[0][r / run * cols + k] +=
                c->in[0][r * cols + k] *
                (c->in[1][r * cols + k] - c->in[2][r]) * c->in[3][r];
}

/* The pair (x[j], x[j + A]) turned by the angle of (cos, sin) = angles[t,:,j],
 * the other way round when sign is -1
 * x, y [T, H, D], angles [T, 2, A], D = 2 A */
void ref_rope(const ref_call *c)
{
    int64_t n_t = ref_dim(c, "T"), n_h = ref_dim(c, "H");
    int64_t n_a = ref_dim(c, "A");
    double sign = c->scalar[0];
    for (int64_t t = 0; t < n_t; t++) {
        const double *cosine = c->in[1] + t * 2 * n_a;
        const double *sine = cosine + n_a;
        for (int64_t h = 0; h < n_h; h++) {
            const double *x = c->in[0] + (t * n_h + h) * 2 * n_a;
            double *y = c->out[0] + (t * n_h + h) * 2 * n_a;
            for (int64_t j = 0; j < n_a; j++) {
                y[j] = x[j] * cosine[j] - sign * x[j + n_a] * sine[j];
                y[j + n_a] = x[j + n_a] * cosine[j] + sign * x[j] * sine[j];
            }
        }
    }
}
