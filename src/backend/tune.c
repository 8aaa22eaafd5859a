/* tune.c - which choices a device uses for an op
 *
 * An entry of the table is checked at its first use, since only then the kernel
 * is known: names that this build does not have are left out with a warning,
 * values that the device cannot run are an error. Without an entry the shipped
 * tiles hold.
 */
#include "backend/tune.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/tiles.h"
#include "backend/tune_file.h"
#include "base/file.h"
#include "base/log.h"

/* What is in use for one op. */
typedef struct tuned_op {
    struct tuned_op *next;
    const char *op;
    const qvl_node *at;  // of a table: its tiles, NULL: from qvl_choice_use
    enum { OP_NEW, OP_GOOD, OP_OFF } state;
    qvl_choice choice;
    qvl_tiling tiling;   // the same, where tiles are compiled in at run time
} tuned_op;

struct qvl_tuned {
    qvl_arena arena;  // owns the rest
    const char *path;
    tuned_op *first;
    int n_read;       // entries of the table
};

/* ---- choices ------------------------------------------------------------- */

/* Where the back end has no choices of its own they are the tiles. */
static bool has_tiles(const qvl_device *dev)
{
    return dev->be->choice == NULL;
}

void qvl_choice_shipped(const qvl_device *dev, const qvl_kernel *k,
                        qvl_choice *c)
{
    if (!has_tiles(dev)) {
        dev->be->choice(dev, k, c);
        return;
    }
    const qvl_tiling *t = &k->tiling[dev->info.device_class];
    *c = (qvl_choice){ .n = 1 + k->n_tiles, .name = { "LANES" },
                       .value = { t->lanes } };
    for (int i = 0; i < k->n_tiles; i++) {
        c->name[1 + i] = k->tile_name[i];
        c->value[1 + i] = t->tile[i];
    }
}

static qvl_tiling tiling_of(const qvl_choice *c)
{
    qvl_tiling t = { .lanes = c->value[0] };
    for (int i = 1; i < c->n; i++)
        t.tile[i - 1] = c->value[i];
    return t;
}

int qvl_choice_check(const qvl_device *dev, const qvl_kernel *k,
                     const qvl_choice *c, qvl_err *err)
{
    if (!has_tiles(dev))
        return dev->be->choice_check(dev, k, c, err);
    const qvl_device_info *info = &dev->info;
    qvl_tiling t = tiling_of(c);
    qvl_tile_limits limits = qvl_tile_limits_of(info->device_class);
    if (info->max_lanes < limits.max_lanes)
        limits.max_lanes = info->max_lanes;
    if (info->max_vector < limits.max_vector)
        limits.max_vector = info->max_vector;
    if (info->has_fixed_lanes)
        limits.max_lanes = k->tiling[info->device_class].lanes;
    if (info->max_turns > 0)
        limits.turns = &k->tiling[info->device_class];
    return qvl_tiles_check(k, &t, &limits, err);
}

bool qvl_choice_is(const qvl_choice *a, const qvl_choice *b)
{
    assert(a->n == b->n);
    return memcmp(a->value, b->value, (size_t)a->n * sizeof *a->value) == 0;
}

int qvl_tuned_fits(const qvl_device *dev, const qvl_kernel *k,
                   const qvl_tiling *t, const uint32_t *args, qvl_err *err)
{
    uint32_t constant[QVL_KERNEL_MAX_CONSTS] = { 0 };
    const qvl_tiling *shipped = &k->tiling[dev->info.device_class];
    for (int i = 0; i < k->n_consts; i++)
        constant[i] = args[k->const_arg[i]];
    size_t bytes = qvl_tiles_shared_bytes(k, t, constant);
    size_t known = qvl_tiles_shared_bytes(k, shipped, constant);
    size_t most = t->lanes == 1 ? dev->info.shared_alone_bytes
                                : dev->info.shared_bytes;
    if (bytes <= most || bytes <= known)
        return QVL_OK;
    return qvl_fail(err, QVL_E_CONFIG,
                    "kernel %s: found tiles with %zu shared bytes, expected at "
                    "most %zu on %s:%d (%s)", k->op, bytes, most,
                    dev->info.backend, dev->info.index, dev->info.name);
}

/* ---- entries ------------------------------------------------------------- */

static tuned_op *find_op(const qvl_device *dev, const char *op)
{
    tuned_op *e = dev->tuned != NULL ? dev->tuned->first : NULL;
    while (e != NULL && strcmp(e->op, op) != 0)
        e = e->next;
    return e;
}

static tuned_op *add_op(qvl_tuned *t, const char *op)
{
    tuned_op *e = qvl_arena_array(&t->arena, tuned_op, 1);
    e->op = qvl_arena_strdup(&t->arena, op);
    e->next = t->first;
    t->first = e;
    return e;
}

/* The values of an entry under the names of this build; false when the names
 * are others. */
static bool read_values(const qvl_node *tiles, qvl_choice *c)
{
    if (tiles->n != (size_t)c->n)
        return false;
    for (int i = 0; i < c->n; i++) {
        int64_t v;
        if (!qvl_node_as_int(qvl_node_find(tiles, c->name[i]), &v))
            return false;
        c->value[i] = (uint32_t)v;
    }
    return true;
}

