/* record.c - lines of a file, one after the other
 *
 * Memory is that of the longest line. A line that is too long is skipped to its
 * end and is a fault like any other; the next call goes on behind it.
 */
#include "data/record.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "data/record_check.h"

struct qvl_records {
    // owned
    FILE *file;
    qvl_str line;         // without its end
    qvl_arena scratch;    // of a line
    qvl_arena names;      // of path and image_root
    const char *path;
    const char *image_root;
    qvl_record_options options;
    qvl_record_counts counts;
    int n_lines;          // read
    bool is_cut;          // the line was longer than it may be
};

const char *qvl_fault_text(qvl_fault fault)
{
#define TEXT(name, text) text,
    static const char *const words[] = { QVL_FAULT_TABLE(TEXT) };
    return words[fault];
}

const char *qvl_oddity_text(qvl_oddity oddity)
{
    static const char *const words[] = { QVL_ODDITY_TABLE(TEXT) };
#undef TEXT
    return words[oddity];
}

/* ---- opening ------------------------------------------------------------ */

/* The folder of relative picture paths. */
static const char *find_root(const char *path,
                             const qvl_record_options *options,
                             qvl_arena *arena)
{
    const char *environment = getenv("ROOT_IMAGE_DIR");
    const char *slash = strrchr(path, '/');
    if (options->image_root != NULL)
        return qvl_arena_strdup(arena, options->image_root);
    if (environment != NULL && environment[0] != '\0') {
        qvl_log(QVL_LOG_INFO, "%s: pictures are looked for in %s "
                "(ROOT_IMAGE_DIR)", path, environment);
        return qvl_arena_strdup(arena, environment);
    }
    if (slash == NULL)
        return ".";
    return qvl_arena_strndup(arena, path,
                             slash > path ? (size_t)(slash - path) : 1);
}

static int open_file(qvl_records *r, const char *path, qvl_err *err)
{
    int c = EOF;
    r->file = fopen(path, "rb");
    if (r->file != NULL)
        c = getc(r->file);  // a folder opens, but cannot be read
    if (r->file == NULL || ferror(r->file))
        return qvl_file_fail("cannot open file", path, errno,
                             "a readable file", err);
    if (c != EOF)
        ungetc(c, r->file);
    r->path = qvl_arena_strdup(&r->names, path);
    r->image_root = find_root(path, &r->options, &r->names);
    return QVL_OK;
}

typedef struct {
    qvl_records *r;
    const char *path;
    qvl_err *err;
} opening;

static int open_steps(void *arg)
{
    const opening *o = arg;
    return open_file(o->r, o->path, o->err);
}

int qvl_records_open(qvl_records **out, const char *path,
                     const qvl_record_options *options, qvl_err *err)
{
    qvl_records *r = qvl_memory_zeroed(1, sizeof *r);
    opening o = { r, path, err };
    if (options != NULL)
        r->options = *options;
    int rc = qvl_guard(open_steps, &o, err);
    if (rc != QVL_OK) {
        qvl_records_close(r);
        return rc;
    }
    *out = r;
    return QVL_OK;
}

void qvl_records_close(qvl_records *r)
{
    if (r == NULL)
        return;
    if (r->file != NULL)
        fclose(r->file);
    qvl_str_release(&r->line);
    qvl_arena_release(&r->scratch);
    qvl_arena_release(&r->names);
    free(r);
}

const qvl_record_counts *qvl_records_seen(const qvl_records *r)
{
    return &r->counts;
}

/* ---- lines -------------------------------------------------------------- */

/* A line that has been cut stays so: nothing is added behind the hole. */
static void put_piece(qvl_records *r, const char *piece, size_t n)
{
    r->is_cut = r->is_cut || r->line.len + n > QVL_RECORD_MAX_BYTES;
    if (!r->is_cut)
        qvl_str_putn(&r->line, piece, n);
}

/* Read up to a line's end, which is taken and left out; false at the end of the
 * file. What goes beyond the longest line is read and forgotten. */
