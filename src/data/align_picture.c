/* align_picture.c - sizes, names and files of pictures
 *
 * Entries are sorted by path, which makes one of those that were added twice; names and
 * files that are read are held against each other in sorted copies.
 */
#include "data/align_picture.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/each.h"
#include "base/file.h"
#include "base/folder.h"
#include "data/picture.h"
#include "image/jpeg_write.h"
#include "image/png_write.h"
#include "image/resize.h"

/* Files written between two words of progress. */
#define FILES_AT_ONCE 256

/* ---- a picture ---------------------------------------------------------- */

int qvl_align_plan_size(int *h, int *w, int in_h, int in_w, const char *name,
                        const qvl_size_limits *limits, qvl_err *err)
{
    int new_h, new_w, again_h, again_w;
    int rc = qvl_size_plan(&new_h, &new_w, in_h, in_w, limits, err);
    if (rc != QVL_OK) {
        qvl_err_add(err, "%s", name);
        return rc;
    }
    if (qvl_size_plan(&again_h, &again_w, new_h, new_w, limits, NULL) != QVL_OK
        || again_h != new_h || again_w != new_w)
        return qvl_fail(err, QVL_E_DATA, "picture (%s): found %d x %d px, which"
                        " become %d x %d and then another size, expected wider "
                        "bounds than %lld to %lld px for that shape", name,
                        in_w, in_h, new_w, new_h,
                        (long long)limits->min_pixels,
                        (long long)limits->max_pixels);
    *h = new_h;
    *w = new_w;
    return QVL_OK;
}

int qvl_align_plan_picture(qvl_align_plan *plan, const qvl_image_file *file,
                           const qvl_align_options *o, qvl_err *err)
{
    qvl_image_head head;
    qvl_align_plan p = { .h = 0 };
    QVL_TRY(qvl_image_read_head(&head, file, err));
    QVL_TRY(qvl_align_plan_size(&p.h, &p.w, head.h, head.w, file->name,
                                &o->limits, err));
    p.is_copied = p.h == head.h && p.w == head.w && head.orientation == 1;
    bool is_kept = p.is_copied
                   || (head.format == QVL_IMAGE_JPEG && qvl_jpeg_can_encode());
    p.format = is_kept ? head.format : QVL_IMAGE_PNG;
    p.is_renamed = p.format != head.format;
    *plan = p;
    return QVL_OK;
}

static int encode(qvl_str *out, const qvl_image *im,
                  const qvl_align_plan *plan, const qvl_align_options *o,
                  qvl_err *err)
{
    return plan->format == QVL_IMAGE_JPEG
               ? qvl_jpeg_encode(out, im->pixel, im->w, im->h, o->quality, err)
               : qvl_png_encode(out, im->pixel, im->w, im->h, err);
}

int qvl_align_make(qvl_str *out, const qvl_image_file *file,
                   const qvl_align_plan *plan, const qvl_align_options *o,
                   qvl_err *err)
{
    qvl_image im = { 0 }, resized = { 0 };
    int rc = qvl_image_decode(&im, file, NULL, err);
    if (rc == QVL_OK && (im.h != plan->h || im.w != plan->w)) {
        rc = qvl_image_resize(&resized, &im, plan->h, plan->w,
                              QVL_RESIZE_PILLOW, err);
        if (rc == QVL_OK) {
            qvl_image_release(&im);
            im = resized;
        }
    }
    if (rc == QVL_OK)
        rc = encode(out, &im, plan, o, err);
    qvl_image_release(&im);
    return rc;
}

/* ---- names -------------------------------------------------------------- */

/* A path as one that goes down only: without empty parts, "." and "..". */
static char *downward(const char *path, qvl_arena *arena)
{
    char *out = qvl_arena_alloc(arena, strlen(path) + 1);
    size_t n = 0;
    for (const char *p = path; *p != '\0';) {
        size_t len = strcspn(p, "/");
        bool is_up = len == 2 && memcmp(p, "..", 2) == 0;
        bool is_here = len == 0 || (len == 1 && *p == '.');
        if (is_up) {
            while (n > 0 && out[n - 1] != '/')
                n--;
            n -= n > 0;
        } else if (!is_here) {
            if (n > 0)
                out[n++] = '/';
            memcpy(out + n, p, len);
            n += len;
        }
        p += len + (p[len] == '/');
    }
    out[n] = '\0';
    return out;
}

