/* jpeg_stb.c - JPEG pixels by stb_image, where libjpeg-turbo is missing; no writer */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "image/jpeg.h"
#include "image/jpeg_write.h"

/* Zeroed: the library reads tables and samples that a file has left out. */
#define STBI_MALLOC(bytes) calloc(1, bytes)
#define STBI_REALLOC(p, bytes) realloc(p, bytes)
#define STBI_FREE(p) free(p)
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

enum { SOF2 = 0xc2, DHT = 0xc4, EOI = 0xd9, SOS = 0xda };

/* What the segments of a file have said so far. */
typedef struct {
    unsigned tables;      // a bit for each: 0 to 15 of the first number of a
                          // coefficient block, 16 to 31 of the others
    bool is_progressive;
    int n_scans, most_scans;
} segments;

/* Do the tables of a segment have 256 codes at most? Versions of stb_image
 * write behind an array when there are more. */
static bool note_tables(segments *s, const uint8_t *p, size_t len)
{
    while (len >= 17) {
        size_t n = 17;
        for (int i = 1; i <= 16; i++)
            n += p[i];
        if (n > 17 + 256 || n > len)
            return false;
        s->tables |= 1u << (p[0] & 31);
        p += n;
        len -= n;
    }
    return len == 0;
}

/* Are the tables of a scan there? Versions of stb_image read those that are not. */
static bool note_scan(segments *s, const uint8_t *p, size_t len)
{
    size_t n = len > 0 ? p[0] : 0;
    if (len < 4 + 2 * n || s->n_scans++ == s->most_scans)
        return false;
    bool is_first = p[1 + 2 * n] == 0, is_refined = p[3 + 2 * n] >> 4 != 0;
    bool needs_first = !s->is_progressive || (is_first && !is_refined);
    bool needs_others = !s->is_progressive || !is_first;
    for (size_t i = 0; i < n; i++) {
        int first = p[2 + 2 * i] >> 4, others = 16 + (p[2 + 2 * i] & 15);
        if ((needs_first && (s->tables >> first & 1u) == 0)
            || (needs_others && (s->tables >> others & 1u) == 0))
            return false;
    }
    return true;
}

static bool note_segment(segments *s, int marker, const uint8_t *p, size_t len)
{
    s->is_progressive = s->is_progressive || marker == SOF2;
    if (marker == DHT)
        return note_tables(s, p, len);
    return marker != SOS || note_scan(s, p, len);
}

/* Walk from segment to segment through the whole file, scans included: a
 * marker cannot be mistaken there, since ff is always followed by 00. stb_image
 * reads zeros behind the end of a file, so the end marker must be there. */
static bool is_whole(const qvl_jpeg *jpeg, const qvl_image_file *file)
{
    segments s = { .most_scans = qvl_jpeg_most_scans(jpeg) };
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
        if (len < 2 || len > left || !note_segment(&s, marker, p + 2, len - 2))
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
    if (file->len > INT_MAX || !is_whole(jpeg, file))
        return qvl_image_file_fail(file, err,
                                   "found damaged or missing segments, too "
                                   "many scans, or no end marker within 2^31 "
                                   "bytes, expected a whole JPEG file");
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
