/* guard.c - braces counted, entries remembered
 *
 * Each byte is looked at once, whatever the pieces it comes in; nothing but the
 * places of closed entries is kept. A new entry is compared with all of them, whose
 * number max_entries bounds.
 */
#include "infer/guard.h"

#include <string.h>

static bool is_known(const qvl_json_guard *g, const char *text, size_t at,
                     size_t len)
{
    for (const qvl_json_entry *e = g->closed; e != NULL; e = e->next)
        if (e->len == len && memcmp(text + e->at, text + at, len) == 0)
            return true;
    return false;
}

static void remember(qvl_json_guard *g, size_t at, size_t len)
{
    qvl_json_entry *e = qvl_arena_array(g->arena, qvl_json_entry, 1);
    *e = (qvl_json_entry){ .next = g->closed, .at = at, .len = len };
    g->closed = e;
}

/* A brace at i, outside of strings. An object inside of a list is no entry. */
static qvl_json_end see_brace(qvl_json_guard *g, const char *text, size_t i)
{
    if (text[i] == '{') {
        if (++g->depth != 2 || g->n_lists > 0)
            return QVL_JSON_GO_ON;
        g->entry = i;
        g->n_entries++;
        return g->max_entries > 0 && g->n_entries > g->max_entries
                   ? QVL_JSON_MANY
                   : QVL_JSON_GO_ON;
    }
    g->depth--;
    if (g->depth == 0)
        return QVL_JSON_CLOSED;
    if (g->depth != 1 || g->n_lists > 0)
        return QVL_JSON_GO_ON;
    size_t len = i + 1 - g->entry;
    if (is_known(g, text, g->entry, len))
        return QVL_JSON_REPEATED;
    remember(g, g->entry, len);
    return QVL_JSON_GO_ON;
}

qvl_json_end qvl_json_guard_see(qvl_json_guard *g, const char *text,
                                 size_t len, size_t *at)
{
    while (g->seen < len) {
        size_t i = g->seen++;
        char c = text[i];
        if (g->is_escaped) {
            g->is_escaped = false;
        } else if (g->in_string) {
            g->is_escaped = c == '\\';
            g->in_string = c != '"';
        } else if (c == '"') {
            g->in_string = g->depth > 0;
        } else if (g->depth == 1 && (c == '[' || c == ']')) {
            g->n_lists += c == '[' ? 1 : g->n_lists > 0 ? -1 : 0;
        } else if (c == '{' || (c == '}' && g->depth > 0)) {
            qvl_json_end end = see_brace(g, text, i);
            *at = i + 1;
            if (end != QVL_JSON_GO_ON)
                return end;
        }
    }
    return QVL_JSON_GO_ON;
}
