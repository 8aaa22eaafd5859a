/* form.c - names, checks and macros of one compiled form, for all languages
 *
 * Nothing here knows a language: the macros are made of words that each dialect
 * defines. A store adds what is there when the caller says so (acc_y) and puts the
 * fused expression around the sum once it is whole. Vectors are loaded and stored
 * by macros of their own; an expression that is more than sums and products is
 * applied to their numbers in a loop.
 */
#include "emit/form.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "backend/kernel.h"
#include "tensor/dtype.h"

/* The storage types a form may have. */
static const struct {
    int dtype;
    char letter;
    const char *word;
} storage[] = {
    { QVL_F32, 'f', "f32" },  { QVL_BF16, 'b', "bf16" },
    { QVL_F16, 'h', "f16" },  { QVL_I32, 'i', "i32" },
    { QVL_U32, 'u', "u32" },
};

static int storage_row(int dtype)
{
    for (int i = 0; i < (int)QVL_COUNT(storage); i++)
        if (storage[i].dtype == dtype)
            return i;
    return -1;
}

const char *form_dtype_word(int dtype)
{
    int row = storage_row(dtype);
    assert(row >= 0);
    return storage[row].word;
}

char form_dtype_letter(int dtype)
{
    int row = storage_row(dtype);
    assert(row >= 0);
    return storage[row].letter;
}

static bool is_whole(int dtype)
{
    return dtype == QVL_I32 || dtype == QVL_U32;
}

bool form_mentions(const char *text, const char *word)
{
    size_t n = strlen(word);
    const char *inside = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789_";
    for (const char *p = text; (p = strstr(p, word)) != NULL; p += n) {
        bool begins = p == text || strchr(inside, p[-1]) == NULL;
        bool ends = p[n] == '\0' || strchr(inside, p[n]) == NULL;
        if (begins && ends)
            return true;
    }
    return false;
}

/* Names and checks of forms */

void emit_kernel_name(kern_form *form, int expr, qvl_arena *arena)
{
    const kern *k = form->k;
    char letters[KERN_MAX_OPERANDS + 1] = { 0 };
    for (int i = 0; i < k->n_operands; i++) {
        int dtype = form->dtype[i];
        letters[i] = dtype < 0 ? 'x' : form_dtype_letter(dtype);
    }
    assert((expr >= 0) == (form->epilogue_on >= 0));
    if (expr < 0) {
        form->name = qvl_arena_printf(arena, "%s.%s", k->name, letters);
        form->id = qvl_arena_printf(arena, "%s_%s", k->name, letters);
    } else {
        form->name = qvl_arena_printf(arena, "%s.%s.e%d", k->name, letters,
                                      expr);
        form->id = qvl_arena_printf(arena, "%s_%s_e%d", k->name, letters,
                                    expr);
    }
}

bool emit_epilogue_same(const kern_epilogue *a, const kern_epilogue *b)
{
    if (a->n_extra != b->n_extra || strcmp(a->text, b->text) != 0)
        return false;
    for (int i = 0; i < a->n_extra; i++)
        if (a->kind[i] != b->kind[i] || a->dtype[i] != b->dtype[i])
            return false;
    return true;
}

static int fail_form(const kern_form *form, qvl_err *err, const char *what,
                     const char *name)
{
    const kern *k = form->k;
    return qvl_fail(err, QVL_E_CONFIG, "%s:%d: kernel %s, operand %s: %s",
                    k->file, k->line, k->name, name, what);
}

