/* ops_experts.c - layers of experts: choice, order of the uses, products, sum
 *
 * T tokens choose K of E experts: S = T K uses. Sorted by expert, use order[p]
 * stands at place p; place[t,k] = p turns it round.
 */
#include <math.h>
#include <stdbool.h>

#include "ref/ops.h"

/* Expert e of token t comes before expert f. */
static bool is_before(const double *logits, int64_t e, int64_t f)
{
    return logits[e] > logits[f] || (logits[e] == logits[f] && e < f);
}

/* expert[t,:] = the K first experts by falling logit,
 * weight[t,:] = softmax of their logits */
void ref_route(const ref_call *c)
{
    int64_t n_e = ref_dim(c, "E"), n_k = ref_dim(c, "K");
    for (int64_t t = 0; t < ref_dim(c, "T"); t++) {
        const double *logits = c->in[0] + t * n_e;
        double *weight = c->out[0] + t * n_k, *expert = c->out[1] + t * n_k;
        double sum = 0.0;
        for (int64_t e = 0; e < n_e; e++) {
            int64_t rank = 0;
            for (int64_t f = 0; f < n_e; f++)
                rank += is_before(logits, f, e);
            if (rank < n_k)
                expert[rank] = (double)e;
        }
        for (int64_t k = 0; k < n_k; k++) {
            weight[k] = exp(logits[(int64_t)expert[k]]
                            - logits[(int64_t)expert[0]]);
            sum += weight[k];
        }
        for (int64_t k = 0; k < n_k; k++)
            weight[k] /= sum;
    }
}

/* dlogits of choice k = w_k (dw_k - sum_j w_j dw_j), of other experts 0 */
void ref_route_dx(const ref_call *c)
{
    int64_t n_e = ref_dim(c, "E"), n_k = ref_dim(c, "K");
    for (int64_t t = 0; t < ref_dim(c, "T"); t++) {
        const double *w = c->in[0] + t * n_k, *dw = c->in[2] + t * n_k;
        double *dx = c->out[0] + t * n_e;
        double mean = 0.0;
        for (int64_t k = 0; k < n_k; k++)
            mean += w[k] * dw[k];
        for (int64_t e = 0; e < n_e; e++)
            dx[e] = 0.0;
        for (int64_t k = 0; k < n_k; k++)
            dx[(int64_t)c->in[1][t * n_k + k]] = w[k] * (dw[k] - mean);
    }
}

/* start[e] = uses of experts below e; the uses of an expert keep their order */
void ref_sort_uses(const ref_call *c)
{
    int64_t n_s = ref_dim(c, "S"), at = 0;
    for (int64_t e = 0; e < ref_dim(c, "E1"); e++) {
        c->out[0][e] = (double)at;
        for (int64_t s = 0; s < n_s; s++)
            if (c->in[0][s] == (double)e) {
                c->out[1][at] = (double)s;
                c->out[2][s] = (double)at;
                at++;
            }
    }
}

/* Expert of place p. */
static int64_t expert_at(const double *start, int64_t p)
{
    int64_t e = 0;
    while (start[e + 1] <= (double)p)
        e++;
    return e;
}

/* Row of x that the use at place p reads: its token's, or the place itself. */
static int64_t row_at(const ref_call *c, const double *order, int64_t p)
{
    int64_t uses = ref_dim(c, "S") / ref_dim(c, "rows");
    return order ? (int64_t)order[p] / uses : p;
}

/* y[p,n] = sum_c w[e(p),n,c] x[row(p),c] */
void ref_expert_nt(const ref_call *c)
{
    int64_t n_n = ref_dim(c, "N"), n_c = ref_dim(c, "C");
    for (int64_t p = 0; p < ref_dim(c, "S"); p++) {
        const double *x = c->in[0] + row_at(c, c->in[3], p) * n_c;
        for (int64_t n = 0; n < n_n; n++) {
            const double *w =
                c->in[1] + (expert_at(c->in[2], p) * n_n + n) * n_c;
            double sum = 0.0;
            for (int64_t i = 0; i < n_c; i++)
                sum += w[i] * x[i];
            c->out[0][p * n_n + n] = sum;
        }
    }
}

/* dx[p,c] = sum_n dy[p,n] w[e(p),n,c] */
void ref_expert_nn(const ref_call *c)
{
    int64_t n_n = ref_dim(c, "N"), n_c = ref_dim(c, "C");
    for (int64_t p = 0; p < ref_dim(c, "S"); p++)
        for (int64_t i = 0; i < n_c; i++) {
            const double *w = c->in[1] + expert_at(c->in[2], p) * n_n * n_c;
            double sum = 0.0;
            for (int64_t n = 0; n < n_n; n++)
                sum += c->in[0][p * n_n + n] * w[n * n_c + i];
            c->out[0][p * n_c + i] = sum;
        }
}

/* dw[e,n,c] = sum over the places p of e of dy[p,n] x[row(p),c] */
void ref_expert_tn(const ref_call *c)
{
    int64_t n_n = ref_dim(c, "N"), n_c = ref_dim(c, "C");
    for (int64_t i = 0; i < ref_dim(c, "E") * n_n * n_c; i++)
        c->out[0][i] = 0.0;
    for (int64_t p = 0; p < ref_dim(c, "S"); p++) {
        const double *x = c->in[1] + row_at(c, c->in[3], p) * n_c;
        double *dw = c->out[0] + expert_at(c->in[2], p) * n_n * n_c;
        for (int64_t n = 0; n < n_n; n++)
            for (int64_t i = 0; i < n_c; i++)
                dw[n * n_c + i] += c->in[0][p * n_n + n] * x[i];
    }
}

/* z[t,c] = sum_k weight[t,k] y[place[t,k],c], weights 1 when there are none */
void ref_combine(const ref_call *c)
{
    int64_t n_t = ref_dim(c, "T"), n_k = ref_dim(c, "K");
    int64_t cols = ref_dim(c, "cols");
    for (int64_t t = 0; t < n_t; t++)
        for (int64_t i = 0; i < cols; i++) {
            double sum = 0.0;
            for (int64_t k = 0; k < n_k; k++) {
                double w = c->in[1] ? c->in[1][t * n_k + k] : 1.0;
                int64_t p = (int64_t)c->in[2][t * n_k + k];
                sum += w * c->in[0][p * cols + i];
            }
            c->out[0][t * cols + i] = sum;
        }
}

/* dy[p,c] = weight of use order[p] times dz of its token */
void ref_combine_dy(const ref_call *c)
{
    int64_t n_s = ref_dim(c, "S"), cols = ref_dim(c, "cols");
    for (int64_t p = 0; p < n_s; p++) {
        int64_t use = (int64_t)c->in[2][p];
        int64_t t = use / (n_s / ref_dim(c, "T"));
        for (int64_t i = 0; i < cols; i++)
            c->out[0][p * cols + i] = c->in[1][use] * c->in[0][t * cols + i];
    }
}

/* dweight[t,k] = dz[t] . y[place[t,k]] */
void ref_combine_dw(const ref_call *c)
{
    int64_t n_k = ref_dim(c, "K"), cols = ref_dim(c, "cols");
    for (int64_t use = 0; use < ref_dim(c, "T") * n_k; use++) {
        int64_t p = (int64_t)c->in[2][use];
        double sum = 0.0;
        for (int64_t i = 0; i < cols; i++)
            sum += c->in[0][use / n_k * cols + i] * c->in[1][p * cols + i];
        c->out[0][use] = sum;
    }
}
