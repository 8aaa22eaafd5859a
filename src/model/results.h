/* results.h - the numbers of a step as named tensors
 *
 * What `qvl forward` writes: logits put back to their places in the padded rows,
 * the loss, positions, outputs of the vision tower apart for pictures and
 * videos, and gradients under the names and in the layouts of the checkpoint.
 * The list is known after a step; each tensor is read from the device when it is
 * asked for, so that gradients of a large model pass through one at a time.
 */
#ifndef QVL_RESULTS_H
#define QVL_RESULTS_H

#include "model/model.h"

typedef struct {
    const char *name;   // until the next step
    int dtype;          // QVL_F32 or QVL_I64
    int rank;
    size_t shape[QVL_ST_MAX_RANK];
    size_t n_elems;
    // for qvl_results_read
    int kind;
    size_t index;       // entry of the checkpoint, or output of the program
} qvl_result;

/* A zeroed struct with a model is ready for use. */
typedef struct {
    // owned
    qvl_arena arena;
    qvl_arena scratch;  // of the tensor that is being read
    // borrowed
    qvl_model *model;
    // values
    qvl_result *item;  // [n]
    size_t n;
} qvl_results;

void qvl_results_release(qvl_results *r);

/* Run a step and list what can be read; errors of qvl_model_step. */
int qvl_results_run(qvl_results *r, const qvl_batch_source *source,
                    const qvl_model_want *want, qvl_err *err);

/* Read tensor k: dst [n_elems] of its type. */
int qvl_results_read(qvl_results *r, size_t k, void *dst, qvl_err *err);

#endif
