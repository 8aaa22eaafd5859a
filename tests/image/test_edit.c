/* test_edit.c - lists of steps: sizes, places, one after the other */
#include "base/arena.h"
#include "check.h"
#include "image/edit.h"

/* Red is the column, green the row, blue 7. */
static void make(qvl_image *im, int h, int w)
{
    qvl_err err = { 0 };
    CHECK_OK(qvl_image_init(im, h, w, &err), err);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint8_t *p = qvl_image_row(im, y) + 3 * x;
            p[0] = (uint8_t)x;
            p[1] = (uint8_t)y;
            p[2] = 7;
        }
}

/* Neither flat nor a slope. */
static void make_uneven(qvl_image *im)
{
    make(im, 40, 50);
    for (int i = 0; i < 40 * 50; i++)
        im->pixel[3 * i + 2] = (uint8_t)(i * i % 211);
}

static void run(qvl_image *im, const qvl_edit_step *step, int n)
{
    qvl_err err = { 0 };
    const qvl_edit e = { im->h, im->w, step, n };
    CHECK_OK(qvl_edit_run(im, &e, &err), err);
}

static void check_pixel(const qvl_image *im, int x, int y, int r, int g, int b)
{
    const uint8_t *p = qvl_image_row(im, y) + 3 * x;
    CHECK(p[0] == r && p[1] == g && p[2] == b, "(%d, %d): %d %d %d", x, y, p[0], p[1],
          p[2]);
}

static void test_nothing(void)
{
    qvl_image im = { 0 };
    make(&im, 3, 5);
    run(&im, NULL, 0);
    CHECK(im.h == 3 && im.w == 5, "size");
    check_pixel(&im, 4, 2, 4, 2, 7);
    qvl_image_release(&im);
}

/* A window, padded, turned by a quarter, resized: each step sees the one before. */
static void test_chain(void)
{
    qvl_image im = { 0 };
    const qvl_edit_step steps[] = {
        { .kind = QVL_EDIT_CROP, .window = { 2, 1, 4, 3 } },
        { .kind = QVL_EDIT_PAD, .h = 4, .w = 6 },
        { .kind = QVL_EDIT_WARP, .h = 6, .w = 4,  // x' = 4 - y, y' = x
          .inverse = { 0, 1, 0, -1, 0, 4 } },
        { .kind = QVL_EDIT_SOLARIZE, .v = { 128 } },
    };
    make(&im, 8, 10);
    run(&im, steps, 1);
    CHECK(im.h == 3 && im.w == 4, "cropped");
    check_pixel(&im, 0, 0, 2, 1, 7);
    check_pixel(&im, 3, 2, 5, 3, 7);
    run(&im, steps + 1, 1);
    CHECK(im.h == 4 && im.w == 6, "padded");
    check_pixel(&im, 5, 0, 128, 128, 128);
    run(&im, steps + 2, 1);
    CHECK(im.h == 6 && im.w == 4, "turned");
    check_pixel(&im, 3, 0, 2, 1, 7);
    check_pixel(&im, 0, 0, 128, 128, 128);
    run(&im, steps + 3, 1);
    check_pixel(&im, 0, 0, 127, 127, 127);
    qvl_image_release(&im);
    make(&im, 8, 10);
    run(&im, steps, 4);
    check_pixel(&im, 3, 0, 2, 1, 7);
    check_pixel(&im, 0, 0, 127, 127, 127);
    qvl_image_release(&im);
}

static void test_paste(void)
{
    qvl_image im = { 0 };
    const qvl_edit_step same = { .kind = QVL_EDIT_PASTE, .window = { 1, 1, 2, 2 },
                                 .h = 2, .w = 2, .x = 6, .y = 5 };
    const qvl_edit_step large = { .kind = QVL_EDIT_PASTE, .window = { 0, 0, 1, 1 },
                                  .h = 4, .w = 3, .x = 0, .y = 0 };
    make(&im, 8, 10);
    run(&im, &same, 1);
    check_pixel(&im, 6, 5, 1, 1, 7);
    check_pixel(&im, 7, 6, 2, 2, 7);
    check_pixel(&im, 8, 6, 8, 6, 7);
    run(&im, &large, 1);
    check_pixel(&im, 2, 3, 0, 0, 7);
    check_pixel(&im, 3, 3, 3, 3, 7);
    CHECK(im.h == 8 && im.w == 10, "size");
    qvl_image_release(&im);
}

/* Every colour step with numbers that change nothing, and with such that do. */
static void test_colours(void)
{
    static const struct {
        qvl_edit_kind kind;
        double same[3], other[3];
    } cases[] = {
        { QVL_EDIT_BRIGHTNESS, { 1 }, { 0.5 } },
        { QVL_EDIT_CONTRAST, { 1 }, { 0.5 } },
        { QVL_EDIT_SATURATION, { 1 }, { 0.2 } },
        { QVL_EDIT_GAMMA, { 1, 1 }, { 2, 1 } },
        { QVL_EDIT_HSV, { 0, 1, 1 }, { 90, 1, 1 } },
        { QVL_EDIT_SOLARIZE, { 256 }, { 4 } },
        { QVL_EDIT_POSTERIZE, { 8 }, { 2 } },
        { QVL_EDIT_SHARPNESS, { 1 }, { 0 } },
        { QVL_EDIT_CLAHE, { -1 }, { 3, 2, 2 } },
        { QVL_EDIT_AUTO_CONTRAST, { -1 }, { 0 } },
        { QVL_EDIT_EQUALIZE, { -1 }, { 0 } },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_image im = { 0 }, was = { 0 };
        qvl_edit_step s = { .kind = cases[i].kind };
        make_uneven(&was);
        make_uneven(&im);
        memcpy(s.v, cases[i].same, sizeof s.v);
        if (s.v[0] >= 0)
            run(&im, &s, 1);
        CHECK(memcmp(im.pixel, was.pixel, qvl_image_bytes(&im)) == 0, "case %zu: as it is",
              i);
        memcpy(s.v, cases[i].other, sizeof s.v);
        run(&im, &s, 1);
        CHECK(memcmp(im.pixel, was.pixel, qvl_image_bytes(&im)) != 0, "case %zu: changed",
              i);
        qvl_image_release(&im);
        qvl_image_release(&was);
    }
}

/* Lists grow, and keep what they have. */
static void test_list(void)
{
    qvl_arena arena = { 0 };
    qvl_edit_list list = { .arena = &arena };
    for (int i = 0; i < 100; i++)
        qvl_edit_put(&list, &(qvl_edit_step){ .kind = QVL_EDIT_PAD, .h = i });
    CHECK_INT(list.n, 100, "steps");
    for (int i = 0; i < 100; i++)
        CHECK_INT(list.step[i].h, i, "step");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_nothing), TEST(test_chain), TEST(test_paste), TEST(test_colours),
          TEST(test_list))
