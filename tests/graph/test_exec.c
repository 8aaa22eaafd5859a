/* test_exec.c - stores and runs: types, sharing, odd ranges, faults of the device */
#include "base/half.h"
#include "check.h"
#include "graph/store.h"
#include "harness.h"
#include "tensor/dtype.h"

static const qvl_types all_f32 = {QVL_F32, QVL_F32};
static const qvl_types all_bf16 = {QVL_BF16, QVL_BF16};

static void add_param(qvl_param_list *list, size_t rows, size_t cols,
                      int same_as)
{
    char name[16];
    snprintf(name, sizeof name, "p%d", list->n);
    qvl_param_list_add(list, name, "g", cols == 0 ? 1 : 2,
                       (size_t[]){rows, cols}, same_as, false);
}

/* ---- stores ---- */

static void test_layout(void)
{
    qvl_arena a = {0};
    qvl_param_list list = {.arena = &a};
    const size_t mib = (size_t)1 << 20;
    add_param(&list, 100, 0, -1);
    add_param(&list, 5, mib, -1);       // 20 MiB: a buffer of its own
    add_param(&list, 3, mib, -1);       // shares with the first
    add_param(&list, 15, mib / 4, -1);  // 15 MiB: as well
    add_param(&list, 5, mib, 1);        // no memory
    add_param(&list, 11, mib, -1);      // its own
    add_param(&list, 9, mib / 4, -1);   // shares
    fake_device dev;
    fake_open(&dev);
    qvl_store *st;
    qvl_err err;
    CHECK_OK(qvl_store_open(&st, &dev.base, &list, &all_f32, &err), err);
    CHECK_INT(dev.n_bufs, 3, "buffers");
    CHECK_INT(qvl_store_bytes(st), 448 + 100 * mib, "bytes");
    CHECK_INT(dev.counts.bytes_held, 448 + 100 * mib, "bytes");
    CHECK_INT(qvl_store_slice(st, 2).at, 448, "aligned");
    CHECK(qvl_store_slice(st, 2).buf == qvl_store_slice(st, 0).buf, "shared");
    CHECK(qvl_store_slice(st, 4).buf == qvl_store_slice(st, 1).buf, "tied");
    qvl_store_close(st);
    CHECK_INT(dev.n_bufs, 0, "closed");

    dev.base.info.max_alloc_bytes = 44 * mib - 1;
    CHECK_FAILS(qvl_store_open(&st, &dev.base, &list, &all_f32, &err),
                QVL_E_DEVICE, err, "parameter p5 takes 46137344 bytes");
    CHECK_INT(dev.n_bufs, 0, "nothing stays");
    qvl_arena_release(&a);
}

/* Every range of a small bf16 tensor, from every type: words that are shared
 * with neighbours keep their other half. */
static void test_odd_ranges(void)
{
    enum { N = 9 };
    qvl_arena a = {0};
    qvl_param_list list = {.arena = &a};
    add_param(&list, N, 1, -1);
    add_param(&list, N, 0, -1);
    fake_device dev;
    fake_open(&dev);
    qvl_store *st;
    qvl_err err;
    CHECK_OK(qvl_store_open(&st, &dev.base, &list, &all_bf16, &err), err);
    CHECK_INT(qvl_store_dtype(st, 0), QVL_BF16, "a matrix");
    CHECK_INT(qvl_store_dtype(st, 1), QVL_F32, "a vector");
    float want[2][N] = {{0}}, got[N], f32[N];
    uint16_t half[N];
    for (int p = 0; p < 2; p++)
        CHECK_OK(qvl_store_write(st, p, 0, N, want[p], QVL_F32, &err), err);
    for (int i = 0; i < 2 * 3 * N * N; i++) {
        int p = i % 2, type = i / 2 % 3;
        size_t first = (size_t)(i / 6 % N);
        size_t n = (size_t)(i / 6 / N) % (N - first + 1);
        for (size_t k = 0; k < n; k++) {
            f32[k] = (float)((i + (int)k * 7) % 200);
            want[p][first + k] = f32[k];
            half[k] = type == 1 ? qvl_f32_to_bf16(f32[k])
                                : qvl_f32_to_f16(f32[k]);
        }
        const int types[3] = {QVL_F32, QVL_BF16, QVL_F16};
        CHECK_OK(qvl_store_write(st, p, first, n,
                                 type == 0 ? (void *)f32 : (void *)half,
                                 types[type], &err), err);
        CHECK_OK(qvl_store_read(st, p, 0, N, got, &err), err);
        CHECK(memcmp(got, want[p], sizeof got) == 0, "all after %d", i);
        CHECK_OK(qvl_store_read(st, p, first, n, got, &err), err);
        CHECK(memcmp(got, &want[p][first], n * 4) == 0, "part %d", i);
    }
    qvl_store_close(st);
    qvl_arena_release(&a);
}

