/* test_limits.c - specs that are wrong as a whole: tables that overflow, blocks in
 * each other, rows in another order than what reads them takes
 */
#include "check.h"
#include "gen/small.h"
#include "ref/build.h"

/* small_spec with a layer in which each token has one expert: rows of uses are
 * as many as rows of tokens, and the mistakes are not in any shape. */
static void test_one_expert(void)
{
    static const small_edit layer = {
        "    head.weight: [V, H]\nprogram:\n"
        "  - x = lookup(embed.weight, token)\n",
        "    head.weight: [V, H]\n    gate.weight: [nh, H]\n    up: [nh, H, H]\n"
        "program:\n"
        "  - x = lookup(embed.weight, token)\n"
        "  - r = route(linear(x, gate), 1)\n"
        "  - s = route(linear(x, gate), 1)\n"
        "  - u = silu(experts(x, r, up))\n"
        "  - for j in L:\n"
        "    - u = u + experts(u, r, up)\n"
        "  - x = x + combine(u, r)\n", NULL };
    static const char sorted[] = "these rows are not known to be of tokens, nor "
                                 "sorted by the experts of this route";
    static const char mixed[] = "combine takes rows that are sorted by the experts "
                                "of this route";
    static const small_edit cases[] = {
        { "experts(u, r, up)", "experts(u, s, up)", sorted },
        { "experts(u, r, up)", "experts(u + x, r, up)", sorted },
        { "experts(u, r, up)", "experts(x, r, up)", "" },
        { "combine(u, r)", "combine(u, s)", mixed },
        { "combine(u, r)", "combine(x, r)", mixed },
        { "combine(u, r)", "combine(u - x, r)", mixed },
        { "combine(u, r)", "u", "" },
        { "u = u + experts(u, r, up)", "u = x + u",
          "the rows of 'u' enter the loop in one order and leave it in another: "
          "those that experts returns are sorted" },
        { "u = u + experts(u, r, up)", "x = experts(x, r, up)",
          "the rows of 'x' enter the loop in one order and leave it in another: "
          "those that experts returns are sorted" },
        { "u = u + experts(u, r, up)", "o[j] = u\n  - u = o[0]", mixed },
        { "u = u + experts(u, r, up)", "o[j] = x\n  - u = experts(o[0], r, up)",
          "" },
        { "  - for j in L:\n    - u = u + experts(u, r, up)\n",
          "  - if L > 1:\n    - u = x\n", mixed },
        { "  - for j in L:\n    - u = u + experts(u, r, up)\n",
          "  - if L > 1:\n    - u = experts(u, r, up)\n", "" },
        { "combine(u, r)", "combine(u, reshape(r, T, 1))",
          "expected what route(...) returned" },
    };
    qvl_arena arena = { 0 };
    kern_set kernels = { 0 };
    qvl_err err;
    ir_module *m = NULL;
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena,
                              &err), err);
    const char *text = small_with(small_spec, &layer, &arena);
    CHECK_OK(ref_build_text(&m, &kernels, "small.yaml", text, REF_TRAIN, "size",
                            &arena, &err), err);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const small_edit *x = &cases[i];
        int rc = ref_build_text(&m, &kernels, "small.yaml",
                                small_with(text, x, &arena), REF_TRAIN, "size",
                                &arena, &err);
        CHECK_INT(rc, x->message[0] ? QVL_E_CONFIG : QVL_OK, "%s: %s",
                  x->replace, rc == QVL_OK ? "" : err.msg);
        if (rc != QVL_OK)
            CHECK_HAS(err.msg, x->message, "%s", x->replace);
    }
    qvl_arena_release(&arena);
}

/* Tables that a spec may fill: lines put in once and n times, of which n fit and
 * one more is said to be too many. In a line "#" is its number; a line without is
 * only repeated. An empty message: there is no limit. */
typedef struct {
    const char *find[2];  // [1] NULL: one place
    const char *line[2];
    int n;
    const char *message;
} limit;

