/* test_png.c - every kind of PNG against the rules written out, and damage */
#include "check.h"
#include "crc.h"
#include "image/decode.h"
#include "make_png.h"

static const struct {
    int kind, depth;
} kinds[] = {
    { 0, 1 }, { 0, 2 }, { 0, 4 }, { 0, 8 }, { 0, 16 }, { 2, 8 }, { 2, 16 },
    { 3, 1 }, { 3, 2 }, { 3, 4 },  { 3, 8 }, { 4, 8 }, { 4, 16 }, { 6, 8 },
    { 6, 16 },
};

static uint8_t palette[256 * 3];

/* Numbers that only look random, the same in every run. */
static unsigned next_number(void)
{
    static uint32_t state = 12345;
    state = state * 1664525u + 1013904223u;
    return state >> 16;
}

static qvl_image_file file_of(const qvl_str *s)
{
    return (qvl_image_file){ (const uint8_t *)s->p, s->len, "made.png" };
}

/* A source with samples of its own, which the caller frees. */
static png_source make_source(int kind, int depth, int h, int w)
{
    size_t n = (size_t)(h * w * png_channels(kind));
    uint16_t *sample = malloc(n * sizeof *sample);
    for (size_t i = 0; i < n; i++)
        sample[i] = (uint16_t)(next_number() & ((1u << depth) - 1));
    /* Grey of 16 bits is only told apart near its low end. */
    for (size_t i = 0; kind == 0 && depth == 16 && i < n; i++)
        sample[i] %= 300;
    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)next_number();
    return (png_source){ .h = h, .w = w, .depth = depth, .kind = kind,
                         .filter = 5, .sample = sample,
                         .palette = kind == 3 ? palette : NULL,
                         .n_colours = 1 << (depth < 8 ? depth : 8) };
}

/* Byte c of a pixel, by the rules of Pillow. */
static int expected(const png_source *s, size_t pixel, int c, bool on_white)
{
    const uint16_t *v = s->sample + pixel * (size_t)png_channels(s->kind);
    int shift = s->depth == 16 ? 8 : 0;
    int value, alpha = 255;
    switch (s->kind) {
    case 0:
        value = s->depth < 8 ? v[0] * 255 / ((1 << s->depth) - 1)
                             : v[0] > 255 ? 255 : v[0];
        break;
    case 3:
        value = s->palette[3 * v[0] + c];
        break;
    case 4:
        value = v[0] >> shift;
        alpha = s->depth == 16 ? v[1] >> 8 : 255;
        break;
    default:
        value = v[c] >> shift;
        alpha = s->kind == 6 ? v[3] >> shift : 255;
    }
    if (!on_white)
        return value;
    return (int)floor((255.0 * (255 - alpha) + value * alpha) / 255.0 + 0.5);
}

static void check_source(const png_source *s, const char *what)
{
    for (int white = 0; white < 2; white++) {
        qvl_str text = { 0 };
        qvl_image im;
        qvl_err err;
        png_write(&text, s);
        qvl_image_file file = file_of(&text);
        qvl_decode_options o = { .alpha_on_white = white != 0 };
        CHECK_OK(qvl_image_decode(&im, &file, &o, &err), err);
        CHECK(im.h == s->h && im.w == s->w, "%s", what);
        for (size_t i = 0; i < qvl_image_bytes(&im); i++)
            CHECK(im.pixel[i]
                      == expected(s, i / 3, (int)(i % 3), white != 0),
                  "%s, kind %d, %d bits, %d x %d, interlaced %d, white %d, "
                  "byte %zu: %d",
                  what, s->kind, s->depth, s->h, s->w, s->is_interlaced,
                  white, i, im.pixel[i]);
        qvl_image_release(&im);
        qvl_str_release(&text);
    }
}

/* Kinds, sizes around the steps of interlacing, every filter. */
static void test_kinds(void)
{
    static const int size[][2] = { { 1, 1 }, { 1, 7 }, { 9, 1 }, { 5, 4 },
                                   { 8, 8 }, { 9, 17 }, { 2, 33 } };
    for (size_t k = 0; k < QVL_COUNT(kinds); k++)
        for (size_t i = 0; i < QVL_COUNT(size); i++) {
            png_source s = make_source(kinds[k].kind, kinds[k].depth,
                                       size[i][0], size[i][1]);
            check_source(&s, "plain");
            s.is_interlaced = true;
            check_source(&s, "interlaced");
            s.piece_bytes = 7;
            check_source(&s, "in pieces");
            free((void *)s.sample);
        }
}

static void test_filters(void)
{
    for (int filter = 0; filter < 5; filter++)
        for (size_t k = 0; k < QVL_COUNT(kinds); k++) {
            png_source s = make_source(kinds[k].kind, kinds[k].depth, 11, 13);
            s.filter = filter;
            check_source(&s, "one filter");
            free((void *)s.sample);
        }
}

