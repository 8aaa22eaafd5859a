/* test_check.c - every message of ir_check, by a module with one fault, and what
 * ir_op_add says of kernels that are called wrongly
 *
 * tiny.yaml after the gradient pass, which ir_check accepts, with one thing
 * changed by hand.
 */
#include "check.h"
#include "ref/build.h"

typedef struct {
    const char *kernel;  // name, NULL: of a region
    int kind;            // of a region
    ir_node *node;
} search;

static void look(ir_node *n, void *arg)
{
    search *s = arg;
    if (s->node)
        return;
    if (s->kernel ? n->kind == IR_N_OP && strcmp(n->op.k->name, s->kernel) == 0
                  : n->kind == IR_N_REGION && (int)n->region->kind == s->kind)
        s->node = n;
}

/* The first op of a kernel. */
static ir_node *op_of(ir_module *m, const char *kernel)
{
    search s = { .kernel = kernel };
    ir_walk(&m->body, look, &s);
    CHECK(s.node != NULL, "no %s", kernel);
    return s.node;
}

/* The first region of a kind. */
static ir_node *region_of(ir_module *m, int kind)
{
    search s = { .kind = kind };
    ir_walk(&m->body, look, &s);
    CHECK(s.node != NULL, "no region %d", kind);
    return s.node;
}

static ir_value *view_of(ir_module *m, ir_value *v)
{
    ir_value *r = ir_value_new(m, IR_V_VIEW, "seen", v->cls, &v->shape,
                               v->home);
    r->base = v;
    r->ld = ir_row_elems(&v->shape);
    return r;
}

/* ---- faults ---- */

static void view_of_view(ir_module *m)
{
    ir_node *n = op_of(m, "attention");
    n->op.in[0] = view_of(m, view_of(m, n->op.in[0]));
}

static void view_of_other_class(ir_module *m)
{
    ir_node *n = op_of(m, "attention");
    n->op.in[0] = view_of(m, n->op.in[0]);
    n->op.in[0]->cls = IR_F32;
}

static void made_in_other_class(ir_module *m)
{
    ir_node *n = op_of(m, "attention");
    n->op.out[0] = view_of(m, n->op.out[0]);
    n->op.out[0]->cls = IR_F32;
}

static void used_before(ir_module *m)
{
    ir_node *n = op_of(m, "attention");
    ir_block *block = n->block;
    ir_node *last = block->last;
    ir_remove(n);
    ir_append(block, n);
    CHECK(last != n, "it was not the last");
}

/* What the loop over layers makes, behind that loop and no other. */
static void used_outside(ir_module *m)
{
    op_of(m, "col_sum_part")->op.in[0] = op_of(m, "rms_norm")->op.out[0];
}

/* And of the other loop, which stands before this one. */
static void used_in_other_loop(ir_module *m)
{
    op_of(m, "rms_norm")->op.in[0] = op_of(m, "matmul_nt")->op.out[0];
}

static void result_used_inside(ir_module *m)
{
    ir_region *r = region_of(m, IR_REPEAT)->region;
    op_of(m, "matmul_nt")->op.in[0] = r->carry[0].result;
}

static void defined_twice(ir_module *m)
{
    op_of(m, "attention")->op.out[0] = op_of(m, "rope")->op.out[0];
}

static void operand_missing(ir_module *m)
{
    op_of(m, "attention")->op.in[2] = NULL;
}

static void wrong_type(ir_module *m)
{
    ir_node *n = op_of(m, "attention");
    n->op.in[0] = view_of(m, ir_root(n->op.in[0]));
    ir_root(n->op.in[0])->cls = n->op.in[0]->cls = IR_I32;
}

static void slice_refused(ir_module *m)
{
    ir_node *n = op_of(m, "sum_rows");
    n->op.in[0] = view_of(m, n->op.in[0]);
    n->op.in[0]->slice = true;
}

static void odd_scalar(ir_module *m)
{
    op_of(m, "lookup")->op.scalar[0].number = 0.5;
}

static void huge_scalar(ir_module *m)
{
    op_of(m, "lookup")->op.scalar[0].number = 4294967296.0;
}

static void expression_of_sum(ir_module *m)
{
    op_of(m, "matmul_tn")->op.expr = ir_ex_value(m);
}

static void other_shape(ir_module *m)
{
    ir_op *op = &op_of(m, "map")->op;
    ir_shape s = { .rank = 1, .d = { poly_number(5) } };
    op->extra[0] = ir_value_new(m, IR_V_INPUT, "five", IR_F32, &s, NULL);
}

static void carried_slice(ir_module *m)
{
    ir_carry *c = &region_of(m, IR_REPEAT)->region->carry[0];
    c->init = view_of(m, c->init);
    c->init->slice = true;
}

