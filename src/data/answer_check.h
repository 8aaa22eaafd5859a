/* answer_check.h - a dense answer read back, against the objects it was made of
 *
 * The writer (message.h) is held against a reader of its own: strict JSON, its objects
 * numbered from 1 without a gap, each with its desc, exactly one geometry and, of a
 * line, line_points, all as the record and the rules have them, and nothing else.
 */
#ifndef QVL_DATA_ANSWER_CHECK_H
#define QVL_DATA_ANSWER_CHECK_H

#include "base/arena.h"
#include "base/err.h"
#include "data/message.h"

/* Does the text say what the rules make of a record?
 *
 *   text   the answer, perhaps behind lines of something else
 *   arena  work space
 *
 * Fails with QVL_E_INTERNAL and what differs; runs out of host memory as an arena
 * does, or with QVL_E_MEMORY. */
int qvl_answer_check(const char *text, const qvl_record *record,
                     const qvl_answer_rules *rules, qvl_arena *arena, qvl_err *err);

#endif
