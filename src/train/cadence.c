/* cadence.c - what is due at a step, from its number alone
 *
 * Nothing is counted but what a checkpoint keeps (the best value, evaluations
 * without progress), so a run that is taken up does what it would have done.
 */
#include "train/cadence.h"

#include <assert.h>
#include <math.h>

#include "base/json.h"

/* ---- rules --------------------------------------------------------------- */

/* Steps between two events: below 1 a share of all. */
static int64_t steps_of(double n, int64_t max_steps)
{
    if (n < 1)
        n = ceil(n * (double)max_steps);
    return n >= 1 ? (int64_t)n : 1;
}

qvl_cadence qvl_cadence_of(const qvl_run_config *c, int64_t max_steps)
{
    assert(max_steps > 0);
    return (qvl_cadence){
        .max_steps = max_steps,
        .logging_steps = c->training.logging_steps,
        .logs_first = c->training.logging_first_step,
        .eval_when = c->training.eval_strategy,
        .eval_steps = steps_of(c->training.eval_steps, max_steps),
        .eval_delay = c->training.eval_delay,
        .save_when = c->training.save_strategy,
        .save_steps = steps_of(c->training.save_steps, max_steps),
        .delay_steps = c->training.save_delay_steps,
        .delay_epochs = c->training.save_delay_epochs,
        .is_greater_better =
            c->training.greater_is_better == QVL_BEST_GREATER,
        .stop_after = c->training.early_stop_interval,
    };
}

/* ---- questions ----------------------------------------------------------- */

bool qvl_cadence_logs(const qvl_cadence *c, const qvl_cadence_at *at)
{
    return at->step % c->logging_steps == 0 || at->step == c->max_steps
           || (at->step == 1 && c->logs_first);
}

/* The last step is evaluated whatever its number. */
bool qvl_cadence_evaluates(const qvl_cadence *c, const qvl_cadence_at *at)
{
    if (c->eval_when == QVL_WHEN_NO)
        return false;
    double passed = c->eval_when == QVL_WHEN_EPOCH ? at->epoch
                                                   : (double)at->step;
    if (at->step == c->max_steps)
        return true;
    if (passed < c->eval_delay)
        return false;
    return c->eval_when == QVL_WHEN_EPOCH ? at->is_epoch_end
                                          : at->step % c->eval_steps == 0;
}

static bool is_delayed(const qvl_cadence *c, const qvl_cadence_at *at)
{
    if (c->delay_steps > 0)
        return at->step < c->delay_steps;
    return c->delay_epochs > 0 && at->epoch < c->delay_epochs;
}

bool qvl_cadence_judge(const qvl_cadence *c, qvl_cadence_state *state,
                       const qvl_cadence_at *at, double metric)
{
    if (is_delayed(c, at))
        return false;
    if ((c->delay_steps > 0 || c->delay_epochs > 0)
        && !state->has_left_delay) {
        state->has_left_delay = true;
        state->has_best = false;
        state->n_worse = 0;
    }
    bool is_better = c->is_greater_better ? metric > state->best_metric
                                          : metric < state->best_metric;
    if (isnan(metric) || (state->has_best && !is_better)) {
        state->n_worse++;
        return false;
    }
    state->has_best = true;
    state->best_metric = metric;
    state->best_step = at->step;
    state->n_worse = 0;
    return true;
}

bool qvl_cadence_saves(const qvl_cadence *c, const qvl_cadence_at *at,
                       bool is_best)
{
    if (is_delayed(c, at))
        return false;
    switch (c->save_when) {
    case QVL_WHEN_STEPS:
        return at->step % c->save_steps == 0 || at->step == c->max_steps;
    case QVL_WHEN_EPOCH:
        return at->is_epoch_end;
    case QVL_WHEN_BEST:
        return is_best;
    default:
        return false;
    }
}

bool qvl_cadence_stops(const qvl_cadence *c, const qvl_cadence_state *state)
{
    return c->stop_after > 0 && state->n_worse >= c->stop_after;
}

/* ---- in checkpoints ------------------------------------------------------ */

/* An infinite metric has no spelling; it is kept as a text. */
void qvl_cadence_put(qvl_str *out, const qvl_cadence_state *state)
{
    qvl_str_printf(out, "{\"has_best\": %s, \"best_metric\": ",
                   state->has_best ? "true" : "false");
    if (isfinite(state->best_metric))
        qvl_json_number(out, state->best_metric);
    else
        qvl_str_puts(out, state->best_metric > 0 ? "\"inf\"" : "\"-inf\"");
    qvl_str_printf(out, ", \"best_step\": %lld, \"n_worse\": %d, "
                   "\"has_left_delay\": %s}", (long long)state->best_step,
                   state->n_worse, state->has_left_delay ? "true" : "false");
}

int qvl_cadence_read(qvl_cadence_state *state, const qvl_node *map,
                     qvl_err *err)
{
    qvl_cadence_state s;
    int64_t n_worse;
    const char *text;
    const qvl_node *metric = qvl_node_find(map, "best_metric");
    bool ok = qvl_node_as_bool(qvl_node_find(map, "has_best"), &s.has_best)
              && qvl_node_as_int(qvl_node_find(map, "best_step"), &s.best_step)
              && qvl_node_as_int(qvl_node_find(map, "n_worse"), &n_worse)
              && n_worse >= 0 && n_worse <= 1 << 30
              && qvl_node_as_bool(qvl_node_find(map, "has_left_delay"),
                                  &s.has_left_delay);
    if (ok && qvl_node_as_string(metric, &text))
        s.best_metric = text[0] == '-' ? -INFINITY : INFINITY;
    else
        ok = ok && qvl_node_as_float(metric, &s.best_metric);
    if (!ok)
        return qvl_fail(err, QVL_E_FORMAT, "state of a checkpoint: found no "
                        "record of best and delay, expected one");
    s.n_worse = (int)n_worse;
    *state = s;
    return QVL_OK;
}
