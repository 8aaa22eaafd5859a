/* plan.h - from everything a program can do to what a run does
 *
 * Given the outputs that are wanted and the parameters that are trained, the
 * plan drops every step nobody needs, decides which steps are computed again in
 * the backward pass, cuts steps whose operands exceed what the device can bind,
 * and gives each temporary a place in memory by its live range. It decides and
 * does nothing: no device is touched.
 *
 * Peak memory is known before the first allocation: temp_bytes, beside the
 * parameters and gradients that outlive the run.
 *
 * Needed
 *   A value is needed when it is a wanted output, the gradient of a trained
 *   parameter, where states are kept one that some step writes, or read by a
 *   needed step. A step is needed when it writes elements of a needed value. A
 *   trained parameter that the program uses and no step has a gradient for gets
 *   a gradient of zeros.
 *
 * Sums
 *   `arg` starts the gradients: the first step that writes one overwrites it,
 *   later ones add. With `arg_more` all of them add. That first step covers the
 *   whole gradient. Accumulating outputs elsewhere are always overwritten.
 *
 * Recomputing
 *   What only a layer's own forward and backward steps read is computed twice:
 *   it dies after the forward pass, and the steps that make it are repeated, as
 *   far as needed, just before the first backward step that reads it. What
 *   leaves the layer is kept, and the repeated steps read it. Bits do not
 *   change.
 *
 * Cutting
 *   A step that would bind more than max_binding_bytes of a value binds only
 *   what it touches. Where that is still too much it is done in parts, each
 *   over a range of the first dim of that operand, as the family's `cut` says
 *   (program.h). In a part over indices lo .. lo + n of the dim
 *     - the dim's argument is n, that of edges n + 1, first_arg rises by lo;
 *     - an operand with the dim in front is bound at its row lo (n + 1 rows of
 *       edges); if it has off_arg, the offset in there is counted from the
 *       first byte that is bound;
 *     - an operand with the dim behind that is bound whole, off_arg raised;
 *     - an operand without the dim is bound whole; if it is an output that
 *       sums over the dim, the first part overwrites or adds as the step does
 *       and the others add, a fused expression waiting for the last.
 *   A part is cut again, along another dim, while an operand is still too
 *   large. y[rows, N] = x[rows, K] w[N, K]^T with a large w becomes steps over
 *   rows of w that fill columns of y; dw[N, K] = dy[rows, N]^T x[rows, K] with
 *   a large dw becomes steps over rows of dw that read columns of dy.
 *   A step whose loops turn more often than the device lets them (max_turns in
 *   backend/backend.h) is cut along the dim that needs the fewest parts for it:
 *   that dw, where rows are many, into sums over some of them.
 */
#ifndef QVL_GRAPH_PLAN_H
#define QVL_GRAPH_PLAN_H

#include "backend/backend.h"
#include "base/arena.h"
#include "base/err.h"
#include "graph/program.h"

/* Storage types of a run: enum qvl_dtype for each class; F32 and I32 are fixed.
 * act and weight are the same type; res is that type or f32. */
typedef struct {
    int act;     // and weights
    int res;
} qvl_types;

/* Storage type of the values of a class. */
int qvl_types_of(const qvl_types *types, qvl_value_class cls);

/* The kernel that fills gradients nobody writes: zero(acc f32 y[n]). Generated
 * from shaders/reduce.k; with acc it adds 0. Called by calls.h; cut along n. */
extern const qvl_kernel_family qvl_family_zero;

/* The kernel that adds up an output over runs: tally(f32 x[n], acc f32 y[n]),
 * from the same file. */
extern const qvl_kernel_family qvl_family_tally;

typedef struct {
    const char *const *output;  // [n_outputs] wanted, by name
    int n_outputs;
    const bool *trained;        // [n_params] gradients wanted; NULL: none
    qvl_types types;
    bool states;                // keep what steps write to states
    bool recompute;             // make again what a layer's backward reads
    size_t align_bytes;         // a power of two; less than 16 counts as 16
    size_t max_binding_bytes;   // 0: no limit
    size_t max_alloc_bytes;     // 0: no limit
    const qvl_device *device;   // whose max_turns holds; NULL: no limit
} qvl_plan_options;

/* Where a value is: temporaries, and inputs, which keep their place throughout.
 * Params, gradients of trained ones and states are bound by the executor. */
typedef struct {
    int block;      // memory block, -1: none (bound elsewhere, or not needed)
    size_t at;      // byte in the block, a multiple of align_bytes
    size_t bytes;   // reserved: at least 16, a multiple of align_bytes
} qvl_place;

typedef struct {
    const qvl_kernel *kernel;
    int step;               // of the program; -1: made by the plan (a fill)
    const int *value;       // [kernel->n_bufs]
    const size_t *at_bytes; // [kernel->n_bufs] first byte bound inside a value
    const size_t *bytes;    // [kernel->n_bufs] bytes bound, at least 16
    const uint32_t *arg;    // [kernel->n_args]; for a run that starts gradients
    const uint32_t *arg_more;  // for a run that adds to them; may equal arg
} qvl_planned;

typedef struct {
    const qvl_program *program;
    qvl_types types;
    qvl_planned *step;
    int n_steps;
    qvl_value *value;      // the program's, then those made by the plan; an
                           // untrained gradient is a temporary here
    int n_values;
    qvl_place *place;      // [n_values]
    bool *needed;          // [n_values] read or written by a planned step, or
                           // a wanted output
    bool *is_output;       // [n_values] wanted: holds its data when a run ends
    size_t *block_bytes;   // [n_blocks]
    int n_blocks;
    size_t temp_bytes;     // sum of the blocks: peak of temporaries and inputs
    size_t temp_bytes_sum; // without sharing memory, for reports
} qvl_plan;

/* Plan a run. The program is borrowed for as long as the plan is used; all else
 * belongs to the arena. *plan is unchanged on error.
 *
 * Errors: QVL_E_USAGE for an output that the program does not have;
 * QVL_E_DEVICE when one row of an operand, or a value, exceeds the device's
 * limits, or a step that cannot be cut does; QVL_E_UNSUPPORTED when a kernel
 * was not compiled for the types, or the loops of a step, or of its smallest part,
 * turn too often; what qvl_device_turns fails with. Runs out of host memory as an
 * arena does. */
int qvl_plan_make(qvl_plan *plan, const qvl_program *program,
                  const qvl_plan_options *options, qvl_arena *arena,
                  qvl_err *err);

#endif
