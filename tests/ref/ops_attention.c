/* ops_attention.c - attention with all scores in memory
 *
 *     s[i,j] = scale q[i] . k[j],  p = softmax of row i over its keys,  o = p v
 *
 * The keys of query i are kv_lo <= j < kv_hi of range[i]. That key j is looked
 * for among the queries q_lo <= i < q_hi is a promise of the input, not needed
 * here. Head h reads key head h / (H / G).
 */
#include <math.h>
#include <stdbool.h>

#include "ref/ops.h"

typedef struct {
    int64_t T, H, G, D;
    const double *q, *k, *v, *range;
    double scale;
} heads;

static heads heads_of(const ref_call *c)
{
    return (heads){ .T = ref_dim(c, "T"), .H = ref_dim(c, "H"),
                    .G = ref_dim(c, "G"), .D = ref_dim(c, "D"),
                    .q = c->in[0], .k = c->in[1], .v = c->in[2],
                    .range = c->in[3], .scale = c->scalar[0] };
}

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* First element of row t of head h among n heads. */
static int64_t at(const heads *a, int64_t t, int64_t h, int64_t n)
{
    return (t * n + h) * a->D;
}

static int64_t key_head(const heads *a, int64_t h)
{
    return h / (a->H / a->G);
}

static double score(const heads *a, int64_t i, int64_t j, int64_t h)
{
    return a->scale * dot(a->q + at(a, i, h, a->H),
                          a->k + at(a, j, key_head(a, h), a->G), a->D);
}

static int64_t first_key(const heads *a, int64_t i)
{
    return (int64_t)a->range[4 * i];
}

static int64_t end_key(const heads *a, int64_t i)
{
    return (int64_t)a->range[4 * i + 1];
}

void ref_attention(const ref_call *c)
{
    heads a = heads_of(c);
    for (int64_t i = 0; i < a.T; i++)
        for (int64_t h = 0; h < a.H; h++) {
            double top = -INFINITY, sum = 0.0;
            double *o = c->out[0] + at(&a, i, h, a.H);
            for (int64_t j = first_key(&a, i); j < end_key(&a, i); j++)
                top = fmax(top, score(&a, i, j, h));
            for (int64_t j = first_key(&a, i); j < end_key(&a, i); j++)
                sum += exp(score(&a, i, j, h) - top);
            bool any = first_key(&a, i) < end_key(&a, i);
            double lse = any ? top + log(sum) : -1e30;
            for (int64_t d = 0; d < a.D; d++)
                o[d] = 0.0;
            for (int64_t j = first_key(&a, i); j < end_key(&a, i); j++) {
                double p = exp(score(&a, i, j, h) - lse);
                for (int64_t d = 0; d < a.D; d++)
                    o[d] += p * a.v[at(&a, j, key_head(&a, h), a.G) + d];
            }
            c->out[1][i * a.H + h] = lse;
        }
}

/* delta[i,h] = do[i,h] . o[i,h] */
void ref_attention_delta(const ref_call *c)
{
    int64_t n = ref_dim(c, "T") * ref_dim(c, "H"), D = ref_dim(c, "D");
    for (int64_t i = 0; i < n; i++)
        c->out[0][i] = dot(c->in[0] + i * D, c->in[1] + i * D, D);
}

/* p[i,j] and ds[i,j] = p (do[i] . v[j] - delta[i]) */
static void backward(const heads *a, const ref_call *c, int64_t i, int64_t j,
                     int64_t h, double *p, double *ds)
{
    const double *dy = c->in[4] + at(a, i, h, a->H);
    *p = exp(score(a, i, j, h) - c->in[5][i * a->H + h]);
    *ds = *p * (dot(dy, a->v + at(a, j, key_head(a, h), a->G), a->D)
                - c->in[6][i * a->H + h]);
}

/* dq[i] = scale sum_j ds[i,j] k[j] */
void ref_attention_dq(const ref_call *c)
{
    heads a = heads_of(c);
    for (int64_t i = 0; i < a.T * a.H * a.D; i++)
        c->out[0][i] = 0.0;
    for (int64_t i = 0; i < a.T; i++)
        for (int64_t h = 0; h < a.H; h++)
            for (int64_t j = first_key(&a, i); j < end_key(&a, i); j++) {
                double p, ds;
                backward(&a, c, i, j, h, &p, &ds);
                for (int64_t d = 0; d < a.D; d++)
                    c->out[0][at(&a, i, h, a.H) + d] += a.scale * ds *
                        a.k[at(&a, j, key_head(&a, h), a.G) + d];
            }
}

/* dk[j] = scale sum_i ds[i,j] q[i],  dv[j] = sum_i p[i,j] do[i], over the query
 * heads that share a key head as well */
void ref_attention_dkv(const ref_call *c)
{
    heads a = heads_of(c);
    for (int64_t i = 0; i < a.T * a.G * a.D; i++)
        c->out[0][i] = c->out[1][i] = 0.0;
    for (int64_t i = 0; i < a.T; i++)
        for (int64_t h = 0; h < a.H; h++)
            for (int64_t j = first_key(&a, i); j < end_key(&a, i); j++) {
                double p, ds;
                int64_t to = at(&a, j, key_head(&a, h), a.G);
                int64_t from = at(&a, i, h, a.H);
                backward(&a, c, i, j, h, &p, &ds);
                for (int64_t d = 0; d < a.D; d++) {
                    c->out[0][to + d] += a.scale * ds * a.q[from + d];
                    c->out[1][to + d] += p * c->in[4][from + d];
                }
            }
}
