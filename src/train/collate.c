/* collate.c - samples side by side, padded on the right
 *
 * One pass copies each sample once. Which id pads does not matter: the mask is
 * 0 there.
 */
#include "train/collate.h"

#include <assert.h>
#include <string.h>

/* Arrays of all rows, to be filled; c->in has them as they cannot be written. */
typedef struct {
    int64_t *id, *mask, *label;
    int64_t *number;  // of a sample in its row; NULL: nothing is packed
} rows;

static void put_sample(qvl_collated *c, const rows *r, size_t at,
                       const qvl_encoded *s, int number)
{
    size_t n = (size_t)s->n;
    memcpy(r->id + at, s->id, n * sizeof *r->id);
    memcpy(r->label + at, s->label, n * sizeof *r->label);
    for (size_t i = 0; i < n; i++)
        r->mask[at + i] = 1;
    for (size_t i = 0; i < n && r->number != NULL; i++)
        r->number[at + i] = number;
    c->n_tokens += s->n;
    c->n_supervised += s->n_supervised;
}

/* A row of n samples; what is behind them is zero but for the labels. */
static void put_row(qvl_collated *c, const rows *r, int row,
                    const qvl_encoded *s, int n)
{
    size_t len = (size_t)c->in.row_len;
    size_t at = (size_t)row * len, end = at + len;
    for (int k = 0; k < n; k++) {
        put_sample(c, r, at, &s[k], k);
        at += (size_t)s[k].n;
    }
    for (; at < end; at++)
        r->label[at] = QVL_IGNORE_INDEX;
}

/* Tokens of the longest row. */
static int longest_row(const qvl_encoded *s, const int *row_n, int n_rows)
{
    int most = 0;
    for (int row = 0; row < n_rows; row++) {
        int len = 0;
        for (int k = 0; k < (row_n != NULL ? row_n[row] : 1); k++)
            len += (s++)->n;
        most = len > most ? len : most;
    }
    return most;
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

qvl_collated qvl_collate(const qvl_encoded *sample, int n, const int *row_n,
                         int n_rows, qvl_arena *arena)
{
    assert(n > 0 && (row_n != NULL || n_rows == n));

    qvl_collated c = { .n_samples = n, .sample = sample };
    c.in.n_rows = n_rows;
    c.in.row_len = longest_row(sample, row_n, n_rows);
    size_t row_bytes = (size_t)c.in.row_len * sizeof(int64_t);
    rows r = { .id = qvl_arena_alloc_n(arena, (size_t)n_rows, row_bytes),
               .mask = qvl_arena_alloc_n(arena, (size_t)n_rows, row_bytes),
               .label = qvl_arena_alloc_n(arena, (size_t)n_rows, row_bytes) };
    if (row_n != NULL)
        r.number = qvl_arena_alloc_n(arena, (size_t)n_rows, row_bytes);
    const qvl_encoded *next = sample;
    for (int row = 0; row < n_rows; row++) {
        int of_row = row_n != NULL ? row_n[row] : 1;
        put_row(&c, &r, row, next, of_row);
        next += of_row;
    }
    assert(next == sample + n);
    c.in.input_ids = r.id;
    c.in.attention_mask = r.mask;
    c.in.labels = r.label;
    c.in.sample_ids = r.number;
    put_pictures(&c, sample, n, arena);
    return c;
}
