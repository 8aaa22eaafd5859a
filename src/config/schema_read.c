/* schema_read.c - a merged tree into the fields of a configuration
 *
 * Presets come first, then what the tree gives, key by key, by the table; last
 * what the tree has and the table does not. Every fault is kept, with the place
 * of its node.
 */
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "config/schema.h"
#include "config/schema_value.h"

typedef struct {
    qvl_run_config *c;
    const qvl_node *tree;
    qvl_faults *faults;
    qvl_arena *arena;
    void *base;  // of the fields
} reader;

/* Bytes of a value in a message. */
#define SHOWN_MOST 200

/* A value for a message: scalars as they are written, cut between characters. */
static const char *shown(const qvl_node *node, qvl_arena *arena)
{
    if (node->s == NULL || node->s_len == 0)
        return node->s == NULL ? qvl_node_kind_name(node->kind) : "nothing";
    if (node->s_len <= SHOWN_MOST)
        return node->s;
    int n = SHOWN_MOST;
    while (n > 0 && ((unsigned char)node->s[n] & 0xc0u) == 0x80u)
        n--;
    return qvl_arena_printf(arena, "%.*s...", n, node->s);
}

static void wrong(reader *r, const qvl_key *key, const qvl_node *node,
                  const char *expected)
{
    qvl_faults_add(r->faults, node, QVL_E_CONFIG, "%s: found %s, expected %s",
                   qvl_key_path(key, r->arena), shown(node, r->arena),
                   expected);
}

static void not_supported(reader *r, const qvl_node *node, const char *path,
                          const char *what)
{
    qvl_faults_add(r->faults, node, QVL_E_UNSUPPORTED,
                   "%s: found %s: not supported (%s)", path,
                   shown(node, r->arena), what);
}

/* ---- values of one key --------------------------------------------------- */

static void read_number(reader *r, const qvl_key *key, const qvl_node *node,
                        void *field)
{
    bool is_int = key->type == QVL_KEY_INT;
    int64_t i = 0;
    double v = 0;
    bool ok = is_int ? qvl_value_int(node, &i) : qvl_value_float(node, &v);
    if (is_int)
        v = (double)i;
    bool is_far = ok && is_int && (i < INT_MIN || i > INT_MAX);
    if (!ok || !qvl_value_obeys(v, key->rule) || is_far) {
        wrong(r, key, node,
              qvl_arena_printf(r->arena, "%s%s%s%s",
                               is_int ? "a whole number" : "a number",
                               key->rule[0] != '\0' ? " " : "", key->rule,
                               is_far ? " of at most 31 bits" : ""));
        return;
    }
    if (is_int)
        memcpy(field, &(int){ (int)i }, sizeof(int));
    else
        memcpy(field, &v, sizeof v);
}

static void read_bool(reader *r, const qvl_key *key, const qvl_node *node,
                      void *field)
{
    bool b;
    if (!qvl_value_bool(node, &b))
        wrong(r, key, node, "true or false");
    else
        memcpy(field, &b, sizeof b);
}

static void read_bytes(reader *r, const qvl_key *key, const qvl_node *node,
                       void *field)
{
    int64_t n;
    if (!qvl_value_bytes(node, &n))
        wrong(r, key, node, "a size like 500MB or 5GB");
    else
        memcpy(field, &n, sizeof n);
}

/* Words of a rule for a message: "a, b or c"; what is not supported stays out. */
static const char *list_words(const qvl_key *key, qvl_arena *arena)
{
    const char *text = "";
    const char *p = key->rule;
    for (int k = 0; p != NULL; k++) {
        const char *next = strchr(p, '|');
        if (*p != '!')
            text = qvl_arena_printf(arena, "%s%s%s", text,
                                    text[0] != '\0' ? ", " : "",
                                    qvl_key_word(key, k, arena));
        p = next != NULL ? next + 1 : NULL;
    }
    return strchr(text, ',') != NULL
               ? qvl_arena_printf(arena, "one of %s", text)
               : text;
}

