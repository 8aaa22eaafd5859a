/* test_tune.c - choices of kernels, the user's table of them, and the search */
#include "backend/search.h"
#include "backend/tiles.h"
#include "backend/tune.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "check.h"
#include "find_kernel.h"

/* ---- the file ---- */

static char logged[4096];

static void keep_log(void *ctx, int level, const char *text)
{
    (void)ctx;
    (void)level;
    strncat(logged, text, sizeof logged - strlen(logged) - 1);
}

/* A file of this text, which QVL_TUNE names. */
static const char *use_table(const char *text)
{
    qvl_err err;
    const char *path = check_path("tune.json");
    CHECK_OK(qvl_file_write_all(path, text, strlen(text), &err), err);
    setenv("QVL_TUNE", path, 1);
    logged[0] = '\0';
    qvl_log_set_sink(keep_log, NULL, QVL_LOG_INFO);
    return path;
}

#define TABLE(devices) "{\"version\": 1, \"devices\": [" devices "]}"
#define DEVICE(kernels)                                                       \
    "{\"backend\": \"b\", \"name\": \"n\", \"driver\": \"d\", \"kernels\": "  \
    kernels "}"

static const struct {
    const char *text;
    int code;
    const char *message;  // NULL: it can be read
} files[] = {
    { TABLE(""), QVL_OK, NULL },
    { TABLE(DEVICE("{}")), QVL_OK, NULL },
    { TABLE(DEVICE("{\"none\": {\"A\": 4294967295}}")), QVL_OK, NULL },
    { "", QVL_E_FORMAT, "tune.json:1:1" },
    { "{\"version\": 1, \"devices\": [", QVL_E_FORMAT, "tune.json:1:" },
    { "[]", QVL_E_CONFIG, "expected a table of tiles" },
    { "7", QVL_E_CONFIG, "expected a table of tiles" },
    { "{\"version\": 1}", QVL_E_CONFIG, "expected a table of tiles" },
    { "{\"version\": 1, \"devices\": {}}", QVL_E_CONFIG, "a table of tiles" },
    { "{\"version\": 1, \"devices\": [], \"x\": 1}", QVL_E_CONFIG,
      "a table of tiles" },
    { "{\"version\": 2, \"devices\": []}", QVL_E_CONFIG,
      "tune.json:1:13: found version 2, expected 1" },
    { TABLE("3"), QVL_E_CONFIG, "expected backend, name and driver" },
    { TABLE("{\"backend\": \"b\"}"), QVL_E_CONFIG, "expected backend, name" },
    { TABLE("{\"backends\": \"b\"}"), QVL_E_CONFIG, "found backends" },
    { TABLE(DEVICE("[]")), QVL_E_CONFIG, "kernels as a map" },
    { TABLE(DEVICE("{\"k\": 1}")), QVL_E_CONFIG, "found integer" },
    { TABLE(DEVICE("{\"k\": {\"A\": -1}}")), QVL_E_CONFIG, "A: found" },
    { TABLE(DEVICE("{\"k\": {\"A\": 1.5}}")), QVL_E_CONFIG, "whole number" },
    { TABLE(DEVICE("{\"k\": {\"A\": 4294967296}}")), QVL_E_CONFIG, "whole" },
    { TABLE(DEVICE("{\"k\": {\"A\": \"1\"}}")), QVL_E_CONFIG, "found string" },
    { TABLE(DEVICE("{}") ", " DEVICE("{}")), QVL_E_CONFIG, "stands twice" },
};

static void test_files(void)
{
    for (size_t i = 0; i < QVL_COUNT(files); i++) {
        qvl_err err = { 0 };
        qvl_device *dev = NULL;
        use_table(files[i].text);
        int rc = qvl_device_open(&dev, "cpu", 1, &err);
        CHECK_INT(rc, files[i].code, "|%s|: %s", files[i].text, err.msg);
        if (files[i].message) {
            CHECK_HAS(err.msg, files[i].message, "|%s|", files[i].text);
            CHECK_HAS(err.hint, "QVL_TUNE=off", "|%s|", files[i].text);
            CHECK(dev == NULL, "|%s|", files[i].text);
        }
        qvl_device_close(dev);
    }
}

