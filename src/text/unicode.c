/* unicode.c - normal form C by utf8proc, as vocabularies know it
 *
 * Characters younger than the tables of vocabularies stay as they are and
 * nothing moves across them. Text of characters that never change is returned
 * without a copy. Linear also for long runs of marks, which are sorted by counting.
 */
#include "text/unicode.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

/* ---- normal form C ------------------------------------------------------ */

/* The longest canonical decomposition of one character, and how much longer a
 * text in UTF-8 can become (Unicode, "Normalization FAQ"). */
#define MAX_DECOMPOSED 4
#define MAX_GROWTH 3

/* Ranges with the characters that got a part in normal forms after Unicode 9.
 * The tables that vocabularies are used with end there: for them these are
 * letters without decomposition, which no mark moves across. */
static const struct {
    uint32_t first;
    uint32_t last;
} young[] = {
    { 0x07fd, 0x07fd },   { 0x0897, 0x089f },   { 0x08ca, 0x08d3 },
    { 0x09fe, 0x09fe },   { 0x0c3c, 0x0c3c },   { 0x0d3b, 0x0d3c },
    { 0x0eba, 0x0eba },   { 0x1715, 0x1715 },   { 0x1abf, 0x1aff },
    { 0x1df6, 0x1dfa },   { 0xa82c, 0xa82c },   { 0x105c0, 0x105ff },
    { 0x10d24, 0x10dff }, { 0x10e80, 0x10fff }, { 0x11070, 0x11070 },
    { 0x1133b, 0x1133b }, { 0x11380, 0x113ff }, { 0x1145e, 0x1145e },
    { 0x11800, 0x1184f }, { 0x11900, 0x119ff }, { 0x11a00, 0x11abf },
    { 0x11d00, 0x11fff }, { 0x16100, 0x1613f }, { 0x16d40, 0x16d7f },
    { 0x16ff0, 0x16fff }, { 0x1e030, 0x1e08f }, { 0x1e100, 0x1e7ff },
};

static bool is_young(uint32_t code)
{
    size_t low = 0;
    size_t high = QVL_COUNT(young);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (young[middle].last < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < QVL_COUNT(young) && young[low].first <= code;
}

/* Characters that no normal form changes, neither alone nor beside their like: class
 * 0, nothing composed with what stands before, no singleton (Unicode, NFC_Quick_Check
 * is Yes). Not all of them, but what most texts are made of. */
static const struct {
    uint32_t first;
    uint32_t last;
} inert[] = {
    { 0x4e00, 0x9fff },  // ideographs
    { 0x0000, 0x02ff },  { 0xff01, 0xffee },  // Latin; full width
    { 0x3001, 0x3029 },  { 0x2010, 0x205f },  // signs
    { 0x0400, 0x0482 },  { 0x048a, 0x052f },  // Cyrillic
    { 0x3041, 0x3096 },  { 0x309b, 0x30ff },  // kana
    { 0xac00, 0xd7a3 },  { 0x3400, 0x4dbf },  // Hangul; more ideographs
};

static bool is_inert(uint32_t code)
{
    for (size_t i = 0; i < QVL_COUNT(inert); i++)
        if (code - inert[i].first <= inert[i].last - inert[i].first)
            return true;
    return false;
}

static bool is_plain(const char *p, size_t len)
{
    size_t bytes;
    for (size_t i = 0; i < len; i += bytes) {
        bytes = 1;
        if ((uint8_t)p[i] >= 0x80 && !is_inert(qvl_utf8_code(p + i, &bytes)))
            return false;
    }
    return true;
}

static int combining_class(int32_t code)
{
    return utf8proc_get_property(code)->combining_class;
}

/* Work space of a text. */
typedef struct {
    int32_t *code;  // [cap]
    int32_t *copy;  // [cap]
    size_t cap;
} space;

/* Characters up to the next young one, decomposed, marks not yet in order;
 * returns how many. *at moves behind what was read. */
static size_t decompose(const space *s, const char *p, size_t len, size_t *at)
{
    size_t n = 0;
    while (*at < len) {
        size_t bytes;
        int boundary = 0;
        uint32_t code = qvl_utf8_code(p + *at, &bytes);
        if (is_young(code))
            break;
        utf8proc_ssize_t got = utf8proc_decompose_char(
            (int32_t)code, s->code + n, (utf8proc_ssize_t)(s->cap - n),
            UTF8PROC_DECOMPOSE | UTF8PROC_STABLE, &boundary);
        assert(got > 0 && (size_t)got <= s->cap - n);
        n += (size_t)got;
        *at += bytes;
    }
    return n;
}

/* Stable sort of marks by class. Counting, since a hostile text has millions
 * of them in a row. */
static void sort_marks(int32_t *mark, size_t n, int32_t *copy)
{
    size_t start[257] = { 0 };
    for (size_t i = 0; i < n; i++)
        start[combining_class(mark[i]) + 1]++;
    for (int c = 0; c < 256; c++)
        start[c + 1] += start[c];
    memcpy(copy, mark, n * sizeof *mark);
    for (size_t i = 0; i < n; i++)
        mark[start[combining_class(copy[i])]++] = copy[i];
}

/* Canonical order: each run of marks ascending by class. */
static void order_marks(const space *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t end = i;
        bool is_sorted = true;
        int last = 0;
        for (int c; end < n && (c = combining_class(s->code[end])) != 0;
             end++) {
            is_sorted = is_sorted && c >= last;
            last = c;
        }
        if (!is_sorted)
            sort_marks(s->code + i, end - i, s->copy);
        i = end > i ? end : i + 1;
    }
}

