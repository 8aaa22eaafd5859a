/* test_warp.c - pictures through affine maps: copies, the formula in double precision,
 * markers that are found where the map puts them */
#include <float.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/rng.h"
#include "check.h"
#include "crc.h"
#include "fill.h"
#include "image/resize.h"
#include "image/warp.h"
#include "image/window.h"

static qvl_image picture(int h, int w)
{
    qvl_image im;
    qvl_err err;
    CHECK_OK(qvl_image_init(&im, h, w, &err), err);
    fill_noise(&im);
    return im;
}

static qvl_image warped(const qvl_image *in, const double *inverse, int h, int w)
{
    qvl_image out;
    qvl_err err;
    CHECK_OK(qvl_image_warp(&out, in, inverse, h, w, &err), err);
    CHECK(out.h == h && out.w == w, "size");
    return out;
}

static qvl_rng stream(const char *name)
{
    return (qvl_rng){ .key = qvl_rng_hash(name, strlen(name)) };
}

/* A value of a picture, or what stands outside of it. */
static int value_at(const qvl_image *im, int64_t x, int64_t y, int c)
{
    if (x < 0 || y < 0 || x >= im->w || y >= im->h)
        return 128;
    return qvl_image_row(im, (int)y)[3 * x + c];
}

/* ---- copies ------------------------------------------------------------- */

/* The eight ways to lay a picture on another, pixel on pixel. */
static const int turns[][4] = {
    { 1, 0, 0, 1 }, { -1, 0, 0, 1 }, { 1, 0, 0, -1 }, { -1, 0, 0, -1 },
    { 0, 1, 1, 0 }, { 0, -1, 1, 0 }, { 0, 1, -1, 0 }, { 0, -1, -1, 0 },
};

/* Pixel (x, y) of the result is pixel turn (x, y) + move of the picture; `off` is
 * added to the coefficients. */
static void check_copy(const qvl_image *in, const int *turn, const int *move,
                       int h, int w, double off)
{
    double m[6];
    for (int k = 0; k < 2; k++) {
        m[3 * k] = turn[2 * k] + off;
        m[3 * k + 1] = turn[2 * k + 1] - off;
        m[3 * k + 2] = move[k] + .5 - .5 * (turn[2 * k] + turn[2 * k + 1]) + off;
    }
    qvl_image out = warped(in, m, h, w);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                CHECK_INT(value_at(&out, x, y, c),
                          value_at(in, turn[0] * x + turn[1] * y + move[0],
                                   turn[2] * x + turn[3] * y + move[1], c),
                          "%d x %d, turn %d %d %d %d, move %d %d, off %g: "
                          "%d, %d", h, w, turn[0], turn[1], turn[2], turn[3],
                          move[0], move[1], off, x, y);
    qvl_image_release(&out);
}

static void test_copies(void)
{
    static const int sizes[][4] = {
        { 1, 1, 1, 1 },    { 1, 7, 1, 7 },   { 7, 1, 1, 7 },
        { 13, 17, 13, 17 }, { 13, 17, 17, 13 }, { 13, 17, 70, 131 },
        { 70, 66, 5, 3 },
    };
    static const double offs[] = { 0, 1e-15, -1e-12, 1e-9, 1e-7 };
    qvl_rng r = stream("copies");
    for (size_t s = 0; s < QVL_COUNT(sizes); s++)
        for (size_t t = 0; t < QVL_COUNT(turns); t++)
            for (size_t o = 0; o < QVL_COUNT(offs); o++) {
                qvl_image in = picture(sizes[s][0], sizes[s][1]);
                int move[2] = { (int)qvl_rng_below(&r, 60) - 30,
                                (int)qvl_rng_below(&r, 60) - 30 };
                check_copy(&in, turns[t], move, sizes[s][2], sizes[s][3],
                           offs[o]);
                /* onto itself */
                move[0] = turns[t][0] + turns[t][1] < 0 ? in.w - 1 : 0;
                move[1] = turns[t][2] + turns[t][3] < 0 ? in.h - 1 : 0;
                check_copy(&in, turns[t], move, sizes[s][2], sizes[s][3],
                           offs[o]);
                qvl_image_release(&in);
            }
}

