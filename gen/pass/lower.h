/* lower.h - what the parts of the lower pass share
 *
 *   lower.c   statements: names, loops, conditions, chunks
 *   value.c   an expression: names, parameters, operators
 *   call.c    the functions that an expression may call
 *   class.c   values in another storage class
 *   rows.c    whose rows a value has
 */
#ifndef GEN_PASS_LOWER_H
#define GEN_PASS_LOWER_H

#include "pass/pass.h"

#define LOWER_MAX_PREFIXES 16

/* Names in sight, innermost first; a name set again hides the older one. */
typedef struct lower_name {
    const char *name;
    ir_value *value;   // NULL: none, a block above set it for itself alone
    bool carried;      // by a loop: the residual stream
    struct lower_name *next;
} lower_name;

typedef struct lower_var {
    const char *name;     // loop variable
    const ir_int *count;  // values it takes
    struct lower_var *next;
} lower_var;

typedef struct {
    ir_module *m;
    ir_builder b;
    lower_name *names;
    lower_var *vars;
    const char *prefix[LOWER_MAX_PREFIXES];  // parts of parameter names,
                                             // outermost first
    int n_prefixes;
    ir_region *chunk;        // NULL outside of one
    int n_spec_dims;         // the first dims of m; those of chunks follow
    qvl_err *err;
} lower;

/* Every function here that fails does so with QVL_E_CONFIG, and may leave ops behind;
 * *out is of no use then. Those that take an expression put its place in the spec
 * before the message, except that of lower_in_chunk. */

/* Append the ops of an expression. *out is its value: a new one called `name` (NULL:
 * after what made it; an element after its array), or what a name stands for, seen
 * as lower_in_chunk does. */
int lower_value(lower *s, const expr *e, const char *name, ir_value **out);

/* The same of a call; of f32(x) it is what lower_as_class makes of x. */
int lower_call(lower *s, const expr *e, const char *name, ir_value **out);

/* Append the ops of split(x, n, ...): out[n], called names[n], are columns of x, side
 * by side. */
int lower_split(lower *s, const expr *e, const char *const *names, int n,
                ir_value **out);

/* *out is the parameter of a layer, called e and the suffix, or NULL when it is not
 * there and need not be. */
int lower_param(lower *s, const expr *e, const char *suffix, bool required,
                ir_value **out);

/* "FILE:LINE:COL: what" at e; the message that s->err has, put there. Both return
 * QVL_E_CONFIG. */
int lower_fail(lower *s, const expr *e, const char *what);
int lower_place(lower *s, const expr *e);

/* Which rows a value has. Rows of uses, a use being a token with one of its
 * experts, are sorted by expert; all others stand as tokens do. */
typedef struct {
    const ir_op *sort;  // that made the order of the uses, NULL: none did
    bool is_mixed;      // made of rows in different orders, or none that is known
} lower_rows;

/* By what v was made of, whatever its shape. What a loop carries counts as what
 * entered it. Costs a walk over all that v depends on, and one over the whole
 * module for each carry and element in it. */
lower_rows lower_rows_of(ir_module *m, ir_value *v);

/* *out is v in storage class cls: v itself, its class and that of its views changed,
 * where it is ACT, its op can store so and no region or array holds it, else a copy.
 * Another class costs a walk over the module. */
int lower_as_class(lower *s, ir_value *v, ir_class cls, ir_value **out);

/* The same, and whole: a slice is copied, as regions carry whole values. */
int lower_as_whole(lower *s, ir_value *v, ir_class cls, ir_value **out);

/* The first n prefixes, of n_prefixes at most, in one; from the arena. */
const char *lower_prefix(const lower *s, int n);

/* The innermost entry of a name, NULL: it was never set. Its value is NULL where a
 * block above has set it for itself alone, so look at both. Inputs and parameters
 * are no names. */
lower_name *lower_find(const lower *s, const char *name);

/* Loop variables as a NULL-terminated list for spec_int; from the arena. */
const char *const *lower_vars(lower *s);

/* In a chunk over N rows, *out is the rows of the turn when v was made outside, is
 * no parameter and has N rows (a view, one for each value); in all other cases it
 * is v itself. */
int lower_in_chunk(lower *s, ir_value *v, ir_value **out);

#endif
