/* forms.c - the forms that tests of kernels run */
#include "forms.h"

#include <string.h>

#include "emit/form.h"
#include "tensor/dtype.h"

#define MAX_FORMS 128

typedef struct {
    const kern_form *form[MAX_FORMS];
    int n;
    const kern_set *set;
    qvl_arena *arena;
    qvl_err *err;
} maker;

/* Storage types by letter, "x" for absent. */
static int dtype_of(char letter)
{
    switch (letter) {
    case 'f':
        return QVL_F32;
    case 'b':
        return QVL_BF16;
    case 'h':
        return QVL_F16;
    case 'i':
        return QVL_I32;
    case 'u':
        return QVL_U32;
    default:
        return -1;
    }
}

/* `kinds` has S, C or R for each operand of the expression, `types` a letter. */
static int add(maker *m, const char *op, const char *letters, int expr,
               const char *text, const char *kinds, const char *types)
{
    kern_form *f = qvl_arena_array(m->arena, kern_form, 1);
    f->k = kern_find(m->set, op);
    f->epilogue_on = -1;
    for (int i = 0; letters[i] != '\0'; i++)
        f->dtype[i] = dtype_of(letters[i]);
    if (expr >= 0) {
        for (int i = f->k->n_operands - 1; i >= 0; i--)
            if (f->k->operand[i].access != KERN_IN && f->k->operand[i].ld)
                f->epilogue_on = i;
        f->epilogue.text = text;
        f->epilogue.n_extra = (int)strlen(kinds);
        for (int i = 0; i < f->epilogue.n_extra; i++) {
            f->epilogue.kind[i] = kinds[i] == 'S'   ? KERN_EXTRA_SAME
                                  : kinds[i] == 'C' ? KERN_EXTRA_COL
                                                    : KERN_EXTRA_ROW;
            f->epilogue.dtype[i] = dtype_of(types[i]);
        }
    }
    emit_kernel_name(f, expr, m->arena);
    m->form[m->n++] = f;
    return emit_kernel_check(f, m->err);
}

static int add_functions(maker *m)
{
    int n = 0;
#define ADD_FUNCTION(name)                                                    \
    QVL_TRY(add(m, "map", "f", n++, #name "(e0)", "S", "f"));
    FORMS_FUNCTIONS(ADD_FUNCTION)
#undef ADD_FUNCTION
    return QVL_OK;
}

static int add_maps(maker *m)
{
    QVL_TRY(add(m, "map", "f", FORMS_CONST, "2.5e-1f", "", ""));
    QVL_TRY(add(m, "map", "f", FORMS_COPY, "e0", "S", "f"));
    QVL_TRY(add(m, "map", "f", FORMS_COPY + 1, "e0", "S", "b"));
    QVL_TRY(add(m, "map", "f", FORMS_COPY + 2, "e0", "S", "h"));
    QVL_TRY(add(m, "map", "b", FORMS_COPY, "e0", "S", "f"));
    QVL_TRY(add(m, "map", "h", FORMS_COPY, "e0", "S", "f"));
    static const char *const type[] = { "fff", "bbb", "hhh" };
    for (int i = 0; i < 3; i++) {
        char y[2] = { type[i][0], '\0' };
        QVL_TRY(add(m, "map", y, FORMS_GLU, "e0 * silu_f32(e1)", "SS",
                    type[i]));
        QVL_TRY(add(m, "map", y, FORMS_MIX, "e0 * e2 + e1", "SCR", type[i]));
    }
    return QVL_OK;
}

static int add_sums(maker *m)
{
    QVL_TRY(add(m, "col_sum_part", "ff", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "col_sum_part", "bf", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "col_sum_part", "hf", -1, NULL, NULL, NULL));
    return add(m, "sum_rows", "ff", -1, NULL, NULL, NULL);
}

/* Norms, gradients whose long sums are made of parts, choices, attention. */
static int add_norms(maker *m)
{
    static const char *const types[] = { "ffff", "bfbf", "hfhf" };
    for (int i = 0; i < 3; i++) {
        QVL_TRY(add(m, "rms_norm", types[i], -1, NULL, NULL, NULL));
        QVL_TRY(add(m, "rms_norm", types[i], FORMS_ADD, "v + e0", "S",
                    types[i]));
        QVL_TRY(add(m, "rms_norm", types[i], FORMS_BIAS_GELU,
                    "gelu_tanh_f32(v + e0)", "C", "f"));
    }
    QVL_TRY(add(m, "rms_norm_dw_part", "ffff", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "layer_norm_dw_part", "fffff", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "expert_tn", "ffiif", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "sort_uses", "iiii", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "route", "ffi", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "cross_entropy", "fifff", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "attention", "fffiff", -1, NULL, NULL, NULL));
    return add(m, "lookup_dx", "ffiif", -1, NULL, NULL, NULL);
}

static int add_optim(maker *m)
{
    QVL_TRY(add(m, "tally", "ff", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "square_sum", "ff", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "clip", "fff", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "adamw", "ffffff", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "adamw_master", "bffffff", -1, NULL, NULL, NULL));
    return add(m, "adamw_master", "hffffff", -1, NULL, NULL, NULL);
}

static int add_tries(maker *m)
{
    QVL_TRY(add(m, "try_product", "ffxf", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "try_product", "bbfb", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "try_product", "hffh", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "try_top", "fifiiu", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "try_top", "bifiiu", -1, NULL, NULL, NULL));
    QVL_TRY(add(m, "try_sum", "ff", FORMS_SUM, "gelu_tanh_f32(v) * e0 + e1",
                "SC", "ff"));
    QVL_TRY(add(m, "try_sum", "bb", FORMS_SUM, "gelu_tanh_f32(v) * e0 + e1",
                "SC", "bf"));
    return add(m, "try_vectors", "ff", -1, NULL, NULL, NULL);
}

int forms_make(const kern_form *const **forms, int *n, kern_set *set,
               const char *root, qvl_arena *arena, qvl_err *err)
{
    static const char *const file[] = {
        "shaders/map.k", "shaders/reduce.k", "shaders/norm.k",
        "shaders/optim.k", "shaders/lookup.k", "shaders/experts.k",
        "shaders/loss.k", "shaders/attention.k", "tests/kern/try.k",
    };
    for (size_t i = 0; i < QVL_COUNT(file); i++)
        QVL_TRY(kern_read(set, qvl_arena_printf(arena, "%s/%s", root, file[i]),
                          arena, err));
    maker *m = qvl_arena_array(arena, maker, 1);
    m->set = set;
    m->arena = arena;
    m->err = err;
    QVL_TRY(add_functions(m));
    QVL_TRY(add_maps(m));
    QVL_TRY(add_sums(m));
    QVL_TRY(add_norms(m));
    QVL_TRY(add_optim(m));
    QVL_TRY(add_tries(m));
    *forms = m->form;
    *n = m->n;
    return QVL_OK;
}
