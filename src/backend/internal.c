/* internal.c - checks and counts that every back end makes alike
 *
 * The user's table is asked (qvl_tuned_find) before a kernel's tiling is taken: until
 * then qvl_device_tiling answers with what ships. Two operands may share memory when
 * both are read, or both are written: that outputs keep their elements apart is the
 * caller's to see.
 */
#include "backend/internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backend/tune.h"
#include "base/compiler.h"

static QVL_UNUSED bool slice_fits(qvl_slice s)
{
    return s.buf != NULL && s.at <= s.buf->bytes
        && s.bytes <= s.buf->bytes - s.at;
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0);
}

static int check_binding(const qvl_device *dev, const qvl_kernel *k, int i,
                         qvl_slice s, qvl_err *err)
{
    assert(slice_fits(s) && "a slice lies inside its buffer");
    assert(s.at % dev->info.align_bytes == 0);
    if (s.bytes <= dev->info.max_binding_bytes)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DEVICE,
                    "buffer %d of kernel %s: found a tensor of %.1f MiB, "
                    "expected at most %.1f MiB, which %s:%d (%s) can bind",
                    i, k->name, mib(s.bytes),
                    mib(dev->info.max_binding_bytes), dev->info.backend,
                    dev->info.index, dev->info.name);
}

/* May operands i and j lie in the same memory? */
static QVL_UNUSED bool may_share(const qvl_kernel *k, int i, int j)
{
    return k->access[i] == k->access[j] && k->access[i] != QVL_ACCESS_IO;
}

/* Do two slices share a byte? */
static bool slices_meet(qvl_slice a, qvl_slice b)
{
    return a.buf->id == b.buf->id && a.bytes > 0 && b.bytes > 0
        && a.at < b.at + b.bytes && b.at < a.at + a.bytes;
}

int qvl_device_turns(const qvl_device *dev, const qvl_kernel *k,
                     const uint32_t *args, uint64_t *turns, qvl_err *err)
{
    const qvl_choice *tuned = NULL;
    uint64_t walk = dev->info.max_walk > 0 ? dev->info.max_walk : UINT32_MAX;
    *turns = 0;
    if (dev->info.max_turns == 0 || k->turns == NULL)
        return QVL_OK;
    QVL_TRY(qvl_tuned_find(dev, k, &tuned, err));
    const qvl_tiling *t = qvl_device_tiling(dev, k);
    *turns = k->turns(args, t->tile, t->lanes, walk);
    return QVL_OK;
}

static int check_turns(const qvl_device *dev, const qvl_kernel *k,
                       const uint32_t *args, qvl_err *err)
{
    uint64_t turns;
    QVL_TRY(qvl_device_turns(dev, k, args, &turns, err));
    if (turns <= dev->info.max_turns)
        return QVL_OK;
    return qvl_fail(err, QVL_E_UNSUPPORTED,
                    "kernel %s: found sizes for which its loops turn up to "
                    "%" PRIu64 " times, expected at most %" PRIu32 ", after "
                    "which %s:%d (%s) ends them", k->op, turns,
                    dev->info.max_turns, dev->info.backend, dev->info.index,
                    dev->info.name);
}

/* Arrays of the C kernels have room for so much. */
static int check_constants(const qvl_kernel *k, const uint32_t *args,
                           qvl_err *err)
{
    for (int i = 0; i < k->n_consts; i++) {
        uint32_t found = args[k->const_arg[i]];
        if (found > k->const_max[i])
            return qvl_fail(err, QVL_E_UNSUPPORTED, "kernel %s: found %.*s = %"
                            PRIu32 ", expected at most %" PRIu32, k->op,
                            (int)(strlen(k->const_name[i]) - strlen("_MAX")),
                            k->const_name[i], found, k->const_max[i]);
    }
    return QVL_OK;
}

