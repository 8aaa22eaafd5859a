/* make_jpeg.c - a small encoder of baseline JPEG, for pictures that no library writes */
#include "make_jpeg.h"

#include <string.h>

/* Codes: a difference of up to 11 bits has a code of 4 bits, its number of
 * bits; the end of a block is a single 0. */
#define N_LENGTHS 12

static void put_u16(qvl_str *out, int v)
{
    qvl_str_putc(out, (char)(v >> 8));
    qvl_str_putc(out, (char)v);
}

static void put_segment(qvl_str *out, int marker, const void *p, size_t n)
{
    qvl_str_putc(out, (char)0xff);
    qvl_str_putc(out, (char)marker);
    put_u16(out, (int)n + 2);
    qvl_str_putn(out, p, n);
}

static void put_tables(qvl_str *out)
{
    uint8_t quant[65] = { 0 };
    memset(quant + 1, 1, 64);
    put_segment(out, 0xdb, quant, sizeof quant);
    uint8_t dc[17 + N_LENGTHS] = { [4] = N_LENGTHS };
    for (int i = 0; i < N_LENGTHS; i++)
        dc[17 + i] = (uint8_t)i;
    put_segment(out, 0xc4, dc, sizeof dc);
    uint8_t ac[18] = { 0x10, [1] = 1 };
    put_segment(out, 0xc4, ac, sizeof ac);
}

static void put_frame(qvl_str *out, const jpeg_source *s)
{
    qvl_str frame = { 0 };
    qvl_str_putc(&frame, 8);
    put_u16(&frame, s->h);
    put_u16(&frame, s->w);
    qvl_str_putc(&frame, (char)s->n_components);
    for (int c = 0; c < s->n_components; c++) {
        qvl_str_putc(&frame, (char)(c + 1));
        qvl_str_putc(&frame, 0x11);
        qvl_str_putc(&frame, 0);
    }
    put_segment(out, 0xc0, frame.p, frame.len);
    qvl_str_release(&frame);
}

typedef struct {
    qvl_str *out;
    unsigned bits;
    int n;
} bit_writer;

static void put_bits(bit_writer *b, unsigned v, int n)
{
    while (n-- > 0) {
        b->bits = b->bits << 1 | (v >> n & 1);
        if (++b->n < 8)
            continue;
        qvl_str_putc(b->out, (char)b->bits);
        if ((b->bits & 255) == 255)
            qvl_str_putc(b->out, 0);
        b->n = 0;
    }
}

static void put_block(bit_writer *b, int difference)
{
    int size = difference < 0 ? -difference : difference;
    int length = 0;
    while (size >> length != 0)
        length++;
    put_bits(b, (unsigned)length, 4);
    put_bits(b, (unsigned)(difference < 0 ? difference - 1 : difference),
             length);
    put_bits(b, 0, 1);
}

/* One scan of the components from c on. */
static void put_scan(qvl_str *out, const jpeg_source *s, int c, int n)
{
    char head[12] = { (char)n };
    for (int i = 0; i < n; i++)
        head[1 + 2 * i] = (char)(c + i + 1);
    head[2 + 2 * n] = 63;
    put_segment(out, 0xda, head, (size_t)(4 + 2 * n));
    bit_writer b = { .out = out };
    int n_blocks = (s->h + 7) / 8 * ((s->w + 7) / 8);
    for (int k = 0; k < n_blocks; k++)
        for (int i = c; i < c + n; i++)
            put_block(&b, k == 0 ? 8 * (s->value[i] - 128) : 0);
    while (b.n != 0)
        put_bits(&b, 1, 1);
}

void jpeg_write(qvl_str *out, const jpeg_source *s)
{
    qvl_str_putn(out, "\xff\xd8", 2);
    if (s->exif != NULL) {
        qvl_str exif = { 0 };
        qvl_str_putn(&exif, "Exif\0\0", 6);
        qvl_str_putn(&exif, (const char *)s->exif, s->n_exif);
        put_segment(out, 0xe1, exif.p, exif.len);
        qvl_str_release(&exif);
    }
    if (s->adobe >= 0) {
        char adobe[12] = { 'A', 'd', 'o', 'b', 'e', 0, 100 };
        adobe[11] = (char)s->adobe;
        put_segment(out, 0xee, adobe, sizeof adobe);
    }
    put_tables(out);
    put_frame(out, s);
    if (s->n_scans == 0)
        put_scan(out, s, 0, s->n_components);
    for (int i = 0; i < s->n_scans; i++)
        put_scan(out, s, i < s->n_components ? i : s->n_components - 1, 1);
    qvl_str_putn(out, "\xff\xd9", 2);
}