static const limit limits[] = {
    { { "  V: int vocab\n" }, { "  d#: int d#\n" }, 53,
      "more dims than an architecture may have" },
    { { "  - y = f32(linear(x, head))\n" },
      { "  - chunk R by C:\n    - z# = x\n" }, 26,
      "more dims than an architecture may have" },
    { { "  V: int vocab\n" }, { "  t#: list t#\n" }, 3,
      "more lists than an architecture may have" },
    { { "model_type: [small" }, { ", small#" }, 3, "more than 4 model types" },
    { { "- x = x + " }, { "-" }, 97, "nested too deeply" },
    { { "x + linear(join(a), o)" }, { " + x" }, 995,
      "an expression of more than 1000 operands" },
    { { "  - x = lookup(embed.weight, token)\n", "ds[k] = x\n" },
      { "  - o# = x\n", "    - o# = n\n" }, 63,
      "a block sets more than 64 outer names" },
    { { "  - x = lookup(embed.weight, token)\n", "ds[k] = x\n" },
      { "  - o# = x\n", "    - o# = o# + x\n" }, 15,
      "a block carries more than 16 names" },
    { { "  - x = lookup(embed.weight, token)\n", "ds[k] = x\n" },
      { "  - o# = silu(x)\n", "    - x = x + o#\n" }, 15,
      "too many values enter the block that uses 'o" },
    { { "  text:\n    ", "- x = lookup(" }, { "p", "p" }, 188,
      "the name of a parameter has at most 200 letters, and no %" },
    { { "ds[k] = x\n", "" },
      { "      - e#[k] = n\n",
        "  - for j in count(taps):\n    - x = x + e#[j]\n" }, 100, "" },
};

/* Append n lines with "#" replaced by their number. */
static void put_lines(qvl_str *s, const char *line, int n)
{
    for (int i = 0; i < n; i++)
        for (const char *p = line; *p; p++) {
            if (*p == '#')
                qvl_str_printf(s, "%d", i);
            else
                qvl_str_putc(s, *p);
        }
}

/* small_spec with n lines behind each of the places. */
static void fill(qvl_str *s, const limit *x, int n)
{
    const char *from = small_spec;
    qvl_str_reset(s);
    for (int i = 0; i < 2 && x->find[i]; i++) {
        const char *at = strstr(from, x->find[i]);
        CHECK(at != NULL, "%s is not in the spec", x->find[i]);
        at += strlen(x->find[i]);
        qvl_str_putn(s, from, (size_t)(at - from));
        put_lines(s, x->line[i], n);
        from = at;
    }
    qvl_str_puts(s, from);
}

static void test_limits(void)
{
    qvl_arena arena = { 0 };
    kern_set kernels = { 0 };
    qvl_str s = { 0 };
    qvl_err err;
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena,
                              &err), err);
    for (size_t i = 0; i < QVL_COUNT(limits); i++) {
        const limit *x = &limits[i];
        ir_module *m = NULL;
        fill(&s, x, x->n);
        int rc = ref_build_text(&m, &kernels, "small.yaml", s.p, REF_TRAIN,
                                "size", &arena, &err);
        CHECK(rc == QVL_OK, "%d of %s: %s", x->n, x->line[0], err.msg);
        if (!x->message[0])
            continue;
        fill(&s, x, x->n + 1);
        CHECK_FAILS(ref_build_text(&m, &kernels, "small.yaml", s.p, REF_TRAIN,
                                   "size", &arena, &err),
                    QVL_E_CONFIG, err, x->message);
        CHECK_HAS(err.msg, "small.yaml:", "%s", x->line[0]);
    }
    qvl_str_release(&s);
    qvl_arena_release(&arena);
}

/* A size that the backward pass is the first to need: rows of uses, (nh + L) T, with
 * the columns of what goes in. */
