/* value.c - one expression of a spec as a value
 *
 *   parameters  by name, from the innermost prefix outwards, in a loop with its
 *               variable, and only where an `if` says that a parameter is there
 *   operators   + - * of values and numbers, each an op of the kernel `map`, which
 *               pass/fuse joins
 *   names       values of the program, inputs, parameters, elements of arrays
 *
 * Functions are call.c. A name hides an input, and an input a parameter.
 */
#include <string.h>

#include "pass/lower.h"

int lower_fail(lower *s, const expr *e, const char *what)
{
    return expr_fail(e->at, e->col, s->err, "%s", what);
}

int lower_place(lower *s, const expr *e)
{
    return expr_place(e->at, e->col, s->err);
}

/* ---- parameters ---- */

/* PREFIX NAME SUFFIX, from the innermost prefix outwards; an inner prefix may
 * stand behind any of the outer ones (a tap's merger is no part of its block).
 * -1: none. */
static int find_param(lower *s, const char *name, const char *suffix)
{
    for (int i = s->n_prefixes; i >= 0; i--)
        for (int k = i ? i - 1 : 0; k >= 0; k--) {
            const char *full = qvl_arena_printf(
                s->m->arena, "%s%s%s%s", lower_prefix(s, k),
                i ? s->prefix[i - 1] : "", name, suffix);
            int f = ir_param_find(s->m, full);
            if (f >= 0)
                return f;
        }
    return -1;
}

/* Does an `if` around say that `var` is in the list? */
static bool is_known_in(const lower *s, const char *var, int list)
{
    for (const ir_region *r = s->b.block->owner; r; r = r->outer)
        if (r->kind == IR_IF && r->cond->kind == IR_INT_IN &&
            r->cond->dim == list && r->cond->a->kind == IR_INT_VAR &&
            strcmp(r->cond->a->name, var) == 0)
            return true;
    return false;
}

static int param_value(lower *s, const expr *e, int family, ir_value **out)
{
    int list = s->m->param[family].list;
    const char *var = s->m->param[family].var;
    bool found = !var;
    for (lower_var *v = s->vars; v && var; v = v->next)
        found = found || strcmp(v->name, var) == 0;
    if (!found)
        return expr_fail(e->at, e->col, s->err,
                         "'%s' needs the loop variable %s",
                         s->m->param[family].name, var);
    if (list >= 0 && !is_known_in(s, var, list))
        return expr_fail(e->at, e->col, s->err,
                         "'%s' is not there in every turn: it goes behind "
                         "`if %s in %s`", s->m->param[family].name, var,
                         s->m->dim_name[list]);
    *out = ir_param_value(s->m, family, var);
    return QVL_OK;
}

/* What stands where something else was expected. */
static const char *const kind_words[] = {
    [EXPR_NUMBER] = "a number",    [EXPR_NAME] = "a name",
    [EXPR_CALL] = "a call",        [EXPR_INDEX] = "an element of an array",
    [EXPR_BINARY] = "an operator", [EXPR_UNARY] = "an operator",
};

/* NAME.suffix as a parameter of a layer; NULL when optional and not there. */
int lower_param(lower *s, const expr *e, const char *suffix,
                bool required, ir_value **out)
{
    *out = NULL;
    if (e->kind != EXPR_NAME)
        return expr_fail(e->at, e->col, s->err,
                         "found %s, expected the name of a parameter",
                         kind_words[e->kind]);
    int f = find_param(s, e->name, suffix);
    if (f >= 0)
        return param_value(s, e, f, out);
    if (!required)
        return QVL_OK;
    const char *at = lower_prefix(s, s->n_prefixes);
    return expr_fail(e->at, e->col, s->err, "no parameter '%s%s%s' in params",
                     at, e->name, suffix);
}

/* ---- elementwise operators ---- */

/* One side of an operator: a number, or a value added to arg[]. */
static int side(lower *s, const expr *e, ir_value **arg, int *n,
                const ir_expr **out)
{
    if (e->kind == EXPR_NUMBER) {
        *out = ir_ex_number(s->m, e->number);
        return QVL_OK;
    }
    QVL_TRY(lower_value(s, e, NULL, &arg[*n]));
    *out = ir_ex_arg(s->m, (*n)++);
    return QVL_OK;
}

