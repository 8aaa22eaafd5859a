/* tokenizer_build.h - what the files of a tokenizer say, and the tokenizer made
 * of it
 *
 * Private to the tokenizer: reading files (tokenizer_files.c), making the tables
 * (tokenizer_build.c) and using them (tokenizer.c) meet here. Both functions run
 * out of host memory as an arena does, or with QVL_E_MEMORY.
 */
#ifndef QVL_TOKENIZER_BUILD_H
#define QVL_TOKENIZER_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "text/added.h"
#include "text/bpe.h"
#include "text/pieces.h"
#include "text/split.h"
#include "text/tokenizer.h"

/* Text between added tokens whose ids are kept. */
typedef struct {
    const char *p;     // the arena's, like the ids
    size_t len;
    bool has_literal;
    const int *id;
    size_t n_ids;
} qvl_known_text;

#define QVL_MAX_KNOWN 16

struct qvl_tokenizer {
    // owned
    qvl_arena arena;   // has all tables
    qvl_pieces *pieces;
    qvl_split *split;
    // borrowed, from the arena
    qvl_token *token;  // [n_ids]
    int n_ids;
    uint32_t *index;   // [index_mask + 1] id + 1 by the bytes of its token
    size_t index_mask;
    qvl_bpe bpe;
    qvl_added raw;     // added tokens looked for in the raw text
    qvl_added normal;  // and behind the normal form
    bool has_normal;   // is there one of those?
    bool is_nfc;
    int eos;
    qvl_known_text known[QVL_MAX_KNOWN];
    int n_known;
};

/* Ids are below this: a damaged file shall not ask for all memory. */
#define QVL_MAX_TOKENS (1 << 24)

/* Two spellings whose tokens merge. Bytes are spelled in the byte alphabet. */
typedef struct {
    const char *left;
    const char *right;
    size_t left_len;
    size_t right_len;
    int line;  // in the file
} qvl_merge_source;

typedef struct {
    const char *text;
    size_t len;
    int id;
    bool is_special;
    bool is_normalized;
    const qvl_node *at;  // where it was read
} qvl_added_source;

/* All that the files say; belongs to the arena they were read with. */
typedef struct {
    const qvl_node *vocab;  // map: spelling to id
    const qvl_merge_source *merge;
    size_t n_merges;
    const char *merge_file;
    const qvl_added_source *added;
    size_t n_added;
    const char *pattern;
    bool is_nfc;
    const qvl_node *eos;    // STRING; NULL: none
    const qvl_node *pad;
} qvl_tokenizer_source;

/* Read the files of a folder. Fails as qvl_tokenizer_open does. */
int qvl_tokenizer_files_read(qvl_tokenizer_source *source, const char *folder,
                             qvl_arena *arena, qvl_err *err);

/* Make the tables of a zeroed tokenizer. Fails with QVL_E_MODEL; what was made
 * is released by qvl_tokenizer_close. */
int qvl_tokenizer_build(qvl_tokenizer *t, const qvl_tokenizer_source *source,
                        qvl_arena *scratch, qvl_err *err);

#endif