static void read_word(reader *r, const qvl_key *key, const qvl_node *node,
                      void *field)
{
    bool is_absent = false;
    int k = node->s != NULL ? qvl_value_word(node->s, key->rule, &is_absent)
                            : -1;
    if (k < 0)
        wrong(r, key, node, list_words(key, r->arena));
    else if (is_absent)
        not_supported(r, node, qvl_key_path(key, r->arena),
                      qvl_arena_printf(r->arena, "expected %s",
                                       list_words(key, r->arena)));
    else
        memcpy(field, &k, sizeof k);
}

/* A scalar as text; NULL after a fault. */
static const char *read_text(reader *r, const qvl_key *key,
                             const qvl_node *node)
{
    if (node->s == NULL || strlen(node->s) != node->s_len) {
        wrong(r, key, node, "a text");
        return NULL;
    }
    if (node->s_len == 0 && key->preset == qvl_key_needed) {
        wrong(r, key, node, "a text that is not empty");
        return NULL;
    }
    return node->s;
}

/* FILE.txt stands for its text, without the line breaks at the end. */
static const char *read_prompt(reader *r, const qvl_key *key,
                               const qvl_node *node)
{
    const char *text = read_text(r, key, node);
    size_t len = text != NULL ? strlen(text) : 0;
    if (len < 4 || strcmp(text + len - 4, ".txt") != 0)
        return text;
    char *content;
    size_t n;
    qvl_err err;
    if (qvl_file_read(text, &content, &n, r->arena, &err) != QVL_OK) {
        qvl_faults_add(r->faults, node, QVL_E_CONFIG, "%s: %s",
                       qvl_key_path(key, r->arena), err.msg);
        return NULL;
    }
    if (strlen(content) != n) {
        wrong(r, key, node, "a file of text, without zero bytes");
        return NULL;
    }
    while (n > 0 && (content[n - 1] == '\n' || content[n - 1] == '\r'))
        content[--n] = '\0';
    return content;
}

static void read_list(reader *r, const qvl_key *key, const qvl_node *node,
                      void *field)
{
    size_t n = node->kind == QVL_NODE_LIST ? node->n : 1;
    const qvl_node *items = node->kind == QVL_NODE_LIST ? node->items : node;
    if (n == 0 && key->preset == qvl_key_needed) {
        wrong(r, key, node, "at least one text");
        return;
    }
    if (n > INT_MAX) {
        wrong(r, key, node, "a shorter list");
        return;
    }
    const char **v = qvl_arena_array(r->arena, const char *, n);
    for (size_t i = 0; i < n; i++) {
        if (items[i].kind == QVL_NODE_NULL || items[i].s_len == 0) {
            wrong(r, key, &items[i], "a text that is not empty");
            return;
        }
        v[i] = read_text(r, key, &items[i]);
        if (v[i] == NULL)
            return;
    }
    memcpy(field, &(qvl_texts){ v, (int)n }, sizeof(qvl_texts));
}

/* A list of prompts, or one. */
static void read_prompts(reader *r, const qvl_key *key, const qvl_node *node,
                         void *field)
{
    qvl_texts list = { 0 };
    const qvl_node *items = node->kind == QVL_NODE_LIST ? node->items : node;
    read_list(r, key, node, &list);
    const char **v = qvl_arena_array(r->arena, const char *, list.n);
    for (int i = 0; i < list.n; i++) {
        v[i] = read_prompt(r, key, &items[i]);
        if (v[i] == NULL)
            return;
    }
    memcpy(field, &(qvl_texts){ v, list.n }, sizeof list);
}