/* The name with "png" behind the last dot of its last part. */
static const char *as_png(const char *name, qvl_arena *arena)
{
    const char *slash = strrchr(name, '/');
    const char *last = slash != NULL ? slash + 1 : name;
    const char *dot = strrchr(last, '.');
    size_t stem = dot != NULL && dot > last ? (size_t)(dot - name)
                                            : strlen(name);
    return qvl_arena_printf(arena, "%.*s.png", (int)stem, name);
}

static void name_entry(const qvl_align_set *set, qvl_align_entry *e)
{
    size_t n = strlen(set->root);
    bool is_below = strncmp(e->path, set->root, n) == 0 && e->path[n] == '/';
    e->name = downward(is_below ? e->path + n : e->path, set->arena);
    if (e->plan.is_renamed)
        e->name = as_png(e->name, set->arena);
    e->target = qvl_arena_printf(set->arena, "%s/%s", set->folder, e->name);
}

static int by_name(const void *pa, const void *pb)
{
    const qvl_align_entry *a = *(qvl_align_entry *const *)pa;
    const qvl_align_entry *b = *(qvl_align_entry *const *)pb;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : strcmp(a->path, b->path);
}

/* Two entries of one name must be one file. */
static int pair_names(qvl_align_set *set, qvl_err *err)
{
    qvl_align_entry **e = qvl_arena_array(set->arena, qvl_align_entry *, set->n);
    for (size_t i = 0; i < set->n; i++)
        e[i] = &set->entry[i];
    if (set->n > 0)
        qsort(e, set->n, sizeof *e, by_name);
    for (size_t i = 1; i < set->n; i++) {
        if (strcmp(e[i]->name, e[i - 1]->name) != 0)
            continue;
        if (!qvl_file_is_same(e[i]->path, e[i - 1]->path))
            return qvl_fail(err, QVL_E_DATA, "output (%s): found two pictures "
                            "for it, %s and %s, expected one", e[i]->target,
                            e[i - 1]->path, e[i]->path);
        e[i]->is_twin = true;
    }
    return QVL_OK;
}

/* ---- files that are read ------------------------------------------------ */

