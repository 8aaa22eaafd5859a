/* loop_augment.c - numbers of augmentation in the log of a run
 *
 *     aug/OP.fired, aug/OP.skipped   shares of the samples that were not bypassed
 *     aug/bypassed, aug/kept         shares of samples, of objects
 *     aug/padding_ratio, aug/pixels, aug/image_tokens   means of samples
 *     aug/OP.PARAM                   where the curriculum stands
 *
 * Of several ops with one name the second is OP.2. Samples of sets of data that are not
 * augmented do not count.
 */
#include <string.h>

#include "data/augment/curriculum.h"
#include "train/loop_state.h"

/* OP, OP.2, ... of op i. */
static const char *name_of(qvl_loop *r, const qvl_augmentation *rules, int i)
{
    int k = 1;
    for (int j = 0; j < i; j++)
        k += rules->op[j].id == rules->op[i].id;
    const char *op = qvl_aug_name(rules->op[i].id);
    return k == 1 ? op : qvl_arena_printf(&r->arena, "%s.%d", op, k);
}

/* Is the parameter changed by a phase? */
static bool is_moved(const qvl_augmentation *rules, const qvl_aug_param *param)
{
    for (int k = 0; k < rules->n_phases; k++)
        for (int t = 0; t < rules->phase[k].n; t++)
            if (rules->phase[k].target[t].param == param)
                return true;
    return false;
}

static void add_state_name(qvl_loop_augment *a, const char *name, int op,
                           const qvl_aug_param *param, bool is_high)
{
    a->state[a->n_state++] = (qvl_loop_augment_state){ name, op, param, is_high };
}

/* Names of the parameters of op i that move. */
static void name_state(qvl_loop *r, int i, const char *op)
{
    const qvl_augmentation *rules = r->c->augmentation;
    for (size_t k = 0; k < qvl_n_aug_params; k++) {
        const qvl_aug_param *p = &qvl_aug_params[k];
        if (p->op != rules->op[i].id || !is_moved(rules, p))
            continue;
        bool is_range = p->type == QVL_AUG_TYPE_RANGE;
        add_state_name(&r->augment,
                       qvl_arena_printf(&r->arena, "aug/%s.%s%s", op, p->name,
                                        is_range ? ".lo" : ""), i, p, false);
        if (is_range)
            add_state_name(&r->augment,
                           qvl_arena_printf(&r->arena, "aug/%s.%s.hi", op, p->name),
                           i, p, true);
    }
}

void qvl_loop_augment_open(qvl_loop *r)
{
    const qvl_augmentation *rules = r->c->augmentation;
    qvl_loop_augment *a = &r->augment;
    qvl_samples_augment(&r->samples, r->c, r->max_steps, &r->arena);
    if (qvl_samples_augmenter(&r->samples) == NULL)
        return;
    size_t n = (size_t)rules->n_ops;
    a->fired = qvl_arena_array(&r->arena, const char *, n);
    a->skipped = qvl_arena_array(&r->arena, const char *, n);
    a->state = qvl_arena_array(&r->arena, qvl_loop_augment_state,
                               2 * n * qvl_n_aug_params);
    for (int i = 0; i < rules->n_ops; i++) {
        const char *op = name_of(r, rules, i);
        a->fired[i] = qvl_arena_printf(&r->arena, "aug/%s.fired", op);
        a->skipped[i] = qvl_arena_printf(&r->arena, "aug/%s.skipped", op);
        name_state(r, i, op);
    }
    a->n_ops = rules->n_ops;
    a->n_names = 2 * a->n_ops + a->n_state + 6;
}

static void count_sample(qvl_loop *r, const qvl_record *before,
                         const qvl_augment_report *report)
{
    qvl_metrics *w = &r->window;
    qvl_metrics_share(w, "aug/bypassed", report->is_bypassed, 1);
    for (int i = 0; i < r->augment.n_ops && !report->is_bypassed; i++) {
        qvl_aug_outcome outcome = report->outcome[i];
        qvl_metrics_share(w, r->augment.fired[i], outcome == QVL_AUG_FIRED, 1);
        qvl_metrics_share(w, r->augment.skipped[i], outcome >= QVL_AUG_MIN_OBJECTS, 1);
    }
    if (before->n_objects > 0)
        qvl_metrics_share(w, "aug/kept", before->n_objects - report->n_dropped,
                          before->n_objects);
    qvl_metrics_mean(w, "aug/padding_ratio", report->padding_ratio);
}

void qvl_loop_augment_count(qvl_loop *r, const qvl_collated *batch)
{
    for (int i = 0; i < batch->n_samples && batch->augment != NULL; i++) {
        const qvl_encoded *s = &batch->sample[i];
        if (batch->record[i] == NULL)
            continue;
        count_sample(r, batch->record[i], &batch->augment[i]);
        qvl_metrics_mean(&r->window, "aug/pixels", (double)s->record->w * s->record->h);
        qvl_metrics_mean(&r->window, "aug/image_tokens", s->n_image_tok);
    }
}

static double value_of(const qvl_aug_op *op, const qvl_loop_augment_state *s)
{
    const char *field = (const char *)op + s->param->at;
    qvl_aug_range range;
    double number;
    int count;
    switch (s->param->type) {
    case QVL_AUG_TYPE_NUMBER:
        memcpy(&number, field, sizeof number);
        return number;
    case QVL_AUG_TYPE_RANGE:
        memcpy(&range, field, sizeof range);
        return s->is_high ? range.hi : range.lo;
    default:
        memcpy(&count, field, sizeof count);
        return count;
    }
}

void qvl_loop_augment_log(qvl_loop *r)
{
    const qvl_augmenter *a = qvl_samples_augmenter(&r->samples);
    if (a == NULL || a->rules->n_phases == 0)
        return;
    qvl_arena work = { 0 };
    qvl_aug_state state =
        qvl_aug_state_at(a->rules, r->step - 1, a->total_steps, &work);
    qvl_metrics_set(&r->window, "aug/bypass_prob", state.bypass_prob);
    for (int i = 0; i < r->augment.n_state; i++) {
        const qvl_loop_augment_state *s = &r->augment.state[i];
        qvl_metrics_set(&r->window, s->name, value_of(&state.op[s->op], s));
    }
    qvl_arena_release(&work);
}
