/* test_rules.c - gradient rules and passes against differences of losses
 *
 * Every spec of the tests, and the shipped ones, with the first set of its
 * dims. The truth is the module before the gradient pass, run forwards only.
 * After each later pass the interpreter must give the same loss and outputs,
 * and gradients that agree with the truth: kernels have no part in this. Where a
 * spec has a cache, reading and decoding must keep what they say and what they
 * leave in it through all passes.
 */
#include <dirent.h>

#include "base/file.h"
#include "base/yaml.h"
#include "check.h"
#include "ref/build.h"
#include "ref/data.h"
#include "ref/diff.h"
#include "tensor/dtype.h"

/* Elements of a parameter that are compared; smaller ones are compared whole. */
enum { N_ELEMS = 12 };

/* A difference is good to about 1e-10 of the loss (diff.h); gradients of a
 * tensor are compared relative to its largest one. */
static const double diff_tol = 1e-7;
static const double diff_floor = 1e-9;
/* The passes change the order of a few sums. */
static const double pass_tol = 1e-11;

typedef struct {
    qvl_arena arena;
    qvl_arena scratch;
    kern_set kernels;
    qvl_err err;
} fixture;

static void open_fixture(fixture *f)
{
    *f = (fixture){0};
    CHECK_OK(ref_kernels_read(&f->kernels, QVL_TEST_SOURCE "/shaders",
                              &f->arena, &f->err), f->err);
}

static void close_fixture(fixture *f)
{
    qvl_arena_release(&f->arena);
    qvl_arena_release(&f->scratch);
}

static ir_module *build(fixture *f, const char *path, ref_phase phase,
                        const char *stop)
{
    ir_module *m = NULL;
    CHECK_OK(ref_build(&m, &f->kernels, path, phase, stop, &f->arena,
                       &f->err), f->err);
    return m;
}

static const qvl_node *read_yaml(fixture *f, const char *path)
{
    char *text;
    size_t len;
    qvl_node *root = NULL;
    CHECK_OK(qvl_file_read(path, &text, &len, &f->arena, &f->err), f->err);
    CHECK_OK(qvl_yaml_parse(&root, text, len, path, &f->arena, &f->err),
             f->err);
    return root;
}

static double largest(const double *v, size_t n)
{
    double top = 0.0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, fabs(v[i]));
    return top;
}

static ref_result run(fixture *f, const ref_problem *p, const char *what)
{
    ref_result r = {0};
    int rc = ref_run(&r, p, &f->arena, &f->err);
    CHECK(rc == QVL_OK, "%s: %s", what, f->err.msg);
    return r;
}

/* Some elements of each gradient against differences of the forward module. */
static void check_differences(fixture *f, const ref_problem *forward,
                              const ref_result *r, const char *what)
{
    const ref_params *list = forward->params;
    for (int i = 0; i < list->n; i++) {
        const ref_param *p = &list->item[i];
        if (p->same_as >= 0)
            continue;
        double tol = diff_tol * largest(r->grad[i], p->n) + diff_floor;
        size_t step = p->n <= N_ELEMS ? 1 : p->n / N_ELEMS;
        for (size_t e = step / 2; e < p->n; e += step) {
            double d;
            CHECK_OK(ref_difference(&d, forward, i, e, &f->scratch, &f->err),
                     f->err);
            CHECK_NEAR(r->grad[i][e], d, tol, "%s: grad.%s[%zu]", what,
                       p->name, e);
        }
    }
}

static void check_same(const double *found, const double *wanted, size_t n,
                       const char *what, const char *name)
{
    double tol = pass_tol * (1.0 + largest(wanted, n));
    for (size_t i = 0; i < n; i++)
        CHECK_NEAR(found[i], wanted[i], tol, "%s: %s[%zu]", what, name, i);
}

static void check_result(const ref_result *found, const ref_result *wanted,
                         const ref_params *list, const char *what)
{
    CHECK_NEAR(found->loss, wanted->loss, pass_tol * (1 + fabs(wanted->loss)),
               "%s: loss", what);
    CHECK_INT(found->n_outputs, wanted->n_outputs, "%s", what);
    for (int i = 0; i < wanted->n_outputs; i++)
        check_same(found->output[i].v, wanted->output[i].v,
                   wanted->output[i].n, what, wanted->output[i].name);
    for (int i = 0; i < list->n; i++)
        check_same(found->grad[i], wanted->grad[i], list->item[i].n, what,
                   list->item[i].name);
}

static const char *const stops[] = {"simplify", "fuse", "size"};

static void check_phase(fixture *f, const char *path, const ref_set *set,
                        ref_phase phase)
{
    ref_data data;
    ir_module *lower = build(f, path, phase, "lower");
    if (lower->n_states == 0)
        return;
    ref_data_make(&data, lower, set, QVL_F32, 1, &f->arena);
    ref_problem p = {.m = lower, .d = &set->d, .params = &data.params,
                     .input = data.input, .param = data.param,
                     .states = &data.states, .state = data.state};
    ref_result first = run(f, &p, path);
    for (size_t i = 0; i < QVL_COUNT(stops); i++) {
        const char *what = qvl_arena_printf(&f->arena, "%s, phase %d after %s",
                                            path, phase, stops[i]);
        p.m = build(f, path, phase, stops[i]);
        ref_result r = run(f, &p, what);
        check_result(&r, &first, &data.params, what);
        for (int k = 0; k < data.states.n; k++)
            check_same(r.state[k], first.state[k], data.states.n_elems[k],
                       what, data.states.name[k]);
    }
}

