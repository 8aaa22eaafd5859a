/* test_tiles.c - formulas, and which tiles the kernels of this build allow */
#include "backend/tiles.h"
#include "check.h"
#include "find_kernel.h"

/* ---- formulas ---- */

static const struct {
    const char *text;
    int64_t value;
} formulas[] = {
    { "7", 7 }, { " 7u ", 7 }, { "A", 6 }, { "A + B * 2", 22 },
    { "(A + B) * 2", 28 }, { "A - B - 1", -3 }, { "B / 3 % 2", 0 },
    { "B % 3 == 2", 1 }, { "A < B && B <= 8", 1 }, { "A > B || B >= 9", 0 },
    { "A != 6 || B == 8 && A == 6", 1 }, { "ceil_div(A + 1, 2)", 4 },
    { "min_u32(A, B) * max_u32(A, B)", 48 }, { "AB", 1 }, { "2 - 3", -1 },
    { "1 == 1 == 1", 1 }, { "((((A))))", 6 },
};

static const char *const no_formulas[] = {
    "", "A +", "+ A", "(A", "A)", "C", "A B", "7x", "A / (B - 8)", "A % 0",
    "ceil_div(A)", "ceil_div(A, 0)", "floor(A, B)", "A = B", "A & B", "1.5",
    "99999999999", "4294967295 * 4294967295 * 4294967295",
    "ceil_div(1 - 2, 2)",
};

static const qvl_words words = { .n = 3, .name = { "A", "B", "AB" },
                                 .value = { 6, 8, 1 } };

static void test_formulas(void)
{
    for (size_t i = 0; i < QVL_COUNT(formulas); i++) {
        int64_t v = -77;
        CHECK(qvl_formula(formulas[i].text, &words, &v), "|%s|",
              formulas[i].text);
        CHECK(v == formulas[i].value, "|%s|: found %lld", formulas[i].text,
              (long long)v);
    }
    for (size_t i = 0; i < QVL_COUNT(no_formulas); i++) {
        int64_t v = -77;
        CHECK(!qvl_formula(no_formulas[i], &words, &v), "|%s|",
              no_formulas[i]);
        CHECK(v == -77, "|%s|: the value changed", no_formulas[i]);
    }
}

/* ---- tiles ---- */

/* "BM=7 RM=2" over the tiles of a class. */
static qvl_tiling change(const qvl_kernel *k, qvl_class cls, const char *text)
{
    qvl_tiling t = k->tiling[cls];
    while (*text != '\0') {
        char name[16] = "";
        unsigned v = 0;
        int len = 0;
        CHECK(sscanf(text, "%15[A-Z]=%u %n", name, &v, &len) == 2, "|%s|",
              text);
        int i = 0;
        while (i < k->n_tiles && strcmp(k->tile_name[i], name) != 0)
            i++;
        if (strcmp(name, "LANES") == 0) {
            t.lanes = v;
        } else {
            CHECK(i < k->n_tiles, "%s has no %s", k->op, name);
            t.tile[i] = v;
        }
        text += len;
    }
    return t;
}

