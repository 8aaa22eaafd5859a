/* ckpt_folder.c - folders of checkpoints: marker, rename, rotation
 *
 * A folder counts when its marker, which is written last, agrees with sizes and
 * sums of the files: what a kill, a full disk or a bad disk has spoiled makes way
 * for the checkpoint before it. One takes the place of another by two renames; a kill
 * between them is undone when the run is opened again.
 */
#include "train/ckpt_folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rng.h"

#define PREFIX "checkpoint-"
#define ASIDE ".tmp.old"  // a checkpoint that is being replaced
#define MARKER_VERSION 1

/* ---- names -------------------------------------------------------------- */

/* The number behind the prefix, and what follows it; false without one. */
static bool split_name(const char *name, int64_t *step, const char **rest)
{
    size_t len = sizeof PREFIX - 1;
    if (strncmp(name, PREFIX, len) != 0)
        return false;
    size_t n = strspn(name + len, "0123456789");
    if (n == 0 || n > 18)
        return false;
    *step = strtoll(name + len, NULL, 10);
    *rest = name + len + n;
    return true;
}

/* Step of a folder's name; false when it is none, "checkpoint-5.tmp" too. */
static bool step_of(const char *name, int64_t *step)
{
    int64_t found;
    const char *rest;
    if (!split_name(name, &found, &rest) || *rest != '\0')
        return false;
    *step = found;
    return true;
}

static bool is_left_over(const char *name)
{
    int64_t step;
    const char *rest;
    return split_name(name, &step, &rest) && strncmp(rest, ".tmp", 4) == 0;
}

/* ---- checksums ---------------------------------------------------------- */

/* Words of 8 bytes folded one after the other, the last one filled up with
 * zeros, then the length. Finds what disks and copies do, not what people do. */
static uint64_t sum_of(const unsigned char *p, size_t len)
{
    uint64_t sum = 0, word;
    size_t at = 0;
    for (; at + 8 <= len; at += 8) {
        memcpy(&word, p + at, 8);
        sum = qvl_rng_mix(sum, word);
    }
    word = 0;
    memcpy(&word, p + at, len - at);
    sum = qvl_rng_mix(sum, word);
    return qvl_rng_mix(sum, len);
}

static int sum_file(const char *path, uint64_t *bytes, char sum[17],
                    qvl_err *err)
{
    qvl_file_map map;
    QVL_TRY(qvl_file_map_open(&map, path, err));
    *bytes = map.len;
    snprintf(sum, 17, "%016" PRIx64, sum_of(map.p, map.len));
    qvl_file_map_close(&map);
    return QVL_OK;
}

/* ---- the marker --------------------------------------------------------- */

typedef struct {
    const char *folder;
    int64_t step;
    bool is_final, can_resume;
    qvl_arena *arena;
    qvl_err *err;
    qvl_str text;  // owned
} sealing;

static int write_seal(void *arg)
{
    sealing *w = arg;
    char **name;
    size_t n;
    QVL_TRY(qvl_folder_names(w->folder, &name, &n, w->arena, w->err));
    qvl_str_printf(&w->text,
                   "{\n  \"can_resume\": %s,\n  \"files\": {",
                   w->can_resume ? "true" : "false");
    for (size_t k = 0; k < n; k++) {
        uint64_t bytes;
        char sum[17];
        QVL_TRY(sum_file(qvl_arena_printf(w->arena, "%s/%s", w->folder,
                                          name[k]), &bytes, sum, w->err));
        qvl_str_puts(&w->text, k > 0 ? ",\n    " : "\n    ");
        qvl_json_quote(&w->text, name[k], strlen(name[k]));
        qvl_str_printf(&w->text,
                       ": {\"bytes\": %" PRIu64 ", \"sum\": \"%s\"}", bytes,
                       sum);
    }
    qvl_str_printf(&w->text,
                   "\n  },\n  \"global_step\": %" PRId64
                   ",\n  \"is_final\": %s,\n  \"version\": %d\n}\n",
                   w->step, w->is_final ? "true" : "false", MARKER_VERSION);
    return qvl_file_write_all(qvl_arena_printf(w->arena,
                                               "%s/" QVL_CKPT_MARKER,
                                               w->folder),
                              w->text.p, w->text.len, w->err);
}

