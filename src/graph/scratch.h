/* scratch.h - memory for temporaries that runs use in turn
 *
 * Private to the graph folder. Batches differ in size, so their runs differ in
 * the memory they need; blocks that only grow spare an allocation a batch, and
 * a run that is kept holds no memory. Whoever used it last finds its data there.
 */
#ifndef QVL_GRAPH_SCRATCH_H
#define QVL_GRAPH_SCRATCH_H

#include "backend/backend.h"

/* A zeroed struct is a scratch without blocks. */
typedef struct {
    qvl_buf *block;    // [n_blocks], owned
    int n_blocks;
    unsigned age;      // changes when a block was replaced: what was recorded
                       // against it is void
    const void *user;  // the run whose data is there; NULL: none
} qvl_scratch;

/* Have n blocks of at least bytes[k] each. May wait for the device where one is
 * replaced. Fails as `alloc` of the back end does; a block may then be gone, and the
 * next call makes it again. Runs out of host memory as an arena does. */
int qvl_scratch_grow(qvl_scratch *s, qvl_device *dev, const size_t *bytes,
                     int n, qvl_err *err);
void qvl_scratch_release(qvl_scratch *s, qvl_device *dev);

#endif
