/* infer_fetch.c - pictures that a record names by URL */
#include <string.h>

#include "base/arena.h"
#include "data/picture.h"
#include "infer.h"

int infer_fetch(const char **image, int n, size_t max_bytes, qvl_arena *arena,
                qvl_err *err)
{
    qvl_fetch_limits limits = qvl_fetch_defaults();
    limits.max_bytes = max_bytes;
    for (int i = 0; i < n; i++)
        if (qvl_fetch_is_url(image[i]))
            QVL_TRY(qvl_picture_fetch(&image[i], image[i], &limits, arena,
                                      err));
    return QVL_OK;
}

typedef struct {
    qvl_record *to;
    const qvl_record *from;
    size_t max_bytes;
    qvl_arena *arena;
    qvl_err *err;
} fetching;

static int fetch_all(void *arg)
{
    fetching *f = arg;
    int n = f->from->n_images;
    const char **image = qvl_arena_array(f->arena, const char *, n);
    for (int i = 0; i < n; i++)
        image[i] = f->from->image[i];
    QVL_TRY(infer_fetch(image, n, f->max_bytes, f->arena, f->err));
    *f->to = *f->from;
    f->to->image = image;
    return QVL_OK;
}

int infer_fetch_record(qvl_record *to, const qvl_record *from,
                       size_t max_bytes, qvl_arena *arena, qvl_err *err)
{
    fetching f = { to, from, max_bytes, arena, err };
    return qvl_guard(fetch_all, &f, err);
}
