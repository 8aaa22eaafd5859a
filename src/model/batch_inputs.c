/* batch_inputs.c - what each input of an architecture holds
 *
 * An input is known by its name (`rule` below). Weights, starts and entries of
 * an index follow from the index itself: weight 1 where no rule gives others,
 * and the entries sorted by table row, which is how a gradient is summed
 * without two writers.
 */
#include "model/batch.h"

#include <string.h>

#include "signatures.h"

static qvl_batch_array array_of(const void *data, size_t n)
{
    return (qvl_batch_array){ .data = data, .n = n };
}

/* ---- text --------------------------------------------------------------- */

static bool is_image(const qvl_batch *b, int t)
{
    return b->config->has_vision && b->id[t] == b->config->vision.image_token;
}

static bool is_video(const qvl_batch *b, int t)
{
    return b->config->has_vision && b->id[t] == b->config->vision.video_token;
}

/* token [T, 1]: the id; none at a placeholder. */
static qvl_batch_array make_token(qvl_batch *b)
{
    int32_t *out = qvl_arena_array(b->arena, int32_t, b->n_tokens);
    for (int t = 0; t < b->n_tokens; t++)
        out[t] = is_image(b, t) || is_video(b, t) ? -1 : (int32_t)b->id[t];
    return array_of(out, (size_t)b->n_tokens);
}

/* vision_row [T, 1]: the merged row that stands at a placeholder. */
static qvl_batch_array make_vision_row(qvl_batch *b)
{
    int32_t *out = qvl_arena_array(b->arena, int32_t, b->n_tokens);
    int32_t image = 0, video = b->n_image_rows;
    for (int t = 0; t < b->n_tokens; t++)
        out[t] = is_image(b, t) ? image++ : is_video(b, t) ? video++ : -1;
    return array_of(out, (size_t)b->n_tokens);
}

/* text_angles [T, 2, A]. */
static qvl_batch_array make_text_angles(qvl_batch *b)
{
    qvl_rope rope;
    qvl_rope_init(&rope, &b->config->rope, b->arena);
    size_t n = (size_t)b->n_tokens * 2 * (size_t)rope.n;
    float *out = qvl_arena_array(b->arena, float, n);
    qvl_rope_angles(out, &rope, b->position, (size_t)b->n_tokens);
    return array_of(out, n);
}

/* text_range [T, KEPT] of sequences that are continued: all that is kept up to the
 * token itself, by way of the block table. Rows and sequences are the same. */
static qvl_batch_array make_kept_range(qvl_batch *b)
{
    const qvl_batch_cache *c = b->source->cache;
    size_t n = QVL_N_KEPT * (size_t)b->n_tokens;
    int32_t *out = qvl_arena_array(b->arena, int32_t, n);
    for (int row = 0; row < b->source->n_rows; row++)
        for (int32_t t = b->first[row]; t < b->first[row + 1]; t++) {
            int32_t *r = out + QVL_N_KEPT * (size_t)t;
            if (c->past[row] >= 0)
                r[QVL_KEPT_KV_HI] = c->past[row] + t - b->first[row] + 1;
            r[QVL_KEPT_TABLE] = c->table[row];
            r[QVL_KEPT_SLOTS] = c->block_len;
        }
    return array_of(out, n);
}

/* text_range [T, RANGE]: keys from the start of the sequence to the token itself,
 * queries from there to its end. */
static qvl_batch_array make_text_range(qvl_batch *b)
{
    if (b->is_continued)
        return make_kept_range(b);
    size_t n = QVL_N_RANGE * (size_t)b->n_tokens;
    int32_t *out = qvl_arena_array(b->arena, int32_t, n);
    for (int k = 0; k < b->n_seqs; k++)
        for (int32_t t = b->first[k]; t < b->first[k + 1]; t++) {
            int32_t *r = out + QVL_N_RANGE * (size_t)t;
            r[QVL_RANGE_KV_LO] = b->first[k];
            r[QVL_RANGE_KV_HI] = t + 1;
            r[QVL_RANGE_Q_LO] = t;
            r[QVL_RANGE_Q_HI] = b->first[k + 1];
        }
    return array_of(out, n);
}