static int check_dtype(const kern_form *form, int i, qvl_err *err)
{
    const kern *k = form->k;
    const kern_operand *o = &k->operand[i];
    int dtype = form->dtype[i];
    if (dtype < 0)
        return o->optional ? QVL_OK
                           : fail_form(form, err, "it cannot be absent",
                                       o->name);
    int row = storage_row(dtype);
    if (row < 0)
        return fail_form(form, err, "no kernel stores this type", o->name);
    bool is_word = kern_is_storage(o);
    if (is_word ? is_whole(dtype) : strcmp(storage[row].word, o->type) != 0)
        return fail_form(form, err, "another storage type is declared",
                         o->name);
    for (int j = 0; is_word && j < i; j++)
        if (strcmp(k->operand[j].type, o->type) == 0 && form->dtype[j] >= 0
            && form->dtype[j] != dtype)
            return fail_form(form, err, "one type word, two storage types",
                             o->name);
    return QVL_OK;
}

static int check_epilogue(const kern_form *form, qvl_err *err)
{
    if (form->epilogue_on < 0)
        return QVL_OK;
    const kern *k = form->k;
    const kern_operand *o = &k->operand[form->epilogue_on];
    bool is_output = o->access == KERN_OUT || o->access == KERN_ACC;
    if (!is_output || !o->ld || is_whole(form->dtype[form->epilogue_on]))
        return fail_form(form, err, "an expression needs `out` or `acc` with "
                         "ld", o->name);
    if (form->epilogue.n_extra > KERN_MAX_EXTRA)
        return fail_form(form, err, "too many operands in the expression",
                         o->name);
    for (int i = 0; i < form->epilogue.n_extra; i++)
        if (storage_row(form->epilogue.dtype[i]) < 0)
            return fail_form(form, err, "no kernel stores this type", "of the "
                             "expression");
    for (int i = 0; i < k->n_operands; i++)
        if (k->operand[i].name[0] == 'e' && k->operand[i].name[1] >= '0'
            && k->operand[i].name[1] <= '9')
            return fail_form(form, err, "its name belongs to expressions",
                             k->operand[i].name);
    return QVL_OK;
}

int emit_kernel_check(const kern_form *form, qvl_err *err)
{
    const kern *k = form->k;
    for (int i = 0; i < k->n_operands; i++)
        QVL_TRY(check_dtype(form, i, err));
    QVL_TRY(check_epilogue(form, err));
    form_view v;
    form_view_init(&v, form);
    if (v.n_bufs > QVL_KERNEL_MAX_BUFS)
        return qvl_fail(err, QVL_E_CONFIG,
                        "%s:%d: kernel %s: %d buffers with its expression, "
                        "expected %d at most", k->file, k->line, k->name,
                        v.n_bufs, QVL_KERNEL_MAX_BUFS);
    if (v.n_args > QVL_KERNEL_MAX_ARGS)
        return qvl_fail(err, QVL_E_CONFIG,
                        "%s:%d: kernel %s: %d arguments with its expression, "
                        "expected %d at most", k->file, k->line, k->name,
                        v.n_args, QVL_KERNEL_MAX_ARGS);
    return QVL_OK;
}

/* Buffers and arguments by number */

void form_view_init(form_view *v, const kern_form *form)
{
    v->form = form;
    v->k = form->k;
    v->n_bufs = kern_buffers(form, v->map);
    v->n_args = kern_args(form, v->arg);
}

form_name form_buf_name(const form_view *v, int buf)
{
    form_name name;
    int m = v->map[buf];
    if (m >= 0)
        snprintf(name.text, sizeof name.text, "%s", v->k->operand[m].name);
    else
        snprintf(name.text, sizeof name.text, "e%d", -1 - m);
    return name;
}

int form_buf_dtype(const form_view *v, int buf)
{
    int m = v->map[buf];
    return m >= 0 ? v->form->dtype[m] : v->form->epilogue.dtype[-1 - m];
}

bool form_buf_is_written(const form_view *v, int buf)
{
    int m = v->map[buf];
    return m >= 0 && v->k->operand[m].access != KERN_IN;
}

