/* inspect_program.h - qvl inspect program: the steps of a generated program
 *
 * The program for one sequence, as a run would plan it: steps in order with
 * shapes, places in memory, operations and bytes; then what memory it takes.
 * Nothing is opened but config.json, and no device: limits that make a device
 * cut large operands are not applied.
 */
#ifndef TOOLS_INSPECT_PROGRAM_H
#define TOOLS_INSPECT_PROGRAM_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

typedef struct {
    const char *model;  // folder, or
    const char *size;   // name or .yaml file
    const char *phase;  // "train", "prefill", "decode"
    const char *pass;   // of the generator: refused, see there
    const char *image;  // as qvl bench takes it; NULL: the default
    const char *dtype;
    int tokens;         // of text; of decode: those that are kept
    bool checkpointing; // train: compute a layer's activations twice
    bool json;
} inspect_program_options;

/* Append the report. Fails with QVL_E_USAGE for flags that make no program,
 * errors of config.json and of sizes, QVL_E_MEMORY. */
int inspect_program(const inspect_program_options *o, qvl_str *out,
                    qvl_err *err);

#endif
