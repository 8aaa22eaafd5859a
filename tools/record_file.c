/* record_file.c - the lines of a JSONL file, to be written again as they are */
#include "record_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "base/log.h"
#include "data/record.h"

#define RECORDS_AT_ONCE 4096

typedef struct {
    record_file f;
    size_t cap;
    qvl_records *records;
    const record_file_rules *rules;
    qvl_arena *arena;
    qvl_err *err;
} loading;

static void keep(loading *l, const qvl_record_result *result)
{
    record_file *f = &l->f;
    if (f->n == l->cap) {
        l->cap = l->cap == 0 ? 1024 : 2 * l->cap;
        record_line *more = qvl_arena_array(l->arena, record_line, l->cap);
        if (f->n > 0)
            memcpy(more, f->line, f->n * sizeof *more);
        f->line = more;
    }
    f->line[f->n++] = (record_line){
        .text = qvl_arena_strndup(l->arena, result->text, result->len),
        .len = result->len, .n_objects = result->record->n_objects,
        .number = result->record->line,
    };
}

static int load_all(loading *l)
{
    for (;;) {
        const qvl_record_result *result;
        size_t n;
        QVL_TRY(qvl_records_many(l->records, RECORDS_AT_ONCE, 0, &result, &n,
                                 l->err));
        for (size_t i = 0; i < n; i++) {
            if (result[i].record == NULL) {
                *l->err = *result[i].err;
                qvl_err_hint(l->err, "qvl data validate lists all bad records");
                return l->err->code;
            }
            if (l->rules->check != NULL)
                QVL_TRY(l->rules->check(l->rules->ctx, result[i].record, l->err));
            keep(l, &result[i]);
        }
        if (n == 0)
            return QVL_OK;
    }
}

static int load_steps(void *arg)
{
    loading *l = arg;
    const char *root = getenv("ROOT_IMAGE_DIR");
    QVL_TRY(load_all(l));
    if (qvl_records_seen(l->records)->n_relative == 0)
        return QVL_OK;
    l->f.is_bound = root == NULL || root[0] == '\0';
    l->f.image_root = qvl_arena_strdup(l->arena,
                                       qvl_records_image_root(l->records));
    return QVL_OK;
}

int record_file_load(record_file *f, const char *path, qvl_arena *arena,
                     qvl_err *err)
{
    static const record_file_rules rules = { .options.has_urls = true };
    return record_file_load_by(f, path, &rules, arena, err);
}

int record_file_load_by(record_file *f, const char *path,
                        const record_file_rules *rules, qvl_arena *arena,
                        qvl_err *err)
{
    loading l = { .f.path = path, .rules = rules, .arena = arena, .err = err };
    QVL_TRY(qvl_records_open(&l.records, path, &rules->options, err));
    int rc = qvl_guard(load_steps, &l, err);
    qvl_records_close(l.records);
    if (rc != QVL_OK)
        return rc;
    if (l.f.n == 0)
        return qvl_fail(err, QVL_E_DATA, "file %s: found no record, expected "
                        "one or more", path);
    *f = l.f;
    return QVL_OK;
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
    const char *from = qvl_folder_above(c->f->path, &c->arena);
    const char *to = qvl_folder_above(c->path, &c->arena);
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

void record_file_warn_of_root(const char *output)
{
    const char *root = getenv("ROOT_IMAGE_DIR");
    if (root != NULL && root[0] != '\0')
        qvl_log(QVL_LOG_WARN, "%s: its pictures are named relative to its own "
                "folder, not to ROOT_IMAGE_DIR (%s)", output, root);
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
