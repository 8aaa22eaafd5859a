/* cl.c - OpenCL as a back end: its devices and their memory
 *
 * A device is one that is there, has a compiler and is little endian; they are
 * counted over all platforms. It has one queue, in order, so nothing waits for an
 * event: writes are enqueued from the caller's memory or, while the queue is busy,
 * from copies, reads wait. Releasing a buffer that is still in use is OpenCL's to
 * sort out. Refused: allocations beyond the device's own limit, as out of memory.
 */
#include "backend/cl/cl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/tiles.h"

/* Platforms and devices behind these are not seen. */
#define MAX_PLATFORMS 16
#define MAX_DEVICES 32

/* A vector of the dialect is 64 bytes at most. */
#define ALIGN_BYTES 64

/* Host data that may wait in copies for a busy queue, before a write waits for
 * the queue instead. */
#define STAGED_MOST_BYTES ((size_t)64 << 20)

/* A device we can use: it is there, it has a compiler, it is little endian. */
static bool is_usable(cl_device_id id)
{
    static const cl_device_info wanted[] = {
        CL_DEVICE_AVAILABLE, CL_DEVICE_COMPILER_AVAILABLE,
        CL_DEVICE_ENDIAN_LITTLE,
    };
    for (size_t i = 0; i < QVL_COUNT(wanted); i++) {
        cl_bool yes = CL_FALSE;
        if (clGetDeviceInfo(id, wanted[i], sizeof yes, &yes, NULL)
                != CL_SUCCESS || !yes)
            return false;
    }
    return true;
}

/* All usable devices, in the order of platforms and of their lists. Without a
 * driver the loader reports an error, which is the same as none. */
static int list_devices(cl_device_id device[MAX_DEVICES])
{
    cl_platform_id platform[MAX_PLATFORMS];
    cl_uint n_platforms = 0;
    if (clGetPlatformIDs(MAX_PLATFORMS, platform, &n_platforms) != CL_SUCCESS)
        return 0;
    if (n_platforms > MAX_PLATFORMS)
        n_platforms = MAX_PLATFORMS;
    int n = 0;
    for (cl_uint p = 0; p < n_platforms; p++) {
        cl_device_id found[MAX_DEVICES];
        cl_uint n_found = 0;
        if (clGetDeviceIDs(platform[p], CL_DEVICE_TYPE_ALL, MAX_DEVICES,
                           found, &n_found) != CL_SUCCESS)
            continue;
        for (cl_uint d = 0; d < n_found && d < MAX_DEVICES; d++)
            if (n < MAX_DEVICES && is_usable(found[d]))
                device[n++] = found[d];
    }
    return n;
}

static int cl_count(void)
{
    cl_device_id device[MAX_DEVICES];
    return list_devices(device);
}

static int find_device(int index, cl_device_id *id, qvl_err *err)
{
    cl_device_id device[MAX_DEVICES];
    int n = list_devices(device);
    if (index < 0 || index >= n)
        return qvl_fail(err, QVL_E_DEVICE,
                        "opencl:%d: found %d OpenCL devices", index, n);
    *id = device[index];
    return QVL_OK;
}

static cl_ulong number_of(cl_device_id id, cl_device_info what)
{
    cl_ulong value = 0;
    clGetDeviceInfo(id, what, sizeof value, &value, NULL);
    return value;
}

static size_t size_of(cl_device_id id, cl_device_info what)
{
    size_t value = 0;
    clGetDeviceInfo(id, what, sizeof value, &value, NULL);
    return value;
}

/* Is the word in a list that blanks separate? */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list + strspn(list, " "); *p != '\0'; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        if (len == n && memcmp(p, word, n) == 0)
            return true;
        p += len;
    }
    return false;
}

static bool has_extension(cl_device_id id, const char *name)
{
    size_t bytes = 0;
    clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, 0, NULL, &bytes);
    char *text = calloc(1, bytes + 1);
    if (text == NULL)
        return false;
    clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, bytes, text, NULL);
    bool found = has_word(text, name);
    free(text);
    return found;
}

static void put_names(cl_device_id id, qvl_device_info *info)
{
    char platform_version[100] = "";
    char driver[sizeof info->driver] = "";
    cl_platform_id platform = NULL;
    clGetDeviceInfo(id, CL_DEVICE_NAME, sizeof info->name, info->name, NULL);
    clGetDeviceInfo(id, CL_DRIVER_VERSION, sizeof driver, driver, NULL);
    clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof platform_version,
                      platform_version, NULL);
    snprintf(info->driver, sizeof info->driver, "%.50s %.70s",
             platform_version, driver);
}

