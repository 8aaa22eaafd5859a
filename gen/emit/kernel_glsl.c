/* kernel_glsl.c - forms in GLSL
 *
 * Buffers and arguments are global there; the arguments become locals of the
 * group's function, so that a body finds them as in C. Tiles and const dims are
 * specialisation constants: one SPIR-V serves every choice of them. A vector is
 * one number.
 */
#include <assert.h>
#include <string.h>

#include "emit/form.h"
#include "emit/kernel.h"
#include "tensor/dtype.h"

static const char *glsl_type(int dtype)
{
    switch (dtype) {
    case QVL_BF16:
    case QVL_F16:
        return "uint16_t";
    case QVL_I32:
        return "int";
    case QVL_U32:
        return "uint";
    default:
        assert(dtype == QVL_F32);
        return "float";
    }
}

static void put_head(out *o, const form_view *v)
{
    bool has_16_bit = false;
    for (int b = 0; b < v->n_bufs; b++)
        has_16_bit = has_16_bit || qvl_dtype_bytes(form_buf_dtype(v, b)) == 2;
    out_line(o, "#version 450");
    out_line(o, "#extension GL_GOOGLE_include_directive : require");
    if (has_16_bit)
        out_line(o, "#extension GL_EXT_shader_16bit_storage : require");
    out_line(o, "/* %s: written by the generator. */", v->form->name);
    out_gap(o);
    out_line(o, "layout(local_size_x_id = 0) in;");
    out_line(o, "layout(constant_id = 0) const uint LANES = 1u;");
    /* An fv is one float here, whatever the tile says. */
    for (int i = 0; i < v->k->n_tiles; i++)
        if (strcmp(v->k->tile[i], "VW") != 0)
            out_line(o, "layout(constant_id = %d) const uint %s = 1u;", i + 1,
                     v->k->tile[i]);
    for (int i = 0; i < v->k->n_constants; i++) {
        const char *d = v->k->sym[v->k->constant[i].sym];
        out_line(o, "layout(constant_id = %d) const uint %s = %du;",
                 1 + v->k->n_tiles + i, d, v->k->constant[i].max);
        out_line(o, "#define %s_MAX %s", d, d);
    }
    out_line(o, "#include \"dialect/glsl.h\"");
    out_gap(o);
}

static void put_bindings(out *o, const form_view *v)
{
    for (int b = 0; b < v->n_bufs; b++) {
        form_name name = form_buf_name(v, b);
        out_line(o, "layout(set = 0, binding = %d, std430) restrict %sbuffer "
                 "Block%d_ {", b, form_buf_is_written(v, b) ? "" : "readonly ",
                 b);
        out_line(o, "    %s b_%s[];", glsl_type(form_buf_dtype(v, b)),
                 name.text);
        out_line(o, "};");
    }
    out_line(o, "layout(push_constant) uniform Args_ {");
    for (int a = 0; a < v->n_args; a++) {
        form_name name = form_arg_name(v, a);
        out_line(o, "    %s arg_%s;", form_arg_is_f32(v, a) ? "float" : "uint",
                 name.text);
    }
    out_line(o, "    uint n_groups_;");
    out_line(o, "};");
    for (int i = 0; i < v->k->n_shared; i++)
        out_line(o, "shared %s %s[%s];", v->k->shared[i].type,
                 v->k->shared[i].name, v->k->shared[i].size);
    out_gap(o);
}

static void put_group(out *o, const form_view *v, const char *file)
{
    out_line(o, "void group_(const uint GROUP)");
    out_open(o);
    for (int a = 0; a < v->n_args; a++) {
        form_name name = form_arg_name(v, a);
        if (form_arg_const(v, a) < 0)
            out_line(o, "const %s %s = arg_%s;",
                     form_arg_is_f32(v, a) ? "float" : "uint", name.text,
                     name.text);
    }
    out_line(o, "{");
    out_line(o, "#line %d \"%s\"", v->k->body_line, v->k->file);
    out_text(o, v->k->body);
    out_line(o, "#line %d \"%s\"", o->line + 1, file);
    out_line(o, "}");
    out_close(o, "");
    out_gap(o);
}

void emit_kernel_glsl(qvl_str *s, const kern_form *form)
{
    form_view v;
    form_view_init(&v, form);
    qvl_str file = {0};
    qvl_str_printf(&file, "%s.comp", form->id);
    out o;
    out_init(&o, s);
    put_head(&o, &v);
    put_bindings(&o, &v);
    form_expr(&o, &v, "");
    form_macros(&o, &v);
    out_gap(&o);
    put_group(&o, &v, file.p);
    qvl_str_release(&file);
    out_line(&o, "void main()");
    out_open(&o);
    out_line(&o, "uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * "
             "gl_NumWorkGroups.x;");
    out_line(&o, "if (group < n_groups_)");
    out_line(&o, "    group_(group);");
    out_close(&o, "");
}
