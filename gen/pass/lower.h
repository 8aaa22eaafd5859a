/* lower.h - what the two halves of the lower pass share
 *
 * lower.c walks statements: names, loops, conditions, chunks. call.c turns one
 * expression into ops: the functions of a spec.
 */
#ifndef GEN_PASS_LOWER_H
#define GEN_PASS_LOWER_H

#include "pass/pass.h"

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
    const char *prefix[16];  // parts of parameter names, outermost first
    int n_prefixes;
    ir_region *chunk;        // NULL outside of one
    qvl_err *err;
} lower;

/* The expression as a value; `name` is what the spec calls it. */
int lower_value(lower *s, const expr *e, const char *name, ir_value **out);
/* split(x, n, ...): several values. */
int lower_split(lower *s, const expr *e, const char *const *names, int n,
                ir_value **out);
/* v in storage class cls: marked where its op can store so, else copied. */
int lower_as_class(lower *s, ir_value *v, ir_class cls, ir_value **out);
/* The same, and whole: a slice is copied, as regions carry whole values. */
int lower_as_whole(lower *s, ir_value *v, ir_class cls, ir_value **out);
/* The first n prefixes in one. */
const char *lower_prefix(const lower *s, int n);
lower_name *lower_find(const lower *s, const char *name);
/* Loop variables as a NULL-terminated list for spec_int; from the arena. */
const char *const *lower_vars(lower *s);
/* In a chunk, rows of an outside value; else v itself. */
int lower_in_chunk(lower *s, ir_value *v, ir_value **out);

#endif
