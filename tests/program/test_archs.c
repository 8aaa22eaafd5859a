/* test_archs.c - emitted programs on every device against the interpreter
 *
 * For each architecture of the test build and each set of its dims: random
 * parameters and inputs, the program for inference and the one for training,
 * through store, plan and executor, in each storage type; every output and
 * every gradient is compared. The interpreter itself is held against differences
 * of losses in tests/gen.
 *
 *   QVL_TEST_DEVICES  words of the devices to take: "cpu", "opencl vulkan";
 *                     all when not set
 *   QVL_TEST_ARCH     only architectures with this in their names
 */
#include "backend/backend.h"
#include "backend/cpu/isa.h"
#include "check.h"
#include "graph/exec.h"
#include "program/compare.h"
#include "program/fixture.h"
#include "tensor/dtype.h"

/* A device under test. */
typedef struct {
    qvl_device *dev;
    char name[32];
    bool is_thorough;  // recomputation, partial training and so on as well
} target;

/* One case on one device: what every step needs. */
typedef struct {
    const target *t;
    fixture_arch *a;
    int set;
    qvl_types types;
    const fixture_case *c;
    const qvl_dims *d;
    char what[640];
    qvl_arena arena;
    qvl_param_list params;
    qvl_store *store;
    bool *trained;
    qvl_err err;
} job;

/* ---- what generated functions say ---- */

static void check_derived(const job *j)
{
    qvl_dims d = *j->d;
    qvl_err err;
    for (int i = 0; i < j->a->arch->n_dims; i++)
        if (j->a->arch->dim[i].source == QVL_DIM_DERIVED)
            d.i[i] = -1;
    CHECK_OK(j->a->arch->derive(&d, &err), err);
    for (int i = 0; i < j->a->arch->n_dims; i++)
        CHECK_INT(d.i[i], j->d->i[i], "%s: dim %s", j->what,
                  j->a->arch->dim[i].name);
}

static void check_params(const job *j)
{
    const ref_params *list = &j->c->data.params;
    CHECK_INT(j->params.n, list->n, "%s: parameters", j->what);
    for (int i = 0; i < list->n; i++) {
        const qvl_arch_param *p = &j->params.item[i];
        size_t n = 1;
        for (int k = 0; k < p->rank; k++)
            n *= p->shape[k];
        CHECK_STR(p->name, list->item[i].name, "%s", j->what);
        CHECK_INT(n, list->item[i].n, "%s: %s", j->what, p->name);
        CHECK_INT(p->same_as, list->item[i].same_as, "%s: %s", j->what,
                  p->name);
    }
}

/* ---- data ---- */

static float *as_floats(job *j, const double *v, size_t n)
{
    float *f = qvl_arena_array(&j->arena, float, n + 1);
    for (size_t i = 0; i < n; i++)
        f[i] = (float)v[i];
    return f;
}

static void write_params(job *j)
{
    for (int i = 0; i < j->params.n; i++) {
        size_t n = j->c->data.params.item[i].n;
        if (j->params.item[i].same_as >= 0)
            continue;
        CHECK_OK(qvl_store_write(j->store, i, 0, n,
                                 as_floats(j, j->c->data.param[i], n), QVL_F32,
                                 &j->err), j->err);
    }
}

static void give_inputs(job *j, qvl_run *run)
{
    const ir_module *m = j->a->m;
    qvl_input_size size[256];
    CHECK(m->n_inputs <= 256, "%s", j->what);
    j->a->arch->input_sizes(size, j->d);
    for (int i = 0; i < m->n_inputs; i++) {
        size_t n = ref_elems(j->d, &m->input[i].shape);
        const double *v = j->c->data.input[i];
        CHECK_INT(size[i].n_elems, n, "%s: input %s", j->what,
                  m->input[i].name);
        void *data = as_floats(j, v, n);
        if (m->input[i].cls == IR_I32) {
            int32_t *whole = data;
            for (size_t k = 0; k < n; k++)
                whole[k] = (int32_t)v[k];
        }
        CHECK_OK(qvl_run_input(run, i, data, n, &j->err), j->err);
    }
}

/* ---- runs ---- */

typedef enum { INFER, TRAIN } phase;

