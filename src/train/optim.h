/* optim.h - AdamW on the device
 *
 * Moments, and 32-bit masters of weights that are stored in 16 bits, lie in
 * device memory beside the store. A step is one list, recorded once: the norm of
 * all gradients, the factor that clips them, and the update of every trained
 * weight (shaders/optim.k). The host gives rates before it and reads two lines
 * of numbers after it; in between nobody waits.
 *
 * A norm that is not finite drops the update on the device: weights and moments
 * keep their bits, and the count of updates, which the bias correction needs,
 * does not move.
 *
 * Sums have a fixed order, so equal gradients give equal bits.
 */
#ifndef QVL_TRAIN_OPTIM_H
#define QVL_TRAIN_OPTIM_H

#include <stdbool.h>
#include <stdint.h>

#include "graph/exec.h"

typedef struct qvl_optim qvl_optim;

/* Numbers of one group of parameters in one step. */
typedef struct {
    double lr;
    double beta1, beta2;
    double epsilon;
    double decay;
} qvl_optim_rates;

/* What came out of a step. */
typedef struct {
    float sum[2];      // added up by runs at qvl_optim_total
    double norm;       // of the gradients, before clipping
    bool is_applied;   // weights were updated
} qvl_optim_report;

/* State of a trained parameter: first and second moment, and the weight as it
 * is trained, in f32. */
typedef enum { QVL_OPTIM_M, QVL_OPTIM_V, QVL_OPTIM_MASTER } qvl_optim_part;

/* Allocate the state of the parameters that have gradients in the store, and
 * record the step. Moments start at 0, masters as the weights: weights that are
 * loaded later are followed by qvl_optim_reset.
 *
 *   group   [params] in [0, n_groups) of each trained parameter; borrowed for
 *           the call
 *
 * The store outlives it. Fails with QVL_E_DEVICE_MEMORY and other errors of the
 * device, as does all below that takes an err. Unwinds when there is no host memory
 * for the handle, QVL_E_MEMORY for what it holds. */
int qvl_optim_open(qvl_optim **optim, qvl_store *store, const int *group,
                   int n_groups, qvl_err *err);
void qvl_optim_close(qvl_optim *optim);

/* Moments to 0, masters as the weights, no updates done. */
int qvl_optim_reset(qvl_optim *optim, qvl_err *err);

/* Two f32 on the device for runs to add to (qvl_run_sum.total); the slice lives
 * as long as the handle. */
qvl_slice qvl_optim_total(const qvl_optim *optim);

/* Device bytes held. */
size_t qvl_optim_bytes(const qvl_optim *optim);

/* Update the weights from the gradients of the store; the step before was read.
 *
 *   rates      [n_groups]
 *   max_norm   <= 0: no clipping
 *   factor     that the gradients are multiplied by first: 1, or one over the
 *              scale of the loss */
int qvl_optim_step(qvl_optim *optim, const qvl_optim_rates *rates,
                   double max_norm, double factor, qvl_err *err);

/* Wait for the last step and say what it did; exactly once a step. */
int qvl_optim_read(qvl_optim *optim, qvl_optim_report *report, qvl_err *err);

/* One kernel of a step, for reports. */
typedef struct {
    const qvl_kernel *kernel;
    uint32_t n_elems;  // it goes over
    double bytes;      // bound, each slice once
    double s;          // seconds
} qvl_optim_row;

/* Take the last step, which there is and was read, once more, at its rates, and
 * measure its kernels. The rows belong to the arena. For benches: an update that is
 * not counted. Fails with QVL_E_UNSUPPORTED on a device without a clock; runs out of
 * host memory as an arena does, or with QVL_E_MEMORY. */
int qvl_optim_profile(qvl_optim *optim, qvl_optim_row **rows, int *n,
                      qvl_arena *arena, qvl_err *err);

/* Updates that were applied: t of the bias correction. */
int64_t qvl_optim_n_updates(const qvl_optim *optim);
void qvl_optim_set_updates(qvl_optim *optim, int64_t n);

/* Is weight i stored in a narrower type than it is trained in? */
bool qvl_optim_has_master(const qvl_optim *optim, int i);

/* Elements [first, first + n), which it has, of a part of trained parameter i. The
 * master of a weight without one is the weight itself. Writing a master writes the
 * weight as well, rounded. Waits for the device. */
int qvl_optim_read_state(qvl_optim *optim, int i, qvl_optim_part part,
                         size_t first, size_t n, float *dst, qvl_err *err);
int qvl_optim_write_state(qvl_optim *optim, int i, qvl_optim_part part,
                          size_t first, size_t n, const float *src,
                          qvl_err *err);

#endif
