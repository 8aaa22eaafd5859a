/* list.c - lists of OpenCL: calls kept, replayed by setting arguments
 *
 * A kernel belongs to the device and serves all its lists, so every argument is set
 * again before each launch, which takes the values then. Empty calls stay in the list,
 * as a profile has a number for each. A profile runs on a queue of its own, since only
 * that one keeps times.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cl/cl.h"

int qvl_cl_list_begin(qvl_device *base, qvl_err *err)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    QVL_TRY(qvl_cl_check(dev, err));
    qvl_cl_list_release(base, dev->open);
    dev->open = NULL;
    qvl_list *list = qvl_memory_zeroed(1, sizeof *list);
    list->end = &list->first;
    dev->open = list;
    return QVL_OK;
}

static void append(qvl_list *list, qvl_cl_call *call)
{
    *list->end = call;
    list->end = &call->next;
    list->n_calls++;
}

int qvl_cl_dispatch(qvl_device *base, const qvl_kernel *k,
                    const qvl_slice *bufs, const uint32_t *args,
                    qvl_err *err)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    assert(dev->open != NULL && "list_begin comes first");

    qvl_call_size size;
    QVL_TRY(qvl_cl_check(dev, err));
    QVL_TRY(qvl_call_check(base, k, bufs, args, &size, err));
    const qvl_cl_program *program = NULL;
    if (size.n_groups > 0)
        QVL_TRY(qvl_cl_program_find(dev, k, size.tiling, args, &program,
                                    err));

    qvl_cl_call *call = qvl_arena_alloc(&dev->open->arena, sizeof *call);
    call->program = program;
    call->n_groups = size.n_groups;
    call->lanes = size.tiling->lanes;
    for (int i = 0; i < k->n_bufs; i++) {
        call->mem[i] = bufs[i].buf->id;
        call->at[i] = bufs[i].at;
    }
    memcpy(call->arg, args, (size_t)k->n_args * sizeof *args);
    append(dev->open, call);
    return QVL_OK;
}

int qvl_cl_copy(qvl_device *base, qvl_slice dst, qvl_slice src, qvl_err *err)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    assert(dev->open != NULL && "list_begin comes first");
    qvl_copy_check(dst, src);
    QVL_TRY(qvl_cl_check(dev, err));

    qvl_cl_call *call = qvl_arena_alloc(&dev->open->arena, sizeof *call);
    call->mem[0] = dst.buf->id;
    call->mem[1] = src.buf->id;
    call->at[0] = dst.at;
    call->at[1] = src.at;
    call->bytes = dst.bytes;
    append(dev->open, call);
    return QVL_OK;
}

int qvl_cl_list_end(qvl_device *base, qvl_list **list, qvl_err *err)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    assert(dev->open != NULL);
    QVL_TRY(qvl_cl_check(dev, err));
    *list = dev->open;
    dev->open = NULL;
    return QVL_OK;
}

void qvl_cl_list_release(qvl_device *base, qvl_list *list)
{
    (void)base;
    if (list == NULL)
        return;
    qvl_arena_release(&list->arena);
    free(list);
}

/* The arguments of the entry point: for each buffer the object and the byte in
 * it, then the words. */
static cl_int set_args(const qvl_cl_call *call)
{
    const qvl_kernel *k = call->program->k;
    cl_kernel kernel = call->program->kernel;
    cl_uint at = 0;
    cl_int status = CL_SUCCESS;
    for (int i = 0; i < k->n_bufs && status == CL_SUCCESS; i++) {
        status = clSetKernelArg(kernel, at++, sizeof(cl_mem), &call->mem[i]);
        if (status == CL_SUCCESS)
            status = clSetKernelArg(kernel, at++, sizeof(cl_ulong),
                                    &call->at[i]);
    }
    for (int i = 0; i < k->n_args && status == CL_SUCCESS; i++)
        status = clSetKernelArg(kernel, at++, sizeof(cl_uint), &call->arg[i]);
    return status;
}

/* Queue one call; `event` may be NULL, and stays untouched for an empty one. */
static int queue_call(qvl_cl_device *dev, cl_command_queue queue,
                      const qvl_cl_call *call, cl_event *event, qvl_err *err)
{
    if (call->program == NULL && call->bytes == 0)
        return QVL_OK;
    cl_int status;
    if (call->program == NULL) {
        status = clEnqueueCopyBuffer(queue, call->mem[1], call->mem[0],
                                     call->at[1], call->at[0], call->bytes, 0,
                                     NULL, event);
        return status == CL_SUCCESS
            ? QVL_OK : qvl_cl_fail(dev, status, "copy", err);
    }
    size_t lanes = call->lanes;
    size_t n_lanes = call->n_groups * lanes;
    status = set_args(call);
    if (status == CL_SUCCESS)
        status = clEnqueueNDRangeKernel(queue, call->program->kernel, 1, NULL,
                                        &n_lanes, &lanes, 0, NULL, event);
    return status == CL_SUCCESS
        ? QVL_OK : qvl_cl_fail(dev, status, call->program->k->name, err);
}

int qvl_cl_submit(qvl_device *base, qvl_list *list, qvl_err *err)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    QVL_TRY(qvl_cl_check(dev, err));
    dev->counts.n_submits++;
    dev->pending = true;
    for (const qvl_cl_call *c = list->first; c != NULL; c = c->next)
        QVL_TRY(queue_call(dev, dev->queue, c, NULL, err));
    cl_int status = clFlush(dev->queue);
    return status == CL_SUCCESS
        ? QVL_OK : qvl_cl_fail(dev, status, "submission", err);
}

/* Seconds an event ran; 0 for the NULL of an empty call. */
static cl_int event_seconds(cl_event event, double *s)
{
    cl_ulong start = 0;
    cl_ulong end = 0;
    *s = 0.0;
    if (event == NULL)
        return CL_SUCCESS;
    cl_int status = clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START,
                                            sizeof start, &start, NULL);
    if (status == CL_SUCCESS)
        status = clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END,
                                         sizeof end, &end, NULL);
    *s = end > start ? 1e-9 * (double)(end - start) : 0.0;
    return status;
}

static int run_measured(qvl_cl_device *dev, const qvl_list *list,
                        cl_event *event, double *s, qvl_err *err)
{
    int n = 0;
    for (const qvl_cl_call *c = list->first; c != NULL; c = c->next)
        QVL_TRY(queue_call(dev, dev->profile_queue, c, &event[n++], err));
    cl_int status = clFinish(dev->profile_queue);
    for (int i = 0; i < n && status == CL_SUCCESS; i++)
        status = event_seconds(event[i], &s[i]);
    return status == CL_SUCCESS
        ? QVL_OK : qvl_cl_fail(dev, status, "profile", err);
}

int qvl_cl_profile(qvl_device *base, qvl_list *list, double *s, qvl_err *err)
{
    qvl_cl_device *dev = (qvl_cl_device *)base;
    QVL_TRY(base->be->wait(base, err));
    if (dev->profile_queue == NULL) {
        cl_int status;
        dev->profile_queue = clCreateCommandQueue(
            dev->context, dev->id, CL_QUEUE_PROFILING_ENABLE, &status);
        if (status != CL_SUCCESS)
            return qvl_cl_fail(dev, status, "queue for profiles", err);
    }
    size_t n = (size_t)list->n_calls;
    cl_event *event = calloc(n + 1, sizeof *event);
    if (event == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "opencl: no memory for events");
    int rc = run_measured(dev, list, event, s, err);
    for (size_t i = 0; i < n; i++)
        if (event[i] != NULL)
            clReleaseEvent(event[i]);
    free(event);
    return rc;
}
