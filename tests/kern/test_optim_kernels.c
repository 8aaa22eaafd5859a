/* test_optim_kernels.c - shaders/optim.k and tally on every device against double
 * precision
 */
#include <math.h>

#include "check.h"
#include "runner.h"
#include "tensor/dtype.h"

static void for_targets(void (*check)(const target *t))
{
    int n;
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++)
        check(&t[i]);
}

/* Sums of squares, and what clip makes of them. */

static void check_squares(const target *t, uint32_t n, uint32_t run)
{
    uint32_t parts = (n + run - 1) / run;
    operand g = operand_random(n, -2.0, 3.0, n);
    operand part = operand_zeros(parts);
    operand want = operand_zeros(parts);
    runner_run(t, runner_kernel("square_sum.ff"), (operand *[]){ &g, &part },
               (uint32_t[]){ n, parts, run });
    for (uint32_t i = 0; i < n; i++)
        want.v[i / run] += g.v[i] * g.v[i];
    char what[64];
    snprintf(what, sizeof what, "square_sum on %s, %u by %u", t->name, n,
             run);
    runner_near(part.v, want.v, parts, 1e-6, 1.0, what);
    operand_release(&g);
    operand_release(&part);
    operand_release(&want);
}

static void check_all_squares(const target *t)
{
    static const uint32_t n[] = { 1,     2,     7,     17,    2047, 2048,
                                  2049,  2065,  16383, 16384, 16385,
                                  70001, 131072 };
    for (size_t i = 0; i < QVL_COUNT(n); i++)
        check_squares(t, n[i], 16384);
    check_squares(t, 70001, 2049);
}

static void test_squares(void)
{
    for_targets(check_all_squares);
}

static void check_clip(const target *t, uint32_t parts, double most,
                       double factor)
{
    operand part = operand_random(parts, 0.0, 4.0, parts + 3);
    operand rule = operand_zeros(8);
    operand stat = operand_zeros(4);
    rule.v[0] = most;
    rule.v[1] = factor;
    runner_run(t, runner_kernel("clip.fff"),
               (operand *[]){ &part, &rule, &stat },
               (uint32_t[]){ parts, 1 });
    double sum = 0.0;
    for (uint32_t i = 0; i < parts; i++)
        sum += part.v[i];
    double norm = sqrt(sum) * rule.v[1];
    double f = most > 0.0 ? fmin(1.0, rule.v[0] / (norm + 1e-6)) : 1.0;
    double want[4] = { norm, f * rule.v[1], 1.0, 0.0 };
    char what[96];
    snprintf(what, sizeof what, "clip on %s, %u parts, %g, %g", t->name,
             parts, most, factor);
    runner_near(stat.v, want, 4, 1e-6, 0.0, what);
    operand_release(&part);
    operand_release(&rule);
    operand_release(&stat);
}

static void check_all_clips(const target *t)
{
    static const uint32_t parts[] = { 1, 3, 64, 1023, 1024, 1025, 70001 };
    for (size_t i = 0; i < QVL_COUNT(parts); i++) {
        check_clip(t, parts[i], 0.5, 1.0);
        check_clip(t, parts[i], 1e6, 1.0);
        check_clip(t, parts[i], 0.0, 1.0 / 65536.0);
    }
}

static void test_clip(void)
{
    for_targets(check_all_clips);
}

/* One bad number anywhere drops the update. */
static void check_bad(const target *t)
{
    static const double bad[] = { (double)INFINITY, (double)-INFINITY,
                                  (double)NAN, 3e38 };
    static const uint32_t place[] = { 0, 1, 2047, 2048, 4998 };
    for (size_t b = 0; b < QVL_COUNT(bad); b++)
        for (size_t p = 0; p < QVL_COUNT(place); p++) {
            operand g = operand_random(5000, -1.0, 1.0, 5);
            operand part = operand_zeros(1);
            operand rule = operand_zeros(8);
            operand stat = operand_zeros(4);
            g.v[place[p]] = bad[b];
            rule.v[0] = rule.v[1] = 1.0;
            runner_run(t, runner_kernel("square_sum.ff"),
                       (operand *[]){ &g, &part },
                       (uint32_t[]){ 5000, 1, 16384 });
            runner_run(t, runner_kernel("clip.fff"),
                       (operand *[]){ &part, &rule, &stat },
                       (uint32_t[]){ 1, 1 });
            CHECK(!isfinite(stat.v[0]) && stat.v[1] == 0.0
                      && stat.v[2] == 0.0,
                  "%s, %g at %u: found %g, %g, %g", t->name, bad[b], place[p],
                  stat.v[0], stat.v[1], stat.v[2]);
            operand_release(&g);
            operand_release(&part);
            operand_release(&rule);
            operand_release(&stat);
        }
}

