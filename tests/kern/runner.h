/* runner.h - run a form of forms.h on every device and compare
 *
 * A test describes operands as numbers in double; the runner rounds them to the
 * storage type, runs the form, and gives back what the device wrote. Targets
 * are the instruction sets of this processor, OpenCL and Vulkan; what is missing
 * is said once and left out.
 */
#ifndef TESTS_KERN_RUNNER_H
#define TESTS_KERN_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"

/* An operand: n numbers of a storage type. The runner sets `v` of what is
 * uploaded to the rounded numbers, and of what is written to the results. */
typedef struct {
    double *v;  // owned
    size_t n;
} operand;

typedef struct {
    const char *name;  // "cpu v3", "opencl", "vulkan"
    qvl_device *dev;
} target;

/* Targets of this machine; opened at the first call, closed at exit. */
const target *runner_targets(int *n);

/* The form of this name; fails the test when there is none. */
const qvl_kernel *runner_kernel(const char *name);

/* Numbers: zeros, or pseudo-random in [lo, hi] by a seed. */
operand operand_zeros(size_t n);
operand operand_random(size_t n, double lo, double hi, uint32_t seed);
void operand_release(operand *o);

/* Round the numbers to a storage type. */
void operand_round(operand *o, int dtype);

uint32_t f32_word(float x);

/* Round and upload every operand, run the form once, read back what it writes.
 * args [k->n_args]. */
void runner_run(const target *t, const qvl_kernel *k, operand *const *ops,
                const uint32_t *args);

/* |found - wanted| <= tol * max(scale, |wanted|) for n numbers, and NaN where
 * NaN is wanted. Fails the test at the first that is not, naming `what`. */
void runner_near(const double *found, const double *wanted, size_t n,
                 double tol, double scale, const char *what);

/* Relative step of a storage type, for tolerances. */
double dtype_step(int dtype);

#endif
