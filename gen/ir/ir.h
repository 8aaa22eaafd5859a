/* ir.h - the program between the spec and the emitted code
 *
 * A module is a block of nodes over values with symbolic shapes. A node is an
 * op, a region (a repeat over layers, an if, a chunk over rows), or a move
 * between a value and an element of an array of values (`ds[k]`). Every value is
 * defined once. What a loop carries is listed in the region: it enters, leaves,
 * and changes there, as block arguments do elsewhere.
 *
 *   op      one kernel of shaders/: its signature is the op's shape rule. An
 *           elementwise op is the kernel `map` with an expression, and any op
 *           whose output allows it may carry an expression too (fuse).
 *   view    a value without an op: other dims over the same memory, or a column
 *           slice with an offset and a row stride of its own, or a range of rows.
 *   grad    a parameter's gradient is a value of its own kind; ops add to it.
 *
 * Invariants, held by ir_check after every pass: definitions come before uses
 * and in scope (a region's values are seen in it, and in the region that walks
 * the same turns backwards), shapes fit the kernel, classes fit its storage
 * types, a slice is bound only where the kernel takes a row stride, each region's
 * carries agree.
 *
 * What is made here belongs to the module's arena. Pointers to values and nodes
 * stay, those into a table of the module do not when it grows; names are kept and
 * not copied. What fails does so with QVL_E_CONFIG unless it says more, and may
 * leave values behind that nobody reads.
 */
#ifndef GEN_IR_IR_H
#define GEN_IR_IR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "graph/arch.h"
#include "ir/poly.h"
#include "kern/kern.h"

#define IR_MAX_RANK 5
#define IR_MAX_DIMS 64
#define IR_MAX_LISTS 4
#define IR_MAX_CARRY 16

typedef enum { IR_DIM_INT, IR_DIM_FLOAT, IR_DIM_BOOL, IR_DIM_LIST } ir_dim_type;
typedef enum {
    IR_DIM_CONFIG,
    IR_DIM_DERIVED,
    IR_DIM_BATCH,
    IR_DIM_LOCAL,  // of a chunk: rows in it, first row
} ir_dim_source;

/* An integer expression of the spec, kept as a tree for conditions, list
 * lengths and derived dims. */
typedef struct ir_int {
    enum {
        IR_INT_NUMBER,
        IR_INT_DIM,    // dim
        IR_INT_VAR,    // loop variable, name
        IR_INT_COUNT,  // length of list dim
        IR_INT_BINARY, // op: + - * / % < > l (<=) g (>=) = (==) # (!=)
                       // & (and) | (or)
        IR_INT_NOT,    // a
        IR_INT_IN,     // a in list dim
    } kind;
    char op;
    int64_t number;
    int dim;
    const char *name;
    const struct ir_int *a, *b;
} ir_int;

typedef struct {
    const char *name;
    ir_dim_type type;
    ir_dim_source source;
    const char *key;        // CONFIG: dotted path
    const ir_int *value;    // DERIVED; a list: the condition of an entry
    const char *var;        // DERIVED LIST: holds the values of var below
    const ir_int *count;    // count for which `value` is true, rising
    int list;               // LIST: which
    bool replaced;          // its symbol never appears: see `is`
    poly is;                // what stands for it in shapes
} ir_dim;

/* Sizes of the dims, slowest first. */
typedef struct {
    int rank;
    poly d[IR_MAX_RANK];
} ir_shape;

/* The classes of the programs that are made. */
typedef enum {
    IR_ACT = QVL_CLS_ACT,
    IR_RES = QVL_CLS_RES,
    IR_WEIGHT = QVL_CLS_WEIGHT,
    IR_F32 = QVL_CLS_F32,
    IR_I32 = QVL_CLS_I32,
    IR_N_CLASS = QVL_N_CLS
} ir_class;

typedef struct {
    const char *text;      // in dumps
    char letter;           // in names of families
    const char *constant;  // in C
} ir_class_words;
extern const ir_class_words ir_classes[IR_N_CLASS];

/* Kinds of inputs, by qvl_input_kind. */
typedef struct {
    ir_class cls;
    const char *text;      // in messages and, if a spec can ask for it, there
    const char *dims;      // behind the word, "" for any; NULL: no spec asks for it
    const char *constant;  // in C
} ir_kind_words;
extern const ir_kind_words ir_kinds[];  // [QVL_N_INPUT]
/* The kind that a spec calls by the n characters at p, -1: none. */
int ir_kind_find(const char *p, size_t n);

