/* test_size.c - sizes of pictures and videos against those of the reference */
#include "check.h"
#include "image/size.h"

#define MIN 65536
#define MAX 16777216

typedef struct {
    int h, w;
    int64_t min, max;
    int out_h, out_w;
} vector;

static const vector vectors[] = {
    { 1, 1, MIN, MAX, 256, 256 },
    { 48, 80, MIN, MAX, 224, 352 },
    { 112, 336, MIN, MAX, 160, 448 },
    { 240, 320, MIN, MAX, 256, 320 },
    { 300, 200, MIN, MAX, 320, 224 },
    { 333, 500, MIN, MAX, 320, 512 },
    { 480, 640, MIN, MAX, 480, 640 },
    { 720, 1280, MIN, MAX, 704, 1280 },
    { 1080, 1920, MIN, MAX, 1088, 1920 },
    { 1008, 1008, MIN, MAX, 1024, 1024 },  // halves to even
    { 1040, 1040, MIN, MAX, 1024, 1024 },
    { 3024, 4032, MIN, MAX, 3008, 4032 },
    { 6000, 8000, MIN, MAX, 3520, 4704 },
    { 10, 1900, MIN, MAX, 32, 3552 },
    { 5000, 30, MIN, MAX, 4992, 32 },
    { 4112, 4112, MIN, MAX, 4096, 4096 },
    { 1080, 1920, MIN, 1024 * 1024, 768, 1344 },
    { 3024, 4032, MIN, 1024 * 1024, 864, 1152 },
    { 600, 1000, MIN, MAX, 608, 992 },
    { 1080, 1920, 4096, 786432, 640, 1152 },
    { 48, 48, 4096, MAX, 64, 64 },
    { 48, 48, MIN, MAX, 256, 256 },
    { 80, 80, 4096, MAX, 64, 64 },
    { 112, 112, 4096, MAX, 128, 128 },
    { 5000, 5000, 4096, MAX, 4096, 4096 },
    { 16, 200, 4096, MAX, 32, 256 },  // a side of 0 grows
};

static void test_pictures(void)
{
    for (size_t i = 0; i < QVL_COUNT(vectors); i++) {
        const vector *v = &vectors[i];
        qvl_size_limits limits = { QVL_SIZE_PROCESSOR, 32, v->min, v->max };
        qvl_err err;
        int h, w;
        CHECK_OK(qvl_size_plan(&h, &w, v->h, v->w, &limits, &err), err);
        CHECK(h == v->out_h && w == v->out_w, "%d x %d: %d x %d", v->h, v->w,
              h, w);
    }
}

/* The other program rounds no side to 0, so long pictures stay small. */
static void test_utility(void)
{
    static const vector cases[] = {
        { 10, 1900, MIN, MAX, 32, 3552 }, { 10, 1900, 4096, MAX, 32, 1888 },
        { 16, 200, 4096, MAX, 32, 192 },  { 480, 640, 4096, MAX, 480, 640 },
        { 1, 1, 4096, MAX, 64, 64 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const vector *v = &cases[i];
        qvl_size_limits limits = { QVL_SIZE_UTILITY, 32, v->min, v->max };
        qvl_err err;
        int h, w;
        CHECK_OK(qvl_size_plan(&h, &w, v->h, v->w, &limits, &err), err);
        CHECK(h == v->out_h && w == v->out_w, "%d x %d: %d x %d", v->h, v->w,
              h, w);
    }
}

static void test_ratio(void)
{
    qvl_size_limits limits = { QVL_SIZE_PROCESSOR, 32, MIN, MAX };
    qvl_err err;
    int h = -1, w = -1;
    CHECK_FAILS(qvl_size_plan(&h, &w, 10, 2001, &limits, &err), QVL_E_DATA,
                err, "found 10 x 2001");
    CHECK_FAILS(qvl_size_plan(&h, &w, 2001, 10, &limits, &err), QVL_E_DATA,
                err, "found 2001 x 10");
    CHECK(h == -1 && w == -1, "out is changed");
    CHECK_OK(qvl_size_plan(&h, &w, 10, 2000, &limits, &err), err);
}

/* Multiples of the factor, near the bounds, for many sizes. */
static void test_bounds(void)
{
    qvl_size_limits limits = { QVL_SIZE_PROCESSOR, 32, MIN, 1 << 20 };
    for (int in_h = 1; in_h < 3000; in_h += 37)
        for (int in_w = 1; in_w < 3000; in_w += 41) {
            qvl_err err;
            int h, w;
            if (qvl_size_plan(&h, &w, in_h, in_w, &limits, &err) != QVL_OK)
                continue;
            CHECK(h > 0 && w > 0 && h % 32 == 0 && w % 32 == 0,
                  "%d x %d: %d x %d", in_h, in_w, h, w);
            CHECK(h * w >= MIN && h * w <= 1 << 20, "%d x %d: %d x %d", in_h,
                  in_w, h, w);
        }
}

static void test_videos(void)
{
    static const struct {
        int n, h, w, out_h, out_w;
    } cases[] = {
        { 8, 480, 640, 480, 640 },
        { 64, 720, 1280, 448, 832 },
        { 768, 720, 1280, 128, 224 },
        { 5, 240, 320, 256, 320 },
    };
    qvl_size_limits limits = { QVL_SIZE_PROCESSOR, 32, 4096, 25165824 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err;
        int h, w;
        CHECK_OK(qvl_size_plan_video(&h, &w, cases[i].n, 2, cases[i].h,
                                     cases[i].w, &limits, &err), err);
        CHECK(h == cases[i].out_h && w == cases[i].out_w,
              "%d frames: %d x %d", cases[i].n, h, w);
    }
    qvl_err err;
    int h, w;
    CHECK_FAILS(qvl_size_plan_video(&h, &w, 1, 2, 240, 320, &limits, &err),
                QVL_E_DATA, err, "found 1 frames, expected 2");
    CHECK_FAILS(qvl_size_plan_video(&h, &w, 4, 2, 10, 3000, &limits, &err),
                QVL_E_DATA, err, "found 10 x 3000");
}

RUN_TESTS(TEST(test_pictures), TEST(test_utility), TEST(test_ratio),
          TEST(test_bounds), TEST(test_videos))
