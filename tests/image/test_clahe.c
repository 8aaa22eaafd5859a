/* test_clahe.c - lightness of tiles against the definition in double precision */
#include "check.h"
#include "fill.h"
#include "image/colour.h"

static double light(double v)
{
    v /= 255;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double byte_of(double l)
{
    double v = l <= 0.0031308 ? 12.92 * l : 1.055 * pow(l, 1 / 2.4) - 0.055;
    return fmin(fmax(floor(255 * v + .5), 0), 255);
}

static double f(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

static double cube(double r)
{
    return r > 6.0 / 29 ? r * r * r : (116 * r - 16) * 27 / 24389;
}

/* CIE 1931 coordinates of red, green, blue and white of sRGB give these. */
static const double to_xyz[3][3] = {
    { 0.4123907993, 0.3575843394, 0.1804807884 },
    { 0.2126390059, 0.7151686788, 0.0721923154 },
    { 0.0193308187, 0.1191947798, 0.9505321522 },
};
static const double to_rgb[3][3] = {
    { 3.2409699419, -1.5373831776, -0.4986107603 },
    { -0.9692436363, 1.8759675015, 0.0415550574 },
    { 0.0556300797, -0.2039769589, 1.0569715142 },
};
static const double white[3] = { 0.9504559271, 1, 1.0890577508 };

static void to_lab(double *lab, const uint8_t *p)
{
    double t[3];
    for (int k = 0; k < 3; k++)
        t[k] = f((to_xyz[k][0] * light(p[0]) + to_xyz[k][1] * light(p[1])
                  + to_xyz[k][2] * light(p[2])) / white[k]);
    lab[0] = 116 * t[1] - 16;
    lab[1] = 500 * (t[0] - t[1]);
    lab[2] = 200 * (t[1] - t[2]);
}

static double from_lab(const double *lab, int c)
{
    double y = (lab[0] + 16) / 116;
    double xyz[3] = { white[0] * cube(y + lab[1] / 500), white[1] * cube(y),
                      white[2] * cube(y - lab[2] / 200) };
    return byte_of(fmax(0, to_rgb[c][0] * xyz[0] + to_rgb[c][1] * xyz[1]
                               + to_rgb[c][2] * xyz[2]));
}

static int level(const qvl_image *im, int x, int y)
{
    double lab[3];
    to_lab(lab, qvl_image_row(im, y) + 3 * x);
    return (int)rint(2.55 * lab[0]);
}

/* Map of level v by the tile [x0, x1) x [y0, y1). */
static double map_of(const qvl_image *im, int x0, int x1, int y0, int y1,
                     double limit, int v)
{
    double count[256] = { 0 };
    double area = (double)(x1 - x0) * (y1 - y0);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            count[level(im, x, y)]++;
    double most = fmax(1, floor(fmin(limit * area / 256, area)));
    double over = 0, sum = 0;
    for (int i = 0; i < 256; i++) {
        over += fmax(0, count[i] - most);
        count[i] = fmin(count[i], most);
    }
    for (int i = 0; i <= v; i++)
        sum += count[i];
    sum += floor((v + 1) * over / 256);
    return floor(255 * sum / area + .5);
}

static int start(int k, int n, int side)
{
    return (int)floor((double)k * side / n);
}

/* The tile at or before a pixel, and how far it is to the next one. */
static int between(double *part, int i, int n, int side)
{
    double at = i + .5, last = 0;
    for (int k = 0; k < n; k++) {
        double centre = (start(k, n, side) + start(k + 1, n, side)) / 2.0;
        if (at < centre) {
            *part = k == 0 ? 0 : (at - last) / (centre - last);
            return k == 0 ? 0 : k - 1;
        }
        last = centre;
    }
    *part = 0;
    return n - 1;
}

static double mapped(const qvl_image *im, const qvl_clahe *how, int x, int y)
{
    int rows = how->rows < im->h ? how->rows : im->h;
    int cols = how->cols < im->w ? how->cols : im->w;
    double px, py, sum = 0;
    int tx = between(&px, x, cols, im->w), ty = between(&py, y, rows, im->h);
    for (int j = 0; j <= (py > 0); j++)
        for (int i = 0; i <= (px > 0); i++)
            sum += (i == 0 ? 1 - px : px) * (j == 0 ? 1 - py : py)
                   * map_of(im, start(tx + i, cols, im->w),
                            start(tx + i + 1, cols, im->w),
                            start(ty + j, rows, im->h),
                            start(ty + j + 1, rows, im->h), how->clip_limit,
                            level(im, x, y));
    return sum;
}

static double want(const qvl_image *im, const qvl_clahe *how, int x, int y,
                   int c)
{
    double lab[3];
    double more = mapped(im, how, x, y) - level(im, x, y);
    const uint8_t *p = qvl_image_row(im, y) + 3 * x;
    if (more == 0)
        return p[c];
    to_lab(lab, p);
    lab[0] += more / 2.55;
    return from_lab(lab, c);
}

static const struct {
    int h, w;
    qvl_clahe how;
} cases[] = {
    { 1, 1, { 3, 8, 8 } },          { 1, 19, { 3, 8, 8 } },
    { 19, 1, { 3, 8, 8 } },         { 13, 17, { 3, 1, 1 } },
    { 13, 17, { 3, 2, 3 } },        { 32, 32, { 2, 2, 2 } },
    { 31, 29, { INFINITY, 3, 2 } }, { 31, 29, { 1e-9, 3, 2 } },
    { 31, 29, { 1, 3, 2 } },        { 11, 7, { 3, 1000, 1000 } },
};

/* A level that stands on a tie may be rounded the other way by the last bits of f:
 * one pixel in a count, one level in a map. Dark colours have few bits; two units
 * are what that makes at most. */
static void check(int i, void (*fill)(qvl_image *im))
{
    qvl_image im, before;
    qvl_err err;
    CHECK_OK(qvl_image_init(&im, cases[i].h, cases[i].w, &err), err);
    CHECK_OK(qvl_image_init(&before, cases[i].h, cases[i].w, &err), err);
    fill(&im);
    fill(&before);
    CHECK_OK(qvl_image_clahe(&im, &cases[i].how, &err), err);
    int n_off = 0;
    for (int y = 0; y < im.h; y++)
        for (int x = 0; x < im.w; x++)
            for (int c = 0; c < 3; c++) {
                double wanted = want(&before, &cases[i].how, x, y, c);
                int found = qvl_image_row(&im, y)[3 * x + c];
                CHECK_NEAR(found, wanted, 2, "case %d, channel %d of %d, %d",
                           i, c, x, y);
                n_off += found != wanted;
            }
    CHECK(n_off * 10 <= im.h * im.w * 3, "case %d: %d values are off", i,
          n_off);
    qvl_image_release(&im);
    qvl_image_release(&before);
}

static void fill_dark(qvl_image *im)
{
    fill_noise(im);
    for (size_t b = 0; b < qvl_image_bytes(im); b++)
        im->pixel[b] /= 8;
}

static void test_noise(void)
{
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        check((int)i, fill_noise);
}

static void test_dark(void)
{
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        check((int)i, fill_dark);
}

/* Grey stays grey: a* and b* are kept. */
static void test_grey(void)
{
    qvl_image im;
    qvl_err err;
    qvl_clahe how = { 3, 4, 4 };
    CHECK_OK(qvl_image_init(&im, 64, 64, &err), err);
    fill_noise(&im);
    for (int i = 0; i < 64 * 64; i++)
        im.pixel[3 * i] = im.pixel[3 * i + 1] = im.pixel[3 * i + 2];
    CHECK_OK(qvl_image_clahe(&im, &how, &err), err);
    for (int i = 0; i < 64 * 64; i++)
        CHECK(im.pixel[3 * i] == im.pixel[3 * i + 2]
                  && im.pixel[3 * i + 1] == im.pixel[3 * i + 2],
              "pixel %d: %d %d %d", i, im.pixel[3 * i], im.pixel[3 * i + 1],
              im.pixel[3 * i + 2]);
    qvl_image_release(&im);
}

/* With one tile and no limit, levels are spread over all of 0..255, and their
 * order stays. */
static void test_order(void)
{
    qvl_image im, before;
    qvl_err err;
    qvl_clahe how = { INFINITY, 1, 1 };
    CHECK_OK(qvl_image_init(&im, 40, 56, &err), err);
    CHECK_OK(qvl_image_init(&before, 40, 56, &err), err);
    fill_dark(&im);
    fill_dark(&before);
    CHECK_OK(qvl_image_clahe(&im, &how, &err), err);
    int most = 0;
    for (int k = 0; k < 40 * 56; k++) {
        int a = level(&im, k % 56, k / 56), b = level(&before, k % 56, k / 56);
        most = a > most ? a : most;
        for (int i = 0; i < k; i += 7)
            if (level(&before, i % 56, i / 56) + 1 < b)
                CHECK(level(&im, i % 56, i / 56) <= a + 8, "%d, %d", i, k);
    }
    CHECK(most >= 245, "brightest is %d", most);
    qvl_image_release(&im);
    qvl_image_release(&before);
}

RUN_TESTS(TEST(test_noise), TEST(test_dark), TEST(test_grey),
          TEST(test_order))
