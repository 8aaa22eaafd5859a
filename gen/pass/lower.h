/* lower.h - what the two halves of the lower pass share
 *
 * lower.c walks statements: names, loops, conditions, chunks. call.c turns one
 * expression into ops: the functions of a spec.
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
    qvl_err *err;
} lower;

/* Every function here that fails does so with QVL_E_CONFIG, the first two under the
 * place in the spec, and may leave ops behind. */

/* Append the ops of an expression. *out is its value: a new one called `name` (NULL:
 * after what made it), or what a name stands for, seen as lower_in_chunk does. */
int lower_value(lower *s, const expr *e, const char *name, ir_value **out);

/* Append the ops of split(x, n, ...): out[n] are columns of x, side by side. */
int lower_split(lower *s, const expr *e, const char *const *names, int n,
                ir_value **out);

/* *out is v in storage class cls: v itself, marked, where its op can store so and
 * no region or array holds it, else a copy. */
int lower_as_class(lower *s, ir_value *v, ir_class cls, ir_value **out);

/* The same, and whole: a slice is copied, as regions carry whole values. */
int lower_as_whole(lower *s, ir_value *v, ir_class cls, ir_value **out);

/* The first n prefixes in one; from the arena. */
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
