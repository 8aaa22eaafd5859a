/* test_place.c - random programs against the reference, with memory shared as planned */
#include <time.h>

#include "check.h"
#include "harness.h"
#include "tensor/dtype.h"

#define N_PROGRAMS 1000

/* Time of this process alone: the machine may be shared. */
static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* Largest sum of what is alive at one step: no plan needs less. */
static size_t least_bytes(const qvl_plan *plan, qvl_arena *arena)
{
    ptrdiff_t *change = qvl_arena_array(arena, ptrdiff_t, plan->n_steps + 2);
    int *last = qvl_arena_array(arena, int, plan->n_values);
    bool *seen = qvl_arena_array(arena, bool, plan->n_values);
    for (int i = 0; i < plan->n_steps; i++)
        for (int b = 0; b < plan->step[i].kernel->n_bufs; b++)
            last[plan->step[i].value[b]] = i;
    for (int i = 0; i < plan->n_steps; i++)
        for (int b = 0; b < plan->step[i].kernel->n_bufs; b++) {
            int v = plan->step[i].value[b];
            bool is_input = plan->value[v].kind == QVL_VALUE_INPUT;
            if (seen[v] || plan->place[v].block < 0)
                continue;
            seen[v] = true;
            ptrdiff_t bytes = (ptrdiff_t)plan->place[v].bytes;
            bool stays = plan->is_output[v] || is_input;
            change[is_input ? 0 : i] += bytes;
            change[(stays ? plan->n_steps : last[v]) + 1] -= bytes;
        }
    ptrdiff_t alive = 0, most = 0;
    for (int i = 0; i <= plan->n_steps; i++) {
        alive += change[i];
        most = alive > most ? alive : most;
    }
    return (size_t)most;
}

static void test_random_programs(void)
{
    for (int i = 0; i < N_PROGRAMS; i++) {
        qvl_rng rng = harness_rng((uint64_t)i);
        harness h;
        harness_random(&h, &rng, 5 + (int)qvl_rng_below(&rng, 60));
        harness_eval(&h);
        fake_device dev;
        fake_open(&dev);
        qvl_plan_options o = harness_options(&h);
        if (i % 3 == 0)
            dev.base.info.max_alloc_bytes = 2048;  // several blocks
        if (i % 5 == 0)
            o.types = (qvl_types){QVL_BF16, QVL_BF16};
        if (i % 7 == 0)
            o.n_outputs = 1;
        char what[64];
        snprintf(what, sizeof what, "program %d", i);
        harness_run(&h, &dev, &o, i % 2, what);
        harness_release(&h);
    }
}

/* How much memory a plan takes beyond what is alive at the worst step. */
static void test_quality(void)
{
    size_t got = 0, least = 0, sum = 0;
    for (int i = 0; i < 50; i++) {
        qvl_rng rng = harness_rng(5000 + (uint64_t)i);
        harness h;
        qvl_err err;
        qvl_plan plan;
        if (i % 2 == 0)
            harness_random(&h, &rng, 300);
        else
            harness_layers(&h, &rng, 12, 128);
        qvl_plan_options o = harness_options(&h);
        CHECK_OK(qvl_plan_make(&plan, &h.program, &o, &h.arena, &err), err);
        got += plan.temp_bytes;
        sum += plan.temp_bytes_sum;
        least += least_bytes(&plan, &h.arena);
        harness_release(&h);
    }
    print_message("memory: %.1f %% of what is alive at the worst step, %.1f %% "
                  "of the sum\n", 100.0 * (double)got / (double)least,
                  100.0 * (double)got / (double)sum);
    CHECK(got >= least, "no plan takes less than is alive");
    CHECK((double)got <= 1.15 * (double)least, "%zu for %zu bytes", got,
          least);
}

/* The size of a large training program; the bound leaves a slow machine and
 * a build for debugging ten times what is usual. */
static void test_speed(void)
{
    static const int n_layers[] = {100, 1400};
    for (size_t i = 0; i < QVL_COUNT(n_layers); i++) {
        qvl_rng rng = harness_rng(9000);
        harness h;
        qvl_err err;
        qvl_plan plan;
        harness_layers(&h, &rng, n_layers[i], 100);
        qvl_plan_options o = harness_options(&h);
        double t0 = now_ms();
        CHECK_OK(qvl_plan_make(&plan, &h.program, &o, &h.arena, &err), err);
        double t1 = now_ms();
        o.recompute = true;
        CHECK_OK(qvl_plan_make(&plan, &h.program, &o, &h.arena, &err), err);
        double t2 = now_ms();
        print_message("plan of %d steps, %d values: %.1f ms, recomputing %d "
                      "steps: %.1f ms\n", h.program.n_steps,
                      h.program.n_values, t1 - t0, plan.n_steps, t2 - t1);
        CHECK(t2 - t0 < 5000.0, "%d layers take %g ms", n_layers[i], t2 - t0);
        harness_release(&h);
    }
}

RUN_TESTS(TEST(test_random_programs), TEST(test_quality), TEST(test_speed))
