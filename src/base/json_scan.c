/* json_scan.c - steps over JSON text
 *
 * Each step checks what it passes, character by character, since the text may never
 * be parsed. Runs of plain characters and digits go by at once: most of a long file
 * is made of them.
 */
#include "base/json_scan.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0u) == 0x80u;
}

/* Pass n bytes that are a character each and no line break. */
static void pass(qvl_json_scan *s, size_t n)
{
    s->p += n;
    s->col = n < (size_t)(QVL_JSON_MAX_PLACE - s->col) ? s->col + (int)n
                                                       : QVL_JSON_MAX_PLACE;
}

void qvl_json_scan_to(qvl_json_scan *s, const char *to)
{
    for (; s->p < to; s->p++) {
        if (*s->p == '\n') {
            s->line += s->line < QVL_JSON_MAX_PLACE;
            s->col = 1;
        } else if (!is_continuation(*s->p)) {
            s->col += s->col < QVL_JSON_MAX_PLACE;
        }
    }
}

int qvl_json_scan_fail(const qvl_json_scan *s, const char *wanted)
{
    char found[32] = "the end of the text";
    if (s->p < s->end) {
        unsigned char c = (unsigned char)*s->p;
        snprintf(found, sizeof found, c > ' ' && c < 0x7f ? "'%c'" : "byte 0x%02x",
                 c);
    }
    return qvl_fail(s->err, QVL_E_FORMAT, "%s:%d:%d: JSON: found %s, expected %s",
                    s->file, s->line, s->col, found, wanted);
}

int qvl_json_scan_fail_depth(const qvl_json_scan *s)
{
    return qvl_fail(s->err, QVL_E_FORMAT, "%s:%d:%d: JSON: found nesting deeper "
                    "than %d, expected at most that", s->file, s->line, s->col,
                    QVL_JSON_MAX_DEPTH);
}

void qvl_json_scan_space(qvl_json_scan *s)
{
    for (; s->p < s->end && (unsigned char)*s->p <= ' '; s->p++) {
        if (*s->p == '\n') {
            s->line += s->line < QVL_JSON_MAX_PLACE;
            s->col = 1;
        } else if (*s->p == ' ' || *s->p == '\t' || *s->p == '\r') {
            s->col += s->col < QVL_JSON_MAX_PLACE;
        } else {
            return;
        }
    }
}

int qvl_json_scan_expect(qvl_json_scan *s, char c, const char *wanted)
{
    qvl_json_scan_space(s);
    if (!qvl_json_scan_is_at(s, c))
        return qvl_json_scan_fail(s, wanted);
    pass(s, 1);
    return QVL_OK;
}

/* ---- strings ------------------------------------------------------------ */

/* Step over \uXXXX, both of them for a pair of surrogates. */
static int scan_unicode(qvl_json_scan *s, size_t *len)
{
    int code = qvl_json_hex4(s->p + 2, s->end);
    if (code < 0)
        return qvl_json_scan_fail(s, "four hex digits behind \\u");
    bool is_pair = code >= 0xd800 && code < 0xdc00;
    if (is_pair) {
        const char *second = s->p + 6;
        bool is_escape = s->end - second >= 6 && memcmp(second, "\\u", 2) == 0;
        int low = is_escape ? qvl_json_hex4(second + 2, s->end) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return qvl_json_scan_fail(s, "a pair of surrogates");
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return qvl_json_scan_fail(s, "a pair of surrogates");
    }
    *len += code < 0x80 ? 1 : code < 0x800 ? 2 : is_pair ? 4 : 3;
    pass(s, is_pair ? 12 : 6);
    return QVL_OK;
}

/* Step over an escape and add the bytes that it stands for. */
static int scan_escape(qvl_json_scan *s, size_t *len)
{
    const char *p = s->p + 1;
    if (p < s->end && *p == 'u')
        return scan_unicode(s, len);
    if (p == s->end || *p == '\0' || strchr("\"\\/bfnrt", *p) == NULL)
        return qvl_json_scan_fail(s, "a known escape");
    *len += 1;
    pass(s, 2);
    return QVL_OK;
}

/* Characters at p that stand for themselves and are a byte each. */
static size_t n_plain(const qvl_json_scan *s)
{
    const char *p = s->p;
    while (p < s->end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80
           && *p != '"' && *p != '\\')
        p++;
    return (size_t)(p - s->p);
}

/* Step over something in a string that is not plain. */
static int scan_character(qvl_json_scan *s, size_t *len)
{
    if (s->p == s->end)
        return qvl_json_scan_fail(s, "the end of a string");
    if (*s->p == '\\')
        return scan_escape(s, len);
    if ((unsigned char)*s->p < 0x20)
        return qvl_json_scan_fail(s, "an escape for a control character");
    size_t n = qvl_utf8_bytes(s->p, (size_t)(s->end - s->p));
    if (n == 0)
        return qvl_json_scan_fail(s, "UTF-8");
    *len += n;
    qvl_json_scan_to(s, s->p + n);
    return QVL_OK;
}

int qvl_json_scan_string(qvl_json_scan *s, size_t *len)
{
    QVL_TRY(qvl_json_scan_expect(s, '"', "a string"));
    *len = 0;
    for (;;) {
        size_t n = n_plain(s);
        *len += n;
        pass(s, n);
        if (qvl_json_scan_is_at(s, '"'))
            break;
        QVL_TRY(scan_character(s, len));
    }
    pass(s, 1);
    return QVL_OK;
}

/* ---- numbers, words ----------------------------------------------------- */

