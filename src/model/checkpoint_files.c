/* checkpoint_files.c - which files of a folder hold the tensors
 *
 * An index decides where there is one; else it is the only tensor file, or of several
 * model.safetensors, so others may lie beside. Of the files that an index names, only
 * tensors that it names count. What is wrong with a file is QVL_E_MODEL, whatever the
 * reader below calls it.
 */
#include "model/checkpoint_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"

#define DATA_SUFFIX ".safetensors"
#define INDEX_SUFFIX ".safetensors.index.json"

/* ---- folders ------------------------------------------------------------ */

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && strcmp(name + n - m, suffix) == 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int qvl_folder_list(const char *folder, const char *suffix, char ***name,
                    size_t *n, qvl_arena *arena, qvl_err *err)
{
    size_t n_kept = 0;
    QVL_TRY(qvl_folder_names(folder, name, n, arena, err));
    for (size_t i = 0; i < *n; i++)
        if (ends_in((*name)[i], suffix))
            (*name)[n_kept++] = (*name)[i];
    *n = n_kept;
    return QVL_OK;
}

/* ---- files -------------------------------------------------------------- */

/* A damaged file of a model is a fault of the model, whatever the reader below
 * calls it. */
static int as_model_error(int rc, qvl_err *err)
{
    if (rc == QVL_OK || rc == QVL_E_MEMORY)
        return rc;
    if (err != NULL)
        err->code = QVL_E_MODEL;
    return QVL_E_MODEL;
}

static int open_file(qvl_checkpoint *ck, const char *name, qvl_err *err)
{
    const char *path =
        qvl_arena_printf(&ck->arena, "%s/%s", ck->folder, name);
    QVL_TRY(as_model_error(qvl_st_open(&ck->file[ck->n_files], path, err),
                           err));
    ck->n_files++;
    return QVL_OK;
}

static int open_single(qvl_checkpoint *ck, const char *name, qvl_err *err)
{
    ck->file = qvl_arena_array(&ck->arena, qvl_st *, 1);
    return open_file(ck, name, err);
}

/* ---- the index ---------------------------------------------------------- */

static int read_index(const qvl_node **map, const char *path,
                      qvl_arena *arena, qvl_err *err)
{
    char *text;
    size_t len;
    qvl_node *root;
    int rc = qvl_file_read(path, &text, &len, arena, err);
    if (rc == QVL_OK)
        rc = qvl_json_parse(&root, text, len, path, arena, err);
    QVL_TRY(as_model_error(rc, err));
    *map = qvl_node_find(root, "weight_map");
    if (*map == NULL || (*map)->kind != QVL_NODE_MAP || (*map)->n == 0)
        return qvl_fail(err, QVL_E_MODEL,
                        "weight_map (%s): found nothing, expected a map from "
                        "tensors to files",
                        path);
    return QVL_OK;
}

/* The different files of an index, sorted. */
static int list_shards(const qvl_node *map, char ***name, size_t *n,
                       qvl_arena *arena, qvl_err *err)
{
    char **all = qvl_arena_array(arena, char *, map->n);
    for (size_t i = 0; i < map->n; i++) {
        const char *file;
        if (!qvl_node_as_string(&map->items[i], &file)
            || strchr(file, '/') != NULL || !ends_in(file, DATA_SUFFIX))
            return qvl_node_fail(&map->items[i], err, QVL_E_MODEL,
                                 "weight_map: found %.80s, expected the name "
                                 "of a " DATA_SUFFIX " file beside it",
                                 map->items[i].s != NULL ? map->items[i].s
                                                         : "no text");
        all[i] = qvl_arena_strdup(arena, file);
    }
    qsort(all, map->n, sizeof *all, by_text);
    size_t kept = 0;
    for (size_t i = 0; i < map->n; i++)
        if (kept == 0 || strcmp(all[kept - 1], all[i]) != 0)
            all[kept++] = all[i];
    *name = all;
    *n = kept;
    return QVL_OK;
}

/* Note which tensors of the files the index names. */
static int mark_used(qvl_checkpoint *ck, const qvl_node *map, char **shard,
                     bool **used, qvl_err *err)
{
    for (int f = 0; f < ck->n_files; f++)
        used[f] = qvl_arena_array(&ck->arena, bool, qvl_st_count(ck->file[f]));
    for (size_t i = 0; i < map->n; i++) {
        const char *file = map->items[i].s;
        char **at = bsearch(&file, shard, (size_t)ck->n_files, sizeof *shard,
                            by_text);
        int f = (int)(at - shard);
        const qvl_st_tensor *t = qvl_st_find(ck->file[f], map->keys[i].s);
        if (t == NULL)
            return qvl_fail(err, QVL_E_MODEL,
                            "%s/%s: found no tensor %s, expected it as the "
                            "index says",
                            ck->folder, file, map->keys[i].s);
        used[f][t - qvl_st_at(ck->file[f], 0)] = true;
    }
    return QVL_OK;
}

static int open_shards(qvl_checkpoint *ck, const char *index, bool ***used,
                       qvl_err *err)
{
    const char *path =
        qvl_arena_printf(&ck->arena, "%s/%s", ck->folder, index);
    const qvl_node *map = NULL;
    char **shard = NULL;
    size_t n = 0;
    QVL_TRY(read_index(&map, path, &ck->arena, err));
    QVL_TRY(list_shards(map, &shard, &n, &ck->arena, err));
    ck->file = qvl_arena_array(&ck->arena, qvl_st *, n);
    for (size_t i = 0; i < n; i++)
        QVL_TRY(open_file(ck, shard[i], err));
    bool **marks = qvl_arena_array(&ck->arena, bool *, n);
    QVL_TRY(mark_used(ck, map, shard, marks, err));
    *used = marks;
    return QVL_OK;
}

int qvl_checkpoint_open_files(qvl_checkpoint *ck, bool ***used, qvl_err *err)
{
    char **data = NULL, **index = NULL;
    size_t n_data = 0, n_index = 0;
    QVL_TRY(as_model_error(qvl_folder_list(ck->folder, DATA_SUFFIX, &data,
                                           &n_data, &ck->arena, err),
                           err));
    QVL_TRY(as_model_error(qvl_folder_list(ck->folder, INDEX_SUFFIX, &index,
                                           &n_index, &ck->arena, err),
                           err));
    *used = NULL;
    if (n_index == 1)
        return open_shards(ck, index[0], used, err);
    if (n_index == 0 && n_data == 1)
        return open_single(ck, data[0], err);
    for (size_t i = 0; i < n_data && n_index == 0; i++)
        if (strcmp(data[i], "model" DATA_SUFFIX) == 0)
            return open_single(ck, data[i], err);
    return qvl_fail(err, QVL_E_MODEL,
                    "%s: found %zu " DATA_SUFFIX " files and %zu indexes, "
                    "expected model" DATA_SUFFIX " or shards and one index",
                    ck->folder, n_data, n_index);
}
