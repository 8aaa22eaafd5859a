/* loose.c - JSON read as far as it goes
 *
 * A descent that accepts what models write: other quotes, missing brackets, a
 * cut end. It never fails; the budget bounds what damaged text can cost, and
 * depth is bounded.
 */
#include "infer/loose.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/node.h"
#include "base/utf8.h"

/* Most bytes of a number; longer ones say nothing more. */
#define NUMBER_MAX_BYTES 127

typedef struct {
    // borrowed
    const char *p;    // next byte
    const char *end;
    qvl_arena *arena;
    size_t left;      // of the budget
    unsigned fixes;
    bool is_cut;
    int depth;
    // owned by the arena, reused: bytes of the string that is being read
    char *buffer;
    size_t n_buffer;
    size_t cap;
} reader;

/* ---- characters --------------------------------------------------------- */

static bool begins(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - p) >= n && memcmp(p, word, n) == 0;
}

/* What punctuation stands for, in ASCII. */
static const struct {
    const char *text;
    char means;
} wide[] = {
    { "\xef\xbc\x9a", ':' },  // U+FF1A
    { "\xef\xbc\x8c", ',' },  // U+FF0C
    { "\xe2\x80\x9c", '"' },  // U+201C
    { "\xe2\x80\x9d", '"' },  // U+201D
    { "\xef\xbc\x82", '"' },  // U+FF02
    { "\xe2\x80\x98", '\'' }, // U+2018
    { "\xe2\x80\x99", '\'' }, // U+2019
    { "\xe3\x80\x80", ' ' },  // U+3000
};
#define WIDE_BYTES 3

/* The ASCII character at p or meant there; its bytes. 0 at the end. */
static char peek(const char *p, const char *end, size_t *n)
{
    *n = 1;
    if (p == end)
        return '\0';
    if ((unsigned char)*p < 0x80)
        return *p;
    for (size_t i = 0; i < QVL_COUNT(wide); i++) {
        if (begins(p, end, wide[i].text)) {
            *n = WIDE_BYTES;
            return wide[i].means;
        }
    }
    return *p;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const char *qvl_loose_skip_space(const char *p, const char *end)
{
    size_t n;
    while (p < end && is_space(peek(p, end, &n)))
        p += n;
    return p;
}

/* Count bytes against the budget; false when it is used up. */
static bool spend(reader *r, size_t n)
{
    if (r->left < n) {
        r->left = 0;
        return false;
    }
    r->left -= n;
    return true;
}

static void skip_space(reader *r)
{
    const char *p = qvl_loose_skip_space(r->p, r->end);
    for (const char *q = r->p; q < p; q++)
        if ((unsigned char)*q >= 0x80)
            r->fixes |= QVL_LOOSE_FIX_WIDE;
    spend(r, (size_t)(p - r->p));
    r->p = p;
}

/* Behind white space: the next character; '\0' at the end. */
static char next(reader *r, size_t *n)
{
    skip_space(r);
    return peek(r->p, r->end, n);
}

/* Step over what `next` has seen. */
static void step(reader *r, size_t n)
{
    if (n == WIDE_BYTES)
        r->fixes |= QVL_LOOSE_FIX_WIDE;
    spend(r, n);
    r->p += n;
}

/* ---- strings ------------------------------------------------------------ */

static void put(reader *r, const char *p, size_t n)
{
    if (r->n_buffer + n + 1 > r->cap) {
        size_t cap = 2 * (r->cap + n + 32);
        char *larger = qvl_arena_alloc(r->arena, cap);
        if (r->n_buffer > 0)
            memcpy(larger, r->buffer, r->n_buffer);
        r->buffer = larger;
        r->cap = cap;
    }
    memcpy(r->buffer + r->n_buffer, p, n);
    r->n_buffer += n;
}

static void put_code(reader *r, uint32_t c)
{
    char b[4];
    put(r, b, qvl_utf8_put(b, c));
}

/* Put the mark of a character that cannot be read. */
static void put_unknown(reader *r)
{
    r->fixes |= QVL_LOOSE_FIX_STRING;
    put_code(r, 0xfffd);
}

/* \uXXXX, or two that are a pair; p stands on the backslash. */
static void read_unicode(reader *r)
{
    int c = qvl_json_hex4(r->p + 2, r->end);
    if (c < 0) {
        r->p += 2;
        put_unknown(r);
        return;
    }
    r->p += 6;
    bool is_high = c >= 0xd800 && c < 0xdc00;
    int low = is_high && begins(r->p, r->end, "\\u") ? qvl_json_hex4(r->p + 2, r->end)
                                                     : -1;
    if (low >= 0xdc00 && low < 0xe000) {
        r->p += 6;
        put_code(r, 0x10000u + (uint32_t)(c - 0xd800) * 0x400u
                        + (uint32_t)(low - 0xdc00));
    } else if (c >= 0xd800 && c < 0xe000) {
        put_unknown(r);
    } else {
        put_code(r, (uint32_t)c);
    }
}

/* A backslash and what belongs to it; p stands on the backslash. */
static void read_escape(reader *r)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char means[] = "\"\\/\b\f\n\r\t";
    if (r->p + 1 == r->end) {
        r->p++;  // the end of the text comes next
        return;
    }
    char c = r->p[1];
    if (c == 'u') {
        read_unicode(r);
        return;
    }
    const char *at = c != '\0' ? strchr(letters, c) : NULL;
    if (at != NULL) {
        put(r, &means[at - letters], 1);
        r->p += 2;
        return;
    }
    r->fixes |= QVL_LOOSE_FIX_STRING;  // the backslash is left out
    r->p++;
    if (c == '\'') {
        put(r, r->p, 1);
        r->p++;
    }
}

