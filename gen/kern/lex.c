/* lex.c - words of a kernel file, one ahead
 *
 * The reader looks at one token at a time. Bodies are not split: a block ends at
 * its brace, and is searched for what no body may have, since compilers would
 * report it in three languages, or not at all.
 */
#include "kern/lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '_';
}

/* First character from p on that is no blank and in no comment; where a comment
 * does not end, its start, and *open is set. */
static const char *skip_blanks(const char *p, const char *end, bool *open)
{
    for (;;) {
        while (p < end && strchr(" \t\r\n", *p) != NULL)
            p++;
        if (end - p < 2 || p[0] != '/' || (p[1] != '/' && p[1] != '*'))
            return p;
        bool is_line = p[1] == '/';
        const char *close = strstr(p + 2, is_line ? "\n" : "*/");
        if (close == NULL && !is_line) {
            *open = true;
            return p;
        }
        p = close == NULL ? end : close + (is_line ? 1 : 2);
    }
}

static void read_token(lexer *lex, const char *from)
{
    bool open = false;
    const char *p = skip_blanks(from, lex->end, &open);
    lex_token t = { .at = p, .len = 1, .spaced = p > from };
    if (open) {
        t.kind = LEX_OPEN_COMMENT;
    } else if (p >= lex->end) {
        t.kind = LEX_END;
        t.len = 0;
    } else if (is_word_char(*p)) {
        t.kind = *p >= '0' && *p <= '9' ? LEX_NUMBER : LEX_WORD;
        while (p + t.len < lex->end && is_word_char(p[t.len]))
            t.len++;
    } else {
        t.kind = LEX_MARK;
    }
    lex->token = t;
}

void lex_init(lexer *lex, const char *file, const char *text, size_t len)
{
    *lex = (lexer){ .file = file, .text = text, .end = text + len };
    read_token(lex, text);
}

void lex_next(lexer *lex)
{
    read_token(lex, lex->token.at + lex->token.len);
}

bool lex_is(const lexer *lex, const char *word)
{
    return lex->token.kind != LEX_OPEN_COMMENT
           && strlen(word) == lex->token.len
           && memcmp(word, lex->token.at, lex->token.len) == 0;
}

const char *lex_text(const lexer *lex, qvl_arena *arena)
{
    return qvl_arena_strndup(arena, lex->token.at, lex->token.len);
}

int lex_take_word(lexer *lex, const char *what, const char **text,
                  qvl_arena *arena, qvl_err *err)
{
    if (lex->token.kind != LEX_WORD)
        return lex_fail(lex, lex->token.at, err, "expected %s", what);
    *text = lex_text(lex, arena);
    lex_next(lex);
    return QVL_OK;
}

int lex_line(const lexer *lex, const char *at)
{
    int line = 1;
    for (const char *p = lex->text; p < at; p++)
        line += *p == '\n';
    return line;
}

int lex_fail(const lexer *lex, const char *at, qvl_err *err, const char *fmt,
             ...)
{
    char message[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);

    const char *start = at;
    while (start > lex->text && start[-1] != '\n')
        start--;
    size_t len = strcspn(start, "\r\n");
    if (len > 160)
        len = 160;
    int col = (int)(at - start);
    /* The caret's line repeats tabs, so that it lines up in any terminal. */
    char pad[161];
    int n_pad = 0;
    while (n_pad < col && n_pad < 160) {
        pad[n_pad] = start[n_pad] == '\t' ? '\t' : ' ';
        n_pad++;
    }
    return qvl_fail(err, QVL_E_CONFIG, "%s:%d:%d: %s\n%.*s\n%.*s^", lex->file,
                    lex_line(lex, at), col + 1, message, (int)len, start,
                    n_pad, pad);
}

/* Words that make a body leave a loop or a group without the others. */
static bool is_forbidden(const lexer *lex)
{
    return lex_is(lex, "return") || lex_is(lex, "goto")
           || lex_is(lex, "switch");
}

static int check_ascii(const lexer *lex, const char *from, const char *to,
                       qvl_err *err)
{
    for (const char *p = from; p < to; p++)
        if ((unsigned char)*p > 126 || *p == '\0')
            return lex_fail(lex, p, err, "only ASCII is allowed in a body");
    return QVL_OK;
}

/* Move to the brace that closes the one at the token. */
static int find_close(lexer *lex, qvl_err *err)
{
    const char *open = lex->token.at;
    int depth = 0;
    for (;; lex_next(lex)) {
        if (lex->token.kind == LEX_END)
            return lex_fail(lex, open, err, "this { is never closed");
        if (lex->token.kind == LEX_OPEN_COMMENT)
            return lex_fail(lex, lex->token.at, err,
                            "this comment is never closed");
        if (is_forbidden(lex))
            return lex_fail(lex, lex->token.at, err,
                            "%.*s is not allowed in a body",
                            (int)lex->token.len, lex->token.at);
        depth += lex_is(lex, "{");
        depth -= lex_is(lex, "}");
        if (depth == 0)
            return QVL_OK;
    }
}

int lex_block(lexer *lex, const char **body, int *line, qvl_arena *arena,
              qvl_err *err)
{
    const char *from = lex->token.at + 1;
    QVL_TRY(find_close(lex, err));
    const char *to = lex->token.at;
    QVL_TRY(check_ascii(lex, from, to, err));

    const char *p = from + strspn(from, " \t\r");
    if (*p == '\n')
        from = p + 1;
    /* Blanks before the closing brace belong to its line. */
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    *body = qvl_arena_strndup(arena, from, (size_t)(to - from));
    *line = lex_line(lex, from);
    lex_next(lex);
    return QVL_OK;
}
