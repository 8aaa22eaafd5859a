/* test_png_write.c - pictures through the writer and back through the reader */
#include "check.h"

#include "base/arena.h"
#include "base/rng.h"
#include "image/decode.h"
#include "image/png_write.h"

/* Pixels that make each filter the best one somewhere. */
static void fill(uint8_t *rgb, int w, int h, int kind)
{
    uint64_t noise = 1;
    for (int i = 0; i < w * h * 3; i++) {
        int x = i / 3 % w;
        int y = i / 3 / w;
        noise = qvl_rng_mix(noise, (uint64_t)i);
        rgb[i] = (uint8_t)(kind == 0   ? 200
                           : kind == 1 ? x + y * 2
                           : kind == 2 ? (x / 7 + y / 5) % 2 * 255
                                       : (int)(noise >> 40 & 255));
    }
}

static void test_there_and_back(void)
{
    static const int size[][2] = {
        { 1, 1 }, { 1, 300 }, { 300, 1 }, { 7, 5 }, { 128, 128 }, { 401, 203 },
    };
    for (size_t i = 0; i < QVL_COUNT(size); i++) {
        for (int kind = 0; kind < 4; kind++) {
            int w = size[i][0];
            int h = size[i][1];
            uint8_t *rgb = malloc((size_t)w * (size_t)h * 3);
            fill(rgb, w, h, kind);
            qvl_str text = { 0 };
            qvl_err err;
            CHECK_OK(qvl_png_encode(&text, rgb, w, h, &err), err);
            qvl_image_file file = { (const uint8_t *)text.p, text.len, "x" };
            qvl_image im = { 0 };
            CHECK_OK(qvl_image_decode(&im, &file, NULL, &err), err);
            CHECK(im.w == w && im.h == h, "%d x %d", w, h);
            CHECK(memcmp(im.pixel, rgb, qvl_image_bytes(&im)) == 0,
                  "%d x %d, kind %d", w, h, kind);
            if (kind == 0 && w > 100 && h > 100)
                CHECK(text.len < 1000, "one colour takes %zu bytes", text.len);
            qvl_image_release(&im);
            qvl_str_release(&text);
            free(rgb);
        }
    }
}

static void test_file(void)
{
    uint8_t rgb[3 * 6] = { 1, 2, 3, 255, 0, 9 };
    qvl_err err;
    const char *path = check_path("a.png");
    CHECK_OK(qvl_png_write(path, rgb, 3, 2, &err), err);
    qvl_image im = { 0 };
    CHECK_OK(qvl_image_load(&im, path, NULL, &err), err);
    CHECK(im.w == 3 && im.h == 2 && memcmp(im.pixel, rgb, sizeof rgb) == 0,
          "other pixels");
    qvl_image_release(&im);
    CHECK_FAILS(qvl_png_write(check_path("none/a.png"), rgb, 3, 2, &err),
                QVL_E_IO, err, "none/a.png");
}

static void test_memory(void)
{
    uint8_t *rgb = calloc(3, 400 * 400);
    qvl_str text = { 0 };
    qvl_str_puts(&text, "before");
    qvl_err err;
    qvl_memory_limit(70000);
    int rc = qvl_png_encode(&text, rgb, 400, 400, &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "no memory");
    CHECK_STR(text.p, "before", "text is kept");
    CHECK_INT(text.len, 6, "length is kept");
    qvl_str_release(&text);
    free(rgb);
}

RUN_TESTS(TEST(test_there_and_back), TEST(test_file), TEST(test_memory))
