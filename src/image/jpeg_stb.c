/* jpeg_stb.c - JPEG pixels by stb_image, where libjpeg-turbo is missing */
#include <limits.h>
#include <string.h>

#include "image/jpeg.h"

#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

/* Is there an end marker behind the first scan? Inside a scan the bytes
 * ff d9 mean nothing else. stb_image reads zeros behind the end of a file, so a
 * cut one would pass for whole. */
static bool has_end(const qvl_jpeg *jpeg, const qvl_image_file *file)
{
    for (size_t i = file->len; i >= jpeg->scan_at + 2; i--)
        if (file->p[i - 2] == 0xff && file->p[i - 1] == 0xd9)
            return true;
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
    if (file->len > INT_MAX || !has_end(jpeg, file))
        return qvl_image_file_fail(file, err,
                                   "found no end marker within 2^31 bytes, "
                                   "expected a whole JPEG file");
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
