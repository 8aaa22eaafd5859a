/* test_archs.c - emitted programs on every device against the interpreter
 *
 * For each architecture of the test build and each set of its dims: random
 * parameters and inputs, the programs for inference, for decoding where the
 * spec has a cache, and for training, through store, plan and executor, in each
 * storage type, with operands whole and cut; every output, every gradient and
 * what is kept in caches is compared. The interpreter itself is held against
 * differences of losses in tests/gen.
 *
 * On OpenCL and Vulkan a few of them are computed again with tiles drawn at
 * random.
 *
 *   QVL_TEST_DEVICES  words of the devices to take: "cpu", "opencl vulkan";
 *                     all when not set
 *   QVL_TEST_ISA      only the C kernels of this instruction set
 *   QVL_TEST_F32=1    no 16 bits
 *   QVL_TEST_ARCH     only architectures with one of these words in their names
 *   QVL_TEST_ALL=1    all cases on OpenCL and Vulkan too. A driver compiles each
 *                     form of a kernel, attention anew for each size of a head,
 *                     which takes a hundred times what running it does; so there
 *                     random specs have their first sizes alone, and 16 bits are
 *                     left to tests/golden and tests/kern.
 *   QVL_TEST_TILINGS  number of random tilings (1)
 */
#include "backend/cpu/isa.h"
#include "check.h"
#include "program/compare.h"
#include "program/cut.h"
#include "program/tilings.h"
#include "tensor/dtype.h"

/* Computing a layer's values again changes no bit. */
static void check_recomputed(job *j)
{
    size_t n;
    const float *kept = job_read(j, NULL, &n);
    qvl_run *run = job_run(j, REF_TRAIN, true);
    job_submit(j, run, false);
    job_check_outputs(j, run);
    job_check_bits(j, job_read(j, NULL, &n), kept, n, "recomputing");
    qvl_run_close(run);
}

static void check_training(job *j)
{
    qvl_run *run = job_run(j, REF_TRAIN, false);
    job_submit(j, run, false);
    job_check_outputs(j, run);
    job_check_grads(j, 1.0);
    if (j->t->is_thorough) {
        job_submit(j, run, true);
        job_check_grads(j, 2.0);
        job_submit(j, run, false);
        job_check_grads(j, 1.0);
        check_recomputed(j);
    }
    qvl_run_close(run);
}

/* Twice: states are as before the first time, or nothing else is equal. */
static void check_inference(job *j, ref_phase ph)
{
    qvl_run *run = job_run(j, ph, false);
    for (int i = 0; i < 2; i++) {
        job_submit(j, run, false);
        job_check_outputs(j, run);
        job_check_states(j);
    }
    qvl_run_close(run);
}

static void run_case(const target *t, fixture_arch *a, int set,
                     const qvl_types *types)
{
    job j;
    job_open(&j, t, a, set, types, 0);
    bool has_cache = a->arch->decode != NULL;
    check_inference(&j, REF_INFER);
    if (has_cache)
        check_inference(&j, REF_DECODE);
    check_training(&j);
    if (t->has_cuts && (t->is_thorough || types->act == QVL_F32)) {
        cut_check(&j, REF_INFER);
        if (has_cache)
            cut_check(&j, REF_DECODE);
        cut_check(&j, REF_TRAIN);
    }
    job_close(&j);
    if (t->is_thorough) {
        /* every third parameter is frozen: steps are left out */
        job_open(&j, t, a, set, types, 3);
        check_training(&j);
        job_close(&j);
    }
}

/* ---- which cases ---- */

static bool is_wanted(const fixture_arch *a)
{
    const char *only = getenv("QVL_TEST_ARCH");
    if (!only)
        return true;
    while (*only != '\0') {
        char word[64] = "";
        size_t n = strcspn(only, " ");
        snprintf(word, sizeof word, "%.*s", (int)n, only);
        if (n > 0 && strstr(a->arch->name, word))
            return true;
        only += n + (only[n] == ' ');
    }
    return false;
}

/* All cases in f32. In 16 bits only the first sets: what differs is how values
 * are loaded and stored, and which class a value has. Where experts are chosen
 * rounding may choose others, which is no fault. */
static int n_sets_of(const target *t, const fixture_arch *a, int dtype)
{
    bool is_half = dtype != QVL_F32;
    bool is_random = strncmp(a->arch->name, "random_", 7) == 0;
    if (is_half && getenv("QVL_TEST_F32"))
        return 0;
    if (!is_wanted(a) || (is_half && a->has_choice))
        return 0;
    if (t->is_brief && is_random)
        return 1;
    return is_half && a->n_sets > 2 ? 2 : a->n_sets;
}

