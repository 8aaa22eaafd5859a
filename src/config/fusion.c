/* fusion.c - files to entries: merged, read by the table, held against the rules */
#include "config/fusion.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "config/fusion_rules.h"
#include "config/inherit.h"
#include "config/schema_value.h"

/* ---- the table ----------------------------------------------------------- */

/* A key of an entry; `at` is of qvl_fusion_entry. */
typedef struct {
    const char *name;
    qvl_key_type type;
    size_t at;
    const char *preset[2];  // of sources, of targets
    const char *rule;
} fusion_key;

#define NEEDED qvl_key_needed
#define NONE NULL
static const fusion_key table[] = {
#define KEY(name, type, target, source, rule)                                 \
    { #name, QVL_KEY_##type, offsetof(qvl_fusion_entry, name),                \
      { source, target }, rule },
#include "config/fusion_keys.def"
#undef KEY
};

const char *qvl_fusion_mode_name(int mode)
{
    static const char *const names[] = { [QVL_FUSION_DENSE] = "dense",
                                         [QVL_FUSION_SUMMARY] = "summary" };
    assert(mode >= 0 && (size_t)mode < QVL_COUNT(names));
    return names[mode];
}

const char *qvl_fusion_role_name(const qvl_fusion_entry *entry)
{
    return entry->is_target ? "target" : "source";
}

bool qvl_fusion_is_evaluated(const qvl_fusion_entry *entry)
{
    return entry->eval && entry->val_jsonl != NULL;
}

/* ---- merging ------------------------------------------------------------- */

static const char *const lists[] = { "targets", "sources" };

/* What an entry is known by; NULL: nothing. */
static const char *name_of(const qvl_node *entry)
{
    const qvl_node *name = qvl_node_given(entry, "name");
    if (name == NULL)
        name = qvl_node_given(entry, "dataset");
    return name != NULL ? name->s : NULL;
}

/* Place of an entry of this name among n, or n; not one that is taken: an entry is
 * merged with one of a file, so that two of a name stay two. */
static size_t place_of(const qvl_node *items, size_t n, const bool *is_taken,
                       const char *name)
{
    size_t i = 0;
    for (; i < n; i++) {
        const char *other = name_of(&items[i]);
        if (!is_taken[i] && other != NULL && name != NULL
            && strcmp(other, name) == 0)
            break;
    }
    return i;
}

static qvl_node merge_list(const qvl_node *under, const qvl_node *over,
                           qvl_arena *arena)
{
    qvl_node list = *over;
    bool *is_taken = qvl_arena_array(arena, bool, under->n);
    list.items = qvl_arena_array(arena, qvl_node, under->n + over->n);
    for (list.n = 0; list.n < under->n; list.n++)
        list.items[list.n] = under->items[list.n];
    for (size_t i = 0; i < over->n; i++) {
        const qvl_node *entry = &over->items[i];
        size_t k = place_of(list.items, under->n, is_taken, name_of(entry));
        if (k == under->n) {
            list.items[list.n++] = *entry;
            continue;
        }
        is_taken[k] = true;
        list.items[k] = *qvl_config_merge(&list.items[k], entry, arena);
    }
    return list;
}

static qvl_node *item_of(const qvl_node *map, const char *key)
{
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->keys[i].s, key) == 0)
            return &map->items[i];
    return NULL;
}

static const qvl_node *merge_files(const qvl_node *under, const qvl_node *over,
                                   qvl_arena *arena)
{
    const qvl_node *map = qvl_config_merge(under, over, arena);
    for (size_t i = 0; i < QVL_COUNT(lists); i++) {
        const qvl_node *a = qvl_node_find(under, lists[i]);
        const qvl_node *b = qvl_node_find(over, lists[i]);
        if (a != NULL && b != NULL && a->kind == QVL_NODE_LIST
            && b->kind == QVL_NODE_LIST && b->n > 0)
            *item_of(map, lists[i]) = merge_list(a, b, arena);
    }
    return map;
}

/* ---- entries ------------------------------------------------------------- */

static void check_keys(const qvl_node *map, const char *path,
                       qvl_faults *faults)
{
    const char *names[QVL_COUNT(table)];
    for (size_t i = 0; i < QVL_COUNT(table); i++)
        names[i] = table[i].name;
    for (size_t i = 0; i < map->n; i++) {
        const char *key = map->keys[i].s;
        size_t k = 0;
        while (k < QVL_COUNT(table) && strcmp(key, names[k]) != 0)
            k++;
        if (k < QVL_COUNT(table))
            continue;
        const char *near = !qvl_faults_is_full(faults)
                               ? qvl_str_nearest(key, names, QVL_COUNT(names))
                               : NULL;
        qvl_faults_add(faults, &map->keys[i], QVL_E_CONFIG,
                       "%s.%.100s: unknown key%s%s%s%s", path, key,
                       near != NULL ? ", the nearest is " : "",
                       near != NULL ? path : "", near != NULL ? "." : "",
                       near != NULL ? near : "");
    }
}

