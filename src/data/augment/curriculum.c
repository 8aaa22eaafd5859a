/* curriculum.c - straight lines between the targets of phases */
#include "data/augment/curriculum.h"

#include <math.h>
#include <string.h>

int64_t qvl_aug_phase_end(const qvl_augmentation *rules, int k, int64_t total_steps)
{
    int64_t end = 0;
    for (int i = 0; i <= k; i++) {
        double until = rules->phase[i].until;
        if (rules->is_percent)
            until = rint((double)total_steps * until / 100.0);
        int64_t least = end + 1;
        end = until > (double)least ? (int64_t)until : least;
    }
    return end;
}

/* How far into phase k a step is: 0 before it, 1 behind it. */
static double share_of(const qvl_augmentation *rules, int k, int64_t step,
                       int64_t total_steps)
{
    int64_t begin = k > 0 ? qvl_aug_phase_end(rules, k - 1, total_steps) : 0;
    int64_t end = qvl_aug_phase_end(rules, k, total_steps);
    if (step <= begin)
        return 0.0;
    return step >= end ? 1.0 : (double)(step - begin) / (double)(end - begin);
}

qvl_aug_state qvl_aug_state_at(const qvl_augmentation *rules, int64_t step,
                               int64_t total_steps, qvl_arena *arena)
{
    qvl_aug_state s = { rules->op, rules->bypass_prob };
    if (rules->n_phases == 0)
        return s;
    qvl_aug_op *op = qvl_arena_array(arena, qvl_aug_op, rules->n_ops);
    memcpy(op, rules->op, (size_t)rules->n_ops * sizeof *op);
    for (int k = 0; k < rules->n_phases; k++) {
        const qvl_aug_phase *phase = &rules->phase[k];
        double share = share_of(rules, k, step, total_steps);
        if (phase->bypass_prob >= 0.0)
            s.bypass_prob =
                qvl_aug_toward(s.bypass_prob, phase->bypass_prob, share);
        for (int i = 0; i < rules->n_ops; i++)
            for (int t = 0; t < phase->n; t++)
                if (phase->target[t].param->op == op[i].id)
                    qvl_aug_op_move(&op[i], &phase->target[t], share);
    }
    s.op = op;
    return s;
}
