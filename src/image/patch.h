/* patch.h - pixels to the rows that enter the model
 *
 * A row is one patch: patch x patch pixels of `frames` frames, as numbers,
 * ordered channel, frame, row, column:
 *
 *     rows[n, ((c * frames + t) * patch + y) * patch + x]
 *
 * Rows are ordered by frame group, then by block of merge x merge patches in
 * raster order, then inside the block, so that neighbouring rows are merged.
 *
 * What a byte becomes says the rule of the processor's profile (qvl_value_rule), with
 * rescale, and mean and std of its channel.
 */
#ifndef QVL_IMAGE_PATCH_H
#define QVL_IMAGE_PATCH_H

#include "image/image.h"
#include "image/processor.h"

/* Cut frames into rows.
 *
 *   rows    out [n, qvl_processor_patch_values(p)], n being n_patches of the
 *           qvl_patch_plan of these frames
 *   frame   [n_frames > 0] pictures of one size, multiples of patch * merge. The
 *           last one stands for those that a last group lacks, so a still
 *           picture is a video of one frame */
void qvl_patch_cut(float *rows, const qvl_image *frame, int n_frames,
                   const qvl_processor *p);

/* The numbers that the 256 bytes of each channel become: value is out [3, 256]. */
void qvl_patch_values(float *value, const qvl_processor *p);

#endif
