/* type_metric.c - sums of a sample by type, added to the means of its source */
#include "train/type_metric.h"

#include <assert.h>
#include <string.h>

#include "config/eval_number.h"
#include "data/source_label.h"

/* ---- names ---------------------------------------------------------------- */

static bool is_small_equal(const char *small, const char *text)
{
    for (; *small != '\0'; small++, text++)
        if (*small != (*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text))
            return false;
    return *text == '\0';
}

static bool has_label(const qvl_texts *list, const char *label)
{
    for (int i = 0; i < list->n; i++)
        if (is_small_equal(label, list->v[i]))
            return true;
    return false;
}

/* "bbu, lvis" */
static const char *list_labels(const qvl_sources *s, qvl_arena *arena)
{
    const char *all = "";
    for (int k = 0; k < s->n; k++)
        all = qvl_arena_printf(arena, "%s%s%s", all, k > 0 ? ", " : "",
                               s->item[k].label);
    return all;
}

static int check_list(const qvl_texts *list, const char *path,
                      const qvl_run_config *c, const qvl_sources *s,
                      qvl_arena *arena, qvl_err *err)
{
    for (int i = 0; i < list->n; i++) {
        bool is_known = false;
        for (int k = 0; k < s->n && !is_known; k++)
            is_known = is_small_equal(s->item[k].label, list->v[i]);
        if (!is_known)
            return qvl_fail(err, QVL_E_CONFIG, "%s: %s: found %.200s, expected sources"
                            " of the records: %s", qvl_run_config_place(c, path, arena),
                            path, list->v[i], list_labels(s, arena));
    }
    return QVL_OK;
}

/* LABEL_TYPE_NUMBER, where the source has `name`, LABEL_NUMBER. */
static const char *with_type(const char *name, int number, int type,
                             qvl_arena *arena)
{
    const char *own = qvl_eval_name(number);
    size_t n = strlen(name) - strlen(own);
    return qvl_arena_printf(arena, "%.*s%s_%s", (int)n, name, qvl_type_name(type),
                            own);
}

static void name_source(qvl_type_metrics *t, int k, qvl_arena *arena)
{
    const qvl_source *s = &t->sources->item[k];
    for (int i = 0; i < QVL_N_TYPES; i++) {
        t->item[k].loss[i] = with_type(s->loss, QVL_EVAL_LOSS, i + 1, arena);
        t->item[k].token_acc[i] =
            with_type(s->token_acc, QVL_EVAL_TOKEN_ACC, i + 1, arena);
    }
    t->n_names += 2 * QVL_N_TYPES;
}

/* A source bbu_desc has a bbu_desc_loss already. */
static int check_names(const qvl_type_metrics *t, qvl_err *err)
{
    const qvl_sources *s = t->sources;
    for (int k = 0; k < s->n; k++)
        for (int i = 0; t->item[k].loss[0] != NULL && i < QVL_N_TYPES; i++)
            for (int other = 0; other < s->n; other++)
                if (strcmp(t->item[k].loss[i], s->item[other].loss) == 0)
                    return qvl_fail(err, QVL_E_CONFIG, "custom.token_type_metrics: "
                                    "found the sources %s and %s, which both have "
                                    "numbers called %s, expected one of them in "
                                    "exclude", s->item[k].label, s->item[other].label,
                                    t->item[k].loss[i]);
    return QVL_OK;
}

int qvl_type_metrics_make(qvl_type_metrics *types, const qvl_run_config *config,
                          const qvl_sources *sources, qvl_arena *arena,
                          qvl_err *err)
{
    const qvl_texts *include = &config->token_types.include;
    const qvl_texts *exclude = &config->token_types.exclude;
    qvl_type_metrics t = { .sources = sources };
    if (!config->token_types.enabled || sources->n == 0) {
        *types = t;
        return QVL_OK;
    }
    QVL_TRY(check_list(include, "custom.token_type_metrics.include", config, sources,
                       arena, err));
    QVL_TRY(check_list(exclude, "custom.token_type_metrics.exclude", config, sources,
                       arena, err));
    for (int k = 0; k < sources->n; k++) {
        const char *label = sources->item[k].label;
        if ((include->n == 0 || has_label(include, label)) && !has_label(exclude, label))
            name_source(&t, k, arena);
    }
    if (t.n_names == 0)
        return qvl_fail(err, QVL_E_CONFIG, "custom.token_type_metrics: found no source "
                        "that is included and not excluded, expected one of %s",
                        list_labels(sources, arena));
    QVL_TRY(check_names(&t, err));
    *types = t;
    return QVL_OK;
}

/* ---- numbers -------------------------------------------------------------- */

/* Names of the numbers of a record; NULL: it has none. */
static const qvl_type_names *names_of(const qvl_type_metrics *t,
                                      const qvl_record *record)
{
    for (int k = 0; k < t->sources->n; k++)
        if (t->item[k].loss[0] != NULL
            && qvl_source_label_is(record, t->sources->item[k].label))
            return &t->item[k];
    return NULL;
}

/* Sums over the labels of a type. */
typedef struct {
    double loss;
    double hits;
    double n;
} sums;

static void add_up(sums *of, const qvl_encoded *sample, const qvl_train_label *label)
{
    for (int i = 0; i < sample->n; i++) {
        if (sample->label[i] == QVL_IGNORE_INDEX)
            continue;
        sums *s = &of[sample->type[i] - 1];
        s->loss += (double)label->loss;
        s->hits += (double)label->hit;
        s->n++;
        label++;
    }
}

void qvl_type_metrics_count(const qvl_type_metrics *types,
                            const qvl_encoded *sample,
                            const qvl_train_label *label, qvl_metrics *metrics)
{
    sums of[QVL_N_TYPES] = { 0 };
    if (types->n_names == 0 || sample->type == NULL)
        return;
    const qvl_type_names *names = names_of(types, sample->record);
    if (names == NULL)
        return;
    add_up(of, sample, label);
    for (int i = 0; i < QVL_N_TYPES; i++) {
        if (of[i].n == 0)
            continue;
        qvl_metrics_mean(metrics, names->loss[i], of[i].loss / of[i].n);
        qvl_metrics_mean(metrics, names->token_acc[i], of[i].hits / of[i].n);
    }
}
