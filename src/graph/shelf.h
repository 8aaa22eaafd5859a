/* shelf.h - device memory for the tensors of a list
 *
 * Tensors are laid out in the order of their list. A small one goes into the
 * shared buffer that is being filled, a large one gets a buffer of its own, so
 * that an allocation limit wastes little and buffers stay few.
 *
 * For what outlives runs: weights, gradients, moments.
 */
#ifndef QVL_GRAPH_SHELF_H
#define QVL_GRAPH_SHELF_H

#include <stdbool.h>

#include "backend/backend.h"
#include "base/arena.h"

/* Where a tensor is. */
typedef struct {
    int buf;  // -1: nowhere
    size_t at;
    size_t bytes;
} qvl_slot;

/* A zeroed struct is a shelf without tensors. */
typedef struct {
    qvl_slot *slot;     // [n tensors] in the arena, as the two below
    qvl_buf *buf;       // [n_bufs]
    size_t *buf_bytes;  // [n_bufs]
    int n_bufs;
    int n_open;         // of the buffers, those that are allocated
} qvl_shelf;

/* Bytes to reserve for n_bytes, so that every tensor can be bound: at least 16,
 * a multiple of the device's alignment; also for a tensor of no bytes. */
size_t qvl_shelf_reserve(const qvl_device *dev, size_t n_bytes);

/* Lay out n tensors of bytes[i], as reserved, those with 0 nowhere. The arrays
 * belong to the arena, which lives as long as the shelf. */
qvl_shelf qvl_shelf_plan(const qvl_device *dev, const size_t *bytes, int n,
                         qvl_arena *arena);

/* Allocate; fails as `alloc` of the back end does. After an error only release is
 * left. */
int qvl_shelf_open(qvl_device *dev, qvl_shelf *s, qvl_err *err);
void qvl_shelf_release(qvl_device *dev, qvl_shelf *s);

/* Bytes of all buffers. */
size_t qvl_shelf_bytes(const qvl_shelf *s);
/* Is tensor i somewhere? False in a shelf without tensors. */
bool qvl_shelf_has(const qvl_shelf *s, int i);

/* All that is reserved for tensor i, which is somewhere. */
qvl_slice qvl_shelf_slice(const qvl_shelf *s, int i);

#endif