/* Longer than the pieces that pass at a time, from an unaligned source. */
static void test_long_ranges(void)
{
    enum { N = 200001 };
    qvl_arena a = {0};
    qvl_param_list list = {.arena = &a};
    add_param(&list, N, 1, -1);
    fake_device dev;
    fake_open(&dev);
    qvl_store *st;
    qvl_err err;
    CHECK_OK(qvl_store_open(&st, &dev.base, &list, &all_bf16, &err), err);
    unsigned char *src = qvl_arena_alloc(&a, 4 * N + 1);
    float *got = qvl_arena_array(&a, float, N);
    for (int i = 0; i < N; i++) {
        float v = (float)(i % 251);
        memcpy(src + 1 + 4 * i, &v, 4);
    }
    CHECK_OK(qvl_store_write(st, 0, 0, N, src + 1, QVL_F32, &err), err);
    CHECK_OK(qvl_store_write(st, 0, 1, N - 3, src + 1, QVL_F32, &err), err);
    CHECK_OK(qvl_store_read(st, 0, 0, N, got, &err), err);
    for (int i = 0; i < N; i++) {
        int wanted = (i == 0 || i > N - 3 ? i : i - 1) % 251;
        CHECK_INT(got[i], wanted, "element %d", i);
    }
    qvl_store_close(st);
    qvl_arena_release(&a);
}

static void test_gradients(void)
{
    qvl_arena a = {0};
    qvl_param_list list = {.arena = &a};
    add_param(&list, 10, 10, -1);
    add_param(&list, 300, 4, -1);
    add_param(&list, 10, 10, 0);
    add_param(&list, 300, 4, 1);
    fake_device dev;
    fake_open(&dev);
    dev.base.info.max_binding_bytes = 1000;  // zeros in parts
    qvl_store *st;
    qvl_err err;
    CHECK_OK(qvl_store_open(&st, &dev.base, &list, &all_bf16, &err), err);
    CHECK(!qvl_store_is_trained(st, 0), "nothing yet");
    const bool trained[4] = {false, false, false, true};
    CHECK_OK(qvl_store_train(st, trained, &err), err);
    CHECK(qvl_store_is_trained(st, 1) && qvl_store_is_trained(st, 3), "tied");
    CHECK(!qvl_store_is_trained(st, 0) && !qvl_store_is_trained(st, 2), "no");
    CHECK(qvl_store_grad_slice(st, 1).at == qvl_store_grad_slice(st, 3).at,
          "one gradient");
    float *g = qvl_arena_array(&a, float, 1200);
    CHECK_OK(qvl_store_read_grad(st, 3, g, &err), err);
    for (int i = 0; i < 1200; i++)
        CHECK(g[i] == 0, "element %d", i);
    qvl_store_close(st);
    qvl_arena_release(&a);
}

/* ---- runs ---- */

/* A head tied to the embedding: trained through the alias alone. */
static void test_tied(void)
{
    harness h;
    harness_init(&h, 2, 0);
    int w = harness_param(&h, 30);
    qvl_param_list_add(&h.params, "tied", "all", 2, (size_t[]){30, 1}, 0,
                       false);
    harness_sum(&h, w, w, 0, 1);
    harness_eval(&h);
    fake_device dev;
    fake_open(&dev);
    qvl_store *st;
    qvl_run *run;
    qvl_err err;
    const bool trained[2] = {false, true};
    qvl_plan_options o = {.trained = trained};
    CHECK_OK(qvl_store_open(&st, &dev.base, &h.params, &all_f32, &err), err);
    CHECK_OK(qvl_store_train(st, trained, &err), err);
    CHECK_OK(qvl_store_write(st, 1, 0, 30, h.data[w], QVL_F32, &err), err);
    CHECK_OK(qvl_run_open(&run, st, &h.program, &o, &err), err);
    CHECK_OK(qvl_run_submit(run, false, &err), err);
    float g[30];
    CHECK_OK(qvl_store_read_grad(st, 1, g, &err), err);
    CHECK(memcmp(g, h.data[h.program.grad_value[0]], sizeof g) == 0, "sum");
    qvl_run_close(run);
    qvl_store_close(st);
    harness_release(&h);
}

