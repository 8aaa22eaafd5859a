/* kernel_table.c - the table of forms: what src/backend/kernel.h says of each
 *
 * Texts of OpenCL C go in as literals, the dialect once as a macro before each;
 * SPIR-V is included as arrays. The numbers of groups and of turns become C
 * functions of what the kernel's `groups` and `turns` mention.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/kernel.h"
#include "emit/form.h"
#include "emit/kernel.h"
#include "emit/tune.h"
#include "tensor/dtype.h"

#define CLASS_CONSTANT(constant, name) "QVL_CLASS_" #constant,
static const char *const class_name[] = { QVL_CLASS_TABLE(CLASS_CONSTANT) };

static const char *const isa_name[QVL_N_ISA] = {
    QVL_ISA_TABLE(QVL_ISA_TEXT)
};

int emit_kernel_spirv(qvl_str *s, const char *id, const void *spirv,
                      size_t bytes, qvl_err *err)
{
    uint32_t word = 0;
    if (bytes >= sizeof word)
        memcpy(&word, spirv, sizeof word);
    if (bytes % sizeof word != 0 || word != 0x07230203u)
        return qvl_fail(err, QVL_E_FORMAT, "%s: %zu bytes are no SPIR-V", id,
                        bytes);
    out o;
    out_init(&o, s);
    out_line(&o, "static const uint32_t qvl_spv_%s[] = {", id);
    for (size_t i = 0; i < bytes / sizeof word; i++) {
        memcpy(&word, (const char *)spirv + i * sizeof word, sizeof word);
        qvl_str_printf(s, i % 12 == 11 ? "%u,\n" : "%u,", word);
    }
    qvl_str_puts(s, "\n};\n");
    return QVL_OK;
}

/* A text as C string literals, one a line. */
static void put_literal(out *o, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        qvl_str_putc(o->s, '"');
        for (size_t i = 0; i < n; i++) {
            if (text[i] == '"' || text[i] == '\\')
                qvl_str_putc(o->s, '\\');
            qvl_str_putc(o->s, text[i]);
        }
        bool newline = text[n] == '\n';
        qvl_str_puts(o->s, newline ? "\\n\"" : "\"");
        out_gap(o);
        text += n + newline;
    }
}

/* The same as the value of a macro. */
static void put_literal_macro(out *o, const char *name, const char *text)
{
    qvl_str s = { 0 };
    out inner;
    out_init(&inner, &s);
    put_literal(&inner, text);
    qvl_str_putc(&s, '\0');
    out_line(o, "#define %s \\", name);
    for (const char *p = s.p; *p != '\0';) {
        size_t n = strcspn(p, "\n");
        qvl_str_putn(o->s, p, n);
        p += n + 1;
        qvl_str_puts(o->s, *p != '\0' ? " \\" : "");
        out_gap(o);
    }
    out_gap(o);
    qvl_str_release(&s);
}

static void put_text(out *o, const kern_form *form)
{
    qvl_str s = { 0 };
    form_cl(&s, form);
    out_line(o, "static const char cl_%s[] = QVL_CL_DIALECT", form->id);
    put_literal(o, s.p);
    out_line(o, ";");
    out_gap(o);
    qvl_str_release(&s);
}

/* Locals of what a formula mentions. */
static void put_locals(out *o, const form_view *v, const char *formula,
                       const char *type)
{
    const kern *k = v->k;
    for (int a = 0; a < v->n_args; a++) {
        form_name name = form_arg_name(v, a);
        if (form_mentions(formula, name.text) && !form_arg_is_f32(v, a))
            out_line(o, "const %s %s = arg[%d];", type, name.text, a);
    }
    for (int i = 0; i < k->n_tiles; i++)
        if (form_mentions(formula, k->tile[i]))
            out_line(o, "const %s %s = tile[%d];", type, k->tile[i], i);
    if (form_mentions(formula, "PARTS"))
        out_line(o, "const %s PARTS = %d;", type, KERN_PARTS);
}

static void put_groups(out *o, const form_view *v)
{
    out_line(o, "static uint32_t groups_%s(", v->form->id);
    out_line(o, "    const uint32_t *arg, const uint32_t *tile, "
             "uint32_t LANES)");
    out_open(o);
    put_locals(o, v, v->k->groups, "uint32_t");
    out_line(o, "(void)arg, (void)tile, (void)LANES;");
    out_line(o, "return %s;", v->k->groups);
    out_close(o, "");
    out_gap(o);
}