/* The entry's fields but `name`, as its keys and the presets say. */
static void read_keys(qvl_fusion_reading *r, const qvl_node *map)
{
    qvl_faults *faults = r->faults;
    for (size_t i = 0; i < QVL_COUNT(table); i++) {
        const fusion_key *row = &table[i];
        qvl_key key = { .section = r->path, .name = row->name, .type = row->type,
                        .at = row->at, .rule = row->rule,
                        .preset = row->preset[r->entry->is_target] };
        const qvl_node *node = qvl_node_find(map, row->name);
        int n_before = faults->n;
        qvl_key_read(r->entry, &key, NULL, faults);
        if (node != NULL && node->kind != QVL_NODE_NULL) {
            r->given[i] = node;
            qvl_key_read(r->entry, &key, node, faults);
        } else if (key.preset == qvl_key_needed) {
            qvl_faults_add(faults, node != NULL ? node : map, QVL_E_CONFIG,
                           "%s.%s: found %s, expected a value", r->path,
                           row->name, node != NULL ? "null" : "nothing");
        }
        r->is_bad[i] = faults->n > n_before;
    }
}

/* An entry without a name is called as its dataset. */
static void read_name(qvl_fusion_reading *r)
{
    const fusion_key *row = &table[QVL_FUSION_AT_dataset];
    qvl_key key = { .rule = row->rule };
    qvl_fusion_entry *e = r->entry;
    const qvl_node *given = r->given[QVL_FUSION_AT_name];
    if (given == NULL && !r->is_bad[QVL_FUSION_AT_dataset])
        e->name = qvl_key_word(&key, e->dataset, r->faults->arena);
    if (e->name != NULL && e->name[0] == '\0') {
        qvl_faults_add(r->faults, given, QVL_E_CONFIG,
                       "%s.name: found nothing, expected a name", r->path);
        e->name = NULL;
    }
}

static void read_entry(qvl_fusion_reading *r, const qvl_node *node)
{
    r->entry->node = node;
    if (node->kind != QVL_NODE_MAP) {
        qvl_faults_add(r->faults, node, QVL_E_CONFIG,
                       "%s: found %s, expected a map", r->path,
                       qvl_node_kind_name(node->kind));
        return;
    }
    check_keys(node, r->path, r->faults);
    read_keys(r, node);
    read_name(r);
    qvl_fusion_rules(r);
}

/* ---- files --------------------------------------------------------------- */

typedef struct {
    const qvl_node *tree;
    qvl_fusion f;
    qvl_fusion_entry *entry;      // [f.n]
    qvl_fusion_reading *reading;  // [f.n]
    int mode;
    qvl_faults *faults;
} loading;

static void check_top(const loading *l)
{
    for (size_t i = 0; i < l->tree->n; i++) {
        const qvl_node *key = &l->tree->keys[i];
        if (strcmp(key->s, lists[0]) == 0 || strcmp(key->s, lists[1]) == 0)
            continue;
        if (strcmp(key->s, "target") == 0 || strcmp(key->s, "source") == 0) {
            qvl_faults_add(l->faults, key, QVL_E_CONFIG,
                           "%s: unknown key, expected %ss, a list of entries",
                           key->s, key->s);
            qvl_faults_hint(l->faults, "write %ss: and the entry below it, "
                            "behind \"- \"", key->s);
            continue;
        }
        const char *const known[] = { lists[0], lists[1], "extends" };
        const char *near = strcmp(key->s, "inherit") == 0
                               ? "extends"
                               : qvl_str_nearest(key->s, known, QVL_COUNT(known));
        qvl_faults_add(l->faults, key, QVL_E_CONFIG, "%.100s: unknown key%s%s",
                       key->s, near != NULL ? ", the nearest is " : "",
                       near != NULL ? near : "");
    }
}

/* The list of a key, or an empty one. */
static const qvl_node *list_of(const loading *l, const char *key)
{
    static const qvl_node empty = { .kind = QVL_NODE_LIST };
    const qvl_node *node = qvl_node_find(l->tree, key);
    if (node == NULL || node->kind == QVL_NODE_NULL)
        return &empty;
    if (node->kind == QVL_NODE_LIST)
        return node;
    qvl_faults_add(l->faults, node, QVL_E_CONFIG,
                   "%s: found %s, expected a list of entries", key,
                   qvl_node_kind_name(node->kind));
    return &empty;
}

static void read_list(loading *l, const qvl_node *list, bool is_target)
{
    for (size_t i = 0; i < list->n; i++) {
        int n = l->f.n++;
        l->entry[n].is_target = is_target;
        l->reading[n] = (qvl_fusion_reading){
            .entry = &l->entry[n], .mode = l->mode, .faults = l->faults,
            .path = qvl_arena_printf(l->faults->arena, "%s[%zu]",
                                     lists[is_target ? 0 : 1], i),
        };
        read_entry(&l->reading[n], &list->items[i]);
    }
}

