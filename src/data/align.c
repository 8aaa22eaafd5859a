/* align.c - records read, pictures made, records written
 *
 * The file of records is read twice: first for the names of all pictures, then, when
 * these are written, to be written itself, some hundred lines at a time.
 */
#include "data/align.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/each.h"
#include "base/file.h"
#include "base/str.h"
#include "data/align_picture.h"
#include "data/picture.h"
#include "data/record.h"
#include "data/record_edit.h"

#define RECORDS_AT_ONCE 1024

typedef struct {
    const qvl_align_options *o;
    qvl_arena arena;
    qvl_arena part;          // of the records that are read together
    qvl_records *records;
    qvl_align_set set;
    qvl_file_out *out;
    int n_threads;
    qvl_arena *work;         // [n_threads]
    qvl_str *bytes;          // [n_threads] of a new picture
    qvl_str *line;           // [RECORDS_AT_ONCE]
    const qvl_record_result *result;  // of those read together
    qvl_align_counts counts;
    qvl_err *err;
} aligner;

/* ---- reading ------------------------------------------------------------ */

static int open_records(aligner *a, qvl_picture_check pictures)
{
    qvl_record_options options = {
        .pictures = pictures,
        .image_root = a->records != NULL
                          ? qvl_arena_strdup(&a->arena,
                                             qvl_records_image_root(a->records))
                          : NULL,
    };
    qvl_records_close(a->records);
    a->records = NULL;
    return qvl_records_open(&a->records, a->o->input, &options, a->err);
}

/* Read some records, all of which have to be good; *n is 0 at the end. */
static int read_part(aligner *a, size_t *n)
{
    qvl_arena_reset(&a->part);
    QVL_TRY(qvl_records_many(a->records, RECORDS_AT_ONCE, a->o->n_threads,
                             &a->result, n, a->err));
    for (size_t i = 0; i < *n; i++)
        if (a->result[i].record == NULL) {
            *a->err = *a->result[i].err;
            qvl_err_hint(a->err, "qvl data validate lists all bad records");
            return a->err->code;
        }
    return QVL_OK;
}

static int collect_pictures(aligner *a)
{
    size_t n;
    for (;;) {
        QVL_TRY(read_part(a, &n));
        if (n == 0)
            break;
        a->counts.n_records += n;
        for (size_t i = 0; i < n; i++) {
            const qvl_record *r = a->result[i].record;
            for (int k = 0; k < r->n_images; k++)
                if (qvl_picture_is_data(r->image[k]))
                    a->counts.n_inline++;
                else
                    qvl_align_set_add(&a->set, r->image[k]);
        }
    }
    if (a->counts.n_records == 0)
        return qvl_fail(a->err, QVL_E_DATA, "file %s: found no record, expected"
                        " one or more", a->o->input);
    return QVL_OK;
}

static void count_pictures(aligner *a)
{
    for (size_t i = 0; i < a->set.n; i++) {
        const qvl_align_entry *e = &a->set.entry[i];
        if (e->is_twin)
            continue;
        a->counts.n_pictures++;
        a->counts.n_copied += e->plan.is_copied;
        a->counts.n_renamed += e->plan.is_renamed;
    }
}

/* ---- records ------------------------------------------------------------ */

/* The bytes of the new picture of a data: URL; *is_made is false when it stays. */
static int make_inline(const aligner *a, const char *url, qvl_str *bytes,
                       bool *is_made, qvl_err *err)
{
    qvl_picture_file f;
    qvl_align_plan plan;
    QVL_TRY(qvl_picture_open(&f, url, err));
    int rc = qvl_align_plan_picture(&plan, &f.file, a->o, err);
    *is_made = rc == QVL_OK && !plan.is_copied;
    if (*is_made)
        rc = qvl_align_make(bytes, &f.file, &plan, a->o, err);
    qvl_picture_close(&f);
    return rc;
}

/* What the record calls the picture from now on; NULL: as before. */
static int name_picture(const aligner *a, const char *path, const char **name,
                        int thread, qvl_arena *arena, qvl_err *err)
{
    if (qvl_picture_is_data(path)) {
        qvl_str *bytes = &a->bytes[thread];
        bool is_made;
        qvl_str_reset(bytes);
        QVL_TRY(make_inline(a, path, bytes, &is_made, err));
        *name = is_made ? qvl_picture_data((const uint8_t *)bytes->p,
                                           bytes->len, arena) : NULL;
        return QVL_OK;
    }
    const qvl_align_entry *e = qvl_align_set_find(&a->set, path);
    if (e == NULL)
        return qvl_fail(err, QVL_E_DATA, "%s: found picture %s, which was not "
                        "there before, expected a file that stays as it is",
                        a->o->input, path);
    *name = e->name;
    return QVL_OK;
}

