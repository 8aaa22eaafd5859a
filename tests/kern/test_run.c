/* test_run.c - forms of shaders/ and try.k on every device against double precision,
 * over shapes at the edges of their tiles and beyond 65,535 elements
 */
#include <math.h>

#include "backend/cpu/isa.h"
#include "check.h"
#include "forms.h"
#include "runner.h"
#include "tensor/dtype.h"

typedef struct {
    uint32_t rows;
    uint32_t cols;
} shape;

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double gelu_tanh(double x)
{
    return x * sigmoid(2.0 * sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x));
}

static int letter_dtype(char letter)
{
    return letter == 'b' ? QVL_BF16 : letter == 'h' ? QVL_F16 : QVL_F32;
}

/* Storage step and a few steps of f32 arithmetic. */
static double tolerance(int dtype, double arithmetic)
{
    return dtype_step(dtype) + arithmetic;
}

static void for_targets(void (*check)(const target *t))
{
    int n;
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++)
        check(&t[i]);
}

/* Elementwise: slices of wider tensors, and what lies beside them. */

/* Offset and row stride that no alignment helps. */
#define OFF 5u
#define PAD 3u

static void check_glu(const target *t, shape s, char letter)
{
    char name[32];
    snprintf(name, sizeof name, "map.%c.e%d", letter, FORMS_GLU);
    const qvl_kernel *k = runner_kernel(name);
    uint32_t ld = s.cols + PAD;
    size_t n = OFF + (size_t)s.rows * ld;
    operand y = operand_zeros(n);
    operand a = operand_random((size_t)s.rows * s.cols, -2.0, 2.0, 11);
    operand b = operand_random(n, -3.0, 3.0, 12);
    uint32_t args[] = { s.rows, s.cols, OFF, ld, 0, s.cols, OFF - 1, ld };
    runner_run(t, k, (operand *[]){ &y, &a, &b }, args);

    operand want = operand_zeros(n);
    for (uint32_t r = 0; r < s.rows; r++)
        for (uint32_t c = 0; c < s.cols; c++) {
            double g = b.v[OFF - 1 + (size_t)r * ld + c];
            want.v[OFF + (size_t)r * ld + c] =
                a.v[(size_t)r * s.cols + c] * g * sigmoid(g);
        }
    char what[96];
    snprintf(what, sizeof what, "%s on %s, %u x %u", name, t->name, s.rows,
             s.cols);
    runner_near(y.v, want.v, n, tolerance(letter_dtype(letter), 1e-6), 0.01,
                what);
    operand_release(&y);
    operand_release(&a);
    operand_release(&b);
    operand_release(&want);
}

static void check_mix(const target *t, shape s, char letter)
{
    char name[32];
    snprintf(name, sizeof name, "map.%c.e%d", letter, FORMS_MIX);
    const qvl_kernel *k = runner_kernel(name);
    size_t n = (size_t)s.rows * s.cols;
    operand y = operand_zeros(n);
    operand a = operand_random(n, -2.0, 2.0, 21);
    operand bias = operand_random(s.cols, -3.0, 3.0, 22);
    operand scale = operand_random(s.rows, -3.0, 3.0, 23);
    uint32_t args[] = { s.rows, s.cols, 0, s.cols, 0, s.cols };
    runner_run(t, k, (operand *[]){ &y, &a, &bias, &scale }, args);

    operand want = operand_zeros(n);
    for (size_t i = 0; i < n; i++)
        want.v[i] = a.v[i] * scale.v[i / s.cols] + bias.v[i % s.cols];
    char what[96];
    snprintf(what, sizeof what, "%s on %s, %u x %u", name, t->name, s.rows,
             s.cols);
    runner_near(y.v, want.v, n, tolerance(letter_dtype(letter), 1e-6), 1.0,
                what);
    operand_release(&y);
    operand_release(&a);
    operand_release(&bias);
    operand_release(&scale);
    operand_release(&want);
}

static void check_map(const target *t)
{
    static const shape shapes[] = {
        { 1, 1 },   { 1, 63 },  { 1, 64 },    { 1, 65 },    { 3, 7 },
        { 64, 1 },  { 65, 1 },  { 13, 129 },  { 31, 16 },   { 5, 33 },
        { 2, 70001 }, { 70001, 1 }, { 300, 257 }, { 0, 5 }, { 5, 0 },
    };
    for (size_t i = 0; i < QVL_COUNT(shapes); i++)
        for (const char *l = "fbh"; *l != '\0'; l++) {
            check_glu(t, shapes[i], *l);
            check_mix(t, shapes[i], *l);
        }
    operand y = operand_zeros(130);
    char name[32];
    snprintf(name, sizeof name, "map.f.e%d", FORMS_CONST);
    runner_run(t, runner_kernel(name), (operand *[]){ &y },
               (uint32_t[]){ 2, 65, 0, 65 });
    for (int i = 0; i < 130; i++)
        CHECK_NEAR(y.v[i], 0.25, 0.0, "%s on %s, %d", name, t->name, i);
    operand_release(&y);
}

