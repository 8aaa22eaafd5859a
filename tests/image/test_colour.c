/* test_colour.c - colours against other programs, against plain definitions in double
 * precision, and at the ends of their ranges */
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "check.h"
#include "colour_vectors.h"
#include "crc.h"
#include "fill.h"
#include "image/colour.h"

/* ---- operations by name ------------------------------------------------- */

static void apply_brightness(qvl_image *im, const double *v)
{
    qvl_image_brightness(im, v[0]);
}

static void apply_contrast(qvl_image *im, const double *v)
{
    qvl_image_contrast(im, v[0]);
}

static void apply_saturation(qvl_image *im, const double *v)
{
    qvl_image_saturation(im, v[0]);
}

static void apply_sharpness(qvl_image *im, const double *v)
{
    qvl_err err;
    CHECK_OK(qvl_image_sharpness(im, v[0], &err), err);
}

static void apply_gamma(qvl_image *im, const double *v)
{
    qvl_image_gamma(im, v[0], v[1]);
}

static void apply_hsv(qvl_image *im, const double *v)
{
    qvl_image_hsv(im, v[0], v[1], v[2]);
}

static void apply_clahe(qvl_image *im, const double *v)
{
    qvl_err err;
    qvl_clahe how = { v[0], (int)v[1], (int)v[1] };
    CHECK_OK(qvl_image_clahe(im, &how, &err), err);
}

static void apply_auto_contrast(qvl_image *im, const double *v)
{
    qvl_image_auto_contrast(im, v[0]);
}

static void apply_equalize(qvl_image *im, const double *v)
{
    (void)v;
    qvl_image_equalize(im);
}

static void apply_solarize(qvl_image *im, const double *v)
{
    qvl_image_solarize(im, (int)v[0]);
}

static void apply_posterize(qvl_image *im, const double *v)
{
    qvl_image_posterize(im, (int)v[0]);
}

/* One value of the result from the picture before: pixel (x, y), channel c. */
typedef double (*wanted)(const qvl_image *im, int x, int y, int c,
                         const double *v);

static double want_brightness(const qvl_image *, int, int, int, const double *);
static double want_contrast(const qvl_image *, int, int, int, const double *);
static double want_saturation(const qvl_image *, int, int, int, const double *);
static double want_sharpness(const qvl_image *, int, int, int, const double *);
static double want_gamma(const qvl_image *, int, int, int, const double *);
static double want_hsv(const qvl_image *, int, int, int, const double *);
static double want_auto_contrast(const qvl_image *, int, int, int,
                                 const double *);
static double want_equalize(const qvl_image *, int, int, int, const double *);
static double want_solarize(const qvl_image *, int, int, int, const double *);
static double want_posterize(const qvl_image *, int, int, int, const double *);

/* `tolerance` to the plain definition; `near` to another program. A blend that falls
 * on a whole number may be cut off below it. */
static const struct {
    const char *name;
    void (*apply)(qvl_image *im, const double *v);
    wanted want;
    int tolerance, near;
} ops[] = {
    { "brightness", apply_brightness, want_brightness, 1, 0 },
    { "contrast", apply_contrast, want_contrast, 1, 0 },
    { "saturation", apply_saturation, want_saturation, 1, 0 },
    { "sharpness", apply_sharpness, want_sharpness, 1, 0 },
    { "gamma", apply_gamma, want_gamma, 0, 0 },
    { "hsv", apply_hsv, want_hsv, 1, 1 },
    { "clahe", apply_clahe, NULL, 0, 6 },  // OpenCV has bytes for L*, a*, b*
    { "auto_contrast", apply_auto_contrast, want_auto_contrast, 0, 1 },
    { "equalize", apply_equalize, want_equalize, 0, 0 },
    { "solarize", apply_solarize, want_solarize, 0, 0 },
    { "posterize", apply_posterize, want_posterize, 0, 0 },
};

static size_t op_of(const char *name)
{
    size_t i = 0;
    while (i < QVL_COUNT(ops) && strcmp(ops[i].name, name) != 0)
        i++;
    CHECK(i < QVL_COUNT(ops), "%s", name);
    return i;
}

