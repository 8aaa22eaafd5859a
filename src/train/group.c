/* group.c - which parameters are trained, and at which rate
 *
 * Rules are applied in the order of the options, the last one wins; then tied
 * pairs are joined. A beginning or an expression that finds no name is an
 * error: it would freeze nothing and say nothing.
 */
#include "train/group.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "text/regex.h"

static const char *const part_name[QVL_N_PARTS] = { "vit", "aligner", "llm" };

/* Word of a layer spec for each part. */
static const char *const spec_name[QVL_N_PARTS] = { "vision", "aligner",
                                                    "text" };

const char *qvl_part_name(qvl_part part)
{
    assert(part >= 0 && part < QVL_N_PARTS);
    return part_name[part];
}

typedef struct {
    qvl_groups *g;
    const qvl_param_list *params;
    const qvl_train_options *o;
    qvl_arena *arena;
    qvl_err *err;
} making;

static int owner_of(const qvl_param_list *params, int i)
{
    int same = params->item[i].same_as;
    return same == -1 ? i : same;
}

static size_t elems_of(const qvl_arch_param *p)
{
    size_t n = 1;
    for (int k = 0; k < p->rank; k++)
        n *= p->shape[k];
    return n;
}

/* ---- what is trained ---------------------------------------------------- */

static int find_parts(making *m)
{
    for (int i = 0; i < m->params->n; i++) {
        int k = 0;
        while (k < QVL_N_PARTS
               && strcmp(m->params->item[i].group, spec_name[k]) != 0)
            k++;
        if (k == QVL_N_PARTS)
            return qvl_fail(m->err, QVL_E_INTERNAL,
                            "parameter %s: found part %s, expected a known "
                            "one", m->params->item[i].name,
                            m->params->item[i].group);
        m->g->part[i] = k;
    }
    return QVL_OK;
}

static void freeze_front(making *m)
{
    double all = 0.0, frozen = 0.0;
    for (int i = 0; i < m->params->n; i++)
        if (owner_of(m->params, i) == i)
            all += (double)elems_of(&m->params->item[i]);
    for (int i = 0; i < m->params->n && m->o->freeze_ratio > 0.0; i++) {
        if (owner_of(m->params, i) != i)
            continue;
        frozen += (double)elems_of(&m->params->item[i]);
        if (frozen > m->o->freeze_ratio * all)
            return;
        m->g->trained[i] = false;
    }
}

/* Set the flag of every name that begins so. */
static int mark_prefix(making *m, const char *prefix, bool trained)
{
    size_t len = strlen(prefix);
    bool found = false;
    for (int i = 0; i < m->params->n; i++) {
        if (strncmp(m->params->item[i].name, prefix, len) != 0)
            continue;
        m->g->trained[i] = trained;
        found = true;
    }
    if (found)
        return QVL_OK;
    return qvl_fail(m->err, QVL_E_CONFIG,
                    "%s: found %s, expected the beginning of a parameter's "
                    "name such as %s",
                    trained ? "trainable_parameters" : "freeze_parameters",
                    prefix, m->params->item[0].name);
}

static int mark_prefixes(making *m, const char *const *list, size_t n,
                         bool trained)
{
    for (size_t k = 0; k < n; k++)
        QVL_TRY(mark_prefix(m, list[k], trained));
    return QVL_OK;
}

static int mark_found(making *m, const qvl_regex *re, const char *pattern,
                      bool trained)
{
    int n_found = 0;
    for (int i = 0; i < m->params->n; i++) {
        bool found;
        QVL_TRY(qvl_regex_find(re, m->params->item[i].name, &found, m->err));
        if (found)
            m->g->trained[i] = trained;
        n_found += found;
    }
    return n_found > 0
               ? QVL_OK
               : qvl_fail(m->err, QVL_E_CONFIG, "found no parameter with \"%s\", "
                          "expected one", pattern);
}

static int mark_regex(making *m, const char *pattern, bool trained)
{
    qvl_regex *re;
    if (pattern == NULL)
        return QVL_OK;
    int rc = qvl_regex_open(&re, pattern, m->err);
    if (rc == QVL_OK) {
        rc = mark_found(m, re, pattern, trained);
        qvl_regex_close(re);
    }
    if (rc != QVL_OK)
        qvl_err_add(m->err, trained ? "trainable_parameters_regex"
                                    : "freeze_parameters_regex");
    return rc;
}

/* A tied pair has one storage: it is trained if either is. */
static void join_tied(making *m)
{
    bool *trained = m->g->trained;
    for (int i = 0; i < m->params->n; i++)
        if (trained[i])
            trained[owner_of(m->params, i)] = true;
    for (int i = 0; i < m->params->n; i++)
        trained[i] = trained[owner_of(m->params, i)];
}

static bool is_frozen(const qvl_train_options *o, int part)
{
    return (part == QVL_PART_VIT && o->freeze_vit)
           || (part == QVL_PART_ALIGNER && o->freeze_aligner)
           || (part == QVL_PART_LLM && o->freeze_llm);
}

