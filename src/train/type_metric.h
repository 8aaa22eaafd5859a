/* type_metric.h - how well each source learns words, numbers and form
 *
 * With custom.token_type_metrics the labels of dense answers are told apart by what
 * their tokens say (data/token_type.h). For each source that is asked for there are
 * LABEL_TYPE_loss and LABEL_TYPE_token_acc, of the types desc, coord and format: means
 * over samples of the mean over the labels of that type in a sample. One without
 * labels of a type does not count there, nor does another answer than a dense one.
 *
 * The names are those of the sources (sources.h) with the type in front of the
 * number; they are made once, before the run.
 */
#ifndef QVL_TRAIN_TYPE_METRIC_H
#define QVL_TRAIN_TYPE_METRIC_H

#include "base/arena.h"
#include "base/err.h"
#include "config/run_config.h"
#include "data/encode.h"
#include "qvl_train.h"
#include "train/metric.h"
#include "train/sources.h"

/* Names of the numbers of a source, by type - 1; NULL: it is not asked for. */
typedef struct {
    const char *loss[QVL_N_TYPES];
    const char *token_acc[QVL_N_TYPES];
} qvl_type_names;

/* Zeroes: there are no such numbers. */
typedef struct {
    // borrowed
    const qvl_sources *sources;
    // values
    qvl_type_names item[QVL_MAX_SOURCES];  // of each of the sources
    int n_names;                           // of all
} qvl_type_metrics;

/* Name the numbers that a configuration asks for. Sources are borrowed; where they are
 * too many, there are none of these numbers either. Names belong to the arena.
 *
 * Fails with QVL_E_CONFIG for a name in include or exclude that no source has, when no
 * source is left, and when a source is called like a number of another one. Runs out of
 * host memory as an arena does. */
int qvl_type_metrics_make(qvl_type_metrics *types, const qvl_run_config *config,
                          const qvl_sources *sources, qvl_arena *arena,
                          qvl_err *err);

/* Add a sample to the numbers of its source.
 *
 *   sample  of a record whose label the sources have
 *   label   [sample->n_supervised] of it, in their order */
void qvl_type_metrics_count(const qvl_type_metrics *types,
                            const qvl_encoded *sample,
                            const qvl_train_label *label, qvl_metrics *metrics);

#endif
