/* steps.c - the functions that append a module's steps to a program
 *
 * Values become ints (their number in the program). One that is read behind its
 * loop is an array with a place for each turn, one that is read behind its
 * condition a variable of the function; others are locals of their block.
 */
#include <ctype.h>
#include <string.h>

#include "emit/form.h"
#include "emit/model_text.h"
#include "graph/arch.h"
#include "ir/word.h"

typedef struct {
    ir_module *m;
    families *f;
    out *o;
    const char **name;  // [n_values] C name of a value, NULL: not named yet
    bool backward;      // as the mark outside of repeats was last set
    qvl_err *err;
} steps;

static int emit_block(steps *s, const ir_block *block);

/* ---- names ---- */

static bool taken(const steps *s, const char *name)
{
    if (ir_word_is_c(name, strlen(name)))
        return true;
    for (int i = 0; i < s->m->n_dims; i++)
        if (strcmp(s->m->dim_name[i], name) == 0)
            return true;
    for (int i = 0; i < s->m->n_params; i++)
        if (s->m->param[i].var && strcmp(s->m->param[i].var, name) == 0)
            return true;
    for (int i = 0; i < s->m->n_arrays; i++)
        if (strcmp(s->m->array[i].name, name) == 0)
            return true;
    for (int i = 0; i < s->m->n_values; i++)
        if (s->name[i] && strcmp(s->name[i], name) == 0)
            return true;
    return false;
}

static const char *c_name(steps *s, const ir_value *v)
{
    if (s->name[v->id])
        return s->name[v->id];
    char word[64];
    size_t n = 0;
    const char *p = v->name ? v->name : "t";
    if (!isalpha((unsigned char)*p))
        word[n++] = 't';
    for (; *p && n < 48; p++)
        word[n++] = isalnum((unsigned char)*p) ? *p : '_';
    word[n] = '\0';
    const char *name = qvl_arena_strdup(s->m->arena, word);
    for (int i = 2; taken(s, name); i++)
        name = qvl_arena_printf(s->m->arena, "%s_%d", word, i);
    s->name[v->id] = name;
    return name;
}

static const ir_region *repeat_of(const ir_region *r)
{
    while (r && r->kind != IR_REPEAT)
        r = r->outer;
    return r;
}

/* Turns of all repeats around a value, and its place among them. */
static void print_turns(steps *s, qvl_str *t, const ir_region *home)
{
    const ir_region *r = repeat_of(home);
    if (!r)
        return;
    const ir_region *more = repeat_of(r->outer);
    if (more) {
        print_turns(s, t, more);
        qvl_str_puts(t, " * ");
    }
    qvl_str_puts(t, "(size_t)");
    text_int(t, s->m, r->count);
}

static void print_turn(steps *s, qvl_str *t, const ir_region *home)
{
    const ir_region *r = repeat_of(home);
    const ir_region *more = repeat_of(r->outer);
    if (more) {
        qvl_str_putc(t, '(');
        print_turn(s, t, more);
        qvl_str_puts(t, ") * ");
        text_int(t, s->m, r->count);
        qvl_str_puts(t, " + ");
    }
    qvl_str_puts(t, r->var);
}

/* Is the value declared at the start of the function, to outlive its block? */
static bool is_kept(const ir_value *v)
{
    return v->escapes && v->home;
}

/* The value's number as a C expression. */
static void print_ref(steps *s, qvl_str *t, const ir_value *v)
{
    const ir_value *root = ir_root((ir_value *)v);
    if (root->kind == IR_V_PARAM || root->kind == IR_V_GRAD) {
        const char *word = root->kind == IR_V_GRAD ? "GRAD"
                           : root->cls == IR_F32   ? "VECTOR"
                                                   : "MATRIX";
        qvl_str_printf(t, "%s(", word);
        text_param(t, s->m, root->index);
        int list = s->m->param[root->index].list;
        if (list >= 0)
            qvl_str_printf(t, ", qvl_dims_place(d, %d, %s), ",
                           s->m->dim[list].list, root->layer);
        else
            qvl_str_printf(t, ", %s, ", root->layer ? root->layer : "0");
        text_elems(t, s->m, &root->shape);
        qvl_str_putc(t, ')');
        return;
    }
    if (root->kind == IR_V_STATE) {
        qvl_str_printf(t, "STATE(%d, %s, ", root->index,
                       root->layer ? root->layer : "0");
        text_elems(t, s->m, &root->shape);
        qvl_str_printf(t, ", \"%s\")", root->name);
        return;
    }
    qvl_str_puts(t, c_name(s, root));
    if (is_kept(root) && repeat_of(root->home)) {
        qvl_str_putc(t, '[');
        print_turn(s, t, root->home);
        qvl_str_putc(t, ']');
    }
}

