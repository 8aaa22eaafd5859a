/* test_softmax.c - attention whose scores differ much from block to block of keys
 *
 * The largest one so far rises, and what was summed before is scaled. Specs of
 * random weights have scores near 0.
 */
#include "check.h"
#include "ref/build.h"
#include "ref/ops.h"
#include "runner.h"

#define SCALE 0.5

enum { OFF = 3, PAD = 2 };

typedef struct {
    uint32_t tokens, heads, key_heads, size;
} attention_case;

typedef struct {
    operand q, k, v, range, o, lse, want_o, want_lse;
} attention_data;

/* The last tokens up to each one, some 20; every seventh sees none. */
static void set_ranges(operand *range, uint32_t tokens)
{
    for (uint32_t t = 0; t < tokens; t++) {
        bool is_blind = t % 7 == 5;
        range->v[t * 4] = is_blind ? t : t < 20 ? 0 : t - 20;
        range->v[t * 4 + 1] = is_blind ? t : t + 1;
    }
}

/* Rows of `width` numbers without what lies around them; or back into it. */
static void copy_rows(double *dense, operand *wide, uint32_t rows, uint32_t width,
                      bool is_back)
{
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < width; c++) {
            double *at = &wide->v[OFF + r * (width + PAD) + c];
            double *of = &dense[r * width + c];
            *(is_back ? at : of) = *(is_back ? of : at);
        }
}

/* want_o and want_lse from the numbers that were uploaded. */
static void truth(const kern *k, const attention_case *c, attention_data *d)
{
    uint32_t width = c->heads * c->size, width_k = c->key_heads * c->size;
    const int64_t dim[] = { c->tokens, c->heads, c->size, c->key_heads };  // T H D G
    const double scale = SCALE;
    operand q = operand_zeros((size_t)c->tokens * width);
    operand keys = operand_zeros((size_t)c->tokens * width_k);
    operand v = operand_zeros((size_t)c->tokens * width_k);
    operand o = operand_zeros((size_t)c->tokens * width);
    copy_rows(q.v, &d->q, c->tokens, width, false);
    copy_rows(keys.v, &d->k, c->tokens, width_k, false);
    copy_rows(v.v, &d->v, c->tokens, width_k, false);
    ref_kernel_find("attention")(&(ref_call){
        .k = k, .dim = dim, .scalar = &scale,
        .in = (const double *[]){ q.v, keys.v, v.v, d->range.v },
        .out = (double *[]){ o.v, d->want_lse.v } });
    copy_rows(o.v, &d->want_o, c->tokens, width, true);
    operand *all[] = { &q, &keys, &v, &o };
    for (size_t i = 0; i < QVL_COUNT(all); i++)
        operand_release(all[i]);
}

static void check_attention(const target *t, const kern *k, const attention_case *c)
{
    uint32_t ld = c->heads * c->size + PAD;
    uint32_t ld_k = c->key_heads * c->size + PAD;
    size_t n = OFF + (size_t)c->tokens * ld;
    size_t n_k = OFF + (size_t)c->tokens * ld_k;
    attention_data d = {
        .q = operand_random(n, -2.0, 2.0, 1),
        .k = operand_random(n_k, -2.0, 2.0, 2),
        .v = operand_random(n_k, -1.0, 1.0, 3),
        .range = operand_zeros((size_t)c->tokens * 4),
        .o = operand_zeros(n),
        .lse = operand_zeros((size_t)c->tokens * c->heads),
        .want_o = operand_zeros(n),
        .want_lse = operand_zeros((size_t)c->tokens * c->heads),
    };
    set_ranges(&d.range, c->tokens);
    runner_run(t, runner_kernel("attention.fffiff"),
               (operand *[]){ &d.q, &d.k, &d.v, &d.range, &d.o, &d.lse },
               (uint32_t[]){ c->tokens, c->heads, c->size, c->key_heads, OFF,
                             ld, OFF, ld_k, OFF, ld_k, OFF, ld,
                             f32_word(SCALE) });
    truth(k, c, &d);
    char what[96];
    snprintf(what, sizeof what, "attention on %s, %u tokens, %u of %u heads",
             t->name, c->tokens, c->key_heads, c->heads);
    /* A score of some 10 is off by a few steps, and so is what comes of it. */
    runner_near(d.o.v, d.want_o.v, n, 1e-5, 1.0, what);
    runner_near(d.lse.v, d.want_lse.v, d.lse.n, 1e-6, 10.0, what);
    operand *all[] = { &d.q, &d.k, &d.v, &d.range, &d.o, &d.lse, &d.want_o,
                       &d.want_lse };
    for (size_t i = 0; i < QVL_COUNT(all); i++)
        operand_release(all[i]);
}

static void test_scores(void)
{
    static const attention_case cases[] = {
        { 1, 1, 1, 4 }, { 45, 4, 2, 19 }, { 33, 3, 1, 32 }, { 40, 2, 2, 8 },
    };
    qvl_arena arena = { 0 };
    kern_set set = { 0 };
    qvl_err err;
    int n;
    CHECK_OK(ref_kernels_read(&set, PROJECT_ROOT "/shaders", &arena, &err), err);
    const kern *attention = kern_find(&set, "attention");
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < QVL_COUNT(cases); k++)
            check_attention(&t[i], attention, &cases[k]);
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_scores))
