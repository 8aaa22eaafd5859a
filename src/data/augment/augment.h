/* augment.h - a record as a training sample sees it this time: turned, cut, coloured
 *
 * Objects and size of a record go through the ops of the configuration here, its
 * pixels later, when they are cut into patches (image/edit.h). Both go through the
 * same maps. What comes out depends on the rules and on which sample it is alone,
 * never on threads or order.
 *
 *     AFFINE   the map grows; nothing moves yet
 *     BARRIER, PATCH   flush: picture and objects go through the map, what leaves the
 *              canvas is clipped; then the op
 *     COLOUR   kept for the end
 *     the end  flush, colours, points rounded and clamped once
 *
 * Objects that nobody can see any more are dropped, unless that would leave none:
 * then the record stays as it is. So it does when no op fires, when it is bypassed,
 * and when it is a conversation or has no size.
 *
 * Draws: the first number of the stream QVL_RNG_AUG is for bypass_prob; then each op
 * takes one for its prob, and when it fires those of its parameters, in their order.
 * Colours draw from QVL_RNG_COLOUR in the same way, so that they do not depend on
 * the ops around them.
 */
#ifndef QVL_DATA_AUGMENT_H
#define QVL_DATA_AUGMENT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/augment.h"
#include "data/epoch_plan.h"
#include "data/geom.h"
#include "data/message.h"
#include "data/record.h"

/* Borrowed as long as it is used. */
typedef struct {
    const qvl_augmentation *rules;  // is_on
    qvl_winding winding;            // of polygons that come out
    uint64_t seed;
    uint64_t dataset;    // qvl_rng_hash of its name
    int64_t total_steps; // of the run: where the phases of a curriculum end; > 0
} qvl_augmenter;

/* What became of an op: it fired, it was not drawn, or why it did nothing. */
typedef enum {
    QVL_AUG_FIRED,         // it did something
    QVL_AUG_NOT_DRAWN,     // prob said no
    QVL_AUG_NO_EFFECT,     // its numbers leave everything as it is
    QVL_AUG_MIN_OBJECTS,   // fewer objects than min_objects would stay
    QVL_AUG_LINE_OBJECT,   // a line would be cut
    QVL_AUG_NO_OBJECTS,    // none would stay, or there are none
    QVL_AUG_NO_ANCHOR,     // no object of the classes
    QVL_AUG_SUMMARY_MODE,  // the summary would be untrue
    QVL_AUG_NO_TARGET,     // no object is small enough
    QVL_AUG_NO_ROOM,       // no attempt found a free place
    QVL_N_AUG_OUTCOMES
} qvl_aug_outcome;

/* Words for reports: "fired", "min_objects", ... */
const char *qvl_aug_outcome_name(qvl_aug_outcome outcome);

/* What was done to a sample. */
typedef struct {
    bool is_bypassed;      // by draw, or since the record is none to be changed
    bool is_discarded;     // every object would have gone: the record stayed
    const qvl_aug_outcome *outcome;  // [n_ops]
    const int *source;     // [record->n_objects] number in the record it was made of
    const double *coverage;  // [record->n_objects] share that all crops left
    int n_dropped;         // objects of the record that are not there any more
    int n_added;           // copies that are there
    double padding_ratio;  // share of the canvas that expand_to_fit_affine made
} qvl_augment_report;

/* Augment a record; no pixels are touched.
 *
 *   at      which sample it is; at->record is not read, record->index is
 *   mode    a summary counts all objects and stays as it is written: in its mode crops
 *           fire only when every object stays, and nothing is pasted. Other ops do not
 *           look at it: what a turn or a zoom pushes out of the canvas is dropped in
 *           either mode
 *   out     the record itself, or one of the arena that shares its texts
 *   report  of the arena; may be NULL
 *
 * Fails with QVL_E_RANGE, the op, the record and the numbers that name the sample
 * when a map has no inverse or takes a point too far away (qvl_transform_place),
 * and when a side of the canvas would be above QVL_IMAGE_MAX_SIDE. Runs out of host
 * memory as an arena does. */
int qvl_augment(const qvl_augmenter *a, const qvl_record *record,
                const qvl_sample_at *at, qvl_mode mode, qvl_arena *arena,
                const qvl_record **out, qvl_augment_report *report, qvl_err *err);

#endif
