/* tune_file.c - the table of tiles as JSON: read whole, written whole
 *
 * Every key is checked when it is read. Saving replaces the entries of one
 * device and keeps those of all others as they stand; the file appears complete
 * or not at all.
 */
#include "backend/tune_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backend/tune.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"

#define VERSION 1

/* ---- where --------------------------------------------------------------- */

const char *qvl_tune_path(qvl_arena *arena)
{
    const char *named = getenv("QVL_TUNE");
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (named != NULL && *named != '\0')
        return strcmp(named, "off") == 0 ? "" : qvl_arena_strdup(arena, named);
    if (config != NULL && config[0] == '/')
        return qvl_arena_printf(arena, "%s/qvl/tune.json", config);
    if (home != NULL && home[0] == '/')
        return qvl_arena_printf(arena, "%s/.config/qvl/tune.json", home);
    return "";
}

/* ---- reading ------------------------------------------------------------- */

static const char *const device_keys[] = { "backend", "name", "driver",
                                           "kernels" };

static int check_choice(const qvl_node *tiles, qvl_err *err)
{
    if (tiles->kind != QVL_NODE_MAP)
        return qvl_node_fail(tiles, err, QVL_E_CONFIG,
                             "found %s, expected {NAME: number, ...}",
                             qvl_node_kind_name(tiles->kind));
    for (size_t i = 0; i < tiles->n; i++) {
        int64_t v;
        if (!qvl_node_as_int(&tiles->items[i], &v) || v < 0 || v > UINT32_MAX)
            return qvl_node_fail(&tiles->items[i], err, QVL_E_CONFIG,
                                 "%s: found %s, expected a whole number from "
                                 "0 to 4294967295", tiles->keys[i].s,
                                 qvl_node_kind_name(tiles->items[i].kind));
    }
    return QVL_OK;
}

static int check_device(const qvl_node *d, qvl_err *err)
{
    const char *text;
    for (size_t i = 0; d->kind == QVL_NODE_MAP && i < d->n; i++) {
        bool is_known = false;
        for (size_t j = 0; j < QVL_COUNT(device_keys); j++)
            is_known = is_known || strcmp(d->keys[i].s, device_keys[j]) == 0;
        if (!is_known)
            return qvl_node_fail(&d->keys[i], err, QVL_E_CONFIG,
                                 "found %s, expected backend, name, driver or "
                                 "kernels", d->keys[i].s);
    }
    const qvl_node *kernels = qvl_node_find(d, "kernels");
    if (!qvl_node_as_string(qvl_node_find(d, "backend"), &text)
        || !qvl_node_as_string(qvl_node_find(d, "name"), &text)
        || !qvl_node_as_string(qvl_node_find(d, "driver"), &text)
        || kernels == NULL || kernels->kind != QVL_NODE_MAP)
        return qvl_node_fail(d, err, QVL_E_CONFIG,
                             "device: expected backend, name and driver as "
                             "texts, and kernels as a map");
    for (size_t i = 0; i < kernels->n; i++)
        QVL_TRY(check_choice(&kernels->items[i], err));
    return QVL_OK;
}

static bool is_same_text(const qvl_node *a, const qvl_node *b,
                         const char *key)
{
    return strcmp(qvl_node_find(a, key)->s, qvl_node_find(b, key)->s) == 0;
}

static int check_table(const qvl_node *root, qvl_err *err)
{
    int64_t version;
    const qvl_node *devices = qvl_node_find(root, "devices");
    if (!qvl_node_as_int(qvl_node_find(root, "version"), &version)
        || devices == NULL || devices->kind != QVL_NODE_LIST || root->n != 2)
        return qvl_node_fail(root, err, QVL_E_CONFIG, "expected a table of "
                             "tiles: {\"version\": 1, \"devices\": [...]}");
    if (version != VERSION)
        return qvl_node_fail(qvl_node_find(root, "version"), err,
                             QVL_E_CONFIG, "found version %" PRId64
                             ", expected %d", version, VERSION);
    for (size_t i = 0; i < devices->n; i++) {
        const qvl_node *d = &devices->items[i];
        QVL_TRY(check_device(d, err));
        for (size_t j = 0; j < i; j++)
            if (is_same_text(d, &devices->items[j], "backend")
                && is_same_text(d, &devices->items[j], "name")
                && is_same_text(d, &devices->items[j], "driver"))
                return qvl_node_fail(d, err, QVL_E_CONFIG,
                                     "this device stands twice");
    }
    return QVL_OK;
}

int qvl_tune_file_read(const qvl_node **devices, const char *path,
                       qvl_arena *arena, qvl_err *err)
{
    char *text;
    size_t len;
    qvl_node *root;
    QVL_TRY(qvl_file_read(path, &text, &len, arena, err));
    int rc = qvl_json_parse(&root, text, len, path, arena, err);
    if (rc == QVL_OK)
        rc = check_table(root, err);
    if (rc != QVL_OK) {
        qvl_err_hint(err, "this is the table of `qvl bench tune`: remove it, "
                          "or set QVL_TUNE=off");
        return rc;
    }
    *devices = qvl_node_find(root, "devices");
    return QVL_OK;
}

