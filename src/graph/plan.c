/* plan.c - the order of the passes, and the kernels for the storage types
 *
 * Recomputing repeats steps, so who starts a gradient is decided behind it; the parts
 * of a cut inherit that; places need the steps that run. Kernels are chosen for the
 * final steps, and a form that is missing is an error here and not in the passes
 * before.
 */
#include "graph/plan.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "graph/plan_draft.h"
#include "tensor/dtype.h"

int qvl_types_of(const qvl_types *types, qvl_value_class cls)
{
    switch (cls) {
    case QVL_CLS_ACT:
    case QVL_CLS_WEIGHT:
        return types->act;
    case QVL_CLS_RES:
        return types->res;
    case QVL_CLS_I32:
        return QVL_I32;
    default:
        assert(cls == QVL_CLS_F32);
        return QVL_F32;
    }
}

/* ---- the draft ---- */

void qvl_draft_replace_steps(qvl_draft *d, int n)
{
    d->step = qvl_arena_array(d->arena, qvl_draft_step, n);
    d->n_steps = 0;
    d->cap_steps = n;
}

void qvl_draft_add_step(qvl_draft *d, const qvl_draft_step *s)
{
    if (d->n_steps == d->cap_steps) {
        assert(d->cap_steps <= INT_MAX / 2);
        const qvl_draft_step *old = d->step;
        int n = d->n_steps;
        qvl_draft_replace_steps(d, n < 64 ? 64 : 2 * n);
        if (n > 0)
            memcpy(d->step, old, (size_t)n * sizeof *old);
        d->n_steps = n;
    }
    d->step[d->n_steps++] = *s;
}

/* Give values room for n more. */
static void reserve_values(qvl_draft *d, int n)
{
    assert(n <= INT_MAX / 2 - d->n_values);
    size_t old = (size_t)d->n_values;
    size_t cap = old + (size_t)n;
    qvl_value *value = qvl_arena_array(d->arena, qvl_value, cap);
    bool *is_output = qvl_arena_array(d->arena, bool, cap);
    if (old > 0) {
        memcpy(value, d->value, old * sizeof *value);
        memcpy(is_output, d->is_output, old * sizeof *is_output);
    }
    d->value = value;
    d->is_output = is_output;
    d->cap_values = (int)cap;
}

int qvl_draft_add_value(qvl_draft *d, const qvl_value *v)
{
    if (d->n_values == d->cap_values)
        reserve_values(d, d->n_values + 16);
    d->value[d->n_values] = *v;
    return d->n_values++;
}

size_t qvl_draft_elem_bytes(const qvl_draft *d, const qvl_value *v)
{
    return qvl_dtype_bytes(qvl_types_of(&d->options->types, v->cls));
}

size_t qvl_draft_value_bytes(const qvl_draft *d, const qvl_value *v)
{
    return v->n_elems * qvl_draft_elem_bytes(d, v);
}

size_t qvl_draft_reserved(const qvl_draft *d, const qvl_value *v)
{
    size_t bytes = qvl_draft_value_bytes(d, v);
    return (bytes == 0 ? d->align : bytes + d->align - 1) / d->align
           * d->align;
}

uint32_t *qvl_draft_copy_args(qvl_draft *d, const qvl_kernel_family *f,
                              const uint32_t *arg)
{
    uint32_t *copy = qvl_arena_array(d->arena, uint32_t, f->n_args);
    if (f->n_args > 0)
        memcpy(copy, arg, (size_t)f->n_args * sizeof *copy);
    return copy;
}

int *qvl_draft_copy_values(qvl_draft *d, const qvl_kernel_family *f,
                           const int *value)
{
    int *copy = qvl_arena_array(d->arena, int, f->n_bufs);
    memcpy(copy, value, (size_t)f->n_bufs * sizeof *copy);
    return copy;
}

/* Start from the program, with no steps yet. */
static void draft_init(qvl_draft *d, const qvl_program *program,
                       const qvl_plan_options *options, qvl_arena *arena)
{
    size_t align = options->align_bytes;
    assert((align & (align - 1)) == 0);
    *d = (qvl_draft){
        .program = program,
        .options = options,
        .arena = arena,
        .align = align < 16 ? 16 : align,
    };
    reserve_values(d, program->n_values + 16);
    if (program->n_values > 0)
        memcpy(d->value, program->value,
               (size_t)program->n_values * sizeof *d->value);
    d->n_values = program->n_values;
}

/* ---- kernels ---- */

/* Was k compiled for the types that the step's values are stored as? */
static bool form_fits(const qvl_draft *d, const qvl_draft_step *s,
                      const qvl_kernel *k)
{
    for (int b = 0; b < k->n_bufs; b++) {
        const qvl_value *v = &d->value[s->value[b]];
        if (k->dtype[b] != qvl_types_of(&d->options->types, v->cls))
            return false;
    }
    return true;
}

static int choose_kernel(const qvl_draft *d, const qvl_draft_step *s,
                         const qvl_kernel **kernel, qvl_err *err)
{
    const qvl_types *types = &d->options->types;
    const qvl_kernel *k = qvl_family_form(s->family, types->act);
    if (k == NULL || !form_fits(d, s, k))
        return qvl_fail(err, QVL_E_UNSUPPORTED,
                        "kernel %s is not compiled for activations in %s with "
                        "the residual stream in %s", s->family->op,
                        qvl_dtype_name(types->act),
                        qvl_dtype_name(types->res));
    assert(k->n_bufs == s->family->n_bufs && k->n_args == s->family->n_args);
    *kernel = k;
    return QVL_OK;
}

/* ---- the plan ---- */

static int finish_steps(const qvl_draft *d, qvl_plan *plan, qvl_err *err)
{
    plan->n_steps = d->n_steps;
    plan->step = qvl_arena_array(d->arena, qvl_planned, d->n_steps);
    plan->needed = qvl_arena_array(d->arena, bool, d->n_values);
    memcpy(plan->needed, d->is_output, (size_t)d->n_values * sizeof(bool));
    for (int i = 0; i < d->n_steps; i++) {
        const qvl_draft_step *s = &d->step[i];
        const qvl_kernel *kernel = NULL;
        QVL_TRY(choose_kernel(d, s, &kernel, err));
        plan->step[i] = (qvl_planned){
            .kernel = kernel,
            .step = s->step,
            .value = s->value,
            .at_bytes = s->at,
            .bytes = s->bytes,
            .arg = s->arg,
            .arg_more = s->arg_more,
        };
        for (int b = 0; b < s->family->n_bufs; b++)
            plan->needed[s->value[b]] = true;
    }
    return QVL_OK;
}

int qvl_plan_make(qvl_plan *plan, const qvl_program *program,
                  const qvl_plan_options *options, qvl_arena *arena,
                  qvl_err *err)
{
    qvl_draft d;
    draft_init(&d, program, options, arena);
    QVL_TRY(qvl_draft_prune(&d, err));
    if (options->recompute)
        qvl_draft_recompute(&d);
    qvl_draft_sums(&d);
    QVL_TRY(qvl_draft_cut(&d, err));

    qvl_plan p = {
        .program = program,
        .types = options->types,
        .value = d.value,
        .n_values = d.n_values,
        .is_output = d.is_output,
    };
    QVL_TRY(finish_steps(&d, &p, err));
    QVL_TRY(qvl_draft_place(&d, &p, err));
    *plan = p;
    return QVL_OK;
}
