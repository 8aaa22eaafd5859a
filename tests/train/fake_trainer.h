/* fake_trainer.h - qvl_train.h without a model
 *
 * One weight. A step takes a mean over the labels of its batches and moves the
 * weight there; the loss is what was between. So the weight after a step depends
 * on every sample before it, and a run that was cut and taken up ends at the
 * same bits only when it goes on in the right place. Checkpoints are a text file.
 */
#ifndef TESTS_TRAIN_FAKE_TRAINER_H
#define TESTS_TRAIN_FAKE_TRAINER_H

#include <stdint.h>

#include "base/str.h"
#include "qvl_train.h"

/* What a test wants of the trainers it opens, and what they did. */
typedef struct {
    int64_t fail_step_at;  // step that fails; 0: none
    int64_t nan_at;        // step with a gradient that is not finite
    int64_t stop_at;       // step after which *stop is set
    volatile int *stop;
    int stop_in_evaluation;  // set *stop in the evaluation behind stop_at
    double eval_loss[64];  // of evaluation k, per label; 0: the weight
    qvl_str *fed;          // gets ids and labels of each row that is trained
                           // on, a line each; NULL: none
    // what they did
    int n_evaluations;     // whole ones, counted by their first batch
    double weight;         // after the last step
    char saved[4096];      // "5 10:final 12:model "
} fake_run;

extern fake_run fake;

#endif
