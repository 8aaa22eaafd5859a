/* positions.h - three positions of every token
 *
 * A sequence is walked with a counter. A text token takes it for time, height
 * and width and moves it by one. The placeholders of one frame of gh x gw
 * patches take (counter, counter + row, counter + column) of their merged row
 * and column, and move it by the longer side. A video of t frames counts as t
 * frames of their own, each with its own run of placeholders.
 *
 * Placeholders and grids must agree exactly, frame by frame.
 */
#ifndef QVL_POSITIONS_H
#define QVL_POSITIONS_H

#include <stdint.h>

#include "base/err.h"
#include "model/config.h"
#include "model/vision_index.h"

/* Grids of one kind (pictures, or videos) of a batch, and how far the
 * sequences walked so far have used them. */
typedef struct {
    const char *what;      // "image_grid_thw"; borrowed
    const qvl_grid *grid;  // [n], borrowed
    int n;
    int at;     // the grid that comes next
    int frame;  // and its frame
} qvl_grid_walk;

/* Positions of one sequence.
 *
 *   position  out [n, 3]: time, height, width
 *   next      out: position of the token that would follow
 *   id        [n] token ids
 *   vision    placeholders and merge; NULL: every token is text
 *   images,   walks of the batch, which move on; not used without vision
 *   videos
 *
 * Fails with QVL_E_DATA when placeholders have no grid, or a frame's run is
 * shorter than its grid; the walks are then where the mistake is, and `position` is
 * filled up to there. Callers check at the end that every grid was used
 * (qvl_grid_walk_end). */
int qvl_positions(int32_t *position, int32_t *next, const int64_t *id, int n,
                  const qvl_vision_config *vision, qvl_grid_walk *images,
                  qvl_grid_walk *videos, qvl_err *err);

/* Every grid was used; else QVL_E_DATA. */
int qvl_grid_walk_end(const qvl_grid_walk *walk, qvl_err *err);

#endif
