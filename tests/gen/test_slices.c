/* test_slices.c - gradients of slices, however they lie: cases by hand, with what
 * they may cost, and random ones
 *
 *   QVL_TEST_SPEC  the number of one random spec: it is printed and proved alone
 */
#include "check.h"
#include "gen/prove.h"
#include "gen/slices.h"

static const char head[] =
    "arch: hand\nmodel_type: [hand]\nconfig:\n  H: int H\n  a: int a\n  b: int b\n"
    "  D: int D\n  L: int L\n  eps: float eps\n  flag: bool flag\n"
    "derived:\n  h: 2 * a\nbatch: [T, C]\ninputs:\n  x: f32 [T, H]\n"
    "  given: f32 [T, a, D]\n  at: index [T, 1] into T\n"
    "  label: i32 [T, 1]\n  loss_scale: f32 [1]\n"
    "params:\n  p:\n    same.weight: [H, H]\n    to1.weight: [H, 1]\n"
    "    to_a.weight: [H, a]\n    to_b.weight: [H, b]\n    to_h.weight: [H, h]\n"
    "    to_rest.weight: [H, H - a]\n    to_long.weight: [H, 2 * h]\n"
    "    to_heads.weight: [H, a * D]\n    small.weight: [a, a]\n"
    "    half.weight: [h, H]\n    long.weight: [2 * h, H]\n"
    "    longer.weight: [4 * h, H]\n    sum.weight: [a + b, H]\n"
    "    heads.weight: [h * D, H]\n    to_d.weight: [H, D]\n"
    "    norm.weight: [D]\n    norm.bias: [D]\n"
    "    odd.weight: [a + b + D + H, H]\n    to_odd.weight: [H, L + C + T]\n"
    "program:\n";
static const char tail[] = "  - stat = cross_entropy(f32(y), label, loss_scale)\n"
                           "outputs:\n  y: y\n";
static const char dims[] = "hand:\n  - {H: 5, a: 2, b: 3, D: 2, L: 2, eps: 0.5, "
                           "flag: true, T: 4, C: 3}\n";

/* Gradients of slices are gathered in spaces; where their op does not write there
 * itself, a copy does. The fewest of both that the sizes allow. */
