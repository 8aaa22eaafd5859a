/* job.c - a program of a device, filled, run, and held against the interpreter */
#include "program/job.h"

#include "check.h"
#include "graph/store.h"
#include "program/compare.h"
#include "tensor/dtype.h"

/* ---- what generated functions say ---- */

static void check_list(const job *j, const qvl_dims *d, int list,
                       const char *name)
{
    CHECK_INT(d->n_list[list], j->d->n_list[list], "%s: list %s", j->what, name);
    for (int k = 0; k < d->n_list[list]; k++)
        CHECK_INT(d->list[list][k], j->d->list[list][k], "%s: %s[%d]", j->what,
                  name, k);
}

static void check_derived(const job *j)
{
    const qvl_arch *arch = j->a->arch;
    qvl_dims d = *j->d;
    qvl_err err;
    for (int i = 0; i < arch->n_dims; i++) {
        if (arch->dim[i].source != QVL_DIM_DERIVED)
            continue;
        if (arch->dim[i].type == QVL_DIM_LIST)
            d.n_list[arch->dim[i].list] = -1;
        else
            d.i[i] = -1;
    }
    CHECK_OK(arch->derive(&d, &err), err);
    for (int i = 0; i < arch->n_dims; i++)
        if (arch->dim[i].type == QVL_DIM_LIST)
            check_list(j, &d, arch->dim[i].list, arch->dim[i].name);
        else
            CHECK_INT(d.i[i], j->d->i[i], "%s: dim %s", j->what,
                      arch->dim[i].name);
}

static void check_params(const job *j)
{
    const ref_params *list = &j->c->data[REF_TRAIN].params;
    CHECK_INT(j->params.n, list->n, "%s: parameters", j->what);
    for (int i = 0; i < list->n; i++) {
        const qvl_arch_param *p = &j->params.item[i];
        size_t n = 1;
        for (int k = 0; k < p->rank; k++)
            n *= p->shape[k];
        CHECK_STR(p->name, list->item[i].name, "%s", j->what);
        CHECK_INT(n, list->item[i].n, "%s: %s", j->what, p->name);
        CHECK_INT(p->same_as, list->item[i].same_as, "%s: %s", j->what,
                  p->name);
    }
}

/* ---- data ---- */

static float *as_floats(job *j, const double *v, size_t n)
{
    float *f = qvl_arena_array(&j->arena, float, n + 1);
    for (size_t i = 0; i < n; i++)
        f[i] = (float)v[i];
    return f;
}

static void write_params(job *j)
{
    for (int i = 0; i < j->params.n; i++) {
        const ref_data *data = &j->c->data[REF_TRAIN];
        size_t n = data->params.item[i].n;
        if (j->params.item[i].same_as >= 0)
            continue;
        CHECK_OK(qvl_store_write(j->store, i, 0, n,
                                 as_floats(j, data->param[i], n), QVL_F32,
                                 &j->err), j->err);
    }
}

static void give_inputs(job *j, qvl_run *run)
{
    const ir_module *m = j->a->m[j->phase];
    qvl_input_size size[256];
    CHECK(m->n_inputs <= 256, "%s", j->what);
    j->a->arch->input_sizes(size, j->d);
    for (int i = 0; i < m->n_inputs; i++) {
        size_t n = ref_elems(j->d, &m->input[i].shape);
        const double *v = j->c->data[j->phase].input[i];
        CHECK_INT(size[i].n_elems, n, "%s: input %s", j->what,
                  m->input[i].name);
        void *data = as_floats(j, v, n);
        if (m->input[i].cls == IR_I32) {
            int32_t *whole = data;
            for (size_t k = 0; k < n; k++)
                whole[k] = (int32_t)v[k];
        }
        CHECK_OK(qvl_run_input(run, i, data, n, &j->err), j->err);
    }
}

/* ---- runs ---- */

