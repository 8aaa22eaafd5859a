/* run_config.h - the configuration of a run: typed, inherited, complete
 *
 * Key `section.name` of the YAML is the field `section.name` of the struct
 * (training.lr_scheduler_kwargs is `lr`, keys without a section are `top`).
 * keys.def lists every key with type, default and rule; the struct is made of
 * it. After loading, every field has its final value: defaults are filled in,
 * aliases merged, prompts read from their files, the rules between keys
 * (run_rules.c) checked and what follows from other keys computed.
 *
 * All faults of a configuration are found in one go: each but the last is
 * reported to the log as an error, the last is the error of the call. An
 * unknown key, a value of a wrong type or out of range, a key that asks for
 * something that is not there: nothing is passed over. Keys that mean nothing
 * here are named in one line each.
 *
 * Relative paths in a configuration are relative to the working folder, but
 * for `extends`, which is relative to the file that says it.
 *
 * All of it runs out of host memory as an arena does.
 */
#ifndef QVL_CONFIG_RUN_CONFIG_H
#define QVL_CONFIG_RUN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "base/str.h"

typedef struct {
    const char *const *v;  // [n]
    int n;
} qvl_texts;

/* Places of words in the rules of keys.def, as far as they are asked for here.
 * Words that choose how answers are written stand in the order of the enums of
 * src/data, the schedules in that of the list below. tests/train/test_samples.c
 * holds all of them. */
enum { QVL_CONFIG_F32, QVL_CONFIG_BF16, QVL_CONFIG_F16 };
enum { QVL_OPTIMIZER_DEFAULT, QVL_OPTIMIZER_MULTIMODAL };
enum { QVL_WHEN_NO, QVL_WHEN_STEPS, QVL_WHEN_EPOCH, QVL_WHEN_BEST };
enum { QVL_BEST_AUTO, QVL_BEST_LOWER, QVL_BEST_GREATER };
enum { QVL_LOG_KEYS_PREFIXED, QVL_LOG_KEYS_HF };
enum { QVL_EVAL_BY_TOKEN, QVL_EVAL_BY_SAMPLE };
enum {
    QVL_LR_LINEAR, QVL_LR_COSINE, QVL_LR_COSINE_RESTARTS, QVL_LR_POLYNOMIAL,
    QVL_LR_CONSTANT, QVL_LR_CONSTANT_WARMUP, QVL_LR_INVERSE_SQRT,
    QVL_LR_COSINE_MIN, QVL_LR_COSINE_WARMUP_MIN, QVL_LR_STABLE_DECAY,
    QVL_LR_ON_PLATEAU
};

#define QVL_FIELD_BOOL bool
#define QVL_FIELD_INT int
#define QVL_FIELD_FLOAT double
#define QVL_FIELD_TEXT const char *
#define QVL_FIELD_PROMPT const char *
#define QVL_FIELD_LIST qvl_texts
#define QVL_FIELD_PROMPTS qvl_texts
#define QVL_FIELD_WORD int
#define QVL_FIELD_BYTES int64_t
#define QVL_FIELD_MAP const qvl_node *

/* A key whose value follows from another one, which was given. */
typedef struct {
    const char *path;
    const char *from;
} qvl_config_origin;

/* Belongs to the arena of the call that loaded it. */
typedef struct {
#define SECTION(field, path) struct {
#define KEY(field, name, type, preset, rule, about) QVL_FIELD_##type name;
#define END(field) } field;
#include "config/keys.def"
    const struct qvl_augmentation *augmentation;  // config/augment.h
    const struct qvl_fusion *fusion;  // config/fusion.h; NULL: none
    const qvl_node *tree;  // what the files and flags say, merged
    qvl_texts files;       // that were read, weakest first
    const qvl_config_origin *origin;  // [n_origins]
    int n_origins;
} qvl_run_config;

/* A value of the command line; beats the files. */
typedef struct {
    const char *path;  // "runtime.device"
    const char *value; // as it would stand in the file; NULL: not given
    const char *flag;  // "--device", for messages
} qvl_config_flag;

/* Load a configuration, and the file of custom.fusion_config with it.
 *
 *   c      filled; unchanged on error
 *   file   YAML of the run
 *   base   YAML that lies under everything, may be NULL
 *   flag   [n_flags] borrowed for the call
 *
 * Fails with QVL_E_CONFIG (QVL_E_UNSUPPORTED when all faults are keys that ask
 * for something that is not there), QVL_E_IO or QVL_E_MEMORY. Neither model nor data
 * is opened; files that are named are not looked for, but for prompts and the fusion. */
int qvl_run_config_load(qvl_run_config *c, const char *file, const char *base,
                        const qvl_config_flag *flag, int n_flags,
                        qvl_arena *arena, qvl_err *err);

/* Where the value of a key comes from: "FILE:LINE" or a flag; behind it "(KEY)" where
 * it follows from that one, "(null)" where a null asks for the default. NULL for a
 * default that nobody asked for. The text belongs to the arena, or to the
 * configuration. */
const char *qvl_run_config_place(const qvl_run_config *c, const char *path,
                                 qvl_arena *arena);

/* Name of the word that a WORD key has, in the arena: "steps" for
 * "training.save_strategy". The path must be that of such a key. */
const char *qvl_run_config_word(const qvl_run_config *c, const char *path,
                                qvl_arena *arena);

/* Append the final value of a key as JSON; null where it was not given and has
 * no default. The path must be that of a key with a field. */
void qvl_run_config_value(qvl_str *out, const qvl_run_config *c,
                          const char *path, qvl_arena *arena);

/* Append the configuration as JSON: sections with every key and its final
 * value, then "provenance" (path of each key to the place of its value, but for
 * defaults) and "files". Ends in a newline. */
void qvl_run_config_json(qvl_str *out, const qvl_run_config *c,
                         qvl_arena *arena);

#endif
