/* test_cut.c - steps whose operands are larger than the device binds */
#include "check.h"
#include "harness.h"

/* Sizes of the products: a table of V rows, C columns, R rows of a batch. */
enum { V = 72, C = 16, R = 12, K = 2 };

static qvl_plan plan_of(harness *h, const qvl_plan_options *o)
{
    qvl_plan plan;
    qvl_err err;
    CHECK_OK(qvl_plan_make(&plan, &h->program, o, &h->arena, &err), err);
    return plan;
}

static int act(harness *h, size_t n)
{
    return qvl_program_value(&h->program, QVL_CLS_ACT, n, "act");
}

/* y[rows, ld] columns off .. off + n = x[rows, C of ld_x from off_x] w^T + b */
static void add_nt(harness *h, int x, int w, int y, int b, const uint32_t *arg)
{
    const int value[4] = {x, w, y, b};
    qvl_program_step(&h->program, &fake_nt, value, arg, 7);
}

/* One product w[V, C], of activations inside wider rows. */
static void product(harness *h, uint32_t rows)
{
    harness_init(h, 1, 3);
    int w = harness_param(h, V * C);
    int x = harness_input(h, 0, QVL_CLS_ACT, rows * (C + 3));
    int b = harness_input(h, 1, QVL_CLS_F32, V);
    int c = harness_input(h, 2, QVL_CLS_F32, V);
    int y = act(h, rows * 2 * V);
    add_nt(h, x, w, y, b, (uint32_t[]){rows, C, V, 3, C + 3, 0, 2 * V});
    add_nt(h, x, w, y, c, (uint32_t[]){rows, C, V, 1, C + 3, V, 2 * V});
    harness_want(h, y);
}

/* w is 72 rows of 64 bytes. 1,024 bytes bind 16 of them: 5 parts, of 15 rows,
 * rounded to the 4 that keep b on a multiple of 16 bytes. */
static void test_rows_of_w(void)
{
    harness h;
    product(&h, 1);
    qvl_plan_options o = harness_options(&h);
    o.max_binding_bytes = 1024;
    qvl_plan plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 10, "five parts of two steps");
    for (int i = 0; i < 5; i++) {
        const qvl_planned *s = &plan.step[5 + i];
        uint32_t lo = (uint32_t)i * 16;
        uint32_t n = i < 4 ? 16 : 8;
        CHECK_INT(s->step, 1, "part %d", i);
        CHECK_INT(s->arg[2], n, "part %d: rows of w", i);
        CHECK_INT(s->at_bytes[1], lo * 64, "part %d: first byte of w", i);
        CHECK_INT(s->bytes[1], n * 64, "part %d: bytes of w", i);
        CHECK_INT(s->arg[5], V + lo, "part %d: first column of y", i);
        CHECK_INT(s->at_bytes[2], 0, "part %d: y whole", i);
        CHECK_INT(s->bytes[2], 2 * V * 4, "part %d: y whole", i);
        CHECK_INT(s->at_bytes[3], lo * 4, "part %d: first byte of b", i);
        CHECK_INT(s->bytes[3], n * 4, "part %d: bytes of b", i);
        CHECK_INT(s->arg[3], 1, "part %d: x as it was", i);
        CHECK(s->arg == s->arg_more, "part %d: no sum", i);
    }
    o.max_binding_bytes = V * C * 4;
    plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 2, "w just fits");
    o.max_binding_bytes--;
    plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 4, "w just does not fit");
    harness_release(&h);
}

/* The device that binds no more than the plan says. */
static void open_small(fake_device *dev, const qvl_plan_options *o)
{
    fake_open(dev);
    dev->base.info.max_binding_bytes = o->max_binding_bytes;
    dev->base.info.align_bytes = o->align_bytes;
}

/* Run with many limits. Those below `least` bytes are refused, the others give
 * the reference's numbers. Returns the largest number of steps. */