/* A quarter turn about the middle, as it is computed: the cosine is not quite 0. */
static void test_quarter_turns(void)
{
    static const double pi = 3.14159265358979323846;
    qvl_image in = picture(48, 64);
    for (int quarter = -4; quarter <= 4; quarter++) {
        bool swap = quarter % 2 != 0;
        double a = quarter * pi / 2, c = cos(a), s = sin(a);
        int h = swap ? 64 : 48, w = swap ? 48 : 64;
        double m[6] = { c, s, 32 - c * w / 2 - s * h / 2,
                        -s, c, 24 + s * w / 2 - c * h / 2 };
        qvl_image want = picture(48, 64), found = warped(&in, m, h, w);
        qvl_err err;
        static const int orientation[] = { 1, 6, 3, 8 };
        CHECK_OK(qvl_image_orient(&want, orientation[(quarter + 4) % 4], &err),
                 err);
        CHECK(memcmp(want.pixel, found.pixel, qvl_image_bytes(&want)) == 0,
              "%d quarters", quarter);
        qvl_image_release(&want);
        qvl_image_release(&found);
    }
    qvl_image_release(&in);
}

/* Positions that round to whole pixels are copies as well where they are not
 * followed as one: off by .3 phases at one end, and by nothing at the other. */
static void test_middles(void)
{
    const double off = .3 / 1024;
    qvl_image in = picture(90, 150);
    double m[6] = { 1 - off / 149.5, 0, off, 0, 1, 0 };
    qvl_image out = warped(&in, m, 90, 150);
    CHECK(memcmp(in.pixel, out.pixel, qvl_image_bytes(&in)) == 0, "shrunk");
    qvl_image_release(&out);
    m[2] = off + 16.0 / 1024;
    out = warped(&in, m, 90, 150);
    CHECK(memcmp(in.pixel, out.pixel, qvl_image_bytes(&in)) != 0,
          "a little aside is another picture");
    qvl_image_release(&out);
    qvl_image_release(&in);
}

/* ---- the formula -------------------------------------------------------- */

static double keys(double x)
{
    x = fabs(x);
    if (x < 1.0)
        return 1.5 * x * x * x - 2.5 * x * x + 1.0;
    return x < 2.0 ? -0.5 * x * x * x + 2.5 * x * x - 4.0 * x + 2.0 : 0.0;
}

/* Value at (x, y), where whole numbers are centres of pixels. */
static double interpolated(const qvl_image *im, double x, double y, int c)
{
    double sum = 0;
    int64_t u = (int64_t)floor(fmin(fmax(x, -9), im->w + 9.0));
    int64_t v = (int64_t)floor(fmin(fmax(y, -9), im->h + 9.0));
    if (x < -9 || y < -9 || x > im->w + 9 || y > im->h + 9)
        return 128;
    for (int64_t j = v - 1; j <= v + 2; j++)
        for (int64_t i = u - 1; i <= u + 2; i++)
            sum += keys(x - (double)i) * keys(y - (double)j)
                   * value_at(im, i, j, c);
    return fmin(fmax(sum, 0), 255);
}

/* Pixels that are left of a side; 0 when it vanishes. */
static int shrunk_side(const double *along, int side)
{
    double stretch = sqrt(along[0] * along[0] + along[1] * along[1]);
    if (stretch <= 1.5)
        return side;
    return side / stretch < .5 ? 0 : (int)fmax(1, rint(side / stretch));
}

/* Half a unit is rounding; positions and weights add .25 for noise and stripes. */
static void check_formula(const qvl_image *in, const double *m, int h, int w,
                          const char *name)
{
    qvl_image small, out = warped(in, m, h, w);
    qvl_err err;
    int sw = shrunk_side(m, in->w), sh = shrunk_side(m + 3, in->h);
    bool gone = sw == 0 || sh == 0;
    CHECK_OK(qvl_image_resize(&small, in, gone ? 1 : sh, gone ? 1 : sw,
                              QVL_RESIZE_PILLOW, &err), err);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double sx = m[0] * (x + .5) + m[1] * (y + .5) + m[2];
            double sy = m[3] * (x + .5) + m[4] * (y + .5) + m[5];
            for (int c = 0; c < 3; c++)
                CHECK_NEAR(value_at(&out, x, y, c),
                           gone ? 128
                                : interpolated(&small, sx * sw / in->w - .5,
                                               sy * sh / in->h - .5, c),
                           1, "%s: %g %g %g, %g %g %g: %d x %d to %d x %d, "
                           "channel %d of %d, %d", name, m[0], m[1], m[2], m[3],
                           m[4], m[5], in->h, in->w, h, w, c, x, y);
        }
    qvl_image_release(&small);
    qvl_image_release(&out);
}