/* Inputs by need; outputs by name; one submission a run, no waiting. */
static void test_inputs_and_outputs(void)
{
    harness h;
    harness_init(&h, 0, 3);
    int x = harness_input(&h, 0, QVL_CLS_ACT, 5);
    int z = harness_input(&h, 1, QVL_CLS_ACT, 5);
    harness_want(&h, harness_mix(&h, 1, &x, 4, 1));
    harness_want(&h, harness_mix(&h, 1, &z, 4, 1));
    harness_want(&h, x);
    fake_device dev;
    fake_open(&dev);
    qvl_store *st;
    qvl_run *run;
    qvl_err err;
    qvl_plan_options o = harness_options(&h);
    const char *names[] = {"out0", "out2"};
    o.output = names;
    o.n_outputs = 2;
    o.types = all_bf16;
    CHECK_OK(qvl_store_open(&st, &dev.base, &h.params, &all_bf16, &err), err);
    CHECK_OK(qvl_run_open(&run, st, &h.program, &o, &err), err);
    CHECK(qvl_run_needs(run, 0) && !qvl_run_needs(run, 1)
          && !qvl_run_needs(run, 2), "needs");
    float data[5] = {1, 2, 3, 4, 5}, out[5];
    CHECK_OK(qvl_run_input(run, 1, data, 77, &err), err);  // ignored
    CHECK_FAILS(qvl_run_input(run, 0, data, 4, &err), QVL_E_RANGE, err,
                "found 4 elements, expected 5");
    CHECK_OK(qvl_run_input(run, 0, data, 5, &err), err);
    for (int i = 0; i < 3; i++)
        CHECK_OK(qvl_run_submit(run, i > 0, &err), err);
    CHECK_INT(dev.counts.n_submits, 3, "submissions");
    CHECK_INT(dev.counts.n_waits, 0, "waits");
    CHECK_INT(dev.n_lists, 1, "no sums: one list for start and more");
    CHECK_OK(qvl_run_output(run, "out2", out, 5, &err), err);
    CHECK(memcmp(out, data, sizeof out) == 0, "an input as an output");
    CHECK_FAILS(qvl_run_output(run, "out1", out, 4, &err), QVL_E_USAGE, err,
                "\"out1\" is no output that this run was opened for");
    CHECK_FAILS(qvl_run_output(run, "out9", out, 4, &err), QVL_E_USAGE, err,
                "out9");
    CHECK_FAILS(qvl_run_output(run, "out0", out, 5, &err), QVL_E_RANGE, err,
                "room for 5 elements, expected 4");
    qvl_run_close(run);
    qvl_run_close(NULL);
    qvl_store_close(st);
    qvl_store_close(NULL);
    harness_release(&h);
}

