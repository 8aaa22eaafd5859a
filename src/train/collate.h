/* collate.h - samples side by side, as the arrays of one batch
 *
 * A row holds one sample, or several that are packed: then sample_ids tell them
 * apart. Rows are as long as the longest and padded on the right: mask 0, label
 * QVL_IGNORE_INDEX. Patches and grids of all samples stand one behind the other; a
 * batch without pictures has none of either. The model drops the padding again.
 */
#ifndef QVL_TRAIN_COLLATE_H
#define QVL_TRAIN_COLLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "data/augment/augment.h"
#include "data/encode.h"
#include "data/pack_stream.h"
#include "qvl.h"

typedef struct {
    qvl_batch_in in;       // arrays belong to the arena
    const qvl_encoded *sample;  // [n_samples] that it was made of, borrowed
    int n_samples;
    const qvl_augment_report *augment;  // [n_samples] what was done to each; NULL:
                                        // nothing is augmented
    const qvl_record *const *record;    // [n_samples] before that; NULL likewise, and
                                        // of each that is not augmented
    int64_t n_tokens;      // without padding
    int64_t n_supervised;  // labels
    qvl_pack_progress at;  // behind the batch, of packed rows; ends_epoch: in it
} qvl_collated;

/* n > 0 samples of one encoder; row_n [n_rows] of them in each row one behind the
 * other, or NULL: each is a row. The batch has copies of all but what is read
 * through `sample`. Runs out of host memory as an arena does. */
qvl_collated qvl_collate(const qvl_encoded *sample, int n, const int *row_n,
                         int n_rows, qvl_arena *arena);

#endif