/* Large enough for several stored blocks. */
static void test_large(void)
{
    png_source s = make_source(2, 8, 150, 301);
    s.piece_bytes = 8192;
    check_source(&s, "large");
    free((void *)s.sample);
}

/* A colour key and gamma change nothing; orientation counts wherever it
 * stands. */
static void test_other_chunks(void)
{
    static const uint8_t exif[] = { 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                                    1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0,
                                    0, 0, 0, 0 };
    for (int place = 0; place < 2; place++) {
        png_source s = make_source(2, 8, 2, 3);
        qvl_str text = { 0 };
        qvl_image im;
        qvl_err err;
        int h, w;
        png_begin(&text);
        png_header(&text, &s);
        png_chunk(&text, "tRNS", "\0\1\0\2\0\3", 6);
        png_chunk(&text, "gAMA", "\0\0\xb1\x8f", 4);
        if (place == 0)
            png_chunk(&text, "eXIf", exif, sizeof exif);
        png_pixels(&text, &s);
        if (place == 1)
            png_chunk(&text, "eXIf", exif, sizeof exif);
        png_chunk(&text, "IEND", "", 0);
        qvl_image_file file = file_of(&text);
        CHECK_OK(qvl_image_measure(&h, &w, &file, NULL, &err), err);
        CHECK(h == 3 && w == 2, "measured %d x %d, place %d", h, w, place);
        CHECK_OK(qvl_image_decode(&im, &file, NULL, &err), err);
        CHECK(im.h == 3 && im.w == 2, "place %d", place);
        /* Turned clockwise: the first row was the first column, bottom up. */
        CHECK_INT(im.pixel[0], s.sample[3 * 3], "place %d", place);
        CHECK_INT(im.pixel[3], s.sample[0], "place %d", place);
        qvl_image_release(&im);
        CHECK_OK(qvl_image_decode(&im, &file,
                                  &(qvl_decode_options){ .as_stored = true },
                                  &err), err);
        CHECK(im.h == 2 && im.w == 3, "as stored, place %d", place);
        qvl_image_release(&im);
        qvl_str_release(&text);
        free((void *)s.sample);
    }
}

/* ---- damage ------------------------------------------------------------- */

static void check_refused(const qvl_str *text, size_t len, const char *part)
{
    qvl_image im = { .h = -1 };
    qvl_err err;
    /* A copy of exactly this size: reading behind it is found. */
    uint8_t *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, text->p, len);
    qvl_image_file file = { copy, len, "made.png" };
    CHECK_FAILS(qvl_image_decode(&im, &file, NULL, &err), QVL_E_DATA, err,
                part);
    CHECK_HAS(err.msg, "made.png", "%s", part);
    CHECK(im.h == -1, "%s: out is changed", part);
    free(copy);
}

static void test_cut(void)
{
    for (size_t k = 0; k < QVL_COUNT(kinds); k++) {
        qvl_str text = { 0 };
        png_source s = make_source(kinds[k].kind, kinds[k].depth, 9, 10);
        s.is_interlaced = k % 2 != 0;
        s.piece_bytes = 100;
        png_write(&text, &s);
        for (size_t len = 0; len < text.len; len++)
            check_refused(&text, len, "made.png");
        qvl_str_release(&text);
        free((void *)s.sample);
    }
}

/* Any byte changed: refused, by a checksum if by nothing else. */
static void test_changed(void)
{
    qvl_str text = { 0 };
    png_source s = make_source(2, 8, 6, 7);
    png_write(&text, &s);
    for (size_t i = 0; i < text.len; i++) {
        text.p[i] ^= 0x20;
        check_refused(&text, text.len, "made.png");
        text.p[i] ^= 0x20;
    }
    qvl_str_release(&text);
    free((void *)s.sample);
}

/* The checksum of the chunk at `at` made right again. */
static void repair(qvl_str *text, size_t at)
{
    const uint8_t *p = (const uint8_t *)text->p + at;
    size_t n = (size_t)p[2] << 8 | p[3];
    uint32_t crc = crc_of(p + 4, n + 4);
    for (size_t i = 0; i < 4; i++)
        text->p[at + 8 + n + i] = (char)(crc >> (24 - 8 * i));
}

