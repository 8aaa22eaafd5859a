/* cmd_image.h - `qvl inspect image`: pictures as the model receives them */
#ifndef TOOLS_CMD_IMAGE_H
#define TOOLS_CMD_IMAGE_H

#include "base/err.h"

typedef struct {
    const char *folder;   // has preprocessor_config.json
    const char *output;   // file to write
    const char *profile;  // NULL: the default one
    int min_pixels;       // 0: as the folder says
    int max_pixels;
} cmd_image_options;

/* Decode, resize and cut n > 0 pictures in the order given. Written are
 * pixel_values f32 [patches, values], image_grid_thw i64 [n, 3], resized.K u8
 * [h, w, 3], and as metadata what they depend on; printed is a line a picture. The
 * file appears whole or not at all. Fails as the decoders, the processor and the
 * writer do. */
int cmd_image(const cmd_image_options *options, const char *const *file,
              int n, qvl_err *err);

#endif
