/* lex.h - words of a kernel file and the place of a mistake
 *
 * Splits the text into words, numbers and single marks, and steps over blanks
 * and both kinds of comment. A block in braces is taken whole, because bodies
 * are passed on and not read.
 *
 * Text and file name are borrowed until the reader is done.
 */
#ifndef GEN_KERN_LEX_H
#define GEN_KERN_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

typedef enum {
    LEX_END,     // of the text
    LEX_WORD,    // letters, digits, _; begins with no digit
    LEX_NUMBER,  // begins with a digit
    LEX_MARK,    // any other character
    LEX_OPEN_COMMENT,  // one that does not end
} lex_kind;

typedef struct {
    lex_kind kind;
    const char *at;
    size_t len;
    bool spaced;  // blanks or a comment stand before it
} lex_token;

typedef struct {
    const char *file;
    const char *text;
    const char *end;
    lex_token token;  // the one to look at
} lexer;

/* Begin at the first token of a text of len bytes with a NUL behind. */
void lex_init(lexer *lex, const char *file, const char *text, size_t len);

/* On to the next token; LEX_END stays. */
void lex_next(lexer *lex);

/* Whether the token is exactly this word or mark. */
bool lex_is(const lexer *lex, const char *word);

/* The token's text, kept by the arena. */
const char *lex_text(const lexer *lex, qvl_arena *arena);

/* Take the token, which is a word. Fails with QVL_E_CONFIG under it, "expected WHAT". */
int lex_take_word(lexer *lex, const char *what, const char **text,
                  qvl_arena *arena, qvl_err *err);

/* The line of a place in the text, 1-based; counted from the beginning. */
int lex_line(const lexer *lex, const char *at);

/* Fail with QVL_E_CONFIG: file:line:col, the message, and below it the source
 * line with a caret under `at`. */
int lex_fail(const lexer *lex, const char *at, qvl_err *err, const char *fmt,
             ...) QVL_PRINTF(4, 5);

/* Take a block: the token is its `{`, afterwards it is what follows the `}`.
 *
 *   body  the text between the braces, without the rest of the line of `{` if
 *         that is blank; belongs to the arena
 *   line  where the body begins
 *
 * Refuses braces that do not pair, a comment that does not end, bytes outside
 * ASCII, and the words return, goto and switch, as lex_fail does; body and line are
 * unchanged then. */
int lex_block(lexer *lex, const char **body, int *line, qvl_arena *arena,
              qvl_err *err);

#endif
