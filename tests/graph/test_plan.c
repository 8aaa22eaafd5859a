/* test_plan.c - what is kept, what starts a sum, and what cannot be planned */
#include "check.h"
#include "harness.h"
#include "tensor/dtype.h"

static qvl_plan plan_of(harness *h, const qvl_plan_options *o)
{
    qvl_plan plan;
    qvl_err err;
    CHECK_OK(qvl_plan_make(&plan, &h->program, o, &h->arena, &err), err);
    harness_check_places(&plan, "plan");
    return plan;
}

/* The planned steps are these steps of the program (-1: a fill). */
static void check_steps(const qvl_plan *plan, const int *step, int n,
                        const char *what)
{
    CHECK_INT(plan->n_steps, n, "%s: steps", what);
    for (int i = 0; i < n; i++)
        CHECK_INT(plan->step[i].step, step[i], "%s: place %d", what, i);
}

static void test_pruning(void)
{
    harness h;
    harness_init(&h, 1, 2);
    int x = harness_input(&h, 0, QVL_CLS_ACT, 8);
    int z = harness_input(&h, 1, QVL_CLS_ACT, 8);
    int a = harness_mix(&h, 1, &x, 8, 1);                 // 0
    int b = harness_mix(&h, 1, &a, 8, 2);                 // 1
    int c = harness_mix(&h, 2, (int[]){a, z}, 8, 3);      // 2
    harness_mix(&h, 1, &c, 8, 4);                         // 3, for nobody
    harness_want(&h, b);
    harness_want(&h, c);

    qvl_plan_options o = harness_options(&h);
    o.n_outputs = 1;
    qvl_plan plan = plan_of(&h, &o);
    check_steps(&plan, (int[]){0, 1}, 2, "b alone");
    CHECK(plan.needed[x] && !plan.needed[z], "inputs needed");
    CHECK(plan.is_output[b] && !plan.is_output[c], "outputs wanted");
    CHECK_INT(plan.place[z].block, -1, "no place for what is not needed");
    o.n_outputs = 2;
    plan = plan_of(&h, &o);
    check_steps(&plan, (int[]){0, 1, 2}, 3, "both");
    o.n_outputs = 0;
    plan = plan_of(&h, &o);
    check_steps(&plan, NULL, 0, "nothing");
    CHECK_INT(plan.temp_bytes, 0, "no memory for nothing");
    harness_release(&h);
}

static void test_partial_writers(void)
{
    harness h;
    harness_init(&h, 0, 0);
    int a = harness_mix(&h, 0, NULL, 6, 1);               // 0
    int b = harness_mix(&h, 0, NULL, 9, 2);               // 1
    int y = qvl_program_value(&h.program, QVL_CLS_ACT, 15, "y");
    harness_put(&h, a, y, 3, 2, 0, 5, 0);                 // 2
    int c = harness_mix(&h, 0, NULL, 4, 2);               // 3, for nobody
    harness_put(&h, b, y, 3, 3, 2, 5, 0);                 // 4
    harness_mix(&h, 1, &c, 4, 2);                         // 5, for nobody
    harness_want(&h, y);
    qvl_plan_options o = harness_options(&h);
    qvl_plan plan = plan_of(&h, &o);
    check_steps(&plan, (int[]){0, 1, 2, 4}, 4, "two writers");
    harness_eval(&h);
    fake_device dev;
    fake_open(&dev);
    harness_run(&h, &dev, &o, 0, "two writers");
    harness_release(&h);
}