static void check_spec(fixture *f, const char *path, const qvl_node *dims)
{
    ref_set *set;
    ref_data data;
    int n;
    ir_module *lower = build(f, path, REF_TRAIN, "lower");
    CHECK_OK(ref_sets_read(&set, &n, lower, dims, &f->err), f->err);
    ref_data_make(&data, lower, &set[0], QVL_F32, 1, &f->arena);
    ref_problem forward = {.m = lower, .d = &set[0].d, .params = &data.params,
                           .input = data.input, .param = data.param};
    ref_result truth = run(f, &forward, path);

    ref_problem p = forward;
    p.m = build(f, path, REF_TRAIN, "grad");
    /* The passes after lower may add inputs (starts, entries), never move
     * them. */
    ref_result first = run(f, &p, path);
    CHECK(first.loss == truth.loss, "%s: the gradient pass changes the loss",
          path);
    check_differences(f, &forward, &first, path);
    for (size_t i = 0; i < QVL_COUNT(stops); i++) {
        const char *what = qvl_arena_printf(&f->arena, "%s after %s", path,
                                            stops[i]);
        p.m = build(f, path, REF_TRAIN, stops[i]);
        ref_result r = run(f, &p, what);
        check_result(&r, &first, &data.params, what);
    }
    check_phase(f, path, &set[0], REF_INFER);
    check_phase(f, path, &set[0], REF_DECODE);
}

static int is_spec(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0 &&
           strcmp(d->d_name, "dims.yaml") != 0;
}

/* Every spec of a folder with dims from a file. */
static void check_folder(const char *folder, const char *dims_path)
{
    struct dirent **list;
    int n = scandir(folder, &list, is_spec, alphasort);
    CHECK(n > 0, "no specs in %s", folder);
    for (int i = 0; i < n; i++) {
        fixture f;
        char path[512];
        const char *only = getenv("QVL_TEST_ARCH");
        open_fixture(&f);
        snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
        if (!only || strstr(path, only))
            check_spec(&f, path, read_yaml(&f, dims_path));
        close_fixture(&f);
        free(list[i]);
    }
    free(list);
}

static void test_ops(void)
{
    check_folder(QVL_TEST_SOURCE "/tests/specs",
                 QVL_TEST_SOURCE "/tests/specs/dims.yaml");
}

static void test_shipped(void)
{
    check_folder(QVL_TEST_SOURCE "/configs/arch",
                 QVL_TEST_SOURCE "/tests/specs/dims.yaml");
}

static void test_random(void)
{
    check_folder(QVL_TEST_RANDOM, QVL_TEST_RANDOM "/dims.yaml");
}

/* The spec with one expert a token, by the number 1 or by a dim K that is 1. */
static ref_result run_one_expert(fixture *f, bool is_dim, ref_params *list)
{
    static const char *const edits[][2] = {
        {"config:\n", "config:\n  K: int chosen\n"}, {"gate), 1)", "gate), K)"}};
    static const char path[] = QVL_TEST_SOURCE "/tests/specs/op_expert.yaml";
    char *text;
    size_t len;
    ir_module *m;
    ref_set *set;
    ref_data data;
    qvl_node *dims;
    int n;
    CHECK_OK(qvl_file_read(path, &text, &len, &f->arena, &f->err), f->err);
    for (size_t i = 0; is_dim && i < QVL_COUNT(edits); i++) {
        const char *at = strstr(text, edits[i][0]);
        CHECK(at != NULL, "%s: no %s", path, edits[i][0]);
        text = qvl_arena_printf(&f->arena, "%.*s%s%s", (int)(at - text), text,
                                edits[i][1], at + strlen(edits[i][0]));
    }
    const char *sizes = qvl_arena_printf(
        &f->arena, "op_expert:\n  - {%sH: 4, E: 5, L: 2, T: 7}\n",
        is_dim ? "K: 1, " : "");
    CHECK_OK(qvl_yaml_parse(&dims, sizes, strlen(sizes), "dims", &f->arena,
                            &f->err), f->err);
    CHECK_OK(ref_build_text(&m, &f->kernels, path, text, REF_TRAIN, "size",
                            &f->arena, &f->err), f->err);
    CHECK_OK(ref_sets_read(&set, &n, m, dims, &f->err), f->err);
    ref_data_make(&data, m, set, QVL_F32, 1, &f->arena);
    *list = data.params;
    ref_problem p = {.m = m, .d = &set->d, .params = &data.params,
                     .input = data.input, .param = data.param};
    return run(f, &p, is_dim ? "K = 1" : "1");
}

/* Both are one model, and in the first alone rows of uses have the shape of rows
 * of tokens. */
static void test_one_expert(void)
{
    fixture f;
    ref_params list;
    open_fixture(&f);
    ref_result wanted = run_one_expert(&f, true, &list);
    ref_result found = run_one_expert(&f, false, &list);
    check_result(&found, &wanted, &list, "one expert a token");
    close_fixture(&f);
}

RUN_TESTS(TEST(test_ops), TEST(test_one_expert), TEST(test_shipped),
          TEST(test_random))
