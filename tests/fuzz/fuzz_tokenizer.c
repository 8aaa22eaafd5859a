/* fuzz_tokenizer.c - tokenizer.json, then a text through it and back
 *
 * A zero byte ends the file; what stands behind it is the text. Without one the text is
 * the end of the file itself. Where the input begins with a '/', the bytes up to the
 * zero are only the expression that splits texts, and the rest of the file is right:
 * few changes of a whole file leave one that opens.
 */
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

/* Bytes of the file that are encoded as well. */
#define TEXT_BYTES 256

/* Without a normal form, ids stand for the very bytes of their text. */
static void check_back(const qvl_tokenizer *t, const qvl_ids *ids,
                       const qvl_str *text, bool has_form)
{
    qvl_str back = { 0 };
    qvl_err err;
    for (size_t i = 0; i < ids->n; i++) {
        FUZZ_CHECK(ids->p[i] >= 0 && ids->p[i] < qvl_tokenizer_n_ids(t));
        FUZZ_CHECK(qvl_tokenizer_token(t, ids->p[i]).p != NULL);
    }
    FUZZ_CHECK(fuzz_is_ok(qvl_tokenizer_decode(t, ids->p, ids->n,
                                               QVL_SPECIAL_KEEP, &back, &err),
                          &err));
    FUZZ_CHECK(qvl_utf8_valid_bytes(back.p, back.len) == back.len);
    if (!has_form)
        FUZZ_CHECK(back.len == text->len
                   && (back.len == 0 || memcmp(back.p, text->p, back.len) == 0));
    qvl_str_release(&back);
}

/* A text in two parts, the second one from outside. */
static void encode(const qvl_tokenizer *t, const uint8_t *p, size_t len,
                   bool has_form)
{
    qvl_str text = { 0 };
    qvl_ids ids = { 0 };
    qvl_err err;
    qvl_utf8_repair(&text, (const char *)p, len);
    size_t half = text.len / 2;
    while (half > 0 && ((unsigned char)text.p[half] & 0xc0u) == 0x80u)
        half--;
    const qvl_text_part part[] = {
        { text.p, half, false },
        { text.p != NULL ? text.p + half : NULL, text.len - half, true },
    };
    if (fuzz_is_ok(qvl_tokenizer_encode(t, part, QVL_COUNT(part), &ids, &err),
                   &err))
        check_back(t, &ids, &text, has_form);
    qvl_ids_release(&ids);
    qvl_str_release(&text);
}

/* A token for each byte, spelled in the alphabet of the file, and two that merge. */
static void put_vocab(qvl_str *out)
{
    for (int byte = 0; byte < 256; byte++) {
        char spelled[4];
        size_t len = qvl_utf8_put(spelled, qvl_byte_char((uint8_t)byte));
        qvl_json_quote(out, spelled, len);
        qvl_str_printf(out, ":%d,", byte);
    }
    qvl_str_puts(out, "\"ab\":256,\"abc\":257");
}

/* A file with this expression. */
static void put_file(qvl_str *out, const char *pattern, size_t len)
{
    qvl_str text = { 0 };
    qvl_utf8_repair(&text, pattern, len);
    qvl_str_puts(out, "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":"
                      "[{\"type\":\"Split\",\"behavior\":\"Isolated\",\"pattern\":"
                      "{\"Regex\":");
    qvl_json_quote(out, text.p != NULL ? text.p : "", text.len);
    qvl_str_puts(out, "}},{\"type\":\"ByteLevel\",\"use_regex\":false}]},"
                      "\"decoder\":{\"type\":\"ByteLevel\"},\"added_tokens\":[{"
                      "\"id\":300,\"content\":\"<|end|>\",\"special\":true,"
                      "\"normalized\":false}],\"model\":{\"type\":\"BPE\","
                      "\"merges\":[\"a b\",\"ab c\"],\"vocab\":{");
    put_vocab(out);
    qvl_str_puts(out, "}}}");
    qvl_str_release(&text);
}

/* Write the file that the input stands for; does it bring texts to a normal form? */
static bool write_file(const uint8_t *p, size_t n)
{
    bool is_pattern = n > 0 && p[0] == '/';
    qvl_str file = { 0 };
    if (is_pattern)
        put_file(&file, (const char *)p + 1, n - 1);
    else
        qvl_str_putn(&file, (const char *)p, n);
    fuzz_write("tokenizer.json", file.p, file.len);
    qvl_str_release(&file);
    return !is_pattern && fuzz_find(p, n, "NFC") != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
    const uint8_t *zero = len > 0 ? memchr(p, 0, len) : NULL;
    size_t n = zero != NULL ? (size_t)(zero - p) : len;
    const uint8_t *text = zero != NULL ? zero + 1
                          : len > TEXT_BYTES ? p + len - TEXT_BYTES
                                             : p;
    size_t n_text = len - (size_t)(text - p);
    qvl_tokenizer *t;
    qvl_err err;
    bool has_form = write_file(p, n);
    if (fuzz_is_ok(qvl_tokenizer_open(&t, fuzz_folder(), &err), &err)) {
        encode(t, text, n_text < TEXT_BYTES ? n_text : TEXT_BYTES, has_form);
        qvl_tokenizer_close(t);
    }
    return 0;
}
