/* test_mutate.c - which mistakes are found in a text, and what they make of it */
#include "check.h"
#include "text.h"

typedef struct {
    const char *line;      // of a body
    const char *made[8];   // in their order
} text_case;

static const text_case kernel_cases[] = {
    {"u32 a = b + 1u;", {"u32 a = b - 1u;", "u32 a = b + 0u;"}},
    {"a += -b;", {"a -= -b;", "a += b;"}},
    {"x = y * 128u;", {"x = y + 128u;", "x = y * 129u;"}},
    {"f = 0.0f - 2.5f;", {"f = 1.0f - 2.5f;", "f = 0.0f + 2.5f;",
                          "f = 0.0f - -2.5f;"}},
    {"t = -1e30f;", {"t = 1e30f;"}},
    {"if (a < b && c)", {"if (a <= b && c)", "if (a < b || c)"}},
    {"v = load_x(r, c0 + c);", {"v = load_x(c0 + c, r);",
                                "v = load_x(r, c0 - c);"}},
    {"v = loadv_w(c);", {NULL}},
    {"n = min_u32(n, m);", {"n = max_u32(n, m);"}},
    {"fv sum[SPAN / (LANES * VW)];", {NULL}},
    {"f32 a[((N + 1u) / VW + m[2]) * 4u] = {b + c};",
     {"f32 a[((N + 1u) / VW + m[2]) * 4u] = {b - c};"}},
    {"i++;  // a + b", {NULL}},
    {"/* a - 1u */ p->q = 0x7fu & s;", {"/* a - 1u */ p->q = 128u & s;"}},
};

static const text_case c_cases[] = {
    {"ir_value *x = op->in[0];", {"ir_value *x = op->in[1];"}},
    {"ir_value *in[2] = {dy, in[3]};", {"ir_value *in[2] = {dy, in[2]};"}},
    {"return f(\"a + 1\", 2, NULL);", {"return f(\"a + 1\", 1, NULL);"}},
    {"back.times = -back.times;", {"back.times = back.times;"}},
    {"return -1;", {"return 1;", "return -0;"}},
};

static void check_line(const text_case *c, const char *head, bool is_kernel)
{
    qvl_arena arena;
    qvl_arena_init(&arena);
    const char *text = qvl_arena_printf(&arena, "%s\n{\n    %s\n}\n", head,
                                        c->line);
    mutations m = {.text = text, .len = strlen(text), .is_kernel = is_kernel};
    mutations_find(&m, &arena);
    int n = 0;
    while (c->made[n])
        n++;
    CHECK_INT(m.n, n, "%s", c->line);
    for (int i = 0; i < n; i++) {
        CHECK_STR(m.item[i].function, "norm", "%s", c->line);
        CHECK_INT(m.item[i].line, 3 + (is_kernel ? 1 : 0), "%s", c->line);
        CHECK_STR(mutation_line(&m, m.item[i].at, &arena), c->line, "%d", i);
        CHECK_STR(mutation_above(&m, m.item[i].at, &arena), "{", "%d", i);
        CHECK_STR(mutation_made(&m, &m.item[i], &arena), c->made[i], "%s, %d",
                  c->line, i);
    }
    qvl_arena_release(&arena);
}

static void test_kernels(void)
{
    for (size_t i = 0; i < QVL_COUNT(kernel_cases); i++)
        check_line(&kernel_cases[i], "kernel norm(in X x[n + 1], arg f32 a)\n"
                   "groups ceil_div(n, 8u)", true);
}

static void test_c(void)
{
    for (size_t i = 0; i < QVL_COUNT(c_cases); i++)
        check_line(&c_cases[i], "static int norm(grad *g, int n)", false);
}

/* Lines above the first one and below an empty one. */
static void test_above(void)
{
    qvl_arena arena;
    qvl_arena_init(&arena);
    mutations m = {.text = "  a\n\n b;\nc", .len = 10};
    static const char *const above[] = {"", "", "", "", "a", "", "", "", "",
                                        "b;"};
    for (size_t at = 0; at < m.len; at++)
        CHECK_STR(mutation_above(&m, at, &arena), above[at], "%zu", at);
    qvl_arena_release(&arena);
}

/* Texts that end anywhere are read without a fault. */
static void test_cut(void)
{
    static const char whole[] = "kernel a(in X x[n])\n{\n    b = load_x(r, \"c"
                                "\\\"\", 1u) + -2.0f; /* d */\n}\n{\n 'e\n}\n";
    for (size_t n = 0; n < sizeof whole; n++) {
        qvl_arena arena;
        qvl_arena_init(&arena);
        mutations m = {.text = qvl_arena_strndup(&arena, whole, n), .len = n,
                       .is_kernel = true};
        mutations_find(&m, &arena);
        CHECK(m.n <= 8, "%zu bytes", n);
        qvl_arena_release(&arena);
    }
}

RUN_TESTS(TEST(test_kernels), TEST(test_c), TEST(test_above), TEST(test_cut))
