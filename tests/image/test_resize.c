/* test_resize.c - resized pictures against stored checksums, and against the
 * formula in double precision */
#include "base/arena.h"
#include "check.h"
#include "crc.h"
#include "fill.h"
#include "image/resize.h"

static const struct {
    void (*fill)(qvl_image *im);
    int h, w, out_h, out_w;
    uint32_t in, pillow;
} vectors[] = {
    { fill_noise, 40, 56, 64, 96, 0xedf2aee7, 0xd9c9259b },
    { fill_noise, 100, 150, 96, 160, 0xf470821b, 0x6eaec96d },
    { fill_noise, 333, 500, 320, 512, 0xf88f8e32, 0x3be03035 },
    { fill_noise, 300, 200, 64, 64, 0xd66f518b, 0xcb4b8d9b },
    { fill_ramp, 40, 56, 64, 96, 0xde34d849, 0xe3d37145 },
    { fill_ramp, 100, 150, 96, 160, 0x48b795e4, 0x2fdabe28 },
    { fill_ramp, 333, 500, 320, 512, 0x7597432b, 0x8ca08b8e },
    { fill_ramp, 300, 200, 64, 64, 0xe8af76ac, 0x895df058 },
};

static uint32_t resized_crc(const qvl_image *in, int h, int w,
                            qvl_resize_rule rule)
{
    qvl_image out;
    qvl_err err;
    CHECK_OK(qvl_image_resize(&out, in, h, w, rule, &err), err);
    CHECK(out.h == h && out.w == w, "size");
    uint32_t crc = crc_of(out.pixel, qvl_image_bytes(&out));
    qvl_image_release(&out);
    return crc;
}

static void test_vectors(void)
{
    for (size_t i = 0; i < QVL_COUNT(vectors); i++) {
        qvl_image in;
        qvl_err err;
        CHECK_OK(qvl_image_init(&in, vectors[i].h, vectors[i].w, &err), err);
        vectors[i].fill(&in);
        CHECK_INT(crc_of(in.pixel, qvl_image_bytes(&in)), vectors[i].in,
                  "input of vector %zu", i);
        CHECK_INT(resized_crc(&in, vectors[i].out_h, vectors[i].out_w,
                              QVL_RESIZE_PILLOW),
                  vectors[i].pillow, "vector %zu", i);
        qvl_image_release(&in);
    }
}

/* The other rules, on the picture of vector 5. */
static void test_rules(void)
{
    qvl_image in;
    qvl_err err;
    CHECK_OK(qvl_image_init(&in, 100, 150, &err), err);
    fill_ramp(&in);
    CHECK_INT(resized_crc(&in, 96, 160, QVL_RESIZE_PILLOW13), 0xa4e97917,
              "columns first");
    CHECK_INT(resized_crc(&in, 96, 160, QVL_RESIZE_TORCHVISION), 0x2fdabe28,
              "short weights");
    qvl_image_release(&in);
}

static double keys(double x)
{
    x = fabs(x);
    if (x < 1.0)
        return 1.5 * x * x * x - 2.5 * x * x + 1.0;
    return x < 2.0 ? -0.5 * x * x * x + 2.5 * x * x - 4.0 * x + 2.0 : 0.0;
}

/* Sample o of n_out along an axis of n_in samples, `stride` bytes apart. */
static double along(const uint8_t *p, int n_in, size_t stride, int n_out,
                    int o)
{
    double scale = (double)n_in / n_out;
    double s = scale > 1.0 ? scale : 1.0;
    double c = (o + 0.5) * scale;
    double sum = 0.0, weights = 0.0;
    for (int j = 0; j < n_in; j++) {
        if (j < (int)(c - 2.0 * s + 0.5) || j >= (int)(c + 2.0 * s + 0.5))
            continue;
        double w = keys((j - c + 0.5) / s);
        sum += w * p[(size_t)j * stride];
        weights += w;
    }
    return fmin(fmax(floor(sum / weights + 0.5), 0.0), 255.0);
}

/* Rows, then columns, bytes between. */
static uint8_t *reference(const qvl_image *in, int h, int w)
{
    uint8_t *mid = malloc((size_t)in->h * (size_t)w * 3);
    uint8_t *out = malloc((size_t)h * (size_t)w * 3);
    for (int y = 0; y < in->h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                mid[3 * (y * w + x) + c] = (uint8_t)along(
                    qvl_image_row(in, y) + c, in->w, 3, w, x);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < 3 * w; x++)
            out[3 * y * w + x] =
                (uint8_t)along(mid + x, in->h, 3 * (size_t)w, h, y);
    free(mid);
    return out;
}

