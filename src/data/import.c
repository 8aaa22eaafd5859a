/* import.c - records of a COCO or LVIS file, some hundred pictures at a time
 *
 * Threads parse the annotations of a picture and write its line; lines are handed on
 * in the order of pictures. Counts are kept for each picture and added in that order.
 */
#include "data/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/each.h"
#include "base/folder.h"
#include "base/str.h"
#include "data/import_file.h"
#include "data/import_object.h"
#include "data/record_write.h"

/* Pictures whose lines are held in memory. */
#define PICTURES_AT_ONCE 512

/* What became of a picture. */
typedef struct {
    qvl_str line;
    qvl_import_counts counts;
} outcome;

typedef struct {
    const qvl_import_options *o;
    qvl_import_file file;
    qvl_import_sink *sink;
    void *ctx;
    qvl_import_counts counts;
    qvl_arena arena;
    const char *real;       // folder of pictures
    const char *prefix;     // how records call it, with a slash; "" for their own
    int n_threads;
    qvl_arena *work;        // [n_threads] of the records at hand
    qvl_arena *scratch;     // [n_threads] of an annotation
    outcome *outcome;       // [PICTURES_AT_ONCE]
    size_t first;           // picture of outcome[0]
    qvl_err *err;
} importer;

/* ---- a record ----------------------------------------------------------- */

/* The name of a picture's file in the folder of pictures. */
static int find_file(const importer *m, const qvl_import_picture *p,
                     const char **name, qvl_arena *arena, qvl_err *err)
{
    const char *const names[] = { p->name, p->other };
    for (size_t i = 0; i < QVL_COUNT(names) && names[i] != NULL; i++) {
        const char *path = qvl_arena_printf(arena, "%s/%s", m->real, names[i]);
        *name = names[i];
        if (qvl_file_exists(path) && !qvl_file_is_dir(path))
            return QVL_OK;
    }
    return qvl_fail(err, QVL_E_DATA, "%s:%d:%d: picture: found no file %s in "
                    "%s, expected one", m->o->path, p->line, p->col, p->name,
                    m->o->pictures);
}

static int read_annotation(const importer *m, size_t i, int thread,
                           qvl_import_reading *r, qvl_object *out,
                           bool *is_kept)
{
    qvl_import_fields f;
    int64_t category;
    qvl_arena *scratch = &m->scratch[thread];
    qvl_arena_reset(scratch);
    r->place = i;
    QVL_TRY(qvl_import_read(&m->file, i, m->o->has_polygons, &f, scratch,
                            r->err));
    const qvl_node *id = f.category_id;
    const char *desc = qvl_node_as_int(id, &category)
                           ? qvl_import_desc(&m->file, category) : NULL;
    if (desc == NULL)
        return qvl_node_fail(id != NULL ? id : &f.at, r->err, QVL_E_DATA,
                             "annotations[%zu].category_id: found %.40s, "
                             "expected the id of one of categories", i,
                             id == NULL ? "nothing"
                             : id->s != NULL && id->kind != QVL_NODE_STRING
                                 ? id->s : qvl_node_kind_name(id->kind));
    QVL_TRY(qvl_import_object(r, &f, out, is_kept));
    out->desc = desc;
    return QVL_OK;
}

static int make_record(void *ctx, size_t i, int thread, qvl_arena *arena,
                       qvl_err *err)
{
    importer *m = ctx;
    outcome *out = &m->outcome[i];
    size_t place = m->first + i;
    const qvl_import_picture *p = &m->file.picture[place];
    size_t from = m->file.first[place], to = m->file.first[place + 1];
    qvl_object *object = qvl_arena_array(arena, qvl_object, to - from);
    qvl_import_reading r = { .options = m->o, .w = p->w, .h = p->h,
                             .counts = &out->counts, .arena = arena,
                             .err = err };
    const char *name;
    int n = 0;
    for (size_t k = from; k < to; k++) {
        bool is_kept;
        QVL_TRY(read_annotation(m, m->file.order[k], thread, &r, &object[n],
                                &is_kept));
        if (is_kept)
            out->counts.of_kind[object[n++].kind]++;
    }
    out->counts.n_empty = n == 0;
    out->counts.n_records = n > 0;
    if (n == 0)
        return QVL_OK;
    QVL_TRY(find_file(m, p, &name, arena, err));
    name = qvl_arena_printf(arena, "%s%s", m->prefix, name);
    qvl_record_put_picture(&out->line, name, p->w, p->h);
    qvl_record_put_objects(&out->line, object, n);
    qvl_str_puts(&out->line, "}\n");
    return QVL_OK;
}

