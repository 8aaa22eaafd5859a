/* json_mask.h - the tokens that may come next in an answer of JSON
 *
 * Tokens are tried by their bytes (json_state.h); they may end anywhere, inside
 * of a character too. What a token does depends on the place alone for nearly
 * all of them: those are tried once for each kind of place, when the first
 * answer comes there, and kept as a set of bits. The few that open or close
 * brackets, or go on with a run of white space or digits, are tried at each
 * question. So a question costs some hundred short walks, not one for each
 * token of the vocabulary.
 *
 * An answer has a number of tokens at most. A token after which the object
 * could no longer be closed in the tokens left is not allowed; since every byte
 * that closing takes is a token of its own, one always is. With so few left that
 * this rules out some, all that would be allowed are looked at.
 */
#ifndef QVL_INFER_JSON_MASK_H
#define QVL_INFER_JSON_MASK_H

#include "infer/json_state.h"
#include "text/tokenizer.h"

/* What tokens do, shared by all answers of a model. Not for two threads. */
typedef struct qvl_json_tokens qvl_json_tokens;

/* An answer under the rule. */
typedef struct {
    qvl_json_tokens *tokens;  // borrowed
    qvl_json_state state;
    bool ends_now;  // only what brings the end of the object nearer is allowed
} qvl_json_rule;

/* For ids below `vocab`; those without a token, or with a special one, are
 * never allowed. The tokenizer outlives it. Fails with QVL_E_MODEL when a byte
 * that closing may take has no token, QVL_E_MEMORY. */
int qvl_json_tokens_open(qvl_json_tokens **t, const qvl_tokenizer *tokenizer,
                         int vocab, qvl_err *err);
void qvl_json_tokens_close(qvl_json_tokens *t);

/* The tokens that may come next where `room` tokens may still come, this one counted:
 * [vocab] bits, the lowest of a word first, until the next question. At least
 * one is set unless the object is closed. What closes the object is counted in
 * bytes, a token each: each byte of it is a token of its own (qvl_json_tokens_open),
 * so an object that fits that way fits. Where it cannot be closed in the room any
 * more, no token is refused for that. Runs out of memory as an
 * arena does. */
const uint64_t *qvl_json_rule_allowed(const qvl_json_rule *r, int room);

/* A token that was allowed has come; true: the object is closed. */
bool qvl_json_rule_take(qvl_json_rule *r, int64_t id);

#endif
