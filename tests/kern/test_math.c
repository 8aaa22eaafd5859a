/* test_math.c - the functions of shaders/dialect/math.h against the C library in
 * double, on every device, and the rounding of storage types against base/half.h
 */
#include <math.h>

#include "base/half.h"
#include "check.h"
#include "forms.h"
#include "runner.h"
#include "tensor/dtype.h"

static double cdf(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double dsigmoid(double x)
{
    double t = exp(-fabs(x));
    return t / (1.0 + t) / (1.0 + t);
}

static double rsqrt(double x)
{
    return 1.0 / sqrt(x);
}

/* x times a factor that goes to 0 faster than x grows. */
static double vanishing(double x, double factor)
{
    return factor == 0.0 ? 0.0 : x * factor;
}

static double silu(double x)
{
    return vanishing(x, sigmoid(x));
}

static double dsilu(double x)
{
    return sigmoid(x) + vanishing(x, dsigmoid(x));
}

static double twice_u(double x)
{
    return 2.0 * sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x);
}

static double gelu_tanh(double x)
{
    return vanishing(x, sigmoid(twice_u(x)));
}

static double dgelu_tanh(double x)
{
    double du = 2.0 * sqrt(2.0 / M_PI) * (1.0 + 3.0 * 0.044715 * x * x);
    double d = dsigmoid(twice_u(x));
    return sigmoid(twice_u(x)) + (d == 0.0 ? 0.0 : x * d * du);
}

static double gelu_erf(double x)
{
    return vanishing(x, cdf(x));
}

static double dgelu_erf(double x)
{
    return cdf(x) + vanishing(x, exp(-0.5 * x * x)) / sqrt(2.0 * M_PI);
}

/* Error allowed: tol * max(scale, |true|). Twice what C was measured to have,
 * as other languages divide less exactly. */
typedef struct {
    const char *name;
    double (*f)(double);
    double tol;
    double scale;
} function;

#define TINY 1.2e-38

static const function functions[] = {
    { "exp_f32", exp, 2e-7, TINY },
    { "log_f32", log, 4e-7, TINY },
    { "sqrt_f32", sqrt, 3e-7, TINY },
    { "rsqrt_f32", rsqrt, 4e-7, TINY },
    { "tanh_f32", tanh, 3e-7, TINY },
    { "erf_f32", erf, 2e-7, TINY },
    { "normal_cdf_f32", cdf, 2e-7, 1.0 },
    { "sigmoid_f32", sigmoid, 3e-7, 1e-30 },
    { "dsigmoid_f32", dsigmoid, 5e-7, TINY },
    { "silu_f32", silu, 4e-7, 1e-30 },
    { "dsilu_f32", dsilu, 4e-7, 1.0 },
    { "gelu_tanh_f32", gelu_tanh, 3e-7, 1.0 },
    { "dgelu_tanh_f32", dgelu_tanh, 5e-7, 1.0 },
    { "gelu_erf_f32", gelu_erf, 3e-7, 1.0 },
    { "dgelu_erf_f32", dgelu_erf, 4e-7, 1.0 },
    { "floor_f32", floor, 0.0, TINY },
    { "abs_f32", fabs, 0.0, TINY },
};

/* Other languages than C may take arguments below 2^-126 for 0, and need not
 * keep NaN. */
static bool may_differ(const char *target_name, double x, double y)
{
    bool is_c = strncmp(target_name, "cpu", 3) == 0;
    return !is_c && ((x != 0.0 && fabs(x) < TINY) || isnan(y));
}

/* Arguments: special ones, every size, and dense where functions bend. */
static operand make_arguments(void)
{
    static const float special[] = {
        0.0f, -0.0f, 1e-45f, -1e-45f, 1e-39f, 1.17549435e-38f, 1.0f, -1.0f,
        3.4e38f, -3.4e38f, 88.72f, 88.73f, -87.3f, -87.4f, -103.9f, -104.1f,
        4.99999f, -5.0f, 0.55f, 0.5499999f, 1e10f, -1e10f,
    };
    size_t n = 60000;
    operand o = operand_random(n, -1.0, 1.0, 1);
    for (size_t i = 0; i < n; i++) {
        double u = o.v[i];
        if (i % 4 == 0)
            o.v[i] = copysign(pow(10.0, 76.0 * fabs(u) - 37.5), u);
        else
            o.v[i] = u * (i % 4 == 1 ? 2.0 : i % 4 == 2 ? 12.0 : 104.0);
    }
    for (size_t i = 0; i < QVL_COUNT(special); i++)
        o.v[i] = special[i];
    o.v[QVL_COUNT(special)] = INFINITY;
    o.v[QVL_COUNT(special) + 1] = -INFINITY;
    o.v[QVL_COUNT(special) + 2] = NAN;
    return o;
}

