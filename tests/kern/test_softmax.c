/* Attention whose scores differ much from block to block of keys: the largest
 * one so far rises, and what was summed before is scaled. Specs of random weights
 * have scores near 0. */
#include <math.h>

#include "check.h"
#include "runner.h"

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

static double score(const attention_case *c, const attention_data *d,
                    uint32_t t, uint32_t h, uint32_t j)
{
    size_t q = OFF + t * (c->heads * c->size + PAD) + h * c->size;
    size_t k = OFF + j * (c->key_heads * c->size + PAD)
               + h / (c->heads / c->key_heads) * c->size;
    double sum = 0.0;
    for (uint32_t i = 0; i < c->size; i++)
        sum += d->q.v[q + i] * d->k.v[k + i];
    return 0.5 * sum;
}

static void truth(const attention_case *c, attention_data *d, uint32_t t,
                  uint32_t h)
{
    uint32_t first = (uint32_t)d->range.v[t * 4];
    uint32_t last = (uint32_t)d->range.v[t * 4 + 1];
    double *o = &d->want_o.v[OFF + t * (c->heads * c->size + PAD)
                             + h * c->size];
    double *lse = &d->want_lse.v[t * c->heads + h];
    double sum = 0.0;
    *lse = -1e30;
    for (uint32_t j = first; j < last; j++)
        sum += exp(score(c, d, t, h, j));
    if (first < last)
        *lse = log(sum);
    for (uint32_t j = first; j < last; j++) {
        size_t v = OFF + j * (c->key_heads * c->size + PAD)
                   + h / (c->heads / c->key_heads) * c->size;
        double p = exp(score(c, d, t, h, j) - *lse);
        for (uint32_t i = 0; i < c->size; i++)
            o[i] += p * d->v.v[v + i];
    }
}

static void check_attention(const target *t, const attention_case *c)
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
                             f32_word(0.5f) });
    for (uint32_t r = 0; r < c->tokens; r++)
        for (uint32_t h = 0; h < c->heads; h++)
            truth(c, &d, r, h);
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
    int n;
    const target *t = runner_targets(&n);
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < QVL_COUNT(cases); k++)
            check_attention(&t[i], &cases[k]);
}

RUN_TESTS(TEST(test_scores))