static const int sizes[][4] = {
    { 1, 1, 1, 1 },   { 1, 1, 9, 7 },     { 1, 50, 13, 61 },
    { 50, 1, 61, 13 }, { 31, 37, 1, 1 },  { 31, 37, 29, 41 },
    { 64, 64, 64, 64 }, { 63, 65, 65, 129 }, { 101, 103, 67, 130 },
};

/* Turned by any angle, stretched by 2^-k to 2^k, slanted, with the middle of the
 * result near the picture. */
static void random_map(double *m, qvl_rng *r, const int *size, double k)
{
    double a = qvl_rng_between(r, -4, 4);
    double sx = exp2(qvl_rng_between(r, -k, k));
    double sy = exp2(qvl_rng_between(r, -k, k));
    double slant = qvl_rng_between(r, -.4, .4);
    m[0] = sx * (cos(a) - slant * sin(a));
    m[1] = sx * (-sin(a) - slant * cos(a));
    m[3] = sy * sin(a);
    m[4] = sy * cos(a);
    m[2] = qvl_rng_between(r, 0, size[1]) - m[0] * size[3] / 2
           - m[1] * size[2] / 2;
    m[5] = qvl_rng_between(r, 0, size[0]) - m[3] * size[3] / 2
           - m[4] * size[2] / 2;
}

static void test_formula(void)
{
    qvl_rng r = stream("formula");
    for (size_t s = 0; s < QVL_COUNT(sizes); s++)
        for (int n = 0; n < 24; n++) {
            qvl_image in = picture(sizes[s][0], sizes[s][1]);
            double m[6];
            random_map(m, &r, sizes[s], n % 3 == 0 ? .3 : n % 3 == 1 ? 1 : 4);
            check_formula(&in, m, sizes[s][2], sizes[s][3], "random");
            qvl_image_release(&in);
        }
}

/* Black and white side by side is where the kernel goes furthest past both ends. */
static void test_stripes(void)
{
    qvl_rng r = stream("stripes");
    for (int n = 0; n < 12; n++) {
        static const int size[4] = { 40, 40, 40, 40 };
        qvl_image in = picture(40, 40);
        for (int i = 0; i < 3 * 40 * 40; i++)
            in.pixel[i] = (uint8_t)((i / 3 + i / 120 * (n % 2)) % 2 * 255);
        double m[6];
        random_map(m, &r, size, .5);
        check_formula(&in, m, 40, 40, "stripes");
        qvl_image_release(&in);
    }
}

static void test_extremes(void)
{
    static const double maps[][6] = {
        { 0, 0, 7.3, 0, 0, 9.8 },        // one point everywhere
        { 0, 0, 7, 1, 0, 0 },            // a column
        { 1, 0, 1e300, 0, 1, 0 },
        { 1, 0, 0, 0, 1, -DBL_MAX },
        { 1e300, 0, 0, 0, 1, 0 },
        { DBL_MAX, DBL_MAX, -DBL_MAX, 0, 1, 0 },
        { 1e-300, 0, 5, 0, 1e-300, 5 },
        { 70, 0, 0, 0, 1, 0 },           // 37 become one, half a pixel and more
        { 80, 0, 0, 0, 1, 0 },           // and less
        { 1, 1000, 0, 0, 1, 0 },
        { 1, 0, -16777216, 0, 1, 16777216 },
        { 1.5, 0, .3, 0, 1.5, .4 },      // the last that is not resized
        { 1.6, 0, .3, 0, 1, .4 },
    };
    qvl_image in = picture(31, 37);
    for (size_t i = 0; i < QVL_COUNT(maps); i++)
        check_formula(&in, maps[i], 29, 41, "extreme");
    qvl_image_release(&in);
}

/* Shrinking by a whole factor is resizing, to the bit. */
static void test_shrink(void)
{
    qvl_image in = picture(60, 84), want, found;
    qvl_err err;
    double m[6] = { 3, 0, 0, 0, 2, 0 };
    CHECK_OK(qvl_image_resize(&want, &in, 30, 28, QVL_RESIZE_PILLOW, &err),
             err);
    found = warped(&in, m, 30, 28);
    CHECK(memcmp(want.pixel, found.pixel, qvl_image_bytes(&want)) == 0,
          "a third of 84, a half of 60");
    qvl_image_release(&in);
    qvl_image_release(&want);
    qvl_image_release(&found);
}

