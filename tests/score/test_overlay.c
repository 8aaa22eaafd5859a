/* test_overlay.c - overlays: sizes, colours at their places, crowds, odd pictures */
#include "check.h"

#include "base/arena.h"
#include "base/rng.h"
#include "image/decode.h"
#include "image/png_write.h"
#include "score/overlay.h"

static qvl_image grey_picture(int w, int h)
{
    qvl_image im = { 0 };
    qvl_err err;
    CHECK_OK(qvl_image_init(&im, h, w, &err), err);
    memset(im.pixel, 90, qvl_image_bytes(&im));
    return im;
}

/* Pixels of a part that are neither the picture's grey nor white. */
static int count_drawn(const qvl_image *im, int x0, int y0, int x1, int y1)
{
    int n = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            const uint8_t *p = qvl_image_row(im, y) + 3 * x;
            bool is_grey = p[0] == 90 && p[1] == 90 && p[2] == 90;
            bool is_white = p[0] == 255 && p[1] == 255 && p[2] == 255;
            n += !is_grey && !is_white;
        }
    return n;
}

static qvl_image draw(const qvl_overlay *o, int w, int h)
{
    qvl_image picture = grey_picture(w, h);
    qvl_image page = { 0 };
    qvl_err err;
    CHECK_OK(qvl_overlay_draw(&page, NULL, &picture, o, &err), err);
    qvl_image_release(&picture);
    return page;
}

static void test_panels(void)
{
    double left[] = { 100, 100, 400, 900 }, right[] = { 600, 100, 900, 900 };
    qvl_object truth = { QVL_GEOM_BOX, 2, left, "a" };
    qvl_object pred = { QVL_GEOM_BOX, 2, right, "a" };
    qvl_overlay o = { .truth = &truth, .n_true = 1, .has_truth = true,
                      .pred = &pred, .n_pred = 1 };
    qvl_image page = draw(&o, 128, 128);
    /* 128 pixels become 512; two panels and a legend. */
    CHECK(page.w > 2 * 512 + 100 && page.h > 512, "%d x %d", page.w, page.h);
    int top = page.h - 512 - 10;
    CHECK(count_drawn(&page, 20, top + 10, 250, page.h - 20) > 500, "truth");
    CHECK_INT(count_drawn(&page, 270, top + 10, 500, page.h - 20), 0,
              "nothing there in truth");
    CHECK(count_drawn(&page, 532 + 270, top + 10, 532 + 500, page.h - 20)
              > 500,
          "prediction");
    qvl_image_release(&page);
    o.has_truth = false;
    o.n_true = 0;
    page = draw(&o, 128, 128);
    CHECK(page.w < 2 * 512, "one panel: %d", page.w);
    qvl_image_release(&page);
}

static void test_sizes(void)
{
    static const int size[][2] = {
        { 1, 1 }, { 1, 300 }, { 300, 1 }, { 479, 5 }, { 2000, 1500 },
        { 1500, 9 },
    };
    double b[] = { 0, 0, 1000, 1000 }, l[] = { 0, 1000, 500, 0, 1000, 1000 };
    qvl_object pred[] = {
        { QVL_GEOM_BOX, 2, b, "all" },
        { QVL_GEOM_LINE, 3, l, "\xe7\xb1\xbb\xe5\x88\xab/x" },
        { QVL_GEOM_POLY, 3, l, "a very long desc that no label can hold, ever"
                               " and ever" },
    };
    qvl_overlay o = { .has_truth = true, .pred = pred, .n_pred = 3 };
    for (size_t i = 0; i < QVL_COUNT(size); i++) {
        qvl_image page = draw(&o, size[i][0], size[i][1]);
        CHECK(page.w <= 2 * 1920 + 1000 && page.h >= 60, "%d x %d", page.w,
              page.h);
        qvl_image_release(&page);
    }
}