/* ---- new values ---- */

/* Name for traces: "model.layers.%d.x" of layer l, or plain. */
static void print_trace_name(qvl_str *t, const ir_value *v)
{
    const ir_region *r = repeat_of(v->home);
    if (!r || !r->label) {
        qvl_str_printf(t, "\"%s\"", v->name ? v->name : "");
        return;
    }
    qvl_str_puts(t, "qvl_program_name(p, \"");
    for (const char *c = r->label; *c; c++) {
        if (*c == '{') {
            qvl_str_puts(t, "%d");
            c = strchr(c, '}');
        } else {
            qvl_str_putc(t, *c);
        }
    }
    qvl_str_printf(t, "%s\", %s)", v->name ? v->name : "", r->var);
}

/* Make a value of the program for an op's output or a space. */
static void emit_value(steps *s, const ir_value *v)
{
    qvl_str ref = {0}, n = {0}, name = {0};
    print_ref(s, &ref, v);
    text_elems(&n, s->m, &v->shape);
    print_trace_name(&name, v);
    qvl_str shape = {0};
    ir_print_shape(&shape, s->m, &v->shape);
    out_line(s->o, "%s%s =  // %s", is_kept(v) ? "" : "const int ", ref.p,
             shape.p);
    out_line(s->o, "    qvl_program_value(p, %s, %s, %s);",
             ir_classes[v->cls].constant, n.p, name.p);
    qvl_str_release(&ref);
    qvl_str_release(&n);
    qvl_str_release(&name);
    qvl_str_release(&shape);
}

typedef struct {
    steps *s;
    const ir_region *home;
    bool *seen;
} space_scan;

static void scan_value(space_scan *c, ir_value *v)
{
    ir_value *root = v ? ir_root(v) : NULL;
    if (!root || root->kind != IR_V_SPACE || root->home != c->home ||
        c->seen[root->id])
        return;
    c->seen[root->id] = true;
    emit_value(c->s, root);
}

static void scan_node(ir_node *n, void *arg)
{
    for (int i = 0; n->kind == IR_N_OP && i < n->op.n_out; i++)
        scan_value(arg, n->op.out[i]);
}

/* Memory that parts are written to exists before its first part. */
static void emit_spaces(steps *s, const ir_block *block)
{
    space_scan c = {.s = s, .home = block->owner,
                    .seen = qvl_arena_array(s->m->arena, bool,
                                            s->m->n_values)};
    ir_walk((ir_block *)block, scan_node, &c);
}

/* ---- arguments of a step ---- */

static void print_real(steps *s, qvl_str *t, const ir_real *r)
{
    qvl_str_puts(t, "qvl_f32_arg(");
    if (r->times != 1.0)
        qvl_str_printf(t, "%.17g * ", r->times);
    if (r->kind == IR_REAL_NUMBER)
        qvl_str_printf(t, "%.17g", r->number);
    else if (r->kind == IR_REAL_FLOAT_DIM)
        qvl_str_puts(t, s->m->dim_name[r->dim]);
    else {
        poly base = s->m->dim[r->dim].replaced ? s->m->dim[r->dim].is
                                               : poly_symbol(r->dim);
        qvl_str_puts(t, "pow((double)(");
        ir_print_poly(t, s->m, &base, false);
        qvl_str_printf(t, "), %.17g)", r->number);
    }
    qvl_str_putc(t, ')');
}

/* Value bound as buffer b: an operand or an extra. */
static const ir_value *bound(const ir_op *op, const int *map, int b)
{
    return map[b] >= 0 ? ir_operand(op, map[b]) : op->extra[-1 - map[b]];
}