static int run_limits(harness *h, size_t align, size_t least, const char *name)
{
    int most = 0;
    harness_eval(h);
    for (size_t limit = 256; limit < 9000; limit = limit * 9 / 8 + 1) {
        fake_device dev;
        qvl_plan plan;
        qvl_err err;
        qvl_plan_options o = harness_options(h);
        o.align_bytes = align;
        o.max_binding_bytes = limit;
        char what[96];
        snprintf(what, sizeof what, "%s, %zu bytes, aligned to %zu", name,
                 limit, align);
        int rc = qvl_plan_make(&plan, &h->program, &o, &h->arena, &err);
        if (rc != QVL_OK) {
            CHECK(rc == QVL_E_DEVICE && limit < least, "%s: %s", what,
                  err.msg);
            continue;
        }
        most = plan.n_steps > most ? plan.n_steps : most;
        open_small(&dev, &o);
        harness_run(h, &dev, &o, 1, what);
    }
    return most;
}

static void test_products(void)
{
    static const size_t aligns[] = {16, 64};
    for (size_t i = 0; i < QVL_COUNT(aligns); i++)
        for (uint32_t rows = 1; rows < 20; rows += 6) {
            harness h;
            product(&h, rows);
            /* A row of y, 576 bytes, and an unaligned start of it. With 64
             * bytes b asks for parts of 16 rows of w, 1,024 bytes. */
            size_t least = aligns[i] == 16 ? 576 + 16 : 1024;
            int most = run_limits(&h, aligns[i], least, "y = x w^T");
            CHECK(most > 10 || rows == 1, "%d steps", most);
            harness_release(&h);
        }
}

/* dw (+)= dy^T x, twice, from columns of wider tensors. */
static void test_weight_gradient(void)
{
    harness h;
    harness_init(&h, 1, 2);
    harness_param(&h, V * C);
    int dy = harness_input(&h, 0, QVL_CLS_ACT, R * 2 * V);
    int x = harness_input(&h, 1, QVL_CLS_ACT, R * C);
    int dw = qvl_program_grad(&h.program, 0, V * C, "dw");
    const int value[3] = {dy, x, dw};
    qvl_program_step(&h.program, &fake_tn, value,
                     (uint32_t[]){R, V, C, V, 2 * V, 0, C, 0}, 1);
    qvl_program_step(&h.program, &fake_tn, value,
                     (uint32_t[]){R, V, C, 5, 2 * V, 0, C, 0}, 1);
    h.trained[0] = true;

    qvl_plan_options o = harness_options(&h);
    o.max_binding_bytes = R * 2 * V * 4 - V * 4 + 16;
    qvl_plan plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 2, "what the steps touch of dy fits");
    o.max_binding_bytes = 6000;
    plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 4, "rows of dy in two parts");
    static const uint32_t wanted[] = {0, 1, 1, 1};
    for (int i = 0; i < 4; i++) {
        CHECK_INT(plan.step[i].arg[7], wanted[i], "part %d starts or adds", i);
        CHECK_INT(plan.step[i].arg_more[7], 1, "part %d adds", i);
    }
    o.max_binding_bytes = 2048;
    plan = plan_of(&h, &o);
    const qvl_planned *s = plan.step;
    CHECK_INT(s[0].arg[1], 24, "72 rows of dw in three parts");
    CHECK(s[0].arg[7] == 0 && s[0].arg_more[7] == 1, "the first starts");
    run_limits(&h, 16, 576 + 16, "dw = dy^T x");
    harness_release(&h);
}

/* dx = dy w: a sum over the rows of w. */
static void test_input_gradient(void)
{
    harness h;
    harness_init(&h, 1, 1);
    int w = harness_param(&h, V * C);
    int dy = harness_input(&h, 0, QVL_CLS_ACT, R * V);
    int dx = act(&h, R * C);
    const int value[3] = {dy, w, dx};
    qvl_program_step(&h.program, &fake_nn, value,
                     (uint32_t[]){R, V, C, 0, V, 0, C, 0}, 1);
    harness_want(&h, dx);
    qvl_plan_options o = harness_options(&h);
    o.max_binding_bytes = V * C * 4 / 2;
    qvl_plan plan = plan_of(&h, &o);
    int n_started = 0;
    for (int i = 0; i < plan.n_steps; i++) {
        CHECK_INT(plan.step[i].arg[7], plan.step[i].arg_more[7],
                  "a temporary starts in every run");
        n_started += plan.step[i].arg[7] == 0;
    }
    CHECK(plan.n_steps > n_started, "%d steps", plan.n_steps);
    run_limits(&h, 64, 64 + 288, "dx = dy w");
    harness_release(&h);
}