/* Where the table is looked for. */
static void test_places(void)
{
    qvl_err err = { 0 };
    qvl_device *dev = NULL;
    qvl_arena arena = { 0 };
    const char *file;
    setenv("XDG_CONFIG_HOME", check_dir(), 1);
    unsetenv("QVL_TUNE");
    CHECK_HAS(qvl_tune_path(&arena), "/qvl/tune.json", "folder of the user");
    CHECK_OK(qvl_device_open(&dev, "cpu", 1, &err), err);
    CHECK_INT(qvl_tune_count(dev, &file), 0, "no table");
    CHECK_STR(file, "", "no table");
    qvl_device_close(dev);
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", check_dir(), 1);
    CHECK_HAS(qvl_tune_path(&arena), "/.config/qvl/tune.json", "home");
    setenv("QVL_TUNE", "off", 1);
    CHECK_STR(qvl_tune_path(&arena), "", "off");
    setenv("QVL_TUNE", check_path("not_there.json"), 1);
    CHECK_FAILS(qvl_device_open(&dev, "cpu", 1, &err), QVL_E_IO, err,
                "not_there.json");
    qvl_arena_release(&arena);
}

/* ---- writing ---- */

static void check_text(const char *path, const char *wanted)
{
    qvl_err err;
    qvl_arena arena = { 0 };
    char *text;
    CHECK_OK(qvl_file_read(path, &text, NULL, &arena, &err), err);
    CHECK_STR(text, wanted, "the table");
    qvl_arena_release(&arena);
}

static void test_save(void)
{
    static const qvl_device_info one = { .backend = "x", .name = "a \"b\"",
                                         .driver = "1" };
    static const qvl_device_info two = { .backend = "x", .name = "a \"b\"",
                                         .driver = "2" };
    static const qvl_choice c = { 2, { "A", "B" }, { 3, 4294967295u } };
    static const qvl_choice d = { 1, { "A" }, { 5 } };
    qvl_err err = { 0 };
    const char *path = check_path("new/folders/t.json");
    qvl_tune_entry e[] = { { "k", &c }, { "l", &d } };
    CHECK_OK(qvl_tune_save(path, NULL, NULL, 0, &err), err);
    check_text(path, "{\"version\": 1, \"devices\": []}\n");
    CHECK_OK(qvl_tune_save(path, &one, e, 2, &err), err);
    CHECK_OK(qvl_tune_save(path, &two, e + 1, 1, &err), err);
    e[0].choice = &d;
    e[1].choice = NULL;
    CHECK_OK(qvl_tune_save(path, &one, e, 1, &err), err);
    check_text(path,
        "{\"version\": 1, \"devices\": [\n"
        "  {\"backend\": \"x\", \"name\": \"a \\\"b\\\"\", \"driver\": \"2\", "
        "\"kernels\": {\n    \"l\": {\"A\": 5}}},\n"
        "  {\"backend\": \"x\", \"name\": \"a \\\"b\\\"\", \"driver\": \"1\", "
        "\"kernels\": {\n    \"l\": {\"A\": 5},\n    \"k\": {\"A\": 5}}}\n"
        "]}\n");
    CHECK_OK(qvl_tune_save(path, &one, e, 2, &err), err);
    CHECK_OK(qvl_tune_save(path, &two, e + 1, 1, &err), err);
    check_text(path,
        "{\"version\": 1, \"devices\": [\n"
        "  {\"backend\": \"x\", \"name\": \"a \\\"b\\\"\", \"driver\": \"1\", "
        "\"kernels\": {\n    \"k\": {\"A\": 5}}},\n"
        "  {\"backend\": \"x\", \"name\": \"a \\\"b\\\"\", \"driver\": \"2\", "
        "\"kernels\": {}}\n]}\n");
    CHECK_OK(qvl_file_write_all(path, "{", 1, &err), err);
    CHECK_FAILS(qvl_tune_save(path, &one, e, 1, &err), QVL_E_FORMAT, err,
                "t.json:1:");
    check_text(path, "{");
}

