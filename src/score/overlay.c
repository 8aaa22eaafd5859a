/* overlay.c - truth and prediction are matched, then drawn as a page of two views */
#include "score/overlay.h"

#include <string.h>

#include "base/arena.h"
#include "data/objects.h"
#include "data/picture.h"
#include "image/png_write.h"
#include "score/detection.h"

typedef struct {
    // borrowed
    const qvl_overlay *o;
    const qvl_image *picture;
    qvl_image *out;
    int *n_matched;
    qvl_err *err;
    // owned
    qvl_arena arena;
    qvl_categories own;  // where the caller has none
} drawing;

/* Objects that have no partner. */
static const bool *without_partner(const int *partner, int n, qvl_arena *arena)
{
    bool *is_alone = qvl_arena_array(arena, bool, n);
    for (int i = 0; i < n; i++)
        is_alone[i] = partner[i] < 0;
    return is_alone;
}

static qvl_view make_view(const drawing *d, const char *heading,
                          const char *column, const qvl_object *object, int n)
{
    return (qvl_view){
        .heading = heading, .column = column, .picture = d->picture,
        .marks = { .object = object, .n = n, .w = QVL_NORM_MAX,
                   .h = QVL_NORM_MAX },
    };
}

static void mark_views(drawing *d, qvl_view *truth, qvl_view *pred)
{
    const qvl_overlay *o = d->o;
    qvl_detection_options options = qvl_detection_defaults();
    int *of_true = qvl_arena_array(&d->arena, int, o->n_true);
    int *of_pred = qvl_arena_array(&d->arena, int, o->n_pred);
    qvl_detection_match(of_true, of_pred, &options, QVL_MATCH_LOCALIZATION,
                        o->truth, o->n_true, o->pred, o->n_pred, &d->arena);
    truth->marks.is_marked = without_partner(of_true, o->n_true, &d->arena);
    pred->marks.is_marked = without_partner(of_pred, o->n_pred, &d->arena);
    for (int i = 0; i < o->n_true; i++)
        *d->n_matched += of_true[i] >= 0;
}

static int draw(void *arg)
{
    drawing *d = arg;
    const qvl_overlay *o = d->o;
    qvl_view view[] = {
        make_view(d, "truth", "true", o->truth, o->n_true),
        make_view(d, "prediction", "found", o->pred, o->n_pred),
    };
    qvl_page page = {
        .view = view, .n_views = 2, .note = o->note, .n_notes = o->n_notes,
        .categories = o->categories != NULL ? o->categories : &d->own,
    };
    *d->n_matched = 0;
    if (o->has_truth) {
        mark_views(d, &view[0], &view[1]);
        page.column = "matched";
        page.marked = "no match, IoU below 0.5";
    } else {
        page.view = &view[1];
        page.n_views = 1;
    }
    return qvl_page_draw(d->out, &page, d->err);
}

int qvl_overlay_draw(qvl_image *out, int *n_matched, const qvl_image *picture,
                     const qvl_overlay *overlay, qvl_err *err)
{
    int matched = 0;
    drawing d = { .o = overlay, .picture = picture, .out = out,
                  .n_matched = &matched, .err = err };
    int rc = qvl_guard(draw, &d, err);
    qvl_categories_release(&d.own);
    qvl_arena_release(&d.arena);
    if (rc == QVL_OK && n_matched != NULL)
        *n_matched = matched;
    return rc;
}

int qvl_overlay_write(const char *png_path, int *n_matched,
                      const qvl_image *picture, const qvl_overlay *overlay,
                      qvl_err *err)
{
    qvl_image page = { 0 };
    int matched;
    QVL_TRY(qvl_overlay_draw(&page, &matched, picture, overlay, err));
    int rc = qvl_png_write(png_path, page.pixel, page.w, page.h, err);
    qvl_image_release(&page);
    if (rc == QVL_OK && n_matched != NULL)
        *n_matched = matched;
    return rc;
}

int qvl_overlay_save(const char *png_path, const char *picture_name,
                     const qvl_overlay *overlay, qvl_err *err)
{
    qvl_image picture = { 0 };
    QVL_TRY(qvl_picture_load(&picture, picture_name, NULL, err));
    int rc = qvl_overlay_write(png_path, NULL, &picture, overlay, err);
    qvl_image_release(&picture);
    return rc;
}
