/* tune.c - configs/tune/ read, and looked up for one kernel and class
 *
 * The trees stay as they were read. Which tiles are possible is not decided here:
 * a record of the kernel is made as far as src/backend/tiles.h asks for it, so
 * that generator and run hold the same rules against the same texts.
 */
#include "emit/tune.h"

#include <stdio.h>
#include <string.h>

#include "backend/tiles.h"
#include "base/file.h"
#include "base/yaml.h"
#include "emit/form.h"

#define CLASS_FILE(constant, name) name ".yaml",
static const char *const class_file[] = { QVL_CLASS_TABLE(CLASS_FILE) };

int emit_tune_read(emit_tune *tune, const char *folder, qvl_arena *arena,
                   qvl_err *err)
{
    emit_tune t;
    for (int c = 0; c < QVL_N_CLASS; c++) {
        const char *path = qvl_arena_printf(arena, "%s/%s", folder,
                                            class_file[c]);
        char *text;
        size_t len;
        qvl_node *root;
        QVL_TRY(qvl_file_read(path, &text, &len, arena, err));
        QVL_TRY(qvl_yaml_parse(&root, text, len, path, arena, err));
        t.root[c] = root;
    }
    *tune = t;
    return QVL_OK;
}

static bool has_tile(const kern *k, const char *name)
{
    if (strcmp(name, "LANES") == 0)
        return true;
    for (int i = 0; i < k->n_tiles; i++)
        if (strcmp(k->tile[i], name) == 0)
            return true;
    return false;
}

/* `section` holds tiles of k, or of any kernel where k is NULL. */
static int check_section(const qvl_node *section, const kern *k,
                         const kern_set *set, qvl_err *err)
{
    for (size_t i = 0; i < section->n; i++) {
        const qvl_node *key = &section->keys[i];
        bool known = k != NULL && has_tile(k, key->s);
        for (int j = 0; k == NULL && j < set->n; j++)
            known = known || has_tile(&set->item[j], key->s);
        if (!known)
            return qvl_node_fail(key, err, QVL_E_CONFIG,
                                 k != NULL ? "%s has no tile %s"
                                           : "%s has tile %s",
                                 k != NULL ? k->name : "no kernel", key->s);
    }
    return QVL_OK;
}

int emit_tune_check(const emit_tune *tune, const kern_set *set, qvl_err *err)
{
    for (int c = 0; c < QVL_N_CLASS; c++) {
        const qvl_node *root = tune->root[c];
        for (size_t i = 0; i < root->n; i++) {
            const qvl_node *key = &root->keys[i];
            bool is_default = strcmp(key->s, "default") == 0;
            const kern *k = is_default ? NULL : kern_find(set, key->s);
            if (!is_default && k == NULL)
                return qvl_node_fail(key, err, QVL_E_CONFIG,
                                     "there is no kernel %s", key->s);
            if (root->items[i].kind != QVL_NODE_MAP)
                return qvl_node_fail(&root->items[i], err, QVL_E_CONFIG,
                                     "expected tiles: {NAME: number, ...}");
            QVL_TRY(check_section(&root->items[i], k, set, err));
        }
    }
    return QVL_OK;
}

/* The value behind a name for kernel k: what the file says of it. */
static int value_of(const emit_tune *tune, const kern *k, qvl_class cls,
                    qvl_isa isa, const char *name, const qvl_node **value,
                    qvl_err *err)
{
    const qvl_node *root = tune->root[cls];
    const qvl_node *section = qvl_node_find(root, k->name);
    const qvl_node *n = qvl_node_find(section, name);
    if (n == NULL)
        n = qvl_node_find(qvl_node_find(root, "default"), name);
    if (n == NULL)
        return qvl_node_fail(section != NULL ? section : root, err,
                             QVL_E_CONFIG,
                             "kernel %s has no value for %s (%s:%d)",
                             k->name, name, k->file, k->line);
    if (n->kind == QVL_NODE_LIST) {
        if (cls != QVL_CLASS_HOST || n->n != QVL_N_ISA)
            return qvl_node_fail(n, err, QVL_E_CONFIG,
                                 "a list is three values, in %s alone",
                                 class_file[QVL_CLASS_HOST]);
        if (form_mentions(k->groups, name))
            return qvl_node_fail(n, err, QVL_E_CONFIG,
                                 "the groups of %s depend on %s: one value",
                                 k->name, name);
        n = &n->items[isa];
    }
    *value = n;
    return QVL_OK;
}

