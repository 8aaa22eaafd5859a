/* test_tune_case.c - the shapes of `bench tune`: that right results are near what
 * ships, and wrong ones are not */
#include "backend/tune.h"
#include "check.h"
#include "tensor/dtype.h"
#include "tools/tune_case.h"

/* What the tuner allows in f32. */
#define NEAR 1e-4

static void check_distance(tune_case *c, const char *device)
{
    qvl_err err = { 0 };
    float *found = calloc(c->n_out, sizeof *found);
    CHECK_OK(tune_case_record(c, &c->list, &err), err);
    CHECK_OK(tune_case_compute(c, c->list, c->wanted, &err), err);
    CHECK_OK(tune_case_compute(c, c->list, found, &err), err);
    CHECK(tune_case_distance(c, found) == 0.0, "%s %s: twice", device,
          c->shape);
    CHECK(isfinite(c->wanted[0]) && c->n_out > 0, "%s %s", device, c->shape);
    double all = 0.0;
    for (size_t i = 0; i < c->n_out; i++)
        all += fabs((double)c->wanted[i]);
    CHECK(all > 0.0, "%s %s: all zero", device, c->shape);

    size_t last = c->n_out - 1;
    for (size_t i = last - last / 64; i <= last; i++)
        found[i] = 0.0f;
    CHECK(tune_case_distance(c, found) > NEAR, "%s %s: an edge left out",
          device, c->shape);
    found[last] = NAN;
    CHECK(isinf(tune_case_distance(c, found)), "%s %s: no number", device,
          c->shape);
    found[last] = INFINITY;
    CHECK(isinf(tune_case_distance(c, found)), "%s %s: infinite", device,
          c->shape);
    free(found);
}

/* The other choice of the processor: its oldest instructions. */
static void check_other(tune_case *c, qvl_device *dev)
{
    qvl_err err = { 0 };
    qvl_choice choice;
    float *found = calloc(c->n_out, sizeof *found);
    qvl_choice_shipped(dev, c->kernel, &choice);
    choice.value[0] = 2;
    CHECK_OK(qvl_choice_use(dev, c->kernel, &choice, &err), err);
    CHECK_OK(tune_case_record(c, &c->next, &err), err);
    CHECK_OK(tune_case_compute(c, c->next, found, &err), err);
    CHECK(tune_case_distance(c, found) < NEAR, "%s: found %g", c->shape,
          tune_case_distance(c, found));
    CHECK_OK(qvl_choice_use(dev, c->kernel, NULL, &err), err);
    free(found);
}

static void test_cases(void)
{
    qvl_err err = { 0 };
    qvl_device *dev = NULL;
    CHECK_OK(qvl_device_open(&dev, "cpu", 2, &err), err);
    const char *op[TUNE_MOST_OPS];
    int n_ops = tune_ops(op);
    CHECK(n_ops > 1, "%d ops", n_ops);
    for (int i = 0; i < n_ops; i++) {
        for (int k = 0; k < i; k++)
            CHECK(strcmp(op[k], op[i]) != 0, "%s twice", op[i]);
        tune_case c[TUNE_MOST_CASES];
        qvl_arena arena = { 0 };
        int n;
        CHECK_OK(tune_cases_open(c, &n, op[i], dev, QVL_F32, &arena, &err),
                 err);
        CHECK(n >= 2, "%s: %d cases", op[i], n);
        int n_timed = 0;
        for (int k = 0; k < n; k++) {
            n_timed += c[k].is_timed;
            check_distance(&c[k], "cpu");
            check_other(&c[k], dev);
        }
        CHECK(n_timed > 0 && n_timed < n, "%s: %d timed", op[i], n_timed);
        tune_cases_release(c, n);
        qvl_arena_release(&arena);
    }
    qvl_device_counts counts;
    dev->be->counts(dev, &counts);
    CHECK_INT(counts.bytes_held, 0, "all memory was given back");
    qvl_device_close(dev);
}

RUN_TESTS(TEST(test_cases))