int qvl_ckpt_seal(const char *folder, int64_t step, bool is_final,
                  bool can_resume, qvl_arena *arena, qvl_err *err)
{
    sealing w = { .folder = folder, .step = step, .is_final = is_final,
                  .can_resume = can_resume, .arena = arena, .err = err };
    int rc = qvl_guard(write_seal, &w, err);
    qvl_str_release(&w.text);
    return rc;
}

static int wrong(const char *folder, const char *key, qvl_err *err)
{
    return qvl_fail(err, QVL_E_FORMAT,
                    "%s (%s/" QVL_CKPT_MARKER "): found nothing that fits, "
                    "expected what a save writes there", key, folder);
}

static int read_file(qvl_ckpt_file *f, const qvl_node *key,
                     const qvl_node *value, const char *folder, qvl_err *err)
{
    int64_t bytes;
    if (!qvl_node_as_string(key, &f->name)
        || !qvl_node_as_int(qvl_node_find(value, "bytes"), &bytes)
        || bytes < 0 || strchr(f->name, '/') != NULL
        || !qvl_node_as_string(qvl_node_find(value, "sum"), &f->sum))
        return wrong(folder, "files", err);
    f->bytes = (uint64_t)bytes;
    return QVL_OK;
}

int qvl_ckpt_read_marker(qvl_ckpt_marker *m, const char *folder,
                         qvl_arena *arena, qvl_err *err)
{
    qvl_node *root;
    qvl_ckpt_marker made = { 0 };
    int64_t version;
    QVL_TRY(qvl_ckpt_load_json(&root, folder, QVL_CKPT_MARKER, arena, err));
    if (!qvl_node_as_int(qvl_node_find(root, "version"), &version)
        || version != MARKER_VERSION)
        return wrong(folder, "version", err);
    if (!qvl_node_as_int(qvl_node_find(root, "global_step"), &made.step)
        || made.step < 0)
        return wrong(folder, "global_step", err);
    if (!qvl_node_as_bool(qvl_node_find(root, "is_final"), &made.is_final))
        return wrong(folder, "is_final", err);
    if (!qvl_node_as_bool(qvl_node_find(root, "can_resume"),
                          &made.can_resume))
        return wrong(folder, "can_resume", err);
    const qvl_node *files = qvl_node_find(root, "files");
    if (files == NULL || files->kind != QVL_NODE_MAP)
        return wrong(folder, "files", err);
    made.n_files = files->n;
    made.file = qvl_arena_array(arena, qvl_ckpt_file, files->n);
    for (size_t k = 0; k < files->n; k++)
        QVL_TRY(read_file(&made.file[k], &files->keys[k], &files->items[k],
                          folder, err));
    *m = made;
    return QVL_OK;
}

static int check_sizes(const qvl_ckpt_marker *m, const char *folder,
                       qvl_arena *arena, qvl_err *err)
{
    for (size_t k = 0; k < m->n_files; k++) {
        const qvl_ckpt_file *f = &m->file[k];
        struct stat info;
        const char *path = qvl_arena_printf(arena, "%s/%s", folder, f->name);
        if (stat(path, &info) != 0)
            return qvl_fail(err, QVL_E_FORMAT, "cannot open file (%s): found "
                            "\"%s\", expected a file of the checkpoint",
                            path, strerror(errno));
        if ((uint64_t)info.st_size != f->bytes)
            return qvl_fail(err, QVL_E_FORMAT,
                            "%s: found %lld bytes, expected %" PRIu64, path,
                            (long long)info.st_size, f->bytes);
    }
    return QVL_OK;
}

