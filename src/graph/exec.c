/* exec.c - a plan bound to memory, recorded, and replayed
 *
 * A run has two lists, one that starts sums and one that adds to them; where nothing
 * differs the first serves for both. The lists of a run that shares are void once a
 * block of the scratch was replaced, its inputs then too, and when another run has used
 * the blocks: take_scratch sees to it, before each input and each submission.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "graph/run.h"
#include "tensor/dtype.h"

/* ---- where values are ---- */

/* All that is reserved for a value that the plan needs. */
static qvl_slice whole_slice(const qvl_run *run, int v)
{
    const qvl_value *value = &run->plan.value[v];
    const qvl_place *place = &run->plan.place[v];
    if (value->kind == QVL_VALUE_PARAM)
        return qvl_store_slice(run->store, value->index);
    if (value->kind == QVL_VALUE_GRAD)
        return qvl_store_grad_slice(run->store, value->index);
    if (value->kind == QVL_VALUE_STATE)
        return qvl_store_state_slice(run->store, value->index);
    assert(place->block >= 0);
    const qvl_buf *block = run->shares ? qvl_store_scratch(run->store)->block
                                       : run->block;
    return (qvl_slice){&block[place->block], place->at, place->bytes};
}

int qvl_run_read(qvl_run *run, int v, float *dst, qvl_err *err)
{
    const qvl_value *value = &run->plan.value[v];
    return qvl_stage_read(qvl_store_stage(run->store), whole_slice(run, v),
                          qvl_types_of(&run->plan.types, value->cls), 0,
                          value->n_elems, dst, err);
}

/* ---- lists ---- */

static int record_step(qvl_run *run, const qvl_planned *s, bool more,
                       qvl_err *err)
{
    qvl_slice buf[QVL_KERNEL_MAX_BUFS];
    for (int b = 0; b < s->kernel->n_bufs; b++) {
        buf[b] = whole_slice(run, s->value[b]);
        assert(s->at_bytes[b] + s->bytes[b] <= buf[b].bytes);
        buf[b].at += s->at_bytes[b];
        buf[b].bytes = s->bytes[b];
    }
    int rc = run->dev->be->dispatch(run->dev, s->kernel, buf,
                                    more ? s->arg_more : s->arg, err);
    if (rc != QVL_OK)
        qvl_err_add(err, "kernel %s", s->kernel->name);
    return rc;
}

typedef struct {
    qvl_run *run;
    int first, n;
    bool more;
    qvl_err *err;
} record_job;

/* Add the numbers of an output to those of earlier runs. */
static int record_sum(qvl_run *run, bool more, qvl_err *err)
{
    size_t n = run->plan.value[run->sum_value].n_elems;
    qvl_slice buf[QVL_TALLY_N_BUFS];
    uint32_t arg[QVL_TALLY_N_ARGS];
    qvl_tally_bufs(buf, whole_slice(run, run->sum_value), run->sum.total);
    qvl_tally_args(arg, (uint32_t)n, more);
    return run->dev->be->dispatch(run->dev,
                                  qvl_family_form(&qvl_family_tally, QVL_F32),
                                  buf, arg, err);
}

static int record_steps(void *arg)
{
    const record_job *job = arg;
    qvl_run *run = job->run;
    int end = job->first + job->n;
    for (int i = job->first; i < end; i++)
        QVL_TRY(record_step(run, &run->plan.step[i], job->more, job->err));
    if (end == run->plan.n_steps && run->sum_value != -1)
        return record_sum(run, job->more, job->err);
    return QVL_OK;
}

int qvl_run_record(qvl_run *run, int first, int n, bool more, qvl_list **list,
                   qvl_err *err)
{
    const qvl_backend *be = run->dev->be;
    record_job job = {run, first, n, more, err};
    QVL_TRY(be->list_begin(run->dev, err));
    /* The list ends when host memory runs out as well, and gives back what it has;
     * a broken one is thrown away. */
    int rc = qvl_guard(record_steps, &job, err);
    qvl_list *made = NULL;
    int end = be->list_end(run->dev, &made, rc == QVL_OK ? err : NULL);
    if (rc == QVL_OK)
        rc = end;
    if (rc != QVL_OK) {
        if (made != NULL)
            be->list_release(run->dev, made);
        return rc;
    }
    *list = made;
    return QVL_OK;
}

/* Do any steps differ between starting sums and adding to them? */
static bool has_sums(const qvl_run *run)
{
    for (int i = 0; i < run->plan.n_steps; i++)
        if (run->plan.step[i].arg != run->plan.step[i].arg_more)
            return true;
    return run->sum_value != -1;
}

static void drop_lists(qvl_run *run)
{
    const qvl_backend *be = run->dev->be;
    if (run->more != NULL)
        be->list_release(run->dev, run->more);
    if (run->start != NULL)
        be->list_release(run->dev, run->start);
    run->more = NULL;
    run->start = NULL;
}

/* Before a run that shares touches its memory: have it, and forget what was
 * recorded or given before the memory changed hands. */
