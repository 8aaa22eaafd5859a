/* eval_file.c - rows of a file with answers, and reports
 *
 * One row is in memory at a time.
 */
#include <stdio.h>
#include <string.h>

#include "answer_file.h"
#include "base/file.h"
#include "cmd.h"
#include "eval.h"

typedef struct {
    answer_file file;
    qvl_arena arena;  // of one row
    eval_row_fn *take;
    void *ctx;
    qvl_err *err;
} reading;

static int read_rows(void *arg)
{
    reading *r = arg;
    for (;;) {
        const qvl_node *row;
        qvl_arena_reset(&r->arena);
        QVL_TRY(answer_file_next(&r->file, &row, &r->arena, r->err));
        if (row == NULL)
            return QVL_OK;
        QVL_TRY(r->take(r->ctx, row, r->file.n_rows == 1, &r->arena, r->err));
    }
}

int eval_read_rows(const char *path, eval_row_fn *take, void *ctx, qvl_err *err)
{
    reading r = { .take = take, .ctx = ctx, .err = err };
    QVL_TRY(answer_file_open(&r.file, path, err));
    int rc = qvl_guard(read_rows, &r, err);
    answer_file_close(&r.file);
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
