/* init.h - a complete model folder with random weights
 *
 * A size (configs/model/NAME.yaml, compiled in, or a file of that form) holds a
 * config.json as YAML, what the image processor needs, and how weights are
 * drawn. The folder appears whole or not at all: it is written beside its place
 * and renamed.
 *
 * Weights depend on the seed and the tensor's name alone, so they are the same
 * for any number of threads. They are written by stream: memory does not grow
 * with the model.
 *
 *   matrices    N(0, s^2), s = `linear`, or 1 / sqrt(inputs) for fan_in, where
 *               the matrix that ends a residual branch is divided by
 *               sqrt(2 * layers) of its tower as well
 *   embedding   N(0, `embedding`^2)
 *   positions   N(0, `positions`^2), or `sine`: row (y, x) of the G x G table is
 *               sqrt(2) [e(y), e(x)], e(i) = [sin(i f_k / G), cos(i f_k / G)],
 *               f_k = 2 pi 2^(4 k / q), k < q = h / 4
 *   rank 1      biases 0, norms 1
 */
#ifndef QVL_MODEL_INIT_H
#define QVL_MODEL_INIT_H

#include <stdint.h>

#include "base/err.h"
#include "model/config.h"

typedef struct {
    const char *size;       // "2B", or a path that ends in .yaml
    const char *tokenizer;  // folder whose tokenizer files are copied; NULL
    const char *output;     // folder, must not exist
    uint64_t seed;
    int dtype;              // enum qvl_dtype of the weights; -1: as the size says
} qvl_init_options;

/* With a tokenizer, the ids of the control tokens come from it, and the embedding has
 * a row for each of its tokens, at least. Errors: QVL_E_USAGE (an unknown size, a
 * type that weights do not have, an output that is there), QVL_E_CONFIG (a wrong
 * size file), QVL_E_UNSUPPORTED (its dtype), QVL_E_MODEL (a config that is no model,
 * a tokenizer without the control tokens), QVL_E_FORMAT (tokenizer.json), QVL_E_IO,
 * QVL_E_MEMORY. Does not unwind. */
int qvl_init_model(const qvl_init_options *options, qvl_err *err);

/* The config of a size (a name or a .yaml file) without any folder; texts belong
 * to the arena. Fails as qvl_init_model does for a size, and leaves *config
 * unchanged; runs out of host memory as an arena does. */
int qvl_init_config(qvl_model_config *config, const char *size,
                    qvl_arena *arena, qvl_err *err);

#endif
