/* trace.c - a run step by step, with a checksum of every value
 *
 * A value is read back after the last planned step that writes it, when all its
 * parts are there: before that, what no step has written yet is undefined.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "graph/run.h"

typedef struct {
    qvl_run *run;
    int *last;     // [n_values] last step that writes the value, -1: none
    float *elems;  // room for the largest value
    qvl_trace_row *rows;
    size_t n_rows;
    qvl_err *err;
} trace;

static void find_last_writes(trace *t)
{
    const qvl_plan *plan = &t->run->plan;
    for (int v = 0; v < plan->n_values; v++)
        t->last[v] = -1;
    for (int i = 0; i < plan->n_steps; i++) {
        const qvl_planned *s = &plan->step[i];
        for (int b = 0; b < s->kernel->n_bufs; b++)
            if (s->kernel->access[b] != QVL_ACCESS_IN)
                t->last[s->value[b]] = i;
    }
}

static void measure(qvl_trace_row *row, const float *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        double v = x[i];
        if (isnan(v)) {
            row->n_nan++;
            continue;
        }
        sum += v;
        if (fabs(v) > row->max_abs)
            row->max_abs = fabs(v);
    }
    row->n_elems = n;
    if (n > row->n_nan)
        row->mean = sum / (double)(n - row->n_nan);
}

static int add_row(trace *t, const qvl_planned *s, int v)
{
    const qvl_value *value = &t->run->plan.value[v];
    QVL_TRY(qvl_run_read(t->run, v, t->elems, t->err));
    qvl_trace_row row = {
        .name = value->name == NULL ? "" : value->name,
        .op = s->kernel->op,
        .line = s->step < 0 ? 0 : t->run->program->step[s->step].line,
    };
    measure(&row, t->elems, value->n_elems);
    t->rows[t->n_rows++] = row;
    return QVL_OK;
}

static int run_step(trace *t, int i)
{
    const qvl_backend *be = t->run->dev->be;
    const qvl_planned *s = &t->run->plan.step[i];
    qvl_list *list;
    QVL_TRY(qvl_run_record(t->run, i, 1, false, &list, t->err));
    int rc = be->submit(t->run->dev, list, t->err);
    if (rc == QVL_OK)
        rc = be->wait(t->run->dev, t->err);
    be->list_release(t->run->dev, list);
    for (int b = 0; b < s->kernel->n_bufs && rc == QVL_OK; b++)
        if (t->last[s->value[b]] == i)
            rc = add_row(t, s, s->value[b]);
    return rc;
}

/* Elements of the largest value that is written, and the number of them. */
static size_t largest(const trace *t, size_t *n_written)
{
    const qvl_plan *plan = &t->run->plan;
    size_t most = 0;
    *n_written = 0;
    for (int v = 0; v < plan->n_values; v++) {
        if (t->last[v] == -1)
            continue;
        (*n_written)++;
        if (plan->value[v].n_elems > most)
            most = plan->value[v].n_elems;
    }
    return most;
}

int qvl_run_trace(qvl_run *run, qvl_trace_row **rows, size_t *n,
                  qvl_arena *arena, qvl_err *err)
{
    assert(qvl_run_is_fed(run));
    trace t = {
        .run = run,
        .last = qvl_arena_array(arena, int, run->plan.n_values),
        .err = err,
    };
    find_last_writes(&t);
    size_t n_written;
    size_t most = largest(&t, &n_written);
    t.rows = qvl_arena_array(arena, qvl_trace_row, n_written);
    t.elems = qvl_arena_array(arena, float, most);
    for (int i = 0; i < run->plan.n_steps; i++)
        QVL_TRY(run_step(&t, i));
    *rows = t.rows;
    *n = t.n_rows;
    return QVL_OK;
}
