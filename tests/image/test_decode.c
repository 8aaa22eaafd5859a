/* test_decode.c - JPEG, BMP, orientation, limits, and what is no picture */
#include "base/file.h"
#include "check.h"
#include "image/decode.h"
#include "image/jpeg.h"
#include "make_jpeg.h"

static bool has_turbo(void)
{
    return strcmp(qvl_image_jpeg_decoder(), "libjpeg-turbo") == 0;
}

static qvl_image_file file_of(const qvl_str *s)
{
    return (qvl_image_file){ (const uint8_t *)s->p, s->len, "made" };
}

/* ---- JPEG --------------------------------------------------------------- */

/* One colour in, one colour out. */
static void test_colours(void)
{
    static const struct {
        const char *name;
        jpeg_source s;
        int expected[3];
        int near;
    } cases[] = {
        { "grey", { 5, 7, 1, { 77 }, -1, 0, NULL, 0 }, { 77, 77, 77 }, 0 },
        { "luma", { 9, 8, 3, { 200, 128, 128 }, -1, 0, NULL, 0 },
          { 200, 200, 200 }, 0 },
        { "chroma", { 16, 17, 3, { 100, 90, 180 }, -1, 0, NULL, 0 },
          { 173, 76, 33 }, 1 },
        { "no transform", { 8, 8, 3, { 10, 130, 250 }, 0, 0, NULL, 0 },
          { 10, 130, 250 }, 0 },
        { "a scan each", { 8, 30, 3, { 10, 130, 250 }, 0, 3, NULL, 0 },
          { 10, 130, 250 }, 0 },
        { "extremes", { 8, 8, 3, { 0, 255, 128 }, 0, 0, NULL, 0 },
          { 0, 255, 128 }, 0 },
    };
    for (size_t k = 0; k < QVL_COUNT(cases); k++) {
        qvl_str text = { 0 };
        qvl_image im;
        qvl_err err;
        jpeg_write(&text, &cases[k].s);
        qvl_image_file file = file_of(&text);
        CHECK_OK(qvl_image_decode(&im, &file, NULL, &err), err);
        CHECK(im.h == cases[k].s.h && im.w == cases[k].s.w, "%s",
              cases[k].name);
        for (size_t i = 0; i < qvl_image_bytes(&im); i++)
            CHECK_NEAR(im.pixel[i], cases[k].expected[i % 3], cases[k].near,
                       "%s, byte %zu", cases[k].name, i);
        qvl_image_release(&im);
        qvl_str_release(&text);
    }
}

/* Four inks, stored as 255 - ink: light is what colour and black leave. */
static void test_inks(void)
{
    static const uint8_t inks[][4] = {
        { 255, 255, 255, 255 }, { 0, 0, 0, 0 },      { 255, 0, 128, 255 },
        { 10, 200, 99, 130 },   { 1, 254, 77, 200 }, { 128, 128, 128, 1 },
    };
    if (!has_turbo())
        return;
    for (size_t k = 0; k < QVL_COUNT(inks); k++) {
        qvl_str text = { 0 };
        qvl_image im;
        qvl_err err;
        jpeg_source s = { .h = 10, .w = 10, .n_components = 4, .adobe = 0 };
        memcpy(s.value, inks[k], 4);
        jpeg_write(&text, &s);
        qvl_image_file file = file_of(&text);
        CHECK_OK(qvl_image_decode(&im, &file, NULL, &err), err);
        for (size_t i = 0; i < qvl_image_bytes(&im); i++) {
            int lost = (int)floor((255 - inks[k][i % 3]) * inks[k][3] / 255.0
                                  + 0.5);
            int want = inks[k][3] - lost;
            CHECK_INT(im.pixel[i], want < 0 ? 0 : want, "inks %zu, byte %zu",
                      k, i);
        }
        qvl_image_release(&im);
        qvl_str_release(&text);
    }
}

