/* cut.c - programs with operands in parts against the same in one piece */
#include "program/cut.h"

#include "check.h"
#include "graph/run.h"

#define MAX_KERNELS 128
#define MOST_STEPS 800  // of a run in parts: shorter parts are cut no other way

static bool made[MAX_KERNELS][KERN_MAX_CUTS];
static int n_exact;

void cut_begin(void)
{
    memset(made, 0, sizeof made);
    n_exact = 0;
}

/* ---- what was cut ---- */

static uint32_t tile_of(const job *j, const qvl_kernel *k, const char *name)
{
    for (int i = 0; i < k->n_tiles; i++)
        if (strcmp(k->tile_name[i], name) == 0)
            return qvl_device_tiling(j->t->dev, k)->tile[i];
    CHECK(false, "%s has no tile %s", k->op, name);
    return 0;
}

/* Does the part make its elements of the product as the whole step does? */
static bool is_same_product(const job *j, const qvl_planned *s,
                            const qvl_step *whole, const char *dim)
{
    if (strcmp(s->kernel->op, "matmul_nt") != 0)
        return true;
    /* In a part other columns are left behind whole vectors, for which the
     * expression is compiled apart. */
    if (strcmp(dim, "N") == 0 && strstr(s->kernel->name, ".e") != NULL)
        return false;
    uint32_t thin = tile_of(j, s->kernel, "THIN");
    return (s->arg[0] <= thin || s->arg[2] <= thin)
           == (whole->arg[0] <= thin || whole->arg[2] <= thin);
}

/* Is the dim summed over, so that a cut changes the order of a sum? A part of a
 * table has the one row that an element is made of, or adds 0. */
static bool is_sum(const kern *k, const kern_cut *c, const uint32_t *arg)
{
    if (strcmp(k->name, "lookup") == 0 && strcmp(k->sym[c->sym], "N") == 0)
        return arg[3] > 1;
    for (int i = 0; i < k->n_operands; i++) {
        const kern_operand *o = &k->operand[i];
        bool has = false;
        for (int d = 0; d < o->rank; d++)
            has = has || o->dim[d] == c->sym;
        if (o->access == KERN_ACC && !has && !c->apart)
            return true;
    }
    return false;
}

/* Note the cuts of a step; are the results the same bits? */
static bool note_step(const job *j, const qvl_run *run, const qvl_planned *s)
{
    const kern_set *set = fixture_kernels();
    const kern *k = kern_find(set, s->kernel->op);
    CHECK(k != NULL && set->n <= MAX_KERNELS, "%s", s->kernel->op);
    bool *seen = made[k - set->item];
    if (s->step < 0) {  // zeros in place of a gradient
        size_t n = run->plan.value[s->value[0]].n_elems;
        seen[0] = seen[0] || s->arg[0] < n;
        return true;
    }
    const qvl_step *whole = &run->program->step[s->step];
    bool exact = true;
    CHECK_INT(whole->family->n_cuts, k->n_cuts, "%s", k->name);
    for (int i = 0; i < k->n_cuts; i++) {
        int arg = whole->family->cut[i].dim_arg;
        if (s->arg[arg] == whole->arg[arg])
            continue;
        seen[i] = true;
        exact = exact && !is_sum(k, &k->cut[i], whole->arg)
                && is_same_product(j, s, whole, k->sym[k->cut[i].sym]);
    }
    return exact;
}

static bool note_steps(const job *j, const qvl_run *run)
{
    bool exact = true;
    for (int i = 0; i < run->plan.n_steps; i++)
        exact = note_step(j, run, &run->plan.step[i]) && exact;
    return exact;
}

/* ---- runs ---- */

/* Results of a run with whole operands. */
typedef struct {
    float *output, *grad;
    size_t n_output, n_grad;
    int n_steps;
    size_t most;  // bytes of the largest operand
} whole_run;

