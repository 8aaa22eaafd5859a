/* record_file.c - the lines of a JSONL file, to be written again as they are */
#include "record_file.h"

#include <stdlib.h>
#include <string.h>

#include "data/record.h"

/* Stands in front of relative names of pictures, as the folder of them all. No
 * other name begins with it: that of a file has '/' there, a URL a letter. */
#define FOLDER ":"

static bool is_bound(const qvl_record *record)
{
    const char *root = getenv("ROOT_IMAGE_DIR");
    for (int i = 0; i < record->n_images; i++)
        if (strncmp(record->image[i], FOLDER "/", 2) == 0)
            return root == NULL || root[0] == '\0';
    return false;
}

typedef struct {
    record_file f;
    size_t cap;
    qvl_records *records;
    qvl_arena *arena;
    qvl_arena scratch;  // of a record
    qvl_err *err;
} loading;

static void keep(loading *l, const qvl_record *record)
{
    record_file *f = &l->f;
    if (f->n == l->cap) {
        l->cap = l->cap == 0 ? 1024 : 2 * l->cap;
        record_line *more = qvl_arena_array(l->arena, record_line, l->cap);
        if (f->n > 0)
            memcpy(more, f->line, f->n * sizeof *more);
        f->line = more;
    }
    size_t len;
    const char *text = qvl_records_line(l->records, &len);
    f->line[f->n++] = (record_line){
        .text = qvl_arena_strndup(l->arena, text, len), .len = len,
        .n_objects = record->n_objects,
    };
    f->is_bound = f->is_bound || is_bound(record);
}

static int load_all(void *arg)
{
    loading *l = arg;
    for (;;) {
        bool is_end;
        qvl_record record;
        qvl_arena_reset(&l->scratch);
        int rc = qvl_records_next(l->records, &record, &is_end, &l->scratch,
                                  l->err);
        if (rc == QVL_E_DATA || rc == QVL_E_FORMAT)
            qvl_err_hint(l->err, "qvl data validate lists all bad records");
        if (rc != QVL_OK || is_end)
            return rc;
        keep(l, &record);
    }
}

int record_file_load(record_file *f, const char *path, qvl_arena *arena,
                     qvl_err *err)
{
    loading l = { .f.path = path, .arena = arena, .err = err };
    qvl_record_options options = { .image_root = FOLDER, .has_urls = true };
    QVL_TRY(qvl_records_open(&l.records, path, &options, err));
    int rc = qvl_guard(load_all, &l, err);
    qvl_records_close(l.records);
    qvl_arena_release(&l.scratch);
    if (rc != QVL_OK)
        return rc;
    if (l.f.n == 0)
        return qvl_fail(err, QVL_E_DATA, "file %s: found no record, expected "
                        "one or more", path);
    *f = l.f;
    return QVL_OK;
}

/* The folder of a path: the part up to its last '/', "." without one. */
static const char *folder_of(const char *path, qvl_arena *arena)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return ".";
    return qvl_arena_strndup(arena, path,
                             slash > path ? (size_t)(slash - path) : 1);
}

typedef struct {
    const record_file *f;
    const char *path;
    qvl_arena arena;
    qvl_err *err;
} checking;

static int check_folder(void *arg)
{
    checking *c = arg;
    const char *from = folder_of(c->f->path, &c->arena);
    const char *to = folder_of(c->path, &c->arena);
    if (!c->f->is_bound || qvl_file_is_same(from, to))
        return QVL_OK;
    qvl_fail(c->err, QVL_E_USAGE, "output (%s): found another folder, expected "
             "%s, to which pictures are relative", c->path, from);
    qvl_err_hint(c->err, "or set ROOT_IMAGE_DIR to the folder of the pictures, "
                 "now and whenever the new file is read");
    return QVL_E_USAGE;
}

int record_file_begin(qvl_file_out **out, const record_file *f,
                      const char *path, qvl_err *err)
{
    checking c = { .f = f, .path = path, .err = err };
    if (qvl_file_is_same(f->path, path))
        return qvl_fail(err, QVL_E_USAGE, "output (%s): found the file that is "
                        "read, expected another", path);
    int rc = qvl_guard(check_folder, &c, err);
    qvl_arena_release(&c.arena);
    return rc == QVL_OK ? qvl_file_out_open(out, path, err) : rc;
}

int record_file_put(qvl_file_out *out, const record_file *f,
                    const size_t *record, size_t n, qvl_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const record_line *line = &f->line[record[i]];
        QVL_TRY(qvl_file_out_write(out, line->text, line->len, err));
        QVL_TRY(qvl_file_out_write(out, "\n", 1, err));
    }
    return QVL_OK;
}
