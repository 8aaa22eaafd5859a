/* matcher.c - alternatives in their order, sets as bits of a word
 *
 * A character is looked up once for each item that asks for it. Going back is
 * bounded: an expression that needs more of it is left to the engine.
 */
#include "text/matcher.h"

#include <string.h>

/* Times that a match goes back before it is left to the engine. */
#define MOST_RETURNS 256

/* ---- the expression ------------------------------------------------------ */

typedef struct {
    qvl_matcher *m;
    const char *p;  // what is left of it
    bool ignores_case;
    qvl_matcher_item *item;  // room for all
    size_t n_items;
} parsing;

/* Bytes of the set at p; 0 when there is none. */
static size_t set_bytes(const char *p)
{
    if (p[0] == '\\')
        return p[1] == '\0' ? 0 : 2;
    if (strchr("()|?*+{}]^$.", p[0]) != NULL)  // and the end
        return 0;
    size_t n = 1;
    if (p[0] != '[') {
        while (((uint8_t)p[n] & 0xc0u) == 0x80u)
            n++;
        return n;
    }
    while (p[n] != ']' && p[n] != '\0')
        n += p[n] == '\\' && p[n + 1] != '\0' ? 2 : 1;
    return p[n] == ']' ? n + 1 : 0;
}

/* Take the set at p; false when there is none, or one too many. */
static bool take_set(parsing *g, uint32_t *bit)
{
    qvl_matcher *m = g->m;
    qvl_matcher_set set = { g->p, set_bytes(g->p), g->ignores_case };
    int i = 0;
    while (i < m->n_sets
           && (m->set[i].len != set.len || memcmp(m->set[i].p, set.p, set.len) != 0
               || m->set[i].ignores_case != set.ignores_case))
        i++;
    if (set.len == 0 || i == QVL_MATCHER_SETS)
        return false;
    m->set[i] = set;
    m->n_sets = i == m->n_sets ? i + 1 : m->n_sets;
    g->p += set.len;
    *bit = (uint32_t)1 << i;
    return true;
}

static qvl_matcher_times take_times(parsing *g)
{
    static const char signs[] = "?*+";
    const char *sign = *g->p != '\0' ? strchr(signs, *g->p) : NULL;
    if (sign == NULL)
        return QVL_MATCHER_ONE;
    g->p++;
    return (qvl_matcher_times)(QVL_MATCHER_OPTION + (sign - signs));
}

static bool take_item(parsing *g)
{
    qvl_matcher_item *item = &g->item[g->n_items++];
    bool is_not = strncmp(g->p, "(?!", 3) == 0;
    g->p += is_not ? 3 : 0;
    if (!take_set(g, &item->set))
        return false;
    if (!is_not) {
        item->times = take_times(g);
        return true;
    }
    item->times = QVL_MATCHER_NOT;
    return *g->p++ == ')';
}

/* Sets that the first character of a row may belong to; 0: of any. */
static uint32_t start_of(const qvl_matcher_row *row)
{
    uint32_t start = 0;
    for (size_t i = 0; i < row->n; i++) {
        if (row->item[i].times == QVL_MATCHER_NOT)
            return 0;
        start |= row->item[i].set;
        if (row->item[i].times == QVL_MATCHER_ONE
            || row->item[i].times == QVL_MATCHER_SOME)
            return start;
    }
    return 0;
}

/* An alternative up to the sign behind it. */
static bool take_row(parsing *g)
{
    qvl_matcher_row *row = &g->m->row[g->m->n_rows++];
    *row = (qvl_matcher_row){ .item = g->item + g->n_items };
    size_t from = g->n_items;
    while (*g->p != '\0' && *g->p != '|' && *g->p != ')')
        if (!take_item(g))
            return false;
    row->n = g->n_items - from;
    row->start = start_of(row);
    return row->start != 0;
}

/* Bytes of the opening of a group at p; 0: there is none. */
static size_t group_bytes(const char *p, bool *ignores_case)
{
    *ignores_case = strncmp(p, "(?i:", 4) == 0;
    return *ignores_case ? 4 : strncmp(p, "(?:", 3) == 0 ? 3 : 0;
}

/* An alternative, or a group of them. */
static bool take_rows(parsing *g)
{
    size_t opening = group_bytes(g->p, &g->ignores_case);
    if (opening == 0)
        return take_row(g);
    g->p += opening;
    do {
        if (!take_row(g))
            return false;
    } while (*g->p++ == '|');
    g->ignores_case = false;
    return g->p[-1] == ')';
}

