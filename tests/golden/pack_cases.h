/* pack_cases.h - samples of one file as a packed row
 *
 * A case of packing has the inputs of its samples under sample.0., sample.1., and so
 * on, and what each of them gives alone. They are laid side by side in one row;
 * what comes out is cut apart again.
 */
#ifndef GOLDEN_PACK_CASES_H
#define GOLDEN_PACK_CASES_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "qvl.h"

typedef struct {
    size_t n;      // samples
    size_t *first; // [n + 1] column of the row where each begins
} golden_pack;

/* Read n > 0 samples of a file into one row; arrays belong to the arena. Fails as
 * batch_file_load does, and with QVL_E_FORMAT for a sample of several rows or with
 * padding. */
int golden_pack_load(qvl_batch_in *row, golden_pack *pack, const char *path,
                     size_t n, qvl_arena *arena, qvl_err *err);

/* The sample that a name like sample.2.logits is of, and *rest of the name. Fails
 * with QVL_E_FORMAT for one the case does not have. */
int golden_pack_find(const golden_pack *pack, const char *name, size_t *sample,
                     const char **rest, qvl_err *err);

/* The columns of a sample, of src [n_outer, columns of the row, n_inner]
 * numbers of `bytes` each; belongs to the arena. */
void *golden_pack_cut(const golden_pack *pack, size_t sample, const void *src,
                      size_t n_outer, size_t n_inner, size_t bytes,
                      qvl_arena *arena);

/* Sum of the cross entropy of a sample from its logits [columns, vocab], over
 * *n_labels. */
double golden_pack_loss(const golden_pack *pack, size_t sample,
                        const qvl_batch_in *row, const float *logits,
                        size_t vocab, size_t *n_labels);

#endif
