/* plan_prune.c - what the roots need, and who starts a gradient
 *
 * The program is not touched: the draft has its own steps and a copy of the values. A
 * gradient of an untrained parameter is a temporary in that copy, so all later passes
 * treat it as one. Steps that set a gradient to zero stand in front of all others.
 */
#include <assert.h>

#include "calls.h"
#include "graph/plan_draft.h"

/* Wanted outputs become needed. */
static int mark_outputs(qvl_draft *d, bool *needed, qvl_err *err)
{
    for (int i = 0; i < d->options->n_outputs; i++) {
        const char *name = d->options->output[i];
        const qvl_output *out = qvl_program_find(d->program, name);
        if (out == NULL)
            return qvl_fail(err, QVL_E_USAGE,
                            "the program has no output \"%s\"", name);
        needed[out->value] = true;
        d->is_output[out->value] = true;
    }
    return QVL_OK;
}

static bool is_trained(const qvl_draft *d, int param)
{
    return d->options->trained != NULL && d->options->trained[param];
}

/* Gradients of trained parameters and states become needed; the other
 * gradients are temporaries that nobody reads. */
static void mark_kept_values(qvl_draft *d, bool *needed)
{
    for (int v = 0; v < d->program->n_values; v++) {
        qvl_value *value = &d->value[v];
        if (value->kind == QVL_VALUE_STATE && d->options->states)
            needed[v] = value->first_step != -1;
        if (value->kind != QVL_VALUE_GRAD)
            continue;
        if (is_trained(d, value->index))
            needed[v] = true;
        else
            value->kind = QVL_VALUE_TEMP;
    }
}

/* A value without elements is there without a step. */
static bool writes_needed(const qvl_program *p, const qvl_step *s,
                          const bool *needed)
{
    for (int b = 0; b < s->family->n_bufs; b++)
        if ((s->family->writes >> b & 1) && needed[s->value[b]]
            && p->value[s->value[b]].n_elems > 0)
            return true;
    return false;
}

/* Walk back from the roots. A value is made before it is read, so one pass
 * meets every reader before the writers: keep [n_steps of the program]. */
static void mark_steps(const qvl_program *p, bool *needed, bool *keep)
{
    for (int i = p->n_steps - 1; i >= 0; i--) {
        const qvl_step *s = &p->step[i];
        keep[i] = writes_needed(p, s, needed);
        for (int b = 0; keep[i] && b < s->family->n_bufs; b++)
            if (s->family->reads >> b & 1)
                needed[s->value[b]] = true;
    }
}

/* Append a step that sets gradient `v` to zero, and adds 0 when adding. */
static void add_zero_step(qvl_draft *d, int v)
{
    const qvl_kernel_family *f = &qvl_family_zero;
    int *value = qvl_arena_array(d->arena, int, QVL_ZERO_N_BUFS);
    uint32_t *arg = qvl_arena_array(d->arena, uint32_t, QVL_ZERO_N_ARGS);
    value[QVL_ZERO_Y] = v;
    assert(d->value[v].n_elems <= UINT32_MAX);
    qvl_zero_args(arg, (uint32_t)d->value[v].n_elems, 0);
    qvl_draft_add_step(d, &(qvl_draft_step){
        .family = f,
        .step = -1,
        .mark = {.repeat = -1, .backward = true},
        .value = value,
        .arg = arg,
    });
}

/* The gradient value of a trained parameter, made when no step mentions it;
 * -1 when the program does not mention the parameter at all. */
static int grad_of(qvl_draft *d, int param)
{
    const qvl_program *p = d->program;
    if (p->grad_value[param] != -1 || p->param_value[param] == -1)
        return p->grad_value[param];
    const qvl_value *w = &p->value[p->param_value[param]];
    return qvl_draft_add_value(d, &(qvl_value){
        .kind = QVL_VALUE_GRAD,
        .cls = QVL_CLS_F32,
        .index = param,
        .n_elems = w->n_elems,
        .name = w->name,
        .first_step = -1,
    });
}

static void add_zero_steps(qvl_draft *d)
{
    for (int i = 0; i < d->program->n_params; i++) {
        if (!is_trained(d, i))
            continue;
        int v = grad_of(d, i);
        if (v != -1 && d->value[v].first_step == -1)
            add_zero_step(d, v);
    }
}

int qvl_draft_prune(qvl_draft *d, qvl_err *err)
{
    const qvl_program *p = d->program;
    bool *needed = qvl_arena_array(d->arena, bool, p->n_values);
    bool *keep = qvl_arena_array(d->arena, bool, p->n_steps);
    QVL_TRY(mark_outputs(d, needed, err));
    mark_kept_values(d, needed);
    mark_steps(p, needed, keep);

    add_zero_steps(d);
    for (int i = 0; i < p->n_steps; i++)
        if (keep[i])
            qvl_draft_add_step(d, &(qvl_draft_step){
                .family = p->step[i].family,
                .step = i,
                .mark = p->step[i].mark,
                .value = p->step[i].value,
                .arg = p->step[i].arg,
            });
    return QVL_OK;
}

/* Set the acc argument of buffer b, a gradient that `seen` says whether an
 * earlier step of the run has written. */
static void set_sum(qvl_draft *d, qvl_draft_step *s, int b, bool seen)
{
    const qvl_kernel_family *f = s->family;
    const qvl_value *v = &d->value[s->value[b]];
    const qvl_operand *o = &f->operand[b];
    assert((f->adds >> b & 1) && !(f->waits >> b & 1));
    assert(seen || o->rank == 0
           || qvl_operand_elems(o, s->arg) == v->n_elems);
    (void)v;  // for builds without asserts
    (void)o;

    uint32_t *arg = qvl_draft_copy_args(d, f, s->arg);
    uint32_t *more = qvl_draft_copy_args(d, f, s->arg_more);
    arg[f->acc_arg[b]] = seen;
    more[f->acc_arg[b]] = 1;
    s->arg = arg;
    s->arg_more = more;
}

void qvl_draft_sums(qvl_draft *d)
{
    bool *seen = qvl_arena_array(d->arena, bool, d->n_values);
    for (int i = 0; i < d->n_steps; i++) {
        qvl_draft_step *s = &d->step[i];
        s->arg_more = s->arg;
        for (int b = 0; b < s->family->n_bufs; b++) {
            int v = s->value[b];
            if (!qvl_draft_writes(s, b) || d->value[v].kind != QVL_VALUE_GRAD)
                continue;
            set_sum(d, s, b, seen[v]);
            seen[v] = true;
        }
    }
}
