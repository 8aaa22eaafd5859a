/* picture.c - a picture by path or from the line itself
 *
 * base64 is decoded strictly: other characters, or a wrong end, are an error.
 * The decoded bytes live for one call.
 */
#include "data/picture.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char data_mark[] = "data:";

bool qvl_picture_is_data(const char *name)
{
    return strncmp(name, data_mark, sizeof data_mark - 1) == 0;
}

const char *qvl_picture_name(const char *name)
{
    return qvl_picture_is_data(name) ? "data: URL" : name;
}

/* ---- base64 ------------------------------------------------------------- */

/* Value of a base64 digit, -1 when it is none. */
static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decode groups of four digits, the last one filled up with '='; false when the
 * text is something else. out: [len / 4 * 3]. */
static bool decode_base64(uint8_t *out, size_t *n, const char *text,
                          size_t len)
{
    size_t n_fill = 0;
    *n = 0;
    if (len == 0 || len % 4 != 0)
        return false;
    while (n_fill < 2 && text[len - 1 - n_fill] == '=')
        n_fill++;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            int digit = i + k < len - n_fill ? digit_of(text[i + k]) : 0;
            if (digit < 0)
                return false;
            bits = bits << 6 | (uint32_t)digit;
        }
        for (int k = 16; k >= 0; k -= 8)
            out[(*n)++] = (uint8_t)(bits >> k);
    }
    *n -= n_fill;
    return true;
}

/* The other way, with a NUL behind: out [(n + 2) / 3 * 4 + 1]. */
static void encode_base64(char *out, const uint8_t *p, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t bits = (uint32_t)p[i] << 16;
        bits |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        bits |= left > 2 ? p[i + 2] : 0;
        for (int k = 0; k < 4; k++)
            *out++ = k > (int)left ? '=' : digit[bits >> (18 - 6 * k) & 63];
    }
    *out = '\0';
}

/* ---- URLs --------------------------------------------------------------- */

typedef struct {
    const uint8_t *bytes;  // [n]
    size_t n;
    qvl_arena *arena;
    const char *text;      // result
} wrapping;

const char *qvl_picture_data(const uint8_t *bytes, size_t n, qvl_arena *arena)
{
    static const char head[] = "data:;base64,";
    char *text = qvl_arena_alloc(arena, sizeof head + (n + 2) / 3 * 4);
    memcpy(text, head, sizeof head);
    encode_base64(text + sizeof head - 1, bytes, n);
    return text;
}

static int wrap(void *arg)
{
    wrapping *w = arg;
    w->text = qvl_picture_data(w->bytes, w->n, w->arena);
    return QVL_OK;
}

int qvl_picture_fetch(const char **name, const char *url,
                      const qvl_fetch_limits *limits, qvl_arena *arena,
                      qvl_err *err)
{
    uint8_t *bytes;
    wrapping w = { .arena = arena };
    QVL_TRY(qvl_fetch(&bytes, &w.n, url, limits, err));
    w.bytes = bytes;
    int rc = qvl_guard(wrap, &w, err);
    free(bytes);
    if (rc == QVL_OK)
        *name = w.text;
    return rc;
}

/* Decode the base64 of a data: URL. */
static int read_url(const char *name, qvl_picture_file *f, qvl_err *err)
{
    static const char base64[] = ";base64,";
    const char *comma = strchr(name, ',');
    size_t head = comma != NULL ? (size_t)(comma - name) + 1 : 0;
    size_t mark = sizeof base64 - 1;
    if (head < mark || memcmp(name + head - mark, base64, mark) != 0)
        return qvl_fail(err, QVL_E_DATA, "data: URL: found %.40s, expected "
                        "data:TYPE;base64,BYTES", name);
    size_t len = strlen(name + head);
    uint8_t *bytes = malloc(len / 4 * 3 + 1);
    if (bytes == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "no memory for a picture of %zu "
                        "bytes", len / 4 * 3);
    size_t n;
    if (!decode_base64(bytes, &n, name + head, len)) {
        free(bytes);
        return qvl_fail(err, QVL_E_DATA, "data: URL: found %zu characters that "
                        "are no base64, expected groups of four digits", len);
    }
    *f = (qvl_picture_file){ .file = { bytes, n, "data: URL" },
                             .bytes = bytes };
    return QVL_OK;
}

/* ---- pictures ----------------------------------------------------------- */

int qvl_picture_open(qvl_picture_file *f, const char *name, qvl_err *err)
{
    qvl_file_map map;
    if (qvl_picture_is_data(name))
        return read_url(name, f, err);
    QVL_TRY(qvl_file_map_open(&map, name, err));
    *f = (qvl_picture_file){ .file = { map.p, map.len, name }, .map = map };
    return QVL_OK;
}

void qvl_picture_close(qvl_picture_file *f)
{
    if (f == NULL)
        return;
    qvl_file_map_close(&f->map);
    free(f->bytes);
    *f = (qvl_picture_file){ 0 };
}

int qvl_picture_load(qvl_image *im, const char *name,
                     const qvl_decode_options *options, qvl_err *err)
{
    qvl_picture_file f;
    QVL_TRY(qvl_picture_open(&f, name, err));
    int rc = qvl_image_decode(im, &f.file, options, err);
    qvl_picture_close(&f);
    return rc;
}

int qvl_picture_measure(int *h, int *w, const char *name,
                        const qvl_decode_options *options, qvl_err *err)
{
    qvl_picture_file f;
    QVL_TRY(qvl_picture_open(&f, name, err));
    int rc = qvl_image_measure(h, w, &f.file, options, err);
    qvl_picture_close(&f);
    return rc;
}