static void test_sums(void)
{
    harness h;
    harness_init(&h, 3, 0);
    for (int i = 0; i < 3; i++)
        harness_param(&h, 8);
    int a = harness_mix(&h, 0, NULL, 8, 1);               // 0
    harness_sum(&h, a, a, 0, 1);                          // 1
    harness_sum(&h, a, a, 1, 2);                          // 2
    harness_sum(&h, a, a, 0, 3);                          // 3
    h.trained[0] = true;
    qvl_plan_options o = harness_options(&h);
    qvl_plan plan = plan_of(&h, &o);
    check_steps(&plan, (int[]){0, 1, 3}, 3, "first trained");
    const qvl_planned *s = plan.step;
    CHECK(s[0].arg == s[0].arg_more, "no sum");
    CHECK(s[1].arg[4] == 0 && s[1].arg_more[4] == 1, "starts");
    CHECK(s[2].arg[4] == 1 && s[2].arg_more[4] == 1, "adds");
    h.trained[0] = false;
    h.trained[1] = true;
    plan = plan_of(&h, &o);
    check_steps(&plan, (int[]){0, 2}, 2, "second trained");
    h.trained[0] = true;
    harness_eval(&h);
    fake_device dev;
    fake_open(&dev);
    harness_run(&h, &dev, &o, 3, "started once, added to three times");
    harness_release(&h);
}

/* An untrained gradient is memory like any other, should a step that is needed
 * for something else write it. Here it is a wanted output. */
static void test_untrained_gradient(void)
{
    harness h;
    harness_init(&h, 1, 0);
    harness_param(&h, 8);
    int a = harness_mix(&h, 0, NULL, 8, 1);
    harness_sum(&h, a, a, 0, 1);
    harness_want(&h, h.program.grad_value[0]);
    qvl_plan_options o = harness_options(&h);
    qvl_plan plan = plan_of(&h, &o);
    CHECK(plan.step[1].arg == plan.step[1].arg_more, "overwritten each time");
    CHECK(plan.place[h.program.grad_value[0]].block == 0, "has a place");
    harness_eval(&h);
    fake_device dev;
    fake_open(&dev);
    harness_run(&h, &dev, &o, 2, "untrained");
    harness_release(&h);
}

/* Parameters 0: used, no gradient; 1: a gradient value without a step; 2: not
 * used by the program. */
static void test_zero_fill(void)
{
    harness h;
    harness_init(&h, 3, 0);
    int w = harness_param(&h, 100);
    harness_param(&h, 7);
    qvl_param_list_add(&h.params, "unused", "all", 2, (size_t[]){5, 1}, -1,
                       false);
    qvl_program_grad(&h.program, 1, 7, "g");
    harness_want(&h, harness_mix(&h, 1, &w, 4, 0));
    for (int i = 0; i < 3; i++)
        h.trained[i] = true;
    qvl_plan_options o = harness_options(&h);
    qvl_plan plan = plan_of(&h, &o);
    check_steps(&plan, (int[]){-1, -1, 0}, 3, "two fills");
    CHECK_INT(plan.step[0].arg[0], 100, "elements");
    CHECK_INT(plan.step[0].arg[1], 0, "starts");
    CHECK_INT(plan.step[0].arg_more[1], 1, "adds nothing");
    CHECK_INT(plan.step[1].arg[0], 7, "elements");
    harness_eval(&h);
    fake_device dev;
    fake_open(&dev);
    harness_run(&h, &dev, &o, 2, "zeros");
    h.trained[1] = false;
    plan = plan_of(&h, &o);
    check_steps(&plan, (int[]){-1, 0}, 2, "one fill");
    harness_release(&h);
}

static void test_states_stay(void)
{
    harness h;
    harness_init(&h, 0, 0);
    int a = harness_mix(&h, 0, NULL, 8, 1);
    int b = harness_mix(&h, 1, &a, 8, 1);
    h.program.value[b].kind = QVL_VALUE_STATE;
    qvl_plan_options o = harness_options(&h);
    qvl_plan plan = plan_of(&h, &o);
    check_steps(&plan, NULL, 0, "states that are not kept");
    o.states = true;
    plan = plan_of(&h, &o);
    check_steps(&plan, (int[]){0, 1}, 2, "a step that writes a state");
    CHECK_INT(plan.place[b].block, -1, "states are placed elsewhere");
    harness_release(&h);
}

