/* test_long.c - gradients that are summed over many rows, in runs of 128 where sums
 * are long: on both sides of a run, and over several of them; many uses that are
 * sorted
 */
#include "check.h"
#include "forms.h"
#include "runner.h"
#include "tensor/dtype.h"

typedef struct {
    uint32_t rows, groups, cols, acc;
} norm_case;

enum { SHARES = KERN_PARTS, OFF = 3, PAD = 2 };

/* What a case of a norm reads and writes. Rows of x and dy are slices of wider
 * ones; the truth begins with what `part` has. */
typedef struct {
    operand dy, x, mean, rstd, part, want;
    uint32_t ld;
    size_t n_sums;  // of [cols] that are added up
} norm_data;

static void norm_open(norm_data *d, const norm_case *n)
{
    uint32_t width = n->groups * n->cols;
    *d = (norm_data){ .ld = width + PAD, .n_sums = (size_t)n->rows * n->groups };
    size_t size = OFF + (size_t)n->rows * d->ld;
    d->dy = operand_random(size, -1.0, 1.0, 1);
    d->x = operand_random(size, -1.0, 2.0, 2);
    d->mean = operand_random(d->n_sums, -0.5, 0.5, 3);
    d->rstd = operand_random(d->n_sums, 0.5, 1.5, 4);
    d->part = operand_random((size_t)SHARES * n->cols, -1.0, 1.0, 5);
    d->want = operand_zeros(d->part.n);
    operand_round(&d->part, QVL_F32);
    for (size_t i = 0; n->acc != 0 && i < d->part.n; i++)
        d->want.v[i] = d->part.v[i];
}

static void norm_close(norm_data *d)
{
    operand *all[] = { &d->dy, &d->x, &d->mean, &d->rstd, &d->part, &d->want };
    for (size_t i = 0; i < QVL_COUNT(all); i++)
        operand_release(all[i]);
}

/* Adds the sums to d->want, and compares. A sum of f32 in runs of 128 is off by
 * some tens of steps of its largest addend. */
static void norm_check(const target *t, norm_data *d, const norm_case *n,
                       bool has_mean, const char *name)
{
    size_t share = (d->n_sums + SHARES - 1) / SHARES;
    for (size_t e = 0; e < d->n_sums; e++)
        for (uint32_t c = 0; c < n->cols; c++) {
            size_t at = OFF + e / n->groups * d->ld + e % n->groups * n->cols + c;
            double x = d->x.v[at] - (has_mean ? d->mean.v[e] : 0.0);
            d->want.v[e / share * n->cols + c] += d->dy.v[at] * x * d->rstd.v[e];
        }
    char what[128];
    snprintf(what, sizeof what, "%s on %s, %u x %u x %u, acc %u", name, t->name,
             n->rows, n->groups, n->cols, n->acc);
    runner_near(d->part.v, d->want.v, d->part.n, 3e-6, 4.0, what);
}

static void check_rms(const target *t, const norm_case *n)
{
    const char *name = "rms_norm_dw_part.ffff";
    norm_data d;
    norm_open(&d, n);
    runner_run(t, runner_kernel(name),
               (operand *[]){ &d.dy, &d.x, &d.rstd, &d.part },
               (uint32_t[]){ n->rows, n->groups, n->cols, OFF, d.ld, OFF, d.ld,
                             n->acc });
    norm_check(t, &d, n, false, name);
    norm_close(&d);
}

static void check_layer(const target *t, const norm_case *n)
{
    const char *name = "layer_norm_dw_part.fffff";
    norm_data d;
    norm_open(&d, n);
    runner_run(t, runner_kernel(name),
               (operand *[]){ &d.dy, &d.x, &d.mean, &d.rstd, &d.part },
               (uint32_t[]){ n->rows, n->cols, OFF, d.ld, OFF, d.ld, n->acc });
    norm_check(t, &d, n, true, name);
    norm_close(&d);
}

/* Shares of 1 row, of 128, of one more, and of two runs and one row; columns
 * that fill no group, one, and one and a bit. */
