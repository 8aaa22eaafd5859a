/* hazard.h - which dispatches need a barrier between them
 *
 * A list runs its dispatches at the same time unless a barrier stands between
 * two of them. One is needed where a slice was written and is read or written
 * again, or was read and is written again, since the last barrier. A barrier
 * orders everything before it, so only what came later has to be remembered.
 *
 * Pure bookkeeping: nothing here calls the driver.
 */
#ifndef QVL_BACKEND_VK_HAZARD_H
#define QVL_BACKEND_VK_HAZARD_H

#include "backend/internal.h"

/* So much is remembered; beyond it a barrier is set and all forgotten. */
#define QVL_HAZARD_MAX_RANGES 192

typedef struct {
    const void *id;  // of the buffer
    size_t begin, end;
    bool written;
} qvl_hazard_range;

/* What was touched since the last barrier. Zeroed: nothing. */
typedef struct {
    qvl_hazard_range range[QVL_HAZARD_MAX_RANGES];
    int n;
} qvl_hazard;

/* Does a call with these slices need a barrier before it? Takes note of the
 * slices either way. n is at most QVL_KERNEL_MAX_BUFS; access holds enum
 * qvl_access. */
bool qvl_hazard_meets(qvl_hazard *h, const qvl_slice *slices,
                      const uint8_t *access, int n);

#endif
