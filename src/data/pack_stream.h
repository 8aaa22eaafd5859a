/* pack_stream.h - rows of packed samples, epoch after epoch
 *
 *     order of the epoch --window--> lengths --pack.h--> rows
 *
 * Rows come one behind the other and do not stop at the end of an epoch, which a
 * row never goes beyond. How many an epoch has is known when it has ended. The
 * rows follow from the rules, the order and the lengths alone: whoever skips n
 * rows goes on as one that took them.
 *
 * Which row a sample comes into is not known before its length is, which may depend on
 * its step. So its step is that of the first row behind the windows before: where a
 * row waits, or a window has rows of more than one update, it is taken a little
 * later.
 */
#ifndef QVL_DATA_PACK_STREAM_H
#define QVL_DATA_PACK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "data/epoch_plan.h"
#include "data/pack.h"

/* Tokens of a sample, at most the capacity of a row. */
typedef int qvl_pack_length(void *ctx, const qvl_sample_at *at, int *n_tokens,
                            qvl_err *err);

typedef struct {
    qvl_epoch_plan plan;  // order of the records; batches and ranks are not read
    size_t rows_of_update;  // > 0
    qvl_pack_rules rules;
    qvl_pack_length *length;
    void *ctx;            // of length, borrowed
} qvl_pack_source;

/* How far the samples of an epoch have been given. */
typedef struct {
    uint64_t epoch;
    size_t n_given;      // samples of the epoch, those of the row included
    bool ends_epoch;     // the row is the last of it
} qvl_pack_progress;

typedef struct {
    const qvl_sample_at *sample;  // [n] good until the next call
    int n;
    int n_tokens;
    qvl_pack_progress at;
} qvl_packed_row;

typedef struct qvl_pack_stream qvl_pack_stream;

/* Before the first row of epoch 0. Unwinds when there is no memory. */
qvl_pack_stream *qvl_pack_stream_open(const qvl_pack_source *source);
void qvl_pack_stream_close(qvl_pack_stream *s);

/* The next row. Fails as `length` does; runs out of host memory as an arena does.
 * No row is lost then: the next call tries again. */
int qvl_pack_stream_next(qvl_pack_stream *s, qvl_packed_row *row, qvl_err *err);

/* Rows of an epoch among those of all: how many come before it, how many it has.
 * Looks at the epochs before it too. Fails as qvl_pack_stream_next does, *rows is then
 * unchanged. */
int qvl_pack_stream_count(const qvl_pack_source *source, uint64_t epoch,
                          qvl_stretch *rows, qvl_err *err);

/* Where a stream stands behind its first n_rows > 0. Looks at all of them. Fails as
 * qvl_pack_stream_next does, *at is then unchanged. */
int qvl_pack_stream_at(const qvl_pack_source *source, uint64_t n_rows,
                       qvl_pack_progress *at, qvl_err *err);

#endif
