/* jpeg_stb.c - JPEG pixels by stb_image, where libjpeg-turbo is missing; no writer */
#include <limits.h>
#include <string.h>

#include "image/jpeg.h"
#include "image/jpeg_write.h"

#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

enum { DHT = 0xc4, EOI = 0xd9 };

/* Do the tables of a segment have 256 codes at most? Versions of stb_image
 * write behind an array when there are more. */
static bool has_sane_tables(const uint8_t *p, size_t len)
{
    while (len >= 17) {
        size_t n = 17;
        for (int i = 1; i <= 16; i++)
            n += p[i];
        if (n > 17 + 256 || n > len)
            return false;
        p += n;
        len -= n;
    }
    return len == 0;
}

/* Walk from segment to segment through the whole file, scans included: a
 * marker cannot be mistaken there, since ff is always followed by 00. stb_image
 * reads zeros behind the end of a file, so the end marker must be there. */
static bool is_whole(const qvl_image_file *file)
{
    size_t at = 2;
    while (at + 1 < file->len) {
        int marker = file->p[at + 1];
        size_t left = file->len - at - 2;
        if (file->p[at] != 0xff || marker < 0xc0 || marker == 0xff
            || (marker >= 0xd0 && marker <= 0xd8)) {
            at++;
            continue;
        }
        if (marker == EOI)
            return true;
        const uint8_t *p = file->p + at + 2;
        size_t len = left < 2 ? 0 : (size_t)p[0] << 8 | p[1];
        if (len < 2 || len > left
            || (marker == DHT && !has_sane_tables(p + 2, len - 2)))
            return false;
        at += 2 + len;
    }
    return false;
}

/* Pixels from the library's heap to ours; why it cannot be, else NULL. */
static const char *load(qvl_image *im, const qvl_image_file *file)
{
    int w, h, channels;
    stbi_uc *pixel = stbi_load_from_memory(file->p, (int)file->len, &w, &h,
                                           &channels, QVL_IMAGE_CHANNELS);
    if (pixel == NULL)
        return stbi_failure_reason();
    bool fits = w == im->w && h == im->h;
    if (fits)
        memcpy(im->pixel, pixel, qvl_image_bytes(im));
    stbi_image_free(pixel);
    return fits ? NULL : "two sizes in one file";
}

int qvl_jpeg_decode(qvl_image *out, const qvl_jpeg *jpeg,
                    const qvl_image_file *file, qvl_err *err)
{
    qvl_image im;
    if (file->len > INT_MAX || !is_whole(file))
        return qvl_image_file_fail(file, err,
                                   "found damaged segments, or no end marker "
                                   "within 2^31 bytes, expected a whole JPEG "
                                   "file");
    QVL_TRY(qvl_image_init(&im, jpeg->h, jpeg->w, err));
    const char *why = load(&im, file);
    if (why == NULL) {
        *out = im;
        return QVL_OK;
    }
    qvl_image_release(&im);
    if (strcmp(why, "outofmem") == 0)
        return qvl_fail(err, QVL_E_MEMORY, "no memory to decode %s",
                        file->name);
    return qvl_image_file_fail(file, err,
                               "found damaged or missing pixels (%s), "
                               "expected a whole JPEG file",
                               why);
}

const char *qvl_jpeg_decoder(void)
{
    return "stb_image";
}

bool qvl_jpeg_can_encode(void)
{
    return false;
}

int qvl_jpeg_encode(qvl_str *out, const uint8_t *rgb, int w, int h,
                    int quality, qvl_err *err)
{
    (void)out;
    (void)rgb;
    return qvl_fail(err, QVL_E_UNSUPPORTED, "JPEG: found a picture of %d x %d px"
                    " to write at quality %d, expected a build with "
                    "libjpeg-turbo", w, h, quality);
}
