/* desc.c - three dialects, told apart by the text
 *
 * Nothing is refused: a text that fits no dialect is its own category.
 */
#include "data/desc.h"

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

/* ---- replacing ---------------------------------------------------------- */

/* Is the fragment part of the free text of the one with the last key? */
static bool continues_free_text(const char *p, const char *stop, bool *is_free)
{
    const char *equal = find_char(p, stop, '=');
    if (equal == stop || equal == p)
        return *is_free;
    size_t n = (size_t)(equal - p);
    *is_free = (n == strlen(QVL_DESC_READING) && memcmp(p, QVL_DESC_READING, n) == 0)
               || (n == strlen(QVL_DESC_REMARK) && memcmp(p, QVL_DESC_REMARK, n) == 0);
    return false;
}

/* A walk over the tokens of a text. */
typedef struct {
    const char *p;  // the next one
    const char *end;
    bool is_pairs;  // keyvalue
    bool is_free;   // the last key is one of free text
} tokens;

/* The next token that is `from`; NULL: there is none. */
static const char *find_token(tokens *t, const char *from)
{
    size_t n = strlen(from);
    while (t->p <= t->end) {
        const char *p = t->p;
        if (!t->is_pairs && is_remark(p, t->end))
            return NULL;
        const char *stop = find_char(p, t->end, ',');
        if (!t->is_pairs)
            stop = find_char(p, stop, '/');
        bool is_rest = t->is_pairs && continues_free_text(p, stop, &t->is_free);
        t->p = stop + 1;
        if (!is_rest && (size_t)(stop - p) == n && memcmp(p, from, n) == 0)
            return p;
    }
    return NULL;
}

const char *qvl_desc_replace(const char *text, const char *from, const char *to,
                             qvl_arena *arena)
{
    tokens t = { .p = text, .end = text + strlen(text),
                 .is_pairs = is_keyvalue(text) };
    const char *out = NULL, *done = text, *found;
    while ((found = find_token(&t, from)) != NULL) {
        out = qvl_arena_printf(arena, "%s%.*s%s", out != NULL ? out : "",
                               (int)(found - done), done, to);
        done = found + strlen(from);
    }
    return out != NULL ? qvl_arena_printf(arena, "%s%s", out, done) : text;
}