/* In 64 bits: a product of dims may be long where nothing is that often done. */
static void put_turns(out *o, const form_view *v)
{
    if (v->k->turns == NULL)
        return;
    out_line(o, "static uint64_t turns_%s(", v->form->id);
    out_line(o, "    const uint32_t *arg, const uint32_t *tile, "
             "uint64_t LANES,");
    out_line(o, "    uint64_t WALK)");
    out_open(o);
    put_locals(o, v, v->k->turns, "uint64_t");
    out_line(o, "(void)arg, (void)tile, (void)LANES, (void)WALK;");
    out_line(o, "return %s;", v->k->turns);
    out_close(o, "");
    out_gap(o);
}

static void put_bytes(out *o, const char *field, const char *const *item,
                      int n)
{
    if (n == 0)
        return;
    out_line(o, ".%s = {", field);
    o->depth++;
    out_list list = { 0 };
    for (int i = 0; i < n; i++)
        out_item(o, &list, "%s", item[i]);
    out_list_end(o, &list, "");
    o->depth--;
    out_line(o, "},");
}

static void put_buffers(out *o, const form_view *v)
{
    static const char *const dtype_name[] = {
#define DTYPE_NAME(constant, bytes, st_name, name, torch_name) #constant,
        QVL_DTYPE_TABLE(DTYPE_NAME)
#undef DTYPE_NAME
    };
    static const char *const access_name[] = {
        [KERN_IN] = "QVL_ACCESS_IN",
        [KERN_OUT] = "QVL_ACCESS_OUT",
        [KERN_IO] = "QVL_ACCESS_IO",
        [KERN_ACC] = "QVL_ACCESS_IO",
    };
    const char *dtype[FORM_MAX_BUFS];
    const char *access[FORM_MAX_BUFS];
    for (int b = 0; b < v->n_bufs; b++) {
        dtype[b] = dtype_name[form_buf_dtype(v, b)];
        access[b] = v->map[b] < 0
                        ? "QVL_ACCESS_IN"
                        : access_name[v->k->operand[v->map[b]].access];
    }
    out_line(o, ".n_bufs = %d,", v->n_bufs);
    put_bytes(o, "dtype", dtype, v->n_bufs);
    put_bytes(o, "access", access, v->n_bufs);
}

static void put_consts(out *o, const form_view *v)
{
    out_line(o, ".n_consts = %d,", v->k->n_constants);
    for (int a = 0; a < v->n_args; a++) {
        int c = form_arg_const(v, a);
        if (c >= 0)
            out_line(o, ".const_arg[%d] = %d,", c, a);
    }
    for (int i = 0; i < v->k->n_constants; i++) {
        out_line(o, ".const_name[%d] = \"%s_MAX\",", i,
                 v->k->sym[v->k->constant[i].sym]);
        out_line(o, ".const_max[%d] = %d,", i, v->k->constant[i].max);
    }
}

static void put_rules(out *o, const kern *k)
{
    for (int i = 0; i < k->n_needs; i++)
        out_line(o, ".need[%d] = \"%s\",", i, k->need[i]);
    for (int i = 0; i < k->n_shared; i++)
        out_line(o, ".shared[%d] = \"%s\",", i, k->shared[i].words);
}

static int put_tiles(out *o, const form_view *v, const emit_tune *tune,
                     qvl_err *err)
{
    const kern *k = v->k;
    out_line(o, ".n_tiles = %d,", k->n_tiles);
    for (int i = 0; i < k->n_tiles; i++)
        out_line(o, ".tile_name[%d] = \"%s\",", i, k->tile[i]);
    for (int c = 0; c < QVL_N_CLASS; c++) {
        qvl_tiling t;
        QVL_TRY(emit_tune_tiling(tune, k, (qvl_class)c, QVL_ISA_V3, &t, err));
        out_line(o, ".tiling[%s] = {", class_name[c]);
        o->depth++;
        out_list list = { 0 };
        out_item(o, &list, "%u", t.lanes);
        for (int i = 0; i < k->n_tiles; i++)
            out_item(o, &list, i == 0 ? "{ %u" : "%u", t.tile[i]);
        out_list_end(o, &list, " }");
        out_close(o, ",");
    }
    return QVL_OK;
}