static void test_bad(void)
{
    for_targets(check_bad);
}

/* Updates. */

#define LR 1e-3
#define B1 0.9
#define B2 0.95
#define EPS 1e-8
#define DECAY 0.1

/* Row 2 of 3 of the rule, for update t; the others are poison. */
static operand rule_of(int t)
{
    operand r = operand_random(24, 100.0, 200.0, 9);
    double row[8] = { B1, 1.0 - B1, B2, 1.0 - B2, LR / (1.0 - pow(B1, t)),
                      1.0 / sqrt(1.0 - pow(B2, t)), EPS, LR * DECAY };
    memcpy(r.v + 16, row, sizeof row);
    return r;
}

typedef struct {
    operand w, master, g, m, v, rule, stat;
} state;

static state state_of(uint32_t n, int t)
{
    state s = { operand_random(n, -1.0, 1.0, 1), operand_random(n, -1.0, 1.0,
                                                                2),
                operand_random(n, -0.5, 0.5, 3), operand_random(n, -0.1, 0.1,
                                                                4),
                operand_random(n, 0.0, 0.2, 5), rule_of(t),
                operand_zeros(4) };
    s.stat.v[1] = 0.25;
    s.stat.v[2] = 1.0;
    return s;
}

static void state_release(state *s)
{
    operand *all[] = { &s->w, &s->master, &s->g, &s->m, &s->v, &s->rule,
                       &s->stat };
    for (size_t i = 0; i < QVL_COUNT(all); i++)
        operand_release(all[i]);
}

/* One update in double; w is what is trained. */
static void update(double *w, double g, double *m, double *v, int t)
{
    *m = B1 * *m + (1.0 - B1) * g;
    *v = B2 * *v + (1.0 - B2) * g * g;
    double mean = *m / (1.0 - pow(B1, t));
    double root = sqrt(*v / (1.0 - pow(B2, t)));
    *w = *w * (1.0 - LR * DECAY) - LR * mean / (root + EPS);
}

/* dtype -1: stored in f32, without a master. */
static void check_update(const target *t, uint32_t n, int dtype, int step)
{
    state s = state_of(n, step);
    bool has_master = dtype >= 0;
    const char *name = !has_master          ? "adamw.ffffff"
                       : dtype == QVL_BF16 ? "adamw_master.bffffff"
                                           : "adamw_master.hffffff";
    operand *trained = has_master ? &s.master : &s.w;
    operand_round(&s.g, QVL_F32);
    operand_round(trained, QVL_F32);
    operand_round(&s.m, QVL_F32);
    operand_round(&s.v, QVL_F32);
    operand w = operand_zeros(n), m = operand_zeros(n), v = operand_zeros(n);
    for (uint32_t i = 0; i < n; i++) {
        w.v[i] = trained->v[i];
        m.v[i] = s.m.v[i];
        v.v[i] = s.v.v[i];
        update(&w.v[i], 0.25 * s.g.v[i], &m.v[i], &v.v[i], step);
    }
    operand *plain[] = { &s.w, &s.g, &s.m, &s.v, &s.rule, &s.stat };
    operand *with[] = { &s.w, &s.master, &s.g, &s.m, &s.v, &s.rule, &s.stat };
    runner_run(t, runner_kernel(name), has_master ? with : plain,
               (uint32_t[]){ n, 3, 2 });
    char what[96];
    snprintf(what, sizeof what, "%s on %s, %u, update %d", name, t->name, n,
             step);
    runner_near(trained->v, w.v, n, 2e-7, 1.0, what);
    /* Old and new terms are up to 0.1 and may cancel. */
    runner_near(s.m.v, m.v, n, 2e-7, 0.1, what);
    runner_near(s.v.v, v.v, n, 2e-7, 0.1, what);
    if (has_master) {
        operand_round(trained, dtype);
        runner_near(s.w.v, trained->v, n, 0.0, 0.0, what);
    }
    operand_release(&w);
    operand_release(&m);
    operand_release(&v);
    state_release(&s);
}