/* ---- use, on every device there is ---- */

/* A table with one entry: this device with that driver, and the kernels. */
static void use_entry(const qvl_device_info *info, const char *driver,
                      const char *kernels)
{
    qvl_str s = { 0 };
    qvl_str_printf(&s, "{\"version\": 1, \"devices\": [{\"backend\": \"%s\", "
                   "\"name\": \"%s\", \"driver\": \"%s\", \"kernels\": %s}]}",
                   info->backend, info->name, driver, kernels);
    use_table(s.p);
    qvl_str_release(&s);
}

/* {"matmul_nt": {...}} of a choice. */
static void put_entry(qvl_str *s, const char *op, const qvl_choice *c)
{
    qvl_str_reset(s);
    qvl_str_printf(s, "{\"%s\": {", op);
    for (int i = 0; i < c->n; i++)
        qvl_str_printf(s, "%s\"%s\": %u", i > 0 ? ", " : "", c->name[i],
                       (unsigned)c->value[i]);
    qvl_str_puts(s, "}}");
}

static void reopen(qvl_device **dev, const char *name)
{
    qvl_err err = { 0 };
    qvl_device_close(*dev);
    CHECK_OK(qvl_device_open(dev, name, 1, &err), err);
}

/* Some legal neighbour of what ships; the value that changed. */
static int other_choice(const qvl_device *dev, const qvl_kernel *k,
                        qvl_choice *c)
{
    for (int i = c->n - 1; i >= 0; i--) {
        qvl_choice next = *c;
        next.value[i] = c->value[i] > 1 ? c->value[i] / 2 : 2;
        if (strcmp(c->name[i], "ISA") == 0)
            next.value[i] = c->value[i] - 1;
        if (qvl_choice_check(dev, k, &next, NULL) == QVL_OK) {
            *c = next;
            return i;
        }
    }
    CHECK(false, "%s: no neighbour", dev->info.backend);
    return 0;
}

static void check_in_use(qvl_device *dev, const qvl_kernel *k,
                         const qvl_choice *wanted, const char *what)
{
    qvl_err err = { 0 };
    qvl_choice found;
    CHECK_OK(qvl_choice_in_use(dev, k, &found, &err), err);
    CHECK(qvl_choice_is(&found, wanted), "%s: %s", dev->info.backend, what);
}

/* The table's values; none for another driver, kernel or build. */
static void check_good(const char *name)
{
    const qvl_kernel *k = find_kernel("matmul_nt");
    qvl_device *dev = NULL;
    qvl_choice shipped, other;
    qvl_str s = { 0 };
    const char *file;
    reopen(&dev, name);
    qvl_device_info info = dev->info;
    qvl_choice_shipped(dev, k, &shipped);
    check_in_use(dev, k, &shipped, "nothing chosen");
    other = shipped;
    other_choice(dev, k, &other);

    put_entry(&s, "matmul_nt", &other);
    use_entry(&info, info.driver, s.p);
    reopen(&dev, name);
    CHECK_INT(qvl_tune_count(dev, &file), 1, "entries");
    CHECK_HAS(logged, "1 tuned kernel from", "%s", name);
    check_in_use(dev, k, &other, "the table");
    check_in_use(dev, find_kernel("matmul_nt"), &other, "the table, again");

    use_entry(&info, "older", s.p);
    reopen(&dev, name);
    CHECK_INT(qvl_tune_count(dev, &file), 0, "entries");
    CHECK_HAS(logged, "tuned with driver \"older\"", "%s", name);
    check_in_use(dev, k, &shipped, "a table of another driver");
    use_entry(&info, info.driver, "{\"matmul_xx\": {\"A\": 1}}");
    reopen(&dev, name);
    check_in_use(dev, k, &shipped, "another kernel");
    use_entry(&info, info.driver, "{\"matmul_nt\": {\"OLD_TILE\": 1}}");
    reopen(&dev, name);
    check_in_use(dev, k, &shipped, "another build");
    CHECK_HAS(logged, "made by another build", "%s", name);
    qvl_str_release(&s);
    qvl_device_close(dev);
}

