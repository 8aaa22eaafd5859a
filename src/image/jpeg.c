/* jpeg.c - the segments of a JPEG file */
#include "image/jpeg.h"

#include <string.h>

#include "image/exif.h"

/* Second bytes of markers. */
enum {
    TEM = 0x01,
    SOF0 = 0xc0,
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    SOF15 = 0xcf,
    RST0 = 0xd0,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    APP1 = 0xe1,
};

static const uint8_t exif_mark[] = { 'E', 'x', 'i', 'f', 0, 0 };

static size_t read_u16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

/* One segment: marker, u16 length that counts itself, data. */
typedef struct {
    int marker;
    const uint8_t *data;
    size_t len;
    size_t next;  // behind the data
} segment;

/* The next marker from `at` on; 0 at the end of the file. */
static int next_marker(const qvl_image_file *file, size_t *at)
{
    for (size_t i = *at; i + 1 < file->len; i++) {
        int second = file->p[i + 1];
        if (file->p[i] == 0xff && second != 0 && second != 0xff) {
            *at = i;
            return second;
        }
    }
    return 0;
}

static bool is_alone(int marker)
{
    return marker == TEM || (marker >= RST0 && marker <= SOI);
}

static int read_segment(segment *s, size_t at, const qvl_image_file *file,
                        qvl_err *err)
{
    s->marker = next_marker(file, &at);
    if (s->marker == 0 || s->marker == EOI)
        return qvl_image_file_fail(file, err,
                                   "found the end of the file before its "
                                   "pixels, expected a whole JPEG file");
    s->data = file->p + at + 2;
    s->len = 0;
    s->next = at + 2;
    if (is_alone(s->marker))
        return QVL_OK;
    size_t left = file->len - s->next;
    size_t len = left < 2 ? 0 : read_u16(s->data);
    if (len < 2 || len > left)
        return qvl_image_file_fail(file, err,
                                   "found the end of the file inside a "
                                   "segment at byte %zu, expected a whole "
                                   "JPEG file",
                                   at);
    s->data += 2;
    s->len = len - 2;
    s->next += len;
    return QVL_OK;
}

static bool is_frame(int marker)
{
    return marker >= SOF0 && marker <= SOF15 && marker != DHT
           && marker != JPG && marker != DAC;
}

/* Blocks of `part` of `most` samples along a side. */
static size_t blocks_along(int side, int part, int most)
{
    size_t all = (size_t)side * (size_t)part;
    return (all + 8 * (size_t)most - 1) / (8 * (size_t)most);
}

/* Fewest blocks of a colour. Its byte behind the name has the samples it has across
 * and down, where others may have more; a frame that is cut here, or has none, is left
 * to the decoder. */
static size_t count_blocks(const qvl_jpeg *jpeg, const segment *s)
{
    int n = s->len > 5 ? s->data[5] : 0, most_x = 1, most_y = 1;
    size_t fewest = SIZE_MAX;
    const uint8_t *colour = s->data + 6;
    if (n == 0 || s->len < 6 + 3 * (size_t)n)
        return 0;
    for (int i = 0; i < n; i++) {
        int x = colour[3 * i + 1] >> 4, y = colour[3 * i + 1] & 15;
        most_x = x > most_x ? x : most_x;
        most_y = y > most_y ? y : most_y;
    }
    for (int i = 0; i < n; i++) {
        size_t here = blocks_along(jpeg->w, colour[3 * i + 1] >> 4, most_x)
                      * blocks_along(jpeg->h, colour[3 * i + 1] & 15, most_y);
        fewest = here < fewest ? here : fewest;
    }
    return fewest;
}

static int read_frame(qvl_jpeg *jpeg, const segment *s,
                      const qvl_image_file *file, qvl_err *err)
{
    if (s->len < 6)
        return qvl_image_file_fail(file, err,
                                   "found a frame header of %zu bytes, "
                                   "expected 6 or more",
                                   s->len);
    jpeg->h = (int)read_u16(s->data + 1);
    jpeg->w = (int)read_u16(s->data + 3);
    if (jpeg->h == 0 || jpeg->w == 0)
        return qvl_image_file_fail(file, err, "found a size of %d x %d, "
                                              "expected sides above 0",
                                   jpeg->h, jpeg->w);
    jpeg->n_blocks = count_blocks(jpeg, s);
    return QVL_OK;
}

int qvl_jpeg_check_room(const qvl_jpeg *jpeg, const qvl_image_file *file,
                        qvl_err *err)
{
    if (jpeg->n_blocks / 8 <= file->len)
        return QVL_OK;
    return qvl_image_file_fail(file, err,
                               "found %zu bytes, expected more for %d x %d "
                               "pixels",
                               file->len, jpeg->h, jpeg->w);
}

/* Some seconds of decoding, in pixels times scans. */
#define SCANNED_PIXELS 4000000000u
enum { LEAST_SCANS = 32, MOST_SCANS = 500 };

int qvl_jpeg_most_scans(const qvl_jpeg *jpeg)
{
    size_t n = SCANNED_PIXELS / ((size_t)jpeg->h * (size_t)jpeg->w);
    if (n > MOST_SCANS)
        return MOST_SCANS;
    return n < LEAST_SCANS ? LEAST_SCANS : (int)n;
}

bool qvl_jpeg_is(const qvl_image_file *file)
{
    return file->len >= 3 && file->p[0] == 0xff && file->p[1] == SOI
           && file->p[2] == 0xff;
}

int qvl_jpeg_read(qvl_jpeg *out, const qvl_image_file *file, qvl_err *err)
{
    qvl_jpeg jpeg = { .orientation = 1 };
    bool has_exif = false;
    segment s = { .next = 2 };
    while (s.marker != SOS) {
        QVL_TRY(read_segment(&s, s.next, file, err));
        if (is_frame(s.marker) && jpeg.h == 0)
            QVL_TRY(read_frame(&jpeg, &s, file, err));
        if (s.marker == APP1 && !has_exif && s.len >= sizeof exif_mark
            && memcmp(s.data, exif_mark, sizeof exif_mark) == 0) {
            jpeg.orientation = qvl_exif_orientation(
                s.data + sizeof exif_mark, s.len - sizeof exif_mark);
            has_exif = true;
        }
    }
    if (jpeg.h == 0)
        return qvl_image_file_fail(file, err, "found no size before the "
                                              "pixels, expected a frame "
                                              "header");
    *out = jpeg;
    return QVL_OK;
}