static poly stride(const ir_op *op, const int *map, int b)
{
    const ir_value *v = bound(op, map, b);
    if (v->slice)
        return v->ld;
    poly rows, ld;
    if (map[b] < 0) {
        ir_store_shape(op, &rows, &ld);
        return ld;
    }
    const kern_operand *o = &op->k->operand[map[b]];
    ir_shape shape;
    ir_operand_shape(o, v, ir_by_rows(op), &shape);
    return ir_row_elems(&shape);
}

/* A float's bits, or the number itself, which ir_check wants whole. */
static void print_scalar(steps *s, qvl_str *t, const ir_op *op, int i)
{
    if (op->k->scalar[i].is_f32)
        print_real(s, t, &op->scalar[i]);
    else
        qvl_str_printf(t, "%.0f", op->scalar[i].number);
}

static void print_arg(steps *s, qvl_str *t, const ir_op *op,
                      const kern_arg *a, const poly *sym, const int *map)
{
    poly p = poly_number(0);
    switch (a->kind) {
    case KERN_ARG_DIM:
        p = sym[a->index];
        break;
    case KERN_ARG_OFF:
        if (bound(op, map, a->index)->slice)
            p = bound(op, map, a->index)->off;
        break;
    case KERN_ARG_LD:
        p = stride(op, map, a->index);
        break;
    case KERN_ARG_SCALAR:
        print_scalar(s, t, op, a->index);
        return;
    case KERN_ARG_ACC:
        qvl_str_putc(t, '0');
        return;
    }
    ir_print_poly(t, s->m, &p, false);
}

static void print_call(steps *s, qvl_str *t, const ir_node *n)
{
    const ir_op *op = &n->op;
    qvl_str_printf(t, "%s(", op->k->name);
    for (int i = 0; i < op->n_in; i++)
        qvl_str_printf(t, "%s%s", i ? ", " : "",
                       op->in[i] && op->in[i]->name ? op->in[i]->name : "-");
    qvl_str_putc(t, ')');
    if (op->expr) {
        const char *arg[KERN_MAX_EXTRA];
        for (int i = 0; i < op->n_extra; i++)
            arg[i] = op->extra[i]->name ? op->extra[i]->name : "?";
        qvl_str_puts(t, " -> ");
        ir_print_expr(t, op->expr, arg);
    }
    const char *file = strrchr(s->m->file, '/');
    qvl_str_printf(t, "   %s:%d", file ? file + 1 : s->m->file, n->line);
}

/* Outside of repeats the mark only tells forward from backward. */
static void emit_mark(steps *s, const ir_node *n)
{
    if (n->backward == s->backward || repeat_of(n->block->owner))
        return;
    s->backward = n->backward;
    out_line(s->o, "p->mark.backward = %s;", n->backward ? "true" : "false");
}

/* The end of a step: ARGS(...), each argument with its name in the kernel beside it,
 * and the line of the spec. */
static void emit_args(steps *s, const ir_node *n, const form_view *v,
                      const poly *sym)
{
    qvl_str line = {0}, arg = {0};
    qvl_str_puts(&line, "ARGS(");
    for (int i = 0; i < v->n_args; i++) {
        qvl_str_reset(&arg);
        print_arg(s, &arg, &n->op, &v->arg[i], sym, v->map);
        qvl_str_printf(&arg, " /*%s*/", form_arg_name(v, i).text);
        if (i > 0 && line.len + arg.len > 70) {
            out_line(s->o, "    %s,", line.p);
            qvl_str_reset(&line);
            qvl_str_puts(&line, "  ");
        } else if (i > 0) {
            qvl_str_puts(&line, ", ");
        }
        qvl_str_puts(&line, arg.p);
    }
    out_line(s->o, "    %s%s), %d);", line.p, v->n_args ? "" : "0", n->line);
    qvl_str_release(&line);
    qvl_str_release(&arg);
}

