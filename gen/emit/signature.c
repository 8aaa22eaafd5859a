/* signature.c - signatures of kernels, and names of columns, as headers in C
 *
 * Positions are an enum each for buffers and arguments of a kernel, so numbers are
 * those of the form (kern_buffers, kern_args) by the order in which they are
 * listed.
 */
#include "emit/signature.h"

#include <ctype.h>
#include <string.h>

#include "emit/form.h"

/* "QVL_TALLY_ARG_N," from "tally", "ARG_" and "n". */
static void emit_position(out *o, const char *kernel, const char *what,
                          const char *name)
{
    qvl_str s = {0};
    qvl_str_printf(&s, "QVL_%s_%s%s", kernel, what, name);
    for (size_t i = 0; i < s.len; i++)
        s.p[i] = (char)toupper((unsigned char)s.p[i]);
    out_line(o, "%s,", s.p);
    qvl_str_release(&s);
}

static void emit_positions(out *o, const form_view *v)
{
    out_line(o, "enum {");
    o->depth++;
    for (int b = 0; b < v->n_bufs; b++)
        emit_position(o, v->k->name, "", form_buf_name(v, b).text);
    emit_position(o, v->k->name, "", "n_bufs");
    o->depth--;
    out_line(o, "};");
    out_line(o, "enum {");
    o->depth++;
    for (int a = 0; a < v->n_args; a++)
        emit_position(o, v->k->name, "arg_", form_arg_name(v, a).text);
    emit_position(o, v->k->name, "", "n_args");
    o->depth--;
    out_line(o, "};");
}

/* What a setter puts: the buffers of a form, or its arguments. */
typedef struct {
    const char *what;  // end of the setter's name
    const char *type;  // in C
    form_name (*name)(const form_view *v, int i);
    int n;
} setting;

/* `qvl_tally_bufs(to, x, y)`: an operand that a caller leaves out does not
 * compile. */
static void emit_setter(out *o, const form_view *v, const setting *s)
{
    out_list list = {0};
    out_line(o, "static inline void qvl_%s_%s(", v->k->name, s->what);
    o->depth++;
    out_item(o, &list, "%s *to", s->type);
    for (int i = 0; i < s->n; i++)
        out_item(o, &list, "%s %s", s->type, s->name(v, i).text);
    out_list_end(o, &list, ")");
    o->depth--;
    out_open(o);
    for (int i = 0; i < s->n; i++)
        out_line(o, "to[%d] = %s;", i, s->name(v, i).text);
    out_close(o, "");
}

static void emit_setters(out *o, const form_view *v)
{
    emit_setter(o, v, &(setting){"bufs", "qvl_slice", form_buf_name, v->n_bufs});
    emit_setter(o, v, &(setting){"args", "uint32_t", form_arg_name, v->n_args});
}

static void begin_header(out *o, qvl_str *s, const char *guard,
                         const char *what)
{
    out_init(o, s);
    out_line(o, "/* Generated: %s. */", what);
    out_line(o, "#ifndef %s", guard);
    out_line(o, "#define %s", guard);
    out_gap(o);
}

/* The lists from `l` up to `known`, which are out already, topmost first. */
static void emit_names(out *o, const kern_names *l, const kern_names *known)
{
    if (l == known)
        return;
    emit_names(o, l->next, known);
    out_line(o, "enum {");
    o->depth++;
    for (int i = 0; i < l->n; i++)
        out_line(o, "QVL_%s,", l->item[i]);
    out_line(o, "QVL_N_%s", l->name);
    o->depth--;
    out_line(o, "};");
    out_gap(o);
}

void emit_signatures(qvl_str *s, const kern_set *kernels)
{
    out o;
    begin_header(&o, s, "QVL_SIGNATURES_H",
                 "positions of buffers, arguments and columns of kernels");
    for (int i = 0; i < kernels->n; i++) {
        const kern *k = &kernels->item[i];
        bool is_first = i == 0 || strcmp(k[-1].file, k->file) != 0;
        emit_names(&o, k->names, is_first ? NULL : k[-1].names);
        const kern_form form = {.k = k, .epilogue_on = -1};
        form_view v;
        form_view_init(&v, &form);
        emit_positions(&o, &v);
        out_gap(&o);
    }
    out_line(&o, "#endif");
}

void emit_calls(qvl_str *s, const families *f)
{
    out o;
    begin_header(&o, s, "QVL_CALLS_H", "how kernels are called by hand");
    out_line(&o, "#include \"backend/backend.h\"");
    out_line(&o, "#include \"signatures.h\"");
    out_gap(&o);
    for (int i = 0; i < f->n_families; i++) {
        if (!f->family[i].by_hand)
            continue;
        form_view v;
        form_view_init(&v, f->form[f->family[i].form[0]]);
        emit_setters(&o, &v);
        out_gap(&o);
    }
    out_line(&o, "#endif");
}