static void fill_info(cl_device_id id, int index, qvl_device_info *info)
{
    cl_device_type type = number_of(id, CL_DEVICE_TYPE);
    bool is_cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
    size_t max_alloc_bytes = number_of(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    size_t shared_bytes = number_of(id, CL_DEVICE_LOCAL_MEM_SIZE);
    *info = (qvl_device_info){
        .backend = "opencl",
        .index = index,
        .device_class = is_cpu ? QVL_CLASS_OPENCL_CPU : QVL_CLASS_GPU,
        .is_gpu = (type & CL_DEVICE_TYPE_GPU) != 0,
        .memory_bytes = number_of(id, CL_DEVICE_GLOBAL_MEM_SIZE),
        .max_alloc_bytes = max_alloc_bytes,
        .max_binding_bytes = max_alloc_bytes,
        .align_bytes = ALIGN_BYTES,
        .max_lanes = (uint32_t)size_of(id, CL_DEVICE_MAX_WORK_GROUP_SIZE),
        /* PoCL 3.1 gives wrong sums, and ends the process, for thin products
         * with groups of 16 lanes; a single lane has its memory on the stack. */
        .has_fixed_lanes = is_cpu,
        .max_vector = 16,
        .shared_bytes = shared_bytes,
        .shared_alone_bytes =
            is_cpu ? qvl_tiles_most_shared(QVL_CLASS_OPENCL_CPU, 1)
                   : shared_bytes,
        .has_f16 = has_extension(id, "cl_khr_fp16"),
    };
    put_names(id, info);
}

static int cl_info(int index, qvl_device_info *info, qvl_err *err)
{
    cl_device_id id;
    QVL_TRY(find_device(index, &id, err));
    fill_info(id, index, info);
    return QVL_OK;
}

static void release_staged(qvl_cl_device *dev)
{
    while (dev->staged != NULL) {
        qvl_cl_staged *next = dev->staged->next;
        free(dev->staged);
        dev->staged = next;
    }
    dev->staged_bytes = 0;
}

static void cl_close(qvl_device *base)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    if (dev == NULL)
        return;
    if (dev->queue != NULL)
        clFinish(dev->queue);
    qvl_cl_list_release(base, dev->open);
    release_staged(dev);
    qvl_cl_programs_release(dev);
    if (dev->profile_queue != NULL)
        clReleaseCommandQueue(dev->profile_queue);
    if (dev->queue != NULL)
        clReleaseCommandQueue(dev->queue);
    if (dev->context != NULL)
        clReleaseContext(dev->context);
    free(dev);
}

/* n_threads is not used: a driver for processors has threads of its own. */
static int cl_open(qvl_device **out, int index, int n_threads, qvl_err *err)
{
    (void)n_threads;
    cl_device_id id;
    QVL_TRY(find_device(index, &id, err));
    qvl_cl_device *dev = qvl_memory_zeroed(1, sizeof *dev);
    dev->base.be = &qvl_backend_opencl;
    dev->id = id;
    fill_info(id, index, &dev->base.info);

    cl_int status;
    dev->context = clCreateContext(NULL, 1, &id, NULL, NULL, &status);
    if (status == CL_SUCCESS)
        dev->queue = clCreateCommandQueue(dev->context, id, 0, &status);
    if (status != CL_SUCCESS) {
        int rc = qvl_cl_fail(dev, status, "opening", err);
        cl_close(&dev->base);
        return rc;
    }
    *out = &dev->base;
    return QVL_OK;
}

/* Drivers take memory at first use: fill a word, so that a device that is full
 * says so here. */
static cl_int take_memory(const qvl_cl_device *dev, size_t bytes, cl_mem *mem)
{
    static const cl_uint zero = 0;
    cl_int status;
    *mem = clCreateBuffer(dev->context, CL_MEM_READ_WRITE, bytes, NULL,
                          &status);
    if (status != CL_SUCCESS)
        return status;
    status = clEnqueueFillBuffer(dev->queue, *mem, &zero, sizeof zero, 0,
                                 sizeof zero, 0, NULL, NULL);
    if (status != CL_SUCCESS)
        clReleaseMemObject(*mem);
    return status;
}