form_name form_arg_name(const form_view *v, int arg)
{
    form_name name;
    const kern_arg *a = &v->arg[arg];
    const char *prefix = "";
    const char *base = NULL;
    form_name buf;
    switch (a->kind) {
    case KERN_ARG_DIM:
        base = v->k->sym[a->index];
        break;
    case KERN_ARG_OFF:
    case KERN_ARG_LD:
        prefix = a->kind == KERN_ARG_OFF ? "off_" : "ld_";
        buf = form_buf_name(v, a->index);
        base = buf.text;
        break;
    case KERN_ARG_SCALAR:
        base = v->k->scalar[a->index].name;
        break;
    case KERN_ARG_ACC:
        prefix = "acc_";
        base = v->k->operand[a->index].name;
        break;
    }
    snprintf(name.text, sizeof name.text, "%s%.50s", prefix, base);
    return name;
}

bool form_arg_is_f32(const form_view *v, int arg)
{
    const kern_arg *a = &v->arg[arg];
    return a->kind == KERN_ARG_SCALAR && v->k->scalar[a->index].is_f32;
}

int form_arg_const(const form_view *v, int arg)
{
    if (v->arg[arg].kind != KERN_ARG_DIM)
        return -1;
    for (int i = 0; i < v->k->n_constants; i++)
        if (v->k->constant[i].sym == v->arg[arg].index)
            return i;
    return -1;
}

/* Macros of access */

/* Where an operand's element lies: the macro's parameters and the index. */
typedef struct {
    const char *params;  // "r, c" or "i"
    char ref[256];       // REF(b_x, ...), REFV(b_x, ...)
} place;

/* vec: "v" for VW neighbours, "" for one element */
static place place_of(const form_view *v, int buf, const char *vec)
{
    place p;
    int m = v->map[buf];
    form_name name = form_buf_name(v, buf);
    const char *n = name.text;
    bool extra = m < 0;
    kern_extra_kind kind = extra ? v->form->epilogue.kind[-1 - m]
                                 : KERN_EXTRA_SAME;
    bool ld = extra ? kind == KERN_EXTRA_SAME : v->k->operand[m].ld;
    p.params = ld || extra ? "r, c" : "i";
    const char *ref = vec[0] == 'v' ? "REFV" : "REF";
    if (ld)
        snprintf(p.ref, sizeof p.ref, "%s(b_%s, AT(off_%s, ld_%s, r, c))", ref,
                 n, n, n);
    else if (extra)
        snprintf(p.ref, sizeof p.ref, "%s(b_%s, %s)", ref, n,
                 kind == KERN_EXTRA_COL ? "c" : "r");
    else
        snprintf(p.ref, sizeof p.ref, "%s(b_%s, i)", ref, n);
    return p;
}

static bool is_row(const form_view *v, int buf)
{
    int m = v->map[buf];
    return m < 0 && v->form->epilogue.kind[-1 - m] == KERN_EXTRA_ROW;
}

static void load_macros(out *o, const form_view *v, int buf)
{
    place p = place_of(v, buf, "");
    place pv = place_of(v, buf, "v");
    form_name name = form_buf_name(v, buf);
    const char *type = form_dtype_word(form_buf_dtype(v, buf));
    out_line(o, "#define load_%s(%s) ld_%s(%s)", name.text, p.params, type,
             p.ref);
    if (is_row(v, buf))
        out_line(o, "#define loadv_%s(%s) splat_fv(ld_%s(%s))", name.text,
                 p.params, type, p.ref);
    else if (!is_whole(form_buf_dtype(v, buf)))
        out_line(o, "#define loadv_%s(%s) ldv_%s(%s)", name.text, pv.params,
                 type, pv.ref);
}

/* The value, added to what is there where the caller wants it. */
static void sum(qvl_str *s, const form_view *v, int buf, const char *vec)
{
    const kern_operand *o = &v->k->operand[v->map[buf]];
    place p = place_of(v, buf, vec);
    if (o->access != KERN_ACC)
        qvl_str_puts(s, "(v)");
    else
        qvl_str_printf(s, "((acc_%s & 1u) != 0u ? ld%s_%s(%s) + (v) : (v))",
                       o->name, vec, form_dtype_word(form_buf_dtype(v, buf)),
                       p.ref);
}

