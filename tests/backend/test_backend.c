/* test_backend.c - the contract of backend.h, on every back end present */
#include "harness.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/half.h"

/* Small whole numbers: sums and products of them are exact in f32, so every
 * device gives the same bits. */
static float value(size_t i)
{
    return (float)((i * 7 + 3) % 101);
}

static float *values(size_t n)
{
    float *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = value(i);
    return x;
}

static void info_is_sane(void)
{
    const qvl_device_info *info = &dev->info;
    CHECK(info->name[0] != '\0', "%s", info->backend);
    CHECK(info->max_alloc_bytes > 1 << 20, "%s", info->backend);
    CHECK(info->max_binding_bytes > 1 << 20, "%s", info->backend);
    CHECK(info->align_bytes >= 4 && info->align_bytes % 4 == 0, "%s",
          info->backend);
    CHECK(info->max_lanes >= 1, "%s", info->backend);
    CHECK(qvl_device_tiling(dev, &tiny_add)->lanes
              == tiny_add.tiling[info->device_class].lanes, "tiling");
}

static void test_info(void)
{
    each_device(info_is_sane);
}

static void odd_offsets(void)
{
    enum { N = 1003 };
    unsigned char wanted[N];
    unsigned char found[N];
    static const struct {
        size_t at, bytes;
    } parts[] = { { 0, N }, { 4, 1 }, { 8, 3 }, { 500, 17 }, { 1000, 3 },
                  { 12, 0 }, { 1000, 0 } };
    for (size_t i = 0; i < N; i++)
        wanted[i] = (unsigned char)(i * 31);
    qvl_buf buf = take(N);
    for (size_t p = 0; p < QVL_COUNT(parts); p++) {
        for (size_t i = 0; i < parts[p].bytes; i++)
            wanted[parts[p].at + i] ^= (unsigned char)(p + 1);
        put(part(&buf, parts[p].at, parts[p].bytes), wanted + parts[p].at);
    }
    for (size_t p = 0; p < QVL_COUNT(parts); p++) {
        memset(found, 0, N);
        fetch(part(&buf, parts[p].at, parts[p].bytes), found);
        CHECK(memcmp(found, wanted + parts[p].at, parts[p].bytes) == 0,
              "%s: part %zu", dev->info.backend, p);
        CHECK_INT(found[parts[p].bytes % N], p == 0 ? found[0] : 0,
                  "%s: part %zu, behind its end", dev->info.backend, p);
    }
    qvl_buf empty = take(0);
    put(whole(&empty), wanted);
    fetch(whole(&empty), found);
    give(&empty);
    give(&buf);
    give(&buf);  // a second time does nothing
}

static void test_offsets(void)
{
    each_device(odd_offsets);
}

/* More than any staging buffer holds, and not a multiple of its parts. */
static void large_copies(void)
{
    size_t n = ((size_t)41 << 20) / sizeof(uint32_t) + 5;
    uint32_t *wanted = malloc(n * sizeof *wanted);
    uint32_t *found = calloc(n, sizeof *found);
    for (size_t i = 0; i < n; i++)
        wanted[i] = (uint32_t)i * 2654435761u;
    qvl_buf a = take(n * sizeof *wanted);
    qvl_buf b = take(n * sizeof *wanted);
    put(whole(&a), wanted);
    list_begin();
    copy(whole(&b), whole(&a));
    list_run();
    fetch(whole(&b), found);
    CHECK(memcmp(found, wanted, n * sizeof *wanted) == 0, "%s",
          dev->info.backend);
    give(&a);
    give(&b);
    free(wanted);
    free(found);
}

static void test_large_copies(void)
{
    each_device(large_copies);
}

