/* curriculum.h - ops and bypass_prob as they are at one step
 *
 * A parameter that phases name goes in a straight line from its last target (at
 * first: what the op itself says) at the beginning of a phase to the target at its
 * end, and stays behind the last. Counts are rounded, halves to even.
 */
#ifndef QVL_DATA_AUGMENT_CURRICULUM_H
#define QVL_DATA_AUGMENT_CURRICULUM_H

#include <stdint.h>

#include "base/arena.h"
#include "config/augment.h"

typedef struct {
    const qvl_aug_op *op;  // [rules->n_ops] those of the rules, or of the arena
    double bypass_prob;
} qvl_aug_state;

/* The state at a step, counted from 0, of a run of total_steps > 0. Runs out of host
 * memory as an arena does. */
qvl_aug_state qvl_aug_state_at(const qvl_augmentation *rules, int64_t step,
                               int64_t total_steps, qvl_arena *arena);

/* The step at which phase k ends: max(1, total * percent / 100 rounded half to even),
 * and more than where the one before ends. */
int64_t qvl_aug_phase_end(const qvl_augmentation *rules, int k, int64_t total_steps);

#endif
