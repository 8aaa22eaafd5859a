/* kernel_c.c - forms in C
 *
 * A group is a function of its buffers, arguments and number; a range of groups is
 * a loop around it. A kernel with const dims has one group function for each set
 * of favoured values and one for all others. Tiles are constants, a value for each
 * instruction set where they differ.
 */
#include <string.h>

#include "backend/kernel.h"
#include "emit/form.h"
#include "emit/kernel.h"
#include "emit/tune.h"
#include "kern/lex.h"
#include "tensor/dtype.h"

/* Which favoured value each constant has; n_favour: none, any value. */
typedef struct {
    int pick[QVL_KERNEL_MAX_CONSTS];
} variant;

static const char *c_type(int dtype)
{
    return dtype == QVL_BF16 || dtype == QVL_F16 ? "u16"
                                                 : form_dtype_word(dtype);
}

/* The first set of values, and the next one; false after the last, which is
 * "any" for all. */
static bool next_variant(const kern *k, variant *x)
{
    for (int i = k->n_constants - 1; i >= 0; i--) {
        if (++x->pick[i] <= k->constant[i].n_favour)
            return true;
        x->pick[i] = 0;
    }
    return false;
}

/* The value a constant has in a variant, 0 for any. */
static int variant_value(const kern *k, const variant *x, int constant)
{
    const kern_const *c = &k->constant[constant];
    return x->pick[constant] < c->n_favour ? c->favour[x->pick[constant]] : 0;
}

/* "group_ID", or "group_ID_64" for D = 64. */
static void put_group_name(qvl_str *s, const form_view *v, const variant *x)
{
    qvl_str_printf(s, "group_%s", v->form->id);
    for (int i = 0; i < v->k->n_constants; i++)
        qvl_str_printf(s, "_%d", variant_value(v->k, x, i));
}

/* Parameters that a group and the store of a library have in common. */
static void put_parameters(out *o, out_list *list, const form_view *v,
                           const variant *x)
{
    for (int b = 0; b < v->n_bufs; b++) {
        form_name name = form_buf_name(v, b);
        out_item(o, list, "%s%s *restrict b_%s",
                 form_buf_is_written(v, b) ? "" : "const ",
                 c_type(form_buf_dtype(v, b)), name.text);
    }
    for (int a = 0; a < v->n_args; a++) {
        int c = form_arg_const(v, a);
        if (x != NULL && c >= 0 && variant_value(v->k, x, c) > 0)
            continue;
        form_name name = form_arg_name(v, a);
        out_item(o, list, "const %s %s",
                 form_arg_is_f32(v, a) ? "f32" : "u32", name.text);
    }
}

/* The values for put_parameters, from `buf` and `arg`. */
static void put_values(out *o, out_list *list, const form_view *v,
                       const variant *x)
{
    for (int b = 0; b < v->n_bufs; b++)
        out_item(o, list, "buf[%d]", b);
    for (int a = 0; a < v->n_args; a++) {
        int c = form_arg_const(v, a);
        if (x != NULL && c >= 0 && variant_value(v->k, x, c) > 0)
            continue;
        out_item(o, list, form_arg_is_f32(v, a) ? "bits_f32(arg[%d])"
                                                : "arg[%d]", a);
    }
}

static void put_consts(out *o, const form_view *v, const variant *x)
{
    for (int i = 0; i < v->k->n_constants; i++) {
        const char *d = v->k->sym[v->k->constant[i].sym];
        int value = variant_value(v->k, x, i);
        if (value > 0)
            out_line(o, "#define %s %du", d, value);
        out_line(o, "#define %s_MAX %du", d,
                 value > 0 ? value : v->k->constant[i].max);
    }
}

static void undef_consts(out *o, const form_view *v)
{
    for (int i = 0; i < v->k->n_constants; i++) {
        const char *d = v->k->sym[v->k->constant[i].sym];
        out_line(o, "#undef %s", d);
        out_line(o, "#undef %s_MAX", d);
    }
}

