/* expr.h - expressions of a layer spec as trees
 *
 * One grammar serves sizes, conditions and statements:
 *
 *     or, and, not, == != < <= > >= in (one of them), + -, * / %, unary -, ^
 *     NUMBER   NAME   NAME(a, b)   NAME[a]   (a)
 *
 * A name may have dots and loop variables in it (`blocks.{b}.norm1`). Every
 * node knows where it stands; mistakes are shown with their line and a caret.
 */
#ifndef GEN_FRONT_EXPR_H
#define GEN_FRONT_EXPR_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

/* A text of the spec and where its first character stands. */
typedef struct {
    const char *file;
    const char *source;  // the whole spec, for showing a line
    const char *text;
    int line, col;       // 1-based
} expr_text;

typedef enum { EXPR_NUMBER, EXPR_NAME, EXPR_CALL, EXPR_INDEX, EXPR_BINARY, EXPR_UNARY } expr_kind;

typedef struct expr {
    expr_kind kind;
    char op;               // BINARY, UNARY: as in ir_int, '^' is power,
                           // 'l' is <=, 'g' is >=, 'i' is in, '!' is not
    double number;         // NUMBER: one that f32 holds
    bool is_int;           // NUMBER: without a fraction and an exponent
    const char *name;      // NAME, CALL, INDEX
    struct expr **arg;     // [n] CALL: arguments; INDEX: 1; BINARY: 2; UNARY: 1
    int n;
    int col;               // column in the spec, 1-based; BINARY: of the operator
    const expr_text *at;
} expr;

/* Parse all of `text`. The tree belongs to the arena, with a copy of the struct
 * `text`; what that points to is borrowed as long. Fails as expr_fail does, for
 * mistakes and for what nests too deeply or is too long (expr.c); *out is unchanged
 * then. */
int expr_parse(expr **out, const expr_text *text, qvl_arena *arena,
               qvl_err *err);

/* "FILE:LINE:COL: message", the line and a caret; returns QVL_E_CONFIG. `col` is one
 * of the spec, as in expr. */
int expr_fail(const expr_text *text, int col, qvl_err *err, const char *fmt,
              ...) QVL_PRINTF(4, 5);

/* Give a message that err, which is not NULL, has already its place in the spec;
 * returns QVL_E_CONFIG, whatever the code was. */
int expr_place(const expr_text *text, int col, qvl_err *err);

#endif
