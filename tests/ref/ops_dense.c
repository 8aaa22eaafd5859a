/* ops_dense.c - elementwise functions, products, sums over rows */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "ref/ops.h"

/* ---- functions of one number ---- */

static const double pi = 3.14159265358979323846;

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* P(X <= x) of the normal distribution, and its density. */
static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

static double normal_pdf(double x)
{
    return exp(-0.5 * x * x) / sqrt(2.0 * pi);
}

/* u = sqrt(2 / pi) (x + 0.044715 x^3) and du / dx */
static double gelu_u(double x)
{
    return sqrt(2.0 / pi) * (x + 0.044715 * x * x * x);
}

static double gelu_du(double x)
{
    return sqrt(2.0 / pi) * (1.0 + 3.0 * 0.044715 * x * x);
}

double ref_function(const char *name, double x)
{
    double s = sigmoid(x);
    double t = tanh(gelu_u(x));
    if (strcmp(name, "silu") == 0)
        return x * s;
    if (strcmp(name, "dsilu") == 0)
        return s + x * s * (1.0 - s);
    if (strcmp(name, "gelu_tanh") == 0)
        return 0.5 * x * (1.0 + t);
    if (strcmp(name, "dgelu_tanh") == 0)
        return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * gelu_du(x);
    if (strcmp(name, "gelu_erf") == 0)
        return x * normal_cdf(x);
    if (strcmp(name, "dgelu_erf") == 0)
        return normal_cdf(x) + x * normal_pdf(x);
    if (strcmp(name, "sigmoid") == 0)
        return s;
    if (strcmp(name, "tanh") == 0)
        return tanh(x);
    if (strcmp(name, "exp") == 0)
        return exp(x);
    assert(!"an elementwise function without a reference");
    return NAN;
}

/* ---- map, zero ---- */

/* y = 0: what is stored is the op's expression (interp.c). */
void ref_map(const ref_call *c)
{
    int64_t n = ref_dim(c, "rows") * ref_dim(c, "cols");
    for (int64_t i = 0; i < n; i++)
        c->out[0][i] = 0.0;
}

void ref_zero(const ref_call *c)
{
    for (int64_t i = 0; i < ref_dim(c, "n"); i++)
        c->out[0][i] = 0.0;
}

/* ---- sums over rows ---- */

/* part[p,c] = sum of x[r,c] over the p-th of PARTS runs of rows */
void ref_col_sum_part(const ref_call *c)
{
    int64_t rows = ref_dim(c, "rows"), cols = ref_dim(c, "cols");
    int64_t run = (rows + KERN_PARTS - 1) / KERN_PARTS;
    for (int64_t i = 0; i < KERN_PARTS * cols; i++)
        c->out[0][i] = 0.0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < cols; k++)
            c->out[0][r / run * cols + k] += c->in[0][r * cols + k];
}

/* y[c] = sum_p part[p,c] */
void ref_sum_rows(const ref_call *c)
{
    int64_t parts = ref_dim(c, "parts"), cols = ref_dim(c, "cols");
    for (int64_t k = 0; k < cols; k++) {
        double sum = 0.0;
        for (int64_t p = 0; p < parts; p++)
            sum += c->in[0][p * cols + k];
        c->out[0][k] = sum;
    }
}

/* ---- products ---- */

/* y[r,n] = sum_k x[r,k] w[n,k] */
void ref_matmul_nt(const ref_call *c)
{
    int64_t rows = ref_dim(c, "rows"), n_k = ref_dim(c, "K");
    int64_t n_n = ref_dim(c, "N");
    for (int64_t r = 0; r < rows; r++)
        for (int64_t n = 0; n < n_n; n++) {
            double sum = 0.0;
            for (int64_t k = 0; k < n_k; k++)
                sum += c->in[0][r * n_k + k] * c->in[1][n * n_k + k];
            c->out[0][r * n_n + n] = sum;
        }
}

/* y[r,k] = sum_n x[r,n] w[n,k] */
void ref_matmul_nn(const ref_call *c)
{
    int64_t rows = ref_dim(c, "rows"), n_k = ref_dim(c, "K");
    int64_t n_n = ref_dim(c, "N");
    for (int64_t r = 0; r < rows; r++) {
        double *y = c->out[0] + r * n_k;
        for (int64_t k = 0; k < n_k; k++)
            y[k] = 0.0;
        for (int64_t n = 0; n < n_n; n++)
            for (int64_t k = 0; k < n_k; k++)
                y[k] += c->in[0][r * n_n + n] * c->in[1][n * n_k + k];
    }
}

/* z[n,k] = sum_r x[r,n] y[r,k] */
void ref_matmul_tn(const ref_call *c)
{
    int64_t rows = ref_dim(c, "rows"), n_k = ref_dim(c, "K");
    int64_t n_n = ref_dim(c, "N");
    for (int64_t n = 0; n < n_n; n++) {
        double *z = c->out[0] + n * n_k;
        for (int64_t k = 0; k < n_k; k++)
            z[k] = 0.0;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t k = 0; k < n_k; k++)
                z[k] += c->in[0][r * n_n + n] * c->in[1][r * n_k + k];
    }
}
