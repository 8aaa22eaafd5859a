/* init_files.h - the texts of a new model folder; private to init */
#ifndef QVL_MODEL_INIT_FILES_H
#define QVL_MODEL_INIT_FILES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"

/* Copy the tokenizer's files from one folder to another: those that exist of
 * the names Hugging Face uses. tokenizer.json must. */
int qvl_init_copy_tokenizer(const char *from, const char *to, qvl_arena *arena,
                            qvl_err *err);

/* Set the ids of control tokens and the vocabulary's size in the size's config
 * to those of a tokenizer folder. Changes the tree. Fails with QVL_E_MODEL for a
 * token that the tokenizer lacks, QVL_E_CONFIG for a key that the config lacks. */
int qvl_init_use_tokenizer(qvl_node *config, const char *folder,
                           qvl_arena *arena, qvl_err *err);

/* Write config.json, generation_config.json and, for a model of pictures,
 * preprocessor_config.json and video_preprocessor_config.json. dtype: spelling of
 * the weights' type. Fails with QVL_E_CONFIG for a config without the tokens that
 * begin and end a text. */
int qvl_init_write_texts(const qvl_node *size, const char *folder,
                         const char *dtype, qvl_arena *arena, qvl_err *err);

/* Remove a folder of which only these files, and weights, were written. */
void qvl_init_remove(const char *folder);

#endif
