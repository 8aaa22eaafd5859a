/* test_patch.c - order of patches and of the numbers in them, the numbers */
#include "check.h"
#include "image/patch.h"

static qvl_processor make_processor(const char *profile)
{
    qvl_processor p = { .patch = 16, .frames = 2, .merge = 2,
                        .rescale = 1.0 / 255.0 };
    qvl_err err;
    for (int c = 0; c < QVL_IMAGE_CHANNELS; c++) {
        p.mean[c] = 0.5;
        p.std[c] = 0.5;
    }
    CHECK_OK(qvl_profile_find(&p.profile, profile, &err), err);
    return p;
}

static void fill(qvl_image *im, int h, int w, int seed)
{
    qvl_err err;
    CHECK_OK(qvl_image_init(im, h, w, &err), err);
    for (size_t i = 0; i < qvl_image_bytes(im); i++)
        im->pixel[i] = (uint8_t)(i * 31 + i / 7 + (size_t)seed * 77);
}

/* Every number of every row, walked in the order of the definition. */
static void check_rows(const qvl_processor *p, int n_frames, int h, int w)
{
    qvl_image frame[5];
    float value[3 * 256];
    for (int i = 0; i < n_frames; i++)
        fill(&frame[i], h, w, i);
    int groups = (n_frames + p->frames - 1) / p->frames;
    size_t n = (size_t)(groups * p->frames * h * w * 3);
    float *rows = malloc(n * sizeof *rows);
    qvl_patch_cut(rows, frame, n_frames, p);
    qvl_patch_values(value, p);
    const float *at = rows;
    int side = p->patch * p->merge;
    for (int g = 0; g < groups; g++)
    for (int by = 0; by < h; by += side)
    for (int bx = 0; bx < w; bx += side)
    for (int i = 0; i < p->merge * p->merge; i++)
    for (int c = 0; c < 3; c++)
    for (int t = 0; t < p->frames; t++)
    for (int y = 0; y < p->patch; y++)
    for (int x = 0; x < p->patch; x++, at++) {
        int f = g * p->frames + t;
        const qvl_image *im = &frame[f < n_frames ? f : n_frames - 1];
        int py = by + i / p->merge * p->patch + y;
        int px = bx + i % p->merge * p->patch + x;
        CHECK(*at == value[256 * c + qvl_image_row(im, py)[3 * px + c]],
              "frames %d, number %td", n_frames, at - rows);
    }
    CHECK((size_t)(at - rows) == n, "count");
    free(rows);
    for (int i = 0; i < n_frames; i++)
        qvl_image_release(&frame[i]);
}

static void test_order(void)
{
    qvl_processor p = make_processor(NULL);
    check_rows(&p, 1, 32, 32);
    check_rows(&p, 1, 64, 96);
    check_rows(&p, 2, 96, 32);
    check_rows(&p, 5, 64, 64);
    p.patch = 7;
    p.merge = 3;
    p.frames = 1;
    check_rows(&p, 3, 42, 63);
    p.merge = 1;
    p.frames = 3;
    check_rows(&p, 4, 14, 7);
}

/* Both formulas, for every byte. */
static void test_values(void)
{
    float two[3 * 256], one[3 * 256];
    qvl_processor p = make_processor("pillow");
    qvl_patch_values(two, &p);
    p = make_processor("torchvision");
    qvl_patch_values(one, &p);
    for (int i = 0; i < 3 * 256; i++) {
        float x = (float)(i % 256);
        CHECK(one[i] == (x - 127.5f) / 127.5f, "one step, %d", i);
        CHECK(two[i] == ((float)(x / 255.0) - 0.5f) / 0.5f, "two steps, %d",
              i);
        CHECK_NEAR(one[i], two[i], 1.2e-7, "both, %d", i);
    }
    CHECK(one[0] == -1.0f && one[255] == 1.0f && two[0] == -1.0f
              && two[255] == 1.0f, "ends");
}

/* Means and deviations of their own for each channel. */
static void test_channels(void)
{
    static const double mean[] = { 0.48145466, 0.4578275, 0.40821073 };
    static const double std[] = { 0.26862954, 0.26130258, 0.27577711 };
    float value[3 * 256];
    for (int k = 0; k < 2; k++) {
        qvl_processor p = make_processor(k == 0 ? "pillow" : "torchvision");
        memcpy(p.mean, mean, sizeof mean);
        memcpy(p.std, std, sizeof std);
        qvl_patch_values(value, &p);
        for (int i = 0; i < 3 * 256; i++)
            CHECK_NEAR(value[i],
                       (i % 256 / 255.0 - mean[i / 256]) / std[i / 256], 1e-6,
                       "profile %d, %d", k, i);
    }
}

RUN_TESTS(TEST(test_order), TEST(test_values), TEST(test_channels))
