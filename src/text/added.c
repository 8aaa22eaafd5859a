/* added.c - a trie of added tokens, by bytes
 *
 * The longest token that begins at a place wins; matching costs the length of
 * what it finds. A trie by bytes.
 */
#include "text/added.h"

#include <assert.h>
#include <limits.h>

void qvl_added_init(qvl_added *a, size_t n_bytes, qvl_arena *arena)
{
    assert(n_bytes < INT_MAX);
    *a = (qvl_added){ .node = qvl_arena_array(arena, qvl_added_node,
                                              n_bytes + 1),
                      .n = 1, .cap = (int)n_bytes + 1 };
}

static int step(const qvl_added *a, int node, uint8_t byte)
{
    int next = node != 0 ? a->node[node].child : a->root[byte];
    while (next != 0 && a->node[next].byte != byte)
        next = a->node[next].sibling;
    return next;
}

static int grow(qvl_added *a, int node, uint8_t byte)
{
    assert(a->n < a->cap);
    int *first = node != 0 ? &a->node[node].child : &a->root[byte];
    a->node[a->n] = (qvl_added_node){ .byte = byte, .id = -1,
                                      .sibling = *first };
    *first = a->n;
    return a->n++;
}

void qvl_added_put(qvl_added *a, const char *text, size_t len, int id)
{
    assert(len > 0 && id >= 0);
    int node = 0;
    for (size_t i = 0; i < len; i++) {
        int next = step(a, node, (uint8_t)text[i]);
        node = next != 0 ? next : grow(a, node, (uint8_t)text[i]);
    }
    assert(a->node[node].id == -1);
    a->node[node].id = id;
}

int qvl_added_match(const qvl_added *a, const char *p, size_t len,
                    size_t *n_bytes)
{
    int id = -1;
    int node = 0;
    for (size_t i = 0; i < len; i++) {
        node = step(a, node, (uint8_t)p[i]);
        if (node == 0)
            break;
        if (a->node[node].id >= 0) {
            id = a->node[node].id;
            *n_bytes = i + 1;
        }
    }
    return id;
}

bool qvl_added_is_longest(const qvl_added *a, const char *p, size_t len)
{
    int node = 0;
    for (size_t i = 0; i < len; i++) {
        node = step(a, node, (uint8_t)p[i]);
        if (node == 0)
            return true;
    }
    return len > 0 && a->node[node].child == 0;
}
