/* cmd_tokens.h - `qvl inspect tokens`: lines of text to ids and back */
#ifndef TOOLS_CMD_TOKENS_H
#define TOOLS_CMD_TOKENS_H

#include <stdbool.h>

#include "base/err.h"

typedef struct {
    const char *folder;  // has the files of a tokenizer
    bool decode;         // ids to text
    bool no_special;     // encode: added tokens are text; decode: special
                         // tokens are left out
} cmd_tokens_options;

/* Read standard input line by line, each a JSON string (or a JSON array of ids),
 * and print the other for each. Stops at the first line that is neither, with
 * its number. */
int cmd_tokens(const cmd_tokens_options *options, qvl_err *err);

#endif