static void test_no_elements(void)
{
    harness h;
    harness_init(&h, 1, 1);
    int w = harness_param(&h, 3);
    int x = harness_input(&h, 0, QVL_CLS_ACT, 0);
    int a = harness_mix(&h, 1, &x, 0, 1);
    int b = harness_mix(&h, 2, (int[]){a, w}, 0, 1);
    harness_want(&h, b);
    harness_want(&h, harness_mix(&h, 1, &b, 5, 1));
    harness_sum(&h, a, b, 0, 1);
    h.trained[0] = true;
    qvl_plan_options o = harness_options(&h);
    qvl_plan plan = plan_of(&h, &o);
    for (int i = 0; i < plan.n_steps; i++)
        for (int k = 0; k < plan.step[i].kernel->n_bufs; k++)
            CHECK(plan.step[i].bytes[k] >= 16, "step %d binds %d", i, k);
    harness_eval(&h);
    fake_device dev;
    fake_open(&dev);
    harness_run(&h, &dev, &o, 1, "no elements");
    harness_release(&h);
}

static void test_types(void)
{
    const qvl_types t = {QVL_BF16, QVL_F32};
    CHECK_INT(qvl_types_of(&t, QVL_CLS_ACT), QVL_BF16, "activations");
    CHECK_INT(qvl_types_of(&t, QVL_CLS_WEIGHT), QVL_BF16, "weights");
    CHECK_INT(qvl_types_of(&t, QVL_CLS_RES), QVL_F32, "residual");
    CHECK_INT(qvl_types_of(&t, QVL_CLS_F32), QVL_F32, "f32");
    CHECK_INT(qvl_types_of(&t, QVL_CLS_I32), QVL_I32, "i32");

    harness h;
    harness_init(&h, 0, 0);
    int a = harness_mix(&h, 0, NULL, 100, 1);
    harness_want(&h, a);
    qvl_plan_options o = harness_options(&h);
    qvl_plan plan = plan_of(&h, &o);
    CHECK_STR(plan.step[0].kernel->name, "mix0_f32", "form");
    CHECK_INT(plan.step[0].bytes[0], 400, "bytes");
    o.types = (qvl_types){QVL_BF16, QVL_F32};
    plan = plan_of(&h, &o);
    CHECK_STR(plan.step[0].kernel->name, "mix0_bf16", "form");
    CHECK_INT(plan.step[0].bytes[0], 200, "bytes");
    harness_release(&h);
}

static void test_errors(void)
{
    harness h;
    harness_init(&h, 0, 0);
    int a = harness_mix(&h, 0, NULL, 100, 1);
    harness_want(&h, a);
    qvl_plan plan = {.n_steps = -7};
    qvl_err err;
    qvl_arena *arena = &h.arena;
    const char *none = "nothing";
    qvl_plan_options o = harness_options(&h);
    o.output = &none;
    CHECK_FAILS(qvl_plan_make(&plan, &h.program, &o, arena, &err),
                QVL_E_USAGE, err, "no output \"nothing\"");
    o = harness_options(&h);
    o.types = (qvl_types){QVL_F16, QVL_F16};
    CHECK_FAILS(qvl_plan_make(&plan, &h.program, &o, arena, &err),
                QVL_E_UNSUPPORTED, err, "mix0 is not compiled for activations "
                "in f16");
    o = harness_options(&h);
    o.max_alloc_bytes = 399;
    CHECK_FAILS(qvl_plan_make(&plan, &h.program, &o, arena, &err),
                QVL_E_DEVICE, err, "mix takes 400 bytes");
    o = harness_options(&h);
    o.max_binding_bytes = 399;
    CHECK_FAILS(qvl_plan_make(&plan, &h.program, &o, arena, &err),
                QVL_E_DEVICE, err, "cannot be cut");
    CHECK_INT(plan.n_steps, -7, "the plan is as it was");
    harness_release(&h);
}

RUN_TESTS(TEST(test_pruning), TEST(test_partial_writers), TEST(test_sums),
          TEST(test_untrained_gradient), TEST(test_zero_fill),
          TEST(test_states_stay), TEST(test_no_elements), TEST(test_types),
          TEST(test_errors))
