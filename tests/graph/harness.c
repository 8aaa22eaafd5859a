/* harness.c - programs of the tests, run without a plan and with one */
#include "harness.h"

#include "check.h"
#include "graph/run.h"
#include "tensor/dtype.h"

/* ---- reference ---- */

static float sample(int v, size_t i)
{
    return (float)(((size_t)v * 31 + i * 17) % 251);
}

static void eval_step(harness *h, const qvl_step *s, bool *seen)
{
    const qvl_kernel_family *f = s->family;
    void *buf[QVL_KERNEL_MAX_BUFS];
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
    memcpy(arg, s->arg, (size_t)f->n_args * sizeof *arg);
    for (int b = 0; b < f->n_bufs; b++) {
        int v = s->value[b];
        buf[b] = h->data[v];
        if (h->program.value[v].kind != QVL_VALUE_GRAD)
            continue;
        arg[f->acc_arg[b]] = seen[v];
        seen[v] = true;
    }
    f->form[0]->c[0](buf, arg, 0, 1);
}

void harness_eval(harness *h)
{
    const qvl_program *p = &h->program;
    h->data = qvl_arena_array(&h->arena, float *, p->n_values);
    bool *seen = qvl_arena_array(&h->arena, bool, p->n_values);
    for (int v = 0; v < p->n_values; v++) {
        const qvl_value *value = &p->value[v];
        h->data[v] = qvl_arena_array(&h->arena, float, value->n_elems);
        bool is_given = value->kind == QVL_VALUE_INPUT
                        || value->kind == QVL_VALUE_PARAM;
        for (size_t i = 0; i < value->n_elems && is_given; i++)
            h->data[v][i] = sample(v, i);
        if (value->kind == QVL_VALUE_INPUT && h->given[value->index] != NULL)
            memcpy(h->data[v], h->given[value->index], 4 * value->n_elems);
    }
    for (int i = 0; i < p->n_steps; i++)
        eval_step(h, &p->step[i], seen);
}

qvl_plan_options harness_options(const harness *h)
{
    return (qvl_plan_options){
        .output = h->output,
        .n_outputs = h->n_outputs,
        .trained = h->trained,
    };
}

/* ---- runs ---- */

/* Poisons the places of values after their last use. */
typedef struct {
    const qvl_plan *plan;
    unsigned char **at;  // [n_values] memory of temporaries, else NULL
    int *last;           // [n_values] planned step
} reaper;

static void reap(void *arg, int step)
{
    const reaper *r = arg;
    const qvl_planned *s = &r->plan->step[step];
    uint32_t poison = FAKE_POISON;
    for (int b = 0; b < s->kernel->n_bufs; b++) {
        int v = s->value[b];
        if (r->at[v] == NULL || r->last[v] != step)
            continue;
        for (size_t i = 0; i + 4 <= r->plan->place[v].bytes; i += 4)
            memcpy(r->at[v] + i, &poison, 4);
    }
}

static reaper make_reaper(harness *h, const qvl_run *run)
{
    const qvl_plan *plan = qvl_run_plan(run);
    reaper r = {
        .plan = plan,
        .at = qvl_arena_array(&h->arena, unsigned char *, plan->n_values),
        .last = qvl_arena_array(&h->arena, int, plan->n_values),
    };
    for (int i = 0; i < plan->n_steps; i++)
        for (int b = 0; b < plan->step[i].kernel->n_bufs; b++)
            r.last[plan->step[i].value[b]] = i;
    for (int v = 0; v < plan->n_values; v++) {
        const qvl_place *place = &plan->place[v];
        bool dies = plan->value[v].kind == QVL_VALUE_TEMP
                    && !plan->is_output[v];
        if (place->block >= 0 && dies)
            r.at[v] = fake_bytes(&run->block[place->block]) + place->at;
    }
    return r;
}

static int give_data(harness *h, qvl_store *store, qvl_run *run, qvl_err *err)
{
    const qvl_program *p = &h->program;
    for (int i = 0; i < p->n_params; i++)
        if (p->param_value[i] != -1)
            QVL_TRY(qvl_store_write(store, i, 0,
                                    p->value[p->param_value[i]].n_elems,
                                    h->data[p->param_value[i]], QVL_F32, err));
    for (int i = 0; i < p->n_inputs; i++) {
        int v = p->input_value[i];
        if (v != -1)
            QVL_TRY(qvl_run_input(run, i, h->data[v], p->value[v].n_elems,
                                  err));
    }
    return QVL_OK;
}

static bool same(const float *found, const float *wanted, size_t n,
                 float factor)
{
    for (size_t i = 0; i < n; i++)
        if (!(found[i] == factor * wanted[i]))
            return false;
    return true;
}

static void compare(harness *h, qvl_store *store, qvl_run *run,
                    const qvl_plan_options *o, float factor, const char *what)
{
    const qvl_program *p = &h->program;
    qvl_err err;
    for (int i = 0; i < o->n_outputs; i++) {
        int v = qvl_program_find(p, o->output[i])->value;
        size_t n = p->value[v].n_elems;
        float *x = qvl_arena_array(&h->arena, float, n);
        CHECK_OK(qvl_run_output(run, o->output[i], x, n, &err), err);
        CHECK(same(x, h->data[v], n, 1), "%s: output %d", what, i);
    }
    for (int i = 0; i < p->n_params; i++) {
        if (o->trained == NULL || !o->trained[i])
            continue;
        size_t n = h->params.item[i].shape[0];
        float *x = qvl_arena_array(&h->arena, float, n);
        float *zero = qvl_arena_array(&h->arena, float, n);
        CHECK_OK(qvl_store_read_grad(store, i, x, &err), err);
        int v = p->grad_value[i];
        CHECK(same(x, v == -1 ? zero : h->data[v], n, factor),
              "%s: gradient %d", what, i);
    }
}

