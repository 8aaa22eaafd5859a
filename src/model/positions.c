/* positions.c - the walk over a sequence */
#include "model/positions.h"

#include <stddef.h>

/* Where the walk is. */
typedef struct {
    int32_t *position;
    const int64_t *id;
    int n;
    int merge;
    int t;        // next token
    int32_t now;  // its time
} sequence;

static void put(sequence *s, int32_t row, int32_t col)
{
    int32_t *p = s->position + 3 * (size_t)s->t++;
    p[0] = s->now;
    p[1] = s->now + row;
    p[2] = s->now + col;
}

/* The run of placeholders of one frame. */
static int walk_frame(sequence *s, qvl_grid_walk *walk, qvl_err *err)
{
    if (walk->at == walk->n)
        return qvl_fail(err, QVL_E_DATA,
                        "placeholder (token %d): found no row left in %s, "
                        "expected one for it",
                        s->t, walk->what);
    const qvl_grid *g = &walk->grid[walk->at];
    int rows = g->h / s->merge, cols = g->w / s->merge;
    int need = rows * cols;
    int run = 0;
    while (run < need && s->t + run < s->n && s->id[s->t + run] == s->id[s->t])
        run++;
    if (run < need)
        return qvl_fail(err, QVL_E_DATA,
                        "placeholders (tokens %d to %d): found %d, expected "
                        "%d for a frame of row %d of %s",
                        s->t, s->t + run - 1, run, need, walk->at,
                        walk->what);
    for (int i = 0; i < need; i++)
        put(s, i / cols, i % cols);
    s->now += rows > cols ? rows : cols;
    if (++walk->frame == g->t) {
        walk->frame = 0;
        walk->at++;
    }
    return QVL_OK;
}

int qvl_positions(int32_t *position, int32_t *next, const int64_t *id, int n,
                  const qvl_vision_config *vision, qvl_grid_walk *images,
                  qvl_grid_walk *videos, qvl_err *err)
{
    sequence s = { .position = position, .id = id, .n = n,
                   .merge = vision != NULL ? vision->merge : 1 };
    while (s.t < n) {
        if (vision != NULL && id[s.t] == vision->image_token) {
            QVL_TRY(walk_frame(&s, images, err));
        } else if (vision != NULL && id[s.t] == vision->video_token) {
            QVL_TRY(walk_frame(&s, videos, err));
        } else {
            put(&s, 0, 0);
            s.now++;
        }
    }
    *next = s.now;
    return QVL_OK;
}

int qvl_grid_walk_end(const qvl_grid_walk *walk, qvl_err *err)
{
    if (walk->at == walk->n)
        return QVL_OK;
    return qvl_fail(err, QVL_E_DATA,
                    "%s (row %d, frame %d): found no placeholders, expected "
                    "a run of them for every frame",
                    walk->what, walk->at, walk->frame);
}
