/* fusion_rules.c - what keys of an entry demand of each other
 *
 * One function for each group of keys. A key with a fault of its own is not looked at
 * again. What would have no effect is refused, so that nobody waits for it.
 */
#include "config/fusion_rules.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/str.h"

#define AT(name) QVL_FUSION_AT_##name

/* Where to look for the fault of a key. */
static const qvl_node *place_of(const qvl_fusion_reading *r, int key)
{
    return r->given[key] != NULL ? r->given[key] : r->entry->node;
}

static bool is_good(const qvl_fusion_reading *r, int key)
{
    return r->given[key] != NULL && !r->is_bad[key];
}

/* ---- templates ----------------------------------------------------------- */

#define ANY_MODE (-1)

static const struct {
    const char *name;
    qvl_fusion_pack pack;
    int mode;
    bool has_domains;
} templates[] = {
    { "target_dense", QVL_FUSION_PACK_DENSE, QVL_FUSION_DENSE, true },
    { "target_summary", QVL_FUSION_PACK_SUMMARY, QVL_FUSION_SUMMARY, true },
    { "source_dense", QVL_FUSION_PACK_AUXILIARY, QVL_FUSION_DENSE, true },
    { "source_summary", QVL_FUSION_PACK_SUMMARY, QVL_FUSION_SUMMARY, true },
    { "summary", QVL_FUSION_PACK_SUMMARY, QVL_FUSION_SUMMARY, true },
    { "chatml", QVL_FUSION_PACK_NONE, ANY_MODE, false },
};

static bool is_domain(const char *text)
{
    return text[0] != '\0'
           && text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")]
                  == '\0';
}

/* Row of a template, -1: none; *domain is what stands behind its name. */
static int find_template(const char *text, const char **domain)
{
    for (size_t i = 0; i < QVL_COUNT(templates); i++) {
        size_t len = strlen(templates[i].name);
        if (strncmp(text, templates[i].name, len) != 0)
            continue;
        *domain = NULL;
        if (text[len] == '\0')
            return (int)i;
        if (templates[i].has_domains && text[len] == '_'
            && is_domain(text + len + 1)) {
            *domain = text + len + 1;
            return (int)i;
        }
    }
    return -1;
}

static void fail_template(const qvl_fusion_reading *r)
{
    const char *names[QVL_COUNT(templates)];
    const char *list = "";
    for (size_t i = 0; i < QVL_COUNT(templates); i++) {
        names[i] = templates[i].name;
        list = qvl_arena_printf(r->faults->arena, "%s%s%s%s", list,
                                i > 0 ? ", " : "", names[i],
                                templates[i].has_domains ? "[_DOMAIN]" : "");
    }
    const char *near = qvl_str_nearest(r->entry->template, names,
                                       QVL_COUNT(names));
    qvl_faults_add(r->faults, place_of(r, AT(template)), QVL_E_CONFIG,
                   "%s.template: found %.100s, expected one of %s%s%s", r->path,
                   r->entry->template, list,
                   near != NULL ? "; the nearest is " : "",
                   near != NULL ? near : "");
}

/* The template's row; -1 where it is unknown. */
static int rule_template(const qvl_fusion_reading *r)
{
    qvl_fusion_entry *e = r->entry;
    if (!is_good(r, AT(template)))
        return -1;
    int row = find_template(e->template, &e->domain);
    if (row < 0)
        fail_template(r);
    else
        e->pack = templates[row].pack;
    return row;
}

/* ---- modes --------------------------------------------------------------- */

/* What the entry itself says; -1: nothing. */
static int own_mode(const qvl_fusion_reading *r)
{
    const qvl_fusion_entry *e = r->entry;
    bool has_mode = is_good(r, AT(mode)), has_flag = is_good(r, AT(use_summary));
    int flag = e->use_summary ? QVL_FUSION_SUMMARY : QVL_FUSION_DENSE;
    if (has_mode && has_flag && e->mode != flag)
        qvl_faults_add(r->faults, place_of(r, AT(use_summary)), QVL_E_CONFIG,
                       "%s.use_summary: found %s, expected what mode %s says, or "
                       "one of the two keys alone", r->path,
                       e->use_summary ? "true" : "false",
                       qvl_fusion_mode_name(e->mode));
    return has_mode ? e->mode : has_flag ? flag : -1;
}