static void read_field(reader *r, const qvl_key *key, const qvl_node *node)
{
    void *field = (char *)r->base + key->at;
    const char *text;
    switch (key->type) {
    case QVL_KEY_BOOL:
        read_bool(r, key, node, field);
        return;
    case QVL_KEY_INT:
    case QVL_KEY_FLOAT:
        read_number(r, key, node, field);
        return;
    case QVL_KEY_BYTES:
        read_bytes(r, key, node, field);
        return;
    case QVL_KEY_WORD:
        read_word(r, key, node, field);
        return;
    case QVL_KEY_LIST:
        read_list(r, key, node, field);
        return;
    case QVL_KEY_PROMPTS:
        read_prompts(r, key, node, field);
        return;
    case QVL_KEY_MAP:
        if (node->kind != QVL_NODE_MAP)
            wrong(r, key, node, "a map");
        else
            memcpy(field, &node, sizeof node);
        return;
    default:
        text = key->type == QVL_KEY_TEXT ? read_text(r, key, node)
                                         : read_prompt(r, key, node);
        if (text != NULL)
            memcpy(field, &text, sizeof text);
    }
}

/* Presets are ours: no rule is applied to them. */
static void preset_field(reader *r, const qvl_key *key)
{
    void *field = (char *)r->base + key->at;
    const char *text = key->preset != qvl_key_needed ? key->preset : NULL;
    qvl_node node = { .kind = QVL_NODE_STRING, .s = text,
                      .s_len = text != NULL ? strlen(text) : 0 };
    if (text == NULL)
        return;
    if (key->type == QVL_KEY_INT)
        *(int *)field = atoi(text);
    else if (key->type == QVL_KEY_FLOAT)
        *(double *)field = atof(text);
    else
        read_field(r, key, &node);
}

static bool has_field(const qvl_key *key)
{
    return key->type < QVL_KEY_ALIAS;
}

/* The node that gives a key its value: its own, or that of an alias. */
static const qvl_node *node_of(reader *r, const char *path)
{
    const qvl_node *own = qvl_key_given(r->tree, path);
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const qvl_key *alias = &qvl_keys[i];
        if (alias->type != QVL_KEY_ALIAS || strcmp(alias->rule, path) != 0)
            continue;
        const qvl_node *other = qvl_key_given(r->tree, alias->name);
        if (own == NULL)
            own = other;
        else if (other != NULL && !qvl_value_same(own, other))
            qvl_faults_add(r->faults, other, QVL_E_CONFIG,
                           "%s: found %s, expected the value of %s (%s:%d), "
                           "or one of the two keys alone",
                           alias->name, shown(other, r->arena), path,
                           own->file, own->line);
    }
    return own;
}

/* ---- keys without a field ------------------------------------------------ */

static bool is_off(const qvl_node *node)
{
    if (node->kind != QVL_NODE_MAP)
        return false;
    const qvl_node *enabled = qvl_node_find(node, "enabled");
    bool b;
    return node->n == 0
           || (enabled != NULL && qvl_value_bool(enabled, &b) && !b);
}

/* Is this one of the words, or with a '.' behind it the beginning of one? */
static bool is_known(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; *p != '\0';) {
        if (strncmp(p, word, n) == 0
            && (p[n] == '.' || p[n] == ',' || p[n] == '\0'))
            return true;
        p += strcspn(p, ",");
        p += *p == ',';
    }
    return false;
}

/* Keys of a map that is off are held against those it may have: `below` is the path
 * to it from where the row stands. */
static void check_off_keys(reader *r, const qvl_key *key, const qvl_node *map,
                           const char *below)
{
    for (size_t i = 0; i < map->n; i++) {
        const char *name =
            qvl_arena_printf(r->arena, "%s%s", below, map->keys[i].s);
        if (!is_known(key->words, name) && strcmp(name, "enabled") != 0)
            qvl_faults_add(r->faults, &map->keys[i], QVL_E_CONFIG,
                           "%s.%s: unknown key, expected one of enabled,%s", key->name,
                           name, key->words);
        else if (map->items[i].kind == QVL_NODE_MAP)
            check_off_keys(r, key, &map->items[i],
                           qvl_arena_printf(r->arena, "%s.", name));
    }
}