/* y = a + b at slices inside buffers. */
static void add_slices(void)
{
    static const size_t sizes[] = { 1, 7, 8, 9, 63, 64, 65, 1031, 70001 };
    for (size_t t = 0; t < QVL_COUNT(sizes); t++) {
        size_t n = sizes[t];
        size_t bytes = n * sizeof(float);
        size_t at = 4 * dev->info.align_bytes;
        float *x = values(n);
        qvl_buf a = take(at + bytes);
        qvl_buf b = take(at + bytes);
        put(part(&a, at, bytes), x);
        put(part(&b, 0, bytes), x);
        qvl_buf y = take(at + bytes);
        list_begin();
        add(part(&a, at, bytes), part(&b, 0, bytes), part(&y, at, bytes));
        list_run();
        float *found = malloc(bytes);
        fetch(part(&y, at, bytes), found);
        for (size_t i = 0; i < n; i++)
            CHECK(found[i] == 2.0f * x[i], "%s: n %zu, element %zu: %g",
                  dev->info.backend, n, i, (double)found[i]);
        give(&a);
        give(&b);
        give(&y);
        free(found);
        free(x);
    }
}

static void test_add(void)
{
    each_device(add_slices);
}

static void constant_too_large(void)
{
    qvl_err err = { 0 };
    qvl_buf y = take(64);
    const uint32_t args[] = { 16, 1001, 0, 0 };
    list_begin();
    qvl_slice all = whole(&y);
    CHECK_FAILS(dev->be->dispatch(dev, &tiny_scale, &all, args, &err),
                QVL_E_UNSUPPORTED, err, "PERIOD = 1001");
    dev->be->list_release(dev, list_end());
    give(&y);
}

/* Words, floats, a tile and a compiled-in value, all in one kernel. */
static void scale_args(void)
{
    static const uint32_t periods[] = { 5, 1, 5, 3, 64 };
    enum { N = 1000 };
    float found[N];
    float *x = values(N);
    qvl_buf y = take(sizeof found);
    for (size_t t = 0; t < QVL_COUNT(periods); t++) {
        put(whole(&y), x);
        list_begin();
        scale(whole(&y), periods[t], -2.5f, 0.125f);
        list_run();
        fetch(whole(&y), found);
        for (uint32_t i = 0; i < N; i++)
            CHECK(found[i] == -2.5f * x[i] + 0.125f + (float)(i % periods[t]),
                  "%s: period %u, element %u: %g", dev->info.backend,
                  (unsigned)periods[t], (unsigned)i, (double)found[i]);
    }
    give(&y);
    free(x);
}

static void test_args(void)
{
    each_device(scale_args);
    each_device(constant_too_large);
}

/* 16-bit storage; a bound slice may be empty. */
static void widen_bf16(void)
{
    enum { N = 203 };
    uint16_t x[N];
    float found[N];
    for (size_t i = 0; i < N; i++)
        x[i] = qvl_f32_to_bf16(value(i));
    qvl_buf in = take(sizeof x);
    qvl_buf out = take(sizeof found);
    put(whole(&in), x);
    for (uint32_t m = 0; m <= N; m += N) {
        const qvl_slice bufs[] = { part(&in, 0, m * sizeof *x), whole(&out) };
        const uint32_t args[] = { N, m };
        qvl_err err;
        list_begin();
        CHECK_OK(dev->be->dispatch(dev, &tiny_widen, bufs, args, &err), err);
        list_run();
        fetch(whole(&out), found);
        for (uint32_t i = 0; i < N; i++)
            CHECK(found[i] == (i < m ? value(i) : 7.0f),
                  "%s: m %u, element %u: %g", dev->info.backend, (unsigned)m,
                  (unsigned)i, (double)found[i]);
    }
    give(&in);
    give(&out);
}

static void test_16_bit(void)
{
    each_device(widen_bf16);
}

/* Every kind of dependence: write then read, read then write, write then
 * write, through kernels and copies. Values stay below 2^24. */
static void chain_of_hazards(void)
{
    enum { N = 4096, ROUNDS = 40 };
    size_t bytes = N * sizeof(float);
    float *x = values(N);
    float *found = malloc(bytes);
    float *y = calloc(N, sizeof *y);
    qvl_buf a = take(bytes);
    qvl_buf b = take(2 * bytes);
    put(whole(&a), x);
    list_begin();
    qvl_slice lo = part(&b, 0, bytes);
    qvl_slice hi = part(&b, bytes, bytes);
    copy(lo, whole(&a));
    for (int r = 0; r < ROUNDS; r++) {
        add(whole(&a), lo, hi);        // reads what was copied or scaled
        scale(lo, 2, 0.0f, (float)r);  // writes what was read
        add(lo, hi, whole(&a));
        copy(hi, whole(&a));           // writes what was written and read
        scale(whole(&a), 3, 1.0f, -2.0f);
        copy(lo, hi);
    }
    list_run();
    fetch(whole(&a), found);
    for (size_t i = 0; i < N; i++) {
        float va = x[i];
        float vlo = x[i];
        for (int r = 0; r < ROUNDS; r++) {
            float vhi = va + vlo;
            vlo = (float)r + (float)(i % 2);
            va = vlo + vhi;
            vhi = va;
            va = va - 2.0f + (float)(i % 3);
            vlo = vhi;
        }
        y[i] = va;
    }
    for (size_t i = 0; i < N; i++)
        CHECK(found[i] == y[i], "%s: element %zu: found %g, wanted %g",
              dev->info.backend, i, (double)found[i], (double)y[i]);
    give(&a);
    give(&b);
    free(x);
    free(y);
    free(found);
}

