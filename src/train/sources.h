/* sources.h - the sets of data that samples come from, for metrics of each
 *
 * The label of a sample is that of data/source_label.h. For each label there are
 * the numbers of config/eval_number.h that sources have, LABEL_loss and
 * LABEL_token_acc: means over samples of the mean over the labels of a sample.
 *
 * A label that reads as that of an evaluation, "eval" alone or before '_' or
 * '/', has "source_" in front of its numbers, since "eval_loss" of a training
 * line is the name that evaluations have in the history; so has one that is
 * "source_" before such a label, so that no two labels share a number.
 */
#ifndef QVL_TRAIN_SOURCES_H
#define QVL_TRAIN_SOURCES_H

#include "base/arena.h"
#include "data/record.h"
#include "qvl_train.h"
#include "train/metric.h"

/* With more labels than these a run has no such numbers, and says so. */
#define QVL_MAX_SOURCES 64

typedef struct {
    const char *label;
    const char *loss;       // names of the numbers
    const char *token_acc;
} qvl_source;

/* A zeroed struct is an empty list. */
typedef struct {
    qvl_source item[QVL_MAX_SOURCES];
    int n;           // 0: none yet, or too many
    int n_found;     // labels
} qvl_sources;

/* Add the labels of n records; texts belong to them or to the arena. The first label
 * beyond the limit empties the list for good. Runs out of host memory as an arena
 * does. */
void qvl_sources_add(qvl_sources *sources, const qvl_record *record, size_t n,
                     qvl_arena *arena);

/* Add the score of a sample to the numbers of its source; one without labels
 * does not count. The record is one that was added. */
void qvl_sources_count(const qvl_sources *sources, const qvl_record *record,
                       const qvl_train_score *score, qvl_metrics *metrics);

#endif
