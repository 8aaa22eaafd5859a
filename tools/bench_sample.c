/* bench_sample.c - a sequence of a picture and text, made up */
#include <stdio.h>
#include <string.h>

#include "bench.h"

int bench_picture(const qvl_model_config *config, const char *image, int *rows,
                  int *cols, qvl_err *err)
{
    const qvl_vision_config *v = &config->vision;
    int h = 768, w = 768;
    char rest;
    bool has_none = image != NULL && strcmp(image, "none") == 0;
    if (!has_none && image != NULL && sscanf(image, "%dx%d%c", &w, &h, &rest) != 2)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --image: found %s, expected WxH or none", image);
    if (!config->has_vision && image != NULL && !has_none)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --image: found %s for a model without a vision "
                        "tower, expected none", image);
    if (!config->has_vision || has_none) {
        *rows = *cols = 0;
        return QVL_OK;
    }
    int side = v->patch, unit = v->merge;
    if (w < side * unit || h < side * unit || w > 1 << 15 || h > 1 << 15)
        return qvl_fail(err, QVL_E_USAGE,
                        "flag --image: found %dx%d, expected %d to %d pixels "
                        "each way", w, h, side * unit, 1 << 15);
    *rows = h / side / unit * unit;
    *cols = w / side / unit * unit;
    return QVL_OK;
}

void bench_text(const qvl_model_config *config, int64_t *id, int n, int seed)
{
    const qvl_vision_config *v = &config->vision;
    for (int i = 0; i < n; i++) {
        int64_t t = ((int64_t)i * 7919 + (int64_t)seed * 104729 + 11)
                    % (config->vocab - 1);
        while (config->has_vision
               && (t == v->image_token || t == v->video_token
                   || t == v->start_token || t == v->end_token))
            t = (t + 1) % config->vocab;
        id[i] = t;
    }
}

/* One picture of rows x cols patches. */
static void make_picture(qvl_batch_source *s, const qvl_vision_config *v,
                         int rows, int cols, qvl_arena *arena)
{
    size_t n = (size_t)rows * (size_t)cols;
    size_t n_values = n * (size_t)v->patch_values;
    int64_t *grid = qvl_arena_array(arena, int64_t, 3);
    float *pixels = qvl_arena_array(arena, float, n_values);
    grid[0] = 1;
    grid[1] = rows;
    grid[2] = cols;
    for (size_t i = 0; i < n_values; i++)
        pixels[i] = (float)(i * 7919 % 255) / 127.5f - 1.0f;
    s->images = (qvl_batch_pictures){ .grid = grid, .n = 1, .pixels = pixels,
                                      .n_patches = n };
}

qvl_batch_source bench_sample(const qvl_model_config *config, int rows,
                              int cols, int n_text, bool is_labelled,
                              qvl_arena *arena)
{
    const qvl_vision_config *v = &config->vision;
    qvl_batch_source s = { .n_rows = 1 };
    int n_image = 0, n_front = 0;
    if (rows > 0) {
        n_image = rows * cols / (v->merge * v->merge);
        n_front = n_image + 2;
        make_picture(&s, v, rows, cols, arena);
    }
    s.row_len = n_front + n_text;
    int64_t *id = qvl_arena_array(arena, int64_t, s.row_len);
    int64_t *label = qvl_arena_array(arena, int64_t, s.row_len);
    for (int i = 0; i < n_front; i++)
        id[i] = i == 0            ? v->start_token
                : i == n_front - 1 ? v->end_token
                                   : v->image_token;
    bench_text(config, id + n_front, n_text, 0);
    for (int i = 0; i < s.row_len; i++)
        label[i] = i < n_front ? QVL_IGNORE_INDEX : id[i];
    s.id = id;
    s.label = is_labelled ? label : NULL;
    return s;
}