static void test_chain(void)
{
    each_device(chain_of_hazards);
}

/* More calls than a descriptor pool or a table of hazards holds, that do not
 * depend on each other, then one that needs them all. */
static void many_calls(void)
{
    enum { N = 700 };
    size_t step = dev->info.align_bytes;
    size_t n_floats = step / sizeof(float);
    qvl_buf a = take(N * step);
    qvl_buf y = take(N * step);
    float *x = values(N * n_floats);
    float *found = malloc(N * step);
    put(whole(&a), x);
    list_begin();
    for (size_t i = 0; i < N; i++)
        add(part(&a, i * step, step), part(&a, i * step, step),
            part(&y, (N - 1 - i) * step, step));
    scale(whole(&y), 1, 3.0f, 0.0f);
    list_run();
    fetch(whole(&y), found);
    for (size_t i = 0; i < N * n_floats; i++) {
        size_t from = (N - 1 - i / n_floats) * n_floats + i % n_floats;
        CHECK(found[i] == 6.0f * x[from], "%s: element %zu: %g",
              dev->info.backend, i, (double)found[i]);
    }
    give(&a);
    give(&y);
    free(x);
    free(found);
}

static void test_many_calls(void)
{
    each_device(many_calls);
}

/* A list runs as often as it is submitted, in order with writes and other
 * lists, without a wait between. */
static void replays(void)
{
    enum { N = 300 };
    float found[N];
    float *x = values(N);
    qvl_buf y = take(sizeof found);
    list_begin();
    scale(whole(&y), 1, 2.0f, 0.0f);
    qvl_list *twice = list_end();
    list_begin();
    scale(whole(&y), 1, 1.0f, 1.0f);
    qvl_list *plus = list_end();

    put(whole(&y), x);
    submit(twice);
    submit(plus);
    submit(twice);
    submit(twice);
    put(part(&y, 0, 4), x);  // behind all of that
    submit(plus);
    fetch(whole(&y), found);
    for (size_t i = 0; i < N; i++) {
        float wanted = i == 0 ? x[0] + 1.0f : 8.0f * x[i] + 5.0f;
        CHECK(found[i] == wanted, "%s: element %zu: found %g, wanted %g",
              dev->info.backend, i, (double)found[i], (double)wanted);
    }
    dev->be->list_release(dev, twice);
    dev->be->list_release(dev, plus);
    dev->be->list_release(dev, NULL);
    give(&y);
    free(x);
}

static void test_replay(void)
{
    each_device(replays);
}

static void empty_work(void)
{
    float x[4] = { 1, 2, 3, 4 };
    float found[4];
    double s[2] = { -1, -1 };
    qvl_err err;
    qvl_buf y = take(sizeof x);
    put(whole(&y), x);
    list_begin();
    list_run();
    list_begin();
    scale(part(&y, 0, 0), 1, 0.0f, 0.0f);
    copy(part(&y, 0, 0), part(&y, 0, 0));
    qvl_list *list = list_end();
    submit(list);
    CHECK_OK(dev->be->profile(dev, list, s, &err), err);
    CHECK(s[0] >= 0.0 && s[1] >= 0.0, "%s: %g %g", dev->info.backend, s[0],
          s[1]);
    fetch(whole(&y), found);
    CHECK(memcmp(found, x, sizeof x) == 0, "%s", dev->info.backend);
    dev->be->list_release(dev, list);
    give(&y);
}

