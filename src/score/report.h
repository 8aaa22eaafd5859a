/* report.h - what reports of scores are made of
 *
 * JSON is built from the inside out: a value is text in the arena before its map takes
 * it. A map sorts its keys as they come, so callers put them in any order. All unwind
 * without host memory (base/arena.h).
 */
#ifndef QVL_SCORE_REPORT_H
#define QVL_SCORE_REPORT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "score/detection.h"

typedef struct {
    const char *key;
    const char *value;  // JSON
} qvl_report_entry;

/* A map that is being written, in the order of its keys. A struct with an arena alone
 * is empty. */
typedef struct {
    qvl_arena *arena;         // borrowed
    qvl_report_entry *entry;  // [n] of cap, the arena's
    int n, cap;
} qvl_report_map;

/* part / all, 0 when all is 0. */
double qvl_report_share(int64_t part, int64_t all);

/* Put a value, which is JSON, a number or a text; keys and JSON are borrowed. */
void qvl_report_put(qvl_report_map *m, const char *key, const char *value);
void qvl_report_put_number(qvl_report_map *m, const char *key, double v);
void qvl_report_put_string(qvl_report_map *m, const char *key, const char *v);

/* Put matched, n_pred, n_true, precision, recall, f1, and where beta > 0 f_beta. */
void qvl_report_put_counts(qvl_report_map *m, const qvl_match_counts *c,
                           double beta);

/* As JSON, of the arena: the map; a number; {"matched", "rate", "total"}. */
const char *qvl_report_text(const qvl_report_map *m);
const char *qvl_report_number(const qvl_report_map *m, double v);
const char *qvl_report_rate(int64_t part, int64_t all, qvl_arena *arena);

/* A text moved into the arena of a map; s is empty then. */
const char *qvl_report_take(const qvl_report_map *m, qvl_str *s);

/* Append a line for people, "NAME  RATE of ALL"; nothing when all is 0. */
void qvl_report_line(qvl_str *out, const char *name, int64_t part, int64_t all);

#endif
