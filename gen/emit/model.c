/* model.c - what an architecture is, in C: dims, conditions, parameters, inputs
 *
 * Bodies are printed first and searched for the dims they name, which then stand
 * as locals above them: the text declares what it uses and nothing else. Sizes are
 * printed as the spec has them, as expressions over its dims.
 */
#include "emit/model.h"

#include <ctype.h>
#include <string.h>

#include "emit/model_text.h"
#include "graph/arch.h"

/* ---- expressions in C ---- */

void text_int(qvl_str *s, const ir_module *m, const ir_int *e)
{
    switch (e->kind) {
    case IR_INT_NUMBER:
        qvl_str_printf(s, "%lld", (long long)e->number);
        break;
    case IR_INT_DIM:
        qvl_str_puts(s, m->dim_name[e->dim]);
        break;
    case IR_INT_VAR:
        qvl_str_puts(s, e->name);
        break;
    case IR_INT_COUNT:
        qvl_str_printf(s, "d->n_list[%d]", m->dim[e->dim].list);
        break;
    case IR_INT_NOT:
        qvl_str_puts(s, "!(");
        text_int(s, m, e->a);
        qvl_str_putc(s, ')');
        break;
    case IR_INT_IN:
        qvl_str_printf(s, "(qvl_dims_place(d, %d, ", m->dim[e->dim].list);
        text_int(s, m, e->a);
        qvl_str_puts(s, ") >= 0)");
        break;
    case IR_INT_BINARY:
        if (e->op == '/' || e->op == '%') {
            qvl_str_puts(s, e->op == '/' ? "qvl_dims_div(" : "qvl_dims_mod(");
            text_int(s, m, e->a);
            qvl_str_puts(s, ", ");
            text_int(s, m, e->b);
            qvl_str_putc(s, ')');
            break;
        }
        qvl_str_putc(s, '(');
        text_int(s, m, e->a);
        qvl_str_printf(s, " %s ", ir_operator_word(e->op));
        text_int(s, m, e->b);
        qvl_str_putc(s, ')');
        break;
    }
}

void text_elems(qvl_str *s, const ir_module *m, const ir_shape *shape)
{
    bool is_first = true;
    for (int i = 0; i < shape->rank; i++) {
        int64_t n;
        if (poly_is_number(&shape->d[i], &n) && n == 1)
            continue;
        qvl_str_puts(s, is_first ? "" : " * ");
        ir_print_poly(s, m, &shape->d[i], shape->rank > 1);
        is_first = false;
    }
    qvl_str_puts(s, is_first ? "1" : "");
}

/* Does p stand in a comment that begins on its line? */
static bool in_comment(const char *text, const char *p)
{
    bool is_closed = false;
    for (; p > text && p[-1] != '\n'; p--) {
        if (p[-1] == '/' && (p[0] == '/' || (p[0] == '*' && !is_closed)))
            return true;
        if (p[-1] == '*' && p[0] == '/')
            is_closed = true;
        else if (p[-1] == '/' && p[0] == '*')
            is_closed = false;
    }
    return false;
}

/* Does the text use a variable of this name? Macros are called: A(...), V(...). */
static bool names_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = strstr(text, word); p; p = strstr(p + 1, word)) {
        if (in_comment(text, p))
            continue;
        bool before = p > text && (isalnum((unsigned char)p[-1]) ||
                                   strchr("_.>\"%", p[-1]));
        bool after = isalnum((unsigned char)p[n]) || p[n] == '_' ||
                     p[n] == '(';
        if (!before && !after)
            return true;
    }
    return false;
}

void text_dims(out *o, const ir_module *m, const char *body)
{
    for (int i = 0; i < m->n_dims; i++) {
        const ir_dim *d = &m->dim[i];
        if (d->type == IR_DIM_LIST || d->source == IR_DIM_LOCAL ||
            !names_word(body, d->name))
            continue;
        if (d->type == IR_DIM_FLOAT)
            out_line(o, "const double %s = d->f[%d];", d->name, i);
        else
            out_line(o, "const int64_t %s = d->i[%d];", d->name, i);
    }
}

/* A parameter's name as a C word. */
void text_param(qvl_str *s, const ir_module *m, int index)
{
    qvl_str_puts(s, "W_");
    for (const char *p = m->param[index].name; *p; p++)
        if (isalnum((unsigned char)*p) || *p == '_')
            qvl_str_putc(s, *p);
        else if (*p != '{' && *p != '}')
            qvl_str_putc(s, '_');
}