/* Scans that repeat for ever cost time, not bytes. */
static void test_scans(void)
{
    qvl_str text = { 0 };
    qvl_image im = { 0 };
    qvl_err err;
    jpeg_source s = { .h = 8, .w = 8, .n_components = 3, .adobe = 0,
                      .n_scans = 2000 };
    jpeg_write(&text, &s);
    qvl_image_file file = file_of(&text);
    CHECK_FAILS(qvl_image_decode(&im, &file, NULL, &err), QVL_E_DATA, err,
                has_turbo() ? "more than 500 scans" : "too many scans");
    static const struct {
        int h, w, most;
    } sizes[] = { { 1, 1, 500 }, { 4000, 2000, 500 }, { 4000, 2500, 400 },
                  { 10000, 12500, 32 }, { 65535, 65535, 32 } };
    for (size_t i = 0; i < QVL_COUNT(sizes); i++)
        CHECK_INT(qvl_jpeg_most_scans(&(qvl_jpeg){ .h = sizes[i].h,
                                                   .w = sizes[i].w }),
                  sizes[i].most, "size %zu", i);
    qvl_str_release(&text);
}

/* ---- orientation -------------------------------------------------------- */

/* Where the first and the second pixel of a stored row end up, in a picture
 * of 2 rows and 3 columns: numbers of pixels in the result. */
static const struct {
    int h, w;
    int place[6];  // of stored pixel i
} turned[] = {
    [1] = { 2, 3, { 0, 1, 2, 3, 4, 5 } }, [2] = { 2, 3, { 2, 1, 0, 5, 4, 3 } },
    [3] = { 2, 3, { 5, 4, 3, 2, 1, 0 } }, [4] = { 2, 3, { 3, 4, 5, 0, 1, 2 } },
    [5] = { 3, 2, { 0, 2, 4, 1, 3, 5 } }, [6] = { 3, 2, { 1, 3, 5, 0, 2, 4 } },
    [7] = { 3, 2, { 5, 3, 1, 4, 2, 0 } }, [8] = { 3, 2, { 4, 2, 0, 5, 3, 1 } },
};

static void test_turns(void)
{
    for (int o = 1; o <= 8; o++) {
        qvl_image im;
        qvl_err err;
        CHECK_OK(qvl_image_init(&im, 2, 3, &err), err);
        for (int i = 0; i < 18; i++)
            im.pixel[i] = (uint8_t)i;
        CHECK_OK(qvl_image_orient(&im, o, &err), err);
        CHECK(im.h == turned[o].h && im.w == turned[o].w, "orientation %d", o);
        for (int i = 0; i < 18; i++)
            CHECK_INT(im.pixel[3 * turned[o].place[i / 3] + i % 3], i,
                      "orientation %d, pixel %d", o, i / 3);
        qvl_image_release(&im);
    }
}

/* Larger than the squares it is turned in, against one pixel at a time. */
static void test_turn_large(void)
{
    for (int o = 2; o <= 8; o++) {
        qvl_image im;
        qvl_err err;
        int h = 67, w = 101;
        CHECK_OK(qvl_image_init(&im, h, w, &err), err);
        for (int i = 0; i < 3 * h * w; i++)
            im.pixel[i] = (uint8_t)(i * 7 + i / 251);
        CHECK_OK(qvl_image_orient(&im, o, &err), err);
        for (int y = 0; y < im.h; y++)
            for (int x = 0; x < im.w; x++) {
                int fy = o < 5 ? y : x, fx = o < 5 ? x : y;
                if (o == 3 || o == 4 || o == 6 || o == 7)
                    fy = h - 1 - fy;
                if (o == 2 || o == 3 || o == 7 || o == 8)
                    fx = w - 1 - fx;
                int i = 3 * (fy * w + fx);
                CHECK_INT(qvl_image_row(&im, y)[3 * x],
                          (uint8_t)(i * 7 + i / 251),
                          "orientation %d, %d, %d", o, y, x);
            }
        qvl_image_release(&im);
    }
}

static void test_exif_in_jpeg(void)
{
    uint8_t exif[] = { 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3,
                       0, 0, 0, 1, 0, 0, 0, 0 };
    for (int o = 0; o <= 9; o++) {
        qvl_str text = { 0 };
        qvl_err err;
        int h, w;
        exif[19] = (uint8_t)o;
        jpeg_source s = { .h = 8, .w = 24, .n_components = 1, .adobe = -1,
                          .exif = exif, .n_exif = sizeof exif };
        jpeg_write(&text, &s);
        qvl_image_file file = file_of(&text);
        qvl_image im;
        CHECK_OK(qvl_image_decode(&im, &file, NULL, &err), err);
        CHECK_OK(qvl_image_measure(&h, &w, &file, NULL, &err), err);
        CHECK_INT(im.h, o >= 5 && o <= 8 ? 24 : 8, "orientation %d", o);
        CHECK(im.h == h && im.w == w, "orientation %d: %d x %d", o, h, w);
        qvl_image_release(&im);
        qvl_decode_options stored = { .as_stored = true };
        CHECK_OK(qvl_image_measure(&h, &w, &file, &stored, &err), err);
        CHECK(h == 8 && w == 24, "orientation %d, as stored", o);
        qvl_image_head head;
        CHECK_OK(qvl_image_read_head(&head, &file, &err), err);
        CHECK_INT(head.h, o >= 5 && o <= 8 ? 24 : 8, "orientation %d, head", o);
        CHECK_INT(head.h + head.w, 32, "orientation %d, head", o);
        CHECK_INT(head.orientation, o >= 1 && o <= 8 ? o : 1, "head");
        CHECK_INT(head.format, QVL_IMAGE_JPEG, "head");
        qvl_str_release(&text);
    }
}