static whole_run run_whole(job *j, ref_phase ph)
{
    qvl_run *run = job_run(j, ph, false);
    whole_run w = {.n_steps = run->plan.n_steps};
    for (int i = 0; i < run->plan.n_steps; i++)
        for (int b = 0; b < run->plan.step[i].kernel->n_bufs; b++)
            if (run->plan.step[i].bytes[b] > w.most)
                w.most = run->plan.step[i].bytes[b];
    job_submit(j, run, false);
    w.output = job_read(j, run, &w.n_output);
    if (ph == REF_TRAIN)
        w.grad = job_read(j, NULL, &w.n_grad);
    qvl_run_close(run);
    return w;
}

static void check_parts(job *j, ref_phase ph, qvl_run *run, const whole_run *w)
{
    size_t n;
    bool exact = note_steps(j, run);
    job_submit(j, run, false);
    job_check_outputs(j, run);
    job_check_states(j);
    if (exact)
        job_check_bits(j, job_read(j, run, &n), w->output, w->n_output,
                       "a cut");
    n_exact += exact;
    if (ph != REF_TRAIN)
        return;
    job_check_grads(j, 1.0);
    if (exact)
        job_check_bits(j, job_read(j, NULL, &n), w->grad, w->n_grad, "a cut");
    job_submit(j, run, true);
    job_check_grads(j, 2.0);
}

/* The run within a limit; NULL where the plan finds it too low, or makes more
 * dispatches than are worth their time or the device holds: a run has two lists,
 * one of them to add to gradients. */
static qvl_run *try_limit(job *j, ref_phase ph, size_t limit)
{
    qvl_run *run = job_try(j, ph, false, limit);
    uint32_t held = j->t->dev->info.max_dispatches / 2;
    uint32_t most = held == 0 || held > MOST_STEPS ? MOST_STEPS : held;
    CHECK(run != NULL || j->err.code == QVL_E_DEVICE, "%s: %s", j->what,
          j->err.msg);
    if (run == NULL || (uint32_t)run->plan.n_steps <= most)
        return run;
    qvl_run_close(run);
    return NULL;
}

/* Only runs that were cut are worth their time. */
static void check_limit(job *j, ref_phase ph, qvl_run *run,
                        const whole_run *w, size_t limit)
{
    size_t end = strlen(j->what);
    if (run == NULL)
        return;
    snprintf(j->what + end, sizeof j->what - end, " by %zu bytes", limit);
    if (run->plan.n_steps > w->n_steps)
        check_parts(j, ph, run, w);
    j->what[end] = '\0';
    qvl_run_close(run);
}

void cut_check(job *j, ref_phase ph)
{
    whole_run w = run_whole(j, ph);
    size_t limit = 64;
    qvl_run *run = NULL;
    while (limit < w.most && (run = try_limit(j, ph, limit)) == NULL)
        limit += limit / 4;
    if (limit >= w.most)
        return;
    check_limit(j, ph, run, &w, limit);
    if (w.most - 4 > limit)
        check_limit(j, ph, try_limit(j, ph, w.most - 4), &w, w.most - 4);
}

/* Entries are never longer than their weights, which stay whole: turns alone cut
 * along them (tests/backend/test_turns.c, tests/graph/test_cut.c). */
static bool is_by_turns(const kern *k, int c)
{
    return strcmp(k->name, "lookup_dx") == 0
           && strcmp(k->sym[k->cut[c].sym], "S") == 0;
}

void cut_end(const char *device)
{
    const kern_set *set = fixture_kernels();
    for (int i = 0; i < set->n; i++)
        for (int c = 0; c < set->item[i].n_cuts; c++)
            CHECK(made[i][c] || is_by_turns(&set->item[i], c),
                  "%s: %s was never cut along %s", device, set->item[i].name,
                  set->item[i].sym[set->item[i].cut[c].sym]);
    CHECK(n_exact > 0, "%s: no cut run compared bit by bit", device);
}