/* ---- tables ---- */

#define DIM(name) [IR_DIM_##name] = "QVL_DIM_" #name
static const char *const type_words[] = {DIM(INT), DIM(FLOAT), DIM(BOOL),
                                         DIM(LIST)};
static const char *const source_words[] = {DIM(CONFIG), DIM(DERIVED),
                                           DIM(BATCH)};

static int n_named_dims(const ir_module *m)
{
    int n = 0;
    while (n < m->n_dims && m->dim[n].source != IR_DIM_LOCAL)
        n++;
    return n;
}

static void emit_tables(out *o, const ir_module *m)
{
    out_line(o, "static const qvl_arch_dim dims[] = {");
    o->depth++;
    for (int i = 0; i < n_named_dims(m); i++) {
        const ir_dim *d = &m->dim[i];
        out_line(o, "{\"%s\", %s, %s, %s%s%s, %d},", d->name,
                 type_words[d->type], source_words[d->source],
                 d->key ? "\"" : "", d->key ? d->key : "NULL",
                 d->key ? "\"" : "", d->type == IR_DIM_LIST ? d->list : -1);
    }
    o->depth--;
    out_line(o, "};");
    out_gap(o);
    out_line(o, "static const qvl_arch_input inputs[] = {");
    o->depth++;
    for (int i = 0; i < m->n_inputs; i++)
        out_line(o, "{\"%s\", %s, %d},", m->input[i].name,
                 ir_kinds[m->input[i].kind].constant, m->input[i].of);
    o->depth--;
    out_line(o, "};");
    out_gap(o);
    out_line(o, "static const char *const model_types[] = {");
    o->depth++;
    for (int i = 0; i < m->n_model_types; i++)
        out_line(o, "\"%s\",", m->model_type[i]);
    o->depth--;
    out_line(o, "};");
    out_gap(o);
}

/* ---- derived dims and conditions ---- */

/* ", V=..." for every dim of a condition, and the values for printf. */
static void condition_dims(qvl_str *format, qvl_str *values,
                           const ir_module *m, const ir_int *e)
{
    if (!e)
        return;
    if (e->kind == IR_INT_DIM) {
        qvl_str_printf(format, ", %s = %%lld", m->dim_name[e->dim]);
        qvl_str_printf(values, ", (long long)%s", m->dim_name[e->dim]);
    } else if (e->kind == IR_INT_COUNT) {
        qvl_str_printf(format, ", count(%s) = %%d", m->dim_name[e->dim]);
        qvl_str_printf(values, ", d->n_list[%d]", m->dim[e->dim].list);
    } else {
        condition_dims(format, values, m, e->a);
        condition_dims(format, values, m, e->b);
    }
}

static void print_percent(qvl_str *s, const char *text)
{
    for (; *text; text++) {
        qvl_str_putc(s, *text);
        if (*text == '%')
            qvl_str_putc(s, '%');
    }
}

static void emit_condition(out *o, const ir_module *m, const ir_int *cond,
                           const char *said)
{
    qvl_str c = {0}, format = {0}, values = {0};
    text_int(&c, m, cond);
    print_percent(&format, said);
    qvl_str_puts(&format, ")");
    condition_dims(&format, &values, m, cond);
    out_line(o, "if (!%s%s%s)", c.p[0] == '(' ? "" : "(", c.p,
             c.p[0] == '(' ? "" : ")");
    out_line(o, "    return qvl_fail(err, QVL_E_MODEL,");
    out_line(o, "                    \"these dims do not make a %s model "
                "(wanted %s\"%s);", m->name, format.p,
             values.p ? values.p : "");
    qvl_str_release(&c);
    qvl_str_release(&format);
    qvl_str_release(&values);
}