static bool read_line(qvl_records *r)
{
    char piece[8192];
    size_t n = 0;
    int c;
    qvl_str_reset(&r->line);
    r->is_cut = false;
    while ((c = getc_unlocked(r->file)) != EOF && c != '\n') {
        piece[n++] = (char)c;
        if (n < sizeof piece)
            continue;
        put_piece(r, piece, n);
        n = 0;
    }
    put_piece(r, piece, n);
    return c != EOF || r->line.len > 0 || r->is_cut;
}

static bool is_blank(const qvl_str *line)
{
    for (size_t i = 0; i < line->len; i++)
        if (line->p[i] != ' ' && line->p[i] != '\t' && line->p[i] != '\r')
            return false;
    return true;
}

/* The next line with something in it; false at the end. */
static bool next_line(qvl_records *r)
{
    static const char mark[] = "\xef\xbb\xbf";
    while (read_line(r)) {
        r->n_lines++;
        if (r->n_lines == 1 && r->line.len >= 3
            && memcmp(r->line.p, mark, 3) == 0) {
            memmove(r->line.p, r->line.p + 3, r->line.len - 3);
            r->line.len -= 3;
        }
        if (r->is_cut || !is_blank(&r->line))
            return true;
    }
    return false;
}

/* ---- records ------------------------------------------------------------ */

/* Parse the line. A tree that the record keeps is put into its arena; all
 * others are gone with the next line. */
static int parse_line(qvl_records *r, qvl_node **root, qvl_arena *arena,
                      qvl_err *err)
{
    qvl_arena_reset(&r->scratch);
    QVL_TRY(qvl_json_parse_at(root, r->line.p, r->line.len, r->path,
                              r->n_lines, &r->scratch, err));
    if (qvl_record_find(*root, "messages") == NULL
        && qvl_record_find(*root, "metadata") == NULL)
        return QVL_OK;
    return qvl_json_parse_at(root, r->line.p, r->line.len, r->path,
                             r->n_lines, arena, err);
}

static void count_record(qvl_records *r, const qvl_record *record)
{
    r->counts.n_records++;
    r->counts.n_objects += (size_t)record->n_objects;
    for (int i = 0; i < record->n_objects; i++)
        r->counts.of_kind[record->object[i].kind]++;
}

/* Check the line that was read; the code of its first fault. `file` is what the
 * record says of its origin; NULL: a text of its own in the arena. */
static int read_record(qvl_records *r, const char *file, qvl_record *out,
                       qvl_arena *arena, qvl_err *err)
{
    qvl_node *root;
    qvl_err first = { 0 };
    qvl_record_check c = {
        .options = &r->options, .file = r->path, .image_root = r->image_root,
        .line = r->n_lines, .arena = arena, .scratch = &r->scratch,
        .counts = &r->counts, .err = &first,
    };
    qvl_record record = { .line = r->n_lines, .index = r->counts.n_records };
    if (r->is_cut) {
        qvl_record_fault(&c, QVL_FAULT_LINE, QVL_E_DATA, NULL,
                         "found a line of more than %zu bytes, expected a "
                         "record", QVL_RECORD_MAX_BYTES);
    } else {
        qvl_err wrong = { 0 };
        int rc = parse_line(r, &root, arena, &wrong);
        if (rc == QVL_OK)
            qvl_record_check_line(&c, root, &record);
        else if (rc == QVL_E_MEMORY)
            first = wrong;
        else
            qvl_record_fault_err(&c, QVL_FAULT_JSON, &wrong);
    }
    if (first.code != QVL_OK) {
        r->counts.n_bad += c.n_faults > 0;
        if (err != NULL)
            *err = first;
        return first.code;
    }
    record.file = file != NULL ? file : qvl_arena_strdup(arena, r->path);
    count_record(r, &record);
    *out = record;
    return QVL_OK;
}

