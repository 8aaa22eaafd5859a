/* families.c - which compiled forms the programs ask for, and their records in C
 *
 * Families and forms are searched one by one and appended at first use: their
 * order is that of the programs, so the same specs give the same bytes. A family
 * asks for FAMILY_N_TYPES forms; two families share a form that comes out equal.
 * Expressions are numbered in the order of their appearance, and the number goes
 * into the names, with what tells apart forms that read alike.
 */
#include "emit/families.h"

#include <string.h>

#include "emit/form.h"
#include "tensor/dtype.h"

void families_init(families *f, qvl_arena *arena)
{
    *f = (families){.arena = arena};
}

/* How a class is stored when activations are stored as `type`. */
static int stored(ir_class cls, int type)
{
    static const int types[FAMILY_N_TYPES] = {QVL_F32, QVL_BF16, QVL_F16};
    if (cls == IR_I32)
        return QVL_I32;
    return cls == IR_ACT || cls == IR_WEIGHT ? types[type] : QVL_F32;
}

/* ---- forms ---- */

static int epilogue_number(families *f, const kern_epilogue *e)
{
    for (int i = 0; i < f->n_epilogues; i++)
        if (strcmp(f->epilogue[i].text, e->text) == 0 &&
            f->epilogue[i].n_extra == e->n_extra)
            return i;
    f->epilogue = ir_grow(f->arena, f->epilogue, f->n_epilogues,
                       &f->cap_epilogues, sizeof *f->epilogue);
    f->epilogue[f->n_epilogues] = *e;
    return f->n_epilogues++;
}

static bool same_form(const kern_form *a, const kern_form *b)
{
    if (a->k != b->k || a->epilogue_on != b->epilogue_on)
        return false;
    for (int i = 0; i < a->k->n_operands; i++)
        if (a->dtype[i] != b->dtype[i])
            return false;
    return a->epilogue_on < 0 || emit_epilogue_same(&a->epilogue,
                                                    &b->epilogue);
}

static int first_output(const kern *k)
{
    for (int i = 0; i < k->n_operands; i++)
        if (k->operand[i].access != KERN_IN)
            return i;
    return -1;
}

static const char extra_letter[] = {
    [KERN_EXTRA_SAME] = 's', [KERN_EXTRA_COL] = 'c', [KERN_EXTRA_ROW] = 'r'};

/* Two expressions may read alike and differ in what they read: the types of
 * the extras go into the name. */
static void name_form(families *f, kern_form *form, int number)
{
    emit_kernel_name(form, number, f->arena);
    if (number < 0 || form->epilogue.n_extra == 0)
        return;
    char tail[2 * KERN_MAX_EXTRA + 2] = {0};
    int n = 0;
    for (int i = 0; i < form->epilogue.n_extra; i++) {
        tail[n++] = extra_letter[form->epilogue.kind[i]];
        tail[n++] = form_dtype_letter(form->epilogue.dtype[i]);
    }
    form->name = qvl_arena_printf(f->arena, "%s.%s", form->name, tail);
    form->id = qvl_arena_printf(f->arena, "%s_%s", form->id, tail);
}

static int add_form(families *f, const kernel_family *fam, int type, int *index,
                    qvl_err *err)
{
    kern_form form = {.k = fam->k, .epilogue_on = -1};
    int number = -1;
    for (int i = 0; i < fam->k->n_operands; i++)
        form.dtype[i] =
            (int)fam->cls[i] < 0 ? -1 : stored(fam->cls[i], type);
    if (fam->expr) {
        form.epilogue_on = first_output(fam->k);
        form.epilogue.text = fam->expr;
        form.epilogue.n_extra = fam->n_extra;
        for (int i = 0; i < fam->n_extra; i++) {
            form.epilogue.kind[i] = fam->kind[i];
            form.epilogue.dtype[i] = stored(fam->extra_cls[i], type);
        }
        number = epilogue_number(f, &form.epilogue);
    }
    for (int i = 0; i < f->n_forms; i++)
        if (same_form(f->form[i], &form)) {
            *index = i;
            return QVL_OK;
        }
    name_form(f, &form, number);
    QVL_TRY(emit_kernel_check(&form, err));
    f->form = ir_grow(f->arena, f->form, f->n_forms, &f->cap_forms,
                   sizeof *f->form);
    f->form[f->n_forms] = qvl_arena_array(f->arena, kern_form, 1);
    *f->form[f->n_forms] = form;
    *index = f->n_forms++;
    return QVL_OK;
}

/* ---- families ---- */

static bool same_family(const kernel_family *a, const kernel_family *b)
{
    if (a->k != b->k || !a->expr != !b->expr || a->n_extra != b->n_extra)
        return false;
    for (int i = 0; i < a->k->n_operands; i++)
        if (a->cls[i] != b->cls[i])
            return false;
    for (int i = 0; i < a->n_extra; i++)
        if (a->kind[i] != b->kind[i] || a->extra_cls[i] != b->extra_cls[i])
            return false;
    return !a->expr || strcmp(a->expr, b->expr) == 0;
}