/* text_cache [T]: the slot of each token. */
static qvl_batch_array make_text_cache(qvl_batch *b)
{
    const qvl_batch_cache *c = b->source->cache;
    int32_t *out = qvl_arena_array(b->arena, int32_t, b->n_tokens);
    for (int row = 0; row < b->source->n_rows; row++)
        for (int32_t t = b->first[row]; t < b->first[row + 1]; t++) {
            out[t] = -1;
            if (c == NULL || c->past[row] < 0)
                continue;
            int32_t at = c->past[row] + t - b->first[row];
            int32_t block = c->block[c->table[row] + at / c->block_len];
            out[t] = block * c->block_len + at % c->block_len;
        }
    return array_of(out, (size_t)b->n_tokens);
}

/* text_cache.block [Z]. */
static qvl_batch_array make_text_blocks(qvl_batch *b)
{
    const qvl_batch_cache *c = b->source->cache;
    return array_of(c != NULL ? c->block : NULL,
                    c != NULL ? (size_t)c->n_blocks : 0);
}

/* logit_row [Q, 1]: every token, or the last one of each sequence. */
static qvl_batch_array make_logit_row(qvl_batch *b)
{
    int32_t *out = qvl_arena_array(b->arena, int32_t, b->n_logits);
    int n = 0;
    for (int k = 0; k < b->n_seqs; k++)
        for (int32_t t = b->first[k]; t < b->first[k + 1]; t++)
            if (b->source->logits == QVL_LOGITS_ALL
                || (b->source->logits == QVL_LOGITS_LAST
                    && t + 1 == b->first[k + 1]))
                out[n++] = t;
    return array_of(out, (size_t)n);
}

/* ---- labels ------------------------------------------------------------- */

/* Label of the token behind t, when that is in the same sequence. */
static int64_t label_after(const qvl_batch *b, int seq, int32_t t)
{
    if (b->source->label == NULL || t + 1 >= b->first[seq + 1])
        return QVL_IGNORE_INDEX;
    return b->source->label[b->place[t + 1]];
}

/* loss_row [R, 1] and label [R, 1]: the tokens that have one, and what it is.
 * One of the two is NULL and left out. */
static void make_supervised(const qvl_batch *b, int32_t *token, int32_t *label)
{
    int n = 0;
    for (int k = 0; k < b->n_seqs; k++)
        for (int32_t t = b->first[k]; t < b->first[k + 1]; t++) {
            int64_t l = label_after(b, k, t);
            if (l == QVL_IGNORE_INDEX)
                continue;
            if (token != NULL)
                token[n] = t;
            else
                label[n] = (int32_t)l;
            n++;
        }
}

static qvl_batch_array make_loss_row(qvl_batch *b)
{
    int32_t *token = qvl_arena_array(b->arena, int32_t, b->n_labels);
    make_supervised(b, token, NULL);
    return array_of(token, (size_t)b->n_labels);
}

static qvl_batch_array make_label(qvl_batch *b)
{
    int32_t *label = qvl_arena_array(b->arena, int32_t, b->n_labels);
    make_supervised(b, NULL, label);
    return array_of(label, (size_t)b->n_labels);
}

/* loss_scale [1]: one over the labels of the whole step, times the scale of f16
 * where there is one (loss_count). */
static qvl_batch_array make_loss_scale(qvl_batch *b)
{
    float *out = qvl_arena_array(b->arena, float, 1);
    double count = b->source->loss_count;
    if (count == 0.0)
        count = b->n_labels;
    *out = count > 0.0 ? (float)(1.0 / count) : 0.0f;
    return array_of(out, 1);
}