static void check_function(const target *t, int number)
{
    const function *f = &functions[number];
    char name[32];
    snprintf(name, sizeof name, "map.f.e%d", number);
    const qvl_kernel *k = runner_kernel(name);
    operand x = make_arguments();
    operand y = operand_zeros(x.n);
    uint32_t n = (uint32_t)x.n;
    uint32_t args[] = { 1, n, 0, n, 0, n };
    runner_run(t, k, (operand *[]){ &y, &x }, args);
    for (size_t i = 0; i < x.n; i++) {
        double want = f->f(x.v[i]);
        if (fabs(want) > 3.402823e38)
            want = copysign(INFINITY, want);
        if (may_differ(t->name, x.v[i], want))
            continue;
        char what[96];
        snprintf(what, sizeof what, "%s on %s of %.9g", f->name, t->name,
                 x.v[i]);
        /* A result below 2^-126 may be 0 everywhere. */
        if (fabs(want) < TINY && fabs(y.v[i]) < TINY)
            continue;
        runner_near(&y.v[i], &want, 1, f->tol, f->scale, what);
    }
    operand_release(&x);
    operand_release(&y);
}

static void test_functions(void)
{
    int n;
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++)
        for (int f = 0; f < (int)QVL_COUNT(functions); f++)
            check_function(&t[i], f);
}

/* One f32 in every neighbourhood: random bits, and the ties of both types. */
static operand make_bits(void)
{
    size_t n = 70000;
    operand o = operand_random(n, 0.0, 1.0, 7);
    for (size_t i = 0; i < n; i++) {
        uint32_t u = (uint32_t)(o.v[i] * 0x1p32);
        if (i % 3 == 1)
            u = (u & 0xffff0000u) | 0x8000u;
        if (i % 3 == 2)
            u = (u & 0x8fffe000u) | 0x30001000u;
        o.v[i] = (double)qvl_f32_from_bits(u);
    }
    return o;
}

/* f32 to a storage type and back again, bit for bit where it is no NaN. */
static void check_rounding(const target *t, const char *store,
                           const char *load, int dtype)
{
    operand x = make_bits();
    operand y = operand_zeros(x.n);
    operand z = operand_zeros(x.n);
    uint32_t n = (uint32_t)x.n;
    uint32_t args[] = { 1, n, 0, n, 0, n };
    runner_run(t, runner_kernel(store), (operand *[]){ &y, &x }, args);
    operand want = operand_zeros(x.n);
    memcpy(want.v, x.v, x.n * sizeof *x.v);
    operand_round(&want, dtype);
    for (size_t i = 0; i < x.n; i++) {
        char what[96];
        snprintf(what, sizeof what, "%s on %s of %.9g", store, t->name,
                 x.v[i]);
        if (!may_differ(t->name, x.v[i], want.v[i]))
            runner_near(&y.v[i], &want.v[i], 1, 0.0, 0.0, what);
    }
    runner_run(t, runner_kernel(load), (operand *[]){ &z, &want }, args);
    for (size_t i = 0; i < x.n; i++)
        if (!may_differ(t->name, want.v[i], want.v[i]))
            runner_near(&z.v[i], &want.v[i], 1, 0.0, 0.0, load);
    operand_release(&x);
    operand_release(&y);
    operand_release(&z);
    operand_release(&want);
}

static void test_rounding(void)
{
    int n;
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++) {
        check_rounding(&t[i], "map.b.e105", "map.f.e106", QVL_BF16);
        check_rounding(&t[i], "map.h.e105", "map.f.e107", QVL_F16);
    }
}

RUN_TESTS(TEST(test_functions), TEST(test_rounding))
