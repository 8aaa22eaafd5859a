/* parse.h - what a model has written, to objects: the one parser of answers
 *
 * The strict form of an answer is one JSON map
 *
 *     {"object_1": {"bbox_2d": [x1, y1, x2, y2], "desc": "..."}, ...}
 *
 * with keys that count from 1, and in each object a desc and exactly one
 * geometry: bbox_2d, poly (or quad, of 4 points) or line (with line_points, their
 * number), whole numbers from 0 to 1000, flat or in pairs. A <think> block and
 * header lines like <TASK=DETECTION> may stand in front.
 *
 * A model does not always write that, so the tolerant mode repairs what is
 * plainly meant and takes what is whole of what is not. Nothing happens in
 * silence: the result tells each step and each object that was changed or
 * dropped. Any bytes may come in; time and memory are linear in their number.
 *
 * The level says how far it had to go:
 *     strict    the map was found in the text and follows the form
 *     repaired  text or objects were corrected, or some objects dropped
 *     salvaged  the text is cut or cannot be read through: whole objects taken
 *     failed    nothing can be read
 */
#ifndef QVL_INFER_PARSE_H
#define QVL_INFER_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "data/record.h"

typedef enum {
    QVL_PARSE_TOLERANT,
    QVL_PARSE_STRICT  // no repairs: a wrong object is dropped, a wrong text
                      // fails as a whole
} qvl_parse_mode;

typedef enum {
    QVL_ANSWER_STRICT,
    QVL_ANSWER_REPAIRED,
    QVL_ANSWER_SALVAGED,
    QVL_ANSWER_FAILED,
    QVL_N_ANSWER_LEVELS
} qvl_answer_level;

/* What can be wrong: word in reports, and what the tolerant mode does. */
#define QVL_ANSWER_FAULT_TABLE(X)                                             \
    X(NO_JSON, "no_json")             /* no map is found */                   \
    X(TRUNCATED, "truncated")         /* the last, cut object is dropped */   \
    X(UNREADABLE, "unreadable")       /* the object is dropped */             \
    X(DUPLICATE_KEY, "duplicate_key") /* of objects: kept; inside: dropped */ \
    X(BAD_KEY, "bad_key")             /* out of order or unknown: kept; no */ \
                                      /* object: dropped */                   \
    X(GEOMETRY_COUNT, "geometry_count")       /* none or several: dropped */  \
    X(ODD_COORDS, "odd_coords")               /* dropped */                   \
    X(TOO_FEW_POINTS, "too_few_points")       /* dropped */                   \
    X(BAD_NUMBER, "bad_number")     /* a fraction: kept; no number: dropped */\
    X(OUT_OF_RANGE, "out_of_range")           /* clamped */                   \
    X(SWAPPED_BOX, "swapped_box")             /* corners reordered */         \
    X(DEGENERATE_BOX, "degenerate_box")       /* without area: dropped */     \
    X(LINE_POINTS, "line_points_mismatch")    /* corrected */                 \
    X(EMPTY_DESC, "empty_desc")               /* missing, blank: dropped */   \
    X(BAD_DESC, "bad_desc")           /* control characters become blanks */  \
    X(DUPLICATE_OBJECT, "duplicate_object")   /* dropped */                   \
    X(FLAT_POLY, "degenerate_poly")           /* warning: no area */          \
    X(CROSSING_POLY, "self_crossing_poly")    /* warning */                   \
    X(FLAT_LINE, "degenerate_line")           /* warning: one point */

#define QVL_ANSWER_FAULT_ENUM(name, word) QVL_ANSWER_##name,
typedef enum {
    QVL_ANSWER_FAULT_TABLE(QVL_ANSWER_FAULT_ENUM) QVL_N_ANSWER_FAULTS
} qvl_answer_fault;
#undef QVL_ANSWER_FAULT_ENUM

/* What had to be done with the text. The first two belong to the form. */
#define QVL_ANSWER_STEP_TABLE(X)                                              \
    X(THINK, "think")          /* a <think> block left out */                 \
    X(HEADER, "header")        /* lines like <TASK=DETECTION> left out */     \
    X(FENCE, "fence")          /* a code fence taken off */                   \
    X(AROUND, "text_around")   /* other text passed over */                   \
    X(COMMA, "commas")         /* commas before a bracket */                  \
    X(WIDE, "full_width")      /* full-width punctuation */                   \
    X(QUOTE, "single_quotes")                                                 \
    X(STRING, "strings")       /* wrong bytes or escapes in strings */        \
    X(WORD, "words")           /* words or numbers that JSON has not */       \
    X(CLOSE, "brackets")       /* closing brackets added */                   \
    X(UNWRAP, "unwrap")        /* an outer layer "image_1" taken off */       \
    X(SALVAGE, "salvage")      /* objects picked out one by one */

#define QVL_ANSWER_STEP_ENUM(name, word) QVL_STEP_##name,
typedef enum {
    QVL_ANSWER_STEP_TABLE(QVL_ANSWER_STEP_ENUM) QVL_N_ANSWER_STEPS
} qvl_answer_step;
#undef QVL_ANSWER_STEP_ENUM

typedef struct {
    const char *object;  // its key as written, NULL: the whole answer
    qvl_answer_fault fault;
} qvl_answer_note;

/* All arrays and texts belong to the arena of the call. */
typedef struct {
    const qvl_object *object;  // [n_objects] points 0 to 1000, in the order of
                               // the text; desc trimmed, never empty
    int n_objects;
    int n_dropped;             // objects that were begun and are not there
    qvl_answer_level level;
    bool ok;         // no errors
    bool format_ok;  // the text is the strict form, with nothing around it
    bool is_json;    // it is one JSON map, with nothing around it, whatever
                     // is inside
    unsigned steps;  // 1 << qvl_answer_step, joined by |
    const qvl_answer_note *error;    // [n_errors]
    int n_errors;
    const qvl_answer_note *warning;  // [n_warnings]
    int n_warnings;
} qvl_answer;

/* Zeroes are the defaults. */
typedef struct {
    qvl_parse_mode mode;
    int n_images;  // pictures of the prompt; 0 is 1. An outer layer is only
                   // taken off where there is one
    bool is_cut;   // the token limit ended the text
} qvl_parse_options;

/* Read an answer.
 *
 *   out      always filled
 *   text     [len] any bytes, borrowed for the call; may be NULL when empty
 *   options  may be NULL
 *
 * Unwinds out of memory, and fails in no other way. */
void qvl_answer_parse(qvl_answer *out, const char *text, size_t len,
                      const qvl_parse_options *options, qvl_arena *arena);

/* Sort objects by their centres, top to bottom, then left to right. Unwinds out of
 * memory. */
void qvl_answer_sort(qvl_answer *answer, qvl_arena *arena);

/* Append the report as a JSON map: ok, format_ok, json, level, n_objects,
 * n_dropped, steps, errors and warnings as lists of {object, code}. */
void qvl_answer_put_report(qvl_str *out, const qvl_answer *answer);

/* "strict", "repaired", "salvaged", "failed". */
const char *qvl_answer_level_name(qvl_answer_level level);

/* Level of that name; QVL_N_ANSWER_LEVELS when there is none. */
qvl_answer_level qvl_answer_level_find(const char *name);

#endif