static void name_family(families *f, kernel_family *fam)
{
    char cls[KERN_MAX_OPERANDS + 1] = {0};
    for (int i = 0; i < fam->k->n_operands; i++)
        cls[i] = (int)fam->cls[i] < 0 ? 'x' : ir_classes[fam->cls[i]].letter;
    fam->id = qvl_arena_printf(f->arena, "qvl_f_%s_%s", fam->k->name, cls);
    if (!fam->expr)
        return;
    kern_epilogue e = {.text = fam->expr, .n_extra = fam->n_extra};
    char tail[2 * KERN_MAX_EXTRA + 1] = {0};
    for (int i = 0; i < fam->n_extra; i++) {
        tail[2 * i] = extra_letter[fam->kind[i]];
        tail[2 * i + 1] = ir_classes[fam->extra_cls[i]].letter;
    }
    fam->id = qvl_arena_printf(f->arena, "%s_e%d%s%s", fam->id,
                               epilogue_number(f, &e), tail[0] ? "_" : "",
                               tail);
}

/* Append; fam->id is its name, or NULL for one made from what it is. */
static int family_new(families *f, kernel_family *fam, int *index,
                      qvl_err *err)
{
    for (int t = 0; t < FAMILY_N_TYPES; t++)
        QVL_TRY(add_form(f, fam, f->is_f32 ? 0 : t, &fam->form[t], err));
    if (!fam->id)
        name_family(f, fam);
    f->family = ir_grow(f->arena, f->family, f->n_families, &f->cap_families,
                     sizeof *f->family);
    f->family[f->n_families] = *fam;
    *index = f->n_families++;
    return QVL_OK;
}

static int family_add(families *f, kernel_family *fam, int *index,
                      qvl_err *err)
{
    for (int i = 0; i < f->n_families; i++)
        if (same_family(&f->family[i], fam)) {
            *index = i;
            return QVL_OK;
        }
    return family_new(f, fam, index, err);
}

int families_of_op(families *f, const ir_op *op, int *index, qvl_err *err)
{
    kernel_family fam = {.k = op->k};
    for (int i = 0; i < op->k->n_operands; i++) {
        const ir_value *v = ir_operand(op, i);
        fam.cls[i] = v ? v->cls : (ir_class)-1;
        // the residual stream is f32: the same form as any f32
        if (v && v->cls == IR_RES && !kern_is_storage(&op->k->operand[i]))
            fam.cls[i] = IR_F32;
    }
    if (op->expr) {
        qvl_str s = {0};
        ir_print_expr(&s, op->expr, NULL);
        fam.expr = qvl_arena_strdup(f->arena, s.p);
        qvl_str_release(&s);
        fam.n_extra = op->n_extra;
        for (int i = 0; i < op->n_extra; i++) {
            fam.kind[i] = op->extra_kind[i];
            fam.extra_cls[i] = op->extra[i]->cls;
        }
    }
    return family_add(f, &fam, index, err);
}

int families_of_kernel(families *f, const kern *k, ir_class cls, int *index,
                    qvl_err *err)
{
    kernel_family fam = {
        .k = k, .by_hand = true,
        .id = qvl_arena_printf(f->arena, "qvl_family_%s", k->name)};
    for (int i = 0; i < k->n_operands; i++) {
        const kern_operand *o = &k->operand[i];
        fam.cls[i] = kern_is_storage(o)             ? cls
                     : strcmp(o->type, "f32") == 0 ? IR_F32
                                                   : IR_I32;
    }
    return family_new(f, &fam, index, err);
}

/* ---- as C ---- */

static int arg_of(const kern_arg *args, int n, kern_arg_kind kind, int index)
{
    for (int i = 0; i < n; i++)
        if (args[i].kind == kind && args[i].index == index)
            return i;
    return -1;
}

/* Shape of buffer b in terms of arguments: qvl_operand. What an expression
 * reads has dims of the output that carries it. */
static void emit_operand(out *o, const kernel_family *fam, const int *map,
                         int b, const kern_arg *args, int n_args)
{
    int x = map[b];
    int off = arg_of(args, n_args, KERN_ARG_OFF, b);
    const kern_operand *k =
        &fam->k->operand[x < 0 ? first_output(fam->k) : x];
    bool by_col = x < 0 && fam->kind[-1 - x] == KERN_EXTRA_COL;
    bool by_row = x < 0 && fam->kind[-1 - x] == KERN_EXTRA_ROW;
    int from = by_col ? 1 : 0;
    int to = by_row ? 1 : k->rank;
    qvl_str dims = {0};
    for (int i = from; i < to; i++)
        qvl_str_printf(&dims, "%s%d", i > from ? ", " : "",
                       k->dim[i] < 0
                           ? k->dim[i] + 1
                           : arg_of(args, n_args, KERN_ARG_DIM, k->dim[i]));
    out_line(o, "[%d] = {.rank = %d, .dim = {%s}, .off_arg = %d},", b,
             to - from, dims.p, off < 0 ? 0 : off);
    qvl_str_release(&dims);
}