/* The same where an expression waits for the whole sum, and then where it does
 * not because each part has elements of its own. */
static void test_expression(void)
{
    qvl_kernel_family f = fake_nn;
    f.waits = f.adds;
    harness h;
    harness_init(&h, 1, 1);
    int w = harness_param(&h, V * C);
    int dy = harness_input(&h, 0, QVL_CLS_ACT, R * V);
    int dx = act(&h, R * C);
    qvl_program_step(&h.program, &f, (int[]){dy, w, dx},
                     (uint32_t[]){R, V, C, 0, V, 0, C, 0}, 1);
    harness_want(&h, dx);
    qvl_plan_options o = harness_options(&h);
    o.max_binding_bytes = R * V * 4;
    qvl_plan plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 2, "w in two parts");
    CHECK_INT(plan.step[0].arg[7], 2, "the first starts, unfinished");
    CHECK_INT(plan.step[1].arg[7], 1, "the last adds and finishes");
    o.max_binding_bytes = 1000;
    plan = plan_of(&h, &o);
    CHECK(plan.n_steps > 8, "%d steps: rows, and parts of w", plan.n_steps);
    for (int i = 0; i < plan.n_steps; i++) {
        const qvl_planned *s = &plan.step[i];
        bool first = s->at_bytes[1] == 0;
        bool last = s->at_bytes[1] + s->bytes[1] == V * C * 4;
        CHECK_INT(s->arg[7], (first ? 0 : 1) + (last ? 0 : 2), "step %d", i);
        CHECK_INT(s->arg_more[7], s->arg[7], "step %d", i);
    }
    f.cut[1].apart = true;
    plan = plan_of(&h, &o);
    for (int i = 0; i < plan.n_steps; i++)
        CHECK_INT(plan.step[i].arg[7], 0, "step %d writes its own", i);
    harness_release(&h);
}

/* dx = dy w and dw (+)= dy^T x on a device that ends loops: in parts that turn as
 * often as it lets them, with the reference's numbers. */
static void test_long_sums(void)
{
    harness h;
    harness_init(&h, 1, 2);
    int w = harness_param(&h, V * C);
    int dy = harness_input(&h, 0, QVL_CLS_ACT, R * V);
    int x = harness_input(&h, 1, QVL_CLS_ACT, R * C);
    int dx = act(&h, R * C);
    int dw = qvl_program_grad(&h.program, 0, V * C, "dw");
    qvl_program_step(&h.program, &fake_nn, (int[]){dy, w, dx},
                     (uint32_t[]){R, V, C, 0, V, 0, C, 0}, 1);
    qvl_program_step(&h.program, &fake_tn, (int[]){dy, x, dw},
                     (uint32_t[]){R, V, C, 0, V, 0, C, 0}, 1);
    harness_want(&h, dx);
    h.trained[0] = true;
    harness_eval(&h);
    static const struct {
        uint32_t max_turns;
        int n_steps, n_nn;
    } rows[] = { { 0, 2, 1 }, { V, 2, 1 }, { V - 1, 3, 2 }, { R, 7, 6 },
                 { R - 1, 9, 7 }, { 1, V + R, V } };
    for (size_t i = 0; i < QVL_COUNT(rows); i++) {
        fake_device dev;
        char what[64];
        snprintf(what, sizeof what, "at most %u turns", rows[i].max_turns);
        qvl_plan_options o = harness_options(&h);
        fake_open(&dev);
        dev.base.info.max_turns = rows[i].max_turns;
        o.device = &dev.base;
        qvl_plan plan = plan_of(&h, &o);
        CHECK_INT(plan.n_steps, rows[i].n_steps, "%s", what);
        for (int s = 0; s < plan.n_steps && rows[i].max_turns > 0; s++) {
            const qvl_planned *p = &plan.step[s];
            CHECK(p->arg[s < rows[i].n_nn] <= rows[i].max_turns, "%s, step %d",
                  what, s);
        }
        harness_run(&h, &dev, &o, 1, what);
    }
    harness_release(&h);
}

