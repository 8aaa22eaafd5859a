/* record.c - lines of a file, one after the other
 *
 * Memory is that of the longest line, or of the lines that are read together: a
 * reader uses it again for those that come next. A line that is too long is skipped
 * to its end and is a fault like any other; the next call goes on behind it.
 */
#include "data/record.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/each.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "data/record_check.h"

/* Beginning a thread pays for more lines than this, of some 700 bytes. */
#define LINES_PER_THREAD 16

/* Lines of a file that is loaded, at a time. */
#define LOAD_LINES 8192

struct qvl_records {
    // owned
    FILE *file;
    qvl_str line;         // without its end
    qvl_arena scratch[QVL_EACH_MOST];  // of a line, by thread
    qvl_arena part[QVL_EACH_MOST];     // of the records read together, by thread
    qvl_arena lines;      // of their lines
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
    if (options->image_root != NULL)
        return qvl_arena_strdup(arena, options->image_root);
    if (environment != NULL && environment[0] != '\0') {
        qvl_log(QVL_LOG_INFO, "%s: pictures are looked for in %s "
                "(ROOT_IMAGE_DIR)", path, environment);
        return qvl_arena_strdup(arena, environment);
    }
    return qvl_folder_above(path, arena);
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
    for (int t = 0; t < QVL_EACH_MOST; t++) {
        qvl_arena_release(&r->scratch[t]);
        qvl_arena_release(&r->part[t]);
    }
    qvl_arena_release(&r->lines);
    qvl_arena_release(&r->names);
    free(r);
}

const qvl_record_counts *qvl_records_seen(const qvl_records *r)
{
    return &r->counts;
}

