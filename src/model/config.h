/* config.h - config.json of a model folder, checked
 *
 * Two readers share the file: the generated architecture says where each of its
 * dims stands (arch.h), and the host needs what never enters a kernel: rotary
 * parameters, token ids, the geometry of the vision tower.
 *
 * Keys the model needs are required; nothing is filled in from the defaults of
 * another program, since those describe no released model. Unknown keys are
 * ignored. A value that would silently mean another model (another activation,
 * biases, sliding windows) is refused.
 *
 * The text part is `text_config`, or the whole file when there is none. Both
 * spellings of the rotary parameters are read: rope_theta with rope_scaling,
 * and rope_parameters. tie_word_embeddings at the top wins over the one in
 * text_config; absent in both means false.
 */
#ifndef QVL_MODEL_CONFIG_H
#define QVL_MODEL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "graph/arch.h"
#include "model/rope.h"

#define QVL_MAX_EOS 8

/* The vision tower as the host sees it. */
typedef struct {
    int merge;         // a merged row is merge x merge patches
    int grid_side;     // the position table is grid_side x grid_side
    int patch;         // side of a patch, px
    int patch_values;  // numbers of one patch: channels * frames * side^2
    int n_angles;      // half a head
    int image_token;
    int video_token;
    int start_token;
    int end_token;
} qvl_vision_config;

/* Texts and the arch's lists belong to the arena given to the reader. */
typedef struct {
    const qvl_arch *arch;
    const char *model_type;
    qvl_dims dims;        // config and derived dims; batch dims are 0
    bool tied;            // the head is the embedding
    int vocab;
    int64_t max_positions;  // 0: not said
    int dtype;              // enum qvl_dtype the file names, -1: not said
    int eos[QVL_MAX_EOS];
    int n_eos;
    qvl_rope_config rope;
    int n_sharing;        // query heads of the text that share a key head
    bool has_vision;
    qvl_vision_config vision;  // without vision zero, tokens -1
} qvl_model_config;

/* Read FOLDER/config.json. Everything wrong is QVL_E_MODEL with the key, the
 * place, what was found and what was expected; a model_type without a
 * generated architecture is QVL_E_MODEL as well and lists those there are, and so
 * is a file that cannot be read. *config is unchanged on an error. Runs out of host
 * memory as an arena does, or with QVL_E_MEMORY. */
int qvl_model_config_load(qvl_model_config *config, const char *folder,
                          qvl_arena *arena, qvl_err *err);

/* The same from a parsed file, for an architecture that is known. */
int qvl_model_config_read(qvl_model_config *config, const qvl_node *root,
                          const qvl_arch *arch, qvl_arena *arena,
                          qvl_err *err);

/* The part of a config.json that tells of the decoder: text_config, or the whole of
 * a model of text alone. */
const qvl_node *qvl_model_config_text(const qvl_node *root);

#endif
