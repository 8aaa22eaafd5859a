/* test_recompute.c - recomputing changes memory and time, and nothing else */
#include "check.h"
#include "harness.h"

/* A chain of layers, each x -> a -> b -> x with a, b read by its backward. */
static void chain(harness *h, int n_layers, size_t width)
{
    harness_init(h, n_layers, 1);
    qvl_program *p = &h->program;
    int x = harness_input(h, 0, QVL_CLS_ACT, width);
    int *in = qvl_program_ids(p, (size_t)n_layers);
    int *a = qvl_program_ids(p, (size_t)n_layers);
    int *b = qvl_program_ids(p, (size_t)n_layers);
    for (int l = 0; l < n_layers; l++) {
        p->mark = (qvl_mark){0, l, false};
        int w = harness_param(h, 4);
        in[l] = x;
        a[l] = harness_mix(h, 2, (int[]){x, w}, width, 1);
        b[l] = harness_mix(h, 1, &a[l], width, 2);
        x = harness_mix(h, 2, (int[]){b[l], x}, width, 3);
        h->trained[l] = true;
    }
    p->mark = (qvl_mark){.repeat = -1};
    harness_want(h, x);
    int dy = harness_mix(h, 1, &x, width, 4);
    for (int l = n_layers - 1; l >= 0; l--) {
        p->mark = (qvl_mark){0, l, true};
        dy = harness_mix(h, 3, (int[]){dy, a[l], b[l]}, width, 5);
        harness_sum(h, dy, in[l], l, 6);
    }
}

static qvl_plan recomputed(harness *h, const qvl_plan_options *options)
{
    qvl_plan_options o = *options;
    qvl_plan plan;
    qvl_err err;
    o.recompute = true;
    CHECK_OK(qvl_plan_make(&plan, &h->program, &o, &h->arena, &err), err);
    return plan;
}

static void check_steps(const qvl_plan *plan, const int *step, int n)
{
    CHECK_INT(plan->n_steps, n, "steps");
    for (int i = 0; i < n; i++)
        CHECK_INT(plan->step[i].step, step[i], "place %d", i);
}

static void test_chain(void)
{
    harness h;
    chain(&h, 10, 64);
    harness_eval(&h);
    fake_device dev;
    fake_open(&dev);
    qvl_plan_options o = harness_options(&h);
    size_t kept = harness_run(&h, &dev, &o, 1, "kept");
    o.recompute = true;
    size_t again = harness_run(&h, &dev, &o, 1, "recomputed");
    qvl_plan plan = recomputed(&h, &o);
    CHECK_INT(plan.n_steps, 10 * 5 + 1 + 10 * 2, "a and b twice");
    CHECK_INT(plan.step[31].step, 27, "a of the last layer again");
    CHECK_INT(plan.step[32].step, 28, "and b");
    CHECK_INT(plan.step[33].step, 31, "then the backward step");
    /* Of each layer its input lives on, not a and b: 10 and some, not 30. */
    CHECK(again <= (10 + 6) * 256 && kept >= 30 * 256, "%zu and %zu bytes",
          kept, again);
    harness_release(&h);
}

/* Only what some backward step reads is repeated, and what leads there. */
static void test_least_work(void)
{
    harness h;
    harness_init(&h, 0, 1);
    qvl_program *p = &h.program;
    int x = harness_input(&h, 0, QVL_CLS_ACT, 16);
    p->mark = (qvl_mark){0, 0, false};
    int a = harness_mix(&h, 1, &x, 16, 1);               // 0
    int b = harness_mix(&h, 1, &a, 16, 2);               // 1
    int c = harness_mix(&h, 1, &b, 16, 3);               // 2
    int y = harness_mix(&h, 2, (int[]){c, a}, 16, 4);    // 3
    p->mark = (qvl_mark){.repeat = -1};
    int dy = harness_mix(&h, 2, (int[]){y, c}, 16, 5);   // 4, keeps c
    p->mark = (qvl_mark){0, 0, true};
    int d = harness_mix(&h, 1, &dy, 16, 6);              // 5
    d = harness_mix(&h, 3, (int[]){d, b, c}, 16, 7);     // 6
    d = harness_mix(&h, 2, (int[]){d, b}, 16, 8);        // 7
    harness_want(&h, d);
    harness_want(&h, a);
    qvl_plan_options o = harness_options(&h);
    o.n_outputs = 1;
    qvl_plan plan = recomputed(&h, &o);
    check_steps(&plan, (int[]){0, 1, 2, 3, 4, 5, 0, 1, 6, 7}, 10);
    CHECK_INT(plan.n_values, p->n_values + 2, "fresh values of a and b");
    CHECK(plan.step[8].value[1] != b && plan.step[8].value[2] == c,
          "b is fresh, c was kept");
    o.n_outputs = 2;
    plan = recomputed(&h, &o);
    check_steps(&plan, (int[]){0, 1, 2, 3, 4, 5, 1, 6, 7}, 9);
    CHECK_INT(plan.step[6].value[0], a, "an output was kept");
    harness_eval(&h);
    fake_device dev;
    fake_open(&dev);
    harness_run(&h, &dev, &o, 0, "least work");
    harness_release(&h);
}

/* The same number of a layer in two repeats is two layers. */
static void test_two_repeats(void)
{
    harness h;
    harness_init(&h, 0, 1);
    qvl_program *p = &h.program;
    int x = harness_input(&h, 0, QVL_CLS_ACT, 16);
    p->mark = (qvl_mark){0, 0, false};
    int a = harness_mix(&h, 1, &x, 16, 1);               // 0
    p->mark = (qvl_mark){1, 0, false};
    int b = harness_mix(&h, 1, &a, 16, 2);               // 1, keeps a
    p->mark = (qvl_mark){1, 0, true};
    int d = harness_mix(&h, 2, (int[]){b, a}, 16, 3);    // 2
    p->mark = (qvl_mark){0, 0, true};
    harness_want(&h, harness_mix(&h, 2, (int[]){d, a}, 16, 4));
    qvl_plan_options o = harness_options(&h);
    qvl_plan plan = recomputed(&h, &o);
    check_steps(&plan, (int[]){0, 1, 1, 2, 3}, 5);
    harness_release(&h);
}

static void test_random_layers(void)
{
    size_t kept = 0, again = 0;
    for (int i = 0; i < 200; i++) {
        qvl_rng rng = harness_rng(100 + (uint64_t)i);
        harness h;
        harness_layers(&h, &rng, 1 + i % 12, 64);
        harness_eval(&h);
        fake_device dev;
        fake_open(&dev);
        qvl_plan_options o = harness_options(&h);
        if (i % 4 == 0)
            o.max_alloc_bytes = 4096;
        char what[64];
        snprintf(what, sizeof what, "program %d", i);
        kept += harness_run(&h, &dev, &o, 1, what);
        o.recompute = true;
        again += harness_run(&h, &dev, &o, 1, what);
        harness_release(&h);
    }
    print_message("recomputing takes %.1f %% of the memory\n",
                  100.0 * (double)again / (double)kept);
    CHECK(again < kept, "%zu and %zu bytes", kept, again);
}

RUN_TESTS(TEST(test_chain), TEST(test_least_work), TEST(test_two_repeats),
          TEST(test_random_layers))
