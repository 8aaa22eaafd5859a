/* test_shared.c - runs that take turns in one memory, and outputs that add up */
#include "check.h"
#include "graph/run.h"
#include "harness.h"
#include "tensor/dtype.h"

static const qvl_types all_f32 = {QVL_F32, QVL_F32};

/* A program with one input of n elements and two outputs: its hash, and the
 * input itself. */
typedef struct {
    harness h;
    int n;
    qvl_run *run;
    float *in;
} part;

static void part_init(part *p, int n)
{
    *p = (part){.n = n};
    harness_init(&p->h, 0, 1);
    int x = harness_input(&p->h, 0, QVL_CLS_ACT, (size_t)n);
    harness_want(&p->h, harness_mix(&p->h, 1, &x, (size_t)n, 1));
    harness_want(&p->h, x);
    p->in = qvl_arena_array(&p->h.arena, float, n);
    p->h.given[0] = p->in;
    for (int i = 0; i < n; i++)
        p->in[i] = (float)((i * 7 + n) % 97);
    harness_eval(&p->h);
}

static int part_open(part *p, qvl_store *st, const qvl_run_sum *sum,
                     qvl_err *err)
{
    qvl_plan_options o = harness_options(&p->h);
    return qvl_run_open_shared(&p->run, st, &p->h.program, &o, sum, err);
}

static int part_submit(part *p, bool more, qvl_err *err)
{
    QVL_TRY(qvl_run_input(p->run, 0, p->in, (size_t)p->n, err));
    return qvl_run_submit(p->run, more, err);
}

/* The first output, against the reference. */
static void check_output(part *p, const char *what)
{
    qvl_err err;
    const float *want =
        p->h.data[qvl_program_find(&p->h.program, "out0")->value];
    float *out = qvl_arena_array(&p->h.arena, float, p->n);
    CHECK_OK(qvl_run_output(p->run, "out0", out, (size_t)p->n, &err), err);
    CHECK(memcmp(out, want, (size_t)p->n * sizeof *out) == 0, "%s", what);
}

static void part_release(part *p)
{
    qvl_run_close(p->run);
    harness_release(&p->h);
}

/* Three sizes in turn, up and down: memory is allocated when it grows, and what
 * was recorded against memory that is gone is recorded anew. */
static void test_turns(void)
{
    static const int size[] = {40, 5000, 300};
    static const int turn[] = {0, 0, 1, 2, 0, 1, 1, 2, 0};
    static const qvl_run_sum none;
    fake_device dev;
    fake_open(&dev);
    part p[3];
    qvl_err err;
    qvl_store *st;
    for (int k = 0; k < 3; k++)
        part_init(&p[k], size[k]);
    CHECK_OK(qvl_store_open(&st, &dev.base, &p[0].h.params, &all_f32, &err),
             err);
    int held = dev.n_bufs;
    for (int k = 0; k < 3; k++)
        CHECK_OK(part_open(&p[k], st, &none, &err), err);
    CHECK_INT(dev.n_bufs, held, "nothing is allocated yet");
    CHECK_INT(dev.n_lists, 0, "nor recorded");
    fake_n_poison = 0;
    for (size_t i = 0; i < QVL_COUNT(turn); i++) {
        CHECK_OK(part_submit(&p[turn[i]], false, &err), err);
        check_output(&p[turn[i]], "turn");
        CHECK_INT(dev.n_bufs, held + 1, "one block, turn %zu", i);
    }
    CHECK_INT(fake_n_poison, 0, "all that is read was written");
    CHECK_INT(dev.n_calls[FAKE_ALLOC], held + 2, "grew once");
    CHECK_INT(dev.n_calls[FAKE_LIST_END], 4, "the first was recorded twice");
    CHECK_INT(dev.n_lists, 3, "one each");
    CHECK_INT(dev.counts.n_submits, (int)QVL_COUNT(turn), "submissions");
    CHECK_INT(dev.counts.n_waits, 0, "waits");
    /* What another run was given in between is gone. */
    CHECK(!qvl_run_is_fed(p[2].run) || p[2].run->given[0] == true, "own");
    CHECK_OK(qvl_run_input(p[2].run, 0, p[2].in, 300, &err), err);
    CHECK_OK(qvl_run_input(p[1].run, 0, p[1].in, 5000, &err), err);
    CHECK(qvl_run_is_fed(p[1].run), "has its input");
    CHECK_OK(qvl_run_input(p[2].run, 0, p[2].in, 300, &err), err);
    CHECK(qvl_run_is_fed(p[2].run), "again");
    CHECK_OK(qvl_run_submit(p[2].run, false, &err), err);
    check_output(&p[2], "after all");
    for (int k = 0; k < 3; k++)
        part_release(&p[k]);
    qvl_store_close(st);
    CHECK_INT(dev.n_bufs + dev.n_lists, 0, "leaks");
}

