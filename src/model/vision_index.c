/* vision_index.c - places, table cells and segments of patches */
#include "model/vision_index.h"

#include <assert.h>
#include <limits.h>

#include "signatures.h"

size_t qvl_grid_patches(const qvl_grid *grid, int n)
{
    size_t sum = 0;
    for (int k = 0; k < n; k++)
        sum += (size_t)grid[k].t * (size_t)grid[k].h * (size_t)grid[k].w;
    return sum;
}

size_t qvl_grid_rows(const qvl_grid *grid, int n, int merge)
{
    return qvl_grid_patches(grid, n) / ((size_t)merge * (size_t)merge);
}

int qvl_grid_read(qvl_grid **grid, const int64_t *triple, int n, int merge,
                  const char *what, qvl_arena *arena, qvl_err *err)
{
    qvl_grid *g = qvl_arena_array(arena, qvl_grid, n);
    int64_t left = INT_MAX;  // patches that may still come
    for (int k = 0; k < n; k++) {
        int64_t t = triple[3 * k], h = triple[3 * k + 1];
        int64_t w = triple[3 * k + 2];
        if (t < 1 || h < 1 || w < 1 || h % merge != 0 || w % merge != 0)
            return qvl_fail(err, QVL_E_DATA,
                            "%s (row %d): found %lld, %lld, %lld, expected "
                            "frames above 0 and sides that are multiples of "
                            "%d",
                            what, k, (long long)t, (long long)h,
                            (long long)w, merge);
        if (t > left || h > left / t || w > left / t / h)
            return qvl_fail(err, QVL_E_RANGE,
                            "%s (row %d): found %lld, %lld, %lld, expected "
                            "fewer than 2^31 patches in all",
                            what, k, (long long)t, (long long)h,
                            (long long)w);
        left -= t * h * w;
        g[k] = (qvl_grid){ (int)t, (int)h, (int)w };
    }
    *grid = g;
    return QVL_OK;
}

/* Row and column of patch i of a frame that is w patches wide. */
static void place_of(int32_t *row, int32_t *col, int i, int w, int merge)
{
    int block = i / (merge * merge);
    int in = i % (merge * merge);
    int blocks = w / merge;
    *row = block / blocks * merge + in / merge;
    *col = block % blocks * merge + in % merge;
}

void qvl_vision_places(int32_t *place, const qvl_grid *grid, int n,
                       int merge)
{
    for (int k = 0; k < n; k++)
        for (int t = 0; t < grid[k].t; t++)
            for (int i = 0; i < grid[k].h * grid[k].w; i++, place += 2)
                place_of(&place[0], &place[1], i, grid[k].w, merge);
}

/* The two table rows around place `at` of `n`, and the share of the second. */
static void cell_of(int32_t cell[2], float *share, int at, int n, int side)
{
    float source = 0.0f;
    if (n > 1)
        source = (float)((int64_t)at * (side - 1)) / (float)(n - 1);
    cell[0] = (int32_t)source;
    cell[1] = cell[0] + 1 < side ? cell[0] + 1 : side - 1;
    *share = source - (float)cell[0];
}

void qvl_vision_cells(int32_t *index, float *weight, const qvl_grid *grid,
                      int n, int merge, int side)
{
    for (int k = 0; k < n; k++) {
        int in_frame = grid[k].h * grid[k].w;
        for (int j = 0; j < grid[k].t * in_frame; j++) {
            int32_t row, col, r[2], c[2];
            float dr, dc;
            place_of(&row, &col, j % in_frame, grid[k].w, merge);
            cell_of(r, &dr, row, grid[k].h, side);
            cell_of(c, &dc, col, grid[k].w, side);
            for (int e = 0; e < 4; e++) {
                if (index != NULL)
                    *index++ = r[e / 2] * side + c[e % 2];
                if (weight != NULL)
                    *weight++ = (e / 2 != 0 ? dr : 1.0f - dr)
                                * (e % 2 != 0 ? dc : 1.0f - dc);
            }
        }
    }
}

void qvl_vision_ranges(int32_t *range, const qvl_grid *grid, int n)
{
    int32_t first = 0;
    for (int k = 0; k < n; k++) {
        int in_frame = grid[k].h * grid[k].w;
        for (int t = 0; t < grid[k].t; t++, first += in_frame)
            for (int i = 0; i < in_frame; i++, range += QVL_N_RANGE) {
                range[QVL_RANGE_KV_LO] = range[QVL_RANGE_Q_LO] = first;
                range[QVL_RANGE_KV_HI] = first + in_frame;
                range[QVL_RANGE_Q_HI] = first + in_frame;
            }
    }
}
