/* harness_make.c - programs of the tests */
#include "harness.h"

#include "check.h"

/* ---- building ---- */

qvl_rng harness_rng(uint64_t seed)
{
    qvl_rng rng;
    qvl_rng_init(&rng, &(qvl_rng_id){.seed = seed}, QVL_RNG_SYNTH);
    return rng;
}

void harness_init(harness *h, int n_params, int n_inputs)
{
    CHECK(n_inputs <= (int)QVL_COUNT(h->given), "inputs of a harness");
    *h = (harness){0};
    qvl_arena *a = &h->arena;
    qvl_program_init(&h->program, n_params, n_inputs, a);
    h->params.arena = a;
    h->output = qvl_arena_array(a, const char *, 4096);
    h->trained = qvl_arena_array(a, bool, n_params);
}

void harness_release(harness *h)
{
    qvl_arena_release(&h->arena);
}

int harness_param(harness *h, size_t n)
{
    int i = h->params.n;
    const char *name = qvl_arena_printf(&h->arena, "w%d", i);
    size_t shape[2] = {n, 1};
    qvl_param_list_add(&h->params, name, "all", 2, shape, -1, false);
    return qvl_program_param(&h->program, i, QVL_CLS_WEIGHT, n, name);
}

int harness_input(harness *h, int index, qvl_value_class cls, size_t n)
{
    return qvl_program_input(&h->program, index, cls, n, "input");
}

void harness_want(harness *h, int value)
{
    char *name = qvl_arena_printf(&h->arena, "out%d", h->n_outputs);
    CHECK(h->n_outputs < 4096, "outputs of a harness");
    qvl_program_output(&h->program, name, value, 1,
                       &h->program.value[value].n_elems);
    h->output[h->n_outputs++] = name;
}

static uint32_t elems(const harness *h, int v)
{
    return (uint32_t)h->program.value[v].n_elems;
}

int harness_mix(harness *h, int k, const int *x, size_t n, uint32_t salt)
{
    int value[4];
    uint32_t arg[5];
    for (int i = 0; i < k; i++) {
        value[i] = x[i];
        arg[i] = elems(h, x[i]);
    }
    value[k] = qvl_program_value(&h->program, QVL_CLS_ACT, n, "mix");
    arg[k] = (uint32_t)n;
    arg[k + 1] = salt;
    qvl_program_step(&h->program, &fake_mix[k], value, arg, 1);
    return value[k];
}

/* Two outputs; returns the first, the second is read by nobody. */
static int add_two(harness *h, int x0, int x1, size_t n, uint32_t salt)
{
    int y = qvl_program_value(&h->program, QVL_CLS_ACT, n, "two");
    int stat = qvl_program_value(&h->program, QVL_CLS_F32, n / 2, "stat");
    int value[4] = {x0, x1, y, stat};
    uint32_t arg[5] = {elems(h, x0), elems(h, x1), elems(h, y),
                       elems(h, stat), salt};
    qvl_program_step(&h->program, &fake_two, value, arg, 2);
    return y;
}

void harness_sum(harness *h, int x0, int x1, int param, uint32_t salt)
{
    size_t n = h->params.item[param].shape[0];
    int g = qvl_program_grad(&h->program, param, n, "grad");
    int value[3] = {x0, x1, g};
    uint32_t arg[5] = {elems(h, x0), elems(h, x1), (uint32_t)n, salt, 0};
    qvl_program_step(&h->program, &fake_sum, value, arg, 3);
}

void harness_put(harness *h, int x, int y, size_t rows, size_t cols,
                 size_t off, size_t ld, uint32_t salt)
{
    int value[2] = {x, y};
    uint32_t arg[5] = {(uint32_t)rows, (uint32_t)cols, (uint32_t)off,
                       (uint32_t)ld, salt};
    qvl_program_step(&h->program, &fake_put, value, arg, 4);
}

static int add_take(harness *h, int x, size_t rows, size_t cols, size_t off,
                    size_t ld, uint32_t salt)
{
    int y = qvl_program_value(&h->program, QVL_CLS_ACT, rows * cols, "take");
    int value[2] = {x, y};
    uint32_t arg[5] = {(uint32_t)rows, (uint32_t)cols, (uint32_t)off,
                       (uint32_t)ld, salt};
    qvl_program_step(&h->program, &fake_take, value, arg, 5);
    return y;
}

/* ---- random programs ---- */

static uint32_t below(qvl_rng *rng, uint32_t n)
{
    return (uint32_t)qvl_rng_below(rng, n);
}

/* Values that steps may read, and somewhere to put new ones. */
typedef struct {
    int *v;
    int n;
} pool;

static pool new_pool(harness *h, int cap)
{
    return (pool){qvl_arena_array(&h->arena, int, cap), 0};
}

/* Mostly a recent one. */
static int pick(const pool *p, qvl_rng *rng)
{
    uint32_t n = (uint32_t)p->n;
    uint32_t recent = n > 8 && below(rng, 4) != 0 ? 8 : n;
    return p->v[n - 1 - below(rng, recent)];
}

static size_t random_size(qvl_rng *rng)
{
    uint32_t kind = below(rng, 10);
    if (kind == 0)
        return 0;
    return kind < 5 ? 16 * (1 + below(rng, 4)) : below(rng, 200);
}

static int random_mix(harness *h, qvl_rng *rng, const pool *p, size_t n)
{
    int x[3] = {pick(p, rng), pick(p, rng), pick(p, rng)};
    return harness_mix(h, (int)below(rng, 4), x, n, below(rng, 1000));
}

