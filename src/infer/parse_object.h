/* parse_object.h - objects of an answer, checked one by one (infer/parse.h)
 *
 * What takes a builder runs out of host memory as an arena does.
 */
#ifndef QVL_INFER_PARSE_OBJECT_H
#define QVL_INFER_PARSE_OBJECT_H

#include "infer/loose.h"
#include "infer/parse.h"

/* Notes, growing. */
typedef struct {
    qvl_answer_note *p;  // [n]
    int n, cap;
} qvl_answer_notes;

/* An answer that is being read; a zeroed struct with an arena is empty. */
typedef struct {
    // borrowed
    qvl_arena *arena;
    qvl_parse_mode mode;
    // of the arena
    qvl_object *object;  // [n]
    const char **key;    // [n] as written
    int n, cap, key_cap;
    qvl_answer_notes errors;
    qvl_answer_notes warnings;
    int n_dropped;
} qvl_answer_builder;

/* Note a fault. `object` is kept, NULL: the whole answer. */
void qvl_answer_builder_note(qvl_answer_builder *b, const char *object,
                             qvl_answer_fault fault);

/* Note a fault of something that will not be there. */
void qvl_answer_builder_drop(qvl_answer_builder *b, const char *object,
                             qvl_answer_fault fault);

/* Check an object and add or drop it. Keys of other objects inside are passed
 * over.
 *
 *   key     as written, kept
 *   map     a whole map
 *   faults  of its key: 1 << qvl_answer_fault, joined by | */
void qvl_answer_builder_add(qvl_answer_builder *b, const char *key,
                            const qvl_loose_value *map, unsigned faults);

/* Drop objects that are there already: same desc, kind and points. */
void qvl_answer_builder_unify(qvl_answer_builder *b);

/* Number of a key "object_12", 0 when it is none; what is beyond INT_MAX is
 * INT_MAX. *is_exact: spelled as the form wants it, else "Object 12" and the
 * like. */
int qvl_answer_key_number(const char *key, size_t len, bool *is_exact);

#endif
