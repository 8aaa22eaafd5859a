/* row_score.h - loss and hits of each row of the batches of a step
 *
 * A row is a sample; where rows are packed, each sample of one stands for a row
 * here. Programs leave loss and hit of every label on the device, in memory that
 * the next batch takes; so they are copied behind each batch, on the device, and
 * read once when the step is done.
 *
 *     begin -> for each batch that has labels: run, keep -> read -> rows
 *
 * Whatever fails between begin and read, reset or another begin follows: there
 * are no rows then.
 */
#ifndef QVL_TRAIN_ROW_SCORE_H
#define QVL_TRAIN_ROW_SCORE_H

#include "model/model.h"
#include "qvl_train.h"

typedef struct qvl_row_scores qvl_row_scores;

/* Runs out of memory as an arena does. The device outlives it. */
qvl_row_scores *qvl_row_scores_open(qvl_device *dev);
void qvl_row_scores_close(qvl_row_scores *scores);

/* Forget the last step: no rows. Accepts NULL. */
void qvl_row_scores_reset(qvl_row_scores *scores);

/* Before the first batch of a step: count the labels of each row and reserve
 * memory, which grows when it must. Fails as qvl_sequences_make does, with
 * errors of the device. Runs out of host memory as an arena does. */
int qvl_row_scores_begin(qvl_row_scores *scores,
                         const qvl_batch_source *source, int n, qvl_err *err);

/* Behind the step of batch k, which wanted `rows`: k in rising order, those
 * without labels are left out. Fails as qvl_model_copy does. */
int qvl_row_scores_keep(qvl_row_scores *scores, qvl_model *model, int k,
                        qvl_err *err);

/* Read and add up; waits for the device, which has nothing to read when there
 * are no labels. Fails with errors of the device; runs out of host memory as an
 * arena does. */
int qvl_row_scores_read(qvl_row_scores *scores, qvl_err *err);

/* Of every row of the step that was read, batch after batch: [*n], until the next
 * begin or reset. A row without labels has zeros. */
const qvl_train_score *qvl_row_scores_all(const qvl_row_scores *scores,
                                        size_t *n);

/* The labels of row k, which there is: [n_labels of it], as long. */
const qvl_train_label *qvl_row_scores_labels(const qvl_row_scores *scores, size_t k);

#endif
