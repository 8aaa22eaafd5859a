/* matcher.h - expressions of a simple form, matched by a table of characters
 *
 * The expression of a tokenizer is a list of alternatives, each a row of sets of
 * characters:
 *
 *     alternative = item ...
 *     item        = set | set? | set* | set+ | (?!set)
 *     set         = a character, an escape or [...]
 *
 * and a group (?:...) or (?i:...) of such alternatives may stand for one. Such an
 * expression is matched here as the engine of split.c does it: from the left, the
 * first alternative that fits, each item as long as it can be and shorter where the
 * rest does not fit. What the sets hold is for the engine to say: the caller asks it
 * once for every character below QVL_MATCHER_CHARS. An expression of another form
 * has no matcher, and where a matcher does not know, the engine has to.
 */
#ifndef QVL_MATCHER_H
#define QVL_MATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* Characters below this are in the table. */
#define QVL_MATCHER_CHARS 0x10000

/* Most sets of an expression: bits of a word. */
#define QVL_MATCHER_SETS 32

/* How often a set is taken. */
typedef enum {
    QVL_MATCHER_ONE,
    QVL_MATCHER_OPTION,  // set?
    QVL_MATCHER_ANY,     // set*
    QVL_MATCHER_SOME,    // set+
    QVL_MATCHER_NOT      // (?!set)
} qvl_matcher_times;

typedef struct {
    uint32_t set;  // one bit
    qvl_matcher_times times;
} qvl_matcher_item;

typedef struct {
    const qvl_matcher_item *item;  // [n]
    size_t n;
    uint32_t start;  // sets that its first character may belong to
} qvl_matcher_row;

/* A set as the expression writes it. */
typedef struct {
    const char *p;  // [len], into the expression
    size_t len;
    bool ignores_case;
} qvl_matcher_set;

/* Read-only once the sets are known, by any number of threads. */
typedef struct {
    // borrowed, from the arena given to parse
    uint32_t *sets;  // [QVL_MATCHER_CHARS] of a character, bit i for set i
    qvl_matcher_row *row;  // [n_rows] alternatives
    size_t n_rows;
    qvl_matcher_set set[QVL_MATCHER_SETS];
    int n_sets;
} qvl_matcher;

/* Read an expression, which the engine has taken and which is kept by the caller; its
 * sets are empty yet. False when it has another form. */
bool qvl_matcher_parse(qvl_matcher *m, const char *pattern, qvl_arena *arena);

/* Bytes of the match that begins at a place of a text of valid UTF-8; 0 when there is
 * none, or the matcher cannot tell: a character is not in the table, or there are too
 * many ways to try. */
size_t qvl_matcher_match(const qvl_matcher *m, const char *text, size_t len,
                         size_t at);

#endif