/* Sizes around 1 and around the blocks the loops work in. */
static const int sizes[][4] = {
    { 1, 1, 1, 1 },     { 1, 1, 33, 32 },    { 33, 32, 1, 1 },
    { 1, 50, 7, 5 },    { 50, 1, 5, 7 },     { 15, 20, 16, 20 },
    { 16, 20, 17, 19 }, { 17, 350, 31, 341 }, { 33, 9, 8, 400 },
    { 40, 40, 40, 41 }, { 200, 3, 3, 200 },
};

/* Rounding of the weights moves a value by one at most, the columns pass
 * carries that on: two in all, for white noise. */
static void test_formula(void)
{
    static const qvl_resize_rule rule[] = { QVL_RESIZE_PILLOW,
                                            QVL_RESIZE_TORCHVISION };
    for (size_t i = 0; i < QVL_COUNT(sizes); i++) {
        qvl_image in;
        qvl_err err;
        CHECK_OK(qvl_image_init(&in, sizes[i][0], sizes[i][1], &err), err);
        fill_noise(&in);
        uint8_t *want = reference(&in, sizes[i][2], sizes[i][3]);
        for (size_t k = 0; k < QVL_COUNT(rule); k++) {
            qvl_image out;
            CHECK_OK(qvl_image_resize(&out, &in, sizes[i][2], sizes[i][3],
                                      rule[k], &err), err);
            for (size_t b = 0; b < qvl_image_bytes(&out); b++)
                CHECK_NEAR(out.pixel[b], want[b], 2,
                           "size %zu, rule %d, byte %zu", i, rule[k], b);
            qvl_image_release(&out);
        }
        free(want);
        qvl_image_release(&in);
    }
}

/* One colour stays one colour, whatever the rounding of its weights. */
static void test_flat(void)
{
    static const qvl_resize_rule rule[] = {
        QVL_RESIZE_PILLOW, QVL_RESIZE_PILLOW13, QVL_RESIZE_TORCHVISION
    };
    static const int value[] = { 0, 1, 128, 254, 255 };
    for (size_t i = 0; i < QVL_COUNT(sizes); i++)
        for (size_t v = 0; v < QVL_COUNT(value); v++)
            for (size_t k = 0; k < QVL_COUNT(rule); k++) {
                qvl_image in, out;
                qvl_err err;
                CHECK_OK(qvl_image_init(&in, sizes[i][0], sizes[i][1], &err),
                         err);
                memset(in.pixel, value[v], qvl_image_bytes(&in));
                CHECK_OK(qvl_image_resize(&out, &in, sizes[i][2], sizes[i][3],
                                          rule[k], &err), err);
                for (size_t b = 0; b < qvl_image_bytes(&out); b++)
                    CHECK_INT(out.pixel[b], value[v], "size %zu, rule %d", i,
                              rule[k]);
                qvl_image_release(&in);
                qvl_image_release(&out);
            }
}

/* The same size is a copy, in memory of its own. */
static void test_same(void)
{
    qvl_image in, out;
    qvl_err err;
    CHECK_OK(qvl_image_init(&in, 13, 17, &err), err);
    fill_noise(&in);
    CHECK_OK(qvl_image_resize(&out, &in, 13, 17, QVL_RESIZE_TORCHVISION, &err),
             err);
    CHECK(out.pixel != in.pixel
              && memcmp(out.pixel, in.pixel, qvl_image_bytes(&in)) == 0,
          "copy");
    qvl_image_release(&in);
    qvl_image_release(&out);
}

static void test_memory(void)
{
    qvl_image in, out = { .h = -1 };
    qvl_err err;
    CHECK_OK(qvl_image_init(&in, 100, 100, &err), err);
    fill_ramp(&in);
    for (size_t limit = 0; limit < 120000; limit += 20000) {
        qvl_memory_limit(limit);
        int rc = qvl_image_resize(&out, &in, 90, 110, QVL_RESIZE_PILLOW, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || (rc == QVL_E_MEMORY && out.h == -1),
              "limit %zu", limit);
        if (rc == QVL_OK)
            qvl_image_release(&out);
        out.h = -1;
    }
    qvl_image_release(&in);
}

RUN_TESTS(TEST(test_vectors), TEST(test_rules), TEST(test_formula),
          TEST(test_flat), TEST(test_same), TEST(test_memory))