/* ---- vision ------------------------------------------------------------- */

static size_t n_patches(const qvl_batch *b)
{
    return b->source->images.n_patches + b->source->videos.n_patches;
}

/* pixel_values [P, values]. */
static qvl_batch_array make_pixels(qvl_batch *b)
{
    const qvl_batch_pictures *images = &b->source->images;
    const qvl_batch_pictures *videos = &b->source->videos;
    size_t values = (size_t)b->config->vision.patch_values;
    size_t n = n_patches(b) * values;
    if (videos->n_patches == 0 && images->n_patches > 0)
        return array_of(images->pixels, n);
    if (images->n_patches == 0 && videos->n_patches > 0)
        return array_of(videos->pixels, n);
    float *out = qvl_arena_array(b->arena, float, n);
    size_t in_images = images->n_patches * values;
    if (n > 0) {
        memcpy(out, images->pixels, in_images * sizeof *out);
        memcpy(out + in_images, videos->pixels,
               (n - in_images) * sizeof *out);
    }
    return array_of(out, n);
}

/* pos [P, 4]. */
static qvl_batch_array make_pos(qvl_batch *b)
{
    const qvl_vision_config *v = &b->config->vision;
    int32_t *index = qvl_arena_array(b->arena, int32_t, 4 * n_patches(b));
    qvl_vision_cells(index, NULL, b->grid, b->n_grids, v->merge, v->grid_side);
    return array_of(index, 4 * n_patches(b));
}

/* pos.weight [P, 4]. */
static qvl_batch_array make_pos_weight(qvl_batch *b)
{
    const qvl_vision_config *v = &b->config->vision;
    float *weight = qvl_arena_array(b->arena, float, 4 * n_patches(b));
    qvl_vision_cells(NULL, weight, b->grid, b->n_grids, v->merge, v->grid_side);
    return array_of(weight, 4 * n_patches(b));
}

/* patch_angles [P, 2, B]. */
static qvl_batch_array make_patch_angles(qvl_batch *b)
{
    const qvl_vision_config *v = &b->config->vision;
    size_t n = n_patches(b) * 2 * (size_t)v->n_angles;
    int32_t *place = qvl_arena_array(b->arena, int32_t, 2 * n_patches(b));
    float *out = qvl_arena_array(b->arena, float, n);
    qvl_vision_places(place, b->grid, b->n_grids, v->merge);
    qvl_rope_patch_angles(out, place, n_patches(b), v->n_angles, b->arena);
    return array_of(out, n);
}

/* patch_range [P, RANGE]. */
static qvl_batch_array make_patch_range(qvl_batch *b)
{
    size_t n = QVL_N_RANGE * n_patches(b);
    int32_t *out = qvl_arena_array(b->arena, int32_t, n);
    qvl_vision_ranges(out, b->grid, b->n_grids);
    return array_of(out, n);
}

/* ---- rules -------------------------------------------------------------- */

static const struct {
    const char *name;
    qvl_batch_array (*make)(qvl_batch *b);
} rule[] = {
    { "token", make_token },
    { "vision_row", make_vision_row },
    { "text_angles", make_text_angles },
    { "text_range", make_text_range },
    { "text_cache", make_text_cache },
    { "text_cache.block", make_text_blocks },
    { "logit_row", make_logit_row },
    { "loss_row", make_loss_row },
    { "label", make_label },
    { "loss_scale", make_loss_scale },
    { "pixel_values", make_pixels },
    { "pos", make_pos },
    { "pos.weight", make_pos_weight },
    { "patch_angles", make_patch_angles },
    { "patch_range", make_patch_range },
};

static qvl_batch_array make_ones(qvl_batch *b, size_t n)
{
    float *out = qvl_arena_array(b->arena, float, n);
    for (size_t i = 0; i < n; i++)
        out[i] = 1.0f;
    return array_of(out, n);
}

