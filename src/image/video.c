/* video.c - sampling of frames */
#include "image/video.h"

#include <assert.h>
#include <math.h>

/* Frames to take before padding. */
static int count_frames(int total, double src_fps, const qvl_video_rule *rule)
{
    double n = trunc(total / src_fps * rule->fps);
    n = fmin(fmax(n, rule->min_frames), rule->max_frames);
    return (int)fmin(n, total);
}

int qvl_video_sample(int **index, int *n, int total, double src_fps,
                     const qvl_video_rule *rule, int together,
                     qvl_arena *arena, qvl_err *err)
{
    assert(src_fps > 0.0 && rule->fps > 0.0 && together > 0);

    int n_taken = count_frames(total, src_fps, rule);
    if (n_taken < together)
        return qvl_fail(err, QVL_E_DATA,
                        "video: found %d frames, expected %d or more", n_taken,
                        together);
    int n_all = (n_taken + together - 1) / together * together;
    int *out = qvl_arena_array(arena, int, n_all);
    double step = n_taken > 1 ? (double)(total - 1) / (n_taken - 1) : 0.0;
    for (int i = 0; i < n_all; i++)
        out[i] = i < n_taken - 1 ? (int)rint(i * step) : total - 1;
    if (n_taken == 1)
        out[0] = 0;
    *index = out;
    *n = n_all;
    return QVL_OK;
}

void qvl_video_times(double *seconds, const int *index, int n, double src_fps,
                     int together)
{
    assert(src_fps > 0.0 && together > 0 && n % together == 0);

    for (int t = 0; t < n / together; t++) {
        double first = index[t * together] / src_fps;
        double last = index[(t + 1) * together - 1] / src_fps;
        seconds[t] = (first + last) / 2.0;
    }
}
