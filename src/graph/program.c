/* program.c - growing lists of values, steps and outputs
 *
 * Lists double by copying within the arena, so pointers into them last until
 * the next append; ids last as long as the program.
 */
#include "graph/program.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/half.h"
#include "tensor/dtype.h"

#define FIRST_CAP 64

/* A copy of the n elements at `old` with twice the room. */
static void *grown(qvl_arena *arena, const void *old, int n, int *cap,
                   size_t elem_bytes)
{
    assert(*cap <= INT_MAX / 2);
    *cap = *cap == 0 ? FIRST_CAP : 2 * *cap;
    void *p = qvl_arena_alloc_n(arena, (size_t)*cap, elem_bytes);
    if (n > 0)
        memcpy(p, old, (size_t)n * elem_bytes);
    return p;
}

void qvl_program_init(qvl_program *p, int n_params, int n_inputs,
                      qvl_arena *arena)
{
    assert(n_params >= 0 && n_inputs >= 0);
    *p = (qvl_program){
        .arena = arena,
        .n_params = n_params,
        .n_inputs = n_inputs,
        .mark = {.repeat = -1},
    };
    p->param_value = qvl_program_ids(p, (size_t)n_params);
    p->grad_value = qvl_program_ids(p, (size_t)n_params);
    p->input_value = qvl_program_ids(p, (size_t)n_inputs);
}

int *qvl_program_ids(qvl_program *p, size_t n)
{
    int *ids = qvl_arena_array(p->arena, int, n);
    for (size_t i = 0; i < n; i++)
        ids[i] = -1;
    return ids;
}

/* ---- values ---- */

static int add_value(qvl_program *p, const qvl_value *v)
{
    assert((unsigned)v->cls < QVL_N_CLS);
    if (p->n_values == p->cap_values)
        p->value = grown(p->arena, p->value, p->n_values, &p->cap_values,
                         sizeof *p->value);
    p->value[p->n_values] = *v;
    return p->n_values++;
}

int qvl_program_value(qvl_program *p, qvl_value_class cls, size_t n,
                      const char *name)
{
    return add_value(p, &(qvl_value){.kind = QVL_VALUE_TEMP,
                                     .cls = cls,
                                     .index = -1,
                                     .n_elems = n,
                                     .name = name,
                                     .first_step = -1});
}

/* The value in *slot, made at its first use and the same ever after. */
static int named_value(qvl_program *p, int *slot, const qvl_value *v)
{
    if (*slot == -1)
        *slot = add_value(p, v);
    assert(p->value[*slot].cls == v->cls);
    assert(p->value[*slot].n_elems == v->n_elems);
    return *slot;
}

int qvl_program_input(qvl_program *p, int index, qvl_value_class cls,
                      size_t n, const char *name)
{
    assert(index >= 0 && index < p->n_inputs);
    return named_value(p, &p->input_value[index],
                       &(qvl_value){.kind = QVL_VALUE_INPUT,
                                    .cls = cls,
                                    .index = index,
                                    .n_elems = n,
                                    .name = name,
                                    .first_step = -1});
}

int qvl_program_param(qvl_program *p, int index, qvl_value_class cls,
                      size_t n, const char *name)
{
    assert(index >= 0 && index < p->n_params);
    return named_value(p, &p->param_value[index],
                       &(qvl_value){.kind = QVL_VALUE_PARAM,
                                    .cls = cls,
                                    .index = index,
                                    .n_elems = n,
                                    .name = name,
                                    .first_step = -1});
}

int qvl_program_grad(qvl_program *p, int index, size_t n, const char *name)
{
    assert(index >= 0 && index < p->n_params);
    return named_value(p, &p->grad_value[index],
                       &(qvl_value){.kind = QVL_VALUE_GRAD,
                                    .cls = QVL_CLS_F32,
                                    .index = index,
                                    .n_elems = n,
                                    .name = name,
                                    .first_step = -1});
}

