/* make_png.c - a small encoder of PNG in all its kinds */
#include "make_png.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "crc.h"

int png_channels(int kind)
{
    return kind == 2 ? 3 : kind == 4 ? 2 : kind == 6 ? 4 : 1;
}

static void put_u32(qvl_str *out, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        qvl_str_putc(out, (char)(v >> shift & 255));
}

void png_begin(qvl_str *out)
{
    qvl_str_putn(out, "\x89PNG\r\n\x1a\n", 8);
}

void png_chunk(qvl_str *out, const char *name, const void *p, size_t n)
{
    put_u32(out, (uint32_t)n);
    size_t at = out->len;
    qvl_str_putn(out, name, 4);
    qvl_str_putn(out, p, n);
    put_u32(out, crc_of(out->p + at, n + 4));
}

void png_header(qvl_str *out, const png_source *s)
{
    qvl_str head = { 0 };
    put_u32(&head, (uint32_t)s->w);
    put_u32(&head, (uint32_t)s->h);
    qvl_str_putc(&head, (char)s->depth);
    qvl_str_putc(&head, (char)s->kind);
    qvl_str_putc(&head, 0);
    qvl_str_putc(&head, 0);
    qvl_str_putc(&head, s->is_interlaced);
    png_chunk(out, "IHDR", head.p, head.len);
    qvl_str_release(&head);
}

/* Pack the samples of every dx-th pixel of a row, from x on. */
static size_t pack_row(uint8_t *row, const png_source *s, int y, int x, int dx)
{
    int n = png_channels(s->kind);
    size_t bit = 0;
    for (; x < s->w; x += dx)
        for (int c = 0; c < n; c++, bit += (size_t)s->depth) {
            unsigned v = s->sample[((size_t)y * (size_t)s->w + (size_t)x)
                                       * (size_t)n
                                   + (size_t)c];
            if (s->depth == 16) {
                row[bit / 8] = (uint8_t)(v >> 8);
                row[bit / 8 + 1] = (uint8_t)v;
            } else {
                unsigned shift = 8 - (unsigned)s->depth - bit % 8;
                row[bit / 8] |= (uint8_t)(v << shift);
            }
        }
    return (bit + 7) / 8;
}

/* What a filter predicts from the left, upper and upper left byte. */
static int predict(int filter, int a, int b, int c)
{
    int p = a + b - c;
    int pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    switch (filter) {
    case 1: return a;
    case 2: return b;
    case 3: return (a + b) / 2;
    case 4: return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    default: return 0;
    }
}

static void put_row(qvl_str *out, const uint8_t *row, const uint8_t *above,
                    size_t n, size_t unit, int filter)
{
    qvl_str_putc(out, (char)filter);
    for (size_t i = 0; i < n; i++) {
        int a = i >= unit ? row[i - unit] : 0;
        int c = i >= unit ? above[i - unit] : 0;
        qvl_str_putc(out, (char)(row[i] - predict(filter, a, above[i], c)));
    }
}

static void put_pass(qvl_str *out, const png_source *s, int y0, int x0,
                     int dy, int dx)
{
    size_t cap = (size_t)s->w * 8 + 8;
    size_t bits = (size_t)(png_channels(s->kind) * s->depth);
    uint8_t *above = calloc(1, cap);
    for (int y = y0, i = 0; x0 < s->w && y < s->h; y += dy, i++) {
        uint8_t *row = calloc(1, cap);
        size_t n = pack_row(row, s, y, x0, dx);
        put_row(out, row, above, n, bits < 8 ? 1 : bits / 8,
                s->filter < 5 ? s->filter : i % 5);
        free(above);
        above = row;
    }
    free(above);
}

/* A zlib stream of stored blocks. */
static void put_stream(qvl_str *out, const uint8_t *p, size_t n)
{
    uint32_t a = 1, b = 0;
    qvl_str_putn(out, "\x78\x01", 2);
    for (size_t at = 0; at < n || at == 0; at += 40000) {
        size_t len = n - at < 40000 ? n - at : 40000;
        char head[] = { at + 40000 >= n, (char)len, (char)(len >> 8),
                        (char)~len, (char)(~len >> 8) };
        qvl_str_putn(out, head, sizeof head);
        qvl_str_putn(out, (const char *)p + at, len);
    }
    for (size_t i = 0; i < n; i++) {
        a = (a + p[i]) % 65521;
        b = (b + a) % 65521;
    }
    put_u32(out, b << 16 | a);
}

void png_pixels(qvl_str *out, const png_source *s)
{
    static const int pass[][4] = {
        { 0, 0, 8, 8 }, { 0, 4, 8, 8 }, { 4, 0, 8, 4 }, { 0, 2, 4, 4 },
        { 2, 0, 4, 2 }, { 0, 1, 2, 2 }, { 1, 0, 2, 1 },
    };
    qvl_str raw = { 0 };
    qvl_str packed = { 0 };
    if (!s->is_interlaced)
        put_pass(&raw, s, 0, 0, 1, 1);
    for (size_t i = 0; s->is_interlaced && i < QVL_COUNT(pass); i++)
        put_pass(&raw, s, pass[i][0], pass[i][1], pass[i][2], pass[i][3]);
    put_stream(&packed, (const uint8_t *)raw.p, raw.len);
    size_t step = s->piece_bytes > 0 ? s->piece_bytes : packed.len;
    for (size_t at = 0; at < packed.len; at += step)
        png_chunk(out, "IDAT", packed.p + at,
                  packed.len - at < step ? packed.len - at : step);
    qvl_str_release(&raw);
    qvl_str_release(&packed);
}

void png_write(qvl_str *out, const png_source *s)
{
    png_begin(out);
    png_header(out, s);
    if (s->palette != NULL)
        png_chunk(out, "PLTE", s->palette, (size_t)s->n_colours * 3);
    png_pixels(out, s);
    png_chunk(out, "IEND", "", 0);
}