/* First use of an entry of a table. */
static int open_entry(const qvl_device *dev, const qvl_kernel *k, tuned_op *e,
                      qvl_err *err)
{
    qvl_choice c;
    qvl_choice_shipped(dev, k, &c);
    if (!read_values(e->at, &c)) {
        qvl_log(QVL_LOG_WARN, "%s:%d: kernel %s: made by another build, whose "
                "tiles have other names; not used. `qvl bench tune --op %s` "
                "makes a new one", e->at->file, e->at->line, e->op, e->op);
        e->state = OP_OFF;
        return QVL_OK;
    }
    int rc = qvl_choice_check(dev, k, &c, err);
    if (rc != QVL_OK) {
        qvl_err_add(err, "%s:%d", e->at->file, e->at->line);
        qvl_err_hint(err, "remove the entry, or set QVL_TUNE=off");
        return rc;
    }
    e->choice = c;
    e->tiling = tiling_of(&c);
    e->state = OP_GOOD;
    return QVL_OK;
}

int qvl_tuned_find(const qvl_device *dev, const qvl_kernel *k,
                   const qvl_choice **choice, qvl_err *err)
{
    tuned_op *e = find_op(dev, k->op);
    if (e != NULL && e->state == OP_NEW)
        QVL_TRY(open_entry(dev, k, e, err));
    *choice = e != NULL && e->state == OP_GOOD ? &e->choice : NULL;
    return QVL_OK;
}

int qvl_choice_in_use(const qvl_device *dev, const qvl_kernel *k,
                      qvl_choice *c, qvl_err *err)
{
    const qvl_choice *tuned = NULL;
    QVL_TRY(qvl_tuned_find(dev, k, &tuned, err));
    if (tuned != NULL)
        *c = *tuned;
    else
        qvl_choice_shipped(dev, k, c);
    return QVL_OK;
}

const qvl_tiling *qvl_device_tiling(const qvl_device *dev,
                                    const qvl_kernel *k)
{
    const tuned_op *e = has_tiles(dev) ? find_op(dev, k->op) : NULL;
    return e != NULL && e->state == OP_GOOD
               ? &e->tiling : &k->tiling[dev->info.device_class];
}

static void make_tuned(qvl_device *dev)
{
    if (dev->tuned != NULL)
        return;
    dev->tuned = qvl_memory_zeroed(1, sizeof *dev->tuned);
    dev->tuned->path = "";
}

int qvl_choice_use(qvl_device *dev, const qvl_kernel *k, const qvl_choice *c,
                   qvl_err *err)
{
    if (c != NULL)
        QVL_TRY(qvl_choice_check(dev, k, c, err));
    make_tuned(dev);
    tuned_op *e = find_op(dev, k->op);
    if (e == NULL)
        e = add_op(dev->tuned, k->op);
    e->state = c != NULL ? OP_GOOD : OP_OFF;
    if (c != NULL) {
        e->choice = *c;
        e->tiling = tiling_of(c);
    }
    return QVL_OK;
}

/* ---- the table of a device ----------------------------------------------- */

typedef struct {
    qvl_device *dev;
    qvl_err *err;
} open_job;

static void add_entries(qvl_device *dev, const qvl_node *kernels)
{
    qvl_tuned *t = dev->tuned;
    for (size_t i = 0; i < kernels->n; i++) {
        tuned_op *e = add_op(t, kernels->keys[i].s);
        e->at = &kernels->items[i];
        t->n_read++;
    }
    if (t->n_read > 0)
        qvl_log(QVL_LOG_INFO, "%s:%d: %d tuned kernel%s from %s",
                dev->info.backend, dev->info.index, t->n_read,
                t->n_read == 1 ? "" : "s", t->path);
}

static int open_table(void *arg)
{
    open_job *j = arg;
    qvl_device *dev = j->dev;
    make_tuned(dev);
    qvl_tuned *t = dev->tuned;
    const qvl_node *devices;
    const qvl_node *other = NULL;
    const char *path = qvl_tune_path(&t->arena);
    const char *named = getenv("QVL_TUNE");
    bool is_named = named != NULL && *named != '\0';
    if (*path == '\0' || (!is_named && !qvl_file_exists(path)))
        return QVL_OK;
    QVL_TRY(qvl_tune_file_read(&devices, path, &t->arena, j->err));
    t->path = path;
    for (size_t i = 0; i < devices->n; i++) {
        const qvl_node *d = &devices->items[i];
        if (qvl_tune_file_is(d, &dev->info, false)) {
            add_entries(dev, qvl_node_find(d, "kernels"));
            return QVL_OK;
        }
        other = qvl_tune_file_is(d, &dev->info, true) ? d : other;
    }
    if (other != NULL)
        qvl_log(QVL_LOG_INFO, "%s:%d: not used: this device was tuned with "
                "driver \"%s\", now it has \"%s\"", path, other->line,
                qvl_node_find(other, "driver")->s, dev->info.driver);
    return QVL_OK;
}

int qvl_tuned_open(qvl_device *dev, qvl_err *err)
{
    open_job job = { .dev = dev, .err = err };
    return qvl_guard(open_table, &job, err);
}

void qvl_tuned_close(qvl_device *dev)
{
    if (dev->tuned == NULL)
        return;
    qvl_arena_release(&dev->tuned->arena);
    free(dev->tuned);
    dev->tuned = NULL;
}

int qvl_tune_count(const qvl_device *dev, const char **path)
{
    *path = dev->tuned != NULL ? dev->tuned->path : "";
    return dev->tuned != NULL ? dev->tuned->n_read : 0;
}
