/* inherit.c - files read depth first, merged on the way back
 *
 * The chain of files that want each other lies on the stack; a file is known by
 * its real path, so links and dots do not hide a cycle. A file that two parents
 * extend is read and merged for each of them, and listed once.
 */
#include "config/inherit.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/yaml.h"

/* A file that is being read, and the one that wanted it. */
typedef struct link {
    const char *path;
    const char *real;  // without links and dots, to recognise it
    const struct link *child;
} link;

typedef struct {
    qvl_config_files *files;
    qvl_arena *arena;
    qvl_err *err;
    qvl_config_merge_fn *merge;
} reader;

/* ---- merging ------------------------------------------------------------- */

static size_t place_of_key(const qvl_node *map, const qvl_node *key)
{
    size_t i = 0;
    while (i < map->n && strcmp(map->keys[i].s, key->s) != 0)
        i++;
    return i;
}

/* Add or replace one key; maps merge. `keys` is that of the map being made. */
static void put(qvl_node *map, qvl_node *keys, const qvl_node *key,
                const qvl_node *value, qvl_arena *arena)
{
    size_t i = place_of_key(map, key);
    if (i == map->n) {
        map->n++;
        map->items[i] = *value;
    } else if (map->items[i].kind == QVL_NODE_MAP
               && value->kind == QVL_NODE_MAP) {
        map->items[i] = *qvl_config_merge(&map->items[i], value, arena);
    } else {
        map->items[i] = *value;
    }
    keys[i] = *key;
}

const qvl_node *qvl_config_merge(const qvl_node *under, const qvl_node *over,
                                 qvl_arena *arena)
{
    static const qvl_node empty = { .kind = QVL_NODE_MAP };
    under = under != NULL ? under : &empty;
    over = over != NULL ? over : &empty;
    assert(under->kind == QVL_NODE_MAP && over->kind == QVL_NODE_MAP);

    qvl_node *map = qvl_arena_array(arena, qvl_node, 1);
    qvl_node *keys = qvl_arena_array(arena, qvl_node, under->n + over->n);
    *map = *(over->file != NULL ? over : under);
    map->items = qvl_arena_array(arena, qvl_node, under->n + over->n);
    map->keys = keys;
    map->n = 0;
    map->index = NULL;
    for (size_t i = 0; i < under->n; i++)
        put(map, keys, &under->keys[i], &under->items[i], arena);
    for (size_t i = 0; i < over->n; i++)
        put(map, keys, &over->keys[i], &over->items[i], arena);
    return map;
}

/* ---- files --------------------------------------------------------------- */

static const char *beside(const char *file, const char *path, qvl_arena *arena)
{
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || slash == NULL)
        return path;
    return qvl_arena_printf(arena, "%.*s/%s", (int)(slash - file), file, path);
}

/* The name by which a file is known again; a file that is not there keeps the
 * one it has, and reading it fails. */
static const char *real_name(const char *path, qvl_arena *arena)
{
    char found[PATH_MAX];
    return realpath(path, found) != NULL ? qvl_arena_strdup(arena, found)
                                         : path;
}

static void note_file(reader *r, const link *file)
{
    qvl_config_files *f = r->files;
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->real[i], file->real) == 0)
            return;
    if (f->n == f->cap) {
        int cap = f->cap > 0 ? 2 * f->cap : 8;
        const char **v = qvl_arena_array(r->arena, const char *, 2 * cap);
        for (int i = 0; i < f->n; i++) {
            v[i] = f->v[i];
            v[cap + i] = f->real[i];
        }
        f->v = v;
        f->real = v + cap;
        f->cap = cap;
    }
    f->real[f->n] = file->real;
    f->v[f->n++] = file->path;
}

static int fail_cycle(reader *r, const link *here, const qvl_node *at)
{
    const char *chain = here->path;
    for (const link *l = here->child; l != NULL; l = l->child) {
        chain = qvl_arena_printf(r->arena, "%s <- %s", chain, l->path);
        if (strcmp(l->real, here->real) == 0)
            break;
    }
    return qvl_node_fail(at, r->err, QVL_E_CONFIG,
                         "extends: found a cycle (%.800s), expected files"
                         " that end", chain);
}

static int read_file(reader *r, const qvl_node **out, const link *here,
                     const qvl_node *under);

/* Merge the parents of a file onto *out, left to right. */
static int read_parents(reader *r, const qvl_node **out, const link *here,
                        const qvl_node *extends)
{
    size_t n = extends->kind == QVL_NODE_LIST ? extends->n : 1;
    for (size_t i = 0; i < n; i++) {
        const qvl_node *at =
            extends->kind == QVL_NODE_LIST ? &extends->items[i] : extends;
        const char *path;
        if (!qvl_node_as_string(at, &path) || path[0] == '\0')
            return qvl_node_fail(at, r->err, QVL_E_CONFIG,
                                 "extends: found %s, expected the path of a"
                                 " file or a list of them",
                                 qvl_node_kind_name(at->kind));
        path = beside(here->path, path, r->arena);
        link parent = { path, real_name(path, r->arena), here };
        for (const link *l = here; l != NULL; l = l->child)
            if (strcmp(l->real, parent.real) == 0)
                return fail_cycle(r, &parent, at);
        int rc = read_file(r, out, &parent, *out);
        if (rc != QVL_OK) {
            qvl_err_add(r->err, "%s:%d: extends", at->file, at->line);
            return rc;
        }
    }
    return QVL_OK;
}