bool qvl_tune_file_is(const qvl_node *entry, const qvl_device_info *info,
                      bool any_driver)
{
    return strcmp(qvl_node_find(entry, "backend")->s, info->backend) == 0
           && strcmp(qvl_node_find(entry, "name")->s, info->name) == 0
           && (any_driver
               || strcmp(qvl_node_find(entry, "driver")->s, info->driver)
                      == 0);
}

/* ---- writing ------------------------------------------------------------- */

static void put_text(qvl_str *s, const char *key, const char *text)
{
    qvl_str_printf(s, "\"%s\": ", key);
    qvl_json_quote(s, text, strlen(text));
    qvl_str_puts(s, ", ");
}

static void begin_device(qvl_str *s, const char *backend, const char *name,
                         const char *driver, bool is_first)
{
    qvl_str_puts(s, is_first ? "\n  {" : ",\n  {");
    put_text(s, "backend", backend);
    put_text(s, "name", name);
    put_text(s, "driver", driver);
    qvl_str_puts(s, "\"kernels\": {");
}

static void put_kernel(qvl_str *s, const char *op, int *n_put)
{
    qvl_str_puts(s, (*n_put)++ == 0 ? "\n    " : ",\n    ");
    qvl_json_quote(s, op, strlen(op));
    qvl_str_puts(s, ": {");
}

/* A kernel as it stands in the file. */
static void put_known(qvl_str *s, const char *op, const qvl_node *tiles,
                      int *n_put)
{
    put_kernel(s, op, n_put);
    for (size_t i = 0; i < tiles->n; i++) {
        int64_t v = 0;
        qvl_node_as_int(&tiles->items[i], &v);
        qvl_str_puts(s, i > 0 ? ", " : "");
        qvl_json_quote(s, tiles->keys[i].s, tiles->keys[i].s_len);
        qvl_str_printf(s, ": %" PRId64, v);
    }
    qvl_str_putc(s, '}');
}

static bool is_set(const char *op, const qvl_tune_entry *entry, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(entry[i].op, op) == 0)
            return true;
    return false;
}

/* All kernels of an entry but those that are set. */
static void put_others(qvl_str *s, const qvl_node *device,
                       const qvl_tune_entry *entry, int n, int *n_put)
{
    const qvl_node *kernels = qvl_node_find(device, "kernels");
    for (size_t i = 0; kernels != NULL && i < kernels->n; i++)
        if (!is_set(kernels->keys[i].s, entry, n))
            put_known(s, kernels->keys[i].s, &kernels->items[i], n_put);
}

static void put_choices(qvl_str *s, const qvl_tune_entry *entry, int n,
                        int *n_put)
{
    for (int i = 0; i < n; i++) {
        const qvl_choice *c = entry[i].choice;
        if (c == NULL)
            continue;
        put_kernel(s, entry[i].op, n_put);
        for (int j = 0; j < c->n; j++)
            qvl_str_printf(s, "%s\"%s\": %" PRIu32, j > 0 ? ", " : "",
                           c->name[j], c->value[j]);
        qvl_str_putc(s, '}');
    }
}

static void put_table(qvl_str *s, const qvl_node *devices,
                      const qvl_device_info *info,
                      const qvl_tune_entry *entry, int n)
{
    const qvl_node *own = NULL;
    int n_devices = 0;
    int n_put = 0;
    qvl_str_printf(s, "{\"version\": %d, \"devices\": [", VERSION);
    for (size_t i = 0; devices != NULL && i < devices->n; i++) {
        const qvl_node *d = &devices->items[i];
        if (info != NULL && qvl_tune_file_is(d, info, false)) {
            own = d;
            continue;
        }
        n_put = 0;
        begin_device(s, qvl_node_find(d, "backend")->s,
                     qvl_node_find(d, "name")->s,
                     qvl_node_find(d, "driver")->s, n_devices++ == 0);
        put_others(s, d, NULL, 0, &n_put);
        qvl_str_puts(s, "}}");
    }
    n_put = 0;
    if (info != NULL) {
        begin_device(s, info->backend, info->name, info->driver,
                     n_devices == 0);
        put_others(s, own, entry, n, &n_put);
        put_choices(s, entry, n, &n_put);
        qvl_str_puts(s, "}}\n");
    }
    qvl_str_puts(s, "]}\n");
}

typedef struct {
    const char *path;
    const qvl_device_info *info;
    const qvl_tune_entry *entry;
    int n;
    qvl_arena arena;
    qvl_str text;
    qvl_err *err;
} save_job;

static int save(void *arg)
{
    save_job *j = arg;
    const qvl_node *devices = NULL;
    if (qvl_file_exists(j->path))
        QVL_TRY(qvl_tune_file_read(&devices, j->path, &j->arena, j->err));
    put_table(&j->text, devices, j->info, j->entry, j->n);
    QVL_TRY(qvl_file_make_dirs(qvl_folder_above(j->path, &j->arena), j->err));
    return qvl_file_write_all(j->path, j->text.p, j->text.len, j->err);
}

int qvl_tune_save(const char *path, const qvl_device_info *info,
                  const qvl_tune_entry *entry, int n, qvl_err *err)
{
    save_job job = { .path = path, .info = info, .entry = entry, .n = n,
                     .err = err };
    int rc = qvl_guard(save, &job, err);
    qvl_str_release(&job.text);
    qvl_arena_release(&job.arena);
    return rc;
}