static int next_record(qvl_records *r, const char *file, qvl_record *out,
                       bool *is_end, qvl_arena *arena, qvl_err *err)
{
    size_t n_read = r->counts.n_records + r->counts.n_bad;
    bool has_more = (r->options.limit == 0 || n_read < r->options.limit)
                    && next_line(r);
    if (ferror(r->file))
        return qvl_file_fail("cannot read file", r->path, errno, "its content",
                             err);
    *is_end = !has_more;
    return has_more ? read_record(r, file, out, arena, err) : QVL_OK;
}

int qvl_records_next(qvl_records *r, qvl_record *out, bool *is_end,
                     qvl_arena *arena, qvl_err *err)
{
    return next_record(r, NULL, out, is_end, arena, err);
}

/* ---- whole files -------------------------------------------------------- */

typedef struct {
    const char *path;
    qvl_records *r;
    qvl_record *record;  // [cap] in the arena
    size_t n;
    size_t cap;
    qvl_arena *arena;
    qvl_err *err;
} loading;

static void keep(loading *l, const qvl_record *record)
{
    if (l->n == l->cap) {
        size_t cap = l->cap == 0 ? 1024 : 2 * l->cap;
        qvl_record *more = qvl_arena_array(l->arena, qvl_record, cap);
        if (l->n > 0)
            memcpy(more, l->record, l->n * sizeof *more);
        l->record = more;
        l->cap = cap;
    }
    l->record[l->n++] = *record;
}

/* The sum of all faults as one error. */
static int fail_load(const loading *l, const qvl_err *first, size_t n_bad)
{
    if (l->err != NULL)
        *l->err = *first;
    qvl_err_hint(l->err, n_bad < QVL_RECORD_MAX_FAULTS
                     ? "%s has %zu bad records; qvl data validate lists them"
                     : "%s has %zu bad records and perhaps more; qvl data "
                       "validate lists them", l->path, n_bad);
    return first->code;
}

static void report_oddities(const loading *l)
{
    const qvl_record_counts *seen = qvl_records_seen(l->r);
    for (int i = 0; i < QVL_N_ODDITIES; i++)
        if (seen->oddity[i] > 0)
            qvl_log(QVL_LOG_WARN, "%s:%d: %s: %zu in the file, the first in "
                    "this line", l->path, seen->oddity_line[i],
                    qvl_oddity_text((qvl_oddity)i), seen->oddity[i]);
}

static int load_steps(void *arg)
{
    loading *l = arg;
    const char *file = qvl_arena_strdup(l->arena, l->path);
    qvl_err first = { 0 };
    size_t n_bad = 0;
    bool is_end = false;
    while (n_bad < QVL_RECORD_MAX_FAULTS) {
        qvl_record record;
        qvl_err wrong = { 0 };
        int rc = next_record(l->r, file, &record, &is_end, l->arena, &wrong);
        if (rc == QVL_OK && is_end)
            break;
        if (rc == QVL_OK) {
            keep(l, &record);
            continue;
        }
        if (n_bad++ == 0)
            first = wrong;
        else
            qvl_log(QVL_LOG_ERROR, "%s", wrong.msg);
        if (rc == QVL_E_IO || rc == QVL_E_MEMORY)
            break;
    }
    if (n_bad > 0)
        return fail_load(l, &first, n_bad);
    report_oddities(l);
    if (l->n == 0)
        return qvl_fail(l->err, QVL_E_DATA, "file %s: found no record, "
                        "expected one or more", l->path);
    return QVL_OK;
}

int qvl_records_load(qvl_record_list *out, const char *path,
                     const qvl_record_options *options, qvl_arena *arena,
                     qvl_err *err)
{
    loading l = { .path = path, .arena = arena, .err = err };
    QVL_TRY(qvl_records_open(&l.r, path, options, err));
    int rc = qvl_guard(load_steps, &l, err);
    qvl_records_close(l.r);
    if (rc == QVL_OK)
        *out = (qvl_record_list){ l.record, l.n };
    return rc;
}
