/* prove.c - a spec after each pass, run by the interpreter */
#include "gen/prove.h"

#include "base/file.h"
#include "base/yaml.h"
#include "check.h"
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

void prove_open(prover *f)
{
    *f = (prover){0};
    CHECK_OK(ref_kernels_read(&f->kernels, QVL_TEST_SOURCE "/shaders",
                              &f->arena, &f->err), f->err);
}

void prove_close(prover *f)
{
    qvl_arena_release(&f->arena);
    qvl_arena_release(&f->scratch);
}

const char *prove_text(prover *f, const char *path)
{
    char *text;
    size_t len;
    CHECK_OK(qvl_file_read(path, &text, &len, &f->arena, &f->err), f->err);
    return text;
}

const qvl_node *prove_tree(prover *f, const char *name, const char *text)
{
    qvl_node *root = NULL;
    CHECK_OK(qvl_yaml_parse(&root, text, strlen(text), name, &f->arena, &f->err),
             f->err);
    return root;
}

static ir_module *build(prover *f, const char *name, const char *text,
                        ref_phase phase, const char *stop)
{
    ir_module *m = NULL;
    CHECK_OK(ref_build_text(&m, &f->kernels, name, text, phase, stop, &f->arena,
                            &f->err), f->err);
    return m;
}

static double largest(const double *v, size_t n)
{
    double top = 0.0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, fabs(v[i]));
    return top;
}

ref_result prove_run(prover *f, const ref_problem *p, const char *what)
{
    ref_result r = {0};
    int rc = ref_run(&r, p, &f->arena, &f->err);
    CHECK(rc == QVL_OK, "%s: %s", what, f->err.msg);
    return r;
}

/* Some elements of each gradient against differences of the forward module. */
static void check_differences(prover *f, const ref_problem *forward,
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

void prove_same(const ref_result *found, const ref_result *wanted,
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

static void check_phase(prover *f, const char *name, const char *text,
                        const ref_set *set, ref_phase phase)
{
    ref_data data;
    ir_module *lower = build(f, name, text, phase, "lower");
    if (lower->n_states == 0)
        return;
    ref_data_make(&data, lower, set, QVL_F32, 1, &f->arena);
    ref_problem p = {.m = lower, .d = &set->d, .params = &data.params,
                     .input = data.input, .param = data.param,
                     .states = &data.states, .state = data.state};
    ref_result first = prove_run(f, &p, name);
    for (size_t i = 0; i < QVL_COUNT(stops); i++) {
        const char *what = qvl_arena_printf(&f->arena, "%s, phase %d after %s",
                                            name, phase, stops[i]);
        p.m = build(f, name, text, phase, stops[i]);
        ref_result r = prove_run(f, &p, what);
        prove_same(&r, &first, &data.params, what);
        for (int k = 0; k < data.states.n; k++)
            check_same(r.state[k], first.state[k], data.states.n_elems[k],
                       what, data.states.name[k]);
    }
}

void prove_spec(prover *f, const char *name, const char *text, const qvl_node *dims)
{
    ref_set *set;
    ref_data data;
    int n;
    ir_module *lower = build(f, name, text, REF_TRAIN, "lower");
    CHECK_OK(ref_sets_read(&set, &n, lower, dims, &f->err), f->err);
    ref_data_make(&data, lower, &set[0], QVL_F32, 1, &f->arena);
    ref_problem forward = {.m = lower, .d = &set[0].d, .params = &data.params,
                           .input = data.input, .param = data.param};
    ref_result truth = prove_run(f, &forward, name);

    ref_problem p = forward;
    p.m = build(f, name, text, REF_TRAIN, "grad");
    /* The passes after lower may add inputs (starts, entries), never move
     * them. */
    ref_result first = prove_run(f, &p, name);
    CHECK(first.loss == truth.loss, "%s: the gradient pass changes the loss",
          name);
    check_differences(f, &forward, &first, name);
    for (size_t i = 0; i < QVL_COUNT(stops); i++) {
        const char *what = qvl_arena_printf(&f->arena, "%s after %s", name,
                                            stops[i]);
        p.m = build(f, name, text, REF_TRAIN, stops[i]);
        ref_result r = prove_run(f, &p, what);
        prove_same(&r, &first, &data.params, what);
    }
    check_phase(f, name, text, &set[0], REF_INFER);
    check_phase(f, name, text, &set[0], REF_DECODE);
}