static void check_norms(const target *t)
{
    static const norm_case cases[] = {
        { 1, 1, 1, 0 },            { 33, 1, 64, 1 },
        { 128 * 32, 1, 70, 0 },    { 128 * 32 + 1, 1, 64, 1 },
        { 257 * 32, 1, 33, 1 },    { 129 * 8, 4, 66, 0 },
        { 257 * 16 - 5, 2, 31, 0 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        check_rms(t, &cases[i]);
        if (cases[i].groups == 1)
            check_layer(t, &cases[i]);
    }
}

static void test_norms(void)
{
    int n;
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++)
        check_norms(&t[i]);
}

/* The entries from lo on, n of them. */
static void run_lookup(const target *t, operand *const *ops, uint32_t *arg,
                       uint32_t lo, uint32_t n)
{
    operand entry = { ops[3]->v + lo, n };
    operand *part[] = { ops[0], ops[1], ops[2], &entry, ops[4] };
    arg[4] = n;
    arg[8] = lo;
    runner_run(t, runner_kernel("lookup_dx.ffiif"), part, arg);
    arg[9] = 1;
}

/* Uses of table rows: of row 0 none, of row 1 one, of row 2 all others, from the
 * last to the first. Entries come in two parts where there are several. */
static void check_lookup(const target *t, uint32_t rows, uint32_t cols,
                         uint32_t acc)
{
    enum { K = 2, N = 3 };
    uint32_t ld = cols + PAD;
    operand dy = operand_random(OFF + (size_t)rows * ld, -1.0, 1.0, 6);
    operand weight = operand_random((size_t)rows * K, -1.0, 1.0, 7);
    operand entry = operand_zeros((size_t)rows * K);
    operand start = operand_zeros(N + 1);
    operand dx = operand_random((size_t)N * cols, -1.0, 1.0, 8);
    operand want = operand_zeros(dx.n);
    operand_round(&dx, QVL_F32);
    for (size_t i = 0; acc != 0 && i < dx.n; i++)
        want.v[i] = dx.v[i];
    start.v[2] = 1.0;
    start.v[3] = (double)entry.n;
    for (size_t e = 0; e < entry.n; e++)
        entry.v[e] = (double)(entry.n - 1 - e);
    uint32_t first = rows < 3 ? rows * K : rows;
    operand *ops[] = { &dy, &weight, &start, &entry, &dx };
    uint32_t arg[] = { rows, cols, K, N + 1, 0, N, OFF, ld, 0, acc };
    run_lookup(t, ops, arg, 0, first);
    if (first < rows * K)
        run_lookup(t, ops, arg, first, rows * K - first);
    for (size_t e = 0; e < entry.n; e++)
        for (uint32_t c = 0; c < cols; c++) {
            size_t use = (size_t)entry.v[e];
            want.v[(e < 1 ? 1 : 2) * (size_t)cols + c] +=
                weight.v[use] * dy.v[OFF + use / K * ld + c];
        }
    char what[96];
    snprintf(what, sizeof what, "lookup_dx on %s, %u rows, %u columns, acc %u",
             t->name, rows, cols, acc);
    /* One sum over 16,384 entries reaches some 40, whose half step is 2e-6, and
     * errs as often up as down; an entry is about 0.3. */
    runner_near(dx.v, want.v, dx.n, 2e-5, 40.0, what);
    operand_release(&dy);
    operand_release(&weight);
    operand_release(&entry);
    operand_release(&start);
    operand_release(&dx);
    operand_release(&want);
}

static void test_lookups(void)
{
    int n;
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++) {
        check_lookup(&t[i], 1, 1, 0);
        check_lookup(&t[i], 8193, 35, 1);
        check_lookup(&t[i], 8193, 32, 0);
        /* several spans of columns */
        check_lookup(&t[i], 5, 131, 0);
        check_lookup(&t[i], 5, 128, 1);
    }
}

/* Weights of two experts; the first has one use, the second all others, from the
 * last to the first. */
