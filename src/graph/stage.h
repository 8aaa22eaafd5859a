/* stage.h - elements between host and device, in the device's storage types
 *
 * Private to the graph folder. A stage is a piece of host memory through which
 * elements pass when they change type, or when a 16-bit range begins or ends
 * inside a 32-bit word: back ends copy whole words. Errors are those of the device.
 */
#ifndef QVL_GRAPH_STAGE_H
#define QVL_GRAPH_STAGE_H

#include "backend/backend.h"
#include "base/arena.h"

typedef struct {
    qvl_device *dev;  // borrowed
    float *f32;       // in the arena that made them
    void *raw;
} qvl_stage;

/* Takes half a MiB of the arena. */
void qvl_stage_init(qvl_stage *s, qvl_device *dev, qvl_arena *arena);

/* Write src [n] of src_dtype to elements [first, first + n) of `whole`, which
 * are of `dtype`. The types are equal or both of f32, bf16, f16. Waits for the
 * device where the range begins or ends inside a word. */
int qvl_stage_write(qvl_stage *s, qvl_slice whole, int dtype, size_t first,
                    size_t n, const void *src, int src_dtype, qvl_err *err);

/* Read elements [first, first + n), of f32, bf16, f16 or i32, as f32 dst [n]. Waits
 * for the device. */
int qvl_stage_read(qvl_stage *s, qvl_slice whole, int dtype, size_t first,
                   size_t n, float *dst, qvl_err *err);

#endif