/* One colour stays one colour, whatever the weights; 128 at the border as well. */
static void test_flat(void)
{
    static const int values[] = { 0, 1, 128, 254, 255 };
    static const int size[4] = { 90, 90, 70, 70 };
    qvl_rng r = stream("flat");
    for (int n = 0; n < 40; n++) {
        int value = values[n % 5];
        qvl_image in = picture(90, 90);
        memset(in.pixel, value, qvl_image_bytes(&in));
        double m[6];
        random_map(m, &r, size, n % 2 == 0 ? .2 : 1.2);
        qvl_image out = warped(&in, m, 70, 70);
        for (int i = 0; i < 70 * 70; i++) {
            double x = i % 70 + .5, y = i / 70 + .5;
            double sx = m[0] * x + m[1] * y + m[2];
            double sy = m[3] * x + m[4] * y + m[5];
            bool inside = sx > 8 && sx < 82 && sy > 8 && sy < 82;
            if (inside || value == 128)
                CHECK_INT(out.pixel[3 * i + n % 3], value, "map %d, pixel %d",
                          n, i);
        }
        qvl_image_release(&in);
        qvl_image_release(&out);
    }
}

/* The same bits everywhere. */
static void test_checksum(void)
{
    static const double m[6] = { .9375, -.28125, 11.3, .28125, .9375, -7.7 };
    qvl_image in = picture(97, 131);
    qvl_image out = warped(&in, m, 113, 127);
    CHECK_INT(crc_of(out.pixel, qvl_image_bytes(&out)), 0xf8cd5173,
              "turned noise");
    qvl_image_release(&in);
    qvl_image_release(&out);
}

/* ---- where things go ---------------------------------------------------- */

/* A red row and a green column, one pixel wide, on the grey of the outside. */
static qvl_image cross(int h, int w, int x, int y)
{
    qvl_image im = picture(h, w);
    memset(im.pixel, 128, qvl_image_bytes(&im));
    for (int i = 0; i < w; i++)
        qvl_image_row(&im, y)[3 * i] = 255;
    for (int j = 0; j < h; j++)
        qvl_image_row(&im, j)[3 * x + 1] = 255;
    return im;
}

/* Centre of what is red and green. */
static void find_cross(double *x, double *y, const qvl_image *im)
{
    double sum = 0, sum_x = 0, sum_y = 0;
    for (int j = 0; j < im->h; j++)
        for (int i = 0; i < im->w; i++) {
            const uint8_t *p = qvl_image_row(im, j) + 3 * i;
            double v = fmax(0, p[0] - 128.0) * fmax(0, p[1] - 128.0);
            sum += v;
            sum_x += v * (i + .5);
            sum_y += v * (j + .5);
        }
    CHECK(sum > 0, "no cross");
    *x = sum_x / sum;
    *y = sum_y / sum;
}

/* A cross at (x, y) is found at map (x + .5, y + .5). */
static void check_cross(const double *m, int x, int y)
{
    qvl_image in = cross(97, 131, x, y);
    qvl_image out = warped(&in, m, 110, 120);
    double det = m[0] * m[4] - m[1] * m[3];
    double dx = x + .5 - m[2], dy = y + .5 - m[5];
    double want_x = (m[4] * dx - m[1] * dy) / det;
    double want_y = (m[0] * dy - m[3] * dx) / det;
    bool inside = want_x > 10 && want_x < 110 && want_y > 10 && want_y < 100;
    double found_x = want_x, found_y = want_y;
    if (inside)
        find_cross(&found_x, &found_y, &out);
    CHECK(hypot(found_x - want_x, found_y - want_y) < .75,
          "%g %g %g, %g %g %g: found %g, %g, expected %g, %g", m[0], m[1], m[2],
          m[3], m[4], m[5], found_x, found_y, want_x, want_y);
    qvl_image_release(&in);
    qvl_image_release(&out);
}

