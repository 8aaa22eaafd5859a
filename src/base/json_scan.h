/* json_scan.h - JSON text stepped over: where its values begin, end, or are wrong
 *
 * For texts too long for a tree of all of them: whoever knows the outer levels
 * steps through these and has a tree made of one part at a time (qvl_json_parse_part).
 * What is stepped over is held to the rules of json.h, but for keys that come twice
 * and numbers that no double holds, which a tree knows.
 *
 *     qvl_json_scan s;
 *     qvl_json_part item;
 *     bool has_more;
 *     qvl_json_scan_begin(&s, text, err);
 *     QVL_TRY(qvl_json_scan_enter(&s, '['));
 *     for (bool is_first = true;; is_first = false) {
 *         QVL_TRY(qvl_json_scan_next(&s, ']', is_first, &has_more));
 *         if (!has_more)
 *             break;
 *         QVL_TRY(qvl_json_scan_part(&s, &item));
 *     }
 *     QVL_TRY(qvl_json_scan_end(&s));
 *
 * All functions that can fail do so with QVL_E_FORMAT and file:line:column; the scan
 * then stands where the text is wrong. They need no memory but the stack's.
 */
#ifndef QVL_JSON_SCAN_H
#define QVL_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/json.h"

typedef struct {
    // borrowed
    const char *p;     // next byte
    const char *end;
    const char *file;  // name for messages
    qvl_err *err;
    int line, col;     // of p, as in qvl_json_part
    int depth;         // lists and maps around p that a value stepped over has
} qvl_json_scan;

/* ---- through the outer levels ------------------------------------------- */

/* Begin at a text, behind a byte order mark and blanks. */
void qvl_json_scan_begin(qvl_json_scan *s, const qvl_json_part *text,
                         qvl_err *err);

/* Step into a list ('[') or a map ('{'). */
int qvl_json_scan_enter(qvl_json_scan *s, char open);

/* Go on to the next item of a list or key of a map; *has_more is false when `close`
 * came instead, which is taken. is_first: none was taken yet. */
int qvl_json_scan_next(qvl_json_scan *s, char close, bool is_first,
                       bool *has_more);

/* Step over a key and its ':'. The part is the text between the quotes, as it is
 * written: escapes are not resolved. */
int qvl_json_scan_key(qvl_json_scan *s, qvl_json_part *key);

/* Step over a value, and say which part of the text it is. */
int qvl_json_scan_part(qvl_json_scan *s, qvl_json_part *value);

/* Is nothing left but blanks? */
int qvl_json_scan_end(qvl_json_scan *s);

/* Is the part these bytes? For keys. */
bool qvl_json_part_is(const qvl_json_part *part, const char *text);

/* ---- single steps ------------------------------------------------------- */

/* Is c the next byte? */
static inline bool qvl_json_scan_is_at(const qvl_json_scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}

/* Move to `to`, counting lines and characters. */
void qvl_json_scan_to(qvl_json_scan *s, const char *to);

void qvl_json_scan_space(qvl_json_scan *s);

/* Step over blanks and c; the error says what is `wanted`. */
int qvl_json_scan_expect(qvl_json_scan *s, char c, const char *wanted);

/* Step over blanks and a value of any kind. */
int qvl_json_scan_value(qvl_json_scan *s);

/* Step over blanks and a string; *len is what it has decoded, in bytes. */
int qvl_json_scan_string(qvl_json_scan *s, size_t *len);

/* Step over a number at p; *is_whole: it has neither point nor exponent. */
int qvl_json_scan_number(qvl_json_scan *s, bool *is_whole);

/* Step over a word at p: true, false, null. */
int qvl_json_scan_word(qvl_json_scan *s, const char *word);

/* Fail at p: "FILE:LINE:COL: JSON: found X, expected WANTED". */
int qvl_json_scan_fail(const qvl_json_scan *s, const char *wanted);

/* Fail at p for nesting deeper than QVL_JSON_MAX_DEPTH. */
int qvl_json_scan_fail_depth(const qvl_json_scan *s);

#endif