/* One program writes a state, another one finds it there. */
static void test_states(void)
{
    harness writer, reader;
    harness_init(&writer, 0, 1);
    harness_init(&reader, 0, 0);
    int x = harness_input(&writer, 0, QVL_CLS_ACT, 4);
    int s = harness_mix(&writer, 1, &x, 4, 1);
    writer.program.value[s].kind = QVL_VALUE_STATE;
    writer.program.value[s].index = 3;
    harness_want(&writer, harness_mix(&writer, 1, &s, 4, 2));
    int kept = qvl_program_state(&reader.program, 3, QVL_CLS_ACT, 4, "kept");
    harness_want(&reader, harness_mix(&reader, 1, &kept, 4, 2));
    fake_device dev;
    fake_open(&dev);
    qvl_store *st;
    qvl_run *run;
    qvl_err err;
    float wrote[4], found[4];
    qvl_plan_options o = harness_options(&writer);
    o.states = true;
    CHECK_OK(qvl_store_open(&st, &dev.base, &writer.params, &all_f32, &err),
             err);
    uint64_t held = dev.counts.bytes_held;
    CHECK_OK(qvl_run_open(&run, st, &writer.program, &o, &err), err);
    CHECK_OK(qvl_run_input(run, 0, (float[]){1, 2, 3, 4}, 4, &err), err);
    CHECK_OK(qvl_run_submit(run, false, &err), err);
    CHECK_OK(qvl_run_output(run, writer.output[0], wrote, 4, &err), err);
    qvl_run_close(run);
    CHECK(dev.counts.bytes_held > held, "one state");
    o = harness_options(&reader);
    CHECK_OK(qvl_run_open(&run, st, &reader.program, &o, &err), err);
    CHECK_OK(qvl_run_submit(run, false, &err), err);
    CHECK_OK(qvl_run_output(run, reader.output[0], found, 4, &err), err);
    for (int i = 0; i < 4; i++)
        CHECK(found[i] == wrote[i], "element %d: %g, %g", i,
              (double)found[i], (double)wrote[i]);
    qvl_run_close(run);
    qvl_store_drop_states(st);
    CHECK_INT(dev.counts.bytes_held, held, "dropped");
    qvl_store_close(st);
    harness_release(&writer);
    harness_release(&reader);
}

/* ---- faults ---- */

/* An output in memory of the caller; a copy that fails leaves no list. */
static void test_copy(void)
{
    harness h;
    harness_init(&h, 0, 1);
    int x = harness_input(&h, 0, QVL_CLS_ACT, 4);
    harness_want(&h, harness_mix(&h, 1, &x, 4, 1));
    fake_device dev;
    fake_open(&dev);
    qvl_store *st;
    qvl_run *run;
    qvl_buf buf;
    qvl_list *list = NULL;
    qvl_err err;
    qvl_plan_options o = harness_options(&h);
    float data[4] = {1, 2, 3, 4}, out[4];
    CHECK_OK(qvl_store_open(&st, &dev.base, &h.params, &o.types, &err), err);
    CHECK_OK(qvl_run_open(&run, st, &h.program, &o, &err), err);
    CHECK_OK(dev.base.be->alloc(&dev.base, 64, &buf, &err), err);
    CHECK_OK(qvl_run_input(run, 0, data, 4, &err), err);
    CHECK_OK(qvl_run_submit(run, false, &err), err);
    CHECK_OK(qvl_run_output(run, "out0", out, 4, &err), err);
    qvl_slice to = {&buf, 32, sizeof out};
    int n_lists = dev.n_lists;
    static const fake_call faults[] = {FAKE_SUBMIT, FAKE_LIST_END};
    for (size_t i = 0; i < QVL_COUNT(faults); i++) {
        dev.fail_at[faults[i]] = dev.n_calls[faults[i]] + 1;
        CHECK(qvl_run_copy(run, "out0", to, &list, &err) < 0, "fault %zu", i);
        CHECK_HAS(err.msg, "injected fault", "fault %zu", i);
        CHECK(list == NULL, "fault %zu: a list", i);
        CHECK_INT(dev.n_lists, n_lists, "fault %zu: lists alive", i);
    }
    CHECK_FAILS(qvl_run_copy(run, "out9", to, &list, &err), QVL_E_USAGE, err,
                "out9");
    CHECK_OK(qvl_run_copy(run, "out0", to, &list, &err), err);
    CHECK(memcmp(fake_bytes(&buf) + 32, out, sizeof out) == 0, "bytes");
    dev.base.be->list_release(&dev.base, list);
    dev.base.be->release(&dev.base, &buf);
    qvl_run_close(run);
    qvl_store_close(st);
    CHECK_INT(dev.n_lists, 0, "lists left");
    harness_release(&h);
}

static void random_program(harness *h, int i)
{
    qvl_rng rng = harness_rng(77 + (uint64_t)i);
    harness_random(h, &rng, 20);
    harness_eval(h);
    h->trained[0] = true;
}

