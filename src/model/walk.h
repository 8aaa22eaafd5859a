/* walk.h - how far the loops of attention go in a batch
 *
 * A group of attention owns some rows and walks all rows that these see; for the
 * gradient of keys, all queries that see them, once for each head that shares a
 * key head. A device may end long loops without a word (max_walk in
 * backend/backend.h), so a batch is held against that before it runs.
 */
#ifndef QVL_WALK_H
#define QVL_WALK_H

#include <stdint.h>

#include "model/batch.h"

/* Rows that the longest walk of the batch passes, forwards or, with `grads`,
 * in either direction. A head of more than 128 numbers counts as several. Makes the
 * ranges of the batch, and fails as qvl_batch_input does. */
int qvl_batch_walk(qvl_batch *batch, bool grads, int64_t *rows, qvl_err *err);

/* Fail with QVL_E_UNSUPPORTED when the longest walk passes more than max_walk
 * rows, 0 being any number; `device` is its name, for the message. Fails as above,
 * too. */
int qvl_batch_check_walk(qvl_batch *batch, bool grads, uint32_t max_walk,
                         const char *device, qvl_err *err);

#endif