static void run_all(const target *t, int dtype)
{
    int n;
    fixture_arch *a = fixture_archs(&n);
    for (int i = 0; i < n; i++) {
        int n_sets = n_sets_of(t, &a[i], dtype);
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
    if (t->has_cuts && !getenv("QVL_TEST_ARCH"))
        cut_end(t->name);
    if (getenv("QVL_TEST_BOUNDS"))
        print_message("%s: at most %.3f of the bound\n", t->name,
                      compare_worst());
}

/* Builds for one machine have kernels for its own sets alone. */
static bool is_built(qvl_isa isa)
{
    return qvl_family_form(&qvl_family_zero, QVL_F32)->c[isa] != NULL;
}

/* The C kernels for one instruction set, without a matrix library. */
static void run_isa(qvl_isa isa, bool is_thorough)
{
    target t;
    char name[32];
    const char *only = getenv("QVL_TEST_ISA");
    snprintf(name, sizeof name, "cpu %s", qvl_isa_name(isa));
    if (only && strcmp(only, qvl_isa_name(isa)) != 0) {
        print_message("SKIP %s: not QVL_TEST_ISA\n", name);
        return;
    }
    if (!qvl_isa_is_present(isa)) {
        print_message("SKIP %s: this processor lacks it\n", name);
        return;
    }
    if (!is_built(isa)) {
        print_message("SKIP %s: not in this build\n", name);
        return;
    }
    setenv("QVL_ISA", qvl_isa_name(isa), 1);
    setenv("QVL_NO_ONEDNN", "1", 1);
    if (open_target(&t, "cpu", name)) {
        t.is_thorough = is_thorough;
        t.has_cuts = is_thorough;
        cut_begin();
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
    if (getenv("QVL_TEST_ISA")) {
        print_message("SKIP cpu: QVL_TEST_ISA takes one set\n");
        return;
    }
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
    t.is_brief = !getenv("QVL_TEST_ALL");
    t.has_cuts = true;
    if (t.is_brief)
        tilings_light(t.dev);
    cut_begin();
    for (int dtype = QVL_F32; dtype <= (t.is_brief ? QVL_F32 : QVL_F16); dtype++)
        run_all(&t, dtype);
    close_target(&t);
}

/* ---- other tiles ---- */

/* Small specs that reach all kernels with tiles but those of the optimizer, in
 * the sizes that reach the edges of tiles. */
static const struct {
    const char *arch;
    int first_set, n_sets;
} tiled[] = {
    { "op_linear", 0, 3 },    { "op_product", 0, 3 },
    { "op_attention", 4, 1 }, { "op_cache", 0, 1 },
    { "op_experts", 0, 1 },   { "op_rms_norm", 0, 1 },
    { "op_layer_norm", 0, 1 }, { "op_lookup", 0, 1 },
};

static void run_tiled(const target *t)
{
    static const qvl_types types = { .act = QVL_F32, .res = QVL_F32 };
    int n;
    fixture_arch *a = fixture_archs(&n);
    for (size_t i = 0; i < QVL_COUNT(tiled); i++) {
        int found = 0;
        for (int k = 0; k < n; k++) {
            if (strcmp(a[k].arch->name, tiled[i].arch) != 0)
                continue;
            int end = tiled[i].first_set + tiled[i].n_sets;
            for (int s = tiled[i].first_set; s < end && s < a[k].n_sets; s++) {
                run_case(t, &a[k], s, &types);
                found++;
            }
        }
        CHECK(found > 0, "%s has no such sizes", tiled[i].arch);
    }
}

static void run_tilings(const char *backend)
{
    target t;
    const char *wanted = getenv("QVL_TEST_TILINGS");
    int n = wanted ? atoi(wanted) : 1;
    if (!open_target(&t, backend, backend))
        return;
    for (int i = 0; i < n; i++) {
        tilings_draw(t.dev, (uint64_t)i);
        run_tiled(&t);
    }
    tilings_reset(t.dev);
    tilings_end(backend);
    close_target(&t);
}

static void test_opencl_tilings(void)
{
    run_tilings("opencl");
}

static void test_vulkan_tilings(void)
{
    run_tilings("vulkan");
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
          TEST(test_cpu), TEST(test_opencl), TEST(test_vulkan),
          TEST(test_opencl_tilings), TEST(test_vulkan_tilings))
