/* test_rules.c - gradient rules and passes against differences of losses
 *
 * Every spec of the tests, and the shipped ones, with the first set of its dims
 * (prove.h).
 */
#include <dirent.h>

#include "check.h"
#include "gen/prove.h"
#include "tensor/dtype.h"

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
        prover f;
        char path[512];
        const char *only = getenv("QVL_TEST_ARCH");
        prove_open(&f);
        snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
        if (!only || strstr(path, only))
            prove_spec(&f, path, prove_text(&f, path),
                       prove_tree(&f, dims_path, prove_text(&f, dims_path)));
        prove_close(&f);
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
static ref_result run_one_expert(prover *f, bool is_dim, ref_params *list)
{
    static const char *const edits[][2] = {
        {"config:\n", "config:\n  K: int chosen\n"}, {"gate), 1)", "gate), K)"}};
    static const char path[] = QVL_TEST_SOURCE "/tests/specs/op_expert.yaml";
    const char *text = prove_text(f, path);
    ir_module *m;
    ref_set *set;
    ref_data data;
    int n;
    for (size_t i = 0; is_dim && i < QVL_COUNT(edits); i++) {
        const char *at = strstr(text, edits[i][0]);
        CHECK(at != NULL, "%s: no %s", path, edits[i][0]);
        text = qvl_arena_printf(&f->arena, "%.*s%s%s", (int)(at - text), text,
                                edits[i][1], at + strlen(edits[i][0]));
    }
    const char *sizes = qvl_arena_printf(
        &f->arena, "op_expert:\n  - {%sH: 4, E: 5, L: 2, T: 7}\n",
        is_dim ? "K: 1, " : "");
    const qvl_node *dims = prove_tree(f, "dims", sizes);
    CHECK_OK(ref_build_text(&m, &f->kernels, path, text, REF_TRAIN, "size",
                            &f->arena, &f->err), f->err);
    CHECK_OK(ref_sets_read(&set, &n, m, dims, &f->err), f->err);
    ref_data_make(&data, m, set, QVL_F32, 1, &f->arena);
    *list = data.params;
    ref_problem p = {.m = m, .d = &set->d, .params = &data.params,
                     .input = data.input, .param = data.param};
    return prove_run(f, &p, is_dim ? "K = 1" : "1");
}

/* Both are one model, and in the first alone rows of uses have the shape of rows
 * of tokens. */
static void test_one_expert(void)
{
    prover f;
    ref_params list;
    prove_open(&f);
    ref_result wanted = run_one_expert(&f, true, &list);
    ref_result found = run_one_expert(&f, false, &list);
    prove_same(&found, &wanted, &list, "one expert a token");
    prove_close(&f);
}

RUN_TESTS(TEST(test_ops), TEST(test_one_expert), TEST(test_shipped),
          TEST(test_random))
