/* logprob.c - one pass for the sum, one for the best */
#include "infer/logprob.h"

#include <assert.h>
#include <math.h>

/* log sum_i exp(logit[i]), without what is NaN. */
static double log_sum(const float *logit, int vocab)
{
    double most = -INFINITY, sum = 0.0;
    for (int i = 0; i < vocab; i++)
        if ((double)logit[i] > most)
            most = (double)logit[i];
    if (isinf(most))
        return most;
    for (int i = 0; i < vocab; i++)
        if (!isnan(logit[i]))
            sum += exp((double)logit[i] - most);
    return most + log(sum);
}

static double relative(float logit, double all)
{
    if (isnan(logit) || (double)logit == -INFINITY)
        return -INFINITY;
    if (isinf(all))
        return isinf(logit) ? 0.0 : -INFINITY;
    return (double)logit - all;
}

void qvl_logprobs(qvl_logprob *out, const float *logit, int vocab, int64_t id,
                  int n_top)
{
    assert(id >= 0 && id < vocab && n_top >= 0 && n_top <= vocab);
    assert(n_top <= QVL_MAX_TOP_LOGPROBS);
    double all = log_sum(logit, vocab);
    qvl_logprob *top = out + 1;
    int n = 0;
    out[0] = (qvl_logprob){ id, relative(logit[id], all) };
    for (int i = 0; i < vocab && n_top > 0; i++) {
        double value = relative(logit[i], all);
        if (n == n_top && !(value > top[n - 1].value))
            continue;
        n += n < n_top;
        int k = n - 1;
        for (; k > 0 && value > top[k - 1].value; k--)
            top[k] = top[k - 1];
        top[k] = (qvl_logprob){ i, value };
    }
}
