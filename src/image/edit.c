/* edit.c - steps one after the other; each takes the picture of the one before */
#include "image/edit.h"

#include <assert.h>
#include <string.h>

#include "image/colour.h"
#include "image/resize.h"
#include "image/warp.h"

void qvl_edit_put(qvl_edit_list *list, const qvl_edit_step *step)
{
    if (list->n == list->cap) {
        int cap = list->cap > 0 ? 2 * list->cap : 8;
        qvl_edit_step *grown = qvl_arena_array(list->arena, qvl_edit_step, cap);
        if (list->n > 0)
            memcpy(grown, list->step, (size_t)list->n * sizeof *grown);
        list->step = grown;
        list->cap = cap;
    }
    list->step[list->n++] = *step;
}

/* ---- steps that make another picture -------------------------------------- */

static int warp(qvl_image *out, const qvl_image *in, const qvl_edit_step *s,
                qvl_err *err)
{
    return qvl_image_warp(out, in, s->inverse, s->h, s->w, err);
}

static int resize(qvl_image *out, const qvl_image *in, const qvl_edit_step *s,
                  qvl_err *err)
{
    return qvl_image_resize(out, in, s->h, s->w, QVL_RESIZE_PILLOW, err);
}

static int crop(qvl_image *out, const qvl_image *in, const qvl_edit_step *s,
                qvl_err *err)
{
    return qvl_image_crop(out, in, &s->window, err);
}

static int pad(qvl_image *out, const qvl_image *in, const qvl_edit_step *s,
               qvl_err *err)
{
    return qvl_image_pad(out, in, s->h, s->w, err);
}

typedef int make_fn(qvl_image *out, const qvl_image *in, const qvl_edit_step *s,
                    qvl_err *err);

static int replace(qvl_image *im, make_fn *make, const qvl_edit_step *s, qvl_err *err)
{
    qvl_image out = { 0 };
    QVL_TRY(make(&out, im, s, err));
    qvl_image_release(im);
    *im = out;
    return QVL_OK;
}

/* ---- steps in place ------------------------------------------------------- */

static int paste(qvl_image *im, const qvl_edit_step *s, qvl_err *err)
{
    qvl_image cut = { 0 }, copy = { 0 };
    int rc = crop(&cut, im, s, err);
    if (rc == QVL_OK)
        rc = resize(&copy, &cut, s, err);
    if (rc == QVL_OK)
        qvl_image_paste(im, &copy, s->x, s->y);
    qvl_image_release(&cut);
    qvl_image_release(&copy);
    return rc;
}

static int clahe(qvl_image *im, const double *v, qvl_err *err)
{
    return qvl_image_clahe(im, &(qvl_clahe){ v[0], (int)v[1], (int)v[2] }, err);
}

static int run_step(qvl_image *im, const qvl_edit_step *s, qvl_err *err)
{
    const double *v = s->v;
    switch (s->kind) {
    case QVL_EDIT_WARP: return replace(im, warp, s, err);
    case QVL_EDIT_RESIZE: return replace(im, resize, s, err);
    case QVL_EDIT_CROP: return replace(im, crop, s, err);
    case QVL_EDIT_PAD: return replace(im, pad, s, err);
    case QVL_EDIT_PASTE: return paste(im, s, err);
    case QVL_EDIT_CLAHE: return clahe(im, v, err);
    case QVL_EDIT_SHARPNESS: return qvl_image_sharpness(im, v[0], err);
    case QVL_EDIT_BRIGHTNESS: qvl_image_brightness(im, v[0]); break;
    case QVL_EDIT_CONTRAST: qvl_image_contrast(im, v[0]); break;
    case QVL_EDIT_SATURATION: qvl_image_saturation(im, v[0]); break;
    case QVL_EDIT_GAMMA: qvl_image_gamma(im, v[0], v[1]); break;
    case QVL_EDIT_HSV: qvl_image_hsv(im, v[0], v[1], v[2]); break;
    case QVL_EDIT_AUTO_CONTRAST: qvl_image_auto_contrast(im, v[0]); break;
    case QVL_EDIT_EQUALIZE: qvl_image_equalize(im); break;
    case QVL_EDIT_SOLARIZE: qvl_image_solarize(im, (int)v[0]); break;
    case QVL_EDIT_POSTERIZE: qvl_image_posterize(im, (int)v[0]); break;
    }
    return QVL_OK;
}

int qvl_edit_run(qvl_image *im, const qvl_edit *e, qvl_err *err)
{
    assert(im->h == e->h && im->w == e->w);

    for (int i = 0; i < e->n_steps; i++)
        QVL_TRY(run_step(im, &e->step[i], err));
    return QVL_OK;
}
