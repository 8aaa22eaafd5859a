/* results.h - the numbers of a step as named tensors
 *
 * What `qvl forward` writes: logits put back to their places in the padded rows,
 * the loss, positions, outputs of the vision tower apart for pictures and
 * videos, and gradients under the names and in the layouts of the checkpoint.
 * The list is known after a step; each tensor is read from the device when it is
 * asked for, so that gradients of a large model pass through one at a time.
 *
 *   logits          [rows, row_len, V], 0 at padding
 *   loss            [] mean over the labels of the batch
 *   position_ids    [3, rows, row_len] i64: time, height, width; 0 at padding
 *   rope_delta      [rows] i64: what the next position is beyond the tokens of the row
 *   vision.NAME     [rows of pictures, cols], vision_video.NAME of videos
 *   grad.NAME       as the tensor of the checkpoint
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

/* Run a step and list what can be read; without an item on an error, one of
 * qvl_model_step. Logits are of all tokens or none; with gradients all parameters are
 * trained. Runs out of host memory as an arena does. */
int qvl_results_run(qvl_results *r, const qvl_batch_source *source,
                    const qvl_model_want *want, qvl_err *err);

/* Read tensor k of the last step: dst [n_elems] of its type. Waits for the device.
 * Fails with its errors; runs out of host memory as an arena does. */
int qvl_results_read(qvl_results *r, size_t k, void *dst, qvl_err *err);

#endif