/* Where the entries of each table row start: a counting sort's prefix sums.
 * start [n_table + 1]; entries without a row do not count. */
static void count_entries(int32_t *start, size_t n_table,
                          const qvl_batch_array *index)
{
    const int32_t *row = index->data;
    for (size_t e = 0; e < index->n; e++)
        if (row[e] >= 0)
            start[row[e] + 1]++;
    for (size_t r = 0; r < n_table; r++)
        start[r + 1] += start[r];
}

/* Entries by table row, in order inside a row; those without a row behind. */
static void sort_entries(int32_t *entry, int32_t *start, size_t n_table,
                         const qvl_batch_array *index)
{
    const int32_t *row = index->data;
    int32_t none = start[n_table];
    for (size_t e = 0; e < index->n; e++)
        entry[row[e] >= 0 ? start[row[e]]++ : none++] = (int32_t)e;
}

/* The sort needs every index inside the table. */
static int check_index(const qvl_batch *b, int input,
                       const qvl_batch_array *index, qvl_err *err)
{
    const int32_t *row = index->data;
    size_t n_table = b->size[input].n_table;
    for (size_t e = 0; e < index->n; e++)
        if (row[e] < -1 || (row[e] >= 0 && (size_t)row[e] >= n_table))
            return qvl_fail(err, QVL_E_INTERNAL,
                            "input %s (entry %zu): found %d, expected a row "
                            "of a table of %zu",
                            b->config->arch->input[input].name, e,
                            (int)row[e], n_table);
    return QVL_OK;
}

/* A weight, start or entry of an index input. */
static int make_derived(qvl_batch *b, const qvl_arch_input *in,
                        qvl_batch_array *array, qvl_err *err)
{
    qvl_batch_array index;
    QVL_TRY(qvl_batch_input(b, in->index, &index, err));
    if (in->kind == QVL_INPUT_WEIGHT) {
        *array = make_ones(b, index.n);
        return QVL_OK;
    }
    QVL_TRY(check_index(b, in->index, &index, err));
    size_t n_table = b->size[in->index].n_table;
    int32_t *start = qvl_arena_array(b->arena, int32_t, n_table + 1);
    count_entries(start, n_table, &index);
    *array = array_of(start, n_table + 1);
    if (in->kind == QVL_INPUT_ENTRY) {
        int32_t *entry = qvl_arena_array(b->arena, int32_t, index.n);
        sort_entries(entry, start, n_table, &index);
        *array = array_of(entry, index.n);
    }
    return QVL_OK;
}

static int make_input(qvl_batch *b, const qvl_arch_input *in,
                      qvl_batch_array *array, qvl_err *err)
{
    for (size_t k = 0; k < QVL_COUNT(rule); k++)
        if (strcmp(rule[k].name, in->name) == 0) {
            *array = rule[k].make(b);
            return QVL_OK;
        }
    if (in->kind == QVL_INPUT_WEIGHT || in->kind == QVL_INPUT_START
        || in->kind == QVL_INPUT_ENTRY)
        return make_derived(b, in, array, err);
    return qvl_fail(err, QVL_E_INTERNAL,
                    "input %s of architecture %s: no rule says what it holds",
                    in->name, b->config->arch->name);
}

int qvl_batch_input(qvl_batch *batch, int input, qvl_batch_array *array,
                    qvl_err *err)
{
    const qvl_arch_input *in = &batch->config->arch->input[input];
    qvl_batch_array *made = &batch->made[input];
    if (made->data == NULL) {
        qvl_batch_array a;
        QVL_TRY(make_input(batch, in, &a, err));
        if (a.n != batch->size[input].n_elems)
            return qvl_fail(err, QVL_E_INTERNAL,
                            "input %s: found %zu elements, expected %zu",
                            in->name, a.n, batch->size[input].n_elems);
        *made = a;
    }
    *array = *made;
    return QVL_OK;
}