static int mark_all(making *m)
{
    const qvl_train_options *o = m->o;
    memset(m->g->trained, true, (size_t)m->params->n * sizeof(bool));
    freeze_front(m);
    /* Only the owner of a tied pair was counted, so the other one follows. */
    for (int i = 0; i < m->params->n; i++)
        m->g->trained[i] = m->g->trained[owner_of(m->params, i)];
    QVL_TRY(mark_prefixes(m, o->freeze, o->n_freeze, false));
    QVL_TRY(mark_regex(m, o->freeze_regex, false));
    for (int i = 0; i < m->params->n; i++)
        if (is_frozen(o, m->g->part[i]))
            m->g->trained[i] = false;
    QVL_TRY(mark_prefixes(m, o->trainable, o->n_trainable, true));
    QVL_TRY(mark_regex(m, o->trainable_regex, true));
    join_tied(m);
    return QVL_OK;
}

/* ---- decay -------------------------------------------------------------- */

static bool is_norm(const char *word)
{
    size_t len = strlen(word);
    if (strncmp(word, "norm", 4) == 0
        && strspn(word + 4, "0123456789") == len - 4)
        return true;
    if (len >= 5 && strcmp(word + len - 5, "_norm") == 0)
        return true;
    return strstr(word, "layernorm") != NULL
           || strstr(word, "rmsnorm") != NULL;
}

bool qvl_group_decays(const char *name)
{
    char word[256];
    size_t n = 0;
    for (const char *c = name;; c++) {
        if (*c != '.' && *c != '\0') {
            if (n + 1 < sizeof word)
                word[n++] = (char)tolower((unsigned char)*c);
            continue;
        }
        word[n] = '\0';
        n = 0;
        if (is_norm(word) || strstr(word, "bias") != NULL)
            return false;
        if (*c == '\0')
            return true;
    }
}

/* ---- groups ------------------------------------------------------------- */

/* The rate that a part was given; negative: none of its own. */
static double rate_of(const qvl_train_options *o, int part)
{
    return part == QVL_PART_VIT       ? o->vit_lr
           : part == QVL_PART_ALIGNER ? o->aligner_lr
                                      : -1.0;
}

static int is_multimodal(const making *m, bool *out)
{
    static const char *const known[] = { "default", "multimodal" };
    const char *name = m->o->optimizer;
    bool own = m->o->vit_lr >= 0.0 || m->o->aligner_lr >= 0.0;
    if (name == NULL || strcmp(name, known[1]) == 0) {
        *out = name != NULL || own;
        return QVL_OK;
    }
    if (strcmp(name, known[0]) != 0) {
        const char *near = qvl_str_nearest(name, known, QVL_COUNT(known));
        int rc = qvl_fail(m->err, QVL_E_CONFIG,
                          "optimizer: found %s, expected default or "
                          "multimodal", name);
        if (near != NULL)
            qvl_err_hint(m->err, "Did you mean %s?", near);
        return rc;
    }
    if (own)
        return qvl_fail(m->err, QVL_E_CONFIG,
                        "optimizer: found default beside vit_lr or "
                        "aligner_lr, expected multimodal");
    *out = false;
    return QVL_OK;
}

static void count_parts(making *m)
{
    for (int i = 0; i < m->params->n; i++) {
        if (owner_of(m->params, i) != i)
            continue;
        size_t n = elems_of(&m->params->item[i]);
        m->g->part_elems[m->g->part[i]] += n;
        if (m->g->trained[i])
            m->g->part_trained[m->g->part[i]] += n;
    }
}

/* Add a group of the trained parameters of a part that decay, or do not. */
static void add_group(making *m, int part, bool decays)
{
    const qvl_train_options *o = m->o;
    qvl_groups *g = m->g;
    double lr = rate_of(o, part);
    qvl_group made = { .part = part, .lr = lr < 0.0 ? o->learning_rate : lr,
                       .decay = decays ? o->weight_decay : 0.0 };
    for (int i = 0; i < m->params->n; i++) {
        int own = owner_of(m->params, i);
        if (!g->trained[i] || (part < QVL_N_PARTS && g->part[own] != part)
            || qvl_group_decays(m->params->item[own].name) != decays)
            continue;
        assert(g->group[i] == -1);
        g->group[i] = g->n;
        if (own == i) {
            made.n_params++;
            made.n_elems += elems_of(&m->params->item[i]);
        }
    }
    if (made.n_params > 0)
        g->item[g->n++] = made;
}

static int sort_groups(making *m)
{
    bool multimodal;
    qvl_groups *g = m->g;
    QVL_TRY(is_multimodal(m, &multimodal));
    for (int i = 0; i < m->params->n; i++)
        g->group[i] = -1;
    int first = multimodal ? 0 : QVL_N_PARTS;
    int last = multimodal ? QVL_N_PARTS - 1 : QVL_N_PARTS;
    for (int part = first; part <= last; part++) {
        add_group(m, part, false);
        add_group(m, part, true);
    }
    if (g->n == 0)
        return qvl_fail(m->err, QVL_E_CONFIG,
                        "trained parameters: found none, expected at least "
                        "one that is not frozen");
    for (int i = 0; i < m->params->n; i++)
        assert(g->trained[i] == (g->group[i] != -1));
    return QVL_OK;
}

int qvl_groups_make(qvl_groups *g, const qvl_param_list *params,
                    const qvl_train_options *o, qvl_arena *arena,
                    qvl_err *err)
{
    qvl_groups made = {
        .trained = qvl_arena_array(arena, bool, params->n),
        .group = qvl_arena_array(arena, int, params->n),
        .part = qvl_arena_array(arena, int, params->n),
    };
    making m = { &made, params, o, arena, err };
    QVL_TRY(find_parts(&m));
    QVL_TRY(mark_all(&m));
    QVL_TRY(sort_groups(&m));
    count_parts(&m);
    *g = made;
    return QVL_OK;
}