/* The map of a file without the key `extends`. */
static qvl_node without(const qvl_node *map, const char *name,
                        qvl_arena *arena)
{
    qvl_node rest = *map;
    qvl_node *keys = qvl_arena_array(arena, qvl_node, map->n);
    rest.items = qvl_arena_array(arena, qvl_node, map->n);
    rest.keys = keys;
    rest.n = 0;
    rest.index = NULL;
    for (size_t i = 0; i < map->n; i++) {
        if (strcmp(map->keys[i].s, name) == 0)
            continue;
        keys[rest.n] = map->keys[i];
        rest.items[rest.n++] = map->items[i];
    }
    return rest;
}

static bool is_json(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && strcmp(dot, ".json") == 0;
}

/* The map of a file. */
static int parse_file(const reader *r, qvl_node **out, const char *path)
{
    char *text;
    size_t len;
    qvl_node *root;
    QVL_TRY(qvl_file_read(path, &text, &len, r->arena, r->err));
    if (!is_json(path))
        return qvl_yaml_parse(out, text, len, path, r->arena, r->err);
    int rc = qvl_json_parse(&root, text, len, path, r->arena, r->err);
    if (rc == QVL_E_FORMAT && r->err != NULL)
        r->err->code = QVL_E_CONFIG;
    QVL_TRY(rc == QVL_E_FORMAT ? QVL_E_CONFIG : rc);
    if (root->kind != QVL_NODE_MAP)
        return qvl_node_fail(root, r->err, QVL_E_CONFIG,
                             "configuration: found %s, expected a map",
                             qvl_node_kind_name(root->kind));
    *out = root;
    return QVL_OK;
}

static int read_file(reader *r, const qvl_node **out, const link *here,
                     const qvl_node *under)
{
    qvl_node *root;
    QVL_TRY(parse_file(r, &root, here->path));
    const qvl_node *extends = qvl_node_find(root, "extends");
    const qvl_node *below = under;
    if (extends != NULL && extends->kind != QVL_NODE_NULL)
        QVL_TRY(read_parents(r, &below, here, extends));
    note_file(r, here);
    qvl_node own = without(root, "extends", r->arena);
    *out = r->merge(below, &own, r->arena);
    return QVL_OK;
}

static int read_first(reader *r, const qvl_node **out, const char *path,
                      const qvl_node *under)
{
    path = qvl_arena_strdup(r->arena, path);
    link here = { path, real_name(path, r->arena), NULL };
    return read_file(r, out, &here, under);
}

int qvl_config_inherit(const qvl_node **out, const char *path,
                       const qvl_node *under, qvl_config_files *files,
                       qvl_arena *arena, qvl_err *err)
{
    reader r = { files, arena, err, qvl_config_merge };
    return read_first(&r, out, path, under);
}

int qvl_config_inherit_by(const qvl_node **out, const char *path,
                          qvl_config_merge_fn *merge, qvl_config_files *files,
                          qvl_arena *arena, qvl_err *err)
{
    reader r = { files, arena, err, merge };
    return read_first(&r, out, path, NULL);
}

/* ---- single values ------------------------------------------------------- */

static qvl_node scalar(const char *text, const char *place, qvl_arena *arena)
{
    qvl_node *root;
    char *line = qvl_arena_printf(arena, "v: %s", text);
    qvl_node node = { .kind = QVL_NODE_STRING };
    if (qvl_yaml_parse(&root, line, strlen(line), place, arena, NULL) == QVL_OK
        && root->n == 1 && root->items[0].kind < QVL_NODE_LIST)
        node = root->items[0];
    /* a plain text stays as it is, `a # b` and all; quotes are those of YAML */
    if (node.kind == QVL_NODE_STRING
        && (node.s == NULL || (text[0] != '"' && text[0] != '\''))) {
        node.s = qvl_arena_strdup(arena, text);
        node.s_len = strlen(text);
    }
    node.file = qvl_arena_strdup(arena, place);
    node.line = 0;
    node.col = 0;
    return node;
}

const qvl_node *qvl_config_leaf(const char *path, const char *value,
                                const char *place, qvl_arena *arena)
{
    size_t len = strcspn(path, ".");
    qvl_node *map = qvl_arena_array(arena, qvl_node, 1);
    qvl_node *key = qvl_arena_array(arena, qvl_node, 1);
    qvl_node *item = qvl_arena_array(arena, qvl_node, 1);
    *key = scalar("", place, arena);
    key->kind = QVL_NODE_STRING;
    key->s = qvl_arena_strndup(arena, path, len);
    key->s_len = len;
    *item = path[len] == '.'
                ? *qvl_config_leaf(path + len + 1, value, place, arena)
                : scalar(value, place, arena);
    *map = (qvl_node){ .kind = QVL_NODE_MAP, .file = key->file, .n = 1 };
    map->keys = key;
    map->items = item;
    return map;
}