static int open_run(harness *h, fake_device *dev, qvl_store **store,
                    qvl_run **run, const qvl_plan_options *o, qvl_err *err)
{
    qvl_types types = o->types;
    QVL_TRY(qvl_store_open(store, &dev->base, &h->params, &types, err));
    if (o->trained != NULL)
        QVL_TRY(qvl_store_train(*store, o->trained, err));
    return qvl_run_open(run, *store, &h->program, o, err);
}

size_t harness_run(harness *h, fake_device *dev,
                   const qvl_plan_options *options, int n_more,
                   const char *what)
{
    qvl_store *store = NULL;
    qvl_run *run = NULL;
    qvl_err err;
    size_t before = dev->counts.bytes_held;
    CHECK_OK(open_run(h, dev, &store, &run, options, &err), err);
    const qvl_plan *plan = qvl_run_plan(run);
    CHECK_INT(dev->counts.bytes_held - before,
              qvl_store_bytes(store) + plan->temp_bytes,
              "%s: predicted and real peak", what);
    harness_check_places(plan, what);
    CHECK_OK(give_data(h, store, run, &err), err);
    reaper r = make_reaper(h, run);
    dev->after = reap;
    dev->after_arg = &r;
    fake_n_poison = 0;
    for (int i = 0; i <= n_more; i++) {
        CHECK_OK(qvl_run_submit(run, i > 0, &err), err);
        compare(h, store, run, options, (float)(i + 1), what);
    }
    CHECK_INT(fake_n_poison, 0, "%s: poisoned elements read", what);
    dev->after = NULL;
    size_t bytes = plan->temp_bytes;
    qvl_run_close(run);
    qvl_store_close(store);
    CHECK_INT(dev->n_bufs + dev->n_lists, 0, "%s: leaks", what);
    return bytes;
}

/* All that harness_run does, as far as it goes without an error. */
static int try_all(harness *h, fake_device *dev, qvl_store **store,
                   qvl_run **run, const qvl_plan_options *o, qvl_err *err)
{
    QVL_TRY(open_run(h, dev, store, run, o, err));
    QVL_TRY(give_data(h, *store, *run, err));
    QVL_TRY(qvl_run_submit(*run, false, err));
    QVL_TRY(qvl_run_submit(*run, true, err));
    for (int i = 0; i < o->n_outputs; i++) {
        const qvl_output *out = qvl_program_find(&h->program, o->output[i]);
        size_t n = h->program.value[out->value].n_elems;
        float *x = qvl_arena_array(&h->arena, float, n);
        QVL_TRY(qvl_run_output(*run, o->output[i], x, n, err));
    }
    return QVL_OK;
}

int harness_try(harness *h, fake_device *dev, const qvl_plan_options *options,
                qvl_err *err)
{
    qvl_store *store = NULL;
    qvl_run *run = NULL;
    int rc = try_all(h, dev, &store, &run, options, err);
    qvl_run_close(run);
    qvl_store_close(store);
    return rc;
}

/* ---- places ---- */

typedef struct {
    int first, last;
} life;

static life *lives(const qvl_plan *plan, qvl_arena *arena)
{
    life *l = qvl_arena_array(arena, life, plan->n_values);
    for (int v = 0; v < plan->n_values; v++)
        l[v] = (life){plan->n_steps, -1};
    for (int i = 0; i < plan->n_steps; i++)
        for (int b = 0; b < plan->step[i].kernel->n_bufs; b++) {
            life *t = &l[plan->step[i].value[b]];
            t->first = i < t->first ? i : t->first;
            t->last = i;
        }
    for (int v = 0; v < plan->n_values; v++) {
        if (plan->is_output[v])
            l[v].last = plan->n_steps;
        if (plan->value[v].kind == QVL_VALUE_INPUT)
            l[v] = (life){0, plan->n_steps};
    }
    return l;
}

void harness_check_places(const qvl_plan *plan, const char *what)
{
    qvl_arena arena = {0};
    const life *l = lives(plan, &arena);
    for (int v = 0; v < plan->n_values; v++) {
        const qvl_place *a = &plan->place[v];
        bool is_temp = plan->value[v].kind == QVL_VALUE_TEMP
                       || plan->value[v].kind == QVL_VALUE_INPUT;
        CHECK((a->block >= 0) == (is_temp && plan->needed[v]),
              "%s: value %d has a place when it is needed", what, v);
        if (a->block < 0)
            continue;
        CHECK(a->bytes >= 16 && a->at % 16 == 0
              && a->at + a->bytes <= plan->block_bytes[a->block],
              "%s: value %d in its block", what, v);
        for (int w = 0; w < v; w++) {
            const qvl_place *b = &plan->place[w];
            bool meets = b->block == a->block && a->at < b->at + b->bytes
                         && b->at < a->at + a->bytes;
            bool at_once = l[v].first <= l[w].last && l[w].first <= l[v].last;
            CHECK(!(meets && at_once), "%s: values %d and %d", what, v, w);
        }
    }
    qvl_arena_release(&arena);
}
