/* library.h - products computed by a matrix library instead of the C kernel
 *
 * The C kernel is always there, so a product that the library does not take, or
 * would compute slower than plain C, is left to it. The library computes blocks
 * of rows in f32 into scratch memory; the kernel's own store function applies
 * the fused expression, the storage type and the accumulation. Scratch belongs to
 * the library: one thread at a time prepares or runs its products.
 *
 * All that fails does so with QVL_E_INTERNAL, or QVL_E_MEMORY where the library runs
 * out of it; out of memory for a handle unwinds.
 */
#ifndef QVL_BACKEND_CPU_LIBRARY_H
#define QVL_BACKEND_CPU_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/err.h"

typedef struct qvl_library qvl_library;  // a matrix library, opened
typedef struct qvl_product qvl_product;  // one product, prepared

typedef struct {
    const char *name;
    /* Open for this many threads; *lib is NULL when the environment switches
     * the library off, and on an error. */
    int (*open)(qvl_library **lib, int n_threads, qvl_err *err);
    void (*close)(qvl_library *lib);
    /* Prepare one dispatch.
     *
     *   p      NULL when the library does not take it: run the C kernel; NULL on
     *          an error. Borrows lib, k and the memory behind buf until it is closed
     *   store  of the kernel, for the instruction set in use; not NULL
     *   buf    [k->n_bufs], arg [k->n_args]; copied
     *   from   products with a side of the result below it are not taken */
    int (*product_open)(qvl_product **p, qvl_library *lib,
                        const qvl_kernel *k, qvl_store_fn *store,
                        void *const *buf, const uint32_t *arg, uint32_t from,
                        qvl_err *err);
    void (*product_close)(qvl_product *p);
    /* A product is done when each of its blocks was, by the threads of a team
     * (team.h), and says then whether all went well; errors name the kernel. */
    uint32_t (*product_n_blocks)(const qvl_product *p);
    void (*product_block)(qvl_product *p, int thread, uint32_t block);
    int (*product_result)(qvl_product *p, qvl_err *err);
    /* The library's product alone, as qvl_backend.library_time says. Does not
     * ask whether the library is switched off. */
    int (*time)(const qvl_plain_product *p, int n_threads, double *s, int n,
                qvl_err *err);
} qvl_library_table;

/* `time` of the table below. */
int qvl_dnnl_time(const qvl_plain_product *p, int n_threads, double *s,
                  int n, qvl_err *err);

extern const qvl_library_table qvl_library_onednn;

/* The library of this build, NULL for none. */
extern const qvl_library_table *const qvl_build_library;

#endif
