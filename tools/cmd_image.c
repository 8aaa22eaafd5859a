/* cmd_image.c - qvl inspect image: pictures as the model will get them
 *
 * Pictures are decoded and resized first, which says all sizes; rows of patches
 * are cut one picture at a time while they are written. The file appears when
 * all of it is there.
 */
#include "cmd_image.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"
#include "image/decode.h"
#include "image/patch.h"
#include "image/processor.h"
#include "image/resize.h"
#include "tensor/safetensors.h"

typedef struct {
    int h, w;           // as decoded
    qvl_patch_plan plan;
    qvl_image resized;
} picture;

typedef struct {
    const cmd_image_options *options;
    const char *const *file;  // [n]
    int n;
    qvl_err *err;
    qvl_arena arena;
    qvl_processor processor;
    picture *picture;         // [n]
    qvl_st_writer *writer;
    qvl_str out;
} call;

/* ---- pictures ----------------------------------------------------------- */

static int fit(call *c, picture *p, const qvl_image *decoded)
{
    const qvl_processor *how = &c->processor;
    p->h = decoded->h;
    p->w = decoded->w;
    QVL_TRY(qvl_processor_plan(how, p->h, p->w, &p->plan, c->err));
    return qvl_image_resize(&p->resized, decoded, p->plan.h, p->plan.w,
                            how->profile->resize, c->err);
}

static int load(call *c, int i)
{
    qvl_image decoded;
    picture *p = &c->picture[i];
    QVL_TRY(qvl_image_load(&decoded, c->file[i],
                           &c->processor.profile->decode, c->err));
    int rc = fit(c, p, &decoded);
    qvl_image_release(&decoded);
    if (rc != QVL_OK) {
        qvl_err_add(c->err, "%s", c->file[i]);
        return rc;
    }
    qvl_str_printf(&c->out, "%s: %d x %d -> %d x %d, grid %lld x %lld x %lld, "
                            "%zu tokens\n",
                   c->file[i], p->h, p->w, p->plan.h, p->plan.w,
                   (long long)p->plan.grid[0], (long long)p->plan.grid[1],
                   (long long)p->plan.grid[2], p->plan.n_tok);
    return QVL_OK;
}

/* ---- the file ----------------------------------------------------------- */

static int put_number(call *c, const char *key, int64_t v)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)v);
    return qvl_st_writer_meta(c->writer, key, text, c->err);
}

static int declare(call *c)
{
    const qvl_processor *how = &c->processor;
    size_t rows[2] = { 0, qvl_processor_patch_values(how) };
    size_t grid[2] = { (size_t)c->n, 3 };
    for (int i = 0; i < c->n; i++)
        rows[0] += c->picture[i].plan.n_patches;
    QVL_TRY(qvl_st_writer_meta(c->writer, "profile", how->profile->name,
                               c->err));
    QVL_TRY(qvl_st_writer_meta(c->writer, "jpeg_decoder",
                               qvl_image_jpeg_decoder(), c->err));
    QVL_TRY(put_number(c, "min_pixels", how->min_pixels));
    QVL_TRY(put_number(c, "max_pixels", how->max_pixels));
    QVL_TRY(qvl_st_writer_declare(c->writer, "pixel_values", QVL_F32, rows, 2,
                                  c->err));
    QVL_TRY(qvl_st_writer_declare(c->writer, "image_grid_thw", QVL_I64, grid,
                                  2, c->err));
    for (int i = 0; i < c->n; i++) {
        char name[32];
        size_t shape[3] = { (size_t)c->picture[i].resized.h,
                            (size_t)c->picture[i].resized.w,
                            QVL_IMAGE_CHANNELS };
        snprintf(name, sizeof name, "resized.%d", i);
        QVL_TRY(qvl_st_writer_declare(c->writer, name, QVL_U8, shape, 3,
                                      c->err));
    }
    return QVL_OK;
}

static int write_rows(call *c, const picture *p)
{
    qvl_arena arena = { 0 };
    size_t n = p->plan.n_patches * qvl_processor_patch_values(&c->processor);
    float *rows = qvl_arena_array(&arena, float, n);
    qvl_patch_cut(rows, &p->resized, 1, &c->processor);
    int rc = qvl_st_writer_write(c->writer, rows, n * sizeof *rows, c->err);
    qvl_arena_release(&arena);
    return rc;
}

static int write_all(call *c)
{
    QVL_TRY(qvl_st_writer_open(&c->writer, c->options->output, c->err));
    QVL_TRY(declare(c));
    for (int i = 0; i < c->n; i++)
        QVL_TRY(write_rows(c, &c->picture[i]));
    for (int i = 0; i < c->n; i++)
        QVL_TRY(qvl_st_writer_write(c->writer, c->picture[i].plan.grid,
                                    sizeof c->picture[i].plan.grid, c->err));
    for (int i = 0; i < c->n; i++)
        QVL_TRY(qvl_st_writer_write(c->writer, c->picture[i].resized.pixel,
                                    qvl_image_bytes(&c->picture[i].resized),
                                    c->err));
    qvl_st_writer *w = c->writer;
    c->writer = NULL;
    return qvl_st_writer_commit(w, c->err);
}

static int run_steps(void *arg)
{
    call *c = arg;
    const qvl_profile *profile;
    c->picture = qvl_arena_array(&c->arena, picture, c->n);
    QVL_TRY(qvl_profile_find(&profile, c->options->profile, c->err));
    QVL_TRY(qvl_processor_load(&c->processor, c->options->folder, profile,
                               &c->arena, c->err));
    QVL_TRY(qvl_processor_set_bounds(&c->processor, c->options->min_pixels,
                                     c->options->max_pixels, c->err));
    for (int i = 0; i < c->n; i++)
        QVL_TRY(load(c, i));
    return write_all(c);
}

int cmd_image(const cmd_image_options *options, const char *const *file,
              int n, qvl_err *err)
{
    call c = { .options = options, .file = file, .n = n, .err = err };
    int rc = qvl_guard(run_steps, &c, err);
    if (rc == QVL_OK)
        fputs(c.out.p, stdout);
    qvl_st_writer_abort(c.writer);
    for (int i = 0; c.picture != NULL && i < n; i++)
        qvl_image_release(&c.picture[i].resized);
    qvl_str_release(&c.out);
    qvl_arena_release(&c.arena);
    return rc;
}
