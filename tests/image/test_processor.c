/* test_processor.c - the files of a model folder, profiles, plans */
#include "base/file.h"
#include "check.h"
#include "image/processor.h"

#define PICTURES                                                              \
    "\"patch_size\": 16, \"temporal_patch_size\": 2, \"merge_size\": 2, "     \
    "\"image_mean\": [0.5, 0.5, 0.5], \"image_std\": [0.5, 0.5, 0.5]"
#define SIZE(low, high)                                                       \
    "\"size\": {\"shortest_edge\": " #low ", \"longest_edge\": " #high "}"

static void write_file(const char *name, const char *text)
{
    qvl_err err;
    CHECK_OK(qvl_file_write_all(check_path(name), text, strlen(text), &err),
             err);
}

static int load(qvl_processor *p, const char *profile, qvl_err *err)
{
    qvl_arena arena = { 0 };
    const qvl_profile *found;
    CHECK_OK(qvl_profile_find(&found, profile, err), *err);
    int rc = qvl_processor_load(p, check_dir(), found, &arena, err);
    qvl_arena_release(&arena);
    return rc;
}

static void test_released(void)
{
    qvl_processor p;
    qvl_err err;
    write_file("preprocessor_config.json",
               "{" SIZE(65536, 16777216) ", " PICTURES
               ", \"processor_class\": \"Qwen3VLProcessor\"}");
    write_file("video_preprocessor_config.json",
               "{" SIZE(4096, 25165824) ", " PICTURES "}");
    CHECK_OK(load(&p, NULL, &err), err);
    CHECK_STR(p.profile->name, "pillow", "profile");
    CHECK(p.patch == 16 && p.frames == 2 && p.merge == 2, "patches");
    CHECK(p.min_pixels == 65536 && p.max_pixels == 16777216, "bounds");
    CHECK(p.mean[1] == 0.5 && p.std[2] == 0.5 && p.rescale == 1.0 / 255.0,
          "values");
    CHECK(p.has_video && p.min_video_pixels == 4096
              && p.max_video_pixels == 25165824, "video bounds");
    CHECK(p.video.fps == 2.0 && p.video.min_frames == 4
              && p.video.max_frames == 768, "video rule");
    CHECK_INT(qvl_processor_patch_values(&p), 1536, "values of a patch");
    CHECK_OK(load(&p, "utility", &err), err);
    CHECK(p.min_pixels == 4096 && p.max_pixels == 16777216, "utility");
    CHECK(p.profile->decode.as_stored && p.profile->decode.alpha_on_white,
          "utility");
}

/* Keys that older files have, and those of videos. */
static void test_other_keys(void)
{
    qvl_processor p;
    qvl_err err;
    write_file("preprocessor_config.json",
               "{" PICTURES ", \"min_pixels\": 3136, \"max_pixels\": 12845056,"
               SIZE(1, 2) ", \"do_resize\": true, \"do_rescale\": null, "
               "\"resample\": 3, \"rescale_factor\": 0.00392156862745098}");
    write_file("video_preprocessor_config.json",
               "{" SIZE(4096, 25165824) ", " PICTURES
               ", \"fps\": 1.5, \"min_frames\": 2, \"max_frames\": 10}");
    CHECK_OK(load(&p, "torchvision", &err), err);
    CHECK(p.min_pixels == 3136 && p.max_pixels == 12845056, "bounds");
    CHECK(p.video.fps == 1.5 && p.video.min_frames == 2
              && p.video.max_frames == 10, "video rule");
    remove(check_path("video_preprocessor_config.json"));
    CHECK_OK(load(&p, NULL, &err), err);
    CHECK(!p.has_video, "no video");
}

static void test_refused(void)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "{", "preprocessor_config.json" },
        { "[]", "expected a map" },
        { "{" PICTURES "}", "size.shortest_edge" },
        { "{" PICTURES ", " SIZE(0, 5) "}",
          "size.shortest_edge" },
        { "{" PICTURES ", " SIZE(6, 5) "}", "found integer 6, expected at "
          "most as many pixels as the largest size" },
        { "{" PICTURES ", \"min_pixels\": 7, \"max_pixels\": 6}", "min_pixels" },
        { "{" PICTURES ", " SIZE(1, 99999999999) "}",
          "found integer 99999999999, expected a whole number from 1 to "
          "2147483647" },
        { "{" PICTURES ", " SIZE(1, 5) ", \"resample\": 2}", "expected 3" },
        { "{" PICTURES ", " SIZE(1, 5) ", \"do_resize\": false}",
          "expected true" },
        { "{" PICTURES ", " SIZE(1, 5) ", \"rescale_factor\": 0}",
          "rescale_factor" },
        { "{" SIZE(1, 5) "}", "patch_size" },
        { "{" SIZE(1, 5) ", \"patch_size\": \"16\"}", "string 16" },
        { "{" SIZE(1, 5) ", \"patch_size\": 100000}",
          "expected a whole number from 1 to 1024" },
        { "{" SIZE(1, 5) ", \"patch_size\": 16, \"temporal_patch_size\": 2, "
          "\"merge_size\": 2, \"image_mean\": [0, 0]}", "image_mean" },
        { "{" SIZE(1, 5) ", \"patch_size\": 16, \"temporal_patch_size\": 2, "
          "\"merge_size\": 2, \"image_mean\": [0, 0, 0], "
          "\"image_std\": [1, 1, 0]}", "found integer 0, expected a number above "
          "0" },
    };
    remove(check_path("video_preprocessor_config.json"));
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_processor p = { .patch = -1 };
        qvl_err err;
        write_file("preprocessor_config.json", cases[i].text);
        CHECK_FAILS(load(&p, NULL, &err), QVL_E_MODEL, err, cases[i].part);
        CHECK_INT(p.patch, -1, "case %zu: out is changed", i);
    }
    qvl_processor p;
    qvl_err err;
    remove(check_path("preprocessor_config.json"));
    CHECK_FAILS(load(&p, NULL, &err), QVL_E_MODEL, err,
                "preprocessor_config.json");
}

