/* png.c - the chunks of a PNG file
 *
 * No colour is copied: the palette and the pixels are told as places in the file. All
 * chunks up to IEND are walked before a pixel is read, so a file that is cut costs no
 * decoding. Checksums and pixels are png_pixels.c's.
 */
#include "image/png.h"

#include <limits.h>
#include <string.h>

#include "image/exif.h"

static const uint8_t signature[] = { 0x89, 'P', 'N', 'G', '\r', '\n',
                                     0x1a, '\n' };

/* Depths of each colour type, a bit for each. */
static const uint32_t depths[] = {
    [0] = 1u << 1 | 1u << 2 | 1u << 4 | 1u << 8 | 1u << 16,
    [2] = 1u << 8 | 1u << 16,
    [3] = 1u << 1 | 1u << 2 | 1u << 4 | 1u << 8,
    [4] = 1u << 8 | 1u << 16,
    [6] = 1u << 8 | 1u << 16,
};

/* One chunk: u32 length, name, data, u32 checksum. */
typedef struct {
    size_t at;  // of the length
    size_t len;
    const uint8_t *name;  // [4]
    const uint8_t *data;  // [len]
} chunk;

#define CHUNK_EXTRA_BYTES 12

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8
           | p[3];
}

static bool is_named(const chunk *c, const char *name)
{
    return memcmp(c->name, name, 4) == 0;
}

static int read_chunk(chunk *c, size_t at, const qvl_image_file *file,
                      qvl_err *err)
{
    size_t left = file->len - at;
    if (left < CHUNK_EXTRA_BYTES
        || read_u32(file->p + at) > left - CHUNK_EXTRA_BYTES)
        return qvl_image_file_fail(file, err,
                                   "found the end of the file inside a chunk "
                                   "at byte %zu, expected an IEND chunk",
                                   at);
    *c = (chunk){ .at = at, .len = read_u32(file->p + at),
                  .name = file->p + at + 4, .data = file->p + at + 8 };
    return QVL_OK;
}

static int read_header(qvl_png *png, const chunk *c,
                       const qvl_image_file *file, qvl_err *err)
{
    if (!is_named(c, "IHDR") || c->len != 13)
        return qvl_image_file_fail(file, err, "found a PNG file without a "
                                              "header chunk, expected IHDR");
    uint32_t w = read_u32(c->data), h = read_u32(c->data + 4);
    uint32_t depth = c->data[8], kind = c->data[9];
    if (w == 0 || h == 0 || w > INT_MAX || h > INT_MAX)
        return qvl_image_file_fail(file, err, "found a size of %u x %u, "
                                              "expected sides from 1 to 2^31",
                                   (unsigned)h, (unsigned)w);
    if (kind >= QVL_COUNT(depths) || depth > 16
        || (depths[kind] >> depth & 1) == 0)
        return qvl_image_file_fail(file, err,
                                   "found colour type %u of %u bits, expected "
                                   "one that PNG has",
                                   (unsigned)kind, (unsigned)depth);
    if (c->data[10] != 0 || c->data[11] != 0 || c->data[12] > 1)
        return qvl_image_file_fail(file, err,
                                   "found compression %u, filter %u, "
                                   "interlace %u, expected 0, 0, and 0 or 1",
                                   c->data[10], c->data[11], c->data[12]);
    *png = (qvl_png){ .h = (int)h, .w = (int)w, .depth = (int)depth,
                      .kind = (int)kind, .orientation = 1,
                      .is_interlaced = c->data[12] == 1 };
    return QVL_OK;
}

static int read_palette(qvl_png *png, const chunk *c,
                        const qvl_image_file *file, qvl_err *err)
{
    if (c->len % 3 != 0 || c->len == 0 || c->len > 768
        || png->palette != NULL)
        return qvl_image_file_fail(file, err,
                                   "found a palette of %zu bytes at byte %zu, "
                                   "expected one of up to 256 colours",
                                   c->len, c->at);
    png->palette = c->data;
    png->n_colours = (int)(c->len / 3);
    return QVL_OK;
}

static int read_pixels(qvl_png *png, const chunk *c,
                       const qvl_image_file *file, qvl_err *err)
{
    if (png->data_at == 0)
        png->data_at = c->at;
    else if (png->data_end != c->at)
        return qvl_image_file_fail(file, err,
                                   "found pixels in two places, expected "
                                   "IDAT chunks one behind the other");
    png->data_end = c->at + c->len + CHUNK_EXTRA_BYTES;
    return QVL_OK;
}

static int read_any(qvl_png *png, const chunk *c, const qvl_image_file *file,
                    qvl_err *err)
{
    if (is_named(c, "PLTE"))
        return read_palette(png, c, file, err);
    if (is_named(c, "IDAT"))
        return read_pixels(png, c, file, err);
    if (is_named(c, "eXIf"))
        png->orientation = qvl_exif_orientation(c->data, c->len);
    /* A capital first letter: who does not know the chunk cannot show the
     * picture. */
    else if ((c->name[0] & 0x20) == 0)
        return qvl_image_file_fail(file, err,
                                   "found an unknown critical chunk at byte "
                                   "%zu, expected those of plain PNG",
                                   c->at);
    return QVL_OK;
}

bool qvl_png_is(const qvl_image_file *file)
{
    return file->len >= sizeof signature
           && memcmp(file->p, signature, sizeof signature) == 0;
}

int qvl_png_read(qvl_png *out, const qvl_image_file *file, qvl_err *err)
{
    qvl_png png;
    chunk c;
    QVL_TRY(read_chunk(&c, sizeof signature, file, err));
    QVL_TRY(read_header(&png, &c, file, err));
    for (;;) {
        QVL_TRY(read_chunk(&c, c.at + c.len + CHUNK_EXTRA_BYTES, file, err));
        if (is_named(&c, "IEND"))
            break;
        QVL_TRY(read_any(&png, &c, file, err));
    }
    png.end = c.at + c.len + CHUNK_EXTRA_BYTES;
    if (png.data_at == 0)
        return qvl_image_file_fail(file, err,
                                   "found no pixels, expected IDAT chunks");
    if (png.kind == 3 && png.palette == NULL)
        return qvl_image_file_fail(file, err, "found no palette, expected a "
                                              "PLTE chunk");
    *out = png;
    return QVL_OK;
}