static void test_map(void)
{
    for_targets(check_map);
}

/* Sums over rows. */

static void check_sum(const target *t, shape s, char letter, uint32_t acc)
{
    char name[32];
    snprintf(name, sizeof name, "col_sum_part.%cf", letter);
    uint32_t ld = s.cols + PAD;
    operand x = operand_random(OFF + (size_t)s.rows * ld, -1.0, 1.5, 31);
    operand part = operand_zeros(32 * (size_t)s.cols);
    operand y = operand_random(s.cols, -2.0, 2.0, 32);
    runner_run(t, runner_kernel(name), (operand *[]){ &x, &part },
               (uint32_t[]){ s.rows, s.cols, OFF, ld, 0 });

    operand want = operand_zeros(32 * (size_t)s.cols);
    operand total = operand_zeros(s.cols);
    operand_round(&y, QVL_F32);
    uint32_t share = (s.rows + 31) / 32;
    for (uint32_t c = 0; c < s.cols; c++)
        total.v[c] = acc != 0 ? y.v[c] : 0.0;
    for (uint32_t r = 0; r < s.rows; r++)
        for (uint32_t c = 0; c < s.cols; c++) {
            double v = x.v[OFF + (size_t)r * ld + c];
            want.v[(size_t)(r / share) * s.cols + c] += v;
            total.v[c] += v;
        }
    char what[96];
    snprintf(what, sizeof what, "%s on %s, %u x %u, acc %u", name, t->name,
             s.rows, s.cols, acc);
    double scale = sqrt((double)s.rows) + 1.0;
    runner_near(part.v, want.v, part.n, 1e-6, scale, what);
    runner_run(t, runner_kernel("sum_rows.ff"), (operand *[]){ &part, &y },
               (uint32_t[]){ 32, s.cols, acc });
    runner_near(y.v, total.v, y.n, 1e-6, scale, what);
    operand_release(&x);
    operand_release(&part);
    operand_release(&y);
    operand_release(&want);
    operand_release(&total);
}

static void check_sums(const target *t)
{
    static const shape shapes[] = {
        { 1, 1 },  { 31, 31 }, { 32, 32 },  { 33, 33 },   { 4097, 97 },
        { 5, 64 }, { 64, 49 }, { 70001, 3 }, { 128 * 32 + 1, 48 }, { 2, 70001 },
    };
    for (size_t i = 0; i < QVL_COUNT(shapes); i++)
        for (const char *l = "fbh"; *l != '\0'; l++)
            check_sum(t, shapes[i], *l, (uint32_t)(i % 2));
}

static void test_sums(void)
{
    for_targets(check_sums);
}

/* Norm */

typedef struct {
    uint32_t rows, groups, cols;
    char letter;
    int expr;  // -1: none
} norm_case;

/* y and rstd of a case, in double. */
static void norm_truth(const norm_case *n, const operand *x, const operand *w,
                       const operand *e, operand *y, operand *rstd)
{
    for (size_t i = 0; i < rstd->n; i++) {
        double sum = 0.0;
        for (uint32_t c = 0; c < n->cols; c++)
            sum += x->v[i * n->cols + c] * x->v[i * n->cols + c];
        rstd->v[i] = 1.0 / sqrt(sum / n->cols + 1e-5);
        for (uint32_t c = 0; c < n->cols; c++) {
            size_t at = i * n->cols + c;
            double v = x->v[at] * w->v[c] * rstd->v[i];
            size_t col = at % ((size_t)n->groups * n->cols);
            y->v[at] = n->expr == FORMS_ADD         ? v + e->v[at]
                       : n->expr == FORMS_BIAS_GELU ? gelu_tanh(v + e->v[col])
                                                    : v;
        }
    }
}