/* Values that meet the condition, in the list's place. */
static void emit_derived_list(out *o, const ir_module *m, int i)
{
    const ir_dim *dim = &m->dim[i];
    qvl_str count = {0}, cond = {0};
    text_int(&count, m, dim->count);
    text_int(&cond, m, dim->value);
    out_line(o, "d->n_list[%d] = 0;", dim->list);
    out_line(o, "for (int64_t %s = 0; %s < %s; %s++) {  // %s", dim->var,
             dim->var, count.p, dim->var, dim->name);
    o->depth++;
    out_line(o, "if (!(%s))", cond.p);
    out_line(o, "    continue;");
    out_line(o, "if (d->n_list[%d] == QVL_MAX_LIST)", dim->list);
    out_line(o, "    return qvl_fail(err, QVL_E_MODEL,");
    out_line(o, "                    \"these dims make no %s model: more than "
                "%%d values of %s\", QVL_MAX_LIST);", m->name, dim->name);
    out_line(o, "d->list[%d][d->n_list[%d]++] = (int)%s;", dim->list,
             dim->list, dim->var);
    o->depth--;
    out_line(o, "}");
    qvl_str_release(&count);
    qvl_str_release(&cond);
}

static void emit_derived(out *o, const ir_module *m, int i)
{
    if (m->dim[i].type == IR_DIM_LIST) {
        emit_derived_list(o, m, i);
        return;
    }
    const ir_int *e = m->dim[i].value;
    qvl_str v = {0};
    text_int(&v, m, e);
    if (e->kind == IR_INT_BINARY && e->op == '/') {
        ir_int rest = *e, zero = {.kind = IR_INT_NUMBER};
        rest.op = '%';
        ir_int whole = {.kind = IR_INT_BINARY, .op = '=', .a = &rest,
                        .b = &zero};
        qvl_str said = {0};
        ir_print_int(&said, m, &whole);
        emit_condition(o, m, &whole, said.p);
        qvl_str_release(&said);
    }
    out_line(o, "const int64_t %s = %s;", m->dim_name[i], v.p);
    out_line(o, "d->i[%d] = %s;", i, m->dim_name[i]);
    qvl_str_release(&v);
}

static void emit_derive(out *o, const ir_module *m)
{
    qvl_str body = {0};
    out b = *o;
    b.s = &body;
    b.depth = 1;
    for (int i = 0; i < m->n_dims; i++)
        if (m->dim[i].source == IR_DIM_DERIVED)
            emit_derived(&b, m, i);
    for (int i = 0; i < m->n_conditions; i++)
        emit_condition(&b, m, m->condition[i].cond, m->condition[i].text);
    out_line(o, "static int derive(qvl_dims *d, qvl_err *err)");
    out_open(o);
    for (int i = 0; i < m->n_dims; i++) {
        const ir_dim *d = &m->dim[i];
        bool given = d->source == IR_DIM_CONFIG || d->source == IR_DIM_BATCH;
        if (given && (d->type == IR_DIM_INT || d->type == IR_DIM_BOOL) &&
            body.p && names_word(body.p, d->name))
            out_line(o, "const int64_t %s = d->i[%d];", d->name, i);
    }
    if (body.p)
        out_text(o, body.p);
    out_line(o, "(void)d;");
    out_line(o, "(void)err;");
    out_line(o, "return QVL_OK;");
    out_close(o, "");
    out_gap(o);
    qvl_str_release(&body);
}

/* ---- parameters ---- */

static void emit_param_places(out *o, const ir_module *m)
{
    qvl_str body = {0}, name = {0};
    out_line(o, "/* Families of parameters, in the spec's order. */");
    out_line(o, "enum {");
    for (int i = 0; i < m->n_params; i++) {
        qvl_str_reset(&name);
        text_param(&name, m, i);
        out_line(o, "    %s,", name.p);
    }
    out_line(o, "    N_FAMILIES");
    out_line(o, "};");
    out_gap(o);
    out b = *o;
    b.s = &body;
    b.depth = 1;
    for (int i = 0; i < m->n_params; i++) {
        const ir_param *p = &m->param[i];
        qvl_str count = {0};
        qvl_str_reset(&name);
        text_param(&name, m, i);
        if (p->count)
            text_int(&count, m, p->count);
        if (p->same_as >= 0) {
            qvl_str tie = {0};
            text_int(&tie, m, p->tied_if);
            qvl_str_puts(&tie, " ? at[");
            text_param(&tie, m, p->same_as);
            out_line(&b, "at[%s] = %s] : n;", name.p, tie.p);
            qvl_str_release(&tie);
        } else {
            out_line(&b, "at[%s] = n;", name.p);
        }
        out_line(&b, "n += (int)%s;", count.p ? count.p : "1");
        qvl_str_release(&count);
    }
    out_line(o, "static const char *const family_name[] = {");
    for (int i = 0; i < m->n_params; i++)
        out_line(o, "    \"%s\",", m->param[i].name);
    out_line(o, "};");
    out_gap(o);
    out_line(o, "/* Where each family starts in the list of parameters; a tied "
                "one where");
    out_line(o, " * the one starts that it is tied to. */");
    out_line(o, "static int places(int *at, const qvl_dims *d)");
    out_open(o);
    text_dims(o, m, body.p);
    out_line(o, "int n = 0;");
    out_line(o, "(void)d;");
    out_text(o, body.p);
    out_line(o, "return n;");
    out_close(o, "");
    out_gap(o);
    qvl_str_release(&body);
    qvl_str_release(&name);
}

