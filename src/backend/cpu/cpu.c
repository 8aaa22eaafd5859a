/* cpu.c - the processor as a device: what it is, and its memory
 *
 * Opening chooses an instruction set and opens the matrix library, if the build has
 * one; both stay as long as the device. Buffers are zeroed memory of the process:
 * from 1 MiB on their pages come when they are touched first, so what a run never
 * uses costs nothing. More than the machine has is refused when it is asked for, not
 * when it is touched.
 */
#include "backend/cpu/cpu.h"

#include <assert.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/cpu/isa.h"

/* From here on a buffer comes from mmap: zeroed page by page at first touch,
 * and given back to the system when released. */
#define MAP_FROM_BYTES ((size_t)1 << 20)
#define ALIGN_BYTES 64  // a cache line, and the widest vector

static size_t physical_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page_bytes <= 0)
        return 0;
    return (size_t)pages * (size_t)page_bytes;
}

/* "model name : ..." of the first processor, as the system words it. */
static void processor_name(char *name, size_t bytes)
{
    snprintf(name, bytes, "processor");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (f == NULL)
        return;
    char line[256];
    while (fgets(line, sizeof line, f) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(name, bytes, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    fclose(f);
}

static int cpu_count(void)
{
    return 1;
}

static int cpu_info(int index, qvl_device_info *info, qvl_err *err)
{
    if (index != 0)
        return qvl_fail(err, QVL_E_DEVICE, "cpu:%d: expected cpu:0", index);
    size_t bytes = physical_bytes();
    *info = (qvl_device_info){
        .backend = "cpu",
        .device_class = QVL_CLASS_HOST,
        .memory_bytes = bytes,
        .max_alloc_bytes = bytes > 0 ? bytes : SIZE_MAX / 2,
        .max_binding_bytes = bytes > 0 ? bytes : SIZE_MAX / 2,
        .align_bytes = ALIGN_BYTES,
        .max_lanes = 1,
        .max_vector = 16,
        .subgroup = 1,
    };
    processor_name(info->name, sizeof info->name);
    snprintf(info->driver, sizeof info->driver, "C and OpenMP");
    return QVL_OK;
}

static void cpu_close(qvl_device *base)
{
    qvl_cpu_device *dev = (qvl_cpu_device *)base;
    if (dev == NULL)
        return;
    qvl_cpu_list_release(base, dev->open);
    if (dev->lib != NULL)
        qvl_build_library->close(dev->lib);
    free(dev);
}

typedef struct {
    qvl_cpu_device *dev;
    qvl_err *err;
} opening;

static int open_library(void *arg)
{
    const opening *o = arg;
    return qvl_build_library == NULL
               ? QVL_OK
               : qvl_build_library->open(&o->dev->lib, o->dev->n_threads,
                                         o->err);
}

static int cpu_open(qvl_device **out, int index, int n_threads, qvl_err *err)
{
    qvl_isa isa;
    qvl_device_info info;
    QVL_TRY(cpu_info(index, &info, err));
    QVL_TRY(qvl_isa_plan(&isa, err));

    qvl_cpu_device *dev = qvl_memory_zeroed(1, sizeof *dev);
    dev->base = (qvl_device){ .be = &qvl_backend_cpu, .info = info };
    dev->isa = isa;
    dev->n_threads = n_threads > 0 ? n_threads : omp_get_num_procs();
    opening o = { dev, err };
    int rc = qvl_guard(open_library, &o, err);
    if (rc != QVL_OK) {
        cpu_close(&dev->base);
        return rc;
    }
    snprintf(dev->base.info.driver, sizeof dev->base.info.driver,
             "C for x86-64-%s, %d thread%s%s%s", qvl_isa_name(isa),
             dev->n_threads, dev->n_threads == 1 ? "" : "s",
             dev->lib != NULL ? ", " : "",
             dev->lib != NULL ? qvl_build_library->name : "");
    *out = &dev->base;
    return QVL_OK;
}

/* NULL when the system refuses. Never without an address: zero bytes count
 * as one. */
static void *take_memory(size_t bytes)
{
    if (bytes < MAP_FROM_BYTES) {
        void *p = NULL;
        if (posix_memalign(&p, ALIGN_BYTES, bytes > 0 ? bytes : 1) != 0)
            return NULL;
        return memset(p, 0, bytes);
    }
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* Memory is only touched later, and a process that touches more than there is
 * gets killed without a word: so what is held is compared with what the
 * machine has before the system is asked. */
static int cpu_alloc(qvl_device *base, size_t bytes, qvl_buf *buf,
                     qvl_err *err)
{
    qvl_cpu_device *dev = (qvl_cpu_device *)base;
    QVL_TRY(qvl_alloc_check(base, &dev->counts, bytes, err));
    size_t memory_bytes = base->info.memory_bytes;
    if (memory_bytes > 0 && dev->counts.bytes_held > memory_bytes - bytes)
        return qvl_alloc_fail(base, &dev->counts, bytes,
                              "more than is left of the machine's memory",
                              err);
    void *p = take_memory(bytes);
    if (p == NULL)
        return qvl_alloc_fail(base, &dev->counts, bytes,
                              "refused by the system", err);
    qvl_counts_take(&dev->counts, bytes);
    *buf = (qvl_buf){ .id = p, .bytes = bytes };
    return QVL_OK;
}

static void cpu_release(qvl_device *base, qvl_buf *buf)
{
    qvl_cpu_device *dev = (qvl_cpu_device *)base;
    if (buf == NULL || buf->id == NULL)
        return;
    qvl_counts_give(&dev->counts, buf->bytes);
    if (buf->bytes < MAP_FROM_BYTES)
        free(buf->id);
    else
        munmap(buf->id, buf->bytes);
    *buf = (qvl_buf){ 0 };
}

/* The host would stop here for a device that works on its own; counted the
 * same way, so that a wait too many shows on every back end. */
static void note_wait(qvl_cpu_device *dev)
{
    if (dev->pending)
        dev->counts.n_waits++;
    dev->pending = false;
}

static int cpu_write(qvl_device *base, qvl_slice dst, const void *src,
                     qvl_err *err)
{
    qvl_cpu_device *dev = (qvl_cpu_device *)base;
    (void)err;
    assert(dst.at <= dst.buf->bytes && dst.bytes <= dst.buf->bytes - dst.at);
    if (dst.bytes > 0)
        memcpy(qvl_cpu_ptr(dst), src, dst.bytes);
    dev->counts.bytes_up += dst.bytes;
    return QVL_OK;
}

static int cpu_read(qvl_device *base, qvl_slice src, void *dst, qvl_err *err)
{
    qvl_cpu_device *dev = (qvl_cpu_device *)base;
    (void)err;
    assert(src.at <= src.buf->bytes && src.bytes <= src.buf->bytes - src.at);
    note_wait(dev);
    if (src.bytes > 0)
        memcpy(dst, qvl_cpu_ptr(src), src.bytes);
    dev->counts.bytes_down += src.bytes;
    return QVL_OK;
}

static void *cpu_host(qvl_device *base, qvl_slice slice)
{
    (void)base;
    return qvl_cpu_ptr(slice);
}

static int cpu_wait(qvl_device *base, qvl_err *err)
{
    (void)err;
    note_wait((qvl_cpu_device *)base);
    return QVL_OK;
}

static int cpu_library_time(qvl_device *base, const qvl_plain_product *p,
                            const char **library, double *s, int n,
                            qvl_err *err)
{
    *library = qvl_build_library != NULL ? qvl_build_library->name : NULL;
    return qvl_build_library == NULL
               ? QVL_OK
               : qvl_build_library->time(
                     p, ((const qvl_cpu_device *)base)->n_threads, s, n, err);
}

static void cpu_counts(const qvl_device *base, qvl_device_counts *counts)
{
    *counts = ((const qvl_cpu_device *)base)->counts;
}

const qvl_backend qvl_backend_cpu = {
    .name = "cpu",
    .count = cpu_count,
    .info = cpu_info,
    .open = cpu_open,
    .close = cpu_close,
    .alloc = cpu_alloc,
    .release = cpu_release,
    .write = cpu_write,
    .read = cpu_read,
    .host = cpu_host,
    .list_begin = qvl_cpu_list_begin,
    .dispatch = qvl_cpu_dispatch,
    .copy = qvl_cpu_copy,
    .list_end = qvl_cpu_list_end,
    .list_release = qvl_cpu_list_release,
    .submit = qvl_cpu_submit,
    .wait = cpu_wait,
    .profile = qvl_cpu_profile,
    .library_time = cpu_library_time,
    .counts = cpu_counts,
    .choice = qvl_cpu_choice,
    .choice_check = qvl_cpu_choice_check,
};
