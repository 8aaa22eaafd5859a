/* prove.h - one spec against differences of its losses
 *
 * The truth is the module before the gradient pass, run forwards only. After each
 * later pass the interpreter must give the same loss and outputs, and gradients that
 * agree with the truth: kernels have no part in this. Where a spec has a cache,
 * reading and decoding must keep what they say and what they leave in it through all
 * passes. What does not agree fails the test.
 */
#ifndef GEN_PROVE_H
#define GEN_PROVE_H

#include "ref/build.h"
#include "ref/data.h"

/* What specs are built from, and in; what a prover reads or runs lives as long. */
typedef struct {
    qvl_arena arena;
    qvl_arena scratch;
    kern_set kernels;
    qvl_err err;
} prover;

/* With the kernels of shaders/. */
void prove_open(prover *f);
void prove_close(prover *f);

/* A file, whole; and a tree of YAML, called `name` in messages. */
const char *prove_text(prover *f, const char *path);
const qvl_node *prove_tree(prover *f, const char *name, const char *text);

/* The spec `text`, called `name`, with the first set of its dims. */
void prove_spec(prover *f, const char *name, const char *text, const qvl_node *dims);

/* One run; and what another one must give, but for the order of a few sums. */
ref_result prove_run(prover *f, const ref_problem *p, const char *what);
void prove_same(const ref_result *found, const ref_result *wanted,
                const ref_params *list, const char *what);

#endif
