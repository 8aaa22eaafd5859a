/* text.c - blanks, control characters and shortened texts
 *
 * Blanks are those of ASCII and the ideographic space; which characters a text
 * may not hold stands in one list.
 */
#include "data/text.h"

#include <string.h>

#define SHORT_BYTES 200

/* Bytes of the blank at p: 0 when it is none. */
static size_t blank_at(const char *p)
{
    if (*p == ' ' || (*p >= '\t' && *p <= '\r'))
        return 1;
    return strncmp(p, "\xe3\x80\x80", 3) == 0 ? 3 : 0;
}

static const char *skip_blanks(const char *p)
{
    for (size_t n; (n = blank_at(p)) > 0;)
        p += n;
    return p;
}

/* Behind the last character that is no blank. */
static const char *end_of(const char *p)
{
    const char *end = p;
    while (*p != '\0') {
        size_t n = blank_at(p);
        p += n > 0 ? n : 1;
        if (n == 0)
            end = p;
    }
    return end;
}

bool qvl_text_is_blank(const char *text)
{
    return *skip_blanks(text) == '\0';
}

/* What no text of an answer may hold. */
static const char *common_fault(const char *text)
{
    if (qvl_text_is_blank(text))
        return "nothing";
    if (strpbrk(text, "\n\r") != NULL)
        return "a line break";
    if (strstr(text, "<|") != NULL)
        return "\"<|\", which begins control tokens,";
    return NULL;
}

const char *qvl_text_desc_fault(const char *text)
{
    static const struct {
        const char *part, *fault;
    } parts[] = {
        { "\t", "a tab" },           { "  ", "two blanks in a row" },
        { " ,", "a blank before ','" }, { ", ", "a blank behind ','" },
        { " /", "a blank before '/'" }, { "/ ", "a blank behind '/'" },
    };
    const char *fault = common_fault(text);
    if (fault != NULL)
        return fault;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(text, parts[i].part) != NULL)
            return parts[i].fault;
    if (blank_at(text) > 0 || *end_of(text) != '\0')
        return "a blank at an end";
    return NULL;
}

const char *qvl_text_make_desc(qvl_arena *arena, const char *text)
{
    char *out = qvl_arena_alloc(arena, strlen(text) + 1);
    char *to = out;
    bool is_apart = false;  // blanks stand before the next character
    for (const char *p = text; *p != '\0';) {
        size_t n = blank_at(p);
        if (n > 0) {
            is_apart = true;
            p += n;
            continue;
        }
        bool is_tight = to == out || *p == ',' || *p == '/' || to[-1] == ','
                        || to[-1] == '/';
        if (is_apart && !is_tight)
            *to++ = ' ';
        is_apart = false;
        *to++ = *p++;
    }
    *to = '\0';
    return out;
}

const char *qvl_text_summary_fault(const char *text)
{
    return common_fault(text);
}

const char *qvl_text_trim(qvl_arena *arena, const char *text)
{
    const char *from = skip_blanks(text);
    const char *to = end_of(from);
    return qvl_arena_strndup(arena, from, (size_t)(to - from));
}

const char *qvl_text_short(qvl_arena *arena, const char *text)
{
    size_t n = strlen(text);
    bool is_cut = n > SHORT_BYTES;
    if (is_cut)
        for (n = SHORT_BYTES; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    char *copy = qvl_arena_printf(arena, "%.*s%s", (int)n, text,
                                  is_cut ? "..." : "");
    for (char *p = copy; *p != '\0'; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return copy;
}

/* ---- heads -------------------------------------------------------------- */

static const char *skip_spaces(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* Behind the <NAME=VALUE> at p; NULL: there is none. */
static const char *skip_head(const char *p, const char *end)
{
    bool has_value = false;
    if (end - p < 3 || p[0] != '<' || p[1] == '|')
        return NULL;
    for (p++; p < end && *p != '>' && *p != '<' && *p != '\n'; p++)
        has_value = has_value || *p == '=';
    return p < end && *p == '>' && has_value ? p + 1 : NULL;
}

size_t qvl_text_head(const char *text, size_t len)
{
    const char *end = text + len, *behind = text, *next;
    const char *p = skip_spaces(text, end);
    while ((next = skip_head(p, end)) != NULL) {
        p = behind = skip_spaces(next, end);
        if (p < end && *p == ',')
            p = behind = skip_spaces(p + 1, end);
    }
    return (size_t)(behind - text);
}
