/* spec.h - a layer spec read into the tables of a module and its statements
 *
 * A spec (configs/arch/NAME.yaml) is the model, written as its equations.
 *
 *   arch, model_type   name of the architecture; accepted in config.json
 *   config      NAME: TYPE KEY          int, float, bool or list at a dotted key
 *   derived     NAME: EXPRESSION        `hd / 2` must divide without a rest
 *               NAME: VAR < COUNT where COND    a list: the values of VAR for which
 *               COND holds
 *   batch       [NAMES]                 sizes that change from batch to batch
 *   check       [CONDITIONS]            held when a model is opened
 *   inputs      NAME: KIND [DIMS] ...   f32, i32; `index [T, K] into N` (rows of
 *               a table of N rows, -1 for none, with weights); `range [T]` (who
 *               attends whom); `angles [T, A]` (cosines and sines); `cache
 *               [T, S, Z]` (where among S slots what is kept of T tokens goes,
 *               and tables of Z entries that tell where the blocks of a
 *               sequence lie)
 *   params      GROUP: NAME: [DIMS]     by checkpoint name; `{l<L}` makes L of
 *               them, `{l in LIST}` one for each value in a list, to be used
 *               where `if l in LIST` says that there is one; {shape:, same_as:,
 *               if:} ties, {transposable: true}
 *   program     statements, below
 *   outputs     NAME: VALUE             by name; NAME.{k} for an array
 *
 * Statements
 *   x = EXPR                 also `a, b = split(...)` and `array[k] = EXPR`
 *   at PREFIX:               parameter names inside start with PREFIX
 *   for l in N at PREFIX:    a repeat; what it changes is carried from turn to
 *                            turn and is the residual stream
 *   if COND [as k] at PREFIX:  `b in taps as k`: k is the place in the list
 *   chunk R by C:            over rows of R, at most C at a time, for the head
 *
 * Expressions are made of + - * and of functions, which `gen --help` lists.
 * attention(q, k, v, range, scale, cache) keeps k and v in the cache when
 * sequences are read, and reads them from there when they are continued. A
 * parameter is named where it is used: linear(x, a.b) takes a.b.weight and, if
 * there is one, a.b.bias, from the innermost prefix outwards.
 */
#ifndef GEN_FRONT_SPEC_H
#define GEN_FRONT_SPEC_H

#include "front/expr.h"
#include "ir/ir.h"

#define SPEC_MAX_TARGETS 8  // names before one =

typedef enum { SPEC_ASSIGN, SPEC_AT, SPEC_FOR, SPEC_IF, SPEC_CHUNK } spec_kind;

typedef struct spec_stmt {
    spec_kind kind;
    expr_text *text;        // the statement, for messages
    const char *target[SPEC_MAX_TARGETS];  // ASSIGN: names
    int n_targets;
    expr *element;          // ASSIGN to array[element]; NULL: to names
    expr *value;            // ASSIGN: right side; FOR: count; IF: condition
    const char *var;        // FOR: loop variable; IF: `as`
    const char *prefix;     // AT, FOR, IF: "" without `at`
    int dim, by;            // CHUNK
    struct spec_stmt *body;
    int n_body;
} spec_stmt;

typedef struct {
    const char *name;
    const char *target;     // value or array
    expr_text *text;
} spec_output;

typedef struct {
    spec_stmt *stmt;
    int n_stmts;
    spec_output *output;
    int n_outputs;
} spec;

/* Read a spec: fills the tables of m (dims, inputs, params, conditions), whose arena
 * is set and whose tables are empty, and returns its statements. All belongs to
 * that arena; `file` and `text` stay alive as long as m. Fails with QVL_E_CONFIG and
 * the place, or as qvl_yaml_parse does; out and m are half filled then. err is not
 * NULL. */
int spec_read(spec *out, ir_module *m, const char *file, const char *text,
              qvl_err *err);

/* An integer expression of the spec, in m's arena; loop variables are allowed when
 * `vars` names them (NULL-terminated; NULL: none). As a size: a polynomial over the
 * dims. Both fail with QVL_E_CONFIG and the place, and leave *out unchanged. */
int spec_int(const ir_int **out, ir_module *m, const expr *e,
             const char *const *vars, qvl_err *err);
int spec_size(poly *out, ir_module *m, const expr *e, qvl_err *err);
/* Position of the dim of this name, -1: none. */
int spec_dim_find(const ir_module *m, const char *name);
/* A dim as shapes see it: its symbol, or what stands for it. */
poly spec_dim_size(const ir_module *m, int dim);

#endif