/* An operator as a spec has it. */
static const char *operator_text(char op)
{
    static const struct {
        char op;
        const char *text;
    } words[] = {
        {'/', "/"},   {'%', "%"},  {'^', "^"},   {'<', "<"},   {'l', "<="},
        {'>', ">"},   {'g', ">="}, {'=', "=="},  {'#', "!="},  {'&', "and"},
        {'|', "or"},  {'i', "in"}, {'!', "not"},
    };
    size_t i = 0;
    while (words[i].op != op)
        i++;
    return words[i].text;
}

static int lower_operator(lower *s, const expr *e, const char *name,
                          ir_value **out)
{
    ir_value *arg[2];
    int n = 0;
    const ir_expr *a, *b = NULL, *ex;
    QVL_TRY(side(s, e->arg[0], arg, &n, &a));
    if (e->kind == EXPR_BINARY)
        QVL_TRY(side(s, e->arg[1], arg, &n, &b));
    if (n == 0)
        return lower_fail(s, e, "numbers alone are no value");
    const char *what;  // it is called, where the spec says no name
    if (e->kind == EXPR_UNARY && e->op == '-') {
        ex = ir_ex_neg(s->m, a);
        what = "negative";
    } else if (e->op == '+') {
        ex = ir_ex_binary(s->m, IR_EX_ADD, a, b);
        what = "sum";
    } else if (e->op == '-') {
        ex = ir_ex_binary(s->m, IR_EX_SUB, a, b);
        what = "difference";
    } else if (e->op == '*') {
        ex = ir_ex_binary(s->m, IR_EX_MUL, a, b);
        what = "product";
    } else {
        return expr_fail(e->at, e->col, s->err,
                         "found %s, expected + - or * between values",
                         operator_text(e->op));
    }
    *out = ir_map_add(&s->b, ex, arg, n, IR_ACT, NULL, name ? name : what,
                      s->err);
    return *out ? QVL_OK : lower_place(s, e);
}

/* ---- names ---- */

static int lower_by_name(lower *s, const expr *e, ir_value **out)
{
    lower_name *n = lower_find(s, e->name);
    if (n && n->value)
        return lower_in_chunk(s, n->value, out);
    if (n)
        return expr_fail(e->at, e->col, s->err,
                         "'%s' was set inside of a block above and has no "
                         "value here", e->name);
    int input = ir_input_find(s->m, e->name);
    if (input >= 0)
        return lower_in_chunk(s, ir_input_value(s->m, input), out);
    int f = find_param(s, e->name, "");
    if (f >= 0)
        return param_value(s, e, f, out);
    return expr_fail(e->at, e->col, s->err,
                     "no value, input or parameter '%s'", e->name);
}

static int lower_element(lower *s, const expr *e, ir_value **out)
{
    ir_module *m = s->m;
    int array = ir_array_find(m, e->name);
    if (array < 0)
        return expr_fail(e->at, e->col, s->err, "no array '%s'", e->name);
    ir_node *n = ir_node_new(m, IR_N_LOAD, s->b.line);
    n->array = array;
    QVL_TRY(spec_int(&n->at, m, e->arg[0], lower_vars(s), s->err));
    n->value = ir_value_new(m, IR_V_LOAD, e->name, m->array[array].cls,
                            &m->array[array].shape, s->b.block->owner);
    n->value->def = n;
    ir_append(s->b.block, n);
    *out = n->value;
    return QVL_OK;
}

int lower_value(lower *s, const expr *e, const char *name, ir_value **out)
{
    switch (e->kind) {
    case EXPR_NAME:
        return lower_by_name(s, e, out);
    case EXPR_INDEX:
        return lower_element(s, e, out);
    case EXPR_CALL:
        return lower_call(s, e, name, out);
    case EXPR_BINARY:
    case EXPR_UNARY:
        return lower_operator(s, e, name, out);
    default:
        return lower_fail(s, e, "a number alone is no value");
    }
}
