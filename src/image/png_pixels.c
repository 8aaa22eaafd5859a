/* png_pixels.c - from compressed rows to red, green, blue
 *
 * Rows come out of the compressor one by one: a byte that names a filter, then
 * the samples of the row, each byte as a difference to its neighbours. With
 * interlacing the picture is seven smaller ones, whose pixels stand in a grid.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "image/png.h"

#define CHUNK_HEAD_BYTES 8
#define CHUNK_EXTRA_BYTES 12
/* A compressed byte becomes this many at most (deflate: 258 for two bits). */
#define MAX_INFLATION 1032

/* One smaller picture: its first pixel, and the steps to the next. */
typedef struct {
    int y, x, dy, dx;
} pass;

static const pass whole = { 0, 0, 1, 1 };
static const pass interlaced[] = {
    { 0, 0, 8, 8 }, { 0, 4, 8, 8 }, { 4, 0, 8, 4 }, { 0, 2, 4, 4 },
    { 2, 0, 4, 2 }, { 0, 1, 2, 2 }, { 1, 0, 2, 1 },
};

typedef struct {
    // borrowed
    const qvl_png *png;
    const qvl_image_file *file;
    qvl_image *im;
    qvl_err *err;
    // owned
    uint8_t *rows;  // two rows, each behind `unit` zeros
    z_stream z;
    bool has_z;
    // places in them
    uint8_t *row;    // the one that is decoded
    uint8_t *above;  // the one before it
    size_t unit;     // bytes of a pixel, at least 1
    size_t chunk_at; // next chunk of pixels
    bool on_white;
} decoder;

static int n_samples(const qvl_png *png)
{
    static const int of_kind[] = { [0] = 1, [2] = 3, [3] = 1, [4] = 2,
                                   [6] = 4 };
    return of_kind[png->kind];
}

/* Bytes of n pixels in a row. */
static size_t row_bytes(const qvl_png *png, int n)
{
    size_t bits = (size_t)n * (size_t)(n_samples(png) * png->depth);
    return (bits + 7) / 8;
}