static const struct {
    const char *what;
    const char *program;
    int n_spaces, n_copies;
} cases[] = {
    { "side by side, read from behind",
      "  - u, v, w = split(linear(x, long), a, h, a)\n"
      "  - y = linear(w, to_a) + linear(v, to_h) + linear(u, to_a)\n", 1, 0 },
    { "halves of which one is read, then the middle",
      "  - z = linear(x, long)\n  - u, v = split(z, h, h)\n"
      "  - c, d, e = split(z, a, h, a)\n"
      "  - y = linear(u, to_h) + linear(d, to_h)\n", 2, 0 },
    { "the middle, then halves of which one is read",
      "  - z = linear(x, long)\n  - c, d, e = split(z, a, h, a)\n"
      "  - u, v = split(z, h, h)\n  - y = linear(u, to_h) + linear(d, to_h)\n",
      2, 0 },
    { "halves, and the middle, all read",
      "  - z = linear(x, long)\n  - u, v = split(z, h, h)\n"
      "  - c, d, e = split(z, a, h, a)\n"
      "  - y = linear(u, to_h) + linear(d, to_h) + linear(v, to_h)\n"
      "  - y = y + linear(e, to_a) + linear(c, to_a)\n", 2, 0 },
    { "a part of one split behind a part of another",
      "  - z = linear(x, long)\n  - u, v = split(z, a, h + a)\n"
      "  - c, d, e = split(z, a, h, a)\n"
      "  - y = linear(u, to_a) + linear(d, to_h)\n", 1, 0 },
    { "the second of four",
      "  - u, v, w, s = split(linear(x, long), a, a, a, a)\n"
      "  - y = linear(v, to_a)\n", 1, 0 },
    { "the first and the last",
      "  - u, v, w, s = split(linear(x, long), a, a, a, a)\n"
      "  - y = linear(u, to_a) + linear(s, to_a)\n", 1, 0 },
    { "one column at the end",
      "  - u, v = split(linear(x, long), 2 * h - 1, 1)\n"
      "  - y = linear(v, to1)\n", 1, 0 },
    { "behind a difference",
      "  - u, v = split(linear(x, same), H - a, a)\n  - y = linear(v, to_a)\n",
      1, 0 },
    { "differences, from both ends",
      "  - z = linear(x, same)\n  - u, v = split(z, a, H - a)\n"
      "  - s, t = split(z, H - a, a)\n"
      "  - y = linear(v, to_rest) + linear(t, to_a)\n"
      "  - y = y + linear(u, to_a) + linear(s, to_rest)\n", 2, 0 },
    { "sizes that cannot be compared",
      "  - z = linear(x, sum)\n  - u, v = split(z, a, b)\n"
      "  - s, t = split(z, b, a)\n"
      "  - y = linear(u, to_a) + linear(v, to_b)\n"
      "  - y = y + linear(s, to_b) + linear(t, to_a)\n", 2, 0 },
    { "ends that cannot be compared",
      "  - z = linear(x, sum)\n  - u, v = split(z, a, b)\n"
      "  - s, t = split(z, b, a)\n  - y = linear(v, to_b) + linear(t, to_a)\n",
      2, 0 },
    { "parts of parts, in any order",
      "  - u, v = split(linear(x, long), h, h)\n  - c, d = split(u, a, a)\n"
      "  - e, f = split(v, a, a)\n"
      "  - y = linear(d, to_a) + linear(e, to_a)\n"
      "  - y = y + linear(f, to_a) + linear(c, to_a)\n", 1, 0 },
    { "a part, and a part of it",
      "  - u, v = split(linear(x, long), h, h)\n  - c, d = split(v, a, a)\n"
      "  - y = linear(v, to_h) + linear(d, to_a)\n", 2, 0 },
    { "the same part three times, and the whole",
      "  - z = linear(x, same)\n  - u, v = split(z, a, H - a)\n"
      "  - s, t = split(z, a, H - a)\n  - p, q = split(z, a, H - a)\n"
      "  - y = linear(u, to_a) + linear(s, to_a) + linear(p, to_a) + z\n", 3, 0 },
    { "heads, and columns of their join",
      "  - z = heads(linear(x, heads), h)\n  - u, v = split(z, a, a)\n"
      "  - s, t = split(join(z), D, 2 * h * D - h * D - D)\n"
      "  - y = linear(join(v), to_heads) + linear(join(silu(u)), to_heads)\n"
      "  - y = y + linear(rms_norm(s, norm, eps), to_d)\n", 2, 0 },
    { "rows of two lengths",
      "  - z = linear(x, long)\n  - u, v = split(z, h, h)\n"
      "  - s, t = split(reshape(z, 2 * T, h), a, a)\n"
      "  - y = linear(u, to_h)\n"
      "  - y = y + linear(reshape(linear(s, small), T, h), to_h)\n", 2, 0 },
    { "added, one gradient for both",
      "  - u, v = split(linear(x, long), h, h)\n  - y = linear(u + v, to_h)\n",
      1, 1 },
    { "added to a value that is seen in other rows before",
      "  - p = reshape(linear(x, long), 2 * T, h)\n"
      "  - s = p + reshape(linear(x, long), 2 * T, h)\n"
      "  - z = reshape(linear(x, longer), 2 * T, 2 * h)\n"
      "  - u, v = split(z, h, h)\n  - t = silu(u + s)\n"
      "  - y = linear(reshape(t, T, 2 * h), to_long)\n", 1, 1 },
    { "added to a value in other rows",
      "  - p = linear(x, long)\n"
      "  - z = reshape(linear(x, longer), 2 * T, 2 * h)\n"
      "  - u, v = split(z, h, h)\n  - t = silu(u + reshape(p, 2 * T, h))\n"
      "  - y = linear(reshape(t, T, 2 * h), to_long)\n", 1, 1 },
    { "looked up by an op that writes no part of a row",
      "  - u, v = split(linear(x, long), h, h)\n"
      "  - y = linear(lookup(u, at), to_h)\n", 1, 1 },
    { "added to an input, before a norm that sees heads as rows",
      "  - u, v = split(heads(linear(x, heads), h), a, a)\n"
      "  - y = linear(join(layer_norm(u + given, norm, eps)), to_heads)\n", 1, 1 },
    { "added to a value that a loop between has read",
      "  - u, v = split(linear(x, long), h, h)\n  - w = linear(x, half)\n"
      "  - y = linear(x, same)\n"
      "  - for l in L:\n    - y = tanh(y + linear(w, to_h))\n"
      "  - y = y + linear(u + w, to_h)\n", 1, 1 },
    { "added to a part of another value, that a loop between has read",
      "  - s, t = split(linear(x, long), h, h)\n  - y = linear(x, same)\n"
      "  - for l in L:\n    - y = tanh(y + linear(s, to_h))\n"
      "  - u, v = split(linear(x, long), h, h)\n  - y = y + linear(u + s, to_h)\n",
      2, 1 },
    { "added to an element of an array",
      "  - w = linear(x, half)\n  - y = linear(x, same)\n"
      "  - for l in L:\n    - e[l] = tanh(linear(y, half))\n"
      "    - y = tanh(y) + linear(w, to_h)\n"
      "  - for l in L:\n    - u, v = split(linear(y, long), h, h)\n"
      "    - y = y + linear(e[l] + u, to_h)\n", 1, 1 },
    { "added to what a condition leaves, of a value that it leaves",
      "  - q = linear(x, half)\n  - p = linear(x, long)\n"
      "  - if flag:\n    - q = tanh(q)\n    - p = tanh(p)\n"
      "  - u, v = split(p, h, h)\n  - y = linear(q + u, to_h)\n", 1, 0 },
    { "what a condition leaves",
      "  - q = linear(x, half)\n"
      "  - if flag:\n    - u, v = split(linear(x, long), h, h)\n    - q = u\n"
      "  - y = linear(q, to_h)\n", 1, 1 },
    { "read in a loop, a condition, and behind both",
      "  - z = linear(x, long)\n  - u, v = split(z, h, h)\n"
      "  - c, d, e = split(z, a, h, a)\n  - y = linear(d, to_h)\n"
      "  - for l in L:\n    - y = tanh(y + linear(u, to_h))\n"
      "    - if flag:\n      - y = y + linear(c, to_a)\n"
      "  - y = y + linear(u, to_h)\n", 2, 2 },
    { "read by losses in a loop and a condition that leave nothing",
      "  - u, v = split(linear(x, long), h, h)\n"
      "  - for l in L:\n    - if flag:\n"
      "      - one = cross_entropy(f32(linear(v, to_h)), label, loss_scale)\n"
      "  - y = linear(x, same)\n", 1, 1 },
    { "columns of what a loop carries",
      "  - y = linear(x, same)\n"
      "  - for l in L:\n    - u, v = split(y, a, H - a)\n"
      "    - s, t = split(y, H - a, a)\n"
      "    - y = y + linear(tanh(u), to_a) + linear(tanh(s), to_rest)\n"
      "  - u, v = split(y, a, H - a)\n  - y = linear(v, to_rest)\n", 3, 0 },
    { "columns of what a loop carries, added",
      "  - y = linear(x, same)\n"
      "  - for l in L:\n    - u, v = split(y, a, H - a)\n"
      "    - s, t = split(y, H - a, a)\n    - y = y + linear(silu(u + t), to_a)\n",
      2, 2 },
    { "of rows of a chunk, and of all rows",
      "  - z = linear(x, long)\n  - chunk T by C:\n"
      "    - c, d, e = split(z, a, h, a)\n"
      "    - one = cross_entropy(f32(linear(d, to_h)), label, loss_scale)\n"
      "  - u, v = split(z, h, h)\n  - y = linear(u, to_h)\n", 3, 1 },
    { "of rows of a chunk of a slice, seen as heads and joined",
      "  - u, v = split(heads(linear(x, heads), h), a, a)\n  - chunk T by C:\n"
      "    - n = rms_norm(v, norm, eps)\n"
      "    - p, q = split(join(v), D, a * D - D)\n"
      "    - one = cross_entropy(f32(linear(join(n), to_heads)), label, loss_scale)\n"
      "    - two = cross_entropy(f32(linear(p, to_d)), label, loss_scale)\n"
      "  - y = linear(join(v), to_heads)\n", 5, 2 },
    { "of a value that a chunk reads, and that is read behind it",
      "  - z = linear(x, same)\n  - chunk T by C:\n"
      "    - one = cross_entropy(f32(linear(z, same)), label, loss_scale)\n"
      "  - y = z + linear(z, same)\n", 1, 0 },
};

