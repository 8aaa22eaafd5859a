/* infer_batch.c - a file of records to a file of replies
 *
 * Lines come out in the order of the input, whatever order replies end in. They
 * gather in OUTPUT.part, which becomes OUTPUT when all records are done; a run
 * that was stopped goes on behind its last whole line.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/clock.h"
#include "base/log.h"
#include "cmd.h"
#include "infer.h"

#define FLUSH_S 10.0
#define HELD_WINDOWS 8  // records in memory, in times of those in work

/* A record on its way. */
typedef struct job {
    struct job *next;
    size_t index;
    qvl_arena arena;
    qvl_record record;
    qvl_record asks;   // the same with its pictures downloaded
    qvl_asked asked;   // nothing asked when it failed
    qvl_err err;
} job;

typedef struct {
    qvl_session *s;
    const infer_batch_options *o;
    qvl_err *err;
    qvl_records *records;
    job *first, *last;  // in order of the input
    job *next;          // that is being read; NULL between two
    int n_jobs;
    size_t n_read, n_done, n_skip, n_failed;
    bool is_end;
    qvl_str out;        // lines that are not written yet
    int n_lines;        // of out
    FILE *file;
    char *part;         // path of the file, NULL: standard output
    double flushed_s, told_s, start_s;
    int n_tokens;
} batch;

static volatile sig_atomic_t is_stopped;

static void stop(int sig)
{
    (void)sig;
    is_stopped = 1;
}

/* ---- the output ---------------------------------------------------------- */

static int fail_output(const batch *b)
{
    return b->part == NULL ? cmd_fail_output(b->err)
                           : qvl_file_fail("cannot write file", b->part, errno,
                                           "room", b->err);
}

static int flush(batch *b)
{
    if (b->out.len > 0 && fwrite(b->out.p, 1, b->out.len, b->file)
                              != b->out.len)
        return fail_output(b);
    if (fflush(b->file) != 0
        || (b->part != NULL && fsync(fileno(b->file)) != 0))
        return fail_output(b);
    qvl_str_reset(&b->out);
    b->n_lines = 0;
    b->flushed_s = qvl_clock_s();
    return QVL_OK;
}

/* Is the beginning of a line that of a record that failed? */
static bool is_failure(const char *head)
{
    const char *behind = strchr(head, ',');
    return behind != NULL && strncmp(behind, ", \"response\": null", 18) == 0;
}

/* Cut the part behind its last whole line; count the lines, and the failures
 * among them. */
static int take_part(batch *b)
{
    char head[64] = "";
    size_t n = 0;
    long end = 0;
    int c;
    for (long at = 0; (c = getc(b->file)) != EOF; at++) {
        if (c != '\n' && n < sizeof head - 1)
            head[n++] = (char)c;
        if (c != '\n')
            continue;
        head[n] = '\0';
        n = 0;
        end = at + 1;
        b->n_skip++;
        b->n_failed += is_failure(head);
    }
    if (fseek(b->file, end, SEEK_SET) != 0
        || ftruncate(fileno(b->file), end) != 0)
        return qvl_file_fail("cannot cut file", b->part, errno,
                             "a regular file", b->err);
    if (b->n_skip > 0)
        qvl_log(QVL_LOG_INFO, "%s: going on behind %zu replies", b->part,
                b->n_skip);
    return QVL_OK;
}

static int open_output(batch *b, qvl_arena *arena)
{
    const char *path = b->o->output;
    b->file = stdout;
    if (path == NULL || strcmp(path, "-") == 0)
        return QVL_OK;
    if (qvl_file_is_dir(path))
        return qvl_file_fail("cannot write file", path, EISDIR,
                             "the name of a file", b->err);
    if (b->o->resume && qvl_file_exists(path))
        return qvl_fail(b->err, QVL_E_USAGE,
                        "%s: found a finished file, expected none with "
                        "--resume", path);
    b->part = qvl_arena_printf(arena, "%s.part", path);
    if (!b->o->resume && qvl_file_exists(b->part)) {
        qvl_fail(b->err, QVL_E_USAGE,
                 "%s: found what an earlier run left, expected nothing",
                 b->part);
        qvl_err_hint(b->err, "go on from it with --resume, or remove it");
        b->part = NULL;
        return QVL_E_USAGE;
    }
    b->file = fopen(b->part, b->o->resume && qvl_file_exists(b->part) ? "r+b"
                                                                   : "w+b");
    if (b->file == NULL)
        return qvl_file_fail("cannot open file", b->part, errno,
                             "a place to write in", b->err);
    return take_part(b);
}