static qvl_run *open_run(job *j, phase ph, bool recompute)
{
    qvl_program *p = qvl_arena_array(&j->arena, qvl_program, 1);
    qvl_program_init(p, j->params.n, j->a->arch->n_inputs, &j->arena);
    if (ph == TRAIN)
        j->a->arch->train(p, j->d);
    else
        j->a->arch->infer(p, j->d);
    const char **names = qvl_arena_array(&j->arena, const char *,
                                         p->n_outputs + 1);
    for (int i = 0; i < p->n_outputs; i++)
        names[i] = p->output[i].name;
    CHECK_INT(p->n_outputs, j->c->result.n_outputs, "%s: outputs", j->what);
    qvl_plan_options options = {
        .output = names, .n_outputs = p->n_outputs,
        .trained = ph == TRAIN ? j->trained : NULL, .types = j->types,
        .recompute = recompute};
    qvl_run *run = NULL;
    int rc = qvl_run_open(&run, j->store, p, &options, &j->err);
    CHECK(rc == QVL_OK, "%s: %s", j->what, j->err.msg);
    give_inputs(j, run);
    return run;
}

static void submit(job *j, qvl_run *run, bool more)
{
    int rc = qvl_run_submit(run, more, &j->err);
    CHECK(rc == QVL_OK, "%s: %s", j->what, j->err.msg);
}

static void check_outputs(job *j, qvl_run *run)
{
    compare_bound bound = compare_bound_of(j->types.act);
    for (int i = 0; i < j->c->result.n_outputs; i++) {
        const ref_output *o = &j->c->result.output[i];
        float *found = qvl_arena_array(&j->arena, float, o->n + 1);
        int rc = qvl_run_output(run, o->name, found, o->n, &j->err);
        CHECK(rc == QVL_OK, "%s: %s", j->what, j->err.msg);
        compare_tensor(found, o->v, o->n, 0.0, bound, j->what, o->name);
    }
}

/* Gradients of `times` runs added up. */
static void check_grads(job *j, double times)
{
    compare_bound bound = compare_bound_of(j->types.act);
    for (int i = 0; i < j->params.n; i++) {
        size_t n = j->c->data.params.item[i].n;
        double *wanted = qvl_arena_array(&j->arena, double, n + 1);
        float *found = qvl_arena_array(&j->arena, float, n + 1);
        char name[256];
        if (!j->trained[i])
            continue;
        for (size_t k = 0; k < n; k++)
            wanted[k] = times * j->c->result.grad[i][k];
        CHECK_OK(qvl_store_read_grad(j->store, i, found, &j->err), j->err);
        snprintf(name, sizeof name, "grad.%s", j->params.item[i].name);
        compare_tensor(found, wanted, n, times * j->c->top_grad, bound,
                       j->what, name);
    }
}

/* All gradients as one array of bits. */
static float *read_grads(job *j, size_t *n)
{
    size_t all = 0;
    for (int i = 0; i < j->params.n; i++)
        all += j->c->data.params.item[i].n;
    float *v = qvl_arena_array(&j->arena, float, all + 1);
    *n = all;
    all = 0;
    for (int i = 0; i < j->params.n; i++) {
        if (j->trained[i])
            CHECK_OK(qvl_store_read_grad(j->store, i, v + all, &j->err),
                     j->err);
        all += j->c->data.params.item[i].n;
    }
    return v;
}

/* Computing a layer's values again changes no bit. */
static void check_recomputed(job *j)
{
    size_t n;
    const float *kept = read_grads(j, &n);
    qvl_run *run = open_run(j, TRAIN, true);
    submit(j, run, false);
    check_outputs(j, run);
    const float *again = read_grads(j, &n);
    for (size_t i = 0; i < n; i++)
        CHECK(memcmp(&kept[i], &again[i], sizeof again[i]) == 0,
              "%s: recomputing changes element %zu of all gradients from %.9g "
              "to %.9g", j->what, i, (double)kept[i], (double)again[i]);
    qvl_run_close(run);
}

static void check_training(job *j)
{
    qvl_run *run = open_run(j, TRAIN, false);
    submit(j, run, false);
    check_outputs(j, run);
    check_grads(j, 1.0);
    if (j->t->is_thorough) {
        submit(j, run, true);
        check_grads(j, 2.0);
        submit(j, run, false);
        check_grads(j, 1.0);
        check_recomputed(j);
    }
    qvl_run_close(run);
}

static void check_inference(job *j)
{
    qvl_run *run = open_run(j, INFER, false);
    submit(j, run, false);
    check_outputs(j, run);
    qvl_run_close(run);
}

static void open_store(job *j, int untrained)
{
    j->trained = qvl_arena_array(&j->arena, bool, j->params.n + 1);
    for (int i = 0; i < j->params.n; i++)
        j->trained[i] = untrained == 0 || i % untrained != 0;
    int rc = qvl_store_open(&j->store, j->t->dev, &j->params, &j->types,
                            &j->err);
    CHECK(rc == QVL_OK, "%s: %s", j->what, j->err.msg);
    write_params(j);
    CHECK_OK(qvl_store_train(j->store, j->trained, &j->err), j->err);
}

