/* small.h - a small run for the tests of training
 *
 * The model of tests/fixtures/full_gradient and the four batches of train_full:
 * with 11, 12, 14 and 9 labels; the third has no image.
 */
#ifndef TESTS_TRAIN_SMALL_H
#define TESTS_TRAIN_SMALL_H

#include "qvl_train.h"

#define SMALL_BATCHES 4
#define SMALL_MODEL TRAIN_FIXTURES "/full_gradient/model"

extern const int small_labels[SMALL_BATCHES];

/* The batches; read at the first call, kept until the process ends. Those of
 * another model take their place until NULL is given. */
const qvl_batch_in *small_batches(void);
void small_use(const qvl_batch_in *batches);

/* Options of a run of 20 steps: cosine, rate 1e-3, no clipping, on the
 * processor. */
qvl_train_options small_options(void);

/* Open a trainer; fails the test when that fails. small_model is SMALL_MODEL
 * unless a test says otherwise. */
extern const char *small_model;
qvl_trainer *small_open(const qvl_train_options *o);

/* Train n steps over the batches in turn, beginning where the trainer stands,
 * `accumulate` a step; returns the report of the last one. */
qvl_train_report small_train(qvl_trainer *t, int n, int accumulate);

/* All weights one behind the other, to be freed. */
float *small_weights(qvl_trainer *t, size_t *n);

/* Largest difference of two such arrays. */
double small_difference(const float *a, const float *b, size_t n);

#endif
