/* test_positions.c - the walk over text, pictures and videos */
#include "check.h"
#include "model/positions.h"
#include "tiny.h"

static const qvl_vision_config vision = { .merge = 2, .image_token = 190,
                                          .video_token = 191 };

static qvl_grid_walk walk_of(const qvl_grid *grid, int n, const char *what)
{
    return (qvl_grid_walk){ .what = what, .grid = grid, .n = n };
}

static void test_pictures_and_video(void)
{
    static const qvl_grid image[] = { { 1, 4, 6 }, { 1, 10, 2 } };
    static const qvl_grid video[] = { { 2, 4, 4 } };
    qvl_grid_walk images = walk_of(image, 2, "image_grid_thw");
    qvl_grid_walk videos = walk_of(video, 1, "video_grid_thw");
    int32_t p[3 * TINY_TOKENS], next;
    qvl_err err = { 0 };
    CHECK_OK(qvl_positions(p, &next, tiny_ids, TINY_TOKENS, &vision, &images,
                           &videos, &err),
             err);
    for (int t = 0; t < TINY_TOKENS; t++)
        for (int axis = 0; axis < 3; axis++)
            CHECK_INT(p[3 * t + axis], tiny_positions[axis][t],
                      "token %d axis %d", t, axis);
    CHECK_INT(next - TINY_TOKENS, -7, "delta");
    CHECK_OK(qvl_grid_walk_end(&images, &err), err);
    CHECK_OK(qvl_grid_walk_end(&videos, &err), err);
}

static void test_text(void)
{
    int32_t p[3 * TINY_TOKENS], next;
    qvl_err err = { 0 };
    CHECK_OK(qvl_positions(p, &next, tiny_ids, TINY_TOKENS, NULL, NULL, NULL,
                           &err),
             err);
    for (int k = 0; k < 3 * TINY_TOKENS; k++)
        CHECK_INT(p[k], k / 3, "place %d", k);
    CHECK_INT(next, TINY_TOKENS, "next");
    CHECK_OK(qvl_positions(p, &next, tiny_ids, 0, NULL, NULL, NULL, &err),
             err);
    CHECK_INT(next, 0, "no token");
}

/* Two frames without anything between them are still two runs. */
static void test_runs_that_touch(void)
{
    static const int64_t id[] = { 190, 190, 190, 7 };
    static const qvl_grid image[] = { { 1, 2, 4 }, { 1, 2, 2 } };
    static const int32_t want[] = { 0, 0, 0, 0, 0, 1, 2, 2, 2, 3, 3, 3 };
    qvl_grid_walk images = walk_of(image, 2, "image_grid_thw");
    qvl_grid_walk videos = walk_of(NULL, 0, "video_grid_thw");
    int32_t p[12], next;
    qvl_err err = { 0 };
    CHECK_OK(qvl_positions(p, &next, id, 4, &vision, &images, &videos, &err),
             err);
    for (int k = 0; k < 12; k++)
        CHECK_INT(p[k], want[k], "place %d", k);
}

static void test_mistakes(void)
{
    static const qvl_grid image[] = { { 1, 4, 4 } };
    static const qvl_grid video[] = { { 2, 2, 2 } };
    static const struct {
        const char *name;
        int64_t id[6];
        int n_images, n_videos;
        const char *part;
    } cases[] = {
        { "run too short", { 1, 190, 190, 190, 2, 190 }, 1, 0,
          "tokens 1 to 3" },
        { "run cut at the end", { 1, 2, 3, 190, 190, 190 }, 1, 0,
          "found 3, expected 4" },
        { "no grid", { 1, 190, 2, 3, 4, 5 }, 0, 0, "image_grid_thw" },
        { "no video grid", { 1, 191, 2, 3, 4, 5 }, 1, 0, "video_grid_thw" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_grid_walk images =
            walk_of(image, cases[i].n_images, "image_grid_thw");
        qvl_grid_walk videos =
            walk_of(video, cases[i].n_videos, "video_grid_thw");
        int32_t p[18], next;
        qvl_err err = { 0 };
        CHECK_FAILS(qvl_positions(p, &next, cases[i].id, 6, &vision, &images,
                                  &videos, &err),
                    QVL_E_DATA, err, cases[i].part);
    }
    qvl_grid_walk videos = walk_of(video, 1, "video_grid_thw");
    videos.frame = 1;
    qvl_err err = { 0 };
    CHECK_FAILS(qvl_grid_walk_end(&videos, &err), QVL_E_DATA, err,
                "video_grid_thw (row 0, frame 1)");
}

RUN_TESTS(TEST(test_pictures_and_video), TEST(test_text),
          TEST(test_runs_that_touch), TEST(test_mistakes))