static void check_off(reader *r, const qvl_key *key, const qvl_node *node,
                      const char *path)
{
    if (node->kind == QVL_NODE_MAP)
        check_off_keys(r, key, node, "");
    if (!is_off(node))
        qvl_faults_add(r->faults, node, QVL_E_UNSUPPORTED,
                       "%s: not supported (%s), expected enabled: false", path,
                       key->rule);
}

static void check_ignored(reader *r, const qvl_key *key, const qvl_node *node,
                          const char *path)
{
    if (key->words != NULL
        && (node->s == NULL || !qvl_value_is_word(node->s, key->words))) {
        qvl_faults_add(r->faults, node, QVL_E_CONFIG, "%s: found %s, expected one of "
                       "%s", path, shown(node, r->arena), key->words);
        return;
    }
    qvl_log(QVL_LOG_INFO, "%s (%s:%d) has no effect: %s", path, node->file,
            node->line, key->rule);
}

static void check_plain(reader *r, const qvl_key *key, const qvl_node *node,
                        const char *path)
{
    switch (key->type) {
    case QVL_KEY_IGNORED:
        check_ignored(r, key, node, path);
        return;
    case QVL_KEY_ONLY:
        if (node->s == NULL || !qvl_value_is_word(node->s, key->words))
            not_supported(r, node, path, key->rule);
        return;
    case QVL_KEY_OFF:
        check_off(r, key, node, path);
        return;
    case QVL_KEY_ABSENT:
        not_supported(r, node, path, key->rule);
        return;
    case QVL_KEY_ALIAS:  // read where the key is that it stands for
    case QVL_KEY_FILES:  // inherit.c has taken it out
        return;
    default:
        qvl_faults_add(r->faults, node, QVL_E_CONFIG,
                       "%s: this key has been removed: %s", path, key->rule);
    }
}

/* ---- unknown keys -------------------------------------------------------- */

/* The name of one section that was probably meant: at most half of its letters
 * away. NULL: none. */
static const char *nearest(reader *r, const char *section, const char *name)
{
    const char *best = NULL;
    size_t len = strlen(section), best_distance = 0;
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const char *path = qvl_key_path(&qvl_keys[i], r->arena);
        if (len > 0 && (strncmp(path, section, len) != 0 || path[len] != '.'))
            continue;
        path += len > 0 ? len + 1 : 0;
        if (qvl_keys[i].type == QVL_KEY_GONE || strchr(path, '*') != NULL)
            continue;
        const char *known =
            qvl_arena_strndup(r->arena, path, strcspn(path, "."));
        size_t distance = (size_t)qvl_str_distance(name, known);
        if (distance * 2 <= strlen(known)
            && (best == NULL || distance < best_distance)) {
            best = known;
            best_distance = distance;
        }
    }
    return best;
}

/* Does a row have this name behind its last '.'? A row that ends in '*' has all that
 * begin so, but for that which is nothing else. */
static bool has_name(const qvl_key *key, const char *name)
{
    const char *dot = strrchr(key->name, '.');
    const char *last = dot != NULL ? dot + 1 : key->name;
    size_t len = strlen(last);
    return last[len - 1] == '*'
               ? len > 1 && strncmp(name, last, len - 1) == 0
               : strcmp(name, last) == 0;
}

/* The row of another section for a name, if possible one with a field; NULL: none. */
static const qvl_key *elsewhere(const char *name)
{
    const qvl_key *best = NULL;
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const qvl_key *key = &qvl_keys[i];
        if (!has_name(key, name))
            continue;
        if (has_field(key))
            return key;
        best = best != NULL ? best : key;
    }
    return best;
}