static int cl_alloc(qvl_device *base, size_t bytes, qvl_buf *buf,
                    qvl_err *err)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    QVL_TRY(qvl_cl_check(dev, err));
    QVL_TRY(qvl_alloc_check(base, &dev->counts, bytes, err));
    cl_mem mem;
    cl_int status = take_memory(dev, bytes < 16 ? 16 : bytes, &mem);
    if (status == CL_MEM_OBJECT_ALLOCATION_FAILURE
        || status == CL_OUT_OF_RESOURCES || status == CL_INVALID_BUFFER_SIZE)
        return qvl_alloc_fail(base, &dev->counts, bytes,
                              "refused by the driver", err);
    if (status != CL_SUCCESS)
        return qvl_cl_fail(dev, status, "memory", err);
    qvl_counts_take(&dev->counts, bytes);
    *buf = (qvl_buf){ .id = mem, .bytes = bytes };
    return QVL_OK;
}

/* The driver keeps the memory until queued work is done with it. */
static void cl_release(qvl_device *base, qvl_buf *buf)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    if (buf == NULL || buf->id == NULL)
        return;
    clReleaseMemObject(buf->id);
    qvl_counts_give(&dev->counts, buf->bytes);
    *buf = (qvl_buf){ 0 };
}

/* After a call that waited for the queue. */
static void note_wait(qvl_cl_device *dev)
{
    if (dev->pending)
        dev->counts.n_waits++;
    dev->pending = false;
    release_staged(dev);
}

/* Queue a write from a copy of the data, so that the host need not wait. */
static cl_int write_staged(qvl_cl_device *dev, qvl_slice dst, const void *src)
{
    qvl_cl_staged *copy = malloc(sizeof *copy + dst.bytes);
    if (copy == NULL)
        return CL_OUT_OF_HOST_MEMORY;
    memcpy(copy->data, src, dst.bytes);
    copy->next = dev->staged;
    dev->staged = copy;
    dev->staged_bytes += dst.bytes;
    return clEnqueueWriteBuffer(dev->queue, dst.buf->id, CL_FALSE, dst.at,
                                dst.bytes, copy->data, 0, NULL, NULL);
}

static int cl_write(qvl_device *base, qvl_slice dst, const void *src,
                    qvl_err *err)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    assert(dst.at <= dst.buf->bytes && dst.bytes <= dst.buf->bytes - dst.at);
    QVL_TRY(qvl_cl_check(dev, err));
    if (dst.bytes == 0)
        return QVL_OK;
    cl_int status;
    if (dev->pending && dst.bytes <= STAGED_MOST_BYTES - dev->staged_bytes) {
        status = write_staged(dev, dst, src);
    } else {
        status = clEnqueueWriteBuffer(dev->queue, dst.buf->id, CL_TRUE,
                                      dst.at, dst.bytes, src, 0, NULL, NULL);
        note_wait(dev);
    }
    if (status != CL_SUCCESS)
        return qvl_cl_fail(dev, status, "write", err);
    dev->counts.bytes_up += dst.bytes;
    return QVL_OK;
}

static int cl_read(qvl_device *base, qvl_slice src, void *dst, qvl_err *err)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    assert(src.at <= src.buf->bytes && src.bytes <= src.buf->bytes - src.at);
    if (src.bytes == 0)
        return base->be->wait(base, err);
    QVL_TRY(qvl_cl_check(dev, err));
    cl_int status = clEnqueueReadBuffer(dev->queue, src.buf->id, CL_TRUE,
                                        src.at, src.bytes, dst, 0, NULL,
                                        NULL);
    note_wait(dev);
    if (status != CL_SUCCESS)
        return qvl_cl_fail(dev, status, "read", err);
    dev->counts.bytes_down += src.bytes;
    return QVL_OK;
}

static void *cl_host(qvl_device *base, qvl_slice slice)
{
    (void)base;
    (void)slice;
    return NULL;
}

static int cl_wait(qvl_device *base, qvl_err *err)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    QVL_TRY(qvl_cl_check(dev, err));
    cl_int status = clFinish(dev->queue);
    note_wait(dev);
    return status == CL_SUCCESS
        ? QVL_OK : qvl_cl_fail(dev, status, "wait", err);
}

static void cl_counts(const qvl_device *base, qvl_device_counts *counts)
{
    *counts = ((const qvl_cl_device *)base)->counts;
}

const qvl_backend qvl_backend_opencl = {
    .name = "opencl",
    .count = cl_count,
    .info = cl_info,
    .open = cl_open,
    .close = cl_close,
    .alloc = cl_alloc,
    .release = cl_release,
    .write = cl_write,
    .read = cl_read,
    .host = cl_host,
    .list_begin = qvl_cl_list_begin,
    .dispatch = qvl_cl_dispatch,
    .copy = qvl_cl_copy,
    .list_end = qvl_cl_list_end,
    .list_release = qvl_cl_list_release,
    .submit = qvl_cl_submit,
    .wait = cl_wait,
    .profile = qvl_cl_profile,
    .counts = cl_counts,
};
