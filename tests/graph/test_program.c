/* test_program.c - programs, parameter lists and architectures */
#include <assert.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "check.h"
#include "graph/arch.h"
#include "harness.h"
#include "tensor/dtype.h"

/* Does fn end the process by an assert? Tried in a child. */
static bool aborts(void (*fn)(harness *), harness *h)
{
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 2);
        signal(SIGABRT, SIG_DFL);
        fn(h);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void break_assert(harness *h)
{
    assert(h == NULL);
    (void)h;
}

static void test_values(void)
{
    harness h;
    harness_init(&h, 3, 2);
    qvl_program *p = &h.program;
    for (int i = 0; i < 1000; i++) {
        int v = qvl_program_value(p, QVL_CLS_F32, (size_t)i, NULL);
        CHECK_INT(v, i, "ids count up");
    }
    for (int i = 0; i < 1000; i++) {
        CHECK_INT(p->value[i].n_elems, i, "value %d after growing", i);
        CHECK_INT(p->value[i].first_step, -1, "value %d", i);
    }
    int w = qvl_program_param(p, 1, QVL_CLS_WEIGHT, 6, "w");
    int g = qvl_program_grad(p, 1, 6, "dw");
    int x = qvl_program_input(p, 0, QVL_CLS_I32, 4, "x");
    CHECK_INT(qvl_program_param(p, 1, QVL_CLS_WEIGHT, 6, "w"), w, "again");
    CHECK_INT(qvl_program_grad(p, 1, 6, "dw"), g, "again");
    CHECK_INT(qvl_program_input(p, 0, QVL_CLS_I32, 4, "x"), x, "again");
    CHECK_INT(p->param_value[0], -1, "not used");
    CHECK_INT(p->value[g].cls, QVL_CLS_F32, "gradients are f32");
    CHECK_INT(p->value[x].kind, QVL_VALUE_INPUT, "kind");
    int *ids = qvl_program_ids(p, 5);
    for (int i = 0; i < 5; i++)
        CHECK_INT(ids[i], -1, "id %d", i);
    harness_release(&h);
}

static void test_names(void)
{
    harness h;
    harness_init(&h, 0, 0);
    qvl_program *p = &h.program;
    CHECK_STR(qvl_program_name(p, "layers.%d.w", 12), "layers.12.w", "middle");
    CHECK_STR(qvl_program_name(p, "%d", 0), "0", "alone");
    CHECK_STR(qvl_program_name(p, "norm", 3), "norm", "no number");
    CHECK_STR(qvl_program_name(p, "100%", 3), "100%", "a percent sign");
    int v = qvl_program_value(p, QVL_CLS_ACT, 6, "v");
    qvl_program_output(p, "a", v, 2, (size_t[]){2, 3});
    qvl_program_output(p, "b", v, 1, (size_t[]){6});
    CHECK_INT(qvl_program_find(p, "a")->shape[1], 3, "shape");
    CHECK_INT(qvl_program_find(p, "b")->value, v, "value");
    CHECK(qvl_program_find(p, "c") == NULL, "unknown");
    CHECK_INT(qvl_f32_arg(1.0), 0x3f800000, "bits of 1.0f");
    harness_release(&h);
}

static void test_steps(void)
{
    harness h;
    harness_init(&h, 0, 1);
    int x = harness_input(&h, 0, QVL_CLS_ACT, 10);
    h.program.mark = (qvl_mark){2, 5, true};
    for (int i = 0; i < 200; i++) {
        int y = harness_mix(&h, 1, &x, 10, (uint32_t)i);
        CHECK_INT(h.program.value[y].first_step, i, "step %d", i);
    }
    for (int i = 0; i < 200; i++) {
        const qvl_step *s = &h.program.step[i];
        CHECK_INT(s->arg[2], i, "arguments of step %d are copied", i);
        CHECK_INT(s->value[0], x, "values of step %d", i);
        CHECK(s->mark.repeat == 2 && s->mark.layer == 5 && s->mark.backward,
              "mark of step %d", i);
    }
    harness_release(&h);
}

static void test_operands(void)
{
    const uint32_t arg[] = {3, 4, 5, 7, 11};
    const qvl_operand dense = {.rank = 3, .dim = {0, 1, -6}};
    CHECK_INT(qvl_operand_dim(&dense, 2, arg), 6, "a number");
    CHECK_INT(qvl_operand_row(&dense, arg), 24, "row");
    CHECK_INT(qvl_operand_elems(&dense, arg), 72, "elements");
    CHECK_INT(qvl_operand_end(&dense, arg), 72, "end");
    const qvl_operand slice = {.rank = 2, .dim = {0, 2}, .off_arg = 3};
    CHECK_INT(qvl_operand_elems(&slice, arg), 15, "elements");
    CHECK_INT(qvl_operand_end(&slice, arg), 7 + 2 * 11 + 5, "end");
    const uint32_t none[] = {0, 4, 5, 7, 11};
    CHECK_INT(qvl_operand_end(&slice, none), 0, "no rows");
}