/* ---- BMP ---------------------------------------------------------------- */

static void put_le(qvl_str *out, uint32_t v, int n)
{
    for (int i = 0; i < n; i++)
        qvl_str_putc(out, (char)(i < 4 ? v >> (8 * i) : 0));
}

/* A picture whose byte c of pixel (y, x) is 40 y + 10 x + c. */
static void bmp_write(qvl_str *out, int h, int w, int bits, int compression)
{
    int rows = h < 0 ? -h : h;
    qvl_str_puts(out, "BM");
    put_le(out, 0, 8);
    put_le(out, compression == 3 ? 66 : 54, 4);
    put_le(out, 40, 4);
    put_le(out, (uint32_t)w, 4);
    put_le(out, (uint32_t)h, 4);
    put_le(out, 1, 2);
    put_le(out, (uint32_t)bits, 2);
    put_le(out, (uint32_t)compression, 4);
    put_le(out, 0, 20);
    if (compression == 3) {
        put_le(out, 0xff0000, 4);
        put_le(out, 0xff00, 4);
        put_le(out, 0xff, 4);
    }
    for (int i = 0; i < rows; i++) {
        size_t start = out->len;
        int y = h < 0 ? i : rows - 1 - i;
        for (int x = 0; x < w; x++) {
            for (int c = 2; c >= 0; c--)
                put_le(out, (uint32_t)(40 * y + 10 * x + c), 1);
            put_le(out, 99, bits / 8 - 3);
        }
        while ((out->len - start) % 4 != 0)
            put_le(out, 0, 1);
    }
}

static void test_bmp(void)
{
    static const int cases[][3] = { { 4, 24, 0 }, { -4, 24, 0 }, { 4, 32, 0 },
                                    { -4, 32, 0 }, { 4, 32, 3 } };
    for (size_t k = 0; k < QVL_COUNT(cases); k++)
        for (int w = 1; w < 7; w++) {
            qvl_str text = { 0 };
            qvl_image im;
            qvl_err err;
            bmp_write(&text, cases[k][0], w, cases[k][1], cases[k][2]);
            qvl_image_file file = file_of(&text);
            CHECK_OK(qvl_image_decode(&im, &file, NULL, &err), err);
            CHECK(im.h == 4 && im.w == w, "case %zu", k);
            for (int i = 0; i < 4 * w * 3; i++)
                CHECK_INT(im.pixel[i],
                          40 * (i / (3 * w)) + 10 * (i / 3 % w) + i % 3,
                          "case %zu, width %d, byte %d", k, w, i);
            qvl_image_release(&im);
            for (size_t len = 0; len < text.len; len++) {
                file.len = len;
                CHECK_FAILS(qvl_image_decode(&im, &file, NULL, &err),
                            QVL_E_DATA, err, "made");
            }
            qvl_str_release(&text);
        }
}

static void test_bmp_refused(void)
{
    static const struct {
        int h, w, bits, compression;
        const char *part;
    } cases[] = {
        { 0, 4, 24, 0, "above 0" },      { 4, 0, 24, 0, "above 0" },
        { 4, -4, 24, 0, "above 0" },     { 4, 4, 24, 1, "compression 1" },
        { 4, 4, 32, 4, "compression 4" },
    };
    for (size_t k = 0; k < QVL_COUNT(cases); k++) {
        qvl_str text = { 0 };
        qvl_image im = { 0 };
        qvl_err err;
        bmp_write(&text, cases[k].h, cases[k].w, cases[k].bits,
                  cases[k].compression);
        put_le(&text, 0, 100);
        qvl_image_file file = file_of(&text);
        CHECK_FAILS(qvl_image_decode(&im, &file, NULL, &err), QVL_E_DATA, err,
                    cases[k].part);
        qvl_str_release(&text);
    }
}

