/* kernel_cl.c - forms in OpenCL C
 *
 * The body stands in the kernel function itself, because shared arrays can be
 * declared nowhere else. Each buffer comes with the byte at which its tensor
 * begins. VW numbers are a vector of the language.
 */
#include <string.h>

#include "base/file.h"
#include "emit/form.h"
#include "emit/kernel.h"
#include "tensor/dtype.h"

static const char *cl_type(int dtype)
{
    switch (dtype) {
    case QVL_BF16:
        return "ushort";
    case QVL_F16:
        return "half";
    default:
        return form_dtype_word(dtype);
    }
}

/* Append the text without comments, trailing blanks and empty lines; a line
 * that includes another file of the dialect is replaced by `included`. */
static void put_stripped(qvl_str *s, const char *text, const char *included)
{
    const char *p = text;
    while (*p != '\0') {
        if (strncmp(p, "/*", 2) == 0) {
            const char *close = strstr(p + 2, "*/");
            p = close == NULL ? p + strlen(p) : close + 2;
        } else if (strncmp(p, "//", 2) == 0) {
            p += strcspn(p, "\n");
        } else if (strncmp(p, "#include", 8) == 0) {
            qvl_str_puts(s, included);
            p += strcspn(p, "\n");
        } else if (*p == '\n') {
            while (s->len > 0 && s->p[s->len - 1] == ' ')
                s->len--;
            if (s->len > 0 && s->p[s->len - 1] != '\n')
                qvl_str_putc(s, '\n');
            p++;
        } else {
            qvl_str_putc(s, *p++);
        }
    }
}

static int read_stripped(const char **stripped, const char *folder,
                         const char *name, const char *included,
                         qvl_arena *arena, qvl_err *err)
{
    char *text;
    QVL_TRY(qvl_file_read(qvl_arena_printf(arena, "%s/%s", folder, name),
                          &text, NULL, arena, err));
    qvl_str s = { 0 };
    qvl_str_puts(&s, "");
    put_stripped(&s, text, included);
    *stripped = qvl_arena_strndup(arena, s.p, s.len);
    qvl_str_release(&s);
    return QVL_OK;
}

int emit_dialect_read(emit_dialect *dialect, const char *folder,
                      qvl_arena *arena, qvl_err *err)
{
    const char *math;
    QVL_TRY(read_stripped(&math, folder, "math.h", "", arena, err));
    return read_stripped(&dialect->opencl, folder, "opencl.h", math, arena,
                         err);
}

static void put_parameters(out *o, const form_view *v)
{
    out_list list = { 0 };
    for (int b = 0; b < v->n_bufs; b++) {
        form_name name = form_buf_name(v, b);
        out_item(o, &list, "__global %s%s *restrict base_%s",
                 form_buf_is_written(v, b) ? "" : "const ",
                 cl_type(form_buf_dtype(v, b)), name.text);
        out_item(o, &list, "const ulong at_%s", name.text);
    }
    for (int a = 0; a < v->n_args; a++) {
        form_name name = form_arg_name(v, a);
        bool other_name = form_arg_is_f32(v, a) || form_arg_const(v, a) >= 0;
        out_item(o, &list, "const u32 %s%s", other_name ? "arg_" : "",
                 name.text);
    }
    out_list_end(o, &list, ")");
}

/* Buffers at their offsets, arguments that are floats, shared arrays. */
static void put_locals(out *o, const form_view *v)
{
    for (int b = 0; b < v->n_bufs; b++) {
        form_name name = form_buf_name(v, b);
        const char *type = cl_type(form_buf_dtype(v, b));
        const char *is_const = form_buf_is_written(v, b) ? "" : "const ";
        out_line(o, "__global %s%s *b_%s = base_%s + at_%s / %du;", is_const,
                 type, name.text, name.text, name.text,
                 (int)qvl_dtype_bytes(form_buf_dtype(v, b)));
    }
    for (int a = 0; a < v->n_args; a++) {
        form_name name = form_arg_name(v, a);
        if (form_arg_is_f32(v, a))
            out_line(o, "const f32 %s = as_float(arg_%s);", name.text,
                     name.text);
    }
    for (int i = 0; i < v->k->n_shared; i++)
        out_line(o, "SHARED %s %s[%s];", v->k->shared[i].type,
                 v->k->shared[i].name, v->k->shared[i].size);
}

void form_cl(qvl_str *s, const kern_form *form)
{
    form_view v;
    form_view_init(&v, form);
    const kern *k = v.k;
    out o;
    out_init(&o, s);
    for (int i = 0; i < k->n_constants; i++) {
        const char *d = k->sym[k->constant[i].sym];
        out_line(&o, "#define %s ((u32)C%d)", d, i);
        out_line(&o, "#define %s_MAX C%d", d, i);
    }
    form_expr(&o, &v, "FN ");
    form_macros(&o, &v);
    out_line(&o, "__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))");
    out_line(&o, "void k(");
    o.depth++;
    put_parameters(&o, &v);
    o.depth--;
    out_open(&o);
    put_locals(&o, &v);
    out_line(&o, "{");
    out_line(&o, "#line %d \"%s\"", k->body_line, k->file);
    out_text(&o, k->body);
    out_line(&o, "}");
    out_close(&o, "");
}