static size_t chunk_len(const uint8_t *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

/* ---- compressed data ---------------------------------------------------- */

static int check_sums(const qvl_png *png, const qvl_image_file *file,
                      qvl_err *err)
{
    size_t at = 8;
    while (at < png->end) {
        const uint8_t *p = file->p + at;
        size_t len = chunk_len(p);
        const uint8_t *s = p + CHUNK_HEAD_BYTES + len;
        uint32_t sum = (uint32_t)chunk_len(s);
        if (crc32_z(0, p + 4, len + 4) != sum)
            return qvl_image_file_fail(file, err,
                                       "found a wrong checksum of the chunk "
                                       "at byte %zu, expected an undamaged "
                                       "file",
                                       at);
        at += len + CHUNK_EXTRA_BYTES;
    }
    return QVL_OK;
}

/* Can the chunks hold so many rows? Without it a few bytes could ask for the memory of
 * the largest picture. */
static int check_room(const qvl_png *png, const qvl_image_file *file,
                      qvl_err *err)
{
    size_t bytes = png->data_end - png->data_at;
    size_t rows = bytes * MAX_INFLATION / (row_bytes(png, png->w) + 1);
    if (rows >= (size_t)png->h)
        return QVL_OK;
    return qvl_image_file_fail(file, err,
                               "found pixels in %zu bytes, expected more for "
                               "%d x %d of them",
                               bytes, png->h, png->w);
}

/* Give the next chunk of pixels to the decompressor. */
static int feed(decoder *d)
{
    if (d->chunk_at >= d->png->data_end)
        return qvl_image_file_fail(d->file, d->err,
                                   "found the end of the pixels, expected "
                                   "%d rows of them",
                                   d->png->h);
    const uint8_t *p = d->file->p + d->chunk_at;
    size_t len = chunk_len(p);
    d->z.next_in = (z_const Bytef *)(p + CHUNK_HEAD_BYTES);
    d->z.avail_in = (uInt)len;
    d->chunk_at += len + CHUNK_EXTRA_BYTES;
    return QVL_OK;
}

/* Take the next n bytes out of the compressed data. */
static int inflate_bytes(decoder *d, uint8_t *out, size_t n)
{
    d->z.next_out = out;
    d->z.avail_out = (uInt)n;
    while (d->z.avail_out > 0) {
        if (d->z.avail_in == 0)
            QVL_TRY(feed(d));
        if (d->z.avail_in == 0)
            continue;
        int rc = inflate(&d->z, Z_NO_FLUSH);
        if (rc == Z_MEM_ERROR)
            return qvl_fail(d->err, QVL_E_MEMORY,
                            "no memory to decompress %s", d->file->name);
        if (rc != Z_OK && !(rc == Z_STREAM_END && d->z.avail_out == 0))
            return qvl_image_file_fail(d->file, d->err,
                                       "found damaged or missing pixels%s%s, "
                                       "expected %d rows of them",
                                       d->z.msg != NULL ? ": " : "",
                                       d->z.msg != NULL ? d->z.msg : "",
                                       d->png->h);
    }
    return QVL_OK;
}

/* ---- filters ------------------------------------------------------------ */

/* The neighbour that is nearest to left + above - corner. */
static uint8_t paeth(int left, int above, int corner)
{
    int dl = abs(above - corner);
    int da = abs(left - corner);
    int dc = abs(left + above - 2 * corner);
    if (dl <= da && dl <= dc)
        return (uint8_t)left;
    return (uint8_t)(da <= dc ? above : corner);
}

/* Add the neighbours to a row of n bytes. Both rows have `unit` zeros before
 * them, so a first pixel needs no rule of its own. */
static void unfilter(uint8_t *row, const uint8_t *above, size_t n,
                     size_t unit, int filter)
{
    const uint8_t *left = row - unit;
    const uint8_t *corner = above - unit;
    switch (filter) {
    case 1:
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(row[i] + left[i]);
        break;
    case 2:
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(row[i] + above[i]);
        break;
    case 3:
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(row[i] + (left[i] + above[i]) / 2);
        break;
    case 4:
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(row[i] + paeth(left[i], above[i], corner[i]));
        break;
    default:
        break;
    }
}

/* Read the next row of n bytes into d->row. */
static int read_row(decoder *d, size_t n)
{
    uint8_t filter;
    uint8_t *last = d->row;
    d->row = d->above;
    d->above = last;
    QVL_TRY(inflate_bytes(d, &filter, 1));
    QVL_TRY(inflate_bytes(d, d->row, n));
    if (filter > 4)
        return qvl_image_file_fail(d->file, d->err,
                                   "found row filter %u, expected 0 to 4",
                                   filter);
    unfilter(d->row, d->above, n, d->unit, filter);
    return QVL_OK;
}

/* ---- samples ------------------------------------------------------------ */

/* Sample x of a row whose samples have up to 8 bits. */
static unsigned small_sample(const uint8_t *row, int x, int depth)
{
    size_t bit = (size_t)x * (size_t)depth;
    unsigned shift = 8 - (unsigned)depth - (unsigned)(bit % 8);
    return row[bit / 8] >> shift & ((1u << depth) - 1);
}

/* The converters write n pixels of d->row, `step` bytes from one to the
 * next. */
static void put_grey(const decoder *d, int n, uint8_t *out, size_t step)
{
    int depth = d->png->depth;
    unsigned scale = depth < 8 ? 255 / ((1u << depth) - 1) : 1;
    for (int x = 0; x < n; x++, out += step) {
        const uint8_t *p = d->row + 2 * (size_t)x;
        unsigned v;
        if (depth == 16)
            v = p[0] > 0 ? 255 : p[1];
        else
            v = small_sample(d->row, x, depth) * scale;
        out[0] = out[1] = out[2] = (uint8_t)v;
    }
}

static int put_palette(const decoder *d, int n, uint8_t *out, size_t step)
{
    for (int x = 0; x < n; x++, out += step) {
        unsigned v = small_sample(d->row, x, d->png->depth);
        if (v >= (unsigned)d->png->n_colours)
            return qvl_image_file_fail(d->file, d->err,
                                       "found colour %u, expected one of a "
                                       "palette of %d",
                                       v, d->png->n_colours);
        memcpy(out, d->png->palette + 3 * v, 3);
    }
    return QVL_OK;
}

/* v over white with opacity a, rounded as Pillow rounds it. */
static uint8_t over_white(unsigned v, unsigned a)
{
    unsigned sum = 255 * (255 - a) + v * a + 128;
    return (uint8_t)(((sum >> 8) + sum) >> 8);
}

/* Grey with alpha, colour, colour with alpha. */
static void put_bytes(const decoder *d, int n, uint8_t *out, size_t step)
{
    size_t bytes = (size_t)d->png->depth / 8;  // of a sample, high one first
    size_t green = d->png->kind == 4 ? 0 : bytes;
    size_t alpha = d->unit - bytes;
    const uint8_t *p = d->row;
    for (int x = 0; x < n; x++, out += step, p += d->unit) {
        out[0] = p[0];
        out[1] = p[green];
        out[2] = p[2 * green];
        for (int c = 0; d->on_white && c < 3; c++)
            out[c] = over_white(out[c], p[alpha]);
    }
}

static int put_row(const decoder *d, int n, uint8_t *out, size_t step)
{
    if (d->png->kind == 3)
        return put_palette(d, n, out, step);
    if (d->png->kind == 0)
        put_grey(d, n, out, step);
    else
        put_bytes(d, n, out, step);
    return QVL_OK;
}

/* ---- the picture -------------------------------------------------------- */

static int decode_pass(decoder *d, const pass *s)
{
    int n = (d->png->w - s->x + s->dx - 1) / s->dx;
    if (n <= 0)
        return QVL_OK;
    size_t bytes = row_bytes(d->png, n);
    memset(d->row, 0, bytes);
    for (int y = s->y; y < d->png->h; y += s->dy) {
        QVL_TRY(read_row(d, bytes));
        QVL_TRY(put_row(d, n,
                        qvl_image_row(d->im, y)
                            + (size_t)s->x * QVL_IMAGE_CHANNELS,
                        (size_t)s->dx * QVL_IMAGE_CHANNELS));
    }
    return QVL_OK;
}

static int decode_all(decoder *d)
{
    size_t n = d->unit + row_bytes(d->png, d->png->w);
    d->rows = calloc(2, n);
    if (d->rows == NULL || inflateInit(&d->z) != Z_OK)
        return qvl_fail(d->err, QVL_E_MEMORY, "no memory to decompress %s",
                        d->file->name);
    d->has_z = true;
    d->row = d->rows + d->unit;
    d->above = d->row + n;
    if (!d->png->is_interlaced)
        return decode_pass(d, &whole);
    for (size_t i = 0; i < QVL_COUNT(interlaced); i++)
        QVL_TRY(decode_pass(d, &interlaced[i]));
    return QVL_OK;
}

int qvl_png_decode(qvl_image *out, const qvl_png *png,
                   const qvl_image_file *file, bool alpha_on_white,
                   qvl_err *err)
{
    qvl_image im = { 0 };
    QVL_TRY(check_room(png, file, err));
    QVL_TRY(check_sums(png, file, err));
    QVL_TRY(qvl_image_init(&im, png->h, png->w, err));
    decoder d = {
        .png = png,
        .file = file,
        .im = &im,
        .err = err,
        .unit = row_bytes(png, 1),
        .chunk_at = png->data_at,
        .on_white = alpha_on_white
                    && (png->kind == 6
                        || (png->kind == 4 && png->depth == 16)),
    };
    int rc = decode_all(&d);
    if (d.has_z)
        inflateEnd(&d.z);
    free(d.rows);
    if (rc == QVL_OK)
        *out = im;
    else
        qvl_image_release(&im);
    return rc;
}
