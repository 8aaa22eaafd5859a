/* sample_pixels.c - pictures of a sample: their grids, their rows */
#include <limits.h>

#include "data/picture.h"
#include "data/sample.h"
#include "image/patch.h"
#include "image/resize.h"

static int measure(qvl_sample *s, int k, int *h, int *w)
{
    *h = s->record->h;
    *w = s->record->w;
    if (*w > 0)
        return QVL_OK;
    return qvl_picture_measure(h, w, s->record->image[k],
                               &s->e->decode, s->err);
}

int qvl_sample_plan(qvl_sample *s)
{
    int n = s->record->n_images;
    size_t n_tok = 0;
    s->plan = qvl_arena_array(&s->scratch, qvl_patch_plan, n);
    s->out.grid = qvl_arena_array(s->arena, int64_t, 3 * (size_t)n);
    s->out.n_grids = n;
    s->out.n_values = qvl_processor_patch_values(&s->e->processor);
    for (int k = 0; k < n; k++) {
        int h, w;
        QVL_TRY(measure(s, k, &h, &w));
        int rc = qvl_processor_plan(&s->e->processor, h, w, &s->plan[k],
                                    s->err);
        if (rc != QVL_OK) {
            qvl_err_add(s->err, "%s", qvl_picture_name(s->record->image[k]));
            return rc;
        }
        for (int i = 0; i < 3; i++)
            s->out.grid[3 * k + i] = s->plan[k].grid[i];
        s->out.n_patches += s->plan[k].n_patches;
        n_tok += s->plan[k].n_tok;
        if (n_tok > INT_MAX / 2)
            return qvl_fail(s->err, QVL_E_DATA, "pictures: found %zu tokens of "
                            "them, expected at most %d", n_tok, INT_MAX / 2);
    }
    s->out.n_image_tok = (int)n_tok;
    return QVL_OK;
}

/* A picture as it is in its file, whose size must be that of the record. */
static int load(qvl_sample *s, int k, qvl_image *im)
{
    const qvl_record *r = s->record;
    int w = r->edit != NULL ? r->edit->w : r->w;
    int h = r->edit != NULL ? r->edit->h : r->h;
    QVL_TRY(qvl_picture_load(im, r->image[k], &s->e->decode, s->err));
    if (w == 0 || (im->w == w && im->h == h))
        return QVL_OK;
    return qvl_fail(s->err, QVL_E_DATA, "picture (%s): found %d x %d px, expected "
                    "width and height of the record, %d x %d",
                    qvl_picture_name(r->image[k]), im->w, im->h, w, h);
}

/* Rows of picture k. No arena is used while pixels are held. */
static int cut_picture(qvl_sample *s, int k, float *rows)
{
    const qvl_processor *how = &s->e->processor;
    const qvl_edit *edit = s->record->edit;
    qvl_image whole = { 0 };
    qvl_image fitted = { 0 };
    int rc = load(s, k, &whole);
    if (rc == QVL_OK && edit != NULL)
        rc = qvl_edit_run(&whole, edit, s->err);
    if (rc == QVL_OK)
        rc = qvl_image_resize(&fitted, &whole, s->plan[k].h, s->plan[k].w,
                              how->profile->resize, s->err);
    if (rc == QVL_OK)
        qvl_patch_cut(rows, &fitted, 1, how);
    qvl_image_release(&whole);
    qvl_image_release(&fitted);
    return rc;
}

int qvl_sample_pixels(qvl_sample *s)
{
    if (s->out.n_patches == 0)
        return QVL_OK;
    s->out.pixels = qvl_arena_alloc_n(s->arena, s->out.n_patches,
                                      s->out.n_values * sizeof(float));
    float *rows = s->out.pixels;
    for (int k = 0; k < s->record->n_images; k++) {
        QVL_TRY(cut_picture(s, k, rows));
        rows += s->plan[k].n_patches * s->out.n_values;
    }
    return QVL_OK;
}