typedef struct {
    const char *name;
    int kind;       // enum qvl_input_kind
    int of;         // index or cache that it is a part of, -1: none
    ir_class cls;
    ir_shape shape;
    poly table;     // of an index and its parts: rows it points into; of a cache
                    // and its blocks: slots; else 0
    int value;      // id of its value, -1: not used yet
} ir_input;

/* Parameters with one name template: one, or one for each value of a loop
 * variable below `count`, or for each value in a list of `count` values. */
typedef struct {
    const char *name;      // "model.visual.blocks.{b}.norm1.weight"
    const char *var;       // "b", NULL: single
    const ir_int *count;   // NULL: single
    int list;              // dim of the list, -1: none
    const char *group;
    ir_shape shape;
    int same_as;           // family that it is tied to, -1: none
    const ir_int *tied_if; // condition of same_as
    bool transposable;
} ir_param;

/* Memory that lives from run to run: one, or one for each value of a loop
 * variable. */
typedef struct {
    const char *name;
    const char *var;   // NULL: single
    ir_shape shape;
} ir_state;

/* What a module is built for. */
typedef enum {
    IR_INFER,   // whole sequences; keys and values are kept as well
    IR_DECODE,  // more tokens of sequences whose keys and values are kept
    IR_TRAIN,   // whole sequences, and every gradient
    IR_N_PHASE
} ir_phase;

typedef struct ir_node ir_node;
typedef struct ir_region ir_region;

typedef enum {
    IR_V_INPUT,
    IR_V_PARAM,
    IR_V_GRAD,    // sum for a parameter
    IR_V_STATE,   // lives from run to run
    IR_V_OP,      // output of an op
    IR_V_ENTRY,   // of a carry, inside its region
    IR_V_RESULT,  // of a carry, behind its region
    IR_V_LOAD,    // element of an array
    IR_V_VIEW,    // see base
    IR_V_SPACE,   // memory that views of it are written to
} ir_value_kind;

typedef struct ir_value {
    int id;
    ir_value_kind kind;
    const char *name;      // for people; not unique
    ir_class cls;
    ir_shape shape;
    int index;             // input, parameter family or state, else -1
    const char *layer;     // PARAM, GRAD, STATE: loop variable of the instance
    ir_region *home;       // region that defines it, NULL: the module's block
    ir_node *def;          // op or load that makes it; VIEW: that writes it or makes
                           // its base; NULL: none does (inputs, carries, spaces)
    struct ir_value *base; // VIEW: whose memory it shows; no view itself
    poly off, ld;          // VIEW: first element in base, elements from row to row
    bool slice;            // VIEW: ld differs from the row's size
    struct ir_value *rows_of;  // VIEW of a chunk: value whose rows it shows
    /* from the size pass, of what is no view */
    bool escapes;          // used outside the region that defines it
    int n_uses;
} ir_value;

/* A real number known when the model opens: a number, a dim, or a power. */
typedef struct {
    enum { IR_REAL_NUMBER, IR_REAL_FLOAT_DIM, IR_REAL_POW } kind;
    double number;   // NUMBER; exponent of POW
    int dim;         // FLOAT_DIM; base of POW
    double times;    // factor in front
} ir_real;

/* An elementwise expression over the op's extra inputs and, in a fused op, the
 * value v that the kernel would have stored. */
typedef struct ir_expr {
    enum {
        IR_EX_NUMBER,
        IR_EX_VALUE,   // v of a fused op
        IR_EX_ARG,     // extra input `arg`
        IR_EX_ADD,
        IR_EX_SUB,
        IR_EX_MUL,
        IR_EX_NEG,
        IR_EX_CALL,    // function `fn` of a
    } kind;
    double number;
    int arg;
    int fn;            // index into ir_fns
    const struct ir_expr *a, *b;
} ir_expr;

typedef struct {
    const kern *k;
    ir_value *in[KERN_MAX_OPERANDS];   // `in` operands in order; NULL: absent
    int n_in;
    ir_value *out[KERN_MAX_OPERANDS];  // out, io, acc operands in order
    int n_out;
    ir_value *extra[KERN_MAX_EXTRA];  // of the expression
    kern_extra_kind extra_kind[KERN_MAX_EXTRA];
    int n_extra;
    const ir_expr *expr;        // on out[0]; NULL: none
    ir_real scalar[KERN_MAX_SCALARS];  // [k->n_scalars] for u32 a whole NUMBER
} ir_op;

/* What a region carries: values of one shape and class. */
typedef struct {
    ir_value *init;    // before the region
    ir_value *entry;   // where a turn begins; IF: the same as init
    ir_value *next;    // where a turn ends
    ir_value *result;  // behind the region
} ir_carry;