/* ---- mistakes ---- */

static void read_unwritten(harness *h)
{
    int x = qvl_program_value(&h->program, QVL_CLS_ACT, 4, NULL);
    harness_mix(h, 1, &x, 4, 0);
}

static void write_twice(harness *h)
{
    int x = harness_mix(h, 0, NULL, 4, 0);
    harness_put(h, x, harness_mix(h, 0, NULL, 4, 0), 2, 2, 0, 2, 0);
}

static void write_input(harness *h)
{
    int x = harness_mix(h, 0, NULL, 4, 0);
    harness_put(h, x, harness_input(h, 0, QVL_CLS_ACT, 4), 2, 2, 0, 2, 0);
}

static void write_beyond(harness *h)
{
    int x = harness_mix(h, 0, NULL, 4, 0);
    int y = qvl_program_value(&h->program, QVL_CLS_ACT, 7, NULL);
    harness_put(h, x, y, 2, 2, 2, 4, 0);
}

static void wrong_class(harness *h)
{
    int x = harness_input(h, 0, QVL_CLS_I32, 4);
    harness_mix(h, 1, &x, 4, 0);
}

static void read_and_write(harness *h)
{
    int x = harness_mix(h, 0, NULL, 4, 0);
    harness_put(h, x, x, 2, 1, 0, 2, 0);
}

static void unknown_value(harness *h)
{
    int value[1] = {77};
    qvl_program_step(&h->program, &fake_mix[0], value, (uint32_t[]){1, 2}, 0);
}

static void same_output(harness *h)
{
    int x = harness_mix(h, 0, NULL, 4, 0);
    qvl_program_output(&h->program, "x", x, 1, (size_t[]){4});
    qvl_program_output(&h->program, "x", x, 1, (size_t[]){4});
}

static void wrong_shape(harness *h)
{
    int x = harness_mix(h, 0, NULL, 4, 0);
    qvl_program_output(&h->program, "x", x, 1, (size_t[]){5});
}

static void other_size(harness *h)
{
    harness_input(h, 0, QVL_CLS_ACT, 4);
    harness_input(h, 0, QVL_CLS_ACT, 5);
}

static void test_mistakes(void)
{
    static const struct {
        const char *name;
        void (*fn)(harness *);
    } cases[] = {
        {"read_unwritten", read_unwritten}, {"write_twice", write_twice},
        {"write_input", write_input},       {"write_beyond", write_beyond},
        {"wrong_class", wrong_class},       {"read_and_write", read_and_write},
        {"unknown_value", unknown_value},   {"same_output", same_output},
        {"wrong_shape", wrong_shape},       {"other_size", other_size},
    };
    harness h;
    harness_init(&h, 1, 1);
    if (!aborts(break_assert, &h)) {
        print_message("SKIP built without asserts\n");
        harness_release(&h);
        return;
    }
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        CHECK(aborts(cases[i].fn, &h), "%s is noticed", cases[i].name);
    harness_release(&h);
}

/* ---- architectures ---- */

static void test_params(void)
{
    qvl_arena a = {0};
    qvl_param_list list = {.arena = &a};
    char name[16] = "w";
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "w%d", i);
        qvl_param_list_add(&list, name, "g", 2, (size_t[]){(size_t)i, 3},
                           i == 299 ? 7 : -1, i % 2 == 0);
    }
    CHECK_INT(list.n, 300, "length");
    CHECK_STR(list.item[0].name, "w0", "names are copied");
    CHECK_STR(list.item[299].name, "w299", "last");
    CHECK_INT(list.item[299].same_as, 7, "tied");
    CHECK_INT(list.item[42].shape[0], 42, "shape");
    CHECK_INT(list.item[42].shape[1], 3, "shape");
    CHECK(list.item[42].transposable && !list.item[43].transposable, "flag");
    qvl_arena_release(&a);
}

static void test_archs(void)
{
    int n;
    const qvl_arch *const *all = qvl_archs(&n);
    CHECK_INT(n, 2, "architectures");
    CHECK(qvl_arch_for("alpha_old") == all[0], "second type of the first");
    CHECK(qvl_arch_for("beta") == all[1], "type of the second");
    CHECK(qvl_arch_for("gamma") == NULL, "unknown type");
}

RUN_TESTS(TEST(test_values), TEST(test_names), TEST(test_steps),
          TEST(test_operands), TEST(test_mistakes), TEST(test_params),
          TEST(test_archs))