static void count_copy(ir_node *n, void *arg)
{
    int *n_copies = arg;
    if (n->kind == IR_N_OP && n->backward && strcmp(n->op.k->name, "map") == 0 &&
        ir_root(n->op.out[0])->kind == IR_V_SPACE)
        *n_copies += n->op.expr->kind == IR_EX_ARG;
}

/* Those of gradients: what a chunk leaves stands in one too. */
static int count_spaces(const ir_module *m)
{
    int n = 0;
    for (int i = 0; i < m->n_values; i++)
        n += m->value[i]->kind == IR_V_SPACE &&
             strncmp(m->value[i]->name, "d_", 2) == 0;
    return n;
}

static void test_cases(void)
{
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        prover f;
        ir_module *m;
        int n_copies = 0;
        const char *what = cases[i].what;
        prove_open(&f);
        const char *text = qvl_arena_printf(&f.arena, "%s%s%s", head,
                                            cases[i].program, tail);
        prove_spec(&f, what, text, prove_tree(&f, "dims", dims));
        CHECK_OK(ref_build_text(&m, &f.kernels, what, text, REF_TRAIN, "grad",
                                &f.arena, &f.err), f.err);
        ir_walk(&m->body, count_copy, &n_copies);
        CHECK_INT(count_spaces(m), cases[i].n_spaces, "%s: spaces", what);
        CHECK_INT(n_copies, cases[i].n_copies, "%s: copies", what);
        prove_close(&f);
    }
}

