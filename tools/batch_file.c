/* batch_file.c - named tensors to a batch
 *
 * `known` names every tensor that counts. With a prefix a file holds several batches,
 * and names without it are passed over. input_ids is read first: it sets rows and
 * tokens of the others. Ids, labels and grids are held against the model by the
 * library.
 */
#include "batch_file.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "tensor/safetensors.h"

static const char *const known[] = {
    "input_ids",      "attention_mask",      "labels",        "pixel_values",
    "image_grid_thw", "pixel_values_videos", "video_grid_thw", "sample_ids",
};

/* Inputs that belong to what `forward` does not compute. */
static const char *const refused[] = { "teacher_logits" };

typedef struct {
    qvl_batch_in *batch;
    const char *path;
    const char *prefix;  // of the names of this batch
    qvl_st *st;
    qvl_arena *arena;
    qvl_err *err;
} reading;

static const qvl_st_tensor *find(const reading *r, const char *name)
{
    return qvl_st_find(r->st, qvl_arena_printf(r->arena, "%s%s", r->prefix,
                                               name));
}

static int check_names(const reading *r)
{
    size_t skip = strlen(r->prefix);
    for (size_t i = 0; i < qvl_st_count(r->st); i++) {
        const char *name = qvl_st_at(r->st, i)->name;
        if (strncmp(name, r->prefix, skip) != 0)
            continue;  // of another batch
        name += skip;
        bool is_known = false;
        for (size_t k = 0; k < QVL_COUNT(known); k++)
            is_known = is_known || strcmp(name, known[k]) == 0;
        for (size_t k = 0; k < QVL_COUNT(refused); k++)
            if (strcmp(name, refused[k]) == 0)
                return qvl_fail(r->err, QVL_E_UNSUPPORTED,
                                "tensor %s (%s): this input is not supported",
                                name, r->path);
        if (is_known)
            continue;
        qvl_fail(r->err, QVL_E_DATA,
                 "tensor %s (%s): found a name that means nothing here, "
                 "expected input_ids and the like",
                 name, r->path);
        const char *near = qvl_str_nearest(name, known, QVL_COUNT(known));
        if (near != NULL)
            qvl_err_hint(r->err, "did you mean %s?", near);
        return QVL_E_DATA;
    }
    return QVL_OK;
}

static int wrong_shape(const reading *r, const char *name,
                       const char *expected)
{
    return qvl_fail(r->err, QVL_E_DATA,
                    "tensor %s (%s): found another shape, expected %s", name,
                    r->path, expected);
}

/* A [B, S] tensor of whole numbers; the first one sets B and S. */
static int read_rows(const reading *r, const char *name, const int64_t **out)
{
    const qvl_st_tensor *t = find(r, name);
    qvl_batch_in *b = r->batch;
    if (t == NULL)
        return QVL_OK;
    if (t->rank != 2 || t->shape[0] > INT_MAX || t->shape[1] > INT_MAX)
        return wrong_shape(r, name, "[rows, tokens]");
    if (b->input_ids == NULL) {
        b->n_rows = (int)t->shape[0];
        b->row_len = (int)t->shape[1];
    } else if (t->shape[0] != (size_t)b->n_rows
               || t->shape[1] != (size_t)b->row_len) {
        return wrong_shape(r, name, "that of input_ids");
    }
    int64_t *data = qvl_arena_array(r->arena, int64_t, t->n_elems);
    QVL_TRY(qvl_st_to_i64(t, data, r->err));
    *out = data;
    return QVL_OK;
}

static int read_pictures(const reading *r, const char *pixels_name,
                         const char *grid_name, qvl_pictures *out)
{
    const qvl_st_tensor *pixels = find(r, pixels_name);
    const qvl_st_tensor *grid = find(r, grid_name);
    if (pixels == NULL && grid == NULL)
        return QVL_OK;
    if (pixels == NULL || grid == NULL)
        return qvl_fail(r->err, QVL_E_DATA,
                        "%s: found %s alone, expected %s with it", r->path,
                        pixels == NULL ? grid_name : pixels_name,
                        pixels == NULL ? pixels_name : grid_name);
    if (pixels->rank != 2)
        return wrong_shape(r, pixels_name, "[patches, numbers of a patch]");
    if (grid->rank != 2 || grid->shape[1] != 3 || grid->shape[0] > INT_MAX)
        return wrong_shape(r, grid_name, "[pictures, 3]");
    float *p = qvl_arena_array(r->arena, float, pixels->n_elems);
    int64_t *g = qvl_arena_array(r->arena, int64_t, grid->n_elems);
    QVL_TRY(qvl_st_to_f32(pixels, p, r->err));
    QVL_TRY(qvl_st_to_i64(grid, g, r->err));
    *out = (qvl_pictures){ .pixels = p, .n_rows = pixels->shape[0],
                           .n_cols = pixels->shape[1], .grid = g,
                           .n_grids = (int)grid->shape[0] };
    return QVL_OK;
}

static int read_batch(void *arg)
{
    const reading *r = arg;
    qvl_batch_in *b = r->batch;
    QVL_TRY(check_names(r));
    QVL_TRY(read_rows(r, "input_ids", &b->input_ids));
    if (b->input_ids == NULL)
        return qvl_fail(r->err, QVL_E_DATA,
                        "%s: found no tensor input_ids, expected one",
                        r->path);
    QVL_TRY(read_rows(r, "attention_mask", &b->attention_mask));
    QVL_TRY(read_rows(r, "labels", &b->labels));
    QVL_TRY(read_rows(r, "sample_ids", &b->sample_ids));
    QVL_TRY(read_pictures(r, "pixel_values", "image_grid_thw", &b->images));
    return read_pictures(r, "pixel_values_videos", "video_grid_thw",
                         &b->videos);
}

int batch_file_load_prefix(qvl_batch_in *batch, const char *path,
                           const char *prefix, qvl_arena *arena, qvl_err *err)
{
    qvl_batch_in b = { 0 };
    reading r = { .batch = &b, .path = path, .prefix = prefix, .arena = arena,
                  .err = err };
    QVL_TRY(qvl_st_open(&r.st, path, err));
    int rc = qvl_guard(read_batch, &r, err);
    qvl_st_close(r.st);
    if (rc == QVL_OK)
        *batch = b;
    return rc;
}

int batch_file_load(qvl_batch_in *batch, const char *path, qvl_arena *arena,
                    qvl_err *err)
{
    return batch_file_load_prefix(batch, path, "", arena, err);
}