/* ---- stored files ------------------------------------------------------- */

static const char *const stored[] = {
    "exif3_60x100.jpg",   "exif6_80x120.jpg",        "gray_90x70_q75.jpg",
    "exif5_64x90.png",    "scene_97x131_progressive.jpg",
    "gray16_33x45.png",   "scene_99x133_q75_422.jpg", "palette_trns_40x40.png",
    "bilevel_50x66.png",  "la_48x33.png",            "rgba_70x50.png",
};

static void read_stored(const char *name, qvl_arena *arena,
                        qvl_image_file *file)
{
    qvl_err err;
    char *text;
    size_t len;
    const char *path = qvl_arena_printf(arena, IMAGE_FIXTURES "/%s", name);
    CHECK_OK(qvl_file_read(path, &text, &len, arena, &err), err);
    *file = (qvl_image_file){ (const uint8_t *)text, len, name };
}

/* Decode the first `len` bytes out of memory of exactly that size. */
static int decode_part(const qvl_image_file *file, size_t len, qvl_err *err)
{
    qvl_image im = { 0 };
    uint8_t *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, file->p, len);
    qvl_image_file part = { copy, len, file->name };
    int rc = qvl_image_decode(&im, &part, NULL, err);
    qvl_image_release(&im);
    free(copy);
    return rc;
}

/* Whatever is cut off, the file is refused by name. */
static void test_cut(void)
{
    for (size_t k = 0; k < QVL_COUNT(stored); k++) {
        qvl_arena arena = { 0 };
        qvl_image_file file;
        qvl_err err;
        read_stored(stored[k], &arena, &file);
        CHECK_OK(decode_part(&file, file.len, &err), err);
        for (size_t len = 0; len < file.len;
             len += file.len - len > 100 ? 50 : 1) {
            int rc = decode_part(&file, len, &err);
            CHECK(rc == QVL_E_DATA && strstr(err.msg, stored[k]) != NULL,
                  "%s, %zu of %zu bytes: %s", stored[k], len, file.len,
                  rc == QVL_OK ? "taken" : err.msg);
        }
        qvl_arena_release(&arena);
    }
}

/* Damage anywhere: decoded or refused, never anything else. */
static void test_damage(void)
{
    uint32_t state = 1;
    for (size_t k = 0; k < QVL_COUNT(stored); k++) {
        qvl_arena arena = { 0 };
        qvl_image_file file;
        qvl_err err;
        read_stored(stored[k], &arena, &file);
        for (int round = 0; round < 200; round++) {
            uint8_t *copy = malloc(file.len);
            memcpy(copy, file.p, file.len);
            for (int i = 0; i < 1 + round % 4; i++) {
                state = state * 1664525u + 1013904223u;
                copy[(state >> 8) % file.len] = (uint8_t)(state >> 3);
            }
            qvl_image_file damaged = { copy, file.len, file.name };
            int rc = decode_part(&damaged, file.len, &err);
            CHECK(rc == QVL_OK || rc == QVL_E_DATA, "%s, round %d: %s",
                  stored[k], round, err.msg);
            free(copy);
        }
        qvl_arena_release(&arena);
    }
}

static void test_paths(void)
{
    qvl_image im = { 0 };
    qvl_err err;
    int h, w;
    const char *path = IMAGE_FIXTURES "/exif6_80x120.jpg";
    CHECK_OK(qvl_image_load(&im, path, NULL, &err), err);
    CHECK(im.h == 120 && im.w == 80, "size");
    CHECK_OK(qvl_image_load_size(&h, &w, path, NULL, &err), err);
    CHECK(h == 120 && w == 80, "measured");
    qvl_image_release(&im);
    qvl_image_release(&im);
    qvl_image_release(NULL);
    CHECK_FAILS(qvl_image_load(&im, check_path("none"), NULL, &err), QVL_E_IO,
                err, "none");
    CHECK_FAILS(qvl_image_load_size(&h, &w, check_path("none"), NULL, &err),
                QVL_E_IO, err, "none");
}

/* ---- limits ------------------------------------------------------------- */

