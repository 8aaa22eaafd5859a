/* harness.h - random programs, their results without a plan, and with one
 *
 * The reference runs every step of a program in order, each value in memory of
 * its own: nothing is dropped, shared, cut or repeated. A run under test goes
 * through store, plan and fake device; after every dispatch the places of
 * values that are not used any more are poisoned.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "base/rng.h"
#include "fake.h"
#include "graph/exec.h"

qvl_rng harness_rng(uint64_t seed);

/* A program with what it needs to run. Release the arena at the end. */
typedef struct {
    qvl_arena arena;
    qvl_program program;
    qvl_param_list params;
    float **data;             // [n_values] of the reference, after harness_eval
    const void *given[8];     // [n_inputs] data for an input; NULL: made up
    const char **output;      // wanted
    int n_outputs;
    bool *trained;            // [n_params]
} harness;

void harness_init(harness *h, int n_params, int n_inputs);
void harness_release(harness *h);

/* Add a parameter [n, 1] to the list and its value to the program. */
int harness_param(harness *h, size_t n);
int harness_input(harness *h, int index, qvl_value_class cls, size_t n);
/* Name a value as an output and want it. */
void harness_want(harness *h, int value);

/* Steps with the fake kernels; they make and return the output. */
int harness_mix(harness *h, int k, const int *x, size_t n, uint32_t salt);
void harness_sum(harness *h, int x0, int x1, int param, uint32_t salt);
void harness_put(harness *h, int x, int y, size_t rows, size_t cols,
                 size_t off, size_t ld, uint32_t salt);

/* About n_steps random steps over random sizes, zero included. */
void harness_random(harness *h, qvl_rng *rng, int n_steps);
/* n_layers equal layers forward, a loss, and the layers backward. */
void harness_layers(harness *h, qvl_rng *rng, int n_layers, size_t width);

/* Fill inputs and parameters, run the reference. Gradients start. */
void harness_eval(harness *h);

/* Options for everything the harness wants. */
qvl_plan_options harness_options(const harness *h);

/* Open store and run on the device, give data, submit once to start and
 * n_more times to add, compare outputs and gradients with the reference; all
 * else fails the test. Returns the plan's temp_bytes. */
size_t harness_run(harness *h, fake_device *dev,
                   const qvl_plan_options *options, int n_more,
                   const char *what);

/* The same until an error comes: returns it, with the store and the run closed
 * and no comparison made. */
int harness_try(harness *h, fake_device *dev, const qvl_plan_options *options,
                qvl_err *err);

/* No two values that are alive at the same step share a byte; places are
 * aligned, inside their blocks. */
void harness_check_places(const qvl_plan *plan, const char *what);

#endif
