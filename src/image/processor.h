/* processor.h - how a model wants its pictures
 *
 * A model folder says it in preprocessor_config.json, and for videos in
 * video_preprocessor_config.json. Numbers that decide about the input of the
 * model are required and never filled in; what released files leave out
 * (bicubic, 1/255, all steps on; for videos 2 frames a second, 4 to 768 of
 * them) has one meaning only. A step that is switched off is refused.
 *
 * Programs that follow such a file still differ in details, which are named as
 * profiles. A model sees exactly what it was trained on only with the same
 * profile, so it is recorded with every output.
 *
 *                 orientation  alpha    small sides  resize       values
 *     pillow      applied      dropped  grow         Pillow       two steps
 *     pillow13    applied      dropped  grow         Pillow 13    two steps
 *     torchvision applied      dropped  grow         torchvision  one step
 *     utility     as stored    white    at least 1   Pillow       two steps
 *
 * utility has bounds of its own, 4096 to 16777216 pixels.
 */
#ifndef QVL_IMAGE_PROCESSOR_H
#define QVL_IMAGE_PROCESSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/decode.h"
#include "image/image.h"
#include "image/resize.h"
#include "image/size.h"
#include "image/video.h"

/* How a byte x becomes a number; all in f32 but the product. */
typedef enum {
    QVL_VALUE_TWO_STEPS,  // (f32(x * rescale) - mean) / std
    QVL_VALUE_ONE_STEP    // (x - mean / rescale) / (std / rescale)
} qvl_value_rule;

typedef struct {
    const char *name;
    qvl_decode_options decode;
    int size;                // enum qvl_size_rule
    qvl_resize_rule resize;
    int value;               // enum qvl_value_rule
    int64_t min_pixels;      // 0: those of the model
    int64_t max_pixels;
} qvl_profile;

/* Find a profile by name, NULL for the default one; it is a constant. Fails with
 * QVL_E_USAGE and the names there are. */
int qvl_profile_find(const qvl_profile **profile, const char *name,
                     qvl_err *err);

typedef struct {
    const qvl_profile *profile;
    int patch;            // side of a patch, pixels
    int frames;           // frames of a patch
    int merge;            // patches of a merged row, each way
    int64_t min_pixels;   // of a picture
    int64_t max_pixels;
    double mean[QVL_IMAGE_CHANNELS];
    double std[QVL_IMAGE_CHANNELS];
    double rescale;
    bool has_video;       // what follows is known
    int64_t min_video_pixels;  // of all frames
    int64_t max_video_pixels;
    qvl_video_rule video;
} qvl_processor;

/* Read the files of a model folder, for a profile that is kept as it is. The arena
 * is for what is needed while reading. Fails with QVL_E_MODEL naming key, place,
 * what was found and what was expected; runs out of host memory as an arena does,
 * or with QVL_E_MEMORY. */
int qvl_processor_load(qvl_processor *p, const char *folder,
                       const qvl_profile *profile, qvl_arena *arena,
                       qvl_err *err);

/* Replace the bounds of pictures; 0 leaves one alone. Fails with QVL_E_USAGE
 * unless 0 < min <= max < 2^31. */
int qvl_processor_set_bounds(qvl_processor *p, int64_t min_pixels,
                             int64_t max_pixels, qvl_err *err);

/* What a picture or a video becomes. */
typedef struct {
    int h, w;         // of the resized frames
    int64_t grid[3];  // patches: in time, down, across
    size_t n_patches;
    size_t n_tok;     // placeholders in the text
} qvl_patch_plan;

/* Plan a picture of h x w pixels, each > 0. Fails with QVL_E_DATA (image/size.h). */
int qvl_processor_plan(const qvl_processor *p, int h, int w,
                       qvl_patch_plan *plan, qvl_err *err);

/* Plan a video of n_frames sampled frames. Fails with QVL_E_DATA, and with
 * QVL_E_MODEL when the model says nothing of videos. */
int qvl_processor_plan_video(const qvl_processor *p, int n_frames, int h,
                             int w, qvl_patch_plan *plan, qvl_err *err);

/* Numbers in a patch: channels * frames * patch^2. */
size_t qvl_processor_patch_values(const qvl_processor *p);

#endif
