/* fuzz_image.c - picture files: what their head says, and their pixels
 *
 * JPEG, PNG and BMP, by the loader of the program. The size is what the file says, so
 * memory that the bytes of the file cannot fill is a finding; FUZZ_PIXELS, a definition
 * of the build, only keeps an input within its seconds.
 *
 * The checksums of PNG chunks would stop every change of a file at once, so most
 * mutations put them right. The target stb is this one with the other decoder of JPEG.
 */
#include <string.h>
#include <zlib.h>

#include "fuzz.h"
#include "image/decode.h"

#define MOST_PIXELS ((size_t)FUZZ_PIXELS)
#define PNG_MARK_BYTES 8
#define CHUNK_EXTRA_BYTES 12  // length, name, checksum

static void decode(const qvl_image_file *file, const qvl_decode_options *options)
{
    qvl_image im;
    qvl_err err;
    int h = 0, w = 0;
    bool has_size = fuzz_is_ok(qvl_image_measure(&h, &w, file, options, &err), &err);
    if (!fuzz_is_ok(qvl_image_decode(&im, file, options, &err), &err))
        return;
    FUZZ_CHECK(has_size && im.h == h && im.w == w);
    FUZZ_CHECK((size_t)h * (size_t)w <= MOST_PIXELS);
    unsigned sum = 0;
    for (size_t i = 0; i < qvl_image_bytes(&im); i++)
        sum += im.pixel[i];
    FUZZ_CHECK(sum <= 255u * qvl_image_bytes(&im));
    qvl_image_release(&im);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
    static const qvl_decode_options upright = { .max_pixels = MOST_PIXELS };
    static const qvl_decode_options stored = {
        .max_pixels = MOST_PIXELS, .as_stored = true, .alpha_on_white = true
    };
    const qvl_image_file file = { .p = p, .len = len, .name = "input" };
    qvl_image_head head;
    qvl_err err;
    if (!fuzz_is_ok(qvl_image_read_head(&head, &file, &err), &err))
        return 0;
    FUZZ_CHECK(head.h > 0 && head.w > 0);
    FUZZ_CHECK(head.orientation >= 1 && head.orientation <= 8);
    decode(&file, len % 2 == 0 ? &upright : &stored);
    return 0;
}

/* ---- mutations ---------------------------------------------------------- */

#ifdef FUZZ_ENGINE  // it has the first of the two, and calls the second
size_t LLVMFuzzerMutate(uint8_t *p, size_t len, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t len, size_t most,
                               unsigned seed);

static size_t read_u32(const uint8_t *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

static void mend_sums(uint8_t *p, size_t len)
{
    size_t at = PNG_MARK_BYTES;
    while (at + CHUNK_EXTRA_BYTES <= len
           && read_u32(p + at) <= len - at - CHUNK_EXTRA_BYTES) {
        size_t n = read_u32(p + at);
        unsigned long sum = crc32_z(0, p + at + 4, n + 4);
        for (int i = 0; i < 4; i++)
            p[at + 8 + n + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += n + CHUNK_EXTRA_BYTES;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t len, size_t most,
                               unsigned seed)
{
    static const uint8_t mark[PNG_MARK_BYTES] = { 0x89, 'P', 'N', 'G', '\r', '\n',
                                                  0x1a, '\n' };
    len = LLVMFuzzerMutate(p, len, most);
    if (seed % 16 != 0 && len >= sizeof mark && memcmp(p, mark, sizeof mark) == 0)
        mend_sums(p, len);
    return len;
}
#endif