static void check_experts(const target *t, uint32_t rows, uint32_t cols,
                          uint32_t acc)
{
    enum { E = 2, N = 2, K = 2 };
    uint32_t ld = N + PAD;
    uint32_t uses = rows * K;
    operand dy = operand_random(OFF + (size_t)uses * ld, -1.0, 1.0, 9);
    operand x = operand_random((size_t)rows * cols, -1.0, 1.0, 10);
    operand start = operand_zeros(E + 1);
    operand order = operand_zeros(uses);
    operand dw = operand_random((size_t)E * N * cols, -1.0, 1.0, 11);
    operand want = operand_zeros(dw.n);
    operand_round(&dw, QVL_F32);
    for (size_t i = 0; acc != 0 && i < dw.n; i++)
        want.v[i] = dw.v[i];
    start.v[1] = 1.0;
    start.v[2] = (double)uses;
    for (uint32_t p = 0; p < uses; p++)
        order.v[p] = (double)(uses - 1 - p);
    runner_run(t, runner_kernel("expert_tn.ffiif"),
               (operand *[]){ &dy, &x, &start, &order, &dw },
               (uint32_t[]){ uses, N, rows, cols, E + 1, E, OFF, ld, 0, cols,
                              acc });
    for (uint32_t p = 0; p < uses; p++)
        for (uint32_t n = 0; n < N; n++)
            for (uint32_t c = 0; c < cols; c++)
                want.v[((p < 1 ? 0 : N) + n) * (size_t)cols + c] +=
                    dy.v[OFF + (size_t)p * ld + n]
                    * x.v[(size_t)order.v[p] / K * cols + c];
    char what[96];
    snprintf(what, sizeof what, "expert_tn on %s, %u rows, %u columns, acc %u",
             t->name, rows, cols, acc);
    runner_near(dw.v, want.v, dw.n, 2e-5, 40.0, what);
    operand *all[] = { &dy, &x, &start, &order, &dw, &want };
    for (size_t i = 0; i < QVL_COUNT(all); i++)
        operand_release(all[i]);
}

static void test_experts(void)
{
    int n;
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++) {
        check_experts(&t[i], 1, 1, 0);
        check_experts(&t[i], 3, 2, 0);
        check_experts(&t[i], 8193, 19, 1);
        check_experts(&t[i], 8193, 64, 0);
        check_experts(&t[i], 5, 131, 1);
    }
}

/* Uses of experts 1 and 3; 0, 2 and the last have none. */
static void check_sort(const target *t, uint32_t n)
{
    enum { E = 5 };
    operand expert = operand_zeros(n);
    operand start = operand_zeros(E + 1);
    operand order = operand_zeros(n);
    operand place = operand_zeros(n);
    operand want_start = operand_zeros(E + 1);
    operand want_order = operand_zeros(n);
    operand want_place = operand_zeros(n);
    for (uint32_t s = 0; s < n; s++)
        expert.v[s] = s % 3 == 0 ? 3.0 : 1.0;
    runner_run(t, runner_kernel("sort_uses.iiii"),
               (operand *[]){ &expert, &start, &order, &place },
               (uint32_t[]){ n, E + 1 });
    uint32_t p = 0;
    for (uint32_t e = 0; e <= E; e++) {
        want_start.v[e] = p;
        for (uint32_t s = 0; s < n; s++)
            if (expert.v[s] == (double)e) {
                want_order.v[p] = s;
                want_place.v[s] = p++;
            }
    }
    char what[64];
    snprintf(what, sizeof what, "sort_uses on %s, %u uses", t->name, n);
    runner_near(start.v, want_start.v, start.n, 0.0, 1.0, what);
    runner_near(order.v, want_order.v, n, 0.0, 1.0, what);
    runner_near(place.v, want_place.v, n, 0.0, 1.0, what);
    operand *all[] = { &expert, &start, &order, &place, &want_start,
                       &want_order, &want_place };
    for (size_t i = 0; i < QVL_COUNT(all); i++)
        operand_release(all[i]);
}

static void test_sorts(void)
{
    int n;
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++) {
        check_sort(&t[i], 1);
        check_sort(&t[i], 16384);
        check_sort(&t[i], 16390);
    }
}

RUN_TESTS(TEST(test_norms), TEST(test_lookups), TEST(test_experts),
          TEST(test_sorts))
