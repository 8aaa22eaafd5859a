/* split.h - cut a text into pieces by a regular expression
 *
 * The pieces of a text are the matches of the expression, from the left,
 * alternatives in their order, and what lies between two matches. Merging
 * tokens never crosses the border of a piece.
 *
 * Vocabulary files write expressions for another engine than the one used here.
 * What both read the same way is taken; \s, \S, \p{L} and \p{N} are written
 * out (the engines differ on U+180E and in their version of Unicode); anything
 * else, such as \w, '.' or '^', is refused rather than read differently.
 */
#ifndef QVL_SPLIT_H
#define QVL_SPLIT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct qvl_split qvl_split;

/* Compile an expression. Fails with QVL_E_MODEL when it is damaged, uses what is
 * refused, or may match nothing. Unwinds when there is no memory for the handle,
 * QVL_E_MEMORY for what it holds. */
int qvl_split_open(qvl_split **split, const char *pattern, qvl_err *err);

void qvl_split_close(qvl_split *split);

/* A walk over one text. Several walks may use one qvl_split at a time. */
typedef struct {
    // borrowed
    const qvl_split *split;
    const char *text;   // [len] valid UTF-8, until the walk ends
    size_t len;
    qvl_arena *arena;   // given at the start
    void *work;         // of the arena; NULL before the first need
    size_t at;          // start of the next piece
    size_t match;       // [match, match_end) is the next match
    size_t match_end;
} qvl_split_walk;

/* Begin a walk, whose steps take memory from the arena too: both unwind when there
 * is none. */
void qvl_split_start(qvl_split_walk *walk, const qvl_split *split,
                     const char *text, size_t len, qvl_arena *arena);

/* The next piece, which points into the text; *len is 0 at its end. Fails with
 * QVL_E_DATA when the expression needs more steps for the text than are allowed. */
int qvl_split_next(qvl_split_walk *walk, const char **piece, size_t *len,
                   qvl_err *err);

#endif
