/* test_cadence.c - when a run evaluates, saves, stops, and what it keeps */
#include "train/cadence.h"

#include "base/json.h"
#include "check.h"

static qvl_cadence rules(void)
{
    return (qvl_cadence){ .max_steps = 17, .logging_steps = 5,
                          .eval_steps = 5, .save_steps = 4 };
}

/* Ten steps are an epoch. */
static qvl_cadence_at at(int64_t step)
{
    return (qvl_cadence_at){ step, (double)step / 10, step % 10 == 0 };
}

typedef bool question(const qvl_cadence *c, const qvl_cadence_at *at);

/* Steps of 1 to 17 at which the answer is yes. */
static void check_steps(const qvl_cadence *c, question *q, const char *wanted,
                        const char *what)
{
    char found[128] = "";
    for (int64_t s = 1; s <= 17; s++) {
        qvl_cadence_at here = at(s);
        size_t n = strlen(found);
        if (q(c, &here))
            snprintf(found + n, sizeof found - n, "%s%lld", n > 0 ? " " : "",
                     (long long)s);
    }
    CHECK_STR(found, wanted, "%s", what);
}

static bool saves(const qvl_cadence *c, const qvl_cadence_at *here)
{
    return qvl_cadence_saves(c, here, here->step == 6);
}

static void test_steps(void)
{
    qvl_cadence c = rules();
    check_steps(&c, qvl_cadence_logs, "5 10 15 17", "logs");
    c.logs_first = true;
    check_steps(&c, qvl_cadence_logs, "1 5 10 15 17", "logs, the first too");
    check_steps(&c, qvl_cadence_evaluates, "", "no evaluation");
    c.eval_when = QVL_WHEN_STEPS;
    check_steps(&c, qvl_cadence_evaluates, "5 10 15 17", "by steps");
    c.eval_delay = 6;
    check_steps(&c, qvl_cadence_evaluates, "10 15 17", "not before 6");
    c.eval_when = QVL_WHEN_EPOCH;
    c.eval_delay = 0;
    check_steps(&c, qvl_cadence_evaluates, "10 17", "by epochs");
    c.eval_delay = 1.5;
    check_steps(&c, qvl_cadence_evaluates, "17", "not before epoch 1.5");
    check_steps(&c, saves, "", "no checkpoints");
    c.save_when = QVL_WHEN_STEPS;
    check_steps(&c, saves, "4 8 12 16 17", "checkpoints by steps");
    c.save_when = QVL_WHEN_EPOCH;
    check_steps(&c, saves, "10", "checkpoints by epochs");
    c.save_when = QVL_WHEN_BEST;
    check_steps(&c, saves, "6", "the best");
}

static void test_delay(void)
{
    qvl_cadence c = rules();
    c.save_when = QVL_WHEN_STEPS;
    c.delay_steps = 12;
    check_steps(&c, saves, "12 16 17", "by steps");
    c.delay_epochs = 0.1;
    check_steps(&c, saves, "12 16 17", "steps win");
    c.delay_steps = -1;
    c.delay_epochs = 0.9;
    check_steps(&c, saves, "12 16 17", "by epochs");
    c.delay_epochs = 0.8;
    check_steps(&c, saves, "8 12 16 17", "0.8 is not before 0.8");
    c.delay_epochs = 0;
    check_steps(&c, saves, "4 8 12 16 17", "none");
}

static bool judge(const qvl_cadence *c, qvl_cadence_state *s, int64_t step,
                  double metric)
{
    qvl_cadence_at here = at(step);
    return qvl_cadence_judge(c, s, &here, metric);
}

static void test_best(void)
{
    qvl_cadence c = rules();
    qvl_cadence_state s = { 0 };
    CHECK(judge(&c, &s, 1, 5), "the first");
    CHECK(!judge(&c, &s, 2, 5), "equal is no progress");
    CHECK(!judge(&c, &s, 3, 6), "worse");
    CHECK(!judge(&c, &s, 4, NAN), "no number");
    CHECK_INT(s.n_worse, 3, "without progress");
    CHECK(judge(&c, &s, 5, 4), "better");
    CHECK_INT(s.best_step, 5, "best_step");
    CHECK_INT(s.n_worse, 0, "progress");
    c.is_greater_better = true;
    CHECK(!judge(&c, &s, 6, 3), "less");
    CHECK(judge(&c, &s, 7, 4.5), "more");
    s = (qvl_cadence_state){ 0 };
    CHECK(!judge(&c, &s, 1, NAN), "no number is never the best");
    CHECK(judge(&c, &s, 2, -1e9), "after it anything is");
}

