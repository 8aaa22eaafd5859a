/* fixture.h - architectures of the test build, and what they must compute
 *
 * The generated architectures (those of tests/specs, the random ones and the
 * shipped ones) with the modules they were made from, sets of dims, made-up
 * numbers, and the interpreter's results, each computed once.
 */
#ifndef PROGRAM_FIXTURE_H
#define PROGRAM_FIXTURE_H

#include "graph/arch.h"
#include "ref/build.h"
#include "ref/data.h"

/* One architecture, one set of dims, one storage type of weights. The phases
 * share parameters; what is read and kept differs. */
typedef struct {
    bool is_made;
    ref_data data[REF_N_PHASES];
    ref_result result[REF_N_PHASES];
    double top_grad;     // largest magnitude of any gradient
} fixture_case;

#define FIXTURE_N_TYPES 3  // QVL_F32, QVL_BF16, QVL_F16

typedef struct {
    const qvl_arch *arch;
    ir_module *m[REF_N_PHASES];  // after the gradient pass; without a cache
                                 // inference is that of training, decoding NULL
    bool has_choice;           // a layer picks experts: rounding may pick others
    ref_set *set;
    int n_sets;
    fixture_case (*known)[FIXTURE_N_TYPES];  // [n_sets]
} fixture_arch;

/* All architectures of the build, read at the first call, kept until the
 * process ends. Fails the running test when one cannot be built. */
fixture_arch *fixture_archs(int *n);

/* The kernels of shaders/, once fixture_archs was called. */
const kern_set *fixture_kernels(void);

/* The numbers of a case; dtype is that of the weights. */
const fixture_case *fixture_get(fixture_arch *a, int set, int dtype);

/* For messages: "op_linear (T=4 H=5)". From a buffer that the next call but
 * four uses again. */
const char *fixture_name(const fixture_arch *a, int set);

#endif