static void test_backward_size(void)
{
    static const small_edit layer = {
        "    head.weight: [V, H]\nprogram:\n"
        "  - x = lookup(embed.weight, token)\n",
        "    head.weight: [V, H]\n    wide.weight: [V + L + nh + H, H]\n"
        "    gate.weight: [V, H]\n    up: [V, H, V + L + nh + H]\nprogram:\n"
        "  - x = lookup(embed.weight, token)\n"
        "  - r = route(linear(x, gate), nh + L)\n"
        "  - x = x + combine(experts(linear(x, wide), r, up), r)\n", NULL };
    qvl_arena arena = { 0 };
    kern_set kernels = { 0 };
    qvl_err err;
    ir_module *m = NULL;
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena,
                              &err), err);
    const char *text = small_with(small_spec, &layer, &arena);
    CHECK_OK(ref_build_text(&m, &kernels, "small.yaml", text, REF_INFER, "size",
                            &arena, &err), err);
    CHECK_FAILS(ref_build_text(&m, &kernels, "small.yaml", text, REF_TRAIN, "size",
                               &arena, &err),
                QVL_E_CONFIG, err, "small.yaml:35: the elements of [");
    qvl_arena_release(&arena);
}

/* Blocks with a prefix each, one in the other. */
static void test_nesting(void)
{
    static const struct {
        int depth, rc;
    } cases[] = { { 16, QVL_OK }, { 17, QVL_E_CONFIG } };
    qvl_arena arena = { 0 };
    kern_set kernels = { 0 };
    qvl_str blocks = { 0 };
    qvl_err err = { 0 };
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena,
                              &err), err);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        ir_module *m = NULL;
        qvl_str_reset(&blocks);
        for (int k = 0; k < cases[i].depth; k++)
            qvl_str_printf(&blocks, "%*s- at a.:\n", 2 + 2 * k, "");
        qvl_str_printf(&blocks, "%*s- z = x\noutputs:\n",
                       2 + 2 * cases[i].depth, "");
        const small_edit x = { "outputs:\n", blocks.p, NULL };
        int rc = ref_build_text(&m, &kernels, "small.yaml",
                                small_with(small_spec, &x, &arena), REF_TRAIN, "size",
                                &arena, &err);
        CHECK_INT(rc, cases[i].rc, "%d blocks: %s", cases[i].depth, err.msg);
    }
    CHECK_HAS(err.msg, "small.yaml:56:37: nested too deeply", "message");
    qvl_str_release(&blocks);
    qvl_arena_release(&arena);
}

/* A cache where two loops are, in every phase. */
static void test_nested_cache(void)
{
    static const small_edit steps[] = {
        { "range: range [T]",
          "range: range [T]\n  cache: cache [T, R, C]", NULL },
        { "    - a = attention(rope(q, angles), k, v, range, D ^ -0.5)",
          "    - for j in nh:\n"
          "      - q = attention(q, k, v, range, D ^ -0.5, cache)\n"
          "    - a = attention(rope(q, angles), k, v, range, D ^ -0.5)", NULL },
    };
    qvl_arena arena = { 0 };
    kern_set kernels = { 0 };
    qvl_err err;
    ir_module *m = NULL;
    const char *text = small_spec;
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena,
                              &err), err);
    for (size_t i = 0; i < QVL_COUNT(steps); i++)
        text = small_with(text, &steps[i], &arena);
    for (int phase = 0; phase < REF_N_PHASES; phase++) {
        CHECK_INT(ref_build_text(&m, &kernels, "small.yaml", text,
                                 (ref_phase)phase, "size", &arena, &err),
                  QVL_E_CONFIG, "phase %d", phase);
        CHECK_STR(err.msg,
                  "small.yaml:36:13: a cache goes into one loop, not into one "
                  "inside of another\n"
                  "        - q = attention(q, k, v, range, D ^ -0.5, cache)\n"
                  "              ^", "phase %d", phase);
    }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_one_expert), TEST(test_limits), TEST(test_backward_size),
          TEST(test_nesting), TEST(test_nested_cache))