static int take_scratch(qvl_run *run, qvl_err *err)
{
    qvl_scratch *s = qvl_store_scratch(run->store);
    int rc = qvl_scratch_grow(s, run->dev, run->plan.block_bytes,
                              run->plan.n_blocks, err);
    if (rc != QVL_OK) {
        qvl_err_add(err, "memory for temporaries, %zu bytes in all",
                    run->plan.temp_bytes);
        return rc;
    }
    if (run->age != s->age)
        drop_lists(run);
    run->age = s->age;
    if (s->user != run)
        memset(run->given, 0,
               (size_t)run->program->n_inputs * sizeof *run->given);
    s->user = run;
    return QVL_OK;
}

/* ---- open and close ---- */

typedef struct {
    qvl_run *run;
    qvl_store *store;
    const qvl_program *program;
    const qvl_plan_options *options;
    const qvl_run_sum *sum;  // NULL: memory of its own
    qvl_err *err;
} open_job;

static size_t first_set(size_t asked, size_t device)
{
    return asked != 0 ? asked : device;
}

/* A tied parameter is trained through the one whose gradient it shares. */
static const bool *resolve_trained(qvl_run *run, const bool *trained)
{
    if (trained == NULL)
        return NULL;
    int n = run->program->n_params;
    bool *resolved = qvl_arena_array(&run->arena, bool, n);
    for (int i = 0; i < n; i++) {
        if (!trained[i])
            continue;
        assert(qvl_store_is_trained(run->store, i));
        resolved[qvl_store_owner(run->store, i)] = true;
    }
    return resolved;
}

static int make_plan(qvl_run *run, const qvl_plan_options *options,
                     qvl_err *err)
{
    const qvl_device_info *info = &run->dev->info;
    qvl_plan_options o = *options;
    o.trained = resolve_trained(run, options->trained);
    o.align_bytes = first_set(o.align_bytes, info->align_bytes);
    o.max_binding_bytes = first_set(o.max_binding_bytes,
                                    info->max_binding_bytes);
    o.max_alloc_bytes = first_set(o.max_alloc_bytes, info->max_alloc_bytes);
    o.device = run->dev;
    return qvl_plan_make(&run->plan, run->program, &o, &run->arena, err);
}

/* Recorded steps point at the store's buffers, which stay where they are from
 * the moment on when all states of the run are there. */
static int open_states(qvl_run *run, qvl_err *err)
{
    const qvl_plan *plan = &run->plan;
    for (int v = plan->n_values - 1; v >= 0; v--) {
        const qvl_value *value = &plan->value[v];
        if (value->kind != QVL_VALUE_STATE || !plan->needed[v])
            continue;
        qvl_slice slice;
        size_t bytes = value->n_elems
                       * qvl_dtype_bytes(qvl_types_of(&plan->types,
                                                      value->cls));
        QVL_TRY(qvl_store_state(run->store, value->index, bytes, &slice,
                                err));
    }
    return QVL_OK;
}

static int open_blocks(qvl_run *run, qvl_err *err)
{
    const qvl_plan *plan = &run->plan;
    run->block = qvl_arena_array(&run->arena, qvl_buf, plan->n_blocks);
    for (int k = 0; k < plan->n_blocks; k++) {
        int rc = run->dev->be->alloc(run->dev, plan->block_bytes[k],
                                     &run->block[k], err);
        if (rc != QVL_OK) {
            qvl_err_add(err, "memory for temporaries, %zu bytes in all",
                        plan->temp_bytes);
            return rc;
        }
        run->n_open++;
    }
    return QVL_OK;
}

static void set_sum(qvl_run *run, const qvl_run_sum *sum)
{
    run->shares = true;
    run->sum = *sum;
    if (sum->sum == NULL)
        return;
    const qvl_output *out = qvl_program_find(run->program, sum->sum);
    assert(out != NULL && run->plan.is_output[out->value]);
    assert(qvl_types_of(&run->plan.types, run->plan.value[out->value].cls)
           == QVL_F32);
    run->sum_value = out->value;
}

static int open_parts(void *arg)
{
    const open_job *job = arg;
    qvl_run *run = job->run;
    run->store = job->store;
    run->program = job->program;
    assert(job->program->n_params <= qvl_store_n_params(job->store));
    assert(job->options->types.act == qvl_store_types(job->store)->act);
    QVL_TRY(make_plan(run, job->options, job->err));
    run->given = qvl_arena_array(&run->arena, bool, run->program->n_inputs);
    QVL_TRY(open_states(run, job->err));
    if (job->sum != NULL) {
        set_sum(run, job->sum);
        return QVL_OK;
    }
    QVL_TRY(open_blocks(run, job->err));
    return qvl_run_record(run, 0, run->plan.n_steps, false, &run->start,
                          job->err);
}

static int open_run(qvl_run **run, open_job *job)
{
    qvl_run *r = qvl_memory_zeroed(1, sizeof *r);
    *r = (qvl_run){.dev = qvl_store_device(job->store), .sum_value = -1};
    job->run = r;
    int rc = qvl_guard(open_parts, job, job->err);
    if (rc != QVL_OK) {
        qvl_run_close(r);
        return rc;
    }
    *run = r;
    return QVL_OK;
}

