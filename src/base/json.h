/* json.h - JSON text to a tree, values to JSON text
 *
 * Strict JSON in UTF-8: no comments, no trailing commas, no NaN, no control
 * characters in strings, no key twice, nothing after the value. Integers are
 * exact while they fit int64, all other numbers are doubles. Nesting goes up to
 * QVL_JSON_MAX_DEPTH. A byte order mark before the text is skipped. Older cJSON
 * refuses numbers of more than 63 characters.
 */
#ifndef QVL_JSON_H
#define QVL_JSON_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "base/str.h"

#define QVL_JSON_MAX_DEPTH 512

/* Parse a text.
 *
 *   out    the root; belongs to the arena
 *   text   [len] bytes, borrowed for the call
 *   file   name for messages; copied
 *
 * Fails with QVL_E_FORMAT and file:line:column, or QVL_E_MEMORY; *out is then
 * unchanged. Does not unwind. */
int qvl_json_parse(qvl_node **out, const char *text, size_t len,
                   const char *file, qvl_arena *arena, qvl_err *err);

/* The same for a text that begins in line `line` of the file, 1-based. */
int qvl_json_parse_at(qvl_node **out, const char *text, size_t len,
                      const char *file, int line, qvl_arena *arena,
                      qvl_err *err);

/* Lines and columns of a part go up to this; what lies behind has it as its place. */
#define QVL_JSON_MAX_PLACE (1 << 30)

/* A text, or part of one, and where it stands in its file. Borrowed for the call. */
typedef struct {
    const char *p;     // [len]
    size_t len;
    const char *file;  // name for messages; copied
    int line, col;     // of p, 1-based, col in characters
} qvl_json_part;

/* The same for a part: all places are those in its file. */
int qvl_json_parse_part(qvl_node **out, const qvl_json_part *part,
                        qvl_arena *arena, qvl_err *err);

/* Append a string in quotes. Escaped are only the quote, the backslash and
 * the control characters; other text stays UTF-8 as it is. The second leaves
 * the quotes to the caller. */
void qvl_json_quote(qvl_str *out, const char *s, size_t len);
void qvl_json_escape(qvl_str *out, const char *s, size_t len);

/* Append the shortest text that reads back as v; an integral value has no
 * ".0". v must be finite: JSON has no spelling for anything else. */
void qvl_json_number(qvl_str *out, double v);

/* Append a tree, its maps and lists indented by two blanks a level, `depth` levels
 * being around it; depth < 0: on one line, with ", " between values. Numbers are as
 * they were spelled, where JSON has that spelling. */
void qvl_json_put(qvl_str *out, const qvl_node *node, int depth);

/* Value of the four hex digits at p, -1 when they are none, or cut by `end`. */
int qvl_json_hex4(const char *p, const char *end);

#endif