/* Does the quote at p end a string? One that began with an ASCII quote only
 * ends with the same: others may be part of it. */
static bool is_closing(char open, bool is_wide, const char *p,
                       const char *end, size_t *n)
{
    if (!is_wide) {
        *n = 1;
        return *p == open;
    }
    return peek(p, end, n) == open;
}

/* Read a string whose opening quote is next. */
static void read_string(reader *r, const char **text, size_t *len,
                        bool *is_whole)
{
    size_t n;
    char open = next(r, &n);
    bool is_wide = n > 1;
    if (open == '\'' && !is_wide)
        r->fixes |= QVL_LOOSE_FIX_QUOTE;
    step(r, n);
    const char *start = r->p;
    r->n_buffer = 0;
    while (r->p < r->end && !is_closing(open, is_wide, r->p, r->end, &n)) {
        if (*r->p == '\\') {
            read_escape(r);
            continue;
        }
        if ((unsigned char)*r->p < 0x20)
            r->fixes |= QVL_LOOSE_FIX_STRING;
        size_t bytes = qvl_utf8_bytes(r->p, (size_t)(r->end - r->p));
        if (bytes == 0)
            put_unknown(r);
        else
            put(r, r->p, bytes);
        r->p += bytes == 0 ? 1 : bytes;
    }
    spend(r, (size_t)(r->p - start));
    *is_whole = r->p < r->end;
    if (*is_whole)
        step(r, n);
    else
        r->is_cut = true;
    *len = r->n_buffer;
    *text = qvl_arena_strndup(r->arena, r->n_buffer > 0 ? r->buffer : "",
                              r->n_buffer);
}

/* ---- numbers and words -------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_number_char(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.'
           || c == 'e' || c == 'E';
}

static size_t digits_at(const char *p, const char *end)
{
    size_t n = 0;
    while (p + n < end && p[n] >= '0' && p[n] <= '9')
        n++;
    return n;
}

/* Is the text a number as JSON spells it? */
static bool is_json_number(const char *p, const char *end)
{
    p += p < end && *p == '-';
    size_t whole = digits_at(p, end);
    if (whole == 0 || (whole > 1 && *p == '0'))
        return false;
    p += whole;
    if (p < end && *p == '.') {
        size_t n = digits_at(p + 1, end);
        if (n == 0)
            return false;
        p += 1 + n;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '-' || *p == '+');
        size_t n = digits_at(p, end);
        if (n == 0)
            return false;
        p += n;
    }
    return p == end;
}

/* A run of characters that numbers have. Where the text ends with it, more
 * digits may have been meant. */
static bool read_number(reader *r, qvl_loose_value *v)
{
    const char *start = r->p;
    while (r->p < r->end && is_number_char(*r->p))
        r->p++;
    size_t len = (size_t)(r->p - start);
    spend(r, len);
    v->is_whole = r->p < r->end;
    r->is_cut = r->is_cut || !v->is_whole;
    v->kind = QVL_LOOSE_NUMBER;
    if (len <= NUMBER_MAX_BYTES && qvl_node_read_float(start, len, &v->number)) {
        if (!is_json_number(start, r->p))
            r->fixes |= QVL_LOOSE_FIX_WORD;
        return true;
    }
    v->kind = QVL_LOOSE_WORD;  // 1e999, "1-2": a value, but none to count with
    r->fixes |= QVL_LOOSE_FIX_WORD;
    return true;
}