/* An array of values, filled in one place, read in others. */
typedef struct {
    const char *name;
    const ir_int *count;
    ir_class cls;
    ir_shape shape;
    int grad;      // array of its gradients, -1: none
    bool is_grad;  // elements never stored read as zeros
} ir_array;

typedef struct {
    ir_node *first, *last;
    ir_region *owner;  // NULL: the module
} ir_block;

struct ir_region {
    enum { IR_REPEAT, IR_IF, IR_CHUNK } kind;
    ir_region *outer;
    int id;             // REPEAT: number of the repeat in the spec
    bool reverse;       // REPEAT: from the last layer to the first
    const char *label;  // REPEAT: prefix of its parameters, "layers.{l}."
    const char *var;    // REPEAT: loop variable; IF: position in the list or NULL
    const ir_int *count;  // REPEAT
    const ir_int *cond;   // IF
    int dim, by;        // CHUNK: rows in all, most rows of a chunk (dims)
    int rows, first;    // CHUNK: local dims
    ir_carry carry[IR_MAX_CARRY];
    int n_carry;
    ir_block body;
};

struct ir_node {
    enum { IR_N_OP, IR_N_REGION, IR_N_LOAD, IR_N_STORE } kind;
    ir_node *prev, *next;
    ir_block *block;
    int line;           // of the spec
    bool backward;
    ir_op op;           // OP; LOAD from gradients: makes an unset element
    ir_region *region;
    int array;          // LOAD, STORE
    const ir_int *at;   // element
    ir_value *value;    // LOAD: that it makes; STORE: that is stored
};

typedef struct {
    const char *name;      // "taps.{k}" for an array
    ir_value *value;
    int array;             // -1: one value
    const char *var;
} ir_output;

typedef struct {
    const ir_int *cond;
    const char *text;   // as in the spec
    int line;
} ir_condition;

typedef struct ir_module {
    qvl_arena *arena;         // borrowed, with the kernels, as long as the module
    const kern_set *kernels;
    ir_phase phase;
    bool is_sized;  // uses and escapes of the values hold
    const char *file;            // of the spec, as given
    const char *name;
    const char *model_type[4];
    int n_model_types;
    ir_dim dim[IR_MAX_DIMS];
    const char *dim_name[IR_MAX_DIMS];  // the same names, for poly_print
    int n_dims, n_lists;
    ir_condition *condition;
    int n_conditions;
    ir_input *input;
    int n_inputs;
    ir_param *param;
    int n_params;
    ir_state *state;
    int n_states, cap_states;
    ir_array *array;
    int n_arrays, cap_arrays;
    ir_output *output;
    int n_outputs;
    ir_block body;
    ir_value **value;            // by id
    int n_values, cap_values;
    int n_repeats;
} ir_module;

/* Functions y = f(a) of elementwise expressions. The derivative is another
 * function of a, or an expression of y; a function with neither has none. */
typedef struct {
    const char *name;      // in the spec
    const char *dialect;   // in the kernels
    const char *d_name;    // function that is the derivative, NULL
    const struct ir_expr *(*d_of)(struct ir_module *m,
                                  const struct ir_expr *y);  // or NULL
} ir_fn;
extern const ir_fn ir_fns[];  // [ir_n_fns]
extern const int ir_n_fns;
/* Position of the function that a spec calls so, -1: none. */
int ir_fn_find(const char *name);

/* Where nodes are appended, and the marks that they get. */
typedef struct {
    ir_module *m;
    ir_block *block;
    int line;
    bool backward;
} ir_builder;

/* A table of n items of `bytes` with room for one more: `old` itself, or a copy of
 * twice the length (64 at first), since arrays in an arena do not grow. *cap is the
 * items that fit, 0 where there is no table yet. */
void *ir_grow(qvl_arena *arena, void *old, int n, int *cap, size_t bytes);

/* A value that no node makes yet; `name` may be NULL. Its index is -1, and what its
 * kind has beside it (layer, def, base, ...) is set by the caller. */
ir_value *ir_value_new(ir_module *m, ir_value_kind kind, const char *name,
                       ir_class cls, const ir_shape *shape, ir_region *home);
/* The value of an input, made at first use. */
ir_value *ir_input_value(ir_module *m, int input);
/* The value of what belongs to an input, which has it: of an index its
 * QVL_INPUT_WEIGHT, _START or _ENTRY, of a cache its _BLOCK. */
ir_value *ir_input_part(ir_module *m, int input, int kind);
/* The value of a family of parameters, or of its gradient, at the turn of the loop
 * variable `layer` (NULL: a single one), made at first use. A parameter is of class
 * F32 if its rank is 1, else WEIGHT, a gradient F32. Costs a search of all values. */
