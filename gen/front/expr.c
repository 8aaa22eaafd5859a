/* expr.c - reads expressions by descent, one level of operators a turn
 *
 * A text is refused at the first character that fits nothing, when it nests
 * deeper than MAX_DEPTH, or has more than MAX_OPERANDS: those who walk the trees
 * do so by calls. Messages of all of the front end are made here, with the line
 * of the spec and a caret.
 */
#include "front/expr.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

typedef struct {
    const expr_text *text;
    const char *p;
    qvl_arena *arena;
    qvl_err *err;
    int depth;
    int n_operands;
} parser;

/* Whoever reads a tree goes down it by calls, and a long sum is a deep tree. */
#define MAX_DEPTH 100
#define MAX_OPERANDS 1000
#define MAX_ARGS 16

/* ---- messages ---- */

static const char *source_line(const expr_text *text, int *len)
{
    const char *p = text->source;
    for (int line = 1; line < text->line && p; line++) {
        p = strchr(p, '\n');
        p = p ? p + 1 : NULL;
    }
    if (!p)
        p = "";
    *len = (int)strcspn(p, "\r\n");
    return p;
}

int expr_fail(const expr_text *text, int col, qvl_err *err, const char *fmt,
              ...)
{
    char what[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    int len;
    const char *line = source_line(text, &len);
    return qvl_fail(err, QVL_E_CONFIG, "%s:%d:%d: %s\n  %.*s\n  %*s^",
                    text->file, text->line, col, what, len, line, col - 1, "");
}

int expr_place(const expr_text *text, int col, qvl_err *err)
{
    char msg[sizeof err->msg];
    memcpy(msg, err->msg, sizeof msg);
    return expr_fail(text, col, err, "%.500s", msg);
}

static int col_of(const parser *s, const char *p)
{
    return s->text->col + (int)(p - s->text->text);
}

static int fail_here(parser *s, const char *what)
{
    return expr_fail(s->text, col_of(s, s->p), s->err, "%s", what);
}

/* ---- words ---- */

static void skip_space(parser *s)
{
    while (*s->p == ' ')
        s->p++;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Take `word` when it comes next (a whole word when it is letters). */
static bool take(parser *s, const char *word)
{
    skip_space(s);
    size_t n = strlen(word);
    if (strncmp(s->p, word, n) != 0)
        return false;
    if (isalpha((unsigned char)word[0]) && (is_word(s->p[n]) || s->p[n] == '.'))
        return false;
    s->p += n;
    return true;
}

static expr *node_new(parser *s, expr_kind kind, const char *at, int n)
{
    expr *e = qvl_arena_array(s->arena, expr, 1);
    e->kind = kind;
    e->col = col_of(s, at);
    e->at = s->text;
    e->n = n;
    e->arg = qvl_arena_array(s->arena, expr *, n ? n : 1);
    return e;
}

/* ---- grammar ---- */

static int parse_or(parser *s, expr **out);

static int parse_args(parser *s, expr *call)
{
    expr *arg[MAX_ARGS];
    int n = 0;
    if (!take(s, ")")) {
        do {
            if (n == MAX_ARGS)
                return expr_fail(s->text, col_of(s, s->p), s->err,
                                 "more than %d arguments", MAX_ARGS);
            QVL_TRY(parse_or(s, &arg[n]));
            n++;
        } while (take(s, ","));
        if (!take(s, ")"))
            return fail_here(s, "expected , or )");
    }
    call->arg = qvl_arena_array(s->arena, expr *, n ? n : 1);
    memcpy(call->arg, arg, (size_t)n * sizeof *arg);
    call->n = n;
    return QVL_OK;
}

/* A name: letters, digits, _, dots, and {var}. */
static int parse_name(parser *s, expr **out)
{
    const char *start = s->p;
    while (is_word(*s->p) || *s->p == '.' || *s->p == '{') {
        if (*s->p == '{') {
            s->p++;
            while (is_word(*s->p))
                s->p++;
            if (*s->p != '}')
                return fail_here(s, "expected }");
        }
        s->p++;
    }
    expr *e = node_new(s, EXPR_NAME, start, 0);
    e->name = qvl_arena_strndup(s->arena, start, (size_t)(s->p - start));
    if (take(s, "(")) {
        e->kind = EXPR_CALL;
        QVL_TRY(parse_args(s, e));
    } else if (take(s, "[")) {
        e->kind = EXPR_INDEX;
        e->n = 1;
        QVL_TRY(parse_or(s, &e->arg[0]));
        if (!take(s, "]"))
            return fail_here(s, "expected ]");
    }
    *out = e;
    return QVL_OK;
}

/* Digits, a fraction, an exponent; the end of what is a number, p where nothing
 * is. */
static const char *number_end(const char *p)
{
    static const char digits[] = "0123456789";
    const char *end = p + strspn(p, digits);
    if (*end == '.')
        end += 1 + strspn(end + 1, digits);
    if (*end == 'e' || *end == 'E') {
        const char *power = end + 1;
        power += *power == '+' || *power == '-';
        if (strspn(power, digits) > 0)
            end = power + strspn(power, digits);
    }
    return end;
}

/* Kernels compute in f32, so a number is one that f32 holds. */
static int parse_number(parser *s, expr **out)
{
    const char *end = number_end(s->p);
    expr *e = node_new(s, EXPR_NUMBER, s->p, 0);
    if (is_word(*end) || *end == '.')
        return fail_here(s, "expected a number like 12, 0.5 or 1e-6");
    errno = 0;
    e->number = strtod(s->p, NULL);
    if (errno == ERANGE || e->number > FLT_MAX ||
        (e->number > 0.0 && e->number < FLT_MIN))
        return fail_here(s, "expected a number that f32 holds: 0, or from "
                            "1.2e-38 to 3.4e38");
    e->is_int = strcspn(s->p, ".eE") >= (size_t)(end - s->p);
    s->p = end;
    *out = e;
    return QVL_OK;
}

static int parse_primary(parser *s, expr **out)
{
    skip_space(s);
    if (take(s, "(")) {
        QVL_TRY(parse_or(s, out));
        return take(s, ")") ? QVL_OK : fail_here(s, "expected )");
    }
    if (isdigit((unsigned char)*s->p))
        return parse_number(s, out);
    if (isalpha((unsigned char)*s->p) || *s->p == '_')
        return parse_name(s, out);
    if (*s->p == '\0')
        return fail_here(s, "the expression ends too early");
    return fail_here(s, "expected a name, a number or (");
}

static int parse_unary(parser *s, expr **out)
{
    skip_space(s);
    const char *start = s->p;
    if (++s->depth > MAX_DEPTH)
        return fail_here(s, "nested too deeply");
    if (++s->n_operands > MAX_OPERANDS)
        return expr_fail(s->text, col_of(s, s->p), s->err,
                         "an expression of more than %d operands",
                         MAX_OPERANDS);
    if (take(s, "-")) {
        expr *e = node_new(s, EXPR_UNARY, start, 1);
        e->op = '-';
        QVL_TRY(parse_unary(s, &e->arg[0]));
        *out = e;
        s->depth--;
        return QVL_OK;
    }
    QVL_TRY(parse_primary(s, out));
    skip_space(s);
    start = s->p;
    if (take(s, "^")) {
        expr *e = node_new(s, EXPR_BINARY, start, 2);
        e->op = '^';
        e->arg[0] = *out;
        QVL_TRY(parse_unary(s, &e->arg[1]));
        *out = e;
    }
    s->depth--;
    return QVL_OK;
}

/* Binary operators by level, loosest first; longer spellings first. */
typedef struct {
    const char *word;
    char op;
} operator_word;

static const operator_word levels[][7] = {
    {{"or", '|'}},
    {{"and", '&'}},
    {{"==", '='}, {"!=", '#'}, {"<=", 'l'}, {">=", 'g'}, {"<", '<'},
     {">", '>'}, {"in", 'i'}},
    {{"+", '+'}, {"-", '-'}},
    {{"*", '*'}, {"/", '/'}, {"%", '%'}},
};
#define N_LEVELS (int)(sizeof levels / sizeof levels[0])
#define COMPARISONS 2

static char take_operator(parser *s, int level)
{
    for (int i = 0; i < 7 && levels[level][i].word; i++)
        if (take(s, levels[level][i].word))
            return levels[level][i].op;
    return 0;
}

static int parse_level(parser *s, int level, expr **out);

static int parse_not(parser *s, const char *start, expr **out)
{
    if (++s->depth > MAX_DEPTH)
        return fail_here(s, "nested too deeply");
    expr *e = node_new(s, EXPR_UNARY, start, 1);
    e->op = '!';
    QVL_TRY(parse_level(s, COMPARISONS, &e->arg[0]));
    *out = e;
    s->depth--;
    return QVL_OK;
}

static int parse_level(parser *s, int level, expr **out)
{
    if (level == N_LEVELS)
        return parse_unary(s, out);
    skip_space(s);
    const char *first = s->p;
    if (level == COMPARISONS && take(s, "not"))
        return parse_not(s, first, out);
    QVL_TRY(parse_level(s, level + 1, out));
    for (int n = 0;; n++) {
        skip_space(s);
        const char *start = s->p;
        char op = take_operator(s, level);
        if (!op)
            return QVL_OK;
        if (level == COMPARISONS && n > 0)
            return expr_fail(s->text, col_of(s, start), s->err,
                             "a second comparison, expected `and` between two");
        expr *e = node_new(s, EXPR_BINARY, start, 2);
        e->op = op;
        e->arg[0] = *out;
        QVL_TRY(parse_level(s, level + 1, &e->arg[1]));
        *out = e;
    }
}

static int parse_or(parser *s, expr **out)
{
    return parse_level(s, 0, out);
}

int expr_parse(expr **out, const expr_text *text, qvl_arena *arena,
               qvl_err *err)
{
    expr_text *kept = qvl_arena_array(arena, expr_text, 1);
    *kept = *text;
    parser s = {.text = kept, .p = kept->text, .arena = arena, .err = err};
    expr *e;
    QVL_TRY(parse_or(&s, &e));
    skip_space(&s);
    if (*s.p != '\0')
        return fail_here(&s, "unexpected text behind the expression");
    *out = e;
    return QVL_OK;
}
