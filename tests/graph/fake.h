/* fake.h - a back end and kernels for tests of the run-time graph
 *
 * The device is host memory. It fills what it allocates with poison, checks
 * every dispatch against its limits, counts what is held, and fails on demand.
 * Kernels count every poison they load, so that a read of memory that nobody
 * wrote, or that a test poisoned after its last use, does not go unnoticed.
 * Their numbers are whole and small, so results are exact in every storage
 * type and in every order of summation.
 *
 * What the generator gives a product, the zero kernel and the table of
 * architectures (two without steps), is here as well.
 */
#ifndef FAKE_H
#define FAKE_H

#include "backend/backend.h"
#include "graph/program.h"

#define FAKE_POISON 0x7f8bffadu  // a NaN; both halves are NaN in bf16 as well

/* What may fail, counted from 1 over the life of the device. */
typedef enum {
    FAKE_ALLOC,
    FAKE_DISPATCH,
    FAKE_LIST_END,
    FAKE_SUBMIT,
    FAKE_READ,
    FAKE_WRITE,
    FAKE_N_CALLS
} fake_call;

typedef struct {
    qvl_device base;
    qvl_device_counts counts;
    int n_calls[FAKE_N_CALLS];
    int fail_at[FAKE_N_CALLS];  // the call that fails, 0: none
    int n_lists;                // alive
    int n_bufs;                 // alive
    bool is_recording;
    /* Called after dispatch `i` of a list ran; may be NULL. */
    void (*after)(void *arg, int i);
    void *after_arg;
} fake_device;

extern long fake_n_poison;  // poisoned elements loaded so far

/* A device without faults and with the limits of a small one: binds 1 GiB. */
void fake_open(fake_device *dev);

/* Bytes of a buffer. */
unsigned char *fake_bytes(const qvl_buf *buf);

/* y[n_y] = hash of x0[n_x0], x1[n_x1], ... ; args: sizes in order of the
 * buffers, salt. fake_mix[k] has k inputs (0 to 3), fake_two two inputs and a
 * second output in f32. All storage types. */
extern const qvl_kernel_family fake_mix[4];
extern const qvl_kernel_family fake_two;

/* acc f32 y[n_y] (+)= hash of x0, x1. Args: sizes, salt, acc. */
extern const qvl_kernel_family fake_sum;

/* Column slices: y[rows, cols] ld = hash of x[rows, cols], and x of y ld.
 * Args: rows, cols, offset, stride, salt. */
extern const qvl_kernel_family fake_put;
extern const qvl_kernel_family fake_take;

/* The products and look-ups of the project, f32 only; arguments as the
 * generator orders them, the scalar `first` and acc last. */
extern const qvl_kernel_family fake_nt;         // x ld, w, y ld, b[N]
extern const qvl_kernel_family fake_nn;         // x ld, w, acc y ld
extern const qvl_kernel_family fake_tn;         // x ld, y ld, acc z
extern const qvl_kernel_family fake_lookup;     // x ld, index, weight, acc y ld
extern const qvl_kernel_family fake_lookup_dx;  // dy ld, weight, start, entry,
                                                // acc dx

#endif
