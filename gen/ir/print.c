/* print.c - a module as text, one node a line, for --dump and for tests
 *
 * Not all of it is for people: ir_print_poly and ir_operator_word make C for gen/emit,
 * ir_print_expr what stands in kernels, where the text also tells one form from
 * another. The dump is compared with files by tests/gen.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "ir/ir.h"

typedef struct {
    qvl_str *out;
    const ir_module *m;
} printer;

/* The replaced dim with most factors that divides the term, -1: none. A plain
 * number and another name of one dim stand for nothing. */
static int find_divisor(const ir_module *m, const poly *term, poly *quotient)
{
    int best = -1;
    for (int i = 0; i < m->n_dims; i++) {
        const poly *is = &m->dim[i].is;
        poly q;
        if (!m->dim[i].replaced || is->n != 1 || is->term[0].n == 0 ||
            (is->term[0].n == 1 && is->term[0].coef == 1))
            continue;
        if (best >= 0 && is->term[0].n <= m->dim[best].is.term[0].n)
            continue;
        if (poly_div(&q, term, is)) {
            best = i;
            *quotient = q;
        }
    }
    return best;
}

/* A product of dims, by the names of those that stand for several. */
static void print_term(qvl_str *out, const ir_module *m, const poly *term)
{
    poly rest;
    int64_t n;
    int dim = find_divisor(m, term, &rest);
    if (dim < 0) {
        poly_print(out, term, m->dim_name, false);
        return;
    }
    if (!poly_is_number(&rest, &n) || n != 1) {
        print_term(out, m, &rest);
        qvl_str_puts(out, " * ");
    }
    qvl_str_puts(out, m->dim_name[dim]);
}

void ir_print_poly(qvl_str *out, const ir_module *m, const poly *p, bool inner)
{
    bool in_parentheses = inner && p->n > 1;
    for (int i = 0; i < m->n_dims; i++)
        if (p->n > 1 && m->dim[i].replaced &&
            poly_equal(&m->dim[i].is, p)) {
            qvl_str_puts(out, m->dim_name[i]);
            return;
        }
    qvl_str_puts(out, p->n == 0 ? "0" : in_parentheses ? "(" : "");
    for (int i = 0; i < p->n; i++) {
        poly term = {.n = 1, .term = {p->term[i]}};
        qvl_str_puts(out, i ? " + " : "");
        print_term(out, m, &term);
    }
    qvl_str_puts(out, in_parentheses ? ")" : "");
}

void ir_print_shape(qvl_str *out, const ir_module *m, const ir_shape *s)
{
    qvl_str_putc(out, '[');
    for (int i = 0; i < s->rank; i++) {
        qvl_str_puts(out, i ? ", " : "");
        ir_print_poly(out, m, &s->d[i], false);
    }
    qvl_str_putc(out, ']');
}

const char *ir_operator_word(char op)
{
    static const struct {
        char op;
        const char *word;
    } words[] = {{'+', "+"},  {'-', "-"},  {'*', "*"},  {'/', "/"},
                 {'%', "%"},  {'<', "<"},  {'>', ">"},  {'l', "<="},
                 {'g', ">="}, {'=', "=="}, {'#', "!="}, {'&', "&&"},
                 {'|', "||"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].op == op)
            return words[i].word;
    assert(!"operator");
    return "";
}

void ir_print_int(qvl_str *out, const ir_module *m, const ir_int *e)
{
    switch (e->kind) {
    case IR_INT_NUMBER:
        qvl_str_printf(out, "%lld", (long long)e->number);
        break;
    case IR_INT_DIM:
        qvl_str_puts(out, m->dim_name[e->dim]);
        break;
    case IR_INT_VAR:
        qvl_str_puts(out, e->name);
        break;
    case IR_INT_COUNT:
        qvl_str_printf(out, "count(%s)", m->dim_name[e->dim]);
        break;
    case IR_INT_NOT:
        qvl_str_puts(out, "!(");
        ir_print_int(out, m, e->a);
        qvl_str_putc(out, ')');
        break;
    case IR_INT_IN:
        ir_print_int(out, m, e->a);
        qvl_str_printf(out, " in %s", m->dim_name[e->dim]);
        break;
    case IR_INT_BINARY:
        qvl_str_putc(out, '(');
        ir_print_int(out, m, e->a);
        qvl_str_printf(out, " %s ", ir_operator_word(e->op));
        ir_print_int(out, m, e->b);
        qvl_str_putc(out, ')');
        break;
    }
}

