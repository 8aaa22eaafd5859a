/* run_options.h - the numbers of a trainer and the keys they stand for
 *
 * A row of the table in run_options.c joins a field of qvl_train_options to a
 * key of keys.def. Preset and range are those of the key: a configuration, a
 * trainer that is opened from C and the defaults of the public header cannot
 * disagree.
 */
#ifndef QVL_TRAIN_RUN_OPTIONS_H
#define QVL_TRAIN_RUN_OPTIONS_H

#include "base/err.h"
#include "config/run_config.h"
#include "qvl_train.h"

/* Presets; what has no key, or a key that must be given, is 0. Nothing is
 * frozen: the presets of `tuner` are those of runs. Texts are constants. */
void qvl_run_options_init(qvl_train_options *o);

/* Set every field that a key stands for; the others stay. Texts belong to the
 * arena; runs out of host memory as it does. */
void qvl_run_options_put(qvl_train_options *o, const qvl_run_config *c,
                         qvl_arena *arena);

/* Hold every number, which is finite, against the rule of its key; one that is not
 * given may be its preset, or negative where that is. max_steps is > 0. QVL_E_CONFIG
 * names the first that is wrong. Names, and what one number asks of another, are
 * checked by whoever reads them (sched.h, group.h). */
int qvl_run_options_check(const qvl_train_options *o, qvl_err *err);

#endif