static void append_steps(const job *j, qvl_program *p)
{
    if (j->phase == REF_TRAIN)
        j->a->arch->train(p, j->d);
    else if (j->phase == REF_DECODE)
        j->a->arch->decode(p, j->d);
    else
        j->a->arch->infer(p, j->d);
}

qvl_run *job_try(job *j, ref_phase ph, bool recompute, size_t max_binding)
{
    j->phase = ph;
    qvl_program *p = qvl_arena_array(&j->arena, qvl_program, 1);
    qvl_program_init(p, j->params.n, j->a->arch->n_inputs, &j->arena);
    append_steps(j, p);
    const char **names = qvl_arena_array(&j->arena, const char *,
                                         p->n_outputs + 1);
    for (int i = 0; i < p->n_outputs; i++)
        names[i] = p->output[i].name;
    CHECK_INT(p->n_outputs, j->c->result[j->phase].n_outputs, "%s: outputs", j->what);
    qvl_plan_options options = {
        .output = names, .n_outputs = p->n_outputs,
        .trained = ph == REF_TRAIN ? j->trained : NULL, .types = j->types,
        .states = ph != REF_TRAIN, .recompute = recompute,
        .max_binding_bytes = max_binding};
    qvl_run *run = NULL;
    if (qvl_run_open(&run, j->store, p, &options, &j->err) != QVL_OK)
        return NULL;
    give_inputs(j, run);
    return run;
}

qvl_run *job_run(job *j, ref_phase ph, bool recompute)
{
    qvl_run *run = job_try(j, ph, recompute, 0);
    CHECK(run != NULL, "%s: %s", j->what, j->err.msg);
    return run;
}

/* States as the interpreter found them. */
static void write_states(job *j)
{
    const ref_data *data = &j->c->data[j->phase];
    for (int i = 0; i < data->states.n; i++) {
        size_t n = data->states.n_elems[i];
        if (n > 0)
            CHECK_OK(qvl_stage_write(qvl_store_stage(j->store),
                                     qvl_store_state_slice(j->store, i),
                                     j->types.act, 0, n,
                                     as_floats(j, data->state[i], n), QVL_F32,
                                     &j->err), j->err);
    }
}

void job_submit(job *j, qvl_run *run, bool more)
{
    write_states(j);
    int rc = qvl_run_submit(run, more, &j->err);
    CHECK(rc == QVL_OK, "%s: %s", j->what, j->err.msg);
}

/* ---- results ---- */

void job_check_outputs(job *j, qvl_run *run)
{
    compare_bound bound = compare_bound_of(j->types.act);
    for (int i = 0; i < j->c->result[j->phase].n_outputs; i++) {
        const ref_output *o = &j->c->result[j->phase].output[i];
        float *found = qvl_arena_array(&j->arena, float, o->n + 1);
        int rc = qvl_run_output(run, o->name, found, o->n, &j->err);
        CHECK(rc == QVL_OK, "%s: %s", j->what, j->err.msg);
        compare_tensor(found, o->v, o->n, 0.0, bound, j->what, o->name);
    }
}

static void read_state(job *j, int i, size_t n, float *found)
{
    if (n > 0)
        CHECK_OK(qvl_stage_read(qvl_store_stage(j->store),
                                qvl_store_state_slice(j->store, i),
                                j->types.act, 0, n, found, &j->err), j->err);
}

void job_check_states(job *j)
{
    compare_bound bound = compare_bound_of(j->types.act);
    const ref_states *list = &j->c->data[j->phase].states;
    for (int i = 0; i < list->n; i++) {
        size_t n = list->n_elems[i];
        float *found = qvl_arena_array(&j->arena, float, n + 1);
        read_state(j, i, n, found);
        compare_tensor(found, j->c->result[j->phase].state[i], n, 0.0, bound,
                       j->what, list->name[i]);
    }
}

