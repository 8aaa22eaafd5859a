/* test_data.c - sets of dims that are none, and what is made of an index */
#include "base/yaml.h"
#include "check.h"
#include "gen/small.h"
#include "ref/build.h"
#include "ref/data.h"
#include "tensor/dtype.h"

typedef struct {
    qvl_arena arena;
    kern_set kernels;
    qvl_err err;
    ir_module *m;
} fixture;

/* small_spec after all passes. */
static void open_fixture(fixture *f)
{
    *f = (fixture){ 0 };
    CHECK_OK(ref_kernels_read(&f->kernels, QVL_TEST_SOURCE "/shaders", &f->arena,
                              &f->err), f->err);
    CHECK_OK(ref_build_text(&f->m, &f->kernels, "small.yaml", small_spec, REF_TRAIN,
                            "size", &f->arena, &f->err), f->err);
}

/* A set with these taps and as much of V, T and the rest as all others have. */
static int read_set(fixture *f, const char *taps, const char *sizes, ref_set **set)
{
    int n;
    qvl_node *file;
    const char *text = qvl_arena_printf(
        &f->arena,
        "small:\n  - {H: 4, nh: 2, L: 2, eps: 0.1, R: 2, C: 2, taps: %s, %s}\n",
        taps, sizes);
    CHECK_OK(qvl_yaml_parse(&file, text, strlen(text), "dims.yaml", &f->arena,
                            &f->err), f->err);
    return ref_sets_read(set, &n, f->m, file, &f->err);
}

static void test_sets(void)
{
    static const struct {
        const char *taps, *sizes, *message;
    } cases[] = {
        { "[0, 1]", "V: 5, T: 3", NULL },
        { "[]", "V: 5, T: 3", NULL },
        { "[0, x]", "V: 5, T: 3", "dims.yaml:2:57: expected a whole number in a list" },
        { "[0.5]", "V: 5, T: 3", "expected a whole number in a list" },
        { "[-1]", "V: 5, T: 3", "expected a whole number in a list" },
        { "[4294967296]", "V: 5, T: 3", "expected a whole number in a list" },
        { "[[1]]", "V: 5, T: 3", "expected a whole number in a list" },
        { "1", "V: 5, T: 3", "expected a list" },
        { "[0]", "V: 5", "no number for T" },
        { "[0]", "V: x, T: 3", "V is of another type" },
        { "[0]", "V: 5, T: 3, W: 1", "small has no such dim" },
        { "[0]", "V: 5, T: 3, ranges: none", "ranges are causal, full or ragged" },
    };
    fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        ref_set *set;
        if (cases[i].message)
            CHECK_FAILS(read_set(&f, cases[i].taps, cases[i].sizes, &set),
                        QVL_E_CONFIG, f.err, cases[i].message);
        else
            CHECK_OK(read_set(&f, cases[i].taps, cases[i].sizes, &set), f.err);
    }
    qvl_arena_release(&f.arena);
}

/* The input of a kind that belongs to input `of`. */
static int part_of(const ir_module *m, int of, int kind)
{
    for (int i = 0; i < m->n_inputs; i++)
        if (m->input[i].of == of && (int)m->input[i].kind == kind)
            return i;
    CHECK(false, "no part %d of %s", kind, m->input[of].name);
    return -1;
}

/* Places by what they point to, in their order, those that point nowhere last; each
 * row of the table starts where the places before it end. */
static void check_index(const double *index, int n, const double *start,
                        const double *entry, int table)
{
    int at = 0;
    for (int t = 0; t <= table; t++) {
        CHECK_INT(start[t], at, "row %d of %d begins", t, table);
        for (int i = 0; i < n; i++)
            if (index[i] == (t < table ? t : -1))
                CHECK_INT(entry[at++], i, "row %d of %d", t, table);
    }
    CHECK_INT(at, n, "places");
}

static void test_index(void)
{
    static const struct {
        int table, n;
    } cases[] = { { 1, 1 }, { 1, 9 }, { 7, 0 }, { 13, 1 }, { 97, 31 }, { 5, 200 } };
    fixture f;
    open_fixture(&f);
    int token = ir_input_find(f.m, "token");
    int start = part_of(f.m, token, QVL_INPUT_START);
    int entry = part_of(f.m, token, QVL_INPUT_ENTRY);
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        for (int seed = 0; seed < 5; seed++) {
            ref_set *set;
            ref_data d;
            const char *sizes = qvl_arena_printf(&f.arena, "V: %d, T: %d",
                                                 cases[i].table, cases[i].n);
            CHECK_OK(read_set(&f, "[0]", sizes, &set), f.err);
            ref_data_make(&d, f.m, set, QVL_F32, (uint64_t)seed, &f.arena);
            check_index(d.input[token], cases[i].n, d.input[start], d.input[entry],
                        cases[i].table);
        }
    qvl_arena_release(&f.arena);
}

RUN_TESTS(TEST(test_sets), TEST(test_index))
