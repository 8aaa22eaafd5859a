/* plan_draft.h - the plan while it is made, and the passes that make it
 *
 * Private to plan*.c. The passes run in the order in which they stand here;
 * each takes the draft as the one before left it. What they fail with stands at
 * qvl_plan_make; the draft is of no use then.
 */
#ifndef QVL_GRAPH_PLAN_DRAFT_H
#define QVL_GRAPH_PLAN_DRAFT_H

#include "graph/plan.h"

/* A step on its way into the plan. The arrays are the program's until a pass
 * replaces them by its own. */
typedef struct {
    const qvl_kernel_family *family;
    int step;                  // of the program, -1: made by the plan
    qvl_mark mark;
    const int *value;          // [n_bufs]
    const uint32_t *arg;       // [n_args]
    const uint32_t *arg_more;  // [n_args], set by sums
    const size_t *at;          // [n_bufs] bytes, set by cut
    const size_t *bytes;       // [n_bufs] set by cut
} qvl_draft_step;

typedef struct {
    const qvl_program *program;       // borrowed
    const qvl_plan_options *options;  // borrowed
    qvl_arena *arena;                 // owns what the plan will hold
    size_t align;                     // bytes, a power of two, at least 16
    qvl_draft_step *step;
    int n_steps, cap_steps;
    qvl_value *value;
    int n_values, cap_values;
    bool *is_output;  // [cap_values]
} qvl_draft;

/* Append; the value is no output, and its id is returned. A list may move; the old
 * one stays readable in the arena. */
void qvl_draft_add_step(qvl_draft *d, const qvl_draft_step *s);
int qvl_draft_add_value(qvl_draft *d, const qvl_value *v);

/* Room for `n` steps in place of those the draft has, which stay readable. */
void qvl_draft_replace_steps(qvl_draft *d, int n);

/* Bytes of one element of a value, of all of it, and what is reserved for it. */
size_t qvl_draft_elem_bytes(const qvl_draft *d, const qvl_value *v);
size_t qvl_draft_value_bytes(const qvl_draft *d, const qvl_value *v);
size_t qvl_draft_reserved(const qvl_draft *d, const qvl_value *v);

/* Copies that a pass may write to; owned by the draft's arena. */
uint32_t *qvl_draft_copy_args(qvl_draft *d, const qvl_kernel_family *f,
                              const uint32_t *arg);
int *qvl_draft_copy_values(qvl_draft *d, const qvl_kernel_family *f,
                           const int *value);

/* Keep the steps that the roots need, and fill gradients without one. Turns
 * gradients of untrained parameters into temporaries. */
int qvl_draft_prune(qvl_draft *d, qvl_err *err);

/* Repeat forward steps in the backward pass rather than keep what they make. */
void qvl_draft_recompute(qvl_draft *d);

/* Decide which steps start a gradient and which add. */
void qvl_draft_sums(qvl_draft *d);

/* Bind each operand, in parts where it is too large or the loops turn too often. */
int qvl_draft_cut(qvl_draft *d, qvl_err *err);

/* Give temporaries and inputs their places. */
int qvl_draft_place(const qvl_draft *d, qvl_plan *plan, qvl_err *err);

/* Buffers of a step that are read, or written. */
static inline bool qvl_draft_reads(const qvl_draft_step *s, int b)
{
    return s->family->reads >> b & 1;
}

static inline bool qvl_draft_writes(const qvl_draft_step *s, int b)
{
    return s->family->writes >> b & 1;
}

#endif
