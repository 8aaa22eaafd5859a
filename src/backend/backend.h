/* backend.h - what a device can do, as a table of functions
 *
 * A back end offers memory, lists of dispatches, and waiting. It knows no
 * model, no tensor name and no operation. Work travels as a list: recorded once
 * for a program, submitted as often as the program runs. Everything on a device
 * happens in the order in which it was asked for (write, submit, read), so the
 * caller never orders anything by hand.
 *
 * Inside a list a dispatch sees the results of every earlier one. A slice bound
 * as an output overlaps no other slice of the same dispatch, but
 * for outputs whose elements the caller's row strides keep apart.
 *
 * Refused here: waiting inside a list, dispatches whose size is only known on
 * the device (kernels bound their groups from above and stop early).
 */
#ifndef QVL_BACKEND_BACKEND_H
#define QVL_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/kernel.h"
#include "base/err.h"

typedef struct qvl_device qvl_device;  // opened device, owned by its back end
typedef struct qvl_list qvl_list;      // recorded dispatches

/* A piece of device memory. `id` belongs to the back end. */
typedef struct {
    void *id;
    size_t bytes;
} qvl_buf;

/* Part of a buffer. `at` is a multiple of qvl_device_info.align_bytes when the
 * slice is bound to a dispatch, any multiple of 4 otherwise. */
typedef struct {
    const qvl_buf *buf;
    size_t at;
    size_t bytes;
} qvl_slice;

/* What is known of a device. */
typedef struct {
    char backend[16];       // "cpu", "opencl", "vulkan"
    int index;              // counted per back end
    char name[128];
    char driver[128];
    qvl_class device_class;
    bool is_gpu;
    size_t memory_bytes;       // 0: unknown
    size_t max_alloc_bytes;    // largest single buffer
    size_t max_binding_bytes;  // largest slice a dispatch may bind
    size_t align_bytes;        // of a bound slice
    uint32_t max_lanes;        // largest group
    bool has_fixed_lanes;      // groups have the lanes that ship
    uint32_t max_walk;         // rows that a group may pass in its loops over a
                               // range, rows of up to 128 numbers; 0: any number
    uint32_t max_turns;        // of all loops of a lane, which end there without
                               // a word; 0: any number
    uint32_t max_dispatches;   // of all lists that are there at a time; 0: any number
    uint32_t max_vector;       // floats of the widest vector of a kernel
    size_t shared_bytes;       // shared memory of a group
    size_t shared_alone_bytes; // of one with a single lane
    uint32_t subgroup;         // 0: unknown
    bool has_f16;              // 16-bit float arithmetic
    bool has_matrix_units;     // cooperative matrices
} qvl_device_info;

/* Counted since the device was opened; read by benches and tests. */
typedef struct {
    uint64_t n_submits;
    uint64_t n_waits;  // the host stopped for the device
    uint64_t bytes_up;
    uint64_t bytes_down;
    uint64_t bytes_held;       // allocated now
    uint64_t bytes_held_peak;
} qvl_device_counts;

#define QVL_MAX_CHOICES (1 + QVL_KERNEL_MAX_TILES)

/* Numbers chosen for a kernel on a device, each with its name (tune.h). */
typedef struct {
    int n;
    const char *name[QVL_MAX_CHOICES];  // of the kernel or the back end
    uint32_t value[QVL_MAX_CHOICES];
} qvl_choice;

typedef struct qvl_tuned qvl_tuned;  // what was chosen for a device

/* y[m, n] = x[m, k] w[k, n], all of dtype, row-major; a turned operand lies as
 * [k, m] or [n, k]. */
typedef struct {
    int dtype;  // enum qvl_dtype
    uint32_t m, n, k;
    bool turns_left, turns_right;
} qvl_plain_product;

/* One back end. All functions but `count`, `info` and `open` take the device
 * first. Errors: QVL_E_DEVICE (no such device, a limit, a driver that refuses),
 * QVL_E_DEVICE_MEMORY, QVL_E_DEVICE_LOST, QVL_E_UNSUPPORTED (what this device or
 * this build cannot run), QVL_E_CONFIG (the user's table of tiles), QVL_E_MEMORY,
 * QVL_E_INTERNAL (a driver or a library that fails otherwise). A lost device only
 * accepts release, list_release and close. `open` and what makes a list run out of
 * host memory as an arena does. Slices lie inside their buffers. */
