/* desc.c - three dialects, told apart by the text
 *
 * Nothing is refused: a text that fits no dialect is its own category.
 */
#include "score/desc.h"

#include <string.h>

#include "base/compiler.h"

/* Words of the slash dialect that say whether an object is seen as a whole. */
static const char *const visibility_word[] = {
    "\xe6\x98\xbe\xe7\xa4\xba\xe5\xae\x8c\xe6\x95\xb4",
    "\xe5\x8f\xaa\xe6\x98\xbe\xe7\xa4\xba\xe9\x83\xa8\xe5\x88\x86",
};

typedef struct {
    qvl_arena *arena;
    qvl_desc *d;
    qvl_desc_attr *attr;  // [cap]
} reader;

/* Copy without blanks around. */
static const char *copy(const reader *r, const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;
    while (end > p && end[-1] == ' ')
        end--;
    return qvl_arena_strndup(r->arena, p, (size_t)(end - p));
}

static void add(reader *r, const char *key, const char *value)
{
    if (*key != '\0')
        r->attr[r->d->n_attrs++] = (qvl_desc_attr){ key, value };
}

static const char *find_char(const char *p, const char *end, char c)
{
    const char *q = memchr(p, c, (size_t)(end - p));
    return q != NULL ? q : end;
}

/* Attributes there can be at most: one more than separators. */
static size_t count_attrs(const char *text)
{
    size_t n = 1;
    for (const char *p = text; *p != '\0'; p++)
        n += *p == ',' || *p == '/';
    return n;
}

/* ---- keyvalue ----------------------------------------------------------- */

static bool is_free_text(const char *key)
{
    return strcmp(key, QVL_DESC_READING) == 0
           || strcmp(key, QVL_DESC_REMARK) == 0;
}

/* The category's key, at the start or behind a comma. */
static bool is_keyvalue(const char *text)
{
    static const char key[] = QVL_DESC_CATEGORY "=";
    const char *p = strstr(text, key);
    while (p != NULL && p != text && p[-1] != ',')
        p = strstr(p + 1, key);
    return p != NULL;
}

/* Put a fragment behind the value of the last attribute. */
static void append(reader *r, const char *p, const char *end)
{
    qvl_desc_attr *last = &r->attr[r->d->n_attrs - 1];
    last->value = qvl_arena_printf(r->arena, "%s,%.*s", last->value,
                                   (int)(end - p), p);
}

static void read_keyvalue(reader *r, const char *text, const char *end)
{
    for (const char *p = text; p <= end;) {
        const char *stop = find_char(p, end, ',');
        const char *equal = find_char(p, stop, '=');
        bool has_key = equal != stop && equal != p;
        const char *key = copy(r, p, has_key ? equal : stop);
        if (has_key && strcmp(key, QVL_DESC_CATEGORY) == 0)
            r->d->category = copy(r, equal + 1, stop);
        else if (has_key)
            add(r, key, copy(r, equal + 1, stop));
        else if (r->d->n_attrs > 0
                 && is_free_text(r->attr[r->d->n_attrs - 1].key))
            append(r, p, stop);
        else
            add(r, key, key);
        p = stop + 1;
    }
}

/* ---- slash -------------------------------------------------------------- */

/* Where NAME:VALUE is parted, the colon in ASCII or full width; NULL: it is
 * not. *bytes: of the colon. */
static const char *find_colon(const char *p, const char *end, size_t *bytes)
{
    static const char full[] = "\xef\xbc\x9a";
    const char *ascii = memchr(p, ':', (size_t)(end - p));
    const char *wide = memmem(p, (size_t)(end - p), full, sizeof full - 1);
    bool is_wide = wide != NULL && (ascii == NULL || wide < ascii);
    *bytes = is_wide ? sizeof full - 1 : 1;
    return is_wide ? wide : ascii;
}

static void add_item(reader *r, const char *p, const char *end)
{
    size_t bytes;
    const char *colon = find_colon(p, end, &bytes);
    if (colon != NULL && colon > p) {
        add(r, copy(r, p, colon), copy(r, colon + bytes, end));
        return;
    }
    const char *word = copy(r, p, end);
    for (size_t i = 0; i < QVL_COUNT(visibility_word); i++) {
        if (strcmp(word, visibility_word[i]) == 0) {
            add(r, QVL_DESC_VISIBILITY, word);
            return;
        }
    }
    add(r, word, word);
}

/* A remark takes the rest, whatever is in it. */
static bool is_remark(const char *p, const char *end)
{
    size_t n = strlen(QVL_DESC_REMARK);
    size_t bytes;
    while (p < end && *p == ' ')
        p++;
    return (size_t)(end - p) > n && memcmp(p, QVL_DESC_REMARK, n) == 0
           && find_colon(p, end, &bytes) == p + n;
}

static void read_slash(reader *r, const char *text, const char *end)
{
    const char *p = find_char(text, end, '/');
    r->d->category = copy(r, text, p);
    while (p < end) {
        p++;
        if (is_remark(p, end)) {
            add_item(r, p, end);
            return;
        }
        const char *stop = find_char(p, find_char(p, end, '/'), ',');
        add_item(r, p, stop);
        p = stop;
    }
}

void qvl_desc_read(qvl_desc *d, const char *text, qvl_arena *arena)
{
    *d = (qvl_desc){ .category = "" };
    reader r = { .arena = arena, .d = d,
                 .attr = qvl_arena_array(arena, qvl_desc_attr,
                                         count_attrs(text)) };
    d->attr = r.attr;
    const char *end = text + strlen(text);
    if (is_keyvalue(text))
        read_keyvalue(&r, text, end);
    else
        read_slash(&r, text, end);
}

const char *qvl_desc_find(const qvl_desc *d, const char *key)
{
    for (int i = 0; i < d->n_attrs; i++)
        if (strcmp(d->attr[i].key, key) == 0)
            return d->attr[i].value;
    return NULL;
}