/* "a.{b}.c" as a printf format. */
static void print_format(qvl_str *s, const char *name)
{
    for (; *name; name++) {
        if (*name == '{') {
            qvl_str_puts(s, "%d");
            name = strchr(name, '}');
        } else {
            qvl_str_putc(s, *name);
        }
    }
}

static void emit_param(out *o, const ir_module *m, int i)
{
    const ir_param *p = &m->param[i];
    qvl_str s = {0};
    qvl_str_puts(&s, "const size_t shape[] = {");
    for (int k = 0; k < p->shape.rank; k++) {
        qvl_str_puts(&s, k ? ", (size_t)(" : "(size_t)(");
        ir_print_poly(&s, m, &p->shape.d[k], false);
        qvl_str_putc(&s, ')');
    }
    qvl_str_puts(&s, "};");
    out_line(o, "%s", s.p);
    qvl_str_reset(&s);
    qvl_str_puts(&s, "-1");
    if (p->same_as >= 0) {
        qvl_str_reset(&s);
        text_int(&s, m, p->tied_if);
        qvl_str_puts(&s, " ? at[");
        text_param(&s, m, p->same_as);
        qvl_str_puts(&s, "] : -1");
    }
    qvl_str f = {0};
    print_format(&f, p->name);
    out_line(o, "snprintf(name, sizeof name, \"%s\"%s%s);", f.p,
             p->var ? ", " : "", p->var ? p->var : "");
    out_line(o, "qvl_param_list_add(list, name, \"%s\", %d, shape, %s, %s);",
             p->group, p->shape.rank, s.p, p->transposable ? "true" : "false");
    qvl_str_release(&s);
    qvl_str_release(&f);
}

/* Bytes for any parameter's name: a template and the number of a layer. */
static size_t longest_name(const ir_module *m)
{
    size_t most = 0;
    for (int i = 0; i < m->n_params; i++)
        if (strlen(m->param[i].name) > most)
            most = strlen(m->param[i].name);
    return most + sizeof "-2147483648";
}

static void emit_params(out *o, const ir_module *m)
{
    qvl_str body = {0};
    out b = *o;
    b.s = &body;
    b.depth = 1;
    for (int i = 0; i < m->n_params; i++) {
        const ir_param *p = &m->param[i];
        qvl_str count = {0};
        if (p->list >= 0) {
            int list = m->dim[p->list].list;
            out_line(&b, "for (int n = 0; n < d->n_list[%d]; n++) {", list);
            out_line(&b, "    const int %s = d->list[%d][n];", p->var, list);
        } else if (p->count) {
            text_int(&count, m, p->count);
            out_line(&b, "for (int %s = 0; %s < (int)%s; %s++) {", p->var,
                     p->var, count.p, p->var);
        } else {
            out_line(&b, "{");
        }
        b.depth++;
        emit_param(&b, m, i);
        b.depth--;
        out_line(&b, "}");
        qvl_str_release(&count);
    }
    out_line(o, "static void params(qvl_param_list *list, const qvl_dims *d)");
    out_open(o);
    out_line(o, "int at[N_FAMILIES];");
    out_line(o, "char name[%zu];", longest_name(m));
    text_dims(o, m, body.p);
    out_line(o, "places(at, d);");
    out_text(o, body.p);
    out_close(o, "");
    out_gap(o);
    qvl_str_release(&body);
}

/* ---- inputs ---- */