int qvl_program_state(qvl_program *p, int index, qvl_value_class cls,
                      size_t n, const char *name)
{
    assert(index >= 0 && index < INT_MAX / 2);
    if (index >= p->cap_states) {
        int cap = 2 * index + 8;
        int *ids = qvl_program_ids(p, (size_t)cap);
        if (p->cap_states > 0)
            memcpy(ids, p->state_value, (size_t)p->cap_states * sizeof *ids);
        p->state_value = ids;
        p->cap_states = cap;
    }
    return named_value(p, &p->state_value[index],
                       &(qvl_value){.kind = QVL_VALUE_STATE,
                                    .cls = cls,
                                    .index = index,
                                    .n_elems = n,
                                    .name = name,
                                    .first_step = -1});
}

const char *qvl_program_name(qvl_program *p, const char *format, int l)
{
    const char *mark = strstr(format, "%d");
    if (mark == NULL)
        return qvl_arena_strdup(p->arena, format);
    return qvl_arena_printf(p->arena, "%.*s%d%s", (int)(mark - format),
                            format, l, mark + 2);
}

/* ---- operands ---- */

size_t qvl_operand_dim(const qvl_operand *o, int i, const uint32_t *arg)
{
    assert(i >= 0 && i < o->rank);
    int d = o->dim[i];
    return d < 0 ? (size_t)-d : arg[d];
}

size_t qvl_operand_row(const qvl_operand *o, const uint32_t *arg)
{
    size_t n = 1;
    for (int i = 1; i < o->rank; i++)
        n *= qvl_operand_dim(o, i, arg);
    return n;
}

size_t qvl_operand_elems(const qvl_operand *o, const uint32_t *arg)
{
    return qvl_operand_dim(o, 0, arg) * qvl_operand_row(o, arg);
}

size_t qvl_operand_end(const qvl_operand *o, const uint32_t *arg)
{
    size_t n = qvl_operand_elems(o, arg);
    if (n == 0 || o->off_arg == 0)
        return n;
    size_t stride = arg[o->off_arg + 1];
    size_t rows = qvl_operand_dim(o, 0, arg);
    return arg[o->off_arg] + (rows - 1) * stride + qvl_operand_row(o, arg);
}

/* ---- families ---- */

const qvl_kernel *qvl_family_form(const qvl_kernel_family *family, int act)
{
    switch (act) {
    case QVL_F32:
        return family->form[0];
    case QVL_BF16:
        return family->form[1];
    case QVL_F16:
        return family->form[2];
    default:
        return NULL;
    }
}

/* ---- steps ---- */

static QVL_UNUSED bool same_storage(qvl_value_class a, qvl_value_class b)
{
    bool a_act = a == QVL_CLS_ACT || a == QVL_CLS_WEIGHT;
    bool b_act = b == QVL_CLS_ACT || b == QVL_CLS_WEIGHT;
    return a == b || (a_act && b_act);
}

/* May a step write all of v? Only when no other step writes it, or when it is
 * the gradient of a parameter, which is a sum. */
static QVL_UNUSED bool may_write(const qvl_value *v, const qvl_operand *o,
                                 const uint32_t *arg)
{
    if (v->kind == QVL_VALUE_INPUT || v->kind == QVL_VALUE_PARAM)
        return false;
    if (v->kind != QVL_VALUE_TEMP || v->first_step == -1 || o->rank == 0)
        return true;
    return v->n_elems == 0 || qvl_operand_elems(o, arg) < v->n_elems;
}

/* Are buffers b and c, slices of the columns of one value, apart? */
static QVL_UNUSED bool are_apart(const qvl_kernel_family *f,
                                 const uint32_t *arg, int b, int c)
{
    const qvl_operand *x = &f->operand[b];
    const qvl_operand *y = &f->operand[c];
    if (x->rank == 0 || y->rank == 0 || x->off_arg == 0 || y->off_arg == 0
        || arg[x->off_arg + 1] != arg[y->off_arg + 1])
        return false;
    size_t x_at = arg[x->off_arg];
    size_t y_at = arg[y->off_arg];
    return x_at + qvl_operand_row(x, arg) <= y_at
           || y_at + qvl_operand_row(y, arg) <= x_at;
}

