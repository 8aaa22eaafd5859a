/* size.c - sizes that are multiples of a patch */
#include "image/size.h"

#include <assert.h>
#include <math.h>

static double round_to(double side, int factor)
{
    return rint(side / factor) * factor;
}

/* n frames of in_h x in_w that count as n_whole: shrink or grow all of them
 * until they fit. */
static void fit(int *h, int *w, double n, double n_whole, double in_h,
                double in_w, const qvl_size_limits *l)
{
    double f = l->factor;
    double least = l->rule == QVL_SIZE_UTILITY ? f : 0.0;
    double out_h = fmax(least, round_to(in_h, l->factor));
    double out_w = fmax(least, round_to(in_w, l->factor));
    if (n_whole * out_h * out_w > (double)l->max_pixels) {
        double beta = sqrt(n * in_h * in_w / (double)l->max_pixels);
        out_h = fmax(f, floor(in_h / beta / f) * f);
        out_w = fmax(f, floor(in_w / beta / f) * f);
    } else if (n_whole * out_h * out_w < (double)l->min_pixels) {
        double beta = sqrt((double)l->min_pixels / (n * in_h * in_w));
        out_h = ceil(in_h * beta / f) * f;
        out_w = ceil(in_w * beta / f) * f;
    }
    *h = (int)out_h;
    *w = (int)out_w;
}

static int check_ratio(int in_h, int in_w, qvl_err *err)
{
    double longest = in_h > in_w ? in_h : in_w;
    double shortest = in_h > in_w ? in_w : in_h;
    if (longest / shortest <= QVL_SIZE_MAX_RATIO)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DATA,
                    "picture: found %d x %d pixels, expected no side more "
                    "than %d times the other",
                    in_h, in_w, QVL_SIZE_MAX_RATIO);
}

int qvl_size_plan(int *h, int *w, int in_h, int in_w,
                  const qvl_size_limits *limits, qvl_err *err)
{
    assert(in_h > 0 && in_w > 0 && limits->factor > 0);
    assert(limits->min_pixels > 0 && limits->max_pixels > 0);

    QVL_TRY(check_ratio(in_h, in_w, err));
    fit(h, w, 1.0, 1.0, in_h, in_w, limits);
    return QVL_OK;
}

int qvl_size_plan_video(int *h, int *w, int n_frames, int together, int in_h,
                        int in_w, const qvl_size_limits *limits,
                        qvl_err *err)
{
    assert(in_h > 0 && in_w > 0 && limits->factor > 0 && together > 0);
    assert(limits->min_pixels > 0 && limits->max_pixels > 0);

    if (n_frames < together)
        return qvl_fail(err, QVL_E_DATA,
                        "video: found %d frames, expected %d or more",
                        n_frames, together);
    QVL_TRY(check_ratio(in_h, in_w, err));
    fit(h, w, n_frames, round_to(n_frames, together), in_h, in_w, limits);
    return QVL_OK;
}
