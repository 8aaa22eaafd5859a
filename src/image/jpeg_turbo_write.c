/* jpeg_turbo_write.c - JPEG files by libjpeg-turbo
 *
 * The library's errors leave by longjmp, to encode_under and nowhere else; memory that
 * runs out while its bytes are appended unwinds to the guard around that. Nothing is
 * held but what jpeg_destroy_compress gives back.
 */
#include <assert.h>
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/arena.h"
#include "image/image.h"
#include "image/jpeg_write.h"

/* Bytes that the library hands on at a time. */
#define PIECE_BYTES 16384

/* One picture on its way. The library keeps pointers to `errors` and `to`; what it
 * calls finds the job by client_data. */
typedef struct {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr to;
    jmp_buf leave;
    char reason[JMSG_LENGTH_MAX];
    JOCTET piece[PIECE_BYTES];
    // borrowed
    const uint8_t *rgb;
    int w, h, quality;
    qvl_str *out;
    qvl_err *err;
} job;

static void on_error(j_common_ptr info)
{
    job *j = info->client_data;
    info->err->format_message(info, j->reason);
    longjmp(j->leave, 1);
}

static void on_message(j_common_ptr info, int level)
{
    (void)info;
    (void)level;
}

/* ---- where the bytes go ------------------------------------------------- */

static void empty_piece(j_compress_ptr info)
{
    job *j = info->client_data;
    j->to.next_output_byte = j->piece;
    j->to.free_in_buffer = PIECE_BYTES;
}

static boolean put_piece(j_compress_ptr info)
{
    job *j = info->client_data;
    qvl_str_putn(j->out, (const char *)j->piece, PIECE_BYTES);
    empty_piece(info);
    return TRUE;
}

static void put_rest(j_compress_ptr info)
{
    job *j = info->client_data;
    qvl_str_putn(j->out, (const char *)j->piece,
                 PIECE_BYTES - j->to.free_in_buffer);
}

/* ---- encoding ----------------------------------------------------------- */

/* Encode; leaves through j->leave on every failure of the library. */
static void encode(job *j)
{
    struct jpeg_compress_struct *info = &j->info;
    jpeg_create_compress(info);
    info->dest = &j->to;
    info->image_width = (JDIMENSION)j->w;
    info->image_height = (JDIMENSION)j->h;
    info->input_components = QVL_IMAGE_CHANNELS;
    info->in_color_space = JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, j->quality, TRUE);
    info->dct_method = JDCT_ISLOW;
    jpeg_start_compress(info, TRUE);
    size_t row_bytes = (size_t)j->w * QVL_IMAGE_CHANNELS;
    while (info->next_scanline < info->image_height) {
        const uint8_t *from = j->rgb + info->next_scanline * row_bytes;
        JSAMPROW row = (JSAMPROW)(uintptr_t)from;  // is only read
        jpeg_write_scanlines(info, &row, 1);
    }
    jpeg_finish_compress(info);
}

static int encode_under(void *arg)
{
    job *j = arg;
    if (setjmp(j->leave) == 0) {
        encode(j);
        return QVL_OK;
    }
    if (j->errors.msg_code == JERR_OUT_OF_MEMORY)
        return qvl_fail(j->err, QVL_E_MEMORY, "host memory: none is left to "
                        "write a picture of %d x %d px", j->w, j->h);
    return qvl_fail(j->err, QVL_E_INTERNAL, "JPEG: found \"%s\", expected a "
                    "picture of %d x %d px to be written", j->reason, j->w,
                    j->h);
}

bool qvl_jpeg_can_encode(void)
{
    return true;
}

int qvl_jpeg_encode(qvl_str *out, const uint8_t *rgb, int w, int h,
                    int quality, qvl_err *err)
{
    assert(out != NULL && rgb != NULL && w > 0 && h > 0);
    assert(quality >= 1 && quality <= 100);

    if (w > QVL_JPEG_MAX_SIDE || h > QVL_JPEG_MAX_SIDE)
        return qvl_fail(err, QVL_E_DATA, "JPEG: found a picture of %d x %d px, "
                        "expected at most %d a side", w, h, QVL_JPEG_MAX_SIDE);
    size_t before = out->len;
    job j = { .rgb = rgb, .w = w, .h = h, .quality = quality, .out = out,
              .err = err,
              .to = { .init_destination = empty_piece,
                      .empty_output_buffer = put_piece,
                      .term_destination = put_rest } };
    j.info.err = jpeg_std_error(&j.errors);
    j.info.client_data = &j;
    j.errors.error_exit = on_error;
    j.errors.emit_message = on_message;
    int rc = qvl_guard(encode_under, &j, err);
    jpeg_destroy_compress(&j.info);
    if (rc != QVL_OK && out->p != NULL) {
        out->len = before;
        out->p[before] = '\0';
    }
    return rc;
}