static int check_sums(const qvl_ckpt_marker *m, const char *folder,
                      qvl_arena *arena, qvl_err *err)
{
    for (size_t k = 0; k < m->n_files; k++) {
        uint64_t bytes;
        char sum[17];
        const char *path = qvl_arena_printf(arena, "%s/%s", folder,
                                            m->file[k].name);
        QVL_TRY(sum_file(path, &bytes, sum, err));
        if (strcmp(sum, m->file[k].sum) != 0)
            return qvl_fail(err, QVL_E_FORMAT,
                            "%s: found checksum %s, expected %s: the file is "
                            "damaged", path, sum, m->file[k].sum);
    }
    return QVL_OK;
}

int qvl_ckpt_check_files(const qvl_ckpt_marker *m, const char *folder,
                         qvl_arena *arena, qvl_err *err)
{
    QVL_TRY(check_sizes(m, folder, arena, err));
    return check_sums(m, folder, arena, err);
}

/* ---- all of a run ------------------------------------------------------- */

/* A checkpoint of a run with its marker. */
typedef struct {
    const char *name;
    const char *path;
    qvl_ckpt_marker marker;
} entry;

static int by_step(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->marker.step > y->marker.step)
           - (x->marker.step < y->marker.step);
}

static int list_entries(const char *run, entry **out, int *n_out,
                        qvl_arena *arena, qvl_err *err)
{
    char **name;
    size_t n_names;
    int n = 0;
    QVL_TRY(qvl_folder_names(run, &name, &n_names, arena, err));
    entry *e = qvl_arena_array(arena, entry, n_names);
    for (size_t k = 0; k < n_names; k++) {
        int64_t step;
        qvl_err why = { 0 };
        entry made = { .name = name[k],
                       .path = qvl_arena_printf(arena, "%s/%s", run,
                                                name[k]) };
        if (!step_of(name[k], &step) || !qvl_file_is_dir(made.path))
            continue;
        int rc = qvl_ckpt_read_marker(&made.marker, made.path, arena, &why);
        if (rc == QVL_OK && made.marker.step == step)
            e[n++] = made;
        else
            qvl_log(QVL_LOG_WARN, "%s is no complete checkpoint: %s",
                    made.path, rc == QVL_OK ? "its marker is of another step"
                                            : why.msg);
    }
    if (n > 0)
        qsort(e, (size_t)n, sizeof *e, by_step);
    *out = e;
    *n_out = n;
    return QVL_OK;
}

int qvl_ckpt_newest(const char *run, const char **path, qvl_arena *arena,
                    qvl_err *err)
{
    entry *e;
    int n;
    QVL_TRY(list_entries(run, &e, &n, arena, err));
    *path = NULL;
    for (int k = n - 1; k >= 0 && *path == NULL; k--) {
        qvl_err why = { 0 };
        if (qvl_ckpt_check_files(&e[k].marker, e[k].path, arena, &why)
            == QVL_OK)
            *path = e[k].path;
        else
            qvl_log(QVL_LOG_WARN, "%s is no complete checkpoint: %s",
                    e[k].path, why.msg);
    }
    return QVL_OK;
}

static int rename_folder(const char *from, const char *to, qvl_err *err)
{
    if (rename(from, to) == 0)
        return QVL_OK;
    int rc = qvl_file_fail("cannot rename to", to, errno, "a new name", err);
    qvl_err_add(err, "%s", from);
    return rc;
}

/* A kill between the two renames of qvl_ckpt_put leaves the old checkpoint under
 * its other name alone: it gets its own back. */
static int clean_one(const char *run, const char *name, qvl_arena *arena,
                     qvl_err *err)
{
    const char *path = qvl_arena_printf(arena, "%s/%s", run, name);
    size_t len = strlen(path), tail = sizeof ASIDE - 1;
    if (!is_left_over(name) || !qvl_file_is_dir(path))
        return QVL_OK;
    if (strcmp(path + len - tail, ASIDE) == 0) {
        const char *own = qvl_arena_strndup(arena, path, len - tail);
        if (!qvl_file_exists(own))
            return rename_folder(path, own, err);
    }
    return qvl_folder_remove(path, err);
}

