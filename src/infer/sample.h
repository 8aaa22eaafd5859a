/* sample.h - a token from the logits of its place
 *
 * In this order, all in f32 but the sums: repetition penalty (over prompt and
 * answer), presence and frequency penalties (over the answer), ban of n-grams,
 * tokens allowed, temperature, top-k, top-p, min-p, draw. Equal logits go by id,
 * lowest first. Where the ban leaves no allowed token it is not heeded.
 *
 * A draw depends on the key and the place of the token alone: not on what else
 * is in a batch, nor on the order in which answers are made.
 */
#ifndef QVL_INFER_SAMPLE_H
#define QVL_INFER_SAMPLE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define QVL_GREEDY_BELOW 1e-3  // temperatures below are greedy

typedef struct {
    double temperature;         // below QVL_GREEDY_BELOW: the largest logit
    double top_p;               // (0, 1]
    int top_k;                  // 0: off
    double min_p;               // [0, 1]
    double repetition_penalty;  // > 0; 1: off
    int no_repeat_ngram;        // 0: off
    double presence_penalty;    // [-2, 2]
    double frequency_penalty;   // [-2, 2]
    uint64_t key;               // of the stream of random numbers
} qvl_sampling;

/* Greedy, nothing penalised. */
qvl_sampling qvl_sampling_greedy(void);

/* Fails with QVL_E_USAGE naming what is out of its range. */
int qvl_sampling_check(const qvl_sampling *s, qvl_err *err);

/* The next token behind token [n], of which the first n_prompt were asked; *s is as
 * qvl_sampling_check lets it through. logit [vocab] is changed. Only tokens whose
 * bit in `allowed` [vocab] is set are taken, the lowest bit of a word first; NULL:
 * any, otherwise at least one is set. Memory comes from the arena. A logit that is
 * NaN never wins; when all are, the answer is the lowest id allowed. */
int64_t qvl_sample(const qvl_sampling *s, float *logit, int vocab,
                   const int64_t *token, int n, int n_prompt,
                   const uint64_t *allowed, qvl_arena *arena);

#endif