static int close_output(batch *b)
{
    QVL_TRY(flush(b));
    if (b->part == NULL)
        return QVL_OK;
    int rc = fclose(b->file);
    b->file = NULL;
    if (rc != 0)
        return fail_output(b);
    if (rename(b->part, b->o->output) == 0)
        return QVL_OK;
    rc = qvl_file_fail("cannot rename to", b->o->output, errno,
                       "a name that is free", b->err);
    qvl_err_hint(b->err, "all replies are in %s", b->part);
    return rc;
}

/* ---- jobs ---------------------------------------------------------------- */

static void verify(const job *j)
{
    const qvl_encoded *e = &j->asked.encoded;
    for (int k = 0; k < e->n_grids; k++)
        qvl_log(QVL_LOG_INFO,
                "record %zu, picture %d: %s, grid %lld x %lld x %lld, %d "
                "placeholders in all", j->index, k, j->record.image[k],
                (long long)e->grid[3 * k], (long long)e->grid[3 * k + 1],
                (long long)e->grid[3 * k + 2], e->n_image_tok);
}

static void close_job(const batch *b, job *j)
{
    if (j == NULL)
        return;
    qvl_asked_release(&j->asked, b->s);
    qvl_arena_release(&j->arena);
    free(j);
}

/* Read a record and ask; what is wrong with it alone stays with the job. */
static int next_job(batch *b)
{
    job *j = b->next = qvl_memory_zeroed(1, sizeof *j);
    int rc = qvl_records_next(b->records, &j->record, &b->is_end, &j->arena,
                              &j->err);
    j->index = b->n_read;
    if (b->is_end || rc == QVL_E_IO || rc == QVL_E_MEMORY) {
        if (rc != QVL_OK)
            *b->err = j->err;
        close_job(b, j);
        b->next = NULL;
        return rc;
    }
    b->n_read++;
    bool is_new = j->index >= b->n_skip;
    if (is_new && rc == QVL_OK)
        rc = infer_fetch_record(&j->asks, &j->record, b->o->max_bytes,
                                &j->arena, &j->err);
    if (is_new && rc == QVL_OK)
        rc = qvl_session_ask(b->s, &j->asks, j->index, &j->asked, &j->arena,
                             &j->err);
    if (rc == QVL_OK && b->o->verify && j->index < 8)
        verify(j);
    if (b->last != NULL)
        b->last->next = j;
    else
        b->first = j;
    b->last = j;
    b->next = NULL;
    b->n_jobs++;
    return QVL_OK;
}

static void drop_job(batch *b)
{
    job *j = b->first;
    b->first = j->next;
    if (b->first == NULL)
        b->last = NULL;
    close_job(b, j);
    b->n_jobs--;
}

static int finish_job(batch *b, job *j)
{
    if (j->index < b->n_skip)
        return QVL_OK;
    infer_line line = { j->index, &j->record, &j->asked,
                        qvl_session_encoder(b->s), &j->arena };
    if (j->err.code != QVL_OK) {
        infer_line_put_failure(&b->out, &line, j->err.msg);
        qvl_log(QVL_LOG_WARN, "record %zu: %s", j->index, j->err.msg);
        b->n_failed++;
    } else {
        infer_line_put(&b->out, &line);
        for (int i = 0; i < j->asked.n; i++)
            b->n_tokens += j->asked.all[i]->n;
        if (b->o->overlays != NULL && j->record.n_images > 0)
            QVL_TRY(infer_overlay(b->o->overlays, j->record.image[0], &j->asks,
                                  j->asked.reply, b->err));
    }
    b->n_lines++;
    b->n_done++;
    return QVL_OK;
}

/* Write what is done, as far as everything before it is done. */
static int finish_jobs(batch *b)
{
    while (b->first != NULL && qvl_asked_is_done(&b->first->asked)) {
        QVL_TRY(finish_job(b, b->first));
        drop_job(b);
    }
    double now = qvl_clock_s();
    if (b->n_lines >= b->o->flush_lines
        || (b->n_lines > 0 && now - b->flushed_s > FLUSH_S))
        QVL_TRY(flush(b));
    if (now - b->told_s > FLUSH_S) {
        qvl_log(QVL_LOG_INFO, "%zu records, %.1f tokens/s", b->n_done,
                b->n_tokens / (now - b->start_s));
        b->told_s = now;
    }
    return QVL_OK;
}

static bool has_failed(const qvl_asked *asked)
{
    for (int i = 0; i < asked->n; i++)
        if (asked->all[i]->finish == QVL_FINISH_FAILED)
            return true;
    return false;
}

/* One step of all replies. What fails with a reply of its own stays with that
 * record; other errors are the end. */
