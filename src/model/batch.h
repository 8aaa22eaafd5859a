/* batch.h - from rows of token ids to the arrays of one step
 *
 * Rows of equal length come in, padded on either side; padding is dropped, and
 * the tokens that are left stand one behind the other. A row is one sequence, or
 * several that are packed (sequence.h): positions start at the first token of
 * each, attention stays inside it and looks back only, and a label counts for the
 * token before it in the same sequence.
 *
 * What an architecture wants is asked by input name (the tables stand in
 * batch_inputs.c); an array is made at the first question, so a step pays for
 * what its run needs. Dims of the batch:
 *   T  tokens kept
 *   M  merged vision rows, those of pictures first, then those of videos
 *   R  tokens with a label that counts
 *   Q  tokens whose logits are wanted
 *   C  rows of a chunk of the head, so that its logits stay below 64 MiB
 *   S  slots of the cache
 *   Z  entries of its block tables
 */
#ifndef QVL_BATCH_H
#define QVL_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/config.h"
#include "model/vision_index.h"
#include "text/label.h"

/* Pictures, or videos, of a whole batch in order of appearance. */
typedef struct {
    const int64_t *grid;  // [n, 3] frames, rows, columns in patches
    int n;
    const float *pixels;  // [n_patches, patch_values]
    size_t n_patches;
} qvl_batch_pictures;

/* Where the keys and values of a batch are kept. Slots are handed out in blocks
 * of block_len; row r lies in the blocks block[table[r]], block[table[r] + 1],
 * ... in order. A row with past[r] tokens there is continued: they are not in
 * the batch, and its first token stands at position next[r] (on every axis). It
 * may hold whole pictures; a single token is text, whatever its id. */
typedef struct {
    int n_slots;           // of the cache, a multiple of block_len
    int block_len;
    const int32_t *block;  // [n_blocks] numbers below n_slots / block_len
    int n_blocks;
    const int32_t *table;  // [n_rows] first entry of each row
    const int32_t *past;   // [n_rows] tokens kept; -1: a row that is not there
                           // and stands for one token without any effect
    const int32_t *next;   // [n_rows]
} qvl_batch_cache;

/* Tokens whose logits are wanted. */
typedef enum {
    QVL_LOGITS_NONE,
    QVL_LOGITS_ALL,
    QVL_LOGITS_LAST,  // of each sequence
} qvl_batch_logits;

typedef struct {
    int n_rows;
    int row_len;
    const int64_t *id;     // [n_rows, row_len]
    const int64_t *mask;   // [n_rows, row_len] 1 = real; NULL: all are
    const int64_t *label;  // [n_rows, row_len] QVL_IGNORE_INDEX = not counted;
                           // NULL: none counts
    const int64_t *sample; // [n_rows, row_len] numbers of samples in packed rows;
                           // NULL: a row is one. Not together with a cache
    qvl_batch_pictures images;
    qvl_batch_pictures videos;
    qvl_batch_logits logits;
    const qvl_batch_cache *cache;  // NULL: nothing is kept
    double loss_count;  // the loss is divided by: labels of the step, over the scale
                        // of f16 where there is one; 0: labels of the batch
} qvl_batch_source;

/* An array as an input takes it: f32 or i32. */
typedef struct {
    const void *data;
    size_t n;  // elements
} qvl_batch_array;

/* One step. All arrays belong to the arena; pixels are those of the source
 * where one kind of pictures came alone. */
typedef struct {
    // borrowed
    const qvl_model_config *config;
    qvl_arena *arena;
    const qvl_batch_source *source;
    // owned by the arena
    qvl_dims dims;             // of config and batch, derived ones too
    qvl_input_size *size;      // [arch->n_inputs]
    qvl_batch_array *made;     // [arch->n_inputs] NULL data: not made yet
    bool is_continued;         // some rows are: the run is one of decoding
    int n_tokens;              // T
    int n_rows;                // M
    int n_image_rows;          // of M, the first
    int n_labels;              // R
    int n_logits;              // Q
    int64_t *id;               // [T]
    int32_t *place;            // [T] row * row_len + column in the source
    int n_seqs;                // sequences: rows of the source, unless packed
    int32_t *first;            // [n_seqs + 1] first token of each
    int32_t *position;         // [T, 3]
    int32_t *next;             // [n_seqs] position behind the last token
    int32_t *row_end;          // [source rows] sequence behind the last of a row
    qvl_grid *grid;            // [n_grids] pictures, then videos
    int n_grids;
} qvl_batch;

/* Check a source and lay out its step. Source, config and arena are borrowed
 * as long as the batch is used.
 *
 * Fails as qvl_sequences_make; with QVL_E_DATA for ids outside the vocabulary, labels
 * outside the vocabulary, placeholders that do not match the grids,
 * pixels that do not match them, a batch without tokens; QVL_E_RANGE for sizes
 * beyond 2^31 and for no rows or columns; QVL_E_INTERNAL for a cache whose block
 * tables are too short; QVL_E_MODEL as qvl_arch.derive. *batch is then unchanged.
 * Runs out of host memory as an arena does. */
int qvl_batch_make(qvl_batch *batch, const qvl_model_config *config,
                   const qvl_batch_source *source, qvl_arena *arena,
                   qvl_err *err);

/* The array of input `input` of the architecture; its data lives as long as the
 * batch and may be NULL when n is 0. Fails with QVL_E_INTERNAL for an input no rule
 * is known for, or an array that is not as the architecture says. Runs out of host
 * memory as an arena does. */
int qvl_batch_input(qvl_batch *batch, int input, qvl_batch_array *array,
                    qvl_err *err);

#endif
