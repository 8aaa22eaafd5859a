/* program.h - what generated code appends to: values and steps
 *
 * A program is a flat list of steps over values, built for one set of sizes
 * (tokens, patches, ... are known numbers). Generated code appends everything
 * the model can do in one phase, every gradient included; the plan (plan.h)
 * keeps what the roots need, places values in memory, and exec.h runs the rest.
 *
 *   value   a tensor: an input of the batch, a parameter, the gradient of a
 *           parameter, a persistent state, or a temporary. Written once, except
 *           that several steps may each write a part of it (a column slice, a
 *           range of rows), and that a gradient of a parameter is a sum: the
 *           first step of a run that writes it overwrites, later ones add.
 *   step    one kernel call: values bound in the kernel's buffer order, and the
 *           32-bit arguments, all known when the step is appended.
 *   mark    the layer a step belongs to, for recomputation and for reports.
 *
 * Values have a class, not a type: the run decides what a class is stored as.
 * Nothing here touches a device or fails for outside reasons; mistakes of the
 * caller are asserted. Sizes were checked when the dims were bound. Ids last as
 * long as the program, pointers into its lists until the next append.
 */
#ifndef QVL_GRAPH_PROGRAM_H
#define QVL_GRAPH_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/kernel.h"
#include "base/arena.h"

/* What a value is for; its storage type follows from the run's qvl_types. */
typedef enum {
    QVL_CLS_ACT,     // activations and their gradients
    QVL_CLS_RES,     // the residual stream and its gradient
    QVL_CLS_WEIGHT,  // parameters of rank 2 and more
    QVL_CLS_F32,     // statistics, logits, rank-1 parameters, gradients of
                     // parameters: always f32
    QVL_CLS_I32,     // indices
    QVL_N_CLS
} qvl_value_class;

typedef enum {
    QVL_VALUE_TEMP,   // made by steps, dies after its last use
    QVL_VALUE_INPUT,  // written by the host before the run
    QVL_VALUE_PARAM,  // `index`: instance in the arch's parameter list
    QVL_VALUE_GRAD,   // sum for the parameter `index`
    QVL_VALUE_STATE,  // lives from run to run (a cache)
} qvl_value_kind;

typedef struct {
    qvl_value_kind kind;
    qvl_value_class cls;
    int index;         // parameter, input or state, else -1
    size_t n_elems;
    const char *name;  // for reports
    int first_step;    // that writes it, -1: none
} qvl_value;

typedef struct {
    int repeat;      // which repeat of the spec, -1: outside of all
    int layer;       // instance of the repeat
    bool backward;
} qvl_mark;

/* How the shape of a buffer stands in the arguments of its kernel. */
typedef struct {
    uint8_t rank;     // 1 to 4; 0: not told, bound whole and never cut
    int16_t dim[4];   // slowest first: argument that holds it, or -n: number n
    uint8_t off_arg;  // argument with the first element, the row stride is the
                      // next one; 0: neither, rows lie one behind the other
} qvl_operand;

/* A dim along which a step may be done in parts: index i of the results needs
 * index i alone of each operand that has the dim, and all of the others. An
 * output without the dim is a sum over it, so it must be one that accumulates,
 * unless each part stores elements of its own. Each operand has the dim as its
 * first one, or as its second and is addressed by off_arg. */
typedef struct {
    uint8_t dim_arg;    // becomes the number of indices of the part
    uint8_t first_arg;  // is raised by the part's first index; 0: none
    uint8_t edge_arg;   // a dim larger by one (starts of runs); 0: none
    bool apart;         // an output without the dim: no element has two parts
} qvl_cut;

#define QVL_MAX_CUTS 3

/* A family of compiled forms of one kernel: the same operands, one member for
 * each combination of storage types that a run may choose. Generated. */
