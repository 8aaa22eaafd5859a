/* init_files.h - the texts of a new model folder; private to init
 *
 * All that fails may do so with QVL_E_IO or QVL_E_MEMORY, beside what it names, and
 * runs out of host memory as an arena does. Files that were written then stay:
 * qvl_init_remove is for them.
 */
#ifndef QVL_MODEL_INIT_FILES_H
#define QVL_MODEL_INIT_FILES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"

/* Copy the tokenizer's files from one folder to another: those that exist of
 * the names Hugging Face uses. tokenizer.json must. */
int qvl_init_copy_tokenizer(const char *from, const char *to, qvl_arena *arena,
                            qvl_err *err);

/* Set the ids of control tokens that the size's config names to those of a tokenizer
 * folder, and raise vocab_size to its number of tokens where it is less. Changes the
 * tree, also before an error. Fails with QVL_E_MODEL for a token that the tokenizer
 * lacks, QVL_E_CONFIG for a config without vocab_size, QVL_E_FORMAT for a
 * tokenizer.json that is damaged. */
int qvl_init_use_tokenizer(qvl_node *config, const char *folder,
                           qvl_arena *arena, qvl_err *err);

/* Write config.json, generation_config.json and, for a model of pictures,
 * preprocessor_config.json and video_preprocessor_config.json. dtype: spelling of
 * the weights' type, which replaces that of the tree and is borrowed as long. Fails
 * with QVL_E_CONFIG for a config without the tokens that begin and end a text. */
int qvl_init_write_texts(const qvl_node *size, const char *folder,
                         const char *dtype, qvl_arena *arena, qvl_err *err);

/* Remove a folder of which only these files, and weights, were written; what cannot
 * be removed stays. */
void qvl_init_remove(const char *folder);

#endif