/* What is stored: that, or the expression of it once the sum is whole. */
static void stored(qvl_str *s, const form_view *v, int buf, const char *vec)
{
    const kern_operand *o = &v->k->operand[v->map[buf]];
    const kern_epilogue *e = &v->form->epilogue;
    if (v->form->epilogue_on != v->map[buf]) {
        sum(s, v, buf, vec);
        return;
    }
    if (o->access == KERN_ACC) {
        qvl_str_printf(s, "(acc_%s & 2u) != 0u ? ", o->name);
        sum(s, v, buf, vec);
        qvl_str_puts(s, " : ");
    }
    qvl_str_printf(s, "EXPR%s_(", vec[0] == 'v' ? "V" : "");
    sum(s, v, buf, vec);
    for (int i = 0; i < e->n_extra; i++)
        qvl_str_printf(s, ", load%s_e%d(r, c)", vec, i);
    qvl_str_puts(s, ")");
}

static void store_macro(out *o, const form_view *v, int buf, const char *vec)
{
    place p = place_of(v, buf, vec);
    form_name name = form_buf_name(v, buf);
    qvl_str value = { 0 };
    stored(&value, v, buf, vec);
    out_line(o, "#define store%s_%s(%s, v) \\", vec, name.text, p.params);
    out_line(o, "    st%s_%s(%s, %s)", vec,
             form_dtype_word(form_buf_dtype(v, buf)), p.ref, value.p);
    qvl_str_release(&value);
}

static void absent_macros(out *o, const kern_operand *op)
{
    const char *params = op->ld ? "r, c" : "i";
    const char *zero = strcmp(op->type, "i32") == 0   ? "0"
                       : strcmp(op->type, "u32") == 0 ? "0u"
                                                      : "0.0f";
    out_line(o, "#define HAS_%s 0", op->name);
    out_line(o, "#define load_%s(%s) %s", op->name, params, zero);
    if (strcmp(zero, "0.0f") == 0)
        out_line(o, "#define loadv_%s(%s) splat_fv(0.0f)", op->name, params);
}

static bool has_parts(const kern *k)
{
    return form_mentions(k->body, "PARTS");
}

void form_macros(out *o, const form_view *v)
{
    if (has_parts(v->k))
        out_line(o, "#define PARTS %du", KERN_PARTS);
    for (const kern_names *l = v->k->names; l != NULL; l = l->next) {
        out_line(o, "#define N_%s %du", l->name, l->n);
        for (int i = 0; i < l->n; i++)
            out_line(o, "#define %s %du", l->item[i], i);
    }
    for (int i = 0; i < v->k->n_operands; i++)
        if (v->form->dtype[i] < 0)
            absent_macros(o, &v->k->operand[i]);
    for (int b = 0; b < v->n_bufs; b++) {
        int m = v->map[b];
        if (m >= 0 && v->k->operand[m].optional)
            out_line(o, "#define HAS_%s 1", v->k->operand[m].name);
        if (m < 0 || v->k->operand[m].access == KERN_IN
            || v->k->operand[m].access == KERN_IO)
            load_macros(o, v, b);
        if (!form_buf_is_written(v, b))
            continue;
        store_macro(o, v, b, "");
        if (!is_whole(form_buf_dtype(v, b)))
            store_macro(o, v, b, "v");
    }
}