static void emit_cuts(out *o, const kern *k, const kern_arg *args, int n_args)
{
    if (k->n_cuts == 0)
        return;
    out_line(o, ".cut = {");
    o->depth++;
    for (int i = 0; i < k->n_cuts; i++) {
        const kern_cut *c = &k->cut[i];
        int edge = c->edge < 0 ? 0 : arg_of(args, n_args, KERN_ARG_DIM,
                                            c->edge);
        int first = c->first < 0 ? 0 : arg_of(args, n_args, KERN_ARG_SCALAR,
                                              c->first);
        out_line(o, "{.dim_arg = %d, .first_arg = %d, .edge_arg = %d, "
                 ".apart = %s},", arg_of(args, n_args, KERN_ARG_DIM, c->sym),
                 first, edge, c->apart ? "true" : "false");
    }
    o->depth--;
    out_line(o, "},");
    out_line(o, ".n_cuts = %d,", k->n_cuts);
}

static void emit_family(out *o, const families *f, const kernel_family *fam)
{
    const kern_form *form = f->form[fam->form[0]];
    kern_arg args[QVL_KERNEL_MAX_ARGS];
    int map[QVL_KERNEL_MAX_BUFS];
    int n_args = kern_args(form, args);
    int n_bufs = kern_buffers(form, map);
    unsigned reads = 0, writes = 0, adds = 0, waits = 0;
    qvl_str cls = {0}, acc = {0};
    for (int b = 0; b < n_bufs; b++) {
        int x = map[b];
        kern_access a = x < 0 ? KERN_IN : fam->k->operand[x].access;
        ir_class c = x < 0 ? fam->extra_cls[-1 - x] : fam->cls[x];
        int acc_arg = a == KERN_ACC ? arg_of(args, n_args, KERN_ARG_ACC, x)
                                    : 255;
        reads |= (a == KERN_IN || a == KERN_IO ? 1u : 0u) << b;
        writes |= (a != KERN_IN ? 1u : 0u) << b;
        adds |= (a == KERN_ACC ? 1u : 0u) << b;
        waits |= (a == KERN_ACC && x == form->epilogue_on ? 1u : 0u) << b;
        qvl_str_printf(&cls, "%s%s", b ? ", " : "", ir_classes[c].constant);
        qvl_str_printf(&acc, "%s%d", b ? ", " : "", acc_arg);
    }
    if (fam->expr)
        out_line(o, "/* %s */", fam->expr);
    out_line(o, "const qvl_kernel_family %s = {", fam->id);
    o->depth++;
    out_line(o, ".op = \"%s\",", fam->k->name);
    out_line(o, ".n_bufs = %d,", n_bufs);
    out_line(o, ".n_args = %d,", n_args);
    out_line(o, ".cls = {%s},", cls.p);
    out_line(o, ".reads = 0x%x,", reads);
    out_line(o, ".writes = 0x%x,", writes);
    out_line(o, ".adds = 0x%x,", adds);
    out_line(o, ".waits = 0x%x,", waits);
    out_line(o, ".acc_arg = {%s},", acc.p);
    out_line(o, ".operand = {");
    o->depth++;
    for (int b = 0; b < n_bufs; b++)
        emit_operand(o, fam, map, b, args, n_args);
    o->depth--;
    out_line(o, "},");
    emit_cuts(o, fam->k, args, n_args);
    out_line(o, ".form = {");
    o->depth++;
    for (int t = 0; t < FAMILY_N_TYPES; t++)
        out_line(o, "&qvl_kernel_%s,", f->form[fam->form[t]]->id);
    o->depth--;
    out_line(o, "},");
    o->depth--;
    out_line(o, "};");
    out_gap(o);
    qvl_str_release(&cls);
    qvl_str_release(&acc);
}

void families_emit(qvl_str *s, const families *f, const char *header)
{
    out o;
    out_init(&o, s);
    out_line(&o, "/* Generated: families of kernels, see graph/program.h. */");
    out_line(&o, "#include \"%s\"", header);
    out_gap(&o);
    for (int i = 0; i < f->n_forms; i++)
        out_line(&o, "extern const qvl_kernel qvl_kernel_%s;",
                 f->form[i]->id);
    out_gap(&o);
    for (int i = 0; i < f->n_families; i++)
        emit_family(&o, f, &f->family[i]);
}

void families_emit_header(qvl_str *s, const families *f)
{
    out o;
    out_init(&o, s);
    out_line(&o, "/* Generated: families of kernels, see graph/program.h. */");
    out_line(&o, "#include \"graph/program.h\"");
    out_gap(&o);
    for (int i = 0; i < f->n_families; i++)
        out_line(&o, "extern const qvl_kernel_family %s;",
                 f->family[i].id);
}