static void print_number(qvl_str *out, double v)
{
    char text[40];
    snprintf(text, sizeof text, "%.9g", v);
    qvl_str_puts(out, text);
    if (!strpbrk(text, ".en"))
        qvl_str_puts(out, ".0");
    qvl_str_putc(out, 'f');
}

/* The expression in the dialect of the kernels. */
void ir_print_expr(qvl_str *out, const ir_expr *e, const char *const *arg)
{
    static const char *const sign[] = {[IR_EX_ADD] = " + ",
                                       [IR_EX_SUB] = " - ",
                                       [IR_EX_MUL] = " * "};
    switch (e->kind) {
    case IR_EX_NUMBER:
        print_number(out, e->number);
        break;
    case IR_EX_VALUE:
        qvl_str_putc(out, 'v');
        break;
    case IR_EX_ARG:
        if (arg)
            qvl_str_puts(out, arg[e->arg]);
        else
            qvl_str_printf(out, "e%d", e->arg);
        break;
    case IR_EX_NEG:
        qvl_str_puts(out, "(-");
        ir_print_expr(out, e->a, arg);
        qvl_str_putc(out, ')');
        break;
    case IR_EX_CALL:
        qvl_str_printf(out, "%s(", ir_fns[e->fn].dialect);
        ir_print_expr(out, e->a, arg);
        qvl_str_putc(out, ')');
        break;
    default:
        qvl_str_putc(out, '(');
        ir_print_expr(out, e->a, arg);
        qvl_str_puts(out, sign[e->kind]);
        ir_print_expr(out, e->b, arg);
        qvl_str_putc(out, ')');
        break;
    }
}

static void print_ref(const printer *p, const ir_value *v)
{
    if (!v) {
        qvl_str_putc(p->out, '-');
        return;
    }
    switch (v->kind) {
    case IR_V_INPUT:
        qvl_str_printf(p->out, "$%s", v->name);
        break;
    case IR_V_PARAM:
        qvl_str_printf(p->out, "@%s", v->name);
        break;
    case IR_V_GRAD:
        qvl_str_printf(p->out, "grad@%s", v->name);
        break;
    case IR_V_STATE:
        qvl_str_printf(p->out, "state@%s", v->name);
        break;
    case IR_V_VIEW:
        qvl_str_printf(p->out, "%%%d:", v->id);
        print_ref(p, v->base);
        if (v->slice) {
            qvl_str_puts(p->out, "<");
            ir_print_poly(p->out, p->m, &v->off, false);
            qvl_str_puts(p->out, " ld ");
            ir_print_poly(p->out, p->m, &v->ld, false);
            qvl_str_puts(p->out, ">");
        }
        break;
    default:
        qvl_str_printf(p->out, "%%%d.%s", v->id, v->name ? v->name : "");
        break;
    }
}

/* After the size pass: how often what the program makes is used, and "!" when
 * outside of its region too. A view tells of what it is a view of. */
static void print_uses(const printer *p, ir_value *v)
{
    const ir_value *root = ir_root(v);
    if (!p->m->is_sized || root->kind == IR_V_GRAD ||
        root->kind == IR_V_STATE)
        return;
    qvl_str_printf(p->out, " {%d%s}", root->n_uses,
                   root->escapes ? "!" : "");
}

static void print_real(const printer *p, const ir_real *r)
{
    if (r->times != 1.0)
        qvl_str_printf(p->out, "%g * ", r->times);
    if (r->kind == IR_REAL_NUMBER)
        qvl_str_printf(p->out, "%g", r->number);
    else if (r->kind == IR_REAL_FLOAT_DIM)
        qvl_str_puts(p->out, p->m->dim_name[r->dim]);
    else
        qvl_str_printf(p->out, "%s ^ %g", p->m->dim_name[r->dim], r->number);
}