/* What cannot be had is an error each time, with its place; by hand as well. */
static void check_bad(const char *name)
{
    const qvl_kernel *k = find_kernel("matmul_nt");
    qvl_err err = { 0 };
    qvl_device *dev = NULL;
    qvl_choice shipped, other, bad, found;
    qvl_str s = { 0 };
    setenv("QVL_TUNE", "off", 1);
    reopen(&dev, name);
    qvl_device_info info = dev->info;
    qvl_choice_shipped(dev, k, &shipped);
    other = bad = shipped;
    bad.value[other_choice(dev, k, &other)] = 70001;

    put_entry(&s, "matmul_nt", &bad);
    use_entry(&info, info.driver, s.p);
    reopen(&dev, name);
    for (int i = 0; i < 2; i++) {
        CHECK_FAILS(qvl_choice_in_use(dev, k, &found, &err), QVL_E_CONFIG,
                    err, "70001");
        CHECK_HAS(err.msg, "tune.json:1: kernel matmul_nt", "%s", name);
        CHECK_HAS(err.hint, "QVL_TUNE=off", "%s", name);
    }
    CHECK_FAILS(qvl_choice_use(dev, k, &bad, &err), QVL_E_CONFIG, err,
                "70001");
    CHECK_OK(qvl_choice_use(dev, k, &other, &err), err);
    check_in_use(dev, k, &other, "chosen by hand");
    CHECK_OK(qvl_choice_use(dev, k, NULL, &err), err);
    check_in_use(dev, k, &shipped, "what ships, by hand");
    qvl_str_release(&s);
    qvl_device_close(dev);
}

static void test_tables(void)
{
    static const char *const names[] = { "cpu", "opencl", "vulkan" };
    setenv("QVL_TUNE", "off", 1);
    for (size_t i = 0; i < QVL_COUNT(names); i++) {
        qvl_device *dev = NULL;
        qvl_err err;
        setenv("QVL_TUNE", "off", 1);
        if (qvl_device_open(&dev, names[i], 1, &err) != QVL_OK) {
            print_message("SKIP %s: %s\n", names[i], err.msg);
            continue;
        }
        qvl_device_close(dev);
        check_good(names[i]);
        check_bad(names[i]);
    }
}

/* A tiling may share, for the size of a head that comes, what a group has there;
 * one lane of an OpenCL processor has it on its stack. */
static void check_shared(const char *name)
{
    const qvl_kernel *k = find_kernel("attention");
    qvl_err err = { 0 };
    qvl_device *dev = NULL;
    setenv("QVL_TUNE", "off", 1);
    if (qvl_device_open(&dev, name, 1, &err) != QVL_OK) {
        print_message("SKIP %s: %s\n", name, err.msg);
        return;
    }
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
    for (int i = 0; i < QVL_KERNEL_MAX_ARGS; i++)
        arg[i] = 64;
    qvl_tiling t = k->tiling[dev->info.device_class];
    CHECK_OK(qvl_tuned_fits(dev, k, &t, arg, &err), err);
    uint32_t shipped_bq = t.tile[0], constant[QVL_KERNEL_MAX_CONSTS] = { 0 };
    bool is_stack = dev->info.device_class == QVL_CLASS_OPENCL_CPU;
    size_t most = is_stack ? qvl_tiles_most_shared(QVL_CLASS_OPENCL_CPU, 1)
                           : dev->info.shared_bytes;
    for (int i = 0; i < k->n_consts; i++)
        constant[i] = arg[k->const_arg[i]];
    int n_fit = 0;
    for (uint32_t n = 1; n <= 1024; n++) {
        t.tile[0] = n * shipped_bq;
        bool fits = qvl_tiles_shared_bytes(k, &t, constant) <= most;
        n_fit += fits;
        if (fits || n == 1)
            CHECK_OK(qvl_tuned_fits(dev, k, &t, arg, &err), err);
        else
            CHECK_FAILS(qvl_tuned_fits(dev, k, &t, arg, &err), QVL_E_CONFIG,
                        err, "shared bytes, expected at most");
    }
    CHECK(n_fit > 0 && n_fit < 1024, "%s: %d fit", name, n_fit);
    qvl_device_close(dev);
}

