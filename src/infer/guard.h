/* guard.h - when an answer of JSON is whole
 *
 * Looks at the text of an answer as it comes and tells when there is nothing
 * left to say: the first object of JSON is closed, it has more entries than
 * wanted (values that are objects), or an entry came a second time word for
 * word (a model in a loop). Text in front of the first '{' is passed over;
 * braces inside strings do not count.
 */
#ifndef QVL_INFER_GUARD_H
#define QVL_INFER_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

typedef enum {
    QVL_JSON_GO_ON,
    QVL_JSON_CLOSED,   // the object ended
    QVL_JSON_MANY,     // one entry more than max_entries has begun
    QVL_JSON_REPEATED, // an entry equals an earlier one
} qvl_json_end;

typedef struct qvl_json_entry {
    const struct qvl_json_entry *next;
    size_t at, len;  // of the value, in the text
} qvl_json_entry;

/* A zeroed struct with arena and max_entries is at its start. */
typedef struct {
    qvl_arena *arena;  // borrowed
    int max_entries;   // values of the outer object that are objects; 0: any
    size_t seen;       // bytes of the text looked at
    size_t entry;      // start of the value that is open at depth 2
    int depth;         // objects that are open
    int n_lists;       // lists that are open in the outer object
    int n_entries;
    bool in_string, is_escaped;
    const qvl_json_entry *closed;
} qvl_json_guard;

/* Look at what is new of text [len], which begins with that of the call before. *at
 * is the byte behind the last one that belongs to the answer when the end is not
 * GO_ON. Each entry is compared with all before it. Runs out of host memory as an
 * arena does. */
qvl_json_end qvl_json_guard_see(qvl_json_guard *g, const char *text,
                                 size_t len, size_t *at);

#endif
