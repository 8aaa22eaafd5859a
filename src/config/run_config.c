/* run_config.c - load a configuration, ask it, print it
 *
 * Values are printed from the struct, as the run will see them, not from the
 * tree.
 */
#include "config/run_config.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "config/inherit.h"
#include "config/run_fusion.h"
#include "config/run_rules.h"
#include "config/schema.h"
#include "config/schema_value.h"

static qvl_texts as_texts(const qvl_config_files *files)
{
    return (qvl_texts){ files->v, files->n };
}

static int read_tree(qvl_run_config *c, const char *file, const char *base,
                     qvl_arena *arena, qvl_err *err)
{
    qvl_config_files files = { 0 };
    const qvl_node *under = NULL;
    if (base != NULL)
        QVL_TRY(qvl_config_inherit(&under, base, NULL, &files, arena, err));
    QVL_TRY(qvl_config_inherit(&c->tree, file, under, &files, arena, err));
    c->files = as_texts(&files);
    return QVL_OK;
}

int qvl_run_config_load(qvl_run_config *c, const char *file, const char *base,
                        const qvl_config_flag *flag, int n_flags,
                        qvl_arena *arena, qvl_err *err)
{
    qvl_run_config r = { 0 };
    qvl_faults faults = { .arena = arena };
    QVL_TRY(read_tree(&r, file, base, arena, err));
    for (int i = 0; i < n_flags; i++)
        if (flag[i].value != NULL)
            r.tree = qvl_config_merge(
                r.tree, qvl_config_leaf(flag[i].path, flag[i].value,
                                        flag[i].flag, arena), arena);
    qvl_schema_read(&r, r.tree, &faults);
    qvl_run_rules(&r, &faults);
    QVL_TRY(qvl_faults_raise(&faults, err));
    QVL_TRY(qvl_run_fusion(&r, arena, err));
    *c = r;
    return QVL_OK;
}

/* ---- questions ----------------------------------------------------------- */

/* The node that gave a key its value. */
static const qvl_node *source_of(const qvl_run_config *c, const char *path)
{
    const qvl_node *node = qvl_key_given(c->tree, path);
    for (size_t i = 0; node == NULL && i < qvl_n_keys; i++)
        if (qvl_keys[i].type == QVL_KEY_ALIAS
            && strcmp(qvl_keys[i].rule, path) == 0)
            node = qvl_key_given(c->tree, qvl_keys[i].name);
    return node;
}

/* The key that another one follows from; NULL: none. */
static const char *origin_of(const qvl_run_config *c, const char *path)
{
    for (int i = c->n_origins - 1; i >= 0; i--)
        if (strcmp(c->origin[i].path, path) == 0)
            return c->origin[i].from;
    return NULL;
}

static const char *place_of(const qvl_node *node, qvl_arena *arena)
{
    return node->line == 0 ? node->file
                           : qvl_arena_printf(arena, "%s:%d", node->file,
                                              node->line);
}

const char *qvl_run_config_place(const qvl_run_config *c, const char *path,
                                 qvl_arena *arena)
{
    const char *from = path, *next;
    while ((next = origin_of(c, from)) != NULL)
        from = next;
    const qvl_node *node = source_of(c, from);
    if (node != NULL && from == path)
        return place_of(node, arena);
    if (node != NULL)
        return qvl_arena_printf(arena, "%s (%s)", place_of(node, arena), from);
    const qvl_node *hole = qvl_key_hole(c->tree, path);
    return hole != NULL
               ? qvl_arena_printf(arena, "%s (null)", place_of(hole, arena))
               : NULL;
}

const char *qvl_run_config_word(const qvl_run_config *c, const char *path,
                                qvl_arena *arena)
{
    const qvl_key *key = qvl_key_find(path);
    assert(key != NULL && key->type == QVL_KEY_WORD);

    int k;
    memcpy(&k, (const char *)c + key->at, sizeof k);
    return qvl_key_word(key, k, arena);
}

/* ---- as JSON ------------------------------------------------------------- */

static void put_text(qvl_str *out, const char *text)
{
    if (text == NULL)
        qvl_str_puts(out, "null");
    else
        qvl_json_quote(out, text, strlen(text));
}

/* A number that breaks its own rule stands for "not given". */
static void put_number(qvl_str *out, const qvl_key *key, double v)
{
    if (qvl_value_obeys(v, key->rule))
        qvl_json_number(out, v);
    else
        qvl_str_puts(out, "null");
}

