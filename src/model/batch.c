/* batch.c - tokens checked, padding dropped, positions walked
 *
 * Tokens, labels, logits and merged rows are counted here; the counts become the dims,
 * from which the architecture derives its own. One walk over the pictures and one over
 * the videos run through all rows, so these stand in the order of the rows, and what is
 * left over at the end is an error.
 */
#include "model/batch.h"

#include <limits.h>
#include <string.h>

#include "model/positions.h"
#include "model/sequence.h"

#define CHUNK_BYTES ((size_t)64 << 20)  // of f32 logits, kept at one time
#define CHUNK_ROWS 16                   // fewer would not fill a tile

/* ---- tokens ------------------------------------------------------------- */

static int check_token(const qvl_batch *b, int row, int col, qvl_err *err)
{
    const qvl_batch_source *s = b->source;
    size_t at = (size_t)row * (size_t)s->row_len + (size_t)col;
    int vocab = b->config->vocab;
    if (s->id[at] < 0 || s->id[at] >= vocab)
        return qvl_fail(err, QVL_E_DATA,
                        "input_ids (row %d, column %d): found %lld, expected "
                        "an id below the vocabulary, %d",
                        row, col, (long long)s->id[at], vocab);
    int64_t label = s->label != NULL ? s->label[at] : QVL_IGNORE_INDEX;
    if (label != QVL_IGNORE_INDEX && (label < 0 || label >= vocab))
        return qvl_fail(err, QVL_E_DATA,
                        "labels (row %d, column %d): found %lld, expected "
                        "%d or an id below the vocabulary, %d",
                        row, col, (long long)label, QVL_IGNORE_INDEX, vocab);
    return QVL_OK;
}

/* Keep the tokens of a sequence. */
static int take_sequence(qvl_batch *b, const qvl_sequence *q, qvl_err *err)
{
    const qvl_batch_source *s = b->source;
    for (int c = q->lo; c < q->hi; c++) {
        QVL_TRY(check_token(b, q->row, c, err));
        int32_t at = q->row * s->row_len + c;
        b->id[b->n_tokens] = s->id[at];
        b->place[b->n_tokens++] = at;
    }
    b->n_labels += q->n_labels;
    b->first[++b->n_seqs] = b->n_tokens;
    b->row_end[q->row] = b->n_seqs;
    return QVL_OK;
}

static int take_tokens(qvl_batch *b, qvl_err *err)
{
    qvl_sequences all;
    QVL_TRY(qvl_sequences_make(&all, b->source, b->arena, err));
    b->id = qvl_arena_array(b->arena, int64_t, all.n_tokens);
    b->place = qvl_arena_array(b->arena, int32_t, all.n_tokens);
    b->first = qvl_arena_array(b->arena, int32_t, all.n + 1);
    b->row_end = qvl_arena_array(b->arena, int32_t, b->source->n_rows);
    for (int k = 0; k < all.n; k++)
        QVL_TRY(take_sequence(b, &all.v[k], err));
    if (b->n_tokens == 0)
        return qvl_fail(err, QVL_E_DATA,
                        "attention_mask: found 0 everywhere, expected a "
                        "token that counts");
    return QVL_OK;
}

/* The kept part of a batch comes from the program, not from a user. */
static int check_cache(const qvl_batch *b, qvl_err *err)
{
    const qvl_batch_source *s = b->source;
    const qvl_batch_cache *c = s->cache;
    if (c != NULL && s->sample != NULL)
        return qvl_fail(err, QVL_E_INTERNAL, "cache: found packed rows, expected "
                        "one sequence a row");
    for (int row = 0; c != NULL && row < s->n_rows; row++) {
        int64_t n = b->first[row + 1] - b->first[row];
        int64_t len = c->past[row] < 0 ? 0 : c->past[row] + n;
        int64_t n_blocks = (len + c->block_len - 1) / c->block_len;
        if (c->table[row] < 0 || c->table[row] + n_blocks > c->n_blocks)
            return qvl_fail(err, QVL_E_INTERNAL,
                            "cache, row %d: found entries %d to %lld of a "
                            "block table, expected less than %d",
                            row, (int)c->table[row],
                            (long long)(c->table[row] + n_blocks),
                            c->n_blocks);
    }
    return QVL_OK;
}

