/* exec.h - memory of a run, and its steps on a device
 *
 * A store holds what outlives a batch: weights and gradients. A run is a plan
 * bound to that memory and recorded as the device's lists; it is replayed as
 * often as batches of its sizes come. No host wait inside.
 *
 * States (values that live from run to run) belong to the store, too: one is
 * made when a run that needs it opens, and later runs find it under its index.
 *
 * A store and its runs are used by one thread at a time. All that takes an err fails
 * with the errors of the device (backend.h) beside those it names, and may run out
 * of host memory as an arena does: call it under a guard.
 */
#ifndef QVL_GRAPH_EXEC_H
#define QVL_GRAPH_EXEC_H

#include "backend/backend.h"
#include "graph/arch.h"
#include "graph/plan.h"

/* Device memory that outlives runs: weights and gradients of one model.
 * Small tensors share buffers; a large one has its own. */
typedef struct qvl_store qvl_store;

/* Room for every parameter of the list, stored as `types` says (rank 1: f32).
 * Tied parameters share. The device and the names in the list outlive the
 * store. Fails with QVL_E_DEVICE for a parameter larger than the device
 * allocates, QVL_E_DEVICE_MEMORY; *store is unchanged then. */
int qvl_store_open(qvl_store **store, qvl_device *dev,
                   const qvl_param_list *params, const qvl_types *types,
                   qvl_err *err);
/* Its runs are closed before. */
void qvl_store_close(qvl_store *store);
/* Storage type of parameter i. */
int qvl_store_dtype(const qvl_store *store, int i);
/* Device bytes held for weights and gradients. */
size_t qvl_store_bytes(const qvl_store *store);
/* Write elements [first, first + n) of parameter i from src [n] of src_dtype,
 * any alignment: the parameter's own type, or f32, bf16 or f16, which is
 * rounded to it; read back as f32 dst [n], which waits for the device. Fastest in
 * the own type. In 16 bits an odd `first` or n makes a write wait as well. */
int qvl_store_write(qvl_store *store, int i, size_t first, size_t n,
                    const void *src, int src_dtype, qvl_err *err);
int qvl_store_read(qvl_store *store, int i, size_t first, size_t n,
                   float *dst, qvl_err *err);
/* Allocate gradients (f32, zero) of the parameters with trained[i], [n params];
 * tied ones share. Once a store. Fails as opening does, then without gradients, as
 * before. Read one, which is there, as f32 [elements of i]. */
int qvl_store_train(qvl_store *store, const bool *trained, qvl_err *err);
int qvl_store_read_grad(qvl_store *store, int i, float *dst, qvl_err *err);

/* Release all states; the runs that use them are closed before. */
void qvl_store_drop_states(qvl_store *store);
/* All states being arrays of n_rows rows: copy rows [from, from + n) of each to
 * `to`, where no row is both. Waits for the device. Fails with QVL_E_INTERNAL for a
 * state that n_rows do not fill. */
int qvl_store_copy_states(qvl_store *store, size_t n_rows, size_t from,
                          size_t to, size_t n, qvl_err *err);

typedef struct qvl_run qvl_run;

/* Plan, allocate and record. The program and the store outlive the run; the
 * options are borrowed for the call. Limits left 0 there are the device's;
 * types are the store's; trained parameters have gradients in the store, and
 * one that is tied stands for the one it shares with. *run is unchanged on
 * error: those of qvl_plan_make and of the device. */
int qvl_run_open(qvl_run **run, qvl_store *store, const qvl_program *program,
                 const qvl_plan_options *options, qvl_err *err);
/* The same for runs that take turns, such as those of batches of different
 * sizes: temporaries, inputs and outputs are in one memory of the store, which
 * grows when it must. What was given to such a run and what it put out is there
 * until an input of another one is given, or another one submitted. Lists are
 * recorded when they are first submitted.
 *
 * With a name in *sum, each submission adds the numbers of that output, which is
 * wanted and f32, to the f32 at `total`, or starts them there, as gradients. */
typedef struct {
    const char *sum;  // NULL: nothing is added up
    qvl_slice total;
} qvl_run_sum;
int qvl_run_open_shared(qvl_run **run, qvl_store *store,
                        const qvl_program *program,
                        const qvl_plan_options *options,
                        const qvl_run_sum *sum, qvl_err *err);
void qvl_run_close(qvl_run *run);
/* Until the run is closed. */
const qvl_plan *qvl_run_plan(const qvl_run *run);
/* Give input `index` its data: n elements of i32 where its class is QVL_CLS_I32,
 * else of f32. Inputs the plan does not need are ignored: qvl_run_needs says which.
 * The data stays until it is given anew. Fails with QVL_E_RANGE when n is not the
 * number that the program was built for. */
bool qvl_run_needs(const qvl_run *run, int index);
int qvl_run_input(qvl_run *run, int index, const void *data, size_t n,
                  qvl_err *err);
/* One submission. `more`: add to the gradients instead of starting them. Every
 * needed input was given before. */
int qvl_run_submit(qvl_run *run, bool more, qvl_err *err);
/* Read a wanted output as f32 [n]; waits for the device. Fails with QVL_E_USAGE
 * for a name that was not wanted, QVL_E_RANGE for another n. */
int qvl_run_output(qvl_run *run, const char *name, float *dst, size_t n,
                   qvl_err *err);

/* Copy a wanted output, which is f32, to `to` on the device, behind what was
 * submitted: nobody waits. `to` is as long as the output. The caller releases
 * *list when the device is done with it; on an error there is none. Fails as
 * qvl_run_output does. */
int qvl_run_copy(qvl_run *run, const char *name, qvl_slice to,
                 qvl_list **list, qvl_err *err);

/* Submit the run and measure each planned step alone: seconds s [n_steps of the
 * plan]. Starts gradients; every needed input was given before, and of runs that
 * take turns this one had the last. Fails with QVL_E_UNSUPPORTED where the device
 * has no clock for steps; s is unchanged on an error. */
int qvl_run_profile(qvl_run *run, double *s, qvl_err *err);

#endif
