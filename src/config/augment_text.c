/* augment_text.c - ops and phases as words, to tell whether two are the same */
#include <string.h>

#include "base/json.h"
#include "config/augment.h"

static void put_numbers(qvl_str *out, const double *v, int n)
{
    for (int i = 0; i < n; i++) {
        qvl_str_puts(out, i > 0 ? ", " : "[");
        qvl_json_number(out, v[i]);
    }
    qvl_str_puts(out, n > 0 ? "]" : "[]");
}

static void put_texts(qvl_str *out, const qvl_texts *list)
{
    for (int i = 0; i < list->n; i++) {
        qvl_str_puts(out, i > 0 ? ", " : "[");
        qvl_json_quote(out, list->v[i], strlen(list->v[i]));
    }
    qvl_str_puts(out, list->n > 0 ? "]" : "[]");
}

/* The field of a parameter, as JSON has it. */
static void put_value(qvl_str *out, const void *field, qvl_aug_type type)
{
    const qvl_aug_range *range = field;
    const qvl_aug_pair *pair = field;
    const qvl_aug_numbers *numbers = field;
    switch (type) {
    case QVL_AUG_TYPE_NUMBER:
        qvl_json_number(out, *(const double *)field);
        return;
    case QVL_AUG_TYPE_FLAG:
        qvl_str_puts(out, *(const bool *)field ? "true" : "false");
        return;
    case QVL_AUG_TYPE_RANGE:
        put_numbers(out, (const double[]){ range->lo, range->hi }, 2);
        return;
    case QVL_AUG_TYPE_PAIR:
        qvl_str_printf(out, "[%d, %d]", pair->v[0], pair->v[1]);
        return;
    case QVL_AUG_TYPE_NUMBERS:
        put_numbers(out, numbers->v, numbers->n);
        return;
    case QVL_AUG_TYPE_TEXTS:
        put_texts(out, field);
        return;
    case QVL_AUG_TYPE_COUNT:
    case QVL_AUG_TYPE_SIZE:
    case QVL_AUG_TYPE_WORD:
        qvl_str_printf(out, "%d", *(const int *)field);
        return;
    }
}

void qvl_aug_op_put(qvl_str *out, const qvl_aug_op *op)
{
    qvl_str_puts(out, qvl_aug_name(op->id));
    for (size_t i = 0; i < qvl_n_aug_params; i++) {
        const qvl_aug_param *p = &qvl_aug_params[i];
        if (p->op != op->id)
            continue;
        qvl_str_printf(out, " %s=", p->name);
        put_value(out, (const char *)op + p->at, p->type);
    }
}

void qvl_aug_phase_put(qvl_str *out, const qvl_aug_phase *phase)
{
    qvl_str_puts(out, "until ");
    qvl_json_number(out, phase->until);
    if (phase->bypass_prob >= 0) {
        qvl_str_puts(out, " bypass_prob=");
        qvl_json_number(out, phase->bypass_prob);
    }
    for (int i = 0; i < phase->n; i++) {
        const qvl_aug_target *t = &phase->target[i];
        qvl_str_printf(out, " %s.%s=", qvl_aug_name(t->param->op), t->param->name);
        put_numbers(out, (const double[]){ t->lo, t->hi }, 2);
    }
}