/* More objects and categories than there is room for. */
static void test_crowd(void)
{
    enum { N = 400 };
    static double p[N][4];
    static char desc[N][24];
    static qvl_object object[N];
    for (int i = 0; i < N; i++) {
        uint64_t r = qvl_rng_mix(9, (uint64_t)i);
        p[i][0] = (double)(r % 900);
        p[i][1] = (double)(r / 1000 % 900);
        p[i][2] = p[i][0] + 100;
        p[i][3] = p[i][1] + 60;
        snprintf(desc[i], sizeof desc[i], "kind %d", i);
        object[i] = (qvl_object){ QVL_GEOM_BOX, 2, p[i], desc[i] };
    }
    qvl_overlay o = { .truth = object, .n_true = N, .has_truth = true,
                      .pred = object, .n_pred = 3 };
    qvl_image page = draw(&o, 640, 480);
    qvl_image_release(&page);
}

static void test_none(void)
{
    qvl_overlay o = { .has_truth = true };
    qvl_image page = draw(&o, 100, 100);
    qvl_image_release(&page);
}

/* Who has no partner has a red edge, on his side; who has one has none. */
static void test_matches(void)
{
    double p[][4] = { { 100, 100, 300, 300 }, { 600, 600, 800, 800 },
                      { 110, 100, 300, 300 }, { 100, 600, 300, 800 } };
    qvl_object o[4];
    for (int i = 0; i < 4; i++)
        o[i] = (qvl_object){ QVL_GEOM_BOX, 2, p[i], i == 2 ? "b" : "a" };
    qvl_overlay both = { .truth = o, .n_true = 2, .has_truth = true,
                         .pred = o + 2, .n_pred = 2 };
    qvl_image picture = grey_picture(500, 500);
    qvl_image page;
    qvl_err err;
    int n_matched = -1;
    CHECK_OK(qvl_overlay_draw(&page, &n_matched, &picture, &both, &err), err);
    CHECK_INT(n_matched, 1, "matched by place alone");
    int top = page.h - 500 - 10;
    for (int i = 0; i < 4; i++) {
        int x = 10 + (i < 2 ? 0 : 510) + (int)p[i][0] / 2;
        int y = top + (int)(p[i][1] + p[i][3]) / 4;
        /* Red left of the edge, which is that of a mark alone. */
        const uint8_t *q = qvl_image_row(&page, y) + 3 * (x - 4);
        CHECK_INT(q[0] > 150 && q[1] < 60 && q[2] < 60, i % 2 == 1,
                  "object %d: %d %d %d", i, q[0], q[1], q[2]);
    }
    qvl_image_release(&page);
    qvl_image_release(&picture);
}

static void test_files(void)
{
    double b[] = { 100, 100, 500, 500 };
    qvl_object pred = { QVL_GEOM_BOX, 2, b, "a" };
    qvl_overlay o = { .pred = &pred, .n_pred = 1 };
    qvl_image picture = grey_picture(64, 48);
    qvl_err err;
    const char *in = check_path("in.png");
    const char *out = check_path("out.png");
    CHECK_OK(qvl_png_write(in, picture.pixel, 64, 48, &err), err);
    CHECK_OK(qvl_overlay_save(out, in, &o, &err), err);
    int h, w;
    CHECK_OK(qvl_image_load_size(&h, &w, out, NULL, &err), err);
    CHECK(w > 512 && h > 384, "%d x %d", w, h);
    CHECK_FAILS(qvl_overlay_save(out, check_path("none.png"), &o, &err),
                QVL_E_IO, err, "none.png");
    CHECK_FAILS(qvl_overlay_save(check_path("no/out.png"), in, &o, &err),
                QVL_E_IO, err, "no/out.png");
    qvl_memory_limit(100000);
    int rc = qvl_overlay_draw(&picture, NULL, &picture, &o, &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "no memory");
    qvl_image_release(&picture);
}

RUN_TESTS(TEST(test_panels), TEST(test_sizes), TEST(test_crowd),
          TEST(test_none), TEST(test_matches), TEST(test_files))
