/* cpu.h - the processor as a device; shared by the files of this folder
 *
 * Kernels are C functions compiled for several instruction sets. A group has
 * one lane; groups are spread over threads by OpenMP, the runtime that matrix
 * libraries use as well, so that two pools never fight for the cores.
 *
 * A submission has finished when the call returns. Buffers are plain memory.
 */
#ifndef QVL_BACKEND_CPU_CPU_H
#define QVL_BACKEND_CPU_CPU_H

#include "backend/cpu/library.h"
#include "backend/internal.h"
#include "base/arena.h"

/* One entry of a list, as appended. An empty dispatch is one with no groups. */
typedef struct qvl_cpu_call {
    struct qvl_cpu_call *next;
    enum { CPU_KERNEL, CPU_PRODUCT, CPU_COPY } kind;
    qvl_kernel_fn *fn;     // CPU_KERNEL
    qvl_product *product;  // CPU_PRODUCT; owned
    uint32_t n_groups;
    size_t bytes;          // bound or copied
    void *buf[QVL_KERNEL_MAX_BUFS];  // CPU_COPY: target, source
    uint32_t arg[QVL_KERNEL_MAX_ARGS];
} qvl_cpu_call;

struct qvl_list {
    qvl_arena arena;  // owns the calls
    qvl_cpu_call *first;
    qvl_cpu_call **end;
};

typedef struct {
    qvl_device base;
    qvl_device_counts counts;
    qvl_isa isa;
    int n_threads;
    bool pending;       // submitted since the host last waited
    // owned
    qvl_library *lib;   // NULL: none
    qvl_list *open;     // being recorded, NULL: none
} qvl_cpu_device;

/* Lists; see backend.h. */
int qvl_cpu_list_begin(qvl_device *dev, qvl_err *err);
int qvl_cpu_dispatch(qvl_device *dev, const qvl_kernel *k,
                     const qvl_slice *bufs, const uint32_t *args,
                     qvl_err *err);
int qvl_cpu_copy(qvl_device *dev, qvl_slice dst, qvl_slice src, qvl_err *err);
int qvl_cpu_list_end(qvl_device *dev, qvl_list **list, qvl_err *err);
void qvl_cpu_list_release(qvl_device *dev, qvl_list *list);
int qvl_cpu_submit(qvl_device *dev, qvl_list *list, qvl_err *err);
int qvl_cpu_profile(qvl_device *dev, qvl_list *list, double *s, qvl_err *err);

/* ISA and LIBRARY_FROM; see backend/tune.h. */
void qvl_cpu_choice(const qvl_device *dev, const qvl_kernel *k,
                    qvl_choice *c);
int qvl_cpu_choice_check(const qvl_device *dev, const qvl_kernel *k,
                         const qvl_choice *c, qvl_err *err);

/* First byte of a slice. */
static inline void *qvl_cpu_ptr(qvl_slice s)
{
    return (char *)s.buf->id + s.at;
}

#endif
