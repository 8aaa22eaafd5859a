/* test_sched.c - schedules against known values */
#include <math.h>

#include "check.h"
#include "train/sched.h"

static qvl_train_options base(const char *type, int64_t steps, int64_t warmup)
{
    qvl_train_options o;
    qvl_train_defaults(&o);
    o.schedule = type;
    o.learning_rate = 1e-4;
    o.max_steps = steps;
    o.warmup_steps = warmup;
    return o;
}

typedef struct {
    int64_t k;
    double want;
} point;

static void check_points(const qvl_train_options *o, const point *p, size_t n)
{
    qvl_sched s;
    qvl_err err = { 0 };
    CHECK_OK(qvl_sched_init(&s, o, &err), err);
    for (size_t i = 0; i < n; i++)
        CHECK_NEAR(qvl_sched_factor(&s, p[i].k), p[i].want, 1e-12,
                   "%s, step %d", o->schedule, (int)p[i].k);
}

#define POINTS(o, ...)                                                        \
    do {                                                                      \
        const point points_[] = { __VA_ARGS__ };                              \
        check_points(o, points_, QVL_COUNT(points_));                         \
    } while (0)

static void test_types(void)
{
    qvl_train_options o = base("linear", 10, 2);
    POINTS(&o, { 0, 0.0 }, { 1, 0.5 }, { 2, 1.0 }, { 6, 0.5 }, { 9, 0.125 },
           { 10, 0.0 }, { 12, 0.0 });
    o = base("cosine", 110, 10);
    POINTS(&o, { 0, 0.0 }, { 5, 0.5 }, { 10, 1.0 }, { 60, 0.5 },
           { 35, 0.85355339059327373 }, { 110, 0.0 });
    o.num_cycles = 1.0;
    POINTS(&o, { 60, 0.0 }, { 110, 1.0 });
    o = base("cosine_with_restarts", 100, 0);
    POINTS(&o, { 0, 1.0 }, { 50, 0.5 }, { 100, 0.0 }, { 120, 0.0 });
    o.num_cycles = 2.0;
    POINTS(&o, { 25, 0.5 }, { 50, 1.0 }, { 75, 0.5 }, { 100, 0.0 });
    o = base("polynomial", 10, 0);
    o.learning_rate = 1e-3;
    o.power = 2.0;
    POINTS(&o, { 0, 1.0 }, { 5, 0.250075 }, { 10, 1e-4 }, { 11, 1e-4 });
    o = base("constant", 10, 5);
    POINTS(&o, { 0, 1.0 }, { 9, 1.0 });
    o = base("constant_with_warmup", 10, 4);
    POINTS(&o, { 0, 0.0 }, { 1, 0.25 }, { 4, 1.0 }, { 9, 1.0 });
    o = base("inverse_sqrt", 1000, 100);
    POINTS(&o, { 0, 0.0 }, { 50, 0.5 }, { 100, 1.0 }, { 400, 0.5 });
    o = base("inverse_sqrt", 100000, 0);
    POINTS(&o, { 0, 1.0 }, { 30000, 0.5 });
    o.timescale = 3.0;
    POINTS(&o, { 9, 0.5 });
}

static void test_floors(void)
{
    qvl_train_options o = base("cosine_warmup_with_min_lr", 100, 10);
    o.min_lr = 1e-6;
    POINTS(&o, { 0, 0.1 }, { 4, 0.5 }, { 9, 1.0 },
           { 10, 0.9996984593744525 }, { 54, 0.505 },
           { 55, 0.4877247491322622 }, { 98, 0.010301540625547597 },
           { 99, 0.01 }, { 100, 0.01 }, { 150, 0.01 });
    o.warmup_lr_rate = 0.1;
    POINTS(&o, { 0, 0.1 }, { 3, 0.4 }, { 9, 1.0 });
    o = base("cosine_with_min_lr", 100, 10);
    o.min_lr = 1e-6;
    POINTS(&o, { 0, 0.0 }, { 5, 0.5 }, { 10, 1.0 }, { 55, 0.505 },
           { 100, 0.01 });
    o.min_lr = -1.0;
    o.min_lr_rate = 0.2;
    POINTS(&o, { 55, 0.6 }, { 100, 0.2 });
    o = base("warmup_stable_decay", 100, 10);
    o.num_decay_steps = 40;
    o.min_lr_rate = 0.1;
    POINTS(&o, { 5, 0.5 }, { 10, 1.0 }, { 59, 1.0 }, { 60, 1.0 },
           { 80, 0.55 }, { 100, 0.1 }, { 120, 0.1 });
    o.decay_type = "linear";
    POINTS(&o, { 70, 0.775 });
    o.decay_type = "1-sqrt";
    o.num_stable_steps = 20;
    POINTS(&o, { 30, 1.0 }, { 40, 0.55 }, { 70, 0.1 });
}