/* Let each call of each kind fail once. */
static void test_device_faults(void)
{
    static const int code[FAKE_N_CALLS] = {
        [FAKE_ALLOC] = QVL_E_DEVICE_MEMORY, [FAKE_DISPATCH] = QVL_E_DEVICE,
        [FAKE_LIST_END] = QVL_E_DEVICE,     [FAKE_SUBMIT] = QVL_E_DEVICE_LOST,
        [FAKE_READ] = QVL_E_DEVICE_LOST,    [FAKE_WRITE] = QVL_E_DEVICE_LOST,
    };
    harness h;
    random_program(&h, 0);
    for (int which = 0; which < FAKE_N_CALLS; which++) {
        int n_faults = 0;
        for (int at = 1;; at++) {
            fake_device dev;
            fake_open(&dev);
            dev.fail_at[which] = at;
            qvl_err err = {0};
            qvl_plan_options o = harness_options(&h);
            o.max_alloc_bytes = 2048;
            int rc = harness_try(&h, &dev, &o, &err);
            CHECK_INT(dev.n_bufs + dev.n_lists, 0, "leaks after fault %d of "
                      "call %d", at, which);
            CHECK(!dev.is_recording, "fault %d of call %d", at, which);
            CHECK_INT(dev.counts.bytes_held, 0, "fault %d of call %d", at,
                      which);
            if (rc == QVL_OK)
                break;
            CHECK_INT(rc, code[which], "fault %d of call %d", at, which);
            CHECK_HAS(err.msg, "injected fault", "message");
            n_faults++;
        }
        CHECK(n_faults >= (which == FAKE_READ ? 1 : 2), "%d faults of call %d",
              n_faults, which);
    }
    harness_release(&h);
}

static void test_messages(void)
{
    harness h;
    random_program(&h, 1);
    static const char *const part[] = {"memory for weights: injected",
                                       "memory for gradients: injected",
                                       "memory for temporaries, "};
    for (int i = 0; i < 3; i++) {
        fake_device dev;
        fake_open(&dev);
        dev.fail_at[FAKE_ALLOC] = i + 1;
        qvl_err err = {0};
        qvl_plan_options o = harness_options(&h);
        CHECK_INT(harness_try(&h, &dev, &o, &err), QVL_E_DEVICE_MEMORY,
                  "allocation %d", i);
        CHECK_HAS(err.msg, part[i], "allocation %d", i);
    }
    harness_release(&h);
}

typedef struct {
    harness *h;
    fake_device *dev;
    qvl_store *st;
    qvl_run *run;
    qvl_err *err;
} job;

static int open_store(void *arg)
{
    job *j = arg;
    return qvl_store_open(&j->st, &j->dev->base, &j->h->params, &all_f32,
                          j->err);
}

static int open_run(void *arg)
{
    job *j = arg;
    qvl_plan_options o = harness_options(j->h);
    o.trained = NULL;
    return qvl_run_open(&j->run, j->st, &j->h->program, &o, j->err);
}

/* Open with less host memory than it takes; returns the number of failures. */
static int open_with_little(int (*open)(void *), job *j)
{
    int n = 0;
    int held = j->dev->n_bufs;
    for (size_t limit = 0;; limit += 1 + limit / 4) {
        qvl_memory_limit(limit);
        int rc = qvl_guard(open, j, j->err);
        qvl_memory_limit(SIZE_MAX);
        if (rc == QVL_OK)
            return n;
        CHECK_INT(rc, QVL_E_MEMORY, "limit %zu", limit);
        CHECK_INT(j->dev->n_bufs, held, "limit %zu", limit);
        CHECK_INT(j->dev->n_lists, 0, "limit %zu", limit);
        n++;
    }
}

static void test_host_memory(void)
{
    harness h;
    random_program(&h, 2);
    fake_device dev;
    fake_open(&dev);
    qvl_err err;
    job j = {.h = &h, .dev = &dev, .err = &err};
    CHECK(open_with_little(open_store, &j) > 3, "limits of a store");
    CHECK(open_with_little(open_run, &j) > 3, "limits of a run");
    qvl_run_close(j.run);
    qvl_store_close(j.st);
    CHECK_INT(dev.n_bufs + dev.n_lists, 0, "leaks");
    harness_release(&h);
}

RUN_TESTS(TEST(test_layout), TEST(test_odd_ranges), TEST(test_long_ranges),
          TEST(test_gradients), TEST(test_tied), TEST(test_inputs_and_outputs),
          TEST(test_copy), TEST(test_states), TEST(test_device_faults),
          TEST(test_messages), TEST(test_host_memory))