static void emit_input_sizes(out *o, const ir_module *m)
{
    qvl_str body = {0};
    out b = *o;
    b.s = &body;
    b.depth = 1;
    for (int i = 0; i < m->n_inputs; i++) {
        const ir_input *in = &m->input[i];
        poly cols = in->kind == QVL_INPUT_ANGLES ? in->shape.d[2]
                                                 : ir_row_elems(&in->shape);
        qvl_str s = {0};
        qvl_str_puts(&s, "(size_t)(");
        text_elems(&s, m, &in->shape);
        qvl_str_puts(&s, "), (size_t)(");
        ir_print_poly(&s, m, &cols, false);
        qvl_str_puts(&s, "), (size_t)(");
        ir_print_poly(&s, m, &in->table, false);
        qvl_str_putc(&s, ')');
        out_line(&b, "size[%d] = (qvl_input_size){%s};  // %s", i, s.p,
                 in->name);
        qvl_str_release(&s);
    }
    out_line(o, "static void input_sizes(qvl_input_size *size, "
                "const qvl_dims *d)");
    out_open(o);
    text_dims(o, m, body.p);
    out_text(o, body.p);
    out_close(o, "");
    out_gap(o);
    qvl_str_release(&body);
}

/* ---- the whole ---- */

int emit_model(qvl_str *s, families *f, ir_module *const phase[IR_N_PHASE],
               const char *header, qvl_err *err)
{
    const ir_module *m = phase[IR_INFER];
    bool has_cache = m->n_states > 0;
    out o;
    out_init(&o, s);
    out_line(&o, "/* Generated from %s: the architecture %s. */", m->file,
             m->name);
    out_line(&o, "/* qvl_f_KERNEL_LETTERS_eN_TAIL: a letter an operand (a act, "
                 "r res, w weight, f f32,");
    out_line(&o, " * i i32, x absent), expression N, and a pair an operand of "
                 "it (s of its shape,");
    out_line(&o, " * c by column, r by row; then its letter as above). */");
    out_line(&o, "#include <math.h>");
    out_line(&o, "#include <stdio.h>");
    out_gap(&o);
    out_line(&o, "#include \"graph/arch.h\"");
    out_line(&o, "#include \"%s\"", header);
    out_gap(&o);
    out_line(&o, "#define VALUES(...) ((const int[]){__VA_ARGS__})");
    out_line(&o, "#define MATRIX(f, l, n) qvl_program_param(p, at[f] + (l), "
                 "QVL_CLS_WEIGHT, n, family_name[f])");
    out_line(&o, "#define VECTOR(f, l, n) qvl_program_param(p, at[f] + (l), "
                 "QVL_CLS_F32, n, family_name[f])");
    out_line(&o, "#define GRAD(f, l, n) qvl_program_grad(p, at[f] + (l), n, "
                 "family_name[f])");
    out_line(&o, "#define STATE(s, l, n, name) qvl_program_state(p, (s) + %d * "
                 "(l), QVL_CLS_ACT, n, name)", m->n_states);
    out_line(&o, "#define ARGS(...) ((const uint32_t[]){__VA_ARGS__})");
    out_gap(&o);
    emit_tables(&o, m);
    emit_derive(&o, m);
    emit_param_places(&o, m);
    emit_params(&o, m);
    emit_input_sizes(&o, m);
    QVL_TRY(emit_steps(&o, f, phase[IR_INFER], "infer", err));
    if (has_cache)
        QVL_TRY(emit_steps(&o, f, phase[IR_DECODE], "decode", err));
    QVL_TRY(emit_steps(&o, f, phase[IR_TRAIN], "train", err));
    out_line(&o, "const qvl_arch qvl_arch_%s = {", m->name);
    out_line(&o, "    .name = \"%s\",", m->name);
    out_line(&o, "    .model_type = model_types,");
    out_line(&o, "    .n_model_types = %d,", m->n_model_types);
    out_line(&o, "    .dim = dims,");
    out_line(&o, "    .n_dims = %d,", n_named_dims(m));
    out_line(&o, "    .input = inputs,");
    out_line(&o, "    .n_inputs = %d,", m->n_inputs);
    out_line(&o, "    .derive = derive,");
    out_line(&o, "    .params = params,");
    out_line(&o, "    .input_sizes = input_sizes,");
    out_line(&o, "    .infer = infer,");
    out_line(&o, "    .decode = %s,", has_cache ? "decode" : "NULL");
    out_line(&o, "    .train = train,");
    out_line(&o, "};");
    return QVL_OK;
}
