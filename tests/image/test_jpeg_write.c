/* test_jpeg_write.c - pictures through the JPEG writer and back through the reader */
#include "check.h"

#include "base/arena.h"
#include "image/decode.h"
#include "image/jpeg_write.h"

/* Smooth colours, as photographs have them. */
static uint8_t *smooth(int w, int h)
{
    uint8_t *rgb = malloc((size_t)w * (size_t)h * 3);
    for (int i = 0; i < w * h; i++) {
        double x = i % w / 40.0, y = i / w / 40.0;
        rgb[3 * i] = (uint8_t)(127 + 100 * sin(x + y));
        rgb[3 * i + 1] = (uint8_t)(127 + 100 * cos(x - y));
        rgb[3 * i + 2] = (uint8_t)(127 + 60 * sin(2 * x));
    }
    return rgb;
}

/* Mean distance of pixels. */
static double distance(const qvl_image *im, const uint8_t *rgb)
{
    double sum = 0;
    size_t n = qvl_image_bytes(im);
    for (size_t i = 0; i < n; i++)
        sum += abs(im->pixel[i] - rgb[i]);
    return sum / (double)n;
}

static size_t check_round(int w, int h, int quality, double most)
{
    uint8_t *rgb = smooth(w, h);
    qvl_str text = { 0 }, again = { 0 };
    qvl_err err;
    qvl_image im = { 0 };
    qvl_image_head head;
    CHECK_OK(qvl_jpeg_encode(&text, rgb, w, h, quality, &err), err);
    CHECK_OK(qvl_jpeg_encode(&again, rgb, w, h, quality, &err), err);
    CHECK(again.len == text.len && memcmp(again.p, text.p, text.len) == 0,
          "other bytes for %d x %d", w, h);
    qvl_image_file file = { (const uint8_t *)text.p, text.len, "x" };
    CHECK_OK(qvl_image_read_head(&head, &file, &err), err);
    CHECK_INT(head.format, QVL_IMAGE_JPEG, "format");
    CHECK_INT(head.orientation, 1, "orientation");
    CHECK(head.w == w && head.h == h, "%d x %d", head.w, head.h);
    CHECK_OK(qvl_image_decode(&im, &file, NULL, &err), err);
    CHECK(im.w == w && im.h == h, "%d x %d", im.w, im.h);
    double found = distance(&im, rgb);
    CHECK(found <= most, "%d x %d at %d: %g", w, h, quality, found);
    size_t n = text.len;
    qvl_image_release(&im);
    qvl_str_release(&text);
    qvl_str_release(&again);
    free(rgb);
    return n;
}

static void test_there_and_back(void)
{
    static const int size[][2] = {
        { 1, 1 }, { 1, 300 }, { 300, 1 }, { 7, 5 }, { 16, 16 }, { 17, 33 },
        { 401, 203 },
    };
    for (size_t i = 0; i < QVL_COUNT(size); i++)
        check_round(size[i][0], size[i][1], 95, 1.5);
    size_t fine = check_round(200, 200, 100, 1.0);
    size_t rough = check_round(200, 200, 1, 60);
    CHECK(rough * 3 < fine, "%zu and %zu bytes", rough, fine);
}

static void test_wrong_size(void)
{
    qvl_str text = { 0 };
    qvl_err err;
    uint8_t *rgb = calloc(3, QVL_JPEG_MAX_SIDE + 1);
    qvl_str_puts(&text, "before");
    CHECK_FAILS(qvl_jpeg_encode(&text, rgb, QVL_JPEG_MAX_SIDE + 1, 1, 90, &err),
                QVL_E_DATA, err, "found a picture of 65501 x 1 px");
    CHECK_STR(text.p, "before", "text is kept");
    CHECK_OK(qvl_jpeg_encode(&text, rgb, QVL_JPEG_MAX_SIDE, 1, 90, &err), err);
    CHECK(text.len > 100 && memcmp(text.p, "before", 6) == 0, "appended");
    qvl_str_release(&text);
    free(rgb);
}

static void test_memory(void)
{
    uint8_t *rgb = calloc(3, 600 * 600);
    for (int i = 0; i < 3 * 600 * 600; i++)
        rgb[i] = (uint8_t)((unsigned)i * 7919u >> 3);
    int n_failed = 0;
    for (size_t limit = 100; limit < 8000000; limit *= 2) {
        qvl_str text = { 0 };
        qvl_err err;
        qvl_str_puts(&text, "before");
        qvl_memory_limit(limit);
        int rc = qvl_jpeg_encode(&text, rgb, 600, 600, 95, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "limit %zu: %d", limit, rc);
        if (rc != QVL_OK)
            CHECK_STR(text.p, "before", "text is kept");
        n_failed += rc != QVL_OK;
        qvl_str_release(&text);
    }
    CHECK(n_failed > 3 && n_failed < 17, "%d failed", n_failed);
    free(rgb);
}

static void test_no_writer(void)
{
    uint8_t rgb[3] = { 1, 2, 3 };
    qvl_str text = { 0 };
    qvl_err err;
    CHECK_FAILS(qvl_jpeg_encode(&text, rgb, 1, 1, 95, &err), QVL_E_UNSUPPORTED,
                err, "expected a build with libjpeg-turbo");
    CHECK_INT(text.len, 0, "bytes");
}

int main(void)
{
    const struct CMUnitTest with[] = { TEST(test_there_and_back),
                                       TEST(test_wrong_size),
                                       TEST(test_memory) };
    const struct CMUnitTest without[] = { TEST(test_no_writer) };
    return qvl_jpeg_can_encode() ? cmocka_run_group_tests(with, NULL, NULL)
                                 : cmocka_run_group_tests(without, NULL, NULL);
}