static void test_cross(void)
{
    static const int size[4] = { 97, 131, 110, 120 };
    qvl_rng r = stream("cross");
    for (int n = 0; n < 300; n++) {
        double m[6];
        random_map(m, &r, size, n % 2 == 0 ? .5 : 1.5);
        int x = 10 + (int)qvl_rng_below(&r, 111);
        int y = 10 + (int)qvl_rng_below(&r, 77);
        /* the middle of the result near the cross */
        m[2] = x + qvl_rng_between(&r, -20, 20) - m[0] * 60 - m[1] * 55;
        m[5] = y + qvl_rng_between(&r, -20, 20) - m[3] * 60 - m[4] * 55;
        check_cross(m, x, y);
    }
}

/* Turned and turned back, the middle of a smooth picture is where it was. */
static void test_round_trip(void)
{
    for (double a = -3; a < 3; a += .37) {
        qvl_image in = picture(120, 120);
        for (int y = 0; y < 120; y++)
            for (int x = 0; x < 120; x++)
                for (int c = 0; c < 3; c++)
                    qvl_image_row(&in, y)[3 * x + c] = (uint8_t)(
                        128 + 60 * sin(x / (5. + c)) + 60 * cos(y / 7. + c));
        double s = sin(a), k = cos(a);
        double there[6] = { k, s, 60 - 60 * k - 60 * s,
                            -s, k, 60 + 60 * s - 60 * k };
        double back[6] = { k, -s, 60 - 60 * k + 60 * s,
                           s, k, 60 - 60 * s - 60 * k };
        qvl_image turned = warped(&in, there, 120, 120);
        qvl_image out = warped(&turned, back, 120, 120);
        for (int y = 30; y < 90; y++)
            for (int x = 30; x < 90; x++)
                for (int c = 0; c < 3; c++)
                    CHECK_NEAR(value_at(&out, x, y, c),
                               value_at(&in, x, y, c), 3,
                               "angle %g, %d, %d", a, x, y);
        qvl_image_release(&in);
        qvl_image_release(&turned);
        qvl_image_release(&out);
    }
}

/* ---- errors ------------------------------------------------------------- */

static void test_errors(void)
{
    static const double maps[][6] = {
        { 1, 0, 0, 0, 1, 0 }, { .8, .6, 0, -.6, .8, 0 }, { 3, 0, 0, 0, 3, 0 },
    };
    qvl_image in = picture(9, 9), out = { 0 };
    qvl_err err;
    CHECK_FAILS(qvl_image_warp(&out, &in, maps[0], 1, (1 << 24) + 1, &err),
                QVL_E_RANGE, err, "width of a picture: found 16777217");
    CHECK_FAILS(qvl_image_warp(&out, &in, maps[0], (1 << 24) + 1, 1, &err),
                QVL_E_RANGE, err, "height of a picture: found 16777217");
    for (size_t i = 0; i < QVL_COUNT(maps); i++) {
        int rc = QVL_E_MEMORY;
        int n_fails = 0;
        for (size_t bytes = 0; rc == QVL_E_MEMORY; bytes += 64) {
            qvl_memory_limit(bytes);
            rc = qvl_image_warp(&out, &in, maps[i], 9, 9, &err);
            qvl_memory_limit(SIZE_MAX);
            CHECK(rc == QVL_OK || (rc == QVL_E_MEMORY && out.pixel == NULL),
                  "map %zu, %zu bytes", i, bytes);
            n_fails += rc != QVL_OK;
        }
        CHECK(n_fails > 3, "map %zu: %d requests", i, n_fails);
        qvl_image_release(&out);
    }
    qvl_image_release(&in);
}

static void test_asserts(void)
{
    qvl_image in = picture(3, 3);
    static const double wrong[] = { NAN, INFINITY, -INFINITY };
    for (int i = 0; i < 18; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            qvl_image out;
            double m[6] = { 1, 0, 0, 0, 1, 0 };
            m[i / 3] = wrong[i % 3];
            setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
            fclose(stderr);
            qvl_image_warp(&out, &in, m, 3, 3, NULL);
            _exit(0);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child, "child");
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
              "coefficient %d: found status %d", i / 3, status);
    }
    qvl_image_release(&in);
}

RUN_TESTS(TEST(test_copies), TEST(test_quarter_turns), TEST(test_middles),
          TEST(test_formula), TEST(test_stripes), TEST(test_extremes),
          TEST(test_shrink), TEST(test_flat), TEST(test_checksum),
          TEST(test_cross), TEST(test_round_trip), TEST(test_errors),
          TEST(test_asserts))
