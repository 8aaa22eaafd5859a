/* interp.h - a plain interpreter of the generator's programs, in double
 *
 * Takes a module after any pass, forward and backward ops alike, and computes
 * its outputs, its loss and the gradients that its ops add up. Nothing is
 * shared with the emitted programs: every value has memory of its own, sizes
 * come from the module's trees, kernels are those of ops.h.
 *
 * The loss is what the ops that start gradients compute: for each cross
 * entropy the sum of stat[:,0] times its scale. Gradients are of that loss.
 *
 * A value is NaN until it is written, and an op that reads a NaN fails: a part
 * that nobody writes, or one that is read too early, is found where it is used.
 */
#ifndef REF_INTERP_H
#define REF_INTERP_H

#include "ref/dims.h"

/* A module with numbers for everything it needs. Borrowed for each run. */
typedef struct {
    const ir_module *m;
    const qvl_dims *d;          // all dims set, derived ones too
    const ref_params *params;
    double *const *input;       // [m->n_inputs] dense; whole numbers as doubles
    double *const *param;       // [params->n]; tied ones are the same pointer
    const ref_states *states;   // NULL: the module has none
    double *const *state;       // [states->n] what earlier runs left
} ref_problem;

typedef struct {
    const char *name;           // "logits", "taps.1"
    const double *v;            // [n]
    size_t n;
} ref_output;

typedef struct {
    double loss;
    ref_output *output;
    int n_outputs;
    double **grad;              // [params->n]; 0 where nothing was added; tied
                                // ones are the same pointer
    double **state;             // [states->n] what this run left
} ref_result;

/* Run the module once. The result, and all memory of the run, belongs to the
 * arena. Fails with QVL_E_INTERNAL, naming line and value, when the module
 * reads what was never written. */
int ref_run(ref_result *out, const ref_problem *p, qvl_arena *arena,
            qvl_err *err);

#endif
