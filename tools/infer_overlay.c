/* infer_overlay.c - a picture of what a reply says */
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "data/objects.h"
#include "data/picture.h"
#include "infer.h"
#include "score/overlay.h"
#include "vis.h"

int infer_overlays_open(infer_overlays *o, const char *folder,
                        const char *font, qvl_err *err)
{
    infer_overlays overlays = { .folder = folder };
    if (font != NULL)
        QVL_TRY(qvl_face_open(&overlays.face, font, err));
    *o = overlays;
    return QVL_OK;
}

void infer_overlays_close(infer_overlays *o)
{
    qvl_face_close(o->face);
    *o = (infer_overlays){ 0 };
}

/* FOLDER/NAME.png of a picture PATH/NAME.jpg. */
static const char *overlay_path(const char *folder, const char *picture,
                                qvl_arena *arena)
{
    if (qvl_fetch_is_url(picture))  // without what is asked of the server
        picture = qvl_arena_strndup(arena, picture, strcspn(picture, "?#"));
    const char *slash = strrchr(picture, '/');
    const char *name = slash != NULL ? slash + 1 : picture;
    if (qvl_picture_is_data(picture) || name[0] == '\0')
        name = "picture";
    const char *dot = strrchr(name, '.');
    int len = (int)(dot != NULL && dot > name ? (size_t)(dot - name)
                                              : strlen(name));
    return qvl_arena_printf(arena, "%s/%.*s.png", folder, len, name);
}

typedef struct {
    // borrowed
    infer_overlays *o;
    const char *name;
    const qvl_record *record;
    const qvl_reply *reply;
    qvl_err *err;
    // owned
    qvl_arena arena;
    qvl_categories categories;
} drawing;

static void warn_of_letters(infer_overlays *o)
{
    if (!o->has_warned)
        qvl_log(QVL_LOG_WARN, "letters are missing for some texts of the "
                "pictures in %s; %s", o->folder, vis_letters_advice(o->face));
    o->has_warned = true;
}

static int draw(void *arg)
{
    drawing *d = arg;
    const qvl_record *r = d->record;
    qvl_answer answer;
    infer_read_reply(&answer, r, d->reply, &d->arena);
    qvl_overlay o = { .pred = answer.object, .n_pred = answer.n_objects,
                      .categories = &d->categories };
    if (r->n_objects > 0 && r->w > 0) {
        o.truth = qvl_objects_to_norm(r->object, r->n_objects, r->w, r->h,
                                      &d->arena);
        o.n_true = r->n_objects;
        o.has_truth = true;
    }
    return qvl_overlay_save(overlay_path(d->o->folder, d->name, &d->arena),
                            r->image[0], &o, d->err);
}

int infer_overlay(infer_overlays *o, const char *name,
                  const qvl_record *record, const qvl_reply *reply,
                  qvl_err *err)
{
    drawing d = { .o = o, .name = name, .record = record, .reply = reply,
                  .err = err, .categories = { .face = o->face } };
    if (record->n_images == 0)
        return QVL_OK;
    QVL_TRY(qvl_file_make_dirs(o->folder, err));
    int rc = qvl_guard(draw, &d, err);
    if (d.categories.n_unread > 0)
        warn_of_letters(o);
    qvl_categories_release(&d.categories);
    qvl_arena_release(&d.arena);
    return rc;
}