ir_value *ir_param_value(ir_module *m, int family, const char *layer);
ir_value *ir_grad_value(ir_module *m, int family, const char *layer);
/* The value of a new state, of class ACT: one for each value of the loop variable
 * `var`, NULL: one. */
ir_value *ir_state_add(ir_module *m, const char *name, const char *var,
                       const ir_shape *shape);
/* Append an array; its position. Pointers into m->array are stale then. */
int ir_array_add(ir_module *m, ir_array array);
/* Position by name, of a family of parameters by its template, -1: none. */
int ir_array_find(const ir_module *m, const char *name);
int ir_input_find(const ir_module *m, const char *name);
int ir_param_find(const ir_module *m, const char *name);

/* A node (kind: IR_N_OP ...) that stands in no block; its array is -1. */
ir_node *ir_node_new(ir_module *m, int kind, int line);
/* Put a node that stands in no block at the end of one; take it out of its block. */
void ir_append(ir_block *block, ir_node *node);
void ir_remove(ir_node *node);

/* What an op reads, in the order of its kernel's signature. */
typedef struct {
    ir_value *const *in;    // [n_in] NULL: an optional operand that is absent
    int n_in;
    const ir_real *scalar;  // [n_scalars] without those that are the first index
    int n_scalars;          // of a part
} ir_args;

/* Append the op of a kernel. `out` [outputs of the kernel] may hold values to write
 * into (gradients, views); where it, or one in it, is NULL, a new one is made: of a
 * shape that follows from the inputs by the kernel's signature (dims that none of
 * them tells need an `out`), of class F32 or I32 where the signature says so, else
 * `cls`; the first is called `name`, the others NAME_OPERAND. NULL when shapes do
 * not fit, with the dims in the message, and with QVL_E_INTERNAL when shaders/ has
 * no such kernel, one of another number of inputs or scalars, or one with a dim
 * that only an absent operand has. */
ir_node *ir_op_add(ir_builder *b, const char *kernel, const ir_args *args,
                   ir_value *const *out, ir_class cls, const char *name,
                   qvl_err *err);
/* Append a map: an expression over its arguments, 1 to KERN_MAX_EXTRA. Its shape is
 * that of the argument of the highest rank, the first of them; the others follow it
 * element by element, as a bias by column or as a factor a row. The result is a new
 * value of class `cls` called `name`, or `into`, which has the shape (cls and name are
 * not looked at). NULL, with QVL_E_CONFIG, when shapes do not go together. The kernel
 * map is there, as pass_lower has asked. */
ir_value *ir_map_add(ir_builder *b, const ir_expr *expr, ir_value *const *arg,
                     int n_arg, ir_class cls, ir_value *into, const char *name,
                     qvl_err *err);

/* Append a map that stores 0 everywhere; its value. */
ir_value *ir_zero_add(ir_builder *b, const ir_shape *shape, ir_class cls,
                      const char *name);

/* Fails unless every product of neighbouring dims is within the limits of a
 * size. A shape that comes from a spec is checked before a value has it. */
int ir_shape_check(const ir_module *m, const ir_shape *s, qvl_err *err);

/* Views of v of its class, called `name` (NULL: as v); NULL, with the error, when a
 * size does not fit. That columns and rows lie inside of v is not checked. */

/* All elements in another shape, of a slice one with its rows. */
ir_value *ir_reshape(ir_module *m, ir_value *v, const ir_shape *shape,
                     const char *name, qvl_err *err);
/* Columns [first, first + n) of dim 1, of a rank-2 or rank-3 value (asserted). */
ir_value *ir_columns(ir_module *m, ir_value *v, const poly *first,
                     const poly *n, const char *name, qvl_err *err);
/* Rows [first, first + n) of dim 0. */
ir_value *ir_rows(ir_module *m, ir_value *v, const poly *first, const poly *n,
                  const char *name, qvl_err *err);
/* The value whose memory a view shows; any other one itself. */
ir_value *ir_root(ir_value *v);
/* Number of elements; elements of a row (all dims but the first). The shape is
 * one that ir_shape_check accepts. */
poly ir_elems(const ir_shape *s);
poly ir_row_elems(const ir_shape *s);
bool ir_shape_equal(const ir_shape *a, const ir_shape *b);

/* Expressions: they share their parts and never change. What is known of numbers is
 * folded: x * 1, x + 0 and x * 0 are not built. */
