/* video.h - which frames of a video are shown, and when they were
 *
 * Frames are taken at an even rate over the whole length; two neighbours become
 * one patch in time, whose place in the video the prompt states in seconds.
 */
#ifndef QVL_IMAGE_VIDEO_H
#define QVL_IMAGE_VIDEO_H

#include "base/arena.h"
#include "base/err.h"

/* Frames a second where a file does not say. */
#define QVL_VIDEO_UNKNOWN_FPS 24.0

typedef struct {
    double fps;      // frames to take for each second, > 0
    int min_frames;  // taken at least, where there are so many
    int max_frames;
} qvl_video_rule;

/* Choose frames.
 *
 *   index    out: [*n] numbers of the frames, in order; belongs to the arena.
 *            The last one comes again until *n is a multiple of `together`
 *   total    frames of the video
 *   src_fps  frames a second of the video, > 0
 *   together frames of one patch, > 0
 *
 * Fails with QVL_E_DATA when the rule takes fewer than `together` frames. */
int qvl_video_sample(int **index, int *n, int total, double src_fps,
                     const qvl_video_rule *rule, int together,
                     qvl_arena *arena, qvl_err *err);

/* Seconds of each patch: the mean of its first and its last frame's time.
 *
 *   seconds  out [n / together]
 *   index    [n], n a multiple of `together` */
void qvl_video_times(double *seconds, const int *index, int n, double src_fps,
                     int together);

#endif