static void put_code(out *o, const form_view *v, const emit_table_opt *opt)
{
    const char *id = v->form->id;
    out_line(o, ".groups = groups_%s,", id);
    if (v->k->turns != NULL)
        out_line(o, ".turns = turns_%s,", id);
    for (int isa = 0; isa < QVL_N_ISA; isa++) {
        const char *name = isa_name[isa];
        out_line(o, ".c[%d] = OF_%s(qvl_k_%s_%s),", isa, name, id, name);
        if (v->k->library)
            out_line(o, ".c_store[%d] = OF_%s(qvl_s_%s_%s),", isa, name, id,
                     name);
    }
    if (opt->dialect != NULL)
        out_line(o, ".cl = cl_%s,", id);
    if (opt->spirv_include != NULL) {
        out_line(o, ".spirv = qvl_spv_%s,", id);
        out_line(o, ".spirv_bytes = sizeof qvl_spv_%s,", id);
    }
}

static int put_record(out *o, const kern_form *form, const emit_tune *tune,
                      const emit_table_opt *opt, qvl_err *err)
{
    form_view v;
    form_view_init(&v, form);
    if (opt->dialect != NULL)
        put_text(o, form);
    put_groups(o, &v);
    put_turns(o, &v);
    for (int isa = 0; isa < QVL_N_ISA; isa++) {
        out_line(o, "qvl_kernel_fn qvl_k_%s_%s;", form->id, isa_name[isa]);
        if (v.k->library)
            out_line(o, "qvl_store_fn qvl_s_%s_%s;", form->id, isa_name[isa]);
    }
    out_gap(o);
    out_line(o, "const qvl_kernel qvl_kernel_%s = {", form->id);
    o->depth++;
    out_line(o, ".name = \"%s\",", form->name);
    out_line(o, ".op = \"%s\",", v.k->name);
    put_buffers(o, &v);
    out_line(o, ".n_args = %d,", v.n_args);
    put_consts(o, &v);
    QVL_TRY(put_tiles(o, &v, tune, err));
    put_rules(o, v.k);
    put_code(o, &v, opt);
    out_close(o, ";");
    out_gap(o);
    return QVL_OK;
}

static void put_head(out *o, const emit_table_opt *opt)
{
    out_line(o, "/* Written by the generator. */");
    out_line(o, "#include \"backend/kernel.h\"");
    out_line(o, "#include \"tensor/dtype.h\"");
    out_gap(o);
    /* Texts are longer than what every C compiler must take. */
    out_line(o, "#pragma GCC diagnostic ignored \"-Woverlength-strings\"");
    out_gap(o);
    if (opt->spirv_include != NULL)
        out_line(o, "#include \"%s\"", opt->spirv_include);
    out_gap(o);
    out_text(o, "#define ceil_div(a, b) ((a) / (b) + ((a) % (b) != 0))\n"
                "#define min_u32(a, b) ((a) < (b) ? (a) : (b))\n"
                "#define max_u32(a, b) ((a) > (b) ? (a) : (b))\n");
    out_gap(o);
    for (int isa = 0; isa < QVL_N_ISA; isa++) {
        out_line(o, "#ifdef QVL_WITHOUT_%s", isa_name[isa]);
        out_line(o, "#define OF_%s(f) NULL", isa_name[isa]);
        out_line(o, "#else");
        out_line(o, "#define OF_%s(f) f", isa_name[isa]);
        out_line(o, "#endif");
    }
    out_gap(o);
    if (opt->dialect != NULL)
        put_literal_macro(o, "QVL_CL_DIALECT", opt->dialect->opencl);
}

int emit_kernel_table(qvl_str *s, const kern_form *const *forms, int n_forms,
                      const emit_tune *tune, const emit_table_opt *opt,
                      qvl_err *err)
{
    out o;
    out_init(&o, s);
    put_head(&o, opt);
    for (int i = 0; i < n_forms; i++)
        QVL_TRY(put_record(&o, forms[i], tune, opt, err));
    out_line(&o, "extern const qvl_kernel *const %s[];", opt->name);
    out_line(&o, "extern const int %s_count;", opt->name);
    out_line(&o, "const qvl_kernel *const %s[] = {", opt->name);
    for (int i = 0; i < n_forms; i++)
        out_line(&o, "    &qvl_kernel_%s,", forms[i]->id);
    if (n_forms == 0)
        out_line(&o, "    NULL,");
    out_line(&o, "};");
    out_line(&o, "const int %s_count = %d;", opt->name, n_forms);
    return QVL_OK;
}
