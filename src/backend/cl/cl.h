/* cl.h - OpenCL as a back end; shared by the files of this folder
 *
 * OpenCL 1.2 through the loader. One in-order queue, so that everything happens
 * in the order it was asked for. A kernel is built at its first dispatch, once
 * for each set of compiled-in values, tiles and constants. A list is replayed by
 * setting arguments.
 */
#ifndef QVL_BACKEND_CL_CL_H
#define QVL_BACKEND_CL_CL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "backend/internal.h"
#include "base/arena.h"

/* A kernel built for one device, one tiling and one set of constants. */
typedef struct qvl_cl_program {
    struct qvl_cl_program *next;
    const qvl_kernel *k;
    qvl_tiling tiling;
    uint32_t constant[QVL_KERNEL_MAX_CONSTS];
    // owned
    cl_program program;
    cl_kernel kernel;
} qvl_cl_program;

/* One entry of a list. Empty when it has no program and no bytes to copy. */
typedef struct qvl_cl_call {
    struct qvl_cl_call *next;
    const qvl_cl_program *program;  // NULL: a copy of `bytes`
    size_t n_groups, lanes, bytes;
    cl_mem mem[QVL_KERNEL_MAX_BUFS];  // a copy: target, source
    cl_ulong at[QVL_KERNEL_MAX_BUFS];
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
} qvl_cl_call;

struct qvl_list {
    qvl_arena arena;  // owns the calls
    qvl_cl_call *first;
    qvl_cl_call **end;
    int n_calls;
};

/* A copy of host data that the queue has not taken yet. */
typedef struct qvl_cl_staged {
    struct qvl_cl_staged *next;
    char data[];
} qvl_cl_staged;

typedef struct {
    qvl_device base;
    qvl_device_counts counts;
    bool lost;
    bool pending;  // work was queued since the host last waited
    cl_device_id id;
    // owned
    cl_context context;
    cl_command_queue queue;
    cl_command_queue profile_queue;  // made at the first profile
    qvl_arena arena;                 // of the program entries
    qvl_cl_program *programs;
    qvl_list *open;                  // being recorded, NULL: none
    qvl_cl_staged *staged;
    size_t staged_bytes;
} qvl_cl_device;

/* Raise the error of a call of the API and return its code, QVL_E_INTERNAL for a
 * status that has no other; a device that is gone counts as lost from here on. */
int qvl_cl_fail(qvl_cl_device *dev, cl_int status, const char *what,
                qvl_err *err);

/* Leave with QVL_E_DEVICE_LOST when the device is gone. */
int qvl_cl_check(const qvl_cl_device *dev, qvl_err *err);

/* The kernel for these tiles and args, built when it is not there yet; it belongs
 * to the device. Fails with QVL_E_UNSUPPORTED when the build left it out, with
 * QVL_E_DEVICE when the driver cannot build it, or not for so many lanes; runs out of
 * host memory as an arena does. */
int qvl_cl_program_find(qvl_cl_device *dev, const qvl_kernel *k,
                        const qvl_tiling *tiling, const uint32_t *args,
                        const qvl_cl_program **program, qvl_err *err);
void qvl_cl_programs_release(qvl_cl_device *dev);

/* Lists; see backend.h. */
int qvl_cl_list_begin(qvl_device *dev, qvl_err *err);
int qvl_cl_dispatch(qvl_device *dev, const qvl_kernel *k,
                    const qvl_slice *bufs, const uint32_t *args,
                    qvl_err *err);
int qvl_cl_copy(qvl_device *dev, qvl_slice dst, qvl_slice src, qvl_err *err);
int qvl_cl_list_end(qvl_device *dev, qvl_list **list, qvl_err *err);
void qvl_cl_list_release(qvl_device *dev, qvl_list *list);
int qvl_cl_submit(qvl_device *dev, qvl_list *list, qvl_err *err);
int qvl_cl_profile(qvl_device *dev, qvl_list *list, double *s, qvl_err *err);

#endif
