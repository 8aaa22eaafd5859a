/* batch_file.h - a batch as a tensor file holds it
 *
 * input_ids [B, S], and if they are there attention_mask, labels and sample_ids of
 * the same shape, pixel_values with image_grid_thw, pixel_values_videos with
 * video_grid_thw. Whole numbers may be of any integer type. A tensor of another
 * name is refused: it would change what is meant.
 */
#ifndef TOOLS_BATCH_FILE_H
#define TOOLS_BATCH_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "qvl.h"

/* Read a file. The arrays of the batch belong to the arena. Fails with
 * QVL_E_DATA, QVL_E_UNSUPPORTED for the input of another loss
 * (teacher_logits), and as the reader of the file does. */
int batch_file_load(qvl_batch_in *batch, const char *path, qvl_arena *arena,
                    qvl_err *err);

/* The batch whose names begin with `prefix`, of a file with several; other names are
 * passed over. */
int batch_file_load_prefix(qvl_batch_in *batch, const char *path,
                           const char *prefix, qvl_arena *arena,
                           qvl_err *err);

#endif