/* The next stretch and the young character behind it, from `at`; returns the
 * bytes written. */
static size_t normalize(char *out, const space *s, const char *p, size_t len,
                        size_t *at)
{
    size_t n = decompose(s, p, len, at);
    order_marks(s, n);
    utf8proc_ssize_t composed = utf8proc_normalize_utf32(
        s->code, (utf8proc_ssize_t)n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    assert(composed >= 0 && (size_t)composed <= n);
    size_t written = 0;
    for (size_t i = 0; i < (size_t)composed; i++)
        written += qvl_utf8_put(out + written, (uint32_t)s->code[i]);
    if (*at < len) {
        size_t bytes = qvl_utf8_bytes(p + *at, len - *at);
        memcpy(out + written, p + *at, bytes);
        written += bytes;
        *at += bytes;
    }
    return written;
}

const char *qvl_unicode_nfc(const char *p, size_t len, size_t *out_len,
                            qvl_arena *arena)
{
    *out_len = len;
    if (is_plain(p, len))
        return p;
    size_t n_chars = 0;
    for (size_t i = 0; i < len; i++)
        n_chars += ((uint8_t)p[i] & 0xc0u) != 0x80u;
    size_t cap = n_chars * MAX_DECOMPOSED;
    space s = { .code = qvl_arena_array(arena, int32_t, cap),
                .copy = qvl_arena_array(arena, int32_t, cap), .cap = cap };
    char *out = qvl_arena_alloc_n(arena, len, MAX_GROWTH);
    size_t written = 0;
    for (size_t at = 0; at < len;)
        written += normalize(out + written, &s, p, len, &at);
    *out_len = written;
    return out;
}

/* ---- the byte alphabet -------------------------------------------------- */

/* Bytes 0..32, 127..160 and 173 have no printable form. */
#define N_LOW 33
#define FIRST_MIDDLE 127
#define N_MIDDLE 34
#define SOFT_HYPHEN 173

uint32_t qvl_byte_char(uint8_t byte)
{
    if (byte < N_LOW)
        return 0x100u + byte;
    if (byte >= FIRST_MIDDLE && byte < FIRST_MIDDLE + N_MIDDLE)
        return 0x100u + N_LOW + byte - FIRST_MIDDLE;
    return byte == SOFT_HYPHEN ? 0x100u + N_LOW + N_MIDDLE : byte;
}

int qvl_byte_of_char(uint32_t code)
{
    if (code >= 0x100 && code < 0x100 + N_LOW)
        return (int)code - 0x100;
    if (code >= 0x100 + N_LOW && code < 0x100 + N_LOW + N_MIDDLE)
        return (int)code - 0x100 - N_LOW + FIRST_MIDDLE;
    if (code == 0x100 + N_LOW + N_MIDDLE)
        return SOFT_HYPHEN;
    return code < 0x100 && qvl_byte_char((uint8_t)code) == code ? (int)code
                                                                : -1;
}
