/* internal.h - what the back ends share with each other, not with callers
 *
 * The tables that backend.c lists, and the checks and counts that every back
 * end makes alike, so that the same mistake reads the same on every device.
 */
#ifndef QVL_BACKEND_INTERNAL_H
#define QVL_BACKEND_INTERNAL_H

#include "backend/backend.h"

/* One table a folder; backend.c lists those that were built. */
extern const qvl_backend qvl_backend_cpu;
extern const qvl_backend qvl_backend_opencl;
extern const qvl_backend qvl_backend_vulkan;

/* Let the threads of OpenMP sleep after a short wait. Its runtime reads the wish
 * from the environment when the program is loaded, so the program is started
 * anew with it. Threads that spin for long take the cores from each other as soon as
 * something else runs (cpu/start.c has figures). */
void qvl_cpu_start(char **argv);

/* What a call needs beside its operands. */
typedef struct {
    const qvl_tiling *tiling;
    const qvl_choice *choice;  // NULL: what ships
    uint32_t n_groups;
} qvl_call_size;

/* Check a dispatch against the device and say how large it is. Slices outside
 * their buffer or off the alignment, or that share bytes and may not, are the
 * caller's mistake (assert). Fails with QVL_E_DEVICE when a slice is larger than the
 * device can bind, the groups of the tiling are larger than it can run, or there are
 * more than 2^31 - 1, with QVL_E_UNSUPPORTED when a dim is beyond const_max or loops
 * turn more often than the device allows, and with QVL_E_CONFIG when the user's table
 * asks for what cannot be had. */
int qvl_call_check(const qvl_device *dev, const qvl_kernel *k,
                   const qvl_slice *bufs, const uint32_t *args,
                   qvl_call_size *size, qvl_err *err);

/* Assert that two slices can be copied onto each other. */
void qvl_copy_check(qvl_slice dst, qvl_slice src);

/* QVL_E_DEVICE_MEMORY when no buffer of the device may have this size. */
int qvl_alloc_check(const qvl_device *dev, const qvl_device_counts *counts,
                    size_t bytes, qvl_err *err);

/* Raise QVL_E_DEVICE_MEMORY for a request that the device refused: what was
 * asked, what is held, what the device has, and what to do. */
int qvl_alloc_fail(const qvl_device *dev, const qvl_device_counts *counts,
                   size_t bytes, const char *reason, qvl_err *err);

/* Note memory taken and given back. */
void qvl_counts_take(qvl_device_counts *counts, size_t bytes);
void qvl_counts_give(qvl_device_counts *counts, size_t bytes);

/* Is an environment variable set to "1"? */
bool qvl_env_is_on(const char *name);

#endif
