/* record_check.h - a parsed line to a record; private to the reader */
#ifndef QVL_DATA_RECORD_CHECK_H
#define QVL_DATA_RECORD_CHECK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "data/record.h"

/* One line being checked. Faults are told to the sink as they are found; the
 * first is kept. */
typedef struct {
    const qvl_record_options *options;
    const char *file;
    const char *image_root;
    int line;
    qvl_arena *arena;           // of the record
    qvl_arena *scratch;         // of the line
    qvl_record_counts *counts;  // faults and oddities are counted here
    qvl_err *err;               // gets the first fault
    int n_faults;
    bool *is_bad_object;        // [objects] set here; NULL: none is bad
} qvl_record_check;

/* Report a fault at a node, or at the line when node is NULL; code is the one of
 * the error. */
void qvl_record_fault(qvl_record_check *c, qvl_fault fault, int code,
                      const qvl_node *at, const char *fmt, ...)
    QVL_PRINTF(5, 6);

/* The same for an error that has its place already. */
void qvl_record_fault_err(qvl_record_check *c, qvl_fault fault,
                          const qvl_err *err);

/* Count an oddity of this line. */
void qvl_record_oddity(qvl_record_check *c, qvl_oddity oddity, int n);

/* Check objects, and copy them to the arena. w, h: px, 0 when they are not
 * known. */
void qvl_record_check_objects(qvl_record_check *c, const qvl_node *list, int w,
                              int h, qvl_record *out);

/* Check a conversation and collect its pictures; the tree must live in the
 * record's arena. `images` is the record's own list, or NULL. */
void qvl_record_check_messages(qvl_record_check *c, const qvl_node *messages,
                               const qvl_node *images, qvl_record *out);

/* The name of a picture as a path that can be opened; NULL with a fault when it
 * is empty or a URL of a kind that is not taken. */
const char *qvl_record_picture(qvl_record_check *c, const qvl_node *name);

/* Value of a key; NULL when it is absent or null. */
const qvl_node *qvl_record_find(const qvl_node *map, const char *key);

/* Check a whole line. The record is right when there is no fault; it keeps the nodes
 * of messages and metadata, so with these the tree lives in its arena. */
void qvl_record_check_line(qvl_record_check *c, const qvl_node *root,
                           qvl_record *out);

#endif