static void test_empty(void)
{
    each_device(empty_work);
}

/* An axis of a grid ends at 65,535 on some devices. */
static void many_groups(void)
{
    static const uint32_t group_counts[] = { 65535, 65536, 200000 };
    for (size_t t = 0; t < QVL_COUNT(group_counts); t++) {
        const qvl_tiling *tiling = qvl_device_tiling(dev, &tiny_add);
        size_t n = (size_t)group_counts[t] * tiling->lanes - 1;
        size_t bytes = n * sizeof(float);
        float *x = values(n);
        float *found = malloc(bytes);
        qvl_buf a = take(bytes);
        qvl_buf y = take(bytes);
        put(whole(&a), x);
        list_begin();
        add(whole(&a), whole(&a), whole(&y));
        list_run();
        fetch(whole(&y), found);
        for (size_t i = 0; i < n; i++)
            CHECK(found[i] == 2.0f * x[i], "%s: %u groups, element %zu",
                  dev->info.backend, (unsigned)group_counts[t], i);
        give(&a);
        give(&y);
        free(x);
        free(found);
    }
}

static void test_many_groups(void)
{
    each_device(many_groups);
}

static void too_large(void)
{
    static const size_t sizes[] = { (size_t)1 << 46, SIZE_MAX / 2 };
    for (size_t i = 0; i < QVL_COUNT(sizes); i++) {
        qvl_buf buf = { .bytes = 77 };
        qvl_err err;
        CHECK_FAILS(dev->be->alloc(dev, sizes[i], &buf, &err),
                    QVL_E_DEVICE_MEMORY, err, "asked for");
        CHECK_HAS(err.msg, dev->info.backend, "device");
        CHECK(err.hint[0] != '\0', "%s: advice", dev->info.backend);
        CHECK_INT(buf.bytes, 77, "%s: unchanged", dev->info.backend);
    }
    qvl_buf small = take(64);  // the device still works
    give(&small);
}

static void test_too_large(void)
{
    each_device(too_large);
}

static void binding_too_large(void)
{
    size_t most = dev->info.max_binding_bytes;
    if (most + 64 > dev->info.max_alloc_bytes) {
        print_message("SKIP %s: any buffer can be bound\n",
                      dev->info.backend);
        return;
    }
    qvl_buf buf = take(most + 64);
    const qvl_slice y = whole(&buf);
    const uint32_t args[] = { 1, 1, 0, 0 };
    qvl_err err;
    list_begin();
    CHECK_FAILS(dev->be->dispatch(dev, &tiny_scale, &y, args, &err),
                QVL_E_DEVICE, err, "can bind");
    list_begin();  // drops what the error left behind
    list_run();
    give(&buf);
}

static void test_binding_too_large(void)
{
    each_device(binding_too_large);
}

/* A kernel that this build left out, or that does not compile. */
static void bad_kernels(void)
{
    qvl_buf buf = take(64);
    const qvl_slice y = whole(&buf);
    const uint32_t args[] = { 16, 1, 0, 0 };
    qvl_err err;
    qvl_kernel absent = tiny_scale;
    memset(absent.c, 0, sizeof absent.c);
    absent.cl = NULL;
    absent.spirv = NULL;
    list_begin();
    CHECK_FAILS(dev->be->dispatch(dev, &absent, &y, args, &err),
                QVL_E_UNSUPPORTED, err, "scale.f");
    qvl_kernel wide = tiny_scale;
    for (int i = 0; i < QVL_N_CLASS; i++)
        wide.tiling[i].lanes = 1u << 30;
    CHECK_FAILS(dev->be->dispatch(dev, &wide, &y, args, &err),
                QVL_E_DEVICE, err, "lanes");
    if (strcmp(dev->info.backend, "opencl") == 0) {
        qvl_kernel broken = tiny_scale;
        broken.cl = "__kernel void k(__global float *y) { y[0] = nonsense; }";
        CHECK_FAILS(dev->be->dispatch(dev, &broken, &y, args, &err),
                    QVL_E_DEVICE, err, "nonsense");
    }
    list_run();
    give(&buf);
}

static void test_bad_kernels(void)
{
    each_device(bad_kernels);
}

