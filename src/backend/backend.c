/* backend.c - the list of back ends, and devices by name
 *
 * The only file that knows which back ends the build left out: QVL_VULKAN and
 * QVL_OPENCL are defined for those that are compiled.
 */
#include "backend/backend.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/internal.h"
#include "backend/tune.h"

static const qvl_backend *const backends[] = {
#ifdef QVL_VULKAN
    &qvl_backend_vulkan,
#endif
#ifdef QVL_OPENCL
    &qvl_backend_opencl,
#endif
    &qvl_backend_cpu,
};

void qvl_backends_start(char **argv)
{
    qvl_cpu_start(argv);
}

const qvl_backend *const *qvl_backends(int *n)
{
    *n = (int)QVL_COUNT(backends);
    return backends;
}

static const qvl_backend *find(const char *name, size_t len)
{
    for (size_t i = 0; i < QVL_COUNT(backends); i++)
        if (strlen(backends[i]->name) == len
            && memcmp(backends[i]->name, name, len) == 0)
            return backends[i];
    return NULL;
}

/* Add "; present: cpu:0 (NAME), ..." to an error that a name caused. */
static int fail_with_devices(qvl_err *err, const char *text)
{
    char list[512] = "";
    size_t len = 0;
    for (size_t i = 0; i < QVL_COUNT(backends); i++) {
        int n = backends[i]->count();
        for (int d = 0; d < n && len < sizeof list; d++) {
            qvl_device_info info;
            if (backends[i]->info(d, &info, NULL) != QVL_OK)
                continue;
            int put = snprintf(list + len, sizeof list - len, "%s%s:%d (%s)",
                               len > 0 ? ", " : "", info.backend, info.index,
                               info.name);
            len += put > 0 ? (size_t)put : 0;
        }
    }
    return qvl_fail(err, QVL_E_DEVICE, "%s; present: %s", text, list);
}

/* Split "opencl:1". Fails when it is no back end and number. */
static int parse(const char *name, const qvl_backend **be, int *index,
                 qvl_err *err)
{
    char text[160];
    size_t len = strcspn(name, ":");
    const qvl_backend *found = find(name, len);
    if (found == NULL) {
        snprintf(text, sizeof text,
                 "device \"%.60s\" is not known to this build", name);
        return fail_with_devices(err, text);
    }
    long number = 0;
    if (name[len] == ':') {
        char *end;
        const char *digits = name + len + 1;
        number = strtol(digits, &end, 10);
        if (*digits < '0' || *digits > '9' || *end != '\0'
            || number > 1000000) {
            snprintf(text, sizeof text, "device \"%.60s\": found \"%.20s\", "
                     "expected a number after the colon", name, digits);
            return fail_with_devices(err, text);
        }
    }
    *be = found;
    *index = (int)number;
    return QVL_OK;
}

/* The first GPU in the order of the table, else the processor. A GPU that
 * cannot be opened is an error: the run would be slower without a word. */
static int open_auto(qvl_device **dev, int n_threads, qvl_err *err)
{
    for (size_t i = 0; i < QVL_COUNT(backends); i++) {
        int n = backends[i]->count();
        for (int d = 0; d < n; d++) {
            qvl_device_info info;
            QVL_TRY(backends[i]->info(d, &info, err));
            if (info.is_gpu)
                return backends[i]->open(dev, d, n_threads, err);
        }
    }
    return qvl_backend_cpu.open(dev, 0, n_threads, err);
}

static int open_named(qvl_device **dev, const char *name, int n_threads,
                      qvl_err *err)
{
    if (strcmp(name, "auto") == 0)
        return open_auto(dev, n_threads, err);
    const qvl_backend *be = NULL;
    int index = 0;
    QVL_TRY(parse(name, &be, &index, err));
    int n = be->count();
    if (index >= n) {
        char text[160];
        snprintf(text, sizeof text,
                 "device \"%.60s\" is not there: %s has %d device%s", name,
                 be->name, n, n == 1 ? "" : "s");
        return fail_with_devices(err, text);
    }
    return be->open(dev, index, n_threads, err);
}

/* The bytes that QVL_MAX_BINDING allows; what is there already without it. */
static int read_max_binding(size_t *bytes, qvl_err *err)
{
    const char *text = getenv("QVL_MAX_BINDING");
    if (text == NULL)
        return QVL_OK;
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n == 0)
        return qvl_fail(err, QVL_E_USAGE, "QVL_MAX_BINDING: found \"%.40s\", "
                        "expected a number of bytes from 1 on", text);
    *bytes = n < *bytes ? (size_t)n : *bytes;
    return QVL_OK;
}

int qvl_device_open(qvl_device **dev, const char *name, int n_threads,
                    qvl_err *err)
{
    assert(dev != NULL && name != NULL);
    if (n_threads < 0 || n_threads > QVL_MAX_THREADS)
        return qvl_fail(err, QVL_E_USAGE, "threads: found %d, expected 0 to %d",
                        n_threads, QVL_MAX_THREADS);

    size_t most = SIZE_MAX;
    qvl_device *d = NULL;
    QVL_TRY(read_max_binding(&most, err));
    QVL_TRY(open_named(&d, name, n_threads, err));
    if (most < d->info.max_binding_bytes)
        d->info.max_binding_bytes = most;
    int rc = qvl_tuned_open(d, err);
    if (rc == QVL_OK)
        *dev = d;
    else
        qvl_device_close(d);
    return rc;
}

void qvl_device_close(qvl_device *dev)
{
    if (dev == NULL)
        return;
    qvl_tuned_close(dev);
    dev->be->close(dev);
}
