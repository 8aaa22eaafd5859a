/* run_log.c - logging.jsonl, event files and the history of a run
 *
 * A line is made whole in memory and written with one call where the system
 * takes it, so a kill cuts the last line at most; whoever opens the file again
 * drops that rest. What a call needs in between belongs to the log: unwinding
 * out of memory loses nothing.
 */
#include "train/run_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "train/board.h"

struct qvl_run_log {
    int fd;
    qvl_str path;      // of logging.jsonl
    qvl_board *board;  // NULL: none
    qvl_metric_style style;
    bool is_loud;
    qvl_str history;  // entries with ", " between them
    qvl_str list;     // the same in brackets
    qvl_str line;
    qvl_str tag;
};

/* ---- the file ------------------------------------------------------------ */

static int write_all(const qvl_run_log *log, const char *p, size_t n,
                     qvl_err *err)
{
    while (n > 0) {
        ssize_t done = write(log->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return qvl_file_fail("cannot write file", log->path.p,
                                 done < 0 ? errno : ENOSPC, "room", err);
        p += done;
        n -= (size_t)done;
    }
    return QVL_OK;
}

/* A kill may have left half a line: it goes. */
static int drop_cut_line(const qvl_run_log *log, qvl_err *err)
{
    off_t end = lseek(log->fd, 0, SEEK_END), at = end;
    for (char c = 0; at > 0 && c != '\n'; at -= c != '\n') {
        ssize_t n = pread(log->fd, &c, 1, at - 1);
        if (n != 1)  // 0: another process has cut the file
            return qvl_file_fail("cannot read file", log->path.p,
                                 n < 0 ? errno : EIO, "its content", err);
    }
    if (at < end && ftruncate(log->fd, at) != 0)
        return qvl_file_fail("cannot cut the last line of", log->path.p, errno,
                             "a file that can be written", err);
    return QVL_OK;
}

static int open_file(qvl_run_log *log, const char *folder, qvl_err *err)
{
    qvl_str_printf(&log->path, "%s/logging.jsonl", folder);
    log->fd = open(log->path.p, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log->fd < 0)
        return qvl_file_fail("cannot open file", log->path.p, errno,
                             "a file that can be written", err);
    return drop_cut_line(log, err);
}

/* ---- history ------------------------------------------------------------- */

/* Keep what stands in the brackets of a list that is one. */
static int take_history(qvl_run_log *log, const char *json, qvl_arena *arena,
                        qvl_err *err)
{
    qvl_node *root;
    QVL_TRY(qvl_json_parse(&root, json, strlen(json), "log_history", arena,
                           err));
    if (root->kind != QVL_NODE_LIST)
        return qvl_fail(err, QVL_E_FORMAT, "log_history: found %s, expected a "
                        "list", qvl_node_kind_name(root->kind));
    if (root->n > 0) {
        const char *first = strchr(json, '[') + 1;
        const char *end = strrchr(json, ']');
        qvl_str_putn(&log->history, first, (size_t)(end - first));
    }
    return QVL_OK;
}

const char *qvl_run_log_history(qvl_run_log *log)
{
    qvl_str_reset(&log->list);
    qvl_str_putc(&log->list, '[');
    qvl_str_putn(&log->list, log->history.p, log->history.len);
    qvl_str_putc(&log->list, ']');
    return log->list.p;
}

/* ---- calls --------------------------------------------------------------- */

typedef struct {
    qvl_run_log *log;
    const qvl_run_log_options *o;
    qvl_arena arena;  // of the history as a tree
    qvl_err *err;
} opening;

static int open_steps(void *arg)
{
    opening *w = arg;
    const qvl_run_log_options *o = w->o;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (o->history != NULL)
        QVL_TRY(take_history(w->log, o->history, &w->arena, w->err));
    QVL_TRY(open_file(w->log, o->folder, w->err));
    if (o->board_folder == NULL)
        return QVL_OK;
    return qvl_board_open(&w->log->board, o->board_folder,
                          (double)now.tv_sec + 1e-9 * (double)now.tv_nsec,
                          w->err);
}

int qvl_run_log_open(qvl_run_log **log, const qvl_run_log_options *options,
                     qvl_err *err)
{
    qvl_run_log *l = qvl_memory_zeroed(1, sizeof *l);
    *l = (qvl_run_log){ .fd = -1, .style = options->style,
                        .is_loud = options->is_loud };
    opening w = { .log = l, .o = options, .err = err };
    int rc = qvl_guard(open_steps, &w, err);
    qvl_arena_release(&w.arena);
    if (rc != QVL_OK) {
        qvl_run_log_close(l);
        return rc;
    }
    *log = l;
    return QVL_OK;
}

void qvl_run_log_close(qvl_run_log *log)
{
    if (log == NULL)
        return;
    if (log->fd >= 0)
        close(log->fd);
    qvl_board_close(log->board);
    qvl_str_release(&log->history);
    qvl_str_release(&log->list);
    qvl_str_release(&log->line);
    qvl_str_release(&log->tag);
    qvl_str_release(&log->path);
    free(log);
}

int qvl_run_log_put_line(qvl_run_log *log, const char *json, qvl_err *err)
{
    qvl_str_reset(&log->line);
    qvl_str_printf(&log->line, "%s\n", json);
    return write_all(log, log->line.p, log->line.len, err);
}

static int put_event(qvl_run_log *log, const qvl_metrics *m, const char *part,
                     const qvl_metric_place *place, qvl_err *err)
{
    qvl_str *tag = &log->tag;
    double v;
    for (int k = 0; k < m->n; k++) {
        if (!qvl_metrics_value(m, k, &v))
            continue;
        qvl_str_reset(tag);
        qvl_metrics_tag(tag, m->v[k].name, part, QVL_STYLE_PREFIXED);
        qvl_board_put(log->board, tag->p, v);
    }
    return qvl_board_commit(log->board, place->step, place->time, err);
}

int qvl_run_log_put(qvl_run_log *log, const qvl_metrics *m, const char *part,
                    const qvl_metric_place *place, qvl_err *err)
{
    qvl_str_reset(&log->line);
    qvl_metrics_line(&log->line, m, part, log->style, place);
    QVL_TRY(write_all(log, log->line.p, log->line.len, err));
    if (log->is_loud)
        qvl_log(QVL_LOG_INFO, "%.*s", (int)log->line.len - 1, log->line.p);
    if (log->history.len > 0)
        qvl_str_puts(&log->history, ", ");
    qvl_metrics_history(&log->history, m, part, place);
    return log->board != NULL ? put_event(log, m, part, place, err) : QVL_OK;
}