/* The key that a mode comes from. */
static int mode_key(const qvl_fusion_reading *r)
{
    if (is_good(r, AT(mode)))
        return AT(mode);
    return is_good(r, AT(use_summary)) ? AT(use_summary) : AT(template);
}

static void rule_mode(const qvl_fusion_reading *r, int row)
{
    qvl_fusion_entry *e = r->entry;
    int own = own_mode(r);
    int asked = row >= 0 ? templates[row].mode : ANY_MODE;
    e->mode = own >= 0 ? own : r->mode >= 0 ? r->mode : asked;
    if (e->mode < 0)
        e->mode = QVL_FUSION_DENSE;
    e->use_summary = e->mode == QVL_FUSION_SUMMARY;
    if (asked == ANY_MODE || e->mode == asked || r->is_bad[AT(mode)]
        || r->is_bad[AT(use_summary)])
        return;
    qvl_faults_add(r->faults, place_of(r, mode_key(r)), QVL_E_CONFIG,
                   "%s.mode: found %s%s, expected %s, which template %s is for",
                   r->path, qvl_fusion_mode_name(e->mode),
                   own < 0 ? ", that of the run" : "",
                   qvl_fusion_mode_name(asked), e->template);
}

/* ---- conversations ------------------------------------------------------- */

static bool is_conversation(const qvl_fusion_entry *e)
{
    return e->dataset == QVL_FUSION_CHAT || e->pack == QVL_FUSION_PACK_NONE;
}

/* Keys that ask for what a conversation does not have. */
static void refuse_keys(const qvl_fusion_reading *r)
{
    static const struct {
        int key;
        const char *name;
    } keys[] = {
        { AT(max_objects_per_image), "max_objects_per_image" },
        { AT(poly_max_points), "poly_max_points" },
        { AT(user_prompt), "user_prompt" },
        { AT(system_prompt), "system_prompt" },
        { AT(prompt_choices), "prompt_choices" },
        { AT(assert_answer), "assert_answer" },
    };
    for (size_t i = 0; i < QVL_COUNT(keys); i++)
        if (is_good(r, keys[i].key))
            qvl_faults_add(r->faults, place_of(r, keys[i].key), QVL_E_CONFIG,
                           "%s.%s: found it with conversations, expected it with "
                           "records alone: a conversation has its own texts and "
                           "no objects", r->path, keys[i].name);
    if (is_good(r, AT(poly_fallback))
        && r->entry->poly_fallback != QVL_FUSION_POLY_OFF)
        qvl_faults_add(r->faults, place_of(r, AT(poly_fallback)), QVL_E_CONFIG,
                       "%s.poly_fallback: found bbox_2d with conversations, "
                       "expected off: they have no objects", r->path);
}

static void rule_conversation(const qvl_fusion_reading *r, int row)
{
    qvl_fusion_entry *e = r->entry;
    bool is_chat = e->dataset == QVL_FUSION_CHAT;
    if (row < 0 || !is_good(r, AT(dataset)) || !is_conversation(e))
        return;
    if (is_chat && e->pack != QVL_FUSION_PACK_NONE)
        qvl_faults_add(r->faults, place_of(r, AT(template)), QVL_E_CONFIG,
                       "%s.template: found %s, expected chatml with dataset chat",
                       r->path, e->template);
    else if (!is_chat && e->dataset != QVL_FUSION_JSONL)
        qvl_faults_add(r->faults, place_of(r, AT(dataset)), QVL_E_CONFIG,
                       "%s.dataset: found %s, expected chat or jsonl with "
                       "template %s", r->path, r->given[AT(dataset)]->s,
                       e->template);
    else
        refuse_keys(r);
    e->max_objects_per_image = 0;
}

/* ---- prompts, answers ---------------------------------------------------- */

static void rule_texts(const qvl_fusion_reading *r)
{
    const qvl_fusion_entry *e = r->entry;
    if (is_good(r, AT(user_prompt)) && is_good(r, AT(prompt_choices))
        && e->prompt_choices.n > 0)
        qvl_faults_add(r->faults, place_of(r, AT(prompt_choices)), QVL_E_CONFIG,
                       "%s.prompt_choices: found it beside user_prompt, expected "
                       "one of the two", r->path);
    if (!is_good(r, AT(assert_answer)) || is_conversation(e))
        return;
    if (e->mode != QVL_FUSION_SUMMARY)
        qvl_faults_add(r->faults, place_of(r, AT(assert_answer)), QVL_E_CONFIG,
                       "%s.assert_answer: found it with mode dense, expected "
                       "summary", r->path);
    if (e->assert_answer[0] == '\0')
        qvl_faults_add(r->faults, place_of(r, AT(assert_answer)), QVL_E_CONFIG,
                       "%s.assert_answer: found nothing, expected the text of "
                       "every answer", r->path);
}

