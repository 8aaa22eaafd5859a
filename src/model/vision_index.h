/* vision_index.h - where patches are, and what follows from it
 *
 * A picture of gh x gw patches is a grid (1, gh, gw), a video of t temporal
 * patches a grid (t, gh, gw). Rows of patches are ordered by frame, then by
 * block of merge x merge patches in raster order, then inside the block: so a
 * merged row is merge^2 neighbouring rows.
 *
 * From a list of grids follow, row by row and without looking at pixels:
 *   place    row and column of the patch in its frame
 *   pos      the four cells of the position table around it, and their weights:
 *            the table is stretched over the frame with its corners on the
 *            corner patches; every frame of a video gets the same
 *   range    attention covers the frame of the patch and nothing else
 */
#ifndef QVL_VISION_INDEX_H
#define QVL_VISION_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* Frames, rows and columns, in patches. */
typedef struct {
    int t, h, w;
} qvl_grid;

/* Patches, and merged rows, of n grids. */
size_t qvl_grid_patches(const qvl_grid *grid, int n);
size_t qvl_grid_rows(const qvl_grid *grid, int n, int merge);

/* Check n triples of whole numbers as a file holds them and convert them.
 *
 *   grid    out [n], belongs to the arena
 *   triple  [n, 3]
 *   what    name for messages, "image_grid_thw"
 *
 * Fails with QVL_E_DATA unless every number is above 0 and rows and columns are
 * multiples of merge, QVL_E_RANGE unless all patches together stay below 2^31;
 * *grid is then unchanged. */
int qvl_grid_read(qvl_grid **grid, const int64_t *triple, int n, int merge,
                  const char *what, qvl_arena *arena, qvl_err *err);

/* Row and column of every patch: place [P, 2]. */
void qvl_vision_places(int32_t *place, const qvl_grid *grid, int n,
                       int merge);

/* Cells of a table of side x side rows: index [P, 4] and weight [P, 4], in the
 * order (r0,c0) (r0,c1) (r1,c0) (r1,c1). Either may be NULL: not wanted. */
void qvl_vision_cells(int32_t *index, float *weight, const qvl_grid *grid,
                      int n, int merge, int side);

/* Attention of every patch: range [P, 4] = first key, the one behind the last, and
 * the same of queries. */
void qvl_vision_ranges(int32_t *range, const qvl_grid *grid, int n);

#endif