/* More dispatches than the host's memory, cut down, can hold. */
static int append_without_end(void *arg)
{
    const qvl_slice *y = arg;
    const uint32_t args[] = { 4, 1, qvl_f32_bits(1.0f), 0 };
    qvl_memory_limit((size_t)1 << 20);
    int rc = dev->be->list_begin(dev, NULL);
    for (int i = 0; i < 100000 && rc == QVL_OK; i++)
        rc = dev->be->dispatch(dev, &tiny_scale, y, args, NULL);
    return rc;
}

/* Unwinding out of a list leaves nothing behind and the device usable. */
static void host_is_full(void)
{
    float x[4] = { 1, 2, 3, 4 };
    qvl_err err;
    qvl_buf buf = take(sizeof x);
    qvl_slice y = whole(&buf);
    put(y, x);
    int rc = qvl_guard(append_without_end, &y, &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "%s: %s", dev->info.backend, err.msg);
    list_begin();
    scale(y, 1, 2.0f, 0.0f);
    list_run();
    fetch(y, x);
    CHECK(x[3] == 8.0f, "%s: %g", dev->info.backend, (double)x[3]);
    give(&buf);
}

static void test_host_full(void)
{
    each_device(host_is_full);
}

/* Open and begin a list with so many bytes. */
static int open_with(void *arg)
{
    const size_t *limit = arg;
    char name[32];
    qvl_device *d = NULL;
    qvl_err err;
    snprintf(name, sizeof name, "%s:%d", dev->info.backend, dev->info.index);
    qvl_memory_limit(*limit);
    QVL_TRY(qvl_device_open(&d, name, 2, &err));
    qvl_memory_limit(SIZE_MAX);
    qvl_device_close(d);
    return QVL_OK;
}

static int begin_without(void *arg)
{
    qvl_memory_limit(0);
    return dev->be->list_begin(dev, arg);
}

/* Handles are taken where a limit reaches them, and given back. */
static void host_is_small(void)
{
    qvl_err err;
    int rc = QVL_E_MEMORY, n_failures = 0;
    for (size_t limit = 0; rc != QVL_OK; limit = limit == 0 ? 16 : 2 * limit) {
        rc = qvl_guard(open_with, &limit, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "%s, %zu bytes: %d",
              dev->info.backend, limit, rc);
        n_failures += rc != QVL_OK;
    }
    CHECK(n_failures > 1, "%s: %d failures", dev->info.backend, n_failures);
    rc = qvl_guard(begin_without, &err, &err);
    qvl_memory_limit(SIZE_MAX);
    CHECK_INT(rc, QVL_E_MEMORY, "%s: a list", dev->info.backend);
}

static void test_host_small(void)
{
    each_device(host_is_small);
}

static void count_things(void)
{
    enum { N = 64 };
    float x[N] = { 0 };
    qvl_err err;
    qvl_buf a = take(sizeof x);
    qvl_buf b = take(100);
    put(whole(&a), x);
    list_begin();
    add(part(&a, 0, 64), part(&a, 0, 64), part(&a, 128, 64));
    qvl_list *list = list_end();
    qvl_device_counts before = counts();
    submit(list);
    submit(list);
    CHECK_OK(dev->be->wait(dev, &err), err);
    CHECK_OK(dev->be->wait(dev, &err), err);  // idle: no stop
    fetch(part(&a, 0, 8), x);
    qvl_device_counts after = counts();
    const char *name = dev->info.backend;
    CHECK_INT(after.n_submits - before.n_submits, 2, "%s: submits", name);
    CHECK(after.n_waits - before.n_waits >= 1, "%s: waits", name);
    CHECK(after.n_waits - before.n_waits <= 2, "%s: waits", name);
    CHECK_INT(after.bytes_up, sizeof x, "%s: up", name);
    CHECK_INT(after.bytes_down, 8, "%s: down", name);
    CHECK_INT(after.bytes_held, sizeof x + 100, "%s: held", name);
    dev->be->list_release(dev, list);
    give(&b);
    CHECK_INT(counts().bytes_held, sizeof x, "%s: held", name);
    CHECK_INT(counts().bytes_held_peak, sizeof x + 100, "%s: peak", name);
    give(&a);
}

static void test_counts(void)
{
    each_device(count_things);
}

