/* test_hazard.c - barriers stand where they must, and nowhere else */
#include "check.h"

#include "backend/vk/hazard.h"

enum { R = QVL_ACCESS_IN, W = QVL_ACCESS_OUT, RW = QVL_ACCESS_IO };

static int buffer_a, buffer_b;  // addresses stand for buffers

static const qvl_buf bufs[] = {
    { .id = &buffer_a, .bytes = 1000 },
    { .id = &buffer_b, .bytes = 1000 },
};

typedef struct {
    int buf;
    size_t at, bytes;
    uint8_t access;
} touch;

static bool meets(qvl_hazard *h, const touch *t, int n)
{
    qvl_slice slice[QVL_KERNEL_MAX_BUFS];
    uint8_t access[QVL_KERNEL_MAX_BUFS];
    for (int i = 0; i < n; i++) {
        slice[i] = (qvl_slice){ &bufs[t[i].buf], t[i].at, t[i].bytes };
        access[i] = t[i].access;
    }
    return qvl_hazard_meets(h, slice, access, n);
}

/* Two calls after each other: is a barrier needed between them? */
static void test_pairs(void)
{
    static const struct {
        const char *name;
        touch first, second;
        bool wanted;
    } cases[] = {
        { "read, read", { 0, 0, 64, R }, { 0, 0, 64, R }, false },
        { "write, read", { 0, 0, 64, W }, { 0, 0, 64, R }, true },
        { "read, write", { 0, 0, 64, R }, { 0, 0, 64, W }, true },
        { "write, write", { 0, 0, 64, W }, { 0, 0, 64, W }, true },
        { "io, read", { 0, 0, 64, RW }, { 0, 0, 64, R }, true },
        { "read, io", { 0, 0, 64, R }, { 0, 0, 64, RW }, true },
        { "another buffer", { 0, 0, 64, W }, { 1, 0, 64, W }, false },
        { "neighbours", { 0, 0, 64, W }, { 0, 64, 64, W }, false },
        { "one byte shared", { 0, 0, 65, W }, { 0, 64, 64, R }, true },
        { "inside", { 0, 100, 1, W }, { 0, 0, 200, R }, true },
        { "empty slice", { 0, 32, 0, W }, { 0, 0, 64, R }, false },
        { "empty after", { 0, 0, 64, W }, { 0, 32, 0, R }, false },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_hazard h = { .n = 0 };
        CHECK(!meets(&h, &cases[i].first, 1), "case %s", cases[i].name);
        CHECK(meets(&h, &cases[i].second, 1) == cases[i].wanted, "case %s",
              cases[i].name);
    }
}

/* A barrier orders all that came before it. */
static void test_forgets(void)
{
    qvl_hazard h = { .n = 0 };
    const touch write_a = { 0, 0, 64, W };
    const touch write_b = { 1, 0, 64, W };
    const touch read_a = { 0, 0, 64, R };
    const touch read_b = { 1, 0, 64, R };
    CHECK(!meets(&h, &write_a, 1), "a");
    CHECK(!meets(&h, &write_b, 1), "b");
    CHECK(meets(&h, &read_a, 1), "barrier for a");
    CHECK(!meets(&h, &read_b, 1), "covered b as well");
    CHECK(meets(&h, &write_a, 1), "written after read");
}

static void test_full_table(void)
{
    qvl_hazard h = { .n = 0 };
    int n_barriers = 0;
    for (size_t i = 0; i < 3 * QVL_HAZARD_MAX_RANGES; i++) {
        const touch t = { 0, i, 1, W };
        n_barriers += meets(&h, &t, 1);
    }
    CHECK_INT(n_barriers, 2, "one each time the table is full");
}

RUN_TESTS(TEST(test_pairs), TEST(test_forgets), TEST(test_full_table))