typedef struct qvl_backend {
    const char *name;
    /* Devices present; 0 when there is none or the loader is missing. */
    int (*count)(void);
    int (*info)(int index, qvl_device_info *info, qvl_err *err);
    /* n_threads, 0 for all cores, is the C back end's: others have threads of their
     * own. */
    int (*open)(qvl_device **dev, int index, int n_threads, qvl_err *err);
    /* Its buffers and lists are released before. */
    void (*close)(qvl_device *dev);
    /* A buffer of at least so many bytes, 0 allowed, their values unknown; *buf is
     * set on success alone. */
    int (*alloc)(qvl_device *dev, size_t bytes, qvl_buf *buf, qvl_err *err);
    /* Accepts a zeroed buffer, and leaves one. No submitted list reads or writes it
     * any more; lists that have it are not submitted again. May wait for the device. */
    void (*release)(qvl_device *dev, qvl_buf *buf);
    /* Copy in; src [dst.bytes] may be reused on return. Waits for the device where
     * more is on its way than the back end puts aside. */
    int (*write)(qvl_device *dev, qvl_slice dst, const void *src,
                 qvl_err *err);
    /* Copy out to dst [src.bytes], undefined on an error; waits for everything asked
     * before. */
    int (*read)(qvl_device *dev, qvl_slice src, void *dst, qvl_err *err);
    /* The bytes themselves where host and device share them, else NULL. Touch
     * them only when the device is idle (after wait or read). */
    void *(*host)(qvl_device *dev, qvl_slice slice);
    /* Start a list; exactly one is open at a time. One that an error left open
     * is dropped. */
    int (*list_begin)(qvl_device *dev, qvl_err *err);
    /* Append. Compiles the kernel at first use. bufs [k->n_bufs], args
     * [k->n_args], both copied; n_groups 0 is allowed and does nothing. Loops
     * that turn more than max_turns times are QVL_E_UNSUPPORTED. After an error the
     * list is as before. */
    int (*dispatch)(qvl_device *dev, const qvl_kernel *k,
                    const qvl_slice *bufs, const uint32_t *args,
                    qvl_err *err);
    /* Append a copy between slices of equal length, a multiple of 4 bytes, that
     * do not overlap. */
    int (*copy)(qvl_device *dev, qvl_slice dst, qvl_slice src, qvl_err *err);
    /* The list is the caller's, who releases it; an error leaves it open. */
    int (*list_end)(qvl_device *dev, qvl_list **list, qvl_err *err);
    /* Accepts NULL. May wait until the list is over. */
    void (*list_release)(qvl_device *dev, qvl_list *list);
    /* May return before the list is over, which may be submitted again by then. */
    int (*submit)(qvl_device *dev, qvl_list *list, qvl_err *err);
    /* Until everything asked so far is done. */
    int (*wait)(qvl_device *dev, qvl_err *err);
    /* Optional: run the list alone, wait, and write seconds to s, one for each
     * dispatch and copy appended, empty ones included. NULL: not measured. */
    int (*profile)(qvl_device *dev, qvl_list *list, double *s, qvl_err *err);
    /* Optional: the product of a library beside the kernels, alone as the
     * library offers it, n times after a first one, for benches. *library is
     * its name, s [n] seconds, or 0 where it has no code of its own for this
     * device and type. Fails with QVL_E_MEMORY, QVL_E_INTERNAL. NULL, or *library
     * NULL: there is none. */
    int (*library_time)(qvl_device *dev, const qvl_plain_product *p,
                        const char **library, double *s, int n, qvl_err *err);
    void (*counts)(const qvl_device *dev, qvl_device_counts *c);
    /* What may be chosen of a kernel, with the values that ship, and whether
     * others may be had (tune.h). Both NULL: its lanes and tiles. */
    void (*choice)(const qvl_device *dev, const qvl_kernel *k, qvl_choice *c);
    int (*choice_check)(const qvl_device *dev, const qvl_kernel *k,
                        const qvl_choice *c, qvl_err *err);
} qvl_backend;

/* First member of every back end's device. */
struct qvl_device {
    const qvl_backend *be;
    qvl_device_info info;
    qvl_tuned *tuned;  // owned by qvl_device_open and _close
};

/* For the first line of a program's main: give the process what the back ends
 * want to find in it. Starts the program anew (same process, same arguments)
 * with a GOMP_SPINCOUNT unless the environment says how to wait; returns
 * when nothing is left to do or it cannot. Left out, everything works, slower
 * on a busy machine. */
void qvl_backends_start(char **argv);

/* The back ends of this build, in the order in which `auto` tries GPUs. */
const qvl_backend *const *qvl_backends(int *n);

#define QVL_MAX_THREADS 1024

/* Open by name: "cpu", "opencl", "opencl:1", "vulkan:0" or "auto" (the first
 * GPU, else the CPU). n_threads 0 means all cores; a number outside of 0 to
 * QVL_MAX_THREADS is QVL_E_USAGE. A device that is not there
 * is QVL_E_DEVICE with the list of those that are. The environment variable
 * QVL_MAX_BINDING, a number of bytes, lowers max_binding_bytes: small operands
 * then take the way of large ones. QVL_E_USAGE when it is no such number. Reads
 * the user's table of tiles (tune.h): QVL_E_CONFIG, QVL_E_FORMAT or QVL_E_IO when it
 * is none or cannot be read. With "auto" a GPU that cannot be opened is an error.
 * Fails as `open` does, too; *dev is unchanged on an error. */
int qvl_device_open(qvl_device **dev, const char *name, int n_threads,
                    qvl_err *err);
void qvl_device_close(qvl_device *dev);

/* Tiling a device uses for a kernel; it may change with qvl_choice_use. Of the
 * user's table that is one which qvl_tuned_find (tune.h) has read and found good;
 * before, it is what ships. */
const qvl_tiling *qvl_device_tiling(const qvl_device *dev,
                                    const qvl_kernel *k);

/* How often the loops of a lane turn at most in a dispatch with these args, 0
 * where the device has no max_turns. Loops over a range count as max_walk rows:
 * that they pass no more is the caller's to see. QVL_E_CONFIG, and *turns 0, where
 * the user's table has tiles that cannot be had. */
int qvl_device_turns(const qvl_device *dev, const qvl_kernel *k,
                     const uint32_t *args, uint64_t *turns, qvl_err *err);

#endif