static void read_tree(loading *l, const char *path)
{
    qvl_arena *arena = l->faults->arena;
    int n_before = l->faults->n;
    const qvl_node *targets = list_of(l, lists[0]);
    const qvl_node *sources = list_of(l, lists[1]);
    size_t n = targets->n + sources->n;
    check_top(l);
    if (targets->n == 0 && l->faults->n == n_before)
        qvl_faults_add(l->faults, NULL, QVL_E_CONFIG,
                       "%s: targets: found nothing, expected at least one entry",
                       path);
    l->entry = qvl_arena_array(arena, qvl_fusion_entry, n);
    l->reading = qvl_arena_array(arena, qvl_fusion_reading, n);
    read_list(l, targets, true);
    l->f.n_targets = l->f.n;
    read_list(l, sources, false);
    qvl_fusion_names(l->reading, l->f.n);
    l->f.entry = l->entry;
}

int qvl_fusion_load(qvl_fusion *f, const char *path, int mode,
                    qvl_arena *arena, qvl_err *err)
{
    qvl_config_files files = { 0 };
    qvl_faults faults = { .arena = arena };
    loading l = { .mode = mode, .faults = &faults };
    QVL_TRY(qvl_config_inherit_by(&l.tree, path, merge_files, &files, arena,
                                  err));
    read_tree(&l, path);
    QVL_TRY(qvl_faults_raise(&faults, err));
    l.f.files = (qvl_texts){ files.v, files.n };
    *f = l.f;
    return QVL_OK;
}

/* ---- as JSON ------------------------------------------------------------- */

/* Has a key a value that is not told by another key, and that may be given? */
static bool is_told(const qvl_fusion_entry *e, size_t key)
{
    const fusion_key *row = &table[key];
    const void *field = (const char *)e + row->at;
    if (key == QVL_FUSION_AT_use_summary)
        return false;
    if (key == QVL_FUSION_AT_eval)
        return e->val_jsonl != NULL;
    if (key == QVL_FUSION_AT_poly_max_points
        && e->poly_fallback == QVL_FUSION_POLY_OFF)
        return false;
    switch (row->type) {
    case QVL_KEY_INT:
        return qvl_value_obeys(*(const int *)field, row->rule);
    case QVL_KEY_PROMPTS:
        return ((const qvl_texts *)field)->n > 0;
    case QVL_KEY_TEXT:
    case QVL_KEY_PROMPT:
        return *(const char *const *)field != NULL;
    default:
        return true;
    }
}

static void put_text(qvl_str *out, const char *text)
{
    qvl_json_quote(out, text, strlen(text));
}

static void put_texts(qvl_str *out, const qvl_texts *list)
{
    for (int i = 0; i < list->n; i++) {
        qvl_str_puts(out, i > 0 ? ", " : "[");
        put_text(out, list->v[i]);
    }
    qvl_str_putc(out, ']');
}

static void put_value(qvl_str *out, const qvl_fusion_entry *e, const fusion_key *row,
                      qvl_arena *arena)
{
    const void *field = (const char *)e + row->at;
    const qvl_key key = { .rule = row->rule };
    switch (row->type) {
    case QVL_KEY_BOOL:
        qvl_str_puts(out, *(const bool *)field ? "true" : "false");
        return;
    case QVL_KEY_FLOAT:
        qvl_json_number(out, *(const double *)field);
        return;
    case QVL_KEY_INT:
        qvl_json_number(out, *(const int *)field);
        return;
    case QVL_KEY_PROMPTS:
        put_texts(out, field);
        return;
    case QVL_KEY_WORD:
        put_text(out, qvl_key_word(&key, *(const int *)field, arena));
        return;
    default:
        put_text(out, *(const char *const *)field);
    }
}

static void put_entry(qvl_str *out, const qvl_fusion_entry *e, qvl_arena *arena)
{
    bool is_first = true;
    for (size_t i = 0; i < QVL_COUNT(table); i++) {
        if (!is_told(e, i))
            continue;
        qvl_str_printf(out, "%s\"%s\": ", is_first ? "{" : ", ", table[i].name);
        put_value(out, e, &table[i], arena);
        is_first = false;
    }
    qvl_str_putc(out, '}');
}

void qvl_fusion_json(qvl_str *out, const qvl_fusion *f, qvl_arena *arena)
{
    for (int i = 0; i <= f->n; i++) {
        if (i == 0)
            qvl_str_printf(out, "{\"%s\": [", lists[0]);
        if (i == f->n_targets)
            qvl_str_printf(out, "\n], \"%s\": [", lists[1]);
        if (i == f->n)
            break;
        qvl_str_puts(out, i == 0 || i == f->n_targets ? "\n  " : ",\n  ");
        put_entry(out, &f->entry[i], arena);
    }
    qvl_str_puts(out, "\n]}\n");
}
