/* tokens.h - what the tests of text share: small tokenizers, ids as text */
#ifndef TEXT_TOKENS_H
#define TEXT_TOKENS_H

#include <stdbool.h>

#include "text/tokenizer.h"

/* The cut of a real tokenizer in the fixtures; opened once, for all tests. */
qvl_tokenizer *tokens_cut(void);

/* Text of a file of the fixtures; the caller frees it. */
char *tokens_fixture(const char *name);

/* `text` with the first `from` replaced by `to`; the caller frees it. Fails the
 * test when `from` is not in it. */
char *tokens_replace(const char *text, const char *from, const char *to);

/* Write DIR/NAME, DIR being a folder of this test; NULL removes it. */
void tokens_write(const char *name, const char *text);
const char *tokens_dir(void);

/* Ids of a text as "1 2 3"; good until the next call. */
const char *tokens_of(const qvl_tokenizer *t, const char *text,
                      bool is_literal);

/* Ids as "1 2 3"; good until the next call. */
const char *tokens_print(const qvl_ids *ids);

#endif