static void carry_changes(ir_module *m)
{
    region_of(m, IR_REPEAT)->region->carry[0].result->cls = IR_F32;
}

static void lost_block(ir_module *m)
{
    op_of(m, "attention")->block = &m->body;
}

static void lost_region(ir_module *m)
{
    search s = { .kind = IR_IF };
    ir_walk(&m->body, look, &s);
    s.node->region->outer = NULL;
}

static void wrong_dims(ir_module *m)
{
    ir_node *n = op_of(m, "matmul_nt");
    n->op.in[0] = ir_input_value(m, ir_input_find(m, "angles"));
}

static const struct {
    void (*fault)(ir_module *m);
    const char *message;
} faults[] = {
    { view_of_view, "a view of a view" },
    { view_of_other_class, "a view of another class than its value" },
    { made_in_other_class, "a view of another class than its value" },
    { used_before, "used before it is defined" },
    { used_outside, "used outside of the region that defines it" },
    { used_in_other_loop, "used outside of the region that defines it" },
    { result_used_inside, "used before it is defined" },
    { defined_twice, "defined twice" },
    { operand_missing, "an operand is missing" },
    { wrong_type, "stored as a type the kernel cannot read" },
    { slice_refused, "a slice where the kernel takes none" },
    { odd_scalar, "a u32 argument that is no whole number" },
    { huge_scalar, "a u32 argument that is no whole number" },
    { expression_of_sum, "an expression of a sum" },
    { other_shape, "an argument of another shape" },
    { carried_slice, "a slice where a whole value goes" },
    { carry_changes, "a carry changes shape or class" },
    { lost_block, "a node does not know its block" },
    { lost_region, "a region does not know what is around it" },
    { wrong_dims, "w of matmul_nt has shape" },
};

static void test_faults(void)
{
    qvl_arena arena = { 0 };
    kern_set kernels = { 0 };
    qvl_err err;
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena,
                              &err), err);
    for (size_t i = 0; i < QVL_COUNT(faults); i++) {
        ir_module *m;
        CHECK_OK(ref_build(&m, &kernels, QVL_TEST_SOURCE "/tests/gen/tiny.yaml",
                           REF_TRAIN, "grad", &arena, &err), err);
        CHECK_OK(ir_check(m, "test", &err), err);
        faults[i].fault(m);
        CHECK(ir_check(m, "test", &err) != QVL_OK, "%s", faults[i].message);
        CHECK_HAS(err.msg, faults[i].message, "fault %zu", i);
    }
    qvl_arena_release(&arena);
}

/* Kernels given too much or too little. */
static void test_numbers(void)
{
    static const struct {
        const char *kernel;
        int n_in, n_scalars;
        const char *message;
    } cases[] = {
        { "silu", 1, 0, "no kernel silu in shaders/" },
        { "matmul_nt", 1, 0, "kernel matmul_nt: found 1 inputs and 0 scalars, "
                             "expected 2 and 0" },
        { "matmul_nt", 3, 0, "kernel matmul_nt: found 3 inputs and 0 scalars, "
                             "expected 2 and 0" },
        { "rms_norm", 2, 0, "kernel rms_norm: found 2 inputs and 0 scalars, "
                            "expected 2 and 1" },
        { "rms_norm", 2, 2, "kernel rms_norm: found 2 inputs and 2 scalars, "
                            "expected 2 and 1" },
        // its one scalar is the first index of a part, which nobody gives
        { "lookup", 3, 1, "kernel lookup: found 3 inputs and 1 scalars, "
                          "expected 3 and 0" },
    };
    qvl_arena arena = { 0 };
    kern_set kernels = { 0 };
    qvl_err err;
    ir_module *m;
    CHECK_OK(ref_kernels_read(&kernels, QVL_TEST_SOURCE "/shaders", &arena,
                              &err), err);
    CHECK_OK(ref_build(&m, &kernels, QVL_TEST_SOURCE "/tests/gen/tiny.yaml",
                       REF_TRAIN, "lower", &arena, &err), err);
    ir_builder b = { .m = m, .block = &m->body };
    ir_value *x = op_of(m, "rms_norm")->op.in[0];
    ir_value *const in[] = { x, x, x };
    const ir_real scalar[2] = { { .times = 1.0 }, { .times = 1.0 } };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const ir_args args = { .in = in, .n_in = cases[i].n_in,
                               .scalar = scalar,
                               .n_scalars = cases[i].n_scalars };
        CHECK(ir_op_add(&b, cases[i].kernel, &args, NULL, IR_ACT, "x", &err)
              == NULL, "case %zu", i);
        CHECK_INT(err.code, QVL_E_INTERNAL, "case %zu", i);
        CHECK_STR(err.msg, cases[i].message, "case %zu", i);
    }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_faults), TEST(test_numbers))
