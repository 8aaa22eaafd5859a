/* test_page.c - pages: their size, what stands on them, and too much of it */
#include "check.h"

#include "base/arena.h"
#include "base/str.h"
#include "image/decode.h"
#include "score/page.h"

static qvl_image grey_picture(int w, int h)
{
    qvl_image im = { 0 };
    qvl_err err;
    CHECK_OK(qvl_image_init(&im, h, w, &err), err);
    memset(im.pixel, 90, qvl_image_bytes(&im));
    return im;
}

static int count_like(const qvl_image *im, int x0, int x1, int r, int g, int b)
{
    int n = 0;
    for (int y = 0; y < im->h; y++)
        for (int x = x0; x < x1; x++) {
            const uint8_t *p = qvl_image_row(im, y) + 3 * x;
            n += p[0] == r && p[1] == g && p[2] == b;
        }
    return n;
}

static qvl_image draw(qvl_page *page)
{
    qvl_image im = { 0 };
    qvl_categories categories = { 0 };
    qvl_err err;
    page->categories = &categories;
    CHECK_OK(qvl_page_draw(&im, page, &err), err);
    qvl_categories_release(&categories);
    return im;
}

/* Whole factors up to 480 px, none to 1920, then down to that. */
static void test_sizes(void)
{
    static const struct {
        int w, h, to_w, to_h;
    } cases[] = {
        { 1, 1, 480, 480 },         { 320, 200, 640, 400 },
        { 479, 5, 958, 10 },        { 480, 480, 480, 480 },
        { 7, 100, 35, 500 },        { 1920, 1080, 1920, 1080 },
        { 1921, 961, 1920, 960 },   { 3840, 2000, 1920, 1000 },
        { 1, 4000, 1, 1920 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_image picture = grey_picture(cases[i].w, cases[i].h);
        qvl_view view = { .heading = "it", .picture = &picture };
        qvl_page page = { .view = &view, .n_views = 1 };
        qvl_image im = draw(&page);
        CHECK_INT(count_like(&im, 0, im.w, 90, 90, 90),
                  cases[i].to_w * cases[i].to_h, "%d x %d", cases[i].w,
                  cases[i].h);
        qvl_image_release(&im);
        qvl_image_release(&picture);
    }
}

/* Lines and letters grow with the picture: so does the heading's height. */
static void test_large(void)
{
    int top[2];
    for (int k = 0; k < 2; k++) {
        qvl_image picture = grey_picture(k == 0 ? 1000 : 1920, 200);
        qvl_view view = { .heading = "it", .picture = &picture };
        qvl_page page = { .view = &view, .n_views = 1 };
        qvl_image im = draw(&page);
        int y = 0;
        while (qvl_image_row(&im, y)[3 * 40] != 90)
            y++;
        top[k] = y;
        qvl_image_release(&im);
        qvl_image_release(&picture);
    }
    CHECK(top[1] > 1.5 * top[0] && top[1] < 2 * top[0], "%d and %d", top[0],
          top[1]);
}

static void test_views(void)
{
    qvl_image small = grey_picture(100, 100);
    qvl_image large = grey_picture(600, 300);
    qvl_view view[] = {
        { .heading = "a", .picture = &small },
        { .heading = "b", .picture = &large },
        { .heading = "c", .picture = NULL, .marks = { .w = 50, .h = 25 } },
    };
    qvl_page page = { .view = view, .n_views = 3 };
    qvl_image im = draw(&page);
    CHECK_INT(count_like(&im, 0, im.w, 90, 90, 90), 500 * 500 + 600 * 300,
              "two pictures");
    int n = count_like(&im, 0, im.w, 160, 160, 160);
    CHECK(n > 400 * 250 && n < 500 * 250, "a grey one with words: %d", n);
    CHECK(im.w > 500 + 600 + 500, "side by side: %d", im.w);
    qvl_image_release(&im);
    qvl_image_release(&small);
    qvl_image_release(&large);
}

static void test_notes(void)
{
    static const char longer[] =
        "a sentence of many words that go on and on, and a word-without-any-"
        "blank-that-is-longer-than-a-line-of-the-text-can-be, and so on ";
    qvl_str endless = { 0 };
    qvl_image picture = grey_picture(480, 480);
    qvl_view view = { .heading = "it", .picture = &picture };
    for (int i = 0; i < 100; i++)
        qvl_str_puts(&endless, longer);
    qvl_note note[] = {
        { QVL_NOTE_TITLE, "a title" },  { QVL_NOTE_TEXT, "" },
        { QVL_NOTE_BANNER, "banner" },  { QVL_NOTE_ALARM, longer },
        { QVL_NOTE_TEXT, endless.p },   { QVL_NOTE_TEXT, "\xff\xe7\xb1\xbb" },
    };
    qvl_page page = { .view = &view, .n_views = 1, .note = note };
    int red[2];
    for (int k = 0; k < 2; k++) {
        page.n_notes = k == 0 ? 2 : (int)QVL_COUNT(note);
        qvl_image im = draw(&page);
        red[k] = count_like(&im, 490, im.w, 190, 0, 0);
        CHECK(im.h < 900, "%d px high", im.h);
        CHECK(count_like(&im, 490, im.w, 20, 20, 20) > 50, "black letters");
        qvl_image_release(&im);
    }
    CHECK_INT(red[0], 0, "no alarm");
    CHECK(red[1] > 340 * 15, "a banner: %d", red[1]);
    qvl_str_release(&endless);
    qvl_image_release(&picture);
}

/* More categories than there is room for. */
static void test_legend(void)
{
    enum { N = 300 };
    static double p[4] = { 10, 10, 400, 400 };
    static char desc[N][16];
    static qvl_object object[N];
    int h[2];
    qvl_image picture = grey_picture(480, 480);
    for (int i = 0; i < N; i++) {
        snprintf(desc[i], sizeof desc[i], "kind %d", i);
        object[i] = (qvl_object){ QVL_GEOM_BOX, 2, p, desc[i] };
    }
    for (int k = 0; k < 2; k++) {
        qvl_view view = { .heading = "it", .column = "count",
                          .picture = &picture,
                          .marks = { object, k == 0 ? 3 : N, 480, 480, NULL } };
        qvl_page page = { .view = &view, .n_views = 1 };
        qvl_image im = draw(&page);
        h[k] = im.h;
        qvl_image_release(&im);
    }
    CHECK(h[0] < 540, "a short one: %d px", h[0]);
    CHECK(h[1] > h[0] && h[1] < 1000, "a cut one: %d px", h[1]);
    qvl_image_release(&picture);
}

static void test_equal(void)
{
    double p[] = { 20, 30, 80, 90, 150, 20, 180, 100 };
    qvl_object object[] = { { QVL_GEOM_BOX, 2, p, "one" },
                            { QVL_GEOM_LINE, 4, p, "two" },
                            { QVL_GEOM_POLY, 4, p, "\xe7\xb1\xbb" } };
    bool is_marked[] = { true, false, true };
    qvl_image picture = grey_picture(200, 120);
    qvl_view view = { .heading = "it", .column = "n", .picture = &picture,
                      .marks = { object, 3, 200, 120, is_marked } };
    qvl_page page = { .view = &view, .n_views = 1, .column = "plain",
                      .marked = "something" };
    qvl_image a = draw(&page);
    qvl_image b = draw(&page);
    CHECK_INT(qvl_image_bytes(&a), qvl_image_bytes(&b), "size");
    CHECK(memcmp(a.pixel, b.pixel, qvl_image_bytes(&a)) == 0, "pixels");
    qvl_image_release(&a);
    qvl_image_release(&b);
    qvl_image_release(&picture);
}

static void test_files(void)
{
    qvl_image picture = grey_picture(48, 64);
    qvl_view view = { .heading = "it", .picture = &picture };
    qvl_categories categories = { 0 };
    qvl_page page = { .view = &view, .n_views = 1, .categories = &categories };
    qvl_err err;
    int h, w;
    CHECK_OK(qvl_page_save(check_path("page.png"), &page, &err), err);
    CHECK_OK(qvl_image_load_size(&h, &w, check_path("page.png"), NULL, &err),
             err);
    CHECK(w > 384 + 200 && h > 512, "%d x %d", w, h);
    CHECK_FAILS(qvl_page_save(check_path("no/page.png"), &page, &err),
                QVL_E_IO, err, "no/page.png");
    qvl_image im = { 0 };
    static const size_t limits[] = { 0, 1000, 100000, 700000 };
    for (size_t i = 0; i < QVL_COUNT(limits); i++) {
        qvl_memory_limit(limits[i]);
        int rc = qvl_page_draw(&im, &page, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK_INT(rc, QVL_E_MEMORY, "%zu bytes", limits[i]);
        CHECK(im.pixel == NULL, "out is unchanged");
    }
    qvl_categories_release(&categories);
    qvl_image_release(&picture);
}

RUN_TESTS(TEST(test_sizes), TEST(test_large), TEST(test_views),
          TEST(test_notes), TEST(test_legend), TEST(test_equal),
          TEST(test_files))
