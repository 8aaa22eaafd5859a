/* infer_overlay.c - a picture of what a reply says */
#include <string.h>

#include "base/file.h"
#include "data/objects.h"
#include "data/picture.h"
#include "infer.h"
#include "infer/parse.h"
#include "score/overlay.h"

/* FOLDER/NAME.png of a picture PATH/NAME.jpg; of several records with one name
 * the last one stays. */
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
    const char *folder;
    const char *name;
    const qvl_record *record;
    const char *text;
    size_t len;
    qvl_arena arena;
    qvl_err *err;
} drawing;

static int draw(void *arg)
{
    drawing *d = arg;
    const qvl_record *r = d->record;
    qvl_answer answer;
    qvl_parse_options how = { .n_images = r->n_images };
    qvl_answer_parse(&answer, d->text, d->len, &how, &d->arena);
    qvl_overlay o = { .pred = answer.object, .n_pred = answer.n_objects };
    if (r->n_objects > 0 && r->w > 0) {
        o.truth = qvl_objects_to_norm(r->object, r->n_objects, r->w, r->h,
                                      &d->arena);
        o.n_true = r->n_objects;
        o.has_truth = true;
    }
    return qvl_overlay_save(overlay_path(d->folder, d->name, &d->arena),
                            r->image[0], &o, d->err);
}

int infer_overlay(const char *folder, const char *name,
                  const qvl_record *record, const char *text, size_t len,
                  qvl_err *err)
{
    drawing d = { .folder = folder, .name = name, .record = record,
                  .text = text, .len = len, .err = err };
    if (record->n_images == 0)
        return QVL_OK;
    QVL_TRY(qvl_file_make_dirs(folder, err));
    int rc = qvl_guard(draw, &d, err);
    qvl_arena_release(&d.arena);
    return rc;
}
