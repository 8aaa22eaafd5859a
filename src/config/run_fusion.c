/* run_fusion.c - the fusion of a run */
#include "config/run_fusion.h"

#include <string.h>

#include "config/augment.h"
#include "config/fusion.h"
#include "config/schema.h"

/* The mode of entries that name none; -1: that of their template. */
static int mode_of(const qvl_run_config *c)
{
    if (qvl_key_given(c->tree, "custom.use_summary") == NULL)
        return -1;
    return c->custom.use_summary ? QVL_FUSION_SUMMARY : QVL_FUSION_DENSE;
}

/* Entries as the run takes them. */
static void settle(qvl_fusion *f, const qvl_augmentation *a, qvl_arena *arena)
{
    qvl_fusion_entry *entry = qvl_arena_array(arena, qvl_fusion_entry, f->n);
    for (int i = 0; i < f->n; i++) {
        entry[i] = f->entry[i];
        entry[i].augmentation_enabled &= a->is_on;
        entry[i].curriculum_enabled &= a->is_on && a->n_phases > 0;
    }
    f->entry = entry;
}

static int check_evaluated(const qvl_run_config *c, const qvl_fusion *f,
                           qvl_arena *arena, qvl_err *err)
{
    for (int i = 0; i < f->n; i++)
        if (qvl_fusion_is_evaluated(&f->entry[i]))
            return QVL_OK;
    if (c->training.eval_strategy == QVL_WHEN_NO)
        return QVL_OK;
    return qvl_fail(err, QVL_E_CONFIG, "%s: found no entry with records for "
                    "evaluations, expected a val_jsonl of a target, which "
                    "training.eval_strategy %s needs", c->custom.fusion_config,
                    qvl_run_config_word(c, "training.eval_strategy", arena));
}

static int check_domains(const qvl_run_config *c, const qvl_fusion *f, qvl_err *err)
{
    const char *format = c->custom.assistant_prefix_format;
    if (format == NULL || strstr(format, "{domain}") == NULL)
        return QVL_OK;
    for (int i = 0; i < f->n; i++) {
        const qvl_fusion_entry *e = &f->entry[i];
        if (!qvl_fusion_has_line(e) || qvl_fusion_domain(e) != NULL)
            continue;
        return qvl_node_fail(e->node, err, QVL_E_CONFIG, "%s: found no word for "
                             "{domain} of custom.assistant_prefix_format, expected "
                             "template %s_DOMAIN", e->name, e->template);
    }
    return QVL_OK;
}

int qvl_run_fusion(qvl_run_config *c, qvl_arena *arena, qvl_err *err)
{
    if (c->custom.fusion_config == NULL)
        return QVL_OK;
    qvl_fusion *f = qvl_arena_array(arena, qvl_fusion, 1);
    QVL_TRY(qvl_fusion_load(f, c->custom.fusion_config, mode_of(c), arena, err));
    settle(f, c->augmentation, arena);
    QVL_TRY(check_evaluated(c, f, arena, err));
    QVL_TRY(check_domains(c, f, err));
    c->fusion = f;
    return QVL_OK;
}