/* Lanes of an OpenCL processor are those that ship. */
static void test_lanes(void)
{
    const qvl_kernel *k = find_kernel("matmul_nt");
    qvl_err err = { 0 };
    qvl_device *dev = NULL;
    qvl_choice c;
    setenv("QVL_TUNE", "off", 1);
    if (qvl_device_open(&dev, "opencl", 1, &err) != QVL_OK) {
        print_message("SKIP opencl: %s\n", err.msg);
        return;
    }
    qvl_choice_shipped(dev, k, &c);
    CHECK_OK(qvl_choice_check(dev, k, &c, &err), err);
    CHECK_STR(c.name[0], "LANES", "the first");
    c.value[0] *= 2;
    if (dev->info.device_class == QVL_CLASS_OPENCL_CPU)
        CHECK_FAILS(qvl_choice_check(dev, k, &c, &err), QVL_E_CONFIG, err,
                    "LANES");
    qvl_device_close(dev);
}

static void test_shared(void)
{
    check_shared("vulkan");
    check_shared("opencl");
}

/* ---- the search ---- */

/* Time is the product of the distances, in factors, from the best values. */
typedef struct {
    uint32_t best[3];
    uint32_t multiple;  // the first value is a multiple of the second
    int n_compared, n_accepted, most;
    double noise;       // factor by which every candidate looks better
    bool refuses;
    bool loses;         // the device, when a candidate is accepted
} model;

static double time_of(const model *m, const qvl_choice *c)
{
    double t = 1.0;
    for (int i = 0; i < c->n; i++) {
        double r = (double)c->value[i] / m->best[i];
        t *= r < 1.0 ? 1.0 / r : r;
    }
    return t;
}

static bool model_is_legal(void *ctx, const qvl_choice *c)
{
    const model *m = ctx;
    for (int i = 0; i < c->n; i++)
        if (c->value[i] < 1 || c->value[i] > 1024)
            return false;
    return m->multiple == 0
           || c->value[0] == m->multiple * c->value[1];
}

static int model_compare(void *ctx, const qvl_choice *incumbent,
                         const qvl_choice *candidate, double *gain,
                         qvl_err *err)
{
    model *m = ctx;
    CHECK(model_is_legal(ctx, candidate), "an illegal candidate");
    CHECK(!qvl_choice_is(incumbent, candidate), "the incumbent itself");
    if (m->n_compared++ == m->most)
        return qvl_fail(err, QVL_E_DEVICE_LOST, "lost");
    *gain = m->refuses ? 0.0
                       : m->noise * time_of(m, incumbent)
                             / time_of(m, candidate);
    return QVL_OK;
}

static int model_accept(void *ctx, const qvl_choice *candidate, qvl_err *err)
{
    model *m = ctx;
    (void)candidate;
    m->n_accepted++;
    return m->loses ? qvl_fail(err, QVL_E_DEVICE_LOST, "lost") : QVL_OK;
}

static bool model_is_over(void *ctx)
{
    const model *m = ctx;
    return m->most > 0 && m->n_compared >= m->most;
}