static void test_videos_differ(void)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "{" SIZE(1, 5) ", \"patch_size\": 14, \"temporal_patch_size\": 2, "
          "\"merge_size\": 2, \"image_mean\": [0.5, 0.5, 0.5], "
          "\"image_std\": [0.5, 0.5, 0.5]}", "differ" },
        { "{" PICTURES "}", "shortest_edge" },
        { "{" PICTURES ", " SIZE(1, 5) ", \"fps\": -1}", "fps" },
        { "{" PICTURES ", " SIZE(1, 5) ", \"max_frames\": 3}", "max_frames" },
    };
    write_file("preprocessor_config.json", "{" SIZE(1, 5) ", " PICTURES "}");
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_processor p;
        qvl_err err;
        write_file("video_preprocessor_config.json", cases[i].text);
        CHECK_FAILS(load(&p, NULL, &err), QVL_E_MODEL, err, cases[i].part);
    }
}

static void test_bounds(void)
{
    qvl_processor p = { .min_pixels = 100, .max_pixels = 200 };
    qvl_err err;
    CHECK_OK(qvl_processor_set_bounds(&p, 0, 300, &err), err);
    CHECK_OK(qvl_processor_set_bounds(&p, 300, 0, &err), err);
    CHECK(p.min_pixels == 300 && p.max_pixels == 300, "bounds");
    CHECK_FAILS(qvl_processor_set_bounds(&p, 301, 0, &err), QVL_E_USAGE, err,
                "301 to 300");
    CHECK_FAILS(qvl_processor_set_bounds(&p, -1, 0, &err), QVL_E_USAGE, err,
                "-1 to 300");
    CHECK_FAILS(qvl_processor_set_bounds(&p, 0, (int64_t)1 << 31, &err),
                QVL_E_USAGE, err, "2^31");
    CHECK(p.min_pixels == 300 && p.max_pixels == 300, "unchanged");
}

static void test_profiles(void)
{
    const qvl_profile *profile = NULL;
    qvl_err err;
    static const char *const all[] = { "pillow", "pillow13", "torchvision",
                                       "utility" };
    for (size_t i = 0; i < QVL_COUNT(all); i++) {
        CHECK_OK(qvl_profile_find(&profile, all[i], &err), err);
        CHECK_STR(profile->name, all[i], "found");
    }
    profile = NULL;
    CHECK_FAILS(qvl_profile_find(&profile, "bilinear", &err), QVL_E_USAGE,
                err, "pillow, pillow13, torchvision, utility");
    CHECK(profile == NULL, "unchanged");
}

static void test_plans(void)
{
    qvl_processor p;
    qvl_patch_plan plan;
    qvl_err err;
    write_file("preprocessor_config.json",
               "{" SIZE(65536, 16777216) ", " PICTURES "}");
    write_file("video_preprocessor_config.json",
               "{" SIZE(4096, 25165824) ", " PICTURES "}");
    CHECK_OK(load(&p, NULL, &err), err);
    CHECK_OK(qvl_processor_plan(&p, 1080, 1920, &plan, &err), err);
    CHECK(plan.h == 1088 && plan.w == 1920 && plan.grid[0] == 1
              && plan.grid[1] == 68 && plan.grid[2] == 120, "grid");
    CHECK(plan.n_patches == 8160 && plan.n_tok == 2040, "counts");
    CHECK_OK(qvl_processor_plan_video(&p, 64, 720, 1280, &plan, &err), err);
    CHECK(plan.h == 448 && plan.w == 832 && plan.grid[0] == 32
              && plan.n_tok == 11648, "video");
    CHECK_OK(qvl_processor_plan_video(&p, 768, 720, 1280, &plan, &err), err);
    CHECK(plan.h == 128 && plan.w == 224 && plan.n_tok == 10752, "long video");
    CHECK_FAILS(qvl_processor_plan(&p, 10, 2001, &plan, &err), QVL_E_DATA,
                err, "10 x 2001");
    p.has_video = false;
    CHECK_FAILS(qvl_processor_plan_video(&p, 8, 480, 640, &plan, &err),
                QVL_E_MODEL, err, "video_preprocessor_config.json");
}

RUN_TESTS(TEST(test_released), TEST(test_other_keys), TEST(test_refused),
          TEST(test_videos_differ), TEST(test_bounds), TEST(test_profiles),
          TEST(test_plans))