static void run_case(const target *t, fixture_arch *a, int set,
                     const qvl_types *types)
{
    job j = {.t = t, .a = a, .set = set, .types = *types,
             .d = &a->set[set].d};
    j.c = fixture_get(a, set, types->act);
    snprintf(j.what, sizeof j.what, "%s on %s in %s", fixture_name(a, set),
             t->name, qvl_dtype_name(types->act));
    j.params.arena = &j.arena;
    a->arch->params(&j.params, j.d);
    check_derived(&j);
    check_params(&j);
    open_store(&j, 0);
    check_inference(&j);
    check_training(&j);
    qvl_store_close(j.store);
    if (t->is_thorough) {
        /* every third parameter is frozen: steps are left out */
        open_store(&j, 3);
        check_training(&j);
        qvl_store_close(j.store);
    }
    qvl_arena_release(&j.arena);
}

/* ---- which cases ---- */

static bool is_wanted(const fixture_arch *a)
{
    const char *only = getenv("QVL_TEST_ARCH");
    return !only || strstr(a->arch->name, only);
}

/* All cases in f32. In 16 bits only the first sets: what differs is how values
 * are loaded and stored, and which class a value has. Where experts are chosen
 * rounding may choose others, which is no fault. */
static void run_all(const target *t, int dtype)
{
    int n;
    fixture_arch *a = fixture_archs(&n);
    for (int i = 0; i < n; i++) {
        bool half = dtype != QVL_F32;
        if (!is_wanted(&a[i]) || (half && a[i].has_choice))
            continue;
        int n_sets = half && a[i].n_sets > 2 ? 2 : a[i].n_sets;
        for (int s = 0; s < n_sets; s++) {
            qvl_types types = {.act = dtype, .res = QVL_F32};
            run_case(t, &a[i], s, &types);
        }
    }
}

/* ---- devices ---- */

static bool is_asked(const char *backend)
{
    const char *devices = getenv("QVL_TEST_DEVICES");
    return !devices || strstr(devices, backend);
}

static bool open_target(target *t, const char *backend, const char *name)
{
    qvl_err err;
    *t = (target){0};
    snprintf(t->name, sizeof t->name, "%s", name);
    if (!is_asked(backend)) {
        print_message("SKIP %s: not among QVL_TEST_DEVICES\n", name);
        return false;
    }
    if (qvl_device_open(&t->dev, backend, 2, &err) != QVL_OK) {
        print_message("SKIP %s: %s\n", name, err.msg);
        return false;
    }
    return true;
}

static void close_target(target *t)
{
    qvl_device_close(t->dev);
    if (getenv("QVL_TEST_BOUNDS"))
        print_message("%s: at most %.3f of the bound\n", t->name,
                      compare_worst());
}

/* The C kernels for one instruction set, without a matrix library. */
static void run_isa(qvl_isa isa, bool is_thorough)
{
    target t;
    char name[32];
    snprintf(name, sizeof name, "cpu %s", qvl_isa_name(isa));
    if (!qvl_isa_is_present(isa)) {
        print_message("SKIP %s: this processor lacks it\n", name);
        return;
    }
    setenv("QVL_ISA", qvl_isa_name(isa), 1);
    setenv("QVL_NO_ONEDNN", "1", 1);
    if (open_target(&t, "cpu", name)) {
        t.is_thorough = is_thorough;
        for (int dtype = QVL_F32; dtype <= QVL_F16; dtype++)
            run_all(&t, dtype);
        close_target(&t);
    }
    unsetenv("QVL_ISA");
    unsetenv("QVL_NO_ONEDNN");
}

static void test_cpu_v2(void)
{
    run_isa(QVL_ISA_V2, false);
}

static void test_cpu_v3(void)
{
    run_isa(QVL_ISA_V3, true);
}

static void test_cpu_v4(void)
{
    run_isa(QVL_ISA_V4, false);
}

/* As a user has it: the best instruction set, with the library of the build. */
static void test_cpu(void)
{
    target t;
    if (!open_target(&t, "cpu", "cpu"))
        return;
    run_all(&t, QVL_F32);
    run_all(&t, QVL_BF16);
    close_target(&t);
}

static void run_backend(const char *backend)
{
    target t;
    if (!open_target(&t, backend, backend))
        return;
    for (int dtype = QVL_F32; dtype <= QVL_F16; dtype++)
        run_all(&t, dtype);
    close_target(&t);
}

static void test_opencl(void)
{
    run_backend("opencl");
}

static void test_vulkan(void)
{
    run_backend("vulkan");
}

RUN_TESTS(TEST(test_cpu_v2), TEST(test_cpu_v3), TEST(test_cpu_v4),
          TEST(test_cpu), TEST(test_opencl), TEST(test_vulkan))
