/* sched.h - the rate as a function of the step
 *
 * The rate of a group in optimizer step k (0 for the first) is its own rate
 * times factor(k). The factor depends on nothing but k, except that
 * reduce_lr_on_plateau also listens to evaluations.
 *
 *     T  max_steps      W  warmup_steps, or ceil(T * warmup_ratio)
 *     p = (k - W) / max(1, T - W)      before W: k / max(1, W), unless said
 *
 *     linear                max(0, (T - k) / max(1, T - W))
 *     cosine                max(0, (1 + cos(2 pi c p)) / 2), c = 0.5
 *     cosine_with_restarts  p >= 1: 0; max(0, (1 + cos(pi frac(c p))) / 2), c = 1
 *     polynomial            ((lr - end) (1 - p)^power + end) / lr; k > T: end / lr
 *     constant              1, from the first step
 *     constant_with_warmup  1
 *     inverse_sqrt          1 / sqrt((k + ts - W) / ts), ts = W or 10000
 *     cosine_with_min_lr    f (1 - m) + m, f as cosine, m = min_lr / lr
 *     cosine_warmup_with_min_lr
 *                           k < W: (k + 1) / max(1, W), or from r:
 *                             r + (1 - r) k / max(1, W - 1)
 *                           f (1 - m) + m with p = min(1, (k - W + 1) / (T - W))
 *     warmup_stable_decay   1 for S steps, then D steps down to m, then m
 *     reduce_lr_on_plateau  falls by `factor` after more than `patience`
 *                           evaluations without progress; no warmup
 */
#ifndef QVL_TRAIN_SCHED_H
#define QVL_TRAIN_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "qvl_train.h"

/* What reduce_lr_on_plateau remembers; the others leave it as it starts. */
typedef struct {
    double scale;    // 1 at the start
    double best;     // not finite before the first evaluation
    int64_t n_bad;   // evaluations since without progress
} qvl_sched_memory;

typedef struct {
    int kind;            // place in the table of types
    int64_t n_warmup;
    double floor;        // m
    double cycles;
    double timescale;
    int64_t n_stable, n_decay;
    int decay;           // place in the table of shapes
    const qvl_train_options *o;  // borrowed; texts are not read again
    qvl_sched_memory memory;
} qvl_sched;

/* Resolve what the options say of the schedule; their numbers are those that
 * qvl_run_options_check lets through. They are borrowed as long as the schedule
 * is used, but for their texts. Fails with QVL_E_CONFIG: an unknown type or
 * shape, min_lr above learning_rate, min_lr_rate above 1, lr_end not below
 * learning_rate, both or neither of min_lr and min_lr_rate where one is needed,
 * decay steps that do not fit. */
int qvl_sched_init(qvl_sched *s, const qvl_train_options *o, qvl_err *err);

/* factor(k), k >= 0. */
double qvl_sched_factor(const qvl_sched *s, int64_t k);

/* An evaluation; progress is more than 1e-4 of the best. A value that is not finite
 * is none. */
void qvl_sched_metric(qvl_sched *s, double value);

/* Name of the type. */
const char *qvl_sched_name(const qvl_sched *s);

#endif
