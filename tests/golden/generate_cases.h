/* generate_cases.h - stored answers: greedy tokens, and the logits before them
 *
 * Every prompt is answered alone and then together with the others; both must
 * give the stored tokens. Logits are those of the answers alone.
 */
#ifndef GOLDEN_GENERATE_CASES_H
#define GOLDEN_GENERATE_CASES_H

#include "base/node.h"
#include "compare.h"

typedef struct {
    const char *folder;
    const qvl_node *json;   // of case.json
    const char *device;
    const char *dtype;
    const char *output;     // folder for the actual tensors, NULL: none
} golden_generate;

/* Run the case; adds to *w and *n_compared. Fails when its files cannot be
 * read or the model does not run. */
int golden_generate_case(const golden_generate *g, worst *w,
                         size_t *n_compared, qvl_err *err);

#endif