/* Rows of a table, and their gradient by sorted entries. */
static void test_look_up(void)
{
    static int32_t index[R * K], start[V + 1], entry[R * K];
    static float weight[R * K];
    for (int e = 0; e < R * K; e++) {
        index[e] = e % 5 == 4 ? -1 : e * 29 % V;
        weight[e] = (float)(e % 3);
    }
    int n = 0;
    for (int r = 0; r < V; r++) {
        start[r] = n;
        for (int e = 0; e < R * K; e++)
            if (index[e] == r)
                entry[n++] = e;
    }
    start[V] = n;

    harness h;
    harness_init(&h, 1, 5);
    int table = harness_param(&h, V * C);
    const void *given[5] = {index, weight, start, entry, NULL};
    memcpy(h.given, given, sizeof given);
    int i = harness_input(&h, 0, QVL_CLS_I32, R * K);
    int w = harness_input(&h, 1, QVL_CLS_F32, R * K);
    int s = harness_input(&h, 2, QVL_CLS_I32, V + 1);
    int e = harness_input(&h, 3, QVL_CLS_I32, R * K);
    int dy = harness_input(&h, 4, QVL_CLS_ACT, R * C);
    int y = act(&h, R * C);
    qvl_program_step(&h.program, &fake_lookup, (int[]){table, i, w, y},
                     (uint32_t[]){V, C, R, K, 0, C, 0, C, 0, 0}, 1);
    harness_want(&h, y);
    int dx = qvl_program_grad(&h.program, 0, V * C, "dtable");
    qvl_program_step(&h.program, &fake_lookup_dx, (int[]){dy, w, s, e, dx},
                     (uint32_t[]){R, C, K, V + 1, R * K, V, 0, C, 0, 0}, 1);
    h.trained[0] = true;

    qvl_plan_options o = harness_options(&h);
    o.max_binding_bytes = 2048;
    qvl_plan plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 3 + 3, "three parts each");
    CHECK_INT(plan.step[1].arg[8], 24, "first row of the second part");
    CHECK_INT(plan.step[4].arg[3], 25, "edges of the second part");
    CHECK_INT(plan.step[4].at_bytes[2], 24 * 4, "first edge");
    CHECK_INT(plan.step[4].bytes[2], 25 * 4, "bytes of edges");
    /* dy, 768 bytes, is needed whole. */
    int most = run_limits(&h, 16, 768, "look-up");
    CHECK(most > 10, "%d steps", most);

    /* 24 entries on a device that lets loops turn 17 times: two parts that begin
     * where something can be bound, every fourth entry. */
    fake_device dev;
    fake_open(&dev);
    dev.base.info.max_turns = 17;
    o = harness_options(&h);
    o.device = &dev.base;
    plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 1 + 2, "parts of the entries");
    for (int p = 0; p < 2; p++) {
        const uint32_t *arg = plan.step[1 + p].arg;
        CHECK_INT(arg[4], 12, "entries of part %d", p);
        CHECK_INT(arg[8], (uint32_t)p * 12, "first entry of part %d", p);
        CHECK_INT(arg[9], p, "part %d adds", p);
        CHECK_INT(plan.step[1 + p].at_bytes[3], (uint32_t)p * 48, "part %d", p);
    }
    harness_run(&h, &dev, &o, 2, "entries");
    harness_release(&h);
}

/* A product whose sum cannot be cut: y = x w^T over 16 columns. */
static void test_too_long(void)
{
    harness h;
    qvl_err err;
    qvl_plan plan = {.n_steps = -7};
    fake_device dev;
    product(&h, 3);
    fake_open(&dev);
    qvl_plan_options o = harness_options(&h);
    o.device = &dev.base;
    dev.base.info.max_turns = C;
    CHECK_INT(plan_of(&h, &o).n_steps, 2, "as long as it may be");
    dev.base.info.max_turns = C - 1;
    CHECK_FAILS(qvl_plan_make(&plan, &h.program, &o, &h.arena, &err),
                QVL_E_UNSUPPORTED, err,
                "kernel matmul_nt (line 7 of the layer spec) with operands "
                "[3, 16] [72, 16] [3, 72] [72]: its loops turn up to 16 times, "
                "expected at most 15, after which");
    CHECK_INT(plan.n_steps, -7, "untouched");
    harness_release(&h);
}

