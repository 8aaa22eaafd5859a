/* added.h - find whole tokens in a text
 *
 * Added tokens are not merged from bytes: where their text stands, they are
 * taken whole. At a place the longest one wins. A tree over their bytes, so
 * the cost of a place is the length of the longest token that begins alike.
 */
#ifndef QVL_ADDED_H
#define QVL_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct {
    int child;    // first of the nodes one byte on, 0: none
    int sibling;  // next node with the same parent, 0: none
    int id;       // token that ends here, -1: none
    uint8_t byte;
} qvl_added_node;

/* Read-only once the tokens are in, by any number of threads. */
typedef struct {
    // borrowed, from the arena given to init
    qvl_added_node *node;  // [n] node 0 is not used
    int n;
    int cap;
    int root[256];         // node of a first byte, 0: none
} qvl_added;

/* Room for tokens of n_bytes together, below INT_MAX. */
void qvl_added_init(qvl_added *a, size_t n_bytes, qvl_arena *arena);

/* Add a token that is not there yet, within the room; len > 0, id >= 0. The text
 * is borrowed for the call. */
void qvl_added_put(qvl_added *a, const char *text, size_t len, int id);

/* The longest token at the start of p [len], and its bytes; -1 when none is
 * there, *n_bytes is unchanged then. */
int qvl_added_match(const qvl_added *a, const char *p, size_t len,
                    size_t *n_bytes);

/* Does no token begin with the bytes p [len], but be longer? */
bool qvl_added_is_longest(const qvl_added *a, const char *p, size_t len);

#endif
