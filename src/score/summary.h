/* summary.h - scores of predicted summaries against true ones
 *
 * A summary in the text dialect is one line,
 *
 *     DESC×N，DESC×N，备注: TEXT        or  无关图片
 *
 * the remark may be missing. It is read tolerantly: blanks around items go, and a 。 at
 * the end; items of one description are one with the sum of their counts; an item
 * without ×N, N >= 1, has its whole text as description and the count 0. 无关图片 has no
 * items. Whether a text keeps all rules is told apart, as its form.
 *
 * Per row the items of both sides are sets. An item is found when the other side has
 * one of the same description and count, and, apart from that, when it has one of the
 * same description. Counts are summed over all rows before rates are taken.
 *
 * A line <NAME=VALUE>, ... in front is none of the summary's (qvl_text_head). A summary
 * in JSON, a text that begins with '{', is compared as a whole alone, with blanks at its
 * ends left out, as all are.
 */
#ifndef QVL_SCORE_SUMMARY_H
#define QVL_SCORE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "score/detection.h"

/* Largest count that an item may have. */
#define QVL_SUMMARY_MAX_COUNT 999999999

typedef struct {
    const char *desc;
    int64_t count;  // 0: it says none
} qvl_summary_item;

typedef struct {
    bool is_json;           // and nothing else is known of it
    bool is_irrelevant;     // 无关图片
    bool is_formed;         // in the text dialect, by all its rules
    qvl_summary_item *item; // [n] by description, each once
    size_t n;
    const char *remark;     // NULL: none
} qvl_summary;

/* Read a summary. Everything belongs to the arena; runs out of host memory as it
 * does. */
void qvl_summary_parse(qvl_summary *out, const char *text, qvl_arena *arena);

/* Sums over rows. A zeroed struct is the beginning. */
typedef struct {
    double beta;                // of F_beta; 0: none
    int64_t n_rows, n_skipped;  // scored; those that lack a side
    int64_t n_equal;            // rows with equal texts
    int64_t n_json;             // rows whose truth is JSON; the rest counts others:
    int64_t n_formed;           // predictions whose form is right
    int64_t n_same;             // rows with the same items, or both 无关图片
    qvl_match_counts items;     // description and count
    qvl_match_counts descs;     // description alone
    qvl_match_counts irrelevant;
    int64_t n_remarks, n_remarks_equal;  // true ones; equal ones
} qvl_summary_score;

/* Add a row. The arena is work space; runs out of host memory as it does. */
void qvl_summary_add(qvl_summary_score *s, const char *truth, const char *pred,
                     qvl_arena *arena);

/* Append a report for people, and one as a JSON map, keys sorted, parameters
 * included. Unwind without host memory. */
void qvl_summary_put_text(qvl_str *out, const qvl_summary_score *s);
void qvl_summary_put_json(qvl_str *out, const qvl_summary_score *s);

#endif
