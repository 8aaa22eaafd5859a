/* size.h - the size a picture gets before it is cut into patches
 *
 * Both sides become multiples of `factor`, near the ones they had, and the
 * picture is brought near the bounds min_pixels and max_pixels; a side is never
 * less than factor, which may exceed max_pixels. All in double precision, halves
 * to even; the sizes are those of the reference programs, to the pixel, since a
 * patch more or less is another input.
 *
 * Coordinates relative to the picture stay valid: each axis is only stretched.
 */
#ifndef QVL_IMAGE_SIZE_H
#define QVL_IMAGE_SIZE_H

#include <stdint.h>

#include "base/err.h"

/* Longest side over shortest that the reference programs take. */
#define QVL_SIZE_MAX_RATIO 200

typedef enum {
    /* A side may round to 0; the picture is then too small and grows. */
    QVL_SIZE_PROCESSOR,
    /* A side rounds to one factor at least. */
    QVL_SIZE_UTILITY
} qvl_size_rule;

typedef struct {
    int rule;            // enum qvl_size_rule
    int factor;          // pixels of a patch times patches merged, > 0
    int64_t min_pixels;  // of a picture, or of all frames of a video, > 0
    int64_t max_pixels;  // > 0
} qvl_size_limits;

/* Size for a picture of in_h x in_w pixels, each > 0. Fails with QVL_E_DATA when one
 * side is more than QVL_SIZE_MAX_RATIO times the other. */
int qvl_size_plan(int *h, int *w, int in_h, int in_w,
                  const qvl_size_limits *limits, qvl_err *err);

/* Size for the frames of a video; `together` frames become one patch. Fails
 * with QVL_E_DATA for fewer than `together` frames as well. */
int qvl_size_plan_video(int *h, int *w, int n_frames, int together, int in_h,
                        int in_w, const qvl_size_limits *limits,
                        qvl_err *err);

#endif
