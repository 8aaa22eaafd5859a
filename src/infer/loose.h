/* loose.h - JSON as models write it, to a tree
 *
 * Takes everything strict JSON takes (base/json.h) and, beyond it, what is
 * plainly meant: commas before a closing bracket, full-width punctuation and
 * quotes, single quotes, wrong escapes and bytes in strings, words and numbers
 * of other languages, a text that ends too early. What was overlooked is told
 * as a set of fixes: none means that the text is JSON, but for keys that come
 * twice, which are kept. Anything else is refused, so that the caller can look
 * for a better place to begin.
 *
 * Strings come out as UTF-8 whatever is in the text. Nesting goes up to
 * QVL_JSON_MAX_DEPTH.
 */
#ifndef QVL_INFER_LOOSE_H
#define QVL_INFER_LOOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

typedef enum {
    QVL_LOOSE_WORD,  // null, true, false, and words that JSON has not
    QVL_LOOSE_NUMBER,
    QVL_LOOSE_STRING,
    QVL_LOOSE_LIST,
    QVL_LOOSE_MAP
} qvl_loose_kind;

typedef struct qvl_loose_item qvl_loose_item;

typedef struct {
    qvl_loose_kind kind;
    bool is_whole;     // the text did not end inside; a map that only lacks
                       // its closing bracket is whole too
    double number;     // NUMBER, finite
    const char *text;  // STRING: [len] bytes and a NUL
    size_t len;
    qvl_loose_item *item;  // [n] LIST and MAP
    size_t n;
} qvl_loose_value;

struct qvl_loose_item {
    const char *key;  // MAP: [key_len] bytes and a NUL
    size_t key_len;
    qvl_loose_value value;
};

/* What had to be overlooked, joined by |. */
enum qvl_loose_fix {
    QVL_LOOSE_FIX_COMMA = 1,   // a comma with nothing behind it
    QVL_LOOSE_FIX_WIDE = 2,    // full-width punctuation, quotes, spaces
    QVL_LOOSE_FIX_QUOTE = 4,   // single quotes
    QVL_LOOSE_FIX_STRING = 8,  // bytes or escapes no string may have
    QVL_LOOSE_FIX_WORD = 16,   // None, NaN, 007, +1, .5, 1e999
    QVL_LOOSE_FIX_CLOSE = 32   // closing brackets that are missing at the end
};

typedef struct {
    qvl_loose_value value;
    unsigned fixes;   // enum qvl_loose_fix
    bool is_cut;      // the text ends inside a value that is no map, in a key,
                      // or behind a comma
    const char *end;  // behind the value, in the text
} qvl_loose;

/* Work that all readings of one text may take together, in bytes looked at.
 * Wrong beginnings make a reader look at bytes again and again; at 0 it gives
 * up. */
typedef struct {
    size_t left;
} qvl_loose_budget;

/* Read the value that begins at p (white space in front is passed over).
 * False when there is none that can be understood; out is then unchanged. Texts and
 * items belong to the arena; runs out of host memory as it does. */
bool qvl_loose_read(qvl_loose *out, const char *p, const char *end,
                    qvl_loose_budget *budget, qvl_arena *arena);

/* First place from p on that is neither white space nor a full-width space. */
const char *qvl_loose_skip_space(const char *p, const char *end);

#endif