static void put_map(qvl_str *out, const qvl_node *map)
{
    if (map == NULL)
        qvl_str_puts(out, "null");
    else
        qvl_json_put(out, map, -1);
}

static void put_list(qvl_str *out, const qvl_texts *list)
{
    qvl_str_putc(out, '[');
    for (int i = 0; i < list->n; i++) {
        qvl_str_puts(out, i > 0 ? ", " : "");
        put_text(out, list->v[i]);
    }
    qvl_str_putc(out, ']');
}

static void put_value(qvl_str *out, const qvl_run_config *c,
                      const qvl_key *key, qvl_arena *arena)
{
    const void *field = (const char *)c + key->at;
    switch (key->type) {
    case QVL_KEY_BOOL:
        qvl_str_puts(out, *(const bool *)field ? "true" : "false");
        return;
    case QVL_KEY_INT:
        put_number(out, key, *(const int *)field);
        return;
    case QVL_KEY_FLOAT:
        put_number(out, key, *(const double *)field);
        return;
    case QVL_KEY_BYTES:
        qvl_json_number(out, (double)*(const int64_t *)field);
        return;
    case QVL_KEY_LIST:
    case QVL_KEY_PROMPTS:
        put_list(out, field);
        return;
    case QVL_KEY_MAP:
        put_map(out, *(const qvl_node *const *)field);
        return;
    case QVL_KEY_WORD:
        put_text(out, qvl_key_word(key, *(const int *)field, arena));
        return;
    default:
        put_text(out, *(const char *const *)field);
    }
}

void qvl_run_config_value(qvl_str *out, const qvl_run_config *c,
                          const char *path, qvl_arena *arena)
{
    const qvl_key *key = qvl_key_find(path);
    assert(key != NULL && key->section != NULL);
    put_value(out, c, key, arena);
}

/* `"key": ` behind a comma and on a line of its own. */
static void open_line(qvl_str *out, const char *name, int depth, bool is_first)
{
    qvl_str_printf(out, "%s\n%*s", is_first ? "" : ",", 2 * depth, "");
    qvl_json_quote(out, name, strlen(name));
    qvl_str_puts(out, ": ");
}

/* The keys of a section, then the sections inside of it. */
static void put_section(qvl_str *out, const qvl_run_config *c,
                        const char *section, int depth, qvl_arena *arena)
{
    size_t len = strlen(section);
    const char *last = NULL;
    bool is_first = true;
    qvl_str_putc(out, '{');
    for (size_t i = 0; i < qvl_n_keys; i++) {
        const qvl_key *key = &qvl_keys[i];
        if (key->section == NULL)
            continue;
        if (strcmp(key->section, section) == 0) {
            open_line(out, key->name, depth, is_first);
            put_value(out, c, key, arena);
            is_first = false;
            continue;
        }
        const char *rest = key->section + len + (len > 0);
        bool is_inside = strncmp(key->section, section, len) == 0
                         && (len == 0 || key->section[len] == '.')
                         && strchr(rest, '.') == NULL;
        if (!is_inside || key->section == last)
            continue;
        last = key->section;
        open_line(out, rest, depth, is_first);
        put_section(out, c, key->section, depth + 1, arena);
        is_first = false;
    }
    if (depth > 1)
        qvl_str_printf(out, "\n%*s}", 2 * (depth - 1), "");
}

static void put_provenance(qvl_str *out, const qvl_run_config *c,
                           qvl_arena *arena)
{
    bool is_first = true;
    open_line(out, "provenance", 1, false);
    qvl_str_putc(out, '{');
    for (size_t i = 0; i < qvl_n_keys; i++) {
        if (qvl_keys[i].section == NULL)
            continue;
        const char *path = qvl_key_path(&qvl_keys[i], arena);
        const char *place = qvl_run_config_place(c, path, arena);
        if (place == NULL)
            continue;
        open_line(out, path, 2, is_first);
        put_text(out, place);
        is_first = false;
    }
    qvl_str_puts(out, "\n  }");
}

void qvl_run_config_json(qvl_str *out, const qvl_run_config *c,
                         qvl_arena *arena)
{
    put_section(out, c, "", 1, arena);
    put_provenance(out, c, arena);
    open_line(out, "files", 1, false);
    put_list(out, &c->files);
    qvl_str_puts(out, "\n}\n");
}
