/* eval.h - parts of `qvl eval`: options, rows of a file, one function a topic */
#ifndef TOOLS_EVAL_H
#define TOOLS_EVAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "base/str.h"

typedef struct {
    bool json;
    const char *output;
    const char *output_json;
    const char *primary;
    const char *thresholds;
    const char *line_tol;
    const char *modes;
    int top_k;
    const char *beta;
    const char *weights;
    const char *umbrella;
    const char *parse;
    const bool *given;
} eval_options;

/* Read a flag as a number from least to most; QVL_E_USAGE. */
int eval_read_number(const char *flag, const char *text, double least,
                     double most, double *out, qvl_err *err);

/* Takes a row, a map; it and the arena last for the call. */
typedef int eval_row_fn(void *ctx, const qvl_node *row, bool is_first,
                        qvl_arena *arena, qvl_err *err);

/* Read a JSONL file row by row; blank lines are passed over. Fails with QVL_E_IO,
 * QVL_E_FORMAT, QVL_E_DATA and the place, and as `take` does. */
int eval_read_rows(const char *path, eval_row_fn *take, void *ctx, qvl_err *err);

/* Write a report to a file, or to standard output for "-". */
int eval_write(const char *path, const qvl_str *text, qvl_err *err);

/* Score a file and report. */
int eval_detections(const eval_options *o, const char *path, qvl_err *err);
int eval_summaries(const eval_options *o, const char *path, qvl_err *err);

#endif