static int write_line(void *ctx, size_t i, int thread, qvl_arena *arena,
                      qvl_err *err)
{
    aligner *a = ctx;
    const qvl_record *r = a->result[i].record;
    const char **name = qvl_arena_array(arena, const char *, r->n_images);
    qvl_record_changes changes = { .image = name };
    qvl_json_part line = { .p = a->result[i].text, .len = a->result[i].len,
                           .file = a->o->input, .line = r->line, .col = 1 };
    for (int k = 0; k < r->n_images; k++)
        QVL_TRY(name_picture(a, r->image[k], &name[k], thread, arena, err));
    const char *where = qvl_arena_printf(arena, "%s:%d", a->o->input, r->line);
    if (r->w > 0)
        QVL_TRY(qvl_align_plan_size(&changes.h, &changes.w, r->h, r->w, where,
                                    &a->o->limits, err));
    qvl_str_reset(&a->line[i]);
    QVL_TRY(qvl_record_edit(&a->line[i], &line, r, &changes, arena, err));
    qvl_str_putc(&a->line[i], '\n');
    return QVL_OK;
}

static int write_records(aligner *a)
{
    a->n_threads = qvl_each_threads(a->o->n_threads, a->counts.n_records);
    a->line = qvl_arena_array(&a->arena, qvl_str, RECORDS_AT_ONCE);
    a->bytes = qvl_arena_array(&a->arena, qvl_str, a->n_threads);
    a->work = qvl_arena_array(&a->arena, qvl_arena, a->n_threads);
    for (;;) {
        size_t n;
        QVL_TRY(read_part(a, &n));
        if (n == 0)
            return QVL_OK;
        QVL_TRY(qvl_each(n, a->n_threads, write_line, a, a->work, a->err));
        for (size_t i = 0; i < n; i++)
            QVL_TRY(qvl_file_out_write(a->out, a->line[i].p, a->line[i].len,
                                       a->err));
        for (int t = 0; t < a->n_threads; t++)
            qvl_arena_reset(&a->work[t]);
    }
}

/* ---- all of it ---------------------------------------------------------- */

static int align_steps(void *arg)
{
    aligner *a = arg;
    if (qvl_file_is_same(a->o->input, a->o->output))
        return qvl_fail(a->err, QVL_E_USAGE, "output (%s): found the file that "
                        "is read, expected another", a->o->output);
    QVL_TRY(open_records(a, QVL_PICTURES_MEASURED));
    a->set = (qvl_align_set){ .o = a->o, .arena = &a->arena,
                              .root = qvl_arena_strdup(
                                  &a->arena, qvl_records_image_root(a->records)) };
    QVL_TRY(collect_pictures(a));
    QVL_TRY(qvl_align_set_plan(&a->set, a->o->n_threads, a->err));
    count_pictures(a);
    QVL_TRY(qvl_file_out_open(&a->out, a->o->output, a->err));
    QVL_TRY(qvl_align_set_write(&a->set, a->o->n_threads, a->err));
    QVL_TRY(open_records(a, QVL_PICTURES_NAMED));
    QVL_TRY(write_records(a));
    qvl_file_out *out = a->out;
    a->out = NULL;
    return qvl_file_out_commit(out, a->err);
}

int qvl_align(const qvl_align_options *options, qvl_align_counts *counts,
              qvl_err *err)
{
    assert(options->quality >= 1 && options->quality <= 100);

    qvl_err own = { 0 };
    aligner a = { .o = options, .err = err != NULL ? err : &own };
    int rc = qvl_guard(align_steps, &a, a.err);
    qvl_file_out_abort(a.out);
    qvl_records_close(a.records);
    for (int t = 0; t < a.n_threads && a.work != NULL; t++) {
        qvl_arena_release(&a.work[t]);
        qvl_str_release(&a.bytes[t]);
    }
    for (size_t i = 0; i < RECORDS_AT_ONCE && a.line != NULL; i++)
        qvl_str_release(&a.line[i]);
    qvl_arena_release(&a.part);
    qvl_arena_release(&a.arena);
    if (rc == QVL_OK)
        *counts = a.counts;
    return rc;
}