int qvl_call_check(const qvl_device *dev, const qvl_kernel *k,
                   const qvl_slice *bufs, const uint32_t *args,
                   qvl_call_size *size, qvl_err *err)
{
    assert(k->n_bufs > 0 && k->n_bufs <= QVL_KERNEL_MAX_BUFS);
    assert(k->n_args >= 0 && k->n_args <= QVL_KERNEL_MAX_ARGS);

    QVL_TRY(check_constants(k, args, err));
    const qvl_choice *tuned = NULL;
    QVL_TRY(qvl_tuned_find(dev, k, &tuned, err));
    const qvl_tiling *t = qvl_device_tiling(dev, k);
    if (t != &k->tiling[dev->info.device_class])
        QVL_TRY(qvl_tuned_fits(dev, k, t, args, err));
    assert(t->lanes > 0 && (t->lanes & (t->lanes - 1)) == 0);
    for (int i = 0; i < k->n_bufs; i++)
        QVL_TRY(check_binding(dev, k, i, bufs[i], err));
    for (int i = 0; i < k->n_bufs; i++)
        for (int j = 0; j < i; j++)
            assert(may_share(k, i, j)
                   || !slices_meet(bufs[i], bufs[j]));
    if (t->lanes > dev->info.max_lanes)
        return qvl_fail(err, QVL_E_DEVICE,
                        "kernel %s: found groups of %" PRIu32 " lanes, "
                        "expected at most %" PRIu32 " on %s:%d (%s)",
                        k->name, t->lanes, dev->info.max_lanes,
                        dev->info.backend, dev->info.index, dev->info.name);
    uint32_t n_groups = k->groups(args, t->tile, t->lanes);
    if (n_groups > INT32_MAX)
        return qvl_fail(err, QVL_E_DEVICE, "kernel %s: found %" PRIu32
                        " groups, expected at most 2147483647", k->name,
                        n_groups);
    if (n_groups > 0)
        QVL_TRY(check_turns(dev, k, args, err));
    *size = (qvl_call_size){ .tiling = t, .choice = tuned,
                             .n_groups = n_groups };
    return QVL_OK;
}

void qvl_copy_check(qvl_slice dst, qvl_slice src)
{
    assert(slice_fits(dst) && slice_fits(src));
    assert(dst.bytes == src.bytes && !slices_meet(dst, src));
}

int qvl_alloc_check(const qvl_device *dev, const qvl_device_counts *counts,
                    size_t bytes, qvl_err *err)
{
    if (bytes <= dev->info.max_alloc_bytes)
        return QVL_OK;
    return qvl_alloc_fail(dev, counts, bytes, "larger than any buffer there",
                          err);
}

int qvl_alloc_fail(const qvl_device *dev, const qvl_device_counts *counts,
                   size_t bytes, const char *reason, qvl_err *err)
{
    const qvl_device_info *info = &dev->info;
    int rc = qvl_fail(err, QVL_E_DEVICE_MEMORY,
                      "memory of %s:%d (%s): asked for %.1f MiB, %s; held "
                      "%.1f MiB, largest buffer %.1f MiB, device %.1f MiB",
                      info->backend, info->index, info->name, mib(bytes),
                      reason, mib(counts->bytes_held),
                      mib(info->max_alloc_bytes), mib(info->memory_bytes));
    qvl_err_hint(err, "use shorter rows or smaller pictures, fewer rows a "
                      "batch, recomputation, or a 16-bit storage type");
    return rc;
}

void qvl_counts_take(qvl_device_counts *counts, size_t bytes)
{
    counts->bytes_held += bytes;
    if (counts->bytes_held > counts->bytes_held_peak)
        counts->bytes_held_peak = counts->bytes_held;
}

void qvl_counts_give(qvl_device_counts *counts, size_t bytes)
{
    assert(bytes <= counts->bytes_held);
    counts->bytes_held -= bytes;
}

bool qvl_env_is_on(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && strcmp(value, "1") == 0;
}