static int emit_op(steps *s, const ir_node *n)
{
    const ir_op *op = &n->op;
    int index;
    emit_mark(s, n);
    poly sym[KERN_MAX_SYMS];
    QVL_TRY(families_of_op(s->f, op, &index, s->err));
    QVL_TRY(ir_bind(s->m, op, sym, s->err));
    const kernel_family *fam = &s->f->family[index];
    form_view v;
    form_view_init(&v, s->f->form[fam->form[0]]);
    qvl_str call = {0};
    print_call(s, &call, n);
    out_line(s->o, "// %s", call.p);
    for (int i = 0; i < op->n_out; i++)
        if (op->out[i]->kind == IR_V_OP)
            emit_value(s, op->out[i]);
    out_line(s->o, "qvl_program_step(p, &%s,", fam->id);
    qvl_str_reset(&call);
    for (int b = 0; b < v.n_bufs; b++) {
        qvl_str_puts(&call, b ? ", " : "");
        print_ref(s, &call, bound(op, v.map, b));
    }
    out_line(s->o, "    VALUES(%s),", call.p);
    emit_args(s, n, &v, sym);
    qvl_str_release(&call);
    return QVL_OK;
}

/* ---- regions ---- */

/* An int that changes from turn to turn, named after what the loop carries. */
static const char *carry_name(steps *s, const ir_carry *c)
{
    return c_name(s, c->result);
}

static void emit_set(steps *s, const char *to, const ir_value *v)
{
    qvl_str t = {0};
    print_ref(s, &t, v);
    out_line(s->o, "%s = %s;", to, t.p);
    qvl_str_release(&t);
}

/* The result of a carry lives in its variable; one that outlives a repeat
 * around the region is kept in an array as well. */
static void emit_result(steps *s, const ir_carry *c, const char *var)
{
    if (!is_kept(c->result))
        return;
    qvl_str t = {0};
    print_ref(s, &t, c->result);
    out_line(s->o, "%s = %s;", t.p, var);
    qvl_str_release(&t);
}

static const char *carry_var(steps *s, const ir_carry *c)
{
    const char *name = carry_name(s, c);
    if (!is_kept(c->result))
        return name;
    return qvl_arena_printf(s->m->arena, "%s_now", name);
}

/* What follows belongs to a turn of repeat r, or to none. */
static void emit_turn_mark(steps *s, const ir_region *r, bool backward)
{
    qvl_str t = {0};
    if (r)
        print_turn(s, &t, r);
    out_line(s->o, "p->mark = (qvl_mark){%d, %s, %s};", r ? r->id : -1,
             r ? t.p : "0", backward ? "true" : "false");
    qvl_str_release(&t);
}

static int emit_repeat(steps *s, const ir_region *r, bool backward)
{
    qvl_str count = {0};
    const char *var[IR_MAX_CARRY];
    text_int(&count, s->m, r->count);
    for (int i = 0; i < r->n_carry; i++) {
        var[i] = carry_var(s, &r->carry[i]);
        out_line(s->o, "int %s;", var[i]);
        emit_set(s, var[i], r->carry[i].init);
    }
    if (r->reverse)
        out_line(s->o, "for (int %s = (int)%s - 1; %s >= 0; %s--) {", r->var,
                 count.p, r->var, r->var);
    else
        out_line(s->o, "for (int %s = 0; %s < (int)%s; %s++) {", r->var,
                 r->var, count.p, r->var);
    s->o->depth++;
    emit_turn_mark(s, r, backward);
    for (int i = 0; i < r->n_carry; i++) {
        qvl_str t = {0};
        print_ref(s, &t, r->carry[i].entry);
        out_line(s->o, "%s%s = %s;",
                 is_kept(r->carry[i].entry) ? "" : "const int ", t.p, var[i]);
        qvl_str_release(&t);
    }
    QVL_TRY(emit_block(s, &r->body));
    for (int i = 0; i < r->n_carry; i++)
        emit_set(s, var[i], r->carry[i].next);
    s->o->depth--;
    out_line(s->o, "}");
    emit_turn_mark(s, repeat_of(r->outer), backward);
    s->backward = backward;
    for (int i = 0; i < r->n_carry; i++)
        emit_result(s, &r->carry[i], var[i]);
    qvl_str_release(&count);
    return QVL_OK;
}