const char *qvl_records_image_root(const qvl_records *r)
{
    return r->image_root;
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

/* A line on its way to a record. */
typedef struct {
    const char *text;  // [len]
    size_t len;
    int number;        // in the file
    bool is_cut;
} source_line;

/* Where the check of a line puts what it finds. */
typedef struct {
    const qvl_record_options *options;
    qvl_record_counts *counts;  // of faults and oddities
    qvl_arena *scratch;         // of the line
} outlet;

/* Parse a line. A tree that the record keeps is put into its arena; all others are
 * gone with the next line. */
static int parse_line(const qvl_records *r, const source_line *line,
                      qvl_node **root, qvl_arena *scratch, qvl_arena *arena,
                      qvl_err *err)
{
    qvl_arena_reset(scratch);
    QVL_TRY(qvl_json_parse_at(root, line->text, line->len, r->path,
                              line->number, scratch, err));
    if (qvl_record_find(*root, "messages") == NULL
        && qvl_record_find(*root, "metadata") == NULL)
        return QVL_OK;
    return qvl_json_parse_at(root, line->text, line->len, r->path,
                             line->number, arena, err);
}

/* What is wrong with a line. */
typedef struct {
    int n_faults;
    const bool *is_bad_object;  // [objects]; NULL: none is
} findings;

/* Check a line; the code of its first fault. `file` and `index` are left out of the
 * record. */
static int check_line(const qvl_records *r, const source_line *line,
                      const outlet *to, qvl_record *out, findings *found,
                      qvl_arena *arena, qvl_err *first)
{
    qvl_node *root;
    qvl_record_check c = {
        .options = to->options, .file = r->path, .image_root = r->image_root,
        .line = line->number, .arena = arena, .scratch = to->scratch,
        .counts = to->counts, .err = first,
    };
    *first = (qvl_err){ 0 };
    *out = (qvl_record){ .line = line->number };
    if (line->is_cut) {
        qvl_record_fault(&c, QVL_FAULT_LINE, QVL_E_DATA, NULL,
                         "found a line of more than %zu bytes, expected a "
                         "record", QVL_RECORD_MAX_BYTES);
    } else {
        qvl_err wrong = { 0 };
        int rc = parse_line(r, line, &root, to->scratch, arena, &wrong);
        if (rc == QVL_OK)
            qvl_record_check_line(&c, root, out);
        else if (rc == QVL_E_MEMORY)
            *first = wrong;
        else
            qvl_record_fault_err(&c, QVL_FAULT_JSON, &wrong);
    }
    *found = (findings){ c.n_faults, c.is_bad_object };
    return first->code;
}

static void count_record(qvl_records *r, qvl_record *record)
{
    record->index = r->counts.n_records++;
    r->counts.n_objects += (size_t)record->n_objects;
    for (int i = 0; i < record->n_objects; i++)
        r->counts.of_kind[record->object[i].kind]++;
}

/* Find the next line with a record, *has_more; not behind the limit, of which
 * n_pending that were found before are to be counted yet. */
static int find_line(qvl_records *r, size_t n_pending, bool *has_more,
                     qvl_err *err)
{
    size_t n_read = r->counts.n_records + r->counts.n_bad + n_pending;
    *has_more = (r->options.limit == 0 || n_read < r->options.limit)
                && next_line(r);
    if (ferror(r->file))
        return qvl_file_fail("cannot read file", r->path, errno, "its content",
                             err);
    return QVL_OK;
}

static source_line line_at_hand(const qvl_records *r)
{
    return (source_line){ r->line.p, r->line.len, r->n_lines, r->is_cut };
}

int qvl_records_next(qvl_records *r, qvl_record *out, bool *is_end,
                     qvl_arena *arena, qvl_err *err)
{
    bool has_more;
    qvl_record record;
    qvl_err first;
    findings found;
    QVL_TRY(find_line(r, 0, &has_more, err));
    *is_end = !has_more;
    if (!has_more)
        return QVL_OK;
    source_line line = line_at_hand(r);
    outlet to = { &r->options, &r->counts, &r->scratch[0] };
    if (check_line(r, &line, &to, &record, &found, arena, &first) != QVL_OK) {
        r->counts.n_bad += found.n_faults > 0;
        if (err != NULL)
            *err = first;
        return first.code;
    }
    record.file = qvl_arena_strdup(arena, r->path);
    count_record(r, &record);
    *out = record;
    return QVL_OK;
}

/* ---- many records ------------------------------------------------------- */

/* A fault that is told when its line's turn comes. */
typedef struct told {
    struct told *next;
    qvl_fault fault;
    const char *text;
} told;

typedef struct {
    source_line line;
    qvl_record record;
    qvl_err *err;      // NULL: the record is good
    findings found;
    qvl_arena *arena;  // of the thread that has it
    told *first, **end;
} many_line;

typedef struct {
    qvl_records *r;
    many_line *line;            // [n]
    size_t n;
    int n_threads;
    qvl_record_counts *counts;  // [n_threads] of faults and oddities
} many;

static void keep_fault(void *ctx, qvl_fault fault, int line, const char *text)
{
    (void)line;
    many_line *l = ctx;
    told *t = qvl_arena_alloc(l->arena, sizeof *t);
    *t = (told){ .fault = fault, .text = qvl_arena_strdup(l->arena, text) };
    *l->end = t;
    l->end = &t->next;
}

static int check_one(void *ctx, size_t i, int thread, qvl_arena *arena,
                     qvl_err *err)
{
    const many *m = ctx;
    many_line *l = &m->line[i];
    qvl_record_options options = m->r->options;
    options.on_fault = keep_fault;
    options.ctx = l;
    l->arena = arena;
    l->end = &l->first;
    outlet to = { &options, &m->counts[thread], &m->r->scratch[thread] };
    qvl_err first;
    int rc = check_line(m->r, &l->line, &to, &l->record, &l->found, arena,
                        &first);
    if (rc == QVL_OK)
        return QVL_OK;
    if (l->found.n_faults == 0) {  // no fault of the line: memory
        if (err != NULL)
            *err = first;
        return rc;
    }
    l->err = qvl_arena_alloc(arena, sizeof *l->err);
    *l->err = first;
    return QVL_OK;
}

/* Copy lines, up to `most` and so many bytes; those of a long file stay few. */
static int collect(many *m, size_t most, qvl_err *err)
{
    qvl_records *r = m->r;
    size_t bytes = 0;
    m->line = qvl_arena_array(&r->lines, many_line, most);
    while (m->n < most && bytes < QVL_RECORDS_MANY_BYTES) {
        bool has_more;
        QVL_TRY(find_line(r, m->n, &has_more, err));
        if (!has_more)
            break;
        source_line line = line_at_hand(r);
        line.text = qvl_arena_strndup(&r->lines, r->line.len > 0 ? r->line.p : "",
                                      r->line.len);
        m->line[m->n++].line = line;
        bytes += line.len;
    }
    return QVL_OK;
}

static void add_counts(qvl_record_counts *sum, const qvl_record_counts *part)
{
    sum->n_relative += part->n_relative;
    for (int i = 0; i < QVL_N_FAULTS; i++)
        sum->fault[i] += part->fault[i];
    for (int i = 0; i < QVL_N_ODDITIES; i++) {
        int line = part->oddity_line[i];
        if (line > 0
            && (sum->oddity_line[i] == 0 || line < sum->oddity_line[i]))
            sum->oddity_line[i] = line;
        sum->oddity[i] += part->oddity[i];
    }
}

/* What the lines gave, in their order: faults are told, records counted. */
static void settle(qvl_records *r, const many *m, const char *file,
                   qvl_record_result *out)
{
    for (size_t i = 0; i < m->n; i++) {
        many_line *l = &m->line[i];
        out[i] = (qvl_record_result){
            .err = l->err, .text = l->line.text, .len = l->line.len,
        };
        if (r->options.on_fault != NULL)
            for (const told *t = l->first; t != NULL; t = t->next)
                r->options.on_fault(r->options.ctx, t->fault, l->line.number,
                                    t->text);
        l->record.file = file;
        if (l->err != NULL) {
            r->counts.n_bad++;
            out[i].rest = &l->record;
            out[i].is_bad_object = l->found.is_bad_object;
            continue;
        }
        count_record(r, &l->record);
        out[i].record = &l->record;
    }
}

typedef struct {
    qvl_records *r;
    int n_threads;
    size_t most;
    const char *file;  // what records say of their origin
    qvl_record_result *out;
    size_t n;
    qvl_err *err;
} many_call;

static int many_steps(void *arg)
{
    many_call *c = arg;
    qvl_records *r = c->r;
    many m = { .r = r };
    qvl_arena_reset(&r->lines);
    for (int t = 0; t < QVL_EACH_MOST; t++)
        qvl_arena_reset(&r->part[t]);
    QVL_TRY(collect(&m, c->most, c->err));
    m.n_threads = qvl_each_threads(c->n_threads, m.n / LINES_PER_THREAD);
    m.counts = qvl_arena_array(&r->lines, qvl_record_counts, m.n_threads);
    QVL_TRY(qvl_each(m.n, m.n_threads, check_one, &m, r->part, c->err));
    c->out = qvl_arena_array(&r->lines, qvl_record_result, m.n);
    c->n = m.n;
    for (int t = 0; t < m.n_threads; t++)
        add_counts(&r->counts, &m.counts[t]);
    settle(r, &m, c->file, c->out);
    return QVL_OK;
}

int qvl_records_many(qvl_records *r, size_t most, int n_threads,
                     const qvl_record_result **out, size_t *n, qvl_err *err)
{
    many_call c = { .r = r, .n_threads = n_threads, .most = most,
                    .file = r->path, .err = err };
    QVL_TRY(qvl_guard(many_steps, &c, err));
    *out = c.out;
    *n = c.n;
    return QVL_OK;
}

/* ---- whole files -------------------------------------------------------- */

typedef struct {
    const char *path;
    qvl_records *r;
    qvl_record *record;  // [cap] in the arena
    size_t n;
    size_t cap;
    int n_threads;
    size_t n_bad;
    qvl_err first;       // of a bad record
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

/* Records that were read together are to stay. */
static void take_part(const loading *l)
{
    for (int t = 0; t < QVL_EACH_MOST; t++)
        qvl_arena_join(l->arena, &l->r->part[t]);
}

/* Bad records of a part: the first error is kept, others are reported. */
static void note_bad(loading *l, const qvl_record_result *result)
{
    if (l->n_bad++ == 0)
        l->first = *result->err;
    else
        qvl_log(QVL_LOG_ERROR, "%s", result->err->msg);
}

static int load_steps(void *arg)
{
    loading *l = arg;
    const char *file = qvl_arena_strdup(l->arena, l->path);
    for (;;) {
        many_call c = { .r = l->r, .n_threads = l->n_threads,
                        .most = LOAD_LINES, .file = file, .err = l->err };
        QVL_TRY(many_steps(&c));
        for (size_t i = 0; i < c.n && l->n_bad < QVL_RECORD_MAX_FAULTS; i++)
            if (c.out[i].record != NULL)
                keep(l, c.out[i].record);
            else
                note_bad(l, &c.out[i]);
        take_part(l);
        if (c.n == 0 || l->n_bad == QVL_RECORD_MAX_FAULTS)
            break;
    }
    if (l->n_bad > 0)
        return fail_load(l, &l->first, l->n_bad);
    report_oddities(l);
    if (l->n == 0)
        return qvl_fail(l->err, QVL_E_DATA, "file %s: found no record, "
                        "expected one or more", l->path);
    return QVL_OK;
}

int qvl_records_load(qvl_record_list *out, const char *path,
                     const qvl_record_options *options, int n_threads,
                     qvl_arena *arena, qvl_err *err)
{
    loading l = { .path = path, .n_threads = n_threads, .arena = arena,
                  .err = err };
    QVL_TRY(qvl_records_open(&l.r, path, options, err));
    int rc = qvl_guard(load_steps, &l, err);
    qvl_records_close(l.r);
    if (rc == QVL_OK)
        *out = (qvl_record_list){ l.record, l.n };
    return rc;
}
