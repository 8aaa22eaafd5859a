/* lint.c - the dialects of descriptions and summaries, each as a walk over its parts
 *
 * The first thing that is wrong is told. Characters beyond ASCII are written as their
 * bytes in UTF-8, with their meaning beside them.
 */
#include "data/lint.h"

#include <string.h>

#include "base/compiler.h"
#include "base/json.h"
#include "data/desc.h"
#include "data/geom.h"
#include "data/message.h"

#define WIDE_COMMA "\xef\xbc\x8c"
#define WIDE_COLON "\xef\xbc\x9a"
#define WIDE_STOP "\xe3\x80\x82"
#define TIMES "\xc3\x97"
#define COUNTS "\xe7\xbb\x9f\xe8\xae\xa1"
#define COUNTS_BY_GROUP "\xe5\x88\x86\xe7\xbb\x84" COUNTS
#define GROUP "\xe7\xbb\x84"
#define WHOLE "\xe5\xae\x8c\xe6\x95\xb4"
#define PART "\xe9\x83\xa8\xe5\x88\x86"

static const char *const names[] = { [QVL_LINT_NONE] = "none",
                                     [QVL_LINT_SLASH] = "slash",
                                     [QVL_LINT_KEYVALUE] = "keyvalue" };

const char *qvl_lint_name(qvl_lint lint)
{
    return names[lint];
}

qvl_lint qvl_lint_find(const char *name)
{
    int i = 0;
    while (i < QVL_N_LINTS && strcmp(names[i], name) != 0)
        i++;
    return (qvl_lint)i;
}

/* ---- parts of a text ------------------------------------------------------ */

typedef struct {
    const char *p, *end;
} part;

static bool is_text(part a, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(a.end - a.p) == n && memcmp(a.p, text, n) == 0;
}

static bool begins(part a, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(a.end - a.p) >= n && memcmp(a.p, text, n) == 0;
}

static bool has(part a, const char *text)
{
    size_t n = strlen(text);
    for (const char *p = a.p; n <= (size_t)(a.end - p); p++)
        if (memcmp(p, text, n) == 0)
            return true;
    return false;
}

/* Take what stands before the next `mark` off the front; false: nothing is left. The
 * rest of a text without a mark is the last part. */
static bool take(part *rest, const char *mark, part *out)
{
    size_t n = strlen(mark);
    if (rest->p == NULL)
        return false;
    *out = *rest;
    for (const char *p = rest->p; n <= (size_t)(rest->end - p); p++)
        if (memcmp(p, mark, n) == 0) {
            out->end = p;
            rest->p = p + n;
            return true;
        }
    rest->p = NULL;
    return true;
}

static part whole(const char *text)
{
    return (part){ text, text + strlen(text) };
}

/* ---- slash ----------------------------------------------------------------- */

static const char remark[] = QVL_DESC_REMARK ":";
static const char again[] = "/" QVL_DESC_REMARK ":";

/* `rest` begins at the remark and goes to the end. */
static const char *remark_fault(part rest)
{
    part text = { rest.p + sizeof remark - 1, rest.end };
    if (text.p == text.end)
        return "an empty remark";
    if (*text.p == ' ')
        return "a blank at the beginning of the remark";
    return has(text, again) ? "a second remark" : NULL;
}

static const char *attributes_fault(part list)
{
    part one;
    if (begins(list, QVL_DESC_REMARK WIDE_COLON))
        return "a full-width colon behind the name of the remark";
    while (take(&list, ",", &one)) {
        if (one.p == one.end)
            return "an empty part";
        if (has(one, remark))
            return "a remark that is no part of its own";
    }
    return NULL;
}

static const char *slash_desc_fault(const char *text)
{
    part rest = whole(text), one;
    const char *fault = NULL;
    if (begins(rest, QVL_DESC_CATEGORY "="))
        return "the dialect keyvalue";
    if (begins(rest, remark))
        return "no type in front";
    while (fault == NULL && rest.p != NULL) {
        if (begins(rest, remark))
            return remark_fault(rest);
        take(&rest, "/", &one);
        fault = attributes_fault(one);
    }
    return fault;
}

/* ---- keyvalue --------------------------------------------------------------- */

/* Where the '=' of a part with a key stands; NULL: it has no key. */
static const char *find_equal(part a)
{
    const char *equal = memchr(a.p, '=', (size_t)(a.end - a.p));
    return equal == a.p || (equal != NULL && memchr(a.p, '|', (size_t)(equal - a.p)))
               ? NULL : equal;
}

static bool is_free_text(part key)
{
    return is_text(key, QVL_DESC_READING) || is_text(key, QVL_DESC_REMARK);
}

static bool is_visibility(part value)
{
    return is_text(value, WHOLE) || is_text(value, PART);
}

static bool is_integer(part value)
{
    value.p += value.p < value.end && *value.p == '-';
    bool is_any = value.p < value.end;
    for (; value.p < value.end; value.p++)
        is_any = is_any && *value.p >= '0' && *value.p <= '9';
    return is_any;
}

