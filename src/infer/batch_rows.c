/* batch_rows.c - pieces of prompts, and rows of tokens
 *
 * A row holds the new tokens of a seat, padded behind to the longest; rows behind the
 * seats hold one token and have past -1, so they have no effect (model/batch.h).
 * Pictures go with the piece that has their placeholders. Where these do not agree with
 * the grids the whole rest is one piece, and the step says what is wrong.
 */
#include "infer/batch_rows.h"

#include <string.h>

/* ---- pieces ------------------------------------------------------------- */

/* The pictures of one kind, while the tokens of a prompt are walked. */
typedef struct {
    const qvl_batch_pictures *all;
    int merge;      // patches of a placeholder, each way
    int n;          // pictures begun
    int64_t left;   // placeholders of the last one that are still to come
    size_t n_patches;
    bool is_right;  // so far every placeholder had a picture
} walk;

static void walk_placeholder(walk *w)
{
    if (w->left == 0) {
        if (w->n == w->all->n) {
            w->is_right = false;
            return;
        }
        const int64_t *g = w->all->grid + 3 * w->n++;
        int64_t most = INT32_MAX;  // of each factor, and so of the product below
        if (g[0] < 1 || g[1] < 1 || g[2] < 1 || g[0] > 4096 || g[1] > most >> 8
            || g[2] > most >> 8) {
            w->is_right = false;
            return;
        }
        w->n_patches += (size_t)(g[0] * g[1] * g[2]);
        w->left = g[0] * (g[1] / w->merge) * (g[2] / w->merge);
        w->is_right = w->is_right && w->left > 0
                      && w->n_patches <= w->all->n_patches;
    }
    w->left -= w->left > 0;
}

piece qvl_piece_next(const qvl_batcher *b, const seat *s)
{
    piece rest = { .n_tok = s->n - s->kept, .n_images = s->prompt.images.n,
                   .n_videos = s->prompt.videos.n };
    if (rest.n_tok <= b->piece_tok)
        return rest;
    if (!b->config->has_vision) {
        rest.n_tok = b->piece_tok;
        return rest;
    }
    const qvl_vision_config *v = &b->config->vision;
    walk image = { .all = &s->prompt.images, .merge = v->merge,
                   .is_right = true };
    walk video = { .all = &s->prompt.videos, .merge = v->merge,
                   .is_right = true };
    for (int i = s->kept; i < s->n; i++) {
        bool is_start = i > s->kept && s->token[i - 1] == v->start_token;
        if (i - s->kept >= b->piece_tok && image.left == 0 && video.left == 0
            && !is_start)
            return (piece){ .n_tok = i - s->kept, .n_images = image.n,
                            .n_videos = video.n };
        if (s->token[i] == v->image_token)
            walk_placeholder(&image);
        else if (s->token[i] == v->video_token)
            walk_placeholder(&video);
        /* the step tells what is wrong with it */
        if (!image.is_right || !video.is_right)
            return rest;
    }
    return rest;
}

static size_t patches_of(const qvl_batch_pictures *p, int n)
{
    size_t n_patches = 0;
    if (n == p->n)
        return p->n_patches;
    for (int i = 0; i < n; i++)
        n_patches += (size_t)(p->grid[3 * i] * p->grid[3 * i + 1]
                              * p->grid[3 * i + 2]);
    return n_patches;
}

static size_t patch_values(const qvl_batcher *b)
{
    return b->config->has_vision ? (size_t)b->config->vision.patch_values : 0;
}

static void drop_pictures(const qvl_batcher *b, qvl_batch_pictures *p, int n)
{
    size_t n_patches = patches_of(p, n);
    if (n == 0)
        return;
    *p = (qvl_batch_pictures){
        .grid = p->grid + 3 * n,
        .n = p->n - n,
        .pixels = p->pixels + n_patches * patch_values(b),
        .n_patches = p->n_patches - n_patches,
    };
}

void qvl_piece_drop_pictures(const qvl_batcher *b, seat *s)
{
    drop_pictures(b, &s->prompt.images, s->piece.n_images);
    drop_pictures(b, &s->prompt.videos, s->piece.n_videos);
}

