/* processor.c - profiles, bounds, plans */
#include "image/processor.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

static const qvl_profile profiles[] = {
    { .name = "pillow" },
    { .name = "pillow13", .resize = QVL_RESIZE_PILLOW13 },
    { .name = "torchvision",
      .resize = QVL_RESIZE_TORCHVISION,
      .value = QVL_VALUE_ONE_STEP },
    { .name = "utility",
      .decode = { .as_stored = true, .alpha_on_white = true },
      .size = QVL_SIZE_UTILITY,
      .min_pixels = 4096,
      .max_pixels = 16777216 },
};

int qvl_profile_find(const qvl_profile **profile, const char *name,
                     qvl_err *err)
{
    char list[128] = "";
    if (name == NULL)
        name = profiles[0].name;
    for (size_t i = 0; i < QVL_COUNT(profiles); i++) {
        if (strcmp(name, profiles[i].name) == 0) {
            *profile = &profiles[i];
            return QVL_OK;
        }
        strcat(list, i > 0 ? ", " : "");
        strcat(list, profiles[i].name);
    }
    return qvl_fail(err, QVL_E_USAGE,
                    "profile: found %s, expected one of %s", name, list);
}

int qvl_processor_set_bounds(qvl_processor *p, int64_t min_pixels,
                             int64_t max_pixels, qvl_err *err)
{
    int64_t low = min_pixels != 0 ? min_pixels : p->min_pixels;
    int64_t high = max_pixels != 0 ? max_pixels : p->max_pixels;
    if (low < 1 || low > high || high > INT_MAX)
        return qvl_fail(err, QVL_E_USAGE,
                        "bounds of a picture: found %lld to %lld pixels, "
                        "expected 0 < min <= max < 2^31",
                        (long long)low, (long long)high);
    p->min_pixels = low;
    p->max_pixels = high;
    return QVL_OK;
}

/* Complete a plan whose h and w are set. */
static void count_patches(const qvl_processor *p, int n_frames,
                          qvl_patch_plan *plan)
{
    plan->grid[0] = (n_frames + p->frames - 1) / p->frames;
    plan->grid[1] = plan->h / p->patch;
    plan->grid[2] = plan->w / p->patch;
    plan->n_patches = (size_t)plan->grid[0] * (size_t)plan->grid[1]
                      * (size_t)plan->grid[2];
    plan->n_tok = plan->n_patches / (size_t)p->merge / (size_t)p->merge;
}

static qvl_size_limits limits_of(const qvl_processor *p, int64_t min_pixels,
                                 int64_t max_pixels)
{
    return (qvl_size_limits){ .rule = p->profile->size,
                              .factor = p->patch * p->merge,
                              .min_pixels = min_pixels,
                              .max_pixels = max_pixels };
}

int qvl_processor_plan(const qvl_processor *p, int h, int w,
                       qvl_patch_plan *plan, qvl_err *err)
{
    qvl_patch_plan out;
    qvl_size_limits limits = limits_of(p, p->min_pixels, p->max_pixels);
    QVL_TRY(qvl_size_plan(&out.h, &out.w, h, w, &limits, err));
    count_patches(p, 1, &out);
    *plan = out;
    return QVL_OK;
}

int qvl_processor_plan_video(const qvl_processor *p, int n_frames, int h,
                             int w, qvl_patch_plan *plan, qvl_err *err)
{
    qvl_patch_plan out;
    qvl_size_limits limits = limits_of(p, p->min_video_pixels,
                                       p->max_video_pixels);
    if (!p->has_video)
        return qvl_fail(err, QVL_E_MODEL,
                        "video: found no video_preprocessor_config.json in "
                        "the model folder, expected one");
    QVL_TRY(qvl_size_plan_video(&out.h, &out.w, n_frames, p->frames, h, w,
                                &limits, err));
    count_patches(p, n_frames, &out);
    *plan = out;
    return QVL_OK;
}

size_t qvl_processor_patch_values(const qvl_processor *p)
{
    return (size_t)QVL_IMAGE_CHANNELS * (size_t)p->frames * (size_t)p->patch
           * (size_t)p->patch;
}
