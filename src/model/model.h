/* model.h - a model folder opened on a device, and single steps of it
 *
 * Opening reads config.json, pairs the tensors of the folder with the generated
 * architecture's parameters, and loads them. A step takes a batch and answers
 * with outputs by name and gradients in the store; nothing is trained here.
 *
 * Programs are built, planned and recorded at the first batch of a size and kept
 * for the next one of the same size; the least recently used are dropped. A
 * step that asks for no loss runs the program of inference, which has no
 * backward steps to plan.
 *
 * All that takes an err fails with the errors of the device (backend.h) beside those
 * it names, and may run out of host memory as an arena does: call it under a guard.
 */
#ifndef QVL_MODEL_H
#define QVL_MODEL_H

#include "backend/backend.h"
#include "base/err.h"
#include "graph/exec.h"
#include "model/batch.h"
#include "model/checkpoint.h"
#include "model/config.h"

typedef struct qvl_model qvl_model;

typedef struct {
    const char *device;  // as qvl_device_open takes it
    int n_threads;       // 0: all
    int dtype;           // of weights and activations: f32, bf16, f16;
                         // QVL_DTYPE_AUTO: bf16 on a GPU, else f32
} qvl_model_options;

#define QVL_DTYPE_AUTO (-1)

/* What a model is made of; all of it lives until the model is closed. */
typedef struct {
    qvl_device *device;
    const qvl_model_config *config;
    const qvl_param_list *params;
    const qvl_checkpoint *checkpoint;
    qvl_store *store;
} qvl_model_parts;

/* What a step is asked for beside the logits (qvl_batch_source.logits). */
typedef struct {
    bool loss;      // "stat_sum": sum of the losses, labels that were hit
    bool rows;      // "stat": the two for each label, with loss or grads
    bool vision;    // outputs of the vision tower, if the batch has pictures
    bool grads;     // of the loss, for every trained parameter
    bool more;      // add to gradients and `sum` instead of starting them
    qvl_slice sum;  // f32 [2] that "stat_sum" is added to on the device, so
                    // that nobody waits for it; no buffer: none
} qvl_model_want;

/* Fails as qvl_device_open does, with QVL_E_MODEL for the folder, QVL_E_USAGE for a
 * type that is no storage type; *model is then unchanged. */
int qvl_model_open(qvl_model **model, const char *folder,
                   const qvl_model_options *options, qvl_err *err);
void qvl_model_close(qvl_model *model);

const qvl_model_parts *qvl_model_about(const qvl_model *model);

/* Say which parameters are trained, once and before the first step that wants
 * gradients; without this call all are. Allocates their gradients.
 *
 *   trained    [params] the flags of tied parameters are equal; copied
 *   recompute  make a layer's activations again in the backward pass */
int qvl_model_train(qvl_model *model, const bool *trained, bool recompute,
                    qvl_err *err);

/* Run one batch. The source is borrowed for the call; results stay until the
 * next one, and a step that fails leaves none. Fails as qvl_batch_make does for the
 * source and qvl_plan_make for its program; with QVL_E_DATA without a label that
 * counts when loss or gradients are wanted, QVL_E_USAGE when nothing is wanted,
 * QVL_E_UNSUPPORTED for sequences or pictures too long for the device (walk.h). */
int qvl_model_step(qvl_model *model, const qvl_batch_source *source,
                   const qvl_model_want *want, qvl_err *err);

/* Forget what was kept of sequences, every program, and the results of the last
 * step: before the cache of a source gets another size. */
void qvl_model_drop_cache(qvl_model *model);

/* Copy what is kept of the tokens in n slots, from slot `from` on, to slot `to`
 * on, in a cache of n_slots; the two do not overlap. Waits for the device. Fails
 * with QVL_E_INTERNAL when what is kept does not fill n_slots. */
int qvl_model_copy_kept(qvl_model *model, int n_slots, int from, int to, int n,
                        qvl_err *err);

/* Of the last step, which succeeded, as for all below: its batch, whose source has
 * lost its arrays, the program whose outputs can be read, and the plan of it. */
const qvl_batch *qvl_model_batch(const qvl_model *model);
const qvl_program *qvl_model_program(const qvl_model *model);
const qvl_plan *qvl_model_plan(const qvl_model *model);

/* Run the last step once more and measure each of its steps (qvl_run_profile):
 * s [n_steps of its plan]. What it wrote it writes again. */
int qvl_model_profile(qvl_model *model, double *s, qvl_err *err);

/* Copy a wanted output of the last step on the device (qvl_run_copy). */
int qvl_model_copy(qvl_model *model, const char *name, qvl_slice to,
                   qvl_list **list, qvl_err *err);

/* Read a wanted output of the last step: dst [n] (qvl_run_output). */
int qvl_model_output(qvl_model *model, const char *name, float *dst, size_t n,
                     qvl_err *err);

#endif