/* Parameters in their ranges and at the ends of them. */
static const struct {
    const char *name;
    double v[3];
} cases[] = {
    { "brightness", { 0 } },      { "brightness", { .7 } },
    { "brightness", { 1.3 } },    { "brightness", { -1e4 } },
    { "brightness", { 1e4 } },    { "brightness", { 1e-30 } },
    { "contrast", { 0 } },        { "contrast", { .7 } },
    { "contrast", { 1.3 } },      { "contrast", { -2 } },
    { "contrast", { 1e4 } },      { "contrast", { -1e4 } },
    { "saturation", { 0 } },      { "saturation", { .7 } },
    { "saturation", { 1.3 } },    { "saturation", { -2 } },
    { "saturation", { 1e4 } },    { "saturation", { -1e4 } },
    { "sharpness", { 0 } },       { "sharpness", { .5 } },
    { "sharpness", { 1.8 } },     { "sharpness", { -1 } },
    { "sharpness", { 1e4 } },     { "sharpness", { -1e4 } },
    { "gamma", { .7, 1 } },       { "gamma", { 1.4, .9 } },
    { "gamma", { 1e-9, 1 } },     { "gamma", { 1e9, 1 } },
    { "gamma", { 1, 0 } },        { "gamma", { 1, 1e4 } },
    { "gamma", { 1, .5 } },
    { "hsv", { 20, 1, 1 } },      { "hsv", { -20, .7, 1.4 } },
    { "hsv", { 180, 1.4, .7 } },  { "hsv", { 0, 0, 1 } },
    { "hsv", { 0, 1, 0 } },       { "hsv", { 1e6, 1e4, 1 } },
    { "hsv", { -1e6, 1, 1e4 } },  { "hsv", { 60, 1, 1 } },
    { "hsv", { 359.999999, 1, 1 } }, { "hsv", { 0, 1e4, 1e4 } },
    { "hsv", { 360, 1, 1.1 } },   { "hsv", { 0, 1e-9, 1 } },
    { "auto_contrast", { 0 } },   { "auto_contrast", { 1 } },
    { "auto_contrast", { 30 } },  { "auto_contrast", { 49.9 } },
    { "auto_contrast", { 50 } },  { "auto_contrast", { 100 } },
    { "equalize", { 0 } },
    { "solarize", { 0 } },        { "solarize", { 128 } },
    { "solarize", { 255 } },      { "solarize", { 256 } },
    { "posterize", { 1 } },       { "posterize", { 4 } },
    { "posterize", { 8 } },
};

/* ---- plain definitions -------------------------------------------------- */

static int at(const qvl_image *im, int x, int y, int c)
{
    return qvl_image_row(im, y)[3 * x + c];
}

static double clamped(double v)
{
    return fmin(fmax(v, 0.0), 255.0);
}

static double blended(double from, double to, double factor)
{
    return clamped(trunc(from + factor * (to - from)));
}

static double grey(const qvl_image *im, int x, int y)
{
    return floor(.5 + (19595 * at(im, x, y, 0) + 38470 * at(im, x, y, 1)
                       + 7471 * at(im, x, y, 2)) / 65536.0);
}

static double want_brightness(const qvl_image *im, int x, int y, int c,
                              const double *v)
{
    return blended(0, at(im, x, y, c), v[0]);
}

static double want_contrast(const qvl_image *im, int x, int y, int c,
                            const double *v)
{
    double sum = 0;
    for (int j = 0; j < im->h; j++)
        for (int i = 0; i < im->w; i++)
            sum += grey(im, i, j);
    return blended(floor(sum / im->w / im->h + .5), at(im, x, y, c), v[0]);
}

static double want_saturation(const qvl_image *im, int x, int y, int c,
                              const double *v)
{
    return blended(grey(im, x, y), at(im, x, y, c), v[0]);
}

static double want_sharpness(const qvl_image *im, int x, int y, int c,
                             const double *v)
{
    int own = at(im, x, y, c);
    if (x == 0 || y == 0 || x == im->w - 1 || y == im->h - 1)
        return own;
    double sum = 4 * own;
    for (int j = -1; j <= 1; j++)
        for (int i = -1; i <= 1; i++)
            sum += at(im, x + i, y + j, c);
    return blended(rint(sum / 13), own, v[0]);
}

static double want_gamma(const qvl_image *im, int x, int y, int c,
                         const double *v)
{
    return clamped(rint(255 * v[1] * pow(at(im, x, y, c) / 255.0, v[0])));
}