static void test_warmup(void)
{
    qvl_train_options o = base("linear", 10, 0);
    qvl_sched s;
    qvl_err err = { 0 };
    o.warmup_ratio = 0.25;  // 2.5 steps: rounded up
    CHECK_OK(qvl_sched_init(&s, &o, &err), err);
    CHECK_INT(s.n_warmup, 3, "ratio");
    o.warmup_steps = 1;
    CHECK_OK(qvl_sched_init(&s, &o, &err), err);
    CHECK_INT(s.n_warmup, 1, "steps win");
    o = base("linear", 1, 1);  // nothing but warmup
    POINTS(&o, { 0, 0.0 });
}

static void test_plateau(void)
{
    qvl_train_options o = base("reduce_lr_on_plateau", 100, 0);
    qvl_sched s;
    qvl_err err = { 0 };
    o.patience = 1;
    o.factor = 0.5;
    CHECK_OK(qvl_sched_init(&s, &o, &err), err);
    static const struct {
        double value, want;
    } seen[] = {
        { 2.0, 1.0 },  { 1.0, 1.0 },      // progress
        { 1.0, 1.0 },  { 0.99995, 0.5 },  // too little of it, twice
        { 0.9, 0.5 },  { 5.0, 0.5 },
        { (double)NAN, 0.25 },
    };
    for (size_t i = 0; i < QVL_COUNT(seen); i++) {
        qvl_sched_metric(&s, seen[i].value);
        CHECK_NEAR(qvl_sched_factor(&s, (int64_t)i), seen[i].want, 0.0,
                   "evaluation %zu", i);
    }
    o.greater_is_better = true;
    CHECK_OK(qvl_sched_init(&s, &o, &err), err);
    for (int i = 0; i < 5; i++)
        qvl_sched_metric(&s, 0.1 * i);
    CHECK_NEAR(qvl_sched_factor(&s, 9), 1.0, 0.0, "rises");
    qvl_sched_metric(&s, 0.0);
    qvl_sched_metric(&s, 0.0);
    CHECK_NEAR(qvl_sched_factor(&s, 9), 0.5, 0.0, "falls");
}

static void test_refusals(void)
{
    qvl_sched s;
    qvl_err err = { 0 };
    qvl_train_options o = base("cosin", 10, 0);
    CHECK_FAILS(qvl_sched_init(&s, &o, &err), QVL_E_CONFIG, err,
                "lr_scheduler_type: found cosin");
    CHECK(strstr(err.hint, "cosine") != NULL, "|%s|", err.hint);
    o.schedule = NULL;
    CHECK_FAILS(qvl_sched_init(&s, &o, &err), QVL_E_CONFIG, err,
                "found nothing");
    o = base("cosine_warmup_with_min_lr", 10, 0);
    CHECK_FAILS(qvl_sched_init(&s, &o, &err), QVL_E_CONFIG, err,
                "found neither min_lr nor min_lr_rate");
    o.min_lr = 1e-6;
    o.min_lr_rate = 0.1;
    CHECK_FAILS(qvl_sched_init(&s, &o, &err), QVL_E_CONFIG, err,
                "expected one of them");
    o.min_lr = 1.0;
    o.min_lr_rate = -1.0;
    CHECK_FAILS(qvl_sched_init(&s, &o, &err), QVL_E_CONFIG, err,
                "min_lr: found 1, expected no more");
    o = base("polynomial", 10, 0);
    o.lr_end = 1.0;
    CHECK_FAILS(qvl_sched_init(&s, &o, &err), QVL_E_CONFIG, err, "lr_end");
    o = base("warmup_stable_decay", 10, 4);
    CHECK_FAILS(qvl_sched_init(&s, &o, &err), QVL_E_CONFIG, err,
                "found no num_decay_steps");
    o.num_decay_steps = 7;
    CHECK_FAILS(qvl_sched_init(&s, &o, &err), QVL_E_CONFIG, err,
                "num_decay_steps: found 7");
    o.num_decay_steps = 6;
    o.decay_type = "lineer";
    CHECK_FAILS(qvl_sched_init(&s, &o, &err), QVL_E_CONFIG, err,
                "decay_type: found lineer");
}

RUN_TESTS(TEST(test_types), TEST(test_floors), TEST(test_warmup),
          TEST(test_plateau), TEST(test_refusals))
