/* data.h - made-up numbers for an architecture: dims, inputs, parameters
 *
 * Dims come from a file of sets (tests/specs/dims.yaml), all else from a seed.
 * Numbers are tame: weights are scaled by their fan-in, so that activations and
 * gradients keep a size of about 1 at any depth, and every number can be stored
 * exactly in the type that a run stores it as. So a program and the interpreter
 * start from the same values, and differ by the rounding of what they compute.
 *
 * An index is -1 in one row of six, a label negative in one of five; a padded
 * token attends nothing and is attended by none. Of the tokens whose keys are
 * kept one in five is not there: it has no slot, and attends nothing. Block
 * tables are drawn by lot, slots have one token at most.
 */
#ifndef REF_DATA_H
#define REF_DATA_H

#include "base/node.h"
#include "ref/interp.h"

/* Who attends whom. */
typedef enum {
    REF_RANGES_CAUSAL,  // all tokens one sequence, each sees itself and before
    REF_RANGES_FULL,    // all see all
    REF_RANGES_RAGGED,  // sequences of any length: causal, full, windows, pads
    REF_N_RANGES
} ref_ranges;

/* One set of dims. */
typedef struct {
    qvl_dims d;          // derived ones too
    ref_ranges ranges;
    const char *text;    // "T=5 H=8", for messages
} ref_set;

/* Sets of an architecture in a file of sets, in order: a map from its name to a
 * list of maps from dim to number; `ranges` may be causal, full or ragged (the
 * default). Fails with QVL_E_CONFIG for a dim that is missing or unknown. */
int ref_sets_read(ref_set **out, int *n, const ir_module *m,
                  const qvl_node *file, qvl_err *err);

typedef struct {
    ref_params params;
    double **input;      // [m->n_inputs], as a ref_problem wants them
    double **param;      // [params.n]
    ref_states states;
    double **state;      // [states.n] contents before the run
} ref_data;

/* Numbers for module m (any pass) with these dims, parameters and states
 * rounded to weight_dtype (rank 1: f32). The same seed gives the same numbers
 * for every pass of one spec, and for every phase, but for the ranges of tokens
 * that are continued and for states. */
void ref_data_make(ref_data *out, const ir_module *m, const ref_set *set,
                   int weight_dtype, uint64_t seed, qvl_arena *arena);

/* x as stored by a type: f32, bf16, f16. */
double ref_round(double x, int dtype);

#endif