static void print_op(const printer *p, const ir_op *op)
{
    for (int i = 0; i < op->n_out; i++) {
        qvl_str_puts(p->out, i ? ", " : "");
        print_ref(p, op->out[i]);
        qvl_str_printf(p->out, " %s ", ir_classes[op->out[i]->cls].text);
        ir_print_shape(p->out, p->m, &op->out[i]->shape);
        print_uses(p, op->out[i]);
    }
    qvl_str_printf(p->out, " = %s(", op->k->name);
    for (int i = 0; i < op->n_in; i++) {
        qvl_str_puts(p->out, i ? ", " : "");
        print_ref(p, op->in[i]);
    }
    for (int i = 0; i < op->k->n_scalars; i++) {
        if (kern_is_first(op->k, i))
            continue;
        qvl_str_printf(p->out, ", %s=", op->k->scalar[i].name);
        print_real(p, &op->scalar[i]);
    }
    qvl_str_putc(p->out, ')');
    if (op->expr) {
        qvl_str_puts(p->out, " -> ");
        ir_print_expr(p->out, op->expr, NULL);
        for (int i = 0; i < op->n_extra; i++) {
            static const char *const kinds[] = {"", " by column", " by row"};
            qvl_str_printf(p->out, "%s e%d=", i ? "," : " with", i);
            print_ref(p, op->extra[i]);
            qvl_str_puts(p->out, kinds[op->extra_kind[i]]);
        }
    }
}

static void indent(const printer *p, int depth)
{
    for (int i = 0; i < depth; i++)
        qvl_str_puts(p->out, "  ");
}

static void print_region_head(const printer *p, const ir_region *r)
{
    if (r->kind == IR_REPEAT) {
        qvl_str_printf(p->out, "repeat %s < ", r->var);
        ir_print_int(p->out, p->m, r->count);
        qvl_str_puts(p->out, r->reverse ? " from the last" : "");
    } else if (r->kind == IR_IF) {
        qvl_str_puts(p->out, "if ");
        ir_print_int(p->out, p->m, r->cond);
        if (r->var)
            qvl_str_printf(p->out, " as %s", r->var);
    } else {
        qvl_str_printf(p->out, "chunk %s by %s", p->m->dim_name[r->dim],
                       p->m->dim_name[r->by]);
    }
    for (int i = 0; i < r->n_carry; i++) {
        const ir_carry *c = &r->carry[i];
        qvl_str_puts(p->out, i ? ", " : " carry ");
        print_ref(p, c->result);
        print_uses(p, c->result);
        qvl_str_puts(p->out, " = ");
        print_ref(p, c->init);
        qvl_str_puts(p->out, " then ");
        print_ref(p, c->entry);
        qvl_str_puts(p->out, " -> ");
        print_ref(p, c->next);
    }
    qvl_str_puts(p->out, ":\n");
}

static void print_block(const printer *p, const ir_block *block, int depth)
{
    for (const ir_node *n = block->first; n; n = n->next) {
        indent(p, depth);
        switch (n->kind) {
        case IR_N_OP:
            print_op(p, &n->op);
            qvl_str_printf(p->out, "  ; %d\n", n->line);
            break;
        case IR_N_REGION:
            print_region_head(p, n->region);
            print_block(p, &n->region->body, depth + 1);
            break;
        case IR_N_LOAD:
        case IR_N_STORE:
            if (n->kind == IR_N_LOAD) {
                print_ref(p, n->value);
                print_uses(p, n->value);
                qvl_str_puts(p->out, " = ");
            }
            qvl_str_printf(p->out, "%s[", p->m->array[n->array].name);
            ir_print_int(p->out, p->m, n->at);
            qvl_str_putc(p->out, ']');
            if (n->kind == IR_N_STORE) {
                qvl_str_puts(p->out, " = ");
                print_ref(p, n->value);
            }
            qvl_str_printf(p->out, "  ; %d\n", n->line);
            break;
        }
    }
}

void ir_print(qvl_str *out, const ir_module *m)
{
    printer p = {.out = out, .m = m};
    qvl_str_printf(out, "module %s\n", m->name);
    print_block(&p, &m->body, 1);
    for (int i = 0; i < m->n_outputs; i++) {
        const ir_output *o = &m->output[i];
        qvl_str_printf(out, "output %s = ", o->name);
        if (o->array >= 0)
            qvl_str_puts(out, m->array[o->array].name);
        else
            print_ref(&p, o->value);
        qvl_str_putc(out, '\n');
    }
}
