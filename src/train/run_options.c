/* run_options.c - the table of fields and keys, read in three ways
 *
 * A row is X(field, section, name), and each reader defines X anew: the field gets
 * the preset of its key (init) or the value of a configuration (put), or is held
 * against the rule of its key (check). Which key that is the place of
 * section.name in qvl_run_config says: keys.def gives every key one of its own.
 */
#include "train/run_options.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "config/schema.h"
#include "config/schema_value.h"

/* field of qvl_train_options, section and name of qvl_run_config. */
#define NUMBERS(X)                                                            \
    X(freeze_ratio, tuner, freeze_parameters_ratio)                           \
    X(learning_rate, training, learning_rate)                                 \
    X(vit_lr, training, vit_lr)                                               \
    X(aligner_lr, training, aligner_lr)                                       \
    X(beta1, training, adam_beta1)                                            \
    X(beta2, training, adam_beta2)                                            \
    X(epsilon, training, adam_epsilon)                                        \
    X(weight_decay, training, weight_decay)                                   \
    X(max_grad_norm, training, max_grad_norm)                                 \
    X(max_skipped, training, max_skipped_updates)                             \
    X(warmup_steps, training, warmup_steps)                                   \
    X(warmup_ratio, training, warmup_ratio)                                   \
    X(min_lr, lr, min_lr)                                                     \
    X(min_lr_rate, lr, min_lr_rate)                                           \
    X(warmup_lr_rate, lr, warmup_lr_rate)                                     \
    X(num_cycles, lr, num_cycles)                                             \
    X(power, lr, power)                                                       \
    X(lr_end, lr, lr_end)                                                     \
    X(timescale, lr, timescale)                                               \
    X(num_decay_steps, lr, num_decay_steps)                                   \
    X(num_stable_steps, lr, num_stable_steps)                                 \
    X(factor, lr, factor)                                                     \
    X(patience, lr, patience)

#define WORDS(X)                                                              \
    X(schedule, training, lr_scheduler_type)                                  \
    X(decay_type, lr, decay_type)

/* Fields that are no key one to one: zero at first, set by whoever opens a run. */
#define OTHERS(X)                                                             \
    X(device) X(n_threads) X(dtype) X(recompute) X(freeze) X(n_freeze)        \
    X(freeze_regex) X(freeze_llm) X(freeze_vit) X(freeze_aligner)             \
    X(trainable) X(n_trainable) X(trainable_regex) X(optimizer)               \
    X(scores_rows) X(max_steps) X(greater_is_better)

/* The struct is its fields and what aligns those behind four odd ints: a field
 * without a row does not compile (but for an int in one of these four holes). */
#define SIZE(field) + sizeof(((qvl_train_options *)0)->field)
#define ROW_SIZE(field, section, name) SIZE(field)
_Static_assert(0 NUMBERS(ROW_SIZE) WORDS(ROW_SIZE) OTHERS(SIZE)
                   + 4 * sizeof(int)
                   == sizeof(qvl_train_options),
               "every field of qvl_train_options has a row here");

#define KEY_OF(section, name) key_at(offsetof(qvl_run_config, section.name))

static const qvl_key *key_at(size_t at)
{
    size_t i = 0;
    while (i < qvl_n_keys && (qvl_keys[i].section == NULL
                              || qvl_keys[i].at != at))
        i++;
    assert(i < qvl_n_keys);
    return &qvl_keys[i];
}

static double preset_of(const qvl_key *key)
{
    return key->preset != qvl_key_needed ? strtod(key->preset, NULL) : 0.0;
}

void qvl_run_options_init(qvl_train_options *o)
{
    *o = (qvl_train_options){ 0 };
#define X(field, section, name) o->field = preset_of(KEY_OF(section, name));
    NUMBERS(X)
#undef X
#define X(field, section, name) o->field = KEY_OF(section, name)->preset;
    WORDS(X)
#undef X
}

void qvl_run_options_put(qvl_train_options *o, const qvl_run_config *c,
                         qvl_arena *arena)
{
#define X(field, section, name) o->field = c->section.name;
    NUMBERS(X)
#undef X
#define X(field, section, name)                                               \
    o->field = qvl_key_word(KEY_OF(section, name), c->section.name, arena);
    WORDS(X)
#undef X
}

static int check_number(const qvl_key *key, double v, qvl_err *err)
{
    double preset = preset_of(key);
    bool is_unset = key->preset != qvl_key_needed
                    && (v == preset || (preset < 0 && v < 0));
    if (isfinite(v) && (is_unset || qvl_value_obeys(v, key->rule)))
        return QVL_OK;
    return qvl_fail(err, QVL_E_CONFIG, "%s: found %g, expected a number%s%s",
                    key->name, v, key->rule[0] != '\0' ? " " : "", key->rule);
}

int qvl_run_options_check(const qvl_train_options *o, qvl_err *err)
{
#define X(field, section, name)                                               \
    QVL_TRY(check_number(KEY_OF(section, name), (double)o->field, err));
    NUMBERS(X)
#undef X
    if (o->max_steps > 0)
        return QVL_OK;
    return qvl_fail(err, QVL_E_CONFIG, "max_steps: found %lld, expected a "
                    "number >0", (long long)o->max_steps);
}
