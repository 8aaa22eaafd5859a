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
    return QVL_OK;
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
