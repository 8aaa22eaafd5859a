/* eval_file.c - rows of a file with answers, and reports
 *
 * One line is in memory at a time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "cmd.h"
#include "eval.h"

typedef struct {
    const char *path;
    FILE *file;
    char *line;  // of getline
    size_t cap;
    qvl_arena arena;  // of one line
    eval_row_fn *take;
    void *ctx;
    qvl_err *err;
} reading;

static bool is_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r' && p[i] != '\n')
            return false;
    return true;
}

static int read_line(reading *r, size_t len, int number, bool is_first)
{
    qvl_node *row;
    qvl_arena_reset(&r->arena);
    const char *name =
        qvl_arena_printf(&r->arena, "%s line %d", r->path, number);
    QVL_TRY(qvl_json_parse(&row, r->line, len, name, &r->arena, r->err));
    if (row->kind != QVL_NODE_MAP)
        return qvl_node_fail(row, r->err, QVL_E_DATA,
                             "row: found %s, expected a map",
                             qvl_node_kind_name(row->kind));
    return r->take(r->ctx, row, is_first, &r->arena, r->err);
}

static int read_lines(void *arg)
{
    reading *r = arg;
    bool is_first = true;
    ssize_t len;
    for (int n = 1; (len = getline(&r->line, &r->cap, r->file)) >= 0; n++) {
        len -= len > 0 && r->line[len - 1] == '\n';
        if (is_blank(r->line, (size_t)len))
            continue;
        QVL_TRY(read_line(r, (size_t)len, n, is_first));
        is_first = false;
    }
    if (ferror(r->file))
        return qvl_file_fail("cannot read file", r->path, errno,
                             "its content", r->err);
    return QVL_OK;
}

int eval_read_rows(const char *path, eval_row_fn *take, void *ctx, qvl_err *err)
{
    reading r = { .path = path, .take = take, .ctx = ctx, .err = err };
    r.file = fopen(path, "r");
    if (r.file == NULL)
        return qvl_file_fail("cannot open file", path, errno, "a readable file",
                             err);
    int rc = qvl_guard(read_lines, &r, err);
    fclose(r.file);
    free(r.line);
    qvl_arena_release(&r.arena);
    return rc;
}

int eval_write(const char *path, const qvl_str *text, qvl_err *err)
{
    if (strcmp(path, "-") != 0)
        return qvl_file_write_all(path, text->p, text->len, err);
    if (fwrite(text->p, 1, text->len, stdout) != text->len
        || fflush(stdout) != 0)
        return cmd_fail_output(err);
    return QVL_OK;
}

int eval_read_number(const char *flag, const char *text, double least,
                     double most, double *out, qvl_err *err)
{
    double v;
    if (!qvl_node_read_float(text, strlen(text), &v) || !(v >= least)
        || !(v <= most))
        return qvl_fail(err, QVL_E_USAGE, "flag --%s: found %s, expected a "
                        "number from %g to %g", flag, text, least, most);
    *out = v;
    return QVL_OK;
}
