#include "emit/tune.h"

#include <string.h>

#include "base/file.h"
#include "base/yaml.h"
#include "emit/form.h"

static const char *const class_file[QVL_N_CLASS] = {
    [QVL_CLASS_HOST] = "host.yaml",
    [QVL_CLASS_OPENCL_CPU] = "opencl-cpu.yaml",
    [QVL_CLASS_VULKAN_CPU] = "vulkan-cpu.yaml",
    [QVL_CLASS_GPU] = "gpu.yaml",
};

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
            return qvl_node_fail(key, err, QVL_E_CONFIG, "%s has no tile %s",
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

/* The number behind a name for kernel k, not yet checked as a tile. */
static int value_of(const emit_tune *tune, const kern *k, qvl_class cls,
                    qvl_isa isa, const char *name, const qvl_node **at,
                    int64_t *value, qvl_err *err)
{
    const qvl_node *root = tune->root[cls];
    const qvl_node *n = qvl_node_find(qvl_node_find(root, k->name), name);
    if (n == NULL)
        n = qvl_node_find(qvl_node_find(root, "default"), name);
    if (n == NULL)
        return qvl_fail(err, QVL_E_CONFIG,
                        "%s: kernel %s has no value for %s (%s:%d)",
                        class_file[cls], k->name, name, k->file, k->line);
    *at = n;
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
    if (!qvl_node_as_int(n, value))
        return qvl_node_fail(n, err, QVL_E_CONFIG, "expected a whole number");
    return QVL_OK;
}

/* Values no device can run, or that another text relies on. */
static int check_value(const qvl_node *at, qvl_class cls, const char *name,
                       int64_t v, qvl_err *err)
{
    bool is_lanes = strcmp(name, "LANES") == 0;
    if (v < 1 || v > 65536)
        return qvl_node_fail(at, err, QVL_E_CONFIG, "%s is 1 to 65536", name);
    if (is_lanes && ((v & (v - 1)) != 0 || v > 1024))
        return qvl_node_fail(at, err, QVL_E_CONFIG,
                             "LANES is a power of two, at most 1024");
    if (is_lanes && cls == QVL_CLASS_HOST && v != 1)
        return qvl_node_fail(at, err, QVL_E_CONFIG,
                             "a group has one lane in C");
    if (strcmp(name, "VW") == 0 && v != 1 && v != 4 && v != 8 && v != 16)
        return qvl_node_fail(at, err, QVL_E_CONFIG, "VW is 1, 4, 8 or 16");
    if (strcmp(name, "VW") == 0 && cls == QVL_CLASS_VULKAN_CPU && v != 1)
        return qvl_node_fail(at, err, QVL_E_CONFIG, "VW is 1 in GLSL");
    return QVL_OK;
}

static int tile_value(const emit_tune *tune, const kern *k, qvl_class cls,
                      qvl_isa isa, const char *name, uint32_t *value,
                      qvl_err *err)
{
    const qvl_node *at = NULL;
    int64_t v = 0;
    QVL_TRY(value_of(tune, k, cls, isa, name, &at, &v, err));
    QVL_TRY(check_value(at, cls, name, v, err));
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
    *tiling = t;
    return QVL_OK;
}
