/* png_write.c - rows filtered, compressed, put into chunks
 *
 * Each row takes the filter whose bytes are nearest to 0. The file is the same
 * for the same pixels and the same zlib.
 */
#include "image/png_write.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/file.h"
#include "image/image.h"

/* Compressed bytes that become one chunk. */
#define PIECE_BYTES 65536
#define N_FILTERS 5

/* One picture on its way. */
typedef struct {
    // borrowed
    const uint8_t *rgb;
    int w, h;
    qvl_str *out;
    qvl_err *err;
    // owned
    qvl_arena arena;
    z_stream z;
    bool is_open;  // z is

    size_t row_bytes;
    const uint8_t *above;      // [row_bytes] the row before
    uint8_t *row[N_FILTERS];   // [1 + row_bytes] filtered, its kind in front
    uint8_t *piece;            // [PIECE_BYTES]
} writing;

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put_chunk(qvl_str *out, const char *name, const uint8_t *data,
                      size_t n)
{
    uint8_t head[8];
    uint8_t tail[4];
    put_u32(head, (uint32_t)n);
    memcpy(head + 4, name, 4);
    uLong crc = crc32(0, head + 4, 4);
    if (n > 0)
        crc = crc32(crc, data, (uInt)n);
    put_u32(tail, (uint32_t)crc);
    qvl_str_putn(out, (const char *)head, sizeof head);
    qvl_str_putn(out, (const char *)data, n);
    qvl_str_putn(out, (const char *)tail, sizeof tail);
}

static void put_header(writing *w)
{
    static const char signature[] = "\x89PNG\r\n\x1a\n";
    uint8_t header[13] = { [8] = 8, [9] = 2 };  // 8 bits, colours
    qvl_str_putn(w->out, signature, sizeof signature - 1);
    put_u32(header, (uint32_t)w->w);
    put_u32(header + 4, (uint32_t)w->h);
    put_chunk(w->out, "IHDR", header, sizeof header);
}

/* What a filter predicts from the bytes left, above, and left above. */
static int predict(int filter, int a, int b, int c)
{
    switch (filter) {
    case 1: return a;
    case 2: return b;
    case 3: return (a + b) / 2;
    case 4: break;
    default: return 0;
    }
    int p = a + b - c;
    int pa = abs(p - a);
    int pb = abs(p - b);
    int pc = abs(p - c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* Filter a row; the result is how far its bytes are from 0, as signed ones. */
static uint64_t filter_row(const writing *w, const uint8_t *x, int filter)
{
    uint8_t *to = w->row[filter];
    uint64_t cost = 0;
    to[0] = (uint8_t)filter;
    for (size_t i = 0; i < w->row_bytes; i++) {
        bool is_first = i < QVL_IMAGE_CHANNELS;
        int a = is_first ? 0 : x[i - QVL_IMAGE_CHANNELS];
        int c = is_first ? 0 : w->above[i - QVL_IMAGE_CHANNELS];
        uint8_t d = (uint8_t)(x[i] - predict(filter, a, w->above[i], c));
        to[i + 1] = d;
        cost += d < 128 ? d : 256u - d;
    }
    return cost;
}

/* Move what has been compressed into chunks. */
static void compress_row(writing *w, uint8_t *row, size_t n, int flush)
{
    w->z.next_in = row;
    w->z.avail_in = (uInt)n;
    int rc;
    do {
        rc = deflate(&w->z, flush);
        assert(rc != Z_STREAM_ERROR);
        bool is_last = flush == Z_FINISH && rc == Z_STREAM_END;
        if (w->z.avail_out == 0 || is_last) {
            put_chunk(w->out, "IDAT", w->piece, PIECE_BYTES - w->z.avail_out);
            w->z.next_out = w->piece;
            w->z.avail_out = PIECE_BYTES;
        }
    } while (w->z.avail_in > 0 || (flush == Z_FINISH && rc != Z_STREAM_END));
}

static void put_row(writing *w, int y)
{
    const uint8_t *x = w->rgb + (size_t)y * w->row_bytes;
    int best = 0;
    uint64_t least = UINT64_MAX;
    for (int f = 0; f < N_FILTERS; f++) {
        uint64_t cost = filter_row(w, x, f);
        if (cost < least) {
            least = cost;
            best = f;
        }
    }
    compress_row(w, w->row[best], 1 + w->row_bytes, Z_NO_FLUSH);
    w->above = x;
}

static int encode(void *arg)
{
    writing *w = arg;
    for (int f = 0; f < N_FILTERS; f++)
        w->row[f] = qvl_arena_alloc(&w->arena, 1 + w->row_bytes);
    w->piece = qvl_arena_alloc(&w->arena, PIECE_BYTES);
    w->above = qvl_arena_alloc(&w->arena, w->row_bytes);
    if (deflateInit(&w->z, Z_DEFAULT_COMPRESSION) != Z_OK)
        return qvl_fail(w->err, QVL_E_MEMORY, "host memory: none is left to "
                        "compress a picture of %d x %d pixels", w->w, w->h);
    w->is_open = true;
    w->z.next_out = w->piece;
    w->z.avail_out = PIECE_BYTES;
    put_header(w);
    for (int y = 0; y < w->h; y++)
        put_row(w, y);
    compress_row(w, NULL, 0, Z_FINISH);
    put_chunk(w->out, "IEND", NULL, 0);
    return QVL_OK;
}

int qvl_png_encode(qvl_str *out, const uint8_t *rgb, int w, int h,
                   qvl_err *err)
{
    assert(out != NULL && rgb != NULL && w > 0 && h > 0);
    assert(w < INT_MAX / QVL_IMAGE_CHANNELS);

    size_t before = out->len;
    writing state = { .rgb = rgb, .w = w, .h = h, .out = out, .err = err,
                      .row_bytes = (size_t)w * QVL_IMAGE_CHANNELS };
    int rc = qvl_guard(encode, &state, err);
    if (state.is_open)
        deflateEnd(&state.z);
    qvl_arena_release(&state.arena);
    if (rc != QVL_OK && out->p != NULL) {
        out->len = before;
        out->p[before] = '\0';
    }
    return rc;
}

int qvl_png_write(const char *path, const uint8_t *rgb, int w, int h,
                  qvl_err *err)
{
    qvl_str text = { 0 };
    int rc = qvl_png_encode(&text, rgb, w, h, err);
    if (rc == QVL_OK)
        rc = qvl_file_write_all(path, text.p, text.len, err);
    qvl_str_release(&text);
    return rc;
}