static bool read_word(reader *r, qvl_loose_value *v)
{
    static const char *const known[] = { "null", "true", "false" };
    const char *start = r->p;
    while (r->p < r->end && is_letter(*r->p))
        r->p++;
    size_t len = (size_t)(r->p - start);
    spend(r, len);
    v->kind = QVL_LOOSE_WORD;
    v->is_whole = r->p < r->end;
    r->is_cut = r->is_cut || !v->is_whole;
    bool is_known = false;
    for (size_t i = 0; i < QVL_COUNT(known); i++)
        is_known = is_known
                   || (len == strlen(known[i]) && begins(start, r->p, known[i]));
    if (!is_known)
        r->fixes |= QVL_LOOSE_FIX_WORD;
    return true;
}

/* ---- lists and maps ----------------------------------------------------- */

static bool read_value(reader *r, qvl_loose_value *v);

static qvl_loose_item *add_item(reader *r, qvl_loose_value *v, size_t *cap)
{
    if (v->n == *cap) {
        *cap = *cap == 0 ? 4 : 2 * *cap;
        qvl_loose_item *larger =
            qvl_arena_array(r->arena, qvl_loose_item, *cap);
        if (v->n > 0)
            memcpy(larger, v->item, v->n * sizeof *larger);
        v->item = larger;
    }
    return &v->item[v->n++];
}

/* A key and its colon. Where the text ends in the key, *key stays NULL. */
static bool read_key(reader *r, qvl_loose_item *item, const char **key)
{
    size_t n;
    char c = next(r, &n);
    bool is_whole;
    if (c != '"' && c != '\'')
        return false;
    read_string(r, &item->key, &item->key_len, &is_whole);
    if (!is_whole)
        return true;
    *key = item->key;
    c = next(r, &n);
    if (r->p == r->end) {
        r->is_cut = true;
        return true;
    }
    if (c != ':')
        return false;
    step(r, n);
    return true;
}

/* One entry, up to what follows it. The end of the text may come anywhere. */
static bool read_item(reader *r, qvl_loose_value *v, size_t *cap)
{
    qvl_loose_item item = { 0 };
    if (v->kind == QVL_LOOSE_MAP) {
        const char *key = NULL;
        if (!read_key(r, &item, &key))
            return false;
        if (key == NULL)
            return true;
    }
    skip_space(r);
    if (r->p == r->end)
        r->is_cut = true;
    else if (!read_value(r, &item.value))
        return false;
    *add_item(r, v, cap) = item;
    return true;
}

/* The entries behind an opening bracket, and the closing one. */
static bool read_items(reader *r, qvl_loose_value *v, char close)
{
    size_t cap = 0;
    size_t n;
    for (;;) {
        char c = next(r, &n);
        if (r->p == r->end) {
            r->is_cut = true;  // behind '{' or ','
            break;
        }
        if (c == close) {
            if (v->n > 0)
                r->fixes |= QVL_LOOSE_FIX_COMMA;
            step(r, n);
            v->is_whole = true;
            return true;
        }
        if (r->left == 0 || !read_item(r, v, &cap))
            return false;
        c = next(r, &n);
        if (r->p == r->end) {
            /* More numbers may have been meant; a map shows what it has. */
            r->is_cut = r->is_cut || v->kind == QVL_LOOSE_LIST;
            v->is_whole = !r->is_cut;
            break;
        }
        if (c == close) {
            step(r, n);
            v->is_whole = true;
            return true;
        }
        if (c != ',')
            return false;
        step(r, n);
    }
    r->fixes |= QVL_LOOSE_FIX_CLOSE;
    return true;
}

static bool read_value(reader *r, qvl_loose_value *v)
{
    size_t n;
    char c = next(r, &n);
    if (r->p == r->end || r->left == 0)
        return false;
    if (c == '{' || c == '[') {
        if (++r->depth > QVL_JSON_MAX_DEPTH)
            return false;
        step(r, n);
        v->kind = c == '{' ? QVL_LOOSE_MAP : QVL_LOOSE_LIST;
        bool ok = read_items(r, v, c == '{' ? '}' : ']');
        r->depth--;
        return ok;
    }
    if (c == '"' || c == '\'') {
        v->kind = QVL_LOOSE_STRING;
        read_string(r, &v->text, &v->len, &v->is_whole);
        return true;
    }
    if (n == 1 && is_number_char(c) && c != 'e' && c != 'E')
        return read_number(r, v);
    return n == 1 && is_letter(c) && read_word(r, v);
}

bool qvl_loose_read(qvl_loose *out, const char *p, const char *end,
                    qvl_loose_budget *budget, qvl_arena *arena)
{
    reader r = { .p = p, .end = end, .arena = arena, .left = budget->left };
    qvl_loose_value value = { 0 };
    bool ok = read_value(&r, &value);
    budget->left = r.left;
    if (!ok)
        return false;
    *out = (qvl_loose){ .value = value, .fixes = r.fixes,
                        .is_cut = r.is_cut, .end = r.p };
    return true;
}