/* The path of a name in the section of a row. */
static const char *path_beside(reader *r, const qvl_key *key, const char *name)
{
    const char *path = qvl_key_path(key, r->arena);
    const char *dot = strrchr(path, '.');
    return dot != NULL ? qvl_arena_printf(r->arena, "%.*s.%s",
                                          (int)(dot - path), path, name)
                       : name;
}

static void unknown(reader *r, const qvl_node *at, const char *section,
                    const char *path, const char *name)
{
    if (strchr(name, '.') != NULL) {
        qvl_faults_add(r->faults, at, QVL_E_CONFIG, "%s: unknown key, expected "
                       "maps in maps instead of a '.'", path);
        return;
    }
    const qvl_key *other = elsewhere(name);
    if (other != NULL && other->type == QVL_KEY_GONE) {
        qvl_faults_add(r->faults, at, QVL_E_CONFIG,
                       "%s: this key has been removed: %s", path, other->rule);
        return;
    }
    const char *meant = other != NULL ? path_beside(r, other, name) : NULL;
    const char *near = meant == NULL && !qvl_faults_is_full(r->faults)
                           ? nearest(r, section, name)
                           : NULL;
    if (near != NULL)
        meant = section[0] != '\0'
                    ? qvl_arena_printf(r->arena, "%s.%s", section, near)
                    : near;
    qvl_faults_add(r->faults, at, QVL_E_CONFIG, "%s: unknown key%s%s", path,
                   meant != NULL ? ", the nearest is " : "",
                   meant != NULL ? meant : "");
}

static bool is_section(const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const qvl_key *k = &qvl_keys[i];
        const char *whole = k->section != NULL ? k->section : k->name;
        if (strncmp(whole, path, n) == 0
            && (whole[n] == '.' || (whole[n] == '\0' && k->section != NULL)))
            return true;
    }
    return false;
}

static void walk(reader *r, const qvl_node *map, const char *section);

static void walk_one(reader *r, const qvl_node *key_node,
                     const qvl_node *node, const char *section)
{
    const char *name = key_node->s[0] != '\0' ? key_node->s : "\"\"";
    const char *path =
        section[0] != '\0'
            ? qvl_arena_printf(r->arena, "%s.%s", section, name)
            : name;
    bool is_name = name == key_node->s && strchr(name, '.') == NULL;
    const qvl_key *key = is_name ? qvl_key_find(path) : NULL;
    if (key != NULL) {
        if (!has_field(key) && node->kind != QVL_NODE_NULL)
            check_plain(r, key, node, path);
    } else if (!is_name || !is_section(path)) {
        unknown(r, key_node, section, path, name);
    } else if (node->kind == QVL_NODE_MAP) {
        walk(r, node, path);
    } else if (node->kind != QVL_NODE_NULL) {
        qvl_faults_add(r->faults, node, QVL_E_CONFIG,
                       "%s: found %s, expected a map", path,
                       shown(node, r->arena));
    }
}

static void walk(reader *r, const qvl_node *map, const char *section)
{
    for (size_t i = 0; i < map->n; i++)
        walk_one(r, &map->keys[i], &map->items[i], section);
}

void qvl_schema_read(qvl_run_config *c, const qvl_node *tree,
                     qvl_faults *faults)
{
    reader r = { c, tree, faults, faults->arena, c };
    walk(&r, tree, "");
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const qvl_key *key = &qvl_keys[i];
        if (!has_field(key))
            continue;
        const char *path = qvl_key_path(key, r.arena);
        const qvl_node *node = node_of(&r, path);
        preset_field(&r, key);
        if (node != NULL)
            read_field(&r, key, node);
        else if (key->preset == qvl_key_needed)
            qvl_key_missing(c, path, "a value", faults);
    }
}

void qvl_key_read(void *base, const qvl_key *key, const qvl_node *node,
                  qvl_faults *faults)
{
    reader r = { .faults = faults, .arena = faults->arena, .base = base };
    if (node != NULL)
        read_field(&r, key, node);
    else
        preset_field(&r, key);
}
