/* train_cases.h - stored cases of training: losses, norms, rates, final weights
 *
 * A case of kind "train" names a model and some batches, and lists what comes
 * out of the first optimizer steps over them. It runs through qvl_train.h.
 */
#ifndef GOLDEN_TRAIN_CASES_H
#define GOLDEN_TRAIN_CASES_H

#include <stddef.h>

#include "base/err.h"
#include "base/node.h"
#include "compare.h"

typedef struct {
    const char *device;
    const char *dtype;
    worst worst;
    size_t n_compared;
} golden_train;

/* Run the case in a folder, whose case.json is `json`. Fails when its files
 * cannot be read or a step fails; what does not hold shows in `worst`. */
int golden_train_case(const char *folder, const qvl_node *json,
                      golden_train *out, qvl_err *err);

#endif