/* ---- rows --------------------------------------------------------------- */

static void lay_out_cache(qvl_batcher *b, rows *r)
{
    int n_rows = r->source.n_rows;
    int32_t *table = qvl_arena_array(&b->arena, int32_t, n_rows);
    int32_t *past = qvl_arena_array(&b->arena, int32_t, n_rows);
    int32_t *next = qvl_arena_array(&b->arena, int32_t, n_rows);
    for (int i = 0; i < n_rows; i++) {
        past[i] = i < r->n ? r->seat[i]->kept : -1;
        if (i >= r->n)
            continue;
        table[i] = (int32_t)(r->seat[i] - b->seat) * b->seat_blocks;
        next[i] = r->seat[i]->next;
    }
    r->cache = (qvl_batch_cache){
        .n_slots = b->n_blocks * QVL_CACHE_BLOCK,
        .block_len = QVL_CACHE_BLOCK,
        .block = b->block,
        .n_blocks = b->max_seats * b->seat_blocks,
        .table = table,
        .past = past,
        .next = next,
    };
    r->source.cache = &r->cache;
}

/* The new tokens of each seat, padded behind. */
static void lay_out_tokens(qvl_batcher *b, rows *r, int n_rows)
{
    int len = 1;
    for (int i = 0; i < r->n; i++)
        if (r->seat[i]->piece.n_tok > len)
            len = r->seat[i]->piece.n_tok;
    size_t all = (size_t)n_rows * (size_t)len;
    int64_t *id = qvl_arena_array(&b->arena, int64_t, all);
    int64_t *mask = qvl_arena_array(&b->arena, int64_t, all);
    for (int i = 0; i < n_rows; i++) {
        const seat *s = i < r->n ? r->seat[i] : NULL;
        int n = s != NULL ? s->piece.n_tok : 1;
        for (int k = 0; k < n; k++) {
            id[(size_t)i * (size_t)len + (size_t)k] =
                s != NULL ? s->token[s->kept + k] : 0;
            mask[(size_t)i * (size_t)len + (size_t)k] = 1;
        }
    }
    r->source.n_rows = n_rows;
    r->source.row_len = len;
    r->source.id = id;
    r->source.mask = mask;
    r->source.logits = QVL_LOGITS_LAST;
}

/* The pictures of all pieces, one behind the other. */
static void join_pictures(qvl_batcher *b, const rows *r, bool video,
                          qvl_batch_pictures *out)
{
    size_t values = patch_values(b);
    size_t n_patches = 0, n = 0;
    for (int i = 0; i < r->n; i++) {
        const seat *s = r->seat[i];
        int n_own = video ? s->piece.n_videos : s->piece.n_images;
        n_patches += patches_of(video ? &s->prompt.videos : &s->prompt.images,
                                n_own);
        n += (size_t)n_own;
    }
    float *pixels = qvl_arena_array(&b->arena, float, n_patches * values);
    int64_t *grid = qvl_arena_array(&b->arena, int64_t, 3 * n);
    *out = (qvl_batch_pictures){ .grid = grid, .n = (int)n, .pixels = pixels,
                                 .n_patches = n_patches };
    for (int i = 0; i < r->n; i++) {
        const seat *s = r->seat[i];
        const qvl_batch_pictures *p =
            video ? &s->prompt.videos : &s->prompt.images;
        int n_own = video ? s->piece.n_videos : s->piece.n_images;
        size_t n_own_patches = patches_of(p, n_own);
        if (n_own_patches > 0)
            memcpy(pixels, p->pixels, n_own_patches * values * sizeof *pixels);
        if (n_own > 0)
            memcpy(grid, p->grid, 3 * (size_t)n_own * sizeof *grid);
        pixels += n_own_patches * values;
        grid += 3 * n_own;
    }
}

void qvl_rows_lay_out(qvl_batcher *b, rows *r, int n_rows)
{
    lay_out_tokens(b, r, n_rows);
    lay_out_cache(b, r);
    join_pictures(b, r, false, &r->source.images);
    join_pictures(b, r, true, &r->source.videos);
}
