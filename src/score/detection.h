/* detection.h - scores of predicted objects against true ones
 *
 * Both are objects from 0 to 1000, compared on a grid of 1000 x 1000 pixels
 * (score/mask.h) with coordinates clamped to 999. Boxes and polygons are one
 * family, lines another; families never match. The overlap of regions is that
 * of their masks, of lines that of their strokes, `line_tol` wide on each side.
 *
 * Within a picture all pairs whose labels are compatible are taken greedily,
 * the largest overlap first, then the first true object, then the first
 * predicted one. A pair counts at a threshold when its overlap reaches it.
 * What compatible means is the mode:
 *
 *     localization   always
 *     phase          equal category
 *     category       equal category; of umbrella categories, also the first
 *                    attribute
 *     full           equal desc
 *
 * An empty label is compatible with nothing. Counts are summed over all
 * pictures before rates are taken: P = matched / predicted,
 * R = matched / true, F1 = 2 P R / (P + R), each 0 where it is not defined.
 */
#ifndef QVL_SCORE_DETECTION_H
#define QVL_SCORE_DETECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "data/record.h"

typedef enum {
    QVL_MATCH_LOCALIZATION,
    QVL_MATCH_PHASE,
    QVL_MATCH_CATEGORY,
    QVL_MATCH_FULL,
    QVL_N_MATCHES
} qvl_match_mode;

/* "localization" and so on. */
const char *qvl_match_name(qvl_match_mode mode);

#define QVL_DETECTION_MAX_THRESHOLDS 100
#define QVL_DETECTION_MAX_FACTS 16

/* How much an attribute counts among the others. */
typedef struct {
    const char *key;
    double weight;  // >= 0
} qvl_attr_weight;

/* Texts and arrays are borrowed until the score is no longer used. */
typedef struct {
    double primary;           // in (0, 1]
    const double *threshold;  // [n_thresholds] in (0, 1], rising
    int n_thresholds;         // 1 to QVL_DETECTION_MAX_THRESHOLDS
    double line_tol;          // >= 0, in units of the grid
    unsigned modes;           // 1 << qvl_match_mode, joined by |
    int top_k;                // categories in the report
    double beta;              // of F_beta; 0: none
    const char *const *umbrella;      // [n_umbrellas] categories
    int n_umbrellas;
    const qvl_attr_weight *weight;    // [n_weights]; others count 1
    int n_weights;
} qvl_detection_options;

/* Thresholds .50 to .95 by .05, primary .50, tolerance 8, all modes, 25
 * categories, visibility 0.1, distance 4. */
qvl_detection_options qvl_detection_defaults(void);

/* Matched, predicted, true. */
typedef struct {
    int64_t matched, n_pred, n_true;
    int64_t matched_pred;  // differs from `matched` where predictions are
                           // counted by their own kind
} qvl_match_counts;

typedef struct {
    const char *name;
    qvl_match_counts at;  // the primary threshold, mode category
} qvl_category_counts;

/* Something told of some rows: how many, and of how many it is true. */
typedef struct {
    const char *name;
    int64_t n, n_true;
} qvl_detection_fact;

typedef struct {
    // borrowed
    qvl_detection_options options;
    qvl_arena *arena;  // for all that lasts
    qvl_arena scratch; // owned: of one row

    int64_t n_rows;
    qvl_match_counts total[QVL_N_MATCHES][QVL_DETECTION_MAX_THRESHOLDS];
    qvl_match_counts primary[QVL_N_MATCHES];
    qvl_match_counts kind[QVL_N_MATCHES][QVL_N_GEOM];  // primary threshold
    double sum_iou;        // over pairs of localization, any overlap
    int64_t sum_miscount;  // |predicted - true| over rows
    int64_t n_over, n_under, n_equal;
    qvl_category_counts *category;  // [n_categories]
    int n_categories, category_cap;
    int *category_slot;    // [slots] place + 1, 0: free
    int n_slots;
    double attr_matched, attr_total;  // weighted
    int64_t n_reading, n_reading_equal;    // true texts; equal ones
    int64_t n_remark, n_remark_equal;
    int64_t n_distance, n_distance_equal;  // whole numbers
    qvl_detection_fact fact[QVL_DETECTION_MAX_FACTS];
    int n_facts;
} qvl_detection;

/* Begin a score. The arena is borrowed until release; like all that follows it
 * unwinds without host memory (base/arena.h). */
void qvl_detection_init(qvl_detection *d, const qvl_detection_options *options,
                        qvl_arena *arena);
void qvl_detection_release(qvl_detection *d);

/* Add a picture: its true and its predicted objects, 0 to 1000; either may be
 * none. Their texts are copied where they are kept. Costs the overlap of every pair
 * of one family. */
void qvl_detection_add(qvl_detection *d, const qvl_object *truth, int n_true,
                       const qvl_object *pred, int n_pred);

/* Match the objects of one picture as above, where pairs whose overlap is below the
 * primary threshold do not count.
 *
 *   of_true  out [n_true]: number of the predicted object, -1: none
 *   of_pred  out [n_pred]: number of the true object, -1: none
 *
 * The arena is work space; unwinds out of memory. */
void qvl_detection_match(int *of_true, int *of_pred,
                         const qvl_detection_options *options,
                         qvl_match_mode mode, const qvl_object *truth,
                         int n_true, const qvl_object *pred, int n_pred,
                         qvl_arena *arena);

/* Count whether something is so in one more row; `name` is a constant, one of at
 * most QVL_DETECTION_MAX_FACTS. */
void qvl_detection_tell(qvl_detection *d, const char *name, bool is_true);

/* Rates from 0 to 1, 0 where the number below the line is 0; beta > 0. */
double qvl_match_precision(const qvl_match_counts *c);
double qvl_match_recall(const qvl_match_counts *c);
double qvl_match_f(const qvl_match_counts *c, double beta);

/* Mean F1 over the thresholds of a mode. */
double qvl_detection_mean_f1(const qvl_detection *d, qvl_match_mode mode);

/* Mean overlap of the true objects with what was found at their places, by
 * localization; one that nothing overlaps counts 0. */
double qvl_detection_mean_iou(const qvl_detection *d);

/* Append a report for people. */
void qvl_detection_put_text(qvl_str *out, const qvl_detection *d);

/* Append a report as one JSON map, keys sorted, parameters included. */
void qvl_detection_put_json(qvl_str *out, const qvl_detection *d);

#endif
