/* sequence.h - rows of token ids cut into sequences
 *
 * A sequence is what a sample is to the model: its positions start at its first
 * token, attention stays inside it, and its first label does not count. It is
 *
 *     a row without its padding, or
 *     in a packed row a run of tokens that have the same number of a sample
 *
 * A row without any token is one sequence of none, so that rows and sequences
 * are the same things where nothing is packed.
 */
#ifndef QVL_SEQUENCE_H
#define QVL_SEQUENCE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/batch.h"

/* Columns lo to hi - 1 of a row. */
typedef struct {
    int row, lo, hi;
    int n_labels;  // that count
} qvl_sequence;

typedef struct {
    qvl_sequence *v;   // [n] in the order of rows and columns, the arena's
    int n;
    int64_t n_tokens;  // of all
    int64_t n_labels;
} qvl_sequences;

/* Cut the rows of a source into sequences. Fails with QVL_E_RANGE for no rows or columns and for
 * 2^31 tokens; QVL_E_DATA for masks other than 0 ... 1 ... 0, and for the number of
 * a sample that comes again behind another one; *out is then unchanged. Runs out
 * of host memory as an arena does, or with QVL_E_MEMORY. Numbers of samples that do not
 * rise in a row are sorted. */
int qvl_sequences_make(qvl_sequences *out, const qvl_batch_source *source,
                       qvl_arena *arena, qvl_err *err);

/* Labels that count in all sequences. Fails as above; *n is then unchanged. */
int qvl_sequences_count_labels(const qvl_batch_source *source, int64_t *n,
                               qvl_err *err);

#endif
