/* eval_number.h - the numbers that an evaluation has, by name
 *
 * The one list of them: metric_for_best_model is checked against it, and the
 * run fills it (train/loop_eval.c). Of a source of the records, SOURCE_loss
 * means the loss of its samples alone (train/sources.h).
 */
#ifndef QVL_CONFIG_EVAL_NUMBER_H
#define QVL_CONFIG_EVAL_NUMBER_H

#include <stdbool.h>

#include "base/arena.h"

/* Its name, and whether each source has one. */
#define QVL_EVAL_TABLE(X)                                                     \
    X(LOSS, "loss", true)                                                     \
    X(TOKEN_ACC, "token_acc", true)                                           \
    X(RUNTIME, "runtime", false)                                              \
    X(SAMPLES, "samples_per_second", false)                                   \
    X(STEPS, "steps_per_second", false)

#define QVL_EVAL_ENUM(id, name, of_source) QVL_EVAL_##id,
enum { QVL_EVAL_TABLE(QVL_EVAL_ENUM) QVL_N_EVAL_NUMBERS };
#undef QVL_EVAL_ENUM

const char *qvl_eval_name(int number);

/* Name of a number as it is kept, from that of a configuration: without "eval_"
 * or "eval/" in front; token_accuracy is token_acc. A part of `name`, or a
 * constant. */
const char *qvl_eval_plain(const char *name);

/* Could an evaluation have a number of this plain name? Of sources only the
 * form is looked at. */
bool qvl_eval_is_number(const char *plain);

/* Is less of it better? */
bool qvl_eval_is_loss(const char *plain);

/* What there is, for messages: "loss, token_acc, ..., or SOURCE_loss, ...". */
const char *qvl_eval_names(qvl_arena *arena);

#endif