static void put_dim(qvl_str *s, const kern *k, int dim)
{
    if (dim >= 0)
        qvl_str_puts(s, k->sym[dim]);
    else
        qvl_str_printf(s, "%du", -1 - dim);
}

/* What a row of an operand has: all its dims but the first. */
static void put_row_size(qvl_str *s, const kern *k, const kern_operand *op)
{
    qvl_str_puts(s, "1u");
    for (int i = 1; i < op->rank; i++) {
        qvl_str_puts(s, " * ");
        put_dim(s, k, op->dim[i]);
    }
}

/* How far the buffers go, for a dialect that checks. An operand of the
 * expression has the rows, the columns, or both of the output. */
static void put_extents(out *o, const form_view *v)
{
    const kern *k = v->k;
    for (int b = 0; b < v->n_bufs; b++) {
        int m = v->map[b];
        const kern_operand *op =
            &k->operand[m >= 0 ? m : v->form->epilogue_on];
        kern_extra_kind kind = m >= 0 ? KERN_EXTRA_SAME
                                      : v->form->epilogue.kind[-1 - m];
        qvl_str rows = { 0 };
        qvl_str cols = { 0 };
        put_dim(&rows, k, op->dim[0]);
        put_row_size(&cols, k, op);
        form_name name = form_buf_name(v, b);
        const char *n = name.text;
        if (kind == KERN_EXTRA_COL)
            out_line(o, "EXTENT(b_%s, %s)", n, cols.p);
        else if (kind == KERN_EXTRA_ROW)
            out_line(o, "EXTENT(b_%s, %s)", n, rows.p);
        else if (op->ld)
            out_line(o, "EXTENT_LD(b_%s, off_%s, ld_%s, %s, %s)", n, n, n,
                     rows.p, cols.p);
        else
            out_line(o, "EXTENT(b_%s, (size_t)%s * (%s))", n, rows.p, cols.p);
        qvl_str_release(&rows);
        qvl_str_release(&cols);
    }
}

/* Past `TYPE name[...];`, with the name; other tokens are passed over one at a
 * time, and false. */
static bool next_array(lexer *lex, lex_token *name)
{
    bool is_type = lex_is(lex, "f32") || lex_is(lex, "i32")
                   || lex_is(lex, "u32") || lex_is(lex, "fv");
    lex_next(lex);
    *name = lex->token;
    if (!is_type || name->kind != LEX_WORD)
        return false;
    lex_next(lex);
    if (!lex_is(lex, "["))
        return false;
    bool closed = false;
    while (!lex_is(lex, ";") && !lex_is(lex, "=")
           && lex->token.kind != LEX_END) {
        closed = lex_is(lex, "]");
        lex_next(lex);
    }
    return closed && lex_is(lex, ";");
}

/* The body, its arrays declared as holding nothing yet. */
static void put_body(out *o, const kern *k)
{
    const char *from = k->body;
    lexer lex;
    lex_init(&lex, k->file, k->body, strlen(k->body));
    qvl_str s = { 0 };
    while (lex.token.kind != LEX_END) {
        lex_token name;
        if (!next_array(&lex, &name))
            continue;
        const char *end = lex.token.at + lex.token.len;
        qvl_str_putn(&s, from, (size_t)(end - from));
        qvl_str_printf(&s, " UNSET(%.*s)", (int)name.len, name.at);
        from = end;
    }
    qvl_str_puts(&s, from);
    out_text(o, s.p);
    qvl_str_release(&s);
}