void job_check_grads(job *j, double times)
{
    compare_bound bound = compare_bound_of(j->types.act);
    for (int i = 0; i < j->params.n; i++) {
        size_t n = j->c->data[REF_TRAIN].params.item[i].n;
        double *wanted = qvl_arena_array(&j->arena, double, n + 1);
        float *found = qvl_arena_array(&j->arena, float, n + 1);
        char name[256];
        if (!j->trained[i])
            continue;
        for (size_t k = 0; k < n; k++)
            wanted[k] = times * j->c->result[REF_TRAIN].grad[i][k];
        CHECK_OK(qvl_store_read_grad(j->store, i, found, &j->err), j->err);
        snprintf(name, sizeof name, "grad.%s", j->params.item[i].name);
        compare_tensor(found, wanted, n, times * j->c->top_grad, bound,
                       j->what, name);
    }
}

static float *read_outputs(job *j, qvl_run *run, size_t *n)
{
    size_t all = 0;
    const ref_result *r = &j->c->result[j->phase];
    const ref_states *states = &j->c->data[j->phase].states;
    for (int i = 0; i < r->n_outputs; i++)
        all += r->output[i].n;
    for (int i = 0; i < states->n; i++)
        all += states->n_elems[i];
    float *v = qvl_arena_array(&j->arena, float, all + 1);
    *n = all;
    all = 0;
    for (int i = 0; i < r->n_outputs; i++) {
        CHECK_OK(qvl_run_output(run, r->output[i].name, v + all,
                                r->output[i].n, &j->err), j->err);
        all += r->output[i].n;
    }
    for (int i = 0; i < states->n; i++) {
        read_state(j, i, states->n_elems[i], v + all);
        all += states->n_elems[i];
    }
    return v;
}

float *job_read(job *j, qvl_run *run, size_t *n)
{
    if (run != NULL)
        return read_outputs(j, run, n);
    size_t all = 0;
    for (int i = 0; i < j->params.n; i++)
        all += j->c->data[REF_TRAIN].params.item[i].n;
    float *v = qvl_arena_array(&j->arena, float, all + 1);
    *n = all;
    all = 0;
    for (int i = 0; i < j->params.n; i++) {
        if (j->trained[i])
            CHECK_OK(qvl_store_read_grad(j->store, i, v + all, &j->err),
                     j->err);
        all += j->c->data[REF_TRAIN].params.item[i].n;
    }
    return v;
}

void job_check_bits(const job *j, const float *found, const float *wanted,
                    size_t n, const char *why)
{
    for (size_t i = 0; i < n; i++)
        CHECK(memcmp(&found[i], &wanted[i], sizeof found[i]) == 0,
              "%s: %s changes element %zu of %zu from %.9g to %.9g", j->what,
              why, i, n, (double)wanted[i], (double)found[i]);
}

/* ---- open and close ---- */

void job_open(job *j, const target *t, fixture_arch *a, int set,
              const qvl_types *types, int untrained)
{
    *j = (job){.t = t, .a = a, .types = *types, .d = &a->set[set].d};
    j->c = fixture_get(a, set, types->act);
    snprintf(j->what, sizeof j->what, "%s on %s in %s", fixture_name(a, set),
             t->name, qvl_dtype_name(types->act));
    j->params.arena = &j->arena;
    a->arch->params(&j->params, j->d);
    check_derived(j);
    check_params(j);
    j->trained = qvl_arena_array(&j->arena, bool, j->params.n + 1);
    for (int i = 0; i < j->params.n; i++)
        j->trained[i] = untrained == 0 || i % untrained != 0;
    int rc = qvl_store_open(&j->store, t->dev, &j->params, &j->types,
                            &j->err);
    CHECK(rc == QVL_OK, "%s: %s", j->what, j->err.msg);
    write_params(j);
    CHECK_OK(qvl_store_train(j->store, j->trained, &j->err), j->err);
}

void job_close(job *j)
{
    qvl_store_close(j->store);
    qvl_arena_release(&j->arena);
}