/* Changes to what ships for a class; no message: allowed. */
static const struct {
    const char *op;
    qvl_class cls;
    const char *change, *message;
} tilings[] = {
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "", NULL },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "BM=96 BN=48", NULL },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "VW=8 RN=2 LANES=2", NULL },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "BM=100",
      "kernel matmul_nt: found BM = 100, RM = 6, expected BM % RM == 0" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "BN=40",
      "found BN = 40, RN = 1, VW = 16, expected BN % (RN * VW) == 0" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "BK=200", "expected BK % VW == 0" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "STAGE=1",
      "found STAGE = 1, VW = 16, expected STAGE == 2" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "STAGE=1 VW=1", NULL },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "STAGE=3", "expected STAGE == 2" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "LANES=3", "a power of two" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "LANES=2048", "at most 1024" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "LANES=0", "a power of two" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "VW=2", "expected 1, 4, 8 or 16" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "THIN=0", "expected 1 to 65536" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "THIN=65537", "1 to 65536" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "BM=3072 BN=3072",
      "BM * BN <= 32768 * LANES" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "STEP=64", "RM * RN * STEP <= 256" },
    { "matmul_nt", QVL_CLASS_OPENCL_CPU, "TM=16 TN=16", "TM * TN <= 64" },
    { "matmul_nn", QVL_CLASS_GPU, "BM=32", "RM * RN * VW * LANES" },
    { "matmul_nn", QVL_CLASS_GPU, "BM=32 LANES=32", NULL },
    { "matmul_tn", QVL_CLASS_VULKAN_CPU, "VW=4",
      "found VW = 4, expected 1, as the back end has no vectors" },
    { "matmul_tn", QVL_CLASS_VULKAN_CPU, "BK=128",
      "kernel matmul_tn: found LANES = 8, BM = 8, BN = 64, BK = 128, RM = 8, "
      "RN = 8, STEP = 1, STAGE = 1, VW = 1, loops that turn 4696 times for 4096 "
      "terms, expected at most 4536, as this device ends long ones" },
    { "matmul_tn", QVL_CLASS_VULKAN_CPU,
      "BM=8 BN=64 BK=512 RM=8 RN=8 STEP=4", NULL },
    { "attention", QVL_CLASS_GPU, "BQ=33", "BQ % (RN * VW) == 0" },
    { "attention", QVL_CLASS_GPU, "RJ=3", "expected BK % RJ == 0" },
    { "attention", QVL_CLASS_GPU, "RD=3", NULL },
    { "attention_dq", QVL_CLASS_GPU, "STAGE=3", "expected STAGE <= 2" },
    { "attention_dkv", QVL_CLASS_VULKAN_CPU, "LANES=8", "expected at most" },
    { "cross_entropy", QVL_CLASS_VULKAN_CPU, "LANES=8", "expected at most" },
    { "sort_uses", QVL_CLASS_VULKAN_CPU, "LANES=4", "expected at most 1024" },
    { "expert_tn", QVL_CLASS_VULKAN_CPU, "LANES=32", NULL },
    { "map", QVL_CLASS_VULKAN_CPU, "SPAN=512", NULL },
    { "map", QVL_CLASS_VULKAN_CPU, "SPAN=32768", "expected at most" },
    { "attention_cached", QVL_CLASS_OPENCL_CPU, "RD=17", "RD <= 16" },
    { "col_sum_part", QVL_CLASS_GPU, "SPAN=64", "SPAN % (LANES * VW) == 0" },
    { "map", QVL_CLASS_GPU, "SPAN=7", NULL },
};

static void test_tilings(void)
{
    for (size_t i = 0; i < QVL_COUNT(tilings); i++) {
        qvl_err err = { 0 };
        const qvl_kernel *k = find_kernel(tilings[i].op);
        qvl_tiling t = change(k, tilings[i].cls, tilings[i].change);
        qvl_tile_limits limits = qvl_tile_limits_of(tilings[i].cls);
        if (tilings[i].cls == QVL_CLASS_VULKAN_CPU)
            limits.turns = &k->tiling[tilings[i].cls];
        int rc = qvl_tiles_check(k, &t, &limits, &err);
        CHECK_INT(rc, tilings[i].message ? QVL_E_CONFIG : QVL_OK,
                  "%s %s: %s", k->op, tilings[i].change, err.msg);
        if (tilings[i].message)
            CHECK_HAS(err.msg, tilings[i].message, "%s %s", k->op,
                      tilings[i].change);
    }
}

/* What ships keeps its own rules, on every device of its class. */
static void test_shipped(void)
{
    for (int i = 0; i < qvl_generated_kernels_count; i++)
        for (int c = 0; c < QVL_N_CLASS; c++) {
            qvl_err err = { 0 };
            const qvl_kernel *k = qvl_generated_kernels[i];
            const qvl_tiling *t = &k->tiling[c];
            uint32_t constant[QVL_KERNEL_MAX_CONSTS] = { 128, 128, 128, 128 };
            qvl_tile_limits limits = qvl_tile_limits_of((qvl_class)c);
            CHECK_OK(qvl_tiles_check(k, t, &limits, &err), err);
            size_t bytes = qvl_tiles_shared_bytes(k, t, constant);
            CHECK(bytes <= qvl_tiles_most_shared((qvl_class)c, t->lanes),
                  "%s shares %zu bytes", k->name, bytes);
        }
}

static void test_shared(void)
{
    static const uint32_t constant[] = { 64 };
    const qvl_kernel *k = find_kernel("attention");
    qvl_tiling t = change(k, QVL_CLASS_GPU,
                          "BQ=16 BK=8 STAGE=2 RJ=4 RN=1 LANES=32");
    /* own, other (and 1), score, state, span */
    size_t words_shared = 64 * 16 + (8 * 64 + 1) + 8 * 16 + 3 * 16 + 2 * 16;
    CHECK_INT(qvl_tiles_shared_bytes(k, &t, constant), 4 * words_shared,
              "attention");
}

RUN_TESTS(TEST(test_formulas), TEST(test_tilings), TEST(test_shipped),
          TEST(test_shared))