/* ---- pictures, objects, files -------------------------------------------- */

static void rule_augmentation(const qvl_fusion_reading *r)
{
    qvl_fusion_entry *e = r->entry;
    if (e->augmentation_enabled)
        return;
    if (is_good(r, AT(curriculum_enabled)) && e->curriculum_enabled)
        qvl_faults_add(r->faults, place_of(r, AT(curriculum_enabled)),
                       QVL_E_CONFIG, "%s.curriculum_enabled: found true, expected "
                       "false without augmentation_enabled", r->path);
    e->curriculum_enabled = false;
}

static void rule_polygons(const qvl_fusion_reading *r)
{
    qvl_fusion_entry *e = r->entry;
    if (!is_good(r, AT(poly_max_points)) || r->is_bad[AT(poly_fallback)])
        return;
    if (is_good(r, AT(poly_fallback))
        && e->poly_fallback == QVL_FUSION_POLY_OFF)
        qvl_faults_add(r->faults, place_of(r, AT(poly_max_points)), QVL_E_CONFIG,
                       "%s.poly_max_points: found %d, expected null with "
                       "poly_fallback off", r->path, e->poly_max_points);
    e->poly_fallback = QVL_FUSION_POLY_BOX;
}

static void rule_evaluation(const qvl_fusion_reading *r)
{
    const qvl_fusion_entry *e = r->entry;
    bool has_file = is_good(r, AT(val_jsonl)) && e->val_jsonl[0] != '\0';
    if (r->is_bad[AT(val_jsonl)] || r->is_bad[AT(eval)])
        return;
    if (is_good(r, AT(val_jsonl)) && !has_file)
        qvl_faults_add(r->faults, place_of(r, AT(val_jsonl)), QVL_E_CONFIG,
                       "%s.val_jsonl: found nothing, expected a file or null",
                       r->path);
    if (is_good(r, AT(eval)) && e->eval && !is_good(r, AT(val_jsonl)))
        qvl_faults_add(r->faults, place_of(r, AT(eval)), QVL_E_CONFIG,
                       "%s.eval: found true, expected false without val_jsonl",
                       r->path);
    if (has_file && !e->eval && !is_good(r, AT(eval)))
        qvl_log(QVL_LOG_WARN, "%s:%d: %s.val_jsonl has no effect without eval: "
                "true", r->given[AT(val_jsonl)]->file,
                r->given[AT(val_jsonl)]->line, r->path);
    if (is_good(r, AT(ratio)) && e->ratio == 0.0 && !(has_file && e->eval))
        qvl_log(QVL_LOG_WARN, "%s:%d: %s has no effect: its ratio is 0, and it "
                "is not evaluated", e->node->file, e->node->line, r->path);
}

/* ---- entries ------------------------------------------------------------- */

void qvl_fusion_rules(qvl_fusion_reading *r)
{
    int row = rule_template(r);
    rule_mode(r, row);
    rule_conversation(r, row);
    rule_texts(r);
    rule_augmentation(r);
    rule_polygons(r);
    rule_evaluation(r);
}

void qvl_fusion_names(const qvl_fusion_reading *r, int n)
{
    for (int i = 0; i < n; i++) {
        const char *name = r[i].entry->name;
        int k = 0;
        while (k < i && (r[k].entry->name == NULL || name == NULL
                         || strcasecmp(r[k].entry->name, name) != 0))
            k++;
        if (k == i)
            continue;
        qvl_faults_add(r[i].faults, place_of(&r[i], AT(name)), QVL_E_CONFIG,
                       "%s.name: found %.100s, which %s (%s:%d) is called too, "
                       "expected a name of its own", r[i].path, name, r[k].path,
                       r[k].entry->node->file, r[k].entry->node->line);
        if (r[i].given[AT(name)] == NULL)
            qvl_faults_hint(r[i].faults, "without a name an entry is called by "
                                         "its dataset");
    }
}
