/* size.c - expressions of a spec as whole numbers and as sizes
 *
 * The same expression is read in two ways. As a whole number it stays a tree,
 * which the emitted code evaluates: conditions, lengths, derived dims. As a size
 * it is a polynomial, so that shapes can be compared before any number is known;
 * that leaves + - * and quotients without a rest.
 */
#include <string.h>

#include "front/spec.h"

static ir_int *int_new(ir_module *m, int kind)
{
    ir_int *e = qvl_arena_array(m->arena, ir_int, 1);
    e->kind = kind;
    return e;
}

/* A number of the spec as one that sizes can be made of. */
static int whole_number(const expr *e, int64_t *out, qvl_err *err)
{
    if (!e->is_int)
        return expr_fail(e->at, e->col, err, "expected a whole number");
    if (e->number > POLY_MAX_COEF)
        return expr_fail(e->at, e->col, err,
                         "expected a number of at most %d", POLY_MAX_COEF);
    *out = (int64_t)e->number;
    return QVL_OK;
}

static bool is_var(const char *const *vars, const char *name)
{
    for (; vars && *vars; vars++)
        if (strcmp(*vars, name) == 0)
            return true;
    return false;
}

static int list_dim(ir_module *m, const expr *e, int *dim, qvl_err *err)
{
    int d = e->kind == EXPR_NAME ? spec_dim_find(m, e->name) : -1;
    if (d < 0 || m->dim[d].type != IR_DIM_LIST)
        return expr_fail(e->at, e->col, err, "expected the name of a list");
    *dim = d;
    return QVL_OK;
}

static int int_name(const ir_int **out, ir_module *m, const expr *e,
                    const char *const *vars, qvl_err *err)
{
    ir_int *r;
    if (is_var(vars, e->name)) {
        r = int_new(m, IR_INT_VAR);
        r->name = e->name;
    } else {
        int d = spec_dim_find(m, e->name);
        if (d < 0) {
            const char *near =
                qvl_str_nearest(e->name, m->dim_name, (size_t)m->n_dims);
            return expr_fail(e->at, e->col, err, "no dim '%s'%s%s%s", e->name,
                             near ? "; did you mean '" : "", near ? near : "",
                             near ? "'?" : "");
        }
        if (m->dim[d].type != IR_DIM_INT && m->dim[d].type != IR_DIM_BOOL)
            return expr_fail(e->at, e->col, err, "'%s' is not a whole number",
                             e->name);
        r = int_new(m, IR_INT_DIM);
        r->dim = d;
    }
    *out = r;
    return QVL_OK;
}

static int int_binary(const ir_int **out, ir_module *m, const expr *e,
                      const char *const *vars, qvl_err *err)
{
    if (e->op == '^')
        return expr_fail(e->at, e->col, err, "a power is no whole number");
    if (e->op == 'i') {
        ir_int *r = int_new(m, IR_INT_IN);
        QVL_TRY(spec_int(&r->a, m, e->arg[0], vars, err));
        QVL_TRY(list_dim(m, e->arg[1], &r->dim, err));
        *out = r;
        return QVL_OK;
    }
    ir_int *r = int_new(m, IR_INT_BINARY);
    r->op = e->op;
    QVL_TRY(spec_int(&r->a, m, e->arg[0], vars, err));
    QVL_TRY(spec_int(&r->b, m, e->arg[1], vars, err));
    *out = r;
    return QVL_OK;
}

int spec_int(const ir_int **out, ir_module *m, const expr *e,
             const char *const *vars, qvl_err *err)
{
    ir_int *r;
    switch (e->kind) {
    case EXPR_NUMBER:
        r = int_new(m, IR_INT_NUMBER);
        QVL_TRY(whole_number(e, &r->number, err));
        break;
    case EXPR_NAME:
        return int_name(out, m, e, vars, err);
    case EXPR_CALL:
        if (strcmp(e->name, "count") != 0 || e->n != 1)
            return expr_fail(e->at, e->col, err,
                             "the only function here is count(LIST)");
        r = int_new(m, IR_INT_COUNT);
        QVL_TRY(list_dim(m, e->arg[0], &r->dim, err));
        break;
    case EXPR_BINARY:
        return int_binary(out, m, e, vars, err);
    case EXPR_UNARY:
        r = int_new(m, e->op == '!' ? IR_INT_NOT : IR_INT_BINARY);
        QVL_TRY(spec_int(&r->a, m, e->arg[0], vars, err));
        if (e->op == '-') {
            r->op = '-';
            r->b = r->a;
            r->a = int_new(m, IR_INT_NUMBER);
        }
        break;
    default:
        return expr_fail(e->at, e->col, err, "expected a whole number");
    }
    *out = r;
    return QVL_OK;
}

int spec_size(poly *out, ir_module *m, const expr *e, qvl_err *err)
{
    poly a, b;
    int64_t number;
    int d;
    switch (e->kind) {
    case EXPR_NUMBER:
        QVL_TRY(whole_number(e, &number, err));
        *out = poly_number(number);
        return QVL_OK;
    case EXPR_NAME:
        d = spec_dim_find(m, e->name);
        if (d < 0 || m->dim[d].type != IR_DIM_INT) {
            const char *near =
                qvl_str_nearest(e->name, m->dim_name, (size_t)m->n_dims);
            return expr_fail(e->at, e->col, err, "no dim '%s'%s%s%s", e->name,
                             near ? "; did you mean '" : "", near ? near : "",
                             near ? "'?" : "");
        }
        *out = spec_dim_size(m, d);
        return QVL_OK;
    case EXPR_BINARY:
        QVL_TRY(spec_size(&a, m, e->arg[0], err));
        QVL_TRY(spec_size(&b, m, e->arg[1], err));
        if ((e->op == '+' && poly_add(out, &a, &b)) ||
            (e->op == '-' && poly_sub(out, &a, &b)) ||
            (e->op == '*' && poly_mul(out, &a, &b)) ||
            (e->op == '/' && poly_div(out, &a, &b)))
            return QVL_OK;
        if (e->op == '+' || e->op == '-' || e->op == '*')
            return expr_fail(e->at, e->col, err, "a size that is "
                             POLY_TOO_LONG);
        return expr_fail(e->at, e->col, err,
                         "a size is made of +, - and *; name a quotient under "
                         "'derived'");
    default:
        return expr_fail(e->at, e->col, err, "expected a size");
    }
}
