/* token_type.h - what each token of a dense answer says: words, numbers or form
 *
 * Whoever writes an answer knows what each byte of it is: the text of a description
 * between its quotes, the digits of a coordinate, or form, which is all else (braces,
 * keys, quotes, commas, line_points, a line in front). It notes the stretches of the
 * first two kinds while it writes; what lies between them is form, each gap a stretch
 * of its own. A token has the kind of the stretch that holds most of its bytes, of two
 * that hold as many the earlier one.
 */
#ifndef QVL_DATA_TOKEN_TYPE_H
#define QVL_DATA_TOKEN_TYPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum {
    QVL_TYPE_NONE = -1,  // not supervised
    QVL_TYPE_DESC = 1,
    QVL_TYPE_COORD = 2,
    QVL_TYPE_FORMAT = 3
};

#define QVL_N_TYPES 3

/* "desc", "coord", "format": of a type from 1 to QVL_N_TYPES. */
const char *qvl_type_name(int type);

/* Bytes [from, end) of an answer. */
typedef struct {
    size_t from, end;
    int type;
} qvl_span;

/* In order, apart from each other. */
typedef struct {
    qvl_span *v;  // [n]
    size_t n;
} qvl_spans;

/* The same spans of the normal form C of a text, whose length goes to *normal_len.
 * Each span begins and ends beside characters of ASCII, so no character grows together
 * across its ends. Of the arena. */
qvl_spans qvl_spans_normal(qvl_spans spans, const char *text, size_t len,
                           size_t *normal_len, qvl_arena *arena);

/* Types of n tokens, the bytes of token k being [end[k - 1], end[k]) and those of the
 * first [0, end[0]).
 *
 *   type  out, [n]
 *   end   [n] rising; the last one is the length of the text */
void qvl_type_tokens(int8_t *type, const size_t *end, size_t n, qvl_spans spans);

#endif
