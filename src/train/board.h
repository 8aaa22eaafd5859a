/* board.h - event files that TensorBoard reads
 *
 * A file is a row of records: length u64, masked CRC-32C of those 8 bytes,
 * payload, masked CRC-32C of the payload; numbers are little-endian. A payload is
 * a protobuf message Event. The first one names the version of the format.
 *
 * Scalars are gathered and written as one Event a step.
 */
#ifndef QVL_TRAIN_BOARD_H
#define QVL_TRAIN_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* CRC-32C (Castagnoli) of n bytes. Costs 8 steps a byte. */
uint32_t qvl_crc32c(const void *p, size_t n);

/* mask(c) = rotate c right by 15, plus 0xa282ead8. */
uint32_t qvl_crc32c_masked(const void *p, size_t n);

typedef struct qvl_board qvl_board;

/* A new file events.out.tfevents.TIME.HOST.PID.N in a folder, which is made.
 * Fails with QVL_E_IO. Unwinds when there is no host memory for the handle,
 * QVL_E_MEMORY for what it holds; put and commit unwind. */
int qvl_board_open(qvl_board **board, const char *folder, double unix_s,
                   qvl_err *err);
void qvl_board_close(qvl_board *board);

/* Take a scalar, as f32; the tag is copied. */
void qvl_board_put(qvl_board *board, const char *tag, double value);

/* Write what was put as the event of a step, so that a reader sees it. Nothing
 * happens when nothing was put. Fails with QVL_E_IO; what was put is gone then. */
int qvl_board_commit(qvl_board *board, int64_t step, double unix_s,
                     qvl_err *err);

#endif