/* Delay 10, evaluations at 5, 10, 15 of 1, 2, 3, lower is better: only that at
 * 10 is saved. */
static void test_best_after_delay(void)
{
    qvl_cadence c = rules();
    qvl_cadence_state s = { 0 };
    c.save_when = QVL_WHEN_BEST;
    c.delay_steps = 10;
    for (int k = 1; k <= 3; k++) {
        qvl_cadence_at here = at(5 * k);
        bool is_best = qvl_cadence_judge(&c, &s, &here, k);
        CHECK_INT(qvl_cadence_saves(&c, &here, is_best), k == 2, "step %d",
                  5 * k);
    }
    CHECK_INT(s.best_step, 10, "best_step");
    CHECK_NEAR(s.best_metric, 2, 0, "best_metric");
    /* a state from before the delay's end: its best is forgotten, once */
    s = (qvl_cadence_state){ .has_best = true, .best_metric = 1 };
    CHECK(judge(&c, &s, 15, 3), "forgotten");
    CHECK(!judge(&c, &s, 16, 3), "once");
}

static void test_stop(void)
{
    qvl_cadence c = rules();
    qvl_cadence_state s = { 0 };
    c.delay_steps = 3;
    c.stop_after = 2;
    for (int64_t step = 1; step <= 5; step++) {
        judge(&c, &s, step, 1);
        CHECK_INT(qvl_cadence_stops(&c, &s), step == 5, "step %lld",
                  (long long)step);
    }
    c.stop_after = 0;
    CHECK(!qvl_cadence_stops(&c, &s), "never");
}

static void test_kept(void)
{
    static const qvl_cadence_state states[] = {
        { 0 },
        { true, 0.1 + 0.2, INT64_C(1) << 40, 7, true },
        { true, INFINITY, 1, 0, false },
        { true, -INFINITY, 1, 0, false },
    };
    for (size_t i = 0; i < QVL_COUNT(states); i++) {
        qvl_err err;
        qvl_arena a = { 0 };
        qvl_str text = { 0 };
        qvl_node *map;
        qvl_cadence_state back = { .n_worse = 99 };
        qvl_cadence_put(&text, &states[i]);
        CHECK_OK(qvl_json_parse(&map, text.p, text.len, "s", &a, &err), err);
        CHECK_OK(qvl_cadence_read(&back, map, &err), err);
        CHECK(back.has_best == states[i].has_best
              && back.best_metric == states[i].best_metric
              && back.best_step == states[i].best_step
              && back.n_worse == states[i].n_worse
              && back.has_left_delay == states[i].has_left_delay, "%s",
              text.p);
        qvl_str_release(&text);
        qvl_arena_release(&a);
    }
    static const char *const bad[] = {
        "{}", "[]", "{\"has_best\": 1}",
        "{\"has_best\": true, \"best_metric\": null, \"best_step\": 1,"
        " \"n_worse\": 0, \"has_left_delay\": false}",
        "{\"has_best\": true, \"best_metric\": 1, \"best_step\": 1,"
        " \"n_worse\": -1, \"has_left_delay\": false}",
    };
    for (size_t i = 0; i < QVL_COUNT(bad); i++) {
        qvl_err err;
        qvl_arena a = { 0 };
        qvl_node *map;
        qvl_cadence_state s = { .n_worse = 99 };
        CHECK_OK(qvl_json_parse(&map, bad[i], strlen(bad[i]), "s", &a, &err),
                 err);
        CHECK_FAILS(qvl_cadence_read(&s, map, &err), QVL_E_FORMAT, err,
                    "checkpoint");
        CHECK_INT(s.n_worse, 99, "unchanged");
        qvl_arena_release(&a);
    }
}

static void test_shares(void)
{
    qvl_run_config c = { 0 };
    c.training.logging_steps = 1;
    static const struct {
        double given;
        int64_t steps;
    } cases[] = { { 500, 500 }, { 0.1, 100 }, { 0.25, 250 }, { 1e-9, 1 },
                  { 0.0015, 2 } };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        c.training.save_steps = c.training.eval_steps = cases[i].given;
        qvl_cadence r = qvl_cadence_of(&c, 1000);
        CHECK_INT(r.save_steps, cases[i].steps, "%g", cases[i].given);
        CHECK_INT(r.eval_steps, cases[i].steps, "%g", cases[i].given);
    }
}

RUN_TESTS(TEST(test_steps), TEST(test_delay), TEST(test_best),
          TEST(test_best_after_delay), TEST(test_stop), TEST(test_kept),
          TEST(test_shares))