/* By the six cases of a hue, in another way than the formula of the header. */
static double want_hsv(const qvl_image *im, int x, int y, int c,
                       const double *v)
{
    double r = at(im, x, y, 0), g = at(im, x, y, 1), b = at(im, x, y, 2);
    double most = fmax(r, fmax(g, b)), chroma = most - fmin(r, fmin(g, b));
    double hue = 0;
    if (chroma > 0)
        hue = 60 * (most == r ? (g - b) / chroma
                    : most == g ? 2 + (b - r) / chroma
                                : 4 + (r - g) / chroma);
    hue = fmod(hue + fmod(v[0], 360) + 720, 360);
    double s = most > 0 ? fmin(1, chroma / most * v[1]) : 0;
    double value = fmin(255, most * v[2]);
    int sixth = (int)(hue / 60) % 6;
    double part = hue / 60 - floor(hue / 60);
    double p = value * (1 - s), q = value * (1 - s * part);
    double t = value * (1 - s * (1 - part));
    double rgb[6][3] = { { value, t, p }, { q, value, p }, { p, value, t },
                         { p, q, value }, { t, p, value }, { value, p, q } };
    return floor(rgb[sixth][c] + .5);
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Values of a channel, the smallest first; the caller frees them. */
static int *sorted(const qvl_image *im, int c)
{
    int n = im->h * im->w;
    int *v = malloc((size_t)n * sizeof *v);
    for (int i = 0; i < n; i++)
        v[i] = im->pixel[3 * i + c];
    qsort(v, (size_t)n, sizeof *v, compare);
    return v;
}

static double want_auto_contrast(const qvl_image *im, int x, int y, int c,
                                 const double *v)
{
    int n = im->h * im->w;
    int cut = (int)floor(n * v[0] / 100);
    int *value = sorted(im, c);
    int lo = cut < n ? value[cut] : 255;
    int hi = cut < n ? value[n - 1 - cut] : 0;
    free(value);
    int own = at(im, x, y, c);
    return hi > lo ? clamped(floor(255.0 * (own - lo) / (hi - lo))) : own;
}

static double want_equalize(const qvl_image *im, int x, int y, int c,
                            const double *v)
{
    (void)v;
    int n = im->h * im->w;
    int own = at(im, x, y, c);
    int *value = sorted(im, c);
    int below = 0, last = 0;
    for (int i = 0; i < n; i++) {
        below += value[i] < own;
        last += value[i] == value[n - 1];
    }
    free(value);
    int step = (n - last) / 255;
    return step == 0 ? own : fmin(255, (step / 2 + below) / step);
}

static double want_solarize(const qvl_image *im, int x, int y, int c,
                            const double *v)
{
    int own = at(im, x, y, c);
    return own >= v[0] ? 255 - own : own;
}

static double want_posterize(const qvl_image *im, int x, int y, int c,
                             const double *v)
{
    int unit = 256 >> (int)v[0];
    return at(im, x, y, c) / unit * unit;
}

/* ---- pictures ----------------------------------------------------------- */

static qvl_image picture(int h, int w)
{
    qvl_image im;
    qvl_err err;
    CHECK_OK(qvl_image_init(&im, h, w, &err), err);
    fill_noise(&im);
    return im;
}

static qvl_image copy_of(const qvl_image *im)
{
    qvl_image copy = picture(im->h, im->w);
    memcpy(copy.pixel, im->pixel, qvl_image_bytes(im));
    return copy;
}

static bool is_same(const qvl_image *a, const qvl_image *b)
{
    return memcmp(a->pixel, b->pixel, qvl_image_bytes(a)) == 0;
}

static const int sizes[][2] = {
    { 1, 1 }, { 1, 7 }, { 7, 1 }, { 2, 2 }, { 3, 3 }, { 2, 31 }, { 13, 17 },
};

/* ---- tests -------------------------------------------------------------- */

static void test_equal_to_pillow(void)
{
    qvl_image noise = picture(40, 56);
    qvl_image ramp = picture(100, 150);
    fill_ramp(&ramp);
    for (size_t i = 0; i < QVL_COUNT(equal_vectors); i++) {
        size_t op = op_of(equal_vectors[i].name);
        qvl_image a = copy_of(&noise), b = copy_of(&ramp);
        ops[op].apply(&a, &equal_vectors[i].value);
        ops[op].apply(&b, &equal_vectors[i].value);
        CHECK_INT(crc_of(a.pixel, qvl_image_bytes(&a)),
                  equal_vectors[i].noise, "%s %g, noise", ops[op].name,
                  equal_vectors[i].value);
        CHECK_INT(crc_of(b.pixel, qvl_image_bytes(&b)), equal_vectors[i].ramp,
                  "%s %g, ramp", ops[op].name, equal_vectors[i].value);
        qvl_image_release(&a);
        qvl_image_release(&b);
    }
    qvl_image_release(&noise);
    qvl_image_release(&ramp);
}

static void test_near_others(void)
{
    for (size_t i = 0; i < QVL_COUNT(near_vectors); i++) {
        size_t op = op_of(near_vectors[i].name);
        qvl_image im = picture(near_vectors[i].h, near_vectors[i].w);
        fill_ramp(&im);
        ops[op].apply(&im, near_vectors[i].value);
        for (int k = 0; k < VECTOR_GRID * VECTOR_GRID; k++) {
            int x = (2 * (k % VECTOR_GRID) + 1) * im.w / (2 * VECTOR_GRID);
            int y = (2 * (k / VECTOR_GRID) + 1) * im.h / (2 * VECTOR_GRID);
            for (int c = 0; c < 3; c++)
                CHECK_NEAR(at(&im, x, y, c), near_vectors[i].pixel[k][c],
                           ops[op].near, "%s, vector %zu, pixel %d, %d",
                           ops[op].name, i, x, y);
        }
        qvl_image_release(&im);
    }
}

static void check_plain(size_t i, const qvl_image *before)
{
    size_t op = op_of(cases[i].name);
    qvl_image im = copy_of(before);
    ops[op].apply(&im, cases[i].v);
    for (int y = 0; y < im.h; y++)
        for (int x = 0; x < im.w; x++)
            for (int c = 0; c < 3; c++)
                CHECK_NEAR(at(&im, x, y, c),
                           ops[op].want(before, x, y, c, cases[i].v),
                           ops[op].tolerance,
                           "%s %g %g %g, %d x %d, channel %d of %d, %d",
                           ops[op].name, cases[i].v[0], cases[i].v[1],
                           cases[i].v[2], im.h, im.w, c, x, y);
    qvl_image_release(&im);
}

/* Noise, noise around a grey, and one colour. */
static void test_plain(void)
{
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        for (size_t s = 0; s < QVL_COUNT(sizes); s++)
            for (int spread = 1; spread <= 1024; spread *= 32) {
                qvl_image im = picture(sizes[s][0], sizes[s][1]);
                for (size_t b = 0; b < qvl_image_bytes(&im); b++)
                    im.pixel[b] = (uint8_t)(im.pixel[b] / spread
                                            + (spread > 1 ? 90 + b % 3 : 0));
                check_plain(i, &im);
                qvl_image_release(&im);
            }
}

/* Histograms that fill many bins. */
static void test_many_pixels(void)
{
    static const double none[3];
    static const double cut[3] = { 7 };
    qvl_image im = picture(61, 67);
    for (size_t b = 0; b < qvl_image_bytes(&im); b++)
        im.pixel[b] = (uint8_t)(im.pixel[b] * im.pixel[b] / 300);
    qvl_image flat = copy_of(&im), wide = copy_of(&im);
    qvl_image_equalize(&flat);
    qvl_image_auto_contrast(&wide, cut[0]);
    for (int x = 0; x < im.w; x += 11)
        for (int y = 0; y < im.h; y += 5)
            for (int c = 0; c < 3; c++) {
                CHECK_INT(at(&flat, x, y, c),
                          want_equalize(&im, x, y, c, none), "%d, %d", x, y);
                CHECK_INT(at(&wide, x, y, c),
                          want_auto_contrast(&im, x, y, c, cut), "%d, %d", x,
                          y);
            }
    qvl_image_release(&im);
    qvl_image_release(&flat);
    qvl_image_release(&wide);
}

/* The grey level is the nearest to the quotient for every colour but some whose
 * fraction is .499 or .5, and with factor 0 it is all that is left. */
static void test_grey(void)
{
    qvl_image im = picture(256, 256);
    int off = 0;
    for (int r = 0; r < 256; r++) {
        for (int i = 0; i < 65536; i++) {
            im.pixel[3 * i] = (uint8_t)r;
            im.pixel[3 * i + 1] = (uint8_t)(i >> 8);
            im.pixel[3 * i + 2] = (uint8_t)(i & 255);
        }
        qvl_image_saturation(&im, 0);
        for (int i = 0; i < 65536; i++) {
            int sum = 299 * r + 587 * (i >> 8) + 114 * (i & 255);
            int level = im.pixel[3 * i];
            CHECK(level == im.pixel[3 * i + 1] && level == im.pixel[3 * i + 2],
                  "grey of %d, %d", r, i);
            if (level != (sum + 500) / 1000) {
                CHECK(abs(level * 1000 - sum) <= 501, "%d, %d", r, i);
                off++;
            }
        }
    }
    CHECK_INT(off, 9040, "of 2^24 colours");
    qvl_image_release(&im);
}

/* What means "as it is" changes no byte. */
static void test_identity(void)
{
    static const struct {
        const char *name;
        double v[3];
    } same[] = {
        { "brightness", { 1 } },   { "contrast", { 1 } },
        { "saturation", { 1 } },   { "sharpness", { 1 } },
        { "gamma", { 1, 1 } },     { "hsv", { 0, 1, 1 } },
        { "hsv", { 360, 1, 1 } },  { "hsv", { -720, 1, 1 } },
        { "solarize", { 256 } },   { "posterize", { 8 } },
        { "auto_contrast", { 50 } },
    };
    for (size_t i = 0; i < QVL_COUNT(same); i++)
        for (size_t s = 0; s <= QVL_COUNT(sizes); s++) {
            qvl_image im = s < QVL_COUNT(sizes)
                               ? picture(sizes[s][0], sizes[s][1])
                               : picture(127, 129);
            qvl_image before = copy_of(&im);
            ops[op_of(same[i].name)].apply(&im, same[i].v);
            CHECK(is_same(&im, &before), "%s %g, size %zu", same[i].name,
                  same[i].v[0], s);
            qvl_image_release(&im);
            qvl_image_release(&before);
        }
}

/* No rounding of its own: without turning, a colour stays within half a unit. */
static void test_hsv_all(void)
{
    qvl_image im = picture(256, 256), before = picture(256, 256);
    for (int r = 0; r < 256; r += 5) {
        for (int i = 0; i < 65536; i++) {
            uint8_t colour[3] = { (uint8_t)r, (uint8_t)(i >> 8),
                                  (uint8_t)(i & 255) };
            memcpy(before.pixel + 3 * i, colour, 3);
        }
        memcpy(im.pixel, before.pixel, qvl_image_bytes(&im));
        qvl_image_hsv(&im, 1e-6, 1, 1);
        CHECK(is_same(&im, &before), "red %d", r);
    }
    qvl_image_release(&im);
    qvl_image_release(&before);
}

static void test_memory(void)
{
    qvl_image im = picture(9, 9), before = picture(9, 9);
    qvl_clahe how = { 3, 8, 8 };
    qvl_err err;
    for (size_t bytes = 0; bytes < 100; bytes += 99) {
        qvl_memory_limit(bytes);
        CHECK_FAILS(qvl_image_sharpness(&im, 2, &err), QVL_E_MEMORY, err,
                    "memory");
        CHECK_FAILS(qvl_image_clahe(&im, &how, &err), QVL_E_MEMORY, err,
                    "memory");
        qvl_memory_limit(SIZE_MAX);
    }
    CHECK(is_same(&im, &before), "unchanged");
    qvl_image_release(&im);
    qvl_image_release(&before);
}

/* Parameters that are none end the program. */
static void test_asserts(void)
{
    static const struct {
        const char *name;
        double v[3];
    } wrong[] = {
        { "brightness", { NAN } },     { "brightness", { INFINITY } },
        { "contrast", { -INFINITY } }, { "saturation", { 1e5 } },
        { "sharpness", { NAN } },      { "gamma", { 0, 1 } },
        { "gamma", { NAN, 1 } },       { "gamma", { 1, NAN } },
        { "gamma", { 1, -1 } },        { "hsv", { NAN, 1, 1 } },
        { "hsv", { INFINITY, 1, 1 } }, { "hsv", { 0, NAN, 1 } },
        { "hsv", { 0, 1, -1 } },       { "hsv", { 0, 1, INFINITY } },
        { "clahe", { NAN, 8 } },       { "clahe", { 0, 8 } },
        { "clahe", { 3, 0 } },         { "auto_contrast", { NAN } },
        { "auto_contrast", { -1 } },   { "auto_contrast", { 101 } },
        { "solarize", { -1 } },        { "solarize", { 257 } },
        { "posterize", { 0 } },        { "posterize", { 9 } },
    };
    qvl_image im = picture(3, 3);
    for (size_t i = 0; i < QVL_COUNT(wrong); i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
            fclose(stderr);
            ops[op_of(wrong[i].name)].apply(&im, wrong[i].v);
            _exit(0);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child, "child");
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
              "%s %g %g %g: found status %d", wrong[i].name, wrong[i].v[0],
              wrong[i].v[1], wrong[i].v[2], status);
    }
    qvl_image_release(&im);
}

RUN_TESTS(TEST(test_equal_to_pillow), TEST(test_near_others),
          TEST(test_plain), TEST(test_many_pixels), TEST(test_grey),
          TEST(test_identity), TEST(test_hsv_all), TEST(test_memory),
          TEST(test_asserts))
