/* test_marks.c - objects on a picture: where their lines, dots and labels are */
#include "check.h"

#include <stdbool.h>

#include "base/rng.h"
#include "score/marks.h"

#define GREY 128

typedef struct {
    qvl_image im;
    qvl_categories categories;
    int n_left_out;
} sheet;

static sheet draw(const qvl_marks *m, int w, int h, double size)
{
    sheet s = { 0 };
    qvl_canvas c;
    qvl_arena arena = { 0 };
    qvl_err err;
    CHECK_OK(qvl_image_init(&s.im, h, w, &err), err);
    memset(s.im.pixel, GREY, qvl_image_bytes(&s.im));
    CHECK_OK(qvl_canvas_init(&c, &s.im, &err), err);
    s.n_left_out = qvl_marks_draw(&c, m, &s.categories, size, &arena);
    qvl_canvas_release(&c);
    qvl_arena_release(&arena);
    return s;
}

static void end(sheet *s)
{
    qvl_categories_release(&s->categories);
    qvl_image_release(&s->im);
}

static qvl_colour colour_of(sheet *s, const char *desc)
{
    return qvl_draw_colour(qvl_categories_find(&s->categories, desc)->colour);
}

/* Is a pixel as a colour, but for `most` in all channels together? */
static bool is_like(const sheet *s, int x, int y, qvl_colour c, int most)
{
    const uint8_t *p = qvl_image_row(&s->im, y) + 3 * x;
    return abs(p[0] - c.r) + abs(p[1] - c.g) + abs(p[2] - c.b) <= most;
}

static int count_like(const sheet *s, const int *rect, qvl_colour c, int most)
{
    int n = 0;
    for (int y = rect[1]; y < rect[3]; y++)
        for (int x = rect[0]; x < rect[2]; x++)
            n += is_like(s, x, y, c, most);
    return n;
}

static bool is_untouched(const sheet *s, int x, int y)
{
    return is_like(s, x, y, (qvl_colour){ GREY, GREY, GREY }, 0);
}

/* A box has an edge without gaps, a polygon one with gaps of 7 px. */
static void test_edges(void)
{
    double p[] = { 50, 60, 250, 60, 250, 160, 50, 160 };
    double b[] = { 50, 60, 250, 160 };
    qvl_object object[] = { { QVL_GEOM_BOX, 2, b, "a" },
                            { QVL_GEOM_POLY, 4, p, "a" } };
    for (int k = 0; k < 2; k++) {
        qvl_marks m = { &object[k], 1, 300, 200, NULL };
        sheet s = draw(&m, 300, 200, 1);
        qvl_colour c = colour_of(&s, "a");
        int n = 0;
        int n_changes = 0;
        bool was = false;
        for (int x = 60; x < 240; x++) {
            bool is = is_like(&s, x, 160, c, 30);
            n += is;
            n_changes += x > 60 && is != was;
            was = is;
        }
        if (k == 0)
            CHECK_INT(n, 180, "a box is solid");
        else
            CHECK(n > 60 && n < 130 && n_changes > 20,
                  "a polygon is dashed: %d px, %d changes", n, n_changes);
        CHECK(is_untouched(&s, 150, 110), "nothing inside");
        CHECK(is_untouched(&s, 150, 170), "nothing below");
        end(&s);
    }
}

/* A line has dots of 9 px at its points, none between, and is open. */
static void test_dots(void)
{
    double p[] = { 40, 150, 140, 60, 240, 150 };
    qvl_object object = { QVL_GEOM_LINE, 3, p, "a" };
    qvl_marks m = { &object, 1, 300, 200, NULL };
    sheet s = draw(&m, 300, 200, 1);
    qvl_colour c = colour_of(&s, "a");
    for (int i = 0; i < 3; i++)
        for (int dy = -2; dy <= 2; dy++)
            for (int dx = -2; dx <= 2; dx++)
                CHECK(is_like(&s, (int)p[2 * i] + dx, (int)p[2 * i + 1] + dy, c, 30),
                      "dot %d at %d, %d", i, dx, dy);
    int between[] = { 80, 95, 101, 116 };
    int n = count_like(&s, between, c, 30);
    CHECK(n > 30 && n < 110, "a thin line between: %d", n);
    CHECK(is_untouched(&s, 140, 150), "it is open");
    end(&s);
    /* The same dots three times as large. */
    s = draw(&m, 600, 400, 3);
    for (int d = -10; d <= 10; d++)
        CHECK(is_like(&s, 80 + d, 300, c, 30), "large dot at %d", d);
    end(&s);
}

/* Points are scaled by the size that they refer to. */
static void test_units(void)
{
    double b[] = { 500, 250, 900, 750 };
    qvl_object object = { QVL_GEOM_BOX, 2, b, "a" };
    qvl_marks m = { &object, 1, 1000, 1000, NULL };
    sheet s = draw(&m, 200, 400, 1);
    qvl_colour c = colour_of(&s, "a");
    CHECK(is_like(&s, 140, 300, c, 30), "lower edge");
    CHECK(is_like(&s, 100, 200, c, 30), "left edge");
    CHECK(is_like(&s, 180, 200, c, 30), "right edge");
    CHECK(is_untouched(&s, 90, 200), "outside");
    end(&s);
}

