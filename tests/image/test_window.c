/* test_window.c - windows cut out, pictures padded and pasted, pixel by pixel */
#include <stdbool.h>

#include "base/arena.h"
#include "check.h"
#include "fill.h"
#include "image/window.h"

static qvl_image picture(int h, int w)
{
    qvl_image im;
    qvl_err err;
    CHECK_OK(qvl_image_init(&im, h, w, &err), err);
    fill_noise(&im);
    return im;
}

/* Pixel (x, y) of `im` is (x0, y0) of `from`; of the outside where from has none. */
static bool is_from(const qvl_image *im, int x, int y, const qvl_image *from,
                    int x0, int y0)
{
    static const uint8_t outside[3] = { 128, 128, 128 };
    bool has = x0 >= 0 && x0 < from->w && y0 >= 0 && y0 < from->h;
    const uint8_t *want = has ? qvl_image_row(from, y0) + 3 * x0 : outside;
    return memcmp(qvl_image_row(im, y) + 3 * x, want, 3) == 0;
}

static void test_crop(void)
{
    static const qvl_window parts[] = {
        { 0, 0, 13, 11 }, { 12, 10, 1, 1 }, { 0, 0, 1, 1 }, { 0, 4, 13, 3 },
        { 5, 0, 2, 11 },  { 3, 2, 7, 5 },
    };
    qvl_image in = picture(11, 13);
    qvl_err err;
    for (size_t i = 0; i < QVL_COUNT(parts); i++) {
        qvl_image out;
        CHECK_OK(qvl_image_crop(&out, &in, &parts[i], &err), err);
        CHECK(out.h == parts[i].h && out.w == parts[i].w, "part %zu", i);
        for (int y = 0; y < out.h; y++)
            for (int x = 0; x < out.w; x++)
                CHECK(is_from(&out, x, y, &in, parts[i].x + x, parts[i].y + y),
                      "part %zu, pixel %d, %d", i, x, y);
        qvl_image_release(&out);
    }
    qvl_image_release(&in);
}

static void test_pad(void)
{
    static const int sizes[][4] = {
        { 1, 1, 1, 1 }, { 1, 1, 5, 7 }, { 11, 13, 11, 13 }, { 11, 13, 32, 13 },
        { 11, 13, 11, 32 }, { 11, 13, 32, 32 },
    };
    for (size_t i = 0; i < QVL_COUNT(sizes); i++) {
        qvl_image in = picture(sizes[i][0], sizes[i][1]), out;
        qvl_err err;
        CHECK_OK(qvl_image_pad(&out, &in, sizes[i][2], sizes[i][3], &err), err);
        CHECK(out.h == sizes[i][2] && out.w == sizes[i][3], "size %zu", i);
        for (int y = 0; y < out.h; y++)
            for (int x = 0; x < out.w; x++)
                CHECK(is_from(&out, x, y, &in, x, y),
                      "size %zu, pixel %d, %d", i, x, y);
        qvl_image_release(&in);
        qvl_image_release(&out);
    }
}

static void check_paste(int h, int w, int x, int y)
{
    qvl_image im = picture(7, 9), before = picture(7, 9), from = picture(h, w);
    for (size_t b = 0; b < qvl_image_bytes(&from); b++)
        from.pixel[b] ^= 0x5a;
    qvl_image_paste(&im, &from, x, y);
    for (int j = 0; j < im.h; j++)
        for (int i = 0; i < im.w; i++) {
            bool covered = (int64_t)i - x >= 0 && (int64_t)i - x < w
                           && (int64_t)j - y >= 0 && (int64_t)j - y < h;
            CHECK(covered ? is_from(&im, i, j, &from, i - x, j - y)
                          : is_from(&im, i, j, &before, i, j),
                  "%d x %d at %d, %d: pixel %d, %d", h, w, x, y, i, j);
        }
    qvl_image_release(&im);
    qvl_image_release(&before);
    qvl_image_release(&from);
}

static void test_paste(void)
{
    static const int sizes[][2] = { { 1, 1 }, { 3, 2 }, { 7, 9 }, { 20, 30 } };
    for (size_t i = 0; i < QVL_COUNT(sizes); i++)
        for (int y = -21; y <= 8; y++)
            for (int x = -31; x <= 10; x++)
                check_paste(sizes[i][0], sizes[i][1], x, y);
    check_paste(3, 3, INT32_MIN, 0);
    check_paste(3, 3, INT32_MAX, INT32_MAX);
    check_paste(3, 3, 0, INT32_MIN);
}

static void test_memory(void)
{
    qvl_image in = picture(5, 5), out = { 0 };
    qvl_window part = { 0, 0, 4, 4 };
    qvl_err err;
    qvl_memory_limit(10);
    CHECK_FAILS(qvl_image_crop(&out, &in, &part, &err), QVL_E_MEMORY, err,
                "memory");
    CHECK_FAILS(qvl_image_pad(&out, &in, 6, 6, &err), QVL_E_MEMORY, err,
                "memory");
    qvl_memory_limit(SIZE_MAX);
    CHECK(out.pixel == NULL && out.h == 0, "unchanged");
    qvl_image_release(&in);
}

RUN_TESTS(TEST(test_crop), TEST(test_pad), TEST(test_paste),
          TEST(test_memory))
