/* ex.c - elementwise expressions: building them, folding numbers, and the
 * functions that a spec may name
 *
 * Trees share their parts and never change. What is known of numbers is folded
 * when a node is made, so no pass has to: x * 1, x + 0 and x * 0 are not built.
 */
#include <assert.h>
#include <string.h>

#include "ir/ir.h"

static ir_expr *ex_new(ir_module *m, int kind)
{
    ir_expr *e = qvl_arena_array(m->arena, ir_expr, 1);
    e->kind = kind;
    return e;
}

const ir_expr *ir_ex_number(ir_module *m, double v)
{
    ir_expr *e = ex_new(m, IR_EX_NUMBER);
    e->number = v;
    return e;
}

const ir_expr *ir_ex_arg(ir_module *m, int arg)
{
    ir_expr *e = ex_new(m, IR_EX_ARG);
    e->arg = arg;
    return e;
}

const ir_expr *ir_ex_value(ir_module *m)
{
    return ex_new(m, IR_EX_VALUE);
}

static bool is_number(const ir_expr *e, double v)
{
    return e->kind == IR_EX_NUMBER && e->number == v;
}

static double fold(int kind, double a, double b)
{
    if (kind == IR_EX_ADD)
        return a + b;
    return kind == IR_EX_SUB ? a - b : a * b;
}

/* Folds numbers, and x * 1, x + 0, x * 0 to what they are. */
const ir_expr *ir_ex_binary(ir_module *m, int kind, const ir_expr *a,
                            const ir_expr *b)
{
    if (a->kind == IR_EX_NUMBER && b->kind == IR_EX_NUMBER)
        return ir_ex_number(m, fold(kind, a->number, b->number));
    if (kind == IR_EX_MUL) {
        if (is_number(a, 1.0) || is_number(b, 0.0))
            return b;
        if (is_number(b, 1.0) || is_number(a, 0.0))
            return a;
    } else if (is_number(b, 0.0)) {
        return a;
    } else if (kind == IR_EX_ADD && is_number(a, 0.0)) {
        return b;
    }
    ir_expr *e = ex_new(m, kind);
    e->a = a;
    e->b = b;
    return e;
}

const ir_expr *ir_ex_call(ir_module *m, int fn, const ir_expr *a)
{
    assert(fn >= 0);
    ir_expr *e = ex_new(m, IR_EX_CALL);
    e->fn = fn;
    e->a = a;
    return e;
}

const ir_expr *ir_ex_neg(ir_module *m, const ir_expr *a)
{
    if (a->kind == IR_EX_NUMBER)
        return ir_ex_number(m, -a->number);
    ir_expr *e = ex_new(m, IR_EX_NEG);
    e->a = a;
    return e;
}

/* ---- functions ---- */

static const ir_expr *d_sigmoid(ir_module *m, const ir_expr *y)
{
    const ir_expr *rest = ir_ex_binary(m, IR_EX_SUB, ir_ex_number(m, 1.0), y);
    return ir_ex_binary(m, IR_EX_MUL, y, rest);
}

static const ir_expr *d_tanh(ir_module *m, const ir_expr *y)
{
    return ir_ex_binary(m, IR_EX_SUB, ir_ex_number(m, 1.0),
                        ir_ex_binary(m, IR_EX_MUL, y, y));
}

static const ir_expr *d_exp(ir_module *m, const ir_expr *y)
{
    (void)m;
    return y;
}

const ir_fn ir_fns[] = {
    {"silu", "silu_f32", "dsilu", NULL},
    {"dsilu", "dsilu_f32", NULL, NULL},
    {"gelu_tanh", "gelu_tanh_f32", "dgelu_tanh", NULL},
    {"dgelu_tanh", "dgelu_tanh_f32", NULL, NULL},
    {"gelu_erf", "gelu_erf_f32", "dgelu_erf", NULL},
    {"dgelu_erf", "dgelu_erf_f32", NULL, NULL},
    {"sigmoid", "sigmoid_f32", NULL, d_sigmoid},
    {"tanh", "tanh_f32", NULL, d_tanh},
    {"exp", "exp_f32", NULL, d_exp},
};
const int ir_n_fns = (int)(sizeof ir_fns / sizeof ir_fns[0]);

int ir_fn_find(const char *name)
{
    for (int i = 0; i < ir_n_fns; i++)
        if (strcmp(ir_fns[i].name, name) == 0)
            return i;
    return -1;
}

const ir_expr *ir_ex_derive(ir_module *m, int fn, const ir_expr *a)
{
    const ir_fn *f = &ir_fns[fn];
    if (f->d_name)
        return ir_ex_call(m, ir_fn_find(f->d_name), a);
    return f->d_of ? f->d_of(m, ir_ex_call(m, fn, a)) : NULL;
}
