/* metric.h - numbers of a run between two lines of its log
 *
 * A window holds three kinds of numbers under names: means of what was finite,
 * shares of two sums, last values. What was not finite is left out and counted.
 * A name keeps its kind and its place; names are borrowed, usually literals, at most
 * QVL_MAX_METRICS of them.
 *
 * A line of logging.jsonl is one JSON map: the numbers, then where the run
 * stands. Names of numbers carry one prefix, "train/" or "eval/"; in the style of
 * Hugging Face only those of evaluations have one, "eval_". Numbers are rounded
 * to 8 decimals, below 1e-6 they keep their digits; one without a value is
 * null.
 */
#ifndef QVL_TRAIN_METRIC_H
#define QVL_TRAIN_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "base/str.h"

/* Numbers of a run, of its sources (sources.h) and of their types (type_metric.h), and
 * as many that a run which is taken up had of sources that are gone. */
#define QVL_MAX_METRICS 1100

typedef struct {
    const char *name;
    double sum;
    double weight;  // 0: no value
} qvl_metric;

/* A zeroed struct is an empty window. */
typedef struct {
    qvl_metric v[QVL_MAX_METRICS];  // in the order in which names came
    int n;
    int64_t n_left_out;  // values that were not finite
} qvl_metrics;

/* Add one value to a mean. */
void qvl_metrics_mean(qvl_metrics *m, const char *name, double v);

/* Add to a share: sum of `part` over sum of `whole`. */
void qvl_metrics_share(qvl_metrics *m, const char *name, double part,
                       double whole);

/* Set a value. */
void qvl_metrics_set(qvl_metrics *m, const char *name, double v);

/* Empty all; names stay. */
void qvl_metrics_reset(qvl_metrics *m);

/* Value of entry k < m->n; false when it has none. */
bool qvl_metrics_value(const qvl_metrics *m, int k, double *v);

/* Value by name, as metric_for_best_model gives it (config/eval_number.h). False:
 * no such value. */
bool qvl_metrics_find(const qvl_metrics *m, const char *name, double *v);

/* "loss, token_acc": what has a value, for messages; empty when nothing has. */
const char *qvl_metrics_names(const qvl_metrics *m, qvl_arena *arena);

/* Is there room for n more names? */
bool qvl_metrics_has_room(const qvl_metrics *m, int n);

/* A window as JSON, and back: a run that is taken up goes on in the middle of
 * one, but for n_left_out, which is 0 again. Names belong to the arena. Fails with
 * QVL_E_FORMAT, also for NULL; runs out of host memory as an arena does. */
void qvl_metrics_put(qvl_str *out, const qvl_metrics *m);
int qvl_metrics_read(qvl_metrics *m, const qvl_node *map, qvl_arena *arena,
                     qvl_err *err);

typedef enum { QVL_STYLE_PREFIXED, QVL_STYLE_HF } qvl_metric_style;

/* Where a run stands. */
typedef struct {
    double epoch;
    int64_t step;       // done
    int64_t max_steps;  // > 0
    double elapsed_s;
    double memory_gib;  // peak on the device
    double speed;       // steps a second
    double time;        // UNIX seconds
} qvl_metric_place;

/* Append a line with its newline. `part` is "train" or "eval". */
void qvl_metrics_line(qvl_str *out, const qvl_metrics *m, const char *part,
                      qvl_metric_style style, const qvl_metric_place *place);

/* Append what log_history holds of it: {"loss": 1, "epoch": 0.5, "step": 3}. */
void qvl_metrics_history(qvl_str *out, const qvl_metrics *m, const char *part,
                         const qvl_metric_place *place);

/* Append a name with its prefix. */
void qvl_metrics_tag(qvl_str *out, const char *name, const char *part,
                     qvl_metric_style style);

/* Append a number as the log has it. */
void qvl_metrics_number(qvl_str *out, double v);

/* Append "1d 2h 3m 4s", without leading parts that are 0. */
void qvl_metrics_duration(qvl_str *out, double seconds);

#endif