static void count_logits(qvl_batch *b)
{
    const qvl_batch_source *s = b->source;
    b->n_logits = s->logits == QVL_LOGITS_ALL ? b->n_tokens : 0;
    for (int k = 0; k < b->n_seqs && s->logits == QVL_LOGITS_LAST; k++)
        b->n_logits += b->first[k + 1] > b->first[k];
}

/* ---- pictures ----------------------------------------------------------- */

static int take_grids(qvl_batch *b, const qvl_batch_pictures *p, bool video,
                      qvl_grid **grid, qvl_err *err)
{
    const char *what = video ? "video_grid_thw" : "image_grid_thw";
    if (p->n > 0 && !b->config->has_vision)
        return qvl_fail(err, QVL_E_DATA,
                        "%s: found %d rows, expected none: the model has no "
                        "vision tower",
                        what, p->n);
    int merge = b->config->has_vision ? b->config->vision.merge : 1;
    QVL_TRY(qvl_grid_read(grid, p->grid, p->n, merge, what, b->arena, err));
    for (int k = 0; k < p->n && !video; k++)
        if ((*grid)[k].t != 1)
            return qvl_fail(err, QVL_E_DATA,
                            "%s (row %d): found %d frames, expected 1", what,
                            k, (*grid)[k].t);
    if (qvl_grid_patches(*grid, p->n) != p->n_patches)
        return qvl_fail(err, QVL_E_DATA,
                        "%s: found %zu rows, expected %zu as %s says",
                        video ? "pixel_values_videos" : "pixel_values",
                        p->n_patches, qvl_grid_patches(*grid, p->n), what);
    return QVL_OK;
}

static int take_pictures(qvl_batch *b, qvl_err *err)
{
    const qvl_batch_source *s = b->source;
    qvl_grid *images, *videos;
    QVL_TRY(take_grids(b, &s->images, false, &images, err));
    QVL_TRY(take_grids(b, &s->videos, true, &videos, err));
    if (s->videos.n_patches > INT_MAX - s->images.n_patches)
        return qvl_fail(err, QVL_E_RANGE,
                        "pixel_values: found more than 2^31 rows in all");
    b->n_grids = s->images.n + s->videos.n;
    b->grid = qvl_arena_array(b->arena, qvl_grid, b->n_grids);
    if (s->images.n > 0)
        memcpy(b->grid, images, (size_t)s->images.n * sizeof *images);
    if (s->videos.n > 0)
        memcpy(b->grid + s->images.n, videos,
               (size_t)s->videos.n * sizeof *videos);
    int merge = b->config->has_vision ? b->config->vision.merge : 1;
    b->n_image_rows = (int)qvl_grid_rows(images, s->images.n, merge);
    b->n_rows = (int)qvl_grid_rows(b->grid, b->n_grids, merge);
    return QVL_OK;
}

/* Behind what is kept of a row its axes go on where they were, all at the same
 * number. A token alone is one that was made: text, whatever its id. */
static int continue_row(qvl_batch *b, int row, qvl_grid_walk *images,
                        qvl_grid_walk *videos, qvl_err *err)
{
    int32_t n = b->first[row + 1] - b->first[row];
    int32_t next = b->source->cache->next[row];
    int32_t *p = b->position + 3 * (size_t)b->first[row];
    const qvl_vision_config *vision =
        b->config->has_vision && n > 1 ? &b->config->vision : NULL;
    QVL_TRY(qvl_positions(p, &b->next[row], b->id + b->first[row], n, vision,
                          images, videos, err));
    for (int32_t i = 0; i < 3 * n; i++)
        p[i] += next;
    b->next[row] += next;
    return QVL_OK;
}

/* Say where sequence k is. */
static void add_place(const qvl_batch *b, int k, qvl_err *err)
{
    int row = 0;
    while (b->row_end[row] <= k)
        row++;
    if (b->source->sample == NULL)
        qvl_err_add(err, "input_ids, row %d", row);
    else
        qvl_err_add(err, "input_ids, row %d, sample %d of the row", row,
                    k - (row > 0 ? b->row_end[row - 1] : 0));
}

