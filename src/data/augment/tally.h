/* tally.h - what augmentation did to many samples, added up
 *
 * Sums of whole numbers and of doubles in the order of adding: who adds samples in the
 * same order has the same sums.
 */
#ifndef QVL_DATA_AUGMENT_TALLY_H
#define QVL_DATA_AUGMENT_TALLY_H

#include <stdint.h>

#include "data/augment/augment.h"

typedef struct {
    int64_t n;             // samples
    int64_t n_bypassed;
    int64_t n_discarded;
    int64_t n_objects;     // of the records
    int64_t n_dropped;     // of them
    int64_t n_added;       // copies that came out
    double padding_ratio;  // sums over all samples
    double pixels;         // of a picture that comes out
    int n_ops;
    int64_t (*outcome)[QVL_N_AUG_OUTCOMES];  // [n_ops] of samples not bypassed
} qvl_augment_tally;

/* Nothing counted yet; the counts belong to the arena. */
void qvl_augment_tally_init(qvl_augment_tally *t, int n_ops, qvl_arena *arena);

/* Count a sample: `out` was made of `record`. */
void qvl_augment_tally_add(qvl_augment_tally *t, const qvl_record *record,
                           const qvl_record *out, const qvl_augment_report *report);

/* Forget all. */
void qvl_augment_tally_reset(qvl_augment_tally *t);

/* Share of the samples not bypassed in which an op did something, and in which it was
 * drawn and kept from doing it (min_objects and later of qvl_aug_outcome); 0 without
 * any. */
double qvl_augment_tally_fired(const qvl_augment_tally *t, int op);
double qvl_augment_tally_skipped(const qvl_augment_tally *t, int op);

/* Share of the objects that are still there, copies not counted; 1 without any. */
double qvl_augment_tally_kept(const qvl_augment_tally *t);

#endif
