/* run_log.h - what a run writes down: logging.jsonl, event files, its history
 *
 * Lines go to the end of logging.jsonl, whole, at once. A run that is taken up
 * appends; lines of steps behind the checkpoint stay and are superseded, which a
 * line `resumed_from` says. Half a line, left by a kill, goes. The history is
 * what checkpoints keep as log_history.
 */
#ifndef QVL_TRAIN_RUN_LOG_H
#define QVL_TRAIN_RUN_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "train/metric.h"

typedef struct {
    const char *folder;        // of the run
    const char *board_folder;  // NULL: no event files
    qvl_metric_style style;
    bool is_loud;              // report each line to the log too
    const char *history;       // JSON list of a checkpoint; NULL: none
} qvl_run_log_options;

typedef struct qvl_run_log qvl_run_log;

/* Open or make the file; options are borrowed for the call. Fails with QVL_E_IO,
 * QVL_E_FORMAT for a history that is no list. Unwinds when there is no host memory
 * for the handle, QVL_E_MEMORY for what it holds; what follows unwinds. */
int qvl_run_log_open(qvl_run_log **log, const qvl_run_log_options *options,
                     qvl_err *err);
void qvl_run_log_close(qvl_run_log *log);

/* Write a window as a line, as an event and into the history; it stays as it
 * is. `part` is "train" or "eval". Fails with QVL_E_IO; what was written before
 * stays. */
int qvl_run_log_put(qvl_run_log *log, const qvl_metrics *m, const char *part,
                    const qvl_metric_place *place, qvl_err *err);

/* Write one line of JSON, which is given without its newline, to the file
 * alone. Fails with QVL_E_IO. */
int qvl_run_log_put_line(qvl_run_log *log, const char *json, qvl_err *err);

/* The history as a JSON list; good until the next call. */
const char *qvl_run_log_history(qvl_run_log *log);

#endif