static int walk_sequences(qvl_batch *b, qvl_err *err)
{
    const qvl_batch_source *s = b->source;
    const qvl_vision_config *vision =
        b->config->has_vision ? &b->config->vision : NULL;
    qvl_grid_walk images = { .what = "image_grid_thw", .grid = b->grid,
                             .n = s->images.n };
    qvl_grid_walk videos = { .what = "video_grid_thw",
                             .grid = b->grid + s->images.n,
                             .n = s->videos.n };
    b->position = qvl_arena_array(b->arena, int32_t, 3 * (size_t)b->n_tokens);
    b->next = qvl_arena_array(b->arena, int32_t, b->n_seqs);
    for (int k = 0; k < b->n_seqs; k++) {
        int32_t t = b->first[k];
        bool goes_on = s->cache != NULL && s->cache->past[k] != 0;
        int rc = goes_on
                     ? continue_row(b, k, &images, &videos, err)
                     : qvl_positions(b->position + 3 * (size_t)t, &b->next[k],
                                     b->id + t, b->first[k + 1] - t, vision,
                                     &images, &videos, err);
        if (rc != QVL_OK) {
            add_place(b, k, err);
            return rc;
        }
    }
    QVL_TRY(qvl_grid_walk_end(&images, err));
    return qvl_grid_walk_end(&videos, err);
}

/* ---- dims --------------------------------------------------------------- */

static int chunk_rows(const qvl_batch *b)
{
    size_t fit = CHUNK_BYTES / ((size_t)b->config->vocab * sizeof(float));
    size_t most = ((size_t)b->n_labels + CHUNK_ROWS - 1) / CHUNK_ROWS
                  * CHUNK_ROWS;
    if (fit > most)
        fit = most;
    return fit > CHUNK_ROWS ? (int)fit : CHUNK_ROWS;
}

static int set_dims(qvl_batch *b, qvl_err *err)
{
    const struct {
        const char *name;
        int64_t value;
    } known[] = {
        { "T", b->n_tokens },
        { "M", b->n_rows },
        { "R", b->n_labels },
        { "Q", b->n_logits },
        { "C", chunk_rows(b) },
        { "S", b->source->cache != NULL ? b->source->cache->n_slots : 0 },
        { "Z", b->source->cache != NULL ? b->source->cache->n_blocks : 0 },
    };
    const qvl_arch *arch = b->config->arch;
    b->dims = b->config->dims;
    for (int i = 0; i < arch->n_dims; i++) {
        if (arch->dim[i].source != QVL_DIM_BATCH)
            continue;
        size_t k = 0;
        while (k < QVL_COUNT(known)
               && strcmp(known[k].name, arch->dim[i].name) != 0)
            k++;
        if (k == QVL_COUNT(known))
            return qvl_fail(err, QVL_E_INTERNAL,
                            "dim %s of architecture %s: no rule says what it "
                            "is in a batch",
                            arch->dim[i].name, arch->name);
        b->dims.i[i] = known[k].value;
    }
    QVL_TRY(arch->derive(&b->dims, err));
    b->size = qvl_arena_array(b->arena, qvl_input_size, arch->n_inputs);
    b->made = qvl_arena_array(b->arena, qvl_batch_array, arch->n_inputs);
    arch->input_sizes(b->size, &b->dims);
    return QVL_OK;
}

int qvl_batch_make(qvl_batch *batch, const qvl_model_config *config,
                   const qvl_batch_source *source, qvl_arena *arena,
                   qvl_err *err)
{
    qvl_batch b = { .config = config, .arena = arena, .source = source };
    QVL_TRY(take_tokens(&b, err));
    QVL_TRY(check_cache(&b, err));
    for (int row = 0; source->cache != NULL && row < source->n_rows; row++)
        b.is_continued = b.is_continued || source->cache->past[row] != 0;
    count_logits(&b);
    QVL_TRY(take_pictures(&b, err));
    QVL_TRY(walk_sequences(&b, err));
    QVL_TRY(set_dims(&b, err));
    *batch = b;
    return QVL_OK;
}
