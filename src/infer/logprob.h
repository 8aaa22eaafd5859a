/* logprob.h - how probable the model held a token, and which it held most
 *
 * Of the model's own distribution: the softmax of its logits at temperature 1,
 * before penalties, filters and masks. So a token that was drawn behind those
 * may have any probability.
 */
#ifndef QVL_INFER_LOGPROB_H
#define QVL_INFER_LOGPROB_H

#include <stdint.h>

#define QVL_MAX_TOP_LOGPROBS 20

typedef struct {
    int64_t id;
    double value;  // natural logarithm; -INFINITY: of probability 0, or NaN
} qvl_logprob;

/* out [1 + n_top]: token id, then the n_top most probable, best first, equal
 * ones by id. logit [vocab], 0 <= n_top <= vocab and QVL_MAX_TOP_LOGPROBS. */
void qvl_logprobs(qvl_logprob *out, const float *logit, int vocab, int64_t id,
                  int n_top);

#endif
