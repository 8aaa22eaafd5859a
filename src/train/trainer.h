/* trainer.h - optimizer steps over batches
 *
 * A trainer is a model, the set of its trained parameters, their optimizer and
 * schedule, and the counters of the run. One step:
 *
 *     n = labels that count, of all batches
 *     for each batch: loss = sum of cross entropy / n; gradients add up
 *     norm of the gradients, clip, AdamW; the schedule moves on
 *
 * Batches are submitted one behind the other; loss, hits and norm are read once,
 * after the update. A batch without labels is left out; a step without any does
 * nothing but count. A norm that is not finite drops the update.
 *
 * In f16 the loss is scaled so that small gradients do not vanish: 65536 at the
 * start, half after a step that overflows, twice after 2000 that do not.
 */
#ifndef QVL_TRAINER_H
#define QVL_TRAINER_H

#include "model/model.h"
#include "train/group.h"
#include "train/optim.h"
#include "train/row_score.h"
#include "train/sched.h"

/* Counters of a run; a checkpoint holds them. */
typedef struct {
    int64_t n_steps;
    int64_t n_skipped;
    int n_skipped_in_row;  // for a norm that is not finite
    double loss_scale;     // the loss is multiplied by; 1 but in f16
    int64_t n_clean;       // steps since the scale changed
} qvl_trainer_counts;

typedef struct {
    int64_t n_labels, n_correct, n_tokens;
    double loss;       // mean over the labels, 0 without
    double grad_norm;  // before clipping, of the loss without scale
    double factor;     // of the schedule
    double loss_scale; // of this step
    bool is_skipped;
} qvl_trainer_report;

/* Open a model folder on the device, and with the storage type, of `model`; what
 * `options` say of these is not read. Both are borrowed for the call. Fails with
 * errors of the model, the groups and the schedule; with QVL_E_CONFIG for a
 * number outside its range. Unwinds when there is no host memory for the handle,
 * QVL_E_MEMORY for what it holds. */
int qvl_trainer_open(qvl_trainer **trainer, const char *folder,
                     const qvl_model_options *model,
                     const qvl_train_options *options, qvl_err *err);
void qvl_trainer_close(qvl_trainer *trainer);

/* One step over n sources, borrowed for the call; loss_count and logits of the
 * sources are ignored. Call under a guard.
 *
 * Fails as qvl_model_step does; with QVL_E_DATA for a label that is a
 * placeholder of pictures; QVL_E_USAGE when max_steps are done, or for n < 1;
 * QVL_E_RANGE after max_skipped dropped updates in a row. */
int qvl_trainer_step(qvl_trainer *trainer, const qvl_batch_source *source,
                     int n, qvl_trainer_report *report, qvl_err *err);

/* Loss of one source without training, which is zeros when no label counts. Call
 * under a guard. Fails as qvl_model_step does; with QVL_E_DATA for a label that
 * is a placeholder of pictures. */
int qvl_trainer_evaluate(qvl_trainer *trainer, const qvl_batch_source *source,
                         qvl_train_score *score, qvl_err *err);

/* Scores of the rows of the last step or evaluation, batch after batch: [*n],
 * until the next one. None without scores_rows, or when that failed. */
const qvl_train_score *qvl_trainer_rows(const qvl_trainer *trainer, size_t *n);

/* The labels of row k, which there is, as long. */
const qvl_train_label *qvl_trainer_row_labels(const qvl_trainer *trainer, size_t k);

/* Forget them: for who fails before the next step or evaluation begins. */
void qvl_trainer_drop_rows(qvl_trainer *trainer);

/* What a trainer is made of; lives as long as it does. */
typedef struct {
    qvl_arena *texts;    // for what a caller was told, until he is told anew
    qvl_arena *calls;    // for one call of a caller
    qvl_model *model;
    qvl_optim *optim;
    qvl_sched *sched;
    const qvl_groups *groups;
    qvl_trainer_counts *counts;
    const char *folder;  // that the model was opened from
    int dtype;           // storage type of matrices
} qvl_trainer_parts;

const qvl_trainer_parts *qvl_trainer_about(const qvl_trainer *trainer);

/* Read tensor k of the checkpoint the model came from, in that layout, as it is
 * trained: dst [elements]. Fails with errors of the device. Call under a guard. */
int qvl_trainer_read(qvl_trainer *trainer, size_t k, float *dst,
                     qvl_err *err);

#endif