/* Outputs of runs of different sizes, added up on the device. */
static void test_sums(void)
{
    fake_device dev;
    fake_open(&dev);
    qvl_err err;
    qvl_store *st;
    part p[2];
    qvl_buf total;
    part_init(&p[0], 4);
    part_init(&p[1], 4);
    p[1].in[2] = 55;
    CHECK_OK(qvl_store_open(&st, &dev.base, &p[0].h.params, &all_f32, &err),
             err);
    CHECK_OK(dev.base.be->alloc(&dev.base, 256, &total, &err), err);
    qvl_run_sum sum = {"out1", {&total, 0, 16}};
    CHECK_OK(part_open(&p[0], st, &sum, &err), err);
    CHECK_OK(part_open(&p[1], st, &sum, &err), err);
    for (int round = 0; round < 2; round++) {  // the second starts anew
        CHECK_OK(part_submit(&p[0], false, &err), err);
        CHECK_OK(part_submit(&p[1], true, &err), err);
        CHECK_OK(part_submit(&p[1], true, &err), err);
        float found[4];
        memcpy(found, fake_bytes(&total), sizeof found);
        for (int i = 0; i < 4; i++)
            CHECK_NEAR(found[i], p[0].in[i] + 2.0f * p[1].in[i], 0.0,
                       "number %d of round %d", i, round);
    }
    part_release(&p[0]);
    part_release(&p[1]);
    dev.base.be->release(&dev.base, &total);
    qvl_store_close(st);
    CHECK_INT(dev.n_bufs + dev.n_lists, 0, "leaks");
}

/* Each call of the device fails once; afterwards the run works. */
static void test_faults(void)
{
    static const qvl_run_sum none;
    for (int which = 0; which < FAKE_N_CALLS; which++) {
        if (which == FAKE_READ)
            continue;
        fake_device dev;
        fake_open(&dev);
        part p[2];
        qvl_err err = {0};
        qvl_store *st;
        part_init(&p[0], 30);
        part_init(&p[1], 3000);
        CHECK_OK(qvl_store_open(&st, &dev.base, &p[0].h.params, &all_f32,
                                &err), err);
        CHECK_OK(part_open(&p[0], st, &none, &err), err);
        CHECK_OK(part_open(&p[1], st, &none, &err), err);
        CHECK_OK(part_submit(&p[0], false, &err), err);
        int n = dev.n_calls[which];
        /* An allocation is tried with room to grow, then without. */
        dev.fail_at[which] = n + 1;
        int rc = part_submit(&p[1], false, &err);
        if (which == FAKE_ALLOC) {
            CHECK_INT(rc, QVL_OK, "the second try");
        } else {
            CHECK(rc != QVL_OK, "call %d", which);
            CHECK_HAS(err.msg, "injected fault", "call %d", which);
        }
        CHECK_OK(part_submit(&p[1], false, &err), err);
        check_output(&p[1], "after the fault");
        CHECK_OK(part_submit(&p[0], false, &err), err);
        check_output(&p[0], "the other one");
        part_release(&p[0]);
        part_release(&p[1]);
        qvl_store_close(st);
        CHECK_INT(dev.n_bufs + dev.n_lists, 0, "leaks, call %d", which);
    }
}

RUN_TESTS(TEST(test_turns), TEST(test_sums), TEST(test_faults))