/* Pixels of a label's ground: a line of text is 16 px high, "1 a" 25 px wide. */
#define LABEL_PX 200

/* Wherever an object lies, its whole label is in the picture. */
static void test_labels_inside(void)
{
    for (int y = -40; y <= 180; y += 20)
        for (int x = -40; x <= 280; x += 20) {
            double b[] = { x, y, x + 60, y + 40 };
            qvl_object object = { QVL_GEOM_BOX, 2, b, "a" };
            qvl_marks m = { &object, 1, 300, 200, NULL };
            sheet s = draw(&m, 300, 200, 1);
            qvl_colour c = colour_of(&s, "a");
            int all[] = { 0, 0, 300, 200 };
            CHECK_INT(s.n_left_out, 0, "box at %d, %d", x, y);
            CHECK(count_like(&s, all, c, 45) > LABEL_PX, "box at %d, %d: %d", x,
                  y, count_like(&s, all, c, 45));
            end(&s);
        }
}

/* What the ground of labels covers, [x0, y0, x1, y1]: squares of 3 px that are like a
 * colour, which an edge of 2 px has not. */
static void label_bounds(const sheet *s, qvl_colour c, int *out)
{
    out[0] = s->im.w;
    out[1] = s->im.h;
    out[2] = out[3] = 0;
    for (int y = 1; y + 1 < s->im.h; y++)
        for (int x = 1; x + 1 < s->im.w; x++) {
            int square[] = { x - 1, y - 1, x + 2, y + 2 };
            if (count_like(s, square, c, 45) < 9)
                continue;
            out[0] = x - 1 < out[0] ? x - 1 : out[0];
            out[1] = y - 1 < out[1] ? y - 1 : out[1];
            out[2] = x + 2 > out[2] ? x + 2 : out[2];
            out[3] = y + 2 > out[3] ? y + 2 : out[3];
        }
}

/* Above its object; three of equal place have three places. */
static void test_labels_apart(void)
{
    double b[] = { 100, 80, 200, 120 };
    qvl_object object[] = { { QVL_GEOM_BOX, 2, b, "first" },
                            { QVL_GEOM_BOX, 2, b, "second" },
                            { QVL_GEOM_BOX, 2, b, "third" } };
    qvl_marks m = { object, 3, 400, 300, NULL };
    sheet s = draw(&m, 400, 300, 1);
    int r[3][4];
    for (int i = 0; i < 3; i++) {
        label_bounds(&s, colour_of(&s, object[i].desc), r[i]);
        CHECK((r[i][2] - r[i][0]) * (r[i][3] - r[i][1]) > 400, "label %d: %d %d "
              "%d %d", i, r[i][0], r[i][1], r[i][2], r[i][3]);
        for (int k = 0; k < i; k++)
            CHECK(r[i][0] >= r[k][2] || r[k][0] >= r[i][2]
                      || r[i][1] >= r[k][3] || r[k][1] >= r[i][3],
                  "%d and %d", i, k);
    }
    CHECK(r[0][3] <= 80 && r[0][3] > 70, "the first is above: %d", r[0][3]);
    CHECK_INT(s.n_left_out, 0, "all");
    end(&s);
}

/* A label does not hide a small object whole, and leaves out no other. */
static void test_small_stay_seen(void)
{
    double big[] = { 60, 60, 200, 200 };
    double tiny[] = { 70, 50, 74, 54 };  // where the label would be
    qvl_object object[] = { { QVL_GEOM_BOX, 2, big, "first" },
                            { QVL_GEOM_BOX, 2, tiny, "second" } };
    qvl_marks m = { object, 2, 300, 300, NULL };
    sheet s = draw(&m, 300, 300, 1);
    int at[] = { 68, 48, 76, 56 };
    CHECK(count_like(&s, at, colour_of(&s, "second"), 60) > 12, "its edge");
    CHECK_INT(s.n_left_out, 0, "labels");
    end(&s);
}

/* Crowds: numbers alone, some further away with a line, some left out and counted. */
static void test_crowds(void)
{
    enum { N = 60 };
    static double p[N][4];
    static qvl_object object[N];
    for (int i = 0; i < N; i++) {
        uint64_t r = qvl_rng_mix(3, (uint64_t)i);
        p[i][0] = 20 + (double)(r % 20);
        p[i][1] = 20 + (double)(r / 100 % 20);
        p[i][2] = p[i][0] + 12;
        p[i][3] = p[i][1] + 12;
        object[i] = (qvl_object){ QVL_GEOM_BOX, 2, p[i], "a category" };
    }
    qvl_marks m = { object, N, 400, 300, NULL };
    sheet s = draw(&m, 400, 300, 1);
    CHECK(s.n_left_out > 0 && s.n_left_out < N - 10, "%d left out",
          s.n_left_out);
    end(&s);
    /* Ten of them have room, none of it beside them. */
    m.n = 25;
    s = draw(&m, 400, 300, 1);
    CHECK_INT(s.n_left_out, 0, "some further away");
    end(&s);
    s = draw(&m, 12, 9, 1);
    CHECK_INT(s.n_left_out, 25, "no room at all");
    end(&s);
}