static void check_updates(const target *t)
{
    static const uint32_t n[] = { 1, 2, 95, 96, 97, 193, 4099, 70001 };
    for (size_t i = 0; i < QVL_COUNT(n); i++)
        for (int step = 1; step <= 1000; step *= 1000) {
            check_update(t, n[i], -1, step);
            check_update(t, n[i], QVL_BF16, step);
            check_update(t, n[i], QVL_F16, step);
        }
}

static void test_updates(void)
{
    for_targets(check_updates);
}

/* stat says no: every bit stays, also where the gradient is a NaN. */
static void check_dropped(const target *t)
{
    static const char *const name[] = { "adamw.ffffff",
                                        "adamw_master.bffffff" };
    for (int k = 0; k < 2; k++) {
        state s = state_of(300, 1), old = state_of(300, 1);
        s.stat.v[1] = s.stat.v[2] = 0.0;
        s.g.v[7] = (double)NAN;
        operand_round(&old.w, k == 0 ? QVL_F32 : QVL_BF16);
        operand_round(&old.m, QVL_F32);
        operand_round(&old.v, QVL_F32);
        operand_round(&old.master, QVL_F32);
        operand *plain[] = { &s.w, &s.g, &s.m, &s.v, &s.rule, &s.stat };
        operand *with[] = { &s.w, &s.master, &s.g, &s.m, &s.v, &s.rule,
                            &s.stat };
        runner_run(t, runner_kernel(name[k]), k == 0 ? plain : with,
                   (uint32_t[]){ 300, 3, 2 });
        runner_near(s.w.v, old.w.v, 300, 0.0, 0.0, name[k]);
        runner_near(s.m.v, old.m.v, 300, 0.0, 0.0, name[k]);
        runner_near(s.v.v, old.v.v, 300, 0.0, 0.0, name[k]);
        if (k == 1)
            runner_near(s.master.v, old.master.v, 300, 0.0, 0.0, name[k]);
        state_release(&s);
        state_release(&old);
    }
}

static void test_dropped(void)
{
    for_targets(check_dropped);
}

/* Two updates of two numbers, known to nine digits. */
static void check_vector(const target *t)
{
    static const double grad[2][2] = { { 0.1, -0.2 }, { 0.3, 0.0 } };
    static const double want[2][2] = { { 0.998899996, -1.998799920 },
                                       { 0.997891426, -1.997921348 } };
    operand w = operand_zeros(2), m = operand_zeros(2), v = operand_zeros(2);
    w.v[0] = 1.0;
    w.v[1] = -2.0;
    for (int step = 1; step <= 2; step++) {
        operand g = operand_zeros(2), rule = rule_of(step),
                stat = operand_zeros(4);
        memcpy(g.v, grad[step - 1], sizeof grad[0]);
        stat.v[1] = stat.v[2] = 1.0;
        runner_run(t, runner_kernel("adamw.ffffff"),
                   (operand *[]){ &w, &g, &m, &v, &rule, &stat },
                   (uint32_t[]){ 2, 3, 2 });
        runner_near(w.v, want[step - 1], 2, 2e-7, 1.0, t->name);
        operand_release(&g);
        operand_release(&rule);
        operand_release(&stat);
    }
    operand_release(&w);
    operand_release(&m);
    operand_release(&v);
}

static void test_vector(void)
{
    for_targets(check_vector);
}

/* Totals. */

static void check_tally(const target *t)
{
    operand x = operand_random(2, -3.0, 9.0, 8), y = operand_zeros(2);
    y.v[0] = y.v[1] = 77.0;
    for (uint32_t more = 0; more < 3; more++)
        runner_run(t, runner_kernel("tally.ff"), (operand *[]){ &x, &y },
                   (uint32_t[]){ 2, more > 0 });
    double want[2] = { 3.0 * x.v[0], 3.0 * x.v[1] };
    runner_near(y.v, want, 2, 1e-6, 1.0, t->name);
    operand_release(&x);
    operand_release(&y);
}

static void test_tally(void)
{
    for_targets(check_tally);
}

RUN_TESTS(TEST(test_squares), TEST(test_clip), TEST(test_bad),
          TEST(test_updates), TEST(test_dropped), TEST(test_vector),
          TEST(test_tally))