const ir_expr *ir_ex_number(ir_module *m, double v);
/* Extra input `arg`; what a fused op would have stored. */
const ir_expr *ir_ex_arg(ir_module *m, int arg);
const ir_expr *ir_ex_value(ir_module *m);
/* kind: IR_EX_ADD, IR_EX_SUB or IR_EX_MUL */
const ir_expr *ir_ex_binary(ir_module *m, int kind, const ir_expr *a,
                            const ir_expr *b);
/* Function ir_fns[fn] of a. */
const ir_expr *ir_ex_call(ir_module *m, int fn, const ir_expr *a);
const ir_expr *ir_ex_neg(ir_module *m, const ir_expr *a);
/* The derivative of function `fn` at a; NULL: it has none. */
const ir_expr *ir_ex_derive(ir_module *m, int fn, const ir_expr *a);

/* The op's dims by the kernel's symbols: out[k->n_syms], some of them on failure.
 * The message names operand, found and expected shape; QVL_E_INTERNAL when no
 * operand that is there has a dim. */
int ir_bind(const ir_module *m, const ir_op *op, poly *out, qvl_err *err);
/* Value of operand i of op's kernel: in, out in signature order; NULL: absent. */
ir_value *ir_operand(const ir_op *op, int operand);
/* The operand of op's kernel that output v is, NULL: none of its outputs. */
const kern_operand *ir_operand_of(const ir_op *op, const ir_value *v);
/* Is anything seen of v, which is no view, in another shape or in part? Costs a
 * search of all values. */
bool ir_has_views(const ir_module *m, const ir_value *v);
/* What op reads, and what it writes, as the operand that its kernel calls so; the
 * kernel has one of the name. An optional one that is absent is NULL. */
ir_value *ir_in(const ir_op *op, const char *name);
ir_value *ir_out(const ir_op *op, const char *name);
/* Position of output `name`, which k has, in ir_op.out. */
int ir_out_place(const kern *k, const char *name);
/* Dims of `v` as kernel operand `o` sees them (leading dims merged or a middle
 * 1 put in): rank o->rank; by_rows is what ir_by_rows says of the op. False (out
 * unchanged) when that is impossible. */
bool ir_operand_shape(const kern_operand *o, const ir_value *v, bool by_rows,
                      ir_shape *out);

/* Does a slice among the op's values fix that a row is the first dim, so that
 * kernels see values of higher rank as [first dim, the rest]? */
bool ir_by_rows(const ir_op *op);
/* Rows and columns of the op's first output, whose shape fits, as its kernel stores
 * it: what the arguments of an expression must follow. */
void ir_store_shape(const ir_op *op, poly *rows, poly *cols);
/* How a value follows a stored [rows, cols]; false when it does not. */
bool ir_extra_fits(const ir_value *v, kern_extra_kind kind, const poly *rows,
                   const poly *cols);
/* Do shapes fit op's kernel, and the arguments of its expression what it stores? */
bool ir_op_fits(const ir_module *m, const ir_op *op);
/* Is region r `outer` or inside of it? NULL outer is the module. */
bool ir_inside(const ir_region *r, const ir_region *outer);
/* Count the uses of every value (by root), into n_uses. */
void ir_count_uses(ir_module *m);
/* Does a node read v, which is no view, or a view of it? Costs a walk. */
bool ir_is_used(ir_module *m, const ir_value *v);

/* Call fn for every node, regions before their bodies. fn takes none out. */
void ir_walk(ir_block *block, void (*fn)(ir_node *node, void *arg), void *arg);

/* Append the program and its outputs as text, for --dump and for tests. */
void ir_print(qvl_str *out, const ir_module *m);
/* Append "[T, nh * D]". */
void ir_print_shape(qvl_str *out, const ir_module *m, const ir_shape *s);
/* A size as C and people read it: where a derived dim stands for several dims and
 * those appear together, by its name. A sum in parentheses when `inner`. */
void ir_print_poly(qvl_str *out, const ir_module *m, const poly *p, bool inner);
/* For people; in C it is text_int (emit/model_text.h). */
void ir_print_int(qvl_str *out, const ir_module *m, const ir_int *e);
/* The operator of an IR_INT_BINARY (asserted) in C: "<=", "&&", "+". */
const char *ir_operator_word(char op);
/* In the dialect of the kernels, arguments called arg[i], NULL: e0, e1, ... */
void ir_print_expr(qvl_str *out, const ir_expr *e, const char *const *arg);
/* The invariants; `after` names the pass in the message. Fails with QVL_E_INTERNAL,
 * the line and the value; where shapes do not fit a kernel, as ir_bind does. */
int ir_check(const ir_module *m, const char *after, qvl_err *err);

#endif