/* Is buffer b of a step as the contract wants it? */
static QVL_UNUSED bool buffer_is_right(const qvl_program *p,
                                       const qvl_kernel_family *f,
                                       const int *value, const uint32_t *arg,
                                       int b)
{
    if (value[b] < 0 || value[b] >= p->n_values)
        return false;
    const qvl_value *v = &p->value[value[b]];
    const qvl_operand *o = &f->operand[b];
    bool is_read = f->reads >> b & 1;
    bool is_written = f->writes >> b & 1;
    if (!same_storage(v->cls, (qvl_value_class)f->cls[b]))
        return false;
    if (o->rank > 0 && qvl_operand_end(o, arg) > v->n_elems)
        return false;
    // a value without elements may lack steps: a loop over none of its rows
    if (is_read && v->kind == QVL_VALUE_TEMP && v->first_step == -1 &&
        v->n_elems > 0)
        return false;
    if (!is_written)
        return is_read;
    for (int c = 0; c < f->n_bufs; c++)
        if (c != b && value[c] == value[b] && !are_apart(f, arg, b, c))
            return false;
    return is_read || may_write(v, o, arg);
}

void qvl_program_step(qvl_program *p, const qvl_kernel_family *family,
                      const int *value, const uint32_t *arg, int line)
{
    assert(family->n_bufs > 0 && family->n_bufs <= QVL_KERNEL_MAX_BUFS);
    assert(family->n_args >= 0 && family->n_args <= QVL_KERNEL_MAX_ARGS);
    for (int b = 0; b < family->n_bufs; b++)
        assert(buffer_is_right(p, family, value, arg, b));

    size_t n_bufs = (size_t)family->n_bufs;
    size_t n_args = (size_t)family->n_args;
    int *v = qvl_arena_array(p->arena, int, n_bufs);
    uint32_t *a = qvl_arena_array(p->arena, uint32_t, n_args);
    memcpy(v, value, n_bufs * sizeof *v);
    if (n_args > 0)
        memcpy(a, arg, n_args * sizeof *a);
    if (p->n_steps == p->cap_steps)
        p->step = grown(p->arena, p->step, p->n_steps, &p->cap_steps,
                        sizeof *p->step);
    for (int b = 0; b < family->n_bufs; b++)
        if ((family->writes >> b & 1) && p->value[v[b]].first_step == -1)
            p->value[v[b]].first_step = p->n_steps;
    p->step[p->n_steps++] = (qvl_step){
        .family = family, .value = v, .arg = a, .mark = p->mark, .line = line};
}

/* ---- outputs ---- */

void qvl_program_output(qvl_program *p, const char *name, int value, int rank,
                        const size_t *shape)
{
    assert(value >= 0 && value < p->n_values);
    assert(rank >= 0 && rank <= 4);
    assert(qvl_program_find(p, name) == NULL);

    qvl_output out = {.name = name, .value = value, .rank = rank};
    size_t n = 1;
    for (int i = 0; i < rank; i++) {
        out.shape[i] = shape[i];
        n *= shape[i];
    }
    assert(n == p->value[value].n_elems);
    (void)n;  // for builds without asserts
    if (p->n_outputs == p->cap_outputs)
        p->output = grown(p->arena, p->output, p->n_outputs,
                          &p->cap_outputs, sizeof *p->output);
    p->output[p->n_outputs++] = out;
}

const qvl_output *qvl_program_find(const qvl_program *p, const char *name)
{
    for (int i = 0; i < p->n_outputs; i++)
        if (strcmp(p->output[i].name, name) == 0)
            return &p->output[i];
    return NULL;
}

uint32_t qvl_f32_arg(double v)
{
    return qvl_f32_bits((float)v);
}