static int make_replies(batch *b)
{
    qvl_err err = { 0 };
    int n_lost = 0;
    int rc = qvl_generator_step(qvl_session_generator(b->s), NULL, NULL, &err);
    for (job *j = b->first; rc != QVL_OK && j != NULL; j = j->next) {
        if (j->err.code != QVL_OK || !has_failed(&j->asked))
            continue;
        j->err = err;
        n_lost++;
        qvl_asked_release(&j->asked, b->s);  // its other replies too
    }
    if (rc == QVL_OK
        || (n_lost > 0 && rc != QVL_E_DEVICE_LOST && rc != QVL_E_INTERNAL))
        return QVL_OK;
    *b->err = err;
    return rc;
}

/* As many replies wait as are in work, so that no seat stays empty, also while
 * one that takes long holds up the lines of many behind it. */
static int run_jobs(batch *b, int window)
{
    const qvl_generator *g = qvl_session_generator(b->s);
    while (!is_stopped) {
        while (!is_stopped && !b->is_end && b->n_jobs < HELD_WINDOWS * window
               && qvl_generator_n_open(g) < window)
            QVL_TRY(next_job(b));
        QVL_TRY(finish_jobs(b));
        if (b->is_end && b->n_jobs == 0)
            return QVL_OK;
        QVL_TRY(make_replies(b));
    }
    QVL_TRY(finish_jobs(b));
    QVL_TRY(flush(b));
    qvl_fail(b->err, QVL_E_INTERRUPTED, "interrupted behind %zu records",
             b->n_skip + b->n_done);
    if (b->part != NULL)
        qvl_err_hint(b->err, "--resume goes on from %s", b->part);
    return QVL_E_INTERRUPTED;
}

typedef struct {
    batch *b;
    qvl_arena arena;
    int window;
} running;

static int run_all(void *arg)
{
    running *r = arg;
    batch *b = r->b;
    qvl_record_options how = { .pictures = QVL_PICTURES_EXIST,
                               .image_root = b->o->root,
                               .has_urls = true,
                               .limit = (size_t)b->o->limit };
    QVL_TRY(qvl_records_open(&b->records, b->o->input, &how, b->err));
    if (b->o->overlays != NULL)
        QVL_TRY(qvl_file_make_dirs(b->o->overlays->folder, b->err));
    QVL_TRY(open_output(b, &r->arena));
    QVL_TRY(run_jobs(b, r->window));
    QVL_TRY(close_output(b));
    double s = qvl_clock_s() - b->start_s;
    qvl_log(QVL_LOG_INFO, "%zu records, %zu failed, %d tokens in %.1f s",
            b->n_done, b->n_failed, b->n_tokens, s);
    if (b->n_failed > 0)
        return qvl_fail(b->err, QVL_E_DATA,
                        "%s: %zu of %zu records failed, the rest is written",
                        b->o->input, b->n_failed, b->n_skip + b->n_done);
    return QVL_OK;
}

/* Lines of replies that were made before an error; a second error changes
 * nothing. */
static void keep_lines(batch *b)
{
    size_t n = b->out.len;
    while (n > 0 && b->out.p[n - 1] != '\n')
        n--;
    if (fwrite(b->out.p, 1, n, b->file) == n)
        fflush(b->file);
}

/* Close what is not finished; nothing at all is not worth a file. */
static void leave_part(batch *b)
{
    bool is_empty = fseek(b->file, 0, SEEK_END) == 0 && ftell(b->file) == 0;
    fclose(b->file);
    if (is_empty)
        remove(b->part);
}

int infer_batch(qvl_session *s, const infer_batch_options *options,
                qvl_err *err)
{
    batch b = { .s = s, .o = options, .err = err, .start_s = qvl_clock_s() };
    b.flushed_s = b.told_s = b.start_s;
    running r = { .b = &b, .window = 2 * qvl_session_seats(s) };
    /* the first signal ends the run in order, the second at once */
    struct sigaction new = { .sa_handler = stop, .sa_flags = (int)SA_RESETHAND };
    struct sigaction old_int, old_term;
    sigaction(SIGINT, &new, &old_int);
    sigaction(SIGTERM, &new, &old_term);
    int rc = qvl_guard(run_all, &r, err);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    if (rc != QVL_OK && b.file != NULL && b.out.len > 0)
        keep_lines(&b);
    while (b.first != NULL)
        drop_job(&b);
    close_job(&b, b.next);
    qvl_records_close(b.records);
    if (b.part != NULL && b.file != NULL)
        leave_part(&b);
    qvl_str_release(&b.out);
    qvl_arena_release(&r.arena);
    return rc;
}