static int search(model *m, qvl_choice *c, bool ends, qvl_err *err)
{
    qvl_search s = { .ctx = m, .is_legal = model_is_legal,
                     .compare = model_compare, .accept = model_accept,
                     .is_over = model_is_over };
    if (!ends)
        m->most = -1;
    return qvl_search_run(&s, c, err);
}

static void check_choice(const qvl_choice *c, uint32_t a, uint32_t b,
                         uint32_t d, const char *what)
{
    CHECK(c->value[0] == a && c->value[1] == b && c->value[2] == d,
          "%s: found %u %u %u, wanted %u %u %u", what, c->value[0],
          c->value[1], c->value[2], a, b, d);
}

static const qvl_choice start_at = { 3, { "A", "B", "C" }, { 8, 8, 8 } };

static void test_search(void)
{
    qvl_err err = { 0 };
    qvl_choice c = start_at;
    model m = { .best = { 128, 1, 6 }, .noise = 1.0 };
    CHECK_OK(search(&m, &c, false, &err), err);
    check_choice(&c, 128, 1, 6, "free");
    CHECK(m.n_compared < 100, "%d comparisons", m.n_compared);

    /* only pairs are legal */
    c = start_at;
    m = (model){ .best = { 64, 64, 8 }, .noise = 1.0, .multiple = 1 };
    CHECK_OK(search(&m, &c, false, &err), err);
    check_choice(&c, 64, 64, 8, "pairs");

    /* 4 % is no gain, and a refused candidate none either */
    c = start_at;
    m = (model){ .best = { 8, 8, 8 }, .noise = 1.04 };
    CHECK_OK(search(&m, &c, false, &err), err);
    check_choice(&c, 8, 8, 8, "noise");
    CHECK_INT(m.n_accepted, 0, "noise");
    m = (model){ .best = { 128, 1, 6 }, .noise = 1.0, .refuses = true };
    CHECK_OK(search(&m, &c, false, &err), err);
    check_choice(&c, 8, 8, 8, "refused");
}

static void test_search_ends(void)
{
    qvl_err err = { 0 };
    qvl_choice c = start_at;
    model m = { .best = { 128, 1, 6 }, .noise = 1.0, .most = 2 };
    CHECK_OK(search(&m, &c, true, &err), err);
    CHECK_INT(m.n_compared, 2, "out of time");
    check_choice(&c, 32, 8, 8, "out of time");
}

static int compare_and_fail(void *ctx, const qvl_choice *incumbent,
                            const qvl_choice *candidate, double *gain,
                            qvl_err *err)
{
    if (((model *)ctx)->n_compared == 1)
        return qvl_fail(err, QVL_E_DEVICE_LOST, "lost");
    return model_compare(ctx, incumbent, candidate, gain, err);
}

static void test_search_fails(void)
{
    qvl_err err = { 0 };
    qvl_choice c = start_at;
    model m = { .best = { 128, 1, 6 }, .noise = 1.0, .most = -1 };
    qvl_search s = { .ctx = &m, .is_legal = model_is_legal,
                     .compare = compare_and_fail, .accept = model_accept,
                     .is_over = model_is_over };
    CHECK_FAILS(qvl_search_run(&s, &c, &err), QVL_E_DEVICE_LOST, err, "lost");
    check_choice(&c, 16, 8, 8, "the best so far");

    c = start_at;
    err = (qvl_err){ 0 };
    m.loses = true;
    CHECK_FAILS(search(&m, &c, false, &err), QVL_E_DEVICE_LOST, err, "lost");
    CHECK_INT(m.n_accepted, 2, "none after the failure");
    check_choice(&c, 16, 8, 8, "the one that was accepted");
}

RUN_TESTS(TEST(test_files), TEST(test_places), TEST(test_save),
          TEST(test_tables), TEST(test_shared), TEST(test_lanes), TEST(test_search),
          TEST(test_search_ends), TEST(test_search_fails))
