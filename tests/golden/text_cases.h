/* text_cases.h - stored cases of the tokenizer and the chat layout
 *
 * A case of kind "tokenizer" or "chat" is a folder of JSON lines; every line is
 * compared byte for byte. The tokenizer is the one that case.json names, or
 * that of the folder "tokenizer" beside it.
 */
#ifndef GOLDEN_TEXT_CASES_H
#define GOLDEN_TEXT_CASES_H

#include <stddef.h>

#include "base/err.h"

typedef struct {
    size_t n_compared;
    size_t n_wrong;
    char what[256];  // the first that is wrong: FILE:LINE and why
} golden_text;

/* Run the case in a folder. Fails when its files, or the tokenizer, cannot be
 * read; a line that does not hold is counted, not an error. */
int golden_text_case(const char *folder, golden_text *out, qvl_err *err);

#endif
