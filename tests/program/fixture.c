/* fixture.c - specs read and lowered, with the sizes of dims.yaml */
#include "program/fixture.h"

#include <stdio.h>

#include "base/file.h"
#include "base/yaml.h"
#include "check.h"
#include "ref/build.h"

static qvl_arena arena;
static kern_set kernels;
static fixture_arch *archs;
static int n_archs;

static void release(void)
{
    qvl_arena_release(&arena);
}

static const qvl_node *read_yaml(const char *path)
{
    char *text;
    size_t len;
    qvl_node *root = NULL;
    qvl_err err;
    CHECK_OK(qvl_file_read(path, &text, &len, &arena, &err), err);
    CHECK_OK(qvl_yaml_parse(&root, text, len, path, &arena, &err), err);
    return root;
}

/* Where the spec of an architecture lies. */
static const char *spec_path(const char *name)
{
    static const char *const folders[] = {QVL_TEST_SOURCE "/configs/arch",
                                          QVL_TEST_SOURCE "/tests/specs",
                                          QVL_TEST_RANDOM};
    for (size_t i = 0; i < QVL_COUNT(folders); i++) {
        const char *path =
            qvl_arena_printf(&arena, "%s/%s.yaml", folders[i], name);
        if (qvl_file_exists(path))
            return path;
    }
    CHECK(false, "no spec of %s", name);
    return NULL;
}

static void find_choice(ir_node *n, void *arg)
{
    if (n->kind == IR_N_OP && strcmp(n->op.k->name, "route") == 0)
        *(bool *)arg = true;
}

/* What the generated tables say of dims and inputs is what the module says. */
static void check_tables(const qvl_arch *arch, const ir_module *m)
{
    CHECK_INT(arch->n_inputs, m->n_inputs, "%s", arch->name);
    for (int i = 0; i < arch->n_inputs; i++)
        CHECK_STR(arch->input[i].name, m->input[i].name, "%s", arch->name);
    for (int i = 0; i < arch->n_dims; i++)
        CHECK_STR(arch->dim[i].name, m->dim[i].name, "%s", arch->name);
}

static ir_module *build(const char *path, ref_phase phase)
{
    ir_module *m = NULL;
    qvl_err err;
    CHECK_OK(ref_build(&m, &kernels, path, phase,
                       phase == REF_TRAIN ? "grad" : "lower", &arena, &err),
             err);
    return m;
}

static void read_arch(fixture_arch *a, const qvl_node *dims,
                      const qvl_node *random)
{
    qvl_err err;
    const char *path = spec_path(a->arch->name);
    ir_module *train = build(path, REF_TRAIN);
    a->m[REF_TRAIN] = a->m[REF_INFER] = train;
    if (a->arch->decode != NULL) {
        a->m[REF_INFER] = build(path, REF_INFER);
        a->m[REF_DECODE] = build(path, REF_DECODE);
    }
    const qvl_node *file = strstr(path, QVL_TEST_RANDOM) ? random : dims;
    CHECK_OK(ref_sets_read(&a->set, &a->n_sets, train, file, &err), err);
    a->known = qvl_arena_alloc_n(&arena, (size_t)a->n_sets, sizeof *a->known);
    ir_walk(&train->body, find_choice, &a->has_choice);
    for (int ph = 0; ph < REF_N_PHASES; ph++)
        if (a->m[ph] != NULL)
            check_tables(a->arch, a->m[ph]);
}

fixture_arch *fixture_archs(int *n)
{
    qvl_err err;
    *n = n_archs;
    if (archs)
        return archs;
    const qvl_arch *const *list = qvl_archs(&n_archs);
    atexit(release);
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena,
                              &err), err);
    const qvl_node *dims = read_yaml(QVL_TEST_SOURCE "/tests/specs/dims.yaml");
    const qvl_node *random = read_yaml(QVL_TEST_RANDOM "/dims.yaml");
    fixture_arch *made = qvl_arena_array(&arena, fixture_arch, n_archs);
    for (int i = 0; i < n_archs; i++) {
        made[i].arch = list[i];
        read_arch(&made[i], dims, random);
    }
    archs = made;
    *n = n_archs;
    return archs;
}

const kern_set *fixture_kernels(void)
{
    return &kernels;
}

static void make_phase(fixture_arch *a, int set, int dtype, fixture_case *c,
                       ref_phase ph)
{
    qvl_err err;
    ref_data *data = &c->data[ph];
    ref_data_make(data, a->m[ph], &a->set[set], dtype, 7 + (uint64_t)set,
                  &arena);
    ref_problem p = {.m = a->m[ph], .d = &a->set[set].d,
                     .params = &data->params, .input = data->input,
                     .param = data->param, .states = &data->states,
                     .state = data->state};
    int rc = ref_run(&c->result[ph], &p, &arena, &err);
    CHECK(rc == QVL_OK, "%s: %s", fixture_name(a, set), err.msg);
}

static void make_case(fixture_arch *a, int set, int dtype, fixture_case *c)
{
    make_phase(a, set, dtype, c, REF_TRAIN);
    const ref_params *list = &c->data[REF_TRAIN].params;
    for (int i = 0; i < list->n; i++)
        for (size_t k = 0; k < list->item[i].n; k++)
            c->top_grad = fmax(c->top_grad,
                               fabs(c->result[REF_TRAIN].grad[i][k]));
    c->data[REF_INFER] = c->data[REF_TRAIN];
    c->result[REF_INFER] = c->result[REF_TRAIN];
    for (int ph = 0; ph < REF_TRAIN && a->m[REF_DECODE] != NULL; ph++)
        make_phase(a, set, dtype, c, (ref_phase)ph);
    c->is_made = true;
}

const fixture_case *fixture_get(fixture_arch *a, int set, int dtype)
{
    fixture_case *c = &a->known[set][dtype];
    if (!c->is_made)
        make_case(a, set, dtype, c);
    return c;
}

const char *fixture_name(const fixture_arch *a, int set)
{
    static char text[4][512];
    static int next;
    char *t = text[next++ % 4];
    snprintf(t, sizeof text[0], "%s (%s)", a->arch->name, a->set[set].text);
    return t;
}