static int by_id(const void *pa, const void *pb)
{
    const qvl_file_id *a = pa;
    const qvl_file_id *b = pb;
    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static int check_target(const char *path, const qvl_file_id *read, size_t n,
                        qvl_err *err)
{
    qvl_file_id id;
    if (!qvl_file_identify(path, &id)
        || bsearch(&id, read, n, sizeof *read, by_id) == NULL)
        return QVL_OK;
    return qvl_fail(err, QVL_E_USAGE, "output (%s): found a file that is read, "
                    "expected it in another folder", path);
}

/* No new file may be one that is read. */
static int check_targets(const qvl_align_set *set, qvl_err *err)
{
    qvl_file_id *read = qvl_arena_array(set->arena, qvl_file_id, set->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++)
        n += qvl_file_identify(set->entry[i].path, &read[n]);
    n += qvl_file_identify(set->o->input, &read[n]);
    if (n > 0)
        qsort(read, n, sizeof *read, by_id);
    QVL_TRY(check_target(set->o->output, read, n, err));
    for (size_t i = 0; i < set->n; i++) {
        const char *target = set->entry[i].target;
        QVL_TRY(check_target(target, read, n, err));
        if (strcmp(target, set->o->output) == 0
            || qvl_file_is_same(target, set->o->output))
            return qvl_fail(err, QVL_E_USAGE, "output (%s): found a picture of "
                            "that name, expected another", target);
    }
    return QVL_OK;
}

/* ---- the set ------------------------------------------------------------ */

static int by_path(const void *pa, const void *pb)
{
    const qvl_align_entry *a = pa;
    const qvl_align_entry *b = pb;
    return strcmp(a->path, b->path);
}

/* Sort, and keep one of equal paths. */
static void sort_entries(qvl_align_set *set)
{
    size_t n = 0;
    if (set->n > 0)
        qsort(set->entry, set->n, sizeof *set->entry, by_path);
    for (size_t i = 0; i < set->n; i++)
        if (n == 0 || by_path(&set->entry[n - 1], &set->entry[i]) != 0)
            set->entry[n++] = set->entry[i];
    set->n = n;
}

void qvl_align_set_add(qvl_align_set *set, const char *path)
{
    bool is_last = set->n > 0 && strcmp(set->entry[set->n - 1].path, path) == 0;
    if (is_last)
        return;
    if (set->n == set->cap) {
        size_t cap = set->cap == 0 ? 1024 : 2 * set->cap;
        qvl_align_entry *more =
            qvl_arena_array(set->arena, qvl_align_entry, cap);
        if (set->n > 0)
            memcpy(more, set->entry, set->n * sizeof *more);
        set->entry = more;
        set->cap = cap;
    }
    set->entry[set->n++].path = qvl_arena_strdup(set->arena, path);
}

static int plan_one(void *ctx, size_t i, int thread, qvl_arena *arena,
                    qvl_err *err)
{
    (void)thread;
    (void)arena;
    const qvl_align_set *set = ctx;
    qvl_align_entry *e = &set->entry[i];
    qvl_picture_file f;
    QVL_TRY(qvl_picture_open(&f, e->path, err));
    int rc = qvl_align_plan_picture(&e->plan, &f.file, set->o, err);
    qvl_picture_close(&f);
    return rc;
}

int qvl_align_set_plan(qvl_align_set *set, int n_threads, qvl_err *err)
{
    sort_entries(set);
    set->folder = qvl_folder_above(set->o->output, set->arena);
    QVL_TRY(qvl_each(set->n, qvl_each_threads(n_threads, set->n), plan_one, set,
                     NULL, err));
    for (size_t i = 0; i < set->n; i++)
        name_entry(set, &set->entry[i]);
    QVL_TRY(pair_names(set, err));
    return check_targets(set, err);
}

const qvl_align_entry *qvl_align_set_find(const qvl_align_set *set,
                                          const char *path)
{
    qvl_align_entry wanted = { .path = path };
    return set->n > 0 ? bsearch(&wanted, set->entry, set->n,
                                sizeof *set->entry, by_path) : NULL;
}

/* ---- writing ------------------------------------------------------------ */

static int make_folders(const qvl_align_set *set, qvl_err *err)
{
    const char *last = "";
    for (size_t i = 0; i < set->n; i++) {
        const char *folder = qvl_folder_above(set->entry[i].target, set->arena);
        if (strcmp(folder, last) != 0)
            QVL_TRY(qvl_file_make_dirs(folder, err));
        last = folder;
    }
    return QVL_OK;
}

typedef struct {
    const qvl_align_set *set;
    size_t first;
    qvl_str *bytes;  // [n_threads] of new files
} writing;

static int write_file(const qvl_align_entry *e, const qvl_align_set *set,
                      qvl_str *bytes, const qvl_image_file *file, qvl_err *err)
{
    if (e->plan.is_copied)
        return qvl_file_write_all(e->target, file->p, file->len, err);
    qvl_str_reset(bytes);
    QVL_TRY(qvl_align_make(bytes, file, &e->plan, set->o, err));
    return qvl_file_write_all(e->target, bytes->p, bytes->len, err);
}

static int write_one(void *ctx, size_t i, int thread, qvl_arena *arena,
                     qvl_err *err)
{
    (void)arena;
    const writing *w = ctx;
    const qvl_align_entry *e = &w->set->entry[w->first + i];
    qvl_picture_file f;
    if (e->is_twin)
        return QVL_OK;
    QVL_TRY(qvl_picture_open(&f, e->path, err));
    int rc = write_file(e, w->set, &w->bytes[thread], &f.file, err);
    qvl_picture_close(&f);
    return rc;
}

static void tell_progress(const qvl_align_set *set, size_t n_done)
{
    if (set->o->on_progress != NULL)
        set->o->on_progress(set->o->ctx, n_done, set->n);
}

int qvl_align_set_write(const qvl_align_set *set, int n_threads, qvl_err *err)
{
    int n_used = qvl_each_threads(n_threads, set->n);
    int rc = make_folders(set, err);
    writing w = { .set = set,
                  .bytes = qvl_arena_array(set->arena, qvl_str, n_used) };
    for (; rc == QVL_OK && w.first < set->n; w.first += FILES_AT_ONCE) {
        size_t left = set->n - w.first;
        size_t n = left < FILES_AT_ONCE ? left : FILES_AT_ONCE;
        rc = qvl_each(n, n_used, write_one, &w, NULL, err);
        if (rc == QVL_OK)
            tell_progress(set, w.first + n);
    }
    for (int t = 0; t < n_used; t++)
        qvl_str_release(&w.bytes[t]);
    return rc;
}
