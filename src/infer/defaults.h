/* defaults.h - what a checkpoint says of making replies: generation_config.json
 *
 * Its end ids always count. Its numbers count for those who ask for them: they
 * are made for talk, and would change results where nobody expects it.
 */
#ifndef QVL_INFER_DEFAULTS_H
#define QVL_INFER_DEFAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Numbers of the file, by their keys there. */
#define QVL_GENERATION_TABLE(X)                                               \
    X(TEMPERATURE, "temperature")                                             \
    X(TOP_P, "top_p")                                                         \
    X(TOP_K, "top_k")                                                         \
    X(MIN_P, "min_p")                                                         \
    X(REPETITION, "repetition_penalty")                                       \
    X(NGRAM, "no_repeat_ngram_size")                                          \
    X(MAX_NEW, "max_new_tokens")

#define QVL_GENERATION_ENUM(name, key) QVL_GENERATION_##name,
typedef enum {
    QVL_GENERATION_TABLE(QVL_GENERATION_ENUM) QVL_N_GENERATION
} qvl_generation_key;
#undef QVL_GENERATION_ENUM

#define QVL_MAX_ENDS 16

typedef struct {
    bool is_there;                  // the file
    bool has[QVL_N_GENERATION];     // with `do_sample: false` a temperature of 0
    double value[QVL_N_GENERATION];
    int64_t end[QVL_MAX_ENDS];      // [n_ends]
    int n_ends;
} qvl_generation;

/* Read the file of a model's folder; without one, *out says so. Fails with
 * QVL_E_MODEL for a damaged file, a key of another type, end ids that are negative or
 * more than QVL_MAX_ENDS; QVL_E_IO for a file that cannot be read, QVL_E_MEMORY. On
 * an error *out is unchanged. Numbers are not held against ranges here. */
int qvl_generation_load(qvl_generation *out, const char *folder, qvl_err *err);

/* The key as it stands in the file. */
const char *qvl_generation_name(qvl_generation_key key);

#endif
