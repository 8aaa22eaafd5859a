/* pack_cases.c - rows side by side, pictures one behind the other */
#include "pack_cases.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_file.h"

typedef struct {
    const qvl_batch_in *of;  // [n] samples
    const golden_pack *pack;
    qvl_arena *arena;
} packing;

static int check_sample(const qvl_batch_in *b, size_t k, qvl_err *err)
{
    bool is_whole = b->n_rows == 1 && b->labels != NULL;
    for (int i = 0; is_whole && b->attention_mask != NULL && i < b->row_len; i++)
        is_whole = b->attention_mask[i] == 1;
    if (is_whole)
        return QVL_OK;
    return qvl_fail(err, QVL_E_FORMAT, "sample.%zu: found padding, several rows or "
                    "no labels, expected one row of tokens with labels", k);
}

/* Pictures, or videos, of all samples. */
static qvl_pictures join_pictures(const packing *p, bool video)
{
    qvl_pictures all = { 0 };
    for (size_t k = 0; k < p->pack->n; k++) {
        const qvl_pictures *one = video ? &p->of[k].videos : &p->of[k].images;
        all.n_rows += one->n_rows;
        all.n_grids += one->n_grids;
        all.n_cols = one->n_rows > 0 ? one->n_cols : all.n_cols;
    }
    float *pixels = qvl_arena_array(p->arena, float, all.n_rows * all.n_cols);
    int64_t *grid = qvl_arena_array(p->arena, int64_t, 3 * all.n_grids);
    all.pixels = pixels;
    all.grid = grid;
    for (size_t k = 0; k < p->pack->n; k++) {
        const qvl_pictures *one = video ? &p->of[k].videos : &p->of[k].images;
        if (one->n_rows == 0)
            continue;
        memcpy(pixels, one->pixels, one->n_rows * one->n_cols * sizeof *pixels);
        memcpy(grid, one->grid, 3 * (size_t)one->n_grids * sizeof *grid);
        pixels += one->n_rows * one->n_cols;
        grid += 3 * one->n_grids;
    }
    return all;
}

static qvl_batch_in join(const packing *p)
{
    size_t len = p->pack->first[p->pack->n];
    int64_t *id = qvl_arena_array(p->arena, int64_t, len);
    int64_t *label = qvl_arena_array(p->arena, int64_t, len);
    int64_t *sample = qvl_arena_array(p->arena, int64_t, len);
    for (size_t k = 0; k < p->pack->n; k++) {
        size_t first = p->pack->first[k], n = p->pack->first[k + 1] - first;
        memcpy(id + first, p->of[k].input_ids, n * sizeof *id);
        memcpy(label + first, p->of[k].labels, n * sizeof *label);
        for (size_t i = 0; i < n; i++)
            sample[first + i] = (int64_t)k;
    }
    return (qvl_batch_in){
        .n_rows = 1, .row_len = (int)len, .input_ids = id, .labels = label,
        .sample_ids = sample, .images = join_pictures(p, false),
        .videos = join_pictures(p, true),
    };
}

int golden_pack_load(qvl_batch_in *row, golden_pack *pack, const char *path,
                     size_t n, qvl_arena *arena, qvl_err *err)
{
    qvl_batch_in *of = qvl_arena_array(arena, qvl_batch_in, n);
    pack->n = n;
    pack->first = qvl_arena_array(arena, size_t, n + 1);
    for (size_t k = 0; k < n; k++) {
        const char *prefix = qvl_arena_printf(arena, "sample.%zu.", k);
        QVL_TRY(batch_file_load_prefix(&of[k], path, prefix, arena, err));
        QVL_TRY(check_sample(&of[k], k, err));
        pack->first[k + 1] = pack->first[k] + (size_t)of[k].row_len;
    }
    *row = join(&(packing){ of, pack, arena });
    return QVL_OK;
}

int golden_pack_find(const golden_pack *pack, const char *name, size_t *sample,
                     const char **rest, qvl_err *err)
{
    char *end;
    unsigned long k = strtoul(name + strlen("sample."), &end, 10);
    if (*end != '.' || k >= pack->n)
        return qvl_fail(err, QVL_E_FORMAT, "tensor %s: found no such sample, "
                        "expected one below %zu", name, pack->n);
    *sample = k;
    *rest = end + 1;
    return QVL_OK;
}

void *golden_pack_cut(const golden_pack *pack, size_t sample, const void *src,
                      size_t n_outer, size_t n_inner, size_t bytes,
                      qvl_arena *arena)
{
    size_t row = pack->first[pack->n] * n_inner * bytes;
    size_t from = pack->first[sample] * n_inner * bytes;
    size_t n = pack->first[sample + 1] * n_inner * bytes - from;
    char *out = qvl_arena_alloc_n(arena, n_outer, n);
    for (size_t i = 0; i < n_outer; i++)
        memcpy(out + i * n, (const char *)src + i * row + from, n);
    return out;
}

/* Cross entropy of one row of logits. */
static double entropy(const float *logit, size_t n, int64_t label)
{
    double most = logit[0], sum = 0.0;
    for (size_t i = 1; i < n; i++)
        most = logit[i] > most ? (double)logit[i] : most;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)logit[i] - most);
    return log(sum) + most - (double)logit[label];
}

double golden_pack_loss(const golden_pack *pack, size_t sample,
                        const qvl_batch_in *row, const float *logits,
                        size_t vocab, size_t *n_labels)
{
    size_t first = pack->first[sample], end = pack->first[sample + 1];
    double sum = 0.0;
    *n_labels = 0;
    for (size_t c = first + 1; c < end; c++) {
        if (row->labels[c] == QVL_LABEL_NONE)
            continue;
        sum += entropy(logits + (c - 1 - first) * vocab, vocab, row->labels[c]);
        ++*n_labels;
    }
    return sum;
}
