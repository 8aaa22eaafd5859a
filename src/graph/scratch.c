/* scratch.c - blocks that runs of one store share
 *
 * Only one run uses them at a time. A block that is too small is given back
 * before a larger one is asked for, with an eighth more where there is memory;
 * it never shrinks.
 */
#include "graph/scratch.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* A block that must grow grows by an eighth more, where there is memory, so that
 * batches of rising length do not replace it each time. */
static size_t with_room(const qvl_device *dev, size_t bytes)
{
    size_t most = dev->info.max_alloc_bytes;
    size_t room = bytes / 8 / 256 * 256;
    return bytes <= most && room > most - bytes ? most : bytes + room;
}

static int replace(qvl_scratch *s, qvl_device *dev, qvl_buf *block,
                   size_t bytes, qvl_err *err)
{
    if (block->id != NULL)
        dev->be->release(dev, block);
    *block = (qvl_buf){0};
    s->age++;
    s->user = NULL;
    if (dev->be->alloc(dev, with_room(dev, bytes), block, NULL) == QVL_OK)
        return QVL_OK;
    *block = (qvl_buf){0};
    return dev->be->alloc(dev, bytes, block, err);
}

int qvl_scratch_grow(qvl_scratch *s, qvl_device *dev, const size_t *bytes,
                     int n, qvl_err *err)
{
    if (n > s->n_blocks) {
        s->block = qvl_memory_resize(s->block, (size_t)n * sizeof *s->block);
        memset(s->block + s->n_blocks, 0,
               (size_t)(n - s->n_blocks) * sizeof *s->block);
        s->n_blocks = n;
    }
    for (int k = 0; k < n; k++)
        if (s->block[k].id == NULL || s->block[k].bytes < bytes[k])
            QVL_TRY(replace(s, dev, &s->block[k], bytes[k], err));
    return QVL_OK;
}

void qvl_scratch_release(qvl_scratch *s, qvl_device *dev)
{
    for (int k = 0; k < s->n_blocks; k++)
        if (s->block[k].id != NULL)
            dev->be->release(dev, &s->block[k]);
    free(s->block);
    *s = (qvl_scratch){0};
}