/* A value filled by two steps, column by column, and then read by a third. */
static int random_slices(harness *h, qvl_rng *rng, const pool *p)
{
    size_t rows = below(rng, 5);
    size_t left = 1 + below(rng, 9);
    size_t right = 1 + below(rng, 9);
    size_t ld = left + right;
    int a = random_mix(h, rng, p, rows * left);
    int b = random_mix(h, rng, p, rows * right);
    int y = qvl_program_value(&h->program, QVL_CLS_ACT, rows * ld, "cols");
    harness_put(h, a, y, rows, left, 0, ld, below(rng, 1000));
    random_mix(h, rng, p, 20);
    harness_put(h, b, y, rows, right, left, ld, below(rng, 1000));
    if (below(rng, 2) == 0)
        return y;
    return add_take(h, y, rows, ld / 2, ld - ld / 2, ld, below(rng, 1000));
}

static int random_step(harness *h, qvl_rng *rng, const pool *p)
{
    switch (below(rng, 10)) {
    case 0:
        return random_slices(h, rng, p);
    case 1:
        return add_two(h, pick(p, rng), pick(p, rng), random_size(rng),
                       below(rng, 1000));
    default:
        return random_mix(h, rng, p, random_size(rng));
    }
}

void harness_random(harness *h, qvl_rng *rng, int n_steps)
{
    enum { N_PARAMS = 4, N_INPUTS = 3 };
    harness_init(h, N_PARAMS, N_INPUTS);
    pool p = new_pool(h, n_steps + 16);
    for (int i = 0; i < N_PARAMS; i++)
        p.v[p.n++] = harness_param(h, 1 + random_size(rng));
    for (int i = 0; i < N_INPUTS; i++)
        p.v[p.n++] = harness_input(h, i, QVL_CLS_ACT, random_size(rng));
    int first = p.n;
    for (int i = 0; i < n_steps; i++) {
        p.v[p.n++] = random_step(h, rng, &p);
        if (below(rng, 8) == 0)
            harness_sum(h, pick(&p, rng), pick(&p, rng),
                        (int)below(rng, N_PARAMS - 1), below(rng, 1000));
        uint32_t n_made = (uint32_t)(p.n - first);
        if (below(rng, 16) == 0)
            harness_want(h, p.v[first + (int)below(rng, n_made)]);
    }
    harness_want(h, p.v[p.n - 1]);
    for (int i = 0; i < N_PARAMS; i++)
        h->trained[i] = below(rng, 3) != 0;
}

/* One layer forward: its values go into `inner`, its result is the last. */
static int layer_forward(harness *h, qvl_rng *rng, pool *inner, int x, int w,
                         size_t width)
{
    inner->v[inner->n++] = x;
    inner->v[inner->n++] = w;
    int n = 4 + (int)below(rng, 6);
    for (int i = 0; i < n; i++)
        inner->v[inner->n++] =
            below(rng, 4) == 0 ? random_step(h, rng, inner)
                               : random_mix(h, rng, inner, width);
    int last = inner->v[inner->n - 1];
    return harness_mix(h, 2, (int[]){last, x}, width, below(rng, 1000));
}

/* The same layer backward: reads dy and any of the layer's values. */
static int layer_backward(harness *h, qvl_rng *rng, pool *inner, int dy,
                          int param, size_t width)
{
    int n = 3 + (int)below(rng, 5);
    for (int i = 0; i < n; i++) {
        int a = inner->v[below(rng, (uint32_t)inner->n)];
        int b = inner->v[below(rng, (uint32_t)inner->n)];
        dy = harness_mix(h, 3, (int[]){dy, a, b}, width, below(rng, 1000));
    }
    harness_sum(h, dy, inner->v[below(rng, (uint32_t)inner->n)], param,
                below(rng, 1000));
    return harness_mix(h, 1, (int[]){dy}, width, below(rng, 1000));
}

void harness_layers(harness *h, qvl_rng *rng, int n_layers, size_t width)
{
    harness_init(h, n_layers, 1);
    qvl_program *p = &h->program;
    int x = harness_input(h, 0, QVL_CLS_ACT, width);
    pool *inner = qvl_arena_array(&h->arena, pool, n_layers);
    for (int l = 0; l < n_layers; l++) {
        inner[l] = new_pool(h, 64);
        p->mark = (qvl_mark){.repeat = l % 3 == 0, .layer = l};
        int w = harness_param(h, 8);
        h->trained[l] = below(rng, 4) != 0;
        x = layer_forward(h, rng, &inner[l], x, w, width);
        p->mark = (qvl_mark){.repeat = -1};
        int tap = inner[l].v[2 + below(rng, (uint32_t)inner[l].n - 2)];
        if (below(rng, 4) == 0)
            harness_want(h, tap);
        if (below(rng, 4) == 0)
            x = harness_mix(h, 2, (int[]){x, tap}, width, 5);
    }
    harness_want(h, x);
    int dy = harness_mix(h, 1, &x, width, below(rng, 1000));
    for (int l = n_layers - 1; l >= 0; l--) {
        p->mark = (qvl_mark){l % 3 == 0, l, true};
        /* Now and then a layer's backward reads a value of the one before. */
        const pool *from = l > 0 && below(rng, 6) == 0 ? &inner[l - 1]
                                                       : &inner[l];
        inner[l].v[inner[l].n++] = from->v[from->n - 1];
        dy = layer_backward(h, rng, &inner[l], dy, l, width);
    }
    p->mark = (qvl_mark){.repeat = -1};
    harness_want(h, dy);
}
