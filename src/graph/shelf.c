/* shelf.c - many tensors in few buffers
 *
 * Small tensors share a buffer, since devices limit how many there are and
 * align each; a large one has a buffer of its own.
 */
#include "graph/shelf.h"

#include <assert.h>

#define SHARED_BYTES ((size_t)64 << 20)
#define OWN_BYTES (SHARED_BYTES / 4)  // from here on a buffer of its own

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t qvl_shelf_reserve(const qvl_device *dev, size_t n_bytes)
{
    size_t align = dev->info.align_bytes;
    if (align < 16)
        align = 16;
    if (n_bytes == 0)
        return align;
    return (n_bytes + align - 1) / align * align;
}

/* Give tensor i its place. `shared` is the buffer being filled, or -1. */
static void add_slot(qvl_shelf *s, int i, size_t bytes, int *shared,
                     size_t shared_bytes)
{
    bool is_large = bytes >= OWN_BYTES || bytes > shared_bytes;
    bool fits = *shared >= 0 && !is_large
                && bytes <= shared_bytes - s->buf_bytes[*shared];
    int buf = fits ? *shared : s->n_bufs++;
    s->slot[i] = (qvl_slot){buf, s->buf_bytes[buf], bytes};
    s->buf_bytes[buf] += bytes;
    if (!is_large)
        *shared = buf;
}

qvl_shelf qvl_shelf_plan(const qvl_device *dev, const size_t *bytes, int n,
                         qvl_arena *arena)
{
    qvl_shelf s = {
        .slot = qvl_arena_array(arena, qvl_slot, n),
        .buf = qvl_arena_array(arena, qvl_buf, n),
        .buf_bytes = qvl_arena_array(arena, size_t, n),
    };
    int shared = -1;
    size_t limit = min_size(SHARED_BYTES, dev->info.max_alloc_bytes);
    for (int i = 0; i < n; i++) {
        if (bytes[i] == 0)
            s.slot[i].buf = -1;
        else
            add_slot(&s, i, bytes[i], &shared, limit);
    }
    return s;
}

int qvl_shelf_open(qvl_device *dev, qvl_shelf *s, qvl_err *err)
{
    for (int k = 0; k < s->n_bufs; k++) {
        QVL_TRY(dev->be->alloc(dev, s->buf_bytes[k], &s->buf[k], err));
        s->n_open++;
    }
    return QVL_OK;
}

void qvl_shelf_release(qvl_device *dev, qvl_shelf *s)
{
    while (s->n_open > 0)
        dev->be->release(dev, &s->buf[--s->n_open]);
    *s = (qvl_shelf){0};
}

size_t qvl_shelf_bytes(const qvl_shelf *s)
{
    size_t bytes = 0;
    for (int k = 0; k < s->n_bufs; k++)
        bytes += s->buf_bytes[k];
    return bytes;
}

bool qvl_shelf_has(const qvl_shelf *s, int i)
{
    return s->slot != NULL && s->slot[i].buf != -1;
}

qvl_slice qvl_shelf_slice(const qvl_shelf *s, int i)
{
    assert(qvl_shelf_has(s, i));
    const qvl_slot *t = &s->slot[i];
    return (qvl_slice){&s->buf[t->buf], t->at, t->bytes};
}