/* The group function of one variant. */
static void put_group(out *o, const form_view *v, const variant *x,
                      const char *file)
{
    const kern *k = v->k;
    qvl_str name = { 0 };
    put_group_name(&name, v, x);
    put_consts(o, v, x);
    out_line(o, "static inline void %s(", name.p);
    o->depth++;
    out_list list = { 0 };
    put_parameters(o, &list, v, x);
    out_item(o, &list, "const u32 GROUP");
    out_list_end(o, &list, ")");
    o->depth--;
    out_open(o);
    put_extents(o, v);
    for (int i = 0; i < k->n_shared; i++) {
        out_line(o, "_Alignas(64) %s %s[%s];", k->shared[i].type,
                 k->shared[i].name, k->shared[i].size);
        out_line(o, "UNSET(%s)", k->shared[i].name);
    }
    out_line(o, "{");
    out_line(o, "#line %d \"%s\"", k->body_line, k->file);
    put_body(o, k);
    out_line(o, "#line %d \"%s\"", o->line + 1, file);
    out_line(o, "}");
    out_close(o, "");
    undef_consts(o, v);
    out_gap(o);
    qvl_str_release(&name);
}

/* `if (D is this variant's)`, nothing for the last. */
static void put_variant_test(out *o, const form_view *v, const variant *x)
{
    qvl_str s = { 0 };
    for (int a = 0; a < v->n_args; a++) {
        int c = form_arg_const(v, a);
        int value = c >= 0 ? variant_value(v->k, x, c) : 0;
        if (value > 0)
            qvl_str_printf(&s, "%sarg[%d] == %du", s.len > 0 ? " && " : "", a,
                           value);
    }
    if (s.len > 0)
        out_line(o, "if (%s) {", s.p);
    else
        out_line(o, "{");
    qvl_str_release(&s);
}

static void put_range(out *o, const form_view *v)
{
    out_line(o, "void QVL_FOR_ISA(qvl_k_%s_)(", v->form->id);
    out_line(o, "    void *const *buf, const uint32_t *arg, uint32_t g0,");
    out_line(o, "    uint32_t g1)");
    out_open(o);
    variant x = { 0 };
    do {
        qvl_str name = { 0 };
        put_group_name(&name, v, &x);
        put_variant_test(o, v, &x);
        o->depth++;
        out_line(o, "for (u32 g = g0; g < g1; g++)");
        o->depth++;
        out_line(o, "%s(", name.p);
        o->depth++;
        out_list list = { 0 };
        put_values(o, &list, v, &x);
        out_item(o, &list, "g");
        out_list_end(o, &list, ");");
        o->depth -= 2;
        out_line(o, "return;");
        out_close(o, "");
        qvl_str_release(&name);
    } while (next_variant(v->k, &x));
    out_close(o, "");
    out_gap(o);
}

/* Rows times columns of the first output: how its element (r, c) is stored. */
static void put_store_names(const form_view *v, int operand, qvl_str *at,
                            qvl_str *next)
{
    const kern_operand *op = &v->k->operand[operand];
    if (op->ld) {
        qvl_str_printf(at, "%s(r, c", op->name);
        qvl_str_printf(next, "%s(r, c", op->name);
        return;
    }
    qvl_str_printf(at, "%s(r * (", op->name);
    put_row_size(at, v->k, op);
    qvl_str_puts(at, ") + c");
    qvl_str_puts(next, at->p);
}

/* The store that follows a library's product: a loop over rows, whole vectors
 * and what is left. */
