/* hazard.c - which dispatches need a barrier between them */
#include "backend/vk/hazard.h"

#include <assert.h>

static bool meets(const qvl_hazard *h, qvl_slice s, bool writes)
{
    for (int i = 0; i < h->n; i++) {
        const qvl_hazard_range *r = &h->range[i];
        if (r->id == s.buf->id && (writes || r->written) && s.bytes > 0
            && s.at < r->end && r->begin < s.at + s.bytes)
            return true;
    }
    return false;
}

bool qvl_hazard_meets(qvl_hazard *h, const qvl_slice *slices,
                      const uint8_t *access, int n)
{
    assert(n <= QVL_KERNEL_MAX_BUFS);
    bool found = h->n + n > QVL_HAZARD_MAX_RANGES;
    for (int i = 0; i < n && !found; i++)
        found = meets(h, slices[i], access[i] != QVL_ACCESS_IN);
    if (found)
        h->n = 0;
    for (int i = 0; i < n; i++) {
        if (slices[i].bytes == 0)
            continue;
        h->range[h->n++] = (qvl_hazard_range){
            .id = slices[i].buf->id,
            .begin = slices[i].at,
            .end = slices[i].at + slices[i].bytes,
            .written = access[i] != QVL_ACCESS_IN,
        };
    }
    return found;
}
