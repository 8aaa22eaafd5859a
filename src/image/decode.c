/* decode.c - formats, limits, orientation
 *
 * A format is a row of the table: whether a file is one, what its header says, its
 * pixels as stored. The size is checked between the last two, so no decoder meets a
 * picture beyond the limit; turning comes last, here, for all formats.
 */
#include "image/decode.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"
#include "image/bmp.h"
#include "image/jpeg.h"
#include "image/png.h"

/* What a file says of itself. */
typedef struct {
    int h, w;         // as stored
    int orientation;  // 1 to 8
    qvl_jpeg jpeg;
    qvl_png png;
    qvl_bmp bmp;
} header;

typedef struct {
    bool (*is)(const qvl_image_file *file);
    int (*read)(header *head, const qvl_image_file *file, qvl_err *err);
    int (*decode)(qvl_image *im, const header *head,
                  const qvl_image_file *file, const qvl_decode_options *o,
                  qvl_err *err);
} format;

/* ---- formats ------------------------------------------------------------ */

static int read_jpeg(header *head, const qvl_image_file *file, qvl_err *err)
{
    QVL_TRY(qvl_jpeg_read(&head->jpeg, file, err));
    head->h = head->jpeg.h;
    head->w = head->jpeg.w;
    head->orientation = head->jpeg.orientation;
    return QVL_OK;
}

static int decode_jpeg(qvl_image *im, const header *head,
                       const qvl_image_file *file,
                       const qvl_decode_options *o, qvl_err *err)
{
    (void)o;
    QVL_TRY(qvl_jpeg_check_room(&head->jpeg, file, err));
    return qvl_jpeg_decode(im, &head->jpeg, file, err);
}

static int read_png(header *head, const qvl_image_file *file, qvl_err *err)
{
    QVL_TRY(qvl_png_read(&head->png, file, err));
    head->h = head->png.h;
    head->w = head->png.w;
    head->orientation = head->png.orientation;
    return QVL_OK;
}

static int decode_png(qvl_image *im, const header *head,
                      const qvl_image_file *file,
                      const qvl_decode_options *o, qvl_err *err)
{
    return qvl_png_decode(im, &head->png, file, o->alpha_on_white, err);
}

static int read_bmp(header *head, const qvl_image_file *file, qvl_err *err)
{
    QVL_TRY(qvl_bmp_read(&head->bmp, file, err));
    head->h = head->bmp.h;
    head->w = head->bmp.w;
    head->orientation = 1;
    return QVL_OK;
}

static int decode_bmp(qvl_image *im, const header *head,
                      const qvl_image_file *file,
                      const qvl_decode_options *o, qvl_err *err)
{
    (void)o;
    return qvl_bmp_decode(im, &head->bmp, file, err);
}

static const format formats[] = {
    [QVL_IMAGE_JPEG] = { qvl_jpeg_is, read_jpeg, decode_jpeg },
    [QVL_IMAGE_PNG] = { qvl_png_is, read_png, decode_png },
    [QVL_IMAGE_BMP] = { qvl_bmp_is, read_bmp, decode_bmp },
};

/* ---- a file ------------------------------------------------------------- */

int qvl_image_file_fail(const qvl_image_file *file, qvl_err *err,
                        const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return qvl_fail(err, QVL_E_DATA, "picture (%s): %s", file->name, text);
}

static const qvl_decode_options *or_default(const qvl_decode_options *o)
{
    static const qvl_decode_options preset = { 0 };
    return o != NULL ? o : &preset;
}

static int find_format(const format **out, const qvl_image_file *file,
                       qvl_err *err)
{
    for (size_t i = 0; i < QVL_COUNT(formats); i++)
        if (formats[i].is(file)) {
            *out = &formats[i];
            return QVL_OK;
        }
    return qvl_image_file_fail(file, err,
                               "found %zu bytes of another kind, expected a "
                               "JPEG, PNG or BMP file",
                               file->len);
}

static int check_size(const header *head, const qvl_image_file *file,
                      const qvl_decode_options *o, qvl_err *err)
{
    size_t most = o->max_pixels > 0 ? o->max_pixels : QVL_IMAGE_MAX_PIXELS;
    if ((size_t)head->h * (size_t)head->w > most
        || head->h > QVL_IMAGE_MAX_SIDE || head->w > QVL_IMAGE_MAX_SIDE)
        return qvl_image_file_fail(file, err,
                                   "found %d x %d pixels, expected at most "
                                   "%zu, and %d a side",
                                   head->h, head->w, most,
                                   QVL_IMAGE_MAX_SIDE);
    return QVL_OK;
}

/* Everything that is known before decoding. */
static int read_header(const format **f, header *head,
                       const qvl_image_file *file,
                       const qvl_decode_options *o, qvl_err *err)
{
    QVL_TRY(find_format(f, file, err));
    QVL_TRY((*f)->read(head, file, err));
    QVL_TRY(check_size(head, file, o, err));
    if (o->as_stored)
        head->orientation = 1;
    return QVL_OK;
}

int qvl_image_decode(qvl_image *out, const qvl_image_file *file,
                     const qvl_decode_options *options, qvl_err *err)
{
    const qvl_decode_options *o = or_default(options);
    const format *f;
    header head = { 0 };
    qvl_image im;
    QVL_TRY(read_header(&f, &head, file, o, err));
    QVL_TRY(f->decode(&im, &head, file, o, err));
    int rc = qvl_image_orient(&im, head.orientation, err);
    if (rc == QVL_OK)
        *out = im;
    else
        qvl_image_release(&im);
    return rc;
}

/* Everything that is known before decoding, upright. */
static int read_upright(qvl_image_head *out, const qvl_image_file *file,
                        const qvl_decode_options *o, qvl_err *err)
{
    const format *f;
    header head = { 0 };
    QVL_TRY(read_header(&f, &head, file, o, err));
    bool is_turned = head.orientation >= 5;
    *out = (qvl_image_head){
        .format = (qvl_image_format)(f - formats),
        .h = is_turned ? head.w : head.h,
        .w = is_turned ? head.h : head.w,
        .orientation = head.orientation,
    };
    return QVL_OK;
}

int qvl_image_read_head(qvl_image_head *head, const qvl_image_file *file,
                        qvl_err *err)
{
    return read_upright(head, file, or_default(NULL), err);
}

int qvl_image_measure(int *h, int *w, const qvl_image_file *file,
                      const qvl_decode_options *options, qvl_err *err)
{
    qvl_image_head head;
    QVL_TRY(read_upright(&head, file, or_default(options), err));
    *h = head.h;
    *w = head.w;
    return QVL_OK;
}

/* ---- a path ------------------------------------------------------------- */

int qvl_image_load(qvl_image *im, const char *path,
                   const qvl_decode_options *options, qvl_err *err)
{
    qvl_file_map map;
    QVL_TRY(qvl_file_map_open(&map, path, err));
    qvl_image_file file = { .p = map.p, .len = map.len, .name = path };
    int rc = qvl_image_decode(im, &file, options, err);
    qvl_file_map_close(&map);
    return rc;
}

int qvl_image_load_size(int *h, int *w, const char *path,
                        const qvl_decode_options *options, qvl_err *err)
{
    qvl_file_map map;
    QVL_TRY(qvl_file_map_open(&map, path, err));
    qvl_image_file file = { .p = map.p, .len = map.len, .name = path };
    int rc = qvl_image_measure(h, w, &file, options, err);
    qvl_file_map_close(&map);
    return rc;
}

const char *qvl_image_jpeg_decoder(void)
{
    return qvl_jpeg_decoder();
}
