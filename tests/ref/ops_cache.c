/* ops_cache.c - keys and values kept between runs
 *
 * A cache is S slots of [G, D]. Key j of a sequence whose block table starts at
 * entry e, with blocks of n slots, is in slot  block[e + j / n] n + j % n.
 */
#include <math.h>

#include "ref/ops.h"

/* cache[slot[t]] = x[t], a negative slot keeping nothing; the rest of the cache
 * stays as it was
 * x [T, G, D], slot [T], cache [S, G, D] */
void ref_cache_put(const ref_call *c)
{
    int64_t row = ref_dim(c, "G") * ref_dim(c, "D");
    for (int64_t t = 0; t < ref_dim(c, "T"); t++) {
        int64_t n = (int64_t)c->in[1][t];
        for (int64_t i = 0; n >= 0 && i < row; i++)
            c->out[0][n * row + i] = c->in[0][t * row + i];
    }
}

/* First element of key j of token t, for key head g. */
static int64_t place_of(const ref_call *c, int64_t t, int64_t j, int64_t g)
{
    const double *range = c->in[3] + 4 * t, *block = c->in[4];
    int64_t table = (int64_t)range[2], size = (int64_t)range[3];
    int64_t slot = (int64_t)block[table + j / size] * size + j % size;
    return (slot * ref_dim(c, "G") + g) * ref_dim(c, "D");
}

static double score(const ref_call *c, const double *q, int64_t place)
{
    double sum = 0.0;
    for (int64_t d = 0; d < ref_dim(c, "D"); d++)
        sum += q[d] * c->in[1][place + d];
    return c->scalar[0] * sum;
}

/* o = sum_j p[j] v[j],  p = softmax of  scale q . k[j]  over kv_lo <= j < kv_hi;
 * 0 where there is no key
 * q, o [T, H, D], k, v [S, G, D], range [T, 4], block [B] */
void ref_attention_cached(const ref_call *c)
{
    int64_t n_h = ref_dim(c, "H"), n_d = ref_dim(c, "D");
    int64_t group = n_h / ref_dim(c, "G");
    for (int64_t t = 0; t < ref_dim(c, "T"); t++)
        for (int64_t h = 0; h < n_h; h++) {
            const double *q = c->in[0] + (t * n_h + h) * n_d;
            double *o = c->out[0] + (t * n_h + h) * n_d;
            int64_t lo = (int64_t)c->in[3][4 * t];
            int64_t hi = (int64_t)c->in[3][4 * t + 1];
            double top = -INFINITY, sum = 0.0;
            for (int64_t j = lo; j < hi; j++)
                top = fmax(top, score(c, q, place_of(c, t, j, h / group)));
            for (int64_t d = 0; d < n_d; d++)
                o[d] = 0.0;
            for (int64_t j = lo; j < hi; j++) {
                int64_t place = place_of(c, t, j, h / group);
                double p = exp(score(c, q, place) - top);
                sum += p;
                for (int64_t d = 0; d < n_d; d++)
                    o[d] += p * c->in[2][place + d];
            }
            for (int64_t d = 0; d < n_d && lo < hi; d++)
                o[d] /= sum;
        }
}
