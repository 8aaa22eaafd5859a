/* inspect_devices.c - every back end and device, with what limits it */
#include <stdio.h>

#include "backend/backend.h"
#include "backend/tune.h"
#include "inspect.h"

#define CLASS_NAME(constant, name) name,
static const char *const class_name[] = { QVL_CLASS_TABLE(CLASS_NAME) };

/* What the user's table has for a device. */
typedef struct {
    int n;
    char file[1024];  // empty: no table
} tuned;

static void device_json(qvl_str *out, const qvl_device_info *d,
                        const tuned *t)
{
    qvl_str_puts(out, "{");
    inspect_put_text(out, "backend", d->backend);
    qvl_str_printf(out, ", \"index\": %d, ", d->index);
    inspect_put_text(out, "name", d->name);
    qvl_str_puts(out, ", ");
    inspect_put_text(out, "driver", d->driver);
    qvl_str_printf(out,
                   ", \"class\": \"%s\", \"is_gpu\": %s, "
                   "\"memory_bytes\": %zu, \"max_alloc_bytes\": %zu, "
                   "\"max_binding_bytes\": %zu, \"align_bytes\": %zu, "
                   "\"max_lanes\": %u, \"shared_bytes\": %zu, "
                   "\"subgroup\": %u, \"float16\": %s, "
                   "\"matrix_units\": %s, \"tuned_kernels\": %d",
                   class_name[d->device_class], inspect_bool(d->is_gpu),
                   d->memory_bytes, d->max_alloc_bytes, d->max_binding_bytes,
                   d->align_bytes, (unsigned)d->max_lanes, d->shared_bytes,
                   (unsigned)d->subgroup, inspect_bool(d->has_f16),
                   inspect_bool(d->has_matrix_units), t->n);
    if (t->file[0] != '\0') {
        qvl_str_puts(out, ", ");
        inspect_put_text(out, "tune_file", t->file);
    }
    qvl_str_putc(out, '}');
}

static void device_text(qvl_str *out, const qvl_device_info *d,
                        const tuned *t)
{
    double mib = 1 << 20;
    qvl_str_printf(out, "%s:%d  %s\n", d->backend, d->index, d->name);
    qvl_str_printf(out, "  driver         %s\n", d->driver);
    qvl_str_printf(out, "  tile class     %s\n",
                   class_name[d->device_class]);
    qvl_str_printf(out, "  memory         %.0f MiB\n",
                   (double)d->memory_bytes / mib);
    qvl_str_printf(out, "  largest buffer %.0f MiB, binding %.0f MiB, "
                        "alignment %zu bytes\n",
                   (double)d->max_alloc_bytes / mib,
                   (double)d->max_binding_bytes / mib, d->align_bytes);
    qvl_str_printf(out, "  groups         %u lanes, %zu bytes shared, "
                        "subgroup %u\n",
                   (unsigned)d->max_lanes, d->shared_bytes,
                   (unsigned)d->subgroup);
    qvl_str_printf(out, "  float16        %s\n", d->has_f16 ? "yes" : "no");
    qvl_str_printf(out, "  matrix units   %s\n",
                   d->has_matrix_units ? "yes" : "no");
    if (t->file[0] != '\0')
        qvl_str_printf(out, "  tuned          %d kernel%s in %s\n", t->n,
                       t->n == 1 ? "" : "s", t->file);
}

/* Tables are for devices as they are opened: the name of a processor's driver
 * says what it runs with. A device that cannot be opened has none. */
static int find_tuned(const qvl_device_info *info, tuned *t, qvl_err *err)
{
    char name[40];
    const char *file;
    qvl_device *dev;
    *t = (tuned){ .n = 0 };
    snprintf(name, sizeof name, "%s:%d", info->backend, info->index);
    int rc = qvl_device_open(&dev, name, 0, err);
    if (rc == QVL_E_DEVICE || rc == QVL_E_DEVICE_LOST
        || rc == QVL_E_DEVICE_MEMORY)
        return QVL_OK;
    QVL_TRY(rc);
    t->n = qvl_tune_count(dev, &file);
    snprintf(t->file, sizeof t->file, "%s", file);
    qvl_device_close(dev);
    return QVL_OK;
}

int inspect_devices(bool json, qvl_str *out, qvl_err *err)
{
    int n_backends;
    const qvl_backend *const *be = qvl_backends(&n_backends);
    int n = 0;
    qvl_str_puts(out, json ? "[" : "");
    for (int b = 0; b < n_backends; b++) {
        int count = be[b]->count();
        if (count == 0 && !json)
            qvl_str_printf(out, "%s: no device\n", be[b]->name);
        for (int k = 0; k < count; k++) {
            qvl_device_info info;
            tuned t;
            QVL_TRY(be[b]->info(k, &info, err));
            QVL_TRY(find_tuned(&info, &t, err));
            if (json && n++ > 0)
                qvl_str_puts(out, ", ");
            if (json)
                device_json(out, &info, &t);
            else
                device_text(out, &info, &t);
        }
    }
    qvl_str_puts(out, json ? "]\n" : "");
    return QVL_OK;
}
