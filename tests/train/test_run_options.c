/* test_run_options.c - options of a trainer against the keys they stand for */
#include <math.h>

#include "check.h"
#include "train/run_options.h"

static qvl_train_options base(void)
{
    qvl_train_options o;
    qvl_train_defaults(&o);
    o.learning_rate = 1e-4;
    o.max_steps = 10;
    return o;
}

/* The presets of the public header, which the keys give. */
static void test_presets(void)
{
    qvl_train_options o;
    qvl_err err = { 0 };
    qvl_train_defaults(&o);
    const struct {
        const char *name;
        double found, want;
    } cases[] = {
        { "learning_rate", o.learning_rate, 0 },
        { "max_steps", (double)o.max_steps, 0 },
        { "vit_lr", o.vit_lr, -1 },
        { "beta1", o.beta1, 0.9 },
        { "beta2", o.beta2, 0.95 },
        { "epsilon", o.epsilon, 1e-8 },
        { "weight_decay", o.weight_decay, 0.1 },
        { "max_grad_norm", o.max_grad_norm, 1 },
        { "max_skipped", o.max_skipped, 20 },
        { "lr_end", o.lr_end, 1e-7 },
        { "num_decay_steps", (double)o.num_decay_steps, -1 },
        { "factor", o.factor, 0.1 },
        { "patience", (double)o.patience, 10 },
        { "freeze_vit", o.freeze_vit, 0 },
        { "recompute", o.recompute, 0 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK_NEAR(cases[i].found, cases[i].want, 0, "%s", cases[i].name);
    CHECK_STR(o.schedule, "cosine", "schedule");
    CHECK_STR(o.decay_type, "cosine", "decay_type");
    o = base();
    CHECK_OK(qvl_run_options_check(&o, &err), err);
}

static void test_ranges(void)
{
    static qvl_train_options o;
    const struct {
        double *field;
        double value;
        const char *part;  // NULL: it is taken
    } cases[] = {
        { &o.learning_rate, 0, "learning_rate: found 0, expected a number >0" },
        { &o.learning_rate, NAN, "learning_rate" },
        { &o.vit_lr, 0, NULL },
        { &o.vit_lr, -3, NULL },  // not given
        { &o.vit_lr, NAN, "vit_lr" },
        { &o.weight_decay, -0.1, "weight_decay: found -0.1" },
        { &o.beta1, 0, NULL },
        { &o.beta1, 1, "adam_beta1: found 1, expected a number 0..<1" },
        { &o.beta2, 1, "adam_beta2" },
        { &o.epsilon, 0, "adam_epsilon" },
        { &o.max_grad_norm, -1, NULL },  // no clipping
        { &o.max_grad_norm, NAN, "max_grad_norm" },
        { &o.freeze_ratio, 1.5, "freeze_parameters_ratio: found 1.5" },
        { &o.freeze_ratio, -0.5, "freeze_parameters_ratio" },
        { &o.warmup_ratio, NAN, "warmup_ratio" },
        { &o.warmup_lr_rate, 1.5, "warmup_lr_rate" },
        { &o.timescale, 0, "timescale" },
        { &o.num_cycles, 0, "num_cycles" },
        { &o.factor, 0, "factor: found 0, expected a number >0..<1" },
        { &o.factor, 1, "factor" },
        { &o.lr_end, -1, "lr_end" },
    };
    qvl_err err = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        o = base();
        *cases[i].field = cases[i].value;
        int rc = qvl_run_options_check(&o, &err);
        CHECK_INT(rc, cases[i].part != NULL ? QVL_E_CONFIG : QVL_OK,
                  "case %zu", i);
        if (cases[i].part != NULL)
            CHECK_HAS(err.msg, cases[i].part, "case %zu", i);
    }
    o = base();
    o.max_steps = 0;
    CHECK_FAILS(qvl_run_options_check(&o, &err), QVL_E_CONFIG, err,
                "max_steps: found 0");
    o = base();
    o.patience = -1;
    CHECK_FAILS(qvl_run_options_check(&o, &err), QVL_E_CONFIG, err,
                "patience: found -1");
    o = base();
    o.max_skipped = 0;
    CHECK_FAILS(qvl_run_options_check(&o, &err), QVL_E_CONFIG, err,
                "max_skipped_updates");
}

RUN_TESTS(TEST(test_presets), TEST(test_ranges))
