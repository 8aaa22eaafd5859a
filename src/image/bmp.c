/* bmp.c - BMP files */
#include "image/bmp.h"

#include <limits.h>

/* Offsets in the two headers: that of the file, then that of the picture. */
enum {
    AT_PIXELS = 10,
    AT_INFO_BYTES = 14,
    AT_W = 18,
    AT_H = 22,
    AT_BITS = 28,
    AT_COMPRESSION = 30,
    AT_MASKS = 54,  // of red, green, blue with BIT_FIELDS
    HEADER_BYTES = 54,
    MASK_BYTES = 12
};

enum { PLAIN = 0, BIT_FIELDS = 3 };

static uint32_t read_u32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16
           | (uint32_t)p[3] << 24;
}

/* Do the colours stand as blue, green, red? */
static bool is_plain(const qvl_image_file *file, unsigned bits)
{
    const uint8_t *p = file->p;
    uint32_t compression = read_u32(p + AT_COMPRESSION);
    if (bits == 24 || compression != BIT_FIELDS)
        return compression == PLAIN;
    return file->len >= HEADER_BYTES + MASK_BYTES
           && read_u32(p + AT_MASKS) == 0xff0000
           && read_u32(p + AT_MASKS + 4) == 0xff00
           && read_u32(p + AT_MASKS + 8) == 0xff;
}

bool qvl_bmp_is(const qvl_image_file *file)
{
    return file->len >= 2 && file->p[0] == 'B' && file->p[1] == 'M';
}

int qvl_bmp_read(qvl_bmp *bmp, const qvl_image_file *file, qvl_err *err)
{
    const uint8_t *p = file->p;
    if (file->len < HEADER_BYTES || read_u32(p + AT_INFO_BYTES) < 40)
        return qvl_image_file_fail(file, err,
                                   "found a BMP header that is cut or of the "
                                   "oldest kind, expected 40 bytes or more");
    int64_t w = (int32_t)read_u32(p + AT_W), h = (int32_t)read_u32(p + AT_H);
    bool top_first = h < 0;
    h = top_first ? -h : h;
    if (w < 1 || h < 1 || h > INT_MAX)
        return qvl_image_file_fail(file, err, "found a size of %lld x %lld, "
                                              "expected sides above 0",
                                   (long long)h, (long long)w);
    unsigned bits = p[AT_BITS] | (unsigned)p[AT_BITS + 1] << 8;
    if ((bits != 24 && bits != 32) || !is_plain(file, bits))
        return qvl_image_file_fail(file, err,
                                   "found a BMP of %u bits, compression %u, "
                                   "expected plain colours of 24 or 32 bits",
                                   bits,
                                   (unsigned)read_u32(p + AT_COMPRESSION));
    size_t row = ((size_t)w * bits + 31) / 32 * 4;
    size_t at = read_u32(p + AT_PIXELS);
    if (at < HEADER_BYTES || at > file->len
        || (size_t)h > (file->len - at) / row)
        return qvl_image_file_fail(file, err,
                                   "found %zu bytes with pixels from byte "
                                   "%zu on, expected %lld rows of %zu",
                                   file->len, at, (long long)h, row);
    *bmp = (qvl_bmp){ .h = (int)h, .w = (int)w, .top_first = top_first,
                      .pixel_bytes = bits / 8, .row_bytes = row,
                      .pixels_at = at };
    return QVL_OK;
}

int qvl_bmp_decode(qvl_image *im, const qvl_bmp *bmp,
                   const qvl_image_file *file, qvl_err *err)
{
    QVL_TRY(qvl_image_init(im, bmp->h, bmp->w, err));
    for (int y = 0; y < bmp->h; y++) {
        int from = bmp->top_first ? y : bmp->h - 1 - y;
        const uint8_t *p = file->p + bmp->pixels_at
                           + (size_t)from * bmp->row_bytes;
        uint8_t *out = qvl_image_row(im, y);
        for (int x = 0; x < bmp->w; x++, out += 3, p += bmp->pixel_bytes) {
            out[0] = p[2];
            out[1] = p[1];
            out[2] = p[0];
        }
    }
    return QVL_OK;
}