typedef struct {
    const char *op;
    int n_bufs;
    int n_args;
    uint8_t cls[QVL_KERNEL_MAX_BUFS];  // class of each buffer as compiled
    uint16_t reads;    // bit b: buffer b is read; not by adding alone
    uint16_t writes;   // bit b: buffer b is written
    uint16_t adds;     // bit b: written, and accumulates as acc_arg says
    uint16_t waits;    // bit b: adds, and has a fused expression: 2 in acc_arg
                       // leaves it out, as more is to be added
    uint8_t acc_arg[QVL_KERNEL_MAX_BUFS];  // that argument, 255: none
    qvl_operand operand[QVL_KERNEL_MAX_BUFS];
    qvl_cut cut[QVL_MAX_CUTS];
    int n_cuts;
    const qvl_kernel *form[3];  // for activation type f32, bf16, f16
} qvl_kernel_family;

/* The form for activations of a type (QVL_F32...); NULL: not compiled. */
const qvl_kernel *qvl_family_form(const qvl_kernel_family *family, int act);

typedef struct {
    const qvl_kernel_family *family;
    const int *value;      // [family->n_bufs]
    const uint32_t *arg;   // [family->n_args]; acc arguments are 0 here
    qvl_mark mark;
    int line;              // of the spec, for reports
} qvl_step;

typedef struct {
    const char *name;  // "logits", "hidden.3"
    int value;
    int rank;
    size_t shape[4];
} qvl_output;

typedef struct qvl_program {
    qvl_arena *arena;  // borrowed; owns all below
    qvl_value *value;
    int n_values, cap_values;
    qvl_step *step;
    int n_steps, cap_steps;
    qvl_output *output;
    int n_outputs, cap_outputs;
    int *param_value;  // [n_params] value of parameter i, -1: not used yet
    int *grad_value;   // [n_params]
    int n_params;
    int *input_value;  // [n_inputs]
    int n_inputs;
    int *state_value;  // [cap_states]
    int cap_states;
    qvl_mark mark;     // given to the steps that follow
} qvl_program;

/* An empty program; steps that follow stand outside of all repeats. It ends with
 * the arena. */
void qvl_program_init(qvl_program *p, int n_params, int n_inputs,
                      qvl_arena *arena);

/* A temporary of n elements; returns its id. The name, here and below, is borrowed
 * for as long as the program lives; that of a value may be NULL. */
int qvl_program_value(qvl_program *p, qvl_value_class cls, size_t n,
                      const char *name);
/* Name of layer l: "%d" in `format` is l. Owned by the program's arena. */
const char *qvl_program_name(qvl_program *p, const char *format, int l);

/* The value of input, parameter or gradient `index`, made at first use; later calls
 * say the same class and n. */
int qvl_program_input(qvl_program *p, int index, qvl_value_class cls,
                      size_t n, const char *name);
int qvl_program_param(qvl_program *p, int index, qvl_value_class cls,
                      size_t n, const char *name);
int qvl_program_grad(qvl_program *p, int index, size_t n, const char *name);

/* The value of state `index`, an activation by class: what earlier runs left in
 * it, with what this one writes. */
int qvl_program_state(qvl_program *p, int index, qvl_value_class cls,
                      size_t n, const char *name);

/* Append a step. value [family->n_bufs], arg [family->n_args] are copied. What
 * it reads was written before or comes from outside; what it writes stands once
 * among its values, unless as slices of columns that are apart. */
void qvl_program_step(qvl_program *p, const qvl_kernel_family *family,
                      const int *value, const uint32_t *arg, int line);

/* Name a value as a result, under a name that is new; shape [rank], slowest first,
 * at most 4, is copied and has the value's elements. */
void qvl_program_output(qvl_program *p, const char *name, int value, int rank,
                        const size_t *shape);

/* Array of n value ids, all -1. */
int *qvl_program_ids(qvl_program *p, size_t n);

/* Output by name, NULL when there is none. */
const qvl_output *qvl_program_find(const qvl_program *p, const char *name);

/* Dim i of an operand whose rank is told, and its elements: behind the first dim, in
 * all, and up to the last one that the kernel touches (0 when there are none). */
size_t qvl_operand_dim(const qvl_operand *o, int i, const uint32_t *arg);
size_t qvl_operand_row(const qvl_operand *o, const uint32_t *arg);
size_t qvl_operand_elems(const qvl_operand *o, const uint32_t *arg);
size_t qvl_operand_end(const qvl_operand *o, const uint32_t *arg);

/* Bits of a float, for an argument. */
uint32_t qvl_f32_arg(double v);

#endif
