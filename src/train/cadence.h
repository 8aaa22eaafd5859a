/* cadence.h - when a run logs, evaluates, saves and stops
 *
 * A state machine without a clock: rules from the configuration, a state that
 * goes into checkpoints, and questions. Whoever asks the same questions gets
 * the same answers, so a run that was taken up decides as one that never
 * stopped.
 *
 * The save delay: before it is over no checkpoint is due and no evaluation
 * becomes the best. When it is over the best is forgotten, so the next evaluation
 * is the best.
 */
#ifndef QVL_TRAIN_CADENCE_H
#define QVL_TRAIN_CADENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/node.h"
#include "base/str.h"
#include "config/run_config.h"

typedef struct {
    int64_t max_steps;
    int64_t logging_steps;
    bool logs_first;
    int eval_when;  // QVL_WHEN_*
    int64_t eval_steps;
    double eval_delay;  // steps, or epochs when by epoch
    int save_when;      // QVL_WHEN_*
    int64_t save_steps;
    int64_t delay_steps;  // <= 0: none
    double delay_epochs;  // <= 0 or with delay_steps: none
    bool is_greater_better;
    int stop_after;  // evaluations without progress, 0: never
} qvl_cadence;

/* Goes into checkpoints. A zeroed struct is the start of a run. */
typedef struct {
    bool has_best;
    double best_metric;
    int64_t best_step;
    int n_worse;          // evaluations since the best
    bool has_left_delay;  // the best was forgotten for it
} qvl_cadence_state;

/* Rules of a configuration for a run of max_steps > 0; shares of steps become
 * numbers, at least 1. */
qvl_cadence qvl_cadence_of(const qvl_run_config *c, int64_t max_steps);

/* Where a run stands: steps done, epochs done, does an epoch end here. */
typedef struct {
    int64_t step;
    double epoch;
    bool is_epoch_end;
} qvl_cadence_at;

bool qvl_cadence_logs(const qvl_cadence *c, const qvl_cadence_at *at);
bool qvl_cadence_evaluates(const qvl_cadence *c, const qvl_cadence_at *at);

/* Take the result of an evaluation; is it the best so far? NaN never is. */
bool qvl_cadence_judge(const qvl_cadence *c, qvl_cadence_state *state,
                       const qvl_cadence_at *at, double metric);

/* Is a checkpoint due? `is_best`: an evaluation of this step was the best. */
bool qvl_cadence_saves(const qvl_cadence *c, const qvl_cadence_at *at,
                       bool is_best);

/* Have there been too many evaluations without progress? */
bool qvl_cadence_stops(const qvl_cadence *c, const qvl_cadence_state *state);

/* The state as JSON, appended, and back. Fails with QVL_E_FORMAT, also for NULL. */
void qvl_cadence_put(qvl_str *out, const qvl_cadence_state *state);
int qvl_cadence_read(qvl_cadence_state *state, const qvl_node *map,
                     qvl_err *err);

#endif
