/* jpeg_turbo.c - JPEG pixels by libjpeg-turbo
 *
 * Errors of the library leave by longjmp, to try_decode and nowhere else: what is held
 * then lies in `job`, and qvl_jpeg_decode gives it back. The size is the one that
 * qvl_jpeg_read found and decode.c has checked; one that decodes to another is refused.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "image/jpeg.h"

/* One file while it is decoded. The library keeps pointers to `errors` and
 * `progress`; what it calls finds the job by client_data. */
typedef struct {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf leave;
    int code;            // why it was left
    char reason[JMSG_LENGTH_MAX];
    const qvl_jpeg *jpeg;
    const qvl_image_file *file;
    qvl_image im;        // owned
    uint8_t *line;       // owned; a row of four inks
} job;

static void leave(job *j, int code)
{
    j->code = code;
    longjmp(j->leave, 1);
}

static void on_error(j_common_ptr info)
{
    job *j = info->client_data;
    info->err->format_message(info, j->reason);
    leave(j, info->err->msg_code == JERR_OUT_OF_MEMORY ? QVL_E_MEMORY
                                                       : QVL_E_DATA);
}

/* A warning (level -1) means lost pixels, but for these. */
static void on_message(j_common_ptr info, int level)
{
    switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA:
        return;
    default:
        if (level < 0)
            on_error(info);
    }
}

static void on_progress(j_common_ptr info)
{
    job *j = info->client_data;
    int most = qvl_jpeg_most_scans(j->jpeg);
    if (j->info.input_scan_number <= most)
        return;
    snprintf(j->reason, sizeof j->reason, "more than %d scans", most);
    leave(j, QVL_E_DATA);
}

/* a * b / 255, rounded as Pillow rounds it. */
static unsigned scale_255(unsigned a, unsigned b)
{
    unsigned v = a * b + 128;
    return ((v >> 8) + v) >> 8;
}

/* Four inks of w pixels to colours. The file holds 255 - ink, so the last of
 * the four is the light that black leaves over. */
static void inks_to_colours(uint8_t *out, const uint8_t *ink, int w)
{
    for (int x = 0; x < w; x++, out += 3, ink += 4)
        for (int c = 0; c < 3; c++) {
            unsigned lost = scale_255(255u - ink[c], ink[3]);
            out[c] = (uint8_t)(lost > ink[3] ? 0 : ink[3] - lost);
        }
}

static void read_rows(job *j)
{
    struct jpeg_decompress_struct *info = &j->info;
    bool has_inks = info->out_color_space == JCS_CMYK;
    while (info->output_scanline < info->output_height) {
        uint8_t *to = qvl_image_row(&j->im, (int)info->output_scanline);
        JSAMPROW row = has_inks ? j->line : to;
        jpeg_read_scanlines(info, &row, 1);
        if (has_inks)
            inks_to_colours(to, j->line, j->im.w);
    }
}

/* Decode; leaves through j->leave on every failure. */
static void decode(job *j, qvl_err *err)
{
    struct jpeg_decompress_struct *info = &j->info;
    jpeg_create_decompress(info);
    info->progress = &j->progress;
    jpeg_mem_src(info, j->file->p, j->file->len);
    jpeg_read_header(info, TRUE);
    info->dct_method = JDCT_ISLOW;
    info->do_fancy_upsampling = TRUE;
    info->out_color_space = info->num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(info);
    if ((int)info->output_height != j->jpeg->h
        || (int)info->output_width != j->jpeg->w) {
        snprintf(j->reason, sizeof j->reason, "two sizes in one file");
        leave(j, QVL_E_DATA);
    }
    int rc = qvl_image_init(&j->im, j->jpeg->h, j->jpeg->w, err);
    if (rc == QVL_OK && info->out_color_space == JCS_CMYK) {
        j->line = malloc((size_t)j->im.w * 4);
        if (j->line == NULL)
            rc = QVL_E_MEMORY;
    }
    if (rc != QVL_OK)
        leave(j, rc);
    read_rows(j);
    jpeg_finish_decompress(info);
}

/* QVL_OK, or why decoding was left. */
static int try_decode(job *j, qvl_err *err)
{
    if (setjmp(j->leave) != 0)
        return j->code;
    decode(j, err);
    return QVL_OK;
}

int qvl_jpeg_decode(qvl_image *out, const qvl_jpeg *jpeg,
                    const qvl_image_file *file, qvl_err *err)
{
    job j = { .jpeg = jpeg, .file = file };
    j.info.err = jpeg_std_error(&j.errors);
    j.info.client_data = &j;
    j.errors.error_exit = on_error;
    j.errors.emit_message = on_message;
    j.progress.progress_monitor = on_progress;
    int rc = try_decode(&j, err);
    jpeg_destroy_decompress(&j.info);
    free(j.line);
    if (rc == QVL_OK) {
        *out = j.im;
        return QVL_OK;
    }
    qvl_image_release(&j.im);
    if (rc == QVL_E_MEMORY)
        return qvl_fail(err, rc, "no memory to decode %s", file->name);
    return qvl_image_file_fail(file, err,
                               "found damaged or missing pixels (%s), "
                               "expected a whole JPEG file",
                               j.reason);
}

const char *qvl_jpeg_decoder(void)
{
    return "libjpeg-turbo";
}
