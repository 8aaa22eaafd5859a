/* dims.h - numbers of a module: dims, sizes, and the list of its parameters
 *
 * The same facts that generated code computes for itself (derive, params), found
 * again from the module's trees, so that one can be checked by the other. Dims
 * stand at the positions of ir_module.dim, as in a qvl_dims of the generated
 * architecture.
 */
#ifndef REF_DIMS_H
#define REF_DIMS_H

#include "graph/arch.h"
#include "ir/ir.h"

/* Loop variables in sight, outermost first. */
#define REF_MAX_VARS 8
typedef struct {
    const char *name[REF_MAX_VARS];
    int64_t value[REF_MAX_VARS];
    int n;
} ref_vars;

/* Fill derived dims and check the spec's conditions; config and batch dims are
 * set. Fails with QVL_E_MODEL. */
int ref_dims_derive(qvl_dims *d, const ir_module *m, qvl_err *err);

/* Value of an expression of the spec; vars may be NULL where none is used. */
int64_t ref_int(const ir_module *m, const qvl_dims *d, const ref_vars *vars,
                const ir_int *e);
int64_t ref_var(const ref_vars *vars, const char *name);
/* Place of v in a list, -1 when it is not there. */
int ref_place(const qvl_dims *d, int list, int64_t v);
double ref_real(const qvl_dims *d, const ir_real *r);
/* A size with value[sym] for each symbol. */
int64_t ref_poly(const poly *a, const int64_t *value);
size_t ref_elems(const qvl_dims *d, const ir_shape *s);

/* "a.{b}.c" with a number for the variable; a name without one as it is. */
const char *ref_layer_name(const char *name, int layer, qvl_arena *arena);

/* One tensor of a checkpoint. */
typedef struct {
    const char *name;  // "layers.1.norm.weight"
    int family;        // in ir_module.param
    int layer;
    size_t n;          // elements
    size_t fan_in;     // elements that one output of it sums over
    int same_as;       // tied: instance that it shares everything with, or -1
} ref_param;

typedef struct {
    ref_param *item;
    int n;
    int *first;        // [m->n_params] first instance of a family
} ref_params;

/* Every parameter in the spec's order; all belongs to the arena. */
void ref_params_list(ref_params *out, const ir_module *m, const qvl_dims *d,
                     qvl_arena *arena);

/* What lives from run to run, by index as a program has it: state s of turn l is
 * at s + n_states l. */
typedef struct {
    const char **name; // [n]
    size_t *n_elems;   // [n] 0: no such state
    int n;
} ref_states;

/* Every state of a module; none in training. All belongs to the arena. */
void ref_states_list(ref_states *out, const ir_module *m, const qvl_dims *d,
                     qvl_arena *arena);

#endif