/* What lies behind the first part is a + b + D + H - L - C - T. */
static void test_too_long(void)
{
    prover f;
    ir_module *m;
    prove_open(&f);
    const char *text = qvl_arena_printf(
        &f.arena, "%s%s%s", head,
        "  - u, v, w, s = split(linear(x, odd), L + C + T, a - L, b - C, D + H - T)\n"
        "  - y = linear(u, to_odd)\n", tail);
    CHECK_FAILS(ref_build_text(&m, &f.kernels, "odd.yaml", text, REF_TRAIN, "size",
                               &f.arena, &f.err),
                QVL_E_CONFIG, f.err,
                "odd.yaml:42: what lies between slices of 'odd' is a sum of more "
                "than 6 terms");
    prove_close(&f);
}

enum { N_RANDOM = 120 };

static void test_random(void)
{
    const char *only = getenv("QVL_TEST_SPEC");
    int first = only ? atoi(only) : 0, end = only ? first + 1 : N_RANDOM;
    for (int k = first; k < end; k++) {
        char name[32];
        qvl_str s = { 0 };
        prover f;
        prove_open(&f);
        slices_write(&s, k);
        if (only)
            fputs(s.p, stderr);
        snprintf(name, sizeof name, "slices %d", k);
        prove_spec(&f, name, s.p, prove_tree(&f, "dims", slices_dims));
        prove_close(&f);
        qvl_str_release(&s);
    }
}

RUN_TESTS(TEST(test_cases), TEST(test_too_long), TEST(test_random))
