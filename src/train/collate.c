/* collate.c - samples side by side, padded on the right
 *
 * One pass copies each sample once. Which id pads does not matter: the mask is
 * 0 there.
 */
#include "train/collate.h"

#include <assert.h>
#include <string.h>

static void put_row(qvl_collated *c, int row, const qvl_encoded *s,
                    int64_t *id, int64_t *mask, int64_t *label)
{
    size_t len = (size_t)c->in.row_len, n = (size_t)s->n;
    size_t first = (size_t)row * len;
    memcpy(id + first, s->id, n * sizeof *id);
    memcpy(label + first, s->label, n * sizeof *label);
    for (size_t i = 0; i < len; i++)
        mask[first + i] = i < n;
    for (size_t i = n; i < len; i++)
        label[first + i] = QVL_IGNORE_INDEX;
    c->n_tokens += s->n;
    c->n_supervised += s->n_supervised;
}

/* Patches and grids of all samples in one array each. */
static void put_pictures(qvl_collated *c, const qvl_encoded *sample, int n,
                         qvl_arena *arena)
{
    qvl_pictures *p = &c->in.images;
    for (int k = 0; k < n; k++) {
        p->n_rows += sample[k].n_patches;
        p->n_grids += sample[k].n_grids;
        if (sample[k].n_patches > 0)
            p->n_cols = sample[k].n_values;
    }
    if (p->n_rows == 0)
        return;
    float *pixels = qvl_arena_alloc_n(arena, p->n_rows,
                                      p->n_cols * sizeof *pixels);
    int64_t *grid = qvl_arena_alloc_n(arena, (size_t)p->n_grids,
                                      3 * sizeof *grid);
    p->pixels = pixels;
    p->grid = grid;
    for (int k = 0; k < n; k++) {
        const qvl_encoded *s = &sample[k];
        if (s->n_patches == 0)
            continue;
        assert(s->n_values == p->n_cols);
        memcpy(pixels, s->pixels, s->n_patches * s->n_values * sizeof *pixels);
        memcpy(grid, s->grid, 3 * (size_t)s->n_grids * sizeof *grid);
        pixels += s->n_patches * s->n_values;
        grid += 3 * (size_t)s->n_grids;
    }
}

qvl_collated qvl_collate(const qvl_encoded *sample, int n, qvl_arena *arena)
{
    assert(n > 0);

    qvl_collated c = { .n_samples = n, .sample = sample };
    c.in.n_rows = n;
    for (int k = 0; k < n; k++)
        if (sample[k].n > c.in.row_len)
            c.in.row_len = sample[k].n;
    size_t row_bytes = (size_t)c.in.row_len * sizeof(int64_t);
    int64_t *id = qvl_arena_alloc_n(arena, (size_t)n, row_bytes);
    int64_t *mask = qvl_arena_alloc_n(arena, (size_t)n, row_bytes);
    int64_t *label = qvl_arena_alloc_n(arena, (size_t)n, row_bytes);
    for (int k = 0; k < n; k++)
        put_row(&c, k, &sample[k], id, mask, label);
    c.in.input_ids = id;
    c.in.attention_mask = mask;
    c.in.labels = label;
    put_pictures(&c, sample, n, arena);
    return c;
}
