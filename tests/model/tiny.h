/* tiny.h - a small vision-language model whose weights follow from their names
 *
 * Every tensor is a stream of random numbers that its checkpoint name seeds, so
 * a test can write the folder anywhere and know every value in it:
 *
 *     z = fnv1a(name) + k g, finalised as in splitmix64, k = 1, 2, ...
 *     u = (z >> 40) / 2^23 - 1                        exact in f32
 *     weight [n]: 1 + u / 4       bias [n]: u / 8     embeddings: u
 *     others: u 2^(1 - floor((bits(f) - 1) / 2)), f = product of the inner dims
 *
 * The architecture here is written by hand: tests of what reads and writes
 * folders need its dims, inputs and parameters, but no program.
 */
#ifndef TINY_H
#define TINY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "graph/arch.h"
#include "model/config.h"

/* The first n numbers of the stream of a name. */
void tiny_stream(const char *name, float *out, size_t n);

/* Values of a parameter, all of its shape. */
void tiny_weights(const qvl_arch_param *p, float *out);

/* Text of config.json. */
extern const char tiny_config[];

/* The architecture of the config, without programs. */
extern const qvl_arch tiny_arch;

/* Config and parameters, read from a text such as tiny_config. */
void tiny_open(qvl_model_config *config, qvl_param_list *params,
               const char *text, qvl_arena *arena);

/* How a folder differs from the plain one. */
typedef struct {
    int dtype;                           // QVL_F32 or QVL_BF16
    int n_files;                         // 0, 1: model.safetensors
    const char *config;                  // NULL: tiny_config
    /* Name in the file; NULL: the parameter's. An empty one is left out. */
    const char *(*rename)(const char *name, qvl_arena *arena);
} tiny_folder;

/* Write a folder for a parameter list; returns its path, which is good until
 * the eighth call of check_path from here. */
const char *tiny_write(const char *name, const qvl_param_list *params,
                       const tiny_folder *f);

/* The batch of the model description: pictures, a video, 41 tokens. */
#define TINY_TOKENS 41
extern const int64_t tiny_ids[TINY_TOKENS];
extern const int64_t tiny_image_grid[2][3];
extern const int64_t tiny_video_grid[1][3];
extern const int32_t tiny_positions[3][TINY_TOKENS];

#endif