static void host_memory(void)
{
    float x[3] = { 1, 2, 3 };
    qvl_err err;
    qvl_buf buf = take(64);
    put(part(&buf, 16, sizeof x), x);
    CHECK_OK(dev->be->wait(dev, &err), err);
    const float *p = dev->be->host(dev, part(&buf, 16, sizeof x));
    CHECK(p != NULL || strcmp(dev->info.backend, "cpu") != 0, "host memory");
    CHECK(p == NULL || memcmp(p, x, sizeof x) == 0, "%s", dev->info.backend);
    give(&buf);
}

static void test_host(void)
{
    each_device(host_memory);
}

/* A profile runs the list, and takes longer for more work. */
static void profiles(void)
{
    size_t bytes = (size_t)16 << 20;
    double s[4];
    float x = 3.0f;
    qvl_err err;
    qvl_buf y = take(bytes);
    put(part(&y, 0, 4), &x);
    list_begin();
    scale(part(&y, 0, 64), 1, 2.0f, 0.0f);
    scale(whole(&y), 1, 1.0f, 0.0f);
    copy(part(&y, 64, 64), part(&y, 0, 64));
    scale(part(&y, 0, 0), 1, 2.0f, 0.0f);
    qvl_list *list = list_end();
    for (int round = 0; round < 2; round++) {
        CHECK_OK(dev->be->profile(dev, list, s, &err), err);
        CHECK(s[1] > s[0] && s[1] > s[3] && s[0] >= 0.0 && s[2] >= 0.0
                  && s[1] < 60.0,
              "%s: %g %g %g %g s", dev->info.backend, s[0], s[1], s[2],
              s[3]);
    }
    fetch(part(&y, 64, 4), &x);
    CHECK(x == 12.0f, "%s: %g", dev->info.backend, (double)x);
    dev->be->list_release(dev, list);
    give(&y);
}

static void test_profile(void)
{
    each_device(profiles);
}

/* Threads with a device each, at the same time. */
static void *add_alone(void *arg)
{
    const qvl_backend *be = arg;
    enum { N = 100000 };
    qvl_device *own = NULL;
    qvl_list *list = NULL;
    qvl_buf buf = { 0 };
    float *x = values(N);
    float *found = malloc(N * sizeof *found);
    const uint32_t args[] = { N, 1, qvl_f32_bits(2.0f), 0 };
    bool ok = be->open(&own, 0, 2, NULL) == QVL_OK
        && be->alloc(own, N * sizeof *x, &buf, NULL) == QVL_OK
        && be->list_begin(own, NULL) == QVL_OK;
    qvl_slice y = { &buf, 0, buf.bytes };
    ok = ok && be->dispatch(own, &tiny_scale, &y, args, NULL) == QVL_OK
        && be->list_end(own, &list, NULL) == QVL_OK
        && be->write(own, y, x, NULL) == QVL_OK;
    for (int i = 0; i < 10 && ok; i++)
        ok = be->submit(own, list, NULL) == QVL_OK;
    ok = ok && be->read(own, y, found, NULL) == QVL_OK;
    for (size_t i = 0; i < N && ok; i++)
        ok = found[i] == 1024.0f * x[i];
    if (own != NULL) {
        be->list_release(own, list);
        be->release(own, &buf);
    }
    qvl_device_close(own);
    free(x);
    free(found);
    return ok ? arg : NULL;
}

static void test_threads(void)
{
    setenv("XDG_CACHE_HOME", check_dir(), 1);
    int n;
    const qvl_backend *const *be = qvl_backends(&n);
    for (int i = 0; i < n; i++) {
        if (be[i]->count() == 0)
            continue;
        pthread_t thread[2];
        for (int t = 0; t < 2; t++)
            pthread_create(&thread[t], NULL, add_alone, (void *)be[i]);
        for (int t = 0; t < 2; t++) {
            void *result = NULL;
            pthread_join(thread[t], &result);
            CHECK(result != NULL, "%s: thread %d", be[i]->name, t);
        }
    }
}

