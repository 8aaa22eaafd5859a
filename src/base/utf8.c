/* utf8.c - the ranges of a second byte decide
 *
 * Overlong forms, surrogates and characters above U+10FFFF are told by first
 * and second byte together, so no character is decoded to be checked.
 */
#include "base/utf8.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* Length of a character by its first byte, 0 for a byte that begins none. */
static size_t length_by_head(uint8_t head)
{
    if (head < 0x80)
        return 1;
    if (head < 0xc2)
        return 0;
    return head < 0xe0 ? 2 : head < 0xf0 ? 3 : head < 0xf5 ? 4 : 0;
}

/* May `byte` be the second one behind `head`? Some heads allow fewer than the
 * 64 continuations: the rest would be overlong, surrogates or too large. */
static bool is_second(uint8_t head, uint8_t byte)
{
    uint8_t low = head == 0xe0 ? 0xa0 : head == 0xf0 ? 0x90 : 0x80;
    uint8_t high = head == 0xed ? 0x9f : head == 0xf4 ? 0x8f : 0xbf;
    return byte >= low && byte <= high;
}

/* Bytes at p [len] that are the start of a character, all of it at best; 0
 * when the first byte begins none. */
static size_t started_bytes(const char *p, size_t len)
{
    const uint8_t *b = (const uint8_t *)p;
    size_t want = len > 0 ? length_by_head(b[0]) : 0;
    if (want < 2 || len < 2)
        return want > 0 ? 1 : 0;
    if (!is_second(b[0], b[1]))
        return 1;
    size_t n = 2;
    while (n < want && n < len && (b[n] & 0xc0u) == 0x80u)
        n++;
    return n;
}

size_t qvl_utf8_bytes(const char *p, size_t len)
{
    size_t n = started_bytes(p, len);
    return n > 0 && n == length_by_head((uint8_t)*p) ? n : 0;
}

/* Are the eight bytes at p characters of one byte each? */
static bool is_ascii(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return (v & 0x8080808080808080u) == 0;
}

size_t qvl_utf8_valid_bytes(const char *p, size_t len)
{
    size_t at = 0;
    while (at < len) {
        if (len - at >= 8 && is_ascii(p + at)) {
            at += 8;
            continue;
        }
        size_t n = (uint8_t)p[at] < 0x80 ? 1 : qvl_utf8_bytes(p + at, len - at);
        if (n == 0)
            break;
        at += n;
    }
    return at;
}

uint32_t qvl_utf8_code(const char *p, size_t *n_bytes)
{
    static const uint8_t head_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    size_t n = length_by_head((uint8_t)*p);
    assert(n > 0);
    uint32_t code = (uint8_t)*p & head_bits[n];
    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((uint8_t)p[i] & 0x3fu);
    *n_bytes = n;
    return code;
}

size_t qvl_utf8_put(char out[4], uint32_t code)
{
    assert(code <= 0x10ffff);
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    static const uint8_t head[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80u | (code & 0x3fu));
    out[0] = (char)(head[n] | code);
    return n;
}

size_t qvl_utf8_unfinished_bytes(const char *p, size_t len)
{
    for (size_t n = 1; n <= 3 && n <= len; n++) {
        const char *start = p + len - n;
        size_t want = length_by_head((uint8_t)*start);
        if (want > 0)
            return want > n && started_bytes(start, n) == n ? n : 0;
    }
    return 0;
}

void qvl_utf8_repair(qvl_str *out, const char *p, size_t len)
{
    while (len > 0) {
        size_t valid = qvl_utf8_valid_bytes(p, len);
        qvl_str_putn(out, p, valid);
        p += valid;
        len -= valid;
        if (len == 0)
            break;
        size_t bad = started_bytes(p, len);
        bad = bad > 0 ? bad : 1;
        qvl_str_puts(out, "\xef\xbf\xbd");
        p += bad;
        len -= bad;
    }
}