static int emit_if(steps *s, const ir_region *r)
{
    qvl_str cond = {0};
    const char *var[IR_MAX_CARRY];
    for (int i = 0; i < r->n_carry; i++) {
        var[i] = carry_var(s, &r->carry[i]);
        out_line(s->o, "int %s;", var[i]);
        emit_set(s, var[i], r->carry[i].init);
    }
    text_int(&cond, s->m, r->cond);
    out_line(s->o, "if (%s) {", cond.p);
    s->o->depth++;
    if (r->var) {
        qvl_str a = {0};
        text_int(&a, s->m, r->cond->a);
        out_line(s->o, "const int %s = qvl_dims_place(d, %d, %s);", r->var,
                 s->m->dim[r->cond->dim].list, a.p);
        out_line(s->o, "(void)%s;", r->var);
        qvl_str_release(&a);
    }
    QVL_TRY(emit_block(s, &r->body));
    for (int i = 0; i < r->n_carry; i++)
        emit_set(s, var[i], r->carry[i].next);
    s->o->depth--;
    out_line(s->o, "}");
    for (int i = 0; i < r->n_carry; i++)
        emit_result(s, &r->carry[i], var[i]);
    qvl_str_release(&cond);
    return QVL_OK;
}

static int emit_chunk(steps *s, const ir_region *r)
{
    const char *all = s->m->dim_name[r->dim];
    const char *by = s->m->dim_name[r->by];
    const char *rows = s->m->dim_name[r->rows];
    const char *first = s->m->dim_name[r->first];
    out_line(s->o, "for (int64_t %s = 0; %s < %s; %s += %s) {", first, first,
             all, first, by);
    s->o->depth++;
    out_line(s->o, "const int64_t %s = %s - %s < %s ? %s - %s : %s;", rows,
             all, first, by, all, first, by);
    bool backward = s->backward;
    QVL_TRY(emit_block(s, &r->body));
    if (s->backward != backward)  // as the next turn expects it
        out_line(s->o, "p->mark.backward = %s;", backward ? "true" : "false");
    s->backward = backward;
    s->o->depth--;
    out_line(s->o, "}");
    return QVL_OK;
}

/* ---- arrays of the spec ---- */

static void emit_store(steps *s, const ir_node *n)
{
    qvl_str at = {0}, v = {0};
    text_int(&at, s->m, n->at);
    print_ref(s, &v, n->value);
    out_line(s->o, "%s[%s] = %s;", s->m->array[n->array].name, at.p, v.p);
    qvl_str_release(&at);
    qvl_str_release(&v);
}

static int emit_load(steps *s, const ir_node *n)
{
    qvl_str at = {0}, v = {0};
    const ir_array *a = &s->m->array[n->array];
    text_int(&at, s->m, n->at);
    if (a->is_grad) {
        out_line(s->o, "if (%s[%s] < 0) {", a->name, at.p);
        s->o->depth++;
        QVL_TRY(emit_op(s, n));
        out_line(s->o, "%s[%s] = %s;", a->name, at.p,
                 c_name(s, n->op.out[0]));
        s->o->depth--;
        out_line(s->o, "}");
    }
    print_ref(s, &v, n->value);
    out_line(s->o, "%s%s = %s[%s];", is_kept(n->value) ? "" : "const int ",
             v.p, a->name, at.p);
    qvl_str_release(&at);
    qvl_str_release(&v);
    return QVL_OK;
}

static int emit_block(steps *s, const ir_block *block)
{
    emit_spaces(s, block);
    for (const ir_node *n = block->first; n; n = n->next) {
        if (n->kind == IR_N_REGION && n->region->kind != IR_REPEAT)
            emit_mark(s, n);
        if (n->kind == IR_N_OP)
            QVL_TRY(emit_op(s, n));
        else if (n->kind == IR_N_LOAD)
            QVL_TRY(emit_load(s, n));
        else if (n->kind == IR_N_STORE)
            emit_store(s, n);
        else if (n->region->kind == IR_REPEAT)
            QVL_TRY(emit_repeat(s, n->region, n->backward));
        else if (n->region->kind == IR_IF)
            QVL_TRY(emit_if(s, n->region));
        else
            QVL_TRY(emit_chunk(s, n->region));
    }
    return QVL_OK;
}