void form_undef(out *o, const form_view *v)
{
    if (has_parts(v->k))
        out_line(o, "#undef PARTS");
    for (const kern_names *l = v->k->names; l != NULL; l = l->next) {
        out_line(o, "#undef N_%s", l->name);
        for (int i = 0; i < l->n; i++)
            out_line(o, "#undef %s", l->item[i]);
    }
    for (int i = 0; i < v->k->n_operands; i++) {
        const kern_operand *op = &v->k->operand[i];
        if (op->optional)
            out_line(o, "#undef HAS_%s", op->name);
        if (op->access == KERN_IN || op->access == KERN_IO) {
            out_line(o, "#undef load_%s", op->name);
            out_line(o, "#undef loadv_%s", op->name);
        }
        if (op->access != KERN_IN) {
            out_line(o, "#undef store_%s", op->name);
            out_line(o, "#undef storev_%s", op->name);
        }
    }
    if (v->form->epilogue_on < 0)
        return;
    for (int i = 0; i < v->form->epilogue.n_extra; i++) {
        out_line(o, "#undef load_e%d", i);
        out_line(o, "#undef loadv_e%d", i);
    }
    out_line(o, "#undef EXPR_");
    out_line(o, "#undef EXPRV_");
}

/* The expression */

/* Whether the operators of a language do for vectors what they do for one
 * number: sums, products and quotients of v, the operands and literals. */
static bool is_arithmetic(const char *text)
{
    bool has_name = false;
    for (const char *p = text; *p != '\0';) {
        if (*p == 'v' || *p == 'e') {
            has_name = true;
            for (p++; *p >= '0' && *p <= '9'; p++)
                continue;
            if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')
                || *p == '_')
                return false;
        } else if ((*p >= '0' && *p <= '9') || *p == '.') {
            /* A literal: digits, exponent with its sign, suffix. */
            while ((*p >= '0' && *p <= '9') || *p == '.' || *p == 'f'
                   || *p == 'e' || ((*p == '-' || *p == '+') && p[-1] == 'e'))
                p++;
        } else if (strchr(" ()+-*/", *p) != NULL) {
            p++;
        } else {
            return false;
        }
    }
    return has_name;
}

static void expr_head(out *o, const form_view *v, const char *head,
                      const char *type, const char *name)
{
    qvl_str s = { 0 };
    qvl_str_printf(&s, "%s%s %s_%s(%s v", head, type, name, v->form->id, type);
    for (int i = 0; i < v->form->epilogue.n_extra; i++)
        qvl_str_printf(&s, ", %s e%d", type, i);
    out_line(o, "%s)", s.p);
    qvl_str_release(&s);
}

/* The vector form as a loop over the vector's numbers. The compiler makes it a
 * vector again; kept rolled until then, as its unrolled form defeats it. */
static void expr_loop(out *o, const form_view *v)
{
    int n = v->form->epilogue.n_extra;
    out_line(o, "f32 v_[VW];");
    out_line(o, "SPLIT_FV(v_, v);");
    for (int i = 0; i < n; i++) {
        out_line(o, "f32 e%d_[VW];", i);
        out_line(o, "SPLIT_FV(e%d_, e%d);", i, i);
    }
    out_line(o, "EACH_OF_FV(i_)");
    qvl_str s = { 0 };
    qvl_str_printf(&s, "expr_%s(v_[i_]", v->form->id);
    for (int i = 0; i < n; i++)
        qvl_str_printf(&s, ", e%d_[i_]", i);
    out_line(o, "    v_[i_] = %s);", s.p);
    qvl_str_release(&s);
    out_line(o, "JOIN_FV(v, v_);");
    out_line(o, "return v;");
}

void form_expr(out *o, const form_view *v, const char *head)
{
    if (v->form->epilogue_on < 0)
        return;
    const char *id = v->form->id;
    const char *text = v->form->epilogue.text;
    expr_head(o, v, head, "f32", "expr");
    out_open(o);
    out_line(o, "return %s;", text);
    out_close(o, "");
    out_gap(o);
    out_line(o, "#define EXPR_ expr_%s", id);
    expr_head(o, v, head, "fv", "exprv");
    out_open(o);
    if (is_arithmetic(text))
        out_line(o, "return %s;", text);
    else
        expr_loop(o, v);
    out_close(o, "");
    out_gap(o);
    out_line(o, "#define EXPRV_ exprv_%s", id);
}