static void test_names(void)
{
    static const char *const wrong[] = {
        "gpu", "", "cpu:1", "cpu:", "cpu:x", "cpu:0x", "cpu:-1", "cpux",
        "cpu:99999999999999", ":", "Auto", "vulkan:999", "opencl:999",
    };
    for (size_t i = 0; i < QVL_COUNT(wrong); i++) {
        qvl_device *none = (qvl_device *)&none;
        qvl_err err;
        CHECK_FAILS(qvl_device_open(&none, wrong[i], 0, &err), QVL_E_DEVICE,
                    err, "present: ");
        CHECK_HAS(err.msg, "cpu:0 (", "device %s", wrong[i]);
        CHECK(none == (qvl_device *)&none, "device %s: unchanged", wrong[i]);
    }
    static const char *const right[] = { "cpu", "cpu:0", "auto" };
    for (size_t i = 0; i < QVL_COUNT(right); i++) {
        qvl_device *found = NULL;
        qvl_err err;
        CHECK_OK(qvl_device_open(&found, right[i], 0, &err), err);
        CHECK(found->info.is_gpu || strcmp(found->info.backend, "cpu") == 0,
              "device %s: %s", right[i], found->info.backend);
        qvl_device_close(found);
    }
    qvl_device_close(NULL);
    qvl_device_info info;
    qvl_err err;
    int n;
    const qvl_backend *const *be = qvl_backends(&n);
    for (int i = 0; i < n; i++)
        CHECK_FAILS(be[i]->info(999, &info, &err), QVL_E_DEVICE, err,
                    be[i]->name);
}

static void test_isa(void)
{
    static const char *const names[] = { "v2", "v3", "v4", "v9", "3" };
    for (size_t i = 0; i < QVL_COUNT(names); i++) {
        qvl_device *found = NULL;
        qvl_err err;
        setenv("QVL_ISA", names[i], 1);
        int rc = qvl_device_open(&found, "cpu", 1, &err);
        unsetenv("QVL_ISA");
        if (rc == QVL_OK)
            CHECK_HAS(found->info.driver, names[i], "chosen as asked");
        else
            CHECK(rc == QVL_E_DEVICE && strstr(err.msg, names[i]) != NULL,
                  "%s: %s", names[i], err.msg);
        CHECK(i < 3 || rc != QVL_OK, "%s is no instruction set", names[i]);
        qvl_device_close(found);
    }
}

/* QVL_MAX_BINDING lowers what a device says it can bind, and nothing else. */
static void test_binding_limit(void)
{
    static const char *const wrong[] = { "", "0", "-1", "12x", " 3", "1e9",
                                         "99999999999999999999" };
    qvl_err err;
    for (size_t i = 0; i < QVL_COUNT(wrong); i++) {
        qvl_device *none = NULL;
        setenv("QVL_MAX_BINDING", wrong[i], 1);
        CHECK_FAILS(qvl_device_open(&none, "cpu", 1, &err), QVL_E_USAGE, err,
                    "QVL_MAX_BINDING: found");
        CHECK(none == NULL, "%s: unchanged", wrong[i]);
    }
    unsetenv("QVL_MAX_BINDING");
    qvl_device *device = NULL;
    CHECK_OK(qvl_device_open(&device, "cpu", 1, &err), err);
    size_t most = device->info.max_binding_bytes;
    qvl_device_close(device);
    static const char *const right[] = { "4096", "18446744073709551615" };
    for (size_t i = 0; i < QVL_COUNT(right); i++) {
        setenv("QVL_MAX_BINDING", right[i], 1);
        CHECK_OK(qvl_device_open(&device, "cpu", 1, &err), err);
        CHECK_INT(device->info.max_binding_bytes, i == 0 ? 4096 : most, "%s",
                  right[i]);
        qvl_device_close(device);
    }
    unsetenv("QVL_MAX_BINDING");
}

RUN_TESTS(TEST(test_info), TEST(test_offsets), TEST(test_large_copies),
          TEST(test_add), TEST(test_args), TEST(test_16_bit),
          TEST(test_chain), TEST(test_many_calls), TEST(test_replay),
          TEST(test_empty), TEST(test_many_groups), TEST(test_too_large),
          TEST(test_binding_too_large), TEST(test_bad_kernels),
          TEST(test_host_full), TEST(test_host_small), TEST(test_counts),
          TEST(test_host), TEST(test_profile), TEST(test_threads),
          TEST(test_names), TEST(test_isa), TEST(test_binding_limit))