/* ---- the function ---- */

static void emit_arrays(steps *s)
{
    for (int i = 0; i < s->m->n_arrays; i++) {
        qvl_str n = {0};
        text_int(&n, s->m, s->m->array[i].count);
        out_line(s->o, "int *%s = qvl_program_ids(p, (size_t)%s);",
                 s->m->array[i].name, n.p);
        qvl_str_release(&n);
    }
    for (int i = 0; i < s->m->n_values; i++) {
        ir_value *v = s->m->value[i];
        if (v->kind == IR_V_VIEW || !is_kept(v) || v->n_uses == 0)
            continue;
        if (!repeat_of(v->home)) {
            out_line(s->o, "int %s = -1;", c_name(s, v));
            continue;
        }
        qvl_str n = {0};
        print_turns(s, &n, v->home);
        out_line(s->o, "int *%s = qvl_program_ids(p, %s);", c_name(s, v), n.p);
        qvl_str_release(&n);
    }
}

static void emit_inputs(steps *s)
{
    for (int i = 0; i < s->m->n_inputs; i++) {
        const ir_input *in = &s->m->input[i];
        if (in->value < 0 || s->m->value[in->value]->n_uses == 0)
            continue;
        qvl_str size = {0};
        text_elems(&size, s->m, &in->shape);
        out_line(s->o,
                 "const int %s = qvl_program_input(p, %d, %s, %s, "
                 "\"%s\");",
                 c_name(s, s->m->value[in->value]), i,
                 ir_classes[in->cls].constant, size.p, in->name);
        qvl_str_release(&size);
    }
}

static void print_sizes(qvl_str *t, const steps *s, const ir_shape *shape)
{
    for (int k = 0; k < shape->rank; k++) {
        qvl_str_puts(t, k ? ", " : "");
        ir_print_poly(t, s->m, &shape->d[k], false);
    }
}

static void emit_outputs(steps *s)
{
    for (int i = 0; i < s->m->n_outputs; i++) {
        const ir_output *x = &s->m->output[i];
        qvl_str t = {0};
        if (x->array < 0) {
            const ir_shape *shape = &x->value->shape;
            print_sizes(&t, s, shape);
            out_line(s->o,
                     "qvl_program_output(p, \"%s\", %s, %d, (const size_t[]){%s});",
                     x->name, c_name(s, ir_root(x->value)), shape->rank, t.p);
        } else {
            const ir_array *a = &s->m->array[x->array];
            qvl_str n = {0};
            text_int(&n, s->m, a->count);
            print_sizes(&t, s, &a->shape);
            const char *brace = strchr(x->name, '{');
            out_line(s->o, "for (int %s = 0; %s < (int)%s; %s++)", x->var,
                     x->var, n.p, x->var);
            out_line(s->o,
                     "    qvl_program_output(p, qvl_program_name(p, "
                     "\"%.*s%%d%s\", %s), %s[%s],",
                     (int)(brace - x->name), x->name, strchr(brace, '}') + 1,
                     x->var, a->name, x->var);
            out_line(s->o, "                       %d, (const size_t[]){%s});",
                     a->shape.rank, t.p);
            qvl_str_release(&n);
        }
        qvl_str_release(&t);
    }
}

int emit_steps(out *o, families *f, ir_module *m, const char *name,
               qvl_err *err)
{
    qvl_str body = {0};
    out b;
    out_init(&b, &body);
    b.depth = 1;
    steps s = {.m = m, .f = f, .o = &b, .err = err,
               .name = qvl_arena_array(m->arena, const char *, m->n_values)};
    emit_inputs(&s);
    emit_arrays(&s);
    int rc = emit_block(&s, &m->body);
    if (rc == QVL_OK)
        emit_outputs(&s);
    out_line(o, "static void %s(qvl_program *p, const qvl_dims *d)", name);
    out_open(o);
    out_line(o, "int at[N_FAMILIES];");
    text_dims(o, m, body.p ? body.p : "");
    out_line(o, "places(at, d);");
    out_text(o, body.p ? body.p : "");
    out_close(o, "");
    out_gap(o);
    qvl_str_release(&body);
    return rc;
}