int qvl_ckpt_clean(const char *run, qvl_arena *arena, qvl_err *err)
{
    char **name;
    size_t n;
    QVL_TRY(qvl_folder_names(run, &name, &n, arena, err));
    for (size_t k = 0; k < n; k++)
        QVL_TRY(clean_one(run, name[k], arena, err));
    return QVL_OK;
}

/* Take a folder out of the run, then remove it. */
static int drop(const char *path, qvl_arena *arena, qvl_err *err)
{
    const char *aside = qvl_arena_printf(arena, "%s.tmp.gone", path);
    QVL_TRY(qvl_folder_remove(aside, err));
    QVL_TRY(rename_folder(path, aside, err));
    return qvl_folder_remove(aside, err);
}

int qvl_ckpt_put(const char *temp, const char *path, qvl_arena *arena,
                 qvl_err *err)
{
    const char *aside = qvl_arena_printf(arena, "%s" ASIDE, path);
    bool replaces = qvl_file_exists(path);
    QVL_TRY(qvl_folder_sync(temp, err));
    if (replaces) {
        qvl_ckpt_marker m;
        int rc = qvl_ckpt_read_marker(&m, path, arena, err);
        if (rc != QVL_OK) {
            qvl_err_add(err, "%s is in the way and no checkpoint", path);
            return rc;
        }
        QVL_TRY(qvl_folder_remove(aside, err));
        QVL_TRY(rename_folder(path, aside, err));
    }
    int rc = rename_folder(temp, path, err);
    if (rc != QVL_OK && replaces)
        rename_folder(aside, path, NULL);
    QVL_TRY(rc);
    QVL_TRY(qvl_folder_sync_above(path, err));
    return replaces ? qvl_folder_remove(aside, err) : QVL_OK;
}

int qvl_ckpt_rotate(const char *run, int limit, int64_t newest,
                    const char *best, const char *used, qvl_arena *arena,
                    qvl_err *err)
{
    entry *e;
    int n, n_counted = 0;
    if (limit <= 0)
        return QVL_OK;
    QVL_TRY(list_entries(run, &e, &n, arena, err));
    for (int k = 0; k < n; k++)
        n_counted += !e[k].marker.is_final;
    for (int k = 0; k < n && n_counted > limit; k++) {
        if (e[k].marker.is_final || e[k].marker.step == newest
            || (used != NULL && qvl_file_is_same(e[k].path, used))
            || (best != NULL && strcmp(best, e[k].name) == 0))
            continue;
        QVL_TRY(drop(e[k].path, arena, err));
        n_counted--;
    }
    return QVL_OK;
}

/* ---- JSON --------------------------------------------------------------- */

int qvl_ckpt_load_json(qvl_node **root, const char *folder, const char *name,
                       qvl_arena *arena, qvl_err *err)
{
    char *text;
    size_t len;
    const char *path = qvl_arena_printf(arena, "%s/%s", folder, name);
    QVL_TRY(qvl_file_read(path, &text, &len, arena, err));
    return qvl_json_parse(root, text, len, path, arena, err);
}

static void new_line(qvl_str *s, int depth)
{
    qvl_str_printf(s, "\n%*s", 2 * depth, "");
}

void qvl_ckpt_print_json(qvl_str *s, const qvl_node *n, int depth)
{
    bool is_map = n->kind == QVL_NODE_MAP;
    if (!is_map && n->kind != QVL_NODE_LIST) {
        if (n->kind == QVL_NODE_STRING)
            qvl_json_quote(s, n->s, n->s_len);
        else
            qvl_str_puts(s, n->s);
        return;
    }
    qvl_str_putc(s, is_map ? '{' : '[');
    for (size_t k = 0; k < n->n; k++) {
        if (k > 0)
            qvl_str_putc(s, ',');
        new_line(s, depth + 1);
        if (is_map) {
            qvl_json_quote(s, n->keys[k].s, n->keys[k].s_len);
            qvl_str_puts(s, ": ");
        }
        qvl_ckpt_print_json(s, &n->items[k], depth + 1);
    }
    if (n->n > 0)
        new_line(s, depth);
    qvl_str_putc(s, is_map ? '}' : ']');
}
