/* ops_table.c - sums of rows of a table, and the loss */
#include <math.h>

#include "ref/ops.h"

/* y[r] = sum_k weight[r,k] x[index[r,k]], a negative index counting as 0
 * x [N, cols], index and weight [rows, K], y [rows, cols] */
void ref_lookup(const ref_call *c)
{
    int64_t rows = ref_dim(c, "rows"), cols = ref_dim(c, "cols");
    int64_t n_k = ref_dim(c, "K");
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < cols; i++) {
            double sum = 0.0;
            for (int64_t k = 0; k < n_k; k++) {
                int64_t n = (int64_t)c->in[1][r * n_k + k];
                if (n >= 0)
                    sum += c->in[2][r * n_k + k] * c->in[0][n * cols + i];
            }
            c->out[0][r * cols + i] = sum;
        }
}

/* dx[n] = sum of weight[e] dy[e / K] over entry[start[n] .. start[n + 1])
 * dy [rows, cols], weight and entry [rows, K], start [N + 1], dx [N, cols] */
void ref_lookup_dx(const ref_call *c)
{
    int64_t cols = ref_dim(c, "cols"), n_k = ref_dim(c, "K");
    for (int64_t n = 0; n < ref_dim(c, "N"); n++)
        for (int64_t i = 0; i < cols; i++) {
            double sum = 0.0;
            for (double s = c->in[2][n]; s < c->in[2][n + 1]; s++) {
                int64_t e = (int64_t)c->in[3][(int64_t)s];
                sum += c->in[1][e] * c->in[0][e / n_k * cols + i];
            }
            c->out[0][n * cols + i] = sum;
        }
}

/* lse = log sum_c e^logits[c],  stat = { lse - logits[label], argmax == label },
 * dlogits[c] = scale (e^(logits[c] - lse) - (c == label))
 * A negative label does not count; of several maxima the first is taken.
 * logits, dlogits [rows, V], label [rows, 1], scale [1], stat [rows, 2] */
void ref_cross_entropy(const ref_call *c)
{
    int64_t rows = ref_dim(c, "rows"), n_v = ref_dim(c, "V");
    for (int64_t r = 0; r < rows; r++) {
        const double *x = c->in[0] + r * n_v;
        int64_t label = (int64_t)c->in[1][r];
        double *stat = c->out[0] + 2 * r;
        double *dx = c->out[1] + r * n_v;
        int64_t top = 0;
        double sum = 0.0;
        for (int64_t i = 1; i < n_v; i++)
            top = x[i] > x[top] ? i : top;
        for (int64_t i = 0; i < n_v; i++)
            sum += exp(x[i] - x[top]);
        double lse = x[top] + log(sum);
        stat[0] = label < 0 ? 0.0 : lse - x[label];
        stat[1] = label >= 0 && top == label ? 1.0 : 0.0;
        for (int64_t i = 0; i < n_v; i++) {
            double d = exp(x[i] - lse) - (i == label ? 1.0 : 0.0);
            dx[i] = label < 0 ? 0.0 : c->in[2][0] * d;
        }
    }
}