static void put_store(out *o, const form_view *v)
{
    int operand = 0;
    while (v->k->operand[operand].access == KERN_IN)
        operand++;
    qvl_str at = { 0 };
    qvl_str next = { 0 };
    put_store_names(v, operand, &at, &next);

    out_line(o, "static inline void store_block_%s(", v->form->id);
    o->depth++;
    out_list list = { 0 };
    put_parameters(o, &list, v, NULL);
    out_item(o, &list, "const f32 *restrict src");
    out_item(o, &list, "size_t ld_src");
    out_item(o, &list, "u32 r0");
    out_item(o, &list, "u32 r1");
    out_item(o, &list, "u32 c0");
    out_item(o, &list, "u32 c1");
    out_list_end(o, &list, ")");
    o->depth--;
    out_open(o);
    put_extents(o, v);
    out_line(o, "for (u32 r = r0; r < r1; r++) {");
    o->depth++;
    out_line(o, "const f32 *s = src + (size_t)(r - r0) * ld_src;");
    out_line(o, "u32 c = c0;");
    out_line(o, "for (; c1 - c >= VW; c += VW)");
    out_line(o, "    storev_%s, ldv_f32(s + (c - c0)));", at.p);
    out_line(o, "for (; c < c1; c++)");
    out_line(o, "    store_%s, s[c - c0]);", next.p);
    out_close(o, "");
    out_close(o, "");
    out_gap(o);
    qvl_str_release(&at);
    qvl_str_release(&next);

    out_line(o, "void QVL_FOR_ISA(qvl_s_%s_)(", v->form->id);
    out_line(o, "    void *const *buf, const uint32_t *arg, const float *src,");
    out_line(o, "    size_t ld_src, uint32_t r0, uint32_t r1, uint32_t c0,");
    out_line(o, "    uint32_t c1)");
    out_open(o);
    out_line(o, "store_block_%s(", v->form->id);
    o->depth++;
    list = (out_list){ 0 };
    put_values(o, &list, v, NULL);
    out_item(o, &list, "src, ld_src, r0, r1, c0, c1");
    out_list_end(o, &list, ");");
    o->depth--;
    out_close(o, "");
    out_gap(o);
}

/* Tiles of the instruction sets as constants. */
static int put_tiles(out *o, const kern *k, const emit_tune *tune,
                     qvl_err *err)
{
    qvl_tiling t[QVL_N_ISA];
    for (int isa = 0; isa < QVL_N_ISA; isa++)
        QVL_TRY(emit_tune_tiling(tune, k, QVL_CLASS_HOST, (qvl_isa)isa,
                                 &t[isa], err));
    for (int i = 0; i < k->n_tiles; i++) {
        uint32_t v2 = t[QVL_ISA_V2].tile[i];
        uint32_t v3 = t[QVL_ISA_V3].tile[i];
        uint32_t v4 = t[QVL_ISA_V4].tile[i];
        if (strcmp(k->tile[i], "VW") == 0)
            out_line(o, "_Static_assert(VW == QVL_BY_ISA(%uu, %uu, %uu), "
                     "\"VW\");", v2, v3, v4);
        else if (v2 == v3 && v3 == v4)
            out_line(o, "#define %s %uu", k->tile[i], v2);
        else
            out_line(o, "#define %s QVL_BY_ISA(%uu, %uu, %uu)", k->tile[i],
                     v2, v3, v4);
    }
    return QVL_OK;
}

static int put_form(out *o, const kern_form *form, const emit_tune *tune,
                    const char *file, qvl_err *err)
{
    form_view v;
    form_view_init(&v, form);
    out_line(o, "/* %s */", form->name);
    out_gap(o);
    QVL_TRY(put_tiles(o, v.k, tune, err));
    form_expr(o, &v, "FN ");
    form_macros(o, &v);
    out_gap(o);
    variant x = { 0 };
    do {
        put_group(o, &v, &x, file);
    } while (next_variant(v.k, &x));
    put_range(o, &v);
    if (v.k->library)
        put_store(o, &v);
    form_undef(o, &v);
    for (int i = 0; i < v.k->n_tiles; i++)
        if (strcmp(v.k->tile[i], "VW") != 0)
            out_line(o, "#undef %s", v.k->tile[i]);
    out_gap(o);
    return QVL_OK;
}

int emit_kernel_c(qvl_str *s, const kern_form *const *forms, int n_forms,
                  const emit_tune *tune, const char *file, qvl_err *err)
{
    out o;
    out_init(&o, s);
    out_line(&o, "/* Written by the generator. */");
    out_line(&o, "#include \"dialect/c.h\"");
    out_gap(&o);
    for (int i = 0; i < n_forms; i++)
        QVL_TRY(put_form(&o, forms[i], tune, file, err));
    return QVL_OK;
}