static void test_no_picture(void)
{
    static const char *const texts[] = { "", "B", "hello", "\xff\xd8",
                                         "GIF89a", "\x89PNG\r\n\x1a\n",
                                         "\xff\xd8\xff" };
    for (size_t i = 0; i < QVL_COUNT(texts); i++) {
        qvl_image im = { 0 };
        qvl_err err;
        int h = -1, w = -1;
        qvl_image_file file = { (const uint8_t *)texts[i], strlen(texts[i]),
                                "text.jpg" };
        CHECK_FAILS(qvl_image_decode(&im, &file, NULL, &err), QVL_E_DATA, err,
                    "picture (text.jpg)");
        CHECK_FAILS(qvl_image_measure(&h, &w, &file, NULL, &err), QVL_E_DATA,
                    err, "picture (text.jpg)");
        CHECK(h == -1 && w == -1, "text %zu", i);
    }
}

static void test_limit(void)
{
    qvl_str text = { 0 };
    qvl_image im = { 0 };
    qvl_err err;
    jpeg_source s = { .h = 10, .w = 20, .n_components = 1, .adobe = -1 };
    jpeg_write(&text, &s);
    qvl_image_file file = file_of(&text);
    qvl_decode_options o = { .max_pixels = 199 };
    CHECK_FAILS(qvl_image_decode(&im, &file, &o, &err), QVL_E_DATA, err,
                "found 10 x 20 pixels, expected at most 199");
    o.max_pixels = 200;
    CHECK_OK(qvl_image_decode(&im, &file, &o, &err), err);
    qvl_image_release(&im);
    qvl_str_release(&text);
}

/* A JPEG that says it has 65535 x 65535 pixels is refused by its header. */
static void test_huge_jpeg(void)
{
    qvl_str text = { 0 };
    qvl_image im = { 0 };
    qvl_err err;
    jpeg_source s = { .h = 8, .w = 8, .n_components = 1, .adobe = -1 };
    jpeg_write(&text, &s);
    for (size_t i = 0; i + 9 < text.len; i++)
        if (memcmp(text.p + i, "\xff\xc0\0\x0b\x08\0\x08\0\x08", 9) == 0)
            memset(text.p + i + 5, 0xff, 4);
    qvl_image_file file = file_of(&text);
    CHECK_FAILS(qvl_image_decode(&im, &file, NULL, &err), QVL_E_DATA, err,
                "found 65535 x 65535 pixels");
    qvl_str_release(&text);
}

/* A JPEG has a bit for each block of the colour that has the fewest: 300 bytes are
 * refused for 4096 x 4096 pixels before memory is taken for these, and not for 16 x
 * 4096, whose blocks they could hold. */
static void test_empty_jpeg(void)
{
    static const struct {
        const char *h;
        int n_components;
        const char *part;
    } cases[] = {
        { "\x10\0", 1, "expected more for 4096 x 4096 pixels" },
        { "\x10\0", 3, "expected more for 4096 x 4096 pixels" },
        { "\0\x10", 1, "damaged or missing pixels" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_str text = { 0 };
        qvl_image im = { .h = -1 };
        qvl_err err;
        jpeg_source s = { .h = 8, .w = 8, .adobe = -1,
                          .n_components = cases[i].n_components };
        jpeg_write(&text, &s);
        for (size_t at = 0; at + 9 < text.len; at++)
            if (memcmp(text.p + at, "\xff\xc0\0", 3) == 0) {
                memcpy(text.p + at + 5, cases[i].h, 2);
                memcpy(text.p + at + 7, "\x10\0", 2);
            }
        qvl_image_file file = file_of(&text);
        CHECK_FAILS(qvl_image_decode(&im, &file, NULL, &err), QVL_E_DATA, err,
                    cases[i].part);
        CHECK(im.h == -1, "case %zu: out is changed", i);
        qvl_str_release(&text);
    }
}

static void test_memory(void)
{
    qvl_image im = { .h = -1 };
    qvl_err err;
    const char *path = IMAGE_FIXTURES "/rgba_70x50.png";
    qvl_memory_limit(1000);
    int rc = qvl_image_load(&im, path, NULL, &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "%s", err.msg);
    CHECK_INT(im.h, -1, "out is changed");
}

RUN_TESTS(TEST(test_colours), TEST(test_inks), TEST(test_scans),
          TEST(test_turns), TEST(test_turn_large), TEST(test_exif_in_jpeg),
          TEST(test_bmp), TEST(test_bmp_refused), TEST(test_cut),
          TEST(test_damage), TEST(test_paths), TEST(test_no_picture),
          TEST(test_limit), TEST(test_huge_jpeg), TEST(test_empty_jpeg),
          TEST(test_memory))