/* A value of a key that is no free text. */
static const char *value_fault(part key, part value)
{
    part one, rest = value;
    if (has(value, " "))
        return "a blank";
    if (memchr(value.p, '=', (size_t)(value.end - value.p)) != NULL)
        return "a second '=' in a part";
    while (take(&rest, "|", &one))
        if (one.p == one.end)
            return "a key without a value";
    if (is_text(key, QVL_DESC_VISIBILITY) && !is_visibility(value))
        return "a visibility that is none";
    if (is_text(key, QVL_DESC_DISTANCE) && !is_integer(value))
        return "a distance that is no whole number";
    if (is_text(key, GROUP) && has(value, "|"))
        return "several groups";
    return NULL;
}

static const char *keyvalue_desc_fault(const char *text)
{
    part rest = whole(text), one;
    bool is_first = true, is_free = false;
    while (take(&rest, ",", &one)) {
        const char *equal = find_equal(one);
        part key = { one.p, equal }, value = { equal + (equal != NULL), one.end };
        if (equal == NULL && is_free)
            continue;  // of the free text before it
        if (equal == NULL)
            return "a part without KEY=VALUE";
        if (is_text(key, QVL_DESC_CATEGORY) != is_first)
            return is_first ? "another key than that of the category in front"
                            : "a second category";
        is_first = false;
        is_free = is_free_text(key);
        if (has(key, " "))
            return "a blank";
        const char *fault = is_free ? NULL : value_fault(key, value);
        if (fault == NULL && value.p == value.end)
            fault = "a key without a value";
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

const char *qvl_lint_desc(qvl_lint lint, const char *text)
{
    switch (lint) {
    case QVL_LINT_SLASH:
        return slash_desc_fault(text);
    case QVL_LINT_KEYVALUE:
        return keyvalue_desc_fault(text);
    default:
        return NULL;
    }
}

/* ---- summaries -------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Is a word there that is not a part of a longer one? */
static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
        if ((p == text || !is_letter(p[-1])) && !is_letter(p[n]))
            return true;
    return false;
}

static bool has_bracketed_digit(const char *text)
{
    for (const char *p = text; (p = strchr(p, '[')) != NULL;) {
        p++;
        p += strspn(p, " ");
        if (*p >= '0' && *p <= '9')
            return true;
    }
    return false;
}

/* What looks like an answer with objects. */
static const char *object_fault(const char *text)
{
    for (int i = 0; i < QVL_N_GEOM_KEYS; i++)
        if (has_word(text, qvl_geom_keys[i].key))
            return "the name of a geometry";
    if (strpbrk(text, "<>") != NULL)
        return "an angle bracket";
    return has_bracketed_digit(text) ? "a number in brackets" : NULL;
}

/* TEXT x N: digits behind the last sign. */
static const char *item_fault(part item)
{
    const char *sign = NULL;
    for (const char *p = item.p; p + 2 <= item.end; p++)
        if (memcmp(p, TIMES, 2) == 0)
            sign = p;
    if (sign == NULL)
        return "an item without a number of times";
    part count = { sign + 2, item.end };
    if (sign == item.p)
        return "an item without a description";
    if (sign[-1] == ' ' || (count.p < count.end && *count.p == ' '))
        return "a blank beside the sign of times";
    if (!is_integer(count) || *count.p == '0' || *count.p == '-')
        return "an item without a number of times";
    return NULL;
}

static const char *text_summary_fault(const char *text)
{
    part rest = whole(text), one;
    size_t n = strlen(text);
    const char *fault = object_fault(text);
    if (fault == NULL && n >= 3 && strcmp(text + n - 3, WIDE_STOP) == 0)
        fault = "a full stop at the end";
    for (bool is_first = true; fault == NULL && rest.p != NULL; is_first = false) {
        if (!is_first && begins(rest, remark))
            return NULL;
        take(&rest, WIDE_COMMA, &one);
        fault = item_fault(one);
    }
    return fault;
}

static const char *map_fault(const qvl_node *map)
{
    static const char *const keys[] = { COUNTS, QVL_DESC_REMARK, COUNTS_BY_GROUP };
    const qvl_node *counts = qvl_node_find(map, COUNTS);
    if (counts == NULL || counts->kind != QVL_NODE_LIST)
        return "no list " COUNTS;
    for (size_t i = 0; i < map->n; i++) {
        bool is_known = false;
        for (size_t k = 0; k < QVL_COUNT(keys); k++)
            is_known = is_known || strcmp(map->keys[i].s, keys[k]) == 0;
        if (!is_known)
            return "a key that is none of a summary";
    }
    return NULL;
}

static const char *json_summary_fault(const char *text, qvl_arena *arena)
{
    qvl_node *root;
    qvl_err err;
    if (qvl_json_parse(&root, text, strlen(text), "summary", arena, &err) != QVL_OK)
        return "no JSON";
    return root->kind == QVL_NODE_MAP ? map_fault(root) : "no JSON map";
}

const char *qvl_lint_summary(qvl_lint lint, const char *text, qvl_arena *arena)
{
    if (lint == QVL_LINT_NONE || strcmp(text, qvl_irrelevant_answer) == 0)
        return NULL;
    return lint == QVL_LINT_SLASH ? text_summary_fault(text)
                                  : json_summary_fault(text, arena);
}
