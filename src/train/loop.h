/* loop.h - a run from its configuration to its files
 *
 *     records --encode--> batches --step--> weights
 *                                     |
 *          in this order: log, evaluate, save, stop
 *
 * Everything the run writes stands in its folder (run_folder.h): args.json, of a fusion
 * fusion.json, logging.jsonl, images/loss.png, checkpoints; event files in logging_dir. What
 * can be wrong with configuration, records and model is found before the
 * folder is made.
 */
#ifndef QVL_TRAIN_LOOP_H
#define QVL_TRAIN_LOOP_H

#include <signal.h>
#include <stdbool.h>

#include "base/err.h"
#include "config/run_config.h"
#include "data/epoch_plan.h"
#include "qvl_train.h"
#include "train/progress.h"
#include "train/samples.h"
#include "train/sources.h"

/* What a configuration says of the trainer of a run of max_steps steps. Texts
 * belong to the arena and the configuration. Like the next two, it runs out of host
 * memory as an arena does. */
qvl_train_options qvl_loop_trainer_options(const qvl_run_config *config,
                                           int64_t max_steps,
                                           qvl_arena *arena);

/* Batches of an epoch and steps of a run over its samples, and whether
 * the rates hold together over that many steps. Of packed rows, whose number differs
 * from epoch to epoch, all epochs count as the first. This and the next are all that a
 * run checks between its records and its model. Fails with QVL_E_CONFIG, QVL_E_DATA. */
int qvl_loop_plan(qvl_epoch_plan *plan, int64_t *max_steps,
                  const qvl_run_config *config, const qvl_samples *samples,
                  qvl_arena *arena, qvl_err *err);

/* The sources of the records, and whether metric_for_best_model is a number
 * that the run's evaluations will have. Texts belong to the arena. Fails with
 * QVL_E_CONFIG. */
int qvl_loop_sources(qvl_sources *sources, const qvl_run_config *config,
                     const qvl_samples *samples, qvl_arena *arena,
                     qvl_err *err);

/* Borrowed for the call. */
typedef struct {
    const qvl_run_config *config;  // device and threads as they are to be used
    const volatile sig_atomic_t *stop;  // not 0: end after the step; or NULL
    qvl_progress *progress;  // sink, mode and width; the rest is set here
    bool checks_all;  // read back every sample, write the first one as text
    bool is_loud;     // report every line of the log
} qvl_loop_options;

/* Train. Fails with QVL_E_INTERRUPTED after `stop`, when the checkpoint is
 * written; else as the parts do: configuration, records, model, device, files;
 * also with QVL_E_MEMORY, and does not unwind. Checkpoints that were complete stay. */
int qvl_loop_run(const qvl_loop_options *options, qvl_err *err);

#endif