int qvl_run_open(qvl_run **run, qvl_store *store, const qvl_program *program,
                 const qvl_plan_options *options, qvl_err *err)
{
    open_job job = {.store = store, .program = program, .options = options,
                    .err = err};
    return open_run(run, &job);
}

int qvl_run_open_shared(qvl_run **run, qvl_store *store,
                        const qvl_program *program,
                        const qvl_plan_options *options,
                        const qvl_run_sum *sum, qvl_err *err)
{
    open_job job = {.store = store, .program = program, .options = options,
                    .sum = sum, .err = err};
    return open_run(run, &job);
}

void qvl_run_close(qvl_run *run)
{
    if (run == NULL)
        return;
    drop_lists(run);
    if (run->shares && qvl_store_scratch(run->store)->user == run)
        qvl_store_scratch(run->store)->user = NULL;
    while (run->n_open > 0)
        run->dev->be->release(run->dev, &run->block[--run->n_open]);
    qvl_arena_release(&run->arena);
    free(run);
}

const qvl_plan *qvl_run_plan(const qvl_run *run)
{
    return &run->plan;
}

/* ---- inputs, submission, outputs ---- */

/* The value of an input that the plan needs, else -1. */
static int needed_input(const qvl_run *run, int index)
{
    assert(index >= 0 && index < run->program->n_inputs);
    int v = run->program->input_value[index];
    return v != -1 && run->plan.needed[v] ? v : -1;
}

bool qvl_run_needs(const qvl_run *run, int index)
{
    return needed_input(run, index) != -1;
}

int qvl_run_input(qvl_run *run, int index, const void *data, size_t n,
                  qvl_err *err)
{
    int v = needed_input(run, index);
    if (v == -1)
        return QVL_OK;
    const qvl_value *value = &run->plan.value[v];
    if (n != value->n_elems)
        return qvl_fail(err, QVL_E_RANGE,
                        "input %s: found %zu elements, expected %zu",
                        value->name == NULL ? "without name" : value->name,
                        n, value->n_elems);
    if (run->shares)
        QVL_TRY(take_scratch(run, err));
    int dtype = qvl_types_of(&run->plan.types, value->cls);
    int src_dtype = qvl_types_of(&(qvl_types){0}, value->cls);  // f32 or i32
    QVL_TRY(qvl_stage_write(qvl_store_stage(run->store), whole_slice(run, v),
                            dtype, 0, n, data, src_dtype, err));
    run->given[index] = true;
    return QVL_OK;
}

bool qvl_run_is_fed(const qvl_run *run)
{
    for (int i = 0; i < run->program->n_inputs; i++)
        if (qvl_run_needs(run, i) && !run->given[i])
            return false;
    return true;
}

int qvl_run_submit(qvl_run *run, bool more, qvl_err *err)
{
    if (run->shares)
        QVL_TRY(take_scratch(run, err));
    assert(qvl_run_is_fed(run));
    bool adds = more && has_sums(run);
    qvl_list **list = adds ? &run->more : &run->start;
    if (*list == NULL)
        QVL_TRY(qvl_run_record(run, 0, run->plan.n_steps, adds, list, err));
    return run->dev->be->submit(run->dev, *list, err);
}

/* The value of a wanted output; n elements are expected of it. */
static int find_output(const qvl_run *run, const char *name, size_t n,
                       int *value, qvl_err *err)
{
    assert(!run->shares || qvl_store_scratch(run->store)->user == run);
    const qvl_output *out = qvl_program_find(run->program, name);
    if (out == NULL || !run->plan.is_output[out->value])
        return qvl_fail(err, QVL_E_USAGE,
                        "\"%s\" is no output that this run was opened for",
                        name);
    size_t n_elems = run->plan.value[out->value].n_elems;
    if (n != n_elems)
        return qvl_fail(err, QVL_E_RANGE,
                        "output %s: room for %zu elements, expected %zu",
                        name, n, n_elems);
    *value = out->value;
    return QVL_OK;
}

int qvl_run_output(qvl_run *run, const char *name, float *dst, size_t n,
                   qvl_err *err)
{
    int v;
    QVL_TRY(find_output(run, name, n, &v, err));
    return qvl_run_read(run, v, dst, err);
}

int qvl_run_copy(qvl_run *run, const char *name, qvl_slice to,
                 qvl_list **list, qvl_err *err)
{
    const qvl_backend *be = run->dev->be;
    int v;
    QVL_TRY(find_output(run, name, to.bytes / sizeof(float), &v, err));
    assert(qvl_types_of(&run->plan.types, run->plan.value[v].cls) == QVL_F32);
    qvl_slice from = whole_slice(run, v);
    from.bytes = to.bytes;
    qvl_list *made = NULL;
    QVL_TRY(be->list_begin(run->dev, err));
    QVL_TRY(be->copy(run->dev, to, from, err));
    QVL_TRY(be->list_end(run->dev, &made, err));
    int rc = be->submit(run->dev, made, err);
    if (rc != QVL_OK) {
        be->list_release(run->dev, made);
        return rc;
    }
    *list = made;
    return QVL_OK;
}