static void test_header(void)
{
    static const struct {
        size_t at;
        const char *bytes;
        size_t n;
        const char *part;
    } cases[] = {
        { 16, "\x7f\xff\xff\xff\x7f\xff\xff\xff", 8, "expected at most" },
        { 16, "\x00\x01\x00\x00\x00\x01\x00\x00", 8, "expected at most" },
        { 16, "\x02\x00\x00\x00\x00\x00\x00\x01", 8, "expected at most" },
        { 16, "\xff\xff\xff\xff", 4, "sides from 1" },
        { 16, "\0\0\0\0", 4, "sides from 1" },
        { 20, "\0\0\0\0", 4, "sides from 1" },
        { 20, "\0\0\x01\x00", 4, "expected 256 rows" },
        { 20, "\0\0\xff\x00", 4, "expected more for 65280 x 7" },
        { 24, "\x03", 1, "colour type 2 of 3 bits" },
        { 24, "\x40", 1, "colour type 2 of 64 bits" },
        { 25, "\x07", 1, "colour type 7" },
        { 25, "\xff", 1, "colour type 255" },
        { 25, "\x03", 1, "no palette" },
        { 26, "\x01", 1, "compression 1" },
        { 28, "\x02", 1, "interlace 2" },
        { 12, "IHDX", 4, "expected IHDR" },
        { 41, "\x79", 1, "damaged or missing pixels" },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_str text = { 0 };
        png_source s = make_source(2, 8, 6, 7);
        png_write(&text, &s);
        memcpy(text.p + cases[i].at, cases[i].bytes, cases[i].n);
        repair(&text, 8);
        repair(&text, 33);
        check_refused(&text, text.len, cases[i].part);
        qvl_str_release(&text);
        free((void *)s.sample);
    }
}

/* Chunks in the wrong place, of the wrong size, of nobody. */
static void test_chunks(void)
{
    static const char *const part[] = {
        "unknown critical chunk", "palette of 4 bytes", "palette of 771",
        "palette of 3", "in two places", "no pixels", "without a header",
        "end of the pixels",
    };
    static const char zeros[771];
    for (size_t i = 0; i < QVL_COUNT(part); i++) {
        qvl_str text = { 0 };
        png_source s = make_source(2, 8, 6, 7);
        png_begin(&text);
        if (i != 6)
            png_header(&text, &s);
        if (i == 0)
            png_chunk(&text, "CgBI", zeros, 4);
        if (i == 1 || i == 2 || i == 3)
            png_chunk(&text, "PLTE", zeros, i == 1 ? 4 : i == 2 ? 771 : 3);
        if (i == 3)
            png_chunk(&text, "PLTE", zeros, 3);
        if (i == 4)
            png_pixels(&text, &s);
        if (i == 4)
            png_chunk(&text, "tEXt", zeros, 4);
        if (i == 7)
            png_chunk(&text, "IDAT", "\x78\x01", 2);
        else if (i != 5)
            png_pixels(&text, &s);
        png_chunk(&text, "IEND", "", 0);
        check_refused(&text, text.len, part[i]);
        qvl_str_release(&text);
        free((void *)s.sample);
    }
}

static void test_colour_outside(void)
{
    qvl_str text = { 0 };
    png_source s = make_source(3, 8, 6, 7);
    s.n_colours = 5;
    png_write(&text, &s);
    check_refused(&text, text.len, "palette of 5");
    qvl_str_release(&text);
    free((void *)s.sample);
}

/* Append the lowest n bits of v to a stream, the highest first. */
static void put_code(qvl_str *out, unsigned *bits, int *used, unsigned v,
                     int n)
{
    while (n-- > 0) {
        *bits |= (v >> n & 1) << *used;
        if (++*used < 8)
            continue;
        qvl_str_putc(out, (char)*bits);
        *bits = 0;
        *used = 0;
    }
}

/* A few bytes that unpack to half a gigabyte: nothing more is taken than
 * fits, so this ends at once. */
static void test_bomb(void)
{
    qvl_str text = { 0 };
    qvl_str packed = { 0 };
    qvl_image im;
    qvl_err err;
    unsigned bits = 0;
    int used = 0;
    png_source s = make_source(0, 8, 1, 1);
    png_begin(&text);
    png_header(&text, &s);
    qvl_str_putn(&packed, "\x78\x01", 2);
    put_code(&packed, &bits, &used, 6, 3);     // last block, fixed codes
    put_code(&packed, &bits, &used, 0x30, 8);  // a byte of 0
    for (int i = 0; i < 2000000; i++)
        put_code(&packed, &bits, &used, 0xc5 << 5, 13);  // 258 times again
    png_chunk(&text, "IDAT", packed.p, packed.len);
    png_chunk(&text, "IEND", "", 0);
    qvl_image_file file = file_of(&text);
    CHECK_OK(qvl_image_decode(&im, &file, NULL, &err), err);
    CHECK_INT(im.pixel[0], 0, "the only pixel");
    qvl_image_release(&im);
    qvl_str_release(&packed);
    qvl_str_release(&text);
    free((void *)s.sample);
}

RUN_TESTS(TEST(test_kinds), TEST(test_filters), TEST(test_large),
          TEST(test_other_chunks), TEST(test_cut), TEST(test_changed),
          TEST(test_header), TEST(test_chunks), TEST(test_colour_outside),
          TEST(test_bomb))
