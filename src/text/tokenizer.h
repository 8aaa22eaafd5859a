/* tokenizer.h - text to token ids and back
 *
 * A tokenizer is read from the folder of a model, as Hugging Face writes it. It
 * works in the order of the file: added tokens are taken whole from the raw
 * text, what lies between is brought to normal form C, split into pieces by the
 * expression of the file, and each piece is merged from its bytes.
 *
 * Read is one kind: byte-level BPE without an unknown token, without bytes as a
 * way out, without tokens put before or behind. A file that asks for anything
 * else is refused: other ids than the model has learned would be the result.
 *
 * Any number of threads may use a tokenizer once it is open. All that encoding
 * leaves in it are the ids of pieces, so that they need not be merged again. Text is
 * UTF-8 with its length, and may hold NULs.
 */
#ifndef QVL_TOKENIZER_H
#define QVL_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

typedef struct qvl_tokenizer qvl_tokenizer;

/* Ids that grow; a zeroed struct is an empty list. */
typedef struct {
    int *p;      // owned; NULL before the first
    size_t n;
    size_t cap;
} qvl_ids;

void qvl_ids_release(qvl_ids *ids);

/* Append one, n of another list, n times the same; out of memory unwinds as in
 * base/arena.h. */
void qvl_ids_put(qvl_ids *ids, int id);
void qvl_ids_put_all(qvl_ids *ids, const int *id, size_t n);
void qvl_ids_repeat(qvl_ids *ids, int id, size_t n);

/* What is behind an id. */
typedef struct {
    const char *p;    // bytes, perhaps a part of a character; NULL: no token
    size_t len;
    bool is_added;    // taken whole, not merged
    bool is_special;  // added, and left out of clean text
} qvl_token;

/* Text to encode, a part of it. */
typedef struct {
    const char *p;    // borrowed
    size_t len;       // bytes
    bool is_literal;  // from outside: no added token is seen in it
} qvl_text_part;

/* Open the tokenizer of a folder: tokenizer.json, or vocab.json with
 * merges.txt and the added tokens of tokenizer_config.json. Where
 * tokenizer_config.json is there, it must agree. Fails with QVL_E_MODEL when
 * files are missing, damaged, contradict each other or ask for another kind,
 * QVL_E_MEMORY. Reading the JSON takes most of the time and, for a vocabulary of
 * 150 000, 100 MB until the call returns. */
int qvl_tokenizer_open(qvl_tokenizer **t, const char *folder, qvl_err *err);

void qvl_tokenizer_close(qvl_tokenizer *t);

/* The largest id + 1. Ids below it may have no token. */
int qvl_tokenizer_n_ids(const qvl_tokenizer *t);

/* What is behind an id, 0 <= id < n_ids. Its bytes belong to the tokenizer. */
qvl_token qvl_tokenizer_token(const qvl_tokenizer *t, int id);

/* The id whose token has exactly these bytes, that of the added one where there are
 * two; -1 when there is none. */
int qvl_tokenizer_find(const qvl_tokenizer *t, const char *p, size_t len);

/* Is text brought to normal form C before it is split? */
bool qvl_tokenizer_is_nfc(const qvl_tokenizer *t);

/* The id that tokenizer_config.json names as end, -1 where it names none. */
int qvl_tokenizer_eos(const qvl_tokenizer *t);

/* Append the ids of a text in parts. It is split and merged as one text: only
 * added tokens do not reach from one part into another. (A token that the file
 * marks as "normalized" is looked for behind the normal form, as the file
 * wants it, and not in a stretch that holds literal text.)
 *
 * Fails with QVL_E_DATA when a part is not UTF-8, QVL_E_RANGE when the text is
 * longer than 2^30 bytes, QVL_E_MEMORY; `out` is unchanged then. Costs
 * O(n log n). */
int qvl_tokenizer_encode(const qvl_tokenizer *t, const qvl_text_part *part,
                         size_t n_parts, qvl_ids *out, qvl_err *err);

/* Encode a text that will come often, such as a prompt, and keep the ids of what
 * stands between its added tokens: the same there in another text is then only
 * compared. Short stretches are not kept, and no more than a few texts. For one thread,
 * before others use the tokenizer. Fails as qvl_tokenizer_encode. */
int qvl_tokenizer_remember(qvl_tokenizer *t, const qvl_text_part *part,
                           size_t n_parts, qvl_err *err);

/* What becomes of special tokens in text. */
typedef enum { QVL_SPECIAL_KEEP, QVL_SPECIAL_SKIP } qvl_special;

/* Ids to text as they come. A character may be spread over several tokens:
 * its bytes wait in `held`, so that what is appended is always valid UTF-8 and
 * is never taken back. What can become no character is U+FFFD. Out of memory, push
 * and finish unwind as in base/arena.h. */
typedef struct {
    // borrowed
    const qvl_tokenizer *t;
    qvl_special special;
    char held[4];
    size_t n_held;
} qvl_decoder;

void qvl_decoder_init(qvl_decoder *d, const qvl_tokenizer *t,
                      qvl_special special);

/* Append what an id adds to the text. Fails with QVL_E_RANGE for an id without
 * a token; the text is unchanged then. */
int qvl_decoder_push(qvl_decoder *d, int id, qvl_str *out, qvl_err *err);

/* The text is at its end: what is held becomes U+FFFD. The decoder is ready for
 * another text. */
void qvl_decoder_finish(qvl_decoder *d, qvl_str *out);

/* Append the text of n ids: the steps above in one, which fails and unwinds
 * as they do; `out` is unchanged by a failure. */
int qvl_tokenizer_decode(const qvl_tokenizer *t, const int *id, size_t n,
                         qvl_special special, qvl_str *out, qvl_err *err);

#endif