static void check_norm_case(const target *t, const norm_case *n)
{
    char name[48];
    snprintf(name, sizeof name, "rms_norm.%cf%cf", n->letter, n->letter);
    if (n->expr >= 0)
        snprintf(name + strlen(name), 16, ".e%d", n->expr);
    uint32_t width = n->groups * n->cols;
    size_t size = (size_t)n->rows * width;
    operand x = operand_random(size, -2.0, 2.0, 41);
    operand w = operand_random(n->cols, 0.5, 1.5, 42);
    operand e = operand_random(n->expr == FORMS_BIAS_GELU ? width : size, -1.0,
                               1.0, 43);
    operand y = operand_zeros(size);
    operand rstd = operand_zeros((size_t)n->rows * n->groups);
    uint32_t args[12] = { n->rows, n->groups, n->cols, 0, width, 0, width };
    int at = 7;
    if (n->expr == FORMS_ADD) {
        args[at++] = 0;
        args[at++] = width;
    }
    args[at] = f32_word(1e-5f);
    runner_run(t, runner_kernel(name),
               (operand *[]){ &x, &w, &y, &rstd, &e }, args);

    operand want_y = operand_zeros(size);
    operand want_rstd = operand_zeros(rstd.n);
    norm_truth(n, &x, &w, &e, &want_y, &want_rstd);
    char what[128];
    snprintf(what, sizeof what, "%s on %s, %u x %u x %u", name, t->name,
             n->rows, n->groups, n->cols);
    runner_near(rstd.v, want_rstd.v, rstd.n, 1e-6, 0.0, what);
    runner_near(y.v, want_y.v, size,
                tolerance(letter_dtype(n->letter), 1.5e-6), 0.1, what);
    operand_release(&x);
    operand_release(&w);
    operand_release(&e);
    operand_release(&y);
    operand_release(&rstd);
    operand_release(&want_y);
    operand_release(&want_rstd);
}