bool qvl_matcher_parse(qvl_matcher *m, const char *pattern, qvl_arena *arena)
{
    size_t len = strlen(pattern);
    *m = (qvl_matcher){ .row = qvl_arena_array(arena, qvl_matcher_row, len + 1) };
    parsing g = { .m = m, .p = pattern,
                  .item = qvl_arena_array(arena, qvl_matcher_item, len + 1) };
    do {
        if (!take_rows(&g))
            return false;
    } while (*g.p++ == '|');
    m->sets = qvl_arena_array(arena, uint32_t, QVL_MATCHER_CHARS);
    return g.p[-1] == '\0';
}

/* ---- a match -------------------------------------------------------------- */

#define NONE SIZE_MAX

typedef struct {
    const uint32_t *sets;
    const uint8_t *text;
    size_t len;
    int n_returns;
    bool is_unknown;  // the engine has to tell
} search;

/* Sets of a character of several bytes. */
static uint32_t sets_of_wide(search *s, const uint8_t *p, size_t *bytes)
{
    if (p[0] < 0xe0) {
        *bytes = 2;
        return s->sets[(p[0] & 0x1fu) << 6 | (p[1] & 0x3fu)];
    }
    if (p[0] < 0xf0) {
        *bytes = 3;
        return s->sets[(p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu)];
    }
    *bytes = 4;
    s->is_unknown = true;
    return 0;
}

/* Sets of the character at a place, and its bytes. */
static inline uint32_t sets_at(search *s, size_t at, size_t *bytes)
{
    const uint8_t *p = s->text + at;
    if (p[0] >= 0x80)
        return sets_of_wide(s, p, bytes);
    *bytes = 1;
    return s->sets[p[0]];
}

/* Bytes of the character at a place when it is of a set, else 0. */
static inline size_t take(search *s, uint32_t set, size_t at)
{
    size_t bytes;
    return at < s->len && (sets_at(s, at, &bytes) & set) != 0 ? bytes : 0;
}

static size_t match_items(search *s, const qvl_matcher_item *item, size_t n, size_t at);

/* The first item many times or not at all, and the rest behind it. */
static size_t match_many(search *s, const qvl_matcher_item *item, size_t n, size_t at)
{
    size_t least = at;
    size_t bytes = take(s, item->set, at);
    if (item->times == QVL_MATCHER_SOME) {
        if (bytes == 0)
            return NONE;
        least += bytes;
    }
    size_t end = at + bytes;
    if (item->times != QVL_MATCHER_OPTION)
        while ((bytes = take(s, item->set, end)) > 0)
            end += bytes;
    for (;;) {
        size_t found = n > 1 ? match_items(s, item + 1, n - 1, end) : end;
        if (found != NONE || end == least)
            return found;
        if (s->n_returns++ == MOST_RETURNS)
            s->is_unknown = true;
        if (s->is_unknown)
            return NONE;
        do
            end--;
        while ((s->text[end] & 0xc0u) == 0x80u);
    }
}

/* Place behind the items when all fit from `at` on. */
static size_t match_items(search *s, const qvl_matcher_item *item, size_t n, size_t at)
{
    for (; n > 0; item++, n--) {
        if (item->times != QVL_MATCHER_ONE && item->times != QVL_MATCHER_NOT)
            return match_many(s, item, n, at);
        size_t bytes = take(s, item->set, at);
        if ((bytes == 0) != (item->times == QVL_MATCHER_NOT))
            return NONE;
        at += item->times == QVL_MATCHER_ONE ? bytes : 0;
    }
    return at;
}

size_t qvl_matcher_match(const qvl_matcher *m, const char *text, size_t len, size_t at)
{
    search s = { .sets = m->sets, .text = (const uint8_t *)text, .len = len };
    size_t bytes;
    uint32_t first = sets_at(&s, at, &bytes);
    for (size_t i = 0; i < m->n_rows && !s.is_unknown; i++) {
        if ((m->row[i].start & first) == 0)
            continue;
        size_t end = match_items(&s, m->row[i].item, m->row[i].n, at);
        if (end != NONE && !s.is_unknown)
            return end - at;
    }
    return 0;
}