/* 1,000 rows fit, the 1,001 edges do not. */
static void test_edges(void)
{
    harness h;
    harness_init(&h, 1, 4);
    harness_param(&h, 1000);
    int w = harness_input(&h, 0, QVL_CLS_F32, 1);
    int s = harness_input(&h, 1, QVL_CLS_I32, 1001);
    int e = harness_input(&h, 2, QVL_CLS_I32, 1);
    int dy = harness_input(&h, 3, QVL_CLS_ACT, 1);
    int dx = qvl_program_grad(&h.program, 0, 1000, "dtable");
    qvl_program_step(&h.program, &fake_lookup_dx, (int[]){dy, w, s, e, dx},
                     (uint32_t[]){1, 1, 1, 1001, 1, 1000, 0, 1, 0, 0}, 1);
    h.trained[0] = true;
    qvl_plan_options o = harness_options(&h);
    o.max_binding_bytes = 4000;
    qvl_plan plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 2, "two parts");
    CHECK_INT(plan.step[0].arg[5], 500, "halves");
    harness_release(&h);
}

/* The cut dim in the middle of an operand: x[2, G, 6] inside rows of 50, and
 * y[G, 2, 12]. The kernel of the family would do something else. */
static void test_middle_dim(void)
{
    qvl_kernel_family f = fake_take;
    f.operand[0] = (qvl_operand){.rank = 3, .dim = {0, 1, -6}, .off_arg = 2};
    f.operand[1] = (qvl_operand){.rank = 3, .dim = {1, 0, -12}};
    f.cut[0] = (qvl_cut){.dim_arg = 1};
    f.n_cuts = 1;
    harness h;
    harness_init(&h, 0, 1);
    int x = harness_input(&h, 0, QVL_CLS_ACT, 2 * 50);
    int y = act(&h, 8 * 2 * 12);
    qvl_program_step(&h.program, &f, (int[]){x, y},
                     (uint32_t[]){2, 8, 1, 50, 0}, 1);
    harness_want(&h, y);
    qvl_plan_options o = harness_options(&h);
    o.max_binding_bytes = 400;
    qvl_plan plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 2, "two parts");
    CHECK_INT(plan.step[1].arg[1], 4, "half of G");
    CHECK_INT(plan.step[1].arg[2], 1 + 4 * 6, "offset in x");
    CHECK_INT(plan.step[1].at_bytes[1], 4 * 2 * 12 * 4, "rows of y");
    harness_release(&h);
}

/* A gradient nobody writes is filled in parts as well. */
static void test_zero(void)
{
    harness h;
    harness_init(&h, 1, 0);
    int w = harness_param(&h, V * C);
    harness_want(&h, w);
    h.trained[0] = true;
    qvl_plan_options o = harness_options(&h);
    o.max_binding_bytes = 1500;
    qvl_plan plan = plan_of(&h, &o);
    CHECK_INT(plan.n_steps, 4, "fills");
    CHECK_INT(plan.step[1].at_bytes[0], 288 * 4, "second quarter");
    CHECK_INT(plan.step[1].arg_more[1], 1, "adds nothing");
    run_limits(&h, 64, 0, "zeros");
    harness_release(&h);
}

static void test_refusals(void)
{
    harness h;
    qvl_plan plan;
    qvl_err err;
    product(&h, 2);
    qvl_plan_options o = harness_options(&h);
    o.max_binding_bytes = 300;  // a row of y has 576
    CHECK_FAILS(qvl_plan_make(&plan, &h.program, &o, &h.arena, &err),
                QVL_E_DEVICE, err, "a part of it is not smaller");
    CHECK_HAS(err.msg, "line 7 of the layer spec", "where");
    harness_release(&h);
}

RUN_TESTS(TEST(test_rows_of_w), TEST(test_products),
          TEST(test_weight_gradient), TEST(test_input_gradient), TEST(test_expression),
          TEST(test_long_sums),
          TEST(test_look_up), TEST(test_too_long), TEST(test_edges), TEST(test_middle_dim),
          TEST(test_zero), TEST(test_refusals))