/* Behind the digits at p; p itself where there is none. */
static const char *behind_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* Behind a number at p; where it is wrong *is_right becomes false, and a digit is
 * wanted there. */
static const char *behind_number(const char *p, const char *end,
                                 bool *is_whole, bool *is_right)
{
    const char *from = p += p < end && *p == '-';
    *is_whole = true;
    if (p < end && *p == '0')
        p++;  // no digit may follow a leading zero
    else
        p = behind_digits(p, end);
    *is_right = p > from;
    if (*is_right && p < end && *p == '.') {
        *is_whole = false;
        from = ++p;
        p = behind_digits(p, end);
        *is_right = p > from;
    }
    if (*is_right && p < end && (*p == 'e' || *p == 'E')) {
        *is_whole = false;
        p++;
        from = p += p < end && (*p == '+' || *p == '-');
        p = behind_digits(p, end);
        *is_right = p > from;
    }
    return p;
}

int qvl_json_scan_number(qvl_json_scan *s, bool *is_whole)
{
    bool is_right;
    const char *to = behind_number(s->p, s->end, is_whole, &is_right);
    pass(s, (size_t)(to - s->p));
    return is_right ? QVL_OK : qvl_json_scan_fail(s, "a digit");
}

int qvl_json_scan_word(qvl_json_scan *s, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
        return qvl_json_scan_fail(s, "a JSON value");
    pass(s, len);
    return QVL_OK;
}

/* ---- values ------------------------------------------------------------- */

int qvl_json_scan_next(qvl_json_scan *s, char close, bool is_first,
                       bool *has_more)
{
    qvl_json_scan_space(s);
    *has_more = !qvl_json_scan_is_at(s, close);
    if (!*has_more) {
        pass(s, 1);
        return QVL_OK;
    }
    if (is_first)
        return QVL_OK;
    QVL_TRY(qvl_json_scan_expect(s, ',', close == '}' ? "',' or '}'"
                                                      : "',' or ']'"));
    qvl_json_scan_space(s);
    return qvl_json_scan_is_at(s, close)
               ? qvl_json_scan_fail(s, "more behind the ','") : QVL_OK;
}

int qvl_json_scan_key(qvl_json_scan *s, qvl_json_part *key)
{
    size_t len;
    qvl_json_scan_space(s);
    *key = (qvl_json_part){ .p = s->p + 1, .file = s->file, .line = s->line,
                            .col = s->col };
    QVL_TRY(qvl_json_scan_string(s, &len));
    key->len = (size_t)(s->p - key->p) - 1;
    return qvl_json_scan_expect(s, ':', "':'");
}

/* Step over a list or a map, up to `close`. */
static int scan_items(qvl_json_scan *s, char close)
{
    bool has_more = true;
    if (s->depth == QVL_JSON_MAX_DEPTH)
        return qvl_json_scan_fail_depth(s);
    s->depth++;
    pass(s, 1);
    for (bool is_first = true;; is_first = false) {
        qvl_json_part key;
        QVL_TRY(qvl_json_scan_next(s, close, is_first, &has_more));
        if (!has_more)
            break;
        if (close == '}')
            QVL_TRY(qvl_json_scan_key(s, &key));
        QVL_TRY(qvl_json_scan_value(s));
    }
    s->depth--;
    return QVL_OK;
}

int qvl_json_scan_value(qvl_json_scan *s)
{
    bool is_whole;
    size_t len;
    qvl_json_scan_space(s);
    char c = s->p < s->end ? *s->p : '\0';
    switch (c) {
    case '{': return scan_items(s, '}');
    case '[': return scan_items(s, ']');
    case '"': return qvl_json_scan_string(s, &len);
    case 't': return qvl_json_scan_word(s, "true");
    case 'f': return qvl_json_scan_word(s, "false");
    case 'n': return qvl_json_scan_word(s, "null");
    default: break;
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return qvl_json_scan_number(s, &is_whole);
    return qvl_json_scan_fail(s, "a JSON value");
}

/* ---- the outer levels --------------------------------------------------- */

void qvl_json_scan_begin(qvl_json_scan *s, const qvl_json_part *text,
                         qvl_err *err)
{
    assert(text->file != NULL && (text->p != NULL || text->len == 0));
    assert(text->line > 0);
    assert(text->col > 0 && text->col <= QVL_JSON_MAX_PLACE);

    *s = (qvl_json_scan){ .p = text->p, .end = text->p + text->len,
                          .file = text->file, .line = text->line,
                          .col = text->col, .err = err };
    if (text->len >= 3 && memcmp(text->p, "\xef\xbb\xbf", 3) == 0)
        s->p += 3;  // a byte order mark is no character of the text
    qvl_json_scan_space(s);
}

int qvl_json_scan_enter(qvl_json_scan *s, char open)
{
    return qvl_json_scan_expect(s, open, open == '{' ? "a map" : "a list");
}

int qvl_json_scan_part(qvl_json_scan *s, qvl_json_part *value)
{
    qvl_json_scan_space(s);
    *value = (qvl_json_part){ .p = s->p, .file = s->file, .line = s->line,
                              .col = s->col };
    QVL_TRY(qvl_json_scan_value(s));
    value->len = (size_t)(s->p - value->p);
    return QVL_OK;
}

int qvl_json_scan_end(qvl_json_scan *s)
{
    qvl_json_scan_space(s);
    return s->p == s->end ? QVL_OK
                          : qvl_json_scan_fail(s, "the end of the text");
}

bool qvl_json_part_is(const qvl_json_part *part, const char *text)
{
    size_t len = strlen(text);
    return part->len == len && memcmp(part->p, text, len) == 0;
}