/* The record of the kernel as far as the rules of tiles ask for it. */
static void put_record(qvl_kernel *r, const kern *k, char name[][64])
{
    *r = (qvl_kernel){ .op = k->name, .n_tiles = k->n_tiles,
                       .n_consts = k->n_constants };
    for (int i = 0; i < k->n_tiles; i++)
        r->tile_name[i] = k->tile[i];
    for (int i = 0; i < k->n_needs; i++)
        r->need[i] = k->need[i];
    for (int i = 0; i < k->n_shared; i++)
        r->shared[i] = k->shared[i].words;
    for (int i = 0; i < k->n_constants; i++) {
        snprintf(name[i], sizeof name[i], "%s_MAX",
                 k->sym[k->constant[i].sym]);
        r->const_name[i] = name[i];
    }
}

/* Tiles that no device of the class can run, or that share more than every
 * device has with the largest of the usual values of the constants. `at` is
 * where they stand. */
static int check_tiling(const kern *k, const qvl_tiling *t, qvl_class cls,
                        const qvl_node *at, qvl_err *err)
{
    char name[QVL_KERNEL_MAX_CONSTS][64];
    uint32_t constant[QVL_KERNEL_MAX_CONSTS] = { 0 };
    qvl_tile_limits limits = qvl_tile_limits_of(cls);
    qvl_kernel r;
    put_record(&r, k, name);
    qvl_err why = { 0 };
    int rc = qvl_tiles_check(&r, t, &limits, &why);
    if (rc != QVL_OK)
        return qvl_node_fail(at, err, rc, "%s", why.msg);
    for (int i = 0; i < k->n_constants; i++) {
        const kern_const *c = &k->constant[i];
        constant[i] = (uint32_t)(c->n_favour > 0 ? c->favour[0] : c->max);
        for (int j = 0; j < c->n_favour; j++)
            if ((uint32_t)c->favour[j] > constant[i])
                constant[i] = (uint32_t)c->favour[j];
    }
    size_t bytes = qvl_tiles_shared_bytes(&r, t, constant);
    size_t most = qvl_tiles_most_shared(cls, t->lanes);
    if (bytes <= most)
        return QVL_OK;
    return qvl_node_fail(at, err, QVL_E_CONFIG,
                         "kernel %s: found %zu shared bytes, expected at most "
                         "%zu", k->name, bytes, most);
}

/* The number, as far as it fits; which ones are tiles says qvl_tiles_check. */
static int tile_value(const emit_tune *tune, const kern *k, qvl_class cls,
                      qvl_isa isa, const char *name, uint32_t *value,
                      qvl_err *err)
{
    const qvl_node *n = NULL;
    int64_t v = 0;
    QVL_TRY(value_of(tune, k, cls, isa, name, &n, err));
    if (!qvl_node_as_int(n, &v) || v < 0 || v > UINT32_MAX)
        return qvl_node_fail(n, err, QVL_E_CONFIG,
                             "kernel %s: found %s = %s, expected a whole "
                             "number from 0 to 4294967295", k->name, name,
                             n->s != NULL ? n->s : qvl_node_kind_name(n->kind));
    *value = (uint32_t)v;
    return QVL_OK;
}

int emit_tune_tiling(const emit_tune *tune, const kern *k, qvl_class cls,
                     qvl_isa isa, qvl_tiling *tiling, qvl_err *err)
{
    qvl_tiling t = { 0 };
    QVL_TRY(tile_value(tune, k, cls, isa, "LANES", &t.lanes, err));
    for (int i = 0; i < k->n_tiles; i++)
        QVL_TRY(tile_value(tune, k, cls, isa, k->tile[i], &t.tile[i], err));
    const qvl_node *section = qvl_node_find(tune->root[cls], k->name);
    if (section == NULL)
        section = qvl_node_find(tune->root[cls], "default");
    QVL_TRY(check_tiling(k, &t, cls, section, err));
    *tiling = t;
    return QVL_OK;
}