/* ---- all records -------------------------------------------------------- */

static void add_counts(qvl_import_counts *sum, const qvl_import_counts *c)
{
    sum->n_records += c->n_records;
    for (int k = 0; k < QVL_N_GEOM; k++)
        sum->of_kind[k] += c->of_kind[k];
    sum->n_empty += c->n_empty;
    sum->n_crowd += c->n_crowd;
    sum->n_outside += c->n_outside;
    sum->n_small += c->n_small;
    sum->n_masks += c->n_masks;
    sum->n_ringless += c->n_ringless;
    sum->n_many_points += c->n_many_points;
}

/* Make the records of n pictures from m->first on, and hand them on. */
static int import_part(importer *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        qvl_str_reset(&m->outcome[i].line);
        m->outcome[i].counts = (qvl_import_counts){ 0 };
    }
    QVL_TRY(qvl_each(n, m->n_threads, make_record, m, m->work, m->err));
    for (size_t i = 0; i < n; i++) {
        const outcome *out = &m->outcome[i];
        add_counts(&m->counts, &out->counts);
        if (out->line.len > 0)
            QVL_TRY(m->sink(m->ctx, out->line.p, out->line.len, m->err));
    }
    for (int t = 0; t < m->n_threads; t++)
        qvl_arena_reset(&m->work[t]);
    return QVL_OK;
}

static int name_folders(importer *m)
{
    const char *folder;
    QVL_TRY(qvl_folder_real(&m->real, m->o->pictures, &m->arena, m->err));
    QVL_TRY(qvl_folder_check(m->real, "cannot use folder", QVL_E_IO, m->err));
    QVL_TRY(qvl_folder_real(&folder, m->o->folder, &m->arena, m->err));
    const char *name = qvl_folder_relative(folder, m->real, &m->arena);
    size_t len = strlen(name);
    bool has_slash = len == 0 || name[len - 1] == '/';
    m->prefix = has_slash ? name : qvl_arena_printf(&m->arena, "%s/", name);
    return QVL_OK;
}

static int import_steps(void *arg)
{
    importer *m = arg;
    QVL_TRY(name_folders(m));
    QVL_TRY(qvl_import_file_open(&m->file, m->err));
    size_t n = m->file.n_pictures;
    m->counts.n_pictures = n;
    m->counts.n_annotations = m->file.n_annotations;
    m->counts.n_renamed = m->file.n_renamed;
    m->n_threads = qvl_each_threads(m->o->n_threads, n);
    m->work = qvl_arena_array(&m->arena, qvl_arena, m->n_threads);
    m->scratch = qvl_arena_array(&m->arena, qvl_arena, m->n_threads);
    m->outcome = qvl_arena_array(&m->arena, outcome, PICTURES_AT_ONCE);
    for (; m->first < n; m->first += PICTURES_AT_ONCE) {
        size_t left = n - m->first;
        size_t part = left < PICTURES_AT_ONCE ? left : PICTURES_AT_ONCE;
        QVL_TRY(import_part(m, part));
        if (m->o->on_progress != NULL)
            m->o->on_progress(m->o->progress_ctx, m->first + part, n);
    }
    if (m->counts.n_records > 0)
        return QVL_OK;
    return qvl_fail(m->err, QVL_E_DATA, "file %s: found no object to keep in "
                    "%zu annotations, expected one or more", m->o->path,
                    m->counts.n_annotations);
}

int qvl_import(const qvl_import_options *options, qvl_import_sink *sink,
               void *ctx, qvl_import_counts *counts, qvl_err *err)
{
    importer m = { .o = options, .sink = sink, .ctx = ctx, .err = err,
                   .file.path = options->path,
                   .file.has_urls = options->format == QVL_IMPORT_LVIS };
    int rc = qvl_guard(import_steps, &m, err);
    for (int t = 0; t < m.n_threads && m.scratch != NULL; t++) {
        qvl_arena_release(&m.work[t]);
        qvl_arena_release(&m.scratch[t]);
    }
    for (size_t i = 0; i < PICTURES_AT_ONCE && m.outcome != NULL; i++)
        qvl_str_release(&m.outcome[i].line);
    qvl_import_file_close(&m.file);
    qvl_arena_release(&m.arena);
    if (rc == QVL_OK)
        *counts = m.counts;
    return rc;
}