static const qvl_colour red = { 215, 0, 0 };

static void test_marked(void)
{
    double b[] = { 60, 60, 120, 120, 180, 60, 240, 120 };
    qvl_object object[] = { { QVL_GEOM_BOX, 2, b, "blue" },
                            { QVL_GEOM_BOX, 2, b + 4, "blue" } };
    static const bool is_marked[] = { false, true };
    qvl_marks m = { object, 2, 300, 200, is_marked };
    sheet s = draw(&m, 300, 200, 1);
    int left[] = { 50, 30, 140, 130 };
    int right[] = { 170, 30, 260, 130 };
    CHECK_INT(count_like(&s, left, red, 120), 0, "the first");
    CHECK(count_like(&s, right, red, 120) > 500, "the second: %d",
          count_like(&s, right, red, 120));
    end(&s);
}

/* The same marks give the same pixels; two categories two colours. */
static void test_equal(void)
{
    double p[] = { 20, 30, 80, 90, 150, 20, 180, 100 };
    qvl_object object[] = { { QVL_GEOM_BOX, 2, p, "one" },
                            { QVL_GEOM_LINE, 4, p, "two" },
                            { QVL_GEOM_POLY, 4, p, "\xe7\xb1\xbb" } };
    qvl_marks m = { object, 3, 200, 120, NULL };
    sheet s = draw(&m, 200, 120, 1);
    sheet t = draw(&m, 200, 120, 1);
    CHECK(memcmp(s.im.pixel, t.im.pixel, qvl_image_bytes(&s.im)) == 0, "again");
    qvl_colour a = colour_of(&s, "one");
    qvl_colour b = colour_of(&s, "two");
    CHECK(a.r != b.r || a.g != b.g || a.b != b.b, "two colours");
    int all[] = { 0, 0, 200, 120 };
    CHECK(count_like(&s, all, a, 45) > 200, "the first");
    CHECK(count_like(&s, all, b, 45) > 200, "the second");
    end(&s);
    end(&t);
}

/* Objects as they come from bad records, and numbers of any size. */
static void test_odd(void)
{
    static const double v[] = { 0, -1, 1e6, -1e6, 1e300, -1e300, 0.5 };
    double p[4];
    qvl_object object[] = { { QVL_GEOM_BOX, 0, NULL, NULL },
                            { QVL_GEOM_BOX, 1, p, NULL },
                            { QVL_GEOM_BOX, 2, p, "" },
                            { QVL_GEOM_POLY, 1, p, "a" },
                            { QVL_GEOM_POLY, 2, p, "a" },
                            { QVL_GEOM_LINE, 2, p, "a" } };
    for (size_t i = 0; i < QVL_COUNT(v); i++)
        for (size_t k = 0; k < QVL_COUNT(v); k++) {
            p[0] = v[i];
            p[1] = v[k];
            p[2] = v[(i + k) % QVL_COUNT(v)];
            p[3] = v[(i + 2 * k) % QVL_COUNT(v)];
            qvl_marks m = { object, QVL_COUNT(object), 60, 40, NULL };
            sheet s = draw(&m, 60, 40, 1);
            end(&s);
        }
    qvl_marks none = { NULL, 0, 60, 40, NULL };
    sheet s = draw(&none, 60, 40, 1);
    CHECK_INT(s.n_left_out, 0, "none");
    end(&s);
}

static void test_sample(void)
{
    sheet s = { 0 };
    qvl_canvas c;
    qvl_err err;
    CHECK_OK(qvl_image_init(&s.im, 20, 80, &err), err);
    for (int k = 0; k < QVL_N_GEOM; k++) {
        memset(s.im.pixel, GREY, qvl_image_bytes(&s.im));
        CHECK_OK(qvl_canvas_init(&c, &s.im, &err), err);
        qvl_marks_draw_sample(&c, (qvl_geom_kind)k, 10, 70, 10, red, 1);
        qvl_canvas_release(&c);
        int n = 0;
        for (int x = 10; x < 70; x++)
            n += is_like(&s, x, 10, red, 40);
        CHECK_INT(n < 45, k == QVL_GEOM_POLY, "kind %d: %d px", k, n);
        CHECK_INT(is_like(&s, 10, 13, red, 40), k == QVL_GEOM_LINE,
                  "kind %d: a dot", k);
    }
    qvl_image_release(&s.im);
}

RUN_TESTS(TEST(test_edges), TEST(test_dots), TEST(test_units),
          TEST(test_labels_inside), TEST(test_labels_apart),
          TEST(test_small_stay_seen), TEST(test_crowds), TEST(test_marked),
          TEST(test_equal), TEST(test_odd), TEST(test_sample))