static void check_norm(const target *t)
{
    static const norm_case cases[] = {
        { 1, 1, 1, 'f', -1 },       { 3, 1, 15, 'f', -1 },
        { 2, 3, 16, 'f', -1 },      { 5, 2, 17, 'f', -1 },
        { 7, 1, 131, 'f', -1 },     { 1, 1, 70001, 'f', -1 },
        { 40001, 2, 5, 'f', -1 },   { 3, 4, 64, 'b', -1 },
        { 3, 4, 67, 'h', -1 },      { 11, 1, 257, 'b', -1 },
        { 5, 1, 33, 'f', FORMS_ADD }, { 5, 3, 29, 'b', FORMS_ADD },
        { 5, 1, 64, 'h', FORMS_ADD }, { 4, 2, 37, 'f', FORMS_BIAS_GELU },
        { 4, 1, 128, 'b', FORMS_BIAS_GELU },
        { 4, 1, 47, 'h', FORMS_BIAS_GELU },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        check_norm_case(t, &cases[i]);
}

static void test_norm(void)
{
    for_targets(check_norm);
}

/* const dims, an absent operand, accumulation, the store of a library. */

typedef struct {
    const char *letters;
    uint32_t rows, d, n, acc;
} product_case;

static void check_product_case(const target *t, const product_case *p)
{
    char name[48];
    snprintf(name, sizeof name, "try_product.%s", p->letters);
    const qvl_kernel *k = runner_kernel(name);
    bool has_b = p->letters[2] != 'x';
    int z_dtype = letter_dtype(p->letters[3]);
    /* x is a slice that begins at 1; what lies before it is never read. */
    operand x = operand_random((size_t)p->rows * (p->d + 1) + 1, -1, 1, 51);
    operand w = operand_random((size_t)p->n * p->d, -1.0, 1.0, 52);
    operand b = operand_random(p->n, -1.0, 1.0, 53);
    operand z = operand_random((size_t)p->rows * p->n, -1.0, 1.0, 54);
    x.v[0] = NAN;
    operand want = operand_zeros(z.n);
    operand_round(&z, z_dtype);
    memcpy(want.v, z.v, z.n * sizeof *z.v);
    uint32_t args[] = { p->rows, p->d, p->n, 1, p->d + 1, f32_word(0.5f),
                        p->acc };
    operand *with[] = { &x, &w, &b, &z };
    operand *without[] = { &x, &w, &z };
    runner_run(t, k, has_b ? with : without, args);
    for (uint32_t r = 0; r < p->rows; r++)
        for (uint32_t c = 0; c < p->n; c++) {
            double sum = has_b ? b.v[c] : 0.0;
            for (uint32_t i = 0; i < p->d; i++)
                sum += x.v[1 + (size_t)r * (p->d + 1) + i]
                       * w.v[(size_t)c * p->d + i];
            size_t at = (size_t)r * p->n + c;
            want.v[at] = 0.5 * sum + (p->acc != 0 ? want.v[at] : 0.0);
        }
    char what[96];
    snprintf(what, sizeof what, "%s on %s, %u x %u x %u, acc %u", name,
             t->name, p->rows, p->d, p->n, p->acc);
    runner_near(z.v, want.v, z.n, tolerance(z_dtype, 1e-6), 1.0, what);
    operand_release(&x);
    operand_release(&w);
    operand_release(&b);
    operand_release(&z);
    operand_release(&want);
}

static void check_product(const target *t)
{
    static const char *const letters[] = { "ffxf", "bbfb", "hffh" };
    static const uint32_t d[] = { 1, 8, 16, 17, 96 };
    for (int l = 0; l < 3; l++)
        for (size_t i = 0; i < QVL_COUNT(d); i++)
            for (uint32_t acc = 0; acc < 2; acc++)
                check_product_case(t, &(product_case){ letters[l], 3, d[i],
                                                       19 + 3 * acc, acc });
}

static void test_product(void)
{
    for_targets(check_product);
}

/* The steps of a sum in parts, by what acc says: overwrite or add, with or
 * without the expression. Each starts from what the one before it left. */
static void check_sum_case(const target *t, uint32_t cols, char letter)
{
    enum { ROWS = 3 };
    static const uint32_t steps[] = { 0, 2, 3, 3, 1, 1 };
    char name[48];
    snprintf(name, sizeof name, "try_sum.%c%c.e%d", letter, letter, FORMS_SUM);
    int dtype = letter_dtype(letter);
    operand x = operand_random((size_t)ROWS * cols, -1.0, 1.0, 91);
    operand y = operand_random((size_t)ROWS * (cols + PAD), -1.0, 1.0, 92);
    operand e = operand_random((size_t)ROWS * cols, -1.0, 1.0, 93);
    operand bias = operand_random(cols, -1.0, 1.0, 94);
    operand want = operand_zeros(y.n);
    operand_round(&y, dtype);
    for (size_t i = 0; i < QVL_COUNT(steps); i++) {
        memcpy(want.v, y.v, y.n * sizeof *y.v);
        runner_run(t, runner_kernel(name), (operand *[]){ &x, &y, &e, &bias },
                   (uint32_t[]){ ROWS, cols, 0, cols, 1, cols + PAD, 0, cols,
                                 steps[i] });
        for (uint32_t r = 0; r < ROWS; r++)
            for (uint32_t c = 0; c < cols; c++) {
                size_t at = 1 + (size_t)r * (cols + PAD) + c;
                size_t dense = (size_t)r * cols + c;
                double v = x.v[dense] + (steps[i] & 1 ? want.v[at] : 0.0);
                want.v[at] = steps[i] & 2
                                 ? v
                                 : gelu_tanh(v) * e.v[dense] + bias.v[c];
            }
        char what[96];
        snprintf(what, sizeof what, "%s on %s, %u columns, step %zu, acc %u",
                 name, t->name, cols, i, steps[i]);
        runner_near(y.v, want.v, y.n, tolerance(dtype, 1e-6), 1.0, what);
    }
    operand_release(&x);
    operand_release(&y);
    operand_release(&e);
    operand_release(&bias);
    operand_release(&want);
}

static void check_sum_steps(const target *t)
{
    static const uint32_t cols[] = { 1, 15, 16, 17, 131 };
    for (size_t i = 0; i < QVL_COUNT(cols); i++) {
        check_sum_case(t, cols[i], 'f');
        check_sum_case(t, cols[i], 'b');
    }
}

static void test_sum_steps(void)
{
    for_targets(check_sum_steps);
}

/* The store that follows a library: a block of rows and columns. */
static void test_library_store(void)
{
    const qvl_kernel *k = runner_kernel("try_product.ffxf");
    enum { ROWS = 5, N = 43, R0 = 1, R1 = 4, C0 = 3, C1 = 40, LD = 50 };
    static float z[ROWS * N];
    static float src[(R1 - R0) * LD];
    for (int i = 0; i < (R1 - R0) * LD; i++)
        src[i] = (float)i;
    const char *only = getenv("QVL_TEST_ISA");
    for (int isa = 0; isa < QVL_N_ISA; isa++) {
        const char *set = qvl_isa_name((qvl_isa)isa);
        if (!qvl_isa_is_present((qvl_isa)isa)
            || (only != NULL && strcmp(only, set) != 0))
            continue;
        for (uint32_t acc = 0; acc < 2; acc++) {
            for (int i = 0; i < ROWS * N; i++)
                z[i] = 1000.0f;
            void *buf[] = { NULL, NULL, z };
            uint32_t args[] = { ROWS, 8, N, 0, 8, f32_word(1.0f), acc };
            k->c_store[isa](buf, args, src, LD, R0, R1, C0, C1);
            for (int r = 0; r < ROWS; r++)
                for (int c = 0; c < N; c++) {
                    bool in = r >= R0 && r < R1 && c >= C0 && c < C1;
                    double want = in ? (r - R0) * LD + c - C0 : 1000.0;
                    if (in && acc != 0)
                        want += 1000.0;
                    CHECK_NEAR(z[r * N + c], want, 0.0, "set %d, %d, %d", isa,
                               r, c);
                }
        }
    }
}

/* i32, u32, io, shared arrays of integers, GROUP_MAX. */
static void check_top_case(const target *t, shape s, char letter)
{
    char name[48];
    snprintf(name, sizeof name, "try_top.%cifiiu", letter);
    operand x = operand_random((size_t)s.rows * s.cols, -1.0, 1.0, 61);
    operand label = operand_random(s.rows, -3.0, 3.0, 62);
    operand top = operand_zeros(s.rows);
    operand at = operand_zeros(s.rows);
    operand seen = operand_random(s.rows, 0.0, 9.0, 63);
    operand mark = operand_zeros(s.rows);
    operand_round(&seen, QVL_I32);
    operand before = operand_random(s.rows, 0.0, 9.0, 63);
    operand_round(&before, QVL_I32);
    runner_run(t, runner_kernel(name),
               (operand *[]){ &x, &label, &top, &at, &seen, &mark },
               (uint32_t[]){ s.rows, s.cols, 0, s.cols, 4000000000u });
    for (uint32_t r = 0; r < s.rows; r++) {
        uint32_t best = 0;
        for (uint32_t c = 1; c < s.cols; c++)
            if (x.v[(size_t)r * s.cols + c] > x.v[(size_t)r * s.cols + best])
                best = c;
        CHECK_NEAR(top.v[r], x.v[(size_t)r * s.cols + best], 0.0,
                   "%s on %s, row %u", name, t->name, r);
        CHECK_INT(at.v[r], best, "%s on %s, row %u", name, t->name, r);
        CHECK_INT(seen.v[r], before.v[r] + (label.v[r] >= 0 ? 1 : 0),
                  "%s on %s, row %u", name, t->name, r);
        CHECK_INT(mark.v[r], 4000000000u + 2 * r, "%s on %s, row %u", name,
                  t->name, r);
    }
    operand_release(&x);
    operand_release(&label);
    operand_release(&top);
    operand_release(&at);
    operand_release(&seen);
    operand_release(&before);
    operand_release(&mark);
}

static void check_top(const target *t)
{
    static const shape shapes[] = {
        { 1, 1 }, { 2, 7 }, { 3, 8 }, { 4, 9 }, { 100, 65 }, { 2, 70001 },
        { 200003, 2 },
    };
    for (size_t i = 0; i < QVL_COUNT(shapes); i++) {
        check_top_case(t, shapes[i], 'f');
        check_top_case(t, shapes[i], 'b');
    }
}

static void test_top(void)
{
    for_targets(check_top);
}

/* Vectors: every length around a few of them. */
static void check_vectors(const target *t)
{
    for (uint32_t cols = 1; cols < 70; cols++) {
        const uint32_t rows = 2;
        operand x = operand_random((size_t)rows * cols, -2.0, 2.0, 70 + cols);
        operand y = operand_zeros(rows * 7);
        runner_run(t, runner_kernel("try_vectors.ff"), (operand *[]){ &x, &y },
                   (uint32_t[]){ rows, cols, 0, cols, 0, 7 });
        for (uint32_t r = 0; r < rows; r++) {
            double want[6] = { 0.0, -INFINITY };
            for (uint32_t c = 0; c < cols; c++) {
                double v = x.v[r * cols + c];
                want[0] += v;
                want[1] = fmax(want[1], v);
                want[2] += exp(v);
                want[3] += fmax(v, 0.0);
                want[4] += v * v + v;
            }
            want[5] = cols;
            const double *found = &y.v[r * 7];
            char what[96];
            snprintf(what, sizeof what, "try_vectors on %s, %u columns",
                     t->name, cols);
            runner_near(found, want, 5, 1e-6, 10.0, what);
            CHECK_INT(found[5] + found[6], cols, "%s", what);
        }
        operand_release(&x);
        operand_release(&y);
    }
}

static void test_vectors(void)
{
    for_targets(check_vectors);
}

RUN_TESTS(TEST(test_map), TEST(test_sums), TEST(test_norm), TEST(test_product),
          TEST(test_sum_steps), TEST(test_library_store), TEST(test_top),
          TEST(test_vectors))
